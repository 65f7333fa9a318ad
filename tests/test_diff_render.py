"""How a difference is shown: nothing of the data acts on its reader, nothing is lost to programs, comments fit."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import duckdb
import markdown_it
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import ROOT
from copydesk.contract.types import Type
from copydesk.diagnostics import Place
from copydesk.diff.markdown import LIMIT, render_markdown
from copydesk.diff.model import Change, Side
from copydesk.diff.phrases import VERBS
from copydesk.diff.render import change_line, render_json, render_text
from copydesk.diff.report import SECTIONS, Difference, Located, Only, difference
from copydesk.diff.rules import RULES
from copydesk.diff.table import COLUMNS, open_table, write_table
from copydesk.project import Config
from copydesk.release.model import SplitData, Table

ADDED = Change(what="record-added", rule="article-added", kind="article", record="a9", split="train", new={"id": "a9"})
TEXT = Change(
    what="text-edited", rule="test-text-changed", kind="article", record="a1", split="test", pointer="/text",
    old=[[0, 3, "The"]], new=[[0, 1, "A"]], note="[-The-]{+A+} barge",
)  # fmt: skip
LABEL = Change(
    what="annotation-relabelled", rule="test-annotations-changed", kind="article", record="a1", split="test",
    layer="mentions", item="m12", pointer="/mentions/3", old={"label": "PERSON"}, new={"label": "GROUP"},
)  # fmt: skip
MOVED = Change(
    what="split-moved", rule="article-moved", kind="article", record="a3", split="train", old_split="test",
    old="test", new="train",
)  # fmt: skip
GONE = Change(
    what="annotation-removed", rule="train-annotations-changed", kind="article", record="a2", split="train",
    layer="claims", item="c1", pointer="/claims/0", old={"id": "c1", "sentence": "It sank."},
)  # fmt: skip
RIGHTS = Change(
    what="rights-changed", rule="rights-narrowed", kind="article", record="a3", split="train",
    pointer="/rights/redistribute", old=True, new=False,
)  # fmt: skip
COLUMN = Change(
    what="column-added", rule="column-added", layer="mentions", pointer="/sure", new={"type": ["string", "null"]},
    note="string or null",
)  # fmt: skip
ALL = [COLUMN, ADDED, TEXT, LABEL, GONE, MOVED, RIGHTS]


def side(version: str, label: str = "dist/tiny", **more: Any) -> Side:
    split = SplitData(name="train", rows=10, num_bytes=0, logical_sha256="", files={"parquet": (), "jsonl": ()})
    table = Table(
        config=Config(name="articles", view="records", kind="article", default=True),
        type=Type(kind="struct"), splits=(split, replace(split, name="test", rows=3)), home=("id",),
    )  # fmt: skip
    given = {"name": "tiny", "folder": Path(), "tables": (table,), "ledger": {}, **more}
    return Side(label=label, version=version, **given)


def made(
    changes: Iterable[Change], old: Side | None = None, new: Side | None = None, **options: Any
) -> tuple[Difference, list[Located]]:
    """The difference that these changes are, and what a taker of them gets."""
    taken: list[Located] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("copydesk.diff.report.changes", lambda old, new: iter(list(changes)))
        found = difference(old or side("1.0.0"), new or side("1.1.0", "."), take=taken.append, **options)
    return found, taken


def text_of(*changes: Change, old: Side | None = None, new: Side | None = None, **options: Any) -> str:
    return render_text(made(changes, old, new, **options)[0])


def there(kind: str, record: str, pointer: str) -> Place:
    return Place(file=f"data/{record}.json", line=7, pointer=pointer)


# the verdict


@pytest.mark.parametrize(
    ("old", "new", "changes", "says"),
    [
        ("1.0.0", "1.0.0", [], "tiny 1.0.0 -> 1.0.0: no difference"),
        ("1.0.0", "1.1.0", [ADDED], "needs a minor version (1.1.0), because there is a new article"),
        ("1.0.0", "1.1.0", [ADDED], "1.1.0 is enough"),
        ("1.0.0", "3.0.0", [ADDED], "3.0.0 is enough"),
        ("1.0.0", "1.0.1", [ADDED], "1.0.1 is too small"),
        ("1.0.0", "1.0.0", [ADDED], "Both sides say 1.0.0"),
        ("1.0.0", "1.1.0", ALL, "needs a major version (2.0.0), because an article is in another split"),
        ("1.0.0", "1.1.0", ALL, "1 more reason. 1.1.0 is too small"),
        ("0.3.1", "0.4.0", [MOVED], "needs a major version (before 1.0.0 that is 0.4.0)"),
        ("2.0.0", "1.9.9", [ADDED], "needs a minor version (2.1.0)"),
    ],
)
def test_the_first_line_is_the_verdict(old: str, new: str, changes: list[Change], says: str) -> None:
    first = text_of(*changes, old=side(old), new=side(new, ".")).splitlines()[0]
    assert says in first
    assert says.removeprefix("tiny 1.0.0 -> 1.0.0: ").lower() in plain(render_markdown(
        made(changes, side(old), side(new, "."))[0]
    )).lower()  # fmt: skip


def test_what_forces_the_step_comes_first_with_reason_and_place() -> None:
    lines = text_of(*ALL, new=side("1.1.0", ".", where=there)).splitlines()
    at = lines.index("What asks for it")
    assert at < lines.index("Contract") < lines.index("Splits") < lines.index("Articles") < lines.index("Annotations")
    assert at < lines.index("Rights")
    shown = "    mentions m12 in article a1 (test): label PERSON -> GROUP at data/a1.json:7"
    assert lines[lines.index(shown) - 1] == f"    {RULES['test-annotations-changed'].reason}"
    assert lines.count(shown) == 1  # and is not told again below
    assert "    article a1 (test): [-The-]{+A+} barge at data/a1.json:7" in lines
    assert "    article a3: test -> train at data/a3.json:7" in lines
    assert "    article a3 (train): rights/redistribute true -> false at data/a3.json:7" in lines
    assert "    mentions /sure: string or null" in lines


def test_what_is_gone_stands_in_the_old_side_and_is_said_to() -> None:
    def nowhere(kind: str, record: str, pointer: str) -> Place | None:
        return there(kind, record, pointer) if not pointer else None

    both = text_of(GONE, old=side("1.0.0", "v1", where=there), new=side("1.1.0", ".", where=there))
    assert 'claims c1 in article a2 (train): "It sank." at data/a2.json:7 of v1' in both
    one = text_of(GONE, new=side("1.1.0", ".", where=nowhere))
    assert 'claims c1 in article a2 (train): "It sank." at data/a2.json:7\n' in one


def test_an_annotation_that_went_with_a_renamed_record_is_looked_up_under_the_old_name() -> None:
    renamed = Change(what="record-renamed", rule="article-renamed", kind="article", record="a2", split="train",
                     pointer="/id", old="old-a2", new="a2")  # fmt: skip
    _, taken = made([renamed, GONE], old=side("1.0.0", where=there), new=side("1.1.0", where=there))
    assert [str(one.place and one.place.file) for one in taken] == ["data/a2.json", "data/old-a2.json"]


def test_places_in_the_work_tree_are_said_to_be_there() -> None:
    shown = text_of(LABEL, new=side("1.1.0", where=there), tree=True)
    assert "at data/a1.json:7 (work tree)" in shown
    assert "places are in the work tree" in shown
    assert "work tree" not in text_of(LABEL, new=side("1.1.0", where=there))


def test_churn_is_told_test_first() -> None:
    lines = text_of(*ALL).splitlines()
    head = lines.index(next(line for line in lines if line.split()[:2] == ["split", "before"]))
    assert lines[head + 1].split() == ["test", "3", "3", "0", "0", "0", "1", "1"]
    assert lines[head + 2].split() == ["train", "10", "10", "1", "0", "1", "0", "2"]


def test_how_many_more_there_are() -> None:
    many = [replace(GONE, item=f"c{i}", pointer=f"/claims/{i}") for i in range(1234)]
    shown = text_of(*many, keep=2)
    assert "1,234" in shown and "… and 1,232 more" in shown
    assert len(shown.splitlines()) < 30
    assert "… and" not in text_of(GONE)


def test_every_kind_of_change_has_words_a_section_and_a_line() -> None:
    assert set(VERBS) == set(SECTIONS)
    for what in SECTIONS:
        change = Change(what=what, rule="type-changed", kind="article", record="r1", layer="l1", old={"a": 1}, new="b")
        found, _ = made([change])
        shown = render_text(found)
        assert re.search(r"\n    \S", shown), what
        assert len(render_markdown(found).splitlines()) > 5, what


def test_what_is_wanted_is_shown_and_the_version_is_judged_by_all() -> None:
    for only, there_, gone in (
        (Only(sections=frozenset({"annotations"})), "mentions", "Articles"),
        (Only(layers=frozenset({"claims"})), "claims c1", "mentions m12"),
        (Only(records=frozenset({"a1"})), "mentions m12", "claims c1"),
    ):
        found, taken = made(ALL, only=only)
        shown = render_text(found)
        assert there_ in shown and gone not in shown
        assert "needs a major version" in shown and f"of {len(ALL)} changes" in shown
        assert 0 < len(taken) < len(ALL)


def test_two_sides_of_different_names() -> None:
    shown = text_of(ADDED, old=side("1.0.0", name="other"))
    assert "the two are different datasets: other and tiny" in shown


# hostile data

EVIL = (
    "\x1b]0;x\x07\x9b31m|`</code><img src=x onerror=y><!--@kim #12 www.evil.test :tada: **b** [a](b)"
    "\u202e\u2028\n\r| --- |"
)
words = st.one_of(st.text(min_size=1, max_size=12), st.just(EVIL))


@st.composite
def hostile(draw: st.DrawFn) -> Change:
    change = draw(st.sampled_from(ALL))
    value = draw(st.one_of(words, st.dictionaries(words, words, min_size=1, max_size=2)))
    return replace(
        change, record=draw(words), split=draw(words), layer=draw(words) if change.layer else "", item=draw(words),
        pointer=f"/{draw(words)}", note=draw(words), kind=draw(words), old=value, new=draw(words),
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(hostile(), min_size=1, max_size=4), words)
def test_nothing_of_the_data_reaches_a_terminal_raw(changes: list[Change], label: str) -> None:
    def where(kind: str, record: str, pointer: str) -> Place:
        return Place(file=record, line=1)

    shown = text_of(*changes, old=side("1.0.0", label), new=side("1.1.0", label, where=where))
    bad = {char for char in shown if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} - {"\n"}
    assert not bad
    tame = [replace(change, note="n", old="o", new="p") for change in changes]
    tame = [replace(change, note="n", old="o", new="p") for change in changes]
    lines = text_of(*tame, old=side("1.0.0"), new=side("1.1.0", where=where)).splitlines()
    assert len(shown.splitlines()) == shown.count("\n") == len(lines)  # and makes no lines of its own


CODE = re.compile(r"<code>((?:[^\W_]|[ \-/]|&#\d+;)*)</code>")
"""What words of the data may look like: letters, digits, blanks and character references."""


def plain(page: str) -> str:
    """What a reader sees of a page, roughly."""
    return CODE.sub(lambda found: unescape(found[1]), page)


@settings(max_examples=60, deadline=None)
@given(st.lists(hostile(), min_size=1, max_size=4), words)
def test_nothing_of_the_data_is_markdown_or_html(changes: list[Change], label: str) -> None:
    found, _ = made(changes, side("1.0.0", label), side("1.1.0", label))
    own = CODE.sub("", render_markdown(found))
    for line in own.splitlines():  # what is left are our own words, and they are few
        assert re.fullmatch(r"[\w \-–→…|:*,.;()<>/#`'—+?=&]*", line), line
    assert not set(re.findall(r"</?([a-z]+)", own)) - {"details", "summary", "sub", "br"}
    assert "@" not in own and "www" not in own and "://" not in own
    tables = [line for line in own.splitlines() if line.startswith("|")]
    assert all(3 <= line.count("|") <= 9 for line in tables)


def test_a_hostile_page_renders_as_words() -> None:
    change = replace(LABEL, record=EVIL, item=EVIL, new={"label": EVIL})
    page = render_markdown(made([change])[0])
    html = markdown_it.MarkdownIt("gfm-like", {"linkify": False}).render(page)
    assert not re.findall(r"<(img|a|script|strong><code)\b", html)
    assert html.count("<table>") == html.count("</table>") == 3
    assert html.count("<td") == 3 + 2 * 8 + 2
    assert "onerror" in unescape(html)  # it is shown, as what it is


@pytest.mark.parametrize("keep", [5, 5000])
def test_a_comment_fits_and_says_what_was_cut(keep: int) -> None:
    many = [replace(GONE, record=f"a{i}", layer=f"layer{i % 7}", old={"sentence": "👍 " * 60}) for i in range(4000)]
    notes = [replace(TEXT, record=f"t{i}", note="[-x-] " * 200) for i in range(400)]
    page = render_markdown(made([*notes, *many], keep=keep)[0])
    assert len(page.encode("utf-16-le")) // 2 <= LIMIT
    assert page.count("<details>") == page.count("</details>") >= 1
    assert ("did not fit" in page) == (keep == 5000)
    if keep == 5000:
        assert len(page) > LIMIT * 0.9  # and what fits is there
        cut = int(re.search(r"([\d,]+) lines did not fit", page)[1].replace(",", ""))
        assert cut + page.count("\n- ") > 4000


def test_wherever_a_comment_ends_it_is_whole_and_counts_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = made([*ALL, *(replace(GONE, item=f"c{i}") for i in range(40))], keep=50)[0]
    whole = render_markdown(found)
    for limit in range(900, len(whole) + 500, 37):
        monkeypatch.setattr("copydesk.diff.markdown.LIMIT", limit)
        page = render_markdown(found)
        assert len(page) <= limit
        assert page.startswith("### ") and "needs a major version" in plain(page).lower()
        assert page.count("<details>") == page.count("</details>")
        noted = re.search(r"([\d,]+) lines did not fit", page)
        missing = whole.count("\n- ") - page.count("\n- ")
        assert (int(noted[1]) if noted else 0) >= missing
        assert (noted is not None) == (page != whole)


# for programs


def json_of(found: Difference, taken: Iterable[Located]) -> dict[str, Any]:
    value = json.loads(b"".join(render_json(found, map(change_line, taken))))
    assert isinstance(value, dict)
    return value


def test_json_holds_every_change_and_what_they_add_up_to() -> None:
    many = [replace(GONE, item=f"c{i}") for i in range(100)]
    found, taken = made([*ALL, *many], new=side("1.1.0", ".", where=there), keep=2)
    value = json_of(found, taken)
    assert len(value["changes"]) == value["total"] == len(ALL) + 100
    assert sum(entry["count"] for entry in value["counts"]) == value["total"]
    assert sum(entry["count"] for entry in value["rules"]) == value["total"]
    assert value["version"] == {"bump": "major", "needed": "2.0.0", "declared": "1.1.0", "enough": False}
    label = next(c for c in value["changes"] if c["what"] == "annotation-relabelled")
    assert label == {
        "what": "annotation-relabelled", "rule": "test-annotations-changed", "bump": "major", "kind": "article",
        "record": "a1", "split": "test", "layer": "mentions", "item": "m12", "pointer": "/mentions/3",
        "old": {"label": "PERSON"}, "new": {"label": "GROUP"},
        "place": {"in": "new", "file": "data/a1.json", "line": 7, "column": None},
    }  # fmt: skip
    assert list(value["churn"]) == ["test", "train"]


def test_json_of_no_difference_is_json() -> None:
    value = json_of(*made([]))
    assert (value["changes"], value["total"], value["version"]["bump"]) == ([], 0, "none")
    assert value["compatibility"] == {"backward": True, "forward": True, "why": []}


def test_the_keys_of_the_json_and_the_columns_of_the_table_are_documented() -> None:
    document = (ROOT / "docs" / "diff.md").read_text(encoding="utf-8")
    keys: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            keys.update(value)
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    value = json_of(*made([replace(MOVED, note="n", item="i", layer="l")], new=side("1.1.0", where=there)))
    walk({key: inner for key, inner in value.items() if key not in {"churn", "replays", "changes"}})
    walk([{**change, "old": 0, "new": 0} for change in value["changes"]])
    walk(value["churn"]["test"])
    for name in sorted(keys | set(COLUMNS)):
        assert f"`{name}`" in document, name


def test_the_table_has_a_row_a_change_and_is_read_by_others(tmp_path: Path) -> None:
    _, taken = made(ALL, new=side("1.1.0", where=there))
    path = tmp_path / "changes.parquet"
    write_table(path, taken)
    assert [p.name for p in tmp_path.iterdir()] == ["changes.parquet"]
    frame = polars.read_parquet(path)
    assert frame.columns == list(COLUMNS)
    assert frame["what"].to_list() == [change.what for change in ALL]
    row = frame.filter(polars.col("what") == "annotation-relabelled").row(0, named=True)
    assert json.loads(row["old"]) == {"label": "PERSON"} and json.loads(row["new"]) == {"label": "GROUP"}
    assert (row["file"], row["line"], row["place"]) == ("data/a1.json", 7, "new")
    counted = duckdb.sql(f"SELECT rule, count(*) FROM '{path}' WHERE bump = 'major' GROUP BY rule").fetchall()
    assert sum(n for _, n in counted) == sum(RULES[change.rule].bump.name == "MAJOR" for change in ALL)


def test_the_table_is_read_by_datasets(tmp_path: Path) -> None:
    from datasets import load_dataset

    path = tmp_path / "changes.parquet"
    write_table(path, made(ALL)[1])
    rows = load_dataset("parquet", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
    assert rows["what"][:] == [change.what for change in ALL]


def test_a_table_of_no_changes_and_of_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_table(tmp_path / "none.parquet", [])
    assert polars.read_parquet(tmp_path / "none.parquet").shape == (0, len(COLUMNS))
    monkeypatch.setattr("copydesk.diff.table._BATCH", 7)
    many = [Located(change=replace(GONE, item=f"c{i}")) for i in range(40)]
    for name in ("one", "two"):
        write_table(tmp_path / f"{name}.parquet", many)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert polars.read_parquet(tmp_path / "one.parquet")["item"].to_list() == [f"c{i}" for i in range(40)]


def test_a_table_that_is_not_finished_takes_no_name(tmp_path: Path) -> None:
    path = tmp_path / "changes.parquet"
    write_table(path, [Located(change=GONE)])
    before = path.read_bytes()
    with pytest.raises(RuntimeError), open_table(path) as table:
        table.add(Located(change=LABEL))
        raise RuntimeError
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["changes.parquet"]
