"""The rules of the version: which change asks for which step, and why. docs/versions.md shows this table.

After the rules of TFDS (docs/datasets_versioning.md: a major version where existing data changes or a slice returns
other records, a minor one for more features, a patch for the same data) and of Croissant 1.1 ("Dataset Versioning":
edited, removed or shuffled records are major, new ones minor if the old ones can still be retrieved). Where a rule
differs from them, its reason says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from copydesk.diff.model import Bump
from copydesk.semver import is_version, next_breaking, version_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of the table."""

    id: str
    bump: Bump
    summary: str
    reason: str


_MAJOR, _MINOR, _PATCH = Bump.MAJOR, Bump.MINOR, Bump.PATCH

# fmt: off
_TABLE: tuple[Rule, ...] = (
    # the contract
    Rule(id="config-removed", bump=_MAJOR, summary="a config is gone",
         reason="`load_dataset` with its name fails"),
    Rule(id="config-added", bump=_MINOR, summary="there is a new config", reason="nothing that was there changes"),
    Rule(id="default-changed", bump=_MAJOR, summary="another config is the default",
         reason="`load_dataset` without a name gives other rows"),
    Rule(id="column-removed", bump=_MAJOR, summary="a column is gone", reason="code that reads it fails"),
    Rule(id="column-added", bump=_MINOR, summary="there is a new column",
         reason="code that reads columns by name does not see it"),
    Rule(id="columns-reordered", bump=_PATCH, summary="the columns stand in another order",
         reason="columns are read by name"),
    Rule(id="type-changed", bump=_MAJOR, summary="a column has another type, or an integer another width",
         reason="code that reads it fails, and so does joining it with the release before"),
    Rule(id="null-allowed", bump=_MAJOR, summary="a column may now be null",
         reason="code that never met a null meets one"),
    Rule(id="null-forbidden", bump=_MAJOR, summary="a column may no longer be null",
         reason="the contract got narrower: rows of the release before may break it"),
    Rule(id="label-removed", bump=_MAJOR, summary="a label is gone",
         reason="the contract got narrower: rows of the release before may break it, and what a model says of that "
         "label is right no more"),
    Rule(id="label-moved", bump=_MAJOR, summary="labels have other numbers",
         reason="a ClassLabel is stored as a number: a model's outputs would mean other labels"),
    Rule(id="label-added", bump=_MINOR, summary="there is a new label",
         reason="an addition; if it does not stand after the known ones, their numbers change, which is `label-moved`"),
    Rule(id="rules-narrowed", bump=_MAJOR, summary="values that were allowed are not any more",
         reason="the contract got narrower: rows of the release before may break it"),
    Rule(id="rules-widened", bump=_MINOR, summary="values are allowed that were not",
         reason="rows of the release before keep the new contract"),
    Rule(id="rules-changed", bump=_MAJOR, summary="a constraint is another one, neither narrower nor wider as far as "
         "can be told", reason="rows of the release before may break it"),
    Rule(id="meaning-changed", bump=_MAJOR, summary="a column is no longer the span, key, reference or link that it "
         "was", reason="code that follows it goes elsewhere, or nowhere"),
    Rule(id="meaning-added", bump=_MINOR, summary="a column is now said to be a span, key, reference or link",
         reason="a promise more: nobody could rely on it, and nobody loses anything"),
    Rule(id="handling-changed", bump=_MINOR, summary="articles are kept in one split by another column, or another "
         "column is withheld", reason="no row changes by that; articles that move and text that goes have their own "
         "rules"),
    Rule(id="words-changed", bump=_PATCH, summary="a description, or the title or definition of a label, is worded "
         "otherwise, or a constraint says the same in another way", reason="no row and no type changes"),
    # the rows
    Rule(id="article-removed", bump=_MAJOR, summary="an article, or another record, is gone",
         reason="what was trained or scored on it cannot be done again"),
    Rule(id="article-renamed", bump=_MAJOR, summary="an article has another id",
         reason="what was joined to it by id is lost"),
    Rule(id="article-moved", bump=_MAJOR, summary="an article is in another split",
         reason="scores on either split are not comparable, and a test article may have been trained on"),
    Rule(id="folds-changed", bump=_MAJOR, summary="articles are in other folds",
         reason="a score by cross-validation is on other folds"),
    Rule(id="folds-added", bump=_MINOR, summary="there are folds now", reason="nothing that was there changes"),
    Rule(id="article-added", bump=_MINOR, summary="there is a new article, or another new record",
         reason="nothing that was there changes, and the ledger gives back the rows that were there before, by "
         "`since`. TFDS would call it major: the slice returns other records"),
    Rule(id="test-text-changed", bump=_MAJOR, summary="the text of an article outside train changed",
         reason="a score on it is another score"),
    Rule(id="test-annotations-changed", bump=_MAJOR, summary="annotations of an article outside train changed",
         reason="a score on them is another score"),
    Rule(id="train-text-changed", bump=_MINOR, summary="the text of an article of train changed",
         reason="a model trained anew learns something else; no reported score breaks. TFDS and Croissant would call "
         "it major"),
    Rule(id="train-annotations-changed", bump=_MINOR, summary="annotations of an article of train changed",
         reason="a correction: a model trained anew learns something else; no reported score breaks. TFDS and "
         "Croissant would call it major"),
    Rule(id="test-properties-changed", bump=_MINOR, summary="another property of an article outside train changed",
         reason="metadata: nothing that a score is computed from. TFDS and Croissant would call it major"),
    Rule(id="train-properties-changed", bump=_MINOR, summary="another property of an article of train changed",
         reason="metadata. TFDS and Croissant would call it major"),
    Rule(id="order-changed", bump=_PATCH, summary="the same annotations stand in another order",
         reason="an order of annotations says nothing"),
    # rights
    Rule(id="rights-narrowed", bump=_MAJOR, summary="less is allowed with a text, or with the annotation",
         reason="who relied on the permission may have to stop"),
    Rule(id="rights-widened", bump=_MINOR, summary="more is allowed with a text, or with the annotation",
         reason="nobody loses anything"),
    Rule(id="rights-changed", bump=_MAJOR, summary="other terms, neither narrower nor wider as far as can be told",
         reason="who relied on the old ones has to look"),
    Rule(id="rights-reworded", bump=_PATCH, summary="what is said of the rights is worded otherwise",
         reason="what is allowed stays"),
    # bytes
    Rule(id="bytes-changed", bump=_PATCH, summary="the same rows in other bytes, or other prose",
         reason="whoever loads it gets the same"),
)
# fmt: on

RULES: dict[str, Rule] = {rule.id: rule for rule in _TABLE}
"""By id, in the order of the table."""


def required(rules: Iterable[str]) -> Bump:
    """The largest step that any of the rules asks for."""
    return max((RULES[rule].bump for rule in rules), default=Bump.NONE)


def next_version(old: str, bump: Bump) -> str:
    """The smallest version that says that much. SemVer 4: before 1.0.0 a breaking change is a minor step, and
    everything else a patch."""
    assert is_version(old), old
    major, minor, patch = version_key(old)
    if bump is Bump.NONE:
        return old
    if bump is Bump.MAJOR:
        return next_breaking(old)
    if bump is Bump.MINOR and major:
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}"


def allows(old: str, new: str, bump: Bump) -> bool:
    """Whether `new` may follow `old` if the difference asks for that step: it is as late as the smallest such version.

    A version may say more than it must. Two sides that are equal may have the same version.
    """
    assert is_version(new), new
    return version_key(new) >= version_key(next_version(old, bump))
