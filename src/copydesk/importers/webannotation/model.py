"""Web Annotation JSON-LD -> annotations as plain values: bodies, targets, who and when. Looks into no text.

JSON-LD is read by the names of the Recommendation's own context, not expanded; `@id` and `@type`, prefixes and
`@graph` are understood. What copydesk's exporter adds stands under the prefix `copydesk:` (urn:copydesk:web:):
`copydesk:article` on a page holds id, text (the name of the file), values, layers (their names in order), annotator
and curated; `copydesk:layer`, `copydesk:id` and `copydesk:values` on an annotation hold what no body could. In
values, a reference is {"$ref": [layer, id]} or {"$ref": [layer, id, article]}; an object with one key that begins
with "$" has another "$" put before it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from copydesk import jsontext
from copydesk.articles.model import Ref, Value
from copydesk.importers.webannotation.selectors import Damaged, Selector, alternatives, types_of
from copydesk.importers.webannotation.tools import as_web_annotation, listed

CONTEXT = "http://www.w3.org/ns/anno.jsonld"
ARTICLE, LAYER, ID, VALUES = "copydesk:article", "copydesk:layer", "copydesk:id", "copydesk:values"
LABELS = ("tagging", "classifying", "identifying")
"""Purposes whose bodies are labels."""

LONG = 60
_SETS = {"Composite", "List"}
_CARRIED = frozenset(
    {"@context", "id", "@id", "type", "@type", "body", "bodyValue", "target", "motivation", "creator", "created"}
    | {"modified", LAYER, ID, VALUES, ARTICLE}
)
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+|[#/]\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where an annotation stands. `line` is 0 where the pointer finds it."""

    file: str
    pointer: str
    line: int = 0


@dataclass(slots=True, kw_only=True)
class Target:
    """What an annotation is on: a document (`text` where it is embedded), or parts of it, each by its selectors."""

    source: str | None = None
    text: str | None = None
    parts: list[list[Selector]] = field(default_factory=list)
    unusable: list[str] = field(default_factory=list)
    damaged: list[Damaged] = field(default_factory=list)
    whole: bool = True


@dataclass(slots=True, kw_only=True)
class Annotation:
    """One annotation. `tags`, `notes`, `links` are its bodies by what they are for; `linked` names annotations."""

    where: Where
    id: str | None = None
    targets: list[Target] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    linked: list[str] = field(default_factory=list)
    motivations: tuple[str, ...] = ()
    creator: str | None = None
    values: dict[str, Value] = field(default_factory=dict)
    own: tuple[str, str, dict[str, Value]] | None = None
    problems: list[tuple[str, str]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """What is no annotation, and why."""

    code: str
    message: str
    where: Where


def walk(value: object, where: Where, *, top: bool = True) -> Iterator[tuple[dict[str, object], Where] | Bad]:
    """The annotations, and pages that copydesk wrote, in a JSON value: one, an array, a page, a collection, a graph."""
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from walk(inner, _below(where, number), top=top)
        return
    if not isinstance(value, dict):
        kind = "an address" if isinstance(value, str) else "no object"
        yield Bad(code="I002", message=f"an annotation is {kind}: it is not in this file", where=where)
        return
    if (own := as_web_annotation(value)) is not None:
        yield own, where
        return
    if (rows := listed(value)) is not None:
        yield from walk(rows[1], _below(where, rows[0]), top=False)
        return
    if "@context" in value and not _is_ours(value["@context"]):
        yield Bad(code="I001", message="the @context is not that of Web Annotation", where=where)
        return
    types = types_of(value)
    if isinstance(value.get(ARTICLE), dict):
        yield value, where
    pages = [name for name in ("items", "first", "@graph") if name in value]
    if types & {"AnnotationPage", "AnnotationCollection", "OrderedCollection", "OrderedCollectionPage"} or (
        "@graph" in value and not types
    ):
        for name in pages:
            if not isinstance(value[name], str):  # the address of a page: it is another file
                yield from walk(value[name], _below(where, name), top=False)
    elif "Annotation" in types:
        yield value, where
    elif "target" in value or not top:
        shown = ", ".join(sorted(types)) or "missing"
        yield Bad(code="I002", message=f"the type is {shown[:LONG]}, not Annotation", where=where)
    else:
        yield Bad(code="I001", message="this is no Web Annotation", where=where)


def _below(where: Where, step: object) -> Where:
    return Where(file=where.file, pointer=f"{where.pointer}/{jsontext.escape(step)}", line=where.line)


def _is_ours(context: object) -> bool:
    given = context if isinstance(context, list) else [context]
    return any(isinstance(one, str) and one.split("://")[-1] == CONTEXT.split("://")[-1] for one in given)


def annotation_of(value: Mapping[str, object], where: Where, labels: Sequence[str]) -> Annotation:
    """An annotation with everything but its text looked at; `problems` says what is wrong."""
    made = Annotation(where=where)
    identity = _either(value, "id")
    if isinstance(identity, str):
        made.id = identity
    elif identity is not None:
        made.problems.append(("I002", f"the id is {str(identity)[:LONG]!r}, no string"))
    motivation = value.get("motivation")
    given = motivation if isinstance(motivation, list) else [motivation]
    made.motivations = tuple(_term(one) for one in given if isinstance(one, str))
    made.creator = _who(value.get("creator"))
    if value.get("creator") is not None and made.creator is None:
        made.problems.append(("I002", f"the creator is {str(value['creator'])[:LONG]!r}"))
    for name in ("created", "modified"):
        moment = value.get(name)
        if isinstance(moment, str):
            made.values[name] = moment
        elif moment is not None:
            made.problems.append(("I002", f"{name} is {str(moment)[:LONG]!r}, no date"))
    made.left_out.update(name for name in value if name not in _CARRIED)
    made.own = _own(value)
    _bodies(made, value, labels if made.own is None else LABELS)
    _targets(made, value)
    return made


def _either(value: Mapping[str, object], name: str) -> object:
    return value.get(name, value.get(f"@{name}"))


def _term(name: str) -> str:
    return re.split("[:#/]", name)[-1]


def _who(value: object) -> str | None:
    """A name for people to read, if there is one, else the address."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        named = [value.get(name) for name in ("name", "nickname", "email", "id", "@id")]
        value = next((one for one in named if isinstance(one, str) and one), None)
    return value if isinstance(value, str) and value else None


def _own(value: Mapping[str, object]) -> tuple[str, str, dict[str, Value]] | None:
    """Layer, id and values of an annotation that copydesk wrote."""
    layer, identity, values = value.get(LAYER), value.get(ID), value.get(VALUES)
    if not isinstance(layer, str) or not isinstance(identity, str):
        return None
    return layer, identity, values_from(values)


def values_from(value: object) -> dict[str, Value]:
    """The values that copydesk's exporter wrote."""
    if not isinstance(value, dict):
        return {}
    return {str(name): _value(inner) for name, inner in value.items()}


def _value(value: object) -> Value:
    if isinstance(value, list):
        return [_value(inner) for inner in value]
    if isinstance(value, dict):
        if len(value) == 1:
            ((key, inner),) = value.items()
            if (
                key == "$ref"
                and isinstance(inner, list)
                and len(inner) in {2, 3}
                and all(isinstance(s, str) for s in inner)
            ):
                return Ref(*inner)
            if key.startswith("$$"):
                return {key[1:]: _value(inner)}
        return {str(name): _value(inner) for name, inner in value.items()}
    return value if isinstance(value, bool | int | float | str) else None


# bodies


def _bodies(made: Annotation, value: Mapping[str, object], labels: Sequence[str]) -> None:
    given = value.get("body")
    bodies = list(given) if isinstance(given, list) else [] if given is None else [given]
    if "bodyValue" in value:
        if bodies:
            made.problems.append(("I002", "the annotation has both body and bodyValue"))
        elif isinstance(value["bodyValue"], str):
            bodies = [{"type": "TextualBody", "value": value["bodyValue"]}]
        else:
            made.problems.append(("I002", f"the bodyValue is {str(value['bodyValue'])[:LONG]!r}, no string"))
    for body in bodies:
        _body(made, body, labels)


def _body(made: Annotation, body: object, labels: Sequence[str]) -> None:
    """Put one body where its purpose says; that of a body without one is the annotation's motivation."""
    if isinstance(body, str):
        body = {"id": body} if _IRI.fullmatch(body) else {"value": body}
    if not isinstance(body, dict):
        made.problems.append(("I002", f"a body is {str(body)[:LONG]!r}"))
        return
    types = types_of(body)
    choices = body.get("items")
    if types & {"Choice", "Composite", "List", "Independents"} and isinstance(choices, list):
        # "the first Choice in the list is the default" (section 3.2.7)
        made.left_out["alternatives of bodies"] += max(0, len(choices) - 1) if "Choice" in types else 0
        for inner in choices[:1] if "Choice" in types else choices:
            _body(made, inner, labels)
        return
    purpose = body.get("purpose")
    purposes = [_term(one) for one in (purpose if isinstance(purpose, list) else [purpose]) if isinstance(one, str)]
    purposes = purposes or list(made.motivations) or ["none"]
    is_label = any(one in labels for one in purposes)
    words = body.get("value", body.get("chars"))
    source = body.get("source", _either(body, "id"))
    address = source if isinstance(source, str) else _either(source, "id") if isinstance(source, dict) else None
    made.left_out.update(f"{name} of bodies" for name in body if name in {"language", "creator", "created", "state"})
    if isinstance(words, str):
        (made.tags if is_label else made.notes).append(words)
    elif words is not None or ("TextualBody" in types and address is None):
        made.problems.append(("I002", f"the value of a TextualBody is {str(words)[:LONG]!r}, no string"))
    elif not isinstance(address, str):
        made.problems.append(("I002", "a body has neither value nor id"))
    elif "selector" in body:
        made.left_out["bodies that are parts of documents"] += 1
    else:
        place = made.linked if "linking" in purposes else made.tags if is_label else made.links
        place.append(address)


# targets


def _targets(made: Annotation, value: Mapping[str, object]) -> None:
    given, known = value.get("target"), len(made.problems)
    for target in given if isinstance(given, list) else [] if given is None else [given]:
        try:
            made.targets.extend(_target(target))
        except Damaged as damaged:
            made.problems.append((damaged.code, str(damaged)))
    for target in made.targets:
        made.problems += [(damaged.code, str(damaged)) for damaged in target.damaged]
    if not made.targets and len(made.problems) == known:  # none, or a set with nothing in it
        made.problems.append(("I002", "the annotation has no target"))


def _target(value: object) -> list[Target]:
    """The targets that a value stands for; a set of parts that belong together is one. Raises Damaged."""
    if isinstance(value, str):
        return [Target(source=value)]
    if not isinstance(value, dict):
        raise Damaged(f"a target is {str(value)[:LONG]!r}")
    types, items = types_of(value), value.get("items")
    if isinstance(items, list) and types & {*_SETS, "Independents", "Choice"}:
        inner = [target for item in items for target in _target(item)]
        if not types & _SETS or all(target.whole for target in inner):
            return inner
        return [_together(inner)]
    source = value.get("source", _either(value, "id"))
    made = Target()
    if isinstance(source, dict):  # a document with its text in it
        made.text = text if isinstance(text := source.get("value"), str) else None
        source = _either(source, "id")
    if isinstance(source, str):
        made.source = source
    elif source is not None or ("selector" not in value and made.text is None):
        raise Damaged("the source of a target is missing" if source is None else f"a target is {str(source)[:LONG]!r}")
    if value.get("selector") is not None:
        good, made.unusable, made.damaged = alternatives(value["selector"])
        made.parts, made.whole = [good] if good else [], False
    return [made]


def _together(targets: Sequence[Target]) -> Target:
    """One target of several parts of a document. Raises Damaged where they are of several."""
    first = targets[0]
    if len({(target.source, target.text) for target in targets}) > 1:
        raise Damaged("the target is a set of parts of several documents")
    parts = [part for target in targets for part in target.parts]
    if len(parts) != len(targets):
        raise Damaged("the target is a set, and not all in it is text")
    unusable = [name for target in targets for name in target.unusable]
    damaged = [problem for target in targets for problem in target.damaged]
    return Target(source=first.source, text=first.text, parts=parts, unusable=unusable, damaged=damaged, whole=False)
