"""Great Expectations over one Parquet file as written, in pieces: its only home. Not for whole tables.

It is asked for counts first, and for the offending rows only where there are some. Its own verdict is not
used: it ignores severity, calls an exception a failure, and passes what it did not look at. So every rule
that is asked must come back once, for every row of every piece, without an exception; the counts are summed
here and judged in `tally.py`. Of what it returns only counts and row positions are kept, since the rest may
hold the text of cells.
"""

from __future__ import annotations

import contextlib
import gc
import io
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk.contract import arrow
from copydesk.expectations.outcome import EXAMPLES, Example
from copydesk.expectations.suites import ROW_COUNT, Rule
from copydesk.expectations.tally import RowSuite, Tally

PIECE_ROWS = 100_000
PIECE_BYTES = 64 * 2**20
"""Rows and bytes that a piece has at most, about. A call costs 0.1 s whatever its rows; a row costs 1 to 2 kB."""
NAMING_ROWS = 50_000
"""Rows looked at in one go for naming offenders: a list of positions is built in Python for each."""
_COUNTS = "BASIC"
_POSITIONS = {"result_format": "COMPLETE", "exclude_unexpected_values": True, "partial_unexpected_count": 0}

_Admitted = Mapping[str, tuple[Rule, Any]]
"""Rule id -> the rule, and what Great Expectations made of it."""


def _silent() -> None:
    pass


def tally_file(path: Path, rows: int | None, suite: RowSuite, alive: Callable[[], None] = _silent) -> dict[str, Tally]:
    """Rule id -> tally, for every rule of a suite over one file, which should have `rows` rows.

    The result is a function of the file's bytes, `rows`, the suite and the version of Great Expectations, whatever
    else runs and however the file is cut into pieces. `alive` is called now and then. What is wrong with the file or
    with a rule is a problem of the tallies, never raised.
    """
    with _silence():
        engine = _engine()
        usable, tallies = engine.admit(suite.rules)
        tallies.update({name: Tally() for name in usable})
        seen = 0
        try:
            for piece in _pieces(path, suite):
                for name, tally in _tally_piece(engine, piece, suite, usable).items():
                    tallies[name] += tally
                seen += piece.num_rows
                alive()
        except (OSError, pa.ArrowException, MemoryError) as error:
            return {r.rule: Tally(problem=f"a file cannot be judged: {type(error).__name__}") for r in suite.rules}
    if rows is not None and rows != seen:
        short = Tally(problem="a file does not have the rows that were written to it")
        return {name: short + tally for name, tally in tallies.items()}
    return tallies


def _pieces(path: Path, suite: RowSuite) -> Iterator[pa.Table]:
    """The columns of the suite, labels as strings, some rows at a time whatever the row groups are."""
    with pq.ParquetFile(path) as file:
        names = [field.name for field in suite.type.fields]
        held = file.metadata
        size = max(1, min(PIECE_ROWS, PIECE_BYTES * held.num_rows // max(1, _bytes_of(held, names))))
        waiting: list[pa.RecordBatch] = []
        for batch in file.iter_batches(batch_size=size, columns=names, use_threads=False):
            if sum(b.num_rows for b in waiting) + batch.num_rows > size and waiting:
                yield _decoded(waiting, suite)
                waiting = []
            waiting.append(batch)
        if waiting:
            yield _decoded(waiting, suite)


def _bytes_of(held: Any, names: Sequence[str]) -> int:
    """Uncompressed bytes of some columns."""
    groups = (held.row_group(index) for index in range(held.num_row_groups))
    columns = (group.column(index) for group in groups for index in range(group.num_columns))
    return sum(c.total_uncompressed_size for c in columns if c.path_in_schema.split(".")[0] in names)


def _decoded(batches: list[pa.RecordBatch], suite: RowSuite) -> pa.Table:
    table = pa.Table.from_batches(batches)
    batches.clear()
    return arrow.decode(table.select([f.name for f in suite.type.fields]), suite.type)


def _tally_piece(engine: _Engine, piece: pa.Table, suite: RowSuite, rules: _Admitted) -> dict[str, Tally]:
    results = engine.validate(_frame(piece, suite), rules, _COUNTS) if rules else {}
    tallies = {name: _tally(rule, results.get(name), piece.num_rows) for name, (rule, _) in rules.items()}
    failed = {name: rules[name] for name, tally in tallies.items() if tally.unexpected}
    named: dict[str, list[Example]] = {name: [] for name in failed}
    for start in range(0, piece.num_rows, NAMING_ROWS):
        failed = {name: pair for name, pair in failed.items() if len(named[name]) < EXAMPLES}
        if not failed:
            break
        part = piece.slice(start, NAMING_ROWS)
        found = engine.validate(_frame(part, suite), failed, _POSITIONS)
        for name in failed:
            room = EXAMPLES - len(named[name])
            named[name].extend(_key(part, suite.keys, row) for row in _positions(found.get(name))[:room])
    return {name: tally + Tally(examples=tuple(named.get(name, ()))) for name, tally in tallies.items()}


def _frame(piece: pa.Table, suite: RowSuite) -> Any:
    """The piece as pandas has it, whose types must not depend on what else is in the piece.

    Great Expectations compares 64-bit integers at once and others one by one. pandas makes floats of integers with
    nulls among them, whose text is `3.0`, unless told otherwise; rules over several columns want it so, since they
    have no verdict on the nulls of its integers.
    """
    import pandas

    compared = {name for rule in suite.rules if len(rule.columns) > 1 for name in rule.columns}
    columns, with_nulls = {}, {}
    for name in suite.judged:
        column, node = piece.column(name), suite.type.field_type(name)
        if node.kind == "integer":
            floats = node.nullable and name in compared
            column = column.cast(pa.float64() if floats else pa.int64(), safe=False)
            if column.null_count and name not in compared:
                with_nulls[name] = column.to_pandas(types_mapper={column.type: pandas.Int64Dtype()}.get)
        columns[name] = column
    return pa.table(columns).to_pandas(split_blocks=True).assign(**with_nulls)


def _key(rows: pa.Table, keys: tuple[str, ...], row: int) -> Example:
    return {name: rows.column(name)[row].as_py() for name in keys}


def _tally(rule: Rule, result: Any, size: int) -> Tally:
    """The counts of one piece, or why they cannot be trusted."""
    if result is None:
        return Tally(problem="Great Expectations returned no result for it, or more than one")
    if isinstance(result, Exception):
        return Tally(problem=f"Great Expectations raised {type(result).__name__}")
    if raised := _exceptions(result.exception_info):
        return Tally(problem=f"Great Expectations raised {', '.join(raised)}")
    counts = result.result or {}
    seen = counts.get("observed_value" if rule.type == ROW_COUNT else "element_count")
    if seen != size:
        return Tally(problem=f"{seen} rows were looked at where there are {size}")
    if rule.type == ROW_COUNT:
        return Tally(rows=size, evaluated=size)
    unexpected, missing = counts.get("unexpected_count"), counts.get("missing_count") or 0
    agrees = "mostly" in rule.kwargs or result.success is (unexpected == 0)
    if not isinstance(unexpected, int) or not agrees:
        return Tally(problem="the verdict and the count of offending rows disagree")
    return Tally(rows=size, evaluated=size - missing, unexpected=unexpected)


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


class _Engine:
    """An ephemeral context of Great Expectations: nothing on disk, no progress bars."""

    def __init__(self) -> None:
        with _no_collection():
            import great_expectations
            from great_expectations.execution_engine import pandas_execution_engine

        # It hashes every frame smaller than this, a third of its time, for a fingerprint that nothing here reads.
        pandas_execution_engine.HASH_THRESHOLD = 0
        self._gx: Any = great_expectations  # its own types do not hold
        context = self._gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        asset = context.data_sources.add_pandas("files").add_dataframe_asset("shard")
        self._whole = asset.add_batch_definition_whole_dataframe("whole")

    def admit(self, rules: Sequence[Rule]) -> tuple[dict[str, tuple[Rule, Any]], dict[str, Tally]]:
        """The rules that Great Expectations knows, made one by one: a suite drops what it does not know."""
        usable: dict[str, tuple[Rule, Any]] = {}
        refused: dict[str, Tally] = {}
        for rule in rules:
            try:
                known = self._gx.expectations.registry.get_expectation_impl(rule.type)
                made = known(**rule.kwargs, severity=rule.severity, meta={"rule": rule.rule})
            except Exception as error:  # whatever it raises, it is about the suite, not about the data
                words = " ".join(str(error).split())[:300]
                refused[rule.rule] = Tally(problem=f"Great Expectations refuses it: {words}", code="E001")
            else:
                usable[rule.rule] = (rule, made)
        return usable, refused

    def validate(self, frame: Any, rules: _Admitted, result_format: Any) -> dict[str, Any]:
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


@cache
def _engine() -> _Engine:
    """One for a process: making it takes seconds."""
    return _Engine()


def prepare_engine() -> None:
    """Make the engine now rather than for the first file."""
    with _silence():
        _engine()


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Half a million objects are made that all stay: looking for garbage among them takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


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
