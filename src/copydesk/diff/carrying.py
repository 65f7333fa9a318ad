"""Old annotations as they would stand in the new record if only its text and the ids of others had changed.

Spans are carried over the edits of the text, references follow ids that changed. What still differs from the new
record after that is what somebody did to the annotation. Does not decide what matches what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from copydesk.checks.spans import surface_of
from copydesk.contract.types import Span, Type
from copydesk.diff.words import Carrier

Item = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Renames:
    """Ids that are others now, as far as is known when they are asked for.

    `records`: (kind, old id) -> new id. `items`: (kind, new id of the record, layer) -> old id of an item -> new id;
    only of layers that other records refer to.
    """

    records: dict[tuple[str, str], str] = field(default_factory=dict)
    items: dict[tuple[str, str, str], dict[str, str]] = field(default_factory=dict)

    def record(self, kind: str | None, identifier: Any) -> Any:
        return self.records.get((kind or "", identifier), identifier) if isinstance(identifier, str) else identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The texts of a record: what they are now, and for those that were edited, where their offsets went."""

    new: Mapping[str, str]
    carriers: Mapping[str, Carrier]

    def surface(self, item: Item, span: Span) -> str | None:
        """The text of a span in the new text; None if there is no text to be had."""
        text = self.new.get(span.text)
        return None if text is None or not has_place(item, span) else surface_of(text, item, span)


def has_place(item: Item, span: Span) -> bool:
    """Whether an object says where its span is."""
    if span.fragments is not None:
        return isinstance(item.get(span.fragments), list)
    return isinstance(item.get(span.start or ""), int) and isinstance(item.get(span.end or ""), int)


def carry_spans(value: Any, node: Type, texts: Texts) -> Any:
    """A value with every span of an edited text where it would stand now, and with its surface there."""
    if isinstance(value, list) and node.item is not None:
        return [carry_spans(item, node.item, texts) for item in value]
    if not isinstance(value, dict) or node.kind != "struct":
        return value
    types = {f.name: f.type for f in node.fields}
    out = {n: carry_spans(v, types[n], texts) if n in types else v for n, v in value.items()}
    span = node.span
    carrier = texts.carriers.get(span.text) if span is not None else None
    if span is not None and carrier is not None and has_place(out, span):
        if span.fragments is not None:
            out[span.fragments] = [_moved(piece, "start", "end", carrier) for piece in out[span.fragments]]
        else:
            out = _moved(out, span.start or "", span.end or "", carrier)
        refresh(out, span, texts)
    return out


def _moved(item: Item, start: str, end: str, carrier: Carrier) -> Item:
    left, right = carrier.span(item[start], item[end])
    return {**item, start: left, end: right}


def refresh(item: Item, span: Span, texts: Texts) -> None:
    """Set the surface that follows from the span, where there is one and the text is known."""
    if span.surface is not None and item.get(span.surface) is not None:
        surface = texts.surface(item, span)
        if surface is not None:
            item[span.surface] = surface


def moves(span: Span, values: Mapping[str, Any]) -> bool:
    """Whether these new values of an annotation put its span elsewhere."""
    return any(name in values for name in (span.start, span.end, span.fragments))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where references are followed from: the record (as in the old side), its type, the ids changed inside it
    (layer -> old -> new) and elsewhere."""

    record: Mapping[str, Any]
    type: Type
    inside: Mapping[str, Mapping[str, str]]
    renames: Renames

    @property
    def idle(self) -> bool:
        """Whether no id changed anywhere, so that there is nothing to follow."""
        return not self.inside and not self.renames.records and not self.renames.items


def follow(value: Any, node: Type, scope: Scope, item: Item | None = None, item_type: Type | None = None) -> Any:
    """A value with every reference and link naming what it named before by its new id.

    `item` and `item_type`: the item of a layer that the value is in; what a reference goes through may stand there.
    """
    if isinstance(value, list) and node.item is not None:
        return [follow(part, node.item, scope, item, item_type) for part in value]
    if isinstance(value, dict) and node.kind == "struct":
        holder, holder_type = (value, node) if item is None else (item, item_type)
        types = {f.name: f.type for f in node.fields}
        return {n: follow(v, types[n], scope, holder, holder_type) if n in types else v for n, v in value.items()}
    if not isinstance(value, str):
        return value
    if node.link is not None:
        return scope.renames.record(node.link, value)
    if node.ref is None:
        return value
    if node.ref.record is None:
        return scope.inside.get(node.ref.layer, {}).get(value, value)
    return _follow_far(value, node.ref.record, node.ref.layer, scope, item, item_type)


def _follow_far(
    value: str, through: str, layer: str, scope: Scope, item: Item | None, item_type: Type | None
) -> str:  # fmt: skip
    """A reference to an item of another record, which `through` links to."""
    beside = item_type.get(through) if item_type is not None else None
    if item is not None and beside is not None and beside.link is not None:
        kind, linked = beside.link, item.get(through)
    else:
        node = scope.type.get(through)
        kind, linked = (node.link if node is not None else None) or "", scope.record.get(through)
    linked = scope.renames.record(kind, linked)
    return scope.renames.items.get((kind, str(linked), layer), {}).get(value, value)
