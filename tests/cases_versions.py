"""A case for each code about versions: too small a step, no release to hold it against, a number that is used up."""

from __future__ import annotations

import shutil
from pathlib import Path

from cases import PROJECT, Case, both, text, write

from copydesk.build import Options, build

CHANGELOG = "data/CHANGELOG.md"

_NEXT = both(
    text(PROJECT, 'version = "0.1.0"', 'version = "0.1.1"'),
    text(CHANGELOG, "## 0.1.0", "## 0.1.1\n\nA description is clearer.\n\n## 0.1.0"),
)


def _build_first(folder: Path) -> None:
    build(Options(root=folder, workers=1))


def _without_mentions(folder: Path) -> None:
    """The project without the config of that name."""
    lines = (folder / PROJECT).read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("mentions = {")]
    (folder / PROJECT).write_text("".join(kept), encoding="utf-8")
    (folder / "schema/expectations/mentions.json").unlink()


def _fresh_clone(folder: Path) -> None:
    shutil.rmtree(folder / "dist")


CASES = {
    "R014": Case(
        breaks=both(_build_first, text(PROJECT, "draft = true", "draft = false"), _without_mentions, _NEXT),
        file=PROJECT,
        pointer="/dataset/version",
        shows='version = "0.1.1"',
        run="build",
    ),
    "R015": Case(breaks=both(_build_first, _fresh_clone, _NEXT), file="dist", run="build"),
    "R016": Case(
        breaks=write("data/yanked.jsonl", '{"version": "0.1.0", "reason": "The wrong files.", "date": "2026-01-01"}\n'),
        file=PROJECT,
        pointer="/dataset/version",
        shows='version = "0.1.0"',
        run="build",
    ),
}
