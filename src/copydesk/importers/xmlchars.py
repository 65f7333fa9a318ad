"""XML with characters that XML does not allow, as the writers of Java let them through: read all the same.

* U+0000 to U+001F, as references (XML 1.1 allows most of them, libxml2 none) or as they are: form feeds of PDF, mostly;
* a character beyond U+FFFF as two references, one for each half of its surrogate pair.

While the document is parsed, a control character is a noncharacter in its place, so that offsets stay; a document that
has these noncharacters itself is refused as it would be anyway.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from copydesk import xmltext
from copydesk.diagnostics import Diagnostic

_FIRST = 0xFDD0
_STAND_INS = {_FIRST + code: chr(code) for code in range(32)}
_TAKEN = re.compile(rb"\xef\xb7[\x90-\xaf]|&#(?:[xX]0*[fF][dD][dDeE]|0*649[7-9]\d|0*6500[0-7])")
_HIGH = rb"&#(?:x0*(d[89ab][0-9a-f]{2})|0*(55(?:29[6-9]|[3-9]\d\d)|56(?:[0-2]\d\d|3[01]\d)));"
_LOW = rb"&#(?:x0*(d[c-f][0-9a-f]{2})|0*(56(?:3[2-9]\d|[4-9]\d\d)|57(?:[0-2]\d\d|3[0-3]\d|34[0-3])));"
_PAIR = re.compile(rb"<!\[CDATA\[.*?\]\]>|" + _HIGH + _LOW, re.DOTALL | re.IGNORECASE)
_CONTROL = re.compile(
    rb"<!\[CDATA\[.*?\]\]>|&#(?:x0*([01]?[0-9a-f])|0*([0-2]?\d|3[01]));|([\x00-\x08\x0b\x0c\x0e-\x1f])",
    re.DOTALL | re.IGNORECASE,
)
_ALLOWED = {9, 10, 13}

Restore = Callable[[str], str]
"""Gives a string of the document its characters back."""


def parse(data: bytes, file: str) -> tuple[xmltext.Element | Diagnostic, Restore | None]:
    """As xmltext.parse, and what to do with every string of the document, if anything."""
    root = xmltext.parse(data, file)
    if not isinstance(root, Diagnostic) or _TAKEN.search(data) or data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return root, None
    mended = _CONTROL.sub(_stand_in, _PAIR.sub(_one_character, data))
    if mended == data:
        return root, None
    again = xmltext.parse(mended, file)
    return (root, None) if isinstance(again, Diagnostic) else (again, _restore)


def _restore(text: str) -> str:
    return text.translate(_STAND_INS)


def _one_character(match: re.Match[bytes]) -> bytes:
    if match[0].startswith(b"<"):
        return match[0]
    high, low = (int(match[n], 16) if match[n] else int(match[n + 1]) for n in (1, 3))
    return b"&#%d;" % (0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _stand_in(match: re.Match[bytes]) -> bytes:
    if match[0].startswith(b"<"):
        return match[0]
    code = match[3][0] if match[3] else int(match[1], 16) if match[1] else int(match[2])
    return match[0] if code in _ALLOWED else b"&#%d;" % (_FIRST + code)
