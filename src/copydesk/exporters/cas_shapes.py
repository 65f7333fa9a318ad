"""Layers of articles -> the types and features that a type system needs for them. Knows no library and no syntax."""

from __future__ import annotations

import keyword
import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from copydesk.articles.model import Article, Item, Ref, Value
from copydesk.importers.cas.types import STRING, Feature, Types
from copydesk.importers.cas.values import HEAD, TAIL
from copydesk.importers.webanno.names import FAMILIES, LABELS, TAKEN, identifier

BOOLEAN, INTEGER, LONG, DOUBLE = "uima.cas.Boolean", "uima.cas.Integer", "uima.cas.Long", "uima.cas.Double"
CUSTOM = "webanno.custom."
_TYPES = {layer: name for name, layer in FAMILIES.items()}
_SPANS = frozenset(FAMILIES.values()) - {"dependencies"}
_OWN = frozenset({"begin", "end", "sofa", "xmiID", HEAD, TAIL, "first", "next"}) | TAKEN
"""Names that mean something to UIMA, to cassis or to the importer: properties of these names get an underscore."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a property holds: a primitive (`of`), a reference into a `layer`, or a structure; `many`: a list of them.

    `parts` of a structure: name -> the feature that it becomes, and its shape.
    """

    of: str = ""
    layer: str = ""
    parts: Mapping[str, tuple[str, Shape]] | None = None
    many: bool = False


@dataclass(slots=True, kw_only=True)
class Plan:
    """How a layer is written: the name of its type, its `kind`, and a shape for every property that has one.

    Kinds: `span`, `relation` (between the layers `ends`), `bare` (no span). `names`: property -> feature.
    """

    layer: str
    type: str
    kind: str
    ends: tuple[str, str] = ("", "")
    shapes: dict[str, Shape] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The feature that the label becomes."""
        return LABELS.get(self.layer, "label") if self.type in FAMILIES else "label"


def plans(article: Article, known: Types, losses: Counter[str]) -> dict[str, Plan]:
    """A plan for each layer that has items, in the order of the article."""
    out: dict[str, Plan] = {}
    taken: set[str] = set()
    for layer, items in article.layers.items():
        if not items:
            continue
        ends = _ends(items)
        kind = "relation" if ends else "span" if any(item.ranges for item in items) else "bare"
        fits = kind == "span" if layer in _SPANS else layer == "dependencies" and ends == ("tokens", "tokens")
        name = _TYPES[layer] if fits else f"{CUSTOM}{identifier(layer) or '_'}"
        while name in taken:
            name = f"{name}_"
        taken.add(name)
        if not fits and (name != CUSTOM + layer or layer in FAMILIES.values()):
            losses["names of layers (changed)"] += 1
        out[layer] = Plan(layer=layer, type=name, kind=kind, ends=ends or ("", ""))
    for layer, plan in out.items():
        tables = [item.values for item in article.layers[layer]]
        given = known[plan.type].features if plan.type in known else {}
        if plan.kind == "relation":
            tables = [{k: v for k, v in table.items() if k not in {"head", "tail"}} for table in tables]
        plan_properties(plan, tables, given, frozenset(out), losses)
    return out


def _ends(items: Iterable[Item]) -> tuple[str, str] | None:
    """The layers that the items tie together, if every item that has no span of its own does."""
    found: set[tuple[str, str]] = set()
    for item in items:
        head, tail = item.values.get("head"), item.values.get("tail")
        if not isinstance(head, Ref) or not isinstance(tail, Ref) or head.article or tail.article:
            return None
        found.add((head.layer, tail.layer))
    return found.pop() if len(found) == 1 else None


def plan_properties(
    plan: Plan,
    tables: Iterable[Mapping[str, Value]],
    given: Mapping[str, Feature],
    layers: frozenset[str],
    losses: Counter[str],
) -> None:
    """Find a shape and a feature for each property of a plan; `given`: the features that its type has anyway."""
    values: dict[str, list[Value]] = {}
    for table in tables:
        for name, value in table.items():
            if value is not None:
                values.setdefault(name, []).append(value)
    taken = {"id", plan.label}
    for name, found in values.items():
        shape = shape_of(found, layers, losses)
        if shape is None:
            losses[f"{plan.layer}.{name} (values of no type, or of several)"] += len(found)
            continue
        called = _safe(name, _OWN)
        while _is_taken(called, taken) or (called in given and not _fits(shape, given[called])):
            called += "_"
        losses["names of properties (changed)"] += called != name
        taken.add(called)
        plan.shapes[name], plan.names[name] = shape, called


def _safe(name: str, reserved: frozenset[str]) -> str:
    """A name that UIMA has for features, and Python (in which cassis makes classes of the types) for attributes."""
    plain = identifier(unicodedata.normalize("NFKC", name))
    plain = f"x{plain}" if plain[:1] in {"", "_"} else plain
    return f"{plain}_" if keyword.iskeyword(plain) or plain in reserved else plain


def _is_taken(name: str, taken: set[str]) -> bool:
    """Whether a feature has the name, or the attribute that cassis makes of it."""
    return attribute(name) in set(map(attribute, taken))


def attribute(feature: str) -> str:
    """The attribute that cassis has for a feature: `self` and `type` get an underscore."""
    return f"{feature}_" if feature in {"self", "type"} else feature


def _fits(shape: Shape, feature: Feature) -> bool:
    """Whether values of the shape can be values of a feature that a type has anyway."""
    if shape.parts is not None or shape.many != feature.many:
        return False
    if shape.layer:
        return FAMILIES.get(feature.of) == shape.layer
    return shape.of == feature.of or (shape.of == INTEGER and feature.of in {LONG, DOUBLE})


def shape_of(values: Iterable[Value], layers: frozenset[str], losses: Counter[str]) -> Shape | None:
    """The shape that all values have; None if there is none that UIMA can hold."""
    values = list(values)
    many = isinstance(values[0], list)
    if any(isinstance(value, list) != many for value in values):
        return None
    flat = [inner for value in values for inner in (value if isinstance(value, list) else [value])]
    flat = [value for value in flat if value is not None]
    if not flat:
        return Shape(of=STRING, many=many)
    if all(isinstance(value, Ref) for value in flat):
        named = {value.layer for value in flat if isinstance(value, Ref) and value.article is None}
        return Shape(layer=named.pop(), many=many) if len(named) == 1 and named <= layers else None
    if all(isinstance(value, dict) for value in flat):
        return _structure([value for value in flat if isinstance(value, dict)], layers, losses, many=many)
    of = _primitive(flat)
    return Shape(of=of, many=many) if of is not None else None


def _structure(
    values: list[dict[str, Value]], layers: frozenset[str], losses: Counter[str], *, many: bool
) -> Shape | None:
    parts: dict[str, tuple[str, Shape]] = {}
    for name in dict.fromkeys(name for value in values for name in value):
        found = [value[name] for value in values if value.get(name) is not None]
        shape = shape_of(found, layers, losses) if found else Shape(of=STRING)
        if shape is None:
            return None
        called = _safe(name, frozenset({"end", "xmiID"}))
        while _is_taken(called, {other for other, _ in parts.values()}):
            called += "_"
        losses["names of properties (changed)"] += called != name
        parts[name] = (called, shape)
    return Shape(parts=parts, many=many)


def _primitive(values: list[Value]) -> str | None:
    if all(isinstance(value, str) for value in values):
        return STRING
    if all(isinstance(value, bool) for value in values):
        return BOOLEAN
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(values) or not all(map(math.isfinite, numbers)):
        return None
    if all(isinstance(number, int) for number in numbers):
        if not all(-(2**63) <= number < 2**63 for number in numbers):
            return None
        return INTEGER if all(-(2**31) <= number < 2**31 for number in numbers) else LONG
    return DOUBLE
