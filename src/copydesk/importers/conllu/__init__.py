"""CoNLL-U and CoNLL-U Plus, entities in MISC included. https://universaldependencies.org/format.html

Only the field parsers of the library `conllu` are used. Its reader of whole sentences splits lines at two spaces, cuts
a value of MISC at its second `=`, drops comments without a value and of repeated ones all but the last, and gives a
sentence up at its first damaged field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from conllu.exceptions import ParseException
from conllu.parser import DEFAULT_FIELDS, parse_id_value, parse_int_value

from copydesk.articles.model import Article
from copydesk.articles.units import Sample, decode, each, split_lines
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.conllu.article import Fields, fill
from copydesk.importers.conllu.text import NEWDOC, NEWPAR, Row, Sentence, documents, lay
from copydesk.importers.heads import heads, heads_by_suffix
from copydesk.importers.tokentext import SCHEMES, article_ids, identifier, layers_of
from copydesk.project import Source
from copydesk.sources import RawRecord, Unit

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "document": {
        "enum": ["newdoc", "file", "sentence"],
        "description": "what becomes an article: what a comment newdoc begins (the default; the whole file where there "
        "is none), each file, or each sentence",
    },
    "text": {
        "enum": ["comment", "tokens"],
        "description": "comment (the default): the text as SpaceAfter and the comments give it; tokens: the words "
        "joined by one space each, as in WebAnno TSV made from the same corpus",
    },
    "misc_tags": {
        "type": ["array", "object"],
        "items": {"type": "string"},
        "additionalProperties": {"type": "string"},
        "description": "keys of MISC that hold tags such as B-PER: a list (one becomes the layer mentions, several a "
        "layer each), or a table from key to layer",
    },
    "tags": {
        "enum": ["auto", *SCHEMES],
        "description": "the scheme of these tags; auto (the default): the one that they break least",
    },
}
TAKES = ("articles",)

_OWN = (".conllu", ".conllup", ".cupt")
_SUFFIXES = (*_OWN, ".conll", ".txt", ".tsv")
_HEADING = NEWDOC | NEWPAR | {"sent_id", "text"}
_TOOLS = ("UDPipe", "copydesk")
_PLAIN = re.compile("[1-9][0-9]{0,8}")
"""The number of a word, as nearly all are: the library is asked about the others."""


def sniff(sample: Sample) -> int:
    """By the suffix, and by lines of ten columns that begin with a number."""
    own = [name for name in sample.names if name.lower().endswith(_OWN)]
    if own:
        texts = [text.lstrip() for _, text in heads(sample, own)]
        return 0 if texts and all(text.startswith(("{", "<")) for text in texts) else 96
    for _, text in heads_by_suffix(sample, [name for name in sample.names if name.lower().endswith(_SUFFIXES)]):
        lines = [line for line in text.split("\n") if line and not line.startswith("#")]
        good = sum(re.match(r"\d+([-.]\d+)?\t", line) is not None and line.count("\t") == 9 for line in lines[:-1])
        if good and good >= 0.8 * (len(lines) - 1):
            return 80
    return 0


def units(source: Source, names: Sequence[str]) -> Iterator[Unit]:
    """Each file of a suffix that is CoNLL-U's alone; where there is none, each that may be one.

    Treebanks have their texts, and a README, beside them as .txt.
    """
    own = [name for name in names if name.lower().endswith(_OWN)]
    yield from each(own or names, *_SUFFIXES)


def read(root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Diagnostic]:
    """The documents of a file."""
    decoded = decode(raw.data, raw.file, source.encoding)
    if isinstance(decoded, Diagnostic):
        yield decoded
        return
    content = decoded[0]
    if "\n" not in content:
        content = content.replace("\r", "\n")  # line ends of the old Mac
    sentences, trailing = _sentences(content)
    if problem := _foreign(sentences):
        yield Diagnostic(code="I001", place=Place(file=raw.file), message=problem)
        return
    options = source.options
    tokens = options.get("text") == "tokens"
    exact = any(
        key == "generator" and (value or "").startswith(_TOOLS) for s in sentences for _, key, value in s.comments
    )
    docs = list(documents(sentences, str(options.get("document", "newdoc"))))
    laid = [lay(inside, tokens=tokens, exact=exact) for _, inside in docs]
    ids = article_ids(raw.name, [own for own, _ in docs], lambda index: laid[index].text)
    fields = Fields(tags=layers_of(options.get("misc_tags")), scheme=str(options.get("tags", "auto")))
    for (_, inside), text, (made, twice) in zip(docs, laid, ids, strict=True):
        article = Article(id=made, text=text.text, file=raw.file, line=inside[0].line)
        if twice:
            article.problem("I006", f"an earlier article of the file has the id too; this one is called {made[:60]!r}")
        fill(article, inside, text, fields)
        if options.get("document", "newdoc") != "newdoc":
            article.left_out["document boundaries"] += sum(key in NEWDOC for s in inside for _, key, _ in s.comments)
        if inside is docs[-1][1] and trailing:
            article.left_out["comments after the last sentence"] += trailing
        article.left_out = +article.left_out
        yield article


def _foreign(sentences: Sequence[Sentence]) -> str | None:
    """Why these are no sentences of CoNLL-U."""
    rows = sum(len(sentence.rows) for sentence in sentences)
    damaged = sum(len({line for _, line, _ in sentence.problems}) for sentence in sentences)
    if not rows:
        return "there is no word in the file" if not damaged else "no line of the file is one of CoNLL-U"
    return f"{damaged} lines are damaged, of {rows}: this is not CoNLL-U" if damaged > max(rows / 2, 5) else None


def _sentences(text: str) -> tuple[list[Sentence], int]:
    """The sentences of a file; comments that stand alone belong to the next one. And how many stand after the last.

    A sentence also begins, without the blank line that should be there, at a comment that heads one and at a word 1.
    """
    out: list[Sentence] = []
    columns: list[str] = list(DEFAULT_FIELDS)
    current: Sentence | None = None
    for number, line in split_lines(text):
        if not line.strip(" \t"):
            if current is not None and (current.rows or current.problems):
                out.append(current)
                current = None
            continue
        comment = _comment(line) if line.startswith("#") else None
        again = current is not None and _is_another(current, line, comment)
        if again and current is not None:
            out.append(current)
            current = None
        current = current or Sentence(line=number)
        if comment is None:
            _row(current, number, line, columns)
            continue
        current.comments.append((number, *comment))
        if comment[0] == "global.columns" and comment[1]:
            columns = [name.lower() for name in comment[1].split()]
    if current is not None and (current.rows or current.problems):
        out.append(current)
        current = None
    return out, len(current.comments) if current else 0


def _is_another(current: Sentence, line: str, comment: tuple[str, str | None] | None) -> bool:
    if comment is not None:
        return bool(current.rows) and comment[0] in _HEADING
    begins = re.match(r"1(-\d+)?\t", line) is not None
    return begins and any(row.kind == "word" and row.first == 1 for row in current.rows)


def _comment(line: str) -> tuple[str, str | None]:
    key, equals, value = line[1:].partition("=")
    return " ".join(key.split()), value.strip(" \t") if equals else None


Wrong = Callable[[str], None]
"""Notes what is wrong with a line."""


def _row(sentence: Sentence, line: int, text: str, columns: Sequence[str]) -> None:
    """Add a row to the sentence, or what is wrong with it. A word whose columns are damaged still has its form."""

    def wrong(message: str) -> None:
        sentence.problems.append(("I002", line, message))

    cells = _cells(text, len(columns))
    if len(cells) == 1:
        wrong(f"{_short(text)!r} has no columns")
        return
    whole = len(cells) == len(columns)
    if not whole:
        wrong(f"the line has {len(cells)} columns where {len(columns)} should be")
    by_name = dict(zip(columns, cells, strict=False))
    form = by_name.get("form", "")
    if not form.strip(" "):
        wrong("the word has no form")
        return
    kind, first, last = _id(by_name.get("id"), sentence.highest + 1, wrong)
    if kind == "word":
        sentence.highest = max(sentence.highest, first)
    if not whole:
        sentence.rows.append(Row(line=line, kind=kind, first=first, last=last, form=form))
        return
    row = Row(
        line=line,
        kind=kind,
        first=first,
        last=last,
        form=form,
        cells=_plain(by_name, form),
        head=_head(by_name.get("head", "_"), wrong),
        deps=tuple(_deps(by_name.get("deps", "_"), wrong)),
        misc=tuple(_misc(by_name.get("misc", "_"))),
    )
    sentence.rows.append(row)


def _cells(text: str, width: int) -> list[str]:
    """Columns are separated by a tab; a file in which an editor made them spaces is still read."""
    cells = text.split("\t")
    if len(cells) == 1:
        for pattern in (r" {2,}", r" +"):
            split = re.split(pattern, text.strip(" "))
            if len(split) == width:
                return split
    while len(cells) > width and not cells[-1].strip(" "):
        cells.pop()
    return cells


def _id(value: str | None, following: int, wrong: Wrong) -> tuple[str, int, int]:
    """(kind, first, last); a word that has no readable id comes after those before it."""
    if value is None:  # CoNLL-U Plus: files can be without a column ID
        return "word", following, 0
    if _PLAIN.fullmatch(value):
        return "word", int(value), 0
    try:
        parsed = parse_id_value(value)
    except (ParseException, ValueError):
        parsed = None
    if isinstance(parsed, tuple):
        return "range" if parsed[1] == "-" else "empty", parsed[0], parsed[2]
    if not parsed:
        wrong(f"{_short(value)!r} is no id of a word")
        return "word", following, 0
    return "word", parsed, 0


def _plain(by_name: Mapping[str, str], form: str) -> dict[str, str]:
    """The columns that are taken as they stand; an underscore is nothing, but for the lemma of an underscore."""
    taken = {"id", "form", "head", "deps", "misc"}
    return {
        identifier(name): value
        for name, value in by_name.items()
        if name not in taken and value and (value != "_" or (name == "lemma" and form == "_"))
    }


def _head(value: str, wrong: Wrong) -> int | None:
    if value == "0" or _PLAIN.fullmatch(value):
        return int(value)
    try:
        return parse_int_value(value) if value else None
    except (ParseException, ValueError):
        wrong(f"{_short(value)!r} is no head")
        return None


def _deps(value: str, wrong: Wrong) -> Iterator[tuple[tuple[int, int], str]]:
    for part in value.split("|") if value not in ("", "_") else ():
        head, colon, relation = part.partition(":")
        if colon and (head == "0" or _PLAIN.fullmatch(head)):
            yield (int(head), 0), relation
            continue
        try:
            parsed = parse_id_value(head)
        except (ParseException, ValueError):
            parsed = None
        if parsed is None or not colon or (isinstance(parsed, tuple) and parsed[1] == "-"):
            wrong(f"{_short(part)!r} in DEPS is no head with its relation")
        elif isinstance(parsed, tuple):
            yield (parsed[0], parsed[2]), relation
        else:
            yield (parsed, 0), relation


def _misc(value: str) -> Iterator[tuple[str, str | None]]:
    for part in value.split("|") if value not in ("", "_") else ():
        key, equals, given = part.partition("=")
        if part:
            yield key, given if equals else None


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
