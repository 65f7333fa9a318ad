"""Folders that `load_dataset` reads, releases of copydesk's included: one config's rows as articles.

Splits become a value `split`. What is a layer is seen from the columns: lists of objects that have a span or an id.
Everything else about rows is as in `fields`. Runs no code of the folder, and asks no Hub.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from copydesk.articles.model import Article
from copydesk.articles.units import Sample, folder, stem
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers import fields as by_fields
from copydesk.importers.datasetcard import BadCard, Config, choose, configs_of, front_matter, release_configs
from copydesk.importers.features import (
    Feature,
    footer_features,
    item_feature,
    label_names,
    labelled,
    struct_fields,
)
from copydesk.importers.fields.options import OPTIONS as FIELD_OPTIONS
from copydesk.importers.fields.options import Fields, Layer, Tags, fields_of
from copydesk.importers.fields.rows import SUFFIXES, Reading, Row, read_rows
from copydesk.importers.parquet import Table, open_table
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
_STARTS = ("start", "begin", "start_offset", "start_char", "char_start", "startOffset", "beginOffset")
_ENDS = ("end", "end_offset", "end_char", "char_end", "endOffset")
_FRAGMENTS, _LABELS, _SURFACES, _IDS = (
    ("fragments", "offsets"),
    ("label", "type", "tag"),
    ("surface", "text"),
    ("id", "_id"),
)


def sniff(sample: Sample) -> int:
    """A card with configs or columns, a manifest of a release, or shards that are named as the Hub names them."""
    data = any(name.lower().endswith(SUFFIXES) for name in sample.names)
    for name in sample.names:
        head = sample.head(name) if PurePosixPath(name).name in _HEADS and data else b""
        if name.endswith("manifest.json") and b'"tables"' in head and b'"primary"' in head:
            return 97
        if head.startswith(b"---") and (b"\nconfigs:" in head or b"\ndataset_info:" in head):
            return 95
    return 60 if any("-00000-of-" in name and name.endswith(".parquet") for name in sample.names) else 0


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
        config, place = _config(source, raw)
    except BadCard as bad:
        yield Diagnostic(code="I001", place=Place(file=_card(raw) or raw.file, line=bad.line), message=str(bad))
        return
    split = config.split_of(PurePosixPath(raw.file).relative_to(place).as_posix())
    if split is None:
        return
    reading = Reading(
        encoding=source.encoding,
        delimiter=source.options.get("delimiter"),
        rows=source.options.get("rows"),
        keep=frozenset({source.options.get("text", "text")}),
        features=None if config.features is None else labelled(config.features),
    )
    rows: Iterable[Row | Diagnostic] = read_rows(raw.data, raw.file, reading)
    columns = config.features
    if columns is None and raw.file.lower().endswith(".parquet"):
        table = open_table(raw.data)
        columns = _columns(table) if isinstance(table, Table) else {}
    elif columns is None:
        rows = list(rows)
        columns = _inferred(row for row in rows if isinstance(row, Row))
    fields = seen_fields(columns, fields_of(source.options))
    yield from by_fields.articles_of(rows, fields, raw.name, {}, {"split": split})


def _card(raw: RawRecord) -> str | None:
    return next((name for name in raw.beside if PurePosixPath(name).name == "README.md"), None)


def _config(source: Source, raw: RawRecord) -> tuple[Config, str]:
    """The config that is read, and the folder that its files are named from. Raises BadCard."""
    configs, place = [Config()], raw.base.rstrip("/") if raw.file.startswith(raw.base) and raw.base else "."
    above = _above(raw.file)
    for name, data in raw.beside.items():  # the nearest first
        if folder(name) not in above:
            continue
        if PurePosixPath(name).name == "manifest.json" and (released := release_configs(data)):
            configs, place = released, folder(name)
            break
        if PurePosixPath(name).name == "README.md" and configs == [Config()]:
            head = front_matter(data)
            if "configs" in head or "dataset_info" in head:
                configs, place = configs_of(head), folder(name)
    wanted = source.options.get("config")
    chosen = choose(configs, wanted)
    if chosen is None:
        raise BadCard(f"there is no config {wanted!r}; there are {', '.join(config.name for config in configs)}"[:160])
    return chosen, place


def _columns(table: Table) -> dict[str, Feature]:
    """The columns of a Parquet file: as its footer has them for `datasets`, else as Arrow has them."""
    features = footer_features(table.metadata)
    return {field.name: features.get(field.name) or _feature(field.type) for field in table.schema}


def _feature(kind: pa.DataType) -> Feature:
    if pa.types.is_struct(kind):
        return {kind.field(i).name: _feature(kind.field(i).type) for i in range(kind.num_fields)}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    return {"dtype": str(kind), "_type": "Value"}


def _inferred(rows: Iterable[Row]) -> dict[str, Feature]:
    """The columns of a file that declares none, by all that is in it."""
    out: dict[str, Feature] = {}
    for row in rows:
        for name, value in row.values.items():
            out[name] = _wider(out.get(name), value)
    return out


def _wider(known: object, value: object) -> Feature:
    if isinstance(value, dict):
        fields = dict(struct_fields(known) or {})
        for name, inner in value.items():
            fields[str(name)] = _wider(fields.get(str(name)), inner)
        return fields
    if isinstance(value, list):
        item: object = item_feature(known)
        for given in value:
            item = _wider(item, given)
        return {"feature": item, "_type": "List"}
    if known is not None and (value is None or not isinstance(known, dict) or known.get("_type") != "Value"):
        return known if isinstance(known, dict | list) else {}
    kind = "null" if value is None else "string" if isinstance(value, str) else "number"
    if isinstance(known, dict) and known.get("dtype") == "string":
        kind = "string"
    return {"dtype": kind, "_type": "Value"}


def seen_fields(columns: Mapping[str, Feature], said: Fields) -> Fields:
    """What the options say, and for the rest what the columns show: layers, and tokens with tags."""
    named = {layer.field for layer in said.layers}
    layers = [*said.layers]
    for name, feature in columns.items():
        layer = seen_layer(name, feature) if name not in named else None
        if layer is not None:
            layers.append(layer)
    out = replace(said, layers=tuple(layers))
    if said.tokens is None and (said.text in columns or not _is_strings(columns.get("tokens"))):
        return out
    tokens = said.tokens or "tokens"
    if said.tags:
        return replace(out, tokens=tokens)
    tagged = {name: label_names(item_feature(feature)) for name, feature in columns.items()}
    spans = [name for name, names in tagged.items() if names is not None and _are_spans(names)]
    spans = spans or [name for name in ("ner_tags", "tags") if name in columns]
    main = "ner_tags" if "ner_tags" in spans else next(iter(spans), None)
    return replace(
        out,
        tokens=tokens,
        tags=tuple(Tags(field=name, layer="mentions" if name == main else name) for name in spans),
        token_columns=tuple(name for name, names in tagged.items() if names is not None and name not in spans),
    )


def _is_strings(feature: object) -> bool:
    inner = item_feature(feature)
    return isinstance(inner, dict) and inner.get("_type") == "Value" and "string" in str(inner.get("dtype"))


def _are_spans(names: Sequence[str]) -> bool:
    return "O" in names and any(name[:2] in {"B-", "I-"} for name in names)


def seen_layer(name: str, feature: object) -> Layer | None:
    """The layer that a column is: a list of objects (or an object of lists) that have a span, or an id."""
    inner = item_feature(feature)
    keys = struct_fields(inner)
    if keys is None and inner is None and (columns := struct_fields(feature)) is not None:
        lists = {key: item_feature(value) for key, value in columns.items()}
        keys = lists if all(value is not None for value in lists.values()) else None
        if keys is None or not _first(_STARTS, keys) or not _first(_ENDS, keys):
            return None
    if not keys:
        return None
    start, end = _first(_STARTS, keys), _first(_ENDS, keys)
    pieces = next((key for key in _FRAGMENTS if item_feature(keys.get(key)) is not None), None)
    own = next((key for key in _IDS if _is_value(keys.get(key))), None)
    if not (start and end) and pieces is None and own is None:
        return None
    made: dict[str, str] = {}
    if start and end:
        made |= {"start": start, "end": end}
    if pieces is not None:
        made["fragments"] = pieces
    if own is not None:
        made["id"] = own
    if label := next((key for key in _LABELS if _is_value(keys.get(key))), None):
        made["label"] = label
    if (start or pieces) and (surface := _first(_SURFACES, keys)):
        made["surface"] = surface
    return replace(Layer(name=name, field=name, references={}), **made)  # type: ignore[arg-type]  # all are names


def _first(names: Sequence[str], keys: Mapping[str, object]) -> str | None:
    return next((name for name in names if name in keys), None)


def _is_value(feature: object) -> bool:
    return isinstance(feature, dict) and feature.get("_type") in ("Value", "ClassLabel")
