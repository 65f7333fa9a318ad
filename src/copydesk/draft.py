"""A survey -> the first draft of a project: contract, configs, expectations, rule for the passes.

A draft is for people to go over: every label waits for its definition (C007), and what the data happens not to show
is not in it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from copydesk.survey import Layer, Property, Survey

TODO = "TODO: say what the label means, so that two people would use it alike."
MAX_LABELS = 300
"""Distinct labels of a layer beyond which they are no list, but strings."""
_FEW, _OFTEN = 40, 8
"""A string property is a list of labels if it has at most so many values, each used so often on average."""

_OFFSET = {"$ref": "#/$defs/offset"}
_KNOWN = {
    "mentions": "Phrases of the text that are labelled.",
    "relations": "What ties two annotations, head to tail.",
    "events": "What happens: a trigger, and what takes part in which role.",
    "entities": "Mentions that refer to the same thing.",
    "tokens": "The words and punctuation marks of the text, as the source cuts it.",
    "sentences": "The sentences of the text, as the source cuts it.",
}


def article_schema(survey: Survey, name: str, *, rights: bool = True) -> dict[str, Any]:
    """schema/article.schema.json. Properties that came with only some articles may be null.

    With `rights`, every article must say its language and its rights; a source's defaults do so for all.
    """
    stated = {
        "language": {"type": "string", "description": "Language of the text as a BCP 47 tag."},
        "rights": _RIGHTS,
    }
    properties: dict[str, Any] = {
        "id": {"type": "string", "minLength": 1, "description": "Identifier of the article."},
        **(stated if rights else {}),
        "text": {"type": "string", "minLength": 1, "x-withhold": True, "description": "The whole text."},
    }
    for value, seen in survey.values.items():
        if value not in properties and _holds_something(seen):
            properties[value] = _property(seen, f"`{value}` of the source.", survey.layers)
    for layer, seen_layer in survey.layers.items():
        properties[layer] = _layer(layer, seen_layer, survey.layers)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:copydesk:{name}:article:1",
        "title": "Article",
        "type": "object",
        "required": ["id", *(stated if rights else ()), "text", *survey.layers],
        "unevaluatedProperties": False,
        "properties": properties,
        "$defs": {"offset": {"type": "integer", "minimum": 0, "maximum": 2147483647}},
    }


_RIGHTS = {
    "type": "object",
    "description": "What is known of the rights in the text.",
    "required": ["license", "redistribute"],
    "unevaluatedProperties": False,
    "properties": {
        "license": {"type": "string", "description": "Licence of the text as an SPDX licence expression."},
        "holder": {"type": ["string", "null"], "description": "Who holds the rights in the text."},
        "redistribute": {"type": "boolean", "description": "Whether the text may be redistributed."},
    },
}


def _layer(name: str, layer: Layer, layers: Mapping[str, Layer]) -> dict[str, Any]:
    item: dict[str, Any] = {"type": "object", "required": ["id"], "unevaluatedProperties": False}
    properties: dict[str, Any] = {"id": {"type": "string", "description": "Identifier in its article."}}
    if layer.spans:
        item |= _span(layer, properties)
    if layer.labels:
        always = layer.labels.total() == layer.items
        properties["label"] = _labels(layer.labels, "What it is labelled as.", optional=not always)
        item["required"] += ["label"] if always else []
    for key, seen in layer.properties.items():
        if key not in properties and _holds_something(seen):
            properties[key] = _property(seen, f"`{key}` of the source.", layers)
    item["properties"] = properties
    return {
        "type": "array",
        "x-key": "id",
        "description": _KNOWN.get(name, f"The annotations of the layer {name}."),
        "items": item,
    }


def _span(layer: Layer, properties: dict[str, Any]) -> dict[str, Any]:
    """x-span of the items, with their properties for it; spans that only some items have may be null."""
    always = layer.spans == layer.items
    surface = {"type": "string", "x-withhold": True, "description": "The text of the span."}
    if layer.pieces > 1:
        inner = {
            "type": "object",
            "required": ["start", "end"],
            "unevaluatedProperties": False,
            "properties": {"start": _OFFSET, "end": _OFFSET},
        }
        about = "The pieces of the span, in order of the text: [start, end) in code points."
        properties["fragments"] = {"type": "array", "minItems": int(always), "description": about, "items": inner}
        properties["surface"] = surface | {"description": "The text of the span, its pieces joined by a space."}
        required = ["id", "fragments"]
        return {"x-span": {"text": "text", "fragments": "fragments", "surface": "surface"}, "required": required}
    properties["start"] = _OFFSET | {"description": "First code point of the span, counted from 0."}
    properties["end"] = _OFFSET | {"description": "Code point after the last one of the span."}
    properties["surface"] = surface
    return {
        "x-span": {"text": "text", "start": "start", "end": "end", "surface": "surface"},
        "required": ["id", "start", "end"],
    }


def _property(seen: Property, about: str, layers: Mapping[str, Layer], *, optional: bool = True) -> dict[str, Any]:
    """The schema of a property; one that mixes types is a string, and the checks say where it is none."""
    described = {"description": about}
    if seen.types == {"list"} and not (seen.inner is not None and seen.inner.types):  # always empty
        return {"type": _or_null("array", optional), **described, "items": {"type": "string"}}
    if seen.types == {"list"} and seen.inner is not None:
        return {
            "type": _or_null("array", optional),
            **described,
            "items": _property(seen.inner, about, layers, optional=False),
        }
    if seen.types == {"dict"} and seen.fields:
        fields = {
            name: _property(inner, f"`{name}` of it.", layers)
            for name, inner in seen.fields.items()
            if _holds_something(inner)
        }
        closed = {"type": "object", "unevaluatedProperties": False, "properties": fields}
        return closed | described | {"type": _or_null("object", optional)}
    if seen.types == {"ref"} and len(seen.layers) == 1 and next(iter(seen.layers)) in layers:
        return {"type": _or_null("string", optional), "x-ref": next(iter(seen.layers)), **described}
    if seen.types == {"string"} and _is_list_of_labels(seen):
        return _labels(seen.strings, about, optional=optional)
    if seen.types == {"boolean"}:
        return {"type": _or_null("boolean", optional), **described}
    if seen.types == {"integer"}:
        wide = seen.least < -(2**31) or seen.most >= 2**31
        least, most = (-(2**63), 2**63 - 1) if wide else (-(2**31), 2**31 - 1)
        return {"type": _or_null("integer", optional), "minimum": least, "maximum": most, **described}
    if seen.types and seen.types <= {"integer", "number"}:
        return {"type": _or_null("number", optional), **described}
    return {"type": _or_null("string", optional), **described}


def _holds_something(seen: Property) -> bool:
    """Whether there is anything to declare: objects that never had a property with a value are none."""
    if seen.types == {"dict"}:
        return any(map(_holds_something, seen.fields.values()))
    if seen.types == {"list"} and seen.inner is not None and seen.inner.types:
        return _holds_something(seen.inner)
    return bool(seen.uses)


def _or_null(name: str, optional: bool) -> str | list[str]:
    return [name, "null"] if optional else name


def _is_list_of_labels(seen: Property) -> bool:
    """Whether the strings of a property are from a short list, each used again and again, and are no numbers."""
    return (
        1 < len(seen.strings) <= _FEW
        and not all(text.isdecimal() for text in seen.strings)
        and seen.uses >= _OFTEN * len(seen.strings)
        and all(re.fullmatch(r"[^\s]([^\n]{0,38}[^\s])?", text) for text in seen.strings)
    )


def _labels(counted: Counter[str], about: str, *, optional: bool) -> dict[str, Any]:
    if len(counted) > MAX_LABELS:
        return {"type": _or_null("string", optional), "description": about}
    names = [name for name, _ in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))]
    options = {"oneOf": [{"const": name, "title": name, "description": TODO} for name in names]}
    if optional:
        return {"description": about, "anyOf": [options, {"type": "null"}]}
    return {"description": about, **options}


_ARTICLE = ("id", "language", "rights", "text")
_ITEM = ("id", "label", "start", "end", "fragments", "surface")


def renames(survey: Survey) -> dict[str, dict[str, Any]]:
    """The [source.map] that tells names apart which a contract cannot hold beside each other.

    Two columns that differ only by case are one to SQL engines, and to file systems two tables; and a property of a
    format can have a name that copydesk's own properties have.
    """
    taken = {name.casefold() for name in _ARTICLE}
    layers = _told_apart(survey.layers, taken)
    values = _told_apart((name for name in survey.values if name not in ("language", "rights")), taken)
    own = {name.casefold() for name in _ITEM}
    properties = {name: _told_apart(layer.properties, set(own)) for name, layer in survey.layers.items()}
    tables: dict[str, dict[str, Any]] = {"layers": layers, "values": values}
    tables["properties"] = {name: table for name, table in properties.items() if table}
    return {name: table for name, table in tables.items() if table}


def _told_apart(names: Iterable[str], taken: set[str]) -> dict[str, str]:
    """name -> a name of its own, for those that need one; adds all to `taken`."""
    out = {}
    for name in names:
        made, n = name, 2
        while config_name(made).casefold() in taken:
            made, n = f"{name}_{n}", n + 1
        taken.add(config_name(made).casefold())
        if made != name:
            out[name] = made
    return out


def configs(survey: Survey) -> Iterator[tuple[str, str]]:
    """(name, right-hand side of its line in [configs]) of every table; names are what loaders take."""
    yield "articles", '{ default = true, description = "One row an article, annotations nested." }'
    for layer, seen in survey.layers.items():
        if seen.items:
            about = json.dumps(f"One row an item of the layer {layer}.", ensure_ascii=False)
            yield config_name(layer), f"{{ layer = {json.dumps(layer, ensure_ascii=False)}, description = {about} }}"


def config_name(layer: str) -> str:
    """A layer's name as the name of a config."""
    return re.sub(r"[^A-Za-z0-9_]", "_", layer)


def suites(survey: Survey) -> dict[str, dict[str, Any]]:
    """schema/expectations/<config>.json: ids are unique, spans are slices of the text, every label is set."""
    out = {"articles": _suite("articles", "article", survey, None)}
    for layer, seen in survey.layers.items():
        if seen.items:
            out[config_name(layer)] = _suite(config_name(layer), layer, survey, seen)
    return out


def _suite(config: str, what: str, survey: Survey, layer: Layer | None) -> dict[str, Any]:
    keys = ["id"] if layer is None else ["article_id", "id"]
    slug = re.sub(r"[^a-z0-9]+", "-", config.lower()).strip("-") or "layer"
    rules: list[dict[str, Any]] = [
        {
            "rule": f"{slug}-rows",
            "type": "expect_table_row_count_to_be_between",
            "kwargs": {"min_value": 1},
            "severity": "critical",
            "description": "There is at least one row.",
        }
    ]
    columns = [*keys, *(["label"] if layer is not None and layer.labels.total() == layer.items else [])]
    rules += [
        {
            "rule": f"{slug}-{column.replace('_', '-')}-set",
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": column},
            "severity": "critical",
            "description": f"Every row has a value in {column}.",
        }
        for column in columns
    ]
    listed = ", ".join(keys)
    queries = [
        {
            "rule": f"{slug}-id-unique",
            "severity": "critical",
            "description": f"No {listed} stands twice, in one split or in two.",
            "sql": f'SELECT {listed} FROM "{config}" GROUP BY {listed} HAVING count(*) > 1',
        }
    ]
    if layer is not None and layer.spans == layer.items and layer.pieces == 1:
        queries.append(
            {
                "rule": f"{slug}-slice",
                "severity": "critical",
                "description": "The surface is the slice of the text.",
                "sql": f'SELECT m.article_id, m.id FROM "{config}" m JOIN articles a ON a.id = m.article_id '
                'WHERE substr(a.text, m.start + 1, m."end" - m.start) <> m.surface',
            }
        )
    return {"name": config, "description": f"What holds for {config}.", "expectations": rules, "queries": queries}


def passes_rule(survey: Survey) -> dict[str, str]:
    """[source.passes]: what the data has an answer for; empty if nobody annotated anything twice."""
    if not survey.several:
        return {}
    if survey.curated and not survey.uncurated:
        return {"rule": "curated"}
    return {"rule": "majority" if len(survey.passes) > 2 else "first"}
