"""Raw records -> records, by annotation format. An importer decodes; whether a record is right is for the checks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from copydesk import jsontext
from copydesk.diagnostics import Diagnostic, Place
from copydesk.project import Source
from copydesk.sources import RawRecord, in_lines, read_document


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One decoded record. `locate` gives the place of a JSON pointer in the annotator's own file."""

    kind: str
    value: dict[str, Any]
    locate: Callable[[str], Place]

    @property
    def id(self) -> str | None:
        identifier = self.value.get("id")
        return identifier if isinstance(identifier, str) else None


class Importer(Protocol):
    """What a format offers: the records of one raw record, or why there are none."""

    def __call__(self, root: Path, source: Source, raw: RawRecord) -> Iterator[Record | Diagnostic]: ...


def import_native(root: Path, source: Source, raw: RawRecord) -> Iterator[Record | Diagnostic]:
    """copydesk's own JSON: one object a file, or a line. It has the properties of the contract.

    An article has its `text`, or a `document` with `path` and `sha256`, from which the text is read. Properties that
    the source's `defaults` name are filled in where the record leaves them out.
    """
    try:
        value = jsontext.loads(raw.data)
    except jsontext.JsonError as error:
        line = raw.line + (error.line or 1) - 1
        place = Place(file=raw.file, line=line, column=error.column)
        yield Diagnostic(code=error.code, place=place, message=error.message)
        return
    if not isinstance(value, dict):
        place = Place(file=raw.file, line=raw.line)
        yield Diagnostic(code="S007", place=place, message="a record is a JSON object; this is none")
        return
    record = Record(kind=source.kind, value={**source.defaults, **value}, locate=_locator(raw, value.get("id")))
    document = value.get("document")
    if "text" not in value and isinstance(document, Mapping):
        problem = _read_text(root, record, document)
        if problem is not None:
            yield problem
            return
    yield record


def _locator(raw: RawRecord, identifier: object) -> Callable[[str], Place]:
    record = identifier if isinstance(identifier, str) else None

    def locate(pointer: str) -> Place:
        if not pointer:  # asked of every record; only findings are worth the walk
            return Place(file=raw.file, line=raw.line, record=record)
        text = raw.data.decode("utf-8")
        known = jsontext.positions(text)
        near = pointer
        while near not in known:  # the place of a property that is missing is its object's
            near = near.rpartition("/")[0]
        at = known[near]
        return Place(
            file=raw.file,
            line=raw.line + text.count("\n", 0, at),
            column=at - text.rfind("\n", 0, at),
            pointer=pointer,
            record=record,
        )

    return locate


def find_again(root: Path, record: Place, pointer: str) -> Place:
    """The place of a pointer in a record whose own place is known, for findings that come after the record was read.

    A record of a JSON lines file is on one line; for any other, its file is read once more.
    """
    same = replace(record, column=None, pointer=pointer)
    if in_lines(record.file):
        return same
    try:
        raw = RawRecord(file=record.file, line=1, data=(root / record.file).read_bytes())
        return _locator(raw, record.record)(pointer)
    except (OSError, ValueError, IndexError):  # it changed meanwhile
        return same


def _read_text(root: Path, record: Record, document: Mapping[str, Any]) -> Diagnostic | None:
    """Put the text of the document into the record, or say why that cannot be."""
    path, pinned = document.get("path"), document.get("sha256")
    if not isinstance(path, str) or not isinstance(pinned, str):
        return None  # the contract says what is missing
    data = read_document(root, path)
    if isinstance(data, tuple):
        code, message = data
        return Diagnostic(code=code, place=record.locate("/document/path"), message=message)
    actual = hashlib.sha256(data).hexdigest()
    if actual != pinned:
        return Diagnostic(
            code="S008",
            place=record.locate("/document/sha256"),
            message=f"{path} has SHA-256 {actual[:12]}…; the record pins {pinned[:12]}…",
        )
    try:
        record.value["text"] = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8"
        place = Place(file=path, line=line, record=record.id)
        return Diagnostic(code="S002", place=place, message=message)
    return None


IMPORTERS: dict[str, Importer] = {
    "copydesk": import_native,
}
