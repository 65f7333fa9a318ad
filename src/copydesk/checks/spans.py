"""Spans against their text: inside it, not empty, not on white space, whole characters, equal to their surface."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from copydesk.checks.finding import Finding, visit
from copydesk.checks.graphemes import splits_grapheme
from copydesk.contract.types import Span, Type


def is_span(node: Type) -> bool:
    return node.span is not None


def check_spans(record: dict[str, Any], node: Type) -> Iterator[Finding]:
    """A101–A107 for every object that carries x-span."""
    for pointer, item, kind in visit(record, node, is_span):
        assert kind.span is not None
        text = record[kind.span.text]
        ranges = list(span_ranges(item, kind.span))
        broken = False
        for where, start, end in ranges:
            for finding in _check_range(text, start, end, pointer + where, kind.span):
                broken = broken or finding.code in {"A101", "A102", "A103"}
                yield finding
        if broken:
            continue
        yield from _check_order(ranges, pointer, kind.span)
        if kind.span.surface is not None and item.get(kind.span.surface) is not None:
            yield from _check_surface(text, item[kind.span.surface], ranges, pointer, kind.span)


def span_ranges(item: dict[str, Any], span: Span) -> Iterator[tuple[str, int, int]]:
    """(pointer below the item, start, end) of each fragment."""
    if span.fragments is not None:
        for index, fragment in enumerate(item[span.fragments]):
            yield f"/{span.fragments}/{index}", fragment["start"], fragment["end"]
    else:
        yield "", item[span.start or ""], item[span.end or ""]


def surface_of(text: str, item: dict[str, Any], span: Span) -> str:
    """The text of a span; the fragments of a discontinuous one are joined by a space."""
    return " ".join(text[start:end] for _, start, end in span_ranges(item, span))


def _check_range(text: str, start: int, end: int, pointer: str, span: Span) -> Iterator[Finding]:
    start_at = f"{pointer}/{span.start or 'start'}"
    end_at = f"{pointer}/{span.end or 'end'}"
    if start == end:
        yield Finding(code="A101", pointer=start_at, message=f"the span {start}..{end} is empty")
    elif start > end:
        yield Finding(code="A102", pointer=end_at, message=f"the span {start}..{end} ends before it starts")
    elif end > len(text):
        note = f"the text has {len(text)} code points; the span is {start}..{end}"
        yield Finding(code="A103", pointer=end_at, message="span ends past the text", notes=(note,))
    else:
        if text[start].isspace():
            message = f"the span {start}..{end} begins with white space"
            yield Finding(code="A104", pointer=start_at, message=message)
        if text[end - 1].isspace():
            message = f"the span {start}..{end} ends with white space"
            yield Finding(code="A104", pointer=end_at, message=message)
        for offset, at in ((start, start_at), (end, end_at)):
            if splits_grapheme(text, offset):
                message = f"offset {offset} lies inside a character as people see it"
                yield Finding(code="A105", pointer=at, message=message)


def _check_order(ranges: list[tuple[str, int, int]], pointer: str, span: Span) -> Iterator[Finding]:
    for (_, start, end), (where, next_start, next_end) in pairwise(ranges):
        if next_start < end:
            message = f"the fragment {next_start}..{next_end} does not come after {start}..{end}"
            yield Finding(code="A107", pointer=f"{pointer}{where}/start", message=message)


def _check_surface(
    text: str, surface: str, ranges: list[tuple[str, int, int]], pointer: str, span: Span
) -> Iterator[Finding]:
    actual = " ".join(text[start:end] for _, start, end in ranges)
    if surface == actual:
        return
    notes = [f"the text reads {_short(actual)!r}; the surface is {_short(surface)!r}"]
    start = ranges[0][1]
    hits = [at for at in (text.rfind(surface, 0, start + len(surface)), text.find(surface, start)) if at >= 0]
    if surface and hits:
        nearest = min(hits, key=lambda at: abs(at - start))
        notes.append(f"the nearest {_short(surface)!r} begins at {nearest}, {nearest - start:+d} from here")
    message = "the surface is not the text of the span"
    yield Finding(code="A106", pointer=f"{pointer}/{span.surface}", message=message, notes=tuple(notes))


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
