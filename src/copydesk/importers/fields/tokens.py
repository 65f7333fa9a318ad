"""Texts that are lists of tokens with one tag each, as of Hub datasets: the text is the tokens joined by one space.

Not for files of token columns (CoNLL): those keep what stands between the tokens where they say it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from copydesk.articles.model import Article, Item, Range, layer_of
from copydesk.importers.fields.options import Fields, Tags
from copydesk.importers.fields.values import MISSING, Damaged, pick, property_name, shown, structured, tidy

_BEGIN, _INSIDE, _END, _ALONE = "B", "I", "E", "S"
_PREFIXES = {"B": _BEGIN, "I": _INSIDE, "E": _END, "S": _ALONE, "L": _END, "U": _ALONE, "M": _INSIDE}


def token_text(value: object) -> tuple[str, list[Range]]:
    """The text of a list of tokens, and where each of them is in it. Raises Damaged."""
    tokens = _list(value)
    if tokens is None:
        raise Damaged(f"the tokens are {shown(value)}, no list of strings")
    ranges: list[Range] = []
    at = 0
    words: list[str] = []
    for token in tokens:
        if not isinstance(token, str):
            raise Damaged(f"a token is {shown(token)}, no string")
        ranges.append((at, at + len(token)))
        words.append(token)
        at += len(token) + 1
    return " ".join(words), ranges


def _list(value: object) -> list[object] | None:
    """A list, out of the string that holds it in a table; one without brackets is cut at white space."""
    if isinstance(value, str) and not value.lstrip().startswith("["):
        return list(value.split())
    value = structured(value)
    return list(value) if isinstance(value, list | tuple) else None


def add_tokens(article: Article, values: Mapping[str, object], ranges: Sequence[Range], fields: Fields) -> None:
    """The tokens with their columns, and the spans that the tags of them make."""
    items = layer_of(article, "tokens")
    for number, span in enumerate(ranges, 1):
        items.append(Item(id=f"t{number}", ranges=(span,), line=article.line, pointer=article.pointer))
    for name in fields.token_columns:
        column = _column(article, values, name, len(ranges))
        for item, value in zip(items, column or (), strict=False):
            item.values[property_name(name, {"id", "label"})] = tidy(value, article.left_out)
    for rule in fields.tags:
        column = _column(article, values, rule.field, len(ranges))
        made = layer_of(article, rule.layer)
        if column is not None:
            made.extend(_spans(article, rule, column, ranges, len(made)))


def _column(article: Article, values: Mapping[str, object], name: str, length: int) -> list[object] | None:
    """The values of a column, one a token; None where there is no such column, which is noted."""
    value = pick(values, name)
    if value is MISSING or value is None:
        article.problem("I005", f"the row has no {name!r}", pointer=article.pointer)
        return None
    try:
        column = _list(value)
    except Damaged as damaged:
        article.problem("I002", str(damaged), pointer=article.pointer)
        return None
    if column is None or len(column) != length:
        count = "no list" if column is None else f"{len(column)} values"
        article.problem("I002", f"{name} has {count} for {length} tokens", pointer=article.pointer)
        return None
    return column


def _spans(article: Article, rule: Tags, column: Sequence[object], ranges: Sequence[Range], before: int) -> list[Item]:
    """The spans of a sequence of tags, read leniently: an inside tag that nothing precedes begins one (I017)."""
    spans: list[tuple[int, int, str]] = []
    begun_by: set[str] = set()
    unknown = 0
    kind = ""
    for number, value in enumerate(column):
        tag = _tag(value, rule.names)
        if tag is None:
            unknown += 1
        kind_before, (kind, label) = kind, _split(tag)
        if kind == "":
            continue
        goes_on = kind_before in {_BEGIN, _INSIDE} and spans[-1][2] == label and kind in {_INSIDE, _END}
        if goes_on:
            spans[-1] = (spans[-1][0], number + 1, label)
        else:
            spans.append((number, number + 1, label))
            if kind_before == "":
                begun_by.add(kind)
    if unknown:
        article.problem("I002", f"{unknown} tags of {rule.field} have no name", pointer=article.pointer)
    if _BEGIN in begun_by and begun_by & {_INSIDE, _END}:
        message = f"in {rule.field}, spans begin with inside tags"
        article.problem("I017", message, pointer=article.pointer)
    return [
        Item(
            id=f"{rule.layer[:1].lower() or 'm'}{before + number}",
            ranges=((ranges[first][0], ranges[last - 1][1]),),
            label=label,
            line=article.line,
            pointer=article.pointer,
        )
        for number, (first, last, label) in enumerate(spans, 1)
    ]


def _tag(value: object, names: Sequence[str]) -> str | None:
    """The tag as a string, "O" for no tag; None for a number that has no name."""
    if value is None:
        return "O"
    if isinstance(value, str) and not (names and value.isdecimal()):
        return value
    if isinstance(value, int | str) and not isinstance(value, bool):
        number = int(value)
        if 0 <= number < len(names):
            return names[number]
        if number == -1:
            return "O"
    return None


def _split(tag: str | None) -> tuple[str, str]:
    """(B, I, E or S, label), or ("", "") outside of spans. A tag without a prefix is a label of tokens inside."""
    if tag is None or tag in {"O", "o", "_", ""}:
        return "", ""
    prefix, dash, label = tag.partition("-")
    if dash and label and prefix in _PREFIXES:
        return _PREFIXES[prefix], label
    return _INSIDE, tag
