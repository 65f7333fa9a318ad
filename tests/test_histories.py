"""Histories of releases on real news: a corpus grows and nothing moves; what would leak stops the build.

Skipped where the corpora are not at hand; nothing of them is in this repository.
"""

from __future__ import annotations

import json
import re
import shutil
from itertools import combinations
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from test_real_formats import TOKENS, without

from conftest import CORPORA, replace_text
from copydesk.adopt import adopt
from copydesk.build import Options, build, check
from copydesk.diagnostics import BuildFailed, Severity
from copydesk.release.verify import verify

ECB = CORPORA / "ecbplus-topics-1-30" / "ECB+"

pytestmark = pytest.mark.skipif(not ECB.is_dir(), reason="ECB+ is not on this machine")


def topics(first: int, last: int) -> list[Path]:
    return [ECB / str(n) for n in range(first, last + 1) if (ECB / str(n)).is_dir()]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Topics 1 to 15 as a project, built as 0.1.0; tests change copies of it."""
    folder = tmp_path_factory.mktemp("ecb")
    for topic in topics(1, 30):
        shutil.copytree(topic, folder / "export" / topic.name)
    made = folder / "project"
    adopted = adopt(made, "ecb", "ECB", folder / "export", None)
    without(made, [n for n in (*TOKENS, "instances", "entities") if n in adopted.survey.layers])
    for topic in topics(16, 30):  # the labels are those of all topics
        shutil.rmtree(made / "data/original/export" / topic.name)
    build(Options(root=made))
    return made


def entries(release: Path) -> dict[str, dict[str, object]]:
    return {e["id"]: e for e in pq.read_table(release / "ledger.parquet").to_pylist()}


def tokens(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def shingles(text: str) -> set[tuple[str, ...]]:
    words = tokens(text)
    return {tuple(words[i : i + 5]) for i in range(max(len(words) - 4, 0))}


def test_a_corpus_grows_and_nothing_moves(project: Path, tmp_path: Path) -> None:
    made = tmp_path / "project"
    shutil.copytree(project, made)
    before = entries(made / "dist/ecb-0.1.0")
    for topic in topics(16, 30):
        shutil.copytree(topic, made / "data/original/export" / topic.name)
    replace_text(made / "dataset.toml", '"0.1.0"', '"0.1.1"')
    replace_text(made / "data/CHANGELOG.md", "## 0.1.0", "## 0.1.1\n\nMore topics.\n\n## 0.1.0")
    outcome = build(Options(root=made))
    assert outcome.excluded == 0
    after = entries(outcome.folder)
    assert len(after) == 663 > len(before)
    assert {i: after[i] | {"group": ""} for i in before} == {i: e | {"group": ""} for i, e in before.items()}
    assert {e["since"] for i, e in after.items() if i not in before} == {"0.1.1"}
    assert verify(outcome.folder)[1] == []

    texts = {
        row["id"]: shingles(row["text"])
        for split in ("train", "validation", "test")
        for path in sorted((outcome.folder / "jsonl/articles").glob(f"{split}-*.jsonl"))
        for row in map(json.loads, path.read_text().splitlines())
    }
    alike = 0
    for left, right in combinations(sorted(texts), 2):
        shared, least = len(texts[left] & texts[right]), min(len(texts[left]), len(texts[right]))
        if least and (shared >= 0.8 * least or 3 * shared >= len(texts[left]) + len(texts[right])):
            alike += 1
            assert after[left]["group"] == after[right]["group"], (left, right)
    assert alike > 5
    certificate = json.loads((outcome.folder / "quality/leakage.json").read_text())
    assert {tuple(b["splits"]) for b in certificate["between"]} == set(combinations(("test", "train", "validation"), 2))
    for pair in certificate["pairs"]:
        left, right = texts[pair["left"]], texts[pair["right"]]
        assert pair["shared"] == len(left & right)
        assert pair["jaccard"] == round(len(left & right) / len(left | right), 6)
        assert after[pair["left"]]["split"] != after[pair["right"]]["split"]


DECISION = """
[[splits.decision]]
articles = ["ARRIVING"]
choice = "quarantine"
version = "0.1.1"
reason = "Holds two stories."

"""


def joined(one: Path, two: Path, target: Path) -> None:
    """A CAT document with all the words of two others and no annotation."""
    words = [w for path in (one, two) for w in re.findall(r"<token [^>]*>([^<]*)</token>", path.read_text())]
    body = "\n".join(
        f'<token t_id="{n}" sentence="0" number="{n - 1}">{word}</token>' for n, word in enumerate(words, 1)
    )
    head = f'<?xml version="1.0"?>\n<Document doc_name="{target.name}" doc_id="DOCX">'
    target.write_text(f"{head}\n{body}\n<Markables/>\n<Relations/>\n</Document>\n", encoding="utf-8")


def test_an_article_that_joins_two_splits_is_refused_with_the_choices(project: Path, tmp_path: Path) -> None:
    made = tmp_path / "project"
    shutil.copytree(project, made)
    ledger = entries(made / "dist/ecb-0.1.0")
    one = next(i for i, e in sorted(ledger.items()) if e["split"] == "train")
    two = next(i for i, e in sorted(ledger.items()) if e["split"] == "test")
    files = {path.name.removesuffix(".xml"): path for path in (made / "data/original").rglob("*.xml")}

    def file_of(identifier: str) -> Path:
        return files[identifier.rpartition("/")[2].removesuffix(".xml")]

    joined(file_of(one), file_of(two), made / "data/original/export/1/1_99x.xml")
    replace_text(made / "dataset.toml", '"0.1.0"', '"0.1.1"')
    replace_text(made / "data/CHANGELOG.md", "## 0.1.0", "## 0.1.1\n\nOne more.\n\n## 0.1.0")
    with pytest.raises(BuildFailed) as failed:
        build(Options(root=made))
    conflict = next(d for d in failed.value.report if d.code == "L002")
    said = "\n".join([conflict.message, *conflict.notes, conflict.help or ""])
    assert one in said
    assert two in said
    assert "1_99x" in said
    assert all(choice in said for choice in ("move", "quarantine", "accept"))
    assert not (made / "dist/ecb-0.1.1").exists()

    arriving = next(i for i in re.findall(r"[\w./-]*1_99x[\w.-]*", said))
    replace_text(made / "dataset.toml", "[release]", f"{DECISION.replace('ARRIVING', arriving)}[release]")
    outcome = build(Options(root=made))
    excluded = [json.loads(line) for line in (outcome.folder / "exclusions.jsonl").read_text().splitlines()]
    assert [(e["id"], e["codes"]) for e in excluded] == [(arriving, ["L002"])]
    assert {i: e["split"] for i, e in entries(outcome.folder).items()} == {i: e["split"] for i, e in ledger.items()}

    replace_text(made / "dataset.toml", 'choice = "quarantine"', 'choice = "move"\nto = "test"')
    found = list(check(Options(root=made)))
    assert [d.code for d in found if d.severity is Severity.ERROR] == ["L005"], found
    for file, version in (("dataset.toml", '"0.1.1"'), ("data/CHANGELOG.md", "0.1.1")):
        replace_text(made / file, version, version.replace("0.1.1", "0.2.0"))
    replace_text(made / "dataset.toml", 'version = "0.1.1"', 'version = "0.2.0"')
    outcome = build(Options(root=made))
    after = entries(outcome.folder)
    assert {after[i]["split"] for i in (one, two, arriving)} == {"test"}
    assert after[one]["group"] == after[two]["group"]
