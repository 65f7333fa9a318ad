"""The changes of a difference as a Parquet table, one row a change, written while they come."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.diff.report import Located
from copydesk.diff.rules import RULES
from copydesk.writers.hashing import HashingFile

COLUMNS = {
    "what": "what happened: annotation-relabelled, record-added …",
    "rule": "the rule of the version that it falls under",
    "bump": "the step that the rule asks for: patch, minor or major",
    "kind": "the kind of the record",
    "record": "the id of the record; empty for changes of the contract and of the dataset",
    "split": "the split of the record; the old one if it is gone",
    "old_split": "the split that it was in, for what moved or was renamed",
    "layer": "the layer of the annotation, or the config of a change of the contract",
    "item": "the id of the annotation",
    "pointer": "JSON pointer in the record, or of the column",
    "old": "what it was, as JSON text",
    "new": "what it is, as JSON text",
    "place": "whose file the place is in: old, new, tree; empty without one",
    "file": "the annotator's own file",
    "line": "the line in it",
    "note": "what a person must be told beyond that",
}
"""Columns and what they hold. All are strings but `line`."""

SCHEMA = pa.schema(
    [
        pa.field(
            name,
            pa.int64() if name == "line" else pa.string(),
            nullable=name in {"old", "new", "file", "line"},
            metadata={"description": words},
        )
        for name, words in COLUMNS.items()
    ]
)

_BATCH = 10_000
"""Changes in memory at a time."""


class Table:
    """Takes changes one after the other; what is not written yet is written when `finish` is called."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self._rows: list[dict[str, Any]] = []

    def add(self, located: Located) -> None:
        self._rows.append(_row(located))
        if len(self._rows) == _BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what is in memory as one row group."""
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, SCHEMA))
            self._rows.clear()


@contextmanager
def open_table(path: Path) -> Iterator[Table]:
    """A table that gets its name when it is whole; one that was there before stays until then. Raises OSError."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    try:
        with (
            HashingFile(fresh) as out,
            pq.ParquetWriter(out, SCHEMA, compression="zstd", write_page_index=True) as writer,
        ):
            table = Table(writer)
            yield table
            table.flush()
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def write_table(path: Path, changes: Iterable[Located]) -> None:
    """The table of changes that are at hand."""
    with open_table(path) as table:
        for located in changes:
            table.add(located)


def _row(located: Located) -> dict[str, Any]:
    change, place = located.change, located.place
    return {
        "what": change.what,
        "rule": change.rule,
        "bump": RULES[change.rule].bump.name.lower(),
        "kind": change.kind,
        "record": change.record,
        "split": change.split,
        "old_split": change.old_split,
        "layer": change.layer,
        "item": change.item,
        "pointer": change.pointer,
        "old": _text(change.old),
        "new": _text(change.new),
        "place": located.at,
        # names of files are bytes, and need not be text
        "file": place.file.encode(errors="backslashreplace").decode() if place else None,
        "line": place.line if place else None,
        "note": change.note,
    }


def _text(value: Any) -> str | None:
    """A value as JSON text; nothing for what is not there. A null that is a value cannot be told from that."""
    return None if value is None else json.dumps(value, ensure_ascii=False)
