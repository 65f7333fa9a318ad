"""The difference of rows: exact, complete, in order, and told as people would tell it."""

from __future__ import annotations

import copy
import random
import shutil
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from diff_edits import put_in, scramble
from diff_sides import (
    CONFIGS,
    LAYERS_ONLY,
    MAYBE,
    Records,
    article_schema,
    contract,
    mended,
    release,
    short,
    write_side,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk import jsontext
from copydesk.diff.apply import apply, read_records
from copydesk.diff.layers import FOLLOWS
from copydesk.diff.model import Bump, Change, Side
from copydesk.diff.rows import changes
from copydesk.diff.shapes import shapes
from copydesk.diff.summary import summarise
from copydesk.release.verify import open_release

HISTORIES = settings(max_examples=60, deadline=None)


def difference(tmp_path: Path, old: Records, new: Records, **more: Any) -> list[Change]:
    return assert_applies(write_side(tmp_path / "old", old, **more), write_side(tmp_path / "new", new, **more))


def assert_applies(old: Side, new: Side) -> list[Change]:
    found = list(changes(old, new))
    kinds = shapes(old, new)
    wanted = read_records(new, kinds, old=False)
    assert apply(read_records(old, kinds, old=True), found, old, new) == wanted
    return found


@pytest.fixture
def records() -> Records:
    """Four articles and a link; a0 in test, the rest in train."""
    made = release(random.Random(7), 4)
    for key, (_, record) in made.items():
        made[key] = "test" if key[1] == "a0" else "train", record
    return made


@HISTORIES
@given(st.integers(0, 2**32), st.integers(0, 12), st.sampled_from([CONFIGS, LAYERS_ONLY]))
def test_the_changes_make_the_new_records(seed: int, times: int, configs: Any) -> None:
    rnd = random.Random(seed)
    before = release(rnd)
    after = scramble(before, rnd, times)
    with tempfile.TemporaryDirectory() as folder:
        old = write_side(Path(folder) / "old", before, configs=configs)
        new = write_side(Path(folder) / "new", after, configs=configs, shard=2)
        there, back = assert_applies(old, new), assert_applies(new, old)
        if before == after:
            assert there == []
        if configs is CONFIGS:
            assert bool(there) == (before != after)
        pairs = (
            ("record-added", "record-withdrawn"),
            ("record-renamed", "record-renamed"),
            ("split-moved", "split-moved"),
        )
        for ours, theirs in pairs:
            assert sum(c.what == ours for c in there) == sum(c.what == theirs for c in back)
            assert sum(c.what == theirs for c in there) == sum(c.what == ours for c in back)
        order = [(c.kind != "article", c.kind, c.record) for c in there]
        assert order == sorted(order)


@HISTORIES
@given(st.integers(0, 2**32))
def test_a_side_equals_itself_however_it_is_cut(seed: int) -> None:
    made = release(random.Random(seed))
    with tempfile.TemporaryDirectory() as folder:
        old = write_side(Path(folder) / "old", made, shard=1)
        new = write_side(Path(folder) / "new", dict(reversed(made.items())), shard=4)
        assert list(changes(old, new)) == []


@HISTORIES
@given(st.integers(0, 2**32))
def test_another_order_of_items_is_nothing_but_that(seed: int) -> None:
    rnd = random.Random(seed)
    before = release(rnd)
    after = copy.deepcopy(before)
    for _, record in after.values():
        for layer in ("entities", "mentions", "quotes", "remarks", "pairs"):
            rnd.shuffle(record.get(layer, []))
    with tempfile.TemporaryDirectory() as folder:
        old, new = write_side(Path(folder) / "old", before), write_side(Path(folder) / "new", after)
        found = assert_applies(old, new)
        assert {c.what for c in found} <= {"layer-reordered"}
        assert len(found) >= sum(
            before[k][1].get(name) != after[k][1].get(name) for k in before for name in ("entities", "mentions")
        )
        assert summarise(found, old, new, keep=3).bump <= Bump.PATCH


@HISTORIES
@given(st.integers(0, 2**32), st.data())
def test_what_is_put_into_a_text_moves_no_annotation(seed: int, data: st.DataObject) -> None:
    """Any sentence, at the start of any word: one change, however many offsets follow it."""
    before = release(random.Random(seed), 2)
    after = copy.deepcopy(before)
    record = after["article", "a0"][1]
    starts = [0, *(at + 1 for at, char in enumerate(record["text"]) if char == " ")]
    put_in(record, data.draw(st.sampled_from(starts)), "Zwölf Boxkämpfer jagen Viktor quer. ")
    with tempfile.TemporaryDirectory() as folder:
        old, new = write_side(Path(folder) / "old", before), write_side(Path(folder) / "new", after)
        found = assert_applies(old, new)
        assert short(c for c in found if c.kind == "article") == [("text-edited", "a0", "/text")]


def test_edits_are_counted_as_they_were_made(tmp_path: Path, records: Records) -> None:
    new = copy.deepcopy(records)
    for name, (label, at) in {"a0": ("TIME", 3), "a1": ("PLACE", 0)}.items():
        mention = new["article", name][1]["mentions"][at]
        mention["label"] = label if mention["label"] != label else "PERSON"
    del new["article", "a3"][1]["mentions"][-1]
    new["link", "l0"][1]["pairs"][1]["note"] = "another note"
    found = difference(tmp_path, records, new)
    assert [(c.what, c.record, c.layer, c.item, c.rule) for c in found] == [
        ("annotation-relabelled", "a0", "mentions", "m3", "test-annotations-changed"),
        ("annotation-relabelled", "a1", "mentions", "m0", "train-annotations-changed"),
        ("annotation-removed", "a3", "mentions", "m7", "train-annotations-changed"),
        ("annotation-edited", "l0", "pairs", "p1", "train-annotations-changed"),
    ]
    assert found[0].pointer == "/mentions/3/label"
    assert found[0].old == {"label": records["article", "a0"][1]["mentions"][3]["label"]}
    assert found[3].new == {"note": "another note"}


def test_one_corrected_claim_is_one_change_and_not_one_in_every_table(tmp_path: Path, records: Records) -> None:
    new = copy.deepcopy(records)
    mention = new["article", "a1"][1]["mentions"][0]
    mention["label"] = "PLACE" if mention["label"] != "PLACE" else "TIME"
    new["link", "l0"][1]["pairs"][0]["here"] = "m0"
    records["link", "l0"][1]["pairs"][0]["here"] = "m0"
    found = difference(tmp_path, records, new)
    assert short(found) == [("annotation-relabelled", "a1", "mentions")]


def test_splits_rights_and_properties(tmp_path: Path, records: Records) -> None:
    new = copy.deepcopy(records)
    new["article", "a1"] = "test", new["article", "a1"][1]
    record = new["article", "a0"][1]
    record["rights"]["redistribute"] = False
    record["source"]["name"] = "Reuters"
    record["topic"] = next(label for label in ("PERSON", "TIME") if label != record["topic"])
    found = difference(tmp_path, records, new)
    assert [(c.what, c.record, c.pointer, c.rule) for c in found] == [
        ("rights-changed", "a0", "/rights", "rights-narrowed"),
        ("record-edited", "a0", "/topic", "test-annotations-changed"),
        ("record-edited", "a0", "/source/name", "test-properties-changed"),
        ("split-moved", "a1", "", "article-moved"),
    ]
    assert (found[0].old, found[0].new) == ({"redistribute": True}, {"redistribute": False})
    assert (found[3].old_split, found[3].split) == ("train", "test")


def test_what_an_article_was_decides_how_much_a_change_weighs(tmp_path: Path, records: Records) -> None:
    new = copy.deepcopy(records)
    for name, split in (("a0", "train"), ("a1", "test")):
        new["article", name] = split, new["article", name][1]
        new["article", name][1]["mentions"][0]["entity"] = "e0"
        records["article", name][1]["mentions"][0]["entity"] = "e1"
    found = difference(tmp_path, records, new)
    assert [(c.record, c.rule) for c in found if c.layer] == [
        ("a0", "test-annotations-changed"), ("a1", "train-annotations-changed"),
    ]  # fmt: skip


def test_without_the_text_the_words_go_with_the_span(tmp_path: Path, records: Records) -> None:
    new = copy.deepcopy(records)
    mention = new["article", "a1"][1]["mentions"][4]
    mention["end"] += 1
    mention["surface"] += "X"
    (found,) = difference(tmp_path, records, new, configs=LAYERS_ONLY)
    assert (found.what, found.new) == ("annotation-moved", {"end": mention["end"], "surface": mention["surface"]})


def test_a_text_says_what_was_put_in_and_what_follows_it(tmp_path: Path, records: Records) -> None:
    new = copy.deepcopy(records)
    put_in(new["article", "a0"][1], 0, "Breaking news. ")
    (found,) = difference(tmp_path, records, new)
    assert (found.what, found.rule, found.pointer) == ("text-edited", "test-text-changed", "/text")
    assert (found.old, found.new) == ([[0, 0, ""]], [[0, 15, "Breaking news. "]])
    assert "{+Breaking news. +}" in found.note
    assert "the offsets of 10 annotations follow it by +15" in found.note


def test_a_text_that_was_withheld_and_came_back(tmp_path: Path, records: Records) -> None:
    withheld = copy.deepcopy(records)
    withheld["article", "a1"][1]["text"] = None
    (found,) = difference(tmp_path / "there", withheld, records)
    assert (found.what, found.rule, found.pointer) == ("record-edited", "train-text-changed", "/text")
    (found,) = difference(tmp_path / "back", records, withheld)
    assert (found.what, found.new) == ("record-edited", None)


def test_a_span_that_moved_on_top_of_an_edited_text(tmp_path: Path, records: Records) -> None:
    new = copy.deepcopy(records)
    record = new["article", "a0"][1]
    put_in(record, 0, "Breaking news. ")
    record["mentions"][2]["end"] += 1
    record["mentions"][2]["surface"] = record["text"][record["mentions"][2]["start"] : record["mentions"][2]["end"]]
    text, moved = difference(tmp_path, records, new)
    assert text.what == "text-edited"
    assert (moved.what, moved.item, moved.pointer) == ("annotation-moved", "m2", "/mentions/2/end")
    was = records["article", "a0"][1]["mentions"][2]["end"]
    assert (moved.old, moved.new) == ({"end": was}, {"end": was + 16})


def test_renamed_articles_and_what_names_them(tmp_path: Path, records: Records) -> None:
    new = copy.deepcopy(records)
    for before, after in (("a1", "z1"), ("a3", "b3")):
        split, record = new.pop(("article", before))
        new["article", after] = split, {**record, "id": after}
    new["link", "l0"][1]["derived"] = "z1"
    new["link", "l1"][1]["source"] = "z1"
    found = difference(tmp_path, records, new)
    assert [(c.what, c.record, c.old, c.new, c.rule) for c in found] == [
        ("record-renamed", "b3", "a3", "b3", "article-renamed"),
        ("record-renamed", "z1", "a1", "z1", "article-renamed"),
        ("record-edited", "l0", "a1", "z1", "train-properties-changed"),
        ("record-edited", "l1", "a1", "z1", "train-properties-changed"),
    ]
    assert {c.note for c in found[2:]} == {FOLLOWS}


def test_references_from_other_records_follow_changed_ids(tmp_path: Path, records: Records) -> None:
    records["link", "l0"][1]["pairs"][0].update(here="m2", there=["m1", "m3"])
    new = copy.deepcopy(records)
    for mention in new["article", "a1"][1]["mentions"]:
        mention["id"] += "x"
    for quote in new["article", "a1"][1]["quotes"]:
        quote["about"] = [name + "x" for name in quote["about"]]
    pairs = new["link", "l0"][1]["pairs"]
    for pair in (*pairs, *new["link", "l1"][1]["pairs"]):
        if pair in pairs:
            pair["here"] = pair["here"] and pair["here"] + "x"
        else:
            pair["there"] = [name + "x" for name in pair["there"]]
    pairs[0]["there"] = ["m3", "m1"]
    split, record = new.pop(("article", "a1"))
    new["article", "z1"] = split, {**record, "id": "z1"}
    new["link", "l0"][1]["derived"] = new["link", "l1"][1]["source"] = "z1"
    found = [c for c in difference(tmp_path, records, new) if c.kind == "link"]
    assert {c.record for c in found} == {"l0", "l1"}
    by_note = Counter((c.what, c.note) for c in found)
    assert by_note == {
        ("record-edited", FOLLOWS): 2,
        ("annotation-edited", FOLLOWS): len(found) - 3,
        ("annotation-reattributed", ""): 1,
    }


def test_the_ledger_knows_a_renamed_article_whose_text_changed(tmp_path: Path, records: Records) -> None:
    new = copy.deepcopy(records)
    split, record = new.pop(("article", "a3"))
    put_in(record, 0, "Corrected. ")
    new["article", "x"] = split, {**record, "id": "x"}
    old_side = write_side(tmp_path / "old", records)
    plain = list(changes(old_side, write_side(tmp_path / "plain", new)))
    assert [(c.what, c.record) for c in plain] == [("record-withdrawn", "a3"), ("record-added", "x")]
    assert plain[0].old is None, "the text of a withdrawn article is not told once more"
    told = assert_applies(old_side, write_side(tmp_path / "told", new, formerly={"x": "a3"}))
    assert [(c.what, c.record) for c in told] == [("record-renamed", "x"), ("text-edited", "x")]


def test_of_equal_texts_one_is_renamed_and_the_other_withdrawn(tmp_path: Path, records: Records) -> None:
    twin = copy.deepcopy(records["article", "a2"][1])
    records["article", "a9"] = "test", {**twin, "id": "a9"}
    new = copy.deepcopy(records)
    del new["article", "a2"], new["article", "a9"]
    new["article", "n"] = "test", {**twin, "id": "n"}
    assert short(c for c in difference(tmp_path, records, mended(new)) if c.kind == "article") == [
        ("record-withdrawn", "a2", ""), ("record-renamed", "n", "/id"),
    ]  # fmt: skip


def test_new_columns_are_told_as_such_and_ask_for_no_more(tmp_path: Path, records: Records) -> None:
    schema = article_schema()
    item = schema["properties"]["mentions"]["items"]
    item["properties"]["confidence"] = MAYBE
    item["required"].append("confidence")
    schema["properties"]["desk"] = MAYBE
    schema["required"].append("desk")
    wide = contract(schema)
    new = copy.deepcopy(records)
    for (kind, _), (_, record) in new.items():
        if kind == "article":
            record["desk"] = None
            for mention in record["mentions"]:
                mention["confidence"] = None
    old_side = write_side(tmp_path / "old", records)
    assert list(changes(old_side, write_side(tmp_path / "null", new, wide))) == []
    new["article", "a0"][1]["desk"] = "world"
    new["article", "a0"][1]["mentions"][1]["confidence"] = "high"
    label = new["article", "a1"][1]["mentions"][0]["label"]
    new["article", "a1"][1]["mentions"][0]["label"] = "TIME" if label != "TIME" else "PLACE"
    side = write_side(tmp_path / "new", new, wide)
    found = assert_applies(old_side, side)
    assert [(c.what, c.record, c.pointer, c.rule) for c in found] == [
        ("record-edited", "a0", "/mentions/*/confidence", "column-added"),
        ("record-edited", "a0", "/desk", "column-added"),
        ("annotation-relabelled", "a1", "/mentions/0/label", "train-annotations-changed"),
    ]
    assert found[0].new == [None, "high", *[None] * 6]
    summary = summarise(found[:2], old_side, side, keep=5)
    assert summary.bump is Bump.MINOR
    assert summary.churn["test"].edited == 0
    back = assert_applies(side, old_side)
    assert short(back) == [("annotation-relabelled", "a1", "mentions")], "columns that are gone are the contract's"


def test_a_kind_that_one_side_has_only_in_layers(tmp_path: Path, records: Records) -> None:
    new = copy.deepcopy(records)
    new["article", "a1"][1]["mentions"][0]["label"] = "TIME"
    records["article", "a1"][1]["mentions"][0]["label"] = "PLACE"
    new["article", "a1"][1]["quotes"] = []
    old_side = write_side(tmp_path / "old", records, configs=CONFIGS)
    new_side = write_side(tmp_path / "new", new, configs=LAYERS_ONLY)
    assert short(changes(old_side, new_side)) == [("annotation-relabelled", "a1", "mentions")]


def test_an_article_that_lost_its_last_mention_is_still_there(tmp_path: Path, records: Records) -> None:
    new = copy.deepcopy(records)
    for layer in ("mentions", "entities"):
        new["article", "a1"][1][layer] = []
    old_side = write_side(tmp_path / "old", records, configs=LAYERS_ONLY)
    new_side = write_side(tmp_path / "new", mended(new), configs=LAYERS_ONLY)
    found = [c for c in assert_applies(old_side, new_side) if c.kind == "article"]
    assert {c.what for c in found} == {"annotation-removed", "record-edited"}, "the language went with the rows"
    assert Counter(c.layer for c in found) == {"mentions": 8, "entities": 4, "": 1}


def test_other_bytes_of_the_same_rows(tmp_path: Path, records: Records) -> None:
    old = write_side(tmp_path / "old", records, digest="1", license="CC-BY-4.0")
    same = write_side(tmp_path / "new", records, digest="2", license="CC-BY-4.0")
    assert [c.what for c in changes(old, same)] == ["bytes-changed"]
    schema = article_schema()
    schema["properties"]["language"] = {**schema["properties"]["language"], "description": "Of the text."}
    worded = write_side(tmp_path / "worded", records, contract(schema), digest="2", license="CC-BY-4.0")
    assert list(changes(old, worded)) == [], "the contract says that, and not the rows"
    free = write_side(tmp_path / "free", records, digest="3", license="CC-BY-NC-4.0")
    assert [(c.what, c.rule) for c in changes(old, free)] == [("license-changed", "rights-narrowed")]
    del records["link", "l0"]
    less = write_side(tmp_path / "less", records, digest="4", license="CC-BY-4.0")
    assert [c.what for c in changes(old, less)] == ["record-withdrawn"]


def test_ids_with_escapes_and_outside_ascii(tmp_path: Path) -> None:
    made = release(random.Random(3), 1)
    named: Records = {}
    for name in ('quo"te', "back\\slash", "été", "👍", "a/b~c", "tab\t", "z"):
        named["article", name] = "train", {**made["article", "a0"][1], "id": name, "text": f"{name} once"}
    new = copy.deepcopy(named)
    for (_, name), (_, record) in new.items():
        record["language"] = "xx" if name != "z" else record["language"]
    found = difference(tmp_path, named, new)
    assert [c.record for c in found] == sorted({n for _, n in named} - {"z"})


def test_the_summary_counts_articles_once(tmp_path: Path, records: Records) -> None:
    new = copy.deepcopy(records)
    for mention in new["article", "a0"][1]["mentions"]:
        mention["entity"] = None if mention["entity"] else "e0"
    new["article", "a1"] = "test", new["article", "a1"][1]
    new["article", "a1"][1]["language"] = "xx"
    del new["article", "a2"]
    new["article", "n"] = "validation", {**records["article", "a2"][1], "id": "n", "text": "other"}
    old_side, new_side = write_side(tmp_path / "old", records), write_side(tmp_path / "new", mended(new))
    summary = summarise(changes(old_side, new_side), old_side, new_side, keep=3)
    assert list(summary.churn) == ["test", "validation", "train"]
    test, train, validation = (summary.churn[name] for name in ("test", "train", "validation"))
    assert (test.before, test.after, test.edited, test.moved_in) == (1, 2, 2, 1)
    assert (train.before, train.after, train.withdrawn, train.moved_out) == (3, 1, 1, 1)
    assert (validation.before, validation.after, validation.added) == (0, 1, 1)
    assert summary.counts["annotation-reattributed", "mentions", "test"] == 8
    assert summary.rules["test-annotations-changed"] == 8
    assert [c.item for c in summary.forced["test-annotations-changed"]] == ["m0", "m1", "m2"]
    assert summary.bump is Bump.MAJOR


def test_the_seed_release(seed_release: Path, tmp_path: Path) -> None:
    """The tables of a real release: links are put together from their pairs, and what was brought along is left out."""
    folder = tmp_path / "edited"
    shutil.copytree(seed_release, folder)
    opened, _ = open_release(seed_release)
    assert opened is not None
    old = Side(label="", name="", version="", folder=seed_release, tables=opened.tables, ledger={})
    new = replace(old, folder=folder)
    assert list(changes(old, new)) == []
    _edit_row(folder, "p2", {"label": "omitted"})
    _edit_row(folder, "p3", {"derived_claim_sentence": "another sentence"})
    _edit_row(folder, "p4", {"source_claims": ["c1"]})
    label, source = changes(old, new)
    assert (label.what, label.kind, label.layer, label.item) == ("annotation-relabelled", "link", "claim_pairs", "p2")
    assert label.new == {"label": "omitted"}
    assert (source.what, source.item, source.new) == ("annotation-reattributed", "p4", {"source_claims": ["c1"]})


def _edit_row(folder: Path, identifier: str, values: dict[str, Any]) -> None:
    (path,) = (folder / "jsonl" / "claim_pairs").glob("*.jsonl")
    rows = [jsontext.load_line(line) for line in path.read_bytes().splitlines()]
    assert any(row["id"] == identifier for row in rows)
    path.write_bytes(b"".join(jsontext.dump_line({**r, **(values if r["id"] == identifier else {})}) for r in rows))


def test_articles_come_first_whatever_they_are_called(tmp_path: Path, records: Records) -> None:
    called = {"article": "zine", "link": "bond"}
    side = write_side(tmp_path / "side", records)
    tables = tuple(replace(t, config=replace(t.config, kind=called[t.config.kind])) for t in side.tables)
    renamed = replace(side, tables=tables)
    assert [shape.kind for shape in shapes(renamed, renamed)] == ["zine", "bond"]
    assert [shape.kind for shape in shapes(replace(renamed, tables=tables[::-1]), renamed)] == ["zine", "bond"]
