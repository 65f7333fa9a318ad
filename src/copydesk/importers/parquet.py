"""Parquet files and Arrow's own, from memory, row by row, as plain Python values. Knows no mapping and no features.

Arrow raises what it likes for a damaged file, so this is where everything it raises ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

_BATCH = 256
_ERRORS = (pa.ArrowException, OSError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError)
_LONG = 60
_STREAM, _FILE = b"\xff\xff\xff\xff", b"ARROW1"
"""How Arrow's own files begin."""

Cells: TypeAlias = "tuple[dict[str, object], dict[str, str]]"
"""The values of a row, and for the columns that cannot be read: why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """An open file. `metadata` is that of the schema, `batches` begins to read it."""

    columns: Sequence[str]
    metadata: Mapping[bytes, bytes]
    schema: pa.Schema
    batches: Callable[[], Iterator[pa.RecordBatch]]

    def rows(self) -> Iterator[Cells | str]:
        """The rows, in order; a string says why no further one can be read."""
        try:
            for batch in self.batches():
                yield from _cells(batch, self.columns)
        except _ERRORS as error:
            yield _said(error)


def open_table(data: bytes) -> Table | str:
    """The file, or what is wrong with it."""
    try:
        schema, batches = _arrow(data) if data[:4] in (_STREAM, _FILE[:4]) else _parquet(data)
        columns = list(schema.names)
    except _ERRORS as error:
        return _said(error)
    if len(set(columns)) != len(columns):
        return "two columns have the same name"
    return Table(columns=columns, metadata=dict(schema.metadata or {}), schema=schema, batches=batches)


def _parquet(data: bytes) -> tuple[pa.Schema, Callable[[], Iterator[pa.RecordBatch]]]:
    file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
    return file.schema_arrow, lambda: file.iter_batches(batch_size=_BATCH, use_threads=False)


def _arrow(data: bytes) -> tuple[pa.Schema, Callable[[], Iterator[pa.RecordBatch]]]:
    """Arrow's IPC formats: the stream that `datasets` saves, and the file."""
    source = pa.BufferReader(data)
    reader = pa.ipc.open_stream(source) if data[:4] == _STREAM else pa.ipc.open_file(source)

    def batches() -> Iterator[pa.RecordBatch]:
        whole = reader if data[:4] == _STREAM else map(reader.get_batch, range(reader.num_record_batches))
        for batch in whole:
            batch.validate(full=True)  # what a damaged file holds would be read past its end
            yield from (batch.slice(at, _BATCH) for at in range(0, batch.num_rows, _BATCH))

    return reader.schema, batches


def _said(error: BaseException) -> str:
    words = " ".join(str(error).split())
    return words[:_LONG] + "…" if len(words) > _LONG else words or type(error).__name__


def _cells(batch: pa.RecordBatch, columns: Sequence[str]) -> Iterator[Cells]:
    lists: list[list[object]] = []
    unreadable: list[dict[str, str]] = [{} for _ in range(batch.num_rows)]
    for name, column in zip(columns, batch.columns, strict=True):
        lists.append(_values(column, name, unreadable))
    for number in range(batch.num_rows):
        yield {name: cells[number] for name, cells in zip(columns, lists, strict=True)}, unreadable[number]


def _values(column: pa.Array, name: str, unreadable: list[dict[str, str]]) -> list[object]:
    """The values of a column; one that has no Python value (a date in the year 20000, say) is noted, and is None."""
    plain = _coarser(column)
    try:
        values: list[object] = plain.to_pylist()
        return values
    except _ERRORS:
        pass
    values = []
    for number in range(len(plain)):
        try:
            values.append(plain[number].as_py())
        except _ERRORS as error:
            unreadable[number][name] = f"the value of {name[:_LONG]!r} cannot be read: {_said(error)}"
            values.append(None)
    return values


def _coarser(column: pa.Array) -> pa.Array:
    """The column with nanoseconds as microseconds where that loses nothing: Python's own types know no finer ones.

    Where it would lose something, Arrow makes the values its own way.
    """
    target = _micro(column.type)
    if target == column.type:
        return column
    try:
        return column.cast(target, safe=True)
    except _ERRORS:
        return column


def _micro(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return pa.timestamp("us", tz=kind.tz)
    if pa.types.is_time64(kind) and kind.unit == "ns":
        return pa.time64("us")
    if pa.types.is_duration(kind) and kind.unit == "ns":
        return pa.duration("us")
    if pa.types.is_struct(kind):
        return pa.struct([kind.field(i).with_type(_micro(kind.field(i).type)) for i in range(kind.num_fields)])
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_micro(kind.value_type)))
    return kind
