"""Law 6: every code has a case that triggers it and only it, at the right place, in words that hold still."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cases_diff
import cases_formats
import cases_groups
import cases_inputs
import cases_release
import cases_splits
import cases_versions
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cases import Case, mention

from conftest import ROOT
from copydesk import build as builder
from copydesk import readback
from copydesk.build import Options, build, check
from copydesk.diagnostics import CODES, BuildFailed, Diagnostic, Place, Report, Severity
from copydesk.diagnostics.render import as_dict, explain, render_json, render_text
from copydesk.release.model import Release
from copydesk.release.verify import verify
from copydesk.scaffold import create

CASES: dict[str, Case] = {
    **cases_inputs.CASES,
    **cases_formats.CASES,
    **cases_splits.CASES,
    **cases_groups.CASES,
    **cases_versions.CASES,
    **cases_release.CASES,
    **cases_diff.CASES,
}
GOLDEN = ROOT / "tests" / "golden"
BLESS = os.environ.get("BLESS") == "1"
KEYS = ["code", "slug", "severity", "message", "file", "line", "column", "pointer", "record", "notes", "help"]


def finished(folder: Path) -> Path:
    """A new project whose datasheet is answered: nothing is found in it."""
    assert create(folder, "tiny") is None
    datasheet = folder / "DATASHEET.md"
    datasheet.write_text(datasheet.read_text(encoding="utf-8").replace("TODO", "Answered."), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed release to make copies of."""
    folder = finished(tmp_path_factory.mktemp("codes") / "project")
    outcome = build(Options(root=folder, workers=1))
    assert list(outcome.report) == []
    assert verify(outcome.folder)[1] == []
    return outcome.folder


def run(how: str, folder: Path) -> list[Diagnostic]:
    options = Options(root=folder, workers=1, frozen=how == "frozen")
    if how == "check":
        return list(check(options))
    if how == "diff":
        return cases_diff.refused(folder)
    if how == "verify":
        return list(Report(verify(folder)[1]))
    try:
        return list(build(options).report)
    except BuildFailed as failed:
        return list(failed.report)


def place_of(case: Case, found: Diagnostic, folder: Path) -> None:
    """The place is the one expected, and the line holds what is wrong."""
    place = found.place
    assert (place.file, place.pointer, place.record) == (case.file, case.pointer, case.record)
    if case.shows is None:
        assert place.line is None
        return
    assert place.line is not None
    lines = (folder / place.file).read_bytes().decode("utf-8", errors="replace").split("\n")
    assert case.shows in lines[place.line - 1]
    if place.column is not None:
        assert 1 <= place.column <= len(lines[place.line - 1]) + 1


def compare_with_golden(name: str, text: str) -> None:
    text = re.sub(r"\b[0-9a-f]{12}…", "<digest>", text)  # of files that change for other reasons
    path = GOLDEN / f"{name}.txt"
    if BLESS:
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, "if the new wording is better, run the tests with BLESS=1"


@pytest.mark.parametrize("code", CASES)
def test_a_case_gives_its_code_and_no_other(code: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    case, folder = CASES[code], tmp_path / "case"
    if case.run == "verify":
        shutil.copytree(request.getfixturevalue("release"), folder)
    else:
        finished(folder)
    with case.breaks(folder) or contextlib.nullcontext():
        found = run(case.run, folder)
    assert {d.code for d in found} == {code} | case.beside
    first = next(d for d in found if d.code == code)
    place_of(case, first, folder)
    rendered = render_text(Report([first]))
    assert str(tmp_path) not in render_text(Report(found))
    compare_with_golden(code, rendered)


def test_every_code_has_a_case_and_a_golden() -> None:
    assert CASES.keys() == CODES.keys()
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(CODES)


def test_a_new_project_only_has_questions_to_answer(project: Path) -> None:
    found = run("check", project)
    assert {(d.code, d.severity) for d in found} == {("R002", Severity.WARNING)}


def _cut_short(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _one_row_less(data: bytes) -> bytes:
    table = pq.read_table(pa.BufferReader(data))
    out = io.BytesIO()
    pq.write_table(table.slice(1), out)
    return out.getvalue()


@pytest.mark.parametrize("damage", [_cut_short, _one_row_less])
def test_a_file_that_changed_after_it_was_written_is_not_released(
    damage: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = finished(tmp_path / "case")
    right = readback.read_back

    def read_back(release: Release, scratch: Path, *others: object) -> list[Diagnostic]:
        path = release.folder / cases_release.CLAIMS
        path.write_bytes(damage(path.read_bytes()))
        return right(release, scratch, *others)

    monkeypatch.setattr(builder, "read_back", read_back)
    with pytest.raises(BuildFailed) as failed:
        build(Options(root=folder, workers=1))
    assert {d.code for d in failed.value.report} == {"R001"}
    assert all("claims" in d.message or d.place.file == "README.md" for d in failed.value.report)
    assert not (folder / "dist/tiny-0.1.0").exists()


@pytest.mark.parametrize("code", CODES)
def test_explain_has_words_for_every_code(code: str) -> None:
    entry, text = CODES[code], explain(code)
    assert entry.id == code
    assert entry.severity is not Severity.ERROR or entry.summary
    for part in (code, entry.slug, entry.summary, entry.explanation, entry.example, entry.severity.value):
        assert part in text


def test_slugs_are_unique() -> None:
    assert Counter(code.slug for code in CODES.values()).most_common(1)[0][1] == 1


def finding(code: str = "A301", message: str = "a message", **place: object) -> Diagnostic:
    return Diagnostic(code=code, place=Place(**{"file": "data/a.json", **place}), message=message)


def test_json_lines_are_one_finding_each_with_the_same_keys() -> None:
    whole = finding(line=3, column=4, pointer="/text", record="a\n1")
    report = Report([finding(), whole, finding("B005", 'line 1\nline 2 "quoted" \ud83d')])
    lines = render_json(report).splitlines()
    assert len(lines) == len(report)
    assert render_json(report).isascii()
    parsed = [json.loads(line) for line in lines]
    assert [list(entry) for entry in parsed] == [KEYS] * 3
    assert parsed == [as_dict(d) for d in report]
    assert parsed[-1] | {"notes": [], "help": None} == {
        "code": "A301", "slug": "control-character", "severity": "warning", "message": "a message",
        "file": "data/a.json", "line": 3, "column": 4, "pointer": "/text", "record": "a\n1", "notes": [], "help": None,
    }  # fmt: skip


@pytest.mark.parametrize("color", [False, True])
def test_nothing_of_the_data_reaches_a_terminal_raw(color: bool) -> None:
    bad = "".join(chr(c) for c in range(32)) + "\x7f\x9b31m\u061c\u200b\u202e\u2028\u2066\ufeff\ud83d\U000e0041"
    place = Place(file=f"data/{bad}.json", line=1, pointer=f"/{bad}", record=bad)
    evil = Diagnostic(code="A004", place=place, message=bad, notes=(bad,), help=bad)
    plain = Diagnostic(code="A004", place=Place(file="f", line=1, pointer="/p"), message="m", notes=("n",), help="h")
    text = render_text(Report([evil]), color=color)
    allowed = set(render_text(Report([plain]), color=color)) & {"\n", "\x1b"}
    assert {char for char in text if char in bad and not char.isalnum()} == allowed
    assert text.count("\n") == render_text(Report([plain])).count("\n")
    assert text.count("\x1b") == render_text(Report([plain]), color=color).count("\x1b")
    assert "\\u{202e}" in text
    text.encode("utf-8")


def test_what_an_annotator_wrote_is_escaped_in_a_real_report(tmp_path: Path) -> None:
    folder = finished(tmp_path / "case")
    mention(label="\x1b[31m\u202eDER", id="\x07")(folder)
    text = render_text(check(Options(root=folder, workers=1)))
    assert "A004" in text
    assert not {"\x1b", "\u202e", "\x07"} & set(text)


def test_a_report_shows_at_most_so_many_of_a_code_and_counts_the_rest() -> None:
    many = [finding("A103", f"number {n}", line=n) for n in range(1, 8)]
    text = render_text(Report([*many, finding("A301")]), cap=5)
    assert text.count("error[A103]") == 5
    assert text.count("warning[A301]") == 1
    assert "… and 2 more A103" in text
    assert text.endswith("7 errors, 1 warning\n")
    assert "more" not in render_text(Report(many), cap=7).split("error[A103]")[-1]
    assert len(render_json(Report(many)).splitlines()) == 7


def test_a_report_stands_in_file_order_whatever_order_things_were_found_in() -> None:
    made = [finding("A301", line=9), finding("A103", line=10), finding("A103", line=9), finding("P004")]
    assert render_text(Report(made)) == render_text(Report(made[::-1]))
    assert [(d.place.line, d.code) for d in Report(made)] == [(None, "P004"), (9, "A103"), (9, "A301"), (10, "A103")]


def test_nothing_found_is_said() -> None:
    assert render_text(Report()) == "no findings\n"
    assert render_json(Report()) == ""
