"""Entities in the MISC column of CoNLL-U: brackets over words, bridging, split antecedents. Reads no lines.

The notation is that of GUM and CorefUD (Nedoluzhko et al. 2022): `Entity=(e1-person-1-` opens a mention of the entity
e1 at a word, `e1)` closes it, `(e2-place)` is a mention of one word, and several stand side by side. A comment
`# global.Entity = eid-etype-head-other` names the fields. `e1[1/2]` is the first of two pieces of one mention.
`Bridge=e1<e2:part` leads from a mention of e2 to the entity e1, `SplitAnte=e1<e3,e2<e3` from one of e3 to e1 and e2.
Characters that the notation needs itself stand as %28 and so on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from copydesk.articles.model import Article, Item, Range, Ref, Value, layer_of
from copydesk.importers.tokentext import Ids, identifier

ENTITY_NAMES, LABEL_NAMES, ID_NAME = ("eid", "GRP"), ("etype", "entity", "type"), "mid"
"""What the fields for the entity, its type and (written by copydesk) the id of the mention are called."""

ALONE = "_"
"""Begins the name of a mention that is of no entity, where copydesk wrote the file; the brackets need a name."""

_BRACKET = re.compile(r"\(([^()]*)(\)?)|([^()]+)\)")
_PART = re.compile(r"(.*)\[(\d{1,6})/(\d{1,6})\]", re.DOTALL)
_NAME = re.compile(r"[A-Za-z]{0,3}\d+")
_LINK = re.compile(r"([^<]+)<([^<:]+)(?::(.*))?", re.DOTALL)
_IN_FIELDS = "%()-|= \t\n\r"
_IN_NAMES = _IN_FIELDS + "<>,:[]"
_CODES = {f"%{ord(char):02X}": char for char in _IN_NAMES + "_"}
_CODED = re.compile("|".join(_CODES), re.IGNORECASE)


def uncode(value: str) -> str:
    """A field with the characters that the notation needs itself; other percent signs stay as they are."""
    return _CODED.sub(lambda match: _CODES[match[0].upper()], value) if "%" in value else value


def code(value: str, *, name: bool = False) -> str:
    """The inverse of `uncode`; a `name` of an entity can hold fewer characters."""
    hidden = _IN_NAMES if name else _IN_FIELDS
    coded = "".join(f"%{ord(char):02X}" if char in hidden else char for char in value)
    return "%5F" + coded[1:] if coded == "_" or (name and coded.startswith(ALONE)) else coded


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """What stands between two brackets: the name of the entity, which part of how many it is, and fields.

    `named`: whether the file gives the name; else it is made of the label, so that brackets find each other.
    """

    name: str
    named: bool
    part: int
    parts: int
    label: str | None
    id: str | None
    values: dict[str, Value]


def _content(text: str, declared: Sequence[str]) -> _Content:
    names, fields = _named(text, declared)
    by_name = dict(zip(names, fields, strict=False))
    name = next((by_name[n] for n in ENTITY_NAMES if by_name.get(n)), None)
    label = next((by_name[n] for n in LABEL_NAMES if n in by_name), "")
    match = _PART.fullmatch(name if name is not None else label)
    part, parts = (int(match[2]), int(match[3])) if match else (1, 1)
    bare = match[1] if match else (name if name is not None else label)
    if match and name is None:
        label = match[1]
    known = {*ENTITY_NAMES, *LABEL_NAMES, ID_NAME}
    values: dict[str, Value] = {
        identifier(n): uncode(value) for n, value in by_name.items() if n not in known and value not in ("", "_")
    }
    own = by_name.get(ID_NAME)
    return _Content(
        name=bare if name is not None else f"{ALONE}{bare}",
        named=name is not None,
        part=part,
        parts=parts,
        label=uncode(label) if label not in ("", "_") else None,
        id=uncode(own) if own else None,
        values=values,
    )


def _named(text: str, declared: Sequence[str]) -> tuple[Sequence[str], list[str]]:
    """The names of the fields, and the fields; a hyphen in the last one is its own.

    Where no comment declares them the part that looks like a name of an entity (`e12`, `7`) is one, and the other is
    its type; if none does, the whole is a type.
    """
    if declared:
        return declared, text.split("-", len(declared) - 1)
    fields = text.split("-")
    rest = [f"field{number}" for number in range(3, len(fields) + 1)]
    if _NAME.fullmatch(_PART.sub(r"\1", fields[0])):
        return ["eid", "etype", *rest], fields
    if len(fields) > 1 and _NAME.fullmatch(_PART.sub(r"\1", fields[1])):
        return ["etype", "eid", *rest], fields
    return ["etype"], [text]


@dataclass(slots=True, kw_only=True)
class _Mention:
    content: _Content
    line: int
    pieces: list[list[int]] = field(default_factory=list)
    open: bool = True
    lost: bool = False
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    layer: str
    line: int
    anaphor: _Mention
    antecedents: tuple[str, ...]
    label: str | None = None


@dataclass(slots=True, kw_only=True)
class EntityReader:
    """Reads the brackets of one article, word by word; `finish` puts what they say into its layers.

    What does not fit together is I002 or I003 at the line of the word.
    """

    article: Article
    declared: Sequence[str] = ()
    _words: list[tuple[Range | None, Ref]] = field(default_factory=list)
    _mentions: list[_Mention] = field(default_factory=list)
    _open: dict[str, list[tuple[_Mention, tuple[int, int]]]] = field(default_factory=dict)
    _latest: dict[str, _Mention] = field(default_factory=dict)
    _pieces: dict[tuple[str, int], list[_Mention]] = field(default_factory=dict)
    _links: list[_Link] = field(default_factory=list)
    _entities: dict[str, Item] = field(default_factory=dict)

    def word(self, place: Range | None, item: Ref, line: int, attributes: Sequence[tuple[str, str]]) -> None:
        """The next word, or empty node (which has no place in the text), with Entity, Bridge and SplitAnte."""
        self._words.append((place, item))
        for key, value in attributes:
            if key == "Entity":
                self._brackets(value, line)
        for key, value in attributes:
            if key != "Entity":
                self._link("bridges" if key == "Bridge" else "split_antecedents", value, line)

    def _brackets(self, value: str, line: int) -> None:
        at = 0
        while at < len(value):
            match = _BRACKET.match(value, at)
            if match is None or not (match[1] or match[3]):
                self.article.problem("I002", f"{_short(value[at:])!r} is no bracket of an entity", line=line)
                return
            at = match.end()
            if match[3] is not None:
                self._close(match[3], line)
                continue
            content = _content(match[1], self.declared)
            mention = self._opened(content, line)
            if match[2]:
                self._end(mention)
            else:
                self._open.setdefault(content.name, []).append((mention, (content.part, content.parts)))

    def _opened(self, content: _Content, line: int) -> _Mention:
        """The mention that a bracket opens, or the earlier one that it goes on with."""
        here = len(self._words) - 1
        same = self._pieces.setdefault((content.name, content.parts), []) if content.parts > 1 else []
        for earlier in same if content.part > 1 else ():
            if not earlier.open and len(earlier.pieces) == content.part - 1:
                earlier.pieces.append([here, here])
                earlier.open = True
                return earlier
        mention = _Mention(content=content, line=line, pieces=[[here, here]], lost=content.part != 1)
        if mention.lost:
            message = f"part {content.part} of {content.parts} of {_short(content.name)!r} follows on no earlier part"
            self.article.problem("I002", message, line=line)
        else:
            same.append(mention)
        self._mentions.append(mention)
        self._latest[content.name] = mention
        return mention

    def _end(self, mention: _Mention) -> None:
        mention.pieces[-1][1] = len(self._words) - 1
        mention.open = False

    def _close(self, text: str, line: int) -> None:
        content = _content(text, self.declared if "-" in text else ("eid",))
        names = [content.name, f"{ALONE}{content.name}"]
        waiting = next((self._open[name] for name in names if self._open.get(name)), [])
        if not waiting:
            self.article.problem("I002", f"the bracket {_short(text)!r} closes none that is open", line=line)
            return
        part = (content.part, content.parts)
        last = next((at for at in range(len(waiting) - 1, -1, -1) if waiting[at][1] == part), len(waiting) - 1)
        mention, _ = waiting.pop(last)
        self._end(mention)

    def _link(self, layer: str, value: str, line: int) -> None:
        """Bridging is one item a pair; the antecedents of a split one are together."""
        split: dict[str, list[str]] = {}
        for pair in value.split(","):
            match = _LINK.fullmatch(pair.strip())
            if match is None:
                self.article.problem("I002", f"{_short(pair)!r} is no pair of entities", line=line)
                continue
            anaphor = self._latest.get(match[2])
            if anaphor is None:
                self.article.problem("I003", f"no mention of {_short(match[2])!r} stands before its link", line=line)
            elif layer == "bridges":
                label = uncode(match[3]) if match[3] else None
                self._links.append(_Link(layer=layer, line=line, anaphor=anaphor, antecedents=(match[1],), label=label))
            else:
                split.setdefault(match[2], []).append(match[1])
        for name, antecedents in split.items():
            link = _Link(layer=layer, line=line, anaphor=self._latest[name], antecedents=tuple(antecedents))
            self._links.append(link)

    def finish(self) -> None:
        """Put mentions, entities and links into the layers of the article."""
        made = list(self._sound())
        ids = Ids({mention.content.id for mention in made if mention.content.id})
        names = Counter(mention.content.name for mention in made)
        seen: set[str] = set()
        for number, mention in enumerate(made, 1):
            own = mention.content.id
            if own in seen:
                self.article.problem("I006", f"the mention {_short(own or '')!r} is there twice", line=mention.line)
                own = None
            mention.id = own or ids.make(f"m{number}")
            seen.add(mention.id)
            layer_of(self.article, "mentions").append(self._item(mention))
            if self._of_entity(mention, names):
                self._member(mention)
        if self._entities:
            self.article.layers["entities"] = list(self._entities.values())
        for link in self._links:
            self._linked(link)

    def _sound(self) -> Iterator[_Mention]:
        for mention in self._mentions:
            name = mention.content.name.removeprefix(ALONE)
            if mention.open:
                self.article.problem("I002", f"the bracket of {_short(name)!r} is never closed", line=mention.line)
            elif not mention.lost and len(mention.pieces) != mention.content.parts:
                message = f"{_short(name)!r} has {len(mention.pieces)} of {mention.content.parts} parts"
                self.article.problem("I002", message, line=mention.line)
            elif not mention.lost:
                yield mention

    def _item(self, mention: _Mention) -> Item:
        ranges, values = [], dict(mention.content.values)
        nodes: list[Value] = []
        for first, last in mention.pieces:
            words = self._words[first : last + 1]
            places = [place for place, _ in words if place is not None]
            nodes += [item for place, item in words if place is None]
            if places:
                ranges.append((min(start for start, _ in places), max(end for _, end in places)))
        if not ranges:
            values["empty_nodes"] = nodes
        return Item(
            id=mention.id, ranges=tuple(sorted(ranges)), label=mention.content.label, values=values, line=mention.line
        )

    def _of_entity(self, mention: _Mention, names: Counter[str]) -> bool:
        """Whether a mention is one of an entity; a name that copydesk made for a single mention stands for none."""
        content = mention.content
        return content.named and not (content.name.startswith(ALONE) and names[content.name] == 1)

    def _member(self, mention: _Mention) -> None:
        name = uncode(mention.content.name)
        entity = self._entities.setdefault(name, Item(id=name, values={"members": []}, line=mention.line))
        members = entity.values["members"]
        assert isinstance(members, list)
        members.append(Ref("mentions", mention.id))

    def _linked(self, link: _Link) -> None:
        known, names = self._entities, [uncode(name) for name in link.antecedents]
        missing = [name for name in names if name not in known]
        for name in missing:
            message = f"a link leads to the entity {_short(name)!r}, which has no mention"
            self.article.problem("I003", message, line=link.line)
        kept: list[Value] = [Ref("entities", name) for name in names if name in known]
        if not link.anaphor.id:
            self.article.problem("I003", "a link leads from a mention that is damaged", line=link.line)
        if not kept or not link.anaphor.id:
            return
        layer = layer_of(self.article, link.layer)
        tail: dict[str, Value] = {"tail": kept[0]} if link.layer == "bridges" else {"antecedents": kept}
        values: dict[str, Value] = {"head": Ref("mentions", link.anaphor.id), **tail}
        number = len(layer) + 1
        layer.append(Item(id=f"{link.layer[0]}{number}", label=link.label, values=values, line=link.line))


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
