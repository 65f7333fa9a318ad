"""How many articles each split has, against what the ratios say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from copydesk.diagnostics import Diagnostic, Place
from copydesk.project import PROJECT_FILE, Splits
from copydesk.splits.settling import Settled

POINTS = 0.05
ARTICLES = 50
"""L007 speaks up from so far off the declared share on, and from so many articles on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The part of the articles that a split was to have, that it has, and how many they are."""

    declared: float
    actual: float
    articles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Articles that were settled elsewhere: split -> how many; how many of them are there because the data say so."""

    articles: Mapping[str, int] = field(default_factory=dict)
    given: Mapping[str, int] = field(default_factory=dict)


NOTHING = Beside()


def shares_among(found: Iterable[str], splits: Splits, beside: Beside = NOTHING) -> dict[str, Share]:
    """Split -> its share of articles whose splits are given: those of the ratios in their order, then what else there
    is."""
    counted = Counter(found) + Counter(beside.articles)
    total, whole = counted.total(), sum(splits.ratios.values())
    names = [*splits.ratios, *sorted(counted.keys() - splits.ratios.keys())]
    return {
        name: Share(
            declared=splits.ratios.get(name, 0) / whole,
            actual=counted[name] / total if total else 0.0,
            articles=counted[name],
        )
        for name in names
    }


def drifted(
    components: Mapping[str, Sequence[str]], settled: Settled, drift: Mapping[str, Share], others: Beside = NOTHING
) -> Iterator[Diagnostic]:
    """L007 if splits are far from their share, and what pins, decisions and the data put there does not explain it."""
    put = Counter(settled.splits[c] for c, ids in components.items() if c in settled.because for _ in ids)
    put += Counter(others.given)
    total = sum(share.articles for share in drift.values())
    free = total - put.total()
    if free < ARTICLES:
        return
    declared = {name: share.declared for name, share in drift.items()}
    beside = {name: (put[name] + share * free) / total for name, share in declared.items()}
    around = _around(put, declared, total)
    off = [
        name
        for name, share in drift.items()
        if all(abs(share.actual - due[name]) > POINTS for due in (declared, beside, around))
    ]
    if not off:
        return
    parts = [f"{name} has {drift[name].actual:.1%} of the articles instead of {declared[name]:.1%}" for name in off]
    largest = max(components.values(), key=len, default=())
    notes = (f"{len(largest)} articles are one group, that of {largest[0]}",) if len(largest) > total / 50 else ()
    place = Place(file=PROJECT_FILE, pointer="/splits/ratios")
    yield Diagnostic(code="L007", place=place, message="; ".join(parts), notes=notes)


def _around(put: Mapping[str, int], declared: Mapping[str, float], total: int) -> dict[str, float]:
    """The shares if all that can be chosen makes up for what was put somewhere: splits that hold too much as it is
    keep that, the others have the rest in proportion."""
    over: set[str] = set()
    while True:
        rest = 1 - sum(put.get(name, 0) for name in over) / total
        whole = sum(share for name, share in declared.items() if name not in over)
        due = {name: put[name] / total if name in over else rest * share / whole for name, share in declared.items()}
        more = {name for name in due if name not in over and put.get(name, 0) / total > due[name]}
        if not more:
            return due
        over |= more
