"""What offsets count: code points, UTF-16 units, bytes, graphemes. Decided per file from the surface strings.

Every unit can come in two more ways: a line end of two characters (CR LF) counted as one, as programs do that
normalise line ends when they open a file; and a byte order mark counted as the first character.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import regex

CODE_POINTS, UTF16, BYTES, GRAPHEMES = "code points", "UTF-16 units", "UTF-8 bytes", "graphemes"
ONE_LINE_END = ", CR LF counted as one"
WITH_BOM = ", byte order mark counted"

_SPACE = re.compile(r"\s+")
_CLUSTER = regex.compile(r"\X")

Claim = tuple[int, int, str]
"""(start, end, the string that the file gives for it)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The unit that explains the surfaces best: `wrong` of the `tested` ones differ from the text even so."""

    unit: str
    wrong: int
    tested: int


def converter(text: str, unit: str) -> Callable[[int], int | None]:
    """A function from offsets in `unit` to code points; None for an offset that falls inside a character.

    Offsets outside of the text stay outside, as far as they were: the checks judge them. Raises KeyError for a unit
    that does not exist.
    """
    base = unit.removesuffix(WITH_BOM)
    folded = base.endswith(ONE_LINE_END)
    base = base.removesuffix(ONE_LINE_END)
    shift = 1 if unit.endswith(WITH_BOM) else 0
    if base == BYTES and shift:
        shift = 3
    if base == CODE_POINTS and not (folded and "\r\n" in text):
        return (lambda offset: offset - shift) if shift else (lambda offset: offset)
    if base == UTF16 and not folded and max(map(ord, text), default=0) < 0x10000:
        return lambda offset: offset - shift
    if base == BYTES and not folded and text.isascii():
        return lambda offset: offset - shift
    known = {at: index for index, at in enumerate(_starts(text, base, folded=folded)) if at >= 0}
    last = max(known)

    def convert(offset: int) -> int | None:
        offset -= shift
        if offset > last:
            return len(text) + offset - last
        return offset if offset < 0 else known.get(offset)

    return convert


def _starts(text: str, base: str, *, folded: bool) -> list[int]:
    """For each code point and the end: its offset in the unit, or -1 where no offset of the unit leads."""
    sizes: Callable[[str], int] = {
        CODE_POINTS: lambda char: 1,
        UTF16: lambda char: 2 if ord(char) > 0xFFFF else 1,
        BYTES: lambda char: len(char.encode("utf-8", "surrogatepass")),
        GRAPHEMES: lambda char: 1,
    }[base]
    starts, at = [], 0
    if base == GRAPHEMES:  # a cluster counts as one, CR LF is one by Unicode's own rules
        for cluster in _CLUSTER.finditer(text):
            starts.extend([at, *[-1] * (len(cluster[0]) - 1)])
            at += 1
        return [*starts, at]
    for index, char in enumerate(text):
        if folded and char == "\n" and index and text[index - 1] == "\r":
            starts.append(-1)
            continue
        starts.append(at)
        at += sizes(char)
    return [*starts, at]


def decide(text: str, claims: Iterable[Claim], candidates: Sequence[str]) -> Decision:
    """The unit among `candidates` under which most surfaces are the text of their span; the first of those that tie.

    White space is compared loosely, since exports write line ends of a surface as spaces.
    """
    tested = [(start, end, _plain(surface)) for start, end, surface in claims]
    best = Decision(unit=candidates[0], wrong=len(tested), tested=len(tested))
    for number, unit in enumerate(candidates):
        convert = converter(text, unit)
        wrong = sum(not _says(text, convert(start), convert(end), surface) for start, end, surface in tested)
        if number == 0 or wrong < best.wrong:
            best = Decision(unit=unit, wrong=wrong, tested=len(tested))
        if best.wrong == 0:
            break
    return best


def variants(*units: str, text: str, bom: bool = False) -> tuple[str, ...]:
    """The units, in the given order, then the ways in which line ends and a byte order mark may be counted."""
    out = list(units)
    if "\r\n" in text:
        out += [unit + ONE_LINE_END for unit in units if unit != GRAPHEMES]
    if bom:
        out += [unit + WITH_BOM for unit in out]
    return tuple(out)


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text)


def _says(text: str, start: int | None, end: int | None, surface: str) -> bool:
    return start is not None and end is not None and 0 <= start <= end and _plain(text[start:end]) == surface


def same_surface(given: str, actual: str) -> bool:
    """Whether a surface that a file gives is the text of its span, white space compared loosely."""
    return given == actual or _plain(given).strip() == _plain(actual).strip()
