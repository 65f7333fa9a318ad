"""What was before a version: which versions are known, and the release to compare with, opened.

Not here: what differs, and which version that asks for (versions.py).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa

from copydesk.archives import is_archive, unpack
from copydesk.diagnostics import Diagnostic, Place, Severity, lower
from copydesk.diff.model import Side
from copydesk.project import Project
from copydesk.release.changelog import headings
from copydesk.release.manifest import MANIFEST, SUMS
from copydesk.release.verify import open_release
from copydesk.semver import is_version, version_key
from copydesk.splits import Ledger, as_table
from copydesk.splits.released import read_released
from copydesk.tombstones import TOMBSTONES, YANKED, Tombstone, Yank, read_tombstones, read_yanked


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The versions that are known of a dataset, and from where. Those that were yanked are in `yanked` too."""

    here: Mapping[str, Path] = field(default_factory=dict)
    ledger: frozenset[str] = frozenset()
    changelog: frozenset[str] = frozenset()
    yanked: frozenset[str] = frozenset()

    @property
    def versions(self) -> list[str]:
        """All of them, in order. What only the changelog names counts once anything else says that there are releases:
        before the first release, its entries are plans."""
        sure = self.here.keys() | self.ledger | self.yanked
        return sorted(sure | (self.changelog if sure else frozenset()), key=version_key)

    @property
    def newest(self) -> str:
        """The newest number that is used up; empty if there is none."""
        return self.versions[-1] if self.versions else ""

    @property
    def last(self) -> str:
        """The newest version that still stands; empty if there is none."""
        return next((v for v in reversed(self.versions) if v not in self.yanked), "")

    def below(self, version: str) -> Known:
        """Those before a version."""

        def kept(versions: Iterable[str]) -> frozenset[str]:
            return frozenset(v for v in versions if version_key(v) < version_key(version))

        here = {v: folder for v, folder in self.here.items() if v in kept(self.here)}
        return Known(
            here=here, ledger=kept(self.ledger), changelog=kept(self.changelog), yanked=kept(self.yanked)
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What was before a version: the release to compare with, if it is here, and why not, if it is not.

    `known.last` is the version that it should be; the one that it is, is in the side.
    """

    known: Known
    side: Side | None = None
    found: tuple[Diagnostic, ...] = ()


def known_versions(project: Project, ledger: Ledger) -> Known:
    """Every version of the dataset that the output folder, the ledger, the list of yanked ones or the changelog
    knows. Entries of the changelog for versions after the one in dataset.toml are plans."""
    yanked, _ = yanks_of(project)  # what is wrong with the list is for `check_number` to say
    name = re.compile(re.escape(project.dataset.name) + r"-(\d+\.\d+\.\d+)")
    try:
        folders = sorted(project.output.iterdir())
    except OSError:
        folders = []
    here = {m[1]: p for p in folders if (m := name.fullmatch(p.name)) and (p / MANIFEST).is_file()}
    try:
        text = (project.root / project.release.changelog).read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):  # R007 says so
        text = ""
    now = version_key(project.dataset.version)
    entries = {h.version for h in headings(text) if version_key(h.version) < now}
    return Known(
        here=here,
        ledger=frozenset(as_table(ledger).entered()),
        changelog=frozenset(entries),
        yanked=frozenset(yanked),
    )


def lost_ledger(project: Project, known: Known) -> Iterator[Diagnostic]:
    """L001 where earlier versions are known and the ledger is not there: every article would be dealt anew. Entries of
    the changelog alone may be plans, so they are a warning. `known`: the versions before the one being built."""
    before = known.newest or max(known.changelog, key=version_key, default="")
    if before and not project.ledger_path.exists():
        place = Place(file=project.ledger_path.relative_to(project.root).as_posix())
        message = f"there is no ledger; if {before} was released, its articles are dealt anew"
        help_text = "get it back from version control; a dataset that had no ledger before begins with an empty file"
        found = Diagnostic(code="L001", place=place, message=message, help=help_text)
        yield found if known.newest else lower(found, Severity.WARNING)


def yanks_of(project: Project) -> tuple[dict[str, Yank], list[Diagnostic]]:
    """The versions that were yanked."""
    return read_yanked(project.root / YANKED, YANKED)


def tombstones_of(project: Project) -> tuple[dict[tuple[str, str], Tombstone], list[Diagnostic]]:
    """The articles that were withdrawn."""
    return read_tombstones(project.root / TOMBSTONES, TOMBSTONES, project.kinds[0])


def previous_release(project: Project, known: Known, scratch: Path, before: str | None = None) -> Before:
    """The release to compare with: the one that [release] previous names, else the newest in the output folder that
    was not yanked. With `before`, the newest before that version. R015 if it is not the last one known, or cannot be
    opened.

    A yanked release is no base, since nobody is to rely on it; its number is used up all the same.
    """
    if before is not None:
        known = known.below(before)
    given, side, why = project.release.previous, None, ""
    place = Place(file=project.release.output)
    if given:
        place = project.place("/release/previous")
        side, why = _open(project.root / given, given, scratch)
        if side is not None and before is not None and version_key(side.version) >= version_key(before):
            why = f"{given} is {side.version}, which is not before {before}"
        elif side is not None and side.version in known.yanked:
            why = f"{given} is {side.version}, which was yanked"
    standing = [v for v in known.here if v not in known.yanked]
    newest = max(standing, key=version_key, default="")
    stale = side is not None and not why and newest and version_key(newest) > version_key(side.version)
    if newest and (stale or not given):
        place = Place(file=project.release.output)
        side, why = _open(known.here[newest], known.here[newest].name, scratch)
    if side is not None and not why and side.name != project.dataset.name:
        why = f"{side.label} is a release of {side.name!r}"
    if why:
        side = None
    if side is not None:
        known = replace(known, here={**known.here, side.version: side.folder})
    last = known.last
    if why:
        message = f"the release before cannot be compared with: {why}"
    elif last and side is None:
        message = f"the release before, {last}, is not here"
    elif side is not None and version_key(side.version) < version_key(last):
        message = f"the release before, {last}, is not here; {side.version} is"
    else:
        return Before(known=known, side=side)
    return Before(known=known, side=side, found=(Diagnostic(code="R015", place=place, message=message),))


def _open(path: Path, label: str, scratch: Path) -> tuple[Side | None, str]:
    """The release, or why it is none."""
    folder: Path | list[Diagnostic] = path
    if not path.exists():
        return None, f"there is no {label}"
    if path.is_file():
        if not is_archive(path.name):
            return None, f"{label} is neither a folder nor an archive"
        folder = unpack_release(path, label, scratch)
    side = folder if isinstance(folder, list) else release_side(folder, label)
    if isinstance(side, list):
        first = next(iter(side))
        return None, f"{label}: {first.message} ({first.place.file})"
    return side, ""


def release_side(folder: Path, label: str) -> Side | list[Diagnostic]:
    """A release, once its files are known to be those of its manifest."""
    opened, found = open_release(folder)
    if opened is None:
        return [replace(d, notes=(*d.notes, f"in {label}")) for d in found]
    try:
        dataset = opened.manifest["dataset"]
        if not is_version(dataset["version"]):
            raise ValueError(f"its version is {dataset['version']!r}")
        return Side(
            label=label,
            name=dataset["name"],
            version=dataset["version"],
            folder=folder,
            tables=opened.tables,
            ledger=read_released(folder / "ledger.parquet"),
            license=dataset["license"],
            digest=hashlib.sha256((folder / SUMS).read_bytes()).hexdigest(),
        )
    except (OSError, ValueError, LookupError, TypeError, pa.ArrowException) as error:
        message = f"its ledger or manifest cannot be read: {type(error).__name__} {error}"
        return [Diagnostic(code="D001", place=Place(file=label), message=message)]


def unpack_release(path: Path, label: str, scratch: Path) -> Path | list[Diagnostic]:
    """The folder of the release in an archive: the top of it, or the only folder there."""

    def unreadable(message: str) -> list[Diagnostic]:
        return [Diagnostic(code="D001", place=Place(file=label), message=message)]

    members, found = unpack(path, path.name, scratch / "members")
    if found:
        return [replace(d, code="D001", place=Place(file=label)) for d in found]
    target = scratch / "unpacked"
    target.mkdir()
    for member in members:
        place = target / member.name
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            member.path.rename(place)
        except OSError as error:
            return unreadable(f"the member {member.name[:80]!r} cannot be unpacked: {error.strerror}")
    inner = [target, *sorted(p for p in target.iterdir() if p.is_dir())]
    whole = [folder for folder in inner if (folder / MANIFEST).is_file()]
    if len(whole) != 1:
        many = "more than one release is in it" if whole else f"no release is in it: it has no {MANIFEST}"
        return unreadable(many)
    return whole[0]
