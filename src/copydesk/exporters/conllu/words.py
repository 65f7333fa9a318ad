"""What stands on the lines of a CoNLL-U file: the words and sentences of an article. Writes no lines.

The words are the items of `tokens`, if these and white space are all there is in the text; else the text is cut into
runs of letters and digits and single signs, and at the ends of mentions too, so that none is lost.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from copydesk.articles.model import Article, Item, Range, Ref
from copydesk.importers.conllu.text import Row, Unit

_WORD = re.compile(r"\w+|[^\w\s]")
_NO_FORM = re.compile(r"[\t\n\r]")
_LINE_END = re.compile(r"[\n\r\x85\u2028\u2029]")


@dataclass(slots=True, kw_only=True)
class Word:
    """A word, or (`range` None) an empty node. `shown`: its id in its sentence. `empty`: what stands after it."""

    range: Range | None
    form: str
    item: Item | None = None
    shown: str = ""
    empty: list[Word] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Piece:
    """What stands in the text as one: a word, or a multiword token with its words."""

    range: Range
    words: list[Word]
    multiword: Item | None = None

    def rows(self) -> list[Word]:
        """The words, with the empty nodes after them."""
        return [row for word in self.words for row in (word, *word.empty)]


@dataclass(slots=True, kw_only=True)
class Line:
    """A sentence. `before`: empty nodes before its first word; `paragraph`: its item, where one begins here."""

    pieces: list[Piece]
    item: Item | None = None
    before: list[Word] = field(default_factory=list)
    paragraph: Item | None = None

    @property
    def range(self) -> Range:
        return self.pieces[0].range[0], self.pieces[-1].range[1]

    def words(self) -> list[Word]:
        """Words and empty nodes in the order of the file."""
        return [*self.before, *(row for piece in self.pieces for row in piece.rows())]


def lines_of(article: Article, losses: Counter[str]) -> list[Line]:
    """The sentences of an article with their words, numbered; none if its text has no words."""
    pieces = _given(article, losses) or _cut(article)
    lines = _sentences(article, pieces, losses)
    _paragraphs(article, lines, losses)
    _empty_nodes(article, lines, losses)
    for line in lines:
        number, after = 0, 0
        for word in line.words():
            number, after = (number + 1, 0) if word.range is not None else (number, after + 1)
            word.shown = str(number) if word.range is not None else f"{number}.{after}"
    return lines


def _given(article: Article, losses: Counter[str]) -> list[Piece] | None:
    """The layer `tokens`, if it covers the text."""
    tokens = article.layers.get("tokens", [])
    if not tokens:
        return None
    text = article.text or ""
    ordered = sorted((item for item in tokens if len(item.ranges) == 1), key=lambda item: item.ranges)
    wholes = _multiwords(article, ordered, losses)
    pieces: list[Piece] = []
    for item in ordered:
        whole = wholes.get(item.id)
        start, end = item.ranges[0]
        form = item.values.get("form")
        word = Word(range=(start, end), form=form if isinstance(form, str) and form else text[start:end], item=item)
        if whole is not None and pieces and pieces[-1].multiword is whole:
            pieces[-1].words.append(word)
        else:
            pieces.append(Piece(range=whole.ranges[0] if whole else (start, end), words=[word], multiword=whole))
    if len(ordered) == len(tokens) and _covers(pieces, text):
        return pieces
    losses["tokens that are not all of the text (it was cut anew)"] += len(tokens)
    losses["multiword tokens"] += len(set(map(id, wholes.values())))
    return None


def _covers(pieces: Sequence[Piece], text: str) -> bool:
    at = 0
    for piece in pieces:
        start, end = piece.range
        if not at <= start < end <= len(text) or text[at:start].strip():
            return False
        forms = [text[start:end], *(word.form for word in piece.words)]
        if any(form.strip(" ") != form or _NO_FORM.search(form) for form in forms):
            return False
        at = end
    return not text[at:].strip()


def _multiwords(article: Article, tokens: Sequence[Item], losses: Counter[str]) -> dict[str, Item]:
    """Token id -> its multiword token, for those that are read again as they are."""
    number = {item.id: index for index, item in enumerate(tokens)}
    text, wholes = article.text or "", dict[str, Item]()
    for item in article.layers.get("multiwords", ()):
        refs = item.values.get("tokens")
        ids = [ref.id for ref in refs if isinstance(ref, Ref)] if isinstance(refs, list) else []
        inside = [tokens[number[name]] for name in ids if name in number]
        follow = all(number[b.id] == number[a.id] + 1 for a, b in pairwise(inside))
        free = not any(name in wholes for name in ids)
        one = len(item.ranges) == 1 and len(inside) == len(ids) > 1 and follow and free
        if one and item.values.get("form") == text[slice(*item.ranges[0])] and _reread(item, inside, text):
            wholes.update(dict.fromkeys(ids, item))
        else:
            losses["multiword tokens"] += 1
    return wholes


def _reread(whole: Item, inside: Sequence[Item], text: str) -> bool:
    """Whether the words get the ranges that they have when they are read again."""
    forms = [item.values.get("form", text[slice(*item.ranges[0])]) for item in inside]
    rows = [Row(line=0, kind="word", first=n, last=0, form=str(form)) for n, form in enumerate(forms, 1)]
    surface = Row(line=0, kind="range", first=1, last=len(rows), form=text[slice(*whole.ranges[0])])
    unit = Unit(surface=surface, words=rows, text=surface.form, range=whole.ranges[0])
    return unit.ranges() == [item.ranges[0] for item in inside]


def _cut(article: Article) -> list[Piece]:
    """The text, cut into words."""
    text = article.text or ""
    ends = {end for item in article.layers.get("mentions", ()) for place in item.ranges for end in place}
    pieces = []
    for match in _WORD.finditer(text):
        start, end = match.span()
        for cut in [*(at for at in range(start + 1, end) if at in ends), end]:
            pieces.append(Piece(range=(start, cut), words=[Word(range=(start, cut), form=text[start:cut])]))
            start = cut
    return pieces


def _sentences(article: Article, pieces: Sequence[Piece], losses: Counter[str]) -> list[Line]:
    """The layer `sentences`, if each word is in one; else the lines of the text."""
    items = sorted((i for i in article.layers.get("sentences", ()) if len(i.ranges) == 1), key=lambda i: i.ranges)
    lines: list[Line] = []
    at = 0
    for item in items:
        start, end = item.ranges[0]
        inside = []
        while at < len(pieces) and start <= pieces[at].range[0] and pieces[at].range[1] <= end:
            inside.append(pieces[at])
            at += 1
        if inside:
            lines.append(Line(pieces=inside, item=item))
    total = len(article.layers.get("sentences", ()))
    if items and at == len(pieces):
        losses["sentences without words of their own"] += total - len(lines)
        moved = sum(line.item is not None and line.item.ranges != (line.range,) for line in lines)
        losses["white space at the ends of sentences"] += moved
        return lines
    losses["sentences that do not hold all words (lines were taken for them)"] += total
    lines = []
    for piece in pieces:
        between = (article.text or "")[lines[-1].range[1] : piece.range[0]] if lines else "\n"
        if _LINE_END.search(between):
            lines.append(Line(pieces=[piece]))
        else:
            lines[-1].pieces.append(piece)
    return lines


def _paragraphs(article: Article, lines: Sequence[Line], losses: Counter[str]) -> None:
    """Note where paragraphs begin, if they leave no sentence between them: newpar has no end but the next one."""
    items = article.layers.get("paragraphs", [])
    starts = {line.range[0]: number for number, line in enumerate(lines)}
    ends = {line.range[1]: number for number, line in enumerate(lines)}
    ordered = sorted((item for item in items if len(item.ranges) == 1), key=lambda item: item.ranges)
    spans = [(starts.get(item.ranges[0][0], -1), ends.get(item.ranges[0][1], -2)) for item in ordered]
    follow = all(end + 1 == start for (_, end), (start, _) in pairwise(spans))
    whole = len(ordered) == len(items) and all(0 <= start <= end for start, end in spans)
    if not items or not (whole and follow and spans[-1][1] == len(lines) - 1):
        losses["paragraphs that are not whole sentences one after the other"] += len(items)
        return
    for (start, _), item in zip(spans, ordered, strict=True):
        lines[start].paragraph = item


def _empty_nodes(article: Article, lines: Sequence[Line], losses: Counter[str]) -> None:
    """Put the empty nodes after their words."""
    homes = {word.item.id: word.empty for line in lines for word in line.words() if word.item is not None}
    firsts = {line.item.id: line.before for line in lines if line.item is not None}
    for item in article.layers.get("empty_nodes", ()):
        after, sentence, form = (item.values.get(name) for name in ("after", "sentence", "form"))
        home = None
        if isinstance(after, Ref):
            home = homes.get(after.id)
        elif isinstance(sentence, Ref):
            home = firsts.get(sentence.id)
        if home is None or not isinstance(form, str) or not form.strip(" ") or _NO_FORM.search(form):
            losses["empty nodes"] += 1
        else:
            home.append(Word(range=None, form=form, item=item))
