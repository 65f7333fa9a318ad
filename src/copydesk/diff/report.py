"""Two sides -> their difference, computed once: the changes one by one for whoever keeps them, and what they come to.

Streaming: of the changes only the first few of each sort are kept. How it is shown is not decided here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

from copydesk.diagnostics import Place
from copydesk.diff.contract import compatibility, contract_changes
from copydesk.diff.model import Bump, Change, Side, Summary, What
from copydesk.diff.replay import replays
from copydesk.diff.rows import changes
from copydesk.diff.rules import RULES, allows, next_version
from copydesk.diff.summary import summarise

Section = Literal["contract", "splits", "articles", "annotations", "rights", "bytes"]

SECTIONS: dict[What, Section] = {
    "config-added": "contract", "config-removed": "contract", "config-changed": "contract", "column-added": "contract",
    "column-removed": "contract", "column-changed": "contract",
    "split-moved": "splits", "folds-changed": "splits",
    "record-added": "articles", "record-withdrawn": "articles", "record-renamed": "articles",
    "text-edited": "articles", "record-edited": "articles",
    "annotation-added": "annotations", "annotation-removed": "annotations", "annotation-relabelled": "annotations",
    "annotation-reattributed": "annotations", "annotation-moved": "annotations", "annotation-edited": "annotations",
    "layer-reordered": "annotations",
    "rights-changed": "rights", "license-changed": "rights",
    "bytes-changed": "bytes",
}  # fmt: skip
"""What a change is -> the section that it is told in, both in the order in which they are told."""

_GONE = {"record-withdrawn", "annotation-removed", "config-removed", "column-removed"}
"""What only the old side has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A change, and where it stands in the annotator's own file.

    `at`: whose file that is: that of the old side, of the new one, or of the work tree, whose place stands for that
    of a release; empty without a place.
    """

    change: Change
    place: Place | None = None
    at: Literal["", "old", "new", "tree"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the version must be. `needed`: the smallest that will do; the old one if nothing differs.

    `enough`: whether the declared one, that of the new side, is one of those that will do.
    """

    bump: Bump
    old: str
    declared: str
    needed: str
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Only:
    """Which changes are wanted: of these sections, layers (or configs) and records; empty stands for all."""

    sections: frozenset[str] = frozenset()
    layers: frozenset[str] = frozenset()
    records: frozenset[str] = frozenset()

    def admits(self, change: Change) -> bool:
        return (
            (not self.sections or SECTIONS[change.what] in self.sections)
            and (not self.layers or change.layer in self.layers)
            and (not self.records or change.record in self.records)
        )

    @property
    def all(self) -> bool:
        return not (self.sections or self.layers or self.records)


@dataclass(slots=True, kw_only=True)
class Difference:
    """What two sides differ in.

    `summary` and `verdict` are of all changes. `counts`: (what, layer or config, split) -> how many, and `examples`:
    (what, layer or config) -> the first `keep`, of those that are wanted. `forced`: rule -> the first few changes that
    ask for the step of the verdict. `compatible`: backward, forward, and why not. `tree`: whether places of the new
    side are in the work tree.
    """

    old: Side
    new: Side
    only: Only
    summary: Summary
    verdict: Verdict
    keep: int
    compatible: tuple[bool, bool, tuple[str, ...]] = (True, True, ())
    tree: bool = False
    counts: Counter[tuple[What, str, str]] = field(default_factory=Counter)
    examples: dict[tuple[What, str], list[Located]] = field(default_factory=dict)
    forced: dict[str, list[Located]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many changes there are, wanted or not."""
        return self.summary.rules.total()


def difference(
    old: Side,
    new: Side,
    *,
    keep: int = 5,
    only: Only | None = None,
    take: Callable[[Located], None] | None = None,
    tree: bool = False,
) -> Difference:
    """Compare two sides.

    `take` gets every wanted change with its place, in order; `keep` is how many examples of each sort are kept;
    `tree` says that the places of the new side are in the work tree, and not the side's own.
    """
    wanted = only or Only()
    made = _Gathered(old=old, new=new, only=wanted, keep=keep, take=take, tree=tree)
    of_contract = list(contract_changes(old.types, new.types))
    summary = summarise(made.seen(chain(of_contract, changes(old, new))), old, new, keep=keep)
    summary.replays = replays(old, new)
    return Difference(
        old=old, new=new, only=wanted, keep=keep, summary=summary,
        verdict=judge(old.version, new.version, summary.bump),
        compatible=compatibility(of_contract), tree=tree, counts=made.counts, examples=made.examples,
        forced=_forced(summary, made),
    )  # fmt: skip


@dataclass(slots=True, kw_only=True)
class _Gathered:
    """What is kept of the changes while they go by. `former`: the last record that was renamed, and its old id."""

    old: Side
    new: Side
    only: Only
    keep: int
    take: Callable[[Located], None] | None
    tree: bool
    counts: Counter[tuple[What, str, str]] = field(default_factory=Counter)
    examples: dict[tuple[What, str], list[Located]] = field(default_factory=dict)
    places: dict[int, Located] = field(default_factory=dict)
    former: tuple[str, str, str] = ("", "", "")

    def seen(self, stream: Iterable[Change]) -> Iterator[Change]:
        """The same changes; those that are wanted are counted, and taken or kept with their places."""
        rules: Counter[str] = Counter()
        for change in stream:
            if change.what == "record-renamed":
                self.former = change.kind, change.record, str(change.old)
            rules[change.rule] += 1
            wanted = self.only.admits(change)
            kept = self.examples.setdefault((change.what, change.layer), []) if wanted else []
            self.counts[change.what, change.layer, change.split] += wanted
            example = wanted and len(kept) < self.keep
            first = rules[change.rule] <= self.keep  # the summary keeps it, and what forces a version is located
            if example or first or (wanted and self.take is not None):
                located = self.locate(change)
                if example:
                    kept.append(located)
                if first:
                    self.places[id(change)] = located
                if wanted and self.take is not None:
                    self.take(located)
            yield change
        self.counts = +self.counts

    def locate(self, change: Change) -> Located:
        """A change with the place of what it is about: in the old side for what is gone, else in the new one."""
        if not change.record:
            return Located(change=change)
        at: Literal["new", "tree"] = "tree" if self.tree else "new"
        if change.what not in _GONE:
            place = self.new.where(change.kind, change.record, change.pointer)
            return Located(change=change, place=place, at=at if place else "")
        renamed = self.former[:2] == (change.kind, change.record)
        before = self.former[2] if renamed else change.record
        if (place := self.old.where(change.kind, before, change.pointer)) is not None:
            return Located(change=change, place=place, at="old")
        place = self.new.where(change.kind, change.record, "")  # what held it, if that is still there
        return Located(change=change, place=place, at=at if place else "")


def judge(old: str, declared: str, bump: Bump) -> Verdict:
    """Whether the declared version says enough of a difference that asks for a step."""
    if bump is Bump.NONE:
        return Verdict(bump=bump, old=old, declared=declared, needed=old, enough=True)
    enough = allows(old, declared, bump)
    return Verdict(bump=bump, old=old, declared=declared, needed=next_version(old, bump), enough=enough)


def _forced(summary: Summary, made: _Gathered) -> dict[str, list[Located]]:
    """The rules that ask for the step, in the order of their table, with the places of their examples."""
    rules = [rule for rule in RULES if rule in summary.rules and RULES[rule].bump == summary.bump]
    return {rule: [made.places[id(change)] for change in summary.forced.get(rule, ())] for rule in rules}
