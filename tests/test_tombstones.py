"""Withdrawn articles and yanked versions: what the files may hold, and that saying it twice changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.diagnostics import Place
from copydesk.tombstones import (
    REASONS,
    Tombstone,
    Yank,
    add_tombstone,
    add_yank,
    dump_tombstones,
    dump_yanked,
    quotes,
    read_tombstones,
    read_yanked,
    still_there,
)

VERSIONS = st.tuples(*[st.integers(0, 12)] * 3).map(lambda parts: ".".join(map(str, parts)))
DATES = st.dates().map(lambda day: day.isoformat())
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TOMBSTONES = st.builds(
    Tombstone,
    id=TEXT,
    kind=st.sampled_from(["article", "link"]),
    reason=st.sampled_from(REASONS),
    date=DATES,
    releases=st.lists(VERSIONS, max_size=4).map(tuple),
    note=TEXT,
)
LINE = '{"id":"a","kind":"article","reason":"takedown","date":"2026-01-31","releases":["1.0.0"]}'


def written(folder: Path, data: bytes | str) -> Path:
    path = folder / "file.jsonl"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@given(st.lists(TOMBSTONES, max_size=6), st.randoms())
def test_tombstones_survive_their_file(
    tmp_path_factory: pytest.TempPathFactory, made: list[Tombstone], dice: object
) -> None:
    added: dict[tuple[str, str], Tombstone] = {}
    for tombstone in made:
        added = add_tombstone(added, tombstone)
    data = dump_tombstones(added)
    path = written(tmp_path_factory.mktemp("tombstones"), data)
    assert read_tombstones(path, "t", "article") == (added, [])
    keys = list(added)
    dice.shuffle(keys)
    assert dump_tombstones({key: added[key] for key in keys}) == data


@given(TOMBSTONES, TOMBSTONES)
def test_to_withdraw_twice_is_to_withdraw_once(one: Tombstone, other: Tombstone) -> None:
    once = add_tombstone(add_tombstone({}, other), one)
    assert add_tombstone(once, one) == once


def test_a_second_tombstone_adds_what_is_known_and_keeps_the_date() -> None:
    first = Tombstone(id="a", kind="article", reason="error", date="2026-01-01", releases=("1.10.0", "1.2.0"), note="n")
    again = Tombstone(id="a", kind="article", reason="rights", date="2026-03-01", releases=("1.2.0", "2.0.0"))
    kept = add_tombstone(add_tombstone({}, first), again)["article", "a"]
    assert (kept.reason, kept.date, kept.note) == ("rights", "2026-01-01", "n")
    assert kept.releases == ("1.2.0", "1.10.0", "2.0.0")


def test_the_kind_is_the_first_one_unless_said(tmp_path: Path) -> None:
    path = written(
        tmp_path, LINE.replace('"kind":"article",', "") + "\n\r\n" + LINE.replace("article", "link") + "\r\n"
    )
    read, found = read_tombstones(path, "t", "story")
    assert not found
    assert set(read) == {("story", "a"), ("link", "a")}


def test_there_may_be_no_file(tmp_path: Path) -> None:
    assert read_tombstones(tmp_path / "none", "t", "article") == ({}, [])
    assert read_yanked(tmp_path / "none", "t") == ({}, [])


@pytest.mark.parametrize(
    "line",
    [
        "<<<<<<< ours",
        "[]",
        "null",
        "{}",
        LINE.replace('"a"', "1"),
        LINE.replace('"releases"', '"text":"the text of the article","releases"'),
        LINE.replace("takedown", "The publisher wrote that this article"),
        LINE.replace("2026-01-31", "2026-02-31"),
        LINE.replace("2026-01-31", "20260131"),
        LINE.replace('"2026-01-31"', "20260131"),
        LINE.replace('["1.0.0"]', '"1.0.0"'),
        LINE.replace("1.0.0", "one"),
        LINE.replace('"1.0.0"', "{}"),
        LINE,
    ],
)
def test_a_line_that_is_no_tombstone_is_named_and_the_others_are_read(tmp_path: Path, line: str) -> None:
    other = LINE.replace('"a"', '"b"')
    path = written(tmp_path, f"{LINE}\n{line}\n{other}\n")
    read, found = read_tombstones(path, "data/tombstones.jsonl", "article")
    assert {identifier for _, identifier in read} == {"a", "b"}
    assert [(d.code, d.place.file, d.place.line) for d in found] == [("L015", "data/tombstones.jsonl", 2)]


@pytest.mark.parametrize(
    "line",
    ["{", "1", '{"version":"1.0.0"}', '{"version":"1.0","reason":"r","date":"2026-01-01"}',
     '{"version":"1.0.0","reason":"r","date":"soon"}', '{"version":1,"reason":"r","date":"2026-01-01"}',
     '{"version":"9999999999.0.0","reason":"r","date":"2026-01-01"}'],
)  # fmt: skip
def test_a_line_that_is_no_yanked_version_is_named(tmp_path: Path, line: str) -> None:
    read, found = read_yanked(written(tmp_path, f"\n{line}\n"), "data/yanked.jsonl")
    assert read == {}
    assert [(d.code, d.place.line) for d in found] == [("L015", 2)]


@given(st.dictionaries(VERSIONS, st.tuples(TEXT, DATES), max_size=5))
def test_yanked_versions_survive_their_file(
    tmp_path_factory: pytest.TempPathFactory, made: dict[str, tuple[str, str]]
) -> None:
    yanked: dict[str, Yank] = {}
    for version, (reason, date) in made.items():
        yanked = add_yank(yanked, Yank(version=version, reason=reason, date=date))
    path = written(tmp_path_factory.mktemp("yanked"), dump_yanked(yanked))
    assert read_yanked(path, "y") == (yanked, [])
    assert dump_yanked(dict(reversed(yanked.items()))) == path.read_bytes()


def test_yanked_versions_stand_in_the_order_of_versions() -> None:
    yanked = {v: Yank(version=v, reason="r", date="2026-01-01") for v in ("1.10.0", "1.9.0")}
    assert dump_yanked(yanked).index(b"1.9.0") < dump_yanked(yanked).index(b"1.10.0")
    later = add_yank(yanked, Yank(version="1.9.0", reason="s", date="2026-02-01"))
    assert later["1.9.0"] == Yank(version="1.9.0", reason="s", date="2026-01-01")


def test_withdrawn_articles_that_are_still_there_are_left_out_and_told() -> None:
    stone = Tombstone(id="a", kind="article", reason="privacy", date="2026-01-01", releases=("1.0.0", "1.1.0"))
    stones = add_tombstone({}, stone)
    places = {i: Place(file=f"data/{i}.json", line=1) for i in "ab"}
    ids, found = still_there(stones, "article", places)
    assert ids == {"a"}
    assert [(d.code, d.place.file) for d in found] == [("L013", "data/a.json")]
    assert "privacy" in found[0].message
    assert found[0].notes == ("releases that hold it: 1.0.0, 1.1.0",)
    assert still_there(stones, "link", places) == (frozenset(), [])


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("The family asked for it.", ""),
        ("It says: a man was seen near the mill", "a man was seen"),
        ("A MAN — was “seen”!", "a man was seen"),
        ("a man was", ""),
        ("", ""),
    ],
)
def test_a_note_that_quotes_the_article_is_noticed(note: str, expected: str) -> None:
    assert quotes(note, "On Monday a man was seen at the mill.") == expected
