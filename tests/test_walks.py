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


PINNED = """[[splits.decision]]
articles = ["t1"]
choice = "accept"
version = "0.1.0"
reason = "A quotation."

[release]"""


def test_accepted_pairs_hide_no_other_leak(project: Path) -> None:
    """However many pairs a decision sets apart, the most alike of the others is listed and held to the bound."""
    half = STORY[: len(STORY) // 2]
    given = [article(f"s{n:02d}", f"{STORY} Edition {n}.") for n in range(12)]
    given += [article("t1", STORY), article("u1", OTHER + " " + half), article("u2", half + " " + OTHER[::-1])]
    pins = {"s00": "train", "t1": "test", "u1": "train", "u2": "test"}
    project_of(project, given, pins)
    replace_text(project / "dataset.toml", "[release]", PINNED)
    replace_text(project / "dataset.toml", "[splits]\n", "[splits]\nbound = { jaccard = 0.9 }\n")
    certificate = json.loads((built(project).folder / "quality/leakage.json").read_text())
    assert sum(pair["set_apart"] for pair in certificate["pairs"]) >= 10
    assert {"u1", "u2"} in [{pair["left"], pair["right"]} for pair in certificate["pairs"]]
    replace_text(project / "dataset.toml", "jaccard = 0.9", "jaccard = 0.1")
    found = refused(project)
    assert "u1" in found["L011"].message or "u2" in found["L011"].message
    decision = PINNED.replace("t1", "u2").replace("0.1.0", "9.0.0")
    replace_text(project / "dataset.toml", "[release]", decision)
    assert "L011" in refused(project), "a decision for a later version exempts nothing"


def test_links_of_one_story_stand_in_one_split(project: Path) -> None:
    """An x-group property of a link ties what it links, as one of an article does."""
    words = [" ".join(f"w{n}x{i}" for i in range(40)) for n in range(16)]
    for number, text in enumerate(words):
        add(project, article(f"n{number:02d}", text))
    schema = project / "schema/link.schema.json"
    value = json.loads(schema.read_text())
    value["properties"]["story"] = {"type": "string", "x-group": True, "description": "The story."}
    schema.write_text(json.dumps(value))
    link = json.loads((project / "data/links/library.json").read_text())
    ends = [name for name, at in value["properties"].items() if "x-link" in at]
    for number in range(0, 16, 2):
        pair = dict(zip(ends, (f"n{number:02d}", f"n{number + 1:02d}"), strict=True))
        made = {**link, **pair, "id": f"l{number:02d}", "story": "one", "claim_pairs": []}
        (project / f"data/links/l{number:02d}.json").write_text(json.dumps(made))
    outcome = built(project)
    ledger = [json.loads(line) for line in (project / "data/ledger.jsonl").read_text().splitlines()]
    assert len({e["split"] for e in ledger if e["id"].startswith("n")}) == 1
    assert len({e["group"] for e in ledger if e["id"].startswith("n")}) == 1
    assert verify(outcome.folder)[1] == []


def test_a_withdrawn_article_that_is_broken_stops_nothing_and_leaves_no_digest(
    released: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "withdraw", "a1", "--reason", "takedown", "--project", str(released))[0] == 0
    broken = article("a1", STORY)
    broken["mentions"][0]["end"] = 100_000
    add(released, broken)
    add(released, article("c1", " ".join(f"word{n}" for n in range(60))))
    set_version(released, "1.0.0", "2.0.0")
    (left_out,) = map(json.loads, (built(released).folder / "exclusions.jsonl").read_text().splitlines())
    assert (left_out["id"], left_out["codes"], left_out["sha256"]) == ("a1", ["L013"], None)


def test_texts_of_nothing_but_boilerplate_are_no_copies_of_each_other(project: Path) -> None:
    given = [article(f"a{n}", f"Notice number{n} of the office.") for n in range(3)]
    for value in given:
        value["mentions"] = [{"id": "m1", "start": 0, "end": len(value["text"]), "label": "TIME"}]
    project_of(project, [*given, article("b1", STORY)], {"b1": "train"})
    line = 'boilerplate = [{ layer = "mentions", property = "label", values = ["TIME"] }]\n'
    replace_text(project / "dataset.toml", "[splits]\n", f"[splits]\n{line}")
    assert (built(project).folder / "quality/groups.jsonl").read_bytes() == b""
