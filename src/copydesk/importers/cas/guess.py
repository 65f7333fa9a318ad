"""The types of a file that comes without any type system, as far as its structures show them.

What has a begin and an end is an annotation. XMI says nothing of its values, so these are strings; but what names only
structures that are in no index, which something has to refer to, is a list of references. JSON tells numbers and
references by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from copydesk import xmltext
from copydesk.importers.cas.structures import XMI_ID, xmi_features, xmi_type
from copydesk.importers.cas.types import ANNOTATION_BASE, FLOATS, INTEGERS, SOFA, STRING, TOP, CasType, Feature, Types
from copydesk.importers.cas.values import HEAD, TAIL
from copydesk.importers.webanno.names import ANNOTATION

_BOOLEAN, _LONG, _DOUBLE = "uima.cas.Boolean", "uima.cas.Long", "uima.cas.Double"
_NO_TYPES = frozenset({"uima.cas.View", "uima.cas.NULL", SOFA})
_SPAN = frozenset({"begin", "end", "sofa"})

_Shown: TypeAlias = tuple[str, Mapping[str, Feature]]
"""(type, the features that one structure of it shows)."""


def from_xmi(root: xmltext.Element, types: Types) -> dict[str, CasType]:
    """The types of XMI that are not in the table."""
    return of_structures(_shown_by_xmi(root, types), types)


def _shown_by_xmi(root: xmltext.Element, types: Types) -> Iterator[_Shown]:
    unknown: list[tuple[str, dict[str, Any]]] = []
    loose: set[str] = set()
    for element in xmltext.children(root):
        name = xmi_type(element)
        if name not in types and name not in _NO_TYPES and not name.endswith("[]"):
            unknown.append((name, xmi_features(element)))
            loose.add(element.get(XMI_ID, ""))
    for view in root.iter("{http:///uima/cas.ecore}View"):
        loose -= set(view.get("members", "").split())
    values = {(name, key) for name, given in unknown for key in given}
    values -= {
        (name, key)
        for name, given in unknown
        for key, value in given.items()
        if not isinstance(value, str) or not loose.issuperset(value.split()) or not value.strip()
    }
    for name, given in unknown:
        yield name, {key: _shown_by_attribute(value, refers=(name, key) in values) for key, value in given.items()}


def _shown_by_attribute(value: object, *, refers: bool) -> Feature:
    return Feature(of=TOP, many=True) if refers else Feature(of=STRING, many=isinstance(value, list))


def from_json(value: Mapping[str, Any], types: Types) -> dict[str, CasType]:
    """The types of CAS JSON that are not in the table."""
    given = value.get("%FEATURE_STRUCTURES")
    structures = given.values() if isinstance(given, dict) else given if isinstance(given, list) else ()
    return of_structures(_in_json(structures, types), types)


def _in_json(structures: Iterable[object], types: Types) -> Iterator[_Shown]:
    for structure in structures:
        name = structure.get("%TYPE") if isinstance(structure, dict) else None
        if isinstance(structure, dict) and isinstance(name, str) and name not in types and not name.endswith("[]"):
            plain = {key.lstrip("@#^"): (key[:1], value) for key, value in structure.items() if key[:1] != "%"}
            yield name, shown_by_json(plain)


def shown_by_json(given: Mapping[str, tuple[str, object]]) -> dict[str, Feature]:
    """The features that a structure shows: feature -> (prefix of CAS JSON, value)."""
    return {key: _shown_by_value(prefix, value) for key, (prefix, value) in given.items() if value is not None}


def _shown_by_value(prefix: str, value: object) -> Feature:
    many = isinstance(value, list)
    parts = [part for part in value if part is not None] if isinstance(value, list) else [value]
    if prefix == "@":
        return Feature(of=TOP, many=many)
    if all(isinstance(part, bool) for part in parts) and parts:
        return Feature(of=_BOOLEAN, many=many)
    if all(isinstance(part, int | float) for part in parts) and parts:
        return Feature(of=_LONG if all(isinstance(part, int) for part in parts) else _DOUBLE, many=many)
    return Feature(of=STRING, many=many)


def of_structures(shown: Iterable[_Shown], types: Types) -> dict[str, CasType]:
    """The types that structures show, each with the features of all its structures. `types`: what is known anyway."""
    features: dict[str, dict[str, Feature]] = {}
    for name, given in shown:
        known = features.setdefault(name, {})
        for key, one in given.items():
            known[key] = _both(known.get(key, one), one)
    out = {}
    for name, own in features.items():
        above = TOP if "sofa" not in own else ANNOTATION if own.keys() & {"begin", "end"} else ANNOTATION_BASE
        parent = types[above]
        ends = {end: Feature(of=ANNOTATION) for end in (HEAD, TAIL)} if own.keys() >= {HEAD, TAIL} else {}
        lineage = (name, *parent.lineage)
        out[name] = CasType(name=name, lineage=lineage, features={**own, **ends, **parent.features})
    return out


def _both(one: Feature, other: Feature) -> Feature:
    """A feature that holds what either holds."""
    of = one.of
    if one.of != other.of:
        numbers = {one.of, other.of} <= INTEGERS | FLOATS
        of = _DOUBLE if numbers else STRING
    return Feature(of=of, many=one.many or other.many)


def counted(types: Mapping[str, CasType]) -> Counter[str]:
    """How many features have no type but a guessed one, by the type that they are of."""
    words = "types of features that nothing declares"
    return +Counter({f"{words} ({name[:100]})": len(known.features.keys() - _SPAN) for name, known in types.items()})
