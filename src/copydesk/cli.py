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
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from copydesk import __version__
from copydesk.cli_output import BUG, CLEAN, DATA, USAGE, print_report, shown

if TYPE_CHECKING:
    from copydesk.build import Options


_EPILOG = """\
commands in the order of a first day:
  copydesk init my-dataset     a new project that builds at once; --from PATH: out of an export
  copydesk check               every finding about the data, in under a second
  copydesk explain A103        what a code means, with an example
  copydesk build               the release: dist/<name>-<version>/
  copydesk verify dist/…       judge a release from its own files

exit codes: 0 clean, 1 errors in the data, 2 usage, 3 a bug of copydesk
"""


_OPTION = "an option of the format; `copydesk formats NAME` lists them"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # whatever the terminal cannot show is escaped, never a crash
            stream.reconfigure(errors="backslashreplace")
    parser = _parser()
    arguments = parser.parse_args(argv)
    if threading.current_thread() is threading.main_thread():  # only there can it be set
        signal.signal(signal.SIGTERM, _stop)
    if arguments.run is None:
        parser.print_help()
        return USAGE
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except KeyboardInterrupt:
        print("stopped; nothing was released", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `head` has read enough of what went well; what did not goes through `_write`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLEAN
    except Exception:
        traceback.print_exc()
        print("\nThis is a bug in copydesk, not in your data: please report the lines above.", file=sys.stderr)
        return BUG


def _stop(number: int, frame: object) -> None:
    """Being told to end is like Ctrl-C: what was begun is cleared away."""
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="copydesk",
        description="Packages annotated articles into a dataset release that people can train on, trust and cite.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"copydesk {__version__}")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(metavar="COMMAND")

    build = _add(commands, "build", _build, "build and seal the release of the project")
    _project_arguments(build)
    build.add_argument("--frozen", action="store_true", help="fail if the checked-in ledger or datasheet would change")

    check = _add(commands, "check", _check, "check the data without building; prints every finding")
    _project_arguments(check)

    explain = _add(commands, "explain", _explain, "explain a diagnostic code; without one, list them all")
    explain.add_argument("code", nargs="?", help="a code such as A103")

    schema = _add(commands, "schema", _schema, "print what the contract compiles to")
    schema.add_argument("name", nargs="?", help="a kind (article) or a config (mentions); default: list them")
    form_help = "json: JSON Schema of the rows; arrow: Arrow schema; features: Hugging Face features; docs: columns"
    schema.add_argument(
        "--as", dest="form", choices=["json", "arrow", "features", "docs"], default="docs", help=form_help
    )
    schema.add_argument("--project", type=Path, default=Path(), metavar="DIR", help="the project (default: here)")

    verify = _add(commands, "verify", _verify, "judge a release from its own files, without the sources")
    verify.add_argument("release", type=Path, help="the folder of a release")
    verify.add_argument("--json", action="store_true", help="findings as JSON lines")

    init = _add(commands, "init", _init, "create a new dataset project that builds at once")
    init.add_argument("folder", type=Path, help="the folder to create; it must not exist, or be empty")
    init.add_argument("--name", help="name of the dataset (default: the folder's)")
    init.add_argument(
        "--from", dest="origin", type=Path, metavar="PATH", help="an export to begin with: a file, folder or archive"
    )
    init.add_argument("--format", help="the format of the export (default: it is recognised)")
    init.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help=_OPTION)

    convert = _add(commands, "convert", _convert, "convert annotated articles from one format to another")
    convert.add_argument("origin", type=Path, help="a file, folder or archive of any format, a project, or a release")
    convert.add_argument("target", type=Path, help="the folder to write; it must not exist, or be empty")
    convert.add_argument("--to", required=True, metavar="FORMAT", help="what to write; `copydesk formats` lists them")
    convert.add_argument("--from", dest="format", metavar="FORMAT", help="what is read (default: it is recognised)")
    convert.add_argument("--encoding", default="utf-8", help="of text files (default: UTF-8)")
    convert.add_argument(
        "--passes", metavar="RULE", help="which of several annotators counts: majority, curated, first, or a name"
    )
    convert.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help=_OPTION)
    convert.add_argument("--json", action="store_true", help="findings as JSON lines")

    formats = _add(commands, "formats", _formats, "list the formats that are read and written, or the options of one")
    formats.add_argument("name", nargs="?", help="a format, to list its options")
    return parser


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    help_text: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help_text, description=help_text[0].upper() + help_text[1:] + ".")
    parser.set_defaults(run=run)
    return parser


def _project_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", type=Path, default=Path(), metavar="DIR", help="the project (default: here)")
    parser.add_argument("--workers", type=_positive, metavar="N", help="processes (default: one a processor)")
    parser.add_argument("--block-size", type=_positive, metavar="BYTES", help="input of one task (default: 8 MiB)")
    parser.add_argument("--json", action="store_true", help="findings as JSON lines, for programs")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above zero")
    return int(text)


def _options(arguments: argparse.Namespace) -> Options:
    from copydesk.build import Options
    from copydesk.sources import BLOCK_SIZE

    return Options(
        root=arguments.project.resolve(),
        workers=arguments.workers,
        block_size=arguments.block_size or BLOCK_SIZE,
        frozen=getattr(arguments, "frozen", False),
        progress=_Progress(sys.stderr, shown=sys.stderr.isatty() and not arguments.json and "CI" not in os.environ),
    )


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
    from copydesk.build import check

    options = _options(arguments)
    report = check(options)
    options.progress.clear()  # type: ignore[attr-defined]
    print_report(report, as_json=arguments.json, stream=sys.stdout)
    return DATA if report.errors else CLEAN


def _build(arguments: argparse.Namespace) -> int:
    from copydesk.build import build
    from copydesk.diagnostics import BuildFailed

    options = _options(arguments)
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
    default = next(t for t in outcome.tables if t.config.default or t is outcome.tables[0])
    print(f"\nload it:    datasets.load_dataset({str(folder)!r}, {default.name!r})")
    print(f"verify it:  copydesk verify {folder}")
    return CLEAN


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
    from copydesk.release.verify import verify

    opened, found = verify(arguments.release)
    report = Report(list(found))
    if arguments.json or report.diagnostics:
        print_report(report, as_json=arguments.json, stream=sys.stdout)
    if report.errors or opened is None:
        return DATA
    if not arguments.json:
        dataset, rows = opened.manifest["dataset"], sum(table.rows for table in opened.tables)
        print(
            f"verified {dataset['name']} {dataset['version']}: {len(opened.files)} files, {rows:,} rows in "
            f"{len(opened.tables)} configs; sums, logical digests, contract, features, splits and numbers hold"
        )
    return CLEAN


def _init(arguments: argparse.Namespace) -> int:
    from copydesk.cli_formats import init

    return init(arguments)


def _formats(arguments: argparse.Namespace) -> int:
    from copydesk.cli_formats import formats

    return formats(arguments)


def _convert(arguments: argparse.Namespace) -> int:
    from copydesk.cli_formats import convert

    return convert(arguments)
