"""Walks from release to release that once went wrong: what is backdated, lost, stale or forged is noticed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cases_release import reseal
from test_groups import COPY, OTHER, STORY, article, project_of, run

from conftest import replace_text
from copydesk.build import Options, Outcome, build
from copydesk.diagnostics import BuildFailed, Diagnostic
from copydesk.release.verify import verify


def set_version(project: Path, old: str, new: str) -> None:
    replace_text(project / "dataset.toml", f'version = "{old}"\ndate', f'version = "{new}"\ndate')
    replace_text(project / "data/CHANGELOG.md", f"## {old}", f"## {new}\n\nNews.\n\n## {old}")


def add(project: Path, value: dict[str, Any]) -> None:
    (project / f"data/articles/{value['id']}.json").write_text(json.dumps(value), encoding="utf-8")


def refused(project: Path) -> dict[str, Diagnostic]:
    with pytest.raises(BuildFailed) as failed:
        build(Options(root=project, workers=1))
    return {d.code: d for d in failed.value.report if d.severity.value == "error"}


def built(project: Path) -> Outcome:
    return build(Options(root=project, workers=1))


@pytest.fixture
def released(project: Path) -> Path:
    """A project whose 1.0.0 is out, with an article in train and one in test."""
    project_of(project, [article("a1", STORY), article("b1", OTHER)], {"a1": "train", "b1": "test"})
    set_version(project, "0.1.0", "1.0.0")
    built(project)
    text = (project / "dataset.toml").read_text(encoding="utf-8")
    start, end = text.index("[[splits.pin]]"), text.index("[release]")
    (project / "dataset.toml").write_text(text[:start] + text[end:], encoding="utf-8")
    return project


ACCEPT = """[[splits.decision]]
articles = ["b1"]
choice = "accept"
version = "{}"
reason = "A quotation."

[release]"""


@pytest.mark.parametrize("dated", ["1.0.0", "1.1.0", "0.5.0"])
def test_an_accepted_leak_needs_a_breaking_version_whatever_its_date(released: Path, dated: str) -> None:
    add(released, article("a1", STORY + " " + OTHER))
    set_version(released, "1.0.0", "1.1.0")
    assert "L002" in refused(released)
    replace_text(released / "dataset.toml", "[release]", ACCEPT.format(dated))
    assert "L005" in refused(released)
    set_version(released, "1.1.0", "2.0.0")
    outcome = built(released)
    (accepted,) = json.loads((outcome.folder / "quality/leakage.json").read_text())["set_apart"]
    assert accepted["reason"] == "A quotation."
    assert verify(outcome.folder)[1] == []
    set_version(released, "2.0.0", "2.0.1")
    assert not [d for d in built(released).report if d.code == "L005"]


def test_the_text_of_a_withdrawn_article_does_not_come_back_under_another_id(
    released: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(released, article("q1", "As the gazette wrote: " + STORY + " So much for that."))
    code, out, _ = run(capsys, "withdraw", "a1", "--reason", "takedown", "--project", str(released))
    assert code == 0
    assert "much of its text is in the article q1" in out
    (released / "data/articles/q1.json").unlink()
    (released / "data/articles/a1.json").unlink()
    add(released, article("z9", STORY))
    add(released, article("c1", " ".join(f"word{n}" for n in range(60))))
    set_version(released, "1.0.0", "2.0.0")
    outcome = built(released)
    (told,) = [d for d in outcome.report if d.code == "L013"]
    assert "z9" in told.message
    assert all(b"fishing boats" not in path.read_bytes() for path in outcome.folder.rglob("*.jsonl"))


def test_a_lost_ledger_is_no_new_beginning(released: Path) -> None:
    (released / "data/ledger.jsonl").unlink()
    set_version(released, "1.0.0", "1.0.1")
    assert "L001" in refused(released)
    (released / "data/ledger.jsonl").mkdir()
    assert "L001" in refused(released)


def test_a_stale_setting_does_not_hide_a_newer_release(released: Path, tmp_path: Path) -> None:
    (released / "dist/tiny-1.0.0").rename(tmp_path / "old")
    replace_text(released / "dataset.toml", "draft = true", f'draft = true\nprevious = "{tmp_path / "old"}"')
    add(released, article("c1", " ".join(f"word{n}" for n in range(60))))
    set_version(released, "1.0.0", "1.1.0")
    built(released)
    set_version(released, "1.1.0", "1.2.0")
    assert not [d for d in built(released).report if d.code == "R015"]


def test_a_release_of_another_dataset_is_no_release_before(released: Path, tmp_path: Path) -> None:
    (released / "dist/tiny-1.0.0").rename(tmp_path / "old")
    replace_text(released / "dataset.toml", 'name = "tiny"', 'name = "other"')
    replace_text(released / "dataset.toml", "draft = true", f'draft = true\nprevious = "{tmp_path / "old"}"')
    set_version(released, "1.0.0", "1.0.1")
    (told,) = [d for d in built(released).report if d.code == "R015"]
    assert "tiny" in told.message


def test_release_asks_for_what_the_build_will(released: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Folds that are dealt anew are no difference of rows; a quarantine stands whatever version it names."""
    replace_text(released / "dataset.toml", "[splits]\n", "[splits]\nfolds = 2\n")
    code, out, _ = run(capsys, "release", "--project", str(released), "--date", "2026-02-01")
    assert code == 0, out
    built(released)
    replace_text(released / "dataset.toml", "folds = 2", "folds = 3")
    code, out, err = run(capsys, "release", "--project", str(released), "--date", "2026-03-01")
    assert (code, "2.0.0" in out) == (0, True), out + err
    built(released)
    add(released, article("x1", STORY + " " + OTHER))
    decision = ACCEPT.format("3.0.0").replace("b1", "x1").replace("accept", "quarantine")
    replace_text(released / "dataset.toml", "[release]", decision)
    add(released, article("c1", " ".join(f"word{n}" for n in range(60))))
    code, out, err = run(capsys, "release", "--project", str(released), "--date", "2026-04-01")
    assert (code, "2.1.0" in out) == (0, True), out + err
    assert built(released).excluded == 1


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [("quality/groups.jsonl", None, None), ("quality/splits.json", '"articles": 1', '"articles": 7')],
)
def test_what_is_told_of_groups_and_shares_is_held_against_the_ledger(
    project: Path, file: str, old: str | None, new: str | None
) -> None:
    project_of(
        project, [article("a1", STORY), article("a2", COPY), article("b1", OTHER)], {"a1": "train", "b1": "test"}
    )
    release = built(project).folder
    if old is None or new is None:
        (release / file).write_bytes(b"")
    else:
        replace_text(release / file, old, new)
    reseal(release)
    assert "V007" in {d.code for d in verify(release)[1]}
