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

from copydesk import yamltext
from copydesk.contract import arrow
from copydesk.contract.types import Field, Label, Type
from copydesk.diagnostics import Severity
from copydesk.project import Config, Dataset, Project, ReleaseOptions, Splits
from copydesk.release import blocks, card, citation, croissant, datasheet
from copydesk.release.changelog import check_changelog
from copydesk.release.facts import Facts, read_facts
from copydesk.release.manifest import dataset_as_json
from copydesk.release.model import FileEntry, Release, SplitData, Table, tables_as_json
from copydesk.writers import jsonl, parquet

ODD = (
    'Say "no": | <b>bold</b> `tick` \\ {x} & 50% _a_ [l](u)\n---\n# not a heading '
    "\x1b[31mred\x1b[0m <!-- copydesk:end citation -->"
)

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
        files={name: tuple(found) for name, found in entries.items()},
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
            splits=tuple(
                write_split(folder, config.name, s, r, node, shards if s == "train" else 1)
                for s, r in rows[config.name].items()
            ),
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
    manifest = {
        "dataset": dataset_as_json(release.project),
        "primary": "article",
        "tables": tables_as_json(release.tables),
    }
    return read_facts(release.folder, manifest, release.tables)


AGREEMENT = {
    "passes": ["a", "b"],
    "layers": {
        "mentions": {
            "items": [1200, 3],
            "exact_f1": 0.9991,
            "overlap_f1": None,
            "labels": {"label": {"units": 3, "alpha": None, "agreement": 1}},
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
                {
                    "rule": "a",
                    "type": "t",
                    "severity": "critical",
                    "description": "A | b.",
                    "status": "passed",
                },
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


# --- numbers


def test_numbers_are_counted_from_the_files(release: Release) -> None:
    numbers = facts_of(release).numbers
    texts = [a["text"] for rows in ARTICLES.values() for a in rows]
    assert numbers["articles"] == "3"
    assert numbers["rows.articles.train"] == "2"
    assert numbers["rows.mentions"] == "5"
    assert numbers["characters"] == str(sum(map(len, texts)))
    assert numbers["words"] == str(sum(len(text.split()) for text in texts))
    assert numbers["labels.articles.mentions.label.PERSON"] == "3"
    assert numbers["labels.articles.trigger.label.PLACE"] == "2"  # the null trigger does not count
    assert numbers["labels.articles.trigger.label.PERSON"] == "0"
    assert numbers["labels.articles.tags.x"] == "6"
    assert numbers["labels.mentions.also.y"] == "4"
    assert numbers["rights.license.LicenseRef-Unknown"] == "3"
    assert numbers["rights.redistribute.yes"] == "1"
    assert numbers["files"] == "3"
    size = sum(p.stat().st_size for p in release.folder.rglob("*.parquet"))
    assert numbers["bytes.parquet"] == str(size)


def test_numbers_of_the_reports(release: Release) -> None:
    numbers = facts_of(release).numbers
    assert numbers["agreement.mentions.items.a"] == "1200"
    assert numbers["agreement.mentions.exact_f1"] == "0.999"
    assert numbers["agreement.mentions.labels.label.agreement"] == "1.000"
    assert numbers["agreement.mentions.labels.label.units"] == "3"
    assert numbers["agreement.mentions.overlap_f1"] == "undefined"
    assert numbers["agreement.mentions.labels.label.alpha"] == "undefined"
    assert numbers["agreement.mentions.by_label.PERSON.exact_f1"] == "0.500"
    assert (numbers["expectations.rules"], numbers["expectations.failed"]) == ("3", "2")


def test_shards_do_not_change_the_numbers(tmp_path: Path) -> None:
    one, two = (facts_of(make_release(tmp_path / str(n), shards=n)).numbers for n in (1, 2))
    shape = ("files", "bytes.parquet")
    assert {k: v for k, v in one.items() if k not in shape} == {k: v for k, v in two.items() if k not in shape}


def test_withheld_text_has_no_size(tmp_path: Path) -> None:
    release = make_release(tmp_path)
    columns = {"id": ["a"], "text": pa.array([None], pa.string())}
    node = struct(id=ID, text=replace(TEXT, nullable=True))
    split = write_split(tmp_path / "open", "articles", "train", pa.table(columns).to_pylist(), node, 1)
    table = replace(release.tables[0], type=node, splits=(split,))
    facts = facts_of(Release(project=release.project, folder=tmp_path / "open", tables=(table,)))
    assert (facts.numbers["characters"], facts.numbers["words"]) == ("withheld", "withheld")


# --- blocks and values

EVERY = "# T\n\n" + "\n".join(
    f"<!-- copydesk:begin {name} -->\n<!-- copydesk:end {name} -->\n" for name in blocks.BLOCKS
)
VALUES = (
    "It has <!-- copydesk:value articles --><!-- /copydesk --> articles, "
    "<!-- copydesk:value rows.mentions -->9<!-- /copydesk -->.\n"
)


def test_every_block_renders_and_rendering_again_changes_nothing(release: Release) -> None:
    facts = facts_of(release)
    once, found = blocks.render(EVERY + VALUES, facts, release.tables, "c.md")
    assert found == []
    assert blocks.render(once, facts, release.tables, "c.md") == (once, [])
    assert blocks.stale(once, facts, release.tables) == []
    assert "It has <!-- copydesk:value articles -->3<!-- /copydesk --> articles" in once
    assert once.count("load_dataset(") == 2
    assert "| `mentions` | 1,200 | 3 |" in once
    assert "Grüße" not in once


THREE = {
    "passes": ["a", "b", "c"],
    "layers": {
        "mentions": {
            "items": [5, 6, 7],
            "exact_f1": 0.8,
            "overlap_f1": 0.9,
            "intervals": {"exact_f1": {"low": 0.7012, "high": 0.86}},
            "pairs": {"a/b": {"articles": 12, "exact_f1": 0.75, "overlap_f1": 0.85}},
            "labels": {
                "label": {"units": 9, "alpha": 0.5, "agreement": 0.7, "intervals": {"alpha": {"low": 0.1, "high": 0.8}}}
            },
            "by_label": {},
        }
    },
}


def test_intervals_and_pairs_of_several_passes_are_shown(release: Release) -> None:
    (release.folder / "quality/agreement.json").write_text(json.dumps(THREE))
    facts = facts_of(release)
    shown, found = blocks.render(EVERY, facts, release.tables, "c.md")
    assert found == []
    assert "| `mentions` | 5 | 6 | 7 | 0.800 (0.701–0.860) | 0.900 |" in shown
    assert "| `mentions` | a/b | 12 | 0.750 | 0.850 |" in shown
    assert "0.500 (0.100–0.800)" in shown
    assert "95 % bootstrap intervals" in shown


def test_blocks_of_a_release_without_reports(tmp_path: Path) -> None:
    release = make_release(tmp_path)
    once, found = blocks.render(EVERY, facts_of(release), release.tables, "c.md")
    assert found == []
    assert "No agreement was computed" in once


def test_stale_numbers_are_found_with_their_line(release: Release) -> None:
    facts = facts_of(release)
    once, _ = blocks.render(EVERY + VALUES, facts, release.tables, "c.md")
    line = 1 + next(n for n, text in enumerate(once.split("\n")) if text.startswith("It has"))
    changed = once.replace("value articles -->3<", "value articles -->4<")
    assert blocks.stale(changed, facts, release.tables) == [(line, "articles")]
    changed = once.replace("| `mentions` | 1,200 | 3 |", "| `mentions` | 1,300 | 3 |")
    assert [name for _, name in blocks.stale(changed, facts, release.tables)] == ["agreement"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n<!-- copydesk:begin splts -->\n<!-- copydesk:end splts -->\n", 2),
        ("\n\n<!-- copydesk:begin splits -->\n", 3),
        ("<!-- copydesk:end splits -->\n", 1),
        ("<!-- copydesk:begin splits -->\n<!-- copydesk:end files -->\n", 1),
        ("<!-- copydesk:begin splits -->\n<!-- copydesk:begin files -->\n<!-- copydesk:end files -->\n", 1),
        ("x <!-- copydesk:begin splits --> y\n", 1),
        ("x <!-- copydesk:value nothing -->1<!-- /copydesk -->\n", 1),
        ("x <!-- copydesk:value articles -->1\n", 1),
        ("x 1<!-- /copydesk -->\n", 1),
        ("x <!-- copydesk:valeu articles -->1\n", 1),
    ],
)
def test_unknown_and_unmatched_markers(release: Release, text: str, line: int) -> None:
    rendered, found = blocks.render(text, facts_of(release), release.tables, "c.md")
    assert (found[0].code, found[0].place.file, found[0].place.line) == ("R004", "c.md", line)
    assert {d.code for d in found} == {"R004"}
    assert rendered == text or "begin files" in text


def test_line_ends_of_a_document_do_not_matter(release: Release) -> None:
    facts = facts_of(release)
    text = "a\r\n<!-- copydesk:begin version -->\r\n<!-- copydesk:end version -->\r\nb\u2028c\r\n"
    once, found = blocks.render(text, facts, release.tables, "c.md")
    assert found == []
    assert blocks.render(once, facts, release.tables, "c.md")[0] == once
    assert once.endswith("b\u2028c\r\n")


# --- the datasheet and the changelog


def answered(answer: str = "Yes, since 1999.") -> str:
    return datasheet.skeleton("T").replace("TODO", answer)


def test_there_are_57_questions() -> None:
    assert [len(questions) for _, questions in datasheet.SECTIONS] == [4, 16, 12, 4, 6, 7, 8]
    assert (next(iter(datasheet.QUESTIONS)), list(datasheet.QUESTIONS)[-1]) == ("1.1", "7.8")


def test_an_answered_datasheet_passes_and_a_skeleton_does_not() -> None:
    assert datasheet.check_datasheet(answered(), "D.md", False) == []
    found = datasheet.check_datasheet(datasheet.skeleton("T"), "D.md", False)
    assert [d.place.record for d in found] == list(datasheet.QUESTIONS)
    assert {(d.code, d.severity) for d in found} == {("R002", Severity.ERROR)}
    found = datasheet.check_datasheet(datasheet.skeleton("T"), "D.md", True)
    assert {d.severity for d in found} == {Severity.WARNING}


@pytest.mark.parametrize(
    "blank",
    ["", "TODO", "todo.", "**TBD**", "- TODO", "[More Information Needed]", "More information needed.", "n/a", "...",
     "<!-- to be written -->", "<!-- copydesk:begin files -->\n<!-- copydesk:end files -->", "To be determined.",
     "TODO\n\nTBD", "> …", "FIXME", "```\n```", "---", "<!-- never closed"],
)  # fmt: skip
def test_blanks_are_refused(blank: str) -> None:
    text = answered().replace("Yes, since 1999.", blank, 1)
    found = datasheet.check_datasheet(text, "D.md", False)
    assert found[0].code == "R002"
    assert "1.1" in {d.place.record for d in found}


@pytest.mark.parametrize("answer", ["None.", "No.", "Not applicable, since nobody was asked.", "Zwei.", "3"])
def test_short_answers_are_answers(answer: str) -> None:
    assert datasheet.check_datasheet(answered(answer), "D.md", False) == []


def test_missing_repeated_and_unknown_questions() -> None:
    text = answered().replace("### 2.3 ", "### 2.2 ").replace("### 7.8 ", "### 9.9 ")
    found = datasheet.check_datasheet(text, "D.md", False)
    assert sorted(d.place.record or "" for d in found) == ["2.2", "2.3", "7.8", "9.9"]


def test_a_heading_in_a_comment_or_in_code_is_no_question() -> None:
    for hidden in ("<!--\n### 1.1 Q\nanswer\n-->\n", "```\n### 1.1 Q\nanswer\n```\n"):
        text = hidden + answered().replace("### 1.1 ", "### One ")
        assert [d.place.record for d in datasheet.check_datasheet(text, "D.md", False)] == ["1.1"]


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("# C\n\n## 1.2.0\n\nNew.\n", True),
        ("## 1.2.0 (2026-01-01)\n- New.\n\n## 1.1.0\nOld.\n", True),
        ("## [1.2.0]\nNew.\n", True),
        ("", False),
        ("## 1.2.00\nNew.\n", False),
        ("## 1.2.0\n\n## 1.1.0\nOld.\n", False),
        ("## 1.2.0\n\nTODO\n", False),
        ("### 1.2.0\nNew.\n", False),
        ("We plan 1.2.0\n", False),
    ],
)
def test_the_changelog_has_an_entry_for_the_version(text: str, fine: bool) -> None:
    found = check_changelog(text, "1.2.0", "CHANGELOG.md", False)
    assert [d.code for d in found] == ([] if fine else ["R005"])
    assert all(d.severity is Severity.WARNING for d in check_changelog(text, "1.2.0", "CHANGELOG.md", True))


# --- the card, the citation


@pytest.mark.parametrize(
    "value",
    ["no", "1.10", "1.0.0", "2026-01-01", "", "~", "null", "=", "0o7", "1e3", ".inf", "- a", "# a", "a: b", ODD, "é 😀",
     "\u2028", "'", '"', "%", "@x", "&a", "*a", "!t", "n<1K", "1K<n<10K", " a ", "a\n", "\x00", "y"],
)  # fmt: skip
def test_yaml_reads_back_what_was_written(value: str) -> None:
    document = {value or "k": [value, {"a": value}], "n": [1, 1.5, True, None, [], {}]}
    text = yamltext.dump(document)
    assert yamltext.parse(text) == document
    assert all(line.strip() != "---" for line in text.splitlines())


def test_the_card_says_how_to_load_it(release: Release) -> None:
    data, found = card.render_card(release, facts_of(release), "# Tiny\n" + EVERY + VALUES)
    assert found == []
    value = card.card_metadata(data)
    assert value == card.front_matter(release, facts_of(release))
    assert value["language"] == ["en", "no"]
    assert value["license"] == "cc-by-4.0"
    assert value["size_categories"] == ["n<1K"]
    assert [(c["config_name"], c.get("default")) for c in value["configs"]] == [
        ("articles", True),
        ("mentions", None),
    ]
    assert {c["version"] for c in value["configs"]} == {"1.10.0"}
    globs = [d["path"] for c in value["configs"] for d in c["data_files"]]
    assert globs == ["articles/train-*.parquet", "articles/test-*.parquet", "mentions/train-*.parquet"]
    info = {i["config_name"]: i for i in value["dataset_info"]}
    assert [s["num_examples"] for s in info["articles"]["splits"]] == [2, 1]
    assert info["articles"]["download_size"] == sum(p.stat().st_size for p in (release.folder / "articles").iterdir())
    assert info["articles"]["dataset_size"] == sum(s["num_bytes"] for s in info["articles"]["splits"])
    infos = card.card_infos(data)
    assert {n: i["features"] for n, i in infos.items()} == {t.name: arrow.yaml_features(t.type) for t in release.tables}


def test_a_licence_that_the_hub_does_not_know(release: Release) -> None:
    dataset = replace(DATASET, license="LicenseRef-Mine AND MIT")
    changed = replace(release, project=replace(release.project, dataset=dataset))
    value = card.front_matter(changed, facts_of(changed))
    assert value["license"] == "other"
    assert value["license_name"] == "licenseref-mine-and-mit"
    assert value["license_link"] == card.LICENSE_FILE


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"language": ("english",)}, "/dataset/language/0"),
        ({"language": ("en-GB", "qqx")}, "/dataset/language/1"),
        ({"task_categories": ("ner",)}, "/dataset/task_categories/0"),
        ({"task_ids": ("token-classification",)}, "/dataset/task_ids/0"),
        ({"annotations_creators": ("me",)}, "/dataset/annotations_creators/0"),
        ({"language_creators": ("no-annotation",)}, "/dataset/language_creators/0"),
    ],
)
def test_metadata_that_the_hub_would_refuse(change: dict[str, Any], pointer: str) -> None:
    assert card.check_metadata(DATASET) == []
    found = card.check_metadata(replace(DATASET, **change))
    assert [(d.code, d.place.pointer) for d in found] == [("R010", pointer)]


def test_prose_with_front_matter_of_its_own_is_refused(release: Release) -> None:
    _, found = card.render_card(release, facts_of(release), "---\nlicense: mit\n---\n# T\n")
    assert [d.code for d in found] == ["R010"]


def test_the_citation_reads_back(release: Release) -> None:
    value = yamltext.parse(citation.render_citation(release).decode())
    assert value["cff-version"] == "1.2.0"
    assert (value["version"], value["date-released"]) == ("1.10.0", "2026-01-02")
    assert value["authors"] == [{"name": "A. Writer"}]
    assert "url" not in value


def test_odd_words_do_no_harm(tmp_path: Path) -> None:
    dataset = replace(DATASET, title=ODD, summary=ODD, creators=(ODD,), keywords=(ODD, "no"))
    release = make_release(tmp_path, dataset)
    facts = facts_of(release)
    prose = "# <!-- copydesk:value title --><!-- /copydesk -->\n\n" + EVERY
    data, found = card.render_card(release, facts, prose)
    assert found == []
    assert card.card_metadata(data) == card.front_matter(release, facts)
    text = data.decode()
    body = text.split("\n---\n", 1)[1]
    assert "\x1b" not in text
    assert "<b>" not in re.sub(r"```.*?```", "", body, flags=re.S)
    assert not any(line.startswith("# not") for line in body.splitlines())
    again, found = blocks.render(body, facts, release.tables, "README.md")
    assert (again, found) == (body, [])
    assert blocks.stale(body, facts, release.tables) == []
    for line in body.splitlines():
        if line.startswith("|"):
            assert line.endswith(" |")
    assert yamltext.parse(citation.render_citation(release).decode())["title"] == citation.one_line(ODD)
    entry = citation.bibtex(facts.dataset)
    plain = entry.replace("\\{", "").replace("\\}", "")
    assert plain.count("{") == plain.count("}")
    json.dumps(croissant.render_croissant(release, facts, []))


def test_a_table_keeps_its_columns_whatever_the_descriptions_say(release: Release) -> None:
    once, _ = blocks.render(EVERY, facts_of(release), release.tables, "c.md")
    width = None
    for line in once.splitlines():
        if not line.startswith("|"):
            width = None
            continue
        cells = len(re.findall(r"(?<!\\)\|", line)) - 1
        assert width in (None, cells), line
        width = cells


# --- Croissant


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("CROISSANT_CACHE", str(tmp_path / "croissant-cache"))


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value.decode() if isinstance(value, bytes) else value


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("shards", [1, 2])
def test_croissant_gives_every_row(
    tmp_path: Path, offline: None, shards: int, caplog: pytest.LogCaptureFixture
) -> None:
    import mlcroissant

    release = make_release(tmp_path / "r", shards=shards)
    entries = [e for t in release.tables for s in t.splits for e in (*s.parquet, *s.jsonl)]
    value = croissant.render_croissant(release, facts_of(release), entries)
    path = release.folder / "croissant.json"
    path.write_text(json.dumps(value))
    dataset = mlcroissant.Dataset(jsonld=str(path))
    assert not dataset.metadata.ctx.issues.errors
    assert not dataset.metadata.ctx.issues.warnings
    for table in release.tables:
        given = [plain(record) for record in dataset.records(table.name)]
        expected = []
        for split in sorted(table.splits, key=lambda s: s.name):
            rows = ARTICLES[split.name] if table.name == "articles" else mention_rows(ARTICLES[split.name])
            encoded = arrow.encode(arrow.to_table(rows, table.type), table.type).to_pylist()
            expected += [
                {f"{table.name}/split": split.name, **croissant.expected_record(table, row)} for row in encoded
            ]
        assert given == expected
        splits = [plain(record) for record in dataset.records(f"{table.name}_splits")]
        assert splits == [{f"{table.name}_splits/name": split.name} for split in table.splits]
    chosen = list(mlcroissant.Dataset(jsonld=str(path)).records("articles", filters={"articles/split": "test"}))
    assert [record["articles/id"] for record in chosen] == [b"a3"]
    assert not [r for r in caplog.records if "not match" in r.getMessage()]


def test_croissant_has_what_the_specification_requires(release: Release) -> None:
    entries = [e for t in release.tables for s in t.splits for e in s.parquet]
    value = croissant.render_croissant(release, facts_of(release), entries)
    required = {"@context", "@type", "conformsTo", "description", "license", "name", "url", "creator"}
    recommended = {
        "keywords",
        "publisher",
        "version",
        "dateModified",
        "sdLicense",
        "inLanguage",
        "datePublished",
    }
    assert required | recommended | {"distribution"} <= value.keys()
    assert value["url"] == "urn:copydesk:tiny-news"
    assert value["license"] == "https://spdx.org/licenses/CC-BY-4.0.html"
    responsible = {
        "dataLimitations",
        "dataBiases",
        "personalSensitiveInformation",
        "dataUseCases",
        "dataSocialImpact",
    }
    assert {f"rai:{name}" for name in responsible} | {"rai:hasSyntheticData"} <= value.keys()
    assert value["prov:wasDerivedFrom"][0] == {"@id": "urn:example:source"}
    assert value["prov:wasGeneratedBy"]["prov:label"] == "typed in"
    hashed = {f["@id"]: f["sha256"] for f in value["distribution"] if "sha256" in f}
    assert hashed == {f"file/{e.path}": e.sha256 for e in entries}
    fields = {f["@id"]: f for r in value["recordSet"] for f in r["field"]}
    assert fields["mentions/label"]["dataType"] == "sc:Integer"
    assert "0 = PERSON, 1 = PLACE" in fields["mentions/label"]["description"]
    assert (
        "Without its lists of structs, which the files have: fragments." in fields["articles/mentions"]["description"]
    )
    identifiers = [f["@id"] for f in fields.values()]
    assert len(identifiers) == len(set(identifiers))


def test_a_column_called_split_is_the_datas_own(release: Release) -> None:
    table = release.tables[0]
    node = replace(table.type, fields=(*table.type.fields, Field(name="split", type=TEXT)))
    changed = replace(release, tables=(replace(table, type=node),))
    value = croissant.render_croissant(changed, facts_of(release), [])
    fields = value["recordSet"][1]["field"]
    assert [f["@id"] for f in fields].count("articles/split") == 1
    assert copy.deepcopy(value) == value
