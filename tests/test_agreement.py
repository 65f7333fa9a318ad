"""Agreement between passes, held against an independent implementation and against cases done by hand."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agreement import compare_layers
from copydesk.reliability import Item, alpha, alpha_of, f1, match, span_figures, units_of

LABELS = ["a", "b", "c", "d"]
PAIRS = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1, max_size=40)


def item(identifier: str, start: int, end: int, label: str = "x", record: str = "r") -> Item:
    return Item(record=record, ranges=((start, end),), id=identifier, labels={"label": label})


@given(PAIRS)
def test_alpha_is_that_of_the_reference(pairs: list[tuple[str, str]]) -> None:
    if len({value for pair in pairs for value in pair}) == 1:
        assert alpha(pairs) is None
        return
    numbers = np.array([[LABELS.index(a) for a, _ in pairs], [LABELS.index(b) for _, b in pairs]], dtype=float)
    assert alpha(pairs) == pytest.approx(krippendorff.alpha(numbers, level_of_measurement="nominal"))


def test_equal_spans_are_matched_before_longer_overlaps() -> None:
    left = [item("l1", 0, 10), item("l2", 2, 6)]
    right = [item("r1", 0, 9), item("r2", 2, 6), item("r3", 20, 30)]
    assert [(a.id, b.id) for a, b in match(left, right)] == [("l1", "r1"), ("l2", "r2")]
    assert match(left, [item("r", 0, 10, record="other")]) == []


def test_a_layer_done_by_hand() -> None:
    left = [item("1", 0, 5, "x"), item("2", 6, 9, "y"), item("3", 20, 25, "x")]
    right = [item("1", 0, 5, "x"), item("2", 7, 9, "x")]
    figures = compare_layers([left, right], [{"r"}, {"r"}], ["a", "b"])
    assert figures["items"] == [3, 2]
    assert figures["exact_f1"] == pytest.approx(2 * 1 / 5)
    assert figures["overlap_f1"] == pytest.approx(2 * 2 / 5)
    assert figures["labels"]["label"]["units"] == 2
    assert figures["labels"]["label"]["agreement"] == 0.5
    assert figures["by_label"]["y"]["exact_f1"] == 0


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8), st.sampled_from(LABELS)), max_size=12))
def test_a_pass_agrees_with_itself(spans: list[tuple[int, int, str]]) -> None:
    items = [item(str(n), start, start + length, label) for n, (start, length, label) in enumerate(spans)]
    figures = compare_layers([items, items], [{"r"}, {"r"}], ["a", "b"])
    assert figures["exact_f1"] == figures["overlap_f1"] == (1 if items else None)
    assert f1(0, 0, 0) is None


def test_the_seed_dataset_publishes_the_agreement_of_both_passes(seed_release: Path) -> None:
    figures: dict[str, Any] = json.loads((seed_release / "quality/agreement.json").read_text())
    assert figures["passes"] == ["a", "b"]
    assert set(figures["layers"]) == {"segments", "mentions", "quotes", "claims", "events", "claim_pairs"}
    assert 0.5 < figures["layers"]["mentions"]["exact_f1"] <= figures["layers"]["mentions"]["overlap_f1"] < 1
    assert figures["layers"]["claim_pairs"]["labels"]["label"]["units"] > 30


UNITS = st.lists(st.lists(st.sampled_from([*LABELS, None]), min_size=3, max_size=3), min_size=1, max_size=30)


@given(UNITS)
def test_alpha_of_three_passes_with_missing_values_is_that_of_the_reference(units: list[list[str | None]]) -> None:
    given_values = [[value for value in unit if value is not None] for unit in units]
    pairable = {value for values in given_values if len(values) > 1 for value in values}
    if len(pairable) < 2:
        assert alpha_of(given_values) is None
        return
    numbers = np.array([[np.nan if v is None else LABELS.index(v) for v in unit] for unit in units], dtype=float).T
    reference = krippendorff.alpha(numbers, level_of_measurement="nominal", value_domain=range(len(LABELS)))
    assert alpha_of(given_values) == pytest.approx(reference)


def test_three_passes_are_compared_in_pairs_on_the_articles_that_both_saw() -> None:
    one, two, three = [item("1", 0, 5), item("2", 6, 9)], [item("1", 0, 5)], [item("1", 0, 5, record="other")]
    figures = compare_layers([one, two, three], [{"r"}, {"r"}, {"other"}], ["a", "b", "c"])
    assert figures["items"] == [2, 1, 0]  # what nobody else went over says nothing of agreement
    assert figures["pairs"] == {"a/b": {"articles": 1, "exact_f1": 0.6667, "overlap_f1": 0.6667}}
    assert figures["exact_f1"] == 0.6667


def test_spans_in_common_of_three_passes_have_one_item_a_pass() -> None:
    sides = [[item("1", 0, 5), item("2", 6, 9)], [item("1", 0, 5)], [item("1", 7, 9), item("2", 0, 5)]]
    assert [[i.id for i in unit] for unit in units_of(sides)] == [["1", "1", "2"], ["2", "1"]]


def test_intervals_hold_the_estimate_widen_with_disagreement_and_are_the_same_every_time() -> None:
    def sides(wrong: int) -> list[dict[str, list[Item]]]:
        articles = {str(n): [item("1", 0, 5, record=str(n)), item("2", 6, 9, record=str(n))] for n in range(30)}
        other = {
            a: [items[0], item("2", 20, 25, record=a)] if int(a) < wrong else items for a, items in articles.items()
        }
        return [articles, other]

    same, some = span_figures(sides(0), ["a", "b"]), span_figures(sides(9), ["a", "b"])
    assert same["intervals"]["exact_f1"] == {"low": 1, "high": 1}
    interval = some["intervals"]["exact_f1"]
    assert interval["low"] < some["exact_f1"] < interval["high"] < 1
    assert some == span_figures(sides(9), ["a", "b"])
    few = [{a: items for a, items in side.items() if int(a) < 4} for side in sides(2)]
    assert "intervals" not in span_figures(few, ["a", "b"])


PIECES = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 6)), min_size=1, max_size=3)


@st.composite
def spans(draw: st.DrawFn) -> list[Item]:
    """Items of two records: nested, overlapping, equal and discontinuous."""
    out = []
    for number, pieces in enumerate(draw(st.lists(PIECES, max_size=7))):
        at, ranges = 0, []
        for gap, length in pieces:
            ranges.append((at + gap, at + gap + length))
            at += gap + length
        record, label = draw(st.sampled_from("rs")), draw(st.sampled_from(LABELS))
        out.append(Item(record=record, ranges=tuple(ranges), id=str(number), labels={"label": label}))
    return out


def shared(one: Item, two: Item) -> int:
    points = [{(item.record, at) for start, end in item.ranges for at in range(start, end)} for item in (one, two)]
    return len(points[0] & points[1])


@given(spans(), spans())
def test_items_are_matched_as_by_trying_all_of_them(left: list[Item], right: list[Item]) -> None:
    pairs = sorted(
        (one.ranges != two.ranges, -shared(one, two), i, j)
        for i, one in enumerate(left)
        for j, two in enumerate(right)
        if shared(one, two)
    )
    naive: dict[int, int] = {}
    for _, _, i, j in pairs:
        if i not in naive and j not in naive.values():
            naive[i] = j
    met = {left.index(one): right.index(two) for one, two in match(left, right)}
    assert {left[i].id: right[j].id for i, j in met.items()} == {left[i].id: right[j].id for i, j in naive.items()}
    assert [one.overlap(two) for one in left for two in right] == [shared(one, two) for one in left for two in right]


@given(st.lists(spans(), min_size=2, max_size=4))
def test_figures_of_several_passes_are_those_of_their_pairs(sides: list[list[Item]]) -> None:
    names = "abcd"[: len(sides)]
    figures = compare_layers(sides, [{"r", "s"}] * len(sides), list(names))
    twos = {
        f"{names[one]}/{names[two]}": compare_layers([sides[one], sides[two]], [{"r", "s"}] * 2, ["x", "y"])
        for one, two in combinations(range(len(sides)), 2)
    }
    assert figures["items"] == [len(side) for side in sides]
    for key in ("exact_f1", "overlap_f1"):
        known = [two[key] for two in twos.values() if two[key] is not None]
        assert figures[key] == (pytest.approx(sum(known) / len(known), abs=2e-4) if known else None)
        if len(sides) > 2:
            assert {name: pair[key] for name, pair in figures["pairs"].items()} == {n: t[key] for n, t in twos.items()}
    assert set(figures["by_label"]) == {item.labels["label"] for side in sides for item in side}
    for label, found in figures["by_label"].items():
        only = [[item for item in side if item.labels["label"] == label] for side in sides]
        alone = compare_layers(only, [{"r", "s"}] * len(sides), list(names))
        assert {key: alone[key] for key in ("items", "exact_f1", "overlap_f1")} == found


@given(st.lists(spans(), min_size=2, max_size=4))
def test_spans_in_common_hold_every_item_once_and_one_a_pass(sides: list[list[Item]]) -> None:
    units = units_of(sides)
    assert sorted(map(id, (i for unit in units for i in unit))) == sorted(map(id, (i for side in sides for i in side)))
    owners = {id(item): number for number, side in enumerate(sides) for item in side}
    for unit in units:
        numbers = [owners[id(item)] for item in unit]
        assert numbers == sorted(set(numbers))
        assert all(shared(unit[0], item) for item in unit[1:])


def test_labels_agree_in_pairs_of_passes_and_one_that_is_missing_says_nothing() -> None:
    sides = [
        [item("1", 0, 5, "a"), item("2", 6, 9, "b")],
        [item("1", 0, 5, "a"), Item(record="r", ranges=((6, 9),), id="2")],
        [item("1", 0, 5, "c")],
    ]
    labels = compare_layers(sides, [{"r"}] * 3, ["a", "b", "c"])["labels"]["label"]
    assert labels == {"units": 1, "alpha": 0.0, "agreement": 0.3333}


def test_what_only_one_pass_went_over_counts_nowhere() -> None:
    both, alone = item("1", 0, 5, "a"), item("1", 0, 5, "z", record="alone")
    figures = compare_layers([[both, alone], [both]], [{"r", "alone"}, {"r"}], ["a", "b"])
    assert (figures["items"], figures["exact_f1"], list(figures["by_label"])) == ([1, 1], 1.0, ["a"])
    assert figures["labels"]["label"]["units"] == 1


@pytest.mark.parametrize("articles", [4, 5])
def test_intervals_begin_with_five_articles(articles: int) -> None:
    sides = [[item(str(n), 0, 5, "ab"[n % 2], record=str(n)) for n in range(articles)] for _ in range(2)]
    figures = compare_layers(sides, [{str(n) for n in range(articles)}] * 2, ["a", "b"])
    assert ("intervals" in figures) == ("intervals" in figures["labels"]["label"]) == (articles == 5)


def test_an_interval_is_that_of_the_middle_of_the_resamples() -> None:
    """Thirty articles of equal weight: F1 is binomial, and its middle 95 percent are known."""
    good = [item(str(n), 0, 5, "a", record=str(n)) for n in range(30)]
    some = [item(str(n), 0, 5, "a", record=str(n)) if n % 2 else item(str(n), 50, 55, "b", str(n)) for n in range(30)]
    figures = compare_layers([good, some], [{str(n) for n in range(30)}] * 2, ["a", "b"])
    assert figures["exact_f1"] == 0.5
    assert figures["intervals"]["exact_f1"]["low"] == pytest.approx(1 / 3, abs=0.04)
    assert figures["intervals"]["exact_f1"]["high"] == pytest.approx(2 / 3, abs=0.04)


def test_the_interval_of_alpha_lies_around_it() -> None:
    def side(wrong: int) -> list[Item]:
        return [
            item(f"{n}-{k}", 10 * k, 10 * k + 5, "ab"[(k + (n < wrong)) % 2], record=str(n))
            for n in range(30)
            for k in range(4)
        ]

    labels = compare_layers([side(0), side(6)], [{str(n) for n in range(30)}] * 2, ["a", "b"])["labels"]["label"]
    interval = labels["intervals"]["alpha"]
    assert labels["alpha"] == pytest.approx(0.6, abs=0.01)
    assert 0.2 < interval["low"] < 0.5 < 0.7 < interval["high"] < 0.95
