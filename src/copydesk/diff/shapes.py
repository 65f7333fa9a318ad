"""How the records of a kind are read from the tables of two sides: which tables, which columns, of which type.

A kind is read from its records config, if both sides have one; else it is put together from the layer and pairs
configs that both have. Only types here; rows are read in records.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from copydesk.contract.types import Field, Span, Type
from copydesk.diff.model import Side
from copydesk.release.model import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One table of a side that records are read from.

    `layer` is empty for whole records. `head`: column of the row -> property of the record that it repeats.
    `derived`: columns that a pairs view brought along, which follow from other records.
    """

    table: Table
    layer: str = ""
    identifier: str = "id"
    head: Mapping[str, str]
    derived: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One kind of records as both sides have it.

    `old_type` and `new_type`: of a record of each side; `type`: of what both have. `alike`: that is all that each
    side has, so that nothing has to be left out of a record before it is compared.
    """

    kind: str
    old: tuple[Part, ...]
    new: tuple[Part, ...]
    old_type: Type
    new_type: Type
    type: Type
    alike: bool

    @property
    def whole(self) -> bool:
        """Whether rows are whole records."""
        return not self.new[0].layer

    @property
    def layers(self) -> dict[str, Type]:
        """Array layer -> type of its items."""
        both = {name for name, _ in layers_of(self.old_type)} & {name for name, _ in layers_of(self.new_type)}
        return {name: item for name, item in layers_of(self.type) if name in both}

    @property
    def texts(self) -> tuple[str, ...]:
        """Properties with the text that spans index, or, without spans, the one that is called text."""
        named = dict.fromkeys(span_texts(self.type)) or {"text": None}
        return tuple(name for name in named if (node := self.type.get(name)) is not None and node.kind == "string")


def shapes(old: Side, new: Side) -> tuple[Shape, ...]:
    """The kinds that both sides have rows of, the primary kind first, then by name."""
    first = primary_kind(new) or primary_kind(old)
    kinds = {t.config.kind for t in old.tables} & {t.config.kind for t in new.tables}
    found = (_shape(old, new, kind) for kind in sorted(kinds, key=lambda kind: (kind != first, kind)))
    return tuple(shape for shape in found if shape is not None)


def primary_kind(side: Side) -> str:
    """The kind that splits are made of: its rows stand where their own id says. Empty if there are no tables."""
    own = (t.config.kind for t in side.tables if {"id", f"{t.config.kind}_id"} & set(t.home))
    return next(own, side.tables[0].config.kind if side.tables else "")


def layers_of(node: Type) -> Iterator[tuple[str, Type]]:
    """(name, type of the items) of the properties that are arrays of objects."""
    for f in node.fields:
        if f.type.kind == "list" and f.type.item is not None and f.type.item.kind == "struct":
            yield f.name, f.type.item


def span_texts(node: Type) -> Iterator[str]:
    """Names of the text properties that the spans below a node index."""
    if node.span is not None:
        yield node.span.text
    for f in node.fields:
        yield from span_texts(f.type)
    if node.item is not None:
        yield from span_texts(node.item)


def _shape(old: Side, new: Side, kind: str) -> Shape | None:
    parts = _parts(old, new, kind)
    if not parts:
        return None
    old_parts, new_parts = tuple(a for a, _ in parts), tuple(b for _, b in parts)
    old_type, new_type = record_type(old_parts), record_type(new_parts)
    both = common_type(old_type, new_type)
    return Shape(
        kind=kind,
        old=old_parts,
        new=new_parts,
        old_type=old_type,
        new_type=new_type,
        type=both
        if any(span_texts(both)) or (text := both.get("text")) is None or text.kind != "string"
        else guessed(both),
        alike=all(_names(a.table.type) == _names(b.table.type) for a, b in parts),
    )


def _parts(old: Side, new: Side, kind: str) -> list[tuple[Part, Part]]:
    """The tables that the records of a kind are read from, in pairs. Configs of one layer hold the same items."""
    a, b = _tables(old, kind), _tables(new, kind)
    if "" in a and "" in b:
        return [(Part(table=a[""], head={}), Part(table=b[""], head={}))]
    kinds = {t.config.kind for side in (old, new) for t in side.tables}
    both = [layer for layer in b if layer and layer in a]
    return [(_layer_part(a[x], b[x], kinds), _layer_part(b[x], a[x], kinds)) for x in both]


def _tables(side: Side, kind: str) -> dict[str, Table]:
    """Layer -> the first config of it; "" for whole records."""
    found: dict[str, Table] = {}
    for table in side.tables:
        if table.config.kind == kind:
            layer = "" if table.config.view == "records" else table.config.layer or ""
            if layer or table.config.view == "records":
                found.setdefault(layer, table)
    return found


def _layer_part(table: Table, other: Table, kinds: set[str]) -> Part:
    """What the columns of a layer or pairs config are: the id of the record, the ids that it links to, what it
    carries, the properties of the item, and what was brought along."""
    config, identifier = table.config, table.type.fields[0].name
    carried = dict.fromkeys((*config.carry, *other.config.carry))
    head = {name: name for name in carried if table.type.get(name) is not None}
    derived: set[str] = set()
    if config.view == "pairs":
        for f in table.type.fields[1:]:
            linked = next((k for k in sorted(kinds) if f.name.endswith(f"_{k}_id") and f.type.link in {k, None}), None)
            if linked is None:
                break
            head[f.name] = f.name.removesuffix(f"_{linked}_id")
        derived = set(_brought(table.type))
    return Part(
        table=table, layer=config.layer or "", identifier=identifier, head=head, derived=frozenset(derived)
    )  # fmt: skip


def _brought(node: Type) -> Iterator[str]:
    """Columns of a pairs view that hold a property of what another column names: views/pairs.py says so of them."""
    names = node.names
    for f in node.fields:
        for holder in names:
            brought = f.name.removeprefix(f"{holder}_")
            if brought != f.name and f.type.description.startswith(f"`{brought}` of what `{holder}` names."):
                yield f.name


def record_type(parts: tuple[Part, ...]) -> Type:
    """The type of a record: that of the rows, or what the layers make together."""
    if not parts[0].layer:
        return parts[0].table.type
    first = parts[0].table.type.fields[0].type
    fields = {"id": Field(name="id", type=first)}
    layers = []
    for part in parts:
        node = part.table.type
        for column, name in part.head.items():
            fields.setdefault(name, Field(name=name, type=node.field_type(column)))
        hidden = {part.identifier, *part.head, *part.derived}
        item = replace(node, fields=tuple(f for f in node.fields if f.name not in hidden), key=None)
        layers.append(Field(name=part.layer, type=Type(kind="list", item=item)))
    return Type(kind="struct", fields=(*fields.values(), *layers))


def _names(node: Type) -> Any:
    """The tree of names, in order: what decides whether the same row has the same bytes."""
    below = tuple((f.name, _names(f.type)) for f in node.fields)
    return below, _names(node.item) if node.item is not None else None


def common_type(old: Type, new: Type) -> Type:
    """What two types have in common, in the new one's order. What only one says of spans, keys and references counts:
    releases of older versions of the packager do not say it of their rows."""
    known = replace(new, span=new.span or old.span, key=new.key or old.key, ref=new.ref or old.ref,
                    link=new.link or old.link)  # fmt: skip
    if old.kind != new.kind:
        return known
    if new.kind == "struct":
        fields = tuple(
            replace(f, type=common_type(was, f.type)) for f in new.fields if (was := old.get(f.name)) is not None
        )
        return replace(known, fields=fields)
    if old.item is not None and new.item is not None:
        return replace(known, item=common_type(old.item, new.item))
    return known


def guessed(node: Type) -> Type:
    """The type with spans where objects have a start and an end, or fragments that do: releases of older versions of
    the packager do not say what their spans are."""
    fields = tuple(replace(f, type=guessed(f.type)) for f in node.fields)
    made = replace(node, fields=fields, item=guessed(node.item) if node.item is not None else None)
    surface = "surface" if (words := node.get("surface")) is not None and words.kind == "string" else None
    pieces = node.get("fragments")
    if _offsets(node):
        return replace(made, span=Span(text="text", start="start", end="end", surface=surface))
    if pieces is not None and pieces.item is not None and _offsets(pieces.item):
        plain = tuple(f if f.name == "fragments" else made_f for f, made_f in zip(node.fields, fields, strict=True))
        return replace(made, fields=plain, span=Span(text="text", fragments="fragments", surface=surface))
    return made


def _offsets(node: Type) -> bool:
    ends = (node.get("start"), node.get("end"))
    return all(end is not None and end.kind == "integer" for end in ends)


def project(value: Any, node: Type) -> Any:
    """The value with only what the type has. What is absent is null."""
    if isinstance(value, dict) and node.kind == "struct":
        return {f.name: project(value.get(f.name), f.type) for f in node.fields}
    if isinstance(value, list) and node.item is not None:
        return [project(item, node.item) for item in value]
    return value


def only_in(new: Type, old: Type, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of the columns that `new` has and `old` has not, the outermost only; `*` for the items of a list."""
    if new.kind != old.kind:
        return
    if new.item is not None and old.item is not None:
        yield from only_in(new.item, old.item, (*path, "*"))
    for f in new.fields:
        was = old.get(f.name)
        if was is None:
            yield (*path, f.name)
        else:
            yield from only_in(f.type, was, (*path, f.name))
