"""The laws of the build over two versions of one dataset: groups, shards, exclusions, what is where after a kill."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from test_build import ENVIRONMENT, add_lines, content, many_articles

from conftest import edit_json, replace_text
from copydesk import build as builder
from copydesk import readback, running, splits
from copydesk.build import Options, Outcome, barrier, build, stage
from copydesk.diagnostics import BuildFailed, Report
from copydesk.prepare import prepare
from copydesk.project import Pin, Splits, load_project
from copydesk.release.model import Release
from copydesk.release.verify import verify
from copydesk.scaffold import create

STORY = {"type": ["string", "null"], "x-group": True, "description": "The story that is told."}


def records() -> list[dict[str, Any]]:
    """Ten copies that are equal but for their dress, ten pairs of one story, a linked pair, seven that fail."""
    articles = many_articles(60)
    for number in range(10):
        text = articles[number]["text"] = f"{articles[number]['text']} “It’s done”, says Nº {number}."
        dressed = text.upper().replace("“", '"').replace("”", '"').replace("’", "'").replace(" ", "\n\t ")
        articles.append({"id": f"copy-{number}", "text": dressed, "mentions": [], "claims": []})
    for number in range(20, 40):
        articles[number]["story"] = f"s{number % 10}"
    for number in range(5):
        bad = {**articles[50], "id": f"bad-{number}", "text": f"Bad {number}.", "claims": []}
        articles.append(bad | {"mentions": [{"id": "m", "start": 0, "end": 999, "label": "TIME"}]})
    bare = {"text": "t", "mentions": [], "claims": []}
    return [*articles, {"id": "\ud83d", **bare}, {"id": "half", "\ud83d": 1, **bare}]


def link(source: str, derived: str) -> dict[str, Any]:
    pair = {"id": "p", "source_claim": "c1", "derived_claim": "c1", "label": "supported"}
    return {"id": source, "source": source, "derived": derived, "claim_pairs": [pair]}


def history_project(folder: Path, files: dict[str, list[dict[str, Any]]]) -> Path:
    assert create(folder, "tiny") is None
    edit_json(folder / "schema/article.schema.json", lambda s: s["properties"].update(story=STORY))
    add_lines(folder, {})
    for name, articles in files.items():
        lines = [json.dumps(article) + "\n" for article in articles]
        (folder / "data/articles" / name).write_text("".join(lines), encoding="utf-8")
    replace_text(folder / "dataset.toml", '"data/articles/*.json", ]', '"data/articles/*.json*"]')
    (folder / "data/links/more.json").write_text(json.dumps(link("story-040", "story-041")))
    toml = folder / "dataset.toml"
    lines = toml.read_text(encoding="utf-8").splitlines(keepends=True)
    first = next(i for i, line in enumerate(lines) if line.startswith("articles ="))
    lines[first], lines[first + 1] = lines[first + 1], lines[first]
    toml.write_text("".join(lines), encoding="utf-8")
    replace_text(toml, "draft = true", "draft = true\narticles_per_shard = 5")
    replace_text(toml, "[splits]", '[checks]\non_error = "exclude"\n\n[splits]\nnear_copies = false')
    replace_text(folder / "data/card.md", "Two", "<!-- copydesk:value articles --><!-- /copydesk --> articles. Two")
    return folder


@dataclass(frozen=True, kw_only=True)
class History:
    """Two releases of one project, and what reached the disk, in order, while the first was made."""

    project: Path
    first: Outcome
    second: Outcome
    withdrawn: str
    events: list[tuple[str, int, str]]


def recorded(patch: pytest.MonkeyPatch) -> list[tuple[str, int, str]]:
    """Fill a list with (fsync, inode, '') and (rename, inode, target) as they happen."""
    events: list[tuple[str, int, str]] = []
    fsync, rename = os.fsync, os.rename

    def sync(descriptor: int) -> None:
        fsync(descriptor)
        events.append(("fsync", os.fstat(descriptor).st_ino, ""))

    def move(source: Any, target: Any, **options: Any) -> None:
        rename(source, target, **options)
        events.append(("rename", os.stat(target).st_ino, str(target)))  # noqa: PTH116

    patch.setattr(os, "fsync", sync)
    patch.setattr(os, "rename", move)
    return events


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    project = history_project(tmp_path_factory.mktemp("history") / "project", {"all.jsonl": records()})
    with pytest.MonkeyPatch.context() as patch:
        events = recorded(patch)
        first = build(Options(root=project, workers=1))
    ledger, _ = splits.read_ledger(project / "data/ledger.jsonl", "")
    withdrawn = next(f"story-{n:03d}" for n in range(10, 20) if ledger[f"story-{n:03d}"].split == "train")
    (project / "data/articles/all.jsonl").write_text(
        "".join(json.dumps(r) + "\n" for r in records() if r["id"] != withdrawn), encoding="utf-8"
    )
    (project / "data/links/more.json").unlink()
    replace_text(project / "dataset.toml", 'version = "0.1.0"', 'version = "0.2.0"')
    second = build(Options(root=project, workers=1))
    return History(project=project, first=first, second=second, withdrawn=withdrawn, events=events)


def ledger_of(release: Path) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in pq.read_table(release / "ledger.parquet").to_pylist()}


def test_equal_texts_equal_stories_and_links_make_groups(history: History) -> None:
    ledger = ledger_of(history.first.folder)
    pairs = [(f"copy-{n}", f"story-{n:03d}") for n in range(10)]
    pairs += [(f"story-{n:03d}", f"story-{n + 10:03d}") for n in range(20, 30)]
    for left, right in [*pairs, ("story-040", "story-041"), ("library-1", "library-2")]:
        assert ledger[left]["group"] == ledger[right]["group"], (left, right)
        assert ledger[left]["split"] == ledger[right]["split"]
    assert len({row["group"] for row in ledger.values()}) == len(ledger) - len(pairs) - 2


def test_a_group_that_falls_apart_has_two_names(history: History) -> None:
    before, after = ledger_of(history.first.folder), ledger_of(history.second.folder)
    assert after["story-040"]["group"] != after["story-041"]["group"]
    assert after["story-041"]["split"] == before["story-041"]["split"]
    assert [verify(outcome.folder)[1] for outcome in (history.first, history.second)] == [[], []]


@pytest.mark.parametrize("kept", [("b", "c"), ("a", "b", "c")])
def test_no_two_parts_take_the_name_of_the_whole(kept: tuple[str, ...]) -> None:
    ratios = {"train": 1.0, "test": 1.0}
    free = Splits(salt="", ratios=ratios)
    members = {i: splits.Member(digest="") for i in "abc"}
    whole = splits.settle(dict.fromkeys("abc", "a"), members, {}, free, "0.1.0").ledger
    other = next(name for name in ratios if name != whole["a"].split)
    pinned = replace(free, pins=(Pin(articles=("c",), split=other, reason="r"),))
    parts = splits.settle({i: i for i in kept}, {i: members[i] for i in kept}, whole, pinned, "0.2.0").ledger
    assert len({parts[i].group for i in kept}) == len(kept)
    assert parts["b"].split != parts["c"].split


def test_the_articles_are_counted_whichever_config_is_the_default(history: History) -> None:
    card = (history.second.folder / "README.md").read_text(encoding="utf-8")
    rows = sum(t.rows for t in history.second.tables if t.name == "articles")
    assert rows == 71
    assert "<!-- copydesk:value articles -->71<!-- /copydesk --> articles" in card
    front = yaml.safe_load(card.split("---\n")[1])
    assert [c["config_name"] for c in front["configs"]][:2] == ["mentions", "articles"]
    assert [c["config_name"] for c in front["configs"] if c.get("default")] == ["mentions"]


def test_a_withdrawal_leaves_the_other_shards_as_they_are(history: History) -> None:
    untouched = 0
    for config, column in (("articles", "id"), ("mentions", "article_id"), ("claims", "article_id")):
        after = {path.read_bytes() for path in (history.second.folder / config).glob("*.parquet")}
        for path in (history.first.folder / config).glob("*.parquet"):
            if history.withdrawn not in pq.read_table(path).column(column).to_pylist():
                assert path.read_bytes() in after, path.name
                untouched += 1
    assert untouched > 20
    assert not ledger_of(history.second.folder)[history.withdrawn]["released"]


def test_files_and_folders_are_on_the_disk_before_the_release_has_its_name(history: History) -> None:
    folder = history.first.folder
    named = next(i for i, event in enumerate(history.events) if event[0] == "rename" and event[2] == str(folder))
    synced = {inode for kind, inode, _ in history.events[:named] if kind == "fsync"}
    missing = [path for path in (folder, *folder.rglob("*")) if path.stat().st_ino not in synced]
    assert missing == []
    later = {inode for kind, inode, _ in history.events[named:] if kind == "fsync"}
    assert folder.parent.stat().st_ino in later


class Backwards:
    """An engine whose results come last first."""

    mishaps = ()

    def map(self, function: Callable[[Any], Any], items: Any) -> Iterator[Any]:
        return iter([function(item) for item in items][::-1])


def test_the_order_of_the_inputs_and_of_the_results_leaves_no_trace(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shuffled = records()
    random.Random(5).shuffle(shuffled)
    project = history_project(tmp_path / "p", {"z.jsonl": shuffled[:30], "a.jsonl": shuffled[30:]})
    monkeypatch.setattr(running, "open_engine", lambda options: nullcontext(Backwards()))
    monkeypatch.setattr(builder, "read_back", lambda *_: [])
    folder = build(Options(root=project, block_size=900)).folder
    excluded = [json.loads(line) for line in (folder / "exclusions.jsonl").read_text().splitlines()]
    assert [e["id"] for e in excluded] == [None, *(f"bad-{n}" for n in range(5)), "half"]
    assert content(folder) == content(history.first.folder)


def release_of(outcome: Outcome, project: Path) -> Release:
    loaded, _ = load_project(project)
    assert loaded is not None
    return Release(project=loaded, folder=outcome.folder, tables=outcome.tables)


def test_every_loader_is_asked(history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each loader gives something else, one in each way that matters, and each is reported."""
    import datasets
    import mlcroissant

    from copydesk.expectations import tables

    release = release_of(history.second, history.project)
    load, records_of, connect = datasets.load_dataset, mlcroissant.Dataset.records, tables.connect

    def loads(folder: str, name: str, **options: Any) -> Any:
        loaded = load(folder, name, **options)
        if options.get("streaming"):
            if name == "claims":
                return loaded.cast_column("sentence", datasets.Value("large_string"))
            return loaded.skip(1) if name == "articles" else loaded
        if name == "claims":
            loaded["train"] = loaded["train"].select(range(1, loaded["train"].num_rows))
        if name == "articles":
            loaded["train"] = loaded["train"].map(lambda row: {"language": "fr"})
        if name == "claim_pairs":
            loaded["train"] = loaded["train"].rename_column("label", "labels")
        if name == "mentions":
            loaded["more"] = loaded["train"]
        return loaded

    def rows(dataset: Any, name: str) -> Iterator[Any]:
        given = list(records_of(dataset, name))
        return iter(given[:1] if name == "articles" else [*given, given[0]] if name == "claims" else given)

    class Less:
        def __init__(self, connection: Any) -> None:
            self._connection = connection

        def sql(self, query: str, **options: Any) -> Any:
            return self._connection.sql(f"{query} LIMIT 1", **options)

    class Connected:
        def __init__(self, *arguments: Any, **options: Any) -> None:
            self._inner = connect(*arguments, **options)

        def __enter__(self) -> Less:
            return Less(self._inner.__enter__())

        def __exit__(self, *error: Any) -> None:
            self._inner.__exit__(*error)

    monkeypatch.setattr(datasets, "load_dataset", loads)
    monkeypatch.setattr(datasets, "get_dataset_config_names", lambda folder: ["articles"])
    monkeypatch.setattr(datasets, "get_dataset_default_config_name", lambda folder: "claims")
    monkeypatch.setattr(tables, "connect", Connected)
    monkeypatch.setattr(mlcroissant.Dataset, "records", rows)
    found = readback.read_back(release, tmp_path)
    assert {d.code for d in found} == {"R001"}
    said = " / ".join(d.message for d in found)
    for words in (
        "load_dataset offers the configs ['articles']",
        "load_dataset takes 'claims' for the default config",
        "load_dataset gives the splits ['more',",
        "load_dataset gives other rows of articles/train",
        "load_dataset gives other rows of claims/train",
        "load_dataset gives other features of claim_pairs/train",
        "streaming gives other rows of articles/test",
        "streaming gives other features of claims/train",
        "DuckDB gives fewer rows of articles/train",
        "mlcroissant gives another row 1 of articles",
        "mlcroissant gives more rows of claims",
    ):
        assert words in said, words


class Killed(BaseException):
    """The end of a process, for those who watch from inside."""


@pytest.mark.parametrize("sealed", [False, True], ids=["before", "after"])
def test_a_kill_around_the_seal_forgets_no_split(
    project: Path, monkeypatch: pytest.MonkeyPatch, *, sealed: bool
) -> None:
    """The ledger is there before the release is: whatever has its name is remembered by the next version."""
    (project / "data/articles/more.jsonl").write_text("".join(json.dumps(r) + "\n" for r in many_articles(20)))
    replace_text(project / "dataset.toml", "articles/*.json", "articles/*.json*")
    seal = builder.seal

    def killed(*arguments: Any) -> bool:
        if sealed:
            seal(*arguments)
        raise Killed

    monkeypatch.setattr(builder, "seal", killed)
    monkeypatch.setattr(builder, "read_back", lambda *_: [])
    with pytest.raises(Killed):
        build(Options(root=project))
    assert (project / "dist/tiny-0.1.0").exists() is sealed
    ledger, _ = splits.read_ledger(project / "data/ledger.jsonl", "")
    assert len(ledger) == 22
    replace_text(project / "dataset.toml", 'version = "0.1.0"', 'version = "0.2.0"')
    replace_text(project / "dataset.toml", 'salt = "tiny"', 'salt = "another"')
    report = Report()
    prepared = prepare(project, report)
    (project / "spool").mkdir()
    gathered = stage(prepared, Options(root=project), project / "spool", report)
    planned = barrier(prepared, gathered, project / "spool", report)
    assert {i: e.split for i, e in planned.ledger.items()} == {i: e.split for i, e in ledger.items()}


def test_a_ledger_that_changes_meanwhile_stops_the_build(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def edited(*arguments: object) -> list[Any]:
        (project / "data/ledger.jsonl").write_text("mine\n")
        return []

    monkeypatch.setattr(builder, "read_back", edited)
    before = (project / "DATASHEET.md").read_bytes()
    with pytest.raises(BuildFailed) as caught:
        build(Options(root=project))
    assert [(d.code, d.place.file) for d in caught.value.report.errors] == [("R012", "data/ledger.jsonl")]
    assert (project / "data/ledger.jsonl").read_text() == "mine\n"
    assert (project / "DATASHEET.md").read_bytes() == before
    assert sorted(p.name for p in (project / "dist").iterdir()) == [".cache-tiny", ".tiny.lock"]


OFFLINE = """
import os, sys
def hook(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request"}:
        os.write(2, f"{event} {arguments}".encode())
        os._exit(77)
sys.addaudithook(hook)
from copydesk.cli import main
code = main(["build", "--project", sys.argv[1]])
import datasets, huggingface_hub
off = datasets.config.HF_HUB_OFFLINE, huggingface_hub.constants.HF_HUB_OFFLINE
telemetry = huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY
sys.exit(code if all(off) and telemetry else f"the loaders are free to ask: {off} {telemetry}")
"""


def test_a_build_asks_no_network_though_nothing_forbids_it(project: Path) -> None:
    """Neither does it, nor could its loaders: what they ask for differs from release to release of theirs."""
    told = ("HF_", "DO_NOT_TRACK", "GX_", "HUGGING")
    free = {name: value for name, value in ENVIRONMENT.items() if not name.startswith(told)}
    command = [sys.executable, "-c", OFFLINE, str(project)]
    done = subprocess.run(command, capture_output=True, text=True, env=free, check=False)
    assert done.returncode == 0, done.stderr
