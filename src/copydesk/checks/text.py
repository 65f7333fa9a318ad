"""The integrity of strings: what would be lost, or read differently, on the way to a reader."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from copydesk.checks.finding import Finding, visit
from copydesk.contract.types import Type

_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")  # U+0085 is a line end, and kept
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def is_string(node: Type) -> bool:
    return node.kind == "string"


def is_odd(text: str) -> bool:
    """Whether a character of a text is a finding wherever it stands."""
    return bool(_SURROGATE.search(text) or _CONTROL.search(text) or _BIDI.search(text) or "\0" in text)


def check_text(record: dict[str, Any], node: Type) -> Iterator[Finding]:
    """A301–A305 for the strings of a record, each string with one finding a code: the first place, and a count."""
    for pointer, value, _ in visit(record, node, is_string):
        if value.isascii() and value.isprintable():
            continue
        if found := _SURROGATE.search(value):
            message = f"half of a surrogate pair (U+{ord(found[0]):04X}) at offset {found.start()}"
            yield Finding(code="A303", pointer=pointer, message=message)
            continue
        if "\0" in value:
            message = f"a NUL character at offset {value.index(chr(0))}"
            yield Finding(code="A302", pointer=pointer, message=message)
        yield from _some("A301", _CONTROL, "a control character", pointer, value)
        yield from _some("A304", _BIDI, "a bidirectional control character", pointer, value)
        if not unicodedata.is_normalized("NFC", value):
            message = "the string is not in normal form C, and is kept as it is"
            yield Finding(code="A305", pointer=pointer, message=message)


def _some(code: str, pattern: re.Pattern[str], what: str, pointer: str, value: str) -> Iterator[Finding]:
    found = pattern.findall(value)
    if found:
        at = value.index(found[0])
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        message = f"{what} (U+{ord(found[0]):04X}) at offset {at}{more}"
        yield Finding(code=code, pointer=pointer, message=message)
