"""Rows as canonical JSON lines, made column by column: the bytes of `jsontext.dump_line`, without an object per row.

A struct is its constant keys joined with the texts of its fields, a list the joined texts of its items; what comes
out at the top is one column of lines, whose data is the file. Strings are escaped as whole columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from copydesk import jsontext

PIECE = 8 * 2**20
"""Bytes in Arrow, about, of the rows that are turned into lines at a time."""

_ESCAPES = {byte: jsontext.dump_string(chr(byte))[1:-1] for byte in (ord("\\"), ord('"'), *range(32))}
"""What stands for each byte that a JSON string cannot hold (RFC 8259, section 7); the backslash goes first."""
_GROWTH = np.array([len(_ESCAPES.get(byte, b".")) - 1 for byte in range(256)], dtype=np.int64)

_Parts = list[str | pa.Array]
"""Constants and columns which, joined row by row, are the texts of a column of values."""


def lines(table: pa.Table) -> Iterator[pa.Buffer]:
    """The rows in canonical form, labels as strings, keys in the order of the columns; many lines a buffer."""
    rows = max(1, PIECE * table.num_rows // max(1, table.nbytes))
    for batch in table.to_batches(max_chunksize=rows):
        yield from _lines(batch)


def _lines(batch: pa.RecordBatch) -> Iterator[pa.Buffer]:
    try:
        column = _join([*_object(batch.schema.names, batch.columns), "\n"])
    except pa.ArrowCapacityError:  # more than 2 GiB of text: long keys around little data
        if batch.num_rows < 2:
            raise
        half = batch.num_rows // 2
        yield from _lines(batch.slice(0, half))
        yield from _lines(batch.slice(half))
        return
    offsets, data = _contents(column)
    yield data.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))


def _object(names: Sequence[str], columns: Iterable[pa.Array]) -> _Parts:
    parts: _Parts = []
    for name, column in zip(names, columns, strict=True):
        parts += ["," if parts else "{", f"{jsontext.dump_string(name).decode()}:", *_texts(column)]
    return [*parts, "}"] if parts else ["{}"]


def _texts(column: pa.Array) -> _Parts:
    """The JSON texts of the values of a column, none of them null."""
    if not column.null_count:
        return _present(column)
    parts = _present(column)
    if pa.types.is_floating(column.type):  # null is among the texts
        return parts
    # What stands under a null is anything, so its text is blotted out.
    there = pc.if_else(column.is_valid(), "", pa.scalar(None, pa.string()))
    return [_join([there, *parts]).fill_null("null")]


def _present(column: pa.Array) -> _Parts:
    """The texts of the values that are not null; where one is null, any text or null."""
    kind = column.type
    if pa.types.is_string(kind):
        return ['"', _escaped(column), '"']
    if pa.types.is_struct(kind):
        return _object([field.name for field in kind], [column.field(i) for i in range(kind.num_fields)])
    if pa.types.is_list(kind):
        return _array(column)
    if pa.types.is_floating(kind):
        return [_strings(jsontext.dump_values(column.to_pylist()))]
    assert pa.types.is_integer(kind) or pa.types.is_boolean(kind), kind
    return [column.cast(pa.string())]


def _array(column: pa.ListArray) -> _Parts:
    offsets = column.offsets
    first, last = (offsets[0].as_py(), offsets[-1].as_py()) if len(column) else (0, 0)
    items = _join(_texts(column.values.slice(first, last - first)))
    return ["[", pc.binary_join(pa.ListArray.from_arrays(pc.subtract(offsets, first), items), ","), "]"]


def _join(parts: _Parts) -> pa.Array:
    """One column of the parts, row by row; null where one of them is."""
    merged: _Parts = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    if len(merged) == 1 and isinstance(merged[0], pa.Array):
        return merged[0]
    return pc.binary_join_element_wise(*merged, "")


def _contents(column: pa.StringArray) -> tuple[np.ndarray[tuple[int], np.dtype[np.int32]], pa.Buffer]:
    """(where each string starts and the last ends, the bytes) of a column that is not empty."""
    _, offsets, data = column.buffers()
    return np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1], data


def _escaped(column: pa.StringArray) -> pa.StringArray:
    """The strings as they stand between the quotation marks."""
    if not len(column):
        return column
    offsets, data = _contents(column)
    first = int(offsets[0])
    raw = data[first : int(offsets[-1])]
    seen = np.frombuffer(raw, np.uint8)
    hits = np.flatnonzero((seen < 32) | (seen == ord('"')) | (seen == ord("\\")))
    if not len(hits):
        return column
    escaped = bytes(raw)
    present = set(np.unique(seen[hits]).tolist())
    for byte, text in _ESCAPES.items():
        if byte in present:
            escaped = escaped.replace(bytes([byte]), text)
    grown = np.concatenate((np.zeros(1, np.int64), np.cumsum(_GROWTH[seen[hits]])))
    starts = offsets.astype(np.int64) - first
    return _built(starts + grown[np.searchsorted(hits, starts)], escaped)


def _strings(values: Sequence[bytes]) -> pa.StringArray:
    starts = np.zeros(len(values) + 1, np.int64)
    np.cumsum([len(value) for value in values], out=starts[1:])
    return _built(starts, b"".join(values))


def _built(starts: np.ndarray[tuple[int], np.dtype[np.int64]], data: bytes) -> pa.StringArray:
    if starts[-1] > np.iinfo(np.int32).max:
        raise pa.ArrowCapacityError("more than 2 GiB of text")
    offsets = pa.py_buffer(starts.astype(np.int32))
    return pa.StringArray.from_buffers(len(starts) - 1, offsets, pa.py_buffer(data))
