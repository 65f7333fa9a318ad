"""`copydesk groups`: which articles belong together, and why. Of a project as it is now, or of a release."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copydesk.cli_output import CLEAN, DATA, USAGE, print_report

if TYPE_CHECKING:
    from copydesk.build import Options
    from copydesk.diagnostics import Report

Group = Mapping[str, Any]
"""As a line of quality/groups.jsonl."""


def groups(arguments: argparse.Namespace, options: Options) -> int:
    """Print the groups of more than one article, the largest first, or only those of the articles asked for."""
    from copydesk.diagnostics import Report

    report = Report()
    with tempfile.TemporaryDirectory(prefix="copydesk-groups-") as scratch:
        found = _found(arguments.origin, options, Path(scratch), report)
        if found is None:
            print_report(report, as_json=arguments.json, stream=sys.stdout if arguments.json else sys.stderr)
            return DATA
        listed, alone, texts = found
        chosen = _chosen(listed, arguments.article)
        if arguments.article and not chosen:
            print(f"in no group with another article: {', '.join(arguments.article)}", file=sys.stderr)
            return CLEAN if set(arguments.article) <= alone else USAGE
        if arguments.json:
            sys.stdout.writelines(json.dumps(group, ensure_ascii=False) + "\n" for group in chosen)
            return CLEAN
        sys.stdout.writelines(line + "\n" for line in _shown(chosen, len(alone), texts if arguments.diff else None))
    return CLEAN


Texts = Callable[[Sequence[str]], Mapping[str, str]]
"""(ids) -> id -> text."""


def _found(
    origin: Path | None, options: Options, scratch: Path, report: Report
) -> tuple[list[Group], set[str], Texts] | None:
    """(groups, articles in none, their texts); None if the project has errors, or the release is none."""
    if origin is not None:
        return _of_release(origin, report)
    from copydesk.build import grouped
    from copydesk.diagnostics import BuildFailed

    try:
        found = grouped(options, scratch, report)
    except BuildFailed:
        return None
    return [*found.groups], set(found.ids) - _grouped_ids(found.groups), found.texts


def _of_release(folder: Path, report: Report) -> tuple[list[Group], set[str], Texts] | None:
    from copydesk.release.facts import read_groups
    from copydesk.release.model import texts_of
    from copydesk.release.verify import open_release, released_ids

    opened, found = open_release(folder)
    report.add(found)
    if opened is None:
        return None
    listed = [*read_groups(folder)]

    def texts(ids: Sequence[str]) -> dict[str, str]:
        return texts_of(folder, opened.tables, opened.manifest["primary"], ids)

    return listed, set(released_ids(folder)) - _grouped_ids(listed), texts


def _grouped_ids(listed: Sequence[Group]) -> set[str]:
    return {i for group in listed for i in group["articles"]}


def _chosen(listed: Sequence[Group], articles: Sequence[str]) -> list[Group]:
    wanted = set(articles)
    chosen = [group for group in listed if not wanted or wanted & set(group["articles"])]
    return sorted(chosen, key=lambda group: (-len(group["articles"]), group["group"]))


def _shown(chosen: Sequence[Group], alone: int, texts: Texts | None) -> Iterator[str]:
    """The groups as lines for a person."""
    from copydesk.diagnostics.render import visible

    count = sum(len(group["articles"]) for group in chosen)
    yield f"{len(chosen):,} groups of more than one article hold {count:,} articles; {alone:,} articles stand alone"
    for group in chosen:
        ties = Counter(tie["tie"] for tie in group["ties"])
        why = ", ".join(f"{_TIES[name]} {n:,}" for name, n in sorted(ties.items()))
        yield f"\n{visible(group['group'])}  in {group['split']}, {len(group['articles']):,} articles ({why})"
        for tie in group["ties"]:
            yield f"  {visible(tie['left'])} = {visible(tie['right'])}  {visible(tie['why'])}"
            if texts is not None and tie["tie"] == "near":
                yield from _difference(texts([tie["left"], tie["right"]]), tie)


_TIES = {"near": "near copies", "text": "equal texts", "key": "shared keys", "link": "links"}


def _difference(texts: Mapping[str, str], tie: Mapping[str, Any]) -> Iterator[str]:
    from copydesk.diagnostics.render import visible
    from copydesk.diff.words import shown

    if {tie["left"], tie["right"]} <= texts.keys():
        for line in shown(texts[tie["left"]], texts[tie["right"]], 60).split("\n"):
            yield f"      {visible(line)}"
