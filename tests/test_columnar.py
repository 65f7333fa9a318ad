"""The columnar judge of rows and the validator: the same verdicts over generated contracts and rows that break them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_writers import LARGE, NAMES, SMALL, TEXT

from copydesk import jsontext
from copydesk.contract import arrow
from copydesk.contract.columnar import judge_of, suspects
from copydesk.contract.rows import json_schema
from copydesk.contract.types import Field, Label, Type
from copydesk.contract.validate import validator_of

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-3, 3).map(float)
SIZES = st.integers(0, 3)
RULES: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "string": {
        "pattern": st.sampled_from(["^[a-c]*$", "é", "\\S", "^(?!x)"]),
        "format": st.sampled_from(["date", "uri", "email"]),
        "minLength": SIZES,
        "maxLength": SIZES,
        "const": st.sampled_from(["", "a", "2024-01-01"]),
        "minimum": SIZES,  # says nothing of a string
    },
    "integer": {
        "exclusiveMinimum": st.integers(-2, 2) | st.just(0.5),
        "exclusiveMaximum": st.integers(-2, 2) | st.just(2**70),
        "multipleOf": st.sampled_from([1, 2, 3]),
        "const": SIZES,
        "maxLength": SIZES,
    },
    "number": {
        "minimum": st.sampled_from([-1, 0, 0.5, 2**53 + 1, -(2**80)]),
        "maximum": st.sampled_from([-1, 0, 0.5, 2**53 + 1, 2**80]),
        "exclusiveMinimum": st.sampled_from([0, 1.5]),
        "multipleOf": st.sampled_from([0.5, 2]),
        "const": st.sampled_from([1, 0.5]),
    },
    "boolean": {"const": st.booleans()},
    "list": {"minItems": SIZES, "maxItems": SIZES, "uniqueItems": st.booleans()},
    "struct": {},
    "label": {},
}


@st.composite
def types(draw: st.DrawFn, depth: int = 2) -> Type:
    kind = draw(st.sampled_from([k for k in RULES if depth or k not in {"list", "struct"}]))
    allowed = RULES[kind]
    chosen = draw(st.lists(st.sampled_from(sorted(allowed)), max_size=2, unique=True)) if allowed else []
    rules = {name: draw(allowed[name]) for name in chosen}
    if kind == "integer":
        rules |= draw(st.sampled_from([SMALL, LARGE, {"minimum": -1, "maximum": 2}]))
    fields: tuple[Field, ...] = ()
    labels: tuple[Label, ...] = ()
    if kind == "struct":
        fields = tuple(Field(name=name, type=draw(types(depth=depth - 1))) for name in draw(NAMES))
    if kind == "label":
        labels = tuple(Label(name=n, title=n, description="d") for n in draw(NAMES))
    item = draw(types(depth=depth - 1)) if kind == "list" else None
    return Type(kind=kind, nullable=draw(st.booleans()), fields=fields, item=item, labels=labels, rules=rules)


def values(node: Type) -> st.SearchStrategy[Any]:
    """Values of the node's Arrow type, within its rules or not."""
    if node.kind == "struct":
        plain: st.SearchStrategy[Any] = st.fixed_dictionaries({f.name: values(f.type) for f in node.fields})
    elif node.kind == "list":
        assert node.item is not None
        plain = st.lists(values(node.item), max_size=3)
    elif node.kind == "label":
        plain = st.sampled_from(node.names)
    elif node.kind == "integer":
        wide = arrow.arrow_type(node, encoded=False) == pa.int64()
        plain = st.integers(-3, 3) | (st.integers(-(2**63), 2**63 - 1) if wide else st.integers(-(2**31), 2**31 - 1))
    else:
        texts = TEXT | st.sampled_from(["", "a", "abc", "é", "👍👍", "2024-01-01", "https://a.example/", "a@b.example"])
        plain = {"string": texts, "number": NUMBERS, "boolean": st.booleans()}[node.kind]
    return plain | st.none() if node.nullable else st.one_of(*[plain] * 8, st.none())


@st.composite
def tables(draw: st.DrawFn) -> tuple[Type, pa.Table]:
    node = Type(kind="struct", fields=tuple(Field(name=name, type=draw(types())) for name in draw(NAMES)))
    row = st.fixed_dictionaries({field.name: values(field.type) for field in node.fields})
    table = arrow.to_table(draw(st.lists(row, min_size=1, max_size=8)), node)
    start = draw(st.integers(0, table.num_rows - 1))
    return node, table.slice(start)


@settings(max_examples=400, deadline=None)
@given(tables())
def test_no_row_that_breaks_its_contract_is_overlooked(case: tuple[Type, pa.Table]) -> None:
    node, table = case
    validator = validator_of(json_schema(node))
    rows = [jsontext.load_line(jsontext.dump_line(row)) for row in table.to_pylist()]
    broken = {number for number, row in enumerate(rows) if not validator.is_valid(row)}
    assert broken == set(suspects(table, judge_of(node)))


def test_what_is_no_number_is_null_in_the_lines() -> None:
    node = Type(kind="struct", fields=(Field(name="n", type=Type(kind="number")),))
    for value in ("NaN", "Infinity"):
        table = pa.table({"n": pa.array([1.0, float(value)])})
        assert suspects(table, judge_of(node)) == [1]


@pytest.mark.parametrize("nullable", [True, False])
def test_what_stands_under_a_null_is_not_looked_at(nullable: bool) -> None:
    word = Type(kind="string", rules={"maxLength": 1})
    node = Type(
        kind="struct",
        fields=(Field(name="x", type=Type(kind="struct", nullable=nullable, fields=(Field(name="w", type=word),))),),
    )
    hidden = pa.StructArray.from_arrays([pa.array(["long", "a"])], names=["w"], mask=pa.array([True, False]))
    assert suspects(pa.table({"x": hidden}), judge_of(node)) == ([] if nullable else [0])
