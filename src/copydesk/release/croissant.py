"""croissant.json: the release as Croissant 1.1 with the responsible-AI vocabulary, written by hand.

Not through mlcroissant's own classes: they spell two properties otherwise than the specification, and drop what
they do not know. readback/ reads the result back with mlcroissant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from copydesk.contract.types import Field, Type
from copydesk.release import citation
from copydesk.release.facts import Facts, license_details
from copydesk.release.model import FileEntry, Release, Table

CONFORMS_TO = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
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
    terms = license_details(facts)
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
        "dateModified": dataset.date,
        "license": _license(dataset.license),
        "sdLicense": _license(dataset.license),
        **({"usageInfo": {"@type": "CreativeWork", "text": terms}} if terms else {}),
        "creator": [{"@type": "sc:Organization", "name": name} for name in dataset.creators],
        "publisher": [{"@type": "sc:Organization", "name": name} for name in dataset.creators],
        "inLanguage": list(dataset.language),
        "keywords": list(dataset.keywords),
        "isLiveDataset": False,
        "citeAs": citation.bibtex(facts.dataset),
        **_responsible(release.project.responsible),
        "distribution": [*_distribution(tables, ordered)],
        "recordSet": [entry for table in tables for entry in _record_sets(table)],
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
    """A set of files for each config, and every file by itself with its digest.

    The sets are in no container: they lie in the folder of this description, which is how readers take them.
    """
    for table in tables:
        yield {
            "@type": "cr:FileSet",
            "@id": f"{table.name}-files",
            "name": f"{table.name}-files",
            "description": f"The Parquet files of the config {table.name}.",
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


def _record_sets(table: Table) -> Iterable[dict[str, Any]]:
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
    fields = [_field(field, table.name) for field in _fields(table.type)]
    has_own = table.type.get(SPLIT) is not None  # a column of that name is the data's own
    yield {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "description": about,
        "field": fields if has_own else [_split_field(table, splits), *fields],
    }


def _split_field(table: Table, splits: str) -> dict[str, Any]:
    names = "|".join(re.escape(split.name) for split in table.splits)
    return {
        "@type": "cr:Field",
        "@id": f"{table.name}/{SPLIT}",
        "name": SPLIT,
        "description": "Split that the row is in, from the name of its file.",
        "dataType": "sc:Text",
        "source": {
            "fileSet": {"@id": f"{table.name}-files"},
            "extract": {"fileProperty": "fullpath"},
            # Matches the bare name too: mlcroissant applies it again to what it gave. Groups that can be left out
            # have this form, because it makes the glob of a filtered read from them.
            "transform": {"regex": rf"(?:{table.name}/)?({names})(?:-.+parquet)?$"},
        },
        "references": {"field": {"@id": f"{splits}/name"}},
    }


def _field(field: Field, config: str) -> dict[str, Any]:
    """A column. What is nested in it becomes sub-fields, one level of them: no reader knows more levels."""
    identifier = f"{config}/{field.name}"
    node, depth = _inner(field.type)
    value: dict[str, Any] = {"@type": "cr:Field", "@id": identifier, "name": field.name}
    value["description"] = _about(field.type, node)
    if depth:
        value |= {"isArray": True, "arrayShape": _shape(depth)}
    if node.kind != "struct":
        return value | {"dataType": _DATA_TYPES[node.kind], "source": _source(config, field.name, ())}
    left_out = [".".join(path) for path, inner in _parts(node) if not _describable(inner)]
    if left_out:
        value["description"] += f" Without its lists of structs, which the files have: {', '.join(left_out)}."
    value["subField"] = [
        {**_sub_field(identifier, path, inner), "source": _source(config, field.name, path)}
        for path, inner in _described(node)
    ]
    return value


def _sub_field(parent: str, path: tuple[str, ...], outer: Type) -> dict[str, Any]:
    node, depth = _inner(outer)
    return {
        "@type": "cr:Field",
        "@id": f"{parent}/{'/'.join(path)}",
        "name": ".".join(path),
        "description": _about(outer, node),
        "dataType": _DATA_TYPES[node.kind],
        **({"isArray": True, "arrayShape": _shape(depth)} if depth else {}),
    }


def _source(config: str, column: str, path: tuple[str, ...]) -> dict[str, Any]:
    source: dict[str, Any] = {"fileSet": {"@id": f"{config}-files"}, "extract": {"column": column}}
    return source | ({"transform": {"jsonPath": ".".join(map(_step, path))}} if path else {})


def _step(name: str) -> str:
    """One step of a JSON path: a name that is no plain word, such as `1`, would be read as something else."""
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) else f"'{name}'"


def _shape(depth: int) -> str:
    return ",".join(["-1"] * depth)


def _inner(node: Type) -> tuple[Type, int]:
    """What lists hold in the end, and how many of them stand around it."""
    depth = 0
    while node.kind == "list" and node.item is not None:
        node, depth = node.item, depth + 1
    return node, depth


def _parts(node: Type, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Type]]:
    """The fields of a struct with their path, those of structs in it instead of the structs themselves."""
    for field in node.fields:
        here = (*path, field.name)
        if field.type.kind == "struct":
            yield from _parts(field.type, here)
        else:
            yield here, field.type


def _fields(node: Type) -> list[Field]:
    """The columns that can be fields: all but lists of lists of structs."""
    return [field for field in node.fields if _describable(field.type) or _inner(field.type)[1] < 2]


def _describable(node: Type) -> bool:
    """Whether a part of a struct can be a sub-field: a value, or a list of values."""
    return _inner(node)[0].kind != "struct"


def _described(node: Type) -> Iterator[tuple[tuple[str, ...], Type]]:
    return ((path, inner) for path, inner in _parts(node) if _describable(inner))


def _about(outer: Type, node: Type) -> str:
    """The description of a column; the names that stand behind the numbers of a label."""
    text = outer.description or node.description
    if node.kind == "label":
        names = ", ".join(f"{number} = {name}" for number, name in enumerate(node.names))
        text = f"{text} The numbers stand for: {names}.".strip()
    return text or "No description."


def expected_record(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """What reading a row through the description gives, by @id, without its split. `row` has labels as numbers."""
    record: dict[str, Any] = {}
    for field in _fields(table.type):
        identifier, value = f"{table.name}/{field.name}", row[field.name]
        node, depth = _inner(field.type)
        if node.kind == "struct" and depth:
            # sub-fields are read one by one, so a list that is null is a list of one item without values
            value = [_flat(identifier, node, item) for item in ([None] if value is None else value)]
        elif node.kind == "struct":
            value = _flat(identifier, node, value)
        record[identifier] = value
    return record


def _flat(identifier: str, node: Type, value: Any) -> dict[str, Any]:
    out = {}
    for path, _ in _described(node):
        inner = value
        for name in path:
            inner = inner[name] if inner is not None else None
        out[f"{identifier}/{'/'.join(path)}"] = inner
    return out
