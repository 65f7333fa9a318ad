"""The first pass over one block: decode, import, contract, checks, surfaces, spool. A pure function of its block.

Runs in any process. What it returns is small: what the barrier needs to know of each record, and the findings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copydesk import jsontext
from copydesk.articles.model import HALF
from copydesk.articles.prune import prune
from copydesk.checks import CHECKS, Finding
from copydesk.checks.finding import visit
from copydesk.checks.spans import is_span, surface_of
from copydesk.contract import arrow
from copydesk.contract.explain import explain_record, explainer_for
from copydesk.contract.types import Contract, Kind
from copydesk.contract.validate import validator_for
from copydesk.diagnostics import Diagnostic, Severity, lower
from copydesk.grouping import words_compared
from copydesk.heads import BlockHeads, StageResult
from copydesk.importers import Importer, Record, importer_of
from copydesk.importers.intake import Taken, take
from copydesk.project import Project
from copydesk.shingles import shingle
from copydesk.shingles import write as write_shingles
from copydesk.sources import Block, RawRecord, read
from copydesk.spool import shingles_path, whole, write_block, write_passes
from copydesk.waivers import Waiver, apply_waivers


@dataclass(frozen=True, slots=True, kw_only=True)
class StageContext:
    """What every block is staged with. `spool` is None when the records are only checked; `compared`: whether their
    texts are to be compared with others."""

    project: Project
    contract: Contract
    waivers: tuple[Waiver, ...] = ()
    spool: Path | None = None
    compared: bool = True


def stage_block(context: StageContext, block: Block) -> StageResult:
    """Stage the records of one block; those that pass go to the spool."""
    result = StageResult(source=block.source)
    source = context.project.sources[block.source]
    kind = context.contract.kinds[source.kind]
    importer = importer_of(source.format)
    judge = _Judge(context, kind)
    heads = BlockHeads(context.project, kind, block)
    rows: list[dict[str, Any]] = []
    passes: list[dict[str, Any]] = []
    for raw in read(block):
        if isinstance(raw, Diagnostic):
            result.diagnostics.append(raw)
            heads.fail(raw.place, [raw])
            continue
        taken = _take(context, block.source, kind, raw, importer)
        result.counts.update(taken.counts)
        result.diagnostics.extend(taken.found)
        for record in taken.records:
            if isinstance(record, Diagnostic):
                result.diagnostics.append(record)
                heads.fail(record.place, [record], raw.data)
                continue
            record, found = judge.verdict(record, result)
            place = record.locate("")
            if any(d.severity is Severity.ERROR for d in found):
                heads.fail(place, found, raw.data)
                continue
            _fill_surfaces(record.value, kind)
            heads.add(record, place)
            rows.append(record.value)
        passes.extend(_pass_rows(taken, judge, kind))
    result.staged, result.failed = heads.staged, heads.failed
    if context.spool is not None:
        write_block(context.spool, kind.name, block.index, arrow.to_table(rows, kind.type))
        write_passes(context.spool, kind.name, block.index, passes)
        if context.compared and heads.texts is not None:
            words = words_compared(context.project.splits)
            with whole(shingles_path(context.spool, block.index)) as path:
                write_shingles(path, shingle(heads.texts, words))
    return result


def _take(context: StageContext, number: int, kind: Kind, raw: RawRecord, importer: Importer) -> Taken:
    """The records of one raw record. Native ones have the shape of the contract already."""
    source = context.project.sources[number]
    if source.format != "copydesk":
        return take(context.project.root, source, kind, raw, importer)
    records = [r for r in importer.read(context.project.root, source, raw) if isinstance(r, Record | Diagnostic)]
    return Taken(records=records)


def _pass_rows(taken: Taken, judge: _Judge, kind: Kind) -> Iterator[dict[str, Any]]:
    """The passes that can be compared: what is wrong with one is said where it counts, in the record of the release."""
    for annotator, record in taken.passes:
        pruned = prune(record, kind, judge.raw_findings)
        if pruned.clean:
            yield {"annotator": annotator, "record": pruned.record.value}


class _Judge:
    """The validators and checks for one kind of record, built once for a block."""

    def __init__(self, context: StageContext, kind: Kind) -> None:
        self._context, self._kind = context, kind
        self._validator = validator_for(kind.schema, context.contract)

    def verdict(self, record: Record, result: StageResult) -> tuple[Record, list[Diagnostic]]:
        """The record and every finding about it, waivers applied.

        Annotations with errors are taken out of it if the project says so: those findings are warnings then, and
        what was taken out is in `result.dropped`.
        """
        mild: list[Diagnostic] = []
        if self._context.project.on_error == "exclude-annotations":
            pruned = prune(record, self._kind, self.raw_findings)
            mild = [d for d in record.found if d.severity is not Severity.ERROR]
            mild += [lower(dropped.diagnostic, Severity.WARNING) for dropped in pruned.dropped]
            result.dropped.extend(pruned.dropped)
            record = pruned.record
        found = [*record.found, *(_located(finding, record) for finding in self.raw_findings(record.value))]
        found = apply_waivers(found, self._context.waivers, result.used)
        result.diagnostics.extend([*found, *apply_waivers(mild, self._context.waivers, result.used)])
        return record, found

    def raw_findings(self, value: dict[str, Any]) -> list[Finding]:
        """What is wrong with a record. One that breaks the contract is not checked further: no cascades."""
        found = list(self._contract(value))
        if not found:
            for check in CHECKS.values():
                found.extend(check(value, self._kind.type))
        return found

    def _contract(self, value: dict[str, Any]) -> Iterator[Finding]:
        try:
            if self._validator.is_valid(value):
                return
        except (UnicodeEncodeError, ValueError):  # half a surrogate pair has no UTF-8
            found = list(_surrogates(value, ""))
            if not found:
                raise
            yield from found
            return
        explainer = explainer_for(self._kind.schema, self._context.contract)
        explained = list(explain_record(explainer, value))
        assert explained, "the two validators disagree on a record"
        for code, pointer, message in explained:
            yield Finding(code=code, pointer=pointer, message=message)


def _located(finding: Finding, record: Record) -> Diagnostic:
    return Diagnostic(
        code=finding.code,
        place=record.locate(finding.pointer),
        message=finding.message,
        notes=finding.notes,
        help=finding.help,
    )


def _surrogates(value: Any, pointer: str) -> Iterator[Finding]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if HALF.search(key):
                message = f"the key {key!r} holds half of a surrogate pair"
                yield Finding(code="A303", pointer=pointer, message=message)
            else:
                yield from _surrogates(inner, f"{pointer}/{jsontext.escape(key)}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _surrogates(inner, f"{pointer}/{index}")
    elif isinstance(value, str) and (half := HALF.search(value)):
        message = f"half of a surrogate pair (U+{ord(half[0]):04X}) at offset {half.start()}"
        yield Finding(code="A303", pointer=pointer, message=message)


def _fill_surfaces(record: dict[str, Any], kind: Kind) -> None:
    """Write the text of every span into its surface property; one that is given is the slice, or it had not passed."""
    for _, item, node in visit(record, kind.type, is_span):
        assert node.span is not None
        if node.span.surface is not None and item.get(node.span.surface) is None:
            item[node.span.surface] = surface_of(record[node.span.text], item, node.span)
