"""Exact comparison of candidates, and what it connects. Not which articles are candidates.

What is connected already is not compared, so the outcome depends on the order of the candidates. To compare many at
once all the same, those are taken of which it is certain that their turn comes: which would not be connected if all
before them turned out to be near copies. What turned out otherwise lets others in, round by round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from copydesk.engine import Engine, InProcess
from copydesk.nearcopies.measures import Pair, distinct, measure
from copydesk.nearcopies.work import Work
from copydesk.shingles import Hashes, Ints, Joined

LEAST_SHARED = 8
"""Shingles that an excerpt must share with its source: below, a phrase would chain unrelated headlines together."""

_KEPT = 1 << 12
"""Sets that are kept for the next comparison."""
_TASK = 1 << 11
"""Pairs that one task compares."""
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
        return _root(self.parents, article)

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
        _connect(self.parents, left, right)
        return True

    def compare_all(self, article: Ints, other: Ints) -> None:
        """Compare candidates in this order, as `compare` does one after the other."""
        pending = (np.minimum(article, other) << 32 | np.maximum(article, other)).tolist()
        known: dict[int, Pair] = {}
        rounds = 0
        while pending := self._settle(pending, known):
            wanted = self._wanted(pending, known) if rounds < _ROUNDS else _first(pending, known, _TASK << rounds)
            for pair in measured(self.articles, wanted, self.work.engine):
                self.compared += 1
                if self.qualifies(pair):
                    known[pair.left << 32 | pair.right] = pair
                else:
                    self.in_vain.add(pair.left << 32 | pair.right)
            rounds += 1

    def _settle(self, pending: list[int], known: dict[int, Pair]) -> list[int]:
        """Connect what is known, up to the first that is not. Returns what is left to do."""
        for place, code in enumerate(pending):
            left, right = code >> 32, code & 0xFFFFFFFF
            if code in self.in_vain or self.root(left) == self.root(right):
                continue
            if code not in known:
                return [c for c in pending[place:] if c not in self.in_vain
                        and self.root(c >> 32) != self.root(c & 0xFFFFFFFF)]  # fmt: skip
            self.pairs.append(known[code])
            _connect(self.parents, left, right)
        return []

    def _wanted(self, pending: Sequence[int], known: dict[int, Pair]) -> list[int]:
        """The candidates that will have to be compared whatever the others turn out to be."""
        parents: dict[int, int] = {}
        wanted = []
        for code in pending:
            left, right = self.root(code >> 32), self.root(code & 0xFFFFFFFF)
            if _root(parents, left) != _root(parents, right):
                _connect(parents, left, right)
                if code not in known:
                    wanted.append(code)
        return wanted


def _root(parents: dict[int, int], node: int) -> int:
    while (above := parents.get(node, node)) != node:
        parents[node] = node = parents.get(above, above)
    return node


def _connect(parents: dict[int, int], left: int, right: int) -> None:
    one, two = _root(parents, left), _root(parents, right)
    parents[max(one, two)] = min(one, two)


def _first(pending: Iterable[int], known: dict[int, Pair], number: int) -> list[int]:
    wanted: dict[int, None] = {}
    for code in pending:
        if code not in known:
            wanted[code] = None
            if len(wanted) == number:
                break
    return list(wanted)


def measured(articles: Joined, codes: Sequence[int], engine: Engine) -> Iterator[Pair]:
    """What pairs of articles have in common, in any order. Each task compares pairs whose shingles lie together."""
    both = np.unique(np.array(codes, dtype=np.int64))
    left, right = both >> 32, both & 0xFFFFFFFF
    order = np.lexsort((articles.row[right], articles.part[right], articles.row[left], articles.part[left]))
    tasks = []
    for start in range(0, len(order), _TASK):
        some = order[start : start + _TASK]
        numbers, places = np.unique(np.concatenate((left[some], right[some])), return_inverse=True)
        tasks.append((_some(articles, numbers), numbers, places[: len(some)], places[len(some) :]))
    # what takes no longer than a process takes to start is done here
    for pairs in (engine if len(tasks) > 2 else InProcess()).map(_measure, tasks):
        yield from pairs


def _some(articles: Joined, numbers: Ints) -> Joined:
    """Some of the articles, with only the files in which they lie."""
    parts, part = np.unique(articles.part[numbers], return_inverse=True)
    homes = tuple(articles.parts[n] for n in parts.tolist())
    return Joined(parts=homes, part=part, row=articles.row[numbers])


def _measure(item: tuple[Joined, Ints, Ints, Ints]) -> list[Pair]:
    there, numbers, left, right = item
    sets: dict[int, Hashes] = {}

    def set_of(place: int) -> Hashes:
        if place not in sets:
            if len(sets) >= _KEPT:
                sets.clear()
            sets[place] = distinct(there.of(place))
        return sets[place]

    pairs = []
    for one, two in zip(left.tolist(), right.tolist(), strict=True):
        pairs.append(measure(int(numbers[one]), int(numbers[two]), set_of(one), set_of(two)))
    there.release()
    return pairs
