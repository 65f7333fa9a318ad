"""Expectations: what must be true of the files as written. Runs the suites and says what came of each rule.

Row rules run in Great Expectations (`rows.py`), rules over whole tables in DuckDB (`tables.py`); the
outcomes of both are reported here alike. Not the place for checks of single records: those run before
anything is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from copydesk.diagnostics import Diagnostic, Place
from copydesk.expectations.outcome import Example, Outcome, not_evaluated
from copydesk.expectations.rows import run_rows
from copydesk.expectations.suites import Query, Rule, Suite, bind_suites, load_suites
from copydesk.expectations.tables import run_queries
from copydesk.release.model import Release

__all__ = ["Suite", "bind_suites", "load_suites", "run_expectations"]

SHOWN = 5
"""How many offending rows a message names; the results name more."""


def run_expectations(release: Release, suites: Sequence[Suite]) -> tuple[dict[str, Any], list[Diagnostic]]:
    """Hold every suite against the files of the release.

    Returns the results as they are published (no times, no paths, no values of cells) and a diagnostic for
    each rule that did not pass.
    """
    types = {table.name: table.type for table in release.tables}
    bound, found = bind_suites(suites, types)
    outcomes = run_rows(release, bound) | run_queries(release, bound)
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
