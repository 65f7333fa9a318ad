"""What a release says of itself: contracts, quality, ledger, card, datasheet, Croissant, manifest. From the files."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from copydesk import jsontext
from copydesk.articles.prune import Dropped
from copydesk.contract.rows import row_schema
from copydesk.contract.types import Field, Type
from copydesk.diagnostics import Diagnostic, Place, Report
from copydesk.heads import Failed
from copydesk.project import Project
from copydesk.release import manifest as manifests
from copydesk.release.blocks import check_markers, render
from copydesk.release.card import check_metadata, render_card
from copydesk.release.changelog import check_changelog
from copydesk.release.citation import render_citation
from copydesk.release.croissant import render_croissant
from copydesk.release.datasheet import check_datasheet
from copydesk.release.facts import Facts, read_facts
from copydesk.release.license import render_license
from copydesk.release.model import FileEntry, Release, data_files
from copydesk.release.report import render_report
from copydesk.release.verify import schema_id, schema_path
from copydesk.splits import Ledger, ledger_lines
from copydesk.splits.released import released_table
from copydesk.writers import parquet
from copydesk.writers.hashing import HashingFile, write_bytes

_FOLD = Type(kind="integer", nullable=True, rules={"minimum": 0, "maximum": 2**31 - 1})
_LEDGER_TYPE = Type(
    kind="struct",
    fields=(
        *(Field(name=name, type=Type(kind="string")) for name in ("id", "group", "split", "since", "digest")),
        Field(name="released", type=Type(kind="boolean")),
        *(Field(name=name, type=Type(kind="string")) for name in ("formerly", "apart")),
        *(Field(name=name, type=_FOLD) for name in ("fold", "folds")),
        *(Field(name=name, type=Type(kind="string", nullable=True)) for name in ("moved_in", "moved_from")),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What the documents are made of beside the written tables."""

    expectations: Mapping[str, Any]
    agreement: Mapping[str, Any] | None
    ledger: Ledger
    failed: Collection[Failed]
    inputs: Mapping[str, Any]
    dropped: tuple[Dropped, ...] = ()
    groups: tuple[Mapping[str, Any], ...] = ()
    certificate: Mapping[str, Any] | None = None
    shares: Mapping[str, Any] = field(default_factory=dict)
    withdrawn: frozenset[str] = frozenset()
    intake: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """A checked-in file that the build keeps: its bytes when they were read, and what they must become."""

    path: Path
    before: bytes | None
    after: bytes

    def unchanged(self) -> bool:
        """Whether the file still is what was read."""
        return _bytes(self.path) == self.before

    def chunks(self) -> Iterable[bytes]:
        """What the file must become."""
        return [self.after]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerUpdate:
    """The same for the ledger, which may be large: `before` is the SHA-256 of its bytes."""

    path: Path
    before: str | None
    ledger: Ledger

    def unchanged(self) -> bool:
        """Whether the file still is what was read."""
        return _digest(self.path) == self.before

    def chunks(self) -> Iterable[bytes]:
        """What the file must become."""
        return ledger_lines(self.ledger)


@dataclass(slots=True)
class _Folder:
    """The release in the making: writes files and remembers them."""

    root: Path
    files: list[FileEntry] = field(default_factory=list)

    def add(self, path: str, data: bytes) -> None:
        written = write_bytes(self.root / path, data)
        self.files.append(FileEntry(path=path, size=written.size, sha256=written.sha256))

    def add_lines(self, path: str, lines: Iterable[bytes]) -> None:
        """The same for a file that may be long."""
        with HashingFile(self.root / path) as out:
            for line in lines:
                out.write(line)
        written = out.digest()
        self.files.append(FileEntry(path=path, size=written.size, sha256=written.sha256))


def check_documents(project: Project, report: Report) -> None:
    """R002, R005, R007 and R010: what can be said of the documents before there is a release."""
    options, version = project.release, project.dataset.version
    for found in check_metadata(project.dataset):
        report.add(replace(found, place=project.place(found.place.pointer or "")))
    if (card := _read(project, options.card, report)) is not None:
        report.add(check_markers(card, options.card))
    if (datasheet := _read(project, options.datasheet, report)) is not None:
        report.add(check_datasheet(datasheet, options.datasheet, draft=options.draft))
        report.add(check_markers(datasheet, options.datasheet))
    if (changelog := _read(project, options.changelog, report)) is not None:
        report.add(check_changelog(changelog, version, options.changelog, draft=options.draft))


def _read(project: Project, file: str, report: Report) -> str | None:
    try:
        return (project.root / file).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        report.add(Diagnostic(code="R007", place=Place(file=file), message=f"{file}: {why}"))
        return None


def describe(release: Release, material: Material, report: Report) -> tuple[Update | LedgerUpdate, ...]:
    """Write every file of the release that is not data. Findings go to the report.

    Returns what the checked-in files of the project must become.
    """
    project, out = release.project, _Folder(release.folder)
    draft = manifests.draft(project, release.tables, material.inputs)
    for table in release.tables:
        schema = row_schema(table.type, table.name, schema_id(draft, table.name))
        out.add(schema_path(table.name), jsontext.dump_document(schema))
    out.add("quality/expectations.json", jsontext.dump_document(material.expectations))
    if material.agreement is not None:
        out.add("quality/agreement.json", jsontext.dump_document(material.agreement))
    if material.intake is not None:
        out.add("quality/intake.json", jsontext.dump_document(material.intake))
    if material.certificate is not None:
        out.add("quality/leakage.json", jsontext.dump_document(material.certificate))
    out.add_lines("quality/groups.jsonl", (jsontext.dump_line(dict(group)) for group in material.groups))
    out.add("quality/splits.json", jsontext.dump_document(dict(material.shares)))
    _write_ledger(out, material)
    facts = read_facts(release.folder, draft, release.tables)
    datasheet = _bytes(project.root / project.release.datasheet)
    documents = _documents(release, facts, report)
    for path, data in documents.items():
        out.add(path, data)
    out.add("report/index.html", render_report(release, facts))
    files = [*data_files(release.tables), *out.files]
    out.add("croissant.json", jsontext.dump_document(render_croissant(release, facts, files)))
    files = [*data_files(release.tables), *out.files]
    manifest = jsontext.dump_document(manifests.with_files(draft, files))
    out.add(manifests.MANIFEST, manifest)
    files = [*data_files(release.tables), *out.files]
    out.add(manifests.SUMS, manifests.sums(files))
    return _updates(project, documents, datasheet, material.ledger)


def _write_ledger(out: _Folder, material: Material) -> None:
    path = out.root / "ledger.parquet"
    written = parquet.write(path, released_table(material.ledger, material.withdrawn, _LEDGER_TYPE), _LEDGER_TYPE)
    out.files.append(FileEntry(path=path.name, size=written.size, sha256=written.sha256))
    out.add_lines("exclusions.jsonl", chain(_excluded(material.failed), _dropped(material.dropped)))


def _excluded(failed: Iterable[Failed]) -> Iterator[bytes]:
    for kind, identifier, digest, codes in sorted((f.kind, f.id or "", f.digest or "", f.codes) for f in failed):
        yield jsontext.dump_line(
            {
                "kind": kind,
                "id": identifier or None,
                "codes": list(codes),
                # the digest of a short text can be guessed, and a withdrawn one is to be gone
                "sha256": digest if digest and "L013" not in codes else None,
            }
        )


def _dropped(dropped: Iterable[Dropped]) -> Iterator[bytes]:
    for d in sorted(dropped, key=lambda d: (d.kind, d.record or "", d.layer, *d.diagnostic.order)):
        codes = [d.diagnostic.code]
        yield jsontext.dump_line({"kind": d.kind, "id": d.record, "layer": d.layer, "item": d.item, "codes": codes})


def _documents(release: Release, facts: Facts, report: Report) -> dict[str, bytes]:
    project = release.project
    texts = {
        name: _read(project, file, report) or ""
        for name, file in (
            ("README.md", project.release.card),
            ("DATASHEET.md", project.release.datasheet),
            ("CHANGELOG.md", project.release.changelog),
        )
    }
    card, found = render_card(release, facts, texts["README.md"])
    report.add(found)
    datasheet, found = render(texts["DATASHEET.md"], facts, release.tables, project.release.datasheet)
    report.add(found)
    return {
        "README.md": card,
        "DATASHEET.md": datasheet.encode(),
        "CHANGELOG.md": texts["CHANGELOG.md"].encode(),
        "CITATION.cff": render_citation(release),
        "LICENSE.md": render_license(release),
    }


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _digest(path: Path) -> str | None:
    """SHA-256 of a file; None if there is none."""
    if not path.exists():
        return None
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _updates(
    project: Project, documents: Mapping[str, bytes], read: bytes | None, ledger: Ledger
) -> tuple[Update | LedgerUpdate, ...]:
    """What the build would change in the project: the datasheet's generated parts, and the ledger."""
    datasheet = Update(path=project.root / project.release.datasheet, before=read, after=documents["DATASHEET.md"])
    digest = hashlib.sha256()
    for lines in ledger_lines(ledger):
        digest.update(lines)
    kept = LedgerUpdate(path=project.ledger_path, before=_digest(project.ledger_path), ledger=ledger)
    return (
        *([kept] if kept.before != digest.hexdigest() else []),
        *([datasheet] if datasheet.before != datasheet.after else []),
    )


def stale(project: Project, updates: Iterable[Update | LedgerUpdate]) -> list[Diagnostic]:
    """R003 for what a frozen build would have to change."""
    found = []
    for update in updates:
        file = update.path.relative_to(project.root).as_posix()
        message = f"{file} is not what the build computes"
        found.append(Diagnostic(code="R003", place=Place(file=file), message=message))
    return found


def apply_update(project: Project, update: Update | LedgerUpdate) -> tuple[str, Diagnostic | None]:
    """Write a checked-in file, unless somebody changed it since it was read (R012): their words are not overwritten."""
    file = update.path.relative_to(project.root).as_posix()
    if not update.unchanged():
        message = f"{file} was changed while the build ran, and was left as it is"
        return file, Diagnostic(code="R012", place=Place(file=file), message=message)
    fresh = update.path.with_name(f".{update.path.name}.new")
    update.path.parent.mkdir(parents=True, exist_ok=True)
    fresh.unlink(missing_ok=True)
    with HashingFile(fresh) as out:
        for chunk in update.chunks():
            out.write(chunk)
    fresh.replace(update.path)
    return file, None
