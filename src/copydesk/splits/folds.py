"""Folds for cross-validation: the articles of the first split, whole groups, each for good in one of k."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from copydesk.diagnostics import Diagnostic, Place, Severity, lower
from copydesk.project import PROJECT_FILE
from copydesk.semver import next_breaking
from copydesk.splits.falls import Lot, in_order
from copydesk.splits.settling import Settled, Situation


def deal(
    components: Mapping[str, Sequence[str]], lots: Mapping[str, Lot], settled: Settled, now: Situation
) -> dict[str, int]:
    """Component -> its fold, for the groups of the first split. New groups fill the emptiest fold: of those with the
    fewest articles of the group's stratum the one with the fewest articles."""
    count = now.splits.folds
    if count is None:
        return {}
    first = next(iter(now.splits.ratios))
    inside = {c: ids for c, ids in components.items() if settled.splits[c] == first}
    dealt: dict[str, int] = {}
    for component, ids in inside.items():
        held = sorted({fold for i in ids if (fold := now.fold_of(i)) is not None and now.held[i].split == first})
        if held:
            dealt[component] = settled.folds.get(component, held[0])
    total: Counter[int] = Counter()
    strata: Counter[tuple[str, int]] = Counter()

    def put(lot: Lot, fold: int) -> None:
        dealt[lot.key] = fold
        total[fold] += lot.size
        strata[lot.stratum, fold] += lot.size

    for component, fold in list(dealt.items()):
        put(lots[component], fold)
    for lot in in_order((lots[c] for c in inside if c not in dealt), now.splits):
        put(lot, min(range(count), key=lambda fold: (strata[lot.stratum, fold], total[fold], fold)))
    return dealt


def dealt_anew(components: Mapping[str, Sequence[str]], settled: Settled, now: Situation) -> Iterator[Diagnostic]:
    """L005 for articles that lose their fold though they stay in their split, since there are to be more folds, fewer
    or none, or folds of another split. An error unless the version says so."""
    first, count = next(iter(now.splits.ratios)), now.splits.folds
    lost = [
        entry
        for component, ids in sorted(components.items())
        for i in ids
        if (entry := now.held.get(i)) is not None
        and entry.fold is not None
        and entry.split == settled.splits[component]
        and (entry.folds != count or entry.split != first)
    ]
    if not lost:
        return
    before = f"the {lost[0].folds} folds of {lost[0].split}"
    what = f"{count} folds of {first}" if count is not None else "no folds"
    message = f"{what} instead of {before}: {len(lost)} articles leave their fold"
    help_text = f"this needs version {next_breaking(now.last)} or later" if now.last else None
    place = Place(file=PROJECT_FILE, pointer="/splits/folds")
    found = Diagnostic(code="L005", place=place, message=message, help=help_text)
    yield lower(found, Severity.NOTE) if now.may_move else found
