"""The command line as people and programs use it: what is printed where, and with which exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT, edit_json
from copydesk.diagnostics import CODES
from copydesk.scaffold import create

COMMANDS = ["build", "check", "explain", "schema", "verify", "init"]


def run(*argv: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment}
    command = [sys.executable, "-m", "copydesk", *argv]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env, check=False)


def test_help_teaches() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert all(f"copydesk {command}" in done.stdout or command in done.stdout for command in COMMANDS)
    assert "exit codes: 0 clean, 1 errors in the data, 2 usage, 3 a bug" in done.stdout
    for command in COMMANDS:
        assert run(command, "--help").stdout.startswith(f"usage: copydesk {command}")


@pytest.mark.parametrize(
    "argv",
    [[], ["bild"], ["check", "--workers", "0"], ["check", "--workers", "many"], ["explain", "Z999"], ["verify"],
     ["schema", "--as", "xml"]],
)  # fmt: skip
def test_usage_is_two(argv: list[str], project: Path) -> None:
    done = run(*argv, cwd=project)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_clean_project_is_zero_and_a_broken_one_is_one(project: Path) -> None:
    assert run("check", cwd=project).returncode == 0
    edit_json(project / "data/articles/library-1.json", lambda r: r["mentions"][1].update(label="DAY"))
    done = run("check", cwd=project)
    assert done.returncode == 1
    assert "error[A004]: 'DAY' is not a label here; the labels are PERSON, PLACE, TIME" in done.stdout
    assert "data/articles/library-1.json" in done.stdout
    assert done.stderr == ""
    built = run("build", "--project", str(project))
    assert built.returncode == 1
    assert "error[A004]" in built.stderr
    assert "not released; what was released before is untouched" in built.stderr
    assert not (project / "dist" / "tiny-0.1.0").exists()


def test_sizes_are_said_as_people_say_them(project: Path) -> None:
    assert run("check", "--block-size", "256K", "--memory", "2G", "--cache-size", "1.5GiB", cwd=project).returncode == 0
    assert run("check", "--block-size", "256X", cwd=project).returncode == 2


def test_programs_get_json_lines(project: Path) -> None:
    edit_json(project / "data/articles/library-1.json", lambda r: r["mentions"][1].update(end=42))
    done = run("check", "--json", cwd=project)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    first = next(f for f in found if f["severity"] == "error")
    assert (first["code"], first["record"], first["pointer"]) == ("A101", "library-1", "/mentions/1/start")
    lines = (project / first["file"]).read_text(encoding="utf-8").splitlines()
    assert '"start"' in lines[first["line"] - 1]
    assert lines[first["line"] - 1][first["column"] - 1 :].startswith("42")


def test_a_build_prints_what_to_do_next(project: Path) -> None:
    done = run("build", "--project", str(project), cwd=project.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("sealed project/dist/tiny-0.1.0\n")
    assert "copydesk verify project/dist/tiny-0.1.0" in done.stdout
    verified = run("verify", "project/dist/tiny-0.1.0", cwd=project.parent)
    assert verified.returncode == 0
    assert verified.stdout.startswith("verified tiny 0.1.0: ")
    again = run("build", "--json", "--project", str(project))
    assert json.loads(again.stdout)["changed"] is False
    sums = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=project / "dist/tiny-0.1.0", check=False)
    assert sums.returncode == 0


def test_a_reader_that_has_seen_enough_is_no_bug(project: Path) -> None:
    command = f"{sys.executable} -m copydesk build --project {project} | head -n 1; exit ${{PIPESTATUS[0]}}"
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"}
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith("sealed ")
    assert "bug" not in done.stderr


def test_nobody_watching_means_no_progress_and_no_colour(project: Path) -> None:
    done = run("check", cwd=project, CI="true")
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stderr


def test_every_code_is_explained() -> None:
    listed = run("explain").stdout.splitlines()
    assert [line.split()[0] for line in listed] == list(CODES)
    assert "code points" in run("explain", "a103").stdout


@pytest.mark.parametrize("form", ["json", "arrow", "features", "docs"])
@pytest.mark.parametrize("name", ["article", "link", "mentions", "claim_pairs"])
def test_the_contract_is_shown_in_every_form(name: str, form: str, tmp_path: Path) -> None:
    project = tmp_path / "p"
    assert create(project, "p") is None
    done = run("schema", name, "--as", form, cwd=project)
    assert done.returncode == 0, done.stderr
    if form in {"json", "features"}:
        assert json.loads(done.stdout)
    if form == "docs" and name == "mentions":
        assert "article_id" in done.stdout
        assert "0 PERSON: A human being." in done.stdout
    assert run("schema", "nothing", cwd=project).returncode == 2
    assert "configs: articles mentions claims claim_pairs" in run("schema", cwd=project).stdout


def test_init_does_not_overwrite(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").touch()
    done = run("init", "there", cwd=tmp_path)
    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert run("init", "…", cwd=tmp_path).returncode == 2
    assert run("init", "Ünïcode news 2", cwd=tmp_path).returncode == 0
    assert run("check", "--project", "Ünïcode news 2", cwd=tmp_path).returncode == 0


def test_build_dataset_is_the_build_of_its_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "build_dataset.py"), "--help"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0
    assert "--frozen" in done.stdout


def test_a_bug_is_three_and_says_so(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from copydesk import build, cli

    def broken(options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(build, "check", broken)
    assert cli.main(["check", "--project", str(project)]) == 3
    assert "bug in copydesk" in capsys.readouterr().err
