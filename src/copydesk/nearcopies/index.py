"""Which articles hold the shingles of which samples: the sorted index behind near copies. Compares no articles.

It lies in files: the lists of articles, one range of shingles in each, and the entries of articles, some articles in
each. Only sizes are in memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from copydesk.nearcopies.samples import Bools, Numbers, Samples, shift_of
from copydesk.nearcopies.work import Array, Stored, Work, by_key, segments, store
from copydesk.shingles import Hashes, Ints

MISS = 1e-10
"""The probability that one pair at a threshold is passed over, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Where an index lies. A list is named by a code, `range << 32 | number`; codes are in the order of the keys."""

    folder: str
    ranges: int
    """The logarithm of the number of ranges of shingles."""
    articles: int
    size: int
    """Articles in each range of them."""

    def lists(self, number: int) -> str:
        """The lists of one range of shingles: `first`, `member` (article and whether it samples it), `key`."""
        return f"{self.folder}/lists-{number}"

    def entries(self, number: int) -> str:
        """The entries of one range of articles: `first` of each, `code` of the list, `own`, `many` in the list."""
        return f"{self.folder}/entries-{number}"

    def parts(self) -> range:
        """The ranges of articles."""
        return range(-(-self.articles // self.size))

    def some(self, number: int) -> slice:
        """The articles of one range."""
        return slice(number * self.size, min(self.articles, (number + 1) * self.size))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Index:
    """The shingles of samples that several articles hold, as lists of articles."""

    files: Files
    sampled: Numbers
    """Of each article: the size of its sample."""
    most: int
    """Articles in the longest list."""
    squares: int
    """Pairs of articles in one list, over all lists, each from both sides."""

    def members(self, code: int) -> Ints:
        """The articles of one list."""
        file = Stored(self.files.lists(code >> 32))
        first, end = (int(n) for n in file.column("first", code & 0xFFFFFFFF, (code & 0xFFFFFFFF) + 2))
        return (file.column("member", first, end) >> np.uint32(1)).astype(np.int64)

    def many(self, code: int) -> int:
        """How many articles stand in one list."""
        first, end = Stored(self.files.lists(code >> 32)).column("first", code & 0xFFFFFFFF, (code & 0xFFFFFFFF) + 2)
        return int(end) - int(first)

    def key(self, code: int) -> int:
        """The hash of one list, as `key_of` shortens it."""
        number = code & 0xFFFFFFFF
        return int(Stored(self.files.lists(code >> 32)).column("key", number, number + 1)[0])

    def held(self) -> Ints:
        """In how many lists each article stands."""
        found = [Stored(self.files.entries(number)).column("first").astype(np.int64) for number in self.files.parts()]
        return np.concatenate([np.diff(first) for first in found])[: self.files.articles]

    def keys(self, least: int) -> Hashes:
        """The hashes of all lists of so many articles or more."""
        found = []
        for number in range(1 << self.files.ranges):
            file = Stored(self.files.lists(number))
            found.append(file.column("key")[np.diff(file.column("first").astype(np.int64)) >= least])
        return np.concatenate(found)


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


def build(samples: Samples, work: Work) -> Index:
    """The index of some samples."""
    size = min(1 << 16, max(1, -(-samples.articles >> max(0, samples.ranges - 2))))
    files = Files(folder=str(work.folder), ranges=samples.ranges, articles=samples.articles, size=size)
    task = partial(_lists, files, samples.own, samples.others)
    return _whole(files, samples.taken, list(work.engine.map(task, range(1 << files.ranges))), work)


def without(index: Index, out: Bools, work: Work) -> Index:
    """The same index without some articles."""
    files = replace(index.files, folder=str(work.folder))
    mask = f"{files.folder}/out"
    store(mask, {"out": out})
    task = partial(_fewer, index.files, files, mask)
    return _whole(files, index.sampled, list(work.engine.map(task, range(1 << files.ranges))), work)


def _whole(files: Files, taken: Numbers, lists: Sequence[tuple[Numbers, int, int]], work: Work) -> Index:
    for _ in work.engine.map(partial(_entries, files), list(files.parts())):
        pass
    sampled = taken.copy()
    for twice, _, _ in lists:
        np.subtract.at(sampled, twice, np.uint32(1))
    most, squares = max(most for _, most, _ in lists), sum(squares for _, _, squares in lists)
    return Index(files=files, sampled=sampled, most=most, squares=squares)


def _lists(files: Files, own: Sequence[str], others: Sequence[str], number: int) -> tuple[Numbers, int, int]:
    """Write the lists of one range. Returns (an article for each shingle that its sample has twice, articles in the
    longest, the sum of the squares)."""
    hashes, owner = segments(own, number, ("hash", "owner"))
    owner = owner << np.uint32(1) | np.uint32(1)
    if others:
        more, theirs = segments(others, number, ("hash", "owner"))
        hashes, owner = np.concatenate((hashes, more)), np.concatenate((owner, theirs << np.uint32(1)))
    several = _not_alone(hashes)
    hashes, owner = hashes[several], owner[several]
    shift = shift_of(files.articles)
    keys = hashes << np.uint64(shift) | owner
    keys.sort()
    fresh = _begin(keys)  # each shingle of an article counts once
    again, keys = _owner(keys[~fresh], shift), keys[fresh]
    shingles = keys >> np.uint64(shift)
    first = np.flatnonzero(_begin(shingles))
    most, squares = _kept(files, number, _owner(keys, shift), shingles[first], np.diff(np.append(first, len(keys))))
    return again[again & np.uint32(1) == 1] >> np.uint32(1), most, squares


def _fewer(before: Files, files: Files, mask: str, number: int) -> tuple[Numbers, int, int]:
    file = Stored(before.lists(number))
    owner, first = file.column("member"), file.column("first")
    inside = ~Stored(mask).column("out")[owner >> np.uint32(1)]
    left = np.append(np.int64(0), np.cumsum(inside))[first]
    return np.zeros(0, dtype=np.uint32), *_kept(files, number, owner[inside], file.column("key"), np.diff(left))


def _begin(values: Hashes) -> Bools:
    """Where another value begins."""
    begin = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=begin[1:])
    return begin


def _kept(files: Files, number: int, owner: Numbers, key: Hashes, many: Ints) -> tuple[int, int]:
    """Write the lists of several articles that are in some sample; others came through a slot that is taken.

    Returns (articles in the longest, the sum of the squares).
    """
    lists = np.repeat(np.arange(len(many)), many)
    sampled = np.zeros(len(many), dtype=np.bool_)
    sampled[lists[owner & np.uint32(1) == 1]] = True
    kept = sampled & (many > 1)
    owner, key, many = owner[kept[lists]], key[kept], many[kept]
    first = np.zeros(len(many) + 1, dtype=np.uint32)
    np.cumsum(many, out=first[1:])
    store(files.lists(number), {"first": first, "member": owner, "key": key})
    order, begins = by_key((owner >> np.uint32(1)) // np.uint32(files.size), len(files.parts()))
    lists = np.arange(len(many), dtype=np.uint32)
    columns: dict[str, Array] = {
        "owner": owner,
        "list": np.repeat(lists, many),
        "many": np.repeat(many.astype(np.uint32), many),
    }
    store(f"{files.folder}/across-{number}", {"first": begins} | {n: c[order] for n, c in columns.items()})
    return int(many.max(initial=0)), int((many * many).sum())


def _owner(keys: Hashes, shift: int) -> Numbers:
    return (keys & np.uint64((1 << shift) - 1)).astype(np.uint32)


def _not_alone(hashes: Hashes) -> Bools:
    """Which hashes share a slot with others: the rest stand there once, and most do."""
    slots = 4 << len(hashes).bit_length()
    slot = (hashes & np.uint64(slots - 1)).view(np.int64)
    return np.bincount(slot, minlength=slots)[slot] > 1


def _entries(files: Files, number: int) -> None:
    """Write the entries of one range of articles, one article after the other, in the order of the lists."""
    found = []
    for home in range(1 << files.ranges):
        owner, lists, many = segments([f"{files.folder}/across-{home}"], number, ("owner", "list", "many"))
        found.append((owner, lists | np.uint64(home << 32), many))
    owner, code, many = (np.concatenate([columns[n] for columns in found]) for n in range(3))
    place = (owner >> np.uint32(1)) - np.uint32(number * files.size)
    order, first = by_key(place, files.size)
    store(
        files.entries(number),
        {
            "first": first.astype(np.uint32),
            "code": code[order],
            "many": many[order],
            "own": (owner[order] & np.uint32(1)).astype(np.bool_),
        },
    )


class Reader:
    """The files of an index as one task looks at them: opened when they are needed, let go at the end."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self._open: dict[str, Stored] = {}

    def _file(self, path: str) -> Stored:
        if path not in self._open:
            self._open[path] = Stored(path)
        return self._open[path]

    def release(self) -> None:
        for file in self._open.values():
            file.release()

    def members(self, code: Hashes) -> Iterator[tuple[Ints, Ints, Ints]]:
        """(which of the lists, how many each has, their articles) for lists in any order, some lists at a time."""
        order, first = by_key((code >> np.uint64(32)).view(np.int64), 1 << self.files.ranges)
        for number in np.flatnonzero(first[1:] != first[:-1]).tolist():
            some = order[first[number] : first[number + 1]]
            file = self._file(self.files.lists(number))
            starts, lists = file.column("first"), (code[some] & np.uint64(0xFFFFFFFF)).view(np.int64)
            begins = starts[lists].astype(np.int64)
            many = starts[lists + 1].astype(np.int64) - begins
            places = np.arange(int(many.sum())) + np.repeat(begins - (np.cumsum(many) - many), many)
            yield some, many, (file.column("member")[places] >> np.uint32(1)).astype(np.int64)

    def entries(self, article: Ints) -> tuple[Ints, Hashes, Bools]:
        """(which of the articles, list, whether it samples it) of all entries of some articles, which are sorted."""
        home = article // self.files.size
        found: list[tuple[Ints, Hashes, Bools]] = []
        for number in np.unique(home).tolist():
            at = np.flatnonzero(home == number)
            file = self._file(self.files.entries(number))
            first = file.column("first")
            local = article[at] - number * self.files.size
            begins = first[local].astype(np.int64)
            many = first[local + 1].astype(np.int64) - begins
            places = np.arange(int(many.sum())) + np.repeat(begins - (np.cumsum(many) - many), many)
            found.append((np.repeat(at, many), file.column("code")[places], file.column("own")[places]))
        which, code, own = zip(*found, strict=True) if found else ([], [], [])
        if not found:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.bool_)
        return np.concatenate(which), np.concatenate(code), np.concatenate(own)
