"""Tasks on Dask: a cluster that is there already, or one of its own on this machine.

Dask is asked for nothing but to run functions. Tasks are handed over as workers come free, so a scheduler never holds
more than a few for each; rows never pass through it.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import pickle
import queue
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dask
import distributed

from copydesk.engine import EngineOptions
from copydesk.engine.likeness import NOTHING, Expected, Unlike, call, expected
from copydesk.engine.tasks import Died, Done, EngineLost, Event, Item, Raised, Result, run

_AHEAD = 2
"""Tasks under way for each thread of a worker: one that runs, one that waits for it."""
_TICK = 0.5
"""Seconds between two looks at whether anybody is still there."""
_COUNT = 5.0
"""Seconds between two counts of the workers: a cluster may grow while it works."""
_SILENT = logging.CRITICAL + 1
_GONE = "the connection to the Dask scheduler was lost"


@dataclass(slots=True)
class Dask:
    """Tasks on a Dask cluster."""

    pool: _Cluster
    mishaps: list[str] = field(default_factory=list)

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        return run(self.pool, function, items, self.mishaps)


@contextlib.contextmanager
def open_dask(options: EngineOptions) -> Iterator[Dask]:
    """The engine on the scheduler that `options` name, or on processes of this machine. Raises EngineLost."""
    logging.getLogger("distributed").setLevel(_SILENT)  # what goes wrong is said in our words
    with contextlib.ExitStack() as stack:
        settings = {
            "distributed.scheduler.allowed-failures": 2,  # of a cluster of its own; another has settings of its own
            "distributed.comm.timeouts.connect": f"{options.patience}s",
            "distributed.admin.tick.limit": "1h",
            "distributed.diagnostics.nvml": False,
        }
        stack.enter_context(dask.config.set(settings))
        client = _connect(options, stack)
        held_to = stack.enter_context(expected(options.shared))
        engine = Dask(_Cluster(client, held_to, options))
        client.subscribe_topic("all", functools.partial(engine.pool.worker_left, engine.mishaps))
        engine.pool.admit()
        yield engine


def _connect(options: EngineOptions, stack: contextlib.ExitStack) -> distributed.Client:
    target: dict[str, Any]
    if options.scheduler is None:
        target = {"address": _own_cluster(options, stack)}
    elif Path(options.scheduler).is_file():
        target = {"scheduler_file": options.scheduler}
    else:
        target = {"address": options.scheduler}
    try:
        client = distributed.Client(**target, timeout=options.patience, set_as_default=False)
    except (OSError, ValueError, TypeError, ImportError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EngineLost(f"the Dask scheduler {options.scheduler} cannot be reached: {why}") from None
    stack.callback(_leave, client)
    return client


def _own_cluster(options: EngineOptions, stack: contextlib.ExitStack) -> distributed.LocalCluster:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="copydesk-dask-", ignore_cleanup_errors=True))
    count = options.workers or 1
    cluster = distributed.LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        memory_limit=options.memory // count if options.memory else "auto",
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        worker_dashboard_address=None,
        silence_logs=_SILENT,
        local_directory=folder,
    )
    stack.callback(cluster.close, timeout=10)
    return cluster


def _leave(client: distributed.Client) -> None:
    with contextlib.suppress(Exception):  # whoever is not there any more cannot be told
        client.close(timeout=5)


class _Cluster:
    """The pool of tasks.py over a Dask client."""

    busy = False
    together = 1  # Dask has tried such a task beside others, more than once, when it gives it up

    def __init__(self, client: distributed.Client, held_to: Expected, options: EngineOptions) -> None:
        self._client, self._held_to, self._options = client, held_to, options
        self._function = b""
        self._futures: dict[str, tuple[int, distributed.Future]] = {}
        self._finished: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._capacity, self._counted, self._seen = 1, -_COUNT, time.monotonic()

    def admit(self) -> None:
        """Wait for the first worker, and hold those that are there to what is expected of them."""
        deadline = time.monotonic() + self._options.patience
        while not self._workers():
            if time.monotonic() > deadline:
                raise EngineLost(f"the Dask scheduler has no workers, after {self._options.patience:g} seconds")
            time.sleep(0.05)
        answers = self._client.run(call, self._held_to, *NOTHING, on_error="return")
        for address, answer in sorted(answers.items()):
            if isinstance(answer, Exception):
                raise EngineLost(_unfit(address, answer))

    def begin(self, function: Callable[[Any], Any]) -> None:
        self._function, self._seen = pickle.dumps(function), time.monotonic()

    def capacity(self) -> int:
        if time.monotonic() - self._counted > _COUNT:
            threads = sum(self._workers().values())
            self._capacity = max(1, min(_AHEAD * threads, self._options.workers or _AHEAD * threads))
            self._counted = time.monotonic()
        return self._capacity

    def _workers(self) -> dict[str, int]:
        """Those who are there now, and how many threads each has."""
        try:
            workers: dict[str, int] = self._client.nthreads()
        except OSError:
            raise EngineLost(_GONE) from None
        return workers

    def submit(self, number: int, item: Any) -> None:
        future = self._client.submit(call, self._held_to, self._function, pickle.dumps(item), pure=False)
        self._futures[future.key] = number, future
        future.add_done_callback(lambda done: self._finished.put(done.key))

    def wait(self) -> list[Event]:
        try:
            key = self._finished.get(timeout=_TICK)
        except queue.Empty:
            self._look()
            return []
        if key not in self._futures:  # of a map that was given up
            return []
        number, future = self._futures.pop(key)
        self._seen = time.monotonic()
        return [self._event(number, future)]

    def _look(self) -> None:
        """Raise EngineLost if the scheduler is gone, or has had no worker for longer than one is waited for."""
        if self._client.status != "running":
            raise EngineLost(_GONE)
        if self._workers():
            self._seen = time.monotonic()
        elif time.monotonic() - self._seen > self._options.patience:
            raise EngineLost(f"the last Dask worker is gone, and none came in {self._options.patience:g} seconds")

    def _event(self, number: int, future: distributed.Future) -> Event:
        if future.status == "finished":
            try:
                return Done(number=number, result=pickle.loads(future.result(timeout=self._options.patience)))
            except (OSError, TimeoutError, distributed.CancelledError):
                if self._client.status != "running":
                    raise EngineLost(_GONE) from None
                return Died(number=number, why="a node was lost before its result was fetched")
        if future.cancelled():
            raise EngineLost(_GONE)
        error = future.exception()
        if isinstance(error, distributed.KilledWorker):
            why = f"the workers died, the last on {error.last_worker.host}"
            return Died(number=number, why=why, times=error.allowed_failures + 1)
        if isinstance(error, MemoryError):
            return Died(number=number, why="not enough memory")
        if isinstance(error, Unlike | ImportError):
            raise EngineLost(_unfit("", error))
        return Raised(number=number, error=error)

    def worker_left(self, mishaps: list[str], event: tuple[float, dict[str, Any]]) -> None:
        """What the scheduler says of a worker that left: its tasks run again, and Dask sees to that."""
        _, what = event
        if what.get("action") == "remove-worker" and not what.get("expected"):
            lost = set(what.get("processing-tasks", ())) & set(self._futures)
            mishaps.extend(f"the worker {what.get('worker', '')} was lost" for _ in lost)

    def end(self) -> None:
        with contextlib.suppress(Exception):  # whoever is not there any more cannot be told
            self._client.cancel([future for _, future in self._futures.values()], force=True)
        self._futures.clear()


def _unfit(address: str, error: BaseException) -> str:
    if isinstance(error, Unlike):
        return str(error)
    return f"the worker {address} cannot take part: {error}"
