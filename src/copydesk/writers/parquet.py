"""Parquet as loaders and viewers want it: zstd, content-defined chunks, page index, row groups of a bounded size."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.contract.arrow import encode
from copydesk.contract.types import Type
from copydesk.writers.hashing import HashingFile, Written

suffix = "parquet"

ROW_GROUP_BYTES = 100_000_000
"""Uncompressed size of a row group, about: a viewer reads a whole one. The least number of rows goes first."""
ROW_GROUP_ROWS = 1000
"""Rows of a row group at least: smaller ones cost more than they save."""


def write(path: Path, table: pa.Table, node: Type) -> Written:
    """Write the rows with labels as numbers, and the features in the footer."""
    encoded = encode(table, node)
    with HashingFile(path) as out, pq.ParquetWriter(
        out,
        encoded.schema,
        compression="zstd",
        use_content_defined_chunking=True,
        write_page_index=True,
        write_page_checksum=True,
    ) as writer:  # fmt: skip
        per_row = max(1, encoded.nbytes // max(1, encoded.num_rows))
        writer.write_table(encoded, row_group_size=max(ROW_GROUP_ROWS, ROW_GROUP_BYTES // per_row))
    assert out.written is not None
    return out.written
