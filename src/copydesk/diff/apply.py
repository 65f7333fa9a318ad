"""The changes applied to the old records: what comes out are the new ones, exactly.

It holds the difference to saying everything, and is how a difference can be used to bring a copy up to date. Changes
of the contract are not applied: the types of the new side say which columns a record has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from copydesk.contract.types import Type
from copydesk.diff.carrying import Item, Texts, carry_spans, moves, refresh
from copydesk.diff.model import Change, Side
from copydesk.diff.record import Reading, reading
from copydesk.diff.records import Record, read_side
from copydesk.diff.shapes import Shape, project, shapes
from copydesk.diff.words import Carrier, Edits, apply_edits
from copydesk.jsontext import escape

Records = dict[tuple[str, str], tuple[str, Record]]
"""(kind, id) -> split and record."""


def read_records(side: Side, kinds: Iterable[Shape], *, old: bool) -> Records:
    """All records of a side, as the difference sees them."""
    return {
        (shape.kind, identifier): (split, record)
        for shape in kinds
        for identifier, split, record in read_side(side, shape, shape.old if old else shape.new)
    }


def apply(
    records: Mapping[tuple[str, str], tuple[str, Record]], changes: Iterable[Change], old: Side, new: Side
) -> Records:
    """The records of the new side, made of those of the old one. `old` and `new` are asked for their types only."""
    readings = {shape.kind: reading(shape, frozenset()) for shape in shapes(old, new)}
    out = dict(records)
    by_record = groupby((c for c in changes if c.record), key=lambda change: (change.kind, change.record))
    made: Records = {}
    for (kind, identifier), group in by_record:
        listed = list(group)
        former = next((str(c.old) for c in listed if c.what == "record-renamed"), identifier)
        split, record = out.pop((kind, former), ("", {}))
        if listed[0].what == "record-withdrawn":
            continue
        if listed[0].what == "record-added":
            made[kind, identifier] = listed[0].split, listed[0].new
            continue
        made[kind, identifier] = listed[0].split, _apply_to(readings[kind], record, listed)
        assert split, f"{kind} {former} is not among the old records"
    return {
        key: (split, project(record, readings[key[0]].shape.new_type))
        for key, (split, record) in {**out, **made}.items()
    }


def _apply_to(read: Reading, record: Record, changes: list[Change]) -> Record:
    out = dict(record)
    if changes[0].what == "record-renamed":
        out["id"] = changes[0].new
    carriers: dict[str, Carrier] = {}
    for change in changes:
        if change.what == "text-edited":
            name = _steps(change.pointer)[0]
            made: Edits = [[s, e, r] for (s, e, _), (_, _, r) in zip(change.old, change.new, strict=True)]
            out[name] = apply_edits(out[name], made)
            carriers[name] = Carrier(made)
        elif change.what in {"record-edited", "rights-changed"} and change.rule != "column-added":
            _set(out, _steps(change.pointer), change.new)
    texts = Texts(new={n: out[n] for n in read.texts if isinstance(out.get(n), str)}, carriers=carriers)
    for layer in read.layers:
        mine = [c for c in changes if c.layer == layer.name]
        if mine or carriers:
            out[layer.name] = _items(layer.name, layer.type, record.get(layer.name), out.get(layer.name), mine, texts)
    for change in changes:
        if change.rule == "column-added":
            _fill(out, _steps(change.pointer), change.new)
    return out


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _set(value: Any, steps: list[str], new: Any) -> None:
    """Set what a pointer names; an object that stays one gets the new values of those properties that are named."""
    for step in steps[:-1]:
        value = value[step]
    before = value.get(steps[-1])
    value[steps[-1]] = {**before, **new} if isinstance(before, dict) and isinstance(new, dict) else new


def _items(
    name: str, node: Type, old: list[Item] | None, now: list[Item] | None, changes: list[Change], texts: Texts
) -> list[Item] | None:
    """The items of a layer: carried over the edits, those that are gone left out, put in order, new ones put in,
    and then changed where they stand now."""
    removed = {_number(name, c) for c in changes if c.what == "annotation-removed"}
    listed = Type(kind="list", item=node)
    carried = carry_spans(old or [], listed, texts) if texts.carriers else old or []
    items = [item for i, item in enumerate(carried) if i not in removed]
    for change in changes:
        if change.what == "layer-reordered":
            items = [items[i] for i in change.new]
    for change in sorted((c for c in changes if c.what == "annotation-added"), key=lambda c: _number(name, c)):
        items.insert(_number(name, change), change.new)
    for change in changes:
        if change.what not in {"annotation-removed", "annotation-added", "layer-reordered"}:
            number = _number(name, change)
            items[number] = {**items[number], **change.new}
            span = node.span
            if span is not None and moves(span, change.new) and span.surface not in change.new:
                refresh(items[number], span, texts)
    return None if now is None and not items else items


def _number(layer: str, change: Change) -> int:
    return int(change.pointer.removeprefix(f"/{escape(layer)}/").split("/")[0])


def _fill(value: Any, steps: list[str], new: Any) -> None:
    """Set the values of a new column; under `*`, one for each item."""
    if steps[0] == "*":
        for item, part in zip(value, new, strict=True):
            if item is not None:
                _fill(item, steps[1:], part)
    elif len(steps) == 1:
        value[steps[0]] = new
    elif value.get(steps[0]) is not None:
        _fill(value[steps[0]], steps[1:], new)
