"""Web annotations on texts -> articles: which text a target means, where in it, and what becomes of the bodies."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from copydesk.articles import offsets
from copydesk.articles.model import Article, Item, Range, Ref, Value, layer_of
from copydesk.articles.units import stem
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.webannotation.model import LABELS, LONG, Annotation, Target, Where, values_from
from copydesk.importers.webannotation.selectors import Damaged, Selector, claims, find, quoted

_SAID_BY_BODIES = frozenset({*LABELS, "linking", "highlighting", "commenting", "describing"})

Locate = Callable[[Where, str | None], Place]
"""The place of an annotation, with the id of its article."""


@dataclass(slots=True, kw_only=True)
class Document:
    """A text and the annotations on it. `own`: what copydesk's exporter says of the article, and where."""

    id: str
    text: str | None
    marked: bool = False
    source: str | None = None
    own: Mapping[str, object] | None = None
    first: Where
    on: list[tuple[Annotation, Target]] = field(default_factory=list)


class Library:
    """The texts of a unit, and which of them a target means."""

    def __init__(self, *, name: str, base: str) -> None:
        self._name, self._base = name, base
        self._files: dict[str, Document] = {}
        self._others: dict[str, Document] = {}
        self._only: str | None = None

    @property
    def texts(self) -> int:
        """How many files with texts there are."""
        return len(self._files)

    def add(self, file: str, text: str, marked: bool) -> None:
        """A text in a file of its own."""
        identity = stem(file).removeprefix(self._base)
        self._files[PurePosixPath(file).name] = Document(
            id=identity, text=text, marked=marked, first=Where(file=file, pointer="")
        )

    def exported(self, own: Mapping[str, object], where: Where) -> Document:
        """The article that a page of copydesk's is about."""
        name = own.get("text")
        known = self._files.get(unquote(name)) if isinstance(name, str) else None
        if known is None or known.own is not None:
            text = known.text if known is not None else None
            known = Document(id=self._name, text=text, source=name if isinstance(name, str) else None, first=where)
            self._others[f"{where.file}#{where.pointer}"] = known
        known.own, known.first = own, where
        identity = own.get("id")
        known.id = identity if isinstance(identity, str) else known.id
        return known

    def expect(self, sources: Iterable[str | None]) -> None:
        """All sources of targets: where there is one text, and one source that names no file, they are the same."""
        named = {source for source in sources if source is not None}
        unknown = {source for source in named if self._named(source) is None}
        if len(self._files) == 1 and unknown == named and len(unknown) == 1:
            self._only = next(iter(unknown))

    def _named(self, source: str) -> Document | None:
        """The file that an address names: its last part, with or without the suffix."""
        try:
            path = unquote(urlsplit(source).path)
        except ValueError:
            path = source
        name = PurePosixPath(path).name
        return self._files.get(name) or self._files.get(f"{name}.txt")

    def of(self, target: Target, where: Where) -> Document:
        """The text that a target means; one without a text, if there is none. `where`: the annotation."""
        if target.text is not None:
            digest = hashlib.sha256(target.text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
            return self._other(target.source or f"{self._name}-{digest}", target, where)
        if target.source is None or target.source == self._only:
            if len(self._files) == 1:
                document = next(iter(self._files.values()))
                document.source = document.source or target.source
                return document
            return self._other(target.source or "", target, where)
        return self._named(target.source) or self._other(target.source, target, where)

    def _other(self, key: str, target: Target, where: Where) -> Document:
        made = self._others.setdefault(
            key, Document(id=key or self._name, text=None, source=target.source, first=where)
        )
        made.text = target.text if made.text is None else made.text
        return made

    def documents(self) -> Iterator[Document]:
        """All texts, and what there should be a text of; in the order of the files."""
        yield from (*self._files.values(), *self._others.values())


class Links:
    """Annotations that link two others, by the first of these; each is taken once."""

    def __init__(self, links: Sequence[Annotation]) -> None:
        self._by_first: dict[str, list[tuple[int, Annotation]]] = {}
        for number, link in enumerate(links):
            if ends := ends_of(link):
                self._by_first.setdefault(ends[0], []).append((number, link))

    def take(self, known: Iterable[str]) -> list[Annotation]:
        """Those that begin at one of the annotations, in the order of the file."""
        found = [entry for first in known for entry in self._by_first.pop(first, ())]
        return [link for _, link in sorted(found, key=lambda entry: entry[0])]

    def rest(self) -> list[Annotation]:
        """Those that nobody took."""
        return self.take(list(self._by_first))


def ends_of(link: Annotation) -> list[str]:
    """The annotations that a link names."""
    return [target.source for target in link.targets if target.source is not None] + link.linked


def articles_on(document: Document, links: Links, place: Locate, *, apart: bool) -> Iterator[Article]:
    """The articles of a text: one, or one for each creator of annotations on it."""
    assert document.text is not None
    said = [one for _, target in document.on for part in target.parts for one in claims(part)]
    units = offsets.variants(offsets.CODE_POINTS, offsets.UTF16, text=document.text, bom=document.marked)
    unit = offsets.decide(document.text, said, units).unit if said else offsets.CODE_POINTS
    groups: dict[str | None, list[tuple[Annotation, Target]]] = {}
    for annotation, target in document.on:
        who = annotation.creator if apart and document.own is None else None
        groups.setdefault(who, []).append((annotation, target))
    for who, on in groups.items() or [(None, [])]:
        file = on[0][0].where.file if on and document.own is None else document.first.file
        article = Article(id=document.id, text=document.text, file=file, annotator=who, unit=unit)
        _Reading(article, place, with_creators=not apart and document.own is None).all(document, on, links)
        yield article


class _Reading:
    """The annotations on one article, one after the other. `_items`: id of an annotation -> the mention it became."""

    def __init__(self, article: Article, place: Locate, *, with_creators: bool) -> None:
        self._article, self._place, self._with_creators = article, place, with_creators
        self._items: dict[str, Item] = {}
        self._convert = offsets.converter(article.text or "", article.unit)
        self._targets: dict[int, int] = {}
        self._taken: set[tuple[str, str]] = set()

    def all(self, document: Document, on: Sequence[tuple[Annotation, Target]], links: Links) -> None:
        """Read them all."""
        article = self._article
        if document.own is not None:
            self._head(document.own)
        elif document.source is not None:
            article.values["source"] = document.source
        for annotation, target in on:
            number = self._targets[id(annotation)] = self._targets.get(id(annotation), 0) + 1
            if number == 1:
                article.left_out.update(annotation.left_out)
                for code, message in annotation.problems:
                    self._note(annotation, code, message)
            try:
                self._add(annotation, target, number)
            except Damaged as damaged:
                self._note(annotation, damaged.code, str(damaged))
        for annotation, _ in on:
            if annotation.own is None and annotation.id in self._items:
                for number, named in enumerate(annotation.linked, 1):
                    self._relate(
                        annotation, annotation.id, named, f"{annotation.id}-link" + f"-{number}" * (number > 1)
                    )
        for link in links.take(list(self._items)):
            self._link(link)

    def _head(self, own: Mapping[str, object]) -> None:
        """What the page of copydesk's exporter says of the article itself."""
        article, names, who = self._article, own.get("layers"), own.get("annotator")
        article.values.update(values_from(own.get("values")))
        article.annotator = who if isinstance(who, str) else None
        article.curated = own.get("curated") is True
        for name in names if isinstance(names, list) else ():
            layer_of(article, str(name))

    def _note(self, annotation: Annotation, code: str, message: str) -> None:
        place = self._place(annotation.where, self._article.id)
        self._article.found.append(Diagnostic(code=code, place=place, message=message))

    def _add(self, annotation: Annotation, target: Target, number: int) -> None:
        """Raises Damaged."""
        article = self._article
        if target.unusable and not target.parts:
            raise Damaged(f"the target is given by {', '.join(target.unusable)}, which a text does not have", "I012")
        article.left_out.update(target.unusable)
        if not target.parts and not target.whole:
            return  # the problem has been noted
        if annotation.own is None and target.whole:
            self._of_all(annotation)
            return
        ranges = tuple(self._range(part) for part in target.parts)
        if list(ranges) != sorted(ranges):
            self._note(annotation, "I020", f"the parts of the target stood in the order {list(ranges)}"[: LONG + 40])
        words = [quoted(part) for part in target.parts]
        item = Item(id="", ranges=tuple(sorted(ranges)), label=annotation.tags[0] if annotation.tags else None)
        if words and ranges == item.ranges and None not in words:
            item.surface = " ".join(word for word in words if word is not None)
        layer = self._name(annotation, item, number)
        if (layer, item.id) in self._taken:
            raise Damaged(f"the id {item.id[:LONG]!r} stands twice in {layer}", "I006")
        self._taken.add((layer, item.id))
        self._locate(item, annotation.where)
        layer_of(article, layer).append(item)
        if annotation.id is not None:
            self._items.setdefault(annotation.id, item)

    def _name(self, annotation: Annotation, item: Item, number: int) -> str:
        """Give an item its id and values; the layer that it belongs to."""
        if annotation.own is not None:
            layer, item.id, values = annotation.own
            item.values = {**values, **_of_bodies(annotation)}
            return layer
        item.id = annotation.id or self._free("mentions", "m")
        if annotation.id is not None and number > 1:
            item.id += f"-{number}"
        item.values = self._values(annotation)
        return "mentions"

    def _free(self, layer: str, letter: str) -> str:
        number = len(self._article.layers.get(layer, ())) + 1
        while (layer, f"{letter}{number}") in self._taken:
            number += 1
        return f"{letter}{number}"

    def _values(self, annotation: Annotation) -> dict[str, Value]:
        values = dict(annotation.values)
        if self._with_creators and annotation.creator is not None:
            values["creator"] = annotation.creator
        if motivations := [one for one in annotation.motivations if one not in _SAID_BY_BODIES]:
            values["motivation"] = " ".join(motivations)
        return values | _of_bodies(annotation)

    def _of_all(self, annotation: Annotation) -> None:
        """What an annotation says of the whole text."""
        article = self._article
        bodies = (("labels", annotation.tags), ("notes", annotation.notes), ("links", annotation.links))
        if not any(given for _, given in bodies):
            article.left_out["annotations of whole texts without a body"] += 1
        for name, given in bodies:
            if given:
                known = article.values.setdefault(name, [])
                assert isinstance(known, list)
                known.extend(given)
        article.left_out.update(f"{name} of annotations of whole texts" for name in annotation.values)

    def _range(self, part: Sequence[Selector]) -> Range:
        """Where one part of a target is: by the first of its selectors that finds it. Raises Damaged.

        A position at which other words stand than those that are quoted yields to the quote, if that is found: texts
        are edited, and programs that show them count in a text of their own.
        """
        text, words = self._article.text or "", quoted(part)
        first: Damaged | None = None
        found: list[Range] = []
        for selector in part:
            try:
                found.append(find(selector, text, self._article.unit, self._convert))
            except Damaged as damaged:
                first = first or damaged
            else:
                if words is None or offsets.same_surface(words, text[slice(*found[-1])]):
                    break
        if not found:
            raise first or Damaged("the target has no selector")
        fitting = words is None or offsets.same_surface(words, text[slice(*found[-1])])
        if len(found) > 1 and fitting:
            self._article.left_out["positions at which other words stand than those quoted"] += 1
        return found[-1] if fitting else found[0]

    def _locate(self, item: Item, where: Where) -> None:
        item.line, item.pointer = where.line, where.pointer
        item.file = where.file if where.file != self._article.file else ""

    def _link(self, link: Annotation) -> None:
        """A relation between two mentions, the first of which is one of this article."""
        ends = ends_of(link)
        for code, message in link.problems:
            self._note(link, code, message)
        if len(ends) != 2:
            self._note(link, "I002", f"the annotation links {len(ends)} annotations, and not two")
            return
        self._relate(link, ends[0], ends[1], link.id or self._free("relations", "r"))

    def _relate(self, annotation: Annotation, head: str, tail: str, identity: str) -> None:
        if tail not in self._items:
            self._note(annotation, "I003", f"the annotation links to {tail[:LONG]!r}, which is no mention of this text")
            return
        if ("relations", identity) in self._taken:
            self._note(annotation, "I006", f"the id {identity[:LONG]!r} stands twice in relations")
            return
        self._taken.add(("relations", identity))
        item = Item(id=identity)
        if annotation.id not in self._items:  # the link is an annotation of its own
            item.label = annotation.tags[0] if annotation.tags else None
            item.values = self._values(annotation)
        item.values |= {"head": Ref("mentions", self._items[head].id), "tail": Ref("mentions", self._items[tail].id)}
        self._locate(item, annotation.where)
        layer_of(self._article, "relations").append(item)


def _of_bodies(annotation: Annotation) -> dict[str, Value]:
    """What the bodies say besides the label."""
    bodies = (("also", annotation.tags[1:]), ("notes", annotation.notes), ("links", annotation.links))
    return {name: list(given) for name, given in bodies if given}
