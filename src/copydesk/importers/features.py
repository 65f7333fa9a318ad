"""What Hugging Face `Features` say of columns, and labels by it: numbers -> names. Does not import `datasets`.

Features come in two forms: JSON in the footer of a Parquet file, and YAML in the card (`dataset_info.features`).
Both become values of the JSON form, in which a struct is a plain object and a list of structs may be the old
`Sequence`, which is stored as a struct of lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from copydesk import jsontext

Feature: TypeAlias = "dict[str, object] | list[object]"
"""A feature in the form of `Features.to_dict`."""

Notes: TypeAlias = "list[tuple[str, str, str]]"
"""(code, message, pointer) of what could not be decoded."""


def footer_features(metadata: Mapping[bytes, bytes]) -> dict[str, Feature]:
    """The features in the metadata of a Parquet schema; none if there are none, or they are of no form we know."""
    try:
        info = jsontext.loads(metadata.get(b"huggingface", b"{}"))
    except jsontext.JsonError:
        return {}
    for step in ("info", "features"):
        info = info.get(step) if isinstance(info, dict) else None
    return known_features(info)


def known_features(value: object) -> dict[str, Feature]:
    """Features of a table in the JSON form, from either form."""
    if isinstance(value, list):
        return _yaml_fields(value)
    if isinstance(value, dict):
        return {name: inner for name, inner in value.items() if isinstance(inner, dict | list)}
    return {}


def _yaml_fields(fields: Sequence[object]) -> dict[str, Feature]:
    out: dict[str, Feature] = {}
    for field in fields:
        if isinstance(field, dict) and isinstance(field.get("name"), str):
            feature = _yaml_feature({key: inner for key, inner in field.items() if key != "name"})
            if feature is not None:
                out[field["name"]] = feature
    return out


def _yaml_feature(value: object) -> Feature | None:
    """`{"dtype": "string"}`, `{"dtype": {"class_label": …}}`, `{"list": …}`, `{"sequence": …}`, `{"struct": […]}`."""
    if isinstance(value, str):
        return {"dtype": value, "_type": "Value"}
    if isinstance(value, list):
        return dict(_yaml_fields(value))
    if not isinstance(value, dict):
        return None
    if "class_label" in value:
        inner = value["class_label"]
        return {"names": inner.get("names") if isinstance(inner, dict) else None, "_type": "ClassLabel"}
    for key, kind in (
        ("dtype", ""),
        ("struct", ""),
        ("list", "List"),
        ("large_list", "List"),
        ("sequence", "Sequence"),
    ):
        if key in value:
            inner = _yaml_feature(value[key])
            return inner if not kind or inner is None else {"feature": inner, "_type": kind}
    return None


def labelled(features: Mapping[str, Feature]) -> dict[str, Feature]:
    """The columns that have labels somewhere in them: the others need no look at their values."""
    return {name: feature for name, feature in features.items() if _has_labels(feature)}


def _has_labels(feature: object) -> bool:
    if label_names(feature) is not None:
        return True
    inner = item_feature(feature)
    fields = struct_fields(feature) if inner is None else None
    return _has_labels(inner) if inner is not None else any(map(_has_labels, (fields or {}).values()))


def label_names(feature: object) -> list[str] | None:
    """The names of a ClassLabel, in order of their numbers; None for any other feature."""
    if not isinstance(feature, dict) or feature.get("_type") != "ClassLabel":
        return None
    names = feature.get("names")
    if isinstance(names, dict):  # {"0": …}, as YAML has them
        try:
            names = [names[key] for key in sorted(names, key=int)]
        except (TypeError, ValueError):
            return None
    return [str(name) for name in names] if isinstance(names, list) else None


def item_feature(feature: object) -> object:
    """The feature of the items of a list; None for what is no list."""
    if isinstance(feature, list):
        return feature[0] if len(feature) == 1 else None
    if isinstance(feature, dict) and feature.get("_type") in ("List", "LargeList", "Sequence"):
        return feature.get("feature")
    return None


def struct_fields(feature: object) -> dict[str, object] | None:
    """The fields of a struct; None for what is none."""
    if isinstance(feature, dict) and not isinstance(feature.get("_type"), str):
        return feature
    return None


def decode_labels(value: object, feature: object, pointer: str, notes: Notes) -> object:
    """The value with the numbers of ClassLabels as their names; -1 is no label, by the custom of the Hub."""
    names = label_names(feature)
    if names is not None:
        return _label(value, names, pointer, notes)
    inner = item_feature(feature)
    if inner is not None and isinstance(value, list):
        return [decode_labels(item, inner, f"{pointer}/{i}", notes) for i, item in enumerate(value)]
    fields = struct_fields(feature) if inner is None else struct_fields(inner)
    if fields is None or not isinstance(value, dict):
        return value
    out: dict[str, object] = {}
    for name, given in value.items():
        field = fields.get(name)
        below = f"{pointer}/{jsontext.escape(name)}"
        if field is None:
            out[name] = given
        elif inner is not None:  # a Sequence of structs is a struct of lists
            out[name] = decode_labels(given, {"feature": field, "_type": "List"}, below, notes)
        else:
            out[name] = decode_labels(given, field, below, notes)
    return out


def _label(value: object, names: Sequence[str], pointer: str, notes: Notes) -> object:
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    if 0 <= value < len(names):
        return names[value]
    if value != -1:
        notes.append(("I002", f"the label {value} has no name; there are {len(names)}", pointer))
    return None
