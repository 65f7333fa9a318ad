"""The describing documents: numbers come from the files, blanks are refused, odd words do no harm."""

from __future__ import annotations

import copy
import json
import re
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from copydesk.contract import arrow
from copydesk.contract.types import Field, Label, Type
from copydesk.diagnostics import Severity
from copydesk.project import Config, Dataset, Project, ReleaseOptions, Splits
from copydesk.release import blocks, card, citation, croissant, datasheet, markers, yamltext
from copydesk.release.changelog import check_changelog
from copydesk.release.facts import Facts, read_facts
from copydesk.release.manifest import dataset_as_json
from copydesk.release.model import FileEntry, Release, SplitData, Table, tables_as_json
from copydesk.writers import jsonl, parquet

ODD = 'Say "no": | <b>bold</b> `tick` \\ {x} & 50% _a_ [l](u)\n---\n# not a heading \x1b[31mred\x1b[0m <!-- copydesk:end citation -->'

TEXT = Type(kind="string", description="The text.")
ID = Type(kind="string", description="Id | of <it>.")
OFFSET = Type(kind="integer", rules={"minimum": 0, "maximum": 2**31 - 1}, description="An offset.")


def label(*names: str, nullable: bool = False) -> Type:
    labels = tuple(Label(name=n, title=n, description=f"Means {n} | `really`.") for n in names)
    return Type(kind="label", labels=labels, nullable=nullable)


def struct(nullable: bool = False, **fields: Type) -> Type:
    made = tuple(Field(name=name, type=node) for name, node in fields.items())
    return Type(kind="struct", fields=made, nullable=nullable)


def items(node: Type) -> Type:
    return Type(kind="list", item=node, description="A list.")


KIND = label("PERSON", "PLACE")
SPAN = struct(start=OFFSET, end=OFFSET)
MENTION = struct(id=ID, label=KIND, fragments=items(SPAN), entity=replace(ID, nullable=True))
ARTICLE = struct(
    id=ID,
    text=TEXT,
    score=Type(kind="number", nullable=True),
    rights=struct(license=ID, redistribute=Type(kind="boolean")),
    tags=items(label("x", "y")),
    mentions=items(MENTION),
    trigger=struct(nullable=True, start=OFFSET, label=KIND),
)
ROW = struct(article_id=ID, id=ID, label=KIND, fragments=items(SPAN), also=items(label("x", "y")))


def article(number: int, mentions: int) -> dict[str, Any]:
    return {
        "id": f"a{number}",
        "text": f" Grüße aus  Köln {number}\n",
        "score": None if number % 2 else 0.5,
        "rights": {"license": "LicenseRef-Unknown", "redistribute": number == 1},
        "tags": ["x"] * number,
        "mentions": [
            {
                "id": f"m{i}",
                "label": "PERSON" if i % 2 else "PLACE",
                "fragments": [{"start": i, "end": i + 1}] * (1 + i % 2),
                "entity": None if i == 2 else f"e{i}",
            }
            for i in range(1, mentions + 1)
        ],
        "trigger": None if number == 1 else {"start": number, "label": "PLACE"},
    }


ARTICLES = {"train": [article(1, 3), article(2, 2)], "test": [article(3, 0)]}


def mention_rows(articles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"article_id": a["id"], **{k: m[k] for k in ("id", "label", "fragments")}, "also": ["y"] * i}
        for a in articles
        for i, m in enumerate(a["mentions"])
    ]


def write_split(folder: Path, config: str, name: str, rows: list[dict[str, Any]], node: Type, shards: int) -> SplitData:
    entries: dict[str, list[FileEntry]] = {"parquet": [], "jsonl": []}
    size = -(-len(rows) // shards)
    for shard in range(shards):
        table = arrow.to_table(rows[shard * size : (shard + 1) * size], node)
        for writer, base in ((parquet, config), (jsonl, f"jsonl/{config}")):
            path = f"{base}/{name}-{shard:05d}-of-{shards:05d}.{writer.suffix}"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            written = writer.write(folder / path, table, node)
            entries[writer.suffix].append(
                FileEntry(path=path, size=written.size, sha256=written.sha256, rows=table.num_rows)
            )
    return SplitData(
        name=name,
        rows=len(rows),
        num_bytes=arrow.encode(arrow.to_table(rows, node), node).nbytes,
        logical_sha256="0" * 64,
        parquet=tuple(entries["parquet"]),
        jsonl=tuple(entries["jsonl"]),
    )


DATASET = Dataset(
    name="tiny-news",
    title="Tiny news",
    version="1.10.0",
    date="2026-01-02",
    summary="Three small articles.",
    language=("en", "no"),
    license="CC-BY-4.0",
    creators=("A. Writer",),
    keywords=("news",),
    task_categories=("token-classification",),
    task_ids=("named-entity-recognition",),
    annotations_creators=("machine-generated",),
    language_creators=("found",),
    source_datasets=("original",),
)
RESPONSIBLE = {
    "limitations": "Small.",
    "biases": "Some.",
    "sensitive_information": "None.",
    "use_cases": "Tests.",
    "social_impact": "None.",
    "synthetic_data": True,
    "derived_from": ["urn:example:source", "a pile of paper"],
    "generated_by": "typed in",
}


def make_release(folder: Path, dataset: Dataset = DATASET, shards: int = 1) -> Release:
    configs = (
        Config(name="articles", view="records", kind="article", default=True, description="Whole | articles."),
        Config(name="mentions", view="layer", kind="article", layer="mentions"),
    )
    rows = {"articles": ARTICLES, "mentions": {"train": mention_rows(ARTICLES["train"])}}
    tables = tuple(
        Table(
            config=config,
            type=node,
            splits=tuple(write_split(folder, config.name, s, r, node, shards if s == "train" else 1) for s, r in rows[config.name].items()),
        )
        for config, node in zip(configs, (ARTICLE, ROW), strict=True)
    )
    project = Project(
        root=folder,
        dataset=dataset,
        sources=(),
        configs=configs,
        splits=Splits(salt="s", ratios={"train": 1.0}),
        release=ReleaseOptions(),
        responsible=RESPONSIBLE,
    )
    return Release(project=project, folder=folder, tables=tables)


def facts_of(release: Release) -> Facts:
    manifest = {"dataset": dataset_as_json(release.project), "tables": tables_as_json(release.tables)}
    return read_facts(release.folder, manifest, release.tables)


AGREEMENT = {
    "passes": ["a", "b"],
    "layers": {
        "mentions": {
            "items": [1200, 3],
            "exact_f1": 0.9995,
            "overlap_f1": None,
            "labels": {"label": {"units": 3, "alpha": None, "agreement": 1.0}},
            "by_label": {"PERSON": {"items": [1, 1], "exact_f1": 0.5, "overlap_f1": 1.0}},
        }
    },
}
EXPECTATIONS = {
    "engine": {"name": "x"},
    "success": True,
    "suites": [
        {
            "config": "mentions",
            "rules": [
                {"rule": "a", "type": "t", "severity": "critical", "description": "A | b.", "status": "passed"},
                {"rule": "b", "type": "t", "severity": "warning", "description": None, "status": "failed"},
                {"rule": "c", "type": "t", "severity": "info", "description": "C", "status": "error"},
            ],
        }
    ],
}


@pytest.fixture
def release(tmp_path: Path) -> Release:
    made = make_release(tmp_path)
    (tmp_path / "quality").mkdir()
    (tmp_path / "quality/agreement.json").write_text(json.dumps(AGREEMENT))
    (tmp_path / "quality/expectations.json").write_text(json.dumps(EXPECTATIONS))
    return made
