"""Where a release is made, and how it gets its name: a lock, a folder that goes away, one rename.

Until the rename the previous release is untouched; after it the new one is whole. A kill at any instant leaves one
of the two, and what else it leaves is cleared away by the next build.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from copydesk.diagnostics import BuildFailed, Diagnostic, Place, Report
from copydesk.project import Project
from copydesk.release.manifest import MANIFEST, SUMS
from copydesk.release.verify import verify_files
from copydesk.shortage import is_shortage

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_ASIDE = "old-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """The folders of one build: the release in the making, its shards before they are numbered, the spool, and
    scratch space for loaders."""

    release: Path
    shards: Path
    spool: Path
    scratch: Path


@contextlib.contextmanager
def open_staging(project: Project, report: Report, work: Path | None = None) -> Iterator[Staging]:
    """Folders in the output folder, gone afterwards whatever happens. One build at a time writes a dataset.

    `work`: where the spool is to lie instead, in a folder that only builds of this dataset into this output use.
    What the system refuses inside (no right to write, no space) is R006, want of memory R019: the build has failed.
    """
    output, shown = project.output, Place(file=project.release.output)
    folder = output / f".staging-{project.dataset.name}"
    spool = folder / "spool" if work is None else work.absolute() / _spool_name(output, project.dataset.name)
    try:
        output.mkdir(parents=True, exist_ok=True)
        with (output / f".{project.dataset.name}.lock").open("w") as lock:
            if not _locked(lock.fileno()):
                message = "another build of this dataset is writing here"
                report.add(Diagnostic(code="R011", place=shown, message=message))
                raise BuildFailed(report)
            try:
                _clear(folder, output, spool)
                _check_target(output / project.release_name)
                staging = Staging(
                    release=folder / project.release_name,
                    shards=folder / "shards",
                    spool=spool,
                    scratch=folder / "scratch",
                )
                for path in (staging.release, staging.shards, staging.spool, staging.scratch):
                    path.mkdir(parents=True)
                yield staging
            finally:
                _clear(folder, output, spool)
    except Exception as error:
        if is_shortage(error):
            report.add(Diagnostic(code="R019", place=shown, message="there was not enough memory for this build"))
            raise BuildFailed(report) from None
        if not isinstance(error, OSError) or error.errno is None:
            raise
        where = Path(error.filename).name if isinstance(error.filename, str) else project.release.output
        report.add(Diagnostic(code="R006", place=shown, message=f"{where}: {os.strerror(error.errno)}"))
        raise BuildFailed(report) from None


def _check_target(target: Path) -> None:
    """Only a release may be replaced: what else has its name is somebody's, and stays."""
    if os.path.lexists(target) and (target.is_symlink() or not (target / MANIFEST).is_file()):
        raise FileExistsError(errno.EEXIST, "", str(target))


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _spool_name(output: Path, name: str) -> str:
    """The same for each build into an output, so that the next one finds and removes what a killed one left."""
    return f".copydesk-{name}-{hashlib.sha256(os.fsencode(output.absolute())).hexdigest()[:16]}"


def _clear(folder: Path, output: Path, spool: Path) -> None:
    """Remove the staging folder; a release that stepped aside in it, and has no successor, comes back first."""
    for aside in folder.glob(f"{_ASIDE}*"):
        target = output / aside.name.removeprefix(_ASIDE)
        if not target.exists():
            aside.rename(target)
    shutil.rmtree(spool, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def seal(project: Project, staging: Staging, report: Report) -> bool:
    """Give the release its name. Returns whether its bytes are new; a release that is the same stays as it is."""
    target = project.output / project.release_name
    if target.exists():
        if _same(target, staging.release):
            return False
        message = f"{project.release_name} existed with other bytes and was replaced"
        report.add(Diagnostic(code="R009", place=Place(file=project.release.output), message=message))
    flush_folders(staging.release)
    take_name(staging.release, target)
    return True


def _same(target: Path, release: Path) -> bool:
    """Whether a release is whole and is what was just made."""
    sums = target / SUMS
    if not sums.is_file() or sums.read_bytes() != (release / SUMS).read_bytes():
        return False
    return next(verify_files(target), None) is None


def flush_folders(folder: Path) -> None:
    """Put the folder entries on the disk; the files were put there when they were closed."""
    for path in (*(p for p in folder.rglob("*") if p.is_dir()), folder):
        flush(path)


def flush(path: Path) -> None:
    """Put a folder's entries on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def take_name(release: Path, target: Path) -> None:
    """Make the folder `release` the release `target`; one of that name trades places with it.

    Raises OSError if the folder cannot be written. Where the system has no exchange of names (it is Linux's), the
    old release steps aside in the staging folder, from where `_clear` brings it back if a kill comes in between.
    """
    if not target.exists():
        release.rename(target)
    elif not _exchange(release, target):
        target.rename(release.with_name(f"{_ASIDE}{target.name}"))
        release.rename(target)
    flush(target.parent)


def _exchange(left: Path, right: Path) -> bool:
    """Swap two names atomically (renameat2, Linux 3.15); False where that does not exist."""
    library = ctypes.CDLL(ctypes.util.find_library("c") or None, use_errno=True)
    if not hasattr(library, "renameat2"):
        return False
    done = library.renameat2(
        _AT_FDCWD, os.fsencode(left), _AT_FDCWD, os.fsencode(right), ctypes.c_uint(_RENAME_EXCHANGE)
    )
    return bool(done == 0)
