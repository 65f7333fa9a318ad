"""The rows of a WebAnno TSV file: tokens and their parts, sentences, and the annotations that stand in them.

Knows no types and no features. Rows are the tokens of the article, or words and other signs; a span that ends inside
a token, or on white space, gets a row for the part.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from copydesk.articles.model import Article, Item, Range

_JOINED = "\u0300-\u036f\u200c\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff"
_WORD = re.compile(rf"(?:\w[{_JOINED}]*)+|\S[{_JOINED}]*")
_LONGEST = 1000
"""White space between sentences, or before the first, that is left to the offsets to say."""

Key = tuple[int, int, int]
"""A row: the number of its token, begin and end in the text; of a part of the token if these are not the token's."""


@dataclass(slots=True)
class Placed:
    """An item and its rows; `number` tells it from others of its layer in a row, or ties its rows together."""

    item: Item
    keys: list[Key]
    number: int = 0


class Rows:
    """The rows of one article, and which annotations stand in which.

    `tokens` are the ranges of the tokens, `ids` says which items of the layer `tokens` they are; `sentences` are
    (number of the first token, end in the text), `names` their ids, if they have any but their numbers. `units`: row ->
    what it is called, in the order of the file. `placed` and `named` have the annotations, by layer and by (layer,
    id); `at` those of a layer in a row.
    """

    def __init__(self, article: Article, losses: Counter[str]) -> None:
        self.article, self.losses, self.text = article, losses, article.text or ""
        self.starts = [0, *accumulate(2 if char > "\uffff" else 1 for char in self.text)]
        self.tokens, self.ids = self._tokens()
        self._ends = [end for _, end in self.tokens]
        self.placed: dict[str, list[Placed]] = {}
        self.named: dict[tuple[str, str], Placed] = {}
        self.at: dict[tuple[str, Key], list[Placed]] = {}
        self.units: dict[Key, str] = {}
        for name, items in article.layers.items():
            if name not in {"tokens", "sentences"} and any(item.ranges for item in items):
                self._place(name, items)
        self.names: list[str] = []
        self.sentences = self._sentences()
        self._number()

    def _lose(self, words: str, count: int = 1) -> None:
        self.losses[words] += count

    def _tokens(self) -> tuple[list[Range], dict[str, int]]:
        """The rows, and what the items of `tokens` are among them, if these are all of the text but white space."""
        items = sorted(self.article.layers.get("tokens", ()), key=lambda item: item.ranges)
        ranges = [item.ranges[0] for item in items if len(item.ranges) == 1]
        before = 0
        tiles = len(ranges) == len(items)
        for start, end in [*ranges, (len(self.text), len(self.text) + 1)]:
            tiles = tiles and before <= start < end and not self.text[before:start].strip()
            before = end
        if items and not tiles:
            self._lose("tokens that overlap, or leave out words", len(items))
            items, ranges = [], []
        for item in items:
            self._lose("properties of tokens", len(item.values) + (item.label is not None))
        self._lose("ids of tokens", len(items))
        ranges = ranges or [match.span() for match in _WORD.finditer(self.text)]
        first = ranges[0][0]
        spans = [s for items in self.article.layers.values() for item in items for s, _ in item.ranges if s >= 0]
        spaces = self.text[:first] == " " * first and first <= _LONGEST
        shifted = first > 0 and (not spaces or min(spans, default=first) < first)
        if shifted:
            self._lose("beginnings of texts (made a token)")
            ranges.insert(0, (0, first))
        return ranges, {item.id: number for number, item in enumerate(items, shifted)}

    def _place(self, name: str, items: Sequence[Item]) -> None:
        for item in items:
            inside = all(0 <= start <= end <= len(self.text) for start, end in item.ranges)
            if not item.ranges or not inside:
                self._lose(f"{name} that stand on no text")
                continue
            self._lose("gaps in discontinuous spans", len(item.ranges) - 1)
            self._lose("ids of annotations")
            placed = Placed(item, self._keys(item.ranges[0][0], item.ranges[-1][1]))
            self.placed.setdefault(name, []).append(placed)
            self.named.setdefault((name, item.id), placed)
            for key in placed.keys:
                self.at.setdefault((name, key), []).append(placed)

    def _keys(self, start: int, end: int) -> list[Key]:
        """The rows of a span: tokens, parts of tokens, and white space at its edges as a part of the token before."""
        ends, last = self._ends, len(self._ends) - 1
        if start == end:
            number = min(bisect_left(ends, start), last)
            return [(number - (number > 0 and self.tokens[number][0] > start), start, end)]
        number = bisect_right(ends, start)
        if number > last or self.tokens[number][0] >= end:
            return [(max(number - 1, 0), start, end)]
        keys = [(number - 1, start, self.tokens[number][0])] if self.tokens[number][0] > start else []
        while number <= last and self.tokens[number][0] < end:
            begin, stop = self.tokens[number]
            keys.append((number, max(begin, start), min(stop, end)))
            number += 1
        if ends[number - 1] < end:
            keys.append((number - 1, ends[number - 1], end))
        return keys

    def _sentences(self) -> list[tuple[int, int]]:
        """(number of the first token, end in the text) of each sentence."""
        items = sorted(self.article.layers.get("sentences", ()), key=lambda item: item.ranges)
        given = [item.ranges for item in items]
        known = self._match(given)
        if given and not known:
            self._lose("sentences that overlap or do not hold all tokens", len(given))
        self._lose("properties of sentences", sum(len(item.values) + (item.label is not None) for item in items))
        names = [item.id for item in items] if known else []
        self.names = names if names != [str(number + 1) for number in range(len(names))] else []
        firsts = [first for first, _ in known] or [
            n for n, (start, _) in enumerate(self.tokens) if not n or "\n" in self.text[self.tokens[n - 1][1] : start]
        ]
        reach: dict[int, int] = {}  # the last text that a row of the sentence needs
        for _, (token, _, end) in self.at:
            number = bisect_right(firsts, token) - 1
            reach[number] = max(reach.get(number, 0), end)
        out = []
        for number, first in enumerate(firsts):
            final = number + 1 == len(firsts)
            limit = len(self.text) if final else self.tokens[firsts[number + 1]][0]
            last = self._ends[-1 if final else firsts[number + 1] - 1]
            end = self._end(last, limit, known[number][1] if known else last)
            end = limit if final or reach.get(number, 0) > end else end
            self._lose("edges of sentences", known != [] and (self.tokens[first][0], end) != given[number][0])
            out.append((first, end))
        return out

    def _end(self, last: int, limit: int, wanted: int) -> int:
        """Where a sentence ends whose last token ends at `last`, before another one that begins at `limit`."""
        for end in (wanted, self.text.rfind("\n", last, limit)):
            gap = self.text[end:limit] if end >= last else "-"
            if len(gap) <= _LONGEST and gap in {"", "\n" + " " * (len(gap) - 1)}:
                return end
        return limit

    def _match(self, given: Sequence[tuple[Range, ...]]) -> list[tuple[int, int]]:
        """(number of the first token, end) of the sentences given; nothing if not every token is in one of them."""
        out: list[tuple[int, int]] = []
        number = 0
        for ranges in given:
            first = number
            start, end = ranges[0] if len(ranges) == 1 else (0, 0)
            start = start if out else min(start, self.tokens[0][0])  # what stands before the first one joins it
            while number < len(self.tokens) and start <= self.tokens[number][0] and self.tokens[number][1] <= end:
                number += 1
            if number == first:
                return []
            out.append((first, end))
        return out if number == len(self.tokens) else []

    def _number(self) -> None:
        """Name the rows, and number the annotations that need it: in several rows, or with others in one."""
        parts: dict[int, set[tuple[int, int]]] = {}
        for _, (token, start, end) in self.at:
            parts.setdefault(token, set()).add((start, end))
        begins = [first for first, _ in self.sentences]
        for token, span in enumerate(self.tokens):
            sentence = bisect_right(begins, token)
            unit = f"{sentence}-{token - begins[sentence - 1] + 1}"
            self.units[token, *span] = unit
            for number, part in enumerate(sorted(parts.get(token, set()) - {span}), 1):
                self.units[token, *part] = f"{unit}.{number}"
        count = 0
        for key in self.units:
            for name in self.placed:
                together = self.at.get((name, key), [])
                for placed in together:
                    if not placed.number and (len(placed.keys) > 1 or len(together) > 1):
                        count += 1
                        placed.number = count
