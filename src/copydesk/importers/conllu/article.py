"""Sentences of CoNLL-U whose text is laid -> the layers of an article. Reads no lines, decides no text.

`tokens` are the words; one whose form is not the text of its range has it as `form`. Lines such as `3-4` are in
`multiwords`, lines such as `8.1`, which have no place in the text, in `empty_nodes`. `feats` and `misc` are strings as
they stand in the file; `misc` is without the keys that went into the text or into layers of their own. A root has a
`deprel` and no `head`. Comments are values of their `sentences`, or of the article if they begin with `meta::`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from copydesk.articles.model import Article, Item, Range, Ref, Value, layer_of
from copydesk.importers.conllu.entities import EntityReader
from copydesk.importers.conllu.text import NEWDOC, NEWPAR, SPACES, Laid, Row, Sentence, Unit
from copydesk.importers.tokentext import Ids, decode, identifier, scheme_of

ENTITIES = ("Entity", "Bridge", "SplitAnte")
TOOL = frozenset({"generator", "udpipe_model", "udpipe_model_licence"})
ROLES = {"text", "sent_id", *NEWDOC, *NEWPAR}


@dataclass(slots=True, kw_only=True)
class Fields:
    """What is read of the fields: keys of MISC with tags -> layer, their scheme, and the declared fields of Entity."""

    tags: Mapping[str, str]
    scheme: str
    declared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """A word or an empty node, with its item."""

    row: Row
    place: Range | None
    ref: Ref


def fill(article: Article, sentences: Sequence[Sentence], laid: Laid, fields: Fields) -> None:
    """Put the layers of a document into its article. A declaration of fields holds for the next documents too."""
    for code, line, message in laid.problems:
        article.problem(code, message, line=line)
    reader = EntityReader(article=article, declared=fields.declared)
    own = {given[1] for sentence in sentences if (given := sentence.comment("sent_id"))}
    filler = _Filler(article=article, fields=fields, names=Ids(own))
    tagged: list[list[_Word]] = []
    for sentence, units in zip(sentences, laid.units, strict=True):
        for code, line, message in sentence.problems:
            article.problem(code, message, line=line)
        if not units:
            article.left_out["sentences without words"] += 1
            continue
        declared = sentence.comment("global.Entity")
        if declared:
            reader.declared = tuple(declared[1].split("-"))
        words = filler.sentence(sentence, units)
        for word in words:
            said = [(key, value) for key, value in word.row.misc if key in ENTITIES and value not in (None, "_")]
            reader.word(word.place, word.ref, word.row.line, said)
        tagged.append([word for word in words if word.place is not None])
    filler.end_paragraph()
    reader.finish()
    fields.declared = tuple(reader.declared)
    for key, layer in fields.tags.items():
        _decode(article, key, layer, tagged, fields.scheme)


@dataclass(slots=True, kw_only=True)
class _Filler:
    """Makes the items of one article, sentence by sentence."""

    article: Article
    fields: Fields
    names: Ids
    number: int = 0
    seen: set[str] = field(default_factory=set)
    wholes: set[str] = field(default_factory=set)
    paragraphs: Ids = field(default_factory=Ids)
    paragraph: tuple[int, str | None] | None = None
    reach: Range | None = None

    def sentence(self, sentence: Sentence, units: Sequence[Unit]) -> list[_Word]:
        """The words and empty nodes of a sentence, in order."""
        self.number += 1
        span = (units[0].range[0], units[-1].range[1])
        for line, key, value in sentence.comments:
            if key in NEWPAR:
                self.end_paragraph()
                self.paragraph = (line, value)
        if self.paragraph is not None:
            self.reach = (self.reach[0] if self.reach else span[0], span[1])
        name = self._item(sentence, span)
        places = {w.line: p for unit in units for w, p in zip(unit.words, unit.ranges(), strict=True)}
        words, refs = self._words(sentence, places)
        before: Ref | None = None
        for word in words:
            values = self._values(word, refs)
            if word.row.kind == "empty":
                values |= {"form": word.row.form, "after": before, "sentence": Ref("sentences", name)}
            else:
                before = word.ref
            ranges = (word.place,) if word.place else ()
            item = Item(id=word.ref.id, ranges=ranges, values=values, line=word.row.line)
            layer_of(self.article, word.ref.layer).append(item)
        surfaces = {unit.surface.line: unit.range for unit in units}
        for row in sentence.rows:
            if row.kind == "range":
                self._multiword(row, refs, words, surfaces.get(row.line))
        return words

    def end_paragraph(self) -> None:
        """Make the item of a paragraph, if one has begun."""
        if self.paragraph is not None and self.reach is not None:
            line, name = self.paragraph
            if name in self.paragraphs.taken:
                self.article.problem("I006", f"the paragraph {_short(name or '')!r} is there twice", line=line)
                name = None
            layer = layer_of(self.article, "paragraphs")
            own = self.paragraphs.make(name or f"p{len(layer) + 1}")
            layer.append(Item(id=own, ranges=(self.reach,), line=line))
        self.paragraph = self.reach = None

    def _item(self, sentence: Sentence, span: Range) -> str:
        """Make the item of the sentence; returns its id."""
        line, own = sentence.comment("sent_id") or (0, "")
        if own in self.seen:
            self.article.problem("I006", f"the sentence {_short(own)!r} is there twice", line=line)
            own = ""
        own = own or self.names.make(f"s{self.number}")
        self.seen.add(own)
        item = Item(id=own, ranges=(span,), values=self._said(sentence), line=sentence.line)
        layer_of(self.article, "sentences").append(item)
        return own

    def _said(self, sentence: Sentence) -> dict[str, Value]:
        """The comments that are values of the sentence; those on the document go to the article."""
        values: dict[str, Value] = {}
        for _, key, value in sentence.comments:
            if key in TOOL:
                self.article.left_out["comments of the tool"] += 1
            elif key in ROLES or key.startswith("global."):
                continue
            elif value is None:
                self.article.left_out["comments without a value"] += 1
            else:
                home = self.article.values if key.startswith("meta::") else values
                name = identifier(key.removeprefix("meta::"))
                if name in home:
                    self.article.left_out["repeated comments"] += 1
                home.setdefault(name, value)
        return values

    def _words(self, sentence: Sentence, places: Mapping[int, Range]) -> tuple[list[_Word], dict[tuple[int, int], Ref]]:
        refs: dict[tuple[int, int], Ref] = {}
        words: list[_Word] = []
        used = Ids()
        for row in sentence.rows:
            if row.kind == "range":
                continue
            empty = row.kind == "empty"
            key = (row.first, row.last if empty else 0)
            shown = f"{row.first}.{row.last}" if empty else str(row.first)
            if key in refs:
                self.article.problem("I006", f"the word {shown} is there twice in its sentence", line=row.line)
            ref = Ref("empty_nodes" if empty else "tokens", used.make(f"{self.number}.{shown}"))
            refs.setdefault(key, ref)
            words.append(_Word(row=row, place=places.get(row.line), ref=ref))
        return words, refs

    def _values(self, word: _Word, refs: Mapping[tuple[int, int], Ref]) -> dict[str, Value]:
        row, text = word.row, self.article.text or ""
        values: dict[str, Value] = dict(row.cells)
        if word.place is not None and text[slice(*word.place)] != row.form:
            values["form"] = row.form
        if row.head:
            if (row.head, 0) in refs:
                values["head"] = refs[row.head, 0]
            else:
                self.article.problem("I003", f"the head {row.head} is no word of the sentence", line=row.line)
        deps: list[Value] = []
        for key, relation in row.deps:
            ref = refs.get(key)
            if ref is None and key != (0, 0):
                shown = f"{key[0]}.{key[1]}" if key[1] else str(key[0])
                self.article.problem("I003", f"the head {shown} in DEPS is not in the sentence", line=row.line)
                continue
            empty = ref is not None and ref.layer == "empty_nodes"
            deps.append({"head": None if empty else ref, "empty": ref if empty else None, "deprel": relation})
        if deps:
            values["deps"] = deps
        if misc := _rest(row, (*SPACES, *ENTITIES, *self.fields.tags)):
            values["misc"] = misc
        return values

    def _multiword(
        self, row: Row, refs: Mapping[tuple[int, int], Ref], words: Sequence[_Word], own: Range | None
    ) -> None:
        inside = [word for word in words if row.first <= word.row.first <= row.last and word.row.kind == "word"]
        if len(inside) != row.last - row.first + 1:
            self.article.problem("I003", f"the words {row.first}-{row.last} are not all there", line=row.line)
        if own is None and inside and inside[0].place and inside[-1].place:  # the text has the words, not the whole
            own = (inside[0].place[0], inside[-1].place[1])
        values: dict[str, Value] = {"form": row.form, "tokens": [word.ref for word in inside]}
        if misc := _rest(row, SPACES):
            values["misc"] = misc
        name = f"{self.number}.{row.first}-{row.last}"
        if name in self.wholes:
            self.article.problem("I006", f"the words {row.first}-{row.last} are there twice", line=row.line)
            return
        self.wholes.add(name)
        item = Item(id=name, ranges=(own,) if own else (), values=values, line=row.line)
        layer_of(self.article, "multiwords").append(item)


def _rest(row: Row, taken: Sequence[str]) -> str:
    """What MISC has beside the keys that are read, as it stands."""
    return "|".join(key if value is None else f"{key}={value}" for key, value in row.misc if key not in taken)


def _decode(article: Article, key: str, layer: str, sentences: Sequence[Sequence[_Word]], scheme: str) -> None:
    """Add the spans of tags in MISC to a layer."""
    sequences = [[word.row.said(key) or "O" for word in words] for words in sentences]
    scheme = scheme_of(sequences) if scheme == "auto" else scheme
    items = layer_of(article, layer)
    ids = Ids({item.id for item in items})
    for words, tags in zip(sentences, sequences, strict=True):
        spans, repairs = decode(tags, scheme)
        for index, message in repairs:
            article.problem("I017", message, line=words[index].row.line)
        for span in spans:
            first, last = words[span.start], words[span.end - 1]
            assert first.place is not None and last.place is not None
            own = ids.make(f"m{len(items) + 1}")
            place = (first.place[0], last.place[1])
            items.append(Item(id=own, ranges=(place,), label=span.label, line=first.row.line))


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
