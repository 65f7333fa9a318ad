"""`copydesk withdraw` and `copydesk yank`: what must not be used any more. Their arguments are in cli.py."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from copydesk import bumping, withdrawal
from copydesk.cli_output import CLEAN, DATA, USAGE, print_report, shown
from copydesk.describe import Update
from copydesk.diagnostics import BuildFailed, Report
from copydesk.diagnostics.render import visible
from copydesk.prepare import prepare
from copydesk.previous import Known, known_versions, tombstones_of, yanks_of
from copydesk.project import Project, load_project
from copydesk.release.changelog import headings, with_yank, without_yank
from copydesk.semver import is_version, version_key
from copydesk.splits import Ledger, read_ledger
from copydesk.tombstones import (
    REASONS,
    TOMBSTONES,
    YANKED,
    Tombstone,
    Tombstones,
    Yank,
    add_tombstone,
    add_yank,
    dump_tombstones,
    dump_yanked,
    quotes,
)

_CODE = re.compile(r"[a-z][a-z0-9-]{0,39}")


def withdraw(arguments: argparse.Namespace) -> int:
    """Leave articles out of the next release: a tombstone each, and word of where they still are."""
    root = arguments.project.resolve()
    date = bumping.day(arguments.date)
    problem = f"{arguments.date or 'SOURCE_DATE_EPOCH'} is no date; write it as 2026-01-31" if date is None else None
    if not arguments.undo and (arguments.reason is None or not _CODE.fullmatch(arguments.reason)):
        problem = f"--reason is a code: {', '.join(REASONS)}, or another of the same form"
    if problem is not None:
        print(problem, file=sys.stderr)
        return USAGE
    report = Report()
    project, found = load_project(root)
    report.add(found)
    if project is not None:
        tombstones, found = tombstones_of(project)
        report.add([*found, *yanks_of(project)[1]])
        if not report.errors:
            if arguments.undo:
                return _undo_withdrawal(arguments, project, tombstones)
            return _withdraw(arguments, project, tombstones, date or "")
    print_report(report, as_json=False, stream=sys.stderr)
    return DATA


def _withdraw(
    arguments: argparse.Namespace, project: Project, tombstones: Tombstones, date: str
) -> int:  # fmt: skip
    ids, kind = list(dict.fromkeys(arguments.ids)), project.kinds[0]
    ledger, found = read_ledger(project.ledger_path, project.ledger_path.relative_to(project.root).as_posix())
    if found:
        print_report(Report(found), as_json=False, stream=sys.stderr)
        return DATA
    with tempfile.TemporaryDirectory(prefix="copydesk-withdraw-") as spool:
        sources = _sources(project.root, kind, ids, Path(spool))
    known_ids = sources.ids | ledger.keys() | {i for k, i in tombstones if k == kind}
    objections = [*_unknown(ids, kind, known_ids), *_quoted(arguments.note or "", sources.texts.values())]
    if objections:
        print(*map(visible, objections), "nothing was changed", sep="\n", file=sys.stderr)
        return USAGE
    known, made = known_versions(project, ledger), tombstones
    for identifier in ids:
        releases = withdrawal.holders(project, known, ledger, identifier)
        stone = Tombstone(id=identifier, kind=kind, reason=arguments.reason, date=date, releases=releases,
                          note=" ".join((arguments.note or "").split()))  # fmt: skip
        made = add_tombstone(made, stone)
    try:
        wrote = _keep(project.root / TOMBSTONES, dump_tombstones(made))
    except bumping.Refused as refused:
        print(visible(str(refused)), file=sys.stderr)
        return DATA
    for identifier in ids:
        for line in _whereabouts(
            project, known, made[kind, identifier], sources, new=(kind, identifier) not in tombstones
        ):
            print(visible(line) if line.strip() else line)
    print(f"\n{f'wrote {TOMBSTONES}; the next build leaves it out' if wrote else 'nothing to write'}")
    print("what is out stays out until it is taken down where it is offered; `copydesk yank VERSION` marks a release")
    return CLEAN


def _unknown(ids: Sequence[str], kind: str, known: frozenset[str]) -> Iterator[str]:
    for identifier in ids:
        if identifier not in known:
            close = withdrawal.near(identifier, known)
            hint = f"; is it {' or '.join(map(repr, close))}?" if close else ""
            yield f"there is no {kind} {identifier!r}{hint}"


def _quoted(note: str, texts: Iterable[str]) -> Iterator[str]:
    if any(quotes(note, text) for text in texts):
        yield "the note quotes the text that is to be gone; say it in other words"


def _sources(root: Path, kind: str, ids: Sequence[str], spool: Path) -> withdrawal.Sources:
    """What the sources hold; a takedown does not wait until a broken project is mended."""
    report = Report()
    try:
        return withdrawal.read_sources(prepare(root, report), kind, ids, spool)
    except BuildFailed:
        return withdrawal.Sources(problem=next((d.message for d in report.errors), ""))


def _whereabouts(
    project: Project, known: Known, stone: Tombstone, sources: withdrawal.Sources, *, new: bool
) -> Iterator[str]:
    yield f"{'withdrawn' if new else 'already withdrawn'}: {stone.kind} {stone.id} ({stone.reason})"
    here = {v: shown(known.here[v]).as_posix() for v in stone.releases if v in known.here}
    held = ", ".join(f"{v} ({here[v]})" if v in here else v for v in stone.releases)
    yield f"  releases that hold it: {held or 'none that is known'}"
    files = list(sources.files.get(stone.id, ()))
    if sources.problem:
        yield f"  the sources cannot be read ({sources.problem}); it may be in them"
    elif not files:
        yield "  the sources have it no more"
    else:
        yield f"  the sources still have it: {', '.join(files)}"
    if twins := sources.twins.get(stone.id, ()):
        yield f"  the same text is in the {stone.kind} {' and '.join(twins[:10])}, which stays unless withdrawn too"
    if copies := sources.copies.get(stone.id, ()):
        yield f"  much of its text is in the {stone.kind} {_listed(copies)}, which stays unless withdrawn too"
    text = sources.texts.get(stone.id, "")
    others = [file for file in withdrawal.copies(project, text) if file not in files]
    called = [file for file in withdrawal.namesakes(project, stone.id) if file not in files and file not in others]
    if others:
        yield f"  passages of it are in: {_listed(others)}"
    if called:
        yield f"  files are called after it: {_listed(called)}"
    if files or others:
        yield f"  and their history: git log --all -- {' '.join(map(shlex.quote, (files + others)[:3]))}"


def _listed(files: Sequence[str]) -> str:
    more = f" and {len(files) - 10} more" if len(files) > 10 else ""
    return f"{', '.join(files[:10])}{more}"


def _undo_withdrawal(arguments: argparse.Namespace, project: Project, tombstones: Tombstones) -> int:
    kind, made = project.kinds[0], dict(tombstones)
    for identifier in dict.fromkeys(arguments.ids):
        gone = made.pop((kind, identifier), None)
        state = "was not withdrawn" if gone is None else "is back: the next build takes it from the sources again"
        print(visible(f"{kind} {identifier} {state}"))
    try:
        _keep(project.root / TOMBSTONES, dump_tombstones(made))
    except bumping.Refused as refused:
        print(visible(str(refused)), file=sys.stderr)
        return DATA
    return CLEAN


def _keep(path: Path, after: bytes) -> bool:
    """Bring a file up to date; whether it had to be. Raises Refused."""
    before = path.read_bytes() if path.exists() else None
    if (before or b"") == after:
        return False
    bumping.carry_out([Update(path=path, before=before, after=after)])
    return True


def yank(arguments: argparse.Namespace) -> int:
    """Mark a version that nobody should use any more, in the list and in the changelog."""
    date = bumping.day(arguments.date)
    version, reason = arguments.version.removeprefix("v"), " ".join((arguments.reason or "").split())
    problem = None
    if not is_version(version):
        problem = f"{arguments.version!r} is no version; write it as 1.2.3"
    elif not arguments.undo and not reason:
        problem = "--reason says why, for those who used it"
    elif date is None:
        problem = f"{arguments.date or 'SOURCE_DATE_EPOCH'} is no date; write it as 2026-01-31"
    if problem is not None:
        print(problem, file=sys.stderr)
        return USAGE
    project, found = load_project(arguments.project.resolve())
    yanked: dict[str, Yank] = {}
    ledger: Ledger = {}
    if project is not None:
        yanked, found = yanks_of(project)
        ledger, others = read_ledger(project.ledger_path, project.ledger_path.relative_to(project.root).as_posix())
        found = [*found, *others]
    if project is None or found:
        print_report(Report(found), as_json=False, stream=sys.stderr)
        return DATA
    try:
        if arguments.undo:
            return _undo_yank(project, yanked, version)
        return _yank(project, yanked, ledger, Yank(version=version, reason=reason, date=date or ""))
    except bumping.Refused as refused:
        print(visible(str(refused)), file=sys.stderr)
        return DATA


def _yank(project: Project, yanked: Mapping[str, Yank], ledger: Ledger, new: Yank) -> int:
    known, text = known_versions(project, ledger), _changelog(project)
    now = version_key(project.dataset.version)
    named = {h.version for h in headings(text) if version_key(h.version) <= now}
    versions = sorted({*known.versions, *named}, key=version_key)
    if new.version not in versions:
        hint = f"; there are {', '.join(versions[-5:])}" if versions else "; nothing was released yet"
        print(f"no release {new.version} is known{hint}", file=sys.stderr)
        return USAGE
    made = add_yank(yanked, new)
    files = _mark(project, dump_yanked(made), text, with_yank(text, new.version, made[new.version].date, new.reason))
    print(f"{'yanked' if new.version not in yanked else 'already yanked:'} {new.version}")
    print(f"wrote {' and '.join(files)}" if files else "nothing to write")
    if (folder := known.here.get(new.version)) is not None:
        print(f"{shown(folder)} stays as it is; take it down where it is offered")
    if new.version == project.dataset.version:
        print("its number is used up: copydesk release sets the next one")
    return CLEAN


def _undo_yank(project: Project, yanked: Mapping[str, Yank], version: str) -> int:
    text = _changelog(project)
    made = {v: entry for v, entry in yanked.items() if v != version}
    files = _mark(project, dump_yanked(made), text, without_yank(text, version))
    print(f"{version} {'stands again' if version in yanked else 'was not yanked'}")
    print(f"wrote {' and '.join(files)}" if files else "nothing to write")
    return CLEAN


def _changelog(project: Project) -> str:
    """The changelog; empty if there is none. Raises Refused for one that is no text."""
    path = project.root / project.release.changelog
    try:
        return path.read_bytes().decode("utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise bumping.Refused(f"{project.release.changelog}: {why}; nothing was changed") from None


def _mark(project: Project, listed: bytes, before: str, after: str) -> list[str]:
    """Write the list of yanked versions and the changelog, both or none. Returns the files that changed."""
    yanked, changelog = project.root / YANKED, project.root / project.release.changelog
    edits = []
    old = yanked.read_bytes() if yanked.exists() else None
    if (old or b"") != listed:
        edits.append(Update(path=yanked, before=old, after=listed))
    if before != after:
        there = before.encode() if changelog.exists() else None
        edits.append(Update(path=changelog, before=there, after=after.encode()))
    bumping.carry_out(edits)
    return [bumping.called(edit.path, project.root) for edit in edits]
