"""Shared by all tests: a small project that builds, and ways to change it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from copydesk.diagnostics import Report
from copydesk.scaffold import create

ROOT = Path(__file__).resolve().parent.parent
CORPORA = ROOT.parent / "shared" / "corpora"
"""Real corpora, where a machine has them; the tests that use them skip elsewhere."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project as `copydesk init` makes it."""
    folder = tmp_path / "project"
    assert create(folder, "tiny") is None
    return folder


def edit_json(path: Path, change: Callable[[Any], Any]) -> None:
    """Change a JSON file: `change` alters the value, or returns another."""
    value = json.loads(path.read_text(encoding="utf-8"))
    changed = change(value)
    path.write_text(json.dumps(value if changed is None else changed, ensure_ascii=False, indent=1), encoding="utf-8")


def replace_text(path: Path, old: str, new: str) -> None:
    """Replace one piece of a text file, which must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def codes(report: Report) -> set[str]:
    """The codes of errors and warnings, and of the notes that do not always stand."""
    return {d.code for d in report}
