"""What a driver keeps of records: the same whatever the blocks, and no more of findings than it can hold."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import ROOT
from copydesk.build import Options, build, check, stage
from copydesk.diagnostics import Diagnostic, Place, Report, Severity
from copydesk.diagnostics.render import render_json, render_text
from copydesk.heads import Findings, findings
from copydesk.prepare import prepare
from copydesk.scaffold import create


def found(count: int, seed: int) -> list[Diagnostic]:
    dice = random.Random(seed)
    out = [
        Diagnostic(
            code=dice.choice(["A103", "A104"]),
            place=Place(file=dice.choice("ab"), line=number, record=f"r{dice.randrange(5)}"),
            message="m",
        )
        for number in range(count)
    ]
    dice.shuffle(out)
    return out


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40), st.integers(0, 2**32), st.integers(1, 6), st.sets(st.sampled_from(["r0", "r1"])))
def test_the_first_of_each_code_are_kept_and_all_are_counted(
    tmp_path_factory: pytest.TempPathFactory, count: int, seed: int, cap: int, gone: set[str]
) -> None:
    folder = tmp_path_factory.mktemp("findings")
    given_, driver = found(count, seed), Findings(folder / "all.findings", cap)
    cuts = sorted(random.Random(seed).choices(range(count + 1), k=2))
    for number, some in enumerate((given_[: cuts[0]], given_[cuts[0] : cuts[1]], given_[cuts[1] :])):
        block = Findings(folder / f"{number}.findings", cap)
        block.extend(some)
        driver.extend(list(block))
        driver.beyond.update(block.beyond)
    of_code = {code: sorted((d for d in given_ if d.code == code), key=lambda d: d.order) for code in ("A103", "A104")}
    kept = list(driver)
    for code, expected in of_code.items():
        assert sorted((d for d in kept if d.code == code), key=lambda d: d.order) == expected[:cap]
        severity = Severity.ERROR if code == "A103" else Severity.WARNING
        assert driver.beyond[code, severity] == max(0, len(expected) - cap)
    driver.forget(gone)
    assert len(list(driver)) + driver.beyond.total() == sum(d.place.record not in gone for d in given_)


def broken_project(folder: Path, count: int) -> Path:
    project = folder / "p"
    create(project, "tiny")
    path = project / "data" / "articles" / "many.jsonl"
    records = [
        {
            "id": f"a{n:02d}",
            "text": "x y",
            "mentions": [{"id": "m", "start": 0, "end": 9, "label": "PLACE"}],
            "claims": [],
        }
        for n in range(count)
    ]
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    toml = project / "dataset.toml"
    toml.write_text(toml.read_text().replace("data/articles/*.json", "data/articles/*.json*"))
    return project


def test_a_corpus_that_is_broken_from_end_to_end_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = broken_project(tmp_path, 30)
    monkeypatch.setattr(findings, "KEPT", 4)
    for block_size in (300, 10_000):
        report = check(Options(root=project, workers=1, block_size=block_size))
        errors = [d for d in report if d.code == "A103"]
        assert [d.place.record for d in errors] == ["a00", "a01", "a02", "a03"]
        assert report.counts()[Severity.ERROR] == 30
        assert "30 errors" in render_text(report)
        assert "27 more A103" in render_text(report, cap=3)
        assert json.loads(render_json(report).splitlines()[-1])["more"] == 26


def test_every_broken_record_is_excluded_however_many_findings_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = broken_project(tmp_path, 30)
    monkeypatch.setattr(findings, "KEPT", 4)
    toml = project / "dataset.toml"
    toml.write_text(toml.read_text() + '\n[checks]\non_error = "exclude"\n')
    outcome = build(Options(root=project, workers=1, block_size=300))
    assert outcome.excluded == 30
    lines = [json.loads(line) for line in (outcome.folder / "exclusions.jsonl").read_text().splitlines()]
    assert sorted(line["id"] for line in lines if line["codes"] == ["A103"]) == [f"a{n:02d}" for n in range(30)]
    assert outcome.report.counts()[Severity.ERROR] == 0
    assert outcome.report.beyond["A103", Severity.WARNING] == 26


def test_what_is_known_of_a_record_does_not_depend_on_the_blocks(tmp_path: Path) -> None:
    known = []
    for number, block_size in enumerate((1, 700, 2**24)):
        spool, report = tmp_path / str(number), Report()
        spool.mkdir()
        prepared = prepare(ROOT, report)
        gathered = stage(prepared, Options(root=ROOT, workers=1, block_size=block_size), spool, report)
        known.append(
            {
                kind: {i: (s.place, s.digest, s.content, s.value_digest, s.native, s.groups, s.links, s.marks)
                       for i, s in heads.items()}
                for kind, heads in gathered.staged.items()
            }
        )  # fmt: skip
        assert gathered.inputs() == {**gathered.inputs()}
    assert known[0] == known[1] == known[2]
    assert known[0]["link"]
    assert all(link[6] for link in known[0]["link"].values())
