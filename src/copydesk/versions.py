"""The version check: is the step from the release before to this one as large as what changed between them?

Not here: what a change is and which step it asks for (diff/), and how a version is set (bumping.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from copydesk.diagnostics import Diagnostic, Place, Severity, lower
from copydesk.diff.contract import contract_changes
from copydesk.diff.model import Bump, Change, Side, Summary
from copydesk.diff.rows import changes as row_changes
from copydesk.diff.rules import RULES, Rule, allows, next_version
from copydesk.diff.summary import summarise
from copydesk.previous import Before, Known, known_versions, previous_release, tombstones_of, yanks_of
from copydesk.project import Project
from copydesk.release.entry import Tally
from copydesk.semver import version_key
from copydesk.splits import Entry, Ledger, as_table, differing

EXAMPLES = 3
"""How many changes a reason names; the rest is counted."""

NOTE = 100
"""Characters that are shown of what is said of a change of the contract."""

Where = Callable[[str, str, str], Place | None]
"""(kind, id, JSON pointer) -> the place in the annotator's own file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What differs from one earlier version."""

    base: str
    summary: Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How a new side differs from what was before, and what that asks of its version.

    `parts`: the difference to the release before, if it is here; what the ledger tells of the last version, if that
    is another. None for a first release. `needed` is the smallest version; empty if any will do. `tally` counts the
    changes of the first part. `forced`: what asks for a breaking version although it is no difference of rows, such as
    a decision about a group. `where` gives places in the sources.
    """

    before: Before
    parts: tuple[Part, ...]
    tally: Tally
    needed: str
    where: Where
    forced: tuple[str, ...] = ()

    @property
    def base(self) -> str:
        """The version that the new one is held against; empty for a first release."""
        return self.parts[0].base if self.parts else ""

    @property
    def bump(self) -> Bump:
        """The largest step that any change asks for."""
        return max([self._least, *(part.summary.bump for part in self.parts)])

    @property
    def _least(self) -> Bump:
        return Bump.MAJOR if self.forced else Bump.NONE

    @property
    def whole(self) -> bool:
        """Whether the last version itself was compared with, and not only what the ledger tells of it."""
        side = self.before.side
        return side is not None and len(self.parts) == 1

    def allows(self, version: str) -> bool:
        """Whether a version is new, and a step that is large enough."""
        newest = self.before.known.newest
        later = not newest or version_key(version) > version_key(newest)
        return later and all(allows(part.base, version, max(part.summary.bump, self._least)) for part in self.parts)

    def reasons(self, version: str) -> list[str]:
        """What the step to a version is too small for: each rule with its first changes, the weightiest first."""
        out: list[str] = []
        for part in self.parts:
            forcing = [rule for rule in RULES.values() if not allows(part.base, version, rule.bump)]
            out.extend(_reasons(part.summary, self.where, forcing))
            out.extend(f"major: {reason}" for reason in self.forced if not allows(part.base, version, Bump.MAJOR))
        return out

    def weightiest(self) -> list[str]:
        """What asks for the largest step."""
        forcing = [rule for rule in RULES.values() if rule.bump == self.bump]
        found = [reason for part in self.parts for reason in _reasons(part.summary, self.where, forcing)]
        return [*(f"major: {reason}" for reason in self.forced), *found]


def _reasons(summary: Summary, where: Where, rules: Iterable[Rule]) -> Iterator[str]:
    forcing = [rule for rule in rules if summary.rules[rule.id]]
    for rule in sorted(forcing, key=lambda rule: -rule.bump):
        examples = summary.forced[rule.id][:EXAMPLES]
        shown = "; ".join(_words(change, where) for change in examples)
        more = summary.rules[rule.id] - len(examples)
        rest = f"; and {more:,} more" if more > 0 else ""
        yield f"{rule.bump.name.lower()}, {rule.summary} ({rule.id}): {shown}{rest}"


def check_number(project: Project) -> list[Diagnostic]:
    """R016 if the version was yanked. Needs no data, so `check` says it too."""
    yanked, found = yanks_of(project)
    version = project.dataset.version
    if version not in yanked:
        return found
    yank = yanked[version]
    message = f"{version} was yanked on {yank.date}: {yank.reason}"
    return [*found, Diagnostic(code="R016", place=project.place("/dataset/version"), message=message)]


def check_version(new: Side, project: Project, ledger: Ledger, scratch: Path) -> list[Diagnostic]:
    """R014 if the version of `new` is too small a step, R015 if only the ledger could be compared, R016 if the version
    was yanked.

    `ledger` is the one that was there before this build, `new.ledger` the one that it made. `scratch` is a folder that
    goes away. In a draft R014 is a warning: nobody relies on a draft yet.
    """
    found = check_number(project)
    judged, others = judge(new, project, ledger, scratch, before=project.dataset.version)
    found.extend(others)
    for problem in chain(
        too_small(judged, project.dataset.version, project.place("/dataset/version")), _without_the_withdrawn(project)
    ):
        found.append(lower(problem, Severity.WARNING) if project.release.draft else problem)
    return found


def too_small(judged: Judged, version: str, place: Place) -> Iterator[Diagnostic]:
    """R014 unless a version is new, and a step that is large enough."""
    if judged.allows(version):
        return
    newest, base = judged.before.known.newest, judged.base
    if version_key(version) <= version_key(newest):
        message = f"{version} is not later than {newest}: {judged.needed} is needed at least"
    else:
        message = f"{version} is too small a step from {base}: {judged.needed} is needed at least"
    notes = judged.reasons(version)
    if notes and version_key(base)[0] == 0:
        notes.append("before 1.0.0 a major change is a step of the second number, everything else of the third")
    yield Diagnostic(code="R014", place=place, message=message, notes=tuple(notes))


def _without_the_withdrawn(project: Project) -> Iterator[Diagnostic]:
    """R014 for a version that was out with articles that were withdrawn since: what is built now would be another."""
    version = project.dataset.version
    tombstones, _ = tombstones_of(project)  # what is wrong with the list is said where it leaves articles out
    gone = sorted(t.id for t in tombstones.values() if version in t.releases)
    if gone:
        message = f"{version} held {', '.join(gone[:EXAMPLES])}, which {'was' if len(gone) == 1 else 'were'} withdrawn"
        yield Diagnostic(code="R014", place=project.place("/dataset/version"), message=message)


def judge(
    new: Side,
    project: Project,
    ledger: Ledger,
    scratch: Path,
    before: str | None = None,
    forced: tuple[str, ...] = (),
) -> tuple[Judged, list[Diagnostic]]:
    """What changed since the release before the version `before` (None: the newest), and the version that it needs."""
    previous = previous_release(project, known_versions(project, ledger), scratch, before)
    known, side, tally = previous.known, previous.side, Tally()
    parts = []
    if side is not None:
        parts.append(Part(base=side.version, summary=compare(side, new, tally)))
    if known.last and (side is None or version_key(side.version) < version_key(known.last)):
        old = replace(new, version=known.last, tables=(), ledger=_standing(ledger, known))
        traces = ledger_changes(old.ledger, new.ledger, project.kinds[0])
        summary = summarise(traces if parts else tally.watch(traces), old, new, keep=EXAMPLES)
        parts.append(Part(base=known.last, summary=summary))
    judged = Judged(before=previous, parts=tuple(parts), tally=tally, needed="", where=new.where, forced=forced)
    return replace(judged, needed=_needed(judged)), list(previous.found)


def provisional(current: str, newest: str) -> str:
    """The version with which the sources are put into splits to see what they would be in the next release.

    One that allows every move: with the version that is out, its own articles would be dealt anew, and with a small
    step a pin that moves an article would stop the work before anybody can be told that it asks for a major one.
    """
    if not newest:
        return current
    breaking = next_version(newest, Bump.MAJOR)
    return max(current, breaking, key=version_key)


def _needed(judged: Judged) -> str:
    """The smallest version that is allowed; empty if none was before."""
    newest = judged.before.known.newest
    steps = (Bump.PATCH, Bump.MINOR, Bump.MAJOR)
    bases = [newest, *(part.base for part in judged.parts)]
    candidates = {next_version(base, step) for base in bases if base for step in steps}
    return min((v for v in candidates if judged.allows(v)), key=version_key, default="")


def compare(old: Side, new: Side, tally: Tally) -> Summary:
    """The whole difference of two sides, summed up; each change is counted in `tally`."""
    found = chain(contract_changes(old.types, new.types), row_changes(old, new))
    return summarise(tally.watch(found), old, new, keep=EXAMPLES)


def ledger_changes(old: Ledger, new: Ledger, kind: str) -> Iterator[Change]:
    """What two ledgers tell of the articles: which came, went, moved or got another id or text."""
    old, new = differing(as_table(old), as_table(new))
    known = {entry.id: entry for entry in old.values() if entry.released}
    here = {entry.id: entry for entry in new.values() if entry.released}
    renamed: dict[str, str] = {}
    moved_on: set[str] = set()
    for identifier in sorted(here.keys() - known.keys()):
        former = here[identifier].formerly
        if former in known and former not in here and former not in moved_on:
            renamed[identifier] = former
            moved_on.add(former)
    for identifier in sorted(known.keys() | here.keys()):
        before = known.get(renamed.get(identifier, identifier))
        after = here.get(identifier)
        if after is None:
            if before is not None and identifier not in moved_on:
                yield Change(what="record-withdrawn", rule="article-removed", kind=kind, record=identifier,
                             split=before.split)  # fmt: skip
        elif before is None:
            yield Change(what="record-added", rule="article-added", kind=kind, record=identifier, split=after.split)
        else:
            yield from _traces(before, after, kind)


def _traces(before: Entry, after: Entry, kind: str) -> Iterator[Change]:
    if before.id != after.id:
        yield Change(what="record-renamed", rule="article-renamed", kind=kind, record=after.id, split=after.split,
                     old=before.id, new=after.id)  # fmt: skip
    if before.split != after.split:
        yield Change(what="split-moved", rule="article-moved", kind=kind, record=after.id, split=after.split,
                     old_split=before.split)  # fmt: skip
    if before.digest != after.digest:
        rule = "train-text-changed" if before.split == "train" else "test-text-changed"
        yield Change(what="text-edited", rule=rule, kind=kind, record=after.id, split=after.split)


def _standing(ledger: Ledger, known: Known) -> Ledger:
    """The entries of articles that an earlier version brought which still stands."""
    versions = frozenset(known.versions) - known.yanked
    return as_table(ledger).of_versions(versions)


def _words(change: Change, where: Where) -> str:
    """One change for a person: what it is about and where it stands, and nothing of what is written there."""
    if not change.record:
        about = " ".join(part for part in (change.layer, change.pointer) if part)
        note = change.note if len(change.note) <= NOTE else f"{change.note[: NOTE - 1]}…"
        return ": ".join(part for part in (about, note) if part)
    about = change.record
    if change.layer:
        about = f"{change.layer} {change.item} of {about}" if change.item else f"{change.layer} of {about}"
    if change.split:
        moved = change.old_split and change.old_split != change.split
        about += f" ({change.old_split} to {change.split})" if moved else f" ({change.split})"
    place = where(change.kind, change.record, change.pointer)
    return f"{about} at {place}" if place is not None else about
