"""`copydesk convert`: annotated articles from one format to another. Reads files, projects and releases; writes files.

What the target cannot hold is counted and told. Nothing is written over: the target is new, and appears whole.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from copydesk import jsontext
from copydesk.articles.model import cannot_be_written
from copydesk.articles.passes import left_out, resolve
from copydesk.articles.shape import from_record
from copydesk.articles.units import is_encoding
from copydesk.contract.load import load_contract
from copydesk.contract.types import Kind
from copydesk.contract.validate import schema_errors
from copydesk.cutting import cut
from copydesk.diagnostics import Diagnostic, Report, Severity
from copydesk.exporters import exporter_of
from copydesk.importers import Article, Record, importer_of, options_schema
from copydesk.importers.intake import take, units_of
from copydesk.importers.recognise import recognise
from copydesk.project import (
    DEFAULT_RATIOS,
    PROJECT_FILE,
    Dataset,
    Project,
    ReleaseOptions,
    Source,
    Splits,
    load_project,
)
from copydesk.release.manifest import MANIFEST
from copydesk.release.model import articles_table
from copydesk.release.verify import open_release
from copydesk.sources import BLOCK_SIZE, Listing, list_files, read


class Refused(Exception):  # noqa: N818 - says in words why nothing was written
    """The source cannot be read, or the target not be written."""


@dataclass(slots=True, kw_only=True)
class Converted:
    """What was read and written. `losses`: what the target cannot hold; `left_out`: what the importer did not carry."""

    format: str
    articles: int = 0
    files: int = 0
    losses: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    report: Report = field(default_factory=Report)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to convert. `passes`: as [source.passes]; `options`: as [source.options]."""

    origin: Path
    target: Path
    to: str
    format: str | None = None
    encoding: str = "utf-8"
    passes: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


def _is_project(origin: Path) -> bool:
    return (origin / PROJECT_FILE).is_file()


def convert(request: Request) -> Converted:
    """Convert. Raises Refused, KeyError for a target format that does not exist, MissingLibrary."""
    exporter = exporter_of(request.to)
    target = request.target
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise Refused(f"{target} exists and is not empty")
    if not is_encoding(request.encoding):
        raise Refused(f"there is no encoding of texts {request.encoding!r}")
    if not request.origin.exists():
        raise Refused(f"there is no {request.origin}")
    asked = request.format is not None or request.passes or request.options or request.encoding != "utf-8"
    if _is_project(request.origin) and asked:
        raise Refused(f"{request.origin} is a project: its {PROJECT_FILE} says what is read, and how")
    with tempfile.TemporaryDirectory(prefix="copydesk-convert-") as scratch:
        done = Converted(format="")
        articles = _articles(request, Path(scratch), done)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        except OSError as error:
            raise Refused(f"{error.filename or target}: {error.strerror}") from error
        try:
            for name, data in exporter.export(articles, done.losses):
                path = PurePosixPath(name)
                assert not path.is_absolute() and ".." not in path.parts, name
                (fresh / path).parent.mkdir(parents=True, exist_ok=True)
                (fresh / path).write_bytes(data)
                done.files += 1
            fresh.chmod(0o755)
            if done.articles:
                if target.exists():
                    target.rmdir()
                fresh.rename(target)
        except OSError as error:
            raise Refused(f"{error.filename or target}: {error.strerror}") from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return done


def _articles(request: Request, scratch: Path, done: Converted) -> Iterator[Article]:
    """The articles of the origin, one after the other; what is found goes to `done`."""
    read_all = _of_project if _is_project(request.origin) else of_files
    if request.format is None and (request.origin / MANIFEST).is_file():
        read_all = _of_release
    for article in read_all(request, scratch, done):
        if cannot_be_written(article):
            message = "the article holds half of a surrogate pair, which no file can, and is left out"
            place = replace(article.place(), record=None)
            done.report.add(Diagnostic(code="A303", place=place, message=message))
            continue
        done.articles += 1
        yield article


def _of_project(request: Request, scratch: Path, done: Converted) -> Iterator[Article]:
    done.format = "copydesk"
    project, found = load_project(request.origin.resolve())
    done.report.add(found)
    if project is None:
        return
    contract, found = load_contract(project.root, project.kinds)
    done.report.add(found)
    if contract is None:
        return
    listings, found = list_files(project, scratch / "unpacked")
    done.report.add(found)
    units, found = units_of(project, listings)
    done.report.add(found)
    blocks, found = cut(listings, units, BLOCK_SIZE)
    done.report.add(found)
    for block in blocks:
        source = project.sources[block.source]
        kind, importer = contract.kinds[source.kind], importer_of(source.format)
        for raw in read(block):
            if isinstance(raw, Diagnostic):
                done.report.add(raw)
                continue
            native = source.format == "copydesk"
            records = (
                importer.read(project.root, source, raw)
                if native
                else take(project.root, source, kind, raw, importer).records
            )
            for record in records:
                if isinstance(record, Diagnostic):
                    done.report.add(record)
                elif isinstance(record, Record) and kind.name != project.kinds[0]:
                    done.left_out[f"{kind.name} records"] += 1
                elif isinstance(record, Record) and record.id is not None:
                    done.report.add(record.found)
                    done.left_out.update(record.left_out + record.homeless)
                    yield from_record(record.value, kind, record.locate("").file)


def _of_release(request: Request, scratch: Path, done: Converted) -> Iterator[Article]:
    """The articles of a release of copydesk's own, by the contract that it carries."""
    done.format = "release"
    opened, found = open_release(request.origin)
    done.report.add(d for d in found if d.severity is Severity.ERROR)
    if opened is None:
        return
    primary = opened.manifest["primary"]
    whole = articles_table(opened.tables, primary)
    for table in opened.tables:
        if table.config.view == "records" and table is not whole:
            done.left_out[f"{table.config.kind} records"] += table.rows
    if whole is None:
        return
    kind = Kind(name=primary, file="", type=whole.type, schema={})
    for split in whole.splits:
        for entry in split.jsonl:
            with (request.origin / entry.path).open("rb") as lines:
                for line in lines:
                    yield from_record(jsontext.load_line(line), kind, entry.path)


def of_files(request: Request, scratch: Path, done: Converted) -> Iterator[Article]:
    """The articles of an export, one annotation each."""
    origin = request.origin.resolve()
    root = origin.parent
    listings, name = _listed(request, root, origin.name, scratch, done)
    done.format = name
    importer = importer_of(name)
    for pointer, message in schema_errors(options_schema(name), dict(request.options)):
        hint = f"`copydesk formats {name}` lists the options"
        raise Refused(f"{name} does not take {pointer[1:]} as an option: {message}; {hint}")
    source = Source(
        kind="article", paths=(origin.name,), format=name, encoding=request.encoding, options=request.options
    )
    units, found = units_of(_project(root, source), listings)
    done.report.add(found)
    blocks, found = cut(listings, units, BLOCK_SIZE)
    done.report.add(found)
    for block in blocks:
        for raw in read(block):
            if isinstance(raw, Diagnostic):
                done.report.add(raw)
                continue
            groups: dict[str, list[Article]] = {}
            for imported in importer.read(root, source, raw):
                if isinstance(imported, Article):
                    groups.setdefault(imported.id, []).append(imported)
                elif isinstance(imported, Diagnostic):
                    done.report.add(imported)
            for articles in groups.values():
                chosen = resolve(articles, request.passes)
                if isinstance(chosen, Diagnostic):
                    done.report.add(chosen)
                else:
                    done.report.add(chosen.found)
                    done.left_out.update(left_out([chosen, *articles]))
                    yield chosen


def _listed(request: Request, root: Path, name: str, scratch: Path, done: Converted) -> tuple[list[Listing], str]:
    project = _project(root, Source(kind="article", paths=(name,)))
    listings, found = list_files(project, scratch / "unpacked", as_folders=True)
    done.report.add(found)
    if request.format is not None:
        return listings, request.format
    candidates, missing = recognise(listings[0].files)
    if not candidates:
        hint = "; ".join(missing) or "name it with --from; `copydesk formats` lists what is read"
        raise Refused(f"the format of {request.origin} was not recognised: {hint}")
    return listings, candidates[0][1]


def _project(root: Path, source: Source) -> Project:
    """A project around one source, to list its files by."""
    dataset = Dataset(
        name="converted", title="", version="0.0.0", date="", summary="", language=(), license="", creators=()
    )
    splits = Splits(salt="", ratios=DEFAULT_RATIOS)
    return Project(root=root, dataset=dataset, sources=(source,), configs=(), splits=splits, release=ReleaseOptions())
