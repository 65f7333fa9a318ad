"""UIMA type systems -> a table of types with all their features. Knows their XML and their JSON; reads no annotations.

Lenient where UIMA is strict: a type that cannot be understood is told and left out, and the others stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from copydesk import jsontext, xmltext
from copydesk.importers.webanno.names import ANNOTATION

TOP, SOFA = "uima.cas.TOP", "uima.cas.Sofa"
STRING, BYTE = "uima.cas.String", "uima.cas.Byte"
ANNOTATION_BASE = "uima.cas.AnnotationBase"
DOCUMENT_ANNOTATION = "uima.tcas.DocumentAnnotation"
FS_ARRAY, FS_LIST, LIST_BASE = "uima.cas.FSArray", "uima.cas.FSList", "uima.cas.ListBase"

INTEGERS = frozenset({BYTE, "uima.cas.Short", "uima.cas.Integer", "uima.cas.Long"})
FLOATS = frozenset({"uima.cas.Float", "uima.cas.Double"})
PRIMITIVES = INTEGERS | FLOATS | {STRING, "uima.cas.Boolean"}
ABSTRACT = frozenset({TOP, ANNOTATION_BASE, ANNOTATION})
"""Ranges that say nothing of where a feature leads."""

ARRAYS = {f"{name}Array": name for name in PRIMITIVES} | {FS_ARRAY: TOP}
"""Array type -> the type of its elements."""

_LISTS = {f"uima.cas.{name}List": f"uima.cas.{name}" for name in ("String", "Integer", "Float")} | {FS_LIST: TOP}
_CONTAINERS = ARRAYS | _LISTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """What a feature holds: one value, or `many`, of a primitive or of feature structures: `of` names the type.

    `shared`: an array or list stands by itself in XMI, and is referred to (`multipleReferencesAllowed`).
    """

    of: str
    many: bool = False
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CasType:
    """A type with its `lineage` (itself, its supertype, … uima.cas.TOP) and all features, inherited ones included."""

    name: str
    lineage: tuple[str, ...]
    features: Mapping[str, Feature]

    def is_a(self, name: str) -> bool:
        """Whether this is the type of that name, or one below it."""
        return name in self.lineage

    @property
    def short(self) -> str:
        """The name without its package."""
        return self.name.rpartition(".")[2]


Types: TypeAlias = Mapping[str, CasType]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is wrong at one place of a file: a diagnostic code and a sentence."""

    code: str
    message: str
    line: int = 0
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A type as one file declares it, with the features of its own, and where."""

    name: str
    parent: str
    features: dict[str, Feature] = field(default_factory=dict)
    line: int = 0
    pointer: str = ""


def feature(of: str, element: str | None = None, *, shared: bool = False) -> Feature:
    """A feature of the range `of`, which may be an array (`X[]` too) or a list of `element`."""
    if of.endswith("[]"):
        return Feature(of=of.removesuffix("[]"), many=True, shared=shared)
    if of in _CONTAINERS:
        inner = _CONTAINERS[of]
        return Feature(of=element if inner == TOP and element else inner, many=True, shared=shared)
    return Feature(of=of)


def in_xml(root: xmltext.Element, troubles: list[Trouble]) -> list[Declared]:
    """The types that a UIMA descriptor declares. Types without a name are told in `troubles`."""
    out = []
    for node in root.iter("{*}typeDescription"):
        name, line = _text(node, "name"), int(node.sourceline or 0)
        if not name:
            troubles.append(Trouble(code="I002", message="a type has no name", line=line))
            continue
        declared = Declared(name=name, parent=_text(node, "supertypeName") or TOP, line=line)
        features = next((c for c in xmltext.children(node) if xmltext.local_name(c) == "features"), None)
        for inner in xmltext.children(features) if features is not None else ():
            if called := _text(inner, "name"):
                shared = _text(inner, "multipleReferencesAllowed") == "true"
                of, element = _text(inner, "rangeTypeName") or STRING, _text(inner, "elementType")
                declared.features[called] = feature(of, element, shared=shared)
        out.append(declared)
    return out


def _text(node: xmltext.Element, name: str) -> str:
    found = next((child for child in xmltext.children(node) if xmltext.local_name(child) == name), None)
    return (found.text or "").strip() if found is not None else ""


def in_json(value: object, troubles: list[Trouble]) -> list[Declared]:
    """The types of a `%TYPES` object. What has another shape is told in `troubles`."""
    if not isinstance(value, dict):
        troubles.append(Trouble(code="I002", message="%TYPES is no object", pointer="/%TYPES"))
        return []
    out = []
    for name, given in value.items():
        pointer = f"/%TYPES/{jsontext.escape(name)}"
        parent = given.get("%SUPER_TYPE", TOP) if isinstance(given, dict) else None
        if not isinstance(parent, str):
            troubles.append(Trouble(code="I002", message=f"the type {name[:60]} is not understood", pointer=pointer))
            continue
        declared = Declared(name=name, parent=parent, pointer=pointer)
        for called, inner in given.items():
            if not called.startswith("%"):
                _json_feature(declared, called, inner, troubles)
        out.append(declared)
    return out


def _json_feature(declared: Declared, name: str, given: Any, troubles: list[Trouble]) -> None:
    of = given.get("%RANGE") if isinstance(given, dict) else None
    element = given.get("%ELEMENT_TYPE") if isinstance(given, dict) else None
    if not isinstance(of, str) or not isinstance(element, str | None):
        pointer = f"{declared.pointer}/{jsontext.escape(name)}"
        message = f"the feature {name[:60]} has no %RANGE that names a type"
        troubles.append(Trouble(code="I002", message=message, pointer=pointer))
        return
    declared.features[name] = feature(of, element)


def complete(given: Iterable[Declared], base: Types) -> tuple[Types, dict[str, str]]:
    """The table of all types: those of `base`, and those that are declared, with what they inherit.

    A type that is declared twice, or is in `base`, has the features of both; where they differ, the first counts. A
    type below one that is declared nowhere is left out: nobody can say whether it is an annotation. The second value
    has those types, with the one that each stands below.
    """
    merged: dict[str, Declared] = {}
    for declared in given:
        if declared.name in base and declared.name.startswith("uima.") and declared.name != DOCUMENT_ANNOTATION:
            continue  # UIMA says itself what these are
        known = merged.get(declared.name, declared)
        merged[declared.name] = replace(known, features={**declared.features, **known.features})
    out = dict(base)
    for name in merged:
        _resolve(name, merged, base, out)
    return _primitive_ranges(out), {name: declared.parent for name, declared in merged.items() if name not in out}


def _resolve(name: str, merged: Mapping[str, Declared], base: Types, out: dict[str, CasType]) -> None:
    """Put a type into `out`, after those above it; not if its supertypes lead nowhere, or in a circle."""
    above, at = [], name
    while at in merged and at not in above:
        above.append(at)
        at = merged[at].parent
    if at in above or at not in out:
        return
    for called in reversed(above):
        declared, parent = merged[called], out[merged[called].parent]
        known = base[called].features if called in base else {}
        features = {**known, **parent.features, **declared.features}
        out[called] = CasType(name=called, lineage=(called, *parent.lineage), features=features)


def _primitive_ranges(types: dict[str, CasType]) -> Types:
    """The table with features of enumerated types (below uima.cas.String) as features of that primitive."""
    enumerated = {
        name: primitive
        for name, known in types.items()
        if name not in PRIMITIVES and (primitive := next((p for p in known.lineage if p in PRIMITIVES), None))
    }
    if not enumerated:
        return types
    out = {}
    for name, known in types.items():
        features = {
            n: Feature(of=enumerated.get(f.of, f.of), many=f.many, shared=f.shared) for n, f in known.features.items()
        }
        out[name] = CasType(name=name, lineage=known.lineage, features=features)
    return out
