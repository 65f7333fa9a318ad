"""Small sides for tests of the difference: records of a made-up contract, written as the tables that a release has.

Not a test, and not the pipeline: records need not be what a build would let through.
"""

from __future__ import annotations

import copy
import hashlib
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from copydesk.contract.arrow import to_table
from copydesk.contract.load import compile_kind
from copydesk.contract.types import Contract
from copydesk.diff.model import Change, Side
from copydesk.project import Config
from copydesk.release.model import FileEntry, SplitData, Table
from copydesk.splits import Entry
from copydesk.views import VIEWS
from copydesk.write import home_columns
from copydesk.writers.lines import lines

Records = dict[tuple[str, str], tuple[str, dict[str, Any]]]
"""(kind, id) -> split and record."""

LABELS = ("PERSON", "PLACE", "TIME")
CONFIGS = (
    Config(name="articles", view="records", kind="article", default=True),
    Config(name="mentions", view="layer", kind="article", layer="mentions", carry=("language",)),
    Config(name="pairs", view="pairs", kind="link", layer="pairs", bring=("label", "surface")),
)
LAYERS_ONLY = (
    Config(name="mentions", view="layer", kind="article", layer="mentions", carry=("language",)),
    Config(name="entities", view="layer", kind="article", layer="entities"),
    Config(name="pairs", view="pairs", kind="link", layer="pairs", bring=("label",)),
)

OFFSET = {"type": "integer", "minimum": 0, "maximum": 2147483647}
LABEL = {"oneOf": [{"const": name, "title": name, "description": name} for name in LABELS]}
STRING = {"type": "string"}
MAYBE = {"type": ["string", "null"]}
SPAN = {"text": "text", "start": "start", "end": "end", "surface": "surface"}


def _object(**properties: Any) -> dict[str, Any]:
    extra = {name: properties.pop(name) for name in ("x_span",) if name in properties}
    listed = {name.rstrip("_"): value for name, value in properties.items()}
    words = {"x-span": extra["x_span"]} if extra else {}
    return {"type": "object", "required": list(listed), "unevaluatedProperties": False, "properties": listed, **words}


def _layer(item: dict[str, Any], key: str | None = "id") -> dict[str, Any]:
    return {"type": "array", "items": item, **({"x-key": key} if key else {})}


_PLACE = {"start": OFFSET, "end": OFFSET, "surface": STRING}


def article_schema() -> dict[str, Any]:
    cue = {"anyOf": [_object(**_PLACE, x_span=SPAN), {"type": "null"}]}
    entity_ref = {**MAYBE, "x-ref": "entities"}
    return _object(
        id=STRING, language=STRING, topic=LABEL, source=_object(name=STRING, url=MAYBE),
        rights=_object(license=STRING, holder=MAYBE, redistribute={"type": "boolean"}), text=STRING,
        entities=_layer(_object(id=STRING, label=LABEL, name=STRING, part_of=entity_ref)),
        mentions=_layer(_object(id=STRING, **_PLACE, label=LABEL, entity=entity_ref, x_span=SPAN)),
        quotes=_layer(_object(
            id=STRING, fragments={"type": "array", "items": _object(start=OFFSET, end=OFFSET)}, surface=STRING,
            label=LABEL, cue=cue, speaker=entity_ref, about={"type": "array", "items": {**STRING, "x-ref": "mentions"}},
            x_span={"text": "text", "fragments": "fragments", "surface": "surface"},
        )),
        remarks=_layer(_object(label=LABEL, words=STRING, certain={"type": "boolean"}), key=None),
    )  # fmt: skip


def link_schema() -> dict[str, Any]:
    end = {**STRING, "x-link": "article"}

    def ref(record: str) -> dict[str, Any]:
        return {"x-ref": {"layer": "mentions", "record": record}}

    return _object(
        id=STRING, source={**end, "x-group": True}, derived={**end, "x-group": True},
        pairs=_layer(_object(
            id=STRING, here={**MAYBE, **ref("derived")}, there={"type": "array", "items": {**STRING, **ref("source")}},
            label=LABEL, note=STRING,
        )),
    )  # fmt: skip


def contract(article: dict[str, Any] | None = None, link: dict[str, Any] | None = None) -> Contract:
    kinds = {"article": article or article_schema(), "link": link or link_schema()}
    return Contract(kinds={name: compile_kind(name, schema) for name, schema in kinds.items()}, documents={})


def spans(text: str, start: int, end: int) -> dict[str, Any]:
    return {"start": start, "end": end, "surface": text[start:end]}


def article(identifier: str, rnd: random.Random, size: int = 4) -> dict[str, Any]:
    """An article with something in every layer, at random."""
    words = [
        rnd.choice(("Kim", "the", "car", "in", "May", "Putin", "gave", "👍", "été", "said", ".", "\n"))
        for _ in range(12 + 3 * size)
    ]
    text = " ".join(words)

    def place() -> tuple[int, int]:
        inside = [at for at, char in enumerate(text) if not char.isspace()]
        first = rnd.randrange(len(inside))
        return inside[first], inside[min(first + rnd.randrange(10), len(inside) - 1)] + 1

    names = [f"e{n}" for n in range(size)]
    entities = [
        {"id": name, "label": rnd.choice(LABELS), "name": rnd.choice(words), "part_of": rnd.choice([None, *names])}
        for name in names
    ]
    mentions = [
        {"id": f"m{n}", **spans(text, *place()), "label": rnd.choice(LABELS), "entity": rnd.choice([None, *names])}
        for n in range(2 * size)
    ]
    quotes = [_quote(f"q{n}", text, place, names, mentions, rnd) for n in range(size // 2)]
    remarks = [
        {"label": rnd.choice(LABELS), "words": rnd.choice(("a", "b", "c")), "certain": rnd.random() < 0.5}
        for _ in range(size)
    ]
    return {
        "id": identifier, "language": rnd.choice(("en", "de")), "topic": rnd.choice(LABELS),
        "source": {"name": "s", "url": rnd.choice((None, "u"))},
        "rights": {"license": "CC0-1.0", "holder": None, "redistribute": True}, "text": text,
        "entities": entities, "mentions": mentions, "quotes": quotes, "remarks": remarks,
    }  # fmt: skip


def _quote(
    name: str, text: str, place: Any, names: list[str], mentions: list[Any], rnd: random.Random
) -> dict[str, Any]:
    pieces = sorted(place() for _ in range(rnd.randint(1, 2)))
    return {
        "id": name, "fragments": [{"start": s, "end": e} for s, e in pieces],
        "surface": " ".join(text[s:e] for s, e in pieces), "label": rnd.choice(LABELS),
        "cue": rnd.choice([None, spans(text, *place())]), "speaker": rnd.choice([None, *names]),
        "about": rnd.sample([m["id"] for m in mentions], min(2, len(mentions))),
    }  # fmt: skip


def link(identifier: str, source: dict[str, Any], derived: dict[str, Any], rnd: random.Random) -> dict[str, Any]:
    here = [m["id"] for m in derived["mentions"]]
    there = [m["id"] for m in source["mentions"]]
    pairs = [
        {"id": f"p{n}", "here": rnd.choice([None, *here]), "there": rnd.sample(there, min(2, len(there))),
         "label": rnd.choice(LABELS), "note": f"note {rnd.randrange(4)}"}
        for n in range(4)
    ]  # fmt: skip
    return {"id": identifier, "source": source["id"], "derived": derived["id"], "pairs": pairs}


def release(rnd: random.Random, count: int = 5) -> Records:
    """Some articles over three splits, and a link or two."""
    records: Records = {}
    for n in range(count):
        records["article", f"a{n}"] = rnd.choice(("train", "train", "test", "validation")), article(f"a{n}", rnd)
    for n in range(count // 2):
        split, source = records["article", f"a{n}"]
        records["link", f"l{n}"] = split, link(f"l{n}", source, records["article", f"a{n + 1}"][1], rnd)
    return copy.deepcopy(records)


def mended(records: Records) -> Records:
    """The records without links and references that lead nowhere: the views follow them."""
    known = {
        i: {m["id"] for m in record["mentions"]} for (kind, i), (_, record) in records.items() if kind == "article"
    }
    for key, (_, record) in list(records.items()):
        if key[0] == "link":
            if not {record["source"], record["derived"]} <= set(known):
                del records[key]
            for pair in record["pairs"]:
                pair["here"] = pair["here"] if pair["here"] in known.get(record["derived"], ()) else None
                pair["there"] = [name for name in pair["there"] if name in known.get(record["source"], ())]
    return records


def write_side(
    folder: Path,
    records: Records,
    known: Contract | None = None,
    configs: tuple[Config, ...] = CONFIGS,
    *,
    shard: int = 3,
    formerly: dict[str, str] | None = None,
    **more: Any,
) -> Side:
    """The tables of the records, `shard` records a file, in an order of their own, and what a side has beside them."""
    known = known or contract()
    tables = tuple(_table(folder, config, known, records, shard) for config in configs)
    ledger: dict[str, Any] = {
        identifier: _entry(identifier, split, record, (formerly or {}).get(identifier, ""))
        for (kind, identifier), (split, record) in records.items()
        if kind == "article"
    }
    return Side(label=folder.name, name="made-up", version="1.0.0", folder=folder, tables=tables, ledger=ledger, **more)


def _entry(identifier: str, split: str, record: dict[str, Any], formerly: str) -> Entry:
    digest = hashlib.sha256((record["text"] or "").encode("utf-8", "surrogatepass")).hexdigest()
    return Entry(
        id=identifier, group=identifier, split=split, since="1.0.0", digest=digest, formerly=formerly
    )  # fmt: skip


def _table(folder: Path, config: Config, known: Contract, records: Records, shard: int) -> Table:
    kind = known.kinds[config.kind]
    by_split: dict[str, list[dict[str, Any]]] = {}
    for (name, _), (split, record) in sorted(records.items(), key=lambda pair: pair[0][1][::-1]):
        if name == config.kind:
            by_split.setdefault(split, []).append(record)

    def fetch(name: str, ids: Iterable[str]) -> pa.Table:
        found = [records[name, i][1] for i in ids if (name, i) in records]
        return to_table(found, known.kinds[name].type)

    splits = []
    node = VIEWS[config.view].columns(config, known)
    for split, listed in sorted(by_split.items()):
        files = []
        for at in range(0, len(listed), shard):
            part = to_table(listed[at : at + shard], kind.type)
            rows = VIEWS[config.view].rows(config, known, part, fetch)
            if not rows.num_rows:
                continue
            path = f"jsonl/{config.name}/{split}-{at:05d}.jsonl"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            data = b"".join(lines(rows))  # the writer would wait for the disk, hundreds of times
            (folder / path).write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            files.append(FileEntry(path=path, size=len(data), sha256=digest, rows=rows.num_rows))
        if files:
            count = sum(entry.rows or 0 for entry in files)
            splits.append(SplitData(name=split, rows=count, num_bytes=0, logical_sha256="",
                                    files={"parquet": (), "jsonl": tuple(files)}))  # fmt: skip
    return Table(config=config, type=node, splits=tuple(splits), home=home_columns(config, known))


def short(changes: Iterable[Change]) -> list[tuple[str, str, str]]:
    """(what, record, layer or pointer) of each change."""
    return [(c.what, c.record, c.layer or c.pointer) for c in changes]
