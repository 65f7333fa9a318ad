"""Which format a set of files is in. Asks every importer; the surest one wins, and ties are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from copydesk.articles.units import MANY, Sample
from copydesk.importers import FORMATS, MissingLibrary, importer_of

HEAD = 2**20
"""Bytes of a file by which a format is known."""


def recognise(files: Mapping[str, Path]) -> tuple[list[tuple[int, str]], list[str]]:
    """(how sure from 1 to 100, format), surest first, and what stood in the way: libraries that are missing."""
    names = list(files)[:MANY]

    def head(name: str) -> bytes:
        try:
            with files[name].open("rb") as stream:
                return stream.read(HEAD)
        except OSError:
            return b""

    sample = Sample(names=names, head=head)
    found: list[tuple[int, str]] = []
    missing: list[str] = []
    for name in FORMATS:
        try:
            score = importer_of(name).sniff(sample)
        except MissingLibrary as error:
            if _may_be(name, names):
                missing.append(str(error))
            continue
        if score > 0:
            found.append((score, name))
    order = list(FORMATS)
    return sorted(found, key=lambda pair: (-pair[0], order.index(pair[1]))), missing


def _may_be(name: str, names: Sequence[str]) -> bool:
    """Whether files could be of a format whose importer cannot be asked."""
    suffixes = {"docbin": (".spacy",), "cas": (".xmi", ".json")}.get(name, ())
    return any(n.lower().endswith(suffixes) for n in names)
