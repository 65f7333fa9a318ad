"""A release through mlcroissant, by its own croissant.json.

mlcroissant reads a whole config into memory before it gives the first record, a millisecond each. So the description
is read, byte for byte as it is released, beside a sample: the first rows of the first file of each split, under the
names of those files. What that shows is that the description gives these rows as they are, split and all; and that it
takes in all files of each config, no more, is seen from what its patterns match in the release itself.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk import jsontext
from copydesk.contract import arrow
from copydesk.diagnostics import Diagnostic
from copydesk.readback.loaders import differs
from copydesk.release.croissant import expected_record
from copydesk.release.model import Table, row_batches

FILE = "croissant.json"
RECORDS = 40
"""Rows of each split that are read."""


def records(folder: Path, tables: tuple[Table, ...], scratch: Path) -> Iterator[Diagnostic]:
    """R001 for records that come out otherwise than they were written, and files that are not taken in."""
    yield from _files(folder, tables)
    os.environ["CROISSANT_CACHE"] = str(scratch / "cache")
    import mlcroissant

    sample = scratch / "sample"
    sample.mkdir(parents=True)
    shutil.copy(folder / FILE, sample / FILE)
    expected = {table.name: _sample(folder, table, sample) for table in tables}
    dataset = mlcroissant.Dataset(jsonld=str(sample / FILE))
    for table in tables:
        given = iter(dataset.records(table.name))
        for number, row in enumerate(expected[table.name]):
            record = next(given, None)
            if record is None or not _agrees(record, row):
                yield differs(FILE, f"mlcroissant gives another row {number} of {table.name}")
                break
        else:
            if next(given, None) is not None:
                yield differs(FILE, f"mlcroissant gives more rows of {table.name} than were written")


def _files(folder: Path, tables: tuple[Table, ...]) -> Iterator[Diagnostic]:
    """Whether the set of files of each config is that of the release."""
    described = jsontext.loads((folder / FILE).read_bytes())["distribution"]
    patterns = {entry["@id"]: entry["includes"] for entry in described if entry["@type"] == "cr:FileSet"}
    for table in tables:
        matched = {
            path.relative_to(folder).as_posix() for path in folder.glob(patterns.get(f"{table.name}-files", "-"))
        }
        if matched != {entry.path for split in table.splits for entry in split.parquet}:
            yield differs(FILE, f"the files of {table.name} are not those of the release")


def _sample(folder: Path, table: Table, sample: Path) -> list[dict[str, Any]]:
    """Write the first rows of each split, and return them in the order of the files, as Croissant describes them."""
    rows: list[dict[str, Any]] = []
    (sample / table.name).mkdir()
    for split in sorted(table.splits, key=lambda split: split.parquet[0].path):
        entry = split.parquet[0]
        first: pa.Table = next(row_batches(folder, entry, table.type, encoded=True)).slice(0, RECORDS)
        pq.write_table(first.cast(arrow.release_schema(table.type)), sample / entry.path)
        rows.extend(expected_record(table, row) for row in first.to_pylist())
    return rows


def _agrees(given: Any, expected: Any) -> bool:
    """Whether a value of mlcroissant is the expected one: it gives text as bytes, null also as NaN, more fields."""
    if hasattr(given, "item") and not hasattr(given, "__len__"):
        given = given.item()
    if isinstance(expected, dict):
        return isinstance(given, dict) and all(
            key in given and _agrees(given[key], value) for key, value in expected.items()
        )
    if isinstance(expected, list):
        items = list(given) if hasattr(given, "__len__") and not isinstance(given, str | bytes) else None
        return (
            items is not None
            and len(items) == len(expected)
            and all(_agrees(item, value) for item, value in zip(items, expected, strict=True))
        )
    if expected is None:
        return given is None or bool(given != given)
    return bool((given.decode("utf-8") if isinstance(given, bytes) else given) == expected)
