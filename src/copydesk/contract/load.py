"""Schema files -> Contract, with a diagnostic for each thing that cannot be expressed. Not the validator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any

from copydesk import jsontext
from copydesk.contract.types import Contract, Field, Kind, Label, Ref, Span, Type, walk_types
from copydesk.contract.validate import schema_errors
from copydesk.diagnostics import Diagnostic, Place

_RULES = (
    "pattern", "format", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "multipleOf", "minItems", "maxItems", "uniqueItems", "const",
)  # fmt: skip
_FORMATS = {
    "date", "date-time", "time", "duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6", "uri",
    "uri-reference", "iri", "iri-reference", "uuid", "uri-template", "json-pointer", "relative-json-pointer", "regex",
}  # fmt: skip
_KEYWORDS = {
    "$schema", "$id", "$ref", "$defs", "$comment", "title", "description", "type", "properties", "required",
    "unevaluatedProperties", "additionalProperties", "items", "anyOf", "oneOf", "default", "examples", "deprecated",
    "x-span", "x-key", "x-ref", "x-link", "x-group", "x-withhold", *_RULES,
}  # fmt: skip
_SCALARS = {"string": "string", "integer": "integer", "number": "number", "boolean": "boolean"}


def vocabulary() -> dict[str, Any]:
    """The meta-schema of the contract vocabulary, as JSON values."""
    value: dict[str, Any] = jsontext.loads((files("copydesk.contract") / "vocabulary.schema.json").read_bytes())
    return value


def load_contract(root: Path, kinds: tuple[str, ...]) -> tuple[Contract | None, list[Diagnostic]]:
    """Read every `*.schema.json` of `root`/schema and compile one type for each kind.

    Returns no contract if anything is wrong with it: what depends on it cannot be judged then.
    """
    documents, texts, found = _read_documents(root)
    compiled: dict[str, Kind] = {}
    for name in kinds if not found else ():
        file = f"schema/{name}.schema.json"
        entry = next(((i, doc) for i, (f, doc) in documents.items() if f == file), None)
        if entry is None:
            message = f"records of kind {name!r} need a schema"
            found.append(Diagnostic(code="C001", place=Place(file=file), message=message))
            continue
        try:
            node = _Compiler(documents).compile(entry[1], entry[0], "")
        except _Wrong as wrong:
            found.append(_at(texts, wrong.file, wrong.code, wrong.pointer, wrong.message))
            continue
        compiled[name] = Kind(name=name, file=file, type=node, schema=entry[1])
    for kind in compiled.values() if not found else ():
        misused = [*_misuses(kind, compiled), *_homeless(kind, kinds[0])]
        found.extend(_at(texts, kind.file, "C006", pointer, message) for pointer, message in misused)
    if found:
        return None, found
    plain = {identifier: document for identifier, (_, document) in documents.items()}
    return Contract(kinds=compiled, documents=plain), []


def _read_documents(root: Path) -> tuple[dict[str, tuple[str, dict[str, Any]]], dict[str, str], list[Diagnostic]]:
    """($id -> file and schema, file -> text, what is wrong) for the schema files that keep the meta-schema."""
    documents: dict[str, tuple[str, dict[str, Any]]] = {}
    texts: dict[str, str] = {}
    found: list[Diagnostic] = []
    for path in sorted((root / "schema").glob("*.schema.json")):
        file = path.relative_to(root).as_posix()
        try:
            data = path.read_bytes()
            value = jsontext.loads(data)
        except OSError as error:
            found.append(Diagnostic(code="S001", place=Place(file=file), message=str(error.strerror)))
            continue
        except jsontext.JsonError as error:
            place = Place(file=file, line=error.line, column=error.column)
            found.append(Diagnostic(code="C002", place=place, message=error.message))
            continue
        texts[file] = data.decode()
        # one finding a place: a value of the wrong type breaks every rule about it
        wrong = dict(reversed(list(schema_errors(vocabulary(), value))))
        errors = [(pointer, _in_words(pointer, message)) for pointer, message in wrong.items()]
        identifier = str(value.get("$id", file)) if isinstance(value, dict) else file
        if identifier in documents:
            errors.append(("/$id", f"{identifier!r} is the $id of {documents[identifier][0]} already"))
        found.extend(_at(texts, file, "C003", pointer, message) for pointer, message in errors)
        if not errors and isinstance(value, dict):
            documents[identifier] = (file, value)
    return documents, texts, found


def _in_words(pointer: str, message: str) -> str:
    """What the meta-schema says of a keyword, for people who have not read it."""
    keyword = pointer.rpartition("/")[2]
    if message.startswith("False schema"):
        return f"{keyword!r} is no keyword of the annotation vocabulary"
    value, nothing, _ = message.partition(" is not valid under any of the schemas")
    return f"{value} is nothing that JSON Schema allows for {keyword!r}" if nothing else message


def compile_kind(name: str, schema: Mapping[str, Any]) -> Kind:
    """The kind that a schema declares which refers to no other file and is known to be right. Raises ValueError."""
    file = f"schema/{name}.schema.json"
    try:
        node = _Compiler({file: (file, dict(schema))}).compile(schema, file, "")
        return Kind(name=name, file=file, type=node, schema=schema)
    except _Wrong as wrong:
        raise ValueError(f"{wrong.pointer}: {wrong}") from wrong


def load_row_types(folder: Path, paths: Mapping[str, str]) -> tuple[dict[str, Type], list[Diagnostic]]:
    """The row types of a release, from the contracts that it carries (config -> path)."""
    types: dict[str, Type] = {}
    found: list[Diagnostic] = []
    for name, path in paths.items():
        try:
            value = jsontext.loads((folder / path).read_bytes())
            types[name] = _Compiler({path: (path, value)}).compile(value, path, "")
        except (OSError, jsontext.JsonError, _Wrong) as error:
            found.append(Diagnostic(code="V005", place=Place(file=path), message=f"no contract of rows: {error}"))
    return types, found


def _at(texts: Mapping[str, str], file: str, code: str, pointer: str, message: str) -> Diagnostic:
    text = texts.get(file, "")
    known = jsontext.positions(text) if text else {}
    near = pointer
    while near and near not in known:  # what a $ref or anyOf leads to stands elsewhere
        near = near.rpartition("/")[0]
    line = text.count("\n", 0, known[near]) + 1 if near in known else None
    return Diagnostic(code=code, place=Place(file=file, line=line, pointer=pointer or None), message=message)


class _Wrong(Exception):  # noqa: N818 - a finding about a schema on its way out of the recursion
    def __init__(self, code: str, file: str, pointer: str, message: str) -> None:
        super().__init__(message)
        self.code, self.file, self.pointer, self.message = code, file, pointer, message


class _Compiler:
    """Compiles schema nodes to types; `base` is the $id of the document that a node stands in."""

    def __init__(self, documents: Mapping[str, tuple[str, dict[str, Any]]]) -> None:
        self.documents = documents
        self.open: list[str] = []

    def compile(self, node: Any, base: str, pointer: str) -> Type:
        if not isinstance(node, dict):
            raise self._wrong("C005", base, pointer, "true and false are no types of a column")
        self._check_keywords(node, base, pointer)
        if "$ref" in node:
            return self._overlay(self._reference(node["$ref"], base, pointer), node)
        if "anyOf" in node:
            return self._overlay(self._optional(node["anyOf"], base, pointer), node)
        if "oneOf" in node:
            return self._overlay(self._labels(node["oneOf"], base, pointer), node)
        return self._overlay(self._plain(node, base, pointer), node)

    def _check_keywords(self, node: dict[str, Any], base: str, pointer: str) -> None:
        """JSON Schema ignores what it does not know, so a typo would switch a rule off without a word."""
        for keyword in node:
            if keyword not in _KEYWORDS:
                near = get_close_matches(keyword, _KEYWORDS, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                message = f"{keyword!r} is no keyword of a contract{hint}"
                raise self._wrong("C005", base, f"{pointer}/{jsontext.escape(keyword)}", message)
        if node.get("format") not in {None, *_FORMATS}:
            message = f"there is no format {node['format']!r}"
            raise self._wrong("C005", base, f"{pointer}/format", message)

    def _wrong(self, code: str, base: str, pointer: str, message: str) -> _Wrong:
        return _Wrong(code, self.documents[base][0], pointer, message)

    def _reference(self, ref: str, base: str, pointer: str) -> Type:
        identifier, _, fragment = ref.partition("#")
        target_base = identifier or base
        target: Any = self.documents[target_base][1] if target_base in self.documents else None
        for step in fragment.split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            target = target.get(key) if isinstance(target, dict) else None
        if target is None:
            raise self._wrong("C004", base, f"{pointer}/$ref", f"{ref!r} leads nowhere in schema/")
        place = f"{target_base}#{fragment}"
        if place in self.open:
            raise self._wrong("C005", base, f"{pointer}/$ref", "a type that contains itself is no column")
        self.open.append(place)
        try:
            return self.compile(target, target_base, fragment)
        finally:
            self.open.pop()

    def _optional(self, options: list[Any], base: str, pointer: str) -> Type:
        real = [i for i, option in enumerate(options) if option != {"type": "null"}]
        if len(options) != 2 or len(real) != 1:
            raise self._wrong("C005", base, f"{pointer}/anyOf", "anyOf is for one type and null")
        return self.compile(options[real[0]], base, f"{pointer}/anyOf/{real[0]}").as_nullable()

    def _labels(self, options: list[Any], base: str, pointer: str) -> Type:
        labels = []
        for index, option in enumerate(options):
            const = option.get("const") if isinstance(option, dict) else None
            if not isinstance(const, str) or not option.get("description"):
                message = "oneOf lists labels: each a const (a string), a title and a description"
                raise self._wrong("C005", base, f"{pointer}/oneOf/{index}", message)
            title = option.get("title", const)
            labels.append(Label(name=const, title=title, description=option["description"]))
        if len({label.name for label in labels}) != len(labels):
            raise self._wrong("C005", base, f"{pointer}/oneOf", "a label is listed twice")
        return Type(kind="label", labels=tuple(labels))

    def _plain(self, node: dict[str, Any], base: str, pointer: str) -> Type:
        names = node.get("type")
        names = [names] if isinstance(names, str) else list(names or [])
        nullable = "null" in names
        real = [name for name in names if name != "null"]
        if len(real) != 1:
            message = "a column has one type, or one type and null"
            raise self._wrong("C005", base, f"{pointer}/type" if names else pointer, message)
        if real[0] == "object":
            made = self._struct(node, base, pointer)
        elif real[0] == "array":
            if not isinstance(node.get("items"), dict) or "prefixItems" in node:
                raise self._wrong("C005", base, pointer, "an array has `items` of one type")
            made = Type(kind="list", item=self.compile(node["items"], base, f"{pointer}/items"))
        else:
            if real[0] == "integer" and not {"minimum", "maximum"} <= node.keys():
                raise self._wrong("C005", base, pointer, "an integer has a minimum and a maximum")
            made = Type(kind=_SCALARS[real[0]])  # type: ignore[arg-type]
        return made.as_nullable() if nullable else made

    def _struct(self, node: dict[str, Any], base: str, pointer: str) -> Type:
        if node.get("unevaluatedProperties") is not False and node.get("additionalProperties") is not False:
            message = 'an object is closed: add "unevaluatedProperties": false'
            raise self._wrong("C005", base, pointer, message)
        if not node.get("properties"):
            raise self._wrong("C005", base, pointer, "an object has at least one property")
        folded: dict[str, str] = {}
        for name in node["properties"]:
            if (twin := folded.setdefault(name.casefold(), name)) != name:
                message = f"{name!r} and {twin!r} differ only by case, and are one column to SQL engines"
                raise self._wrong("C005", base, f"{pointer}/properties/{jsontext.escape(name)}", message)
        required = set(node.get("required", ()))
        if unknown := sorted(required - node["properties"].keys()):
            raise self._wrong("C005", base, f"{pointer}/required", f"requires {unknown[0]!r}, which it does not have")
        fields = tuple(
            Field(
                name=name,
                type=self.compile(child, base, f"{pointer}/properties/{jsontext.escape(name)}"),
                required=name in required,
            )
            for name, child in node["properties"].items()
        )
        return Type(kind="struct", fields=fields)

    def _overlay(self, made: Type, node: dict[str, Any]) -> Type:
        """`made` with the keywords that stand beside $ref, anyOf, oneOf or type."""
        span, ref = node.get("x-span"), node.get("x-ref")
        return Type(
            kind=made.kind,
            nullable=made.nullable,
            description=node.get("description", made.description),
            fields=made.fields,
            item=made.item,
            labels=made.labels,
            rules={**made.rules, **{rule: node[rule] for rule in _RULES if rule in node}},
            span=Span(**span) if span else made.span,
            key=node.get("x-key", made.key),
            ref=(Ref(layer=ref) if isinstance(ref, str) else Ref(**ref)) if ref else made.ref,
            link=node.get("x-link", made.link),
            group=node.get("x-group", made.group),
            withhold=node.get("x-withhold", made.withhold),
        )


def _homeless(kind: Kind, primary: str) -> Iterator[tuple[str, str]]:
    """A record stands in the split of its own, or of the articles that it links to: one of the two it must have."""
    homes = [f.type for f in kind.type.fields if f.type.link == primary and f.type.group and not f.type.nullable]
    homes += [
        node
        for (layer, _), node in kind.listed_links().items()
        if node.link == primary
        and node.group
        and not node.nullable
        and kind.type.field_type(layer).rules.get("minItems")
    ]
    if kind.name != primary and not homes:
        message = (
            f"{kind.name} records need a required property with x-link {primary!r} and x-group, or a layer with "
            "minItems whose items have one: it gives the split"
        )
        yield "/properties", message


def _misuses(kind: Kind, kinds: Mapping[str, Kind]) -> Iterator[tuple[str, str]]:
    """(pointer into the schema, message) for what the vocabulary says that the types do not bear out."""
    identifier = kind.type.get("id")
    if identifier is None or identifier.kind != "string" or identifier.nullable:
        yield "/properties/id", f"{kind.name} records need a property `id`: a string, required"
    for path, node in walk_types(kind.type):
        where = "/".join(path) or "the record"
        pointer = "".join("/items" if step == "*" else f"/properties/{jsontext.escape(step)}" for step in path)
        for keyword, what in _node_misuses(kind, path, node, kinds):
            yield f"{pointer}/{keyword}", f"{keyword} of {where}: {what}"


def _node_misuses(
    kind: Kind, path: tuple[str, ...], node: Type, kinds: Mapping[str, Kind]
) -> Iterator[tuple[str, str]]:
    if node.span:
        yield from (("x-span", what) for what in _span_misuses(kind, node, node.span))
    if node.key and not (node.kind == "list" and node.item and node.item.get(node.key)):
        yield "x-key", f"the items have no {node.key!r}"
    if node.ref:
        yield from (("x-ref", what) for what in _ref_misuses(kind, path, node.ref, kinds))
    if node.link and node.link not in kinds:
        yield "x-link", f"there is no kind {node.link!r}"
    of_item = len(path) == 3 and path[1] == "*"
    if node.group and len(path) != 1 and not (of_item and node.link):
        yield "x-group", "only a property of the record itself can group, or an x-link of the items of a layer"
    if node.link and len(path) != 1 and not of_item:
        yield "x-link", "only a property of the record, or of the items of a layer, can link"
    for keyword, used in (("x-ref", node.ref), ("x-link", node.link), ("x-withhold", node.withhold)):
        if used and node.kind != "string":
            yield keyword, "only a string can carry it"


def _span_misuses(kind: Kind, node: Type, span: Span) -> Iterator[str]:
    text = kind.type.get(span.text)
    if text is None or text.kind != "string":
        yield f"the record has no text property {span.text!r}"
    if span.fragments is not None:
        fragments = node.get(span.fragments)
        item = fragments.item if fragments else None
        if item is None or not {"start", "end"} <= set(item.names):
            yield f"{span.fragments!r} is no array of objects with start and end"
    elif not {span.start, span.end} <= set(node.names):
        yield f"the object has no {span.start!r} or no {span.end!r}"
    if span.surface is not None and node.get(span.surface) is None:
        yield f"the object has no surface property {span.surface!r}"


def _ref_misuses(kind: Kind, path: tuple[str, ...], ref: Ref, kinds: Mapping[str, Kind]) -> Iterator[str]:
    target: Kind | None = kind
    if ref.record is not None:
        linked = kind.target_of(ref, path[0])
        target = kinds.get(linked) if linked else None
        if target is None:
            yield f"{ref.record!r} is no x-link property of the record"
            return
        if kind.stands_beside(ref, path[0]) and (ref.cover or len(path) not in {3, 4}):
            yield f"what goes through {ref.record!r} of the item is a property of the item, and cannot cover"
            return
    layer = target.type.get(ref.layer) if target else None
    if layer is None or layer.kind != "list" or layer.key is None:
        yield f"{ref.layer!r} is no layer with an x-key"
