"""From what an importer gives to records: the map, the passes, the shape of the contract, annotations left out."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cases_formats import GOOD, HERE, TEXT, brat, export
from hypothesis import given, settings
from hypothesis import strategies as st
from test_build import content, run_build
from test_laws import loaded_after

from conftest import edit_json, replace_text
from copydesk.articles.mapping import apply_map, drop_items
from copydesk.articles.model import Article, Item, Ref, Value
from copydesk.articles.passes import resolve
from copydesk.articles.prune import Pruned, prune
from copydesk.articles.record import Record
from copydesk.articles.shape import from_record, to_record
from copydesk.articles.units import Sample
from copydesk.build import Options, build, check
from copydesk.checks import CHECKS
from copydesk.contract.load import compile_kind
from copydesk.diagnostics import Diagnostic, Place, Report, Severity
from copydesk.draft import article_schema
from copydesk.importers import intake
from copydesk.importers.intake import Taken, intake_findings, take
from copydesk.project import Dataset, Project, ReleaseOptions, Source, Splits, load_project
from copydesk.sources import Listing, RawRecord, Unit
from copydesk.survey import Survey


def article(*mentions: tuple[str, int, int, str], annotator: str | None = None, **values: Value) -> Article:
    items = [Item(id=i, ranges=((s, e),), label=label) for i, s, e, label in mentions]
    return Article(id="a", text=TEXT, file="f", layers={"mentions": items}, annotator=annotator, values=dict(values))


ADA, MILL = ("m1", 0, 3, "PERSON"), ("m2", 15, 26, "PLACE")


def related() -> Article:
    made = article(ADA, MILL, source="paper")
    ends: dict[str, Value] = {"head": Ref("mentions", "m1"), "tail": Ref("mentions", "m2")}
    made.layers["relations"] = [Item(id="r1", label="in", values=ends)]
    made.layers["groups"] = [Item(id="g1", values={"members": [Ref("mentions", "m1"), Ref("mentions", "m2")]})]
    return made


# the map


def test_layers_labels_properties_and_values_are_renamed_and_references_follow() -> None:
    made, used = related(), set[str]()
    made.layers["mentions"][0].values["Sure"] = True
    mapping = {
        "id": "source",
        "layers": {"mentions": "names", "relations": {"to": "ties", "label": "tie"}},
        "labels": {"mentions": {"PERSON": "PER"}},
        "properties": {"mentions": {"Sure": "sure"}},
        "values": {"absent": "x"},
    }
    apply_map(made, mapping, used)
    assert made.id == "paper"
    assert list(made.layers) == ["names", "ties", "groups"]
    assert [(i.label, i.values) for i in made.layers["names"]] == [("PER", {"sure": True}), ("PLACE", {})]
    assert made.layers["ties"][0].label == "tie"
    assert made.layers["ties"][0].values == {"head": Ref("names", "m1"), "tail": Ref("names", "m2")}
    assert made.layers["groups"][0].values == {"members": [Ref("names", "m1"), Ref("names", "m2")]}
    assert used == {
        "/id",
        "/layers/mentions",
        "/layers/relations",
        "/labels/mentions/PERSON",
        "/properties/mentions/Sure",
    }
    assert not +made.left_out


def test_a_label_that_is_left_out_takes_what_cannot_be_without_it_and_all_is_counted() -> None:
    made = related()
    apply_map(made, {"labels": {"mentions": {"PLACE": False}}}, set())
    assert [i.id for i in made.layers["mentions"]] == ["m1"]
    assert made.layers["relations"] == []
    assert made.layers["groups"][0].values == {"members": [Ref("mentions", "m1")]}
    assert made.left_out == {"mentions labelled PLACE": 1, "relations that name what was left out": 1}


def test_layers_that_become_one_keep_their_ids_apart() -> None:
    made = article(ADA)
    made.layers["Place"] = [Item(id="m1", ranges=((15, 26),), values={"kind": "street"})]
    made.layers["ties"] = [Item(id="t", values={"head": Ref("Place", "m1")})]
    apply_map(made, {"layers": {"Place": {"to": "mentions", "label_from": "kind"}}}, set())
    assert [(i.id, i.label) for i in made.layers["mentions"]] == [("m1", "PERSON"), ("Place-m1", "street")]
    assert made.layers["ties"][0].values["head"] == Ref("mentions", "Place-m1")


def test_hulls_close_the_gaps_and_say_so() -> None:
    made = article()
    made.layers["mentions"] = [Item(id="m", ranges=((0, 3), (10, 14)), surface="Ada down")]
    apply_map(made, {"discontinuous": "hull"}, set())
    assert made.layers["mentions"][0].ranges == ((0, 14),)
    assert made.layers["mentions"][0].surface is None
    assert made.left_out == {"gaps in discontinuous spans": 1}


def test_what_the_map_leaves_out_is_counted_and_what_it_does_not_name_stays() -> None:
    made, used = article(ADA, MILL, genre="news", tone="dry", year=None), set[str]()
    for mention in made.layers["mentions"]:
        mention.values = {"note": "…", "sure": True}
    mapping = {
        "properties": {"mentions": {"note": False}, "events": {"note": False}},
        "values": {"tone": False, "x": "y"},
    }
    apply_map(made, mapping, used)
    assert made.values == {"genre": "news", "year": None}
    assert [mention.values for mention in made.layers["mentions"]] == [{"sure": True}] * 2
    assert made.left_out == {"mentions.note": 2, "tone": 1}
    assert used == {"/properties/mentions/note", "/values/tone"}


@pytest.mark.parametrize(("given", "expected"), [("paper", "paper"), (7, "7"), (None, "a"), ("absent", "a")])
def test_an_id_is_taken_from_a_value_if_there_is_one(given: Value, expected: str) -> None:
    made, used = article(**({} if given == "absent" else {"docno": given})), set[str]()
    apply_map(made, {"id": "docno"}, used)
    assert made.id == expected
    assert ("/id" in used) == (expected != "a")
    assert "docno" not in made.values or given is None


def test_labels_come_from_properties_as_words_and_by_the_names_of_the_export() -> None:
    made, used = article(ADA, MILL), set[str]()
    one, two = made.layers["mentions"]
    one.values, two.values = {"kind": 3, "n": 1}, {"kind": None}
    mapping = {
        "layers": {"mentions": {"label_from": "kind"}},
        "labels": {"mentions": {"3": "three", "PLACE": False}},
        "properties": {"mentions": {"n": "number", "kind": "sort"}},
    }
    apply_map(made, mapping, used)
    assert [(item.label, item.values) for item in (one, two)] == [("three", {"number": 1}), (None, {})]
    assert used == {"/layers/mentions", "/layers/mentions/label_from", "/labels/mentions/3", "/properties/mentions/n"}


def test_references_follow_into_lists_objects_and_other_articles() -> None:
    made = article(ADA)
    far, near, gone = Ref("mentions", "m7", "b"), Ref("mentions", "m1"), Ref("tokens", "t1", "b")
    made.layers["tokens"] = [Item(id="t1")]
    values: dict[str, Value] = {
        "end": far, "lost": gone, "token": Ref("tokens", "t1"), "all": [{"in": near}, Ref("tokens", "t1"), None, far],
    }  # fmt: skip
    made.layers["links"] = [Item(id="l", values=values)]
    apply_map(made, {"layers": {"mentions": {"to": "names"}, "tokens": False}}, set())
    moved, inside = Ref("names", "m7", "b"), Ref("names", "m1")
    assert made.layers["links"][0].values == {
        "end": moved, "lost": None, "token": None, "all": [{"in": inside}, None, moved],
    }  # fmt: skip
    assert made.left_out["tokens"] == 1


def test_an_item_of_another_article_is_another_item() -> None:
    made = article(ADA)
    made.layers["links"] = [Item(id="l", values={"end": Ref("mentions", "m1", "b"), "ends": [Ref("mentions", "m1")]})]
    drop_items(made, {("mentions", "m9")})
    assert [len(items) for items in made.layers.values()] == [1, 1]
    made.layers["links"][0].values["ends"] = [Ref("mentions", "m1", "b")]
    drop_items(made, {("mentions", "m1")})
    assert [len(items) for items in made.layers.values()] == [0, 1]


def test_what_names_what_names_an_item_that_is_left_out_goes_too() -> None:
    made = related()
    made.layers["events"] = [Item(id="e", values={"arguments": [{"role": "in", "relation": Ref("relations", "r1")}]})]
    made.layers["chains"] = [Item(id="c", values={"event": {"first": Ref("events", "e")}})]
    drop_items(made, {("mentions", "m1"), ("mentions", "m2")})
    assert not any(made.layers.values())
    assert made.left_out == {
        f"{layer} that name what was left out": 1 for layer in ("relations", "groups", "events", "chains")
    }


def test_a_line_of_the_map_that_meets_nothing_is_found_at_its_place(project: Path) -> None:
    lines = (
        'map.id = "docno"',
        'map.layers = { events = false, mentions = { label_from = "kind" } }',
        'map.labels = { mentions = { PERSON = "PERSON", DOG = "PERSON" } }',
        'map.properties = { mentions = { sure = "certain" } }',
        'map.values = { dateline = "date" }',
    )
    export("brat", {"a1.txt": TEXT, "a1.ann": GOOD}, *lines)(project)
    found = [d.place.pointer for d in check(Options(root=project)) if d.code == "I018"]
    assert sorted(str(pointer).removeprefix("/source/0/map") for pointer in found) == [
        "/id",
        "/labels/mentions/DOG",
        "/layers/events",
        "/layers/mentions/label_from",
        "/properties/mentions/sure",
        "/values/dateline",
    ]


def test_the_place_of_an_item_is_that_of_its_own_file() -> None:
    made = article(ADA)
    made.line, made.pointer = 4, "/0"
    item = made.layers["mentions"][0]
    assert made.place() == Place(file="f", line=4, pointer="/0", record="a")
    assert made.place(item) == Place(file="f", line=4, record="a")
    item.line, item.column, item.pointer = 7, 2, "/0/1"
    assert made.place(item) == Place(file="f", line=7, column=2, pointer="/0/1", record="a")
    item.file = "g"
    assert made.place(item) == Place(file="g", line=7, column=2, pointer="/0/1", record="a")
    item.line = 0
    assert made.place(item).line is None


# the passes


def test_one_pass_needs_no_rule_and_several_do() -> None:
    one, two = article(ADA, annotator="ada"), article(MILL, annotator="bob")
    assert resolve([one], {}) is one
    undecided = resolve([one, two], {})
    assert isinstance(undecided, Diagnostic)
    assert undecided.code == "I009"
    assert resolve([one, two], {"rule": "annotator", "annotator": "bob"}) is two
    assert resolve([two, one], {"rule": "first"}) is one
    for rule in ({"rule": "annotator", "annotator": "eve"}, {"rule": "curated"}):
        assert isinstance(resolve([one, two], rule), Diagnostic)
    two.curated = True
    assert resolve([one, two], {"rule": "curated"}) is two


def test_what_most_passes_have_counts_and_the_rest_is_counted() -> None:
    passes = [
        article(ADA, MILL, annotator="c", genre="news"),
        article(("x", 15, 26, "PLACE"), ("y", 0, 3, "PLACE"), annotator="b", genre="letter"),
        article(("z", 0, 3, "PERSON"), annotator="a", genre="news"),
    ]
    for number, one in enumerate(passes):
        names = {i.ranges[0][0]: i.id for i in one.layers["mentions"]}
        if {0, 15} <= set(names):
            ends: dict[str, Value] = {"head": Ref("mentions", names[0]), "tail": Ref("mentions", names[15])}
            one.layers["relations"] = [Item(id=f"r{number}", label="in", values=ends)]
    before = deepcopy(passes)
    made = resolve(passes, {"rule": "majority"})
    assert isinstance(made, Article)
    assert [(i.ranges, i.label) for i in made.layers["mentions"]] == [(((0, 3),), "PERSON"), (((15, 26),), "PLACE")]
    assert made.values == {"genre": "news"}
    assert made.left_out == {"mentions without a majority": 1, "relations without a majority": 2}
    assert passes == before
    assert resolve(passes[::-1], {"rule": "majority"}) == made
    ids = {i.id for i in made.layers["mentions"]}
    assert all(
        ref.id in ids for i in made.layers.get("relations", ()) for ref in i.values.values() if isinstance(ref, Ref)
    )


def test_relations_that_most_passes_have_name_the_merged_mentions() -> None:
    passes = []
    for who, first, second in (("a", "1", "2"), ("b", "7", "8"), ("c", "x", "y")):
        one = article((first, 0, 3, "PERSON"), (second, 15, 26, "PLACE"), annotator=who)
        ends: dict[str, Value] = {"head": Ref("mentions", first), "tail": Ref("mentions", second)}
        one.layers["relations"] = [Item(id=f"r{who}", label="in", values=ends)]
        passes.append(one)
    made = resolve(passes, {"rule": "majority"})
    assert isinstance(made, Article)
    assert made.layers["relations"][0].values == {"head": Ref("mentions", "1"), "tail": Ref("mentions", "2")}
    assert not made.left_out


def test_passes_over_different_texts_are_not_adjudicated() -> None:
    other = article(ADA, annotator="b")
    other.text = "Another text."
    assert isinstance(resolve([article(ADA, annotator="a"), other], {"rule": "majority"}), Diagnostic)


# the shape of the contract

SPANS = st.lists(st.tuples(st.integers(0, 10), st.integers(1, 5)), min_size=1, max_size=3)
VALUES = st.one_of(st.booleans(), st.integers(-5, 5), st.text("ab", min_size=1, max_size=3))


@st.composite
def articles(draw: st.DrawFn) -> Article:
    """Articles of one kind: the same properties with the same types everywhere."""
    text = draw(st.text("ab é👍\r\n", min_size=20, max_size=30))
    mentions = []
    for number, pieces in enumerate(draw(st.lists(SPANS, max_size=4))):
        at, ranges = 0, []
        for gap, length in pieces:
            ranges.append((at + gap, at + gap + length))
            at += gap + length
        if at <= len(text):
            values: dict[str, Value] = {"sure": draw(st.booleans()), "n": draw(st.integers(-5, 5))}
            label = draw(st.sampled_from(["A", "B"]))
            mentions.append(Item(id=f"m{number}", ranges=tuple(ranges), label=label, values=values))
    names = [m.id for m in mentions]
    sets = draw(st.lists(st.lists(st.sampled_from(names), min_size=1, max_size=3), max_size=2)) if names else []
    groups = [
        Item(id=f"g{n}", values={"members": [Ref("mentions", m) for m in members]}) for n, members in enumerate(sets)
    ]
    layers = {"mentions": mentions, "groups": groups}
    return Article(id="a", text=text, file="", layers=layers, values={"genre": "news"})


@settings(max_examples=60, deadline=None)
@given(articles())
def test_an_article_in_the_shape_of_its_drafted_contract_comes_back(made: Article) -> None:
    survey = Survey()
    survey.see([made])
    kind = compile_kind("article", article_schema(survey, "x", rights=False))
    record = to_record(made, kind, {})
    assert not record.homeless
    back = from_record(record.value, kind)
    assert (back.id, back.text, back.values, back.layers) == (made.id, made.text, made.values, made.layers)


def schema(**properties: Any) -> Any:
    return {
        "type": "object",
        "required": ["id", "text"],
        "unevaluatedProperties": False,
        "properties": {"id": {"type": "string"}, "text": {"type": "string"}, **properties},
    }


def test_what_the_contract_has_no_place_for_is_counted() -> None:
    made = related()
    made.values["source"] = "paper"
    made.layers["mentions"][0].values = {"sure": True}
    kind = compile_kind("article", schema())
    assert to_record(made, kind, {}).homeless == {"source": 1, "mentions": 2, "relations": 1, "groups": 1}
    item = {
        "type": "object",
        "unevaluatedProperties": False,
        "required": ["id"],
        "properties": {"id": {"type": "string"}},
    }
    kind = compile_kind("article", schema(mentions={"type": "array", "x-key": "id", "items": item}))
    counted = to_record(made, kind, {}).homeless
    assert counted == {
        "source": 1, "relations": 1, "groups": 1, "mentions: spans": 2, "mentions: labels": 2, "mentions: sure": 1,
    }  # fmt: skip


def test_a_surface_that_is_not_the_text_is_found_even_if_the_contract_keeps_none(
    project: Path,
) -> None:
    brat("T1\tPERSON 0 3\tEve\n")(project)
    edit_json(project / "schema/article.schema.json", _without_surface)
    found = [d for d in check(Options(root=project)) if d.code != "R002"]
    assert [(d.code, d.place.file, d.place.line) for d in found] == [("A106", f"{HERE}/a1.ann", 1)]


def _without_surface(document: Any) -> None:
    item = document["properties"]["mentions"]["items"]
    del item["properties"]["surface"], item["x-span"]["surface"]


def test_checks_point_into_the_annotators_own_file(project: Path) -> None:
    brat(f"{GOOD}T2\tPLACE 15 99\tMill Street\nT3\tSTREET 15 26\tMill Street\n")(project)
    found = [d for d in check(Options(root=project)) if d.code != "R002"]
    assert [(d.code, d.place.file, d.place.line) for d in found] == [("A004", f"{HERE}/a1.ann", 3)]
    brat(f"{GOOD}T2\tPLACE 15 99\tMill Street\n")
    (project / HERE / "a1.ann").write_text(f"{GOOD}\nT2\tPLACE 15 99\tMill Street\n")
    found = [d for d in check(Options(root=project)) if d.code != "R002"]
    assert [(d.code, d.place.line) for d in found] == [("A103", 3)]


# from what an importer reads to records


@dataclass(frozen=True)
class Given:
    """An importer that reads what it is given."""

    read_all: list[Article | Record | Diagnostic]
    known: tuple[str, ...] = ()
    OPTIONS: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    TAKES: tuple[str, ...] = ("articles",)

    def sniff(self, sample: Sample) -> int:
        return 0

    def units(self, source: Source, names: Sequence[str]) -> Iterator[Unit]:
        return (Unit(files=(name,), name=name) for name in names if name in self.known)

    def read(self, root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Record | Diagnostic]:
        return iter(deepcopy(self.read_all))


def taken(*read: Article | Diagnostic, data: bytes = b"", **options: Any) -> Taken:
    kind = compile_kind("article", schema(mentions=SPAN, n={"type": "integer", "minimum": 0, "maximum": 9}))
    source = Source(kind="article", paths=("x",), format="brat", **options)
    return take(Path(), source, kind, RawRecord(file="f", line=1, data=data), Given(list(read)))


def told(code: str, **place: Any) -> Diagnostic:
    return Diagnostic(code=code, place=Place(file="f", **place), message=code)


def without_labels(made: Article, *found: Diagnostic, **left_out: int) -> Article:
    for item in made.layers["mentions"]:
        item.label = None
    made.found, made.left_out = list(found), Counter(left_out)
    return made


def by(name: str | None, *mentions: tuple[str, int, int, str], curated: bool = False, **left_out: int) -> Article:
    made = without_labels(article(*mentions, annotator=name), **left_out)
    made.curated = curated
    return made


BOTH = [("m1", 0, 3, ""), ("m2", 15, 26, "")]


def spans_of(record: Record | Diagnostic) -> list[int]:
    assert isinstance(record, Record)
    return [m["start"] for m in record.value["mentions"]]


def test_what_is_read_stays_in_order_and_is_counted() -> None:
    lost, other = told("I004"), by(None, BOTH[0])
    other.id, other.unit, other.values = "b", "UTF-16 units", {"n": 3, "genre": "news"}
    made = taken(by(None, *BOTH, drafts=2), lost, other, map={"values": {"n": "n", "x": "n"}})
    assert [r.id if isinstance(r, Record) else r.code for r in made.records] == ["I004", "a", "b"]
    assert [spans_of(r) for r in made.records[1:]] == [[0, 15], [0]]
    assert (made.passes, made.found) == ([], [])
    assert made.counts == {
        ("articles", ""): 2,
        ("offsets", "code points"): 1,
        ("offsets", "UTF-16 units"): 1,
        ("left out", "drafts"): 2,
        ("homeless", "genre"): 1,
        ("map", "/values/n"): 1,
    }


def test_a_link_counts_as_a_link_and_no_rule_as_a_loss() -> None:
    link = by(None)
    link.text = None
    assert taken(link).counts == {("links", ""): 1}
    undecided = taken(by("ada"), by("bob"))
    assert [r.code for r in undecided.records if isinstance(r, Diagnostic)] == ["I009"]
    assert not undecided.counts
    assert (undecided.passes, undecided.found) == ([], [])


def test_passes_stand_beside_the_record_each_on_its_own() -> None:
    passes = [by("ada", *BOTH, drafts=2), by("bob", BOTH[0], drafts=3, pictures=1), by(None, curated=True, drafts=1)]
    for rule, spans in (
        ({"rule": "annotator", "annotator": "ada"}, [0, 15]),
        ({"rule": "curated"}, []),
        ({"rule": "first"}, [0, 15]),
        ({"rule": "majority"}, [0]),
    ):
        made = taken(*passes, passes=rule)
        assert spans_of(made.records[0]) == spans, rule
        assert sorted((name, *spans_of(record)) for name, record in made.passes) == [("ada", 0, 15), ("bob", 0)], rule
        assert all(record.value is not made.records[0].value for _, record in made.passes)
        assert made.counts["passes", "ada"] == made.counts["passes", "curated"] == made.counts["articles", ""] == 1
        assert made.counts["left out", "drafts"] == 3
        assert made.counts["left out", "pictures"] == 1


def test_what_is_wrong_with_passes_that_do_not_count_is_a_warning_told_once() -> None:
    torn, twice, mild, mine = told("I002", line=1), told("I003", line=2), told("I020", line=3), told("I006", line=4)
    ada, bob, eve = by("ada", *BOTH), by("bob", *BOTH), by("eve", *BOTH)
    ada.found, bob.found, eve.found = [torn, mine], [torn, twice, mild], [mild]
    made = taken(ada, bob, eve, passes={"rule": "first"})
    assert made.records[0].found == [torn, mine]
    assert [(d.code, d.severity) for d in made.found] == [("I003", Severity.WARNING), ("I020", mild.severity)]
    made = taken(ada, bob, eve, passes={"rule": "majority"})
    assert made.records[0].found == [torn, mine, twice, mild]
    assert made.found == []


@pytest.mark.parametrize(
    ("data", "line", "column"),
    [
        (b'[1,\n {"a": 2}]', 2, 8),
        (b'\n [1,\n {"a": 2}]', 3, 8),
        (b"[1, oh\n no", 1, None),
        (b"\xff", 1, None),
        (b"T1\tX", 1, None),
    ],
)
def test_pointers_lead_to_lines_where_the_file_is_json(data: bytes, line: int, column: int | None) -> None:
    made = by(None, ("m1", 0, 99, ""))
    made.layers["mentions"][0].pointer = "/1/a"
    made.found = [told("I002", line=1, pointer="/1/a"), told("I003", line=9, pointer="/1/a")]
    record = taken(made, data=data).records[0]
    assert isinstance(record, Record)
    place = record.locate("/mentions/0/end")
    assert (place.file, place.line, place.column, place.pointer) == ("f", line, column, "/1/a")
    assert [d.place.line for d in record.found] == [line, 9]


def findings(*counts: Counter[tuple[str, str]], **options: Any) -> list[Diagnostic]:
    sources = tuple(Source(kind="article", paths=("x",), format="brat", **options) for _ in counts)
    made = Project(
        root=Path(), dataset=DATASET, sources=sources, configs=(), splits=Splits(salt="", ratios={}),
        release=ReleaseOptions(),
    )  # fmt: skip
    return list(intake_findings(made, dict(reversed(list(enumerate(counts))))))


DATASET = Dataset(
    name="x", title="", version="", date="", summary="", language=(), license="", creators=()
)  # fmt: skip


def test_a_source_is_told_in_its_own_place_with_the_most_frequent_things_first() -> None:
    many_things = Counter({("left out", f"thing {n:02d}"): 20 - n for n in range(13)})
    offsets = Counter({("offsets", "code points"): 5, ("offsets", "UTF-8 bytes"): 1_000, ("articles", ""): 1_005})
    found = findings(many_things, offsets, Counter({("homeless", "x"): 2}))
    assert [(d.code, d.place.pointer) for d in found] == [
        ("I008", "/source/0/format"),
        ("I015", "/source/1/format"),
        ("I007", "/source/2/format"),
    ]
    assert found[0].notes == (*(f"thing {n:02d}: {20 - n}" for n in range(12)), "and 1 more kinds of things")
    assert found[1].notes == ("UTF-8 bytes: 1,000",)
    del many_things["left out", "thing 12"]
    assert len(findings(many_things)[0].notes) == 12
    assert findings(Counter({("offsets", "code points"): 5})) == []


@pytest.mark.parametrize(("what", "n"), [("articles", 1), ("links", 1), ("passes", 0)])
def test_a_map_is_held_against_what_was_read_if_anything_was(what: str, n: int) -> None:
    counts = Counter({(what, ""): 1, ("map", "/layers/met"): 3})
    found = findings(counts, map={"layers": {"met": "m", "missed": "n"}})
    assert [(d.code, d.place.pointer) for d in found] == [("I018", "/source/0/map/layers/missed")] * n


@pytest.mark.parametrize("lost", [0, 1, 5, 6])
def test_files_that_nothing_reads_are_told(lost: int, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"f{n}" for n in range(8)]
    monkeypatch.setattr(intake, "importer_of", lambda name: Given([], known=tuple(names[lost:])))
    loaded, _ = load_project(project)
    assert loaded is not None
    units, found = intake.units_of(loaded, [Listing(source=0, base="", files={name: Path(name) for name in names})])
    assert [unit.name for _, unit in units] == names[lost:]
    assert [d.code for d in found] == ["I013"] * bool(lost)
    if found:
        shown = ", ".join(names[: min(lost, 5)]) + (", …" if lost > 5 else "")
        assert found[0].message == f"{lost} of 8 files are not read as copydesk: {shown}"


# taking annotations out of a record

THINGS = {
    "type": "array",
    "x-key": "id",
    "items": {
        "type": "object",
        "required": ["id"],
        "unevaluatedProperties": False,
        "properties": {
            "id": {"type": "string"},
            "one": {"type": ["string", "null"], "x-ref": "mentions"},
            "all": {"type": "array", "items": {"type": "string", "x-ref": "mentions"}},
            "inner": {
                "type": "array",
                "items": {
                    "type": "object",
                    "unevaluatedProperties": False,
                    "properties": {"of": {"type": "string", "x-ref": "mentions"}},
                },
            },
        },
    },
}
SPAN = {
    "type": "array",
    "x-key": "id",
    "items": {
        "type": "object",
        "x-span": {"text": "text", "start": "start", "end": "end"},
        "required": ["id", "start", "end"],
        "unevaluatedProperties": False,
        "properties": {
            "id": {"type": "string"},
            **{name: {"type": "integer", "minimum": 0, "maximum": 999} for name in ("start", "end")},
        },
    },
}


def pruned(things: list[dict[str, Any]], *ends: int, text: str = TEXT, found: list[Diagnostic] | None = None) -> Pruned:
    """A record with a mention from 0 to each of the ends, pruned by the checks."""
    kind = compile_kind("article", schema(mentions=SPAN, things=THINGS))
    mentions = [{"id": f"m{n}", "start": 0, "end": end} for n, end in enumerate(ends)]
    value = {"id": "a", "text": text, "mentions": mentions, "things": things}
    made = Record(kind="article", value=value, locate=lambda p: Place(file="f", pointer=p), found=found or [])
    return prune(made, kind, lambda v: [f for check in CHECKS.values() for f in check(v, kind.type)])


def taken_out(done: Pruned) -> list[tuple[str, str | None, str, str | None]]:
    return [(d.layer, d.item, d.diagnostic.code, d.diagnostic.place.pointer) for d in done.dropped]


def test_items_go_with_what_cannot_be_without_them_and_are_found_where_they_were() -> None:
    things: list[dict[str, Any]] = [{"id": "x", "one": "m1"}, {"id": "y", "one": "m2"}, {"id": "z", "one": "m3"}]
    done = pruned(things, 3, 99, 9, 98, 14)
    assert [m["id"] for m in done.record.value["mentions"]] == ["m0", "m2", "m4"]
    assert [t["id"] for t in done.record.value["things"]] == ["y"]
    assert taken_out(done) == [
        ("mentions", "m3", "A103", "/mentions/3/end"),
        ("mentions", "m1", "A103", "/mentions/1/end"),
        ("things", "z", "A202", "/things/2/one"),
        ("things", "x", "A202", "/things/0/one"),
    ]
    assert done.dropped[0].diagnostic.notes == (f"the text has {len(TEXT)} code points; the span is 0..98",)
    assert done.clean
    places = [done.record.locate(p).pointer for p in ("/mentions/1/start", "/things/0", "/mentions/7/end", "/text", "")]
    assert places == ["/mentions/2/start", "/things/1", "/mentions/7/end", "/text", ""]


def test_a_list_of_references_is_shortened_and_an_item_goes_with_its_last_one() -> None:
    things: list[dict[str, Any]] = [
        {"id": "two", "all": ["m0", "m1"]},
        {"id": "last", "all": ["m1"]},
        {"id": "inner", "all": [], "inner": [{"of": "m1"}, {"of": "m0"}]},
        {"id": "both", "all": ["m1", "m1", "m0"]},
        {"id": "wide", "one": "m1", "all": ["m0", "m0"]},
    ]
    done = pruned(things, 3, 99)
    assert done.record.value["things"] == [
        {"id": "two", "all": ["m0"]},
        {"id": "inner", "all": [], "inner": [{"of": "m0"}]},
        {"id": "both", "all": ["m0"]},
    ]
    lost = sorted((d.layer, d.item) for d in done.dropped if d.layer != "mentions")
    assert lost == [
        ("things", "last"),
        ("things", "wide"),
        ("things: a reference", "both"),
        ("things: a reference", "both"),
        ("things: a reference", "inner"),
        ("things: a reference", "two"),
    ]


def test_an_error_elsewhere_stays_and_warnings_take_nothing_out() -> None:
    torn = [Diagnostic(code=code, place=Place(file="f"), message="?") for code in ("I002", "I020")]
    done = pruned([], 3, 4, text=TEXT.replace("Monday", "Mon\0day"), found=torn)
    assert [m["id"] for m in done.record.value["mentions"]] == ["m0", "m1"]  # 0..4 ends with a space: a warning
    assert not done.clean
    assert [(d.layer, d.item, d.diagnostic.code) for d in done.dropped] == [("", None, "I002")]
    assert done.record.found == []


def test_records_that_are_no_layers_of_items_fail_as_they_are(project: Path) -> None:
    replace_text(project / "dataset.toml", "[release]", '[checks]\non_error = "exclude-annotations"\n\n[release]')
    one, two = sorted((project / "data/articles").glob("*.json"))
    edit_json(one, lambda record: record.update(mentions=None, claims=[]))
    edit_json(two, lambda record: record["mentions"].insert(0, "m"))
    found = {(d.code, d.place.pointer): d.severity for d in check(Options(root=project)) if d.code != "R002"}
    assert found == {
        ("A003", "/mentions"): Severity.WARNING,
        ("A003", "/mentions/0"): Severity.WARNING,
        ("B006", "/source"): Severity.WARNING,
    }


# annotations left out


def without_claims(folder: Path) -> None:
    """The project without the layer that its example has beside the mentions."""

    def change(document: Any) -> None:
        document["required"].remove("claims")
        del document["properties"]["claims"]

    edit_json(folder / "schema/article.schema.json", change)
    text = (folder / "dataset.toml").read_text()
    kept = [line for line in text.splitlines(keepends=True) if not line.startswith("claims")]
    (folder / "dataset.toml").write_text("".join(kept))
    (folder / "schema/expectations/claims.json").unlink()


def relations_project(folder: Path, lines: str) -> None:
    """A brat export with relations, in a project that leaves out single annotations."""
    brat(lines)(folder)
    ready_for_relations(folder)


def ready_for_relations(folder: Path) -> None:
    without_claims(folder)

    def change(document: Any) -> None:
        ref = {"type": "string", "x-ref": "mentions"}
        item = {
            "type": "object",
            "required": ["id", "head", "tail"],
            "unevaluatedProperties": False,
            "properties": {"id": {"type": "string"}, "label": {"type": "string"}, "head": ref, "tail": ref},
        }
        document["properties"]["relations"] = {"type": "array", "x-key": "id", "items": item}

    edit_json(folder / "schema/article.schema.json", change)
    replace_text(folder / "dataset.toml", "[release]", '[checks]\non_error = "exclude-annotations"\n\n[release]')


BROKEN = (
    f"{GOOD}T2\tPLACE 15 99\tMill Street\nT3\tTIME 30 36\tMonday\nT4\tTIME\n"
    "R1\tin Arg1:T1 Arg2:T2\nR2\ton Arg1:T1 Arg2:T3\n"
)


def test_broken_annotations_are_left_out_with_what_names_them_and_recorded(project: Path) -> None:
    relations_project(project, BROKEN)
    outcome = build(Options(root=project))
    row = json.loads(next(outcome.folder.glob("jsonl/articles/*.jsonl")).read_text())
    assert [m["id"] for m in row["mentions"]] == ["T1", "T3"]
    assert [m["id"] for m in row["relations"]] == ["R2"]
    lines = [json.loads(line) for line in (outcome.folder / "exclusions.jsonl").read_text().splitlines()]
    kept = {(entry["layer"], entry["item"], *entry["codes"]) for entry in lines}
    assert kept == {("", None, "I002"), ("mentions", "T2", "A103"), ("relations", "R1", "A202")}
    assert (outcome.dropped, outcome.excluded) == (3, 0)
    said = {(d.code, d.place.line, d.severity) for d in outcome.report if d.place.file.endswith(".ann")}
    warning = Severity.WARNING
    assert said == {("A103", 2, warning), ("I002", 4, warning), ("A202", 5, warning)}


def test_without_that_setting_they_stop_the_build(project: Path) -> None:
    relations_project(project, BROKEN)
    replace_text(project / "dataset.toml", "exclude-annotations", "fail")
    errors = Counter(d.code for d in check(Options(root=project)) if d.severity is Severity.ERROR)
    assert errors == {"A103": 1, "I002": 1}


# what is said of a source


def test_the_release_says_what_was_read_and_what_was_left_out(project: Path) -> None:
    relations_project(project, f"{GOOD}A1\tSure T1\n")
    outcome = build(Options(root=project))
    told = json.loads((outcome.folder / "quality/intake.json").read_text())["sources"]
    assert told == [
        {
            "format": "brat", "kind": "article", "articles": 1, "links": 0, "rule": None,
            "left_out": {"mentions: Sure": 1}, "offsets": {"code points": 1}, "passes": {},
        }
    ]  # fmt: skip


def test_a_source_that_asks_for_what_is_not_there_is_told_so(project: Path) -> None:
    export(
        "brat", {"a1.txt": TEXT, "a1.ann": GOOD}, 'take = "clusters"', 'encoding = "hex"', "options = { speed = 1 }"
    )(project)
    found = [d for d in check(Options(root=project)) if d.code != "R002"]
    assert sorted((d.code, d.place.pointer) for d in found) == [
        ("P003", "/source/0/encoding"),
        ("P003", "/source/0/options/speed"),
        ("P003", "/source/0/take"),
    ]


def test_a_declared_encoding_is_read_and_another_is_a_finding(project: Path) -> None:
    export("brat", {"a1.txt": "Zoë walks.\n".encode("cp1252"), "a1.ann": "T1\tPERSON 0 3\tZoë\n".encode("cp1252")})(
        project
    )
    report = check(Options(root=project))
    assert {d.code for d in report.errors} == {"S002"}
    replace_text(project / "dataset.toml", 'format = "brat"', 'format = "brat"\nencoding = "windows-1252"')
    assert not check(Options(root=project)).errors


def test_agreement_of_a_source_with_several_annotators_is_published(project: Path) -> None:
    files: dict[str, str | bytes] = {}
    for n in range(6):
        files |= {f"a{n}.txt": TEXT, f"a{n}_ada.ann": f"{GOOD}T2\tTIME 30 36\tMonday\n", f"a{n}_bob.ann": GOOD}
    export("brat", files, '[source.passes]\nrule = "annotator"\nannotator = "ada"\n')(project)
    without_claims(project)
    outcome = build(Options(root=project))
    figures = json.loads((outcome.folder / "quality/agreement.json").read_text())
    assert figures["passes"] == ["ada", "bob"]
    mentions = figures["layers"]["mentions"]
    assert (mentions["items"], mentions["exact_f1"]) == ([12, 6], pytest.approx(2 * 6 / 18, abs=1e-4))
    assert mentions["intervals"]["exact_f1"] == {"low": 0.6667, "high": 0.6667}


@given(st.sets(st.sampled_from(["m1", "m2"])))
def test_nothing_dangles_after_items_were_dropped(gone: set[str]) -> None:
    made = related()
    drop_items(made, {("mentions", name) for name in gone})
    ids = {i.id for i in made.layers["mentions"]}
    assert ids == {"m1", "m2"} - gone
    for layer in ("relations", "groups"):
        for item in made.layers[layer]:
            for value in item.values.values():
                for ref in value if isinstance(value, list) else [value]:
                    assert isinstance(ref, Ref)
                    assert ref.id in ids
    assert Report().errors == []


# the laws, for the formats of other tools


def many() -> dict[str, str | bytes]:
    """Twelve texts, each with three annotators who disagree, broken spans, and things that nobody asked for."""
    files: dict[str, str | bytes] = {}
    for n in range(12):
        text = f"Story {n} {'👍 ' * (n % 3)}ends on Monday in Mill Street, number {n * 7919}.\n"
        start, place = text.index("Monday"), text.index("Mill")
        files[f"s{n}.txt"] = text
        for number, who in enumerate(("ada", "bob", "eve")):
            lines = [f"T1\tTIME {start} {start + 6}\tMonday", f"T2\tPLACE {place} {place + 11}\tMill Street"]
            lines += [f"T3\tPERSON 0 5\tStory\nR1\tin Arg1:T3 Arg2:T{1 + n % 2}"] if n % 3 != number else []
            lines += [f"T{4 + number}\tPLACE {start} 900\tfar"] if n % 4 == 0 and number else []
            lines += [f"A{k}\tKind{(n + k) % 16} T1" for k in range(3)]
            files[f"s{n}_{who}.ann"] = "\n".join(lines) + "\n"
    return files


def put_together(project: Path, files: dict[str, str | bytes]) -> None:
    export("brat", files, '[source.passes]\nrule = "majority"\n')(project)
    ready_for_relations(project)
    replace_text(project / "dataset.toml", "draft = true", "draft = true\narticles_per_shard = 3")


def test_workers_blocks_hash_seed_and_archives_leave_no_trace_of_passes_and_of_what_is_left_out(
    project: Path, tmp_path: Path
) -> None:
    files = many()
    other = tmp_path / "other"
    shutil.copytree(project, other)
    put_together(project, files)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in sorted(files, key=lambda name: name[::-1]):
            archive.writestr(name, files[name])
    put_together(other, {"all.zip": packed.getvalue()})
    replace_text(other / "dataset.toml", f'"{HERE}"', f'"{HERE}/all.zip"')
    plain = build(Options(root=project, workers=1))
    done = run_build(other, "--workers", "3", "--block-size", "300", PYTHONHASHSEED="4711", TZ="Asia/Tokyo", LC_ALL="C")
    assert done.returncode == 0, done.stderr
    assert content(other / "dist/tiny-0.1.0") == content(plain.folder)
    release = {path: data for path, data in content(plain.folder).items() if path.startswith(("quality", "excl"))}
    assert json.loads(release["quality/agreement.json"])["passes"] == ["ada", "bob", "eve"]
    told = json.loads(release["quality/intake.json"])["sources"][0]
    assert told["passes"] == {"ada": 12, "bob": 12, "eve": 12}
    assert plain.dropped == release["exclusions.jsonl"].count(b"A103") == 3


def test_a_check_leaves_nothing_in_the_project_and_loads_no_library_of_another_format(project: Path) -> None:
    put_together(project, many())
    before = content(project)
    loaded = loaded_after("check", "--project", str(project), cwd=project.parent)
    left = {path: data for path, data in content(project).items() if not path.startswith("dist/.cache-")}
    assert left == before
    assert sorted(p.name for p in project.parent.iterdir()) == ["project"]
    assert loaded.isdisjoint(
        {"great_expectations", "datasets", "pandas", "mlcroissant", "duckdb", "spacy", "cassis", "lxml", "conllu"}
    )
