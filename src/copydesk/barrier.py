"""The barrier: what only all records together can show. Unique ids, links, what was withdrawn. Small values only."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import pyarrow as pa

from copydesk.articles.prune import Dropped
from copydesk.checks.finding import visit
from copydesk.contract.types import Contract, Kind, Ref, Type, walk_types
from copydesk.decisions import quarantined
from copydesk.diagnostics import Diagnostic, Place, Severity, lower
from copydesk.heads import Failed, Staged, StageResult
from copydesk.importers import find_again
from copydesk.importers.intake import Counts, intake_findings
from copydesk.jsontext import pointer_to
from copydesk.project import Project
from copydesk.splits import Ledger
from copydesk.tombstones import Tombstones, still_there
from copydesk.waivers import Waiver

Fetch = Callable[[str, Sequence[str]], pa.Table]
Waive = Callable[[Iterable[Diagnostic]], list[Diagnostic]]


@dataclass(slots=True, kw_only=True)
class Gathered:
    """All that the stage returned, in an order that does not depend on blocks. Read = staged + failed."""

    root: Path
    staged: dict[str, dict[str, Staged]]
    failed: list[Failed] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    counts: dict[int, Counts] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    used: set[Waiver] = field(default_factory=set)
    left_out: bool = False
    withdrawn: frozenset[tuple[str, str]] = frozenset()

    def fail(self, staged: Staged, codes: Iterable[str]) -> None:
        """Move a record from those that passed to those that did not."""
        self.staged[staged.kind].pop(staged.id, None)
        self.failed.append(
            Failed(
                kind=staged.kind,
                id=staged.id,
                place=staged.place,
                codes=tuple(sorted(set(codes))),
                digest=staged.value_digest,
            )
        )

    def place_of(self, kind: str, identifier: str, pointer: str) -> Place | None:
        """Where a value of a record stands in the annotator's own file."""
        staged = self.staged.get(kind, {}).get(identifier)
        return _inside(self, staged, pointer) if staged is not None else None

    def findings(self, *, excluding: bool) -> list[Diagnostic]:
        """The findings about records. With `excluding`, an error leaves its record out and stops nothing.

        Without, nothing but what people decided on is left out, so there is nothing to say of the links to what
        failed (B006).
        """
        if not excluding and self.left_out:
            return list(self.diagnostics)
        if not excluding:
            return [d for d in self.diagnostics if d.code != "B006"]
        return [lower(d, Severity.WARNING) if d.severity is Severity.ERROR else d for d in self.diagnostics]

    def inputs(self) -> dict[str, Any]:
        """For each kind: how many records were read, and a digest over them that no order or file name moves."""
        out = {}
        for kind, records in self.staged.items():
            failed = [f.digest or "" for f in self.failed if f.kind == kind]
            digests = sorted([*(s.value_digest for s in records.values()), *failed])
            digest = hashlib.sha256("\n".join(digests).encode()).hexdigest()
            out[kind] = {"records": len(digests), "excluded": len(failed), "sha256": digest}
        return out


def gather_results(project: Project, results: Iterable[StageResult]) -> Gathered:
    """Put the blocks together. Records that share an id all fail (B001), but for exact copies of the first."""
    out = Gathered(root=project.root, staged={kind: {} for kind in project.kinds})
    for result in results:
        out.failed.extend(result.failed)
        out.dropped.extend(result.dropped)
        out.counts.setdefault(result.source, Counter()).update(result.counts)
        out.diagnostics.extend(result.diagnostics)
        out.used |= result.used
        for staged in result.staged:
            out.staged[staged.kind].setdefault(staged.id, staged)
    out.diagnostics.extend(intake_findings(project, out.counts))
    everything = sorted((s for r in results for s in r.staged), key=lambda s: _file_order(s.place))
    first: dict[tuple[str, str], Staged] = {}
    for staged in everything:
        known = first.setdefault((staged.kind, staged.id), staged)
        if known is staged:
            out.staged[staged.kind][staged.id] = staged
            continue
        message = f"the {staged.kind} {staged.id!r} is already in {known.place.file}:{known.place.line}"
        out.diagnostics.append(Diagnostic(code="B001", place=_inside(out, staged, "/id"), message=message))
        differs = known.value_digest != staged.value_digest
        if differs and out.staged[known.kind].get(known.id) is known:
            out.fail(known, ["B001"])
        kept = out.staged[staged.kind].get(staged.id)
        out.fail(staged, ["B001"])
        if kept is not None:
            out.staged[staged.kind][staged.id] = kept
    return out


def keep_out(gathered: Gathered, project: Project, tombstones: Tombstones, ledger: Ledger) -> Iterator[Diagnostic]:
    """What people keep out of the release: withdrawn articles (L013), also where their text comes back under an id that
    was never released, and articles under quarantine."""
    gathered.withdrawn = frozenset(tombstones)
    for kind in project.kinds:
        places = {i: staged.place for i, staged in gathered.staged[kind].items()}
        gone, found = still_there(tombstones, kind, places)
        yield from found
        _leave_out(gathered, kind, gone, "L013")
        _forget_failed(gathered, kind, {i for k, i in tombstones if k == kind}, "L013")
    primary = project.kinds[0]
    texts = {ledger[i].digest: i for kind, i in tombstones if kind == primary and i in ledger and ledger[i].digest}
    for identifier, staged in sorted(gathered.staged[primary].items()):
        if identifier not in ledger and (old := texts.get(staged.digest)) is not None:
            message = f"{identifier!r} has the text of {old!r}, which was withdrawn, and is left out"
            yield Diagnostic(code="L013", place=staged.place, message=message)
            _leave_out(gathered, primary, [identifier], "L013")
    _leave_out(gathered, project.kinds[0], quarantined(project.splits), "L002")


def _leave_out(gathered: Gathered, kind: str, ids: Iterable[str], code: str) -> None:
    """Take records out that a decision of people keeps out of the release: what was withdrawn or quarantined."""
    found = [gathered.staged[kind][identifier] for identifier in sorted(ids) if identifier in gathered.staged[kind]]
    for staged in found:
        gathered.fail(staged, [code])
    gathered.left_out = gathered.left_out or bool(found)


def _forget_failed(gathered: Gathered, kind: str, ids: Set[str], code: str) -> None:
    """What is wrong with records that are kept out anyway stops nothing, and not even a digest of them is kept."""
    gone = {f.id for f in gathered.failed if f.kind == kind and f.id in ids}
    if gone:
        gathered.failed = [
            replace(f, codes=(code,), digest=None) if f.kind == kind and f.id in gone else f for f in gathered.failed
        ]
        gathered.diagnostics = [d for d in gathered.diagnostics if d.place.record not in gone]


def _file_order(place: Place) -> tuple[str, int]:
    return place.file, place.line or 0


def batched(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """The ids in pieces of `size`."""
    return (ids[start : start + size] for start in range(0, len(ids), size))


def check_links(gathered: Gathered, contract: Contract, fetch: Fetch, waive: Waive) -> None:
    """B002–B004 and B006: do links, and what they name in the linked records, exist? A link that fails is failed.

    Where a record was too broken to tell its id, any link may be to it, so none is called dangling.
    """
    _drop_unlinked(gathered, contract, waive)
    for kind in contract.kinds.values():
        if not _has_cross_refs(kind.type):
            continue
        known = _Items(contract, fetch)
        for batch in batched(sorted(gathered.staged.get(kind.name, {})), 500):
            for record in fetch(kind.name, batch).to_pylist():
                staged = gathered.staged[kind.name][record["id"]]
                found = [
                    Diagnostic(code=code, place=_inside(gathered, staged, pointer), message=message)
                    for code, pointer, message in _cross_findings(record, kind, known)
                ]
                _judge(gathered, staged, waive(found))
    _drop_unlinked(gathered, contract, waive)


def _drop_unlinked(gathered: Gathered, contract: Contract, waive: Waive) -> None:
    """Fail every record that links to one that is not there, then those that link to it, until none is left."""
    dropped = True
    while dropped:
        dropped = False
        lost = {(f.kind, f.id) for f in gathered.failed}
        for kind in contract.kinds.values():
            for _, staged in sorted(gathered.staged.get(kind.name, {}).items()):
                found = list(_link_findings(staged, kind, gathered, lost))
                _judge(gathered, staged, waive(found))
                if found:  # what comes later in this round must not take it for one that never was
                    dropped = True
                    lost.add((staged.kind, staged.id))


def _judge(gathered: Gathered, staged: Staged, found: list[Diagnostic]) -> None:
    gathered.diagnostics.extend(found)
    codes = [d.code for d in found if d.severity is Severity.ERROR or d.code == "B006"]
    if codes:
        gathered.fail(staged, codes)


def _link_findings(
    staged: Staged, kind: Kind, gathered: Gathered, lost: set[tuple[str, str | None]]
) -> Iterator[Diagnostic]:
    for name, target, identifier, _ in staged.links:
        if identifier in gathered.staged.get(target, {}):
            continue
        if (target, identifier) in lost or (target, None) in lost:
            message = f"the {target} {identifier!r} did not pass, so the {kind.name} is left out"
            yield Diagnostic(code="B006", place=_inside(gathered, staged, f"/{name}"), message=message)
        else:
            message = f"there is no {target} {identifier!r}"
            yield Diagnostic(code="B002", place=_inside(gathered, staged, f"/{name}"), message=message)


def _inside(gathered: Gathered, staged: Staged, pointer: str) -> Place:
    if not staged.native:  # the pointer is into the record, which is not what the file looks like
        return staged.place
    return find_again(gathered.root, staged.place, pointer)


def is_cross_ref(node: Type) -> bool:
    return node.ref is not None and node.ref.record is not None


def _has_cross_refs(node: Type) -> bool:
    return any(is_cross_ref(inner) for _, inner in walk_types(node))


class _Items:
    """The ids of the items of linked records, fetched once for the many links that name them."""

    def __init__(self, contract: Contract, fetch: Fetch) -> None:
        self._contract, self._fetch = contract, fetch
        self._known: dict[tuple[str, str, str], list[Any]] = {}

    def of(self, kind: str, identifier: str, layer: str) -> list[Any]:
        """The ids of the items of a layer of a record."""
        known = self._known.get((kind, identifier, layer))
        if known is None:
            key = self._contract.kinds[kind].type.field_type(layer).key
            items = self._fetch(kind, [identifier]).column(layer)[0].as_py() or []
            if len(self._known) > 5_000:  # links stand by their articles more often than not
                self._known.clear()
            known = self._known[kind, identifier, layer] = [item[key] for item in items]
        return known


def _cross_findings(record: Mapping[str, Any], kind: Kind, known: _Items) -> Iterator[tuple[str, str, str]]:
    """(code, pointer, message) for references into the linked records."""
    named: dict[tuple[Ref, str, str], list[tuple[str, Any]]] = {}
    layers: dict[Ref, str] = {}
    for path, node in walk_types(kind.type):
        if node.ref is not None and node.ref.record is not None:
            layers.setdefault(node.ref, pointer_to(takewhile(lambda step: step != "*", path)))
            linked = record.get(node.ref.record)
            if not kind.stands_beside(node.ref, path[0]) and linked is not None:
                named.setdefault((node.ref, kind.linked()[node.ref.record], linked), [])
    for pointer, value, node in visit(dict(record), kind.type, is_cross_ref):
        assert node.ref is not None
        holder, target = _end(record, kind, pointer, node.ref)
        if holder is not None:
            named.setdefault((node.ref, target, holder), []).append((pointer, value))
    for (ref, target, linked), uses in named.items():
        ids = known.of(target, linked, ref.layer)
        for pointer, value in uses:
            if value not in ids:
                message = f"{target} {linked!r} has no {value!r} among its {ref.layer}"
                yield "B003", pointer, message
        missing = sorted(set(ids) - {value for _, value in uses}) if ref.cover else []
        if missing:
            message = f"{len(missing)} of the {ref.layer} of {linked!r} are not named: {', '.join(missing[:8])}"
            yield "B004", layers[ref], message


def _end(record: Mapping[str, Any], kind: Kind, pointer: str, ref: Ref) -> tuple[str | None, str]:
    """(id, kind) of the record that a reference at `pointer` leads into."""
    layer, *steps = pointer.split("/")[1:]
    if kind.stands_beside(ref, layer):
        return record[layer][int(steps[0])].get(ref.record), kind.target_of(ref, layer) or ""
    return record.get(ref.record or ""), kind.linked()[ref.record or ""]
