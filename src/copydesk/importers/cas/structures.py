"""A CAS as XMI or JSON -> its feature structures, as the file has them. Knows both syntaxes; knows no layers.

Features are decoded by the type system, offsets stay in the file's own unit. A structure or a feature that cannot be
understood is told, with its place, and the others are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, TypeAlias

from copydesk import jsontext, xmltext
from copydesk.importers.cas.model import Cas, Raw, Structure, Subject, To
from copydesk.importers.cas.types import (
    ARRAYS,
    BYTE,
    FLOATS,
    INTEGERS,
    LIST_BASE,
    PRIMITIVES,
    SOFA,
    STRING,
    TOP,
    CasType,
    Feature,
    Types,
)
from copydesk.importers.xmlchars import Restore

XMI_ID = "{http://www.omg.org/XMI}id"
XMI_ROOT = "{http://www.omg.org/XMI}XMI"
_NAMESPACE = re.compile(r"\{http:///(.*)\.ecore\}")
_NO_NAMESPACE = "uima.noNamespace."
_JSON_ID = re.compile(r'"%ID"\s*:\s*(-?\d+)|\n')
"""Inside a string of JSON a quotation mark is escaped, so this finds keys only."""


Decode: TypeAlias = Callable[[Feature, Any], Raw]
"""Makes a value of what a file gives for a feature. Raises ValueError, with a sentence for people."""


def from_xmi(root: xmltext.Element, types: Types, restore: Restore | None = None) -> Cas:
    """The structures of an XMI document. `restore`: gives its strings their characters back."""
    cas = Cas()
    for element in xmltext.children(root):
        name, line = xmi_type(element), int(element.sourceline or 0)
        identifier = whole(element.get(XMI_ID))
        if name == "uima.cas.View":
            sofa, members = whole(element.get("sofa")), element.get("members", "").split()
            add_view(cas, sofa, [whole(member) for member in members], line, "")
        elif identifier is None:
            cas.trouble("I002", f"{xmltext.local_name(element)} has no xmi:id that is a whole number", line, "")
        elif name == "uima.cas.NULL":
            cas.nulls.add(identifier)
        else:
            given = xmi_features(element, restore)
            if name == SOFA:
                add_subject(cas, identifier, given, line, "")
            else:
                add_structure(cas, types, identifier, name, given, _decode_xmi, (line, ""))
    return cas


def xmi_features(element: xmltext.Element, restore: Restore | None = None) -> dict[str, Any]:
    """What an element says: attributes are strings, child elements lists of strings."""
    given: dict[str, Any] = {key: value for key, value in element.attrib.items() if not key.startswith("{")}
    for child in element:
        if isinstance(child.tag, str):
            texts = given.setdefault(xmltext.local_name(child), [])
            if isinstance(texts, list):
                texts.append(child.text or "")
    if restore is None:
        return given
    return {k: restore(v) if isinstance(v, str) else list(map(restore, v)) for k, v in given.items()}


def xmi_type(element: xmltext.Element) -> str:
    """XMI, UIMA references 7.3: the namespace is the package with slashes; some types have none."""
    return _type_of(element.tag)


@lru_cache(maxsize=1024)
def _type_of(tag: str) -> str:
    match = _NAMESPACE.match(tag)
    name = tag.rpartition("}")[2]
    whole = f"{match[1].replace('/', '.')}.{name}" if match else name
    return whole.removeprefix(_NO_NAMESPACE)


def from_json(value: dict[str, Any], types: Types, text: str) -> Cas:
    """The structures of a CAS JSON document; `text` is the document, in which they have lines."""
    cas = Cas()
    given = value.get("%FEATURE_STRUCTURES", [])
    lines = _id_lines(text)
    if isinstance(given, dict):  # number -> structure: the other form of the format
        pairs: Iterable[tuple[Any, Any, str]] = ((k, v, jsontext.escape(k)) for k, v in given.items())
    elif isinstance(given, list):
        pairs = ((v.get("%ID") if isinstance(v, dict) else None, v, str(n)) for n, v in enumerate(given))
    else:
        cas.trouble("I002", "%FEATURE_STRUCTURES is neither a list nor an object", 0, "/%FEATURE_STRUCTURES")
        pairs = ()
    for identifier, structure, step in pairs:
        _json_structure(cas, types, whole(identifier), structure, f"/%FEATURE_STRUCTURES/{step}", lines)
    views = value.get("%VIEWS", {})
    for name, view in views.items() if isinstance(views, dict) else ():
        pointer = f"/%VIEWS/{jsontext.escape(name)}"
        members = view.get("%MEMBERS", []) if isinstance(view, dict) else None
        if not isinstance(members, list):
            cas.trouble("I002", f"the members of the view {name[:60]} are no list", 0, pointer)
            continue
        named = next((subject.number for subject in cas.subjects if subject.name == name), None)
        add_view(cas, whole(view.get("%SOFA", named)), [whole(member) for member in members], 0, pointer)
    return cas


def _id_lines(text: str) -> dict[int, int]:
    """Number of a structure -> the line that gives it, for files that have it as `%ID`."""
    lines: dict[int, int] = {}
    line = 1
    for match in _JSON_ID.finditer(text):
        if match[1] is None:
            line += 1
        else:
            lines.setdefault(int(match[1]), line)
    return lines


def _json_structure(
    cas: Cas, types: Types, identifier: int | None, given: object, pointer: str, lines: dict[int, int]
) -> None:
    name = given.get("%TYPE") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(name, str) or identifier is None:
        cas.trouble("I002", "a feature structure has no %ID and %TYPE", 0, pointer)
        return
    place = (lines.get(identifier, 0), pointer)
    if name == SOFA:
        add_subject(cas, identifier, given, *place)
        return
    features: dict[str, tuple[str, object]] = {}
    for key, value in given.items():
        prefix = key[:1] if key[:1] in "@#^" else ""
        if not key.startswith("%"):
            features[key.removeprefix(prefix)] = (prefix, value)
    if name.endswith("[]") or name in ARRAYS:
        prefix = "" if ARRAYS.get(name, name.removesuffix("[]")) in PRIMITIVES else "@"
        features = {"elements": (prefix, given.get("%ELEMENTS", []))}
    add_structure(cas, types, identifier, name, features, decode_json, place)


def add_subject(cas: Cas, number: int, given: Any, line: int, pointer: str) -> None:
    """`given`: the attributes, or the JSON object, of a Sofa."""
    name, text, uri = given.get("sofaID"), given.get("sofaString"), given.get("sofaURI")
    if not isinstance(name, str) or not isinstance(text, str | None):
        cas.trouble("I002", f"the Sofa {number} has no sofaID, or a text that is none", line, pointer)
        return
    if any(number == known.number or name == known.name for known in cas.subjects):
        cas.trouble("I006", f"there is an earlier Sofa {number}, or one that is called {name[:60]}", line, pointer)
        return
    cas.subjects.append(Subject(number=number, name=name, text=text, uri=uri if isinstance(uri, str) else None))


def add_view(cas: Cas, sofa: int | None, members: list[int | None], line: int, pointer: str) -> None:
    if sofa is None or None in members:
        cas.trouble("I002", "a view names its Sofa and its members by whole numbers; this one does not", line, pointer)
    if sofa is not None:
        known = cas.views.setdefault(sofa, ([], line, pointer))[0]
        known.extend(member for member in members if member is not None)


def add_structure(
    cas: Cas, types: Types, number: int, name: str, given: dict[str, Any], decode: Decode, place: tuple[int, str]
) -> None:
    if cas.has(number):
        cas.trouble("I006", f"the number {number} is that of an earlier feature structure", *place)
        return
    element = ARRAYS.get(name) or (name.removesuffix("[]") if name.endswith("[]") else None)
    if element is not None:
        _array(cas, number, Feature(of=element, many=True), given.get("elements"), decode, place)
        return
    known = types.get(name)
    if known is None:
        _undeclared(cas, number, name, place)
        return
    structure = Structure(number=number, type=known, line=place[0], pointer=place[1])
    for key, raw in given.items():
        of = known.features.get(key)
        if of is None:
            cas.left_out[f"values of undeclared features ({known.short}.{key[:60]})"] += 1
            continue
        try:
            value = decode(of, raw)
        except ValueError as error:
            cas.trouble("I002", f"{known.short} {number}: {key[:60]} {error}", *place)
            if key in {"begin", "end", "sofa"}:
                cas.passed.add(number)
                return
            continue
        if value is not None:
            structure.features[key] = value
    if known.is_a(LIST_BASE):
        if structure.features:
            cas.nodes[number] = (structure.features.get("head"), structure.features.get("tail"))
        else:
            cas.arrays[number] = []
    else:
        cas.structures[number] = structure


def _undeclared(cas: Cas, number: int, name: str, place: tuple[int, str]) -> None:
    blank = CasType(name=name, lineage=(name, TOP), features={})
    here = Structure(number=number, type=blank, line=place[0], pointer=place[1])
    count, first = cas.undeclared.get(name, (0, here))
    cas.undeclared[name] = (count + 1, first)
    cas.passed.add(number)


def _array(cas: Cas, number: int, of: Feature, given: Any, decode: Decode, place: tuple[int, str]) -> None:
    try:
        value = decode(of, given) if given is not None else []
    except ValueError as error:
        cas.trouble("I002", f"array {number}: its value {error}", *place)
        cas.passed.add(number)
        return
    cas.arrays[number] = value if isinstance(value, list) else [value]


def _decode_xmi(of: Feature, raw: str | list[str]) -> Raw:
    """What an attribute (a string), or child elements (a list), give.

    An array is written into the attribute: its values, or the numbers of its elements, between spaces; strings are
    child elements. One that is shared stands by itself, and the attribute is its number.
    """
    if not of.many:
        text = raw if isinstance(raw, str) else " ".join(raw)
        return _parsed(of.of, text) if of.of in PRIMITIVES else _reference(text)
    if isinstance(raw, list):
        return [_parsed(of.of, text) if of.of in PRIMITIVES else _reference(text) for text in raw]
    if of.shared:
        return _reference(raw)
    if of.of == BYTE:
        return []  # bytes are counted where they are met; nobody looks into them
    if of.of == STRING:
        if not raw.strip():
            return []
        if raw.isdecimal():  # the type system of the writer had it shared
            return _reference(raw)
        raise ValueError("is an array of strings, which stand in elements of their own")
    return [_parsed(of.of, part) if of.of in PRIMITIVES else _reference(part) for part in raw.split()]


def decode_json(of: Feature, raw: tuple[str, Any]) -> Raw:
    """What a key with its prefix gives: `@` is before references, `#` before numbers that JSON has not."""
    prefix, value = raw
    if value is None:
        return None
    if prefix == "@":
        if isinstance(value, list):
            return [None if v is None else _json_reference(v) for v in value]
        return _json_reference(value)
    if of.many and of.of == BYTE:
        return []
    if of.many:
        if not isinstance(value, list):
            raise ValueError(f"is to be a list, not {str(value)[:60]!r}")
        return [None if v is None else _checked(of.of, v) for v in value]
    return _checked(of.of, value)


def _json_reference(value: object) -> To:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"refers to {str(value)[:60]!r}, which is no number")
    return To(value)


def _checked(of: str, value: object) -> Raw:
    if isinstance(value, str) and of in FLOATS:
        return _parsed(of, {"Inf": "Infinity", "-Inf": "-Infinity"}.get(value, value))
    if isinstance(value, bool) and of == "uima.cas.Boolean":
        return value
    if isinstance(value, str) and of == STRING:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        if of in FLOATS:
            return float(value)
        if of in INTEGERS and isinstance(value, int):
            return value
    raise ValueError(f"is to be {_kind(of)}, not {str(value)[:60]!r}")


def _parsed(of: str, text: str) -> Raw:
    """The value of a primitive type in its XML form."""
    if of == STRING:
        return text
    if of == "uima.cas.Boolean" and text in {"true", "false"}:
        return text == "true"
    if of in INTEGERS and (number := whole(text)) is not None:
        return number
    if of in FLOATS:
        try:
            return float(text)
        except ValueError:
            pass
    raise ValueError(f"is to be {_kind(of)}, not {text[:60]!r}")


def _kind(of: str) -> str:
    if of in PRIMITIVES:
        return {"uima.cas.Boolean": "true or false", STRING: "a string"}.get(of, "a number")
    return f"a {of.rpartition('.')[2]}"


def _reference(text: str) -> To:
    number = whole(text)
    if number is None:
        raise ValueError(f"refers to {text[:60]!r}, which is no number")
    return To(number)


def whole(value: object) -> int | None:
    """A whole number of 64 bits, as a string or as such."""
    if isinstance(value, str) and len(value) < 19 and value.isascii() and value.isdigit():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    if isinstance(value, str) and not re.fullmatch(r"\s*[+-]?[0-9]{1,20}\s*", value):
        return None
    number = int(value)
    return number if -(2**63) <= number < 2**63 else None
