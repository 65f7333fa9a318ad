"""Small releases for tests of what comes after the writing: three made-up articles and a link, as rows of configs.

Not a test, and not the pipeline: rows can be changed after the views made them, so that defects can be planted
which the stages before would have refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from copydesk.contract.arrow import to_table
from copydesk.contract.load import load_contract
from copydesk.contract.types import Contract, Type
from copydesk.project import Config, Dataset, Project, ReleaseOptions, Splits
from copydesk.release.model import FileEntry, Release, SplitData, Table
from copydesk.views import VIEWS
from copydesk.writers import parquet

ROOT = Path(__file__).parent.parent
LAYERS = ("segments", "entities", "mentions", "quotes", "claims", "events")
CONFIGS = (
    Config(name="articles", view="records", kind="article", default=True),
    *(Config(name=layer, view="layer", kind="article", layer=layer) for layer in LAYERS),
    Config(
        name="claim_pairs",
        view="pairs",
        kind="link",
        layer="claim_pairs",
        bring=("sentence", "surface", "assertion"),
    ),
)
A, B, C = "a" * 16, "b" * 16, "c" * 16
SPLITS = {A: "train", B: "train", C: "test", "retold": "train"}
NAMES = {A: "Velorum", B: "Mizzen", C: "Halyard"}
WORDS = (*NAMES.values(), "Quill", "barge", "quay")
"""Words of the texts: none may show up in a diagnostic or a result."""

Rows = dict[str, dict[str, list[dict[str, Any]]]]
"""Config -> split -> rows."""


def article(identifier: str) -> dict[str, Any]:
    """A complete article: a headline, a paragraph and something in every layer."""
    name = NAMES[identifier]
    text = f"{name} sinks\nThe barge {name} sank on Monday, pilot Quill said.\n"

    def span(surface: str, *, last: bool = True) -> dict[str, Any]:
        start = text.rindex(surface) if last else text.index(surface)
        return {"start": start, "end": start + len(surface), "surface": surface}

    def pieces(*surfaces: str) -> dict[str, Any]:
        spans = [span(surface) for surface in surfaces]
        joined = " ".join(s.pop("surface") for s in spans)
        return {"fragments": spans, "surface": joined}

    monday = {"timex": "XXXX-WXX-1", "entity": None}
    ship, pilot = {"entity": "ship", "timex": None}, {"entity": "pilot", "timex": None}
    claim = {"segment": "s2", "assertion": "reported", "attributed_to": ["pilot"]}
    return {
        "id": identifier,
        "language": "en",
        "document": {"path": f"seeds/{identifier}.txt", "sha256": "0" * 64},
        "publisher": None,
        "agency": None,
        "rights": {"license": "LicenseRef-none", "holder": None, "redistribute": False, "statement": "made up"},
        "text": text,
        "segments": [
            {"id": "s1", **span(f"{name} sinks"), "label": "headline"},
            {"id": "s2", **span(f"The barge {name} sank on Monday, pilot Quill said."), "label": "body"},
        ],
        "entities": [
            {"id": "ship", "label": "VEHICLE", "name": "the barge"},
            {"id": "pilot", "label": "PERSON", "name": "Quill"},
        ],
        "mentions": [
            {"id": "m1", **span(name, last=False), "label": "VEHICLE", "form": "name", **ship},
            {"id": "m2", **span(f"barge {name}"), "label": "VEHICLE", "form": "nominal", **ship},
            {"id": "m3", **span("Monday"), "label": "TIME", "form": "name", **monday},
            {"id": "m4", **span("Quill"), "label": "PERSON", "form": "name", **pilot},
        ],
        "quotes": [
            {
                "id": "q1",
                **pieces(f"The barge {name}", "sank on Monday"),
                "label": "indirect",
                "cue": span("said"),
                "speaker": "pilot",
            }
        ],
        "claims": [
            {"id": "c1", **pieces(f"The barge {name}", "sank"), "sentence": "The barge sank.", **claim},
            {"id": "c2", **pieces("Quill said"), "sentence": "Quill spoke on the quay.", **claim},
        ],
        "events": [
            {
                "id": "e1",
                "label": "movement",
                "trigger": span("sank"),
                "realis": "actual",
                "participants": [{"role": "agent", "entity": "ship"}],
                "time": {"mention": "m3", "value": "XXXX-WXX-1"},
            },
            {
                "id": "e2",
                "label": "statement",
                "trigger": span("said"),
                "realis": "actual",
                "participants": [],
                "time": None,
            },
        ],
    }


def link() -> dict[str, Any]:
    """B retells A: one claim supported, one unsupported, one of A's omitted."""
    pairs = [("c1", ["c1"], "supported"), ("c2", [], "unsupported"), (None, ["c2"], "omitted")]
    return {
        "id": "retold",
        "label": "retells",
        "source": A,
        "derived": B,
        "statement": "made up",
        "claim_pairs": [
            {
                "id": f"p{i}",
                "derived_claim": derived,
                "source_claims": source,
                "label": label,
                "also": [],
                "note": "Quill",
            }
            for i, (derived, source, label) in enumerate(pairs, 1)
        ],
    }


def seed_contract() -> Contract:
    contract, found = load_contract(ROOT, ("article", "link"))
    assert contract is not None, found
    return contract


def seed_rows(contract: Contract) -> Rows:
    """The rows of every config, as the views make them."""
    articles = {identifier: article(identifier) for identifier in NAMES}
    tables = {
        "article": to_table(list(articles.values()), contract.kinds["article"].type),
        "link": to_table([link()], contract.kinds["link"].type),
    }

    def fetch(kind: str, ids: Any) -> pa.Table:
        return to_table([articles[i] for i in ids], contract.kinds[kind].type)

    rows: Rows = {}
    for config in CONFIGS:
        rows[config.name] = {"train": [], "test": []}
        for row in VIEWS[config.view].rows(config, contract, tables[config.kind], fetch).to_pylist():
            record = row.get(f"{config.kind}_id", row["id"])
            rows[config.name][SPLITS[record]].append(row)
    return rows


def seed_types(contract: Contract) -> dict[str, Type]:
    return {config.name: VIEWS[config.view].columns(config, contract) for config in CONFIGS}


def write_release(
    folder: Path,
    rows: Rows,
    types: dict[str, Type],
    configs: tuple[Config, ...] = CONFIGS,
    *,
    shards: int = 1,
) -> Release:
    """Parquet files of the rows, and what names them. A split without rows is left out, and so is a config."""
    tables = []
    for config in configs:
        splits = []
        for split, listed in rows[config.name].items():
            size = -(-len(listed) // shards) or 1
            parts = [listed[at : at + size] for at in range(0, len(listed), size)]
            files = []
            for number, part in enumerate(parts):
                path = f"{config.name}/{split}-{number:05d}-of-{len(parts):05d}.parquet"
                (folder / config.name).mkdir(parents=True, exist_ok=True)
                node = types[config.name]
                done = parquet.write(folder / path, to_table(part, node), node)
                files.append(FileEntry(path=path, size=done.size, sha256=done.sha256, rows=len(part)))
            if files:
                splits.append(
                    SplitData(
                        name=split,
                        rows=len(listed),
                        num_bytes=0,
                        logical_sha256="",
                        files={"parquet": tuple(files), "jsonl": ()},
                    )
                )
        if splits:
            tables.append(Table(config=config, type=types[config.name], splits=tuple(splits)))
    return Release(project=_project(folder, configs), folder=folder, tables=tuple(tables))


def _project(root: Path, configs: tuple[Config, ...]) -> Project:
    dataset = Dataset(
        name="made-up",
        title="Made up",
        version="1.0.0",
        date="2026-01-01",
        summary="Made up.",
        language=("en",),
        license="CC0-1.0",
        creators=("nobody",),
    )
    return Project(
        root=root,
        dataset=dataset,
        sources=(),
        configs=configs,
        splits=Splits(salt="s", ratios={"train": 0.8, "validation": 0.1, "test": 0.1}),
        release=ReleaseOptions(),
    )
