"""MessagePack, as far as GATE documents use it: no extension types, no binary data, keys as strings.

Not a general MessagePack library, and no writer.
"""

from __future__ import annotations

import struct
from typing import Any

_MOST_LEVELS = 100
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = dict(zip(range(0xCA, 0xD4), "fdBHIQbhiq", strict=True))
_TEXTS, _LISTS, _MAPS = ({0xD9: "B", 0xDA: "H", 0xDB: "I"}, {0xDC: "H", 0xDD: "I"}, {0xDE: "H", 0xDF: "I"})


class Unpacker:
    """MessagePack values one after the other, by the specification at msgpack.org. Every method raises ValueError."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        if self.at + size > len(self.data):
            raise ValueError(f"the MessagePack data end too early, at byte {len(self.data)}")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, kind: str) -> Any:
        return struct.unpack(f">{kind}", self.take(struct.calcsize(kind)))[0]

    def count(self) -> int:
        at, value = self.at, self.value()
        if type(value) is not int or value < 0:
            raise ValueError(f"a count at byte {at} is {str(value)[:20]!r}")
        return value

    def value(self, depth: int = 0) -> Any:
        at, first = self.at, self.number("B")
        if depth > _MOST_LEVELS:
            raise ValueError("the MessagePack data are nested too deep")
        if first < 0x80 or first >= 0xE0:
            return first if first < 0x80 else first - 0x100
        if first in _CONSTANTS:
            return _CONSTANTS[first]
        if first in _NUMBERS:
            return self.number(_NUMBERS[first])
        if 0xA0 <= first < 0xC0 or first in _TEXTS:
            size = self.number(_TEXTS[first]) if first in _TEXTS else first & 0x1F
            try:
                return self.take(size).decode("utf-8")
            except UnicodeDecodeError:
                raise ValueError(f"the string at byte {at} is not UTF-8") from None
        if 0x90 <= first < 0xA0 or first in _LISTS:
            size = self.number(_LISTS[first]) if first in _LISTS else first & 0x0F
            return [self.value(depth + 1) for _ in range(size)]
        if first < 0x90 or first in _MAPS:
            return self.map(self.number(_MAPS[first]) if first in _MAPS else first & 0x0F, depth)
        raise ValueError(f"byte 0x{first:02x} at {at} begins no value that a document holds")

    def map(self, size: int, depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for _ in range(size):
            at, key = self.at, str(self.value(depth + 1))
            if key in out:
                raise ValueError(f"the key {key[:40]!r} at byte {at} is there twice in one map")
            out[key] = self.value(depth + 1)
        return out
