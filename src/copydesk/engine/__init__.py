"""How tasks run: in this process, in processes of this machine, on a cluster. Knows nothing of articles.

An engine maps a pure function over items; results come in any order, so what uses them sorts. What a task makes goes
to files under a name of its own that is changed when it is whole: a task that runs twice does no harm.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from copydesk.engine.local import InProcess, LocalProcesses
from copydesk.engine.machine import Size, fit, machine_memory, processors
from copydesk.engine.tasks import EngineLost, Item, LostTask, Result, TasksLost

__all__ = [
    "ENGINES", "SMALL", "Engine", "EngineLost", "EngineOptions", "InProcess", "Item", "LocalProcesses", "LostTask",
    "Result", "Size", "TasksLost", "fit", "for_size", "machine_memory", "missing_extra", "open_engine", "processors",
]  # fmt: skip


class Engine(Protocol):
    """What a way of running tasks offers. `mishaps`: what went wrong with workers and was made good, in words."""

    @property
    def mishaps(self) -> list[str]: ...

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """The results of `function` over `items`, in any order. An exception of a task is raised here.

        Raises TasksLost, when every other result is given, for tasks whose worker died every time; EngineLost when
        there is nothing left that could run tasks.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """Which engine, and how large. None of it has an influence on what comes out.

    `workers`: tasks at once, None for as many as there are processors. `least`: bytes of input below which processes
    of this machine cost more than they save. `scheduler`: the address of a cluster, or a file that holds it; None for
    one of its own on this machine. `memory`: bytes for the workers of this machine together. `patience`: seconds to
    wait for a scheduler to answer, or for a worker to come. `shared`: files and folders that every worker must see.
    """

    name: str = "local"
    workers: int | None = None
    least: int = 0
    scheduler: str | None = None
    memory: int | None = None
    patience: float = 60
    shared: tuple[Path, ...] = ()


SMALL = 32 * 2**20
"""Bytes of input below which starting processes takes longer than they save."""


def _local(options: EngineOptions) -> AbstractContextManager[Engine]:
    count = options.workers or processors()
    return LocalProcesses(count, least=options.least) if count > 1 else InProcess()


def _dask(options: EngineOptions) -> AbstractContextManager[Engine]:
    from copydesk.engine.dask import open_dask

    return open_dask(options)


def _ray(options: EngineOptions) -> AbstractContextManager[Engine]:
    from copydesk.engine.ray import open_ray

    return open_ray(options)


ENGINES: Mapping[str, Callable[[EngineOptions], AbstractContextManager[Engine]]] = {
    "local": _local,
    "dask": _dask,
    "ray": _ray,
}

_LIBRARY = {"dask": "distributed", "ray": "ray"}


def open_engine(options: EngineOptions) -> AbstractContextManager[Engine]:
    """The engine of that name, ready to run tasks; its workers end with the `with` block. Raises EngineLost."""
    return ENGINES[options.name](options)


def missing_extra(name: str) -> str | None:
    """What has to be installed before an engine can be used, or None if nothing has."""
    library = _LIBRARY.get(name)
    return f"copydesk[{name}]" if library and importlib.util.find_spec(library) is None else None


def for_size(engine: Engine, size: int) -> Engine:
    """The engine for tasks over so many bytes: this process if sharing them costs more than it saves."""
    return InProcess() if size < getattr(engine, "least", 0) else engine
