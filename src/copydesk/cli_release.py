"""`copydesk release`: the version that a difference asks for, and the changelog entry. Arguments are in cli.py."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from copydesk import bumping
from copydesk.cli_output import CLEAN, DATA, USAGE, print_report, shown
from copydesk.diagnostics import BuildFailed, Diagnostic, Report
from copydesk.diagnostics.render import visible
from copydesk.diff.model import Side
from copydesk.prepare import prepare
from copydesk.previous import yanks_of
from copydesk.project import Project
from copydesk.release.changelog import headings
from copydesk.semver import is_version, version_key
from copydesk.sides import sources_side
from copydesk.splits import Ledger, read_ledger
from copydesk.versions import Judged, judge


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weighed:
    """What there is to release: the project, its sources as a side, and what they ask for."""

    project: Project
    new: Side
    judged: Judged


def release(arguments: argparse.Namespace) -> int:
    """Set the version that the difference asks for, and write the entry of the changelog."""
    date = bumping.day(arguments.date)
    if date is None:
        print(f"{arguments.date or 'SOURCE_DATE_EPOCH'} is no date; write it as 2026-01-31", file=sys.stderr)
        return USAGE
    if arguments.version is not None and not is_version(arguments.version):
        print(f"{arguments.version!r} is no version; write it as 1.2.3", file=sys.stderr)
        return USAGE
    report = Report()
    with tempfile.TemporaryDirectory(prefix="copydesk-release-") as scratch:
        try:
            weighed = _weigh(arguments.project.resolve(), Path(scratch), report)
            return _release(arguments, weighed, date, report)
        except BuildFailed:
            print_report(report, as_json=arguments.json, stream=sys.stdout if arguments.json else sys.stderr)
            print("nothing was changed", file=sys.stderr)
            return DATA
        except bumping.Refused as refused:
            print(visible(str(refused)), file=sys.stderr)
            return DATA


def _weigh(root: Path, scratch: Path, report: Report) -> _Weighed:
    """Put the sources into splits and tables as the next release would have them, and hold them against the last."""
    aside = Report()  # what is to be said of the project that is no error is for `check` to say
    try:
        prepared = prepare(root, aside)
    except BuildFailed:
        report.add(aside)
        raise
    project = prepared.project
    ledger, found = read_ledger(project.ledger_path, project.ledger_path.relative_to(root).as_posix())
    report.add(found)
    report.add(yanks_of(project)[1])
    if report.errors:
        raise BuildFailed(report)
    aside = Report()
    try:
        new = sources_side(prepared, project.root.name, scratch / "sources", aside)
    except BuildFailed:
        report.add(aside)
        raise
    # planned as a breaking version, what asks for one is only noted
    forced = tuple(d.message for d in aside if d.code == "L005")
    judged, found = judge(new, project, ledger, scratch, forced=forced)
    report.add(found)
    return _Weighed(project=project, new=new, judged=judged)


def _release(arguments: argparse.Namespace, weighed: _Weighed, date: str, report: Report) -> int:
    project, judged = weighed.project, weighed.judged
    known = judged.before.known
    if len(report):
        print_report(report, as_json=arguments.json, stream=sys.stderr)
    if arguments.bump is not None and not known.newest:
        print("there is no release yet to take a step from; --version names the first", file=sys.stderr)
        return USAGE
    asked = arguments.bump is not None or arguments.version is not None
    fresh = not known.newest or version_key(project.dataset.version) > version_key(known.newest)
    if known.newest and not asked and not fresh and bumping.changed_nothing(judged):
        return _nothing(arguments, judged)
    chosen = bumping.choose(judged, project, bump=arguments.bump, version=arguments.version)
    if isinstance(chosen, Diagnostic):
        stream = sys.stdout if arguments.json else sys.stderr
        print_report(Report([chosen]), as_json=arguments.json, stream=stream)
        print("nothing was changed", file=sys.stderr)
        return DATA
    plan = bumping.plan(project, judged, weighed.new.tables, chosen, date)
    if not arguments.dry_run:
        bumping.carry_out(plan.edits)
    if arguments.json:
        print(json.dumps(_as_json(arguments, weighed, plan)))
        return CLEAN
    for line in _told(arguments, weighed, plan):
        print(line)
    return CLEAN


def _nothing(arguments: argparse.Namespace, judged: Judged) -> int:
    """No difference that can be seen. Without the release before that is no answer."""
    whole, base = judged.whole, judged.base
    if arguments.json:
        print(json.dumps(_summed(judged) | {"version": None, "files": [], "written": False}))
    elif whole:
        print(f"nothing to release: rows, contract and rights are those of {base}")
        print("if only documents changed: copydesk release --bump patch")
    if not whole:
        print(f"the ledger shows no change since {base}; what changed in annotations cannot be told", file=sys.stderr)
        print("name the release with [release] previous = PATH, or the step with --bump", file=sys.stderr)
    return CLEAN if whole else DATA


def _compared(judged: Judged) -> str:
    return "release" if judged.whole else "ledger" if judged.parts else "nothing"


def _as_json(arguments: argparse.Namespace, weighed: _Weighed, plan: bumping.NextRelease) -> dict[str, object]:
    root = weighed.project.root
    return _summed(weighed.judged) | {
        "version": plan.version,
        "date": plan.date,
        "entry": plan.entry or None,
        "files": [bumping.called(edit.path, root) for edit in plan.edits],
        "written": not arguments.dry_run,
    }


def _summed(judged: Judged) -> dict[str, object]:
    """What was compared with what, and what that asks for. `rules`: how many changes come under each."""
    rules = sorted({rule for part in judged.parts for rule in +part.summary.rules})
    return {
        "previous": judged.base or None,
        "compared": _compared(judged),
        "bump": judged.bump.name.lower(),
        "needed": judged.needed or None,
        "rules": {rule: max(part.summary.rules[rule] for part in judged.parts) for rule in rules},
    }


def _told(arguments: argparse.Namespace, weighed: _Weighed, plan: bumping.NextRelease) -> list[str]:
    project, judged = weighed.project, weighed.judged
    name = project.dataset.name
    lines = [f"{name} {judged.base} -> {plan.version}" if judged.base else f"{name} {plan.version}, the first release"]
    lines += [f"  {visible(reason)}" for reason in judged.weightiest()]
    would = "would write " if arguments.dry_run else "wrote "
    files = [bumping.called(edit.path, project.root) for edit in plan.edits]
    changelog = project.release.changelog
    lines.append(f"\n{would}{' and '.join(files)}" if files else "\nnothing to write: everything says so already")
    if arguments.dry_run and plan.entry:
        lines.append(f"\n{plan.entry}")
    if not plan.entry:
        lines.append(f"{changelog} has an entry for {plan.version} already, which stays as it is")
    if judged.parts and not judged.whole and plan.version == project.dataset.version:
        lines.append(f"no release is here to tell whether {plan.version} is out; if it is, name the next with --bump")
    lines += _planned(project, plan.version)
    edit = f"edit the entry in {changelog}, then " if plan.entry and not arguments.dry_run else ""
    where = "" if project.root == Path.cwd() else f" --project {shown(project.root)}"
    lines.append(f"\nnext: {'copydesk release' if arguments.dry_run else f'{edit}copydesk build'}{where}")
    return lines


def _planned(project: Project, version: str) -> Sequence[str]:
    """A word about an entry for the version that dataset.toml named before, if no release of it is known here."""
    old = project.dataset.version
    if old == version or (project.output / project.release_name).exists():
        return ()
    try:
        text = (project.root / project.release.changelog).read_text(encoding="utf-8")
        ledger, _ = read_ledger(project.ledger_path, "")
    except (OSError, UnicodeDecodeError):
        return ()
    if old in {heading.version for heading in headings(text)} and not _out(ledger, old):
        return (f"{project.release.changelog} has an entry for {old}: if that never came out, move it to {version}",)
    return ()


def _out(ledger: Ledger, version: str) -> bool:
    return any(entry.since == version for entry in ledger.values())
