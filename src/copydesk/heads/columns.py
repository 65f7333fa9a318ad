"""The heads of all records of one kind, as columns: ordered by id, a record is a number.

What is asked of every record is asked of columns; `Staged` objects are made for the few that somebody looks at.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from copydesk.arrays import (
    Bytes,
    Flags,
    Ints,
    Strings,
    as_bytes,
    as_flags,
    as_numbers,
    find,
    find_all,
    ordered,
    strings,
    take,
    whole,
)
from copydesk.diagnostics import Place
from copydesk.heads.files import DIGEST, KEY, MARKS, heads_path, read_file
from copydesk.heads.model import Staged
from copydesk.sources import Block
from copydesk.spool import Address, Addresses


class Rows:
    """The rows of the head files of some blocks, one file after the other, and the places that they name."""

    def __init__(self, paths: Sequence[tuple[Block, Path]]) -> None:
        read = [(block, *read_file(path)) for block, path in paths if path.exists()]
        self._blocks = [block for block, _, _ in read]
        self._files = [
            [(name, block.pieces[piece].line if piece >= 0 else 0) for name, piece in files] for block, _, files in read
        ]
        self._starts = np.cumsum([0, *(table.num_rows for _, table, _ in read)])
        self.table = pa.concat_tables([table for _, table, _ in read], promote_options="default") if read else None

    def __len__(self) -> int:
        return int(self._starts[-1])

    def column(self, name: str) -> pa.Array | None:
        """A column as one array; None if no record has anything there."""
        if self.table is None or name not in self.table.column_names:
            return None
        return whole(self.table.column(name))

    def address(self, row: int) -> Address:
        """Where the record of a row lies in the spool."""
        file = self._file(row)
        return Address(self._blocks[file].index, row - int(self._starts[file]))

    def addresses(self, rows: Ints) -> Addresses:
        """Where the records of some rows lie in the spool."""
        files = np.searchsorted(self._starts, rows, side="right") - 1
        blocks = np.array([block.index for block in self._blocks], dtype=np.int32)
        inside = (rows - self._starts[files]).astype(np.int32)
        return Addresses(array("i", blocks[files].tobytes()), array("i", inside.tobytes()))

    def file_order(self, rows: Ints) -> list[int]:
        """Some rows in the order in which people read: by file, then by line."""
        places = {row: self.place(row, None) for row in rows.tolist()}
        return sorted(places, key=lambda row: (places[row].file, places[row].line or 0, row))

    def place(self, row: int, identifier: str | None) -> Place:
        """Where the record of a row stands."""
        file = self._file(row)
        at = self.value("file", row)
        name, first = self._files[file][at]
        line, record = self.value("line", row), self.value("record", row)
        return Place(
            file=name,
            line=None if line < 0 else line + first,
            column=self.value("column", row) or None,
            pointer=self.value("pointer", row),
            record=identifier if record is None else record or None,
        )

    def source(self, row: int) -> int:
        """The number of the source that a row is from."""
        return self._blocks[self._file(row)].source

    def _file(self, row: int) -> int:
        return int(np.searchsorted(self._starts, row, side="right")) - 1

    def value(self, name: str, row: int) -> Any:
        """What stands in a column; None where nothing does."""
        assert self.table is not None
        return self.table.column(name)[row].as_py() if name in self.table.column_names else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The links of the records of a kind: by which record, to which kind, to which record there, -1 for none; whether
    it ties the two into one group. Ordered by the record that they belong to."""

    holders: Ints
    kinds: Sequence[str]
    kind: Ints
    targets: Ints
    groups: Flags


class Heads(Mapping[str, Staged]):
    """The records of a kind that passed, by id. `ids` are those of all that were staged, in order; `alive` says of each
    whether it still counts. `repeated`: of ids that stand more than once, the rows. `native`: the sources whose records
    are as their files have them."""

    def __init__(self, kind: str, native: Collection[int], rows: Rows) -> None:
        self.kind, self.rows, self._native = kind, rows, native
        found = rows.column("id")
        order = ordered(found) if found is not None else np.zeros(0, dtype=np.int64)
        ids = take(found, order) if found is not None else strings([])
        same = as_flags(pc.equal(ids[1:], ids[:-1])) if len(ids) > 1 else np.zeros(0, dtype=np.bool_)
        first = np.ones(len(ids), dtype=np.bool_)
        first[1:] = ~same
        self._rows = order[first].astype(np.int32)
        self.ids = ids if first.all() else take(ids, np.flatnonzero(first))
        self.alive = np.ones(len(self.ids), dtype=np.bool_)
        starts = np.flatnonzero(first)
        many = np.flatnonzero(np.diff(np.append(starts, len(order))) > 1)
        ends = np.append(starts, len(order))
        self.repeated = {int(n): order[starts[n] : ends[n + 1]] for n in many.tolist()}

    def __len__(self) -> int:
        return int(np.count_nonzero(self.alive))

    def __iter__(self) -> Iterator[str]:
        return iter(Strings(self.ids if self.alive.all() else take(self.ids, self.numbers())))

    def __contains__(self, identifier: object) -> bool:
        return isinstance(identifier, str) and self.number(identifier) >= 0

    def __getitem__(self, identifier: str) -> Staged:
        number = self.number(identifier)
        if number < 0:
            raise KeyError(identifier)
        return self.at(number)

    def number(self, identifier: str) -> int:
        """The number of a record that counts; -1 if there is none of this id."""
        number = find(self.ids, identifier)
        return number if number >= 0 and self.alive[number] else -1

    def numbers(self) -> Ints:
        """The numbers of all records that count."""
        return np.flatnonzero(self.alive)

    def all_numbers(self, ids: pa.Array) -> Ints:
        """The number of each id, whether its record counts or not; -1 for none."""
        return find_all(self.ids, ids)

    def stand_for(self, number: int, row: int) -> None:
        """Of several records with one id, let that of a row be the one."""
        self._rows[number] = row

    def id_of(self, number: int) -> str:
        """The id of a record."""
        found: str = self.ids[number].as_py()
        return found

    def at(self, number: int) -> Staged:
        """The head of a record, by number."""
        return self.of_row(int(self._rows[number]), self.id_of(number))

    def of_row(self, row: int, identifier: str) -> Staged:
        """The head of the record in a row."""
        rows = self.rows

        def value(name: str) -> Any:
            return rows.value(name, row)

        groups = zip(value("group_property") or (), value("group_value") or (), strict=True)
        links = [value(f"link_{name}") or () for name in ("where", "kind", "id", "groups")]
        address = rows.address(row)
        return Staged(
            kind=self.kind,
            id=identifier,
            address=address,
            place=rows.place(row, identifier),
            digest=(value("digest") or b"").hex(),
            content=(value("content") or b"").hex(),
            value_digest=value("value").hex(),
            native=rows.source(row) in self._native,
            groups=tuple(groups),
            links=tuple(zip(*links, strict=True)),
            marks=tuple(value(name) or "" for name in MARKS),  # type: ignore[arg-type]
        )

    def value_digests(self) -> Bytes:
        """The digests of all records, whether they count or not, by number."""
        return self._bytes("value", np.arange(len(self.ids)))

    def digests(self, chosen: Ints) -> Bytes | None:
        """The digests of the texts of some records; None if the kind has no text."""
        return self._bytes("digest", chosen) if self._has("digest") else None

    def contents(self, chosen: Ints) -> tuple[Bytes, Flags] | None:
        """The keys under which equal texts meet, of some records, and which of them have one."""
        if not self._has("content"):
            return None
        keys = take(self.rows.column("content"), self._rows[chosen].astype(np.int64))
        return as_bytes(keys), as_flags(keys.is_valid())

    def with_contents(self, wanted: Sequence[str]) -> list[int]:
        """The records that count whose texts meet under some keys."""
        numbers = self.numbers()
        keys = self.contents(numbers)
        if keys is None or not wanted:
            return []
        known = np.frombuffer(bytes.fromhex("".join(wanted)), dtype=np.uint8).reshape(-1, KEY)
        same = np.isin(keys[0].view(np.uint64)[:, 0], known.view(np.uint64)[:, 0])
        found: list[int] = [n for n in numbers[same].tolist() if self.at(n).content in wanted]
        return found

    def column(self, name: str, chosen: Ints) -> pa.Array | None:
        """A column, of some records; None if no record has anything there."""
        column = self.rows.column(name)
        return None if column is None else take(column, self._rows[chosen].astype(np.int64))

    def places(self, chosen: Ints) -> Iterator[Place]:
        """Where some records stand."""
        for row, identifier in zip(self._rows[chosen].tolist(), Strings(take(self.ids, chosen)), strict=True):
            yield self.rows.place(row, identifier)

    def addresses(self, chosen: Ints) -> Addresses:
        """Where some records lie in the spool."""
        return self.rows.addresses(self._rows[chosen].astype(np.int64))

    def addresses_of(self, ids: Sequence[str]) -> Addresses:
        """Where records lie that count, by id."""
        return self.addresses(np.array([self.number(identifier) for identifier in ids], dtype=np.int64))

    def listed(self, prefix: str, names: Sequence[str]) -> tuple[Ints, list[pa.Array]]:
        """What is listed at the records that count: for each item its record and what the columns of lists say."""
        columns = [self.rows.column(f"{prefix}_{name}") for name in names]
        if columns[0] is None:
            return np.zeros(0, dtype=np.int64), []
        lengths = as_numbers(pc.list_value_length(columns[0]).cast(pa.int64())).copy()
        lengths[~as_flags(columns[0].is_valid())] = 0
        number_of = np.full(len(self.rows), -1, dtype=np.int64)
        number_of[self._rows[self.alive]] = self.numbers()
        holders = np.repeat(number_of, lengths)
        order = np.flatnonzero(holders >= 0)
        order = order[np.argsort(holders[order], kind="stable")]
        return holders[order], [take(pc.list_flatten(column), order) for column in columns]

    def _has(self, name: str) -> bool:
        return self.rows.table is not None and name in self.rows.table.column_names

    def _bytes(self, name: str, chosen: Ints) -> Bytes:
        column = self.rows.column(name)
        if column is None:
            return np.zeros((0, DIGEST), dtype=np.uint8)
        return as_bytes(column)[self._rows[chosen]]


def heads_of(kind: str, native: Collection[int], blocks: Sequence[Block], folder: Path) -> Heads:
    """The heads of a kind in the spool."""
    return Heads(kind, native, Rows([(block, heads_path(folder, kind, block.index)) for block in blocks]))


def links_of(heads: Mapping[str, Heads], kind: str) -> Links:
    """The links of the records of a kind that count."""
    holders, columns = heads[kind].listed("link", ("kind", "id", "groups"))
    if not columns:
        none = np.zeros(0, dtype=np.int64)
        return Links(holders=none, kinds=(), kind=none, targets=none, groups=none.astype(np.bool_))
    named, ids, groups = columns
    kinds = tuple(pc.unique(named).to_pylist())
    of_kind = as_numbers(pc.index_in(named, value_set=strings(kinds))).astype(np.int64)
    targets = np.full(len(holders), -1, dtype=np.int64)
    for number, target in enumerate(kinds):
        here = np.flatnonzero(of_kind == number)
        if target in heads:
            targets[here] = heads[target].all_numbers(take(ids, here))
    return Links(holders=holders, kinds=kinds, kind=of_kind, targets=targets, groups=as_flags(groups))
