"""Files -> blocks -> raw records with places. With the documents that records name, the only reads of the inputs.

A block is what one task stages: a batch of small files, or a byte range of a JSON lines file that begins and ends
at a line. How the inputs are cut has no influence on what is released.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from copydesk.archives import is_archive, unpack
from copydesk.diagnostics import Diagnostic, Place
from copydesk.project import Project

BLOCK_SIZE = 8 * 2**20
"""Bytes of input in a block, about."""


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


def list_files(project: Project, unpacked: Path | None = None) -> tuple[list[Listing], list[Diagnostic]]:
    """The files of every source. Archives are unpacked into folders in `unpacked`; without it they stay files."""
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
            files, refused = _expand(files, unpacked / f"source-{number}")
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


def _expand(files: dict[str, Path], folder: Path) -> tuple[dict[str, Path], list[Diagnostic]]:
    """The files with every archive replaced by what is in it."""
    out: dict[str, Path] = {}
    found: list[Diagnostic] = []
    for number, (name, path) in enumerate(sorted(files.items())):
        if not is_archive(name) or not path.is_file():
            out[name] = path
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


def cut(
    listings: Sequence[Listing], units: Sequence[tuple[int, Unit]], block_size: int
) -> tuple[list[Block], list[Diagnostic]]:
    """Cut the units, each with the number of its listing, into blocks of about `block_size` bytes."""
    blocks: list[Block] = []
    unreadable: list[Diagnostic] = []
    batch: list[Piece] = []
    size, current = 0, -1

    def flush() -> None:
        nonlocal size
        if batch:
            blocks.append(Block(index=len(blocks), source=current, pieces=tuple(batch)))
            batch.clear()
        size = 0

    for number, unit in units:
        if number != current:
            flush()
            current = number
        try:
            pieces = list(_pieces(listings[number], unit, block_size))
        except OSError as error:
            unreadable.append(Diagnostic(code="S001", place=Place(file=unit.files[0]), message=str(error.strerror)))
            continue
        for piece in pieces:
            batch.append(piece)
            size += piece.end - piece.start + sum(Path(path).stat().st_size for _, path in piece.beside)
            if size >= block_size:
                flush()
    flush()
    return blocks, unreadable


def _pieces(listing: Listing, unit: Unit, block_size: int) -> Iterator[Piece]:
    """A unit as pieces: a file of one record a line is cut at line ends, anything else is one piece."""
    file, others = unit.files[0], unit.files[1:]
    path = listing.files[file]
    whole = Piece(
        file=file,
        path=str(path),
        start=0,
        end=path.stat().st_size,
        line=1,
        lines=unit.lines,
        name=unit.name.removeprefix(listing.base),
        base=listing.base,
        beside=tuple((name, str(listing.files[name])) for name in others),
    )
    for other in (path, *(listing.files[name] for name in others)):
        with other.open("rb"):  # a file that cannot be opened is reported before anything is staged
            pass
    if not unit.lines:
        yield whole
        return
    start, line = 0, 1
    with path.open("rb") as stream:
        while start < whole.end:
            chunk = stream.read(block_size) + stream.readline()
            yield replace(whole, start=start, end=start + len(chunk), line=line)
            start += len(chunk)
            line += chunk.count(b"\n")


def in_lines(file: str) -> bool:
    """Whether a file holds one record a line."""
    return file.endswith((".jsonl", ".ndjson"))


def input_size(blocks: list[Block]) -> int:
    """Bytes of input in all blocks."""
    return sum(piece.end - piece.start for block in blocks for piece in block.pieces)


def read(block: Block) -> Iterator[RawRecord | Diagnostic]:
    """The raw records of a block, in order; a file that cannot be read is a diagnostic. Blank lines are skipped."""
    for piece in block.pieces:
        try:
            with Path(piece.path).open("rb") as stream:
                stream.seek(piece.start)
                data = stream.read(piece.end - piece.start)
            beside = {name: Path(path).read_bytes() for name, path in piece.beside}
        except OSError as error:
            yield Diagnostic(code="S001", place=Place(file=piece.file), message=str(error.strerror))
            continue
        if not piece.lines:
            yield RawRecord(file=piece.file, line=1, data=data, name=piece.name, base=piece.base, beside=beside)
            continue
        for offset, line in enumerate(data.split(b"\n")):
            if line.strip():
                number = piece.line + offset
                yield RawRecord(file=piece.file, line=number, data=line, name=piece.name, base=piece.base)


def read_document(root: Path, path: str) -> bytes | tuple[str, str]:
    """The bytes of a document that a record names, or (diagnostic code, what is wrong)."""
    target = root / path
    if "\0" in path:
        return "S001", f"{path!r}: no file can have this name"
    if Path(path).is_absolute() or not target.resolve().is_relative_to(root.resolve()):
        return "S009", f"{path!r} lies outside the project"
    try:
        return target.read_bytes()
    except OSError as error:
        return "S001", f"{path}: {error.strerror}"
