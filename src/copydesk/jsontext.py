"""JSON as copydesk reads and writes it: strict on the way in, canonical on the way out, positions on demand.

Not a general JSON library: reading refuses what parsers disagree on (RFC 8259, section 4 and 6), writing gives
the one byte form over which logical digests are computed.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from json.decoder import scanstring  # type: ignore[attr-defined]  # the C scanner of the standard library
from typing import Any

import orjson

MAX_DEPTH = 200
"""Levels of brackets that a record may have."""

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.S)
_NOT_BRACKETS = bytes(i for i in range(256) if chr(i) not in "[]{}")
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.S)
_SPACE = re.compile(r"[ \t\n\r]*")
_SCALAR = re.compile(r"[^\s,\]}]+")
_WHOLE_FLOAT = re.compile(rb"\.0[,\]}\n]")

_CANONICAL = orjson.OPT_APPEND_NEWLINE
_SMALL_INTEGERS = _CANONICAL | orjson.OPT_STRICT_INTEGER
_WRITTEN_DEPTH = 254
"""Levels of brackets that orjson writes. Wrapped in what that is more than MAX_DEPTH, a value too deep is refused."""
_WRAPS = range(_WRITTEN_DEPTH - MAX_DEPTH)


class JsonError(ValueError):
    """JSON that is refused. `code` is a diagnostic code; `line` and `column` count from 1."""

    def __init__(self, code: str, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.line, self.column = code, message, line, column


def loads(data: bytes) -> Any:
    """The value of one JSON text.

    Raises JsonError with S002 (not UTF-8), S003 (syntax), S004 (duplicate key), S005 (a number that JSON or
    64 bits cannot hold) or S006 (nested deeper than MAX_DEPTH).
    """
    return loads_with_line(data)[0]


def loads_with_line(data: bytes) -> tuple[Any, bytes | None]:
    """(value as `loads` has it, what `dump_line` writes of it if that is known already). Raises as `loads` does.

    orjson is strict but for what can be seen in its answer when that is written again: it keeps the last of two equal
    keys, makes floats of integers that are too long, leaves 1.0 a float, and reads deeper than we do. Whatever may be
    one of these, and whatever it refuses, is read once more by `_strict_loads`, which says what is wrong and where.
    """
    try:
        value = orjson.loads(data)
        line = _written_within_depth(value)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return _strict_loads(data), None
    # Every string costs two quotes, and those inside it are escaped alike in both texts, unless by their number.
    lost = data.count(b'"') != line.count(b'"') or (b"\\" in data and b"\\u0022" in data)
    if lost or b"e+" in line or (b".0" in line and _WHOLE_FLOAT.search(line)):
        return _strict_loads(data), None
    return value, line


def _written_within_depth(value: Any) -> bytes:
    """The value in canonical form. Raises JSONEncodeError for one nested too deep, and for integers beyond 53 bits."""
    nested = value
    for _ in _WRAPS:
        nested = [nested]
    return orjson.dumps(nested, option=_SMALL_INTEGERS)[len(_WRAPS) : -len(_WRAPS) - 1] + b"\n"


def _strict_loads(data: bytes) -> Any:
    """The value of one JSON text, or exactly what is wrong with it."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8"
        raise JsonError("S002", message, line) from None
    if text.startswith("\ufeff"):
        text = text[1:]  # RFC 8259, section 8.1: a parser may ignore a byte order mark
    if _deeper_than(data, MAX_DEPTH):
        raise JsonError("S006", f"nested deeper than {MAX_DEPTH} levels", *_line_column(text, _too_deep(text)))
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_float
        )
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at").removesuffix(" starting")
        what = "the text ends too early" if error.pos >= len(text.rstrip()) else what
        raise JsonError("S003", what, error.lineno, error.colno) from None
    except _Refused as refused:
        line, column = _find(text, refused)
        raise JsonError(refused.code, refused.message, line, column) from None


class _Refused(Exception):  # noqa: N818 - carries a finding out of the parser's hooks
    def __init__(self, code: str, message: str, token: str) -> None:
        self.code, self.message, self.token = code, message, token


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Refused("S004", f"the key {key!r} stands twice in one object", key)
            seen.add(key)
    return value


def _constant(token: str) -> Any:
    raise _Refused("S005", f"{token} is not a JSON number", token)


def _integer(token: str) -> int:
    if len(token) > 20 or not -(2**63) <= int(token) < 2**63:
        raise _Refused("S005", f"the integer {token[:24]} does not fit 64 bits", token)
    return int(token)


def _float(token: str) -> float | int:
    value = float(token)
    if math.isinf(value):
        raise _Refused("S005", f"the number {token[:24]} does not fit a double", token)
    # JSON Schema, core 4.2.1: 1.0 and 1 are the same number, so it may stand where an integer must.
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _find(text: str, refused: _Refused) -> tuple[int, int]:
    """Line and column of the token that a hook refused. What follows it may not be JSON at all."""
    duplicates: list[int] = []
    found: dict[str, int] = {}
    with contextlib.suppress(IndexError, json.JSONDecodeError):
        _walk(text, _skip(text, 1 if text.startswith("\ufeff") else 0), "", found, duplicates)
    if refused.code == "S004":
        # the parser refuses the innermost object first, the walk comes to the outermost first
        hits = [at for at in duplicates if scanstring(text, at + 1, False)[0] == refused.token]
    else:
        hits = [at for at in found.values() if (match := _SCALAR.match(text, at)) and match[0] == refused.token]
    return _line_column(text, hits[0] if hits else 0)


def _line_column(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _too_deep(text: str) -> int:
    """Offset of the first bracket that is one too many."""
    depth = 0
    for token in _BRACKET.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if depth > MAX_DEPTH:
            return token.start()
    return 0


def _deeper_than(data: bytes, limit: int) -> bool:
    if data.count(b"[") + data.count(b"{") <= limit:
        return False
    brackets = _STRING.sub(b"", data).translate(_ONE_KIND, _NOT_BRACKETS)
    for _ in range(limit):  # each round takes away the innermost pairs
        brackets = brackets.replace(b"[]", b"")
        if not brackets:
            return False
    # What is left is deeper, or does not balance; the parser says where, if it can get there.
    return b"[]" in brackets or brackets.count(b"[") > limit


def positions(text: str, *, duplicates: list[int] | None = None) -> dict[str, int]:
    """JSON pointer -> offset in `text` of the value there. Only for text that `json` accepts.

    Costs a walk in Python, so it is called for records that have a finding. The offsets of keys that repeat an
    earlier key of their object are appended to `duplicates`.
    """
    found: dict[str, int] = {}
    _walk(text, _skip(text, 1 if text.startswith("\ufeff") else 0), "", found, duplicates)
    return found


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _walk(text: str, at: int, pointer: str, found: dict[str, int], duplicates: list[int] | None) -> int:
    """Record the value at `at` and return the offset after it."""
    found.setdefault(pointer, at)
    char = text[at]
    if char == '"':
        return int(scanstring(text, at + 1, False)[1])
    if char not in "{[":
        match = _SCALAR.match(text, at)
        return match.end() if match else at + 1
    close, index, keys = ("}" if char == "{" else "]"), 0, set[str]()
    at = _skip(text, at + 1)
    while text[at] != close:
        if char == "{":
            start = at
            key, at = scanstring(text, at + 1, False)
            if key in keys and duplicates is not None:
                duplicates.append(start)
            keys.add(key)
            at = _skip(text, _skip(text, at) + 1)
            step = escape(key)
        else:
            step = str(index)
        at = _skip(text, _walk(text, at, f"{pointer}/{step}", found, duplicates))
        index += 1
        if text[at] == ",":
            at = _skip(text, at + 1)
    return at + 1


def escape(key: object) -> str:
    """One reference token of a JSON pointer (RFC 6901, section 3)."""
    return str(key).replace("~", "~0").replace("/", "~1")


def pointer_to(path: object) -> str:
    """JSON pointer for an iterable of keys and indices."""
    return "".join(f"/{escape(step)}" for step in path)  # type: ignore[attr-defined]


def dump_line(row: dict[str, Any]) -> bytes:
    """One row in canonical form: compact, UTF-8, keys in the order of the schema, one line feed at the end."""
    return orjson.dumps(row, option=_CANONICAL)


def quoted(text: str) -> str:
    """What stands between the quotation marks of a string in canonical form."""
    return orjson.dumps(text)[1:-1].decode()


def dump_string(value: str) -> bytes:
    """One string as it stands in such a line, quotation marks included."""
    return orjson.dumps(value)


def dump_values(values: list[Any]) -> list[bytes]:
    """Numbers, booleans and nulls as they stand in such a line."""
    return orjson.dumps(values)[1:-1].split(b",") if values else []


def load_line(line: bytes) -> dict[str, Any]:
    """The row of a line that `dump_line` wrote. Raises ValueError for anything that is not JSON."""
    value: dict[str, Any] = orjson.loads(line)
    return value


def dump_document(value: object) -> bytes:
    """A JSON document for people to read: two spaces, keys as given, UTF-8, one line feed at the end."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
