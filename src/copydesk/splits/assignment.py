"""Groups -> splits and the new ledger: what is held holds, what is new falls, and what moves is said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from decimal import Decimal

from copydesk.decisions import in_force, most
from copydesk.diagnostics import Diagnostic, Place
from copydesk.grouping import Edge
from copydesk.project import PROJECT_FILE, Pin, Splits
from copydesk.semver import version_key
from copydesk.splits.falls import Lot, Placed, fall
from copydesk.splits.folds import deal, dealt_anew
from copydesk.splits.groups import name_groups, renamed
from copydesk.splits.ledger import Entry, Ledger, as_released, newest, standing, versions_of
from copydesk.splits.members import Member, given_splits, instant, unusable
from copydesk.splits.settling import Settled, Situation, accepted, idle_decisions, overruled, settle_groups
from copydesk.splits.shares import NOTHING, Beside, Share, drifted, shares_among


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """The new ledger, what there is to say of it, and the shares of the splits: of all articles, and by stratum."""

    ledger: Ledger
    found: list[Diagnostic]
    drift: Mapping[str, Share] = field(default_factory=dict)
    strata: Mapping[str, Mapping[str, Share]] = field(default_factory=dict)


def settle(
    groups: Mapping[str, str],
    members: Mapping[str, Member],
    ledger: Ledger,
    splits: Splits,
    version: str,
    edges: Iterable[Edge] = (),
    *,
    previous: str = "",
    left_out: Set[str] = frozenset(),
    whole: Mapping[str, str] | None = None,
    beside: Beside = NOTHING,
) -> Assigned:
    """Give every article its split: by pin, else by decision, ledger or the data, else as [splits] has groups fall.

    `groups`: article -> component. Entries of this same version are made anew, since nothing of it is out yet; those
    of earlier versions hold. `edges` say why a group is one. `previous`: the version released before, where it is
    known; the ledger only knows versions that changed it. `left_out`: articles that are among the sources and not
    released. `whole`: the groups as they would be if no decision accepted anything, to tell whether one does. `beside`:
    articles of which nothing is to be settled (plain.py); they count in the shares.
    """
    if (newer := newest([*versions_of(ledger), version])) != version:
        message = f"the ledger knows version {newer}; {version} is older"
        other = settle(groups, members, ledger, splits, newer, edges, left_out=left_out)
        return replace(other, found=[_at_splits("L006", message)])
    known, found = renamed(as_released(ledger, version), members, left_out)
    found += unusable(members, splits)
    now, wrong = _situation(groups, members, known, splits, version, previous, left_out)
    now = replace(now, edges=tuple(edges), splits=replace(splits, by="hash") if _cannot_fall(found) else splits)
    components: dict[str, list[str]] = defaultdict(list)
    for identifier in sorted(groups):
        components[groups[identifier]].append(identifier)
    settled = settle_groups(components, now)
    lots = {component: _lot(component, ids, now) for component, ids in components.items()}
    placed = [_placed(lots[c], components[c], split, settled, now) for c, split in sorted(settled.splits.items())]
    new = [lots[component] for component in sorted(components) if component not in settled.splits]
    settled.splits.update(fall(new, placed, now.splits))
    made = _set_apart(_entries(components, known, settled, deal(components, lots, settled, now), now), now)
    found += [*wrong, *settled.found, *dealt_anew(components, settled, now), *accepted(now), *overruled(settled, now)]
    found += idle_decisions(now, settled.used, left_out, whole)
    drift = shares_among((e.split for i, e in made.items() if i in groups), splits, beside)
    found += drifted(components, settled, drift, beside)
    return Assigned(ledger=made, found=found, drift=drift, strata=_strata(made, now) if splits.stratify else {})


def _situation(
    groups: Mapping[str, str],
    members: Mapping[str, Member],
    known: Ledger,
    splits: Splits,
    version: str,
    previous: str,
    left_out: Set[str],
) -> tuple[Situation, list[Diagnostic]]:
    """What the split of a group can depend on, and what is wrong with the pins."""
    pins, found = _pins(splits.pins, groups, left_out)
    past = [v for v in (*versions_of(known), previous) if v and version_key(v) < version_key(version)]
    now = Situation(
        members=members,
        held={i: e for i, e in known.items() if i in groups},
        given=given_splits(members, splits.ratios),
        pins=pins,
        splits=splits,
        version=version,
        last=newest(past),
    )
    return now, found


def _cannot_fall(found: Iterable[Diagnostic]) -> bool:
    """Whether articles lack what their fall goes by. The build stops at that; the rest is to be said as well."""
    return any(d.code == "L010" for d in found)


def _pins(
    pins: Sequence[Pin], groups: Mapping[str, str], left_out: Set[str]
) -> tuple[dict[str, tuple[str, int]], list[Diagnostic]]:
    """Article -> the split that it is pinned to, and the number of the pin."""
    pinned: dict[str, tuple[str, int]] = {}
    found = []
    for number, pin in enumerate(pins):
        place = Place(file=PROJECT_FILE, pointer=f"/splits/pin/{number}/articles")
        for identifier in pin.articles:
            if identifier in left_out:
                continue  # why it is has been said
            if identifier not in groups:
                message = f"the pin names {identifier!r}, which is no article of this dataset"
                found.append(Diagnostic(code="L003", place=place, message=message))
            elif pinned.setdefault(identifier, (pin.split, number))[0] != pin.split:
                message = f"{identifier} is pinned to {pinned[identifier][0]} and {pin.split}"
                found.append(Diagnostic(code="L004", place=place, message=message))
    return pinned, found


def _lot(component: str, ids: Sequence[str], now: Situation) -> Lot:
    """The group as its split depends on it. A group that earlier versions have stands where they had it: articles that
    join it make it no later."""
    stratum = most((now.members[i].stratum for i in ids), ()) if now.splits.stratify else ""
    time = Decimal(0)
    if now.splits.by == "time":
        telling = [i for i in ids if i in now.held] or ids
        read = [instant(now.members[i].time) for i in telling]
        time = max(found[1] for found in read if found is not None)
    return Lot(key=component, size=len(ids), stratum=stratum, time=time)


def _placed(lot: Lot, ids: Sequence[str], split: str, settled: Settled, now: Situation) -> Placed:
    """A group that has its split. One that was put there against its time says nothing of others."""
    entries = [now.held[i] for i in ids if i in now.held]
    moved = any(entry.moved for entry in entries)
    return Placed(lot=lot, split=split, dated=lot.key not in settled.because and not moved)


def _entries(
    components: Mapping[str, Sequence[str]], known: Ledger, settled: Settled, folds: Mapping[str, int], now: Situation
) -> dict[str, Entry]:
    """The new ledger. Articles that are gone stay with their group: where it moves, they move, and would come back."""
    gone = {i: e for i, e in known.items() if i not in now.held}
    names = name_groups(components, now.held, gone)
    origins = {c: {now.held[i].split for i in ids if i in now.held} for c, ids in components.items()}
    made: dict[str, Entry] = {}
    for identifier, entry in gone.items():
        component, group, split = names.owner.get(entry.group), entry.group, entry.split
        keeps = now.splits.folds is not None and entry.folds == now.splits.folds
        fold = entry.fold if keeps else None
        if component is not None:
            group = names.of[component]
            split = settled.splits[component] if split in origins[component] else split
            fold = folds.get(component) if split == settled.splits[component] else fold
        count = now.splits.folds if fold is not None else None
        stood = standing(entry, now.version, group=group, split=split, fold=fold, folds=count)
        made[identifier] = replace(stood, released=False)
    for component, ids in components.items():
        split, group, fold = settled.splits[component], names.of[component], folds.get(component)
        count = now.splits.folds if fold is not None else None
        for i in ids:
            digest, held = now.members[i].digest, now.held.get(i)
            if held is None:
                made[i] = Entry(
                    id=i, group=group, split=split, since=now.version, digest=digest, fold=fold, folds=count
                )  # fmt: skip
            else:
                stood = standing(held, now.version, group=group, split=split, fold=fold, folds=count)
                same = stood.released and stood.digest == digest
                made[i] = stood if same else replace(stood, digest=digest, released=True)
    return made


def _set_apart(made: dict[str, Entry], now: Situation) -> dict[str, Entry]:
    """The ledger with the articles that a decision sets apart, each since the version that did it first."""
    apart = {i for _, decision in in_force(now.splits, now.version, "accept") for i in decision.articles}
    for identifier, entry in made.items():
        since = (entry.apart or now.version) if identifier in apart else ""
        if entry.apart != since:
            made[identifier] = replace(entry, apart=since)
    return made


def _strata(made: Ledger, now: Situation) -> dict[str, dict[str, Share]]:
    found: dict[str, list[str]] = defaultdict(list)
    for identifier, member in now.members.items():
        found[member.stratum].append(made[identifier].split)
    return {stratum: shares_among(found[stratum], now.splits) for stratum in sorted(found)}


def _at_splits(code: str, message: str) -> Diagnostic:
    return Diagnostic(code=code, place=Place(file=PROJECT_FILE, pointer="/splits"), message=message)
