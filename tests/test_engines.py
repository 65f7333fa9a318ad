"""Tasks in processes of this machine: each result once, whatever becomes of workers; and what a build says then."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import engine_tasks as tasks
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_build import ENVIRONMENT, add_lines, content, many_articles, run_build

from conftest import replace_text
from copydesk import build as builder
from copydesk import running, sources
from copydesk.build import Options, build, check
from copydesk.cache.steps import stage_and_keep, write_and_keep
from copydesk.cache.store import CacheOptions
from copydesk.diagnostics import BuildFailed, Severity
from copydesk.engine import EngineLost, InProcess, LocalProcesses, TasksLost, missing_extra
from copydesk.engine.machine import fit, machine_memory, processors
from copydesk.engine.tasks import TRIES, Died, Done, Event, run


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalProcesses]:
    with LocalProcesses(2) as engine:
        yield engine


def test_every_item_has_one_result_and_processes_serve_map_after_map(engine: LocalProcesses) -> None:
    assert sorted(engine.map(tasks.square, range(20))) == [n * n for n in range(20)]
    first = set(engine.map(tasks.process, range(6)))
    assert len(first) == 2
    assert os.getpid() not in first
    assert set(engine.map(tasks.process, range(6))) == first
    assert list(engine.map(tasks.square, [])) == []
    assert sorted(LocalProcesses(2).map(tasks.square, range(5))) == [0, 1, 4, 9, 16]


def test_a_map_that_is_left_half_way_leaves_nothing_to_the_next(engine: LocalProcesses) -> None:
    for _ in engine.map(tasks.late, range(8)):
        break
    gc.collect()
    assert sorted(engine.map(tasks.square, range(4))) == [0, 1, 4, 9]


def test_no_more_is_handed_out_than_can_run(engine: LocalProcesses, tmp_path: Path) -> None:
    log = tmp_path / "log"
    results = engine.map(partial(tasks.append, str(log)), range(50))
    for _ in range(3):
        next(results)
    time.sleep(0.3)
    assert len(log.read_text().splitlines()) <= 3 + 2
    assert len(list(results)) == 47


def test_workers_that_die_cost_no_result_and_no_other_task(tmp_path: Path) -> None:
    with LocalProcesses(2) as engine:
        assert sorted(engine.map(partial(tasks.kill_once, str(tmp_path)), range(12))) == list(range(12))
        assert engine.mishaps == ["SIGKILL, often the answer to too little memory"] * 4


def test_the_guilty_task_is_named_when_all_others_are_done() -> None:
    given = []
    with LocalProcesses(2) as engine, pytest.raises(TasksLost) as caught:
        for result in engine.map(tasks.abort, range(9)):
            given.append(result)
    assert sorted(given) == [0, 1, 2, 4, 5, 6, 7, 8]
    assert [(lost.item, lost.tries, lost.why) for lost in caught.value.lost] == [(3, TRIES, "SIGABRT")]


def test_a_task_whose_worker_died_runs_alone(tmp_path: Path) -> None:
    assert sorted(LocalProcesses(3).map(partial(tasks.alone, str(tmp_path)), range(7))) == list(range(7))


def test_what_a_task_raises_is_raised_here_with_where(engine: LocalProcesses) -> None:
    with pytest.raises(ZeroDivisionError, match="a bug") as caught:
        list(engine.map(tasks.refuse, range(5)))
    assert "in refuse" in caught.value.__notes__[0]
    with pytest.raises(RuntimeError, match="unsent"):
        list(engine.map(tasks.raise_unsent, range(5)))
    with pytest.raises(OSError, match="No space") as full:
        list(engine.map(tasks.no_space, range(5)))
    assert (full.value.errno, full.value.filename) == (28, "/somewhere/spool.arrow")
    assert sorted(engine.map(tasks.square, range(3))) == [0, 1, 4]


def test_too_little_memory_is_a_death_not_a_bug() -> None:
    with pytest.raises(TasksLost) as caught:
        list(LocalProcesses(2).map(tasks.too_much, range(3)))
    assert [(lost.item, lost.why) for lost in caught.value.lost] == [(1, "not enough memory")]


def test_workers_that_cannot_start_are_no_ones_task(monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    monkeypatch.setattr("multiprocessing.spawn._python_exe", b"/bin/false")
    with pytest.raises(EngineLost, match="cannot start"):
        list(LocalProcesses(2).map(tasks.square, range(3)))


class Pool:
    """Tasks that run in no process: what becomes of each stands in a script of deaths."""

    together = 1

    def __init__(self, deaths: dict[int, int], width: int, order: Callable[[list[int]], int]) -> None:
        self.busy, self._deaths, self._width, self._order = False, Counter(deaths), width, order
        self._items: dict[int, Any] = {}
        self.beside: dict[int, list[int]] = {}

    def begin(self, function: Callable[[Any], Any]) -> None:
        self._function = function

    def capacity(self) -> int:
        return self._width

    def submit(self, number: int, item: Any) -> None:
        assert len(self._items) < self._width
        self._items[number] = item
        self.beside.setdefault(number, []).append(len(self._items))

    def wait(self) -> list[Event]:
        assert self._items, "nothing will ever happen"
        number = self._order(sorted(self._items))
        item = self._items.pop(number)
        if self._deaths[number] > 0:
            self._deaths[number] -= 1
            return [Died(number=number, why="?")]
        return [Done(number=number, result=self._function(item))]

    def end(self) -> None:
        self._items.clear()


@given(
    count=st.integers(0, 12),
    deaths=st.dictionaries(st.integers(0, 11), st.integers(1, 5)),
    width=st.integers(1, 4),
    data=st.data(),
)
def test_whatever_dies_each_result_comes_once_or_its_task_is_lost(
    count: int, deaths: dict[int, int], width: int, data: st.DataObject
) -> None:
    pool = Pool(deaths, width, lambda running: data.draw(st.sampled_from(running)))
    results, lost, mishaps = [], [], []
    try:
        results.extend(run(pool, tasks.square, range(count), mishaps))
    except TasksLost as caught:
        lost = [task.number for task in caught.lost]
    # run() gives no list when it raises, so what was given is counted by the pool
    assert lost == sorted(n for n in range(count) if deaths.get(n, 0) >= TRIES)
    if not lost:
        assert sorted(results) == [n * n for n in range(count)]
        assert len(mishaps) == sum(times for n, times in deaths.items() if n < count)
    assert all(pool.beside[n][1:] == [1] * (len(pool.beside[n]) - 1) for n in pool.beside)


def test_workers_and_blocks_fit_into_the_memory() -> None:
    gib = 2**30
    roomy = fit(64 * gib, None, None, 8 * 2**20)
    assert (roomy.workers, roomy.block_size) == (processors(), 8 * 2**20)
    tight = fit(gib // 2, None, None, 8 * 2**20)
    assert tight.workers == 1
    assert tight.block_size < 2**20
    assert fit(gib // 2, 5, 10**6, 8 * 2**20).workers == 5
    assert fit(gib // 2, 5, 10**6, 8 * 2**20).block_size == 10**6
    assert fit(None, None, None, 8 * 2**20).memory == machine_memory() // 4
    sizes = [fit(n * gib // 4, None, None, 8 * 2**20) for n in range(2, 40)]
    assert sizes == sorted(sizes, key=lambda size: (size.workers, size.block_size))


# what a build says

FRESH = CacheOptions(used=False)


@pytest.fixture
def larger(project: Path) -> Path:
    """A project of a few dozen articles, with nothing that takes time to judge."""
    add_lines(project, {"more.jsonl": many_articles(30)})
    replace_text(project / "dataset.toml", "draft = true", "draft = true\narticles_per_shard = 7")
    for suite in (project / "schema/expectations").iterdir():
        suite.unlink()
    return project


def poisoned_block(step: Any, block: Any) -> Any:
    """A library that crashes on one record."""
    if any(b"story-017" in record.data for record in sources.read(block)):
        os.abort()
    return stage_and_keep(step, block)


def poisoned_shard(step: Any, shard: Any) -> Any:
    if (shard.config.name, shard.number) == ("mentions", 2):
        os.kill(os.getpid(), signal.SIGKILL)
    return write_and_keep(step, shard)


def full_shard(step: Any, shard: Any) -> Any:
    """The disk is full before a shard is whole."""
    if shard.number == 2:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, resource.RLIM_INFINITY))
    return write_and_keep(step, shard)


def full_block(step: Any, block: Any) -> Any:
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, resource.RLIM_INFINITY))
    return stage_and_keep(step, block)


@contextmanager
def instead(name: str, function: Any) -> Iterator[None]:
    """A build whose tasks are another function."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, name, function)
        yield


def test_a_record_that_ends_its_worker_is_found_with_all_else_that_is_wrong(larger: Path) -> None:
    lines = (larger / "data/more.jsonl").read_text().splitlines(keepends=True)
    lines[4] = lines[4].replace('"label": "TIME"', '"label": "HOUR"')
    (larger / "data/more.jsonl").write_text("".join(lines))
    with instead("stage_and_keep", poisoned_block), pytest.raises(BuildFailed) as failed:
        build(Options(root=larger, cache=FRESH, workers=2, block_size=1500))
    found = {d.code: d for d in failed.value.report.errors}
    assert found.keys() == {"R013", "A004"}
    place = found["R013"].place
    assert place.file == "data/more.jsonl"
    first, last = (int(word) for word in found["R013"].message.split(":")[0].split()[1::2])
    assert place.line == first <= 18 <= last < first + 7
    assert "the worker died 3 times in this task (SIGABRT)" in found["R013"].message
    with instead("stage_and_keep", poisoned_block):
        report = check(Options(root=larger, cache=FRESH, workers=2, block_size=1))
    assert [(d.place.line, d.message.split(":")[0]) for d in report.errors if d.code == "R013"] == [
        (18, "lines 18 to 18")
    ]


def test_a_shard_that_ends_its_worker_leaves_the_previous_release(larger: Path) -> None:
    before = content(build(Options(root=larger, cache=FRESH, workers=1)).folder)
    with instead("write_and_keep", poisoned_shard), pytest.raises(BuildFailed) as failed:
        build(Options(root=larger, cache=FRESH, workers=2))
    (found,) = failed.value.report.errors
    assert (found.code, found.place.file, found.place.pointer) == ("R013", "dataset.toml", "/configs/mentions")
    assert "shard 2 of mentions/train" in found.message
    assert content(larger / "dist/tiny-0.1.0") == before
    assert not list((larger / "dist").glob(".staging*"))


@pytest.mark.parametrize(("name", "function"), [("write_and_keep", full_shard), ("stage_and_keep", full_block)])
def test_a_disk_that_is_full_for_a_worker_is_told_and_nothing_is_lost(larger: Path, name: str, function: Any) -> None:
    before = content(build(Options(root=larger, cache=FRESH, workers=1)).folder)
    with instead(name, function), pytest.raises(BuildFailed) as failed:
        build(Options(root=larger, cache=FRESH, workers=2, block_size=1500))
    assert [d.code for d in failed.value.report.errors] == ["R006"]
    assert content(larger / "dist/tiny-0.1.0") == before
    assert sorted(p.name for p in (larger / "dist").iterdir()) == [".tiny.lock", "tiny-0.1.0"]
    assert content(build(Options(root=larger, cache=FRESH, workers=2)).folder) == before


def test_a_task_that_runs_twice_does_no_harm(larger: Path) -> None:
    class Twice:
        mishaps = ()

        def map(self, function: Any, items: Any) -> Iterator[Any]:
            for item in items:
                function(item)
            yield from InProcess().map(function, items)
            for item in items:
                function(item)

    before = content(build(Options(root=larger, cache=FRESH, workers=1)).folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "open_engine", lambda options: nullcontext(Twice()))
        outcome = build(Options(root=larger, cache=FRESH))
    assert not outcome.changed
    assert content(outcome.folder) == before


def test_half_a_file_never_has_its_final_name(larger: Path, tmp_path: Path) -> None:
    """A worker is killed in the middle of each file that it writes: the retry writes it whole."""
    before = content(build(Options(root=larger, cache=FRESH, workers=1)).folder)
    script = tmp_path / "killing.py"
    script.write_text(KILLER.format(project=str(larger), marks=str(tmp_path)))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert done.returncode == 0, done.stderr
    assert "note[R013]" in done.stderr
    assert len(list(tmp_path.glob("mark-*"))) >= 4
    assert content(larger / "dist/tiny-0.1.0") == before


KILLER = """
import os, signal, sys
from pathlib import Path

def hook(event, arguments):
    # a worker dies when a file that it has written is about to get its name, once for each sort of file
    if event == "os.rename" and os.getpid() != PARENT:
        mark = Path({marks!r}, "mark-" + str(arguments[1]).rsplit(".")[-1] + "-" + Path(str(arguments[1])).name[:4])
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

PARENT = int(os.environ.setdefault("COPYDESK_TEST_PARENT", str(os.getpid())))
sys.addaudithook(hook)
if __name__ == "__main__":
    from copydesk.cli import main
    sys.exit(main(["build", "--workers", "2", "--block-size", "1500", "--no-cache", "--project", {project!r}]))
"""


def test_the_exchange_may_lie_elsewhere_and_goes_away(larger: Path, tmp_path: Path) -> None:
    before = content(build(Options(root=larger, cache=FRESH, workers=1)).folder)
    work = tmp_path / "fast disk"
    seen: list[str] = []

    def progress(name: str, done: int, total: int) -> None:
        if name == "write":
            seen.extend(path.name for path in work.rglob("*.arrow"))

    assert content(build(Options(root=larger, cache=FRESH, workers=1, work=work, progress=progress)).folder) == before
    assert seen
    assert list(work.iterdir()) == []
    assert not check(Options(root=larger, cache=FRESH, work=work)).errors
    assert list(work.iterdir()) == []


# the command line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--engine", "spark"], "there is no engine 'spark'; there are local, dask, ray"),
        (["--memory", "much"], "'much' is no size"),
        (["--memory", "0"], "'0' is no size"),
        (["--work", "s3://bucket/spool"], "'s3://bucket/spool' is an address"),
        (["--scheduler", "tcp://127.0.0.1:1"], "a scheduler needs --engine dask or --engine ray"),
    ],
)
def test_how_to_run_is_usage(project: Path, words: list[str], said: str) -> None:
    done = run_build(project, *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_how_to_run_may_stand_in_the_environment(project: Path) -> None:
    done = run_build(project, COPYDESK_ENGINE="spark")
    assert done.returncode == 2
    assert "there is no engine 'spark'" in done.stderr
    assert run_build(project, COPYDESK_MEMORY="1x").returncode == 2


def test_an_engine_that_is_not_installed_names_its_extra(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from copydesk.cli import main

    assert missing_extra("local") is None
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name in ("dask", "ray"):
        assert main(["build", "--project", str(project), "--engine", name]) == 2
        assert f"pip install 'copydesk[{name}]'" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "size"), [("1", 1), ("800M", 800 * 2**20), ("2g", 2**31), ("1.5GiB", 3 * 2**29)])
def test_sizes_have_suffixes(text: str, size: int) -> None:
    from copydesk.cli_parser import _bytes

    assert _bytes(text) == size


def test_the_note_of_a_retry_is_a_note(larger: Path) -> None:
    class Lucky:
        mishaps = ("SIGKILL", "SIGKILL")

        def map(self, function: Any, items: Any) -> Iterator[Any]:
            return InProcess().map(function, items)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "open_engine", lambda options: nullcontext(Lucky()))
        report = build(Options(root=larger, cache=FRESH)).report
    (found,) = [d for d in report if d.code == "R013"]
    assert found.severity is Severity.NOTE
    assert found.notes == ("SIGKILL (2)",)
