"""Near copies: which articles share so many shingles that one is a version or an excerpt of the other.

Measures are exact, over sets of shingles: Jaccard, and the containment of the smaller set in the larger. What is not
exact is which pairs are looked at, and that is bounded: a pair at or above the thresholds is passed over with a
probability below 1e-10, and never if the smaller article is short. What a group is, and what a text is, others know.

If a pair reaches a threshold, the smaller article shares at least the part `t = min(2j/(1+j), c)` of its shingles. Of
each article a sample is kept: the shingles with the smallest hashes, all of them in a short article. All articles are
searched for all samples, so that for every pair it is known how much of the sample of the one is in the other; the
binomial tail says how little that may be. Candidates come from the rarest shingles of a sample, as many as it takes
to have every partner in one of their lists. Where even these are crowded (a template, a notice of the publisher) the
members of a list are compared one after the other; where that comes to no end, the sample grows to the whole article;
and what still remains uncompared then is told. docs/decisions/near-copies.md has the reasons and the figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from copydesk.nearcopies.alike import copies_of, most_alike
from copydesk.nearcopies.index import Index, key_of
from copydesk.nearcopies.measures import Pair, distinct, longest_run, measure, spread
from copydesk.nearcopies.search import LEAST_SHARED, Search
from copydesk.shingles import Hashes, Ints, Joined, Sequences, join

__all__ = [
    "LEAST_SHARED", "Crowded", "Found", "Pair", "copies_of", "distinct", "longest_run", "measure",
    "most_alike", "near_copies",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowded:
    """A passage in so many articles that not all of them were compared: some shingles in a row of one of them."""

    articles: int
    article: int
    position: int
    shingles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Pairs that connect all near copies, and the passages because of which some may be missing."""

    pairs: tuple[Pair, ...]
    crowded: tuple[Crowded, ...]


def near_copies(
    sequences: Sequences | Joined, *, jaccard: float, containment: float, colours: Sequence[int] | Ints | None = None
) -> Found:
    """Pairs with at least this Jaccard or containment; of pairs that others connect already not all are listed.

    A containment counts if LEAST_SHARED shingles are shared. Articles of different colours are never paired.
    """
    assert 0 < jaccard <= 1
    assert 0 < containment <= 1
    articles = sequences if isinstance(sequences, Joined) else join([sequences])
    lengths = articles.lengths()
    colours = None if colours is None else np.asarray(colours, dtype=np.int64)
    twin_of = _twins(articles, lengths, colours)
    kept = np.flatnonzero((twin_of == np.arange(len(articles))) & (lengths > 0))
    search = Search(
        articles=articles.pick(kept),
        lengths=lengths[kept],
        salt=None if colours is None else spread(np.asarray(colours, dtype=np.int64)[kept].astype(np.uint64)),
        jaccard=jaccard,
        containment=containment,
    )
    unfinished = search.run()
    pairs = [replace(pair, left=int(kept[pair.left]), right=int(kept[pair.right])) for pair in search.pairs]
    for twin in np.flatnonzero(twin_of != np.arange(len(articles))).tolist():
        first = int(twin_of[twin])
        shared = len(distinct(articles.of(first)))
        pairs.append(Pair(left=first, right=twin, shared=shared, jaccard=1.0, containment=1.0))
    crowded: tuple[Crowded, ...] = ()
    if unfinished is not None:
        copies = np.bincount(np.searchsorted(kept, twin_of[lengths > 0]), minlength=len(kept))
        crowded = tuple(replace(c, article=int(kept[c.article])) for c in _passages(search, *unfinished, copies))
    return Found(pairs=tuple(sorted(pairs, key=lambda pair: (pair.left, pair.right))), crowded=crowded)


def _twins(articles: Joined, lengths: Ints, colours: Ints | None) -> Ints:
    """For each article the first one of its colour with the same shingles, itself as a rule."""
    sums, mixed = np.zeros(len(articles), dtype=np.uint64), np.zeros(len(articles), dtype=np.uint64)
    for numbers, sizes, hashes in articles.pieces():
        there = np.flatnonzero(sizes)
        if len(there):
            starts = np.cumsum(sizes)[there] - sizes[there]
            sums[numbers[there]] = np.add.reduceat(hashes, starts)
            mixed[numbers[there]] = np.bitwise_xor.reduceat(hashes, starts)
    colour = np.zeros(len(articles), dtype=np.int64) if colours is None else np.asarray(colours, dtype=np.int64)
    order = np.lexsort((np.arange(len(articles)), sums, mixed, colour, lengths))
    same = np.ones(max(0, len(order) - 1), dtype=np.bool_)
    for column in (sums, mixed, colour, lengths):
        same &= column[order[1:]] == column[order[:-1]]
    twin_of = np.arange(len(articles))
    for at in np.flatnonzero(same).tolist():
        left, right = int(twin_of[order[at]]), int(order[at + 1])
        if lengths[right] and _equal(articles.of(left), articles.of(right)):
            twin_of[right] = left
    return twin_of


def _equal(left: Hashes, right: Hashes) -> bool:
    return np.array_equal(left, right) or np.array_equal(np.sort(left), np.sort(right))


def _passages(search: Search, index: Index, lists: Ints, copies: Ints) -> Iterator[Crowded]:
    """Where the shingles of crowded lists can be seen, those in most articles first, each passage once."""
    held = {int(index.keys[n]): int(copies[index.members(n)].sum()) for n in lists.tolist()}
    where = {int(index.keys[n]): int(index.members(n).min()) for n in lists.tolist()}
    keys, told = index.keys[index.many() >= index.many()[lists].min() // 2], set[int]()
    for shingle in sorted(held, key=lambda key: (-held[key], where[key], key)):
        if shingle in told:
            continue
        article = where[shingle]
        hashes = search.articles.of(article)
        seen = key_of(hashes if search.salt is None else hashes ^ search.salt[article], len(search.articles))
        crowded = np.isin(seen, keys)
        start = end = int(np.flatnonzero(seen == shingle)[0])
        while start and crowded[start - 1]:
            start -= 1
        while end < len(seen) and crowded[end]:
            end += 1
        told.update(seen[crowded].tolist())
        yield Crowded(articles=held[shingle], article=article, position=start, shingles=end - start)
