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
from dataclasses import dataclass

import numpy as np

from copydesk.nearcopies.alike import copies_of, most_alike
from copydesk.nearcopies.compare import LEAST_SHARED, Comparison
from copydesk.nearcopies.index import Index, build, sample_size, without
from copydesk.nearcopies.measures import Pair, distinct, longest_run, measure, spread
from copydesk.nearcopies.samples import halvings_of, key_of, sample
from copydesk.nearcopies.search import Search
from copydesk.nearcopies.work import MEMORY, Work, working
from copydesk.shingles import Hashes, Ints, Joined, Sequences, join

__all__ = [
    "LEAST_SHARED", "MEMORY", "Crowded", "Found", "Pair", "Work", "copies_of", "distinct", "longest_run", "measure",
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
    sequences: Sequences | Joined,
    *,
    jaccard: float,
    containment: float,
    colours: Sequence[int] | Ints | None = None,
    work: Work | None = None,
) -> Found:
    """Pairs with at least this Jaccard or containment; of pairs that others connect already not all are listed.

    A containment counts if LEAST_SHARED shingles are shared. Articles of different colours are never paired. How the
    work is done has no influence on what is found.
    """
    assert 0 < jaccard <= 1
    assert 0 < containment <= 1
    articles = sequences if isinstance(sequences, Joined) else join([sequences])
    if not len(articles):
        return Found(pairs=(), crowded=())
    with working(work) as here:
        return _found(articles.filed(here.folder), jaccard, containment, colours, here)


def _found(
    articles: Joined, jaccard: float, containment: float, colours: Sequence[int] | Ints | None, work: Work
) -> Found:
    lengths = articles.lengths()
    part = min(2 * jaccard / (1 + jaccard), containment)
    size, colour, salt = sample_size(part), None, None
    if colours is not None:
        colour = np.asarray(colours, dtype=np.int64)
        salt, work = spread(colour.astype(np.uint64)), work.inside("coloured")
    here = work.inside("near")
    samples = sample(articles, halvings_of(lengths, size), here, salt)
    index = build(samples, here)
    if salt is None:
        work.kept[size] = index
    twin_of = _twins(articles, lengths, colour, samples.digests)
    out = (twin_of != np.arange(len(articles))) | (lengths == 0)
    search = Search(
        compared=Comparison(articles=articles, jaccard=jaccard, containment=containment, work=work),
        lengths=lengths, out=out, salt=salt, part=part,
    )  # fmt: skip
    unfinished = search.run(without(index, out, work.inside("different")) if out.any() else index)
    pairs = search.compared.pairs
    for twin in np.flatnonzero(twin_of != np.arange(len(articles))).tolist():
        first = int(twin_of[twin])
        shared = len(distinct(articles.of(first)))
        pairs.append(Pair(left=first, right=twin, shared=shared, jaccard=1.0, containment=1.0))
    crowded: tuple[Crowded, ...] = ()
    if unfinished is not None:
        copies = np.bincount(twin_of[lengths > 0], minlength=len(articles))
        crowded = tuple(_passages(articles, salt, *unfinished, copies))
    return Found(pairs=tuple(sorted(pairs, key=lambda pair: (pair.left, pair.right))), crowded=crowded)


def _twins(articles: Joined, lengths: Ints, colour: Ints | None, digests: Hashes) -> Ints:
    """For each article the first one of its colour with the same shingles, itself as a rule."""
    colour = np.zeros(len(articles), dtype=np.int64) if colour is None else colour
    order = np.lexsort((np.arange(len(articles)), digests, colour, lengths))
    same = np.ones(max(0, len(order) - 1), dtype=np.bool_)
    for column in (digests, colour, lengths):
        same &= column[order[1:]] == column[order[:-1]]
    twin_of = np.arange(len(articles))
    for at in np.flatnonzero(same).tolist():
        left, right = int(twin_of[order[at]]), int(order[at + 1])
        if lengths[right] and _equal(articles.of(left), articles.of(right)):
            twin_of[right] = left
    return twin_of


def _equal(left: Hashes, right: Hashes) -> bool:
    return np.array_equal(left, right) or np.array_equal(np.sort(left), np.sort(right))


def _passages(articles: Joined, salt: Hashes | None, index: Index, lists: Ints, copies: Ints) -> Iterator[Crowded]:
    """Where the shingles of crowded lists can be seen, those in most articles first, each passage once."""
    held, where, least = dict[int, int](), dict[int, int](), len(articles)
    for code in lists.tolist():
        key, members = index.key(code), index.members(code)
        held[key], where[key], least = int(copies[members].sum()), int(members.min()), min(least, len(members))
    keys, told = index.keys(least // 2), set[int]()
    for shingle in sorted(held, key=lambda key: (-held[key], where[key], key)):
        if shingle in told:
            continue
        article = where[shingle]
        hashes = articles.of(article)
        seen = key_of(hashes if salt is None else hashes ^ salt[article], len(articles))
        crowded = np.isin(seen, keys)
        start = end = int(np.flatnonzero(seen == shingle)[0])
        while start and crowded[start - 1]:
            start -= 1
        while end < len(seen) and crowded[end]:
            end += 1
        told.update(seen[crowded].tolist())
        yield Crowded(articles=held[shingle], article=article, position=start, shingles=end - start)
