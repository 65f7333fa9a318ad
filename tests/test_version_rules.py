"""The rules of the version: one table in code and docs, steps that never shrink, numbers that follow."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import ROOT
from copydesk.diagnostics.codes import CODES
from copydesk.diff.model import Bump
from copydesk.diff.rules import RULES, allows, next_version, required
from copydesk.semver import breaking, is_version, next_breaking

DOC = ROOT / "docs" / "versions.md"
MAJOR = {
    "config-removed", "default-changed", "column-removed", "type-changed", "null-allowed", "null-forbidden",
    "label-removed", "folds-changed",
    "label-moved", "rules-narrowed", "rules-changed", "meaning-changed", "article-removed", "article-renamed",
    "article-moved", "test-text-changed", "test-annotations-changed", "rights-narrowed", "rights-changed",
}  # fmt: skip
PATCH = {"columns-reordered", "words-changed", "order-changed", "rights-reworded", "bytes-changed"}

numbers = st.integers(0, 12)
versions = st.builds("{}.{}.{}".format, numbers, numbers, numbers)
bumps = st.sampled_from(list(Bump))
rule_lists = st.lists(st.sampled_from(sorted(RULES)), max_size=8)


def key(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def table_of_rules() -> str:
    """The table as docs/versions.md must have it."""
    lines = ["| Rule | Step | What changed | Why |", "| --- | --- | --- | --- |"]
    lines += [f"| `{r.id}` | {r.bump.name.lower()} | {r.summary} | {r.reason} |" for r in RULES.values()]
    return "\n".join(lines)


def test_the_docs_have_the_table_of_the_code() -> None:
    found = re.search(r"<!-- rules -->\n(.*?)\n<!-- /rules -->", DOC.read_text(encoding="utf-8"), re.S)
    assert found is not None
    assert found[1] == table_of_rules()


def test_every_rule_speaks_to_users() -> None:
    for rule in RULES.values():
        assert rule.bump is not Bump.NONE
        for words in (rule.summary, rule.reason):
            assert words and "|" not in words and "\n" not in words and not words.endswith("."), rule.id
        assert words[0].islower() or rule.reason[0] == "`", rule.id


def test_what_may_break_a_reader_or_a_score_is_major() -> None:
    for rule in RULES.values():
        wanted = Bump.MAJOR if rule.id in MAJOR else Bump.PATCH if rule.id in PATCH else Bump.MINOR
        assert rule.bump is wanted, rule.id
    assert RULES.keys() >= MAJOR | PATCH


@given(rule_lists, rule_lists)
def test_more_changes_never_ask_for_less(some: list[str], more: list[str]) -> None:
    both = required(some + more)
    assert both == required(more + some) == max(required(some), required(more))
    assert required([]) is Bump.NONE


@pytest.mark.parametrize(
    ("old", "patch", "minor", "major"),
    [
        ("1.2.3", "1.2.4", "1.3.0", "2.0.0"),
        ("1.0.0", "1.0.1", "1.1.0", "2.0.0"),
        ("10.9.9", "10.9.10", "10.10.0", "11.0.0"),
        ("0.3.1", "0.3.2", "0.3.2", "0.4.0"),
        ("0.0.1", "0.0.2", "0.0.2", "0.1.0"),
    ],
)
def test_the_next_version(old: str, patch: str, minor: str, major: str) -> None:
    assert next_version(old, Bump.NONE) == old
    assert [next_version(old, bump) for bump in (Bump.PATCH, Bump.MINOR, Bump.MAJOR)] == [patch, minor, major]


@pytest.mark.parametrize(
    ("old", "new", "bump", "fits"),
    [
        ("1.2.3", "1.2.3", Bump.NONE, True),
        ("1.2.3", "1.2.4", Bump.NONE, True),
        ("1.2.3", "1.2.2", Bump.NONE, False),
        ("1.2.3", "1.2.3", Bump.PATCH, False),
        ("1.2.9", "1.2.10", Bump.PATCH, True),
        ("1.2.3", "1.2.9", Bump.MINOR, False),
        ("1.2.3", "2.0.0", Bump.MINOR, True),
        ("1.2.3", "1.9.0", Bump.MAJOR, False),
        ("1.2.3", "0.9.0", Bump.MAJOR, False),
        ("0.2.3", "0.2.4", Bump.MINOR, True),
        ("0.2.3", "0.2.4", Bump.MAJOR, False),
        ("0.2.3", "0.3.0", Bump.MAJOR, True),
        ("0.2.3", "1.0.0", Bump.MAJOR, True),
    ],
)
def test_what_may_follow(old: str, new: str, bump: Bump, fits: bool) -> None:
    assert allows(old, new, bump) is fits


@given(versions, versions, bumps, bumps)
def test_a_larger_step_is_later_and_allows_less(old: str, new: str, one: Bump, other: Bump) -> None:
    small, large = sorted((one, other))
    assert key(next_version(old, small)) <= key(next_version(old, large))
    assert allows(old, new, small) or not allows(old, new, large)


@given(versions, versions, bumps)
def test_the_next_version_is_the_smallest_that_is_allowed(old: str, new: str, bump: Bump) -> None:
    needed = next_version(old, bump)
    assert allows(old, needed, bump)
    assert allows(old, new, bump) == (key(new) >= key(needed))
    if bump is not Bump.NONE:
        assert key(needed) > key(old)


@given(versions, versions)
def test_the_ledger_and_the_version_agree_on_what_is_breaking(old: str, new: str) -> None:
    """Pins and decisions may move articles exactly if the version is large enough for `article-moved`."""
    bump = RULES["article-moved"].bump
    assert next_breaking(old) == next_version(old, bump)
    if key(new) > key(old):
        assert breaking(old, new) == allows(old, new, bump)


def test_what_is_a_version() -> None:
    assert all(map(is_version, ["0.0.0", "1.20.3", "10.0.0"]))
    assert not any(map(is_version, ["1.0", "v1.0.0", "1.0.0-rc1", "01.0.0", "1.0.0\n", "", "1.0.0.0", "١.0.0"]))


def test_the_words_of_the_docs_are_those_of_the_code() -> None:
    """Codes and rules that the prose names exist."""
    text = DOC.read_text(encoding="utf-8")
    assert set(re.findall(r"\b[A-Z]\d{3}\b", text)) <= CODES.keys()
    for kind in ("article", "rights", "label", "rules"):
        assert set(re.findall(rf"`({kind}-[a-z]+)`", text)) <= RULES.keys()
    assert [bump.name for bump in Bump][1:] == ["PATCH", "MINOR", "MAJOR"]
