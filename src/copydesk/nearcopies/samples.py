"""Samples of articles, by ranges of their shingles: what near copies are searched in. Compares no articles.

A sample is the shingles of an article whose hash is at most its limit; limits are halved until between `size` and
twice as many are left, and a short article keeps all. Every article is searched for every sample: where all limits
are equal that is each one's own sample, and else a filter of the samples says what else is worth sorting.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from copydesk.nearcopies.measures import spread
from copydesk.nearcopies.work import BYTES, Array, Stored, Work, by_key, segments, store
from copydesk.shingles import Bytes, Hashes, Ints, Joined, Places, read

Bools = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float64]

NONE = 64
"""How often the limit of an article is halved that has no sample."""
RANGE = 1 << 18
"""Keys that are sorted at once, as far as possible: what fits the cache of a processor."""
RANGES = 16
"""The logarithm of the number of ranges at most; where it does not suffice, ranges are larger."""
_BATCH = 1 << 19
"""Keys that one task takes out of articles, at least if there are more."""
_PIECE = 1 << 15
"""Shingles that are looked at at once."""

_LIMITS: Hashes = np.array([*((1 << 64 - halved) - 1 for halved in range(NONE)), 0], dtype=np.uint64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """The shingles of samples in files, each with its article: in each file one range of shingles after the other."""

    own: tuple[str, ...]
    """Files of what is in the samples."""
    others: tuple[str, ...]
    """Files of what other articles hold of them, and of some more."""
    ranges: int
    """The logarithm of their number."""
    articles: int
    taken: Numbers
    """Of each article: the size of its sample, a shingle that stands in it twice counted twice."""
    digests: Hashes
    """Of each article: equal for the same shingles."""

    @property
    def shift(self) -> int:
        return shift_of(self.articles)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """Articles that lie in one file of shingles: their rows, their numbers, how often their limits are halved."""

    path: str
    row: Places
    number: Numbers
    halved: Bytes
    salt: Hashes | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Filter:
    """Which hashes may be in a sample, band by band: between two limits the more slots, the more hashes there are.

    A slot is a bit. Its number is the first bits of the lower half of the hash, so that each range of hashes has the
    slots of a band in a row.
    """

    bands: tuple[tuple[int, int], ...]
    """(how often the limit above is halved, that below), the highest hashes first."""
    slots: tuple[int, ...]
    """The logarithm of the slots of each."""
    ranges: int

    def inside(self, band: int, hashes: Hashes) -> Bools:
        above, below = self.bands[band]
        both: Bools = (hashes > _LIMITS[below]) & (hashes <= _LIMITS[above])
        return both

    def slot_of(self, band: int, lower: Numbers) -> Numbers:
        """The slots of hashes, of which the lower half is given."""
        return lower >> np.uint32(32 - self.slots[band])


def shift_of(articles: int) -> int:
    """The bits that the number of an article takes in a key, and whether the shingle is in its sample."""
    return max(1, (articles - 1).bit_length()) + 1


def key_of(hashes: Hashes, articles: int) -> Hashes:
    """What a key keeps of a hash: it stands in 64 bits together with the number of an article."""
    shift = np.uint64(shift_of(articles))
    return (hashes << shift) >> shift


def _range_of(hashes: Hashes, ranges: int) -> Ints:
    """The range of each hash: the first bits of its lower half."""
    return (
        (hashes.astype(np.uint32) >> np.uint32(32 - ranges)).astype(np.int64)
        if ranges
        else np.zeros(len(hashes), dtype=np.int64)
    )


def halvings_of(lengths: Ints, size: int) -> Bytes:
    """How often the limit of each article is halved: while twice `size` shingles or more would be left."""
    halved: Bytes = np.maximum(0, np.frexp(np.maximum(lengths, 1) / size)[1] - 1).astype(np.uint8)
    return halved


def sample(
    articles: Joined, halved: Bytes, work: Work, salt: Hashes | None = None, out: Bools | None = None
) -> Samples:
    """The samples that these limits leave, of articles that lie in files; without those that are `out`."""
    expected = articles.lengths() * (_LIMITS[halved] / float(_LIMITS[0]))
    if out is not None:
        expected[out] = 0
    total = float(expected.sum())
    rows = work.memory // BYTES
    ranges = min(RANGES, max(0, math.ceil(math.log2(max(1.0, total / min(RANGE, rows))))))
    levels = np.unique(halved).tolist()
    batches = list(enumerate(_batches(articles, halved, salt, expected, out, min(rows, max(_BATCH, total / 64)))))
    take = partial(_take, str(work.folder), ranges)
    taken, digests = np.zeros(len(articles), dtype=np.uint32), np.zeros(len(articles), dtype=np.uint64)
    for numbers, sizes, sums in work.engine.map(take, batches):
        taken[numbers], digests[numbers] = sizes, sums
    own = tuple(_own(str(work.folder), number) for number, _ in batches)
    others: tuple[str, ...] = ()
    if len(levels) > 1:
        sieve = _sieve(levels, halved, expected, ranges, work.memory)
        for _ in work.engine.map(partial(_fill, str(work.folder), sieve, own), range(1 << ranges)):
            pass
        _one_filter(str(work.folder), sieve)
        for _ in work.engine.map(partial(_look, str(work.folder), sieve), batches):
            pass
        others = tuple(_others(str(work.folder), number) for number, _ in batches)
    return Samples(own=own, others=others, ranges=ranges, articles=len(articles), taken=taken, digests=digests)


def _own(folder: str, batch: int) -> str:
    return f"{folder}/own-{batch}"


def _others(folder: str, batch: int) -> str:
    return f"{folder}/others-{batch}"


def _batches(
    articles: Joined,
    halved: Bytes,
    salt: Hashes | None,
    expected: Floats,
    out: Bools | None,
    size: float,
) -> Iterator[tuple[Block, ...]]:
    """Articles as they lie, so many together as have a sample of about this size."""
    order = np.lexsort((articles.row, articles.part))
    order = order if out is None else order[~out[order]]
    part = articles.part[order]
    parts = np.flatnonzero(np.append(True, part[1:] != part[:-1])) if len(order) else np.zeros(0, dtype=np.int64)
    batch: list[Block] = []
    together = 0.0
    for first, end in pairwise([*parts.tolist(), len(order)]):
        cuts = (np.cumsum(expected[order[first:end]]) / size).astype(np.int64)
        for some in np.split(order[first:end], np.flatnonzero(cuts[1:] != cuts[:-1]) + 1):
            batch.append(
                Block(
                    path=str(articles.parts[int(part[first])].path),
                    row=articles.row[some],
                    number=some.astype(np.uint32),
                    halved=halved[some],
                    salt=None if salt is None else salt[some],
                )
            )
            together += float(expected[some].sum())
            if together >= size:
                yield tuple(batch)
                batch, together = [], 0.0
    if batch:
        yield tuple(batch)


def _pieces(block: Block) -> Iterator[tuple[Ints, Ints, Hashes]]:
    """(articles by their place in the block, lengths, shingles) of some at a time."""
    home = read(block.path)
    here = Joined(parts=(home,), part=np.zeros(len(block.row), dtype=np.int32), row=block.row)
    yield from here.pieces(_PIECE)
    home.release()


def _salted(block: Block, places: Ints, sizes: Ints, hashes: Hashes) -> Hashes:
    return hashes if block.salt is None else hashes ^ np.repeat(block.salt[places], sizes)


def _take(folder: str, ranges: int, item: tuple[int, Sequence[Block]]) -> tuple[Numbers, Numbers, Hashes]:
    """Write the samples of some articles. Returns (articles, sizes of their samples, digests)."""
    number, blocks = item
    numbers = np.concatenate([block.number for block in blocks])
    digests = np.zeros(len(numbers), dtype=np.uint64)
    hashes_taken, places_taken, before = [], [], 0
    for block in blocks:
        for places, sizes, hashes in _pieces(block):
            there = np.flatnonzero(sizes)
            if len(there) == 0:
                continue
            starts = np.cumsum(sizes)[there] - sizes[there]
            sums, mixed = np.add.reduceat(hashes, starts), np.bitwise_xor.reduceat(hashes, starts)
            digests[before + places[there]] = spread(sums) ^ mixed
            seen = _salted(block, places, sizes, hashes)
            at = np.flatnonzero(seen <= np.repeat(_LIMITS[block.halved[places]], sizes))
            places_taken.append(np.repeat((places + before).astype(np.uint32), sizes)[at])
            hashes_taken.append(seen[at])
        before += len(block.number)
    place = _joined(places_taken, np.uint32)
    _write(_own(folder, number), _joined(hashes_taken, np.uint64), numbers[place], ranges)
    return numbers, np.bincount(place, minlength=len(numbers)).astype(np.uint32), digests


def _joined(arrays: list[Array], kind: npt.DTypeLike) -> Array:
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype=kind)


def _write(path: str, hashes: Hashes, owner: Numbers, ranges: int) -> None:
    order, first = by_key(_range_of(hashes, ranges), 1 << ranges)
    store(path, {"first": first, "hash": hashes[order], "owner": owner[order]})


def _sieve(levels: list[int], halved: Bytes, expected: Floats, ranges: int, memory: int) -> _Filter:
    """What is in some samples only, because limits differ; few articles with a high limit need little room."""
    bands, slots = list(pairwise(levels)), []
    most = min(32, memory.bit_length())  # an eighth of the memory; where it does not suffice, more is sorted
    for above, below in bands:
        limits = _LIMITS[halved]
        part = (float(_LIMITS[above]) - float(_LIMITS[below])) / np.maximum(limits.astype(np.float64), 1.0)
        number = float((expected * part)[halved <= above].sum())
        slots.append(min(max(12, ranges + 3, math.ceil(math.log2(16 * number + 1))), most))
    return _Filter(bands=tuple(bands), slots=tuple(slots), ranges=ranges)


def _fill(folder: str, sieve: _Filter, own: Sequence[str], number: int) -> None:
    """Write the slots of one range of shingles."""
    hashes = segments(own, number, ("hash",))[0]
    columns = {}
    for band, slots in enumerate(sieve.slots):
        bits = np.zeros(1 << slots - sieve.ranges, dtype=np.bool_)
        lower = hashes[sieve.inside(band, hashes)].astype(np.uint32)
        bits[sieve.slot_of(band, lower) & np.uint32(len(bits) - 1)] = True
        columns[str(band)] = np.packbits(bits, bitorder="little")
    store(f"{folder}/slots-{number}", columns)


def _one_filter(folder: str, sieve: _Filter) -> None:
    files = [Stored(f"{folder}/slots-{number}") for number in range(1 << sieve.ranges)]
    store(
        f"{folder}/slots",
        {str(band): np.concatenate([file.column(str(band)) for file in files]) for band in range(len(sieve.bands))},
    )


def _look(folder: str, sieve: _Filter, item: tuple[int, Sequence[Block]]) -> None:
    """Write what some articles hold of the samples of others beyond their own."""
    number, blocks = item
    file = Stored(f"{folder}/slots")
    slots = [file.column(str(band)) for band in range(len(sieve.bands))]
    hashes_found, owners_found = [], []
    for block in blocks:
        for places, sizes, hashes in _pieces(block):
            seen = _salted(block, places, sizes, hashes)
            at = _may_be(sieve, slots, seen)
            found = seen[at]
            beyond = found > np.repeat(_LIMITS[block.halved[places]], sizes)[at]
            owners_found.append(np.repeat(block.number[places], sizes)[at[beyond]])
            hashes_found.append(found[beyond])
    hashes, owners = _joined(hashes_found, np.uint64), _joined(owners_found, np.uint32)
    _write(_others(folder, number), hashes, owners, sieve.ranges)


def _may_be(sieve: _Filter, slots: Sequence[Bytes], hashes: Hashes) -> Ints:
    """The places of the hashes whose slots are taken, in any order."""
    found, places, lower = [], np.arange(len(hashes)), hashes.astype(np.uint32)
    for band, (_, below) in enumerate(sieve.bands):  # from the highest down: each leaves half for the next
        here = hashes > _LIMITS[below]
        at = np.flatnonzero(here)
        slot = sieve.slot_of(band, lower[at])
        hit = slots[band][slot >> np.uint32(3)] >> (slot & np.uint32(7)).astype(np.uint8) & np.uint8(1)
        found.append(places[at[hit.view(np.bool_)]])
        rest = np.flatnonzero(~here)
        hashes, places, lower = hashes[rest], places[rest], lower[rest]
    return np.concatenate(found)
