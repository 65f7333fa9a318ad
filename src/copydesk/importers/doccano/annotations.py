"""The labels, spans and relations of one doccano record -> those of an article. Knows no files and no other records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from copydesk.articles.model import Article, Item, Ref, Value, layer_of
from copydesk.importers.doccano.offsets import Span
from copydesk.importers.fields.row import Row
from copydesk.importers.labelstudio.text import short

Entry: TypeAlias = tuple[str, object]
"""(pointer, what stands there)."""


@dataclass(slots=True, kw_only=True)
class State:
    """One article while it is read. `lost`: ids of entities that are damaged, to which relations may lead;
    `related`: those of relations."""

    article: Article
    row: Row
    convert: Callable[[int], int | None]
    names: Mapping[str, str]
    labels: list[Value] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    related: set[str] = field(default_factory=set)

    def problem(self, code: str, message: str, pointer: str) -> None:
        """Note what is wrong with an entry."""
        self.article.problem(code, message, line=self.row.inner, pointer=pointer)


def is_label(entry: object) -> bool:
    """Whether an entry is a label of the whole text: a word, or an object without offsets."""
    if isinstance(entry, dict):
        return not entry.keys() & {"start_offset", "end_offset"} and bool(entry.keys() & {"label", "text"})
    return isinstance(entry, str | int | float) and not isinstance(entry, bool)


def _parts(entry: object) -> tuple[object, object, object]:
    """Start, end and label of a span as the file has them: [start, end, label], or an object."""
    if isinstance(entry, list) and len(entry) == 3:
        return entry[0], entry[1], entry[2]
    given = entry if isinstance(entry, dict) else {}
    return given.get("start_offset"), given.get("end_offset"), given.get("label")


def offsets_of(entry: object) -> Span | None:
    """The offsets of a span as the file has them; None for what is no span."""
    start, end, _ = _parts(entry)
    if isinstance(start, bool) or isinstance(end, bool) or not isinstance(start, int) or not isinstance(end, int):
        return None
    return start, end


def read_entries(state: State, entries: Sequence[Entry]) -> None:
    """Put the labels and spans of one user, and the relations of the record, into the article."""
    given = {str(e["id"]) for _, e in entries if isinstance(e, dict) and isinstance(e.get("id"), str | int)}
    number = 0
    for at, entry in entries:
        if is_label(entry):
            label = _label(state, entry.get("label", entry.get("text")) if isinstance(entry, dict) else entry)
            if label is None:
                state.problem("I002", "a label of the text is a word", at)
            else:
                state.labels.append(label)
            continue
        number += 1
        name = entry.get("id") if isinstance(entry, dict) else None
        made = f"m{number}" if f"m{number}" not in given else f"m{number}-2"
        _span(state, str(name) if isinstance(name, str | int) else made, at, entry)
    relations, at = state.row.values.get("relations"), f"{state.row.pointer}/relations"
    if relations is not None and not isinstance(relations, list):
        state.problem("I002", "the relations of a record are a list", at)
        return
    for index, relation in enumerate(relations or ()):
        _relation(state, f"{at}/{index}", index + 1, relation)


def _label(state: State, label: object) -> str | None:
    """A label by its name. Old exports have its number; the names are in another file, or nowhere."""
    if isinstance(label, int) and not isinstance(label, bool):
        if str(label) not in state.names:
            state.article.left_out["names of labels (the file has their numbers)"] += 1
        return state.names.get(str(label), str(label))
    return None if label is None else str(label)


def _span(state: State, identifier: str, at: str, entry: object) -> None:
    offsets, label = offsets_of(entry), _parts(entry)[2]
    if offsets is None or isinstance(label, list | dict | bool | float):
        form = "a span is [start, end, label] or an object with start_offset and end_offset"
        state.problem("I002", f"{form}, not {short(entry)}", at)
        state.lost.add(identifier)
        return
    if identifier in state.taken:
        state.problem("I006", f"the entity {identifier} stands twice; the first is kept", at)
        return
    points = [state.convert(offset) for offset in offsets]
    if points[0] is None or points[1] is None:
        offset = offsets[0] if points[0] is None else offsets[1]
        state.problem("I019", f"the offset {offset} falls inside a character", at)
        state.lost.add(identifier)
        return
    state.taken.add(identifier)
    span, name = (points[0], points[1]), _label(state, label)
    item = Item(id=identifier, ranges=(span,), label=name, line=state.row.inner, pointer=at)
    layer_of(state.article, "mentions").append(item)


def _relation(state: State, at: str, number: int, relation: object) -> None:
    ends = [relation.get(key) for key in ("from_id", "to_id")] if isinstance(relation, dict) else []
    if not isinstance(relation, dict) or not all(isinstance(end, str | int) for end in ends):
        state.problem("I002", "a relation is an object with from_id and to_id", at)
        return
    if missing := [str(end) for end in ends if str(end) not in state.taken]:
        if state.lost.issuperset(missing):
            state.article.left_out["relations of damaged spans"] += 1
        else:
            state.problem("I003", f"the relation leads to entity {missing[0]}, which is not there", at)
        return
    items = layer_of(state.article, "relations")
    given, kind = relation.get("id"), relation.get("type")
    identifier = str(given) if isinstance(given, str | int) else f"r{number}"
    if identifier in state.related:
        state.problem("I006", f"the relation {identifier} stands twice; the first is kept", at)
        return
    state.related.add(identifier)
    head, tail = (Ref("mentions", str(end)) for end in ends)
    label = _label(state, kind) if isinstance(kind, str | int) else None
    item = Item(id=identifier, label=label, values={"head": head, "tail": tail}, line=state.row.inner, pointer=at)
    items.append(item)
