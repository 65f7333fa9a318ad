"""Shingles: a text as the sequence of the hashes of its passages of a few words. Not which texts are alike.

A text is normalised (NFKC, case folded, characters that nobody sees left out) and cut into tokens: runs of letters,
digits, underscores (`\\w`) and of the marks that letters carry; in scripts that are written without spaces each
character is a token. A shingle is `width` tokens in a row. A text of fewer tokens is one shingle, equal only to that
of an equal text; a text without tokens has none. `without` leaves passages out; no shingle runs across the cut.

The hash is our own: FNV-like rounds over eight bytes of UTF-8 at a time and the finaliser of SplitMix64, in whole
numbers modulo 2^64, so that it is the same everywhere. What a letter is comes from Python's Unicode tables: characters
that a later Unicode adds are no tokens for an older Python.
"""

from __future__ import annotations

import mmap
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int32]

BREAK = "\ufdd0"
"""Stands where `without` cut: a noncharacter, which Unicode reserves for the inside of programs."""

_BLOCK = 1 << 18
"""Characters that are hashed at once: enough to forget the cost of a call, few enough for the cache."""
_HELD = 1 << 22
"""Shingles of mapped files after which their pages are let go."""
_MAGIC = 0x31676E6968732D63

_ROUND, _LENGTH, _STEP = (np.uint64(n) for n in (0x9FB21C651E98DF25, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F))
_MASKS = np.array([(1 << 8 * n) - 1 for n in range(9)], dtype=np.uint64)

_NOTHING, _WORD, _ALONE, _UNSEEN, _CHANGES = 0, 1, 2, 4, 8
_ASCII = bytes(_WORD if chr(n).isalnum() or n == 95 else _NOTHING for n in range(128)) + bytes(128)
_UNSPACED = (
    *((0x0E00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF)),  # Thai, Lao, Tibetan; Myanmar; Khmer
    *((0x1950, 0x19FF), (0x1A20, 0x1AAF), (0x1B00, 0x1B7F)),  # Tai Le, New Tai Lue, Khmer symbols; Tai Tham; Balinese
    *((0x3005, 0x3007), (0x3021, 0x3029), (0x3031, 0x303C), (0x3040, 0x312F)),  # Han signs; Kana and Bopomofo
    *((0x31A0, 0x31BF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF)),  # Bopomofo, Katakana, Han
    *((0xA980, 0xA9FF), (0xAA60, 0xAADF), (0xF900, 0xFAFF)),  # Javanese, Myanmar; Myanmar, Tai Viet; Han
    *((0x16FE0, 0x18D8F), (0x1AFF0, 0x1B2FF), (0x20000, 0x3FFFF)),  # Tangut, Khitan; Kana, Nüshu; Han
)
_INVISIBLE = (
    *((0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F)),
    *((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xE0000, 0xE0FFF)),
)
"""Default ignorable code points, as Unicode's own folding for comparison leaves them out: soft hyphens, joiners."""

_PAGE = 12
_kinds: Bytes = np.zeros(0x110000, dtype=np.uint8)
_known: npt.NDArray[np.bool_] = np.zeros(0x110000 >> _PAGE, dtype=np.bool_)
"""What each code point is, looked up a page at a time when a text needs it: a cache, not a setting."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sequences:
    """The shingles of some texts, each in the order of the text, duplicates kept."""

    starts: Ints
    hashes: Hashes
    mapped: mmap.mmap | None = None
    path: str = ""
    """The file, if it is mapped; to another process only its name goes."""

    def __reduce__(self) -> tuple[Callable[..., Sequences], tuple[Any, ...]]:
        return (read, (self.path,)) if self.path else (_in_memory, (self.starts, self.hashes))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of(self, number: int) -> Hashes:
        """The shingles of one text."""
        return self.hashes[self.starts[number] : self.starts[number + 1]]

    def release(self) -> None:
        """Let the pages of a mapped file go; they are read again when they are needed."""
        if self.mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
            self.mapped.madvise(mmap.MADV_DONTNEED)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Joined:
    """Articles in one order whose shingles lie in several places: which part, and which text of it."""

    parts: tuple[Sequences, ...]
    part: Places
    row: Places

    def __len__(self) -> int:
        return len(self.part)

    def of(self, number: int) -> Hashes:
        """The shingles of one article."""
        return self.parts[int(self.part[number])].of(int(self.row[number]))

    def lengths(self) -> Ints:
        """How many shingles each article has, duplicates counted."""
        out = np.zeros(len(self), dtype=np.int64)
        order = np.argsort(self.part, kind="stable")
        bounds = np.searchsorted(self.part[order], np.arange(len(self.parts) + 1))
        for part, first, end in zip(self.parts, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            at = order[first:end]
            out[at] = part.starts[self.row[at] + 1] - part.starts[self.row[at]]
        return out

    def pick(self, numbers: Sequence[int] | Ints) -> Joined:
        """Some of the articles, in the order asked for."""
        return Joined(parts=self.parts, part=self.part[numbers], row=self.row[numbers])

    def pieces(self, size: int = 1 << 16) -> Iterator[tuple[Ints, Ints, Hashes]]:
        """(articles, their lengths, their shingles) of all articles, about `size` shingles at a time, as they lie.

        In the order in which they are stored, that is, and without copying: articles keep their numbers.
        """
        lengths, order = self.lengths(), np.lexsort((self.row, self.part))
        part, row = self.part[order], self.row[order]
        cuts = np.flatnonzero((part[1:] != part[:-1]) | (row[1:] != row[:-1] + 1)) + 1
        seen = 0
        for start, stop in pairwise([0, *cuts.tolist(), len(order)] if len(order) else []):
            home = self.parts[int(part[start])]
            while start < stop:
                before = int(home.starts[row[start]])
                end = int(np.searchsorted(home.starts, before + size, side="right")) - 1
                end = min(stop, max(start + 1, start + end - int(row[start])))
                numbers = order[start:end]
                hashes = home.hashes[before : home.starts[row[end - 1] + 1]]
                yield numbers, lengths[numbers], hashes
                seen, start = seen + len(hashes), end
                if seen > _HELD:
                    seen = 0
                    self.release()

    def filed(self, folder: Path) -> Joined:
        """The same in files: parts that are in none are written there."""
        parts = list(self.parts)
        for number, part in enumerate(parts):
            if not part.path:
                write(folder / f"part-{number}", part)
                parts[number] = read(folder / f"part-{number}")
        return Joined(parts=tuple(parts), part=self.part, row=self.row)

    def release(self) -> None:
        """Let the pages of mapped files go."""
        for part in self.parts:
            part.release()


def join(parts: Sequence[Sequences], places: Iterable[tuple[int, int]] | None = None) -> Joined:
    """Articles in the order of `places`, (number of the part, number of the text in it); all of them without it."""
    if places is None:
        places = [(number, row) for number, part in enumerate(parts) for row in range(len(part))]
    table = np.fromiter(chain.from_iterable(places), dtype=np.int32).reshape(-1, 2)
    return Joined(parts=tuple(parts), part=table[:, 0].copy(), row=table[:, 1].copy())


def without(text: str, ranges: Iterable[tuple[int, int]]) -> str:
    """The text without some half-open ranges of code points; shingles do not run across the cut."""
    kept, at = [], 0
    for start, end in sorted((max(0, start), min(end, len(text))) for start, end in ranges):
        if start < end and end > at:
            kept.append(text[at : max(at, start)])
            at = end
    return BREAK.join([*kept, text[at:]])


def tokens(text: str) -> list[list[str]]:
    """The tokens of a text as shingles are made of them, piece by piece between cuts: to show, and slow."""
    data, _, breaks, starts, ends = _tokens([text])
    words = [data[start:end].decode("utf-8", "surrogatepass") for start, end in zip(starts, ends, strict=True)]
    edges = np.searchsorted(starts, [0, *breaks.tolist(), len(data)]).tolist()
    return [words[start:end] for start, end in pairwise(edges)]


def passage(text: str, position: int, width: int, count: int = 1) -> str:
    """The words of some shingles in a row, from a position of the text's sequence to the end of its piece at most."""
    for piece in tokens(text):
        shingles = max(len(piece) - width + 1, min(1, len(piece)))
        if position < shingles:
            return " ".join(piece[position : position + count + width - 1])
        position -= shingles
    return ""


def shingle(texts: Sequence[str], width: int) -> Sequences:
    """The shingles of some texts, `width` tokens each."""
    assert width > 0
    counts, hashes = [np.zeros(1, dtype=np.int64)], [np.zeros(0, dtype=np.uint64)]
    for block in _blocks(texts):
        some, many = _shingle_block(block, width)
        counts.append(some)
        hashes.append(many)
    return Sequences(starts=np.cumsum(np.concatenate(counts)), hashes=np.concatenate(hashes))


def write(path: Path, sequences: Sequences) -> None:
    """Write shingles as they lie in memory, little-endian, after a line of numbers."""
    with path.open("wb") as stream:
        stream.write(np.array([_MAGIC, len(sequences), len(sequences.hashes)], dtype="<u8").tobytes())
        stream.write(sequences.starts.astype("<i8", copy=False).tobytes())
        stream.write(sequences.hashes.astype("<u8", copy=False).data)


def _in_memory(starts: Ints, hashes: Hashes) -> Sequences:
    return Sequences(starts=starts, hashes=hashes)


def read(path: Path | str) -> Sequences:
    """Shingles that `write` wrote. They are mapped, not read: what is not looked at takes no memory."""
    with Path(path).open("rb") as stream:
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    magic, texts, total = (int(n) for n in np.frombuffer(mapped, "<u8", 3))
    assert magic == _MAGIC, path
    starts = np.frombuffer(mapped, "<i8", texts + 1, 24).astype(np.int64, copy=False)
    hashes = np.frombuffer(mapped, "<u8", total, 32 + 8 * texts)
    return Sequences(starts=starts, hashes=hashes, mapped=mapped, path=str(path))


def _blocks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    first, size = 0, 0
    for number, text in enumerate(texts):
        size += len(text) + 1
        if size >= _BLOCK:
            yield texts[first : number + 1]
            first, size = number + 1, 0
    if first < len(texts):
        yield texts[first:]


def _shingle_block(texts: Sequence[str], width: int) -> tuple[Ints, Hashes]:
    """(shingles of each text, hashes)."""
    data, bounds, breaks, starts, ends = _tokens(texts)
    hashed = _hash_tokens(data, starts, ends - starts)
    edges = np.sort(np.concatenate((bounds, breaks))) if len(breaks) else bounds
    at = np.searchsorted(starts, edges)
    first, count = at[:-1], at[1:] - at[:-1]
    full = np.zeros(len(hashed), dtype=np.uint64)
    if len(hashed) >= width:
        full[: len(hashed) - width + 1] = _mix(_combine(hashed, width))
    valid = np.ones(len(hashed), dtype=np.bool_)
    for back in range(1, width):
        valid[at[1:][count >= back] - back] = False
    short = np.flatnonzero((count > 0) & (count < width))
    if len(short):
        valid[first[short]] = True
        full[first[short]] = _hash_short(hashed, first[short], count[short])
    shingles = np.where(count >= width, count - width + 1, np.minimum(count, 1))
    sums = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(shingles)))
    per_text = np.diff(sums[np.searchsorted(edges, bounds)])
    return per_text, full[valid]


def _combine(hashed: Hashes, width: int) -> Hashes:
    """Tokens in a row as the digits of a number: the order counts."""
    total = len(hashed) - width + 1
    out = hashed[:total].copy()
    for offset in range(1, width):
        out *= _STEP
        out += hashed[offset : offset + total]
    return out


def _hash_short(hashed: Hashes, first: Ints, count: Ints) -> Hashes:
    """One shingle of all tokens where there are fewer than a shingle has; the number of tokens sets it apart."""
    out = count.astype(np.uint64) * _LENGTH
    for offset in range(int(count.max())):
        there = count > offset
        out[there] = out[there] * _STEP + hashed[first[there] + offset]
    return _mix(out)


def _hash_tokens(data: bytes, starts: Ints, lengths: Ints) -> Hashes:
    """Eight bytes a round; the last round sees zeros after the end of the token. `data` ends in eight spare bytes."""
    words = np.ndarray((len(data) - 7,), dtype="<u8", buffer=data, strides=(1,))
    out = lengths.astype(np.uint64) * _LENGTH
    out = _round(out, words[starts] & _MASKS[np.minimum(lengths, 8)])
    rest, done = np.flatnonzero(lengths > 8), 8
    while len(rest):
        left = lengths[rest] - done
        out[rest] = _round(out[rest], words[starts[rest] + done] & _MASKS[np.minimum(left, 8)])
        rest, done = rest[left > 8], done + 8
    return _mix(out)


def _round(state: Hashes, word: Hashes) -> Hashes:
    state ^= word
    state *= _ROUND
    state ^= state >> np.uint64(32)
    return state


def _mix(state: Hashes) -> Hashes:
    """The finaliser of SplitMix64: every bit of the input changes half of the output."""
    state ^= state >> np.uint64(30)
    state *= np.uint64(0xBF58476D1CE4E5B9)
    state ^= state >> np.uint64(27)
    state *= np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return state


def _tokens(texts: Sequence[str]) -> tuple[bytes, Ints, Ints, Ints, Ints]:
    """(UTF-8 and eight spare bytes, where texts start and the last ends, breaks, starts and ends of tokens)."""
    parts = [text.encode("utf-8", "surrogatepass") for text in texts]
    data, bounds = _concatenated(parts)
    if data.isascii():
        starts, ends = _runs(np.frombuffer(data.translate(_ASCII), dtype=np.uint8))
        return data, bounds, np.zeros(0, dtype=np.int64), starts, ends
    at, points, kinds = _characters(data)
    if len(changing := at[kinds & _CHANGES > 0]):
        # Normalising costs as much as all the rest, and what most texts have beyond ASCII is normal already.
        for number in np.unique(np.searchsorted(bounds, changing, side="right") - 1).tolist():
            plain = unicodedata.normalize("NFKC", texts[number]).casefold()
            parts[number] = plain.encode("utf-8", "surrogatepass")
        data, bounds = _concatenated(parts)
        at, points, kinds = _characters(data)
    kinds &= ~np.uint8(_CHANGES)
    alone = np.flatnonzero(kinds == _ALONE)
    kinds[alone] += (np.arange(len(alone)) & 1).astype(np.uint8)  # neighbours differ, so that each is a run
    classes = np.frombuffer(data.translate(_ASCII), dtype=np.uint8).copy()
    for offset, least in enumerate((0, 0, 0x800, 0x10000)):
        here = points >= least
        classes[at[here] + offset] = kinds[here]
    if (kinds == _UNSEEN).any():
        data, classes, bounds = _drop(data, classes, bounds)
        at, points, _ = _characters(data)
    starts, ends = _runs(classes)
    return data, bounds, at[points == ord(BREAK)], starts, ends


def _concatenated(parts: list[bytes]) -> tuple[bytes, Ints]:
    """(all texts with a line break after each and eight spare bytes, where each starts and the last ends)."""
    bounds = np.zeros(len(parts) + 1, dtype=np.int64)
    np.cumsum([len(part) + 1 for part in parts], out=bounds[1:])
    return b"\n".join([*parts, b""]).lower() + bytes(8), bounds


def _drop(data: bytes, classes: Bytes, bounds: Ints) -> tuple[bytes, Bytes, Ints]:
    """Without the characters that nobody sees: a word with a soft hyphen is the word."""
    gone = np.flatnonzero(classes == _UNSEEN)
    kept = np.delete(np.frombuffer(data, dtype=np.uint8), gone).tobytes()
    return kept, np.delete(classes, gone), bounds - np.searchsorted(gone, bounds)


def _runs(classes: Bytes) -> tuple[Ints, Ints]:
    """(starts, ends) of the runs of one class that are tokens. The last bytes are of no token."""
    edges = np.flatnonzero(classes[1:] != classes[:-1]) + 1
    if classes[0] != _NOTHING:
        edges = np.append(0, edges)
    if classes.max() <= _WORD:  # words and what is between them take turns
        return edges[::2].copy(), edges[1::2].copy()
    inside = np.flatnonzero(classes[edges] != _NOTHING)
    return edges[inside], edges[inside + 1]


def _characters(data: bytes) -> tuple[Ints, Ints, Bytes]:
    """(where it begins, code point, kind) of each character beyond ASCII."""
    raw = np.frombuffer(data, dtype=np.uint8)
    at = np.flatnonzero(raw >= 0xC0)
    one, two, three, four = (raw[at + offset].astype(np.int64) for offset in range(4))
    points = (one & 0x1F) << 6 | two & 0x3F
    points = np.where(one >= 0xE0, (one & 0x0F) << 12 | (two & 0x3F) << 6 | three & 0x3F, points)
    points = np.where(one >= 0xF0, (one & 7) << 18 | (two & 0x3F) << 12 | (three & 0x3F) << 6 | four & 0x3F, points)
    for page in np.flatnonzero(np.bincount(points >> _PAGE, minlength=len(_known))).tolist():
        if not _known[page]:
            _learn(page << _PAGE, page + 1 << _PAGE)
            _known[page] = True
    return at, points, _kinds[points]


def _learn(first: int, end: int) -> None:
    """Look up what some code points are."""
    _kinds[first:end] = [_kind(chr(point)) for point in range(first, end)]
    for low, high in _UNSPACED:
        here = _kinds[max(first, low) : max(first, min(end, high + 1))]
        here[here & _WORD > 0] += _ALONE - _WORD
    for low, high in _INVISIBLE:
        _kinds[max(first, low) : max(first, min(end, high + 1))] = _UNSEEN


def _kind(character: str) -> int:
    mark = unicodedata.category(character) in ("Mn", "Mc")
    # Marks and the letters that Korean syllables are made of may become one with what stands before them.
    composes = mark or "\u1100" <= character < "\u1200"
    changes = composes or unicodedata.normalize("NFKC", character).casefold() != character
    return (_WORD if mark or character.isalnum() else _NOTHING) | (_CHANGES if changes else 0)
