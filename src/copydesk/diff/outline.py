"""What a difference says, in the order in which it is told: the same for a terminal and for a pull request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from copydesk.diff.model import Bump, What
from copydesk.diff.phrases import VERBS, Data, Phrase, placed, short
from copydesk.diff.replay import EQUAL
from copydesk.diff.report import SECTIONS, Difference, Located, Section
from copydesk.diff.rules import RULES
from copydesk.diff.summary import split_order

TITLES: dict[Section, str] = {
    "contract": "Contract",
    "splits": "Splits",
    "articles": "Articles",
    "annotations": "Annotations",
    "rights": "Rights",
    "bytes": "Bytes",
}

STEPS = {Bump.NONE: "no new", Bump.PATCH: "a patch", Bump.MINOR: "a minor", Bump.MAJOR: "a major"}

MANY = 3
"""Reasons that the first line gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Changes of one sort: what they are, how many, in which splits, the first few in words, if not told before."""

    title: Phrase
    count: int
    splits: Phrase = ()
    items: tuple[Phrase, ...] = ()
    reason: str = ""

    @property
    def more(self) -> int:
        return self.count - len(self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table. The first column are names, of the data; the others are numbers."""

    head: tuple[str, ...]
    rows: tuple[tuple[Data, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A section: sentences, a table, groups of changes."""

    title: str
    lines: tuple[Phrase, ...] = ()
    grid: Grid | None = None
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """`forced`: what asks for the step of the version, by rule. `same`: titles of the sections that have nothing."""

    name: Data
    versions: tuple[Data, Data]
    needs: Phrase
    remarks: tuple[Phrase, ...]
    forced: tuple[Group, ...]
    parts: tuple[Part, ...]
    same: tuple[str, ...]


def outline(difference: Difference) -> Outline:
    """Everything that is shown of a difference."""
    told: set[int] = set()
    forced = tuple(_forced(difference, told)) if difference.only.all else ()
    made = {section: _part(difference, section, told) for section in TITLES if _is_wanted(difference, section)}
    return Outline(
        name=Data(difference.new.name),
        versions=(Data(difference.old.version), Data(difference.new.version)),
        needs=_needs(difference),
        remarks=tuple(_remarks(difference)),
        forced=forced,
        parts=tuple(part for part in made.values() if part is not None),
        same=tuple(TITLES[section] for section, part in made.items() if part is None and section != "bytes"),
    )


def _is_wanted(difference: Difference, section: Section) -> bool:
    return not difference.only.sections or section in difference.only.sections


def _needs(difference: Difference) -> Phrase:
    """The step, why, and what to say of the declared version."""
    verdict = difference.verdict
    if verdict.bump is Bump.NONE:
        return ("no difference",)
    early = "before 1.0.0 that is " if verdict.old.startswith("0.") else ""
    reasons = [RULES[rule].summary for rule in difference.forced]
    left = len(reasons) - MANY
    more = [f"{left} more reason{'s' if left > 1 else ''}"] if left > 0 else []
    because = "; ".join([*reasons[:MANY], *more])
    step = (f"needs {STEPS[verdict.bump]} version ({early}", Data(verdict.needed), f"), because {because}")
    return (*step, *_judged(difference))


def _judged(difference: Difference) -> Phrase:
    verdict = difference.verdict
    if verdict.enough:
        return (". ", Data(verdict.declared), " is enough")
    if verdict.declared == verdict.old:
        return (". Both sides say ", Data(verdict.declared))
    return (". ", Data(verdict.declared), " is too small")


def _remarks(difference: Difference) -> Iterator[Phrase]:
    old, new = difference.old, difference.new
    yield ("old: ", short(old.label), "; new: ", short(new.label))
    if old.name != new.name:
        yield ("the two are different datasets: ", Data(old.name), " and ", Data(new.name))
    if not difference.only.all:
        shown = sum(difference.counts.values())
        yield (f"shown are {shown:,} of {difference.total:,} changes; the version is judged by all of them",)
    located = [one for group in (*difference.examples.values(), *difference.forced.values()) for one in group]
    if any(one.at == "tree" for one in located):
        yield ("places are in the work tree of the project, which may have moved on since the release",)


def _forced(difference: Difference, told: set[int]) -> Iterator[Group]:
    for rule, examples in difference.forced.items():
        told.update(id(one.change) for one in examples)
        yield Group(
            title=(RULES[rule].summary,),
            count=difference.summary.rules[rule],
            items=tuple(placed(one, difference) for one in examples),
            reason=RULES[rule].reason,
        )


def _part(difference: Difference, section: Section, told: set[int]) -> Part | None:
    """A section, or None if it has nothing to tell."""
    groups = tuple(_groups(difference, section, told))
    lines: tuple[Phrase, ...] = ()
    grid = None
    if section == "contract" and groups:
        lines = (*_compatible(difference), *_replays(difference))
    if section == "splits":
        grid = _churn(difference) if difference.only.all or difference.only.sections else None
    if section == "annotations" and groups:
        grid = _tally(difference)
    if not groups and grid is None:
        return None
    return Part(title=TITLES[section], lines=lines, grid=grid, groups=groups)


def _groups(difference: Difference, section: Section, told: set[int]) -> Iterator[Group]:
    order = list(SECTIONS)
    found: dict[tuple[What, str], Counter[str]] = {}
    for (what, layer, split), count in difference.counts.items():
        if SECTIONS[what] == section:
            # a change of the contract names its config itself
            found.setdefault((what, "" if section == "contract" else layer), Counter())[split] += count
    for what, layer in sorted(found, key=lambda key: (key[1], order.index(key[0]))):
        splits = found[what, layer]
        items = tuple(placed(one, difference) for one in _fresh(difference, what, layer, section, told))
        title: Phrase = (Data(layer), " ", VERBS[what]) if layer else (VERBS[what],)
        yield Group(title=title, count=splits.total(), splits=_by_split(splits), items=items)


def _fresh(difference: Difference, what: What, layer: str, section: Section, told: set[int]) -> Sequence[Located]:
    """The examples that no other group has told."""
    if section == "contract":
        kept = [one for (w, _), group in difference.examples.items() if w == what for one in group]
    else:
        kept = difference.examples.get((what, layer), [])
    return [one for one in kept if id(one.change) not in told][: difference.keep]


def _by_split(splits: Counter[str]) -> Phrase:
    named = sorted((name for name in splits if name), key=split_order)
    words: list[str | Data] = []
    for number, name in enumerate(named):
        words += [", " if number else " (", Data(name), f" {splits[name]:,}" if len(named) > 1 else ""]
    return (*words, ")") if words else ()


def _compatible(difference: Difference) -> Iterator[Phrase]:
    backward, forward, why = difference.compatible
    yield (f"backward compatible (readers of the new contract, old rows): {_yes(backward)}",)
    yield (f"forward compatible (readers of the old contract, new rows): {_yes(forward)}",)
    yield from (("  ", Data(reason)) for reason in why[: difference.keep])
    if len(why) > difference.keep:
        yield (f"  … and {len(why) - difference.keep:,} more",)


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"


def _replays(difference: Difference) -> Iterator[Phrase]:
    """How the rows of each side fare under the contract of the other."""
    for direction, configs in difference.summary.replays.items():
        rows = sum(rows for rows, _, example in configs.values() if example != EQUAL)
        bad = {name: found for name, found in configs.items() if found[1]}
        if rows and not bad:
            yield (f"replayed {direction}: {rows:,} rows, none breaks it",)
        for name, (rows, broken, example) in bad.items():
            shown: Phrase = (": ", Data(example)) if example else ()
            yield (f"replayed {direction}: ", Data(name), f" {broken:,} of {rows:,} rows break it", *shown)


def _churn(difference: Difference) -> Grid | None:
    """What became of the articles of each split, test first; None if nothing did."""
    churn = difference.summary.churn
    columns = ("before", "after", "added", "withdrawn", "moved_in", "moved_out", "edited")
    rows = tuple(
        (Data(split), tuple(int(getattr(churn[split], column)) for column in columns))
        for split in sorted(churn, key=split_order)
    )
    if not any(any(numbers[2:]) or numbers[0] != numbers[1] for _, numbers in rows):
        return None
    return Grid(head=("split", *(column.replace("_", " ") for column in columns)), rows=rows)


def _tally(difference: Difference) -> Grid:
    """How many annotations of each layer changed in which way."""
    counts = {key: n for key, n in difference.counts.items() if SECTIONS[key[0]] == "annotations"}
    whats = [what for what in SECTIONS if any(key[0] == what for key in counts)]
    layers = sorted({layer for _, layer, _ in counts})
    total: Counter[tuple[What, str]] = Counter()
    for (what, layer, _), count in counts.items():
        total[what, layer] += count
    rows = tuple((Data(layer), tuple(total[what, layer] for what in whats)) for layer in layers)
    return Grid(head=("layer", *(VERBS[what] for what in whats)), rows=rows)
