"""The lines of brat's .ann files and of its annotation.conf. Resolves no reference, judges no offset, makes no article.

Format: https://brat.nlplab.org/standoff.html and https://brat.nlplab.org/configuration.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from copydesk.articles.model import Range
from copydesk.articles.offsets import BYTES, CODE_POINTS, UTF16, decide, same_surface, variants
from copydesk.articles.units import split_lines


@dataclass(slots=True, kw_only=True)
class TextBound:
    """A T line. `ranges` as in the file, in its unit and order. `surface` is None where the file gives none.

    `rest`: the lines after it that are no annotations. They may be the rest of a surface that holds line ends.
    """

    id: str
    line: int
    label: str
    ranges: tuple[Range, ...]
    surface: str | None
    rest: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An E line. `arguments`: (role as written, id), in order."""

    id: str
    line: int
    label: str
    trigger: str
    arguments: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """An R line: (role, id) of its two ends, as written."""

    id: str
    line: int
    label: str
    ends: tuple[tuple[str, str], tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalence:
    """A `*` line; these have no ids."""

    line: int
    label: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An A line, or M as it was called once. `value` is None for a binary attribute."""

    id: str
    line: int
    name: str
    target: str
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalization:
    """An N line: `entry` of `resource`, called `text` there."""

    id: str
    line: int
    kind: str
    target: str
    resource: str
    entry: str
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A `#` line with an id. `kind` is AnnotatorNotes for what people write in brat."""

    id: str
    line: int
    kind: str
    target: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A line that begins with # and has no id: it says nothing of any annotation."""

    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged:
    """A line that cannot be understood, and its id if that much can be."""

    id: str | None
    line: int
    message: str


Identified: TypeAlias = TextBound | Event | Relation | Attribute | Normalization | Note
Line: TypeAlias = Identified | Equivalence | Comment | Damaged

ID = re.compile(r"[TERAMN#][0-9]\S*")
_LOOKS = re.compile(r"[ \t]*(?:[A-Za-z#][0-9]+\S*|\*)[ ]*\t")
"""A line that means to be an annotation, of whatever kind: it cannot be the rest of the surface before it."""
_SPAN = re.compile(r"[ ]*(\S+)[ ]+(-?[0-9]{1,15} +-?[0-9]{1,15}(?: *; *-?[0-9]{1,15} +-?[0-9]{1,15})*)[ ]*")
_NUMBER = re.compile(r"-?[0-9]+")
_BLANKS = re.compile(r"[ \t\r]+")


def short(text: str) -> str:
    """A piece of the data as messages quote it."""
    return repr(text if len(text) <= 40 else text[:39] + "…")


def looks_like_brat(text: str) -> bool:
    """Whether any line at all means to be an annotation, tabs lost or not."""
    return any(ID.match(line) or line.startswith(("*", "#")) or _LOOKS.match(line) for _, line in split_lines(text))


def parse_lines(text: str) -> Iterator[Line]:
    """The lines of an .ann file in order; blank ones are passed by."""
    last: TextBound | None = None
    for number, line in split_lines(text):
        if last is not None and not _LOOKS.match(line):
            last.rest.append((number, line))
            continue
        parsed = parse_line(number, line)
        last = parsed if isinstance(parsed, TextBound) else None
        if parsed is not None:
            yield parsed


def parse_line(number: int, line: str) -> Line | None:
    """One line, or None for a blank one."""
    if not line.strip():
        return None
    first, tab, body = line.partition("\t")
    identifier = first.strip(" ")
    if identifier == "*" and tab:
        return _equivalence(number, body)
    if first.startswith("#") and not ID.fullmatch(identifier):
        return Comment(line=number)
    if not ID.fullmatch(identifier):
        return _unknown(number, line, identifier if tab else "")
    return _READERS[identifier[0]](identifier, number, body)


def _unknown(number: int, line: str, identifier: str) -> Damaged:
    begun = ID.match(line)
    if begun:
        return Damaged(id=begun[0], line=number, message=f"there is no tab after {short(begun[0])}")
    if identifier:
        return Damaged(id=None, line=number, message=f"{short(identifier)} is no kind of annotation that brat has")
    return Damaged(id=None, line=number, message=f"{short(line)} is no annotation")


def _is_not(what: str, found: str, identifier: str | None, number: int) -> Damaged:
    return Damaged(id=identifier, line=number, message=f"{short(found)} is not {what}")


def _words(text: str) -> list[str]:
    return [word for word in _BLANKS.split(text) if word]


def _text_bound(identifier: str, number: int, body: str) -> Line:
    head, _, surface = body.partition("\t")
    found = _SPAN.fullmatch(head)
    if not found:
        return _is_not("a label with a start and an end", head, identifier, number)
    offsets = [int(offset) for offset in _NUMBER.findall(found[2])]
    ranges = tuple(zip(offsets[::2], offsets[1::2], strict=True))
    return TextBound(id=identifier, line=number, label=found[1], ranges=ranges, surface=surface or None)


def _pairs(words: list[str]) -> tuple[tuple[str, str], ...]:
    """role:id words; nothing if one of them is something else."""
    pairs = [(role, target) for role, _, target in (word.rpartition(":") for word in words)]
    return tuple(pairs) if all(role and target for role, target in pairs) else ()


def _event(identifier: str, number: int, body: str) -> Line:
    pairs = _pairs(_words(body))
    if not pairs:
        return _is_not("a type and a trigger, with roles", body, identifier, number)
    return Event(id=identifier, line=number, label=pairs[0][0], trigger=pairs[0][1], arguments=pairs[1:])


def _relation(identifier: str, number: int, body: str) -> Line:
    label, *rest = _words(body) or [""]
    pairs = _pairs(rest)
    if len(pairs) != 2:
        return _is_not("a type and two roles", body, identifier, number)
    return Relation(id=identifier, line=number, label=label, ends=(pairs[0], pairs[1]))


def _equivalence(number: int, body: str) -> Line:
    label, *members = _words(body) or [""]
    if not members:
        return _is_not("a type and its members", body, None, number)
    return Equivalence(line=number, label=label, members=tuple(members))


def _attribute(identifier: str, number: int, body: str) -> Line:
    name, *rest = _BLANKS.split(body.strip(" \t\r"), maxsplit=2)
    if not rest:
        return _is_not("an attribute and what has it", body, identifier, number)
    value = rest[1] if len(rest) == 2 else None
    return Attribute(id=identifier, line=number, name=name, target=rest[0], value=value)


def _normalization(identifier: str, number: int, body: str) -> Line:
    head, tab, text = body.partition("\t")
    kind, *rest = _BLANKS.split(head.strip(" \r"), maxsplit=2)
    resource, _, entry = rest[1].partition(":") if len(rest) == 2 else ("", "", "")
    if not resource or not entry:
        return _is_not("a type, what is normalized and resource:id", head, identifier, number)
    name = text if tab else None
    return Normalization(
        id=identifier, line=number, kind=kind, target=rest[0], resource=resource, entry=entry, text=name
    )


def _note(identifier: str, number: int, body: str) -> Line:
    head, _, text = body.partition("\t")
    words = _words(head)
    if len(words) != 2:
        return _is_not("a type and what the note is on", head, identifier, number)
    return Note(id=identifier, line=number, kind=words[0], target=words[1], text=text)


_READERS = {"T": _text_bound, "E": _event, "R": _relation, "A": _attribute, "M": _attribute, "N": _normalization,
            "#": _note}  # fmt: skip


def unit_of(text: str, lines: Iterable[TextBound], *, bom: bool) -> str:
    """What the offsets of a file count: code points as in brat, unless another unit halves the surfaces that differ."""
    claims = [(*line.ranges[0], line.surface) for line in lines if len(line.ranges) == 1 and line.surface is not None]
    brats = decide(text, claims, [CODE_POINTS])
    best = decide(text, claims, variants(CODE_POINTS, UTF16, BYTES, text=text, bom=bom)) if brats.wrong else brats
    return best.unit if best.wrong * 2 <= brats.wrong else brats.unit


def ranges_of(line: TextBound, convert: Callable[[int], int | None]) -> list[Range]:
    """The ranges in code points, in the order of the file; none if an offset falls inside a character."""
    found = [(convert(start), convert(end)) for start, end in line.ranges]
    ranges = [(start, end) for start, end in found if start is not None and end is not None]
    return ranges if len(ranges) == len(found) else []


def settle_surface(line: TextBound, pieces: Sequence[str]) -> tuple[str | None, int, bool]:
    """(the surface that a T line gives, how many of the lines after it belong to that, whether a comment was cut off).

    `pieces` are the texts of the fragments. A surface with a line end in it goes on in the next lines. brat allows
    more columns after the surface, and before version 1.3 it wrote fragments without a space between them.
    """
    actual = " ".join(pieces)
    if line.surface is not None and same_surface(line.surface, actual):
        return line.surface, 0, False
    joined = line.surface or ""
    for count, (_, more) in enumerate(line.rest, 1):
        joined += "\n" + more
        if same_surface(joined, actual):
            return joined, count, False
        if len(joined) > 2 * len(actual) + 100:
            break
    if line.surface is None:
        return None, 0, False
    first, tab, _ = line.surface.partition("\t")
    if tab and same_surface(first, actual):
        return first, 0, True
    return (actual if same_surface(line.surface, "".join(pieces)) else line.surface), 0, False


_RESERVED = re.compile(
    "id|label|start|end|fragments|surface|text|head|tail|trigger|arguments|normalizations|notes|"
    "(head|tail)_(event|role)|.*_notes"
)
_NUMBERED = re.compile(r"(.*[^0-9])([0-9]{1,9})")


def property_name(attribute: str) -> str:
    """What an attribute is called as a property: letters, digits and underscores, no name that means something else."""
    name = re.sub(r"\W", "_", attribute)
    return f"{name}_attribute" if _RESERVED.fullmatch(name) else name


def split_role(written: str, roles: Set[str], declared_roles: Set[str]) -> tuple[str, int]:
    """brat numbers a role that an event has several times: Theme, Theme2. ARG1 beside ARG0 is a role of its own."""
    found = _NUMBERED.fullmatch(written)
    if found and found[1] in roles and written not in declared_roles:
        return found[1], int(found[2])
    return written, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What annotation.conf declares, in its order: types that can be annotated, attributes with their values, roles.

    An attribute without values is binary. `relations` that are symmetric and transitive are `equivalences`.
    """

    entities: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    equivalences: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    roles: frozenset[str] = frozenset()


_SECTION = re.compile(r"\[\s*(\w+)\s*\]")
_ROLE = re.compile(r"[^:?*+{}\s]+")
_OLD_NAMES = {"spans": "entities"}


@lru_cache(maxsize=32)
def declared(conf: bytes) -> Declared:
    """What an annotation.conf says. Lines that say nothing understandable are passed by: brat does not need them."""
    sections: dict[str, list[tuple[str, str]]] = {}
    section = ""
    for _, line in split_lines(conf.decode("utf-8-sig", errors="replace")):
        line = line.strip()
        header = _SECTION.fullmatch(line)
        if header:
            section = _OLD_NAMES.get(header[1].lower(), header[1].lower())
        elif line and not line.startswith(("#", "<", "!", "--")):  # comment, macro, only a heading, separator
            name, _, arguments = line.replace("\t", " ").partition(" ")
            sections.setdefault(section, []).append((name.partition("|")[0], arguments))
    relations = [line for line in sections.get("relations", ()) if line[0] != "ENTITY-NESTING"]
    same = {name for name, arguments in relations if "symmetric" in arguments and "transitive" in arguments}
    same.add("Equiv")
    attributes: dict[str, tuple[str, ...]] = {}
    for name, arguments in sections.get("attributes", ()):
        attributes[name] = tuple(dict.fromkeys([*attributes.get(name, ()), *_values(arguments)]))
    return Declared(
        entities=_once(sections.get("entities", ())),
        relations=_once(line for line in relations if line[0] not in same),
        equivalences=_once(line for line in relations if line[0] in same),
        events=_once(sections.get("events", ())),
        attributes=attributes,
        roles=frozenset(role for _, arguments in sections.get("events", ()) for role in _roles(arguments)),
    )


def _once(lines: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name, _ in lines))


def _values(arguments: str) -> list[str]:
    """The values of an attribute, from `Arg:<EVENT>, Value:High|Low`."""
    out: list[str] = []
    for argument in re.split(r"[,;]", arguments):
        key, _, values = argument.strip().partition(":")
        if key == "Value":
            out += [value.strip() for value in values.split("|") if value.strip()]
    return out


def _roles(arguments: str) -> Iterator[str]:
    """The roles of an event, from `Buyer:Person, Seller?:Person`."""
    for argument in re.split(r"[,;]", arguments):
        found = _ROLE.match(argument.strip())
        if found and not found[0].startswith("<"):
            yield found[0]
