"""Articles -> tasks that Label Studio imports with their annotations, and the labelling configuration for them.

Offsets are code points, as the front end has counted since version 1.4. Mentions are labelled regions; items of
other layers are too if they have a label, each layer with a control of its own. Lists of strings are choices, lists
of such lists a taxonomy, numbers of an item a number per region; single values of an article are data of its task.
A discontinuous span becomes several regions, tied by relations that the importer knows again: Label Studio has none,
and one region over all of it would cover text that nobody annotated.

Not a way to make a project: users, instructions and colours are for Label Studio.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias
from xml.sax.saxutils import quoteattr

from copydesk import jsontext
from copydesk.articles.model import Article, Item, Ref, Value
from copydesk.importers.labelstudio.results import ARTICLE_NAMES, FRAGMENT, ITEM_NAMES, property_name
from copydesk.importers.labelstudio.tasks import OWN

Result: TypeAlias = dict[str, object]

_PREDICTION = "prediction:"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAGS = {"choices": "Choices", "taxonomy": "Taxonomy", "number": "Number"}


@dataclass(slots=True, kw_only=True)
class _Interface:
    """What the labelling configuration declares. `kinds`: name of a property -> (`article` or `item`, type)."""

    kinds: dict[str, tuple[str, str]] = field(default_factory=dict)
    labels: dict[str, set[str]] = field(default_factory=dict)
    answers: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)
    relations: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class _Task:
    data: dict[str, Value]
    annotations: list[Result] = field(default_factory=list)
    predictions: list[Result] = field(default_factory=list)


def export(articles: Iterable[Article], losses: Counter[str]) -> Iterator[tuple[str, bytes]]:
    """`tasks.json`, one task a line in the order of the articles, and `label_config.xml`.

    Passes over the same text of one article become annotations of one task, those of `prediction:<version>` its
    predictions. An article without any layer is a task that nobody annotated; with empty layers, one in which nothing
    was found.
    """
    known = list(articles)
    interface = _Interface(kinds=_kinds(known))
    tasks: dict[tuple[str, str], _Task] = {}
    for article in known:
        if article.text is None:
            losses["links between articles"] += 1
            continue
        key = (article.id, article.text)
        first = key not in tasks
        task = tasks.setdefault(key, _Task(data={"text": article.text, f"{OWN}id": article.id}))
        _data(task, article, interface, losses, first=first)
        results = _results(article, interface, losses)
        who = article.annotator
        if who is not None and who.startswith(_PREDICTION):
            task.predictions.append({"model_version": who.removeprefix(_PREDICTION), "result": results})
        elif results or who is not None or article.curated or article.layers:
            by: Result = {} if who is None else {"completed_by": {"email": who}}
            task.annotations.append({**by, "ground_truth": article.curated, "result": results})
    yield "tasks.json", _document(tasks.values(), losses)
    yield "label_config.xml", _config(interface, losses)


def _document(tasks: Iterable[_Task], losses: Counter[str]) -> bytes:
    lines = []
    for task in tasks:
        row = {"data": task.data, "annotations": task.annotations, "predictions": task.predictions}
        try:
            lines.append(jsontext.dump_line(row).rstrip(b"\n"))
        except TypeError:  # what the library raises for strings that no UTF-8 can hold
            losses["articles with half a surrogate pair in a string"] += 1
    return b"[" + b",".join(b"\n" + line for line in lines) + b"\n]\n"


# Values


def _kinds(articles: Sequence[Article]) -> dict[str, tuple[str, str]]:
    """What becomes of each property: all have one name space in Label Studio, so the first to have a name keeps it."""
    kinds: dict[str, tuple[str, str]] = {}
    for scope, tables in (
        ("article", [a.values for a in articles]),
        ("item", [i.values for a in articles for items in a.layers.values() for i in items]),
    ):
        for table in tables:
            for name, value in table.items():
                kind = _kind(value, scope)
                if kind is not None and (name not in kinds or kinds[name] == (scope, "")):
                    kinds[name] = (scope, kind)
    return {name: (scope, kind or "choices") for name, (scope, kind) in kinds.items()}


def _kind(value: Value, scope: str) -> str | None:
    """`data`, or a type of result; empty for a list of nothing, None for what Label Studio has no place for."""
    if isinstance(value, list):
        if not value:
            return ""
        if all(isinstance(v, str) for v in value):
            return "choices"
        nested = all(isinstance(v, list) and v and all(isinstance(s, str) for s in v) for v in value)
        return "taxonomy" if nested else None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if scope == "article":
        return "data" if value is None or isinstance(value, bool | int | float | str) else None
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else None


def _answer(interface: _Interface, scope: str, name: str, value: Value, losses: Counter[str], words: str) -> str | None:
    """The kind under which a value is written, None (and counted) if it cannot be."""
    kind, taken = _kind(value, scope), ARTICLE_NAMES if scope == "article" else ITEM_NAMES
    declared = interface.kinds.get(name, ("", ""))
    free = property_name(name, "x", taken) == name and not name.startswith(OWN)
    if kind is not None and free and declared == (scope, kind or declared[1]):
        return declared[1]
    losses[f"{words} (Label Studio has no place for it)"] += 1
    return None


def _data(task: _Task, article: Article, interface: _Interface, losses: Counter[str], *, first: bool) -> None:
    """The single values of an article. They are the task's, so of annotators who differ the first counts."""
    for name, value in article.values.items():
        if isinstance(value, list) or _answer(interface, "article", name, value, losses, name) is None:
            continue
        if first or task.data.get(name) == value:
            task.data[name] = value
        else:
            losses[f"{name}, of annotators who differ in it"] += 1


# Results


def _results(article: Article, interface: _Interface, losses: Counter[str]) -> list[Result]:
    out: list[Result] = []
    used: set[str] = set()
    for layer, items in article.layers.items():
        if layer == "relations":
            continue
        for item in items:
            if not item.ranges:
                losses[f"{layer} without a span"] += 1
            elif layer != "mentions" and (item.label is None or not layer.isidentifier()):
                losses[f"{layer} without a label" if item.label is None else f"{layer} (no name for a control)"] += 1
            else:
                out += _regions(article, layer, item, interface, used, losses)
    for name, value in article.values.items():
        if isinstance(value, list) and (kind := _answer(interface, "article", name, value, losses, name)):
            out.append({"id": _free(f"answer-{name}", used), **_said(interface, name, kind, value)})
    mentions = {item.id for item in article.layers.get("mentions", ()) if item.ranges}
    for item in article.layers.get("relations", ()):
        out += _relation(item, mentions, interface, losses)
    return out


def _free(name: str, used: set[str]) -> str:
    free, number = name, 2
    while free in used:
        free, number = f"{name}~{number}", number + 1
    used.add(free)
    return free


def _regions(
    article: Article, layer: str, item: Item, interface: _Interface, used: set[str], losses: Counter[str]
) -> Iterator[Result]:
    """The region of an item, one a fragment, what is said of it, and the relations that tie fragments together."""
    control = layer if layer == "mentions" else OWN + layer
    name = item.id if layer == "mentions" else f"{layer}/{item.id}"
    first = _free(name, used)
    if first != name:
        losses["ids that two layers share"] += 1
    labels = [] if item.label is None else [item.label]
    interface.labels.setdefault(control, set()).update(labels)
    text, values = article.text or "", dict(item.values)
    about: Result = {"from_name": control, "to_name": "text", "type": "labels"}
    if isinstance(values.get("origin"), str):
        about["origin"] = values.pop("origin")
    if isinstance(values.get("score"), float):
        about["score"] = values.pop("score")
    spans = [{"start": start, "end": end, "text": text[start:end]} for start, end in item.ranges]
    yield {"id": first, **about, "value": {**spans[0], "labels": labels}}
    for span in spans[1:]:
        further = _free(f"{name}~2", used)
        yield {"id": further, **about, "value": {**span, "labels": labels}}
        yield {"type": "relation", "from_id": first, "to_id": further, "direction": "right", "labels": [FRAGMENT]}
    if len(spans) > 1:
        interface.relations.add(FRAGMENT)
        losses["discontinuous spans (written as regions tied by relations)"] += 1
    for prop, value in values.items():
        if (kind := _answer(interface, "item", prop, value, losses, f"{layer}: {prop}")) is not None:
            said = _said(interface, prop, kind, value)
            yield {"id": first, **said, "value": {**spans[0], **_mapping(said["value"])}}


def _mapping(value: object) -> Result:
    return value if isinstance(value, dict) else {}


def _said(interface: _Interface, name: str, kind: str, value: Value) -> Result:
    """A result that answers something, without its id."""
    met = interface.answers.setdefault(name, set())
    for one in value if isinstance(value, list) else ():
        met.add(tuple(str(step) for step in one) if isinstance(one, list) else (str(one),))
    return {"from_name": name, "to_name": "text", "type": kind, "value": {kind: value}}


def _relation(item: Item, mentions: set[str], interface: _Interface, losses: Counter[str]) -> Iterator[Result]:
    ends = [item.values.get("head"), item.values.get("tail")]
    refs = [
        e.id for e in ends if isinstance(e, Ref) and e.layer == "mentions" and e.article is None and e.id in mentions
    ]
    if len(refs) < 2:
        losses["relations that do not lead from a mention to a mention"] += 1
        return
    if item.ranges:
        losses["spans of relations"] += 1
    direction = item.values.get("direction")
    for name in item.values:
        if name not in {"head", "tail"} and not (name == "direction" and direction == "bi"):
            losses[f"relations: {name} (Label Studio has no place for it)"] += 1
    labels = [] if item.label is None else [item.label]
    interface.relations.update(labels)
    towards = "bi" if direction == "bi" else "right"
    yield {
        "id": item.id, "type": "relation", "from_id": refs[0], "to_id": refs[1], "direction": towards, "labels": labels,
    }  # fmt: skip


# The labelling configuration


def _config(interface: _Interface, losses: Counter[str]) -> bytes:
    lines = ["<View>"]
    for control, labels in sorted(interface.labels.items()):
        lines += _element(f'Labels name={quoteattr(control)} toName="text"', "Label", labels, losses)
    if interface.relations:
        lines += _element("Relations", "Relation", interface.relations, losses)
    lines.append('  <Text name="text" value="$text"/>')
    for name, answers in sorted(interface.answers.items()):
        scope, kind = interface.kinds[name]
        each = ' perRegion="true"' if scope == "item" else ""
        many = ' choice="multiple"' if kind == "choices" else ""
        head = f'{_TAGS[kind]} name={quoteattr(name)} toName="text"{many}{each}'
        lines += (
            _tree(head, answers, losses)
            if kind == "taxonomy"
            else _element(head, "Choice", {path[0] for path in answers}, losses)
        )
    return "\n".join([*lines, "</View>", ""]).encode()


def _element(head: str, tag: str, values: Iterable[str], losses: Counter[str]) -> list[str]:
    """One tag with a tag for each value in it."""
    return _tree(head, {(value,) for value in values}, losses, tag)


def _tree(
    head: str, paths: set[tuple[str, ...]], losses: Counter[str], tag: str = "Choice", deep: int = 1
) -> list[str]:
    """A tag with its paths as nested tags, in order."""
    space, lines = "  " * deep, []
    for value in sorted({path[0] for path in paths if path}):
        if _NOT_XML.search(value):
            losses["labels that XML cannot hold (not in label_config.xml)"] += 1
            continue
        below = {path[1:] for path in paths if path and path[0] == value and len(path) > 1}
        lines += _tree(f"{tag} value={quoteattr(value)}", below, losses, tag, deep + 1)
    if not lines:
        return [f"{space}<{head}/>"]
    return [f"{space}<{head}>", *lines, f"{space}</{head.split(' ')[0]}>"]
