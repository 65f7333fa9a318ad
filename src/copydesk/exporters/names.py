"""File names for articles: ids as paths, as far as file systems take them, no two alike."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_BAD = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*]')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
_LONGEST = 120
"""Bytes of one part of a name: with suffixes it stays below the 255 that file systems take."""


class Names:
    """Gives each id a path of its own. The same ids in the same order get the same paths.

    `suffixes` are those of the files that are written for an article. Two names are the same if they differ only by
    case or by Unicode form, as they do on some file systems; and none is a folder of another.
    """

    def __init__(self, *suffixes: str) -> None:
        self._suffixes = suffixes or ("",)
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def stem(self, identifier: str) -> str:
        """A relative path without suffix for an id; `/` in an id makes folders."""
        base = "/".join(_part(part) for part in identifier.split("/"))
        name, n = base, 2
        while not self._is_free(name):
            name, n = f"{base}-{n}", n + 1
        for suffix in self._suffixes:
            self._files.add(_key(name + suffix))
        self._folders.update(_parents(name))
        return name

    def _is_free(self, name: str) -> bool:
        files = {_key(name + suffix) for suffix in self._suffixes}
        return not (files & (self._files | self._folders)) and not (set(_parents(name)) & self._files)


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _parents(name: str) -> list[str]:
    parts = _key(name).split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


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
