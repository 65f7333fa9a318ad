"""DuckDB over the Parquet files of a release: rules that only whole tables show, as SQL. Not for single rows.

Every config is a view of its name over the files of all its splits, labels as strings, with a column
`split`. A query sees the files of the release and nothing else: no other file, no extension, no network.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copydesk.contract.types import Type
from copydesk.expectations.outcome import EXAMPLES, Example, Outcome, not_evaluated
from copydesk.expectations.suites import Query, Suite, key_columns
from copydesk.release.model import Release, Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

THREADS = 2
MEMORY = 10**9
"""Bytes that DuckDB keeps in memory; what goes beyond it spills to a temporary folder."""
LEAST_MEMORY = 128 * 10**6
"""With less than this, DuckDB fails where it should spill."""


@contextmanager
def connect(
    folder: Path, *, ordered: bool = False, memory: int | None = None, scratch: Path | None = None
) -> Iterator[DuckDBPyConnection]:
    """A database in memory that can read the files below `folder` and nothing else.

    With `ordered`, rows come in the order of the files; without, DuckDB needs less memory. `memory`: bytes that it
    keeps, about; None is the usual. `scratch`: the folder in which it makes its temporary one, which is always removed;
    None is the system's.
    """
    import duckdb

    with tempfile.TemporaryDirectory(prefix="copydesk-", dir=scratch) as spill:
        settings: dict[str, Any] = {
            "threads": THREADS,
            "memory_limit": f"{max(LEAST_MEMORY, min(memory or MEMORY, MEMORY))}B",
            "temp_directory": spill,
            "preserve_insertion_order": ordered,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        with duckdb.connect(":memory:", config=settings) as connection:
            connection.execute(f"SET allowed_directories = [{_text(str(folder))}]")
            connection.execute("SET enable_progress_bar = false")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            yield connection


def create_view(connection: DuckDBPyConnection, folder: Path, table: Table) -> None:
    """The view of a config. A config that has a column `split` of its own keeps it."""
    columns = ", ".join(f"{_labelled(f.type, _name(f.name))} AS {_name(f.name)}" for f in table.type.fields)
    selects = []
    for split in table.splits:
        files = ", ".join(_text(str(folder / entry.path)) for entry in split.parquet)
        added = "" if table.type.get("split") else f", {_text(split.name)} AS split"
        source = f"read_parquet([{files}], hive_partitioning = false)"
        selects.append(f"SELECT {columns}{added} FROM {source}")
    connection.execute(f"CREATE VIEW {_name(table.name)} AS {' UNION ALL '.join(selects)}")


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _labelled(node: Type, value: str, depth: int = 0) -> str:
    """SQL for `value` with the labels in it as strings. A number that is no label's stops the query."""
    if node.kind == "label":
        names = ", ".join(_text(name) for name in node.names)
        known = f"WHEN {value} BETWEEN 0 AND {len(node.names) - 1} THEN ([{names}])[{value} + 1]"
        return f"CASE {known} WHEN {value} IS NOT NULL THEN error('not the number of a label') END"
    if node.kind == "list" and node.item is not None:
        inner = _labelled(node.item, f"x{depth}", depth + 1)
        return value if inner == f"x{depth}" else f"list_transform({value}, lambda x{depth}: {inner})"
    if node.kind == "struct":
        fields = [(_name(f.name), _labelled(f.type, f"{value}.{_name(f.name)}", depth)) for f in node.fields]
        if all(inner == f"{value}.{name}" for name, inner in fields):
            return value
        packed = ", ".join(f"{name} := {inner}" for name, inner in fields)
        return f"CASE WHEN {value} IS NOT NULL THEN struct_pack({packed}) END"
    return value


def fetch_rows(folder: Path, queries: Sequence[str]) -> list[list[tuple[Any, ...]]]:
    """What some queries over the files below `folder` give. Raises ValueError for whatever DuckDB refuses."""
    import duckdb

    with connect(folder.absolute()) as connection:
        try:
            return [connection.execute(query).fetchall() for query in queries]
        except duckdb.Error as error:
            raise ValueError(f"DuckDB: {str(error).splitlines()[0]}") from None


def run_queries(
    release: Release, suites: Sequence[Suite], memory: int | None = None, scratch: Path | None = None
) -> dict[str, Outcome]:
    """Rule id -> outcome, for the queries of suites whose configs the release has."""
    outcomes: dict[str, Outcome] = {}
    if not any(suite.queries for suite in suites):
        return outcomes
    with connect(release.folder, memory=memory, scratch=scratch) as connection:
        for table in release.tables:
            create_view(connection, release.folder, table)
        short = [table.name for table in release.tables if _rows(connection, table.name) != table.rows]
        for suite in suites:
            table = release.table(suite.config)
            for query in suite.queries:
                if short:
                    problem = f"the files of {short[0]!r} do not have the rows that were written to them"
                    outcomes[query.rule] = not_evaluated(problem)
                else:
                    outcomes[query.rule] = _run(connection, query, table)
    return outcomes


def _run(connection: DuckDBPyConnection, query: Query, table: Table) -> Outcome:
    """One query. Whatever it raises is a rule that was not evaluated."""
    import duckdb

    try:
        return _evaluate(connection, query, table)
    except (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException) as error:
        # These speak of the SQL only. What is raised while rows are read may quote a cell.
        return not_evaluated(f"{type(error).__name__}: {str(error).splitlines()[0]}")
    except duckdb.Error as error:
        return not_evaluated(f"DuckDB raised {type(error).__name__}")


def _evaluate(connection: DuckDBPyConnection, query: Query, table: Table) -> Outcome:
    keys = key_columns(table.config.kind, table.type)
    statements = connection.extract_statements(query.sql)
    if len(statements) != 1 or statements[0].type.name != "SELECT":
        return not_evaluated("a query is one SELECT")
    sql = statements[0].query.strip().rstrip(";")
    returned = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM (\n{sql}\n)").fetchall()]
    if tuple(returned[: len(keys)]) != keys:
        return not_evaluated(f"the query's first columns must be {', '.join(keys)}")
    names = ", ".join(_name(key) for key in keys)
    try:
        connection.execute(f"CREATE TEMP TABLE offending AS SELECT DISTINCT {names} FROM (\n{sql}\n)")
        unexpected = _rows(connection, "offending")
        if unexpected and _strangers(connection, table.name, keys):
            # A value that is no row's id must not be shown: the query may have called a text an id.
            return not_evaluated(f"the query returns ids of rows that {table.name!r} does not have")
        examples = _examples(connection, keys) if unexpected else ()
    finally:
        connection.execute("DROP TABLE IF EXISTS offending")
    return Outcome(
        status="failed" if unexpected else "passed",
        evaluated=table.rows,
        unexpected=unexpected,
        examples=examples,
    )


def _rows(connection: DuckDBPyConnection, name: str) -> int:
    return int(_scalar(connection, f"SELECT count(*) FROM {_name(name)}"))


def _scalar(connection: DuckDBPyConnection, sql: str) -> Any:
    row = connection.execute(sql).fetchone()
    assert row is not None
    return row[0]


def _strangers(connection: DuckDBPyConnection, view: str, keys: tuple[str, ...]) -> int:
    """How many of the offending rows the config does not have."""
    same = " AND ".join(f"found.{_name(key)} IS NOT DISTINCT FROM known.{_name(key)}" for key in keys)
    sql = f"SELECT count(*) FROM offending AS found ANTI JOIN {_name(view)} AS known ON {same}"
    return int(_scalar(connection, sql))


def _examples(connection: DuckDBPyConnection, keys: tuple[str, ...]) -> tuple[Example, ...]:
    order = ", ".join(f"{_name(key)} NULLS FIRST" for key in keys)
    rows = connection.execute(f"SELECT * FROM offending ORDER BY {order} LIMIT {EXAMPLES}").fetchall()
    return tuple(dict(zip(keys, row, strict=True)) for row in rows)
