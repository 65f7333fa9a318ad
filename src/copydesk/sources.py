"""Files -> blocks -> raw records with places. With the documents that records name, the only reads of the inputs.

A block is what one task stages: a batch of small files, or a byte range of a JSON lines file that begins and ends
at a line. Where a block ends follows from its content, so that an edit changes the blocks around it and no others.
How the inputs are cut has no influence on what is released.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from copydesk.archives import compressed, expand, is_archive, unpack
from copydesk.diagnostics import Diagnostic, Place
from copydesk.project import Project

BLOCK_SIZE = 8 * 2**20
"""Bytes of input in a block, at most; two thirds of it as a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Files that are read together: the first holds the annotations, or all there is.

    `name` is what an article is called that the format gives no id: a path without suffix. `lines`: the file may be
    cut at line ends, one record a line.
    """

    files: tuple[str, ...]
    name: str
    lines: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The files of one source: name -> where the bytes are. Names are relative to the project, forward slashes.

    An archive stands for the files in it, named as if it were a folder. `base` is what the paths of the source have
    in common, with a slash at its end: no part of what articles are called.
    """

    source: int
    base: str
    files: Mapping[str, Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Bytes [start, end) of a unit's first file; `line` is the number of its first line. `lines`: one record a line."""

    file: str
    path: str
    start: int
    end: int
    line: int
    lines: bool
    name: str = ""
    base: str = ""
    beside: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What one task stages: pieces of one source. `index` counts the blocks of the build."""

    index: int
    source: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRecord:
    """The bytes of one record, or of the first file of a unit, and where they stand; the unit's other files.

    `name` is the unit's, without the `base` of its source.
    """

    file: str
    line: int
    data: bytes
    name: str = ""
    base: str = ""
    beside: Mapping[str, bytes] = field(default_factory=dict)


def list_files(
    project: Project, unpacked: Path | None = None, *, as_folders: bool = False
) -> tuple[list[Listing], list[Diagnostic]]:
    """The files of every source. Archives are unpacked into folders in `unpacked`; without it they stay files.

    Compressed JSON lines of copydesk's own are expanded there and keep their name, unless `as_folders` says that the
    format is not known yet.
    """
    listings: list[Listing] = []
    found: list[Diagnostic] = []
    for number, source in enumerate(project.sources):
        files: dict[str, Path] = {}
        bases: list[str] = []
        for pattern in source.paths:
            inside = not Path(pattern).is_absolute() and ".." not in Path(pattern).parts
            try:
                matches = list(_matches(project.root, pattern)) if inside else []
            except ValueError:  # `**` stands for whole folders, not for parts of a name
                matches, inside = [], True
            found.extend(_unsearched(project.root, pattern) if inside else ())
            if not matches:
                why = "matches no file under the project" if inside else "leads out of the project"
                place = project.place(f"/source/{number}/paths")
                found.append(Diagnostic(code="P004", place=place, message=f"{pattern!r} {why}"))
                continue
            bases.append(_fixed_part(project.root, pattern))
            files |= {p.relative_to(project.root).as_posix(): p for p in matches}
        if unpacked is not None:
            files, refused = _expand(
                files, unpacked / f"source-{number}", lines=source.format == "copydesk" and not as_folders
            )
            found.extend(refused)
        base = os.path.commonpath(bases) if bases and all(bases) else ""
        listings.append(Listing(source=number, base=f"{base}/" if base else "", files=dict(sorted(files.items()))))
    return listings, found


def _matches(root: Path, pattern: str) -> Iterator[Path]:
    """The files that a pattern names; a folder stands for all files in it that are not hidden."""
    for path in root.glob(pattern):
        if path.is_dir() and not path.is_symlink():
            for folder, names, inner in os.walk(path):
                names[:] = [name for name in names if not name.startswith(".") and name != "__MACOSX"]
                yield from (Path(folder, name) for name in inner if not name.startswith("."))
        elif _is_input(path):
            yield path


def _fixed_part(root: Path, pattern: str) -> str:
    """The folder, or archive, below which a pattern looks: what all that it matches have in common by its words."""
    parts = list(itertools.takewhile(lambda part: not set(part) & set("*?["), Path(pattern).parts))
    whole = len(parts) == len(Path(pattern).parts)
    if whole and (root / pattern).is_file() and not is_archive(pattern):
        parts.pop()
    return "/".join(parts)


def _expand(files: dict[str, Path], folder: Path, *, lines: bool) -> tuple[dict[str, Path], list[Diagnostic]]:
    """The files with every archive replaced by what is in it; `lines`: compressed lines are one file, of their name.

    What is expanded is read block by block and more than once: to do so from the beginning each time would take time
    that grows with the square of the size.
    """
    out: dict[str, Path] = {}
    found: list[Diagnostic] = []
    for number, (name, path) in enumerate(sorted(files.items())):
        if not is_archive(name) or not path.is_file():
            out[name] = path
            continue
        if lines and in_lines(name):
            problem = expand(path, name, folder / f"{number}.lines")
            out |= {name: folder / f"{number}.lines"} if problem is None else {}
            found.extend([problem] if problem is not None else ())
            continue
        members, refused = unpack(path, name, folder / str(number))
        out |= {f"{name}/{member.name}": member.path for member in members}
        found.extend(refused)
    return out, found


def _unsearched(root: Path, pattern: str) -> list[Diagnostic]:
    """S001 for folders that `**` passes by without a word: those that may not be read, and links to folders."""
    if "**" not in Path(pattern).parts and not (root / pattern).is_dir():
        return []
    found = []

    def note(path: str, why: str) -> None:
        file = Path(path).relative_to(root).as_posix()
        found.append(Diagnostic(code="S001", place=Place(file=file), message=f"{file}: {why}"))

    def refused(error: OSError) -> None:
        note(error.filename, error.strerror or "it cannot be read")

    start = root.joinpath(*itertools.takewhile(lambda part: "*" not in part, Path(pattern).parts))
    for folder, names, _ in os.walk(start, onerror=refused) if start.exists() else ():
        for name in names:
            if Path(folder, name).is_symlink():
                note(str(Path(folder, name)), "a link to a folder is not entered; name it in paths")
    return found


def _is_input(path: Path) -> bool:
    """Whether a path is a file, or a link that leads nowhere: leaving that one out would lose records unseen."""
    return path.is_file() or (path.is_symlink() and not path.exists())


def in_lines(file: str) -> bool:
    """Whether a file holds one record a line, compressed or not."""
    return (compressed(file) or file).endswith((".jsonl", ".ndjson"))


def input_size(blocks: list[Block]) -> int:
    """Bytes of input in all blocks."""
    return sum(piece.end - piece.start for block in blocks for piece in block.pieces)


@dataclass(slots=True, kw_only=True)
class Reads:
    """What was read of the inputs: a digest of each piece, None if one could not be read, and of each document."""

    pieces: list[str | None] = field(default_factory=list)
    documents: dict[str, str] = field(default_factory=dict)


_reads: ContextVar[Reads | None] = ContextVar("reads", default=None)


@contextmanager
def noting() -> Iterator[Reads]:
    """Note what is read, as it is read: a file may change between two looks at it."""
    noted = Reads()
    token = _reads.set(noted)
    try:
        yield noted
    finally:
        _reads.reset(token)


def piece_digest(piece: Piece) -> str | None:
    """The digest of a piece as it is now, None if it cannot be read."""
    try:
        return _digest(piece, *_piece_bytes(piece))
    except OSError:
        return None


def _digest(piece: Piece, data: bytes, beside: Mapping[str, bytes]) -> str:
    """Over all that a raw record of the piece can show."""
    shown = (piece.file, piece.name, piece.base, piece.lines, piece.line, tuple(beside))
    digests = [hashlib.sha256(one).hexdigest() for one in (repr(shown).encode(), data, *beside.values())]
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()


def _piece_bytes(piece: Piece) -> tuple[bytes, dict[str, bytes]]:
    with Path(piece.path).open("rb") as stream:
        stream.seek(piece.start)
        data = stream.read(piece.end - piece.start)
    return data, {name: Path(path).read_bytes() for name, path in piece.beside}


def read(block: Block) -> Iterator[RawRecord | Diagnostic]:
    """The raw records of a block, in order; a file that cannot be read is a diagnostic. Blank lines are skipped."""
    noted = _reads.get()
    for piece in block.pieces:
        try:
            data, beside = _piece_bytes(piece)
        except OSError as error:
            if noted is not None:
                noted.pieces.append(None)
            yield Diagnostic(code="S001", place=Place(file=piece.file), message=str(error.strerror))
            continue
        if noted is not None:
            noted.pieces.append(_digest(piece, data, beside))
        if not piece.lines:
            yield RawRecord(file=piece.file, line=1, data=data, name=piece.name, base=piece.base, beside=beside)
            continue
        for offset, line in enumerate(data.split(b"\n")):
            if line.strip():
                number = piece.line + offset
                yield RawRecord(file=piece.file, line=number, data=line, name=piece.name, base=piece.base)


def read_document(root: Path, path: str) -> bytes | tuple[str, str]:
    """The bytes of a document that a record names, or (diagnostic code, what is wrong)."""
    found = _read_document(root, path)
    if (noted := _reads.get()) is not None:
        digest = _document_digest(found)
        noted.documents[path] = digest if noted.documents.get(path, digest) == digest else "it changed meanwhile"
    return found


def document_digest(root: Path, path: str) -> str:
    """The digest of a document as it is now, or of what is wrong with it."""
    return _document_digest(_read_document(root, path))


def _document_digest(found: bytes | tuple[str, str]) -> str:
    return hashlib.sha256(found if isinstance(found, bytes) else repr(found).encode()).hexdigest()


def _read_document(root: Path, path: str) -> bytes | tuple[str, str]:
    target = root / path
    if "\0" in path:
        return "S001", f"{path!r}: no file can have this name"
    if Path(path).is_absolute() or not target.resolve().is_relative_to(root.resolve()):
        return "S009", f"{path!r} lies outside the project"
    try:
        return target.read_bytes()
    except OSError as error:
        return "S001", f"{path}: {error.strerror}"
