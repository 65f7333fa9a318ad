"""Components in memory and by rounds of exchange, against a union-find written out."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk import components
from copydesk.components import labels
from copydesk.engine import Item, LocalProcesses, Result
from copydesk.nearcopies import Work


def union_find(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    parents = list(range(count))

    def root(node: int) -> int:
        while parents[node] != node:
            node = parents[node]
        return node

    for left, right in edges:
        one, two = root(left), root(right)
        parents[max(one, two)] = min(one, two)
    return [root(node) for node in range(count)]


class Twice:
    """Every task runs twice, in any order."""

    def __init__(self, rnd: random.Random) -> None:
        self.rnd, self.mishaps = rnd, list[str]()

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        for item in self.rnd.sample(list(items), len(items)):
            function(item)
            yield function(item)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 60), st.integers(0, 2**32), st.sampled_from([0.3, 1, 3]), st.sampled_from([2, 7, 1000]))
def test_components_are_those_of_union_find(
    tmp_path_factory: pytest.TempPathFactory, count: int, seed: int, density: float, size: int
) -> None:
    rnd = random.Random(seed)
    edges = [(rnd.randrange(count), rnd.randrange(count)) for _ in range(int(count * density))]
    if rnd.random() < 0.3:  # a chain, the longest way that labels may have to go
        order = rnd.sample(range(count), count)
        edges += list(zip(order[1:], order[:-1], strict=True))
    left, right = (np.array([edge[end] for edge in edges], dtype=np.int64) for end in (0, 1))
    expected = union_find(count, edges)
    assert labels(count, left, right).tolist() == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(components, "IN_MEMORY", -1)
        patch.setattr(components, "_EDGES", size)
        work = Work(folder=tmp_path_factory.mktemp("work"), engine=Twice(rnd))
        assert labels(count, left, right, work).tolist() == expected


def test_processes_come_to_the_same(tmp_path: Path) -> None:
    rnd = np.random.default_rng(2)
    left, right = rnd.integers(0, 5000, 4000), rnd.integers(0, 5000, 4000)
    with pytest.MonkeyPatch.context() as patch, LocalProcesses(2) as processes:
        patch.setattr(components, "IN_MEMORY", 100)
        patch.setattr(components, "_EDGES", 1000)
        found = labels(5000, left, right, Work(folder=tmp_path, engine=processes))
    assert found.tolist() == union_find(5000, list(zip(left.tolist(), right.tolist(), strict=True)))
