"""Tasks in processes of this machine. Each worker has a pipe of its own, so it is known whose task ended which worker.

Not a general pool: one map at a time, and only the process that made it hands out tasks.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any

from copydesk.engine.tasks import Died, Done, EngineLost, Event, Item, Raised, Result, run

_SPAWN = multiprocessing.get_context("spawn")
"""Started fresh: Arrow's threads do not survive a fork."""
_FUNCTION, _ITEM = "function", "item"


@dataclass(slots=True)
class InProcess:
    """One task after the other, here."""

    mishaps: list[str] = field(default_factory=list, repr=False, compare=False)

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        for item in items:
            yield function(item)

    def __enter__(self) -> InProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


@dataclass(slots=True)
class LocalProcesses:
    """Processes on this machine. They end with each map, or, when entered, with the `with` block.

    `least`: bytes of input below which sharing the work costs more than it saves.
    """

    workers: int
    least: int = field(default=0, kw_only=True)
    mishaps: list[str] = field(default_factory=list, repr=False, compare=False, kw_only=True)
    _pool: _Processes | None = field(default=None, repr=False, compare=False, kw_only=True)

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        if len(items) < 2:  # a process takes longer to start than most single tasks to run
            return (function(item) for item in items)
        if self._pool is not None:
            return run(self._pool, function, items, self.mishaps)
        return self._map_once(function, items)

    def _map_once(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        pool = _Processes(min(self.workers, len(items)))
        try:
            yield from run(pool, function, items, self.mishaps)
        finally:
            pool.close()

    def __enter__(self) -> LocalProcesses:
        self._pool = _Processes(self.workers)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.close()
            self._pool = None


@dataclass(slots=True, eq=False)
class _Worker:
    """A process, the pipe to it, the task that it has, the map whose function it knows, and whether it has begun."""

    process: BaseProcess
    pipe: Connection
    task: int | None = None
    knows: int = 0
    begun: bool = False


class _Processes:
    """The pool of tasks.py over processes. They are started when there is work for them."""

    busy = False
    together = 1  # what ends a process here is want of memory, as a rule: next time the task gets all there is

    def __init__(self, workers: int) -> None:
        self._count = workers
        self._workers: list[_Worker] = []
        self._function, self._maps = b"", 0

    def begin(self, function: Callable[[Any], Any]) -> None:
        self._function, self._maps = pickle.dumps((_FUNCTION, function)), self._maps + 1

    def capacity(self) -> int:
        return self._count

    def submit(self, number: int, item: Any) -> None:
        while True:
            worker = next((w for w in self._workers if w.task is None), None)
            if worker is None:
                worker = _start()
                self._workers.append(worker)
            try:
                if worker.knows != self._maps:
                    worker.pipe.send_bytes(self._function)
                    worker.knows = self._maps
                worker.pipe.send((_ITEM, item))
            except (BrokenPipeError, ConnectionResetError):  # it died between two tasks: no task is to blame
                self._remove(worker)
                continue
            worker.task = number
            return

    def wait(self) -> list[Event]:
        busy = {worker.pipe: worker for worker in self._workers if worker.task is not None}
        heard = [self._heard(busy[pipe]) for pipe in wait(list(busy)) if isinstance(pipe, Connection)]
        return [event for event in heard if event is not None]

    def _heard(self, worker: _Worker) -> Event | None:
        """What became of the task of a worker from which something has come: an answer, or the end of its pipe."""
        number = worker.task
        assert number is not None
        try:
            answer = worker.pipe.recv()
        except (EOFError, OSError):
            self._remove(worker)
            if not worker.begun and (worker.process.exitcode or 0) > 0:
                raise EngineLost(f"worker processes cannot start ({_ending(worker.process.exitcode)})") from None
            return Died(number=number, why=_ending(worker.process.exitcode))
        if not worker.begun:
            worker.begun = True
            return None
        worker.task = None
        result, error = answer
        if isinstance(error, MemoryError):
            self._remove(worker)  # what is left of its memory is in pieces
            return Died(number=number, why="not enough memory")
        return Done(number=number, result=result) if error is None else Raised(number=number, error=error)

    def _remove(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.pipe.close()
        worker.process.join(5)  # a closed pipe ends it
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()

    def end(self) -> None:
        for worker in [w for w in self._workers if w.task is not None]:
            worker.process.terminate()
            self._remove(worker)

    def close(self) -> None:
        self.end()
        for worker in self._workers:
            worker.pipe.close()
        for worker in list(self._workers):
            self._remove(worker)


def _ending(code: int | None) -> str:
    """How a process ended, in words."""
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return f"{name}{', often the answer to too little memory' if name == 'SIGKILL' else ''}"
    return f"exit code {code}"


def _start() -> _Worker:
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_work, args=(theirs,), daemon=True)
    try:
        process.start()
    except OSError as error:
        raise EngineLost(f"worker processes cannot start: {error.strerror}") from None
    theirs.close()  # so that its end is heard here
    return _Worker(process, ours)


def _work(pipe: Connection) -> None:
    """What a worker does: it says that it has begun, takes a function, then answers item after item."""
    # Records are trees without cycles; looking for cycles among them doubles the time of a block.
    gc.disable()
    # Ctrl-C reaches the whole group; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    function: Callable[[Any], Any] | None = None
    with contextlib.suppress(EOFError, OSError):  # of the pipe: there is no more to do
        pipe.send(None)
        while True:
            what, value = pipe.recv()
            if what == _FUNCTION:
                function = value
                continue
            assert function is not None
            pipe.send_bytes(_answer(function, value))


def _answer(function: Callable[[Any], Any], item: Any) -> bytes:
    """(result, None) or (None, what was raised), pickled."""
    try:
        return pickle.dumps((function(item), None))
    except Exception as error:
        error.add_note(traceback.format_exc())
        try:
            answer = pickle.dumps((None, error))
            pickle.loads(answer)  # not every exception can be made again from what it holds
        except Exception:
            return pickle.dumps((None, RuntimeError("".join(traceback.format_exception(error)))))
        return answer


def end_with_parent() -> None:
    """End this process when its parent is gone: it would wait for tasks for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
