"""The rows of each side read under the contract of the other: the test of what the comparison of contracts says.

Rows are read as by code made for that contract, which asks for columns by name: columns that it does not know are not
seen, and one that is not there is null. Held literally, closed types would make every row with a new column a broken
one, which says no more than that there is a new column. No value of a row is shown but the names of labels, since
what is shown may be published and a text may not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from copydesk import jsontext
from copydesk.contract.rows import json_schema
from copydesk.contract.types import Type
from copydesk.contract.validate import schema_errors, validator_of
from copydesk.diff.contract import allows_null
from copydesk.diff.model import Side
from copydesk.release.model import SplitData, Table

OLD_ROWS = "old rows, new contract"
NEW_ROWS = "new rows, old contract"
EQUAL = "the contracts allow the same"
"""In place of an example: the rows keep their own contract, so they were not read again."""

Replayed = tuple[int, int, str]
"""Rows, rows that break the contract, and an example of what breaks."""


def replays(old: Side, new: Side) -> dict[str, dict[str, Replayed]]:
    """Direction -> config -> what came of it, for the configs that both sides have."""
    ours, theirs = ({table.name: table for table in side.tables} for side in (old, new))
    both = sorted(ours.keys() & theirs.keys())
    return {
        OLD_ROWS: {name: _replayed(old, ours[name], theirs[name].type) for name in both},
        NEW_ROWS: {name: _replayed(new, theirs[name], ours[name].type) for name in both},
    }


def _replayed(side: Side, table: Table, contract: Type) -> Replayed:
    if reading_schema(table.type) == reading_schema(contract):
        return table.rows, 0, EQUAL
    total, broken, example = 0, 0, ""
    for split in table.splits:
        rows, breaking, first = replay(_rows(side, split), contract, table.type)
        total, broken = total + rows, broken + breaking
        if first and not example:
            example = f"{split.name} {first}"
    return total, broken, example


def _rows(side: Side, split: SplitData) -> Iterator[dict[str, Any]]:
    """The rows of a split, one at a time, in the order of its files."""
    for entry in split.jsonl:
        with (side.folder / entry.path).open("rb") as stream:
            yield from map(jsontext.load_line, stream)


def replay(rows: Iterable[Mapping[str, Any]], contract: Type, writer: Type | None = None) -> Replayed:
    """Hold rows to a contract. `writer`: the contract that they were written under; its labels may be shown."""
    schema = reading_schema(contract)
    validator = validator_of(schema)
    total, broken, example = 0, 0, ""
    for row in rows:
        total += 1
        if not validator.is_valid(row):
            broken += 1
            if not example:
                identifier = row.get("id")
                named = f" ({identifier})" if isinstance(identifier, str) else ""
                example = f"row {total}{named} at {_example(schema, row, contract, writer)}"
    return total, broken, example


def reading_schema(node: Type) -> dict[str, Any]:
    """What code that reads rows by name relies on: columns that it knows have their type and keep their rules, those
    that may not be null are there, and whatever else is there is not looked at. Words are left out."""
    labels = tuple(replace(label, title="", description="") for label in node.labels)
    bare = replace(
        node, description="", labels=labels, fields=(), item=None,
        span=None, key=None, ref=None, link=None, group=False, withhold=False,
    )  # fmt: skip
    schema = json_schema(bare)
    if node.kind == "struct":
        del schema["unevaluatedProperties"]
        schema["required"] = sorted(f.name for f in node.fields if f.required and not allows_null(f.type))
        schema["properties"] = {f.name: reading_schema(f.type) for f in node.fields}
    elif node.item is not None:
        schema["items"] = reading_schema(node.item)
    return schema


def _example(schema: Mapping[str, Any], row: Mapping[str, Any], contract: Type, writer: Type | None) -> str:
    """Pointer and words for the first thing that is wrong with a row, by order of pointers."""
    pointer = min(pointer for pointer, _ in schema_errors(schema, row))
    value: Any = row
    node: Type | None = contract
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        value = value[int(key)] if isinstance(value, list) else value[key]
        node, writer = _inside(node, key), _inside(writer, key)
    assert node is not None, pointer
    return f"{pointer or '/'}: {_what(node, value, writer)}"


def _inside(node: Type | None, step: str) -> Type | None:
    if node is None or node.kind == "list":
        return node.item if node else None
    return node.get(step)


def _what(node: Type, value: Any, writer: Type | None) -> str:
    """What is wrong with a value, without showing it."""
    if value is None:
        return "null, which it may not be"
    found = _json_kind(value)
    wanted = {"struct": "object", "list": "array", "label": "string"}.get(node.kind, node.kind)
    if found != wanted and (found, wanted) != ("integer", "number"):
        return f"{found}, not {wanted}"
    if node.kind == "label":
        return f"{value!r} is no label" if writer is not None and value in writer.names else "no label"
    if node.kind == "struct":
        needed = (f.name for f in node.fields if f.required and not allows_null(f.type))
        missing = [name for name in needed if name not in value]
        if missing:
            return f"the column {missing[0]!r} is missing"
    broken = (word for word, rule in node.rules.items() if not validator_of({word: rule}).is_valid(value))
    return f"against {next(broken)}"


def _json_kind(value: Any) -> str:
    if isinstance(value, float):  # JSON Schema, core 4.2.1: 1.0 is an integer
        return "integer" if value.is_integer() else "number"
    return {bool: "boolean", int: "integer", str: "string", list: "array"}.get(type(value), "object")
