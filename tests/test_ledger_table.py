"""The ledger as columns is the ledger: in memory, in its file, in a release, and in what becomes of it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_split_histories import World, bumped, splits_of, world_edges

from copydesk import jsontext
from copydesk.arrays import Strings, strings
from copydesk.describe import _LEDGER_TYPE
from copydesk.grouping import components
from copydesk.heads.columns import Heads
from copydesk.plan import _Homes
from copydesk.splits import (
    Articles,
    Entry,
    Member,
    as_table,
    differing,
    dump_ledger,
    folded,
    generation,
    read_ledger,
    settle,
    settle_all,
)
from copydesk.splits.ledger import Before, line_of, read_strictly
from copydesk.splits.released import read_released, released_table

NAMES = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    ['"', "\\", "\n", "\x7f", "\u2028", "é", "👍"]
)
VERSIONS = st.sampled_from(["0.1.0", "1.0.0", "1.2.3", "1.10.0", "2.0.0"])
DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex) | st.sampled_from(
    ["", "abc", "0" * 63, "A" * 64, "é" * 64]
)
FOLDS = st.none() | st.integers(0, 4)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    name, plain = draw(NAMES), draw(st.booleans())
    entry = Entry(
        id=name,
        group=name,
        split=draw(st.sampled_from(["train", "test", 'a "split"'])),
        since=draw(VERSIONS),
        digest=draw(DIGESTS),
        released=draw(st.booleans()),
    )
    if plain:
        return entry
    fold = draw(FOLDS)
    stands = st.builds(Before, version=VERSIONS, group=NAMES, split=NAMES)
    return replace(
        entry,
        group=draw(NAMES),
        formerly=draw(NAMES),
        fold=fold,
        folds=None if fold is None else 5,
        apart=draw(st.just("") | VERSIONS),
        before=tuple(draw(st.lists(stands, max_size=2))),
    )


LEDGERS = st.lists(entries(), max_size=12).map(lambda found: {e.id: e for e in found})


def lines_of(ledger: Mapping[str, Entry]) -> bytes:
    return b"".join(jsontext.dump_line(line_of(ledger[i])) for i in sorted(ledger))


@settings(deadline=None)
@given(LEDGERS, NAMES)
def test_a_table_is_the_ledger_that_it_was_made_of(ledger: dict[str, Entry], other: str) -> None:
    table = as_table(ledger)
    assert dict(table) == ledger
    assert list(table) == sorted(ledger)
    assert len(table) == len(ledger)
    assert table.get(other) == ledger.get(other)
    assert (other in table) == (other in ledger)
    assert [e.id for e in table.entries()] == sorted(ledger)
    half = np.arange(0, len(table), 2)
    assert dict(table.only(half)) == {i: ledger[i] for i in sorted(ledger)[::2]}


@settings(deadline=None)
@given(LEDGERS)
def test_its_file_is_that_of_its_lines(tmp_path_factory: pytest.TempPathFactory, ledger: dict[str, Entry]) -> None:
    path = tmp_path_factory.mktemp("ledger") / "ledger.jsonl"
    assert dump_ledger(as_table(ledger)) == lines_of(ledger)
    path.write_bytes(lines_of(ledger))
    assert read_ledger(path, "ledger.jsonl") == (ledger, [])


def mutations(data: bytes) -> Iterator[bytes]:
    lines = data.splitlines(keepends=True)
    yield data.rstrip(b"\n")
    yield data.replace(b"\n", b"\r\n")
    yield b"\xef\xbb\xbf" + data
    yield data.replace(b'"group"', b'"id":"x","group"', 1)
    yield data.replace(b'"released":true', b'"released":1', 1)
    yield data.replace(b'"released":true', b'"released":null', 1)
    yield data.replace(b'"since":"1', b'"since":"v1', 1)
    yield data.replace(b'"split":"t', b'"more":0,"split":"t', 1)
    yield data.replace(b'"split"', b'"splits"', 1)
    yield data.replace(b":", b": ", 3)
    yield data.replace(b"}\n", b"}\n\n", 1)
    yield data.replace(b"}\n", b"} x\n", 1)
    yield data.replace(b"}\n", b"}", 1)
    yield data + (lines[0] if lines else b"")
    yield b"".join(reversed(lines))
    yield data.replace(b"train", b"tr\xffin", 1)
    yield data.replace(b"train", b"tr\\u0061in", 1)


@settings(max_examples=60, deadline=None)
@given(LEDGERS)
@example({"a": Entry(id="a", group="a", split="train", since="1.0.0", digest="0" * 64)})
def test_any_file_is_taken_and_refused_as_line_by_line(
    tmp_path_factory: pytest.TempPathFactory, ledger: dict[str, Entry]
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "ledger.jsonl"
    for data in mutations(lines_of(ledger)):
        path.write_bytes(data)
        assert read_ledger(path, "ledger.jsonl") == read_strictly(data, "ledger.jsonl"), data


@settings(deadline=None)
@given(LEDGERS, st.sets(NAMES, max_size=3))
def test_a_release_has_every_entry(
    tmp_path_factory: pytest.TempPathFactory, ledger: dict[str, Entry], withdrawn: set[str]
) -> None:
    path = tmp_path_factory.mktemp("release") / "ledger.parquet"
    table = released_table(ledger, withdrawn, _LEDGER_TYPE)
    expected = []
    for identifier in sorted(ledger):
        entry = ledger[identifier]
        moved = [stand for stand in entry.before if stand.split != entry.split]
        row: dict[str, Any] = {name: getattr(entry, name) for name in Entry.__slots__ if name != "before"}
        row["digest"] = "" if identifier in withdrawn else entry.digest
        row["moved_in"], row["moved_from"] = (moved[-1].version, moved[-1].split) if moved else (None, None)
        expected.append(row)
    assert table.to_pylist() == [{name: row[name] for name in table.schema.names} for row in expected]
    pq.write_table(table, path)
    known = {i: replace(e, before=(), digest="" if i in withdrawn else e.digest) for i, e in ledger.items()}
    assert dict(read_released(path)) == known


@settings(deadline=None)
@given(LEDGERS, st.integers(1, 3))
def test_the_shard_of_an_article_follows_from_the_ledger(ledger: dict[str, Entry], size: int) -> None:
    ranks: dict[tuple[str, str], int] = {}
    expected: dict[str, dict[tuple[Any, ...], list[str]]] = {}
    for entry in sorted(ledger.values(), key=generation):
        rank = ranks[entry.split, entry.since] = ranks.get((entry.split, entry.since), -1) + 1
        where = generation(entry)[0], rank // size
        expected.setdefault(entry.split, {}).setdefault(where, []).append(entry.id)

    class Staged(Heads):
        def __init__(self) -> None:
            self.ids = strings(sorted(ledger))
            self.alive = np.ones(len(ledger), dtype=np.bool_)

    heads = Staged()
    found = _Homes(as_table(ledger), size).ordered("article", "article", {"article": heads})
    ids = Strings(heads.ids)
    assert {split: [[ids[n] for n in shard.tolist()] for shard in shards] for split, shards in found.items()} == {
        split: [shard for _, shard in sorted(shards.items())] for split, shards in expected.items()
    }


def articles_of(members: Mapping[str, Member]) -> Articles:
    ids = sorted(members)
    digests = as_table({i: Entry(id=i, group=i, split="", since="1.0.0", digest=members[i].digest) for i in ids})
    given = [members[i].source or None for i in ids]
    return Articles(
        ids=strings(ids),
        digests=digests.columns.digests,
        given=strings(given) if any(given) else None,
        members=lambda chosen: {ids[n]: members[ids[n]] for n in chosen.tolist()},
    )


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 8), st.integers(1, 14), st.booleans())
def test_articles_that_are_settled_as_columns_come_to_the_same(
    seed: int, length: int, size: int, sources: bool
) -> None:
    dice = random.Random(seed)
    world, ledger, last, version = World(), {}, "", "0.1.0"
    for _ in range(length):
        for _ in range(dice.randint(1, size)):
            world.change(dice)
        if dice.random() < 0.3 and world.articles:  # an id that is what another group is called, or could be
            name = dice.choice(sorted({e.group for e in ledger.values()} | world.articles.keys()))
            world.articles.setdefault(dice.choice([name, f"{name}~2"]), (f"t{dice.randrange(99)}", "x", 0, "test"))
        splits = splits_of(world, {})
        members, edges, left_out = world_edges(world, splits, version, sources=sources)
        groups = components(members, edges)
        expected = settle(groups, members, ledger, splits, version, edges, previous=last, left_out=left_out)
        found = settle_all(
            articles_of(members), edges, as_table(ledger), splits, version, previous=last, left_out=left_out
        )
        assert dict(found.ledger) == dict(expected.ledger)
        assert replace(found, ledger={}) == replace(expected, ledger={})
        if not any(d.code in {"L002", "L004", "L006", "L014"} for d in expected.found):
            ledger = dict(expected.ledger)
            last, version = (version, bumped(version, dice.randrange(3))) if dice.random() < 0.7 else (last, version)


@settings(deadline=None)
@given(LEDGERS, LEDGERS, st.data())
def test_what_differs_between_two_ledgers_is_all_that_a_version_is_judged_by(
    ledger: dict[str, Entry], other: dict[str, Entry], data: st.DataObject
) -> None:
    for identifier in data.draw(st.sets(st.sampled_from(sorted(ledger)))) if ledger else ():
        other[identifier] = replace(ledger[identifier], split=data.draw(st.sampled_from(["train", "test"])))
    old, new = differing(as_table(ledger), as_table(other))
    assert old.items() <= ledger.items()
    assert new.items() <= other.items()
    alike = {i for i in ledger.keys() & other.keys() if ledger[i] == other[i]}
    assert (
        ledger.keys() - old.keys()
        == other.keys() - new.keys()
        <= alike | {i for i in ledger if (e := ledger[i]) == replace(other.get(i, e), since=e.since)}
    )
    assert as_table(ledger).by_split() == Counter(e.split for e in ledger.values() if e.released)
    chosen = {"1.0.0", "1.2.3"}
    assert dict(as_table(ledger).of_versions(chosen)) == {i: e for i, e in ledger.items() if e.since in chosen}
    assert folded(as_table(ledger)) == folded(ledger)
