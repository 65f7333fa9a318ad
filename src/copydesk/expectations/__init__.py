"""Expectations: what must be true of the files as written. Runs the suites and says what came of each rule.

Row rules run in Great Expectations (`rows.py`), in a process of its own if asked (`judges.py`), rules over whole
tables in DuckDB (`tables.py`); the outcomes of both are reported here alike. Not the place for checks of single
records: those run before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from copydesk.contract.types import Type
from copydesk.diagnostics import Diagnostic, Place
from copydesk.expectations.judges import Beside, Here, Judge, Shard
from copydesk.expectations.outcome import Example, Outcome, not_evaluated
from copydesk.expectations.remembered import open_judge
from copydesk.expectations.suites import Query, Rule, Suite, bind_suites, load_suites
from copydesk.expectations.tables import run_queries
from copydesk.expectations.tally import RowSuite, Tallies, Tally, judge, row_suite
from copydesk.release.model import FileEntry, Release, Table

__all__ = [
    "Beside",
    "Here",
    "Judge",
    "RowSuite",
    "Shard",
    "Suite",
    "bind_suites",
    "load_suites",
    "open_judge",
    "row_suites",
    "run_expectations",
    "shard_name",
]

SHOWN = 5
"""How many offending rows a message names; the results name more."""


def row_suites(suites: Sequence[Suite], kinds: Mapping[str, str], types: Mapping[str, Type]) -> dict[str, RowSuite]:
    """Config -> its row rules, where it has some. `kinds` and `types` are the record kind and row type by config."""
    bound, _ = bind_suites(suites, types)
    return {s.config: row_suite(s, kinds[s.config], types[s.config]) for s in bound if s.rules}


def shard_name(config: str, sha256: str) -> str:
    """What a file is called among those that are judged: files with the same bytes have the same tallies."""
    return f"{config}-{sha256}"


def run_expectations(
    release: Release,
    suites: Sequence[Suite],
    rows: Judge | None = None,
    *,
    memory: int | None = None,
    scratch: Path | None = None,
) -> tuple[dict[str, Any], list[Diagnostic]]:
    """Hold every suite against the files of the release.

    Returns the results as they are published (no times, no paths, no values of cells) and a diagnostic for
    each rule that did not pass. `rows` judges row rules, and may have begun to; queries run meanwhile. `memory` and
    `scratch` are for the queries.
    """
    types = {table.name: table.type for table in release.tables}
    bound, found = bind_suites(suites, types)
    rows = rows or Here()
    asked = row_suites(suites, {table.name: table.config.kind for table in release.tables}, types)
    for config, needed in asked.items():
        for name, entry in _files(release.table(config)):
            rows.add(Shard(name=name, path=release.folder / entry.path, rows=entry.rows, suite=needed))
    outcomes = run_queries(release, bound, memory, scratch)
    tallies = rows.tallies() if asked else {}
    for config, needed in asked.items():
        outcomes.update(_judged(release.table(config), needed, tallies))
    described: list[dict[str, Any]] = []
    for suite in suites:
        if suite.config not in types:
            message = f"{suite.config!r} has no rows, so none of its {len(suite.all)} rules was evaluated"
            found.append(Diagnostic(code="E003", place=Place(file=suite.file), message=message))
        rules = []
        for rule in suite.all:
            # What binding refused has no outcome, but a diagnostic already.
            outcome = outcomes.get(rule.rule, not_evaluated(""))
            found.extend(_diagnostics(rule, outcome))
            rules.append(_described(rule, outcome))
        described.append({"config": suite.config, "rules": rules})
    results = {
        "engine": {"great_expectations": version("great-expectations"), "duckdb": version("duckdb")},
        "success": not any(_stops(rule) for suite in described for rule in suite["rules"]),
        "suites": described,
    }
    return results, found


def _files(table: Table) -> Iterator[tuple[str, FileEntry]]:
    """The Parquet files of a table in the order of their rows, and the names they are judged under."""
    for split in table.splits:
        for entry in split.parquet:
            yield shard_name(table.name, entry.sha256), entry


def _judged(table: Table, suite: RowSuite, tallies: Mapping[str, Tallies]) -> Iterator[tuple[str, Outcome]]:
    """The outcome of every row rule over all files of a table, in their order."""
    for rule in suite.rules:
        none = Tally(problem="Great Expectations returned no result for it")
        total = sum((tallies[name].get(rule.rule, none) for name, _ in _files(table)), Tally())
        yield rule.rule, judge(rule, total, table)


def _stops(rule: Mapping[str, Any]) -> bool:
    status, severity = rule["status"], rule["severity"]
    return bool(status == "error" or (status == "failed" and severity == "critical"))


def _described(rule: Rule | Query, outcome: Outcome) -> dict[str, Any]:
    return {
        "rule": rule.rule,
        "type": rule.type,
        "severity": rule.severity,
        "description": rule.description,
        "status": outcome.status,
        "evaluated": outcome.evaluated,
        "unexpected": outcome.unexpected,
        "examples": [dict(example) for example in outcome.examples],
    }


def _diagnostics(rule: Rule | Query, outcome: Outcome) -> Iterator[Diagnostic]:
    place = rule.place
    if outcome.status == "error" and outcome.problem:
        yield Diagnostic(code=outcome.code, place=place, message=f"{rule.rule}: {outcome.problem}")
    if outcome.status != "failed":
        return
    record = next(iter(outcome.examples[0].values())) if outcome.examples else None
    counted = f"{outcome.unexpected} of {outcome.evaluated} rows break it"
    if not outcome.unexpected:
        counted = f"the table has {outcome.evaluated} rows"
    yield Diagnostic(
        code="E002" if rule.severity == "critical" else "E004",
        place=Place(file=place.file, line=place.line, pointer=place.pointer, record=_word(record)),
        message=f"{rule.rule}: {counted}",
        notes=(rule.description, *_named(outcome)),
    )


def _word(value: object) -> str | None:
    return None if value is None else str(value)


def _named(outcome: Outcome) -> Iterator[str]:
    """The first offending rows, by their ids."""
    names = [_row_name(example) for example in outcome.examples[:SHOWN]]
    if names:
        more = outcome.unexpected - len(names)
        yield ", ".join(names) + (f" and {more} more" if more > 0 else "")


def _row_name(example: Example) -> str:
    return "/".join("null" if value is None else str(value) for value in example.values())
