"""What once went wrong, or nearly did: inputs that were passed by, processes that stayed, terminals that could not."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cases import ONE, PROJECT, TWO, WAIVERS, Break, at, both, document, drop, text, waiver, write
from test_build import ENVIRONMENT, content

from conftest import edit_json, replace_text
from copydesk.agreement import agreement, load_passes
from copydesk.build import Options, barrier, build, check, stage
from copydesk.contract import arrow
from copydesk.contract.types import Field, Type
from copydesk.diagnostics import BuildFailed, Report, Severity
from copydesk.plan import shards_of
from copydesk.prepare import prepare
from copydesk.scaffold import create
from copydesk.writers import parquet

ARTICLE = "schema/article.schema.json"
ROW = Type(kind="struct", fields=(Field(name="id", type=Type(kind="string")),))
EXCLUDE = text(PROJECT, "[splits]", '[checks]\non_error = "exclude"\n\n[splits]')


# files


def written(path: Path, ids: list[str]) -> bytes:
    parquet.write(path, arrow.to_table([{"id": i} for i in ids], ROW), ROW)
    return path.read_bytes()


def test_a_row_more_leaves_most_bytes_as_they_are(tmp_path: Path) -> None:
    source = random.Random(1)
    rows = [source.randbytes(600).hex() for _ in range(4000)]
    before = written(tmp_path / "a", rows)
    after = written(tmp_path / "b", [*rows[:5], "one more", *rows[5:]])
    pieces = [before[i : i + 64] for i in range(4, len(before) - 64, 5000)]
    assert sum(piece in after for piece in pieces) > len(pieces) / 2


def test_a_page_that_rots_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    data = bytearray(written(path, [random.Random(1).randbytes(600).hex()]))
    data[200] ^= 1
    path.write_bytes(data)
    with pytest.raises(OSError, match="CRC"):
        pq.read_table(path, page_checksum_verification=True)


def test_a_field_that_the_contract_has_not_is_refused() -> None:
    with pytest.raises(pa.ArrowInvalid):
        arrow.to_table([{"id": "a", "more": 1}], ROW)


# what is refused


def _linked_folder(folder: Path) -> None:
    text(PROJECT, "data/articles/*.json", "data/articles/**/*.json")(folder)
    (folder / "elsewhere").mkdir()
    (folder / "data/articles/more").symlink_to(folder / "elsewhere")


def _closed_folder(folder: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may enter every folder")
    text(PROJECT, "data/articles/*.json", "data/articles/**/*.json")(folder)
    (folder / "data/articles/more").mkdir(mode=0)


def _ledger(*changes: dict[str, Any]) -> Break:
    entry = {"id": "library-1", "group": "library-1", "split": "train", "since": "0.0.1", "digest": "0" * 64}
    return write("data/ledger.jsonl", "".join(json.dumps(entry | change) + "\n" for change in changes))


def _dated(folder: Path) -> None:
    dated = {"type": "string", "format": "date", "description": "The day."}
    edit_json(folder / ARTICLE, lambda schema: schema["properties"].update(published=dated))
    edit_json(folder / ONE, lambda article: article.update(published="2026-02-28"))
    edit_json(folder / TWO, lambda article: article.update(published="2026-13-40"))


def _many_mentions(folder: Path) -> None:
    """Eleven mentions, the last with a space at its end, and a waiver for the second."""

    def change(article: dict[str, Any]) -> None:
        one = article["mentions"][0]
        article["mentions"] = [{**one, "id": f"m{n}"} for n in range(11)]
        article["mentions"][10] |= {"end": 12, "surface": "Mill Street "}
        article["claims"] = []

    edit_json(folder / TWO, change)
    edit_json(
        folder / "data/links/library.json", lambda r: [p.update(derived_claim=None) for p in r["claim_pairs"]] and None
    )
    waiver(code="A104", record="library-2", pointer="/mentions/1", reason="It was so.", expires="2027-01-01")(folder)


def _beside(sha256: str | None, tail: str) -> Break:
    """The second article with its text and, beside it, a document."""

    def breaks(folder: Path) -> None:
        data = (json.loads((folder / TWO).read_text(encoding="utf-8"))["text"] + tail).encode()
        (folder / "data/doc.txt").write_bytes(data)
        pinned = sha256 or hashlib.sha256(data).hexdigest()
        edit_json(folder / TWO, lambda r: r.update(document={"path": "data/doc.txt", "sha256": pinned}))

    return breaks


PATHS = "data/articles/*.json"
WAIVED = {"code": "A104", "record": "library-2"}
REFUSED: dict[str, tuple[Break, str, str, str | None]] = {
    "absolute": (text(PROJECT, PATHS, f"/{PATHS}"), "P004", PROJECT, "/source/0/paths"),
    "outside": (text(PROJECT, PATHS, f"../project/{PATHS}"), "P004", PROJECT, "/source/0/paths"),
    "stars": (text(PROJECT, PATHS, "data/**.json"), "P004", PROJECT, "/source/0/paths"),
    "folder-link": (_linked_folder, "S001", "data/articles/more", None),
    "folder-closed": (_closed_folder, "S001", "data/articles/more", None),
    "nul": (document("a\0b", "0" * 64), "S001", TWO, "/document/path"),
    "half-a-key": (text(TWO, '"text"', '"\\ud83d": 1, "text"'), "A303", TWO, None),
    "half-an-id": (text(TWO, '"library-2"', '"library-2\\ud83d"'), "A303", TWO, "/id"),
    "ledger-twice": (_ledger({}, {"split": "test"}), "L001", "data/ledger.jsonl", None),
    "ledger-number": (_ledger({"split": 3}), "L001", "data/ledger.jsonl", None),
    "ledger-released": (_ledger({"released": "no"}), "L001", "data/ledger.jsonl", None),
    "ledger-since": (_ledger({"since": "1.x"}), "L001", "data/ledger.jsonl", None),
    "ledger-null": (_ledger({"since": None}), "L001", "data/ledger.jsonl", None),
    "pin": (text(PROJECT, 'split = "train"', 'split = "trian"'), "P003", PROJECT, "/splits/pin/0/split"),
    "default": (text(PROJECT, 'language = "en"\n', "language = 3\n"), "P003", PROJECT, "/source/0/defaults/language"),
    "no-default": (text(PROJECT, 'language = "en"\n', 'lang = "en"\n'), "P003", PROJECT, "/source/0/defaults/lang"),
    "date": (_dated, "A005", TWO, "/published"),
    "document-digest": (_beside("0" * 64, ""), "S008", TWO, "/document/sha256"),
    "document-text": (_beside(None, " "), "S008", TWO, "/text"),
    "waived-prefix": (_many_mentions, "A104", TWO, "/mentions/10/end"),
    "blank-reason": (waiver(**WAIVED, reason="  ", expires="2027-01-01"), "W001", WAIVERS, "/waiver/0/reason"),
    "waiver-date": (waiver(**WAIVED, reason="r", expires='"2026-13-40"'), "W001", WAIVERS, "/waiver/0/expires"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_its_place(project: Path, name: str) -> None:
    breaks, code, file, pointer = REFUSED[name]
    breaks(project)
    found = [d for d in check(Options(root=project)) if d.severity is Severity.ERROR or d.code == code]
    assert [(d.code, d.place.file, d.place.pointer) for d in found] == [(code, file, pointer)]
    assert found[0].severity is not Severity.NOTE
    assert not found[0].notes or "waived" not in found[0].notes[-1]


def test_a_document_beside_its_own_text_is_fine(project: Path) -> None:
    _beside(None, "")(project)
    assert check(Options(root=project)).errors == []


@pytest.mark.parametrize("name", ["half-a-key", "half-an-id", "nul"])
def test_what_is_refused_can_be_left_out(project: Path, name: str) -> None:
    both(REFUSED[name][0], EXCLUDE, text(PROJECT, '"library-1", "library-2"', '"library-1"'))(project)
    report = check(Options(root=project))
    assert report.errors == []
    assert REFUSED[name][1] in {d.code for d in report}


# links to links


def _chained(project: Path, names: tuple[str, ...], last: dict[str, Any], *, backwards: bool) -> None:
    after = {"type": ["string", "null"], "x-link": "link", "description": "The link before."}
    edit_json(project / "schema/link.schema.json", lambda s: s["properties"].update(after=after))
    link = json.loads((project / "data/links/library.json").read_text(encoding="utf-8"))
    chain = [{**link, "id": name, "after": follower} for name, follower in zip(names, [*names[1:], None], strict=True)]
    chain[-1] |= last
    lines = [json.dumps(r) + "\n" for r in (chain[::-1] if backwards else chain)]
    (project / "data/links/more.jsonl").write_text("".join(lines))
    replace_text(project / PROJECT, "data/links/*.json", "data/links/*.json*")
    EXCLUDE(project)


@pytest.mark.parametrize(
    ("last", "code"),
    [({"source": "gone"}, "B002"), ({"claim_pairs": []}, "B004"), ({"derived": "library-1"}, "B003")],
    ids=["dangling", "uncovered", "item"],
)
def test_a_chain_of_links_falls_as_one(project: Path, tmp_path: Path, last: dict[str, Any], code: str) -> None:
    if code == "B003":
        edit_json(project / ONE, lambda article: article["claims"][1].update(id="c9"))
        edit_json(project / "data/links/library.json", lambda r: r["claim_pairs"][1].update(source_claim="c9"))
    for number, names in enumerate(itertools.permutations("xyz")):
        for backwards in (False, True):
            folder = Path(shutil.copytree(project, tmp_path / f"{number}{backwards}"))
            _chained(folder, names, last, backwards=backwards)
            (folder / "spool").mkdir()
            report = Report()
            prepared = prepare(folder, report)
            gathered = stage(prepared, Options(root=folder), folder / "spool", report)
            planned = barrier(prepared, gathered, folder / "spool", report)
            assert {f.id: f.codes for f in gathered.failed} == dict(
                zip(names, [("B006",), ("B006",), (code,)], strict=True)
            )
            assert [len(list(shards_of(config, planned))) for config in prepared.project.configs] == [1, 1, 1, 1]


# the passes of an agreement


@pytest.fixture
def passes(project: Path) -> Path:
    for side in ("a", "b"):
        shutil.copytree(project / "data/articles", project / "seeds" / side / "article")
    with (project / PROJECT).open("a", encoding="utf-8") as out:
        out.write('\n[agreement]\npasses = ["seeds/a", "seeds/b"]\n')
    return project


def test_a_pass_that_is_not_there_is_named(passes: Path) -> None:
    replace_text(passes / PROJECT, '"seeds/b"', '"seeds/c"')
    found = check(Options(root=passes)).errors
    assert [(d.code, d.place.pointer) for d in found] == [("P004", "/agreement/passes/1")]


@pytest.mark.parametrize("run", [lambda options: check(options), lambda options: build(options).report])
def test_an_error_in_a_pass_stops(passes: Path, run: Callable[[Options], Report]) -> None:
    edit_json(passes / "seeds/b/article/library-1.json", lambda r: r["mentions"][0].update(end=999))
    try:
        report = run(Options(root=passes))
    except BuildFailed as failed:
        report = failed.report
    assert [(d.code, d.place.file) for d in report.errors] == [("A103", "seeds/b/article/library-1.json")]
    assert not (passes / "dist/tiny-0.1.0").exists()


def test_a_pass_may_leave_out_what_the_contract_lets_it(passes: Path) -> None:
    def optional(schema: dict[str, Any]) -> None:
        schema["required"].remove("claims")
        schema["properties"]["claims"]["type"] = ["array", "null"]

    edit_json(passes / ARTICLE, optional)
    drop("seeds/a/article/library-1.json", "/claims")(passes)
    at("seeds/b/article/library-1.json", "/claims", None)(passes)
    report = Report()
    prepared = prepare(passes, report)
    loaded = load_passes(prepared.project, prepared.contract, report)
    assert report.errors == []
    assert {r["language"] for _, records in loaded for r in records["article"].values()} == {"en"}
    figures = agreement(prepared.contract, loaded)
    assert figures["layers"]["claims"]["items"] == [2, 2]


# processes


def state(pid: int) -> tuple[str, int]:
    """(state, parent) of a process; X if it is gone."""
    with suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return fields[0], int(fields[1])
    return "X", 0


def children(parent: int) -> list[int]:
    pids = [int(p.name) for p in Path("/proc").iterdir() if p.name.isdecimal()]
    return [pid for pid in pids if state(pid)[1] == parent]


def reads(pid: int, path: Path) -> bool:
    with suppress(OSError):
        return any(os.readlink(fd) == str(path) for fd in Path(f"/proc/{pid}/fd").iterdir())  # noqa: PTH115
    return False


def wait_for(condition: Callable[[], Any], seconds: float) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("processes") / "project"
    assert create(folder, "tiny") is None
    build(Options(root=folder, workers=1))
    return folder


class Stuck:
    """A build whose two workers wait for documents that do not come until `go`."""

    def __init__(self, project: Path) -> None:
        self._pipe = pipe = project / "data/pipe"
        os.mkfifo(pipe)
        self._end: int | None = os.open(pipe, os.O_RDWR)
        for name in ("a", "b"):
            article = {"id": name, "document": {"path": "data/pipe", "sha256": "0" * 64}}
            (project / f"data/articles/{name}.json").write_text(json.dumps(article))
        command = [sys.executable, "-m", "copydesk", "build", "--project", str(project)]
        self.running = subprocess.Popen(
            [*command, "--workers", "2", "--block-size", "1"],
            env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert wait_for(lambda: len([c for c in children(self.running.pid) if reads(c, pipe)]) == 2, 30)
        self.children = children(self.running.pid)
        self.workers = [c for c in self.children if reads(c, pipe)]

    def go(self) -> None:
        if self._end is not None:
            self._pipe.unlink()
            self._pipe.touch()  # a task that is tried again finds a document that is empty
            os.close(self._end)
            self._end = None

    def ended(self) -> bool:
        return bool(wait_for(lambda: all(state(pid)[0] in "ZX" for pid in self.children), 10))

    def __enter__(self) -> Stuck:
        return self

    def __exit__(self, *error: object) -> None:
        self.go()
        for pid in (self.running.pid, *self.children):
            if state(pid)[0] not in "ZX":
                os.kill(pid, signal.SIGKILL)
        self.running.wait(10)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at processes in /proc")
@pytest.mark.parametrize("end", ["stopped", "killed", "worker-killed"])
def test_no_process_outlives_its_build(built: Path, tmp_path: Path, end: str) -> None:
    project = Path(shutil.copytree(built, tmp_path / "project"))
    release = content(project / "dist/tiny-0.1.0")
    with Stuck(project) as build:
        running = build.running
        victim = build.workers[0] if end == "worker-killed" else running.pid
        os.kill(victim, signal.SIGTERM if end == "stopped" else signal.SIGKILL)
        if end != "killed":
            build.go()
        errors = running.communicate(timeout=20)[1]
        assert build.ended()
        assert running.returncode == {"stopped": 130, "killed": -signal.SIGKILL, "worker-killed": 1}[end]
    assert "Traceback" not in errors
    assert ("note[R013]: 1 task(s) ran again" in errors) is (end == "worker-killed")
    assert "error[R013]" not in errors
    assert ("error[S008]" in errors) is (end == "worker-killed")
    assert content(project / "dist/tiny-0.1.0") == release
    assert bool(list((project / "dist").glob(".staging-*"))) is (end == "killed")


# terminals


PLAIN = ({"PYTHONIOENCODING": "ascii"}, {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"})
COMMANDS = ((0, "--help"), (0, "explain"), (0, "explain", "R013"), (1, "check"), (1, "check", "--json"), (1, "build"))


@pytest.mark.parametrize("environment", PLAIN, ids=["ascii", "C"])
def test_a_terminal_without_typography_shows_what_it_can(project: Path, environment: dict[str, str]) -> None:
    edit_json(project / TWO, lambda r: r["mentions"][0].update(label="“Straße”…"))
    for code, *arguments in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "copydesk", *arguments],
            env=ENVIRONMENT | environment, cwd=project, capture_output=True, check=False,
        )  # fmt: skip
        said = (done.stdout + done.stderr).decode("ascii")
        assert "Traceback" not in said
        assert done.returncode == code, said
        assert "Stra\\xdfe" in said or "Stra\\u00dfe" in said or code == 0


@pytest.mark.parametrize("arguments", [("check",), ("check", "--json"), ("build", "--json")])
def test_a_reader_that_goes_away_changes_no_verdict(project: Path, arguments: tuple[str, ...]) -> None:
    edit_json(project / TWO, lambda r: r["mentions"][0].update(label="STREET"))
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "copydesk", *arguments, "--project", str(project)]
    running = subprocess.Popen(command, env=ENVIRONMENT, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(reader)
    os.close(writer)
    errors = running.communicate(timeout=30)[1]
    assert running.returncode == 1
    assert "Error" not in errors
