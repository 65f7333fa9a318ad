"""The most alike articles of different homes: what a certificate of splits shows, below the thresholds too.

The measures of the pairs that are shown are exact. Which pairs are measured is estimated: from samples of the
articles, of which passages in up to COMMON articles count for each pair of them, and more common ones for neighbours
in a shuffled order. In a corpus of up to some hundred articles all pairs that share a passage count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from copydesk.nearcopies.compare import LEAST_SHARED, measured
from copydesk.nearcopies.index import Files, Index, Reader, build
from copydesk.nearcopies.measures import Pair, distinct, measure, spread
from copydesk.nearcopies.samples import Bools, halvings_of, sample
from copydesk.nearcopies.work import BYTES, Array, Stored, Work, by_key, segments, store, working
from copydesk.shingles import Ints, Joined, Places, Sequences, join

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What all tasks know: the index, the arrays of all articles, how common a passage may be, how many are wanted."""

    files: Files
    folder: str
    arrays: str
    common: int
    top: int
    pairs: int


Best = dict[tuple[int, int], tuple[Ints, Floats]]
"""For each two homes and each measure the pairs, two articles in one number each, and their estimates."""


def most_alike(
    sequences: Sequences | Joined,
    homes: Sequence[int] | Ints,
    *,
    top: int,
    colours: Sequence[int] | Ints | None = None,
    work: Work | None = None,
) -> list[Pair]:
    """For each two homes the pairs of articles that have the greatest Jaccard, the greatest containment, and the most
    shingles in common: as many as `top` of each, in one list, the greatest Jaccard first.

    A containment counts if LEAST_SHARED shingles are shared. Pairs of different colours have lists of their own: they
    take no place from the others. If `work` is that of a search over the same articles, its samples serve again.
    """
    articles = sequences if isinstance(sequences, Joined) else join([sequences])
    home_of = np.asarray(homes, dtype=np.int32)
    shade = np.zeros(len(home_of), dtype=np.int32) if colours is None else np.asarray(colours, dtype=np.int32)
    if len(articles) < 2 or not top:
        return []
    with working(work) as here:
        articles = articles.filed(here.folder)
        codes = _chosen(articles, home_of, shade, top, here)
        pairs = sorted(measured(articles, codes, here), key=lambda pair: (pair.left, pair.right))
    groups: dict[int, list[Pair]] = {}
    left, right = (np.array([getattr(pair, end) for pair in pairs], dtype=np.int64) for end in ("left", "right"))
    for pair, key in zip(pairs, _two_homes(home_of, shade, left, right).tolist(), strict=True):
        groups.setdefault(key, []).append(pair)
    ranked = [pair for group in groups.values() for pair in _ranked(group, top)]
    return sorted(ranked, key=lambda pair: (-pair.jaccard, -pair.containment, pair.left, pair.right))


def _chosen(articles: Joined, homes: Places, shade: Places, top: int, work: Work) -> list[int]:
    """The pairs that are worth measuring, two articles in one number each."""
    lengths = articles.lengths()
    here = work.inside("alike")
    index = work.kept.get(_SAMPLE) or build(sample(articles, halvings_of(lengths, _SAMPLE), here), here)
    task = _Task(
        files=index.files, folder=str(here.folder), arrays=f"{here.folder}/arrays",
        common=common_up_to(index), top=top, pairs=min(_PAIRS, work.memory // BYTES),
    )  # fmt: skip
    shuffled = np.argsort(spread(np.arange(len(articles), dtype=np.uint64)), kind="stable")
    rank = np.empty(len(articles), dtype=np.uint64)
    rank[shuffled] = np.arange(len(articles), dtype=np.uint64)
    columns = {"home": homes, "shade": shade, "length": lengths, "sampled": index.sampled.astype(np.int64)}
    columns |= {"rank": rank, "article": shuffled.astype(np.uint32)}
    store(task.arrays, columns | _crowded(task, articles, work))
    run = work.engine.map
    best = [_merged(run(partial(_estimated, task), list(index.files.parts())), top)]
    if index.most > task.common:
        for _ in run(partial(_beside, task), range(1 << index.files.ranges)):
            pass
        best.append(_merged(run(partial(_neighbours, task), list(index.files.parts())), top))
    chosen = [_both_ways(codes) for found in best for codes, _ in found.values()]
    codes: list[int] = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *chosen])).tolist()
    return codes


def common_up_to(index: Index) -> int:
    """The articles of a passage up to which all pairs are looked at: any number where that is little work."""
    return index.most if index.squares <= _ALL_PAIRS else COMMON


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


def _two_homes(homes: Places, shade: Places, left: Ints, right: Ints) -> Ints:
    """One number for the homes of each pair, whichever comes first, and for whether the two are of one colour."""
    one, two = homes[left].astype(np.int64), homes[right].astype(np.int64)
    codes: Ints = np.minimum(one, two) << 32 | np.maximum(one, two) << 1 | (shade[left] != shade[right])
    return codes


def _crowded(task: _Task, articles: Joined, work: Work) -> dict[str, Array]:
    """Of each article: in how many crowded lists it stands, and in how many of those with its sample."""
    held, own = (np.zeros(len(articles), dtype=np.uint32) for _ in range(2))
    for number, crowded, sampled in work.engine.map(partial(_in_crowded, task), list(task.files.parts())):
        held[task.files.some(number)], own[task.files.some(number)] = crowded, sampled
    return {"held": held, "own": own}


def _in_crowded(task: _Task, number: int) -> tuple[int, Ints, Ints]:
    _, article, many, own = _entries(task, number)
    crowded, size = many > task.common, task.files.some(number).stop - number * task.files.size
    return (
        number,
        np.bincount(article[crowded], minlength=size),
        np.bincount(article[crowded & own], minlength=size),
    )


def _entries(task: _Task, number: int) -> tuple[Stored, Ints, Ints, Bools]:
    """(file, article by its place, articles in the list, whether it is in the sample) of the entries of a range."""
    file = Stored(task.files.entries(number))
    first = file.column("first").astype(np.int64)
    return file, np.repeat(np.arange(len(first) - 1), np.diff(first)), file.column("many"), file.column("own")


def _estimated(task: _Task, number: int) -> Best:
    """Pairs of articles by how much of the sample of the first they share at most.

    What they share of crowded lists is not counted; it is no more than either has.
    """
    file, article, many, own = _entries(task, number)
    entry = np.flatnonzero(own & (many <= task.common))
    code, article, many = file.column("code")[entry], article[entry] + number * task.files.size, many[entry]
    arrays, reader, best = Stored(task.arrays), Reader(task.files), Best()
    home, held, held_own = (arrays.column(name) for name in ("home", "held", "own"))
    first = 0
    for edge in _edges(article, np.cumsum(many, dtype=np.int64), task.pairs):
        found = []
        for which, sizes, two in reader.members(code[first:edge]):
            one = np.repeat(article[first:edge][which], sizes)
            found.append((one << 32 | two)[home[one] != home[two]])
        codes, shared = np.unique(np.concatenate(found), return_counts=True)
        _rank(best, task, arrays, codes, shared + np.minimum(held_own[codes >> 32], held[codes & 0xFFFFFFFF]))
        first = edge
    for opened in (file, arrays, reader):
        opened.release()
    return best


def _edges(article: Ints, total: Ints, most: int) -> Iterator[int]:
    """Where to stop, so that the pairs of each article stay together and are not too many at once."""
    ends = np.flatnonzero(np.append(article[1:] != article[:-1], True)) + 1 if len(article) else article
    before = 0
    for place, end in enumerate(ends.tolist()):
        if place + 1 == len(ends) or int(total[ends[place + 1] - 1]) - before > most:
            yield end
            before = int(total[end - 1])


def _beside(task: _Task, number: int) -> None:
    """Write the pairs of articles in crowded lists of one range, each with those that follow it in an order that is
    one for all lists: by the range of the first article, and by how far apart they stand."""
    file, arrays = Stored(task.files.lists(number)), Stored(task.arrays)
    home, rank, article = (arrays.column(name) for name in ("home", "rank", "article"))
    first: Ints = file.column("first").astype(np.int64)
    many = first[1:] - first[:-1]
    crowded = many > task.common
    owner = file.column("member")[np.repeat(crowded, many)]
    lists = np.repeat(np.flatnonzero(crowded).astype(np.uint64), many[crowded])
    entry = lists << np.uint64(33) | rank[owner >> np.uint32(1)] << np.uint64(1) | owner & np.uint32(1)
    entry.sort()
    lists, own = entry >> np.uint64(33), (entry & np.uint64(1)).astype(np.bool_)
    member = article[(entry & np.uint64(0x1FFFFFFFF)) >> np.uint64(1)].astype(np.int64)
    codes, steps = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.uint8)]
    for step in range(1, _NEIGHBOURS + 1):
        one, two = member[:-step], member[step:]
        apart = (lists[step:] == lists[:-step]) & (home[one] != home[two])
        forth, back = apart & own[:-step], apart & own[step:]
        codes += [(one << 32 | two)[forth], (two << 32 | one)[back]]
        steps.append(np.full(len(codes[-2]) + len(codes[-1]), step, dtype=np.uint8))
    code, step_of = np.concatenate(codes), np.concatenate(steps)
    order, begins = by_key((code >> 32) // task.files.size, len(task.files.parts()))
    store(f"{task.folder}/beside-{number}", {"first": begins, "code": code[order], "step": step_of[order]})


def _neighbours(task: _Task, number: int) -> Best:
    """Pairs of neighbours in crowded lists by how many of these they share; what is nearer first."""
    files = [f"{task.folder}/beside-{home}" for home in range(1 << task.files.ranges)]
    code, step = segments(files, number, ("code", "step"))
    arrays, best = Stored(task.arrays), Best()
    for distance in range(1, _NEIGHBOURS + 1):
        codes, shared = np.unique(code[step == distance], return_counts=True)
        _rank(best, task, arrays, codes, shared)
    return best


def _rank(best: Best, task: _Task, arrays: Stored, codes: Ints, shared: Ints) -> None:
    """Keep the best of some more pairs, by estimates of each measure."""
    lengths, sampled = arrays.column("length"), arrays.column("sampled")
    left, right = codes >> 32, codes & 0xFFFFFFFF
    part = shared * (lengths[left] / np.maximum(sampled[left], 1))
    union = np.maximum(lengths[left] + lengths[right] - part, 1)
    estimates = part / union, part / np.minimum(lengths[left], lengths[right]), part
    between = _two_homes(arrays.column("home"), arrays.column("shade"), left, right)
    for homes_of_pair in np.unique(between).tolist():
        here = between == homes_of_pair
        for number, estimate in enumerate(estimates):
            key = homes_of_pair, number
            best[key] = _best(best.get(key), codes[here], estimate[here], task.top)


def _merged(found: Iterable[Best], top: int) -> Best:
    best = Best()
    for some in found:
        for key, (codes, estimates) in some.items():
            best[key] = _best(best.get(key), codes, estimates, top)
    return best


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


def _ranked(pairs: list[Pair], top: int) -> list[Pair]:
    by_jaccard = sorted(pairs, key=lambda pair: (-pair.jaccard, -pair.containment, pair.left, pair.right))
    excerpts = [pair for pair in pairs if pair.shared >= LEAST_SHARED]
    by_containment = sorted(excerpts, key=lambda pair: (-pair.containment, -pair.jaccard, pair.left, pair.right))
    by_shared = sorted(pairs, key=lambda pair: (-pair.shared, -pair.jaccard, pair.left, pair.right))
    best = by_jaccard[:top] + by_containment[:top] + by_shared[:top]
    return list(dict.fromkeys(pair for pair in best if pair.shared))
