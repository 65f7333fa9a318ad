"""Files -> blocks -> raw records with places. With the documents that records name, the only reads of the inputs.

A block is what one task stages: a batch of small files, or a byte range of a JSON lines file that begins and ends
at a line. How the inputs are cut has no influence on what is released.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from copydesk.diagnostics import Diagnostic, Place
from copydesk.project import Project

BLOCK_SIZE = 8 * 2**20
"""Bytes of input in a block, about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Bytes [start, end) of a file; `line` is the number of its first line. `lines`: one record per line."""

    file: str
    start: int
    end: int
    line: int
    lines: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What one task stages: pieces of one source. `index` counts the blocks of the build."""

    index: int
    source: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRecord:
    """The bytes of one record and where they stand."""

    file: str
    line: int
    data: bytes


def list_files(project: Project) -> tuple[list[tuple[int, str]], list[Diagnostic]]:
    """(source number, file) for every input file, sorted by name in each source; relative, forward slashes."""
    found: list[tuple[int, str]] = []
    missing: list[Diagnostic] = []
    for number, source in enumerate(project.sources):
        names: set[str] = set()
        for pattern in source.paths:
            inside = not Path(pattern).is_absolute() and ".." not in Path(pattern).parts
            try:
                matches = [p for p in project.root.glob(pattern) if _is_input(p)] if inside else []
            except ValueError:  # `**` stands for whole folders, not for parts of a name
                matches, inside = [], True
            missing.extend(_unsearched(project.root, pattern) if inside else ())
            here = {p.relative_to(project.root).as_posix() for p in matches}
            if not here:
                why = "matches no file under the project" if inside else "leads out of the project"
                message = f"{pattern!r} {why}"
                place = project.place(f"/source/{number}/paths")
                missing.append(Diagnostic(code="P004", place=place, message=message))
            names |= here
        found.extend((number, name) for name in sorted(names))
    return found, missing


def _unsearched(root: Path, pattern: str) -> list[Diagnostic]:
    """S001 for folders that `**` passes by without a word: those that may not be read, and links to folders."""
    if "**" not in Path(pattern).parts:
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
                note(str(Path(folder, name)), "a link to a folder is not entered by **; name it in paths")
    return found


def _is_input(path: Path) -> bool:
    """Whether a path is a file, or a link that leads nowhere: leaving that one out would lose records unseen."""
    return path.is_file() or (path.is_symlink() and not path.exists())


def cut(project: Project, listed: list[tuple[int, str]], block_size: int) -> tuple[list[Block], list[Diagnostic]]:
    """Cut the input files into blocks of about `block_size` bytes."""
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

    for number, file in listed:
        if number != current:
            flush()
            current = number
        try:
            pieces = list(_pieces(project.root / file, file, block_size))
        except OSError as error:
            unreadable.append(Diagnostic(code="S001", place=Place(file=file), message=str(error.strerror)))
            continue
        for piece in pieces:
            batch.append(piece)
            size += piece.end - piece.start
            if size >= block_size:
                flush()
    flush()
    return blocks, unreadable


def _pieces(path: Path, file: str, block_size: int) -> Iterator[Piece]:
    """A file as pieces: a JSON lines file is cut at line ends, any other file is one piece."""
    total = path.stat().st_size
    if not in_lines(file):
        with path.open("rb"):  # a file that cannot be opened is reported before anything is staged
            yield Piece(file=file, start=0, end=total, line=1, lines=False)
        return
    start, line = 0, 1
    with path.open("rb") as stream:
        while start < total:
            chunk = stream.read(block_size) + stream.readline()
            yield Piece(file=file, start=start, end=start + len(chunk), line=line, lines=True)
            start += len(chunk)
            line += chunk.count(b"\n")


def in_lines(file: str) -> bool:
    """Whether a file holds one record a line."""
    return file.endswith((".jsonl", ".ndjson"))


def input_size(blocks: list[Block]) -> int:
    """Bytes of input in all blocks."""
    return sum(piece.end - piece.start for block in blocks for piece in block.pieces)


def read(root: Path, block: Block) -> Iterator[RawRecord | Diagnostic]:
    """The raw records of a block, in order; a file that cannot be read is a diagnostic. Blank lines are skipped."""
    for piece in block.pieces:
        try:
            with (root / piece.file).open("rb") as stream:
                stream.seek(piece.start)
                data = stream.read(piece.end - piece.start)
        except OSError as error:
            yield Diagnostic(code="S001", place=Place(file=piece.file), message=str(error.strerror))
            continue
        if not piece.lines:
            yield RawRecord(file=piece.file, line=1, data=data)
            continue
        for offset, line in enumerate(data.split(b"\n")):
            if line.strip():
                yield RawRecord(file=piece.file, line=piece.line + offset, data=line)


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
