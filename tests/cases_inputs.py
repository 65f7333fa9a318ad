"""A case for each code about the inputs: project file, contract, sources, records, barrier, ledger, waivers."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

from cases import (
    LINK,
    ONE,
    PROJECT,
    TWO,
    WAIVERS,
    Break,
    Case,
    at,
    both,
    document,
    drop,
    ending,
    mention,
    remove,
    text,
    value,
    waiver,
    without_links,
    without_pin,
    write,
)  # fmt: skip

from conftest import edit_json

ARTICLE_SCHEMA, LINK_SCHEMA = "schema/article.schema.json", "schema/link.schema.json"
DIGEST = "0" * 64
MENTIONS = "/properties/mentions"
OTHER_PIN = '[[splits.pin]]\narticles = ["library-2"]\nsplit = "test"\nreason = "?"\n'
CUT_SHORT = "data/articles/cut.jsonl.gz"
DEEP = "[" * 250 + "]" * 250


def _bytes(old: bytes, new: bytes) -> Break:
    def breaks(folder: Path) -> None:
        data = (folder / TWO).read_bytes()
        assert old in data
        (folder / TWO).write_bytes(data.replace(old, new, 1))

    return breaks


def _twin(folder: Path) -> None:
    shutil.copy(folder / ONE, folder / "data/articles/twin.json")


def _cut_short(folder: Path) -> None:
    """A compressed copy of an article as JSON lines, with its end missing."""
    line = json.dumps(json.loads((folder / TWO).read_bytes())).encode() + b"\n"
    (folder / CUT_SHORT).write_bytes(gzip.compress(line, mtime=0)[:-30])
    text(PROJECT, "data/articles/*.json", "data/articles/*.json*")(folder)


def _nothing(folder: Path) -> None:
    without_links(folder)
    (folder / "data/articles/none.jsonl").touch()
    for file in (ONE, TWO):
        (folder / file).unlink()
    text(PROJECT, "data/articles/*.json", "data/articles/*.jsonl")(folder)


def _link_to_excluded(folder: Path) -> None:
    """A third article that fails a check, and a link to it."""
    with (folder / PROJECT).open("a", encoding="utf-8") as out:
        out.write('\n[checks]\non_error = "exclude"\n')
    shutil.copy(folder / TWO, folder / "data/articles/third.json")
    edit_json(folder / "data/articles/third.json", lambda a: a.update(id="third"))
    at("data/articles/third.json", "/mentions/0/end", 9999)(folder)
    shutil.copy(folder / LINK, folder / "data/links/second.json")
    edit_json(folder / "data/links/second.json", lambda a: a.update(id="second", derived="third"))


def ledger_of(**splits: str) -> Break:
    """A ledger as an earlier version would have left it."""
    entries = [
        {"id": identifier, "group": identifier, "split": split, "since": "0.0.1", "digest": DIGEST}
        for identifier, split in splits.items()
    ]
    return write("data/ledger.jsonl", "".join(json.dumps(entry) + "\n" for entry in entries))


PROJECT_CASES = {
    "P001": Case(breaks=remove(PROJECT), file=PROJECT),
    "P002": Case(breaks=text(PROJECT, 'version = "0.1.0"', "version = 0.1.0"), file=PROJECT, shows="version = 0.1.0"),
    "P003": Case(
        breaks=text(PROJECT, "draft = true", "daft = true"), file=PROJECT, shows="daft", pointer="/release/daft"
    ),
    "P004": Case(
        breaks=text(PROJECT, "data/articles/*", "data/artcles/*"),
        file=PROJECT,
        shows="data/artcles/*.json",
        pointer="/source/0/paths",
    ),
    "P005": Case(
        breaks=text(PROJECT, 'layer = "mentions"', 'layer = "mentons"'),
        file=PROJECT,
        pointer="/configs/mentions",
        shows='layer = "mentons"',
    ),
    "P006": Case(
        breaks=text(PROJECT, 'kind = "article"', 'kind = "article"\nformat = "docx"'),
        file=PROJECT,
        pointer="/source/0/format",
        shows='format = "docx"',
    ),
}

CONTRACT_CASES = {
    "C001": Case(breaks=remove(LINK_SCHEMA), file=LINK_SCHEMA),
    "C002": Case(breaks=text(LINK_SCHEMA, '"title": "Link",', '"title": "Link",,'), file=LINK_SCHEMA, shows=",,"),
    "C003": Case(
        breaks=at(ARTICLE_SCHEMA, "/properties/text/type", "strnig"),
        file=ARTICLE_SCHEMA,
        shows="strnig",
        pointer="/properties/text/type",
    ),
    "C004": Case(
        breaks=at(ARTICLE_SCHEMA, f"{MENTIONS}/items/properties/start/$ref", "#/$defs/offst"),
        file=ARTICLE_SCHEMA,
        shows="#/$defs/offst",
        pointer=f"{MENTIONS}/items/properties/start/$ref",
    ),
    "C005": Case(
        breaks=at(ARTICLE_SCHEMA, "/properties/text/type", ["string", "integer"]),
        file=ARTICLE_SCHEMA,
        shows='"type": [',
        pointer="/properties/text/type",
    ),
    "C006": Case(
        breaks=at(ARTICLE_SCHEMA, "/properties/claims/items/properties/about/x-ref", "mentons"),
        file=ARTICLE_SCHEMA,
        shows="mentons",
        pointer="/properties/claims/items/properties/about/x-ref",
    ),
}

SOURCE_CASES = {
    "S001": Case(
        breaks=document("seeds/gone.txt", DIGEST), file=TWO, shows="gone.txt", pointer="/document/path",
        record="library-2",
    ),
    "S002": Case(breaks=_bytes(b"Mill Street has", b"Mill Stre\xe9t has"), file=TWO, shows="Mill Stre\ufffdt has"),
    "S003": Case(breaks=text(TWO, '"start": 37,', '"start": 37'), file=TWO, shows='"end": 43'),
    "S004": Case(
        breaks=text(TWO, '"id": "library-2",', '"id": "library-2",\n "id": "library-3",'), file=TWO, shows="library-3"
    ),
    "S005": Case(breaks=text(TWO, '"start": 37', '"start": NaN'), file=TWO, shows='"start": NaN'),
    "S006": Case(breaks=text(TWO, '"mentions": [', f'"deep": {DEEP},\n "mentions": ['), file=TWO, shows="[[[["),
    "S007": Case(breaks=value(TWO, lambda article: [article]), file=TWO, shows="["),
    "S008": Case(
        breaks=document(ONE, DIGEST), file=TWO, shows=DIGEST, pointer="/document/sha256", record="library-2"
    ),
    "S009": Case(
        breaks=document("../secret.txt", DIGEST), file=TWO, shows="../secret.txt", pointer="/document/path",
        record="library-2",
    ),
    "S010": Case(breaks=_cut_short, file=CUT_SHORT),
}  # fmt: skip


def _record(breaks: Break, pointer: str, shows: str) -> Case:
    return Case(breaks=breaks, file=TWO, pointer=pointer, shows=shows, record="library-2")


RECORD_CASES = {
    "A001": _record(drop(TWO, "/mentions/0/label"), "/mentions/0", "{"),
    "A002": _record(mention(lable="PLACE"), "/mentions/0/lable", '"lable": "PLACE"'),
    "A003": _record(mention(start="0"), "/mentions/0/start", '"start": "0"'),
    "A004": _record(mention(label="PLCE"), "/mentions/0/label", "PLCE"),
    "A005": _record(mention(start=-1), "/mentions/0/start", '"start": -1'),
    "A101": _record(mention(start=5, end=5), "/mentions/0/start", '"start": 5'),
    "A102": _record(mention(start=9, end=5), "/mentions/0/end", '"end": 5'),
    "A103": _record(mention(end=9999), "/mentions/0/end", '"end": 9999'),
    "A104": _record(mention(end=12, surface="Mill Street "), "/mentions/0/end", '"end": 12'),
    "A105": _record(
        both(ending(" \U0001f1eb\U0001f1f7"), mention(start=97, end=98, surface="\U0001f1eb")),
        "/mentions/0/end",
        '"end": 98',
    ),
    "A106": _record(mention(surface="Mill Streat"), "/mentions/0/surface", '"surface": "Mill Streat"'),
    "A107": _record(
        at(TWO, "/claims/1/fragments", [{"start": 89, "end": 95}, {"start": 64, "end": 72}]),
        "/claims/1/fragments/1/start",
        '"start": 64',
    ),
    "A201": _record(at(TWO, "/mentions/2/id", "m1"), "/mentions/2/id", '"id": "m1"'),
    "A202": _record(at(TWO, "/claims/0/about", "m9"), "/claims/0/about", '"about": "m9"'),
    "A301": _record(ending("\b"), "/text", "\\b"),
    "A302": _record(ending("\0"), "/text", "\\u0000"),
    "A303": _record(text(TWO, 'is new."', 'is new.\\ud83d"'), "/text", "\\ud83d"),
    "A304": _record(ending("\u202e"), "/text", "\u202e"),
    "A305": _record(ending(" cafe\u0301"), "/text", "cafe\u0301"),
}


def _link(breaks: Break, pointer: str, shows: str) -> Case:
    return Case(breaks=breaks, file=LINK, pointer=pointer, shows=shows, record="library")


BARRIER_CASES = {
    "B001": Case(
        breaks=_twin, file="data/articles/twin.json", pointer="/id", shows='"library-1"', record="library-1"
    ),
    "B002": _link(at(LINK, "/source", "ffff"), "/source", '"source": "ffff"'),
    "B003": _link(at(LINK, "/claim_pairs/1/derived_claim", "c9"), "/claim_pairs/1/derived_claim", '"c9"'),
    "B004": _link(drop(LINK, "/claim_pairs/2"), "/claim_pairs", '"claim_pairs"'),
    "B005": Case(breaks=_nothing, file=PROJECT, shows='kind = "article"', pointer="/source/0/kind"),
    "B006": Case(
        breaks=_link_to_excluded,
        file="data/links/second.json",
        pointer="/derived",
        shows="third",
        record="second",
        beside=frozenset({"A103"}),
    ),
}  # fmt: skip

SPLIT_CASES = {
    "L001": Case(breaks=write("data/ledger.jsonl", "<<<<<<< ours\n"), file="data/ledger.jsonl", shows="<<<<<<<"),
    "L002": Case(
        breaks=both(without_pin, ledger_of(**{"library-1": "train", "library-2": "test"})),
        file=PROJECT,
        shows="[splits]",
        pointer="/splits",
    ),
    "L003": Case(
        breaks=text(PROJECT, '["library-1", "library-2"]', '["library-1", "ffff"]'),
        file=PROJECT,
        shows="ffff",
        pointer="/splits/pin/0/articles",
    ),
    "L004": Case(
        breaks=both(
            text(PROJECT, '["library-1", "library-2"]', '["library-1"]'),
            text(PROJECT, "[release]", f"{OTHER_PIN}\n[release]"),
        ),
        file=PROJECT,
        shows='["library-2"]',
        pointer="/splits/pin/1/articles",
    ),
    "L005": Case(
        breaks=both(ledger_of(**{"library-1": "test", "library-2": "test"}), text(PROJECT, '"0.1.0"', '"0.0.10"'),
                    text("data/CHANGELOG.md", "## 0.1.0", "## 0.0.10")),
        file=PROJECT,
        shows='["library-1", "library-2"]',
        pointer="/splits/pin/0/articles",
    ),
    "L006": Case(
        breaks=both(ledger_of(**{"library-1": "train"}), text("data/ledger.jsonl", "0.0.1", "0.2.0")),
        file=PROJECT,
        shows="[splits]",
        pointer="/splits",
    ),
}  # fmt: skip


def _waiver(code: str = "A104", expires: str = "2027-01-01", **entry: str) -> Break:
    return waiver(code=code, record="library-2", expires=expires, **entry)


WAIVER_CASES = {
    "W001": Case(breaks=_waiver(), file=WAIVERS, shows="[[waiver]]", pointer="/waiver/0"),
    "W002": Case(breaks=_waiver(reason="It was so."), file=WAIVERS, shows="[[waiver]]", pointer="/waiver/0"),
    "W003": Case(
        breaks=_waiver(reason="It was so.", expires="2020-01-01"),
        file=WAIVERS,
        shows="2020-01-01",
        pointer="/waiver/0/expires",
    ),
    "W004": Case(
        breaks=_waiver(reason="It was so.", code="A103"), file=WAIVERS, shows="A103", pointer="/waiver/0/code"
    ),
}  # fmt: skip

CASES = PROJECT_CASES | CONTRACT_CASES | SOURCE_CASES | RECORD_CASES | BARRIER_CASES | SPLIT_CASES | WAIVER_CASES
