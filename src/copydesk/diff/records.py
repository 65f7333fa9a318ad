"""A side read as records: an index of where each one lies with a digest of its bytes, and records on demand.

The index costs some sixty bytes a record, whatever its size, and is ordered by id. JSON lines are canonical, so records
with the same bytes are equal and never parsed. What the tables and columns are is said in shapes.py.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from copydesk import jsontext
from copydesk.diff.model import Side
from copydesk.diff.shapes import Part, Shape, primary_kind

Record = dict[str, Any]
DIGEST = 16
"""Bytes of a record's digest."""
_OPEN = 32
"""Files that are held open."""
_PLAIN = re.compile(rb'"([^"\\]*)"')


class Lines:
    """Pieces of files, with a few files held open."""

    def __init__(self) -> None:
        self._open: OrderedDict[Path, BinaryIO] = OrderedDict()

    def read(self, path: Path, offset: int, length: int) -> bytes:
        stream = self._open.pop(path, None) or path.open("rb")
        self._open[path] = stream
        if len(self._open) > _OPEN:
            self._open.popitem(last=False)[1].close()
        stream.seek(offset)
        return stream.read(length)

    def close(self) -> None:
        while self._open:
            self._open.popitem()[1].close()


@dataclass(slots=True)
class _Rows:
    """Columns of the index in the making, one entry for each run of lines of one record."""

    ids: bytearray = field(default_factory=bytearray)
    ends: array[int] = field(default_factory=lambda: array("q", [0]))
    digests: bytearray = field(default_factory=bytearray)
    files: array[int] = field(default_factory=lambda: array("i"))
    offsets: array[int] = field(default_factory=lambda: array("q"))
    lengths: array[int] = field(default_factory=lambda: array("q"))

    def add(self, identifier: bytes, digest: bytes, file: int, offset: int, length: int) -> None:
        self.ids += identifier
        self.ends.append(len(self.ids))
        self.digests += digest
        self.files.append(file)
        self.offsets.append(offset)
        self.lengths.append(length)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A file with rows: the part that it is of (-1 for what only the ledger knows), the split, the path."""

    part: int
    split: str
    path: Path


class Index:
    """The records of one kind of one side, numbered in the order of their ids."""

    def __init__(self, side: Side, shape: Shape, parts: tuple[Part, ...], *, skip: frozenset[str]) -> None:
        self._parts, self._lines = parts, Lines()
        self._files: list[_File] = []
        self._rows = _Rows()
        for number, part in enumerate(parts):
            for split in part.table.splits:
                for entry in split.jsonl:
                    if entry.sha256 not in skip:
                        self._files.append(_File(part=number, split=split.name, path=side.folder / entry.path))
                        self._read(part, len(self._files) - 1)
        if not shape.whole and shape.kind == primary_kind(side):
            self._add_released(side)
        self._order, self._first = self._sort()

    def __len__(self) -> int:
        return len(self._first) - 1

    def id(self, number: int) -> bytes:
        """The id of a record, in UTF-8: the order of bytes is that of the characters."""
        return self._id(self._order[self._first[number]])

    def digest(self, number: int) -> bytes:
        """Equal for records with the same bytes."""
        rows = self._runs(number)
        digests = [self._rows.digests[row * DIGEST : (row + 1) * DIGEST] for row in rows]
        return bytes(digests[0]) if len(digests) == 1 else b"".join(digests)

    def split(self, number: int) -> str:
        return self._files[self._rows.files[self._order[self._first[number]]]].split

    def record(self, number: int) -> Record:
        """The record, with all columns that its side has."""
        if not self._parts[0].layer:
            return jsontext.load_line(self._bytes(self._order[self._first[number]]))
        record: Record = {"id": self.id(number).decode()}
        layers: dict[str, list[Record]] = {part.layer: [] for part in self._parts}
        for row in self._runs(number):
            part = self._parts[max(self._files[self._rows.files[row]].part, 0)]
            for line in self._bytes(row).splitlines():
                layers[part.layer].append(_item(jsontext.load_line(line), part, record))
        told = {name: None for part in self._parts for name in part.head.values()}
        return {**told, **record, **layers}

    def close(self) -> None:
        self._lines.close()

    def _read(self, part: Part, file: int) -> None:
        """Take up the lines of a file; neighbouring lines of one record are one run."""
        prefix = jsontext.dump_line({part.identifier: ""})[:-4]
        first = part.table.type.fields[0].name == part.identifier
        last, start, at, digest = b"", 0, 0, hashlib.sha256()
        with self._files[file].path.open("rb") as stream:
            for line in stream:
                plain = _PLAIN.match(line, len(prefix)) if first and line.startswith(prefix) else None
                identifier = plain[1] if plain else str(jsontext.load_line(line)[part.identifier]).encode()
                if not part.layer or identifier != last or not at:
                    if at > start:
                        self._rows.add(last, digest.digest()[:DIGEST], file, start, at - start)
                    last, start, digest = identifier, at, hashlib.sha256()
                digest.update(line)
                at += len(line)
        if at > start:
            self._rows.add(last, digest.digest()[:DIGEST], file, start, at - start)

    def _add_released(self, side: Side) -> None:
        """Articles without a single item are released, too, if the ledger says so."""
        files: dict[str, int] = {}
        for entry in side.ledger.values():
            if entry.released:
                if entry.split not in files:
                    files[entry.split] = len(self._files)
                    self._files.append(_File(part=-1, split=entry.split, path=side.folder))
                self._rows.add(entry.id.encode(), bytes(DIGEST), files[entry.split], 0, 0)

    def _sort(self) -> tuple[array[int], array[int]]:
        """Runs in the order of their ids, as they were read for the same id; and where each record begins there."""
        count = len(self._rows.files)
        buffers = [None, pa.py_buffer(self._rows.ends), pa.py_buffer(bytes(self._rows.ids))]
        ids = pa.Array.from_buffers(pa.large_binary(), count, buffers)
        order = array("q")
        order.frombytes(pc.sort_indices(ids).cast(pa.int64()).buffers()[1].to_pybytes()[: count * 8])
        firsts = array("q")
        last = None
        for at, row in enumerate(order):
            identifier = self._id(row)
            if identifier != last:
                firsts.append(at)
                last = identifier
        firsts.append(count)
        return order, firsts

    def _id(self, row: int) -> bytes:
        return bytes(self._rows.ids[self._rows.ends[row] : self._rows.ends[row + 1]])

    def _runs(self, number: int) -> array[int]:
        return self._order[self._first[number] : self._first[number + 1]]

    def _bytes(self, row: int) -> bytes:
        length = self._rows.lengths[row]
        path = self._files[self._rows.files[row]].path
        return self._lines.read(path, self._rows.offsets[row], length) if length else b""


def _item(row: Record, part: Part, record: Record) -> Record:
    """The item of a row. What the row says of its record goes there, unless another row said otherwise: then it
    is no property of the record after all, and stays with the item."""
    item = {}
    for name, value in row.items():
        if name == part.identifier or name in part.derived:
            continue
        if name in part.head and record.setdefault(part.head[name], value) == value:
            continue
        item[name] = value
    return item


def shared_files(shape: Shape) -> frozenset[str]:
    """Digests of the files that both sides have in the same split: no record in them differs.

    Only for whole records: what is put together from several tables may differ in another one.
    """
    if not shape.whole:
        return frozenset()
    old, new = ({(s.name, e.sha256) for p in side for s in p.table.splits for e in s.jsonl}
                for side in (shape.old, shape.new))  # fmt: skip
    return frozenset(digest for _, digest in old & new)


def read_side(side: Side, shape: Shape, parts: tuple[Part, ...]) -> Iterator[tuple[str, str, Record]]:
    """(id, split, record) of every record of a kind, in the order of the ids."""
    index = Index(side, shape, parts, skip=frozenset())
    try:
        for number in range(len(index)):
            yield index.id(number).decode(), index.split(number), index.record(number)
    finally:
        index.close()
