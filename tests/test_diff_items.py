"""Which annotation is which: by what it says and where it stands, and what was done to it, aspect by aspect."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import pytest
from diff_sides import LABELS, Records, contract, release, spans, write_side
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.diff.items import Layer, layer_of, match
from copydesk.diff.layers import ELSEWHERE, FOLLOWS
from copydesk.diff.model import Change
from copydesk.diff.rows import changes

TEXT = " ".join(f"word{n:04d}" for n in range(3000))


def layer(name: str) -> Layer:
    listed = contract().kinds["article"].type.field_type(name)
    assert listed.item is not None
    return layer_of(name, listed, listed.item)


def mention(number: int, at: int, label: str = "PERSON", **more: Any) -> dict[str, Any]:
    """A mention of the word number `at`."""
    return {"id": f"m{number}", **spans(TEXT, at * 9, at * 9 + 8), "label": label, "entity": None, **more}


@pytest.fixture
def records() -> Records:
    """An article with three hundred mentions, one a word, and another article."""
    made = release(random.Random(5), 2)
    made = {key: ("train", record) for key, (_, record) in made.items() if key[0] == "article"}
    record = made["article", "a0"][1]
    entities = [
        {"id": f"e{n}", "label": LABELS[n % 3], "name": f"name {n}", "part_of": "e1" if n == 4 else None}
        for n in range(10)
    ]
    mentions = [mention(n, 4 * n, LABELS[n % 3], entity=f"e{n % 10}") for n in range(300)]
    quote = {
        "id": "q0", "fragments": [{"start": 0, "end": 17}, {"start": 27, "end": 35}],
        "surface": f"{TEXT[0:17]} {TEXT[27:35]}", "label": "PERSON", "cue": spans(TEXT, 18, 26), "speaker": "e1",
        "about": ["m0", "m7"],
    }  # fmt: skip
    record.update(text=TEXT, entities=entities, mentions=mentions, quotes=[quote])
    return made


def edited(tmp_path: Path, old: Records, change: Any) -> list[Change]:
    """What the difference says after `change` altered the article."""
    new = copy.deepcopy(old)
    change(new["article", "a0"][1])
    return list(changes(write_side(tmp_path / "old", old), write_side(tmp_path / "new", new)))


def told(found: list[Change]) -> list[tuple[str, str, Any, Any]]:
    return [(c.what.removeprefix("annotation-"), c.item, c.old, c.new) for c in found]


def test_one_label_of_three_hundred_is_one_change_in_any_order(tmp_path: Path, records: Records) -> None:
    def correct(record: dict[str, Any]) -> None:
        record["mentions"][140]["label"] = "PERSON"

    found = edited(tmp_path / "a", records, correct)
    assert told(found) == [("relabelled", "m140", {"label": LABELS[140 % 3]}, {"label": "PERSON"})]

    def correct_and_shuffle(record: dict[str, Any]) -> None:
        record["mentions"][130]["label"] = "PERSON"
        random.Random(1).shuffle(record["mentions"])

    order, label = edited(tmp_path / "b", records, correct_and_shuffle)
    assert order.what == "layer-reordered"
    assert sorted(order.new) == list(range(300))
    assert told([label]) == [("relabelled", "m130", {"label": LABELS[130 % 3]}, {"label": "PERSON"})]


def test_every_aspect_is_a_change_of_its_own(tmp_path: Path, records: Records) -> None:
    def change(record: dict[str, Any]) -> None:
        item = record["mentions"][5]
        item.update(
            spans(TEXT, item["start"], item["end"] + 9),
            label="TIME" if item["label"] != "TIME" else "PLACE",
            entity="e9",
        )

    found = edited(tmp_path, records, change)
    assert [(c.what, c.pointer) for c in found] == [
        ("annotation-moved", "/mentions/5/end"),
        ("annotation-relabelled", "/mentions/5/label"),
        ("annotation-reattributed", "/mentions/5/entity"),
    ]
    assert (found[0].old, found[0].new) == ({"end": 188}, {"end": 197}), "the words follow from the span"


def test_nested_spans_fragments_and_lists_of_references(tmp_path: Path, records: Records) -> None:
    def change(record: dict[str, Any]) -> None:
        quote = record["quotes"][0]
        quote["cue"] = spans(TEXT, 18, 35)
        quote["fragments"] = quote["fragments"][:1]
        quote["surface"] = TEXT[0:17]
        quote["about"] = ["m0", "m8"]
        quote["speaker"] = None

    found = edited(tmp_path, records, change)
    assert [(c.what, sorted(c.new)) for c in found] == [
        ("annotation-moved", ["cue", "fragments"]),
        ("annotation-reattributed", ["about", "speaker"]),
    ]


def test_a_surface_that_does_not_follow_is_told(tmp_path: Path, records: Records) -> None:
    found = edited(tmp_path, records, lambda record: record["mentions"][5].update(surface="other words"))
    assert told(found) == [("edited", "m5", {"surface": TEXT[180:188]}, {"surface": "other words"})]


def test_renumbered_ids_are_edits_and_references_follow(tmp_path: Path, records: Records) -> None:
    def change(record: dict[str, Any]) -> None:
        record["mentions"].insert(0, mention(0, 2))
        for n, item in enumerate(record["mentions"]):
            item["id"] = f"m{n}"
        record["quotes"][0]["about"] = ["m1", "m8"]

    found = edited(tmp_path, records, change)
    assert [c.what for c in found if c.layer == "mentions"] == ["annotation-added", *["annotation-edited"] * 300]
    assert all(set(c.new) == {"id"} for c in found if c.layer == "mentions" and c.what == "annotation-edited")
    (quote,) = (c for c in found if c.layer == "quotes")
    assert (quote.what, quote.note, quote.new) == ("annotation-edited", FOLLOWS, {"about": ["m1", "m8"]})


def test_a_reference_that_stayed_while_its_id_went_elsewhere(tmp_path: Path, records: Records) -> None:
    def change(record: dict[str, Any]) -> None:
        for item in record["mentions"]:
            item["id"] = {"m7": "m8", "m8": "m7"}.get(item["id"], item["id"])

    found = edited(tmp_path, records, change)
    assert [c.what for c in found] == ["annotation-edited", "annotation-edited", "annotation-reattributed"]
    assert found[2].note == ELSEWHERE


def test_an_entity_with_another_id_takes_its_mentions_along(tmp_path: Path, records: Records) -> None:
    def change(record: dict[str, Any]) -> None:
        record["entities"][1]["id"] = "kim"
        for item in [*record["entities"], *record["mentions"], *record["quotes"]]:
            for name in ("part_of", "entity", "speaker"):
                if item.get(name) == "e1":
                    item[name] = "kim"

    found = edited(tmp_path, records, change)
    assert {c.what for c in found} == {"annotation-edited"}
    assert [c.layer for c in found] == ["entities", "entities", *["mentions"] * 30, "quotes"]
    assert {c.note for c in found[1:]} == {FOLLOWS}


def test_items_without_id_or_place(tmp_path: Path, records: Records) -> None:
    records["article", "a0"][1]["remarks"] = [
        {"label": "PERSON", "words": f"w{n // 2}", "certain": n % 3 > 0} for n in range(12)
    ]

    def change(record: dict[str, Any]) -> None:
        record["remarks"][3]["words"] = "other"
        record["remarks"][8]["label"] = "TIME"
        del record["remarks"][11]

    found = edited(tmp_path, records, change)
    assert told(found) == [
        ("removed", "", {"label": "PERSON", "words": "w5", "certain": True}, None),
        ("edited", "", {"words": "w1"}, {"words": "other"}),
        ("relabelled", "", {"label": "PERSON"}, {"label": "TIME"}),
    ]


def test_the_same_id_for_something_else_is_no_edit() -> None:
    old = [mention(0, 0), mention(1, 50, "PLACE")]
    new = [mention(0, 900, "TIME"), mention(1, 50, "PLACE")]
    old[0]["entity"], new[0]["entity"] = "e1", "e2"
    assert match(layer("mentions"), old, new) == [(1, 1)]
    new[0]["label"] = "PERSON"
    assert match(layer("mentions"), old, new) == [(0, 0), (1, 1)], "the same id and label, far away: it was moved"


def test_without_ids_the_nearest_of_the_same_label() -> None:
    plain = Layer(name="mentions", type=layer("mentions").type)
    old = [mention(0, 10, surface="a"), mention(1, 20, surface="b"), mention(2, 40, "TIME")]
    new = [mention(3, 20, surface="c"), mention(4, 11, surface="d"), mention(5, 300, "TIME")]
    assert match(plain, old, new) == [(1, 0), (0, 1)]


def test_overlaps_pair_by_how_much_they_share() -> None:
    plain = Layer(name="mentions", type=layer("mentions").type)
    old = [{**mention(0, 0), "start": 0, "end": 30}, {**mention(1, 0), "start": 20, "end": 40}]
    new = [{**mention(2, 0), "start": 22, "end": 41}, {**mention(3, 0), "start": 0, "end": 25}]
    assert match(plain, old, new) == [(1, 0), (0, 1)]
    new[0]["label"] = "TIME"
    assert match(plain, old, new) == [(1, 0), (0, 1)], "half of it is enough, whatever the label"


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32), st.booleans(), st.booleans())
def test_who_is_who_is_found_whatever_was_done(seed: int, renumber: bool, keyless: bool) -> None:
    """Mentions of words apart from one another: each gets at most a new label and a new end, some go, some come."""
    rnd = random.Random(seed)
    old = [mention(n, 5 * n + rnd.randrange(2), rnd.choice(LABELS), entity=f"e{n}") for n in range(rnd.randint(1, 60))]
    new, truth = [], []
    for number, item in enumerate(old):
        act = rnd.choice(("same", "same", "label", "end", "both", "drop"))
        if act == "drop":
            continue
        made = dict(item)
        if act in ("label", "both"):
            made["label"] = rnd.choice(LABELS)
        if act in ("end", "both"):
            made.update(spans(TEXT, item["start"], item["end"] + 1))
        new.append((number, made))
    for number in range(rnd.randrange(4)):
        new.insert(rnd.randint(0, len(new)), (-1, mention(900 + number, 2000 + 30 * number, entity="new")))
    rnd.shuffle(new)
    if renumber:
        for number, (_, item) in enumerate(new):
            item["id"] = f"x{number}"
    truth = [(i, j) for j, (i, _) in enumerate(new) if i >= 0]
    known = Layer(name="mentions", type=layer("mentions").type) if keyless else layer("mentions")
    assert match(known, old, [item for _, item in new]) == truth


def test_thousands_of_items_of_one_kind() -> None:
    rnd = random.Random(2)
    old = [mention(n, n % 3000, entity=f"e{n}") for n in range(6000)]
    new = copy.deepcopy(old)
    for n in range(0, 6000, 7):
        new[n]["label"] = "TIME"
    del new[3000]
    order = list(range(len(new)))
    rnd.shuffle(order)
    pairs = match(layer("mentions"), old, [new[at] for at in order])
    assert all(old[i]["id"] == new[order[j]]["id"] for i, j in pairs)
    assert len(pairs) == 5999
