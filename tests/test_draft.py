"""The first draft of a contract: what the data shows is in it, and it holds for the data that it was drafted from."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk import draft
from copydesk.articles.mapping import apply_map
from copydesk.articles.model import Article, Item, Ref, Value
from copydesk.articles.shape import to_record
from copydesk.checks import CHECKS
from copydesk.contract.load import compile_kind
from copydesk.contract.validate import schema_errors
from copydesk.project import load_project
from copydesk.survey import MANY, Survey

TEXT = "Ada walks down Mill Street on Monday."
INT32, INT64 = 2**31, 2**63


def article(*items: Item, layer: str = "things", identifier: str = "a", **more: Any) -> Article:
    return Article(id=identifier, text=TEXT, file="f", layers={layer: list(items)}, **more)


def surveyed(*articles: Article) -> Survey:
    survey = Survey()
    survey.see(articles)
    return survey


def items_of(*items: Item) -> Any:
    """The schema of the items of a layer."""
    return draft.article_schema(surveyed(article(*items)), "x")["properties"]["things"]["items"]


def drafted(*values: Value) -> Any:
    """The schema of a property that holds these values, without what it says about it."""
    made = items_of(*(Item(id=str(n), values={"p": value}) for n, value in enumerate(values)))
    schema = dict(made["properties"]["p"])
    assert schema.pop("description") == "`p` of the source."
    return schema


def names_of(schema: Any) -> list[str]:
    """The labels of a property that may be null."""
    assert schema["anyOf"][1] == {"type": "null"}
    return [option["const"] for option in schema["anyOf"][0]["oneOf"]]


# properties


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([True, False], "boolean"),
        ([0.5, 1], "number"),
        ([0.5], "number"),
        (["a", 1], "string"),
        ([True, 1], "string"),
        (["a"], "string"),
        ([["a"], "a"], "string"),
        ([Ref("nothing", "1")], "string"),
        ([Ref("things", "0"), Ref("tokens", "1")], "string"),
        ([Ref("things", "0"), "0"], "string"),
    ],
)
def test_a_property_has_the_type_of_its_values_and_is_a_string_where_they_mix(values: list[Value], kind: str) -> None:
    assert drafted(*values) == {"type": [kind, "null"]}
    assert drafted(None, *values) == {"type": [kind, "null"]}


def test_a_property_that_is_never_set_is_none() -> None:
    assert set(items_of(Item(id="1", values={"p": None, "q": [None]}))["properties"]) == {"id", "q"}


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        (INT32 - 1, -INT32, INT32 - 1),
        (-INT32, -INT32, INT32 - 1),
        (INT32, -INT64, INT64 - 1),
        (-INT32 - 1, -INT64, INT64 - 1),
    ],
)
def test_integers_have_room_for_all_of_them(value: int, least: int, most: int) -> None:
    expected = {"type": ["integer", "null"], "minimum": least, "maximum": most}
    assert drafted(1, value, -1) == drafted(value) == expected


def test_references_lists_and_objects_keep_their_shape() -> None:
    assert drafted(Ref("things", "0")) == {"type": ["string", "null"], "x-ref": "things"}
    inner = {"description": "`p` of the source.", "type": "string", "x-ref": "things"}
    assert drafted([Ref("things", "0")], []) == {"type": ["array", "null"], "items": inner}
    roles: list[Value] = [{"role": "agent", "who": Ref("things", "0"), "never": None}]
    item = drafted(roles)["items"]
    assert (item["type"], item["unevaluatedProperties"], set(item["properties"])) == ("object", False, {"role", "who"})
    assert item["properties"]["who"] == {"description": "`who` of it.", "type": ["string", "null"], "x-ref": "things"}


def often(*names: str, times: int = 8) -> list[Value]:
    return [name for name in names for _ in range(times)]


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (often("b", "a"), ["a", "b"]),
        ([*often("b", "a"), "b"], ["b", "a"]),
        (often("a", "b", times=7), None),
        ([*often("a", times=15)], None),
        (often(*(f"l{n:02d}" for n in range(40))), [f"l{n:02d}" for n in range(40)]),
        (often(*(f"l{n:02d}" for n in range(41))), None),
        (often("1", "22"), None),
        (often("1", "x"), ["1", "x"]),
        (often("a", " b"), None),
        (often("a", "b\nc"), None),
        (often("a", "b" * 40), ["a", "b" * 40]),
        (often("a", "b" * 41), None),
    ],
)
def test_strings_from_a_short_list_that_are_used_again_and_again_are_labels(
    values: list[Value], labels: list[str] | None
) -> None:
    made = drafted(*values)
    if labels is None:
        assert made == {"type": ["string", "null"]}
    else:
        assert names_of(made) == labels


def test_many_strings_are_counted_without_being_kept() -> None:
    survey = surveyed(article(*(Item(id=str(n), values={"p": f"v{n}"}) for n in range(MANY + 50))))
    seen = survey.layers["things"].properties["p"]
    assert seen.uses == MANY + 50
    assert len(seen.strings) == MANY + 1


# layers


def test_labels_are_listed_by_use_each_waiting_for_its_definition() -> None:
    made = items_of(*(Item(id=str(n), label=label) for n, label in enumerate("BACCA")))
    options = made["properties"]["label"]["oneOf"]
    assert [option["const"] for option in options] == ["A", "C", "B"]
    assert all(option["description"].startswith("TODO") for option in options)
    assert made["required"] == ["id", "label"]
    made = items_of(Item(id="1", label=""), Item(id="2"))
    assert names_of(made["properties"]["label"]) == [""]
    assert made["required"] == ["id"]


@pytest.mark.parametrize("many", [draft.MAX_LABELS, draft.MAX_LABELS + 1])
def test_too_many_labels_are_strings(many: int) -> None:
    label = items_of(*(Item(id=str(n), label=f"l{n}") for n in range(many)))["properties"]["label"]
    assert ("oneOf" in label) == (many == draft.MAX_LABELS)
    assert label.get("type", "string") == "string"


def test_spans_are_start_and_end_until_one_is_in_pieces() -> None:
    whole, pieces = Item(id="1", ranges=((0, 3),)), Item(id="2", ranges=((0, 3), (4, 9)))
    made = items_of(whole, whole)
    assert made["x-span"] == {"text": "text", "start": "start", "end": "end", "surface": "surface"}
    assert made["required"] == ["id", "start", "end"]
    assert set(made["properties"]) == {"id", "start", "end", "surface"}
    for some in ([pieces, whole], [whole, pieces]):
        made = items_of(*some)
        assert made["x-span"] == {"text": "text", "fragments": "fragments", "surface": "surface"}
        assert made["required"] == ["id", "fragments"]
        assert made["properties"]["fragments"]["minItems"] == 1
    assert "x-span" not in items_of(Item(id="1"))


def test_what_is_said_of_the_article_stands_beside_its_layers() -> None:
    made = draft.article_schema(surveyed(article(values={"genre": "news", "never": None, "language": "de"})), "x")
    assert list(made["properties"]) == ["id", "language", "rights", "text", "genre", "things"]
    assert made["required"] == ["id", "language", "rights", "text", "things"]
    assert made["properties"]["language"]["type"] == "string"
    made = draft.article_schema(surveyed(article(values={"language": "de"})), "x", rights=False)
    assert list(made["properties"]) == ["id", "text", "language", "things"]
    assert made["properties"]["language"]["type"] == ["string", "null"]
    assert made["required"] == ["id", "text", "things"]


# what holds for all of them

NAMES = st.sampled_from(["p", "q"])
SCALARS = st.booleans() | st.integers(-3, 3) | st.sampled_from([2**40, 0.5, "a", "1", ""])
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(SCALARS, max_size=2) | st.dictionaries(NAMES, inner, min_size=1), max_leaves=4
)
RANGES = st.sampled_from([((0, 3),), ((0, 3), (4, 9)), ((10, 14),)])


@st.composite
def collections(draw: st.DrawFn) -> list[Article]:
    """Articles with one type of value for each property, labels that are set or not, spans whole and in pieces."""
    kinds = {name: draw(st.sampled_from([bool, int, float, str, list, dict])) for name in ("p", "q")}

    def value(kind: type) -> Value:
        plain = {bool: st.booleans(), int: st.integers(-(2**40), 2**40), float: st.floats(-1, 1), str: st.text("ab")}
        if kind is list:
            return list(draw(st.lists(st.text("ab", max_size=2), min_size=1, max_size=2)))
        if kind is dict:
            return dict(draw(st.dictionaries(st.sampled_from("xy"), st.booleans(), min_size=1)))
        made: Value = draw(plain[kind])
        return made

    out = []
    for number in range(draw(st.integers(1, 3))):
        items = []
        for n in range(draw(st.integers(0, 4))):
            values = {name: value(kind) if draw(st.booleans()) else None for name, kind in kinds.items()}
            label = draw(st.sampled_from(["A", "B", None]))
            items.append(Item(id=f"m{n}", ranges=draw(RANGES), label=label, values=values))
        made = article(*items, identifier=str(number))
        ends: dict[str, Value] = {"of": Ref("things", items[0].id)} if items else {}
        made.layers["ties"] = [Item(id="t", values=ends)] if items else []
        made.values = {name: value(kind) for name, kind in kinds.items() if draw(st.booleans())}
        out.append(made)
    return out


@settings(max_examples=100, deadline=None)
@given(collections())
def test_articles_keep_the_contract_that_was_drafted_from_them(articles: list[Article]) -> None:
    schema = draft.article_schema(surveyed(*articles), "x", rights=False)
    kind = compile_kind("article", schema)
    for made in articles:
        record = to_record(made, kind, {})
        assert list(schema_errors(schema, record.value)) == []
        assert not {words for words, n in record.homeless.items() if n} - {"p", "q", "things: p", "things: q"}
        assert {f.code for check in CHECKS.values() for f in check(record.value, kind.type)} <= {"A104"}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=3), min_size=1, max_size=4))
def test_whatever_values_there_are_the_draft_is_a_contract(values: list[dict[str, Value]]) -> None:
    made = article(*(Item(id=str(n), values=given) for n, given in enumerate(values)))
    apply_map(made, draft.renames(surveyed(made)), set())
    survey = surveyed(made)
    kind = compile_kind("article", draft.article_schema(survey, "x"))
    assert kind.layers() == ("things",)


# names


def told_apart(layers: Iterable[str], values: Iterable[str] = (), properties: Iterable[str] = ()) -> Any:
    named = {name: [Item(id="1", values=dict.fromkeys(properties, 1))] for name in layers}
    made = Article(id="a", text=TEXT, file="f", layers=named, values=dict.fromkeys(values, 1))
    return draft.renames(surveyed(made))


def test_names_that_cannot_stand_beside_each_other_are_told_apart() -> None:
    assert told_apart(["Token", "token", "人名", "地名"]) == {"layers": {"token": "token_2", "地名": "地名_2"}}
    assert told_apart(["TEXT", "id"]) == {"layers": {"TEXT": "TEXT_2", "id": "id_2"}}
    assert told_apart(["m"], ["language", "Rights", "M", "n"]) == {"values": {"Rights": "Rights_2", "M": "M_2"}}
    assert told_apart(["m"], properties=["Start", "label", "kind", "Kind", "text"]) == {
        "properties": {"m": {"Start": "Start_2", "label": "label_2", "Kind": "Kind_2"}}
    }
    assert told_apart(["a", "A", "A_2", "a_2"]) == {"layers": {"A": "A_2", "A_2": "A_2_2", "a_2": "a_2_3"}}
    assert told_apart(["mentions", "tokens"], ["genre"], ["kind"]) == {}


# tables, expectations, passes


def test_every_layer_with_items_is_a_table_with_expectations() -> None:
    made = article(Item(id="1", ranges=((0, 3),), label="A"), layer="Größe")
    made.layers |= {"ties": [Item(id="1"), Item(id="2", label="A", ranges=((0, 3), (4, 9)))], "none": []}
    survey = surveyed(made)
    lines = dict(draft.configs(survey))
    assert list(lines) == ["articles", "Gr__e", "ties"]
    assert tomllib.loads(f"line = {lines['Gr__e']}")["line"]["layer"] == "Größe"
    suites = draft.suites(survey)
    assert list(suites) == list(lines)
    columns = {
        name: [rule["kwargs"]["column"] for rule in suite["expectations"] if "column" in rule["kwargs"]]
        for name, suite in suites.items()
    }
    assert columns == {"articles": ["id"], "Gr__e": ["article_id", "id", "label"], "ties": ["article_id", "id"]}
    rules = {name: [query["rule"] for query in suite["queries"]] for name, suite in suites.items()}
    assert rules == {
        "articles": ["articles-id-unique"],
        "Gr__e": ["gr-e-id-unique", "gr-e-slice"],
        "ties": ["ties-id-unique"],
    }
    assert json.dumps(suites)


def passes(*who: tuple[str | None, bool]) -> dict[str, str]:
    return draft.passes_rule(surveyed(*(article(annotator=name, curated=curated) for name, curated in who)))


def test_the_rule_for_the_passes_is_one_that_the_data_has_an_answer_for() -> None:
    ada, bob, eve, sure = ("ada", False), ("bob", False), ("eve", False), (None, True)
    assert passes(ada) == passes(sure) == {}
    assert passes(ada, bob) == {"rule": "first"}
    assert passes(ada, bob, eve) == {"rule": "majority"}
    assert passes(ada, bob, eve, sure) == {"rule": "curated"}


def test_a_survey_counts_articles_once_and_annotators_each_time() -> None:
    survey = Survey()
    for number in range(2):
        both = [
            article(Item(id="1"), identifier=f"a{number}", annotator=who, unit="UTF-16 units") for who in ("x", "y")
        ]
        survey.see(both)
    link = Article(id="l", text=None, file="f", layers={"members": [Item(id="1")]})
    survey.see([article(identifier="b"), link])
    assert (survey.articles, survey.links, survey.several) == (3, 1, 2)
    assert survey.characters == 3 * len(TEXT)
    assert survey.passes == {"x": 2, "y": 2}
    assert survey.units == {"UTF-16 units": 2, "code points": 1}
    assert survey.layers["things"].items == 4
    assert (list(survey.layers), list(survey.link_layers)) == (["things"], ["members"])


def test_the_drafted_project_file_says_what_was_found(tmp_path: Path) -> None:
    from copydesk.adopt import adopt

    origin = tmp_path / "export"
    origin.mkdir()
    (origin / "a.txt").write_text(TEXT)
    (origin / "a.ann").write_text("T1\tPERSON 0 3\tAda\n")
    adopt(tmp_path / "p", "tiny", 'Tiny "and" Ö', origin, "brat")
    project, found = load_project(tmp_path / "p")
    assert found == []
    assert project is not None
    assert project.dataset.title == 'Tiny "and" Ö'
    assert [config.name for config in project.configs] == ["articles", "mentions"]
    source = project.sources[0]
    assert (source.format, source.paths, source.passes, source.map) == ("brat", ("data/original/export",), {}, {})
