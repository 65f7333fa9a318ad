"""Gathering: the records asked for, in that order, whatever blocks they lie in, in tables of a bounded size."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest

from copydesk.spool import Address, Addresses, gather, pieces, write_block

ROWS = [{"id": f"a{n}", "text": "x" * (n * 7 % 40) or None, "tags": [{"t": str(n)}] * (n % 3)} for n in range(300)]
SCHEMA = pa.schema([("id", pa.string()), ("text", pa.string()), ("tags", pa.list_(pa.struct([("t", pa.string())])))])


def spooled(folder: Path, blocks: int) -> list[Address]:
    """The rows in turn over so many blocks; where each of them lies."""
    folder.mkdir()
    for block in range(blocks):
        write_block(folder, "article", block, pa.Table.from_pylist(ROWS[block::blocks], schema=SCHEMA))
    return [Address(n % blocks, n // blocks) for n in range(len(ROWS))]


@pytest.mark.parametrize("compact", [False, True])
def test_rows_come_in_the_order_asked_for(tmp_path: Path, *, compact: bool) -> None:
    where, order = spooled(tmp_path / "spool", 7), random.Random(1).sample(range(300), 200)
    wanted = [where[n] for n in order]
    table = gather(tmp_path / "spool", "article", Addresses.of(wanted) if compact else wanted, SCHEMA)
    assert table.to_pylist() == [ROWS[n] for n in order]
    some = gather(tmp_path / "spool", "article", wanted, pa.schema([SCHEMA.field("tags")]))
    assert some.to_pylist() == [{"tags": ROWS[n]["tags"]} for n in order]
    assert gather(tmp_path / "spool", "article", [], SCHEMA).num_rows == 0


def test_the_blocks_leave_no_trace_in_the_pieces(tmp_path: Path) -> None:
    """Cuts and sizes, which the card of a release tells, follow from the records alone."""
    made = []
    for blocks in (1, 2, 30, 300):
        folder = tmp_path / str(blocks)
        where = spooled(folder, blocks)
        tables = list(pieces(folder, "article", where, SCHEMA.names, limit=3000, least=10))
        assert [row for table in tables for row in table.to_pylist()] == ROWS
        assert all(table.num_rows >= 10 for table in tables[:-1])
        assert all(table.nbytes < 6000 for table in tables)
        made.append([(table.num_rows, table.nbytes) for table in tables])
    assert len(made[0]) > 3
    assert made == [made[0]] * 4


def test_a_block_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    where = spooled(folder, 1)
    assert gather(folder, "article", where[:1], SCHEMA).to_pylist() == ROWS[:1]
    write_block(folder, "article", 0, pa.Table.from_pylist(ROWS[5:], schema=SCHEMA))
    assert gather(folder, "article", where[:1], SCHEMA).to_pylist() == ROWS[5:6]
