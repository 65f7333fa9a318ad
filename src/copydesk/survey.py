"""What a collection of articles holds: which layers, labels and properties, how many, of which types. Reads all of it.

The ground on which `copydesk init --from` drafts a contract. Judges nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from copydesk.articles.model import Article, Item, Ref, Value, has_half

MANY = 2000
"""Distinct strings of a property that are counted one by one; more of them are no list of labels."""


@dataclass(slots=True)
class Property:
    """What a property holds in all items that have it. `uses` counts values that are not None."""

    uses: int = 0
    types: set[str] = field(default_factory=set)
    strings: Counter[str] = field(default_factory=Counter)
    layers: Counter[str] = field(default_factory=Counter)
    least: int = 0
    most: int = 0
    inner: Property | None = None
    fields: dict[str, Property] = field(default_factory=dict)

    def see(self, value: Value) -> None:
        """Count one value."""
        if value is None:
            return
        self.uses += 1
        if isinstance(value, Ref):
            self.types.add("ref")
            self.layers[value.layer] += 1
        elif isinstance(value, list):
            self.types.add("list")
            self.inner = self.inner or Property()
            for element in value:
                self.inner.see(element)
        elif isinstance(value, dict):
            self.types.add("dict")
            for name, element in value.items():
                if not has_half(name):
                    self.fields.setdefault(name, Property()).see(element)
        else:
            self._see_scalar(value)

    def _see_scalar(self, value: bool | int | float | str) -> None:
        self.types.add({bool: "boolean", int: "integer", float: "number", str: "string"}[type(value)])
        if isinstance(value, str) and not has_half(value) and (value in self.strings or len(self.strings) <= MANY):
            self.strings[value] += 1
        if type(value) is int:
            self.least, self.most = min(self.least, value), max(self.most, value)


@dataclass(slots=True)
class Layer:
    """What the items of a layer are like. `spans` of them stand on the text, `empty` ones at a point of it; `pieces`
    is the most that one is in."""

    items: int = 0
    spans: int = 0
    empty: int = 0
    pieces: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    properties: dict[str, Property] = field(default_factory=dict)

    def see(self, item: Item) -> None:
        """Count one item."""
        self.items += 1
        self.spans += bool(item.ranges)
        self.empty += any(start == end for start, end in item.ranges)
        self.pieces = max(self.pieces, len(item.ranges))
        if item.label is not None and not has_half(item.label):
            self.labels[item.label] += 1
        for name, value in item.values.items():
            if not has_half(name):
                self.properties.setdefault(name, Property()).see(value)


@dataclass(slots=True)
class Survey:
    """What all articles hold. `passes` counts the articles of each annotator, `several` those with more than one."""

    articles: int = 0
    links: int = 0
    characters: int = 0
    values: dict[str, Property] = field(default_factory=dict)
    layers: dict[str, Layer] = field(default_factory=dict)
    link_layers: dict[str, Layer] = field(default_factory=dict)
    passes: Counter[str] = field(default_factory=Counter)
    several: int = 0
    curated: int = 0
    uncurated: int = 0
    units: Counter[str] = field(default_factory=Counter)

    def see(self, articles: Iterable[Article]) -> None:
        """Count the articles of one unit."""
        articles = list(articles)
        annotators: Counter[str] = Counter()
        for article in articles:
            annotators[article.id] += 1
            self.curated += article.curated
            if article.annotator is not None:
                self.passes[article.annotator] += 1
            if article.text is not None and annotators[article.id] == 1:
                self.articles += 1
                self.characters += len(article.text)
                self.units[article.unit] += 1
            for name, value in article.values.items():
                if not has_half(name):  # the check names what holds one; no contract can
                    self.values.setdefault(name, Property()).see(value)
            layers = self.layers if article.text is not None else self.link_layers
            self.links += article.text is None
            for name, items in article.layers.items():
                if has_half(name):
                    continue
                layer = layers.setdefault(name, Layer())
                for item in items:
                    layer.see(item)
        self.several += sum(n > 1 for n in annotators.values())
        decided = {article.id for article in articles if article.curated}
        self.uncurated += sum(n > 1 and identifier not in decided for identifier, n in annotators.items())
