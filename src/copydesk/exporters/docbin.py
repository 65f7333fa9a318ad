"""spaCy's DocBin: one `.spacy` file that `spacy train` takes as it is.

Mentions become the entities of the documents. Of mentions that overlap, the longest is an entity (the first, of those
as long), as spaCy's own filter has it; the others, and those without a label, go to the span group `sc`, which is where
spaCy's span categoriser looks. Other layers of spans are span groups as well. The words are those of the layer `tokens`
where it covers the text, else those of spaCy's tokeniser for the article's language; no model is loaded.

Ids of annotations, spans in pieces or between the boundaries of tokens, and references have no place in a DocBin.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import spacy
from spacy.language import Language
from spacy.parts_of_speech import IDS as PARTS_OF_SPEECH
from spacy.tokens import Doc, DocBin, Span, SpanGroup

from copydesk.articles.model import Article, Item, Range, Ref, Value
from copydesk.importers.docbin import ID, LAYER, TAKEN, sentence_ranges, trimmed

FILE = "articles.spacy"
OVERLAPPING = "sc"
"""Key of the span group of mentions that cannot be entities: the default of spaCy's `spancat`."""
ATTRIBUTES = (
    "ORTH",
    "LEMMA",
    "POS",
    "TAG",
    "MORPH",
    "DEP",
    "HEAD",
    "SENT_START",
    "ENT_IOB",
    "ENT_TYPE",
    "ENT_KB_ID",
    "ENT_ID",
)

_FEATURES = re.compile(r"[^=|]+=[^=|]+(\|[^=|]+=[^=|]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?=$|[-_])")


def export(articles: Iterable[Article], losses: Counter[str]) -> Iterator[tuple[str, bytes]]:
    """One file with a document for each article, in their order; none if there are no articles.

    The id and the values of an article are in `Doc.user_data`, `cats` in `Doc.cats`.
    """
    packed = DocBin(attrs=ATTRIBUTES, store_user_data=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of spaCy, for odd values: they are compared afterwards
        written: set[str] = set()
        for article in articles:
            lost: Counter[str] = Counter()
            try:
                doc = _document(article, lost)
                if doc is not None and article.id in written:
                    lost = Counter({"further passes over an article": 1})
                elif doc is not None:
                    packed.merge(DocBin(attrs=ATTRIBUTES, store_user_data=True, docs=[doc]))
            except UnicodeEncodeError:
                losses["articles with half of a surrogate pair"] += 1
            else:
                losses.update(+lost)
                written.add(article.id)
        data = packed.to_bytes()
    if len(packed):
        yield FILE, data


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """The tokens of a document: where each is in the text, whether a blank follows, and the item that it comes from."""

    at: Sequence[Range]
    spaces: Sequence[bool]
    items: Sequence[Item | None]


def _document(article: Article, lost: Counter[str]) -> Doc | None:
    if article.text is None:
        lost["links between articles"] += 1
        return None
    article.text.encode("utf-8")
    nlp = _language(article.values.get("language"))
    words = _words(article, article.text, nlp, lost)
    doc = _annotated(article, article.text, nlp, words, lost)
    bounds = _Bounds(
        starts={s: i for i, (s, _) in enumerate(words.at)}, ends={e: i for i, (_, e) in enumerate(words.at, 1)}
    )
    _mentions(article, doc, bounds, lost)
    _groups(article, doc, bounds, lost)
    _values(article, doc, lost)
    lost["annotators"] += article.annotator is not None
    return doc


def _language(given: Value) -> Language:
    match = _LANGUAGE.match(given.lower()) if isinstance(given, str) else None
    return _blank(match[0] if match else "xx")


@cache
def _blank(code: str) -> Language:
    """spaCy's tokeniser of a language; its general one for languages that it does not know or has no library for."""
    try:
        return spacy.blank(code)
    except (ImportError, ValueError):
        return spacy.blank("xx")


def _words(article: Article, text: str, nlp: Language, lost: Counter[str]) -> _Words:
    tokens = article.layers.get("tokens", [])
    words = _tiled(text, tokens, lost) if tokens else None
    if words is not None:
        return words
    lost["tokens (they do not cover the text once, in one piece each)"] += len(tokens)
    doc = nlp.tokenizer(text)
    if doc.text != text:  # the tokenisers of some languages change the text
        doc = _blank("xx").tokenizer(text)
    at = [(token.idx, token.idx + len(token.text)) for token in doc]
    return _Words(at=at, spaces=[bool(token.whitespace_) for token in doc], items=[None] * len(at))


def _tiled(text: str, tokens: Sequence[Item], lost: Counter[str]) -> _Words | None:
    """The tokens and the white space between them, or None if they are not all of the text.

    A single blank after a token is spaCy's own way to write it; any other white space has to be a token.
    """
    if any(len(token.ranges) != 1 for token in tokens):
        return None
    at: list[Range] = []
    spaces: list[bool] = []
    items: list[Item | None] = []
    end = blanks = 0
    for token in [*sorted(tokens, key=lambda item: item.ranges), None]:
        start, stop = token.ranges[0] if token is not None else (len(text), len(text))
        gap = text[end:start]
        if start < end or stop > len(text) or (token is not None and stop <= start) or (gap and not gap.isspace()):
            return None
        if gap.startswith(" ") and at:
            spaces[-1], end = True, end + 1
        if end < start:
            at.append((end, start))
            spaces.append(False)
            items.append(None)
            blanks += 1
        if token is not None:
            at.append((start, stop))
            spaces.append(False)
            items.append(token)
            end = stop
    lost["white space that is no token (it is one in a DocBin)"] += blanks
    return _Words(at=at, spaces=spaces, items=items)


def _annotated(article: Article, text: str, nlp: Language, words: _Words, lost: Counter[str]) -> Doc:
    """The document with what is said of its tokens and sentences."""
    columns = {name: _column(name, words.items, lost) for name in ("lemma", "tag", "dep")}
    parts = _column("pos", words.items, lost)
    morphs = _column("morph", words.items, lost)
    lost["pos of tokens that is no universal part of speech"] += sum(p not in PARTS_OF_SPEECH for p in parts)
    lost["morph of tokens that is no list of features"] += sum(bool(m) and not _FEATURES.fullmatch(m) for m in morphs)
    heads = _heads(words.items, columns["dep"], lost)
    parsed = any(columns["dep"])
    doc = Doc(
        nlp.vocab,
        words=[text[start:end] for start, end in words.at],
        spaces=list(words.spaces),
        lemmas=columns["lemma"],
        tags=columns["tag"],
        pos=[p if p in PARTS_OF_SPEECH else "" for p in parts],
        morphs=[m if _FEATURES.fullmatch(m) else "" for m in morphs] if any(morphs) else None,
        heads=heads if parsed else None,
        deps=columns["dep"] if parsed else None,
        sent_starts=None if parsed else _starts(text, article, words),
    )
    assert doc.text == text, "the words are the text"
    same = zip(doc, morphs, strict=True)
    lost["order of features in morph"] += sum(bool(_FEATURES.fullmatch(m)) and str(t.morph) != m for t, m in same)
    for item in words.items:
        if item is not None:
            lost["ids of annotations"] += 1
            _left(item, "tokens", {"lemma", "pos", "tag", "morph", "dep", "head"}, lost)
            lost["labels of tokens"] += item.label is not None
    _sentences_lost(text, article, doc, words, lost)
    return doc


def _column(name: str, items: Sequence[Item | None], lost: Counter[str]) -> list[str]:
    """The strings of one property of the tokens, empty where there is none."""
    given = [item.values.get(name) if item is not None else None for item in items]
    lost[f"{name} of tokens that is no string"] += sum(v is not None and not isinstance(v, str) for v in given)
    return [value if isinstance(value, str) else "" for value in given]


def _heads(items: Sequence[Item | None], deps: Sequence[str], lost: Counter[str]) -> list[int]:
    """Index of every token's head. spaCy knows a head by its `dep` only, and has roots that are their own heads."""
    index = {item.id: i for i, item in enumerate(items) if item is not None}
    heads = []
    for i, item in enumerate(items):
        head = item.values.get("head") if item is not None else None
        known = isinstance(head, Ref) and head.layer == "tokens" and head.id in index and bool(deps[i])
        lost["heads of tokens without dep, or outside of the article"] += head is not None and not known
        heads.append(index[head.id] if known and isinstance(head, Ref) else i)
    return heads


def _starts(text: str, article: Article, words: _Words) -> list[bool | int | None] | None:
    """Whether each token begins a sentence; None if the sentences are not what spaCy would make of that."""
    sentences = article.layers.get("sentences", [])
    given = [trimmed(text, item.ranges[0]) for item in sentences if len(item.ranges) == 1]
    first, begun = {start for start, _ in given}, False
    starts = []
    for start, end in words.at:
        starts.append(start in first and begun)
        begun = begun or not text[start:end].isspace()
    whole = len(given) == len(sentences) and sorted(given) == sentence_ranges(text, words.at, starts)
    return [*starts] if whole and len(words.at) > 1 else None


def _sentences_lost(text: str, article: Article, doc: Doc, words: _Words, lost: Counter[str]) -> None:
    known = any(token.is_sent_start is not None for token in doc[1:])
    found = sentence_ranges(text, words.at, [bool(token.is_sent_start) for token in doc]) if known else []
    for item in article.layers.get("sentences", []):
        if len(item.ranges) != 1 or trimmed(text, item.ranges[0]) not in found:
            lost["sentences that are not made of whole tokens, or leave some out"] += 1
            continue
        lost["ids of annotations"] += 1
        lost["labels of sentences"] += item.label is not None
        lost["white space at the ends of sentences"] += item.ranges[0] not in found
        _left(item, "sentences", (), lost)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    """Offset -> index of the token that begins there, and of the one after that which ends there."""

    starts: Mapping[int, int]
    ends: Mapping[int, int]


def _span(item: Item, layer: str, doc: Doc, bounds: _Bounds, lost: Counter[str]) -> Span | None:
    if not item.ranges:
        lost[f"{layer} without a span"] += 1
        return None
    if len(item.ranges) > 1:
        lost[f"{layer} in several pieces"] += 1
        return None
    start, end = (bounds.starts.get(item.ranges[0][0]), bounds.ends.get(item.ranges[0][1]))
    if start is None or end is None or end <= start:
        lost[f"{layer} whose ends are not those of tokens"] += 1
        return None
    lost["ids of annotations"] += 1
    kept = {name: v for name in ("kb_id", "ent_id") if isinstance(v := item.values.get(name), str)}
    _left(item, layer, kept, lost)
    return Span(doc, start, end, label=item.label or "", kb_id=kept.get("kb_id", ""), span_id=kept.get("ent_id", ""))


def _left(item: Item, layer: str, kept: Iterable[str], lost: Counter[str]) -> None:
    for name, value in item.values.items():
        if name not in kept and value is not None:
            lost[f"{name} of {layer}"] += 1


def _mentions(article: Article, doc: Doc, bounds: _Bounds, lost: Counter[str]) -> None:
    given = [_span(item, "mentions", doc, bounds, lost) for item in article.layers.get("mentions", [])]
    spans = [span for span in given if span is not None]
    taken: set[int] = set()
    entities: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start - s.end, s.start)):
        covered = range(span.start, span.end)
        if span.label_ and taken.isdisjoint(covered):
            taken.update(covered)
            entities.append(span)
    chosen = {id(span) for span in entities}
    others = [span for span in spans if id(span) not in chosen]
    if "mentions" in article.layers:
        doc.set_ents(entities)
    if others:
        doc.spans[OVERLAPPING] = SpanGroup(doc, name=OVERLAPPING, attrs={LAYER: "mentions"}, spans=others)


def _groups(article: Article, doc: Doc, bounds: _Bounds, lost: Counter[str]) -> None:
    """Layers of spans as span groups; layers of references are lost."""
    for layer, items in article.layers.items():
        if layer in {"tokens", "sentences", "mentions"}:
            continue
        if not any(item.ranges for item in items):
            lost[f"{layer} (they stand on no text)"] += len(items)
            continue
        given = [_span(item, layer, doc, bounds, lost) for item in items]
        spans = [span for span in given if span is not None]
        if not spans:
            continue
        key = layer.removeprefix("spans_")
        key = layer if key in doc.spans or not key else key
        doc.spans[key] = SpanGroup(doc, name=key, attrs={LAYER: layer}, spans=spans)


def _values(article: Article, doc: Doc, lost: Counter[str]) -> None:
    doc.user_data[ID] = article.id
    for name, value in article.values.items():
        cats = _cats(value) if name == "cats" else None
        if cats is not None:
            doc.cats = cats
        elif name in {ID, *TAKEN} or name.startswith("spans_") or not _can_be_packed(value):
            lost[f"{name} of articles"] += value is not None
        else:
            doc.user_data[name] = value


def _cats(value: Value) -> dict[str, float] | None:
    """Labels and scores, if that is what a value holds, each label once."""
    if not isinstance(value, list):
        return None
    found: dict[str, float] = {}
    for cat in value:
        if not isinstance(cat, dict) or cat.keys() != {"label", "score"}:
            return None
        label, score = cat["label"], cat["score"]
        if not isinstance(label, str) or not isinstance(score, int | float) or label in found:
            return None
        label.encode("utf-8")
        found[label] = float(score)
    return found


def _can_be_packed(value: Value) -> bool:
    """Whether MessagePack has a value, so that it comes back as what it is."""
    if isinstance(value, list):
        return all(_can_be_packed(inner) for inner in value)
    if isinstance(value, dict):
        return all(_can_be_packed(inner) for inner in value.values())
    return not isinstance(value, Ref) and not (isinstance(value, int) and not -(2**63) <= value < 2**63)
