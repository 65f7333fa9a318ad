"""The arguments of every command. What the commands do stands in cli.py and the cli_* modules beside it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PRINTED = "-"
"""What --profile is without a file: the table goes to the terminal."""

Run = Callable[[argparse.Namespace], int]
"""Runs a command and returns the exit code."""

_EPILOG = """\
commands in the order of a first day:
  copydesk init my-dataset     a new project that builds at once; --from PATH: out of an export
  copydesk check               every finding about the data, in under a second
  copydesk groups              which articles belong together, and why
  copydesk explain A103        what a code means, with an example
  copydesk build               the release: dist/<name>-<version>/
  copydesk verify dist/…       judge a release from its own files
  copydesk diff OLD NEW        what differs, and what version that asks for
  copydesk release             set that version

exit codes: 0 clean, 1 errors in the data, 2 usage, 3 a bug of copydesk
"""


ENGINES = ("local", "dask", "ray")
_FACTORS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_CACHE = "the folder of the cache (default: $COPYDESK_CACHE, or beside the releases)"
_OPTION = "an option of the format; `copydesk formats NAME` lists them"


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands of the parser, each with what it runs."""

    action: argparse._SubParsersAction[argparse.ArgumentParser]
    runs: Mapping[str, Run]

    def add(self, name: str, help_text: str) -> argparse.ArgumentParser:
        """A parser for one command."""
        about = help_text[0].upper() + help_text[1:] + "."
        parser = self.action.add_parser(name, help=help_text, description=about)
        parser.set_defaults(run=self.runs[name])
        return parser


def parser_of(runs: Mapping[str, Run], version: str) -> argparse.ArgumentParser:
    """The parser of all commands; `runs` says what each does."""
    parser = argparse.ArgumentParser(
        prog="copydesk",
        description="Packages annotated articles into a dataset release that people can train on, trust and cite.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"copydesk {version}")
    parser.set_defaults(run=None)
    commands = Commands(parser.add_subparsers(metavar="COMMAND"), runs)

    build = commands.add("build", "build and seal the release of the project")
    _project_arguments(build)
    build.add_argument("--frozen", action="store_true", help="fail if the checked-in ledger or datasheet would change")

    _engine_arguments(build)
    _profile_argument(build)

    check = commands.add("check", "check the data without building; prints every finding")
    _project_arguments(check)
    _engine_arguments(check)
    _profile_argument(check)

    groups = commands.add("groups", "show which articles belong together, and why")
    _project_arguments(groups)
    groups.add_argument(
        "origin", type=Path, nargs="?", metavar="RELEASE", help="the folder of a release (default: the project)"
    )
    groups.add_argument("--article", action="append", default=[], metavar="ID", help="only the groups of this article")
    groups.add_argument("--diff", action="store_true", help="show near copies word by word")

    cache = commands.add("cache", "show what is kept of earlier builds")
    cache.add_argument("--project", type=Path, default=Path(), metavar="DIR", help="the project (default: here)")
    cache.add_argument("--cache", type=Path, metavar="DIR", help=_CACHE)
    cache.add_argument("--clear", action="store_true", help="throw it away")
    cache.add_argument("--json", action="store_true", help="for programs")

    explain = commands.add("explain", "explain a diagnostic code; without one, list them all")
    explain.add_argument("code", nargs="?", help="a code such as A103")

    schema = commands.add("schema", "print what the contract compiles to")
    schema.add_argument("name", nargs="?", help="a kind (article) or a config (mentions); default: list them")
    form_help = "json: JSON Schema of the rows; arrow: Arrow schema; features: Hugging Face features; docs: columns"
    schema.add_argument(
        "--as", dest="form", choices=["json", "arrow", "features", "docs"], default="docs", help=form_help
    )
    schema.add_argument("--project", type=Path, default=Path(), metavar="DIR", help="the project (default: here)")

    _add_versions(commands)
    _add_formats(commands)
    return parser


def _add_versions(commands: Commands) -> None:
    """Arguments of the commands about releases that are there already."""
    verify = commands.add("verify", "judge a release from its own files, without the sources")
    verify.add_argument("release", type=Path, help="the folder of a release")
    verify.add_argument("--json", action="store_true", help="findings as JSON lines")

    here: dict[str, Any] = {"type": Path, "default": Path(), "metavar": "DIR", "help": "the project (default: here)"}
    diff = commands.add("diff", "say what differs between two sides, and what version that asks for")
    side = "a release (folder, archive, address, or version in dist/), a project, or a git revision of its sources"
    diff.add_argument("old", help=side)
    diff.add_argument("new", help="the same, or . for the sources as they are now")
    diff.add_argument(
        "--project", type=Path, metavar="DIR", help="the project of revisions and versions (default: here)"
    )
    form = diff.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="every change, for programs")
    form.add_argument("--markdown", action="store_true", help="for the comment of a pull request")
    diff.add_argument("--table", type=Path, metavar="FILE", help="write every change as a row of a Parquet file")
    diff.add_argument("--only", action="append", metavar="WHAT", help="a section, layer=NAME or record=ID")
    diff.add_argument("--examples", type=_positive, metavar="N", help="examples of each sort of change")
    diff.add_argument("--exit-code", action="store_true", help="exit with 1 if the sides differ")
    diff.add_argument("--fail-on", choices=["patch", "minor", "major"], help="exit with 1 if such a step is needed")

    release = commands.add("release", "set the version that the difference asks for; draft the changelog")
    release.add_argument("--project", **here)
    release.add_argument("--bump", choices=["patch", "minor", "major"], help="a step, if larger than needed")
    release.add_argument("--version", metavar="X.Y.Z", help="the version itself")
    release.add_argument("--date", metavar="YYYY-MM-DD", help="of the release (default: today, or SOURCE_DATE_EPOCH)")
    release.add_argument("--dry-run", action="store_true", help="say what would be changed")
    release.add_argument("--json", action="store_true", help="for programs")

    withdraw = commands.add("withdraw", "keep articles out of the next releases")
    withdraw.add_argument("ids", nargs="+", metavar="ID", help="an article")
    withdraw.add_argument("--reason", metavar="CODE", help="takedown, rights, privacy, consent, error, duplicate, …")
    withdraw.add_argument("--note", default="", help="for people; does not quote the article")
    withdraw.add_argument("--date", metavar="YYYY-MM-DD", help="default: today")
    withdraw.add_argument("--undo", action="store_true", help="let the articles back in")
    withdraw.add_argument("--project", **here)

    yank = commands.add("yank", "mark a released version as not to be used")
    yank.add_argument("version", metavar="X.Y.Z")
    yank.add_argument("--reason", help="in a sentence")
    yank.add_argument("--date", metavar="YYYY-MM-DD", help="default: today")
    yank.add_argument("--undo", action="store_true", help="take it back")
    yank.add_argument("--project", **here)


def _add_formats(commands: Commands) -> None:
    """Arguments of the commands about the formats of other tools."""
    init = commands.add("init", "create a new dataset project that builds at once")
    init.add_argument("folder", type=Path, help="the folder to create; it must not exist, or be empty")
    init.add_argument("--name", help="name of the dataset (default: the folder's)")
    init.add_argument(
        "--from", dest="origin", type=Path, metavar="PATH", help="an export to begin with: a file, folder or archive"
    )
    init.add_argument("--format", help="the format of the export (default: it is recognised)")
    init.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help=_OPTION)

    convert = commands.add("convert", "convert annotated articles from one format to another")
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

    formats = commands.add("formats", "list the formats that are read and written, or the options of one")
    formats.add_argument("name", nargs="?", help="a format, to list its options")


def _project_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", type=Path, default=Path(), metavar="DIR", help="the project (default: here)")
    parser.add_argument("--workers", type=_positive, metavar="N", help="tasks at once (default: one a processor)")
    parser.add_argument("--block-size", type=_bytes, metavar="BYTES", help="input of one task (default: 8 MiB)")
    parser.add_argument("--json", action="store_true", help="findings as JSON lines, for programs")
    kept = parser.add_argument_group("cache", "what earlier builds made, taken where nothing has changed")
    kept.add_argument("--no-cache", action="store_true", help="make everything anew, and keep nothing")
    kept.add_argument("--cache", type=Path, metavar="DIR", help=_CACHE)
    kept.add_argument(
        "--cache-size", type=_bytes, metavar="BYTES",
        help="what it may hold, such as 20G (default: 10G, or four times what a build keeps)",
    )  # fmt: skip


def _engine_arguments(parser: argparse.ArgumentParser) -> None:
    """How the tasks run. That is no part of the dataset, so it may stand in the environment, not in dataset.toml."""
    running = parser.add_argument_group("running", "how tasks run; the bytes of a release do not depend on it")
    given = os.environ.get
    running.add_argument(
        "--memory", type=_bytes, metavar="BYTES", default=given("COPYDESK_MEMORY"),
        help="of all processes together, such as 2G (default: a quarter of the machine; or $COPYDESK_MEMORY)",
    )  # fmt: skip
    running.add_argument(
        "--engine", type=_engine, metavar="NAME", default=given("COPYDESK_ENGINE", "local"),
        help="local, dask or ray (default: local; or $COPYDESK_ENGINE)",
    )  # fmt: skip
    running.add_argument(
        "--scheduler", metavar="ADDRESS", default=given("COPYDESK_SCHEDULER"),
        help="of a cluster: tcp://host:port or a scheduler file (dask), host:port or auto (ray); or "
        "$COPYDESK_SCHEDULER (default: a cluster of its own on this machine)",
    )  # fmt: skip
    running.add_argument(
        "--work", type=_folder, metavar="DIR", default=given("COPYDESK_WORK"),
        help="the folder through which tasks exchange rows, seen by every worker (default: the output folder; or "
        "$COPYDESK_WORK)",
    )  # fmt: skip
    running.add_argument(
        "--patience", type=_positive, metavar="SECONDS", default=60,
        help="how long to wait for a scheduler or a worker of a cluster (default: 60)",
    )  # fmt: skip


def _folder(text: str) -> Path:
    if "://" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is an address; rows are exchanged through a folder")
    return Path(text)


def _engine(text: str) -> str:
    if text not in ENGINES:
        raise argparse.ArgumentTypeError(f"there is no engine {text!r}; there are {', '.join(ENGINES)}")
    return text


def _bytes(text: str) -> int:
    number, factor = text.upper().removesuffix("B").removesuffix("I"), 1
    if number[-1:] in _FACTORS:
        number, factor = number[:-1], _FACTORS[number[-1:]]
    try:
        size = int(float(number) * factor)
    except (ValueError, OverflowError):
        size = 0
    if size < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; say 800M or 2G")
    return size


def _profile_argument(parser: argparse.ArgumentParser) -> None:
    about = "say where the time goes: on the terminal, or as JSON in a file"
    parser.add_argument("--profile", nargs="?", const=PRINTED, metavar="FILE", help=about)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above zero")
    return int(text)
