"""Sides of a difference: whatever names one gives the same tables, nothing that is there is touched, nothing stays."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from conftest import edit_json, replace_text
from copydesk import archives
from copydesk.build import Options, build
from copydesk.diagnostics import Place
from copydesk.diff.model import Side, no_place
from copydesk.scaffold import create
from copydesk.sides import fetch, open_side, with_sources

NAME, VERSION = "tiny", "0.1.0"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with its release in dist/. Tests that change it take a copy."""
    folder = tmp_path_factory.mktemp("built") / "project"
    assert create(folder, NAME) is None
    build(Options(root=folder))
    return folder


@pytest.fixture
def copied(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "copied", symlinks=True))


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """Where sides may put what they need; empty again after every test."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    yield folder
    assert list(folder.iterdir()) == []


def digests(side: Side) -> dict[str, dict[str, str]]:
    """What the rows of a side are: config -> split -> logical digest."""
    return {table.name: {split.name: split.logical_sha256 for split in table.splits} for table in side.tables}


def opened(text: str, project: Path, scratch: Path) -> dict[str, dict[str, str]]:
    with open_side(text, project, scratch) as side:
        assert isinstance(side, Side), side
        for table in side.tables:
            for split in table.splits:
                assert all((side.folder / entry.path).is_file() for entry in (*split.parquet, *split.jsonl))
        assert (side.name, side.version, side.license) == (NAME, VERSION, "CC-BY-4.0")
        assert {entry.split for entry in side.ledger.values()} == {"train"}
        return digests(side)


def refused(text: str, project: Path, scratch: Path) -> tuple[str, str]:
    """The code of the first finding, and all that is said."""
    with open_side(text, project, scratch) as side:
        assert isinstance(side, list), side
        return side[0].code, "\n".join(f"{d.place} {d.message} {' '.join(d.notes)}" for d in side)


def snapshot(folder: Path) -> dict[str, tuple[int, str]]:
    return {
        str(path.relative_to(folder)): (path.lstat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def release_of(project: Path) -> Path:
    return project / "dist" / f"{NAME}-{VERSION}"


def test_a_release_its_version_its_project_and_a_part_of_it_are_the_same_rows(built: Path, scratch: Path) -> None:
    wanted = opened(str(release_of(built)), built, scratch)
    before = snapshot(built)
    assert set(wanted) == {"articles", "mentions", "claims", "claim_pairs"}
    assert opened(VERSION, built, scratch) == wanted
    assert opened(f"v{VERSION}", built, scratch) == wanted
    assert opened(str(built), built, scratch) == wanted
    assert snapshot(built) == before


def test_what_names_a_release_has_the_digest_of_its_bytes_and_sources_have_none(built: Path, scratch: Path) -> None:
    sums = hashlib.sha256((release_of(built) / "SHA256SUMS").read_bytes()).hexdigest()
    for text, digest in ((VERSION, sums), (str(built), "")):
        with open_side(text, built, scratch) as side:
            assert isinstance(side, Side)
            assert (side.digest, side.label) == (digest, text)


def test_a_project_that_was_never_built_is_a_side(tmp_path: Path, scratch: Path) -> None:
    folder = tmp_path / "fresh"
    assert create(folder, NAME) is None
    before = snapshot(folder)
    opened(str(folder), folder, scratch)
    assert snapshot(folder) == before
    assert not (folder / "dist").exists()


def test_a_project_with_errors_is_no_side_and_its_findings_are_the_answer(copied: Path, scratch: Path) -> None:
    article = copied / "data/articles/library-1.json"
    edit_json(article, lambda value: value["mentions"][0].update(end=99_999))
    code, said = refused(str(copied), copied, scratch)
    assert code == "A103"
    assert "data/articles/library-1.json" in said


def test_a_release_with_a_changed_file_is_no_side(copied: Path, scratch: Path) -> None:
    with (release_of(copied) / "README.md").open("a") as stream:
        stream.write("more\n")
    code, said = refused(VERSION, copied, scratch)
    assert code == "V002"
    assert "README.md" in said and f"in {VERSION}" in said


# archives


def tar_of(release: Path, target: Path, top: str) -> Path:
    with tarfile.open(target, "w:gz" if target.name.endswith("gz") else "w") as archive:
        archive.add(release, arcname=top)
    return target


def zst_of(release: Path, target: Path, top: str) -> Path:
    plain = tar_of(release, target.with_suffix(""), top)
    with pa.output_stream(str(target), compression="zstd") as out:
        out.write(plain.read_bytes())
    return target


def zip_of(release: Path, target: Path, top: str) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in release.rglob("*"):
            archive.write(path, Path(top) / path.relative_to(release))
    return target


PACKERS: dict[str, Callable[[Path, Path, str], Path]] = {
    "x.tar": tar_of, "x.tar.gz": tar_of, "x.tgz": tar_of, "x.tar.zst": zst_of, "x.zip": zip_of,
}  # fmt: skip


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("top", [".", f"{NAME}-{VERSION}"])
def test_an_archive_of_a_release(name: str, top: str, built: Path, tmp_path: Path, scratch: Path) -> None:
    path = PACKERS[name](release_of(built), tmp_path / name, top)
    assert opened(str(path), built, scratch) == opened(VERSION, built, scratch)


def test_an_archive_cannot_write_outside_and_is_refused_whole(built: Path, tmp_path: Path, scratch: Path) -> None:
    path = tar_of(release_of(built), tmp_path / "x.tar", "x")
    with tarfile.open(path, "a") as archive:
        member = tarfile.TarInfo("../escaped")
        member.size = 2
        archive.addfile(member, io.BytesIO(b"no"))
    code, said = refused(str(path), built, scratch)
    assert code == "D001" and "leads out of the archive" in said
    assert not list(tmp_path.rglob("escaped"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_in_an_archive_are_refused(kind: bytes, built: Path, tmp_path: Path, scratch: Path) -> None:
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("manifest.json")
        member.type, member.linkname = kind, str(release_of(built) / "manifest.json")
        archive.addfile(member)
    code, said = refused(str(path), built, scratch)
    assert code == "D001" and "is a link" in said


def test_an_archive_that_expands_past_its_limit(
    built: Path, tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zip_of(release_of(built), tmp_path / "x.zip", "x")
    monkeypatch.setattr(archives, "LEAST_LIMIT", 1000)
    monkeypatch.setattr(archives, "RATIO", 0)
    code, said = refused(str(path), built, scratch)
    assert code == "D001" and "expands past" in said


def test_archives_that_hold_no_release_or_two(built: Path, tmp_path: Path, scratch: Path) -> None:
    path = tmp_path / "two.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(release_of(built), arcname="a")
        archive.add(release_of(built), arcname="b")
    assert "more than one release" in refused(str(path), built, scratch)[1]
    with tarfile.open(path, "w") as archive:
        archive.add(built / "data", arcname="data")
    assert "no release is in" in refused(str(path), built, scratch)[1]
    path.write_bytes(b"not a tar at all")
    assert refused(str(path), built, scratch)[0] == "D001"


def test_a_member_below_a_member_is_a_finding(built: Path, tmp_path: Path, scratch: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "1")
        archive.writestr("a/b", "2")
    code, said = refused(str(path), built, scratch)
    assert code == "D001" and "cannot be unpacked" in said


# git


def git(folder: Path, *arguments: str) -> str:
    names = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *names, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "-A", ".")
    git(folder, "commit", "-q", "-m", message)


LABEL = "/mentions/0/label"


@pytest.fixture
def repository(copied: Path) -> Path:
    """The project in a repository: v1 is as it was built, in the commit after it a mention has another label."""
    git(copied, "init", "-q", "-b", "main")
    commit(copied, "one")
    git(copied, "tag", "v1")
    relabel(copied)
    commit(copied, "two")
    return copied


def relabel(project: Path) -> None:
    article = project / "data/articles/library-1.json"
    edit_json(article, lambda value: value["mentions"][0].update(label="TIME"))


def test_a_revision_is_the_project_as_it_was_whatever_the_work_tree_is(repository: Path, scratch: Path) -> None:
    before = opened(VERSION, repository, scratch)
    (repository / "dataset.toml").write_text("no project any more [")
    (repository / "new.txt").write_text("staged")
    git(repository, "add", "new.txt")
    state = (git(repository, "status", "--porcelain"), git(repository, "rev-parse", "HEAD"), snapshot(repository))
    assert opened("v1", repository, scratch) == before
    assert opened("HEAD~1", repository, scratch) == before
    after = opened("HEAD", repository, scratch)
    assert after["mentions"] != before["mentions"]
    assert after["claims"] == before["claims"]
    assert opened("git:main", repository, scratch) == after
    assert snapshot(repository) == state[2]  # before git looks, which touches its index
    assert (git(repository, "status", "--porcelain"), git(repository, "rev-parse", "HEAD")) == state[:2]


def test_a_revision_whose_name_a_path_has_too(repository: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    Path("main").mkdir()
    code, said = refused("main", repository, scratch)
    assert code == "D001" and "git:main" in said
    opened("git:main", repository, scratch)


def test_a_version_whose_release_is_not_here_is_read_from_its_tag(repository: Path, scratch: Path) -> None:
    git(repository, "tag", f"v{VERSION}", "HEAD")
    wanted = opened("HEAD", repository, scratch)
    assert opened(VERSION, repository, scratch) != wanted  # the release
    assert opened(f"v{VERSION}", repository, scratch) == wanted  # the tag
    shutil.rmtree(repository / "dist")
    assert opened(VERSION, repository, scratch) == wanted
    with open_side(VERSION, repository, scratch) as side:
        assert isinstance(side, Side)
        assert side.label == f"{VERSION} (git: v{VERSION})"  # the reader must see that it is no release


def test_a_project_in_a_part_of_the_repository_with_links(built: Path, tmp_path: Path, scratch: Path) -> None:
    top = tmp_path / "monorepo"
    project = top / "sets" / "tiny one"
    shutil.copytree(built, project, ignore=shutil.ignore_patterns("dist"))
    (top / "shared").mkdir()
    inside, outside = project / "data/articles/library-1.json", project / "data/articles/library-2.json"
    inside.rename(project / "one.json")
    inside.symlink_to("../../one.json")
    outside.rename(top / "shared/two.json")
    outside.symlink_to("../../../../shared/two.json")
    (top / ".gitattributes").write_text("*.json export-ignore\n")  # an archive would lose the articles
    git(top, "init", "-q")
    commit(top, "one")
    assert opened("HEAD", project, scratch) == opened(VERSION, built, scratch)


def test_a_hook_s_environment_does_not_lead_to_another_repository(
    repository: Path, tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    opened("v1", repository, scratch)
    assert not (tmp_path / "index").exists()


@pytest.mark.parametrize("text", ["v2", "HEAD~9", "--output=x", "", "a..b", "git:", "HEAD:data", "1.2.3", "no/such"])
def test_what_is_no_side_is_told_with_what_was_tried(text: str, repository: Path, scratch: Path) -> None:
    code, said = refused(text, repository, scratch)
    assert code == "D001"
    if text == "1.2.3":
        assert f"{NAME}-1.2.3" in said and "knows no revision v1.2.3" in said
    if text == "v2":
        assert "there is no file or folder v2" in said and "knows no revision v2" in said


def test_a_revision_from_before_the_project(repository: Path, tmp_path: Path, scratch: Path) -> None:
    empty = git(repository, "commit-tree", "-m", "empty", git(repository, "mktree", "--missing"))
    code, said = refused(empty, repository, scratch)
    assert code == "D001" and "dataset.toml" in said
    code, said = refused("HEAD", tmp_path, scratch)
    assert code == "D001" and "not a git repository" in said


# addresses


Answer = tuple[int, dict[str, str], bytes]


@contextlib.contextmanager
def server(answers: dict[str, Answer]) -> Iterator[str]:
    """A server on this machine with these answers; stopped at the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answers[self.path.partition("?")[0]]
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                if value:  # empty: a server that does not say it
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_address[1]}"
    finally:
        running.shutdown()
        running.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def without_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [key for key in os.environ if key.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


def test_the_address_of_a_release(built: Path, tmp_path: Path, scratch: Path) -> None:
    packed = tar_of(release_of(built), tmp_path / "x.tar.gz", "x").read_bytes()
    answers: dict[str, Answer] = {
        "/x.tar.gz": (200, {}, packed),
        "/assets/17": (200, {}, packed),  # known by its first bytes
        "/moved": (302, {"Location": "/x.tar.gz"}, b""),
    }
    wanted = opened(VERSION, built, scratch)
    with server(answers) as address:
        for path in answers:
            assert opened(f"{address}{path}", built, scratch) == wanted, path
        with open_side(f"{address}/x.tar.gz?token=secret", built, scratch) as side:
            assert isinstance(side, Side)
            assert side.label == f"{address}/x.tar.gz"  # a token in an address is nobody's business


def test_addresses_that_give_no_release(
    built: Path, tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = tar_of(release_of(built), tmp_path / "x.tar", "x").read_bytes()
    secret = tmp_path / "secret.tar"
    secret.write_bytes(packed)
    answers: dict[str, Answer] = {
        "/missing.tar": (404, {}, b"no"),
        "/page": (200, {}, b"<html>sign in</html>"),
        "/short.tar": (200, {"Content-Length": str(len(packed) + 5)}, packed),
        "/away.tar": (302, {"Location": secret.as_uri()}, b""),
        "/loop.tar": (302, {"Location": "/loop.tar"}, b""),
        "/large.tar": (200, {}, packed),
        "/endless.tar": (200, {"Content-Length": ""}, packed),
    }
    says = {
        "/missing.tar": "404", "/page": "no archive", "/short.tar": "bytes", "/away.tar": "302", "/loop.tar": "302",
    }  # fmt: skip
    with server(answers) as address:
        for path, words in says.items():
            code, said = refused(f"{address}{path}", built, scratch)
            assert code == "D001" and words in said, (path, said)
        monkeypatch.setattr(fetch, "MAX_DOWNLOAD", 1000)
        for name in ("large", "endless"):
            assert "longer than 1,000" in refused(f"{address}/{name}.tar", built, scratch)[1]
    assert "cannot be fetched" in refused(f"{address}/gone.tar?token=secret", built, scratch)[1]
    assert "secret" not in refused(f"{address}/gone.tar?token=secret", built, scratch)[1]
    assert "only http" in refused("ftp://example.org/x.tar", built, scratch)[1]
    assert refused("http://[/x.tar", built, scratch)[0] == "D001"


# places


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def scalars(value: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    """Every value of a record that holds no others, with its pointer."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inner is None:
        yield pointer, value
    for key, child in inner or ():
        yield from scalars(child, f"{pointer}/{key}")


def test_places_are_those_of_the_annotator_s_own_file(built: Path, scratch: Path) -> None:
    with open_side(str(built), built, scratch) as side:
        assert isinstance(side, Side)
        for name in ("library-1", "library-2"):
            file = f"data/articles/{name}.json"
            found = list(scalars(json.loads((built / file).read_text()), ""))
            assert len(found) > 20
            for pointer, value in found:
                place = side.where("article", name, pointer)
                assert place is not None and (place.file, place.pointer) == (file, pointer)
                rest = lines(built / file)[(place.line or 0) - 1][(place.column or 0) - 1 :]
                assert rest.startswith(json.dumps(value, ensure_ascii=False)), pointer
        assert side.where("article", "nobody", "") is None
        assert side.where("nothing", "library-1", "") is None
        whole = side.where("article", "library-1", "")
        assert whole is not None and (whole.file, whole.line) == ("data/articles/library-1.json", 1)


def test_places_in_files_of_one_record_a_line(copied: Path, scratch: Path) -> None:
    folder = copied / "data/articles"
    records = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    (folder / "all.jsonl").write_text("\n\n".join(json.dumps(record) for record in records) + "\n")
    for path in folder.glob("*.json"):
        path.unlink()
    replace_text(copied / "dataset.toml", "data/articles/*.json", "data/articles/*.jsonl")
    with open_side(str(copied), copied, scratch) as side:
        assert isinstance(side, Side)
        for number, record in enumerate(records):
            place = side.where("article", record["id"], LABEL)
            assert place is not None and (place.file, place.line) == ("data/articles/all.jsonl", 1 + 2 * number)
            line = lines(folder / "all.jsonl")[2 * number]
            assert line[(place.column or 0) - 1 :].startswith(json.dumps(record["mentions"][0]["label"]))


def test_places_pass_over_annotations_that_the_project_leaves_out(copied: Path, scratch: Path) -> None:
    article = copied / "data/articles/library-1.json"
    edit_json(article, lambda value: value["mentions"].insert(0, {**value["mentions"][0], "id": "bad", "end": 9999}))
    with (copied / "dataset.toml").open("a") as stream:
        stream.write('\n[checks]\non_error = "exclude-annotations"\n')
    records = json.loads(article.read_text())["mentions"]
    with open_side(str(copied), copied, scratch) as side:
        assert isinstance(side, Side), side
        place = side.where("article", "library-1", "/mentions/0/id")  # the first that is released
        assert place is not None and f'"{records[1]["id"]}"' in lines(article)[(place.line or 0) - 1]


def test_places_in_another_tool_s_files_are_the_annotation_s_line(tmp_path: Path, scratch: Path) -> None:
    from copydesk.cli import main

    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "a1.txt").write_text("Ada lives in Mill Street.\n")
    (corpus / "a1.ann").write_text("T1\tPERSON 0 3\tAda\nT2\tPLACE 13 24\tMill Street\n")
    for name in ("plain", "zipped"):
        origin = corpus
        if name == "zipped":
            origin = tmp_path / "corpus.zip"
            with zipfile.ZipFile(origin, "w") as archive:
                for path in corpus.iterdir():
                    archive.write(path, path.name)
        project = tmp_path / name
        assert main(["init", str(project), "--from", str(origin)]) == 0
        with open_side(str(project), project, scratch) as side:
            assert isinstance(side, Side), side
            identifier = next(iter(side.ledger))
            place = side.where("article", identifier, "/mentions/1/label")
            assert place is not None and place.file.endswith("a1.ann") and place.line == 2, place


def test_a_release_gets_places_in_the_work_tree_of_its_project_alone(
    copied: Path, tmp_path: Path, scratch: Path
) -> None:
    with open_side(VERSION, copied, scratch) as side:
        assert isinstance(side, Side) and side.where is no_place
        work = tmp_path / "work"
        work.mkdir()
        place = with_sources(side, copied, work).where("article", "library-2", LABEL)
        assert isinstance(place, Place) and place.file == "data/articles/library-2.json" and (place.line or 0) > 1
        assert with_sources(side, tmp_path, work).where is no_place  # no project
        replace_text(copied / "dataset.toml", f'name = "{NAME}"', 'name = "other"')
        assert with_sources(side, copied, work).where is no_place  # of another dataset


def test_a_work_tree_that_cannot_be_staged_gives_no_places(copied: Path, tmp_path: Path, scratch: Path) -> None:
    shutil.rmtree(copied / "data/articles")
    with open_side(VERSION, copied, scratch) as side:
        assert isinstance(side, Side)
        work = tmp_path / "work"
        work.mkdir()
        located = with_sources(side, copied, work)
        assert located.where is not no_place
        assert located.where("article", "library-2", LABEL) is None


def test_a_side_goes_away_when_its_user_fails(built: Path, scratch: Path) -> None:
    with pytest.raises(RuntimeError), open_side(str(built), built, scratch):
        assert list(scratch.iterdir())
        raise RuntimeError


def test_the_order_of_files_and_blocks_is_no_part_of_a_side(copied: Path, scratch: Path) -> None:
    wanted = opened(str(copied), copied, scratch)
    folder = copied / "data/articles"
    for number, path in enumerate(sorted(folder.glob("*.json"), reverse=True)):
        path.rename(folder / f"{number}.json")
    assert opened(str(copied), copied, scratch) == wanted
