"""Tasks that stand in a file more than once: one annotation a time, as JSON-MIN and target storage have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.labelstudio.tasks import Pass
from copydesk.importers.labelstudio.text import Found

_LONG = 60


def without_repeats(
    tasks: Sequence[Found], names: Iterable[str]
) -> Iterator[tuple[Found, str, Sequence[Pass]] | Diagnostic]:
    """The tasks with their names and those of their passes that count, in order.

    Tasks of equal name and text are one; of several annotations by one person, the ground truth counts, else the
    latest. Of tasks that have a name in common and not the text, the first is kept (I006).
    """
    groups: dict[str, list[Found]] = {}
    named = list(zip(tasks, names, strict=True))
    for found, name in named:
        group = groups.setdefault(name, [])
        if not group or group[0].ground.text == found.ground.text:
            group.append(found)
    chosen = {name: _chosen(group) for name, group in groups.items()}
    for found, name in named:
        if found.ground.text != groups[name][0].ground.text:
            row = found.task.row
            place = Place(file=row.file, line=row.line or None, pointer=row.pointer or None, record=name)
            message = f"the task {name[:_LONG]!r} stands twice, with another text; the first is kept"
            yield Diagnostic(code="I006", place=place, message=message)
        elif (passes := chosen[name].get(id(found))) is not None:
            yield found, name, passes


def _chosen(group: Sequence[Found]) -> Mapping[int, Sequence[Pass]]:
    """The passes that count, by the identity of their task; those that do not are counted.

    Passes without a name are one if they say the same, and get names if there are others.
    """
    if len(group) == 1:
        return {id(group[0]): group[0].task.passes}
    best: dict[str, tuple[Found, Pass]] = {}
    repeats = 0
    for found in group:
        for one in found.task.passes:
            key = one.annotator if one.annotator is not None else f"\0{[result for _, result in one.results]}"
            held = best.get(key)
            repeats += held is not None
            if held is None or (one.curated, one.stamp) >= (held[1].curated, held[1].stamp):
                best[key] = found, one
    out: dict[int, list[Pass]] = {} if best else {id(group[0]): []}
    for number, (found, one) in enumerate(best.values(), 1):
        if one.annotator is None and len(best) > 1:
            one = replace(one, annotator=f"annotation {number}")
        out.setdefault(id(found), []).append(one)
    first = next(found for found in group if id(found) in out)
    first.task.left_out["other annotations by the same annotator"] += repeats
    return out
