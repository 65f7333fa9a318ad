"""GATE XML, bdoc and GATE JSON: which annotation sets are read, and what their annotations become.

Reading the files is in xml.py, bdoc.py and entities.py. GATE's types of annotation are layers here, under their own
names; `Token` and `Sentence` have the standard ones, and the option `mentions` names the types that are labels of
mentions.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from copydesk.articles.model import Article, Item, Range, Ref, Value, layer_of
from copydesk.articles.offsets import UTF16, converter
from copydesk.articles.units import Sample, folder, stem
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.gate.bdoc import GateAnnotation, GateDocument, GateRelation, read_bdoc
from copydesk.importers.gate.entities import read_json
from copydesk.importers.gate.xml import read_xml
from copydesk.project import Source
from copydesk.sources import RawRecord, Unit

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "mentions": {
        "type": "array",
        "items": {"type": "string", "minLength": 1},
        "description": "the annotation types that become labels of one layer, mentions; each other type is a layer",
    },
    "set": {
        "type": "string",
        "description": 'the annotation set that is read; "" is the default set',
    },
    "sets": {
        "enum": ["annotators"],
        "description": "annotators: every named set is one annotator's pass over the document",
    },
}
TAKES = ("articles",)

ORIGINAL = "Original markups"
"""The set in which GATE keeps the markup of the file that it made the document from."""

_BDOC = (".bdocjs", ".bdocjson", ".bdocsjson", ".bdocym", ".bdocmp")
_JSONS = (".json", ".jsonl", ".ndjson")
_ENTITY = re.compile(rb'\[\s*\{\s*"indices"\s*:\s*\[')
_STANDARD = {"Token": "tokens", "Sentence": "sentences"}
_NOT_WORD = re.compile(r"\W")
_MOST_BYTES = 256 * 2**20


def sniff(sample: Sample) -> int:
    """bdoc by its names or keys, XML by its root; JSON with entities by the offsets that begin each of them."""
    if any(_plain_name(name).endswith(_BDOC) for name in sample.names):
        return 95
    best = 0
    for name in [name for name in sample.names if name.lower().endswith((".xml", *_JSONS))][:5]:
        head, json = sample.head(name), name.lower().endswith(_JSONS)
        if b"<GateDocument" in head or (b'"annotation_sets"' in head and json):
            return 95
        if json and b'"entities"' in head and b'"indices"' in head:  # in tweets they come last
            best = max(best, 90 if _ENTITY.search(head) else 40)
    return best


def _plain_name(name: str) -> str:
    return name.lower().removesuffix(".gz")


def units(source: Source, names: Sequence[str]) -> Iterator[Unit]:
    """One unit a file. Where there is JSON among more files of XML or bdoc, it is something else."""
    others = Counter(folder(name) for name in names if _plain_name(name).endswith((".xml", *_BDOC)))
    tables = Counter(folder(name) for name in names if _plain_name(name).endswith(_JSONS))
    for name in names:
        plain = _plain_name(name)
        aside = plain.endswith(_JSONS) and tables[folder(name)] < others[folder(name)]
        if plain.endswith((".xml", *_BDOC, *_JSONS)) and not aside:
            yield Unit(files=(name,), name=stem(name[: len(plain)]))


def read(root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Diagnostic]:
    """The document of a file, once for each annotation set that is a pass over it.

    Without an option that is the default set; if that is empty, the named ones, but for the original markup.
    """
    loaded = _load(source, raw)
    taken = _names(raw, [document for document in loaded if isinstance(document, GateDocument)])
    for document in loaded:
        if isinstance(document, Diagnostic):
            yield document
        else:
            yield from _articles(document, next(taken), source, raw)


def _articles(document: GateDocument, called: str, source: Source, raw: RawRecord) -> Iterator[Article]:
    wanted = source.options.get("set")
    chosen = (
        [wanted] if isinstance(wanted, str) else _passes(document, every=source.options.get("sets") == "annotators")
    )
    for name in chosen:
        article = _article(document, name, raw, frozenset(source.options.get("mentions", ())))
        article.id = called
        _count_others(article, document, chosen)
        if isinstance(wanted, str) and wanted not in document.sets and wanted:
            others = ", ".join(repr(other[:40]) for other in sorted(document.sets)[:6]) or "none"
            article.problem("I005", f"the document has no annotation set {wanted[:40]!r}; it has: {others}")
        yield article


def _names(raw: RawRecord, documents: Sequence[GateDocument]) -> Iterator[str]:
    """What the documents of a file are called: as the file; of several, by their ids, or else by their texts."""
    name = raw.name or stem(raw.file)
    own = [document.features.get("id_str", document.features.get("id")) for document in documents]
    if len(documents) < 2:
        yield from [name] * len(documents)
    elif all(isinstance(one, str | int) and one != "" for one in own) and len(set(own)) == len(own):
        yield from map(str, own)
    else:
        repeats: Counter[str] = Counter()
        for document in documents:
            digest = hashlib.sha256(document.text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
            repeats[digest] += 1
            yield f"{name}-{digest}" + (f"-{repeats[digest]}" if repeats[digest] > 1 else "")


def _load(source: Source, raw: RawRecord) -> list[GateDocument | Diagnostic]:
    data = raw.data
    if data.startswith(b"\x1f\x8b"):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
                data = stream.read(_MOST_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            return [Diagnostic(code="I010", place=Place(file=raw.file), message=f"it cannot be read: {error}")]
        if len(data) > _MOST_BYTES:
            message = f"it expands past {_MOST_BYTES:,} bytes"
            return [Diagnostic(code="I010", place=Place(file=raw.file), message=message)]
    plain = _plain_name(raw.file)
    if plain.endswith(".xml"):
        return [read_xml(data, raw.file)]
    if plain.endswith(_JSONS):
        return list(read_json(data, raw.file, source.encoding))
    return [read_bdoc(data, raw.file, source.encoding)]


def _passes(document: GateDocument, *, every: bool) -> list[str]:
    """The names of the sets that are read."""
    named = [name for name in document.sets if name not in ("", ORIGINAL)]
    if every:
        return named or [""]
    default = document.sets.get("")
    if default is not None and (default.annotations or default.problems):
        return [""]
    return [name for name in named if document.sets[name].annotations or document.sets[name].problems] or [""]


def _article(document: GateDocument, name: str, raw: RawRecord, gathered: frozenset[str]) -> Article:
    chosen = document.sets.get(name)
    article = Article(
        id=raw.name or stem(raw.file),
        text=document.text,
        file=raw.file,
        line=document.line,
        pointer=document.pointer,
        values=_values(document.features, {"id", "text", "document_name"}, article_name=document.name),
        annotator=name or None,
        unit=document.unit,
    )
    article.left_out += document.left_out
    for problem in [*document.problems, *(chosen.problems if chosen else ())]:
        article.problem(problem.code, problem.message, line=problem.line, pointer=problem.pointer)
    if chosen is not None:
        article.left_out += chosen.left_out
        known = _add_annotations(article, chosen.annotations, gathered)
        for relation in chosen.relations:
            _add_relation(article, relation, known)
    for layer in _STANDARD.values():  # GATE writes its sets in no order
        article.layers.get(layer, []).sort(key=lambda item: item.ranges)
    return article


def _count_others(article: Article, document: GateDocument, chosen: Sequence[str]) -> None:
    """Count what is in the sets that are not read."""
    for name, one in document.sets.items():
        words = f"the set {name}" if name else "the default set"
        if name not in chosen and one.annotations:
            article.left_out[f"annotations of {words}"] += len(one.annotations)
        if name not in chosen and one.relations:
            article.left_out[f"relations of {words}"] += len(one.relations)


def _identifier(name: str) -> str:
    """A name as letters, digits and underscores."""
    word = _NOT_WORD.sub("_", name.strip()) or "_"
    return f"_{word}" if word[0].isdigit() else word


def _values(features: Mapping[str, Value], taken: Iterable[str], article_name: str | None = None) -> dict[str, Value]:
    """Features under names that are identifiers and are not taken by what every item or article has."""
    used = set(taken)
    values: dict[str, Value] = {} if article_name is None else {"document_name": article_name}
    for name, value in features.items():
        word = _identifier(name)
        while word in used:
            word += "_"
        used.add(word)
        values[word] = value
    return values


def _add_annotations(
    article: Article, annotations: Sequence[GateAnnotation], gathered: frozenset[str]
) -> dict[str, Ref | None]:
    """Add the annotations of a set to their layers. Id -> the item; None for one that was not taken."""
    known: dict[str, Ref | None] = {}
    given = {annotation.id for annotation in annotations}
    made = (name for n in itertools.count(1) if (name := f"m{n}") not in given)
    point = _points(article.text or "", article.unit)
    for annotation in annotations:
        identifier = annotation.id if annotation.id is not None else next(made)
        words = f"{annotation.type[:40]} {identifier[:20]!r}"
        if identifier in known:
            message = f"the {words} has the id of an earlier annotation, which is kept"
            article.problem("I006", message, line=annotation.line, pointer=annotation.pointer)
            continue
        known[identifier] = None
        if annotation.type == "SpaceToken":
            article.left_out["space tokens"] += 1
            continue
        span = point(annotation.start), point(annotation.end)
        if span[0] is None or span[1] is None:
            at = annotation.start if span[0] is None else annotation.end
            message = f"the {words} begins or ends at {at}, inside a character"
            article.problem("I019", message, line=annotation.line, pointer=annotation.pointer)
            continue
        home = (
            "mentions"
            if annotation.type in gathered
            else _STANDARD.get(annotation.type) or _identifier(annotation.type)
        )
        label = annotation.type if annotation.type in gathered else None
        ranges: tuple[Range, ...] = ((span[0], span[1]),)
        taken = {"id", "start", "end", "fragments", *({"label"} if label else ())}
        item = Item(id=identifier, ranges=ranges, label=label, values=_values(annotation.features, taken))
        item.line, item.pointer = annotation.line, annotation.pointer
        layer_of(article, home).append(item)
        known[identifier] = Ref(home, identifier)
    return known


def _points(text: str, unit: str) -> Callable[[int], int | None]:
    """A function from offsets in `unit` to code points; None for one inside a character.

    Offsets outside the text stay outside: the checks say so.
    """
    convert = converter(text, unit)
    size = len(text.encode("utf-16-le", "surrogatepass")) // 2 if unit == UTF16 else len(text)

    def point(offset: int) -> int | None:
        if offset > size:
            return offset - size + len(text)
        return offset if offset < 0 else convert(offset)

    return point


def _add_relation(article: Article, relation: GateRelation, known: dict[str, Ref | None]) -> None:
    """A relation between any number of annotations: each member under the name of its layer, as a property that
    refers to items names one layer; head and tail too where both are mentions."""
    words = f"{relation.type[:40]} {relation.id[:20]!r}"
    if relation.id in known:
        message = f"the relation {words} has the id of an earlier annotation, which is kept"
        article.problem("I006", message, line=relation.line)
        return
    for member in relation.members:
        if member not in known:
            message = f"the relation {words} names the annotation {member[:20]!r}, which is not in its set"
            article.problem("I003", message, line=relation.line)
            return
    refs = [ref for member in relation.members if (ref := known[member]) is not None]
    if len(refs) < len(relation.members):
        article.left_out["relations of annotations that were left out"] += 1
        return
    values: dict[str, Value] = {"members": [{ref.layer: ref} for ref in refs]}
    if len(refs) == 2 and all(ref.layer == "mentions" for ref in refs):
        values |= {"head": refs[0], "tail": refs[1]}
    values |= _values(relation.features, {"id", "label", "members", "head", "tail"})
    item = Item(id=relation.id, label=relation.type, values=values, line=relation.line)
    layer_of(article, "relations").append(item)
    known[item.id] = Ref("relations", item.id)
