"""Groups, splits and the ledger: the laws, over histories that nobody thought of."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from copydesk.grouping import Edge, components, content_key, shared_edges
from copydesk.project import Pin, Splits
from copydesk.splits import assign, dump_ledger, generation, read_ledger

IDS = st.sampled_from([f"a{n:02d}" for n in range(20)])
EDGES = st.lists(st.tuples(IDS, IDS), max_size=12)
RATIOS = {"train": 0.8, "validation": 0.1, "test": 0.1}


def splits(*pins: Pin, salt: str = "s") -> Splits:
    return Splits(salt=salt, ratios=RATIOS, pins=pins)


def groups_of(ids: set[str], edges: list[tuple[str, str]]) -> dict[str, str]:
    return components(ids, [Edge(left=a, right=b, why="") for a, b in edges if a in ids and b in ids])


@given(st.sets(IDS, min_size=1), EDGES, st.randoms())
def test_components_do_not_depend_on_order(ids: set[str], edges: list[tuple[str, str]], random: object) -> None:
    shuffled = list(edges)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    flipped = [(b, a) for a, b in shuffled]
    groups = groups_of(ids, edges)
    assert groups == groups_of(ids, flipped)
    assert all(groups[a] == groups[b] for a, b in edges if a in ids and b in ids)
    assert all(groups[group] == group for group in groups.values())


@given(st.sets(IDS, min_size=1), EDGES)
def test_no_group_straddles(ids: set[str], edges: list[tuple[str, str]]) -> None:
    groups = groups_of(ids, edges)
    ledger, found = assign(groups, dict.fromkeys(ids, "d"), {}, splits(), "1.0.0")
    assert not found
    assert all(ledger[a].split == ledger[b].split for a, b in edges if a in ids and b in ids)


@given(st.lists(st.tuples(st.sets(IDS, min_size=1), EDGES), min_size=2, max_size=5))
def test_nothing_moves_from_release_to_release(history: list[tuple[set[str], list[tuple[str, str]]]]) -> None:
    ledger: dict = {}
    for number, (ids, edges) in enumerate(history):
        before = dict(ledger)
        made, found = assign(groups_of(ids, edges), dict.fromkeys(ids, "d"), ledger, splits(), f"1.{number}.0")
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
    assert [e.why for e in shared_edges([("k", "b"), ("k", "a"), ("l", "c")], "same")] == ["same"]
