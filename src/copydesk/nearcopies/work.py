"""Where the search keeps what does not fit into memory, and how its tasks run. Knows arrays and files, no articles.

Tasks exchange rows by key through files: one task writes what it has in the order of a key, with where each key
begins, another reads its key out of all of them. A file is written under a name of its own and renamed, so that a task
may run twice, on two machines at once.
"""

from __future__ import annotations

import json
import mmap
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from copydesk.attempts import whole
from copydesk.engine import Engine, InProcess

MEMORY = 1 << 29
"""Bytes that a process may take for the search, as a rule."""

BYTES = 256
"""Bytes that a task takes for each row that it works on at once, at most."""

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """An engine, a folder that all its tasks see, and the bytes of memory that each of them may take.

    `kept`: the index, by size of its samples, that a search leaves for the next one over the same articles.
    """

    folder: Path
    engine: Engine = field(default_factory=InProcess)
    memory: int = MEMORY
    kept: dict[int, Any] = field(default_factory=dict)

    def inside(self, name: str) -> Work:
        """The same in a folder of its own."""
        (self.folder / name).mkdir(parents=True, exist_ok=True)
        return Work(folder=self.folder / name, engine=self.engine, memory=self.memory, kept=self.kept)


@contextmanager
def working(work: Work | None) -> Iterator[Work]:
    """The work as given, or in this process and a folder that goes."""
    if work is not None:
        work.folder.mkdir(parents=True, exist_ok=True)
        yield work
        return
    with tempfile.TemporaryDirectory(prefix="copydesk-near-") as folder:
        yield Work(folder=Path(folder))


def store(path: str, columns: Mapping[str, Array]) -> None:
    """Write named arrays into one file: a line that says what they are, then each as it lies in memory."""
    head = json.dumps({name: [column.dtype.str, len(column)] for name, column in columns.items()}).encode()
    head += b" " * (-(len(head) + 1) % 8) + b"\n"
    with whole(Path(path)) as part, part.open("wb") as stream:
        stream.write(head)
        for column in columns.values():
            stream.write(np.ascontiguousarray(column).data)
            stream.write(bytes(-column.nbytes % 8))


class Stored:
    """A file of named arrays: mapped, or read piece by piece."""

    __slots__ = ("_columns", "_mapped", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        with Path(path).open("rb") as stream:
            at = len(line := stream.readline())
            self._mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        self._columns: dict[str, tuple[str, int, int]] = {}
        for name, (kind, count) in json.loads(line).items():
            self._columns[name] = kind, count, at
            size = np.dtype(kind).itemsize * count
            at += size + -size % 8

    def column(self, name: str, first: int = 0, end: int | None = None) -> Array:
        """A column or a part of it, mapped."""
        kind, count, at = self._columns[name]
        end = count if end is None else end
        return np.frombuffer(self._mapped, kind, end - first, at + first * np.dtype(kind).itemsize)

    def release(self) -> None:
        """Let the pages go that were looked at."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._mapped.madvise(mmap.MADV_DONTNEED)


def segments(paths: Sequence[str], key: int, names: Sequence[str]) -> list[Array]:
    """The rows of one key out of several files, column by column. Each file says in `first` where a key begins."""
    found: list[list[Array]] = [[] for _ in names]
    for path in paths:
        file = Stored(path)
        first, end = (int(n) for n in file.column("first", key, key + 2))
        for column, name in zip(found, names, strict=True):
            column.append(file.column(name, first, end).copy())
    return [np.concatenate(columns) for columns in found]


def by_key(key: Array, keys: int) -> tuple[Array, Array]:
    """(the order in which rows stand by key, where each key begins in it). Rows of one key keep their order."""
    kind = np.uint8 if keys <= 1 << 8 else np.uint16
    assert keys <= 1 << 16
    first = np.zeros(keys + 1, dtype=np.int64)
    np.cumsum(np.bincount(key, minlength=keys), out=first[1:])
    return np.argsort(key.astype(kind), kind="stable"), first
