"""GATE documents as values, and how they are read from bdoc: JSON, YAML or MessagePack of GATE and python-gatenlp.

Offsets are as the file has them, in the unit that it declares; layers and passes are made in __init__.py.
"""

from __future__ import annotations

import datetime
import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from copydesk import jsontext
from copydesk.articles.model import Value
from copydesk.articles.offsets import CODE_POINTS, UTF16, decide
from copydesk.articles.units import decode
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.gate.messagepack import Unpacker

UNITS = {"p": CODE_POINTS, "j": UTF16}
"""What `offset_type` can say: Python counts code points, Java counts UTF-16 units."""

_MOST_VALUES, _MOST_LEVELS = 100_000, 50
_WIDE, _ENDLESS = "\ufdd0 beyond 64 bits", "\ufdd0 not finite"
"""What stands in JSON for numbers that it cannot hold, until the feature is left out. U+FDD0 is in no text."""
_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|NaN|-?Infinity', re.S)
_TECHNICAL = frozenset({"gatenlp_type", "repr_version", "document_type", "next_annid", "max_annid", "name"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with one annotation or feature, and where the file has it."""

    code: str
    message: str
    line: int = 0
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateAnnotation:
    """One annotation. `id` is None where the file gives none."""

    id: str | None
    type: str
    start: int
    end: int
    features: Mapping[str, Value]
    line: int = 0
    pointer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRelation:
    """One relation. `members` are ids of annotations of its set."""

    id: str
    type: str
    members: tuple[str, ...]
    features: Mapping[str, Value]
    line: int = 0


@dataclass(slots=True, kw_only=True)
class GateSet:
    """An annotation set, in the order of the file, with what was not understood of it."""

    annotations: list[GateAnnotation] = field(default_factory=list)
    relations: list[GateRelation] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True, kw_only=True)
class GateDocument:
    """A document: `sets` by name, the default one under the empty name; `unit` is what its offsets count.

    `line` and `pointer`: where the file has it.
    """

    text: str
    line: int = 1
    pointer: str = ""
    name: str | None = None
    unit: str = CODE_POINTS
    features: dict[str, Value] = field(default_factory=dict)
    sets: dict[str, GateSet] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def set(self, name: str | None) -> GateSet:
        """The set of a name, made if it is not there."""
        return self.sets.setdefault(name or "", GateSet())


class NotCarried(ValueError):  # noqa: N818 - words for what is counted
    """A feature that an article cannot hold; the message is a plural noun phrase."""


def features_of(given: Mapping[Any, Any], left_out: Counter[str]) -> dict[str, Value]:
    """Features as an article holds them; what it cannot hold is counted in `left_out`."""
    out: dict[str, Value] = {}
    for key, value in given.items():
        name = str(key)
        while name in out:  # 1 and "1" are two keys in YAML
            name += "_"
        try:
            out[name] = _Plain(left_out).value(value, 0)
        except NotCarried as refused:
            left_out[str(refused)] += 1
    return out


class _Plain:
    """One value, with a limit to what shared objects can expand to."""

    def __init__(self, left_out: Counter[str]) -> None:
        self.left_out, self.spent = left_out, 0

    def value(self, value: object, depth: int) -> Value:
        self.spent += 1
        if self.spent > _MOST_VALUES or depth > _MOST_LEVELS:
            raise NotCarried("features that are too large")
        if value == _WIDE or (type(value) is int and not -(2**63) <= value < 2**63):
            raise NotCarried("features that are numbers beyond 64 bits")
        if value == _ENDLESS or (isinstance(value, float) and not math.isfinite(value)):
            raise NotCarried("features that are no finite numbers")
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, datetime.date):
            return str(value)
        if isinstance(value, Mapping):
            return {str(key): self.value(inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, set):
            value = sorted(value, key=repr)
        if isinstance(value, list | tuple):
            return self.of_one_type([self.value(inner, depth + 1) for inner in value])
        raise NotCarried("features that are no text, number, list or map")

    def of_one_type(self, values: list[Value]) -> list[Value]:
        """A list holds one type of value: numbers become floats, a mixture of others strings."""
        types = {type(value) for value in values if value is not None}
        if len(types) < 2:
            return values
        if types == {int, float}:
            return [float(value) if isinstance(value, int) else value for value in values]
        self.left_out["item types of lists of several types"] += 1
        return [v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values]


def read_bdoc(data: bytes, file: str, encoding: str) -> GateDocument | Diagnostic:
    """The document of a bdoc file, by its suffix: .bdocmp is MessagePack, .bdocym is YAML, all else is JSON.

    A file that cannot be understood as a whole is I001, I004, S002 or the code of the JSON error.
    """
    name = file.lower().removesuffix(".gz")
    lines: dict[str, int] = {}
    loose = ""
    try:
        if name.endswith(".bdocmp"):
            value, loose = _from_msgpack(data)
        else:
            decoded = decode(data, file, encoding)
            if isinstance(decoded, Diagnostic):
                return decoded
            if name.endswith(".bdocym"):
                value, lines = _from_yaml(decoded[0])
            else:
                value = parse_json(decoded[0])
    except jsontext.JsonError as error:
        return Diagnostic(
            code=error.code, place=Place(file=file, line=error.line, column=error.column), message=error.message
        )
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        message = f"it is not YAML: {str(getattr(error, 'problem', None) or error).splitlines()[0][:120]}"
        return Diagnostic(code="I001", place=Place(file=file, line=line), message=message)
    except RecursionError:
        return Diagnostic(code="I001", place=Place(file=file, line=1), message="it is nested too deep")
    except ValueError as error:
        return Diagnostic(code="I001", place=Place(file=file, line=1), message=f"it cannot be read: {str(error)[:120]}")
    document = document_of(value, file, lines)
    if loose and isinstance(document, GateDocument):
        document.problems.append(Problem(code="I002", message=loose))
    return document


def document_of(value: object, file: str, lines: Mapping[str, int], line: int = 1) -> GateDocument | Diagnostic:
    """The document that a value is. `lines`: pointer -> line, for what is not on `line`."""
    place = Place(file=file, line=line)
    if not isinstance(value, Mapping) or not value.keys() & {"text", "annotation_sets"}:
        changes = isinstance(value, Mapping) and "changes" in value
        what = "a log of changes, not a document" if changes else "no document with text and annotation_sets"
        return Diagnostic(code="I001", place=place, message=f"the file holds {what}")
    text, kind, sets = value.get("text"), value.get("offset_type"), value.get("annotation_sets")
    if not isinstance(text, str):
        return Diagnostic(code="I004", place=place, message="the document has no text")
    if kind is not None and kind not in UNITS:
        message = f"offset_type is {str(kind)[:40]!r}; 'p' is code points, 'j' is UTF-16 units"
        return Diagnostic(code="I001", place=place, message=message)
    name = value.get("name")
    document = GateDocument(text=text, line=line, name=name if isinstance(name, str) and name else None)
    _add_features(document, value.get("features"), document.features)
    for key in value.keys() - {"text", "features", "offset_type", "annotation_sets"} - _TECHNICAL:
        document.left_out[f"properties {str(key)[:40]}"] += 1
    if isinstance(sets, list):  # under their own names
        sets = {str(one.get("name") or "") if isinstance(one, Mapping) else "": one for one in sets}
    if isinstance(sets, Mapping):
        for key, one in sets.items():
            _add_set(document.set(str(key or "")), one, f"/annotation_sets/{jsontext.escape(key)}", lines)
    elif sets is not None:
        document.problems.append(
            Problem(code="I002", message="annotation_sets is no object", pointer="/annotation_sets")
        )
    document.unit = UNITS[kind] if isinstance(kind, str) else _decided(document)
    return document


def _add_features(document: GateDocument, given: object, features: dict[str, Value]) -> None:
    if isinstance(given, Mapping):
        features |= features_of(given, document.left_out)
    elif given is not None:
        message = "the features of the document are no object"
        document.problems.append(Problem(code="I002", message=message, pointer="/features"))


def _add_set(into: GateSet, given: object, pointer: str, lines: Mapping[str, int]) -> None:
    annotations = given.get("annotations") if isinstance(given, Mapping) else given
    if isinstance(given, Mapping):
        for key in given.keys() - {"annotations"} - _TECHNICAL:
            into.left_out[f"properties {str(key)[:40]} of sets"] += 1
        pointer += "/annotations"
    if not isinstance(annotations, list):
        into.problems.append(
            Problem(code="I002", message="the annotation set has no list of annotations", pointer=pointer)
        )
        return
    for number, annotation in enumerate(annotations):
        where = f"{pointer}/{number}"
        made = _annotation(annotation, where, lines.get(where, 0), into.left_out)
        if isinstance(made, GateAnnotation):
            into.annotations.append(made)
        else:
            problem = Problem(code="I002", message=made, line=lines.get(where, 0), pointer=where)
            into.problems.append(problem)


def _annotation(given: object, pointer: str, line: int, left_out: Counter[str]) -> GateAnnotation | str:
    """The annotation, or what is wrong with it."""
    if not isinstance(given, Mapping):
        return "the annotation is no object"
    kind, start, end, identifier = (given.get(key) for key in ("type", "start", "end", "id"))
    features = given.get("features")
    if not isinstance(kind, str) or not kind:
        return f"the annotation has no type: it is {str(kind)[:40]!r}"
    if type(start) is not int or type(end) is not int:
        return f"the {kind[:40]} has no offsets: start is {str(start)[:20]!r}, end is {str(end)[:20]!r}"
    if identifier is not None and type(identifier) not in (int, str):
        return f"the id of the {kind[:40]} is neither number nor string: {str(identifier)[:40]!r}"
    if features is not None and not isinstance(features, Mapping):
        return f"the features of the {kind[:40]} are no object"
    for key in given.keys() - {"type", "start", "end", "id", "features"} - _TECHNICAL:
        left_out[f"properties {str(key)[:40]} of annotations"] += 1
    return GateAnnotation(
        id=None if identifier is None else str(identifier),
        type=kind,
        start=start,
        end=end,
        features=features_of(features or {}, left_out),
        line=line,
        pointer=pointer,
    )


def _decided(document: GateDocument) -> str:
    """The unit of a file that declares none, from the strings that GATE's tokeniser leaves with its tokens."""
    claims = [
        (annotation.start, annotation.end, string)
        for one in document.sets.values()
        for annotation in one.annotations
        if annotation.type == "Token" and isinstance(string := annotation.features.get("string"), str)
    ]
    return decide(document.text, claims, (CODE_POINTS, UTF16)).unit


def parse_json(text: str) -> object:
    """The value of a JSON text. Raises JsonError.

    Python writes NaN, and the 64-bit hashes that spaCy gives its tokens, which JSON readers do not agree on. No
    document is refused for a feature that nobody would miss: such numbers are set aside and counted.
    """
    try:
        return jsontext.loads(text.encode())
    except jsontext.JsonError as error:
        if error.code != "S005":
            raise
    return jsontext.loads(_NUMBER.sub(_set_aside, text).encode())


def _set_aside(match: re.Match[str]) -> str:
    number = match[0]
    if number.endswith(("NaN", "Infinity")):
        return f'"{_ENDLESS}"'
    if len(number) > 18 and number.removeprefix("-").isdecimal():
        fits = len(number) < 21 and -(2**63) <= int(number) < 2**63
        return number if fits else f'"{_WIDE}"'
    return number


class _Loader(yaml.SafeLoader):
    """Refuses keys that are there twice: the plain loader keeps the last one without a word.

    Not the loader in C: that one ends the process where brackets are nested too deep.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value!r} is there twice", key.start_mark
                    )
                seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep)


def _from_yaml(text: str) -> tuple[object, dict[str, int]]:
    """The value, and pointer -> line for the annotations. Raises ValueError, YAMLError and RecursionError."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        value: object = loader.construct_document(root) if root is not None else None
    except (LookupError, TypeError, AttributeError, OverflowError) as error:  # for `!!int ""` and its like
        raise ValueError(f"a value is not of the type that its tag names: {error}") from None
    finally:
        loader.dispose()
    lines: dict[str, int] = {}
    for name, one in _pairs(_child(root, "annotation_sets")):
        annotations = _child(one, "annotations")
        for number, node in enumerate(annotations.value if isinstance(annotations, yaml.SequenceNode) else ()):
            pointer = f"/annotation_sets/{jsontext.escape(name.value)}/annotations/{number}"
            lines[pointer] = node.start_mark.line + 1
    return value, lines


def _pairs(node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
    return list(node.value) if isinstance(node, yaml.MappingNode) else []


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    return next((value for name, value in _pairs(node) if name.value == key), None)


def _from_msgpack(data: bytes) -> tuple[object, str]:
    """The document in the form of the JSON, and what is wrong with the end of the file. Raises ValueError.

    The values stand one after the other: `sm1` or `sm2`, offset type, text, in sm2 the name, features, number of sets;
    for each set its name, the next free id, number of annotations; for each of those type, start, end, id, features.
    """
    unpack = Unpacker(data)
    version = unpack.value()
    if isinstance(version, dict):
        return version, ""
    if version not in ("sm1", "sm2"):
        raise ValueError(f"MessagePack of a document begins with 'sm1' or 'sm2', not {str(version)[:20]!r}")
    document: dict[str, Any] = {"offset_type": unpack.value(), "text": unpack.value()}
    if version == "sm2":
        document["name"] = unpack.value()
    document["features"] = unpack.value()
    sets: dict[str, dict[str, list[Any]]] = {}
    document["annotation_sets"] = sets
    for _ in range(unpack.count()):
        name = unpack.value()
        unpack.value()
        annotations = sets.setdefault(str(name or ""), {"annotations": []})["annotations"]
        for _ in range(unpack.count()):
            annotations.append({key: unpack.value() for key in ("type", "start", "end", "id", "features")})
    rest = len(data) - unpack.at
    return document, f"{rest} bytes follow the last annotation set" if rest else ""
