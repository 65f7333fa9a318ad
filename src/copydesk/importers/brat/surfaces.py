"""What T lines, attributes and roles of .ann files mean, in themselves: units of offsets, surfaces, names.

Reads no line and makes no article.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence, Set

from copydesk.articles.model import Range
from copydesk.articles.offsets import BYTES, CODE_POINTS, UTF16, decide, same_surface, variants
from copydesk.importers.brat.lines import TextBound


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


def settle_surface(line: TextBound, pieces: Sequence[str], order: Sequence[int]) -> tuple[str | None, int, bool]:
    """(the surface that a T line gives, how many of the lines after it belong to that, whether a comment was cut off).

    `pieces` are the texts of the fragments in the order of the file, `order` puts them in that of the text. A surface
    with a line end in it goes on in the next lines. brat allows more columns after the surface, before version 1.3 it
    wrote fragments without a space between them, and others write them in the order of the file.
    """
    actual = " ".join(pieces[at] for at in order)
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
    others = (" ".join(pieces), "".join(pieces), "".join(pieces[at] for at in order))
    if any(same_surface(line.surface, other) for other in others):
        return actual, 0, False
    if abs(len(joined) - len(actual)) < abs(len(line.surface) - len(actual)):  # wrong, but as long as the span
        return joined, len(line.rest), False
    return line.surface, 0, False


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
