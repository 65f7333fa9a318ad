"""How tasks run: in this process, or in local processes. Knows nothing of articles.

An engine maps a pure function over items; results come in any order, so what uses them sorts.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Engine(Protocol):
    """What a way of running tasks offers."""

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """The results of `function` over `items`, in any order. An exception of a task is raised here."""
        ...


@dataclass(frozen=True, slots=True)
class InProcess:
    """One task after the other, here."""

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        for item in items:
            yield function(item)


@dataclass(frozen=True, slots=True)
class LocalProcesses:
    """A pool of processes on this machine. Started fresh (spawn): Arrow's threads do not survive a fork."""

    workers: int

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        if len(items) < 2:  # a pool takes longer to start than most single tasks to run
            yield from InProcess().map(function, items)
            return
        context = multiprocessing.get_context("spawn")
        workers = min(self.workers, len(items))
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start)
        try:
            for future in as_completed([pool.submit(function, item) for item in items]):
                yield future.result()
        except BrokenExecutor as error:
            raise WorkerDied from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


class WorkerDied(Exception):  # noqa: N818 - nothing is wrong with the program: the system ended a process
    """A worker process ended before its task did: out of memory, or killed."""


def _start() -> None:
    # Records are trees without cycles; looking for cycles among them doubles the time of a block.
    gc.disable()
    # Ctrl-C reaches the whole group; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """End this worker when its parent is gone: it would wait for tasks for ever."""
    wait([sentinel])
    os._exit(1)


SMALL = 32 * 2**20
"""Bytes of input below which starting processes takes longer than they save."""


def engine_for(workers: int | None, size: int) -> Engine:
    """The engine for a number of workers; None is one for each processor, or none for `size` bytes that are few."""
    count = workers or (1 if size < SMALL else os.cpu_count() or 1)
    return LocalProcesses(count) if count > 1 else InProcess()
