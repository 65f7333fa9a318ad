"""Rows by a mapping of fields: JSON lines, JSON, CSV, Parquet; layers in the row or in files beside; every damage."""

from __future__ import annotations

import datetime
import decimal
import io
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import CORPORA
from copydesk.articles.model import Article, Ref, item_refs
from copydesk.articles.units import Sample
from copydesk.diagnostics import Diagnostic
from copydesk.importers import fields
from copydesk.importers.parquet import Table, open_table
from copydesk.project import Source
from copydesk.sources import RawRecord, Unit

real = pytest.mark.skipif(not CORPORA.is_dir(), reason="the real corpora are not on this machine")

TEXT = "Mayor Ana Öst 🎈 of Lund bought Kvarn AB, he said.\r\nShe paid\u2028for it.\x85"

OPTIONS = jsonschema.Draft202012Validator({"additionalProperties": False, "properties": fields.OPTIONS})


def source(encoding: str = "utf-8", **options: Any) -> Source:
    OPTIONS.validate(options)
    return Source(kind="article", paths=("x",), format="fields", encoding=encoding, options=options)


def read_all(files: Mapping[str, str | bytes], where: Source) -> list[Article | Diagnostic]:
    """Units made of the names; each is read with nothing but its own files, one line at a time if it says so."""
    data = {name: value.encode() if isinstance(value, str) else value for name, value in files.items()}
    out: list[Article | Diagnostic] = []
    for unit in fields.units(where, sorted(data)):
        first, *others = unit.files
        whole = RawRecord(
            file=first, line=1, data=data[first], name=unit.name, beside={name: data[name] for name in others}
        )
        raws = [whole]
        if unit.lines:
            lines = enumerate(data[first].split(b"\n"), 1)
            raws = [RawRecord(file=first, line=n, data=d, name=unit.name) for n, d in lines if d.strip()]
        for raw in raws:
            out += fields.read(Path("/"), where, raw)
    return out


def articles(files: Mapping[str, str | bytes], **options: Any) -> list[Article]:
    found = read_all(files, source(**options))
    assert all(isinstance(one, Article) for one in found), found
    return [one for one in found if isinstance(one, Article)]


def one(row: Mapping[str, Any], **options: Any) -> Article:
    (article,) = articles({"a.jsonl": json.dumps(row)}, **options)
    return article


def codes(found: list[Article | Diagnostic]) -> list[tuple[str, int | None]]:
    return [(d.code, d.place.line) for d in found if isinstance(d, Diagnostic)]


def noted(article: Article) -> list[tuple[str, int | None, str | None]]:
    return [(d.code, d.place.line, d.place.pointer) for d in article.found]


def spans(article: Article, layer: str = "mentions") -> list[tuple[str, str | None, str]]:
    return [(i.id, i.label, article.surface_of(i)) for i in article.layers[layer]]


def parquet(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


# layers in the row


def test_items_of_a_row_are_objects_or_lists() -> None:
    row = {"id": 7, "text": TEXT, "spans": [{"begin": 6, "end": 13, "type": "PERSON", "sure": 0.5}], "desk": "news"}
    article = one(row, layers={"mentions": {"field": "spans", "start": "begin", "label": "type"}})
    assert (article.id, article.text, article.values) == ("7", TEXT, {"desk": "news"})
    assert spans(article) == [("m1", "PERSON", "Ana Öst")]
    assert article.layers["mentions"][0].values == {"sure": 0.5}
    assert article.layers["mentions"][0].pointer == "/spans/0"

    listed = one({"id": "a", "text": TEXT, "label": [[19, 23, "CITY"], [31, 39, "FIRM"]]}, layers={"mentions": "label"})
    assert spans(listed) == [("m1", "CITY", "Lund"), ("m2", "FIRM", "Kvarn AB")]
    turned = {"field": "label", "positions": ["label", "start", "end"]}
    row = {"id": "a", "text": TEXT, "label": [["CITY", 19, 23]]}
    assert spans(one(row, layers={"mentions": turned})) == [("m1", "CITY", "Lund")]


def test_items_may_be_columns_or_stand_under_their_ids() -> None:
    columns = {"id": "a", "text": TEXT, "mentions": {"start": [6, 19], "end": [13, 23], "label": ["P", "C"]}}
    assert spans(one(columns, layers={"mentions": "mentions"})) == [("m1", "P", "Ana Öst"), ("m2", "C", "Lund")]
    keyed = {"id": "a", "text": TEXT, "mentions": {"T1": {"start": 6, "end": 13}, "T9": {"start": 19, "end": 23}}}
    assert spans(one(keyed, layers={"mentions": "mentions"})) == [("T1", None, "Ana Öst"), ("T9", None, "Lund")]


def test_fields_inside_fields_and_extended_json() -> None:
    row = {
        "_id": {"$oid": "5f0c"}, "text": TEXT, "when": {"$date": "2020-01-02T03:04:05Z"}, "n": {"$numberLong": "5"},
        "stamp": {"$date": {"$numberLong": "0"}},
        "spans": [{"at": {"from": {"$numberInt": "6"}, "to": "13"}, "kind": {"name": "P"}, "key": {"$oid": "77"}}],
    }  # fmt: skip
    layer = {"field": "spans", "start": "at.from", "end": "at.to", "label": "kind.name", "id": "key"}
    article = one(row, id="_id", layers={"mentions": layer})
    assert article.id == "5f0c"
    assert article.values == {"when": "2020-01-02T03:04:05Z", "n": 5, "stamp": "1970-01-01T00:00:00+00:00"}
    assert spans(article) == [("77", "P", "Ana Öst")]
    assert article.layers["mentions"][0].values == {}


def test_fragments_surfaces_and_ends_that_follow_from_the_surface() -> None:
    row = {
        "id": "a",
        "text": TEXT,
        "spans": [{"id": "x", "offsets": [[6, 9], [19, 23]], "text": ["Ana", "Lund"], "type": "P"}],
        "answers": {"text": ["Lund"], "answer_start": [19]},
    }
    article = one(
        row,
        layers={
            "mentions": {"field": "spans", "fragments": "offsets", "surface": "text", "label": "type"},
            "answers": {"start": "answer_start", "surface": "text"},
        },
    )
    assert article.layers["mentions"][0].ranges == ((6, 9), (19, 23))
    assert article.layers["mentions"][0].surface == article.surface_of(article.layers["mentions"][0]) == "Ana Lund"
    assert spans(article, "answers") == [("a1", None, "Lund")]


def test_fragments_out_of_order_are_put_in_order() -> None:
    row = {"id": "a", "text": TEXT, "spans": [{"fragments": [{"start": 19, "end": 23}, {"start": 6, "end": 9}]}]}
    article = one(row, layers={"mentions": "spans"})
    assert article.layers["mentions"][0].ranges == ((6, 9), (19, 23))
    assert noted(article) == [("I020", 1, "/spans/0")]


def test_inclusive_ends_labels_by_number_and_items_without_a_span() -> None:
    layer = {"field": "s", "inclusive": True, "names": ["P", "C"]}
    row = {
        "id": "a",
        "text": TEXT,
        "s": [{"start": 6, "end": 12, "label": 1}, {"start": None, "end": None, "label": 0}],
    }
    article = one(row, layers={"mentions": layer})
    assert spans(article) == [("m1", "C", "Ana Öst"), ("m2", "P", "")]
    assert article.layers["mentions"][1].ranges == ()


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ({"start": "six", "end": 13}, "I002"),
        ({"start": 6}, "I002"),
        ({"start": True, "end": 13}, "I002"),
        ({"start": 6, "end": 13, "label": ["P", "Q"]}, "I002"),
        ({"start": 6, "end": 13, "label": {"a": 1}}, "I002"),
        ({"start": 6, "end": 13, "label": 9}, "I002"),
        ({"start": 6, "end": 13, "id": "ok"}, "I006"),
        ([6, 13, "P", "and more"], "I002"),
        (7, "I002"),
        (None, "I002"),
        ({"fragments": [[6, 13, 20]]}, "I002"),
    ],
)
def test_a_damaged_item_is_noted_and_the_others_stay(item: object, code: str) -> None:
    good = {"id": "ok", "start": 19, "end": 23}
    rows = [{"id": "x", "text": "nothing"}, {"id": "a", "text": TEXT, "spans": [good, item, {**good, "id": "z"}]}]
    files = {"a.jsonl": "\n".join(map(json.dumps, rows))}
    _, article = articles(files, layers={"mentions": {"field": "spans", "names": ["P"]}})
    assert [(d.code, d.place.line) for d in article.found] == [(code, 2)]
    assert str(article.found[0].place.pointer).startswith("/spans")
    assert [i.id for i in article.layers["mentions"]] == ["ok", "z"]


def test_spans_that_make_no_sense_are_passed_on() -> None:
    row = {"id": "a", "text": "short", "spans": [[3, 3], [4, 1], [0, 999], [-2, 2]]}
    article = one(row, layers={"mentions": "spans"})
    assert [i.ranges for i in article.layers["mentions"]] == [((3, 3),), ((4, 1),), ((0, 999),), ((-2, 2),)]
    assert article.found == []


def test_an_end_without_a_start_is_no_span_but_a_value() -> None:
    row = {"id": "a", "text": TEXT, "r": [{"begin": 6, "end": 13, "label": "in"}]}
    (item,) = one(row, layers={"r": "r"}).layers["r"]
    assert (item.ranges, item.values) == ((), {"begin": 6, "end": 13})


def test_a_row_without_the_field_of_a_layer_is_a_warning() -> None:
    article = one({"id": "a", "text": TEXT}, layers={"mentions": "spans"})
    assert noted(article) == [("I005", 1, None)]
    assert article.layers == {"mentions": []}


def test_json_in_a_string_and_what_python_prints() -> None:
    for cell in (
        '[{"start": 6, "end": 13, "label": "P"}]',
        "[(6, 13, 'P')]",
        "[{'start': 6, 'end': 13, 'label': 'P'}]",
    ):
        assert spans(one({"id": "a", "text": TEXT, "s": cell}, layers={"mentions": "s"})) == [("m1", "P", "Ana Öst")]
    for cell in ("[6, 13", "nope", "[__import__('os').getcwd()]", "[" * 500):
        article = one({"id": "a", "text": TEXT, "s": cell}, layers={"mentions": "s"})
        assert [d.code for d in article.found] == ["I002"], cell


# references


def test_references_by_id_by_number_and_in_lists() -> None:
    row = {
        "id": "a",
        "text": TEXT,
        "mentions": [{"id": "x", "start": 6, "end": 13}, {"id": "y", "start": 19, "end": 23}],
        "relations": [
            {"source": "x", "target": "y", "label": "in"},
            {"source": "x", "target": "gone", "label": "in"},
            {"target": "y", "label": "in"},
        ],
        "chains": [{"of": ["x", "gone", "y"], "arguments": [{"role": "who", "m": "y"}]}],
    }
    article = one(
        row,
        layers={
            "mentions": "mentions",
            "relations": {"head": "source", "tail": "target"},
            "chains": {"refs": {"of": "mentions", "arguments.m": "mentions"}},
        },
    )
    (relation,) = article.layers["relations"]
    assert relation.values == {"head": Ref("mentions", "x"), "tail": Ref("mentions", "y")}
    (chain,) = article.layers["chains"]
    assert chain.values["of"] == [Ref("mentions", "x"), Ref("mentions", "y")]
    assert chain.values["arguments"] == [{"role": "who", "m": Ref("mentions", "y")}]
    assert sorted(noted(article)) == [
        ("I002", 1, "/relations/2"), ("I003", 1, "/chains/0"), ("I003", 1, "/relations/1"),
    ]  # fmt: skip


def test_numbers_name_items_that_have_no_ids_and_damaged_ones_count() -> None:
    row = {
        "id": "a",
        "text": TEXT,
        "spans": [[6, 13, "P"], ["?", 1, "X"], [19, 23, "C"]],
        "rels": [{"head": 0, "tail": 2}, {"head": 0, "tail": 1}, {"head": 0, "tail": -1}],
    }
    article = one(row, layers={"mentions": "spans", "relations": {"field": "rels", "head": "head", "tail": "tail"}})
    assert [i.values for i in article.layers["relations"]] == [
        {"head": Ref("mentions", "m1"), "tail": Ref("mentions", "m3")}
    ]
    assert [d.code for d in article.found] == ["I002", "I003", "I003"]


def test_what_names_a_lost_relation_goes_with_it() -> None:
    row = {
        "id": "a",
        "text": TEXT,
        "mentions": [{"id": "x", "start": 6, "end": 13}],
        "relations": [{"id": "r", "head": "x", "tail": "gone"}],
        "views": [{"id": "v", "of": "r"}],
    }
    layers = {
        "mentions": "mentions",
        "relations": {"head": "head", "tail": "tail"},
        "views": {"refs": {"of": "relations"}},
    }
    article = one(row, layers=layers)
    assert article.layers["relations"] == article.layers["views"] == []
    assert article.left_out == {"views that name what was left out": 1}


def test_references_by_where_an_item_stands() -> None:
    row = {
        "id": "a",
        "text": TEXT,
        "mentions": [
            {"id": "x", "start": 6, "end": 13, "sure": 0.2},
            {"id": "x2", "start": 6, "end": 13, "sure": 1},
            {"id": "y", "start": 19, "end": 23, "sure": 1},
        ],
        "relations": [
            {"hs": 6, "he": 13, "h": "Ana Öst", "ts": 19, "te": 23},
            {"hs": 6, "he": 13, "h": "Ana Berg", "ts": 19, "te": 23},
            {"hs": 7, "he": 13, "h": "na Öst", "ts": 19, "te": 23},
        ],
    }
    head = {"start": "hs", "end": "he", "surface": "h"}
    tail = {"start": "ts", "end": "te", "layer": "mentions"}
    for prefer, chosen, left in ({}, "x", 1), ({"prefer": "sure"}, "x2", 0):
        layers = {"mentions": "mentions", "relations": {"head": {**head, **prefer}, "tail": tail}}
        article = one(row, layers=layers)
        (relation,) = article.layers["relations"]
        assert relation.values == {"head": Ref("mentions", chosen), "tail": Ref("mentions", "y")}
        assert sum(article.left_out.values()) == left
        assert [d.code for d in article.found] == ["I003", "I003"]


# offsets


def in_unit(text: str, at: int, unit: str) -> int:
    before = text[:at]
    return {
        "code points": len(before),
        "UTF-16 units": len(before.encode("utf-16-le")) // 2,
        "UTF-8 bytes": len(before.encode()),
    }[unit]


@given(
    text=st.text(st.sampled_from("ab 🎈é\u0301\r\n\u2028\xa0ß"), min_size=1, max_size=40),
    data=st.data(),
    unit=st.sampled_from(["code points", "UTF-16 units", "UTF-8 bytes"]),
)
@settings(max_examples=60, deadline=None)
def test_offsets_of_any_unit_come_back_as_code_points(text: str, data: st.DataObject, unit: str) -> None:
    ends = st.integers(0, len(text))
    wanted = data.draw(st.lists(st.tuples(ends, ends).map(sorted), max_size=5))
    row = {"id": "a", "text": text, "spans": [[in_unit(text, s, unit), in_unit(text, e, unit)] for s, e in wanted]}
    article = one(row, offsets=unit, layers={"mentions": "spans"})
    assert [i.ranges for i in article.layers["mentions"]] == [((s, e),) for s, e in wanted]
    assert article.found == []


def test_the_unit_is_what_the_surfaces_say() -> None:
    for unit in ("UTF-16 units", "UTF-8 bytes", "code points"):
        at = [in_unit(TEXT, i, unit) for i in (19, 23, 31, 39)]
        row = {"id": "a", "text": TEXT, "spans": [[at[0], at[1], "Lund"], [at[2], at[3], "Kvarn AB"]]}
        article = one(row, layers={"mentions": {"field": "spans", "positions": ["start", "end", "surface"]}})
        assert article.unit == unit
        assert [i.surface for i in article.layers["mentions"]] == ["Lund", "Kvarn AB"]
        assert [article.surface_of(i) for i in article.layers["mentions"]] == ["Lund", "Kvarn AB"]


def test_half_an_emoji_is_noted() -> None:
    row = {"id": "a", "text": "🎈 x", "spans": [[1, 2], [3, 4]]}
    article = one(row, offsets="UTF-16 units", layers={"mentions": "spans"})
    assert [d.code for d in article.found] == ["I019"]
    assert [article.surface_of(i) for i in article.layers["mentions"]] == ["x"]


# JSON lines and other JSON


def test_a_damaged_line_costs_its_article_only() -> None:
    lines = [
        json.dumps({"id": "a", "text": TEXT}, ensure_ascii=False),
        '{"id": "b", "text": "cut',
        "",
        '{"id": "c", "text": "x", "text": "y"}',
        '{"id": "d", "score": NaN}',
        "[1]",
        '{"id": "e", "text": null}',
        '{"id": "f", "text": 5}',
        '{"text": "no id"}',
        '{"id": "g", "text": "last"} \r',
    ]
    data = "\ufeff".encode() + "\r\n".join(lines).encode() + b"\n" + b'{"id": "h", "text": "\xff"}'
    wanted = [
        ("S003", 2), ("S004", 4), ("S005", 5), ("S007", 6), ("I004", 7), ("I004", 8), ("I002", 9), ("S002", 11),
    ]  # fmt: skip
    for name in ("a.jsonl", "a.json"):
        found = read_all({name: data}, source(id="id"))
        assert codes(found) == wanted
        assert [a.id for a in found if isinstance(a, Article)] == ["a", "g"]
        assert next(a.text for a in found if isinstance(a, Article)) == TEXT


def test_pretty_printed_json_whatever_it_is_called() -> None:
    rows = [{"id": str(n), "text": f"text {n}", "spans": [[0, 4, "T"]]} for n in range(3)]
    array = json.dumps(rows, indent=2)
    for name, text in (
        ("a.json", array),
        ("a.jsonl", array),
        ("a.json", "\n".join(json.dumps(r, indent=1) for r in rows)),
    ):
        found = articles({name: text}, layers={"mentions": "spans"})
        assert [a.text for a in found] == ["text 0", "text 1", "text 2"]
        assert text.split("\n")[found[2].line - 1].strip().startswith("{")
        assert found[2].line > 15


def test_an_array_points_into_the_file() -> None:
    rows = [{"id": str(n), "text": "some text", "spans": [[0, 4], ["x", 4]]} for n in range(2)]
    first, second = articles({"a.json": json.dumps(rows)}, layers={"mentions": "spans"})
    assert (first.pointer, second.pointer) == ("/0", "/1")
    assert second.layers["mentions"][0].pointer == "/1/spans/0"
    assert noted(second) == [("I002", 1, "/1/spans/1")]


@pytest.mark.parametrize(
    ("text", "good", "wrong"),
    [
        ('[\n{"text": "a"},\n{"text": "b"\n{"text": "c"}]', 1, [("S003", 4)]),
        ('[\n{"text": "a"},\n{"text": "b"}', 2, [("S003", 3)]),
        ('[{"text": "a"}] []', 1, [("S003", 1)]),
        ("[", 0, [("S003", 1)]),
        ("[]", 0, []),
        ("", 0, [("I001", 1)]),
        ("plain words", 0, [("S003", 1)]),
        ('[{"text": "a", "text": "b"}, {"text": "c"}, 3]', 1, [("S004", 1), ("S007", 1)]),
        ('{\n"text": "a"\n}\n{\n"text": \n}\n{\n"text": "c"\n}', 2, [("S003", 6)]),
        ('{ "text": "a", "x": [\n{"y": 1},\n{"y": 2}\n]}', 1, []),
        ('{"text": "cut\n{"text": "b"}\n{"text": "c"}', 2, [("S003", 1)]),
        ('{"text": ' + "[" * 300 + "]" * 300 + "}", 0, [("S006", 1)]),
        ("[" * 100000, 0, [("S003", 1)]),
    ],
)
def test_damaged_json(text: str, good: int, wrong: list[tuple[str, int]]) -> None:
    found = read_all({"a.json": text}, source())
    assert codes(found) == wrong
    assert sum(isinstance(one, Article) for one in found) == good


def test_rows_inside_a_document() -> None:
    document = {"version": 1, "data": {"rows": [{"text": "one"}, 5, {"text": "two", "spans": [["?", 1]]}]}}
    found = read_all({"a.json": json.dumps(document, indent=1)}, source(rows="data.rows", layers={"mentions": "spans"}))
    assert codes(found) == [("S007", 8)]
    two = found[-1]
    assert isinstance(two, Article)
    assert (two.text, two.line, two.pointer) == ("two", 9, "/data/rows/2")
    assert codes(read_all({"a.json": "{}"}, source(rows="data"))) == [("I001", 1)]


def test_ids_are_made_from_the_text_and_told_apart() -> None:
    rows = [{"text": "one"}, {"text": "two"}, {"text": "one"}]
    made = [a.id for a in articles({"d/a.jsonl": "\n".join(map(json.dumps, rows))})]
    assert made[0].startswith("d/a-") and made[2] == f"{made[0]}-2"
    longer = [a.id for a in articles({"d/a.jsonl": "\n".join(map(json.dumps, [{"text": "new"}, *rows]))})]
    assert longer[1:] == made
    (single,) = articles({"d/a.json": json.dumps({"text": "one"}, indent=1)})
    (compact,) = articles({"d/a.json": json.dumps({"text": "one"})})
    assert single.id == compact.id == "d/a"


def test_an_id_that_stands_twice_is_two_passes_or_a_mistake() -> None:
    rows = [{"id": "a", "text": "x", "who": "ann"}, {"id": "a", "text": "x", "who": "bo"}]
    files = {"a.json": json.dumps(rows)}
    assert [a.annotator for a in articles(files, annotator="who")] == ["ann", "bo"]
    assert codes(read_all(files, source())) == [("I006", 1)]


def test_only_files_with_declared_ids_are_cut_into_lines() -> None:
    names = ["a.csv", "a.jsonl", "b.json", "b.parquet", "notes.md"]
    assert {u.files[0]: u.lines for u in fields.units(source(id="id"), names)} == {
        "a.csv": False, "a.jsonl": True, "b.json": False, "b.parquet": False,
    }  # fmt: skip
    assert not any(u.lines for u in fields.units(source(), names))
    assert not any(u.lines for u in fields.units(source("utf-16", id="id"), names))


def test_values_keep_their_names_and_leave_ours_alone() -> None:
    row = {
        "_id": "a",
        "text": "x",
        "id": 5,
        "a-b": 1,
        "a b": 2,
        "2nd": True,
        "mentions": "no layer here",
        "deep": {"k": [1]},
    }
    article = one(row, id="_id", layers={"mentions": "spans"})
    assert article.values == {
        "id_2": 5, "a_b": 1, "a_b_2": 2, "_2nd": True, "mentions_2": "no layer here", "deep": {"k": [1]},
    }  # fmt: skip


def test_other_encodings() -> None:
    text = json.dumps({"id": "a", "text": "Öst"}, ensure_ascii=False)
    for encoding in ("utf-16", "windows-1252"):
        (article,) = read_all({"a.jsonl": text.encode(encoding)}, source(encoding, id="id"))
        assert isinstance(article, Article) and article.text == "Öst"
    assert codes(read_all({"a.csv": "text\nÖst\n".encode("latin-1")}, source())) == [("S002", 2)]


# files beside

DOCUMENTS = '{"_id": "a", "text": "Ana Öst of Lund"}\n{"_id": "b", "text": "nothing"}\n'
SPANS = """{"_id": 1, "doc": "a", "from": 0, "to": 7, "what": "P", "words": "Ana Öst"}
{"_id": 2, "doc": "a", "from": 11, "to": 15, "what": "C", "words": "Lund"}
{"_id": 3, "doc": "a", "from": "?", "to": 15, "what": "C"}
{"_id": 4, "doc": "gone", "from": 11, "to": 15, "what": "C"}
{"_id": 5, "from": 11, "to": 15, "what": "C"}
{"_id": 6, "doc": "gone", "from"
"""
RELATIONS = "doc,h,t,kind\na,1,2,in\na,1,9,in\n"
JOINED: dict[str, Any] = {
    "mentions": {
        "file": "spans.json", "article": "doc", "id": "_id", "start": "from", "end": "to", "label": "what",
        "surface": "words",
    },
    "relations": {"file": "relations.csv", "article": "doc", "head": "h", "tail": "t", "label": "kind"},
}  # fmt: skip


def test_layers_in_files_of_their_own() -> None:
    files = {
        "UK desk/docs.json": DOCUMENTS,
        "UK desk/spans.json": SPANS,
        "UK desk/relations.csv": RELATIONS,
        "L": "free",
    }
    where = source(id="_id", layers=JOINED)
    assert list(fields.units(where, sorted(files))) == [
        Unit(files=("UK desk/docs.json", "UK desk/relations.csv", "UK desk/spans.json"), name="UK desk/docs")
    ]
    found = read_all(files, where)
    a, b = (one for one in found if isinstance(one, Article))
    assert spans(a) == [("1", "P", "Ana Öst"), ("2", "C", "Lund")]
    assert [i.surface for i in a.layers["mentions"]] == ["Ana Öst", "Lund"]
    (relation,) = a.layers["relations"]
    assert (relation.label, relation.values) == ("in", {"head": Ref("mentions", "1"), "tail": Ref("mentions", "2")})
    places = [(d.code, d.place.file, d.place.line, d.place.record) for d in a.found]
    assert places == [("I002", "UK desk/spans.json", 3, "a"), ("I003", "UK desk/relations.csv", 3, "a")]
    assert b.layers == {"mentions": [], "relations": []} and b.found == []
    lost = [(d.code, d.place.file, d.place.line) for d in found if isinstance(d, Diagnostic)]
    assert sorted(lost) == [
        ("I003", "UK desk/spans.json", 4), ("I003", "UK desk/spans.json", 5), ("S003", "UK desk/spans.json", 6),
    ]  # fmt: skip


def test_a_missing_file_beside_is_told_for_every_article() -> None:
    found = articles({"docs.json": DOCUMENTS, "relations.csv": "doc,h,t,kind\n"}, id="_id", layers=JOINED)
    assert [[d.code for d in a.found] for a in found] == [["I005"], ["I005"]]


def test_several_files_of_documents_share_what_is_beside() -> None:
    one_each = DOCUMENTS.splitlines()
    files = {
        "a.json": one_each[0],
        "b.json": one_each[1],
        "spans.json": SPANS.split("\n")[0],
        "relations.csv": RELATIONS,
    }
    found = read_all(files, source(id="_id", layers=JOINED))
    assert [a.file for a in found if isinstance(a, Article)] == ["a.json", "b.json"]
    assert codes(found) == []


# CSV


def test_csv_rows_begin_where_they_begin() -> None:
    text = 'id,text,desk\r\n1,"two\r\nlines, and ""quotes""\u2028\x85",\r\n\r\n2,plain,news\r\n'
    first, second = articles({"a.csv": "\ufeff" + text})
    assert (first.id, first.text, first.line) == ("1", 'two\r\nlines, and "quotes"\u2028\x85', 2)
    assert (second.id, second.text, second.line, second.values) == ("2", "plain", 5, {"desk": "news"})
    assert first.values == {"desk": None}


def test_csv_damage_costs_one_row() -> None:
    text = 'id,text\n1,good\n2,one,too many\n3\n4,"never closed\n5,good\n6,"bad"quote\n7,good\n'
    found = read_all({"a.csv": text}, source())
    assert codes(found) == [("I002", 3), ("I002", 4), ("I002", 5), ("I002", 7)]
    assert [a.id for a in found if isinstance(a, Article)] == ["1", "5", "7"]


def test_csv_dialects_and_headers() -> None:
    for name, text in ("a.tsv", "id\ttext\n1\ta, b; c\n"), ("a.csv", "id;text\n1;a, b\n".replace(", ", " ")):
        (article,) = articles({name: text})
        assert article.id == "1" and str(article.text).startswith("a")
    (article,) = articles({"a.csv": "id|text\n1|x\n"}, delimiter="|")
    assert article.text == "x"
    (mac,) = articles({"a.csv": "id,text\r1,x\r"})
    assert mac.text == "x"
    assert codes(read_all({"a.csv": ""}, source())) == [("I001", 1)]
    assert codes(read_all({"a.csv": "id,text,id\n"}, source())) == [("I001", 1)]
    missing = read_all({"a.csv": "id,body\n1,x\n2,y\n"}, source())
    assert codes(missing) == [("I001", None)]


def test_csv_holds_long_texts_and_empty_ones() -> None:
    found = articles({"a.csv": f"id,text,x\n1,{'word ' * 60000},\n2,,y\n"})
    assert [len(a.text or "") for a in found] == [300000, 0]


def test_csv_cells_hold_lists() -> None:
    text = 'id,text,spans\n1,Ana of Lund,"[[0, 3, ""P""], [7, 11, ""C""]]"\n2,x,\n'
    first, second = articles({"a.csv": text}, layers={"mentions": "spans"})
    assert spans(first) == [("m1", "P", "Ana"), ("m2", "C", "Lund")]
    assert second.layers["mentions"] == [] and second.found == []


# Parquet


def test_parquet_values_have_their_types() -> None:
    moment = datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    table = pa.table(
        {
            "id": pa.array([1, 2]),
            "text": pa.array(["one", "two"]),
            "day": pa.array([datetime.date(2024, 1, 2), None]),
            "at": pa.array([moment, None], pa.timestamp("ns", "UTC")),
            "took": pa.array([datetime.timedelta(seconds=1.5), None]),
            "price": pa.array([decimal.Decimal("1.10"), None]),
            "score": pa.array([0.5, float("nan")]),
            "big": pa.array([2**64 - 1, 1], pa.uint64()),
            "raw": pa.array([b"\x00", None]),
            "kind": pa.array(["a", "b"]).dictionary_encode(),
            "deep": pa.array([{"l": [{"at": moment}]}, None]),
            "__index_level_0__": pa.array([7, 8]),
        }
    )
    first, second = articles({"a.parquet": parquet(table)})
    assert first.values == {
        "day": "2024-01-02", "at": "2024-01-02T03:04:05+00:00", "took": "PT1.5S", "price": "1.10", "score": 0.5,
        "big": None, "raw": None, "kind": "a", "deep": {"l": [{"at": "2024-01-02T03:04:05+00:00"}]},
    }  # fmt: skip
    assert first.left_out == {"numbers beyond 64 bits": 1, "binary values": 1, "index columns": 1}
    assert second.values["score"] is None and second.values["day"] is None
    assert (second.line, second.pointer, second.place().pointer) == (0, "/1", "/1")


def test_nanoseconds_become_python_s_own_types_where_nothing_is_lost() -> None:
    table = pa.table(
        {"t": pa.array([0, 1000], pa.timestamp("ns")), "l": pa.array([[1000], []], pa.list_(pa.time64("ns")))}
    )
    opened = open_table(parquet(table))
    assert isinstance(opened, Table)
    ((first, _), _) = list(opened.rows())
    assert type(first["t"]) is datetime.datetime and first["l"] == [datetime.time(0, 0, 0, 1)]
    fine = parquet(pa.table({"text": ["x"], "t": pa.array([1], pa.timestamp("ns"))}))
    (article,) = articles({"a.parquet": fine})
    assert article.values["t"] == "1970-01-01T00:00:00.000000001" or article.found


def test_parquet_items_and_labels_of_the_footer() -> None:
    features = {
        "text": {"dtype": "string", "_type": "Value"},
        "topic": {"names": ["war", "peace"], "_type": "ClassLabel"},
        "spans": {
            "feature": {
                "start": {"dtype": "int32", "_type": "Value"},
                "label": {"names": ["P", "C"], "_type": "ClassLabel"},
            },
            "_type": "List",
        },
    }
    rows = [
        {
            "text": "Ana of Lund",
            "topic": 1,
            "spans": [{"start": 0, "end": 3, "label": 0}, {"start": 7, "end": 11, "label": 1}],
        },
        {"text": "x", "topic": -1, "spans": [{"start": 0, "end": 1, "label": 5}]},
    ]
    info = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    table = pa.Table.from_pylist(rows).replace_schema_metadata(info)
    first, second = articles({"d/a.parquet": parquet(table)}, layers={"mentions": "spans"})
    assert first.values == {"topic": "peace"} and second.values == {"topic": None}
    assert spans(first) == [("m1", "P", "Ana"), ("m2", "C", "Lund")]
    assert first.layers["mentions"][1].pointer == "/0/spans/1"
    assert noted(second) == [("I002", None, "/1/spans/0/label")]


def test_parquet_text_in_bytes_and_values_that_no_reader_has() -> None:
    table = pa.table(
        {
            "id": ["a", "b"],
            "text": pa.array(["Öst".encode(), b"\xff"], pa.binary()),
            "day": pa.array([10**9, 0], pa.int32()).cast(pa.date32()),
        }
    )
    good, bad = read_all({"a.parquet": parquet(table)}, source())
    assert isinstance(good, Article) and good.text == "Öst"
    assert noted(good) == [("I002", None, "/0/day")]
    assert isinstance(bad, Diagnostic) and (bad.code, bad.place.pointer) == ("S002", "/1")


def test_damaged_parquet_is_never_more_than_a_finding() -> None:
    table = pa.table({"id": [str(n) for n in range(600)], "text": [f"text {n} " * 20 for n in range(600)]})
    whole = parquet(table, row_group_size=200, compression="zstd", write_page_checksum=True)
    for data in (b"", b"PAR1", whole[:-10], whole[: len(whole) // 2], b"not parquet"):
        assert [c for c, _ in codes(read_all({"a.parquet": data}, source()))] == ["I001"]
    assert [c for c, _ in codes(read_all({"a.parquet": parquet(pa.table({"id": ["a"]}))}, source()))] == ["I001"]
    for at in range(4, len(whole), len(whole) // 60):
        data = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
        found = read_all({"a.parquet": data}, source())
        assert sum(isinstance(one, Article) for one in found) + len(codes(found)) > 0
        assert {code for code, _ in codes(found)} <= {"I001", "I002", "I004", "I006"}


# whatever comes


@given(
    data=st.binary(max_size=60) | st.text(st.sampled_from('{}[]",:\n\r \\textid1;\t'), max_size=60).map(str.encode),
    name=st.sampled_from(["a.json", "a.jsonl", "a.csv", "a.tsv", "a.parquet"]),
    cut=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_no_bytes_are_too_odd(data: bytes, name: str, cut: bool) -> None:
    read_all({name: data}, source(**({"id": "id"} if cut else {})))


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats() | st.sampled_from(["x", "[1]", "(1, 2)", "3", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "start", "end", "label", "surface", "fragments", "head", "of", "$oid", "$date", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(row=st.dictionaries(st.sampled_from(["id", "text", "tokens", "tags", "m", "r", "v"]), ANY), tokens=st.booleans())
@settings(max_examples=100, deadline=None)
def test_no_row_is_too_odd(row: dict[str, Any], tokens: bool) -> None:
    layers = {
        "mentions": "m",
        "relations": {"field": "r", "head": "head", "tail": {"start": "start", "end": "end", "prefer": "x"}},
        "views": {"field": "v", "refs": {"of": "relations", "x.of": "mentions"}},
    }
    options: dict[str, Any] = {"tokens": "tokens", "tags": "tags", "token_columns": ["v"]} if tokens else {}
    row.setdefault("text", "some text")
    text = json.dumps(row).replace("NaN", "1e308").replace("Infinity", "2")
    (found,) = read_all({"a.json": text}, source(layers=layers, **options))
    if isinstance(found, Article):
        kept = {name: {item.id for item in items} for name, items in found.layers.items()}
        assert all(ref.id in kept[ref.layer] for items in found.layers.values() for i in items for ref in item_refs(i))


# tokens


def test_tokens_are_joined_and_their_tags_become_spans() -> None:
    names = ["O", "B-PER", "I-PER", "B-LOC"]
    row = {
        "id": "a",
        "tokens": ["Ana", "Öst", "🎈", "of", "Lund"],
        "ner": [1, 2, 0, 0, 3],
        "pos": ["N", "N", "S", "P", "N"],
    }
    article = one(row, tokens="tokens", token_columns=["pos"], tags={"field": "ner", "names": names})
    assert article.text == "Ana Öst 🎈 of Lund"
    assert spans(article) == [("m1", "PER", "Ana Öst"), ("m2", "LOC", "Lund")]
    assert [(i.id, i.values) for i in article.layers["tokens"]][:2] == [("t1", {"pos": "N"}), ("t2", {"pos": "N"})]
    assert article.values == {} and article.found == []


@pytest.mark.parametrize(
    ("tags", "wanted", "codes"),
    [
        (["B-P", "I-P", "B-P", "O"], [("P", "a b"), ("P", "c")], []),
        (["I-P", "I-P", "B-P", "I-C"], [("P", "a b"), ("P", "c"), ("C", "d")], []),
        (["B-P", "O", "I-P", "I-P"], [("P", "a"), ("P", "c d")], ["I017"]),
        (["S-P", "B-C", "I-C", "E-C"], [("P", "a"), ("C", "b c d")], []),
        (["U-P", "U-P", "B-C", "L-C"], [("P", "a"), ("P", "b"), ("C", "c d")], []),
        (["P", "P", "C", "O"], [("P", "a b"), ("C", "c")], []),
        (["O", None, "_", ""], [], []),
        (["B-P", "O", "O"], [], ["I002"]),
        ([1, 2, 0, 0], [], ["I002"]),
        ("B-P I-P O O", [("P", "a b")], []),
        ("['B-P', 'O', 'O', 'O']", [("P", "a")], []),
        (None, [], ["I005"]),
    ],
)
def test_tags_of_every_scheme(tags: object, wanted: list[tuple[str, str]], codes: list[str]) -> None:
    article = one({"id": "a", "tokens": "a b c d", "tags": tags}, tokens="tokens", tags="tags")
    assert [(label, words) for _, label, words in spans(article)] == wanted
    assert [d.code for d in article.found] == codes


def test_spans_that_count_tokens() -> None:
    row = {"id": "a", "tokens": ["Ana", "Öst", "of", "Lund"], "spans": [[0, 1, "P"], [3, 3, "C"], [3, 4, "X"]]}
    layer = {"field": "spans", "offsets": "tokens", "inclusive": True}
    article = one(row, tokens="tokens", layers={"mentions": layer})
    assert spans(article) == [("m1", "P", "Ana Öst"), ("m2", "C", "Lund")]
    assert noted(article) == [("I002", 1, "/spans/2")]


def test_tokens_that_are_none() -> None:
    for tokens in (["a", 5], 7, {"a": 1}, None):
        assert codes(read_all({"a.json": json.dumps({"tokens": tokens})}, source(tokens="tokens"))) == [("I004", 1)]
    found = read_all({"a.json": json.dumps({"text": ["a", "b"]})}, source())
    assert codes(found) == [("I004", 1)]
    assert isinstance(found[0], Diagnostic) and found[0].help == 'if these are tokens, say so: tokens = "text"'


# what it takes for its own


def test_sniff_claims_little() -> None:
    def sure(name: str, head: bytes) -> int:
        return fields.sniff(Sample(names=[name], head=lambda _: head))

    assert sure("a.parquet", b"PAR1...") > sure("a.csv", b"id,text\n1,x") == sure("a.jsonl", b'{"text": "x"}') > 0
    assert sure("a.txt", b"text") == sure("a.csv", b"a,b\n") == sure("a.parquet", b"no") == 0


@real
def test_re3d_comes_in_whole() -> None:
    layers = {
        "mentions": {
            "file": "entities.json", "article": "documentId", "id": "_id", "start": "begin", "label": "type",
            "surface": "value",
        },
        "relations": {
            "file": "relations.json", "article": "documentId", "id": "_id", "start": "begin", "label": "type",
            "surface": "value",
            "head": {"start": "sourceBegin", "end": "sourceEnd", "surface": "source", "prefer": "confidence"},
            "tail": {"start": "targetBegin", "end": "targetEnd", "surface": "target", "prefer": "confidence"},
        },
    }  # fmt: skip
    root = CORPORA / "re3d-gov"
    files = {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*.json")}
    found = articles(files, id="_id", layers=layers)
    assert len(found) == 88
    assert sum(len(a.text or "") for a in found) == 102_659
    counts = Counter(layer for a in found for layer, items in a.layers.items() for _ in items)
    assert counts == {"mentions": 3815, "relations": 1136}
    differ = Counter(
        layer for a in found for layer, items in a.layers.items() for i in items if i.surface != a.surface_of(i)
    )
    assert differ == {"mentions": 5, "relations": 540}
    assert {a.unit for a in found} == {"code points"}
    assert [d for a in found for d in a.found] == []
    assert {type(i.values[end]) for a in found for i in a.layers["relations"] for end in ("head", "tail")} == {Ref}


# tables of the wild


def test_the_line_with_which_excel_names_its_separator() -> None:
    (article,) = articles({"a.csv": "\ufeffsep=;\r\nid;text;n\r\n1;Ana, of Lund;2\r\n"})
    assert (article.id, article.text, article.values, article.line) == ("1", "Ana, of Lund", {"n": "2"}, 3)


def test_columns_without_a_name_are_called_by_their_number() -> None:
    (article,) = articles({"a.csv": ",id, text ,\n0,1,Ana,\n"})
    assert (article.id, article.text, article.values) == ("1", "Ana", {"column_1": "0", "column_4": None})


def test_the_separator_is_what_the_header_has_most_of() -> None:
    (article,) = articles({"a.csv": "id;text;a,b\n1;Ana;2\n"})
    assert article.values == {"a_b": "2"}


def test_a_quote_in_a_file_of_tabs_is_a_character_where_it_has_no_counterpart() -> None:
    data = 'id\ttext\tn\n1\t"Ana" of Lund\t1\n2\t"open\t2\n3\t"a ""b"" c"\t3\n4\tplain\t"4\n5\tx\t5\n'
    found = articles({"a.tsv": data})
    assert [(a.id, a.text, a.values["n"]) for a in found] == [
        ("1", '"Ana" of Lund', "1"), ("2", '"open', "2"), ("3", 'a "b" c', "3"), ("4", "plain", '"4'), ("5", "x", "5"),
    ]  # fmt: skip


def test_arrow_files_are_read_as_parquet_is() -> None:
    table = pa.table({"id": ["a"], "text": ["Ana of Lund"], "m": [[{"start": 0, "end": 3, "label": "P"}]]})
    for new in (pa.ipc.new_stream, pa.ipc.new_file):
        sink = pa.BufferOutputStream()
        with new(sink, table.schema) as writer:
            writer.write_table(table)
        data = sink.getvalue().to_pybytes()
        (article,) = articles({"a.arrow": data}, layers={"m": "m"})
        assert (article.text, article.layers["m"][0].label, article.pointer) == ("Ana of Lund", "P", "/0")
        found = read_all({"a.arrow": data[: len(data) // 2]}, source())
        assert [d.code for d in found if isinstance(d, Diagnostic)] == ["I001"]


def test_a_pointer_of_git_lfs_is_told_from_data() -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n"
    for name in ("a.parquet", "a.jsonl", "a.csv"):
        (found,) = read_all({name: pointer}, source())
        assert isinstance(found, Diagnostic) and found.code == "I001" and "Git LFS" in found.message


def test_the_rows_of_a_document_are_found_where_they_are_said_to_be_and_alone() -> None:
    rows = [{"id": "a", "text": "Ana"}, {"id": "b", "text": "Bo", "n": float("nan")}, {"id": "c", "text": "Cy"}]
    text = json.dumps({"took": 1, "hits": {"total": {"n": 3}, "hits": rows}, "after": [1]}, indent=1)
    found = read_all({"a.json": text}, source(rows="hits.hits"))
    assert [a.id for a in found if isinstance(a, Article)] == ["a", "c"]
    (lost,) = [d for d in found if isinstance(d, Diagnostic)]
    assert (lost.code, lost.place.pointer) == ("S005", "/hits/hits/1")
    assert text.split("\n")[(lost.place.line or 0) - 1][(lost.place.column or 0) - 1 :] == "NaN"
    for wrong in ("hits", "hits.total", "after.x", "nowhere"):
        assert codes(read_all({"a.json": text}, source(rows=wrong))) == [("I001", 1)]


def test_the_words_of_pieces_stand_in_the_order_of_the_text() -> None:
    piece = {"fragments": [[7, 11], [0, 3]], "surface": ["Lund", "Ana"]}
    (item,) = one({"text": "Ana of Lund", "m": [piece]}, layers={"m": "m"}).layers["m"]
    assert (item.ranges, item.surface) == (((0, 3), (7, 11)), "Ana Lund")
    (item,) = one({"text": "Ana of Lund", "m": [piece | {"surface": "Lund Ana"}]}, layers={"m": "m"}).layers["m"]
    assert item.surface is None  # in which order its words stand, nobody says


def test_no_label_of_a_table_is_no_label() -> None:
    table = pa.table({"text": ["Ana"], "m": [[{"start": 0, "end": 3, "label": float("nan")}]]})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    (article,) = articles({"a.parquet": sink.getvalue()}, layers={"m": "m"})
    assert [item.label for item in article.layers["m"]] == [None]


def test_objects_without_an_end_are_given_up() -> None:
    data = "\n".join('{"text": "a", "b": [{' for _ in range(30_000))
    found = read_all({"a.json": data}, source())
    assert len(found) == 1000 and isinstance(found[-1], Diagnostic)
    assert found[-1].message.endswith("what follows is not read")


def test_offsets_have_the_words_of_every_format() -> None:
    assert fields.OPTIONS["offsets"]["enum"] == ["code points", "UTF-16 units", "UTF-8 bytes", "graphemes"]
