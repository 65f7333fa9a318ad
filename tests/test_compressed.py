"""Compressed JSON lines: the same release as plain ones, places in their text, and nothing of a damaged file."""

from __future__ import annotations

import bz2
import gc
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
from cases import ONE, TWO, without_links
from test_archives import zstd
from test_build import content

from conftest import replace_text
from copydesk import archives
from copydesk.build import Options, build, check
from copydesk.diagnostics import Report, Severity
from copydesk.scaffold import create
from copydesk.sources import in_lines

WAYS: dict[str, Callable[[bytes], bytes]] = {
    "jsonl.gz": lambda data: gzip.compress(data, mtime=0),
    "ndjson.gz": lambda data: b"".join(gzip.compress(data[at : at + 700], mtime=0) for at in range(0, len(data), 700)),
    "jsonl.zst": zstd,
    "ndjson.zst": lambda data: zstd(data[:900]) + zstd(data[900:]),
    "jsonl.bz2": bz2.compress,
    "ndjson.xz": lzma.compress,
}
"""How lines are compressed; streams may be of several members, as parallel compressors and `cat` write them."""


def in_one_file(project: Path, name: str, pack: Callable[[bytes], bytes], *more: str) -> Path:
    """The articles of a project as the lines of one file; returns its path."""
    records = [json.loads((project / file).read_bytes()) for file in (ONE, TWO)]
    lines = [json.dumps(record, ensure_ascii=False) for record in records] + list(more)
    for file in (ONE, TWO):
        (project / file).unlink()
    path = project / "data" / "articles" / name
    path.write_bytes(pack("".join(f"{line}\n" for line in lines).encode()))
    replace_text(project / "dataset.toml", "data/articles/*.json", f"data/articles/{name}")
    return path


def errors(report: Report) -> list[tuple[str, str, int | None]]:
    return [(d.code, d.place.file, d.place.line) for d in report if d.severity is Severity.ERROR]


@pytest.mark.parametrize("way", WAYS)
def test_places_are_lines_of_the_text_of_the_compressed_file(project: Path, way: str) -> None:
    broken = json.dumps({"id": "third", "text": "x", "mentions": [], "claims": [], "more": 1})
    in_one_file(project, f"all.{way}", WAYS[way], "", broken, "{")
    report = check(Options(root=project))
    assert errors(report) == [
        ("A002", f"data/articles/all.{way}", 4),
        ("S003", f"data/articles/all.{way}", 5),
    ]


@pytest.mark.parametrize("way", ["jsonl.gz", "jsonl.zst"])
def test_the_way_that_lines_are_compressed_changes_no_data(project: Path, tmp_path: Path, way: str) -> None:
    plain = tmp_path / "plain"
    assert create(plain, "tiny") is None
    in_one_file(plain, "all.jsonl", bytes)
    in_one_file(project, f"all.{way}", WAYS[way])
    wanted, got = content(build(Options(root=plain)).folder), content(build(Options(root=project)).folder)
    assert {n: d for n, d in got.items() if n.endswith(".parquet")} == {
        n: d for n, d in wanted.items() if n.endswith(".parquet")
    }


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("left", [0, 1, 0.5, -1])
def test_of_a_file_cut_short_nothing_is_taken(project: Path, way: str, left: float) -> None:
    without_links(project)
    path = in_one_file(project, f"all.{way}", WAYS[way])
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * left) if isinstance(left, float) else left])
    report = check(Options(root=project))
    assert errors(report) == [("S010", f"data/articles/all.{way}", None)]


def test_what_only_all_records_show_has_its_line_too(project: Path) -> None:
    """Such places are found again after the file was read."""
    path = project / "data" / "links" / "all.jsonl.zst"
    [link] = (project / "data" / "links").glob("*.json")
    record = json.loads(link.read_bytes())
    link.unlink()
    path.write_bytes(zstd(b"\n" + json.dumps(record | {"derived": "gone"}).encode()))
    replace_text(project / "dataset.toml", "data/links/*.json", "data/links/*.zst")
    [found] = [d for d in check(Options(root=project)) if d.severity is Severity.ERROR]
    assert (found.code, found.place.file, found.place.line) == ("B002", "data/links/all.jsonl.zst", 2)


def test_what_expands_without_end_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "LEAST_LIMIT", 1000)
    monkeypatch.setattr(archives, "RATIO", 1)
    in_one_file(project, "all.jsonl.gz", WAYS["jsonl.gz"], *[" " * 100_000])
    report = check(Options(root=project))
    assert [code for code, *_ in errors(report)] == ["I010"]


def test_names_say_whether_a_file_is_of_lines() -> None:
    assert all(in_lines(f"a.{way}") for way in WAYS)
    assert not any(in_lines(name) for name in ("a.json.gz", "a.jsonl.tar.gz", "a.jsonl.zip", "a.gz", "jsonl.gz"))


def test_the_garbage_collector_is_left_as_it_was(project: Path) -> None:
    """It is off while a block is staged; the program that calls the build goes on with its own setting."""
    assert gc.isenabled()
    check(Options(root=project, workers=1))
    assert gc.isenabled()
