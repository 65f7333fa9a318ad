"""The cache: nothing but time depends on it. What changed is made anew, what did not is taken, damage is noticed."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from test_build import add_lines, content, many_articles, run_build
from test_laws import HOMES, modules
from test_laws import imports as imports_of

from conftest import ROOT, edit_json, replace_text
from copydesk import build as builder
from copydesk import running
from copydesk.build import Options, Outcome, build, check
from copydesk.cache import VARIABLE, Cache, keys
from copydesk.cache.steps import stage_and_keep, stage_step, take_block
from copydesk.cache.store import CacheOptions, Damaged, Store
from copydesk.cache.values import dumps, loads
from copydesk.cutting import cut
from copydesk.diagnostics import BuildFailed, Diagnostic, Report
from copydesk.importers.intake import units_of
from copydesk.prepare import prepare
from copydesk.sources import list_files
from copydesk.stage import block_files

NONE = CacheOptions(used=False)
ARTICLES = 200


def warned(count: int) -> list[dict[str, Any]]:
    """Articles of which every seventh has a finding that stops nothing."""
    found = many_articles(count)
    for record in found[::7]:
        record["text"] += "\x7f"
    return found


def write_lines(project: Path, records: list[dict[str, Any]]) -> None:
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    (project / "data" / "more.jsonl").write_text("".join(lines), encoding="utf-8")


@pytest.fixture(autouse=True)
def without_loaders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two passes are what these tests are about; what loaders and judges say of a release is tested elsewhere."""
    monkeypatch.setattr(builder, "read_back", lambda *_, **__: [])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of some blocks and shards that was built once, with what that build kept."""
    from copydesk.scaffold import create

    project = tmp_path_factory.mktemp("cached") / "project"
    assert create(project, "tiny") is None
    add_lines(project, {"more.jsonl": warned(ARTICLES)})
    replace_text(project / "dataset.toml", "draft = true", "draft = true\narticles_per_shard = 15")
    shutil.rmtree(project / "schema/expectations")
    outcome = build(options(project))
    assert outcome.cached["blocks"][0] == 0
    assert outcome.cached["blocks"][1] > 12
    assert outcome.cached["shards"][1] > 25
    return project


@pytest.fixture
def cached(built: Path, tmp_path: Path) -> Path:
    """A copy of it, elsewhere: keys know nothing of where a project lies."""
    folder = tmp_path / "elsewhere" / "copy"
    shutil.copytree(built, folder)
    return folder


def options(project: Path, **more: Any) -> Options:
    return Options(root=project, workers=1, block_size=4000, **more)


def plain(project: Path, tmp_path: Path) -> dict[str, bytes]:
    """The release of the same sources, built without a cache."""
    other = tmp_path / "plain"
    shutil.copytree(project, other, ignore=lambda _, names: [n for n in names if n.startswith(".cache")])
    return content(build(options(other, cache=NONE)).folder)


def rebuilt(project: Path, tmp_path: Path) -> Outcome:
    """Build with the cache; the bytes are those of a build without."""
    expected = plain(project, tmp_path)
    outcome = build(options(project))
    assert content(outcome.folder) == expected
    assert not {d.code for d in outcome.report} & {"R018", "R020"}
    return outcome


def test_what_has_not_changed_is_taken(cached: Path, tmp_path: Path) -> None:
    outcome = rebuilt(cached, tmp_path)
    assert not outcome.changed
    assert outcome.cached["blocks"][1] == 0
    assert outcome.cached["shards"][1] == 0


def _edit(records: list[dict[str, Any]]) -> None:
    records[150]["mentions"][0]["label"] = "PERSON"


def _insert(records: list[dict[str, Any]]) -> None:
    records.insert(100, {**many_articles(1)[0], "id": "story-new", "text": "Story 0 ends on Monday in Hill Road."})


def _delete(records: list[dict[str, Any]]) -> None:
    """Its version is not out, so the articles behind it in its split move up."""
    del records[100]


def _move(records: list[dict[str, Any]]) -> None:
    records.insert(20, records.pop(170))


@pytest.mark.parametrize(
    ("change", "blocks", "shards"), [(_edit, 4, 3), (_insert, 6, 6), (_delete, 6, 24), (_move, 9, 0)]
)
def test_an_edit_costs_its_blocks_and_its_shards(
    cached: Path, tmp_path: Path, change: Callable[[list[dict[str, Any]]], None], blocks: int, shards: int
) -> None:
    records = warned(ARTICLES)
    change(records)
    write_lines(cached, records)
    outcome = rebuilt(cached, tmp_path)
    assert 0 < outcome.cached["blocks"][1] <= blocks
    assert outcome.cached["shards"][1] <= shards
    assert outcome.cached["blocks"][0] > 12
    assert outcome.cached["shards"][0] >= 10


def test_a_new_version_and_new_decisions_stage_nothing_anew(cached: Path, tmp_path: Path) -> None:
    replace_text(cached / "dataset.toml", 'version = "0.1.0"', 'version = "0.1.1"')
    pin = '[[splits.pin]]\narticles = ["story-199"]\nsplit = "test"\nreason = "test"\n\n[release]'
    replace_text(cached / "dataset.toml", "[release]", pin)
    (cached / "data/ledger.jsonl").unlink()
    shutil.rmtree(cached / "dist/tiny-0.1.0")
    outcome = rebuilt(cached, tmp_path)
    assert outcome.cached["blocks"][1] == 0
    assert outcome.cached["shards"][0] > 12


def found(project: Path, cache: CacheOptions, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Diagnostic], Cache]:
    """What `check` finds, and the cache that it used."""
    seen = []

    def opened(*arguments: Any) -> Any:
        context = running_open(*arguments)

        class Seen:
            def __enter__(self) -> Cache:
                seen.append(context.__enter__())
                return seen[0]

            def __exit__(self, *error: Any) -> None:
                context.__exit__(*error)

        return Seen()

    running_open = running.open_cache
    with monkeypatch.context() as patch:
        patch.setattr(running, "open_cache", opened)
        report = check(options(project, cache=cache))
    return list(report), seen[0]


def test_findings_stand_at_their_lines_after_lines_moved(cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = warned(ARTICLES)
    records[180]["mentions"][0]["end"] = 9999  # an error, in a block of its own
    write_lines(cached, records)
    found(cached, CacheOptions(), monkeypatch)
    write_lines(cached, [{**many_articles(1)[0], "id": f"first-{n}"} for n in range(3)] + records)
    expected, _ = found(cached, NONE, monkeypatch)
    now, cache = found(cached, CacheOptions(), monkeypatch)
    assert now == expected
    assert [d.place.line for d in now if d.code == "A103"] == [184]
    assert len({d.place.line for d in now}) > 10
    assert cache.made["stage"] <= 4
    assert cache.taken["stage"] > 12


def test_a_waiver_concerns_the_blocks_in_which_it_waives(cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, _ = found(cached, CacheOptions(), monkeypatch)
    code = next(d.code for d in before if d.place.record == "story-014")
    waiver = (
        f'[[waiver]]\ncode = "{code}"\nrecord = "story-014"\nreason = "so it was printed"\nexpires = "2999-01-01"\n'
    )
    (cached / "data/waivers.toml").write_text(waiver, encoding="utf-8")
    expected, _ = found(cached, NONE, monkeypatch)
    now, cache = found(cached, CacheOptions(), monkeypatch)
    assert now == expected
    assert any("so it was printed" in note for d in now for note in d.notes)
    assert cache.made["stage"] == 1
    (cached / "data/waivers.toml").write_text("\n" + waiver, encoding="utf-8")
    assert found(cached, CacheOptions(), monkeypatch)[0] == found(cached, NONE, monkeypatch)[0]
    (cached / "data/waivers.toml").unlink()
    assert found(cached, CacheOptions(), monkeypatch)[0] == before


def test_documents_that_records_name_are_part_of_the_key(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "src/copydesk/template/data/articles/library-1.json").read_text(encoding="utf-8")
    record = json.loads(text)
    words = record.pop("text")
    document = project / "data" / "library-1.txt"
    document.write_text(words, encoding="utf-8")
    edit_json(
        project / "schema/article.schema.json",
        lambda s: s["properties"].update(
            document={
                "type": "object",
                "description": "Where the text is.",
                "required": ["path", "sha256"],
                "properties": {
                    "path": {"type": "string", "description": "Path."},
                    "sha256": {"type": "string", "description": "SHA-256."},
                },
                "unevaluatedProperties": False,
            }
        ),
    )
    pinned = {"path": "data/library-1.txt", "sha256": hashlib.sha256(words.encode()).hexdigest()}
    (project / "data/articles/library-1.json").write_text(json.dumps({**record, "document": pinned}), encoding="utf-8")

    def codes() -> tuple[set[str], int]:
        findings, cache = found(project, CacheOptions(), monkeypatch)
        return {d.code for d in findings} - {"R002"}, cache.made["stage"]

    assert codes() == (set(), 2)
    assert codes() == (set(), 0)
    document.write_text(words + " ", encoding="utf-8")
    assert codes() == ({"S008", "B006"} - {"B006"}, 1)
    document.unlink()
    assert codes() == ({"S001"}, 1)
    document.write_text(words, encoding="utf-8")
    assert codes() == (set(), 0)


def _setting(old: str, new: str) -> Callable[[Path], None]:
    return lambda project: replace_text(project / "dataset.toml", old, new)


def _schema(project: Path) -> None:
    edit_json(project / "schema/article.schema.json", lambda s: s["properties"]["text"].update(maxLength=10**6))


def _renamed(project: Path) -> None:
    (project / "data/more.jsonl").rename(project / "data/other.jsonl")
    replace_text(project / "dataset.toml", "data/more.jsonl", "data/other.jsonl")


STAGED_ANEW = {
    "contract": _schema,
    "on_error": _setting("[splits]", '[checks]\non_error = "exclude-annotations"\n\n[splits]'),
    "words": _setting("[release]", "[splits.near_copies]\nwords = 4\n\n[release]"),
    "stratify": _setting("[splits]", '[splits]\nstratify = "id"'),
    "split": _setting('paths = ["data/articles', 'split = "test"\npaths = ["data/articles'),
    "names": _renamed,
}


@pytest.mark.parametrize("ingredient", STAGED_ANEW)
def test_what_the_stage_depends_on_is_in_its_key(
    cached: Path, ingredient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    STAGED_ANEW[ingredient](cached)
    _, cache = found(cached, CacheOptions(), monkeypatch)
    assert cache.made["stage"] > 12, ingredient
    assert cache.taken["stage"] <= 2, ingredient


@pytest.mark.parametrize("what", ["_version", "code_digest"])
def test_code_and_libraries_are_in_every_key(cached: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keys.environment.cache_clear()
    monkeypatch.setattr(keys, what, lambda *_: "another")
    try:
        outcome = build(options(cached))
    finally:
        keys.environment.cache_clear()
    assert outcome.cached["blocks"][0] == outcome.cached["shards"][0] == 0


def test_every_file_of_the_package_is_in_the_digest_of_the_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import copydesk

    package = tmp_path / "copydesk"
    shutil.copytree(Path(copydesk.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(copydesk, "__file__", str(package / "__init__.py"))
    known = set()
    for file in ("stage.py", "importers/gate/bdoc.py", "project.schema.json", "contract/vocabulary.schema.json"):
        keys.code_digest.cache_clear()
        known.add(keys.code_digest())
        with (package / file).open("a", encoding="utf-8") as stream:
            stream.write("\n")
    keys.code_digest.cache_clear()
    known.add(keys.code_digest())
    keys.code_digest.cache_clear()
    assert len(known) == 5


DISTRIBUTIONS = {"yaml": "PyYAML", "cassis": "dkpro-cassis", "great_expectations": "great-expectations",
                 "jsonschema_rs": "jsonschema-rs"}  # fmt: skip
ENGINES = {"dask", "distributed", "ray", "psutil"}
"""Run tasks, and have no part in what comes of them."""


def test_every_library_is_in_some_key() -> None:
    used = {i.split(".")[0] for _, path in modules() for i in imports_of(path)}
    libraries = (used - set(sys.stdlib_module_names) - {"copydesk", "__future__"} - ENGINES) | set(HOMES) - ENGINES
    named = {DISTRIBUTIONS.get(name, name) for name in libraries}
    assert named <= {*keys.LIBRARIES, *keys.JUDGES}, "a library that no key knows the version of"


def test_every_setting_is_in_the_key_or_out_of_sight(built: Path) -> None:
    """What `narrowed` leaves is in the digest, field by field; what it takes away no task can see."""
    project, _ = __import__("copydesk.project", fromlist=["load_project"]).load_project(built)
    seen = keys.narrowed(project, 0)
    digest = keys.settings_digest(seen)
    assert keys.settings_digest(replace(seen, on_error="exclude")) != digest
    for name, value in {"by": "quota", "column": "id", "stratify": "id", "given": "id", "ratios": {"a": 1.0}}.items():
        assert keys.settings_digest(replace(seen, splits=replace(seen.splits, **{name: value}))) != digest, name
    source = seen.sources[1]
    for name in source.__dataclass_fields__:
        changed = {"kind": "x", "format": "brat", "split_from_path": True}.get(name, {"a": "b"})
        assert (
            keys.settings_digest(replace(seen, sources=(seen.sources[0], replace(source, **{name: changed})))) != digest
        )
    assert seen.dataset.version == seen.dataset.date == ""
    assert seen.sources[1].paths == () == seen.configs


def test_every_file_of_a_block_is_kept(built: Path, tmp_path: Path) -> None:
    """Whatever staging puts into the spool comes back from the cache: a file that is not named would be lost."""
    write_to, again = tmp_path / "spool", tmp_path / "again"
    write_to.mkdir()
    again.mkdir()
    report = Report()
    prepared = prepare(built, report)
    listings, _ = list_files(prepared.project)
    blocks, _ = cut(listings, units_of(prepared.project, listings)[0], 4000)
    store = Store(folder=tmp_path / "cache")
    step = stage_step(store, prepared.project, prepared.contract, prepared.waivers, write_to)
    for block in blocks[:4]:
        made = stage_and_keep(step, block)
        named = {path.name for path in block_files(step.contexts[block.source], replace(block, source=1)).values()}
        here = {path.name for path in write_to.iterdir() if f"-{block.index:06d}." in path.name}
        assert here
        assert here <= named
        taken = take_block(
            replace(step, contexts={n: replace(c, spool=again) for n, c in step.contexts.items()}), block
        )
        assert taken.result == made.result
    assert content(again) == content(write_to)


def entry_files(project: Path) -> list[Path]:
    return sorted(
        p for step in ("stage", "write", "names") for p in (project / "dist/.cache-tiny" / step).glob("*/*/*")
    )


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(bytes(data))


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _swap(path: Path) -> None:
    """Another entry under this name, whole."""
    other = next(p for p in sorted(path.parent.parent.parent.glob("*/*")) if p != path.parent)
    shutil.rmtree(path.parent)
    shutil.copytree(other, path.parent)


@pytest.mark.parametrize("harm", [_flip, _truncate, _empty, Path.unlink, _swap])
def test_a_damaged_entry_is_told_thrown_away_and_made_anew(
    cached: Path, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    expected = plain(cached, tmp_path)
    files = entry_files(cached)
    kinds = {(path.parent.parent.parent.name, path.name) for path in files}
    assert {("stage", "heads"), ("stage", "records"), ("stage", "shingles"), ("write", "parquet")} <= kinds
    for kind in sorted(kinds):
        path = random.Random(str(kind)).choice([p for p in files if (p.parent.parent.parent.name, p.name) == kind])
        if path.exists():
            harm(path)
    outcome = build(options(cached))
    assert content(outcome.folder) == expected
    assert [d.code for d in outcome.report].count("R018") == 2  # once for the blocks, once for the shards
    assert outcome.cached["blocks"][1] > 0 < outcome.cached["shards"][1]
    build(options(cached))  # an entry that no other led to is met now
    again = build(options(cached))
    assert "R018" not in {d.code for d in again.report}
    assert again.cached["blocks"][1] == again.cached["shards"][1] == 0
    assert content(again.folder) == expected


def test_a_release_and_the_cache_share_no_file(cached: Path) -> None:
    release = cached / "dist/tiny-0.1.0"
    own = {path.stat().st_ino for path in release.rglob("*") if path.is_file()}
    assert own.isdisjoint({path.stat().st_ino for path in entry_files(cached)})


KILLER = """
import os, signal, sys
event_wanted, name_wanted, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
def hook(event, arguments):
    global number
    if event == event_wanted and any(all(w in str(a) for w in name_wanted.split("*")) for a in arguments[:2]):
        number -= 1
        if not number:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
from copydesk.cli import main
sys.exit(main(["build", "--workers", "1", "--block-size", "4000", "--project", sys.argv[4]]))
"""


@pytest.mark.parametrize(
    ("event", "name", "number"),
    [
        ("os.link", "/heads", 3),
        ("open", "/making/*/index.json", 7),
        ("os.rename", "/making/", 5),
        ("open", "/making/", 200),
    ],
)
def test_a_build_killed_while_it_keeps_something_harms_nothing(
    cached: Path, tmp_path: Path, event: str, name: str, number: int
) -> None:
    expected = plain(cached, tmp_path)
    store = cached / "dist/.cache-tiny"
    shutil.rmtree(store)
    killed = subprocess.run(
        [sys.executable, "-c", KILLER, event, name, str(number), str(cached)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    left = list((store / "making").iterdir())
    assert event == "os.rename" or left
    for path in left:
        os.utime(path, (1, 1))
    outcome = build(options(cached))
    assert content(outcome.folder) == expected
    assert "R018" not in {d.code for d in outcome.report}
    assert not any((store / "making").iterdir())
    assert build(options(cached)).cached["blocks"][1] == 0


def test_two_builds_may_use_one_cache_at_once(cached: Path, tmp_path: Path) -> None:
    expected = plain(cached, tmp_path)
    shutil.rmtree(cached / "dist/.cache-tiny")
    projects = [tmp_path / name / "project" for name in ("left", "right")]
    for project in projects:
        shutil.copytree(cached, project)
        shutil.rmtree(project / "dist/tiny-0.1.0")
    command = [sys.executable, "-m", "copydesk", "build", "--workers", "1", "--block-size", "4000", "--project"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), VARIABLE: str(tmp_path / "shared")}
    running = [
        subprocess.Popen([*command, str(p)], env=environment, stderr=subprocess.PIPE, text=True) for p in projects
    ]
    for project, process in zip(projects, running, strict=True):
        _, errors = process.communicate()
        assert process.returncode == 0, errors
        assert "R018" not in errors
        assert content(project / "dist/tiny-0.1.0") == expected
        assert not (project / "dist/.cache-tiny").exists()
    third = build(options(cached, cache=CacheOptions(folder=tmp_path / "shared")))
    assert third.cached["blocks"][1] == third.cached["shards"][1] == 0


def test_a_cache_that_may_only_be_read_is_read(cached: Path, tmp_path: Path) -> None:
    write_lines(cached, [*warned(ARTICLES), {**many_articles(1)[0], "id": "late"}])
    expected = plain(cached, tmp_path)
    store = cached / "dist/.cache-tiny"
    folders = [store, *(p for p in store.rglob("*") if p.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    if os.access(store, os.W_OK):
        pytest.skip("this user may write anywhere")
    outcome = build(options(cached))
    for folder in folders:
        folder.chmod(0o755)
    assert content(outcome.folder) == expected
    assert outcome.cached["blocks"][0] > 12
    assert "R020" in {d.code for d in outcome.report}


def test_a_cache_that_cannot_be_written_stops_nothing(
    cached: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = warned(ARTICLES)
    _edit(records)
    write_lines(cached, records)
    expected = plain(cached, tmp_path)

    def refused(*_: Any, **__: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Store, "put", refused)
    outcome = build(options(cached))
    assert content(outcome.folder) == expected
    assert outcome.cached["blocks"][0] > 12
    noted = [d for d in outcome.report if d.code == "R020"]
    assert noted
    assert "No space left" in noted[0].message


def test_the_cache_stays_within_its_bound(cached: Path, tmp_path: Path) -> None:
    store = Store(folder=cached / "dist/.cache-tiny")
    whole = sum(size for _, _, size, _ in store.entries())
    records = warned(ARTICLES)
    for number in range(3):
        records[number * 60]["mentions"][0]["label"] = "PERSON"
        write_lines(cached, records)
        build(options(cached, cache=CacheOptions(limit=whole)))
        assert sum(size for _, _, size, _ in store.entries()) <= whole
    outcome = rebuilt(cached, tmp_path)  # the entries of the last build were used last: they are the ones that stay
    assert outcome.cached["blocks"][1] + outcome.cached["shards"][1] <= 2
    build(options(cached, cache=CacheOptions(limit=1)))
    assert list(store.entries()) == []


def test_what_is_not_the_caches_stays(tmp_path: Path) -> None:
    store = Store(folder=tmp_path / "cache")
    store.open()
    key = keys.key("a")
    assert store.put("stage", key, b"value") > 0
    for name in ("stage/ab/mine", "stage/notes.txt", "own/file"):
        (store.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (store.folder / name).write_text("mine", encoding="utf-8")
    store.trim(0)
    store.clear()
    assert store.take("stage", key) is None
    assert all((store.folder / name).exists() for name in ("stage/ab/mine", "stage/notes.txt", "own/file"))


def test_taking_is_no_reading_of_what_others_made(tmp_path: Path) -> None:
    """A pickle that names a function is refused before anything is called."""

    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "made"),)

    import pickle

    with pytest.raises(ValueError, match="none of ours"):
        loads(pickle.dumps(Evil()))
    assert not (tmp_path / "made").exists()
    with pytest.raises(ValueError):
        loads(b"no pickle")
    assert loads(dumps([1, {"a": "b"}])) == [1, {"a": "b"}]


def test_an_entry_gives_what_was_put(tmp_path: Path) -> None:
    store = Store(folder=tmp_path / "cache")
    (tmp_path / "big").write_bytes(os.urandom(3_000_000))
    key = keys.key("x")
    store.put("write", key, b"about", {"big": tmp_path / "big"})
    (tmp_path / "big").write_bytes(b"changed since")
    taken = store.take("write", key, {"big": tmp_path / "out", "other": tmp_path / "none"})
    assert taken is not None
    assert taken.value == b"about"
    assert taken.digests == {"big": hashlib.sha256((tmp_path / "out").read_bytes()).hexdigest()}
    assert not (tmp_path / "none").exists()
    assert store.take("write", keys.key("y")) is None
    (store.entry("write", key) / "index.json").write_text("{}")
    with pytest.raises(Damaged):
        store.take("write", key)
    assert store.take("write", key) is None


def test_the_command_shows_and_clears(cached: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "copydesk", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cached, check=False)

    shown = run("cache")
    assert shown.returncode == 0
    assert ".cache-tiny: " in shown.stdout
    listed = json.loads(run("cache", "--json").stdout)
    assert listed["steps"]["stage"]["entries"] > 12
    assert json.loads(run("cache", "--clear", "--json").stdout)["bytes"] == 0
    built = run_build(cached, "--block-size", "4000", "--no-cache", "--json")
    assert json.loads(built.stdout)["cache"] == {}
    assert json.loads(run("cache", "--json").stdout)["bytes"] == 0
    assert run("check", "--cache-size", "lots").returncode == 2


def test_a_refused_build_keeps_what_it_staged(cached: Path, tmp_path: Path) -> None:
    records = warned(ARTICLES)
    records[150]["mentions"][0]["end"] = 9999
    write_lines(cached, records)
    with pytest.raises(BuildFailed):
        build(options(cached))
    records[150]["mentions"][0]["end"] = many_articles(151)[150]["mentions"][0]["end"]
    records[10]["mentions"][0]["label"] = "PERSON"
    write_lines(cached, records)
    assert rebuilt(cached, tmp_path).cached["blocks"][1] <= 3


def test_workers_and_cluster_tasks_keep_too(cached: Path, tmp_path: Path) -> None:
    expected = plain(cached, tmp_path)
    shutil.rmtree(cached / "dist/.cache-tiny")
    build(replace(options(cached), workers=2))
    outcome = build(options(cached))
    assert outcome.cached["blocks"][1] == outcome.cached["shards"][1] == 0
    assert content(outcome.folder) == expected


def test_records_in_the_cache_are_those_of_arrow(cached: Path) -> None:
    """What is kept of a block is readable by itself: an Arrow file of its records."""
    path = next(p for p in entry_files(cached) if p.name == "records")
    with pa.memory_map(str(path)) as source:
        assert "text" in pa.ipc.open_file(source).schema.names or "id" in pa.ipc.open_file(source).schema.names
