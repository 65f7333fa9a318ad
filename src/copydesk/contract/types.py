"""What a contract says, as frozen values: the tree of types of a record. Everything else is derived from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

TypeKind = Literal["struct", "list", "string", "integer", "number", "boolean", "label"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One label of a list, with its definition. Its number is its place in the list."""

    name: str
    title: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """x-span: which properties of an object index which text of the record.

    Either `start` and `end` are set, or `fragments` (an array of objects with `start` and `end`).
    """

    text: str
    start: str | None = None
    end: str | None = None
    fragments: str | None = None
    surface: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """x-ref: names an item of `layer`, of this record or of the one that the property `record` links to."""

    layer: str
    record: str | None = None
    cover: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """One node of a contract.

    `fields` for a struct, `item` for a list, `labels` for a label. `rules` are the plain JSON Schema keywords
    (pattern, minimum, minItems …) that the node carries beyond its type.
    """

    kind: TypeKind
    nullable: bool = False
    description: str = ""
    fields: tuple[Field, ...] = ()
    item: Type | None = None
    labels: tuple[Label, ...] = ()
    rules: Mapping[str, Any] = field(default_factory=dict)
    span: Span | None = None
    key: str | None = None
    ref: Ref | None = None
    link: str | None = None
    group: bool = False
    withhold: bool = False

    def get(self, name: str) -> Type | None:
        """The type of the field `name` of a struct, or None."""
        return next((f.type for f in self.fields if f.name == name), None)

    def field_type(self, name: str) -> Type:
        """The type of the field `name` of a struct. Raises KeyError."""
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the fields, or of the labels."""
        return tuple(f.name for f in self.fields) or tuple(label.name for label in self.labels)

    def as_nullable(self) -> Type:
        return replace(self, nullable=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One property of a struct. What is not required may be absent from a record and is then null."""

    name: str
    type: Type
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of record (article, link): its type, and the file that declares it."""

    name: str
    file: str
    type: Type
    schema: Mapping[str, Any]

    def layers(self) -> tuple[str, ...]:
        """Names of the array properties whose items are objects."""
        return tuple(
            f.name for f in self.type.fields if f.type.kind == "list" and f.type.item and f.type.item.kind == "struct"
        )

    def linked(self) -> dict[str, str]:
        """Property -> kind of record that it names, for the x-link properties of the record itself."""
        return {f.name: f.type.link for f in self.type.fields if f.type.link}

    def listed_links(self) -> dict[tuple[str, str], Type]:
        """(layer, property) -> type, for the x-link properties of the items of a layer: a link with many ends."""
        return {
            (layer, f.name): f.type
            for layer in self.layers()
            for f in self._item(layer).fields
            if f.type.link is not None
        }

    def _item(self, layer: str) -> Type:
        item = self.type.field_type(layer).item
        assert item is not None
        return item

    def target_of(self, ref: Ref, layer: str | None) -> str | None:
        """The kind of record that a cross-record reference leads to: its x-link stands beside it in the item of
        `layer`, or in the record itself. None if there is no such x-link."""
        beside = self._item(layer).get(ref.record or "") if layer in self.layers() else None
        if beside is not None and beside.link is not None:
            return beside.link
        return self.linked().get(ref.record or "")

    def stands_beside(self, ref: Ref, layer: str | None) -> bool:
        """Whether the x-link that a reference goes through is a property of the same item."""
        beside = self._item(layer).get(ref.record or "") if layer in self.layers() else None
        return beside is not None and beside.link is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """All kinds of a project, and the schema documents by $id."""

    kinds: Mapping[str, Kind]
    documents: Mapping[str, Mapping[str, Any]]


def walk_types(node: Type, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Type]]:
    """Every node below `node`, itself first, with its path: field names, and `*` for the items of a list."""
    yield path, node
    for child in node.fields:
        yield from walk_types(child.type, (*path, child.name))
    if node.item is not None:
        yield from walk_types(node.item, (*path, "*"))


def released(node: Type) -> Type:
    """The type as released: every surface is filled in, so it is required; so is every other field, if as null."""
    fields = tuple(
        Field(
            name=f.name,
            type=released(f.type if f.required or _is_surface(node, f.name) else f.type.as_nullable()),
        )
        for f in node.fields
    )
    return replace(node, fields=fields, item=released(node.item) if node.item is not None else None)


def _is_surface(node: Type, name: str) -> bool:
    return node.span is not None and node.span.surface == name
