"""Builds under limits: too little memory, a disk that is full. Each ends in words, and the last release stays whole."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from conftest import ROOT, replace_text
from copydesk import build as builder
from copydesk.build import Options, build
from copydesk.cache.store import CacheOptions
from copydesk.diagnostics import BuildFailed
from copydesk.expectations import judges
from copydesk.readback import loaders
from copydesk.release.verify import verify_files
from copydesk.scaffold import create

ARTICLES = 1_000
MIB = 2**20


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose release is built, and which has changed since: the next build has something to write."""
    project = tmp_path_factory.mktemp("limits") / "project"
    assert create(project, "tiny") is None
    replace_text(project / "dataset.toml", '["data/articles/*.json"]', '["data/articles/*.json", "data/many.jsonl"]')
    (project / "data/many.jsonl").write_text("".join(line(n) for n in range(50)), encoding="utf-8")
    build(Options(root=project, workers=1))
    (project / "data/many.jsonl").write_text("".join(line(n) for n in range(ARTICLES)), encoding="utf-8")
    return project


def line(number: int) -> str:
    words = [f"word{number * 7919 % 10_007 + at * at % 997}" for at in range(300)]
    text = f"Article {number}. " + " ".join(words)
    mentions = [{"id": f"m{n}", "start": n * 9, "end": n * 9 + 7, "label": "PLACE"} for n in range(1, 20)]
    mentions = [m for m in mentions if text[m["start"] : m["end"]].strip() == text[m["start"] : m["end"]]]
    return json.dumps({"id": f"many-{number:05d}", "text": text, "mentions": mentions, "claims": []}) + "\n"


def limited(project: Path, limit: Callable[[], None], *options: str) -> subprocess.CompletedProcess[str]:
    """`copydesk build` in a process with a limit."""
    return subprocess.run(
        [sys.executable, "-m", "copydesk", "build", "--project", str(project), *options],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        preexec_fn=limit,
        check=False,
    )


def files_of(project: Path) -> dict[str, bytes]:
    """The release that is out."""
    folder = project / "dist/tiny-0.1.0"
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def rlimit(kind: int, size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(kind, (size, size))


def left_behind(project: Path) -> list[str]:
    stays = {"tiny-0.1.0", ".tiny.lock", ".cache-tiny"}
    return sorted(p.name for p in (project / "dist").iterdir() if p.name not in stays)


@pytest.mark.parametrize("size", [150, 250])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_too_little_memory(many: Path, size: int, workers: str) -> None:
    """Libraries in C and C++ may die of it (a signal) where Python would raise, and then nothing is cleared away until
    the next build; nothing may take it for a bug."""
    before = files_of(many)
    done = limited(many, rlimit(resource.RLIMIT_DATA, size * MIB), "--workers", workers)
    assert files_of(many) == before
    if done.returncode < 0:
        return
    assert done.returncode == 1, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    assert any(word in done.stderr for word in ("R019", "R013", "E003", "not enough memory")), done.stderr


@pytest.mark.parametrize("size", [4_000, 60_000, 400_000])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_file_that_cannot_be_written_to_its_end(many: Path, size: int, workers: str) -> None:
    """RLIMIT_FSIZE: the spool, a shard or a document ends too early, as on a disk that is full."""
    before = files_of(many)
    done = limited(many, rlimit(resource.RLIMIT_FSIZE, size), "--workers", workers)
    assert done.returncode == 1, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    assert "R006" in done.stderr
    assert "File too large" in done.stderr
    assert files_of(many) == before
    assert left_behind(many) == []


@pytest.mark.parametrize("name", ["stage", "write", "run_expectations", "read_back"])
@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        pa.ArrowMemoryError("malloc of size 64 failed"),
        OSError(errno.ENOMEM, "", "x"),
        RuntimeError("can't start new thread"),
        ImportError("lib.so: failed to map segment from shared object"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_memory_that_runs_out_in_this_process(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: Exception
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(builder, name, fail)
    with pytest.raises(BuildFailed) as failed:
        build(Options(root=project, workers=1))
    assert "R019" in {d.code for d in failed.value.report}
    assert not (project / "dist/tiny-0.1.0").exists()
    assert left_behind(project) == []


@pytest.mark.parametrize("loader", ["configs", "_of_datasets", "_of_duckdb"])
def test_want_of_memory_in_a_loader_says_nothing_of_the_release(
    project: Path, monkeypatch: pytest.MonkeyPatch, loader: str
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(loaders, loader, fail)
    with pytest.raises(BuildFailed) as failed:
        build(Options(root=project, workers=1))
    assert {d.code for d in failed.value.report.errors} == {"R019"}


def test_an_error_of_another_kind_stays_a_bug(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("something else")

    monkeypatch.setattr(builder, "write", fail)
    with pytest.raises(RuntimeError):
        build(Options(root=project, workers=1))


@pytest.mark.parametrize(
    "first",
    [
        "import resource; resource.setrlimit(resource.RLIMIT_DATA, (120 << 20, 120 << 20)); ",
        "import os; os.abort(); ",
        "raise SystemExit(1); ",
    ],
    ids=["memory", "abort", "exit"],
)
def test_the_process_of_great_expectations_dies_in_a_build(
    project: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    released = build(Options(root=project, workers=1)).folder
    before = files_of(project)
    with monkeypatch.context() as limits:
        limits.setattr(judges, "_PROGRAM", first + judges._PROGRAM)
        with pytest.raises(BuildFailed) as failed:
            build(Options(root=project, workers=2, cache=CacheOptions(used=False)))  # or nothing is left to judge
    assert {d.code for d in failed.value.report.errors} == {"E003"}
    assert any("process of Great Expectations ended" in d.message for d in failed.value.report)
    assert files_of(project) == before
    assert left_behind(project) == []
    assert build(Options(root=project, workers=2)).folder == released


def test_the_next_build_is_fine(many: Path) -> None:
    done = limited(many, lambda: None, "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert left_behind(many) == []
    assert next(verify_files(many / "dist/tiny-0.1.0"), None) is None
    tables = json.loads((many / "dist/tiny-0.1.0/manifest.json").read_text())["tables"]
    assert tables["articles"]["rows"] == ARTICLES + 2
