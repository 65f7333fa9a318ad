"""Tasks on Ray: a cluster that is there already, or one of its own on this machine.

Ray ends the process that talks to it when its head is lost, and writes its logs there. So a process of its own, the
driver, talks to Ray; the build talks to the driver through a pipe, and outlives it.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import pickle
import queue
import secrets
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from copydesk.engine import EngineOptions
from copydesk.engine.likeness import NOTHING, Expected, Unlike, call, expected
from copydesk.engine.local import end_with_parent
from copydesk.engine.tasks import Died, Done, EngineLost, Event, Item, Raised, Result, run

_AHEAD = 2
"""Tasks under way for each processor: one that runs, one that waits for it."""
_TICK = 0.5
"""Seconds between two looks at whether anybody is still there."""
_COUNT = 5.0
"""Seconds between two counts of the processors: a cluster may grow while it works."""
_STORE = 100 * 2**20
"""Bytes of the object store of a cluster of its own: results are small, rows are in files."""


@dataclass(slots=True)
class Ray:
    """Tasks on a Ray cluster."""

    pool: _Cluster
    mishaps: list[str] = field(default_factory=list)

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        return run(self.pool, function, items, self.mishaps)


@contextlib.contextmanager
def open_ray(options: EngineOptions) -> Iterator[Ray]:
    """The engine on the cluster that `options` name, or on processes of this machine. Raises EngineLost."""
    with expected(options.shared) as held_to:
        pool = _Cluster(options, held_to)
        try:
            pool.admit()
            yield Ray(pool)
        finally:
            pool.close()


class _Cluster:
    """The pool of tasks.py over the driver."""

    busy = False
    together = 2  # a lost node takes many tasks with it: most of them are not to blame

    def __init__(self, options: EngineOptions, held_to: Expected) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._driver = context.Process(target=_drive, args=(theirs, options, held_to))
        self._driver.start()
        theirs.close()
        self._patience, self._name = options.patience, options.scheduler or "of its own"
        self._capacity, self._map, self._heard = 1, 0, time.monotonic()

    def admit(self) -> None:
        """Wait until the driver has reached the cluster and has held its nodes to what is expected of them."""
        starting = time.monotonic() + self._patience + 60  # the first import of Ray on a slow disk takes its time
        while time.monotonic() < starting:
            if self._pipe.poll(_TICK) and self._message()[0] == "ready":
                return
        raise EngineLost(f"the Ray cluster {self._name} does not answer")

    def _message(self) -> tuple[Any, ...]:
        """The next thing that the driver says. Raises EngineLost if that is that all is lost, or if it died."""
        try:
            message: tuple[Any, ...] = self._pipe.recv()
        except (EOFError, OSError):
            raise EngineLost("the connection to the Ray cluster was lost") from None
        self._heard = time.monotonic()
        if message[0] == "capacity":
            self._capacity = message[1]
        elif message[0] == "gone":
            raise EngineLost(message[1])
        return message

    def _tell(self, *message: Any) -> None:
        try:
            self._pipe.send(message)
        except OSError:
            self._message()  # why it is gone, if it could still say so
            raise EngineLost("the connection to the Ray cluster was lost") from None

    def begin(self, function: Callable[[Any], Any]) -> None:
        self._map += 1
        self._heard = time.monotonic()  # nobody listened between two maps
        self._tell("function", pickle.dumps(function))

    def capacity(self) -> int:
        return self._capacity

    def submit(self, number: int, item: Any) -> None:
        self._tell("task", (self._map, number), pickle.dumps(item))

    def wait(self) -> list[Event]:
        if not self._pipe.poll(_TICK):
            if time.monotonic() - self._heard > self._patience:
                raise EngineLost("the Ray cluster does not answer any more")
            return []
        what, *values = self._message()
        if what != "event" or values[0][0] != self._map:
            return []
        (_, number), kind, value = values
        if kind == "done":
            return [Done(number=number, result=pickle.loads(value))]
        return [Died(number=number, why=value) if kind == "died" else Raised(number=number, error=value)]

    def end(self) -> None:
        with contextlib.suppress(EngineLost):
            self._tell("end")

    def close(self) -> None:
        """End the driver, and with it a cluster of its own."""
        self._pipe.close()
        self._driver.join(20)
        if self._driver.is_alive():
            self._driver.kill()
            self._driver.join()


def _drive(pipe: Connection, options: EngineOptions, held_to: Expected) -> None:
    """What the driver does."""
    end_with_parent()
    silent = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silent, stream)
    folder = tempfile.mkdtemp(prefix="cd-ray-") if options.scheduler is None else None
    try:
        _Driver(pipe, options, held_to).work(folder)
    except _Gone as gone:
        with contextlib.suppress(OSError):
            pipe.send(("gone", str(gone)))
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)  # Ray's own end may wait for nodes that are gone


class _Gone(Exception):  # noqa: N818 - it is a message
    """The cluster cannot be used, or not any more."""


class _Driver:
    """Tasks that came through the pipe and run on Ray."""

    def __init__(self, pipe: Connection, options: EngineOptions, held_to: Expected) -> None:
        os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0")
        if options.scheduler is None:
            os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # that is: stay on the loopback interface
            os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))  # and let nobody else in
        import ray

        self._ray, self._pipe, self._options, self._held_to = ray, pipe, options, held_to
        self._told: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()
        self._under_way: dict[Any, tuple[int, int]] = {}
        self._function: Any = None
        self._counted, self._answered = -_COUNT, time.monotonic()

    def work(self, folder: str | None) -> None:
        self._connect(folder)
        self._admit()
        self._pipe.send(("ready",))
        threading.Thread(target=self._listen, daemon=True).start()
        while self._hear():
            self._look()
            self._collect()
        self._ray.shutdown()

    def _connect(self, folder: str | None) -> None:
        settings: dict[str, Any] = {"address": self._options.scheduler}
        host, _, port = (self._options.scheduler or "").rpartition(":")
        if port.isdecimal():
            self._knock(host, int(port))  # Ray itself waits for more than a minute, then ends the process
        if folder is not None:
            settings = {"address": "local", "num_cpus": self._options.workers or 1, "_temp_dir": folder}
            settings |= {"object_store_memory": _STORE, "include_dashboard": False}
        try:
            self._ray.init(**settings, log_to_driver=False, logging_level=logging.CRITICAL, ignore_reinit_error=True)
        except Exception as error:  # Ray raises many kinds; all of them mean the same here
            why = " ".join(str(error).split())[:200]
            raise _Gone(f"the Ray cluster {self._options.scheduler or ''} cannot be reached: {why}") from None
        self._call = self._ray.remote(max_retries=0, num_cpus=1)(call)
        self._head = self._ray.get_runtime_context().gcs_address

    def _knock(self, host: str, port: int) -> None:
        """Wait until somebody listens there."""
        deadline = time.monotonic() + self._options.patience
        while True:
            try:
                socket.create_connection((host, port), timeout=self._options.patience).close()
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    name = self._options.scheduler
                    raise _Gone(f"the Ray cluster {name} cannot be reached: {error.strerror or error}") from None
            time.sleep(0.2)

    def _admit(self) -> None:
        """Hold every node to what is expected of it."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        deadline = time.monotonic() + self._options.patience
        while not self._capacity():
            if time.monotonic() > deadline:
                raise _Gone(f"the Ray cluster has no workers, after {self._options.patience:g} seconds")
            time.sleep(0.1)
        for node in self._nodes():
            strategy = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            task = self._call.options(scheduling_strategy=strategy, num_cpus=0)
            try:
                self._ray.get(task.remote(self._held_to, *NOTHING), timeout=self._options.patience)
            except Exception as error:
                raise _Gone(_unfit(getattr(error, "cause", error), node["NodeManagerAddress"])) from None

    def _nodes(self) -> list[dict[str, Any]]:
        return [node for node in self._ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]

    def _capacity(self) -> int:
        processors = int(sum(node["Resources"]["CPU"] for node in self._nodes()))
        return min(_AHEAD * processors, self._options.workers or _AHEAD * processors)

    def _listen(self) -> None:
        """The pipe is emptied at all times, so that neither side waits for the other to read."""
        try:
            while True:
                self._told.put(self._pipe.recv())
        except (EOFError, OSError):
            self._told.put(None)

    def _hear(self) -> bool:
        """Do what was asked for. Returns False when the build is done."""
        with contextlib.suppress(queue.Empty):
            while True:
                message = self._told.get(timeout=0 if self._under_way else _TICK)
                if message is None:
                    return False
                what, *values = message
                if what == "function":
                    self._function = self._ray.put(values[0])
                elif what == "task":
                    number, item = values
                    self._under_way[self._call.remote(self._held_to, self._function, item)] = number
                elif what == "end":
                    for task in self._under_way:
                        self._ray.cancel(task, force=True)
                    self._under_way.clear()
        return True

    def _look(self) -> None:
        """Say how many processors there are, now and then. Raises _Gone if the head, or all of them, are gone."""
        now = time.monotonic()
        if now - self._counted < _COUNT:
            return
        self._counted = now
        try:
            host, _, port = self._head.rpartition(":")
            socket.create_connection((host, int(port)), timeout=_COUNT).close()
        except OSError:
            if now - self._answered > self._options.patience / 2:
                raise _Gone("the head of the Ray cluster is gone") from None
            return
        if capacity := self._capacity():
            self._answered = now
            self._pipe.send(("capacity", capacity))
        elif now - self._answered > self._options.patience:
            raise _Gone(f"the last Ray node is gone, and none came in {self._options.patience:g} seconds")

    def _collect(self) -> None:
        """Pass on what has come to an end."""
        if not self._under_way:
            return
        ready, _ = self._ray.wait(list(self._under_way), num_returns=1, timeout=0.05)
        for task in ready:
            number = self._under_way.pop(task)
            try:
                kind, value = "done", self._ray.get(task)
            except self._ray.exceptions.RayTaskError as error:
                kind, value = _verdict(error.cause)
            except self._ray.exceptions.OutOfMemoryError:
                kind, value = "died", "not enough memory"
            except self._ray.exceptions.RayError as error:
                kind, value = "died", _ENDINGS.get(type(error).__name__, type(error).__name__)
            self._pipe.send(("event", number, kind, value))


_ENDINGS = {
    "WorkerCrashedError": "the worker died",
    "NodeDiedError": "its node was lost",
    "ObjectLostError": "a node was lost before the result was fetched",
}


def _verdict(cause: Any) -> tuple[str, Any]:
    """What an exception of a task means for it."""
    if isinstance(cause, MemoryError):
        return "died", "not enough memory"
    if isinstance(cause, Unlike | ImportError):
        raise _Gone(_unfit(cause, ""))
    return "raised", cause if isinstance(cause, BaseException) else RuntimeError(str(cause))


def _unfit(error: Any, node: str) -> str:
    if isinstance(error, Unlike):
        return str(error)
    return f"the node {node} cannot take part: {' '.join(str(error).split())[:200]}"
