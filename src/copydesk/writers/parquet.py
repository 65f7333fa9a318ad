"""Parquet as loaders and viewers want it: zstd, content-defined chunks, page index, row groups of a bounded size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.contract.arrow import encode, release_schema
from copydesk.contract.types import Type
from copydesk.writers.hashing import HashingFile, Written
from copydesk.writers.rows import Rows

suffix = "parquet"

ROW_GROUP_BYTES = 100_000_000
"""Uncompressed size of a row group, about: a viewer reads a whole one. The least number of rows goes first."""
ROW_GROUP_ROWS = 1000
"""Rows of a row group at least: smaller ones cost more than they save."""


@dataclass(frozen=True, slots=True)
class _Table:
    file: HashingFile
    writer: pq.ParquetWriter

    def add(self, rows: Rows) -> None:
        encoded = rows.encoded
        per_row = max(1, encoded.nbytes // max(1, encoded.num_rows))
        self.writer.write_table(encoded, row_group_size=max(ROW_GROUP_ROWS, ROW_GROUP_BYTES // per_row))

    def written(self) -> Written:
        return self.file.digest()


@contextmanager
def open_sink(path: Path, node: Type) -> Iterator[_Table]:
    """A file that takes rows with labels as numbers; the features stand in the footer."""
    with HashingFile(path) as out, pq.ParquetWriter(
        out,
        release_schema(node),
        compression="zstd",
        use_content_defined_chunking=True,
        write_page_index=True,
        write_page_checksum=True,
    ) as writer:  # fmt: skip
        yield _Table(out, writer)


def write(path: Path, table: pa.Table, node: Type) -> Written:
    """A file of these rows, whose labels are strings."""
    with open_sink(path, node) as sink:
        sink.add(Rows(table=table, encoded=encode(table, node)))
    return sink.written()
