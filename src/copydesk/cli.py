"""The command line: arguments, exit codes, progress. Every command imports what it needs when it runs.

Exit codes: 0 clean, 1 the data (or the release) has errors, 2 usage, 3 a bug of copydesk.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO

from copydesk import __version__
from copydesk.cli_output import BUG, CLEAN, DATA, USAGE, print_report, shown
from copydesk.cli_parser import Run, parser_of
from copydesk.cli_profile import profiled
from copydesk.shortage import is_shortage

if TYPE_CHECKING:
    from copydesk.running import Options


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # whatever the terminal cannot show is escaped, never a crash
            stream.reconfigure(errors="backslashreplace")
    parser = parser_of(RUNS, __version__)
    arguments = parser.parse_args(argv)
    if threading.current_thread() is threading.main_thread():  # only there can it be set
        signal.signal(signal.SIGTERM, _stop)
    if arguments.run is None:
        parser.print_help()
        return USAGE
    run: Run = arguments.run
    try:
        return run(arguments)
    except KeyboardInterrupt:
        print("stopped; nothing was released", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `head` has read enough of what went well; what did not goes through `_write`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLEAN
    except Exception as error:
        if is_shortage(error):
            print("there was not enough memory: give it more, or use fewer --workers or less --memory", file=sys.stderr)
            return DATA
        traceback.print_exc()
        print("\nThis is a bug in copydesk, not in your data: please report the lines above.", file=sys.stderr)
        return BUG


def _stop(number: int, frame: object) -> None:
    """Being told to end is like Ctrl-C: what was begun is cleared away."""
    raise KeyboardInterrupt


def _options(arguments: argparse.Namespace) -> Options:
    from copydesk.cache.store import CacheOptions
    from copydesk.running import Options

    options = Options(
        root=arguments.project.resolve(),
        workers=arguments.workers,
        block_size=arguments.block_size,
        frozen=getattr(arguments, "frozen", False),
        cache=CacheOptions(
            folder=arguments.cache and arguments.cache.resolve(),
            limit=arguments.cache_size,
            used=not arguments.no_cache,
        ),
        progress=_Progress(sys.stderr, shown=sys.stderr.isatty() and not arguments.json and "CI" not in os.environ),
    )
    if not hasattr(arguments, "engine"):
        return options
    return replace(
        options,
        memory=arguments.memory,
        engine=arguments.engine,
        scheduler=arguments.scheduler,
        work=arguments.work and arguments.work.resolve(),
        patience=arguments.patience,
    )


def _refused(arguments: argparse.Namespace) -> bool:
    """Whether the engine cannot be used as asked; says why."""
    from copydesk.engine import missing_extra

    why = None
    if extra := missing_extra(arguments.engine):
        why = f"the engine {arguments.engine!r} is an extra: pip install '{extra}'"
    elif arguments.scheduler and arguments.engine == "local":
        why = "a scheduler needs --engine dask or --engine ray"
    if why:
        print(f"copydesk: {why}", file=sys.stderr)
    return why is not None


class _Progress:
    """One line on a terminal that says how far a stage is. Silent where nobody watches."""

    def __init__(self, stream: TextIO, *, shown: bool) -> None:
        self._stream, self._shown = stream, shown

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self._shown:
            count = f" {done}/{total}" if total > 1 else ""
            self._stream.write(f"\r\x1b[K{stage}{count} …")
            self._stream.flush()

    def clear(self) -> None:
        if self._shown:
            self._stream.write("\r\x1b[K")


def _check(arguments: argparse.Namespace) -> int:
    if _refused(arguments):
        return USAGE
    return profiled(arguments, _options(arguments), _check_with)


def _check_with(arguments: argparse.Namespace, options: Options) -> int:
    from copydesk.build import check

    report = check(options)
    options.progress.clear()  # type: ignore[attr-defined]
    print_report(report, as_json=arguments.json, stream=sys.stdout)
    return DATA if report.errors else CLEAN


def _build(arguments: argparse.Namespace) -> int:
    if _refused(arguments):
        return USAGE
    return profiled(arguments, _options(arguments), _build_with)


def _build_with(arguments: argparse.Namespace, options: Options) -> int:
    from copydesk.build import build
    from copydesk.diagnostics import BuildFailed

    try:
        outcome = build(options)
    except BuildFailed as failed:
        options.progress.clear()  # type: ignore[attr-defined]
        print_report(failed.report, as_json=arguments.json, stream=sys.stdout if arguments.json else sys.stderr)
        print("not released; what was released before is untouched", file=sys.stderr)
        return DATA
    options.progress.clear()  # type: ignore[attr-defined]
    if arguments.json:
        print_report(outcome.report, as_json=True, stream=sys.stderr)
        tables = {t.name: {split.name: split.rows for split in t.splits} for t in outcome.tables}
        result = {
            "release": str(outcome.folder),
            "changed": outcome.changed,
            "rows": tables,
            "excluded": outcome.excluded,
            "dropped": outcome.dropped,
            "cache": {step: {"taken": taken, "made": made} for step, (taken, made) in outcome.cached.items()},
        }
        print(json.dumps({**result, "updated": list(outcome.updated)}))
        return CLEAN
    if len(outcome.report):
        print_report(outcome.report, as_json=False, stream=sys.stderr)
    folder = shown(outcome.folder)
    print(f"{'sealed' if outcome.changed else 'unchanged:'} {folder}\n")
    width = max(len(table.name) for table in outcome.tables)
    for table in outcome.tables:
        splits = "  ".join(f"{split.name} {split.rows:,}" for split in table.splits)
        print(f"  {table.name:<{width}}  {splits}{'  (default)' if table.config.default else ''}")
    if outcome.excluded:
        print(f"\nleft out: {outcome.excluded:,} records; exclusions.jsonl says which and why")
    if outcome.dropped:
        print(f"\nleft out: {outcome.dropped:,} single annotations; exclusions.jsonl says which and why")
    if outcome.updated:
        print(f"\nupdated {' and '.join(outcome.updated)}: commit with the data")
    if any(taken for taken, _ in outcome.cached.values()):
        parts = (f"{taken:,} of {taken + made:,} {step}" for step, (taken, made) in outcome.cached.items())
        print(f"\nfrom the cache: {', '.join(parts)}")
    default = next(t for t in outcome.tables if t.config.default or t is outcome.tables[0])
    print(f"\nload it:    datasets.load_dataset({str(folder)!r}, {default.name!r})")
    print(f"verify it:  copydesk verify {folder}")
    return CLEAN


def _groups(arguments: argparse.Namespace) -> int:
    from copydesk.cli_groups import groups

    return groups(arguments, _options(arguments))


def _cache(arguments: argparse.Namespace) -> int:
    from copydesk.cli_cache import cache

    return cache(arguments)


def _explain(arguments: argparse.Namespace) -> int:
    from copydesk.diagnostics import CODES
    from copydesk.diagnostics.render import explain

    if arguments.code is None:
        for code in CODES.values():
            print(f"{code.id}  {code.severity.value:<7}  {code.slug:<26}  {code.summary}")
        return CLEAN
    try:
        print(explain(arguments.code.upper()), end="")
    except KeyError:
        print(f"there is no code {arguments.code!r}; `copydesk explain` lists them all", file=sys.stderr)
        return USAGE
    return CLEAN


def _schema(arguments: argparse.Namespace) -> int:
    from copydesk.contract.types import released
    from copydesk.diagnostics import BuildFailed, Report
    from copydesk.prepare import prepare
    from copydesk.views import VIEWS

    report = Report()
    try:
        prepared = prepare(arguments.project.resolve(), report)
    except BuildFailed:
        print_report(report, as_json=False, stream=sys.stderr)
        return DATA
    contract, project = prepared.contract, prepared.project
    types = {name: released(kind.type) for name, kind in contract.kinds.items()}
    types |= {c.name: VIEWS[c.view].columns(c, contract) for c in project.configs}
    if arguments.name is None:
        print("kinds:   " + " ".join(contract.kinds))
        print("configs: " + " ".join(config.name for config in project.configs))
        return CLEAN
    if arguments.name not in types:
        print(f"there is no kind or config {arguments.name!r}; there are {' '.join(types)}", file=sys.stderr)
        return USAGE
    from copydesk.contract.show import show

    print(show(types[arguments.name], arguments.name, arguments.form), end="")
    return CLEAN


def _verify(arguments: argparse.Namespace) -> int:
    from copydesk.diagnostics import Report
    from copydesk.release.facts import LEAKAGE_FILE
    from copydesk.release.verify import articles_with_text, verify

    opened, found = verify(arguments.release)
    report = Report(list(found))
    if arguments.json or report.diagnostics:
        print_report(report, as_json=arguments.json, stream=sys.stdout)
    if report.errors or opened is None:
        return DATA
    if not arguments.json:
        dataset, rows = opened.manifest["dataset"], sum(table.rows for table in opened.tables)
        measured = LEAKAGE_FILE in opened.files and articles_with_text(opened) is not None
        proof = "and the leakage certificate hold" if measured else "hold; no text to measure leakage by"
        print(
            f"verified {dataset['name']} {dataset['version']}: {len(opened.files)} files, {rows:,} rows in "
            f"{len(opened.tables)} configs; sums, logical digests, contract, features, splits, numbers {proof}"
        )
    return CLEAN


def _diff(arguments: argparse.Namespace) -> int:
    from copydesk.cli_versions import diff

    return diff(arguments)


def _release(arguments: argparse.Namespace) -> int:
    from copydesk.cli_release import release

    return release(arguments)


def _withdraw(arguments: argparse.Namespace) -> int:
    from copydesk.cli_withdraw import withdraw

    return withdraw(arguments)


def _yank(arguments: argparse.Namespace) -> int:
    from copydesk.cli_withdraw import yank

    return yank(arguments)


def _init(arguments: argparse.Namespace) -> int:
    from copydesk.cli_formats import init

    return init(arguments)


def _formats(arguments: argparse.Namespace) -> int:
    from copydesk.cli_formats import formats

    return formats(arguments)


def _convert(arguments: argparse.Namespace) -> int:
    from copydesk.cli_formats import convert

    return convert(arguments)


RUNS: dict[str, Run] = {
    "init": _init,
    "check": _check,
    "groups": _groups,
    "build": _build,
    "cache": _cache,
    "verify": _verify,
    "diff": _diff,
    "release": _release,
    "withdraw": _withdraw,
    "yank": _yank,
    "schema": _schema,
    "explain": _explain,
    "convert": _convert,
    "formats": _formats,
}
"""What each command does; its arguments are in cli_parser.py."""
