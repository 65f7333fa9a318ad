"""`copydesk init`: a new dataset project, small, whole, and building at once. The files lie in template/."""

from __future__ import annotations

import re
import unicodedata
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from copydesk.release.datasheet import skeleton

MAX_NAME = 96
"""Characters of a dataset name: what the Hub allows."""

ABOUT = "Two invented notices about a library, annotated to show the shape of a project."
_RENAMED = {"gitignore": ".gitignore"}
"""Files that may not carry their name in the package."""


def dataset_name(name: str) -> str:
    """The name of a dataset made of any name; empty if nothing of it can stand in one, or too much."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return slug if len(slug) <= MAX_NAME else ""


def obstacle(folder: Path, name: str) -> str | None:
    """What stands in the way of a new project in `folder`, if anything does."""
    if not dataset_name(name):
        return f"{name!r} makes no dataset name (letters and digits, at most {MAX_NAME}); give one with --name"
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        return f"{folder} exists and is not empty"
    return None


def title_of(slug: str) -> str:
    """A title to begin with."""
    return slug.replace("-", " ").capitalize()


def create(folder: Path, name: str) -> str | None:
    """Write a new project to `folder`. Returns what stands in the way, if anything does; then nothing was written."""
    if (problem := obstacle(folder, name)) is not None:
        return problem
    slug = dataset_name(name)
    title = title_of(slug)
    try:
        _copy(files("copydesk") / "template", folder, {"@NAME@": slug, "@TITLE@": title, "@ABOUT@": ABOUT})
        (folder / "DATASHEET.md").write_text(skeleton(title), encoding="utf-8")
    except OSError as error:
        return f"{error.filename or folder}: {error.strerror}"
    return None


def _copy(source: Traversable, target: Path, words: dict[str, str]) -> None:
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for child in source.iterdir():
            if child.name not in {"__pycache__", "__init__.py"}:
                _copy(child, target / _RENAMED.get(child.name, child.name), words)
        return
    text = source.read_text(encoding="utf-8")
    for placeholder, word in words.items():
        text = text.replace(placeholder, word)
    target.write_text(text, encoding="utf-8")
