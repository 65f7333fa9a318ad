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
_ASCII_SPACE = " \t\x0b\x0c"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
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
    """A file. `names`: those of its columns, if a header line gives them. `indexed`: the first one counts tokens.

    `share`: which part of its lines has `width` columns. `other`: comments that are not of the form key = value.
    `empty`: documents without a token.
    """

    blocks: list[Block]
    width: int
    share: float
    indexed: bool
    names: tuple[str, ...] = ()
    other: int = 0
    empty: int = 0


def read_sheet(text: str, *, separator: str, header: bool | None, width: int | None) -> Sheet:
    """The sentences of a file. `separator`: auto, tab or space. `width`: how many columns there are, if that is known.

    `header`: whether the first line names the columns; None where that is to be seen from it.
    """
    if "\n" not in text:
        text = text.replace("\r", "\n")  # line ends of the old Mac
    lines = [(number, line) for number, line in split_lines(text)]
    sure = [line for _, line in lines if _is_row(line)] or [line for _, line in lines if line.startswith("#")]
    tabbed = separator == "tab" or (separator == "auto" and 2 * sum("\t" in line for line in sure) > len(sure))
    first = next(((n, line) for n, line in lines if _is_row(line)), None)
    names: tuple[str, ...] = ()
    if first is not None and (header or (header is None and tabbed and _is_header(first[1], sure))):
        names = tuple(cell.strip(" ") for cell in _split(first[1], tabbed))
        lines = [line for line in lines if line[0] != first[0]]
        sure = sure[1:]
    counts = Counter(len(_split(line, tabbed)) for line in sure)
    width = width or len(names) or (counts.most_common(1)[0][0] if counts else 0)
    reader = _Reader(tabbed=tabbed, width=width, indexed=width > 2 and _counts(lines, tabbed))
    for number, line in lines:
        reader.line(number, line)
    rows = sum(len(block.rows) for block in reader.blocks)
    return Sheet(
        blocks=reader.blocks,
        width=width,
        share=1 - sum(len(block.problems) for block in reader.blocks) / max(rows, 1),
        indexed=reader.indexed,
        names=names,
        other=reader.other + len(reader.comments),
        empty=reader.empty,
    )


def _is_row(line: str) -> bool:
    """Whether a line is neither empty nor a boundary nor, perhaps, a comment."""
    return bool(line.strip(_ASCII_SPACE)) and not line.startswith("#") and _DOCSTART.match(line) is None


def _split(line: str, tabbed: bool) -> list[str]:
    return line.split("\t") if tabbed else [cell for cell in re.split(r"[ \t]+", line) if cell]


def _is_header(line: str, rows: Sequence[str]) -> bool:
    """Whether a line names columns: one of its cells is a usual name for tokens, and no cell of it is a tag.

    Besides, another one is a usual name for tags or parts of speech, or none stands in its column again.
    """
    cells = [cell.strip(" ") for cell in line.split("\t")]
    named = len(cells) > 1 and len(set(cells)) == len(cells) and all(re.fullmatch(r"[\w .:-]+", c) for c in cells)
    lower = {cell.lower() for cell in cells}
    if not named or not lower & {*TOKEN_NAMES} or len(rows) < 2 or any(c in OUTSIDE or is_prefixed(c) for c in cells):
        return False
    again = any(any(map(eq, cells, row.split("\t"))) for row in rows[1:1000]) if len(rows) > 20 else True
    return not again or bool(lower & _OTHER_NAMES)


def _counts(lines: Sequence[tuple[int, str]], tabbed: bool) -> bool:
    """Whether the first column counts the tokens of each sentence from 1 on."""
    before, rows, longest = 0, 0, 0
    for _, line in islice(lines, 20000):
        if not _is_row(line):
            before = before if line.startswith("#") else 0
            continue
        match = _NUMBER.fullmatch(_split(line, tabbed)[0])
        number = int(match[1]) if match else -1
        if number not in (before + 1, 1):
            return False
        before, rows, longest = number, rows + 1, max(longest, number)
    return rows > 1 and longest > 1


@dataclass(slots=True, kw_only=True)
class _Reader:
    tabbed: bool
    width: int
    indexed: bool
    blocks: list[Block] = field(default_factory=list)
    current: Block | None = None
    boundary: tuple[int, str | None] | None = None
    comments: list[tuple[int, str, str]] = field(default_factory=list)
    metadata: bool = False
    seen: bool = False
    document: str | None = None
    other: int = 0
    empty: int = 0

    def line(self, number: int, line: str) -> None:
        """The next line of the file."""
        if not line.strip(_ASCII_SPACE):
            self.current = None
        elif match := _DOCSTART.match(line):
            own = _OWN_ID.match(line, match.end())
            self._begin(number, own[1].strip() if own else None)
        elif not self._comment(number, line):
            self._row(number, line)

    def _begin(self, number: int, own: str | None) -> None:
        self.empty += self.boundary is not None
        self.boundary, self.current = (number, own), None

    def _comment(self, number: int, line: str) -> bool:
        if not line.startswith("#"):
            return False
        cells = _split(line, self.tabbed)
        key = _KEY.match(line)
        if key and (key[1] in _KNOWN or " " in key[2] or len(cells) == 1):
            if key[1] in _KNOWN and self.current is not None and self.current.rows:
                self.current = None  # the empty line before it is missing
            self._said(number, key[1], key[3].strip(_ASCII_SPACE))
            return True
        own = _ID.match(line) if self.current is None else None
        if own:
            self._said(number, "id", own[1])
            for name, value in re.findall(r"([\w.:]+)=(\S*)", own[2]):
                self._said(number, name, value)
            return True
        heads = self.current is None and (self.metadata or not self.seen) and len(cells) != self.width
        if (len(cells) == 1 and self.width > 1) or self.indexed or heads:
            if line[1:].split()[:1] == ["newdoc"]:
                self._begin(number, None)
            else:
                self.other += 1
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
        if self.current is None:
            self.current = Block(line=self.comments[0][0] if self.comments else number, comments=self.comments)
            self.comments = []
            if self.boundary is not None:
                self.current.starts, self.current.own = self.boundary
                self.boundary = None
            self.blocks.append(self.current)
        self.seen = True
        cells = _split(line, self.tabbed)
        while len(cells) > self.width and not cells[-1].strip(" "):
            cells.pop()
        if len(cells) != self.width and self.width > 1:  # another separator than the rest, or more of it
            again = _split(line, False) if len(cells) == 1 else [cell for cell in cells if cell.strip(" ")]
            cells = again if len(again) == self.width else cells
        if len(cells) != self.width:
            columns = f"{len(cells)} column{'' if len(cells) == 1 else 's'}"
            self.current.problems.append((number, f"the line has {columns} where {self.width} should be"))
            kept = cells[: 2 if self.indexed else 1]
            self.current.rows.append(Row(line=number, cells=(*kept, *[None] * (self.width - len(kept)))))
            return
        self.current.rows.append(Row(line=number, cells=tuple(cells)))


def tag_column(blocks: Sequence[Block], width: int) -> int | None:
    """The last column of which nearly all cells are O or have a letter such as B- before their label, and some have.

    Else the last one, if O stands in it (labels without letters, or nothing at all); None if no column has tags.
    """
    cells = [row.cells for block in blocks for row in block.rows]
    for column in range(width - 1, 0, -1):
        counted = Counter(c[column] for c in cells)
        prefixed = sum(n for tag, n in counted.items() if tag is not None and is_prefixed(tag.strip(" ")))
        outside = sum(n for tag, n in counted.items() if tag is None or tag.strip(" ") in OUTSIDE)
        if prefixed and prefixed + outside > 0.95 * len(cells):
            return column
    return width - 1 if width > 1 and any((c[width - 1] or "").strip(" ") == "O" for c in cells) else None


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
