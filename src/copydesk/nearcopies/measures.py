"""How alike two articles are: exact measures over their shingles. Not which articles are compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from copydesk.shingles import Hashes


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two articles by number, left < right, and what their sets of shingles have in common."""

    left: int
    right: int
    shared: int
    jaccard: float
    containment: float


def distinct(hashes: Hashes) -> Hashes:
    """The set of some shingles, in order."""
    out = hashes.copy()
    out.sort()
    apart = out[1:] != out[:-1]
    return out if apart.all() else out[np.append(True, apart)]


def measure(left: int, right: int, left_set: Hashes, right_set: Hashes) -> Pair:
    """What two sets of shingles, as `distinct` makes them, have in common."""
    if left > right:
        left, right = right, left
    both = np.concatenate((left_set, right_set))
    both.sort(kind="stable")  # which merges two runs that are sorted already
    shared = int(np.count_nonzero(both[1:] == both[:-1]))
    least, union = min(len(left_set), len(right_set)), len(both) - shared
    return Pair(
        left=left,
        right=right,
        shared=shared,
        jaccard=shared / union if union else 0.0,
        containment=shared / least if least else 0.0,
    )


def longest_run(left: Hashes, right: Hashes, width: int) -> int:
    """Tokens of the longest passage that two texts share; 0 if they share no shingle.

    By doubling: names for all passages of 1, 2, 4 … shingles, then the longest common one from the largest step down.
    It takes no more time where a text repeats itself. A text shorter than a shingle counts as one shingle.
    """
    names = [(left, right)]
    while _meet(*names[-1]):
        one, two = names[-1]
        step = 1 << (len(names) - 1)
        names.append((_follow(one, one[step:]), _follow(two, two[step:])))
    best, length = (left, right), 0
    for power in range(len(names) - 1, -1, -1):
        one, two = names[power]
        longer = (_follow(best[0], one[length:]), _follow(best[1], two[length:])) if length else (one, two)
        if _meet(*longer):
            best, length = longer, length + (1 << power)
    return length + width - 1 if length else 0


def _follow(first: Hashes, then: Hashes) -> Hashes:
    """A name for what follows on each other: `then` begins where `first` ends."""
    return spread(first[: len(then)] * np.uint64(0xD6E8FEB86659FD93) + then)


def _meet(left: Hashes, right: Hashes) -> bool:
    return bool(len(left) and len(right) and np.isin(left, right).any())


def spread(values: Hashes) -> Hashes:
    """SplitMix64: a one-to-one shuffle of 64-bit numbers."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
