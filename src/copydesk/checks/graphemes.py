"""Where characters as people see them begin and end: extended grapheme clusters (Unicode UAX #29)."""

from __future__ import annotations

from functools import lru_cache

import regex

_JOINED = regex.compile(
    r"[\p{GCB=Extend}\p{GCB=ZWJ}\p{GCB=SpacingMark}\p{GCB=Prepend}\p{GCB=Regional_Indicator}"
    r"\p{GCB=L}\p{GCB=V}\p{GCB=T}]|\r\n"
)
"""What the rules GB3 and GB6 to GB13 join to a neighbour."""
_CLUSTER = regex.compile(r"\X")


def may_join(text: str) -> bool:
    """Whether any two characters of a text may be one as people see it."""
    return _JOINED.search(text) is not None


@lru_cache(maxsize=4)
def boundaries(text: str) -> frozenset[int] | None:
    """Offsets at which a cluster begins, or None if every code point of the text is a cluster of its own."""
    if (text.isascii() and "\r" not in text) or not may_join(text):
        return None
    return frozenset(match.start() for match in _CLUSTER.finditer(text)) | {len(text)}


def splits_grapheme(text: str, offset: int) -> bool:
    """Whether `offset` (0 ≤ offset ≤ len(text), code points) lies inside a grapheme cluster."""
    known = boundaries(text)
    return known is not None and offset not in known
