"""The command that compares two versions: diff. Arguments are in cli.py."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from copydesk.cli_output import CLEAN, DATA, USAGE, print_report
from copydesk.diagnostics import Diagnostic, Report
from copydesk.diff.markdown import render_markdown
from copydesk.diff.model import Bump, Side
from copydesk.diff.render import change_line, render_json, render_text
from copydesk.diff.report import SECTIONS, Difference, Located, Only, difference
from copydesk.diff.table import open_table
from copydesk.sides import open_side, with_sources

EXAMPLES, EXAMPLES_FOLDED = 5, 50
"""Examples of each sort of change: on a terminal, and in the folded parts of a comment."""


def diff(arguments: argparse.Namespace) -> int:
    """Say what differs between two sides, and what version that asks for."""
    only = parse_only(arguments.only or ())
    if isinstance(only, str):
        print(only, file=sys.stderr)
        return USAGE
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="copydesk-diff-")))
        old = stack.enter_context(open_side(arguments.old, arguments.project, scratch))
        new = stack.enter_context(open_side(arguments.new, arguments.project, scratch))
        if isinstance(old, list) or isinstance(new, list):
            return _refuse(arguments, old, new)
        return _compare(arguments, old, new, only, scratch)


def parse_only(words: Iterable[str]) -> Only | str:
    """`annotations`, `layer=mentions`, `record=a1`, several in one word with commas; or what is wrong with them."""
    sections, layers, records = set[str](), set[str](), set[str]()
    known = list(dict.fromkeys(SECTIONS.values()))
    for word in (part for given in words for part in given.split(",")):
        key, equals, name = word.partition("=")
        if equals and key in {"layer", "record"} and name:
            (layers if key == "layer" else records).add(name)
        elif word in known:
            sections.add(word)
        else:
            return f"--only {word!r}: there are {', '.join(known)}, layer=NAME and record=ID"
    return Only(sections=frozenset(sections), layers=frozenset(layers), records=frozenset(records))


def _refuse(arguments: argparse.Namespace, *sides: Side | list[Diagnostic]) -> int:
    """Print why there is nothing to compare: what is wrong with either side, both at once."""
    report = Report([found for side in sides if isinstance(side, list) for found in side])
    print_report(report, as_json=arguments.json, stream=sys.stdout if arguments.json else sys.stderr)
    return DATA


def _compare(arguments: argparse.Namespace, old: Side, new: Side, only: Only, scratch: Path) -> int:
    located = with_sources(new, arguments.project or Path(), scratch)
    keep = arguments.examples or (EXAMPLES_FOLDED if arguments.markdown else EXAMPLES)
    lines = scratch / "changes.jsonl"
    try:
        with ExitStack() as stack:
            takers: list[Callable[[Located], object]] = []
            if arguments.json:
                takers.append(_writer_of(stack.enter_context(lines.open("wb"))))
            if arguments.table is not None:
                takers.append(stack.enter_context(open_table(arguments.table)).add)
            take = _all(takers) if takers else None
            found = difference(old, located, keep=keep, only=only, take=take, tree=located is not new)
    except OSError as error:
        print(f"{error.filename or arguments.table or scratch}: {error.strerror}", file=sys.stderr)
        return USAGE
    _print(arguments, found, lines)
    return _code(arguments, found)


def _writer_of(stream: BinaryIO) -> Callable[[Located], object]:
    return lambda located: stream.write(change_line(located))


def _all(takers: list[Callable[[Located], object]]) -> Callable[[Located], None]:
    def take(located: Located) -> None:
        for taker in takers:
            taker(located)

    return take


def _print(arguments: argparse.Namespace, found: Difference, lines: Path) -> None:
    if arguments.json:
        with lines.open("rb") as changes:
            for piece in render_json(found, changes):
                sys.stdout.write(piece.decode())
    elif arguments.markdown:
        sys.stdout.write(render_markdown(found))
    else:
        sys.stdout.write(render_text(found, color=sys.stdout.isatty() and "NO_COLOR" not in os.environ))


def _code(arguments: argparse.Namespace, found: Difference) -> int:
    """A difference is no error, unless the caller asked for it to be one."""
    bump = found.verdict.bump
    if arguments.exit_code and bump is not Bump.NONE:
        return DATA
    if arguments.fail_on is not None and bump >= Bump[arguments.fail_on.upper()]:
        return DATA
    return CLEAN
