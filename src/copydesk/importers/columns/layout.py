"""Which column is what: the token, the tags, the rest. By options, by a header, or by what stands in the columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from copydesk.articles.units import Options
from copydesk.importers.columns.lines import TOKEN_NAMES, Block, Row, Sheet
from copydesk.importers.tokentext import OUTSIDE, identifier, is_prefixed, layers_of, scheme_of, split_tag

_LANGUAGE = re.compile(r"((?:[a-z]{2,3}(?:-[a-z]+)*|simple):)")
_YES = frozenset({"yes", "b", "1", "true"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the columns are: `tags` number -> (name, layer, scheme), `values` number -> property of the token.

    `language`: what stands before every token, colon included, as in WikiANN (`en:Vela`). `characters`: the tokens are
    characters of a text, whose spaces are among them or not to be seen at all.
    """

    token: int
    tags: Mapping[int, tuple[str, str, str]]
    values: Mapping[int, str]
    unread: tuple[int, ...] = ()
    start: int | None = None
    spelt: bool = True
    characters: bool = False
    language: str = ""

    def form(self, row: Row) -> str:
        """The token of a row."""
        return (row.cells[self.token] or "")[len(self.language) :]


def layout_of(sheet: Sheet, options: Options) -> Layout | str:
    """What the columns are, or what is wrong with the options."""
    given = options.get("columns")
    names = [str(name) for name in given] if isinstance(given, list | tuple) else list(sheet.names)
    names += [f"column{number}" for number in range(len(names) + 1, sheet.width + 1)]
    token = _token(names, sheet, named=bool(given))
    if not given and not sheet.names:
        names[token] = "token"
    start = options.get("sentence_start")
    layers = layers_of(options.get("tag_columns"))
    for name in (*layers, *([start] if isinstance(start, str) else [])):
        if name not in names:
            return f"there is no column {name!r}; the columns are {', '.join(names)[:80]}"
    tags = str(options.get("tags", "auto"))
    if tags == "none":
        layers = {}
    elif not layers:
        layers = {names[column]: "mentions" for column in _untold(names, sheet, tags, token, named=bool(given))}
    by_number = {names.index(name): (name, layer) for name, layer in layers.items()}
    counted = {sheet.index} if sheet.index is not None else {n for n, name in enumerate(names) if name in _COUNTERS}
    apart = {token, *by_number, *counted, *([names.index(start)] if isinstance(start, str) else [])}
    language = _language(sheet.blocks, token)
    return Layout(
        token=token,
        tags=_with_schemes(by_number, tags, sheet.blocks),
        values={n: identifier(name) for n, name in enumerate(names) if n not in apart and name != "_"},
        unread=tuple(n for n, name in enumerate(names) if name == "_"),
        start=names.index(start) if isinstance(start, str) else None,
        spelt=options.get("text") != "tokens",
        characters=options.get("text") == "characters" or _are_characters(sheet.blocks, token),
        language=language,
    )


_COUNTERS = frozenset({"index", "#"})
"""Names of columns that count tokens."""


def _token(names: Sequence[str], sheet: Sheet, *, named: bool) -> int:
    lower = [name.lower() for name in names]
    known = next((lower.index(name) for name in TOKEN_NAMES if name in lower), None)
    if known is not None:
        return known
    return sheet.index + 1 if sheet.index is not None and not named else 0


def _untold(names: Sequence[str], sheet: Sheet, tags: str, token: int, *, named: bool) -> list[int]:
    """The columns with tags, where no option names them."""
    usual = next((name for name in ("tags", "tag", "ner") if name in names and named), None)
    if usual:
        found = [names.index(usual)]
    else:
        found = [] if named else tag_columns(sheet)
    if not found and (named or tags != "auto"):
        found = [sheet.width - 1]
    return [column for column in found if column != token]


def _with_schemes(
    columns: Mapping[int, tuple[str, str]], tags: str, blocks: Sequence[Block]
) -> dict[int, tuple[str, str, str]]:
    """The columns with their scheme, which is one for all columns of a layer."""
    schemes = {}
    for wanted in {layer for _, layer in columns.values()} if tags == "auto" else ():
        numbers = [n for n, (_, layer) in columns.items() if layer == wanted]
        schemes[wanted] = scheme_of([tag_of(row, n) for row in block.rows] for n in numbers for block in blocks)
    return {n: (name, layer, schemes.get(layer, tags)) for n, (name, layer) in columns.items()}


def tag_of(row: Row, column: int) -> str:
    """The tag in a column of a row."""
    return (row.cells[column] or "O").strip(" ")


def tag_columns(sheet: Sheet) -> list[int]:
    """The columns that hold tags, by what is in them.

    Of these the last one is it: before it stand those of other tasks, such as chunks, and parts of speech. But tags
    that lie in others stand in columns of their own (GermEval 2014). So the columns to the left of it that have a label
    in common with it belong to it; where no header names the columns, those too in which a third of the tokens is
    outside of anything, as chunks leave far less; and a column on either side in which nothing is tagged at all.

    If no column has tags with letters such as B- before their label, it is the last one, if O stands in it.
    """
    rows = [row for block in sheet.blocks for row in block.rows]
    counted = [Counter(row.cells[column] for row in rows) for column in range(sheet.width)]
    first = 1 if sheet.index is None else sheet.index + 2
    like = [n for n in range(first, sheet.width) if _has_tags(counted[n])]
    if not like:
        last = sheet.width - 1
        some = last > 0 and any((cell or "").strip(" ") == "O" for cell in counted[last])
        return [last] if some else []
    found = [like[-1]]
    labels = _labels(counted[found[0]])
    for column in range(found[0] - 1, first - 1, -1):
        own = _labels(counted[column])
        sparse = not sheet.names and 3 * own.total() < 2 * len(rows)
        if not _is_outside(counted[column]) and not (column in like and (sparse or own.keys() & labels.keys())):
            break
        found.insert(0, column)
        labels += own
    right = range(found[-1] + 1, sheet.width)
    return [*found, *(n for n in right if all(_is_outside(counted[m]) for m in range(found[-1] + 1, n + 1)))]


def _has_tags(cells: Counter[str | None]) -> bool:
    """Whether nearly all cells of a column are O or have a letter before their label, and some have."""
    prefixed = sum(n for tag, n in cells.items() if tag is not None and is_prefixed(tag.strip(" ")))
    outside = sum(n for tag, n in cells.items() if tag is None or tag.strip(" ") in OUTSIDE)
    return prefixed > 0 and prefixed + outside > 0.95 * cells.total()


def _is_outside(cells: Counter[str | None]) -> bool:
    return {cell.strip(" ") if cell else cell for cell in cells} <= {"O", None}


def _labels(cells: Counter[str | None]) -> Counter[str | None]:
    out: Counter[str | None] = Counter()
    for cell, n in cells.items():
        prefix, label = split_tag((cell or "O").strip(" "))
        if prefix is not None:
            out[label] += n
    return out


def _tokens(blocks: Sequence[Block], token: int) -> Iterator[str]:
    return (row.cells[token] or "" for block in blocks for row in block.rows)


def _language(blocks: Sequence[Block], token: int) -> str:
    """What stands before all tokens, if that is the same code of a language before several."""
    tokens = _tokens(blocks, token)
    match = _LANGUAGE.match(next(tokens, ""))
    mark = match[1] if match else ""
    n = 0
    for n, form in enumerate(tokens, 1):  # noqa: B007 - how many there are
        if not mark or not form.startswith(mark):
            return ""
    return mark if n else ""


def _are_characters(blocks: Sequence[Block], token: int) -> bool:
    """Whether the tokens are single characters, spaces among them."""
    spaces = False
    for form in _tokens(blocks, token):
        if len(form) > 1:
            return False
        spaces = spaces or form == " "
    return spaces


def begins(row: Row, column: int | None) -> bool:
    """Whether a sentence begins at a row, as the column for that says: `yes` or its like, or `Sentence: 12`."""
    said = (row.cells[column] or "").lower() if column is not None else ""
    return said in _YES or said.startswith("sentence")
