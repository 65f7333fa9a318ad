"""Importers: raw records -> records, one annotation format per file; the table below names them all.

An importer decodes; whether a record is right is for the checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from copydesk.diagnostics import Diagnostic
from copydesk.importers import native
from copydesk.importers.record import Record, find_again
from copydesk.project import Source
from copydesk.sources import RawRecord


class Importer(Protocol):
    """What a format offers: the records of one raw record, or why there are none."""

    def read(self, root: Path, source: Source, raw: RawRecord) -> Iterator[Record | Diagnostic]: ...


IMPORTERS: dict[str, Importer] = {
    "copydesk": native,
}

__all__ = ["IMPORTERS", "Importer", "Record", "find_again"]
