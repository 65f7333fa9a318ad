"""Groups, splits and the ledger: where articles fall, what holds them there, and what is said of it."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import ROOT
from copydesk.diagnostics import Diagnostic, Place, Severity
from copydesk.grouping import Edge, components, content_key, shared_edges
from copydesk.project import Boilerplate, Bound, Decision, NearCopies, Pin, Splits, load_project
from copydesk.splits import (
    Assigned,
    Entry,
    Ledger,
    Member,
    dump_ledger,
    generation,
    marks,
    read_ledger,
    settle,
)
from copydesk.splits.members import instant, split_named

IDS = st.sampled_from([f"a{n:02d}" for n in range(20)])
EDGES = st.lists(st.tuples(IDS, IDS), max_size=12)
RATIOS = {"train": 0.8, "validation": 0.1, "test": 0.1}


def splits(*pins: Pin, salt: str = "s") -> Splits:
    return Splits(salt=salt, ratios=RATIOS, pins=pins)


def assign(
    groups: Mapping[str, str], digests: Mapping[str, str], ledger: Ledger, given_splits: Splits, version: str
) -> tuple[dict[str, Entry], list[Diagnostic]]:
    """The new ledger and the findings, for articles of which no more than the text is known."""
    result = settle(groups, {i: Member(digest=d) for i, d in digests.items()}, ledger, given_splits, version)
    return result.ledger, result.found


def groups_of(ids: set[str], edges: list[tuple[str, str]]) -> dict[str, str]:
    return components(ids, [Edge(left=a, right=b, why="") for a, b in edges if a in ids and b in ids])


@given(st.sets(IDS, min_size=1), EDGES, st.randoms())
def test_components_do_not_depend_on_order(ids: set[str], edges: list[tuple[str, str]], random: object) -> None:
    shuffled = list(edges)
    random.shuffle(shuffled)
    flipped = [(b, a) for a, b in shuffled]
    groups = groups_of(ids, edges)
    assert groups == groups_of(ids, flipped)
    assert all(groups[a] == groups[b] for a, b in edges if a in ids and b in ids)
    assert all(groups[group] == group for group in groups.values())


@given(st.sets(IDS, min_size=1), EDGES)
def test_no_group_straddles(ids: set[str], edges: list[tuple[str, str]]) -> None:
    groups = groups_of(ids, edges)
    ledger, found = assign(groups, {i: f"text of {i}" for i in ids}, {}, splits(), "1.0.0")
    assert not found
    assert all(ledger[a].split == ledger[b].split for a, b in edges if a in ids and b in ids)


@given(st.lists(st.tuples(st.sets(IDS, min_size=1), EDGES), min_size=2, max_size=5))
def test_nothing_moves_from_release_to_release(history: list[tuple[set[str], list[tuple[str, str]]]]) -> None:
    ledger: dict = {}
    for number, (ids, edges) in enumerate(history):
        before = dict(ledger)
        made, found = assign(groups_of(ids, edges), {i: f"text of {i}" for i in ids}, ledger, splits(), f"1.{number}.0")
        if found:
            assert {d.code for d in found} == {"L002"}
            continue
        for identifier, entry in before.items():
            assert made[identifier].split == entry.split
            assert made[identifier].since == entry.since
        assert {i for i, e in made.items() if e.released} == ids
        ledger = made


def test_a_pin_decides_and_a_conflict_is_named() -> None:
    pin = Pin(articles=("a",), split="test", reason="r")
    ledger, found = assign({"a": "a", "b": "a"}, {"a": "", "b": ""}, {}, splits(pin), "1.0.0")
    assert not found
    assert {ledger["a"].split, ledger["b"].split} == {"test"}
    other = Pin(articles=("b",), split="train", reason="r")
    _, found = assign({"a": "a", "b": "a"}, {"a": "", "b": ""}, {}, splits(pin, other), "1.0.0")
    assert [d.code for d in found] == ["L004"]
    _, found = assign({"b": "b"}, {"b": ""}, {}, splits(pin), "1.0.0")
    assert [d.code for d in found] == ["L003"]


def test_an_article_that_joins_two_splits_stops() -> None:
    apart = splits(Pin(articles=("a",), split="train", reason="r"), Pin(articles=("b",), split="test", reason="r"))
    ledger, _ = assign({"a": "a", "b": "b"}, {"a": "", "b": ""}, {}, apart, "1.0.0")
    joined = {"a": "a", "b": "a", "c": "a"}
    _, found = assign(joined, dict.fromkeys(joined, ""), ledger, splits(), "1.1.0")
    assert [d.code for d in found] == ["L002"]
    assert "a is in train since 1.0.0; b is in test since 1.0.0" in found[0].notes[0]


def test_the_same_version_is_made_anew() -> None:
    ledger, _ = assign({"a": "a"}, {"a": ""}, {}, splits(), "1.0.0")
    again, _ = assign({"b": "b"}, {"b": ""}, ledger, splits(), "1.0.0")
    assert set(again) == {"b"}
    later, _ = assign({"b": "b"}, {"b": ""}, ledger, splits(), "1.1.0")
    assert not later["a"].released


def test_shares_follow_the_ratios_and_the_salt() -> None:
    ids = {f"x{n}": f"x{n}" for n in range(4000)}
    ledger, _ = assign(ids, dict.fromkeys(ids, ""), {}, splits(), "1.0.0")
    share = sum(e.split == "train" for e in ledger.values()) / len(ids)
    assert 0.77 < share < 0.83
    other, _ = assign(ids, dict.fromkeys(ids, ""), {}, splits(salt="t"), "1.0.0")
    assert any(other[i].split != ledger[i].split for i in ids)


def test_the_ledger_survives_its_file(tmp_path: Path) -> None:
    ledger, _ = assign({"b": "a", "a": "a"}, {"a": "1", "b": "2"}, {}, splits(), "1.10.0")
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(dump_ledger(ledger))
    assert read_ledger(path, "ledger.jsonl") == (ledger, [])
    path.write_bytes(path.read_bytes() + b'{"id": "c"}\n')
    entries, found = read_ledger(path, "ledger.jsonl")
    assert entries == {}
    assert [(d.code, d.place.line) for d in found] == [("L001", 3)]


def test_generations_count_versions_not_letters() -> None:
    early, _ = assign({"z": "z"}, {"z": ""}, {}, splits(), "1.9.0")
    ledger, _ = assign({"z": "z", "a": "a"}, {"z": "", "a": ""}, early, splits(), "1.10.0")
    assert sorted(ledger.values(), key=generation)[0].id == "z"


def test_texts_that_differ_in_dress_are_equal() -> None:
    assert content_key("“Kim’s”\n\nCAR  e\u0301") == content_key('"kim\'s" car é ')
    assert content_key("a") != content_key("b")


def folded(text: str) -> str:
    """What the key is of, in the plainest words."""
    plain = unicodedata.normalize("NFKC", text)
    for quote in "“”„«»":
        plain = plain.replace(quote, '"')
    for quote in "‘’‚":
        plain = plain.replace(quote, "'")
    return " ".join(plain.casefold().split())


CONFUSED = [
    *" \t\n\x0b\x1c\x1f\x85\u00a0\u1680\u2003\u2028\u3000aAßẞÉéİıſKﬁ“”„«»‘’‚…½ΣςΐǅK",
    "e\u0301",
    "\u0345",
    "\ud800",
]


@settings(max_examples=500)
@given(st.lists(st.sampled_from(CONFUSED), max_size=10).map("".join) | st.text(max_size=20))
def test_the_quick_ways_to_a_content_key_are_the_plain_one(text: str) -> None:
    wanted = hashlib.sha256(folded(text).encode("utf-8", "surrogatepass")).hexdigest()
    assert content_key(text) == wanted


def test_a_content_key_of_many_alphabets() -> None:
    text = "".join(map(chr, range(0xC0, 0x600)))
    assert content_key(text) == hashlib.sha256(folded(text).encode()).hexdigest()
    assert [e.why for e in shared_edges([("k", "b"), ("k", "a"), ("l", "c")], "same")] == ["same"]


def entry(identifier: str, split: str = "train", since: str = "1.0.0", **more: object) -> Entry:
    made = Entry(id=identifier, group=identifier, split=split, since=since, digest=f"text of {identifier}")
    return replace(made, **more)


def ledger_of(*entries: Entry) -> dict[str, Entry]:
    return {e.id: e for e in entries}


def members_of(ids: Iterable[str], **marked: Mapping[str, str]) -> dict[str, Member]:
    """Articles whose text is known by their id, with what is said of some of them."""
    return {
        i: Member(digest=f"text of {i}", **{key: values[i] for key, values in marked.items() if i in values})
        for i in ids
    }


def alone(ids: Iterable[str]) -> dict[str, str]:
    return {i: i for i in ids}


def counts(result: Assigned | Ledger) -> dict[str, int]:
    ledger = result.ledger if isinstance(result, Assigned) else result
    found = Counter(e.split for e in ledger.values() if e.released)
    return {name: found[name] for name in RATIOS}


def codes(result: Assigned) -> list[str]:
    return [d.code for d in result.found]


def by(how: str, **options: object) -> Splits:
    return Splits(salt="s", ratios=RATIOS, by=how, **options)


# the ledger


OLD = '{"id":"a","group":"a","split":"train","since":"1.0.0","digest":"d","released":true}'


def test_a_ledger_from_before_there_were_more_keys_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text(OLD + "\n", encoding="utf-8")
    entries, found = read_ledger(path, "ledger.jsonl")
    assert not found
    assert dump_ledger(entries) == path.read_bytes()


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[]",
        "3",
        OLD.replace('"1.0.0"', '"1.0"'),
        OLD.replace('"1.0.0"', '" 1.0.0"'),
        OLD.replace('"1.0.0"', "1"),
        OLD.replace("true", "1"),
        OLD.replace("true", 'true,"more":1'),
        OLD.replace("true", 'true,"fold":1'),
        OLD.replace("true", 'true,"fold":true,"folds":2'),
        OLD.replace("true", 'true,"fold":5,"folds":5'),
        OLD.replace("true", 'true,"fold":-1,"folds":5'),
        OLD.replace("true", 'true,"formerly":null'),
        OLD.replace("true", 'true,"before":{}'),
        OLD.replace("true", 'true,"before":[{"version":"x","group":"a","split":"test"}]'),
        OLD.replace("true", 'true,"before":[{"version":"1.0.0","group":"a","split":"test","fold":1}]'),
        OLD.replace('"a"', '"b"', 1) + "\n" + OLD.replace('"a"', '"b"', 1),
    ],
)
def test_a_line_that_is_no_entry_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text(f"{OLD}\n{line}\n", encoding="utf-8")
    entries, found = read_ledger(path, "data/ledger.jsonl")
    assert entries == {}
    assert [(d.code, d.place.file, d.place.line) for d in found] == [
        ("L001", "data/ledger.jsonl", 2 + line.count("\n"))
    ]


def test_a_move_is_remembered_and_an_older_version_refused() -> None:
    pinned = splits(Pin(articles=("a",), split="test", reason="r"))
    moved = settle(alone("a"), members_of("a"), ledger_of(entry("a")), pinned, "2.0.0").ledger
    assert moved["a"].split == "test"
    assert [(stand.version, stand.split) for stand in moved["a"].before] == [("2.0.0", "train")]
    assert codes(settle(alone("a"), members_of("a"), moved, splits(), "1.1.0")) == ["L006"]
    assert settle(alone("a"), members_of("a"), moved, splits(), "2.0.0").ledger["a"].split == "train"
    assert settle(alone("a"), members_of("a"), moved, splits(), "2.0.1").ledger["a"].split == "test"


def test_the_release_before_counts_even_if_it_left_the_ledger_alone() -> None:
    pinned = splits(Pin(articles=("a",), split="test", reason="r"))
    held = ledger_of(entry("a"))
    assert settle(alone("a"), members_of("a"), held, pinned, "2.0.1").found[0].severity is Severity.NOTE
    found = settle(alone("a"), members_of("a"), held, pinned, "2.0.1", previous="2.0.0").found
    assert [(d.code, d.severity) for d in found] == [("L005", Severity.ERROR)]


def test_an_article_that_comes_back_finds_its_place() -> None:
    held = ledger_of(entry("a", "test", group="g"), entry("b"))
    gone = settle(alone("b"), members_of("b"), held, splits(), "1.1.0").ledger
    assert (gone["a"].released, gone["a"].split) == (False, "test")
    back = settle(alone("ab"), members_of("ab"), gone, splits(), "1.2.0").ledger
    assert back["a"] == held["a"]


def test_what_is_withdrawn_moves_with_its_group_and_comes_back_to_it() -> None:
    held = ledger_of(entry("a"), entry("b", group="a"))
    pinned = splits(Pin(articles=("a",), split="test", reason="r"))
    moved = settle(alone("a"), members_of("a"), held, pinned, "2.0.0").ledger
    assert {e.split for e in moved.values()} == {"test"}
    back = settle({"a": "a", "b": "a"}, members_of("ab"), moved, splits(), "2.0.1")
    assert codes(back) == []


def test_no_new_group_takes_the_name_of_one_that_was() -> None:
    held = ledger_of(entry("b", "test", group="a"), entry("c", "test", group="a"))
    made = settle(alone("ab"), members_of("ab"), held, splits(salt="x"), "1.1.0").ledger
    assert made["b"].group == made["c"].group == "a"
    assert made["a"].group != "a"


def test_a_pin_of_an_article_that_is_left_out_waits() -> None:
    pinned = splits(Pin(articles=("a", "b"), split="test", reason="r"))
    assert codes(settle(alone("a"), members_of("a"), {}, pinned, "1.0.0")) == ["L003"]
    assert codes(settle(alone("a"), members_of("a"), {}, pinned, "1.0.0", left_out={"b"})) == []


# renamed articles


def test_a_renamed_article_keeps_its_place() -> None:
    held = ledger_of(entry("old", "test", "0.3.0", group="g"))
    members = {"new": Member(digest="text of old", place=Place(file="data/new.json", line=1))}
    result = settle(alone(["new"]), members, held, splits(), "1.1.0")
    assert result.ledger == {"new": replace(held["old"], id="new", formerly="old")}
    assert [(d.code, d.place.file, d.severity) for d in result.found] == [("L008", "data/new.json", Severity.NOTE)]
    later = settle(alone(["new"]), members, result.ledger, splits(), "1.2.0")
    assert (later.ledger, later.found) == (result.ledger, [])


def test_a_copy_of_an_article_that_is_still_there_is_no_renamed_one() -> None:
    members = members_of(["old"]) | {"new": Member(digest="text of old")}
    result = settle(alone(["old", "new"]), members, ledger_of(entry("old")), splits(), "1.1.0")
    assert codes(result) == []
    assert result.ledger["new"].since == "1.1.0"


def test_an_article_that_is_left_out_is_not_gone() -> None:
    members = {"new": Member(digest="text of old")}
    held = ledger_of(entry("old"))
    result = settle(alone(["new"]), members, held, splits(), "1.1.0", left_out={"old"})
    assert codes(result) == []
    assert set(result.ledger) == {"old", "new"}


def test_texts_that_are_empty_tell_nothing() -> None:
    held = ledger_of(entry("old", digest=""))
    assert codes(settle(alone(["new"]), {"new": Member(digest="")}, held, splits(), "1.1.0")) == []


def test_of_several_with_one_text_each_takes_one_place() -> None:
    held = ledger_of(
        entry("p", "train", "1.1.0", digest="d"), entry("q", "test", "1.0.0", digest="d"),
        entry("r", "validation", "0.9.0", digest="d", released=False),
    )  # fmt: skip
    members = {i: Member(digest="d") for i in "xyz"}
    made = settle(alone("xyz"), members, held, splits(), "1.2.0").ledger
    assert {i: e.formerly for i, e in made.items()} == {"x": "q", "y": "p", "z": "r"}


def test_a_renamed_article_counts_in_a_conflict_like_the_old_one() -> None:
    held = ledger_of(entry("old", "test"), entry("b", "train"))
    members = members_of("b") | {"new": Member(digest="text of old")}
    edge = Edge(left="b", right="new", why="link 7")
    result = settle({"b": "b", "new": "b"}, members, held, splits(), "1.1.0", [edge])
    conflict = next(d for d in result.found if d.code == "L002")
    assert "new is in test since 1.0.0, as old" in conflict.notes[0]
    assert "link 7" in conflict.notes[1]


# quota and strata


@pytest.mark.parametrize(
    ("size", "expected"),
    [(10, (8, 1, 1)), (20, (16, 2, 2)), (100, (80, 10, 10)), (1, (1, 0, 0)), (13, (11, 1, 1)), (5, (4, 1, 0))],
)
def test_a_quota_gives_small_sets_their_shares(size: int, expected: tuple[int, ...]) -> None:
    ids = [f"x{n}" for n in range(size)]
    assert tuple(counts(settle(alone(ids), members_of(ids), {}, by("quota"), "1.0.0")).values()) == expected


@given(st.lists(st.integers(1, 6), min_size=1, max_size=40))
def test_a_quota_is_no_further_off_than_a_group_is_large(sizes: list[int]) -> None:
    groups = {f"g{n:02d}m{m}": f"g{n:02d}m0" for n, size in enumerate(sizes) for m in range(size)}
    found = counts(settle(groups, members_of(groups), {}, by("quota"), "1.0.0"))
    for name, ratio in RATIOS.items():
        assert abs(found[name] - ratio * len(groups)) <= max(sizes) * 2


def test_a_quota_makes_up_for_what_is_there() -> None:
    held = ledger_of(*(entry(f"h{n}", "test") for n in range(10)))
    ids = [*held, *(f"x{n}" for n in range(10))]
    assert counts(settle(alone(ids), members_of(ids), held, by("quota"), "1.1.0")) == {
        "train": 8 + 1 + 0, "validation": 1, "test": 10,
    }  # fmt: skip


@given(st.lists(st.sampled_from(["a", "b", "c", ""]), min_size=1, max_size=60))
def test_every_stratum_gets_its_shares(topics: list[str]) -> None:
    topic = {f"x{n}": name for n, name in enumerate(topics)}
    result = settle(alone(topic), members_of(topic, stratum=topic), {}, by("quota", stratify="topic"), "1.0.0")
    for name, size in Counter(topics).items():
        inside = counts({i: e for i, e in result.ledger.items() if topic[i] == name})
        for split, ratio in RATIOS.items():
            assert abs(inside[split] - ratio * size) < 1 + 1e-9
        if any(topics):
            assert {s: share.articles for s, share in result.strata[name].items()} == inside
    assert codes(result) in ([], ["L010"])


def test_many_small_strata_still_fill_every_split() -> None:
    topic = {f"x{n}": f"t{n // 3}" for n in range(300)}
    result = settle(alone(topic), members_of(topic, stratum=topic), {}, by("quota", stratify="topic"), "1.0.0")
    assert counts(result) == {"train": 240, "validation": 30, "test": 30}


def test_a_group_is_of_the_stratum_of_most_of_its_articles() -> None:
    strata = by("quota", stratify="topic")
    groups = {f"{letter}{n}": f"{letter}0" for letter in "abcdefghij" for n in range(3)}
    topic = {i: "minor" if i.endswith("2") else "major" for i in groups}
    result = settle(groups, members_of(groups, stratum=topic), {}, strata, "1.0.0")
    assert counts(result) == {"train": 24, "validation": 3, "test": 3}


# time


def days(*numbers: int) -> dict[str, str]:
    return {f"x{n:02d}": f"2024-01-{day:02d}" for n, day in enumerate(numbers)}


def fallen(time: Mapping[str, str], held: Ledger | None = None, version: str = "1.0.0", **options: object) -> Assigned:
    how = by("time", column="day", **options)
    return settle(alone(time), members_of(time, time=time), held or {}, how, version)


def test_the_latest_are_test() -> None:
    result = fallen(days(*range(10, 0, -1)))
    assert [result.ledger[f"x{n:02d}"].split for n in range(10)] == ["test", "validation", *["train"] * 8]


@given(st.lists(st.integers(1, 28), min_size=1, max_size=40))
def test_no_split_begins_before_the_one_before_it_ends(numbers: list[int]) -> None:
    result = fallen(days(*numbers))
    order = list(RATIOS)
    ranked = sorted((day, order.index(result.ledger[f"x{n:02d}"].split)) for n, day in enumerate(numbers))
    assert [rank for _, rank in ranked] == sorted(rank for _, rank in ranked)
    for day, size in Counter(numbers).items():
        there = {rank for other, rank in ranked if other == day}
        fits = all(size <= Fraction(str(ratio)) * len(numbers) for ratio in RATIOS.values())
        assert len(there) == 1 or not fits


def test_articles_of_one_day_stay_together_if_they_can() -> None:
    result = fallen(days(*range(1, 17), 17, 17, 18, 18))
    assert counts(result) == {"train": 16, "validation": 2, "test": 2}
    assert result.ledger["x16"].split == result.ledger["x17"].split == "validation"
    assert counts(fallen(days(*[5] * 10))) == {"train": 8, "validation": 1, "test": 1}


def test_new_articles_fall_where_their_time_lies() -> None:
    held = {i: replace(e, since="1.0.0") for i, e in fallen(days(*range(1, 11))).ledger.items()}
    assert held["x08"].split == "validation"
    later = days(*range(1, 11)) | {
        "early": "2023-05-01",
        "mid": "2024-01-09",
        "gap": "2024-01-09T12:00",
        "late": "2025-01-01",
    }
    made = fallen(later, held, "1.1.0").ledger
    assert {i: made[i].split for i in ("early", "mid", "gap", "late")} == {
        "early": "train", "mid": "validation", "gap": "validation", "late": "test",
    }  # fmt: skip


@given(st.lists(st.lists(st.integers(1, 28), min_size=1, max_size=12), min_size=2, max_size=5))
def test_splits_stay_in_order_of_time_from_release_to_release(history: list[list[int]]) -> None:
    time: dict[str, str] = {}
    ledger: Ledger = {}
    order = list(RATIOS)
    for number, numbers in enumerate(history):
        time |= {f"v{number}x{n:02d}": f"2024-01-{day:02d}" for n, day in enumerate(numbers)}
        ledger = fallen(time, ledger, f"1.{number}.0").ledger
        ends: dict[str, list[str]] = {}
        for i, e in ledger.items():
            ends.setdefault(e.split, []).append(time[i])
        present = [ends[name] for name in order if name in ends]
        assert all(max(left) <= min(right) for left, right in pairwise(present))


def test_a_release_too_small_for_a_test_split_gets_one_later() -> None:
    first = fallen(days(1, 2)).ledger
    assert counts(first) == {"train": 2, "validation": 0, "test": 0}
    second = fallen(days(*range(1, 11)), first, "1.1.0")
    assert counts(second) == {"train": 8, "validation": 1, "test": 1}


def test_a_group_is_as_late_as_its_latest_article() -> None:
    time = days(*range(1, 11))
    groups = alone(time) | {"x09": "x00"}
    result = settle(groups, members_of(time, time=time), {}, by("time", column="day"), "1.0.0")
    assert result.ledger["x00"].split == result.ledger["x09"].split == "test"


def test_what_joins_a_group_leaves_the_time_where_test_begins() -> None:
    held = fallen(days(*range(1, 11))).ledger
    time = days(*range(1, 11)) | {"joins": "2024-01-25", "new": "2024-01-12"}
    groups = alone(time) | {"joins": "x09"}
    result = settle(groups, members_of(time, time=time), held, by("time", column="day"), "1.1.0")
    assert result.ledger["joins"].split == result.ledger["new"].split == "test"


def test_an_old_article_that_is_pinned_to_test_draws_no_others() -> None:
    pin = Pin(articles=("x00",), split="test", reason="r")
    held = fallen(days(*range(1, 11)), pins=(pin,)).ledger
    time = days(*range(1, 11)) | {"new": "2024-01-03"}
    assert fallen(time, held, "1.1.0", pins=(pin,)).ledger["new"].split == "train"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("2024-01-01", "2024-01-01T00:00:00Z"),
        ("2024-01-01T02:00+02:00", "2024-01-01T00:00Z"),
        ("2023-12-31T19:00:00-0500", "2024-01-01"),
        ("2024-01-01 00:00:00", "2024-01-01T00:00:00.000"),
        ("1e3", "1000"),
        ("-0", "0"),
    ],
)
def test_times_compare_as_instants(left: str, right: str) -> None:
    assert instant(left) == instant(right) is not None


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2024-01-01T00:30+02:00", "2023-12-31T23:00Z"),
        ("2024-01-01T10:00:00.1Z", "2024-01-01T10:00:00.25Z"),
        ("0001-01-01T00:00+14:00", "0001-01-01"),
        ("9", "10"),
        ("1.5", "1e1"),
    ],
)
def test_times_stand_in_order(earlier: str, later: str) -> None:
    left, right = instant(earlier), instant(later)
    assert left is not None
    assert right is not None
    assert left < right


@pytest.mark.parametrize(
    "time",
    ["", "yesterday", "2024-13-01", "2024-02-30", "01/02/2024", "2024-W03-1", "2024-01-01T25:00", "2024-01-01T24:00",
     "2024-01-01T10", "2024-01-01T10:00+25:00", "NaN", "Infinity", "٢٠٢٤", " 2024-01-01", "2024-01-01\n", "0x10"],
)  # fmt: skip
def test_what_is_no_time_is_none(time: str) -> None:
    assert instant(time) is None


def test_times_that_cannot_be_told_are_named() -> None:
    time = days(1, 2, 3) | {"bad": "soon", "odd": "2024"}
    place = Place(file="data/a.json", line=3)
    members = {i: replace(m, place=place) for i, m in members_of([*time, "none"], time=time).items()}
    found = settle(alone(members), members, {}, by("time", column="meta.day"), "1.0.0").found
    assert [(d.code, d.place) for d in found] == [("L010", place)] * 3
    assert ["'bad'" in found[0].message, "'none'" in found[1].message, "'odd'" in found[2].message] == [True] * 3
    nothing = settle(alone("ab"), members_of("ab"), {}, by("time", column="meta.day"), "1.0.0").found
    assert [(d.code, d.place.pointer) for d in nothing] == [("L010", "/splits/column")]


# splits that the data name


@pytest.mark.parametrize(
    ("name", "expected"),
    [("train", "train"), ("training", "train"), ("dev", "validation"), ("Valid", "validation"), ("VAL", "validation"),
     ("devel", "validation"), ("testing", "test"), ("eval", "test"), ("Test ", "test"), ("trial", ""), ("", "")],
)  # fmt: skip
def test_usual_names_of_splits_are_known(name: str, expected: str) -> None:
    assert split_named(name, RATIOS) == expected


def test_a_name_of_the_ratios_means_itself() -> None:
    ratios = {"train": 0.8, "dev": 0.1, "eval": 0.1}
    assert [split_named(name, ratios) for name in ("dev", "validation", "eval", "test")] == [
        "dev",
        "dev",
        "eval",
        "eval",
    ]


def test_new_articles_take_the_split_that_the_data_name() -> None:
    named = {"a": "dev", "b": "test", "c": "train"}
    result = settle(
        alone("abcd"), members_of("abcd", given=named, source={"d": "test"}), {}, by("hash", given="split"), "1.0.0"
    )
    assert {i: e.split for i, e in result.ledger.items()} == {
        "a": "validation", "b": "test", "c": "train", "d": "test",
    }  # fmt: skip
    assert codes(result) == []


def test_the_ledger_wins_over_the_data_and_says_so() -> None:
    held = ledger_of(entry("a", "train"))
    result = settle(
        alone("ab"), members_of("ab", given={"a": "test", "b": "test"}), held, by("hash", given="split"), "2.0.0"
    )
    assert {i: e.split for i, e in result.ledger.items()} == {"a": "train", "b": "test"}
    assert [(d.code, d.severity) for d in result.found] == [("L014", Severity.NOTE)]
    assert "a is given test" in result.found[0].notes[0]


def test_a_pin_wins_over_the_data() -> None:
    options = {"given": "split", "pins": (Pin(articles=("a",), split="test", reason="r"),)}
    result = settle(
        {"a": "a", "b": "a"}, members_of("ab", given={"a": "train", "b": "train"}), {}, by("hash", **options), "1.0.0"
    )
    assert counts(result) == {"train": 0, "validation": 0, "test": 2}


def test_an_import_that_leaks_is_refused_or_mended_as_preferred() -> None:
    given_split = {"a": "train", "b": "test", "c": "train", "d": "train"}
    members = {
        i: replace(m, place=Place(file=f"data/{given_split[i]}.jsonl", line=n))
        for n, (i, m) in enumerate(members_of("abcd", given=given_split).items(), 1)
    }
    groups = {"a": "a", "b": "a", "c": "a", "d": "d"}
    edges = [Edge(left="a", right="b", why="near copies"), Edge(left="a", right="c", why="a link")]
    result = settle(groups, members, {}, by("hash", given="split"), "1.0.0", edges)
    assert [(d.code, d.severity) for d in result.found] == [("L014", Severity.ERROR)]
    assert result.found[0].place.file == "data/test.jsonl"
    assert "a and b belong together: near copies" in result.found[0].notes
    mended = settle(groups, members, {}, by("hash", given="split", prefer=("test", "train")), "1.0.0", edges)
    assert {i: e.split for i, e in mended.ledger.items()} == dict.fromkeys("abc", "test") | {"d": "train"}
    assert [(d.code, d.severity) for d in mended.found] == [("L014", Severity.NOTE)]
    assert mended.found[0].message.startswith("2 articles")
    partly = settle(groups, members, {}, by("hash", given="split", prefer=("validation",)), "1.0.0", edges)
    assert [(d.code, d.severity) for d in partly.found] == [("L014", Severity.ERROR)]


def test_a_split_that_the_data_cannot_mean_is_named() -> None:
    members = members_of("abc", given={"a": "trial", "b": "train", "c": "dev"}, source={"b": "test", "c": "validation"})
    found = settle(alone("abc"), members, {}, by("hash", given="split"), "1.0.0").found
    assert [d.code for d in found] == ["L010", "L010"]
    assert "'trial'" in found[0].message
    assert "'b'" in found[1].message
    nothing = settle(alone("ab"), members_of("ab"), {}, by("hash", given="splt"), "1.0.0").found
    assert [(d.code, d.place.pointer) for d in nothing] == [("L010", "/splits/given")]


def test_marks_are_read_along_dotted_paths() -> None:
    record = {"meta": {"date": "2024-01-01", "n": 3, "tags": ["x", "y"]}, "split": "dev", "a.b": 1.5, "none": None}
    read = [
        marks(record, Splits(salt="", ratios=RATIOS, stratify=path, column=column, given="split"))[:2]
        for path, column in [
            ("meta.n", "meta.date"),
            ("meta.tags", "a.b"),
            ("none", "meta.none.deep"),
            ("meta", "split.x"),
        ]
    ]
    assert read == [
        ("3", "2024-01-01"),
        ('["x","y"]', "1.5"),
        ("", ""),
        ('{"date":"2024-01-01","n":3,"tags":["x","y"]}', ""),
    ]
    assert marks(record, Splits(salt="", ratios=RATIOS, given="split"))[2] == "dev"
    assert marks(record, splits()) == ("", "", "")


# folds


def folds_of(result: Assigned) -> dict[str, int | None]:
    return {i: e.fold for i, e in result.ledger.items()}


def test_folds_are_even_and_stay() -> None:
    ids = [f"x{n}" for n in range(50)]
    first = settle(alone(ids), members_of(ids), {}, by("quota", folds=4), "1.0.0")
    assert Counter(folds_of(first).values()) == {None: 10, 0: 10, 1: 10, 2: 10, 3: 10}
    more = [*ids, *(f"y{n}" for n in range(30))]
    second = settle(alone(more), members_of(more), first.ledger, by("quota", folds=4), "1.1.0")
    assert all(folds_of(second)[i] == fold for i, fold in folds_of(first).items())
    sizes = Counter(fold for fold in folds_of(second).values() if fold is not None)
    assert max(sizes.values()) - min(sizes.values()) <= 1


def test_strata_are_spread_over_the_folds() -> None:
    topic = {f"x{n}": "ab"[n % 2] for n in range(100)}
    how = by("quota", stratify="topic", folds=5)
    result = settle(alone(topic), members_of(topic, stratum=topic), {}, how, "1.0.0")
    found = Counter((topic[i], fold) for i, fold in folds_of(result).items() if fold is not None)
    assert set(found.values()) == {8}
    assert len(found) == 10


def test_another_number_of_folds_is_a_move() -> None:
    ids = [f"x{n}" for n in range(20)]
    first = settle(alone(ids), members_of(ids), {}, by("quota", folds=4), "1.0.0").ledger
    for folds in (3, 5, None):
        small = settle(alone(ids), members_of(ids), first, by("quota", folds=folds), "1.1.0")
        assert [(d.code, d.severity, d.place.pointer) for d in small.found] == [
            ("L005", Severity.ERROR, "/splits/folds")
        ]
        large = settle(alone(ids), members_of(ids), first, by("quota", folds=folds), "2.0.0")
        assert [(d.code, d.severity) for d in large.found] == [("L005", Severity.NOTE)]
        assert {fold for fold in folds_of(large).values() if fold is not None} == set(range(folds or 0))
    added = settle(alone(ids), members_of(ids), settle(alone(ids), members_of(ids), {}, by("quota"), "1.0.0").ledger,
                   by("quota", folds=4), "1.0.1")  # fmt: skip
    assert codes(added) == []


def test_an_article_that_joins_two_folds_stops_until_it_is_decided() -> None:
    held = ledger_of(entry("a", fold=0, folds=2), entry("b", fold=1, folds=2))
    groups, members = dict.fromkeys("abc", "a"), members_of("abc")
    edges = [Edge(left="a", right="c", why="x"), Edge(left="b", right="c", why="y")]
    result = settle(groups, members, held, by("hash", folds=2), "1.1.0", edges)
    assert codes(result) == ["L002"]
    assert "folds" in result.found[0].message
    assert "a is in fold 0 since 1.0.0; b is in fold 1 since 1.0.0" in result.found[0].notes[0]
    move = Decision(articles=("c",), choice="move", to="train", version="2.0.0", reason="r")
    decided = settle(groups, members, held, by("hash", folds=2, decisions=(move,)), "2.0.0", edges)
    assert [(d.code, d.severity) for d in decided.found] == [("L005", Severity.NOTE)]
    assert len(set(folds_of(decided).values())) == 1


def test_folds_that_are_joined_are_joined_where_most_articles_are() -> None:
    held = ledger_of(entry("a", fold=0, folds=2), entry("b", fold=1, folds=2), entry("c", fold=1, folds=2, group="b"))
    move = Decision(articles=("a",), choice="move", to="train", version="2.0.0", reason="r")
    how = by("hash", folds=2, decisions=(move,))
    made = settle(dict.fromkeys("abc", "a"), members_of("abc"), held, how, "2.0.0")
    assert folds_of(made) == {"a": 1, "b": 1, "c": 1}


# shares


def test_drift_is_told_and_a_pin_explains_it() -> None:
    groups = {f"x{n:02d}": f"x{n:02d}" for n in range(60)} | {f"y{n:02d}": "y00" for n in range(40)}
    held = ledger_of(*(entry(i, "test", group="y00") for i in groups if i[0] == "y"))
    result = settle(groups, members_of(groups), held, by("quota"), "1.1.0")
    assert [(d.code, d.severity, d.place.pointer) for d in result.found] == [("L007", Severity.NOTE, "/splits/ratios")]
    assert "test has 40.0% of the articles instead of 10.0%" in result.found[0].message
    assert result.drift["test"].articles == 40
    assert result.drift["test"].actual == 0.4
    pin = Pin(articles=("y00",), split="test", reason="r")
    pinned = settle(groups, members_of(groups), {}, by("quota", pins=(pin,)), "1.0.0")
    assert codes(pinned) == []
    assert pinned.drift["test"].articles == 40
    named = members_of(groups, given={i: "test" for i in groups if i[0] == "y"})
    assert codes(settle(groups, named, {}, by("quota", given="split"), "1.0.0")) == []
    few = ledger_of(*(entry(f"y{n}", "test") for n in range(40)))
    assert codes(settle(alone(few), members_of(few), few, splits(), "1.1.0")) == []


# dataset.toml


def loaded(folder: Path, settings: str, source: str = "") -> tuple[Splits | None, list[Diagnostic]]:
    """The settings of a project with these lines in place of its own [splits]."""
    path = folder / "dataset.toml"
    text = path.read_text(encoding="utf-8")
    start, end = text.index("[splits]"), text.index("[release]")
    text = f"{text[:start]}{settings}\n\n{text[end:]}".replace('kind = "article"', f'kind = "article"\n{source}')
    path.write_text(text, encoding="utf-8")
    made, found = load_project(folder)
    return (made.splits if made is not None else None), found


def test_settings_are_read_and_have_defaults(project: Path) -> None:
    plain, found = loaded(project, '[splits]\nsalt = "s"')
    assert not found
    assert plain == Splits(salt="s", ratios=RATIOS)
    assert plain.near_copies == NearCopies(jaccard=0.5, containment=0.8, words=5)
    assert plain.bound == Bound()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("near_copies = false", {"near_copies": None}),
        ("near_copies = true", {"near_copies": NearCopies()}),
        ("near_copies = { words = 3 }", {"near_copies": NearCopies(words=3)}),
        ("bound = { ngram = 60 }", {"bound": Bound(ngram=60)}),
        ('stratify = "meta.topic"', {"by": "quota", "stratify": "meta.topic"}),
        ('by = "time"\ncolumn = "day"', {"by": "time", "column": "day"}),
        ('given = "split"\nprefer = ["test"]\nfolds = 5', {"given": "split", "prefer": ("test",), "folds": 5}),
        (
            'boilerplate = [{ layer = "l", property = "p", values = ["v"] }]',
            {"boilerplate": (Boilerplate(layer="l", property="p", values=("v",)),)},
        ),
        (
            '[[splits.decision]]\narticles = ["a"]\nchoice = "move"\nto = "test"\nversion = "2.0.0"\nreason = "r"',
            {"decisions": (Decision(articles=("a",), choice="move", to="test", version="2.0.0", reason="r"),)},
        ),
    ],
)
def test_each_setting_is_understood(project: Path, line: str, expected: dict[str, object]) -> None:
    made, found = loaded(project, f'[splits]\nsalt = "s"\n{line}')
    assert not found
    assert made == replace(Splits(salt="s", ratios=RATIOS), **expected)


DECISION = '[[splits.decision]]\narticles = ["a"]\nversion = "1.0.0"\nreason = "r"\n'


@pytest.mark.parametrize(
    ("line", "pointer"),
    [
        ('by = "luck"', "/splits/by"),
        ('by = "time"', "/splits/by"),
        ('column = "day"', "/splits/column"),
        ('by = "hash"\nstratify = "topic"', "/splits/stratify"),
        ('by = "time"\ncolumn = "day"\nstratify = "topic"', "/splits/stratify"),
        ('given = "a..b"', "/splits/given"),
        ('prefer = ["dev"]', "/splits/prefer/0"),
        ('prefer = ["test", "test"]', "/splits/prefer"),
        ("folds = 1", "/splits/folds"),
        ("near_copies = { jaccard = 0 }", "/splits/near_copies/jaccard"),
        ("near_copies = { containment = 1.1 }", "/splits/near_copies/containment"),
        ("near_copies = { words = 0 }", "/splits/near_copies/words"),
        ("near_copies = { jacard = 0.5 }", "/splits/near_copies/jacard"),
        ("near_copies = 0.5", "/splits/near_copies"),
        ("bound = { ngram = 0 }", "/splits/bound/ngram"),
        ("boilerplate = [{ layer = 'l' }]", "/splits/boilerplate/0"),
        (f'{DECISION}choice = "move"', "/splits/decision/0"),
        (f'{DECISION}choice = "move"\nto = "dev"', "/splits/decision/0/to"),
        (f'{DECISION}choice = "accept"\nto = "test"', "/splits/decision/0"),
        (f'{DECISION}choice = "ignore"', "/splits/decision/0/choice"),
        (f'{DECISION}choice = "accept"'.replace("1.0.0", "1.0"), "/splits/decision/0/version"),
    ],
)
def test_settings_that_contradict_are_refused_at_their_place(project: Path, line: str, pointer: str) -> None:
    made, found = loaded(project, f"[splits]\n{line}")
    assert made is None
    assert ("P003", pointer) in [(d.code, d.place.pointer) for d in found]
    text = (project / "dataset.toml").read_text(encoding="utf-8").splitlines()
    key = next(step for step in reversed(pointer.split("/")) if not step.isdigit())
    line_number = found[0].place.line
    assert line_number is not None
    assert key in text[line_number - 1] or pointer.split("/")[2] in text[line_number - 1]


def test_only_articles_are_given_a_split_by_their_source(project: Path) -> None:
    path = project / "dataset.toml"
    text = path.read_text(encoding="utf-8")
    for kind, split, expected in [
        ("article", "test", []), ("article", "tset", ["/source/0/split"]), ("link", "test", ["/source/1/split"]),
    ]:  # fmt: skip
        path.write_text(
            text.replace(f'kind = "{kind}"\n', f'kind = "{kind}"\nsplit = "{split}"\n', 1), encoding="utf-8"
        )
        made, found = load_project(project)
        assert [d.place.pointer for d in found] == expected
        assert made is None or [source.split for source in made.sources] == ["test", ""]


def test_what_the_manual_shows_is_understood(project: Path) -> None:
    manual = (ROOT / "docs" / "splits.md").read_text(encoding="utf-8")
    blocks = [block.split("```")[0] for block in manual.split("```toml\n")[1:]]
    assert len(blocks) >= 5
    for block in blocks:
        assert loaded(project, block if "[splits]" in block else f"[splits]\n{block}")[1] == []
        loaded(project, "[splits]")
