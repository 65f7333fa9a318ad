"""A case for each code about how much articles of different splits have in common."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from cases import ONE, PROJECT, TWO, Case, both, text, without_links, without_pin
from cases_release import sealed
from cases_splits import splits

from conftest import edit_json
from copydesk.nearcopies import search

SHARED = " The mayor thanked all who gave money, time or old bricks for it."
APART = """[[splits.pin]]
articles = ["library-1"]
split = "train"
reason = "?"

[[splits.pin]]
articles = ["library-2"]
split = "test"
reason = "?"

[release]"""


def _one_sentence_in_both(folder: Path) -> None:
    for file in (ONE, TWO):
        edit_json(folder / file, lambda article: article.update(text=article["text"] + SHARED))


@contextlib.contextmanager
def _little_room() -> Iterator[None]:
    """As if the corpus were so large that crowded passages cannot all be compared."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("_EASY", 1), ("_SPARE", 0), ("_LARGE", 1), ("_FEW", 0)):
            patch.setattr(search, name, value)
        yield


def _two_templates_each(folder: Path) -> contextlib.AbstractContextManager[None]:
    """Articles of nothing but templates, any two of which share at most one of them."""
    templates = [" ".join(f"t{n}w{word}" for word in range(54)) for n in range(12)]
    for number, (one, two) in enumerate(combinations(templates, 2)):
        article = {"id": f"made-{number:02d}", "text": f"{one} {two}", "mentions": [], "claims": []}
        (folder / f"data/articles/made-{number:02d}.json").write_text(json.dumps(article), encoding="utf-8")
    return _little_room()


CASES = {
    "L011": Case(
        breaks=both(
            without_links, without_pin, _one_sentence_in_both, text(PROJECT, "[release]", APART),
            splits("bound = { containment = 0.1 }"),
        ),
        file=PROJECT,
        shows="bound = {",
        pointer="/splits/bound",
    ),
    "L012": Case(
        breaks=_two_templates_each,
        file=PROJECT,
        shows="[splits]",
        pointer="/splits/boilerplate",
        beside=frozenset({"L007"}),
    ),
    "V010": Case(
        breaks=sealed(text("quality/leakage.json", '"articles": 2', '"articles": 3')),
        file="quality/leakage.json",
        run="verify",
    ),
}  # fmt: skip
