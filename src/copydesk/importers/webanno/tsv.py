"""WebAnno TSV 3 as it is written: header, sentences, rows, cells, escapes.

Says what a file holds, not what it means (webanno.py), nor where its text stands (webanno_text.py). The format is
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

NONE, NULL = "_", "*"
"""A cell without an annotation; an annotation without a value."""

_FORMAT = re.compile(r"\s*#FORMAT=WebAnno TSV (\d{1,3})\.(\d{1,3})\s*")
_LAYER = re.compile(r"#T_(SP|CH|RL)=(.*)")
_SLOT = re.compile(r"ROLE_[^:]*:([^.]*)_[^_.]+(?:\..*)?")
_UNIT = re.compile(r"(\d{1,9})-(\d{1,9})(?:\.(\d{1,9}))?")
_OFFSETS = re.compile(r"(\d{1,9})-(\d{1,9})")
_NUMBERED = re.compile(r"((?:[^\\]|\\.)*)\[(\d{1,9})\]", re.DOTALL)
_CELL_ESCAPE = re.compile(r"\\(->|[\\\[\]|_;*tn])")
_TEXT_ESCAPE = re.compile("\\\\([\\\\tnfrb\x00-\x07\x0e-\x1f])")
_JAVA_ESCAPE = re.compile(r"\\(u+[0-9a-fA-F]{4}|[0-3]?[0-7]{1,2}|.)", re.DOTALL)
_CONTROLS = {"t": "\t", "n": "\n", "f": "\f", "r": "\r", "b": "\b"}

Problem = tuple[str, int, str]
"""(code, line, message)."""


@dataclass(frozen=True, slots=True)
class Column:
    """`kind`: value, mark (a layer without features), role and target (of a slot), source (of a relation), link."""

    kind: str
    feature: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A line `#T_…`: `kind` SP, CH or RL, the name of the type, and its columns, from the cell `first` on.

    A second line for a type has no kind: its cells are counted, and not read.
    """

    kind: str
    type: str
    columns: tuple[Column, ...]
    first: int


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
    """A file, parsed. `comments`: lines `#name=value` of the header."""

    version: tuple[int, int]
    layers: list[Layer] = field(default_factory=list)
    comments: dict[str, str] = field(default_factory=dict)
    sentences: list[Sentence] = field(default_factory=list)
    found: list[Problem] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def parse(text: str) -> Document | None:
    """A file as it is written; None if it does not begin as WebAnno TSV. Problems of lines are in `found`."""
    lines = [(number, line) for number, line in split_lines(text)]
    start = next((i for i, (_, line) in enumerate(lines) if line.strip()), len(lines))
    match = _FORMAT.fullmatch(lines[start][1]) if start < len(lines) else None
    if match is None:
        return None
    document = Document(version=(int(match[1]), int(match[2])))
    if document.version[0] == 3:
        rest = lines[start + 1 :]
        body = _header(document, rest)
        _body(document, rest[body:])
        _cells(document, ended=text.endswith("\n"))
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
    for row in rows:
        count, last = len(row.fields), row.fields[-1]
        whole = last and (not closed or last == NONE or (ended and row is rows[-1]))
        if count == width + 1 and not last:
            row.cells = row.fields[3:-1]
        elif count == width and (width == 3 or whole):
            row.cells = row.fields[3:]
        else:
            message = f"row {row.unit} has {count - 3 - (not last)} cells; the header declares {width - 3}"
            if count == width:
                message = f"row {row.unit} is cut: no tab ends its last cell"
            document.found.append(("I002", row.line, message))


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


def short(text: str) -> str:
    """A text in a message."""
    return text if len(text) <= 40 else text[:39] + "…"


def split_cell(cell: str, sign: str) -> list[str]:
    """The parts of a cell, still escaped; a sign behind a backslash parts nothing."""
    if "\\" not in cell:
        return cell.split(sign)
    parts, start, at = [], 0, 0
    while at < len(cell):
        if cell[at] == "\\":
            at += 1
        elif cell[at] == sign:
            parts.append(cell[start:at])
            start = at + 1
        at += 1
    return [*parts, cell[start:]]


def take_number(part: str) -> tuple[str, int | None]:
    """A part of a cell without its `[n]`, and n."""
    match = _NUMBERED.fullmatch(part) if part.endswith("]") else None
    return (match[1], int(match[2])) if match else (part, None)


def unescape_cell(value: str) -> str:
    r"""A value of a feature. A backslash before anything else than `\ [ ] | _ -> ; * t n` is a backslash."""
    return _CELL_ESCAPE.sub(lambda m: _CONTROLS.get(m[1], m[1]), value) if "\\" in value else value


def escape_cell(value: str) -> str:
    """The inverse of `unescape_cell`."""
    value = re.sub(r"->|[\\\[\]|_;*]", lambda m: "\\" + m[0], value)
    return value.replace("\t", "\\t").replace("\n", "\\n")


def unescape_text(value: str, version: tuple[int, int] = (3, 3)) -> str:
    """The text of a sentence. Until version 3.1 it was escaped as a string of Java."""
    if "\\" not in value:
        return value
    if version >= (3, 2):
        return _TEXT_ESCAPE.sub(lambda m: _CONTROLS.get(m[1], m[1]), value)
    text = _JAVA_ESCAPE.sub(_from_java, value)  # halves of surrogate pairs, each escaped, become characters again
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _from_java(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] == "u" and len(code) > 1:
        return chr(int(code.lstrip("u"), 16))
    return chr(int(code, 8)) if code.isdecimal() and code[0] < "8" else _CONTROLS.get(code, code)


def escape_text(value: str) -> str:
    """The inverse of `unescape_text` in version 3.3, for one line or more."""
    signs = {char: sign for sign, char in _CONTROLS.items()}
    return re.sub("[\\\\\x00-\x0a\x0c-\x1f]", lambda m: "\\" + signs.get(m[0], m[0]), value)


@dataclass(slots=True)
class Stacked:
    """One of the annotations of a layer in a row: its number, and its part of each column."""

    number: int | None = None
    cells: dict[int, str] = field(default_factory=dict)


def stack(columns: Sequence[Column], cells: Sequence[str]) -> tuple[list[Stacked], list[str]]:
    """The annotations of a span layer in a row, and what is wrong with the cells.

    Parts of the columns belong together by their numbers, or by their places where all columns have as many. Columns
    of targets have no numbers.
    """
    split = [(index, split_cell(cell, "|")) for index, cell in enumerate(cells) if cell != NONE]
    split.sort(key=lambda pair: (columns[pair[0]].kind == "target", -len(pair[1])))
    out: list[Stacked] = []
    wrong: list[str] = []
    for index, parts in split:
        first, homeless = not out, 0
        complete = first or len(parts) == len(out)
        for at, part in enumerate(parts):
            value, number = (part, None) if columns[index].kind == "target" else take_number(part)
            one = next((s for s in out if number is not None and s.number == number), None)
            if one is None and not first and complete and at < len(out) and None in {out[at].number, number}:
                one = out[at]
            if one is None and (first or number is not None):
                one = Stacked()
                out.append(one)
            if one is None or index in one.cells:
                homeless += 1
                continue
            one.number = number if one.number is None else one.number
            one.cells[index] = value
        if homeless:
            name = columns[index].feature
            wrong.append(f"{len(parts)} values of {name} for {len(out)} annotations, {homeless} of them left out")
    return out, wrong


def key_column(layer: Layer) -> int | None:
    """The column that says how many annotations of a chain or relation layer a row has."""
    return next((i for i, column in enumerate(layer.columns) if column.kind in {"source", "link"}), None)


def beside(layer: Layer, cells: Sequence[str]) -> tuple[list[dict[int, str]], list[str]]:
    """The annotations of a chain or relation layer in a row, column -> part, and what is wrong with the cells."""
    key = key_column(layer)
    if key is None or cells[key] == NONE:
        return [], ["nothing says what it links"]
    out = [{key: part} for part in split_cell(cells[key], "|")]
    wrong = []
    for index, cell in enumerate(cells):
        if index == key or cell == NONE:
            continue
        parts = [take_number(part)[0] for part in split_cell(cell, "|")]
        if len(parts) != len(out):
            wrong.append(f"{len(parts)} values of {layer.columns[index].feature} for {len(out)} annotations")
            continue
        for values, part in zip(out, parts, strict=True):
            values[index] = part
    return out, wrong
