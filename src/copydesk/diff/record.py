"""What differs between two states of one record: its split, text, rights, properties, annotations.

Which two records are compared is decided in rows.py; how annotations find each other, in items.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from copydesk.contract.types import Type, walk_types
from copydesk.diff.carrying import Renames, Scope, Texts, follow
from copydesk.diff.items import Layer, layer_of
from copydesk.diff.layers import FOLLOWS, Place, differing, layer_changes
from copydesk.diff.licenses import rights_change
from copydesk.diff.model import Change
from copydesk.diff.records import Record
from copydesk.diff.shapes import Shape, only_in, project
from copydesk.diff.words import Carrier, Edits, apply_edits, edits, shown
from copydesk.jsontext import escape, pointer_to

RIGHTS = ("rights", "license", "licence")
"""Properties of a record that say what is allowed with it."""
_NOTE = 400
"""Characters of a word diff that a note shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One kind as its records are compared: made once, used for each record.

    `layers` stand so that what is referred to comes first. `added`: paths of the columns that only the new side has.
    `kept`: layers whose changed ids other records may have to follow.
    """

    shape: Shape
    layers: tuple[Layer, ...]
    texts: tuple[str, ...]
    added: tuple[tuple[str, ...], ...]
    kept: frozenset[tuple[str, str]]


def reading(shape: Shape, kept: frozenset[tuple[str, str]]) -> Reading:
    """What is known of a kind before its records are read."""
    listed = {name: shape.type.field_type(name) for name in shape.layers}
    layers = {name: layer_of(name, listed[name], item) for name, item in shape.layers.items()}
    return Reading(
        shape=shape, layers=tuple(layers[name] for name in _referred_first(shape.layers)), texts=shape.texts,
        added=tuple(only_in(shape.new_type, shape.old_type)), kept=kept,
    )  # fmt: skip


def far_layers(node: Type) -> Iterator[tuple[str, str]]:
    """(kind, layer) that references from records of this type to other records lead to; the kind empty if the link
    is not told."""
    for path, inner in walk_types(node):
        if inner.ref is not None and inner.ref.record is not None:
            holder = node.get(path[0])
            beside = holder.item.get(inner.ref.record) if holder is not None and holder.item is not None else None
            through = beside if beside is not None and beside.link is not None else node.get(inner.ref.record)
            yield (through.link if through is not None else None) or "", inner.ref.layer


def _referred_first(layers: Mapping[str, Type]) -> list[str]:
    """The layers so that each comes after those that it refers to; where that goes in circles, in their order."""
    needs = {
        name: {n.ref.layer for _, n in walk_types(item) if n.ref is not None and n.ref.record is None} & set(layers)
        for name, item in layers.items()
    }
    done: list[str] = []
    while len(done) < len(layers):
        rest = [name for name in layers if name not in done]
        done.append(next((name for name in rest if needs[name] <= {name, *done}), rest[0]))
    return done


def record_changes(
    read: Reading, place: Place, old: Record, new: Record, renames: Renames
) -> Iterator[Change]:  # fmt: skip
    """Every change of one record that stands in both sides, maybe under another id."""
    shape = read.shape
    a, b = (old, new) if shape.alike else (project(old, shape.type), project(new, shape.type))
    if a != b or a.get("id") != b.get("id"):
        texts = _texts(read, a, b)
        found = _annotations(read, place, (a, b, new), texts, renames)
        yield from _text_changes(read, place, a, b, texts)
        yield from _rights(place, a, b)
        yield from _properties(read, place, a, b, renames)
        for name in shape.layers:
            yield from found.get(name, ())
    yield from _added_columns(read, place, new)


def _texts(read: Reading, old: Record, new: Record) -> Texts:
    now = {name: new[name] for name in read.texts if isinstance(new.get(name), str)}
    edited = {n: edits(old[n], text) for n, text in now.items() if isinstance(old.get(n), str) and old[n] != text}
    return Texts(new=now, carriers={name: Carrier(made) for name, made in edited.items()})


def _text_changes(read: Reading, place: Place, old: Record, new: Record, texts: Texts) -> Iterator[Change]:
    for name in read.texts:
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        pointer, rule = f"/{escape(name)}", place.rule("text")
        if not isinstance(before, str) or not isinstance(after, str):
            yield place.change("record-edited", rule, pointer=pointer, old=before, new=after)
            continue
        carrier = texts.carriers[name]
        made = carrier.edits
        assert apply_edits(before, made) == after
        ours = [[s, e, before[int(s) : int(e)]] for s, e, _ in made]
        theirs = [
            [int(s) + shift, int(s) + shift + len(str(r)), r]
            for (s, _, r), shift in zip(made, carrier.shifts, strict=False)
        ]
        note = "; ".join(filter(None, (_shown(before, after, made), _shifts(read, old, name, carrier))))
        yield place.change("text-edited", rule, pointer=pointer, old=ours, new=theirs, note=note)


def _shown(old: str, new: str, made: Edits) -> str:
    told = shown(old, new, made=made)
    return told if len(told) <= _NOTE else f"{told[:_NOTE]}…"


def _shifts(read: Reading, record: Record, text: str, carrier: Carrier) -> str:
    """How many annotations stand elsewhere because of the edit alone, in words."""
    shifts: set[int] = set()
    count = 0
    for layer in read.layers:
        for item in record.get(layer.name) or ():
            spot = layer.place(item)
            if spot and (shift := carrier.span(*spot[0])[0] - spot[0][0]):
                shifts.add(shift)
                count += 1
    if not count:
        return ""
    by = f"{min(shifts):+d}" if len(shifts) == 1 else f"{min(shifts):+d} to {max(shifts):+d}"
    return f"the offsets of {count} annotation{'s' if count > 1 else ''} follow it by {by}"


def _rights(place: Place, old: Record, new: Record) -> Iterator[Change]:
    for name in RIGHTS:
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        rule = rights_change(_as_rights(name, before), _as_rights(name, after))
        if isinstance(before, dict) and isinstance(after, dict):
            names = [n for n in dict.fromkeys((*before, *after)) if before.get(n) != after.get(n)]
            before, after = {n: before.get(n) for n in names}, {n: after.get(n) for n in names}
        yield place.change("rights-changed", rule, pointer=f"/{name}", old=before, new=after)


def _as_rights(name: str, value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    return value if isinstance(value, dict) else {name: value}


def _properties(
    read: Reading, place: Place, old: Record, new: Record, renames: Renames
) -> Iterator[Change]:  # fmt: skip
    """One change for each property that is no text, no right and no layer. A label of the whole record, or a link of
    it, is an annotation; the rest is metadata."""
    scope = Scope(record=old, type=read.shape.type, inside={}, renames=renames)
    hidden = {"id", *read.texts, *RIGHTS, *read.shape.layers}
    for f in read.shape.type.fields:
        if f.name in hidden:
            continue
        for path, before, after, node in _leaves((f.name,), old.get(f.name), new.get(f.name), f.type):
            follows = follow(before, node, scope) == after
            annotation = not follows and any(w != "annotation-edited" for w in differing(before, after, node))
            yield place.change(
                "record-edited", place.rule("annotations" if annotation else "properties"), pointer=pointer_to(path),
                old=before, new=after, note=FOLLOWS if follows else "",
            )  # fmt: skip


def _leaves(
    path: tuple[str, ...], old: Any, new: Any, node: Type
) -> Iterator[tuple[tuple[str, ...], Any, Any, Type]]:  # fmt: skip
    """(path, old, new, type) for what differs; objects are gone into while both sides have one."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict) and node.kind == "struct" and node.span is None:
        for f in node.fields:
            yield from _leaves((*path, f.name), old.get(f.name), new.get(f.name), f.type)
    else:
        yield path, old, new, node


def _annotations(
    read: Reading, place: Place, records: tuple[Record, Record, Record], texts: Texts, renames: Renames
) -> dict[str, list[Change]]:
    """Layer -> its changes. Layers that are referred to come first, so that references can follow changed ids."""
    old, new, whole = records
    inside: dict[str, dict[str, str]] = {}
    found: dict[str, list[Change]] = {}
    for layer in read.layers:
        before, after, name = old.get(layer.name), new.get(layer.name), layer.name
        scope = Scope(record=old, type=read.shape.type, inside=inside, renames=renames)
        if before == after and scope.idle and not texts.carriers:
            continue
        made, renamed = layer_changes(place, layer, (before or [], after or [], whole.get(name) or []), texts, scope)
        if (before is None) != (after is None):
            pointer = f"/{escape(name)}"
            ends: dict[str, Any] = {"old": None if before is None else [], "new": None if after is None else []}
            made.append(place.change("record-edited", place.rule("annotations"), pointer=pointer, **ends))
        found[name] = made
        if renamed:
            inside[name] = renamed
            if (place.kind, name) in read.kept or ("", name) in read.kept:
                renames.items[place.kind, place.record, name] = renamed
    return found


def _added_columns(read: Reading, place: Place, new: Record) -> Iterator[Change]:
    """The values of columns that the old side has not: one change a column, in the order of the items. They ask for
    no more than the column itself does."""
    for path in read.added:
        if _given(new, path):
            yield place.change("record-edited", "column-added", pointer=pointer_to(path), new=_values(new, path))


def _values(value: Any, path: Sequence[str]) -> Any:
    if not path or value is None:
        return value
    if path[0] == "*":
        return [_values(item, path[1:]) for item in value]
    return _values(value.get(path[0]), path[1:])


def _given(value: Any, path: Sequence[str]) -> bool:
    """Whether any value of a column is not null."""
    if not path or value is None:
        return value is not None
    if path[0] == "*":
        return any(_given(item, path[1:]) for item in value)
    return _given(value.get(path[0]), path[1:])
