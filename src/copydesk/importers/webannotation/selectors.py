"""Selectors of the Web Annotation Data Model (section 4.2) -> ranges of a text. Knows no annotations.

Those that count or quote text are read: TextPositionSelector, TextQuoteSelector, RangeSelector of these, `refinedBy`,
and the `char=` fragments of plain text (RFC 5147). XPath, CSS, SVG and bytes have no place in a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from copydesk.articles.model import Range
from copydesk.articles.offsets import Claim, converter

_CHARACTERS = re.compile(r"char=([0-9]{1,15}),([0-9]{1,15})")
_LONG = 50
_DEEP = 20


class Unusable(Exception):  # noqa: N818 - says what a selector selects by
    """The selector selects by something that a text does not have."""


class Damaged(Exception):  # noqa: N818 - says what is wrong with a selector
    """The selector is not as the model has it, or finds nothing in the text. `code`: of the diagnostic."""

    def __init__(self, message: str, code: str = "I002") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """TextPositionSelector. `inner` refines it."""

    start: int
    end: int
    inner: Selector | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """TextQuoteSelector. `inner` refines it."""

    exact: str
    prefix: str = ""
    suffix: str = ""
    inner: Selector | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """RangeSelector: from the beginning of one selection to the beginning of another. `inner` refines it."""

    first: Selector
    last: Selector
    inner: Selector | None = None


Selector: TypeAlias = "Position | Quote | Between"


def types_of(value: Mapping[str, object]) -> set[str]:
    """The types of an object, without prefix or namespace."""
    given = value.get("type", value.get("@type"))
    names = given if isinstance(given, list) else [given]
    return {re.split("[:#/]", name)[-1] for name in names if isinstance(name, str)}


def alternatives(value: object) -> tuple[list[Selector], list[str], list[Damaged]]:
    """What a `selector` holds: selectors of the same segment, names of those that no text has, what is wrong."""
    good: list[Selector] = []
    unusable: list[str] = []
    damaged: list[Damaged] = []
    if value == []:
        damaged.append(Damaged("the target has no selector in its list"))
    for given in value if isinstance(value, list) else [value]:
        try:
            good.append(parse(given))
        except Unusable as other:
            unusable.append(str(other))
        except Damaged as problem:
            damaged.append(problem)
    good.sort(key=lambda selector: not isinstance(selector, Position))  # of several, the one that leaves no choice
    return good, unusable, damaged


def parse(value: object, depth: int = 0) -> Selector:
    """One selector. Raises Unusable, Damaged."""
    if isinstance(value, str):
        raise Unusable("selectors that are elsewhere")
    if not isinstance(value, dict):
        raise Damaged("a selector is no object")
    if depth > _DEEP:
        raise Damaged(f"selectors are nested deeper than {_DEEP} levels")
    types = types_of(value)
    inner = parse(value["refinedBy"], depth + 1) if value.get("refinedBy") is not None else None
    if "TextPositionSelector" in types:
        return Position(start=_offset(value, "start"), end=_offset(value, "end"), inner=inner)
    if "TextQuoteSelector" in types:
        exact = _string(value, "exact")
        if not exact:
            raise Damaged("the TextQuoteSelector has no exact")
        return Quote(exact=exact, prefix=_string(value, "prefix"), suffix=_string(value, "suffix"), inner=inner)
    if "RangeSelector" in types and value.keys() & {"startContainer", "endContainer"}:  # that of Hypothesis: XPaths
        raise Unusable("RangeSelectors")
    if "RangeSelector" in types:
        ends = [parse(value.get(name), depth + 1) for name in ("startSelector", "endSelector")]
        return Between(first=ends[0], last=ends[1], inner=inner)
    if "FragmentSelector" in types:
        fragment = _string(value, "value")
        if at := _CHARACTERS.match(fragment):
            return Position(start=int(at[1]), end=int(at[2]), inner=inner)
        if not fragment:
            raise Damaged("the FragmentSelector has no value")
    if isinstance(inner, Quote):  # the words are the words, whatever part of the document they were looked for in
        return inner
    if not types:
        raise Damaged("a selector has no type")
    raise Unusable(f"{min(types)[:_LONG]}s")


def _offset(value: Mapping[str, object], name: str) -> int:
    given = value.get(name)
    if not isinstance(given, int) or isinstance(given, bool):
        raise Damaged(f"{name} of the TextPositionSelector is {str(given)[:_LONG]!r}, no whole number")
    return given


def _string(value: Mapping[str, object], name: str) -> str:
    given = value.get(name, "")
    if given is None:
        return ""
    if not isinstance(given, str):
        raise Damaged(f"{name} of a selector is no string")
    return given


def quoted(selectors: Sequence[Selector]) -> str | None:
    """The words that a segment is said to have."""
    return next((one.exact for one in selectors if isinstance(one, Quote) and one.inner is None), None)


def claims(selectors: Sequence[Selector]) -> Iterator[Claim]:
    """What the selectors of one segment say of offsets and words, for the unit to be decided by."""
    exact = quoted(selectors)
    for one in selectors:
        if isinstance(one, Position) and one.inner is None and exact is not None:
            yield one.start, one.end, exact


def find(selector: Selector, text: str, unit: str, convert: Callable[[int], int | None] | None = None) -> Range:
    """Where the text has the segment, in code points. Raises Damaged.

    The Recommendation has positions in code points; `unit` says what the file really counts, and `convert`, if it is
    given, is the converter from it for this text.
    """
    if isinstance(selector, Position):
        convert = convert or converter(text, unit)
        start, end = convert(selector.start), convert(selector.end)
        if start is None or end is None:
            message = f"in {unit}, no character begins or ends at {selector.start} or {selector.end}"
            raise Damaged(message, "I019")
    elif isinstance(selector, Quote):
        start, end = _words(selector, text)
    else:
        first, last = (find(one, text, unit, convert) for one in (selector.first, selector.last))
        # "everything from the beginning of the starting selector through to the beginning of the ending selector,
        # but not including it" (section 4.2.9)
        start, end = first[0], last[0]
    if selector.inner is None:
        return start, end
    below = find(selector.inner, text[max(start, 0) : max(end, 0)], unit)
    return start + below[0], start + below[1]


def _words(quote: Quote, text: str) -> Range:
    """The one place with the words, between prefix and suffix; line ends and spaces are the same."""
    for loosely in (False, True):
        places = [match.span() for match in re.finditer(f"(?={_pattern(quote.exact, loosely)})", text)]
        if places:
            break
    spans = [(start, _end(quote.exact, text, start, loosely)) for start, _ in places]
    if quote.prefix or quote.suffix:
        spans = [span for span in spans if _surrounded(quote, text, span)]
    if len(spans) == 1:
        return spans[0]
    shown = repr(quote.exact if len(quote.exact) <= _LONG else quote.exact[: _LONG - 1] + "…")
    if not places:
        raise Damaged(f"{shown} is not in the text")
    around = " with this prefix and suffix" if quote.prefix or quote.suffix else ""
    raise Damaged(f"{shown} stands {len(spans)} times in the text{around}")


def _pattern(words: str, loosely: bool) -> str:
    return r"\s+".join(map(re.escape, re.split(r"\s+", words))) if loosely else re.escape(words)


def _end(words: str, text: str, start: int, loosely: bool) -> int:
    match = re.compile(_pattern(words, loosely)).match(text, start)
    return match.end() if match else start


def _surrounded(quote: Quote, text: str, span: Range) -> bool:
    before = text[max(0, span[0] - 2 * len(quote.prefix) - 8) : span[0]]
    after = text[span[1] : span[1] + 2 * len(quote.suffix) + 8]
    return _plain(before).endswith(_plain(quote.prefix)) and _plain(after).startswith(_plain(quote.suffix))


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)
