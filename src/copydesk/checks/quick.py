"""The quick verdict on a record: which families of checks have nothing to find in it. Made for one contract.

What a family finds, and where, is its own to say: this only spares it the records in which there is nothing, which
are nearly all. A clean record may be left to it, which costs time; one with a finding never passes, warnings included.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, TypeAlias

from copydesk.checks.characters import ASCII, FORM, JOINS, NOTHING, ODD, meaning
from copydesk.checks.finding import paths_to, values_at
from copydesk.checks.graphemes import splits_grapheme
from copydesk.checks.keys import is_keyed, is_local_ref, layer_ids
from copydesk.checks.spans import is_span
from copydesk.contract.types import Span, Type

_Path: TypeAlias = tuple[str, ...]

_ORDER = ("text", "spans", "keys")
"""The names in CHECKS of the families that a quick verdict can spare."""
_ALL = frozenset(_ORDER)

_CONTROL = re.compile(rb"\\[ubf]")
"""How control characters are written in canonical form, but for tabs and line ends, which are no finding."""


class QuickVerdict:
    """Which checks have nothing to find in records of one type that have passed the contract."""

    def __init__(self, node: Type) -> None:
        self._node = node
        self._spans = [(path, kind.span) for path, kind in paths_to(node, is_span) if kind.span is not None]
        self._keys = [(path, kind.key) for path, kind in paths_to(node, is_keyed) if kind.key is not None]
        self._refs: dict[str, list[_Path]] = {}
        for path, kind in paths_to(node, is_local_ref):
            if kind.ref is not None:
                self._refs.setdefault(kind.ref.layer, []).append(path)

    def cleared(self, record: dict[str, Any], line: bytes) -> frozenset[str]:
        """The names in CHECKS of those that need not look. `line`: the record in canonical form, in which its strings
        are looked at all at once."""
        found = _of_strings(line)
        joins = bool(found & JOINS)
        clean = (
            not found & ODD,
            all(_spans_are_clean(record, path, span, joins=joins) for path, span in self._spans),
            self._keys_are_clean(record),
        )
        return _ALL if all(clean) else frozenset(name for name, passed in zip(_ORDER, clean, strict=True) if passed)

    def _keys_are_clean(self, record: dict[str, Any]) -> bool:
        for path, key in self._keys:
            for items in values_at(record, path):
                if len({item[key] for item in items}) != len(items):
                    return False
        for layer, paths in self._refs.items():
            named = {value for path in paths for value in values_at(record, path)}
            if named and not named <= layer_ids(record, self._node, layer):
                return False
        return True


def _of_strings(line: bytes) -> int:
    """What the characters of a record may mean; ODD is for whatever `check_text` has to look at."""
    found = NOTHING if line.isascii() else meaning(line.translate(None, ASCII).decode())
    if b"\x7f" in line or (b"\\" in line and _CONTROL.search(line)):
        found |= ODD
    # A string begins after a quotation mark and ends before one, with which nothing composes.
    if found & FORM and not unicodedata.is_normalized("NFC", line.decode()):
        found |= ODD
    return found


def _spans_are_clean(record: dict[str, Any], path: _Path, span: Span, *, joins: bool) -> bool:
    items = values_at(record, path)
    if not items:
        return True
    text = record[span.text]
    return (
        _plain_spans_are_clean(items, text, span, joins=joins)
        if span.fragments is None
        else _fragments_are_clean(items, text, span, joins=joins)
    )


def _plain_spans_are_clean(items: list[Any], text: str, span: Span, *, joins: bool) -> bool:
    first, last, surface = span.start or "", span.end or "", span.surface or ""
    for item in items:
        start, end = item[first], item[last]
        piece = text[start:end]
        if not piece or start < 0 or len(piece.strip()) != end - start:
            return False
        given = item.get(surface)
        if given is not None and given != piece:
            return False
        if joins and (_may_split(text, start) or _may_split(text, end)):
            return False
    return True


def _fragments_are_clean(items: list[Any], text: str, span: Span, *, joins: bool) -> bool:
    fragments, surface = span.fragments or "", span.surface or ""
    for item in items:
        pieces, before = [], 0
        for fragment in item[fragments]:
            start, end = fragment["start"], fragment["end"]
            piece = text[start:end]
            if not piece or start < before or len(piece.strip()) != end - start:
                return False
            if joins and (_may_split(text, start) or _may_split(text, end)):
                return False
            pieces.append(piece)
            before = end
        given = item.get(surface)
        if given is not None and given != " ".join(pieces):
            return False
    return True


def _may_split(text: str, offset: int) -> bool:
    """Whether an offset lies inside a grapheme cluster. Where neither neighbour joins, there is no need to look.

    CR LF is one, too, but what begins or ends inside it begins or ends with white space.
    """
    pair = text[offset - 1 : offset + 1]
    return offset > 0 and not pair.isascii() and bool(meaning(pair) & JOINS) and splits_grapheme(text, offset)
