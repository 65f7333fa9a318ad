"""croissant.json: the release as Croissant 1.1 with the responsible-AI vocabulary, written by hand.

Not through mlcroissant's own classes: they spell two properties otherwise than the specification, and drop what
they do not know. seal.py reads the result back with mlcroissant.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from copydesk.contract.types import Field, Type
from copydesk.project import Dataset
from copydesk.release import citation
from copydesk.release.facts import Facts
from copydesk.release.model import FileEntry, Release, Table

CONFORMS_TO = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
FOLDER = "release"
"""@id of the folder that the file sets lie in."""
SPLIT = "split"
"""The field of each record that says which split it is in."""

_CONTEXT: dict[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "arrayShape": "cr:arrayShape", "citeAs": "cr:citeAs",
    "column": "cr:column", "conformsTo": "dct:conformsTo", "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/", "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"}, "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract", "field": "cr:field",
    "fileObject": "cr:fileObject", "fileProperty": "cr:fileProperty", "fileSet": "cr:fileSet", "format": "cr:format",
    "includes": "cr:includes", "isArray": "cr:isArray", "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5", "name": {"@container": "@language"},
    "parentField": "cr:parentField", "path": "cr:path", "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/", "recordSet": "cr:recordSet", "references": "cr:references",
    "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace", "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/", "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField",
    "transform": "cr:transform",
}  # fmt: skip

_RESPONSIBLE = {
    "limitations": "rai:dataLimitations",
    "biases": "rai:dataBiases",
    "sensitive_information": "rai:personalSensitiveInformation",
    "use_cases": "rai:dataUseCases",
    "social_impact": "rai:dataSocialImpact",
    "synthetic_data": "rai:hasSyntheticData",
    "collection": "rai:dataCollection",
    "annotation_protocol": "rai:dataAnnotationProtocol",
    "annotation_tools": "rai:machineAnnotationTools",
    "annotations_per_item": "rai:annotationsPerItem",
    "maintenance": "rai:dataReleaseMaintenancePlan",
}
"""[responsible] of dataset.toml -> property, as the specification spells it."""

_DATA_TYPES = {
    "string": "sc:Text", "integer": "sc:Integer", "number": "sc:Float", "boolean": "sc:Boolean", "label": "sc:Integer",
}  # fmt: skip
_MEDIA_TYPES = {
    ".parquet": "application/x-parquet", ".jsonl": "application/jsonlines", ".json": "application/json",
    ".md": "text/markdown", ".cff": "application/yaml",
}  # fmt: skip


def render_croissant(release: Release, facts: Facts, files: Iterable[FileEntry]) -> dict[str, Any]:
    """The description as JSON values. `files`: what it lists with a digest, the data files among them."""
    dataset, tables = release.project.dataset, release.tables
    ordered = sorted(files, key=lambda entry: entry.path)
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": dataset.name,
        "alternateName": dataset.title,
        "description": dataset.summary,
        "url": _iri(dataset.url) or f"urn:copydesk:{dataset.name}",
        "version": dataset.version,
        "datePublished": dataset.date,
        "license": _license(dataset.license),
        "creator": [{"@type": "sc:Organization", "name": name} for name in dataset.creators],
        "publisher": [{"@type": "sc:Organization", "name": name} for name in dataset.creators],
        "inLanguage": list(dataset.language),
        "keywords": list(dataset.keywords),
        "isLiveDataset": False,
        "citeAs": citation.bibtex(facts.dataset),
        **_responsible(release.project.responsible),
        "distribution": [*_distribution(tables, ordered)],
        "recordSet": [entry for table in tables for entry in _record_sets(table, dataset)],
    }


def _iri(url: str) -> str | None:
    return url if re.fullmatch(r"(https?://|urn:)[^\s<>\"{}|\\^`]+", url) else None


def _license(spdx: str) -> str:
    """The address of the licence's text, where SPDX has one; an expression, or a licence of one's own, as it is."""
    single = re.fullmatch(r"(?!LicenseRef-)[A-Za-z0-9.-]+", spdx)
    return f"https://spdx.org/licenses/{spdx}.html" if single else spdx


def _responsible(answers: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {name: answers[key] for key, name in _RESPONSIBLE.items() if key in answers}
    if answers.get("derived_from"):
        out["prov:wasDerivedFrom"] = [_entity(source) for source in answers["derived_from"]]
    if "generated_by" in answers:
        out["prov:wasGeneratedBy"] = {"@type": "prov:Activity", "prov:label": answers["generated_by"]}
    return out


def _entity(source: str) -> dict[str, str]:
    """A source by its address, or a description of one."""
    iri = _iri(source)
    return {"@id": iri} if iri else {"@type": "prov:Entity", "prov:label": source}


def _distribution(tables: tuple[Table, ...], files: list[FileEntry]) -> Iterable[dict[str, Any]]:
    """The folder, a set of files for each config, and every file by itself with its digest."""
    listing = "".join(f"{entry.sha256}  {entry.path}\n" for entry in files)
    yield {
        "@type": "cr:FileObject",
        "@id": FOLDER,
        "name": FOLDER,
        "description": "The folder of the release; its digest is that of the list of digests of the files below.",
        "contentUrl": ".",
        "encodingFormat": "inode/directory",
        "sha256": hashlib.sha256(listing.encode()).hexdigest(),
    }
    for table in tables:
        yield {
            "@type": "cr:FileSet",
            "@id": f"{table.name}-files",
            "name": f"{table.name}-files",
            "description": f"The Parquet files of the config {table.name}.",
            "containedIn": {"@id": FOLDER},
            "encodingFormat": "application/x-parquet",
            "includes": f"{table.name}/*.parquet",
        }
    for entry in files:
        suffix = entry.path[entry.path.rfind(".") :]
        yield {
            "@type": "cr:FileObject",
            "@id": f"file/{entry.path}",
            "name": entry.path,
            "contentUrl": entry.path,
            "contentSize": f"{entry.size} B",
            "encodingFormat": _MEDIA_TYPES.get(suffix, "text/plain"),
            "sha256": entry.sha256,
        }


def _record_sets(table: Table, dataset: Dataset) -> Iterable[dict[str, Any]]:
    """The splits of a config as an enumeration, and its rows."""
    splits = f"{table.name}_splits"
    yield {
        "@type": "cr:RecordSet",
        "@id": splits,
        "name": splits,
        "description": f"The splits of the config {table.name}.",
        "dataType": "cr:Split",
        "key": {"@id": f"{splits}/name"},
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{splits}/name",
                "name": "name",
                "description": "Name of the split.",
                "dataType": "sc:Text",
            }
        ],
        "data": [{f"{splits}/name": split.name} for split in table.splits],
    }
    about = table.config.description or table.type.description or f"Rows of {table.name}."
    fields = [_field(field, table.name, field.name, []) for field in table.type.fields]
    has_own = table.type.get(SPLIT) is not None  # a column of that name is the data's own
    yield {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "description": about,
        "field": fields if has_own else [_split_field(table, splits), *fields],
    }


def _split_field(table: Table, splits: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{table.name}/{SPLIT}",
        "name": SPLIT,
        "description": "Split that the row is in, from the name of its file.",
        "dataType": "sc:Text",
        "source": {
            "fileSet": {"@id": f"{table.name}-files"},
            "extract": {"fileProperty": "fullpath"},
            "transform": {"regex": rf"{re.escape(table.name)}/(.+)-\d+-of-\d+\.parquet$"},
        },
        "references": {"field": {"@id": f"{splits}/name"}},
    }


def _field(field: Field, parent: str, column: str, path: list[str]) -> dict[str, Any]:
    """A column, or what is nested in one: then `path` are the names that lead to it from the column."""
    identifier = f"{parent}/{field.name}"
    node, depth = field.type, 0
    while node.kind == "list" and node.item is not None:
        node, depth = node.item, depth + 1
    value: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": identifier,
        "name": field.name,
        "description": _about(field.type, node),
    }
    if node.kind != "struct":
        value["dataType"] = _DATA_TYPES[node.kind]
    if depth:
        value |= {"isArray": True, "arrayShape": ",".join(["-1"] * depth)}
    source: dict[str, Any] = {
        "fileSet": {"@id": f"{parent.partition('/')[0]}-files"},
        "extract": {"column": column},
    }
    if path:
        source["transform"] = {"jsonPath": ".".join(path)}
    value["source"] = source
    if node.kind == "struct":
        value["subField"] = [_field(inner, identifier, column, [*path, inner.name]) for inner in node.fields]
    return value


def _about(outer: Type, node: Type) -> str:
    """The description of a column; the names that stand behind the numbers of a label."""
    text = outer.description or node.description
    if node.kind == "label":
        names = ", ".join(f"{number} = {name}" for number, name in enumerate(node.names))
        text = f"{text} The numbers stand for: {names}.".strip()
    return text or "No description."
