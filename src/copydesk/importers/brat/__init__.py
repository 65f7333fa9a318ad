"""brat standoff: a text and, beside it, an .ann file with an annotation a line. Which lines there are: lines.py.

Everybody's .ann file on one text is a pass over it. The files .a1 and .a2 (.co, .rel) of the BioNLP shared tasks are
one: brat reads them as one too. Offsets count code points in brat; files that other programs wrote are told by the
strings they give for their spans.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from copydesk.articles.model import Article
from copydesk.articles.units import Sample, decode, stem
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.brat import lines as brat
from copydesk.importers.brat.article import Assembly, place_in_files
from copydesk.importers.brat.files import Pass, documents, is_annotation
from copydesk.importers.brat.settings import Declared, declared
from copydesk.importers.heads import head_text, heads
from copydesk.project import Source
from copydesk.sources import RawRecord, Unit

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "annotators": {
        "anyOf": [{"enum": ["files", "folders", "none"]}, {"type": "array", "items": {"type": "string"}}],
        "description": "where the names of several annotators of a text are: `files`, a_kim.ann and a.ann2 beside "
        "a.txt; `folders`, kim/a.ann; the names of the folders, if others lie below them; `none`. Default: files",
    },
}
TAKES = ("articles",)

_CONF = "annotation.conf"
_ASIDE = re.compile(r"(annotation|visual|tools|kb_shortcuts|acl)\.conf|\.stats_cache|.*~|.*\.ann\.(bak|orig|old|swp)")


def sniff(sample: Sample) -> int:
    """An .ann file with a brat line in its head; less sure where its tabs are lost, or where all of them are empty."""
    annotations = [name for name in sample.names if is_annotation(name)]
    best = 0
    for _, head in heads(sample, annotations):
        lines = head.split("\n")
        best = max(best, 95 if any(map(brat.is_annotation, lines)) else 75 * any(map(brat.is_edited_span, lines)))
        if best == 95:
            return best
    texts = {stem(name) for name in sample.names if name.lower().endswith(".txt")}
    beside = [name for name in annotations[:20] if stem(name) in texts and not head_text(sample.head(name)).strip()]
    return best or (60 if beside else 0)


def units(source: Source, names: Sequence[str]) -> Iterator[Unit]:
    """One unit a text, with all .ann files on it and the annotation.conf that holds for it.

    brat's other settings, and copies that editors leave, go with the first: they are known, and not read.
    """
    found = documents(names, source.options.get("annotators", "files"))
    known = set(names)
    confs = [_nearest_conf(document.files()[0], known) for document in found]
    aside = [name for name in sorted(known.difference(confs)) if _ASIDE.fullmatch(PurePosixPath(name).name)]
    for document, conf in zip(found, confs, strict=True):
        yield Unit(files=(*document.files(), *([conf] if conf else []), *aside), name=document.stem)
        aside = []


def read(root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Diagnostic]:
    """The passes over one text, one article each.

    I004 where there is no text, I005 where there are no annotations, I001 where an .ann file is something else, S002.
    """
    files = {raw.file: raw.data, **raw.beside}
    conf = _nearest_conf(raw.file, set(files))
    settings = declared(files[conf]) if conf else Declared()
    for document in documents(sorted(files), source.options.get("annotators", "files")):
        name = raw.name or document.stem
        reader = _Reader(name, files, source.encoding, settings)
        for one in document.passes:
            yield reader.read(one)
        for file in document.texts if not document.passes else ():
            yield reader.bare(file)


class _Reader:
    """The passes over the text of one name."""

    def __init__(self, name: str, files: Mapping[str, bytes], encoding: str, settings: Declared) -> None:
        self.name, self.files, self.encoding, self.settings = name, files, encoding, settings

    def decode(self, file: str) -> tuple[str, bool] | Diagnostic:
        return decode(self.files[file], file, self.encoding)

    def read(self, one: Pass) -> Article | Diagnostic:
        """One pass over a text."""
        first = one.files[0]
        if one.text is None:
            place = Place(file=first, record=self.name)
            return Diagnostic(code="I004", place=place, message=f"there is no {PurePosixPath(self.name).name}.txt")
        text = self.decode(one.text)
        if isinstance(text, Diagnostic):
            return text
        starts: list[tuple[str, int]] = []
        contents: list[str] = []
        lines: list[brat.Line] = []
        number = 1
        for file in one.files:
            written = self.decode(file)
            if isinstance(written, Diagnostic):
                return written
            contents.append(written[0] if "\n" in written[0] else written[0].replace("\r", "\n"))  # of old Macs
            lines += brat.parse_lines(contents[-1], number)
            starts.append((file, number))
            number += contents[-1].count("\n") + 1
        if any(content.strip() for content in contents) and not any(map(brat.looks_like_brat, contents)):
            message = f"no line of {PurePosixPath(first).name} is an annotation of brat's"
            return Diagnostic(code="I001", place=Place(file=first, line=1, record=self.name), message=message)
        article = Article(id=self.name, text=text[0], file=first, annotator=one.annotator)
        Assembly(article, self.settings).run(lines, bom=text[1])
        if len(starts) > 1:
            place_in_files(article, starts)
        return article

    def bare(self, file: str) -> Article | Diagnostic:
        """A text that has no annotations."""
        text = self.decode(file)
        if isinstance(text, Diagnostic):
            return text
        article = Article(id=self.name, text=text[0], file=file)
        article.problem("I005", f"there is no {PurePosixPath(self.name).name}.ann with annotations")
        return article


def declared_labels(conf: bytes) -> dict[str, tuple[str, ...]]:
    """Layer -> its labels as an annotation.conf declares them, in its order; layers without labels are left out.

    Triggers are mentions too, so the types of events are labels of both. Never raises.
    """
    found = declared(conf)
    layers = {
        "mentions": tuple(dict.fromkeys([*found.entities, *found.events])),
        "relations": found.relations,
        "events": found.events,
        "equivalences": found.equivalences,
    }
    return {layer: labels for layer, labels in layers.items() if labels}


def declared_values(conf: bytes) -> dict[str, tuple[str, ...]]:
    """Attribute -> its values as an annotation.conf declares them; none for a binary attribute. Never raises."""
    return dict(declared(conf).attributes)


def _nearest_conf(file: str, known: set[str]) -> str | None:
    """The annotation.conf in the folder of a file, or in the nearest one above, as brat itself looks for it."""
    candidates = ((above / _CONF).as_posix() for above in PurePosixPath(file).parents)
    return next((name for name in candidates if name in known), None)
