"""Where inputs are cut: everything is in exactly one block, and an edit moves no cut out of its reach."""

from __future__ import annotations

import random
import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import assume, given
from hypothesis import strategies as st

from copydesk.cutting import REACH, boundaries, cut
from copydesk.sources import Block, Listing, Unit, read

MANY = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 99)), max_size=150)
FEW = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 99)), max_size=12)
SIZES = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 30)), max_size=120)
"""(size, checksum) of items; few checksums, so that many are equal."""


def cuts(items: list[tuple[int, int]], most: int) -> list[int]:
    """After how many items."""
    return list(boundaries(((size, checksum, n) for n, (size, checksum) in enumerate(items, 1)), most))


@given(SIZES, st.integers(3, 300))
def test_blocks_are_neither_empty_nor_larger_than_asked(items: list[tuple[int, int]], most: int) -> None:
    found = cuts(items, most)
    assert found == sorted(set(found))
    for start, end in zip([0, *found], [*found, len(items)], strict=True):
        assert start < end or not items or end == len(items)
        assert sum(size for size, _ in items[start : end - 1]) < most + max((size for size, _ in items), default=0)


@given(MANY, FEW, FEW, MANY, st.integers(15, 60))
def test_an_edit_moves_no_cut_out_of_its_reach(
    before: list[tuple[int, int]],
    old: list[tuple[int, int]],
    new: list[tuple[int, int]],
    after: list[tuple[int, int]],
    most: int,
) -> None:
    """`old` is replaced by `new` between the two; no block is so long that it is cut by size."""
    reach = most // REACH
    far = most * 1000  # let nothing be cut by size: such cuts follow from where the last one was

    scale = (far // REACH) // reach  # the same reach, measured in larger units

    def natural(items: list[tuple[int, int]]) -> set[int]:
        found = list(boundaries(((size * scale, checksum, n) for n, (size, checksum) in enumerate(items, 1)), far))
        edges = pairwise([0, *found, len(items)])
        assume(all(sum(size for size, _ in items[start:end]) * scale < far for start, end in edges))
        return set(found)

    first, second = natural([*before, *old, *after]), natural([*before, *new, *after])

    def away(counted: list[tuple[int, int]]) -> int:
        """How many items lie further than the reach from the edit, counted from its side."""
        total = 0
        for number, (size, _) in enumerate(counted):
            total += size
            if total > reach + 1:
                return len(counted) - number
        return 0

    safe = max(0, away(before[::-1]) - 1)
    assert {n for n in first if n < safe} == {n for n in second if n < safe}
    safe = max(0, away(after) - 1)
    tail_first = {len(before) + len(old) + len(after) - n for n in first}
    tail_second = {len(before) + len(new) + len(after) - n for n in second}
    assert {n for n in tail_first if n < safe} == {n for n in tail_second if n < safe}


@given(
    st.lists(
        st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")), max_size=12), min_size=1, max_size=6
    ),
    st.integers(1, 80),
    st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_every_byte_is_in_one_block(files: list[list[bytes]], size: int, in_lines: list[bool]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths, units = {}, []
        for number, lines in enumerate(files):
            path = folder / f"{number}.jsonl"
            path.write_bytes(b"\n".join(lines) + (b"\n" if number % 2 else b""))
            paths[path.name] = path
            units.append((0, Unit(files=(path.name,), name=str(number), lines=in_lines[number])))
        blocks, found = cut([Listing(source=0, base="", files=paths)], units, size)
        assert found == []
        assert [block.index for block in blocks] == list(range(len(blocks)))
        whole: dict[str, bytes] = {}
        for piece in (piece for block in blocks for piece in block.pieces):
            data = paths[piece.file].read_bytes()
            assert len(whole.get(piece.file, b"")) == piece.start
            assert piece.line == (data.count(b"\n", 0, piece.start) + 1)
            assert not piece.start or data[piece.start - 1 : piece.start] == b"\n"
            whole[piece.file] = whole.get(piece.file, b"") + data[piece.start : piece.end]
        expected = {n: p.read_bytes() for n, p in paths.items()}
        assert {n: d for n, d in whole.items() if d} == {n: d for n, d in expected.items() if d}
        for block in blocks:
            assert len({piece.file for piece in block.pieces}) == len(block.pieces)
        records = [raw for block in blocks for raw in read(block)]
        nonblank = sum(
            sum(bool(line.strip()) for line in data.split(b"\n")) if in_lines[int(name.split(".")[0])] else 1
            for name, data in expected.items()
        )
        assert len(records) == nonblank


def _blocks_of(folder: Path, lines: list[bytes], size: int) -> tuple[list[Block], set[bytes]]:
    path = folder / "a.jsonl"
    path.write_bytes(b"".join(lines))
    blocks, _ = cut(
        [Listing(source=0, base="", files={path.name: path})],
        [(0, Unit(files=(path.name,), name="a", lines=True))],
        size,
    )
    data = path.read_bytes()
    return blocks, {data[b.pieces[0].start : b.pieces[0].end] for b in blocks}


def test_one_edit_changes_one_or_two_blocks_of_many(tmp_path: Path) -> None:
    rnd = random.Random(3)
    lines = [b'{"id": "%d", "text": "%s"}\n' % (n, b"x" * rnd.randint(50, 150)) for n in range(4000)]
    blocks, before = _blocks_of(tmp_path, lines, 4000)
    assert len(blocks) > 100
    changed = []
    for number in range(40):
        edited = list(lines)
        at = rnd.randrange(len(lines))
        if number % 3 == 0:
            edited[at] = edited[at].replace(b"x", b"y", 1)
        elif number % 3 == 1:
            edited.insert(at, b'{"id": "new %d"}\n' % number)
        else:
            del edited[at]
        changed.append(len(_blocks_of(tmp_path, edited, 4000)[1] - before))
    assert sum(changed) / len(changed) < 2
    assert max(changed) <= 6


def test_lines_that_are_all_the_same_are_cut_by_size(tmp_path: Path) -> None:
    blocks, _ = _blocks_of(tmp_path, [b'{"id": "x"}\n'] * 1000, 1200)
    assert len(blocks) == 10
