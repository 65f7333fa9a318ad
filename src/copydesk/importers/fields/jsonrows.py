"""JSON in any of the ways in which files hold rows: one a line, an array, one object, objects one after the other."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

from copydesk import jsontext
from copydesk.articles.units import decode
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.fields.row import Reading, Row, lost

_SPACE = re.compile(r"[ \t\n\r]*")
_FIRST_LINES = 5
_FAILURES = 1000
"""Objects that are damaged before the rest of a file is given up."""
_DECODER = json.JSONDecoder(parse_int=len, parse_float=len, parse_constant=len)
"""Only where values end is asked of it."""


def json_row(data: bytes, file: str, line: int, inner: int, pointer: str, column: int = 1) -> Row | Diagnostic:
    """One row from its own bytes, which begin at `line` and `column`."""
    try:
        value = jsontext.loads(data)
    except jsontext.JsonError as error:
        within = (error.line or 1) - 1
        at = error.column if within or error.column is None else error.column + column - 1
        place = Place(file=file, line=line + within, column=at, pointer=pointer or None)
        return Diagnostic(code=error.code, place=place, message=error.message)
    if not isinstance(value, dict):
        return lost("S007", file, "a row is a JSON object; this is none", line, pointer)
    return Row(values=value, file=file, line=line, pointer=pointer, inner=inner)


def json_rows(data: bytes, file: str, reading: Reading) -> Iterator[Row | Diagnostic]:
    """The rows of a file, JSON lines whatever it is called. Damage costs the row that it is in."""
    known = as_utf8(data, file, reading.encoding)
    if isinstance(known, Diagnostic):
        yield known
        return
    if file.lower().endswith((".jsonl", ".ndjson")) and reading.rows is None and not _is_document(known):
        yield from _lines(known, file)
        return
    if not known.strip():
        yield lost("I001", file, "the file is empty", 1)
    elif reading.rows is not None:
        yield from _spread(known, file, array=True, path=reading.rows)
    elif known.lstrip()[:1] == b"[":
        yield from _spread(known, file, array=True)
    else:
        found = _lines(known, file) if _begins_with_records(known) else _spread(known, file, array=False)
        first, second = next(found, None), next(found, None)
        alone = isinstance(first, Row) and second is None
        yield from (
            [replace(first, alone=True, inner=0)] if isinstance(first, Row) and alone else _not_none(first, second)
        )
        yield from found


def _not_none(*rows: Row | Diagnostic | None) -> list[Row | Diagnostic]:
    return [row for row in rows if row is not None]


def as_utf8(data: bytes, file: str, encoding: str) -> bytes | Diagnostic:
    """The bytes as UTF-8, not checked yet if that is what they are declared to be: then each row is."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or encoding.lower().replace("_", "-") not in {"utf-8", "utf8"}:
        text = decode(data, file, encoding)
        return text if isinstance(text, Diagnostic) else text[0].encode("utf-8", "surrogatepass")
    return data.removeprefix(b"\xef\xbb\xbf")


def _is_document(data: bytes) -> bool:
    """Whether a file called JSON lines is one JSON document over several lines, as some tools write it."""
    start = data.strip()
    if b"\n" not in start or _begins_with_records(data):
        return False
    if start.startswith(b"["):
        return start.endswith(b"]")
    return _parses(data)


def _begins_with_records(data: bytes) -> bool:
    """Whether the file is JSON lines: its first line is an object for itself, or should have been one."""
    lines = _first_lines(data)
    if not lines or lines[0].strip() == b"{":
        return False
    if _parses(lines[0]):
        return True
    return any(map(_parses, lines[1:])) and not _parses(data)


def _first_lines(data: bytes) -> list[bytes]:
    found: list[bytes] = []
    at = 0
    while len(found) < _FIRST_LINES and at < len(data):
        end = data.find(b"\n", at)
        end = end if end >= 0 else len(data)
        if line := data[at:end].strip():
            found.append(line)
        at = end + 1
    return found


def _parses(data: bytes) -> bool:
    """Whether the bytes are one JSON object, be it one that is refused for what is in it."""
    if not data.lstrip().startswith(b"{"):
        return False
    try:
        jsontext.loads(data)
    except jsontext.JsonError as error:
        return error.code in {"S004", "S005"}
    return True


def _lines(data: bytes, file: str) -> Iterator[Row | Diagnostic]:
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            yield json_row(line, file, number, number, "")


def _spread(data: bytes, file: str, *, array: bool, path: str | None = None) -> Iterator[Row | Diagnostic]:
    """The elements of an array (the one at `path` in a document), or objects one after the other.

    Each is parsed for itself, so that one that is damaged takes no other with it.
    """
    decoded = decode(data, file)
    if isinstance(decoded, Diagnostic):
        yield decoded
        return
    text, _ = decoded
    count = _LineCount(text)
    at = _skip(text, 0)
    if path is not None:
        found = _array_at(text, path)
        if found is None:
            yield lost("I001", file, f"the document has no array {path!r}", 1)
            return
        at = found
    above = jsontext.pointer_to(path.split(".")) if path is not None else ""
    for number, (start, end, what) in enumerate(_pieces(text, at, array=array, alone=path is None)):
        line = count.of(start)
        if what is not None:
            message = f"{what}; what follows is not read" if array else what
            yield lost("S003", file, message, line)
        else:
            piece = text[start:end].encode("utf-8", "surrogatepass")
            pointer = f"{above}/{number}" if array else ""
            row = json_row(piece, file, line, 0 if array else line, pointer, start - count.begin(line) + 1)
            yield replace(row, at=(start, end)) if isinstance(row, Row) and array else row


def _array_at(text: str, path: str) -> int | None:
    """The offset of an array inside a document; None if there is none at this path."""
    at: int | None = _skip(text, 0)
    for step in path.split("."):
        try:
            at = _member(text, at, step) if at is not None else None
        except (json.JSONDecodeError, RecursionError):
            return None
    return at if at is not None and text[at : at + 1] == "[" else None


def _member(text: str, at: int, name: str) -> int | None:
    """The offset of the value of a key in the object that begins at `at`. Raises JSONDecodeError, RecursionError."""
    at = _skip(text, at + 1) if text[at : at + 1] == "{" else len(text)
    while text[at : at + 1] == '"':
        key, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)  # behind the colon
        if key == name:
            return at
        _, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)  # behind the comma
    return None


def _pieces(text: str, at: int, *, array: bool, alone: bool = True) -> Iterator[tuple[int, int, str | None]]:
    """(start, end, None) of each value, or (where, where, what is wrong). `alone`: nothing may follow the array."""
    if array:
        at = _skip(text, at + 1)
        if at == len(text):
            yield at, at, "the text ends too early"
        elif text[at] == "]":
            at = _skip(text, at + 1) if alone else len(text)
    failures = 0
    while at < len(text):
        try:
            _, end = _DECODER.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError) as error:
            where, what = (at, "nested too deep") if isinstance(error, RecursionError) else (error.pos, error.msg)
            failures += 1
            if failures == _FAILURES:  # each costs a count of the lines before it
                yield where, where, f"{what}; what follows is not read"
                return
            yield where, where, what
        else:
            yield at, end, None
            at = _skip(text, end)
            if not array:
                continue
            if text[at : at + 1] == ",":
                at = _skip(text, at + 1)
                if at == len(text):
                    yield at, at, "the text ends too early"
                continue
            if text[at : at + 1] == "]" and ((at := _skip(text, at + 1)) == len(text) or not alone):
                return
            yield at, at, _after(text, at)
        if array:
            return
        again = text.find("\n{", at)
        at = again + 1 if again >= 0 else len(text)


def _after(text: str, at: int) -> str:
    """What is wrong behind an element of an array."""
    if at == len(text):
        return "the text ends too early"
    return "more than one JSON value" if text[:at].rstrip().endswith("]") else "the array does not go on"


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


class _LineCount:
    """Lines of offsets in a text."""

    def __init__(self, text: str) -> None:
        self._ends = [match.start() for match in re.finditer("\n", text)]

    def of(self, at: int) -> int:
        return bisect_right(self._ends, at - 1) + 1

    def begin(self, line: int) -> int:
        """The offset at which a line begins."""
        return self._ends[line - 2] + 1 if line > 1 else 0
