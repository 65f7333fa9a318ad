"""What a difference costs: `python bench/diff.py [ARTICLES] [all] [column]`. CPU per article, and peak memory.

Two synthetic releases, written as their ledgers and JSON lines: 12 kB an article, 34 mentions, 14 claims, a link to
every tenth. Of the second one 0.1 % of the articles have a corrected label, a sentence put in, or both; with `all`,
each of them has. With `column`, the contract of the second one has a new column, so that no two lines are the same.
Times are of the difference alone, in one process; absolute figures depend on the machine.
"""

from __future__ import annotations

import hashlib
import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from copydesk.contract.load import load_contract
from copydesk.contract.types import Contract, Field, Type
from copydesk.diff.model import Side
from copydesk.diff.rows import changes
from copydesk.diff.summary import summarise
from copydesk.project import Config
from copydesk.release.model import FileEntry, SplitData, Table
from copydesk.scaffold import create
from copydesk.splits import Entry
from copydesk.views import VIEWS
from copydesk.write import home_columns

POOL = 50
"""Different articles; each gets an end of its own."""
WORDS, MENTIONS, CLAIMS = 500, 34, 14
SHARD = 10_000
CONFIGS = (
    Config(name="articles", view="records", kind="article", default=True),
    Config(name="claim_pairs", view="pairs", kind="link", layer="claim_pairs", bring=("sentence",)),
)
SENTENCE = "A sentence that an editor put in. "


def article(number: int, rnd: random.Random, vocabulary: list[str]) -> dict[str, object]:
    """About eight kilobytes of JSON, with typographic quotes and, now and then, an emoji."""
    words = [rnd.choice(vocabulary) for _ in range(WORDS)]
    words[0], words[20] = f"“{words[0]}”", "👍" if number % 16 == 0 else words[20]
    starts, at = [], 0
    for word in words:
        starts.append(at)
        at += len(word) + 1
    mentions = [
        {"id": f"m{n}", "start": starts[i], "end": starts[i] + len(words[i]), "surface": words[i], "label": "PLACE"}
        for n, i in enumerate(sorted(rnd.sample(range(WORDS), MENTIONS)), 1)
    ]
    claims = [
        {
            "id": f"c{n}",
            "fragments": [{"start": starts[i], "end": starts[i + 3] + len(words[i + 3])}],
            "sentence": " ".join(words[i : i + 4]),
            "about": f"m{n}",
        }
        for n, i in enumerate(sorted(rnd.sample(range(WORDS - 4), CLAIMS)), 1)
    ]
    return {"id": f"synthetic-{number}", "text": " ".join(words), "mentions": mentions, "claims": claims}


def pool() -> list[dict[str, Any]]:
    """Articles as the records config has them."""
    rnd = random.Random(20)
    vocabulary = ["".join(rnd.choices("abcdefghijklmnoprstuvwé", k=rnd.randint(2, 10))) for _ in range(20_000)]
    made = []
    for number in range(POOL):
        record: dict[str, Any] = article(number, rnd, vocabulary)
        text = record["text"]
        for claim in record["claims"]:
            claim["surface"] = " ".join(text[f["start"] : f["end"]] for f in claim["fragments"])
            fields = ("id", "fragments", "surface", "sentence", "about")
            claim.update({name: claim.pop(name) for name in fields})
        rights = {"license": "CC0-1.0", "holder": None, "redistribute": True}
        made.append({
            "id": "", "language": "en", "rights": rights, "document": None, "text": text + " " + "filler " * 450,
            "mentions": record["mentions"], "claims": record["claims"],
        })  # fmt: skip
    return made


def edited(record: dict[str, Any], rnd: random.Random) -> dict[str, Any]:
    """A corrected label, a sentence put in at the front, or both."""
    out: dict[str, Any] = json.loads(json.dumps(record))
    what = rnd.randrange(3)
    if what != 1:
        rnd.choice(out["mentions"])["label"] = "PERSON"
    if what != 0:
        out["text"] = SENTENCE + out["text"]
        for item in [*out["mentions"], *(f for claim in out["claims"] for f in claim["fragments"])]:
            item["start"] += len(SENTENCE)
            item["end"] += len(SENTENCE)
    return out


def write(folder: Path, count: int, contract: Contract, share: float, records: list[dict[str, Any]]) -> Side:
    """A side with `share` of its articles edited."""
    rnd = random.Random(7)
    changed = [edited(record, rnd) for record in records for _ in range(3)]
    plain, other = ([_pieces(record) for record in listed] for listed in (records, changed))
    ledger = {}
    tables: dict[str, dict[str, list[FileEntry]]] = {config.name: {} for config in CONFIGS}
    for at in range(0, count, SHARD):
        split = "test" if at // SHARD % 10 == 9 else "train"
        end = min(at + SHARD, count)
        names = [f"synthetic-{number * 7919 % 1_000_003:07d}" for number in range(at, end)]
        for name in names:
            digest = hashlib.sha256(name.encode()).hexdigest()
            ledger[name] = Entry(id=name, group=name, split=split, since="1.0.0", digest=digest)
        rows = (
            head + name.encode() + middle + str(number).encode() + tail
            for number, name in enumerate(names, at)
            for head, middle, tail in (
                [other[number % POOL * 3 + rnd.randrange(3)] if rnd.random() < share else plain[number % POOL]]
            )
        )
        _add(folder, tables["articles"], "articles", split, at, rows)
        _add(folder, tables["claim_pairs"], "claim_pairs", split, at, _pairs(at, end))
    made = tuple(_table(config, contract, tables[config.name]) for config in CONFIGS)
    return Side(label=folder.name, name="bench", version="1.0.0", folder=folder, tables=made, ledger=ledger)


def _pieces(record: dict[str, Any]) -> tuple[bytes, bytes, bytes]:
    """The line of a record before its id, between its id and the end of its text, and after that."""
    marked = {**record, "id": "\x01", "text": record["text"] + "\x01"}
    line = json.dumps(marked, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    head, middle, tail = line.split(b"\\u0001")
    return head, middle, tail


def _pairs(at: int, end: int) -> Iterator[bytes]:
    for number in range(at, end, 10):
        for claim in range(1, 5):
            row = {
                "link_id": f"l{number:07d}", "source_article_id": "x", "derived_article_id": "y", "id": f"p{claim}",
                "source_claim": f"c{claim}", "source_claim_sentence": "s", "derived_claim": f"c{claim}",
                "derived_claim_sentence": "s", "label": "supported",
            }  # fmt: skip
            yield json.dumps(row, separators=(",", ":")).encode() + b"\n"


def _add(
    folder: Path, table: dict[str, list[FileEntry]], name: str, split: str, at: int, lines: Iterable[bytes]
) -> None:  # fmt: skip
    path = f"jsonl/{name}/{split}-{at:07d}.jsonl"
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    digest, size, rows = hashlib.sha256(), 0, 0
    with (folder / path).open("wb") as out:
        for line in lines:
            out.write(line)
            digest.update(line)
            size, rows = size + len(line), rows + 1
    entry = FileEntry(path=path, size=size, sha256=digest.hexdigest(), rows=rows)
    table.setdefault(split, []).append(entry)


def _table(config: Config, contract: Contract, files: dict[str, list[FileEntry]]) -> Table:
    splits = tuple(
        SplitData(name=split, rows=sum(e.rows or 0 for e in entries), num_bytes=0, logical_sha256="",
                  files={"parquet": (), "jsonl": tuple(entries)})
        for split, entries in files.items()
    )  # fmt: skip
    node = VIEWS[config.view].columns(config, contract)
    return Table(config=config, type=node, splits=splits, home=home_columns(config, contract))


def with_column(table: Table) -> Table:
    """The table of articles with one more column."""
    if table.config.view != "records":
        return table
    extra = Field(name="desk", type=Type(kind="string", nullable=True))
    return replace(table, type=replace(table.type, fields=(*table.type.fields, extra)))


def main(count: int, *, every: bool, column: bool) -> None:
    """Write both sides, compare them once, print what it took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        create(folder / "project", "bench")
        contract, _ = load_contract(folder / "project", ("article", "link"))
        assert contract is not None
        records = pool()
        old = write(folder / "old", count, contract, 0.0, records)
        wide = [{**record, "desk": None} for record in records] if column else records
        new = write(folder / "new", count, contract, 1.0 if every else 0.001, wide)
        if column:
            new = replace(new, tables=tuple(map(with_column, new.tables)))
        size = sum(e.size for t in old.tables for s in t.splits for e in s.jsonl)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        start, clock = time.process_time(), time.monotonic()
        summary = summarise(changes(old, new), old, new, keep=5)
        cpu, wall = time.process_time() - start, time.monotonic() - clock
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        kinds = Counter[str]()
        for (what, _, _), number in summary.counts.items():
            kinds[what] += number
        print(f"{count:,} articles, {size / count / 1000:.1f} kB each; {sum(kinds.values()):,} changes: {dict(kinds)}")
        print(f"{cpu / count * 1e6:.0f} µs of CPU per article, {wall:.0f} s in all")
        print(f"peak memory {peak:.0f} MiB, of which {before:.0f} MiB before (both ledgers among them)")


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 20_000, every="all" in sys.argv[2:], column="column" in sys.argv[2:]
    )
