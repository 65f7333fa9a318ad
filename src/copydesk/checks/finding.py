"""A finding about one record, before it has a file and a line, and the walk that the families share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from copydesk.contract.types import Type, walk_types


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A diagnostic code at a JSON pointer of the record."""

    code: str
    pointer: str
    message: str
    notes: tuple[str, ...] = ()
    help: str | None = None


Wanted = Callable[[Type], bool]


def visit(value: Any, node: Type, wanted: Wanted) -> Iterator[tuple[str, Any, Type]]:
    """(pointer, value, type) of every value below `value` whose type is wanted; nulls are left out.

    Goes path by path through the contract, not value by value through the record: most of a record is not wanted.
    """
    for path, kind in paths_to(node, wanted):
        found = [("", value)]
        for step in path:
            if step == "*":
                found = [(f"{at}/{i}", item) for at, items in found for i, item in enumerate(items) if item is not None]
            else:
                found = [(f"{at}/{step}", v[step]) for at, v in found if v.get(step) is not None]
        for at, inner in found:
            yield at, inner, kind


def values_at(value: Any, path: tuple[str, ...]) -> list[Any]:
    """The values at one path of the contract, as `visit` finds them, without where they stand."""
    found = [value]
    for step in path:
        if step == "*":
            found = [item for items in found for item in items if item is not None]
        else:
            found = [inner for v in found if (inner := v.get(step)) is not None]
    return found


_KNOWN: dict[tuple[int, Wanted], tuple[Type, list[tuple[tuple[str, ...], Type]]]] = {}


def paths_to(node: Type, wanted: Wanted) -> list[tuple[tuple[str, ...], Type]]:
    """Where in the contract the wanted types stand. Remembered, for some contracts."""
    known = _KNOWN.get((id(node), wanted))
    if known is None or known[0] is not node:
        if len(_KNOWN) > 64:  # every task brings a contract of its own, and with it new nodes
            _KNOWN.clear()
        known = (node, [(path, inner) for path, inner in walk_types(node) if wanted(inner)])
        _KNOWN[id(node), wanted] = known
    return known[1]
