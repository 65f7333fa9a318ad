"""Builds under limits: too little memory, a disk that is full. Each ends in words, and the last release stays whole."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import ROOT, replace_text
from copydesk.build import Options, build
from copydesk.release.verify import verify_files
from copydesk.scaffold import create

ARTICLES = 2_000
MIB = 2**20


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose release is built, and which has changed since: the next build has something to write."""
    project = tmp_path_factory.mktemp("limits") / "project"
    assert create(project, "tiny") is None
    replace_text(project / "dataset.toml", '["data/articles/*.json"]', '["data/articles/*.json", "data/many.jsonl"]')
    (project / "data/many.jsonl").write_text("".join(line(n) for n in range(200)), encoding="utf-8")
    build(Options(root=project, workers=1))
    (project / "data/many.jsonl").write_text("".join(line(n) for n in range(ARTICLES)), encoding="utf-8")
    return project


def line(number: int) -> str:
    words = [f"word{number * 7919 % 10_007 + at * at % 997}" for at in range(300)]
    text = f"Article {number}. " + " ".join(words)
    mentions = [{"id": f"m{n}", "start": n * 9, "end": n * 9 + 7, "label": "PLACE"} for n in range(1, 20)]
    mentions = [m for m in mentions if text[m["start"] : m["end"]].strip() == text[m["start"] : m["end"]]]  # type: ignore[misc, index]
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
    return {p.relative_to(project).as_posix(): p.read_bytes() for p in sorted((project / "dist").rglob("*")) if p.is_file()}


def rlimit(kind: int, size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(kind, (size, size))


def assert_failed_cleanly(project: Path, before: dict[str, bytes], done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 1, (done.returncode, done.stderr[-2000:])
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    assert files_of(project) == before
    assert not list((project / "dist").glob(".staging*"))
    assert next(verify_files(project / "dist/tiny-0.1.0"), None) is None


@pytest.mark.parametrize("size", [180, 300, 420])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_too_little_memory(many: Path, size: int, workers: str) -> None:
    before = files_of(many)
    done = limited(many, rlimit(resource.RLIMIT_DATA, size * MIB), "--workers", workers)
    assert_failed_cleanly(many, before, done)
    assert "R019" in done.stderr or "R013" in done.stderr or "E003" in done.stderr or "memory" in done.stderr


@pytest.mark.parametrize("size", [4_000, 100_000, 1_000_000])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_file_that_cannot_be_written_to_its_end(many: Path, size: int, workers: str) -> None:
    """RLIMIT_FSIZE: the spool, a shard or a document ends too early, as on a disk that is full."""
    before = files_of(many)
    done = limited(many, rlimit(resource.RLIMIT_FSIZE, size), "--workers", workers)
    assert_failed_cleanly(many, before, done)
    assert "R006" in done.stderr


def test_the_next_build_is_fine(many: Path) -> None:
    done = limited(many, lambda: None, "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert next(verify_files(many / "dist/tiny-0.1.0"), None) is None
    rows = (many / "dist/tiny-0.1.0/manifest.json").read_text()
    assert json.loads(rows)["tables"]["articles"]["rows"] == ARTICLES + 2
