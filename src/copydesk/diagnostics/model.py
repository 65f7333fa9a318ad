"""What went wrong, and where: values that stages return. Nothing here prints or raises for bad data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from copydesk.diagnostics.codes import CODES, Severity

CAP_PER_CODE = 50
"""How many diagnostics of one code a person is shown; the rest is counted. Programs get all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a finding stands, in the annotator's own file.

    `file` is relative to the project, with forward slashes. `line` and `column` count from 1. `pointer` is a
    JSON pointer (RFC 6901) into the record; `record` the record's id, where it is known.
    """

    file: str
    line: int | None = None
    column: int | None = None
    pointer: str | None = None
    record: str | None = None

    def __str__(self) -> str:
        text = self.file
        if self.line is not None:
            text += f":{self.line}"
            if self.column is not None:
                text += f":{self.column}"
        if self.pointer:
            text += f" at {self.pointer}"
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding. `severity` is the code's own unless a waiver or a draft release lowered it."""

    code: str
    place: Place
    message: str
    notes: tuple[str, ...] = ()
    help: str | None = None
    lowered: Severity | None = None

    @property
    def severity(self) -> Severity:
        return self.lowered or CODES[self.code].severity

    @property
    def order(self) -> tuple[str, int, int, str, str, str, str]:
        """Sort key: file order, so that a report does not depend on workers or blocks."""
        place = self.place
        return (
            place.file,
            place.line or 0,
            place.column or 0,
            self.code,
            place.pointer or "",
            place.record or "",
            self.message,
        )


@dataclass(slots=True)
class Report:
    """The findings of one run, in file order. `beyond`: by code and severity, how many were too many to keep."""

    diagnostics: list[Diagnostic] = field(default_factory=list)
    beyond: Counter[tuple[str, Severity]] = field(default_factory=Counter)

    def add(self, found: Diagnostic | Iterable[Diagnostic]) -> None:
        if isinstance(found, Diagnostic):
            self.diagnostics.append(found)
        else:
            self.diagnostics.extend(found)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(sorted(self.diagnostics, key=lambda d: d.order))

    def __len__(self) -> int:
        return len(self.diagnostics)

    @property
    def errors(self) -> list[Diagnostic]:
        return [d for d in self if d.severity is Severity.ERROR]

    def counts(self) -> Counter[Severity]:
        found = Counter(d.severity for d in self.diagnostics)
        for (_, severity), count in self.beyond.items():
            found[severity] += count
        return found


class BuildFailed(Exception):  # noqa: N818 - it is a verdict about the data, not an error of the program
    """Raised by the three gates of a build (import, barrier, expectations) with everything found so far."""

    def __init__(self, report: Report) -> None:
        super().__init__(f"{len(report.errors)} error(s)")
        self.report = report


def lower(diagnostic: Diagnostic, to: Severity) -> Diagnostic:
    """The same finding with a lower severity."""
    return replace(diagnostic, lowered=to)
