"""Options of formats on the command line, in the project, and told; and what a project's conversion loses."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest
from cases_formats import GOOD, TEXT

from copydesk.build import Options, check
from copydesk.cli import main
from copydesk.importers import FORMATS, MissingLibrary, importer_of


def csv(folder: Path) -> Path:
    folder.mkdir()
    (folder / "news.csv").write_text("nr;body\n1;Ada walks.\n2;Bob runs.\n")
    return folder


def test_options_given_to_init_are_used_and_stand_in_the_project(tmp_path: Path) -> None:
    origin = csv(tmp_path / "export")
    words = ["--format", "fields", "--option", "text=body", "--option", "id=nr", "--option", 'delimiter=";"']
    assert main(["init", str(tmp_path / "p"), "--from", str(origin), *words]) == 0
    source = tomllib.loads((tmp_path / "p/dataset.toml").read_text())["source"][0]
    assert source["options"] == {"text": "body", "id": "nr", "delimiter": ";"}
    assert not check(Options(root=tmp_path / "p")).errors


def test_options_given_to_convert_are_used_and_wrong_ones_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    origin, words = csv(tmp_path / "export"), ["--from", "fields", "--to", "brat", "--option", "text=body"]
    assert main(["convert", str(origin), str(tmp_path / "out"), *words, "--option", "id=nr"]) == 0
    assert (tmp_path / "out/1.txt").read_text() == "Ada walks."
    assert main(["convert", str(origin), str(tmp_path / "no"), *words, "--option", "speed=9"]) == 1
    assert "speed" in capsys.readouterr().err
    assert main(["init", str(tmp_path / "q"), "--from", str(origin), "--format", "fields", "--option", "speed=9"]) == 1
    assert "speed" in capsys.readouterr().err
    assert not (tmp_path / "q").exists()


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_tells_its_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["formats", name]) == 0
    told = capsys.readouterr().out
    importer = importer_of(name)
    for option, schema in importer.OPTIONS.items():
        assert f"\n{option}\n" in told
        assert str(schema["description"]) in told
    assert importer.TAKES
    assert main(["formats", f"{name}x"]) == 2


def test_a_library_that_is_missing_is_told_not_a_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [n for n in sys.modules if n.partition(".")[0] == "spacy" or n.endswith(".docbin")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(MissingLibrary, match=r"copydesk\[docbin\]"):
        importer_of("docbin")
    (tmp_path / "a.spacy").write_bytes(b"x")
    for words in (["--format", "docbin"], []):
        assert main(["init", str(tmp_path / "p"), "--from", str(tmp_path / "a.spacy"), *words]) == 1
        assert "copydesk[docbin]" in capsys.readouterr().err
    assert main(["formats", "docbin"]) == 1
    assert not (tmp_path / "p").exists()


def test_converting_a_project_tells_what_its_map_and_its_contract_leave_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "export").mkdir()
    (tmp_path / "export/a.txt").write_text(TEXT)
    (tmp_path / "export/a.ann").write_text(f"{GOOD}T2\tTIME 30 36\tMonday\n")
    assert main(["init", str(tmp_path / "p"), "--from", str(tmp_path / "export")]) == 0
    toml = tmp_path / "p/dataset.toml"
    toml.write_text(toml.read_text().replace("[configs]", "[source.map]\nlabels.mentions.TIME = false\n\n[configs]"))
    (tmp_path / "p/data/original/export/a.ann").write_text(f"{GOOD}T2\tTIME 30 36\tMonday\nA1\tSure T1\n")
    capsys.readouterr()
    assert main(["convert", str(tmp_path / "p"), str(tmp_path / "out"), "--to", "brat"]) == 0
    told = capsys.readouterr().out
    assert "not carried from the source: mentions labelled TIME: 1" in told
    assert "not carried from the source: mentions: Sure: 1" in told
    assert (tmp_path / "out/a.ann").read_text() == GOOD
    for words in (["--passes", "first"], ["--from", "brat"], ["--encoding", "cp1252"], ["--option", "a=b"]):
        assert main(["convert", str(tmp_path / "p"), str(tmp_path / "no"), "--to", "brat", *words]) == 1
        assert "is a project" in capsys.readouterr().err


def test_damaged_files_stay_in_the_project_and_what_is_not_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    origin = tmp_path / "export"
    origin.mkdir()
    (origin / "a.txt").write_text(TEXT)
    (origin / "a.ann").write_text(GOOD)
    (origin / "b.ann").write_text(GOOD)
    (origin / "c.txt").write_bytes("Zoë".encode("cp1252"))
    (origin / "c.ann").write_text("")
    (origin / "README").write_text("About.")
    (origin / "secret.txt").symlink_to("/etc/hostname")
    assert main(["init", str(tmp_path / "p"), "--from", str(origin)]) == 0
    told = capsys.readouterr().out
    assert "1 of them are not read: README" in told
    assert "b.ann" in told
    assert not (tmp_path / "p/data/original/export/secret.txt").exists()
    assert {"I004", "S002"} <= {d.code for d in check(Options(root=tmp_path / "p")).errors}


def test_what_is_drafted_is_what_the_rule_for_the_passes_leaves(tmp_path: Path) -> None:
    origin = tmp_path / "export"
    origin.mkdir()
    (origin / "a.txt").write_text(TEXT)
    for who, line in (("ada", "R1\tin Arg1:T1 Arg2:T1\n"), ("bob", ""), ("eve", "")):
        (origin / f"a_{who}.ann").write_text(GOOD + line)
    assert main(["init", str(tmp_path / "p"), "--from", str(origin)]) == 0
    assert not (tmp_path / "p/schema/expectations/relations.json").exists()
    assert not check(Options(root=tmp_path / "p")).errors


GOOD_LINE = '{"id":2,"text":"Bob runs.","label":[[0,3,"P"]]}\n'
HALVES = {
    "label": '{"id":1,"text":"Ada walks.","label":[[0,3,"P\\ud83d"]]}\n',
    "text": '{"id":1,"text":"Ada \\ud83d.","label":[[0,3,"P"]]}\n',
    "value": '{"id":1,"text":"Ada.","by":"\\ud83d","label":[]}\n',
}


@pytest.mark.parametrize("where", HALVES)
def test_half_a_surrogate_pair_is_a_finding_and_the_rest_goes_on(
    where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.jsonl").write_text(HALVES[where] + GOOD_LINE)
    assert main(["init", str(tmp_path / "p"), "--from", str(tmp_path / "x.jsonl"), "--format", "doccano"]) == 0
    found = check(Options(root=tmp_path / "p")).errors
    assert {d.code for d in found} == {"A303"}
    capsys.readouterr()
    for to in ("copydesk", "brat", "conllu"):
        code = main(["convert", str(tmp_path / "x.jsonl"), str(tmp_path / to), "--from", "doccano", "--to", to])
        said = capsys.readouterr()
        assert (code, "1 articles" in said.out) == (1, True)
        assert "A303" in said.err


def test_lists_that_are_always_empty_and_objects_without_values_are_no_trouble(tmp_path: Path) -> None:
    rows = '{"id":"%d","text":"Ada walks %d.","tags":[],"meta":{"a":null},"o":{},"l":[{}],"ok":{"a":null,"b":1}}\n'
    (tmp_path / "x.jsonl").write_text("".join(rows % (n, n) for n in range(3)))
    assert main(["init", str(tmp_path / "p"), "--from", str(tmp_path / "x.jsonl"), "--format", "fields"]) == 0
    assert not check(Options(root=tmp_path / "p")).errors
    words = ["--from", "fields", "--to", "copydesk"]
    assert main(["convert", str(tmp_path / "x.jsonl"), str(tmp_path / "out"), *words]) == 0


def test_names_that_differ_by_case_are_told_apart_in_native_records_too(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"id":"1","text":"Ada walks.","Topic":"a","topic":"b"}\n')
    words = ["--from", "fields", "--to", "copydesk"]
    assert main(["convert", str(tmp_path / "x.jsonl"), str(tmp_path / "out"), *words]) == 0
    record = (tmp_path / "out/articles/1.json").read_text()
    assert '"Topic"' in record
    assert '"topic_2"' in record
