"""A side of a difference: what a user names, as tables that can be compared. Reads; changes nothing that is there.

A side is a release (a folder, an archive, the address of one, a version number), or the sources of one (a project, or
a git revision of it), which go through the stages of a build up to the written tables, in a folder that goes away.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from copydesk.archives import is_archive
from copydesk.build import Options, barrier, stage, write
from copydesk.cache.store import CacheOptions
from copydesk.diagnostics import BuildFailed, Diagnostic, Report
from copydesk.diff.model import Side, no_place
from copydesk.prepare import Prepared, prepare
from copydesk.previous import known_versions, release_side, unpack_release
from copydesk.project import PROJECT_FILE, load_project
from copydesk.release.manifest import MANIFEST
from copydesk.running import open_crew
from copydesk.sides.fetch import GIT, download, export, is_address, unreadable
from copydesk.sides.places import Places, SourcePlaces
from copydesk.splits import read_ledger
from copydesk.staging import Staging
from copydesk.versions import provisional

Found = list[Diagnostic]
"""Why something is no side."""

_VERSION = re.compile(r"v?(\d+\.\d+\.\d+)")


@contextmanager
def open_side(text: str, project: Path | None = None, scratch: Path | None = None) -> Iterator[Side | Found]:
    """The side that `text` names, or the findings that say why there is none; usable until the context ends.

    `project`: the folder of the project whose versions and revisions are meant (default: here). What must be
    unpacked, exported or staged goes into a folder in `scratch` (default: the system's) that is removed in any case.
    """
    with tempfile.TemporaryDirectory(prefix="copydesk-side-", dir=scratch) as folder:
        try:
            side = _open(text, (project or Path()).resolve(), Path(folder))
        except OSError as error:
            side = unreadable(text, f"it cannot be read: {error.strerror or error}")
        yield side


def _open(text: str, project: Path, scratch: Path) -> Side | Found:
    if is_address(text):
        label, path = download(text, scratch)
        return path if isinstance(path, list) else _of_archive(path, label, scratch)
    if text.startswith(GIT):
        return _of_revision(text.removeprefix(GIT), text, project, scratch)
    path = Path(text)
    if text and path.is_dir():
        return _of_folder(path, text, scratch)
    if path.is_file():
        return _of_archive(path, text, scratch)
    return _of_name(text, project, scratch)


def _of_folder(folder: Path, label: str, scratch: Path) -> Side | Found:
    if (folder / PROJECT_FILE).is_file():
        return project_side(folder.resolve(), label, scratch)
    if (folder / MANIFEST).is_file():
        return release_side(folder, label)
    tried = f"it has no {MANIFEST}, so it is no release; it has no {PROJECT_FILE}, so it is no project"
    return unreadable(label, "this folder is neither a release nor a project", (tried, _or_revision(label)))


def _or_revision(text: str) -> str:
    return f"if a git revision is meant, write {GIT}{text}"


def _of_archive(path: Path, label: str, scratch: Path) -> Side | Found:
    if not is_archive(path.name):
        return unreadable(label, "this file is no archive of a release", (_or_revision(label),))
    folder = unpack_release(path, label, scratch)
    return folder if isinstance(folder, list) else release_side(folder, label)


def _of_name(text: str, project: Path, scratch: Path) -> Side | Found:
    """A version number, or a git revision. A number whose release is not here may be a tag, and the reverse."""
    tried = [f"there is no file or folder {text}"]

    def release(number: str) -> Side | Found | None:
        folder = _released(project, number)
        if isinstance(folder, Path) and (folder / MANIFEST).is_file():
            return release_side(folder, text)
        tried.append(folder if isinstance(folder, str) else f"there is no release {_below(folder, project)}")
        return None

    def revision(name: str) -> Side | Found | None:
        root, why = export(project, name, Path(tempfile.mkdtemp(dir=scratch)))
        if root is not None:
            return _of_export(root, text if name == text else f"{text} (git: {name})", scratch)
        tried.append(why)
        return None

    version = _VERSION.fullmatch(text)
    if version is None:
        side = revision(text)
    elif version[1] == text:
        side = release(text) or revision(text) or revision(f"v{text}")
    else:
        side = revision(text) or release(version[1])
    return side or unreadable(text, "this is no release, no project and no git revision", tried)


def _released(project: Path, version: str) -> Path | str:
    """Where the project keeps the release of a version, or why that is not known."""
    loaded, _ = load_project(project)
    if loaded is None:
        return f"{project.name} is no project whose version it could be (--project names one)"
    return loaded.output / f"{loaded.dataset.name}-{version}"


def _below(path: Path, folder: Path) -> Path:
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def _of_revision(revision: str, label: str, project: Path, scratch: Path) -> Side | Found:
    root, why = export(project, revision, Path(tempfile.mkdtemp(dir=scratch)))
    if root is None:
        return unreadable(label, f"this is no git revision of the project in {project.name}", (why,))
    return _of_export(root, label, scratch)


def _of_export(root: Path, label: str, scratch: Path) -> Side | Found:
    """The project as a revision has it."""
    if not (root / PROJECT_FILE).is_file():
        return unreadable(label, f"at this revision there is no {PROJECT_FILE} here, so it is no project")
    return project_side(root, label, scratch)


def project_side(root: Path, label: str, scratch: Path) -> Side | Found:
    """The sources of a project as they are, or the findings with which nothing could be released."""
    report = Report()
    try:
        return sources_side(prepare(root, report), label, scratch, report)
    except BuildFailed as failed:
        return list(failed.report)


def sources_side(prepared: Prepared, label: str, scratch: Path, report: Report) -> Side:
    """The sources of a project, staged, put into splits and written into folders made in `scratch`.

    Raises BuildFailed for errors among the findings: a difference of what cannot be released says nothing.
    """
    made = Staging(
        release=scratch / "release", shards=scratch / "shards", spool=scratch / "spool", scratch=scratch / "loaders"
    )
    for path in (made.release, made.shards, made.spool, made.scratch):
        path.mkdir(parents=True)
    declared = prepared.project.dataset.version
    prepared = _planned_ahead(prepared)
    project = prepared.project
    # a revision that was checked out into a folder of its own is gone before anybody could take anything
    options = Options(root=project.root, cache=CacheOptions(used=project.output.is_dir()))
    with open_crew(options, project, made.spool, report) as crew:
        gathered = stage(prepared, options, made.spool, report, crew)
        planned = barrier(prepared, gathered, made.spool, report, crew)
        tables = write(prepared, planned, crew, made, report)
    return Side(
        label=label,
        name=project.dataset.name,
        version=declared,
        folder=made.release,
        tables=tables,
        ledger=planned.ledger,
        license=project.dataset.license,
        where=Places(prepared=prepared, staged=gathered.staged, scratch=scratch / "places"),
    )


def _planned_ahead(prepared: Prepared) -> Prepared:
    """The project as its next release would have it: at a version that is out, its articles would be dealt anew."""
    project = prepared.project
    ledger, _ = read_ledger(project.ledger_path, project.ledger_path.name)  # what is wrong with it the barrier says
    version = provisional(project.dataset.version, known_versions(project, ledger).newest)
    return replace(prepared, project=replace(project, dataset=replace(project.dataset, version=version)))


def with_sources(side: Side, project: Path, scratch: Path) -> Side:
    """A side that is a release, with places in the sources of its project as they are now, if these are at hand.

    Nothing is staged before a place is asked for. The work tree may have moved on since the release, so whoever shows
    such a place says that it is in the work tree.
    """
    if side.where is not no_place:
        return side
    loaded, _ = load_project(project)
    if loaded is None or loaded.dataset.name != side.name:
        return side
    return replace(side, where=SourcePlaces(project=project.resolve(), scratch=scratch))


__all__: Sequence[str] = ("Found", "open_side", "project_side", "release_side", "sources_side", "with_sources")
