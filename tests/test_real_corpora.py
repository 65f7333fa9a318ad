"""Real corpora, written as native records: the checks find what is known to be wrong with them, and nothing else.

Skipped where the corpora are not at hand; nothing of them is in this repository.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import datasets
import pytest

from conftest import CORPORA, replace_text
from copydesk.build import Options, build, check

pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason="the real corpora are not on this machine")


def prepare(project: Path, records: list[dict[str, Any]], labels: list[str]) -> None:
    """Put the records in place of the example of the project, with one layer, `mentions`."""
    for path in (*(project / "data/articles").iterdir(), *(project / "data/links").iterdir()):
        path.unlink()
    for name in ("link.schema.json", "expectations/claims.json", "expectations/claim_pairs.json"):
        (project / "schema" / name).unlink()
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    (project / "data/all.jsonl").write_text("".join(lines), encoding="utf-8")
    toml = project / "dataset.toml"
    text = toml.read_text(encoding="utf-8")
    kept = text[: text.index('[[source]]\nkind = "link"')] + text[text.index("[configs]") : text.index("claims = {")]
    kept += text[text.index("[splits]") : text.index("[[splits.pin]]")] + text[text.index("[release]") :]
    toml.write_text(kept.replace("data/articles/*.json", "data/all.jsonl"), encoding="utf-8")
    path = project / "schema/article.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    options = [{"const": name, "title": name, "description": f"As the corpus uses {name}."} for name in labels]
    schema["properties"]["mentions"]["items"]["properties"]["label"] = {"oneOf": options}
    schema["properties"]["id"]["pattern"] = "^[A-Za-z0-9-]+$"
    schema["required"].remove("claims")
    del schema["properties"]["claims"]
    path.write_text(json.dumps(schema), encoding="utf-8")


def re3d() -> tuple[list[dict[str, Any]], list[str]]:
    records: dict[str, dict[str, Any]] = {}
    for path in sorted((CORPORA / "re3d-gov").glob("*/documents.json")):
        for line in path.read_text(encoding="utf-8-sig").splitlines():
            document = json.loads(line)
            records[document["_id"]] = {"id": document["_id"], "text": document["text"], "mentions": []}
        for line in (path.parent / "entities.json").read_text(encoding="utf-8-sig").splitlines():
            entity = json.loads(line)
            mentions = records[entity["documentId"]]["mentions"]
            span = {"start": entity["begin"], "end": entity["end"], "surface": entity["value"]}
            mentions.append({"id": f"m{len(mentions)}", **span, "label": entity["type"]})
    labels = sorted({m["label"] for record in records.values() for m in record["mentions"]})
    return list(records.values()), labels


def test_re3d_has_the_mismatches_that_are_known(project: Path) -> None:
    records, labels = re3d()
    assert (len(records), sum(len(r["mentions"]) for r in records)) == (88, 3815)
    prepare(project, records, labels)
    found = Counter(d.code for d in check(Options(root=project)))
    assert found["A106"] + found["A103"] == 5
    assert {code for code in found if code.startswith(("B", "S", "C", "P"))} == set()


def test_re3d_without_them_is_released_and_loads(project: Path, tmp_path: Path) -> None:
    records, labels = re3d()
    prepare(project, records, labels)
    replace_text(project / "dataset.toml", "[release]", '[checks]\non_error = "exclude"\n\n[release]')
    outcome = build(Options(root=project, workers=2, block_size=20_000))
    excluded = (outcome.folder / "exclusions.jsonl").read_text().splitlines()
    articles = next(t for t in outcome.tables if t.name == "articles")
    assert articles.rows + len(excluded) == 88
    loaded = datasets.load_dataset(str(outcome.folder), "mentions", cache_dir=str(tmp_path / "cache"))
    texts = {r["id"]: r["text"] for r in records}
    for rows in loaded.values():
        for row in rows:
            assert texts[row["article_id"]][row["start"] : row["end"]] == row["surface"]


def test_setswana_news_equal_texts_stay_together(project: Path) -> None:
    path = CORPORA / "doccano-bsner-setswana-news" / "admin.jsonl"
    records = []
    for line in path.read_bytes().decode("utf-8").split("\n"):
        if line.strip():
            given = json.loads(line)
            spans = [
                {"id": f"m{n}", "start": start, "end": end, "label": label}
                for n, (start, end, label) in enumerate(given["label"])
            ]
            records.append({"id": str(given["id"]), "text": given["text"], "mentions": spans})
    labels = sorted({m["label"] for record in records for m in record["mentions"]})
    prepare(project, records, labels)
    report = check(Options(root=project))
    assert not report.errors
    edges = sum(d.code == "A104" for d in report)
    assert edges == sum(
        text[m["start"]].isspace() + text[m["end"] - 1].isspace()
        for text, mentions in ((r["text"], r["mentions"]) for r in records)
        for m in mentions
    )
    assert edges >= 98
    outcome = build(Options(root=project))
    splits: dict[str, set[str]] = {}
    for table in outcome.tables:
        if table.name == "articles":
            for split in table.splits:
                for entry in split.jsonl:
                    for line in (outcome.folder / entry.path).read_text(encoding="utf-8").split("\n"):
                        if line:
                            splits.setdefault(json.loads(line)["text"], set()).add(split.name)
    assert len(records) - len(splits) == 19
    assert all(len(names) == 1 for names in splits.values())
