"""The build as a user meets it: same inputs, same bytes; killed or refused, nothing lost; every record counted."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from conftest import ROOT, edit_json, replace_text
from copydesk.build import Options, build
from copydesk.diagnostics import BuildFailed
from copydesk.release.manifest import load_manifest
from copydesk.release.verify import verify, verify_files

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
SOURCE_LINE = 'paths = ["data/articles/*.json"]'


def run_build(project: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "copydesk", "build", "--project", str(project), *options]
    env = {**ENVIRONMENT, **environment}
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False)


def content(release: Path) -> dict[str, bytes]:
    return {p.relative_to(release).as_posix(): p.read_bytes() for p in sorted(release.rglob("*")) if p.is_file()}


def many_articles(count: int) -> list[dict[str, Any]]:
    """Articles like those of the template, each with a text of its own, some with an emoji."""
    out = []
    for number in range(count):
        text = f"Story {number} {'👍 ' * (number % 3)}ends on Monday in Mill Street."
        start = text.index("Monday")
        mention = {"id": "m1", "start": start, "end": start + 6, "surface": "Monday", "label": "TIME"}
        fragments = [{"start": 0, "end": 5}, {"start": start, "end": start + 6}]
        claim = {"id": "c1", "fragments": fragments, "sentence": f"Story {number} ends.", "about": "m1"}
        out.append({"id": f"story-{number:03d}", "text": text, "mentions": [mention], "claims": [claim]})
    return out


def add_lines(project: Path, files: dict[str, list[dict[str, Any]]]) -> None:
    """Add JSON lines files to the sources of the project."""
    for name, records in files.items():
        lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
        (project / "data" / name).write_text("".join(lines), encoding="utf-8")
    paths = ", ".join(f'"data/{name}"' for name in files)
    replace_text(project / "dataset.toml", SOURCE_LINE, f'paths = ["data/articles/*.json", {paths}]')


def test_two_builds_are_identical_and_the_second_leaves_the_first(project: Path) -> None:
    first = build(Options(root=project))
    assert first.changed
    before = content(first.folder)
    inode = first.folder.stat().st_ino
    second = build(Options(root=project, frozen=True))
    assert not second.changed
    assert not second.updated
    assert content(second.folder) == before
    assert second.folder.stat().st_ino == inode


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A release of forty articles, built the plain way."""
    from copydesk.scaffold import create

    project = tmp_path_factory.mktemp("reference") / "project"
    assert create(project, "tiny") is None
    add_lines(project, {"more.jsonl": many_articles(40)})
    replace_text(project / "dataset.toml", "draft = true", "draft = true\narticles_per_shard = 7")
    return project, content(build(Options(root=project, workers=1)).folder)


def test_order_cuts_workers_and_hash_seed_leave_no_trace(
    reference: tuple[Path, dict[str, bytes]], project: Path
) -> None:
    records = many_articles(40)
    random.Random(7).shuffle(records)
    add_lines(project, {"z.jsonl": records[:11], "a.jsonl": records[11:12], "k.jsonl": records[12:]})
    replace_text(project / "dataset.toml", "draft = true", "draft = true\narticles_per_shard = 7")
    done = run_build(
        project, "--workers", "3", "--block-size", "300", PYTHONHASHSEED="4711", TZ="Asia/Tokyo", LC_ALL="C"
    )
    assert done.returncode == 0, done.stderr
    assert content(project / "dist" / "tiny-0.1.0") == reference[1]


def test_shards_are_numbered_and_schemas_equal(reference: tuple[Path, dict[str, bytes]]) -> None:
    release = reference[0] / "dist" / "tiny-0.1.0"
    shards = sorted((release / "articles").glob("train-*.parquet"))
    assert len(shards) > 2
    assert [s.name for s in shards] == [f"train-{i:05d}-of-{len(shards):05d}.parquet" for i in range(len(shards))]
    for config in ("articles", "mentions", "claims"):
        schemas = [pq.read_schema(path) for path in sorted((release / config).glob("*.parquet"))]
        assert all(schema.equals(schemas[0], check_metadata=True) for schema in schemas)


def test_a_later_version_adds_shards_and_leaves_the_old_ones(project: Path) -> None:
    articles = many_articles(30)
    add_lines(project, {"more.jsonl": articles[10:]})
    replace_text(project / "dataset.toml", "draft = true", "draft = true\narticles_per_shard = 5")
    old = build(Options(root=project)).folder
    before = {path.read_bytes() for path in (old / "articles").glob("*.parquet")}
    splits = {row["id"]: row["split"] for row in pq.read_table(old / "ledger.parquet").to_pylist()}
    more = [json.dumps(record, ensure_ascii=False) + "\n" for record in articles]
    (project / "data" / "more.jsonl").write_text("".join(more), encoding="utf-8")
    replace_text(project / "dataset.toml", 'version = "0.1.0"', 'version = "0.2.0"')
    new = build(Options(root=project)).folder
    after = {path.read_bytes() for path in (new / "articles").glob("*.parquet")}
    assert before < after
    ledger = {row["id"]: row for row in pq.read_table(new / "ledger.parquet").to_pylist()}
    assert all(ledger[identifier]["split"] == split for identifier, split in splits.items())
    assert {row["since"] for i, row in ledger.items() if i not in splits} == {"0.2.0"}
    assert old.exists()


KILLER = """
import os, signal, sys
event_wanted, name_wanted = sys.argv[1:3]
def hook(event, arguments):
    if event == event_wanted and any(str(a).endswith(name_wanted) for a in arguments[:2]):
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
from copydesk.cli import main
sys.exit(main(["build", "--workers", "1", "--project", sys.argv[3]]))
"""


@pytest.mark.parametrize(
    ("event", "name"),
    [
        ("os.mkdir", "spool"),
        ("open", "00000.part"),
        ("os.rename", "00000-of-00001.parquet"),
        ("open", "README.md"),
        ("open", "manifest.json"),
        ("open", "SHA256SUMS"),
        ("open", ".ledger.jsonl.new"),
        ("os.rename", "ledger.jsonl"),
        ("open", ".DATASHEET.md.new"),
    ],
)
def test_a_killed_build_leaves_the_previous_release_whole(
    reference: tuple[Path, dict[str, bytes]], tmp_path: Path, event: str, name: str
) -> None:
    """The build kills itself, with the signal that nothing can catch, right before it does a certain thing."""
    project = tmp_path / "project"
    shutil.copytree(reference[0], project)
    dist = project / "dist"
    old = content(dist / "tiny-0.1.0")
    edit_json(project / "data/articles/library-1.json", lambda r: r["mentions"][0].update(label="PERSON"))
    with (project / "DATASHEET.md").open("a", encoding="utf-8") as datasheet:
        datasheet.write("\nArticles: <!-- copydesk:value articles --><!-- /copydesk -->\n")
    with (project / "data" / "more.jsonl").open("a", encoding="utf-8") as articles:
        articles.write(json.dumps({**many_articles(1)[0], "id": "late"}) + "\n")
    command = [sys.executable, "-c", KILLER, event, name, str(project)]
    killed = subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    now = content(dist / "tiny-0.1.0")
    assert list(verify_files(dist / "tiny-0.1.0")) == []
    assert sorted(p.name for p in dist.iterdir() if not p.name.startswith(".")) == ["tiny-0.1.0"]
    done = run_build(project)
    assert done.returncode == 0, done.stderr
    assert not list(dist.glob(".staging-*"))
    _, found = verify(dist / "tiny-0.1.0")
    assert found == []
    assert now == (content(dist / "tiny-0.1.0") if name == ".DATASHEET.md.new" else old)


def test_a_refused_build_leaves_the_previous_release_and_the_ledger(project: Path) -> None:
    release = build(Options(root=project)).folder
    before, ledger = content(release), (project / "data/ledger.jsonl").read_bytes()
    edit_json(project / "data/articles/library-1.json", lambda r: r["mentions"][0].update(end=9999))
    with pytest.raises(BuildFailed) as caught:
        build(Options(root=project))
    assert [d.code for d in caught.value.report.errors] == ["A103"]
    assert content(release) == before
    assert (project / "data/ledger.jsonl").read_bytes() == ledger
    assert sorted(p.name for p in (project / "dist").iterdir()) == [".cache-tiny", ".tiny.lock", "tiny-0.1.0"]


def test_everything_read_is_released_or_excluded(project: Path) -> None:
    records = many_articles(9)
    records[2]["mentions"][0]["end"] = 10_000
    records[5]["mentions"][0]["label"] = "NOBODY"
    records[7]["id"] = "story-001"
    add_lines(project, {"more.jsonl": records})
    with (project / "data" / "more.jsonl").open("a", encoding="utf-8") as stream:
        stream.write('{"id": "torn", "text": \n')
    replace_text(project / "dataset.toml", "[splits]", '[checks]\non_error = "exclude"\n\n[splits]')
    outcome = build(Options(root=project))
    excluded = [json.loads(line) for line in (outcome.folder / "exclusions.jsonl").read_text().splitlines()]
    manifest = load_manifest(outcome.folder)
    assert manifest["inputs"]["article"] == {
        "records": 12,
        "excluded": 5,
        "sha256": manifest["inputs"]["article"]["sha256"],
    }
    assert sum(t.rows for t in outcome.tables if t.name == "articles") == 7
    named = sorted((str(e["id"]), *e["codes"]) for e in excluded)
    assert named == [
        ("None", "S003"),
        ("story-001", "B001"),
        ("story-001", "B001"),
        ("story-002", "A103"),
        ("story-005", "A004"),
    ]


def test_a_link_to_an_excluded_article_is_excluded_too(project: Path) -> None:
    edit_json(project / "data/articles/library-2.json", lambda r: r["mentions"][0].update(end=9999))
    replace_text(project / "dataset.toml", '"library-1", "library-2"', '"library-1"')
    replace_text(project / "dataset.toml", "[splits]", '[checks]\non_error = "exclude"\n\n[splits]')
    (project / "schema/expectations/claim_pairs.json").unlink()
    outcome = build(Options(root=project))
    lines = [json.loads(line) for line in (outcome.folder / "exclusions.jsonl").read_text().splitlines()]
    assert [(e["kind"], e["id"], e["codes"]) for e in lines] == [
        ("article", "library-2", ["A103"]),
        ("link", "library", ["B006"]),
    ]
    assert "claim_pairs" not in {table.name for table in outcome.tables}


def test_all_findings_come_in_one_run_in_file_order(project: Path) -> None:
    edit_json(project / "data/articles/library-1.json", lambda r: r["mentions"][0].update(end=9999, surface="x"))
    edit_json(project / "data/articles/library-2.json", lambda r: r["claims"][0].pop("sentence") and None)
    edit_json(project / "data/links/library.json", lambda r: r["claim_pairs"][0].update(label="fine"))
    with pytest.raises(BuildFailed) as caught:
        build(Options(root=project))
    found = [(d.code, d.place.file.rsplit("/")[-1]) for d in caught.value.report.errors]
    assert found == [("A103", "library-1.json"), ("A001", "library-2.json"), ("A004", "library.json")]


def test_frozen_refuses_a_stale_ledger_and_datasheet(project: Path) -> None:
    with pytest.raises(BuildFailed) as caught:
        build(Options(root=project, frozen=True))
    assert {d.place.file for d in caught.value.report.errors if d.code == "R003"} == {"data/ledger.jsonl"}
    build(Options(root=project))
    build(Options(root=project, frozen=True))


def test_two_builds_at_once_do_not_meet(project: Path) -> None:
    import fcntl

    (project / "dist").mkdir()
    with (project / "dist" / ".tiny.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BuildFailed) as caught:
            build(Options(root=project))
    assert [d.code for d in caught.value.report.errors] == ["R011"]


def test_an_output_that_cannot_be_written_is_named(project: Path) -> None:
    (project / "dist").write_text("a file stands here")
    with pytest.raises(BuildFailed) as caught:
        build(Options(root=project))
    assert [d.code for d in caught.value.report.errors] == ["R006"]


def test_a_build_asks_nothing_of_a_network(project: Path) -> None:
    program = (
        "import os, sys\n"
        "asked = {'socket.connect', 'socket.getaddrinfo', 'socket.gethostbyname', 'urllib.Request'}\n"
        "def hook(event, arguments):\n"
        "    if event in asked:\n"
        "        os.write(2, f'{event} {arguments}'.encode())\n"
        "        os._exit(77)\n"
        "sys.addaudithook(hook)\n"
        "from copydesk.cli import main\n"
        f"sys.exit(main(['build', '--project', {str(project)!r}]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert done.returncode == 0, done.stderr


def test_a_link_that_does_not_group_may_cross_splits(project: Path) -> None:
    edit_json(
        project / "schema/link.schema.json",
        lambda s: s["properties"].update(related={"type": "string", "x-link": "article", "description": "See also."}),
    )
    edit_json(project / "data/links/library.json", lambda r: r.update(related="story-000"))
    add_lines(project, {"more.jsonl": many_articles(1)})
    pin = '[[splits.pin]]\narticles = ["story-000"]\nsplit = "test"\nreason = "test"\n\n[release]'
    replace_text(project / "dataset.toml", "[release]", pin)
    outcome = build(Options(root=project))
    ledger = {row["id"]: row["split"] for row in pq.read_table(outcome.folder / "ledger.parquet").to_pylist()}
    assert (ledger["library-1"], ledger["story-000"]) == ("train", "test")
    assert verify(outcome.folder)[1] == []
