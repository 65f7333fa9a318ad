"""Token columns: CoNLL-2003 and its kin, one token a line with tags in columns. Not CoNLL-U, not CoNLL-2012.

Format: https://www.clips.uantwerpen.be/conll2003/ner/. The text is the tokens joined by one space, the sentences by one
line feed; where a comment `# text` gives a text that the tokens spell, that is the sentence. Unless options say
otherwise the first column is the token (the one after it where a column counts them), and the tags are in the last
column that looks like it, and in those beside it that hold tags of the same kind; all others are values of the tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from copydesk.articles.model import Article
from copydesk.articles.units import Options, Sample, decode, stem
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.columns.article import fill, lay, sentences
from copydesk.importers.columns.layout import layout_of, tag_columns
from copydesk.importers.columns.lines import Block, Sheet, documents, read_sheet
from copydesk.importers.heads import heads_by_suffix
from copydesk.importers.tokentext import SCHEMES, article_ids, is_prefixed
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
        "enum": ["comment", "tokens", "characters"],
        "description": "comment (the default): a sentence reads as its comment text, if the tokens spell that; tokens: "
        "the tokens joined by one space each; characters: the tokens joined by nothing, as of a text that is cut into "
        "characters; so is one whose tokens are single characters, spaces among them",
    },
    "sentence_start": {
        "type": "string",
        "description": "a column that says yes, or Sentence, where a sentence begins, in files without empty lines",
    },
}
TAKES = ("articles",)

_SUFFIXES = (".conll", ".bio", ".iob", ".iob1", ".iob2", ".bioes", ".bilou", ".ner", ".col", ".tsv", ".txt")
_SPLITS = ("train", "trainset", "dev", "devel", "valid", "validation", "test", "testa", "testb", "extra")
"""What files are called, or end in, that have no suffix of their own: `eng.testa` (CoNLL-2003), `train` (WikiANN)."""
_OTHERS = ("#FORMAT=", "#begin document", " # webanno")
_FOREIGN = (*_OTHERS, "{", "<?xml", "<!DOCTYPE")
_SEEN = 16_000
"""Characters of a file that are looked at to know the format."""


def sniff(sample: Sample) -> int:
    """By -DOCSTART-, by tags, in files with one of the usual names."""
    best = 0
    for _, text in heads_by_suffix(sample, [name for name in sample.names if _is_usual(name)]):
        if len(text) > _SEEN:
            text = text[:_SEEN].rpartition("\n")[0]
        if not text or text.startswith(_FOREIGN):
            continue
        sheet = read_sheet(text, separator="auto", header=None, width=None)
        columns = tag_columns(sheet)
        if sheet.share < 0.9 or not columns:
            continue
        rows = [row for block in sheet.blocks for row in block.rows]
        tagged = any(is_prefixed(row.cells[column] or "") for row in rows for column in columns)
        if tagged or sheet.width < 10:  # as many has CoNLL-U
            best = max(best, 95 if text.startswith("-DOCSTART-") else 88 if tagged else 60)
        if best == 95:
            break
    return best


def _is_usual(name: str) -> bool:
    last = PurePosixPath(name.lower()).name
    return last.endswith(_SUFFIXES) or last.rpartition(".")[2] in _SPLITS


def units(source: Source, names: Sequence[str]) -> Iterator[Unit]:
    """Each file of one of the usual names; all, if there is none of them.

    A .txt file is one where no other name is usual: beside others it is a README.
    """
    usual = [name for name in names if _is_usual(name)]
    surer = [name for name in usual if not name.lower().endswith(".txt")]
    for name in surer or usual or names:
        yield Unit(files=(name,), name=stem(name) if name.lower().endswith(_SUFFIXES) else name)


def read(root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Diagnostic]:
    """The documents of a file."""
    decoded = decode(raw.data, raw.file, source.encoding)
    if isinstance(decoded, Diagnostic):
        yield decoded
        return
    options = source.options
    sheet, problem = _sheet(decoded[0], options)
    layout = problem or layout_of(sheet, options)
    if isinstance(layout, str):
        yield Diagnostic(code="I001", place=Place(file=raw.file), message=layout)
        return
    rule = str(options.get("document", "docstart"))
    docs: list[list[Block]] = []
    own: list[str | None] = []
    for given, blocks in documents(sheet.blocks, rule):
        docs.append(list(sentences(blocks, layout)))
        own.append(given)
    sheet.blocks.clear()
    ids = article_ids(raw.name, own, lambda index: lay(docs[index], layout).text)
    for index, (made, twice) in enumerate(ids):
        blocks, docs[index] = docs[index], []  # a document that is done takes no more room
        laid = lay(blocks, layout)
        article = Article(id=made, text=laid.text, file=raw.file, line=blocks[0].starts or blocks[0].line)
        if twice:
            article.problem("I006", f"an earlier article of the file has the id too; this one is called {made[:60]!r}")
        if index == 0:
            article.left_out.update({"comments": sheet.other, "documents without a token": sheet.empty})
        if rule != "docstart":
            article.left_out["document boundaries"] += sum(block.starts > 0 for block in blocks)
        fill(article, blocks, laid, layout)
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
    if text.startswith(_OTHERS):
        return sheet, f"the file begins with {text[:15]!r}: this is another format"
    if not any(block.rows for block in sheet.blocks):
        return sheet, "there is no token in the file"
    if sheet.width < 2 and not columns and options.get("tags") != "none":
        return sheet, "the lines have one column: there are tokens, or words, and no tags"
    if sheet.share < 0.6:
        return sheet, f"{sheet.share:.0%} of the lines have {sheet.width} columns: these are no token columns"
    return sheet, None
