"""What a project asks for, read and held against itself before any record is: project, contract, suites, waivers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from copydesk.contract.load import load_contract
from copydesk.contract.rows import json_schema
from copydesk.contract.types import Contract
from copydesk.contract.validate import schema_errors
from copydesk.diagnostics import BuildFailed, Diagnostic, Place, Report
from copydesk.expectations.suites import Suite, bind_suites, load_suites
from copydesk.importers import IMPORTERS
from copydesk.project import Project, load_project
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
        if source.format not in IMPORTERS:
            place = project.place(f"/source/{number}/format")
            message = f"{source.format!r} is not a format that copydesk reads; it reads {', '.join(IMPORTERS)}"
            report.add(Diagnostic(code="P006", place=place, message=message))
    contract, found = load_contract(root, project.kinds)
    report.add(found)
    if contract is None:
        raise BuildFailed(report)
    report.add(_check_defaults(project, contract))
    report.add(_check_configs(project, contract))
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
