"""`copydesk init --from`: an export becomes a project that checks, and builds, without a line written by hand."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import datasets
import pytest
from cases_formats import GOOD, TEXT

from copydesk import adopt
from copydesk.build import Options, build, check
from copydesk.cli import main
from copydesk.diagnostics import Severity

TASK = {
    "id": 3,
    "data": {"text": "👍 Ada walks."},
    "annotations": [
        {
            "id": 1,
            "completed_by": 1,
            "result": [
                {
                    "id": "r",
                    "from_name": "label",
                    "to_name": "text",
                    "type": "labels",
                    "value": {"start": 3, "end": 6, "text": "Ada", "labels": ["PERSON"]},
                }
            ],
        }
    ],
}
EXPORTS: dict[str, tuple[str, dict[str, str]]] = {
    "brat": ("brat", {"a.txt": TEXT, "a.ann": GOOD}),
    "studio": ("label-studio", {"export.json": json.dumps([TASK])}),
    "doccano": ("doccano", {"all.jsonl": json.dumps({"id": 1, "text": TEXT, "label": [[0, 3, "PERSON"]]}) + "\n"}),
    "prodigy": (
        "prodigy",
        {
            "out.jsonl": json.dumps(
                {
                    "text": TEXT,
                    "_input_hash": 1,
                    "_task_hash": 2,
                    "answer": "accept",
                    "spans": [{"start": 0, "end": 3, "label": "PERSON"}],
                }
            )
            + "\n"
        },
    ),
    "columns": ("columns", {"a.conll": "Ada B-PERSON\nwalks O\n. O\n\nMonday B-TIME\n"}),
    "conllu": (
        "conllu",
        {
            "a.conllu": "# newdoc id = a\n# sent_id = 1\n# text = Ada walks\n"
            "1\tAda\tAda\tPROPN\t_\t_\t2\tnsubj\t_\tEntity=(person-1)\n2\twalks\twalk\tVERB\t_\t_\t0\troot\t_\t_\n\n"
        },
    ),
    "cat": (
        "cat",
        {
            "t/a.xml": '<Document doc_name="a"><token t_id="1" sentence="0" number="0">Ada</token><Markables>'
            '<HUMAN m_id="1"><token_anchor t_id="1"/></HUMAN></Markables><Relations/></Document>'
        },
    ),
    "gate": (
        "gate",
        {
            "a.bdocjs": json.dumps(
                {
                    "text": TEXT,
                    "offset_type": "p",
                    "features": {},
                    "annotation_sets": {
                        "": {
                            "name": "",
                            "next_annid": 1,
                            "annotations": [{"type": "Person", "start": 0, "end": 3, "id": 0, "features": {}}],
                        }
                    },
                }
            )
        },
    ),
    "tsv": (
        "webanno-tsv",
        {
            "a.tsv": "#FORMAT=WebAnno TSV 3.3\n#T_SP=webanno.custom.Name|kind\n\n\n#Text=Ada walks\n"
            "1-1\t0-3\tAda\tPERSON\t\n1-2\t4-9\twalks\t_\t\n"
        },
    ),
    "csv": ("fields", {"a.csv": "id,text,topic\n1,Ada walks.,walking\n"}),
}


def put(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_is_recognised_and_its_project_checks_and_builds(name: str, tmp_path: Path) -> None:
    expected, files = EXPORTS[name]
    origin = put(tmp_path / "export", files)
    before = {p: p.read_bytes() for p in origin.rglob("*") if p.is_file()}
    adopted = adopt.adopt(tmp_path / "project", "tiny", "Tiny", origin, None)
    assert adopted.format == expected
    assert adopted.survey.articles == 1 or name == "columns"
    assert {p: p.read_bytes() for p in origin.rglob("*") if p.is_file()} == before
    outcome = build(Options(root=tmp_path / "project"))
    said = {d.code for d in outcome.report if d.severity is not Severity.NOTE}
    assert said <= {"R002", "C007"}
    loaded = datasets.load_dataset(str(outcome.folder), "articles", cache_dir=str(tmp_path / "cache"))
    texts = [row["text"] for split in loaded.values() for row in split]
    assert all("Ada" in text or "Monday" in text for text in texts)
    toml = (tmp_path / "project/dataset.toml").read_text()
    assert len(toml.splitlines()) < 45
    assert tomllib.loads(toml)["source"][0]["defaults"]["rights"]["redistribute"] is False


def test_what_lies_beside_the_export_is_passed_over_by_its_paths(tmp_path: Path) -> None:
    files = EXPORTS["brat"][1] | {"README.md": "About.", "LICENSE": "…", "b/c.txt": "Text.", "b/c.ann": ""}
    adopt.adopt(tmp_path / "project", "tiny", "Tiny", put(tmp_path / "export", files), None)
    codes = {d.code for d in check(Options(root=tmp_path / "project"))}
    assert codes == {"R002", "C007"}


def test_labels_wait_for_their_definition_and_a_release_that_is_no_draft_does_too(tmp_path: Path) -> None:
    adopt.adopt(tmp_path / "project", "tiny", "Tiny", put(tmp_path / "export", EXPORTS["brat"][1]), None)
    schema = json.loads((tmp_path / "project/schema/article.schema.json").read_text())
    label = schema["properties"]["mentions"]["items"]["properties"]["label"]
    assert [(option["const"], option["description"][:5]) for option in label["oneOf"]] == [("PERSON", "TODO:")]
    toml = tmp_path / "project/dataset.toml"
    assert "C007" not in {d.code for d in check(Options(root=tmp_path / "project")).errors}
    toml.write_text(toml.read_text().replace("draft = true", "draft = false"))
    assert "C007" in {d.code for d in check(Options(root=tmp_path / "project")).errors}


def test_several_annotators_get_a_rule(tmp_path: Path) -> None:
    files = {"a.txt": TEXT, **{f"a_{who}.ann": GOOD for who in ("ada", "bob", "eve")}}
    adopted = adopt.adopt(tmp_path / "project", "tiny", "Tiny", put(tmp_path / "export", files), None)
    assert (adopted.survey.several, dict(adopted.survey.passes)) == (1, {"ada": 1, "bob": 1, "eve": 1})
    assert 'rule = "majority"' in (tmp_path / "project/dataset.toml").read_text()
    assert not check(Options(root=tmp_path / "project")).errors


@pytest.mark.parametrize(
    ("files", "words"),
    [({"a.bin": "\x01"}, "not recognised"), ({}, "not recognised"), ({"a.ann": GOOD}, "no article was read")],
)
def test_what_cannot_become_a_project_leaves_nothing(files: dict[str, str], words: str, tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    with pytest.raises(adopt.Refused, match=words):
        adopt.adopt(tmp_path / "project", "tiny", "Tiny", put(tmp_path / "export", files), None)
    assert not (tmp_path / "project").exists()


def test_the_command_says_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    origin = put(tmp_path / "export", EXPORTS["brat"][1])
    assert main(["init", str(tmp_path / "project"), "--from", str(origin)]) == 0
    out = capsys.readouterr().out
    assert "format:    brat" in out
    assert "layer:     mentions with 1 items; 1 labels: PERSON 1" in out
    assert "C007" in out
    assert main(["init", str(tmp_path / "project"), "--from", str(origin)]) == 2
    assert main(["init", str(tmp_path / "other"), "--from", str(tmp_path / "absent")]) == 1
    assert main(["init", str(tmp_path / "other"), "--from", str(origin), "--format", "docx"]) == 2
    assert not (tmp_path / "other").exists()
