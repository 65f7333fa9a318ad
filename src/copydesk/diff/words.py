"""What changed in a text: edits that apply exactly, offsets carried over them, and a word diff for people.

Whole words are compared (single characters in scripts that put no spaces), so that a span on a word which was respelled
goes with the word. Not a minimal edit script: words that stand once in both texts are the anchors, as in patience
diff, which reads better and stays fast when everything was rewritten.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

Edits = list[list[int | str]]
"""[start, end, replacement] each: code points of the old text, in order, not overlapping."""

_UNSPACED = (
    "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U0001b000-\U0001b2ff\U00020000-\U0003ffff"
)
"""Thai, Lao, Tibetan, Myanmar, Khmer, kana, Chinese characters: one token each."""
_TOKEN = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|[^\S\n]+|.", re.S)
_SENTENCE_END = frozenset(".!?…。！？”\"’')")
_SMALL = 20_000
"""Pairs of equal words up to which the longest common run of words is looked for in a stretch without anchors."""
_GRAMS = (1, 4, 16, 64)
"""Tokens that an anchor has: a word alone, else a run of words where every word is repeated."""

_Op = tuple[int, int, int, int]
"""Tokens old[i1:i2] became new[j1:j2]."""


def edits(old: str, new: str) -> Edits:
    """The edits that make `new` of `old`."""
    if old == new:
        return []
    a, b = _TOKEN.findall(old), _TOKEN.findall(new)
    at = [0, *accumulate(map(len, a))]
    return [[at[i1], at[i2], "".join(b[j1:j2])] for i1, i2, j1, j2 in _operations(a, b)]


def apply_edits(old: str, made: Edits) -> str:
    """The text that the edits make of `old`."""
    parts, last = [], 0
    for start, end, replacement in made:
        assert isinstance(start, int) and isinstance(end, int) and isinstance(replacement, str)
        parts += [old[last:start], replacement]
        last = end
    return "".join([*parts, old[last:]])


class Carrier:
    """Where offsets of the old text lie in the new one."""

    def __init__(self, made: Edits) -> None:
        self.edits = made
        self.starts = [int(start) for start, _, _ in made]
        self.ends = [int(end) for _, end, _ in made]
        grown = [len(str(replacement)) - (int(end) - int(start)) for start, end, replacement in made]
        self.shifts = [0, *accumulate(grown)]

    def start(self, offset: int) -> tuple[int, bool]:
        """Where a span that begins at `offset` begins now, and whether that is sure. What was put in before it is
        not part of it; inside a replaced stretch, it begins with what is there instead."""
        done = bisect_right(self.ends, offset)
        if done < len(self.starts) and self.starts[done] < offset:
            return self.starts[done] + self.shifts[done], False
        return offset + self.shifts[done], True

    def end(self, offset: int) -> tuple[int, bool]:
        """Where a span that ends at `offset` ends now. What was put in after it is not part of it."""
        done = bisect_left(self.starts, offset)
        if done and self.ends[done - 1] > offset:
            return self.ends[done - 1] + self.shifts[done], False
        return offset + self.shifts[done], True

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a span lies now; where that is not sure, on what stands there instead; empty if it is gone."""
        left, right = self.start(start)[0], self.end(end)[0]
        return left, max(left, right)


def carry(made: Edits, start: int, end: int) -> tuple[int, int] | None:
    """Where a span of the old text lies in the new one: None if it is gone, or begins or ends inside an edit."""
    carrier = Carrier(made)
    (left, left_sure), (right, right_sure) = carrier.start(start), carrier.end(end)
    return (left, right) if left_sure and right_sure and left < right else None


def shown(old: str, new: str, context: int = 30, *, made: Edits | None = None) -> str:
    """The word diff for people: `the [-old-]{+new+} word`, with `context` code points around what changed.

    Characters are given as they stand; whoever shows them on a terminal makes them visible. `made`: the edits, if they
    are known already.
    """
    parts, last = [], 0
    hunks = [(int(s), int(e), str(r)) for s, e, r in (edits(old, new) if made is None else made)]
    for index, (start, end, replacement) in enumerate(hunks):
        gap = old[last:start]
        if index == 0:
            gap = gap if len(gap) <= context + 1 else f"…{gap[len(gap) - context :]}"
        elif len(gap) > 2 * context + 1:
            gap = f"{gap[:context]}…{gap[len(gap) - context :]}"
        removed = f"[-{old[start:end]}-]" if end > start else ""
        parts += [gap, removed, f"{{+{replacement}+}}" if replacement else ""]
        last = end
    tail = old[last:]
    parts.append("" if not hunks else tail if len(tail) <= context + 1 else f"{tail[:context]}…")
    return "".join(parts)


def _operations(a: Sequence[str], b: Sequence[str]) -> list[_Op]:
    """What lies between the matching blocks, tidied for readers."""
    i = j = 0
    found: list[_Op] = []
    for block_i, block_j, size in [*_blocks(a, b), (len(a), len(b), 0)]:
        if i < block_i or j < block_j:
            found.append((i, block_i, j, block_j))
        i, j = block_i + size, block_j + size
    slid = [_slide(a, b, op, low, high) for op, low, high in _with_room(_bridge(a, found), len(a))]
    return [op for op in _joined(slid) if a[op[0] : op[1]] != b[op[2] : op[3]]]


def _joined(operations: Sequence[_Op]) -> list[_Op]:
    """Neighbours that slid up against each other are one edit."""
    out: list[_Op] = []
    for op in operations:
        if out and out[-1][1] == op[0]:
            out[-1] = (out[-1][0], op[1], out[-1][2], op[3])
        else:
            out.append(op)
    return out


def _bridge(a: Sequence[str], operations: Sequence[_Op]) -> list[_Op]:
    """Neighbours with only white space or a sign between them are one edit: two words replaced, not twice one."""
    out: list[_Op] = []
    for op in operations:
        between = a[out[-1][1] : op[0]] if out else ()
        both_replace = bool(out) and all(o[0] < o[1] and o[2] < o[3] for o in (out[-1], op))
        if both_replace and len(between) == 1 and between[0] != "\n" and not between[0][0].isalnum():
            out[-1] = (out[-1][0], op[1], out[-1][2], op[3])
        else:
            out.append(op)
    return out


def _with_room(operations: Sequence[_Op], length: int) -> Iterator[tuple[_Op, int, int]]:
    """Each operation with the equal tokens before and after it, up to its neighbours: room to slide."""
    bounds = [0, *(op[1] for op in operations)], [*(op[0] for op in operations), length]
    for index, op in enumerate(operations):
        yield op, op[0] - bounds[0][index], bounds[1][index + 1] - op[1]


def _slide(a: Sequence[str], b: Sequence[str], op: _Op, before: int, after: int) -> _Op:
    """Of the places where an insertion or deletion could as well have been made, the one that a writer means: at the
    start of a line, of a sentence, of a word. A whole sentence put in then pushes the next one, and cuts no span."""
    i1, i2, j1, j2 = op
    if (i1 < i2) == (j1 < j2):
        return op
    tokens, low, high = (a, i1, i2) if i1 < i2 else (b, j1, j2)
    left = right = 0
    while left < min(before, low) and tokens[low - left - 1] == tokens[high - left - 1]:
        left += 1
    while right < min(after, len(tokens) - high) and tokens[low + right] == tokens[high + right]:
        right += 1
    best = max(range(-left, right + 1), key=lambda step: (_weight(tokens, low + step), -abs(step), step))
    return i1 + best, i2 + best, j1 + best, j2 + best


def _weight(tokens: Sequence[str], at: int) -> int:
    """How natural it is that something begins at this token."""
    last = tokens[at - 1] if at else "\n"
    if last == "\n":
        return 3
    if last.isspace():
        return 2 if at > 1 and tokens[at - 2] in _SENTENCE_END else 1
    return 1 if last in _SENTENCE_END and last in "。！？" else 0


def _blocks(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int, int]]:
    """Matching blocks (i, j, size) in order, found between anchors, and again between those."""
    found: list[tuple[int, int, int]] = []
    stack = [(0, len(a), 0, len(b))]
    while stack:
        i, i_end, j, j_end = stack.pop()
        start = i
        while i < i_end and j < j_end and a[i] == b[j]:
            i, j = i + 1, j + 1
        if i > start:
            found.append((start, j - (i - start), i - start))
        size = 0
        while i < i_end and j < j_end and a[i_end - 1] == b[j_end - 1]:
            i_end, j_end, size = i_end - 1, j_end - 1, size + 1
        if size:
            found.append((i_end, j_end, size))
        if i == i_end or j == j_end:
            continue
        left, right = a[i:i_end], b[j:j_end]
        anchors = next((at for n in _GRAMS if (at := _anchors(left, right, n))), None) or _common(left, right)
        if anchors:
            cuts = [(0, 0), *anchors, (i_end - i, j_end - j)]
            stack += [(i + x, i + x2, j + y, j + y2) for (x, y), (x2, y2) in pairwise(cuts)]
    return sorted(found)


def _anchors(a: Sequence[str], b: Sequence[str], size: int) -> list[tuple[int, int]]:
    """Places of the runs of `size` tokens that stand once in each, as many as keep their order in both."""
    grams_a, grams_b = _grams(a, size), _grams(b, size)
    count_a, count_b = Counter(grams_a), Counter(grams_b)
    where = {gram: at for at, gram in enumerate(grams_b) if count_b[gram] == 1}
    pairs = [(i, where[gram]) for i, gram in enumerate(grams_a) if count_a[gram] == 1 and gram in where]
    return _rising(pairs)


def _common(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """Places of a longest common subsequence of words (Hunt and Szymanski); none if too much is repeated."""
    where: dict[str, list[int]] = {}
    for j in range(len(b) - 1, -1, -1):
        where.setdefault(b[j], []).append(j)
    words = [
        (i, where[token]) for i, token in enumerate(a) if token in where and (token == "\n" or not token.isspace())
    ]
    if sum(len(places) for _, places in words) > _SMALL:
        return []
    # From the last place to the first, so that no two places of one word can both be in a rising run.
    return _rising([(i, j) for i, places in words for j in places])


def _grams(tokens: Sequence[str], size: int) -> list[tuple[str, ...]]:
    return list(zip(*(tokens[at:] for at in range(size)), strict=False))


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest run of pairs in which the second rises, too (patience sorting)."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, (_, value) in enumerate(pairs):
        at = bisect_left(tails, value)
        before.append(ends[at - 1] if at else -1)
        if at == len(tails):
            tails.append(value)
            ends.append(index)
        else:
            tails[at], ends[at] = value, index
    out, index = [], ends[-1] if ends else -1
    while index >= 0:
        out.append(pairs[index])
        index = before[index]
    return out[::-1]
