"""Markers in Markdown: where a document has generated blocks and values, and how they are replaced.

A block stands between two lines of its own, a value within a line. Not here: what they say (blocks.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from copydesk.diagnostics import Diagnostic, Place

_BEGIN = re.compile(r"[ \t]*<!--[ \t]*copydesk:begin[ \t]+(?P<name>[^\s>]+)[ \t]*-->[ \t\r]*")
_END = re.compile(r"[ \t]*<!--[ \t]*copydesk:end[ \t]+(?P<name>[^\s>]+)[ \t]*-->[ \t\r]*")
_VALUE = re.compile(
    r"(?P<open><!--[ \t]*copydesk:value[ \t]+(?P<key>[^>]+?)[ \t]*-->)"
    r"(?P<inner>[^<]*)"
    r"(?P<close><!--[ \t]*/copydesk[ \t]*-->)"
)
_ANY = re.compile(r"<!--\s*/?\s*copydesk\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One block or value as it stands in a document. `inner` is what it says now; lines count from 1."""

    kind: str
    name: str
    line: int
    inner: str


Content = Callable[[Mark], str | None]
"""What a mark should say; None if there is no block or value of that name."""


def replace(text: str, file: str, content: Content) -> tuple[str, list[Diagnostic]]:
    """The text with every block and value replaced; R004 for each marker that is unknown or has no partner.

    What is not understood stays as it is.
    """
    out: list[str] = []
    found: list[Diagnostic] = []
    for piece in _pieces(text):
        if isinstance(piece, Diagnostic):
            found.append(Diagnostic(code=piece.code, place=_at(file, piece), message=piece.message))
        elif isinstance(piece, str):
            out.append(piece)
        else:
            mark, before, after = piece
            new = content(mark)
            if new is None:
                message = f"there is no {mark.kind} {mark.name!r}"
                found.append(Diagnostic(code="R004", place=Place(file=file, line=mark.line), message=message))
            out.append(before + (mark.inner if new is None else new) + after)
    return "".join(out), found


def marks(text: str) -> Iterator[Mark]:
    """Every block and value that is understood, in order."""
    for piece in _pieces(text):
        if isinstance(piece, tuple):
            yield piece[0]


Piece = str | Diagnostic | tuple[Mark, str, str]


def _at(file: str, diagnostic: Diagnostic) -> Place:
    return Place(file=file, line=diagnostic.place.line)


def _pieces(text: str) -> Iterator[Piece]:
    """Text as it is, marks with what stands around them, and problems (whose file the caller adds)."""
    lines = re.split(r"(?<=\n)", text)
    number = 0
    while number < len(lines):
        line = lines[number]
        begin = _BEGIN.fullmatch(line.rstrip("\n"))
        if begin is None:
            yield from _inline(line, number + 1)
            number += 1
            continue
        end = _find_end(lines, number, begin["name"])
        if end is None:
            yield line
            yield _problem(number + 1, f"block {begin['name']!r} has no end of its own")
            number += 1
            continue
        inner = "".join(lines[number + 1 : end])
        mark = Mark(kind="block", name=begin["name"], line=number + 1, inner=inner)
        yield mark, line, lines[end]
        number = end + 1


def _find_end(lines: list[str], start: int, name: str) -> int | None:
    """The line that ends the block begun on `start`; None if another block begins or ends before it does."""
    for number in range(start + 1, len(lines)):
        bare = lines[number].rstrip("\n")
        end = _END.fullmatch(bare)
        if end is not None:
            return number if end["name"] == name else None
        if _BEGIN.fullmatch(bare):
            return None
    return None


def _inline(line: str, number: int) -> Iterator[Piece]:
    at = 0
    for found in _VALUE.finditer(line):
        yield from _plain(line[at : found.start()], number)
        mark = Mark(kind="value", name=found["key"], line=number, inner=found["inner"])
        yield mark, found["open"], found["close"]
        at = found.end()
    yield from _plain(line[at:], number)


def _plain(text: str, number: int) -> Iterator[Piece]:
    yield text
    for _ in _ANY.finditer(text):
        yield _problem(number, "this marker is not understood, or has no partner")


def _problem(line: int, message: str) -> Diagnostic:
    return Diagnostic(code="R004", place=Place(file="", line=line), message=message)
