"""How a build runs: its options, its engine, its tasks. What goes wrong with workers comes out as diagnostics."""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from copydesk.cache import Cache, cache_folder, open_cache
from copydesk.cache.store import CacheOptions
from copydesk.diagnostics import BuildFailed, Diagnostic, Place, Report, Severity, lower
from copydesk.engine import (
    SMALL,
    Engine,
    EngineLost,
    EngineOptions,
    InProcess,
    Item,
    LostTask,
    Result,
    Size,
    TasksLost,
    fit,
    open_engine,
)
from copydesk.profile import Profile, watched
from copydesk.project import PROJECT_FILE, Project
from copydesk.sources import BLOCK_SIZE, Block, Piece

Progress = Callable[[str, int, int], None]
"""Called with the name of a stage, how many of its tasks are done, and how many there are."""


def _quiet(stage: str, done: int, total: int) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to build. None of it has an influence on the bytes of the release.

    `frozen`: the checked-in ledger and datasheet must already be what the build computes. `memory`: bytes for all
    processes on this machine together, None for a quarter of what it has; `workers` (tasks at once) and `block_size`
    (bytes of input in a task) follow from it unless they are given. `engine`, `scheduler`, `patience`: as in
    EngineOptions. `work`: the folder for what the passes exchange; every worker must see it. None is the output's.
    `cache`: what may be taken from earlier builds. `profile`: measures the run; `progress` tells it the stages.
    """

    root: Path
    workers: int | None = None
    block_size: int | None = None
    frozen: bool = False
    progress: Progress = _quiet
    memory: int | None = None
    engine: str = "local"
    scheduler: str | None = None
    patience: float = 60
    work: Path | None = None
    cache: CacheOptions = field(default_factory=CacheOptions)
    profile: Profile | None = None

    @property
    def size(self) -> Size:
        """Workers, block size and memory: what is given, or what fits."""
        if self.scheduler is None:
            return fit(self.memory, self.workers, self.block_size, BLOCK_SIZE)
        here = fit(self.memory, 1, self.block_size, BLOCK_SIZE)  # the memory of a cluster is its own affair
        return Size(workers=self.workers or here.workers, block_size=self.block_size or BLOCK_SIZE, memory=here.memory)


@dataclass(slots=True, kw_only=True)
class Crew:
    """Who runs the tasks of a build, and whom it tells: how far it is, and what was found. `memory`: bytes for each of
    its processes; `cache`: what need not run again."""

    engine: Engine
    progress: Progress
    report: Report
    memory: int
    cache: Cache
    profile: Profile | None = None
    lost: bool = field(default=False, init=False)

    def run(
        self,
        name: str,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        about: Callable[[Item], tuple[Place, str]],
        engine: Engine | None = None,
        done: Callable[[Result], None] = lambda result: None,
    ) -> list[Result]:
        """The results of one stage, in any order; `done` is called with each at once.

        Tasks that were lost are R013 where `about` says, and `lost` is set: the build cannot go on, but what the others
        found can still be told.
        """
        engine = engine or self.engine
        self.progress(name, 0, len(items))
        results: list[Result] = []
        before = len(engine.mishaps)
        try:
            for result in watched(engine, self.profile).map(function, items):
                results.append(result)
                done(result)
                again = len(engine.mishaps) - before
                self.progress(f"{name} ({again} run again)" if again else name, len(results), len(items))
        except TasksLost as lost:
            self.lost = True
            self.report.add(_lost(task, *about(task.item)) for task in lost.lost)
        return results

    def stop_if_lost(self, found: Iterable[Diagnostic] = ()) -> None:
        """End the build, with what was found, if tasks were lost."""
        if self.lost:
            self.report.add(found)
            raise BuildFailed(self.report)


@contextlib.contextmanager
def open_crew(options: Options, project: Project, spool: Path, report: Report) -> Iterator[Crew]:
    """The crew of a build whose passes exchange rows in `spool`. An engine that is lost is R017, at any time."""
    crew = Crew(
        engine=InProcess(),
        progress=options.progress,
        report=report,
        memory=options.size.memory // (options.size.workers + 1),
        cache=Cache(),
        profile=options.profile,
    )
    wanted = EngineOptions(
        name=options.engine,
        workers=options.workers if options.scheduler else options.size.workers,
        least=0 if options.workers else SMALL,
        scheduler=options.scheduler,
        memory=options.size.memory,
        patience=options.patience,
        shared=tuple(_shared(options, project, spool)),
    )
    try:
        with open_engine(wanted) as engine, open_cache(project, options.cache, options.size.workers) as cache:
            crew.engine, crew.cache = watched(engine, options.profile), cache
            yield crew
    except EngineLost as lost:
        report.add(Diagnostic(code="R017", place=Place(file=PROJECT_FILE), message=str(lost)))
        raise BuildFailed(report) from None
    except TasksLost as lost:  # of a map whose items have no place in the sources
        report.add(_lost(task, Place(file=PROJECT_FILE), "a task") for task in lost.lost)
        raise BuildFailed(report) from None
    finally:
        report.add(_mishaps(crew.engine.mishaps))


def _shared(options: Options, project: Project, spool: Path) -> Iterator[Path]:
    """What tasks read, and the folders that they write."""
    yield from (project.root / PROJECT_FILE, project.output, spool)
    if options.cache.used:
        yield cache_folder(project, options.cache.folder)


@contextlib.contextmanager
def open_spool(options: Options, project: Project) -> Iterator[Path]:
    """A folder for what the passes exchange, for as long as it is needed, where every worker sees it."""
    parent = options.work or (project.output if options.scheduler else None)
    if parent is not None:
        parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".copydesk-check-", dir=parent) as spool:
        yield Path(spool)


def _lost(task: LostTask, place: Place, words: str) -> Diagnostic:
    message = f"{words}: the worker died {task.tries} times in this task ({task.why})"
    return Diagnostic(code="R013", place=place, message=message)


def _mishaps(mishaps: Sequence[str]) -> Iterator[Diagnostic]:
    """A note that tasks ran again, and why. The release is the same as without."""
    if mishaps:
        message = f"{len(mishaps)} task(s) ran again, since their worker died; that changes no byte of a release"
        notes = tuple(f"{why} ({count})" for why, count in sorted(Counter(mishaps).items()))
        found = Diagnostic(code="R013", place=Place(file=PROJECT_FILE), message=message, notes=notes)
        yield lower(found, Severity.NOTE)


def about_block(block: Block) -> tuple[Place, str]:
    """Where a block stands in the sources, in words too."""
    first, last = block.pieces[0], block.pieces[-1]
    place = Place(file=first.file, line=first.line)
    files = len({piece.file for piece in block.pieces})
    if files > 1:
        return Place(file=first.file), f"{files} files, from {first.file} to {last.file}"
    end = _last_line(last) if first.lines else None
    return (place, f"lines {first.line} to {end}") if end else (Place(file=first.file), "the file")


def _last_line(piece: Piece) -> int | None:
    try:
        with Path(piece.path).open("rb") as stream:
            stream.seek(piece.start)
            data = stream.read(piece.end - piece.start)
    except OSError:
        return None
    return piece.line + data.count(b"\n") - data.endswith(b"\n")
