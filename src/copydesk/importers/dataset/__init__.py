"""Folders that `load_dataset` reads, releases of copydesk's included: one config's rows as articles.

Splits become a value `split`. What is the text and what is a layer is seen from the columns. Everything else about
rows is as in `fields`. Runs no code of the folder, and asks no Hub.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

from copydesk.articles.model import Article
from copydesk.articles.units import Sample, folder, stem
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers import fields as by_fields
from copydesk.importers.dataset.card import BadCard, Config, choose, configs_of, front_matter, release_configs
from copydesk.importers.dataset.columns import IDS, TEXTS, TOKENS, seen_fields, unnamed_tags
from copydesk.importers.dataset.tables import open_rows
from copydesk.importers.fields.heads import heads
from copydesk.importers.fields.options import OPTIONS as FIELD_OPTIONS
from copydesk.importers.fields.options import Fields, fields_of
from copydesk.importers.fields.rows import SUFFIXES, TABLES, Reading, Row
from copydesk.importers.fields.values import identifier, pick
from copydesk.project import Source
from copydesk.sources import RawRecord, Unit

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "config": {"type": "string", "minLength": 1, "description": "which config; default: the card's default"},
    **FIELD_OPTIONS,
}
TAKES = ("articles",)

_HEADS = ("README.md", "manifest.json")
_NO_DATA = frozenset(
    {"README.md", "manifest.json", "croissant.json", "exclusions.jsonl", "ledger.parquet", "config.json"}
    | {"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "codemeta.json"}
)
_PROSE = ("LICENSE", "LICENCE", "NOTICE", "DATASHEET", "CHANGELOG", "CITATION", "SHA256SUMS", "README")
_ABOUT = frozenset({"schema", "quality", "report"})
_CARD_KEYS = re.compile(rb"\n(?:configs|dataset_info):")
_HUB_KEYS = re.compile(rb"\n(?:license|language|task_categories|size_categories|pretty_name|annotations_creators):")
_KEY = re.compile(rb'"(\w+)"\s*:')
_SPAN_KEY = re.compile(rb'"(?:start|begin|start_offset|start_char|char_start|offsets)"\s*:')


def sniff(sample: Sample) -> int:
    """A card with configs or columns, a manifest of a release, shards that are named as the Hub names them; a bit
    more than `fields` where that would have to be told which column is which."""
    data = any(name.lower().endswith(SUFFIXES) for name in sample.names)
    sure = max((_sure_by_rows(name, head) for name, head in heads(sample, *SUFFIXES)), default=0)
    for name in sample.names:
        base = PurePosixPath(name).name
        head = sample.head(name) if base in _HEADS and data else b""
        if base == "manifest.json" and b'"tables"' in head and b'"primary"' in head:
            return 97
        if head.startswith(b"---") and _CARD_KEYS.search(head):
            return 95
        if base in {"dataset_dict.json", "state.json"} and sample.first(".arrow") is not None:
            return 95
        if head.startswith(b"---") and _HUB_KEYS.search(head):
            sure = max(sure, 45)
    return max(sure, 60 if any("-00000-of-" in name and name.endswith(TABLES) for name in sample.names) else 0)


def _sure_by_rows(name: str, head: bytes) -> int:
    if name.lower().endswith(TABLES):
        return 30
    if name.lower().endswith((".csv", ".tsv")):
        lines = [line for line in head.split(b"\n")[:2] if not line.startswith(b"sep=")]
        header = lines[0].decode("utf-8", "replace") if lines else ""
        columns = {cell.strip(' "\r\ufeff') for cell in re.split(r"[,;\t|]", header)}
        return 12 if "text" not in columns and {c.casefold() for c in columns} & {*TEXTS, *TOKENS} else 0
    keys = {key.decode().casefold() for key in _KEY.findall(head)}
    if keys & {*IDS} and "text" in keys and _SPAN_KEY.search(head):
        return 20
    return 12 if keys & {*TEXTS, *TOKENS} else 0


def units(source: Source, names: Sequence[str]) -> Iterator[Unit]:
    """Each file that may hold rows, with the cards above it; what else belongs to a dataset goes with the first."""
    known = set(names)
    released = {folder(name) for name in names if PurePosixPath(name).name == "manifest.json"}
    data = [name for name in names if name.lower().endswith(SUFFIXES) and not _is_about(name, released)]
    about = {name for name in names if name not in data and _is_part(name, released)}
    for name in data:
        above = [f"{place}/{head}".removeprefix("./") for place in _above(name) for head in _HEADS]
        cards = [card for card in above if card in known]
        first = _root(name, cards)
        rest = sorted(part for part in about if part not in cards and (first == "." or part.startswith(f"{first}/")))
        about.difference_update(rest, cards)
        yield Unit(files=(name, *cards, *rest), name=stem(name))


def _above(name: str) -> list[str]:
    """The folders that a file is in, the nearest first."""
    return [parent.as_posix() for parent in PurePosixPath(name).parents]


def _root(name: str, cards: Sequence[str]) -> str:
    return folder(cards[0]) if cards else folder(name)


def _is_about(name: str, released: set[str]) -> bool:
    """Whether a file that looks like data says something of the dataset."""
    path = PurePosixPath(name)
    return path.name in _NO_DATA or any(
        path.relative_to(root).parts[0] in _ABOUT for root in released if path.is_relative_to(root)
    )


def _is_part(name: str, released: set[str]) -> bool:
    path = PurePosixPath(name)
    return path.name.startswith((*_PROSE, ".git")) or _is_about(name, released)


def read(root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Diagnostic]:
    """The articles of one file, if it is one of the chosen config's; else none."""
    try:
        configs, place, released = _configs(raw)
    except BadCard as bad:  # the layout of the folder says what there is, as without a card
        yield Diagnostic(code="I001", place=Place(file=_card(raw) or raw.file, line=bad.line), message=str(bad))
        configs, place, released = [Config()], _place(raw), False
    wanted = source.options.get("config")
    config = choose(configs, wanted)
    if config is None:
        message = f"there is no config {wanted!r}; there are {', '.join(config.name for config in configs)}"[:160]
        yield Diagnostic(code="I001", place=Place(file=_card(raw) or raw.file, line=1), message=message)
        return
    split = config.split_of(PurePosixPath(raw.file).relative_to(place).as_posix())
    if split is None:
        return
    reading = Reading(
        encoding=source.encoding,
        delimiter=source.options.get("delimiter"),
        rows=source.options.get("rows"),
        keep=frozenset({source.options.get("text", "text")}),
    )
    said = fields_of(source.options)
    opened = open_rows(raw.data, raw.file, reading, config.features)
    fields = seen_fields(opened.columns, said, [row.values for row in opened.sample])
    rows = opened.rows
    if not released and "id" not in said.said and _are_numbered(opened.sample, fields):
        rows = (_numbered_in(row, fields, split) for row in rows)
    numbers = unnamed_tags(opened.columns, fields)
    for article in by_fields.articles_of(rows, fields, raw.name, {}, {"split": split}):
        if numbers and isinstance(article, Article):
            article.left_out["names of tags (the file has their numbers)"] += len(article.layers["tokens"])
        yield article


def _are_numbered(sample: Sequence[Row], fields: Fields) -> bool:
    """Whether the ids of rows are their numbers, as many datasets have them: each split then counts from the start."""
    ids = [identifier(pick(row.values, fields.id)) or "" for row in sample]
    if not ids or not all(one.isdecimal() and len(one) < 16 for one in ids):
        return False
    numbers = [int(one) for one in ids]
    return all(b - a == 1 for a, b in pairwise(numbers)) and (len(ids) > 1 or numbers[0] < 2)


def _numbered_in(row: Row | Diagnostic, fields: Fields, split: str) -> Row | Diagnostic:
    own = identifier(pick(row.values, fields.id)) if isinstance(row, Row) else None
    if not isinstance(row, Row) or own is None:
        return row
    return replace(row, values={**row.values, fields.id: f"{split}-{own}"})


def _card(raw: RawRecord) -> str | None:
    return next((name for name in raw.beside if PurePosixPath(name).name == "README.md"), None)


def _place(raw: RawRecord) -> str:
    return raw.base.rstrip("/") if raw.file.startswith(raw.base) and raw.base else "."


def _configs(raw: RawRecord) -> tuple[Sequence[Config], str, bool]:
    """The configs, the folder that their files are named from, and whether that is a release. Raises BadCard."""
    configs, place, released = [Config()], _place(raw), False
    above = _above(raw.file)
    for name, data in raw.beside.items():  # the nearest first
        if folder(name) not in above:
            continue
        if PurePosixPath(name).name == "manifest.json" and (found := release_configs(data)):
            return found, folder(name), True
        if PurePosixPath(name).name == "README.md" and configs == [Config()]:
            head = front_matter(data)
            if "configs" in head or "dataset_info" in head:
                configs, place = configs_of(head), folder(name)
    return configs, place, released
