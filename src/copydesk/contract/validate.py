"""The bulk validator: jsonschema-rs says whether, `explain.py` says why. Nothing is fetched to resolve a $ref."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from copydesk.contract.types import Contract
from copydesk.jsontext import dump_line, escape, pointer_to


def _refuse(uri: str) -> Any:
    raise LookupError(f"{uri} is not among the schemas of the project")


_KNOWN: dict[bytes, jsonschema_rs.Draft202012Validator] = {}


def validator_for(schema: Mapping[str, Any], contract: Contract) -> jsonschema_rs.Draft202012Validator:
    """A compiled validator. It cannot be pickled: each process builds its own, once for a contract."""
    key = dump_line({"schema": schema, "documents": contract.documents})
    if key not in _KNOWN:
        if len(_KNOWN) > 64:
            _KNOWN.clear()
        registry = jsonschema_rs.Registry([(i, dict(d)) for i, d in contract.documents.items()], retriever=_refuse)
        _KNOWN[key] = jsonschema_rs.Draft202012Validator(dict(schema), registry=registry, validate_formats=True)
    return _KNOWN[key]


def validator_of(schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """A compiled validator for a schema that needs no other document."""
    return jsonschema_rs.Draft202012Validator(dict(schema), retriever=_refuse, validate_formats=True)


def schema_errors(schema: Mapping[str, Any], value: object) -> Iterator[tuple[str, str]]:
    """(pointer, message) for what is wrong with a value under a schema that needs no other document."""
    for error in validator_of(schema).iter_errors(value):
        pointer = pointer_to(error.instance_path)
        unexpected = getattr(error.kind, "unexpected", None)
        if not unexpected:
            yield pointer, error.message
        for name in unexpected or ():  # one finding for each, at the property itself
            yield f"{pointer}/{escape(name)}", f"there is no property {name!r} here"
