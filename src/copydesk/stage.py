"""The first pass over one block: decode, import, contract, checks, surfaces, spool. A pure function of its block.

Runs in any process. What it returns is small: what the barrier needs to know of each record, and the findings.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copydesk import jsontext
from copydesk.articles.prune import prune
from copydesk.attempts import whole
from copydesk.checks import Finding
from copydesk.checks.finding import paths_to, values_at
from copydesk.checks.spans import is_span, surface_of
from copydesk.contract import arrow
from copydesk.contract.types import Contract, Kind
from copydesk.diagnostics import Diagnostic, Severity, lower
from copydesk.grouping import words_compared
from copydesk.heads import BlockHeads, StageResult
from copydesk.heads.files import findings_path, heads_path, lost_path
from copydesk.importers import Importer, Record, importer_of
from copydesk.importers.intake import Taken, take
from copydesk.judge import Judge
from copydesk.project import Project
from copydesk.shingles import shingle
from copydesk.shingles import write as write_shingles
from copydesk.sources import Block, RawRecord, read
from copydesk.spool import passes_path, shingles_path, spool_path, write_block, write_passes
from copydesk.waivers import Waiver, apply_waivers


@dataclass(frozen=True, slots=True, kw_only=True)
class StageContext:
    """What every block is staged with. `compared`: whether the texts of its records are to be compared with others."""

    project: Project
    contract: Contract
    spool: Path
    waivers: tuple[Waiver, ...] = ()
    compared: bool = True


def stage_block(context: StageContext, block: Block) -> StageResult:
    """Stage the records of one block; those that pass go to the spool."""
    with _without_collector():
        return _stage_block(context, block)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Records are trees without cycles: looking for cycles among them would double the time of a block."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _stage_block(context: StageContext, block: Block) -> StageResult:
    result = StageResult(source=block.source)
    source = context.project.sources[block.source]
    kind = context.contract.kinds[source.kind]
    importer = importer_of(source.format)
    verdicts, surfaces = _Verdicts(context, kind), _Surfaces(kind)
    heads = BlockHeads(context.project, kind, block)
    lines: list[bytes] = []
    passes: list[dict[str, Any]] = []
    for raw in read(block):
        if isinstance(raw, Diagnostic):
            result.diagnostics.append(raw)
            heads.fail(raw.place, [raw])
            continue
        taken = _take(context, block.source, kind, raw, importer)
        if taken.counts:
            result.counts.update(taken.counts)
        result.diagnostics.extend(taken.found)
        for record in taken.records:
            if isinstance(record, Diagnostic):
                result.diagnostics.append(record)
                heads.fail(record.place, [record], raw.data)
                continue
            record, found = verdicts.of(record, result)
            place = record.locate("")
            if found and any(d.severity is Severity.ERROR for d in found):
                heads.fail(place, found, raw.data)
                continue
            filled = surfaces.fill(record.value)
            line = jsontext.dump_line(record.value) if filled or record.written is None else record.written
            heads.add(record, place, line)
            lines.append(line)
        passes.extend(_pass_rows(taken, verdicts.judge, kind))
    heads.write(context.spool, result)
    write_block(context.spool, kind.name, block.index, arrow.lines_to_table(lines, kind.type))
    write_passes(context.spool, kind.name, block.index, passes)
    if context.compared and heads.texts is not None:
        words = words_compared(context.project.splits)
        with whole(shingles_path(context.spool, block.index)) as path:
            write_shingles(path, shingle(heads.texts, words))
    return result


def block_files(context: StageContext, block: Block) -> dict[str, Path]:
    """Every file that staging a block may write, by what it is."""
    spool, kind, index = context.spool, context.project.sources[block.source].kind, block.index
    return {
        "records": spool_path(spool, kind, index),
        "heads": heads_path(spool, kind, index),
        "lost": lost_path(spool, kind, index),
        "findings": findings_path(spool, kind, index),
        "passes": passes_path(spool, kind, index),
        "shingles": shingles_path(spool, index),
    }


def _take(context: StageContext, number: int, kind: Kind, raw: RawRecord, importer: Importer) -> Taken:
    """The records of one raw record. Native ones have the shape of the contract already."""
    source = context.project.sources[number]
    if source.format != "copydesk":
        return take(context.project.root, source, kind, raw, importer)
    records = [r for r in importer.read(context.project.root, source, raw) if isinstance(r, Record | Diagnostic)]
    return Taken(records=records)


def _pass_rows(taken: Taken, judge: Judge, kind: Kind) -> Iterator[dict[str, Any]]:
    """The passes that can be compared: what is wrong with one is said where it counts, in the record of the release."""
    for annotator, record in taken.passes:
        pruned = prune(record, kind, judge.findings)
        if pruned.clean:
            yield {"annotator": annotator, "record": pruned.record.value}


class _Verdicts:
    """What is wrong with the records of a block, as the project wants it told."""

    def __init__(self, context: StageContext, kind: Kind) -> None:
        self._context, self._kind = context, kind
        self.judge = Judge(kind, context.contract)

    def of(self, record: Record, result: StageResult) -> tuple[Record, list[Diagnostic]]:
        """The record and every finding about it, waivers applied.

        Annotations with errors are taken out of it if the project says so: those findings are warnings then, and
        what was taken out is in `result.dropped`.
        """
        mild: list[Diagnostic] = []
        if self._context.project.on_error == "exclude-annotations":
            pruned = prune(record, self._kind, self.judge.findings)
            mild = [d for d in record.found if d.severity is not Severity.ERROR]
            mild += [lower(dropped.diagnostic, Severity.WARNING) for dropped in pruned.dropped]
            result.dropped.extend(pruned.dropped)
            record = pruned.record
        found = self.judge.findings(record.value, record.written)
        if not (found or record.found or mild):
            return record, []
        told = [*record.found, *(_located(finding, record) for finding in found)]
        told = apply_waivers(told, self._context.waivers, result.used)
        result.diagnostics.extend([*told, *apply_waivers(mild, self._context.waivers, result.used)])
        return record, told


def _located(finding: Finding, record: Record) -> Diagnostic:
    return Diagnostic(
        code=finding.code,
        place=record.locate(finding.pointer),
        message=finding.message,
        notes=finding.notes,
        help=finding.help,
    )


class _Surfaces:
    """Writes the text of every span into its surface property; one that is given is the slice, or it had not passed."""

    def __init__(self, kind: Kind) -> None:
        spans = [(path, node.span) for path, node in paths_to(kind.type, is_span) if node.span is not None]
        self._spans = [(path, span, span.surface) for path, span in spans if span.surface is not None]

    def fill(self, record: dict[str, Any]) -> bool:
        """Whether there was one to write."""
        filled = False
        for path, span, surface in self._spans:
            text, fragments = record.get(span.text) or "", span.fragments
            for item in values_at(record, path):
                if item.get(surface) is not None:
                    continue
                filled = True
                if fragments is not None and len(item[fragments]) == 1:  # nearly all have one
                    only = item[fragments][0]
                    item[surface] = text[only["start"] : only["end"]]
                else:
                    item[surface] = surface_of(text, item, span)
        return filled
