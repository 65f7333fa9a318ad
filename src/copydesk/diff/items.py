"""Which annotation of the new record is which of the old one: greedy passes, the most certain first.

Never by position: position only breaks ties between equals. Old items come here already carried over the edits of the
text (carrying.py). Each pass takes time in proportion to the items that are left, or to their overlaps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from copydesk import jsontext
from copydesk.contract.types import Type
from copydesk.diff.carrying import Item, has_place

NEAR = 10
"""Code points between two spans of the same label that may still be one span, moved."""
FAR = 200
"""Code points between two spans of the same label and the same words that may still be one, moved."""
_PAIRS = 10_000
"""Pairs of items that are tried where nothing but the distance tells them apart."""

Place = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """An array layer: the type of its items, and the property that is their id, if they have one."""

    name: str
    type: Type
    key: str | None = None

    @property
    def label(self) -> str | None:
        """The first property that is a label."""
        return next((f.name for f in self.type.fields if f.type.kind == "label"), None)

    @property
    def spanned(self) -> bool:
        return self.type.span is not None or self._inner() is not None

    def place(self, item: Item) -> Place:
        """Where an item stands in the text: by its own span, else by the first that it holds, such as a trigger."""
        span, holder = self.type.span, item
        if span is None:
            inner = self._inner()
            if inner is None or not isinstance(item.get(inner), dict):
                return ()
            span, holder = self.type.field_type(inner).span, item[inner]
        if span is None or not has_place(holder, span):
            return ()
        if span.fragments is not None:
            return tuple((piece["start"], piece["end"]) for piece in holder[span.fragments])
        return ((holder[span.start or ""], holder[span.end or ""]),)

    def places(self) -> set[str]:
        """Names of the properties that say where an item stands, and of what follows from them."""
        span = self.type.span
        if span is not None:
            return {n for n in (span.start, span.end, span.fragments, span.surface) if n}
        inner = self._inner()
        return {inner} if inner else set()

    def surface(self, item: Item) -> Any:
        """The words of an item, if it says them."""
        span, holder = self.type.span, item
        inner = self._inner()
        if span is None and inner is not None:
            span, holder = self.type.field_type(inner).span, item.get(inner) or {}
        return holder.get(span.surface) if span is not None and span.surface is not None else None

    def _inner(self) -> str | None:
        return next((f.name for f in self.type.fields if f.type.span is not None), None)


def layer_of(name: str, listed: Type, item: Type) -> Layer:
    """The layer of an array property. Rows of a layer config do not say which property is the key: then it is `id`."""
    named = item.get("id")
    key = listed.key or ("id" if named is not None and named.kind == "string" else None)
    return Layer(name=name, type=item, key=key if key in item.names else None)


def match(layer: Layer, old: Sequence[Item], new: Sequence[Item]) -> list[tuple[int, int]]:
    """(old index, new index) of the items that are the same one, in the order of the new ones."""
    pairing = _Pairing(layer, old, new)
    pairing.equal(_content(layer.type.names))
    if pairing.done:
        return pairing.found()
    bare = [name for name in layer.type.names if name != layer.key]
    if layer.spanned:
        _match_spans(pairing, layer, bare)
    else:
        _match_plain(pairing, layer, bare)
    if layer.key is not None:
        pairing.by_key(lambda a, b: any(_same(a, b, name) for name in bare))
    return pairing.found()


def _match_spans(pairing: _Pairing, layer: Layer, bare: Sequence[str]) -> None:
    if layer.key is not None:
        pairing.equal(_content(bare))
        pairing.by_key(lambda a, b: _close(layer, a, b))
    label = layer.label
    pairing.equal(lambda item: (layer.place(item), item.get(label or "")), needs=layer.place)
    pairing.equal(layer.place, needs=layer.place)
    pairing.overlapping()
    pairing.nearby()


def _match_plain(pairing: _Pairing, layer: Layer, bare: Sequence[str]) -> None:
    if layer.key is not None:
        telling = [n for n in bare if n != layer.label]
        pairing.equal(_content(bare), needs=lambda item: any(item.get(n) not in (None, []) for n in telling), once=True)
        pairing.by_key(lambda a, b: len(bare) < 2 or any(_same(a, b, name) for name in bare))
        pairing.equal(_content(bare))
    for name in bare if len(bare) > 1 else ():
        rest = [n for n in bare if n != name]
        pairing.equal(_content(rest), needs=lambda item, rest=rest: any(item.get(n) is not None for n in rest))  # type: ignore[misc]


def _content(names: Iterable[str]) -> Callable[[Item], bytes]:
    listed = list(names)
    return lambda item: jsontext.dump_line({name: item.get(name) for name in listed})


def _same(a: Item, b: Item, name: str) -> bool:
    return a.get(name) not in (None, []) and a.get(name) == b.get(name)


def _close(layer: Layer, a: Item, b: Item) -> bool:
    """Whether two items with the same id stand so that they can be the same: an id may be that of another now."""
    left, right = layer.place(a), layer.place(b)
    if not left or not right:
        return bool(left) == bool(right)
    gap = max(right[0][0] - left[-1][1], left[0][0] - right[-1][1])
    surface = layer.surface(a)
    return gap <= NEAR or (surface is not None and surface == layer.surface(b) and gap <= FAR)


class _Pairing:
    """Pairs found so far, and the items that are left."""

    def __init__(self, layer: Layer, old: Sequence[Item], new: Sequence[Item]) -> None:
        self._layer, self._old, self._new = layer, old, new
        self._left = dict.fromkeys(range(len(old)))
        self._right = dict.fromkeys(range(len(new)))
        self._pairs: list[tuple[int, int]] = []

    @property
    def done(self) -> bool:
        return not self._left or not self._right

    def found(self) -> list[tuple[int, int]]:
        return sorted(self._pairs, key=lambda pair: pair[1])

    def _take(self, i: int, j: int) -> None:
        del self._left[i], self._right[j]
        self._pairs.append((i, j))

    def equal(
        self, value: Callable[[Item], object], *, needs: Callable[[Item], object] = bool, once: bool = False
    ) -> None:  # fmt: skip
        """Pair what has the same value, the first with the first. `needs`: what an item must have to count; `once`:
        only values that stand once on each side."""
        if self.done:
            return
        groups: dict[object, tuple[deque[int], deque[int]]] = {}
        for side, (left, items) in enumerate(((self._left, self._old), (self._right, self._new))):
            for index in left:
                if needs(items[index]):
                    groups.setdefault(value(items[index]), (deque(), deque()))[side].append(index)
        for ours, theirs in groups.values():
            if not once or len(ours) == len(theirs) == 1:
                for i, j in zip(ours, theirs, strict=False):
                    self._take(i, j)

    def by_key(self, plausible: Callable[[Item, Item], bool]) -> None:
        """Pair what has the same id, if it can be the same item."""
        key = self._layer.key
        assert key is not None
        where = {self._new[j].get(key): j for j in self._right if self._new[j].get(key) is not None}
        for i in list(self._left):
            j = where.get(self._old[i].get(key))
            if j is not None and j in self._right and plausible(self._old[i], self._new[j]):
                self._take(i, j)

    def overlapping(self) -> None:
        """Pair spans that overlap: those of the same label first, the more the better; of others at least half."""
        scored = []
        for i, j, share in self._overlaps():
            same = self._same_label(i, j)
            if same or share >= 0.5:
                scored.append((not same, -share, i, j))
        self._take_best(scored)

    def nearby(self) -> None:
        """Pair spans of the same label that stand close to each other, or say the same not far from each other."""
        if len(self._left) * len(self._right) > _PAIRS:
            return
        layer, scored = self._layer, list[tuple[bool, float, int, int]]()
        for i in self._left:
            for j in self._right:
                left, right = layer.place(self._old[i]), layer.place(self._new[j])
                if not left or not right or not self._same_label(i, j):
                    continue
                gap = max(right[0][0] - left[-1][1], left[0][0] - right[-1][1])
                surface = layer.surface(self._old[i])
                said = surface is not None and surface == layer.surface(self._new[j])
                if gap <= (FAR if said else NEAR):
                    scored.append((not said, gap, i, j))
        self._take_best(scored)

    def _take_best(self, scored: list[tuple[bool, float, int, int]]) -> None:
        for _, _, i, j in sorted(scored):
            if i in self._left and j in self._right:
                self._take(i, j)

    def _same_label(self, i: int, j: int) -> bool:
        label = self._layer.label
        return label is None or self._old[i].get(label) == self._new[j].get(label)

    def _overlaps(self) -> Iterator[tuple[int, int, float]]:
        """(old, new, share of the overlap in what both cover) for every two spans that overlap."""
        events = []
        for side, (left, items) in enumerate(((self._left, self._old), (self._right, self._new))):
            for index in left:
                place = self._layer.place(items[index])
                if place:
                    events.append((place[0][0], place[-1][1], side, index))
        open_spans: tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]] = ([], [])
        for start, end, side, index in sorted(events):
            facing = [(s, e, i) for s, e, i in open_spans[1 - side] if e > start]
            open_spans[1 - side][:] = facing
            open_spans[side].append((start, end, index))
            for other_start, other_end, other in facing:
                common = min(end, other_end) - start
                whole = max(end, other_end) - min(start, other_start)
                i, j = (index, other) if side == 0 else (other, index)
                if common > 0:
                    yield i, j, common / whole
