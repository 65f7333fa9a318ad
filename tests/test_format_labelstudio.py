"""Label Studio, in and out: every shape of export, what offsets count, places of findings, and the way back."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import CORPORA
from copydesk.articles.model import Article, Item, Ref
from copydesk.articles.units import Sample
from copydesk.diagnostics import Diagnostic
from copydesk.exporters import labelstudio as out
from copydesk.importers import labelstudio
from copydesk.project import Source
from copydesk.sources import RawRecord

needs_corpora = pytest.mark.skipif(not CORPORA.is_dir(), reason="the real corpora are not on this machine")

TEXT = "Mayor Ada Lund 🎉 met Øystein Dahl in Bergen."
SPANS = {"Ada Lund": (6, 14), "Øystein Dahl": (21, 33), "Bergen": (37, 43)}


def source(**options: object) -> Source:
    return Source(kind="article", paths=("x",), format="label-studio", options=options)


def read(
    data: object, name: str = "export.json", beside: dict[str, bytes] | None = None, **options: object
) -> list[Article | Diagnostic]:
    raw = data if isinstance(data, bytes) else json.dumps(data, ensure_ascii=False).encode()
    record = RawRecord(file=name, line=1, data=raw, name=name.partition(".")[0], beside=beside or {})
    return list(labelstudio.read(Path(), source(**options), record))


def articles(data: object, **options: Any) -> list[Article]:
    found = read(data, **options)
    assert all(isinstance(a, Article) for a in found), found
    return [a for a in found if isinstance(a, Article)]


def codes(found: list[Article | Diagnostic]) -> list[str]:
    return [d.code for a in found for d in ([a] if isinstance(a, Diagnostic) else a.found)]


def region(surface: str, label: str | list[str], id: str = "a", text: str = TEXT, **more: object) -> dict[str, Any]:
    start = text.index(surface)
    labels = [label] if isinstance(label, str) else label
    value = {"start": start, "end": start + len(surface), "text": surface, "labels": labels}
    return {"id": id, "type": "labels", "from_name": "ner", "to_name": "text", "value": value, **more}


def task(*results: object, id: object = 7, text: object = TEXT, **more: object) -> dict[str, Any]:
    return {
        "id": id,
        "data": {"text": text},
        "annotations": [{"id": 1, "completed_by": 3, "result": [*results]}],
        **more,
    }


def spans(article: Article, layer: str = "mentions") -> list[tuple[str, str | None]]:
    return [(article.surface_of(item), item.label) for item in article.layers.get(layer, [])]


# Shapes


def test_regions_of_a_json_export() -> None:
    (article,) = articles([task(region("Ada Lund", "PER", origin="manual"), region("Bergen", "LOC", "b", score=1))])
    assert (article.id, article.text, article.annotator, article.curated) == ("7", TEXT, "3", False)
    assert (article.unit, article.line, article.pointer, article.found) == ("code points", 1, "/0", [])
    first, second = article.layers["mentions"]
    assert (first.id, first.ranges, first.label, first.surface) == ("a", ((6, 14),), "PER", "Ada Lund")
    assert (first.values, first.pointer) == ({"origin": "manual"}, "/0/annotations/0/result/0")
    assert second.values == {"score": 1.0}
    assert isinstance(second.values["score"], float)


@pytest.mark.parametrize("shape", ["array", "object", "lines", "bom", "spaced", "utf-16"])
def test_one_task_in_every_wrapping(shape: str) -> None:
    one = task(region("Bergen", "LOC"))
    plain = json.dumps(one, ensure_ascii=False)
    data = {
        "array": f"[{plain}]".encode(),
        "object": plain.encode(),
        "lines": f"{plain}\r\n\r\n".encode(),
        "bom": b"\xef\xbb\xbf" + f"[{plain}]".encode(),
        "spaced": json.dumps([one], indent=2).replace("\n", "\r\n").encode(),
        "utf-16": f"[{plain}]".encode("utf-16"),
    }[shape]
    (article,) = articles(data, name="x.jsonl" if shape == "lines" else "x.json")
    assert spans(article) == [("Bergen", "LOC")]
    inside = "/annotations/0/result/0"
    assert article.layers["mentions"][0].pointer == (inside if shape in {"object", "lines"} else f"/0{inside}")


def test_completions_of_versions_before_1_0() -> None:
    value = {"start": 38, "end": 44, "text": "Bergen", "labels": ["LOC"]}
    result = {"id": "a", "type": "labels", "from_name": "ner", "to_name": "text", "value": value}
    old = {"id": 2, "data": {"text": TEXT}, "completions": [{"id": 1, "result": [[result]]}, {"skipped": True}]}
    (article,) = articles([old])
    assert spans(article) == [("Bergen", "LOC")]  # UTF-16: the emoji counts two
    assert article.layers["mentions"][0].pointer == "/0/completions/0/result/0/0"
    assert article.unit == "UTF-16 units"
    assert article.left_out["cancelled annotations"] == 1
    del result["value"]["text"]
    assert spans(articles([old])[0]) == [("Bergen", "LOC")]  # with no surfaces at all, too


def test_one_annotation_a_file_as_target_storage_holds_it() -> None:
    stored = {"id": 5, "completed_by": {"id": 2, "email": "kim@example.org"}, "result": [region("Bergen", "LOC")]}
    stored["task"] = {"id": 9, "data": {"text": TEXT}}
    (article,) = articles(stored, name="5")
    assert (article.id, article.annotator, spans(article)) == ("9", "kim@example.org", [("Bergen", "LOC")])
    assert article.layers["mentions"][0].pointer == "/result/0"


def test_json_min() -> None:
    flat = {
        "text": TEXT,
        "title": "A visit",
        "ner": [{"start": 6, "end": 14, "text": "Ada Lund", "labels": ["PER", "MAYOR"]}],
        "sure": [{"start": 6, "end": 14, "choices": ["yes", "quite"]}],
        "topic": "politics",
        "stars": [{"rating": 4}],
        "id": 11,
        "annotator": 2,
        "annotation_id": 4,
        "created_at": "2024-01-01",
        "lead_time": 2.5,
    }
    several = {**flat, "id": 12, "topic": {"choices": ["politics", "sport"]}}
    first, second = articles([flat, several])
    assert (first.id, first.annotator) == ("11", "2")
    assert first.values == {"title": "A visit", "topic": ["politics"], "stars": 4}
    assert second.values["topic"] == ["politics", "sport"]  # a list in the one as in the other
    items = first.layers["mentions"]
    assert [(i.id, i.ranges, i.label) for i in items] == [("m1", ((6, 14),), "PER"), ("m1-2", ((6, 14),), "MAYOR")]
    assert items[0].values == {"sure": ["yes", "quite"]}
    assert items[0].pointer == "/0/ner/0"


def test_json_min_by_a_configuration_beside_it() -> None:
    config = (
        b'<View><Text name="t" value="$body"/><Choices name="topic" toName="t"><Choice value="x"/></Choices></View>'
    )
    flat = {"body": "Rain.", "headline": "Weather", "topic": "x", "annotation_id": 1, "annotator": 1, "lead_time": 1}
    (article,) = articles([flat], beside={"c.xml": config})
    assert (article.id, article.text, article.values) == ("export", "Rain.", {"headline": "Weather", "topic": ["x"]})


def test_several_labels_and_several_controls_of_one_region() -> None:
    other = {**region("Bergen", "CITY"), "from_name": "kind"}
    (article,) = articles([task(region("Bergen", ["LOC", "PORT"]), region("Bergen", "PORT", "a-2"), other)])
    assert [(i.id, i.label) for i in article.layers["mentions"]] == [
        ("a", "LOC"), ("a-3", "PORT"), ("a-2", "PORT"), ("a-4", "CITY"),
    ]  # fmt: skip
    assert article.left_out["names of the controls that labels come from"] == 3


def test_regions_without_a_label_and_without_an_id() -> None:
    bare = {"type": "labels", "from_name": "ner", "to_name": "text", "value": {"start": "6", "end": "14"}}
    (article,) = articles([task({**bare, "id": "m1"}, bare)])
    assert [(i.id, i.ranges, i.label) for i in article.layers["mentions"]] == [
        ("m1", ((6, 14),), None), ("m2", ((6, 14),), None),
    ]  # fmt: skip


def test_what_is_said_of_regions_and_of_the_text() -> None:
    def said(kind: str, name: str, content: object, id: str, **value: object) -> dict[str, Any]:
        key = "text" if kind == "textarea" else kind
        return {"id": id, "type": kind, "from_name": name, "to_name": "text", "value": {**value, key: content}}

    (article,) = articles(
        [
            task(
                said("choices", "certainty", ["high"], "a", start=37, end=43, text="Bergen"),
                region("Bergen", "LOC"),
                said("textarea", "note", ["a port"], "a", start=37, end=43),
                said("number", "people", 291940, "a"),
                said("choices", "doubt", ["who?"], "new", start=6, end=14),
                said("choices", "topic", ["travel"], "x1"),
                said("choices", "topic", ["politics"], "x2"),
                said("taxonomy", "place", [["Norway", "Vestland"], ["Europe"]], "x3"),
                said("rating", "stars", 3, "x4"),
                said("textarea", "summary", "one line", "x5"),
                said("datetime", "when", "2024-05-17", "x6"),
                said("pairwise", "better", "left", "x7"),
            )
        ]
    )
    bergen, doubted = article.layers["mentions"]
    assert bergen.values == {"certainty": ["high"], "note": ["a port"], "people": 291940}
    assert (doubted.id, doubted.ranges, doubted.label, doubted.values) == ("new", ((6, 14),), None, {"doubt": ["who?"]})
    assert article.values == {
        "topic": ["travel", "politics"],
        "place": [["Norway", "Vestland"], ["Europe"]],
        "stars": 3,
        "summary": ["one line"],
        "when": "2024-05-17",
    }
    assert article.left_out["results of type pairwise"] == 1


def test_relations() -> None:
    def relation(head: str, tail: str, **more: object) -> dict[str, Any]:
        return {"type": "relation", "from_id": head, "to_id": tail, **more}

    (article,) = articles(
        [
            task(
                relation("a", "b", direction="right", labels=["met"]),
                region("Ada Lund", "PER"),
                region("Øystein Dahl", "PER", "b"),
                relation("a", "b", direction="left", labels=["met", "saw"]),
                relation("a", "b", direction="bi"),
                relation("a", "gone", labels=[]),
            )
        ]
    )
    a, b = Ref("mentions", "a"), Ref("mentions", "b")
    assert [(i.id, i.label, i.values) for i in article.layers["relations"]] == [
        ("r1", "met", {"head": a, "tail": b}),
        ("r2", "met", {"head": b, "tail": a}),
        ("r3", "saw", {"head": b, "tail": a}),
        ("r4", None, {"head": a, "tail": b, "direction": "bi"}),
    ]
    (found,) = article.found
    assert (found.code, found.place.pointer) == ("I003", "/0/annotations/0/result/5")


# Who annotated, and what is not an annotation


def test_passes() -> None:
    def by(who: object, **more: object) -> dict[str, Any]:
        return {"id": 1, "completed_by": who, "result": [region("Bergen", "LOC")], **more}

    people = [
        by({"id": 3, "email": "kim@example.org", "first_name": ""}),
        by(4, ground_truth=True),
        by(5, was_cancelled=True),
        by(4, id=9, updated_at="2030-01-01"),
        {"id": 8, "result": []},
    ]
    found = articles([{"id": 1, "data": {"text": TEXT}, "annotations": people}])
    assert [(a.id, a.annotator, a.curated) for a in found] == [
        ("1", "kim@example.org", False), ("1", "4", True), ("1", "annotation 8", False),
    ]  # fmt: skip
    assert found[0].left_out["cancelled annotations"] == 1
    assert found[0].left_out["other annotations by the same annotator"] == 1


def test_predictions_and_drafts_are_told_apart() -> None:
    prediction = {"id": 5, "model_version": "m2", "result": [region("Ada Lund", "PER")]}
    annotation = {"id": 1, "completed_by": 3, "result": [region("Bergen", "LOC")], "prediction": prediction}
    one = {"id": 1, "data": {"text": TEXT}, "annotations": [annotation], "predictions": [5, 6], "drafts": [{}, {}]}
    (article,) = articles([one])
    assert {k: v for k, v in article.left_out.items() if not k.startswith("admin")} == {
        "predictions": 1,
        "predictions that are only named by id": 1,
        "drafts": 2,
    }
    human, model = articles([one], predictions=True)
    assert (model.annotator, spans(model)) == ("prediction:m2", [("Ada Lund", "PER")])
    assert model.layers["mentions"][0].pointer == "/0/annotations/0/prediction/result/0"
    assert human.left_out["predictions"] == 0


def test_a_task_that_nobody_annotated() -> None:
    (article,) = articles(b'[\n{"id": 1, "data": {"text": "Rain."}, "annotations": []}]')
    assert [(d.code, d.place.line, d.place.pointer) for d in article.found] == [("I005", 2, "/0")]
    assert article.layers == {}
    (empty,) = articles(b'[{"id": 1, "data": {"text": "Rain."}, "annotations": [{"result": []}]}]')
    assert (empty.layers, empty.found) == ({"mentions": []}, [])


# Which field is the text, and what it is


def test_the_field_with_the_text() -> None:
    config = (
        b'<View><Header value="$title"/><Text name="t" value="$article.body"/><Labels name="ner" toName="t"/></View>'
    )
    nested = {"title": "A", "article": {"body": TEXT}, "url": "https://example.org/a"}
    result = {**region("Bergen", "LOC"), "to_name": "t"}
    one = {"id": 1, "data": nested, "annotations": [{"result": [result]}]}
    (article,) = articles([one], beside={"label_config.xml": config})
    assert spans(article) == [("Bergen", "LOC")]
    assert article.values == {"title": "A", "url": "https://example.org/a"}
    two = {"id": 1, "data": {"title": "A", "body": TEXT}, "annotations": [{"result": [{**result, "to_name": "body"}]}]}
    unmarked = {"id": 2, "data": {"title": "B", "body": "Rain."}, "annotations": []}
    assert [a.text for a in articles([two, unmarked])] == [TEXT, "Rain."]  # what one task says holds for the file
    assert [a.text for a in articles([two], text="title")] == ["A"]
    assert codes(read([unmarked])) == ["I004"]
    assert codes(read([two], text="lede")) == ["I004"]


def test_regions_of_other_objects_are_not_of_the_text() -> None:
    seconds = {"start": 1, "end": 2, "labels": ["Speech"]}
    sound = {"id": "s", "type": "labels", "from_name": "l", "to_name": "audio", "value": seconds}
    tail = {"type": "relation", "from_id": "s", "to_id": "a", "labels": []}
    one = task(sound, region("Bergen", "LOC"), tail)
    one["data"]["audio"] = "https://example.org/a.wav"
    (article,) = articles([one])
    assert spans(article) == [("Bergen", "LOC")]
    assert article.left_out["regions of other data than the text"] == 1
    assert article.left_out["relations of regions that were left out"] == 1
    assert article.found == []


def test_the_article_id_can_be_a_field_of_the_data() -> None:
    one = task(region("Bergen", "LOC"))
    one["data"]["slug"] = "bergen/visit"
    assert [a.id for a in articles([one], id="slug")] == ["bergen/visit"]
    without = [{"data": {"text": "Rain."}}, {"data": {"text": "Sun."}}, {"data": {"text": "Rain."}}]
    first, second, third = (a.id for a in articles(without))
    assert first.startswith("export-") and len(first) == len("export-") + 8
    assert third == f"{first}-2" and second != first
    assert [a.id for a in articles([{"data": {"text": "Sun."}}, *without])[1:]] == [first, f"{second}-2", third]
    assert [a.id for a in articles(without[:1])] == ["export"]


def test_fields_that_answers_or_the_contract_have_names_for_step_aside() -> None:
    choice = {"id": "c", "type": "choices", "from_name": "topic", "to_name": "text", "value": {"choices": ["x"]}}
    named = {**choice, "id": "d", "from_name": "text"}
    one = task(choice, named)
    one["data"] |= {"topic": "old", "id": 4, "doc-name": "a", "tags": ["x"], "n": None}
    (article,) = articles([one])
    assert article.values == {
        "topic_data": "old", "id_data": 4, "doc_name": "a", "n": None, "topic": ["x"], "text_choices": ["x"],
    }  # fmt: skip
    assert article.left_out["lists and objects in the data"] == 1


def test_paragraphs_become_one_text() -> None:
    turns = [{"author": "Kim", "text": "Hello 🎉 there", "start": 0.5}, {"text": "From Oslo?"}]

    def said(first: int, last: int, start: int, end: int, text: str) -> dict[str, Any]:
        value = {"start": str(first), "end": str(last), "startOffset": start, "endOffset": end, "text": text}
        return {
            **region("Ada Lund", "x", text),
            "type": "paragraphlabels",
            "value": {**value, "paragraphlabels": ["X"]},
        }

    results = [
        said(0, 0, 9, 14, "there"),  # UTF-16
        said(1, 1, 5, 9, "Oslo"),
        said(0, 1, 9, 4, "there Kim: From"),
        said(0, 2, 1, 1, "far"),
        said(1, 1, 5, 90, "long"),
    ]
    one = {"id": 1, "data": {"text": turns}, "annotations": [{"result": results}]}
    (article,) = articles([one])
    assert article.text == "Hello 🎉 there\nFrom Oslo?"
    assert [article.surface_of(i) for i in article.layers["mentions"]] == ["there", "Oslo", "there\nFrom"]
    assert article.unit == "UTF-16 units"
    assert [(article.surface_of(i), i.values) for i in article.layers["turns"]] == [
        ("Hello 🎉 there", {"author": "Kim"}), ("From Oslo?", {"author": None}),
    ]  # fmt: skip
    assert [(d.code, d.place.pointer) for d in article.found] == [
        ("I002", "/0/annotations/0/result/3"), ("I002", "/0/annotations/0/result/4"),
    ]  # fmt: skip
    assert article.left_out["other fields of paragraphs"] == 1


HTML = {"startOffset": 2, "endOffset": 5, "start": "/p[1]/text()[1]", "end": "/p[1]/text()[1]", "labels": ["X"]}


@pytest.mark.parametrize(
    ("data", "result", "code"),
    [
        ({"text": "<p>Rain</p>"}, {"type": "hypertextlabels", "to_name": "text", "value": HTML}, "I012"),
        ({"text": "<p>Rain</p>"}, {"type": "labels", "to_name": "text", "value": HTML}, "I012"),
        ({"image": "https://example.org/a.jpg"}, {"type": "choices", "to_name": "image"}, "I012"),
        ({"ocr": "/data/upload/1/a.png"}, {"type": "rectanglelabels", "to_name": "ocr"}, "I012"),
        ({"image": "https://example.org/1.png", "page": 2}, None, "I012"),
        ({"prompt": "Ask.", "messages": []}, {"type": "chatmessage", "to_name": "chat"}, "I012"),
        ({"text": "s3://bucket/a.txt"}, {"type": "choices", "to_name": "text"}, "I004"),
        ({"text": 17}, {"type": "choices", "to_name": "text"}, "I004"),
        ({}, None, "I004"),
    ],
)
def test_tasks_that_are_no_plain_text(data: dict[str, Any], result: object, code: str) -> None:
    other = task(region("Bergen", "LOC"), id=2)
    found = read([{"id": 1, "data": data, "annotations": [{"result": [result] if result else []}]}, other])
    lost, kept = found
    assert isinstance(lost, Diagnostic) and isinstance(kept, Article)
    assert (lost.code, lost.place.pointer, lost.place.record) == (code, "/0/data", "1")


def test_hypertext_by_the_configuration() -> None:
    config = b'<View><HyperText name="text" value="$text"/></View>'
    assert codes(read([task(text="<p>Rain</p>")], beside={"c.xml": config})) == ["I012"]


# What offsets count


def shifted(surface: str, label: str, id: str, text: str = TEXT, **more: object) -> dict[str, Any]:
    made = region(surface, label, id, text, **more)
    for key in ("start", "end"):
        made["value"][key] = len(text[: made["value"][key]].encode("utf-16-le")) // 2
    return made


def test_the_unit_is_that_of_the_surfaces_of_the_whole_file() -> None:
    silent = shifted("Bergen", "LOC", "a")
    del silent["value"]["text"]
    first, second = articles([task(silent), task(shifted("Bergen", "LOC", "a"), id=8)])
    assert spans(first) == spans(second) == [("Bergen", "LOC")]
    assert (first.unit, second.unit) == ("UTF-16 units", "UTF-16 units")
    later = articles(
        [task(region("Bergen", "LOC"), id=9), task(shifted("Bergen", "LOC", "a")), task(region("Bergen", "L"), id=10)]
    )
    assert [a.unit for a in later] == ["code points", "UTF-16 units", "code points"]  # annotated before an upgrade
    assert all(a.surface_of(a.layers["mentions"][0]) == "Bergen" for a in later)


def test_the_unit_can_be_declared() -> None:
    silent = shifted("Bergen", "LOC", "a")
    del silent["value"]["text"]
    assert spans(articles([task(silent)], offsets="UTF-16 units")[0]) == [("Bergen", "LOC")]
    assert spans(articles([task(silent)])[0]) == [("ergen.", "LOC")]
    assert articles([task(silent, text="Only ASCII")], offsets="UTF-16 units")[0].unit == "code points"


def test_offsets_inside_a_character_and_past_the_text() -> None:
    half = shifted("🎉", "X", "half")
    half["value"]["start"] += 1
    far = {**shifted("Bergen", "LOC", "far"), "value": {"start": 38, "end": 60, "labels": ["LOC"]}}
    (article,) = articles([task(shifted("Bergen", "LOC", "b"), half, far)])
    assert [(i.id, i.ranges) for i in article.layers["mentions"]] == [("b", ((37, 43),)), ("far", ((37, 59),))]
    assert [(d.code, d.place.pointer) for d in article.found] == [("I019", "/0/annotations/0/result/1")]


def test_text_is_kept_as_it_is() -> None:
    text = " A\r\nB\u0085C\u2028D\xa0e\u0301 \ufeff\u200b😀 end \t"
    results = [region("end", "X", "a", text), region("B\u0085C\u2028D", "Y", "b", text)]
    for data in (json.dumps([task(*results, text=text)]), json.dumps([task(*results, text=text)], ensure_ascii=False)):
        (article,) = articles(data.replace("/", "\\/").encode())
        assert article.text == text
        assert spans(article) == [("end", "X"), ("B\u0085C\u2028D", "Y")]


def test_line_ends_of_surfaces() -> None:
    text = "Ada\nLund came"
    escaped = region("Ada\nLund", "PER", "a", text)
    escaped["value"]["text"] = "Ada\\nLund"
    (article,) = articles([task(escaped, text=text)])
    assert article.layers["mentions"][0].surface == "Ada\nLund"
    folded = {**region("Ada\nLund", "PER", "a", text)}
    folded["value"] = {"start": 5, "end": 8, "text": "Dahl"[:3], "labels": ["PER"]}
    (article,) = articles([task(folded, text="Ada\r\n\r\nDahl")])
    assert (spans(article), article.unit) == ([("Dah", "PER")], "code points, CR LF counted as one")


def test_half_a_surrogate_pair_is_left_to_the_checks() -> None:
    data = b'[{"id": 1, "data": {"text": "a \\ud83d b"}, "annotations": []}]'
    assert articles(data)[0].text == "a \ud83d b"


# Damage


def test_damaged_results_do_not_cost_the_others() -> None:
    odd = [
        "no object",
        {"id": "x"},
        {**region("Ada Lund", "PER", "p"), "value": None},
        {**region("Ada Lund", "PER", "q"), "value": {"start": 1.5, "end": None, "labels": ["PER"]}},
        {**region("Ada Lund", "PER", "r"), "value": {"start": 0, "end": True, "labels": ["PER"]}},
        {**region("Ada Lund", "PER", "s"), "value": {"start": 0, "end": 2, "labels": [3]}},
        region("Ada Lund", "PER", "a"),
        {"type": "choices", "from_name": "c", "to_name": "text", "value": {"choices": 3}},
        {"type": "rating", "from_name": "c", "to_name": "text", "value": {"rating": True}},
        {"type": "choices", "to_name": "text", "value": []},
        {"type": "relation", "from_id": "a"},
    ]
    (article,) = articles([task({**region("Bergen", "LOC"), "to_name": ["text"]}, *odd)])
    assert spans(article) == [("Bergen", "LOC")]
    at = {d.place.pointer: d.code for d in article.found}
    assert at == {f"/0/annotations/0/result/{n + 1}": "I006" if n == 6 else "I002" for n in range(len(odd))}
    repeated = {"type": "rating", "from_name": "c", "to_name": "text", "value": {"rating": 2}}
    (article,) = articles([task(repeated, repeated)])
    assert (article.values, [d.code for d in article.found]) == ({"c": 2}, ["I006"])


def test_relations_of_damaged_regions_are_no_second_finding() -> None:
    broken = {**region("Ada Lund", "PER", "p"), "value": None}
    (article,) = articles([task(broken, {"type": "relation", "from_id": "p", "to_id": "p", "labels": []})])
    assert [d.code for d in article.found] == ["I002"]
    assert article.left_out["relations of regions that were left out"] == 1


def test_findings_have_the_line_of_a_document_over_several_lines() -> None:
    data = json.dumps([task(region("Bergen", "LOC")), task({"type": 3}, id=8)], indent=1).encode()
    first, second = articles(data)
    assert first.line == 2
    (found,) = second.found
    line = data.decode().split("\n")[(found.place.line or 0) - 1 :][:2]
    assert [part.strip() for part in line] == ["{", '"type": 3']


def test_a_damaged_line_costs_its_task_only() -> None:
    lines = [json.dumps(task(region("Bergen", "LOC"), id=n)).encode() for n in range(4)]
    lines[1] = lines[1][:60]
    lines[2] = lines[2].replace(b"Ada", b"\xe9da")
    found = read(b"\n".join(lines), name="x.jsonl")
    assert [a.id if isinstance(a, Article) else (a.code, a.place.line) for a in found[:2]] == [("S003", 2), ("S002", 3)]
    assert [a.id for a in found[2:] if isinstance(a, Article)] == ["0", "3"]
    assert [a.layers["mentions"][0].line for a in found[2:] if isinstance(a, Article)] == [1, 4]


def test_a_file_cut_short_gives_the_tasks_before_the_cut() -> None:
    whole = json.dumps([task(region("Bergen", "LOC"), id=n) for n in range(3)]).encode()
    found = read(whole[:-40])
    assert [a.id for a in found if isinstance(a, Article)] == ["0", "1"]
    assert codes(found) == ["S003"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "I001"),
        (b"text,label\na,b\n", "S003"),
        (b'[{"text": "Rain.", "label": [[0, 4, "X"]]}, {"text": "Sun."}]', "I001"),
        (b'{"labels_{{idx}}": {"type": "RectangleLabels", "inputs": []}}', "I001"),
        (b'[{"id": 1, "annotations": []}]', "I004"),
        (b"[1, 2]", "S007"),
        (b'[{"id": 1, "data": {"text": "a"}, "annotations": [{"result": NaN}]}]', "S005"),
    ],
)
def test_files_that_are_no_exports(data: bytes, code: str) -> None:
    found = read(data)
    assert found and not any(isinstance(a, Article) for a in found)
    assert set(codes(found)) == {code}


def test_configurations_that_cannot_be_read() -> None:
    beside = {"a.xml": b"<View><Text", "b.xml": b"<View/>"}
    found = read([task(region("Bergen", "LOC"))], beside=beside)
    assert codes(found) == ["I011", "I001"]
    assert [d.place.file for d in found[:2] if isinstance(d, Diagnostic)] == ["a.xml", "b.xml"]
    assert isinstance(found[2], Article)


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 9)
    | st.floats(-1, 9)
    | st.sampled_from(["", "a", "b", "text", "/p[1]", "é🎉"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "start", "end", "labels", "choices", "id", "value", "type", "result", "author"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)
KINDS = st.sampled_from(["labels", "paragraphlabels", "choices", "taxonomy", "number", "textarea", "relation", "brush"])


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_nothing_makes_it_raise(data: st.DataObject) -> None:
    def some(**fields: st.SearchStrategy[Any]) -> dict[str, Any]:
        return {
            k: data.draw(v | JUNK if data.draw(st.booleans()) else v)
            for k, v in fields.items()
            if data.draw(st.integers(0, 5))
        }

    value = some(
        start=st.integers(-2, 9),
        end=st.integers(-2, 9),
        text=st.just("a"),
        labels=st.just(["X"]),
        choices=st.just(["y"]),
    )
    ids = st.sampled_from(["a", "b"])
    results = [
        some(
            id=ids,
            type=KINDS,
            value=st.just(value),
            from_name=st.just("n"),
            to_name=st.just("text"),
            from_id=ids,
            to_id=ids,
        )
        for _ in range(data.draw(st.integers(0, 4)))
    ]
    annotation = some(result=st.just(results), completed_by=st.integers(0, 2), prediction=JUNK)
    one = some(
        id=st.integers(0, 2), data=st.just({"text": "🎉 a\r\nb"}), annotations=st.just([annotation]), predictions=JUNK
    )
    flat = some(
        text=st.just("🎉 a"), n=st.just([value]), annotation_id=st.just(1), annotator=st.just(1), lead_time=JUNK
    )
    found = read([one, flat], predictions=True)
    assert found
    for article in found:
        if isinstance(article, Article):
            ids_of = {name: [item.id for item in items] for name, items in article.layers.items()}
            assert all(len(set(made)) == len(made) for made in ids_of.values())


# Files


def test_units() -> None:
    names = [
        "a/1.json",
        "a/label_config.xml",
        "a/b/2.JSON",
        "c/x.json",
        "c/x.xml",
        "c/y.xml",
        "d/12",
        "d/notes.txt",
        "z.jsonl",
    ]
    made = {unit.name: unit.files[1:] for unit in labelstudio.units(source(), names)}
    assert made == {
        "a/1": ("a/label_config.xml",),
        "a/b/2": ("a/label_config.xml",),
        "c/x": ("c/x.xml",),
        "d/12": (),
        "z": (),
    }


@pytest.mark.parametrize(
    ("data", "low", "high"),
    [
        (json.dumps([task(region("Bergen", "LOC"))]), 90, 100),
        (json.dumps([{"text": "a", "annotator": 1, "annotation_id": 2}]), 80, 100),
        (json.dumps([{"data": {"text": "a"}, "annotations": []}]), 50, 70),
        ('{"text": "a", "label": [[0, 1, "X"]], "Comments": []}', 0, 0),
        ('{"text": "a", "annotations": [{"label": 1, "start_offset": 0, "end_offset": 1, "user": 1}]}', 0, 0),
        ('{"text": "a", "_input_hash": 1, "spans": [], "answer": "accept"}', 0, 0),
    ],
)
def test_sniff(data: str, low: int, high: int) -> None:
    assert low <= labelstudio.sniff(Sample(names=["x.json"], head=lambda _: data.encode())) <= high


# Out, and back


def exported(*given: Article) -> tuple[dict[str, bytes], Counter[str]]:
    losses: Counter[str] = Counter()
    return dict(out.export(given, losses)), losses


def back(files: dict[str, bytes]) -> list[Article]:
    config = {"label_config.xml": files["label_config.xml"]}
    return articles(files["tasks.json"], name="tasks.json", beside=config, predictions=True)


def test_export() -> None:
    article = Article(id="news/1", text=TEXT, file="", annotator="kim@example.org", curated=True)
    article.values = {"year": 2024, "topic": ["travel", "<&>"], "place": [["Norway", "Vestland"]], "nested": {"a": 1}}
    article.layers["mentions"] = [
        Item(
            id="a", ranges=((6, 14),), label="PER", values={"sure": ["yes"], "n": 2, "wiki": "Q1", "origin": "manual"}
        ),
        Item(id="b", ranges=((15, 16), (37, 43)), label="LOC"),
        Item(id="c", label="PER"),
    ]
    article.layers["quotes"] = [Item(id="a", ranges=((0, 5),), label="direct")]
    article.layers["tokens"] = [Item(id="t", ranges=((0, 5),))]
    article.layers["relations"] = [
        Item(id="r", label="in", values={"head": Ref("mentions", "a"), "tail": Ref("mentions", "b"), "sure": True}),
        Item(id="s", label="in", values={"head": Ref("mentions", "a"), "tail": Ref("mentions", "c")}),
    ]
    link = Article(id="l", text=None, file="")
    files, losses = exported(article, link)
    (one,) = json.loads(files["tasks.json"])
    assert one["data"] == {"text": TEXT, "copydesk_id": "news/1", "year": 2024}
    assert one["annotations"][0]["completed_by"] == {"email": "kim@example.org"}
    assert one["annotations"][0]["ground_truth"] is True
    results = one["annotations"][0]["result"]
    first = {"start": 6, "end": 14, "text": "Ada Lund", "labels": ["PER"]}
    assert results[0] == {
        "id": "a", "from_name": "mentions", "to_name": "text", "type": "labels", "origin": "manual", "value": first,
    }  # fmt: skip
    config = files["label_config.xml"].decode()
    for part in (
        '<Labels name="mentions" toName="text">', '<Label value="PER"/>', '<Labels name="copydesk_quotes"',
        '<Relation value="in"/>', '<Text name="text" value="$text"/>', '<Choice value="&lt;&amp;&gt;"/>',
        '<Choices name="sure" toName="text" choice="multiple" perRegion="true">', '<Number name="n"',
        '<Taxonomy name="place"',
    ):  # fmt: skip
        assert part in config, part
    assert losses == {
        "links between articles": 1,
        "nested (Label Studio has no place for it)": 1,
        "mentions: wiki (Label Studio has no place for it)": 1,
        "discontinuous spans (written as regions tied by relations)": 1,
        "mentions without a span": 1,
        "tokens without a label": 1,
        "relations: sure (Label Studio has no place for it)": 1,
        "relations that do not lead from a mention to a mention": 1,
    }
    (again,) = back(files)
    assert [(i.id, i.ranges) for i in again.layers["mentions"]] == [("a", ((6, 14),)), ("b", ((15, 16), (37, 43)))]
    assert [(i.id, i.label) for i in again.layers["quotes"]] == [("a", "direct")]
    assert exported(article, link)[0] == files


def test_export_of_passes_predictions_and_silence() -> None:
    def by(who: str | None, *items: Item, **values: Any) -> Article:
        return Article(id="1", text="Rain.", file="", annotator=who, values=values, layers={"mentions": [*items]})

    item = Item(id="a", ranges=((0, 4),), label="X")
    given_ = [by("1", item, year=1), by("2", year=2), by("prediction:m", item, year=1)]
    files, losses = exported(*given_)
    assert len(json.loads(files["tasks.json"])) == 1
    assert losses == {"year, of annotators who differ in it": 1}
    assert [(a.annotator, len(a.layers["mentions"])) for a in back(files)] == [("1", 1), ("2", 0), ("prediction:m", 1)]
    open_, nothing = Article(id="1", text="Rain.", file=""), by(None)
    silent, _ = exported(open_)
    assert json.loads(silent["tasks.json"])[0]["annotations"] == []  # nobody is said to have annotated it
    assert codes([*back(silent)]) == ["I005"]
    assert codes([*back(exported(nothing)[0])]) == []


def test_export_of_what_utf_8_and_xml_cannot_hold() -> None:
    odd = Article(id="1", text="a \ud83d", file="")
    good = Article(id="2", text="Rain", file="", layers={"mentions": [Item(id="a", ranges=((0, 4),), label="X\x00")]})
    files, losses = exported(odd, good)
    assert losses == {
        "articles with half a surrogate pair in a string": 1,
        "labels that XML cannot hold (not in label_config.xml)": 1,
    }
    assert spans(back(files)[0]) == [("Rain", "X\x00")]


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)
TEXTS = st.lists(
    st.sampled_from([" ", "\r\n", "a", "e\u0301", "🎉", "👩\u200d🚒", "\u0085", "\u2028", "Å", "\\n", "<"]), max_size=12
)


@st.composite
def made_articles(draw: st.DrawFn) -> Article:
    text = "".join(draw(TEXTS))
    article = Article(id=draw(NAMES), text=text, file="", annotator=draw(st.none() | st.just("kim")))
    point = st.integers(0, len(text))
    for layer in ("mentions", "quotes"):
        items = article.layers[layer] = []
        for name in draw(st.lists(NAMES, max_size=4, unique=True)):
            ranges = draw(st.lists(st.tuples(point, point).map(sorted).map(tuple), min_size=1, max_size=3, unique=True))
            label = draw(NAMES) if layer == "quotes" else draw(st.none() | NAMES)
            values = draw(
                st.fixed_dictionaries({}, optional={"sure": st.lists(NAMES, max_size=2), "n": st.integers(0, 9)})
            )
            items.append(Item(id=name, ranges=tuple(sorted(ranges)), label=label, values=values))
    mentions = [item.id for item in article.layers["mentions"]]
    article.layers["relations"] = relations = []
    for number in range(draw(st.integers(0, 3)) if mentions else 0):
        head, tail = (Ref("mentions", draw(st.sampled_from(mentions))) for _ in range(2))
        two = draw(st.sampled_from([{}, {"direction": "bi"}]))
        relations.append(
            Item(id=f"r{number}", label=draw(st.none() | NAMES), values={"head": head, "tail": tail, **two})
        )
    article.values = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "title": st.none() | NAMES,
                "year": st.integers(0, 9),
                "topic": st.lists(NAMES, max_size=2),
                "place": st.lists(st.lists(NAMES, min_size=1, max_size=2), min_size=1, max_size=2),
            },
        )
    )
    article.curated = draw(st.booleans())
    return article


def told(article: Article) -> object:
    layers = {
        name: [(i.id, i.ranges, i.label, i.values) for i in items] for name, items in article.layers.items() if items
    }
    return article.id, article.text, article.annotator, article.curated, article.values, layers


@settings(max_examples=100, deadline=None)
@given(st.lists(made_articles(), max_size=3, unique_by=lambda a: a.id))
def test_what_is_exported_comes_back(given_: list[Article]) -> None:
    files, losses = exported(*given_)
    known = {
        "discontinuous spans (written as regions tied by relations)",
        "labels that XML cannot hold (not in label_config.xml)",
    }
    shared = losses["ids that two layers share"]
    assert set(losses) - {"ids that two layers share"} <= known
    if not shared:
        assert [told(a) for a in back(files)] == [told(a) for a in given_]
    assert exported(*given_) == (files, losses)


# Real exports


def corpus(name: str, **options: object) -> list[Article | Diagnostic]:
    root = CORPORA / name
    names = sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())
    found: list[Article | Diagnostic] = []
    for unit in labelstudio.units(source(), names):
        data = {file: (root / file).read_bytes() for file in unit.files}
        raw = RawRecord(file=unit.files[0], line=1, data=data.pop(unit.files[0]), name=unit.name, beside=data)
        found += labelstudio.read(root, source(**options), raw)
    return found


@needs_corpora
def test_the_norwegian_reports() -> None:
    found = [a for a in corpus("label-studio-nerine-no") if isinstance(a, Article)]
    items = [item for article in found for item in article.layers["mentions"]]
    assert (len(found), sum(len(a.text or "") for a in found), len(items)) == (5, 10_110, 115)
    assert Counter(item.values["origin"] for item in items) == {"prediction": 89, "manual": 26}
    left_out = sum((a.left_out for a in found), Counter())
    assert (left_out["predictions"], left_out["drafts"], left_out["predictions that are only named by id"]) == (5, 1, 0)
    assert codes([*found]) == []
    for article in found:
        assert article.unit == "code points"
        assert all(article.surface_of(i) == i.surface for i in article.layers["mentions"])
    files, losses = exported(*found)
    assert not losses
    assert [told(a) for a in back(files)] == [told(a) for a in found]
    assert len(corpus("label-studio-nerine-no", predictions=True)) == 10


@needs_corpora
def test_the_tools_own_fixtures() -> None:
    found = corpus("label-studio-fixtures")
    lost = Counter(d.code for d in found if isinstance(d, Diagnostic))
    assert lost == {"I012": 7, "I004": 2, "I001": 1}
    read_ = [a for a in found if isinstance(a, Article)]
    assert len(read_) == 10
    assert [i.surface for a in read_ for i in a.layers.get("mentions", [])] == ["February 22"]
    assert sum(bool(a.values.get("sentiment") or a.values.get("text_choices")) for a in read_) == 3


# Exports of the wild


def test_the_text_is_the_string_that_has_the_words_of_the_regions() -> None:
    made = task(region("Ada Lund", "PER"), region("Bergen", "LOC", "b"))
    made["data"] = {"title": "Bergen today", "story": {"head": "A visit", "parts": [{"body": TEXT}]}, "source": "wire"}
    (article,) = articles([made])
    assert (article.text, spans(article)) == (TEXT, [("Ada Lund", "PER"), ("Bergen", "LOC")])
    assert article.values == {"title": "Bergen today", "source": "wire"}
    made["data"]["copy"] = TEXT  # now it could be either
    assert codes(read([made])) == ["I004"]
    assert articles([made], text="copy")[0].text == TEXT


def test_a_field_that_the_configuration_shows_and_the_data_lack_is_not_guessed() -> None:
    config = b'<View><Labels name="ner" toName="text"/><Text name="text" value="$body"/></View>'
    made = task(region("Ada Lund", "PER"), text="irrelevant")
    made["data"] = {"title": "Bergen today"}
    found = read([made], beside={"config.xml": config})
    assert [(d.code, d.message) for d in found if isinstance(d, Diagnostic)] == [
        ("I004", "the data of the task have no string 'body'")
    ]


def test_paragraphs_are_found_without_a_configuration() -> None:
    made = task(
        {
            "id": "p", "type": "paragraphlabels", "from_name": "ner", "to_name": "shown",
            "value": {"start": "1", "end": "1", "startOffset": 3, "endOffset": 6, "text": "Ada",
                      "paragraphlabels": ["PER"]},
        }
    )  # fmt: skip
    made["data"] = {"dialogue": [{"author": "A", "text": "Good day"}, {"author": "B", "text": "Hi Ada"}], "n": 1}
    (article,) = articles([made])
    assert (article.text, spans(article)) == ("Good day\nHi Ada", [("Ada", "PER")])


def test_tasks_of_one_id_are_one_task_and_nobody_counts_twice() -> None:
    def minimal(who: object, label: str, stamp: str = "1") -> dict[str, object]:
        value = {"start": 6, "end": 14, "text": "Ada Lund", "labels": [label]}
        made = {"id": 4, "text": TEXT, "ner": [value], "annotation_id": 1, "updated_at": stamp, "lead_time": 2}
        return made | {"annotator": who}

    first, second = articles([minimal(1, "PER"), minimal(2, "LOC"), minimal(1, "ORG", "2")])
    assert {(first.annotator, spans(first)[0][1]), (second.annotator, spans(second)[0][1])} == {
        ("1", "ORG"), ("2", "LOC"),
    }  # fmt: skip
    assert sum(a.left_out["other annotations by the same annotator"] for a in (first, second)) == 1

    nameless = [task(region("Bergen", label, "a")) for label in ("LOC", "LOC", "GPE")]
    for number, one in enumerate(nameless):
        one["annotations"][0].pop("completed_by")
        one["id"] = "7" if number else 7
    found = articles(nameless)
    assert sorted((a.annotator, spans(a)[0][1]) for a in found) == [("annotation 1", "LOC"), ("annotation 2", "GPE")]


def test_tasks_of_one_id_and_two_texts_are_two_of_which_one_is_kept() -> None:
    kept, lost = read([task(region("Bergen", "LOC")), task(text="Another text", id="7")])
    assert isinstance(kept, Article) and kept.text == TEXT
    assert isinstance(lost, Diagnostic) and (lost.code, lost.place.pointer, lost.place.record) == ("I006", "/1", "7")


def test_files_of_target_storage_meet_where_they_lie_in_one_folder() -> None:
    def stored(who: int, label: str) -> bytes:
        inner = {"id": 9, "data": {"text": TEXT}}
        made = {"id": who, "completed_by": who, "result": [region("Bergen", label), "no region"], "task": inner}
        return json.dumps(made, indent=1).encode()

    names = ["s/101", "s/102.json", "s/config.xml", "t/7.json", "t/a.json"]
    assert [u.files for u in labelstudio.units(source(), names)] == [
        ("s/101", "s/102.json", "s/config.xml"), ("t/7.json",), ("t/a.json",),
    ]  # fmt: skip
    one, two = articles(stored(1, "LOC"), name="s/101", beside={"s/102.json": stored(2, "GPE")})
    assert (one.id, one.annotator, two.id, two.annotator) == ("9", "1", "9", "2")
    assert [a.file for a in (one, two)] == ["s/101", "s/102.json"]
    where = stored(2, "GPE").decode().split("\n")
    assert two.layers["mentions"][0].line == where.index("  {") + 1
    assert [(d.code, d.place.file, d.place.line) for d in two.found] == [
        ("I002", "s/102.json", where.index('  "no region"') + 1)
    ]


def test_an_array_that_is_cut_off_behind_a_comma_is_told() -> None:
    whole = json.dumps([task(id=1), task(id=2)], indent=1)
    cut = whole[: whole.index("\n {", 4) + 1]  # what begins the second task is gone
    lost, kept = read(cut.encode())
    assert isinstance(kept, Article) and isinstance(lost, Diagnostic)
    assert (kept.id, lost.code, lost.place.line) == ("1", "S003", cut.count("\n") + 1)


def test_places_in_the_second_element_of_an_array_on_one_line() -> None:
    data = json.dumps([task(id=1), {"id": 2, "n": float("nan")}])
    (lost,) = [d for d in read(data.encode()) if isinstance(d, Diagnostic)]
    assert (lost.code, lost.place.line, lost.place.pointer) == ("S005", 1, "/1")
    assert data[(lost.place.column or 0) - 1 :].startswith("NaN")


def test_offsets_can_be_declared_in_the_words_of_every_format() -> None:
    assert labelstudio.OPTIONS["offsets"]["enum"] == ["code points", "UTF-16 units", "UTF-8 bytes", "graphemes"]
    text = "Ødegård spelar i Bodø."
    start = len(text[: text.index("Bodø")].encode())
    silent = {"id": "a", "type": "labels", "value": {"start": start, "end": start + 5, "labels": ["LOC"]}}
    (article,) = articles([task(silent, text=text)], offsets="UTF-8 bytes")
    assert (spans(article), article.unit) == ([("Bodø", "LOC")], "UTF-8 bytes")


def test_predictions_alone_are_no_annotation_and_the_option_is_named() -> None:
    made = {"id": 1, "data": {"text": TEXT}, "predictions": [{"result": [region("Bergen", "LOC")], "score": 0.5}]}
    (found,) = articles([made])[0].found
    assert found.code == "I005" and "`predictions`" in found.message


def test_many_pieces_are_joined() -> None:
    text = "ab " * 3000
    regions = [region("ab", "X", f"r{n}", text) for n in range(3000)]
    for n, made in enumerate(regions):
        made["value"] |= {"start": 3 * n, "end": 3 * n + 2}
    ties: list[object] = [
        {"type": "relation", "from_id": f"r{n}", "to_id": f"r{n + 1}", "labels": ["copydesk:fragment"]}
        for n in range(0, 3000, 2)
    ]
    (article,) = articles([task(*regions, *ties, text=text)])
    assert len(article.layers["mentions"]) == 1500 and len(article.layers["mentions"][-1].ranges) == 2


def test_files_are_known_by_any_of_them_and_in_utf_16() -> None:
    def sniff(**files: object) -> int:
        data = {name.replace("_", "."): value for name, value in files.items()}
        heads = {n: v if isinstance(v, bytes) else json.dumps(v).encode() for n, v in data.items()}
        return labelstudio.sniff(Sample(names=sorted(heads), head=lambda name: heads[name]))

    exported = [task(region("Bergen", "LOC"))]
    assert sniff(a_json={"labels": 3}, z_json=exported) == sniff(a_json=json.dumps(exported).encode("utf-16")) == 95
