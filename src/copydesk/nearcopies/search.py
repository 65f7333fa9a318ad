"""The search for near copies: candidates from the index, comparison, connection. Knows numbers, not articles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from copydesk.nearcopies.compare import Comparison
from copydesk.nearcopies.crowded import Crowds
from copydesk.nearcopies.index import Files, Index, Reader, build, least_shared, sample_size
from copydesk.nearcopies.samples import NONE, Bools, Numbers, halvings_of, sample
from copydesk.nearcopies.work import BYTES, Stored, Work
from copydesk.shingles import Bytes, Hashes, Ints

_EASY = 1 << 10
"""Entries of the lists in which an article is looked up: so many as a rule, more for some while there are few such."""
_GROWTH = 4
"""How many times the sample grows."""
_FEW = 64
"""Lists of up to so many articles are always looked at: the more, the fewer candidates by chance."""
_SPARE, _LARGE = 4, 1 << 12
"""Entries, per article of a corpus that is not smaller, for those that need more than is the rule."""
_PAIRS = 1 << 20
"""Pairs of articles that are counted at once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Probes:
    """What an index says of the articles of one range that share enough of their samples to have near copies."""

    code: Hashes
    """Lists of their samples, one article after the other, the rarest shingles first."""
    many: Ints
    """Of each: the articles in it."""
    article: Ints
    """Of each: the article whose it is, by its place in the range."""
    needed: Bools
    """Of each: every partner of the article stands in one of these lists."""
    common: Ints
    """Of each article of the range: how much of its sample other articles hold."""
    least: Ints
    """Of each article of the range: how much of its sample a partner holds."""
    cost: Ints
    """Of each article of the range: the entries of the lists that it needs."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """Pairs of an article and another that share enough of its sample, each once from each side at most."""

    article: Numbers
    other: Numbers
    shared: Numbers
    """How much of the sample they share."""


@dataclass(slots=True, kw_only=True, eq=False)
class Search:
    """The near copies among some articles, all different; those that are `out` do not take part.

    `salt` keeps articles of different colours apart.
    """

    compared: Comparison
    lengths: Ints
    out: Bools
    salt: Hashes | None
    part: float
    """How much of its shingles the smaller of two near copies shares."""

    def run(self, index: Index) -> tuple[Index, Ints] | None:
        """Fill `pairs`. Returns the lists of articles that were not all compared, if any, and their index."""
        who, size = ~self.out, sample_size(self.part)
        halved = halvings_of(self.lengths, size)
        for number in range(NONE):
            who, open_lists = self._round(index, who, halved)
            if not who.any():
                return None
            if not halved[who].any():
                return index, open_lists
            size *= _GROWTH
            halved = np.where(who, halvings_of(self.lengths, size), np.uint8(NONE))
            work = self.compared.work.inside(f"larger-{number}")
            index = build(sample(self.compared.articles, halved, work, self.salt, self.out), work)
        raise AssertionError("samples grew for ever")

    def _round(self, index: Index, who: Bools, halved: Bytes) -> tuple[Bools, Ints]:
        """Compare what one index proposes. Returns the articles that it does not settle, and their lists."""
        whole = halved == 0
        least = self._least(index, whole)
        weak = who & (least == 0)  # so much repetition that the sample says nothing
        asked = who & ~weak
        found, hard = _candidates(index.files, asked, least, self.compared.work, int((~self.out).sum()))
        self.compared.compare_all(*ordered(found, index.sampled))
        if not hard.any():
            return weak, np.zeros(0, dtype=np.int64)
        run, files = self.compared.work.engine.map, index.files
        items = [(number, hard[files.some(number)], least[files.some(number)]) for number in files.parts()]
        lists = np.unique(np.concatenate(list(run(partial(_needed, files, None), items)))).view(np.int64)
        crowds = Crowds(
            index=index, compared=self.compared, lengths=self.lengths, hard=hard, whole=whole, held=index.held()
        )
        open_lists = crowds.finish(lists)
        for articles in run(partial(_needed, files, open_lists.view(np.uint64)), items):
            weak[articles.view(np.int64)] = True
        return weak, open_lists

    def _least(self, index: Index, whole: Bools) -> Ints:
        """How much of its sample each article must share with a near copy that is larger."""
        sizes = range(int(index.sampled.max(initial=0)) + 1)
        least = np.array([least_shared(size, self.part) for size in sizes], dtype=np.int64)[index.sampled]
        exact = np.ceil(self.part * index.sampled - 1e-9).astype(np.int64)
        return np.where(whole, np.maximum(exact, 1), least)


def _candidates(files: Files, who: Bools, least: Ints, work: Work, articles: int) -> tuple[Candidates, Bools]:
    """The candidates of some articles, and for which articles that would be too many.

    What an article costs is known in its range; whether that is too much, when all ranges have told.
    """
    items = [(number, who[files.some(number)], least[files.some(number)]) for number in files.parts()]
    room = _EASY, _FEW, min(_PAIRS, work.memory // BYTES)
    found, dear, cost = [], [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for candidates, some, costs in work.engine.map(partial(_proposed, files, room, False), items):
        found.append(candidates)
        dear.append(some)
        cost.append(costs)
    articles_dear, costs_dear = np.concatenate(dear), np.concatenate(cost)
    order = np.lexsort((articles_dear, costs_dear))
    affordable = np.cumsum(costs_dear[order]) <= _SPARE * max(_LARGE, articles)
    hard = np.zeros(len(who), dtype=np.bool_)
    hard[articles_dear[order[~affordable]]] = True
    chosen = np.zeros(len(who), dtype=np.bool_)
    chosen[articles_dear[order[affordable]]] = True
    again = [(n, chosen[files.some(n)], least[files.some(n)]) for n in files.parts() if chosen[files.some(n)].any()]
    for candidates, _, _ in work.engine.map(partial(_proposed, files, room, True), again):
        found.append(candidates)
    return _together(found), hard


def _together(found: list[Candidates]) -> Candidates:
    none = np.zeros(0, dtype=np.uint32)
    return Candidates(
        article=np.concatenate([none, *(some.article for some in found)]),
        other=np.concatenate([none, *(some.other for some in found)]),
        shared=np.concatenate([none, *(some.shared for some in found)]),
    )


def ordered(found: Candidates, sampled: Numbers) -> tuple[Ints, Ints]:
    """(articles, others) of candidates, the most alike first: what they connect spares the others their comparison."""
    order = np.lexsort((found.other, found.article, -(found.shared / sampled[found.article])))
    return found.article[order].astype(np.int64), found.other[order].astype(np.int64)


def probes_of(files: Files, number: int, who: Bools, least: Ints) -> Probes:
    """Which of some articles share at least so much of their samples with others, and where to look for those."""
    file = Stored(files.entries(number))
    first, own = file.column("first"), file.column("own")
    article = np.repeat(np.arange(len(who)), (first[1:] - first[:-1])[: len(who)])
    common = np.bincount(article[own], minlength=len(who))
    suspect = who & (common >= least)
    at = np.flatnonzero(own & suspect[article])
    many, article = file.column("many")[at].astype(np.int64), article[at]
    order = np.lexsort((many, article))
    at, many = at[order], many[order]
    rank = np.arange(len(at)) - np.searchsorted(article, article)
    needed = rank <= (common - least)[article]
    cost = np.bincount(article[needed], weights=many[needed], minlength=len(who)).astype(np.int64)
    code = file.column("code")[at]
    file.release()
    return Probes(code=code, many=many, article=article, needed=needed, common=common, least=least, cost=cost)


def _proposed(
    files: Files, room: tuple[int, int, int], dear: bool, item: tuple[int, Bools, Ints]
) -> tuple[Candidates, Ints, Ints]:
    """(candidates of the articles of one range that are not dear, those that are, what they cost).

    If `dear`, the candidates of all.
    """
    number, who, least = item
    easy, few, pairs = room
    probes = probes_of(files, number, who, least)
    costly = np.zeros(len(who), dtype=np.bool_) if dear else probes.cost > easy
    used = (probes.needed | (probes.many <= few)) & ~costly[probes.article]
    reader = Reader(files)
    found = list(_counted(reader, probes, used, number * files.size, pairs))
    reader.release()
    some = np.flatnonzero(costly)
    return _together(found), some + number * files.size, probes.cost[some]


def _needed(files: Files, lists: Hashes | None, item: tuple[int, Bools, Ints]) -> Hashes:
    """The lists that some articles need; or, of some lists, the articles that need one of them."""
    number, who, least = item
    probes = probes_of(files, number, who, least)
    if lists is None:
        return np.unique(probes.code[probes.needed])
    at = probes.needed & np.isin(probes.code, lists)
    return (np.unique(probes.article[at]) + number * files.size).view(np.uint64)


def _counted(reader: Reader, probes: Probes, used: Bools, base: int, pairs: int) -> Iterator[Candidates]:
    """The pairs that share enough of the sample of the first, some articles at a time.

    Of the lists of an article, those that are not needed and not short are left out at first; a partner may stand in
    all of them, and is in the others as often as the rest of what it must share.
    """
    code, article, many = probes.code[used], probes.article[used], probes.many[used]
    left_out = probes.common - np.bincount(article, minlength=len(probes.common))
    enough = probes.least - left_out
    for some in _shares(article, many, pairs):
        codes = [np.zeros(0, dtype=np.int64)]
        for which, sizes, members in reader.members(code[some]):
            one = np.repeat(article[some][which] + base, sizes)
            codes.append((one << 32 | members)[one != members])
        one, two, shared = _often(np.concatenate(codes), enough, base)
        yield _confirmed(reader, probes, one, two, shared, base)


def _shares(article: Ints, many: Ints, most: int) -> Iterator[slice]:
    """The entries of some articles at a time, so that they are in not much more than `most` pairs."""
    ends = np.flatnonzero(np.append(article[1:] != article[:-1], True)) + 1 if len(article) else article
    total, first = np.cumsum(many), 0
    while first < len(article):
        fitting = np.searchsorted(total[ends - 1], total[first] - many[first] + most, side="right") - 1
        end = int(ends[max(fitting, np.searchsorted(ends, first, side="right"))])
        yield slice(first, end)
        first = end


def _often(codes: Ints, enough: Ints, base: int) -> tuple[Ints, Ints, Ints]:
    """(article, other, how often they meet) where that is often enough."""
    codes.sort()
    starts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1])) if len(codes) else codes
    counts = np.diff(np.append(starts, len(codes)))
    codes = codes[starts]
    keep = counts >= enough[(codes >> 32) - base]
    return codes[keep] >> 32, codes[keep] & 0xFFFFFFFF, counts[keep]


def _confirmed(reader: Reader, probes: Probes, article: Ints, other: Ints, shared: Ints, base: int) -> Candidates:
    """Those that share enough also where lists were left out: there each pair is looked up by itself."""
    doubtful = np.flatnonzero(shared < probes.least[article - base])
    if len(doubtful):
        shared[doubtful] = _shared(reader, article[doubtful], other[doubtful])
    keep = shared >= probes.least[article - base]
    return Candidates(
        article=article[keep].astype(np.uint32),
        other=other[keep].astype(np.uint32),
        shared=shared[keep].astype(np.uint32),
    )


def _shared(reader: Reader, article: Ints, other: Ints) -> Ints:
    """How much of the sample of an article another holds, pair by pair."""
    ones, one = np.unique(article, return_inverse=True)
    which, code, own = reader.entries(ones)
    which, code = which[own], code[own]
    names = np.unique(code)
    lists = np.searchsorted(names, code)  # the lists by their rank, to stand in one number with an article
    first = np.searchsorted(which, np.arange(len(ones) + 1))
    twos, two = np.unique(other, return_inverse=True)
    holder, held, _ = reader.entries(twos)
    rank = np.minimum(np.searchsorted(names, held), len(names) - 1)
    there = names[rank] == held
    known = holder[there] << 32 | rank[there]  # in order: entries stand by their lists
    out = np.zeros(len(article), dtype=np.int64)
    many = (first[1:] - first[:-1])[one]
    for some in _shares(np.arange(len(one)), many, _PAIRS):
        sizes = many[some]
        place = np.arange(int(sizes.sum())) + np.repeat(first[one[some]] - (np.cumsum(sizes) - sizes), sizes)
        asked = np.repeat(two[some] << 32, sizes) | lists[place]
        found = np.minimum(np.searchsorted(known, asked), max(0, len(known) - 1))
        hits = (
            np.append(0, np.cumsum(known[found] == asked)) if len(known) else np.zeros(len(asked) + 1, dtype=np.int64)
        )
        bounds = np.append(0, np.cumsum(sizes))
        out[some] = hits[bounds[1:]] - hits[bounds[:-1]]
    return out
