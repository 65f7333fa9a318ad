"""What `[source.options]` says of fields: which is the id, which the text, which hold annotations. Reads no data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from copydesk.articles.offsets import BYTES, CODE_POINTS, GRAPHEMES, UTF16

AUTO, TOKENS = "auto", "tokens"
UNITS = (CODE_POINTS, UTF16, BYTES, GRAPHEMES)
"""What the option `offsets` of any format may say."""

_NAME = {"type": "string", "minLength": 1}
_POINT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["start", "end"],
    "properties": {"layer": _NAME, "start": _NAME, "end": _NAME, "surface": _NAME, "prefer": _NAME},
}
_REFERENCE = {"anyOf": [_NAME, _POINT]}
_LAYER = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "field": {**_NAME, "description": "field of the row that holds the list of items"},
        "file": {**_NAME, "description": "a file beside, with one item a row"},
        "article": {**_NAME, "description": "with file: the field that names the article"},
        "id": _NAME,
        "start": _NAME,
        "end": _NAME,
        "fragments": {**_NAME, "description": "field with a list of [start, end], for spans in pieces"},
        "label": _NAME,
        "surface": _NAME,
        "names": {"type": "array", "items": {"type": "string"}, "description": "labels in order of their numbers"},
        "positions": {
            "type": "array",
            "items": _NAME,
            "minItems": 1,
            "description": 'what the places of an item mean that is a list; default ["start", "end", "label"]',
        },
        "inclusive": {"type": "boolean", "description": "end is the last character of the span"},
        "offsets": {"const": TOKENS, "description": "start and end count tokens"},
        "head": _REFERENCE,
        "tail": _REFERENCE,
        "refs": {
            "type": "object",
            "additionalProperties": _REFERENCE,
            "description": "property -> the layer that its ids name, or how it gives a span of one",
        },
    },
}
_TAGS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["field"],
    "properties": {
        "field": _NAME,
        "names": {"type": "array", "items": {"type": "string"}},
        "layer": {**_NAME, "description": "the layer that the spans make; default mentions"},
    },
}

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "id": {**_NAME, "description": "field with the id of the article; default `id`, or an id made from the text"},
    "text": {**_NAME, "description": "field with the text; default `text`"},
    "annotator": {**_NAME, "description": "field that says who annotated the row"},
    "layers": {
        "type": "object",
        "additionalProperties": {"anyOf": [_NAME, _LAYER]},
        "description": "layer -> the field that holds its items, or more about it",
    },
    "tokens": {**_NAME, "description": "field with the tokens, where there is no text: they are joined by spaces"},
    "token_columns": {"type": "array", "items": _NAME, "description": "fields with one value a token"},
    "tags": {
        "anyOf": [_NAME, _TAGS, {"type": "array", "items": _TAGS}],
        "description": "field with one tag a token (IOB1, IOB2, BIOES), and the names of its numbers",
    },
    "offsets": {
        "enum": list(UNITS),
        "description": "what offsets count; default: what the surfaces say, else code points",
    },
    "rows": {**_NAME, "description": "field of a JSON document that holds the rows"},
    "delimiter": {"type": "string", "minLength": 1, "maxLength": 1, "description": "what separates the cells of CSV"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """How a property names an item of `layer`: by its id (or number) in `field`, or by where it stands.

    `prefer`: of several items on one span, the one with the greatest value in this field.
    """

    layer: str
    field: str = ""
    start: str = ""
    end: str = ""
    surface: str | None = None
    prefer: str | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that it reads."""
        return tuple(name for name in (self.field, self.start, self.end, self.surface) if name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Where the items of a layer are and which of their fields is what. `said`: what the options name themselves."""

    name: str
    field: str | None = None
    file: str | None = None
    article: str = "article"
    id: str = "id"
    start: str = "start"
    end: str = "end"
    fragments: str = "fragments"
    label: str = "label"
    surface: str = "surface"
    names: Sequence[str] = ()
    positions: Sequence[str] = ()
    inclusive: bool = False
    in_tokens: bool = False
    references: Mapping[str, Reference]
    said: frozenset[str] = frozenset()

    @property
    def places(self) -> Sequence[str]:
        """The fields that the places of a list stand for."""
        return self.positions or (self.start, self.end, self.label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """A field with one tag a token."""

    field: str
    layer: str = "mentions"
    names: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Which field of a row is what. `said`: what the options name themselves."""

    id: str = "id"
    text: str = "text"
    annotator: str | None = None
    layers: Sequence[Layer] = ()
    tokens: str | None = None
    token_columns: Sequence[str] = ()
    tags: Sequence[Tags] = ()
    offsets: str = AUTO
    said: frozenset[str] = frozenset()

    @property
    def files(self) -> frozenset[str]:
        """The names of the files that hold layers."""
        return frozenset(layer.file for layer in self.layers if layer.file is not None)


def fields_of(options: Mapping[str, Any]) -> Fields:
    """The options of a source, which have passed their schema."""
    given = {name: options[name] for name in ("id", "text", "annotator", "tokens", "offsets") if name in options}
    return Fields(
        **given,
        layers=tuple(_layer(name, rule) for name, rule in options.get("layers", {}).items()),
        token_columns=tuple(options.get("token_columns", ())),
        tags=tuple(_tags(options.get("tags", []))),
        said=frozenset(given),
    )


def _layer(name: str, rule: str | Mapping[str, Any]) -> Layer:
    rule = {"field": rule} if isinstance(rule, str) else dict(rule)
    said = frozenset(rule)
    references = {p: _reference(r, "mentions") for p, r in rule.items() if p in {"head", "tail"}}
    for target, given in rule.pop("refs", {}).items():
        if target in references and isinstance(given, str):
            references[target] = replace(references[target], layer=given)
        elif isinstance(given, str):
            references[target] = Reference(layer=given, field=target)
        else:
            references[target] = _reference(given, "mentions")
    if "file" not in rule:
        rule.setdefault("field", name)
    for option in ("head", "tail"):
        rule.pop(option, None)
    in_tokens = rule.pop("offsets", None) == TOKENS
    return Layer(name=name, references=references, said=said, in_tokens=in_tokens, **_tuples(rule))


def _reference(given: str | Mapping[str, str], layer: str) -> Reference:
    return Reference(layer=layer, field=given) if isinstance(given, str) else Reference(**{"layer": layer, **given})


def _tags(given: str | Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> list[Tags]:
    if isinstance(given, str):
        return [Tags(field=given)]
    rules = [given] if isinstance(given, Mapping) else given
    return [Tags(**_tuples(rule)) for rule in rules]


def _tuples(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in rule.items()}
