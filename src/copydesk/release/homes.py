"""Whether every row of a release stands in the split of its article: joins of the tables with the ledger, in DuckDB.

Only rows and groups where something is amiss, or that are told of elsewhere, become values here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copydesk.expectations.tables import fetch_rows
from copydesk.release.model import SplitData, Table

LEDGER_FILE = "ledger.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Homes:
    """What the ledger and the rows say. `torn`: group -> its splits, if more than one. `groups`: (group, split) ->
    ids, where a split has more than one article of the group. `counts`: split -> articles. `astray`: config ->
    (split, id) for the rows that stand in a split which is not that of their article."""

    torn: Mapping[str, list[str]]
    groups: Mapping[tuple[str, str], list[str]]
    counts: Mapping[str, int]
    astray: Mapping[str, list[tuple[str, str]]]


def read_homes(folder: Path, tables: Iterable[Table]) -> Homes:
    """Join the tables with the ledger. Raises ValueError if a file of them cannot be read."""
    home = f'SELECT id, "group", split FROM read_parquet({_text(folder.absolute() / LEDGER_FILE)}) WHERE released'
    placed = [table for table in tables if table.home and table.splits]
    torn, groups, counts, *strays = fetch_rows(
        folder,
        [
            f"""SELECT "group", list(split ORDER BY first) FROM (
                SELECT "group", split, min(id) AS first FROM ({home}) GROUP BY ALL)
            GROUP BY "group" HAVING count(*) > 1 ORDER BY "group" """,
            f"""SELECT "group", split, list(id ORDER BY id) FROM ({home})
            GROUP BY "group", split HAVING count(*) > 1""",
            f"SELECT split, count(*) FROM ({home}) GROUP BY split",
            *(_astray(folder, table, home) for table in placed),
        ],
    )
    return Homes(
        torn=dict(torn),
        groups={(group, split): ids for group, split, ids in groups},
        counts=dict(counts),
        astray={table.name: found for table, found in zip(placed, strays, strict=True)},
    )


def _astray(folder: Path, table: Table, home: str) -> str:
    rows = " UNION ALL ".join(
        f"SELECT {number} AS number, {_text(split.name)} AS split, {_name(column)} AS id "
        f"FROM read_parquet({_files(folder, split)}, hive_partitioning = false)"
        for number, split in enumerate(table.splits)
        for column in table.home
    )
    return f"""SELECT split, id FROM (
        SELECT DISTINCT rows.number, rows.split, rows.id FROM ({rows}) AS rows LEFT JOIN ({home}) AS home
        ON rows.id = home.id WHERE rows.id IS NOT NULL AND home.split IS DISTINCT FROM rows.split
        ) ORDER BY number, id"""


def _files(folder: Path, split: SplitData) -> str:
    return f"[{', '.join(_text(folder.absolute() / entry.path) for entry in split.parquet)}]"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"
