"""Sentences of rows whose columns are known -> the layers of an article, and its text. Reads no lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from copydesk.articles.model import Article, Item, Range, Value, layer_of
from copydesk.importers.columns.layout import Layout, begins, tag_of
from copydesk.importers.columns.lines import Block
from copydesk.importers.tokentext import OUTSIDE, Ids, TextBuilder, align, decode, identifier


@dataclass(slots=True, kw_only=True)
class Laid:
    """The text of a document, the ranges of the tokens of each sentence, and how many comments are not its text."""

    text: str
    ranges: list[list[Range]] = field(default_factory=list)
    unlike: int = 0


def sentences(blocks: Sequence[Block], layout: Layout) -> Iterator[Block]:
    """The sentences with the tokens that can be read; cut where the column for that says so."""
    for block in blocks:
        if layout.start is None and all(map(layout.form, block.rows)):
            yield block
            continue
        rows = block.rows
        block.rows = []
        current = block
        for row in rows:
            if not layout.form(row):
                block.problems.append((row.line, "the line has no token"))
                continue
            if current.rows and begins(row, layout.start):
                yield current
                current = Block(line=row.line)
            current.rows.append(row)
        yield current


def lay(blocks: Sequence[Block], layout: Layout) -> Laid:
    """The text of a document: its tokens with a space between them, its sentences with a line feed."""
    builder = TextBuilder()
    laid = Laid(text="")
    between = "" if layout.characters else " "
    for block in blocks:
        forms = [layout.form(row) for row in block.rows]
        if builder.parts and forms:
            builder.add("\n")
        said = next((value for _, key, value in block.comments if key == "text"), None) if layout.spelt else None
        aligned = align(forms, said) if said and forms else None
        if said and aligned is not None:
            start, _ = builder.add(said)
            laid.ranges.append([(start + first, start + end) for first, end in aligned])
            continue
        laid.unlike += said is not None
        laid.ranges.append(list(builder.words(forms, between)))
    laid.text = builder.text
    return laid


def fill(article: Article, blocks: Sequence[Block], laid: Laid, layout: Layout) -> None:
    """Put tokens, sentences and spans into the layers of an article."""
    if laid.unlike:
        article.left_out["text comments that the tokens do not spell"] += laid.unlike
    if layout.language:
        article.values["language"] = layout.language.removesuffix(":")
    names = Ids({value for block in blocks for _, key, value in block.comments if key in {"sent_id", "id"}})
    seen: set[str] = set()
    layer_of(article, "tokens")
    for _, layer, _ in layout.tags.values():
        layer_of(article, layer)
    for block, ranges in zip(blocks, laid.ranges, strict=True):
        for line, message in block.problems:
            article.problem("I002", message, line=line)
        if block.rows:
            _sentence(article, block, (ranges[0][0], ranges[-1][1]), names, seen)
            _tokens(article, block, ranges, layout)
    for number, (_, layer, scheme) in layout.tags.items():
        items = layer_of(article, layer)
        if scheme == "ids":
            _identified(article, items, blocks, laid, number)
        else:
            _tagged(article, items, blocks, laid, number, scheme)
    article.left_out = +article.left_out
    for layer in {layer for _, layer, _ in layout.tags.values()} if len(layout.tags) > 1 else ():
        article.layers[layer].sort(key=lambda item: item.ranges)


def _sentence(article: Article, block: Block, span: Range, names: Ids, seen: set[str]) -> None:
    values: dict[str, Value] = {}
    own, layer = "", layer_of(article, "sentences")
    for line, key, value in block.comments:
        if key in {"sent_id", "id"} and not own:
            own = value
            if own in seen:
                article.problem("I006", f"the sentence {own[:40]!r} is there twice", line=line)
        elif key != "text":
            values.setdefault(identifier(key), value)
    own = own if own and own not in seen else names.make(f"s{len(layer) + 1}")
    seen.add(own)
    layer.append(Item(id=own, ranges=(span,), values=values, line=block.line))


def _tokens(article: Article, block: Block, ranges: Sequence[Range], layout: Layout) -> None:
    """The tokens of a sentence; where these are characters, its spaces are text alone."""
    tokens = article.layers["tokens"]
    columns = tuple(layout.values.items())
    for row, place in zip(block.rows, ranges, strict=True):
        cells = row.cells
        for number in layout.unread:
            article.left_out["columns named _"] += (cells[number] or "") not in OUTSIDE
        if layout.characters and layout.form(row) == " ":
            continue
        values: dict[str, Value] = {name: cells[number] for number, name in columns if cells[number] is not None}
        tokens.append(Item(id=f"t{len(tokens) + 1}", ranges=(place,), values=values, line=row.line))


def _tagged(article: Article, items: list[Item], blocks: Sequence[Block], laid: Laid, number: int, scheme: str) -> None:
    """Spans of tags such as B-PER."""
    for block, ranges in zip(blocks, laid.ranges, strict=True):
        tags = [tag_of(row, number) for row in block.rows]
        if OUTSIDE.issuperset(tags):
            continue
        spans, repairs = decode(tags, scheme)
        for index, message in repairs:
            article.problem("I017", message, line=block.rows[index].line)
        for span in spans:
            place = (ranges[span.start][0], ranges[span.end - 1][1])
            line = block.rows[span.start].line
            items.append(Item(id=f"m{len(items) + 1}", ranges=(place,), label=span.label, line=line))


def _identified(article: Article, items: list[Item], blocks: Sequence[Block], laid: Laid, number: int) -> None:
    """Spans of tags such as `direct.speech.3.nonfact`: a label, an id, and attributes. Neighbours are one piece."""
    made: dict[str, Item] = {}
    ids = Ids()
    last: dict[str, int] = {}
    index = 0
    for block, ranges in zip(blocks, laid.ranges, strict=True):
        for row, place in zip(block.rows, ranges, strict=True):
            index += 1
            tag = tag_of(row, number)
            for part in tag.split("|") if tag not in OUTSIDE else ():
                fields = part.split(".")
                at = next((i for i, f in enumerate(fields) if f[:1].isdigit()), None)
                if at is None or at == 0:
                    article.problem("I002", f"{part[:40]!r} is no label with an id", line=row.line)
                    continue
                if part not in made:
                    values: dict[str, Value] = {"attributes": ".".join(fields[at + 1 :])} if fields[at + 1 :] else {}
                    if fields[at] in ids.taken:
                        article.problem("I006", f"two spans have the id {fields[at][:40]!r}", line=row.line)
                    name = ids.make(fields[at])
                    made[part] = Item(id=name, label=".".join(fields[:at]), values=values, line=row.line)
                    items.append(made[part])
                item = made[part]
                if last.get(part) == index - 1:
                    item.ranges = (*item.ranges[:-1], (item.ranges[-1][0], place[1]))
                else:
                    item.ranges = (*item.ranges, place)
                last[part] = index
