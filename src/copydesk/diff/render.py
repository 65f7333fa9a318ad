"""A difference as text for a terminal, and as JSON for programs. Words of the data are escaped in the one.

docs/diff.md describes the JSON; its keys are stable. Its changes come from whoever kept them, line by line, since
there may be more of them than memory holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from copydesk.diagnostics.render import visible
from copydesk.diff.model import Churn, Side
from copydesk.diff.outline import Grid, Group, Outline, outline
from copydesk.diff.phrases import Data, Phrase
from copydesk.diff.report import Difference, Located
from copydesk.diff.rules import RULES
from copydesk.diff.summary import split_order

FORMAT = 1
"""Version of the JSON's own form."""

_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def render_text(difference: Difference, *, color: bool = False) -> str:
    """For people: the verdict first, then by weight."""
    plan = outline(difference)
    bold, dim, reset = (_BOLD, _DIM, _RESET) if color else ("", "", "")

    def lines() -> Iterator[str]:
        yield f"{bold}{_headline(plan)}{reset}"
        yield from (f"{dim}{plain(remark)}{reset}" for remark in plan.remarks)
        if plan.forced:
            yield f"\n{bold}What asks for it{reset}"
            for group in plan.forced:
                yield from _group(group, dim, reset)
        for part in plan.parts:
            yield f"\n{bold}{part.title}{reset}"
            yield from (f"  {plain(line)}" for line in part.lines)
            yield from _grid(part.grid) if part.grid else ()
            for group in part.groups:
                yield from _group(group, dim, reset)
        if plan.same and plan.parts:
            yield f"\n{dim}no change: {', '.join(title.lower() for title in plan.same)}{reset}"

    return "\n".join(lines()) + "\n"


def _headline(plan: Outline) -> str:
    old, new = plan.versions
    return plain((plan.name, " ", old, " -> ", new, ": ", *plan.needs))


def plain(phrase: Phrase) -> str:
    """Words for a terminal: nothing in the data is taken for an instruction to it."""
    return "".join(visible(part.text) if isinstance(part, Data) else part for part in phrase)


def _group(group: Group, dim: str, reset: str) -> Iterator[str]:
    yield f"  {plain(group.title)}: {group.count:,}{plain(group.splits)}"
    if group.reason:
        yield f"    {dim}{group.reason}{reset}"
    yield from (f"    {plain(item)}" for item in group.items)
    if group.items and group.more:
        yield f"    {dim}… and {group.more:,} more{reset}"


def _grid(grid: Grid) -> Iterator[str]:
    names = [grid.head[0], *(plain((name,)) for name, _ in grid.rows)]
    first = max(len(name) for name in names)
    widths = [
        max(len(head), *(len(f"{numbers[i]:,}") for _, numbers in grid.rows)) for i, head in enumerate(grid.head[1:])
    ]
    yield f"  {names[0]:<{first}}  " + "  ".join(f"{h:>{w}}" for h, w in zip(grid.head[1:], widths, strict=True))
    for name, (_, numbers) in zip(names[1:], grid.rows, strict=True):
        cells = (f"{number:>{width},}" for number, width in zip(numbers, widths, strict=True))
        yield f"  {name:<{first}}  " + "  ".join(cells)


def render_json(difference: Difference, changes: Iterable[bytes]) -> Iterator[bytes]:
    """The whole difference as one JSON document; `changes` are the lines of `change_line`, in order."""
    head = json.dumps(_head(difference), indent=1)
    yield head.removesuffix("\n}").encode() + b',\n "changes": ['
    first = True
    for line in changes:
        yield (b"\n  " if first else b",\n  ") + line.rstrip(b"\n")
        first = False
    yield b"]\n}\n" if first else b"\n ]\n}\n"


def change_line(located: Located) -> bytes:
    """One change as a line of JSON."""
    return json.dumps(as_dict(located)).encode() + b"\n"


def as_dict(located: Located) -> dict[str, Any]:
    """One change as JSON values; empty strings are left out, and so is a place that nobody knows."""
    change, place = located.change, located.place
    words = {
        "kind": change.kind, "record": change.record, "split": change.split, "old_split": change.old_split,
        "layer": change.layer, "item": change.item, "pointer": change.pointer, "note": change.note,
    }  # fmt: skip
    found: dict[str, Any] = {"what": change.what, "rule": change.rule, "bump": RULES[change.rule].bump.name.lower()}
    found |= {key: given for key, given in words.items() if given}
    found |= {"old": change.old, "new": change.new}
    if place is not None:
        found["place"] = {"in": _IN[located.at], "file": place.file, "line": place.line, "column": place.column}
    return found


_IN = {"": "", "old": "old", "new": "new", "tree": "work tree"}


def _head(difference: Difference) -> dict[str, Any]:
    """All but the changes themselves."""
    verdict, summary = difference.verdict, difference.summary
    backward, forward, why = difference.compatible
    order = {rule: number for number, rule in enumerate(RULES)}
    return {
        "format": FORMAT,
        "old": _side(difference.old),
        "new": _side(difference.new),
        "version": {
            "bump": verdict.bump.name.lower(),
            "needed": verdict.needed,
            "declared": verdict.declared,
            "enough": verdict.enough,
        },
        "rules": [
            {
                "rule": rule,
                "bump": RULES[rule].bump.name.lower(),
                "summary": RULES[rule].summary,
                "reason": RULES[rule].reason,
                "count": summary.rules[rule],
            }
            for rule in sorted(summary.rules, key=lambda rule: (-RULES[rule].bump, order[rule]))
        ],
        "compatibility": {"backward": backward, "forward": forward, "why": list(why)},
        "replays": {
            direction: {name: _replay(found) for name, found in sorted(configs.items())}
            for direction, configs in sorted(summary.replays.items())
        },
        "churn": {split: _churn(summary.churn[split]) for split in sorted(summary.churn, key=split_order)},
        "counts": [
            {"what": what, "layer": layer, "split": split, "count": count}
            for (what, layer, split), count in sorted(difference.counts.items())
        ],
        "total": difference.total,
    }


def _side(side: Side) -> dict[str, str]:
    return {"label": side.label, "name": side.name, "version": side.version, "digest": side.digest}


def _replay(found: tuple[int, int, str]) -> Mapping[str, Any]:
    return dict(zip(("rows", "broken", "example"), found, strict=True))


def _churn(churn: Churn) -> Mapping[str, int]:
    return asdict(churn)
