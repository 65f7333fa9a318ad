"""JSON lines in canonical form: the bytes over which the logical digest of a split is computed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from copydesk import jsontext
from copydesk.contract.types import Type
from copydesk.writers.hashing import HashingFile, Written

suffix = "jsonl"

_BATCH = 1000


def lines(table: pa.Table) -> Iterator[bytes]:
    """The rows in canonical form, labels as strings, keys in the order of the columns."""
    for batch in table.to_batches(max_chunksize=_BATCH):
        for row in batch.to_pylist():
            yield jsontext.dump_line(row)


def write(path: Path, table: pa.Table, node: Type) -> Written:
    """Write the rows, one a line."""
    with HashingFile(path) as out:
        for line in lines(table):
            out.write(line)
    assert out.written is not None
    return out.written
