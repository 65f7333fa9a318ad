"""What offsets count, held against a reference that measures every prefix of the text anew."""

from __future__ import annotations

import re

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from copydesk.articles.offsets import (
    BYTES,
    CODE_POINTS,
    GRAPHEMES,
    ONE_LINE_END,
    UTF16,
    WITH_BOM,
    converter,
    decide,
    same_surface,
    variants,
)

BASES = (CODE_POINTS, UTF16, BYTES, GRAPHEMES)
UNITS = [base + line_end + bom for base in BASES for line_end in ("", ONE_LINE_END) for bom in ("", WITH_BOM)]
PIECES = ["a", "b", " ", "é", "e\u0301", "👍", "👩\u200d👧", "\uffff", "\U00010000", "\r\n", "\r", "\n", "\x85",
          "\u2028", "\xa0", "\ufeff", "\ud83d"]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=9).map("".join)
QUICK = settings(max_examples=150, deadline=None)


def measure(prefix: str, unit: str) -> int:
    """How long the beginning of a text is in a unit."""
    if ONE_LINE_END in unit:
        prefix = prefix.replace("\r\n", "\n")
    if unit.startswith(UTF16):
        return len(prefix.encode("utf-16-le", "surrogatepass")) // 2
    if unit.startswith(BYTES):
        return len(prefix.encode("utf-8", "surrogatepass"))
    return len(prefix)


def mark(unit: str) -> int:
    """What a byte order mark in front of the text takes."""
    return 0 if WITH_BOM not in unit else 3 if unit.startswith(BYTES) else 1


def boundaries(text: str, unit: str) -> dict[int, int]:
    """Offset in the unit -> code points, for every place of the text that the unit can name."""
    if unit.startswith(GRAPHEMES):
        clusters = regex.findall(r"\X", text)
        found = {number: len("".join(clusters[:number])) for number in range(len(clusters) + 1)}
    else:
        inside = {at for at in range(1, len(text)) if ONE_LINE_END in unit and text[at - 1 : at + 1] == "\r\n"}
        found = {measure(text[:at], unit): at for at in range(len(text) + 1) if at not in inside}
    return {offset + mark(unit): at for offset, at in found.items()}


def reference(text: str, unit: str, offset: int) -> int | None:
    known = boundaries(text, unit)
    if offset > max(known):
        return len(text) + offset - max(known)
    return offset - mark(unit) if offset < mark(unit) else known.get(offset)


@pytest.mark.parametrize("unit", UNITS)
@QUICK
@given(text=TEXTS)
@example(text="")
@example(text="\U00010000")
@example(text="a\r\n\r\nb")
@example(text="\n\r\n\ra")
def test_an_offset_leads_where_the_reference_says(unit: str, text: str) -> None:
    convert = converter(text, unit)
    for offset in range(-3, 4 * len(text) + 8):
        assert convert(offset) == reference(text, unit, offset), offset


def test_a_unit_that_does_not_exist_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        converter("👍", "furlongs")


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def mistaken(text: str, claims: list[tuple[int, int, str]], unit: str) -> int:
    """How many claims are not the text of their span in a unit."""
    wrong = 0
    for start, end, surface in claims:
        one, two = reference(text, unit, start), reference(text, unit, end)
        wrong += one is None or two is None or not 0 <= one <= two or plain(text[one:two]) != plain(surface)
    return wrong


@QUICK
@given(
    text=TEXTS,
    claims=st.lists(st.tuples(st.integers(-2, 25), st.integers(-2, 25), TEXTS), max_size=4),
    candidates=st.lists(st.sampled_from(UNITS), min_size=1, max_size=5),
)
@example(text="ab", claims=[(0, 1, "")], candidates=[CODE_POINTS + WITH_BOM, CODE_POINTS])
def test_the_unit_that_explains_most_surfaces_is_taken_and_the_first_of_those_that_tie(
    text: str, claims: list[tuple[int, int, str]], candidates: list[str]
) -> None:
    wrong = [mistaken(text, claims, unit) for unit in candidates]
    decision = decide(text, claims, candidates)
    assert (decision.unit, decision.wrong, decision.tested) == (
        candidates[wrong.index(min(wrong))],
        min(wrong),
        len(claims),
    )


@QUICK
@given(text=TEXTS.filter(bool), unit=st.sampled_from(UNITS), data=st.data())
def test_spans_that_a_program_counted_come_back_whatever_it_counted(text: str, unit: str, data: st.DataObject) -> None:
    places = sorted(boundaries(text, unit).items())
    ends = data.draw(st.lists(st.tuples(*[st.sampled_from(places)] * 2), min_size=1, max_size=5))
    claims = [(min(one, two), max(one, two)) for one, two in ends]
    given_by_file = [(one[0], two[0], text[one[1] : two[1]].replace("\r\n", " ")) for one, two in claims]
    bom = data.draw(st.booleans()) or WITH_BOM in unit
    decision = decide(text, given_by_file, variants(*BASES, text=text, bom=bom))
    assert decision.wrong == 0
    convert = converter(text, decision.unit)
    for (one, two), (start, end, surface) in zip(claims, given_by_file, strict=True):
        found = (convert(start), convert(end))
        assert found == (one[1], two[1]) or plain(text[found[0] : found[1]]) == plain(surface)


def test_the_ways_in_which_a_unit_is_counted_come_in_the_order_of_what_is_likely() -> None:
    assert variants(CODE_POINTS, UTF16, text="a\nb") == (CODE_POINTS, UTF16)
    assert variants(CODE_POINTS, GRAPHEMES, text="a\r\nb", bom=True) == (
        CODE_POINTS,
        GRAPHEMES,
        CODE_POINTS + ONE_LINE_END,
        CODE_POINTS + WITH_BOM,
        GRAPHEMES + WITH_BOM,
        CODE_POINTS + ONE_LINE_END + WITH_BOM,
    )
    assert variants(UTF16, text="a\rb\nc", bom=True) == (UTF16, UTF16 + WITH_BOM)


@pytest.mark.parametrize(
    ("given_by_file", "actual", "same"),
    [
        ("Mill Street", "Mill\r\nStreet", True),
        ("Mill  Street ", "Mill Street", True),
        ("Mill\xa0Street", "Mill Street", True),
        ("", " ", True),
        ("MillStreet", "Mill Street", False),
        ("mill street", "Mill Street", False),
        ("Mill", "", False),
    ],
)
def test_surfaces_are_compared_but_for_their_white_space(given_by_file: str, actual: str, same: bool) -> None:
    assert same_surface(given_by_file, actual) is same
