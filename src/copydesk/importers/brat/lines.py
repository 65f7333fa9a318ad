"""The lines of brat's .ann files. Resolves no reference, judges no offset, makes no article.

Format: https://brat.nlplab.org/standoff.html. Lines in which spaces stand for tabs, or tabs for spaces, as editors and
scripts leave them, are understood where only one reading is possible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from copydesk.articles.model import Range
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
_SURE = re.compile(r"T[0-9]+\t\S+ [0-9]+ [0-9]+(?:[;\t\r]|$)|E[0-9]+\t\S+:T[0-9]|\*\t\S+ T[0-9]")
_OFFSETS = "-?[0-9]{1,15} +-?[0-9]{1,15}(?: *; *-?[0-9]{1,15} +-?[0-9]{1,15})*"
_SPAN = re.compile(rf"[ ]*(\S+)[ ]+({_OFFSETS})[ ]*")
_SPAN_OF_SPACES = re.compile(rf"[ ]*(\S+)[ ]+({_OFFSETS})(?:[ ]+([^\t]*))?")
_SPAN_OF_TABS = re.compile(r"([^\t ]+)\t[ ]*(-?[0-9]{1,15}\t *-?[0-9]{1,15})[ ]*(?:\t(.*))?", re.DOTALL)
_SPACED = re.compile(
    r"[ ]*(?:T[0-9]+ +\S+[ \t]+-?[0-9]+[ \t]+-?[0-9]+(?:[ \t;]|$)|E[0-9]+ +[^\s:]+:[TE][0-9]"
    r"|R[0-9]+ +\S+ +[^\s:]+:[TE][0-9]+ +[^\s:]+:[TE][0-9]+\s*$|[AM][0-9]+ +\S+ +[TER][0-9]+(?:\s|$)"
    r"|N[0-9]+ +\S+ +[TER][0-9]+ +[^\s:]+:\S|#[0-9]+ +\S+ +[TERAMN#][0-9]+(?:\s|$)|\* +\S+(?: +[TE][0-9]+)+\s*$)"
)
"""A line whose first tab an editor made spaces, and that can be nothing but an annotation."""
_EDITED = re.compile(r"T[0-9]+[ \t]+\S+[ \t]+[0-9]+[ \t]+[0-9]+(?:[ \t;]|$)")
_RETURN = re.compile(r"\r+(?=[ ]?(?:[TERAMN#][0-9]+|\*)[ ]?\t)")
"""A line end of the old Mac, in a file that has others too."""
_NUMBER = re.compile(r"-?[0-9]+")
_BLANKS = re.compile(r"[ \t\r]+")


def short(text: str) -> str:
    """A piece of the data as messages quote it."""
    return repr(text if len(text) <= 40 else text[:39] + "…")


def means_annotation(line: str) -> bool:
    """Whether a line means to be an annotation, of whatever kind: it cannot be the rest of the surface before it."""
    return _LOOKS.match(line) is not None or _SPACED.match(line) is not None


def is_annotation(line: str) -> bool:
    """Whether a line begins as the spans, events and equivalences of brat do: no other format has such lines."""
    return _SURE.match(line) is not None


def is_edited_span(line: str) -> bool:
    """Whether a line is a T line whose tabs were spaces once, or whose spaces tabs."""
    return _EDITED.match(line) is not None


def looks_like_brat(text: str) -> bool:
    """Whether any line at all means to be an annotation, tabs lost or not."""
    return any(ID.match(line) or line.startswith(("*", "#")) or _LOOKS.match(line) for _, line in split_lines(text))


def parse_lines(text: str, first: int = 1) -> Iterator[Line]:
    """The lines of an .ann file in order, numbered from `first`; blank ones are passed by."""
    last: TextBound | None = None
    for number, whole in split_lines(text):
        for line in _RETURN.split(whole.rstrip("\r")) if "\r" in whole else (whole,):
            if last is not None and not means_annotation(line):
                last.rest.append((number + first - 1, line))
                continue
            parsed = parse_line(number + first - 1, line)
            last = parsed if isinstance(parsed, TextBound) else None
            if parsed is not None:
                yield parsed


def parse_line(number: int, line: str) -> Line | None:
    """One line, or None for a blank one."""
    if not line.strip():
        return None
    first, tab, body = line.partition("\t")
    if _SPACED.match(line):
        first, tab, body = line.lstrip(" ").partition(" ")
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
        found = _SPAN_OF_SPACES.fullmatch(body) or _SPAN_OF_TABS.fullmatch(body)
        surface = (found[3] or "") if found else ""
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
    named = rest[1] if len(rest) == 2 else ""
    if not tab:  # no entry has a space in its name
        named, tab, text = named.partition(" ")
        text = text.lstrip(" ")
    resource, _, entry = named.partition(":")
    if not resource or not entry:
        return _is_not("a type, what is normalized and resource:id", head, identifier, number)
    return Normalization(
        id=identifier,
        line=number,
        kind=kind,
        target=rest[0],
        resource=resource,
        entry=entry,
        text=text if tab else None,
    )


def _note(identifier: str, number: int, body: str) -> Line:
    head, tab, text = body.partition("\t")
    words = _words(head)
    if not tab and len(words) > 2:
        words, text = words[:2], _BLANKS.split(head.lstrip(" "), maxsplit=2)[2]
    if len(words) != 2:
        return _is_not("a type and what the note is on", head, identifier, number)
    return Note(id=identifier, line=number, kind=words[0], target=words[1], text=text)


_READERS = {"T": _text_bound, "E": _event, "R": _relation, "A": _attribute, "M": _attribute, "N": _normalization,
            "#": _note}  # fmt: skip
