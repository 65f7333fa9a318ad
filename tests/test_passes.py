"""Several annotators of one article: which one counts, and what most of them say, held against counting by hand."""

from __future__ import annotations

import random
from collections import Counter
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.articles.model import Article, Item, Ref, Value
from copydesk.articles.passes import left_out, majority, resolve
from copydesk.diagnostics import Diagnostic, Place

TEXT = "Ada walks down Mill Street on Monday."
PLACE, TIME = (15, 26), (30, 36)


def span(identifier: str, start: int, end: int, label: str | None = "X", **values: Value) -> Item:
    return Item(id=identifier, ranges=((start, end),), label=label, values=dict(values))


def tie(identifier: str, head: str, tail: str, label: str = "in") -> Item:
    return Item(id=identifier, label=label, values={"head": Ref("mentions", head), "tail": Ref("mentions", tail)})


def by(annotator: str | None, mentions: list[Item], relations: list[Item] | None = None, **more: Any) -> Article:
    layers = {"mentions": mentions} | ({} if relations is None else {"relations": relations})
    return Article(id="a", text=TEXT, file=f"{annotator}.ann", layers=layers, annotator=annotator, **more)


def made_of(passes: list[Article], **rule: Any) -> Article:
    made = resolve(passes, {"rule": "majority", **rule})
    assert isinstance(made, Article)
    return made


def spans_of(article: Article, layer: str = "mentions") -> list[tuple[int, int, str | None]]:
    return [(*item.ranges[0], item.label) for item in article.layers[layer]]


# the rules


def message_of(passes: list[Article], rule: dict[str, Any]) -> str:
    found = resolve(passes, rule)
    assert isinstance(found, Diagnostic)
    assert (found.code, found.place.file, found.place.record) == ("I009", passes[0].file, "a")
    return found.message


def test_a_single_pass_counts_unless_it_is_not_the_one_that_is_asked_for() -> None:
    one = by("ada", [])
    for rule in ({}, {"rule": "majority"}, {"rule": "first"}, {"rule": "curated"}):
        assert resolve([one], rule) is one
    assert resolve([one], {"rule": "annotator", "annotator": "ada"}) is one
    assert "'bob' did not annotate 'a'; ada did" in message_of([one], {"rule": "annotator", "annotator": "bob"})


def test_what_no_rule_or_too_many_passes_decide_is_said_with_their_names() -> None:
    curated, anonymous = by(None, [], curated=True), by(None, [])
    passes = [by("bob", []), by("ada", []), curated, anonymous]
    assert "4 passes over 'a', by ?, ada, bob, curated, and no rule" in message_of(passes, {})
    twice = [by("ada", []), by("ada", []), by("bob", [])]
    assert "2 passes over 'a' meet" in message_of(twice, {"rule": "annotator", "annotator": "ada"})
    assert "2 passes over 'a' meet" in message_of([curated, curated, passes[0]], {"rule": "curated"})
    assert "nobody curated it" in message_of(passes[:2], {"rule": "curated"})
    assert resolve(passes, {"rule": "curated"}) is curated
    other = by("bob", [])
    other.text = f"{TEXT} And back."
    for rule in ("first", "majority", "curated", "annotator"):
        assert "different texts" in message_of([passes[1], other], {"rule": rule, "annotator": "ada"})


def test_the_first_is_the_first_by_name_whatever_the_order_of_the_files() -> None:
    bob, ada = by("bob", []), by("ada", [])
    assert resolve([bob, ada], {"rule": "first"}) is ada
    assert resolve([ada, bob], {"rule": "first"}) is ada


# what most of them have

LABELS = st.sampled_from(["X", "Y", None])
SPANS = st.lists(st.tuples(st.integers(0, 3), st.integers(4, 6), LABELS), max_size=5)
PASSES = st.lists(SPANS, min_size=2, max_size=5)


def passes_of(spans: list[list[tuple[int, int, str | None]]]) -> list[Article]:
    return [by(f"p{n}", [span(f"m{i}", *given) for i, given in enumerate(side)]) for n, side in enumerate(spans)]


@settings(max_examples=100, deadline=None)
@given(PASSES, st.none() | st.integers(1, 5), st.randoms(use_true_random=False))
def test_a_span_is_kept_as_often_as_enough_passes_have_it(
    spans: list[list[tuple[int, int, str | None]]], at_least: int | None, order: random.Random
) -> None:
    needed = at_least if at_least is not None else len(spans) // 2 + 1
    sides = [Counter(side) for side in spans]
    keys = {(key, n) for side in sides for key, count in side.items() for n in range(1, count + 1)}
    kept = [key for key, n in keys if sum(side[key] >= n for side in sides) >= needed]
    passes = passes_of(spans)
    before = deepcopy(passes)
    made = majority(passes, at_least)
    assert passes == before
    assert spans_of(made) == sorted(kept, key=lambda key: (key[0], key[1], key[2] or ""))
    assert len({item.id for item in made.layers["mentions"]}) == len(kept)
    assert made.left_out == +Counter({"mentions without a majority": len(keys) - len(kept)})
    order.shuffle(passes)
    assert majority(passes, at_least) == made


def test_half_of_the_passes_is_no_majority_but_can_be_enough() -> None:
    passes = [by("ada", [span("1", *PLACE)]), by("bob", [])]
    assert spans_of(made_of(passes)) == []
    assert spans_of(made_of(passes, at_least=1)) == [(*PLACE, "X")]


def test_the_result_is_nobodys_and_the_outcome_of_an_adjudication_has_no_vote() -> None:
    sure = by(None, [span("1", *TIME)], curated=True)
    made = made_of([by("ada", [span("1", *PLACE)]), by("bob", [span("2", *PLACE), span("3", *TIME)]), sure])
    assert (made.annotator, made.curated, spans_of(made)) == (None, True, [(*PLACE, "X")])
    assert spans_of(made_of([sure, deepcopy(sure)])) == [(*TIME, "X")]


def test_an_item_keeps_the_place_and_id_of_the_first_by_name_who_has_it() -> None:
    one, two = span("T7", *PLACE), span("T1", *PLACE)
    one.line, two.line = 7, 1
    made = made_of([by("bob", [two]), by("ada", [one])])
    assert [(item.id, item.line) for item in made.layers["mentions"]] == [("T7", 7)]
    assert made.file == "ada.ann"


def test_ids_that_meet_in_one_layer_are_kept_apart_and_references_follow() -> None:
    who = ("ada", "bob", "eve")
    places = {"ada": "1", "bob": "9", "eve": "9"}
    passes = [by(name, [span(places[name], *PLACE), *([] if name == "ada" else [span("1", *TIME)])]) for name in who]
    for article in passes[1:]:
        article.layers["relations"] = [tie("r", "9", "1")]
    made = made_of(passes)
    assert [(item.ranges, item.id) for item in made.layers["mentions"]] == [((PLACE,), "1"), ((TIME,), "1-2")]
    assert made.layers["relations"][0].values == {"head": Ref("mentions", "1"), "tail": Ref("mentions", "1-2")}


def test_properties_are_those_of_most_and_none_where_they_tie_which_is_counted() -> None:
    given_by = {"ada": {"sure": True, "n": 1, "only": "a"}, "bob": {"sure": False, "n": 2}, "eve": {"sure": False}}
    passes = [by(name, [span("m", *PLACE, **values)], values=dict(values)) for name, values in given_by.items()]
    for made in (made_of(passes), made_of(passes[::-1])):
        assert made.layers["mentions"][0].values == {"sure": False}
        assert made.values == {"sure": False}
        assert made.left_out == {"values of n without a majority": 2}
    two = made_of(passes[:2])
    assert two.values == {}
    assert two.left_out["values of sure without a majority"] == 2


def test_relations_are_the_same_where_label_and_both_ends_are() -> None:
    def ends(name: str, *relations: Item) -> Article:
        return by(name, [span(f"{name}1", *PLACE), span(f"{name}2", *TIME)], list(relations))

    passes = [
        ends("a", tie("r", "a1", "a2"), tie("s", "a2", "a1")),
        ends("b", tie("s", "b1", "b2"), tie("r", "b1", "b2", label="on")),
        ends("c", tie("t", "c2", "c1", label="on")),
    ]
    made = made_of(passes)
    assert [(r.id, r.label, r.values) for r in made.layers["relations"]] == [
        ("r", "in", {"head": Ref("mentions", "a1"), "tail": Ref("mentions", "a2")})
    ]
    assert made.left_out == {"relations without a majority": 3}
    for article in passes:  # a file may list its relations first
        article.layers = dict(reversed(article.layers.items()))
    assert made_of(passes).layers == made.layers


def test_references_in_lists_and_objects_follow_and_what_dangles_goes() -> None:
    def events(name: str, *, time: bool) -> Article:
        named = ["1", "2"] if time else ["1"]
        mentions = [span(f"{name}1", *PLACE), *([span(f"{name}2", *TIME)] if time else [])]
        arguments: Value = [{"role": "in", "mention": Ref("mentions", f"{name}{n}")} for n in named]
        made = by(name, mentions)
        members: Value = [Ref("mentions", f"{name}{n}") for n in named]
        made.layers["events"] = [Item(id="e", ranges=((4, 9),), values={"arguments": arguments})]
        made.layers["sets"] = [Item(id="s", values={"members": members})]
        return made

    made = made_of([events(name, time=True) for name in "abc"])
    event, group = made.layers["events"][0], made.layers["sets"][0]
    both: list[Value] = [Ref("mentions", "a1"), Ref("mentions", "a2")]
    assert event.values["arguments"] == [{"role": "in", "mention": ref} for ref in both]
    assert group.values["members"] == both
    made = made_of([events("a", time=True), events("b", time=False), events("c", time=False)])
    arguments = made.layers["events"][0].values["arguments"]
    assert arguments == [{"role": "in", "mention": Ref("mentions", "a1")}]
    assert made.layers["sets"][0].values["members"] == [Ref("mentions", "a1")]


def test_what_refers_to_something_without_a_majority_goes_and_is_counted() -> None:
    passes = []
    for name, end in (("a", 29), ("b", 36), ("c", 33)):
        made = by(name, [span("1", *PLACE), span("2", 27, end)])
        ends: Value = [Ref("mentions", "1"), Ref("mentions", "2")]
        made.layers["events"] = [Item(id="e", ranges=((4, 9),), values={"all": ends, "one": Ref("mentions", "2")})]
        made.layers["sets"] = [Item(id="s", ranges=((4, 9),), values={"all": ends})]
        passes.append(made)
    merged = made_of(passes)
    assert spans_of(merged) == [(*PLACE, "X")]
    assert merged.layers["events"] == []
    assert merged.layers["sets"][0].values == {"all": [Ref("mentions", "1")]}
    assert merged.left_out == {"mentions without a majority": 3, "events that name what was left out": 1}


def test_references_into_other_articles_stay() -> None:
    def linked(name: str) -> Article:
        made = by(name, [span("m", *PLACE)])
        made.layers["links"] = [Item(id="l", values={"end": Ref("mentions", "m7", "other")})]
        return made

    made = made_of([linked("a"), linked("b")])
    assert made.layers["links"][0].values == {"end": Ref("mentions", "m7", "other")}


def test_what_every_pass_says_of_the_task_counts_once_and_findings_are_told_once() -> None:
    ada, bob = by("ada", []), by("bob", [])
    ada.left_out.update({"pictures": 2, "drafts": 1})
    bob.left_out.update({"pictures": 3})
    assert left_out([ada, bob]) == {"pictures": 3, "drafts": 1}
    of_both, of_one, of_other = (
        Diagnostic(code=code, place=Place(file="task.json", line=1), message="torn")
        for code in ("I002", "I003", "I006")
    )
    bob.found, ada.found = [of_both, of_other], [of_one, of_both]
    made = made_of([bob, ada])
    assert made.found == [of_one, of_both, of_other]
    assert made.left_out == {"pictures": 3, "drafts": 1}


@pytest.mark.parametrize("label", ["in", None])
def test_equal_items_without_a_span_meet_in_pairs(label: str | None) -> None:
    sides = [
        [Item(id=f"{name}{n}", label=label) for n in range(count)] for name, count in (("a", 3), ("b", 2), ("c", 1))
    ]
    passes = [by(name, [], items) for name, items in zip("abc", sides, strict=True)]
    assert [item.id for item in made_of(passes).layers["relations"]] == ["a0", "a1"]
