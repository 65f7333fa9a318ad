"""The items of an article out of rows and nested lists: spans, labels, references. Knows no files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from copydesk import jsontext
from copydesk.articles import offsets
from copydesk.articles.mapping import drop_items
from copydesk.articles.model import Article, Item, Range, Ref, Value
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.fields.options import AUTO, Layer, Reference
from copydesk.importers.fields.values import (
    MISSING,
    Damaged,
    identifier,
    offset,
    pick,
    property_name,
    shown,
    structured,
    tidy,
    top,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One item as the file has it. `number` counts all of its layer in the article, from 0."""

    values: Mapping[str, object]
    file: str
    line: int
    pointer: str
    number: int


@dataclass(slots=True)
class _Layers:
    """What is known of an article's items while its layers are made. `order`: by number, None for a damaged one."""

    article: Article
    tokens: Sequence[Range]
    convert: Callable[[int], int | None]
    order: dict[str, list[Item | None]] = field(default_factory=dict)
    by_id: dict[str, dict[str, Item]] = field(default_factory=dict)
    by_span: dict[str, dict[tuple[Range, ...], list[tuple[Item, Found]]]] = field(default_factory=dict)
    numbered: set[str] = field(default_factory=set)


def nested(layer: Layer, value: object, file: str, line: int, pointer: str) -> Iterator[Found | str]:
    """The items in a field of a row: a list of objects, or of lists; an object of lists, or of objects by their ids;
    or the JSON of one of these. A string says what is damaged. `pointer` is that of the field."""
    try:
        value = structured(value)
    except Damaged as damaged:
        yield str(damaged)
        return
    for number, (key, given) in enumerate(_entries(value)):
        below = f"{pointer}/{jsontext.escape(key)}" if key is not None else pointer
        if isinstance(given, list | tuple):
            if len(given) > len(layer.places):
                yield f"{layer.name} {number} is a list of {len(given)}; {len(layer.places)} places have a meaning"
                continue
            given = dict(zip(layer.places, given, strict=False))
        if isinstance(given, Mapping):
            if isinstance(key, str) and layer.id not in given:
                given = {**given, layer.id: key}
            yield Found(values=given, file=file, line=line, pointer=below, number=number)
        else:
            yield f"{layer.name} {number} is {shown(given)}, no object"


def _entries(value: object) -> list[tuple[int | str | None, object]]:
    if value is None or value == {}:
        return []
    if isinstance(value, Mapping):
        lists = [inner for inner in value.values() if isinstance(inner, list)]
        if len(lists) == len(value) and len({len(inner) for inner in lists}) == 1:
            names = [str(name) for name in value]
            return [(i, dict(zip(names, items, strict=True))) for i, items in enumerate(zip(*lists, strict=True))]
        if all(isinstance(inner, Mapping) for inner in value.values()):
            return [(str(key), inner) for key, inner in value.items()]
    if isinstance(value, list | tuple):
        return list(enumerate(value))
    return [(None, value)]


def add_layers(
    article: Article, found: Mapping[str, Sequence[Found]], layers: Sequence[Layer], unit: str, tokens: Sequence[Range]
) -> None:
    """Put the items of every layer into the article, whose text is known; what is wrong with one is noted there."""
    assert article.text is not None
    article.unit = _unit(article.text, found, layers, unit)
    state = _Layers(article, tokens, offsets.converter(article.text, article.unit))
    for layer in layers:
        _add_items(state, layer, found.get(layer.name, ()))
    gone: set[tuple[str, str]] = set()
    for layer in layers:
        for given in found.get(layer.name, ()) if layer.references else ():
            item = state.order[layer.name][given.number]
            if item is not None and not _refer(state, layer, item, given):
                gone.add((layer.name, item.id))
    drop_items(article, gone)


def problem(article: Article, found: Found, code: str, message: str) -> None:
    """Note what is wrong with an item, in the file in which it stands."""
    line = found.line or (article.line if found.file == article.file else 0)
    place = Place(file=found.file, line=line or None, pointer=found.pointer or None, record=article.id)
    article.found.append(Diagnostic(code=code, place=place, message=message))


def _unit(text: str, found: Mapping[str, Sequence[Found]], layers: Sequence[Layer], unit: str) -> str:
    if unit != AUTO:
        return unit
    if text.isascii() and "\r\n" not in text:  # all units are the same
        return offsets.CODE_POINTS
    claims: list[offsets.Claim] = []
    for layer in layers:
        for given in found.get(layer.name, ()) if not layer.in_tokens else ():
            try:
                ranges = _ranges(layer, given.values)
            except Damaged:
                continue
            surface = pick(given.values, layer.surface)
            if isinstance(surface, str) and len(ranges) == 1:
                claims.append((*ranges[0], surface))
    units = offsets.variants(offsets.CODE_POINTS, offsets.UTF16, offsets.BYTES, text=text)
    return offsets.decide(text, claims, units).unit if claims else offsets.CODE_POINTS


def _ranges(layer: Layer, values: Mapping[str, object]) -> tuple[Range, ...]:
    """The span as the file has it, in its own unit; () for an item without one. Raises Damaged."""
    pieces = pick(values, layer.fragments)
    if isinstance(pieces, list | tuple):
        return tuple(_piece(layer, piece) for piece in pieces)
    if "fragments" in layer.said and pieces is not None:
        raise Damaged(f"{layer.fragments} is {shown(pieces)}, no list of spans")
    start, end = pick(values, layer.start), pick(values, layer.end)
    if (start is None and end is None) or (start is MISSING and "start" not in layer.said):
        return ()
    if isinstance(start, list) and isinstance(end, list) and len(start) == len(end):
        return tuple(_range(layer, *pair) for pair in zip(start, end, strict=True))
    surface = pick(values, layer.surface)
    if end is MISSING and "end" not in layer.said and isinstance(surface, str):  # as answers of SQuAD are given
        first = offset(start, layer.start)
        return ((first, first + len(surface)),)
    return (_range(layer, start, end),)


def _piece(layer: Layer, piece: object) -> Range:
    if isinstance(piece, Mapping):
        return _range(layer, pick(piece, layer.start), pick(piece, layer.end))
    if isinstance(piece, list | tuple) and len(piece) == 2:
        return _range(layer, *piece)
    raise Damaged(f"a fragment is {shown(piece)}, no start and end")


def _range(layer: Layer, start: object, end: object) -> Range:
    return offset(start, layer.start), offset(end, layer.end) + layer.inclusive


def _in_text(state: _Layers, ranges: Sequence[Range], *, in_tokens: bool) -> tuple[Range, ...]:
    """Ranges in code points. Raises Damaged for tokens that are not there, Inside for half a character."""
    if in_tokens:
        out = []
        for start, end in ranges:
            if not 0 <= start < end <= len(state.tokens):
                raise Damaged(f"there are {len(state.tokens)} tokens; the span is {start}..{end}")
            out.append((state.tokens[start][0], state.tokens[end - 1][1]))
        return tuple(out)
    converted = [(state.convert(start), state.convert(end)) for start, end in ranges]
    good = tuple((start, end) for start, end in converted if start is not None and end is not None)
    if len(good) != len(ranges):
        bad = next(r for r, c in zip(ranges, converted, strict=True) if None in c)
        raise Inside(f"in {state.article.unit}, no character begins or ends at {bad[0]} or {bad[1]}")
    return good


class Inside(Damaged):
    """An offset falls inside a character."""


def _add_items(state: _Layers, layer: Layer, found: Sequence[Found]) -> None:
    article = state.article
    items = article.layers.setdefault(layer.name, [])
    order: list[Item | None] = [None] * (max((given.number for given in found), default=-1) + 1)
    known = state.by_id.setdefault(layer.name, {})
    spans = state.by_span.setdefault(layer.name, {})
    if "id" not in layer.said and all(pick(given.values, layer.id) in (MISSING, None) for given in found):
        state.numbered.add(layer.name)
    for given in found:
        try:
            item = _item(state, layer, given)
        except Damaged as damaged:
            problem(article, given, "I019" if isinstance(damaged, Inside) else "I002", str(damaged))
            continue
        if item.id in known:
            problem(article, given, "I006", f"the id {shown(item.id)} stands twice in {layer.name}")
            continue
        order[given.number] = known[item.id] = item
        spans.setdefault(item.ranges, []).append((item, given))
        items.append(item)
    state.order[layer.name] = order


def _item(state: _Layers, layer: Layer, given: Found) -> Item:
    values = given.values
    in_file = _ranges(layer, values)
    ranges = _in_text(state, in_file, in_tokens=layer.in_tokens)
    surface = _surface(pick(values, layer.surface), ranges)
    if list(ranges) != sorted(ranges):
        problem(state.article, given, "I020", f"the fragments of the span stood in the order {shown(list(in_file))}")
        ranges = tuple(sorted(ranges))
    own = pick(values, layer.id)
    if own in (MISSING, None) and "id" not in layer.said:
        made: str | None = f"{_initial(layer.name)}{given.number + 1}"
    else:
        made = identifier(own)
    if made is None:
        raise Damaged(f"the id {layer.id!r} is {shown(own)}")
    item = Item(id=made, ranges=ranges, label=_label(layer, pick(values, layer.label)), surface=surface)
    item.line, item.pointer = given.line, given.pointer
    item.file = given.file if given.file != state.article.file else ""
    item.values = _values(layer, given, item, state.article.left_out)
    return item


def _surface(value: object, ranges: Sequence[Range]) -> str | None:
    """The words that the file gives for a span; of a list of them, one a fragment, in the order of the text."""
    if isinstance(value, list | tuple) and all(isinstance(piece, str) for piece in value):
        order = sorted(range(len(value)), key=lambda i: ranges[i]) if len(value) == len(ranges) else range(len(value))
        return " ".join(str(value[i]) for i in order) if ranges else None
    in_order = list(ranges) == sorted(ranges)
    return value if isinstance(value, str) and ranges and in_order else None


def _initial(name: str) -> str:
    return name[0].lower() if name[:1].isalpha() else "i"


def _label(layer: Layer, value: object) -> str | None:
    """A label as a string: a number is one of `names`; a list of one is that one. Raises Damaged."""
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if value is MISSING or value is None or value != value:  # NaN is how tables say that there is none
        return None
    if isinstance(value, int) and not isinstance(value, bool) and layer.names:
        if 0 <= value < len(layer.names):
            return layer.names[value]
        raise Damaged(f"the label {value} has no name; there are {len(layer.names)}")
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    raise Damaged(f"the label is {shown(value)}, no string")


def _values(layer: Layer, given: Found, item: Item, left_out: Counter[str]) -> dict[str, Value]:
    """The fields of an item that are not what the item itself is made of; references are put in later."""
    values = given.values
    used = [layer.id, layer.label]
    if "start" in layer.said or pick(values, layer.start) is not MISSING:
        used += [layer.start, layer.end]
    if item.ranges or "fragments" in layer.said:
        used.append(layer.fragments)
    if item.ranges or "surface" in layer.said:
        used.append(layer.surface)
    if layer.file is not None:
        used.append(layer.article)
    for name, reference in layer.references.items():
        used += [field for field in reference.fields if field != name and "." not in name]
    gone = {top(path, values) for path in used}
    out: dict[str, Value] = {}
    for name, value in values.items():
        if name not in gone:
            out[property_name(name, {"id", "label", *out})] = tidy(value, left_out)
    return out


def _refer(state: _Layers, layer: Layer, item: Item, given: Found) -> bool:
    """Put the references of an item in; whether it has all that it cannot be without (head and tail)."""
    whole = True
    for name, reference in layer.references.items():
        needed = name in {"head", "tail"}
        first, _, below = name.partition(".")
        try:
            if reference.start:
                value: Value = _at_span(state, reference, given)
            elif below and isinstance(pick(given.values, first), list | Mapping):
                value = _inside(state, reference, pick(given.values, first), below.split("."), given)
            else:
                field = pick(given.values, reference.field)
                if needed and (field is MISSING or field is None):
                    raise Damaged(f"{reference.field} is {shown(field)}")
                value = _named(state, reference, field, given, strict=needed)
        except Damaged as damaged:
            problem(state.article, given, "I003" if isinstance(damaged, _Nowhere) else "I002", str(damaged))
            value, whole = None, whole and not needed
        item.values[property_name(first if below else name, ())] = value
    return whole


class _Nowhere(Damaged):
    """A reference leads to nothing."""


def _named(state: _Layers, reference: Reference, value: object, given: Found, *, strict: bool = False) -> Value:
    """The reference, or list of them, that an id, a number, or a list of these gives."""
    if value is MISSING or value is None:
        return None
    if isinstance(value, list | tuple):
        return [ref for inner in value if (ref := _named(state, reference, inner, given)) is not None]
    target = _target(state, reference, value)
    if target is not None:
        return Ref(reference.layer, target.id)
    message = f"{reference.field or 'the reference'} names {shown(value)}, which is not in {reference.layer}"
    if strict:
        raise _Nowhere(message)
    problem(state.article, given, "I003", message)
    return None


def _target(state: _Layers, reference: Reference, value: object) -> Item | None:
    if reference.layer in state.numbered and isinstance(value, int) and not isinstance(value, bool):
        order = state.order[reference.layer]
        return order[value] if 0 <= value < len(order) else None
    name = identifier(value)
    return state.by_id.get(reference.layer, {}).get(name) if name is not None else None


def _inside(state: _Layers, reference: Reference, value: object, path: Sequence[str], given: Found) -> Value:
    """A value with the ids at a path inside it made references."""
    if isinstance(value, list | tuple):
        return [_inside(state, reference, inner, path, given) for inner in value]
    if not path:
        return _named(state, reference, value, given)
    if isinstance(value, Mapping):
        return {
            str(key): _inside(state, reference, inner, path[1:], given)
            if key == path[0]
            else tidy(inner, state.article.left_out)
            for key, inner in value.items()
        }
    return tidy(value, state.article.left_out)


def _at_span(state: _Layers, reference: Reference, given: Found) -> Value:
    """The reference to the item that stands on a span; of several, the preferred one, else the first."""
    start, end = pick(given.values, reference.start), pick(given.values, reference.end)
    if start is None and end is None:
        raise Damaged(f"{reference.start} and {reference.end} are missing")
    in_file = (offset(start, reference.start), offset(end, reference.end))
    ranges = _in_text(state, [in_file], in_tokens=False)
    standing = state.by_span.get(reference.layer, {}).get(ranges, [])
    if not standing:
        raise _Nowhere(f"no item of {reference.layer} stands at {in_file[0]}..{in_file[1]}")
    surface = pick(given.values, reference.surface) if reference.surface else None
    if isinstance(surface, str):
        read = (standing[0][0].surface or "", state.article.surface_of(standing[0][0]))
        if not any(offsets.same_surface(surface, known) for known in read):
            where = f"at {in_file[0]}..{in_file[1]} stands {shown(read[1])}"
            raise _Nowhere(f"{where}, and not {shown(surface)}")
    best = standing
    if reference.prefer is not None and len(standing) > 1:
        weights = [_weight(pick(found.values, reference.prefer)) for _, found in standing]
        best = [one for one, weight in zip(standing, weights, strict=True) if weight == max(weights)]
    if len(best) > 1:
        state.article.left_out[f"further {reference.layer} on a span that a reference names"] += len(best) - 1
    return Ref(reference.layer, best[0][0].id)


def _weight(value: object) -> float:
    try:
        return float(value) if isinstance(value, int | float | str) else float("-inf")
    except ValueError:
        return float("-inf")
