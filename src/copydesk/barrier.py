"""The barrier: what only all records together can show. Unique ids, links, what was withdrawn. Small values only."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from copydesk.arrays import Bytes
from copydesk.articles.prune import Dropped
from copydesk.decisions import quarantined
from copydesk.diagnostics import Diagnostic, Place, Severity, lower
from copydesk.heads import Failed, Failures, Findings, Heads, Staged, StageResult, heads_of
from copydesk.heads.files import DIGEST
from copydesk.importers import find_again
from copydesk.importers.intake import Counts, intake_findings
from copydesk.project import Project
from copydesk.sources import Block
from copydesk.splits import Ledger
from copydesk.tombstones import Tombstones, still_there
from copydesk.waivers import Waiver


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
        return self.place_in(staged, pointer) if staged is not None else None

    def place_in(self, staged: Staged, pointer: str) -> Place:
        """The same for a record that is at hand."""
        if not staged.native:  # the pointer is into the record, which is not what the file looks like
            return staged.place
        return find_again(self.root, staged.place, pointer)

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
            digests = np.concatenate([records.value_digests()[records.alive], failed])
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
            place = gathered.place_in(staged, "/id")
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
