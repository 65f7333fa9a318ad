"""The neutral form: what an importer makes of a file and an exporter writes. Knows no format and no contract.

Everything is in code points of `Article.text`. An importer puts what it finds under the field's standard names:

* layers: `mentions` (labelled spans), `relations` (`head`, `tail`), `events` (`trigger`, `arguments`), `entities`
  (sets of mentions: `members`), `tokens`, `sentences`; a format's own layers keep their own names;
* everything that is said of the whole text is in `Article.values`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from copydesk.diagnostics import Diagnostic, Place

Range: TypeAlias = tuple[int, int]
"""Half-open [start, end) in code points of the text."""


@dataclass(frozen=True, slots=True)
class Ref:
    """Names an item of a layer: of the same article, or of `article` where that is given (in a link)."""

    layer: str
    id: str
    article: str | None = None


Value: TypeAlias = "bool | int | float | str | Ref | list[Value] | dict[str, Value] | None"
"""What a property holds. A property has one type in a whole corpus; a list holds one type of value."""


@dataclass(slots=True, kw_only=True)
class Item:
    """One annotation.

    `id` is unique in its layer. `ranges` are in order of the text; none where the item stands on no text.
    `surface` is the string that the file itself gives for the span, if it gives one: it is held against the text.
    `line`, `column` (from 1; 0 is unknown) and `pointer` (RFC 6901) say where the file has it; `file` is set where that
    is another one than the article's.
    """

    id: str
    ranges: tuple[Range, ...] = ()
    label: str | None = None
    values: dict[str, Value] = field(default_factory=dict)
    surface: str | None = None
    line: int = 0
    column: int = 0
    pointer: str = ""
    file: str = ""


@dataclass(slots=True, kw_only=True)
class Article:
    """One document as one annotator left it, or (`text` None) a link between documents.

    `file` is the annotator's own file, in which `line` and `pointer` (and those of the items) are places.
    `annotator`: who, where the format says so; `curated`: whether this is the result of an adjudication.
    `found`: what is wrong with single annotations; the article is good without them. `left_out` counts what the
    format holds and this form does not (or what nobody asked for), in words. `unit`: what the file's offsets count.
    """

    id: str
    text: str | None
    file: str
    line: int = 1
    pointer: str = ""
    values: dict[str, Value] = field(default_factory=dict)
    layers: dict[str, list[Item]] = field(default_factory=dict)
    annotator: str | None = None
    curated: bool = False
    found: list[Diagnostic] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    unit: str = "code points"

    def place(self, item: Item | None = None) -> Place:
        """Where the annotator's file has the article, or one of its items."""
        if item is None:
            return Place(file=self.file, line=self.line or None, pointer=self.pointer or None, record=self.id)
        return Place(
            file=item.file or self.file,
            line=item.line or (None if item.file else self.line) or None,
            column=item.column or None,
            pointer=item.pointer or None,
            record=self.id,
        )

    def problem(self, code: str, message: str, *, line: int = 0, pointer: str = "", help: str | None = None) -> None:
        """Note what is wrong with one annotation, at a line or pointer of the file."""
        place = Place(file=self.file, line=line or self.line or None, pointer=pointer or None, record=self.id)
        self.found.append(Diagnostic(code=code, place=place, message=message, help=help))

    def surface_of(self, item: Item) -> str:
        """The text of an item; the fragments of a discontinuous one are joined by a space."""
        text = self.text or ""
        return " ".join(text[start:end] for start, end in item.ranges)


def free_id(wanted: str, taken: set[str]) -> str:
    """`wanted`, or with a number behind it if it is taken: `m1`, `m1-2`, `m1-3`. Adds it to `taken`."""
    name, n = wanted, 2
    while name in taken:
        name, n = f"{wanted}-{n}", n + 1
    taken.add(name)
    return name


HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair: JSON can escape it, but it is no text, and no file can hold it."""


def has_half(value: Value) -> bool:
    """Whether a string in a value, at any depth, holds half of a surrogate pair."""
    if isinstance(value, str):
        return HALF.search(value) is not None
    if isinstance(value, Ref):
        return has_half(value.id) or has_half(value.layer)
    if isinstance(value, list):
        return any(map(has_half, value))
    return isinstance(value, dict) and any(has_half(name) or has_half(inner) for name, inner in value.items())


def cannot_be_written(article: Article) -> bool:
    """Whether any string of an article holds half of a surrogate pair."""
    if has_half(article.id) or has_half(article.text) or has_half(article.values):
        return True
    return any(
        has_half(layer) or has_half(item.id) or has_half(item.label) or has_half(item.values)
        for layer, items in article.layers.items()
        for item in items
    )


def refs_of(value: Value) -> Iterator[Ref]:
    """Every reference in a value, at any depth."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from refs_of(inner)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from refs_of(inner)


def item_refs(item: Item) -> Iterator[Ref]:
    """Every reference that an item makes."""
    for value in item.values.values():
        yield from refs_of(value)


def layer_of(article: Article, name: str) -> list[Item]:
    """The items of a layer; the layer is made if the article does not have it."""
    return article.layers.setdefault(name, [])


def known_ids(article: Article) -> Mapping[str, set[str]]:
    """Layer -> the ids of its items."""
    return {name: {item.id for item in items} for name, items in article.layers.items()}
