"""Links, as only all records together can show: do they lead somewhere, and does what they name stand there?

Not here: links as ties between articles (plan.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from itertools import takewhile
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from copydesk.arrays import as_flags, as_numbers, whole
from copydesk.barrier import Gathered
from copydesk.checks.finding import visit
from copydesk.contract.types import Contract, Kind, Ref, Type, walk_types
from copydesk.diagnostics import Diagnostic, Severity
from copydesk.heads import Links, Staged, links_of
from copydesk.jsontext import pointer_to

LINKS = 5_000
"""Records that are looked at together for what they name in others."""

Fetch = Callable[[str, Sequence[str], Sequence[str]], pa.Table]
"""(kind, ids, columns) -> the records, in that order."""
Waive = Callable[[Iterable[Diagnostic]], list[Diagnostic]]


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
                    places = [(code, gathered.place_in(staged, at), message) for code, at, message in found]
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
            yield Diagnostic(code="B006", place=gathered.place_in(staged, f"/{name}"), message=message)
        else:
            message = f"there is no {target} {identifier!r}"
            yield Diagnostic(code="B002", place=gathered.place_in(staged, f"/{name}"), message=message)


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
