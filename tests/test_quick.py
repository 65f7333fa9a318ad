"""The quick verdict: it spares the checks the records in which they find nothing, and no other."""

from __future__ import annotations

import unicodedata
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk import jsontext
from copydesk.checks import CHECKS
from copydesk.checks.characters import FORM, meaning
from copydesk.checks.quick import QuickVerdict
from copydesk.contract.types import Field, Ref, Span, Type

PIECES = [
    *(
        "a",
        "n",
        "é",
        "e\u0301",
        "\u0301",
        "👩\u200d👧",
        "🇩🇪",
        "👍🏽",
        "☝\ufe0f",
        "\r\n",
        "\r",
        "\n",
        "\t",
        " ",
        "\u00a0",
    ),
    *("“", "’", "\u200b", "한", "\u1100", "\u1161", "\u11a8", "ß", "𝔘", "\x00", "\x07", "\x08", "\x0c", "\x1f", "\x7f"),
    *(
        "\x85",
        "\x9b",
        "\u200e",
        "\u202a",
        "\u2028",
        "\u00ad",
        "\ud800",
        '"',
        "\\",
        "\\u",
        "<\u0338",
        "Å",
        "\u0d4e\u0d15",
    ),
    *("\u09c7", "\u09be", "\U00011347", "\U0001133e", "क्ष", "q\u0307\u0323", "q\u0323\u0307"),
]
TEXT = st.lists(st.sampled_from(PIECES), max_size=9).map("".join) | st.text("ab ", max_size=9)
STRING, OFFSET = Type(kind="string"), Type(kind="integer")
SPAN = {"text": "text", "surface": "surface"}
RANGE = (Field(name="start", type=OFFSET), Field(name="end", type=OFFSET))
PLACE = Type(kind="struct", span=Span(start="start", end="end", **SPAN), fields=RANGE)
NAME = Type(kind="struct", span=Span(start="start", end="end", **SPAN), fields=(*RANGE, Field(name="id", type=STRING)))
CLAIM = Type(
    kind="struct",
    span=Span(fragments="fragments", **SPAN),
    fields=(
        Field(name="fragments", type=Type(kind="list", item=Type(kind="struct", fields=RANGE))),
        Field(name="surface", type=STRING, required=False),
        Field(name="about", type=Type(kind="string", ref=Ref(layer="names"), nullable=True), required=False),
        Field(name="also", type=Type(kind="list", item=Type(kind="string", ref=Ref(layer="names"))), required=False),
        Field(name="cue", type=PLACE.as_nullable(), required=False),
    ),
)
RECORD = Type(
    kind="struct",
    fields=(
        Field(name="text", type=STRING),
        Field(name="note", type=STRING, required=False),
        Field(name="names", type=Type(kind="list", key="id", item=NAME)),
        Field(name="claims", type=Type(kind="list", item=CLAIM), required=False),
    ),
)
QUICK = QuickVerdict(RECORD)


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """Records that are clean or nearly so."""
    text = draw(TEXT)
    offset = st.integers(0, len(text) + 1) if draw(st.integers(0, 3)) == 0 else st.integers(0, len(text))

    def a_range() -> dict[str, Any]:
        start, end = draw(offset), draw(offset)
        return (
            {"start": start, "end": end}
            if draw(st.integers(0, 9)) == 0
            else {"start": min(start, end), "end": max(start, end)}
        )

    def surface(actual: str) -> dict[str, Any]:
        return draw(
            st.sampled_from([{}, {"surface": None}, {"surface": actual}, {"surface": actual}, {"surface": "a"}])
        )

    def place() -> dict[str, Any]:
        made = a_range()
        return made | surface(text[made["start"] : made["end"]])

    def claim() -> dict[str, Any]:
        made: dict[str, Any] = {"fragments": [a_range() for _ in range(draw(st.integers(1, 2)))]}
        made |= surface(" ".join(text[f["start"] : f["end"]] for f in made["fragments"]))
        for name, value in (
            ("about", st.sampled_from([None, "1", "2", "7"])),
            ("also", st.just(["1"])),
            ("cue", st.none()),
        ):
            if draw(st.booleans()):
                made[name] = draw(value)
        return made | ({"cue": place()} if draw(st.booleans()) else {})

    names = [{"id": draw(st.sampled_from("123456")), **place()} for _ in range(draw(st.integers(0, 2)))]
    record: dict[str, Any] = {"text": text, "names": names}
    if draw(st.booleans()):
        record["claims"] = [claim() for _ in range(draw(st.integers(0, 2)))]
    return record | ({"note": draw(TEXT)} if draw(st.booleans()) else {})


def finding(record: dict[str, Any]) -> set[str]:
    """The families that find something."""
    return {name for name, check in CHECKS.items() if list(check(record, RECORD))}


def cleared(record: dict[str, Any]) -> frozenset[str]:
    try:
        return QUICK.cleared(record, jsontext.dump_line(record))
    except TypeError:  # half a surrogate pair
        return frozenset()


@settings(max_examples=1500)
@given(records())
def test_what_is_cleared_has_no_finding(record: dict[str, Any]) -> None:
    assert cleared(record).isdisjoint(finding(record))


@settings(max_examples=500)
@given(records())
def test_records_of_plain_words_are_cleared_if_nothing_is_found(record: dict[str, Any]) -> None:
    """Else the test above would hold of a verdict that clears nothing."""
    if all(
        str(record.get(name, "")).isprintable() and unicodedata.is_normalized("NFC", str(record))
        for name in ("text", "note")
    ):
        assert cleared(record) == CHECKS.keys() - finding(record)


def test_a_character_that_is_taken_for_inert_composes_with_none_before_it() -> None:
    for point in range(0x80, 0x110000):
        parts = unicodedata.decomposition(chr(point)).split()
        if parts and not parts[0].startswith("<"):
            assert meaning(chr(point)) & FORM or unicodedata.is_normalized("NFC", chr(point))
            for second in parts[1:]:
                assert meaning(chr(int(second, 16))) & FORM, hex(point)


def test_looking_changes_no_record() -> None:
    record = {"text": "Kim said", "names": [{"id": "1", "start": 0, "end": 3}]}
    assert cleared(record) == CHECKS.keys()
    assert record == {"text": "Kim said", "names": [{"id": "1", "start": 0, "end": 3}]}
