"""The suites of schema/expectations over a small clean release, and over the same release with one thing wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from written_release import CONFIGS, ROOT, WORDS, A, B, C, Rows, seed_contract, seed_rows, seed_types, write_release

from copydesk.contract.types import Type
from copydesk.expectations import Suite, load_suites, run_expectations


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """What the tests start from."""

    suites: tuple[Suite, ...]
    rows: Rows
    types: dict[str, Type]


@pytest.fixture(scope="module")
def clean() -> Clean:
    contract = seed_contract()
    suites, found = load_suites(ROOT, [config.name for config in CONFIGS])
    assert found == []
    return Clean(suites=suites, rows=seed_rows(contract), types=seed_types(contract))


def test_a_clean_release_passes_every_rule(clean: Clean, tmp_path: Path) -> None:
    release = write_release(tmp_path, clean.rows, clean.types)
    results, found = run_expectations(release, clean.suites)
    assert found == []
    assert results["success"] is True
    assert [suite["config"] for suite in results["suites"]] == [config.name for config in CONFIGS]
    rules = [rule for suite in results["suites"] for rule in suite["rules"]]
    assert {rule["status"] for rule in rules} == {"passed"}
    assert all(rule["evaluated"] > 0 for rule in rules)
    assert len(rules) == sum(len(suite.all) for suite in clean.suites)


def put(row: int, *path: str | int, value: Any) -> Callable[[list[dict[str, Any]]], None]:
    """A change of one value in a row of the train split."""

    def change(rows: list[dict[str, Any]]) -> None:
        inner: Any = rows[row]
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value

    return change


def drop(row: int) -> Callable[[list[dict[str, Any]]], None]:
    return lambda rows: rows.pop(row) and None


def repeat(row: int) -> Callable[[list[dict[str, Any]]], None]:
    return lambda rows: rows.append(copy.deepcopy(rows[row]))


HALF_EMPTY = [{"start": 26, "end": 30}, {"start": 30, "end": 30}]
# Rule, row that it names, config with the defect, defect. Rows of A come first, then those of B.
DEFECTS: list[tuple[str, str, str, Callable[[list[dict[str, Any]]], None]]] = [
    ("articles-unique", A, "articles", repeat(0)),
    ("articles-text-present", A, "articles", put(0, "text", value=None)),
    ("articles-document-pinned", A, "articles", put(0, "document", "sha256", value="abc")),
    ("articles-rights-stated", B, "articles", put(1, "rights", "license", value="")),
    ("articles-language-form", B, "articles", put(1, "language", value="English")),
    ("articles-id-form", "B", "articles", put(1, "id", value="B")),
    ("articles-covered-by-segments", A, "segments", drop(1)),
    ("articles-have-headline-and-body", A, "segments", put(0, "label", value="poll")),
    ("segments-apart", f"{A}/s2", "segments", put(1, "start", value=10)),
    ("segments-surface-is-text", f"{A}/s1", "segments", put(0, "surface", value="other")),
    ("segments-one-headline", f"{A}/s1", "segments", put(1, "label", value="headline")),
    ("segments-numbered", f"{A}/s3", "segments", put(1, "id", value="s3")),
    ("entities-one-name-and-label", f"{A}/pilot", "entities", put(1, "name", value="somebody else")),
    ("entities-label-refers", f"{A}/pilot", "entities", put(1, "label", value="TIME")),
    ("entities-mentioned", f"{A}/nobody", "entities", put(1, "id", value="nobody")),
    ("mentions-unique", f"{A}/m1", "mentions", repeat(0)),
    ("mentions-article-known", f"{C}/m1", "mentions", put(0, "article_id", value=C)),
    ("mentions-id-form", f"{A}/x9", "mentions", put(0, "id", value="x9")),
    ("mentions-id-present", f"{A}/null", "mentions", put(0, "id", value=None)),
    ("mentions-label-present", f"{A}/m1", "mentions", put(0, "label", value=None)),
    ("mentions-start-in-text", f"{A}/m1", "mentions", put(0, "start", value=-1)),
    ("mentions-span-not-empty", f"{A}/m2", "mentions", put(1, "end", value=3)),
    ("mentions-surface-trimmed", f"{A}/m1", "mentions", put(0, "surface", value="Velorum ")),
    ("mentions-surface-length", f"{A}/m1", "mentions", put(0, "surface", value="Velorum" * 40)),
    ("mentions-surface-is-text", f"{B}/m1", "mentions", put(4, "surface", value="Velorum")),
    ("mentions-entity-known", f"{A}/m4", "entities", drop(1)),
    ("mentions-entity-by-label", f"{A}/m1", "mentions", put(0, "entity", value=None)),
    ("mentions-timex-by-label", f"{A}/m3", "mentions", put(2, "timex", value=None)),
    ("mentions-in-one-segment", f"{A}/m1", "mentions", put(0, "end", value=20)),
    ("mentions-not-crossing", f"{A}/m1", "mentions", put(0, "end", value=22)),
    ("quotes-speaker-known", f"{A}/q1", "quotes", put(0, "speaker", value="nobody")),
    ("quotes-fragments-sound", f"{A}/q1", "quotes", put(0, "fragments", value=HALF_EMPTY)),
    ("quotes-surface-is-text", f"{A}/q1", "quotes", put(0, "surface", value="other")),
    ("quotes-cue-is-text", f"{A}/q1", "quotes", put(0, "cue", "surface", value="says")),
    ("quotes-without-cue", f"{A}/q1", "quotes", put(0, "cue", "start", value=14)),
    ("quotes-marks-by-label", f"{A}/q1", "quotes", put(0, "label", value="direct")),
    ("quotes-in-the-report", f"{A}/q1", "segments", put(1, "label", value="footer")),
    ("claims-segment-holds-span", f"{A}/c1", "claims", put(0, "segment", value="s1")),
    ("claims-authority-known", f"{A}/c1", "claims", put(0, "attributed_to", value=["nobody"])),
    ("claims-own-voice-has-no-authority", f"{A}/c1", "claims", put(0, "assertion", value="stated")),
    ("claims-numbered", f"{A}/c2", "claims", put(0, "fragments", 0, "start", value=60)),
    ("events-trigger-is-text", f"{A}/e1", "events", put(0, "trigger", "surface", value="sinks")),
    ("events-participants-known", f"{A}/e1", "events", put(0, "participants", 0, "entity", value="nobody")),
    ("events-time-is-a-time", f"{A}/e1", "events", put(0, "time", "mention", value="m1")),
    ("events-time-has-content", f"{A}/e1", "events", put(0, "time", value={"mention": None, "value": None})),
    ("claim-pairs-two-articles", "retold/p1", "claim_pairs", put(0, "source_article_id", value=B)),
    ("claim-pairs-same-split", "retold/p1", "claim_pairs", put(0, "source_article_id", value=C)),
    ("claim-pairs-derived-claim-known", "retold/p1", "claim_pairs", put(0, "derived_claim", value="c9")),
    ("claim-pairs-source-claims-known", "retold/p1", "claim_pairs", put(0, "source_claims", value=["c9"])),
    ("claim-pairs-brought-along", "retold/p1", "claim_pairs", put(0, "source_claims_sentence", 0, value="other")),
    ("claim-pairs-derived-once", "retold/p1", "claim_pairs", put(1, "derived_claim", value="c1")),
    ("claim-pairs-omitted-has-no-derived-claim", "retold/p3", "claim_pairs", put(2, "label", value="supported")),
    ("claim-pairs-omitted-once", "retold/p3", "claim_pairs", put(0, "source_claims", value=["c1", "c2"])),
    ("claim-pairs-rest-on-something", "retold/p2", "claim_pairs", put(1, "label", value="softened")),
    ("claim-pairs-weightiest-first", "retold/p1", "claim_pairs", put(0, "also", value=["contradicted"])),
    ("claim-pairs-numbered", "retold/p4", "claim_pairs", put(2, "id", value="p4")),
]


@pytest.mark.parametrize(
    ("rule", "row", "config", "defect"), DEFECTS, ids=[f"{d[0]}-{i}" for i, d in enumerate(DEFECTS)]
)
def test_a_planted_defect_is_named_by_id_and_shows_no_text(
    clean: Clean,
    tmp_path: Path,
    rule: str,
    row: str,
    config: str,
    defect: Callable[[list[dict[str, Any]]], None],
) -> None:
    rows = copy.deepcopy(clean.rows)
    defect(rows[config]["train"])
    suite = next(s for s in clean.suites if rule in {r.rule for r in s.all})
    results, found = run_expectations(write_release(tmp_path, rows, clean.types), [suite])
    severity = next(r.severity for r in suite.all if r.rule == rule)
    hits = [d for d in found if d.message.startswith(f"{rule}: ")]
    assert [d.code for d in hits] == ["E002" if severity == "critical" else "E004"]
    assert hits[0].place.record == row.split("/")[0]
    assert row in hits[0].notes[-1].split(", ")
    assert "E003" not in {d.code for d in found}
    said = json.dumps(results) + repr(found)
    assert not [word for word in WORDS if word in said]


def test_an_article_in_two_splits(clean: Clean, tmp_path: Path) -> None:
    rows = copy.deepcopy(clean.rows)
    rows["articles"]["test"].append(copy.deepcopy(rows["articles"]["train"][0]))
    results, found = run_expectations(write_release(tmp_path, rows, clean.types), clean.suites[:1])
    broken = {d.message.split(":")[0]: d.place.record for d in found}
    assert broken == {"articles-unique": A, "articles-one-split": A, "articles-text-unique": A}
    assert results["success"] is False


def test_results_do_not_depend_on_shards_or_place(clean: Clean, tmp_path: Path) -> None:
    rows = copy.deepcopy(clean.rows)
    rows["mentions"]["train"][0]["surface"] = "Velorum "
    first, _ = run_expectations(write_release(tmp_path / "one", rows, clean.types), clean.suites)
    second, _ = run_expectations(write_release(tmp_path / "two", rows, clean.types, shards=3), clean.suites)
    assert json.dumps(first, allow_nan=False) == json.dumps(second, allow_nan=False)
    assert str(tmp_path) not in json.dumps(first)
