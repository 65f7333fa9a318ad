"""The contract of rows held against whole columns: which rows may break it. The validator has the last word on them.

Arrow's types settle most of a contract already (a column of integers holds integers, a struct has its fields), so
what is left are nulls, bounds, lengths and, for patterns and formats, the distinct values. Every row that the
validator would refuse is among those that are named here; a test holds the two to that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from copydesk.contract.types import Type
from copydesk.contract.validate import validator_of

_Mask = npt.NDArray[np.bool_]

_EXACT = 2**53
"""Integers up to here are the same numbers as doubles."""
_BOUNDS = {
    "minimum": "less",
    "maximum": "greater",
    "exclusiveMinimum": "less_equal",
    "exclusiveMaximum": "greater_equal",
}
_LENGTHS = {
    "string": {"minLength": "less", "maxLength": "greater"},
    "list": {"minItems": "less", "maxItems": "greater"},
}
_CONCERNED = (
    ({"string"}, {"pattern", "format", "minLength", "maxLength"}),
    ({"integer", "number"}, {*_BOUNDS, "multipleOf"}),
    ({"list"}, {"minItems", "maxItems", "uniqueItems"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """What is asked of the values of one node.

    `bounds`: comparisons that a value, or the length of a text or list, must not satisfy. `values`: a validator of
    the keywords that have no column form, which distinct values, or each list and object, are given to.
    """

    node: Type
    bounds: tuple[tuple[str, Any], ...]
    values: Any = None
    fields: tuple[Judge, ...] = ()
    item: Judge | None = None


def judge_of(node: Type) -> Judge:
    """Compiled once for many tables. It cannot be pickled, as the validators in it cannot."""
    comparisons = _LENGTHS.get(node.kind, _BOUNDS if node.kind in {"integer", "number"} else {})
    bounds = {rule: bound for rule, bound in node.rules.items() if rule in comparisons and _is_exact(node, bound)}
    left = {rule: bound for rule, bound in node.rules.items() if rule not in bounds and _concerns(node, rule)}
    return Judge(
        node=node,
        bounds=tuple((comparisons[rule], bound) for rule, bound in bounds.items()),
        values=validator_of(left) if left else None,
        fields=tuple(judge_of(field.type) for field in node.fields),
        item=judge_of(node.item) if node.item is not None else None,
    )


def _concerns(node: Type, rule: str) -> bool:
    """Whether a keyword says something of values of this kind (JSON Schema, validation 6: others pass)."""
    return any(rule in rules for kinds, rules in _CONCERNED if node.kind in kinds) or rule == "const"


def _is_exact(node: Type, bound: Any) -> bool:
    """Whether Arrow compares the values with a bound without rounding either."""
    if node.kind == "integer":
        return isinstance(bound, int) and -(2**63) <= bound < 2**63
    return abs(bound) <= _EXACT if isinstance(bound, int) else node.kind == "number"


def suspects(table: pa.Table | pa.RecordBatch, judge: Judge) -> list[int]:
    """The numbers of the rows that may break the contract. Labels are strings, columns are those of the node."""
    found = np.zeros(table.num_rows, np.bool_)
    if judge.values is not None:
        found[:] = True
    for field, inner in zip(judge.node.fields, judge.fields, strict=True):
        column = table.column(field.name)
        at = 0
        for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
            bad = _bad(chunk, inner)
            if bad is not None:
                found[at : at + len(chunk)] |= bad
            at += len(chunk)
    return [int(n) for n in np.flatnonzero(found)]


def _bad(array: pa.Array, judge: Judge) -> _Mask | None:
    """Which values may break the contract; None for none of them."""
    node = judge.node
    masks = [m for m in _own(array, judge) if m is not None]
    if node.kind == "struct":
        inner = (_bad(array.field(i), field) for i, field in enumerate(judge.fields))
        masks += [m for m in inner if m is not None]
    elif judge.item is not None and (m := _items(array, judge.item)) is not None:
        masks.append(m)
    if array.null_count:  # what stands under a null is not looked at; a constant holds for null as well
        there = _plain(array.is_valid())
        masks = [m & there for m in masks]
        if not node.nullable or "const" in node.rules:
            masks.append(~there)
    if not masks:
        return None
    found: _Mask = np.logical_or.reduce(masks)
    return found if found.any() else None


def _own(array: pa.Array, judge: Judge) -> Iterator[_Mask | None]:
    """What the rules of the node itself say of values that are not null."""
    node = judge.node
    if node.kind == "number":
        yield ~_plain(pc.fill_null(pc.is_finite(array), True))  # JSON has no word for them, so they are null there
    if judge.bounds:
        sizes = array
        if node.kind in _LENGTHS:
            sizes = pc.utf8_length(array) if node.kind == "string" else pc.list_value_length(array)
        for comparison, bound in judge.bounds:
            over = pc.call_function(comparison, [sizes, pa.scalar(bound)])
            yield _plain(pc.fill_null(over, False)) if pc.any(over).as_py() else None
    if judge.values is not None:
        yield _refused(array, judge)


def _refused(array: pa.Array, judge: Judge) -> _Mask | None:
    """What the validator says of each distinct value, or of each list."""
    if judge.node.kind in {"struct", "list"}:
        return np.array([v is not None and not judge.values.is_valid(v) for v in array.to_pylist()], np.bool_)
    known = array.unique()
    bad = [v is not None and not judge.values.is_valid(v) for v in known.to_pylist()]
    if not any(bad):
        return None
    return _plain(pc.is_in(array, value_set=known.filter(_booleans(bad))))


def _items(array: pa.ListArray, judge: Judge) -> _Mask | None:
    """Which lists hold an item that may break the contract."""
    if not len(array):
        return None
    offsets = np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array) + 1]
    first = int(offsets[0])
    bad = _bad(array.values.slice(first, int(offsets[-1]) - first), judge)
    if bad is None:
        return None
    found = np.zeros(len(array), np.bool_)
    found[np.searchsorted(offsets, np.flatnonzero(bad) + first, side="right") - 1] = True
    return found


def _plain(array: pa.BooleanArray) -> _Mask:
    """Without nulls, as numpy has it; the conversion of Arrow would import pandas."""
    bits = np.frombuffer(array.buffers()[1], np.uint8) if len(array) else np.zeros(0, np.uint8)
    unpacked = np.unpackbits(bits, bitorder="little")
    return unpacked[array.offset : array.offset + len(array)].astype(np.bool_)


def _booleans(values: list[bool]) -> pa.BooleanArray:
    bits = np.packbits(np.array(values, np.bool_), bitorder="little").tobytes()
    return pa.BooleanArray.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(bits)])
