"""Sentences of CoNLL-U, and the text that their forms make. Reads no lines, makes no layers.

White space is what SpaceAfter, SpacesAfter and SpacesBefore say (the latter two are UDPipe's; its `SpacesInToken` gives
the text of a word whose form differs). Where they do not give the text that the comment `# text` has, and the words
align in that with white space between them, the comment is right. Sentences are joined by one line feed, since most
treebanks do not tell what stood between them. A document tells it, and is taken at its word, if one of its sentences
ends with SpacesAfter, or if the comment `# generator` names UDPipe or copydesk.

Of multiword tokens (lines such as `3-4`) the form is what stands in the text. If the forms of their words spell it
(`don't`: `do`, `n't`), each word has its piece; else (`zum`: `zu`, `dem`) each has the range of the whole, and so has
a span over any of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from copydesk.articles.model import Range
from copydesk.importers.tokentext import TextBuilder, align, read_spaces

SPACES = ("SpaceAfter", "SpacesAfter", "SpacesBefore", "SpacesInToken")
NEWDOC, NEWPAR = frozenset({"newdoc", "newdoc id"}), frozenset({"newpar", "newpar id"})

Problem = tuple[str, int, str]
"""(code, line, message)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of a sentence. `kind`: word (`first`), range (`first`-`last`) or empty (`first`.`last`).

    `deps`: ((first, last) of an empty node or (first, 0) of a word, relation). `misc`: (key, value), None without `=`.
    """

    line: int
    kind: str
    first: int
    last: int
    form: str
    cells: Mapping[str, str] = field(default_factory=dict)
    head: int | None = None
    deps: tuple[tuple[tuple[int, int], str], ...] = ()
    misc: tuple[tuple[str, str | None], ...] = ()

    def said(self, key: str) -> str | None:
        """A value of MISC."""
        return next((value for name, value in self.misc if name == key), None)

    def after(self) -> str | None:
        """The white space after it, if it says so."""
        explicit = self.said("SpacesAfter")
        if explicit is not None:
            return read_spaces(explicit)
        return "" if self.said("SpaceAfter") == "No" else None


@dataclass(slots=True, kw_only=True)
class Sentence:
    """Rows, comments as (line, key, value; None without `=`), what is wrong; `highest`: id of a word so far."""

    line: int
    comments: list[tuple[int, str, str | None]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    highest: int = 0

    def comment(self, key: str) -> tuple[int, str] | None:
        """(line, value) of a comment that has a value."""
        return next(((line, value) for line, name, value in self.comments if name == key and value), None)


@dataclass(slots=True, kw_only=True)
class Unit:
    """What stands in the text as one: a word, or a multiword token with its words."""

    surface: Row
    words: list[Row]
    text: str
    range: Range = (0, 0)

    def ranges(self) -> list[Range]:
        """The range of each word."""
        forms = [word.form for word in self.words]
        start, end = self.range
        spelt = "".join(forms).lower() == self.text.lower() and sum(map(len, forms)) == end - start
        if self.surface.kind == "word" or not spelt:
            return [self.range] * len(forms)
        out = []
        for form in forms:
            out.append((start, start + len(form)))
            start += len(form)
        return out

    def after(self) -> str | None:
        """The white space after it, if it says so; some files have that at the last word of a multiword token."""
        said = self.surface.after()
        return self.words[-1].after() if said is None and self.words else said


@dataclass(slots=True, kw_only=True)
class Laid:
    """The text of a document, and for each of its sentences the units with their ranges."""

    text: str
    units: list[list[Unit]]
    problems: list[Problem]


def documents(sentences: Sequence[Sentence], rule: str) -> Iterator[tuple[str | None, list[Sentence]]]:
    """(id that the file gives, sentences) of each article: from each `newdoc` on, of the `file`, of each `sentence`."""
    current: list[Sentence] = []
    own: tuple[int, str] | None = None
    for sentence in sentences:
        if rule == "sentence":
            own = sentence.comment("sent_id")
            yield own[1] if own else None, [sentence]
            continue
        if rule == "newdoc" and any(key in NEWDOC for _, key, _ in sentence.comments):
            if current:
                yield own[1] if own else None, current
            current, own = [], sentence.comment("newdoc id")
        current.append(sentence)
    if current:
        yield own[1] if own else None, current


def lay(sentences: Sequence[Sentence], *, tokens: bool, exact: bool) -> Laid:
    """The text of a document. `tokens`: words joined by one space each, whatever the file says of white space.

    `exact`: the file is by a tool that tells all white space.
    """
    builder, problems = TextBuilder(), []
    rows = [_units(sentence, tokens) for sentence in sentences]
    told = exact or any(units and units[-1].surface.said("SpacesAfter") is not None for units in rows)
    between: str | None = None
    last: str | None = None
    for sentence, units in zip(sentences, rows, strict=True):
        if not units:
            continue
        if between is not None:
            builder.add(between)
        between = "\n"
        if tokens:
            _put(builder, units, [" "] * len(units))
            continue
        builder.add(read_spaces(units[0].surface.said("SpacesBefore") or ""))
        problem = _spell(builder, sentence, units, told)
        problems += [problem] if problem else []
        last = units[-1].after()
        if told:
            between = " " if last is None else last
    if told and not tokens:
        builder.add(last or "")
    return Laid(text=builder.text, units=rows, problems=problems)


def _units(sentence: Sentence, tokens: bool) -> list[Unit]:
    units: list[Unit] = []
    upto = 0
    for row in sentence.rows:
        if row.kind == "empty" or (row.kind == "range" and tokens):
            continue
        if row.kind == "range":
            units.append(Unit(surface=row, words=[], text=row.form))
            upto = row.last
        elif row.first <= upto and units and units[-1].surface.kind == "range":
            units[-1].words.append(row)
        else:
            units.append(Unit(surface=row, words=[row], text=row.form))
    for unit in units:
        inside = None if tokens else unit.surface.said("SpacesInToken")
        if inside:
            unit.text = read_spaces(inside)
        elif unit.surface.kind == "range" and unit.text == "_" and unit.words:
            unit.text = "".join(word.form for word in unit.words)
    return units


def _put(builder: TextBuilder, units: Sequence[Unit], after: Sequence[str]) -> None:
    for index, unit in enumerate(units):
        unit.range = builder.add(unit.text)
        if index < len(units) - 1:
            builder.add(after[index])


def _spell(builder: TextBuilder, sentence: Sentence, units: list[Unit], told: bool) -> Problem | None:
    """Add a sentence to the text; says so if the words do not spell the text that its comment has."""
    gaps = [" " if (after := unit.after()) is None else after for unit in units]
    for index, unit in enumerate(units[1:]):
        gaps[index] += read_spaces(unit.surface.said("SpacesBefore") or "")
    rebuilt = "".join(unit.text + gap for unit, gap in zip(units, [*gaps[:-1], ""], strict=True))
    comment = sentence.comment("text")
    if comment is None or comment[1] == rebuilt:
        _put(builder, units, gaps)
        return None
    line, text = comment
    ranges = align([unit.text for unit in units], text)
    if ranges is None or told or any(unit.surface.said("SpacesAfter") is not None for unit in units):
        _put(builder, units, gaps)
        return ("I002", line, _differs(rebuilt, text)) if ranges is None else None
    start, _ = builder.add(text)
    for unit, (first, end) in zip(units, ranges, strict=True):
        unit.range = (start + first, start + end)
    return None


def _differs(rebuilt: str, text: str) -> str:
    shorter = min(len(rebuilt), len(text))
    at = next((i for i in range(shorter) if rebuilt[i] != text[i]), shorter)
    return f"the words read {rebuilt[at : at + 25]!r} where the text reads {text[at : at + 25]!r}"
