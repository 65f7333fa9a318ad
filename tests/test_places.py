"""Where findings stand, and that one mistake is one finding: what the single cases of test_codes.py do not show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cases import LINK, ONE, PROJECT, TWO, at, mention, text, without_pin, write
from cases_inputs import ledger_of

from conftest import replace_text
from copydesk.build import Options, check
from copydesk.diagnostics import Diagnostic
from copydesk.project import nearest_line, toml_lines

TOML = """\
top = 1
[dataset]
name = "x"   # [not.a.header]
"quoted key" = 2
[[source]]
kind = "a"
[source.defaults]
rights = { license = "b" }
[[source]]
kind = "c"
paths = [
  "one",
]
[[splits.pin]]
split = "train"
  [[ splits.pin ]]
split = "test"
[a.b]
c.d = 1
"""


@pytest.mark.parametrize(
    ("pointer", "line"),
    [
        ("/top", 1),
        ("/dataset/name", 3),
        ("/dataset/quoted key", 4),
        ("/dataset/missing", 2),
        ("/source", 5),
        ("/source/0/kind", 6),
        ("/source/0/defaults/rights/license", 8),
        ("/source/1", 9),
        ("/source/1/kind", 10),
        ("/source/1/paths/0", 11),
        ("/splits/pin/0/split", 15),
        ("/splits/pin/1", 16),
        ("/splits/pin/1/split", 17),
        ("/a/b/c/d", 19),
        ("/nowhere/at/all", None),
        ("", None),
    ],
)
def test_lines_of_toml(pointer: str, line: int | None) -> None:
    assert nearest_line(toml_lines(TOML), pointer) == line


def found(folder: Path) -> list[Diagnostic]:
    return [d for d in check(Options(root=folder, workers=1)) if d.code != "R002"]


def exclude(folder: Path) -> None:
    with (folder / PROJECT).open("a", encoding="utf-8") as out:
        out.write('\n[checks]\non_error = "exclude"\n')


def test_a_link_in_json_lines_is_named_by_its_line(project: Path) -> None:
    link = json.loads((project / LINK).read_bytes())
    (project / LINK).unlink()
    bad = {**link, "id": "second", "source": "ffff"}
    write("data/links/all.jsonl", f"\n{json.dumps(link)}\n\n{json.dumps(bad)}\n")(project)
    replace_text(project / PROJECT, "data/links/*.json", "data/links/*.jsonl")
    assert [(d.code, d.place.line, d.place.pointer, d.place.record) for d in found(project)] == [
        ("B002", 4, "/source", "second")
    ]


@pytest.mark.parametrize("broken", ["syntax", "encoding", "id", "check"])
def test_a_broken_article_is_one_finding_not_one_for_each_link_and_pin(project: Path, broken: str) -> None:
    if broken == "syntax":
        replace_text(project / TWO, '"mentions": [', '"mentions": [[')
    elif broken == "encoding":
        (project / TWO).write_bytes((project / TWO).read_bytes().replace(b"Moss", b"M\xf6ss"))
    elif broken == "id":
        at(TWO, "/id", 2)(project)
    else:
        mention(end=9999)(project)
    assert len(found(project)) == 1


def test_an_excluded_article_takes_its_links_and_its_pin_along(project: Path) -> None:
    exclude(project)
    mention(end=9999)(project)
    assert [d.code for d in found(project)] == ["A103", "B006"]


def test_a_source_that_is_a_link_to_nowhere_is_not_left_out_silently(project: Path) -> None:
    (project / "data/articles/moved.json").symlink_to(project / "gone.json")
    assert [(d.code, d.place.file) for d in found(project)] == [("S001", "data/articles/moved.json")]


def test_schemas_have_an_id_of_their_own(project: Path) -> None:
    replace_text(project / "schema/link.schema.json", "tiny:link:1", "tiny:article:1")
    assert [(d.code, d.place.file, d.place.line) for d in found(project)] == [("C003", "schema/link.schema.json", 3)]


def test_a_keyword_that_the_vocabulary_does_not_have(project: Path) -> None:
    replace_text(project / "schema/link.schema.json", '"x-key"', '"x-kye"')
    (finding,) = found(project)
    assert (finding.code, finding.place.pointer) == ("C003", "/properties/claim_pairs/x-kye")
    assert "x-kye" in finding.message


@pytest.mark.parametrize(
    "content", ["waiver = 3", "[waiver]\ncode = 'A104'", "waiver = ['A104']", "[[waivers]]", "[[waiver", "\udcff"]
)
def test_waivers_that_are_none(project: Path, content: str) -> None:
    (project / "data/waivers.toml").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert {(d.code, d.place.file, d.place.line) for d in found(project)} == {("W001", "data/waivers.toml", 1)}


def test_a_waiver_lowers_what_it_covers(project: Path) -> None:
    mention(end=12, surface="Mill Street ")(project)
    entry = '[[waiver]]\ncode = "A104"\nrecord = "library-2"\nreason = "As printed."\nexpires = 2027-01-01\n'
    write("data/waivers.toml", entry)(project)
    assert [(d.code, d.severity.value, d.notes) for d in found(project)] == [
        ("A104", "note", ("waived until 2027-01-01: As printed.",))
    ]


def test_a_conflict_of_a_group_says_what_holds_it_together(project: Path) -> None:
    without_pin(project)
    ledger_of(**{"library-1": "train", "library-2": "test"})(project)
    (conflict,) = found(project)
    assert conflict.code == "L002"
    assert "library-1 and library-2 belong together: link library" in conflict.notes


def test_two_mistakes_are_two_findings_in_file_order(project: Path) -> None:
    at(ONE, "/mentions/1/end", 9999)(project)
    mention(label="PLCE", start=-1)(project)
    text(PROJECT, '"library-1", ', '"ffff", ')(project)  # not looked at yet: the splits come after the records
    assert [(d.code, d.place.file) for d in found(project)] == [("A103", ONE), ("A005", TWO), ("A004", TWO)]
