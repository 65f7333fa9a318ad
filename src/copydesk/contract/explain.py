"""Why a record breaks the contract: the reference validator's errors as (code, pointer, message)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from referencing.exceptions import NoSuchResource

from copydesk.contract.types import Contract
from copydesk.jsontext import escape, pointer_to

_BY_KEYWORD = {"type": "A003", "oneOf": "A004"}


def explainer_for(schema: Mapping[str, Any], contract: Contract) -> Draft202012Validator:
    """The reference validator for one kind of record."""
    resources = [(i, Resource.from_contents(dict(doc))) for i, doc in contract.documents.items()]
    registry: Registry[Any] = Registry(retrieve=_refuse)  # type: ignore[call-arg]  # attrs
    registry = registry.with_resources(resources)
    return Draft202012Validator(dict(schema), registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _refuse(uri: str) -> Any:
    raise NoSuchResource(uri)


def explain_record(validator: Draft202012Validator, record: object) -> Iterator[tuple[str, str, str]]:
    """Every way in which `record` breaks the contract, as (diagnostic code, JSON pointer, message)."""
    for error in validator.iter_errors(record):
        yield from _findings(error)


def _findings(error: ValidationError) -> Iterator[tuple[str, str, str]]:
    pointer = pointer_to(error.absolute_path)
    keyword, value = str(error.validator), error.instance
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    if keyword == "required":
        missing = error.message.split("'")[1] if "'" in error.message else ""
        yield "A001", pointer, f"the required property {missing!r} is missing"
    elif keyword in {"unevaluatedProperties", "additionalProperties"}:
        known = schema.get("properties", {})
        for key in value if isinstance(value, dict) else ():
            if key not in known:
                hint = f"the contract has {', '.join(known)}"
                yield "A002", f"{pointer}/{escape(key)}", f"there is no property {key!r} here; {hint}"
    elif keyword == "anyOf":
        # One type or null: what the type itself says is the finding.
        for inner in error.context or ():
            if inner.validator == "type" and inner.validator_value == "null":
                continue
            yield from _findings(inner)
    elif keyword == "oneOf" and isinstance(value, str):
        names = [option.get("const") for option in schema.get("oneOf", ()) if isinstance(option, dict)]
        yield "A004", pointer, f"{value!r} is not a label here; the labels are {', '.join(map(str, names))}"
    elif keyword == "oneOf" or keyword == "type":
        wanted = schema.get("type", "a label")
        wanted = " or ".join(wanted) if isinstance(wanted, list) else wanted
        yield "A003", pointer, f"this is {_describe(value)}; the contract wants {wanted}"
    else:
        rule = error.validator_value if not isinstance(error.validator_value, dict | list) else ""
        yield "A005", pointer, f"{_describe(value)} breaks {keyword} {rule}".rstrip()


def _describe(value: object) -> str:
    """A value as a finding shows it: short, since it may be a whole text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, str):
        return f"the string {value[:40]!r}{'…' if len(value) > 40 else ''}"
    if isinstance(value, dict | list):
        return f"an {'object' if isinstance(value, dict) else 'array'} of {len(value)}"
    return f"the number {value}"
