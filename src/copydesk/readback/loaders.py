"""All rows of a config through `load_dataset`, plain and streaming, and through DuckDB, held against the files.

The files are read once more, and the loaders beside it, some rows at a time: a split may be large.

Where rows of some files were read back before, what `datasets` makes of the release as a whole is asked for without
the rows: its features, and which files it takes for which split. Rows are then read, every way, of a release that is
cut down to the other files, under the same card.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.contract import arrow
from copydesk.diagnostics import Diagnostic, Place
from copydesk.release.model import SplitData, Table, batch_rows, row_batches
from copydesk.shortage import is_shortage

_SHOWN = 40
"""Rows that stand for a split in which nothing is new."""
_Given = dict[str, Callable[[], Iterable[pa.Table]]]
"""Loader -> how to begin with its rows of a split."""


def differs(file: str, message: str) -> Diagnostic:
    """R001."""
    return Diagnostic(code="R001", place=Place(file=file), message=message)


def unread(name: str, folder: Path, error: Exception) -> Diagnostic:
    """R001 for a loader that gives up. Want of memory says nothing of the release, and is raised again."""
    if is_shortage(error):
        raise error
    what = str(error).replace(str(folder), "").splitlines() or [""]
    return differs("README.md", f"{name} cannot read the release: {what[0][:200]} ({type(error).__name__})")


def configs(folder: Path, tables: tuple[Table, ...]) -> Iterator[Diagnostic]:
    """What `datasets` says of the release as a whole."""
    import datasets

    names = datasets.get_dataset_config_names(str(folder))
    if set(names) != {table.name for table in tables}:
        yield differs("README.md", f"load_dataset offers the configs {sorted(names)}")
    default = datasets.get_dataset_default_config_name(str(folder))
    if default != next((t.name for t in tables if t.config.default), tables[0].name):
        yield differs("README.md", f"load_dataset takes {default!r} for the default config")


def rows(folder: Path, table: Table, cache: Path, known: Collection[str] = frozenset()) -> Iterator[Diagnostic]:
    """Splits, features and rows of a config. `cache` is gone afterwards: it is a second copy of the data.

    `known`: the files, by path, whose rows were read back before.
    """
    found: list[Diagnostic] = []
    if known:
        with _telling("datasets", folder, found):
            _whole(folder, table, cache, found)
        with _telling("DuckDB", folder, found):
            _counted(folder, table, found)
        if found:  # what is wrong with the whole would be told once more of the part
            yield from found
            return
        folder, table = _cut_down(folder, table, cache / "part", known)
    given: dict[str, _Given] = {}
    with ExitStack() as stack:
        with _telling("datasets", folder, found):
            given = _of_datasets(folder, table, cache, found, part=bool(known))
        with _telling("DuckDB", folder, found):
            connection = stack.enter_context(_database(folder))
            for split in table.splits:
                given.setdefault(split.name, {})["DuckDB"] = partial(_of_duckdb, connection, folder, split)
        for split in table.splits:
            _compare(given.get(split.name, {}), folder, table, split, found)
    shutil.rmtree(cache, ignore_errors=True)
    yield from found


def _whole(folder: Path, table: Table, cache: Path, found: list[Diagnostic]) -> None:
    """What `datasets` makes of all files of a config, without their rows."""
    import datasets

    builder = datasets.load_dataset_builder(str(folder), table.name, cache_dir=str(cache / "whole"))
    if builder.info.features.to_dict() != {f.name: arrow.feature(f.type) for f in table.type.fields}:
        found.append(differs("README.md", f"load_dataset gives other features of {table.name}"))
    wanted = {split.name: [str((folder / e.path).resolve()) for e in split.parquet] for split in table.splits}
    taken = {name: [str(Path(file).resolve()) for file in files] for name, files in builder.config.data_files.items()}
    if taken != wanted:
        found.append(differs("README.md", f"load_dataset takes other files for the splits of {table.name}"))
    told = {name: split.num_examples for name, split in (builder.info.splits or {}).items()}
    if told != {split.name: split.rows for split in table.splits}:
        found.append(differs("README.md", f"load_dataset tells other numbers of rows of {table.name}"))


def _counted(folder: Path, table: Table, found: list[Diagnostic]) -> None:
    """Whether DuckDB finds as many rows in the files of each split as were written."""
    with _database(folder) as connection:
        for split in table.splits:
            files = [str(folder / entry.path) for entry in split.parquet]
            query = "SELECT count(*) FROM read_parquet($files, hive_partitioning = false)"
            if connection.sql(query, params={"files": files}).fetchall() != [(split.rows,)]:
                message = f"DuckDB counts other rows of {table.name}/{split.name} than the {split.rows} written"
                found.append(differs(split.parquet[0].path, message))


def _bring(source: Path, target: Path) -> None:
    """Put a file where nothing but the part is: DuckDB follows no link out of the folder that it may read."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)


def _cut_down(folder: Path, table: Table, part: Path, known: Collection[str]) -> tuple[Path, Table]:
    """The config with those files alone that are not known. A split that has none gets its first rows in their place,
    since loaders stop at a split without files; for other configs, which the card names too, all is there."""
    splits = []
    part.mkdir(parents=True)
    for other in folder.iterdir():
        if other.is_dir() and other.name != table.name:
            (part / other.name).symlink_to(other.resolve())
    for split in table.splits:
        kept = [entry for entry in split.parquet if entry.path not in known]
        for entry in kept or split.parquet[:1]:
            (part / entry.path).parent.mkdir(parents=True, exist_ok=True)
        for entry in kept:
            _bring(folder / entry.path, part / entry.path)
        if not kept:
            entry = split.parquet[0]
            first = next(row_batches(folder, entry, table.type, encoded=True)).slice(0, _SHOWN)
            pq.write_table(first.cast(arrow.release_schema(table.type)), part / entry.path)
            kept = [replace(entry, rows=first.num_rows)]
        files = {**split.files, "parquet": tuple(kept)}
        splits.append(replace(split, rows=sum(entry.rows or 0 for entry in kept), files=files))
    shutil.copy(folder / "README.md", part / "README.md")
    return part, replace(table, splits=tuple(splits))


@contextmanager
def _telling(name: str, folder: Path, found: list[Diagnostic]) -> Iterator[None]:
    """R001 for whatever a loader raises: a user would meet it too."""
    try:
        yield
    except Exception as error:
        found.append(unread(name, folder, error))


def _of_datasets(folder: Path, table: Table, cache: Path, found: list[Diagnostic], *, part: bool) -> dict[str, _Given]:
    import datasets

    datasets.disable_progress_bars()
    # the card counts the rows of the whole release, which this may be a part of; ours are counted one by one
    loaded = datasets.load_dataset(
        str(folder), table.name, cache_dir=str(cache / "data"), verification_mode="no_checks" if part else None
    )
    if set(loaded) != {split.name for split in table.splits}:
        found.append(differs("README.md", f"load_dataset gives the splits {sorted(loaded)} of {table.name}"))
        return {}
    given: dict[str, _Given] = {}
    for split in table.splits:
        features = loaded[split.name].features
        if features.to_dict() != {f.name: arrow.feature(f.type) for f in table.type.fields}:
            message = f"load_dataset gives other features of {table.name}/{split.name}"
            found.append(differs("README.md", message))
            continue
        stream = datasets.load_dataset(str(folder), table.name, split=split.name, streaming=True)
        if stream.features != features:
            found.append(differs("README.md", f"streaming gives other features of {table.name}/{split.name}"))
        size = _rows_at_a_time(folder, split)
        given[split.name] = {
            "load_dataset": partial(loaded[split.name].with_format("arrow").iter, batch_size=size),
            "streaming": partial(stream.with_format("arrow").iter, batch_size=size),
        }
    return given


def _database(folder: Path) -> AbstractContextManager[Any]:
    from copydesk.expectations.tables import connect

    return connect(folder, ordered=True)


def _of_duckdb(connection: Any, folder: Path, split: SplitData) -> Iterator[pa.Table]:
    files = [str(folder / entry.path) for entry in split.parquet]
    query = "SELECT * FROM read_parquet($files, hive_partitioning = false)"
    rows = connection.sql(query, params={"files": files})  # in pieces; a result of `execute` would be held whole
    return map(_as_table, rows.to_arrow_reader(_rows_at_a_time(folder, split)))


def _as_table(batch: pa.RecordBatch) -> pa.Table:
    return pa.Table.from_batches([batch])


def _rows_at_a_time(folder: Path, split: SplitData) -> int:
    return batch_rows(pq.read_metadata(folder / split.parquet[0].path))


def _written(folder: Path, table: Table, split: SplitData) -> Iterator[pa.Table]:
    for entry in split.parquet:
        yield from row_batches(folder, entry, table.type, encoded=True)


def _compare(given: _Given, folder: Path, table: Table, split: SplitData, found: list[Diagnostic]) -> None:
    """Hold the rows that loaders give against those of the files; a loader that differs is not read further."""
    schema = arrow.release_schema(table.type)
    file, where, done = split.parquet[0].path, f"{table.name}/{split.name}", 0
    sources: dict[str, _Rows] = {}
    for name, batches in given.items():
        with _telling(name, folder, found):
            sources[name] = _Rows(batches(), schema)
    for written in _written(folder, table, split):
        ours = _as(written, schema)
        for name, source in list(sources.items()):
            count = len(found)
            with _telling(name, folder, found):
                theirs = source.take(ours.num_rows)
                if not _same(ours, theirs):
                    found.append(differs(file, f"{name} gives other rows of {where}, from row {done} on"))
                elif sum(part.num_rows for part in theirs) < ours.num_rows:
                    found.append(differs(file, f"{name} gives fewer rows of {where} than the {split.rows} written"))
            if len(found) > count:
                del sources[name]
        done += ours.num_rows
    for name, source in sources.items():
        with _telling(name, folder, found):
            if source.take(1):
                found.append(differs(file, f"{name} gives more rows of {where} than the {split.rows} written"))


def _same(ours: pa.Table, theirs: list[pa.Table]) -> bool:
    """Whether these are the first rows of ours."""
    at = 0
    for part in theirs:
        if not ours.slice(at, part.num_rows).equals(part):
            return False
        at += part.num_rows
    return True


class _Rows:
    """The rows of a loader, as many at a time as are asked for."""

    def __init__(self, batches: Iterable[pa.Table], schema: pa.Schema) -> None:
        self._batches = iter(batches)
        self._schema = schema
        self._rest: pa.Table | None = None

    def take(self, count: int) -> list[pa.Table]:
        """The next rows, in pieces; fewer of them only at the end."""
        taken: list[pa.Table] = []
        while count:
            rest = self._rest if self._rest is not None else self._next()
            if rest is None:
                break
            piece = rest.slice(0, count)
            taken.append(piece)
            count -= piece.num_rows
            self._rest = rest.slice(piece.num_rows) if piece.num_rows < rest.num_rows else None
        return taken

    def _next(self) -> pa.Table | None:
        batch = next(self._batches, None)
        return None if batch is None else _as(batch.select(self._schema.names), self._schema)


def _as(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with the types of the release: a reader's own list and string types are cast away."""
    if table.schema.equals(schema):
        return table
    return table.cast(schema)
