"""Withdrawing an article and yanking a version: what is kept, what is told, and that no text is in either."""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_bumping import CHANGELOG, at_one, entries, release, said, seal, tree

from conftest import replace_text
from copydesk import bumping, cli_withdraw, withdrawal
from copydesk.build import Options, build
from copydesk.previous import Known, tombstones_of, yanks_of
from copydesk.project import load_project
from copydesk.scaffold import create
from copydesk.splits import Entry

SECRET = "data/articles/secret.json"
TOMBSTONES, YANKED = "data/tombstones.jsonl", "data/yanked.jsonl"


def prose(words: int, seed: int) -> str:
    """Text that stands nowhere else: sentences of made-up words, in two lines, with quotation marks and umlauts."""
    dice = random.Random(seed)
    made = ["".join(dice.choice("bdfgklmnprst") + dice.choice("aeiouü") for _ in range(3)) for _ in range(words)]
    half = words // 2
    return f'{" ".join(made[:half])} said "{made[0]}".\n{" ".join(made[half:])}.'


TEXT = prose(80, 7)


def secret(project: Path) -> None:
    """An article with annotations, a link to it, and a document and a pass that hold its text too."""
    start = TEXT.index(" ") + 1
    end = TEXT.index(" ", start + 30)
    surface = TEXT[start:end]
    claim = {"id": "c1", "fragments": [{"start": start, "end": end}], "sentence": f"{surface}.", "about": "m1"}
    mention = {"id": "m1", "start": start, "end": end, "surface": surface, "label": "PLACE"}
    value = {"id": "secret", "text": TEXT, "mentions": [mention], "claims": [claim]}
    (project / SECRET).write_text(json.dumps(value), encoding="utf-8")  # escaped, as many tools write it
    claims = json.loads((project / "data/articles/library-1.json").read_bytes())["claims"]
    pairs = [
        {"id": f"p{n}", "source_claim": c["id"], "derived_claim": None, "label": "omitted"}
        for n, c in enumerate(claims)
    ]
    pairs[0] |= {"derived_claim": "c1", "label": "changed"}
    link = {"id": "hidden", "source": "library-1", "derived": "secret", "claim_pairs": pairs}
    (project / "data/links/hidden.json").write_text(json.dumps(link), encoding="utf-8")
    (project / "seeds").mkdir()
    (project / "seeds/secret.txt").write_text(f"Copied from elsewhere:\n\n{TEXT}\n", encoding="utf-8")


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose releases 0.1.0 (without the article), 1.0.0 and 1.1.0 (with it) are out."""
    folder = tmp_path_factory.mktemp("withdraw") / "project"
    assert create(folder, "tiny") is None
    seal(folder)
    secret(folder)
    at_one(folder)
    another = {"id": "quiet", "text": "Nothing much happened in the town today.", "mentions": [], "claims": []}
    (folder / "data/articles/quiet.json").write_text(json.dumps(another), encoding="utf-8")
    assert release(folder, version="1.1.0") == 0
    seal(folder)
    return folder


@pytest.fixture
def project(once: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(once, folder)
    return folder


def withdraw(project: Path, *ids: str, **given: Any) -> int:
    words = {"reason": "takedown", "note": None, "date": "2026-11-24", "undo": False}
    return cli_withdraw.withdraw(argparse.Namespace(**{**words, "project": project, "ids": ids, **given}))


def yank(
    project: Path, version: str, reason: str | None = "The wrong files.", *, date: str | None = None, undo: bool = False
) -> int:
    words = {"version": version, "reason": reason, "date": date, "undo": undo}
    return cli_withdraw.yank(argparse.Namespace(project=project, **words))


def stones(project: Path) -> list[dict[str, Any]]:
    path = project / TOMBSTONES
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def windows(text: str, size: int = 20) -> set[str]:
    return {text[at : at + size] for at in range(len(text) - size + 1)}


def leaks(text: str, places: dict[str, str]) -> dict[str, list[str]]:
    """Place -> pieces of the text that are in it, as they are or with escapes."""
    pieces = windows(text) | {json.dumps(piece)[1:-1] for piece in windows(text)}
    found = {name: [piece for piece in pieces if piece in content] for name, content in places.items()}
    return {name: hits for name, hits in found.items() if hits}


def contents(folder: Path) -> dict[str, str]:
    """Every file of a folder as text, and the rows of the Parquet files, which are compressed."""
    out = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        out[name] = path.read_bytes().decode("utf-8", errors="replace")
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            out[f"{name} rows"] = json.dumps(table.to_pylist(), ensure_ascii=False, default=str)
            out[f"{name} schema"] = repr(table.schema.metadata)
    return out


# --- withdraw


def test_a_tombstone_says_who_why_when_and_where_it_was(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "data/passes/a/article").mkdir(parents=True)
    (project / "data/passes/a/article/secret.json").write_text("{}", encoding="utf-8")
    (project / "data/passes/a/article/secretive.json").write_text("{}", encoding="utf-8")
    before = tree(project)
    assert withdraw(project, "secret", note="The owner\nasked.") == 0
    assert stones(project) == [
        {"id": "secret", "kind": "article", "reason": "takedown", "date": "2026-11-24",
         "releases": ["1.0.0", "1.1.0"], "note": "The owner asked."}
    ]  # fmt: skip
    after = tree(project)
    assert {name for name in after if after[name] != before.get(name)} == {TOMBSTONES}
    shown = capsys.readouterr().out
    assert "dist/tiny-1.0.0" in shown
    assert "dist/tiny-1.1.0" in shown
    assert "dist/tiny-0.1.0" not in shown
    assert f"the sources still have it: {SECRET}" in shown
    assert "passages of it are in: seeds/secret.txt" in shown
    assert "files are called after it: data/passes/a/article/secret.json" in shown
    assert f"git log --all -- {SECRET}" in shown
    assert leaks(TEXT, {"shown": shown, "kept": (project / TOMBSTONES).read_text(encoding="utf-8")}) == {}


def test_releases_that_are_not_here_are_told_by_the_ledger(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(project / "dist")
    (project / SECRET).unlink()
    assert withdraw(project, "secret") == 0
    assert stones(project)[0]["releases"] == ["1.0.0", "1.1.0"]
    assert "the sources have it no more" in capsys.readouterr().out
    assert withdraw(project, "quiet") == 0
    assert stones(project)[0]["releases"] == ["1.1.0"]


def test_of_what_is_gone_the_ledger_knows_the_version_that_brought_it(project: Path) -> None:
    loaded, _ = load_project(project)
    assert loaded is not None
    known = Known(ledger=frozenset({"0.9.0", "1.0.0", "1.1.0"}))
    entry = Entry(id="a", group="a", split="train", since="1.0.0", digest="x")
    assert withdrawal.holders(loaded, known, {"a": entry}, "a") == ("1.0.0", "1.1.0")
    assert withdrawal.holders(loaded, known, {"a": replace(entry, released=False)}, "a") == ("1.0.0",)
    assert withdrawal.holders(loaded, known, {}, "a") == ()


@pytest.mark.parametrize("identifier", ["secre", "Secret", "secret2", "scret", "data/articles/secret.json"])
def test_an_id_that_does_not_exist_is_usage(identifier: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = tree(project)
    assert withdraw(project, "quiet", identifier) == 2
    shown = capsys.readouterr().err
    assert f"there is no article {identifier!r}" in shown
    assert ("'secret'" in shown) == (len(identifier) < 10)
    assert tree(project) == before


@pytest.mark.parametrize(
    "given", [{"reason": None}, {"reason": "It is Wrong."}, {"date": "soon"}, {"note": "It says " + TEXT[10:60]}]
)
def test_what_makes_no_tombstone_is_usage(
    given: dict[str, Any], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tree(project)
    assert withdraw(project, "secret", **given) == 2
    assert leaks(TEXT, {"shown": capsys.readouterr().err}) == {}
    assert tree(project) == before


def test_said_again_it_changes_nothing_and_it_can_be_undone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert withdraw(project, "secret", "quiet") == 0
    once = tree(project)
    assert withdraw(project, "secret", date="2026-12-01") == 0
    assert "already withdrawn: article secret" in capsys.readouterr().out
    assert tree(project) == once
    assert withdraw(project, "secret", reason=None, undo=True) == 0
    assert [stone["id"] for stone in stones(project)] == ["quiet"]
    assert withdraw(project, "secret", reason=None, undo=True) == 0
    assert "was not withdrawn" in capsys.readouterr().out


def test_a_takedown_does_not_wait_for_a_project_to_be_mended(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "schema/article.schema.json").write_text("{", encoding="utf-8")
    assert withdraw(project, "secret") == 0
    assert [stone["id"] for stone in stones(project)] == ["secret"]
    assert "the sources cannot be read" in capsys.readouterr().out


def test_an_article_with_errors_can_be_withdrawn(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value = json.loads((project / SECRET).read_bytes())
    value["mentions"][0]["label"] = "WRONG"
    value["id"] = "other"
    (project / SECRET).write_text(json.dumps(value), encoding="utf-8")
    assert withdraw(project, "other") == 0
    assert stones(project)[0]["releases"] == []
    assert f"the sources still have it: {SECRET}" in capsys.readouterr().out


def test_a_list_that_cannot_be_read_is_not_written_over(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / TOMBSTONES).write_text("<<<<<<< ours\n", encoding="utf-8")
    before = tree(project)
    assert withdraw(project, "secret") == 1
    assert "L015" in capsys.readouterr().err
    assert tree(project) == before


def test_what_an_id_holds_does_not_reach_the_terminal_raw(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert withdraw(project, "\x1b[31m\u202e") == 2
    assert not {"\x1b", "\u202e"} & set(capsys.readouterr().err)


def test_another_article_with_its_text_is_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value = json.loads((project / SECRET).read_bytes())
    value |= {"id": "twin", "text": TEXT.replace(" ", "  ", 1).upper(), "mentions": [], "claims": []}
    (project / "data/articles/twin.json").write_text(json.dumps(value), encoding="utf-8")
    assert withdraw(project, "secret") == 0
    assert "the same text is in the article twin" in capsys.readouterr().out
    assert withdraw(project, "secret", "twin") == 0
    assert "the same text" not in capsys.readouterr().out


# --- where passages of it are


@settings(deadline=None)
@given(st.text(max_size=400))
def test_passages_are_of_the_text_and_look_the_same_everywhere(text: str) -> None:
    for passage in withdrawal.passages(text):
        assert passage in text
        assert len(passage) <= withdrawal.PASSAGE
        assert not set(passage) & set('"\\\n<>&')
        assert passage in json.dumps([text], ensure_ascii=False)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", TEXT), ("b/c.json", json.dumps({"x": TEXT})), ("d.jsonl", json.dumps([TEXT], ensure_ascii=False)),
     ("e.md", f"> {TEXT[:200]}"), ("f.ann", f"T1\tX 0 9\t{TEXT[100:300]}")],
)  # fmt: skip
def test_a_copy_is_found_in_any_file(name: str, content: str, project: Path) -> None:
    loaded, _ = load_project(project)
    assert loaded is not None
    known = {SECRET, "seeds/secret.txt"}
    assert set(withdrawal.copies(loaded, TEXT)) == known
    path = project / "copies" / name
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")
    (path.parent / "empty").write_bytes(b"")
    (path.parent / ".hidden").write_text(content, encoding="utf-8")
    assert set(withdrawal.copies(loaded, TEXT)) == {*known, f"copies/{name}"}


def test_a_text_of_few_words_is_looked_for_by_what_it_has(tmp_path: Path) -> None:
    assert withdrawal.passages("Rain.") == []
    assert withdrawal.passages("It rained in the town.") == ["It rained in the town."]


# --- what is out after it


def test_the_next_release_is_a_major_one_and_holds_nothing_of_it(project: Path) -> None:
    (project / "seeds/secret.txt").unlink()
    pin = '[[splits.pin]]\narticles = ["secret"]\nsplit = "train"\nreason = "A pin of it stops nothing."\n\n[release]'
    replace_text(project / "dataset.toml", "[release]", pin)
    assert withdraw(project, "secret") == 0
    assert release(project) == 0
    assert said(project)[0] == "2.0.0"
    outcome = build(Options(root=project, workers=1))
    assert outcome.folder.name == "tiny-2.0.0"
    assert {"L013"} <= {d.code for d in outcome.report}
    assert leaks(TEXT, contents(outcome.folder)) == {}
    assert leaks(TEXT, contents(project / "dist/tiny-1.1.0")), "so leaks are found where there are some"
    ledger = {row["id"]: row for row in pq.read_table(outcome.folder / "ledger.parquet").to_pylist()}
    assert not ledger["secret"]["released"]
    assert ledger["quiet"]["released"]
    rows = pq.read_table(outcome.folder / "articles").to_pylist()
    assert {row["id"] for row in rows} == {"library-1", "library-2", "quiet"}
    pairs = pq.read_table(outcome.folder / "claim_pairs").to_pylist()
    assert {row["link_id"] for row in pairs} == {"library"}
    assert [stone["id"] for stone in stones(project)] == ["secret"]
    assert "- 1 article in train: `secret`." in (project / CHANGELOG).read_text(encoding="utf-8")


def test_a_withdrawn_article_that_comes_back_keeps_its_split(project: Path) -> None:
    assert withdraw(project, "secret") == 0
    assert release(project) == 0
    seal(project)
    assert withdraw(project, "secret") == 0
    assert stones(project)[0]["releases"] == ["1.0.0", "1.1.0"], "2.0.0 knows it, and has it not"
    assert withdraw(project, "secret", reason=None, undo=True) == 0
    assert release(project) == 0
    assert said(project)[0] == "2.1.0"
    entry = {r["id"]: r for r in pq.read_table(seal(project) / "ledger.parquet").to_pylist()}["secret"]
    assert (entry["split"], entry["since"], entry["released"]) == ("train", "1.0.0", True)


def test_the_version_that_held_it_cannot_be_built_again(project: Path) -> None:
    from copydesk.diagnostics import BuildFailed

    assert withdraw(project, "secret") == 0
    before = contents(project / "dist/tiny-1.1.0")
    with pytest.raises(BuildFailed) as failed:
        build(Options(root=project, workers=1))
    assert "R014" in {d.code for d in failed.value.report.errors}
    assert contents(project / "dist/tiny-1.1.0") == before


# --- yank


def test_a_yank_is_in_the_list_and_in_the_changelog(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795478400")
    before = tree(project)
    assert yank(project, "1.1.0", "The wrong\nfiles.") == 0
    (line,) = (project / YANKED).read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {"version": "1.1.0", "reason": "The wrong files.", "date": "2026-11-24"}
    text = (project / CHANGELOG).read_text(encoding="utf-8")
    assert text.count("**Yanked** (2026-11-24): The wrong files.\n") == 1
    assert text.index("## 1.1.0") < text.index("**Yanked**") < text.index("## 1.0.0")
    assert "wrote data/yanked.jsonl and data/CHANGELOG.md" in capsys.readouterr().out
    once = tree(project)
    assert yank(project, "v1.1.0") == 0
    assert tree(project) == once
    assert yank(project, "1.1.0", None, undo=True) == 0
    after = tree(project)
    assert after.pop(YANKED) == b""
    assert after == before


def test_the_number_is_used_up_and_the_base_is_the_release_before(project: Path) -> None:
    assert yank(project, "1.1.0") == 0
    assert release(project) == 0
    assert said(project)[0] == "1.1.1"
    assert entries(project)[:2] == ["1.1.1", "1.1.0"]
    newest = (project / CHANGELOG).read_text(encoding="utf-8").split("## 1.1.0")[0]
    assert newest.count(": `quiet`.") == 1, "it is new to whoever has 1.0.0"


@pytest.mark.parametrize("version", ["1.0.5", "3.0.0", "1.0", "latest"])
def test_a_version_that_is_not_known_is_usage(version: str, project: Path) -> None:
    before = tree(project)
    assert yank(project, version) == 2
    assert yank(project, "1.1.0", date="today") == 2
    assert yank(project, "1.1.0", " ") == 2
    assert tree(project) == before


def test_a_version_can_be_yanked_in_a_fresh_clone(project: Path) -> None:
    shutil.rmtree(project / "dist")
    assert yank(project, "1.0.0") == 0
    assert yank(project, "1.1.0") == 0


def test_a_kill_between_the_list_and_the_changelog_is_made_good_by_the_next_try(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, calls = os.replace, iter(range(10))

    class Killed(BaseException):
        pass

    def replace(self: Path, target: Path) -> Path:
        if next(calls) == 1:
            raise Killed
        right(self, target)
        return Path(target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        with pytest.raises(Killed):
            yank(project, "1.1.0")
    loaded, _ = load_project(project)
    assert loaded is not None
    assert yanks_of(loaded)[0].keys() == {"1.1.0"}
    assert yank(project, "1.1.0") == 0
    assert "**Yanked**" in (project / CHANGELOG).read_text(encoding="utf-8")
    assert tombstones_of(loaded) == ({}, [])


def test_a_changelog_that_is_no_text_is_left_alone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / CHANGELOG).write_bytes(b"## 1.1.0\n\xff\n")
    before = tree(project)
    assert yank(project, "1.1.0") == 1
    assert "not UTF-8" in capsys.readouterr().err
    assert release(project, version="1.2.0") == 1
    assert tree(project) == before


def test_a_line_in_the_changelog_is_for_everyone_to_read(project: Path) -> None:
    replace_text(project / CHANGELOG, "## 1.1.0", "## [v1.1.0] - 2026-11-24")
    assert yank(project, "1.1.0") == 0
    assert "## [v1.1.0] - 2026-11-24\n\n**Yanked** (" in (project / CHANGELOG).read_text(encoding="utf-8")
    assert bumping.day("2026-11-24") == "2026-11-24"
