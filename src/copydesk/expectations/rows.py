"""Great Expectations over the Parquet files as written, shard by shard: its only home. Not for whole tables.

It is asked for counts first, and for the offending rows only where there are some. Its own verdict is not
used: it ignores severity, calls an exception a failure, and passes what it did not look at. So every rule
that is asked must come back once, for every row of every shard, without an exception; the counts are summed
and judged here. Of what it returns only counts and row positions are kept, since the rest may hold the text
of cells.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from copydesk.expectations.outcome import EXAMPLES, Example, Outcome, not_evaluated
from copydesk.expectations.suites import ROW_COUNT, Rule, Suite, key_columns
from copydesk.release.model import FileEntry, Release, Table, read_rows

NAMING_ROWS = 50_000
"""Rows looked at in one go for naming offenders: a list of positions is built in Python for each."""
_COUNTS = "BASIC"
_POSITIONS = {"result_format": "COMPLETE", "exclude_unexpected_values": True, "partial_unexpected_count": 0}


@dataclass(slots=True, kw_only=True)
class _Tally:
    """Counts of one rule, summed over shards."""

    rows: int = 0
    evaluated: int = 0
    unexpected: int = 0
    examples: list[Example] = field(default_factory=list)
    problem: str = ""


def run_rows(release: Release, suites: Sequence[Suite]) -> dict[str, Outcome]:
    """Rule id -> outcome, for the row rules of suites that are bound to the release's tables."""
    outcomes: dict[str, Outcome] = {}
    if not any(suite.rules for suite in suites):
        return outcomes
    with _silence():
        engine = _Engine()
        for suite in suites:
            usable, refused = engine.admit(suite.rules)
            outcomes.update(refused)
            if usable:
                outcomes.update(_run_suite(engine, release.folder, release.table(suite.config), usable))
    return outcomes


def _run_suite(
    engine: _Engine, folder: Path, table: Table, rules: Mapping[str, tuple[Rule, Any]]
) -> dict[str, Outcome]:
    keys = key_columns(table.config.kind, table.type)
    named = dict.fromkeys(name for rule, _ in rules.values() for name in rule.columns)
    tallies = {name: _Tally() for name in rules}
    for split in table.splits:
        for entry in split.parquet:
            _run_shard(engine, _Shard(folder, entry, table, keys, tuple(named)), rules, tallies)
    return {name: _judge(rule, tallies[name], table) for name, (rule, _) in rules.items()}


class _Shard:
    """One Parquet file: the columns that the suite needs, and the ids of its rows."""

    def __init__(
        self, folder: Path, entry: FileEntry, table: Table, keys: tuple[str, ...], columns: tuple[str, ...]
    ) -> None:
        wanted = list(dict.fromkeys([*keys, *columns]))
        self.keys = keys
        self.rows = read_rows(folder, [entry], table.type, wanted)
        self.complete = entry.rows is None or entry.rows == self.rows.num_rows
        # A frame without a column has no rows, so a suite that only counts gets the keys.
        self.columns = list(columns or keys)

    def frame(self, start: int = 0, length: int | None = None) -> Any:
        return self.rows.slice(start, length).select(self.columns).to_pandas()

    def key(self, row: int) -> Example:
        return {name: self.rows.column(name)[row].as_py() for name in self.keys}


def _run_shard(
    engine: _Engine, shard: _Shard, rules: Mapping[str, tuple[Rule, Any]], tallies: dict[str, _Tally]
) -> None:
    size = shard.rows.num_rows
    if not shard.complete:
        for tally in tallies.values():
            tally.problem = "a file does not have the rows that were written to it"
    results = engine.validate(shard.frame(), rules, _COUNTS)
    failed = {}
    for name, (rule, expectation) in rules.items():
        tally, before = tallies[name], tallies[name].unexpected
        tally.problem = tally.problem or _add(tally, rule, results.get(name), size)
        if tally.unexpected > before and len(tally.examples) < EXAMPLES and not tally.problem:
            failed[name] = (rule, expectation)
    for start in range(0, size, NAMING_ROWS):
        failed = {name: pair for name, pair in failed.items() if len(tallies[name].examples) < EXAMPLES}
        if not failed:
            break
        found = engine.validate(shard.frame(start, NAMING_ROWS), failed, _POSITIONS)
        for name in failed:
            room = EXAMPLES - len(tallies[name].examples)
            rows = _positions(found.get(name))[:room]
            tallies[name].examples.extend(shard.key(start + row) for row in rows)


def _add(tally: _Tally, rule: Rule, result: Any, size: int) -> str:
    """Add one shard's counts. Returns why they cannot be trusted, or nothing."""
    if result is None:
        return "Great Expectations returned no result for it, or more than one"
    if isinstance(result, Exception):
        return f"Great Expectations raised {type(result).__name__}"
    if raised := _exceptions(result.exception_info):
        return f"Great Expectations raised {', '.join(raised)}"
    counts = result.result or {}
    seen = counts.get("observed_value" if rule.type == ROW_COUNT else "element_count")
    if seen != size:
        return f"a shard has {size} rows and {seen} were looked at"
    tally.rows += size
    if rule.type == ROW_COUNT:
        tally.evaluated += size
        return ""
    unexpected, missing = counts.get("unexpected_count"), counts.get("missing_count") or 0
    agrees = "mostly" in rule.kwargs or result.success is (unexpected == 0)
    if not isinstance(unexpected, int) or not agrees:
        return "the verdict and the count of offending rows disagree"
    tally.unexpected += unexpected
    tally.evaluated += size - missing
    return ""


def _exceptions(info: Any) -> list[str]:
    """Types of what was raised. `exception_info` is one record, or one for each metric that raised."""
    records = [info] if "raised_exception" in (info or {}) else list((info or {}).values())
    raised = [r for r in records if not isinstance(r, Mapping) or r.get("raised_exception") is not False]
    return sorted({_exception_type(record) for record in raised})


def _exception_type(record: Any) -> str:
    """The last exception type of a traceback. Never its message, which may quote a cell."""
    trace = str(record.get("exception_traceback") or "") if isinstance(record, Mapping) else ""
    heads = (line.split(":")[0].strip() for line in trace.splitlines() if line[:1].strip())
    types = [head for head in heads if head.replace(".", "").replace("_", "").isalnum() and " " not in head]
    return types[-1].rpartition(".")[2] if types else "an exception"


def _positions(result: Any) -> list[int]:
    listed = (getattr(result, "result", None) or {}).get("unexpected_index_list")
    return sorted(row for row in listed or () if isinstance(row, int))


def _judge(rule: Rule, tally: _Tally, table: Table) -> Outcome:
    """The verdict over all shards."""
    if tally.problem or tally.rows != table.rows:
        return not_evaluated(tally.problem or f"{tally.rows} of the {table.rows} rows were looked at")
    if rule.type == ROW_COUNT:
        low, high = rule.kwargs.get("min_value"), rule.kwargs.get("max_value")
        met = (low is None or tally.rows >= low) and (high is None or tally.rows <= high)
    elif not tally.evaluated:
        return not_evaluated("every value is null, so there was nothing to look at")
    else:
        met = tally.evaluated - tally.unexpected >= rule.kwargs.get("mostly", 1) * tally.evaluated
    return Outcome(
        status="passed" if met else "failed",
        evaluated=tally.evaluated,
        unexpected=tally.unexpected,
        examples=tuple(tally.examples),
    )


class _Engine:
    """An ephemeral context of Great Expectations: nothing on disk, no progress bars."""

    def __init__(self) -> None:
        import great_expectations

        self._gx: Any = great_expectations  # its own types do not hold
        context = self._gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        asset = context.data_sources.add_pandas("files").add_dataframe_asset("shard")
        self._whole = asset.add_batch_definition_whole_dataframe("whole")

    def admit(self, rules: Sequence[Rule]) -> tuple[dict[str, tuple[Rule, Any]], dict[str, Outcome]]:
        """The rules that Great Expectations knows, made one by one: a suite drops what it does not know."""
        usable: dict[str, tuple[Rule, Any]] = {}
        refused: dict[str, Outcome] = {}
        for rule in rules:
            try:
                known = self._gx.expectations.registry.get_expectation_impl(rule.type)
                made = known(**rule.kwargs, severity=rule.severity, meta={"rule": rule.rule})
            except Exception as error:  # whatever it raises, it is about the suite, not about the data
                words = " ".join(str(error).split())[:300]
                refused[rule.rule] = not_evaluated(f"Great Expectations refuses it: {words}", code="E001")
            else:
                usable[rule.rule] = (rule, made)
        return usable, refused

    def validate(self, frame: Any, rules: Mapping[str, tuple[Rule, Any]], result_format: Any) -> dict[str, Any]:
        """Rule id -> result; without the rules that did not come back exactly once."""
        suite = self._gx.ExpectationSuite(name="suite", expectations=[made for _, made in rules.values()])
        try:
            outcome = self._whole.get_batch({"dataframe": frame}).validate(suite, result_format=result_format)
        except Exception as error:  # what a third party may raise is not known; each rule then has no verdict
            return dict.fromkeys(rules, error)
        kept = len(suite.expectations) == len(rules) == outcome.statistics["evaluated_expectations"]
        names: list[Any] = [(result.expectation_config.meta or {}).get("rule") for result in outcome.results]
        results = dict(zip(names, outcome.results, strict=True)) if kept else {}
        return {name: result for name, result in results.items() if names.count(name) == 1}


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """What Great Expectations prints, logs or warns of does not reach the user."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # its loggers have levels of their own
    before = os.environ.get("GX_ANALYTICS_ENABLED")
    os.environ["GX_ANALYTICS_ENABLED"] = "False"
    sink = io.StringIO()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        if before is None:
            del os.environ["GX_ANALYTICS_ENABLED"]
        else:
            os.environ["GX_ANALYTICS_ENABLED"] = before
