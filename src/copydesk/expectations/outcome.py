"""What came of one rule: a verdict of our own, with ids of rows and never a value of a cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

EXAMPLES = 20
"""How many offending rows are named."""

Status = Literal["passed", "failed", "error"]
Example = Mapping[str, Any]
"""Key column -> id, for one row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The verdict on one rule over all shards.

    `evaluated`: rows that had a value to judge. `problem`: why it is "error"; `code`: under which to say so.
    """

    status: Status
    evaluated: int = 0
    unexpected: int = 0
    examples: tuple[Example, ...] = ()
    problem: str = ""
    code: str = "E003"


def not_evaluated(problem: str, *, code: str = "E003") -> Outcome:
    """The outcome of a rule that gave no verdict, which is a failure whatever its severity."""
    return Outcome(status="error", problem=problem, code=code)
