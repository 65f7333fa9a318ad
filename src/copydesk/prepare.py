"""What a project asks for, read and held against itself before any record is: project, contract, suites, waivers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from copydesk.articles.units import is_encoding
from copydesk.contract.load import load_contract
from copydesk.contract.rows import json_schema
from copydesk.contract.types import Contract, walk_types
from copydesk.contract.validate import schema_errors
from copydesk.diagnostics import BuildFailed, Diagnostic, Place, Report, Severity, lower
from copydesk.expectations.suites import Suite, bind_suites, load_suites
from copydesk.importers import FORMATS, MissingLibrary, importer_of, options_schema
from copydesk.project import Project, Source, load_project
from copydesk.views import VIEWS
from copydesk.waivers import Waiver, load_waivers


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What a project asks for, once it is known to make sense."""

    project: Project
    contract: Contract
    suites: tuple[Suite, ...]
    waivers: tuple[Waiver, ...]


def prepare(root: Path, report: Report) -> Prepared:
    """Project, contract, suites, waivers. Raises BuildFailed: without them nothing can be judged."""
    project, found = load_project(root)
    report.add(found)
    if project is None:
        raise BuildFailed(report)
    for number, source in enumerate(project.sources):
        report.add(_check_source(project, number, source))
    contract, found = load_contract(root, project.kinds)
    report.add(found)
    if contract is None:
        raise BuildFailed(report)
    report.add(_check_defaults(project, contract))
    report.add(_check_definitions(project, contract))
    report.add(_check_configs(project, contract))
    report.add(_check_boilerplate(project, contract))
    if report.errors:
        raise BuildFailed(report)
    types = {c.name: VIEWS[c.view].columns(c, contract) for c in project.configs}
    suites, found = load_suites(root, types)
    report.add(found)
    report.add(bind_suites(suites, types)[1])
    report.add(_check_suites(root, types, suites))
    waivers, found = load_waivers(project)
    report.add(found)
    if report.errors:
        raise BuildFailed(report)
    return Prepared(project=project, contract=contract, suites=suites, waivers=waivers)


def _check_source(project: Project, number: int, source: Source) -> Iterator[Diagnostic]:
    """P006, I014 and P003: whether the format is known, can be read here, and has what the source asks of it."""

    def wrong(code: str, key: str, message: str) -> Diagnostic:
        return Diagnostic(code=code, place=project.place(f"/source/{number}/{key}"), message=message)

    if source.format not in FORMATS:
        message = f"{source.format!r} is not a format that copydesk reads; it reads {', '.join(FORMATS)}"
        yield wrong("P006", "format", message)
        return
    try:
        importer = importer_of(source.format)
    except MissingLibrary as missing:
        yield wrong("I014", "format", str(missing))
        return
    if source.take and source.take not in importer.TAKES:
        message = f"{source.format} files have no {source.take!r} to take; there are {', '.join(importer.TAKES)}"
        yield wrong("P003", "take", message)
    if not is_encoding(source.encoding):
        yield wrong("P003", "encoding", f"there is no encoding of texts {source.encoding!r}")
    for pointer, message in schema_errors(options_schema(source.format), dict(source.options)):
        known = ", ".join(importer.OPTIONS) or "none"
        yield wrong("P003", f"options{pointer}", f"{message}; the options of {source.format} are {known}")
    if source.passes.get("rule") == "annotator" and "annotator" not in source.passes:
        yield wrong("P003", "passes/rule", 'the rule "annotator" needs the name: annotator = "…"')
    if source.format == "copydesk":
        for key in ("map", "passes"):
            if getattr(source, key):
                yield wrong("P003", key, f"{key} is for the formats of other tools; native records are as they are")


def _check_definitions(project: Project, contract: Contract) -> Iterator[Diagnostic]:
    """C007 for labels that were drafted from the data and wait for their definition; a warning in a draft."""
    for kind in contract.kinds.values():
        for path, node in walk_types(kind.type):
            waiting = [label.name for label in node.labels if label.description.startswith("TODO")]
            if waiting:
                column = ".".join(step for step in path if step != "*")
                shown = ", ".join(waiting[:6]) + (", …" if len(waiting) > 6 else "")
                message = f"{len(waiting)} of the labels of {column} have no definition: {shown}"
                place = Place(file=kind.file)
                found = Diagnostic(code="C007", place=place, message=message)
                yield lower(found, Severity.WARNING) if project.release.draft else found


def _check_boilerplate(project: Project, contract: Contract) -> Iterator[Diagnostic]:
    """P003 for boilerplate that no article can have."""
    record = contract.kinds[project.kinds[0]].type
    for number, part in enumerate(project.splits.boilerplate):
        layer = record.get(part.layer)
        item = layer.item if layer is not None else None
        place = project.place(f"/splits/boilerplate/{number}")
        if item is None or item.span is None:
            message = f"{part.layer!r} is no layer of {project.kinds[0]!r} whose items stand on the text"
            yield Diagnostic(code="P003", place=place, message=message)
            continue
        node = item.get(part.property)
        unknown = sorted(set(part.values) - set(node.names)) if node is not None and node.kind == "label" else []
        if node is None or unknown:
            what = f"no property {part.property!r}" if node is None else f"no label {unknown[0]!r}"
            yield Diagnostic(code="P003", place=place, message=f"the items of {part.layer!r} have {what}")


def _check_suites(root: Path, types: Iterable[str], suites: Iterable[Suite]) -> Iterator[Diagnostic]:
    covered = {suite.config for suite in suites}
    for name in types:
        file = f"schema/expectations/{name}.json"
        if name not in covered and not (root / file).exists():  # one that is there and broken is E001 already
            message = f"nothing is expected of the rows of {name!r}"
            yield Diagnostic(code="E005", place=Place(file=file), message=message)


def _check_defaults(project: Project, contract: Contract) -> Iterator[Diagnostic]:
    """A default that no record can have would be an error in every record; it is one here."""
    for number, source in enumerate(project.sources):
        node = contract.kinds[source.kind].type
        for name, value in source.defaults.items():
            place = project.place(f"/source/{number}/defaults/{name}")
            if (kind := node.get(name)) is None:
                message = f"a default for {name!r}, which {source.kind} records do not have"
                yield Diagnostic(code="P003", place=place, message=message)
                continue
            for pointer, message in schema_errors(json_schema(kind), value):
                where = f" at {pointer}" if pointer else ""
                message = f"the default breaks the contract{where}: {message}"
                yield Diagnostic(code="P003", place=place, message=message)


def _check_configs(project: Project, contract: Contract) -> Iterator[Diagnostic]:
    for config in project.configs:
        place = project.place(f"/configs/{config.name}")
        if config.view not in VIEWS:
            message = f"{config.view!r} is not a view; the views are {', '.join(VIEWS)}"
            yield Diagnostic(code="P005", place=place, message=message)
            continue
        try:
            VIEWS[config.view].columns(config, contract)
        except LookupError as error:
            yield Diagnostic(code="P005", place=place, message=str(error.args[0]))
