"""The cells of a WebAnno TSV file: columns, layers, the annotations in a cell, escapes. Knows no lines and no text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

NONE, NULL = "_", "*"
"""A cell without an annotation; an annotation without a value."""

_NUMBERED = re.compile(r"((?:[^\\]|\\.)*)\[(\d{1,9})\]", re.DOTALL)
_CELL_ESCAPE = re.compile(r"\\(->|[\\\[\]|_;*tn])")
_TEXT_ESCAPE = re.compile("\\\\([\\\\tnfrb\x00-\x07\x0e-\x1f])")
_JAVA_ESCAPE = re.compile(r"\\(u+[0-9a-fA-F]{4}|[0-3]?[0-7]{1,2}|.)", re.DOTALL)
_CONTROLS = {"t": "\t", "n": "\n", "f": "\f", "r": "\r", "b": "\b"}


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
