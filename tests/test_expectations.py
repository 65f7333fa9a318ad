"""Each way in which an expectation can pass without having been looked at, or can show text, fails closed."""

from __future__ import annotations

import copy
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from written_release import write_release

from copydesk.contract.arrow import encode, to_table
from copydesk.contract.types import Field, Label, Span, Type
from copydesk.diagnostics import Diagnostic, Place
from copydesk.expectations import (
    Beside,
    Judge,
    Suite,
    bind_suites,
    judges,
    load_suites,
    rows,
    run_expectations,
    suites,
)
from copydesk.expectations.suites import NOT_NULL, ROW_COUNT, Query, Rule
from copydesk.expectations.tally import row_suite
from copydesk.project import Config
from copydesk.release.model import Release
from copydesk.writers import parquet

SECRET = "Velorum"
IN_SET, REGEX, BETWEEN = (
    "expect_column_values_to_be_in_set",
    "expect_column_values_to_match_regex",
    "expect_column_values_to_be_between",
)
CONFIG = Config(name="mentions", view="layer", kind="article", layer="mentions")
LABEL = Type(kind="label", labels=tuple(Label(name=n, title=n, description=n) for n in ("X", "Y")))
TEXT = Type(kind="string")
WHOLE = Type(kind="integer", rules={"minimum": 0, "maximum": 99})
FIELDS = {
    "article_id": TEXT,
    "id": TEXT,
    "start": WHOLE,
    "surface": TEXT,
    "label": LABEL,
    "timex": TEXT.as_nullable(),
    "roles": Type(kind="list", item=Type(kind="struct", fields=(Field(name="role", type=LABEL),))),
    "text": TEXT,
}
ROW = Type(
    kind="struct",
    fields=tuple(Field(name=name, type=node) for name, node in FIELDS.items()),
    span=Span(text="text", start="start", end="start"),
)
TYPES = {"mentions": ROW}


def row(number: int, **values: Any) -> dict[str, Any]:
    plain = {"article_id": f"a{number % 2}", "id": f"m{number}", "start": number, "surface": f"{SECRET} {number}"}
    return {**plain, "label": "X", "timex": None, "roles": [{"role": "Y"}], "text": SECRET, **values}


def make(folder: Path, listed: list[dict[str, Any]], *, shards: int = 1) -> Release:
    return write_release(folder, {"mentions": {"train": listed}}, TYPES, (CONFIG,), shards=shards)


def rule(name: str, type: str, *, severity: str = "critical", **kwargs: Any) -> Rule:
    place = Place(file="schema/expectations/mentions.json", pointer=f"/expectations/{name}")
    return Rule(rule=name, type=type, kwargs=kwargs, severity=severity, description="About it.", place=place)


def query(name: str, sql: str, *, severity: str = "critical") -> Query:
    place = Place(file="schema/expectations/mentions.json", pointer=f"/queries/{name}")
    return Query(rule=name, sql=sql, severity=severity, description="About it.", place=place)


def suite(*listed: Rule | Query) -> Suite:
    return Suite(
        config="mentions",
        file="schema/expectations/mentions.json",
        description="Mentions.",
        rules=tuple(r for r in listed if isinstance(r, Rule)),
        queries=tuple(q for q in listed if isinstance(q, Query)),
    )


def run(release: Release, *listed: Rule | Query, judge: Judge | None = None) -> tuple[dict[str, Any], list[Diagnostic]]:
    """The results by rule, and the diagnostics; nothing of either may hold text."""
    results, found = run_expectations(release, [suite(*listed)], judge)
    said = json.dumps(results, allow_nan=False) + repr(found)
    assert SECRET not in said
    assert str(release.folder) not in said
    described = {r["rule"]: r for s in results["suites"] for r in s["rules"]}
    assert list(described) == [r.rule for r in listed]
    return {**described, "success": results["success"]}, found


def found_as(found: list[Diagnostic]) -> list[tuple[str, str]]:
    return sorted((d.code, (d.place.pointer or "").rpartition("/")[2]) for d in found)


# The loader

PRESENT = {"rule": "present", "type": ROW_COUNT, "kwargs": {"min_value": 1}, "severity": "critical", "description": "."}
LABELLED = {"rule": "known", "type": IN_SET, "kwargs": {"column": "label", "value_set": ["X"]}, "severity": "info"}
GOOD = {"name": "mentions", "description": "Mentions.", "expectations": [PRESENT, {**LABELLED, "description": "."}]}


def load(root: Path, **files: Any) -> tuple[tuple[Suite, ...], list[Diagnostic]]:
    folder = root / suites.FOLDER
    folder.mkdir(parents=True)
    for name, value in files.items():
        text = value if isinstance(value, str) else json.dumps(value, indent=1)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return load_suites(root, ["articles", "mentions"])


def changed(change: dict[str, Any], index: int = 1) -> dict[str, Any]:
    value = copy.deepcopy(GOOD)
    value["expectations"][index].update(change)
    return value


def asking(**kwargs: Any) -> dict[str, Any]:
    return changed({"kwargs": {"column": "label", "value_set": ["X"], **kwargs}})


def test_a_good_suite_loads(tmp_path: Path) -> None:
    loaded, found = load(tmp_path, mentions=GOOD)
    assert found == []
    assert [r.rule for r in loaded[0].all] == ["present", "known"]
    assert loaded[0].rules[1].place == Place(
        file="schema/expectations/mentions.json", line=14, pointer="/expectations/1"
    )


def test_no_suites_are_no_finding(tmp_path: Path) -> None:
    assert load_suites(tmp_path, ["mentions"]) == ((), [])


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ("{", None),
        ('{"name": "a", "name": "b"}', None),
        ({**GOOD, "extra": 1}, "/extra"),
        (changed({"severity": "error"}), "/expectations/1/severity"),
        (changed({"type": "expect_column_values_to_be_lovely"}), "/expectations/1"),
        (changed({"type": "expect_column_values_to_be_unique"}), "/expectations/1"),  # sees one shard
        (changed({"type": "expect_column_mean_to_be_between"}), "/expectations/1"),
        (changed({"kwargs": {"value_set": ["X"]}}), "/expectations/1"),
        (asking(value_set=[]), "/expectations/1/kwargs/value_set"),
        (asking(value_set={"$label": "label"}), "/expectations/1/kwargs/value_set"),
        (asking(row_condition="False"), "/expectations/1/kwargs"),
        (asking(mostly=0), "/expectations/1/kwargs/mostly"),
        (changed({"rule": "present"}), "/expectations/1"),
        (changed({"kwargs": {"min_value": 0}}, 0), "/expectations"),
        (changed({"kwargs": {"max_value": 9}}, 0), "/expectations"),
        (changed({"kwargs": {"min_value": 1, "strict_min": True}}, 0), "/expectations/0"),
        ({**GOOD, "expectations": []}, "/expectations"),
        ({**GOOD, "queries": [{"rule": "q", "severity": "info", "description": ".", "sql": " "}]}, "/queries/0/sql"),
        ({**GOOD, "name": "articles"}, "/name"),
    ],
)  # fmt: skip
def test_a_suite_that_could_pass_unseen_is_refused(tmp_path: Path, value: Any, pointer: str | None) -> None:
    loaded, found = load(tmp_path, mentions=value)
    assert loaded == ()
    assert [(d.code, d.place.pointer) for d in found] == [("E001", pointer)]
    assert found[0].place.file == "schema/expectations/mentions.json"


def test_a_suite_of_no_config_and_a_rule_id_in_two_suites(tmp_path: Path) -> None:
    second = {**GOOD, "name": "articles"}
    _, found = load(tmp_path, mentions=GOOD, articles=second, mention={**GOOD, "name": "mention"})
    files = [(d.place.file.rpartition("/")[2], d.place.pointer) for d in found]
    assert ("mention.json", "/name") in files
    assert ("mentions.json", "/expectations/0") in files
    assert {d.code for d in found} == {"E001"}


@pytest.mark.parametrize(
    "bad",
    [
        rule("r", NOT_NULL, column="lable"),
        rule("r", NOT_NULL, column="roles"),
        rule("r", NOT_NULL, column="text"),
        rule("r", IN_SET, column="label", value_set={"$labels": "label"}),  # nulls would pass
        rule("r", IN_SET, column="timex", value_set={"$labels": "surface"}),
        rule("r", IN_SET, column="timex", value_set={"$labels": "roles.rule"}),
    ],
)
def test_a_rule_that_does_not_fit_the_columns(bad: Rule) -> None:
    bound, found = bind_suites([suite(bad)], TYPES)
    assert bound[0].rules == ()
    assert found_as(found) == [("E001", "r")]


def test_label_lists_are_filled_in() -> None:
    deep = rule("r", IN_SET, column="timex", value_set={"$labels": "roles.role"})
    bound, found = bind_suites([suite(deep)], TYPES)
    assert found == []
    assert bound[0].rules[0].kwargs["value_set"] == ["X", "Y"]


# The runs


def test_the_last_shard_is_not_the_only_one(tmp_path: Path) -> None:
    listed = [row(n, surface="no" if n == 1 else SECRET) for n in range(9)]
    release = make(tmp_path, listed, shards=3)
    named = rule("named", REGEX, column="surface", regex=f"^{SECRET}")
    counted = rule("counted", ROW_COUNT, min_value=9, max_value=9)
    few = rule("few", ROW_COUNT, min_value=1, max_value=3)
    results, found = run(release, counted, few, rule("set", NOT_NULL, column="surface"), named)
    assert found_as(found) == [("E002", "few"), ("E002", "named")]
    assert results["named"]["evaluated"] == 9
    assert results["named"]["unexpected"] == 1
    assert results["named"]["examples"] == [{"article_id": "a1", "id": "m1"}]
    assert found[-1].place.record == "a1"


def test_a_file_with_fewer_rows_than_were_written(tmp_path: Path) -> None:
    release = make(tmp_path, [row(n) for n in range(4)])
    table = release.tables[0]
    split = table.splits[0]
    short = replace(split, rows=5, files={**split.files, "parquet": (replace(split.parquet[0], rows=5),)})
    release = replace(release, tables=(replace(table, splits=(short,)),))
    listed = (rule("present", ROW_COUNT, min_value=1), query("q", "SELECT article_id, id FROM mentions LIMIT 0"))
    results, found = run(release, *listed)
    assert found_as(found) == [("E003", "present"), ("E003", "q")]
    assert results["success"] is False


def test_nulls_and_columns_without_a_value(tmp_path: Path) -> None:
    release = make(tmp_path, [row(n, label=None) for n in range(3)])
    known = rule("known", IN_SET, column="label", value_set={"$labels": "label"})
    timex = rule("timex", REGEX, column="timex", regex="^P", severity="info")
    results, found = run(release, rule("set", NOT_NULL, column="label"), known, timex)
    assert found_as(found) == [("E002", "set"), ("E003", "known"), ("E003", "timex")]
    assert results["known"]["status"] == results["timex"]["status"] == "error"


def test_a_config_without_rows(tmp_path: Path) -> None:
    results, found = run(make(tmp_path, []), rule("present", ROW_COUNT, min_value=1))
    assert [(d.code, d.place.pointer) for d in found] == [("E003", None)]
    assert results["success"] is False


def test_what_great_expectations_does_not_know_or_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    invented = "expect_column_values_to_be_lovely"
    monkeypatch.setattr(suites, "TYPES", {**suites.TYPES, invented: ("column",)})
    listed = (
        rule("unknown", invented, column="timex"),
        rule("typo", REGEX, column="timex", rgex="^P"),
        rule("severity", NOT_NULL, column="label", severity="error"),
        rule("set", NOT_NULL, column="surface"),
        rule("raises", BETWEEN, column="surface", min_value=1),
    )
    results, found = run(make(tmp_path, [row(1)]), *listed)
    wanted = [("E001", "severity"), ("E001", "typo"), ("E001", "unknown"), ("E003", "raises")]
    assert found_as(found) == wanted
    assert results["set"]["status"] == "passed"
    assert results["success"] is False


@pytest.mark.parametrize("lost", ["one", "all", "raised"])
def test_results_that_do_not_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    whole = rows._Engine.validate

    def partial(self: Any, frame: Any, asked: Any, form: Any) -> dict[str, Any]:
        if lost == "raised":
            with monkeypatch.context() as broken:
                broken.setattr(self, "_whole", None)
                return whole(self, frame, asked, form)
        results = whole(self, frame, asked, form)
        return {name: r for name, r in results.items() if lost == "one" and name != "set"}

    monkeypatch.setattr(rows._Engine, "validate", partial)
    listed = (rule("present", ROW_COUNT, min_value=1), rule("set", NOT_NULL, column="surface"))
    _, found = run(make(tmp_path, [row(1)]), *listed)
    assert found_as(found) == ([("E003", "set")] if lost == "one" else [("E003", "present"), ("E003", "set")])


def test_severity_and_mostly_are_ours_to_judge(tmp_path: Path) -> None:
    listed = (
        rule("set", NOT_NULL, column="surface"),
        rule("warned", REGEX, column="surface", regex="7$", severity="warning"),
        rule("mostly", REGEX, column="surface", regex="[0-8]$", mostly=0.9),
        rule("hardly", REGEX, column="surface", regex="[0-7]$", mostly=0.9, severity="info"),
        query("asked", "SELECT article_id, id FROM mentions WHERE start = 3", severity="info"),
    )
    results, found = run(make(tmp_path, [row(n) for n in range(10)], shards=2), *listed)
    assert found_as(found) == [("E004", "asked"), ("E004", "hardly"), ("E004", "warned")]
    assert results["success"] is True
    assert results["mostly"]["status"] == "passed"
    assert results["mostly"]["unexpected"] == 1


def test_at_most_twenty_rows_are_named(tmp_path: Path) -> None:
    wrong = rule("wrong", REGEX, column="surface", regex="^$")
    asked = query("asked", "SELECT article_id, id FROM mentions")
    results, _ = run(
        make(tmp_path, [row(n) for n in range(30)], shards=4), rule("set", NOT_NULL, column="surface"), wrong, asked
    )
    for name in ("wrong", "asked"):
        assert results[name]["unexpected"] == 30
        assert len(results[name]["examples"]) == 20
    assert results["wrong"]["examples"][-1] == {"article_id": "a1", "id": "m19"}


@pytest.mark.parametrize(
    "sql",
    [
        "SELEC article_id, id FROM mentions",
        "SELECT article_id, id FROM mention",
        "SELECT id, article_id FROM mentions",
        "SELECT count(*) FROM mentions",
        "SELECT article_id, id FROM mentions; SELECT 1",
        "DROP VIEW mentions",
        "SELECT surface AS article_id, id FROM mentions",  # a text called an id
        "SELECT article_id, surface AS id FROM mentions",
        "SELECT article_id, id FROM mentions WHERE CAST(surface AS INTEGER) > 0",  # the error quotes the cell
        "SELECT article_id, id FROM mentions WHERE error(surface) IS NULL",
        "SELECT article_id, id FROM mentions, read_text('/etc/hostname')",
    ],
)
def test_a_query_that_gives_no_verdict_or_would_leak(tmp_path: Path, sql: str) -> None:
    results, found = run(make(tmp_path, [row(1)]), query("q", sql))
    assert found_as(found) == [("E003", "q")]
    assert results["q"]["status"] == "error"


def test_labels_in_queries_are_words_wherever_they_are(tmp_path: Path) -> None:
    sql = (
        "SELECT article_id, id FROM mentions WHERE label = 'X' AND roles[1].role = 'Y' AND split = 'train' -- all of it"
    )
    results, _ = run(make(tmp_path, [row(1), row(2, roles=None), row(3, roles=[]), row(4, label="Y")]), query("q", sql))
    assert results["q"]["examples"] == [{"article_id": "a1", "id": "m1"}]


# The pieces: whatever they are, and whatever pandas makes of a column, a verdict is that of the single value

MIXED = Type(
    kind="struct",
    fields=tuple(
        Field(name=name, type=node)
        for name, node in {
            "id": TEXT,
            "word": TEXT.as_nullable(),
            "label": LABEL.as_nullable(),
            "small": WHOLE.as_nullable(),
            "large": Type(kind="integer", rules={"minimum": -(2**63), "maximum": 2**63 - 1}).as_nullable(),
            "count": WHOLE,
            "share": Type(kind="number").as_nullable(),
            "flag": Type(kind="boolean").as_nullable(),
        }.items()
    ),
)
COLUMNS = tuple(name for name in MIXED.names if name != "id")
COMMON = [0, 3, 7, 12, 99]
POOLS: dict[str, list[Any]] = {
    "word": ["", "a", "ab", "é\N{COMBINING ACUTE ACCENT}", "\N{CRAB}", "2020-01-31", "7", "a b", "\n", None],
    "label": ["X", "Y", None],
    "small": [*COMMON, None],
    "large": [*COMMON, 2**53 + 1, 2**63 - 1, -(2**63), None],
    "count": COMMON,
    "share": [0.0, -0.5, 3.0, 0.1, 1e300, None],
    "flag": [True, False, None],
}


def mixed(count: int) -> list[dict[str, Any]]:
    rnd = random.Random(5)
    rows = [{"id": f"r{n}", **{name: rnd.choice(pool) for name, pool in POOLS.items()}} for n in range(count)]
    for name in COLUMNS:  # a piece without nulls, then one with nothing else
        for n in range(4):
            rows[n][name] = next(v for v in POOLS[name] if v is not None)
            rows[n + 4][name] = None if None in POOLS[name] else POOLS[name][0]
    return rows


def text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


# Type, its parameters, what it says of a value, and the columns that it can be asked about.
NUMBERS, WHOLES = ("small", "large", "count", "share"), ("small", "large", "count")
WORDS = ("word", "label", *WHOLES)
EACH: list[tuple[str, dict[str, Any], Callable[[Any], bool], tuple[str, ...]]] = [
    (IN_SET, {"value_set": ["a", "X", ""]}, lambda v: v in ("a", "X", ""), ("word", "label")),
    (IN_SET, {"value_set": [3, 2**53 + 1]}, lambda v: v in (3, 2**53 + 1), NUMBERS),
    (IN_SET, {"value_set": [True]}, lambda v: v is True, ("flag",)),
    ("expect_column_values_to_not_be_in_set", {"value_set": [7, 2**63 - 1]}, lambda v: v not in (7, 2**63 - 1), WHOLES),
    ("expect_column_values_to_not_be_in_set", {"value_set": ["ab"]}, lambda v: v != "ab", ("word", "label")),
    (BETWEEN, {"min_value": 3, "max_value": 12}, lambda v: 3 <= v <= 12, NUMBERS),
    (BETWEEN, {"min_value": 2**53 + 1}, lambda v: v >= 2**53 + 1, WHOLES),
    (BETWEEN, {"max_value": 7, "strict_max": True}, lambda v: v < 7, NUMBERS),
    (BETWEEN, {"min_value": 2.5, "max_value": 7.5}, lambda v: 2.5 <= v <= 7.5, NUMBERS),
    (REGEX, {"regex": "^[0-9]+$"}, lambda v: bool(re.search("^[0-9]+$", text(v))), WORDS),
    (REGEX, {"regex": "^(?!a)"}, lambda v: not text(v).startswith("a"), WORDS),
    ("expect_column_values_to_not_match_regex", {"regex": "[ab]"}, lambda v: not re.search("[ab]", text(v)), WORDS),
    (
        "expect_column_values_to_match_regex_list",
        {"regex_list": ["^[0-9]", "a"]},
        lambda v: bool(re.search("^[0-9]|a", text(v))),
        WORDS,
    ),
    (
        "expect_column_values_to_not_match_regex_list",
        {"regex_list": ["^9", "b"]},
        lambda v: not re.search("^9|b", text(v)),
        WORDS,
    ),
    ("expect_column_value_lengths_to_equal", {"value": 1}, lambda v: len(text(v)) == 1, WORDS),
    (
        "expect_column_value_lengths_to_be_between",
        {"min_value": 1, "max_value": 2},
        lambda v: 1 <= len(text(v)) <= 2,
        WORDS,
    ),
    ("expect_column_values_to_match_strftime_format", {"strftime_format": "%Y-%m-%d"}, lambda v: "-" in v, ("word",)),
]


def is_null_rule(type: str) -> bool:
    return type in {NOT_NULL, "expect_column_values_to_be_null"}


@pytest.mark.parametrize("pieces", [1, 3, 1000])
def test_a_verdict_is_that_of_the_value_whatever_piece_it_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pieces: int
) -> None:
    rows_, wanted, asked = mixed(60), {}, []
    for index, (type, kwargs, holds, names) in enumerate(EACH):
        for name in names:
            asked.append(rule(f"{index}-{name}", type, column=name, **kwargs))
            wanted[f"{index}-{name}"] = [r["id"] for r in rows_ if r[name] is not None and not holds(r[name])]
    for name in COLUMNS:
        asked.append(rule(f"set-{name}", NOT_NULL, column=name))
        wanted[f"set-{name}"] = [r["id"] for r in rows_ if r[name] is None]
        asked.append(rule(f"unset-{name}", "expect_column_values_to_be_null", column=name))
        wanted[f"unset-{name}"] = [r["id"] for r in rows_ if r[name] is not None]
    if pieces == 1:
        rows_, wanted = rows_[:12], {n: [i for i in ids if int(i[1:]) < 12] for n, ids in wanted.items()}
    monkeypatch.setattr(rows, "PIECE_ROWS", pieces)
    monkeypatch.setattr(rows, "NAMING_ROWS", 2)
    table = to_table(rows_, MIXED)
    parquet.write(tmp_path / "file.parquet", table, MIXED)
    asked_of = row_suite(replace(suite(), rules=tuple(asked)), "article", MIXED)
    tallies = rows.tally_file(tmp_path / "file.parquet", len(rows_), asked_of)
    assert [(n, t.problem) for n, t in tallies.items() if t.problem] == []
    for one in asked:
        tally, ids = tallies[one.rule], wanted[one.rule]
        nulls = 0 if is_null_rule(one.type) else sum(r[one.columns[0]] is None for r in rows_)
        assert (tally.rows, tally.evaluated, tally.unexpected) == (len(rows_), len(rows_) - nulls, len(ids)), one.rule
        assert [e["id"] for e in tally.examples] == ids[:20], one.rule


def test_rules_over_several_columns_say_the_same_in_any_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = {"column_A": "small", "column_B": "large"}
    asked = (
        rule("equal", "expect_column_pair_values_to_be_equal", **pair),
        rule("greater", "expect_column_pair_values_a_to_be_greater_than_b", **pair),
        rule("pairs", "expect_column_pair_values_to_be_in_set", value_pairs_set=[[3, 7], [7, 7], [0, 3]], **pair),
        rule("sum", "expect_multicolumn_sum_to_equal", column_list=["small", "large"], sum_total=10),
        rule("unlike", "expect_select_column_values_to_be_unique_within_record", column_list=["small", "large"]),
        rule("few", BETWEEN, column="small", min_value=3),
    )
    rows_ = mixed(60)
    parquet.write(tmp_path / "file.parquet", to_table(rows_, MIXED), MIXED)
    asked_of = row_suite(replace(suite(), rules=asked), "article", MIXED)
    whole = rows.tally_file(tmp_path / "file.parquet", 60, asked_of)
    both = [(r["small"], r["large"]) for r in rows_]
    both = [pair for pair in both if pair != (None, None)]
    # Great Expectations fails a null where it compares, though it skips nulls elsewhere
    assert whole["greater"].unexpected == sum(None in p or p[0] <= p[1] for p in both)
    assert whole["pairs"].unexpected == sum(p not in {(3, 7), (7, 7), (0, 3)} for p in both)
    assert whole["sum"].unexpected == sum(None in p or sum(p) != 10 for p in both)
    for size in (1, 4, 7):
        monkeypatch.setattr(rows, "PIECE_ROWS", size)
        assert rows.tally_file(tmp_path / "file.parquet", 60, asked_of) == whole


def test_row_groups_and_long_rows_do_not_make_pieces_large_or_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.parquet"
    pq.write_table(encode(to_table(mixed(900), MIXED), MIXED), path, row_group_size=10)
    asked_of = row_suite(suite(rule("set", NOT_NULL, column="word")), "article", MIXED)
    sizes = [piece.num_rows for piece in rows._pieces(path, asked_of)]
    assert sizes == [900]
    monkeypatch.setattr(rows, "PIECE_ROWS", 100)
    sizes = [piece.num_rows for piece in rows._pieces(path, asked_of)]
    assert sum(sizes) == 900
    assert max(sizes) <= 100
    assert len(sizes) <= 18
    monkeypatch.setattr(rows, "PIECE_BYTES", 500)
    assert max(piece.num_rows for piece in rows._pieces(path, asked_of)) < 50


def test_a_row_too_few_here_and_one_too_many_there(tmp_path: Path) -> None:
    release = make(tmp_path, [row(n) for n in range(4)], shards=2)
    table = release.tables[0]
    split = table.splits[0]
    first, second = split.parquet
    moved = (replace(first, rows=1), replace(second, rows=3))
    release = replace(
        release, tables=(replace(table, splits=(replace(split, files={**split.files, "parquet": moved}),)),)
    )
    _, found = run(release, rule("set", NOT_NULL, column="surface"))
    assert found_as(found) == [("E003", "set")]


def test_rows_that_were_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rows._Engine.validate
    monkeypatch.setattr(rows._Engine, "validate", lambda self, frame, *asked: whole(self, frame.iloc[1:], *asked))
    listed = (rule("present", ROW_COUNT, min_value=1), rule("set", NOT_NULL, column="surface"))
    _, found = run(make(tmp_path, [row(n) for n in range(4)]), *listed)
    assert found_as(found) == [("E003", "present"), ("E003", "set")]


@pytest.mark.parametrize("damage", ["gone", "cut", "no parquet"])
def test_a_file_that_cannot_be_read_is_not_evaluated(tmp_path: Path, damage: str) -> None:
    release = make(tmp_path, [row(n) for n in range(4)])
    path = tmp_path / release.tables[0].splits[0].parquet[0].path
    data = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(data[:-9] if damage == "cut" else SECRET.encode())
    _, found = run(release, rule("present", ROW_COUNT, min_value=1), rule("set", NOT_NULL, column="surface"))
    assert found_as(found) == [("E003", "present"), ("E003", "set")]


# The process beside


def test_beside_says_what_is_said_here(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    listed = (
        rule("present", ROW_COUNT, min_value=1),
        rule("set", NOT_NULL, column="surface"),
        rule("named", REGEX, column="surface", regex="[0-4]$"),
        rule("typo", REGEX, column="timex", rgex="^P"),
        query("asked", "SELECT article_id, id FROM mentions WHERE start = 3"),
    )
    release = make(tmp_path, [row(n) for n in range(10)], shards=3)
    here = run(release, *listed)
    with Beside() as judge:
        assert run(release, *listed, judge=judge) == here
        assert judge._process is not None
    assert judge._process.poll() is not None
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP, None])
def test_a_process_that_dies_or_hangs_or_never_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: signal.Signals | None
) -> None:
    listed = (rule("present", ROW_COUNT, min_value=1), rule("set", NOT_NULL, column="surface"))
    monkeypatch.setattr(judges, "PATIENCE", 0.2 if how == signal.SIGSTOP else 600)
    if how is None:
        monkeypatch.setattr(sys, "executable", str(tmp_path / "no such program"))
    with Beside() as judge:
        if how is not None:
            assert judge._process is not None
            judge._process.send_signal(how)
        results, found = run(make(tmp_path, [row(1)]), *listed, judge=judge)
    assert found_as(found) == [("E003", "present"), ("E003", "set")]
    assert results["success"] is False
    said = {signal.SIGKILL: "ended (by signal 9", signal.SIGSTOP: "no sign of life", None: "could not be started"}
    assert said[how] in found[0].message


def test_the_process_beside_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    program = (
        "import json, sys; sys.path[:] = json.loads(sys.argv[1])\n"
        "from copydesk.expectations import Beside\n"
        "print(Beside()._process.pid, flush=True)\n"
        "import time; time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, json.dumps(sys.path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(child, 0)
        parent.kill()
    for _ in range(600):
        try:
            state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":  # ended; whoever inherited it has not looked yet
            return
        time.sleep(0.1)
    raise AssertionError("it is still there")


def test_nothing_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    run(make(tmp_path, [row(1)]), rule("set", NOT_NULL, column="surface"))
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
