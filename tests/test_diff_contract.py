"""Two contracts compared: every difference is told, in the right direction, and the rows bear it out."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from written_release import CONFIGS, seed_contract, seed_rows, seed_types

from conftest import ROOT, edit_json
from copydesk import jsontext
from copydesk.contract.load import _RULES, compile_kind, load_contract
from copydesk.contract.rows import json_schema, row_schema
from copydesk.contract.types import Field, Label, Ref, Span, Type, walk_types
from copydesk.contract.validate import validator_of
from copydesk.diff.constraints import DIMENSIONS
from copydesk.diff.contract import Compatibility, compatibility, contract_changes
from copydesk.diff.model import Change, Side
from copydesk.diff.replay import EQUAL, NEW_ROWS, OLD_ROWS, reading_schema, replay, replays
from copydesk.diff.rules import RULES
from copydesk.release.model import FileEntry, SplitData, Table

STRING, NUMBER, BOOLEAN = Type(kind="string"), Type(kind="number"), Type(kind="boolean")


def integer(low: int = 0, high: int = 100, **rules: Any) -> Type:
    return Type(kind="integer", rules={"minimum": low, "maximum": high, **rules})


def string(**rules: Any) -> Type:
    return Type(kind="string", rules=rules)


def listed(item: Type, **rules: Any) -> Type:
    return Type(kind="list", item=item, rules=rules)


def struct(*optional: str, **fields: Type) -> Type:
    made = tuple(Field(name=name, type=node, required=name not in optional) for name, node in fields.items())
    return Type(kind="struct", fields=made)


def labels(*names: str, about: str = "what it is") -> Type:
    return Type(kind="label", labels=tuple(Label(name=n, title=n, description=about) for n in names))


def null(node: Type) -> Type:
    return node.as_nullable()


def with_(node: Type, **changed: Any) -> Type:
    return dataclasses.replace(node, **changed)


def between(old: Type, new: Type) -> list[Change]:
    return list(contract_changes({"t": old}, {"t": new}))


def of_column(old: Type, new: Type) -> list[Change]:
    return between(struct(c=old), struct(c=new))


SPAN = Span(text="text", start="start", end="end")
REF, OTHER_REF = Ref(layer="entities"), Ref(layer="claims", record="source", cover=True)

CASES: list[tuple[Type, Type, str, str]] = [
    # what stood in the column before, what stands in it now, the rule, and a piece of the note
    (NUMBER, STRING, "type-changed", "number (stored as float64), now string"),
    (integer(), with_(integer(), kind="number"), "type-changed", "integer (stored as int32), now number"),
    (STRING, labels("a"), "type-changed", "now label (stored as int64)"),
    (STRING, listed(STRING), "type-changed", "string (stored as string), now list of string"),
    (listed(STRING), struct(a=STRING), "type-changed", "list of string, now struct"),
    (STRING, null(STRING), "null-allowed", "may now be null"),
    (null(STRING), STRING, "null-forbidden", "may not be null"),
    (null(labels("a")), labels("a"), "null-forbidden", "may not be null"),
    (labels("a", "b"), labels("a"), "label-removed", "'b' had the number 1"),
    (labels("a", "b"), labels("a", "b", "c"), "label-added", "'c' has the number 2"),
    (labels("a", "b", "c"), labels("c", "b", "a"), "label-moved", "'a' had the number 0 and has 2, and so 1 more"),
    (labels("a"), labels("a", about="what it was"), "words-changed", "the label 'a'"),
    (STRING, with_(STRING, description="words"), "words-changed", "the description"),
    (string(), string(pattern="^a"), "rules-narrowed", 'no bound, now pattern "^a"'),
    (string(pattern="^a"), string(), "rules-widened", "now no bound"),
    (string(pattern="^a"), string(pattern="^[ab]"), "rules-changed", 'now pattern "^[ab]"'),
    (string(minLength=1), string(minLength=2), "rules-narrowed", "minLength 1, now minLength 2"),
    (string(minLength=0), string(), "words-changed", "minLength 0"),
    (string(maxLength=1), string(maxLength=2), "rules-widened", "maxLength 2"),
    (string(), string(format="date"), "rules-narrowed", "format"),
    (string(format="date"), string(), "rules-widened", "format"),
    (string(format="date"), string(format="date-time"), "rules-changed", "format"),
    (string(format="uri"), string(format="iri-reference"), "rules-widened", "format"),
    (string(format="iri"), string(format="uri"), "rules-narrowed", "format"),
    (string(), string(const="x"), "rules-narrowed", 'const "x"'),
    (string(const="x"), string(const="y"), "rules-changed", 'const "y"'),
    (string(const="x"), string(), "rules-widened", 'const "x"'),
    (integer(0, 9), integer(0, 8), "rules-narrowed", "maximum 9, now maximum 8"),
    (integer(0, 9), integer(-1, 9), "rules-widened", "minimum -1"),
    (integer(0, 9), integer(0, 9, exclusiveMinimum=-1), "words-changed", "minimum 0 and exclusiveMinimum -1"),
    (integer(0, 9), integer(0, 9, exclusiveMinimum=0), "rules-narrowed", "exclusiveMinimum 0"),
    (integer(0, 9), integer(0, 9, multipleOf=1), "words-changed", "multipleOf 1"),
    (integer(0, 9), integer(0, 9, multipleOf=2.5), "rules-narrowed", "multipleOf 2.5"),
    (integer(0, 9, multipleOf=6), integer(0, 9, multipleOf=3), "rules-widened", "multipleOf 3"),
    (integer(0, 9, multipleOf=2), integer(0, 9, multipleOf=3), "rules-changed", "multipleOf 3"),
    (listed(STRING), listed(STRING, uniqueItems=True), "rules-narrowed", "uniqueItems true"),
    (listed(STRING), listed(STRING, uniqueItems=False), "words-changed", "uniqueItems false"),
    (listed(STRING, minItems=1), listed(STRING, minItems=0), "rules-widened", "minItems 0"),
    (listed(STRING, maxItems=1), listed(STRING, maxItems=0), "rules-narrowed", "maxItems 0"),
    (with_(NUMBER, rules={"pattern": "x"}), NUMBER, "words-changed", "pattern"),  # says nothing of numbers
    (STRING, with_(STRING, ref=REF), "meaning-added", 'x-ref "entities", new'),
    (with_(STRING, ref=REF), with_(STRING, ref=OTHER_REF), "meaning-changed", '"cover": true'),
    (with_(STRING, link="article"), STRING, "meaning-changed", "no x-link any more"),
    (listed(struct(a=STRING)), with_(listed(struct(a=STRING)), key="a"), "meaning-added", "x-key"),
    (struct(a=STRING), with_(struct(a=STRING), span=SPAN), "meaning-added", "x-span"),
    (STRING, with_(STRING, group=True), "handling-changed", "x-group true, new"),
    (with_(STRING, withhold=True), STRING, "handling-changed", "no x-withhold any more"),
]


@pytest.mark.parametrize(("old", "new", "rule", "note"), CASES)
def test_one_change_of_a_column(old: Type, new: Type, rule: str, note: str) -> None:
    [change] = of_column(old, new)
    assert (change.what, change.rule, change.layer, change.pointer) == ("column-changed", rule, "t", "/c")
    assert note in change.note
    assert change.old != change.new


def test_columns_and_configs_that_come_and_go() -> None:
    old, new = struct(a=listed(struct(x=STRING))), struct(a=listed(struct(x=STRING, y=null(NUMBER))))
    [added] = between(old, new)
    assert (added.what, added.rule, added.pointer) == ("column-added", "column-added", "/a/*/y")
    assert (added.old, added.new, added.note) == (None, {"type": ["number", "null"]}, "number or null")
    [removed] = between(new, old)
    assert (removed.what, removed.rule, removed.pointer) == ("column-removed", "column-removed", "/a/*/y")
    [gone, come] = contract_changes({"old-name": old}, {"new-name": old})
    assert (come.what, come.rule, come.layer, come.new) == ("config-removed", "config-removed", "old-name", None)
    assert (gone.what, gone.rule, gone.layer, gone.new) == ("config-added", "config-added", "new-name", ["a"])


def test_a_pointer_escapes_names() -> None:
    old, new = (Type(kind="struct", fields=(Field(name="a/b~c", type=node),)) for node in (STRING, NUMBER))
    assert [change.pointer for change in between(old, new)] == ["/a~1b~0c"]


def test_order_of_columns_alone() -> None:
    [change] = between(struct(a=STRING, b=STRING), struct(b=STRING, a=STRING))
    assert (change.rule, change.old, change.new) == ("columns-reordered", ["a", "b"], ["b", "a"])
    inserted = between(struct(a=STRING, b=STRING), struct(a=STRING, x=STRING, b=STRING))
    assert [change.rule for change in inserted] == ["column-added"]


def test_a_label_in_front_moves_the_others() -> None:
    added, moved = of_column(labels("a", "b"), labels("new", "a", "b"))
    assert (added.rule, added.new["const"]) == ("label-added", "new")
    assert (moved.rule, moved.old, moved.new) == ("label-moved", {"a": 0, "b": 1}, {"a": 1, "b": 2})


def test_a_renamed_label_is_one_gone_and_one_new() -> None:
    removed, added = of_column(labels("a", "b", "c"), labels("a", "B", "c"))
    assert removed.note == "'b' had the number 1; the number is now that of 'B'"
    assert (removed.rule, added.rule) == ("label-removed", "label-added")


def test_an_integer_that_outgrows_32_bits_is_another_type_too() -> None:
    width, bound = of_column(integer(0, 2**31 - 1), integer(0, 2**31))
    assert (width.rule, bound.rule) == ("type-changed", "rules-widened")
    assert width.note == "integer (stored as int32), now integer (stored as int64)"


def test_bounds_of_an_integer_that_becomes_a_number() -> None:
    old, new = integer(0, 10, exclusiveMinimum=0), with_(NUMBER, rules={"minimum": 0.5, "maximum": 9.5})
    rules = {(change.rule, *change.new) for change in of_column(old, new)}
    # from 1 on, and now from 0.5 on
    assert rules == {("type-changed", *json_schema(new)), ("rules-widened", "minimum"), ("rules-narrowed", "maximum")}


def test_a_constant_beside_null_forbids_null() -> None:
    [change] = of_column(string(const="x"), null(string(const="x")))
    assert change.rule == "words-changed"
    rules = [change.rule for change in of_column(null(STRING), null(string(const="x")))]
    assert rules == ["null-forbidden", "rules-narrowed"]


def test_what_rows_may_leave_out() -> None:
    strict, loose = struct(a=STRING, b=STRING), struct("b", a=STRING, b=STRING)
    assert [change.rule for change in between(strict, loose)] == ["null-allowed"]
    assert [change.rule for change in between(loose, strict)] == ["null-forbidden"]
    strict, loose = struct(a=STRING, b=null(STRING)), struct("b", a=STRING, b=null(STRING))
    assert [change.rule for change in between(strict, loose)] == ["rules-widened"]
    assert [change.rule for change in between(loose, strict)] == ["rules-narrowed"]
    [added] = between(struct(a=STRING), struct("b", a=STRING, b=STRING))
    assert compatibility([added]).name == "FULL"


def test_every_constraint_of_the_contract_is_compared() -> None:
    assert {word for dimension in DIMENSIONS for word in dimension.keywords} == set(_RULES)


COMPATIBLE = [
    (struct(a=STRING), struct(a=STRING, b=null(STRING)), "FULL"),
    (struct(a=STRING), struct(a=STRING, b=STRING), "FORWARD"),
    (struct(a=STRING), struct(a=STRING, b=null(string(const="x"))), "FORWARD"),  # the const forbids null
    (struct(a=STRING, b=STRING), struct(a=STRING), "BACKWARD"),
    (struct(a=STRING, b=null(labels("x"))), struct(a=STRING), "FULL"),
    (struct(a=integer()), struct(a=NUMBER), "BACKWARD"),
    (struct(a=NUMBER), struct(a=integer()), "FORWARD"),
    (struct(a=integer()), struct(a=integer(0, 2**40)), "BACKWARD"),
    (struct(a=integer()), struct(a=STRING), "NONE"),
    (struct(a=STRING), struct(a=labels("x")), "NONE"),
    (struct(a=STRING), struct(a=null(STRING)), "BACKWARD"),
    (struct(a=null(STRING)), struct(a=STRING), "FORWARD"),
    (struct(a=labels("x")), struct(a=labels("x", "y")), "BACKWARD"),
    (struct(a=labels("x", "y")), struct(a=labels("y", "x")), "NONE"),
    (struct(a=string(maxLength=1)), struct(a=string(maxLength=2)), "BACKWARD"),
    (struct(a=string(pattern="a")), struct(a=string(pattern="b")), "NONE"),
    (struct(a=STRING), struct(a=with_(STRING, ref=REF)), "FORWARD"),
    (struct(a=with_(STRING, ref=REF)), struct(a=STRING), "BACKWARD"),
    (struct(a=with_(STRING, ref=REF)), struct(a=with_(STRING, ref=OTHER_REF)), "NONE"),
    (struct(a=STRING), struct(a=with_(STRING, description="words", group=True)), "FULL"),
    (struct(a=STRING, b=STRING), struct(b=STRING, a=STRING), "FULL"),
]


@pytest.mark.parametrize(("old", "new", "name"), COMPATIBLE)
def test_compatibility_in_the_terms_of_registries(old: Type, new: Type, name: str) -> None:
    verdict = compatibility(between(old, new))
    assert verdict.name == name
    backward, forward, why = verdict
    assert bool(why) == (not (backward and forward))
    for reason in why:
        assert ("backward" in reason and not backward) or ("forward" in reason and not forward)


def test_configs_and_other_changes_in_the_verdict() -> None:
    one, two = {"t": struct(a=STRING)}, {"t": struct(a=STRING), "u": struct(a=STRING)}
    assert compatibility(contract_changes(one, two)).name == "FORWARD"
    assert compatibility(contract_changes(two, one)).name == "BACKWARD"
    rows = Change(what="record-withdrawn", rule="article-removed", record="a1")
    assert compatibility([rows]) == Compatibility(backward=True, forward=True, why=())


# Random contracts, changed at random

NAMES = ("id", "label", "text", "start", "a/b")
WORDS = ("", "a", "b", "ab", "abc", "bcda", "2024-02-29", "https://x.org/a", "urn:ä", "c" * 9)
RULES_OF: dict[str, tuple[dict[str, Any], ...]] = {
    "string": (
        {"minLength": 1}, {"minLength": 3}, {"maxLength": 3}, {"maxLength": 20}, {"pattern": "^a"}, {"pattern": "b$"},
        {"format": "date"}, {"format": "uri"}, {"format": "iri"}, {"const": "ab"}, {"const": "b"},
    ),
    "integer": (
        {"minimum": -3}, {"minimum": 2}, {"maximum": 4}, {"maximum": 2**33}, {"exclusiveMinimum": 1},
        {"exclusiveMaximum": 4}, {"multipleOf": 2}, {"multipleOf": 0.5}, {"const": 2},
    ),
    "number": (
        {"minimum": -1.5}, {"maximum": 3}, {"exclusiveMinimum": 1}, {"exclusiveMaximum": 2.5}, {"multipleOf": 0.5},
        {"multipleOf": 2}, {"const": 2},
    ),
    "list": ({"minItems": 1}, {"maxItems": 1}, {"maxItems": 2}, {"uniqueItems": True}),
    "boolean": ({"const": True},),
}  # fmt: skip


@st.composite
def scalars(draw: st.DrawFn) -> Type:
    kind = draw(st.sampled_from(["string", "integer", "number", "boolean"]))
    rules: dict[str, Any] = {"minimum": -5, "maximum": 5} if kind == "integer" else {}
    for more in draw(st.lists(st.sampled_from(RULES_OF[kind]), max_size=2)):
        rules |= more
    nullable = draw(st.booleans())
    return Type(kind=kind, rules=rules, nullable=nullable, description=draw(st.sampled_from(["", "words"])))


@st.composite
def label_types(draw: st.DrawFn) -> Type:
    names = draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True))
    return with_(labels(*names), nullable=draw(st.booleans()))


@st.composite
def structs(draw: st.DrawFn, inner: st.SearchStrategy[Type]) -> Type:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    fields = tuple(Field(name=n, type=draw(inner), required=draw(st.booleans())) for n in names)
    return Type(kind="struct", fields=fields, nullable=draw(st.booleans()))


@st.composite
def lists(draw: st.DrawFn, inner: st.SearchStrategy[Type]) -> Type:
    rules = draw(st.sampled_from([{}, *RULES_OF["list"]]))
    return Type(kind="list", item=draw(inner), rules=rules, nullable=draw(st.booleans()))


columns = st.recursive(
    st.one_of(scalars(), label_types()), lambda inner: st.one_of(structs(inner), lists(inner)), max_leaves=4
)
tables = structs(columns).map(lambda node: with_(node, nullable=False))


def _scalar_mutations(node: Type) -> Iterator[Type]:
    yield with_(node, description=node.description + "!")
    yield with_(node, nullable=not node.nullable)
    for rule in RULES_OF.get(node.kind, ()):
        if node.rules | rule != node.rules:
            yield with_(node, rules=node.rules | rule)
    for word in node.rules:
        if node.kind != "integer" or word not in {"minimum", "maximum"}:
            yield with_(node, rules={k: v for k, v in node.rules.items() if k != word})
    if node.kind == "string":
        yield with_(node, withhold=not node.withhold)
        yield with_(node, ref=REF if node.ref is None else None)
        yield with_(node, kind="label", labels=labels("a", "ab").labels, rules={})
    if node.kind in {"integer", "number"} and not {"minimum", "maximum"} - node.rules.keys():
        yield with_(node, kind="number" if node.kind == "integer" else "integer")


def _label_mutations(node: Type) -> Iterator[Type]:
    yield with_(node, nullable=not node.nullable)
    more = Label(name="new", title="new", description="what it is")
    yield with_(node, labels=(*node.labels, more))
    yield with_(node, labels=(more, *node.labels))
    yield with_(node, labels=(with_(node.labels[0], title="words"), *node.labels[1:]))
    if len(node.labels) > 1:
        yield with_(node, labels=node.labels[1:])
        yield with_(node, labels=node.labels[:-1])
        yield with_(node, labels=node.labels[::-1])


def mutations(node: Type) -> Iterator[Type]:
    """Every type that differs from `node` in one thing, at any depth."""
    if node.kind == "label":
        yield from _label_mutations(node)
    else:
        yield from _scalar_mutations(node)
    for at, field in enumerate(node.fields):
        before, after = node.fields[:at], node.fields[at + 1 :]
        yield from (
            with_(node, fields=(*before, dataclasses.replace(field, type=t), *after)) for t in mutations(field.type)
        )
        yield with_(node, fields=(*before, dataclasses.replace(field, required=not field.required), *after))
        yield with_(node, fields=(*before, dataclasses.replace(field, name=f"{field.name}{len(node.fields)}"), *after))
        yield with_(node, fields=(*before, field, Field(name=f"new{len(node.fields)}", type=NUMBER), *after))
        if before or after:
            yield with_(node, fields=(*before, *after))
    if len(node.fields) > 1:
        yield with_(node, fields=node.fields[::-1])
    if node.item is not None:
        yield from (with_(node, item=item) for item in mutations(node.item))


def _once(node: Type) -> bool:
    """Mutations may give one name twice, which the contract does not let through."""
    return len(set(node.names)) == len(node.names)


@st.composite
def changed(draw: st.DrawFn, most: int = 1) -> tuple[Type, Type]:
    """A table and the same one after some mutations."""
    old = new = draw(tables)
    for _ in range(draw(st.integers(1, most))):
        made = [node for node in mutations(new) if node.kind == "struct" and not node.nullable]
        made = [node for node in made if all(_once(inner) for _, inner in walk_types(node))]
        new = draw(st.sampled_from(made))
    return old, new


@st.composite
def values(draw: st.DrawFn, node: Type) -> Any:
    """A value of a type, more or less: rules that make it hard are left to chance."""
    if node.nullable and draw(st.booleans()):
        return None
    if node.kind == "struct":
        here = [f for f in node.fields if f.required or draw(st.booleans())]
        return {f.name: draw(values(f.type)) for f in here}
    if node.kind == "list":
        assert node.item is not None
        return [draw(values(node.item)) for _ in range(draw(st.integers(node.rules.get("minItems", 0), 2)))]
    pools: dict[str, list[Any]] = {
        "label": list(node.names), "string": [*WORDS], "boolean": [True, False],
        "integer": [*range(-5, 6), 2**32], "number": [*range(-5, 6), -1.5, 0.5, 2.5],
    }  # fmt: skip
    schema = json_schema(with_(node, nullable=False))
    validator = validator_of(schema)
    fitting = [value for value in pools[node.kind] if validator.is_valid(value)]
    assume(fitting)
    return draw(st.sampled_from(fitting))


slow = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


@slow
@given(tables)
def test_a_contract_does_not_differ_from_itself(node: Type) -> None:
    assert between(node, node) == []
    schema = row_schema(node, "t", "urn:copydesk:test:t")
    again = compile_kind("t", json.loads(jsontext.dump_document(schema))).type
    assert between(node, again) == between(again, node) == []


@slow
@given(changed())
def test_every_change_is_told_and_has_a_rule(pair: tuple[Type, Type]) -> None:
    old, new = pair
    found = between(old, new)
    assert found
    for change in found:
        assert change.rule in RULES
        assert change.old != change.new and change.note
        jsontext.dump_line({"old": change.old, "new": change.new})
    assert found == list(contract_changes({"t": old}, {"t": new}))


MIRROR = {
    "column-added": "column-removed", "null-allowed": "null-forbidden", "label-added": "label-removed",
    "rules-narrowed": "rules-widened",
}  # fmt: skip
MIRROR |= {there: back for back, there in MIRROR.items()}
SAID = {"meaning-added": "meaning-changed"}
"""What is new is a change by another name on the way there."""


@slow
@given(changed(most=4))
def test_the_way_back_is_the_mirror(pair: tuple[Type, Type]) -> None:
    old, new = pair
    there = Counter((MIRROR.get(c.rule, SAID.get(c.rule, c.rule)), c.pointer) for c in between(old, new))
    back = Counter((SAID.get(c.rule, c.rule), c.pointer) for c in between(new, old))
    assert there == back
    one, other = compatibility(between(old, new)), compatibility(between(new, old))
    assert (one.backward, one.forward) == (other.forward, other.backward)


@settings(slow, max_examples=300)
@given(st.data())
def test_the_verdict_holds_for_rows(data: st.DataObject) -> None:
    old, new = data.draw(changed(most=3))
    verdict = compatibility(between(old, new))
    for fits, writer, reader in ((verdict.backward, old, new), (verdict.forward, new, old)):
        if fits:
            rows = data.draw(st.lists(values(writer), min_size=1, max_size=5))
            own = validator_of(row_schema(writer, "t", "urn:t"))
            valid = [row for row in rows if own.is_valid(row)]
            assert replay(valid, reader, writer) == (len(valid), 0, "")


POOL: dict[str, list[Any]] = {
    "string": [*WORDS],
    "integer": list(range(-12, 13)),
    "number": [n / 8 for n in range(-96, 97)],
    "list": [[], [1], [1, 1], [1, 2], [1, 1, 1], [1, 2, 3]],
}
BOUNDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "string": {"minLength": (0, 1, 2, 4), "maxLength": (0, 2, 3, 9)},
    "integer": {"exclusiveMinimum": (-5, -4.5, 0), "exclusiveMaximum": (3, 3.5), "multipleOf": (0.5, 1, 1.5, 2, 3, 6)},
    "number": {
        "minimum": (-2, -0.5, 0), "exclusiveMinimum": (-2, 0), "maximum": (3, 3.5), "exclusiveMaximum": (3, 3.5),
        "multipleOf": (0.25, 0.5, 1, 1.5, 3),
    },
    "list": {"minItems": (0, 1, 2), "maxItems": (0, 1, 2), "uniqueItems": (True, False)},
}  # fmt: skip


def _pairs() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for kind, words in BOUNDS.items():
        for group in (d.keywords for d in DIMENSIONS):
            choices: list[dict[str, Any]] = [{}]
            for word in group:
                choices += [{**c, word: v} for c in choices for v in words.get(word, ())]
            yield from ((kind, old, new) for old in choices for new in choices if old != new)


@pytest.mark.parametrize("kind", BOUNDS)
def test_the_direction_is_that_of_the_values(kind: str) -> None:
    """Narrowed is what takes a value away and adds none, as the validator sees it."""
    always = {"minimum": -12, "maximum": 12} if kind == "integer" else {}
    seen = Counter[str]()
    for _, before, after in (pair for pair in _pairs() if pair[0] == kind):
        old, new = (Type(kind=kind, rules=always | rules, item=NUMBER) for rules in (before, after))
        allowed = []
        for node in (old, new):
            validator = validator_of(json_schema(node))
            allowed.append({json.dumps(value) for value in POOL[kind] if validator.is_valid(value)})
        [change] = of_column(old, new)
        lost, won = allowed[0] - allowed[1], allowed[1] - allowed[0]
        rule = {
            (True, False): "rules-narrowed", (False, True): "rules-widened", (False, False): "words-changed",
            (True, True): "rules-changed",
        }[bool(lost), bool(won)]  # fmt: skip
        assert change.rule == rule, (before, after)
        seen[rule] += 1
    assert {"rules-narrowed", "rules-widened"} <= set(seen)


# What users do to a schema, and their rows


@pytest.fixture(scope="module")
def seed() -> dict[str, Type]:
    return seed_types(seed_contract())


def edited(tmp_path: Path, file: str, change: Any) -> dict[str, Type]:
    shutil.copytree(ROOT / "schema", tmp_path / "schema")
    edit_json(tmp_path / "schema" / file, change)
    contract, found = load_contract(tmp_path, ("article", "link"))
    assert contract is not None, found
    return seed_types(contract)


def test_a_label_at_the_end_of_the_seed_schema(tmp_path: Path, seed: dict[str, Type]) -> None:
    def add(schema: Any) -> None:
        schema["$defs"]["quote"]["oneOf"].append({"const": "free", "title": "Free", "description": "No cue."})

    found = list(contract_changes(seed, edited(tmp_path, "labels.schema.json", add)))
    assert [(c.layer, c.pointer, c.rule) for c in found] == [
        ("articles", "/quotes/*/label", "label-added"),
        ("quotes", "/label", "label-added"),
    ]


def test_a_property_that_goes_from_the_seed_schema(tmp_path: Path, seed: dict[str, Type]) -> None:
    def drop(schema: Any) -> None:
        del schema["properties"]["agency"]
        schema["required"].remove("agency")

    found = list(contract_changes(seed, edited(tmp_path, "article.schema.json", drop)))
    assert [(c.layer, c.pointer, c.rule) for c in found] == [("articles", "/agency", "column-removed")]
    assert compatibility(found).name == "FULL"  # it was nullable


def side(folder: Path, version: str, types: dict[str, Type], rows: dict[str, dict[str, list[dict[str, Any]]]]) -> Side:
    """A side with JSON lines only."""
    made = []
    for config in CONFIGS:
        splits = []
        for split, listed_rows in rows[config.name].items() if config.name in types else ():
            path = f"jsonl/{config.name}/{split}.jsonl"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(b"".join(map(jsontext.dump_line, listed_rows)))
            entry = FileEntry(path=path, size=0, sha256="", rows=len(listed_rows))
            splits.append(
                SplitData(
                    name=split, rows=len(listed_rows), num_bytes=0, logical_sha256="",
                    files={"jsonl": (entry,), "parquet": ()},
                )
            )  # fmt: skip
        if splits:
            made.append(Table(config=config, type=types[config.name], splits=tuple(splits)))
    return Side(label=version, name="made-up", version=version, folder=folder, tables=tuple(made), ledger={})


def test_replay_counts_what_breaks(tmp_path: Path, seed: dict[str, Type]) -> None:
    rows = seed_rows(seed_contract())

    def drop(schema: Any) -> None:
        options = schema["$defs"]["entity"]["oneOf"]
        options[:] = [option for option in options if option["const"] != "VEHICLE"]

    new_types = edited(tmp_path, "labels.schema.json", drop)
    old = side(tmp_path / "old", "1.0.0", seed, rows)
    changed_rows = json.loads(json.dumps(rows))
    for split in changed_rows["mentions"].values():
        split[:] = [row for row in split if row["label"] != "VEHICLE"]
    new = side(tmp_path / "new", "2.0.0", new_types, changed_rows)
    result = replays(old, new)
    vehicles = sum(row["label"] == "VEHICLE" for split in rows["mentions"].values() for row in split)
    total = sum(map(len, rows["mentions"].values()))
    assert result[OLD_ROWS]["mentions"] == (total, vehicles, "train row 1 (m1) at /label: 'VEHICLE' is no label")
    assert result[NEW_ROWS]["mentions"] == (total - vehicles, 0, "")
    assert result[OLD_ROWS]["quotes"] == (sum(map(len, rows["quotes"].values())), 0, EQUAL)
    assert result[OLD_ROWS]["articles"][1] == len(rows["articles"]["train"]) + len(rows["articles"]["test"])


def test_a_new_column_alone_breaks_no_row(tmp_path: Path) -> None:
    rows = [{"id": "a1", "mentions": [{"start": 1, "end": 2, "checked": True}]}]
    item = struct(start=integer(), end=integer())
    old = struct(id=STRING, mentions=listed(item))
    new = struct(id=STRING, mentions=listed(struct(start=integer(), end=integer(), checked=BOOLEAN)))
    assert not validator_of(row_schema(old, "t", "urn:t")).is_valid(rows[0])  # taken literally
    assert replay(rows, old) == (1, 0, "")
    del rows[0]["mentions"][0]["checked"]
    assert replay(rows, new) == (1, 1, "row 1 (a1) at /mentions/0: the column 'checked' is missing")


SECRET = "the words of somebody"
SHOWN: list[tuple[Type, Any, str]] = [
    (STRING, None, "null, which it may not be"),
    (integer(), SECRET, "string, not integer"),
    (integer(), 0.5, "number, not integer"),
    (integer(), 101.0, "against maximum"),
    (NUMBER, True, "boolean, not number"),
    (struct(a=STRING), [], "array, not object"),
    (listed(STRING), {}, "object, not array"),
    (listed(NUMBER, uniqueItems=True), [1, 1], "against uniqueItems"),
    (string(maxLength=5), SECRET, "against maxLength"),
    (string(pattern="^x"), SECRET, "against pattern"),
    (labels("a"), SECRET, "no label"),
    (null(string(const="x")), None, "null, which it may not be"),
]


@pytest.mark.parametrize(("node", "value", "words"), SHOWN)
def test_an_example_says_what_breaks_and_shows_no_text(node: Type, value: Any, words: str) -> None:
    rows, broken, example = replay([{"c": value, "id": 7}], struct(c=node), struct(c=STRING))
    assert (rows, broken) == (1, 1)
    assert example == f"row 1 at /c: {words}"


def test_words_and_order_need_no_replay() -> None:
    old = struct(a=labels("x", about="one"), b=with_(STRING, description="words", ref=REF))
    new = struct(b=STRING, a=labels("x", about="another"))
    assert reading_schema(old) == reading_schema(new)
