"""Ids and references inside one record. What crosses records is checked at the barrier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from copydesk.checks.finding import Finding, visit
from copydesk.contract.types import Type


def is_keyed(node: Type) -> bool:
    return node.key is not None


def is_local_ref(node: Type) -> bool:
    return node.ref is not None and node.ref.record is None


def check_keys(record: dict[str, Any], node: Type) -> Iterator[Finding]:
    """A201 for ids that repeat in their layer, A202 for references that name nothing."""
    for pointer, items, kind in visit(record, node, is_keyed):
        first: dict[Any, int] = {}
        for index, item in enumerate(items):
            key = item[kind.key or ""]
            if key in first:
                message = f"{key!r} is the id of item {first[key]} already"
                yield Finding(code="A201", pointer=f"{pointer}/{index}/{kind.key}", message=message)
            first.setdefault(key, index)
    known: dict[str, set[Any]] = {}
    for pointer, value, kind in visit(record, node, is_local_ref):
        assert kind.ref is not None
        layer = kind.ref.layer
        if layer not in known:
            known[layer] = layer_ids(record, node, layer)
        if value not in known[layer]:
            yield Finding(code="A202", pointer=pointer, message=f"there is no {value!r} among the {layer}")


def layer_ids(record: dict[str, Any], node: Type, layer: str) -> set[Any]:
    """The ids of the items of a layer; empty if the record does not have it."""
    key = node.field_type(layer).key
    return {item[key] for item in record.get(layer) or ()}
