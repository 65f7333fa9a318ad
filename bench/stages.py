"""Builds of the generated corpus, stage by stage: `python bench/stages.py [ARTICLES] [--profile FILE]`.

CPU of an article by stage (children included), wall, most memory, sizes: with one process and with two, with and
without Great Expectations, a check, and a rebuild after one article was edited. Each is a command of its own, run as a
user runs it; its profile says where the time went. Absolute figures depend on the machine: compare within one run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from corpus import create_project
from measure import run, size_of

COPYDESK = [sys.executable, "-m", "copydesk"]
SOURCE = Path(__file__).resolve().parent.parent / "src"
Json = dict[str, Any]


class Builds:
    """The measured commands over one corpus, in a folder of its own."""

    def __init__(self, folder: Path, count: int, *, timeout: float = 86_400) -> None:
        self.folder, self.count, self.timeout = folder, count, timeout
        self.project, self.corpus = folder / "project", folder / "project" / "data" / "news" / "news-000.jsonl"

    def create(self) -> Json:
        """Write the project; how long that took says how quick the generator is."""
        script = Path(__file__).with_name("corpus.py")
        argv = [sys.executable, str(script), str(self.project), "--articles", str(self.count), "--workers", "2"]
        done = run(argv, timeout=self.timeout)
        if done.exit:
            raise RuntimeError(done.errors[-2000:])
        return {**done.as_json(), "bytes": self.corpus.stat().st_size}

    def command(self, *argv: str) -> Json:
        """Run one command of copydesk with a profile."""
        profile = self.folder / "profile.json"
        profile.unlink(missing_ok=True)
        done = run(
            [*COPYDESK, *argv, f"--profile={profile}"],
            timeout=self.timeout,
            cwd=self.project,
            environment={"PYTHONPATH": str(SOURCE), "CI": "1"},
            folder=self.project / "dist" / ".staging-bench-news" / "spool",
        )
        if done.exit:
            raise RuntimeError(f"exit code {done.exit}: {(done.errors or done.output)[-2000:]}")
        told = json.loads(profile.read_text())
        return {**done.as_json(), "stages": [_slim(stage) for stage in told["stages"]]}

    def build(self, *argv: str, suites: bool) -> Json:
        """A build from nothing: no release, no ledger, no cache of earlier ones."""
        self.clear()
        with contextlib.nullcontext() if suites else self.without_suites():
            out = self.command("build", *argv)
        release = next(p for p in (self.project / "dist").iterdir() if not p.name.startswith("."))
        return out | {"release": size_of(release), "parquet": sum(p.stat().st_size for p in release.rglob("*.parquet"))}

    def rebuild(self, *argv: str) -> Json:
        """The build after the one before, with a word of one article changed; without Great Expectations."""
        edit_one(self.corpus, self.count // 2)
        with self.without_suites():
            return self.command("build", *argv)

    @contextlib.contextmanager
    def without_suites(self) -> Iterator[None]:
        away, here = self.folder / "expectations", self.project / "schema" / "expectations"
        here.rename(away)
        try:
            yield
        finally:
            away.rename(here)

    def clear(self) -> None:
        shutil.rmtree(self.project / "dist", ignore_errors=True)
        (self.project / "data" / "ledger.jsonl").unlink(missing_ok=True)


def edit_one(corpus: Path, number: int) -> None:
    """Change what one article says of its publisher, as an annotator's tool would: the whole file is written again."""
    changed = corpus.with_suffix(".new")
    with corpus.open("rb") as lines, changed.open("wb") as out:
        for at, line in enumerate(lines):
            out.write(line.replace(b' Courier"', b' Gazette"', 1) if at == number else line)
    changed.replace(corpus)


def _slim(stage: Json) -> Json:
    """What of a stage is kept: no names of files, no functions that were seen once."""
    names = ("name", "wall", "cpu", "memory", "tasks", "processes", "input", "records", "parts")
    return {name: stage[name] for name in names}


PARTS: dict[str, Callable[[Builds], Json]] = {
    "check": lambda builds: builds.command("check", "--workers", "1"),
    "one process": lambda builds: builds.build("--workers", "1", suites=False),
    "two processes": lambda builds: builds.build("--workers", "2", suites=False),
    "rebuild": lambda builds: builds.rebuild("--workers", "2"),
    "with expectations": lambda builds: builds.build("--workers", "2", suites=True),
}
"""What is measured, in this order: the rebuild is one of the build before it, without Great Expectations."""


def table(name: str, told: Json, count: int) -> list[str]:
    """The stages of one command, CPU of an article."""
    head = f"{name}: {told['cpu'] / count * 1e6:,.0f} µs of CPU per article, {told['wall']:.1f} s, "
    lines = [head + f"{told['proportional'] / 1e6:,.0f} MB; others used {told['others']:.1f} processors"]
    rest = told["cpu"] - sum(sum(stage["cpu"].values()) for stage in told["stages"])
    lines.append(f"  {'start':<10} {rest / count * 1e6:>8,.0f} µs  {rest / told['cpu']:>5.0%}")
    for stage in told["stages"]:
        cpu = sum(stage["cpu"].values())
        lines.append(f"  {stage['name']:<10} {cpu / count * 1e6:>8,.0f} µs  {cpu / told['cpu']:>5.0%}")
    return lines


def main(argv: Sequence[str] | None = None) -> None:
    """Run all parts over a corpus of the size asked for."""
    parser = argparse.ArgumentParser(description="Builds of a generated corpus, stage by stage.")
    parser.add_argument("articles", type=int, nargs="?", default=5_000)
    parser.add_argument("--only", action="append", choices=list(PARTS))
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="copydesk-bench-") as folder:
        builds = Builds(Path(folder), arguments.articles)
        create_project(builds.project, arguments.articles, workers=2)
        for name in arguments.only or PARTS:
            print("\n".join(table(name, PARTS[name](builds), arguments.articles)) + "\n", flush=True)


if __name__ == "__main__":
    main()
