"""Reading a release back through the loaders that people use: `datasets` (plain and streaming), DuckDB, mlcroissant.

Rows, features, splits and counts of every config are compared with the files; that the files are what was written
is for `verify`, which every build runs too.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.contract import arrow
from copydesk.diagnostics import Diagnostic, Place
from copydesk.release.croissant import expected_record
from copydesk.release.model import Release, SplitData, Table, read_rows

CROISSANT_RECORDS = 1000
"""Records of each config that are read through mlcroissant: it takes a millisecond for each."""

BATCH = 1000
"""Rows that are compared at a time."""

_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}


def read_back(release: Release, scratch: Path) -> list[Diagnostic]:
    """R001 for everything that a loader gives back otherwise than it was written.

    `scratch` is an empty folder for the loaders' caches: what an earlier release left there must not be read.
    """
    found: list[Diagnostic] = []
    os.environ.update(_OFFLINE)  # before `datasets` is imported: nothing here may ask a network
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for loader in (_through_datasets, _through_duckdb, _through_croissant):
            try:
                found.extend(loader(release, scratch))
            except Exception as error:  # whatever a loader raises, a user would meet it too
                what = str(error).replace(str(release.folder), "").splitlines() or [""]
                message = f"{loader.__name__.removeprefix('_through_')} cannot read the release: {what[0][:200]}"
                found.append(_differs("README.md", f"{message} ({type(error).__name__})"))
    return found


def _differs(file: str, message: str) -> Diagnostic:
    return Diagnostic(code="R001", place=Place(file=file), message=message)


def _written(release: Release, table: Table, split: SplitData) -> Iterator[pa.Table]:
    for entry in split.parquet:
        with pq.ParquetFile(release.folder / entry.path) as file:
            for batch in file.iter_batches(BATCH):
                yield pa.Table.from_batches([batch]).cast(arrow.release_schema(table.type))


def _compare(
    loader: str, release: Release, table: Table, split: SplitData, batches: Iterable[pa.Table]
) -> Iterator[Diagnostic]:
    """Hold the rows that a loader gives against those of the files, some at a time: a split may be large."""
    schema = arrow.release_schema(table.type)
    # The reader's own list and string types are cast away.
    given = (batch.select(list(table.type.names)).cast(schema) for batch in batches)
    where = f"{table.name}/{split.name}"
    rows = 0
    for left, right in _aligned(_written(release, table, split), given):
        if left is None or right is None:
            more = "more" if left is None else "fewer"
            yield _differs(
                split.parquet[0].path, f"{loader} gives {more} rows of {where} than the {split.rows} written"
            )
            return
        if not left.equals(right):
            yield _differs(split.parquet[0].path, f"{loader} gives other rows of {where}, from row {rows} on")
            return
        rows += left.num_rows


def _aligned(left: Iterator[pa.Table], right: Iterator[pa.Table]) -> Iterator[tuple[pa.Table | None, pa.Table | None]]:
    """Two streams of rows in pieces of equal length; where one ends first, a last pair with None for it."""
    ours, theirs = next(left, None), next(right, None)
    while ours is not None and theirs is not None:
        size = min(ours.num_rows, theirs.num_rows)
        yield ours.slice(0, size), theirs.slice(0, size)
        ours = ours.slice(size) if size < ours.num_rows else next(left, None)
        theirs = theirs.slice(size) if size < theirs.num_rows else next(right, None)
    if ours is not None or theirs is not None:
        yield ours, theirs


def _through_datasets(release: Release, cache: Path) -> Iterator[Diagnostic]:
    import datasets

    datasets.disable_progress_bars()
    folder = str(release.folder)
    names = datasets.get_dataset_config_names(folder)
    if set(names) != {table.name for table in release.tables}:
        yield _differs("README.md", f"load_dataset offers the configs {sorted(names)}")
    default = datasets.get_dataset_default_config_name(folder)
    if default != next((t.name for t in release.tables if t.config.default), release.tables[0].name):
        yield _differs("README.md", f"load_dataset takes {default!r} for the default config")
    for table in release.tables:
        loaded = datasets.load_dataset(folder, table.name, cache_dir=str(cache))
        if set(loaded) != {split.name for split in table.splits}:
            yield _differs("README.md", f"load_dataset gives the splits {sorted(loaded)} of {table.name}")
            continue
        for split in table.splits:
            features = loaded[split.name].features
            if features.to_dict() != {f.name: arrow.feature(f.type) for f in table.type.fields}:
                yield _differs("README.md", f"load_dataset gives other features of {table.name}/{split.name}")
                continue
            plain = loaded[split.name].with_format("arrow")
            yield from _compare("load_dataset", release, table, split, plain.iter(batch_size=BATCH))
            stream = datasets.load_dataset(folder, table.name, split=split.name, streaming=True)
            if stream.features != features:
                yield _differs("README.md", f"streaming gives other features of {table.name}/{split.name}")
            yield from _compare("streaming", release, table, split, stream.with_format("arrow").iter(batch_size=BATCH))


def _through_duckdb(release: Release, cache: Path) -> Iterator[Diagnostic]:
    from copydesk.expectations.tables import connect

    with connect(release.folder, ordered=True) as connection:
        for table in release.tables:
            for split in table.splits:
                files = [str(release.folder / entry.path) for entry in split.parquet]
                query = "SELECT * FROM read_parquet($files, hive_partitioning = false)"
                reader: Any = connection.execute(query, {"files": files}).to_arrow_reader(BATCH)
                yield from _compare("DuckDB", release, table, split, map(_as_table, reader))


def _as_table(batch: pa.RecordBatch) -> pa.Table:
    return pa.Table.from_batches([batch])


def _through_croissant(release: Release, cache: Path) -> Iterator[Diagnostic]:
    os.environ["CROISSANT_CACHE"] = str(cache / "croissant")
    import mlcroissant

    dataset = mlcroissant.Dataset(jsonld=str(release.folder / "croissant.json"))
    for table in release.tables:
        expected = _expected_rows(release, table)
        records = iter(dataset.records(table.name))
        for number, row in enumerate(expected):
            given = next(records, None)
            if given is None or not _agrees(given, expected_record(table, row)):
                yield _differs("croissant.json", f"mlcroissant gives another row {number} of {table.name}")
                break
        else:
            if len(expected) < CROISSANT_RECORDS and next(records, None) is not None:
                yield _differs("croissant.json", f"mlcroissant gives more rows of {table.name} than were written")


def _expected_rows(release: Release, table: Table) -> list[dict[str, Any]]:
    """The first rows of the table in the order of its files, as Croissant describes them: labels as numbers."""
    rows: list[dict[str, Any]] = []
    for split in sorted(table.splits, key=lambda s: s.parquet[0].path):
        for entry in split.parquet:
            shard = read_rows(release.folder, [entry], table.type)
            rows.extend(arrow.encode(shard.slice(0, CROISSANT_RECORDS - len(rows)), table.type).to_pylist())
            if len(rows) >= CROISSANT_RECORDS:
                return rows
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
