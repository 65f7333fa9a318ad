"""The contract: what it refuses, what it compiles to, and two validators of one opinion."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import ROOT, edit_json
from copydesk.contract.explain import explain_record, explainer_for
from copydesk.contract.load import load_contract, vocabulary
from copydesk.contract.rows import columns, label_lists, row_schema
from copydesk.contract.types import Contract, released
from copydesk.contract.validate import schema_errors, validator_for, validator_of

RECORDS = {
    "article": json.loads((ROOT / "data/articles/c6913b9a289c6313.json").read_text(encoding="utf-8")),
    "link": json.loads((ROOT / "data/links/limousine-retelling.json").read_text(encoding="utf-8")),
}
RECORDS["article"]["text"] = "x" * 5000
JUNK = [None, True, 0, -1, 1.5, 2**40, "", "x", [], {}, ["x"], {"x": 1}]


@pytest.fixture(scope="module")
def contract() -> Contract:
    made, found = load_contract(ROOT, ("article", "link"))
    assert made is not None, found
    return made


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    return [path, *(p for key, inner in children for p in paths(inner, (*path, key)))]


def put(record: Any, path: tuple[Any, ...], junk: Any, action: str) -> Any:
    if not path:
        return junk
    record = copy.deepcopy(record)
    holder = record
    for step in path[:-1]:
        holder = holder[step]
    if action == "remove":
        del holder[path[-1]]
    elif action == "add" and isinstance(holder, dict):
        holder["surprise"] = junk
    else:
        holder[path[-1]] = junk
    return record


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_two_validators_one_verdict(contract: Contract, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(RECORDS)))
    path = data.draw(st.sampled_from(paths(RECORDS[name])))
    action = data.draw(st.sampled_from(["replace", "remove", "add"]))
    record = put(RECORDS[name], path, data.draw(st.sampled_from(JUNK)), action)
    schema = contract.kinds[name].schema
    explained = list(explain_record(explainer_for(schema, contract), record))
    assert validator_for(schema, contract).is_valid(record) == (not explained), explained


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_rows_keep_the_contract_of_their_records(contract: Contract, name: str) -> None:
    """What the released rows' schema says of a record is what the contract says, surfaces being required."""
    node = released(contract.kinds[name].type)
    validator = validator_of(row_schema(node, name, "urn:x"))
    assert contract.kinds[name].type.names == node.names
    if name == "link":
        assert validator.is_valid(RECORDS[name])
    else:
        assert {error.message for error in validator.iter_errors(RECORDS[name])} == {'"surface" is a required property'}


def test_every_label_and_column_is_defined(contract: Contract) -> None:
    for kind in contract.kinds.values():
        node = released(kind.type)
        assert all(column.description or column.kind == "label" for _, _, column in columns(node))
        for path, labels in label_lists(node):
            assert all(len(label.description) > 15 for label in labels), path


def test_the_schemas_are_plain_json_schema_to_others() -> None:
    standard = {"$ref": "https://json-schema.org/draft/2020-12/schema"}
    for path in sorted((ROOT / "schema").glob("*.schema.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        assert list(schema_errors(standard, schema)) == []
        assert list(schema_errors(vocabulary(), schema)) == []


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        (lambda s: s["properties"]["text"].update({"x-withold": True}), "C003", "/properties/text/x-withold"),
        (lambda s: s["properties"]["text"].update(type="strnig"), "C003", "/properties/text/type"),
        (lambda s: s["properties"]["mentions"].update({"x-key": 3}), "C003", "/properties/mentions/x-key"),
        (lambda s: s["properties"]["text"].update(type=["string", "integer"]), "C005", "/properties/text/type"),
        (lambda s: s["properties"]["rights"].pop("unevaluatedProperties") and None, "C005", "/properties/rights"),
        (lambda s: s["$defs"]["offset"].pop("maximum") and None, "C005", "/$defs/offset"),
        (lambda s: s["properties"].update(more={"$ref": "#/$defs/gone"}), "C004", "/properties/more/$ref"),
        (lambda s: s["properties"].update(more={"$ref": "#"}), "C005", "/properties/more/$ref"),
        (
            lambda s: s["properties"].update(more={"$ref": "https://example.org/x.json"}),
            "C004",
            "/properties/more/$ref",
        ),
        (lambda s: s["properties"].update(more=True), "C005", "/properties/more"),
    ],
)
def test_what_a_contract_may_not_say(project: Path, change: Any, code: str, pointer: str) -> None:
    edit_json(project / "schema/article.schema.json", change)
    made, found = load_contract(project, ("article", "link"))
    assert made is None
    assert [(d.code, d.place.pointer) for d in found] == [(code, pointer)]
    assert found[0].place.line is not None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s["properties"]["mentions"]["items"]["x-span"].update(text="body"), "no text property 'body'"),
        (lambda s: s["properties"]["mentions"]["items"]["x-span"].update(end="stop"), "no 'stop'"),
        (lambda s: s["properties"]["mentions"].update({"x-key": "key"}), "no 'key'"),
        (lambda s: s["properties"]["claims"]["items"]["properties"]["about"].update({"x-ref": "x"}), "'x' is no layer"),
        (lambda s: s["properties"]["language"].update({"x-link": "person"}), "no kind 'person'"),
        (lambda s: s["properties"]["id"].update(type=["string", "null"]), "need a property `id`"),
        (lambda s: s["properties"]["mentions"]["items"]["properties"]["id"].update({"x-group": True}), "x-group"),
    ],
)
def test_what_the_vocabulary_may_not_claim(project: Path, change: Any, words: str) -> None:
    edit_json(project / "schema/article.schema.json", change)
    made, found = load_contract(project, ("article", "link"))
    assert made is None
    assert {d.code for d in found} == {"C006"}
    assert any(words in d.message for d in found)
