"""Agreement between annotation passes: which items of which layers are compared. The measures are in reliability.py."""

from __future__ import annotations

import tempfile
from collections.abc import Container, Iterable, Sequence, Set
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

from copydesk.checks.spans import span_ranges
from copydesk.contract.arrow import spool_schema
from copydesk.contract.types import Contract, Kind, Type
from copydesk.cutting import cut
from copydesk.diagnostics import Diagnostic, Report, Severity
from copydesk.importers.intake import units_of
from copydesk.project import Project, Source
from copydesk.reliability import Item, Side, label_figures, span_figures
from copydesk.reliability import units_of as spans_in_common
from copydesk.sources import BLOCK_SIZE, list_files
from copydesk.spool import Address, gather, read_passes
from copydesk.stage import StageContext, stage_block

Records = dict[str, dict[str, Any]]
Passes = Sequence[tuple[str, dict[str, Records]]]
"""(annotator, kind -> id -> record) of several people about the same articles."""


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


def compare_layers(sides: Sequence[Sequence[Item]], seen: Sequence[Set[str]], names: Sequence[str]) -> dict[str, Any]:
    """The figures for one layer: counts, F1 exact and overlapping, alpha for each label property, F1 by label.

    `sides`: the items of each pass; `seen`: the articles that each pass went over, with or without finding anything.
    """
    common = {article for one, two in combinations(seen, 2) for article in one & two}
    grouped = [_by_record(side, went_over & common) for side, went_over in zip(sides, seen, strict=True)]
    properties = sorted({name for side in sides for item in side for name in item.labels})
    first = next((name for name in ("label", *properties) if name in properties), None)
    return {
        "items": [sum(map(len, side.values())) for side in grouped],
        **span_figures(grouped, names),
        "labels": {name: label_figures(units) for name, units in _label_units(grouped, properties).items()},
        "by_label": _by_label(grouped, first, names) if first else {},
    }


def _by_record(items: Iterable[Item], articles: Set[str]) -> dict[str, list[Item]]:
    out: dict[str, list[Item]] = {article: [] for article in articles}
    for item in items:
        if item.record in out:
            out[item.record].append(item)
    return out


def _label_units(sides: Sequence[Side], properties: Sequence[str]) -> dict[str, dict[str, list[list[str]]]]:
    """Label property -> article -> for each span that passes have in common the labels they give it."""
    out: dict[str, dict[str, list[list[str]]]] = {name: {} for name in properties}
    for article in sorted({article for side in sides for article in side}):
        units = spans_in_common([side[article] for side in sides if article in side])
        for name in properties:
            given = [[item.labels[name] for item in unit if name in item.labels] for unit in units if len(unit) > 1]
            out[name][article] = [values for values in given if len(values) > 1]
    return out


def _by_label(sides: Sequence[Side], name: str, names: Sequence[str]) -> dict[str, Any]:
    out = {}
    labels = {item.labels[name] for side in sides for items in side.values() for item in items if name in item.labels}
    for label in sorted(labels):
        only = [
            {article: [i for i in items if i.labels.get(name) == label] for article, items in side.items()}
            for side in sides
        ]
        figures = span_figures(only, names)
        out[label] = {
            "items": [sum(map(len, side.values())) for side in only],
            "exact_f1": figures["exact_f1"],
            "overlap_f1": figures["overlap_f1"],
        }
    return out


def compare_links(
    kind: Kind,
    layer: str,
    links: Sequence[Records],
    items: Sequence[dict[tuple[str, str], list[Item]]],
    names: Sequence[str],
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
    seen = [{item.record for item in side} for side in sides]
    return compare_layers(sides, seen, names)


def agreement(contract: Contract, passes: Sequence[tuple[str, dict[str, Records]]]) -> dict[str, Any]:
    """The agreement of two or more passes, each given as (name, kind -> id -> record).

    Each pair of passes is compared on the articles that both went over.
    """
    names = [name for name, _ in passes]
    layers: dict[str, Any] = {}
    items: list[dict[tuple[str, str], list[Item]]] = [{} for _ in passes]
    for kind in contract.kinds.values():
        records = [given.get(kind.name, {}) for _, given in passes]
        for layer in kind.layers():
            for side, known in zip(items, records, strict=True):
                side[kind.name, layer] = layer_items(kind, layer, known)
            sides = [side[kind.name, layer] for side in items]
            if any(sides):
                layers[layer] = compare_layers(sides, [set(known) for known in records], names)
    for kind in contract.kinds.values():
        for layer in kind.layers():
            figures = compare_links(kind, layer, [given.get(kind.name, {}) for _, given in passes], items, names)
            if figures:
                layers[layer] = figures
    return {"passes": names, "layers": layers}


def load_passes(project: Project, contract: Contract, report: Report) -> list[tuple[str, dict[str, Records]]]:
    """The records of every pass of dataset.toml, from `<pass>/<kind>/`, checked and completed as records are."""
    return [_load_pass(project, contract, number, report) for number in range(len(project.passes))]


def _load_pass(project: Project, contract: Contract, number: int, report: Report) -> tuple[str, dict[str, Records]]:
    folder, records = project.passes[number], dict[str, Records]()
    sources = tuple(
        Source(kind=s.kind, paths=(f"{folder}/{s.kind}/*.json", f"{folder}/{s.kind}/*.jsonl"), defaults=s.defaults)
        for s in project.sources
    )
    side = replace(project, sources=sources)
    listings, _ = list_files(side)
    units, _ = units_of(side, listings)
    if not units:
        place = project.place(f"/agreement/passes/{number}")
        report.add(Diagnostic(code="P004", place=place, message=f"the pass {folder!r} has no records"))
    blocks, found = cut(listings, units, BLOCK_SIZE)
    report.add(found)
    with tempfile.TemporaryDirectory(prefix="copydesk-pass-") as spool:
        context = StageContext(project=side, contract=contract, spool=Path(spool), compared=False)
        for block in blocks:
            result = stage_block(context, block)
            report.add(d for d in result.diagnostics if d.severity is Severity.ERROR)
            kind = contract.kinds[side.sources[block.source].kind]
            addresses = [Address(block.index, row) for row in range(result.passed)]
            rows = gather(Path(spool), kind.name, addresses, spool_schema(kind.type))
            records.setdefault(kind.name, {}).update({row["id"]: row for row in rows.to_pylist()})
    return folder.rstrip("/").rsplit("/", 1)[-1], records


def without(
    passes: Iterable[tuple[str, dict[str, Records]]], gone: Container[tuple[str, str]]
) -> list[tuple[str, dict[str, Records]]]:
    """The passes without some records, named by kind and id."""
    return [
        (name, {kind: {i: r for i, r in found.items() if (kind, i) not in gone} for kind, found in kinds.items()})
        for name, kinds in passes
    ]


def spooled_passes(spool: Path, contract: Contract) -> list[tuple[str, dict[str, Records]]]:
    """The passes that the sources themselves hold, by the name of the annotator."""
    passes: dict[str, dict[str, Records]] = {}
    for kind in contract.kinds:
        for row in read_passes(spool, kind):
            record = row["record"]
            passes.setdefault(row["annotator"], {}).setdefault(kind, {})[record["id"]] = record
    return sorted(passes.items())
