"""Connected components of a graph of numbers: the smallest number that each can be reached from. Knows no articles.

In memory by hooking and pointer jumping over whole arrays. Where edges outgrow a process, by rounds of exchange over
files: large-star and small-star in turn (Kiveris et al. 2014), each of which needs of a node only its neighbours, until
every node hangs on the smallest of its component.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from copydesk.nearcopies.work import Array, Work, by_key, segments, store, working
from copydesk.shingles import Ints

IN_MEMORY = 1 << 23
"""Edges up to which the arrays of one process are quicker than files."""
_EDGES = 1 << 20
"""Edges in one part of an exchange, about."""


def labels(count: int, left: Ints, right: Ints, work: Work | None = None) -> Ints:
    """For each of `count` nodes the smallest node of its component; edges in any order, in either direction."""
    if not len(left) or len(left) <= IN_MEMORY:
        return _at_once(count, left, right)
    with working(work) as here:
        return _in_rounds(count, left, right, here.inside("components"))


def _at_once(count: int, left: Ints, right: Ints) -> Ints:
    above = np.arange(count)
    while len(left):
        np.minimum.at(above, np.maximum(left, right), np.minimum(left, right))
        while (further := above[above]).tobytes() != above.tobytes():
            above = further
        left, right = above[left], above[right]
        apart = left != right
        left, right = left[apart], right[apart]
    return above


def _in_rounds(count: int, left: Ints, right: Ints, work: Work) -> Ints:
    """The same by exchange. Only the labels are in memory; edges lie in files from the first round on."""
    parts = min(1 << 16, max(1, -(-2 * len(left) // _EDGES)))
    folder, files = str(work.folder), []
    for number, start in enumerate(range(0, len(left), _EDGES)):
        some = slice(start, start + _EDGES)
        files.append(f"{folder}/given-{number}")
        _write(files[-1], parts, np.concatenate((left[some], right[some])), np.concatenate((right[some], left[some])))
    keys, number = list(range(parts)), 0
    while True:
        large = [f"{folder}/large-{number}-{key}" for key in keys]
        if not sum(work.engine.map(partial(_large, folder, number, parts, tuple(files)), keys)):
            break
        for _ in work.engine.map(partial(_small, folder, number, parts, tuple(large)), keys):
            pass
        files = [f"{folder}/small-{number}-{key}" for key in keys]
        number += 1
    out = np.arange(count)
    for key in keys:
        node, root = segments(large, key, ("one", "two"))
        out[node] = root
    return out


def _write(path: str, parts: int, one: Array, two: Array) -> None:
    order, first = by_key(one % parts, parts)
    store(path, {"first": first, "one": one[order], "two": two[order]})


def _sorted(files: Sequence[str], key: int) -> tuple[Ints, Ints, Ints]:
    """(nodes, where the neighbours of each begin, neighbours in order), each edge once, no node beside itself."""
    one, two = segments(files, key, ("one", "two"))
    order = np.lexsort((two, one))
    one, two = one[order], two[order]
    fresh = one != two
    fresh[1:] &= (one[1:] != one[:-1]) | (two[1:] != two[:-1])
    one, two = one[fresh], two[fresh]
    first = np.flatnonzero(np.append(True, one[1:] != one[:-1])) if len(one) else np.zeros(0, dtype=np.int64)
    return one, first, two


def _large(folder: str, number: int, parts: int, files: Sequence[str], key: int) -> int:
    """Hang the larger neighbours of each node on the smallest of all. Returns how many nodes are in no star yet."""
    one, first, two = _sorted(files, key)
    many = np.diff(np.append(first, len(one)))
    least = np.minimum(one[first], two[first])
    below = np.bincount(np.repeat(np.arange(len(first)), many)[two < one], minlength=len(first))
    larger = two > one
    _write(f"{folder}/large-{number}-{key}", parts, two[larger], np.repeat(least, many)[larger])
    return int(((below > 1) | ((below == 1) & (many > 1))).sum())


def _small(folder: str, number: int, parts: int, files: Sequence[str], key: int) -> None:
    """Hang each node and its smaller neighbours on the smallest of them. All that come here are smaller."""
    one, first, two = _sorted(files, key)
    least = two[first]
    node = np.concatenate((one[first], two))
    root = np.concatenate((least, np.repeat(least, np.diff(np.append(first, len(one))))))
    apart = node != root
    node, root = node[apart], root[apart]
    _write(f"{folder}/small-{number}-{key}", parts, np.concatenate((node, root)), np.concatenate((root, node)))
