"""JSON lines in canonical form: the bytes over which the logical digest of a split is computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from copydesk.contract.arrow import encode
from copydesk.contract.types import Type
from copydesk.writers.hashing import HashingFile, Written
from copydesk.writers.lines import lines
from copydesk.writers.rows import Rows

suffix = "jsonl"


@dataclass(frozen=True, slots=True)
class _Lines:
    file: HashingFile

    def add(self, rows: Rows) -> None:
        for piece in lines(rows.table):
            self.file.write(memoryview(piece))

    def written(self) -> Written:
        return self.file.digest()


@contextmanager
def open_sink(path: Path, node: Type) -> Iterator[_Lines]:
    """A file that takes rows, one a line."""
    with HashingFile(path) as out:
        yield _Lines(out)


def write(path: Path, table: pa.Table, node: Type) -> Written:
    """A file of these rows, whose labels are strings."""
    with open_sink(path, node) as sink:
        sink.add(Rows(table=table, encoded=encode(table, node)))
    return sink.written()
