"""What the offsets of a doccano export count, judged by the texts: the export does not say, and gives no surfaces.

Annotators select words. Read in the wrong unit, spans end inside words, beside spaces, past the text; in the right
one hardly any do. That is evidence and no proof, so code points stand unless another unit does clearly better.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from copydesk.articles.offsets import CODE_POINTS, GRAPHEMES, UTF16, converter

_JUDGED = (CODE_POINTS, UTF16, GRAPHEMES)
"""What the versions of doccano count."""

_WORD = r"[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_IN_WORD = re.compile(_WORD * 2)
"""Two letters or digits of a script that writes spaces between words."""

_JOINERS = "\u200d\ufe0f"

Span = tuple[int, int]
"""Start and end as the file has them."""


def is_odd(text: str) -> bool:
    """Whether the units differ for a text: it has characters beyond 16 bits, or of several code points."""
    if text.isascii():
        return "\r\n" in text
    return max(text) > "\uffff" or converter(text, GRAPHEMES)(len(text)) != len(text)


def affected(text: str, spans: Sequence[Span]) -> list[Span]:
    """The spans of a text that are not the same in all units."""
    if not spans or not is_odd(text):
        return []
    converters = [converter(text, unit) for unit in (UTF16, GRAPHEMES)]
    return [span for span in spans if any((convert(span[0]), convert(span[1])) != span for convert in converters)]


def judge(spans: Sequence[tuple[str, Sequence[Span]]]) -> tuple[str, bool]:
    """(the unit of the spans of a file, whether there is evidence for it). Takes only spans that are affected."""
    if not any(given for _, given in spans):
        return CODE_POINTS, True
    wrong = {unit: sum(_misfits(text, given, unit) for text, given in spans) for unit in _JUDGED}
    best = min(wrong, key=lambda unit: wrong[unit])  # of those that tie, the first
    if best != CODE_POINTS and 2 * wrong[best] <= wrong[CODE_POINTS]:
        return best, True
    return CODE_POINTS, 2 * wrong[CODE_POINTS] <= max(wrong.values()) > 0


def _misfits(text: str, spans: Sequence[Span], unit: str) -> int:
    """How badly spans fit a text: ends inside a character or past the text, inside a word, beside a space inside."""
    convert, found = converter(text, unit), 0
    for given in spans:
        start, end = convert(given[0]), convert(given[1])
        if start is None or end is None or not 0 <= start < end <= len(text):
            found += 2
            continue
        found += _cuts(text, start) + _cuts(text, end) + text[start].isspace() + text[end - 1].isspace()
    return found


def _cuts(text: str, at: int) -> bool:
    """Whether an offset in code points falls inside a word, or between a character and its marks."""
    if not 0 < at < len(text):
        return False
    marks = text[at] in _JOINERS or text[at - 1] == _JOINERS[0] or unicodedata.category(text[at]) in {"Mn", "Me"}
    return marks or _IN_WORD.match(text, at - 1) is not None
