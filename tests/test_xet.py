"""What the Hub would store anew: releases go through the real Xet client into a store on this disk, without a network.

The client's local store is undocumented: where a new client has none, these tests fail, and want another way.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conftest import replace_text
from copydesk.build import Options, build
from copydesk.scaffold import create

hf_xet = pytest.importorskip("hf_xet", reason="the Xet client is made for common processors only")

ARTICLES = 4_000
EDITED, ADDED = 0.06, 0.05
"""Share of the bytes that may be stored anew after an edit of one article, and after 1 % of new ones."""


def upload(folder: Path, store: Path) -> tuple[int, int]:
    """Upload the Parquet files of a release. Returns the bytes that the store did not have, and all bytes."""
    store.mkdir(exist_ok=True)
    commit = hf_xet.XetSession().new_upload_commit(endpoint=f"local://{store}")
    files = sorted(folder.glob("*/*.parquet"))
    for path in files:
        commit.start_upload_file(str(path))
    metrics = commit.wait_to_finish().dedup_metrics
    size = sum(path.stat().st_size for path in files)
    assert metrics.total_bytes == size
    return metrics.new_bytes, size


def prose(rnd: random.Random, words: list[str], ranks: list[float]) -> str:
    """Some 3,000 characters that compress as prose does: few words make most of it."""
    sentences = [" ".join(rnd.choices(words, cum_weights=ranks, k=rnd.randint(6, 30))) for _ in range(28)]
    return ". ".join(sentence.capitalize() for sentence in sentences) + "."


def articles(count: int, seed: int, prefix: str) -> list[dict[str, Any]]:
    rnd = random.Random(seed)
    letters = "aaabcdeeeefghiiijklmnooopqrssttuvwxyz"
    words = ["".join(rnd.choices(letters, k=rnd.randint(2, 11))) for _ in range(8_000)]
    ranks, total = [], 0.0
    for rank in range(1, len(words) + 1):
        ranks.append(total := total + 1 / rank)
    made = []
    for number in range(count):
        text = prose(rnd, words, ranks)
        starts = [match.start() for match in re.finditer(r"\b[A-Z]\w+", text)][:12]
        mentions = [
            {"id": f"m{n}", "start": at, "end": text.index(" ", at), "label": rnd.choice(["PERSON", "PLACE"])}
            for n, at in enumerate(starts, 1)
            if " " in text[at:]
        ]
        made.append({"id": f"{prefix}-{number:05d}", "text": text, "mentions": mentions, "claims": []})
    return made


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A project with many articles, and what was uploaded of it."""

    project: Path
    store: Path
    listed: list[dict[str, Any]]

    def release(self, version: str) -> Path:
        """Build a version. Each new one is minor, which additions and edits of rows in train ask for at most."""
        lines = "".join(json.dumps(a, ensure_ascii=False) + "\n" for a in self.listed)
        (self.project / "data/many.jsonl").write_text(lines, encoding="utf-8")
        toml = self.project / "dataset.toml"
        toml.write_text(re.sub(r'(?m)^version = ".*"', f'version = "{version}"', toml.read_text()))
        changelog = self.project / "data/CHANGELOG.md"
        changelog.write_text(re.sub(r"(?m)^## ", f"## {version}\n\n- More.\n\n## ", changelog.read_text(), count=1))
        return build(Options(root=self.project, workers=1)).folder


def kept(before: Path, after: Path) -> tuple[int, int]:
    """How many Parquet files have the bytes of one before, and how many there are."""
    known = {path.read_bytes() for path in before.glob("*/*.parquet")}
    files = list(after.glob("*/*.parquet"))
    return sum(path.read_bytes() in known for path in files), len(files)


def test_what_is_stored_anew_is_what_changed(tmp_path: Path) -> None:
    project = tmp_path / "project"
    assert create(project, "tiny") is None
    replace_text(project / "dataset.toml", '["data/articles/*.json"]', '["data/articles/*.json", "data/many.jsonl"]')
    replace_text(project / "dataset.toml", "[splits]", "[splits]\nnear_copies = false")
    corpus = Corpus(project=project, store=tmp_path / "store", listed=articles(ARTICLES, 1, "old"))
    first = corpus.release("1.0.0")
    new, size = upload(first, corpus.store)
    assert new == size > 5_000_000
    assert upload(first, corpus.store)[0] == 0

    edited = next(a for a in corpus.listed[ARTICLES // 2 :] if f'"{a["id"]}"' in jsonl(first, "train"))
    edited["text"] += " An afterthought of an editor, put at the end."
    second = corpus.release("2.0.0")
    new, size = upload(second, corpus.store)
    assert 0 < new <= EDITED * size, f"{new / size:.1%} after an edit"
    same, files = kept(first, second)
    assert files - same == 1  # the articles of train: no mention has moved

    corpus.listed.extend(articles(ARTICLES // 100, 2, "new"))
    third = corpus.release("2.1.0")
    new, size = upload(third, corpus.store)
    assert 0 < new <= ADDED * size, f"{new / size:.1%} after 1 % of new articles"
    assert kept(second, third)[0] == files


def jsonl(release: Path, split: str) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in (release / "jsonl/articles").glob(f"{split}-*"))
