"""What was done to the annotations of one layer of one record: one change for each aspect of each annotation.

The surface follows from the span and is no change of its own, unless it does not follow. A reference that names the
same item by its new id is an edit that says so, and no new attribution.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from copydesk.contract.types import Type
from copydesk.diff.carrying import Item, Scope, Texts, carry_spans, follow, refresh
from copydesk.diff.items import Layer, match
from copydesk.diff.model import Change, What
from copydesk.jsontext import escape

_ASPECTS: tuple[What, ...] = (
    "annotation-reattributed", "annotation-relabelled", "annotation-moved", "annotation-edited",
)  # fmt: skip
"""What differs in one property, the weightiest first."""
_TOLD: tuple[What, ...] = (
    "annotation-moved", "annotation-relabelled", "annotation-reattributed", "annotation-edited",
)  # fmt: skip
"""The order in which the changes of one annotation are told: a surface is set after the span that it follows from."""

FOLLOWS = "names the same as before, by its new id"
ELSEWHERE = "the same id is another item now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The record that changes are about."""

    kind: str
    record: str
    split: str
    old_split: str

    def rule(self, about: str) -> str:
        """The rule for what changed in a record: scores are reported on whatever is not the train split."""
        return f"{'train' if self.old_split == 'train' else 'test'}-{about}-changed"

    def change(self, what: What, rule: str, **more: Any) -> Change:
        return Change(what=what, rule=rule, kind=self.kind, record=self.record, split=self.split, **more)


def layer_changes(
    place: Place,
    layer: Layer,
    forms: tuple[Sequence[Item], Sequence[Item], Sequence[Item]],
    texts: Texts,
    scope: Scope,
) -> tuple[list[Change], dict[str, str]]:
    """The changes, and which ids are others now. `forms`: the old items and the new ones with the columns that both
    have, and the new ones with all columns."""
    old, new, whole = forms
    stay = carry_spans(list(old), _listed(layer), texts) if texts.carriers else old
    carried = stay if scope.idle else [follow(item, layer.type, scope) for item in stay]
    pairs = match(layer, carried, new)
    renamed = _renamed(layer, old, new, pairs)
    if renamed:  # items of the layer that name others of it could not follow before
        inner = replace(scope, inside={**scope.inside, layer.name: renamed})
        carried = [follow(item, layer.type, inner) for item in stay]
    found = [
        *_order(place, layer, pairs),
        *_removed(place, layer, old, pairs),
        *_kept(place, layer, (old, stay, carried, new), pairs, texts, whole),
    ]
    return found, renamed


def _renamed(
    layer: Layer, old: Sequence[Item], new: Sequence[Item], pairs: Sequence[tuple[int, int]]
) -> dict[str, str]:  # fmt: skip
    ids = [(old[i].get(layer.key), new[j].get(layer.key)) for i, j in pairs] if layer.key is not None else []
    return {a: b for a, b in ids if isinstance(a, str) and isinstance(b, str) and a != b}


def _listed(layer: Layer) -> Type:
    return Type(kind="list", item=layer.type)


def permutation(pairs: Sequence[tuple[int, int]]) -> list[int]:
    """For each item that stayed, in the new order, its number among them in the old order."""
    rank = {i: number for number, i in enumerate(sorted(i for i, _ in pairs))}
    return [rank[i] for i, _ in pairs]


def _order(place: Place, layer: Layer, pairs: Sequence[tuple[int, int]]) -> Iterator[Change]:
    order = permutation(pairs)
    if order != sorted(order):
        yield place.change("layer-reordered", "order-changed", layer=layer.name, pointer=f"/{escape(layer.name)}",
                           new=order)  # fmt: skip


def _removed(place: Place, layer: Layer, old: Sequence[Item], pairs: Sequence[tuple[int, int]]) -> Iterator[Change]:
    stayed = {i for i, _ in pairs}
    for i, item in enumerate(old):
        if i not in stayed:
            yield place.change("annotation-removed", place.rule("annotations"), layer=layer.name,
                               item=_name(layer, item), pointer=f"/{escape(layer.name)}/{i}", old=item)  # fmt: skip


def _name(layer: Layer, item: Item) -> str:
    key = item.get(layer.key) if layer.key is not None else None
    return "" if key is None else str(key)


def _kept(
    place: Place,
    layer: Layer,
    forms: tuple[Sequence[Item], Sequence[Item], Sequence[Item], Sequence[Item]],
    pairs: Sequence[tuple[int, int]],
    texts: Texts,
    whole: Sequence[Item],
) -> Iterator[Change]:
    """What was added or changed, in the order of the new record. `forms`: the items as they were, with their spans
    carried, with their references followed, and as they are."""
    old, stay, carried, new = forms
    before = {j: i for i, j in pairs}
    for j, item in enumerate(new):
        pointer, rule = f"/{escape(layer.name)}/{j}", place.rule("annotations")
        if j not in before:
            yield place.change("annotation-added", rule, layer=layer.name, item=_name(layer, item), pointer=pointer,
                               new=whole[j])  # fmt: skip
            continue
        i = before[j]
        if carried[i] == item and stay[i] == item:
            continue
        for what, names, note in _aspects(layer, stay[i], carried[i], item, texts):
            yield place.change(
                what, rule, layer=layer.name, item=_name(layer, item), note=note,
                pointer=pointer if len(names) > 1 else f"{pointer}/{escape(names[0])}",
                old={name: old[i].get(name) for name in names}, new={name: item.get(name) for name in names},
            )  # fmt: skip


def _aspects(
    layer: Layer, stay: Item, carried: Item, new: Item, texts: Texts
) -> Iterator[tuple[What, list[str], str]]:  # fmt: skip
    """(what, properties, note) for what differs between an item as it would stand and as it stands."""
    found: dict[tuple[What, str], list[str]] = {}
    span = layer.type.span
    spots = [n for n in (span.start, span.end, span.fragments) if n] if span is not None else []
    moved = [name for name in spots if carried.get(name) != new.get(name)]
    expected = carried
    if span is not None and moved:
        expected = {**carried, **{name: new.get(name) for name in spots}}
        refresh(expected, span, texts)
        surface = span.surface
        extra = [surface] if surface and expected.get(surface) != new.get(surface) else []
        found["annotation-moved", ""] = [*moved, *extra]
    for name in dict.fromkeys((*layer.type.names, *carried, *new)):
        if name in found.get(("annotation-moved", ""), ()):
            continue
        node = layer.type.get(name) or Type(kind="string")
        if expected.get(name) != new.get(name):
            what = _aspect(expected.get(name), new.get(name), node, edited=name == layer.key)
            note = ELSEWHERE if stay.get(name) == new.get(name) else ""
            found.setdefault((what, note), []).append(name)
        elif carried.get(name) != stay.get(name):
            found.setdefault(("annotation-edited", FOLLOWS), []).append(name)
    for (what, note), names in sorted(found.items(), key=lambda pair: (_TOLD.index(pair[0][0]), pair[0][1])):
        yield what, names, note


def _aspect(old: Any, new: Any, node: Type, *, edited: bool) -> What:
    """What changing one property means: by the weightiest thing in it that differs."""
    touched = {"annotation-edited"} if edited else set(differing(old, new, node))
    return next(what for what in _ASPECTS if what in touched)


def differing(old: Any, new: Any, node: Type) -> Iterator[What]:
    """What the parts of a value are in which two differ: at least one, if they do."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict) and node.kind == "struct":
        span = node.span
        spots = {span.start, span.end, span.fragments} if span is not None else set()
        for name in dict.fromkeys((*old, *new)):
            if old.get(name) != new.get(name):
                if name in spots:
                    yield "annotation-moved"
                else:
                    yield from differing(old.get(name), new.get(name), node.get(name) or Type(kind="string"))
    elif isinstance(old, list) and isinstance(new, list) and node.item is not None and len(old) == len(new):
        for a, b in zip(old, new, strict=True):
            yield from differing(a, b, node.item)
    else:
        yield from nature(node)


def nature(node: Type) -> Iterator[What]:
    """What a value of this type says of an annotation."""
    if node.ref is not None or node.link is not None:
        yield "annotation-reattributed"
    elif node.kind == "label":
        yield "annotation-relabelled"
    elif node.span is not None:
        yield "annotation-moved"
    else:
        yield "annotation-edited"
    for f in node.fields:
        yield from nature(f.type)
    if node.item is not None:
        yield from nature(node.item)
