"""Which files hold the type systems of which documents, from names alone; and what they declare. Reads no documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import PurePosixPath

from copydesk import xmltext
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.cas.types import Declared, Trouble, in_xml

_FOLDERS = frozenset({"resources", "type", "types", "desc"})
_FEW = 3
"""Files of any name that are tried as type systems where none is called so."""


def candidates(names: Sequence[str], pattern: object) -> list[str]:
    """The files that may hold a type system: those that the option names, or those whose names or folders say so.

    Where none says so, the few XML files that are not called like a document.
    """
    if isinstance(pattern, str):
        return [name for name in names if fnmatchcase(name, pattern) or fnmatchcase(name, f"*/{pattern}")]
    files = [name for name in names if name.lower().endswith(".xml")]
    found = [name for name in files if _says_so(name)]
    if found or len(files) == 0:
        return found
    known = {PurePosixPath(name).with_suffix("") for name in names if name.lower().endswith((".xmi", ".json"))}
    others = [name for name in files if PurePosixPath(name).with_suffix("") not in known]
    return others if known and len(others) <= _FEW else []


def _says_so(name: str) -> bool:
    path = PurePosixPath(name)
    return "type" in path.name.lower() or _is_folder(path.parent.name)


def _is_folder(name: str) -> bool:
    """Whether a folder, or an archive, is one for type systems."""
    return name.lower() in _FOLDERS or "typesystem" in name.lower().replace("-", "").replace("_", "")


class Nearest:
    """The type systems of a document: those in its folder (or in its `resources`, `desc/type` …), or the nearest above.

    Every system is put under each folder from which it can be seen, so that a question costs what the path is deep.
    """

    def __init__(self, systems: Sequence[str]) -> None:
        self._seen: dict[PurePosixPath, dict[str, int]] = {}
        for system in systems:
            folder, depth = PurePosixPath(system).parent, 0
            while True:
                self._seen.setdefault(folder, {})[system] = depth
                if not _is_folder(folder.name):
                    break
                folder, depth = folder.parent, depth + 1

    def of(self, name: str) -> list[str]:
        """The systems of the document of this name."""
        for folder in PurePosixPath(name).parents:
            if depths := self._seen.get(folder):
                return [system for system, depth in depths.items() if depth == min(depths.values())]
        return []


def declared(systems: Sequence[tuple[str, bytes]]) -> Iterator[tuple[tuple[Declared, ...], list[Diagnostic]]]:
    """For each file the types that it declares, and what is wrong with it."""
    for name, data in systems:
        types, troubles = _declared(data)
        if isinstance(troubles, Diagnostic):
            yield (), [replace(troubles, place=replace(troubles.place, file=name))]
            continue
        found = [Diagnostic(code=t.code, place=Place(file=name, line=t.line or 1), message=t.message) for t in troubles]
        if not types and "typesystem" in name.lower() and not found:
            message = "a type system declares types; this file declares none"
            found.append(Diagnostic(code="I001", place=Place(file=name, line=1), message=message))
        yield types, found


@lru_cache(maxsize=64)
def _declared(data: bytes) -> tuple[tuple[Declared, ...], tuple[Trouble, ...] | Diagnostic]:
    """By its bytes: in the export of a project every annotator of every document has the same file."""
    root = xmltext.parse(data, "")
    if isinstance(root, Diagnostic):
        return (), root
    troubles: list[Trouble] = []
    return tuple(in_xml(root, troubles)), tuple(troubles)
