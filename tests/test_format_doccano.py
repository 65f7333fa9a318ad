"""doccano: every shape of its exports, one user a file, what offsets count, and places of findings."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from conftest import CORPORA
from copydesk.articles.model import Article, Ref
from copydesk.articles.units import Sample
from copydesk.diagnostics import Diagnostic
from copydesk.importers import doccano
from copydesk.project import Source
from copydesk.sources import RawRecord

needs_corpora = pytest.mark.skipif(not CORPORA.is_dir(), reason="the real corpora are not on this machine")

TEXT = "Mayor Ada Lund met Øystein Dahl in Bergen."


def source(**options: object) -> Source:
    return Source(kind="article", paths=("x",), format="doccano", options=options)


def read(
    data: bytes,
    name: str = "a/all.jsonl",
    beside: dict[str, bytes] | None = None,
    encoding: str = "utf-8",
    **options: Any,
) -> list[Article | Diagnostic]:
    raw = RawRecord(file=name, line=1, data=data, name=name.rpartition(".")[0], beside=beside or {})
    given_ = Source(kind="article", paths=("x",), format="doccano", options=options, encoding=encoding)
    return list(doccano.read(Path(), given_, raw))


def lines(*records: object) -> bytes:
    return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records).encode()


def articles(*records: object, **options: Any) -> list[Article]:
    found = read(lines(*records), **options)
    assert all(isinstance(a, Article) for a in found), found
    return [a for a in found if isinstance(a, Article)]


def findings(found: list[Article | Diagnostic]) -> list[tuple[str, int | None, str | None]]:
    all_ = [d for a in found for d in ([a] if isinstance(a, Diagnostic) else a.found)]
    return [(d.code, d.place.line, d.place.pointer) for d in all_]


def spans(article: Article) -> list[tuple[str, str | None]]:
    return [(article.surface_of(item), item.label) for item in article.layers["mentions"]]


# Shapes


@pytest.mark.parametrize("key", ["label", "labels", "entities"])
def test_spans_as_triples(key: str) -> None:
    record = {"id": 5, "text": TEXT, key: [[6, 14, "PER"], [35, 41, "LOC"]], "Comments": ["look again"]}
    empty = {"id": 6, "text": "Rain.", key: [], "Comments": []}
    article, other = articles(empty, record)[::-1]
    assert (article.id, article.text, article.line, article.annotator, article.unit) == (
        "5",
        TEXT,
        2,
        None,
        "code points",
    )
    assert spans(article) == [("Ada Lund", "PER"), ("Bergen", "LOC")]
    first, second = article.layers["mentions"]
    assert (first.id, first.line, first.pointer, second.id, second.pointer) == ("m1", 2, f"/{key}/0", "m2", f"/{key}/1")
    assert article.left_out == {"comments": 1}
    assert (other.layers, other.values) == ({"mentions": []}, {})


def test_entities_and_relations() -> None:
    record = {
        "id": 5,
        "text": TEXT,
        "entities": [
            {"id": 20, "label": "PER", "start_offset": 6, "end_offset": 14},
            {"id": 21, "label": "PER", "start_offset": 19, "end_offset": 31},
            {"label": None, "start_offset": 35, "end_offset": 41},
        ],
        "relations": [
            {"id": 7, "from_id": 20, "to_id": 21, "type": "met"},
            {"from_id": 21, "to_id": 20, "type": None},
            {"id": 9, "from_id": 20, "to_id": 99, "type": "met"},
            {"id": 7, "from_id": 20, "to_id": 21, "type": "saw"},
            {"id": 10, "from_id": 20},
        ],
    }
    (article,) = articles(record)
    assert [(i.id, i.label) for i in article.layers["mentions"]] == [("20", "PER"), ("21", "PER"), ("m3", None)]
    a, b = Ref("mentions", "20"), Ref("mentions", "21")
    assert [(i.id, i.label, i.values, i.pointer) for i in article.layers["relations"]] == [
        ("7", "met", {"head": a, "tail": b}, "/relations/0"),
        ("r2", None, {"head": b, "tail": a}, "/relations/1"),
    ]
    assert findings([article]) == [
        ("I003", 1, "/relations/2"), ("I006", 1, "/relations/3"), ("I002", 1, "/relations/4"),
    ]  # fmt: skip


def test_labels_of_whole_texts() -> None:
    first, second, third = articles(
        {"text": "Good.", "label": ["positive", "short"]},
        {"text": "Bad.", "label": "negative"},
        {"text": "Hm.", "label": []},
    )
    assert [a.values for a in (first, second, third)] == [
        {"labels": ["positive", "short"]}, {"labels": ["negative"]}, {"labels": []},
    ]  # fmt: skip
    (flight,) = articles({"text": "Fly to Oslo", "entities": [[7, 11, "City"]], "cats": ["flight"]})
    assert (spans(flight), flight.values) == ([("Oslo", "City")], {"labels": ["flight"]})


OLD = {
    "id": 7,
    "text": TEXT,
    "annotations": [
        {"label": 3, "start_offset": 6, "end_offset": 14, "user": 1},
        {"label": 4, "start_offset": 35, "end_offset": 41, "user": 2},
        {"label": 3, "start_offset": 19, "end_offset": 31, "user": 1},
    ],
    "meta": {"desk": "local", "tags": ["x"]},
    "annotation_approver": None,
}


def test_old_exports_with_numbers_for_labels_and_users() -> None:
    one, two = articles(OLD)
    assert (one.id, one.annotator, spans(one)) == ("7", "1", [("Ada Lund", "3"), ("Øystein Dahl", "3")])
    assert (two.id, two.annotator, spans(two)) == ("7", "2", [("Bergen", "4")])
    assert [i.pointer for i in one.layers["mentions"]] == ["/annotations/0", "/annotations/2"]
    assert one.values == {"desk": "local", "annotation_approver": None}
    assert one.left_out == {
        "names of labels (the file has their numbers)": 2,
        "lists and objects of the metadata": 1,
    }


def test_names_of_labels_from_the_file_beside() -> None:
    types = [{"id": 3, "text": "PER", "suffix_key": "p"}, {"id": 4, "text": "LOC"}]
    names = ["a/all.jsonl", "a/label_config.json", "b/labels.json"]
    (unit, alone) = doccano.units(source(), names)
    assert unit.files == ("a/all.jsonl", "a/label_config.json")
    assert alone.files == ("b/labels.json",)  # no records lie beside it: it is none
    one, two = articles(OLD, beside={"a/label_config.json": json.dumps(types).encode()})
    assert (spans(one)[0], spans(two)) == (("Ada Lund", "PER"), [("Bergen", "LOC")])
    assert one.left_out["names of labels (the file has their numbers)"] == 0
    found = read(lines(OLD), beside={"a/labels.json": b'[{"id": 1, "text": "Rain.", "label": []}]'})
    assert findings(found)[0] == ("I001", 1, "/0")
    assert len(found) == 3


def test_old_classification_and_translation() -> None:
    one, two = articles(
        {"text": "Good.", "annotations": [{"label": 2, "user": 1}]},
        {"text": "Good.", "annotations": [{"text": "Bra.", "user": 1}]},
    )
    assert (one.values, two.values) == ({"labels": ["2"]}, {"labels": ["Bra."]})


def test_metadata() -> None:
    record = {
        "id": 1,
        "text": "a",
        "label": [],
        "desk name": "x",
        "labels_": 2,
        "n": None,
        "deep": {"a": 1},
        "meta": "m",
    }
    (article,) = articles({**record, "relations": None})
    assert article.values == {"desk_name": "x", "labels_": 2, "n": None, "meta": "m"}
    (article,) = articles({"text": "a", "x": 1, "meta": {"text": "t", "x": 2, "id": 3}})
    assert article.values == {"x": 1, "text_meta": "t", "x_meta": 2, "id_meta": 3}


def test_documents_that_are_not_one_record_a_line() -> None:
    records = [{"id": n, "text": TEXT, "label": [[6, 14, "PER"]]} for n in (1, 2)]
    array = read(json.dumps(records).encode(), name="a.json")
    pretty = read(json.dumps(records[0], indent=4).encode())
    several = read(b"\n".join(json.dumps(r, indent=4).encode() for r in records))
    for found in (array, pretty, several):
        assert all(isinstance(a, Article) and spans(a) == [("Ada Lund", "PER")] for a in found)
    assert [a.layers["mentions"][0].pointer for a in array if isinstance(a, Article)] == ["/0/label/0", "/1/label/0"]
    assert (len(pretty), len(several)) == (1, 2)
    assert [a.line for a in several if isinstance(a, Article)] == [1, 12]


def test_ids_of_records_without_one() -> None:
    rain, sun = {"text": "Rain.", "label": []}, {"text": "Sun.", "label": []}
    first, second, third = (a.id for a in articles(rain, sun, rain))
    assert first.startswith("a/all-") and third == f"{first}-2" and second not in {first, third}
    assert [a.id for a in articles(sun, rain, sun)][:2] == [second, first]
    assert [a.id for a in articles(rain)] == ["a/all"]


# One user a file


def test_one_user_a_file() -> None:
    names = ["p/admin.jsonl", "p/alice.jsonl", "p/labels.json", "p/notes.txt", "q/admin.jsonl"]
    one, other = doccano.units(source(annotators="files"), names)
    assert (one.files, one.name) == (("p/admin.jsonl", "p/alice.jsonl", "p/labels.json"), "p")
    assert (other.files, other.name) == (("q/admin.jsonl",), "q")
    assert [u.files for u in doccano.units(source(), names)] == [
        ("p/admin.jsonl", "p/labels.json"), ("p/alice.jsonl", "p/labels.json"), ("q/admin.jsonl",),
    ]  # fmt: skip
    admin = lines({"id": 1, "text": TEXT, "label": [[6, 14, "PER"]]}, {"text": "Rain.", "label": []})
    alice = lines({"id": 1, "text": TEXT, "label": [[0, 5, "JOB"]]}, {"text": "Rain.", "label": []}, {"text": "Sun."})
    raw = RawRecord(
        file="p/admin.jsonl", line=1, data=admin, name="p", beside={"p/alice.jsonl": alice, "p/bob.jsonl": b""}
    )
    found = [a for a in doccano.read(Path(), source(annotators="files"), raw) if isinstance(a, Article)]
    assert [(a.id == found[0].id, a.annotator, a.file) for a in found] == [
        (True, "admin", "p/admin.jsonl"),
        (False, "admin", "p/admin.jsonl"),
        (True, "alice", "p/alice.jsonl"),
        (False, "alice", "p/alice.jsonl"),
        (False, "alice", "p/alice.jsonl"),
    ]
    assert found[1].id == found[3].id != found[4].id
    alone = RawRecord(file="p/alice.jsonl", line=1, data=lines({"text": "Rain."}), name="p")
    (article,) = doccano.read(Path(), source(annotators="files"), alone)
    assert isinstance(article, Article) and article.id == found[1].id  # the same id however many others there are


# What offsets count

EMOJI = "👩\u200d🚒 Ada met 🎉 the mayor of Bergen"


def counted(text: str, surface: str, unit: str) -> list[object]:
    start = text.index(surface)
    before, inside = text[:start], text[: start + len(surface)]
    if unit == "UTF-16 units":
        return [len(before.encode("utf-16-le")) // 2, len(inside.encode("utf-16-le")) // 2, "X"]
    if unit == "graphemes":
        joined = len("👩\u200d🚒") - 1
        return [start - joined, start + len(surface) - joined, "X"]
    return [start, start + len(surface), "X"]


@pytest.mark.parametrize(
    ("unit", "told"), [("code points", "code points"), ("UTF-16 units", "UTF-16 units"), ("graphemes", "graphemes")]
)
def test_offsets(unit: str, told: str) -> None:
    record = {"text": EMOJI, "label": [counted(EMOJI, s, unit) for s in ("Ada", "mayor", "Bergen")]}
    for options in ({}, {"offsets": unit}):
        (article,) = articles(record, **options)
        assert spans(article) == [("Ada", "X"), ("mayor", "X"), ("Bergen", "X")]
        assert (article.unit, article.left_out) == (told, Counter())


def test_offsets_for_which_there_is_no_evidence() -> None:
    text = "🎉今日は東京で会議"
    (article, plain) = articles({"text": text, "label": [[3, 5, "X"]]}, {"text": "Rain", "label": [[0, 4, "X"]]})
    assert (article.unit, article.layers["mentions"][0].ranges) == ("code points", ((3, 5),))
    assert [*article.left_out.values()] == [1]
    assert not plain.left_out
    (inside,) = articles({"text": text, "label": [[1, 3, "X"]]})
    assert not inside.left_out  # in UTF-16, 1 would be inside the emoji
    (article,) = articles({"text": text, "label": [[2, 4, "X"]]}, offsets="UTF-16 units")
    assert (spans(article), article.unit, article.left_out) == ([("今日", "X")], "UTF-16 units", Counter())


def test_offsets_inside_a_character_and_past_the_text() -> None:
    record = {"id": 1, "text": "🎉 Ada", "entities": [
        {"id": 1, "label": "X", "start_offset": 1, "end_offset": 6},
        {"id": 2, "label": "X", "start_offset": 3, "end_offset": 9},
    ], "relations": [{"id": 1, "from_id": 1, "to_id": 2, "type": "y"}]}  # fmt: skip
    (article,) = articles(record, offsets="UTF-16 units")
    assert [(i.id, i.ranges) for i in article.layers["mentions"]] == [("2", ((2, 8),))]
    assert findings([article]) == [("I019", 1, "/entities/0")]
    assert article.left_out == {"relations of damaged spans": 1}


WORDS = st.lists(
    st.sampled_from(["Ada", "met", "🎉", "👩\u200d🚒", "café", "cafe\u0301", "e", "Bergen", "🇳🇴"]),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(WORDS, st.sampled_from(["code points", "UTF-16 units"]), st.data())
def test_declared_units_find_the_words_again(words: list[str], unit: str, data: st.DataObject) -> None:
    text = " ".join(words)
    index = data.draw(st.integers(0, len(words) - 1))
    start = len("".join(f"{word} " for word in words[:index]))
    size = len if unit == "code points" else lambda s: len(s.encode("utf-16-le")) // 2
    label = [size(text[:start]), size(text[: start + len(words[index])]), "X"]
    (article,) = articles({"text": text, "label": [label]}, offsets=unit)
    assert spans(article) == [(words[index], "X")]
    assert article.found == []


@settings(max_examples=60, deadline=None)
@given(WORDS)
def test_a_file_that_fits_in_code_points_stays_so(words: list[str]) -> None:
    text, label, at = " ".join(words), [], 0
    for word in words:
        label.append([at, at + len(word), "X"])
        at += len(word) + 1
    assume(any(word.isalnum() and len(word) > 1 for word in words))
    (article,) = articles({"text": text, "label": label})
    assert [surface for surface, _ in spans(article)] == words


# Text and damage


def test_text_is_kept_as_it_is() -> None:
    text = " A\r\nB\u0085C\u2028D\xa0e\u0301\u200b/ end \t"
    record = {"id": 1, "text": text, "label": [[text.index("B"), text.index("B") + 5, "X"]]}
    for ascii_ in (True, False):
        data = json.dumps(record, ensure_ascii=ascii_).replace("/", "\\/")
        for written in (f"{data}\r\n\r\n".encode(), f"\ufeff{data}\n".encode(), f"{data}\n".encode("utf-16")):
            (article,) = read(written)
            assert isinstance(article, Article)
            assert (article.text, spans(article)) == (text, [("B\u0085C\u2028D", "X")])
    (article,) = read('{"text": "café", "label": []}'.encode("windows-1252"), encoding="windows-1252")
    assert isinstance(article, Article) and article.text == "café"


def test_a_damaged_line_costs_its_article_only() -> None:
    good = [json.dumps({"id": n, "text": TEXT, "label": [[6, 14, "PER"]]}).encode() for n in range(7)]
    good[1] = good[1][:20]
    good[2] = good[2].replace(b"Mayor", b"Mayor\xe9")
    good[3] = b'{"id": 3, "label": []}'
    good[4] = good[4].replace(b'"id": 4', b'"id": 0')
    good[5] = b"[1, 2]"
    found = read(b"\n".join(good))
    assert sorted(findings(found), key=lambda f: f[1] or 0) == [
        ("S003", 2, None), ("S002", 3, None), ("I004", 4, None), ("I006", 5, None), ("S007", 6, None),
    ]  # fmt: skip
    assert [(a.id, a.line) for a in found if isinstance(a, Article)] == [("0", 1), ("6", 7)]


def test_damaged_spans_do_not_cost_the_others() -> None:
    odd: list[object] = [
        [1, 2],
        [1, "2", "X"],
        [True, 2, "X"],
        [0, 1, ["X"]],
        None,
        {"start_offset": 1},
        {"label": None},
        True,
    ]
    (article,) = articles({"id": 1, "text": TEXT, "label": [*odd, [6, 14, "PER"], [6, 14, "PER"]], "relations": 3})
    assert [(i.id, i.label) for i in article.layers["mentions"]] == [("m8", "PER"), ("m9", "PER")]
    expected = [("I002", 1, f"/label/{n}") for n in range(len(odd))]
    assert findings([article]) == [*expected, ("I002", 1, "/relations")]
    assert article.values == {"labels": []}  # the file has a label of a whole text, though a damaged one
    _, second = articles({"id": 1, "text": "Rain."}, {"id": 2, "text": "Sun.", "label": [[0]]})
    assert findings([second]) == [("I002", 2, "/label/0")]
    named = {"id": "m2", "label": "X", "start_offset": 0, "end_offset": 5}
    (article,) = articles({"id": 1, "text": TEXT, "entities": [named, [6, 14, "PER"]]})
    assert [i.id for i in article.layers["mentions"]] == ["m2", "m2-2"]
    twice = {"id": 1, "label": "X", "start_offset": 0, "end_offset": 5}
    (article,) = articles({"id": 1, "text": TEXT, "entities": [twice, twice]})
    assert findings([article]) == [("I006", 1, "/entities/1")]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.csv", b"text,label\na,b\n", "I001"),
        ("a.json", b"", "I001"),
        ("a.jsonl", b"plain text\n", "S003"),
        ("a.jsonl", b'{"column_data": "a", "column_label": []}\n{"column_data": "b", "column_label": []}\n', "I001"),
        ("a.jsonl", b'{"filename": "a.jpg", "label": ["cat"]}\n', "I012"),
        ("a.json", b'[{"id": 1, "data": {"text": "a"}, "annotations": []}]', "I001"),
    ],
)
def test_files_that_are_something_else(name: str, data: bytes, code: str) -> None:
    (found,) = read(data, name=name)
    assert isinstance(found, Diagnostic)
    assert (found.code, found.place.line) == (code, 1)


def test_an_empty_file_is_of_a_user_who_confirmed_nothing() -> None:
    assert read(b"") == read(b"\n") == []


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats(-1, 9) | st.sampled_from(["", "a", "🎉"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "label", "start_offset", "end_offset", "user", "text"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)
KEYS = ["id", "text", "label", "labels", "entities", "relations", "annotations", "cats", "meta", "Comments", "x"]


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from(KEYS), JUNK, max_size=6), max_size=3),
    st.sampled_from([None, "UTF-16 units", "graphemes"]),
)
def test_nothing_makes_it_raise(records: list[dict[str, Any]], unit: str | None) -> None:
    whole = [{"text": "🎉 a\r\nb", **record} for record in records]
    for data in (lines(*records), json.dumps(whole).encode()):
        for article in read(data, name="a.json", **({"offsets": unit} if unit else {})):
            if isinstance(article, Article):
                for items in article.layers.values():
                    assert len({item.id for item in items}) == len(items)


@pytest.mark.parametrize(
    ("data", "low", "high"),
    [
        ('{"id": 1, "text": "a", "label": [[0, 1, "X"]], "Comments": []}', 90, 100),
        ('{"text": "a", "entities": [{"id": 1, "start_offset": 0, "end_offset": 1, "label": "X"}]}', 90, 100),
        ('{"text": "a", "labels": [[0, 1, "X"]]}', 75, 89),
        ('{"text": "a", "label": ["x"]}', 30, 60),
        ('{"text": "a", "label": "x"}', 0, 0),
        ('{"text": "a", "_input_hash": 1, "label": ["X"]}', 0, 0),
        ('[{"text": "a", "label": [{"start": 0}], "annotation_id": 1, "annotator": 2}]', 0, 0),
    ],
)
def test_sniff(data: str, low: int, high: int) -> None:
    assert low <= doccano.sniff(Sample(names=["x.jsonl"], head=lambda _: data.encode())) <= high


# Real exports


def corpus(name: str, **options: object) -> list[Article | Diagnostic]:
    root = CORPORA / name
    names = sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())
    found: list[Article | Diagnostic] = []
    for unit in doccano.units(source(**options), names):
        data = {file: (root / file).read_bytes() for file in unit.files}
        raw = RawRecord(file=unit.files[0], line=1, data=data.pop(unit.files[0]), name=unit.name, beside=data)
        found += doccano.read(root, source(**options), raw)
    return found


@needs_corpora
def test_the_setswana_news() -> None:
    found = [a for a in corpus("doccano-bsner-setswana-news") if isinstance(a, Article)]
    texts = [a.text or "" for a in found]
    items = [(a, i) for a in found for i in a.layers["mentions"]]
    assert (len(found), sum(map(len, texts)), len(items)) == (454, 73_016, 444)
    assert sum(not a.layers["mentions"] for a in found) == 223
    assert len(texts) - len(set(texts)) == 19
    assert Counter(i.label for _, i in items) == {
        "PERSON": 178, "LOC": 105, "ORG": 91, "MISC": 30, "DATE": 29, "MONEY": 10, "TIME": 1,
    }  # fmt: skip
    assert sum(a.surface_of(i) != a.surface_of(i).strip() for a, i in items) == 98
    assert {a.unit for a in found} == {"code points"}
    assert not any(a.found or a.left_out for a in found)


@needs_corpora
def test_the_tools_own_fixtures() -> None:
    found = corpus("doccano-fixtures")
    lost = Counter(d.code for d in found if isinstance(d, Diagnostic))
    read_ = [a for a in found if isinstance(a, Article)]
    assert lost == {"I001": 14, "I004": 7}
    assert sum(len(a.layers["mentions"]) for a in read_) == 53
    assert sum(len(a.layers.get("relations", [])) for a in read_) == 9
    assert Counter(a.annotator for a in read_ if a.annotator) == {"1": 4, "2": 2}
    assert not any(a.found for a in read_)


# Exports of the wild


def test_the_text_is_called_data_in_the_versions_1_2_to_1_5() -> None:
    record = {"id": 3, "data": TEXT, "label": [[6, 14, "PER"]], "source": "wire"}
    (article,) = articles(record)
    assert (article.id, article.text, spans(article)) == ("3", TEXT, [("Ada Lund", "PER")])
    assert article.values == {"source": "wire"}
    (both,) = articles({"id": 3, "text": TEXT, "data": "a note", "label": []})
    assert (both.text, both.values) == (TEXT, {"data": "a note"})


def test_a_zip_has_one_file_a_user() -> None:
    names = ["x/export.zip/ann.jsonl", "x/export.zip/bo.jsonl", "x/one.zip/all.jsonl", "x/plain/a.jsonl"]
    assert [(u.files, u.name) for u in doccano.units(source(), [*names, "x/plain/b.jsonl"])] == [
        (("x/export.zip/ann.jsonl", "x/export.zip/bo.jsonl"), "x/export.zip"),
        (("x/one.zip/all.jsonl",), "x/one.zip/all"),
        (("x/plain/a.jsonl",), "x/plain/a"),
        (("x/plain/b.jsonl",), "x/plain/b"),
    ]
    mine, both = {"id": 1, "text": "Rain.", "label": []}, {"id": 2, "text": TEXT, "label": [[6, 14, "PER"]]}
    found = read(lines(mine, both), name="e.zip/ann.jsonl", beside={"e.zip/bo.jsonl": lines(both | {"label": []})})
    assert [(a.id, a.annotator, a.file) for a in found if isinstance(a, Article)] == [
        ("1", None, "e.zip/ann.jsonl"), ("2", "ann", "e.zip/ann.jsonl"), ("2", "bo", "e.zip/bo.jsonl"),
    ]  # fmt: skip


def test_texts_that_repeat_without_ids_are_told_apart() -> None:
    found = articles(*({"text": "the same", "label": []} for _ in range(3000)))
    assert len({a.id for a in found}) == 3000
    assert [a.id.rpartition("-")[2] for a in found[1:3]] == ["2", "3"]


def test_offsets_are_declared_in_the_words_of_every_format() -> None:
    assert doccano.OPTIONS["offsets"]["enum"] == ["code points", "UTF-16 units", "UTF-8 bytes", "graphemes"]
    start = len(TEXT[: TEXT.index("Bergen")].encode())
    (article,) = articles({"text": TEXT, "label": [[start, start + 6, "LOC"]]}, offsets="UTF-8 bytes")
    assert (spans(article), article.unit) == ([("Bergen", "LOC")], "UTF-8 bytes")


def test_files_are_known_beside_their_labels_and_in_utf_16() -> None:
    def sniff(**files: object) -> int:
        heads = {n.replace("_", "."): v if isinstance(v, bytes) else json.dumps(v).encode() for n, v in files.items()}
        return doccano.sniff(Sample(names=sorted(heads), head=lambda name: heads[name]))

    old = {"id": 1, "text": TEXT, "annotations": [{"label": 1, "user": 1}], "meta": {}}
    assert sniff(label_config_json=b"", old_jsonl=old) == 70
    assert sniff(a_jsonl={"id": 1, "data": TEXT, "label": [[0, 5, "X"]]}) == 80
    assert sniff(a_json1=json.dumps({"id": 1, "text": TEXT, "label": [[0, 5, "X"]]}).encode("utf-16")) == 80
