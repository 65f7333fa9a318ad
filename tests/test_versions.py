"""The version check: every kind of change is refused under a version that is too small, and let through under the
smallest that says it."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import edit_json, replace_text
from copydesk.build import Options, build
from copydesk.cli_release import sources_side
from copydesk.diagnostics import Diagnostic, Report, Severity
from copydesk.diff.model import Bump
from copydesk.diff.rules import RULES, required
from copydesk.prepare import prepare
from copydesk.previous import Known, known_versions
from copydesk.project import load_project
from copydesk.scaffold import create
from copydesk.semver import version_key
from copydesk.splits import Entry, Ledger, read_ledger
from copydesk.versions import check_number, check_version, ledger_changes, provisional

ONE, TWO, QUIET = "data/articles/library-1.json", "data/articles/library-2.json", "data/articles/quiet.json"
PROJECT, CHANGELOG, YANKED = "dataset.toml", "data/CHANGELOG.md", "data/yanked.jsonl"
SCHEMA = "schema/article.schema.json"

Change = Callable[[Path], None]


def article(project: Path, identifier: str, text: str = "Nothing much happened in the town today.") -> None:
    """One more article, with one mention."""
    value = {"id": identifier, "text": text, "claims": [], "mentions": []}
    value["mentions"] = [{"id": "m1", "start": 0, "end": 7, "label": "PLACE"}]
    (project / f"data/articles/{identifier}.json").write_text(json.dumps(value, indent=1), encoding="utf-8")


def pin(project: Path, identifier: str, split: str) -> None:
    entry = f'[[splits.pin]]\narticles = ["{identifier}"]\nsplit = "{split}"\nreason = "A test."\n\n[release]'
    replace_text(project / PROJECT, "[release]", entry)


def set_version(project: Path, version: str) -> None:
    lines = (project / PROJECT).read_text(encoding="utf-8").splitlines(keepends=True)
    lines = [f'version = "{version}"\n' if line.startswith("version = ") else line for line in lines]
    (project / PROJECT).write_text("".join(lines), encoding="utf-8")


def seal(project: Path, version: str) -> Path:
    """Build a version, whatever the changelog says of it."""
    set_version(project, version)
    path = project / CHANGELOG
    text = path.read_text(encoding="utf-8")
    if f"## {version}\n" not in text:
        path.write_text(text.replace("## ", f"## {version}\n\nSomething.\n\n## ", 1), encoding="utf-8")
    return build(Options(root=project, workers=1)).folder


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose version 1.0.0 is out, with an article in test."""
    folder = tmp_path_factory.mktemp("versions") / "project"
    assert create(folder, "tiny") is None
    datasheet = folder / "DATASHEET.md"
    datasheet.write_text(datasheet.read_text(encoding="utf-8").replace("TODO", "Answered."), encoding="utf-8")
    replace_text(folder / PROJECT, "draft = true", "draft = false")
    article(folder, "quiet")
    pin(folder, "quiet", "test")
    (folder / CHANGELOG).write_text("# Changelog\n\n## 1.0.0\n\nFirst.\n", encoding="utf-8")
    seal(folder, "1.0.0")
    return folder


@pytest.fixture
def project(once: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(once, folder)
    return folder


def verdict(project: Path, scratch: Path) -> list[Diagnostic]:
    """What a build of the sources as they are now says of their version."""
    report = Report()
    prepared = prepare(project, report)
    ledger, found = read_ledger(prepared.project.ledger_path, "data/ledger.jsonl")
    assert not found
    if scratch.exists():
        shutil.rmtree(scratch)
    new = sources_side(prepared, prepared.project.dataset.version, scratch / "sources", report)
    assert not report.errors
    return check_version(new, prepared.project, ledger, scratch)


def codes(found: list[Diagnostic]) -> list[str]:
    return [d.code for d in found]


def relabel(name: str) -> Change:
    return lambda project: edit_json(project / name, lambda a: a["mentions"][0].update(label="TIME"))


def retext(name: str) -> Change:
    def change(value: Any) -> None:
        value["text"] += " More was said later."

    return lambda project: edit_json(project / name, change)


def mention_schema(change: Callable[[Any], Any]) -> Change:
    return lambda project: edit_json(project / SCHEMA, lambda s: change(s["properties"]["mentions"]["items"]))


def labels(change: Callable[[list[Any]], Any]) -> Change:
    def find(value: Any) -> list[Any] | None:
        if isinstance(value, dict):
            if any(isinstance(o, dict) and o.get("const") == "PERSON" for o in value.get("oneOf", ())):
                return value["oneOf"]
            return next((f for inner in value.values() if (f := find(inner))), None)
        return next((f for inner in value if (f := find(inner))), None) if isinstance(value, list) else None

    def breaks(project: Path) -> None:
        edit_json(project / SCHEMA, lambda schema: change(find(schema) or []))

    return breaks


def config_gone(project: Path) -> None:
    lines = (project / PROJECT).read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("mentions = {")]
    (project / PROJECT).write_text("".join(kept), encoding="utf-8")
    (project / "schema/expectations/mentions.json").unlink()


def license_of(new: str) -> Change:
    return lambda project: replace_text(project / PROJECT, 'license = "CC-BY-4.0"', f'license = "{new}"')


PIN = '[[splits.pin]]\narticles = ["quiet"]\nsplit = "test"\nreason = "A test."\n\n'


def quiet_gone(project: Path) -> None:
    (project / QUIET).unlink()
    replace_text(project / PROJECT, PIN, "")


def moved(project: Path) -> None:
    replace_text(project / PROJECT, 'articles = ["quiet"]\nsplit = "test"', 'articles = ["quiet"]\nsplit = "train"')


CHANGES: dict[str, tuple[Change, str, Bump]] = {
    "a label in train": (relabel(ONE), "train-annotations-changed", Bump.MINOR),
    "a label in test": (relabel(QUIET), "test-annotations-changed", Bump.MAJOR),
    "a text in train": (retext(ONE), "train-text-changed", Bump.MINOR),
    "a text in test": (retext(QUIET), "test-text-changed", Bump.MAJOR),
    "one more article": (lambda p: article(p, "more", "It rained."), "article-added", Bump.MINOR),
    "one article less": (quiet_gone, "article-removed", Bump.MAJOR),
    "a config less": (config_gone, "config-removed", Bump.MAJOR),
    "one more label": (
        labels(lambda known: known.append({"const": "GROUP", "title": "Group", "description": "People together."})),
        "label-added",
        Bump.MINOR,
    ),
    "labels in another order": (labels(lambda known: known.reverse()), "label-moved", Bump.MAJOR),
    "a description": (
        mention_schema(lambda s: s["properties"]["label"].update(description="What is mentioned.")),
        "words-changed",
        Bump.PATCH,
    ),
    "a narrower licence": (license_of("CC-BY-NC-4.0"), "rights-narrowed", Bump.MAJOR),
    "a wider licence": (license_of("CC0-1.0"), "rights-widened", Bump.MINOR),
}
SMALLEST = {Bump.PATCH: "1.0.1", Bump.MINOR: "1.1.0", Bump.MAJOR: "2.0.0"}
TOO_SMALL = {Bump.MINOR: "1.0.1", Bump.MAJOR: "1.1.0"}


@pytest.mark.parametrize("what", CHANGES)
def test_a_version_must_say_how_much_changed(what: str, project: Path, tmp_path: Path) -> None:
    change, rule, bump = CHANGES[what]
    assert RULES[rule].bump is bump
    change(project)
    set_version(project, SMALLEST[bump])
    assert codes(verdict(project, tmp_path / "scratch")) == []
    if bump not in TOO_SMALL:
        return
    set_version(project, TOO_SMALL[bump])
    (found,) = verdict(project, tmp_path / "scratch")
    assert (found.code, found.severity) == ("R014", Severity.ERROR)
    assert (found.place.file, found.place.pointer) == (PROJECT, "/dataset/version")
    line = (project / PROJECT).read_text(encoding="utf-8").splitlines()[(found.place.line or 0) - 1]
    assert line == f'version = "{TOO_SMALL[bump]}"'
    assert found.message.endswith(f"from 1.0.0: {SMALLEST[bump]} is needed at least")
    assert any(f"({rule})" in note and note.startswith(bump.name.lower()) for note in found.notes), found.notes
    named = {note.split("(")[1].split(")")[0] for note in found.notes}
    assert all(RULES[other].bump > Bump.PATCH for other in named)


def test_a_move_to_another_split_asks_for_a_major_version(project: Path, tmp_path: Path) -> None:
    moved(project)  # under a smaller version the pin itself is refused (L005), before anything is compared
    set_version(project, "2.0.0")
    assert codes(verdict(project, tmp_path / "scratch")) == []


def test_reasons_name_the_annotators_line_and_how_many_more_there_are(project: Path, tmp_path: Path) -> None:
    count = 0
    for name in (ONE, TWO):
        value = json.loads((project / name).read_bytes())
        count += sum(mention["label"] != "TIME" for mention in value["mentions"])
        for mention in value["mentions"]:
            mention["label"] = "TIME"
        (project / name).write_text(json.dumps(value, indent=1), encoding="utf-8")
    set_version(project, "1.0.1")
    (found,) = verdict(project, tmp_path / "scratch")
    (note,) = found.notes
    lines = (project / ONE).read_text(encoding="utf-8").splitlines()
    place = note.split("mentions m1 of library-1 (train) at ")[1].split(";")[0]
    file, line, _ = place.split(" ")[0].split(":")
    assert (file, place.split(" at ")[1]) == (ONE, "/mentions/0/label")
    assert '"label": "TIME"' in lines[int(line) - 1]
    assert note.count("mentions m") == 3
    assert note.endswith(f"; and {count - 3} more")


def test_no_text_of_an_article_is_in_what_is_said(project: Path, tmp_path: Path) -> None:
    edit_json(project / ONE, lambda a: a.update(text=a["text"] + " Zanzibar."))
    relabel(TWO)(project)
    set_version(project, "1.0.1")
    (found,) = verdict(project, tmp_path / "scratch")
    assert len(found.notes) == 2
    assert "Zanzibar" not in repr(found)


def test_before_1_0_a_breaking_change_is_a_minor_step(tmp_path: Path) -> None:
    project = tmp_path / "project"
    assert create(project, "tiny") is None
    seal(project, "0.1.0")
    relabel(ONE)(project)
    set_version(project, "0.1.1")
    assert codes(verdict(project, tmp_path / "scratch")) == []
    config_gone(project)
    (found,) = verdict(project, tmp_path / "scratch")
    assert found.message == "0.1.1 is too small a step from 0.1.0: 0.2.0 is needed at least"
    assert found.severity is Severity.WARNING, "nobody relies on a draft"
    replace_text(project / PROJECT, "draft = true", "draft = false")
    assert [d.severity for d in verdict(project, tmp_path / "scratch")] == [Severity.ERROR]
    set_version(project, "0.2.0")
    assert codes(verdict(project, tmp_path / "scratch")) == []


def test_a_first_release_and_one_that_is_built_again_need_nothing(project: Path, tmp_path: Path) -> None:
    quiet_gone(project)
    assert codes(verdict(project, tmp_path / "scratch")) == [], "1.0.0 is what is being made; nothing was before it"
    shutil.rmtree(project / "dist")
    (project / "data/ledger.jsonl").unlink()
    assert codes(verdict(project, tmp_path / "scratch")) == []


def test_a_version_that_is_built_again_is_held_against_the_one_before(project: Path, tmp_path: Path) -> None:
    relabel(ONE)(project)
    seal(project, "1.1.0")
    quiet_gone(project)
    (found,) = verdict(project, tmp_path / "scratch")
    assert "1.1.0 is too small a step from 1.0.0: 2.0.0" in found.message
    assert [note.split(" ")[0] for note in found.notes] == ["major,"]


# --- the release before is not here


@pytest.mark.parametrize(
    ("change", "refused"),
    [(quiet_gone, "article-removed"), (retext(QUIET), "test-text-changed"), (config_gone, None), (relabel(ONE), None)],
)
def test_without_the_release_before_the_ledger_speaks(
    change: Change, refused: str | None, project: Path, tmp_path: Path
) -> None:
    shutil.rmtree(project / "dist")
    change(project)
    set_version(project, "1.0.1")
    missing, *others = verdict(project, tmp_path / "scratch")
    assert (missing.code, missing.severity, missing.place.file) == ("R015", Severity.WARNING, "dist")
    assert codes(others) == (["R014"] if refused else [])
    if refused:
        assert f"({refused})" in others[0].notes[0]
        set_version(project, "2.0.0")
        assert codes(verdict(project, tmp_path / "scratch")) == ["R015"]


def test_an_article_more_asks_for_a_minor_version_even_then(project: Path, tmp_path: Path) -> None:
    shutil.rmtree(project / "dist")
    article(project, "more", "It rained.")
    set_version(project, "1.0.1")
    assert codes(verdict(project, tmp_path / "scratch")) == ["R015", "R014"]
    set_version(project, "1.1.0")
    assert codes(verdict(project, tmp_path / "scratch")) == ["R015"]


def test_a_release_before_that_was_tampered_with_is_no_base(project: Path, tmp_path: Path) -> None:
    replace_text(project / "dist/tiny-1.0.0/LICENSE.md", "e", "E")
    set_version(project, "1.0.1")
    (found,) = verdict(project, tmp_path / "scratch")
    assert found.code == "R015"
    assert "tiny-1.0.0: SHA-256" in found.message
    assert "LICENSE.md" in found.message


def test_a_later_release_that_is_known_and_not_here(project: Path, tmp_path: Path) -> None:
    article(project, "more", "It rained.")
    seal(project, "1.1.0")
    shutil.rmtree(project / "dist/tiny-1.1.0")
    (project / "data/articles/more.json").unlink()
    set_version(project, "1.1.1")
    missing, small = verdict(project, tmp_path / "scratch")
    assert missing.code == "R015"
    assert "1.1.0, is not here; 1.0.0 is" in missing.message
    assert "2.0.0 is needed" in small.message, "the article was in 1.1.0, as the ledger knows"


def test_entries_of_the_changelog_count_where_there_are_releases(project: Path, tmp_path: Path) -> None:
    shutil.rmtree(project / "dist")
    replace_text(project / CHANGELOG, "## 1.0.0", "## 2.0.0\n\nLess.\n\n## 1.0.0")
    quiet_gone(project)
    set_version(project, "2.0.1")
    missing, small = verdict(project, tmp_path / "scratch")
    assert "2.0.0, is not here" in missing.message
    assert "3.0.0 is needed" in small.message


def test_entries_for_versions_to_come_are_plans(project: Path) -> None:
    replace_text(project / CHANGELOG, "## 1.0.0", "## 3.0.0\n\nPlans.\n\n## 1.0.0\n\nFirst.\n\n## 0.9.0")
    loaded, _ = load_project(project)
    assert loaded is not None
    known = known_versions(loaded, {})
    assert known.changelog == {"0.9.0"}
    assert (known.newest, known.last) == ("1.0.0", "1.0.0")


def packed(project: Path) -> str:
    with tarfile.open(project / "old.tar.gz", "w:gz") as archive:
        archive.add(project / "dist/tiny-1.0.0", arcname="tiny-1.0.0")
    shutil.rmtree(project / "dist")
    return "old.tar.gz"


def elsewhere(project: Path) -> str:
    shutil.move(project / "dist", project / "archive")
    return "archive/tiny-1.0.0"


@pytest.mark.parametrize("put", [packed, elsewhere])
def test_the_release_before_can_be_named(put: Callable[[Path], str], project: Path, tmp_path: Path) -> None:
    given_name = put(project)
    replace_text(project / PROJECT, "[release]\n", f'[release]\nprevious = "{given_name}"\n')
    relabel(ONE)(project)
    set_version(project, "1.0.1")
    (found,) = verdict(project, tmp_path / "scratch")
    assert "from 1.0.0: 1.1.0 is needed" in found.message
    set_version(project, "1.1.0")
    assert codes(verdict(project, tmp_path / "scratch")) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [("nowhere", "there is no nowhere"), ("dataset.toml", "neither a folder nor an archive"),
     ("data", "manifest.json"), ("dist/tiny-1.0.0", "is 1.0.0, which is not before 1.0.0")],
)  # fmt: skip
def test_what_is_named_and_is_no_release_before_is_said(name: str, why: str, project: Path, tmp_path: Path) -> None:
    replace_text(project / PROJECT, "[release]\n", f'[release]\nprevious = "{name}"\n')
    if not name.startswith("dist"):
        set_version(project, "1.0.1")
    (found,) = verdict(project, tmp_path / "scratch")
    assert (found.code, found.place.pointer) == ("R015", "/release/previous")
    assert why in found.message


# --- yanked and withdrawn


def yanked(project: Path, version: str) -> None:
    line = json.dumps({"version": version, "reason": "The wrong files.", "date": "2026-11-24"})
    (project / YANKED).write_text(line + "\n", encoding="utf-8")


def test_a_version_that_was_yanked_is_not_built_again(project: Path, tmp_path: Path) -> None:
    yanked(project, "1.0.0")
    found = verdict(project, tmp_path / "scratch")
    assert codes(found) == ["R016"]
    assert found[0].severity is Severity.ERROR
    assert "The wrong files." in found[0].message
    assert (found[0].place.file, found[0].place.pointer) == (PROJECT, "/dataset/version")


def test_a_yanked_version_is_no_base_but_its_number_is_used_up(project: Path, tmp_path: Path) -> None:
    quiet = (project / QUIET).read_bytes()
    quiet_gone(project)
    seal(project, "2.0.0")
    yanked(project, "2.0.0")
    (project / QUIET).write_bytes(quiet)
    relabel(ONE)(project)
    set_version(project, "2.0.1")
    assert codes(verdict(project, tmp_path / "scratch")) == []  # the article that 2.0.0 lost is back, as in 1.0.0
    set_version(project, "1.0.1")
    shutil.copy(project / "dist/tiny-1.0.0/ledger.parquet", tmp_path)
    (small,) = verdict(project, tmp_path / "scratch")
    assert "1.0.1 is too small a step from 1.0.0: 1.1.0" in small.message


def test_what_only_a_yanked_version_brought_may_go(project: Path, tmp_path: Path) -> None:
    article(project, "more", "It rained.")
    seal(project, "1.1.0")
    yanked(project, "1.1.0")
    shutil.rmtree(project / "dist")
    (project / "data/articles/more.json").unlink()
    set_version(project, "1.1.1")
    assert codes(verdict(project, tmp_path / "scratch")) == ["R015"]
    quiet_gone(project)
    assert codes(verdict(project, tmp_path / "scratch")) == ["R015", "R014"]


def test_a_list_that_cannot_be_read_is_said_once(project: Path, tmp_path: Path) -> None:
    (project / YANKED).write_text("{}\n", encoding="utf-8")
    assert codes(verdict(project, tmp_path / "scratch")) == ["L015"]
    report = Report()
    assert codes(check_number(prepare(project, report).project)) == ["L015"]


def test_a_version_that_held_what_was_withdrawn_is_not_built_again(project: Path, tmp_path: Path) -> None:
    stone = {"id": "quiet", "kind": "article", "reason": "rights", "date": "2026-11-24", "releases": ["1.0.0"]}
    (project / "data/tombstones.jsonl").write_text(json.dumps(stone) + "\n", encoding="utf-8")
    (found,) = verdict(project, tmp_path / "scratch")
    assert found.code == "R014"
    assert "1.0.0 held quiet, which was withdrawn" in found.message


# --- ledgers and versions as values

IDS = st.sampled_from("abcdef")
ENTRIES = st.builds(
    Entry, id=st.just(""), group=st.just("g"), split=st.sampled_from(["train", "test"]), since=st.just("1.0.0"),
    digest=st.sampled_from(["x", "y"]), released=st.booleans(),
)  # fmt: skip
LEDGERS = st.dictionaries(IDS, ENTRIES).map(
    lambda d: {i: Entry(id=i, group=e.group, split=e.split, since=e.since, digest=e.digest, released=e.released)
               for i, e in d.items()}
)  # fmt: skip


def followed(old: Ledger, changes: list[Any]) -> dict[str, str]:
    """Article -> split after the changes; the digest is marked where it changed."""
    state = {i: e.split for i, e in old.items() if e.released}
    for change in changes:
        if change.what == "record-withdrawn":
            assert state.pop(change.record) == change.split
        elif change.what == "record-added":
            assert change.record not in state
            state[change.record] = change.split
        elif change.what == "split-moved":
            assert state[change.record] == change.old_split
            state[change.record] = change.split
    return state


@settings(deadline=None)
@given(LEDGERS, LEDGERS)
def test_what_two_ledgers_tell_leads_from_one_to_the_other(old: Ledger, new: Ledger) -> None:
    found = list(ledger_changes(old, new, "article"))
    assert followed(old, found) == {i: e.split for i, e in new.items() if e.released}
    edited = {c.record for c in found if c.what == "text-edited"}
    both = {i for i in old.keys() & new.keys() if old[i].released and new[i].released}
    assert edited == {i for i in both if old[i].digest != new[i].digest}
    assert list(ledger_changes(new, new, "article")) == []
    assert [c.record for c in found] == sorted(c.record for c in found)
    assert all(c.rule in RULES for c in found)


@settings(deadline=None)
@given(LEDGERS, LEDGERS, st.sets(IDS))
def test_more_changes_never_ask_for_less(old: Ledger, new: Ledger, undone: set[str]) -> None:
    part = {i: e for i, e in new.items() if i not in undone} | {i: old[i] for i in undone if i in old}
    some = required(c.rule for c in ledger_changes(old, part, "article"))
    assert some <= required(c.rule for c in ledger_changes(old, new, "article"))


VERSIONS = st.tuples(*[st.integers(0, 3)] * 3).map(lambda v: ".".join(map(str, v)))
SETS = st.frozensets(VERSIONS, max_size=4)


@settings(deadline=None)
@given(SETS, SETS, SETS, SETS, VERSIONS)
def test_versions_that_are_known(
    here: frozenset[str], ledger: frozenset[str], changelog: frozenset[str], gone: frozenset[str], bound: str
) -> None:
    known = Known(here={v: Path(v) for v in here}, ledger=ledger, changelog=changelog, yanked=gone)
    assert known.versions == sorted(known.versions, key=version_key)
    assert set(known.versions) >= here | ledger | gone
    assert known.last not in gone
    assert not known.last or version_key(known.last) <= version_key(known.newest)
    below = known.below(bound)
    assert all(version_key(v) < version_key(bound) for v in below.versions)
    if not here and not ledger and not gone:
        assert not known.versions, "entries of a changelog alone are plans"


def entry_of(identifier: str, **given: Any) -> dict[str, Entry]:
    values = {"group": "g", "split": "test", "since": "1.0.0", "digest": "x", **given}
    return {identifier: Entry(id=identifier, **values)}


def test_a_renamed_article_is_one_change() -> None:
    old, new = entry_of("a"), entry_of("b", formerly="a")
    for kept in ({}, entry_of("a", released=False)):
        (found,) = ledger_changes(old, kept | new, "article")
        assert (found.what, found.rule, found.old, found.record) == ("record-renamed", "article-renamed", "a", "b")
    assert list(ledger_changes(new, new, "article")) == []


def test_only_one_article_takes_the_place_of_another_and_only_if_that_is_gone() -> None:
    two = entry_of("b", formerly="a") | entry_of("c", formerly="a")
    assert [c.what for c in ledger_changes(entry_of("a"), two, "article")] == ["record-renamed", "record-added"]
    both = entry_of("a") | entry_of("b", formerly="a")
    assert [c.what for c in ledger_changes(entry_of("a"), both, "article")] == ["record-added"]


def test_sources_are_dealt_as_the_next_release_would_deal_them() -> None:
    assert provisional("0.1.0", "") == "0.1.0"
    assert provisional("1.0.0", "1.0.0") == "2.0.0"
    assert provisional("0.1.0", "0.1.0") == "0.2.0"
    assert provisional("3.0.0", "1.0.0") == "3.0.0"
