"""Which articles were withdrawn and which versions yanked, as the project keeps it. Never the text of an article.

Not here: the commands that write these files, and the ledger, where a withdrawn article keeps its split.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from copydesk import jsontext
from copydesk.diagnostics import Diagnostic, Place
from copydesk.semver import is_version, version_key

TOMBSTONES = "data/tombstones.jsonl"
YANKED = "data/yanked.jsonl"

REASONS = ("takedown", "rights", "privacy", "consent", "error", "duplicate")
"""The usual codes of a reason. Others are allowed, in the same form: a code cannot hold a text."""

_REASON = re.compile(r"[a-z][a-z0-9-]{0,39}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """An article that was withdrawn. `reason` is a code; `releases` are the versions that still hold it.

    `note` is for people, and does not quote the article.
    """

    id: str
    kind: str
    reason: str
    date: str
    releases: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Yank:
    """A version that nobody should use any more, and why. Its number is used up."""

    version: str
    reason: str
    date: str


Tombstones = Mapping[tuple[str, str], Tombstone]
"""(kind, id) -> the tombstone."""

Item = TypeVar("Item")
Key = TypeVar("Key")


def read_tombstones(path: Path, shown: str, kind: str) -> tuple[dict[tuple[str, str], Tombstone], list[Diagnostic]]:
    """The tombstones of a project, those that say no kind being of `kind`; none if there is no file. L015 for each
    line that is not one."""

    def parse(value: dict[str, Any]) -> Tombstone:
        releases = value.get("releases", [])
        if not isinstance(releases, list):
            raise ValueError("`releases` is no list")
        return Tombstone(**{"kind": kind, **value, "releases": tuple(releases)})

    return _read(path, shown, parse, _tombstone_problem, lambda tombstone: (tombstone.kind, tombstone.id))


def read_yanked(path: Path, shown: str) -> tuple[dict[str, Yank], list[Diagnostic]]:
    """Version -> why it was yanked; none if there is no file. L015 for each line that is not one."""
    return _read(path, shown, lambda value: Yank(**value), _yank_problem, lambda yank: yank.version)


def dump_tombstones(tombstones: Tombstones) -> bytes:
    """JSON lines, ordered by kind and id: a form that merges and reviews well."""
    return b"".join(jsontext.dump_line(_plain(tombstones[key])) for key in sorted(tombstones))


def dump_yanked(yanked: Mapping[str, Yank]) -> bytes:
    """JSON lines, ordered by version."""
    lines = (yanked[version] for version in sorted(yanked, key=version_key))
    return b"".join(
        jsontext.dump_line({"version": yank.version, "reason": yank.reason, "date": yank.date}) for yank in lines
    )


def add_tombstone(tombstones: Tombstones, new: Tombstone) -> dict[tuple[str, str], Tombstone]:
    """The tombstones with one more. Said again, it changes nothing but its reason, note and the releases that are
    known to hold the article: the date stays that of the first."""
    old = tombstones.get((new.kind, new.id))
    if old is not None:
        releases = tuple(sorted({*old.releases, *new.releases}, key=version_key))
        new = replace(new, date=min(old.date, new.date), releases=releases, note=new.note or old.note)
    else:
        new = replace(new, releases=tuple(sorted(set(new.releases), key=version_key)))
    return {**tombstones, (new.kind, new.id): new}


def add_yank(yanked: Mapping[str, Yank], new: Yank) -> dict[str, Yank]:
    """The yanked versions with one more. Said again, its reason is the new one, its date the first."""
    old = yanked.get(new.version)
    return {**yanked, new.version: replace(new, date=min(old.date, new.date)) if old is not None else new}


def still_there(
    tombstones: Tombstones, kind: str, places: Mapping[str, Place]
) -> tuple[frozenset[str], list[Diagnostic]]:
    """The withdrawn among the records of a kind (id -> place), which are to be left out, and L013 for each."""
    found = []
    for identifier in sorted(places):
        if tombstone := tombstones.get((kind, identifier)):
            message = f"{identifier!r} was withdrawn on {tombstone.date} ({tombstone.reason}), and is left out"
            notes = (f"releases that hold it: {', '.join(tombstone.releases)}",) if tombstone.releases else ()
            found.append(Diagnostic(code="L013", place=places[identifier], message=message, notes=notes))
    return frozenset(i for i in places if (kind, i) in tombstones), found


def quotes(note: str, text: str, words: int = 4) -> str:
    """The first so many words in a row that a note has from a text; empty if it quotes none."""
    pieces = _WORD.findall(note.casefold())
    tokens = _WORD.findall(text.casefold())
    known = {tuple(tokens[at : at + words]) for at in range(len(tokens) - words + 1)}
    runs = (tuple(pieces[at : at + words]) for at in range(len(pieces) - words + 1))
    return " ".join(next((run for run in runs if run in known), ()))


def _read(
    path: Path,
    shown: str,
    parse: Callable[[dict[str, Any]], Item],
    problem_of: Callable[[Item], str],
    key_of: Callable[[Item], Key],
) -> tuple[dict[Key, Item], list[Diagnostic]]:
    read: dict[Key, Item] = {}
    found: list[Diagnostic] = []
    for number, line in enumerate(path.read_bytes().split(b"\n") if path.exists() else (), 1):
        if not line.strip():
            continue
        try:
            value = jsontext.loads(line)
            item = parse(value) if isinstance(value, dict) else None
            problem = problem_of(item) if item is not None else "it is no object"
        except TypeError:
            item, problem = None, "a property is missing, or there is one too many"
        except ValueError as error:
            item, problem = None, str(error)
        if item is not None and not problem and key_of(item) in read:
            problem = "it stands here already"
        if item is None or problem:
            message = f"this line cannot be read: {problem}"
            found.append(Diagnostic(code="L015", place=Place(file=shown, line=number), message=message))
            continue
        read[key_of(item)] = item
    return read, found


def _tombstone_problem(tombstone: Tombstone) -> str:
    strings = (tombstone.id, tombstone.kind, tombstone.reason, tombstone.date, tombstone.note, *tombstone.releases)
    return (
        next(_problems(strings, tombstone.date), "")
        or (
            ""
            if _REASON.fullmatch(tombstone.reason)
            else f"{tombstone.reason[:40]!r} is no code, such as {REASONS[0]!r}"
        )
        or next((f"{v[:40]!r} is no version" for v in tombstone.releases if not is_version(v)), "")
    )


def _yank_problem(yank: Yank) -> str:
    problem = next(_problems((yank.version, yank.reason, yank.date), yank.date), "")
    return problem or ("" if is_version(yank.version) else f"{yank.version[:40]!r} is no version")


def _problems(strings: Iterable[object], date: str) -> Iterator[str]:
    if not all(isinstance(value, str) for value in strings):
        yield "a value has the wrong type"
    elif not _DATE.fullmatch(date):
        yield f"{date[:40]!r} is no date"
    else:
        try:
            datetime.date.fromisoformat(date)
        except ValueError:
            yield f"{date!r} is no date"


def _plain(tombstone: Tombstone) -> dict[str, Any]:
    line: dict[str, Any] = {
        "id": tombstone.id,
        "kind": tombstone.kind,
        "reason": tombstone.reason,
        "date": tombstone.date,
        "releases": list(tombstone.releases),
    }
    return line | ({"note": tombstone.note} if tombstone.note else {})
