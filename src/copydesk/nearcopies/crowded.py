"""Crowded passages: articles that hold the same one, compared one after the other. Not which passages are crowded."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from copydesk.nearcopies.compare import Comparison
from copydesk.nearcopies.index import Index
from copydesk.nearcopies.samples import Bools
from copydesk.shingles import Ints

CROWDED = 16
"""Comparisons in vain of one article with others that hold the same crowded passage."""
_AT_FIRST = 4
"""Comparisons in vain while the sample can still grow."""


@dataclass(slots=True, kw_only=True, eq=False)
class Crowds:
    """The crowded lists of one index.

    `hard`: the articles whose partners stand in such lists; `whole`: those whose sample is all of them; `held`: of
    each article, in how many lists it stands; `lengths`: shingles of each.
    """

    index: Index
    compared: Comparison
    lengths: Ints
    hard: Bools
    whole: Bools
    held: Ints
    tries: dict[int, int] = field(default_factory=dict)

    def finish(self, lists: Ints) -> Ints:
        """Compare the hard members of lists with the others; returns the lists that could not be finished."""
        most = CROWDED if self.whole[self.hard].all() else _AT_FIRST
        done: dict[bytes, bool] = {}
        still_open = []
        many = np.array([self.index.many(code) for code in lists.tolist()], dtype=np.int64)
        key = np.array([self.index.key(code) for code in lists.tolist()], dtype=np.uint64)
        for code in lists[np.lexsort((key, many))].tolist():
            members = self.index.members(code)
            name = hashlib.blake2b(members.data, digest_size=16).digest()
            if name not in done:
                some = members[self.hard[members]]
                chosen = self._window(members, some) if self.whole[some].all() else members
                done[name] = self._compare_hard(chosen, most)
            if not done[name]:
                still_open.append(code)
        return np.sort(np.array(still_open, dtype=np.int64))

    def _window(self, members: Ints, hard: Ints) -> Ints:
        """The members that some hard one can reach: it shares no more shingles with any article than `held` says."""
        jaccard, containment, held = self.compared.jaccard, self.compared.containment, self.held
        sizes = np.array([len(self.compared.set_of(number)) for number in members.tolist()])
        own = sizes[np.searchsorted(members, hard)]
        if (held[hard] >= np.ceil(containment * own - 1e-9)).any():
            return members
        reached: Ints = members[sizes <= (held[hard] * (1 + 1 / jaccard) - own).max() + 1e-9]
        return reached

    def _compare_hard(self, members: Ints, most: int) -> bool:
        """Connect hard members with all that are like them; whether they were compared with all others.

        Small ones come first: where a passage is all that two articles share, the smallest article that has it is the
        one most like the others. Then comes its opposite, the one next in size.
        """
        complete, groups = True, OrderedDict[int, list[int]]()  # by root; places in `ordered`
        hard, root = self.hard, self.compared.root
        ordered = members[np.lexsort((members, self.lengths[members], hard[members]))].tolist()
        for place, article in enumerate(ordered):
            while hard[article] and (other := self._next(article, ordered, groups)) is not None:
                if self.tries.get(article, 0) >= most:
                    complete = False
                    break
                mine, theirs = root(article), root(other)
                if not self.compared.compare(article, other):
                    self.tries[article] = self.tries.get(article, 0) + 1
                    continue
                joined = sorted([*groups.pop(theirs), *groups.pop(mine, [])]) if mine in groups else groups.pop(theirs)
                groups[root(article)] = joined
            groups.setdefault(root(article), []).append(place)
        return complete

    def _next(self, article: int, ordered: list[int], groups: OrderedDict[int, list[int]]) -> int | None:
        """The next member of another group that the article was not compared with."""
        own = self.compared.root(article)
        for place in _in_turn(group for root, group in _from_both_ends(groups) if root != own):
            other = ordered[place]
            if min(article, other) << 32 | max(article, other) not in self.compared.in_vain:
                return other
        return None


def _from_both_ends(groups: OrderedDict[int, list[int]]) -> Iterator[tuple[int, list[int]]]:
    """The first, the last, the second, the last but one …"""
    first, last = iter(groups.items()), reversed(groups.items())
    for number in range(len(groups)):
        yield next(last if number % 2 else first)


def _in_turn(groups: Iterator[list[int]]) -> Iterator[int]:
    """The first and the last of each group, then the second and the last but one of each …"""
    again = list[list[int]]()
    for group in groups:
        yield group[0]
        if len(group) > 1:
            yield group[-1]
            again.append(group)
    depth = 1
    while again:
        again = [group for group in again if 2 * depth < len(group)]
        for group in again:
            yield group[depth]
            if 2 * depth + 1 < len(group):
                yield group[-1 - depth]
        depth += 1
