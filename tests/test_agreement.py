"""Agreement between passes, held against an independent implementation and against cases done by hand."""

from __future__ import annotations

import json
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
