"""Files of rows -> rows: JSON lines, JSON documents, CSV, Parquet. Knows no mapping: what a row means is for others.

A row that is damaged costs that row; the file goes on wherever the format lets one find the next row.
"""

from __future__ import annotations

import csv
import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from copydesk import jsontext
from copydesk.articles.units import decode
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.features import Feature, decode_labels, footer_features, labelled
from copydesk.importers.parquet import Table, open_table

SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
"""What can hold rows."""

csv.field_size_limit(2**31 - 1)  # a whole article is one field; the library's own limit is 128 KiB

_SPACE = re.compile(r"[ \t\n\r]*")
_FIRST_LINES = 5
_LONG = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How files are read. `keep`: columns of a CSV file in which an empty cell is an empty string, and not nothing.

    `rows`: where in a JSON document the rows are. `features`: what a card says of the columns that have labels; None
    where there is no card, and Parquet files speak for themselves.
    """

    encoding: str = "utf-8"
    delimiter: str | None = None
    rows: str | None = None
    keep: frozenset[str] = frozenset()
    features: Mapping[str, Feature] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row and where it stands.

    `line` is the row's own, 0 in a file that has none. `pointer` is the row's in its file, empty where each row is a
    record for itself. `inner` is the line of what is in the row, 0 where a pointer finds it better. `alone`: the file
    is this row. `notes`: (code, message, pointer in the row) for single values that cannot be read. `columns`: the
    names of all columns, where the file declares them.
    """

    values: Mapping[str, object]
    file: str
    line: int = 0
    pointer: str = ""
    inner: int = 0
    alone: bool = False
    notes: Sequence[tuple[str, str, str]] = ()
    columns: Sequence[str] | None = None


def read_rows(data: bytes, file: str, reading: Reading) -> Iterator[Row | Diagnostic]:
    """The rows of a file, by its suffix. A diagnostic is a row that is lost, or the rest of the file."""
    name = file.lower()
    if name.endswith(".parquet"):
        found = _parquet_rows(data, file, reading)
    elif name.endswith((".csv", ".tsv")):
        found = _csv_rows(data, file, reading)
    else:
        found = _json_rows(data, file, reading)
    for row in found:
        yield _decoded(row, reading.features) if isinstance(row, Row) and reading.features else row


def read_line(data: bytes, file: str, line: int, reading: Reading) -> Row | Diagnostic:
    """The row on one line of a file of JSON lines."""
    row = _json_row(data, file, line, 0, "")
    return _decoded(row, reading.features) if isinstance(row, Row) and reading.features else row


def _decoded(row: Row, features: Mapping[str, Feature]) -> Row:
    notes = [*row.notes]
    values = {
        name: decode_labels(value, features[name], f"/{jsontext.escape(name)}", notes) if name in features else value
        for name, value in row.values.items()
    }
    return replace(row, values=values, notes=notes)


def _lost(code: str, file: str, message: str, line: int = 0, pointer: str = "", help: str | None = None) -> Diagnostic:
    return Diagnostic(
        code=code, place=Place(file=file, line=line or None, pointer=pointer or None), message=message, help=help
    )


# JSON


def _json_row(data: bytes, file: str, line: int, inner: int, pointer: str) -> Row | Diagnostic:
    """One row from its own bytes, which begin at `line`."""
    try:
        value = jsontext.loads(data)
    except jsontext.JsonError as error:
        place = Place(file=file, line=line + (error.line or 1) - 1, column=error.column)
        return Diagnostic(code=error.code, place=place, message=error.message)
    if not isinstance(value, dict):
        return _lost("S007", file, "a row is a JSON object; this is none", line)
    return Row(values=value, file=file, line=line, pointer=pointer, inner=inner)


def _json_rows(data: bytes, file: str, reading: Reading) -> Iterator[Row | Diagnostic]:
    """JSON lines whatever the file is called, an array, one object, or objects one after the other."""
    known = as_utf8(data, file, reading.encoding)
    if isinstance(known, Diagnostic):
        yield known
        return
    if file.lower().endswith((".jsonl", ".ndjson")) and reading.rows is None and not _is_document(known):
        yield from _lines(known, file)
        return
    if not known.strip():
        yield _lost("I001", file, "the file is empty", 1)
    elif reading.rows is not None:
        yield from _rows_below(known, file, reading.rows)
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
            yield _json_row(line, file, number, number, "")


def _spread(data: bytes, file: str, *, array: bool) -> Iterator[Row | Diagnostic]:
    """The elements of an array, or objects one after the other, each parsed for itself."""
    decoded = decode(data, file)
    if isinstance(decoded, Diagnostic):
        yield decoded
        return
    text, _ = decoded
    count = _LineCount(text)
    pieces = [*_pieces(text, array=array)]
    for number, (start, end, what) in enumerate(pieces):
        line = count.of(start)
        if what is not None:
            message = f"{what}; what follows is not read" if array else what
            yield _lost("S003", file, message, line)
        else:
            piece = text[start:end].encode("utf-8", "surrogatepass")
            pointer = f"/{number}" if array else ""
            yield _json_row(piece, file, line, 0 if array else line, pointer)


def _pieces(text: str, *, array: bool) -> Iterator[tuple[int, int, str | None]]:
    """(start, end, None) of each value, or (where, where, what is wrong)."""
    decoder = json.JSONDecoder(parse_int=len, parse_float=len, parse_constant=len)  # only where values end is asked
    at = _skip(text, 0)
    if array:
        at = _skip(text, at + 1)
        if at == len(text):
            yield at, at, "the text ends too early"
        elif text[at] == "]":
            at = _skip(text, at + 1)
    while at < len(text):
        try:
            _, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            yield error.pos, error.pos, error.msg
        except RecursionError:
            yield at, at, "nested too deep"
        else:
            yield at, end, None
            at = _skip(text, end)
            if not array:
                continue
            if text[at : at + 1] == ",":
                at = _skip(text, at + 1)
                continue
            if text[at : at + 1] == "]" and (at := _skip(text, at + 1)) == len(text):
                return
            yield at, at, "more than one JSON value" if text[:at].rstrip().endswith("]") else "the array does not go on"
        if array:
            return
        again = text.find("\n{", at)
        at = again + 1 if again >= 0 else len(text)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


class _LineCount:
    """Lines of offsets in a text."""

    def __init__(self, text: str) -> None:
        self._ends = [match.start() for match in re.finditer("\n", text)]

    def of(self, at: int) -> int:
        return bisect_right(self._ends, at - 1) + 1


def _rows_below(data: bytes, file: str, path: str) -> Iterator[Row | Diagnostic]:
    """The rows that are the items of an array inside a JSON document."""
    try:
        value = jsontext.loads(data)
    except jsontext.JsonError as error:
        yield Diagnostic(
            code=error.code, place=Place(file=file, line=error.line, column=error.column), message=error.message
        )
        return
    pointer = ""
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
        pointer += f"/{jsontext.escape(step)}"
    if not isinstance(value, list):
        yield _lost("I001", file, f"the document has no array {path!r}", 1)
        return
    text = data.decode("utf-8")
    places, count = jsontext.positions(text), _LineCount(text)
    for number, row in enumerate(value):
        line = count.of(places[f"{pointer}/{number}"])
        if isinstance(row, dict):
            yield Row(values=row, file=file, line=line, pointer=f"{pointer}/{number}")
        else:
            yield _lost("S007", file, "a row is a JSON object; this is none", line, f"{pointer}/{number}")


# CSV


def _csv_rows(data: bytes, file: str, reading: Reading) -> Iterator[Row | Diagnostic]:
    """RFC 4180, with a header. A row begins at the physical line on which its first cell begins."""
    decoded = decode(data, file, reading.encoding)
    if isinstance(decoded, Diagnostic):
        yield decoded
        return
    lines = _with_ends(decoded[0])
    delimiter = reading.delimiter or _delimiter(file, lines[0])
    header: list[str] | None = None
    for line, cells in _csv_records(lines, delimiter):
        if isinstance(cells, str):
            if header is None:
                yield _lost("I001", file, f"the header is not CSV: {cells}", line)
                return
            yield _lost("I002", file, f"the row is not CSV: {cells}", line)
        elif header is None:
            header = cells
            if problem := _bad_header(header):
                yield _lost("I001", file, problem, line)
                return
        elif len(cells) != len(header):
            message = f"the row has {len(cells)} cells; the header names {len(header)}"
            yield _lost("I002", file, message, line, help="a cell with a separator or a line end in it is quoted")
        else:
            values = {n: c if c or n in reading.keep else None for n, c in zip(header, cells, strict=True)}
            yield Row(values=values, file=file, line=line, inner=line, columns=header)
    if header is None:
        yield _lost("I001", file, "the file is empty: a header names the columns", 1)


def _with_ends(text: str) -> list[str]:
    """The physical lines, with their ends: U+0085, U+2028 and form feeds end none."""
    end = "\n" if "\n" in text or "\r" not in text else "\r"
    lines = text.split(end)
    return [line + end for line in lines[:-1]] + ([lines[-1]] if lines[-1] or len(lines) == 1 else [])


def _delimiter(file: str, header: str) -> str:
    """A comma or tab by the suffix; a spreadsheet of a country with decimal commas writes semicolons."""
    if file.lower().endswith(".tsv"):
        return "\t"
    return next((mark for mark in (",", ";", "\t") if mark in header), ",")


def _csv_records(lines: Sequence[str], delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """(line, cells), or (line, what is wrong): then reading goes on with the next physical line."""
    at = 0
    while at < len(lines):
        reader = csv.reader((lines[i] for i in range(at, len(lines))), delimiter=delimiter, strict=True)
        base, before = at, 0
        at = len(lines)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                yield base + before + 1, str(error)
                at = base + before + 1
                break
            if cells:
                yield base + before + 1, cells
            before = reader.line_num


def _bad_header(header: Sequence[str]) -> str | None:
    twice = next((name for name, times in Counter(header).items() if times > 1), None)
    return None if twice is None else f"the header names the column {twice[:_LONG]!r} twice"


# Parquet


def _parquet_rows(data: bytes, file: str, reading: Reading) -> Iterator[Row | Diagnostic]:
    table = open_table(data)
    if not isinstance(table, Table):
        yield _lost("I001", file, f"the file is no Parquet file that can be read: {table}")
        return
    features = labelled(footer_features(table.metadata)) if reading.features is None else {}
    for number, found in enumerate(table.rows()):
        if isinstance(found, str):
            yield _lost("I001", file, f"rows from {number} on cannot be read: {found}", pointer=f"/{number}")
            return
        values, unreadable = found
        notes = [("I002", message, f"/{jsontext.escape(name)}") for name, message in unreadable.items()]
        row = Row(values=values, file=file, pointer=f"/{number}", notes=notes, columns=table.columns)
        yield _decoded(row, features) if features else row
