"""The search for near copies: candidates from the index, exact comparison, connection. Knows numbers, not articles."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from copydesk.nearcopies.index import ALL, Bools, Index, build, least_shared, limits_of, sample_size
from copydesk.nearcopies.measures import Pair, distinct, measure
from copydesk.shingles import Hashes, Ints, Joined

LEAST_SHARED = 8
"""Shingles that an excerpt must share with its source: below, a phrase would chain unrelated headlines together."""
CROWDED = 16
"""Comparisons in vain of one article with others that hold the same crowded passage."""

_EASY = 1 << 10
"""Entries of the lists in which an article is looked up: so many as a rule, more for some while there are few such."""
_AT_FIRST = 4
"""Comparisons in vain while the sample can still grow."""
_GROWTH = 4
"""How many times the sample grows."""
_FEW = 64
"""Lists of up to so many articles are always looked at: the more, the fewer candidates by chance."""
_SPARE, _LARGE = 4, 1 << 12
"""Entries, per article of a corpus that is not smaller, for those that need more than is the rule."""
_PAIRS = 1 << 20
"""Pairs of articles that are counted at once."""
_KEPT = 1 << 12
"""Sets that are kept for the next comparison."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Probes:
    """What an index says of the articles that share enough of their samples to have near copies."""

    entry: Ints
    """Entries of their samples, one article after the other, the rarest shingles first."""
    article: Ints
    """Of each entry: the article."""
    needed: Bools
    """Of each entry: every partner of the article stands in one of these lists."""
    common: Ints
    """Of each article: how much of its sample other articles hold."""
    least: Ints
    """Of each article: how much of its sample a partner holds."""
    hard: Bools
    """Of each article: the needed lists are crowded."""


@dataclass(slots=True, kw_only=True, eq=False)
class Search:
    """The near copies among some articles, all different; `salt` keeps articles of different colours apart."""

    articles: Joined
    lengths: Ints
    salt: Hashes | None
    jaccard: float
    containment: float
    pairs: list[Pair] = field(default_factory=list)
    compared: int = 0
    parents: list[int] = field(default_factory=list)
    sets: dict[int, Hashes] = field(default_factory=dict)
    in_vain: set[int] = field(default_factory=set)
    tries: dict[int, int] = field(default_factory=dict)

    def run(self) -> tuple[Index, Ints] | None:
        """Fill `pairs`. Returns the lists of articles that were not all compared, if any, and their index."""
        if len(self.articles) < 2:
            return None
        self.parents = list(range(len(self.articles)))
        part = min(2 * self.jaccard / (1 + self.jaccard), self.containment)
        size, who = sample_size(part), np.ones(len(self.articles), dtype=np.bool_)
        while True:
            limits = np.where(who, limits_of(self.lengths, size), np.uint64(0))
            index = build(self.articles, self.salt, limits)
            who, open_lists = self._round(index, part, who, limits == ALL)
            if not who.any():
                return None
            if (limits[who] == ALL).all():
                return index, open_lists
            size *= _GROWTH

    def _round(self, index: Index, part: float, who: Bools, whole: Bools) -> tuple[Bools, Ints]:
        """Compare what one index proposes. Returns the articles that it does not settle, and their lists."""
        least = np.array([least_shared(size, part) for size in range(int(index.sampled.max()) + 1)])[index.sampled]
        exact = np.ceil(part * index.sampled - 1e-9).astype(np.int64)
        least = np.where(whole, np.maximum(exact, 1), least)
        weak = who & (least == 0)  # so much repetition that the sample says nothing
        probes = probes_of(index, who & ~weak, least)
        for left, right in ordered(candidates(index, probes), index):
            self.compare(left, right)
        at = probes.entry[probes.needed & probes.hard[probes.article]]
        open_lists = self._crowded(index, np.unique(index.list_of[at]), probes.hard, whole)
        weak[index.member[at[np.isin(index.list_of[at], open_lists)]]] = True
        return weak, open_lists

    def _crowded(self, index: Index, lists: Ints, hard: Bools, whole: Bools) -> Ints:
        """Compare the hard members of crowded lists with the others; returns the lists that could not be finished."""
        held = np.bincount(index.member, minlength=len(self.articles))
        most = CROWDED if whole[hard].all() else _AT_FIRST
        self.tries.clear()
        done: dict[bytes, bool] = {}
        for number in lists[np.argsort(index.many()[lists], kind="stable")].tolist():
            members = index.members(number)
            name = members.tobytes()
            if name not in done:
                some = members[hard[members]]
                chosen = self._window(members, some, held) if whole[some].all() else members
                done[name] = self._compare_hard(chosen, hard, most)
        return np.array([n for n in lists.tolist() if not done[index.members(n).tobytes()]], dtype=np.int64)

    def _window(self, members: Ints, hard: Ints, held: Ints) -> Ints:
        """The members that some hard one can reach: it shares no more shingles with any article than `held` says."""
        sizes = np.array([len(self._set(number)) for number in members.tolist()])
        own = sizes[np.searchsorted(members, hard)]
        if (held[hard] >= np.ceil(self.containment * own - 1e-9)).any():
            return members
        reached: Ints = members[sizes <= (held[hard] * (1 + 1 / self.jaccard) - own).max() + 1e-9]
        return reached

    def _compare_hard(self, members: Ints, hard: Bools, most: int) -> bool:
        """Connect hard members with all that are like them; whether they were compared with all others.

        Small ones come first: where a passage is all that two articles share, the smallest article that has it is the
        one most like the others. Then comes its opposite, the one next in size.
        """
        complete, groups = True, OrderedDict[int, list[int]]()  # by root; places in `ordered`
        ordered = members[np.lexsort((members, self.lengths[members], hard[members]))].tolist()
        for place, article in enumerate(ordered):
            while hard[article] and (other := self._next(article, ordered, groups)) is not None:
                if self.tries.get(article, 0) >= most:
                    complete = False
                    break
                mine, theirs = self.root(article), self.root(other)
                if not self.compare(article, other):
                    self.tries[article] = self.tries.get(article, 0) + 1
                    continue
                joined = sorted([*groups.pop(theirs), *groups.pop(mine, [])]) if mine in groups else groups.pop(theirs)
                groups[self.root(article)] = joined
            groups.setdefault(self.root(article), []).append(place)
        return complete

    def _next(self, article: int, ordered: list[int], groups: OrderedDict[int, list[int]]) -> int | None:
        """The next member of another group that the article was not compared with."""
        own = self.root(article)
        for place in _in_turn(group for root, group in _from_both_ends(groups) if root != own):
            other = ordered[place]
            if min(article, other) << 32 | max(article, other) not in self.in_vain:
                return other
        return None

    def compare(self, left: int, right: int) -> bool:
        """Compare two articles unless they are connected; whether they are connected then."""
        one, two = self.root(left), self.root(right)
        if one == two:
            return True
        if left > right:
            left, right = right, left
        if left << 32 | right in self.in_vain:
            return False
        pair = measure(left, right, self._set(left), self._set(right))
        self.compared += 1
        if pair.jaccard < self.jaccard and not (pair.containment >= self.containment and pair.shared >= LEAST_SHARED):
            self.in_vain.add(left << 32 | right)
            return False
        self.pairs.append(pair)
        self.parents[max(one, two)] = min(one, two)
        return True

    def root(self, article: int) -> int:
        parents = self.parents
        while parents[article] != article:
            parents[article] = article = parents[parents[article]]
        return article

    def _set(self, article: int) -> Hashes:
        found = self.sets.pop(article, None)
        if found is None:
            found = distinct(self.articles.of(article))
            if len(self.sets) >= _KEPT:
                del self.sets[next(iter(self.sets))]
        self.sets[article] = found
        return found


def probes_of(index: Index, who: Bools, least: Ints) -> Probes:
    """Which of these articles share at least so much of their samples with others, and where to look for those."""
    at = np.flatnonzero(index.own)
    common = np.bincount(index.member[at], minlength=len(who))
    suspect = who & (common >= least)
    at = at[suspect[index.member[at]]]
    many = index.many()
    order = np.lexsort((many[index.list_of[at]], index.member[at]))
    at = at[order]
    article = index.member[at]
    rank = np.arange(len(at)) - np.searchsorted(article, article)
    needed = rank <= (common - least)[article]
    cost = np.bincount(article[needed], weights=many[index.list_of[at[needed]]], minlength=len(who))
    dear = np.flatnonzero(cost > _EASY)
    dear = dear[np.argsort(cost[dear], kind="stable")]
    hard = np.zeros(len(who), dtype=np.bool_)
    hard[dear[np.cumsum(cost[dear]) > _SPARE * max(_LARGE, len(who))]] = True
    return Probes(entry=at, article=article, needed=needed, common=common, least=least, hard=hard)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """Pairs of an article and another that may share enough of its sample, each once from each side at most."""

    article: Ints
    other: Ints
    shared: Ints
    """How much of the sample they are known to share."""


def candidates(index: Index, probes: Probes) -> Candidates:
    """The pairs that share enough of the sample of the first.

    Of the lists of an article, those that are not needed and not short are left out at first; a partner may stand in
    all of them, and is in the others as often as the rest of what it must share.
    """
    many = index.many()[index.list_of[probes.entry]]
    used = (probes.needed | (many <= _FEW)) & ~probes.hard[probes.article]
    entry, article, many = probes.entry[used], probes.article[used], many[used]
    left_out = probes.common - np.bincount(article, minlength=len(probes.common))
    enough = probes.least - left_out
    ends = np.flatnonzero(np.append(article[1:] != article[:-1], True)) + 1 if len(article) else article
    total = np.cumsum(many)
    found, first = [_confirmed(index, probes, *_count(index, entry[:0], article[:0], enough))], 0
    while first < len(entry):
        fitting = np.searchsorted(total[ends - 1], total[first] - many[first] + _PAIRS, side="right") - 1
        end = int(ends[max(fitting, np.searchsorted(ends, first, side="right"))])
        found.append(_confirmed(index, probes, *_count(index, entry[first:end], article[first:end], enough)))
        first = end
    return Candidates(
        article=np.concatenate([some.article for some in found]),
        other=np.concatenate([some.other for some in found]),
        shared=np.concatenate([some.shared for some in found]),
    )


def _count(index: Index, entry: Ints, article: Ints, enough: Ints) -> tuple[Ints, Ints, Ints]:
    """(article, other, how often they meet in the lists of these entries) where that is often enough."""
    lists = index.list_of[entry]
    many = index.first[lists + 1] - index.first[lists]
    skip = np.repeat(index.first[lists] - (np.cumsum(many) - many), many)
    one, two = np.repeat(article, many), index.member[np.arange(len(skip)) + skip]
    codes = (one << 32 | two)[one != two]
    codes.sort()
    starts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1])) if len(codes) else codes
    counts = np.diff(np.append(starts, len(codes)))
    codes = codes[starts]
    keep = counts >= enough[codes >> 32]
    return codes[keep] >> 32, codes[keep] & 0xFFFFFFFF, counts[keep]


def _confirmed(index: Index, probes: Probes, article: Ints, other: Ints, shared: Ints) -> Candidates:
    """Those that share enough also where lists were left out: there each pair is looked up by itself."""
    doubtful = np.flatnonzero(shared < probes.least[article])
    wanted = np.zeros(len(probes.least), dtype=np.bool_)
    wanted[article[doubtful]] = wanted[other[doubtful]] = True
    at = np.flatnonzero(wanted[index.member])
    at = at[np.argsort(index.member[at], kind="stable")]
    codes = index.member[at] << 32 | index.list_of[at]  # in order: entries stand by their lists
    sample = codes[index.own[at]]
    first = np.searchsorted(sample, article[doubtful] << 32)
    last = np.searchsorted(sample, (article[doubtful] + 1) << 32)
    total = np.cumsum(last - first)
    start = 0
    while start < len(doubtful):
        before = int(total[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(total, before + _PAIRS, side="right")))
        some = slice(start, end)
        many = (last - first)[some]
        place = np.arange(int(many.sum())) + np.repeat(first[some] - (np.cumsum(many) - many), many)
        asked = np.repeat(other[doubtful[some]] << 32, many) | (sample[place] & 0xFFFFFFFF)
        found = np.searchsorted(codes, asked)
        hits = np.append(0, np.cumsum(codes[np.minimum(found, len(codes) - 1)] == asked))
        bounds = np.append(0, np.cumsum(many))
        shared[doubtful[some]] = hits[bounds[1:]] - hits[bounds[:-1]]
        start = end
    keep = shared >= probes.least[article]
    return Candidates(article=article[keep], other=other[keep], shared=shared[keep])


def ordered(found: Candidates, index: Index) -> Iterator[tuple[int, int]]:
    """Candidates, the most alike first: what they connect spares the others their comparison."""
    order = np.lexsort((found.other, found.article, -found.shared / index.sampled[found.article]))
    yield from zip(found.article[order].tolist(), found.other[order].tolist(), strict=True)


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
