"""Where new groups fall: by the salted hash of the group, by quota in each stratum, or by time."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import groupby

from copydesk.project import Splits


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """A group, as far as its split depends on it: how many articles, of which stratum, and how late the latest."""

    key: str
    size: int
    stratum: str = ""
    time: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A group that has its split. `dated`: it is there because of its time, so that others can be told by it."""

    lot: Lot
    split: str
    dated: bool = True


def fall(new: Sequence[Lot], placed: Sequence[Placed], splits: Splits) -> dict[str, str]:
    """Group -> its split, for the new groups."""
    if splits.by == "time":
        return _by_time(new, placed, splits)
    if splits.by == "quota":
        return _by_quota(new, placed, splits)
    return {lot.key: by_hash(lot.key, splits) for lot in new}


def by_hash(key: str, splits: Splits) -> str:
    """The split in which the salted hash of the group falls, in proportion to the ratios."""
    point = int.from_bytes(_hash(key, splits)[:8], "big") / 2**64 * sum(splits.ratios.values())
    for name, share in splits.ratios.items():
        point -= share
        if point < 0:
            return name
    return next(reversed(list(splits.ratios)))


def in_order(lots: Iterable[Lot], splits: Splits) -> list[Lot]:
    """The lots in the order of their salted hash, which nobody has chosen and nothing else depends on."""
    return sorted(lots, key=lambda lot: (_hash(lot.key, splits), lot.key))


def _hash(key: str, splits: Splits) -> bytes:
    return hashlib.sha256(f"{splits.salt}\0{key}".encode()).digest()


def shares_of(splits: Splits) -> dict[str, Fraction]:
    """Split -> its share of the whole, exactly as it is written."""
    exact = {name: Fraction(str(ratio)) for name, ratio in splits.ratios.items()}
    return {name: ratio / sum(exact.values()) for name, ratio in exact.items()}


class _Quota:
    """How many articles each split is to have of some, and has so far."""

    def __init__(self, shares: Mapping[str, Fraction], total: int) -> None:
        self._wanted = {name: share * total for name, share in shares.items()}
        self._filled: Counter[str] = Counter()

    def take(self, split: str, size: int) -> None:
        self._filled[split] += size

    def missing(self, split: str) -> Fraction:
        return self._wanted[split] - self._filled[split]

    def fullness(self, split: str, size: int) -> Fraction:
        """How full the split would be, with so many articles more."""
        return (self._filled[split] + size) / self._wanted[split]


def _by_quota(new: Sequence[Lot], placed: Sequence[Placed], splits: Splits) -> dict[str, str]:
    """Each group goes to the split that is, with it, furthest below its share of the stratum.

    Where less than one article is missing, it is the splits of all strata together that decide: or the few articles of
    each small stratum would all be train, and no split but the first would get any.
    """
    shares = shares_of(splits)
    sizes: Counter[str] = Counter()
    for lot in [*new, *(p.lot for p in placed)]:
        sizes[lot.stratum] += lot.size
    strata = {stratum: _Quota(shares, size) for stratum, size in sizes.items()}
    whole = _Quota(shares, sizes.total())
    fallen: dict[str, str] = {}

    def take(lot: Lot, split: str) -> None:
        strata[lot.stratum].take(split, lot.size)
        whole.take(split, lot.size)

    for p in placed:
        take(p.lot, p.split)
    rest = []
    for lot in in_order(new, splits):
        quota = strata[lot.stratum]
        emptiest = min(shares, key=lambda name: quota.fullness(name, lot.size))  # of equal ones the first of the ratios
        if quota.missing(emptiest) >= 1:
            fallen[lot.key] = emptiest
            take(lot, emptiest)
        else:
            rest.append(lot)
    for lot in rest:
        quota = strata[lot.stratum]
        below = [name for name in shares if quota.missing(name) > 0] or list(shares)
        fallen[lot.key] = min(below, key=lambda name: (whole.fullness(name, lot.size), quota.fullness(name, lot.size)))
        take(lot, fallen[lot.key])
    return fallen


def _by_time(new: Sequence[Lot], placed: Sequence[Placed], splits: Splits) -> dict[str, str]:
    """A group goes where its time lies among those that have their split by time.

    Between two such splits, and after the last, are gaps: groups in a gap fill up the split before it, then those
    splits in the gap that have no article yet. At first everything is one gap.
    """
    names = list(splits.ratios)
    first: dict[int, Decimal] = {}
    last: dict[int, Decimal] = {}
    for p in placed:
        if p.dated and p.split in splits.ratios:
            number = names.index(p.split)
            first[number] = min(first.get(number, p.lot.time), p.lot.time)
            last[number] = max(last.get(number, p.lot.time), p.lot.time)
    filling = _Filling(placed, new, splits)
    gaps: dict[tuple[int, int], list[Lot]] = defaultdict(list)
    for lot in sorted(in_order(new, splits), key=lambda lot: lot.time):
        lower = max((number for number, cut in first.items() if cut <= lot.time), default=0)
        if lower in last and lot.time <= last[lower]:
            filling.put(lot, lower)
        else:
            upper = min((number for number in first if number > lower), default=len(names)) - 1
            gaps[lower, upper].append(lot)
    for (lower, upper), lots in sorted(gaps.items()):
        filling.fill(lots, lower, upper)
    return {key: names[number] for key, number in filling.fallen.items()}


class _Filling:
    """Splits that are filled in the order of time. They are meant by their number in the ratios."""

    def __init__(self, placed: Sequence[Placed], new: Sequence[Lot], splits: Splits) -> None:
        shares = shares_of(splits)
        total = sum(p.lot.size for p in placed) + sum(lot.size for lot in new)
        there = Counter[str]()
        for p in placed:
            there[p.split] += p.lot.size
        self.fallen: dict[str, int] = {}
        self._wanted = [share * total for share in shares.values()]
        self._filled = [there[name] for name in shares]

    def put(self, lot: Lot, number: int) -> None:
        self.fallen[lot.key] = number
        self._filled[number] += lot.size

    def fill(self, lots: Sequence[Lot], lower: int, upper: int) -> None:
        """Lots of one time stay together, unless they are more than the split where they come to lie is to have."""
        at = lower
        for together in _of_one_time(lots):
            size = sum(lot.size for lot in together)
            there = self._advance(at, upper, size)
            if size <= self._wanted[there]:
                pieces = [together]
            else:
                pieces = [[lot] for lot in together]
            for piece in pieces:
                at = self._advance(at, upper, sum(lot.size for lot in piece))
                for lot in piece:
                    self.put(lot, at)

    def _advance(self, at: int, upper: int, size: int) -> int:
        """The split where so many articles come to lie: the next one if less than half of them is wanted here."""
        while at < upper and self._filled[at] + Fraction(size, 2) >= self._wanted[at]:
            at += 1
        return at


def _of_one_time(lots: Iterable[Lot]) -> Iterator[list[Lot]]:
    return (list(found) for _, found in groupby(lots, key=lambda lot: lot.time))
