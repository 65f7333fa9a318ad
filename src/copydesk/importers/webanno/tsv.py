"""WebAnno TSV 3 as it is written: header, sentences, rows. What is in their cells is in cells.py.

Says what a file holds, not what it means (layers.py), nor where its text stands (text.py). The format is
described in the user guides of WebAnno and INCEpTION ("WebAnno TSV 3.3 File format"); where the guide is silent, their
readers and writers are followed. Other tools write the format less strictly, so what can be understood in one way only
is understood.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from copydesk.articles.model import Range
from copydesk.articles.units import split_lines
from copydesk.importers.webanno.cells import NONE, Column, Layer, short, unescape_text

_FORMAT = re.compile(r"\s*#FORMAT=WebAnno TSV (\d{1,3})(?:\.(\d{1,3}))?\s*")
_LAYER = re.compile(r"#T_(SP|CH|RL)=(.*)")
_SLOT = re.compile(r"ROLE_[^:]*:([^.]*)_[^_.]+(?:\..*)?")
_UNIT = re.compile(r"(\d{1,9})-(\d{1,9})(?:\.(\d{1,9}))?")
_OFFSETS = re.compile(r"(\d{1,9})-(\d{1,9})")

Problem = tuple[str, int, str]
"""(code, line, message)."""


@dataclass(slots=True, kw_only=True)
class Row:
    """A line of a token or of a part of one (`part` > 0). `cells`: None where they cannot be trusted.

    `begin`, `end` are in the file's unit; `range`, in code points of the text, is None where the text has no such form.
    """

    line: int
    unit: str
    sentence: int
    number: int
    part: int
    begin: int
    end: int
    fields: list[str]
    cells: Sequence[str] | None = None
    range: Range | None = None

    @property
    def form(self) -> str:
        return self.fields[2]

    @property
    def token(self) -> str:
        """The token that the row is, or is a part of."""
        return self.unit.partition(".")[0]


@dataclass(slots=True, kw_only=True)
class Sentence:
    """The lines `#Text=` as they are, the rows, and the range of the sentence once it has a place.

    `broken`: whether there are lines that are no rows.
    """

    line: int
    id: str | None = None
    texts: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    broken: bool = False
    range: Range | None = None

    @property
    def begin(self) -> int | None:
        """Where its first token begins, in the file's unit."""
        return next((row.begin for row in self.rows if not row.part), None)


@dataclass(slots=True, kw_only=True)
class Document:
    """A document, parsed; `line`: where it begins. `comments`: lines `#name=value` of the header."""

    line: int
    version: tuple[int, int]
    layers: list[Layer] = field(default_factory=list)
    comments: dict[str, str] = field(default_factory=dict)
    sentences: list[Sentence] = field(default_factory=list)
    found: list[Problem] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def parse(text: str) -> list[Document]:
    """The documents of a file as they are written, problems of lines in `found`; none if it begins as another format.

    A file has one, unless somebody put files together into one.
    """
    if "\n" not in text:
        text = text.replace("\r", "\n")
    lines = list(split_lines(text))
    starts = [n for n in range(len(lines)) if _begins(lines, n)]
    if not starts or any(line.strip() for _, line in lines[: starts[0]]):
        return []
    ends = [*starts[1:], len(lines)]
    return [
        _document(lines[start:end], ended=end < len(lines) or text.endswith("\n"))
        for start, end in zip(starts, ends, strict=True)
    ]


def _begins(lines: Sequence[tuple[int, str]], at: int) -> bool:
    """Whether a document begins there: with its format line, behind which no row is."""
    line = lines[at][1]
    if not line.lstrip().startswith("#FORMAT=") or _FORMAT.fullmatch(line) is None:
        return False
    return next((after.startswith("#") for _, after in lines[at + 1 : at + 5] if after.strip()), True)


def _document(lines: Sequence[tuple[int, str]], *, ended: bool) -> Document:
    """A document from its format line on. `ended`: whether its last line is whole."""
    match = _FORMAT.fullmatch(lines[0][1])
    assert match is not None
    document = Document(line=lines[0][0], version=(int(match[1]), int(match[2] or 0)))
    if document.version[0] == 3:
        body = _header(document, lines[1:])
        _body(document, lines[1 + body :])
        _cells(document, ended=ended)
        _missing(document)
    return document


def _header(document: Document, lines: Sequence[tuple[int, str]]) -> int:
    """Read the lines before the first sentence; where that is."""
    for index, (number, line) in enumerate(lines):
        layer = _LAYER.fullmatch(line)
        if layer is not None:
            _layer(document, number, layer[1], layer[2].split("|"))
        elif line.startswith(("#Text=", "#Sentence.id=")) or (line.strip() and not line.startswith("#")):
            return index
        elif "=" in line:
            name, _, value = line[1:].partition("=")
            document.comments.setdefault(name.strip(), value)
        elif line.strip():
            document.left_out["comments"] += 1
    return len(lines)


def _layer(document: Document, line: int, kind: str, words: Sequence[str]) -> None:
    name = words[0].strip()
    twice = any(known.type == name for known in document.layers)
    if twice or not name:
        message = f"the layer {short(name)} is declared a second time" if twice else "the layer has no name"
        document.found.append(("I002", line, message))
    first = sum(len(known.columns) for known in document.layers)
    columns = _columns(kind, words[1:])
    document.layers.append(Layer(kind="" if twice else kind, type=name, columns=columns, first=first))


def _columns(kind: str, features: Sequence[str]) -> tuple[Column, ...]:
    out: list[Column] = []
    for name in (feature.strip() for feature in features if feature.strip()):
        if kind == "SP" and name.startswith("ROLE_"):
            match = _SLOT.fullmatch(name)
            out.append(Column("role", match[1] if match else name.rpartition(":")[2]))
        elif kind == "SP" and out and out[-1].kind == "role":  # "The target of the slot feature always follows"
            out.append(Column("target", out[-1].feature, name))
        elif kind == "RL" and name.startswith("BT_"):
            out.append(Column("source", target=name[3:]))
        elif kind == "CH" and name == "referenceRelation":
            out.append(Column("link", name))
        else:
            out.append(Column("value", name))
    return tuple(out) or (Column("mark"),)


def _body(document: Document, lines: Sequence[tuple[int, str]]) -> None:
    """Read sentences and rows. A sentence begins with its text, or where the number of the sentence changes."""
    current: Sentence | None = None
    seen: set[str] = set()
    apart = False
    for number, line in lines:
        name, sign, value = line[1:].partition("=") if line.startswith("#") else ("", "", "")
        if not line.strip():
            apart = True
        elif sign and name in {"Text", "Sentence.id"}:
            if current is None or current.rows or (apart and current.texts):
                current = Sentence(line=number)
                document.sentences.append(current)
            if name == "Text":
                current.texts.append(value)
            else:
                current.id = unescape_text(value, document.version)
        elif line.startswith(("#FORMAT=", "#T_")):
            document.found.append(("I002", number, "a line of the header stands below the header"))
            if current is not None:
                current.broken = True
        elif line.startswith("#"):
            document.left_out["comments"] += 1
        elif isinstance(row := _row(number, line), str) or row.unit in seen:
            problem = ("I002", row) if isinstance(row, str) else ("I006", f"two rows are called {row.unit}")
            document.found.append((problem[0], number, problem[1]))
            if current is not None:
                current.broken = True
        else:
            seen.add(row.unit)
            if current is None or (current.rows and current.rows[-1].sentence != row.sentence):
                current = Sentence(line=number)
                document.sentences.append(current)
            current.rows.append(row)
        apart = apart and not line.strip()


def _row(number: int, line: str) -> Row | str:
    """A row, or what is wrong with the line."""
    fields = line.split("\t")
    unit = _UNIT.fullmatch(fields[0])
    if unit is None:
        return f"a row begins with the numbers of sentence and token; this line begins {short(fields[0])!r}"
    offsets = _OFFSETS.fullmatch(fields[1]) if len(fields) > 2 else None
    if offsets is None:
        return f"row {fields[0]} has no begin, end and form" if len(fields) < 3 else f"{short(fields[1])!r} is no span"
    return Row(
        line=number,
        unit=unit[0],
        sentence=int(unit[1]),
        number=int(unit[2]),
        part=int(unit[3] or 0),
        begin=int(offsets[1]),
        end=int(offsets[2]),
        fields=fields,
    )


def _cells(document: Document, *, ended: bool) -> None:
    """Give each row its cells, where it has as many as the header declares.

    The tools write a tab after every cell, the last one too. In a file that does, a row without was cut; but for the
    last row, from which editors take the tab, and a cell that can only be whole.
    """
    width = 3 + sum(len(layer.columns) for layer in document.layers)
    rows = [row for sentence in document.sentences for row in sentence.rows]
    closed = sum(len(row.fields) > width and not row.fields[-1] for row in rows) * 2 > len(rows)
    strange = _strange(document, rows, width)
    for row in rows:
        count, last = len(row.fields), row.fields[-1]
        whole = last and (not closed or last == NONE or (ended and row is rows[-1]))
        if count == width + 1 and not last:
            row.cells = row.fields[3:-1]
        elif count == width and (width == 3 or whole):
            row.cells = row.fields[3:]
        elif count - (not last) != strange:
            message = f"row {row.unit} has {count - 3 - (not last)} cells; the header declares {width - 3}"
            if count == width:
                message = f"row {row.unit} is cut: no tab ends its last cell"
            document.found.append(("I002", row.line, message))


def _strange(document: Document, rows: Sequence[Row], width: int) -> int | None:
    """How many fields rows have, if they agree on another number than the header: that is told once."""
    counts = Counter(len(row.fields) - (not row.fields[-1]) for row in rows)
    usual, times = max(counts.items(), key=lambda pair: pair[1], default=(width, 0))
    if usual in {width, width - 1} or times < 3 or times * 10 < len(rows) * 9:
        return None
    message = f"{times} of {len(rows)} rows have {usual - 3} cells; the header declares {width - 3}, so none is read"
    document.found.append(("I002", rows[0].line, message))
    return usual


def _missing(document: Document) -> None:
    """Tell of rows that are not there. Tokens are counted from 1 in each sentence; by some tools in the whole file."""
    last = 0
    for sentence in document.sentences:
        rows = [row for row in sentence.rows if not row.part]
        expected = last + 1 if rows and rows[0].number == last + 1 else 1
        for row in rows:
            if row.number > expected and not sentence.broken:
                message = f"row {row.sentence}-{expected}, which stands before {row.unit}, is missing"
                document.found.append(("I002", row.line, message))
            last = row.number
            expected = last + 1
