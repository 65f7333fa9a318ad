"""The store of a cache: entries by key, each a folder of files whose digests stand in its index. Knows no articles.

    <folder>/<step>/<ab>/<key>/index.json, value, …    an entry
    <folder>/making/<name>/                            one being made, or thrown away

An entry is made aside and gets its name by one rename, and it never changes afterwards; so there is no lock, two
builds may use one store at once, and a kill leaves nothing but a folder in making/, which a later build clears away.
Whatever is taken is held against its digests first: what differs is thrown away, and the work is done anew. Files are
taken for good (linked or copied), so that an entry may go at any time.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

STEPS = ("names", "stage", "write", "expect", "read", "verify")
"""Whose results are kept; each has a folder. `names`: what the key of a block depends on beside its bytes."""
_MAKING, _INDEX, _VALUE = "making", "index.json", "value"
_TAG, _SIGNATURE = "CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55"
_LEFT = 3600
"""Seconds after which what lies in making/ belongs to no build that lives."""
_SPARE_PART, _SPARE_BYTES = 20, 4 * 2**30
"""One part in so many of the disk stays free, or so many bytes: a cache takes no space that a release needs."""

Way = Literal["link", "copy"]
"""How files come and go. A link is the same file: for files that nobody but a build touches, and that it only reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheOptions:
    """Where the store is and how large it may become. `folder`: None for that of the environment, or beside the output.

    `used`: whether there is one at all.
    """

    folder: Path | None = None
    limit: int | None = None
    used: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What was taken: the value, and the digests of the files that came with it. `size`: bytes of all of it."""

    value: bytes
    digests: Mapping[str, str] = field(default_factory=dict)
    size: int = 0


class Damaged(Exception):  # noqa: N818 - says what was found
    """An entry is not what was put there. It is gone by the time this is raised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The store in a folder. A value: it may go to any process that sees the folder."""

    folder: Path

    def entry(self, step: str, key: str) -> Path:
        """Where an entry is, if it is there."""
        return self.folder / step / key[:2] / key

    def take(self, step: str, key: str, files: Mapping[str, Path] | None = None, way: Way = "copy") -> Entry | None:
        """The entry of a key, or None. Its files are put where `files` says; those that it does not name are not.

        Raises Damaged, and OSError if a file cannot be put there.
        """
        folder = self.entry(step, key)
        for path in (files or {}).values():
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            index = _read_index(folder, key)
            taken = _take(folder, index, files or {}, way)
            with contextlib.suppress(OSError):  # a store that may only be read knows no least recently used
                os.utime(folder)
            return taken
        except FileNotFoundError:
            if not folder.is_dir():
                return None
            what = "a file is missing"
        except PermissionError as error:  # somebody else's, in a store that is shared
            if not str(error.filename).startswith(f"{folder}{os.sep}"):
                raise
            return None
        except _Differs as differs:
            what = str(differs)
        for path in (files or {}).values():
            path.unlink(missing_ok=True)
        self._discard(folder)
        raise Damaged(f"{step}/{key[:12]}…: {what}")

    def put(self, step: str, key: str, value: bytes, files: Mapping[str, Path] | None = None, way: Way = "copy") -> int:
        """Keep a value and copies of, or links to, files; returns the bytes kept. Raises OSError."""
        folder, made = self.entry(step, key), self._aside()
        if folder.is_dir():
            return 0
        size = len(value) + sum(path.stat().st_size for path in (files or {}).values())
        self._refuse_if_full(size)
        made.mkdir(parents=True)
        try:
            listed: dict[str, Any] = {}
            (made / _VALUE).write_bytes(value)
            for name, path in (files or {}).items():
                assert name not in {_INDEX, _VALUE}
                _bring(path, made / name, way)
            for name in (_VALUE, *(files or {})):
                listed[name] = {"size": (made / name).stat().st_size, "sha256": _digest(made / name)}
            (made / _INDEX).write_text(json.dumps({"key": key, "files": listed}), encoding="utf-8")
            folder.parent.mkdir(parents=True, exist_ok=True)
            made.rename(folder)
        except OSError as error:
            shutil.rmtree(made, ignore_errors=True)
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:  # another build was quicker
                raise
        return size

    def open(self) -> None:
        """Make the folder, if it is not there, marked for backups and git as what need not be kept. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, text in ((_TAG, f"{_SIGNATURE}\n# A cache of copydesk: it may be removed at any time.\n"),
                           (".gitignore", "*\n")):  # fmt: skip
            if not (self.folder / name).exists():
                (self.folder / name).write_text(text, encoding="utf-8")

    def entries(self) -> Iterator[tuple[str, Path, int, float]]:
        """(step, folder, bytes, time of last use) of every entry."""
        for step in STEPS:
            for folder in sorted((self.folder / step).glob("??/*")):
                if re.fullmatch("[0-9a-f]{64}", folder.name):
                    with contextlib.suppress(FileNotFoundError):  # another build threw it away
                        size = sum(file.stat().st_size for file in folder.iterdir())
                        yield step, folder, size, folder.stat().st_mtime

    def trim(self, limit: int) -> int:
        """Throw away what was used least recently until no more than `limit` bytes are left; returns how many are."""
        for left in (self.folder / _MAKING).glob("*"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > _LEFT:
                    shutil.rmtree(left, ignore_errors=True)
        found = sorted(self.entries(), key=lambda entry: (-entry[3], entry[1].name))
        kept = 0
        for _, folder, size, _ in found:
            if kept + size <= limit:
                kept += size
            else:
                self._discard(folder)
        return kept

    def clear(self) -> None:
        """Throw away all entries. What else lies in the folder is somebody's, and stays."""
        for _, folder, _, _ in self.entries():
            self._discard(folder)

    def _aside(self) -> Path:
        return self.folder / _MAKING / f"{os.getpid()}-{uuid.uuid4().hex}"

    def _discard(self, folder: Path) -> None:
        """By a rename first: nobody finds half of an entry."""
        aside = self._aside()
        try:
            aside.parent.mkdir(parents=True, exist_ok=True)
            folder.rename(aside)
        except OSError:  # it is gone, or may not be removed
            return
        shutil.rmtree(aside, ignore_errors=True)

    def _refuse_if_full(self, size: int) -> None:
        at = next(path for path in (self.folder, *self.folder.parents) if path.exists())
        disk = os.statvfs(at)
        spare = min(disk.f_blocks * disk.f_frsize // _SPARE_PART, _SPARE_BYTES)
        if disk.f_bavail * disk.f_frsize < size + spare:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.folder))


class _Differs(Exception):  # noqa: N818 - says what differs
    pass


def _read_index(folder: Path, key: str) -> dict[str, Any]:
    try:
        index = json.loads((folder / _INDEX).read_bytes())
        assert isinstance(index["files"][_VALUE]["sha256"], str)
    except (ValueError, LookupError, TypeError, AssertionError):
        raise _Differs("its index is no index") from None
    if index["key"] != key:
        raise _Differs("its index is that of another")
    files: dict[str, Any] = index["files"]
    return files


def _take(folder: Path, index: dict[str, Any], files: Mapping[str, Path], way: Way) -> Entry:
    value = (folder / _VALUE).read_bytes()
    if hashlib.sha256(value).hexdigest() != index[_VALUE]["sha256"]:
        raise _Differs("its value differs from its digest")
    digests = {}
    for name, path in files.items():
        if name not in index:
            continue
        _bring(folder / name, path, way)
        # what was put there is what counts, not what it was put from
        if path.stat().st_size != index[name]["size"] or _digest(path) != index[name]["sha256"]:
            raise _Differs(f"{name} differs from its digest")
        digests[name] = index[name]["sha256"]
    return Entry(value=value, digests=digests, size=sum(file["size"] for file in index.values()))


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _bring(source: Path, target: Path, way: Way) -> None:
    """Put a file in another place. Links where that is asked for and possible."""
    target.unlink(missing_ok=True)
    if way == "link":
        try:
            os.link(source, target)
            return
        except OSError as error:
            if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS}:
                raise
    with source.open("rb") as stream, target.open("xb") as out:
        _copy(stream.fileno(), out.fileno(), os.fstat(stream.fileno()).st_size)


def _copy(source: int, target: int, size: int) -> None:
    """Copy within the kernel: file systems that can share blocks between files do so."""
    try:
        while size and (done := os.copy_file_range(source, target, size)):
            size -= done
    except (OSError, AttributeError):  # it is Linux's, and not for all file systems
        pass
    while chunk := os.read(source, 2**20):
        while chunk:
            chunk = chunk[os.write(target, chunk) :]
