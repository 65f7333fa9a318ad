"""Rows of Parquet, CSV and JSON lines as articles, by a mapping of fields: `[source.options]` says which is what.

Annotations are in the row itself, or in files of their own that name the article. Guesses nothing but defaults.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from copydesk import jsontext
from copydesk.articles.model import Article, Range
from copydesk.articles.units import Sample, folder, stem
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.fields.heads import heads
from copydesk.importers.fields.layers import Found, add_layers, nested
from copydesk.importers.fields.options import OPTIONS, Fields, Layer, fields_of
from copydesk.importers.fields.rows import SUFFIXES, TABLES, Reading, Row, read_line, read_rows
from copydesk.importers.fields.tokens import add_tokens, token_text
from copydesk.importers.fields.values import (
    MISSING,
    Damaged,
    identifier,
    is_index,
    pick,
    property_name,
    shown,
    tidy,
    top,
)
from copydesk.project import Source
from copydesk.sources import RawRecord, Unit

__all__ = ["OPTIONS", "TAKES", "articles_of", "read", "sniff", "units"]

TAKES = ("articles",)

_SHOWN = 8


def sniff(sample: Sample) -> int:
    """Any table or JSON with a text could be meant; a format that knows its own files is surer."""
    return max((_sure(name.lower(), head) for name, head in heads(sample, *SUFFIXES)), default=0)


def _sure(name: str, head: bytes) -> int:
    if name.endswith(TABLES):
        return 20 if head.startswith((b"PAR1", b"ARROW1", b"\xff\xff\xff\xff")) else 0
    if name.endswith((".csv", ".tsv")):
        lines = [line for line in head.split(b"\n")[:2] if not line.startswith(b"sep=")]
        return 10 if lines and b"text" in lines[0].lower() else 0
    return 10 if b'"text"' in head else 0


def units(source: Source, names: Sequence[str]) -> Iterator[Unit]:
    """Each file of rows; with layers in files of their own, all that lies in one folder."""
    fields = fields_of(source.options)
    readable = [name for name in names if name.lower().endswith(SUFFIXES)]
    if not fields.files:
        for name in readable:
            yield Unit(files=(name,), name=stem(name), lines=_in_pieces(source, fields, name))
        return
    folders: dict[str, list[str]] = {}
    for name in readable:
        folders.setdefault(folder(name), []).append(name)
    for _, here in sorted(folders.items()):
        beside = [name for name in here if PurePosixPath(name).name in fields.files]
        documents = [name for name in here if name not in beside]
        if documents:
            yield Unit(files=(*documents, *beside), name=stem(documents[0]))


def _in_pieces(source: Source, fields: Fields, name: str) -> bool:
    """Whether a file may be cut at line ends: ids made from texts have to know of each other, so ids are declared."""
    utf8 = source.encoding.lower().replace("_", "-") in {"utf-8", "utf8"}
    return name.endswith((".jsonl", ".ndjson")) and utf8 and "id" in fields.said and "rows" not in source.options


def read(root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Diagnostic]:
    """The articles of one unit, in the order of their rows; then what the other files say of articles not there."""
    fields = fields_of(source.options)
    reading = Reading(
        encoding=source.encoding,
        delimiter=source.options.get("delimiter"),
        rows=source.options.get("rows"),
        keep=frozenset({fields.text}),
    )
    if not fields.files and _in_pieces(source, fields, raw.file):
        row = read_line(raw.data, raw.file, raw.line, reading)
        yield from articles_of([row], fields, raw.name, {})
        return
    files = {PurePosixPath(name).name: (name, data) for name, data in raw.beside.items()}
    documents = [(raw.file, raw.data), *(files[name] for name in files if name not in fields.files)]
    beside: dict[str, Beside] = {}
    for layer in fields.layers:
        if layer.file is not None and layer.file in files:
            beside[layer.name], lost = _beside(layer, *files[layer.file], reading)
            yield from lost
    rows = (row for name, data in documents for row in read_rows(data, name, reading))
    yield from articles_of(rows, fields, raw.name, beside)
    for layer in fields.layers:
        yield from _unclaimed(layer, beside.get(layer.name), raw.file)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The items of a layer that has a file of its own: article -> items. `claimed`: articles that were read."""

    items: dict[str, list[Found]]
    claimed: set[str]


def _beside(layer: Layer, file: str, data: bytes, reading: Reading) -> tuple[Beside, list[Diagnostic]]:
    items: dict[str, list[Found]] = {}
    lost: list[Diagnostic] = []
    for row in read_rows(data, file, reading):
        if isinstance(row, Diagnostic):
            lost.append(row)
            continue
        article = identifier(pick(row.values, layer.article))
        if article is None:
            message = f"{layer.article!r}, which names the article, is {shown(pick(row.values, layer.article))}"
            lost.append(_lost(row, "I003", message))
            continue
        lost += [_lost(row, code, message, pointer) for code, message, pointer in row.notes]
        here = items.setdefault(article, [])
        here.append(Found(values=row.values, file=file, line=row.line, pointer=row.pointer, number=len(here)))
    return Beside(items=items, claimed=set()), lost


def _unclaimed(layer: Layer, beside: Beside | None, documents: str) -> Iterator[Diagnostic]:
    for article, items in beside.items.items() if beside is not None else ():
        if beside is not None and article not in beside.claimed:
            first = items[0]
            place = Place(file=first.file, line=first.line or None, pointer=first.pointer or None)
            message = f"{len(items)} items of {layer.name} are of article {shown(article)}, which is not in {documents}"
            yield Diagnostic(code="I003", place=place, message=message)


def _lost(row: Row, code: str, message: str, pointer: str = "", help: str | None = None) -> Diagnostic:
    place = Place(file=row.file, line=row.line or None, pointer=(row.pointer + pointer) or None)
    return Diagnostic(code=code, place=place, message=message, help=help)


def articles_of(
    rows: Iterable[Row | Diagnostic],
    fields: Fields,
    name: str,
    beside: Mapping[str, Beside],
    extra: Mapping[str, str] | None = None,
) -> Iterator[Article | Diagnostic]:
    """The articles that rows are. `name`: that of the unit. `extra`: values that every article has besides its own."""
    seen: set[tuple[str, str | None]] = set()
    made: Counter[str] = Counter()
    checked: set[str] = set()
    useless: set[str] = set()
    for row in rows:
        if isinstance(row, Diagnostic):
            yield row
            continue
        if row.file in useless:
            continue
        if row.columns is not None and row.file not in checked:
            checked.add(row.file)
            if missing := _missing_columns(row.columns, fields):
                known = ", ".join(row.columns[:_SHOWN]) + (", …" if len(row.columns) > _SHOWN else "")
                message = f"the file has no column {shown(missing)}; it has {known}"
                yield Diagnostic(code="I001", place=Place(file=row.file), message=message)
                useless.add(row.file)
                continue
        article = _article(row, fields, name, beside, made, extra or {})
        if isinstance(article, Diagnostic):
            yield article
        elif (article.id, article.annotator) in seen:
            message = f"the id {shown(article.id)} stands twice"
            yield replace(_lost(row, "I006", message), place=article.place())
        else:
            seen.add((article.id, article.annotator))
            yield article


def _missing_columns(columns: Sequence[str], fields: Fields) -> str | None:
    needed = [fields.tokens or fields.text, *fields.token_columns, *(rule.field for rule in fields.tags)]
    needed += [layer.field for layer in fields.layers if layer.field is not None]
    needed += [fields.id] if "id" in fields.said else []
    needed += [fields.annotator] if fields.annotator is not None else []
    return next((name for name in needed if top(name, columns) not in columns), None)


def _article(
    row: Row,
    fields: Fields,
    name: str,
    beside: Mapping[str, Beside],
    made: Counter[str],
    extra: Mapping[str, str],
) -> Article | Diagnostic:
    """The article that a row is, or why it is none."""
    try:
        text, tokens = _text(row, fields)
        identity = _identity(row, fields, name, text, made)
    except _Lost as lost:
        return _lost(row, lost.code, str(lost), help=lost.help)
    article = Article(id=identity, text=text, file=row.file, line=row.line, pointer=row.pointer)
    if fields.annotator is not None:
        article.annotator = identifier(pick(row.values, fields.annotator))
    for code, message, pointer in row.notes:
        article.problem(code, message, line=row.inner, pointer=row.pointer + pointer)
    _add_values(article, row, fields, extra)
    if fields.tokens is not None:
        add_tokens(article, row.values, tokens, fields)
    found: dict[str, list[Found]] = {}
    for layer in fields.layers:
        if layer.file is None:
            found[layer.name] = _nested(article, row, layer)
        elif layer.name in beside:
            beside[layer.name].claimed.add(identity)
            found[layer.name] = beside[layer.name].items.get(identity, [])
        else:
            article.problem("I005", f"{layer.file} is not beside {PurePosixPath(row.file).name}")
    add_layers(article, found, fields.layers, fields.offsets, tokens)
    return article


class _Lost(Exception):  # noqa: N818 - carries a finding
    """The row is no article."""

    def __init__(self, code: str, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.code, self.help = code, help


def _text(row: Row, fields: Fields) -> tuple[str, list[Range]]:
    """The text of a row, with the ranges of its tokens if it is given as tokens."""
    name = fields.tokens or fields.text
    value = pick(row.values, name)
    if value is MISSING or value is None:
        raise _Lost("I004", f"the row has no text: its field {shown(name)} is missing or null")
    if fields.tokens is not None:
        try:
            return token_text(value)
        except Damaged as damaged:
            raise _Lost("I004", str(damaged)) from None
    if isinstance(value, bytes):  # Parquet files of some writers do not say that their bytes are text
        try:
            return value.decode("utf-8"), []
        except UnicodeDecodeError as error:
            raise _Lost("S002", f"byte 0x{value[error.start]:02x} of the text is not UTF-8") from None
    if isinstance(value, str):
        return value, []
    hint = f'if these are tokens, say so: tokens = "{name}"' if isinstance(value, list) else None
    raise _Lost("I004", f"the text is {shown(value)}, no string", hint)


def _identity(row: Row, fields: Fields, name: str, text: str, made: Counter[str]) -> str:
    """The id of a row: its own, or the file's name where the file is this row, or one made from the text."""
    value = pick(row.values, fields.id)
    if (value is MISSING or value is None) and "id" not in fields.said:
        if row.alone:
            return name
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        made[digest] += 1
        return f"{name}-{digest}" + (f"-{made[digest]}" if made[digest] > 1 else "")
    own = identifier(value)
    if own is None:
        raise _Lost("I002", f"the id of the row, {fields.id!r}, is {shown(value)}")
    return own


def _add_values(article: Article, row: Row, fields: Fields, extra: Mapping[str, str]) -> None:
    """Everything that is not the id, the text or an annotation is a value of the article."""
    used = [fields.tokens or fields.text, *fields.token_columns, *(rule.field for rule in fields.tags)]
    used += [layer.field for layer in fields.layers if layer.field is not None]
    used += [name for name in (fields.id, fields.annotator) if name is not None]
    gone = {top(path, row.values) for path in used}
    taken = {"id", "text", *(layer.name for layer in fields.layers), *(rule.layer for rule in fields.tags)}
    taken |= {"tokens"} if fields.tokens is not None else set()
    article.values.update(extra)
    for name, value in row.values.items():
        if is_index(name):
            article.left_out["index columns"] += 1
        elif name not in gone:
            article.values[property_name(name, {*taken, *article.values})] = tidy(value, article.left_out)


def _nested(article: Article, row: Row, layer: Layer) -> list[Found]:
    """The items of a layer that is a field of the row."""
    path = layer.field or layer.name
    value = pick(row.values, path)
    if value is MISSING:
        article.problem("I005", f"the row has no field {shown(path)}", line=row.inner, pointer=row.pointer)
        return []
    steps = [path] if path in row.values else path.split(".")
    pointer = row.pointer + jsontext.pointer_to(steps)
    out: list[Found] = []
    for found in nested(layer, value, row.file, row.inner, pointer):
        if isinstance(found, str):
            article.problem("I002", found, line=row.inner, pointer=pointer)
        else:
            out.append(found)
    return out
