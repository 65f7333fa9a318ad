"""Arrow arrays from Python values and numpy, and back.

Without the import of pandas that `pa.array` and `pa.scalar` bring along.

Not here: tables of records (contract/arrow.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


def strings(values: Sequence[str | None]) -> pa.Array:
    """A string array; None is null."""
    encoded = [b"" if value is None else value.encode() for value in values]
    nulls = np.fromiter((value is None for value in values), dtype=np.bool_, count=len(values))
    lengths = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
    return from_bytes(b"".join(encoded), lengths, ~nulls if nulls.any() else None)


def text(value: str) -> pa.Scalar:
    """A string as the functions of `pyarrow.compute` take it."""
    return strings([value])[0]


def from_bytes(data: Any, lengths: Ints, valid: Flags | None = None) -> pa.Array:
    """A string array of UTF-8 that stands one string after the other."""
    bounds = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=bounds[1:])
    assert bounds[-1] < 2**31, "more text than one string array holds"
    buffers = [_bits(valid), pa.py_buffer(bounds.astype(np.int32)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), len(lengths), buffers)


def fixed(data: bytes, width: int, valid: Flags | None = None) -> pa.Array:
    """An array of byte strings of one width."""
    count = len(data) // width
    return pa.Array.from_buffers(pa.binary(width), count, [_bits(valid), pa.py_buffer(data)])


def numbers(values: npt.NDArray[Any]) -> pa.Array:
    """A numpy array of integers as an Arrow array over the same memory."""
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def flags(values: Flags) -> pa.Array:
    """A boolean array."""
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, _bits(values)])


def lists(lengths: Ints, values: pa.Array) -> pa.Array:
    """A list array whose lists follow each other in `values`."""
    bounds = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=bounds[1:])
    return pa.ListArray.from_arrays(numbers(bounds), values)


def _bits(valid: Flags | None) -> pa.Buffer | None:
    return None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())


def whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """A column as one array."""
    if isinstance(column, pa.Array):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    if not column.num_chunks:
        return pa.nulls(0).cast(column.type)
    return pa.concat_arrays(column.chunks)


def as_numbers(array: pa.Array) -> npt.NDArray[Any]:
    """The integers of an array, over the same memory; nulls are whatever stands there."""
    kind = np.dtype(array.type.to_pandas_dtype())
    data = array.buffers()[1]
    if data is None:
        return np.zeros(len(array), dtype=kind)
    return np.frombuffer(data, dtype=kind, count=len(array), offset=array.offset * kind.itemsize)


def as_flags(array: pa.Array) -> Flags:
    """The truth values of an array, null as false."""
    values = as_numbers(array.cast(pa.uint8())).astype(np.bool_)
    return values & as_flags(array.is_valid()) if array.null_count else values


def as_bytes(array: pa.Array) -> Bytes:
    """Byte strings of one width as rows of bytes, zeros for nulls."""
    width = array.type.byte_width
    data = array.buffers()[1]
    if data is None:
        return np.zeros((len(array), width), dtype=np.uint8)
    rows = np.frombuffer(data, dtype=np.uint8, count=len(array) * width, offset=array.offset * width)
    rows = rows.reshape(-1, width)
    if array.null_count:
        rows = rows.copy()
        rows[~as_flags(array.is_valid())] = 0
    return rows


def hexadecimal(array: pa.Array) -> pa.Array:
    """Byte strings of one width in hexadecimal, empty for null."""
    valid = as_flags(array.is_valid())
    rows = as_bytes(array)[valid]
    width = 2 * array.type.byte_width
    return from_bytes(rows.tobytes().hex().encode(), np.where(valid, width, 0))


class Strings(Sequence[str]):
    """A string array as a sequence of Python strings, made when they are asked for."""

    def __init__(self, array: pa.Array) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, at: Any) -> Any:
        return self.array[at].as_py() if not isinstance(at, slice) else Strings(self.array[at])

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self.array), 10_000):
            yield from self.array.slice(start, 10_000).to_pylist()


def find(array: pa.Array, wanted: str) -> int:
    """Where a string stands in a sorted array of distinct ones; -1 if it does not."""
    low, high = 0, len(array)
    while low < high:
        middle = (low + high) // 2
        if array[middle].as_py() < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < len(array) and array[low].as_py() == wanted else -1


def find_all(array: pa.Array, wanted: pa.Array) -> Ints:
    """The same for many strings."""
    if len(wanted) * 500 < len(array):
        return np.fromiter((find(array, value) for value in wanted.to_pylist()), dtype=np.int64, count=len(wanted))
    found = pc.index_in(wanted, value_set=array)
    return np.where(as_flags(found.is_valid()), as_numbers(found), -1).astype(np.int64)


def ordered(array: pa.Array) -> Ints:
    """The positions of strings in their order; equal ones keep theirs."""
    if len(array) < 2 or pc.all(pc.less_equal(array[:-1], array[1:])).as_py():
        return np.arange(len(array), dtype=np.int64)
    # an unstable sort: positions part equal ones
    table = pa.Table.from_arrays([array, numbers(np.arange(len(array), dtype=np.int64))], names=["value", "at"])
    order = pc.sort_indices(table, sort_keys=[("value", "ascending"), ("at", "ascending")])
    return as_numbers(order).astype(np.int64)


def take(array: pa.Array, positions: Ints) -> pa.Array:
    """Some elements of an array, in an order."""
    return array.take(numbers(np.ascontiguousarray(positions)))
