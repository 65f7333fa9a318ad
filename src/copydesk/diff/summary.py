"""Changes -> what they add up to, in one pass that keeps a few examples and counts the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from copydesk.diff.model import Change, Churn, Side, Summary
from copydesk.diff.rules import RULES
from copydesk.diff.shapes import primary_kind
from copydesk.release.model import articles_table
from copydesk.splits import as_table

_PASSING = {"record-added", "record-withdrawn", "split-moved"}
"""What is counted under its own name; everything else that happens to an article is an edit of it."""


def summarise(changes: Iterable[Change], old: Side, new: Side, *, keep: int) -> Summary:
    """Count the changes, keep the first `keep` of each rule, and see what became of each split.

    The changes of one article must follow one another, as rows.changes gives them.
    """
    summary = Summary()
    primary = primary_kind(new) or primary_kind(old)
    before, after = _articles(old, primary), _articles(new, primary)
    churn = {name: Churn(before=before.get(name, 0), after=after.get(name, 0)) for name in {**before, **after}}
    edited = ""
    for change in changes:
        summary.counts[change.what, change.layer, change.split] += 1
        summary.rules[change.rule] += 1
        if len(examples := summary.forced.setdefault(change.rule, [])) < keep:
            examples.append(change)
        summary.bump = max(summary.bump, RULES[change.rule].bump)
        if change.kind == primary and change.record:
            _count(churn, change, first=change.record != edited)
            edited = edited if change.what in _PASSING or change.rule == "column-added" else change.record
    summary.churn = dict(sorted(churn.items(), key=lambda pair: split_order(pair[0])))
    return summary


def _count(churn: dict[str, Churn], change: Change, *, first: bool) -> None:
    """Count one change of an article; `first`: it is the first edit of it. Values of a new column are no edit."""
    split = churn.setdefault(change.split, Churn())
    if change.what == "record-added":
        split.added += 1
    elif change.what == "record-withdrawn":
        split.withdrawn += 1
    elif change.what == "split-moved":
        split.moved_in += 1
        churn.setdefault(change.old_split, Churn()).moved_out += 1
    elif first and change.rule != "column-added":
        split.edited += 1


def _articles(side: Side, kind: str) -> Mapping[str, int]:
    """Split -> number of its articles: the rows of the records config, or what the ledger says."""
    whole = articles_table(side.tables, kind)
    if whole is not None:
        return {split.name: split.rows for split in whole.splits}
    return as_table(side.ledger).by_split()


def split_order(name: str) -> tuple[int, str]:
    """Sort key of splits: test first, since scores are reported on it; what is trained on last."""
    return {"test": 0, "train": 2}.get(name, 1), name
