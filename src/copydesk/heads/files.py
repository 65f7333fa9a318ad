"""Heads in the spool: Arrow IPC files beside the records of each block, a row a record. Written by tasks, memory-mapped
by the driver; no Python object of a record travels between the two.

Lines of a file that was cut are counted from the first line of the piece: where a piece begins is for the block to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from copydesk import jsontext
from copydesk.arrays import fixed, flags, lists, numbers, strings
from copydesk.attempts import whole
from copydesk.diagnostics import Place
from copydesk.sources import Block

DIGEST, KEY = 32, 16
"""Bytes of a digest, and of a key under which equal texts meet."""

MARKS = ("stratum", "time", "given", "source")

Link = tuple[str, str, str, bool]
"""(property, kind, id, whether it groups)."""


class Stands:
    """Where the records of a block stand, one after the other."""

    def __init__(self, block: Block) -> None:
        many = Counter(piece.file for piece in block.pieces)
        self._pieces = {p.file: (n, p.line) for n, p in enumerate(block.pieces) if p.lines and many[p.file] == 1}
        self._files: dict[str, int] = {}
        self.numbers: list[int] = []
        self.lines: list[int] = []
        self.columns: list[int] = []
        self.pointers: list[str | None] = []
        self.records: list[str | None] = []

    def add(self, place: Place, identifier: str | None) -> None:
        """Take the place of a record; its id is not written twice."""
        piece = self._pieces.get(place.file)
        self.numbers.append(self._files.setdefault(place.file, len(self._files)))
        self.lines.append(-1 if place.line is None else place.line - (piece[1] if piece else 0))
        self.columns.append(place.column or 0)
        self.pointers.append(place.pointer)
        self.records.append(None if place.record == identifier else place.record or "")

    def files(self) -> list[tuple[str, int]]:
        """The files, each with the number of the piece from which its lines are counted; -1 for none."""
        return [(file, self._pieces.get(file, (-1, 0))[0]) for file in self._files]

    def arrays(self) -> dict[str, pa.Array]:
        """The columns; those in which nothing stands are left out."""
        found = {"file": _int32(self.numbers), "line": _int32(self.lines)}
        if any(self.columns):
            found["column"] = _int32(self.columns)
        if any(pointer is not None for pointer in self.pointers):
            found["pointer"] = strings(self.pointers)
        if any(record is not None for record in self.records):
            found["record"] = strings(self.records)
        return found


@dataclass(slots=True, kw_only=True)
class Columns:
    """The heads of the records of a block that passed."""

    stands: Stands
    ids: list[str] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    contents: list[bytes | None] = field(default_factory=list)
    groups: list[list[tuple[str, str]]] = field(default_factory=list)
    links: list[list[Link]] = field(default_factory=list)
    marks: list[tuple[str, str, str, str]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Lost:
    """The heads of those that did not pass: their codes, parted by commas, and the digests of their bytes."""

    stands: Stands
    codes: list[str] = field(default_factory=list)
    digests: list[bytes | None] = field(default_factory=list)


def heads_path(folder: Path, kind: str, block: int) -> Path:
    return folder / f"{kind}-{block:06d}.heads"


def lost_path(folder: Path, kind: str, block: int) -> Path:
    return folder / f"{kind}-{block:06d}.lost"


def findings_path(folder: Path, kind: str, block: int) -> Path:
    """Where the findings of a block are counted that are too many to be kept."""
    return folder / f"{kind}-{block:06d}.findings"


def write_heads(folder: Path, kind: str, block: Block, heads: Columns) -> None:
    """Write the heads of the records that passed, in the order of their rows; no file if there are none."""
    if not heads.ids:
        return
    columns = {"id": strings(heads.ids), "value": fixed(b"".join(heads.values), DIGEST), **heads.stands.arrays()}
    if heads.digests:
        columns["digest"] = fixed(b"".join(heads.digests), DIGEST)
        columns["content"] = _maybe([key and key[:KEY] for key in heads.contents], KEY)
    if any(heads.groups):
        columns |= _lists("group", heads.groups, ("property", "value"))
    if any(heads.links):
        columns |= _lists("link", heads.links, ("where", "kind", "id"))
        columns["link_groups"] = lists(_lengths(heads.links), flags(_booleans(heads.links)))
    for number, name in enumerate(MARKS if heads.marks else ()):
        values = [mark[number] or None for mark in heads.marks]
        if any(values):
            columns[name] = strings(values)
    _write(heads_path(folder, kind, block.index), columns, heads.stands)


def write_lost(folder: Path, kind: str, block: Block, lost: Lost) -> None:
    """Write the heads of the records that did not pass; no file if there are none."""
    if lost.codes:
        columns = {"codes": strings(lost.codes), "digest": _maybe(lost.digests, DIGEST), **lost.stands.arrays()}
        _write(lost_path(folder, kind, block.index), columns, lost.stands)


def _write(path: Path, columns: Mapping[str, pa.Array], stands: Stands) -> None:
    """Under another name first: a task that is run twice never leaves half a file."""
    table = pa.Table.from_arrays(list(columns.values()), names=list(columns))
    table = table.replace_schema_metadata({"files": jsontext.dump_document(stands.files())})
    with whole(path) as fresh, pa.OSFile(str(fresh), "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
        out.write_table(table)


def read_file(path: Path) -> tuple[pa.Table, list[tuple[str, int]]]:
    """The columns of one file, memory-mapped, and the files that its rows stand in."""
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
    files: list[tuple[str, int]] = jsontext.loads(table.schema.metadata[b"files"])
    return table.replace_schema_metadata(None), files


def _maybe(values: Sequence[bytes | None], width: int) -> pa.Array:
    valid = np.fromiter((value is not None for value in values), dtype=np.bool_, count=len(values))
    nothing = bytes(width)
    data = b"".join(nothing if value is None else value for value in values)
    return fixed(data, width, None if valid.all() else valid)


def _int32(values: Sequence[int]) -> pa.Array:
    return numbers(np.array(values, dtype=np.int32))


def _lengths(values: Sequence[Sequence[object]]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.fromiter(map(len, values), dtype=np.int64, count=len(values))


def _booleans(links: Iterable[Sequence[Link]]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.array([link[3] for inner in links for link in inner], dtype=np.bool_)


def _lists(prefix: str, values: Sequence[Sequence[tuple[object, ...]]], names: Sequence[str]) -> dict[str, pa.Array]:
    """A column of lists for each place of the tuples."""
    lengths = _lengths(values)
    return {
        f"{prefix}_{name}": lists(lengths, strings([str(item[number]) for inner in values for item in inner]))
        for number, name in enumerate(names)
    }
