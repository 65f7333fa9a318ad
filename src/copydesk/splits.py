"""Groups -> splits, and the ledger that remembers them. An article keeps its split from release to release."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

from copydesk import jsontext
from copydesk.diagnostics import Diagnostic, Place, Severity, lower
from copydesk.grouping import Edge
from copydesk.project import PROJECT_FILE, Pin, Splits


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger. `since`: the version in which the article entered. `digest`: SHA-256 of its text.

    `released` is false for an article that an earlier release had and this one has not.
    """

    id: str
    group: str
    split: str
    since: str
    digest: str
    released: bool = True


Ledger = Mapping[str, Entry]

Pinned = Mapping[str, tuple[str, int]]
"""Article -> the split that it is pinned to, and the number of the pin."""


def read_ledger(path: Path, shown: str) -> tuple[dict[str, Entry], list[Diagnostic]]:
    """The ledger of the project; empty if there is none yet."""
    entries: dict[str, Entry] = {}
    if not path.exists():
        return entries, []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            entry = Entry(**jsontext.loads(line))
            _version_key(entry.since)
            problem = _ledger_problem(entry, entries)
        except (jsontext.JsonError, TypeError, ValueError, AttributeError) as error:
            problem = str(error)
        if problem:
            message = f"this line is no entry of the ledger: {problem}"
            return {}, [Diagnostic(code="L001", place=Place(file=shown, line=number), message=message)]
        entries[entry.id] = entry
    return entries, []


def _ledger_problem(entry: Entry, entries: Ledger) -> str:
    """What is wrong with an entry, such as a merge can leave it; empty if nothing is."""
    if entry.id in entries:
        return f"{entry.id!r} has an entry already"
    strings = (entry.id, entry.group, entry.split, entry.since, entry.digest)
    if not all(isinstance(value, str) for value in strings) or not isinstance(entry.released, bool):
        return "a value has the wrong type"
    return ""


def dump_ledger(ledger: Ledger) -> bytes:
    """The ledger as JSON lines, ordered by id: a form that merges and reviews well."""
    return b"".join(jsontext.dump_line(asdict(ledger[identifier])) for identifier in sorted(ledger))


def generation(entry: Entry) -> tuple[tuple[int, ...], str]:
    """Where the rows of an article stand: first by the version in which it entered, then by id."""
    return _version_key(entry.since), entry.id


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def assign(
    groups: Mapping[str, str],
    digests: Mapping[str, str],
    ledger: Ledger,
    splits: Splits,
    version: str,
    edges: Iterable[Edge] = (),
) -> tuple[dict[str, Entry], list[Diagnostic]]:
    """Give every article its split: by pin, else by ledger, else by the salted hash of its group.

    Entries of this same version are made anew, since nothing of it is out yet; those of earlier versions hold. A
    group whose members disagree is L002 (ledger) or L004 (pins), a pin that moves an article L005, a ledger that
    knows a later version L006; `edges` say why a group is one.
    """
    newer = max((e.since for e in ledger.values()), key=_version_key, default=version)
    if _version_key(newer) > _version_key(version):
        message = f"the ledger knows version {newer}; {version} is older"
        return dict(ledger), [_at_splits("L006", message)]
    earlier = {i: e for i, e in ledger.items() if _version_key(e.since) < _version_key(version)}
    pins, found = _pins(splits.pins, groups)
    members: dict[str, list[str]] = {}
    for identifier in sorted(groups):
        members.setdefault(groups[identifier], []).append(identifier)
    names = _names(members, earlier)
    made: dict[str, Entry] = {}
    for group, ids in sorted(members.items()):
        pinned = {pins[i][0] for i in ids if i in pins}
        held = {earlier[i].split for i in ids if i in earlier}
        found.extend(_conflicts(ids, pins, earlier, edges))
        split = next(iter(sorted(pinned or held)), None) or _fall(group, splits)
        found.extend(_moves(ids, split, pins, earlier, version))
        for i in ids:
            since = earlier[i].since if i in earlier else version
            made[i] = Entry(id=i, group=names[group], split=split, since=since, digest=digests[i])
    gone = {i: replace(e, released=False) for i, e in earlier.items() if i not in made}
    return {**gone, **made}, found


def _conflicts(ids: Sequence[str], pins: Pinned, earlier: Ledger, edges: Iterable[Edge]) -> Iterator[Diagnostic]:
    """L004 for a group whose pins disagree, L002 for one whose members an earlier release put apart."""
    pinned = {pins[i][0] for i in ids if i in pins}
    if len(pinned) > 1:
        message = f"the group of {ids[0]} is pinned to {' and '.join(sorted(pinned))}"
        notes = [f"{i} is pinned to {pins[i][0]}" for i in ids if i in pins]
        yield _at_pin("L004", max(pins[i][1] for i in ids if i in pins), message, notes)
    elif not pinned and len({earlier[i].split for i in ids if i in earlier}) > 1:
        where = "; ".join(f"{i} is in {earlier[i].split} since {earlier[i].since}" for i in ids if i in earlier)
        message = f"the group of {ids[0]} would straddle splits"
        yield _at_splits("L002", message, (where, *_why(edges, ids)))


def _moves(ids: Sequence[str], split: str, pins: Pinned, earlier: Ledger, version: str) -> Iterator[Diagnostic]:
    """L005 for articles that a pin takes out of their split: an error unless the version says so."""
    pin = next((pins[i][1] for i in ids if i in pins), None)
    moved = [i for i in ids if i in earlier and earlier[i].split != split]
    if pin is None or not moved:
        return
    message = f"the pin moves {', '.join(moved[:5])} from {earlier[moved[0]].split} to {split}"
    found = _at_pin("L005", pin, message)
    last = max((e.since for e in earlier.values()), key=_version_key)
    yield lower(found, Severity.NOTE) if _breaking(last, version) else found


def _breaking(old: str, new: str) -> bool:
    """Whether a version says that scores may not be compared: a new major, or before 1.0 a new minor (SemVer 4)."""
    (major, minor, _), (old_major, old_minor, _) = _version_key(new), _version_key(old)
    return major > old_major or (major == 0 and minor > old_minor)


def _names(members: Mapping[str, Sequence[str]], earlier: Ledger) -> dict[str, str]:
    """Component -> name of the group: the one that it had, unless another component has a better right to it.

    A group that falls apart leaves its name to the part that holds the article of that name, else to the first.
    """
    claims: dict[str, list[str]] = {}
    for component, ids in sorted(members.items()):
        for name in {earlier[i].group for i in ids if i in earlier}:
            claims.setdefault(name, []).append(component)
    home = {i: component for component, ids in members.items() for i in ids}
    owner = {name: home.get(name, found[0]) for name, found in claims.items()}
    return {c: min((name for name, holder in owner.items() if holder == c), default=c) for c in members}


def _why(edges: Iterable[Edge], ids: Sequence[str]) -> Iterator[str]:
    """What holds a group together, the first few edges of it."""
    members = set(ids)
    inside = (edge for edge in edges if edge.left in members)
    yield from (f"{edge.left} and {edge.right} belong together: {edge.why}" for edge in islice(inside, 5))


def _at_splits(code: str, message: str, notes: Sequence[str] = ()) -> Diagnostic:
    place = Place(file=PROJECT_FILE, pointer="/splits")
    return Diagnostic(code=code, place=place, message=message, notes=tuple(notes))


def _at_pin(code: str, number: int, message: str, notes: Sequence[str] = ()) -> Diagnostic:
    place = Place(file=PROJECT_FILE, pointer=f"/splits/pin/{number}/articles")
    return Diagnostic(code=code, place=place, message=message, notes=tuple(notes))


def _pins(pins: Iterable[Pin], groups: Mapping[str, str]) -> tuple[dict[str, tuple[str, int]], list[Diagnostic]]:
    """Article -> the split that it is pinned to, and the number of the pin."""
    pinned: dict[str, tuple[str, int]] = {}
    found = []
    for number, pin in enumerate(pins):
        for identifier in pin.articles:
            if identifier not in groups:
                message = f"the pin names {identifier!r}, which is no article of this dataset"
                found.append(_at_pin("L003", number, message))
            elif pinned.setdefault(identifier, (pin.split, number))[0] != pin.split:
                message = f"{identifier} is pinned to {pinned[identifier][0]} and {pin.split}"
                found.append(_at_pin("L004", number, message))
    return pinned, found


def _fall(group: str, splits: Splits) -> str:
    """The split in which the salted hash of the group falls, in proportion to the ratios."""
    digest = hashlib.sha256(f"{splits.salt}\0{group}".encode()).digest()
    point = int.from_bytes(digest[:8], "big") / 2**64 * sum(splits.ratios.values())
    for name, share in splits.ratios.items():
        point -= share
        if point < 0:
            return name
    return next(reversed(list(splits.ratios)))
