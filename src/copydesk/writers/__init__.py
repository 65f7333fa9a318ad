"""Writers: rows -> files in the staging folder, hashed while they are written. The only writes of a build."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pyarrow as pa

from copydesk.contract.types import Type
from copydesk.writers import jsonl, parquet
from copydesk.writers.hashing import Written


class Writer(Protocol):
    """What an output format offers: write the rows (labels as strings) to `path`, a file that does not exist."""

    suffix: str

    def write(self, path: Path, table: pa.Table, node: Type) -> Written: ...


WRITERS: dict[str, Writer] = {
    "parquet": parquet,
    "jsonl": jsonl,
}
