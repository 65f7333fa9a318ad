"""A case for each code about the release: expectations, what a build writes, and what `verify` finds in it."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cases import LINK, ONE, PROJECT, Break, Case, at, both, mention, remove, reseal, text, value, write

from conftest import replace_text
from copydesk import build as builder
from copydesk import running
from copydesk.build import Options, build
from copydesk.contract import arrow
from copydesk.diagnostics import Diagnostic
from copydesk.engine import EngineLost, LostTask, TasksLost
from copydesk.release import card
from copydesk.release.model import Release, read_rows
from copydesk.release.verify import verify
from copydesk.writers import jsonl, parquet

SUITES = "schema/expectations"
CARD, DATASHEET, CHANGELOG = "data/card.md", "DATASHEET.md", "data/CHANGELOG.md"
CLAIMS = "claims/train-00000-of-00001.parquet"


def _suite(config: str, pointer: str, new: Any) -> Break:
    return at(f"{SUITES}/{config}.json", pointer, new)


EXPECTATION_CASES = {
    "E001": Case(
        breaks=_suite("claims", "/expectations/1/type", "expect_column_values_to_be_swell"),
        file=f"{SUITES}/claims.json",
        shows="{",
        pointer="/expectations/1",
    ),
    "E002": Case(
        breaks=at(LINK, "/claim_pairs/0/label", "omitted"),
        file=f"{SUITES}/claim_pairs.json",
        shows="{",
        pointer="/queries/0",
        record="library",
        run="build",
    ),
    "E003": Case(
        breaks=_suite("claims", "/queries/0/sql", "SELECT article_id, id FORM claims"),
        file=f"{SUITES}/claims.json",
        shows="{",
        pointer="/queries/0",
        run="build",
    ),
    "E004": Case(
        breaks=both(
            _suite("claims", "/expectations/0/kwargs/min_value", 100),
            _suite("claims", "/expectations/0/severity", "warning"),
        ),
        file=f"{SUITES}/claims.json",
        shows="{",
        pointer="/expectations/0",
        run="build",
    ),
    "E005": Case(breaks=remove(f"{SUITES}/claims.json"), file=f"{SUITES}/claims.json"),
}


def _other_labels(folder: Path) -> AbstractContextManager[object]:
    """A card that lists labels in another order than the files."""
    right = card.yaml_features

    def wrong(node: Any) -> list[dict[str, Any]]:
        features = right(node)
        for feature in features:
            names = feature.get("dtype", {}).get("class_label", {}).get("names", {}) if _is_label(feature) else {}
            names.update(zip(list(names), reversed(list(names.values())), strict=True))
        return features

    return _patched(card, "yaml_features", wrong)


def _is_label(feature: dict[str, Any]) -> bool:
    return isinstance(feature.get("dtype"), dict)


@contextmanager
def _patched(module: Any, name: str, new: Any) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, new)
        yield


def _no_claims(folder: Path) -> None:
    """Nothing to pair; a suite for a config without rows would have something to say, so it goes."""
    value(ONE, lambda article: article["claims"].clear())(folder)
    value(LINK, lambda link: link["claim_pairs"].clear())(folder)
    remove(f"{SUITES}/claim_pairs.json")(folder)


def _build_first(folder: Path) -> None:
    build(Options(root=folder, workers=1))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    (folder / "dist").mkdir()
    with (folder / "dist/.tiny.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _edited_meanwhile(folder: Path) -> Iterator[None]:
    """Somebody saves the datasheet, which has a number in it, while the loaders read the release back."""
    replace_text(folder / DATASHEET, "Answered.", "<!-- copydesk:value articles --><!-- /copydesk --> articles.")
    right = builder.read_back

    def read_back(release: Release, scratch: Path, *others: object) -> list[Diagnostic]:
        replace_text(folder / DATASHEET, "Answered.", "Answered anew.")
        return right(release, scratch, *others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "read_back", read_back)
        yield


def _worker_dies(folder: Path) -> AbstractContextManager[object]:
    """The system ends a worker in the middle of its task, whenever that is tried."""

    class Killed:
        mishaps = ()

        def map(self, function: object, items: list[object]) -> Iterator[object]:
            yield from ()
            raise TasksLost((LostTask(number=0, item=items[0], tries=3, why="SIGKILL"),))

    return _patched(running, "open_engine", lambda options: nullcontext(Killed()))


def _no_scheduler(folder: Path) -> AbstractContextManager[object]:
    def lost(options: object) -> AbstractContextManager[object]:
        raise EngineLost("the Dask scheduler tcp://127.0.0.1:8786 cannot be reached")

    return _patched(running, "open_engine", lost)


@contextmanager
def _no_memory(folder: Path) -> Iterator[None]:
    """The system has no memory for the loaders."""

    def read_back(*arguments: object, **options: object) -> list[Diagnostic]:
        raise MemoryError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "read_back", read_back)
        yield


BUILD_CASES = {
    "R001": Case(breaks=_other_labels, file="README.md", run="build"),
    "R002": Case(
        breaks=text(DATASHEET, "Answered.", "TODO"), file=DATASHEET, shows="### 1.1 What was the"
    ),
    "R003": Case(breaks=lambda folder: None, file="data/ledger.jsonl", run="frozen"),
    "R004": Case(
        breaks=both(text(CARD, "begin labels", "begin lables"), text(CARD, "end labels", "end lables")),
        file=CARD,
        shows="begin lables",
        run="build",
    ),
    "R005": Case(breaks=text(CHANGELOG, "## 0.1.0", "## 0.9.0"), file=CHANGELOG),
    "R006": Case(breaks=write("dist", "in the way"), file="dist", run="build"),
    "R007": Case(breaks=remove(CARD), file=CARD),
    "R008": Case(
        breaks=_no_claims,
        file=PROJECT,
        pointer="/configs/claim_pairs",
        shows="claim_pairs = {",
        run="build",
        beside=frozenset({"E005"}),
    ),
    "R009": Case(breaks=both(_build_first, mention(label="PERSON")), file="dist", run="build"),
    "R010": Case(
        breaks=text(PROJECT, 'language = ["en"]', 'language = ["xq"]'),
        file=PROJECT,
        pointer="/dataset/language/0",
        shows='language = ["xq"]',
    ),
    "R011": Case(breaks=_locked, file="dist", run="build"),
    "R013": Case(breaks=_worker_dies, file=ONE, run="build"),
    "R017": Case(breaks=_no_scheduler, file=PROJECT, run="build"),
    "R019": Case(breaks=_no_memory, file="dist", run="build"),
    "R012": Case(breaks=_edited_meanwhile, file="DATASHEET.md", run="build"),
}  # fmt: skip


def sealed(*steps: Break) -> Break:
    """Steps, then a manifest that knows of them: what lies deeper than the digests."""
    return both(*steps, reseal)


def rows(config: str, change: Callable[[list[dict[str, Any]]], None], *, digest: bool) -> Break:
    """Rewrite the rows of a config in both formats; with `digest`, their logical digest too."""

    def breaks(release: Path) -> None:
        opened, _ = verify(release)
        assert opened is not None
        table = next(t for t in opened.tables if t.name == config)
        split = table.splits[0]
        changed = read_rows(release, split.parquet, table.type).to_pylist()
        change(changed)
        for writer, entry in ((parquet, split.parquet[0]), (jsonl, split.jsonl[0])):
            (release / entry.path).unlink()
            written = writer.write(release / entry.path, arrow.to_table(changed, table.type), table.type)
        logical = f"/tables/{config}/splits/{split.name}/logical_sha256"
        if digest:
            at("manifest.json", logical, written.sha256)(release)

    return breaks


def _ledger_of_release(release: Path) -> None:
    table = pq.read_table(release / "ledger.parquet")
    entries = table.to_pylist()
    entries.append({**entries[1], "id": "library-3", "split": "test"})
    pq.write_table(pa.Table.from_pylist(entries, schema=table.schema), release / "ledger.parquet")


def _edited_count(release: Path) -> None:
    readme = release / "README.md"
    content = readme.read_text(encoding="utf-8")
    line = next(line for line in content.splitlines() if line.startswith("| `mentions`"))
    readme.write_text(content.replace(line, line.replace("| 7 |", "| 70 |")), encoding="utf-8")


def _stray(release: Path) -> None:
    shutil.copy(release / CLAIMS, release / "claims/train-old.parquet")


def _damaged_cache(folder: Path) -> None:
    """A build, then one bit of what it kept of the links turns over."""
    build(Options(root=folder, workers=1))
    heads = sorted((folder / "dist/.cache-tiny/stage").glob("*/*/heads"))[0]
    data = bytearray(heads.read_bytes())
    data[len(data) // 2] ^= 1
    heads.write_bytes(bytes(data))


def _file_in_the_way(folder: Path) -> None:
    (folder / "dist").mkdir()
    (folder / "dist/.cache-tiny").write_text("a file stands here", encoding="utf-8")


CACHE_CASES = {
    "R018": Case(breaks=_damaged_cache, file="dataset.toml", run="build"),
    "R020": Case(breaks=_file_in_the_way, file="dataset.toml", run="build"),
}


VERIFY_CASES = {
    "V001": Case(breaks=remove(CLAIMS), file=CLAIMS, run="verify"),
    "V002": Case(breaks=text("README.md", "invented", "found"), file="README.md", run="verify"),
    "V003": Case(breaks=_stray, file="claims/train-old.parquet", run="verify"),
    "V004": Case(
        breaks=sealed(rows("claims", lambda found: found[0].update(sentence="?"), digest=False)),
        file=CLAIMS,
        run="verify",
    ),
    "V005": Case(
        breaks=sealed(rows("claims", lambda found: found[3].update(sentence=""), digest=True)),
        file=CLAIMS,
        record="c1",
        run="verify",
    ),
    "V006": Case(
        breaks=sealed(text("README.md", '"1": PLACE', '"1": STREET')),
        file="README.md",
        run="verify",
    ),
    "V007": Case(breaks=sealed(_ledger_of_release), file="ledger.parquet", run="verify"),
    "V008": Case(breaks=sealed(_edited_count), file="README.md", shows="copydesk:begin configs", run="verify"),
    "V009": Case(breaks=write("manifest.json", "{}"), file="manifest.json", run="verify"),
}

CASES = EXPECTATION_CASES | BUILD_CASES | CACHE_CASES | VERIFY_CASES
