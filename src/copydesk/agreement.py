"""Agreement between two annotation passes: F1 of the spans, Krippendorff's alpha of their labels.

Spans have no true negatives, so F1 between the passes is the measure for them (Hripcsak and Rothschild 2005);
labels are compared over the spans that are matched between the passes, by nominal alpha (Krippendorff 2011).
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from copydesk.checks.spans import span_ranges
from copydesk.contract.arrow import spool_schema
from copydesk.contract.types import Contract, Kind, Type
from copydesk.diagnostics import Diagnostic, Report, Severity
from copydesk.project import Project
from copydesk.sources import BLOCK_SIZE, cut, list_files
from copydesk.spool import gather
from copydesk.stage import StageContext, stage_block

Ranges = tuple[tuple[int, int], ...]
Records = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One annotated item of a pass: the record and span it stands on, its id, its labels by property."""

    record: str
    ranges: Ranges
    id: str
    labels: dict[str, str] = field(default_factory=dict, hash=False, compare=False)

    def overlap(self, other: Item) -> int:
        """Code points that two items of one record share."""
        if self.record != other.record:
            return 0
        return sum(max(0, min(e, f) - max(s, t)) for s, e in self.ranges for t, f in other.ranges)


def alpha(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Krippendorff's alpha, nominal, two passes, no missing values; None where it is undefined.

    It is undefined without units, and where all values are the same: there was nothing to disagree on.
    """
    counts = Counter(value for pair in pairs for value in pair)
    total = sum(counts.values())
    expected = total**2 - sum(n * n for n in counts.values())
    if not pairs or expected == 0:
        return None
    observed = sum(2 for left, right in pairs if left != right)
    return 1 - (total - 1) * observed / expected


def f1(matches: int, left: int, right: int) -> float | None:
    """F1 of two sets of which `matches` members meet; None if both are empty."""
    return 2 * matches / (left + right) if left + right else None


def match(left: Sequence[Item], right: Sequence[Item]) -> list[tuple[Item, Item]]:
    """Pair the items of two passes one to one: equal spans first, then by the greatest overlap."""
    candidates: list[tuple[int, int, int, int]] = []
    there: dict[str, list[int]] = {}
    for j, other in enumerate(right):
        there.setdefault(other.record, []).append(j)
    for i, one in enumerate(left):
        for j in there.get(one.record, ()):
            other = right[j]
            shared = one.overlap(other)
            if shared:
                candidates.append((one.ranges != other.ranges, -shared, i, j))
    used_left, used_right, pairs = set[int](), set[int](), []
    for _, _, i, j in sorted(candidates):
        if i not in used_left and j not in used_right:
            used_left.add(i)
            used_right.add(j)
            pairs.append((left[i], right[j]))
    return sorted(pairs, key=lambda pair: (pair[0].record, pair[0].ranges, pair[0].id))


def layer_items(kind: Kind, layer: str, records: Records) -> list[Item]:
    """The items of a layer that stand on a span, their own or that of their first span property (a trigger)."""
    node = kind.type.field_type(layer).item
    assert node is not None
    inner = next((f for f in node.fields if f.type.span is not None and not f.type.nullable), None)
    span = node.span or (inner.type.span if inner else None)
    key = kind.type.field_type(layer).key
    if span is None or key is None:
        return []
    items = []
    for identifier, record in sorted(records.items()):
        for value in record.get(layer) or ():
            holder = value if node.span is not None or inner is None else value[inner.name]
            ranges = tuple(sorted((s, e) for _, s, e in span_ranges(holder, span)))
            items.append(Item(record=identifier, ranges=ranges, id=value[key], labels=_labels(node, value)))
    return items


def _labels(node: Type, value: dict[str, Any]) -> dict[str, str]:
    return {f.name: value[f.name] for f in node.fields if f.type.kind == "label" and value.get(f.name) is not None}


def compare_layers(left: list[Item], right: list[Item]) -> dict[str, Any]:
    """The figures for one layer: counts, F1 exact and overlapping, alpha for each label property, F1 by label."""
    pairs = match(left, right)
    names = sorted({name for item in (*left, *right) for name in item.labels})
    first = next((name for name in ("label", *names) if name in names), None)
    return {
        "items": [len(left), len(right)],
        "exact_f1": _rounded(f1(_exact(left, right), len(left), len(right))),
        "overlap_f1": _rounded(f1(len(pairs), len(left), len(right))),
        "labels": {name: _label_figures([(a.labels[name], b.labels[name]) for a, b in pairs]) for name in names},
        "by_label": _by_label(left, right, first) if first else {},
    }


def _exact(left: Iterable[Item], right: Iterable[Item]) -> int:
    there = Counter((item.record, item.ranges) for item in right)
    return sum((Counter((item.record, item.ranges) for item in left) & there).values())


def _by_label(left: list[Item], right: list[Item], name: str) -> dict[str, Any]:
    out = {}
    for label in sorted({item.labels[name] for item in (*left, *right)}):
        ours = [item for item in left if item.labels[name] == label]
        theirs = [item for item in right if item.labels[name] == label]
        out[label] = {
            "items": [len(ours), len(theirs)],
            "exact_f1": _rounded(f1(_exact(ours, theirs), len(ours), len(theirs))),
            "overlap_f1": _rounded(f1(len(match(ours, theirs)), len(ours), len(theirs))),
        }
    return out


def _label_figures(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    same = sum(left == right for left, right in pairs)
    return {
        "units": len(pairs),
        "alpha": _rounded(alpha(pairs)),
        "agreement": _rounded(same / len(pairs) if pairs else None),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def compare_links(
    kind: Kind, layer: str, links: Sequence[Records], items: Sequence[dict[tuple[str, str], list[Item]]]
) -> dict[str, Any]:
    """The figures for a layer whose items stand on items of linked records: labels over matched items.

    `items`: for each pass, (kind, layer) -> the span items of the linked records. Each single-valued reference of
    the layer gives the labels; a reference to many gives whether an item is named together with a single one.
    """
    node = kind.type.field_type(layer).item
    assert node is not None
    single = next((f for f in node.fields if f.type.ref and f.type.ref.record), None)
    if single is None or single.type.ref is None:
        return {}
    ref, linked = single.type.ref, kind.linked()[single.type.ref.record or ""]
    sides = []
    for records, spans in zip(links, items, strict=True):
        known = {(i.record, i.id): i for i in spans[linked, ref.layer]}
        side = []
        for record in records.values():
            for value in record.get(layer) or ():
                anchor = known.get((record[ref.record or ""], value.get(single.name)))
                if anchor is not None:
                    labels = _labels(node, value)
                    side.append(Item(record=anchor.record, ranges=anchor.ranges, id=anchor.id, labels=labels))
        sides.append(side)
    return compare_layers(sides[0], sides[1])


def agreement(contract: Contract, passes: Sequence[tuple[str, dict[str, Records]]]) -> dict[str, Any]:
    """The agreement of the first two passes, each given as (name, kind -> id -> record)."""
    (left_name, left), (right_name, right) = passes[:2]
    layers: dict[str, Any] = {}
    items: list[dict[tuple[str, str], list[Item]]] = [{}, {}]
    for kind in contract.kinds.values():
        for layer in kind.layers():
            for side, records in zip(items, (left, right), strict=True):
                side[kind.name, layer] = layer_items(kind, layer, records.get(kind.name, {}))
            ours, theirs = items[0][kind.name, layer], items[1][kind.name, layer]
            if ours or theirs:
                layers[layer] = compare_layers(ours, theirs)
    for kind in contract.kinds.values():
        for layer in kind.layers():
            figures = compare_links(kind, layer, [left.get(kind.name, {}), right.get(kind.name, {})], items)
            if figures:
                layers[layer] = figures
    return {"passes": [left_name, right_name], "layers": layers}


def load_passes(project: Project, contract: Contract, report: Report) -> list[tuple[str, dict[str, Records]]]:
    """The records of every pass of dataset.toml, from `<pass>/<kind>/`, checked and completed as records are."""
    return [_load_pass(project, contract, number, report) for number in range(len(project.passes))]


def _load_pass(project: Project, contract: Contract, number: int, report: Report) -> tuple[str, dict[str, Records]]:
    folder, records = project.passes[number], dict[str, Records]()
    sources = tuple(
        replace(s, paths=(f"{folder}/{s.kind}/*.json", f"{folder}/{s.kind}/*.jsonl")) for s in project.sources
    )
    side = replace(project, sources=sources)
    listed, _ = list_files(side)
    if not listed:
        place = project.place(f"/agreement/passes/{number}")
        report.add(Diagnostic(code="P004", place=place, message=f"the pass {folder!r} has no records"))
    blocks, found = cut(side, listed, BLOCK_SIZE)
    report.add(found)
    with tempfile.TemporaryDirectory(prefix="copydesk-pass-") as spool:
        context = StageContext(project=side, contract=contract, spool=Path(spool))
        for block in blocks:
            result = stage_block(context, block)
            report.add(d for d in result.diagnostics if d.severity is Severity.ERROR)
            kind = contract.kinds[side.sources[block.source].kind]
            addresses = [staged.address for staged in result.staged]
            rows = gather(Path(spool), kind.name, addresses, spool_schema(kind.type))
            records.setdefault(kind.name, {}).update({row["id"]: row for row in rows.to_pylist()})
    return folder.rstrip("/").rsplit("/", 1)[-1], records
