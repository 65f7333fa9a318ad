"""The README's words are true: what it shows is what comes out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from conftest import ROOT, replace_text
from copydesk.diagnostics import Report
from copydesk.diagnostics.render import render_text
from copydesk.release.manifest import load_manifest

README = (ROOT / "README.md").read_text(encoding="utf-8")


def fenced(language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.S | re.M)
    return [block for name, block in found if name == language]


def test_the_excerpt_has_the_rows_of_the_release(seed_release: Path) -> None:
    excerpt = next(block for block in fenced("") if block.startswith("sealed"))
    tables = load_manifest(seed_release)["tables"]
    shown = re.findall(r"^  (\w+) +train ([\d,]+)", excerpt, flags=re.M)
    assert shown == [(name, f"{table['rows']:,}") for name, table in tables.items()]
    assert f"sealed dist/{seed_release.name}" in excerpt


def test_the_example_prints_what_is_shown(seed_release: Path, tmp_path: Path) -> None:
    program = fenced("python")[0].replace(f"dist/{seed_release.name}", str(seed_release))
    env = {**os.environ, "HF_DATASETS_CACHE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env, check=True)
    assert done.stdout in fenced("")


def test_the_finding_is_the_one_shown(seed_project: Path, tmp_path: Path) -> None:
    import shutil

    from copydesk.build import Options, check

    project = tmp_path / "project"
    shutil.copytree(seed_project, project, ignore=shutil.ignore_patterns("dist"))
    replace_text(project / "data/articles/c6913b9a289c6313.json", '"end": 69,', '"end": 2400,')
    shown = next(block for block in fenced("") if block.startswith("error[A103]"))
    assert render_text(Report(check(Options(root=project)).diagnostics)) == shown


def test_the_table_of_commands_is_whole() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "copydesk", "--help"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        check=True,
    )
    listed = re.findall(r"^    (\w+) ", done.stdout, flags=re.M)
    assert listed == [
        *("build", "check", "groups", "cache", "explain", "schema", "verify"),
        *("diff", "release", "withdraw", "yank", "init", "convert", "formats"),
    ]
    assert all(f"`copydesk {command}" in README for command in listed)


def test_ci_runs_the_test_command_of_the_readme() -> None:
    command = re.search(r"<!-- test command -->\n```sh\n(.*?)```", README, flags=re.S)
    assert command is not None
    assert command[1].strip().endswith("-m pytest -n 2")
    assert "README.md" in (ROOT / ".ci/run").read_text(encoding="utf-8")


def test_the_pins_carry_hashes_and_no_addresses() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text
        pinned = re.findall(r"^[A-Za-z0-9_.\[\]-]+==\S+", text, flags=re.M)
        assert len(pinned) > 50
        assert text.count("--hash=sha256:") >= len(pinned)


def test_the_seeds_are_the_documents_that_were_annotated() -> None:
    import hashlib

    for path in sorted((ROOT / "data/articles").glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))["document"]
        assert hashlib.sha256((ROOT / document["path"]).read_bytes()).hexdigest() == document["sha256"]
        assert path.stem in document["path"]
