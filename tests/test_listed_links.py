"""Links with many ends: a cluster names mentions of any number of articles, and stays with them in one split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import datasets
import pytest
from cases import without_links, without_pin

from conftest import edit_json, replace_text
from copydesk.build import Options, build, check
from copydesk.diagnostics import Severity
from copydesk.release.verify import verify

MEMBER = {
    "type": "object",
    "required": ["id", "article", "mention"],
    "unevaluatedProperties": False,
    "properties": {
        "id": {"type": "string"},
        "article": {"type": "string", "x-link": "article", "x-group": True},
        "mention": {"type": "string", "x-ref": {"layer": "mentions", "record": "article"}},
    },
}
CLUSTER = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Cluster",
    "type": "object",
    "required": ["id", "members"],
    "unevaluatedProperties": False,
    "properties": {
        "id": {"type": "string"},
        "members": {"type": "array", "x-key": "id", "minItems": 1, "items": MEMBER},
    },
}


def news(number: int) -> dict[str, Any]:
    text = f"Story {number} ends on Monday in Mill Street, number {number * 7919}."
    start = text.index("Monday")
    mention = {"id": "m1", "start": start, "end": start + 6, "label": "TIME"}
    return {"id": f"story-{number}", "text": text, "mentions": [mention], "claims": []}


def cluster(name: str, *articles: int, mention: str = "m1") -> dict[str, Any]:
    members = [{"id": str(n), "article": f"story-{a}", "mention": mention} for n, a in enumerate(articles, 1)]
    return {"id": name, "members": members}


@pytest.fixture
def clusters(project: Path) -> Path:
    """Thirty articles, and clusters that tie some of them."""
    without_links(project)
    without_pin(project)
    for path in (project / "data/articles").iterdir():
        path.unlink()
    write(project, "articles/all", [news(n) for n in range(30)])
    write(project, "clusters", [cluster("monday", 0, 1, 2, 3, 4, 5), cluster("street", 5, 6, 7), cluster("one", 9, 9)])
    (project / "schema/cluster.schema.json").write_text(json.dumps(CLUSTER))
    (project / "schema/expectations/claims.json").unlink()
    toml = project / "dataset.toml"
    kept = [line for line in toml.read_text().splitlines(keepends=True) if not line.startswith("claims")]
    toml.write_text("".join(kept).replace("data/articles/*.json", "data/articles/*.jsonl"))
    more = '[[source]]\nkind = "cluster"\npaths = ["data/clusters.jsonl"]\n\n[configs]'
    replace_text(toml, "[configs]", more)
    line = 'members = { view = "pairs", kind = "cluster", layer = "members", bring = ["surface"] }\n'
    replace_text(toml, "[splits]", f'clusters = {{ kind = "cluster" }}\n{line}\n[splits]')
    return project


def write(project: Path, name: str, records: list[dict[str, Any]]) -> None:
    lines = [json.dumps(record) + "\n" for record in records]
    (project / f"data/{name}.jsonl").write_text("".join(lines))


def test_what_a_cluster_ties_stays_in_one_split_and_its_rows_bring_the_mentions(clusters: Path) -> None:
    outcome = build(Options(root=clusters, block_size=500))
    assert {d.code for d in outcome.report if d.severity is not Severity.NOTE} == {"R002", "E005"}
    loaded = datasets.load_dataset(str(outcome.folder), "members", cache_dir=str(clusters / "cache"))
    rows = [(split, row) for split, table in loaded.items() for row in table]
    assert len(rows) == 6 + 3 + 2
    homes = {row["article"]: split for split, row in rows}
    assert {homes[f"story-{n}"] for n in range(8)} == {homes["story-0"]}
    assert {row["mention_surface"] for _, row in rows} == {"Monday"}
    assert all(homes[row["article"]] == split for split, row in rows)
    assert verify(outcome.folder)[1] == []


def test_ends_that_are_not_there_are_found_at_their_place(clusters: Path) -> None:
    gone = [cluster("a", 0, 99), cluster("b", 1, mention="m9"), cluster("c", 2)]
    write(clusters, "clusters", gone)
    found = [d for d in check(Options(root=clusters)) if d.severity is Severity.ERROR]
    assert [(d.code, d.place.line, d.place.pointer) for d in found] == [
        ("B002", 1, "/members/1/article"),
        ("B003", 2, "/members/0/mention"),
    ]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (lambda s: s["properties"]["members"].pop("minItems"), "/properties"),
        (lambda s: s["properties"]["members"]["items"]["properties"]["article"].pop("x-group"), "/properties"),
        (
            lambda s: s["properties"]["members"]["items"]["properties"]["mention"]["x-ref"].update(record="nobody"),
            "/properties/members/items/properties/mention/x-ref",
        ),
        (
            lambda s: s["properties"]["members"]["items"]["properties"]["mention"]["x-ref"].update(cover=True),
            "/properties/members/items/properties/mention/x-ref",
        ),
        (
            lambda s: s["properties"]["members"]["items"]["properties"]["id"].update({"x-group": True}),
            "/properties/members/items/properties/id/x-group",
        ),
    ],
)
def test_a_link_without_a_home_or_end_is_no_contract(clusters: Path, change: Any, pointer: str) -> None:
    edit_json(clusters / "schema/cluster.schema.json", lambda s: change(s) and None)
    found = [d for d in check(Options(root=clusters)) if d.severity is Severity.ERROR]
    assert [(d.code, d.place.pointer) for d in found] == [("C006", pointer)]
