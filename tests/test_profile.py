"""`--profile`: what it says of a build and a check, and that it changes nothing about them."""

from __future__ import annotations

import importlib
import inspect
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from conftest import edit_json
from copydesk.build import Options, build
from copydesk.cli import main
from copydesk.profile import Profile, StageTimes, as_json, shares
from copydesk.profile.processes import cpu, descendants
from copydesk.profile.render import render
from copydesk.profile.samples import PARTS, counting, part_of
from copydesk.profile.tasks import Task, Timed, process


def many(project: Path, count: int) -> None:
    """More articles, in a file that is cut into blocks."""
    toml = project / "dataset.toml"
    source = 'paths = ["data/articles/*.json"]'
    toml.write_text(toml.read_text().replace(source, 'paths = ["data/articles/*.json", "data/more.jsonl"]'))
    with (project / "data" / "more.jsonl").open("w") as stream:
        for number in range(count):
            words = " ".join(f"word{number}x{n}" for n in range(300))
            stream.write(json.dumps({"id": f"more-{number}", "text": words, "mentions": [], "claims": []}) + "\n")


def profile_of(project: Path, **options: Any) -> dict[str, Any]:
    profile = Profile()
    profile.start()
    build(Options(root=project, profile=profile, progress=profile.reporting(lambda *_: None), **options))
    profile.stop()
    return as_json(profile)


def test_a_build_is_told_stage_by_stage(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "--project", str(project), "--profile"]) == 0
    shown = capsys.readouterr()
    assert "profile:" not in shown.out
    table = shown.err[shown.err.index("profile:") :]
    lines = [line.split("  ")[0] for line in table.splitlines()]
    names = ["prepare", "list", "stage", "barrier", "write", "expect", "describe", "read back", "verify", "seal"]
    assert [name for name in lines[3:] if name in names] == names
    assert "Great Expectations" in table and "slowest tasks" in table


def test_a_check_is_told_too_and_also_when_it_finds_errors(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit_json(project / "data" / "articles" / "library-1.json", lambda a: a["mentions"][0].update(end=0))
    assert main(["check", "--project", str(project), "--profile"]) == 1
    shown = capsys.readouterr()
    assert "A102" in shown.out and "profile:" in shown.err and "stage" in shown.err
    assert main(["build", "--project", str(project), "--profile"]) == 1
    assert "profile:" in capsys.readouterr().err


def test_for_programs_in_a_file(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "profile.json"
    assert main(["check", "--project", str(project), f"--profile={target}"]) == 0
    told = json.loads(target.read_text())
    assert "profile:" not in capsys.readouterr().err
    assert told["wall"] > 0 and told["memory"] > 10e6
    stage = next(s for s in told["stages"] if s["name"] == "stage")
    assert stage["tasks"] == 2 and stage["records"] == 3  # two articles, one link
    assert {s["about"] for s in stage["slowest"]} == {
        "data/articles/library-1.json to data/articles/library-2.json",
        "data/links/library.json",
    }


def test_a_file_that_cannot_be_written_costs_no_profile(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--project", str(project), "--profile=/nowhere/at/all.json"]) == 0
    shown = capsys.readouterr().err
    assert "cannot be written to /nowhere/at/all.json" in shown and "profile:" in shown


def test_no_byte_of_a_release_depends_on_it(project: Path) -> None:
    outcome = build(Options(root=project))
    before = (outcome.folder / "SHA256SUMS").read_bytes()
    profile_of(project)
    assert (outcome.folder / "SHA256SUMS").read_bytes() == before


def test_tasks_in_workers_are_measured_where_they_run(project: Path) -> None:
    many(project, 400)
    told = profile_of(project, workers=2, block_size=200_000)
    stage = next(s for s in told["stages"] if s["name"] == "stage")
    assert stage["tasks"] >= 5 and stage["processes"] == 2
    assert stage["records"] == 403
    assert stage["input"] > 400 * 3_000
    assert stage["cpu"]["workers"] > 0 and stage["cpu"]["elsewhere"] == 0
    assert {"shingles", "JSON", "outside tasks"} & set(stage["parts"])
    assert sum(stage["parts"].values()) == pytest.approx(stage["cpu"]["workers"] + stage["cpu"]["driver"], rel=0.2)
    write = next(s for s in told["stages"] if s["name"] == "write")
    assert any(s["about"] == "articles/train-00000" for s in write["slowest"])
    assert told["cpu"] == pytest.approx(sum(sum(s["cpu"].values()) for s in told["stages"]), abs=0.01)


def test_what_runs_here_counts_once(project: Path) -> None:
    many(project, 300)
    told = profile_of(project, workers=1)
    stage = next(s for s in told["stages"] if s["name"] == "stage")
    assert stage["cpu"]["workers"] == 0
    assert sum(stage["parts"].values()) == pytest.approx(stage["cpu"]["driver"], rel=0.05)
    assert stage["processes"] == 1


def test_a_task_on_another_node_counts_for_the_whole() -> None:
    profile = Profile()
    profile.start()
    result, task = Timed(len)("abc")
    profile.enter("stage")
    from dataclasses import replace

    assert profile.take((result, replace(task, process="elsewhere:7", cpu=5.0))) == 3
    profile.stop()
    told = as_json(profile)
    assert told["cpu"] > 5
    assert told["stages"][1]["cpu"]["elsewhere"] == pytest.approx(5, abs=0.5)
    assert "stage" in render(profile)


def test_a_stage_that_comes_again_is_one_row() -> None:
    profile = Profile()
    profile.start()
    progress = profile.reporting(lambda *_: None)
    for name in ("stage", "barrier", "stage"):
        progress(name, 0, 1)
    profile.stop()
    assert [s.name for s in profile.stages] == ["prepare", "barrier", "stage"]


def test_an_exception_in_a_task_stops_looking() -> None:
    import threading

    with pytest.raises(TypeError):
        Timed(len)(3)
    assert not [t for t in threading.enumerate() if t.name == "copydesk-profile"]


def test_parts_name_what_is_there() -> None:
    """A part of a module or function that is gone would count under the module's own name, unseen."""
    for name in PARTS:
        module, _, function = name.partition(":")
        found: Any = importlib.import_module(f"copydesk.{module}")
        for step in function.split(".") if function else ():
            found = inspect.getattr_static(found, step)


def test_the_longest_name_counts() -> None:
    assert part_of(("writers.parquet", "write")) == "Parquet"
    assert part_of(("expectations.rows", "run.<locals>.one")) == "Great Expectations"
    assert part_of(("expectations.tables", "run")) == "rules in SQL"
    assert part_of(("stage", "_Surfaces.fill")) == "surfaces"
    assert part_of(("unheard.of", "f")) == "unheard.of"


def test_looking_finds_the_frame_of_copydesk() -> None:
    from copydesk.jsontext import dump_line

    value = {"a": [{"b": str(n)} for n in range(2_000)]}
    sampler, counts = counting()
    sampler.start()
    until = time.monotonic() + 10
    while counts.total() < 20 and time.monotonic() < until:
        dump_line(value)
    sampler.stop()
    assert counts["jsontext", "dump_line"] > 0


def test_children_are_counted() -> None:
    import os
    import subprocess
    import sys

    before = cpu().workers
    child = subprocess.Popen([sys.executable, "-c", "import time\nwhile time.process_time() < 0.4: pass\ninput()"],
                             stdin=subprocess.PIPE)  # fmt: skip
    try:
        until = time.monotonic() + 30
        while cpu().workers < before + 0.3 and time.monotonic() < until:
            time.sleep(0.02)
        assert child.pid in list(descendants(os.getpid()))
        assert cpu().workers >= before + 0.3
    finally:
        child.communicate(b"\n")
    assert cpu().workers >= before + 0.3


def test_shares_are_of_the_driver_alone_without_tasks() -> None:
    profile = Profile()
    profile.start()
    profile.stop()
    assert sum(s for _, s in shares(profile.stages[0])) == pytest.approx(profile.stages[0].driver)


def test_what_the_driver_does_beside_its_own_tasks_is_told_apart() -> None:
    """Both it and its task were seen in the task; what is left of its time goes to what it did besides."""
    at, besides = ("checks", "check"), ("sources", "read")
    task = Task(
        about="", process=process(), wall=3.0, cpu=3.0, memory=0, input=0, records=0, samples=Counter({at: 300})
    )
    stage = StageTimes(name="stage", driver=4.0, tasks=[task], samples=Counter({at: 300, besides: 10}))
    assert dict(shares(stage)) == pytest.approx({"checks": 3.0, "read": 1.0})
