"""Which articles hold the shingles of which samples: the sorted index behind near copies. Compares no articles.

A sample is the shingles of an article whose hash is at most its limit; limits are halved until between `size` and
twice as many are left, and a short article keeps all. Every article is searched for every sample: where all limits
are equal that is each one's own sample, and else a filter of the samples says what is worth sorting.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from copydesk.shingles import Hashes, Ints, Joined

MISS = 1e-10
"""The probability that one pair at a threshold is passed over, at most."""
ALL = np.uint64(2**64 - 1)
"""The limit of an article whose sample is all of it."""
_SORTED = 1 << 24
"""Keys that are sorted at once; more are taken in ranges, one after the other."""
_SLOTS = 27
"""The logarithm of the slots of a band at most; where it does not suffice, more is sorted."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Index:
    """The shingles of samples that several articles hold, as lists of articles, one list after the other."""

    sampled: Ints
    """Of each article: the size of its sample."""
    member: Ints
    """Of each entry: the article."""
    own: Bools
    """Of each entry: whether the shingle is in the sample of that article, or only in that of another."""
    list_of: Ints
    """Of each entry: the number of its list."""
    first: Ints
    """Of each list: its first entry; and the end of the last."""
    keys: Hashes
    """Of each list: the hash, as `key_of` shortens it."""

    def many(self) -> Ints:
        """How many articles stand in each list."""
        return np.diff(self.first)

    def members(self, number: int) -> Ints:
        """The articles of one list."""
        return self.member[self.first[number] : self.first[number + 1]]


def sample_size(part: float) -> int:
    """How many shingles a sample needs so that a third of what a pair must share still tells it from nothing."""
    size = 32
    while least_shared(size, part) < part * size / 3:
        size *= 2
    return size


@cache
def least_shared(size: int, part: float) -> int:
    """The fewest members of a random sample of an article that lie in another one that has this part of it.

    Fewer have a probability below MISS. How many there are is hypergeometric, a sum of independent trials (Vatutin and
    Mikhailov 1982), whose lower tail the binomial distribution bounds (Hoeffding 1956).
    """
    tail = 0.0
    for number in range(size if part < 1 else 0):
        ways = math.lgamma(size + 1) - math.lgamma(number + 1) - math.lgamma(size - number + 1)
        tail += math.exp(ways + number * math.log(part) + (size - number) * math.log1p(-part))
        if tail > MISS:
            return number
    return size


def limits_of(lengths: Ints, size: int) -> Hashes:
    """The limit of each article: halved while twice `size` shingles or more would be left."""
    halvings = np.maximum(0, np.frexp(np.maximum(lengths, 1) / size)[1] - 1)
    limits: Hashes = ALL >> halvings.astype(np.uint64)
    return limits


def build(articles: Joined, salt: Hashes | None, limits: Hashes) -> Index:
    """The index of the samples that these limits leave."""
    shift = max(1, (len(articles) - 1).bit_length()) + 1
    expected = float((articles.lengths() * (limits / float(ALL))).sum())
    ranges = max(0, math.ceil(math.log2(max(1.0, expected / _SORTED))))
    bands = _bands(articles, salt, limits)
    sampled = np.zeros(len(articles), dtype=np.int64)
    taken: list[Hashes] = []
    for number in range(1 << ranges):
        keys = _keys(articles, salt, limits, bands, shift, (number, ranges))
        apart = keys[1:] ^ keys[:-1]
        # Each shingle of an article counts once.
        sampled += _sampled(keys, shift, len(articles)) - _sampled(keys[1:][apart == 0], shift, len(articles))
        taken.append(_shared(_several(keys, apart, shift), shift))
        del keys, apart
    return _lists(taken[0] if len(taken) == 1 else np.concatenate(taken), sampled, shift)


def key_of(hashes: Hashes, articles: int) -> Hashes:
    """What a key keeps of a hash: it stands in 64 bits together with the number of an article."""
    shift = np.uint64(max(1, (articles - 1).bit_length()) + 1)
    return (hashes << shift) >> shift


def _salted(articles: Joined, salt: Hashes | None) -> Iterator[tuple[Ints, Ints, Hashes]]:
    """(articles, lengths, shingles) piece by piece, with the salt of their article mixed in."""
    for numbers, sizes, hashes in articles.pieces():
        yield numbers, sizes, hashes if salt is None else hashes ^ np.repeat(salt[numbers], sizes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Band:
    """The hashes between two limits, and slots that say which of them may be in a sample: the more, the larger."""

    low: np.uint64
    high: np.uint64
    slots: Bools

    def of(self, hashes: Hashes) -> Ints:
        return np.flatnonzero((hashes > self.low) & (hashes <= self.high))

    def slot_of(self, hashes: Hashes) -> Ints:
        return (hashes & np.uint64(len(self.slots) - 1)).view(np.int64)


def _bands(articles: Joined, salt: Hashes | None, limits: Hashes) -> list[_Band]:
    """What is in some samples only, because limits differ; few articles with a high limit need little room."""
    levels, lengths = np.unique(limits), articles.lengths()
    bands = []
    for low, high in pairwise(levels):
        expected = float(lengths[limits >= high].sum()) * (float(high) - float(low)) / float(ALL)
        slots = 1 << min(max(12, math.ceil(math.log2(16 * expected + 1))), _SLOTS)
        bands.append(_Band(low=low, high=high, slots=np.zeros(slots, dtype=np.bool_)))
    for numbers, sizes, hashes in _salted(articles, salt) if bands else ():
        chosen = hashes[(hashes > levels[0]) & (hashes <= np.repeat(limits[numbers], sizes))]
        for band in bands:
            band.slots[band.slot_of(chosen[band.of(chosen)])] = True
    return bands


def _keys(
    articles: Joined, salt: Hashes | None, limits: Hashes, bands: list[_Band], shift: int, part: tuple[int, int]
) -> Hashes:
    """Hash, article and whether it is in its sample, packed, of one range of keys, sorted."""
    lowest, (number, ranges) = limits.min(), part
    taken = []
    for numbers, sizes, hashes in _salted(articles, salt):
        at = np.flatnonzero(hashes <= lowest)
        for band in bands:
            inside = band.of(hashes)
            at = np.append(at, inside[band.slots[band.slot_of(hashes[inside])]])
        owner = np.repeat(numbers, sizes)[at]
        chosen = hashes[at]
        keys = chosen << np.uint64(shift) | owner.view(np.uint64) << np.uint64(1) | (chosen <= limits[owner])
        taken.append(keys[keys >> np.uint64(64 - ranges) == number] if ranges else keys)
    out = np.concatenate(taken) if taken else np.zeros(0, dtype=np.uint64)
    taken.clear()  # there are many of them
    out.sort()
    return out


def _sampled(keys: Hashes, shift: int, articles: int) -> Ints:
    """How many of these keys are in the samples of each article."""
    total = np.zeros(articles, dtype=np.int64)
    for start in range(0, len(keys), 1 << 20):
        some = keys[start : start + (1 << 20)]
        total += np.bincount(_article(some[some & np.uint64(1) == 1], shift), minlength=articles)
    return total


def _article(keys: Hashes, shift: int) -> Ints:
    return ((keys & np.uint64((1 << shift) - 1)) >> np.uint64(1)).view(np.int64)


def _several(keys: Hashes, apart: Hashes, shift: int) -> Hashes:
    """The keys next to one with the same shingle; `apart` is in which bits neighbours differ."""
    same = np.zeros(len(keys) + 1, dtype=np.bool_)
    np.less(apart, np.uint64(1 << shift), out=same[1 : len(keys)])
    return keys[same[1:] | same[:-1]]


def _shared(keys: Hashes, shift: int) -> Hashes:
    """The keys whose shingle several articles hold, each once."""
    once = keys[np.append(True, keys[1:] != keys[:-1])] if len(keys) else keys
    return _several(once, once[1:] ^ once[:-1], shift)


def _lists(keys: Hashes, sampled: Ints, shift: int) -> Index:
    shingles = keys >> np.uint64(shift)
    starts = np.ones(len(keys), dtype=np.bool_)
    np.not_equal(shingles[1:], shingles[:-1], out=starts[1:])
    first = np.flatnonzero(starts)
    return Index(
        sampled=sampled,
        member=_article(keys, shift),
        own=(keys & np.uint64(1)).astype(np.bool_),
        list_of=np.cumsum(starts) - 1,
        first=np.append(first, len(keys)),
        keys=shingles[first],
    )
