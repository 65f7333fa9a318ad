"""The barrier: what only all records together can show. Unique ids, links, what was withdrawn. Small values only."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from copydesk.arrays import Bytes, as_flags, as_numbers, whole
from copydesk.articles.prune import Dropped
from copydesk.checks.finding import visit
from copydesk.contract.types import Contract, Kind, Ref, Type, walk_types
from copydesk.decisions import quarantined
from copydesk.diagnostics import Diagnostic, Place, Severity, lower
from copydesk.heads import Failed, Failures, Findings, Heads, Links, Staged, StageResult, heads_of, links_of
from copydesk.heads.files import DIGEST
from copydesk.importers import find_again
from copydesk.importers.intake import Counts, intake_findings
from copydesk.jsontext import pointer_to
from copydesk.project import Project
from copydesk.sources import Block
from copydesk.splits import Ledger
from copydesk.tombstones import Tombstones, still_there
from copydesk.waivers import Waiver

LINKS = 5_000
"""Records that are looked at together for what they name in others."""

Fetch = Callable[[str, Sequence[str], Sequence[str]], pa.Table]
"""(kind, ids, columns) -> the records, in that order."""
Waive = Callable[[Iterable[Diagnostic]], list[Diagnostic]]


@dataclass(slots=True, kw_only=True)
class Gathered:
    """All that the stage found, in an order that does not depend on blocks. Read = staged + failed."""

    root: Path
    staged: dict[str, Heads]
    failed: Failures
    diagnostics: Findings
    dropped: list[Dropped] = field(default_factory=list)
    counts: dict[int, Counts] = field(default_factory=dict)
    used: set[Waiver] = field(default_factory=set)
    left_out: bool = False
    withdrawn: frozenset[tuple[str, str]] = frozenset()

    def fail(self, staged: Staged, codes: Iterable[str]) -> None:
        """Move a record from those that passed to those that did not."""
        heads = self.staged[staged.kind]
        if (number := heads.number(staged.id)) >= 0:
            heads.alive[number] = False
        self.fail_copy(staged, codes)

    def fail_copy(self, staged: Staged, codes: Iterable[str]) -> None:
        """Count a record among those that did not pass, beside the one of its id that may have."""
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
        staged = self.staged[kind].get(identifier) if kind in self.staged else None
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

    def beyond(self, *, excluding: bool) -> Counter[tuple[str, Severity]]:
        """How many more findings there are than `findings` gives, by code and severity."""
        out: Counter[tuple[str, Severity]] = Counter()
        for (code, severity), count in self.diagnostics.beyond.items():
            if excluding and severity is Severity.ERROR:
                out[code, Severity.WARNING] += count
            elif excluding or self.left_out or code != "B006":
                out[code, severity] += count
        return out

    def inputs(self) -> dict[str, Any]:
        """For each kind: how many records were read, and a digest over them that no order or file name moves."""
        out = {}
        for kind, records in self.staged.items():
            nameless, failed = self.failed.digests(kind)
            digests = np.concatenate([records.value_digests(), failed])
            count = nameless + len(digests)
            digest = hashlib.sha256(b"\n" * (nameless - (nameless == count and count > 0)))
            for lines in _sorted_lines(digests):
                digest.update(lines)
            out[kind] = {"records": count, "excluded": nameless + len(failed), "sha256": digest.hexdigest()}
        return out


def _sorted_lines(digests: Bytes) -> Iterator[bytes]:
    """Digests in hexadecimal, in order, with a line feed between each two; some at a time."""
    columns = digests.view(">u8").T
    order = np.lexsort(columns[::-1]) if len(digests) else np.zeros(0, dtype=np.int64)
    for start in range(0, len(order), 50_000):
        lines = digests[order[start : start + 50_000]].tobytes().hex("\n", DIGEST)
        yield (lines if start == 0 else f"\n{lines}").encode()


def gather_results(project: Project, blocks: Sequence[Block], results: Iterable[StageResult], spool: Path) -> Gathered:
    """Put the blocks together. Records that share an id all fail (B001), but for exact copies of the first."""
    native = [number for number, source in enumerate(project.sources) if source.format == "copydesk"]
    found = Findings(spool / "all.findings")
    out: dict[str, Any] = {"dropped": [], "counts": {}, "used": set()}
    for result in results:
        out["dropped"].extend(result.dropped)
        out["counts"].setdefault(result.source, Counter()).update(result.counts)
        out["used"] |= result.used
        found.extend(result.diagnostics)
        found.beyond.update(result.beyond)
    found.extend(intake_findings(project, out["counts"]))
    of_kind = {kind: [b for b in blocks if project.sources[b.source].kind == kind] for kind in project.kinds}
    gathered = Gathered(
        root=project.root,
        staged={kind: heads_of(kind, native, of_kind[kind], spool) for kind in project.kinds},
        failed=Failures(of_kind, spool),
        diagnostics=found,
        **out,
    )
    for heads in gathered.staged.values():
        _part_copies(gathered, heads)
    return gathered


def _part_copies(gathered: Gathered, heads: Heads) -> None:
    """Of records with one id let the first in file order be the one, if the others are copies of it."""
    for number, rows in heads.repeated.items():
        identifier = heads.id_of(number)
        order = heads.rows.file_order(rows)
        heads.stand_for(number, order[0])
        first, *others = (heads.of_row(row, identifier) for row in order)
        for staged in others:
            message = f"the {staged.kind} {identifier!r} is already in {first.place.file}:{first.place.line}"
            place = _inside(gathered, staged, "/id")
            gathered.diagnostics.extend([Diagnostic(code="B001", place=place, message=message)])
            gathered.fail_copy(staged, ["B001"])
        if any(staged.value_digest != first.value_digest for staged in others):
            gathered.fail(first, ["B001"])


def keep_out(gathered: Gathered, project: Project, tombstones: Tombstones, ledger: Ledger) -> Iterator[Diagnostic]:
    """What people keep out of the release: withdrawn articles (L013), also where their text comes back under an id that
    was never released, and articles under quarantine."""
    gathered.withdrawn = frozenset(tombstones)
    for kind in project.kinds:
        heads, named = gathered.staged[kind], sorted(i for k, i in tombstones if k == kind)
        places = {i: heads[i].place for i in named if i in heads}
        gone, found = still_there(tombstones, kind, places)
        yield from found
        _leave_out(gathered, kind, gone, "L013")
        _forget_failed(gathered, kind, frozenset(named), "L013")
    primary = project.kinds[0]
    texts = {ledger[i].digest: i for kind, i in tombstones if kind == primary and i in ledger and ledger[i].digest}
    for staged in _with_digests(gathered.staged[primary], texts):
        if staged.id not in ledger:
            old = texts[staged.digest]
            message = f"{staged.id!r} has the text of {old!r}, which was withdrawn, and is left out"
            yield Diagnostic(code="L013", place=staged.place, message=message)
            _leave_out(gathered, primary, [staged.id], "L013")
    _leave_out(gathered, primary, quarantined(project.splits), "L002")


def _with_digests(heads: Heads, wanted: Collection[str]) -> list[Staged]:
    """The records whose texts have one of some digests."""
    chosen = heads.numbers()
    digests = heads.digests(chosen) if wanted else None
    if digests is None:
        return []
    known = np.frombuffer(bytes.fromhex("".join(d for d in wanted if len(d) == 2 * DIGEST)), dtype=np.uint8)
    likely = np.isin(digests.view(np.uint64)[:, 0], known.reshape(-1, DIGEST).view(np.uint64)[:, 0])
    found = (heads.at(number) for number in chosen[likely].tolist())
    return [staged for staged in found if staged.digest in wanted]


def _leave_out(gathered: Gathered, kind: str, ids: Iterable[str], code: str) -> None:
    """Take records out that a decision of people keeps out of the release: what was withdrawn or quarantined."""
    found = [gathered.staged[kind][identifier] for identifier in sorted(ids) if identifier in gathered.staged[kind]]
    for staged in found:
        gathered.fail(staged, [code])
    gathered.left_out = gathered.left_out or bool(found)


def _forget_failed(gathered: Gathered, kind: str, ids: Set[str], code: str) -> None:
    """What is wrong with records that are kept out anyway stops nothing, and not even a digest of them is kept."""
    if gone := gathered.failed.forget(kind, ids, code):
        gathered.diagnostics.forget(gone)


def batched(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """The ids in pieces of `size`."""
    return (ids[start : start + size] for start in range(0, len(ids), size))


def check_links(gathered: Gathered, contract: Contract, fetch: Fetch, waive: Waive) -> None:
    """B002–B004 and B006: do links, and what they name in the linked records, exist? A link that fails is failed.

    Where a record was too broken to tell its id, any link may be to it, so none is called dangling.
    """
    _drop_unlinked(gathered, contract, waive)
    for kind in contract.kinds.values():
        refs = [(path, node) for path, node in walk_types(kind.type) if is_cross_ref(node)]
        heads = gathered.staged.get(kind.name)
        if not refs or heads is None:
            continue
        columns = list(dict.fromkeys(["id", *kind.linked(), *(path[0] for path, _ in refs)]))
        for batch in batched([*heads], LINKS):
            records = fetch(kind.name, batch, columns).to_pylist()
            named = [_named(record, kind, refs) for record in records]
            known = _items(contract, fetch, [use for uses in named for use in uses])
            for record, uses in zip(records, named, strict=True):
                if found := list(_cross_findings(uses, refs, known)):
                    staged = heads[record["id"]]
                    places = [(code, _inside(gathered, staged, at), message) for code, at, message in found]
                    waived = waive(Diagnostic(code=c, place=place, message=m) for c, place, m in places)
                    _judge(gathered, staged, waived)
    _drop_unlinked(gathered, contract, waive)


def _drop_unlinked(gathered: Gathered, contract: Contract, waive: Waive) -> None:
    """Fail every record that links to one that is not there, then those that link to it, until none is left."""
    links = {kind: links_of(gathered.staged, kind) for kind in contract.kinds if kind in gathered.staged}
    back = {kind: _Back(found, kind) for kind, found in links.items()}
    lost: _Lost | None = None
    dropped = True
    while dropped:
        dropped = False
        for kind in links:
            waiting = _dangling(gathered, kind, links[kind])
            lost = lost or (_Lost(gathered) if waiting else None)
            while waiting:  # in the order of ids: what is dropped takes those with it that come later
                number = heappop(waiting)
                if not gathered.staged[kind].alive[number]:
                    continue
                assert lost is not None
                staged = gathered.staged[kind].at(number)
                found = list(_link_findings(staged, contract.kinds[kind], gathered, lost))
                _judge(gathered, staged, waive(found))
                if found:  # what comes later in this round must not take it for one that never was
                    dropped = True
                    lost.add(kind, staged.id)
                    for later in back[kind].to(number):
                        heappush(waiting, later)


def _dangling(gathered: Gathered, kind: str, links: Links) -> list[int]:
    """The records that count, in order, with a link to one that does not."""
    there = np.zeros(len(links.targets), dtype=np.bool_)
    for number, target in enumerate(links.kinds):
        here = np.flatnonzero((links.kind == number) & (links.targets >= 0))
        if target in gathered.staged:
            there[here] = gathered.staged[target].alive[links.targets[here]]
    held = gathered.staged[kind].alive[links.holders] & ~there
    found: list[int] = np.unique(links.holders[held]).tolist()
    return found


class _Back:
    """The links among records of one kind, by where they lead."""

    def __init__(self, links: Links, kind: str) -> None:
        here = np.flatnonzero(links.kind == links.kinds.index(kind)) if kind in links.kinds else links.kind[:0]
        order = here[np.argsort(links.targets[here], kind="stable")]
        self._targets, self._holders = links.targets[order], links.holders[order]

    def to(self, number: int) -> list[int]:
        """The records that come after one and link to it."""
        first, last = np.searchsorted(self._targets, [number, number + 1]).tolist()
        return [holder for holder in self._holders[first:last].tolist() if holder > number]


class _Lost:
    """The ids of what did not pass, by kind."""

    def __init__(self, gathered: Gathered) -> None:
        self._gathered = gathered
        self._ids: dict[str, set[str | None]] = {}

    def of(self, kind: str) -> set[str | None]:
        if kind not in self._ids:
            self._ids[kind] = self._gathered.failed.ids(kind) if kind in self._gathered.staged else set()
        return self._ids[kind]

    def add(self, kind: str, identifier: str) -> None:
        self.of(kind).add(identifier)


def _judge(gathered: Gathered, staged: Staged, found: list[Diagnostic]) -> None:
    gathered.diagnostics.extend(found)
    codes = [d.code for d in found if d.severity is Severity.ERROR or d.code == "B006"]
    if codes:
        gathered.fail(staged, codes)


def _link_findings(staged: Staged, kind: Kind, gathered: Gathered, lost: _Lost) -> Iterator[Diagnostic]:
    for name, target, identifier, _ in staged.links:
        if identifier in gathered.staged.get(target, ()):
            continue
        if identifier in lost.of(target) or None in lost.of(target):
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


Use = tuple[Ref, str, str]
"""(reference, kind, id): what a record names in another one."""
Uses = Mapping[Use, list[tuple[str, Any]]]
"""What a record names in others: (pointer, value) of each reference."""
Refs = Sequence[tuple[tuple[str, ...], Type]]


def _items(contract: Contract, fetch: Fetch, uses: Iterable[Use]) -> dict[tuple[str, str, str], list[Any]]:
    """(kind, id, layer) -> the ids of the items there, for all that some records name, fetched together."""
    wanted: dict[str, dict[str, set[str]]] = {}
    for ref, target, linked in uses:
        wanted.setdefault(target, {}).setdefault(ref.layer, set()).add(linked)
    found = {}
    for target, layers in wanted.items():
        ids = sorted(set().union(*layers.values()))
        table = fetch(target, ids, list(layers))
        for layer in layers:
            key = contract.kinds[target].type.field_type(layer).key
            lists = whole(table.column(layer))
            keys = pc.struct_field(lists.flatten(), [key]).to_pylist()
            ends = np.cumsum(np.where(as_flags(lists.is_valid()), as_numbers(pc.list_value_length(lists)), 0)).tolist()
            for identifier, start, end in zip(ids, [0, *ends[:-1]], ends, strict=True):
                found[target, identifier, layer] = keys[start:end]
    return found


def _named(record: Mapping[str, Any], kind: Kind, refs: Refs) -> Uses:
    """What a record names in the linked records; of each reference also that it names nothing."""
    named: dict[Use, list[tuple[str, Any]]] = {}
    for path, node in refs:
        assert node.ref is not None
        linked = record.get(node.ref.record or "")
        if not kind.stands_beside(node.ref, path[0]) and linked is not None:
            named.setdefault((node.ref, kind.linked()[node.ref.record or ""], linked), [])
    for pointer, value, node in visit(dict(record), kind.type, is_cross_ref):
        assert node.ref is not None
        holder, target = _end(record, kind, pointer, node.ref)
        if holder is not None:
            named.setdefault((node.ref, target, holder), []).append((pointer, value))
    return named


def _cross_findings(
    named: Uses, refs: Refs, known: Mapping[tuple[str, str, str], Sequence[Any]]
) -> Iterator[tuple[str, str, str]]:
    """(code, pointer, message) for references into the linked records."""
    for (ref, target, linked), uses in named.items():
        ids = known[target, linked, ref.layer]
        for pointer, value in uses:
            if value not in ids:
                message = f"{target} {linked!r} has no {value!r} among its {ref.layer}"
                yield "B003", pointer, message
        missing = sorted(set(ids) - {value for _, value in uses}) if ref.cover else []
        if missing:
            message = f"{len(missing)} of the {ref.layer} of {linked!r} are not named: {', '.join(missing[:8])}"
            path = next(path for path, node in refs if node.ref == ref)
            yield "B004", pointer_to(takewhile(lambda step: step != "*", path)), message


def _end(record: Mapping[str, Any], kind: Kind, pointer: str, ref: Ref) -> tuple[str | None, str]:
    """(id, kind) of the record that a reference at `pointer` leads into."""
    layer, *steps = pointer.split("/")[1:]
    if kind.stands_beside(ref, layer):
        return record[layer][int(steps[0])].get(ref.record), kind.target_of(ref, layer) or ""
    return record.get(ref.record or ""), kind.linked()[ref.record or ""]
