"""Results of tasks as bytes and back. Reading makes the values that are named here and runs nothing else.

A pickle may name any function of any module, and reading it calls that; a folder that several people share is no place
for that. So the names that are looked up are those of this table.
"""

from __future__ import annotations

import io
import pickle
from collections import Counter
from typing import Any

from copydesk.articles.prune import Dropped
from copydesk.diagnostics import Diagnostic, Place, Severity
from copydesk.heads import StageResult
from copydesk.waivers import Waiver

_NAMED: tuple[type, ...] = (Counter, Diagnostic, Dropped, Place, Severity, StageResult, Waiver)
_TABLE = {(made.__module__, made.__qualname__): made for made in _NAMED}


def dumps(value: Any) -> bytes:
    """A value as bytes; it is of classes that are named here."""
    return pickle.dumps(value, protocol=5)


def loads(data: bytes) -> Any:
    """The value. Raises ValueError for what is no value, or of another class."""
    try:
        return _Reader(io.BytesIO(data)).load()
    except Exception as error:  # the reader raises whatever comes of bytes that are no pickle
        raise ValueError(str(error)) from error


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _TABLE:
            raise pickle.UnpicklingError(f"{module}.{name} is none of ours")
        return _TABLE[module, name]
