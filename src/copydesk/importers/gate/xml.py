"""GATE's own XML -> a GATE document: text with nodes, annotation sets, relation sets, typed features.

The numbers of nodes are only names: where a node stands in the text is where it is. What of the Java classes of
features has no counterpart here stays a string, as in GATE itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from copydesk import xmltext
from copydesk.articles.model import Value
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers import xmlchars
from copydesk.importers.gate.bdoc import (
    GateAnnotation,
    GateDocument,
    GateRelation,
    GateSet,
    NotCarried,
    Problem,
    features_of,
)
from copydesk.importers.xmlchars import Restore
from copydesk.xmltext import Element, children, local_name

_INTEGERS = frozenset({"Integer", "Long", "Short", "Byte", "BigInteger", "int", "long", "short", "byte", "big-int"})
_FLOATS = frozenset({"Double", "Float", "BigDecimal", "double", "float", "big-decimal"})
_COLLECTION = re.compile(r"java\.util\.\w*(?:List|Set|Vector|Stack|Deque|Queue)")
_STEP = re.compile(r"([\w.-]+)(?:\[(\d{1,9})\])?")
_MOST_VALUES, _MOST_LEVELS = 100_000, 50


def read_xml(data: bytes, file: str) -> GateDocument | Diagnostic:
    """The document of a GATE XML file, or I001, I004 or I011 for a file that is lost as a whole."""
    root, restore = xmlchars.parse(data, file)
    if isinstance(root, Diagnostic):
        return root
    place = Place(file=file, line=root.sourceline)
    if local_name(root) != "GateDocument":
        message = f"the root element is <{local_name(root)[:40]}>, not <GateDocument>"
        return Diagnostic(code="I001", place=place, message=message)
    parts: dict[str, list[Element]] = {}
    for child in children(root):
        parts.setdefault(local_name(child), []).append(child)
    texts = parts.pop("TextWithNodes", [])
    if len(texts) != 1:
        message = f"the document has {len(texts)} texts" if texts else "the document has no <TextWithNodes>"
        return Diagnostic(code="I004" if not texts else "I001", place=place, message=message)
    document = GateDocument(text="")
    nodes = _text(document, texts[0], file)
    if isinstance(nodes, Diagnostic):
        return nodes
    for element in parts.pop("GateDocumentFeatures", []):
        document.features |= features_of(_features(element, "document", document), document.left_out)
    for element in parts.pop("AnnotationSet", []):
        _add_annotations(document.set(element.get("Name")), element, nodes)
    for element in parts.pop("RelationSet", []):
        _add_relations(document.set(element.get("Name")), element)
    for name, elements in parts.items():
        document.left_out[f"elements <{name[:40]}>"] += len(elements)
    if restore is not None:
        _restore(document, restore)
    return document


def _restore(document: GateDocument, restore: Restore) -> None:
    """Give the strings of a document their characters back."""

    def value(given: Value) -> Value:
        if isinstance(given, str):
            return restore(given)
        if isinstance(given, list):
            return [value(inner) for inner in given]
        return {key: value(inner) for key, inner in given.items()} if isinstance(given, dict) else given

    document.text = restore(document.text)
    document.features = {name: value(inner) for name, inner in document.features.items()}
    for one in document.sets.values():
        one.annotations = [
            replace(a, features={name: value(inner) for name, inner in a.features.items()}) for a in one.annotations
        ]


def _text(document: GateDocument, element: Element, file: str) -> dict[str, int] | Diagnostic:
    """Put the text together. Node -> where it stands in it."""
    parts, nodes = [element.text or ""], dict[str, int]()
    at = len(parts[0])
    for child in element:
        inner = ""
        if getattr(child, "name", None):  # an entity: nothing in the document says what it stands for
            message = f"the text holds the entity {str(child.text)[:40]}, which is not read"
            return Diagnostic(code="I011", place=Place(file=file, line=element.sourceline), message=message)
        if isinstance(child.tag, str):
            inner = "".join(child.itertext())
            identifier = child.get("id")
            if local_name(child) != "Node":
                document.left_out[f"elements <{local_name(child)[:40]}> in the text"] += 1
            elif identifier is None:
                document.problems.append(Problem(code="I002", message="the node has no id", line=child.sourceline))
            elif nodes.setdefault(identifier, at) != at:
                message = f"the node {identifier[:20]!r} stands in two places; the first one is kept"
                document.problems.append(Problem(code="I006", message=message, line=child.sourceline))
        parts += [inner, child.tail or ""]
        at += len(parts[-2]) + len(parts[-1])
    document.text = "".join(parts)
    return nodes


def _add_annotations(into: GateSet, element: Element, nodes: Mapping[str, int]) -> None:
    for child in children(element):
        if local_name(child) != "Annotation":
            into.left_out[f"elements <{local_name(child)[:40]}> in annotation sets"] += 1
            continue
        kind, identifier = child.get("Type"), child.get("Id")
        words = f"{(kind or 'annotation')[:40]} {(identifier or '?')[:20]}"
        ends = [child.get("StartNode"), child.get("EndNode")]
        line = child.sourceline
        if not kind or None in ends:
            missing = [
                name for name, value in zip(("Type", "StartNode", "EndNode"), (kind, *ends), strict=True) if not value
            ]
            message = f"the annotation {words} has no {' and no '.join(missing)}"
            into.problems.append(Problem(code="I002", message=message, line=line))
            continue
        lost = [node for node in ends if node not in nodes]
        if lost:
            message = f"the {words} begins or ends at the node {lost[0][:20]!r}, which is not in the text"
            into.problems.append(Problem(code="I003", message=message, line=line))
            continue
        features = features_of(_features(child, words, into), into.left_out)
        start, end = (nodes[node] for node in ends)
        made = GateAnnotation(id=identifier, type=kind, start=start, end=end, features=features, line=line)
        into.annotations.append(made)


def _add_relations(into: GateSet, element: Element) -> None:
    for child in children(element):
        kind, identifier, members = child.get("Type"), child.get("Id"), child.get("Members")
        if local_name(child) != "Relation" or not kind or not identifier or not members:
            message = "the relation has no Type, Id or Members"
            into.problems.append(Problem(code="I002", message=message, line=child.sourceline))
            continue
        if any(local_name(inner) == "UserData" and inner.text for inner in child):
            into.left_out["user data of relations"] += 1
        made = GateRelation(
            id=identifier,
            type=kind,
            members=tuple(members.split(";")),
            features=features_of(_features(child, f"{kind[:40]} {identifier[:20]}", into), into.left_out),
            line=child.sourceline,
        )
        into.relations.append(made)


def _features(element: Element, words: str, into: GateSet | GateDocument) -> dict[str, object]:
    """The features of an element as Python values; one that is damaged is a problem, and the others are read."""
    out: dict[str, object] = {}
    for feature in children(element):
        parts = {local_name(child): child for child in children(feature)}
        if local_name(feature) != "Feature":
            if local_name(feature) != "UserData":
                into.left_out[f"elements <{local_name(feature)[:40]}> in annotations"] += 1
            continue
        line = feature.sourceline
        if not parts.keys() >= {"Name", "Value"}:
            message = f"a feature of {words} has no name or no value"
            into.problems.append(Problem(code="I002", message=message, line=line))
            continue
        name = "".join(parts["Name"].itertext())
        if name in out:
            message = f"the feature {name[:40]!r} of {words} is there twice; the first one is kept"
            into.problems.append(Problem(code="I006", message=message, line=line))
            continue
        try:
            out[name] = _value(parts["Value"])
        except NotCarried as refused:
            into.left_out[str(refused)] += 1
        except ValueError as error:
            message = f"the feature {name[:40]!r} of {words} cannot be read: {str(error)[:80]}"
            into.problems.append(Problem(code="I002", message=message, line=line))
    return out


def _value(element: Element) -> object:
    """What a <Value> holds, by the Java class that it names. Raises ValueError."""
    text, kind = "".join(element.itertext()), element.get("className") or "java.lang.String"
    if kind == "gate.corpora.ObjectWrapper":
        return _Wrapped().read(text)
    if _COLLECTION.fullmatch(kind):
        item = (element.get("itemClassName") or "java.lang.String").rpartition(".")[2]
        return [_scalar(part, item) for part in text.split(";") if part]
    return _scalar(text, kind.rpartition(".")[2])


def _scalar(text: str, kind: str) -> Value:
    if kind in _INTEGERS:
        if len(text) > 40:
            raise NotCarried("features that are numbers beyond 64 bits")
        return int(text)
    if kind in _FLOATS:
        return float(text)
    if kind in {"Boolean", "boolean"}:
        return text.strip().lower() == "true"
    return None if kind == "null" else text


class _Wrapped:
    """Lists and maps as GATE wraps them: XML of XStream in the text of a feature.

    An object that is there twice is a path to its first place, so that a short text can stand for a huge value: what
    it expands to is limited. See "Object references" in the documentation of XStream.
    """

    def __init__(self) -> None:
        self.spent = 0

    def read(self, text: str) -> object:
        """Raises ValueError."""
        root = xmltext.parse(text.encode("utf-8", "surrogatepass"), "")
        if isinstance(root, Diagnostic):
            raise ValueError(root.message)
        values = children(root)
        return self.value(values[0], 0) if values else None

    def value(self, element: Element, depth: int) -> object:
        self.spent += 1
        if self.spent > _MOST_VALUES or depth > _MOST_LEVELS:
            raise NotCarried("features that are too large")
        if path := element.get("reference"):
            return self.value(_follow(element, path), depth + 1)
        kind = (element.get("class") or local_name(element)).rpartition(".")[2]
        inner = [child for child in children(element) if local_name(child) not in {"comparator", "no-comparator"}]
        if not inner and not kind.lower().endswith(("list", "set", "array", "map", "vector")):
            return _scalar(element.text or "", kind)
        if all(local_name(child) == "entry" for child in inner) and (inner or kind.lower().endswith("map")):
            return self.entries(inner, depth)
        return [self.value(child, depth + 1) for child in inner]

    def entries(self, entries: list[Element], depth: int) -> dict[Any, object]:
        out: dict[Any, object] = {}
        for entry in entries:
            pair = children(entry)
            if len(pair) != 2:
                raise ValueError(f"an entry of a map has {len(pair)} parts")
            key = self.value(pair[0], depth + 1)
            out[key if isinstance(key, str | int) else str(key)] = self.value(pair[1], depth + 1)
        return out


def _follow(element: Element, path: str) -> Element:
    """The element at a relative path of XStream: `../..`, then names, with numbers where there are several."""
    for step in path.split("/"):
        found = None
        if step == "..":
            found = element.getparent()
        elif match := _STEP.fullmatch(step):
            same, number = children(element, match[1]), int(match[2] or 1)
            found = same[number - 1] if 0 < number <= len(same) else None
        if found is None:
            raise ValueError(f"the reference {path[:40]!r} leads nowhere")
        element = found
    return element
