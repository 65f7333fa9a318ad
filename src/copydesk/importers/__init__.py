"""Importers: files -> articles, one annotation format per file; the table below names them all.

An importer decodes; whether a record is right is for the checks. Modules are imported when a source asks for them,
since some bring large libraries along.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from copydesk.articles.model import Article
from copydesk.articles.record import Record, find_again
from copydesk.articles.units import Sample
from copydesk.diagnostics import Diagnostic
from copydesk.project import Source
from copydesk.sources import RawRecord, Unit


class Importer(Protocol):
    """What a format offers.

    `OPTIONS`: option -> JSON Schema of its value, for `[source.options]`. `TAKES`: what a source can take from the
    files; the first is the default, `articles` but for formats that hold links as well.
    """

    @property
    def OPTIONS(self) -> Mapping[str, Mapping[str, Any]]: ...  # noqa: N802 - a constant of the module

    @property
    def TAKES(self) -> tuple[str, ...]: ...  # noqa: N802

    def sniff(self, sample: Sample) -> int:
        """How sure it is, from 0 to 100, that these files are of this format."""
        ...

    def units(self, source: Source, names: Sequence[str]) -> Iterator[Unit]:
        """The files that are read together, from the sorted names of all. A file that is in no unit is not read."""
        ...

    def read(self, root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Record | Diagnostic]:
        """The articles of one unit. A diagnostic is an article, or file, that is lost; what is wrong with single
        annotations goes to `Article.found`, and the article goes on without them. Never raises for bad input."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One line of the table. `needs`: the library that it stands on, and the extra that brings it."""

    module: str
    summary: str
    needs: tuple[str, str] | None = None


def _format(module: str, summary: str, needs: tuple[str, str] | None = None) -> Format:
    return Format(module=f"copydesk.importers.{module}", summary=summary, needs=needs)


FORMATS: dict[str, Format] = {
    "copydesk": _format("native", "native records: JSON objects with the properties of the contract"),
    "brat": _format("brat", "brat standoff: .txt with .ann"),
    "label-studio": _format("labelstudio", "Label Studio JSON and JSON-MIN exports"),
    "doccano": _format("doccano", "doccano JSONL exports"),
    "prodigy": _format("prodigy", "Prodigy db-out JSONL"),
    "docbin": _format("docbin", "spaCy DocBin (.spacy)", ("spacy", "docbin")),
    "webanno-tsv": _format("webanno", "WebAnno TSV 3, exported by INCEpTION and WebAnno"),
    "cas": _format("cas", "UIMA CAS as XMI or JSON", ("cassis", "cas")),
    "columns": _format("columns", "token columns: CoNLL-2003 and its kin, IOB1, IOB2, BIOES"),
    "conllu": _format("conllu", "CoNLL-U, entities in MISC included"),
    "cat": _format("cat", "CAT and CROMER XML, as of ECB+"),
    "gate": _format("gate", "GATE XML and bdoc"),
    "web-annotation": _format("webannotation", "W3C Web Annotation JSON-LD"),
    "fields": _format("fields", "Parquet, CSV and JSON lines, read by a mapping of fields"),
    "dataset": _format("dataset", "a folder that load_dataset reads, a release of copydesk's included"),
}


class MissingLibrary(Exception):  # noqa: N818 - says what to install
    """A format stands on a library that is not installed."""

    def __init__(self, name: str) -> None:
        library, extra = FORMATS[name].needs or ("", "")
        missing = f"the format {name!r} stands on {library}, which is not installed"
        super().__init__(f"{missing}: pip install copydesk[{extra}]")


def importer_of(name: str) -> Importer:
    """The importer of a format. Raises KeyError for a format that is not in the table, MissingLibrary."""
    needed = FORMATS[name].needs
    try:
        return cast(Importer, import_module(FORMATS[name].module))
    except ModuleNotFoundError as error:
        if needed is None or (error.name or "").partition(".")[0] != needed[0]:
            raise
        raise MissingLibrary(name) from error


def options_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of `[source.options]` for a format. Raises as `importer_of` does."""
    return {"type": "object", "additionalProperties": False, "properties": dict(importer_of(name).OPTIONS)}


if TYPE_CHECKING:  # a module that does not offer what the Protocol asks for does not pass mypy
    from copydesk.importers import (
        brat,
        cas,
        cat,
        columns,
        conllu,
        dataset,
        docbin,
        doccano,
        fields,
        gate,
        labelstudio,
        native,
        prodigy,
        webanno,
        webannotation,
    )

    _CHECKED: tuple[Importer, ...] = (
        brat,
        cas,
        cat,
        columns,
        conllu,
        dataset,
        docbin,
        doccano,
        fields,
        gate,
        labelstudio,
        native,
        prodigy,
        webanno,
        webannotation,
    )

__all__ = [
    "FORMATS",
    "Article",
    "Format",
    "Importer",
    "MissingLibrary",
    "Record",
    "Sample",
    "find_again",
    "importer_of",
    "options_schema",
]
