"""Units -> blocks, cut after what they say, so that an edit changes the blocks around it and no others.

A record whose checksum is the least of all within reach on either side ends a block. Whether it does depends on
nothing but what lies within that reach: whatever is changed, put in or taken out further away, the same cut is made.
(Cutting every so many bytes would move all cuts behind an insertion, and nothing behind it could be taken from a
cache.) How the inputs are cut has no influence on what is released.
"""

from __future__ import annotations

import itertools
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from copydesk.diagnostics import Diagnostic, Place
from copydesk.sources import Block, Listing, Piece, Unit

_CHUNK = 2**20
_HEAD = 256
"""Bytes of a line that say whether a block ends with it."""

Position = TypeVar("Position")

REACH = 3
"""The longest block has the reach this many times; a block has at least the reach, and twice as much on average."""


def boundaries(items: Iterable[tuple[int, int, Position]], most: int) -> Iterator[Position]:
    """The positions of the items after which to cut; the end is not among them.

    `items`: (size, checksum, position). No block is larger than `most` but by its last item: where no checksum
    stands out for so long, as when all items are the same, the cut is made by size.
    """
    reach = most // REACH
    total = start = 0
    least = deque([(0, -1)])  # (end, checksum) of the items within reach, checksums rising; none cuts near the start
    chosen: tuple[int, Position] | None = None
    for size, checksum, position in items:
        total += size
        if chosen is not None and total - chosen[0] > reach:
            start = chosen[0]
            yield chosen[1]
            chosen = None
        while least and total - least[0][0] > reach:
            least.popleft()
        while least and least[-1][1] > checksum:
            least.pop()
        if not least:
            chosen = total, position
        least.append((total, checksum))
        if total - start >= most:
            start, at = chosen or (total, position)
            yield at
            chosen = None


def cut(
    listings: Sequence[Listing], units: Sequence[tuple[int, Unit]], block_size: int
) -> tuple[list[Block], list[Diagnostic]]:
    """Cut the units, each with the number of its listing, into blocks of `block_size` bytes at most, or one record."""
    blocks: list[Block] = []
    unreadable: list[Diagnostic] = []
    for number, group in itertools.groupby(units, key=lambda pair: pair[0]):
        wholes: list[Piece] = []
        at = _Position(0, 0, 1)
        for stop in boundaries(_records_of(listings[number], group, wholes, unreadable), block_size):
            blocks.append(Block(index=len(blocks), source=number, pieces=tuple(_between(wholes, at, stop))))
            done = stop.end == wholes[stop.piece].end
            at = _Position(stop.piece + 1, 0, 1) if done else stop
        last = _Position(len(wholes) - 1, wholes[-1].end, 0) if wholes else at
        if rest := tuple(_between(wholes, at, last)):
            blocks.append(Block(index=len(blocks), source=number, pieces=rest))
    return blocks, unreadable


class _Position(NamedTuple):
    """A place to cut: how far into which of the pieces, and the number of the line that begins there."""

    piece: int
    end: int
    line: int


def _records_of(
    listing: Listing, units: Iterable[tuple[int, Unit]], wholes: list[Piece], unreadable: list[Diagnostic]
) -> Iterator[tuple[int, int, _Position]]:
    """(size, checksum, position behind it) of every record that may end a block: a unit, or a line of a file of lines.

    Adds the unit, as one piece, to `wholes`. The checksum is of the name, or of the length and the first bytes of a
    line, where its id stands as a rule: reading all of a line would cost as much as parsing it.
    """
    for _, unit in units:
        try:
            whole = _whole(listing, unit)
            wholes.append(whole)
            if not unit.lines:
                size = whole.end + sum(Path(path).stat().st_size for _, path in whole.beside)
                yield size, zlib.crc32(whole.file.encode()), _Position(len(wholes) - 1, whole.end, 1)
                continue
            for size, checksum, end, line in _lines(Path(whole.path), whole.end):
                yield size, checksum, _Position(len(wholes) - 1, end, line)
        except OSError as error:
            unreadable.append(Diagnostic(code="S001", place=Place(file=unit.files[0]), message=str(error.strerror)))


def _whole(listing: Listing, unit: Unit) -> Piece:
    """A unit as one piece. Raises OSError for a file that cannot be opened, before anything is staged."""
    file, others = unit.files[0], unit.files[1:]
    path = listing.files[file]
    for other in (path, *(listing.files[name] for name in others)):
        with other.open("rb"):
            pass
    return Piece(
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


def _lines(path: Path, size: int) -> Iterator[tuple[int, int, int, int]]:
    """(size, checksum, end, number of the next) of each line in the first `size` bytes of a file."""
    before, number = 0, 1
    with path.open("rb") as stream:
        while before < size:
            data = stream.read(_CHUNK) + stream.readline()
            if not data:  # it became shorter meanwhile
                return
            at = 0
            while at < len(data):
                end = data.find(b"\n", at) + 1 or len(data)
                number += 1
                yield end - at, zlib.crc32(data[at : min(at + _HEAD, end)], end - at), before + end, number
                at = end
            before += len(data)


def _between(wholes: Sequence[Piece], start: _Position, stop: _Position) -> Iterator[Piece]:
    """What lies between two positions: parts of files of lines, other files whole."""
    for number in range(start.piece, stop.piece + 1):
        whole = wholes[number]
        begin, line = (start.end, start.line) if number == start.piece else (0, 1)
        end = stop.end if number == stop.piece else whole.end
        if begin < end or not whole.lines:
            yield replace(whole, start=begin, end=end, line=line)
