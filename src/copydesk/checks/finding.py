"""A finding about one record, before it has a file and a line, and the walk that the families share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from copydesk.contract.types import Type


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A diagnostic code at a JSON pointer of the record."""

    code: str
    pointer: str
    message: str
    notes: tuple[str, ...] = ()
    help: str | None = None


Wanted = Callable[[Type], bool]


def visit(value: Any, node: Type, wanted: Wanted, pointer: str = "") -> Iterator[tuple[str, Any, Type]]:
    """(pointer, value, type) of every value below `value` whose type is wanted; nulls are left out."""
    if value is None or not _holds(node, wanted):
        return
    if wanted(node):
        yield pointer, value, node
    if node.item is not None:
        for index, item in enumerate(value):
            yield from visit(item, node.item, wanted, f"{pointer}/{index}")
    for field in node.fields:
        inner = value.get(field.name)
        if inner is not None:
            yield from visit(inner, field.type, wanted, f"{pointer}/{field.name}")


_HELD: dict[tuple[int, Wanted], tuple[Type, bool]] = {}


def _holds(node: Type, wanted: Wanted) -> bool:
    """Whether a wanted type lies in this part of the contract. Remembered: a contract lives as long as a worker."""
    key = (id(node), wanted)
    known = _HELD.get(key)
    if known is None or known[0] is not node:
        below = any(_holds(f.type, wanted) for f in node.fields)
        known = (node, wanted(node) or below or bool(node.item and _holds(node.item, wanted)))
        _HELD[key] = known
    return known[1]
