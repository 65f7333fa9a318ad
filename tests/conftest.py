"""Shared by all tests: a small project that builds, and ways to change it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from copydesk.diagnostics import Report
from copydesk.scaffold import create

settings.register_profile("same", derandomize=True)
settings.register_profile("explore", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("EXPLORE", "same"))
"""A change is judged by the same examples every time; `make explore` looks for new ones."""

ROOT = Path(__file__).resolve().parent.parent
CORPORA = ROOT.parent / "shared" / "corpora"
"""Real corpora, where a machine has them; the tests that use them skip elsewhere."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project as `copydesk init` makes it."""
    folder = tmp_path / "project"
    assert create(folder, "tiny") is None
    return folder


@pytest.fixture(scope="session")
def seed_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this repository's own dataset project."""
    folder = tmp_path_factory.mktemp("seed") / "project"
    folder.mkdir()
    for name in ("data", "schema", "seeds"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("dataset.toml", "DATASHEET.md"):
        shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def seed_release(seed_project: Path) -> Path:
    """The release of this repository's own dataset, built with what is checked in and nothing else."""
    from copydesk.build import Options, build

    return build(Options(root=seed_project, frozen=True)).folder


def edit_json(path: Path, change: Callable[[Any], Any]) -> None:
    """Change a JSON file: `change` alters the value, or returns another object or array."""
    value = json.loads(path.read_text(encoding="utf-8"))
    changed = change(value)
    path.write_text(
        json.dumps(changed if isinstance(changed, dict | list) else value, ensure_ascii=False, indent=1),
        encoding="utf-8",
    )


def replace_text(path: Path, old: str, new: str) -> None:
    """Replace one piece of a text file, which must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def codes(report: Report) -> set[str]:
    """The codes of errors and warnings, and of the notes that do not always stand."""
    return {d.code for d in report}
