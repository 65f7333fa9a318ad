"""Edits of made-up records at random, as annotators make them, each with what the difference must say of it."""

from __future__ import annotations

import copy
import random
from typing import Any

from diff_sides import LABELS, Records, article, mended, spans

from copydesk.diff.words import Carrier


def put_in(record: dict[str, Any], at: int, words: str) -> None:
    """Put words into the text and take every span along, as an annotation tool does."""
    text = record["text"]
    record["text"] = text[:at] + words + text[at:]
    made = Carrier([[at, at, words]])

    def shift(piece: dict[str, Any]) -> None:
        piece["start"], piece["end"] = made.span(piece["start"], piece["end"])
        if "surface" in piece:
            piece["surface"] = record["text"][piece["start"] : piece["end"]]

    for mention in record["mentions"]:
        shift(mention)
    for quote in record["quotes"]:
        for piece in quote["fragments"]:
            shift(piece)
        quote["surface"] = " ".join(record["text"][p["start"] : p["end"]] for p in quote["fragments"])
        if quote["cue"] is not None:
            shift(quote["cue"])


def scramble(records: Records, rnd: random.Random, times: int) -> Records:
    """The records after edits of every sort, sensible or not, some of them on top of each other."""
    out = copy.deepcopy(records)
    for _ in range(times):
        if not out:
            break
        kind, identifier = rnd.choice(sorted(out))
        split, record = out[kind, identifier]
        if kind == "article":
            rnd.choice(_ARTICLE)(out, identifier, split, record, rnd)
        else:
            _edit_items(record["pairs"], rnd)
            for pair in record["pairs"]:
                if rnd.random() < 0.2:
                    pair["label"], pair["there"] = rnd.choice(LABELS), pair["there"][::-1]
    return mended(out)


def _text(out: Records, identifier: str, split: str, record: dict[str, Any], rnd: random.Random) -> None:
    put_in(record, rnd.randrange(len(record["text"])), rnd.choice(("new ", "car. ", "\n", "x")))


def _cut(out: Records, identifier: str, split: str, record: dict[str, Any], rnd: random.Random) -> None:
    """Cut from the text without a care for the spans."""
    at = rnd.randrange(len(record["text"]))
    record["text"] = (record["text"][:at] + record["text"][at + 7 :]) or "x"


def _layers(out: Records, identifier: str, split: str, record: dict[str, Any], rnd: random.Random) -> None:
    _edit_items(record[rnd.choice(("entities", "mentions", "quotes", "remarks"))], rnd)


def _edit_items(items: list[dict[str, Any]], rnd: random.Random) -> None:
    act = rnd.choice(("drop", "swap", "double", "label", "id"))
    if not items:
        return
    at = rnd.randrange(len(items))
    if act == "drop":
        del items[at]
    elif act == "swap":
        rnd.shuffle(items)
    elif act == "double":
        items.insert(
            rnd.randint(0, len(items)),
            copy.deepcopy(items[at]) | ({"id": f"n{rnd.random()}"} if "id" in items[at] else {}),
        )
    elif act == "label":
        items[at]["label"] = rnd.choice(LABELS)
    elif "id" in items[at]:
        items[at]["id"] = f"r{rnd.random()}"


def _renumber(out: Records, identifier: str, split: str, record: dict[str, Any], rnd: random.Random) -> None:
    new = {m["id"]: f"m{n + 1}x" for n, m in enumerate(record["mentions"])}
    for mention in record["mentions"]:
        mention["id"] = new[mention["id"]]
    for quote in record["quotes"]:
        quote["about"] = [new.get(name, name) for name in quote["about"]]


def _move(out: Records, identifier: str, split: str, record: dict[str, Any], rnd: random.Random) -> None:
    for mention in record["mentions"][:2]:
        start = min(mention["start"] + 1, len(record["text"]) - 1)
        end = min(start + 5, len(record["text"]))
        mention.update(spans(record["text"], start, end))
        if rnd.random() < 0.2:
            mention["surface"] = "not the words"


def _properties(out: Records, identifier: str, split: str, record: dict[str, Any], rnd: random.Random) -> None:
    record["topic"], record["language"] = rnd.choice(LABELS), rnd.choice(("en", "fr"))
    record["source"] = {"name": rnd.choice("ab"), "url": rnd.choice((None, "v"))}
    record["rights"]["redistribute"] = rnd.random() < 0.5
    for quote in record["quotes"]:
        quote["speaker"] = rnd.choice([None, *(e["id"] for e in record["entities"])])
        quote["cue"] = rnd.choice([None, quote["cue"], spans(record["text"], 0, 3)])
        quote["surface"] = rnd.choice([quote["surface"], quote["surface"], "no words of the text"])


def _other_split(out: Records, identifier: str, split: str, record: dict[str, Any], rnd: random.Random) -> None:
    out["article", identifier] = rnd.choice(("train", "test", "validation")), record


def _withdraw(out: Records, identifier: str, split: str, record: dict[str, Any], rnd: random.Random) -> None:
    del out["article", identifier]
    for name in [key for key, (_, link) in out.items() if key[0] == "link" and identifier in link.values()]:
        del out[name]


def _add(out: Records, identifier: str, split: str, record: dict[str, Any], rnd: random.Random) -> None:
    name = f"b{rnd.randrange(1000)}"
    out["article", name] = rnd.choice(("train", "test")), article(name, rnd, rnd.randint(1, 4))


def _rename(out: Records, identifier: str, split: str, record: dict[str, Any], rnd: random.Random) -> None:
    name = f"c{rnd.randrange(1000)}"
    if ("article", name) not in out:
        del out["article", identifier]
        out["article", name] = split, {**record, "id": name}
        for _, other in out.values():
            for end in ("source", "derived"):
                if other.get(end) == identifier:
                    other[end] = name


_ARTICLE = (
    _text,
    _cut,
    _layers,
    _layers,
    _layers,
    _renumber,
    _move,
    _properties,
    _other_split,
    _withdraw,
    _add,
    _rename,
)
