"""The results of one Label Studio annotation -> the layers and values of an article. Knows no files and no tasks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from copydesk.articles.model import Article, Item, Range, Ref, Value, layer_of
from copydesk.articles.offsets import converter, same_surface
from copydesk.importers.labelstudio.tasks import ATTRIBUTES, OWN, Json
from copydesk.importers.labelstudio.text import REGIONS, Ground, ends_of, line_ends

FRAGMENT = "copydesk:fragment"
"""Label of the relations by which the exporter ties the pieces of a discontinuous span together."""

ARTICLE_NAMES = frozenset({"id", "text", "mentions", "relations", "turns"})
ITEM_NAMES = frozenset({"id", "text", "label", "start", "end", "origin", "score"})
"""Names that are taken: an answer or field of the data that is called so gets a longer name."""


@dataclass(slots=True, kw_only=True)
class _State:
    """One annotation while it is read.

    `regions`: the tool's id of a region -> its layer and (first) item. `controls`: -> the controls that labelled it.
    `given`: every id in the file, so that none is made twice. `taken`: layer -> the ids of its items. `aside`: ids
    of regions that are not carried, and that others may refer to. `joined`: layer -> ids of items that have become
    pieces of others.
    """

    article: Article
    ground: Ground
    report: Callable[[str, str, str], None]
    regions: dict[str, tuple[str, Item]] = field(default_factory=dict)
    by_range: dict[Range, tuple[str, Item]] = field(default_factory=dict)
    controls: dict[str, set[str]] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    taken: dict[str, set[str]] = field(default_factory=dict)
    aside: set[str] = field(default_factory=set)
    converters: dict[int, Callable[[int], int | None]] = field(default_factory=dict)
    joined: dict[str, set[str]] = field(default_factory=dict)


def property_name(name: str, kind: str, taken: frozenset[str]) -> str:
    """A name of the labelling interface, or of the data, as the name of a property."""
    plain = re.sub(r"\W", "_", name) or kind
    return f"{plain}_{kind}" if plain in taken else plain


def read_results(
    article: Article,
    results: Sequence[tuple[str, object]],
    ground: Ground,
    unit: str,
    report: Callable[[str, str, str], None],
) -> None:
    """Put the results of an annotation into an article; offsets count in `unit`.

    `report` takes the code, message and pointer of what is wrong with a result. Regions come first, then what is
    said of them, then relations, whatever the order in the file.
    """
    state = _State(article=article, ground=ground, report=report)
    state.converters = {
        start: converter(ground.text[start:end], unit) for start, end in ground.turns or [(0, len(ground.text))]
    }
    known: list[tuple[str, Json]] = []
    for at, result in results:
        if isinstance(result, dict) and isinstance(result.get("type"), str):
            known.append((at, result))
        else:
            report("I002", "a result is an object with a type; this is none", at)
    state.given = {name for _, result in known if (name := _given_id(result)) is not None}
    for at, result in known:
        if result["type"] in REGIONS:
            _region(state, at, result)
        elif result["type"] not in (*ATTRIBUTES, "relation"):
            article.left_out[f"results of type {result['type']}"] += 1
            state.aside.add(_given_id(result) or "")
    for at, result in known:
        if result["type"] in ATTRIBUTES:
            _attribute(state, at, result)
    relations = [(at, result) for at, result in known if result["type"] == "relation"]
    for at, result in sorted(relations, key=lambda r: r[1].get("labels") != [FRAGMENT]):
        _relation(state, at, result)
    for layer, pieces in state.joined.items():
        article.layers[layer] = [item for item in article.layers[layer] if item.id not in pieces]
    controls = [name for names in state.controls.values() for name in names if name and not name.startswith(OWN)]
    if len(set(controls)) > 1:
        article.left_out["names of the controls that labels come from"] += len(controls)


# Regions


def _region(state: _State, at: str, result: Json) -> None:
    kind, value = str(result["type"]), result.get("value")
    identifier = _identifier(state, result)
    if not state.ground.is_of(result):
        state.article.left_out["regions of other data than the text"] += 1
        state.aside.add(identifier)
        return
    labels = _labels(value.get(kind, value.get("labels"))) if isinstance(value, dict) else None
    if not isinstance(value, dict) or labels is None:
        state.report("I002", f"the region {identifier!r} has no list of labels", at)
        state.aside.add(identifier)
        return
    span = _span(state, value, identifier, at)
    if span is None:
        state.aside.add(identifier)
        return
    name = str(result.get("from_name"))
    held = state.regions.get(identifier)
    if held is not None and (held[1].ranges != (span,) or name in state.controls[identifier]):
        state.report("I006", f"the region {identifier!r} stands twice; the first is kept", at)
        return
    _add(state, identifier, name, span, labels or [None], at, result)


def _layer(control: str, identifier: str) -> tuple[str, str]:
    """The layer of a region and its id there: mentions, but for controls that the exporter made for others."""
    layer = control.removeprefix(OWN)
    if control.startswith(OWN) and layer:
        return layer, identifier.removeprefix(f"{layer}/")
    return "mentions", identifier


def _given_id(result: Json) -> str | None:
    given = result.get("id")
    return str(given) if isinstance(given, str | int | float) and not isinstance(given, bool) else None


def _identifier(state: _State, result: Json) -> str:
    """The id of a region, or one that is made: m1, m2 and so on."""
    given, number = _given_id(result), len(state.regions) + 1
    while given is None and (f"m{number}" in state.given or f"m{number}" in state.regions):
        number += 1
    return f"m{number}" if given is None else given


def _labels(value: object) -> list[str | None] | None:
    """The labels of a region; none at all is no mistake: the annotator gave it none."""
    if value is None:
        return []
    given: list[str | None] = (
        list(value) if isinstance(value, list) else [str(value)] if isinstance(value, str) else [None]
    )
    return given if all(isinstance(label, str) for label in given) else None


def _add(
    state: _State, identifier: str, control: str, span: Range, labels: Sequence[str | None], at: str, result: Json
) -> None:
    """One item a label; those after the first of a region get ids of their own."""
    layer, shown = _layer(control, identifier)
    taken = state.taken.setdefault(layer, set())
    value = result.get("value")
    surface = value.get("text") if isinstance(value, dict) else None
    for label in labels:
        name = shown if shown not in taken else _free(shown, taken, state.given)
        item = Item(id=name, ranges=(span,), label=label, pointer=at)
        if isinstance(surface, str) and not _over_turns(state.ground, span):
            item.surface = _given(surface, state.ground.text[span[0] : span[1]])
        if isinstance(result.get("origin"), str):
            item.values["origin"] = str(result["origin"])
        score = result.get("score")
        if isinstance(score, int | float) and not isinstance(score, bool):
            item.values["score"] = float(score)
        taken.add(name)
        layer_of(state.article, layer).append(item)
        state.regions.setdefault(identifier, (layer, item))
        state.by_range.setdefault(span, (layer, item))
    state.controls.setdefault(identifier, set()).add(control)
    for key, words in (("parentID", "nesting of regions"), ("meta", "notes on regions")):
        state.article.left_out[words] += bool(result.get(key))


def _free(identifier: str, *taken: set[str]) -> str:
    name, number = identifier, 2
    while any(name in names for names in taken):
        name, number = f"{identifier}-{number}", number + 1
    return name


def _given(surface: str, actual: str) -> str:
    """The surface that the file gives, its line ends as in the text if that is all in which they differ."""
    plain = line_ends(surface, actual)
    return plain if same_surface(plain, actual) else surface


def _over_turns(ground: Ground, span: Range) -> bool:
    """Whether a span leads over several paragraphs: what the tool writes between them is its own affair."""
    return bool(ground.turns) and not any(start <= span[0] and span[1] <= end for start, end in ground.turns)


def _span(state: _State, value: Json, identifier: str, at: str) -> Range | None:
    ends = ends_of(value, state.ground)
    if isinstance(ends, str):
        state.report("I002", f"the region {identifier!r} {ends}", at)
        return None
    found = []
    for base, piece, offset in ends:
        point = state.converters[base](offset)
        if point is None:
            state.report("I019", f"the region {identifier!r} has the offset {offset}, inside a character", at)
            return None
        if state.ground.turns and not 0 <= point <= len(piece):
            message = f"the region {identifier!r} has the offset {offset} in a paragraph of {len(piece)} characters"
            state.report("I002", message, at)
            return None
        found.append(base + point)
    return found[0], found[1]


# What is said of regions, or of the whole text


def _attribute(state: _State, at: str, result: Json) -> None:
    kind, value, name = str(result["type"]), result.get("value"), result.get("from_name")
    if not isinstance(value, dict) or not isinstance(name, str):
        state.report("I002", f"a result of type {kind} has a value and the name of its control", at)
        return
    given = _given_id(result)
    if given in state.aside or not state.ground.is_of(result):
        state.article.left_out["answers about other data than the text"] += 1
        return
    answer = _answer(kind, value.get("text" if kind == "textarea" else kind))
    if answer is None:
        state.report("I002", f"the answer {name!r} is no {kind}", at)
        return
    held = state.regions.get(given) if given is not None else None
    if held is None and "start" in value:
        held = _answered_region(state, at, result, value)
        if held is None:
            return
    if held is not None:
        _put(state, held[1].values, property_name(name, kind, ITEM_NAMES), answer, at)
    else:
        _put(state, state.article.values, property_name(name, kind, ARTICLE_NAMES), answer, at)


def _answered_region(state: _State, at: str, result: Json, value: Json) -> tuple[str, Item] | None:
    """The region that an answer is about and that has no label: it stands in no other result."""
    identifier = _identifier(state, result)
    span = _span(state, value, identifier, at)
    if span is None:
        return None
    if span not in state.by_range or _given_id(result) is not None:
        _add(state, identifier, "", span, [None], at, result)
        return state.regions[identifier]
    return state.by_range[span]


def _answer(kind: str, value: object) -> Value:
    """An answer as a value, always of the same type for a type of result; None if it is of no form we know."""
    if kind in {"choices", "textarea"}:
        given = [value] if isinstance(value, str) else value
        return list(given) if isinstance(given, list) and all(isinstance(v, str) for v in given) else None
    if kind == "taxonomy":
        paths: list[Value] = [_answer("choices", path) for path in value] if isinstance(value, list) else [None]
        return None if None in paths else paths
    if kind == "datetime":
        return value if isinstance(value, str) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _put(state: _State, values: dict[str, Value], name: str, answer: Value, at: str) -> None:
    held = values.get(name)
    if isinstance(held, list) and isinstance(answer, list):
        held.extend(answer)
    elif name in values:
        state.report("I006", f"the answer {name!r} stands twice; the first is kept", at)
    else:
        values[name] = answer


# Relations


def _relation(state: _State, at: str, result: Json) -> None:
    ends = [str(result.get("from_id")), str(result.get("to_id"))]
    labels = _labels(result.get("labels"))
    if labels is None or any(not isinstance(result.get(k), str | int) for k in ("from_id", "to_id")):
        state.report("I002", "a relation has from_id and to_id, and labels that are strings", at)
        return
    if missing := [end for end in ends if end not in state.regions]:
        if all(end in state.aside for end in missing):
            state.article.left_out["relations of regions that were left out"] += 1
        else:
            state.report("I003", f"the relation leads to {missing[0]!r}, which is no region of this annotation", at)
        return
    if labels == [FRAGMENT]:
        _join(state, ends[0], ends[1], at)
        return
    direction = result.get("direction")
    head, tail = reversed(ends) if direction == "left" else ends
    items = layer_of(state.article, "relations")
    values: dict[str, Value] = {
        "head": Ref(state.regions[head][0], state.regions[head][1].id),
        "tail": Ref(state.regions[tail][0], state.regions[tail][1].id),
    }
    if direction == "bi":
        values["direction"] = "bi"  # any other leads from head to tail
    for label in labels or [None]:
        taken = state.taken.setdefault("relations", set())
        identifier = _free(_given_id(result) or f"r{len(items) + 1}", taken)
        taken.add(identifier)
        items.append(Item(id=identifier, label=label, values=dict(values), pointer=at))


def _join(state: _State, first: str, further: str, at: str) -> None:
    """Make one discontinuous item of two regions."""
    (layer, item), (other, piece) = state.regions[first], state.regions[further]
    if layer != other or item is piece:
        state.report("I002", f"the fragments {first!r} and {further!r} are of one span and one layer", at)
        return
    ranges = (*item.ranges, *piece.ranges)
    if list(ranges) != sorted(ranges):
        state.report("I020", f"the fragments of {first!r} stood in another order than in the text", at)
    item.ranges, item.surface = tuple(sorted(ranges)), None
    state.joined.setdefault(layer, set()).add(piece.id)
    state.regions[further] = state.regions[first]
