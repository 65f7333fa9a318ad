"""Exporters: articles -> the files of another tool, one format per file; the table below names them all.

What a format cannot hold is counted, in words, and told: nothing goes missing silently on the way back either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from copydesk.articles.model import Article


class Exporter(Protocol):
    """What a format offers."""

    def export(self, articles: Iterable[Article], losses: Counter[str]) -> Iterator[tuple[str, bytes]]:
        """(file name, bytes) of each file, names relative and with forward slashes. Adds to `losses` what the format
        cannot hold: a few words -> how many times. The same articles give the same bytes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One line of the table. `needs`: the library that it stands on, and the extra that brings it."""

    module: str
    summary: str
    needs: tuple[str, str] | None = None


def _target(module: str, summary: str, needs: tuple[str, str] | None = None) -> Target:
    return Target(module=f"copydesk.exporters.{module}", summary=summary, needs=needs)


EXPORTERS: dict[str, Target] = {
    "copydesk": _target("native", "native records, one JSON file an article"),
    "brat": _target("brat", "brat standoff, with annotation.conf"),
    "webanno-tsv": _target("webanno", "WebAnno TSV 3.3"),
    "cas-json": _target("cas", "UIMA CAS JSON with its type system", ("cassis", "cas")),
    "conllu": _target("conllu", "CoNLL-U, entities in MISC"),
    "docbin": _target("docbin", "spaCy DocBin", ("spacy", "docbin")),
    "label-studio": _target("labelstudio", "Label Studio tasks, with a labelling configuration"),
    "web-annotation": _target("webannotation", "W3C Web Annotation JSON-LD"),
}


class MissingLibrary(Exception):  # noqa: N818 - says what to install
    """A format stands on a library that is not installed."""


def exporter_of(name: str) -> Exporter:
    """The exporter of a format. Raises KeyError for a format that is not in the table, MissingLibrary."""
    target = EXPORTERS[name]
    try:
        return cast(Exporter, import_module(target.module))
    except ModuleNotFoundError as error:
        if target.needs is None or (error.name or "").partition(".")[0] != target.needs[0]:
            raise
        library, extra = target.needs
        message = f"the format {name!r} stands on {library}, which is not installed: pip install copydesk[{extra}]"
        raise MissingLibrary(message) from error


if TYPE_CHECKING:  # a module that does not offer what the Protocol asks for does not pass mypy
    from copydesk.exporters import (
        brat,
        cas,
        conllu,
        docbin,
        labelstudio,
        native,
        webanno,
        webannotation,
    )

    _CHECKED: tuple[Exporter, ...] = (
        brat,
        cas,
        conllu,
        docbin,
        labelstudio,
        native,
        webanno,
        webannotation,
    )
