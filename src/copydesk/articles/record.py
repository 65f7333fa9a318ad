"""A decoded record, and where its values stand in the annotator's own file."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from copydesk import jsontext
from copydesk.articles.model import HALF
from copydesk.diagnostics import Diagnostic, Place
from copydesk.sources import RawRecord, in_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One decoded record. `locate` gives the place of a JSON pointer in the annotator's own file.

    `written`: the value in canonical form, if the importer has it at hand: what changes the value has to drop it.
    `found`: what is wrong with single annotations, which are not in the record. `left_out`: what the file holds and
    the record does not, as the format or the map says; `homeless`: what the contract has no place for.
    """

    kind: str
    value: dict[str, Any]
    locate: Callable[[str], Place]
    written: bytes | None = None
    found: list[Diagnostic] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    homeless: Counter[str] = field(default_factory=Counter)

    @property
    def id(self) -> str | None:
        identifier = self.value.get("id")
        return identifier if isinstance(identifier, str) else None


def locator(raw: RawRecord, identifier: object) -> Callable[[str], Place]:
    """Places in a JSON record. The walk that finds them is made once, and only if there is something to find."""
    record = identifier if isinstance(identifier, str) and not HALF.search(identifier) else None
    known: dict[str, int] = {}
    breaks: list[int] = []

    def locate(pointer: str) -> Place:
        if not pointer:  # asked of every record; only findings are worth the walk
            return Place(file=raw.file, line=raw.line, record=record)
        if not known:
            text = raw.data.decode("utf-8")
            breaks.extend(match.start() for match in re.finditer("\n", text))
            known.update(jsontext.positions(text))
        near = pointer
        while near not in known:  # the place of a property that is missing is its object's
            near = near.rpartition("/")[0]
        at = known[near]
        before = bisect_left(breaks, at)
        start = breaks[before - 1] if before else -1
        return Place(file=raw.file, line=raw.line + before, column=at - start, pointer=pointer, record=record)

    return locate


def find_again(root: Path, record: Place, pointer: str) -> Place:
    """The place of a pointer in a record whose own place is known, for findings that come after the record was read.

    A record of a JSON lines file is on one line; for any other, its file is read once more.
    """
    same = replace(record, column=None, pointer=pointer)
    if in_lines(record.file):
        return same
    try:
        raw = RawRecord(file=record.file, line=1, data=(root / record.file).read_bytes())
        return locator(raw, record.record)(pointer)
    except (OSError, ValueError, IndexError):  # it changed meanwhile
        return same
