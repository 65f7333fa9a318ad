"""What the splits know of an article: its text by digest, its stratum, its time, the split that the data give it."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from copydesk import jsontext
from copydesk.diagnostics import Diagnostic, Place
from copydesk.project import PROJECT_FILE, Splits

ALIASES = (
    ("train", "training"),
    ("validation", "valid", "val", "dev", "devel", "development"),
    ("test", "testing", "eval", "evaluation"),
)
"""Names for one and the same split, as corpora have them."""

_NUMBER = re.compile(r"-?\d{1,400}(\.\d{1,400})?([eE][+-]?\d{1,3})?", re.ASCII)
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ]((?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_EPOCH = datetime.datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An article of this version. `digest`: SHA-256 of its text. `stratum`, `time` and `given` are the values of the
    properties that [splits] names, as `marks` reads them; empty if there is none. `source`: the split that its source
    gives it."""

    digest: str
    stratum: str = ""
    time: str = ""
    given: str = ""
    source: str = ""
    place: Place | None = None


def marks(value: Mapping[str, object], splits: Splits) -> tuple[str, str, str]:
    """(stratum, time, given split) of a record."""
    return _at(value, splits.stratify), _at(value, splits.column), _at(value, splits.given)


def _at(value: object, path: str) -> str:
    """What stands at a dotted path: a string as it is, anything else as JSON, nothing and null as nothing."""
    if not path:
        return ""
    if isinstance(value, Mapping) and path in value:  # a property may have dots in its name
        value = value[path]
    else:
        for step in path.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
    if value is None or isinstance(value, str):
        return value or ""
    return jsontext.dump_line(value).decode().strip()  # type: ignore[arg-type]


def split_named(name: str, ratios: Mapping[str, float]) -> str:
    """The split that data mean by a name: the one of that name, else the one that has another name for the same."""
    if name in ratios:
        return name
    plain = name.strip().casefold()
    same = next((names for names in ALIASES if plain in names), (plain,))
    return next((split for split in ratios if split.casefold() == plain), None) or next(
        (split for split in ratios if split.casefold() in same), ""
    )


def instant(time: str) -> tuple[str, Decimal] | None:
    """("number" or "date", where it stands among its kind) of a time; None if it is neither a number nor an ISO 8601
    date or date-time. A time without an offset is UTC, a date its first moment."""
    if _NUMBER.fullmatch(time):
        return "number", Decimal(time)
    found = _ISO.fullmatch(time)
    if found is None:
        return None
    day, clock, offset = found.groups()
    try:
        moment = datetime.datetime.fromisoformat(f"{day}T{clock[:15] if clock else '00:00'}")
    except ValueError:
        return None
    ahead = datetime.timedelta()
    if offset and offset != "Z":
        hours, minutes = int(offset[1:3]), int(offset[-2:])
        if hours > 23 or minutes > 59:
            return None
        ahead = datetime.timedelta(hours=hours, minutes=minutes) * (-1 if offset[0] == "-" else 1)
    since = moment - _EPOCH - ahead
    return "date", Decimal(since // datetime.timedelta(microseconds=1))


def given_splits(members: Mapping[str, Member], ratios: Mapping[str, float]) -> dict[str, str]:
    """Article -> the split that the data give it, where they do and can."""
    found = {}
    for identifier, member in members.items():
        if name := member.source or (split_named(member.given, ratios) if member.given else ""):
            found[identifier] = name
    return found


def unusable(members: Mapping[str, Member], splits: Splits) -> Iterator[Diagnostic]:
    """L010: articles whose properties do not say what the splits go by."""
    for path, key in ((splits.stratify, "stratify"), (splits.given, "given"), (splits.column, "column")):
        if path and members and not any(_mark(member, key) for member in members.values()):
            message = f"no article has a value in {path!r}"
            yield Diagnostic(code="L010", place=Place(file=PROJECT_FILE, pointer=f"/splits/{key}"), message=message)
    for identifier, member in sorted(members.items()):
        if problem := _given_problem(identifier, member, splits):
            yield _at_member(member, problem)
    if any(member.time for member in members.values()):
        yield from _untimely(members, splits)


def _mark(member: Member, key: str) -> str:
    return {"stratify": member.stratum, "given": member.given, "column": member.time}[key]


def _given_problem(identifier: str, member: Member, splits: Splits) -> str:
    name = split_named(member.given, splits.ratios) if member.given else ""
    if member.given and not name:
        known = ", ".join(splits.ratios)
        return (
            f"{splits.given!r} of {identifier!r} is {member.given[:40]!r}, which is no split; the ratios name {known}"
        )
    if member.source and name and name != member.source:
        return f"{identifier!r} is given {name} by {splits.given!r} and {member.source} by its source"
    return ""


def _untimely(members: Mapping[str, Member], splits: Splits) -> Iterator[Diagnostic]:
    if splits.by != "time":
        return
    read = {identifier: instant(member.time) for identifier, member in members.items()}
    kinds = Counter(found[0] for found in read.values() if found is not None)
    odd = "number" if kinds["number"] <= kinds["date"] else "date"
    for identifier, found in sorted(read.items()):
        member = members[identifier]
        if not member.time:
            yield _at_member(member, f"{identifier!r} has no value in {splits.column!r}")
        elif found is None:
            what = "which is no number and no date or time of ISO 8601"
            yield _at_member(member, f"{splits.column!r} of {identifier!r} is {member.time[:40]!r}, {what}")
        elif len(kinds) > 1 and found[0] == odd:
            what = f"a {odd}, where most articles have a {'number' if odd == 'date' else 'date'}"
            yield _at_member(member, f"{splits.column!r} of {identifier!r} is {member.time[:40]!r}, {what}")


def _at_member(member: Member, message: str) -> Diagnostic:
    place = member.place or Place(file=PROJECT_FILE, pointer="/splits")
    return Diagnostic(code="L010", place=place, message=message)
