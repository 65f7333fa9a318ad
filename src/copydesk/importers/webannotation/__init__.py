"""W3C Web Annotation (the Recommendation of 2017), as JSON-LD with the texts in files beside it.

The text of a target is the .txt file that its `source` names, or the only one of the unit, or stands in the source
itself as its `value`; nothing is fetched. Annotations of a part of a text become `mentions`, those that link two of
these `relations`; what is said of a whole text becomes a value of the article (`labels`, `notes`, `links`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from copydesk import jsontext
from copydesk.articles.model import Article
from copydesk.articles.units import Sample, decode, folder, stem
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.fields.heads import heads
from copydesk.importers.fields.jsonrows import as_utf8, json_rows
from copydesk.importers.fields.row import Reading, Row
from copydesk.importers.webannotation.model import (
    ARTICLE,
    LABELS,
    LONG,
    Annotation,
    Bad,
    Target,
    Where,
    annotation_of,
    walk,
)
from copydesk.importers.webannotation.texts import Document, Library, Links, articles_on
from copydesk.project import Source
from copydesk.sources import RawRecord, Unit

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "labels": {
        "type": "array",
        "items": {"type": "string"},
        "description": 'purposes whose bodies are labels, "none" for bodies without one; default tagging, classifying, '
        "identifying",
    },
    "creators": {
        "enum": ["apart", "together"],
        "description": "whether the annotations of each creator are a pass of their own (the default), or creator is "
        "a property of each annotation",
    },
}
TAKES = ("articles",)

_SUFFIXES = (".jsonld", ".json", ".jsonl", ".ndjson")


def sniff(sample: Sample) -> int:
    """The context of the Recommendation near the beginning of a file, or what only its relatives have."""
    return max((_sure(name, head) for name, head in heads(sample, *_SUFFIXES)), default=0)


def _sure(name: str, head: bytes) -> int:
    if b"www.w3.org/ns/anno.jsonld" in head:
        return 95
    if b'"acct:' in head and b'"target"' in head and b'"uri"' in head:  # Hypothesis
        return 92
    if b'"target"' in head and (b"TextPositionSelector" in head or b"TextQuoteSelector" in head):
        return 75
    if b'"bodies"' in head and b'"quote"' in head and b'"selector"' in head:  # Recogito
        return 75
    return 30 if name.lower().endswith(".jsonld") and b'"target"' in head else 0


def units(source: Source, names: Sequence[str]) -> Iterator[Unit]:
    """A file of annotations with the text of the same name; what has none goes with the other texts of its folder.

    Texts that lie beside several files belong to all of them, so these are one unit.
    """
    texts = [name for name in names if name.lower().endswith(".txt")]
    notes: dict[str, list[str]] = {}
    for name in names:
        if name.lower().endswith(_SUFFIXES):
            notes.setdefault(stem(name), []).append(name)
    twins = {stem(text): text for text in texts if stem(text) in notes}
    folders: dict[str, dict[str, list[str]]] = {}
    for name, files in notes.items():
        folders.setdefault(folder(files[0]), {})[name] = files
    others: dict[str, list[str]] = {}
    for text in texts:
        if stem(text) not in twins:
            others.setdefault(folder(text), []).append(text)
    for place, here in sorted(folders.items()):
        alone = [file for name, files in here.items() if name not in twins for file in files]
        shared = others.get(place, [])
        for name, files in here.items():
            if name in twins:
                yield Unit(files=(*files, twins[name]), name=name)
            elif not shared:
                yield Unit(files=tuple(files), name=name)
        if alone and shared:
            yield Unit(files=(*alone, *shared), name=stem(alone[0]))


def read(root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Diagnostic]:
    """The articles of one unit: one a text, or one a text and creator."""
    labels = source.options.get("labels", LABELS)
    files = {raw.file: raw.data, **raw.beside}
    library, places = Library(name=raw.name, base=raw.base), _Places(files)
    for name, data in files.items():
        if name.lower().endswith(".txt"):
            decoded = decode(data, name, source.encoding)
            if isinstance(decoded, Diagnostic):
                yield decoded
            else:
                library.add(name, *decoded)
    annotations: list[Annotation] = []
    for name, data in files.items():
        if name.lower().endswith(".txt"):
            continue
        document: Document | None = None
        for found in _load(name, data, source.encoding):
            if isinstance(found, Diagnostic):
                yield found
            elif isinstance(found, Bad):
                yield places.diagnostic(found.where, found.code, found.message)
            elif isinstance(own := found[0].get(ARTICLE), dict):
                document = library.exported(own, found[1])
            else:
                annotation = annotation_of(*found, labels)
                annotations.append(annotation)
                if document is not None and annotation.own is not None:
                    document.on.append((annotation, annotation.targets[0] if annotation.targets else Target()))
                    annotation.targets = []
    yield from _articles(library, annotations, places, apart=source.options.get("creators", "apart") == "apart")


def _load(name: str, data: bytes, encoding: str) -> Iterator[tuple[dict[str, object], Where] | Bad | Diagnostic]:
    """The annotations of a file: of its one JSON value, or of each line of it."""
    known = as_utf8(data, name, encoding)
    if isinstance(known, Diagnostic):
        yield known
        return
    whole: jsontext.JsonError | None = None
    try:
        value = jsontext.loads(known)
    except jsontext.JsonError as error:
        whole = error
    else:
        yield from walk(value, Where(file=name, pointer=""))
        return
    lines = [(number, line) for number, line in enumerate(known.split(b"\n"), 1) if line.strip()]
    read_one_by_one: list[tuple[dict[str, object], Where] | Bad | Diagnostic] = []
    if known.lstrip().startswith(b"["):
        read_one_by_one = [*_elements(name, known)]
    for number, line in lines if not read_one_by_one else ():
        try:
            read_one_by_one += walk(jsontext.loads(line), Where(file=name, pointer="", line=number))
        except jsontext.JsonError as error:
            place = Place(file=name, line=number, column=error.column)
            read_one_by_one.append(Diagnostic(code=error.code, place=place, message=error.message))
    if len(lines) > 1 and any(isinstance(found, tuple) for found in read_one_by_one):
        yield from read_one_by_one
    else:
        place = Place(file=name, line=whole.line, column=whole.column)
        yield Diagnostic(code=whole.code, place=place, message=whole.message)


def _elements(name: str, data: bytes) -> Iterator[tuple[dict[str, object], Where] | Bad | Diagnostic]:
    """The annotations of an array that is damaged somewhere: the others are read all the same."""
    for row in json_rows(data, f"{name}.json", Reading()):
        if isinstance(row, Row):
            yield from walk({**row.values}, Where(file=name, pointer=row.pointer, line=row.line))
        else:
            yield replace(row, place=replace(row.place, file=name))


class _Places:
    """Lines of pointers into the files of a unit; a file is walked once, and only if there is something to find."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._known: dict[str, tuple[str, dict[str, int]]] = {}

    def place(self, where: Where, record: str | None = None) -> Place:
        """The place of an annotation."""
        line = where.line
        if not line:
            if where.file not in self._known:
                decoded = decode(self._files[where.file], where.file)
                text = "" if isinstance(decoded, Diagnostic) else decoded[0]
                try:
                    self._known[where.file] = text, jsontext.positions(text)
                except (ValueError, LookupError):  # it is in another encoding
                    self._known[where.file] = text, {}
            text, known = self._known[where.file]
            line = text.count("\n", 0, known.get(where.pointer, 0)) + 1
        return Place(file=where.file, line=line, pointer=where.pointer or None, record=record)

    def diagnostic(self, where: Where, code: str, message: str, record: str | None = None) -> Diagnostic:
        return Diagnostic(code=code, place=self.place(where, record), message=message)


def _articles(
    library: Library, annotations: Sequence[Annotation], places: _Places, *, apart: bool
) -> Iterator[Article | Diagnostic]:
    """Every annotation to its text, every text as an article. What is of no text is noted on the first article."""
    known, kept, lost = _by_id(annotations, places)
    library.expect(t.source for a in kept for t in a.targets if t.source not in known)
    linking = [a for a in kept if a.own is None and _is_link(a, known)]
    links, are_links = Links(linking), {id(a) for a in linking}
    left_out: Counter[str] = Counter()
    for annotation in kept:
        on = [target for target in annotation.targets if target.source is None or target.source not in known]
        if id(annotation) in are_links or (annotation.own is not None and not on):
            continue
        left_out["annotations of annotations"] += len(on) < len(annotation.targets)
        for target in on:
            library.of(target, annotation.where).on.append((annotation, target))
        if not on:
            lost += [places.diagnostic(annotation.where, *problem) for problem in annotation.problems]
    without = 0
    for document in library.documents():
        if document.text is None:
            without += 1
            yield places.diagnostic(document.first, *_textless(document, library.texts), document.id)
            continue
        for article in articles_on(document, links, places.place, apart=apart):
            article.found.extend(lost)
            article.left_out.update(+left_out)
            lost, left_out = [], Counter()
            if not document.on and document.own is None and library.texts > 1:
                article.problem("I005", "no annotation is on this text")
            yield article
    yield from lost
    for link in links.rest() if not without else ():
        message = "the annotation links annotations that are no mentions"
        yield places.diagnostic(link.where, "I003", message)


def _textless(document: Document, texts: int) -> tuple[str, str]:
    """The code and words for annotations without a text."""
    if document.on and all(target.unusable and not target.parts for _, target in document.on):
        named = ", ".join(sorted({name for _, target in document.on for name in target.unusable}))[:LONG]
        return "I012", f"the targets are given by {named}, which a text does not have"
    if document.source is None:
        return "I004", f"the target does not say what it is on, and {texts or 'no'} texts are beside"
    return "I004", f"there is no text for {document.source[:LONG]!r}: no .txt file of that name is beside"


def _by_id(
    annotations: Sequence[Annotation], places: _Places
) -> tuple[dict[str, Annotation], list[Annotation], list[Diagnostic]]:
    """The annotations by id; those that are kept; what is wrong with the others."""
    known: dict[str, Annotation] = {}
    kept: list[Annotation] = []
    lost: list[Diagnostic] = []
    for annotation in annotations:
        if annotation.id is not None and annotation.id in known:
            message = f"the id {annotation.id[:LONG]!r} stands twice"
            lost.append(places.diagnostic(annotation.where, "I006", message))
            continue
        if annotation.id is not None:
            known[annotation.id] = annotation
        kept.append(annotation)
    return known, kept, lost


def _is_link(annotation: Annotation, known: Mapping[str, Annotation]) -> bool:
    """Whether an annotation says that other annotations belong together."""
    named = [target.source for target in annotation.targets if target.source in known]
    return bool(named) and ("linking" in annotation.motivations or bool(annotation.linked))
