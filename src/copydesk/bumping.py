"""Setting a version: which one, and the two files that say so, dataset.toml and the changelog.

People's own words, comments and line ends stay: only the values that change are written anew, and nothing is written
unless all of it can be.
"""

from __future__ import annotations

import contextlib
import copy
import datetime
import os
import shutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copydesk.describe import Update
from copydesk.diagnostics import Diagnostic
from copydesk.diff.model import Bump
from copydesk.diff.rules import RULES, next_version
from copydesk.project import PROJECT_FILE, Project
from copydesk.release.changelog import headings, with_entry
from copydesk.release.entry import entry, first_entry
from copydesk.release.model import Table
from copydesk.semver import version_key
from copydesk.versions import Judged, too_small

STEPS = {"patch": Bump.PATCH, "minor": Bump.MINOR, "major": Bump.MAJOR}


@dataclass(frozen=True, slots=True, kw_only=True)
class NextRelease:
    """What a release is to be called, and the files that must change for it; `entry` is what the changelog gains."""

    version: str
    date: str
    edits: tuple[Update, ...]
    entry: str = ""


class Refused(Exception):  # noqa: N818 - it is an answer, not an error of the program
    """The files cannot be brought to say it; the message says why."""


def day(given: str | None) -> str | None:
    """The date that is given, else SOURCE_DATE_EPOCH, else today; None if what is given is none."""
    try:
        if given is not None:
            return datetime.date.fromisoformat(given).isoformat() if len(given) == 10 else None
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        if epoch:
            return datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return None
    return datetime.date.today().isoformat()


def called(path: Path, root: Path) -> str:
    """A file as the user knows it: relative to the project, even if it lies beside it."""
    return Path(os.path.relpath(path, root)).as_posix()


def changed_nothing(judged: Judged) -> bool:
    """Whether the sources give what the release before holds. Sources have no bytes of documents to compare."""
    return not judged.forced and all(set(+part.summary.rules) <= {"bytes-changed"} for part in judged.parts)


def choose(judged: Judged, project: Project, *, bump: str | None, version: str | None) -> str | Diagnostic:
    """The version of the next release: the one asked for, else that of dataset.toml if it is new and large enough,
    else the smallest that is. R014 for one that is too small."""
    current = project.dataset.version
    chosen = version or (_step(judged, current, STEPS[bump]) if bump is not None else None)
    if chosen is None:
        return current if judged.allows(current) else judged.needed
    return next(too_small(judged, chosen, project.place("/dataset/version")), chosen)


def _step(judged: Judged, current: str, bump: Bump) -> str:
    """One step from the last version that stands, or the next free number that is as large a step.

    Where no release is at hand, the version in dataset.toml may be out or not; the step is from there then.
    """
    known = judged.before.known
    last = known.last or known.newest
    if not known.here:
        last = max(last or current, current, key=version_key)
    chosen = next_version(last, bump)
    if known.newest and version_key(chosen) <= version_key(known.newest):  # used up by a version that was yanked
        chosen = next_version(known.newest, Bump.PATCH)
    return chosen


def plan(project: Project, judged: Judged, tables: Sequence[Table], version: str, date: str) -> NextRelease:
    """The edits for a version. Raises Refused."""
    path = project.root / PROJECT_FILE
    data = path.read_bytes()
    wanted = {key: value for key, value in (("version", version), ("date", date)) if value}
    edits = []
    body = ""
    changelog = project.root / project.release.changelog
    before = changelog.read_bytes() if changelog.exists() else None
    try:
        text = (before or b"").decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(f"{project.release.changelog} is not UTF-8; nothing was changed") from None
    if all(heading.version != version for heading in headings(text)):
        body = _entry(judged, tables)
        edits.append(Update(path=changelog, before=before, after=with_entry(text, version, date, body).encode()))
    after = set_values(data, wanted)
    if after is None:
        raise Refused(f"the version and date cannot be set in {PROJECT_FILE} as it is written: set them by hand")
    if after != data:
        edits.append(Update(path=path, before=data, after=after))
    return NextRelease(version=version, date=date, edits=tuple(edits), entry=body)


def _entry(judged: Judged, tables: Sequence[Table]) -> str:
    if judged.parts:
        return entry(judged.tally, lambda rule: RULES[rule].summary)
    return first_entry((table.name, split.name, split.rows) for table in tables for split in table.splits)


def set_values(data: bytes, values: Mapping[str, str]) -> bytes | None:
    """dataset.toml with other values in its table `dataset`, and every other byte as it was; None if that fails.

    TOML can be written in many ways. So each place where the old value stands is tried, and the one is right after
    which the file says what it should and nothing else is new.
    """
    for key, value in values.items():
        old = _parsed(data)["dataset"][key]
        written = (old if isinstance(old, str) else old.isoformat()).encode()
        if written == value.encode():
            continue
        wanted = copy.deepcopy(_parsed(data))
        wanted["dataset"][key] = value if isinstance(old, str) else type(old).fromisoformat(value)
        tries = (data[:at] + value.encode() + data[at + len(written) :] for at in _positions(data, written))
        found = next((tried for tried in tries if _says(tried, wanted)), None)
        if found is None:
            return None
        data = found
    return data


def _parsed(data: bytes) -> dict[str, Any]:
    return tomllib.loads(data.decode("utf-8-sig"))


def _says(data: bytes, wanted: dict[str, Any]) -> bool:
    try:
        return repr(_parsed(data)) == repr(wanted)  # as text: a NaN is not equal to itself
    except ValueError:
        return False


def _positions(data: bytes, needle: bytes) -> Iterator[int]:
    at = data.find(needle)
    while at >= 0:
        yield at
        at = data.find(needle, at + 1)


def carry_out(edits: Sequence[Update]) -> None:
    """Write the files: all of them, or none. Raises Refused, with everything as it was.

    They are written beside their places first, then renamed one after the other. A kill between two renames leaves
    the first: an entry of the changelog for a version to come, which breaks nothing and is found by the next try.
    """
    with contextlib.ExitStack() as stack:
        fresh = []
        try:
            for edit in edits:
                fresh.append(_beside(edit))
                stack.callback(fresh[-1].unlink, missing_ok=True)
            for edit in edits:
                if _content(edit.path) != edit.before:
                    raise Refused(f"{edit.path.name} was changed meanwhile; nothing was written, please try again")
            _rename(edits, fresh)
        except OSError as error:
            where = Path(error.filename).name if error.filename else "a file"
            raise Refused(f"{where}: {error.strerror}; nothing was changed") from None


def _rename(edits: Sequence[Update], fresh: Sequence[Path]) -> None:
    done: list[Update] = []
    try:
        for edit, path in zip(edits, fresh, strict=True):
            path.replace(edit.path.resolve())
            done.append(edit)
    except OSError:
        for edit in done:
            if edit.before is None:
                edit.path.unlink(missing_ok=True)
            else:
                _beside(Update(path=edit.path, before=None, after=edit.before)).replace(edit.path.resolve())
        raise


def _beside(edit: Update) -> Path:
    """What a file is to be, on the disk, next to it; a link keeps leading to its file."""
    target = edit.path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    path = target.with_name(f".{target.name}.new")
    path.unlink(missing_ok=True)
    with path.open("xb") as stream:
        stream.write(edit.after)
        stream.flush()
        os.fsync(stream.fileno())
    if target.exists():
        shutil.copymode(target, path)
    return path


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
