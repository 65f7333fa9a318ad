"""Which columns of a table are layers: lists of objects, or of lists, that have a span or an id. Reads no files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from copydesk.importers.features import Feature, item_feature, struct_fields
from copydesk.importers.fields.options import Layer, Reference
from copydesk.importers.fields.values import identifier, property_name, structured

STARTS = ("start", "begin", "start_offset", "start_char", "char_start", "startOffset", "beginOffset", "answer_start")
ENDS = ("end", "end_offset", "end_char", "char_end", "endOffset")
_FRAGMENTS, _LABELS, _SURFACES, _IDS = (
    ("fragments", "offsets"),
    ("label", "type", "tag"),
    ("surface", "text"),
    ("id", "_id"),
)
_PAIRS = (("head", "tail"), ("arg1_id", "arg2_id"), ("from_id", "to_id"))
"""How the two ends of a relation are called."""
_TARGETS = ("mentions", "entities", "spans", "ner")
"""Layers that relations lead to, where there are several with spans."""


def seen_layers(
    columns: Mapping[str, Feature], sample: Sequence[Mapping[str, object]], tokens: str | None
) -> list[Layer]:
    """The layers, with what relations refer to. `tokens`: the column with the tokens, if the text is made of them."""
    found: list[Layer] = []
    for name, feature in columns.items():
        layer = seen_layer(name, feature) or _seen_in_lists(name, feature, sample)
        if layer is not None:
            found.append(layer if tokens is None else _in_tokens(layer, sample, tokens))
    spans = [layer for layer in found if _has_spans(layer, columns[str(layer.field)])]
    target = next((layer for name in _TARGETS for layer in spans if layer.field == name), None)
    target = target or (spans[0] if len(spans) == 1 else None)
    related = [_relations(name, feature, target, sample) for name, feature in columns.items()] if target else []
    made = {layer.field: layer for layer in related if layer is not None}
    return [made.pop(layer.field, layer) for layer in found] + list(made.values())


def seen_layer(name: str, feature: object) -> Layer | None:
    """The layer that a column is: a list of objects (or an object of lists) that have a span, or an id."""
    inner = item_feature(feature)
    keys = struct_fields(inner)
    if keys is None and inner is None and (columns := struct_fields(feature)) is not None:
        lists = {key: item_feature(value) for key, value in columns.items()}
        keys = lists if all(value is not None for value in lists.values()) else None
        if keys is None or not _span(keys):
            return None
    if not keys:
        return None
    pieces = next((key for key in _FRAGMENTS if item_feature(keys.get(key)) is not None), None)
    own = next((key for key in _IDS if _is_value(keys.get(key))), None)
    made = _span(keys)
    if not made and pieces is None and own is None:
        return None
    if pieces is not None:
        made["fragments"] = pieces
    if own is not None:
        made["id"] = own
    if label := next((key for key in _LABELS if _is_value(keys.get(key))), None):
        made["label"] = label
    if ("start" in made or pieces) and (surface := _first(_SURFACES, keys)):
        made["surface"] = surface
    return _layer(name, **made)


def _layer(name: str, **made: str) -> Layer:
    return replace(Layer(name=property_name(name, ()), field=name, references={}), **made)  # type: ignore[arg-type]


def _span(keys: Mapping[str, object]) -> dict[str, str]:
    """The keys of start and end; of the start alone where the words say how long it is, as answers of SQuAD do."""
    start, end = _first(STARTS, keys), _first(ENDS, keys)
    if start and end:
        return {"start": start, "end": end}
    return {"start": start} if start and start not in ("start", "begin") and _first(_SURFACES, keys) else {}


def _first(names: Sequence[str], keys: Mapping[str, object]) -> str | None:
    return next((name for name in names if name in keys), None)


def _is_value(feature: object) -> bool:
    return isinstance(feature, dict) and feature.get("_type") in ("Value", "ClassLabel")


def _has_spans(layer: Layer, feature: object) -> bool:
    keys = struct_fields(item_feature(feature)) or struct_fields(feature) or {}
    return bool(layer.positions) or layer.start in keys or layer.fragments in keys


def _items(sample: Sequence[Mapping[str, object]], name: str) -> Iterator[tuple[Mapping[str, object], list[object]]]:
    for row in sample:
        value = row.get(name)
        if isinstance(value, list):
            yield row, value


def _seen_in_lists(name: str, feature: object, sample: Sequence[Mapping[str, object]]) -> Layer | None:
    """A column of lists that are [start, end, label], or [id, label, [[start, end], …]] as brat's own JSON has them."""
    if item_feature(item_feature(feature)) is None:
        return None
    items = [item for _, listed in _items(sample, name) for item in listed]
    if not items:
        return None
    if all(isinstance(i, list) and len(i) == 3 and _is_pair(i[:2]) and isinstance(i[2], str) for i in items):
        return replace(_layer(name), positions=("start", "end", "label"))
    if all(isinstance(i, list) and len(i) == 3 and _is_standoff(i) for i in items):
        return replace(_layer(name), positions=("id", "label", "fragments"))
    return None


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(offset) is int for offset in value)


def _is_standoff(item: list[object]) -> bool:
    return (
        isinstance(item[0], str)
        and isinstance(item[1], str)
        and isinstance(item[2], list)
        and (bool(item[2]) and all(map(_is_pair, item[2])))
    )


def _in_tokens(layer: Layer, sample: Sequence[Mapping[str, object]], tokens: str) -> Layer:
    """The layer, its offsets counted in tokens if all of them can be."""
    for row, listed in _items(sample, str(layer.field)):
        words = structured(row.get(tokens)) if isinstance(row.get(tokens), list) else None
        known = len(words) if isinstance(words, list) else 0
        for item in listed:
            start, end = _ends(layer, item)
            if type(start) is not int or type(end) is not int or not 0 <= start < end <= known:
                return layer
    return replace(layer, in_tokens=True)


def _ends(layer: Layer, item: object) -> tuple[object, object]:
    if isinstance(item, list) and layer.positions[:2] == ("start", "end"):
        return item[0], item[1]
    return (item.get(layer.start), item.get(layer.end)) if isinstance(item, Mapping) else (None, None)


def _relations(
    name: str, feature: object, target: Layer | None, sample: Sequence[Mapping[str, object]]
) -> Layer | None:
    """The layer of a column whose items have two ends, if in the first rows all of them are items of `target`."""
    keys = struct_fields(item_feature(feature))
    if target is None or not keys or name == target.field:
        return None
    ends = next((pair for pair in _PAIRS if all(_is_value(keys.get(key)) for key in pair)), None)
    if ends is None or not all(_are_known(row, listed, ends, target) for row, listed in _items(sample, name)):
        return None
    layer = seen_layer(name, feature) or _layer(name)
    label = next((key for key in _LABELS if _is_value(keys.get(key))), layer.label)
    references = {
        side: Reference(layer=target.name, field=key) for side, key in zip(("head", "tail"), ends, strict=True)
    }
    return replace(layer, label=label, references=references)


def _are_known(row: Mapping[str, object], listed: Sequence[object], ends: Sequence[str], target: Layer) -> bool:
    """Whether the ends of relations are ids of items of a layer, or their numbers where they have none."""
    value = row.get(str(target.field))
    items = list(value) if isinstance(value, list) else []
    at = target.positions.index("id") if "id" in target.positions else None
    own = [item.get(target.id) for item in items if isinstance(item, Mapping)]
    own += [item[at] for item in items if isinstance(item, list) and at is not None]
    ids = {identifier(one) for one in own} - {None}
    for relation in listed:
        for key in ends:
            end = relation.get(key) if isinstance(relation, Mapping) else None
            if not (identifier(end) in ids if ids else type(end) is int and 0 <= end < len(items)):
                return False
    return True
