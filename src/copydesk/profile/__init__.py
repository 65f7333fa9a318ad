"""`--profile`: where the time of a build or a check goes, stage by stage, and what the stages do in it.

Stages begin when the build reports progress; CPU and memory are the system's figures for the process and its
children; tasks measure themselves where they run (tasks.py); what they do is sampled (samples.py). Nothing of it
enters a release, and without `--profile` nothing is measured. Figures for one machine and run: compare within it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from copydesk.engine import Engine
from copydesk.profile.processes import Held, Used, cpu, memory
from copydesk.profile.samples import Sampler, Where, part_of
from copydesk.profile.tasks import Item, Result, Task, Timed, process

_LOOKS = 10
"""Memory is read at every so manieth look at the driver's thread."""

STARTING = "outside tasks"
"""CPU of workers that no task had: their start, and processes that stand beside them (Great Expectations)."""

SLOWEST = 10
"""How many tasks of a stage are named."""


Progress = Callable[[str, int, int], None]


@dataclass(slots=True, kw_only=True)
class StageTimes:
    """What a stage took: seconds of wall and CPU, most memory, tasks, and what the driver's thread was seen doing."""

    name: str
    wall: float = 0.0
    driver: float = 0.0
    workers: float = 0.0
    memory: Held = field(default_factory=Held)
    tasks: list[Task] = field(default_factory=list)
    samples: Counter[Where] = field(default_factory=Counter)

    @property
    def cpu(self) -> float:
        return self.driver + self.workers

    @property
    def remote(self) -> float:
        """CPU of tasks whose processes are none of the driver's children."""
        return max(0.0, sum(t.cpu for t in self.tasks if t.process != process()) - self.workers)


class Profile:
    """Measures one run, from `start` to `stop`."""

    def __init__(self) -> None:
        self.stages: list[StageTimes] = []
        self._began = 0.0
        self._used = Used(0.0, 0.0)
        self._looks = 0
        self._sampler = Sampler(self._look)

    def start(self) -> None:
        """Begin, with the stage that no progress is reported for."""
        # what ran before in this process is none of the stage's business; for a command it is its imports
        self._began, self._used = time.perf_counter(), cpu()
        self.stages.append(StageTimes(name="prepare"))
        self._sampler.start()

    def stop(self) -> None:
        """End the last stage."""
        self._sampler.stop()
        self._close()

    def reporting(self, inner: Progress) -> Reporting:
        """A progress callback that tells the profile too which stage it is."""
        return Reporting(self, inner)

    def enter(self, name: str) -> None:
        """End the stage that was, unless it is this one. A stage may come again."""
        if name != self.stages[-1].name:
            self._close()
            known = next((s for s in self.stages if s.name == name), None)
            if known is not None:
                self.stages.remove(known)
            self.stages.append(known or StageTimes(name=name))

    def take(self, measured: tuple[Result, Task]) -> Result:
        """The result of a task, whose measures are kept."""
        result, task = measured
        self.stages[-1].tasks.append(task)
        return result

    def _close(self) -> None:
        now, used = time.perf_counter(), cpu()
        stage = self.stages[-1]
        stage.wall += now - self._began
        stage.driver += used.driver - self._used.driver
        stage.workers += max(0.0, used.workers - self._used.workers)
        stage.memory = stage.memory.most(memory())
        self._began, self._used = now, used

    def _look(self, at: Where) -> None:
        stage = self.stages[-1]
        stage.samples[at] += 1
        self._looks += 1
        if self._looks % _LOOKS == 0:
            stage.memory = stage.memory.most(memory())


@dataclass(frozen=True, slots=True)
class Reporting:
    """Progress that goes to the profile and to whoever else watches."""

    profile: Profile
    inner: Progress

    def __call__(self, stage: str, done: int, total: int) -> None:
        self.profile.enter(stage.partition(" (")[0])  # "stage (2 run again)" is the same stage
        self.inner(stage, done, total)

    def clear(self) -> None:
        """Clear the line of progress, if there is one."""
        getattr(self.inner, "clear", lambda: None)()


@dataclass(frozen=True, slots=True)
class Watched:
    """An engine whose tasks measure themselves."""

    engine: Engine
    profile: Profile

    @property
    def mishaps(self) -> list[str]:
        return self.engine.mishaps

    @property
    def least(self) -> int:
        """Bytes of input below which sharing the work costs more than it saves (`for_size`)."""
        return getattr(self.engine, "least", 0)

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        return map(self.profile.take, self.engine.map(Timed(function), items))


def watched(engine: Engine, profile: Profile | None) -> Engine:
    """The engine, whose tasks measure themselves if there is a profile."""
    return engine if profile is None or isinstance(engine, Watched) else Watched(engine, profile)


def shares(stage: StageTimes) -> list[tuple[str, float]]:
    """(part, seconds of CPU) of a stage, the largest first: those of its tasks, then those of the driver."""
    out: Counter[str] = Counter()
    for task in stage.tasks:
        _spread(out, task.samples, task.cpu)
    there = sum(task.cpu for task in stage.tasks if task.process != process())
    if stage.tasks and stage.workers > there:
        out[STARTING] += stage.workers - there  # type: ignore[assignment]
    own = Counter(stage.samples)
    here = sum(task.cpu for task in stage.tasks if task.process == process())
    for task in stage.tasks:
        if task.process == process():  # the driver's thread was seen in it, too
            own.subtract(task.samples)
    busy = Counter({at: n for at, n in own.items() if n > 0 and at[0].partition(".")[0] != "engine"})
    _spread(out, busy, max(0.0, stage.driver - here))
    return sorted(out.items(), key=lambda item: (-item[1], item[0]))


def _spread(out: Counter[str], samples: Counter[Where], seconds: float) -> None:
    total = samples.total()
    for at, count in samples.items():
        out[part_of(at)] += seconds * count / total  # type: ignore[assignment]
    if not total:
        out["start and end"] += seconds  # type: ignore[assignment]


def as_json(profile: Profile) -> dict[str, Any]:
    """Everything, for programs."""
    return {
        "wall": round(sum(s.wall for s in profile.stages), 4),
        "cpu": round(sum(s.cpu + s.remote for s in profile.stages), 4),
        "memory": max(s.memory.driver + s.memory.workers for s in profile.stages),
        "stages": [_stage_json(stage) for stage in profile.stages],
    }


def _stage_json(stage: StageTimes) -> dict[str, Any]:
    functions: Counter[Where] = Counter()
    for samples in (stage.samples, *(t.samples for t in stage.tasks if t.process != process())):
        functions.update(samples)
    slowest = sorted(stage.tasks, key=lambda t: (-t.cpu, t.about))[:SLOWEST]
    return {
        "name": stage.name,
        "wall": round(stage.wall, 4),
        "cpu": {
            "driver": round(stage.driver, 4),
            "workers": round(stage.workers, 4),
            "elsewhere": round(stage.remote, 4),
        },
        "memory": {"driver": stage.memory.driver, "workers": stage.memory.workers},
        "tasks": len(stage.tasks),
        "processes": len({t.process for t in stage.tasks}),
        "input": sum(t.input for t in stage.tasks),
        "records": sum(t.records for t in stage.tasks),
        "parts": {part: round(seconds, 4) for part, seconds in shares(stage)},
        "functions": {":".join(at) or "elsewhere": count for at, count in functions.most_common(30)},
        "slowest": [
            {"about": t.about, "wall": round(t.wall, 4), "cpu": round(t.cpu, 4), "input": t.input, "records": t.records}
            for t in slowest
        ],
    }
