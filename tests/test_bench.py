"""The corpus of the benchmarks: the same bytes for a seed, the shape it says, and defects that a check finds."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import orjson
import pytest

from conftest import ROOT

sys.path.insert(0, str(ROOT / "bench"))

from corpus import Corpus, create_project, write_jsonl
from defects import KINDS, LINES, NAMELESS, RECORDS, TWIN

from copydesk.build import Options, build, check, grouped

COUNT = 1_200


@pytest.fixture(scope="module")
def news(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of the benchmark's articles."""
    folder = tmp_path_factory.mktemp("bench") / "news"
    create_project(folder, COUNT, suites=False)
    return folder


def articles(folder: Path) -> list[dict]:
    with (folder / "data" / "news" / "news-000.jsonl").open("rb") as lines:
        return [orjson.loads(line) for line in lines]


def test_the_same_seed_gives_the_same_bytes_in_any_number_of_processes(tmp_path: Path) -> None:
    digests = set()
    for name, workers in (("one", 1), ("two", 2)):
        write_jsonl(tmp_path / name, 4_200, Corpus(7, defects=0.02), workers=workers)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1
    other, _ = next(Corpus(8).lines(5, 6))
    assert next(Corpus(7).lines(5, 6))[0] != other


def test_any_range_of_articles_is_made_alone() -> None:
    whole = [line for line, _ in Corpus(3).lines(0, 300)]
    assert [line for line, _ in Corpus(3).lines(200, 300)] == whole[200:]


def test_a_longer_corpus_begins_as_a_shorter_one(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "short", 50, Corpus(3))
    write_jsonl(tmp_path / "long", 90, Corpus(3))
    assert (tmp_path / "long").read_bytes().startswith((tmp_path / "short").read_bytes())


def test_articles_have_the_shape_that_the_benchmarks_speak_of(news: Path) -> None:
    found = articles(news)
    means = {name: sum(len(a[name]) for a in found) / len(found) for name in ("text", "mentions", "quotes", "claims")}
    size = (news / "data" / "news" / "news-000.jsonl").stat().st_size / len(found)
    assert 11_400 < size < 12_600
    assert 3_200 < means["text"] < 3_600
    assert 32 < means["mentions"] < 36 and 5.5 < means["quotes"] < 7 and 12 < means["claims"] < 15.5
    wide = sum(any(ord(character) > 0xFFFF for character in a["text"]) for a in found) / len(found)
    assert 0.03 < wide < 0.09
    assert all(a["text"][q["start"]] in "“" or q["form"] == "mixed" for a in found for q in a["quotes"])


def test_the_corpus_has_no_findings_and_builds(news: Path) -> None:
    assert not check(Options(root=news)).errors
    outcome = build(Options(root=news))
    assert [t.name for t in outcome.tables] == ["articles", "mentions", "quotes", "claims", "relations"]
    assert sum(split.rows for split in outcome.tables[0].splits) == COUNT


def test_planted_copies_are_grouped_with_their_sources(news: Path, tmp_path: Path) -> None:
    from copydesk.diagnostics import Report

    groups = grouped(Options(root=news), tmp_path, Report()).groups
    group_of = {i: number for number, group in enumerate(groups) for i in group["articles"]}
    pairs = Corpus(1).planted_pairs(COUNT)
    together = {True: 0, False: 0}
    for one, two, kind in pairs:
        if kind in {"resent", "exact"}:
            assert group_of[one] == group_of[two]
        together[group_of.get(one) == group_of.get(two) is not None] += 1
    assert together[True] > 0.8 * len(pairs)
    assert 0.05 < len({i for pair in pairs for i in pair[:2]}) / COUNT < 0.12


@pytest.mark.parametrize("kinds", [KINDS, tuple(kind for kind in RECORDS)], ids=["all", "with-links"])
def test_a_check_finds_what_is_planted_and_nothing_else(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    planted = create_project(tmp_path / "news", 600, defects=0.2, kinds=kinds, suites=False)
    assert {p.kind for p in planted} == set(kinds)
    report = check(Options(root=tmp_path / "news"))
    found = {
        (d.place.line, d.code, d.place.record, d.place.pointer)
        for d in report.diagnostics
        if d.place.file.endswith(".jsonl")
    }
    assert found == {(p.line, p.code, p.id, p.pointer) for p in planted}


def test_the_kinds_of_defects_are_told_apart() -> None:
    assert set(KINDS) | {"link-dangling"} == set(RECORDS) | set(LINES) | {TWIN}
    assert set(LINES) > NAMELESS
