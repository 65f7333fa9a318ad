"""`copydesk convert`: any format, project or release to any other, whole or not at all; what is lost is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cases_formats import GOOD, TEXT

from copydesk.build import Options, check
from copydesk.cli import main
from copydesk.convert import Converted, Refused, Request, convert
from copydesk.exporters import EXPORTERS

MORE = f"{GOOD}T2\tPLACE 15 26\tMill Street\nR1\tin Arg1:T1 Arg2:T2\nA1\tSure T1\n"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    (folder / "b").mkdir(parents=True)
    for name, lines in (("a1", MORE), ("b/a2", GOOD)):
        (folder / f"{name}.txt").write_text(TEXT)
        (folder / f"{name}.ann").write_text(lines)
    return folder


def run(origin: Path, target: Path, to: str) -> Converted:
    return convert(Request(origin=origin, target=target, to=to))


BACK = {"cas-json": "cas"}


@pytest.mark.parametrize("to", [name for name in EXPORTERS if name != "copydesk"])
def test_what_is_written_is_recognised_and_holds_the_same_mentions(to: str, corpus: Path, tmp_path: Path) -> None:
    done = run(corpus, tmp_path / "out", to)
    assert (done.format, done.articles, done.report.errors) == ("brat", 2, [])
    again = run(tmp_path / "out", tmp_path / "native", "copydesk")
    assert (again.format, again.articles) == (BACK.get(to, to), 2)
    records = [json.loads(p.read_text()) for p in sorted((tmp_path / "native/articles").rglob("*.json"))]
    found = sorted((r["text"].strip(), m["label"], m["surface"]) for r in records for m in r["mentions"])
    assert found == [(TEXT.strip(), "PERSON", "Ada")] * 2 + [(TEXT.strip(), "PLACE", "Mill Street")]


def test_native_records_keep_the_contract_that_comes_with_them(corpus: Path, tmp_path: Path) -> None:
    run(corpus, tmp_path / "out", "copydesk")
    project = tmp_path / "project"
    assert main(["init", str(project)]) == 0
    for path in [*project.glob("data/*/*.json"), *project.glob("schema/**/*.json")]:
        path.unlink()
    (project / "schema/article.schema.json").write_bytes((tmp_path / "out/schema/article.schema.json").read_bytes())
    for path in (tmp_path / "out/articles").rglob("*.json"):
        (project / "data/articles" / path.name).write_bytes(path.read_bytes())
    toml = project / "dataset.toml"
    text = toml.read_text()
    head, tail = text[: text.index("[[source]]")], text[text.index("[release]") :]
    source = '[[source]]\nkind = "article"\npaths = ["data/articles/*.json"]\n\n[configs]\narticles = {}\n\n'
    toml.write_text(head + source + tail)
    assert {d.code for d in check(Options(root=project))} == {"R002", "C007", "E005"}


def test_what_the_target_cannot_hold_is_told(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(corpus), str(tmp_path / "out"), "--to", "docbin"]) == 0
    out = capsys.readouterr().out
    assert "brat -> docbin: 2 articles" in out
    assert "not held by the target: relations" in out


def test_a_project_and_a_release_are_read_too(seed_project: Path, seed_release: Path, tmp_path: Path) -> None:
    whole = run(seed_project, tmp_path / "project", "copydesk")
    released = run(seed_release, tmp_path / "release", "copydesk")
    assert (whole.format, whole.articles, released.format, released.articles) == ("copydesk", 2, "release", 2)
    for name in ("b97f2e2784da48a2", "c6913b9a289c6313"):
        one, two = (json.loads((tmp_path / f / f"articles/{name}.json").read_text()) for f in ("project", "release"))
        assert one["text"] == two["text"]
        for layer in ("mentions", "claims"):
            spans = [[(m["id"], m["surface"]) for m in record[layer]] for record in (one, two)]
            assert spans[0] == spans[1]
            assert len(spans[0]) > 10


def test_damage_is_told_and_the_rest_is_written(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (corpus / "a1.ann").write_text(f"{GOOD}T2\tPLACE 15\n")
    assert main(["convert", str(corpus), str(tmp_path / "out"), "--to", "web-annotation"]) == 1
    said = capsys.readouterr()
    assert "corpus/a1.ann:2" in said.err
    assert "2 articles" in said.out


def test_several_annotators_need_a_rule(corpus: Path, tmp_path: Path) -> None:
    (corpus / "a1.ann").rename(corpus / "a1_ada.ann")
    (corpus / "a1_bob.ann").write_text(GOOD)
    done = run(corpus, tmp_path / "one", "brat")
    assert ([d.code for d in done.report], done.articles) == (["I009"], 1)
    for number, rule in enumerate(("bob", "majority", "first")):
        target = tmp_path / f"out{number}"
        assert main(["convert", str(corpus), str(target), "--to", "brat", "--passes", rule]) == (
            1 if rule == "bob" else 0
        )
    assert (tmp_path / "out0/a1.ann").read_text() == GOOD


def test_nothing_is_written_over_and_nothing_half(corpus: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "mine").write_text("mine")
    with pytest.raises(Refused, match="not empty"):
        run(corpus, target, "brat")
    with pytest.raises(Refused, match="not recognised"):
        (tmp_path / "nothing").mkdir()
        run(tmp_path / "nothing", tmp_path / "new", "brat")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["corpus", "nothing", "out"]
    assert main(["convert", str(corpus), str(tmp_path / "x"), "--to", "docx"]) == 2
