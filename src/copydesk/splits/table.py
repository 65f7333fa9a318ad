"""The ledger as columns: a million entries in some seventy bytes each, and entries made for those that are asked for.

Most articles are a group of their own and never moved: of them the columns say everything. The others have their whole
entry beside the columns.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from copydesk.arrays import (
    Flags,
    Ints,
    Strings,
    as_bytes,
    as_flags,
    find,
    find_all,
    fixed,
    hexadecimal,
    ordered,
    strings,
    take,
)
from copydesk.splits.ledger import Entry, Ledger

DIGEST = 32
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SOME = 20_000
"""Entries that are made at once."""


@dataclass(slots=True)
class Names:
    """Few strings that many entries share, by number."""

    names: list[str] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)

    def number(self, name: str) -> int:
        """The number of a name, a new one if need be."""
        if (known := self._numbers.get(name)) is None:
            known = self._numbers[name] = len(self.names)
            self.names.append(name)
        return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Entries column by column. `splits` and `sinces` are numbers of names; a digest is null if there is none."""

    ids: pa.Array
    splits: npt.NDArray[np.int32]
    sinces: npt.NDArray[np.int32]
    digests: pa.Array
    released: Flags

    def take(self, chosen: Ints) -> Columns:
        """Some rows, in an order."""
        return Columns(
            ids=take(self.ids, chosen),
            splits=self.splits[chosen],
            sinces=self.sinces[chosen],
            digests=take(self.digests, chosen),
            released=self.released[chosen],
        )


class LedgerTable(Mapping[str, Entry]):
    """A ledger, ordered by id. `odd`: row -> the entry, where the columns do not say everything of it."""

    __slots__ = ("columns", "odd", "sinces", "splits")

    def __init__(self, columns: Columns, splits: Names, sinces: Names, odd: Mapping[int, Entry]) -> None:
        self.columns, self.splits, self.sinces, self.odd = columns, splits, sinces, odd

    def __len__(self) -> int:
        return len(self.columns.ids)

    def __iter__(self) -> Iterator[str]:
        return iter(Strings(self.columns.ids))

    def __contains__(self, identifier: object) -> bool:
        return isinstance(identifier, str) and find(self.columns.ids, identifier) >= 0

    def __getitem__(self, identifier: str) -> Entry:
        row = find(self.columns.ids, identifier)
        if row < 0:
            raise KeyError(identifier)
        return next(self.entries(np.array([row])))

    def entries(self, rows: Ints | None = None) -> Iterator[Entry]:
        """The entries of some rows, of all as a rule."""
        rows = np.arange(len(self)) if rows is None else rows
        for start in range(0, len(rows), _SOME):
            chosen = rows[start : start + _SOME]
            columns = self.columns.take(chosen)
            digests = hexadecimal(columns.digests).to_pylist()
            numbers = zip(columns.splits.tolist(), columns.sinces.tolist(), columns.released.tolist(), strict=True)
            for row, identifier, digest, (split, since, released) in zip(
                chosen.tolist(), columns.ids.to_pylist(), digests, numbers, strict=True
            ):
                yield self.odd.get(row) or Entry(
                    id=identifier,
                    group=identifier,
                    split=self.splits.names[split],
                    since=self.sinces.names[since],
                    digest=digest,
                    released=released,
                )

    def versions(self) -> set[str]:
        """The versions that the ledger knows of."""
        return self.entered() | {stand.version for entry in self.odd.values() for stand in entry.before}

    def entered(self) -> set[str]:
        """The versions that brought articles."""
        used = np.flatnonzero(np.bincount(self.columns.sinces, minlength=len(self.sinces.names)))
        return {self.sinces.names[number] for number in used.tolist()}

    def by_split(self) -> dict[str, int]:
        """Split -> how many articles of it are released."""
        released = self.columns.splits[self.columns.released]
        counts = np.bincount(released, minlength=len(self.splits.names)).tolist()
        return {name: count for name, count in zip(self.splits.names, counts, strict=True) if count}

    def of_versions(self, versions: Collection[str]) -> LedgerTable:
        """The ledger of the articles that some versions brought."""
        chosen = np.array([name in versions for name in self.sinces.names], dtype=np.bool_)
        return self.only(np.flatnonzero(chosen[self.columns.sinces]) if len(self) else np.zeros(0, dtype=np.int64))

    def only(self, rows: Ints) -> LedgerTable:
        """The ledger of some rows, given in order."""
        odd = dict(zip(rows.tolist(), range(len(rows)), strict=True)) if self.odd else {}
        kept = {odd[row]: entry for row, entry in self.odd.items() if row in odd}
        return LedgerTable(self.columns.take(rows), self.splits, self.sinces, kept)

    def rows_of(self, ids: pa.Array) -> Ints:
        """The row of each id; -1 for none."""
        return find_all(self.columns.ids, ids)

    def odd_rows(self) -> Flags:
        """Which rows have more to say than the columns do."""
        found = np.zeros(len(self), dtype=np.bool_)
        found[list(self.odd)] = True
        return found


class Builder:
    """Makes a table of entries that come one after the other, in any order; of an id that comes twice the last."""

    def __init__(self, splits: Names | None = None, sinces: Names | None = None) -> None:
        self.splits, self.sinces = splits or Names(), sinces or Names()
        self._parts: list[Columns] = []
        self._odd: dict[int, Entry] = {}
        self._count = 0

    def add(self, columns: Columns) -> None:
        """Take rows of which the columns say everything."""
        self._parts.append(columns)
        self._count += len(columns.ids)

    def extend(self, entries: Iterable[Entry]) -> None:
        """Take entries."""
        stream = iter(entries)
        while some := list(islice(stream, _SOME)):
            known = [bytes.fromhex(e.digest) if _HEX.fullmatch(e.digest) else None for e in some]
            valid = np.array([digest is not None for digest in known], dtype=np.bool_)
            for number, (entry, digest) in enumerate(zip(some, known, strict=True), self._count):
                if entry.group != entry.id or _says_more(entry) or (digest is None and entry.digest):
                    self._odd[number] = entry
            self.add(
                Columns(
                    ids=strings([e.id for e in some]),
                    splits=np.array([self.splits.number(e.split) for e in some], dtype=np.int32),
                    sinces=np.array([self.sinces.number(e.since) for e in some], dtype=np.int32),
                    digests=fixed(b"".join(d or bytes(DIGEST) for d in known), DIGEST, valid),
                    released=np.array([e.released for e in some], dtype=np.bool_),
                )
            )

    def table(self) -> LedgerTable:
        """What has come, ordered by id."""
        parts = self._parts or [_nothing()]
        whole = Columns(
            ids=pa.concat_arrays([part.ids for part in parts]),
            splits=np.concatenate([part.splits for part in parts]),
            sinces=np.concatenate([part.sinces for part in parts]),
            digests=pa.concat_arrays([part.digests for part in parts]),
            released=np.concatenate([part.released for part in parts]),
        )
        order = ordered(whole.ids)
        if not np.array_equal(order, np.arange(len(order))):
            whole = whole.take(order)
        place = dict(zip(order.tolist(), range(len(order)), strict=True)) if self._odd else {}
        return LedgerTable(whole, self.splits, self.sinces, {place[n]: entry for n, entry in self._odd.items()})


def _says_more(entry: Entry) -> bool:
    return bool(entry.formerly or entry.fold is not None or entry.folds is not None or entry.apart or entry.before)


def _nothing() -> Columns:
    none = np.zeros(0, dtype=np.int32)
    return Columns(
        ids=strings([]), splits=none, sinces=none, digests=fixed(b"", DIGEST), released=none.astype(np.bool_)
    )


def differing(old: LedgerTable, new: LedgerTable) -> tuple[LedgerTable, LedgerTable]:
    """What of two ledgers is not the same in both, as far as the columns say everything of it."""
    rows = old.rows_of(new.columns.ids)
    here = np.flatnonzero((rows >= 0) & ~new.odd_rows())
    there = rows[here]
    numbers = np.array([old.splits.number(name) for name in new.splits.names], dtype=np.int32)
    same = numbers[new.columns.splits[here]] == old.columns.splits[there] if len(here) else np.zeros(0, dtype=np.bool_)
    same &= old.columns.released[there] == new.columns.released[here]
    same &= (as_bytes(old.columns.digests)[there] == as_bytes(new.columns.digests)[here]).all(axis=1)
    same &= ~old.odd_rows()[there]
    kept = [np.ones(len(table), dtype=np.bool_) for table in (old, new)]
    kept[0][there[same]] = kept[1][here[same]] = False
    return old.only(np.flatnonzero(kept[0])), new.only(np.flatnonzero(kept[1]))


def folded(ledger: Ledger) -> bool:
    """Whether any article is in a fold."""
    entries = ledger.odd.values() if isinstance(ledger, LedgerTable) else ledger.values()
    return any(entry.fold is not None or entry.folds is not None for entry in entries)


def as_table(ledger: Ledger) -> LedgerTable:
    """Any ledger as a table."""
    if isinstance(ledger, LedgerTable):
        return ledger
    builder = Builder()
    builder.extend(ledger.values())
    return builder.table()


def repeated(table: LedgerTable) -> bool:
    """Whether an id has two rows, as only a file that was merged by hand can have it."""
    ids = table.columns.ids
    return len(ids) > 1 and bool(as_flags(pc.equal(ids[1:], ids[:-1])).any())
