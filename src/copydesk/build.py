"""The build, every stage in order. Each stage returns values and diagnostics; three gates stop on errors."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from copydesk import agreement, describe
from copydesk.articles.shape import text_property
from copydesk.barrier import Gathered, gather_results, keep_out
from copydesk.cache.made import Made
from copydesk.cache.steps import (
    stage_and_keep,
    stage_step,
    take_block,
    take_shard,
    write_and_keep,
    write_step,
)
from copydesk.contract import arrow
from copydesk.cutting import cut
from copydesk.diagnostics import BuildFailed, Diagnostic, Place, Report, Severity, lower
from copydesk.diff.model import Side
from copydesk.engine import for_size
from copydesk.expectations import Here, Judge, RowSuite, open_judge, row_suites, run_expectations, shard_name
from copydesk.expectations import Shard as JudgedShard
from copydesk.importers import intake
from copydesk.links import check_links
from copydesk.nearcopies import MEMORY, Work
from copydesk.plan import Plan, plan, shards_of
from copydesk.prepare import Prepared, prepare
from copydesk.previous import known_versions, lost_ledger, tombstones_of
from copydesk.project import Project
from copydesk.readback import read_back
from copydesk.release.model import Release, Table, data_files
from copydesk.release.verify import verify
from copydesk.running import Crew, Options, about_block, open_crew, open_spool
from copydesk.sources import input_size, list_files
from copydesk.splits import read_ledger
from copydesk.spool import gather
from copydesk.staging import Staging, open_staging, seal
from copydesk.versions import check_number, check_version
from copydesk.views import VIEWS
from copydesk.waivers import apply_waivers, unused_waivers
from copydesk.write import Shard, WriteContext, WrittenShard, name_shards, pending_path

__all__ = ["Grouped", "Options", "Outcome", "barrier", "build", "check", "grouped", "stage", "write"]


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a build came to: the sealed folder, its tables, the findings that did not stop it.

    `changed`: whether the bytes are new. `excluded`: records that were left out; `dropped`: single annotations.
    `updated`: the checked-in files that the build brought up to date. `cached`: for each step how much was taken
    from the cache, and how much was made.
    """

    folder: Path
    tables: tuple[Table, ...]
    changed: bool
    excluded: int
    dropped: int
    updated: tuple[str, ...]
    report: Report = field(default_factory=Report)
    cached: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """What ties articles: the groups as quality/groups.jsonl has them, every id, and (ids) -> id -> text."""

    groups: tuple[Mapping[str, Any], ...]
    ids: tuple[str, ...]
    texts: Callable[[Sequence[str]], dict[str, str]]


def check(options: Options) -> Report:
    """The stages up to the barrier, without writing anything that stays. Never raises for bad data."""
    report = Report()
    with contextlib.suppress(BuildFailed):  # the report has it all
        prepared = prepare(options.root, report)
        describe.check_documents(prepared.project, report)
        report.add(check_number(prepared.project))
        with (
            open_spool(options, prepared.project) as spool,
            open_crew(options, prepared.project, spool, report) as crew,
        ):
            gathered = stage(prepared, options, spool, report, crew)
            options.progress("barrier", 0, 1)
            barrier(prepared, gathered, spool, report, crew)
        agreement.load_passes(prepared.project, prepared.contract, report)
    return report


def build(options: Options) -> Outcome:
    """Build and seal the release. Raises BuildFailed with every finding if there is an error among them."""
    report = Report()
    prepared = prepare(options.root, report)
    describe.check_documents(prepared.project, report)
    suites = any(suite.rules for suite in prepared.suites)
    with (
        open_staging(prepared.project, report, options.work) as staging,
        open_crew(options, prepared.project, staging.spool, report) as crew,
        open_judge(
            crew.cache.verdicts("expect"), here=options.workers == 1, now=not crew.cache.holds("expect") and suites
        ) as rows,
    ):
        gathered = stage(prepared, options, staging.spool, report, crew)
        options.progress("barrier", 0, 1)
        planned = barrier(prepared, gathered, staging.spool, report, crew)
        passes = _passes(prepared, gathered, staging, report)
        _gate(report)
        tables = write(prepared, planned, crew, staging, report, rows)
        options.progress("compare", 0, 1)
        report.add(_check_version(prepared.project, gathered, planned, tables, staging))
        _gate(report)
        release = Release(project=prepared.project, folder=staging.release, tables=tables)
        options.progress("expect", 0, 1)
        results, found = run_expectations(
            release, prepared.suites, rows, memory=options.memory, scratch=staging.scratch
        )
        report.add(found)
        _gate(report)
        options.progress("describe", 0, 1)
        material = _material(prepared, gathered, planned, passes, results)
        updates = describe.describe(release, material, report)
        report.add(describe.stale(prepared.project, updates) if options.frozen else ())
        _gate(report)
        _read_as_others_do(release, planned, options, crew, staging, report)
        options.progress("seal", 0, 1)
        changed, updated = _seal(prepared.project, staging, updates, report)
    folder = prepared.project.output / prepared.project.release_name
    return Outcome(
        folder=folder,
        tables=tables,
        changed=changed,
        excluded=len(gathered.failed),
        dropped=len(gathered.dropped),
        updated=updated,
        report=report,
        cached=crew.cache.counts(),
    )


def _passes(prepared: Prepared, gathered: Gathered, staging: Staging, report: Report) -> agreement.Passes:
    """What several annotators made of the same records: files of their own, or what came with the records."""
    passes = agreement.load_passes(prepared.project, prepared.contract, report)
    passes = passes or agreement.spooled_passes(staging.spool, prepared.contract)
    return agreement.without(passes, gathered.withdrawn)


def _material(
    prepared: Prepared,
    gathered: Gathered,
    planned: Plan,
    passes: agreement.Passes,
    results: Mapping[str, Any],
) -> describe.Material:
    """What the documents are made of beside the written tables."""
    return describe.Material(
        expectations=results,
        agreement=agreement.agreement(prepared.contract, passes) if len(passes) > 1 else None,
        ledger=planned.ledger,
        certificate=planned.certificate,
        groups=planned.groups,
        shares=planned.shares,
        withdrawn=frozenset(i for kind, i in gathered.withdrawn if kind == prepared.project.kinds[0]),
        failed=gathered.failed,
        inputs=gathered.inputs(),
        dropped=tuple(gathered.dropped),
        intake=intake.as_json(prepared.project, gathered.counts),
    )


def _read_as_others_do(
    release: Release, planned: Plan, options: Options, crew: Crew, staging: Staging, report: Report
) -> None:
    """The release through the loaders that people have, then as `copydesk verify` judges it."""
    options.progress("read back", 0, 1)
    report.add(read_back(release, staging.scratch, crew.engine, crew.cache.verdicts("read")))
    _gate(report)
    options.progress("verify", 0, 1)
    engine = for_size(crew.engine, sum(entry.size for entry in data_files(release.tables)))
    known = crew.cache.verdicts("verify")
    report.add(verify(staging.release, engine=engine, certificate=planned.certificate, known=known)[1])
    report.add(crew.cache.findings())
    _gate(report)


def _check_version(
    project: Project, gathered: Gathered, planned: Plan, tables: tuple[Table, ...], staging: Staging
) -> list[Diagnostic]:
    """R014 to R016: whether the version says how much has changed since the release before."""
    new = Side(
        label="this build",
        name=project.dataset.name,
        version=project.dataset.version,
        folder=staging.release,
        tables=tables,
        ledger=planned.ledger,
        license=project.dataset.license,
        where=gathered.place_of,
    )
    scratch = staging.scratch / "previous"
    scratch.mkdir(parents=True)
    return check_version(new, project, planned.before, scratch)


def _seal(
    project: Project, staging: Staging, updates: Sequence[describe.Update | describe.LedgerUpdate], report: Report
) -> tuple[bool, tuple[str, ...]]:
    """The ledger, then the release, then the datasheet.

    The ledger goes first: a kill in between leaves entries of a version that is not out, which the next build makes
    anew. The other way round, a release would be out whose splits nothing remembers.
    """
    updated = []
    ledger = [update for update in updates if update.path == project.ledger_path]
    for update in ledger:
        file, problem = describe.apply_update(project, update)
        report.add(problem or ())
        updated.append(file)
    _gate(report)
    changed = seal(project, staging, report)
    for update in updates:
        if update not in ledger:
            file, problem = describe.apply_update(project, update)
            report.add(lower(problem, Severity.WARNING) if problem else ())
            updated.extend(() if problem else (file,))
    return changed, tuple(updated)


def _gate(report: Report) -> None:
    if report.errors:
        raise BuildFailed(report)


def stage(prepared: Prepared, options: Options, spool: Path, report: Report, crew: Crew | None = None) -> Gathered:
    """Sources -> blocks -> staged records in the spool. Without a crew it hires one of its own."""
    if crew is None:
        with open_crew(options, prepared.project, spool, report) as own:
            return stage(prepared, options, spool, report, own)
    project = prepared.project
    options.progress("list", 0, 1)
    listings, found = list_files(project, spool / "unpacked")
    report.add(found)
    units, found = intake.units_of(project, listings)
    report.add(found)
    blocks, found = cut(listings, units, options.size.block_size)
    report.add(found)
    _gate(report)
    cache = crew.cache
    step = stage_step(cache.store, project, prepared.contract, prepared.waivers, spool)
    results, left = cache.take("stage", partial(take_block, step), blocks)
    engine = for_size(crew.engine, input_size(left))
    results += cache.count("stage", crew.run("stage", partial(stage_and_keep, step), left, about_block, engine))
    report.add(cache.findings())
    gathered = gather_results(project, blocks, results, spool)
    crew.stop_if_lost(gathered.findings(excluding=project.on_error != "fail") if crew.lost else ())
    return gathered


def grouped(options: Options, spool: Path, report: Report) -> Grouped:
    """The groups as they are now, conflicts and all. Raises BuildFailed if the records have errors."""
    prepared = prepare(options.root, report)
    gathered = stage(prepared, options, spool, report)
    planned = _planned(prepared, gathered, spool, report)
    kind = prepared.contract.kinds[prepared.project.kinds[0]]
    name, articles = text_property(kind), gathered.staged[kind.name]

    def texts(ids: Sequence[str]) -> dict[str, str]:
        table = gather(spool, kind.name, articles.addresses_of(ids), arrow.spool_schema(kind.type))
        return dict(zip(ids, table.column(name).to_pylist(), strict=True)) if name else {}

    return Grouped(groups=planned.groups, ids=tuple(articles), texts=texts)


def barrier(prepared: Prepared, gathered: Gathered, spool: Path, report: Report, crew: Crew | None = None) -> Plan:
    """What only all records show. Errors of the stage and of the barrier stop the build here, all at once."""
    work = None
    if crew is not None:
        engine = for_size(crew.engine, sum(p.stat().st_size for p in spool.iterdir() if p.is_file()))
        work = Work(folder=spool / "near", engine=engine, memory=min(MEMORY, crew.memory))
    planned = _planned(prepared, gathered, spool, report, work)
    _gate(report)
    return planned


def _planned(prepared: Prepared, gathered: Gathered, spool: Path, report: Report, work: Work | None = None) -> Plan:
    project, contract = prepared.project, prepared.contract

    def fetch(kind: str, ids: Sequence[str], columns: Sequence[str]) -> pa.Table:
        schema = arrow.spool_schema(contract.kinds[kind].type)
        some = pa.schema([schema.field(name) for name in columns])
        return gather(spool, kind, gathered.staged[kind].addresses_of(ids), some)

    def waive(found: Iterable[Diagnostic]) -> list[Diagnostic]:
        return apply_waivers(found, prepared.waivers, gathered.used)

    ledger, found = read_ledger(project.ledger_path, project.ledger_path.relative_to(project.root).as_posix())
    report.add(found)
    known = known_versions(project, ledger).below(project.dataset.version)
    report.add(lost_ledger(project, known))
    tombstones, found = tombstones_of(project)
    report.add(found)
    report.add(keep_out(gathered, project, tombstones, ledger))
    check_links(gathered, contract, fetch, waive)
    report.add(gathered.findings(excluding=project.on_error != "fail"))
    report.beyond.update(gathered.beyond(excluding=project.on_error != "fail"))
    report.add(unused_waivers(project, prepared.waivers, gathered.used))
    _gate(report)
    planned, found = plan(project, gathered, ledger, spool, known.newest, work)
    report.add(found)
    return planned


def write(
    prepared: Prepared, planned: Plan, crew: Crew, staging: Staging, report: Report, rows: Judge | None = None
) -> tuple[Table, ...]:
    """Every shard of every config, then their names. A config without rows is left out, and said so.

    `rows` judges shards meanwhile.
    """
    project = prepared.project
    context = WriteContext(
        contract=prepared.contract, spool=staging.spool, shards=staging.shards, staging=staging.release
    )
    cache = crew.cache
    step = write_step(cache.store, context)
    shards = [shard for config in project.configs for shard in shards_of(config, planned)]
    written, left = cache.take("write", partial(take_shard, step), shards)
    size = sum(p.stat().st_size for p in staging.spool.iterdir() if p.is_file())
    engine = for_size(crew.engine, size * len(left) // max(1, len(shards)))

    def about(shard: Shard) -> tuple[Place, str]:
        place = project.place(f"/configs/{shard.config.name}")
        return place, f"shard {shard.number} of {shard.config.name}/{shard.split}"

    judge = partial(_judge_early, rows or Here(), _row_suites(prepared) if rows else {}, staging)
    for done in written:
        judge(done)

    def judge_made(made: Made[WrittenShard]) -> None:
        if made.result is not None:
            judge(made.result)

    keep = partial(write_and_keep, step)
    written += cache.count("write", crew.run("write", keep, left, about, engine, judge_made))
    report.add(cache.findings())
    crew.stop_if_lost()
    known = {name: number for number, name in enumerate(project.splits.ratios)}
    # an engine gives results in any order; documents list the splits in this one
    written.sort(key=lambda w: (known.get(w.shard.split, len(known)), w.shard.split, w.shard.number))
    tables = []
    for config in project.configs:
        table = name_shards(context, config, [w for w in written if w.shard.config == config])
        if table.splits:
            tables.append(table)
        else:
            place = project.place(f"/configs/{config.name}")
            message = f"the config {config.name!r} has no rows and is left out"
            report.add(Diagnostic(code="R008", place=place, message=message))
    return tuple(tables)


def _row_suites(prepared: Prepared) -> dict[str, RowSuite]:
    configs = prepared.project.configs
    types = {c.name: VIEWS[c.view].columns(c, prepared.contract) for c in configs}
    return row_suites(prepared.suites, {c.name: c.kind for c in configs}, types)


def _judge_early(rows: Judge, suites: Mapping[str, RowSuite], staging: Staging, done: WrittenShard) -> None:
    """Have a shard judged while others are being written.

    It has no name yet, so a second one is made for the file: what is judged is what will be released. Where the file
    system has no such thing, the shard is judged later.
    """
    config = done.shard.config.name
    if config not in suites or not done.rows:
        return
    name = shard_name(config, done.files["parquet"].sha256)
    path = staging.scratch / "judged" / name
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        path.hardlink_to(staging.shards / pending_path("parquet", done.shard))
        rows.add(JudgedShard(name=name, path=path, rows=done.rows, suite=suites[config]))
