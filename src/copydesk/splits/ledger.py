"""The ledger: which article is in which group and split, since which version. One line of it, and what it was before.

Not here: many lines at once, in memory (table.py) and in the file (lines.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from copydesk import jsontext
from copydesk.diagnostics import Diagnostic, Place
from copydesk.semver import is_version, version_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """Where an article stood before `version` put it into another group, split or fold."""

    version: str
    group: str
    split: str
    fold: int | None = None
    folds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger. `since`: the version in which the article entered. `digest`: SHA-256 of its text.

    `released` is false for an article that an earlier release had and this one has not. `formerly`: the id that it had
    before it was renamed. `fold`: the one of so many `folds` that it is in, from 0 on. `apart`: since which
    version a decision sets it apart from what it belongs to. `before`: where it stood before, oldest first; also where
    only its group became another.
    """

    id: str
    group: str
    split: str
    since: str
    digest: str
    released: bool = True
    formerly: str = ""
    fold: int | None = None
    folds: int | None = None
    apart: str = ""
    before: tuple[Before, ...] = ()

    @property
    def moved(self) -> bool:
        """Whether it was in another split once."""
        return any(stand.split != self.split for stand in self.before)


Ledger = Mapping[str, Entry]

_LATER_KEYS = ("formerly", "fold", "folds", "apart", "before")
"""Left out of the file where they say nothing, so that ledgers from before there were such keys stay as they are."""


def read_strictly(data: bytes, shown: str) -> tuple[dict[str, Entry], list[Diagnostic]]:
    """The entries of a ledger's file; none, and L001, if a line is no entry."""
    entries: dict[str, Entry] = {}
    for number, line in enumerate(data.splitlines(), 1):
        try:
            entry = _entry(jsontext.loads(line))
            problem = _problem(entry, entries)
        except (jsontext.JsonError, TypeError, ValueError, AttributeError) as error:
            problem = str(error)
        if problem:
            message = f"this line is no entry of the ledger: {problem}"
            return {}, [Diagnostic(code="L001", place=Place(file=shown, line=number), message=message)]
        entries[entry.id] = entry
    return entries, []


def _entry(line: dict[str, Any]) -> Entry:
    return Entry(**{**line, "before": tuple(Before(**stand) for stand in line.get("before", ()))})


def _problem(entry: Entry, entries: Ledger) -> str:
    """What is wrong with an entry, such as a merge can leave it; empty if nothing is."""
    strings = [entry.id, entry.group, entry.split, entry.since, entry.digest, entry.formerly, entry.apart]
    strings += [value for stand in entry.before for value in (stand.version, stand.group, stand.split)]
    if not all(isinstance(value, str) for value in strings) or not isinstance(entry.released, bool):
        return "a value has the wrong type"
    if entry.id in entries:
        return f"{entry.id!r} has an entry already"
    for version in [entry.since, *([entry.apart] if entry.apart else []), *(stand.version for stand in entry.before)]:
        if not is_version(version):
            return f"{version[:40]!r} is no version"
    folds = [(entry.fold, entry.folds), *((stand.fold, stand.folds) for stand in entry.before)]
    if not all(_is_fold(fold, count) for fold, count in folds):
        return "`fold` is a number from 0 to below `folds`"
    return ""


def _is_fold(fold: object, folds: object) -> bool:
    if fold is None or folds is None:
        return fold is None and folds is None
    numbers = type(fold) is int and type(folds) is int  # true and false are no numbers here
    return numbers and 0 <= fold < folds  # type: ignore[operator]


def line_of(entry: Entry) -> dict[str, Any]:
    """An entry as its line in the file has it."""
    line: dict[str, Any] = {name: getattr(entry, name) for name in Entry.__slots__}
    line["before"] = [asdict(stand) for stand in entry.before]
    for key in _LATER_KEYS:
        if line[key] in (None, "", []):
            del line[key]
    for stand in line.get("before", ()):
        for key in ("fold", "folds"):
            if stand[key] is None:
                del stand[key]
    return line


def generation(entry: Entry) -> tuple[tuple[int, ...], str]:
    """Where the rows of an article stand: first by the version in which it entered, then by id."""
    return version_key(entry.since), entry.id


def versions_of(ledger: Ledger) -> set[str]:
    """The versions that the ledger knows of."""
    return {e.since for e in ledger.values()} | {stand.version for e in ledger.values() for stand in e.before}


def newest(versions: Iterable[str]) -> str:
    """The latest of some versions; empty if there is none."""
    return max(versions, key=version_key, default="")


def as_released(ledger: Ledger, version: str) -> dict[str, Entry]:
    """The ledger without what an earlier build of this same version put into it, since nothing of it is out yet:
    articles that entered with it are gone, those that it moved are back."""
    now = version_key(version)
    held = {}
    for identifier, entry in ledger.items():
        if version_key(entry.since) >= now:
            continue
        if entry.before and entry.before[-1].version == version:
            last = entry.before[-1]
            entry = replace(entry, group=last.group, split=last.split, before=entry.before[:-1])
            entry = replace(entry, fold=last.fold, folds=last.folds)
        if entry.apart and version_key(entry.apart) >= now:
            entry = replace(entry, apart="")
        held[identifier] = entry
    return held


def standing(entry: Entry, version: str, *, group: str, split: str, fold: int | None, folds: int | None) -> Entry:
    """The entry of an earlier version where it stands now; where it stood before is kept if that is elsewhere."""
    if (entry.group, entry.split, entry.fold, entry.folds) == (group, split, fold, folds):
        return entry
    stand = Before(version=version, group=entry.group, split=entry.split, fold=entry.fold, folds=entry.folds)
    return replace(entry, group=group, split=split, fold=fold, folds=folds, before=(*entry.before, stand))
