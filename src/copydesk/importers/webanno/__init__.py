"""WebAnno TSV 3, as WebAnno and INCEpTION export it: one file a document, or project exports with all annotators.

webanno_tsv.py reads the lines, webanno_text.py puts the text together, webanno_layers.py makes the layers. TSV 1 and 2
are refused: they hold no offsets, and no text but the tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from copydesk.articles.model import Article
from copydesk.articles.units import Sample, decode, stem
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.cas.values import property_name
from copydesk.importers.webanno.layers import fill
from copydesk.importers.webanno.text import place
from copydesk.importers.webanno.tsv import Document, parse
from copydesk.project import Source
from copydesk.sources import RawRecord, Unit

OPTIONS: Mapping[str, Mapping[str, Any]] = {}
TAKES = ("articles",)

CURATED, INITIAL = "CURATION_USER", "INITIAL_CAS"
_PROJECT = re.compile(r"(?P<root>(?:.*/)?)(?P<kind>annotation|curation)/(?P<document>[^/]+)/(?P<who>[^/]+)(?:/.*)?")
_SETTINGS = re.compile(r"(?P<root>(?:.*/)?)exportedproject[^/]*")
_OLD = re.compile(r"\s*#\s*[\w.]+\s*\||#id=\d+\s*\n#text=")


def sniff(sample: Sample) -> int:
    """Sure of files with the format line; the older TSV is told too, so that somebody is told why not."""
    heads = [sample.head(name).decode("utf-8", "replace") for name in sample.names if _is_tsv(name)][:20]
    if any(head.lstrip("\ufeff \r\n").startswith("#FORMAT=WebAnno TSV ") for head in heads):
        return 98
    return 40 if any(_OLD.match(head.lstrip("\ufeff").replace("\r\n", "\n")) for head in heads) else 0


def _is_tsv(name: str) -> bool:
    return name.lower().endswith(".tsv")


def units(source: Source, names: Sequence[str]) -> Iterator[Unit]:
    """One unit a file; in the export of a project, all that `annotation/` and `curation/` hold of a document.

    Such a document is called by its folder, without suffix where no other is called so then. The files in `source/`
    are what was uploaded to the project, and are not read.
    """
    projects = _projects(names)
    taken = {name for files in projects.values() for name in files}
    uploads = tuple(f"{root}source/" for root, _ in projects)
    for name in filter(_is_tsv, names):
        if name not in taken and not name.startswith(uploads):
            yield Unit(files=(name,), name=stem(name))
    plain = [(root, _plain_name(document)) for root, document in projects]
    for (root, document), files in projects.items():
        called = _plain_name(document) if plain.count((root, _plain_name(document))) == 1 else document
        files.sort(key=lambda name: _annotator(name) == INITIAL)
        yield Unit(files=tuple(files), name=f"{root}{called}")


def _plain_name(document: str) -> str:
    return re.sub(r"(?<=.)\.[A-Za-z][A-Za-z0-9]{0,5}$", "", document)


def _projects(names: Sequence[str]) -> dict[tuple[str, str], list[str]]:
    """(root, document) -> the files of its annotators, `annotation/<document>/<user>.tsv`.

    A folder `annotation` alone makes no project. There are the settings or the uploads of one, or what is below is
    called like a document (`a.txt`), or holds a curation or the document as it was.
    """
    matches = [(name, match) for name in names if (match := _PROJECT.fullmatch(name)) is not None]
    roots = {match["root"] for name in names if (match := _SETTINGS.fullmatch(name)) is not None}
    known = {(match["root"], match["document"]) for name, match in matches if _annotator(name) in {CURATED, INITIAL}}
    given, out = set(names), dict[tuple[str, str], list[str]]()
    for name, match in matches:
        root, document = match["root"], match["document"]
        sure = root in roots or f"{root}source/{document}" in given or (root, document) in known
        if _is_tsv(name) and (sure or _plain_name(document) != document):
            out.setdefault((root, document), []).append(name)
    return out


def _annotator(name: str) -> str | None:
    """Who annotated a file in the export of a project."""
    match = _PROJECT.fullmatch(name)
    return re.sub(r"\.(tsv|zip)$", "", match["who"], flags=re.IGNORECASE) if match is not None else None


def read(root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Diagnostic]:
    """One article a file: that of one annotator, or the curated one. Offsets count UTF-16 units.

    The document as it was before any annotator is an article only if nobody annotated it.
    """
    files = {raw.file: raw.data, **raw.beside}
    called = raw.name
    if raw.base.endswith(("annotation/", "curation/")):  # the paths lead into a project, the names of documents do not
        called = called.removeprefix(re.sub(r"[^/]+/$", "", raw.base))
    grouped = raw.name != stem(raw.file).removeprefix(raw.base)
    passes = [name for name in files if _annotator(name) != INITIAL] or list(files)
    before = len(files) - len(passes)
    for name in passes:
        decoded = decode(files[name], name, source.encoding)
        if isinstance(decoded, Diagnostic):
            yield decoded
            continue
        document = parse(decoded[0])
        if document is None or document.version[0] != 3:
            yield _refusal(name, decoded[0], document)
        elif not document.sentences:
            yield Diagnostic(code="I004", place=Place(file=name), message="the file has no sentences")
        else:
            document.left_out["documents as they were before any annotator"] += before
            before = 0
            yield _article(name, called, grouped, document)


def _refusal(file: str, text: str, document: Document | None) -> Diagnostic:
    message, hint = "the file does not begin with #FORMAT=WebAnno TSV 3", None
    if document is not None:
        message = f"the file is WebAnno TSV {document.version[0]}.{document.version[1]}; version 3 is read"
    elif _OLD.match(text.replace("\r\n", "\n")):
        message = "the file is WebAnno TSV 1 or 2, which has no offsets"
        hint = "import it into INCEpTION and export it as WebAnno TSV 3.3 or as UIMA CAS JSON"
    return Diagnostic(code="I001", place=Place(file=file, line=1), message=message, help=hint)


def _article(file: str, called: str, grouped: bool, document: Document) -> Article:
    text, unit = place(document)
    article = Article(id=called, text=text, file=file, unit=unit, left_out=+document.left_out)
    if grouped:
        who = _annotator(file)
        article.curated = who == CURATED or "/curation/" in f"/{file}"
        article.annotator = None if article.curated or who == INITIAL else who
    for comment, value in document.comments.items():
        article.values[property_name(comment or "_")] = value
    for code, line, message in document.found:
        article.problem(code, message, line=line)
    fill(article, document)
    return article
