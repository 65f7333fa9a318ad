"""Where characters as people see them begin and end: extended grapheme clusters (Unicode UAX #29)."""

from __future__ import annotations

from functools import lru_cache

import regex

_JOINED = regex.compile(r"[\p{M}\p{Cf}\p{Emoji_Modifier}\p{Regional_Indicator}\p{Hangul_Syllable_Type=V}"
                        r"\p{Hangul_Syllable_Type=T}]|\r\n")  # fmt: skip
_CLUSTER = regex.compile(r"\X")


@lru_cache(maxsize=4)
def _boundaries(text: str) -> frozenset[int] | None:
    """Offsets at which a cluster begins, or None if every code point of the text is a cluster of its own."""
    if (text.isascii() and "\r" not in text) or _JOINED.search(text) is None:
        return None
    return frozenset(match.start() for match in _CLUSTER.finditer(text)) | {len(text)}


def splits_grapheme(text: str, offset: int) -> bool:
    """Whether `offset` (0 ≤ offset ≤ len(text), code points) lies inside a grapheme cluster."""
    boundaries = _boundaries(text)
    return boundaries is not None and offset not in boundaries
