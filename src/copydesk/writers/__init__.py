"""Writers: rows -> files in the staging folder, hashed while they are written. The only writes of a build."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from copydesk.contract.types import Type
from copydesk.writers import jsonl, parquet
from copydesk.writers.hashing import Written
from copydesk.writers.rows import Rows

__all__ = ["WRITERS", "Rows", "Sink", "Writer", "Written"]


class Sink(Protocol):
    """A file that takes rows, piece by piece. Closed, it says what it came to."""

    def add(self, rows: Rows) -> None: ...

    def written(self) -> Written: ...


class Writer(Protocol):
    """What an output format offers: a sink at `path`, a file that does not exist, for rows of the type `node`."""

    suffix: str

    def open_sink(self, path: Path, node: Type) -> AbstractContextManager[Sink]: ...

    def write(self, path: Path, table: pa.Table, node: Type) -> Written:
        """All of a file at once: `table` has labels as strings."""
        ...


WRITERS: dict[str, Writer] = {
    "parquet": parquet,
    "jsonl": jsonl,
}
