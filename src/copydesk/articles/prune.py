"""Taking single annotations with errors out of a record, so that the rest of it can be released. Each is recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from copydesk.articles.record import Record
from copydesk.checks import Finding
from copydesk.contract.types import Kind
from copydesk.diagnostics import CODES, Diagnostic, Place, Severity

Judge = Callable[[dict[str, Any]], Sequence[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """One annotation that was left out, and the finding that says why. `layer` is empty where it never was in one."""

    kind: str
    record: str | None
    layer: str
    item: str | None
    diagnostic: Diagnostic


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """A record without its broken annotations. `clean`: no error is left; else one lies outside of the layers."""

    record: Record
    clean: bool
    dropped: list[Dropped]


def prune(record: Record, kind: Kind, judge: Judge) -> Pruned:
    """Take every annotation with an error out of the record, and what cannot be without it, until none is left.

    Changes the value of the record. An annotation that the importer could not read is not in the record, and is
    listed as left out too.
    """
    key = {f.name: f.type.key for f in kind.type.fields}
    layers = {name for name in kind.layers() if isinstance(record.value.get(name), list)}
    dropped = [
        Dropped(kind=kind.name, record=record.id, layer="", item=None, diagnostic=d)
        for d in record.found
        if d.severity is Severity.ERROR
    ]
    # places are by index in the record as it was read
    origin = {name: list(range(len(record.value[name]))) for name in layers}
    while True:
        errors = [f for f in judge(record.value) if CODES[f.code].severity is Severity.ERROR]
        targets: dict[str, dict[int, Finding]] = {}
        for finding in errors:
            steps = finding.pointer.split("/")
            if len(steps) > 2 and steps[1] in layers and steps[2].isdecimal():
                targets.setdefault(steps[1], {}).setdefault(int(steps[2]), finding)
        if not targets:
            kept = replace(record, found=[], locate=_places(record, origin), written=None)
            return Pruned(record=kept, clean=not errors, dropped=dropped)
        for name, found in targets.items():
            items = record.value[name]
            for index in sorted(found, reverse=True):
                finding = found[index]
                if finding.code == "A202" and _shorten(items[index], finding.pointer):
                    lost, item = f"{name}: a reference", items[index]
                else:
                    lost, item = name, items.pop(index)
                pointer = finding.pointer.replace(f"/{name}/{index}", f"/{name}/{origin[name][index]}", 1)
                if lost == name:
                    origin[name].pop(index)
                identifier = item.get(key[name] or "") if isinstance(item, dict) else None
                dropped.append(
                    Dropped(
                        kind=kind.name,
                        record=record.id,
                        layer=lost,
                        item=identifier if isinstance(identifier, str) else None,
                        diagnostic=Diagnostic(
                            code=finding.code,
                            place=record.locate(pointer),
                            message=finding.message,
                            notes=finding.notes,
                            help=finding.help,
                        ),
                    )
                )


def _shorten(item: Any, pointer: str) -> bool:
    """Take a dangling reference out of the list it stands in, if it stands in one that has others."""
    steps = pointer.split("/")[3:]
    for depth in range(len(steps) - 1, -1, -1):
        if not steps[depth].isdecimal():
            continue
        holder = item
        for step in steps[:depth]:
            holder = holder[int(step)] if isinstance(holder, list) else holder[step]
        if isinstance(holder, list) and len(holder) > 1:
            holder.pop(int(steps[depth]))
            return True
        return False
    return False


def _places(record: Record, origin: dict[str, list[int]]) -> Callable[[str], Place]:
    """Pointers into the shortened layers lead to the places of the items that are left."""

    def locate(pointer: str) -> Place:
        steps = pointer.split("/")
        if len(steps) > 2 and steps[1] in origin and steps[2].isdecimal() and int(steps[2]) < len(origin[steps[1]]):
            steps[2] = str(origin[steps[1]][int(steps[2])])
        return record.locate("/".join(steps))

    return locate
