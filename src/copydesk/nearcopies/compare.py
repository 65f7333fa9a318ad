"""Exact comparison of candidates, and what it connects. Not which articles are candidates.

What is connected already is not compared, so the outcome depends on the order of the candidates. To compare many at
once all the same, those are taken whose turn is certain to come: they would not be connected even if all open ones
before them turned out to be near copies. What turns out otherwise lets others in, round by round.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from copydesk.engine import InProcess
from copydesk.nearcopies.measures import Pair, distinct, measure
from copydesk.nearcopies.work import Work
from copydesk.shingles import Hashes, Ints, Joined

LEAST_SHARED = 8
"""Shingles that an excerpt must share with its source: below, a phrase would chain unrelated headlines together."""

_KEPT = 1 << 12
"""Sets that are kept for the next comparison."""
_TASK = 1 << 11
"""Pairs that one task compares, at most."""
_COPIES = 32
"""Bytes that a task takes for a shingle of an article that it compares, at most."""
_ROUNDS = 4
"""Rounds after which the next candidates in order are compared, whether or not others connect them."""


@dataclass(slots=True, kw_only=True, eq=False)
class Comparison:
    """Articles, the pairs of them that are near copies, and which are connected by those."""

    articles: Joined
    jaccard: float
    containment: float
    work: Work
    pairs: list[Pair] = field(default_factory=list)
    compared: int = 0
    parents: dict[int, int] = field(default_factory=dict)
    in_vain: set[int] = field(default_factory=set)
    sets: dict[int, Hashes] = field(default_factory=dict)

    def root(self, article: int) -> int:
        parents = self.parents
        while (above := parents.get(article, article)) != article:
            parents[article] = article = parents.get(above, above)
        return article

    def set_of(self, article: int) -> Hashes:
        """The distinct shingles of an article."""
        found = self.sets.pop(article, None)
        if found is None:
            found = distinct(self.articles.of(article))
            if len(self.sets) >= _KEPT:
                del self.sets[next(iter(self.sets))]
        self.sets[article] = found
        return found

    def qualifies(self, pair: Pair) -> bool:
        return pair.jaccard >= self.jaccard or (pair.containment >= self.containment and pair.shared >= LEAST_SHARED)

    def compare(self, left: int, right: int) -> bool:
        """Compare two articles unless they are connected; whether they are connected then."""
        if self.root(left) == self.root(right):
            return True
        if left > right:
            left, right = right, left
        if left << 32 | right in self.in_vain:
            return False
        pair = measure(left, right, self.set_of(left), self.set_of(right))
        self.compared += 1
        if not self.qualifies(pair):
            self.in_vain.add(left << 32 | right)
            return False
        self.pairs.append(pair)
        one, two = self.root(left), self.root(right)
        self.parents[max(one, two)] = min(one, two)
        return True

    def compare_all(self, article: Ints, other: Ints) -> None:
        """Compare candidates in this order, as `compare` does one after the other."""
        codes = np.minimum(article, other) << 32 | np.maximum(article, other)
        codes = codes[np.sort(np.unique(codes, return_index=True)[1])]  # the second of two has nothing left to connect
        numbers, places = np.unique(np.concatenate((codes >> 32, codes & 0xFFFFFFFF)), return_inverse=True)
        roots, root_of = np.unique([self.root(number) for number in numbers.tolist()], return_inverse=True)
        ends = root_of[places[: len(codes)]].tolist(), root_of[places[len(codes) :]].tolist()
        pending = [place for place, code in enumerate(codes.tolist()) if code not in self.in_vain]
        known: dict[int, Pair | None] = {}
        wanted, rounds = pending, 0
        while pending:
            pending, wanted = _certain(pending, ends, len(roots), known)
            if not wanted:
                break
            if rounds >= _ROUNDS:
                wanted = [place for place in pending if place not in known][: _TASK << rounds]
            known.update(self._compared(codes, wanted))
            rounds += 1
        for place in pending:
            pair = known[place]
            assert pair is not None
            self.pairs.append(pair)
            one, two = self.root(pair.left), self.root(pair.right)
            self.parents[max(one, two)] = min(one, two)

    def _compared(self, codes: Ints, places: Sequence[int]) -> Iterator[tuple[int, Pair | None]]:
        place_of = dict(zip(codes[places].tolist(), places, strict=True))
        for pair in measured(self.articles, list(place_of), self.work):
            code = pair.left << 32 | pair.right
            near = self.qualifies(pair)
            self.compared += 1
            if not near:
                self.in_vain.add(code)
            yield place_of[code], pair if near else None


def _certain(
    pending: Sequence[int], ends: tuple[list[int], list[int]], nodes: int, known: Mapping[int, Pair | None]
) -> tuple[list[int], list[int]]:
    """(the candidates that may still connect something, those of them that are certain to be compared next)."""
    left, right = ends
    surely, perhaps = list(range(nodes)), list(range(nodes))  # what is connected for certain, and at most
    kept, wanted = [], []
    for place in pending:
        pair = known.get(place, _OPEN)
        if pair is None:
            continue
        one, two = _top(surely, left[place]), _top(surely, right[place])
        if one == two:
            continue
        kept.append(place)
        a, b = _top(perhaps, one), _top(perhaps, two)
        if a != b:
            perhaps[a] = b
            if pair is _OPEN:
                wanted.append(place)
            else:
                surely[one] = two
    return kept, wanted


_OPEN = Pair(left=0, right=0, shared=0, jaccard=0.0, containment=0.0)
"""Stands for a pair that was not compared yet."""


def _top(parents: list[int], node: int) -> int:
    while (above := parents[node]) != node:
        parents[node] = node = parents[above]
    return node


def measured(articles: Joined, codes: Sequence[int], work: Work) -> Iterator[Pair]:
    """What pairs of articles have in common, in any order. Each task compares pairs whose shingles lie together."""
    both = np.unique(np.array(codes, dtype=np.int64))
    left, right = both >> 32, both & 0xFFFFFFFF
    order = np.lexsort((articles.row[right], articles.part[right], articles.row[left], articles.part[left]))
    left, right = left[order], right[order]
    size = articles.pick(left).lengths() + articles.pick(right).lengths()
    share = np.maximum(np.arange(len(order)) // _TASK, np.cumsum(size) * _COPIES // work.memory)
    tasks = []
    for some in np.split(np.arange(len(order)), np.flatnonzero(share[1:] != share[:-1]) + 1):
        numbers, places = np.unique(np.concatenate((left[some], right[some])), return_inverse=True)
        tasks.append((_some(articles, numbers), numbers, places[: len(some)], places[len(some) :]))
    # what takes no longer than a process takes to start is done here
    for pairs in (work.engine if len(tasks) > 2 else InProcess()).map(_measure, tasks):
        yield from pairs


def _some(articles: Joined, numbers: Ints) -> Joined:
    """Some of the articles, with only the files in which they lie."""
    parts, part = np.unique(articles.part[numbers], return_inverse=True)
    homes = tuple(articles.parts[n] for n in parts.tolist())
    return Joined(parts=homes, part=part.astype(np.int32), row=articles.row[numbers])


def _measure(item: tuple[Joined, Ints, Ints, Ints]) -> list[Pair]:
    there, numbers, left, right = item
    sets: dict[int, Hashes] = {}
    before = 0
    for place in np.lexsort((there.row, there.part)).tolist():  # file by file
        if there.part[place] != before:
            there.parts[before].release()
            before = int(there.part[place])
        sets[place] = distinct(there.of(place))
    there.release()
    return [
        measure(int(numbers[one]), int(numbers[two]), sets[one], sets[two])
        for one, two in zip(left.tolist(), right.tolist(), strict=True)
    ]
