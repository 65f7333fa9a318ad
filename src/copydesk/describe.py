"""What a release says of itself: contracts, quality, ledger, card, datasheet, Croissant, manifest. From the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from copydesk import jsontext
from copydesk.contract import arrow
from copydesk.contract.rows import row_schema
from copydesk.contract.types import Field, Type
from copydesk.diagnostics import Diagnostic, Place, Report
from copydesk.project import Project
from copydesk.release import manifest as manifests
from copydesk.release.blocks import render
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
from copydesk.splits import Ledger, dump_ledger
from copydesk.stage import Failed
from copydesk.writers import parquet
from copydesk.writers.hashing import write_bytes

_LEDGER_TYPE = Type(
    kind="struct",
    fields=tuple(
        Field(name=name, type=Type(kind="boolean" if name == "released" else "string"))
        for name in ("id", "group", "split", "since", "digest", "released")
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What the documents are made of beside the written tables."""

    expectations: Mapping[str, Any]
    agreement: Mapping[str, Any] | None
    ledger: Ledger
    failed: tuple[Failed, ...]
    inputs: Mapping[str, Any]


@dataclass(slots=True)
class _Folder:
    """The release in the making: writes files and remembers them."""

    root: Path
    files: list[FileEntry] = field(default_factory=list)

    def add(self, path: str, data: bytes) -> None:
        written = write_bytes(self.root / path, data)
        self.files.append(FileEntry(path=path, size=written.size, sha256=written.sha256))


def check_documents(project: Project, report: Report) -> None:
    """R002, R005, R007 and R010: what can be said of the documents before there is a release."""
    options, version = project.release, project.dataset.version
    for found in check_metadata(project.dataset):
        report.add(replace(found, place=project.place(found.place.pointer or "")))
    _read(project, options.card, report)
    if (datasheet := _read(project, options.datasheet, report)) is not None:
        report.add(check_datasheet(datasheet, options.datasheet, draft=options.draft))
    if (changelog := _read(project, options.changelog, report)) is not None:
        report.add(check_changelog(changelog, version, options.changelog, draft=options.draft))


def _read(project: Project, file: str, report: Report) -> str | None:
    try:
        return (project.root / file).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        report.add(Diagnostic(code="R007", place=Place(file=file), message=f"{file}: {why}"))
        return None


def describe(release: Release, material: Material, report: Report, *, frozen: bool) -> None:
    """Write every file of the release that is not data. Findings go to the report."""
    project, out = release.project, _Folder(release.folder)
    draft = manifests.draft(project, release.tables, material.inputs)
    for table in release.tables:
        schema = row_schema(table.type, table.name, schema_id(draft, table.name))
        out.add(schema_path(table.name), jsontext.dump_document(schema))
    out.add("quality/expectations.json", jsontext.dump_document(material.expectations))
    if material.agreement is not None:
        out.add("quality/agreement.json", jsontext.dump_document(material.agreement))
    _write_ledger(out, material)
    facts = read_facts(release.folder, draft, release.tables)
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
    if frozen:
        report.add(_stale(project, documents, material.ledger))


def _write_ledger(out: _Folder, material: Material) -> None:
    entries = [asdict(material.ledger[identifier]) for identifier in sorted(material.ledger)]
    path = out.root / "ledger.parquet"
    written = parquet.write(path, arrow.to_table(entries, _LEDGER_TYPE), _LEDGER_TYPE)
    out.files.append(FileEntry(path=path.name, size=written.size, sha256=written.sha256))
    excluded = sorted((f.kind, f.id or "", f.digest or "", f.codes) for f in material.failed)
    lines = [
        jsontext.dump_line({"kind": kind, "id": identifier or None, "codes": list(codes), "sha256": digest or None})
        for kind, identifier, digest, codes in excluded
    ]
    out.add("exclusions.jsonl", b"".join(lines))


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


def _stale(project: Project, documents: Mapping[str, bytes], ledger: Ledger) -> list[Diagnostic]:
    """R003 for what `update_project` would change."""
    found = []
    for path, wanted in _project_files(project, documents["DATASHEET.md"], dump_ledger(ledger)).items():
        if not path.exists() or path.read_bytes() != wanted:
            file = path.relative_to(project.root).as_posix()
            message = f"{file} is not what the build computes"
            found.append(Diagnostic(code="R003", place=Place(file=file), message=message))
    return found


def _project_files(project: Project, datasheet: bytes, ledger: bytes) -> dict[Path, bytes]:
    return {project.root / project.release.datasheet: datasheet, project.ledger_path: ledger}


def update_project(project: Project, release: Path, ledger: Ledger) -> list[str]:
    """Bring the checked-in ledger and datasheet to what the sealed release says; returns the files that changed."""
    changed = []
    datasheet = (release / "DATASHEET.md").read_bytes()
    for path, wanted in _project_files(project, datasheet, dump_ledger(ledger)).items():
        if path.exists() and path.read_bytes() == wanted:
            continue
        fresh = path.with_name(f".{path.name}.new")
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(wanted)
        fresh.replace(path)
        changed.append(path.relative_to(project.root).as_posix())
    return changed
