"""Annotations as Hypothesis and Recogito hand them out -> Web Annotations, of which these are near relatives.

Hypothesis (h.readthedocs.io, the API) has `uri`, `user`, `tags` and `text` where the Recommendation has a body and a
creator; its targets are those of the Recommendation. Recogito's own model (recogito/text-annotator-js) has `bodies`,
and in a selector `start`, `end` and `quote`. Looks into no text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

Json: TypeAlias = Mapping[str, object]

_LISTS = ("rows", "annotations")
"""Where an answer of Hypothesis's API, or what its client exports, has the annotations."""
_SAID = frozenset({"id", "created", "updated", "uri", "user", "tags", "text", "target", "references"})
_REST = "administrative fields"


def listed(value: Json) -> tuple[str, Sequence[object]] | None:
    """The key and the annotations of an answer of Hypothesis's API; None for anything else."""
    for name in _LISTS:
        rows = value.get(name)
        if isinstance(rows, list) and any(isinstance(row, dict) and _is_hypothesis(row) for row in rows):
            return name, rows
    return None


def as_web_annotation(value: Json) -> dict[str, object] | None:
    """The annotation in the form of the Recommendation; None if it is of neither tool."""
    if "type" in value or "@type" in value:
        return None
    if _is_hypothesis(value):
        return _of_hypothesis(value)
    return _of_recogito(value) if _is_recogito(value) else None


def _is_hypothesis(value: Json) -> bool:
    return isinstance(value.get("uri"), str) and isinstance(value.get("target"), list) and "user" in value


def _of_hypothesis(value: Json) -> dict[str, object]:
    tags, words, above = value.get("tags"), value.get("text"), value.get("references")
    body: list[object] = [_body(tag, "tagging") for tag in (tags if isinstance(tags, list) else [])]
    body += [_body(words, "commenting")] if words not in (None, "") else []
    made: dict[str, object] = {
        "id": value.get("id"),
        "type": "Annotation",
        "creator": value.get("user"),
        "created": value.get("created"),
        "modified": value.get("updated"),
        "body": body,
        "target": value.get("target") or value.get("uri"),
    }
    if isinstance(above, list) and above:  # a reply is on the annotation before it, and not on the page
        made["target"] = above[-1]
    if value.keys() - _SAID:
        made[_REST] = True
    return {name: given for name, given in made.items() if given is not None}


def _body(value: object, purpose: str) -> dict[str, object]:
    return {"type": "TextualBody", "value": value, "purpose": purpose}


def _is_recogito(value: Json) -> bool:
    target = value.get("target")
    return isinstance(value.get("bodies"), list) and isinstance(target, dict) and "selector" in target


def _of_recogito(value: Json) -> dict[str, object]:
    target, bodies = value.get("target"), value.get("bodies")
    known: Json = target if isinstance(target, dict) else {}
    parts = [{"selector": list(_selectors(one))} for one in _list(known.get("selector"))]
    made: dict[str, object] = {
        "id": value.get("id"),
        "type": "Annotation",
        "creator": known.get("creator"),
        "created": known.get("created"),
        "modified": known.get("updated"),
        "body": [_recogito_body(body) for body in _list(bodies)],
        "target": parts[0] if len(parts) == 1 else {"type": "Composite", "items": parts} if parts else None,
    }
    return {name: given for name, given in made.items() if given is not None}


def _recogito_body(body: object) -> object:
    if not isinstance(body, dict):
        return body
    return {"type": "TextualBody", **{key: body[key] for key in ("value", "purpose") if key in body}}


def _selectors(value: object) -> Iterator[object]:
    if not isinstance(value, dict) or "type" in value:
        yield value
        return
    yield {"type": "TextPositionSelector", "start": value.get("start"), "end": value.get("end")}
    if value.get("quote"):
        yield {"type": "TextQuoteSelector", "exact": value["quote"]}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else [] if value is None else [value]
