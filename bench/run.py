"""All benchmarks in one command: `python bench/run.py [--articles 10000] [--budget MINUTES]`; `make bench` does it.

Generates the corpus, measures floors, builds and peers in one sitting, runs the smaller benchmarks beside them, and
writes one result, bench/results/<articles>-<commit>.json; report.py makes README.md and its plots out of all results.
A part that fails, or for which no time is left, is told as such in the result, and the rest goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import report
from measure import run
from stages import PARTS as BUILDS
from stages import Builds

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "results"
LIBRARIES = ("pyarrow", "orjson", "jsonschema-rs", "jsonschema", "numpy", "duckdb", "datasets", "great-expectations")
LEAST = 20.0
"""Seconds that must be left for a part to begin."""
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Another way to do a part of the job. `most`: articles that it is measured on at most; more are extrapolated."""

    script: str
    arguments: tuple[str, ...] = ()
    most: int
    own: bool = False
    """Whether it runs in this environment, not in that of the peers."""


PEERS: Mapping[str, Peer] = {
    "orjson, jsonschema-rs, pyarrow": Peer(script="arrow_script.py", most=20_000, own=True),
    "datasets, jsonschema-rs": Peer(
        script="datasets_script.py", arguments=("--validator", "jsonschema-rs"), most=8_000, own=True
    ),
    "datasets, jsonschema": Peer(
        script="datasets_script.py", arguments=("--validator", "jsonschema"), most=1_000, own=True
    ),
    "TFDS": Peer(script="tfds_builder.py", most=2_000),
    "datatrove MinHash": Peer(script="datatrove_minhash.py", most=1_000),
}
"""Name -> how it is run; what each does and leaves out stands in its file and in README.md."""

BESIDE: Mapping[str, tuple[str, ...]] = {
    "near copies": ("nearcopies.py", "5000"),
    "formats": ("formats.py",),
    "differences": ("diff.py",),
}
"""The smaller benchmarks, which print tables of their own."""


@dataclass(slots=True, kw_only=True)
class Sitting:
    """One run of everything: what was measured, what failed, how much time is left."""

    builds: Builds
    articles: int
    peers_python: Path
    ends: float
    parts: Json = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def left(self) -> float:
        return self.ends - time.monotonic()

    def attempt(self, name: str, part: Callable[[], Any]) -> None:
        """Measure one part; never raises."""
        if self.left < LEAST:
            self.failures[name] = "not run: the time was used up"
            print(f"{name}: {self.failures[name]}", flush=True)
            return
        began = time.monotonic()
        self.builds.timeout = self.left
        try:
            self.parts[name] = part()
            print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
        except Exception as error:  # whatever it is, the other parts are wanted
            self.failures[name] = _told(error)
            print(f"{name}: failed: {self.failures[name]}", flush=True)


def _told(error: Exception) -> str:
    """The last line of what went wrong, without the places of this machine."""
    lines = [line for line in str(error).strip().splitlines() if line.strip()] or [type(error).__name__]
    return re.sub(r"(/[\w.+-]+){2,}", "…", lines[-1].strip())[:300]


def peer(sitting: Sitting, one: Peer) -> Json:
    """CPU by the article and of the start, from two sizes."""
    python = Path(sys.executable) if one.own else sitting.peers_python
    if not python.exists():
        raise FileNotFoundError("its environment could not be made")
    count = min(one.most, sitting.articles)
    seen = [(n, _peer_once(sitting, one, python, n)) for n in (max(count // 4, 1), count)]
    (few, less), (many, most) = seen
    marginal = (most["cpu"] - less["cpu"]) / (many - few)
    told = {"articles": many, "marginal": marginal, "start": max(0.0, less["cpu"] - marginal * few)}
    return {**most, **told, "extrapolated": many < sitting.articles}


def _peer_once(sitting: Sitting, one: Peer, python: Path, count: int) -> Json:
    with tempfile.TemporaryDirectory(dir=sitting.builds.folder) as out:
        argv = [str(python), str(HERE / "peers" / one.script), str(sitting.builds.project), out]
        offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
        done = run(
            [*argv, "--articles", str(count), *one.arguments],
            timeout=sitting.left,
            environment={**offline, "TOKENIZERS_PARALLELISM": "false", "HF_HOME": f"{out}/home"},
        )
    if done.exit:
        raise RuntimeError("no time was left for it" if done.exit == -9 else done.errors)
    wrote = json.loads(done.output.strip().splitlines()[-1])["articles"]
    assert wrote == count, f"it wrote {wrote} of {count} articles"
    return done.as_json()


def floors(sitting: Sitting) -> Json:
    count = min(sitting.articles, 10_000)
    argv = [sys.executable, str(HERE / "floors.py"), str(sitting.builds.project), "--articles", str(count)]
    done = run(argv, timeout=sitting.left)
    if done.exit:
        raise RuntimeError(done.errors)
    return dict(json.loads(done.output))


def beside(sitting: Sitting, argv: tuple[str, ...]) -> str:
    done = run([sys.executable, str(HERE / argv[0]), *argv[1:]], timeout=sitting.left)
    if done.exit:
        raise RuntimeError(done.errors)
    return done.output.strip()


def all_parts(sitting: Sitting, only: list[str]) -> None:
    """Everything, what matters most first."""
    parts: dict[str, Callable[[], Any]] = {
        "floors": lambda: floors(sitting),
        **{f"build: {name}": lambda part=part: part(sitting.builds) for name, part in BUILDS.items()},
        **{f"peer: {name}": lambda one=one: peer(sitting, one) for name, one in PEERS.items()},
        **{f"beside: {name}": lambda argv=argv: beside(sitting, argv) for name, argv in BESIDE.items()},
    }
    for name, part in parts.items():
        if not only or any(name.startswith(word) for word in only):
            sitting.attempt(name, part)


def machine() -> Json:
    """What figures depend on, without the machine's name."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processors": os.cpu_count(),
        "architecture": platform.machine(),
        "memory": round(pages / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def commit() -> Json:
    """The commit that is measured, when it was made, and whether files differ from it."""

    def git(*argv: str) -> str:
        done = subprocess.run(["git", *argv], capture_output=True, text=True, cwd=ROOT, check=False)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--", "src", "bench/*.py", "bench/project", "bench/peers")
    return {"commit": git("rev-parse", "--short=10", "HEAD") or "none", "date": git("log", "-1", "--format=%cI")} | (
        {"changed": True} if changed else {}
    )


def main() -> int:
    """Measure, write the result, write the report."""
    parser = argparse.ArgumentParser(description="All benchmarks, in one sitting.")
    parser.add_argument("--articles", type=int, default=10_000)
    parser.add_argument(
        "--budget", type=float, default=24 * 60, metavar="MINUTES", help="what does not fit is left out"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="PART", help="build, peer, floors, beside, or more"
    )
    parser.add_argument("--peers-python", type=Path, default=ROOT / ".venv-bench" / "bin" / "python")
    parser.add_argument("--work", type=Path, help="where to put corpus and releases (default: a temporary folder)")
    parser.add_argument("--no-report", action="store_true", help="write the result, leave README.md as it is")
    arguments = parser.parse_args()
    ends = time.monotonic() + arguments.budget * 60
    folder = Path(tempfile.mkdtemp(prefix="copydesk-bench-", dir=arguments.work))
    sitting = Sitting(
        builds=Builds(folder, arguments.articles),
        articles=arguments.articles,
        peers_python=arguments.peers_python,
        ends=ends,
    )
    try:
        sitting.attempt("corpus", sitting.builds.create)
        all_parts(sitting, arguments.only)
    finally:  # what was measured is kept, also when it is stopped
        shutil.rmtree(folder, ignore_errors=True)
        source = commit()
        result = {"articles": arguments.articles, **source, "machine": machine()}
        result |= {"parts": sitting.parts, "failures": sitting.failures}
        RESULTS.mkdir(exist_ok=True)
        name = f"{arguments.articles}-{source['commit']}{'-changed' if 'changed' in source else ''}.json"
        (RESULTS / name).write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"wrote bench/results/{name}")
    if not arguments.no_report:
        report.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
