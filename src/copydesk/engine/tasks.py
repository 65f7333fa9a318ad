"""How the tasks of a map are handed out, and what becomes of one whose worker dies: the same for every engine.

It knows nothing of processes or machines. A pool runs tasks; what is here decides which, when, and how often.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

TRIES = 3
"""How often a task may end its worker before it is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A task came to its end."""

    number: int
    result: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """A task raised: nothing is wrong with its worker."""

    number: int
    error: BaseException


@dataclass(frozen=True, slots=True, kw_only=True)
class Died:
    """The worker of a task ended before the task did, `times` times; `why` says all that is known."""

    number: int
    why: str
    times: int = 1


Event = Done | Raised | Died


class Pool(Protocol):
    """What differs from engine to engine: a place where tasks run, each known by its number. One map at a time."""

    busy: bool

    @property
    def together(self) -> int:
        """How often a task whose worker died is tried beside other tasks, before it is tried alone."""
        ...

    def begin(self, function: Callable[[Any], Any]) -> None:
        """What the next tasks call."""
        ...

    def capacity(self) -> int:
        """How many tasks may be under way: enough to keep every worker busy, no more."""
        ...

    def submit(self, number: int, item: Any) -> None:
        """Start a task. Is only called while fewer than `capacity` are under way."""
        ...

    def wait(self) -> list[Event]:
        """Wait a while for something to happen. Raises EngineLost if nothing ever will."""
        ...

    def end(self) -> None:
        """Stop whatever is still under way; nothing more will be heard of it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LostTask:
    """A task that was given up: the item it was about, and how its workers ended."""

    number: int
    item: Any
    tries: int
    why: str


class TasksLost(Exception):  # noqa: N818 - nothing is wrong with the program: the system ended its processes
    """Tasks that ended their worker every time. Raised when all others are done and their results given."""

    def __init__(self, lost: tuple[LostTask, ...]) -> None:
        super().__init__(f"{len(lost)} task(s) ended their worker every time")
        self.lost = lost


class EngineLost(Exception):  # noqa: N818 - see above
    """There is nothing left that could run tasks, or there never was. The message says what is missing."""


def run(pool: Pool, function: Callable[[Item], Result], items: Sequence[Item], mishaps: list[str]) -> Iterator[Result]:
    """The results of `function` over `items` in a pool, as they come.

    A task whose worker died runs again, in the end alone: so it has all the memory there is, and if its worker dies
    then too, it is known which task did it. What went wrong and was made good is added to `mishaps`.
    """
    assert not pool.busy, "one map at a time: take all results of one before the next"
    tasks = _Tasks(pool, items, mishaps)
    pool.busy = True
    try:
        pool.begin(function)
        while tasks.submit():
            for event in pool.wait():
                if isinstance(event, Raised):
                    raise event.error
                if isinstance(event, Died):
                    tasks.died(event)
                    continue
                tasks.under_way.discard(event.number)
                tasks.submit()  # whoever takes the result may take its time
                yield event.result
    finally:
        pool.busy = False
        pool.end()
    if tasks.lost:
        raise TasksLost(tuple(sorted(tasks.lost, key=lambda lost: lost.number)))


class _Tasks:
    """Which tasks of one map wait, are under way, are to run alone, and are lost."""

    def __init__(self, pool: Pool, items: Sequence[Any], mishaps: list[str]) -> None:
        self._pool, self._items, self._mishaps = pool, items, mishaps
        self._waiting, self._suspects = deque(range(len(items))), deque[int]()
        self._deaths: Counter[int] = Counter()
        self._alone: int | None = None
        self.under_way: set[int] = set()
        self.lost: list[LostTask] = []

    def submit(self) -> bool:
        """Start what can be started. Returns whether anything is still under way."""
        self._alone = self._alone if self._alone in self.under_way else None
        while self._alone is None and self._waiting and len(self.under_way) < self._pool.capacity():
            self._start(self._waiting.popleft())
        if not self.under_way and not self._waiting and self._suspects:
            self._alone = self._suspects.popleft()
            self._start(self._alone)
        return bool(self.under_way or self._waiting)

    def _start(self, number: int) -> None:
        self.under_way.add(number)
        self._pool.submit(number, self._items[number])

    def died(self, event: Died) -> None:
        """A task whose worker died goes to the end of the queue, among the suspects, or is given up."""
        number = event.number
        self.under_way.discard(number)
        self._deaths[number] += event.times
        tries = self._deaths[number]
        if number == self._alone and tries >= TRIES:
            self.lost.append(LostTask(number=number, item=self._items[number], tries=tries, why=event.why))
            return
        self._mishaps.append(event.why)
        (self._waiting if tries < self._pool.together else self._suspects).append(number)
