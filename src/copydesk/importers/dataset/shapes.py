"""Tables in other shapes than one object a row: rows inside a document, in a database's envelope, texts in pieces,
annotations as the lists of brat's own JSON."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from copydesk.diagnostics import Diagnostic
from copydesk.importers.dataset.columns import TEXTS, TOKENS
from copydesk.importers.fields.row import Row

_DEEP = 3
_ENVELOPE = "_source"
"""Where Elasticsearch has what was put into it."""
_PASSAGES = "passages"
"""Where BigBio has the text: pieces of it with their offsets."""
_GAP = 1000
"""Characters that may be missing between two passages: more of them are no offsets of this text."""

_R = TypeVar("_R", Row, Row | Diagnostic)


def rows_inside(document: Row | Diagnostic) -> str | None:
    """The path of the one array of objects in a document that is no row itself; None if there is none, or several."""
    if not isinstance(document, Row) or document.values.keys() & {*TEXTS, *TOKENS, _PASSAGES}:
        return None
    found = list(_arrays(document.values, "", 1))
    return found[0] if len(found) == 1 else None


def _arrays(value: Mapping[str, object], path: str, depth: int) -> Iterator[str]:
    for key, inner in value.items():
        if isinstance(inner, list) and inner and all(isinstance(row, dict) for row in inner) and "." not in key:
            yield f"{path}{key}"
        elif isinstance(inner, dict) and depth < _DEEP and "." not in key:
            yield from _arrays(inner, f"{path}{key}.", depth + 1)


def have_envelopes(rows: Sequence[Row | Diagnostic]) -> bool:
    """Whether a database put an envelope around all rows."""
    good = [row for row in rows if isinstance(row, Row)]
    return bool(good) and all(isinstance(row.values.get(_ENVELOPE), dict) for row in good)


def plain(row: Row | Diagnostic, *, enveloped: bool) -> Row | Diagnostic:
    """A row without its envelope, with a text where it has the pieces of one, and with objects for brat's lists."""
    if isinstance(row, Row) and enveloped:
        row = _without_envelope(row)
    return _with_objects(_with_text(row)) if isinstance(row, Row) else row


def with_pairs(row: _R, columns: Collection[str]) -> _R:
    """The row with a list of key and value for the objects of some columns, whose keys are data."""
    if not columns or not isinstance(row, Row):
        return row
    made: dict[str, object] = {}
    for name in columns:
        value = row.values.get(name)
        if isinstance(value, Mapping):
            made[name] = [{"key": str(key), "value": inner} for key, inner in value.items()]
    return replace(row, values={**row.values, **made}) if made else row


def _without_envelope(row: Row) -> Row:
    inner = row.values.get(_ENVELOPE)
    values = {**inner} if isinstance(inner, Mapping) else {}
    if "_id" in row.values and not values.keys() & {"id", "_id"}:
        values["_id"] = row.values["_id"]
    return replace(row, values=values, pointer=f"{row.pointer}/{_ENVELOPE}")


def _with_text(row: Row) -> Row:
    passages = row.values.get(_PASSAGES)
    if row.values.keys() & {*TEXTS, *TOKENS} or not isinstance(passages, list) or not passages:
        return row
    text = _text_of(passages)
    if text is None:
        return row
    columns = None if row.columns is None else ["text", *row.columns]
    return replace(row, values={"text": text, **row.values}, columns=columns)


def _text_of(passages: Sequence[object]) -> str | None:
    """The text that passages are pieces of, each at its offset; None if they do not say where they stand."""
    pieces: list[tuple[int, str]] = []
    for passage in passages:
        texts, offsets = (passage.get("text"), passage.get("offsets")) if isinstance(passage, Mapping) else (None, None)
        if not isinstance(texts, list) or not isinstance(offsets, list) or len(texts) != len(offsets):
            return None
        for text, span in zip(texts, offsets, strict=True):
            start = span[0] if isinstance(span, list) and span else None
            if not isinstance(text, str) or type(start) is not int:
                return None
            pieces.append((start, text))
    out = ""
    for start, text in sorted(pieces, key=lambda piece: piece[0]):
        if start < len(out) or start - len(out) > len(text) + _GAP:
            return None
        out += " " * (start - len(out)) + text
    return out


def _with_objects(row: Row) -> Row:
    """brat's JSON has [id, type, [[role, id], [role, id]]] for a relation, [id, trigger, [[role, id], …]] for an event.

    Its entities, [id, type, [[start, end], …]], are lists that the layer itself knows.
    """
    made: dict[str, object] = {}
    for name, value in row.values.items():
        if isinstance(value, list) and value and all(map(_is_of_roles, value)):
            made[name] = [_object(item, event=name == "events") for item in value]
    return replace(row, values={**row.values, **made}) if made else row


def _is_of_roles(item: object) -> bool:
    if not isinstance(item, list) or len(item) != 3 or not all(isinstance(one, str) for one in item[:2]):
        return False
    roles = item[2]
    return isinstance(roles, list) and bool(roles) and all(map(_is_role, roles))


def _is_role(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(one, str) for one in value)


def _object(item: Sequence[object], *, event: bool) -> dict[str, object]:
    identity, kind, given = item
    roles = [role for role in given if isinstance(role, list)] if isinstance(given, list) else []
    if event:
        return {"id": identity, "trigger": kind, "arguments": [{"role": role, "ref": ref} for role, ref in roles]}
    if len(roles) == 2:
        return {"id": identity, "label": kind, "head": roles[0][1], "tail": roles[1][1]}
    return {"id": identity, "label": kind, "arguments": [{"role": role, "ref": ref} for role, ref in roles]}
