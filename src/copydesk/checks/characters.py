"""What single characters may mean for the checks of strings and spans, learned once for each: a cache, not a rule.

ASCII is not looked at here: of it only control characters and CR LF matter, and those are quicker to look for.
"""

from __future__ import annotations

import unicodedata

from copydesk.checks.graphemes import may_join
from copydesk.checks.text import is_odd

NOTHING, ODD, FORM, JOINS = 0, 1, 2, 4
"""ODD: a finding of its own. FORM: whether the string is in normal form C must be seen. JOINS: it may share a grapheme
cluster with its neighbour."""

ASCII = bytes(range(128))
_SCRIPTS = range(0x11000, 0x20000)
"""Where letters that are vowel signs, and compose, are encoded still: not taken for granted by their category."""

_known: dict[str, int] = {}


def meaning(characters: str) -> int:
    """What any of the characters may mean. They are taken one by one."""
    out = NOTHING
    for character in set(characters):
        known = _known.get(character)
        out |= _learn(character) if known is None else known
    return out


def _learn(character: str) -> int:
    flags = JOINS if may_join(character) else NOTHING
    flags |= ODD if is_odd(character) else NOTHING
    flags |= NOTHING if _inert(character) else FORM
    _known[character] = flags
    return flags


def _inert(character: str) -> bool:
    """Whether a character is in normal form C whatever stands before and after it.

    What composes with the character before it is a mark, a Hangul vowel or final consonant, or a vowel sign of a
    script that was encoded late.
    """
    if unicodedata.category(character)[0] not in "LNPSZ" or unicodedata.combining(character):
        return False
    if "\u1100" <= character <= "\u11ff" or ord(character) in _SCRIPTS:
        return False
    return unicodedata.is_normalized("NFC", character)
