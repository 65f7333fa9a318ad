"""File names for articles: ids as paths, as far as a file system takes them, no two alike."""

from __future__ import annotations

import hashlib
import re

_BAD = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*]')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
_LONGEST = 120
"""Bytes of one part of a name: with suffixes it stays below the 255 that file systems take."""


class Names:
    """Gives each id a name of its own. The same ids in the same order get the same names."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def stem(self, identifier: str) -> str:
        """A relative path without suffix for an id; `/` in an id makes folders."""
        parts = [_part(part) for part in identifier.split("/")]
        name = "/".join(parts)
        if name.casefold() in self._taken or (name != identifier and not name.strip("_/")):
            name = f"{name}-{hashlib.sha256(identifier.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
        base, n = name, 2
        while name.casefold() in self._taken:
            name, n = f"{base}-{n}", n + 1
        self._taken.add(name.casefold())
        return name


def _part(part: str) -> str:
    """One part of a path: no characters that a file system refuses, no name that means something else."""
    plain = _BAD.sub("_", part.encode("utf-8", "replace").decode("utf-8"))
    if plain.strip(". ") != plain or not plain or _RESERVED.match(plain):
        plain = f"_{plain.strip('. ')}"
    data = plain.encode("utf-8")
    if len(data) <= _LONGEST:
        return plain
    digest = hashlib.sha256(data).hexdigest()[:8]
    return f"{data[: _LONGEST - 9].decode('utf-8', 'ignore')}-{digest}"
