"""Defects to plant in articles, each with what a check must say of it: code, line, JSON pointer.

One kind after the other, as they come out of annotation tools and hand edits. `plant` turns a whole record into the
bytes of its line with one defect; nothing else about the line is wrong, so that a finding more or less is an error of
the check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One defect: the finding that it must give. `pointer` is None where there is no record to point into."""

    kind: str
    code: str
    line: int
    id: str | None
    pointer: str | None


def span_empty(record: Json) -> str:
    record["mentions"][1]["end"] = record["mentions"][1]["start"]
    return "/mentions/1/start"


def span_reversed(record: Json) -> str:
    item = record["mentions"][2]
    item["start"], item["end"] = item["end"], item["start"]
    return "/mentions/2/end"


def span_past_text(record: Json) -> str:
    record["mentions"][-1]["end"] = len(record["text"]) + 3
    return f"/mentions/{len(record['mentions']) - 1}/end"


def span_negative(record: Json) -> str:
    record["mentions"][0]["start"] -= record["mentions"][0]["end"]
    return "/mentions/0/start"


def span_on_white_space(record: Json) -> str:
    text = record["text"]
    at, item = next((n, m) for n, m in enumerate(record["mentions"]) if text[m["end"] : m["end"] + 1] == " ")
    item["end"] += 1
    item["surface"] += " "
    return f"/mentions/{at}/end"


def surface_differs(record: Json) -> str:
    record["mentions"][0]["surface"] += "s"
    return "/mentions/0/surface"


def fragment_reversed(record: Json) -> str:
    piece = record["claims"][0]["fragments"][0]
    piece["start"], piece["end"] = piece["end"], piece["start"]
    return "/claims/0/fragments/0/end"


def fragments_overlap(record: Json) -> str:
    pieces = record["claims"][0]["fragments"]
    pieces[:] = [pieces[0], dict(pieces[0])]
    return "/claims/0/fragments/1/start"


def item_repeated(record: Json) -> str:
    record["claims"][-1]["id"] = record["claims"][0]["id"]
    return f"/claims/{len(record['claims']) - 1}/id"


def reference_dangling(record: Json) -> str:
    record["relations"][0]["tail"] = "m999"
    return "/relations/0/tail"


def link_dangling(record: Json) -> str:
    record["derived_from"] = "0" * 16
    return "/derived_from"


def property_missing(record: Json) -> str:
    del record["mentions"][0]["label"]
    return "/mentions/0"


def property_unknown(record: Json) -> str:
    record["claims"][0]["sentense"] = ""
    return "/claims/0/sentense"


def wrong_type(record: Json) -> str:
    record["mentions"][0]["start"] = str(record["mentions"][0]["start"])
    return "/mentions/0/start"


def label_unknown(record: Json) -> str:
    record["mentions"][0]["label"] = "PERS"
    return "/mentions/0/label"


def value_refused(record: Json) -> str:
    record["published"] = "yesterday"
    return "/published"


def nul_character(record: Json) -> str:
    record["claims"][0]["sentence"] += "\0"
    return "/claims/0/sentence"


def control_character(record: Json) -> str:
    record["claims"][0]["sentence"] += "\x08"
    return "/claims/0/sentence"


def not_normal(record: Json) -> str:
    record["mentions"][0]["note"] = "cafe\u0301"
    return "/mentions/0/note"


def half_surrogate(line: bytes) -> bytes:
    return line.replace(b'"note":null', b'"note":"\\ud83d"', 1)


def cut_short(line: bytes) -> bytes:
    return line[: len(line) // 2]


def comma_missing(line: bytes) -> bytes:
    return line.replace(b',"label"', b' "label"', 1)


def key_repeated(line: bytes) -> bytes:
    return line.replace(b'"language":"en"', b'"language":"en","language":"de"', 1)


def not_a_number(line: bytes) -> bytes:
    return line.replace(b'"note":null', b'"note":NaN', 1)


def too_large(line: bytes) -> bytes:
    return line.replace(b'"start":', b'"start":18446744073709551616', 1)


def not_utf8(line: bytes) -> bytes:
    return line.replace(b'"text":"', b'"text":"\xe9', 1)


def too_deep(line: bytes) -> bytes:
    return line.replace(b'"note":null', b'"note":' + b"[" * 400 + b"]" * 400, 1)


def no_object(line: bytes) -> bytes:
    return b"[" + line + b"]"


RECORDS: Mapping[str, tuple[str, Callable[[Json], str]]] = {
    "span-empty": ("A101", span_empty),
    "span-reversed": ("A102", span_reversed),
    "span-past-text": ("A103", span_past_text),
    "span-negative": ("A005", span_negative),
    "span-on-white-space": ("A104", span_on_white_space),
    "surface-differs": ("A106", surface_differs),
    "fragment-reversed": ("A102", fragment_reversed),
    "fragments-overlap": ("A107", fragments_overlap),
    "item-repeated": ("A201", item_repeated),
    "reference-dangling": ("A202", reference_dangling),
    "link-dangling": ("B002", link_dangling),
    "property-missing": ("A001", property_missing),
    "property-unknown": ("A002", property_unknown),
    "wrong-type": ("A003", wrong_type),
    "label-unknown": ("A004", label_unknown),
    "value-refused": ("A005", value_refused),
    "nul-character": ("A302", nul_character),
    "control-character": ("A301", control_character),
    "not-normal": ("A305", not_normal),
}
"""Kind -> what a check says, and the change that returns where."""

LINES: Mapping[str, tuple[str, str | None, Callable[[bytes], bytes]]] = {
    "half-surrogate": ("A303", "/mentions/0/note", half_surrogate),
    "cut-short": ("S003", None, cut_short),
    "comma-missing": ("S003", None, comma_missing),
    "key-repeated": ("S004", None, key_repeated),
    "not-a-number": ("S005", None, not_a_number),
    "too-large": ("S005", None, too_large),
    "not-utf8": ("S002", None, not_utf8),
    "too-deep": ("S006", None, too_deep),
    "no-object": ("S007", None, no_object),
}
"""The same for changes of the JSON text."""

TWIN = "record-repeated"
"""Kind of an article that has the id of another (B001)."""

NAMELESS = frozenset(kind for kind, (_, pointer, _) in LINES.items() if pointer is None)
"""Kinds that leave a record without an id: where one stands, no link is called dangling (it may be to that record)."""

KINDS = (*(kind for kind in RECORDS if kind != "link-dangling"), *LINES, TWIN)
"""All that can stand in one corpus."""


def plant(kind: str, record: Json, line: int, twin: str) -> tuple[bytes, Planted]:
    """The line of a record with one defect. `twin` is the id of an article that is whole."""
    identifier: str | None = record["id"]
    if kind == TWIN:
        record["id"] = identifier = twin
        code, pointer, data = "B001", "/id", orjson.dumps(record)
    elif kind in RECORDS:
        code, change = RECORDS[kind]
        pointer = change(record)
        data = orjson.dumps(record)
    else:
        code, pointer, edit = LINES[kind]
        whole = orjson.dumps(record)
        data = edit(whole)
        assert data != whole, kind
        identifier = None if kind in NAMELESS else identifier
    return data + b"\n", Planted(kind=kind, code=code, line=line, id=identifier, pointer=pointer)
