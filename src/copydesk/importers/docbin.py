"""spaCy's DocBin (`.spacy`): many documents, packed. Read by spaCy's own DocBin, without a model and without pickle.

Offsets are code points. Tokens get the columns that the DocBin stores and that are set anywhere in it. Entities are
mentions; every span group is a layer of its own, called `spans_` and its key, unless the exporter of copydesk said
which layer it was. A DocBin is MessagePack in zlib: it cannot carry code, but what is damaged in it makes spaCy raise
almost anything, so whatever it raises is caught here and is a finding.

What spaCy did not know when the DocBin was written, no reader can know: documents made from words alone have a blank
after every word.
"""

from __future__ import annotations

import gc
import hashlib
import re
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spacy.attrs import IDS
from spacy.morphology import Morphology
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from copydesk.archives import LEAST_LIMIT, RATIO
from copydesk.articles.model import Article, Item, Range, Ref, Value, layer_of
from copydesk.articles.units import Sample, each
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.fields.values import tidy
from copydesk.project import Source
from copydesk.sources import RawRecord, Unit

OPTIONS: Mapping[str, Mapping[str, Any]] = {}
TAKES = ("articles",)

LAYER = "layer"
"""Attribute of a span group that names the layer that its spans are of."""
ID = "id"
"""Key of `Doc.user_data`, or extension attribute, that holds the id of an article."""
TAKEN = frozenset({"text", "cats", "mentions", "tokens", "sentences", "relations", "events", "entities"})
"""Names that user data cannot have in an article: they are those of the text, its labels and its layers."""

_COLUMNS = {"LEMMA": "lemma_", "POS": "pos_", "TAG": "tag_", "MORPH": "morph", "DEP": "dep_"}
_READ = {*_COLUMNS, "ORTH", "SPACY", "NORM", "HEAD", "SENT_START", "ENT_IOB", "ENT_TYPE", "ENT_KB_ID", "ENT_ID"}
_CHUNK = 2**20
_LONG = 60


def sniff(sample: Sample) -> int:
    """By the name, and that the bytes can be a zlib stream."""
    first = sample.first(".spacy")
    if first is None:
        return 0
    head = first[1][:2]
    return 95 if len(head) == 2 and head[0] == 0x78 and int.from_bytes(head, "big") % 31 == 0 else 50


def units(source: Source, names: Sequence[str]) -> Iterator[Unit]:
    """Each `.spacy` file."""
    return each(names, ".spacy")


def read(root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Diagnostic]:
    """The documents of one DocBin. Pointers are `/document/tokens/token`, `/document/ents/entity` and
    `/document/spans/key/span`, each counted from 0: the file itself has no lines."""
    collecting = gc.isenabled()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # spaCy warns of versions and of odd values, on standard error
            found = list(_documents(raw))
    finally:
        if collecting:  # spaCy's reader of MessagePack leaves the garbage collector off when it fails
            gc.enable()
    yield from found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """What is set anywhere in a DocBin: columns of tokens, norms, and attributes that are not read."""

    columns: frozenset[str]
    norms: bool
    unknown: tuple[str, ...]


def _documents(raw: RawRecord) -> Iterator[Article | Diagnostic]:
    packed = _open(raw)
    if isinstance(packed, Diagnostic):
        yield packed
        return
    try:
        vocab = Vocab()
        for string in packed.strings:
            vocab.strings.add(string)
        stored = _stored(packed, (0, vocab.strings.add(Morphology.EMPTY_MORPH)))
    except Exception as error:  # see the module's docstring
        yield _refusal(raw, f"its strings and attributes do not hold together: {_reason(error)}")
        return
    repeats: dict[str, int] = {}
    seen: set[str] = set()
    for index in range(len(packed.tokens)):
        place = Place(file=raw.file, pointer=f"/{index}")
        try:
            doc, replaced = _document(packed, index, vocab)
            article = _article(doc, index, stored, raw, repeats)
            _count(article, "span groups whose name another one has", replaced)
        except Exception as error:  # see the module's docstring
            message = f"document {index} of the DocBin cannot be read: {_reason(error)}"
            yield Diagnostic(code="I002", place=place, message=message)
            continue
        if article.id in seen:
            message = f"the id {article.id[:_LONG]!r} stands twice; the first is kept"
            yield Diagnostic(code="I006", place=replace(place, record=article.id), message=message)
        else:
            seen.add(article.id)
            yield article


def _open(raw: RawRecord) -> DocBin | Diagnostic:
    limit = max(LEAST_LIMIT, RATIO * len(raw.data))
    stream, size, rest = zlib.decompressobj(), 0, raw.data
    try:
        while rest and not stream.eof and size <= limit:
            size += len(stream.decompress(rest, _CHUNK))
            rest = stream.unconsumed_tail
    except zlib.error as error:
        return _refusal(raw, f"it is no DocBin: {error}")
    if size > limit:
        message = f"it expands past {limit:,} bytes, the most that a file of its size may"
        return Diagnostic(code="I010", place=Place(file=raw.file), message=message)
    if not stream.eof:
        return _refusal(raw, "it is no whole DocBin: the compressed bytes end too early")
    try:
        packed = DocBin().from_bytes(raw.data)
    except Exception as error:  # see the module's docstring
        return _refusal(raw, f"it is no DocBin: {_reason(error)}")
    return packed


def _refusal(raw: RawRecord, message: str) -> Diagnostic:
    return Diagnostic(code="I001", place=Place(file=raw.file), message=message)


def _reason(error: Exception) -> str:
    first = str(error).strip().partition("\n")[0][:_LONG]
    return f"{type(error).__name__}, {first}" if first else type(error).__name__


def _stored(packed: DocBin, empty: tuple[int, int]) -> _Stored:
    """`empty`: what stands for no value, and for no features. Raises ValueError if the attributes are not spaCy's."""
    names = {number: name for name, number in IDS.items()}
    attributes = [names.get(number, "") for number in packed.attrs]
    if "" in attributes or len(set(attributes)) < len(attributes):  # spaCy would write where it should not
        raise ValueError("an attribute is unknown, or there twice")

    def is_set(name: str) -> bool:
        if name not in attributes:
            return False
        column = attributes.index(name)
        return any(not set(tokens[:, column].tolist()).issubset(empty) for tokens in packed.tokens)

    return _Stored(
        columns=frozenset(name for name in _COLUMNS if is_set(name)),
        norms=is_set("NORM"),
        unknown=tuple(name for name in attributes if name not in _READ and is_set(name)),
    )


def _document(packed: DocBin, index: int, vocab: Vocab) -> tuple[Doc, int]:
    """One document alone, so that a damaged one takes no other with it; and how many of its span groups spaCy put in
    the place of others: those of old files are no table, and the last of a name counts."""
    one = DocBin()
    one.attrs, one.strings = packed.attrs, set()
    one.tokens, one.spaces = [packed.tokens[index]], [packed.spaces[index]]
    one.cats, one.flags = [packed.cats[index]], [packed.flags[index]]
    one.span_groups, one.user_data = [packed.span_groups[index]], [packed.user_data[index]]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        doc = next(iter(one.get_docs(vocab)))
    return doc, sum("[W120]" in str(warning.message) for warning in told)


def _article(doc: Doc, index: int, stored: _Stored, raw: RawRecord, repeats: dict[str, int]) -> Article:
    user_data: dict[Any, Any] = doc.user_data
    given = user_data.get(ID, user_data.get(("._.", ID, None, None)))
    named = type(given) in (str, int) and given != ""
    identifier = str(given) if named else _made_id(doc.text, raw.name, repeats)
    article = Article(id=identifier, text=doc.text, file=raw.file, line=0, pointer=f"/{index}")
    _tokens(article, doc, stored)
    _sentences(article, doc)
    _entities(article, doc)
    _groups(article, doc)
    _categories(article, doc)
    _user_data(article, doc, named)
    return article


def _made_id(text: str, name: str, repeats: dict[str, int]) -> str:
    made = f"{name}-{hashlib.sha256(text.encode('utf-8')).hexdigest()[:8]}"
    repeats[made] = repeats.get(made, 0) + 1
    return made if repeats[made] == 1 else f"{made}-{repeats[made]}"


def _tokens(article: Article, doc: Doc, stored: _Stored) -> None:
    """Tokens with their columns; the head of a root, which spaCy calls its own head, is None."""
    norms = 0
    for token in doc:
        values: dict[str, Value] = {}
        for name in sorted(stored.columns):
            values[name.lower()] = str(getattr(token, _COLUMNS[name])) or None
        if "DEP" in stored.columns:
            known = values["dep"] is not None and token.head.i != token.i
            values["head"] = Ref("tokens", f"t{token.head.i + 1}") if known else None
        norms += stored.norms and token.norm_ != token.text.lower()
        at = (token.idx, token.idx + len(token.text))
        pointer = f"{article.pointer}/tokens/{token.i}"
        layer_of(article, "tokens").append(Item(id=f"t{token.i + 1}", ranges=(at,), values=values, pointer=pointer))
    _count(article, "norms of tokens that are not the word in lower case", norms)
    for name in stored.unknown:
        _count(article, f"attributes {name} of tokens", len(doc))


def _sentences(article: Article, doc: Doc) -> None:
    if all(token.is_sent_start is None for token in doc[1:]):
        return  # of the first token spaCy says that it begins a sentence, whether it knows any or not
    at = [(token.idx, token.idx + len(token.text)) for token in doc]
    starts = [bool(token.is_sent_start) for token in doc]
    for number, found in enumerate(sentence_ranges(doc.text, at, starts), 1):
        layer_of(article, "sentences").append(Item(id=f"s{number}", ranges=(found,), pointer=article.pointer))


def sentence_ranges(text: str, tokens: Sequence[Range], starts: Sequence[bool]) -> list[Range]:
    """The sentences that begin at the first token and where `starts` says, each up to the next.

    spaCy has white space as tokens, which are part of the sentence before; at the ends of a sentence it is left out.
    """
    if not tokens:
        return []
    first = [i for i in range(len(tokens)) if i == 0 or starts[i]]
    ends = [tokens[i - 1][1] for i in [*first[1:], len(tokens)]]
    return [trimmed(text, (tokens[i][0], end)) for i, end in zip(first, ends, strict=True)]


def trimmed(text: str, at: Range) -> Range:
    """A span without white space at its ends; as it is if it is nothing else."""
    piece = text[at[0] : at[1]]
    left, right = len(piece) - len(piece.lstrip()), len(piece) - len(piece.rstrip())
    return at if left == len(piece) else (at[0] + left, at[1] - right)


def _entities(article: Article, doc: Doc) -> None:
    try:
        entities: Sequence[Span] = doc.ents
    except ValueError:
        message = "the tags of the entities do not hold together: one goes on that has not begun"
        article.problem("I002", message, pointer=f"{article.pointer}/ents")
        return
    for number, entity in enumerate(entities):
        _add(article, "mentions", entity, f"{article.pointer}/ents/{number}")
    tags = [token.ent_iob for token in doc]
    if any(tags):
        _count(article, "tokens that may be entities or not (partial annotation)", tags.count(0))
    blocked = sum(token.ent_iob == 3 and not token.ent_type for token in doc)
    _count(article, "tokens that no entity may cover (blocked)", blocked)


def _groups(article: Article, doc: Doc) -> None:
    names: set[str] = set()
    for key, group in doc.spans.items():
        given = group.attrs.get(LAYER)
        if isinstance(given, str) and given.isidentifier() and given not in {"tokens", "sentences"}:
            layer = given
        else:
            layer = f"spans_{_identifier(str(key))}"
            while layer in names:  # two keys that are one as identifiers
                layer += "_"
        names.add(layer)
        _count(article, "attributes of span groups", len(group.attrs.keys() - {LAYER}))
        for number in range(len(group)):
            pointer = f"{article.pointer}/spans/{str(key).replace('~', '~0').replace('/', '~1')}/{number}"
            try:
                _add(article, layer, group[number], pointer)
            except (IndexError, KeyError) as error:
                article.problem("I002", f"a span of a group cannot be read: {_reason(error)}", pointer=pointer)


def _add(article: Article, layer: str, span: Span, pointer: str) -> None:
    values: dict[str, Value] = {}
    for name, value in (("kb_id", span.kb_id_), ("ent_id", span.id_)):
        if value:
            values[name] = value
    items = layer_of(article, layer)
    identifier = f"{'m' if layer == 'mentions' else 's'}{len(items) + 1}"
    at = (span.start_char, span.end_char)
    items.append(Item(id=identifier, ranges=(at,), label=span.label_ or None, values=values, pointer=pointer))


def _categories(article: Article, doc: Doc) -> None:
    """`cats` as a list, since its labels are data: {label, score} for each."""
    cats: Any = doc.cats
    if not cats:
        return
    pointer = f"{article.pointer}/cats"
    if not isinstance(cats, Mapping):
        article.problem("I002", "`cats` is no table of labels and scores", pointer=pointer)
        return
    found: list[Value] = []
    for label, score in cats.items():
        if isinstance(label, str) and isinstance(score, bool | int | float):
            found.append({"label": label, "score": float(score)})
        else:
            article.problem("I002", "a category has no label, or no number as its score", pointer=pointer)
    article.values["cats"] = found


def _user_data(article: Article, doc: Doc, named: bool) -> None:
    """What is said of the document in plain values; what is said of tokens and spans, or is no plain value, is
    counted."""
    user_data: dict[Any, Any] = doc.user_data
    for key, value in user_data.items():
        whole = isinstance(key, tuple) and len(key) == 4 and key[0] == "._." and key[2:] == (None, None)
        name = key[1] if whole else key
        if name == ID and named:
            continue
        if not isinstance(name, str) or name == ID or _name(name) in article.values or not _is_plain(value):
            _count(article, "user data", 1)
        else:
            article.values[_name(name)] = tidy(value, article.left_out)


def _name(name: str) -> str:
    plain = _identifier(name)
    return f"{plain}_data" if plain in TAKEN or plain.startswith("spans_") else plain


def _is_plain(value: Any) -> bool:
    """Whether an article can hold a value."""
    if isinstance(value, list | tuple):
        return all(_is_plain(inner) for inner in value)
    if isinstance(value, dict):
        return all(isinstance(name, str) and _is_plain(inner) for name, inner in value.items())
    return value is None or isinstance(value, bool | int | float | str)


def _identifier(name: str) -> str:
    return re.sub(r"\W|^(?=\d)", "_", name)


def _count(article: Article, words: str, number: int) -> None:
    if number:
        article.left_out[words] += number
