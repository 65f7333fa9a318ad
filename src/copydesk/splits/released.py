"""The ledger as a release has it: a table of one row an entry, made of columns and read into columns."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from copydesk.arrays import (
    Ints,
    as_flags,
    as_numbers,
    find_all,
    flags,
    hexadecimal,
    numbers,
    strings,
    take,
    whole,
)
from copydesk.contract.arrow import spool_schema
from copydesk.contract.types import Type
from copydesk.splits.ledger import Entry, Ledger
from copydesk.splits.lines import from_hexadecimal, looks_hexadecimal
from copydesk.splits.table import Builder, Columns, LedgerTable, as_table

_PLAIN = ("id", "group", "split", "since", "digest", "released")
_BATCH = 50_000


def released_table(ledger: Ledger, withdrawn: Collection[str], node: Type) -> pa.Table:
    """Every entry as a row, ordered by id: `moved_in` is the version that last gave the article another split,
    `moved_from` the one that it had. Of a withdrawn text not even the digest is released: that of a short one can be
    guessed."""
    table = as_table(ledger)
    columns, count = table.columns, len(table)
    odd = np.array(sorted(table.odd), dtype=np.int64)
    entries = [table.odd[row] for row in odd.tolist()]
    digests = np.array(as_flags(columns.digests.is_valid()))
    gone = find_all(columns.ids, strings(sorted(withdrawn)))
    digests[gone[gone >= 0]] = False
    kept = pc.if_else(flags(digests), columns.digests, pa.nulls(count, columns.digests.type))
    said = [None if entry.id in withdrawn else entry.digest for entry in entries]
    nothing = pa.nulls(count, pa.int32())
    made = {
        "id": columns.ids,
        "group": _instead(columns.ids, odd, [entry.group for entry in entries]),
        "split": take(strings(table.splits.names), columns.splits.astype(np.int64)),
        "since": take(strings(table.sinces.names), columns.sinces.astype(np.int64)),
        "digest": _instead(hexadecimal(kept), odd, [digest or "" for digest in said]),
        "released": flags(columns.released),
        "formerly": _instead(_empty(count), odd, [entry.formerly for entry in entries]),
        "apart": _instead(_empty(count), odd, [entry.apart for entry in entries]),
        "fold": _numbers(nothing, odd, [entry.fold for entry in entries]),
        "folds": _numbers(nothing, odd, [entry.folds for entry in entries]),
        "moved_in": _instead(pa.nulls(count, pa.string()), odd, [_moved(entry)[0] for entry in entries]),
        "moved_from": _instead(pa.nulls(count, pa.string()), odd, [_moved(entry)[1] for entry in entries]),
    }
    schema = spool_schema(node)
    return pa.Table.from_arrays([made[name].cast(schema.field(name).type) for name in schema.names], schema=schema)


def _moved(entry: Entry) -> tuple[str | None, str | None]:
    """The version that last gave an article another split, and that split."""
    moved = [stand for stand in entry.before if stand.split != entry.split]
    return (moved[-1].version, moved[-1].split) if moved else (None, None)


def _empty(count: int) -> pa.Array:
    return take(strings([""]), np.zeros(count, dtype=np.int64))


def _instead(values: pa.Array, rows: Ints, others: list[str | None] | list[str]) -> pa.Array:
    """The values, others in some rows."""
    return _mixed(values, rows, strings(others)) if len(rows) else values


def _numbers(values: pa.Array, rows: Ints, others: list[int | None]) -> pa.Array:
    there = np.array([number is not None for number in others], dtype=np.bool_)
    some = numbers(np.array([number or 0 for number in others], dtype=np.int32))
    given = pc.if_else(flags(there), some, pa.nulls(len(others), pa.int32())) if len(others) else some
    return _mixed(values, rows, given) if len(rows) else values


def _mixed(values: pa.Array, rows: Ints, others: pa.Array) -> pa.Array:
    at = np.arange(len(values))
    at[rows] = len(values) + np.arange(len(rows))
    return take(pa.concat_arrays([values, others]), at)


def read_released(path: Path) -> LedgerTable:
    """The ledger of a release; one of a later copydesk may have columns that this one does not know. Raises OSError,
    LookupError, TypeError, ValueError or ArrowException if it is none."""
    builder = Builder()
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_BATCH):
            _take_batch(builder, batch)
    return builder.table()


def _take_batch(builder: Builder, batch: pa.RecordBatch) -> None:
    columns = {name: whole(batch.column(name)) for name in batch.schema.names}
    plain = as_flags(pc.equal(columns["id"], columns["group"])) & looks_hexadecimal(columns["digest"])
    for name in _PLAIN:
        plain &= as_flags(columns[name].is_valid())
    for name, says in _LATER.items():
        if name in columns:
            plain &= ~says(columns[name])
    rows = np.flatnonzero(plain)
    some = {name: take(columns[name], rows) for name in _PLAIN}
    builder.add(
        Columns(
            ids=some["id"],
            splits=_coded(some["split"], builder.splits.number),
            sinces=_coded(some["since"], builder.sinces.number),
            digests=from_hexadecimal(some["digest"]),
            released=as_flags(some["released"]),
        )
    )
    others = batch.take(numbers(np.flatnonzero(~plain))).to_pylist()
    known = Entry.__slots__
    builder.extend(Entry(**{k: v for k, v in row.items() if k in known and v is not None}) for row in others)


def _coded(values: pa.Array, number: Callable[[str], int]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    coded = values.dictionary_encode()
    known = np.array([number(name) for name in coded.dictionary.to_pylist()], dtype=np.int32)
    made: np.ndarray[tuple[int], np.dtype[np.int32]] = known[as_numbers(coded.indices)]
    return made


def _says_something(values: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return as_numbers(pc.binary_length(values)).astype(np.bool_) & as_flags(values.is_valid())


def _is_there(values: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return as_flags(values.is_valid())


_LATER = {"formerly": _says_something, "apart": _says_something, "fold": _is_there, "folds": _is_there}
"""Column -> whether it says more of an entry than the columns of a table do."""
