"""`copydesk diff` as a user runs it, on real projects, releases and revisions; with it the seed dataset's proof."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import polars
import pytest

from conftest import edit_json, replace_text
from copydesk.build import Options, build
from copydesk.cli_versions import diff, parse_only
from copydesk.diff.report import Only
from copydesk.scaffold import create

ARTICLE = "data/articles/c6913b9a289c6313.json"
NAME = "kim-limousine"


def run(old: object, new: object, project: Path | None = None, **options: Any) -> int:
    given: dict[str, Any] = {
        "project": project, "json": False, "markdown": False, "table": None, "only": None, "examples": None,
        "exit_code": False, "fail_on": None,
    }  # fmt: skip
    return diff(argparse.Namespace(old=str(old), new=str(new), **{**given, **options}))


def changes(capsys: pytest.CaptureFixture[str], old: object, new: object, **options: Any) -> dict[str, Any]:
    capsys.readouterr()
    assert run(old, new, json=True, **options) == 0
    value = json.loads(capsys.readouterr().out)
    assert isinstance(value, dict)
    return value


def git(folder: Path, *arguments: str) -> None:
    names = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *names, *arguments], cwd=folder, capture_output=True, check=True)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    assert create(folder, "tiny") is None
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "one")
    return folder


def relabel(project: Path) -> None:
    edit_json(project / "data/articles/library-1.json", lambda value: value["mentions"][0].update(label="TIME"))


def remove_links(project: Path) -> None:
    for path in project.glob("data/links/*.json"):
        path.rename(path.with_suffix(".jsonl"))
        path.with_suffix(".jsonl").write_text("")
    replace_text(project / "dataset.toml", "data/links/*.json", "data/links/*.jsonl")


# the proof: two releases of the seed dataset with a corrected label


def seed_copy(seed: Path, target: Path, split: str) -> Path:
    """The seed dataset with its one group pinned to a split, as if that had always been so."""
    shutil.copytree(seed, target, ignore=shutil.ignore_patterns("dist"))
    (target / "data/ledger.jsonl").unlink()
    replace_text(target / "dataset.toml", 'split = "train"', f'split = "{split}"')
    return target


def correct(project: Path) -> int:
    """Correct the assertion of a claim; returns the line that it stands in."""
    path = project / ARTICLE
    text = path.read_text(encoding="utf-8")
    at = text.index('"assertion": "stated"', text.index('"id": "c2"', text.index('"claims"')))
    path.write_text(text[:at] + text[at:].replace("stated", "hedged", 1), encoding="utf-8")
    return text.count("\n", 0, at) + 1


def release_as(project: Path, version: str) -> Path:
    old = next(line for line in (project / "dataset.toml").read_text().splitlines() if line.startswith("version"))
    replace_text(project / "dataset.toml", old, f'version = "{version}"')
    log = project / "data/CHANGELOG.md"
    if f"## {version}" not in log.read_text():
        replace_text(log, "\n## ", f"\n## {version}\n\nA claim of the report is hedged, not stated.\n\n## ")
    return build(Options(root=project)).folder


@pytest.mark.parametrize(
    ("split", "version", "bump", "rule"),
    [
        ("train", "1.1.0", "minor", "train-annotations-changed"),
        ("test", "2.0.0", "major", "test-annotations-changed"),
    ],
)
def test_a_corrected_label_is_exactly_that(
    split: str, version: str, bump: str, rule: str, seed_project: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    project = seed_copy(seed_project, tmp_path / "seed", split)
    old = release_as(project, "1.0.0")
    git(project, "init", "-q", "-b", "main")
    (project / ".gitignore").write_text("dist/\n")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "1.0.0")
    git(project, "tag", "v1.0.0")
    line = correct(project)
    wanted = {
        "what": "annotation-relabelled", "rule": rule, "bump": bump, "kind": "article", "record": "c6913b9a289c6313",
        "split": split, "layer": "claims", "item": "c2", "old": {"assertion": "stated"},
        "new": {"assertion": "hedged"},
    }  # fmt: skip

    def told(value: dict[str, Any], where: str) -> None:
        assert value["total"] == 1
        (change,) = value["changes"]
        assert {key: given for key, given in change.items() if key in wanted} == wanted
        assert (change["place"]["in"], change["place"]["file"]) == (where, ARTICLE)
        assert change["place"]["line"] == line
        assert value["version"]["bump"] == bump
        assert value["version"]["needed"] == version

    assert changes(capsys, "1.0.0", "1.0.0", project=project)["total"] == 0
    told(changes(capsys, old, project, project=project), "new")
    told(changes(capsys, "git:v1.0.0", project, project=project), "new")
    new = release_as(project, version)
    told(changes(capsys, old, new, project=project), "work tree")
    told(changes(capsys, "1.0.0", version, project=project), "work tree")
    git(project, "commit", "-q", "-a", "-m", version)
    told(changes(capsys, "v1.0.0", "HEAD", project=project), "new")

    assert run(old, new, project) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith(f"{NAME} 1.0.0 -> {version}: needs a {bump} version ({version}), because annotations")
    assert shown[0].endswith(f"{version} is enough")
    (one,) = [text for text in shown if "claims c2" in text]
    assert one.strip().startswith(f"claims c2 in article c6913b9a289c6313 ({split}): assertion stated -> hedged at ")
    assert f"{ARTICLE}:" in one
    assert "no change: contract, articles, rights" in shown


# what a user meets


def test_no_difference(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tiny, "HEAD", tiny, exit_code=True) == 0
    assert capsys.readouterr().out.startswith("tiny 0.1.0 -> 0.1.0: no difference\n")


def test_exit_codes(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    relabel(tiny)
    assert run("HEAD", tiny, tiny) == 0
    assert run("HEAD", tiny, tiny, exit_code=True) == 1
    assert run("HEAD", tiny, tiny, fail_on="minor") == 1
    assert run("HEAD", tiny, tiny, fail_on="major") == 0
    assert run("HEAD", tiny, tiny, only=["nothing"]) == 2
    assert "--only 'nothing'" in capsys.readouterr().err


def test_both_sides_that_cannot_be_read_are_told_at_once(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit_json(tiny / "data/articles/library-1.json", lambda value: value["mentions"][0].update(end=9999))
    assert run("nowhere", tiny, tiny) == 1
    said = capsys.readouterr()
    assert said.out == "" and "D001" in said.err and "A103" in said.err
    assert run("nowhere", tiny, tiny, json=True) == 1
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {one["code"] for one in found} >= {"D001", "A103"}


def test_what_a_correction_of_a_text_looks_like(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tiny / "data/articles/library-2.json"
    before = json.loads(path.read_text())

    def insert(value: dict[str, Any]) -> None:
        value["text"] = value["text"] + "Corrected later.\n"

    edit_json(path, insert)
    value = changes(capsys, "HEAD", tiny, project=tiny)
    assert [(c["what"], c["record"]) for c in value["changes"]] == [("text-edited", before["id"])]
    assert run("HEAD", tiny, tiny) == 0
    assert "{+Corrected later." in capsys.readouterr().out


def test_an_article_less_is_major_and_names_the_file_it_was_in(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remove_links(tiny)
    (tiny / "data/articles/library-2.json").unlink()
    replace_text(tiny / "dataset.toml", '["library-1", "library-2"]', '["library-1"]')
    value = changes(capsys, "HEAD", tiny, project=tiny)
    gone = next(c for c in value["changes"] if c["what"] == "record-withdrawn" and c["record"] == "library-2")
    assert gone["place"] == {"in": "old", "file": "data/articles/library-2.json", "line": 1, "column": None}
    assert value["version"]["bump"] == "major" and value["version"]["needed"] == "0.2.0"
    assert value["churn"]["train"] | {"edited": 0} == {
        "before": 2, "after": 1, "added": 0, "withdrawn": 1, "moved_in": 0, "moved_out": 0, "edited": 0,
    }  # fmt: skip
    assert run("HEAD", tiny, tiny) == 0
    assert "at data/articles/library-2.json:1 of HEAD" in capsys.readouterr().out


def test_a_new_column_of_the_contract(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def add(value: dict[str, Any]) -> None:
        value["properties"]["section"] = {"type": ["string", "null"], "description": "The part of the paper."}

    edit_json(tiny / "schema/article.schema.json", add)
    assert run("HEAD", tiny, tiny) == 0
    shown = capsys.readouterr().out
    assert "articles /section" in shown
    assert "backward compatible (readers of the new contract, old rows): yes" in shown
    value = changes(capsys, "HEAD", tiny, project=tiny)
    assert value["version"]["bump"] == "minor"
    assert value["compatibility"]["backward"] and value["compatibility"]["forward"]
    assert all(found["broken"] == 0 for configs in value["replays"].values() for found in configs.values())
    assert value["replays"]


def test_table_and_json_hold_the_same_changes(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    relabel(tiny)
    edit_json(tiny / "data/articles/library-2.json", lambda value: value["claims"].pop() and None)
    remove_links(tiny)
    table = tmp_path / "changes.parquet"
    value = changes(capsys, "HEAD", tiny, project=tiny, table=table)
    frame = polars.read_parquet(table)
    assert frame["what"].to_list() == [c["what"] for c in value["changes"]]
    assert frame["line"].to_list() == [(c.get("place") or {}).get("line") for c in value["changes"]]
    assert value["total"] == len(frame) > 1
    some = changes(capsys, "HEAD", tiny, project=tiny, table=table, only=["layer=mentions"])
    assert [c["what"] for c in some["changes"]] == ["annotation-relabelled"]
    assert len(polars.read_parquet(table)) == 1


def test_a_table_that_cannot_be_written(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("HEAD", tiny, tiny, table=tmp_path / "no" / "changes.parquet") == 2
    assert "changes.parquet" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error_of_ours(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(text: str) -> int:
        raise BrokenPipeError

    monkeypatch.setattr("sys.stdout.write", gone)
    for form in ({"json": True}, {"markdown": True}, {}):
        with pytest.raises(BrokenPipeError):  # `main` ends quietly then
            run("HEAD", tiny, tiny, **form)


def test_the_same_sides_give_the_same_bytes_in_any_order_of_files(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    relabel(tiny)
    edit_json(tiny / "data/articles/library-2.json", lambda value: value["mentions"].reverse())
    outputs = []
    for number in range(2):
        table = tmp_path / f"{number}.parquet"
        for form in ({"json": True}, {"markdown": True}, {}):
            assert run("HEAD", tiny, tiny, table=table, **form) == 0
        outputs.append((capsys.readouterr().out.replace(f"{number}.json", "x"), polars.read_parquet(table)))
        folder = tiny / "data/articles"
        for path in sorted(folder.glob("*.json"), reverse=True):
            path.rename(folder / f"{2 - len(path.stem)}{path.stem[::-1]}.json")
    (before, rows), (after, again) = outputs
    assert rows.drop("file").equals(again.drop("file"))  # the files have other names now
    assert [line.split(" at data")[0] for line in before.splitlines() if '"file"' not in line and "<" not in line] == [
        line.split(" at data")[0] for line in after.splitlines() if '"file"' not in line and "<" not in line
    ]


def test_a_comment_for_a_pull_request(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    relabel(tiny)
    assert run("HEAD", tiny, tiny, markdown=True) == 0
    page = capsys.readouterr().out
    assert page.startswith("### <code>tiny</code>")
    assert "<code>PLACE</code> -> <code>TIME</code>" in page
    assert "| <code>train</code> |" in page


def test_only_words() -> None:
    assert parse_only([]) == Only()
    assert parse_only(["annotations,rights", "layer=a,record=b=c"]) == Only(
        sections=frozenset({"annotations", "rights"}), layers=frozenset({"a"}), records=frozenset({"b=c"})
    )
    for word in ("layer=", "kind=x", "", "annotation"):
        assert isinstance(parse_only([word]), str)
