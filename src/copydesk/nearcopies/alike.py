"""The most alike articles of different homes: what a certificate of splits shows, below the thresholds too.

The measures of the pairs that are shown are exact. Which pairs are measured is estimated: from samples of the
articles, of which passages in up to COMMON articles count for each pair of them, and more common ones for neighbours
in a shuffled order. In a corpus of up to some hundred articles all pairs that share a passage count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from copydesk.nearcopies.index import Index, build, limits_of
from copydesk.nearcopies.measures import Pair, distinct, measure, spread
from copydesk.nearcopies.search import LEAST_SHARED
from copydesk.shingles import Hashes, Ints, Joined, Sequences, join

COMMON = 64
"""Articles that hold a passage up to which all pairs of them are looked at."""

_SAMPLE = 64
_NEIGHBOURS = 8
_MEASURED = 500
"""Pairs of each two homes that are measured for each measure, at least."""
_PAIRS = 1 << 20
_ALL_PAIRS = 20_000_000
"""Pairs of articles in one list, over all lists, up to which none is left out."""

Floats = npt.NDArray[np.float64]


def most_alike(
    sequences: Sequences | Joined, homes: Sequence[int] | Ints, *, top: int, colours: Sequence[int] | Ints | None = None
) -> list[Pair]:
    """For each two homes the pairs of articles that have the greatest Jaccard, the greatest containment, and the most
    shingles in common: as many as `top` of each, in one list, the greatest Jaccard first.

    A containment counts if LEAST_SHARED shingles are shared. Pairs of different colours have lists of their own: they
    take no place from the others.
    """
    articles = sequences if isinstance(sequences, Joined) else join([sequences])
    home_of = np.asarray(homes, dtype=np.int64)
    shade = np.zeros(len(home_of), dtype=np.int64) if colours is None else np.asarray(colours, dtype=np.int64)
    if len(articles) < 2 or not top:
        return []
    lengths = articles.lengths()
    index = build(articles, None, limits_of(lengths, _SAMPLE))
    chosen = [np.zeros(0, dtype=np.int64)]
    for found in (_estimated(index, home_of), _neighbours(index, home_of)):
        best: dict[tuple[int, int], tuple[Ints, Floats]] = {}
        for codes, shared in found:
            left, right = codes >> 32, codes & 0xFFFFFFFF
            part = shared * (lengths[left] / np.maximum(index.sampled[left], 1))
            union = np.maximum(lengths[left] + lengths[right] - part, 1)
            estimates = part / union, part / np.minimum(lengths[left], lengths[right]), part
            between = _two_homes(home_of, shade, left, right)
            for homes_of_pair in np.unique(between).tolist():
                here = between == homes_of_pair
                for number, estimate in enumerate(estimates):
                    key = homes_of_pair, number
                    best[key] = _best(best.get(key), codes[here], estimate[here], top)
        chosen += [_both_ways(codes) for codes, _ in best.values()]
    pairs = list(_measured(articles, np.unique(np.concatenate(chosen)).tolist()))
    groups: dict[int, list[Pair]] = {}
    left, right = (np.array([getattr(pair, end) for pair in pairs], dtype=np.int64) for end in ("left", "right"))
    for pair, key in zip(pairs, _two_homes(home_of, shade, left, right).tolist(), strict=True):
        groups.setdefault(key, []).append(pair)
    ranked = [pair for group in groups.values() for pair in _ranked(group, top)]
    return sorted(ranked, key=lambda pair: (-pair.jaccard, -pair.containment, pair.left, pair.right))


def copies_of(articles: Joined, number: int, *, jaccard: float, containment: float) -> list[Pair]:
    """Every near copy of one article, by the measures of `near_copies`; all others are looked at."""
    wanted = distinct(articles.of(number))
    shared = np.zeros(len(articles), dtype=np.int64)
    for numbers, sizes, hashes in articles.pieces():
        shared += np.bincount(np.repeat(numbers, sizes)[np.isin(hashes, wanted)], minlength=len(articles))
    others = [other for other in np.flatnonzero(shared).tolist() if other != number]
    pairs = [measure(number, other, wanted, distinct(articles.of(other))) for other in others]
    return [
        pair
        for pair in pairs
        if pair.jaccard >= jaccard or (pair.containment >= containment and pair.shared >= LEAST_SHARED)
    ]


def _two_homes(homes: Ints, shade: Ints, left: Ints, right: Ints) -> Ints:
    """One number for the homes of each pair, whichever comes first, and for whether the two are of one colour."""
    one, two = homes[left], homes[right]
    codes: Ints = np.minimum(one, two) << 32 | np.maximum(one, two) << 1 | (shade[left] != shade[right])
    return codes


def _estimated(index: Index, homes: Ints) -> Iterator[tuple[Ints, Ints]]:
    """(two articles in one number, how much of the sample of the first they share at most), some articles at a time.

    What they share of crowded lists is not counted; it is no more than either has.
    """
    many = index.many()
    crowded = many[index.list_of] > common_up_to(many)
    in_crowded = np.bincount(index.member[crowded], minlength=len(homes))
    own_in_crowded = np.bincount(index.member[crowded & index.own], minlength=len(homes))
    entry = np.flatnonzero(index.own & ~crowded)
    entry = entry[np.argsort(index.member[entry], kind="stable")]
    article, total = index.member[entry], np.cumsum(many[index.list_of[entry]])
    first = 0
    for edge in _edges(article, total):
        lists = index.list_of[entry[first:edge]]
        skip = np.repeat(index.first[lists] - (np.cumsum(many[lists]) - many[lists]), many[lists])
        one, two = np.repeat(article[first:edge], many[lists]), index.member[np.arange(len(skip)) + skip]
        codes, counts = np.unique((one << 32 | two)[homes[one] != homes[two]], return_counts=True)
        yield codes, counts + np.minimum(own_in_crowded[codes >> 32], in_crowded[codes & 0xFFFFFFFF])
        first = edge


def common_up_to(many: Ints) -> int:
    """The articles of a passage up to which all pairs are looked at: any number where that is little work."""
    return int(many.max(initial=0)) if int((many * many).sum()) <= _ALL_PAIRS else COMMON


def _edges(article: Ints, total: Ints) -> Iterator[int]:
    """Where to stop, so that the pairs of each article stay together and are not too many at once."""
    ends = np.flatnonzero(np.append(article[1:] != article[:-1], True)) + 1 if len(article) else article
    before = 0
    for place, end in enumerate(ends.tolist()):
        if place + 1 == len(ends) or int(total[ends[place + 1] - 1]) - before > _PAIRS:
            yield end
            before = int(total[end - 1])


def _neighbours(index: Index, homes: Ints) -> Iterator[tuple[Ints, Ints]]:
    """The same of articles in crowded lists, each with those that follow it in an order that is one for all lists."""
    entry = np.flatnonzero(index.many()[index.list_of] > common_up_to(index.many()))
    shuffled = spread(index.member[entry].astype(np.uint64))
    entry = entry[np.lexsort((shuffled, index.list_of[entry]))]
    lists, members, own = index.list_of[entry], index.member[entry], index.own[entry]
    for step in range(1, _NEIGHBOURS + 1):
        one, two = members[:-step], members[step:]
        together = (lists[step:] == lists[:-step]) & (homes[one] != homes[two])
        forth, back = together & own[:-step], together & own[step:]
        codes = np.concatenate(((one << 32 | two)[forth], (two << 32 | one)[back]))
        yield np.unique(codes, return_counts=True)


def _best(so_far: tuple[Ints, Floats] | None, codes: Ints, estimates: Floats, top: int) -> tuple[Ints, Floats]:
    if so_far is not None:
        codes, estimates = np.concatenate((so_far[0], codes)), np.concatenate((so_far[1], estimates))
    keep = max(_MEASURED, 8 * top)
    if len(codes) > 4 * keep:  # sorting all of them would cost more than the rest
        least = np.partition(estimates, len(estimates) - keep)[len(estimates) - keep]
        codes, estimates = codes[estimates >= least], estimates[estimates >= least]
    order = np.lexsort((codes, -estimates))[:keep]
    return codes[order], estimates[order]


def _both_ways(codes: Ints) -> Ints:
    left, right = codes >> 32, codes & 0xFFFFFFFF
    ordered: Ints = np.minimum(left, right) << 32 | np.maximum(left, right)
    return ordered


def _measured(articles: Joined, codes: list[int]) -> Iterator[Pair]:
    """The codes are sorted, so that the set of the left article serves for all its pairs."""
    last, left_set = -1, np.zeros(0, dtype=np.uint64)
    sets: dict[int, Hashes] = {}
    for code in codes:
        left, right = code >> 32, code & 0xFFFFFFFF
        if left != last:
            last, left_set = left, distinct(articles.of(left))
        if right not in sets:
            if len(sets) >= 4096:
                sets.clear()
            sets[right] = distinct(articles.of(right))
        yield measure(left, right, left_set, sets[right])


def _ranked(pairs: list[Pair], top: int) -> list[Pair]:
    by_jaccard = sorted(pairs, key=lambda pair: (-pair.jaccard, -pair.containment, pair.left, pair.right))
    excerpts = [pair for pair in pairs if pair.shared >= LEAST_SHARED]
    by_containment = sorted(excerpts, key=lambda pair: (-pair.containment, -pair.jaccard, pair.left, pair.right))
    by_shared = sorted(pairs, key=lambda pair: (-pair.shared, -pair.jaccard, pair.left, pair.right))
    best = by_jaccard[:top] + by_containment[:top] + by_shared[:top]
    return list(dict.fromkeys(pair for pair in best if pair.shared))
