"""The part of the report on groups and leakage: what ties articles, near copies side by side, splits compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from copydesk.diff.words import edits
from copydesk.release.facts import Facts, measure
from copydesk.release.markup import Html, grid, safe
from copydesk.release.model import Release, texts_of

SHOWN_GROUPS = 20
"""Groups that the page lists, the largest first."""
SHOWN_COPIES = 6
"""Pairs of near copies that the page compares word by word, the least alike first: those are worth a look."""
_AROUND = 120
"""Characters of unchanged text that are shown before and after a difference."""


def render_groups(release: Release, facts: Facts) -> Iterator[str]:
    """HTML of the section, piece by piece."""
    yield "<h2>Groups and leakage</h2>"
    numbers = facts.numbers
    yield (
        f"<p>{numbers['groups']} groups of more than one article hold {numbers['groups.articles']} articles. "
        "Each stands in one split.</p>"
    )
    largest = sorted(facts.groups, key=lambda g: (-len(g["articles"]), g["group"]))[:SHOWN_GROUPS]
    if largest:
        yield grid(["Group", "Split", "Articles", "Tied by"], map(_group_row, largest))
    yield from _copies(release, facts)
    yield from _leakage(facts)


def _group_row(group: Mapping[str, Any]) -> list[object]:
    ties = Counter(_tie(tie) for tie in group["ties"])
    tied = "; ".join(f"{name} {count:,}" for name, count in sorted(ties.items()))
    return [group["group"], group["split"], len(group["articles"]), tied]


def _tie(tie: Mapping[str, Any]) -> str:
    return "near copies" if tie["tie"] == "near" else "links" if tie["tie"] == "link" else str(tie["why"])


def _copies(release: Release, facts: Facts) -> Iterator[str]:
    near = [tie for group in facts.groups for tie in group["ties"] if tie["tie"] == "near"]
    near.sort(key=lambda tie: (tie["jaccard"], tie["containment"], tie["left"], tie["right"]))
    if not near:
        return
    ids = sorted({end for tie in near[:SHOWN_COPIES] for end in (tie["left"], tie["right"])})
    texts = texts_of(release.folder, release.tables, release.project.kinds[0], ids)
    yield "<h3>Near copies</h3>"
    yield f"<p>{len(near):,} pairs were measured and found near copies; the least alike of them:</p>"
    for tie in near[:SHOWN_COPIES]:
        left, right = texts.get(tie["left"]), texts.get(tie["right"])
        yield f"<details><summary>{safe(tie['left'])} and {safe(tie['right'])}: {safe(tie['why'])}</summary>"
        yield f"<div class=text>{compared(left, right)}</div></details>" if left and right else "</details>"


def compared(left: str, right: str) -> Html:
    """Two texts as one: what only the left has struck out, what only the right has underlined, the rest shortened."""
    out, at = [], 0
    for start, end, replacement in ((int(a), int(b), str(new)) for a, b, new in edits(left, right)):
        out.append(_unchanged(left[at:start], first=at == 0))
        out.append(f"<del>{safe(left[start:end])}</del>" if start < end else "")
        out.append(f"<ins>{safe(replacement)}</ins>" if replacement else "")
        at = end
    out.append(_unchanged(left[at:], last=True))
    return Html("".join(out))


def _unchanged(piece: str, *, first: bool = False, last: bool = False) -> str:
    if len(piece) <= 3 * _AROUND:
        return str(safe(piece))
    before = "" if first else piece[:_AROUND]
    after = "" if last else piece[-_AROUND:]
    left_out = len(piece) - len(before) - len(after)
    return f"{safe(before)} <span class=quiet>[{left_out:,} characters alike]</span> {safe(after)}"


def _leakage(facts: Facts) -> Iterator[str]:
    report = facts.leakage
    if report is None or not report["between"]:
        return
    yield "<h3>Across splits</h3>"
    yield "<p>The most that any two articles of different splits have in common; quality/leakage.json has it whole.</p>"
    rows = [[*b["splits"], measure(b["jaccard"]), measure(b["containment"]), b["passage"]] for b in report["between"]]
    yield grid(["Split", "and", "Jaccard", "Containment", "Longest passage in words"], rows)
    pairs = [
        [
            f"{p['left']} ({p['left_split']})", f"{p['right']} ({p['right_split']})",
            measure(p["jaccard"]), measure(p["containment"]), p["passage"],
        ]
        for p in report["pairs"]
    ]  # fmt: skip
    yield "<details><summary>The most similar pairs</summary>"
    yield grid(["Article", "Article", "Jaccard", "Containment", "Longest passage in words"], pairs)
    yield "</details>"
