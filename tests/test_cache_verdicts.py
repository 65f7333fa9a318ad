"""What was found out about written files is kept: they are looked at again only where their bytes changed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from test_build import add_lines, content, many_articles
from test_cache import write_lines

from conftest import replace_text
from copydesk.build import Options, build
from copydesk.cache.store import CacheOptions
from copydesk.diagnostics import BuildFailed
from copydesk.readback import loaders

STEPS = ("judged by suites", "read by loaders", "verified")


@pytest.fixture
def cached(project: Path) -> Path:
    add_lines(project, {"more.jsonl": many_articles(40)})
    replace_text(project / "dataset.toml", "draft = true", "draft = true\narticles_per_shard = 10")
    build(Options(root=project, workers=1))
    return project


def test_only_what_changed_is_looked_at_again(cached: Path, tmp_path: Path) -> None:
    same = build(Options(root=cached, workers=1))
    assert [same.cached[step][1] for step in STEPS] == [0, 0, 0]
    records = many_articles(40)
    records[20]["mentions"][0]["label"] = "PERSON"
    write_lines(cached, records)
    plain = tmp_path / "plain"
    shutil.copytree(cached, plain)
    expected = content(build(Options(root=plain, workers=1, cache=CacheOptions(used=False))).folder)
    outcome = build(Options(root=cached, workers=1))
    assert content(outcome.folder) == expected
    for step in STEPS:
        assert 0 < outcome.cached[step][1] <= 3
        assert outcome.cached[step][0] >= 8


def test_a_loader_that_reads_new_rows_otherwise_is_told(cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = many_articles(40)
    records[20]["mentions"][0]["label"] = "PERSON"
    write_lines(cached, records)
    real = loaders._of_duckdb

    def without_first(*arguments: Any) -> Any:
        return (batch.slice(1) for batch in real(*arguments))

    with monkeypatch.context() as patch:
        patch.setattr(loaders, "_of_duckdb", without_first)
        with pytest.raises(BuildFailed) as caught:
            build(Options(root=cached, workers=1))
    assert {d.code for d in caught.value.report.errors} == {"R001"}
    build(Options(root=cached, workers=1))  # what failed was not kept as good
