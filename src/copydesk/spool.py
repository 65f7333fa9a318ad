"""The spool: staged records between the two passes of a build, as Arrow IPC files, one for each block.

Memory-mapped, so gathering rows costs what the rows cost. Lives in the staging folder and goes with it.
"""

from __future__ import annotations

import mmap
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from copydesk import jsontext
from copydesk.arrays import Ints, numbers
from copydesk.attempts import whole

OPEN = 1024
"""Blocks that a process keeps open."""


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """Where a staged record lies: the block, and the row in its spool file."""

    block: int
    row: int


class Addresses(Sequence[Address]):
    """Many addresses in eight bytes each: they stay so between processes."""

    __slots__ = ("blocks", "rows")

    def __init__(self, blocks: array[int], rows: array[int]) -> None:
        self.blocks, self.rows = blocks, rows

    @classmethod
    def of(cls, addresses: Iterable[Address]) -> Addresses:
        """The same addresses, each made smaller."""
        blocks, rows = array("i"), array("i")
        for address in addresses:
            blocks.append(address.block)
            rows.append(address.row)
        return cls(blocks, rows)

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return Addresses(self.blocks[at], self.rows[at])
        return Address(self.blocks[at], self.rows[at])


class Directory(Mapping[str, Address]):
    """Id -> address of some records, as compact."""

    __slots__ = ("_addresses", "_ids", "_known")

    def __init__(self, ids: Sequence[str], addresses: Addresses) -> None:
        self._ids, self._addresses = ids, addresses
        self._known: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(self._addresses)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __getitem__(self, identifier: str) -> Address:
        if self._known is None:
            self._known = {known: number for number, known in enumerate(self._ids)}
        address: Address = self._addresses[self._known[identifier]]
        return address


def spool_path(folder: Path, kind: str, block: int) -> Path:
    return folder / f"{kind}-{block:06d}.arrow"


def shingles_path(folder: Path, block: int) -> Path:
    """Where the shingles of the articles of one block lie, in the order of its rows."""
    return folder / f"shingles-{block:06d}.bin"


def passes_path(folder: Path, kind: str, block: int) -> Path:
    return folder / f"{kind}-{block:06d}.passes.jsonl"


def write_block(folder: Path, kind: str, block: int, table: pa.Table) -> None:
    """Write the records of one block."""
    with (
        whole(spool_path(folder, kind, block)) as path,
        pa.OSFile(str(path), "wb") as sink,
        pa.ipc.new_file(sink, table.schema) as out,
    ):
        out.write_table(table.combine_chunks())


def write_passes(folder: Path, kind: str, block: int, passes: Sequence[Mapping[str, Any]]) -> None:
    """Write the passes over the records of one block, one JSON line each; no file if there are none."""
    if passes:
        with whole(passes_path(folder, kind, block)) as path:
            path.write_bytes(b"".join(jsontext.dump_line(dict(row)) for row in passes))


def read_passes(folder: Path, kind: str) -> Iterator[dict[str, Any]]:
    """{annotator, record} of every pass over records of a kind, in the order of the blocks."""
    for path in sorted(folder.glob(f"{kind}-*.passes.jsonl")):
        with path.open("rb") as lines:
            yield from map(jsontext.load_line, lines)


def gather(folder: Path, kind: str, addresses: Sequence[Address], schema: pa.Schema) -> pa.Table:
    """The records at `addresses`, in that order, as one table of `schema`, which may name some columns only."""
    found = list(pieces(folder, kind, addresses, schema.names, limit=None))
    return found[0] if found else schema.empty_table()


def pieces(
    folder: Path, kind: str, addresses: Sequence[Address], columns: Sequence[str], *, limit: int | None, least: int = 1
) -> Iterator[pa.Table]:
    """The records at `addresses`, in that order, in tables of about `limit` bytes, but `least` rows at least.

    Where they are cut follows from the records alone, not from the blocks in which they lie. One column of a table
    cannot hold more than 2 GiB of text; without a limit, that is for the caller to see to.
    """
    packed = addresses if isinstance(addresses, Addresses) else Addresses.of(addresses)
    blocks, rows = (np.array(column, np.int64) for column in (packed.blocks, packed.rows))
    needed, number = np.unique(blocks, return_inverse=True)
    mapped = [_open(folder, kind, block) for block in needed.tolist()]
    tables = [block.table.select(columns) for block in mapped]
    held: list[pa.Table] = []
    start, count, size = 0, len(rows) if limit is None else least, 0
    while start < len(rows):
        end = min(start + count, len(rows))
        held.append(_picked(tables, number[start:end], rows[start:end]))
        size += held[-1].nbytes
        start = end
        if limit is not None:  # by the mean size so far, a quarter of a table
            count = max(least, limit // 4 * end // max(1, size))
            if size // limit != (size - held[-1].nbytes) // limit:
                yield pa.concat_tables(held).combine_chunks()
                held = []
                for block in mapped:
                    block.let_go()
    if held:
        yield pa.concat_tables(held).combine_chunks()
    for block in mapped:
        block.let_go()


def _picked(tables: Sequence[pa.Table], number: Ints, rows: Ints) -> pa.Table:
    order = np.argsort(number, kind="stable")
    ends = [0, *(np.flatnonzero(np.diff(number[order])) + 1).tolist(), len(order)]
    parts = [_pick(tables[int(number[order[start]])], rows[order[start:end]]) for start, end in pairwise(ends)]
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    # Taken anew even if they are in order: the size of the arrays must not tell of the blocks.
    return _take(pa.concat_tables(parts).combine_chunks(), place)


def _pick(table: pa.Table, rows: Ints) -> pa.Table:
    """Some rows of a table: as a view of it, without a copy, where they lie side by side."""
    first = int(rows[0])
    if np.array_equal(rows, np.arange(first, first + len(rows))):
        return table.slice(first, len(rows))
    return _take(table, rows)


def _take(table: pa.Table, rows: Ints) -> pa.Table:
    return table.take(numbers(rows)).combine_chunks()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """The records of one block, mapped: what is not looked at takes no memory."""

    mapped: mmap.mmap
    table: pa.Table

    def let_go(self) -> None:
        """Let the pages that were looked at go; they are read again when they are needed."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self.mapped.madvise(mmap.MADV_DONTNEED)


def _open(folder: Path, kind: str, block: int) -> _Block:
    path = spool_path(folder, kind, block)
    status = path.stat()
    return _opened(path, status.st_ino, status.st_mtime_ns)


@lru_cache(maxsize=OPEN)
def _opened(path: Path, inode: int, changed: int) -> _Block:
    """Opened once a process: every shard reads from many blocks. The key tells a file from one that it replaced."""
    with path.open("rb") as stream:
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    return _Block(mapped=mapped, table=pa.ipc.open_file(pa.py_buffer(mapped)).read_all())
