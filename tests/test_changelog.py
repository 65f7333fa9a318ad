"""What the commands write into a changelog: an entry in its place, a line that a version was yanked; nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.diff.model import Change
from copydesk.diff.rules import RULES
from copydesk.release.changelog import check_changelog, headings, with_entry, with_yank, without_yank
from copydesk.release.entry import Tally, code, entry, plural
from copydesk.semver import version_key

BODY = "### Added\n\n- 1 article."


def versions(text: str) -> list[str]:
    return [heading.version for heading in headings(text)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "# Changelog\n\n## 1.1.0\n\n{body}\n"),
        ("# Changelog\n", "# Changelog\n\n## 1.1.0\n\n{body}\n"),
        ("# Changelog", "# Changelog\n\n## 1.1.0\n\n{body}\n"),
        ("# C\n\nAbout.\n\n## 1.0.0\n\nFirst.\n", "# C\n\nAbout.\n\n## 1.1.0\n\n{body}\n\n## 1.0.0\n\nFirst.\n"),
        ("# C\n## 1.0.0\nFirst.\n", "# C\n\n## 1.1.0\n\n{body}\n\n## 1.0.0\nFirst.\n"),
        ("## [1.0.0] - 2020-02-02\nFirst.", "## [1.1.0] - 2026-11-24\n\n{body}\n\n## [1.0.0] - 2020-02-02\nFirst."),
        (
            "## v1.0.0 (2020-02-02)\n\nFirst.\n",
            "## v1.1.0 (2026-11-24)\n\n{body}\n\n## v1.0.0 (2020-02-02)\n\nFirst.\n",
        ),
        ("## 1.0.0 the first\n\nFirst.\n", "## 1.1.0\n\n{body}\n\n## 1.0.0 the first\n\nFirst.\n"),
        (
            "# C\n\n## [Unreleased]\n\n- Plans.\n\n## [1.0.0]\nFirst.\n",
            "# C\n\n## [Unreleased]\n\n- Plans.\n\n## [1.1.0]\n\n{body}\n\n## [1.0.0]\nFirst.\n",
        ),
        ("```\n## 1.0.0\n```\n", "```\n## 1.0.0\n```\n\n## 1.1.0\n\n{body}\n"),
        (
            "# Oldest first\n\n## 0.9.0\n\nA.\n\n## 1.0.0\n\nB.\n",
            "# Oldest first\n\n## 0.9.0\n\nA.\n\n## 1.0.0\n\nB.\n\n## 1.1.0\n\n{body}\n",
        ),
        ("## 2.0.0\n\nB.\n\n## 1.0.0\n\nA.\n", "## 2.0.0\n\nB.\n\n## 1.1.0\n\n{body}\n\n## 1.0.0\n\nA.\n"),
        ("\ufeff# C\n\n## 1.0.0\n\nA.\n", "\ufeff# C\n\n## 1.1.0\n\n{body}\n\n## 1.0.0\n\nA.\n"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_entry_stands_where_the_others_put_it_and_in_their_form(before: str, after: str, end: str) -> None:
    given_text, wanted = before.replace("\n", end), after.format(body=BODY).replace("\n", end)
    if end not in given_text:
        wanted = wanted.replace(end, "\n")  # nothing shows another line end
    assert with_entry(given_text, "1.1.0", "2026-11-24", BODY) == wanted
    assert check_changelog(wanted, "1.1.0", "C.md", draft=False) == []


LINES = st.lists(
    st.sampled_from(
        ["", "# Changelog", "## 1.0.0", "## [0.9.0] - 2020-01-01", "## v0.1.0", "### Added", "- a word", "```", "~~~",
         "## Unreleased", "text \u2028 with a separator", "## 3.0.0", "  ## 1.0.0", "**Yanked** by nobody"]
    ),
    max_size=14,
)  # fmt: skip


@settings(deadline=None)
@given(
    lines=LINES, end=st.sampled_from(["\n", "\r\n"]), last=st.booleans(), version=st.sampled_from(["1.1.0", "2.0.0"])
)
def test_an_entry_changes_no_other_line(lines: list[str], end: str, last: bool, version: str) -> None:
    text = end.join(lines) + (end if last else "")
    after = with_entry(text, version, "2026-11-24", BODY)
    open_block = with_entry(text, version, "2026-11-24", BODY) and version not in versions(after)
    if not open_block:  # a code block that nobody closed swallows whatever stands below it
        assert check_changelog(after, version, "C.md", draft=False) == []
    kept = [line for line in after.splitlines() if line]
    for line in [line for line in text.splitlines() if line]:  # in order, each as it was
        assert line in kept
        kept = kept[kept.index(line) + 1 :]
    added = len(after.splitlines()) - len(text.splitlines())
    assert added <= BODY.count("\n") + 7


@settings(deadline=None)
@given(lines=LINES, end=st.sampled_from(["\n", "\r\n"]), last=st.booleans())
def test_a_yank_that_is_taken_back_leaves_the_text_as_it_was(lines: list[str], end: str, last: bool) -> None:
    text = end.join(lines) + (end if last else "")
    for version in versions(text):
        yanked = with_yank(text, version, "2026-11-24", "The wrong\nfiles.")
        assert "**Yanked** (2026-11-24): The wrong files." in yanked.splitlines()
        assert with_yank(yanked, version, "2026-11-24", "The wrong files.") == yanked
        assert without_yank(yanked, version).rstrip(end) == text.rstrip(end)


def test_a_yank_stands_under_its_heading_and_nowhere_else() -> None:
    text = "# C\n\n## 1.1.0\n\nNew.\n\n## 1.0.0\n\nFirst.\n"
    after = with_yank(text, "1.0.0", "2026-11-24", "A leak.")
    assert after == "# C\n\n## 1.1.0\n\nNew.\n\n## 1.0.0\n\n**Yanked** (2026-11-24): A leak.\n\nFirst.\n"
    missing = with_yank(text, "1.0.5", "2026-11-24", "A leak.")
    assert versions(missing) == ["1.1.0", "1.0.5", "1.0.0"]
    assert without_yank(text, "1.0.0") == text


def told(*changes: Change) -> str:
    tally = Tally()
    for change in changes:
        tally.see(change)
    return entry(tally, lambda rule: RULES[rule].summary)


def added(identifier: str, split: str = "train") -> Change:
    return Change(what="record-added", rule="article-added", kind="article", record=identifier, split=split)


def test_an_entry_counts_and_names_what_changed() -> None:
    label = Change(what="annotation-relabelled", rule="test-annotations-changed", kind="article", record="a9",
                   split="test", layer="mentions", item="m1", old={"label": "SECRET"},
                   new={"label": "SECRET"})  # fmt: skip
    moved = Change(what="split-moved", rule="article-moved", kind="article", record="a2", split="test",
                   old_split="train")  # fmt: skip
    text = told(
        *(added(f"a{n}") for n in range(8)),
        Change(what="record-withdrawn", rule="article-removed", kind="story", record="s1", split="train"),
        Change(what="record-withdrawn", rule="article-removed", kind="story", record="s2", split="train"),
        moved,
        label,
        label,
        Change(what="column-added", rule="column-added", layer="mentions", pointer="/note", note="string"),
        Change(what="config-removed", rule="config-removed", layer="quotes", note="it had the columns x, y"),
        Change(what="license-changed", rule="rights-changed", old="CC0-1.0", new="CC-BY-4.0"),
    )
    assert text.split("\n\n") == [
        "### Added", "- 8 articles in train: `a0`, `a1`, `a2`, `a3`, `a4` and 3 more.",
        "### Changed", "- 2 annotations of `mentions` in test have another label, in `a9`.",
        "### Removed", "- 2 stories in train: `s1` and `s2`.",
        "### Splits", "- 1 article moved from train to test: `a2`.",
        "### Contract", "- `mentions` `/note`: there is a new column (string).\n- `quotes`: a config is gone.",
        "### Rights", "- The licence of the annotation: `CC-BY-4.0`, before `CC0-1.0`.",
    ]  # fmt: skip
    assert "SECRET" not in text


def test_an_article_counts_once_however_many_of_its_properties_changed() -> None:
    edited = [
        Change(what="record-edited", rule="train-properties-changed", kind="article", record=record, split="train",
               pointer=pointer, old="x", new="y")
        for record in ("a1", "a2") for pointer in ("/title", "/author")
    ]  # fmt: skip
    assert told(*edited) == "### Changed\n\n- Other properties of 2 articles in train: `a1` and `a2`."


def test_an_entry_is_never_empty_and_holds_no_text() -> None:
    assert check_changelog(f"## 1.0.0\n\n{told()}\n", "1.0.0", "C.md", draft=False) == []
    edited = Change(what="text-edited", rule="train-text-changed", kind="article", record="a1", split="train",
                    old=[[0, 5, "the old text"]], new=["the new text"], note="[-the old-]{+the new+} text")  # fmt: skip
    assert told(edited) == "### Changed\n\n- The text of 1 article in train: `a1`."


@pytest.mark.parametrize("identifier", ["a`b", "`", "``x", "a\nb", "\x1b[31m", "<b>", "| a |", "x" * 300])
def test_an_id_cannot_get_out_of_its_code(identifier: str) -> None:
    text = told(added(identifier))
    assert len(text.splitlines()) == 3
    assert code(identifier) in text
    assert "\x1b" not in text


def test_a_contract_that_changed_everywhere_is_not_listed_to_the_end() -> None:
    many = [
        Change(what="column-changed", rule="words-changed", layer="mentions", pointer=f"/c{n}", note="another word")
        for n in range(100)
    ]
    lines = told(*many).splitlines()
    assert lines[2] == "- `mentions` `/c0`: another word."
    assert lines[-1] == "- 70 more changes."
    assert len(lines) == 33


def test_plurals() -> None:
    assert [plural(word) for word in ("article", "story", "essay", "speech", "box")] == [
        "articles", "stories", "essays", "speeches", "boxes",
    ]  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 30)] * 3), min_size=2, max_size=5, unique=True))
def test_entries_written_one_after_the_other_stand_newest_first(numbers: list[tuple[int, int, int]]) -> None:
    text = ""
    for number in sorted(numbers):
        text = with_entry(text, ".".join(map(str, number)), "2026-11-24", BODY)
    assert versions(text) == sorted(versions(text), key=version_key, reverse=True)
    assert len(versions(text)) == len(numbers)
