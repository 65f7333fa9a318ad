"""Which string of a task's data is the text, by the words that its regions quote. Knows no configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from copydesk.importers.labelstudio.tasks import OWN, Json

_DEEP, _MANY = 4, 50
"""Levels of the data that are looked into; quotes that are tried."""


def by_surfaces(data: Json, results: Iterable[Json]) -> str | None:
    """The path of the one string in which the regions' own words stand at their offsets, or at least stand at all.

    None where regions quote nothing, or no string has more than half of what they quote.
    """
    claims = [claim for result in results if (claim := _claim(result)) is not None][:_MANY]
    strings = list(_strings(data, "", 0))
    if not claims or not strings:
        return None
    scored = [(_fitting(text, claims), path) for path, text in strings]
    best = max(score for score, _ in scored)
    paths = [path for score, path in scored if score == best]
    return paths[0] if len(paths) == 1 and 2 * best[0] > len(claims) else None


def _claim(result: Json) -> tuple[int, str] | None:
    value = result.get("value")
    if not isinstance(value, dict):
        return None
    start, surface = value.get("start"), value.get("text")
    return (start, surface) if type(start) is int and isinstance(surface, str) and surface.strip() else None


def _fitting(text: str, claims: Sequence[tuple[int, str]]) -> tuple[int, int]:
    """How many quotes are in a text; how many of these at their offsets."""
    there = sum(surface in text for _, surface in claims)
    return there, sum(start >= 0 and text.startswith(surface, start) for start, surface in claims)


def _strings(value: object, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """(path, string) for every string, with paths as the labelling configuration writes them."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping) and depth < _DEEP:
        for key, inner in value.items():
            if not str(key).startswith(OWN):
                yield from _strings(inner, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(value, list) and depth < _DEEP:
        for number, inner in enumerate(value):
            yield from _strings(inner, f"{path}[{number}]", depth + 1)
