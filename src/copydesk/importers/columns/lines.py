"""Lines of token columns -> sentences of rows: separators, comments, headers, document boundaries. Makes no articles.

There is no standard. What is common ground: a line a token, an empty line after a sentence, columns separated by a tab
or by spaces (CoNLL-2003), `-DOCSTART-` between documents, and comments that begin with `#`, which can be a token too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import eq
from typing import NamedTuple

from copydesk.articles.units import split_lines
from copydesk.importers.tokentext import OUTSIDE, is_prefixed

TOKEN_NAMES = ("token", "tok", "word", "form", "text", "tokens", "words")
_DOCSTART = re.compile(r"(?:\d+[\t ]+)?-DOCSTART-(?=[\s(]|$)")
_NUMBER = re.compile(r"(\d{1,6})")
_OWN_ID = re.compile(r"\s*\(([^()\t]+)\)")
_OTHER_NAMES = frozenset(
    {"pos", "tag", "tags", "ner", "ner_tag", "lemma", "label", "labels", "chunk", "iob", "bio", "entity"}
)
_KNOWN = frozenset({"sent_id", "text", "newdoc id", "newpar id"})
_OF_DOCUMENT = frozenset({"document_id", "doc_id", "docid"})
_KEY = re.compile(r"# *([\w.:]+(?: id)?)( *= *)(.*)")
_ID = re.compile(r"# ?(?:id) +(\S+)(.*)")
_NAMED = re.compile(r"## +(\S+)\t(.*)")
_SOURCE = re.compile(r"#\t(\S.*)")
_ASCII_SPACE = " \t\x0b\x0c"
_ENOUGH = 50_000
"""Lines that show what the columns of a file are."""


class Row(NamedTuple):
    """One token. `cells` has as many as there are columns; those that a damaged line does not have are None."""

    line: int
    cells: tuple[str | None, ...]


@dataclass(slots=True, kw_only=True)
class Block:
    """A sentence: rows up to an empty line; comments as key and value. `problems`: I002 as (line, message).

    `starts`: it is the first of a document, whose boundary stands at that line; `own`: the id that is given there.
    """

    line: int
    rows: list[Row] = field(default_factory=list)
    comments: list[tuple[int, str, str]] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    starts: int = 0
    own: str | None = None


@dataclass(slots=True, kw_only=True)
class Sheet:
    """A file. `names`: those of its columns, if a header line gives them. `index`: the number of the column, if there
    is one, that counts the tokens of a sentence; the token is the next one.

    `share`: which part of its lines has `width` columns. `other`: comments that are not of the form key = value.
    `empty`: documents without a token.
    """

    blocks: list[Block]
    width: int
    share: float
    index: int | None
    names: tuple[str, ...] = ()
    other: int = 0
    empty: int = 0


def read_sheet(text: str, *, separator: str, header: bool | None, width: int | None) -> Sheet:
    """The sentences of a file. `separator`: auto, tab or space. `width`: how many columns there are, if that is known.

    `header`: whether the first line names the columns; None where that is to be seen from it.
    """
    if "\n" not in text:
        text = text.replace("\r", "\n")  # line ends of the old Mac
    sure = list(islice((line for _, line in split_lines(text) if _is_row(line)), _ENOUGH))
    sure = sure or list(islice((line for _, line in split_lines(text) if line.startswith("#")), _ENOUGH))
    tabbed = separator == "tab" or (separator == "auto" and 2 * sum("\t" in line for line in sure) > len(sure))
    first = next(((n, line) for n, line in split_lines(text) if _is_row(line)), None)
    names: tuple[str, ...] = ()
    skipped = 0
    if first is not None and (header or (header is None and tabbed and _is_header(first[1], sure))):
        names = tuple(cell.strip(" ") for cell in _split(first[1], tabbed))
        skipped = first[0]
        sure = sure[1:]
    counts = Counter(len(_split(line, tabbed)) for line in sure)
    del sure
    width = width or len(names) or (counts.most_common(1)[0][0] if counts else 0)
    index = next((c for c in range(min(width - 2, 3)) if _counts(text, tabbed, skipped, c)), None)
    reader = _Reader(tabbed=tabbed, width=width, index=index)
    for number, line in split_lines(text):
        if number != skipped:
            reader.line(number, line)
    rows = sum(len(block.rows) for block in reader.blocks)
    return Sheet(
        blocks=reader.blocks,
        width=width,
        share=1 - sum(len(block.problems) for block in reader.blocks) / max(rows, 1),
        index=index,
        names=names,
        other=reader.other + len(reader.comments),
        empty=reader.empty,
    )


def _is_row(line: str) -> bool:
    """Whether a line is neither empty nor a boundary nor, perhaps, a comment."""
    return (
        bool(line.strip(_ASCII_SPACE))
        and not line.startswith("#")
        and ("-DOCSTART-" not in line or _DOCSTART.match(line) is None)
    )


def _split(line: str, tabbed: bool) -> list[str]:
    return line.split("\t") if tabbed else [cell for cell in line.replace("\t", " ").split(" ") if cell]


def _is_header(line: str, rows: Sequence[str]) -> bool:
    """Whether a line names columns: one of its cells is a usual name for tokens, and no cell of it is a tag.

    Besides, another one is a usual name for tags or parts of speech, or none stands in its column again.
    """
    cells = [cell.strip(" ") for cell in line.split("\t")]
    named = len(cells) > 1 and len(set(cells)) == len(cells) and all(re.fullmatch(r"[\w .:#-]+", c) for c in cells)
    lower = {cell.lower() for cell in cells}
    if not named or not lower & {*TOKEN_NAMES} or len(rows) < 2 or any(c in OUTSIDE or is_prefixed(c) for c in cells):
        return False
    again = any(any(map(eq, cells, row.split("\t"))) for row in rows[1:1000]) if len(rows) > 20 else True
    return not again or bool(lower & _OTHER_NAMES) or any(name.startswith(("ne-", "ne_", "ner")) for name in lower)


def _counts(text: str, tabbed: bool, skipped: int, column: int) -> bool:
    """Whether a column counts the tokens of each sentence from 0 or 1 on; those before it say one thing throughout."""
    before, length, longest = -1, 0, 0
    same: list[str] = []
    for number, line in islice(split_lines(text), _ENOUGH):
        if number == skipped or not _is_row(line):
            before = before if line.startswith("#") else -1
            continue
        cells = _split(line, tabbed)
        match = _NUMBER.fullmatch(cells[column]) if column < len(cells) else None
        if match is None:
            return False
        count = int(match[1])
        begins = before < 0 or (count in (0, 1) and count != before + 1)
        if not (count in (0, 1) if begins else count == before + 1 and cells[:column] == same):
            return False
        before, same, length = count, cells[:column], 1 if begins else length + 1
        longest = max(longest, length)
    return longest > 1


@dataclass(slots=True, kw_only=True)
class _Reader:
    tabbed: bool
    width: int
    index: int | None
    blocks: list[Block] = field(default_factory=list)
    current: Block | None = None
    boundary: tuple[int, str | None] | None = None
    comments: list[tuple[int, str, str]] = field(default_factory=list)
    metadata: bool = False
    seen: bool = False
    document: str | None = None
    other: int = 0
    empty: int = 0
    known: dict[str, str] = field(default_factory=dict)

    def line(self, number: int, line: str) -> None:
        """The next line of the file."""
        if not line.strip(_ASCII_SPACE):
            self.current = None
        elif "-DOCSTART-" in line and (match := _DOCSTART.match(line)):
            own = _OWN_ID.match(line, match.end())
            self._begin(number, own[1].strip() if own else None)
        elif not line.startswith("#") or not self._comment(number, line):
            self._row(number, line)

    def _begin(self, number: int, own: str | None) -> None:
        self.empty += self.boundary is not None
        self.boundary, self.current = (number, own), None

    def _comment(self, number: int, line: str) -> bool:
        """Whether a line that begins with # is a comment, which is noted then."""
        cells = _split(line, self.tabbed)
        key = _KEY.match(line)
        if key and (key[1] in _KNOWN or " " in key[2] or len(cells) == 1):
            if key[1] in _KNOWN and self.current is not None and self.current.rows:
                self.current = None  # the empty line before it is missing
            self._said(number, key[1], key[3].strip(_ASCII_SPACE))
            return True
        if self.current is None and self._heads(number, line):
            return True
        heads = self.current is None and (self.metadata or not self.seen) and len(cells) != self.width
        if (len(cells) == 1 and self.width > 1) or self.index is not None or heads:
            if line[1:].split()[:1] == ["newdoc"]:
                self._begin(number, None)
            else:
                self.other += 1
            return True
        return False

    def _heads(self, number: int, line: str) -> bool:
        """Whether a line before a sentence is one of the three that name it: `# id x domain=y` of MultiCoNER,
        `## x` with the marked text behind it of KLUE, `#` and the source of GermEval 2014."""
        if own := _ID.match(line):
            self._said(number, "id", own[1])
            for name, value in re.findall(r"([\w.:]+)=(\S*)", own[2]):
                self._said(number, name, value)
            return True
        if self.tabbed and (own := _NAMED.match(line)):
            self._said(number, "id", own[1])
            self.other += 1
            return True
        if self.index is not None and (source := _SOURCE.match(line)):
            self._said(number, "source", " ".join(source[1].split()))
            return True
        return False

    def _said(self, number: int, key: str, value: str) -> None:
        self.metadata = True
        if key == "newdoc id":
            self._begin(number, value or None)
        elif key.rpartition(":")[2] in _OF_DOCUMENT:
            if value and value != self.document:  # some files say it in each sentence
                self._begin(number, value)
            self.document = value
        else:
            comments = self.comments if self.current is None else self.current.comments
            comments.append((number, key, value))

    def _row(self, number: int, line: str) -> None:
        current = self.current or self._sentence(number)
        cells = _split(line, self.tabbed)
        if len(cells) != self.width:
            cells = self._fitting(line, cells)
        if len(cells) != self.width:
            columns = f"{len(cells)} column{'' if len(cells) == 1 else 's'}"
            current.problems.append((number, f"the line has {columns} where {self.width} should be"))
            kept = cells[: 1 if self.index is None else self.index + 2]
            current.rows.append(Row(number, (*kept, *[None] * (self.width - len(kept)))))
            return
        # words and tags come again and again: one string of each is enough
        current.rows.append(Row(number, tuple([self.known.setdefault(cell, cell) for cell in cells])))

    def _sentence(self, number: int) -> Block:
        """The sentence that begins at a line."""
        block = Block(line=self.comments[0][0] if self.comments else number, comments=self.comments)
        self.comments = []
        if self.boundary is not None:
            block.starts, block.own = self.boundary
            self.boundary = None
        self.blocks.append(block)
        self.current, self.seen = block, True
        return block

    def _fitting(self, line: str, cells: list[str]) -> list[str]:
        """The cells without empty ones at the end, or with another separator than the rest has, or more of it."""
        while len(cells) > self.width and not cells[-1].strip(" "):
            cells.pop()
        if len(cells) != self.width and self.width > 1:
            again = _split(line, False) if len(cells) == 1 else [cell for cell in cells if cell.strip(" ")]
            cells = again if len(again) == self.width else cells
        return cells


def documents(blocks: Sequence[Block], rule: str) -> Iterator[tuple[str | None, list[Block]]]:
    """(id that the file gives, sentences) of each article: between boundaries, of the `file`, of each `blank` line."""
    current: list[Block] = []
    own: str | None = None
    for block in blocks:
        if rule == "blank":
            yield next((value for _, key, value in block.comments if key in {"sent_id", "id"}), None), [block]
            continue
        if rule == "docstart" and block.starts:
            if current:
                yield own, current
            current, own = [], block.own
        current.append(block)
    if current:
        yield own, current
