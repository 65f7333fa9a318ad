"""Setting a version: only those values change in dataset.toml, all files are written or none, and the words of people
stay."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from conftest import edit_json, replace_text
from copydesk import cli_release
from copydesk.build import Options, build
from copydesk.bumping import Refused, carry_out, set_values
from copydesk.describe import Update
from copydesk.project import load_project
from copydesk.release.changelog import headings
from copydesk.scaffold import create

ONE = "data/articles/library-1.json"
CHANGELOG = "data/CHANGELOG.md"


def release(project: Path, **given: Any) -> int:
    """`copydesk release` as the command line calls it."""
    words = {"bump": None, "version": None, "date": "2026-11-24", "dry_run": False, "json": False}
    return cli_release.release(argparse.Namespace(**{**words, "project": project, **given}))


def seal(project: Path) -> Path:
    return build(Options(root=project, workers=1)).folder


def said(project: Path) -> tuple[str, str]:
    """The version and date in dataset.toml."""
    loaded, found = load_project(project)
    assert loaded is not None, found
    return loaded.dataset.version, loaded.dataset.date


def entries(project: Path) -> list[str]:
    return [heading.version for heading in headings((project / CHANGELOG).read_text(encoding="utf-8"))]


def tree(project: Path) -> dict[str, bytes]:
    """Every file of a project but its releases."""
    files = [p for p in project.rglob("*") if p.is_file() and "dist" not in p.parts]
    return {p.relative_to(project).as_posix(): p.read_bytes() for p in files}


def another_article(project: Path, identifier: str, text: str = "Nothing much happened in the town today.") -> None:
    article = {"id": identifier, "text": text, "mentions": [], "claims": []}
    (project / f"data/articles/{identifier}.json").write_text(json.dumps(article), encoding="utf-8")


# --- dataset.toml

QUOTES = ['"{}"', "'{}'", '"""{}"""', "'''{}'''", '"""\n{}"""', "'''\n{}'''"]
KEYS = ["{}", '"{}"', "'{}'"]
NOISE = [
    "",
    "# version = '1.0.0' of 2026-01-01",
    'note = "version = \\"1.0.0\\" # 2026-01-01"',
    'text = """\nversion = "1.0.0"\ndate = 2026-01-01\n"""',
    "built = 2026-01-01",
    'other = ["1.0.0", "11.0.0", "1.0.01"]',
    "x = { version = '1.0.0', date = 2026-01-01 }",
    "odd = nan",
    "   ",
    "umlaut = 'ü 1.0.0'",
]


@st.composite
def layouts(draw: st.DrawFn) -> str:
    """dataset.toml written in one of many ways: tables, dotted keys, an inline table; version 1.0.0 of 2026-01-01."""
    version = draw(st.sampled_from(QUOTES)).format("1.0.0")
    date = draw(st.sampled_from(["2026-01-01", '"2026-01-01"', "'2026-01-01'"]))
    comment = draw(st.sampled_from(["", "  # 1.0.0 of 2026-01-01", "#"]))
    key = draw(st.sampled_from(KEYS))
    pairs = [(key.format("version"), version), (draw(st.sampled_from(KEYS)).format("date"), date)]
    pairs = draw(st.permutations([*pairs, ("summary", "'1.0.0 is of 2026-01-01'")]))
    noise = iter(draw(st.permutations(NOISE)))
    style = draw(st.sampled_from(["table", "dotted", "inline"]))
    if style == "table":
        header = draw(st.sampled_from(["[dataset]", "[ dataset ]", '["dataset"]', "  ['dataset'] # 1.0.0"]))
        body = [header, *(f"  {k} = {v}{comment}" for k, v in pairs)]
        lines = ["# head", next(noise), "[before]", next(noise), *body, "[after]", next(noise), "[[list]]", next(noise)]
    elif style == "dotted":
        lines = [next(noise), *(f"dataset . {k} = {v}{comment}" for k, v in pairs), "[after]", next(noise)]
    else:
        assume(not any("\n" in v for _, v in pairs))
        inside = ", ".join(f"{k} = {v}" for k, v in pairs)
        lines = [next(noise), f"dataset = {{ {inside} }}{comment}", "[after]", next(noise)]
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text = "\n".join(lines).replace("\n", end) + draw(st.sampled_from(["", end]))
    return draw(st.sampled_from(["", "\ufeff"])) + text


@settings(deadline=None)
@given(layouts(), st.sampled_from(["1.0.1", "2.0.0", "10.20.30"]), st.sampled_from(["2026-01-01", "2027-12-31"]))
def test_only_version_and_date_change_however_the_file_is_written(layout: str, version: str, date: str) -> None:
    data = layout.encode()
    before = tomllib.loads(data.decode("utf-8-sig"))
    after = set_values(data, {"version": version, "date": date})
    assert after is not None
    parsed = tomllib.loads(after.decode("utf-8-sig"))
    kept = type(before["dataset"]["date"])
    assert parsed["dataset"] == {
        **before["dataset"], "version": version, "date": kept(date) if kept is str else kept.fromisoformat(date),
    }  # fmt: skip
    # undone, it is the file as it was, byte for byte: comments, order, quotes, line ends, byte order mark
    assert set_values(after, {"version": "1.0.0", "date": "2026-01-01"}) == data
    assert len(after) == len(data) + len(version) - len("1.0.0")
    changed = [(a, b) for a, b in zip(data.split(b"\n"), after.split(b"\n"), strict=True) if a != b]
    assert 1 <= len(changed) <= 2


def test_a_version_that_is_written_with_escapes_is_left_to_people() -> None:
    assert set_values(b'[dataset]\nversion = "1.0\\u002e0"\ndate = 2026-01-01\n', {"version": "1.1.0"}) is None


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_words_in_the_files_stay(project: Path, end: str) -> None:
    for name in ("dataset.toml", CHANGELOG):
        path = project / name
        path.write_bytes(path.read_text(encoding="utf-8").replace("\n", end).encode())
    before = tree(project)
    assert release(project, version="0.3.0") == 0
    after = tree(project)
    assert {name for name in after if after[name] != before[name]} == {"dataset.toml", CHANGELOG}
    toml = before["dataset.toml"].replace(b'"0.1.0"', b'"0.3.0"').replace(b"2026-01-01", b"2026-11-24")
    assert after["dataset.toml"] == toml
    assert after[CHANGELOG].count(b"\n") == after[CHANGELOG].count(end.encode())
    assert after[CHANGELOG].endswith(before[CHANGELOG].split(end.encode() * 2, 1)[1])


# --- writing

BEFORE = {"a.txt": b"old a", "b.txt": b"old b"}


def two_files(folder: Path) -> list[Update]:
    for name, data in BEFORE.items():
        (folder / name).write_bytes(data)
    return [Update(path=folder / name, before=data, after=b"new " + data) for name, data in BEFORE.items()]


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_files_are_written_and_nothing_is_left_beside_them(tmp_path: Path) -> None:
    carry_out([*two_files(tmp_path), Update(path=tmp_path / "c.txt", before=None, after=b"c")])
    assert files_of(tmp_path) == {"a.txt": b"new old a", "b.txt": b"new old b", "c.txt": b"c"}


@pytest.mark.parametrize("fails_at", [0, 1, 2])
def test_if_one_cannot_be_written_none_is(tmp_path: Path, fails_at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    edits = [*two_files(tmp_path), Update(path=tmp_path / "c.txt", before=None, after=b"c")]
    edits.sort(key=lambda edit: edit.path.name, reverse=True)  # the one that is new goes first
    right, calls = Path.replace, iter(range(100))

    def replace(self: Path, target: Path) -> Path:
        if next(calls) == fails_at:
            raise PermissionError(13, "Permission denied", str(target))
        return right(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(Refused, match="nothing was changed"):
        carry_out(edits)
    assert files_of(tmp_path) == BEFORE


def test_what_somebody_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    edits = two_files(tmp_path)
    (tmp_path / "b.txt").write_bytes(b"theirs")
    with pytest.raises(Refused, match=r"b\.txt was changed meanwhile"):
        carry_out(edits)
    assert files_of(tmp_path) == {"a.txt": b"old a", "b.txt": b"theirs"}


def test_a_link_keeps_leading_to_its_file_and_a_file_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real/dataset.toml", tmp_path / "dataset.toml"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    carry_out([Update(path=link, before=b"old", after=b"new")])
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("at", [0, 1])
def test_a_kill_between_two_writes_leaves_a_project_that_builds_and_can_go_on(
    project: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal(project)
    another_article(project, "new-1")
    right, calls = os.replace, iter(range(100))

    class Killed(BaseException):
        pass

    def replace(self: Path, target: Path) -> Path:
        if next(calls) == at:
            raise Killed
        right(self, target)
        return Path(target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        with pytest.raises(Killed):
            release(project, version="0.2.0")
    assert said(project)[0] == "0.1.0"
    seal(project)
    assert release(project, version="0.2.0") == 0
    assert said(project) == ("0.2.0", "2026-11-24")
    assert entries(project) == ["0.2.0", "0.1.0"]


# --- which version


def test_the_first_release_gets_its_date_and_an_entry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = tmp_path / "project"
    assert create(project, "tiny") is None
    (project / CHANGELOG).write_text("# Changelog\n", encoding="utf-8")
    assert release(project) == 0
    assert said(project) == ("0.1.0", "2026-11-24")
    text = (project / CHANGELOG).read_text(encoding="utf-8")
    assert "First release. Rows:\n\n- `articles`: 2 in train.\n- `mentions`: 7 in train." in text
    assert release(project) == 0
    assert "nothing to write" in capsys.readouterr().out
    assert (project / CHANGELOG).read_text(encoding="utf-8") == text


def test_nothing_to_release(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seal(project)
    before = tree(project)
    assert release(project) == 0
    assert "nothing to release" in capsys.readouterr().out
    assert release(project, version="0.1.0") == 1
    assert "0.1.0 is not later than 0.1.0: 0.1.1 is needed at least" in capsys.readouterr().err
    assert tree(project) == before
    assert release(project, bump="patch") == 0
    assert said(project)[0] == "0.1.1"
    assert "same rows under the same contract" in (project / CHANGELOG).read_text(encoding="utf-8")


def at_one(project: Path) -> None:
    """The project at its release 1.0.0, no draft any more."""
    datasheet = project / "DATASHEET.md"
    datasheet.write_text(datasheet.read_text(encoding="utf-8").replace("TODO", "Answered."), encoding="utf-8")
    replace_text(project / "dataset.toml", "draft = true", "draft = false")
    assert release(project, version="1.0.0", date="2026-02-02") == 0
    seal(project)


def relabel(project: Path) -> None:
    edit_json(project / ONE, lambda article: article["mentions"][0].update(label="TIME"))


@pytest.mark.parametrize(
    ("change", "version"),
    [
        (relabel, "1.1.0"),  # in train
        (lambda p: another_article(p, "new-1"), "1.1.0"),
        (lambda p: replace_text(p / "dataset.toml", 'license = "CC-BY-4.0"', 'license = "CC-BY-NC-4.0"'), "2.0.0"),
    ],
)
def test_the_smallest_version_is_set(project: Path, change: Any, version: str) -> None:
    at_one(project)
    change(project)
    assert release(project) == 0
    assert said(project) == (version, "2026-11-24")
    assert entries(project) == [version, "1.0.0", "0.1.0"]
    once = tree(project)
    assert release(project) == 0
    assert tree(project) == once  # a second time changes nothing, not even what somebody wrote meanwhile
    (project / CHANGELOG).write_text(f"## {version}\n\nMy own words.\n\n## 1.0.0\n\nFirst.\n", encoding="utf-8")
    assert release(project) == 0
    assert (project / CHANGELOG).read_text(encoding="utf-8").startswith(f"## {version}\n\nMy own words.\n\n## 1.0.0")


def test_a_move_that_only_a_major_version_allows_is_weighed_all_the_same(project: Path) -> None:
    another_article(project, "quiet")
    pin = '[[splits.pin]]\narticles = ["quiet"]\nsplit = "{}"\nreason = "A test."\n\n[release]'
    replace_text(project / "dataset.toml", "[release]", pin.format("test"))
    at_one(project)
    replace_text(project / "dataset.toml", pin.format("test"), pin.format("train"))
    assert release(project) == 0
    assert said(project)[0] == "2.0.0"
    assert "- 1 article moved from test to train: `quiet`." in (project / CHANGELOG).read_text(encoding="utf-8")


@pytest.mark.parametrize("asked", [{"bump": "patch"}, {"version": "1.0.1"}, {"version": "1.0.0"}, {"version": "0.9.0"}])
def test_a_step_that_is_too_small_is_refused_with_the_reasons(
    project: Path, asked: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    at_one(project)
    relabel(project)
    before = tree(project)
    assert release(project, **asked) == 1
    shown = capsys.readouterr().err
    assert "error[R014]" in shown
    assert "1.1.0 is needed at least" in shown
    assert f"train-annotations-changed): mentions m1 of library-1 (train) at {ONE}:" in shown
    assert "nothing was changed" in shown
    assert tree(project) == before


@pytest.mark.parametrize(
    ("asked", "version"),
    [({"bump": "minor"}, "1.1.0"), ({"bump": "major"}, "2.0.0"), ({"version": "1.7.3"}, "1.7.3")],
)
def test_a_larger_step_is_fine(project: Path, asked: dict[str, str], version: str) -> None:
    at_one(project)
    relabel(project)
    assert release(project, **asked) == 0
    assert said(project)[0] == version


def test_a_version_that_was_set_too_small_by_hand_is_raised(project: Path) -> None:
    at_one(project)
    relabel(project)
    replace_text(project / "dataset.toml", '"1.0.0"', '"1.0.1"')
    assert release(project) == 0
    assert said(project)[0] == "1.1.0"


def test_in_a_fresh_clone_the_ledger_and_people_decide(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at_one(project)
    shutil.rmtree(project / "dist")
    relabel(project)
    before = tree(project)
    assert release(project) == 1, "that nothing changed cannot be said"
    assert "R015" in capsys.readouterr().err
    assert tree(project) == before
    assert release(project, bump="minor") == 0
    assert said(project)[0] == "1.1.0"
    once = tree(project)
    assert release(project) == 0
    assert "no release is here to tell whether 1.1.0 is out" in capsys.readouterr().out
    assert tree(project) == once
    another_article(project, "new-1")
    assert release(project, bump="patch") == 0, "1.1.0 is larger than 1.0.0 by enough; the step is from there"
    assert said(project)[0] == "1.1.1"


def test_what_would_be_written_can_be_seen_first(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at_one(project)
    relabel(project)
    before = tree(project)
    capsys.readouterr()
    assert release(project, dry_run=True) == 0
    shown = capsys.readouterr().out
    assert "would write data/CHANGELOG.md and dataset.toml" in shown
    assert "- 1 annotation of `mentions` in train has another label, in `library-1`." in shown
    assert release(project, dry_run=True, json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["version"] == told["needed"] == "1.1.0"
    assert (told["previous"], told["bump"], told["compared"]) == ("1.0.0", "minor", "release")
    assert told["rules"] == {"train-annotations-changed": 1}
    assert capsys.readouterr().err == "", "what `check` warns of is not said here"
    assert tree(project) == before


@pytest.mark.parametrize("asked", [{"date": "24.11.2026"}, {"date": "20261124"}, {"version": "1.0"}, {"bump": "minor"}])
def test_usage_is_two(project: Path, asked: dict[str, str]) -> None:
    before = tree(project)
    assert release(project, **asked) == 2  # a step from nothing is none, in a project without a release
    assert tree(project) == before


def test_errors_in_the_data_change_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at_one(project)
    edit_json(project / ONE, lambda article: article["mentions"][0].update(label="DAY"))
    before = tree(project)
    assert release(project) == 1
    assert "A004" in capsys.readouterr().err
    assert tree(project) == before


def test_the_date_is_that_of_the_epoch_if_it_is_set(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    assert release(project, date=None) == 0
    assert said(project)[1] == "2001-09-09"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    assert release(project, date=None) == 2


def test_a_changelog_that_is_missing_is_begun(project: Path) -> None:
    (project / CHANGELOG).unlink()
    assert release(project) == 0
    assert (project / CHANGELOG).read_text(encoding="utf-8").startswith("# Changelog\n\n## 0.1.0\n\nFirst release.")


def test_a_changelog_may_lie_beside_the_project(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / CHANGELOG).rename(project.parent / "CHANGES.md")
    replace_text(project / "dataset.toml", "[release]\n", '[release]\nchangelog = "../CHANGES.md"\n')
    assert release(project, version="0.2.0") == 0
    assert "wrote ../CHANGES.md and dataset.toml" in capsys.readouterr().out
    assert "## 0.2.0" in (project.parent / "CHANGES.md").read_text(encoding="utf-8")


def test_an_entry_for_a_number_that_was_given_up_is_pointed_out(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at_one(project)
    another_article(project, "new-1")
    capsys.readouterr()
    assert release(project) == 0
    assert "never came out" not in capsys.readouterr().out
    assert release(project, version="2.0.0") == 0
    assert "has an entry for 1.1.0: if that never came out, move it to 2.0.0" in capsys.readouterr().out
    assert entries(project)[:3] == ["2.0.0", "1.1.0", "1.0.0"]
