"""CAT and CROMER XML: tokens, markables that name tokens, relations between markables. ECB+ is in it.

The text is rebuilt from the tokens, as CAT keeps no other: one space between tokens, one line feed between sentences.
Relations, and the clusters that run through several documents, are in cat_links.py. Reads no other XML.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from copydesk import xmltext
from copydesk.articles.model import Article, Item, Range, Value, layer_of
from copydesk.articles.units import Sample, each, folder, stem
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.cat_links import Known, add_relations, clusters
from copydesk.importers.heads import heads
from copydesk.importers.tokentext import Ids
from copydesk.project import Source
from copydesk.sources import RawRecord, Unit
from copydesk.xmltext import Element, children, local_name

COREFERENCE = ("CROSS_DOC_COREF", "INTRA_DOC_COREF", "REFERS_TO")

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "coreference": {
        "type": "array",
        "items": {"type": "string", "minLength": 1},
        "description": f"the relations that gather mentions into entities: {', '.join(COREFERENCE)} unless said here",
    },
}
TAKES = ("articles", "clusters")

_SUFFIXES = (".xml", ".cat")
_NUMBERED = re.compile(r"<token\s[^>]*t_id=")
_NOT_WORD = re.compile(r"\W")
_TAKEN = frozenset({"id", "label", "start", "end", "fragments", "topic"})


def sniff(sample: Sample) -> int:
    """A <Document> with numbered tokens at its beginning."""
    for _, head in heads(sample, [name for name in sample.names if name.lower().endswith(_SUFFIXES)]):
        if "<Document" in head and (_NUMBERED.search(head) or "<Markables" in head):
            return 95
    return 0


def units(source: Source, names: Sequence[str]) -> Iterator[Unit]:
    """One unit a file; for clusters one a folder, as a cluster runs through the documents of its topic."""
    if source.take != "clusters":
        yield from each(names, *_SUFFIXES)
        return
    folders: dict[str, list[str]] = {}
    for name in names:
        if name.lower().endswith(_SUFFIXES):
            folders.setdefault(folder(name), []).append(name)
    for files in folders.values():
        yield Unit(files=tuple(files), name=stem(files[0]))


def read(root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Diagnostic]:
    """The document of a file, or with `take = "clusters"` the clusters of the documents of a folder.

    Both read the files in one way, so that what a cluster names is there in the articles. What is wrong with single
    annotations is reported with the articles alone.
    """
    coreference = source.options.get("coreference", COREFERENCE)
    documents = [_document(raw, file, data, coreference) for file, data in [(raw.file, raw.data), *raw.beside.items()]]
    if source.take != "clusters":
        yield documents[0]
        return
    yield from (found for found in documents if isinstance(found, Diagnostic))
    yield from clusters([article for article in documents if isinstance(article, Article)], _topic(raw.file))


def _article_id(raw: RawRecord, file: str) -> str:
    """What the article of a file is called: the same, whether the file is read alone or with its folder."""
    return raw.name if file == raw.file and raw.name else stem(file).removeprefix(raw.base)


def _topic(file: str) -> str:
    return PurePosixPath(folder(file)).name


def _document(raw: RawRecord, file: str, data: bytes, coreference: Sequence[str]) -> Article | Diagnostic:
    root = xmltext.parse(data, file)
    if isinstance(root, Diagnostic):
        return root
    parts: dict[str, list[Element]] = {}
    for child in children(root):
        parts.setdefault(local_name(child), []).append(child)
    if local_name(root) != "Document" or not parts.keys() & {"token", "Markables"}:
        what = "has no tokens" if local_name(root) == "Document" else f"is <{local_name(root)[:40]}>, not <Document>"
        place = Place(file=file, line=root.sourceline)
        return Diagnostic(code="I001", place=place, message=f"the root element {what}")
    article = Article(id=_article_id(raw, file), text="", file=file, values={**_attributes(root, ())})
    article.values["topic"] = _topic(file) or None
    tokens = _tokens(article, parts.pop("token", []))
    if isinstance(tokens, Diagnostic):
        return tokens
    if not tokens:
        place = Place(file=file, line=root.sourceline, record=article.id)
        return Diagnostic(
            code="I004", place=place, message="the document has no tokens, so its annotations have no text"
        )
    known = _markables(article, [m for part in parts.pop("Markables", []) for m in children(part)], tokens)
    add_relations(article, [r for part in parts.pop("Relations", []) for r in children(part)], known, coreference)
    for name, elements in parts.items():
        article.left_out[f"elements <{name[:40]}>"] += len(elements)
    return article


def _attributes(element: Element, taken: Sequence[str]) -> dict[str, Value]:
    """The attributes but those that are taken otherwise, as strings; names as identifiers."""
    values: dict[str, Value] = {}
    for name, value in element.attrib.items():
        if name not in taken:
            word = _NOT_WORD.sub("_", name.rpartition("}")[2])
            while word in _TAKEN or word in values:
                word += "_"
            values[word] = value
    return values


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    id: str
    sentence: str
    number: str
    text: str
    line: int


def _tokens(article: Article, elements: Sequence[Element]) -> dict[str, int] | Diagnostic:
    """Make the text with its tokens and sentences. t_id -> the place of the token in the layer."""
    tokens, ids = list[_Token](), Ids()
    for element in elements:
        text, identifier, line = element.text or "", element.get("t_id"), element.sourceline
        for child in element:
            if getattr(child, "name", None):  # an entity: nothing in the document says what it stands for
                place = Place(file=article.file, line=line, record=article.id)
                message = f"the token {identifier!r} holds the entity {str(child.text)[:40]}, which is not read"
                return Diagnostic(code="I011", place=place, message=message)
            text += ("".join(child.itertext()) if isinstance(child.tag, str) else "") + (child.tail or "")
        if identifier is None:
            article.problem("I002", "the token has no t_id", line=line)
        elif identifier in ids.taken:
            article.problem("I006", f"the token {identifier[:40]!r} is there twice", line=line)
        identifier = ids.make(identifier or "token")  # its text is part of the document all the same
        sentence, number = element.get("sentence", ""), element.get("number", "")
        tokens.append(_Token(id=identifier, sentence=sentence, number=number, text=text, line=line))
    _lay_out(article, _in_order(article, tokens))
    return {item.id: place for place, item in enumerate(layer_of(article, "tokens"))}


def _in_order(article: Article, tokens: list[_Token]) -> list[_Token]:
    """The tokens by sentence and number, if they neither stand in the order of their ids nor in that."""
    ids = [number for token in tokens if (number := _number(token.id)) is not None]
    pairs = [(_number(token.sentence), _number(token.number)) for token in tokens]
    keys = [(sentence, number) for sentence, number in pairs if sentence is not None and number is not None]
    if ids == sorted(ids) or len(set(keys)) < len(tokens) or keys == sorted(keys):
        return tokens
    first = next(place for place, (a, b) in enumerate(itertools.pairwise(keys), 1) if b < a)
    message = f"the token {tokens[first].id!r} stands after a later one; tokens were put in the order of their numbers"
    article.problem("I020", message, line=tokens[first].line)
    return [token for _, token in sorted(zip(keys, tokens, strict=True), key=lambda pair: pair[0])]


def _lay_out(article: Article, tokens: Sequence[_Token]) -> None:
    parts: list[str] = []
    at, made = 0, set[str]()
    for name, group in itertools.groupby(tokens, key=lambda token: token.sentence):
        sentence = list(group)
        start = at
        for place, token in enumerate(sentence):
            parts.append(token.text)
            end = at + len(token.text)
            layer_of(article, "tokens").append(Item(id=token.id, ranges=((at, end),), line=token.line))
            last = place == len(sentence) - 1
            parts.append("\n" if last else " ")
            at = end + 1
        identifier = name if name and name not in made else f"{name or 'sentence'}-{len(made) + 1}"
        made.add(identifier)
        item = Item(id=identifier, ranges=((start, at - 1),), line=sentence[0].line)
        layer_of(article, "sentences").append(item)
    article.text = "".join(parts[:-1])


def _markables(article: Article, elements: Sequence[Element], tokens: Mapping[str, int]) -> dict[str, Known | None]:
    """Add the markables. m_id -> where it went; None for one that was not understood, which is reported already.

    A markable with tokens is a mention, one without is the instance that mentions refer to.
    """
    known: dict[str, Known | None] = {}
    for element in elements:
        name, identifier = local_name(element), element.get("m_id")
        if identifier is None:
            article.problem("I002", f"the markable {name[:40]} has no m_id", line=element.sourceline)
            continue
        if identifier in known:
            message = f"the markable {identifier[:40]!r} is there twice; the first one is kept"
            article.problem("I006", message, line=element.sourceline)
            continue
        anchors = []
        for child in children(element):
            if local_name(child) == "token_anchor":
                anchors.append(child)
            else:
                article.left_out[f"elements <{local_name(child)[:40]}> in markables"] += 1
        ranges = _ranges(article, f"{name[:40]} {identifier[:40]!r}", anchors, tokens)
        if ranges is None:
            known[identifier] = None
            continue
        layer = "mentions" if ranges else "instances"
        values = _attributes(element, ("m_id",))
        item = Item(id=identifier, ranges=ranges, label=name, values=values, line=element.sourceline)
        layer_of(article, layer).append(item)
        known[identifier] = Known(layer=layer, item=item)
    return known


def _ranges(
    article: Article, name: str, anchors: Sequence[Element], tokens: Mapping[str, int]
) -> tuple[Range, ...] | None:
    """The span of a markable, one range for tokens in a row; None if it names a token that is not there."""
    places = []
    for anchor in anchors:
        token = anchor.get("t_id")
        if token not in tokens:
            said = "no token" if token is None else f"the token {token[:40]!r}, which is not there"
            article.problem("I003", f"{name} names {said}", line=anchor.sourceline)
            return None
        places.append(tokens[token])
    wanted = sorted(set(places))
    if len(wanted) < len(places):
        article.left_out["repeated tokens of a markable"] += len(places) - len(wanted)
    if places != sorted(places):
        article.problem(
            "I020", f"the tokens of {name} do not stand in the order of the text", line=anchors[0].sourceline
        )
    items = layer_of(article, "tokens")
    ranges = []
    for _, run in itertools.groupby(enumerate(wanted), key=lambda pair: pair[1] - pair[0]):
        group = [place for _, place in run]
        ranges.append((items[group[0]].ranges[0][0], items[group[-1]].ranges[0][1]))
    return tuple(ranges)
