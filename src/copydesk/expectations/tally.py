"""What one file says of the rules of a suite: counts that add up over files, and the verdict on their sum.

A tally is a small value that may be kept: it holds ids of rows, never a value of a cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from copydesk.contract.types import Type
from copydesk.expectations.outcome import EXAMPLES, Example, Outcome, not_evaluated
from copydesk.expectations.suites import ROW_COUNT, Rule, Suite, key_columns
from copydesk.release.model import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts of one rule over some rows.

    `evaluated`: rows that had a value to judge. `examples`: the first rows that break it. `problem`: why the counts
    cannot be trusted, or nothing; `code`: under which to say so.
    """

    rows: int = 0
    evaluated: int = 0
    unexpected: int = 0
    examples: tuple[Example, ...] = ()
    problem: str = ""
    code: str = "E003"

    def __add__(self, later: Tally) -> Tally:
        """The tally over the rows of both, those of `later` after these."""
        troubled = self if self.problem else later
        return Tally(
            rows=self.rows + later.rows,
            evaluated=self.evaluated + later.evaluated,
            unexpected=self.unexpected + later.unexpected,
            examples=(*self.examples, *later.examples)[:EXAMPLES],
            problem=troubled.problem,
            code=troubled.code,
        )


Tallies = Mapping[str, Tally]
"""Rule id -> tally."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSuite:
    """The row rules of one config, with what is needed to judge a file of it anywhere.

    `type`: the columns to read, which are those that a rule names and `keys`, the columns that name a row.
    """

    config: str
    type: Type
    keys: tuple[str, ...]
    rules: tuple[Rule, ...]

    @property
    def judged(self) -> tuple[str, ...]:
        """The columns that Great Expectations is shown: at least one, since a frame without a column has no rows."""
        named = dict.fromkeys(name for rule in self.rules for name in rule.columns)
        return tuple(named) or self.keys or self.type.names[:1]


def row_suite(suite: Suite, kind: str, node: Type) -> RowSuite:
    """The row rules of a suite that is bound to rows of `node`, made of records of `kind`."""
    keys = key_columns(kind, node)
    wanted = {*keys, *(name for rule in suite.rules for name in rule.columns)} or set(node.names[:1])
    columns = Type(kind="struct", fields=tuple(f for f in node.fields if f.name in wanted))
    return RowSuite(config=suite.config, type=columns, keys=keys, rules=suite.rules)


def judge(rule: Rule, tally: Tally, table: Table) -> Outcome:
    """The verdict over all files of a table. Nothing counts unless every row was looked at."""
    if tally.problem or tally.rows != table.rows:
        problem = tally.problem or f"{tally.rows} of the {table.rows} rows were looked at"
        return not_evaluated(problem, code=tally.code)
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
        examples=tally.examples,
    )
