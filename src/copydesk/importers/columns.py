"""Token columns: CoNLL-2003 and its kin, one token a line with tags in columns. Not CoNLL-U, not CoNLL-2012.

Format: https://www.clips.uantwerpen.be/conll2003/ner/. The text is the tokens joined by one space, the sentences by one
line feed; where a comment `# text` gives a text that the tokens spell, that is the sentence. Unless options say
otherwise the first column is the token (the second where the first counts them), and the tags are in the last column
that looks like it; all others are values of the tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from copydesk.articles.model import Article, Item, Range, Value, layer_of
from copydesk.articles.units import Options, Sample, decode, each
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.columnlines import TOKEN_NAMES, Block, Row, Sheet, documents, read_sheet, tag_column
from copydesk.importers.tokentext import (
    OUTSIDE,
    SCHEMES,
    Ids,
    TextBuilder,
    align,
    article_ids,
    identifier,
    is_prefixed,
    layers_of,
    scheme_of,
)
from copydesk.importers.tokentext import decode as decode_tags
from copydesk.project import Source
from copydesk.sources import RawRecord, Unit

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "columns": {
        "type": "array",
        "items": {"type": "string"},
        "minItems": 1,
        "description": "names of the columns in order, one of them token; a column named _ is not read",
    },
    "tag_columns": {
        "type": ["array", "object"],
        "items": {"type": "string"},
        "additionalProperties": {"type": "string"},
        "description": "columns that hold tags: a list (one becomes the layer mentions, several a layer each), or a "
        "table from column to layer",
    },
    "tags": {
        "enum": ["auto", *SCHEMES, "ids", "none"],
        "description": "the scheme of the tags; auto (the default): for each file the one that its tags break least; "
        "ids: label.id, several joined by |, and what has one label and id is one span; none: there are no tags",
    },
    "separator": {
        "enum": ["auto", "tab", "space"],
        "description": "what separates columns; auto (the default): tabs if most lines have one, else spaces",
    },
    "header": {
        "type": "boolean",
        "description": "whether the first line names the columns; if not said, that is seen from its words",
    },
    "document": {
        "enum": ["docstart", "file", "blank"],
        "description": "what becomes an article: what -DOCSTART- or a comment newdoc begins (the default; the whole "
        "file where there is none), each file, or each sentence",
    },
    "text": {
        "enum": ["comment", "tokens"],
        "description": "comment (the default): a sentence reads as its comment text, if the tokens spell that; tokens: "
        "the tokens joined by one space each",
    },
    "sentence_start": {
        "type": "string",
        "description": "a column that says yes where a sentence begins, in files without empty lines",
    },
}
TAKES = ("articles",)

_SUFFIXES = (".conll", ".bio", ".iob", ".iob1", ".iob2", ".bioes", ".bilou", ".ner", ".col", ".tsv", ".txt")
_FOREIGN = ("#FORMAT=", "#begin document", "{", "<?xml", "<!DOCTYPE")


def sniff(sample: Sample) -> int:
    """By -DOCSTART-, by tags, in files with one of the usual suffixes."""
    best = 0
    for suffix in _SUFFIXES:
        name, head = sample.first(suffix) or ("", b"")
        text = head.decode("utf-8", "replace").removeprefix("\ufeff").rpartition("\n")[0]
        if not name or not text or text.startswith(_FOREIGN):
            continue
        sheet = read_sheet(text, separator="auto", header=None, width=None)
        column = tag_column(sheet.blocks, sheet.width)
        if sheet.share < 0.9 or column is None or sheet.width > 9:
            continue
        tagged = any(is_prefixed(row.cells[column] or "") for block in sheet.blocks for row in block.rows)
        best = max(best, 95 if text.startswith("-DOCSTART-") else 88 if tagged else 60)
    return best


def units(source: Source, names: Sequence[str]) -> Iterator[Unit]:
    """Each file."""
    yield from each(names, *_SUFFIXES)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """What the columns are: `tags` number -> (name, layer, scheme), `values` number -> property of the token."""

    token: int
    tags: Mapping[int, tuple[str, str, str]]
    values: Mapping[int, str]
    unread: tuple[int, ...] = ()
    start: int | None = None
    spelt: bool = True


def read(root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Diagnostic]:
    """The documents of a file."""
    decoded = decode(raw.data, raw.file, source.encoding)
    if isinstance(decoded, Diagnostic):
        yield decoded
        return
    options = source.options
    sheet, problem = _sheet(decoded[0], options)
    layout = problem or _layout(sheet, options)
    if isinstance(layout, str):
        yield Diagnostic(code="I001", place=Place(file=raw.file), message=layout)
        return
    rule = str(options.get("document", "docstart"))
    docs = [(own, list(_sentences(blocks, layout))) for own, blocks in documents(sheet.blocks, rule)]
    laid = [_lay(blocks, layout) for _, blocks in docs]
    ids = article_ids(raw.name, [own for own, _ in docs], lambda index: laid[index].text)
    for (_, blocks), text, (made, twice) in zip(docs, laid, ids, strict=True):
        article = Article(id=made, text=text.text, file=raw.file, line=blocks[0].starts or blocks[0].line)
        if twice:
            article.problem("I006", f"an earlier article of the file has the id too; this one is called {made[:60]!r}")
        if blocks is docs[0][1]:
            article.left_out.update({"comments": sheet.other, "documents without a token": sheet.empty})
        if rule != "docstart":
            article.left_out["document boundaries"] += sum(block.starts > 0 for block in blocks)
        _fill(article, blocks, text, layout)
        yield article


def _sheet(text: str, options: Options) -> tuple[Sheet, str | None]:
    """The sentences, or why these are no token columns."""
    columns, header = options.get("columns"), options.get("header")
    sheet = read_sheet(
        text,
        separator=str(options.get("separator", "auto")),
        header=header if isinstance(header, bool) else None,
        width=len(columns) if isinstance(columns, list | tuple) else None,
    )
    if text.startswith(_FOREIGN[:2]):
        return sheet, f"the file begins with {text[:15]!r}: this is another format"
    if not any(block.rows for block in sheet.blocks):
        return sheet, "there is no token in the file"
    if sheet.width < 2 and not columns and options.get("tags") != "none":
        return sheet, "the lines have one column: there are tokens, or words, and no tags"
    if sheet.share < 0.6:
        return sheet, f"{sheet.share:.0%} of the lines have {sheet.width} columns: these are no token columns"
    return sheet, None


def _layout(sheet: Sheet, options: Options) -> _Layout | str:
    """What the columns are, or what is wrong with the options."""
    given = options.get("columns")
    names = [str(name) for name in given] if isinstance(given, list | tuple) else list(sheet.names)
    names += [f"column{number}" for number in range(len(names) + 1, sheet.width + 1)]
    lower = [name.lower() for name in names]
    named = next((lower.index(name) for name in TOKEN_NAMES if name in lower), None)
    token = named if named is not None else (1 if sheet.indexed and not given else 0)
    if not given and not sheet.names:
        names[token] = "token"
    tags = str(options.get("tags", "auto"))
    layers = layers_of(options.get("tag_columns"))
    if unknown := [name for name in layers if name not in names]:
        return f"there is no column {unknown[0]!r}; the columns are {', '.join(names)[:80]}"
    start = options.get("sentence_start")
    if isinstance(start, str) and start not in names:
        return f"there is no column {start!r}; the columns are {', '.join(names)[:80]}"
    if not layers and tags != "none":
        usual = next((name for name in ("tags", "tag", "ner") if name in names and given), None)
        column = names.index(usual) if usual else None if given else tag_column(sheet.blocks, sheet.width)
        if column is None and (given or tags != "auto"):
            column = sheet.width - 1
        if column is not None and column != token:
            layers = {names[column]: "mentions"}
    by_number = {names.index(name): (name, layer) for name, layer in layers.items()} if tags != "none" else {}
    counted = {0} if sheet.indexed and token else {n for n, name in enumerate(names) if name in {"index", "#"}}
    apart = {token, *by_number, *counted, *([names.index(start)] if isinstance(start, str) else [])}
    rows = [block.rows for block in sheet.blocks]
    return _Layout(
        token=token,
        tags={n: (*named, _scheme(tags, n, rows)) for n, named in by_number.items()},
        values={n: identifier(name) for n, name in enumerate(names) if n not in apart and name != "_"},
        unread=tuple(n for n, name in enumerate(names) if name == "_"),
        start=names.index(start) if isinstance(start, str) else None,
        spelt=options.get("text") != "tokens",
    )


def _scheme(tags: str, column: int, sentences: Sequence[Sequence[Row]]) -> str:
    if tags != "auto":
        return tags
    return scheme_of([_tag(row, column) for row in rows] for rows in sentences)


def _tag(row: Row, column: int) -> str:
    return (row.cells[column] or "O").strip(" ")


def _sentences(blocks: Sequence[Block], layout: _Layout) -> Iterator[Block]:
    """The sentences with the tokens that can be read; cut where the column for that says so."""
    for block in blocks:
        rows = block.rows
        block.rows = []
        current = block
        for row in rows:
            if not (row.cells[layout.token] or ""):
                block.problems.append((row.line, "the line has no token"))
                continue
            begins = layout.start is not None and (row.cells[layout.start] or "").lower() in {"yes", "b", "1", "true"}
            if begins and current.rows:
                yield current
                current = Block(line=row.line)
            current.rows.append(row)
        yield current


@dataclass(slots=True, kw_only=True)
class _Laid:
    """The text of a document, the ranges of the tokens of each sentence, and how many comments are not its text."""

    text: str
    ranges: list[list[Range]] = field(default_factory=list)
    unlike: int = 0


def _lay(blocks: Sequence[Block], layout: _Layout) -> _Laid:
    builder = TextBuilder()
    laid = _Laid(text="")
    for block in blocks:
        forms = [row.cells[layout.token] or "" for row in block.rows]
        if builder.parts and forms:
            builder.add("\n")
        said = next((value for _, key, value in block.comments if key == "text"), None) if layout.spelt else None
        aligned = align(forms, said) if said and forms else None
        if said and aligned is not None:
            start, _ = builder.add(said)
            laid.ranges.append([(start + first, start + end) for first, end in aligned])
            continue
        laid.unlike += said is not None
        laid.ranges.append([])
        for index, form in enumerate(forms):
            if index:
                builder.add(" ")
            laid.ranges[-1].append(builder.add(form))
    laid.text = builder.text
    return laid


def _fill(article: Article, blocks: Sequence[Block], laid: _Laid, layout: _Layout) -> None:
    """Put tokens, sentences and spans into the layers of an article."""
    if laid.unlike:
        article.left_out["text comments that the tokens do not spell"] += laid.unlike
    names = Ids({value for block in blocks for _, key, value in block.comments if key in {"sent_id", "id"}})
    seen: set[str] = set()
    tokens = layer_of(article, "tokens")
    for _, layer, _ in layout.tags.values():
        layer_of(article, layer)
    for block, ranges in zip(blocks, laid.ranges, strict=True):
        for line, message in block.problems:
            article.problem("I002", message, line=line)
        if not block.rows:
            continue
        _sentence(article, block, (ranges[0][0], ranges[-1][1]), names, seen)
        for row, place in zip(block.rows, ranges, strict=True):
            cells = ((name, row.cells[number]) for number, name in layout.values.items())
            values: dict[str, Value] = {name: cell for name, cell in cells if cell is not None}
            tokens.append(Item(id=f"t{len(tokens) + 1}", ranges=(place,), values=values, line=row.line))
            for number in layout.unread:
                article.left_out["columns named _"] += (row.cells[number] or "") not in OUTSIDE
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


def _tagged(
    article: Article, items: list[Item], blocks: Sequence[Block], laid: _Laid, number: int, scheme: str
) -> None:
    """Spans of tags such as B-PER."""
    for block, ranges in zip(blocks, laid.ranges, strict=True):
        spans, repairs = decode_tags([_tag(row, number) for row in block.rows], scheme)
        for index, message in repairs:
            article.problem("I017", message, line=block.rows[index].line)
        for span in spans:
            place = (ranges[span.start][0], ranges[span.end - 1][1])
            line = block.rows[span.start].line
            items.append(Item(id=f"m{len(items) + 1}", ranges=(place,), label=span.label, line=line))


def _identified(article: Article, items: list[Item], blocks: Sequence[Block], laid: _Laid, number: int) -> None:
    """Spans of tags such as `direct.speech.3.nonfact`: a label, an id, and attributes. Neighbours are one piece."""
    made: dict[str, Item] = {}
    ids = Ids()
    last: dict[str, int] = {}
    index = 0
    for block, ranges in zip(blocks, laid.ranges, strict=True):
        for row, place in zip(block.rows, ranges, strict=True):
            index += 1
            tag = _tag(row, number)
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
