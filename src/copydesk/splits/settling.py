"""The split of each group that has one already: by pin, decision, ledger or the data. And what speaks against it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from copydesk.decisions import in_force, joint, most, offers, upright
from copydesk.diagnostics import Diagnostic, Place, Severity, lower
from copydesk.grouping import Edge
from copydesk.project import PROJECT_FILE, Decision, Splits
from copydesk.semver import breaking, next_breaking, version_key
from copydesk.splits.ledger import Entry, Ledger
from copydesk.splits.members import Member

SHOWN = 8
"""How many articles or edges a note names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that the split of a group can depend on. `held`: the entries of earlier versions, under the ids of now;
    `last`: the latest of those versions. `pins`: article -> its split and the number of the pin."""

    members: Mapping[str, Member]
    held: Ledger
    given: Mapping[str, str]
    pins: Mapping[str, tuple[str, int]]
    splits: Splits
    version: str
    last: str
    edges: Sequence[Edge] = ()

    @property
    def may_move(self) -> bool:
        """Whether this version says that articles may have moved."""
        return not self.last or breaking(self.last, self.version)

    @property
    def moves(self) -> list[tuple[int, Decision]]:
        """The decisions to move that were made since the last version."""
        now, then = version_key(self.version), version_key(self.last) if self.last else ()
        decisions = enumerate(self.splits.decisions)
        return [(n, d) for n, d in decisions if d.choice == "move" and then < version_key(d.version) <= now]

    def fold_of(self, identifier: str) -> int | None:
        """The fold that an article is in since an earlier version, if there are as many of them now."""
        entry = self.held.get(identifier)
        return entry.fold if entry is not None and entry.folds == self.splits.folds else None


@dataclass(slots=True, kw_only=True)
class Settled:
    """`splits`: component -> split, for the groups that have one. `folds`: likewise, where a decision or a pin joins
    folds. `used`: the numbers of the decisions that decided something. `because`: why a component's split is none that
    time or ratios explain: a pin, a decision, or the data."""

    splits: dict[str, str] = field(default_factory=dict)
    folds: dict[str, int] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)
    because: dict[str, str] = field(default_factory=dict)
    found: list[Diagnostic] = field(default_factory=list)
    overruled: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def settle_groups(components: Mapping[str, Sequence[str]], now: Situation) -> Settled:
    """The split of every group that something speaks for."""
    out = Settled()
    moves: dict[str, list[int]] = defaultdict(list)
    for number, decision in now.moves:
        for article in decision.articles:
            moves[article].append(number)
    conflicts: list[str] = []
    for component, ids in sorted(components.items()):
        homes = {i: now.held[i].split for i in ids if i in now.held}
        given = {i: now.given[i] for i in ids if i in now.given}
        pinned = sorted({now.pins[i][0] for i in ids if i in now.pins})
        decided = sorted({number for i in ids if i in moves for number in moves[i]})
        disagree = _disagree(ids, homes, given, now)
        if pinned:
            out.splits[component], out.because[component] = pinned[0], "pin"
            out.found.extend(_pinned(ids, pinned, now))
        elif decided and disagree:
            out.splits[component], out.because[component] = now.splits.decisions[decided[0]].to, "decision"
            out.used.update(decided)
            out.found.extend(_decided(ids, decided, now))
        elif disagree == "given":
            if winner := next((name for name in now.splits.prefer if name in given.values()), ""):
                out.splits[component], out.because[component] = winner, "given"
                out.overruled["prefer"].extend(i for i in given if given[i] != winner)
            else:
                conflicts.append(component)
                out.splits[component] = most(given.values(), list(now.splits.ratios))
        elif homes:
            out.splits[component] = most(homes.values(), list(now.splits.ratios))
            if disagree:
                conflicts.append(component)
            elif given:
                out.because[component] = "given"
                out.overruled["ledger"].extend(i for i in given if given[i] != out.splits[component])
        elif given:
            out.splits[component], out.because[component] = next(iter(given.values())), "given"
        if component in out.because and disagree:
            _join_folds(component, ids, now, out)
    out.found.extend(_conflicts(components, conflicts, now))
    return out


def _disagree(ids: Sequence[str], homes: Mapping[str, str], given: Mapping[str, str], now: Situation) -> str:
    """Where the articles of a group are apart: "split" or "fold" in an earlier release, else "given" by the data."""
    if len(set(homes.values())) > 1:
        return "split"
    if len({now.fold_of(i) for i in ids} - {None}) > 1:
        return "fold"
    return "given" if not homes and len(set(given.values())) > 1 else ""


def _join_folds(component: str, ids: Sequence[str], now: Situation, out: Settled) -> None:
    """Articles of several folds that are to be together: in the fold where most of them are."""
    split = out.splits[component]
    folds = Counter(now.fold_of(i) for i in ids if now.fold_of(i) is not None and now.held[i].split == split)
    if len(folds) > 1:
        out.folds[component] = min((f for f in folds if f is not None), key=lambda f: (-folds[f], f))


def _pinned(ids: Sequence[str], pinned: Sequence[str], now: Situation) -> Iterator[Diagnostic]:
    """L004 for a group whose pins disagree, L005 for articles that a pin takes out of their split."""
    number = max(now.pins[i][1] for i in ids if i in now.pins)
    if len(pinned) > 1:
        message = f"the group of {ids[0]} is pinned to {' and '.join(pinned)}"
        notes = [f"{i} is pinned to {now.pins[i][0]}" for i in ids if i in now.pins]
        yield _at(f"/splits/pin/{number}/articles", "L004", message, notes)
    number = next(now.pins[i][1] for i in ids if i in now.pins)
    yield from _moves(f"/splits/pin/{number}/articles", "the pin", ids, pinned[0], now)


def _decided(ids: Sequence[str], decided: Sequence[int], now: Situation) -> Iterator[Diagnostic]:
    """L004 for decisions about one group that disagree, L005 for articles that one takes out of their split."""
    targets = sorted({now.splits.decisions[n].to for n in decided})
    if len(targets) > 1:
        message = f"decisions move the group of {ids[0]} to {' and to '.join(targets)}"
        yield _at(f"/splits/decision/{decided[-1]}", "L004", message)
    to = now.splits.decisions[decided[0]].to
    yield from _moves(f"/splits/decision/{decided[0]}", "the decision", ids, to, now)


def _moves(pointer: str, what: str, ids: Sequence[str], split: str, now: Situation) -> Iterator[Diagnostic]:
    """L005 for articles that leave their split or their fold: an error unless the version says so."""
    origins: dict[str, list[str]] = defaultdict(list)
    for i in ids:
        if i in now.held and now.held[i].split != split:
            origins[now.held[i].split].append(i)
    parts = [f"{_named(moved)} from {origin}" for origin, moved in sorted(origins.items())]
    here = Counter(now.fold_of(i) for i in ids if i in now.held and now.held[i].split == split)
    if not parts and len(here.keys() - {None}) > 1:
        parts = [f"{_named([i for i in ids if now.fold_of(i) is not None])} into one fold"]
        message = f"{what} moves {parts[0]}"
    elif parts:
        message = f"{what} moves {' and '.join(parts)} to {split}"
    else:
        return
    raised = f"this needs version {next_breaking(now.last)} or later" if now.last else None
    found = _at(pointer, "L005", message, help_text=raised if what == "the decision" else None)
    yield lower(found, Severity.NOTE) if now.may_move else found


def _named(ids: Sequence[str], most_of_them: int = 5) -> str:
    more = f" and {len(ids) - most_of_them} more" if len(ids) > most_of_them else ""
    return ", ".join(ids[:most_of_them]) + more


def _conflicts(
    components: Mapping[str, Sequence[str]], conflicts: Sequence[str], now: Situation
) -> Iterator[Diagnostic]:
    """L002 for groups whose articles an earlier release put apart, L014 for those that the data put apart."""
    wanted = {i: component for component in conflicts for i in components[component]}
    inside: dict[str, list[Edge]] = defaultdict(list)
    for edge in now.edges if wanted else ():
        if edge.left in wanted:
            inside[wanted[edge.left]].append(edge)
    for component in conflicts:
        ids, edges = components[component], upright(inside[component])
        homes = {i: now.held[i].split for i in ids if i in now.held}
        if not homes:
            yield _given_apart(ids, edges, now)
        elif len(set(homes.values())) > 1:
            yield _held_apart(ids, homes, "splits", edges, now)
        else:
            folds = {i: f"fold {now.fold_of(i)}" for i in ids if now.fold_of(i) is not None}
            yield _held_apart(ids, folds, "folds", edges, now)


def _held_apart(
    ids: Sequence[str], homes: Mapping[str, str], what: str, edges: Sequence[Edge], now: Situation
) -> Diagnostic:
    found = joint(ids, homes, edges)
    notes = ["; ".join(_stands(i, homes[i], now.held[i]) for i in _some(homes))]
    notes += [f"and {len(homes) - SHOWN} more"] if len(homes) > SHOWN else []
    notes += _why(found.way or edges)
    arriving = [i for i in found.articles if i not in now.held]
    if arriving:
        notes.append(f"{_named(arriving, SHOWN)} {'joins' if len(arriving) == 1 else 'join'} what was apart")
    elif found.way:
        notes.append("no arriving article joins them: a link, a key or a text changed")
    to = most((now.held[i].split for i in homes), list(now.splits.ratios))
    found = found if found.articles else replace(found, articles=tuple(sorted(homes)[-1:]))
    help_text = offers(
        found, sorted(homes), to, now.version, now.last,
        new=all(i not in now.held for i in found.articles), more=bool(now.splits.decisions),
    )  # fmt: skip
    notes += ["a decision to move articles that are out needs a version that says so: "
              f"{next_breaking(now.last)} or later"] if not now.may_move else []  # fmt: skip
    message = f"the group of {ids[0]} would straddle {what}"
    return _at("/splits", "L002", message, notes, help_text)


def _stands(identifier: str, home: str, entry: Entry) -> str:
    former = f", as {entry.formerly}" if entry.formerly else ""
    return f"{identifier} is in {home} since {entry.since}{former}"


def _some(homes: Mapping[str, str]) -> list[str]:
    """A few articles, some of each home."""
    by_home: dict[str, list[str]] = defaultdict(list)
    for identifier in sorted(homes):
        by_home[homes[identifier]].append(identifier)
    each = max(1, SHOWN // len(by_home))
    return sorted(i for ids in by_home.values() for i in ids[:each])


def _given_apart(ids: Sequence[str], edges: Sequence[Edge], now: Situation) -> Diagnostic:
    given = {i: now.given[i] for i in ids if i in now.given}
    found = joint(ids, given, edges)
    usual = most(given.values(), list(now.splits.ratios))
    odd = next(i for i in sorted(given) if given[i] != usual)
    notes = [f"{i} is given {given[i]}{_where(now.members[i])}" for i in _some(given)]
    notes += _why(found.way or edges)
    names = [name for name in now.splits.ratios if name in given.values()]
    help_text = offers(
        found if found.articles else replace(found, articles=(odd,)), sorted(given), usual, now.version, now.last,
        new=True, more=bool(now.splits.decisions),
    )  # fmt: skip
    order = ", ".join(f'"{name}"' for name in reversed(names))
    message = f"the data put the group of {ids[0]} into {' and '.join(names)}"
    place = now.members[odd].place or Place(file=PROJECT_FILE, pointer="/splits")
    help_text = f"say under [splits] which split wins, for all such groups: prefer = [{order}]; or {help_text}"
    return Diagnostic(code="L014", place=place, message=message, notes=tuple(notes), help=help_text)


def _where(member: Member) -> str:
    return f" ({member.place.file}:{member.place.line or 1})" if member.place is not None else ""


def _why(edges: Iterable[Edge]) -> list[str]:
    """What holds a group together, the first few edges of it."""
    shown = list(edges)
    notes = [f"{edge.left} and {edge.right} belong together: {edge.why}" for edge in shown[:SHOWN]]
    return notes + ([f"and {len(shown) - SHOWN} more such pairs"] if len(shown) > SHOWN else [])


def overruled(settled: Settled, now: Situation) -> Iterator[Diagnostic]:
    """L014 as a note: splits that the data give and that do not count, because of `prefer` or of the ledger."""
    if ids := sorted(settled.overruled["prefer"]):
        message = f"{len(ids)} articles are not in the split that the data give them, since they belong to others"
        notes = [f"{i} is given {now.given[i]}{_where(now.members[i])}" for i in ids[:SHOWN]]
        notes += [f"and {len(ids) - SHOWN} more"] if len(ids) > SHOWN else []
        yield lower(_at("/splits/prefer", "L014", message, notes, "this is what `prefer` is for"), Severity.NOTE)
    if ids := sorted(settled.overruled["ledger"]):
        message = f"{len(ids)} articles stay in their split, although the data give them another"
        notes = []
        for i in ids[:SHOWN]:
            home = f"it is in {now.held[i].split} since {now.held[i].since}" if i in now.held else "its group is held"
            notes.append(f"{i} is given {now.given[i]}; {home}")
        notes += [f"and {len(ids) - SHOWN} more"] if len(ids) > SHOWN else []
        help_text = "a pin in a version that may move articles moves them"
        yield lower(_at("/splits/given", "L014", message, notes, help_text), Severity.NOTE)


def idle_decisions(
    now: Situation, used: Set[int], left_out: Set[str], whole: Mapping[str, str] | None
) -> Iterator[Diagnostic]:
    """L009: decisions of this version that name what is not there or decide nothing, and those of later versions."""
    for number, decision in enumerate(now.splits.decisions):
        if decision.choice != "quarantine" and version_key(decision.version) > version_key(now.version):
            message = f"the decision is for version {decision.version}; it decides nothing in {now.version}"
            yield _at(f"/splits/decision/{number}", "L009", message)
        if decision.version != now.version:
            continue
        unknown = [i for i in decision.articles if i not in now.members and i not in left_out]
        if unknown:
            message = f"the decision names {_named([repr(i) for i in unknown])}, which is no article of this dataset"
            yield _at(f"/splits/decision/{number}", "L009", message)
        elif decision.choice == "move" and number not in used:
            message = f"nothing is to be moved: no group of {_named(decision.articles)} would straddle splits"
            yield _at(f"/splits/decision/{number}", "L009", message)
        elif decision.choice == "accept" and whole is not None and not _parts(decision.articles, whole):
            message = f"nothing is to be accepted: {_named(decision.articles)} belongs to no other article"
            yield _at(f"/splits/decision/{number}", "L009", message)


def _parts(articles: Sequence[str], whole: Mapping[str, str]) -> bool:
    """Whether some of the articles would be in one group with others."""
    listed = set(articles)
    groups = {whole[i] for i in articles if i in whole}
    return any(group in groups and i not in listed for i, group in whole.items())


def accepted(now: Situation) -> Iterator[Diagnostic]:
    """L005 for decisions that set released articles apart from what they belong to, in a version too small for it."""
    for number, decision in in_force(now.splits, now.version, "accept"):
        # what an earlier release had together is news, whatever version the decision gives itself
        released = [i for i in decision.articles if i in now.held and not now.held[i].apart]
        if released:
            message = f"the decision sets {_named(released)} apart from what belongs together"
            help_text = f"an earlier release has it: this needs version {next_breaking(now.last)} or later"
            found = _at(f"/splits/decision/{number}", "L005", message, help_text=help_text)
            yield lower(found, Severity.NOTE) if now.may_move else found


def _at(pointer: str, code: str, message: str, notes: Sequence[str] = (), help_text: str | None = None) -> Diagnostic:
    place = Place(file=PROJECT_FILE, pointer=pointer)
    return Diagnostic(code=code, place=place, message=message, notes=tuple(notes), help=help_text)
