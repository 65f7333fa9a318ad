"""What the columns of a table show: which is the text, which are tokens with tags, which hold annotations.

Decides by the types that the columns have in the whole file and by the first rows, so that it is the same for every
row; the options of the source overrule it. Reads no files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import pyarrow as pa

from copydesk.importers.dataset.layers import seen_layers
from copydesk.importers.features import Feature, footer_features, item_feature, label_names, struct_fields
from copydesk.importers.fields.options import Fields, Tags
from copydesk.importers.fields.row import Row
from copydesk.importers.parquet import Table

Values: TypeAlias = Mapping[str, object]

TEXTS = ("text", "content", "context", "document", "article", "body", "full_text", "fulltext", "raw_text", "sentence",
         "passage", "abstract", "story", "news", "review", "review_body", "tweet", "comment", "post", "message",
         "utterance")  # fmt: skip
"""Names of columns that are the text where none is called so, the likeliest first."""
TOKENS = ("tokens", "words", "token")
"""Names of columns with the tokens of a text."""
IDS = ("id", "_id")
"""Names of columns with the id of a row."""

_TAGS = ("ner_tags", "tags", "ner", "bio_tags", "iob_tags", "ner_labels", "labels")
_ALWAYS_TAGS = frozenset({"ner_tags", "tags"})


def columns_of(table: Table) -> dict[str, Feature]:
    """The columns of a Parquet or Arrow file: as its footer has them for `datasets`, else as Arrow has them."""
    features = footer_features(table.metadata)
    return {field.name: features.get(field.name) or _feature(field.type) for field in table.schema}


def _feature(kind: pa.DataType) -> Feature:
    if pa.types.is_struct(kind):
        return {kind.field(i).name: _feature(kind.field(i).type) for i in range(kind.num_fields)}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    return {"dtype": str(kind), "_type": "Value"}


def inferred(rows: Iterable[Row]) -> dict[str, Feature]:
    """The columns of a file that declares none, by all that is in it."""
    out: dict[str, Feature] = {}
    for row in rows:
        for name, value in row.values.items():
            out[name] = _wider(out.get(name), value)
    return out


def _wider(known: object, value: object) -> Feature:
    """What is known of a column with one more value: a list or an object stays one, whatever else comes."""
    fields, item = struct_fields(known), item_feature(known)
    if isinstance(value, dict) and item is None:
        made: dict[str, Any] = dict(fields or {})
        for name, inner in value.items():
            made[str(name)] = _wider(made.get(str(name)), inner)
        return made
    if isinstance(value, list) and not fields:
        for given in value:
            item = _wider(item, given)
        return {"feature": item, "_type": "List"}
    if isinstance(known, dict | list) and (value is None or _dtype(known) is None):
        return known
    if value is None:
        return {"dtype": "null", "_type": "Value"}
    kind = "string" if isinstance(value, str) else "number"
    return {"dtype": "string" if _dtype(known) == "string" else kind, "_type": "Value"}


def _dtype(feature: object) -> str | None:
    """The type of a plain value; None for lists, objects and what is unknown."""
    known = feature if isinstance(feature, dict) and feature.get("_type") == "Value" else {}
    return str(known["dtype"]) if "dtype" in known else None


def seen_fields(columns: Mapping[str, Feature], said: Fields, sample: Sequence[Values] = ()) -> Fields:
    """What the options say, and for the rest what the columns and the first rows show."""
    out = said if "id" in said.said else replace(said, id=_named(IDS, columns) or said.id)
    out = _with_text(columns, out, sample)
    if out.tokens is not None and not said.tags:
        out = _with_tags(columns, out, sample)
    taken = {out.tokens or out.text, *(rule.field for rule in out.tags), *(layer.field for layer in said.layers)}
    rest = {name: feature for name, feature in columns.items() if name not in taken}
    return replace(out, layers=(*said.layers, *seen_layers(rest, sample, out.tokens)))


def _named(names: Sequence[str], columns: Iterable[str]) -> str | None:
    """The column that has one of the names, without regard to case."""
    known = {column.casefold(): column for column in columns}
    return next((known[name] for name in names if name in known), None)


def _with_text(columns: Mapping[str, Feature], said: Fields, sample: Sequence[Values]) -> Fields:
    """The column of the text, or that of the tokens where there is no text."""
    if said.tokens is not None or "text" in said.said:
        return said
    lists = [name for name in columns if _is_strings(name, columns, sample)]
    if said.text in columns:
        return replace(said, tokens=said.text) if said.text in lists else said
    tokens = _named(TOKENS, lists)
    if tokens is not None:
        return replace(said, tokens=tokens)
    text = _named(TEXTS, [name for name, feature in columns.items() if "string" in (_dtype(feature) or "")])
    return said if text is None else replace(said, text=text)


def _is_strings(name: str, columns: Mapping[str, Feature], sample: Sequence[Values]) -> bool:
    """Whether a column has lists of strings, be they written as the string of a list, as cells of CSV are."""
    if "string" in (_dtype(item_feature(columns.get(name))) or ""):
        return True
    cells = [row.get(name) for row in sample]
    return name in columns and bool(cells) and all(isinstance(c, str) and c[:1] == "[" and c[-1:] == "]" for c in cells)


def _with_tags(columns: Mapping[str, Feature], said: Fields, sample: Sequence[Values]) -> Fields:
    """The columns with one tag a token: spans where the tags are those of spans, else columns of the tokens."""
    names = {name: label_names(item_feature(feature)) for name, feature in columns.items()}
    spans = [name for name, known in names.items() if known is not None and _are_spans(known)]
    if not spans:
        strings = [name for name in _TAGS if _is_strings(name, columns, sample) and name != said.tokens]
        spans = [name for name in strings if name in _ALWAYS_TAGS or _have_prefixes(name, sample)][:1]
    numbers = [name for name in _TAGS if name in columns and names[name] is None and _are_numbers(columns[name])]
    main = "ner_tags" if "ner_tags" in spans else next(iter(spans), None)
    labelled = [name for name, known in names.items() if known is not None and name not in spans]
    return replace(
        said,
        tags=tuple(Tags(field=name, layer="mentions" if name == main else name) for name in spans),
        token_columns=(*said.token_columns, *labelled, *numbers),
    )


def _are_spans(names: Sequence[str]) -> bool:
    return "O" in names and any(name[:2] in {"B-", "I-"} for name in names)


def _have_prefixes(name: str, sample: Sequence[Values]) -> bool:
    lists = (row.get(name) for row in sample)
    return any(isinstance(tags, list) and any(str(tag)[:2] in {"B-", "I-"} for tag in tags) for tags in lists)


def unnamed_tags(columns: Mapping[str, Feature], fields: Fields) -> list[str]:
    """Columns that are tags by their name, and have numbers without names."""
    return [name for name in fields.token_columns if name in _TAGS and _are_numbers(columns.get(name))]


def _are_numbers(feature: object) -> bool:
    kind = _dtype(item_feature(feature)) or ""
    return kind == "number" or "int" in kind
