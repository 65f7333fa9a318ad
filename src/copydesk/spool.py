"""The spool: staged records between the two passes of a build, as Arrow IPC files, one for each block.

Memory-mapped, so gathering rows costs what the rows cost. Lives in the staging folder and goes with it.
"""

from __future__ import annotations

import contextlib
import uuid
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from copydesk import jsontext


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


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to; what is written there takes the name `path` when it is whole, and never before.

    The path is new for each attempt: a task may run twice, even twice at once, and its attempts do not meet.
    """
    attempt = path.with_name(f".{uuid.uuid4().hex}-{path.name}")
    try:
        yield attempt
        attempt.replace(path)
    finally:
        attempt.unlink(missing_ok=True)


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
    if not addresses:
        return schema.empty_table()
    wanted: dict[int, list[int]] = {}
    for index, address in enumerate(addresses):
        wanted.setdefault(address.block, []).append(index)
    tables, order = [], []
    for block, indices in sorted(wanted.items()):
        with pa.memory_map(str(spool_path(folder, kind, block))) as source:
            table = pa.ipc.open_file(source).read_all().select(schema.names)
            tables.append(table.take(_indices(addresses[i].row for i in indices)))
        order.extend(indices)
    position = {index: at for at, index in enumerate(order)}
    together = pa.concat_tables(tables)
    return together.take(_indices(position[i] for i in range(len(addresses)))).combine_chunks()


def _indices(values: Iterable[int]) -> pa.Array:
    """int64 array; `pa.array` would import pandas first."""
    numbers = array("q", values)
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])
