"""Decisions about groups that would straddle splits: what is offered, what each choice does, and for how long."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.decisions import Joint, colours, joint, offers, quarantined, toml_string
from copydesk.diagnostics import Diagnostic, Severity
from copydesk.grouping import Edge, components
from copydesk.project import Decision, Pin, Splits
from copydesk.semver import breaking, next_breaking, version_key
from copydesk.splits import Assigned, Entry, Ledger, Member, settle

RATIOS = {"train": 0.8, "validation": 0.1, "test": 0.1}
VERSIONS = st.tuples(*[st.integers(0, 3)] * 3).map(lambda parts: ".".join(map(str, parts)))


def edge(left: str, right: str, why: str = "a link") -> Edge:
    return Edge(left=left, right=right, why=why)


def decision(articles: Iterable[str], choice: str, version: str, to: str = "") -> Decision:
    return Decision(articles=tuple(articles), choice=choice, version=version, reason="r", to=to)


def held(**splits: str) -> dict[str, Entry]:
    return {
        i: Entry(id=i, group=i, split=split, since="1.0.0", digest=f"text of {i}") for i, split in splits.items()
    }  # fmt: skip


def build(
    ids: Iterable[str], edges: Sequence[Edge], ledger: Ledger, version: str, *decisions: Decision, **options: object
) -> Assigned:
    """What a build does: leave out, set apart, group, settle."""
    splits = Splits(salt="s", ratios=RATIOS, decisions=decisions, **options)
    out = quarantined(splits)
    colour = colours(splits, version, [i for i in ids if i not in out])
    whole = components(colour, [e for e in edges if e.left in colour and e.right in colour])
    kept = [e for e in edges if e.left in colour and e.right in colour and colour[e.left] == colour[e.right]]
    members = {i: Member(digest=f"text of {i}") for i in colour}
    return settle(
        components(colour, kept), members, ledger, splits, version, kept, left_out=out & set(ids), whole=whole
    )


def verdicts(result: Assigned) -> list[tuple[str, Severity]]:
    return [(d.code, d.severity) for d in result.found]


def offered(found: Diagnostic) -> list[Decision]:
    """The choices in the help of a finding, pasted."""
    assert found.help is not None
    pieces = found.help[found.help.index("decision = [") :].split("  or  ")
    tables = [tomllib.loads(f"[splits]\n{piece}")["splits"]["decision"][0] for piece in pieces]
    return [Decision(**{**table, "articles": tuple(table["articles"])}) for table in tables]


JOINED = [edge("a", "c", "near copies"), edge("b", "c", "near copies"), edge("a", "e")]
LEDGER = held(a="train", b="test", e="train")

# what is offered


def test_a_conflict_names_what_joins_and_offers_three_choices() -> None:
    found = build("abce", JOINED, LEDGER, "1.1.0").found
    assert [d.code for d in found] == ["L002"]
    assert "a is in train since 1.0.0; b is in test since 1.0.0; e is in train since 1.0.0" in found[0].notes
    assert {"a and c belong together: near copies", "b and c belong together: near copies"} <= set(found[0].notes)
    assert "c joins what was apart" in found[0].notes
    assert [(d.choice, d.articles, d.version, d.to) for d in offered(found[0])] == [
        ("move", ("a",), "2.0.0", "train"),
        ("quarantine", ("c",), "1.1.0", ""),
        ("accept", ("c",), "1.1.0", ""),
    ]


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("edges", [JOINED, [*JOINED, edge("a", "b", "a new link")]])
def test_every_choice_that_is_offered_settles_it(number: int, edges: list[Edge]) -> None:
    choice = offered(build("abce", edges, LEDGER, "1.1.0").found[0])[number]
    choices = [choice]
    for _ in range(3):  # what is cut may hang together elsewhere too
        result = build("abce", edges, LEDGER, choice.version, *choices)
        conflict = next((d for d in result.found if d.code == "L002"), None)
        if conflict is None:
            break
    assert {d.severity for d in result.found} <= {Severity.NOTE}


def test_a_link_between_old_articles_is_named_as_such() -> None:
    found = build("abe", [edge("b", "a", "link 7"), edge("a", "e")], LEDGER, "1.1.0").found[0]
    assert "a and b belong together: link 7" in found.notes
    assert any(note.startswith("no arriving article joins them") for note in found.notes)
    assert [(d.choice, d.version) for d in offered(found)] == [
        ("move", "2.0.0"), ("quarantine", "1.1.0"), ("accept", "2.0.0"),
    ]  # fmt: skip


def test_what_a_link_ties_is_not_offered_to_be_accepted() -> None:
    edges = [JOINED[0], Edge(left="b", right="c", why="link 7", tie="link"), JOINED[2]]
    found = build("abce", edges, LEDGER, "1.1.0").found[0]
    assert [d.choice for d in offered(found)] == ["move", "quarantine"]
    assert "accept" not in (found.help or "")


@given(st.text())
def test_any_id_can_be_pasted(identifier: str) -> None:
    plain = identifier.encode("utf-8", "replace").decode()
    assert tomllib.loads(f"x = {toml_string(plain)}") == {"x": plain}


@given(st.lists(st.text('ab"\\\n\x7f, ]}é𝄞', min_size=1), min_size=1, max_size=4), st.booleans())
def test_every_offer_is_toml(articles: list[str], new: bool) -> None:
    joined = Joint(way=(), articles=tuple(articles))
    found = offers(joined, articles, "test", "1.0.1", "1.0.0", new=new, more=False)
    for piece in found[found.index("decision = [") :].split("  or  "):
        assert set(tomllib.loads(piece)["decision"][0]["articles"]) <= set(articles)


def test_an_offer_beside_other_decisions_is_an_item_to_add() -> None:
    found = offers(Joint(way=(), articles=("c",)), ["a"], "test", "1.0.1", "1.0.0", new=True, more=True)
    assert "decision = [" not in found
    assert tomllib.loads(f"x = [{found[found.index('{') :].split('  or  ')[1]}]")["x"][0]["choice"] == "quarantine"


NODES = [f"n{n}" for n in range(8)]


@given(
    st.sets(st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)), max_size=16),
    st.dictionaries(st.sampled_from(NODES), st.sampled_from(["train", "test", "validation"]), max_size=5),
)
def test_without_the_articles_that_are_named_nothing_joins_two_homes(
    pairs: set[tuple[str, str]], homes: dict[str, str]
) -> None:
    edges = [edge(a, b) for a, b in pairs]
    found = joint(NODES, homes, edges)

    def apart(without: Iterable[str]) -> bool:
        left = [n for n in NODES if n not in set(without)]
        groups = components(left, [e for e in edges if e.left in left and e.right in left])
        return all(
            groups[a] != groups[b] or homes[a] == homes[b]
            for a, b in combinations(sorted(homes.keys() & set(left)), 2)
        )  # fmt: skip

    assert found.whole
    assert apart(found.articles)
    assert bool(found.articles) == bool(found.way) == (not apart([]))
    if any(apart([n]) for n in NODES if n not in homes):
        assert len(found.articles) <= 1
    if found.way:
        ends = [i for e in found.way for i in (e.left, e.right) if i in homes]
        assert len({homes[i] for i in ends}) == 2
        assert joint(NODES[::-1], homes, [edge(e.right, e.left) for e in reversed(edges)]) == found


def test_the_one_article_that_parts_everything_is_named_before_one_with_more_links() -> None:
    edges = [edge(*pair) for pair in ("ax", "xy", "az", "zy", "yb", "xp", "xq", "xr")]
    assert joint("abxyzpqr", {"a": "train", "b": "test"}, edges).articles == ("y",)


# what each choice does


def test_a_move_needs_a_version_that_says_so() -> None:
    small = build("abce", JOINED, LEDGER, "1.1.0", decision("c", "move", "1.1.0", "test"))
    assert verdicts(small) == [("L005", Severity.ERROR)]
    assert small.found[0].place.pointer == "/splits/decision/0"
    assert "2.0.0" in (small.found[0].help or "")
    large = build("abce", JOINED, LEDGER, "2.0.0", decision("c", "move", "2.0.0", "test"))
    assert verdicts(large) == [("L005", Severity.NOTE)]
    assert large.found[0].message == "the decision moves a, e from train to test"
    assert {e.split for e in large.ledger.values()} == {"test"}
    later = build("abce", JOINED, large.ledger, "2.0.1", decision("c", "move", "2.0.0", "test"))
    assert later.found == []


def test_a_decision_that_was_made_for_a_version_that_was_skipped_still_counts() -> None:
    result = build("abce", JOINED, LEDGER, "2.0.1", decision("c", "move", "2.0.0", "test"))
    assert verdicts(result) == [("L005", Severity.NOTE)]


def test_an_old_move_settles_no_new_conflict() -> None:
    ledger = {i: Entry(**{**{k: getattr(e, k) for k in Entry.__slots__}, "since": "2.0.0"}) for i, e in LEDGER.items()}
    result = build("abce", JOINED, ledger, "3.0.0", decision("c", "move", "2.0.0", "test"))
    assert verdicts(result) == [("L002", Severity.ERROR)]


def test_decisions_that_disagree_are_refused() -> None:
    both = [decision("c", "move", "2.0.0", "test"), decision("a", "move", "2.0.0", "train")]
    assert ("L004", Severity.ERROR) in verdicts(build("abce", JOINED, LEDGER, "2.0.0", *both))
    same = [decision("c", "move", "2.0.0", "test"), decision("a", "move", "2.0.0", "test")]
    assert verdicts(build("abce", JOINED, LEDGER, "2.0.0", *same)) == [("L005", Severity.NOTE)]


@pytest.mark.parametrize("version", ["1.0.1", "1.1.0", "2.0.0"])
def test_a_quarantine_leaves_out_in_every_version_from_then_on(version: str) -> None:
    result = build("abce", JOINED, LEDGER, version, decision("c", "quarantine", version))
    assert result.found == []
    assert set(result.ledger) == set("abe")
    later = build("abce", JOINED, result.ledger, "2.1.0", decision("c", "quarantine", version))
    assert (later.found, set(later.ledger)) == ([], set("abe"))
    planned = build("abce", JOINED, LEDGER, version, decision("c", "quarantine", "9.0.0"))
    assert (planned.found, set(planned.ledger)) == ([], set("abe"))


def test_what_is_accepted_stands_apart_from_then_on() -> None:
    choice = decision("c", "accept", "1.1.0")
    result = build("abce", JOINED, LEDGER, "1.1.0", choice)
    assert result.found == []
    assert {i: result.ledger[i].split for i in "abe"} == {"a": "train", "b": "test", "e": "train"}
    assert result.ledger["c"].group == "c"
    later = build("abcef", [*JOINED, edge("c", "f")], result.ledger, "1.2.0", choice)
    assert later.found == []
    assert later.ledger["f"].group == "f"


def test_to_accept_what_is_released_needs_a_version_that_says_so() -> None:
    edges = [edge("a", "b"), edge("a", "e")]
    small = build("abe", edges, LEDGER, "1.1.0", decision("b", "accept", "1.1.0"))
    assert verdicts(small) == [("L005", Severity.ERROR)]
    large = build("abe", edges, LEDGER, "2.0.0", decision("b", "accept", "2.0.0"))
    assert verdicts(large) == [("L005", Severity.NOTE)]
    assert build("abe", edges, large.ledger, "2.0.1", decision("b", "accept", "2.0.0")).found == []
    backdated = build("abe", edges, LEDGER, "1.1.0", decision("b", "accept", "1.0.0"))
    assert verdicts(backdated) == [("L005", Severity.ERROR)]


def test_a_move_also_settles_what_the_data_put_apart() -> None:
    splits = {"a": "train", "b": "test"}
    members = {i: Member(digest=i, given=split) for i, split in splits.items()}
    groups = {"a": "a", "b": "a"}

    def settled(*decisions: Decision) -> Assigned:
        how = Splits(salt="s", ratios=RATIOS, given="split", decisions=decisions)
        return settle(groups, members, {}, how, "1.0.0", [edge("a", "b")])

    assert verdicts(settled()) == [("L014", Severity.ERROR)]
    for choice in offered(settled().found[0])[:1]:
        assert verdicts(settled(choice)) == []
    assert {e.split for e in settled(decision("b", "move", "1.0.0", "validation")).ledger.values()} == {"validation"}


def test_a_pin_comes_before_a_decision() -> None:
    pin = Pin(articles=("c",), split="validation", reason="r")
    result = build("abce", JOINED, LEDGER, "2.0.0", decision("c", "move", "2.0.0", "test"), pins=(pin,))
    assert {e.split for e in result.ledger.values()} == {"validation"}
    assert ("L009", Severity.WARNING) in verdicts(result)


# colours


def test_each_acceptance_has_a_colour_and_the_rest_has_none() -> None:
    decisions = (
        decision("ab", "accept", "1.0.0"),
        decision("bc", "accept", "1.1.0"),
        decision("d", "move", "1.0.0", "test"),
    )
    splits = Splits(salt="", ratios=RATIOS, decisions=decisions)
    found = colours(splits, "1.1.0", "abcde")
    assert (found["d"], found["e"]) == (0, 0)
    assert len({found[i] for i in "abcd"}) == 4
    assert colours(splits, "1.0.0", "abcde") == {"a": 1, "b": 1, "c": 0, "d": 0, "e": 0}
    assert colours(Splits(salt="", ratios=RATIOS, decisions=decisions[::-1]), "1.1.0", "edcba").keys() == set("abcde")


# decisions that decide nothing


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        (decision(["zz"], "move", "1.1.0", "test"), "names 'zz'"),
        (decision(["zz"], "quarantine", "1.1.0"), "names 'zz'"),
        (decision(["a", "zz"], "accept", "1.1.0"), "names 'zz'"),
        (decision("a", "move", "1.1.0", "test"), "nothing is to be moved"),
        (decision("f", "accept", "1.1.0"), "nothing is to be accepted"),
        (decision("a", "move", "2.0.0", "test"), "is for version 2.0.0"),
    ],
)
def test_a_decision_of_this_version_that_decides_nothing_is_told(choice: Decision, code: str) -> None:
    ids, edges = "abef", [edge("a", "e")]
    found = [d for d in build(ids, edges, LEDGER, "1.1.0", choice).found if d.code == "L009"]
    assert [(d.severity, d.place.pointer) for d in found] == [(Severity.WARNING, "/splits/decision/0")]
    assert code in found[0].message
    if choice.version == "1.1.0":
        assert "L009" not in [d.code for d in build(ids, edges, LEDGER, "1.1.1", choice).found]


# versions


@given(VERSIONS, VERSIONS)
def test_the_next_breaking_version_is_the_smallest(old: str, new: str) -> None:
    assert breaking(old, next_breaking(old))
    if breaking(old, new):
        assert version_key(next_breaking(old)) <= version_key(new)
    elif version_key(new) > version_key(old):
        assert version_key(new) < version_key(next_breaking(old))
