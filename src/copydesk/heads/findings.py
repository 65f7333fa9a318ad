"""Findings up to a cap: of each code the first in file order, whatever blocks they come from; the others are counted.

A corpus that is broken from end to end has a finding a record; nobody reads them all, and they would not fit in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import TypeAlias

from copydesk import jsontext
from copydesk.attempts import whole
from copydesk.diagnostics import Diagnostic, Severity

KEPT = 10_000
"""How many findings of one code and severity are kept."""

Counts: TypeAlias = "Counter[tuple[str, Severity]]"
"""(code, severity) -> how many."""


class Findings:
    """Findings as they come. What is beyond the cap is written to `path`, a line each, so that it can be forgotten."""

    def __init__(self, path: Path, cap: int | None = None) -> None:
        self._path, self._cap = path, KEPT if cap is None else cap
        self._kept: dict[tuple[str, Severity], list[Diagnostic]] = {}
        self.beyond: Counts = Counter()

    def extend(self, found: Iterable[Diagnostic]) -> None:
        """Take findings, in any order."""
        for diagnostic in found:
            key = diagnostic.code, diagnostic.severity
            kept = self._kept.setdefault(key, [])
            kept.append(diagnostic)
            if len(kept) >= 2 * self._cap:
                self._cut(key)

    def __iter__(self) -> Iterator[Diagnostic]:
        for key in list(self._kept):
            self._cut(key)
            yield from self._kept[key]

    def forget(self, records: Set[str]) -> None:
        """Take back what was found about some records, also what lies in the files beside that of this."""
        for key, kept in self._kept.items():
            self._kept[key] = [d for d in kept if d.place.record not in records]
        if self.beyond:
            self.beyond.clear()
            for path in sorted(self._path.parent.glob(f"*{self._path.suffix}")):
                for line in path.read_bytes().splitlines():
                    code, severity, record = jsontext.loads(line)
                    if record not in records:
                        self.beyond[code, Severity(severity)] += 1

    def _cut(self, key: tuple[str, Severity]) -> None:
        kept = self._kept[key]
        if len(kept) > self._cap:
            kept.sort(key=lambda d: d.order)
            lines = [[d.code, d.severity.value, d.place.record] for d in kept[self._cap :]]
            with self._path.open("ab") as stream:
                stream.writelines(jsontext.dump_document(line).replace(b"\n", b"") + b"\n" for line in lines)
            self.beyond[key] += len(lines)
            del kept[self._cap :]


def capped(found: list[Diagnostic], path: Path) -> tuple[list[Diagnostic], Counts]:
    """The findings of one block up to the cap, and how many more there are. Run again, it does the same."""
    if len(found) <= KEPT:
        return found, Counter()
    with whole(path) as fresh:
        findings = Findings(fresh)
        findings.extend(found)
        kept = list(findings)
        fresh.touch()
    return kept, findings.beyond
