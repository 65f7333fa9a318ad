"""Archives -> plain files in a folder of ours, safely. Names in an archive never decide where a byte is written.

Read are zip, tar (plain or compressed) and single files compressed with gzip, zstandard, bzip2 or xz. Refused, member
by member, are names that lead out of the archive, links, devices and encrypted members; refused as a whole is an
archive that expands past its limit.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

import pyarrow as pa

from copydesk.diagnostics import Diagnostic, Place

_TARS = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_ZIPS = (".zip",)
_SINGLE = (".gz", ".zst", ".bz2", ".xz")

LEAST_LIMIT = 256 * 2**20
"""Bytes that any archive may expand to."""
RATIO = 200
"""How many times its own size an archive may expand to beyond that. Text compresses to a fifth, at times a fiftieth."""
MAX_MEMBERS = 1_000_000
"""Members that an archive may have."""
MAX_DEPTH = 3
"""Archives in archives: what lies deeper stays a file."""
_CHUNK = 2**20
_BROKEN = (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, pa.ArrowInvalid,
           NotImplementedError, RuntimeError, ValueError)  # fmt: skip
"""What the readers raise for archives that are damaged, encrypted or of a kind that they do not know."""


def is_archive(name: str) -> bool:
    """Whether a file of this name is unpacked before it is read."""
    return name.lower().endswith((*_TARS, *_ZIPS, *_SINGLE))


def compressed(name: str) -> str | None:
    """The name of a file without its compression, None if it is not compressed, or packed as an archive is."""
    lower = name.lower()
    return name[: name.rindex(".")] if lower.endswith(_SINGLE) and not lower.endswith(_TARS) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file of an archive: its name in it, and where its bytes were put."""

    name: str
    path: Path


class _Refused(Exception):  # noqa: N818 - carries a finding out of the loop over members
    pass


class _Budget:
    """What may still be written of one archive."""

    def __init__(self, size: int) -> None:
        self.limit = max(LEAST_LIMIT, RATIO * size)
        self.left, self.members = self.limit, 0

    def copy(self, source: IO[bytes], target: Path) -> None:
        """Raises _Refused before more is written than the limit allows."""
        self.members += 1
        if self.members > MAX_MEMBERS:
            raise _Refused(f"it has more than {MAX_MEMBERS:,} members")
        with target.open("wb") as out:
            while chunk := source.read(_CHUNK):
                self.left -= len(chunk)
                if self.left < 0:
                    raise _Refused(f"it expands past {self.limit:,} bytes, the most that an archive of its size may")
                out.write(chunk)


def unpack(path: Path, file: str, folder: Path) -> tuple[list[Member], list[Diagnostic]]:
    """Write the members of the archive `path` (called `file` in findings) into `folder`, which is made.

    Returns what was written, in order of name, and I010 for what was refused. An archive that is refused as a whole
    yields no member. Archives in it are read as folders too, MAX_DEPTH deep, within the limit of the outermost.
    """
    folder.mkdir(parents=True)
    members, found = _unpack(path, file, folder, _Budget(path.stat().st_size), depth=1)
    return sorted(members, key=lambda member: member.name), found


def expand(path: Path, file: str, target: Path) -> Diagnostic | None:
    """Write what a compressed file (called `file` in findings) holds to `target`, whole or not at all.

    Returns why not: S010 if it is damaged or cut short, I010 if it expands past its limit, S001 if it cannot be read.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    why, code = "it is empty, and no compressed file is", "S010"
    try:
        if size := path.stat().st_size:
            with _expanded(path, file.lower()) as stream:
                _Budget(size).copy(stream, target)
            return None
    except _Refused as refused:
        why, code = str(refused), "I010"
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:  # of the folder that is written to: not the file's fault
            raise
        why, code = (str(error.strerror), "S001") if error.errno is not None else (_in_words(error), "S010")
    except _BROKEN as error:
        why = _in_words(error)
    target.unlink(missing_ok=True)
    return Diagnostic(code=code, place=Place(file=file), message=why)


def _in_words(error: Exception) -> str:
    """One form for what the readers say: it goes into reports, and their words change."""
    short = isinstance(error, EOFError) or "runcated" in str(error) or "ended before" in str(error)
    return "the compressed data end too early" if short else "the compressed data are damaged"


def _unpack(
    path: Path, file: str, folder: Path, budget: _Budget, *, depth: int
) -> tuple[list[Member], list[Diagnostic]]:
    members, found = list[Member](), list[Diagnostic]()
    seen: set[str] = set()
    try:
        for name, source in _members(path, file):
            problem = "is there twice" if name in seen else _wrong_name(name)
            if isinstance(source, str) or problem:
                why = source if isinstance(source, str) else problem
                found.append(_refusal(file, f"the member {name[:80]!r} {why}"))
                continue
            seen.add(name)
            target = folder / f"{budget.members:07d}"
            budget.copy(source, target)
            if not _is_debris(name):
                members.append(Member(name=PurePosixPath(name).as_posix(), path=target))
    except _Refused as refused:
        return [], [*found, _refusal(file, str(refused))]
    except _BROKEN as error:
        return [], [*found, _refusal(file, f"it cannot be read: {error}")]
    out: list[Member] = []
    for member in members:
        if depth == MAX_DEPTH or not is_archive(member.name):
            out.append(member)
            continue
        inner, refused_inside = _unpack(member.path, f"{file}/{member.name}", folder, budget, depth=depth + 1)
        out.extend(Member(name=f"{member.name}/{one.name}", path=one.path) for one in inner)
        found.extend(refused_inside)
    return out, found


def _refusal(file: str, message: str) -> Diagnostic:
    return Diagnostic(code="I010", place=Place(file=file), message=message)


def _wrong_name(name: str) -> str:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or name.startswith(("/", "\\")) or ":" in parts[0] or ".." in parts or "\0" in name:
        return "leads out of the archive"
    return ""


def _is_debris(name: str) -> bool:
    """What operating systems leave in archives, and what is hidden."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or any(part.startswith(".") for part in parts)


def _members(path: Path, file: str) -> Iterator[tuple[str, IO[bytes] | str]]:
    """(name, its bytes, or why they are refused) for every member that is not a folder."""
    lower = file.lower()
    if lower.endswith(_ZIPS):
        yield from _zip_members(path)
    elif lower.endswith(_TARS):
        with _expanded(path, lower) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                if member.isdir():
                    continue
                opened = archive.extractfile(member) if member.isreg() else None
                yield member.name.removeprefix("./"), opened or "is a link or a device"
    else:
        with _expanded(path, lower) as stream:
            yield PurePosixPath(file).stem, stream


def _zip_members(path: Path) -> Iterator[tuple[str, IO[bytes] | str]]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            if (info.external_attr >> 16) & 0o170000 == 0o120000:
                yield info.filename, "is a link"
            elif info.flag_bits & 1:
                yield info.filename, "is encrypted"
            else:
                with archive.open(info) as stream:
                    yield info.filename, stream


@contextmanager
def _expanded(path: Path, lower: str) -> Iterator[IO[bytes]]:
    """The bytes of a file without its compression."""
    if lower.endswith((".gz", ".tgz")):
        with gzip.open(path) as stream:
            yield stream  # type: ignore[misc]  # GzipFile reads as IO[bytes] does
    elif lower.endswith((".bz2", ".tbz2")):
        with bz2.open(path) as stream:
            yield stream
    elif lower.endswith((".xz", ".txz")):
        with lzma.open(path) as stream:
            yield stream
    elif lower.endswith(".zst"):
        with pa.input_stream(str(path), compression="zstd") as stream:
            yield stream
    else:
        with path.open("rb") as stream:
            yield stream
