"""One task, measured where it runs: in this process, in a worker, or on another node. Says what it was about."""

from __future__ import annotations

import os
import platform
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from copydesk.heads.model import StageResult
from copydesk.profile.processes import peak
from copydesk.profile.samples import Where, counting, part_of
from copydesk.sources import Block
from copydesk.write import Shard, WrittenShard

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a task took. `input`: bytes; `records`: that it read, or rows that it wrote; `process`: where it ran."""

    about: str
    process: str
    wall: float
    cpu: float
    memory: int
    input: int
    records: int
    samples: Counter[Where]


@dataclass(frozen=True, slots=True)
class Timed(Generic[Item, Result]):
    """The function of a task, which returns what it returns with what that took. Goes to workers as it is."""

    function: Callable[[Item], Result]

    def __call__(self, item: Item) -> tuple[Result, Task]:
        sampler, samples = counting()
        wall, cpu = time.perf_counter(), time.process_time()
        sampler.start()
        try:
            result = self.function(item)
        finally:
            sampler.stop()
        about, size = _about(item, self.function)
        return result, Task(
            about=about,
            process=process(),
            wall=time.perf_counter() - wall,
            cpu=time.process_time() - cpu,
            memory=peak(),
            input=size,
            records=_records(result),
            samples=samples,
        )


def process() -> str:
    """Which process this is, on whatever node."""
    return f"{platform.node()}:{os.getpid()}"


def _about(item: Any, function: Any) -> tuple[str, int]:
    """(what a task is about in the user's words, bytes of its input if known)."""
    item = getattr(item, "shard", item)  # with a cache, in what belongs to it
    if isinstance(item, Block):
        first, last = item.pieces[0], item.pieces[-1]
        lines = f":{first.line}" if first.lines else ""
        more = f" to {last.file}" if last.file != first.file else ""
        return f"{first.file}{lines}{more}", sum(piece.end - piece.start for piece in item.pieces)
    if isinstance(item, Shard):
        return f"{item.config.name}/{item.split}-{item.number:05d}", 0
    function = getattr(function, "func", function)  # of a partial
    module = str(getattr(function, "__module__", "")).removeprefix("copydesk.")
    return part_of((module, getattr(function, "__qualname__", ""))), 0


def _records(result: Any) -> int:
    result = getattr(result, "result", result)
    if isinstance(result, StageResult):
        return result.passed + result.failed
    return result.rows if isinstance(result, WrittenShard) else 0
