"""Real corpora in the formats of their tools, from export to a release that loads, by a short dataset.toml each.

Skipped where the corpora are not at hand; nothing of them is in this repository.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import datasets
import pytest

from conftest import CORPORA, edit_json
from copydesk.adopt import adopt
from copydesk.build import Options, Outcome, build
from copydesk.convert import Request, convert
from copydesk.diagnostics import Severity
from copydesk.exporters import EXPORTERS

pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason="the real corpora are not on this machine")


def project(folder: Path, origin: str, *, drop: tuple[str, ...] = (), format_name: str | None = None) -> Path:
    """A project drafted from a corpus, its token layers left out to keep the tests short."""
    made = folder / "project"
    adopted = adopt(made, "real", "Real", CORPORA / origin, format_name)
    layers = [name for name in drop if name in adopted.survey.layers]
    if layers:
        without(made, layers)
    return made


def without(made: Path, layers: list[str]) -> None:
    """Leave layers out of the contract and, by the map, out of the source."""

    def change(schema: Any) -> None:
        for layer in layers:
            del schema["properties"][layer]
            schema["required"].remove(layer)
        for field in schema["properties"].values():
            item = field.get("items", {}).get("properties", {})
            for name in [n for n, value in item.items() if value.get("x-ref") in layers]:
                del item[name]

    edit_json(made / "schema/article.schema.json", change)
    for layer in layers:
        (made / f"schema/expectations/{layer}.json").unlink()
    toml = made / "dataset.toml"
    lines = [line for line in toml.read_text().splitlines() if line.split(" ")[0] not in layers]
    table = ", ".join(f"{layer} = false" for layer in layers)
    at = lines.index("[configs]                          # one line a table; the first is the default")
    lines[at:at] = ["[source.map]", f"layers = {{ {table} }}", ""]
    toml.write_text("\n".join(lines) + "\n")


def released(made: Path, tmp_path: Path, *configs: str) -> tuple[Outcome, dict[str, list[dict[str, Any]]]]:
    """The outcome of the build, and the rows of `configs`, or of all, as `load_dataset` gives them."""
    toml = [line for line in (made / "dataset.toml").read_text().splitlines() if line and not line.startswith("#")]
    assert len(toml) <= 30
    outcome = build(Options(root=made))
    assert not [d for d in outcome.report if d.severity is Severity.ERROR]
    rows: dict[str, list[dict[str, Any]]] = {}
    for table in outcome.tables:
        if configs and table.name not in configs:
            continue
        loaded = datasets.load_dataset(str(outcome.folder), table.name, cache_dir=str(tmp_path / "cache"))
        rows[table.name] = [row | {"split": split} for split, part in loaded.items() for row in part]
    return outcome, rows


TOKENS = ("tokens", "sentences", "paragraphs", "multiwords", "empty_nodes")


def test_turku_from_brat_and_from_columns_is_the_same_news(tmp_path: Path) -> None:
    _, brat = released(project(tmp_path / "brat", "turku-ner/data/standoff/dev"), tmp_path)
    made = project(tmp_path / "columns", "turku-ner/data/conll/dev.tsv", drop=TOKENS)
    _, columns = released(made, tmp_path)
    assert len(brat["mentions"]) == len(columns["mentions"]) == 1_063

    def content(rows: dict[str, list[dict[str, Any]]]) -> Counter[tuple[str, ...]]:
        """For each document its words, and its mentions in order, without the white space that columns cannot keep."""
        mentions: dict[str, list[tuple[int, int, str]]] = {}
        for row in rows["mentions"]:
            plain = "".join(row["surface"].split())
            mentions.setdefault(row["article_id"], []).append((row["start"], row["label"], plain))
        found: Counter[tuple[str, ...]] = Counter()
        for row in rows["articles"]:
            own = sorted(mentions.get(row["id"], []))
            found["".join(row["text"].split()), *(f"{label}:{text}" for _, label, text in own)] += 1
        return found

    # labels are numbered by how frequent they are, which is the same in both
    assert content(brat) == content(columns)


def test_gum_from_tsv_and_from_conllu_is_the_same_news(tmp_path: Path) -> None:
    made = project(tmp_path / "tsv", "gum-wikinews-news/coref/gum/tsv", drop=TOKENS)
    outcome, tsv = released(made, tmp_path, "articles", "Referent")
    assert any(table.name == "Coref" and table.rows == 2_535 for table in outcome.tables)
    made = project(tmp_path / "conllu", "gum-wikinews-news/dep", drop=TOKENS)
    _, conllu = released(made, tmp_path, "articles", "mentions")
    assert len(tsv["Referent"]) == len(conllu["mentions"]) == 5_018

    def words(rows: list[dict[str, Any]], column: str) -> Counter[str]:
        return Counter("".join(row[column].split()) for row in rows)

    assert words(tsv["articles"], "text") == words(conllu["articles"], "text")
    assert words(tsv["Referent"], "surface") == words(conllu["mentions"], "surface")


CLUSTER = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Cluster",
    "type": "object",
    "required": ["id", "label", "members"],
    "unevaluatedProperties": False,
    "properties": {
        "id": {"type": "string"},
        "label": {"type": "string"},
        "topic": {"type": "string"},
        "instance": {"type": "string"},
        "descriptor": {"type": ["string", "null"]},
        "members": {
            "type": "array",
            "x-key": "id",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["id", "article", "mention"],
                "unevaluatedProperties": False,
                "properties": {
                    "id": {"type": "string"},
                    "article": {"type": "string", "x-link": "article", "x-group": True},
                    "mention": {"type": "string", "x-ref": {"layer": "mentions", "record": "article"}},
                },
            },
        },
    },
}


def test_ecb_plus_with_its_topics_as_groups_and_its_clusters_as_links(tmp_path: Path) -> None:
    made = project(tmp_path, "ecbplus-topics-1-30/ECB+", drop=(*TOKENS, "instances", "entities"))

    def group(schema: Any) -> None:
        schema["properties"]["topic"] = {"type": "string", "x-group": True}

    edit_json(made / "schema/article.schema.json", group)
    (made / "schema/cluster.schema.json").write_text(json.dumps(CLUSTER))
    toml = made / "dataset.toml"
    source = '[[source]]\nkind = "cluster"\nformat = "cat"\ntake = "clusters"\npaths = ["data/original/ECB+"]\n\n'
    members = 'members = { kind = "cluster", view = "pairs", layer = "members", bring = ["surface"] }\n'
    text = toml.read_text().replace("[configs]", f"{source}[configs]").replace("[release]", f"{members}[release]")
    toml.write_text(text)
    _, rows = released(made, tmp_path, "articles", "members")
    assert len(rows["articles"]) == 663
    assert sum(len(row["mentions"]) for row in rows["articles"]) == 18_807
    assert sum(len(m["fragments"]) > 1 for row in rows["articles"] for m in row["mentions"]) == 61
    topics: dict[str, set[str]] = {}
    for row in rows["articles"]:
        topics.setdefault(row["topic"], set()).add(row["split"])
    assert len(topics) == 28
    assert all(len(splits) == 1 for splits in topics.values())
    clusters: dict[str, set[str]] = {}
    for row in rows["members"]:
        assert row["mention_surface"]
        clusters.setdefault(row["cluster_id"], set()).add(row["article"])
    # one instance has mentions in two topics: as links between the articles of a topic it is two
    assert (len(clusters), sum(len(articles) > 1 for articles in clusters.values())) == (1_597, 1_174)


def test_prodigys_review_has_its_passes_compared(tmp_path: Path) -> None:
    made = project(tmp_path, "prodigy-explosion-projects/spanruler_restaurant_reviews", drop=TOKENS)
    outcome, rows = released(made, tmp_path)
    assert len(rows["articles"]) == 1_521
    assert len(rows["mentions"]) == 3_179
    figures = json.loads((outcome.folder / "quality/agreement.json").read_text())
    assert figures["passes"] == ["ner_model", "original_annotations"]
    interval = figures["layers"]["mentions"]["intervals"]["exact_f1"]
    assert 0.5 < interval["low"] < figures["layers"]["mentions"]["exact_f1"] < interval["high"] < 1


def test_setswana_from_doccano(tmp_path: Path) -> None:
    outcome, rows = released(project(tmp_path, "doccano-bsner-setswana-news/admin.jsonl"), tmp_path)
    assert (len(rows["articles"]), len(rows["mentions"])) == (454, 444)
    assert sum(len(row["text"]) for row in rows["articles"]) == 73_016
    assert sum(d.code == "A104" for d in outcome.report) >= 98


RE3D = """
[source.options]
id = "_id"
layers.mentions = { file = "entities.json", article = "documentId", id = "_id", start = "begin", end = "end", \
label = "type", surface = "value" }

"""


def test_re3d_by_a_mapping_of_fields_leaves_out_what_is_broken(tmp_path: Path) -> None:
    made = project(tmp_path, "re3d-gov", format_name="fields")
    toml = made / "dataset.toml"
    text = toml.read_text().replace("[source.defaults]", RE3D.strip() + "\n\n[source.defaults]")
    more = 'mentions = { layer = "mentions" }\n\n[checks]\non_error = "exclude-annotations"\n\n[release]'
    lines = text.replace("[release]", more).splitlines()
    paths = 'paths = ["data/original/re3d-gov/**/*.json"]'
    toml.write_text("\n".join(paths if line.startswith("paths") else line for line in lines) + "\n")
    labels = sorted({row["type"] for p in CORPORA.glob("re3d-gov/*/entities.json") for row in lines_of(p)})

    def mentions(schema: Any) -> None:
        options = [{"const": name, "title": name, "description": f"As re3d uses {name}."} for name in labels]
        offset = {"$ref": "#/$defs/offset"}
        properties = {
            "id": {"type": "string"}, "start": offset, "end": offset, "surface": {"type": "string"},
            "label": {"oneOf": options},
        }  # fmt: skip
        schema["properties"]["mentions"] = {
            "type": "array",
            "x-key": "id",
            "items": {
                "type": "object",
                "x-span": {"text": "text", "start": "start", "end": "end", "surface": "surface"},
                "required": ["id", "start", "end", "label"],
                "unevaluatedProperties": False,
                "properties": properties,
            },
        }

    edit_json(made / "schema/article.schema.json", mentions)
    outcome, rows = released(made, tmp_path)
    assert len(rows["articles"]) == 88
    # white space apart, two of the five surfaces that differ are another text
    assert (len(rows["mentions"]), outcome.dropped) == (3_815 - 2, 2)
    texts = {row["id"]: row["text"] for row in rows["articles"]}
    assert all(texts[row["article_id"]][row["start"] : row["end"]] == row["surface"] for row in rows["mentions"])


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("origin", "articles"),
    [
        ("brat-example-data/tutorials/news", 13),
        ("brat-example-data/corpora/BioNLP-ST_2011", 80),
        ("label-studio-nerine-no", 5),
        ("prodigy-explosion-projects/rel_component", 149),
        ("prodigy-explosion-projects/textcat_docs_issues", 500),
        ("inception-fixtures/inception-project-export", 1),
        ("redewiedergabe-sample-NC/xmi", 8),
        ("conll-wikigold-sec/wikigold", 145),
        ("conllu-pud-iob2-uner/uner_pud", 397),
        ("gate-fixtures/python-gatenlp/tests/testdoc1.bdocjs", 1),
    ],
)
def test_each_export_becomes_a_release_without_a_line_by_hand(origin: str, articles: int, tmp_path: Path) -> None:
    made = project(tmp_path, origin, drop=TOKENS)
    toml = made / "dataset.toml"
    toml.write_text(toml.read_text().replace("[release]", '[checks]\non_error = "exclude-annotations"\n\n[release]'))
    outcome = build(Options(root=made))
    table = next(t for t in outcome.tables if t.name == "articles")
    assert (table.rows, outcome.excluded) == (articles, 0)


@pytest.mark.parametrize("to", [name for name in EXPORTERS if name != "copydesk"])
def test_real_news_goes_to_the_other_formats_and_comes_back(to: str, tmp_path: Path) -> None:
    origin = CORPORA / "turku-ner/data/standoff/dev"
    done = convert(Request(origin=origin, target=tmp_path / "there", to=to))
    back = convert(Request(origin=tmp_path / "there", target=tmp_path / "back", to="copydesk"))
    whole = convert(Request(origin=origin, target=tmp_path / "whole", to="copydesk"))
    assert done.articles == back.articles == whole.articles
    lost = sum(n for words, n in done.losses.items() if "mention" in words or "align" in words)

    def mentions(folder: Path) -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        for path in (folder / "articles").rglob("*.json"):
            record = json.loads(path.read_text())
            found.update((m["label"], m["surface"]) for m in record["mentions"])
        return found

    assert (mentions(tmp_path / "whole") - mentions(tmp_path / "back")).total() <= lost
    assert not mentions(tmp_path / "back") - mentions(tmp_path / "whole")
