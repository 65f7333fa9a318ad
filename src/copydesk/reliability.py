"""Measures of agreement, and how sure they are: F1 of spans, Krippendorff's alpha, bootstrap intervals. Pure numbers.

Spans have no true negatives, so F1 between two passes is the measure for them (Hripcsak and Rothschild 2005); with
more passes it is the mean over their pairs. Labels are compared over the spans that are matched between the passes,
by nominal alpha with missing values (Krippendorff 2011). Intervals are percentile bootstrap intervals over articles
(Efron and Tibshirani 1993), since the annotations of one article are not independent.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

Ranges = tuple[tuple[int, int], ...]

RESAMPLES = 1000
"""How often the articles are drawn anew."""
LEAST_ARTICLES = 5
"""Articles below which an interval would only pretend to say something."""
COVERAGE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One annotated item of a pass: the record and span it stands on, its id, its labels by property."""

    record: str
    ranges: Ranges
    id: str
    labels: dict[str, str] = field(default_factory=dict, hash=False, compare=False)

    def overlap(self, other: Item) -> int:
        """Code points that two items of one record share."""
        if self.record != other.record:
            return 0
        return sum(max(0, min(e, f) - max(s, t)) for s, e in self.ranges for t, f in other.ranges)


def alpha(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Krippendorff's alpha, nominal, two passes, no missing values; None where it is undefined.

    It is undefined without units, and where all values are the same: there was nothing to disagree on.
    """
    return alpha_of(pairs)


def alpha_of(units: Iterable[Sequence[str]]) -> float | None:
    """Krippendorff's alpha, nominal, over units that any number of passes gave a value; None where it is undefined.

    Units with fewer than two values say nothing of agreement.
    """
    disagreement, counts = 0.0, Counter[str]()
    for values in units:
        observed, counted = _unit(values)
        disagreement += observed
        counts += counted
    return _alpha(disagreement, np.array(list(counts.values()), dtype=float))


def _unit(values: Sequence[str]) -> tuple[float, Counter[str]]:
    """(pairs of different values, each weighted by 1 / (m - 1), and the values) of one unit with m values."""
    if len(values) < 2:
        return 0.0, Counter()
    counts = Counter(values)
    unequal = len(values) ** 2 - sum(n * n for n in counts.values())
    return unequal / (len(values) - 1), counts


def _alpha(disagreement: float, counts: np.ndarray[Any, Any]) -> float | None:
    total = float(counts.sum())
    expected = total**2 - float((counts**2).sum())
    return None if expected <= 0 else 1 - (total - 1) * disagreement / expected


def f1(matches: float, left: float, right: float) -> float | None:
    """F1 of two sets of which `matches` members meet; None if both are empty."""
    return 2 * matches / (left + right) if left + right else None


def match(left: Sequence[Item], right: Sequence[Item]) -> list[tuple[Item, Item]]:
    """Pair the items of two passes one to one: equal spans first, then by the greatest overlap."""
    candidates: list[tuple[int, int, int, int]] = []
    there: dict[str, list[int]] = {}
    for j, other in enumerate(right):
        there.setdefault(other.record, []).append(j)
    for i, one in enumerate(left):
        for j in there.get(one.record, ()):
            other = right[j]
            shared = one.overlap(other)
            if shared:
                candidates.append((one.ranges != other.ranges, -shared, i, j))
    used_left, used_right, pairs = set[int](), set[int](), []
    for _, _, i, j in sorted(candidates):
        if i not in used_left and j not in used_right:
            used_left.add(i)
            used_right.add(j)
            pairs.append((left[i], right[j]))
    return sorted(pairs, key=lambda pair: (pair[0].record, pair[0].ranges, pair[0].id))


def units_of(sides: Sequence[Sequence[Item]]) -> list[list[Item]]:
    """The spans that passes have in common, each with the items of the passes that have it, one a pass.

    The first pass begins; each further one is matched with what is there, equal spans first, then by overlap.
    """
    units: list[list[Item]] = []
    for side in sides:
        first = {id(unit[0]): unit for unit in units}
        taken = set[int]()
        for known, item in match([unit[0] for unit in units], side):
            first[id(known)].append(item)
            taken.add(id(item))
        units.extend([item] for item in side if id(item) not in taken)
    return units


@dataclass(slots=True, kw_only=True)
class _Pair:
    """For each article that two passes have: matches by equal span, matches by overlap, items on both sides."""

    exact: list[int] = field(default_factory=list)
    overlapping: list[int] = field(default_factory=list)
    items: list[int] = field(default_factory=list)

    def add(self, left: Sequence[Item], right: Sequence[Item]) -> None:
        self.exact.append(exact_matches(left, right))
        self.overlapping.append(len(match(left, right)))
        self.items.append(len(left) + len(right))


def exact_matches(left: Iterable[Item], right: Iterable[Item]) -> int:
    """How many items of the one side have an item with the same span on the other."""
    there = Counter((item.record, item.ranges) for item in right)
    return sum((Counter((item.record, item.ranges) for item in left) & there).values())


Side = Mapping[str, Sequence[Item]]
"""Article -> items of one pass. An article in which the pass found nothing has none; one it did not see is absent."""


def span_figures(sides: Sequence[Side], names: Sequence[str]) -> dict[str, Any]:
    """F1 of spans: the mean over the pairs of passes, each pair where there are several, and the intervals."""
    pairs: dict[tuple[int, int], _Pair] = {}
    shared: dict[tuple[int, int], list[str]] = {}
    for one, two in combinations(range(len(sides)), 2):
        common = sorted(sides[one].keys() & sides[two].keys())
        if common:
            pair = pairs[one, two] = _Pair()
            shared[one, two] = common
            for article in common:
                pair.add(sides[one][article], sides[two][article])
    out: dict[str, Any] = {
        "exact_f1": rounded(_mean([_f1(p.exact, p.items) for p in pairs.values()])),
        "overlap_f1": rounded(_mean([_f1(p.overlapping, p.items) for p in pairs.values()])),
    }
    if len(sides) > 2:
        out["pairs"] = {
            f"{names[one]}/{names[two]}": {
                "articles": len(shared[one, two]),
                "exact_f1": rounded(_f1(p.exact, p.items)),
                "overlap_f1": rounded(_f1(p.overlapping, p.items)),
            }
            for (one, two), p in pairs.items()
        }
    articles = sorted({article for common in shared.values() for article in common})
    intervals = {
        "exact_f1": _f1_interval(articles, shared, {k: (p.exact, p.items) for k, p in pairs.items()}),
        "overlap_f1": _f1_interval(articles, shared, {k: (p.overlapping, p.items) for k, p in pairs.items()}),
    }
    if kept := {name: interval for name, interval in intervals.items() if interval is not None}:
        out["intervals"] = kept
    return out


def _f1(matches: Sequence[int], items: Sequence[int]) -> float | None:
    return f1(sum(matches), sum(items), 0)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _f1_interval(
    articles: Sequence[str],
    shared: Mapping[tuple[int, int], Sequence[str]],
    counts: Mapping[tuple[int, int], tuple[Sequence[int], Sequence[int]]],
) -> dict[str, float] | None:
    if len(articles) < LEAST_ARTICLES:
        return None
    place = {article: number for number, article in enumerate(articles)}
    weights = _draws(len(articles))
    totals, known = np.zeros(len(weights)), np.zeros(len(weights))
    for key, (matches, items) in counts.items():
        at = [place[article] for article in shared[key]]
        met = weights[:, at] @ np.array(matches, dtype=float)
        size = weights[:, at] @ np.array(items, dtype=float)
        totals += np.divide(2 * met, size, out=np.zeros_like(size), where=size > 0)
        known += size > 0
    return _interval(totals[known > 0] / known[known > 0])


def label_figures(units: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, Any]:
    """Agreement on the labels of matched spans; `units`: article -> for each span the labels that passes gave it."""
    flat = [values for article in units.values() for values in article if len(values) > 1]
    pairs = sum(len(values) * (len(values) - 1) // 2 for values in flat)
    same = sum(n * (n - 1) // 2 for values in flat for n in Counter(values).values())
    out: dict[str, Any] = {
        "units": len(flat),
        "alpha": rounded(alpha_of(flat)),
        "agreement": rounded(same / pairs if pairs else None),
    }
    interval = _alpha_interval(units)
    if interval is not None:
        out["intervals"] = {"alpha": interval}
    return out


def _alpha_interval(units: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, float] | None:
    if len(units) < LEAST_ARTICLES:
        return None
    names = sorted({value for article in units.values() for values in article for value in values})
    column = {name: number for number, name in enumerate(names)}
    disagreement, counts = np.zeros(len(units)), np.zeros((len(units), len(names)))
    for row, article in enumerate(sorted(units)):
        for values in units[article]:
            observed, counted = _unit(values)
            disagreement[row] += observed
            for name, n in counted.items():
                counts[row, column[name]] += n
    weights = _draws(len(units))
    drawn = [_alpha(float(d), c) for d, c in zip(weights @ disagreement, weights @ counts, strict=True)]
    return _interval(np.array([value for value in drawn if value is not None]))


def _draws(articles: int) -> np.ndarray[Any, Any]:
    """How often each article is drawn, for each resample. The same for the same number of articles, on any machine."""
    source = random.Random(articles)
    rows = [np.bincount([int(source.random() * articles) for _ in range(articles)], minlength=articles)
            for _ in range(RESAMPLES if articles <= 5_000 else RESAMPLES // 5)]  # fmt: skip
    return np.array(rows, dtype=float)


def _interval(values: np.ndarray[Any, Any]) -> dict[str, float] | None:
    if not len(values):
        return None
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return {"low": round(float(low), 4), "high": round(float(high), 4)}


def rounded(value: float | None) -> float | None:
    """Four digits: what two machines agree on."""
    return None if value is None else round(value, 4)
