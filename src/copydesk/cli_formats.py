"""The commands that deal with the formats of other tools: init --from, formats, convert. Arguments are in cli.py."""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from copydesk import adopt, exporters, importers
from copydesk.build import Options, check
from copydesk.cache.store import CacheOptions
from copydesk.cli_output import CLEAN, DATA, USAGE, print_report, shown
from copydesk.convert import Refused, Request
from copydesk.convert import convert as run_convert
from copydesk.scaffold import create, dataset_name, obstacle, title_of

RULES = ("majority", "curated", "first")
"""Words for `convert --passes` that are no names of annotators."""


def init(arguments: argparse.Namespace) -> int:
    """A new project: the example, or one drafted from an export."""
    name = arguments.name or arguments.folder.resolve().name
    if arguments.origin is None:
        if (problem := create(arguments.folder, name)) is not None:
            print(problem, file=sys.stderr)
            return USAGE
        print(f"created {arguments.folder}; next: copydesk build --project {arguments.folder}")
        return CLEAN
    problem = obstacle(arguments.folder, name)
    if arguments.format is not None and arguments.format not in importers.FORMATS:
        problem = f"there is no format {arguments.format!r}; `copydesk formats` lists what is read"
    if problem is not None:
        print(problem, file=sys.stderr)
        return USAGE
    slug = dataset_name(name)
    options = _options(arguments.option)
    try:
        adopted = adopt.adopt(arguments.folder, slug, title_of(slug), arguments.origin, arguments.format, options)
    except adopt.Refused as refused:
        print(refused, file=sys.stderr)
        return DATA
    for line in adopt.summary(adopted):
        print(line)
    return _first_check(arguments.folder)


def _first_check(folder: Path) -> int:
    """What is open in a project that was just made. It is made all the same, so the exit code is clean."""
    print(f"\ncreated {shown(folder.resolve())}; the first check:\n")
    report = check(Options(root=folder.resolve(), cache=CacheOptions(used=False)))
    print_report(report, as_json=False, stream=sys.stdout)
    print(
        f"next: say in {shown(folder.resolve())}/schema/article.schema.json what the labels mean, then copydesk build"
    )
    return CLEAN


def _options(given: Sequence[str]) -> dict[str, Any]:
    """`KEY=VALUE` words as [source.options]: values are those of TOML, and strings where they are none."""
    out: dict[str, Any] = {}
    for word in given:
        key, _, value = word.partition("=")
        try:
            table = tomllib.loads(f"{key} = {value}")
        except tomllib.TOMLDecodeError:
            table = tomllib.loads(f"{json.dumps(key)} = {json.dumps(value)}")
        _merge(out, table)
    return out


def _merge(into: dict[str, Any], table: Mapping[str, Any]) -> None:
    for key, value in table.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _one_format(name: str) -> int:
    """The options of a format, and what can be taken from its files."""
    if name not in importers.FORMATS:
        print(f"nothing reads {name!r}; `copydesk formats` lists what is read", file=sys.stderr)
        return USAGE
    try:
        importer = importers.importer_of(name)
    except importers.MissingLibrary as missing:
        print(missing, file=sys.stderr)
        return DATA
    print(f"{name}: {importers.FORMATS[name].summary}")
    if len(importer.TAKES) > 1:
        print(f"take: {', '.join(importer.TAKES)}")
    for option, schema in importer.OPTIONS.items():
        print(f"\n{option}\n    {schema.get('description', '')}")
    if not importer.OPTIONS:
        print("no options")
    return CLEAN


def formats(arguments: argparse.Namespace) -> int:
    """One line a format, or the options of one."""
    if arguments.name is not None:
        return _one_format(arguments.name)
    for name in dict.fromkeys([*importers.FORMATS, *exporters.EXPORTERS]):
        known = importers.FORMATS.get(name) or exporters.EXPORTERS[name]
        ways = " and ".join(
            way for way, table in (("in", importers.FORMATS), ("out", exporters.EXPORTERS)) if name in table
        )
        needs = f" (needs copydesk[{known.needs[1]}])" if known.needs else ""
        print(f"{name:<15} {ways:<10} {known.summary}{needs}")
    return CLEAN


def convert(arguments: argparse.Namespace) -> int:
    """Convert, then say what was written and what was lost."""
    problem = None
    if arguments.to not in exporters.EXPORTERS:
        problem = f"nothing writes {arguments.to!r}; there are {', '.join(exporters.EXPORTERS)}"
    elif arguments.format is not None and arguments.format not in importers.FORMATS:
        problem = f"nothing reads {arguments.format!r}; there are {', '.join(importers.FORMATS)}"
    if problem is not None:
        print(problem, file=sys.stderr)
        return USAGE
    rule = arguments.passes
    passes = {} if rule is None else {"rule": rule} if rule in RULES else {"rule": "annotator", "annotator": rule}
    request = Request(
        origin=arguments.origin, target=arguments.target, to=arguments.to, format=arguments.format,
        encoding=arguments.encoding, passes=passes, options=_options(arguments.option),
    )  # fmt: skip
    try:
        done = run_convert(request)
    except (Refused, importers.MissingLibrary, exporters.MissingLibrary) as refused:
        print(refused, file=sys.stderr)
        return DATA
    if len(done.report):
        print_report(done.report, as_json=arguments.json, stream=sys.stderr)
    written = f"{done.files:,} files in {arguments.target}" if done.articles else "nothing was written"
    print(f"{done.format} -> {arguments.to}: {done.articles:,} articles, {written}")
    for title, table in (("not carried from the source", done.left_out), ("not held by the target", done.losses)):
        for words, n in sorted((+table).items(), key=lambda pair: (-pair[1], pair[0])):
            print(f"  {title}: {words}: {n:,}")
    return DATA if done.report.errors or not done.articles else CLEAN
