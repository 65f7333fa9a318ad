"""Files of rows -> rows: JSON lines, JSON documents, CSV, Parquet, Arrow. Knows no mapping: what a row means is for
others.

A row that is damaged costs that row; the file goes on wherever the format lets one find the next row.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from copydesk import jsontext
from copydesk.articles.units import decode
from copydesk.diagnostics import Diagnostic
from copydesk.importers.features import footer_features, labelled
from copydesk.importers.fields.jsonrows import as_utf8, json_row, json_rows
from copydesk.importers.fields.row import Reading, Row, decoded, lost
from copydesk.importers.parquet import Table, open_table

__all__ = ["SUFFIXES", "TABLES", "Reading", "Row", "as_utf8", "read_line", "read_rows"]

SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".arrow")
"""What can hold rows."""
TABLES = (".parquet", ".arrow")
"""Those that say themselves what their columns are."""

csv.field_size_limit(2**31 - 1)  # a whole article is one field; the library's own limit is 128 KiB

_SEPARATOR = re.compile(r"sep=([^\r\n])\r?\n?")
"""The line that Excel writes before the header where its separator is not the usual one."""
_POINTER = b"version https://git-lfs.github.com/spec/"
_LONG = 60


def read_rows(data: bytes, file: str, reading: Reading) -> Iterator[Row | Diagnostic]:
    """The rows of a file, by its suffix. A diagnostic is a row that is lost, or the rest of the file."""
    name = file.lower()
    if data.startswith(_POINTER):
        help_text = "`git lfs pull` fetches the file itself"
        yield lost("I001", file, "the file is a pointer of Git LFS, and not the data", 1, help=help_text)
        return
    if name.endswith(TABLES):
        found = _table_rows(data, file, reading)
    elif name.endswith((".csv", ".tsv")):
        found = _csv_rows(data, file, reading)
    else:
        found = json_rows(data, file, reading)
    for row in found:
        yield decoded(row, reading.features) if isinstance(row, Row) and reading.features else row


def read_line(data: bytes, file: str, line: int, reading: Reading) -> Row | Diagnostic:
    """The row on one line of a file of JSON lines."""
    row = json_row(data, file, line, 0, "")
    return decoded(row, reading.features) if isinstance(row, Row) and reading.features else row


# CSV


def _csv_rows(data: bytes, file: str, reading: Reading) -> Iterator[Row | Diagnostic]:
    """RFC 4180, with a header. A row begins at the physical line on which its first cell begins."""
    text = decode(data, file, reading.encoding)
    if isinstance(text, Diagnostic):
        yield text
        return
    lines = _with_ends(text[0])
    said = _SEPARATOR.fullmatch(lines[0])
    delimiter = reading.delimiter or (said[1] if said else _delimiter(file, lines[0]))
    header: list[str] | None = None
    for line, cells in _csv_records(lines, delimiter, skip=1 if said else 0):
        if isinstance(cells, str):
            if header is None:
                yield lost("I001", file, f"the header is not CSV: {cells}", line)
                return
            yield lost("I002", file, f"the row is not CSV: {cells}", line)
        elif header is None:
            header = _header(cells)
            if problem := _bad_header(header):
                yield lost("I001", file, problem, line)
                return
        elif len(cells) != len(header):
            message = f"the row has {len(cells)} cells; the header names {len(header)}"
            yield lost("I002", file, message, line, help="a cell with a separator or a line end in it is quoted")
        else:
            values = {n: c if c or n in reading.keep else None for n, c in zip(header, cells, strict=True)}
            yield Row(values=values, file=file, line=line, inner=line, columns=header)
    if header is None:
        yield lost("I001", file, "the file is empty: a header names the columns", 1)


def _with_ends(text: str) -> list[str]:
    """The physical lines, with their ends: U+0085, U+2028 and form feeds end none."""
    end = "\n" if "\n" in text or "\r" not in text else "\r"
    lines = text.split(end)
    return [line + end for line in lines[:-1]] + ([lines[-1]] if lines[-1] or len(lines) == 1 else [])


def _delimiter(file: str, header: str) -> str:
    """A tab by the suffix, else what the header has most of: a country with decimal commas writes semicolons."""
    if file.lower().endswith(".tsv"):
        return "\t"
    return max((",", ";", "\t", "|"), key=header.count)


def _csv_records(lines: Sequence[str], delimiter: str, skip: int) -> Iterator[tuple[int, list[str] | str]]:
    """(line, cells), or (line, what is wrong): then reading goes on with the next physical line.

    Many files with tabs know no quotes, so a quote in them that has no counterpart is a character like any other.
    """
    at, width = skip, 0
    while at < len(lines):
        reader = csv.reader((lines[i] for i in range(at, len(lines))), delimiter=delimiter, strict=True)
        base, before = at, 0
        at = len(lines)
        while True:
            try:
                cells: list[str] | str = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                cells = str(error)
            first = base + before
            if isinstance(cells, str) or (len(cells) != width and reader.line_num > before + 1):
                plain = lines[first].rstrip("\r\n").split("\t") if delimiter == "\t" else []
                if isinstance(cells, str) or len(plain) == width:
                    yield first + 1, plain if plain and len(plain) == width else cells
                    at = first + 1
                    break
            if cells:
                yield first + 1, cells
                width = width or len(cells)
            before = reader.line_num


def _header(cells: Sequence[str]) -> list[str]:
    """The names of the columns; spreadsheets leave some without one, which are called by their number."""
    return [cell.strip() or f"column {number}" for number, cell in enumerate(cells, 1)]


def _bad_header(header: Sequence[str]) -> str | None:
    twice = next((name for name, times in Counter(header).items() if times > 1), None)
    return None if twice is None else f"the header names the column {twice[:_LONG]!r} twice"


# Parquet and Arrow


def _table_rows(data: bytes, file: str, reading: Reading) -> Iterator[Row | Diagnostic]:
    table = open_table(data)
    if not isinstance(table, Table):
        kind = "Arrow" if file.lower().endswith(".arrow") else "Parquet"
        yield lost("I001", file, f"the file is no {kind} file that can be read: {table}")
        return
    features = labelled(footer_features(table.metadata)) if reading.features is None else {}
    for number, found in enumerate(table.rows()):
        if isinstance(found, str):
            yield lost("I001", file, f"rows from {number} on cannot be read: {found}", pointer=f"/{number}")
            return
        values, unreadable = found
        notes = [("I002", message, f"/{jsontext.escape(name)}") for name, message in unreadable.items()]
        row = Row(values=values, file=file, pointer=f"/{number}", notes=notes, columns=table.columns)
        yield decoded(row, features) if features else row
