"""Archives are read as folders, and never write where they say: safe against names, links and bombs."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import signal
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from cases_formats import GOOD, HERE, TEXT, export
from test_build import ENVIRONMENT, content
from test_intake import without_claims

from conftest import replace_text
from copydesk import archives
from copydesk.archives import unpack
from copydesk.build import Options, build, check
from copydesk.release.verify import verify

FILES = {"a1.txt": TEXT.encode(), "a1.ann": GOOD.encode()}


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zstd(data: bytes) -> bytes:
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as stream:
        stream.write(data)
    return out.getvalue().to_pybytes()


WAYS: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "a.zip": zipped,
    "a.tar": tarred,
    "a.tar.gz": lambda files: tarred(files, "w:gz"),
    "a.tgz": lambda files: tarred(files, "w:gz"),
    "a.tar.bz2": lambda files: tarred(files, "w:bz2"),
    "a.tar.xz": lambda files: tarred(files, "w:xz"),
    "a.tar.zst": lambda files: zstd(tarred(files)),
}


@pytest.mark.parametrize("name", WAYS)
def test_an_archive_is_read_as_the_folder_in_it(name: str, project: Path) -> None:
    export("brat", {name: WAYS[name](FILES)})(project)
    replace_text(project / "dataset.toml", f'"{HERE}"', f'"{HERE}/{name}"')
    assert {d.code for d in check(Options(root=project))} == {"R002"}
    damaged = {**FILES, "a1.ann": b"T1\tPERSON 0\n"}
    (project / HERE / name).write_bytes(WAYS[name](damaged))
    found = [d for d in check(Options(root=project)) if d.code == "I002"]
    assert [(d.place.file, d.place.line) for d in found] == [(f"{HERE}/{name}/a1.ann", 1)]


@pytest.mark.parametrize(
    ("suffix", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress), ("zst", zstd)]
)
def test_a_compressed_file_is_the_file(suffix: str, pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / f"a.jsonl.{suffix}"
    path.write_bytes(pack(b'{"id": 1}\n'))
    members, found = unpack(path, path.name, tmp_path / "out")
    assert [(m.name, m.path.read_bytes()) for m in members] == [("a.jsonl", b'{"id": 1}\n')]
    assert found == []


@pytest.mark.parametrize("name", ["../up.txt", "/etc/up.txt", "a/../../up.txt", "C:\\up.txt", "..\\up.txt", "a\0b"])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_names_that_lead_out_are_refused_and_the_rest_is_read(
    pack: Callable[[dict[str, bytes]], bytes], name: str, tmp_path: Path
) -> None:
    if "\0" in name:
        pytest.skip("neither format can hold it") if pack is tarred else None
        name = "a:b/c"
    path = tmp_path / f"a.{'zip' if pack is zipped else 'tar'}"
    path.write_bytes(pack({name: b"x", "good.txt": b"y"}))
    members, found = unpack(path, path.name, tmp_path / "out")
    assert [m.name for m in members] == ["good.txt"]
    assert [d.code for d in found] == ["I010"]
    assert sorted(p.relative_to(tmp_path).parts[0] for p in tmp_path.rglob("*")) == sorted([path.name, "out", "out"])


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name, kind in (("l", tarfile.SYMTYPE), ("h", tarfile.LNKTYPE), ("d", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    assert [d.code for d in unpack(path, "a.tar", tmp_path / "out")[1]] == ["I010"] * 3
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive2:
        link = zipfile.ZipInfo("l")
        link.external_attr = 0o120777 << 16
        archive2.writestr(link, "/etc/passwd")
    members, found = unpack(path, "a.zip", tmp_path / "out2")
    assert (members, [d.code for d in found]) == ([], ["I010"])


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.tar.gz", "bomb.gz"])
def test_a_bomb_stops_at_the_limit(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "LEAST_LIMIT", 2**21)
    zeros = bytes(2**24)
    path = tmp_path / name
    path.write_bytes(gzip.compress(zeros) if name == "bomb.gz" else WAYS[f"a.{name.partition('.')[2]}"]({"z": zeros}))
    members, found = unpack(path, name, tmp_path / "out")
    assert members == []
    assert [d.code for d in found] == ["I010"]
    written = sum(p.stat().st_size for p in (tmp_path / "out").iterdir())
    assert written <= max(2**21, archives.RATIO * path.stat().st_size) < len(zeros)


@pytest.mark.parametrize("name", WAYS)
def test_a_damaged_archive_is_a_finding(name: str, tmp_path: Path) -> None:
    whole = WAYS[name]({"a.txt": bytes(range(256)) * 64, "b.txt": b"b" * 4000})
    for damaged in (b"", b"no archive at all", whole[: len(whole) // 2], whole[:20] + b"\xff" * 40 + whole[60:]):
        path = tmp_path / name
        path.write_bytes(damaged)
        folder = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        members, found = unpack(path, name, folder)
        assert found or [m.name for m in members] == ["a.txt", "b.txt"] or damaged == b""
        assert all(d.code == "I010" for d in found)


def test_what_systems_leave_in_archives_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"__MACOSX/._a.txt": b"", ".DS_Store": b"", "a.txt": b"a"}))
    members, found = unpack(path, "a.zip", tmp_path / "out")
    assert [m.name for m in members] == ["a.txt"]
    assert found == []


def test_archives_in_archives_are_folders_in_folders(tmp_path: Path) -> None:
    deepest = zipped({"deep.txt": b"deep"})
    inner = zipped(
        {"a.xmi": b"x", "more.tar": tarred({"b.txt": b"y", "last.zip": deepest}), "t.xml.gz": gzip.compress(b"z")}
    )
    path = tmp_path / "project.zip"
    path.write_bytes(zipped({"annotation/doc.txt/ada.zip": inner, "annotation/doc.txt/bob.zip": b"no archive"}))
    members, found = unpack(path, path.name, tmp_path / "out")
    here = "annotation/doc.txt/ada.zip"
    assert {m.name: m.path.read_bytes() for m in members} == {
        f"{here}/a.xmi": b"x",
        f"{here}/more.tar/b.txt": b"y",
        f"{here}/more.tar/last.zip": deepest,
        f"{here}/t.xml.gz/t.xml": b"z",
    }
    assert [(d.code, d.place.file) for d in found] == [("I010", "project.zip/annotation/doc.txt/bob.zip")]


def test_a_bomb_in_an_archive_counts_for_the_outer_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "LEAST_LIMIT", 2**21)
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"one.zip": zipped({"z": bytes(2**20)}), "two.zip": zipped({"z": bytes(2**21)})}))
    members, found = unpack(path, "a.zip", tmp_path / "out")
    assert [m.name for m in members] == ["one.zip/z"]
    assert [(d.code, d.place.file) for d in found] == [("I010", "a.zip/two.zip")]


def test_names_that_are_no_unicode_are_names(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for name in ("\udcff.txt", "x" * 3000 + "/y.txt"):
            archive.addfile(tarfile.TarInfo(name))
    members, found = unpack(path, "a.tar", tmp_path / "out")
    assert [m.name for m in members] == ["x" * 3000 + "/y.txt", "\udcff.txt"]
    assert found == []


def test_no_more_members_than_so_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    for number in (3, 4):
        path = tmp_path / f"{number}.zip"
        path.write_bytes(zipped({f"{n}.txt": b"" for n in range(number)}))
        members, found = unpack(path, path.name, tmp_path / f"out{number}")
        assert (len(members), [d.code for d in found]) == ((3, []) if number == 3 else (0, ["I010"]))


STOPPER = """
import os, signal, sys
def hook(event, arguments):
    if event == "open" and "unpacked" in str(arguments[0]) and str(arguments[0]).endswith("0000001"):
        os.kill(os.getpid(), getattr(signal, sys.argv[1]))
sys.addaudithook(hook)
from copydesk.cli import main
sys.exit(main([*sys.argv[3:], sys.argv[2]]))
"""


@pytest.mark.parametrize(("number", "command"), [("SIGTERM", "check"), ("SIGTERM", "build"), ("SIGKILL", "build")])
def test_a_stop_in_the_middle_of_unpacking_leaves_nothing_and_the_next_build_succeeds(
    number: str, command: str, project: Path, tmp_path: Path
) -> None:
    export("brat", {"a.zip": zipped(FILES)})(project)
    replace_text(project / "dataset.toml", f'"{HERE}"', f'"{HERE}/a.zip"')
    without_claims(project)
    before = content(project)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**ENVIRONMENT, "TMPDIR": str(temporary)}
    words = [sys.executable, "-c", STOPPER, number, str(project), command, "--project"]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == (130 if number == "SIGTERM" else -signal.SIGKILL), done.stderr
    assert list(temporary.iterdir()) == []
    left = {path: data for path, data in content(project).items() if not path.startswith("dist/.")}
    assert left == before
    if command == "build":
        folder = build(Options(root=project)).folder
        assert verify(folder)[1] == []
        assert sorted(path.name for path in folder.parent.iterdir()) == [".cache-tiny", ".tiny.lock", "tiny-0.1.0"]
