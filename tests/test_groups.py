"""`copydesk groups`, the certificate of a release, splits that an export brings along."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cases_release import reseal

from conftest import edit_json, replace_text
from copydesk.build import Options, build, check
from copydesk.cli import main
from copydesk.release.verify import verify

STORY = (
    "The harbour of the old town was closed for the third time this year after a crane broke loose in a storm. "
    "Nobody was hurt, the fire brigade said on Tuesday, but two fishing boats sank and the market hall lost its roof. "
    "The mayor promised to look into the age of the cranes, which were built before she was born, and to pay owners "
    "of boats before winter. Fishermen doubted that: the last time it took the town six years to find the money."
)
OTHER = (
    "A school in the hills teaches its pupils to repair radios. What began as a hobby of one teacher is now a shop "
    "with forty benches, and people from three valleys bring what no longer plays. The oldest set is from 1931."
)


def article(identifier: str, text: str) -> dict[str, Any]:
    mention = {"id": "m1", "start": 0, "end": text.index(" "), "label": "PLACE"}
    return {"id": identifier, "text": text, "mentions": [mention], "claims": []}


def project_of(folder: Path, articles: Sequence[dict[str, Any]], pins: dict[str, str] | None = None) -> Path:
    """The small project with other articles, none of them linked."""
    shutil.rmtree(folder / "data/links")
    for path in (folder / "data/articles").iterdir():
        path.unlink()
    for value in articles:
        (folder / f"data/articles/{value['id']}.json").write_text(json.dumps(value), encoding="utf-8")
    toml = (folder / "dataset.toml").read_text(encoding="utf-8")
    head, rest = toml.split('[[source]]\nkind = "link"')
    rest = rest[rest.index("[configs]") :]
    rest = "".join(line for line in rest.splitlines(True) if not line.startswith("claim"))
    before, _ = rest.split("[[splits.pin]]")
    added = "".join(
        f'[[splits.pin]]\narticles = ["{i}"]\nsplit = "{split}"\nreason = "?"\n\n' for i, split in (pins or {}).items()
    )
    (folder / "dataset.toml").write_text(f"{head}{before}{added}[release]\ndraft = true\n", encoding="utf-8")
    for name in ("claims", "claim_pairs"):
        (folder / f"schema/expectations/{name}.json").unlink()
    (folder / "schema/link.schema.json").unlink()
    return folder


COPY = STORY.replace("Tuesday", "Wednesday").replace("third", "fourth")
EXCERPT = STORY[STORY.index("Nobody") : STORY.index("Fishermen")]


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(list(argv))
    out = capsys.readouterr()
    return code, out.out, out.err


def test_copies_and_excerpts_are_one_group_and_say_why(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [article("a1", STORY), article("a2", COPY), article("a3", EXCERPT), article("b1", OTHER)]
    project_of(project, given, {"a1": "train", "b1": "test"})
    code, out, _ = run(capsys, "groups", "--project", str(project), "--json")
    assert code == 0
    (group,) = map(json.loads, out.splitlines())
    assert group["articles"] == ["a1", "a2", "a3"]
    assert group["split"] == "train"
    assert {tie["tie"] for tie in group["ties"]} == {"near"}
    assert all(tie["jaccard"] >= 0.5 or tie["containment"] >= 0.8 for tie in group["ties"])
    _, out, _ = run(capsys, "groups", "--project", str(project), "--diff")
    assert "3 articles (near copies 2)" in out
    assert "Wednesday" in out
    assert "1 articles stand alone" in out
    code, _, err = run(capsys, "groups", "--project", str(project), "--article", "b1")
    assert (code, err) == (0, "in no group with another article: b1\n")
    assert run(capsys, "groups", "--project", str(project), "--article", "nowhere")[0] == 2

    outcome = build(Options(root=project, workers=1))
    assert run(capsys, "groups", str(outcome.folder), "--json")[1] == json.dumps(group, ensure_ascii=False) + "\n"
    page = (outcome.folder / "report/index.html").read_text(encoding="utf-8")
    assert "<del>Tuesday</del><ins>Wednesday</ins>" in page or "<del>Wednesday</del><ins>Tuesday</ins>" in page
    certificate = json.loads((outcome.folder / "quality/leakage.json").read_text())
    assert [b["splits"] for b in certificate["between"]] == [["test", "train"]]
    assert "Longest passage" in (outcome.folder / "README.md").read_text(encoding="utf-8")


def test_a_hostile_text_does_no_harm_in_groups_and_report(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "<script>alert(1)</script> \x1b[31m\u202e "
    given = [article("a1", evil + STORY), article("a2", COPY + evil), article("b1", OTHER)]
    project_of(project, given, {"a1": "train", "b1": "test"})
    _, out, _ = run(capsys, "groups", "--project", str(project), "--diff")
    assert "\x1b" not in out
    assert "\u202e" not in out
    page = (build(Options(root=project, workers=1)).folder / "report/index.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_near_copies_can_be_turned_off_and_the_certificate_shows_it(project: Path) -> None:
    project_of(project, [article("a1", STORY), article("a2", COPY)], {"a1": "train", "a2": "test"})
    assert {d.code for d in check(Options(root=project)) if d.severity.value == "error"} == {"L004"}
    replace_text(project / "dataset.toml", "[splits]\n", "[splits]\nnear_copies = false\n")
    outcome = build(Options(root=project, workers=1))
    certificate = json.loads((outcome.folder / "quality/leakage.json").read_text())
    (pair,) = certificate["pairs"]
    assert (pair["left"], pair["right"], pair["left_split"], pair["right_split"]) == ("a1", "a2", "train", "test")
    assert pair["jaccard"] > 0.6
    assert pair["passage"] > 20
    assert certificate["method"]["near_copies"] is None


def test_boilerplate_does_not_tie(project: Path) -> None:
    """Two stories under one long notice are one group, unless the notice is named as such."""
    notice = " " + STORY
    given = [article("a1", OTHER + notice), article("a2", "The council met on Monday and agreed on nothing." + notice)]
    for value in given:
        start = len(value["text"]) - len(notice) + 1
        value["mentions"] = [{"id": "m1", "start": start, "end": len(value["text"]), "label": "TIME"}]
    project_of(project, given, {"a1": "train", "a2": "test"})
    assert "L004" in {d.code for d in check(Options(root=project))}
    line = 'boilerplate = [{ layer = "mentions", property = "label", values = ["TIME"] }]\n'
    replace_text(project / "dataset.toml", "[splits]\n", f"[splits]\n{line}")
    outcome = build(Options(root=project, workers=1))
    assert (outcome.folder / "quality/groups.jsonl").read_bytes() == b""
    assert verify(outcome.folder)[1] == []


def test_verify_measures_again(project: Path) -> None:
    """A certificate under settings that hide a leak is not believed: it must say what the texts give."""
    project_of(project, [article("a1", STORY), article("b1", OTHER + STORY[:120])], {"a1": "train", "b1": "test"})
    release = build(Options(root=project, workers=1)).folder
    assert verify(release)[1] == []
    edit_json(release / "quality/leakage.json", lambda value: value["pairs"][0].update(jaccard=0.0))
    reseal(release)
    assert {d.code for d in verify(release)[1]} == {"V010"}


def test_splits_of_an_export_are_taken_and_copies_across_them_are_told(tmp_path: Path) -> None:
    export = tmp_path / "export"
    for split, texts in (("train", {"a1": STORY, "a2": OTHER}), ("dev", {"b1": OTHER[::-1]}), ("test", {"c1": COPY})):
        for name, text in texts.items():
            (export / split).mkdir(parents=True, exist_ok=True)
            (export / split / f"{name}.txt").write_text(text, encoding="utf-8")
            (export / split / f"{name}.ann").write_text(f"T1\tWord 0 3\t{text[:3].strip()}\n", encoding="utf-8")
    made = tmp_path / "made"
    main(["init", str(made), "--from", str(export)])
    assert "split_from_path = true" in (made / "dataset.toml").read_text(encoding="utf-8")
    outcome = build(Options(root=made, workers=1))
    ledger = [json.loads(line) for line in (made / "data/ledger.jsonl").read_text().splitlines()]
    assert {e["id"]: e["split"] for e in ledger} == {
        "dev/b1": "validation", "test/c1": "test", "train/a1": "test", "train/a2": "train",
    }  # fmt: skip
    told = next(d for d in outcome.report if d.code == "L014")
    assert "train/a1" in "\n".join([told.message, *told.notes])
    replace_text(made / "dataset.toml", 'prefer = ["test", "validation", "train"]\n', "")
    assert "L014" in {d.code for d in check(Options(root=made)) if d.severity.value == "error"}
