"""The laws of splits over histories that nobody thought of: articles come, change, go, return, are renamed and tied."""

from __future__ import annotations

import hashlib
import random
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copydesk.decisions import colours, quarantined
from copydesk.diagnostics import Severity
from copydesk.grouping import Edge, components, shared_edges
from copydesk.project import Decision, Pin, Splits
from copydesk.semver import breaking, version_key
from copydesk.splits import Assigned, Entry, Ledger, Member, dump_ledger, read_ledger, settle

RATIOS = {"train": 0.6, "validation": 0.2, "test": 0.2}
NAMES = list(RATIOS)


@dataclass
class World:
    """The sources as they are at one time: articles (id -> text, topic, day, split that the data name) and links."""

    articles: dict[str, tuple[str, str, int, str]] = field(default_factory=dict)
    away: dict[str, tuple[str, str, int, str]] = field(default_factory=dict)
    links: set[tuple[str, str]] = field(default_factory=set)
    pins: dict[str, str] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    made: int = 0

    def change(self, dice: random.Random) -> None:
        ids = sorted(self.articles)
        act = dice.choice(
            ["add", "add", "add", "edit", "go", "back", "rename", "link", "link", "unlink", "pin", "unpin"]
        )
        if act == "add" or not ids:
            self.made += 1
            name = f"a{dice.randrange(1000):03d}x{self.made}"
            text = f"t{self.made}" if dice.random() < 0.9 or not ids else self.articles[dice.choice(ids)][0]
            self.articles[name] = (text, dice.choice("xyz"), dice.randrange(12), dice.choice(NAMES))
        elif act == "edit":
            self.made += 1
            name = dice.choice(ids)
            self.articles[name] = (f"t{self.made}", *self.articles[name][1:])
        elif act == "go":
            name = dice.choice(ids)
            self.away[name] = self.articles.pop(name)
        elif act == "back" and self.away:
            name = dice.choice(sorted(self.away))
            self.articles[name] = self.away.pop(name)
        elif act == "rename":
            old, new = dice.choice(ids), f"n{dice.randrange(1000):03d}"
            if new not in self.articles:
                self.articles[new] = self.articles.pop(old)
                self.links = {tuple(new if i == old else i for i in pair) for pair in self.links}
        elif act == "link":
            self.links.add((dice.choice(ids), dice.choice(ids)))
        elif act == "unlink" and self.links:
            self.links.discard(dice.choice(sorted(self.links)))
        elif act == "pin":
            self.pins[dice.choice(ids)] = dice.choice(NAMES)
        elif act == "unpin" and self.pins:
            self.pins.pop(dice.choice(sorted(self.pins)))


def splits_of(world: World, options: Mapping[str, Any]) -> Splits:
    pins = tuple(Pin(articles=(i,), split=s, reason="r") for i, s in sorted(world.pins.items()) if i in world.articles)
    return Splits(salt="s", ratios=RATIOS, pins=pins, decisions=tuple(world.decisions), **options)


@dataclass(frozen=True)
class Built:
    groups: dict[str, str]
    result: Assigned

    @property
    def ledger(self) -> dict[str, Entry]:
        return self.result.ledger

    @property
    def codes(self) -> list[str]:
        return sorted(d.code for d in self.result.found)

    @property
    def failed(self) -> bool:
        return any(d.severity is Severity.ERROR for d in self.result.found)


def world_edges(
    world: World, splits: Splits, version: str, *, sources: bool = False
) -> tuple[dict[str, Member], list[Edge], set[str]]:
    """(members, what ties them, the articles that are left out), the digests of texts as they are in earnest. With
    `sources`, some articles are given their split by their source."""
    out = quarantined(splits)
    ids = [i for i in world.articles if i not in out]
    colour = colours(splits, version, ids)
    edges = [Edge(left=a, right=b, why="a link") for a, b in sorted(world.links) if a in colour and b in colour]
    edges += shared_edges([(f"{colour[i]} {world.articles[i][0]}", i) for i in ids], "the same text")
    edges = [e for e in edges if colour[e.left] == colour[e.right]]
    members = {}
    for i in ids:
        text, topic, _, named = world.articles[i]
        digest = hashlib.sha256(text.encode()).hexdigest()
        members[i] = Member(digest=digest, source=named if sources and topic == "x" else "")
    return members, edges, set(out & world.articles.keys())


def build(
    world: World, ledger: Ledger, options: Mapping[str, Any], version: str, last: str = "", seed: int | None = None
) -> Built:
    """What a build does between the sources and the rows."""
    splits = splits_of(world, options)
    out = quarantined(splits)
    ids = [i for i in world.articles if i not in out]
    colour = colours(splits, version, ids)
    edges = [Edge(left=a, right=b, why="a link") for a, b in sorted(world.links) if a in colour and b in colour]
    edges += shared_edges([(f"{colour[i]} {world.articles[i][0]}", i) for i in ids], "the same text")
    edges = [e for e in edges if colour[e.left] == colour[e.right]]
    members = {}
    for i in ids:
        text, topic, day, named = world.articles[i]
        members[i] = Member(
            digest=text,
            stratum=topic if splits.stratify else "",
            time=f"2020-01-{day + 1:02d}" if splits.column else "",
            given=named if splits.given else "",
        )
    if seed is not None:
        dice = random.Random(seed)
        dice.shuffle(ids)
        dice.shuffle(edges)
        edges = [e if dice.random() < 0.5 else Edge(left=e.right, right=e.left, why=e.why) for e in edges]
        members = {i: members[i] for i in ids}
        ledger = {i: ledger[i] for i in sorted(ledger, key=lambda _: dice.random())}
    groups = components(ids, edges)
    left_out = out & world.articles.keys()
    return Built(groups, settle(groups, members, ledger, splits, version, edges, previous=last, left_out=left_out))


def bumped(version: str, step: int) -> str:
    major, minor, patch = version_key(version)
    return [f"{major}.{minor}.{patch + 1}", f"{major}.{minor + 1}.0", f"{major + 1}.0.0"][step]


def choose(help_text: str, number: int) -> tuple[Decision, ...]:
    """One of the choices that a finding offers, as a person pastes it."""
    start = help_text.index("decision = [") if "decision = [" in help_text else help_text.index("{ articles")
    piece = help_text[start:].split("  or  ")[number]
    table = tomllib.loads(piece if piece.startswith("decision") else f"decision = [{piece}]")
    return tuple(Decision(**{**d, "articles": tuple(d["articles"])}) for d in table["decision"])


def lawful(built: Built, before: Ledger, last: str, version: str, options: Mapping[str, Any]) -> None:
    """No group straddles splits or folds, nothing moves unsaid, nothing is forgotten."""
    ledger = built.ledger
    of_group: dict[str, set[tuple[str, int | None]]] = defaultdict(set)
    for entry in ledger.values():
        of_group[entry.group].add((entry.split, entry.fold if entry.released else None))
        assert not entry.released or (entry.fold is not None) == ("folds" in options and entry.split == "train")
    assert all(len({split for split, _ in stands}) == 1 for stands in of_group.values())
    names = {component: ledger[i].group for i, component in built.groups.items()}
    assert all(ledger[i].group == names[component] for i, component in built.groups.items())
    assert len(set(names.values())) == len(names)
    folds = {(ledger[i].fold, component) for i, component in built.groups.items()}
    assert len(folds) == len(names)
    assert {i for i, e in ledger.items() if e.released} == built.groups.keys()
    now = {**{e.formerly: e for e in ledger.values() if e.formerly}, **ledger}
    said = any(d.code == "L005" for d in built.result.found)
    for identifier, old in before.items():
        new = now[identifier]
        assert new.since == old.since
        if (new.split, new.fold, new.folds) != (old.split, old.fold, old.folds) and old.released and new.released:
            added = new.split == old.split and old.fold is None
            assert added or (said and breaking(last, version)), (old, new)


OPTIONS = st.sampled_from(
    [
        {},
        {"by": "quota"},
        {"by": "quota", "stratify": "topic"},
        {"by": "time", "column": "day"},
        {"folds": 3},
        {"by": "quota", "stratify": "topic", "folds": 2},
        {"given": "split"},
        {"given": "split", "prefer": ("test", "validation", "train")},
        {"by": "time", "column": "day", "given": "split", "prefer": ("test", "train"), "folds": 2},
    ]
)
EXPECTED = {"L002", "L004", "L005", "L007", "L008", "L009", "L014"}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(OPTIONS, st.integers(0, 2**32), st.integers(2, 8), st.integers(1, 12))
def test_the_laws_hold_over_every_history(options: dict[str, Any], seed: int, length: int, size: int) -> None:
    dice = random.Random(seed)
    world, ledger, last, version = World(), {}, "", "0.1.0"
    for _ in range(length):
        for _ in range(dice.randint(1, size)):
            world.change(dice)
        for _ in range(12):  # what a person does until the build passes
            built = build(world, ledger, options, version, last)
            assert set(built.codes) <= EXPECTED
            assert build(world, ledger, options, version, last, seed=dice.randrange(99)).result == built.result
            if not built.failed:
                break
            settle_one(world, built, dice, last or version)
            version = bumped(last, 2) if last and dice.random() < 0.5 else version
        if built.failed:
            return
        lawful(built, ledger, last, version, options)
        again = build(world, built.ledger, options, version, last)
        assert again.ledger == built.ledger
        assert set(built.codes) - set(again.codes) <= {"L008"}
        ledger, last = built.ledger, version
        version = bumped(version, dice.randrange(3))


def settle_one(world: World, built: Built, dice: random.Random, last: str) -> None:
    """Mend the first error, as its help says."""
    first = next(d for d in built.result.found if d.severity is Severity.ERROR)
    if first.code in {"L002", "L014"}:
        world.decisions.extend(choose(first.help or "", dice.randrange(3)))
    elif first.place.pointer and first.place.pointer.startswith("/splits/pin"):
        world.pins.clear()
    elif first.place.pointer and first.place.pointer.startswith("/splits/decision"):
        world.decisions.pop(int(first.place.pointer.split("/")[3]))


@settings(max_examples=100, deadline=None)
@given(OPTIONS, st.integers(0, 2**32), st.sampled_from(["1.0.1", "1.1.0", "2.0.0"]))
def test_builds_that_were_never_released_leave_no_trace(options: dict[str, Any], seed: int, version: str) -> None:
    dice = random.Random(seed)
    world = World()
    for _ in range(14):
        world.change(dice)
    first = build(world, {}, options, "1.0.0")
    if first.failed:
        return
    trial, options_tried = replace(world, articles=dict(world.articles), links=set(world.links)), dict(options)
    trial.pins = {i: dice.choice(NAMES) for i in world.articles if dice.random() < 0.3}
    trial.links |= {(a, b) for a in world.articles for b in world.articles if dice.random() < 0.02}
    if "folds" in options and dice.random() < 0.5:
        options_tried["folds"] = 4
    tried = build(trial, first.ledger, options_tried, version)
    if tried.failed:
        return
    for _ in range(4):
        world.change(dice)
    right, after = build(world, first.ledger, options, version), build(world, tried.ledger, options, version)
    assert right.failed == after.failed
    if not right.failed:
        assert {i: (e.group, e.split, e.fold, e.since) for i, e in right.ledger.items()} == {
            i: (e.group, e.split, e.fold, e.since) for i, e in after.ledger.items()
        }


@settings(max_examples=50, deadline=None)
@given(OPTIONS, st.integers(0, 2**32))
def test_every_ledger_survives_its_file(tmp_path_factory: Any, options: dict[str, Any], seed: int) -> None:
    dice, world, ledger = random.Random(seed), World(), {}
    for version in ("1.0.0", "2.0.0", "3.0.0"):
        for _ in range(8):
            world.change(dice)
        built = build(world, ledger, options, version)
        ledger = ledger if built.failed else built.ledger
    path: Path = tmp_path_factory.mktemp("ledger") / "ledger.jsonl"
    path.write_bytes(dump_ledger(ledger))
    assert read_ledger(path, "ledger.jsonl") == (ledger, [])
