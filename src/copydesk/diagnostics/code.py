"""What a code is: its name, its weight, its words. The codes themselves stand in codes.py."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """How much a finding weighs. Only an error stops a build."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One entry of the table. `waivable`: whether a waiver may let the record through."""

    id: str
    slug: str
    severity: Severity
    summary: str
    explanation: str
    example: str
    help: str | None = None
    waivable: bool = False


def code(
    id: str, slug: str, severity: Severity, summary: str, explanation: str, example: str,
    help: str | None = None, waivable: bool = False,
) -> Code:  # fmt: skip
    return Code(
        id=id, slug=slug, severity=severity, summary=summary, explanation=explanation, example=example,
        help=help, waivable=waivable,
    )  # fmt: skip
