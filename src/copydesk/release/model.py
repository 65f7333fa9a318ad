"""A release as values: what was written, table by table. Everything the documents say is derived from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from copydesk.articles.shape import text_name
from copydesk.contract import arrow
from copydesk.contract.types import Type
from copydesk.project import Config, Project

BATCH_BYTES = 8 * 2**20
"""Bytes, about, of the rows that are looked at at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """One file of a release. `path` is relative to it, with forward slashes; `rows` for data files."""

    path: str
    size: int
    sha256: str
    rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitData:
    """One split of a config as written.

    `files`: output format -> its shards. `num_bytes`: size of its rows in Arrow. `logical_sha256`: SHA-256 of its
    rows as canonical JSON lines, which is what the files of `jsonl` hold, one after the other.
    """

    name: str
    rows: int
    num_bytes: int
    logical_sha256: str
    files: Mapping[str, tuple[FileEntry, ...]]

    @property
    def parquet(self) -> tuple[FileEntry, ...]:
        return self.files["parquet"]

    @property
    def jsonl(self) -> tuple[FileEntry, ...]:
        return self.files["jsonl"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One config as written: its row type (labels included) and its splits, never an empty one.

    `home`: the columns with ids of articles that must be of the row's split.
    """

    config: Config
    type: Type
    splits: tuple[SplitData, ...]
    home: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def rows(self) -> int:
        return sum(split.rows for split in self.splits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What the describing documents are made of: the project, the folder with the data files, the tables."""

    project: Project
    folder: Path
    tables: tuple[Table, ...]

    def table(self, name: str) -> Table:
        """The table of a config. Raises KeyError."""
        found = next((t for t in self.tables if t.name == name), None)
        if found is None:
            raise KeyError(name)
        return found

    @property
    def split_names(self) -> tuple[str, ...]:
        """Splits of any config: those of the project's ratios first, in their order, then the pinned ones."""
        present = {split.name for table in self.tables for split in table.splits}
        known = [name for name in self.project.splits.ratios if name in present]
        return (*known, *sorted(present - set(known)))


def read_rows(folder: Path, files: Iterable[FileEntry], node: Type, columns: list[str] | None = None) -> pa.Table:
    """The rows of Parquet files of a release, labels as strings; only `columns`, if given."""
    tables = [pq.read_table(folder / entry.path, columns=columns, partitioning=None) for entry in files]
    table = pa.concat_tables(tables)
    wanted = node if columns is None else _only(node, columns)
    return arrow.decode(table.select([f.name for f in wanted.fields]), wanted)


def row_batches(
    folder: Path, entry: FileEntry, node: Type, *, encoded: bool = False, size: int = BATCH_BYTES
) -> Iterator[pa.Table]:
    """The rows of a Parquet file, some at a time, so that no file is too large; labels as strings unless `encoded`."""
    with pq.ParquetFile(folder / entry.path, memory_map=True, pre_buffer=False) as file:
        for batch in file.iter_batches(batch_rows(file.metadata, size), use_threads=False):
            table = pa.Table.from_batches([batch]).select(list(node.names))
            yield table if encoded else arrow.decode(table, node)


def batch_rows(metadata: pq.FileMetaData, size: int = BATCH_BYTES) -> int:
    """How many rows of a file are about `size` bytes."""
    total = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    return max(1, min(2**17, int(size * metadata.num_rows // max(1, total))))


def rows_by_id(folder: Path, table: Table, ids: Sequence[str], columns: list[str]) -> dict[str, dict[str, Any]]:
    """id -> row, for the few rows of a records config that are asked for; what is not there is left out."""
    found = {}
    wanted = pc.field("id").isin(list(ids))
    for split in table.splits:
        for entry in split.parquet:
            rows = pq.read_table(folder / entry.path, columns=columns, filters=wanted, partitioning=None)
            decoded = arrow.decode(rows, _only(table.type, columns)) if rows.num_rows else rows
            found.update({row["id"]: row for row in decoded.to_pylist()})
    return found


def articles_table(tables: Iterable[Table], primary: str) -> Table | None:
    """The config with whole articles, if a release has one."""
    return next((t for t in tables if t.config.view == "records" and t.config.kind == primary), None)


def texts_of(folder: Path, tables: Iterable[Table], primary: str, ids: Sequence[str]) -> dict[str, str]:
    """id -> text of some articles, as far as the release has their texts."""
    table = articles_table(tables, primary)
    name = text_name(table.type) if table is not None else None
    if table is None or name is None:
        return {}
    rows = rows_by_id(folder, table, ids, ["id", name])
    return {i: row[name] for i, row in rows.items() if row[name] is not None}


def _only(node: Type, columns: list[str]) -> Type:
    return Type(kind="struct", fields=tuple(f for f in node.fields if f.name in columns))


def tables_as_json(tables: Iterable[Table]) -> dict[str, Any]:
    """The tables as they stand in the manifest (without the row types, which are in schema/)."""
    return {
        table.name: {
            "view": table.config.view,
            "kind": table.config.kind,
            "layer": table.config.layer,
            **_columns_as_json(table.config),
            "default": table.config.default,
            "description": table.config.description,
            "home": list(table.home),
            "rows": table.rows,
            "splits": {split.name: _split_as_json(split) for split in table.splits},
        }
        for table in tables
    }


def _columns_as_json(config: Config) -> dict[str, Any]:
    """The columns that rows carry from their record, or bring from linked ones; nothing where there are none."""
    given = {"carry": list(config.carry), "bring": list(config.bring)}
    return {name: columns for name, columns in given.items() if columns}


def _split_as_json(split: SplitData) -> dict[str, Any]:
    return {
        "rows": split.rows,
        "num_bytes": split.num_bytes,
        "logical_sha256": split.logical_sha256,
        "files": {name: [entry.path for entry in entries] for name, entries in split.files.items()},
    }


def data_files(tables: Iterable[Table]) -> Iterator[FileEntry]:
    """Every data file of the tables."""
    for table in tables:
        for split in table.splits:
            for entries in split.files.values():
                yield from entries


def tables_from_json(
    value: Mapping[str, Any], files: Mapping[str, FileEntry], types: Mapping[str, Type]
) -> tuple[Table, ...]:
    """The tables of a manifest: the inverse of `tables_as_json`, given the files by path and the row types."""
    made = []
    for name, table in value.items():
        config = Config(
            name=name, view=table["view"], kind=table["kind"], layer=table["layer"],
            default=table["default"], description=table["description"],
            carry=tuple(table.get("carry", ())), bring=tuple(table.get("bring", ())),
        )  # fmt: skip
        splits = tuple(
            SplitData(
                name=split_name, rows=split["rows"], num_bytes=split["num_bytes"],
                logical_sha256=split["logical_sha256"],
                files={f: tuple(files[p] for p in paths) for f, paths in split["files"].items()},
            )
            for split_name, split in table["splits"].items()
        )  # fmt: skip
        made.append(Table(config=config, type=types[name], splits=splits, home=tuple(table["home"])))
    return tuple(made)
