"""copydesk's own format: JSON objects with the properties of the contract, one a file or one a line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from copydesk import jsontext
from copydesk.archives import compressed
from copydesk.articles.record import Record, locator
from copydesk.articles.units import Sample, stem
from copydesk.diagnostics import Diagnostic, Place
from copydesk.project import Source
from copydesk.sources import RawRecord, Unit, in_lines, read_document

OPTIONS: Mapping[str, Mapping[str, Any]] = {}
TAKES = ("records",)


def sniff(sample: Sample) -> int:
    """Native records stand in a project, which says so itself; nothing is guessed."""
    return 0


def units(source: Source, names: Sequence[str]) -> Iterator[Unit]:
    """Each file, whatever it is called; JSON lines can be cut, and may be compressed."""
    for name in names:
        yield Unit(files=(name,), name=stem(compressed(name) or name), lines=in_lines(name))


def read(root: Path, source: Source, raw: RawRecord) -> Iterator[Record | Diagnostic]:
    """copydesk's own JSON: one object a file, or a line. It has the properties of the contract.

    An article has its `text`, or a `document` with `path` and `sha256`, from which the text is read. Properties that
    the source's `defaults` name are filled in where the record leaves them out.
    """
    try:
        value, canonical = jsontext.loads_with_line(raw.data)
    except jsontext.JsonError as error:
        line = raw.line + (error.line or 1) - 1
        place = Place(file=raw.file, line=line, column=error.column)
        hint = "in a file of JSON lines each line is one whole record" if in_lines(raw.file) else None
        yield Diagnostic(code=error.code, place=place, message=error.message, help=hint)
        return
    if not isinstance(value, dict):
        place = Place(file=raw.file, line=raw.line)
        yield Diagnostic(code="S007", place=place, message="a record is a JSON object; this is none")
        return
    whole = {**source.defaults, **value} if source.defaults else value
    document = whole.get("document")
    written = None if isinstance(document, Mapping) else _written(source.defaults, value, canonical)
    record = Record(kind=source.kind, value=whole, locate=locator(raw, value.get("id")), written=written)
    if isinstance(document, Mapping):
        problem = _read_text(root, record, document)
        if problem is not None:
            yield problem
            return
    yield record


def _written(defaults: Mapping[str, Any], value: Mapping[str, Any], line: bytes | None) -> bytes | None:
    """The canonical form of a record with its defaults, which stand before what it has itself; None if they meet."""
    if line is None or not defaults:
        return line
    if not value or not defaults.keys().isdisjoint(value):
        return None
    return jsontext.dump_line(dict(defaults)).removesuffix(b"}\n") + b"," + line[1:]


def _read_text(root: Path, record: Record, document: Mapping[str, Any]) -> Diagnostic | None:
    """Put the text of the document into the record, or say why that cannot be; a text that is given must be it."""
    path, pinned = document.get("path"), document.get("sha256")
    if not isinstance(path, str) or not isinstance(pinned, str):
        return None  # the contract says what is missing
    data = read_document(root, path)
    if isinstance(data, tuple):
        code, message = data
        return Diagnostic(code=code, place=record.locate("/document/path"), message=message)
    actual = hashlib.sha256(data).hexdigest()
    if actual != pinned.lower():
        return Diagnostic(
            code="S008",
            place=record.locate("/document/sha256"),
            message=f"{path} has SHA-256 {actual[:12]}…; the record pins {pinned[:12]}…",
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8"
        place = Place(file=path, line=line, record=record.id)
        return Diagnostic(code="S002", place=place, message=message)
    if record.value.setdefault("text", text) != text:
        message = f"the record has a text of its own, which is not that of {path}"
        return Diagnostic(code="S008", place=record.locate("/text"), message=message)
    return None
