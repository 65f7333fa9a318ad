"""Builds on real clusters of separate processes on this machine: the same bytes, whichever of them is killed.

Each cluster is started for its test, listens on the loopback interface alone, and is ended by process id.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import engine_tasks as tasks
import pytest
from test_build import add_lines, content, many_articles

from conftest import ROOT, replace_text
from copydesk.build import Options, build, check
from copydesk.cache.store import CacheOptions
from copydesk.diagnostics import BuildFailed
from copydesk.engine import Engine, EngineLost, EngineOptions, TasksLost, open_engine
from copydesk.scaffold import create

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has 127.0.0.2 and up without being told")

HERE = Path(__file__).parent
PYTHONPATH = f"{ROOT / 'src'}{os.pathsep}{HERE}"
QUIET = {
    **os.environ,
    "PYTHONPATH": PYTHONPATH,
    "DASK_DISTRIBUTED__ADMIN__LOG_LENGTH": "0",
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "RAY_USAGE_STATS_ENABLED": "0",
    **(TOKEN := {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}),  # nobody else gets in
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "300",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "4",
}
"""Nodes notice within seconds that another is gone; on a real cluster that takes up to half a minute."""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


@dataclass(slots=True)
class Cluster:
    """Processes, each the leader of a group: a head and nodes. `address` is what --scheduler takes."""

    folder: Path
    name: str = ""
    address: str = ""
    head: subprocess.Popen[bytes] | None = None
    nodes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *command: str, said: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a process, and wait until it has said that it is ready."""
        log = self.folder / f"{1 + len(self.nodes) if self.head else 0}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, *command],
                env={**QUIET, **environment}, cwd=self.folder, start_new_session=True,
                stdout=out, stderr=out, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        wait_for(lambda: said in log.read_text() or process.poll() is not None, 120)
        assert process.poll() is None, log.read_text()
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End a machine at once: all its processes, with the signal that nothing can catch."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def options(self, **more: Any) -> dict[str, Any]:
        return {"engine": self.name, "scheduler": self.address, "patience": 20.0, **more}

    def end(self) -> None:
        for process in (*self.nodes, self.head):
            if process is not None:
                self.kill(process)


class Dask(Cluster):
    def begin(self, nodes: int = 2) -> None:
        port = free_port()
        self.name, self.address = "dask", f"tcp://127.0.0.1:{port}"
        scheduler = ["-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port)]
        self.head = self.start(*scheduler, "--no-dashboard", "--no-show", said="Scheduler at:")
        for _ in range(nodes):
            self.add()

    def add(self, *arguments: str, **environment: str) -> None:
        worker = ["-m", "distributed.cli.dask_worker", self.address, "--nthreads", "1", "--no-dashboard"]
        worker += ["--host", "127.0.0.1", "--local-directory", str(self.folder), *arguments]
        self.nodes.append(self.start(*worker, said="Registered to:", **environment))


class Ray(Cluster):
    def begin(self, nodes: int = 2) -> None:
        port = free_port()
        self.name, self.address = "ray", f"127.0.0.2:{port}"
        head = ["--head", "--port", str(port), "--num-cpus", "0", "--include-dashboard", "false"]
        self.head = self._node(2, *head, "--temp-dir", str(self.folder))
        for _ in range(nodes):
            self.add()

    def add(self) -> None:
        self.nodes.append(self._node(3 + len(self.nodes), "--address", self.address, "--num-cpus", "1"))

    def _node(self, number: int, *arguments: str) -> subprocess.Popen[bytes]:
        """Each node has an address of its own; all of them are on the loopback interface."""
        here = ["--node-ip-address", f"127.0.0.{number}", "--object-store-memory", str(80 * 2**20)]
        command = ["-m", "ray.scripts.scripts", "start", *here, *arguments, "--block", "--disable-usage-stats"]
        return self.start(*command, said="Ray runtime started")


CLUSTERS: dict[str, type[Dask | Ray]] = {"dask": Dask, "ray": Ray}


@contextlib.contextmanager
def cluster_of(name: str, nodes: int = 2) -> Iterator[Any]:
    with tempfile.TemporaryDirectory(prefix="cd", ignore_cleanup_errors=True) as folder:
        cluster = CLUSTERS[name](Path(folder))
        try:
            cluster.begin(nodes)
            yield cluster
        finally:
            cluster.end()


@pytest.fixture(autouse=True)
def as_the_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What starts workers, or asks a cluster, here does so as the nodes do."""
    for name, value in {**TOKEN, "PYTHONPATH": PYTHONPATH}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A project of many small blocks and shards, and its release built in one process."""
    folder = tmp_path_factory.mktemp("cluster") / "project"
    assert create(folder, "tiny") is None
    add_lines(folder, {"more.jsonl": many_articles(60)})
    replace_text(folder / "dataset.toml", "draft = true", "draft = true\narticles_per_shard = 4")
    for suite in (folder / "schema/expectations").iterdir():
        suite.unlink()
    before = content(build(Options(root=folder, workers=1)).folder)
    return folder, before


def rebuilt(project: Path, cluster: Any, progress: Any, **more: Any) -> list[Any]:
    """Build on a cluster, from nothing; the findings, and the bytes are in dist/."""
    options = cluster.options(progress=progress, cache=CacheOptions(used=False), **more)
    return list(build(Options(root=project, block_size=600, **options)).report)


@pytest.mark.parametrize("name", CLUSTERS)
def test_a_node_that_is_killed_while_it_stages_or_writes_changes_nothing(
    name: str, reference: tuple[Path, dict[str, bytes]]
) -> None:
    project, before = reference
    with cluster_of(name, nodes=3) as cluster:
        killed: list[str] = []

        def progress(stage: str, done: int, total: int) -> None:
            stage = stage.split()[0]
            if stage in {"stage", "write"} and total > 10 and done == 4 and stage not in killed:
                killed.append(stage)
                cluster.kill(cluster.nodes[len(killed) - 1])

        found = rebuilt(project, cluster, progress)
        assert killed == ["stage", "write"]
        assert "error" not in {d.severity.value for d in found}
        assert content(project / "dist/tiny-0.1.0") == before
        assert sorted(p.name for p in (project / "dist").iterdir()) == [".cache-tiny", ".tiny.lock", "tiny-0.1.0"]


@pytest.mark.parametrize("name", CLUSTERS)
def test_a_scheduler_that_is_killed_ends_the_build_in_time_and_the_next_one_succeeds(
    name: str, reference: tuple[Path, dict[str, bytes]]
) -> None:
    project, before = reference
    with cluster_of(name, nodes=1) as cluster:
        cut = 0.0

        def progress(stage: str, done: int, total: int) -> None:
            nonlocal cut
            if stage == "stage" and done == 3:
                cluster.kill(cluster.head)
                cut = time.monotonic()

        with pytest.raises(BuildFailed) as failed:
            rebuilt(project, cluster, progress, patience=6.0)
        assert cut
        assert time.monotonic() - cut < 60  # bounded, that is: not for ever
        assert [d.code for d in failed.value.report.errors] == ["R017"]
        assert content(project / "dist/tiny-0.1.0") == before
    assert not build(Options(root=project, workers=1)).changed


@contextlib.contextmanager
def engine_on(cluster: Any, *shared: Path, **more: Any) -> Iterator[Engine]:
    wanted = {"patience": 20.0, **more}
    with open_engine(EngineOptions(name=cluster.name, scheduler=cluster.address, shared=shared, **wanted)) as engine:
        yield engine


@pytest.mark.parametrize("name", CLUSTERS)
def test_tasks_on_a_cluster_end_as_they_do_here(name: str, tmp_path: Path) -> None:
    with cluster_of(name, nodes=2) as cluster, engine_on(cluster, tmp_path) as engine:
        assert sorted(engine.map(tasks.square, range(40))) == [n * n for n in range(40)]
        assert list(engine.map(tasks.square, [])) == []
        for _ in engine.map(tasks.late, range(8)):
            break
        assert sorted(engine.map(tasks.square, range(4))) == [0, 1, 4, 9]
        with pytest.raises(ZeroDivisionError, match="a bug"):
            list(engine.map(tasks.refuse, range(5)))
        with pytest.raises(OSError, match="No space") as full:
            list(engine.map(tasks.no_space, range(5)))
        assert full.value.errno == 28
        given = []
        with pytest.raises(TasksLost) as caught:
            given.extend(engine.map(tasks.abort, range(9)))
        assert [lost.item for lost in caught.value.lost] == [3]
        assert engine.mishaps
        with pytest.raises(TasksLost) as short:
            list(engine.map(tasks.too_much, range(3)))
        assert [(lost.item, lost.why) for lost in short.value.lost] == [(1, "not enough memory")]


def test_a_worker_that_is_not_like_the_others_is_named(tmp_path: Path) -> None:
    """One has another version of a library, one does not see a folder, one has no copydesk at all."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other/sitecustomize.py").write_text(
        "import importlib.metadata as m\nright = m.version\n"
        "m.version = lambda name: '0.1' if name == 'orjson' else right(name)\n"
    )
    with cluster_of("dask", nodes=0) as cluster:
        cluster.add("--no-nanny", PYTHONPATH=f"{tmp_path / 'other'}{os.pathsep}{PYTHONPATH}")
        refused = pytest.raises(EngineLost, match=r"worker on .* cannot take part: orjson 0\.1 instead of")
        with refused, engine_on(cluster, tmp_path):
            pass
    with cluster_of("dask", nodes=1) as cluster, engine_on(cluster, tmp_path) as engine:
        assert list(engine.map(tasks.square, [3])) == [9]
        cluster.add("--no-nanny", PYTHONPATH=f"{tmp_path / 'other'}{os.pathsep}{PYTHONPATH}")  # it joins late
        with pytest.raises(EngineLost, match="orjson"):
            for _ in range(40):
                list(engine.map(tasks.slow, range(6)))


def test_a_folder_that_a_worker_does_not_see_is_named(tmp_path: Path) -> None:
    from copydesk.engine import likeness

    here = likeness.Expected(versions=likeness.environment(), probes=((tmp_path / "gone", "probe"),))
    with pytest.raises(likeness.Unlike, match=f"it does not see {tmp_path / 'gone'}"):
        likeness.call(here, *likeness.NOTHING)


def test_workers_that_all_go_away_end_the_build(tmp_path: Path) -> None:
    gone = pytest.raises(EngineLost, match="the last Dask worker is gone, and none came in 9 seconds")
    with cluster_of("dask", nodes=1) as cluster, gone, engine_on(cluster, tmp_path, patience=9.0) as engine:
        for done, _ in enumerate(engine.map(tasks.slow, range(50))):
            if done == 1:
                cluster.kill(cluster.nodes[0])


@pytest.mark.parametrize("name", CLUSTERS)
def test_a_cluster_that_is_not_there_is_told(name: str, project: Path) -> None:
    address = f"{'tcp://' if name == 'dask' else ''}127.0.0.1:{free_port()}"
    report = check(Options(root=project, engine=name, scheduler=address, patience=2))
    (found,) = report.errors
    assert found.code == "R017"
    assert address in found.message
    assert sorted(p.name for p in project.iterdir() if p.name.startswith(".copydesk")) == []


@pytest.mark.parametrize("name", CLUSTERS)
def test_without_a_scheduler_the_engine_makes_a_cluster_of_its_own(name: str, project: Path, tmp_path: Path) -> None:
    log = tmp_path / "out"
    command = [sys.executable, "-m", "copydesk", "check", "--json", "--project", str(project), "--engine", name]
    with log.open("wb") as out:
        done = subprocess.run([*command, "--workers", "1"], env=QUIET, stdout=out, stderr=out, check=False)
    said = log.read_text()
    assert done.returncode == 0, said
    assert {json.loads(line)["code"] for line in said.splitlines()} == {"R002"}  # and no words of the engine


@pytest.mark.parametrize("name", CLUSTERS)
def test_nothing_of_an_own_cluster_outlives_its_build(name: str, tmp_path: Path) -> None:
    program = (
        "import sys, engine_tasks\nfrom copydesk.engine import EngineOptions, open_engine\n"
        "if __name__ == '__main__':\n"
        f"    with open_engine(EngineOptions(name={name!r}, workers=1, memory=2**30)) as engine:\n"
        "        print(*engine.map(engine_tasks.process, range(2)), flush=True)\n"
        "        list(engine.map(engine_tasks.slow, range(1000)))\n"
    )
    (tmp_path / "run.py").write_text(program)
    running = subprocess.Popen([sys.executable, str(tmp_path / "run.py")], env=QUIET, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    workers = [int(word) for word in running.stdout.readline().split()]
    assert workers
    running.kill()
    running.wait()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), 30)
