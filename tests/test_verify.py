"""`verify` against releases that were tampered with and summed anew, and how a release gets and keeps its name."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cases import reseal
from test_build import ENVIRONMENT, content

from conftest import edit_json, replace_text
from copydesk import build as builder
from copydesk import staging
from copydesk.build import Options, build
from copydesk.diagnostics import BuildFailed, Report
from copydesk.engine import LocalProcesses
from copydesk.project import Project, load_project
from copydesk.release import verify as verifying
from copydesk.release.verify import verify, verify_files
from copydesk.scaffold import create

MENTIONS = "mentions/train-00000-of-00001.parquet"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with its release, the articles not its first config, and with an agreement to read."""
    project = tmp_path_factory.mktemp("verify") / "project"
    assert create(project, "tiny") is None
    toml = project / "dataset.toml"
    lines = toml.read_text(encoding="utf-8").splitlines(keepends=True)
    first = next(i for i, line in enumerate(lines) if line.startswith("articles ="))
    lines[first], lines[first + 1] = lines[first + 1], lines[first]
    toml.write_text("".join(lines), encoding="utf-8")
    for side in ("a", "b"):
        shutil.copytree(project / "data/articles", project / "seeds" / side / "article")
    with toml.open("a", encoding="utf-8") as out:
        out.write('\n[agreement]\npasses = ["seeds/a", "seeds/b"]\n')
    assert build(Options(root=project)).changed
    return project


@pytest.fixture
def release(built: Path, tmp_path: Path) -> Path:
    """A copy of the release to tamper with."""
    return Path(shutil.copytree(built / "dist/tiny-0.1.0", tmp_path / "release"))


def says(release: Path) -> list[tuple[str, str]]:
    """(code, file) of what `verify` finds, each once."""
    return sorted({(d.code, d.place.file) for d in verify(release)[1]})


def test_a_release_summed_anew_is_as_good_as_before(release: Path) -> None:
    reseal(release)
    assert says(release) == []


def test_the_json_lines_are_the_rows(release: Path) -> None:
    file = "jsonl/mentions/train-00000-of-00001.jsonl"
    replace_text(release / file, '"PLACE"', '"PERSON"')
    reseal(release)
    assert says(release) == [("V004", file)]


def test_a_certificate_that_was_just_measured_is_held_by_the_texts(
    release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build need not search again, as long as the rows have the texts of the ledger, and the file the certificate."""
    certificate = json.loads((release / "quality/leakage.json").read_bytes())
    searched: list[object] = []
    right = verifying.measured_again
    monkeypatch.setattr(verifying, "measured_again", lambda *given: searched.append(given) or right(*given))
    assert verify(release, certificate=certificate)[1] == []
    assert not searched
    assert {d.code for d in verify(release, certificate={**certificate, "articles": 7})[1]} == set()
    assert len(searched) == 1
    edit_json(release / "quality/leakage.json", lambda told: told.update(articles=7))
    reseal(release)
    assert {d.code for d in verify(release, certificate=certificate)[1]} == {"V010"}
    edit_json(release / "quality/leakage.json", lambda told: told.update(articles=certificate["articles"]))
    edit_ledger(release, lambda entries: entries[0].update(digest="0" * 64))
    verify(release, certificate=certificate)
    assert len(searched) == 3


def test_processes_find_what_one_finds(release: Path) -> None:
    replace_text(release / "jsonl/mentions/train-00000-of-00001.jsonl", '"PLACE"', '"PERSON"')
    edit_ledger(release, lambda entries: entries[0].update(released=False))
    with LocalProcesses(2) as engine:
        assert verify(release, engine=engine)[1] == verify(release)[1] != []


def edit_ledger(release: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    table = pq.read_table(release / "ledger.parquet")
    entries = table.to_pylist()
    change(entries)
    pq.write_table(pa.Table.from_pylist(entries, schema=table.schema), release / "ledger.parquet")
    reseal(release)


def test_a_row_stands_in_the_split_of_its_article(release: Path) -> None:
    edit_ledger(release, lambda entries: [entry.update(split="test") for entry in entries] and None)
    tables = ("articles", "claim_pairs", "claims", "mentions")
    strays = [("V007", f"{table}/train-00000-of-00001.parquet") for table in tables]
    assert says(release) == [*strays, ("V007", "quality/groups.jsonl"), ("V007", "quality/splits.json")]


def test_a_row_of_a_withdrawn_article_is_astray(release: Path) -> None:
    edit_ledger(release, lambda entries: entries[0].update(released=False))
    assert ("V007", MENTIONS) in says(release)


@pytest.mark.parametrize(
    "change",
    [
        lambda tables: tables["mentions"].update(rows=8),
        lambda tables: tables["mentions"].update(rows="7"),
    ],
)
def test_the_rows_of_the_manifest_are_those_of_the_splits(
    release: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    edit_json(release / "manifest.json", lambda m: change(m["tables"]))
    reseal(release)
    assert says(release) == [("V008", "manifest.json")]


def test_the_digests_of_croissant_are_those_of_the_files(release: Path) -> None:
    def change(described: dict[str, Any]) -> None:
        entry = next(e for e in described["distribution"] if e.get("contentUrl") == MENTIONS)
        entry["sha256"] = "0" * 64

    edit_json(release / "croissant.json", change)
    reseal(release, croissant=False)
    assert says(release) == [("V008", "croissant.json")]


def test_the_version_of_croissant_is_that_of_the_manifest(release: Path) -> None:
    edit_json(release / "croissant.json", lambda c: c.update(version="9.9.9"))
    reseal(release, croissant=False)
    assert says(release) == [("V008", "croissant.json")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("license: cc-by-4.0", "license: mit"),
        ("    default: true\n", ""),
        ("  - config_name: claims\n    ", "  - config_name: claims\n    default: true\n    "),
        ("mentions/train-*.parquet", "claims/train-*.parquet"),
    ],
    ids=["license", "no-default", "two-defaults", "files"],
)
def test_the_card_says_what_the_manifest_says(release: Path, old: str, new: str) -> None:
    replace_text(release / "README.md", old, new)
    reseal(release)
    assert says(release) == [("V008", "README.md")]


@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("ledger.parquet", b"PAR1 but not for long"),
        (MENTIONS, b""),
        ("quality/expectations.json", b"{}"),
        ("quality/expectations.json", b"[]"),
        ("quality/expectations.json", b"\xff"),
        ("quality/agreement.json", b'{"passes": 3}'),
        ("quality/agreement.json", b'"none"'),
        ("croissant.json", b"[1]"),
        ("croissant.json", b"{"),
        ("README.md", b"no front matter"),
        ("README.md", b"---\n- a\n---\n"),
        ("README.md", b"---\na: [\n---\n"),
        ("README.md", b"\xff\xfe"),
    ],
)
def test_a_part_that_cannot_be_read_is_a_finding(release: Path, file: str, data: bytes) -> None:
    (release / file).write_bytes(data)
    reseal(release, croissant=file != "croissant.json")
    assert "V009" in {code for code, _ in says(release)}


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(tables=[]),
        lambda m: m["tables"]["mentions"].pop("splits"),
        lambda m: m["tables"]["mentions"]["splits"]["train"]["files"].pop("parquet"),
        lambda m: m["tables"]["mentions"]["splits"]["train"]["files"].update(jsonl=[]),
        lambda m: m["tables"]["mentions"]["splits"]["train"]["files"].update(parquet=["gone.parquet"]),
        lambda m: m.pop("dataset"),
        lambda m: m["dataset"].pop("license"),
        lambda m: m.pop("primary"),
        lambda m: m.update(files="all"),
    ],
)
def test_a_manifest_that_lacks_something_is_a_finding(release: Path, change: Callable[[dict[str, Any]], None]) -> None:
    edit_json(release / "manifest.json", lambda m: change(m) and None)
    if isinstance(json.loads((release / "manifest.json").read_bytes())["files"], list):
        reseal(release)
    assert {"V008", "V009"} & {code for code, _ in says(release)}


def test_nothing_else_may_lie_in_a_release(release: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/more.parquet").touch()
    (release / "mentions/link").symlink_to(tmp_path / "elsewhere")
    (release / "mentions/gone.parquet").symlink_to("nowhere")
    (release / "stray/deep").mkdir(parents=True)
    (release / "stray/deep/train.parquet").touch()
    (release / "claims/train-00000-of-00001.parquet").unlink()
    (release / "claims/train-00000-of-00001.parquet").mkdir()
    assert says(release) == [
        ("V001", "claims/train-00000-of-00001.parquet"),
        ("V003", "mentions/gone.parquet"),
        ("V003", "mentions/link"),
        ("V003", "stray/deep/train.parquet"),
    ]


@pytest.fixture
def loaded(project: Path) -> Project:
    """A project as values; nothing of it is built."""
    found, _ = load_project(project)
    assert found is not None
    return found


def seal_one(project: Project, mark: str) -> Report:
    """Seal a release of one file, as a build does."""
    report = Report()
    with staging.open_staging(project, report) as folders:
        (folders.release / "part").mkdir()
        (folders.release / "part/data.txt").write_text(mark)
        entry = {"path": "part/data.txt", "size": len(mark), "sha256": hashlib.sha256(mark.encode()).hexdigest()}
        (folders.release / "manifest.json").write_text(json.dumps({"format": 1, "files": [entry]}))
        reseal(folders.release, croissant=False)
        staging.seal(project, folders, report)
    return report


def sealed_mark(project: Project) -> str:
    release = project.output / project.release_name
    assert list(verify_files(release)) == []
    return (release / "part/data.txt").read_text()


@pytest.mark.parametrize("exchanges", [True, False])
def test_the_old_release_is_somewhere_until_the_new_one_has_its_name(
    loaded: Project, monkeypatch: pytest.MonkeyPatch, *, exchanges: bool
) -> None:
    seal_one(loaded, "old")
    target, release = loaded.output / loaded.release_name, loaded.output / "new"
    shutil.copytree(target, release)
    (release / "part/data.txt").write_text("new")
    if not exchanges:
        monkeypatch.setattr(staging, "_exchange", lambda left, right: False)
    elif not staging._exchange(target, release) or not staging._exchange(target, release):
        pytest.skip("this file system has no exchange of names")
    else:
        monkeypatch.setattr(Path, "rename", lambda *paths: pytest.fail("for a moment there was no release"))
    monkeypatch.setattr(shutil, "rmtree", lambda *paths, **options: pytest.fail("a release was removed"))
    staging.take_name(release, target)
    assert (target / "part/data.txt").read_text() == "new"
    aside = release if exchanges else release.with_name(f"old-{target.name}")
    assert (aside / "part/data.txt").read_text() == "old"


KILLED = """
import os, sys
from pathlib import Path
import test_verify
from copydesk import staging
from copydesk.project import load_project
staging._exchange = lambda left, right: False
rename = Path.rename
def killed(path, target):
    if "old-" not in str(target) and Path(target).name == "tiny-0.1.0":
        os._exit(77)
    return rename(path, target)
Path.rename = killed
test_verify.seal_one(load_project(Path(sys.argv[1]))[0], "new")
"""


def test_a_kill_between_the_two_names_loses_no_release(loaded: Project) -> None:
    seal_one(loaded, "old")
    paths = os.pathsep.join([ENVIRONMENT["PYTHONPATH"], str(Path(__file__).parent)])
    command = [sys.executable, "-c", KILLED, str(loaded.root)]
    done = subprocess.run(command, env={**ENVIRONMENT, "PYTHONPATH": paths}, check=False)
    assert done.returncode == 77
    assert not (loaded.output / loaded.release_name).exists()
    report = Report()
    with staging.open_staging(loaded, report):
        assert sealed_mark(loaded) == "old"
    assert sealed_mark(loaded) == "old"
    assert [d.code for d in seal_one(loaded, "newest")] == ["R009"]
    assert sealed_mark(loaded) == "newest"


def test_a_name_that_cannot_be_taken_is_given_back(loaded: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    seal_one(loaded, "old")
    rename, tried = Path.rename, []

    def refused(path: Path, target: Path) -> Path:
        if path.name == Path(target).name == loaded.release_name and not tried:
            tried.append(path)
            raise OSError(28, "", str(path))
        return rename(path, target)

    monkeypatch.setattr(staging, "_exchange", lambda left, right: False)
    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(BuildFailed) as caught:
        seal_one(loaded, "new")
    assert tried
    assert [d.code for d in caught.value.report.errors] == ["R006"]
    assert sealed_mark(loaded) == "old"


def test_what_is_beside_the_release_is_somebodys(loaded: Project) -> None:
    here = replace(loaded, release=replace(loaded.release, output="."))
    for name in (".old-data", "old-data", ".old-tiny-0.1.0", ".staging-other"):
        (loaded.root / name).mkdir()
        (loaded.root / name / "mine").touch()
    seal_one(here, "one")
    before = content(loaded.root)
    assert {name for name in before if name.endswith("/mine")} == {
        ".old-data/mine", "old-data/mine", ".old-tiny-0.1.0/mine", ".staging-other/mine"
    }  # fmt: skip
    assert [d.code for d in seal_one(here, "two")] == ["R009"]
    changed = {name for name, data in content(loaded.root).items() if before.get(name) != data}
    assert {name.split("/")[0] for name in changed} == {"tiny-0.1.0"}
    assert content(loaded.root).keys() == before.keys()


def _file(target: Path) -> None:
    target.write_text("mine")


def _link(target: Path) -> None:
    real = target.parent.parent / "real"
    real.mkdir()
    (real / "manifest.json").write_text("{}")
    target.symlink_to(real)


def _dangling(target: Path) -> None:
    target.symlink_to("nowhere")


def _folder(target: Path) -> None:
    target.mkdir()
    (target / "thesis.txt").write_text("mine")


@pytest.mark.parametrize("make", [_file, _link, _dangling, _folder])
def test_only_a_release_is_replaced(project: Path, make: Callable[[Path], None]) -> None:
    target = project / "dist/tiny-0.1.0"
    target.parent.mkdir()
    make(target)
    (project / "data/ledger.jsonl").write_text("")
    before, kind = content(project), (target.is_symlink(), target.is_dir())
    with pytest.raises(BuildFailed) as caught:
        build(Options(root=project))
    assert [(d.code, d.message) for d in caught.value.report.errors] == [("R006", "tiny-0.1.0: File exists")]
    assert (target.is_symlink(), target.is_dir()) == kind
    assert {k: v for k, v in content(project).items() if k != "dist/.tiny.lock"} == before
    assert (project / "data/ledger.jsonl").read_bytes() == b""


def test_a_damaged_release_is_made_whole(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Path(shutil.copytree(built, tmp_path / "project"))
    release = project / "dist/tiny-0.1.0"
    before = content(release)
    monkeypatch.setattr(builder, "read_back", lambda *_: [])
    assert not build(Options(root=project)).changed
    data = bytearray(before[MENTIONS])
    data[len(data) // 3] ^= 1
    (release / MENTIONS).write_bytes(data)
    assert build(Options(root=project)).changed
    assert content(release) == before
    (release / MENTIONS).unlink()
    assert build(Options(root=project)).changed
    assert content(release) == before
