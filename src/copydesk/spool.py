"""The spool: staged records between the two passes of a build, as Arrow IPC files, one for each block.

Memory-mapped, so gathering rows costs what the rows cost. Lives in the staging folder and goes with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """Where a staged record lies: the block, and the row in its spool file."""

    block: int
    row: int


def spool_path(folder: Path, kind: str, block: int) -> Path:
    return folder / f"{kind}-{block:06d}.arrow"


def write_block(folder: Path, kind: str, block: int, table: pa.Table) -> None:
    """Write the records of one block."""
    with (
        pa.OSFile(str(spool_path(folder, kind, block)), "wb") as sink,
        pa.ipc.new_file(sink, table.schema) as out,
    ):
        out.write_table(table.combine_chunks())


def gather(folder: Path, kind: str, addresses: Sequence[Address], schema: pa.Schema) -> pa.Table:
    """The records at `addresses`, in that order, as one table of `schema`."""
    wanted: dict[int, list[int]] = {}
    for index, address in enumerate(addresses):
        wanted.setdefault(address.block, []).append(index)
    tables, order = [schema.empty_table()], []
    for block, indices in sorted(wanted.items()):
        with pa.memory_map(str(spool_path(folder, kind, block))) as source:
            table = pa.ipc.open_file(source).read_all()
            tables.append(table.take(pa.array([addresses[i].row for i in indices], pa.int64())))
        order.extend(indices)
    position = {index: at for at, index in enumerate(order)}
    together = pa.concat_tables(tables)
    return together.take(pa.array([position[i] for i in range(len(addresses))], pa.int64())).combine_chunks()
