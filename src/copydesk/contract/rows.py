"""Types back to JSON Schema, and to words: the contract of the rows as released, and the docs of each column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from copydesk.contract.types import Label, Type

_JSON_TYPES = {"struct": "object", "list": "array"}


def row_schema(node: Type, title: str, identifier: str) -> dict[str, Any]:
    """A JSON Schema 2020-12 document, without references, for the rows of a config as their JSON lines have them."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": identifier,
        "title": title,
        **json_schema(node),
    }


def json_schema(node: Type) -> dict[str, Any]:
    """The JSON Schema of a node; nullable nodes allow null."""
    about: dict[str, Any] = {"description": node.description} if node.description else {}
    about |= _vocabulary(node)
    if node.kind == "label":
        options = [{"const": x.name, "title": x.title, "description": x.description} for x in node.labels]
        labels: dict[str, Any] = {"oneOf": options}
        return about | ({"anyOf": [labels, {"type": "null"}]} if node.nullable else labels)
    name = _JSON_TYPES.get(node.kind, node.kind)
    schema: dict[str, Any] = {"type": [name, "null"] if node.nullable else name} | about | dict(node.rules)
    if node.kind == "struct":
        schema["required"] = [f.name for f in node.fields if f.required]
        schema["unevaluatedProperties"] = False
        schema["properties"] = {f.name: json_schema(f.type) for f in node.fields}
    elif node.item is not None:
        schema["items"] = json_schema(node.item)
    return schema


def _vocabulary(node: Type) -> dict[str, Any]:
    """The keywords of the annotation vocabulary that a node carries: a release says what its spans and ids mean."""
    out: dict[str, Any] = {}
    if node.span is not None:
        out["x-span"] = {name: value for name, value in asdict(node.span).items() if value is not None}
    if node.key is not None:
        out["x-key"] = node.key
    if node.ref is not None:
        whole = {"layer": node.ref.layer, "record": node.ref.record, "cover": node.ref.cover}
        out["x-ref"] = node.ref.layer if node.ref.record is None else {k: v for k, v in whole.items() if v}
    if node.link is not None:
        out["x-link"] = node.link
    if node.group:
        out["x-group"] = True
    if node.withhold:
        out["x-withhold"] = True
    return out


def columns(node: Type, prefix: str = "") -> Iterator[tuple[str, str, Type]]:
    """(path, type in words, node) of every column of a row, nested ones after their parent (`mentions[].start`)."""
    for field in node.fields:
        path = f"{prefix}{field.name}"
        yield path, type_name(field.type), field.type
        inner = field.type
        while inner.kind == "list" and inner.item is not None:
            path, inner = path + "[]", inner.item
        if inner.kind == "struct":
            yield from columns(inner, f"{path}.")


def type_name(node: Type) -> str:
    """`list of struct`, `label or null` …"""
    name = f"list of {type_name(node.item)}" if node.item is not None else node.kind
    return f"{name} or null" if node.nullable else name


def label_lists(node: Type) -> Iterator[tuple[str, tuple[Label, ...]]]:
    """(path, labels) of every column whose values are labels."""
    for path, _, column in columns(node):
        inner = column
        while inner.item is not None:
            inner = inner.item
        if inner.kind == "label":
            yield path, inner.labels
