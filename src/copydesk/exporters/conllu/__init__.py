"""CoNLL-U, one file an article: words, sentences, mentions as Entity in MISC. Not CoNLL-U Plus, not CoNLL-2012.

Format: https://universaldependencies.org/format.html; entities as in GUM and CorefUD. White space is written out, with
UDPipe's SpacesAfter where it is not one space, so that the text can be put together again to the character; the
comment `# generator = copydesk` says that this is so between sentences too. Values of the article are comments that
begin with `# meta::`, those of a sentence its comments. Values of tokens that have no column stand in MISC.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from copydesk.articles.model import Article, Item, Ref, Value
from copydesk.exporters.conllu.brackets import Brackets, brackets
from copydesk.exporters.conllu.words import Line, Piece, Word, lines_of
from copydesk.exporters.names import Names
from copydesk.importers.conllu.article import ENTITIES, ROLES, TOOL
from copydesk.importers.conllu.text import SPACES
from copydesk.importers.tokentext import identifier, spell_spaces

_PLACES = frozenset(
    [
        "tokens",
        "sentences",
        "paragraphs",
        "multiwords",
        "empty_nodes",
        "mentions",
        "entities",
        "bridges",
        "split_antecedents",
    ]
)
_COLUMNS = ("lemma", "upos", "xpos", "feats", "deprel")
_UPOS = frozenset(
    [
        "ADJ",
        "ADP",
        "ADV",
        "AUX",
        "CCONJ",
        "DET",
        "INTJ",
        "NOUN",
        "NUM",
        "PART",
        "PRON",
        "PROPN",
        "PUNCT",
        "SCONJ",
        "SYM",
        "VERB",
        "X",
    ]
)
_ONE_LINE = re.compile(r"[\t\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_KNOWN = {*_COLUMNS, "form", "head", "deps", "misc", "pos", "after", "sentence"}


def export(articles: Iterable[Article], losses: Counter[str]) -> Iterator[tuple[str, bytes]]:
    """A file for each article that has a text with words. Adds to `losses` what the format cannot hold."""
    names = Names(".conllu")
    for article in articles:
        if article.text is None or not article.text.strip():
            losses["links between articles" if article.text is None else "articles without a word"] += 1
            continue
        lost: Counter[str] = Counter()
        text = "\n".join(_Writer(article, lost).lines()) + "\n"
        try:
            data = text.encode("utf-8")
        except UnicodeEncodeError:
            losses["articles with half of a surrogate pair"] += 1
            continue
        losses.update(+lost)
        yield f"{names.stem(article.id)}.conllu", data


class _Writer:
    """Writes one article."""

    def __init__(self, article: Article, losses: Counter[str]) -> None:
        self.article, self.losses = article, losses
        self.text = article.text or ""

    def lines(self) -> Iterator[str]:
        """The lines of the file, without their ends."""
        self._count()
        sentences = lines_of(self.article, self.losses)
        words = [word for line in sentences for word in line.words()]
        said = brackets(self.article, words, self.losses)
        yield from self._head(said)
        numbers = {id(word): number for number, word in enumerate(words)}
        paragraphs = 0
        for number, line in enumerate(sentences, 1):
            if line.paragraph is not None:
                paragraphs += 1
                yield self._newpar(line.paragraph, paragraphs)
            yield from self._comments(line, number)
            self._ids(line, number)
            following = sentences[number].range[0] if number < len(sentences) else None
            yield from self._sentence(line, said, numbers, following)
            yield ""

    def _count(self) -> None:
        article, losses = self.article, self.losses
        for name, items in article.layers.items():
            if name not in _PLACES:
                losses[f"{name} (CoNLL-U has no place for them)"] += len(items)
        losses["names of annotators"] += article.annotator is not None
        losses["that an article is curated"] += article.curated

    def _head(self, said: Brackets) -> Iterator[str]:
        yield "# generator = copydesk"
        if _sayable(self.article.id):
            yield f"# newdoc id = {self.article.id}"
        else:
            self.losses["ids of articles"] += 1
            yield "# newdoc"
        if said.declaration:
            yield f"# global.Entity = {said.declaration}"
        yield from self._values(self.article.values, "values of articles", "meta::")

    def _values(self, values: Mapping[str, Value], words: str, prefix: str = "") -> Iterator[str]:
        """Values as comments."""
        for name, value in values.items():
            if value is None:
                continue
            shown = str(value)
            plain = isinstance(value, bool | int | float | str) and identifier(name) == name
            if not plain or not _sayable(shown) or (not prefix and name in {*ROLES, *TOOL}):
                self.losses[f"{words}: {name}"] += 1
                continue
            self.losses["values that became strings"] += not isinstance(value, str)
            yield f"# {prefix}{name} = {shown}"

    def _newpar(self, item: Item, number: int) -> str:
        self.losses["labels of paragraphs"] += item.label is not None
        self.losses["values of paragraphs"] += sum(value is not None for value in item.values.values())
        if item.id == f"p{number}" or not _sayable(item.id):
            self.losses["ids of paragraphs"] += item.id != f"p{number}"
            return "# newpar"
        return f"# newpar id = {item.id}"

    def _comments(self, line: Line, number: int) -> Iterator[str]:
        item, name = line.item, f"s{number}"
        if item is not None and _sayable(item.id):
            name = item.id
        elif item is not None:
            self.losses["ids of sentences"] += 1
        yield f"# sent_id = {name}"
        if item is not None:
            self.losses["labels of sentences"] += item.label is not None
            yield from self._values(item.values, "values of sentences")
        starts = [piece.range[0] for piece in line.pieces[1:]]
        gaps = [self.text[p.range[1] : start] for p, start in zip(line.pieces, starts, strict=False)]
        words = [self.text[slice(*piece.range)] for piece in line.pieces]
        shown = (word + _ONE_LINE.sub(" ", gap) for word, gap in zip(words, [*gaps, ""], strict=True))
        yield "# text = " + "".join(shown)

    def _ids(self, line: Line, number: int) -> None:
        for word in line.words():
            if word.item is not None and word.item.id != f"{number}.{word.shown}":
                self.losses["ids of tokens"] += 1

    def _sentence(self, line: Line, said: Brackets, numbers: Mapping[int, int], following: int | None) -> Iterator[str]:
        shown = {(w.range is None, w.item.id): w.shown for w in line.words() if w.item is not None}
        first = line.range[0] if line.range[0] == self._first() else None
        for word in line.before:
            yield self._row(word, shown, said.said.get(numbers[id(word)], []))
        for index, piece in enumerate(line.pieces):
            last = index == len(line.pieces) - 1
            after = following if last else line.pieces[index + 1].range[0]
            spaces = list(self._spaces(piece, after))
            if index == 0 and first:
                spaces.append(("SpacesBefore", spell_spaces(self.text[:first])))
            if piece.multiword is not None:
                yield self._range(piece, spaces)
                spaces = []
            for word in piece.rows():
                own = spaces if word is piece.words[0] else []
                yield self._row(word, shown, [*said.said.get(numbers[id(word)], []), *own])

    def _first(self) -> int:
        return len(self.text) - len(self.text.lstrip())

    def _spaces(self, piece: Piece, following: int | None) -> Iterator[tuple[str, str]]:
        """The white space after a word, and the text of one that is written in another form."""
        start, end = piece.range
        gap = self.text[end:following]
        if not gap:
            yield "SpaceAfter", "No"
        elif gap != " " or following is None:
            yield "SpacesAfter", spell_spaces(gap)
        if piece.multiword is None and piece.words[0].form != self.text[start:end]:
            yield "SpacesInToken", spell_spaces(self.text[start:end])

    def _range(self, piece: Piece, spaces: Sequence[tuple[str, str]]) -> str:
        assert piece.multiword is not None
        values = {key: value for key, value in piece.multiword.values.items() if key not in {"form", "tokens"}}
        misc = [*self._misc(values.pop("misc", None), SPACES), *spaces]
        self.losses["values of multiword tokens"] += sum(value is not None for value in values.values())
        shown = f"{piece.words[0].shown}-{piece.words[-1].shown}"
        return "\t".join([shown, self.text[slice(*piece.range)], *["_"] * 7, _joined(misc)])

    def _row(self, word: Word, shown: Mapping[tuple[bool, str], str], extra: Sequence[tuple[str, str]]) -> str:
        """The line of a word or an empty node."""
        values = {k: v for k, v in word.item.values.items() if v is not None} if word.item is not None else {}
        cells = {name: self._cell(name, values, word.form) for name in _COLUMNS}
        pos = values.get("pos")
        if isinstance(pos, str):
            column = "upos" if pos in _UPOS and "upos" not in values else "xpos"
            if column not in values:
                cells[column] = self._cell("pos", values, word.form)
            self.losses["pos of tokens (a column under another name)"] += 1
        misc = [*self._misc(values.get("misc"), (*SPACES, *ENTITIES))]
        for name, value in values.items():
            if name in _KNOWN:
                continue
            self.losses[f"values of tokens: {name} (in MISC)"] += 1
            if isinstance(value, bool | int | float | str) and not set("|=\t\n\r") & set(f"{name}{value}"):
                misc.append((name, str(value)))
        self.losses["labels of tokens"] += word.item is not None and word.item.label is not None
        head, deps = self._head_of(word, values, shown), self._deps(values.get("deps"), shown)
        named = [cells["lemma"], cells["upos"], cells["xpos"], cells["feats"], head, cells["deprel"], deps]
        return "\t".join([word.shown, word.form, *named, _joined([*misc, *extra])])

    def _cell(self, name: str, values: Mapping[str, Value], form: str) -> str:
        value = values.get(name)
        if value is None:
            return "_"
        nothing = value == "_" and not (name == "lemma" and form == "_")
        if isinstance(value, str) and value and not nothing and not set("\t\n\r") & set(value):
            return value
        self.losses[f"values of tokens: {name}"] += 1
        return "_"

    def _head_of(self, word: Word, values: Mapping[str, Value], shown: Mapping[tuple[bool, str], str]) -> str:
        head = values.get("head")
        if head is None:
            return "0" if "deprel" in values and word.range is not None else "_"
        found = shown.get((False, head.id)) if isinstance(head, Ref) and head.layer == "tokens" else None
        self.losses["heads of tokens"] += found is None
        return found or "_"

    def _deps(self, deps: Value, shown: Mapping[tuple[bool, str], str]) -> str:
        out = []
        for dep in deps if isinstance(deps, list) else []:
            head, empty, relation = (dep.get(k) if isinstance(dep, dict) else None for k in ("head", "empty", "deprel"))
            ref = empty if isinstance(empty, Ref) else head
            found = shown.get((ref is empty, ref.id)) if isinstance(ref, Ref) else "0"
            if found is None or not isinstance(relation, str) or set("|\t\n\r") & set(relation):
                self.losses["dependencies"] += 1
            else:
                out.append(f"{found}:{relation}")
        self.losses["dependencies"] += deps is not None and not isinstance(deps, list)
        return "|".join(out) or "_"

    def _misc(self, value: Value, taken: Sequence[str]) -> list[tuple[str, str | None]]:
        """What MISC had; keys that say something else now are left out."""
        out: list[tuple[str, str | None]] = []
        for part in value.split("|") if isinstance(value, str) else []:
            key, equals, given = part.partition("=")
            if not part or key in taken or part == "_" or set("\t\n\r") & set(part):
                self.losses["parts of MISC"] += 1
            else:
                out.append((key, given if equals else None))
        self.losses["parts of MISC"] += value is not None and not isinstance(value, str)
        return out


def _joined(misc: Sequence[tuple[str, str | None]]) -> str:
    return "|".join(key if value is None else f"{key}={value}" for key, value in misc) or "_"


def _sayable(value: str) -> bool:
    """Whether a comment can say it."""
    return bool(value) and value == value.strip(" \t") and not set("\n\r") & set(value)
