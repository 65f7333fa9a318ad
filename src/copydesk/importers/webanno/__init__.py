"""WebAnno TSV 3, as WebAnno and INCEpTION export it: one file a document, or project exports with all annotators.

tsv.py reads the lines, text.py puts the text together, layers.py makes the layers; projects.py knows the exports. TSV 1
and 2 are refused: they hold no offsets, and no text but the tokens.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from copydesk.articles.model import Article
from copydesk.articles.units import Sample, decode, stem
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.webanno.layers import fill
from copydesk.importers.webanno.names import property_name
from copydesk.importers.webanno.projects import Pass, article_name, by_annotator, documents, pass_of
from copydesk.importers.webanno.text import place
from copydesk.importers.webanno.tsv import Document, parse
from copydesk.project import Source
from copydesk.sources import RawRecord, Unit

OPTIONS: Mapping[str, Mapping[str, Any]] = {}
TAKES = ("articles",)

_OLD = re.compile(r"\s*#\s*[\w.]+\s*\||#id=\d+\s*\n#text=")


def sniff(sample: Sample) -> int:
    """Sure of files with the format line; the older TSV is told too, so that somebody is told why not."""
    heads = [_head(sample.head(name)) for name in _tables(sample.names)[:20]]
    if any(head.lstrip("\ufeff \r\n").startswith("#FORMAT=WebAnno TSV ") for head in heads):
        return 98
    return 40 if any(_OLD.match(head.lstrip("\ufeff").replace("\r\n", "\n")) for head in heads) else 0


def _head(data: bytes) -> str:
    return data.decode("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8", "replace")


def _tables(names: Sequence[str], *, only_tsv: bool = False) -> list[str]:
    """The files that may be of this format: .tsv; where there is none, .txt and what has no suffix."""
    found = [name for name in names if name.lower().endswith(".tsv")]
    return (
        found if found or only_tsv else [name for name in names if PurePosixPath(name).suffix.lower() in {"", ".txt"}]
    )


def units(source: Source, names: Sequence[str]) -> Iterator[Unit]:
    """One unit a file; in the export of a project, the files of all annotators of a document."""
    found, others = documents(names, (".tsv",))
    for name in _tables(others, only_tsv=bool(found)):
        yield Unit(files=(name,), name=stem(name))
    for document in found:
        yield Unit(files=document.files, name=document.name)


def read(root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Diagnostic]:
    """One article a file: that of one annotator, or the curated one. Offsets count UTF-16 units.

    The document as it was before any annotator is an article only if nobody annotated it.
    """
    files = {raw.file: raw.data, **raw.beside}
    passes, before = by_annotator(raw, files)
    for name in passes:
        decoded = decode(files[name], name, source.encoding)
        if isinstance(decoded, Diagnostic):
            yield decoded
            continue
        parsed = parse(decoded[0])
        if not parsed:
            yield _refusal(name, decoded[0], None)
        taken: set[str] = set()
        for document in parsed:
            document.left_out["documents as they were before any annotator"] += before
            made = _article(name, article_name(raw), pass_of(raw, name), document)
            if isinstance(made, Article):
                before = 0
                if len(parsed) > 1:
                    made.id = _of_several(made, taken)
            yield made


def _of_several(article: Article, taken: set[str]) -> str:
    """An id that does not change when another document is put before it."""
    digest = hashlib.sha256((article.text or "").encode("utf-8", "surrogatepass")).hexdigest()[:8]
    name = next(
        name for n in itertools.count(1) if (name := f"{article.id}-{digest}" + (f"-{n}" if n > 1 else "")) not in taken
    )
    taken.add(name)
    return name


def _refusal(file: str, text: str, document: Document | None) -> Diagnostic:
    message, hint = "the file does not begin with #FORMAT=WebAnno TSV 3", None
    if document is not None:
        message = f"the file is WebAnno TSV {document.version[0]}.{document.version[1]}; version 3 is read"
    elif _OLD.match(text.replace("\r\n", "\n")):
        message = "the file is WebAnno TSV 1 or 2, which has no offsets"
        hint = "import it into INCEpTION and export it as WebAnno TSV 3.3 or as UIMA CAS JSON"
    line = document.line if document is not None else 1
    return Diagnostic(code="I001", place=Place(file=file, line=line), message=message, help=hint)


def _article(file: str, called: str, whose: Pass | None, document: Document) -> Article | Diagnostic:
    if document.version[0] != 3:
        return _refusal(file, "", document)
    if not document.sentences:
        return Diagnostic(code="I004", place=Place(file=file, line=document.line), message="the file has no sentences")
    text, unit = place(document)
    article = Article(id=called, text=text, file=file, line=document.line, unit=unit, left_out=+document.left_out)
    if whose is not None:
        article.curated, article.annotator = whose.curated, whose.annotator
    for comment, value in document.comments.items():
        article.values[property_name(comment or "_")] = value
    for code, line, message in document.found:
        article.problem(code, message, line=line)
    fill(article, document)
    return article
