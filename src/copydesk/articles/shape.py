"""Articles -> records in the shape of the contract, and back. Knows no format; judges nothing but surfaces.

The contract decides the shape: spans as start and end or as fragments, which layers and properties there are. What it
has no place for is counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from copydesk.articles.model import Article, Item, Range, Ref, Value
from copydesk.articles.offsets import same_surface
from copydesk.articles.record import Record
from copydesk.checks.spans import span_ranges
from copydesk.contract.types import Field, Kind, Span, Type, walk_types
from copydesk.diagnostics import Diagnostic, Place


def text_property(kind: Kind) -> str | None:
    """The property that the spans of a kind index, or `text` if there is one."""
    return text_name(kind.type)


def text_name(record: Type) -> str | None:
    """The same of the type of a record, or of the rows that records are released as."""
    named = (node.span.text for _, node in walk_types(record) if node.span)
    return next(named, "text" if record.get("text") else None)


Locate = Callable[[str], Place]
"""Places for pointers into the annotator's file."""


def to_record(article: Article, kind: Kind, defaults: Mapping[str, Any], where: Locate | None = None) -> Record:
    """The record of an article.

    Annotations whose surface is not the text of their span (A106), or whose span is in pieces where the contract has
    start and end (I016), are in `found` and not in the record. `where` refines places by a pointer into the file.
    """
    homeless: Counter[str] = Counter()
    found = [*article.found]
    value: dict[str, Any] = {**defaults, "id": article.id}
    text = text_property(kind)
    if text is not None and article.text is not None:
        value[text] = article.text
    for name, given in article.values.items():
        node = kind.type.get(name)
        if node is None or name in {text, "id"}:
            homeless[name] += 1
        else:
            value[name] = _plain(given, node, name, homeless)
    kept: dict[str, list[Item]] = {}
    for field in kind.type.fields:
        item = field.type.item
        if field.type.kind == "list" and item is not None and item.kind == "struct" and field.name not in value:
            kept[field.name] = _sound(article, article.layers.get(field.name, []), item, found)
            own = set(_own_fields(item, field.type.key or ""))
            value[field.name] = [_shape(i, item, field, own, article, homeless) for i in kept[field.name]]
    for name, items in article.layers.items():
        if name not in kept and items:
            homeless[name] += len(items)
    locate = _locator(article, kept, where)
    found = [_refined(d, where) for d in found]
    return Record(
        kind=kind.name, value=value, locate=locate, found=found, left_out=+article.left_out, homeless=homeless
    )


def _sound(article: Article, items: list[Item], node: Type, found: list[Diagnostic]) -> list[Item]:
    """The items that can be put into the shape of the contract; notes what their surfaces say otherwise."""
    out = []
    for item in items:
        if len(item.ranges) > 1 and node.span is not None and node.span.fragments is None:
            message = f"the span is in {len(item.ranges)} pieces; the contract has start and end"
            found.append(Diagnostic(code="I016", place=article.place(item), message=message))
            continue
        if item.surface is not None and item.ranges and article.text is not None:
            actual = article.surface_of(item)
            if _in_text(article.text, item.ranges) and not same_surface(item.surface, actual):
                note = f"the text reads {_short(actual)!r}; the file says {_short(item.surface)!r}"
                message = "the surface is not the text of the span"
                found.append(Diagnostic(code="A106", place=article.place(item), message=message, notes=(note,)))
                continue
        out.append(item)
    return out


def _in_text(text: str, ranges: tuple[Range, ...]) -> bool:
    """Whether a span can have a text at all; if not, the checks say what is wrong with it."""
    return all(0 <= start < end <= len(text) for start, end in ranges)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


def _shape(
    item: Item, node: Type, field: Field, own: set[str], article: Article, homeless: Counter[str]
) -> dict[str, Any]:
    value: dict[str, Any] = {}
    if field.type.key is not None:
        value[field.type.key] = item.id
    if node.span is not None and item.ranges:
        value |= _span(item.ranges, node.span)
        if node.span.surface is not None and article.text is not None:
            value[node.span.surface] = article.surface_of(item)
    elif item.ranges:
        homeless[f"{field.name}: spans"] += 1
    if item.label is not None:
        if node.get("label") is None:
            homeless[f"{field.name}: labels"] += 1
        else:
            value["label"] = item.label
    for name, given in item.values.items():
        inner = node.get(name) if name in own else None
        if inner is None or (name == "label" and item.label is not None):
            homeless[f"{field.name}: {name}"] += 1
        else:
            value[name] = _plain(given, inner, f"{field.name}: {name}", homeless)
    return value


def _span(ranges: tuple[Range, ...], span: Span) -> dict[str, Any]:
    if span.fragments is not None:
        return {span.fragments: [{"start": start, "end": end} for start, end in ranges]}
    return {span.start or "start": ranges[0][0], span.end or "end": ranges[-1][1]}


def _plain(value: Value, node: Type, words: str, homeless: Counter[str]) -> Any:
    """A value as JSON: references as ids, keys that the contract does not have counted.

    Where the contract has a string, a number or truth value is written as JSON writes it: formats do not agree on
    whether `1` is a word.
    """
    if isinstance(value, Ref):
        return value.id
    if isinstance(value, list):
        inner = node.item
        return [_plain(v, inner, words, homeless) if inner is not None else v for v in value]
    if isinstance(value, dict):
        out = {}
        for name, given in value.items():
            child = node.get(name)
            if child is None:
                homeless[f"{words}.{name}"] += 1
            else:
                out[name] = _plain(given, child, f"{words}.{name}", homeless)
        return out
    if node is not None and node.kind == "string" and isinstance(value, bool | int | float):
        return json.dumps(value)
    return value


def _locator(article: Article, layers: Mapping[str, list[Item]], where: Locate | None) -> Locate:
    """Places in the annotator's file for pointers into the record."""
    places = {name: [(i.line, i.column, i.pointer, i.file) for i in items] for name, items in layers.items()}
    home = article.place()

    def locate(pointer: str) -> Place:
        steps = pointer.split("/")
        if len(steps) > 2 and steps[1] in places and steps[2].isdecimal() and int(steps[2]) < len(places[steps[1]]):
            line, column, inner, file = places[steps[1]][int(steps[2])]
            place = replace(home, line=line or home.line, column=column or None, pointer=inner or pointer)
            if file:
                return replace(place, file=file, line=line or None)
            return _at(place, where, inner) if not line else place
        return replace(home, pointer=pointer or home.pointer) if pointer else home

    return locate


def _refined(found: Diagnostic, where: Locate | None) -> Diagnostic:
    place = found.place
    if place.pointer and (place.line or 1) == 1:
        return replace(found, place=_at(place, where, place.pointer))
    return found


def _at(place: Place, where: Locate | None, pointer: str) -> Place:
    """The place with the line of a pointer into a JSON file, where the file is one."""
    if not pointer or where is None:
        return place
    at = where(pointer)
    return replace(place, line=at.line, column=at.column) if at.file == place.file else place


def from_record(value: Mapping[str, Any], kind: Kind, file: str = "") -> Article:
    """The article of a record of the contract: the inverse of `to_record`, for writing it in another format."""
    text = text_property(kind)
    article = Article(id=str(value["id"]), text=value.get(text) if text else None, file=file)
    for field in kind.type.fields:
        given = value.get(field.name)
        if field.name in {"id", text} or given is None:
            continue
        item = field.type.item
        if item is not None and item.kind == "struct" and field.type.key is not None:
            article.layers[field.name] = [_item(v, item, field.type.key) for v in given]
        else:
            article.values[field.name] = _value(given, field.type)
    return article


def _item(value: Mapping[str, Any], node: Type, key: str) -> Item:
    ranges = tuple((s, e) for _, s, e in span_ranges(dict(value), node.span)) if node.span else ()
    label = node.get("label")
    item = Item(id=str(value[key]), ranges=ranges)
    if label is not None and label.kind in {"label", "string"}:
        item.label = value.get("label")
    for field in _own_fields(node, key):
        if value.get(field) is not None and not (field == "label" and item.label is not None):
            item.values[field] = _value(value[field], node.field_type(field))
    return item


def _own_fields(node: Type, key: str) -> Iterator[str]:
    """The properties of an item that are neither its id nor its span."""
    span = node.span
    taken = {key, *((span.start, span.end, span.fragments, span.surface) if span else ())}
    return (f.name for f in node.fields if f.name not in taken)


def _value(value: Any, node: Type) -> Value:
    if value is None:
        return None
    if node.kind == "list" and node.item is not None:
        return [_value(inner, node.item) for inner in value]
    if node.kind == "struct":
        return {f.name: _value(value.get(f.name), f.type) for f in node.fields if value.get(f.name) is not None}
    if node.ref is not None and node.ref.record is None:
        return Ref(node.ref.layer, value)
    scalar: Value = value
    return scalar
