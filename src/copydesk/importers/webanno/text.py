"""The text of a WebAnno TSV file, put together from its sentences and offsets. Knows nothing of annotations."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

from copydesk.articles.model import Range
from copydesk.articles.offsets import CODE_POINTS, UTF16
from copydesk.importers.webanno.cells import short, unescape_cell, unescape_text
from copydesk.importers.webanno.tsv import Document, Problem, Row, Sentence

MAX_GAP = 100_000
"""White space before a sentence that is believed. The format keeps no text between sentences, only the offsets."""


def place(document: Document) -> tuple[str, str]:
    """(text, unit): put the sentences together as their offsets say, and give sentences and rows their ranges.

    The file has at least one sentence.

    Offsets are "of the 16bit units in UTF-16 strings"; where code points explain more rows, the file counts those.
    As in INCEpTION, a gap between two sentences is a line feed and then spaces, and one before the first is spaces.
    A row whose offsets and form disagree is read where the text goes on with the form, and reported. Scripts write
    files in which the offsets of every sentence begin at 0; sentences are lines of the text then.
    """
    best = _Placing(UTF16, document)
    if best.wrong and any(char > "\uffff" for s in document.sentences for char in "".join(s.texts)):
        best = min(best, _Placing(CODE_POINTS, document), key=lambda placing: placing.wrong)
    document.found += best.found
    for sentence in document.sentences:
        sentence.range = best.ranges.get(-sentence.line)
        for row in sentence.rows:
            row.range = best.ranges.get(row.line)
    return "".join(best.parts), best.unit


class _Placing:
    """One reading of the offsets, in one unit. `ranges`: by line of the row, or minus the line of the sentence."""

    def __init__(self, unit: str, document: Document) -> None:
        self.unit, self.version = unit, document.version
        begins = [sentence.begin for sentence in document.sentences if sentence.begin is not None]
        self.own = len(begins) > 1 and not any(begins)  # each sentence counts from its own beginning
        self.parts: list[str] = []
        self.length = self.at = self.wrong = 0  # what is put together, in code points and in units
        self.found: list[Problem] = []
        self.ranges: dict[int, Range] = {}
        self.open: list[int] = []  # lines of sentences that have words after their last token
        after: list[int | None] = [None]  # for each sentence, from the last: where the next one begins
        for sentence in reversed(document.sentences[1:]):
            after.append(after[-1] if sentence.begin is None else sentence.begin)
        for sentence, following in zip(document.sentences, reversed(after), strict=False):
            self._sentence(sentence, following)
        last = document.sentences[-1]
        if self.open == [last.line] and last.rows and last.rows[-1].cells is not None and not last.broken:
            message = "the text of the last sentence goes on after its last row; the file may be cut"
            self.found.append(("I002", last.rows[-1].line, message))

    def _starts(self, body: str) -> Sequence[int]:
        if self.unit == CODE_POINTS or body.isascii() or max(body) < "\U00010000":
            return range(len(body) + 1)
        return [0, *accumulate(2 if char > "\uffff" else 1 for char in body)]

    def _sentence(self, sentence: Sentence, after: int | None) -> None:
        tokens = [row for row in sentence.rows if not row.part]
        body, base = self._read(sentence, tokens)
        starts = self._starts(body)
        if base is None:
            base = self.at + bool(self.parts)
            room = self.own or after is None or base + starts[-1] < after
            message = "the sentence has no rows that say where its text stands" + ("" if room else "; it is left out")
            self.found.append(("I002", sentence.line, message))
            if not room:
                return
        gap = int(bool(self.parts)) if self.own else base - self.at
        if gap < 0 or (gap > 1 and (gap > MAX_GAP or (after is not None and base + starts[-1] > after))):
            message = f"the sentence would begin at {base}; the text before it ends at {self.at}"
            self.found.append(("I002", tokens[0].line, message))
            gap = 1
        filler = "\n" + " " * (gap - 1) if gap and self.parts else " " * gap
        start = self.length + len(filler)
        self.parts += [filler, body]
        self.length = start + len(body)
        self.at += len(filler) + starts[-1]
        self.ranges[-sentence.line] = (start, self.length)
        self._rows(sentence, body, starts, base, start)

    def _read(self, sentence: Sentence, tokens: Sequence[Row]) -> tuple[str, int | None]:
        """(text, where it begins): the reading of the escapes and the beginning that most tokens agree with."""
        if not sentence.texts:
            return self._spell(tokens), tokens[0].begin if tokens else None
        body = "\n".join(unescape_text(text, self.version) for text in sentence.texts)
        if not tokens:
            return body, None
        raw = "\n".join(sentence.texts)
        readings = [body, raw, unescape_cell(raw)] if "\\" in raw else [body]
        usual = self.at + bool(self.parts)
        best = (len(tokens) + 1, True, body, tokens[0].begin)
        for reading in readings:
            starts = self._starts(reading)
            bases = [tokens[0].begin]
            for base in bases:
                wrong = sum(self._at(reading, starts, row, base) is None for row in tokens)
                if (wrong, base != usual) < best[:2]:
                    best = (wrong, base != usual, reading, base)
                if wrong == 0:
                    return reading, base
                if len(bases) == 1:
                    bases += self._guess(reading, starts, tokens)
        return best[2], best[3]

    def _guess(self, body: str, starts: Sequence[int], tokens: Sequence[Row]) -> list[int]:
        """Where the sentence begins if its tokens stand where the text has their forms."""
        cursor, votes = 0, Counter[int]()
        for row in tokens:
            at = body.find(row.form, cursor)
            if at >= 0:
                votes[row.begin - starts[at]] += 1
                cursor = at + len(row.form)
        return [base for base, _ in votes.most_common(3) if base >= 0]

    def _spell(self, tokens: Sequence[Row]) -> str:
        """The text of a sentence that comes without: its tokens, and spaces between them."""
        body = ""
        for row in tokens:
            gap = row.begin - tokens[0].begin - self._starts(body)[-1] if body else 0
            body += " " * (gap if gap <= MAX_GAP else 1) + row.form
        if tokens:
            message = "the sentence has no line #Text; it is put together from its tokens"
            self.found.append(("I002", tokens[0].line, message))
        return body

    def _at(self, body: str, starts: Sequence[int], row: Row, base: int) -> Range | None:
        """Where the sentence has a row, in code points of the sentence; None if it has another form there."""
        start, end = _index(starts, row.begin - base), _index(starts, row.end - base)
        if start is None or end is None or start > end:
            return None
        text, form = body[start:end], row.form
        cut = row.cells is None and text.startswith(form)
        same = cut or text == form or ("\\" in form and text in (unescape_text(form), unescape_cell(form)))
        return (start, end) if same else None

    def _rows(self, sentence: Sentence, body: str, starts: Sequence[int], base: int, start: int) -> None:
        cursor, token = 0, (0, 0)
        for row in sentence.rows:
            found = self._at(body, starts, row, base)
            if found is None:
                self.wrong += 1
                found = _search(row, body, token if row.part else (cursor, len(body)))
                if row.cells is not None:  # else the line is reported already
                    self.found.append(_disagreement(row, body, starts, base, found is not None))
            if not row.part:
                token = found or (0, 0)
                cursor = found[1] if found else cursor
            if found is not None:
                self.ranges[row.line] = (start + found[0], start + found[1])
        if any(char.isalnum() for char in body[cursor:]):
            self.open.append(sentence.line)


def _index(starts: Sequence[int], offset: int) -> int | None:
    index = bisect_left(starts, offset)
    return index if index < len(starts) and starts[index] == offset else None


def _search(row: Row, body: str, where: Range) -> Range | None:
    """Where the text has a form: a token right after the one before it, a part anywhere in its token."""
    at = body.find(row.form, *where) if row.form else -1
    if at < 0 or (not row.part and body[where[0] : at].strip()):
        return None
    return (at, at + len(row.form))


def _disagreement(row: Row, body: str, starts: Sequence[int], base: int, known: bool) -> Problem:
    end = "" if known else "; the row is left out"
    for offset in (row.begin, row.end):
        if 0 <= offset - base <= starts[-1] and _index(starts, offset - base) is None:
            return "I019", row.line, f"offset {offset} of row {row.unit} falls inside a character{end}"
    start, stop = _index(starts, row.begin - base), _index(starts, row.end - base)
    if start is None or stop is None or start > stop:
        return "I002", row.line, f"the span {row.begin}-{row.end} of row {row.unit} is not in its sentence{end}"
    message = f"the text at {row.begin}-{row.end} is {short(body[start:stop])!r}; row {row.unit} says"
    return "I002", row.line, f"{message} {short(row.form)!r}{end}"
