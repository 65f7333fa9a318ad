"""Spans over text as it comes: astral characters, combining marks, CR LF, white space. Offsets are code points."""

from __future__ import annotations

from typing import Any

import regex
from hypothesis import given
from hypothesis import strategies as st

from copydesk.checks import CHECKS
from copydesk.checks.spans import check_spans, surface_of
from copydesk.contract.types import Field, Span, Type

PIECES = [
    "a",
    "é",
    "e\u0301",
    "👩\u200d👩\u200d👧",
    "🇩🇪",
    "\r\n",
    "\n",
    " ",
    "\u00a0",
    "“",
    "’",
    "\u200b",
    "한",
    "ß",
    "𝔘",
    "\t",
]
TEXT = st.lists(st.sampled_from(PIECES), min_size=1, max_size=30).map("".join)
STRING = Type(kind="string")
OFFSET = Type(kind="integer", rules={"minimum": 0, "maximum": 2**31 - 1})


def layer(span: Span, *fields: Field) -> Type:
    item = Type(kind="struct", span=span, fields=fields)
    return Type(
        kind="struct",
        fields=(Field(name="text", type=STRING), Field(name="spans", type=Type(kind="list", item=item))),
    )


PLAIN = layer(
    Span(text="text", start="start", end="end", surface="surface"),
    Field(name="start", type=OFFSET),
    Field(name="end", type=OFFSET),
    Field(name="surface", type=STRING, required=False),
)
FRAGMENT = Type(kind="struct", fields=(Field(name="start", type=OFFSET), Field(name="end", type=OFFSET)))
BROKEN_UP = layer(
    Span(text="text", fragments="fragments", surface="surface"),
    Field(name="fragments", type=Type(kind="list", item=FRAGMENT)),
    Field(name="surface", type=STRING, required=False),
)


def found(record: dict[str, Any], node: Type) -> list[tuple[str, str]]:
    return [(finding.code, finding.pointer) for finding in check_spans(record, node)]


@given(TEXT, st.integers(0, 80), st.integers(0, 80))
def test_the_verdict_on_bounds_is_that_of_the_slice(text: str, start: int, end: int) -> None:
    codes = {code for code, _ in found({"text": text, "spans": [{"start": start, "end": end}]}, PLAIN)}
    if start == end:
        assert codes == {"A101"}
    elif start > end:
        assert codes == {"A102"}
    elif end > len(text):
        assert codes == {"A103"}
    else:
        surface = text[start:end]
        assert codes.isdisjoint({"A101", "A102", "A103"})
        assert ("A104" in codes) == (surface[0].isspace() or surface[-1].isspace())


@given(TEXT, st.data())
def test_a_boundary_inside_a_grapheme_is_found_and_no_other(text: str, data: st.DataObject) -> None:
    boundaries = {match.start() for match in regex.finditer(r"\X", text)} | {len(text)}
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    pointers = [
        pointer
        for code, pointer in found({"text": text, "spans": [{"start": start, "end": end}]}, PLAIN)
        if code == "A105"
    ]
    expected = ["/spans/0/start"] if start not in boundaries else []
    expected += ["/spans/0/end"] if end not in boundaries else []
    assert pointers == expected


@given(TEXT, st.data())
def test_a_surface_passes_if_and_only_if_it_is_the_slice(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    surface = data.draw(st.sampled_from([text[start:end], text[start:], text[:end], "x", ""]))
    codes = {
        code for code, _ in found({"text": text, "spans": [{"start": start, "end": end, "surface": surface}]}, PLAIN)
    }
    assert ("A106" in codes) == (surface != text[start:end])


@given(TEXT, st.lists(st.integers(0, 40), min_size=4, max_size=4))
def test_fragments_stand_in_order_and_apart(text: str, offsets: list[int]) -> None:
    a, b, c, d = (min(offset, len(text)) for offset in offsets)
    record = {"text": text, "spans": [{"fragments": [{"start": a, "end": b}, {"start": c, "end": d}]}]}
    codes = {code for code, _ in found(record, BROKEN_UP)}
    if a < b and c < d:
        assert ("A107" in codes) == (c < b)
    else:
        assert codes & {"A101", "A102"}


@given(TEXT, st.data())
def test_a_surface_made_from_a_span_passes(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), min_size=2, max_size=6)))
    fragments = [{"start": a, "end": b} for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    item: dict[str, Any] = {"fragments": fragments}
    span = Span(text="text", fragments="fragments", surface="surface")
    item["surface"] = surface_of(text, item, span)
    codes = {code for code, _ in found({"text": text, "spans": [item]}, BROKEN_UP)}
    assert codes <= {"A104", "A105"}


def test_a_shift_is_named_in_the_notes() -> None:
    record = {"text": "👍 Kim said", "spans": [{"start": 3, "end": 6, "surface": "Kim"}]}
    finding = next(f for f in check_spans(record, PLAIN) if f.code == "A106")
    assert any("begins at 2, -1 from here" in note for note in finding.notes)


@given(st.text(max_size=40))
def test_no_string_breaks_the_checks(text: str) -> None:
    for check in CHECKS.values():
        list(check({"text": text, "spans": []}, PLAIN))
