"""A case for each code about splits, decisions and withdrawn articles."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from cases import ONE, PROJECT, TWO, Break, Case, both, text, without_links, without_pin, write
from cases_inputs import ledger_of

from copydesk.splits import Entry, dump_ledger

TOMBSTONES = "data/tombstones.jsonl"
WITHDRAWN = '{"id":"library-2","kind":"article","reason":"rights","date":"2026-01-01","releases":["0.0.1"]}\n'


def splits(*lines: str) -> Break:
    """More lines in [splits]."""
    salt = 'salt = "tiny"\n'
    return text(PROJECT, salt, salt + "".join(f"{line}\n" for line in lines))


def _decided(**entry: object) -> Break:
    given: dict[str, object] = {"version": "0.1.0", "reason": "?", **entry}
    lines = [f"{key} = {json.dumps(value)}" for key, value in given.items()]
    return text(PROJECT, "[release]", "\n".join(["[[splits.decision]]", *lines, "", "[release]"]))


def _sixty_copies(folder: Path) -> None:
    """Articles of one text, which are one group, in one split."""
    for number in range(60):
        article = {"id": f"copy-{number:02d}", "text": "Nothing new.", "mentions": [], "claims": []}
        (folder / f"data/articles/copy-{number:02d}.json").write_text(json.dumps(article), encoding="utf-8")


def _another_id(folder: Path) -> None:
    """A ledger that knows the text of the first article under another id."""
    digest = hashlib.sha256(json.loads((folder / ONE).read_bytes())["text"].encode()).hexdigest()
    entry = Entry(id="library-0", group="library-0", split="train", since="0.0.1", digest=digest)
    (folder / "data/ledger.jsonl").write_bytes(dump_ledger({entry.id: entry}))


def _each_its_split(folder: Path) -> None:
    """Two sources, each of which says which split its article is in."""
    without_pin(folder)
    one = '[[source]]\nkind = "article"\npaths = ["data/articles/library-1.json"]\nsplit = "train"\n'
    text(PROJECT, 'paths = ["data/articles/*.json"]', 'paths = ["data/articles/library-2.json"]\nsplit = "test"')(
        folder
    )
    content = (folder / PROJECT).read_text(encoding="utf-8")
    defaults = content[content.index("[source.defaults]") : content.index('[[source]]\nkind = "link"')]
    text(PROJECT, '[[source]]\nkind = "link"', f'{one}\n{defaults}[[source]]\nkind = "link"')(folder)


CASES = {
    "L007": Case(breaks=_sixty_copies, file=PROJECT, shows="ratios = {", pointer="/splits/ratios"),
    "L008": Case(breaks=_another_id, file=ONE, shows="{", record="library-1"),
    "L009": Case(
        breaks=_decided(articles=["ffff"], choice="move", to="test"),
        file=PROJECT,
        shows="[[splits.decision]]",
        pointer="/splits/decision/0",
    ),
    "L010": Case(breaks=both(without_pin, splits('given = "language"')), file=ONE, shows="{", record="library-1"),
    "L013": Case(breaks=both(without_links, write(TOMBSTONES, WITHDRAWN)), file=TWO, shows="{", record="library-2"),
    "L014": Case(breaks=_each_its_split, file=TWO, shows="{", record="library-2"),
    "L015": Case(breaks=write(TOMBSTONES, "<<<<<<< ours\n"), file=TOMBSTONES, shows="<<<<<<<"),
}

BEFORE = ledger_of(**{"library-1": "train", "library-2": "test"})
"""A ledger under which the two linked articles may not be one group."""

L005_BY_DECISION = Case(
    breaks=both(
        without_pin, BEFORE, text(PROJECT, '"0.1.0"', '"0.0.10"'),
        text("data/CHANGELOG.md", "## 0.1.0", "## 0.0.10"),
        _decided(articles=["library-1"], choice="move", to="test", version="0.0.10"),
    ),
    file=PROJECT,
    shows="[[splits.decision]]",
    pointer="/splits/decision/0",
)  # fmt: skip
