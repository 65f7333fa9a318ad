"""Single values of rows: fields by their path, offsets, ids, and whatever else as values of the neutral form."""

from __future__ import annotations

import ast
import datetime
import math
import re
import warnings
from collections import Counter
from collections.abc import Collection, Mapping

from copydesk import jsontext
from copydesk.articles.model import Value

MISSING = object()
"""What `pick` gives for a field that is not there: None is a value."""

LONG = 60
"""Characters of data that a message quotes."""

_NOT_IN_NAMES = re.compile(r"\W+")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}(\.0*)?")
_INDEX = re.compile(r"__index_level_[0-9]+__")


class Damaged(Exception):  # noqa: N818 - says what is wrong with a value
    """A value does not have the form that it must have."""


def pick(values: Mapping[str, object], path: str) -> object:
    """The field of that name; if there is none and the name has dots, the field inside of fields. Else MISSING."""
    if path in values:
        return values[path]
    if "." not in path:
        return MISSING
    found: object = values
    for step in path.split("."):
        if not isinstance(found, Mapping) or step not in found:
            return MISSING
        found = found[step]
    return found


def top(path: str, values: Collection[str]) -> str:
    """The name of the field in which a path begins."""
    return path if path in values else path.partition(".")[0]


def plain(value: object) -> object:
    """A value out of the typed form of MongoDB's extended JSON: {"$oid": "…"}, {"$numberLong": "5"}, {"$date": …}."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((key, inner),) = value.items()
    if key == "$oid" and isinstance(inner, str):
        return inner
    if key in {"$numberInt", "$numberLong"} and isinstance(inner, str) and _INTEGER.fullmatch(inner):
        return int(inner)
    if key in {"$numberDouble", "$numberDecimal"} and isinstance(inner, str):
        return inner
    if key == "$date":
        inner = plain(inner)
        if isinstance(inner, int) and abs(inner) < 10**14:
            moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(milliseconds=inner)
            return moment.isoformat()
        return inner
    return value


def offset(value: object, what: str) -> int:
    """An offset as files have it: a number, or the digits of one. Raises Damaged."""
    if type(value) is int:
        return value
    value = plain(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value.strip().partition(".")[0])
    raise Damaged(f"{what} is {shown(value)}, no whole number")


def identifier(value: object) -> str | None:
    """An id as a string; None for what is no id."""
    value = plain(value)
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value) if isinstance(value, int) or (isinstance(value, str) and value) else None


def structured(value: object) -> object:
    """A list or object; out of the string that holds it, where a cell of a table does. Raises Damaged.

    Besides JSON, what Python prints for a list is read (never run): tables written by pandas hold it.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text:
        return None
    try:
        return jsontext.loads(text.encode("utf-8", "surrogatepass"))
    except jsontext.JsonError as error:
        if text[0] not in "[({" or len(text) > 2**20:
            raise Damaged(f"{shown(value)} is no JSON: {error.message}") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that Python will not know one day
            found: object = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        raise Damaged(f"{shown(value)} is neither JSON nor a Python list") from None
    return found


def shown(value: object) -> str:
    """A value for a message, cut short."""
    if value is MISSING:
        return "missing"
    text = repr(value)
    return text if len(text) <= LONG else text[: LONG - 1] + "…"


def tidy(value: object, left_out: Counter[str]) -> Value:
    """Any value as one of the neutral form. Dates and decimals become strings; bytes are counted, and None."""
    value = plain(value)
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        if -(2**63) <= value < 2**63:
            return value
        left_out["numbers beyond 64 bits"] += 1
        return None
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        if not math.isnan(value):  # NaN is how tables say that there is no number
            left_out["numbers that are infinite"] += 1
        return None
    if isinstance(value, bytes | bytearray | memoryview):
        left_out["binary values"] += 1
        return None
    if isinstance(value, Mapping):
        return {str(key): tidy(inner, left_out) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [tidy(inner, left_out) for inner in value]
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return f"PT{value.total_seconds():f}".rstrip("0").rstrip(".") + "S"
    return str(value)


def is_index(name: str) -> bool:
    """Whether a column is the row index that pandas writes along."""
    return _INDEX.fullmatch(name) is not None


def property_name(name: str, taken: Collection[str]) -> str:
    """A field's name as that of a property: letters, digits, underscores, and none of `taken`."""
    made = _NOT_IN_NAMES.sub("_", name) or "field"
    if made[0].isdecimal():
        made = f"_{made}"
    if made not in taken:
        return made
    number = 2
    while f"{made}_{number}" in taken:
        number += 1
    return f"{made}_{number}"
