"""Reading a release back through the loaders that people use: `datasets` (plain and streaming), DuckDB, mlcroissant.

Every row of every config goes through `load_dataset`, both ways, and through DuckDB, and is compared with the files;
so are features, splits and counts. Through mlcroissant, which reads a whole config into memory at a millisecond a
record, go the first rows of each split (see croissant.py). That the files are what was written is for `verify`, which
every build runs too.

Rows of a file that an earlier build read back through the same loaders need not be read again: the release is loaded
as a whole all the same, and so are the rows of all other files (see loaders.py).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from copydesk.cache.verdicts import Verdicts
from copydesk.diagnostics import Diagnostic
from copydesk.engine import Engine, InProcess
from copydesk.readback import croissant, loaders
from copydesk.release.model import FileEntry, Release, Table

SPREAD = 256 * 2**20
"""Bytes of Parquet from which on other processes are worth the seconds that the import of the loaders takes there."""

_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One thing to read back: with a table its rows, without one what is said of all tables.

    `folder`: the release. `scratch`: an empty folder for the loaders' caches. `known`: the files, by path, whose rows
    were read back before.
    """

    number: int
    folder: Path
    scratch: Path
    tables: tuple[Table, ...]
    table: Table | None = None
    known: frozenset[str] = frozenset()


def read_back(
    release: Release, scratch: Path, engine: Engine | None = None, known: Verdicts | None = None
) -> list[Diagnostic]:
    """R001 for everything that a loader gives back otherwise than it was written.

    `scratch` is an empty folder for the loaders' caches: what an earlier release left there must not be read. `known`:
    what earlier builds read back.
    """
    known = known or Verdicts(step="read")
    before = {table.name: _known(known, table) for table in release.tables}
    sizes = {table.name: sum(e.size for split in table.splits for e in split.parquet) for table in release.tables}
    reading = partial(Reading, folder=release.folder, scratch=scratch, tables=release.tables)
    readings = [reading(number=0), *_of_tables(reading, release.tables, before)]
    readings.sort(key=lambda r: -sizes[r.table.name] if r.table is not None else 0)  # the longest first
    if engine is None or sum(sizes.values()) < SPREAD:
        engine = InProcess()
    found = dict(engine.map(judge, readings))
    for number, table in enumerate(release.tables, 1):
        _keep(known, table, before[table.name], clean=not found[number])
    return list(dict.fromkeys(diagnostic for number in sorted(found) for diagnostic in found[number]))


def _of_tables(
    reading: Callable[..., Reading], tables: Sequence[Table], known: Mapping[str, frozenset[str]]
) -> Iterator[Reading]:
    for number, table in enumerate(tables, 1):
        yield reading(number=number, table=table, known=known[table.name])


def _known(known: Verdicts, table: Table) -> frozenset[str]:
    """The files of a table whose rows were read back before, by path."""
    entries = [entry for split in table.splits for entry in split.parquet]
    return frozenset(entry.path for entry in entries if known.get(*_parts(table, entry)) == entry.rows)


def _keep(known: Verdicts, table: Table, before: frozenset[str], *, clean: bool) -> None:
    for split in table.splits if clean else ():
        for entry in split.parquet:
            if entry.path not in before:
                known.keep(entry.rows, *_parts(table, entry))


def _parts(table: Table, entry: FileEntry) -> tuple[str, ...]:
    """All that it depends on how loaders read the rows of a file, beside the code: the bytes and the features."""
    return entry.sha256, repr(table.type)


def judge(reading: Reading) -> tuple[int, list[Diagnostic]]:
    """(number of the reading, what is found). A pure function of the files, but for what it leaves in `scratch`."""
    os.environ.update(_OFFLINE)  # before `datasets` is imported: nothing here may ask a network
    found: list[Diagnostic] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, check in _checks(reading):
            try:
                found.extend(check())
            except Exception as error:  # whatever a loader raises, a user would meet it too
                found.append(loaders.unread(name, reading.folder, error))
    return reading.number, found


def _checks(reading: Reading) -> Iterator[tuple[str, Callable[[], Iterator[Diagnostic]]]]:
    if reading.table is None:
        yield "datasets", partial(loaders.configs, reading.folder, reading.tables)
        yield "croissant", partial(croissant.records, reading.folder, reading.tables, reading.scratch / "croissant")
    else:
        cache = reading.scratch / f"config-{reading.number}"
        yield "pyarrow", partial(loaders.rows, reading.folder, reading.table, cache, reading.known)
