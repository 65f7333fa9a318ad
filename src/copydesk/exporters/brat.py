"""brat standoff: a .txt and an .ann file an article, and one annotation.conf that declares what they use.

brat has one kind of span, so a layer besides `mentions` is named in the label of what it holds. What the lines look
like: https://brat.nlplab.org/standoff.html.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from copydesk.articles.model import Article, Item, Range, Ref, Value
from copydesk.importers.brat.surfaces import property_name

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_WORD = re.compile(r"[^\s|,;]+")
_LINE_BREAK = re.compile(r"\r?\n")
_BREAKS_LINES = re.compile(r"[\r\n\t]")
_NO_FILE_NAME = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*\ud800-\udfff]')
_PROPERTIES = {
    "E": {"trigger", "arguments"},
    "R": {"head", "tail", "head_event", "tail_event", "head_role", "tail_role"},
}
_TARGETS = {"T": "<ENTITY>", "E": "<EVENT>", "R": "<RELATION>"}
_ANYTHING = "<ENTITY>|<EVENT>"


def export(articles: Iterable[Article], losses: Counter[str]) -> Iterator[tuple[str, bytes]]:
    """The files of a brat collection. Adds to `losses` what brat cannot hold; links between articles are one of it."""
    settings = _Settings(losses=losses)
    taken: set[str] = set()
    for article in articles:
        if article.text is None:
            losses["links between articles"] += 1
            continue
        stem = _file_stem(article.id, taken)
        losses["ids of articles (files cannot be called so)"] += stem != article.id
        losses["values of whole articles"] += sum(value is not None for value in article.values.values())
        losses["names of annotators"] += article.annotator is not None
        losses["byte order marks at the start of a text"] += article.text.startswith("\ufeff")
        lines = _Writer(article, article.text, settings, losses).lines()
        yield f"{stem}.txt", _encoded(article.text, losses)
        yield f"{stem}.ann", _encoded("".join(f"{line}\n" for line in lines), losses)
    yield "annotation.conf", _encoded(settings.text(), losses)
    for words in [words for words, count in losses.items() if not count]:
        del losses[words]


def _encoded(text: str, losses: Counter[str]) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        losses["halves of surrogate pairs"] += 1
        return text.encode(errors="replace")


def _file_stem(identifier: str, taken: set[str]) -> str:
    """An article's id as a path: what no file system takes is replaced, what one may take for another is told apart."""
    parts = [_NO_FILE_NAME.sub("_", part) for part in identifier.split("/")]
    parts = [re.sub(r"[. ]$", "_", part) or "_" for part in parts]
    for at, part in enumerate(parts):
        if len(part.encode()) > 200:
            parts[at] = f"{part[:40]}-{hashlib.sha256(part.encode()).hexdigest()[:8]}"
    stem = path = "/".join(parts)
    number = 2
    while (key := unicodedata.normalize("NFC", stem).casefold()) in taken:
        stem, number = f"{path}-{number}", number + 1
    taken.add(key)
    return stem


@dataclass(slots=True, kw_only=True)
class _Settings:
    """What annotation.conf has to declare: collected while the articles are written. `names`: label -> as written."""

    losses: Counter[str]
    names: dict[str, str] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    entities: set[str] = field(default_factory=set)
    relations: set[tuple[str, str, str]] = field(default_factory=set)
    equivalences: set[str] = field(default_factory=set)
    events: dict[str, set[str]] = field(default_factory=dict)
    numbered: Counter[str] = field(default_factory=Counter)
    values: dict[str, set[str]] = field(default_factory=dict)
    binary: Counter[str] = field(default_factory=Counter)
    targets: dict[str, set[str]] = field(default_factory=dict)

    def name(self, given: str, what: str) -> str:
        """A label, role or name of an attribute as brat can write it; two that differ stay different."""
        if given not in self.names:
            plain = re.sub(r"[^A-Za-z0-9_-]", "_", given)
            plain = name = plain if _NAME.fullmatch(plain) else f"_{plain}"
            number = 2
            while name in self.written:
                name, number = f"{plain}_{number}", number + 1
            self.names[given] = name
            self.written.add(name)
        self.losses[f"{what} (letters, digits, - and _ in brat)"] += self.names[given] != given
        return self.names[given]

    def text(self) -> str:
        """annotation.conf. Notes what cannot be told apart when it is read back."""
        roles = {role for roles in self.events.values() for role in roles}
        both = sum(count for role, count in self.numbered.items() if role in roles)
        self.losses["numbers of repeated roles that are roles too"] += both
        mixed = sum(count for name, count in self.binary.items() if self.values[name])
        self.losses["binary attributes that have values elsewhere"] += mixed
        relations = [f"{r}\t{a}:{_ANYTHING}, {b}:{_ANYTHING}" for r, a, b in sorted(self.relations)]
        same = "<REL-TYPE>:symmetric-transitive"
        relations += [f"{e}\tArg1:{_ANYTHING}, Arg2:{_ANYTHING}, {same}" for e in sorted(self.equivalences)]
        events = [
            f"{e}\t" + ", ".join(f"{r}*:{_ANYTHING}" for r in sorted(own)) for e, own in sorted(self.events.items())
        ]
        attributes = [
            f"{name}\tArg:{'|'.join(sorted(self.targets[name]))}" + (f", Value:{'|'.join(sorted(own))}" if own else "")
            for name, own in sorted(self.values.items())
        ]
        entities = sorted(self.entities - set(self.events))
        sections = {"entities": entities, "relations": relations, "events": events, "attributes": attributes}
        return "\n".join(f"[{name}]\n" + "".join(f"{line}\n" for line in lines) for name, lines in sections.items())


class _Ids:
    """Ids of one kind: those that are brat's own stay, the others take the numbers that are free."""

    def __init__(self, letter: str, wanted: Iterable[str], losses: Counter[str]) -> None:
        self.letter = letter
        self.own = re.compile(rf"{letter}[1-9][0-9]{{0,8}}")
        self.reserved = {identifier for identifier in wanted if self.own.fullmatch(identifier)}
        self.given: set[str] = set()
        self.losses = losses
        self.number = 0

    def of(self, item: Item) -> str:
        if item.id in self.reserved and item.id not in self.given:
            self.given.add(item.id)
            return item.id
        self.losses["ids (brat numbers its annotations)"] += 1
        return self.fresh()

    def fresh(self) -> str:
        self.number += 1
        while f"{self.letter}{self.number}" in self.reserved:
            self.number += 1
        return f"{self.letter}{self.number}"


_Key = tuple[str, str]


class _Writer:
    """One article as lines: spans, then what stands on spans, then what is said of those."""

    def __init__(self, article: Article, text: str, settings: _Settings, losses: Counter[str]) -> None:
        self.text = text
        self.settings = settings
        self.losses = losses
        self.items: dict[str, list[tuple[str, Item]]] = {"T": [], "E": [], "R": [], "*": []}
        for layer, item in ((layer, item) for layer, items in article.layers.items() for item in items):
            kind = _kind(layer, item)
            if kind:
                self.items[kind].append((layer, item))
            else:
                losses[f"{layer} (brat has nothing like them)"] += 1
        self.ids: dict[_Key, str] = {}
        self.triggers: dict[_Key, str] = {}
        self.counts: Counter[str] = Counter()

    def lines(self) -> list[str]:
        lines = [*self.spans(), *self.events(), *self.relations(), *self.equivalences()]
        for kind in ("T", "E", "R"):
            for layer, item in self.items[kind]:
                if (layer, item.id) in self.ids:
                    lines += self.said(kind, self.ids[layer, item.id], item)
        return lines

    def label(self, kind: str, layer: str, item: Item) -> str:
        label = item.label
        if layer != {"T": "mentions", "E": "events", "R": "relations"}[kind]:
            self.losses[f"{layer} (in brat a part of the label)"] += 1
            label = layer if label is None else f"{layer}_{label}"
        elif label is None:
            self.losses["annotations without a label (called as their layer)"] += 1
            label = layer
        return self.settings.name(label, "labels")

    def spans(self) -> Iterator[str]:
        ids = _Ids("T", (item.id for _, item in self.items["T"]), self.losses)
        for layer, item in self.items["T"]:
            if ranges := self.ranges(item):
                self.ids[layer, item.id] = ids.of(item)
                yield self.span(self.ids[layer, item.id], self.label("T", layer, item), ranges)
        for layer, item in self.items["E"]:
            without = item.ranges and not isinstance(item.values.get("trigger"), Ref)
            if without and (ranges := self.ranges(item)):
                self.losses["spans of events (become triggers)"] += 1
                self.triggers[layer, item.id] = ids.fresh()
                label = self.settings.name(item.label or layer, "labels")
                yield self.span(self.triggers[layer, item.id], label, ranges)

    def span(self, identifier: str, label: str, ranges: list[Range]) -> str:
        self.settings.entities.add(label)
        offsets = ";".join(f"{start} {end}" for start, end in ranges)
        surface = _BREAKS_LINES.sub(" ", " ".join(self.text[start:end] for start, end in ranges))
        return f"{identifier}\t{label} {offsets}\t{surface}"

    def ranges(self, item: Item) -> list[Range]:
        """The ranges without the line breaks in them, as brat cuts them; none if brat cannot hold the span."""
        bounds = [0, *(offset for pair in item.ranges for offset in pair), len(self.text)]
        if bounds != sorted(bounds) or any(start >= end for start, end in item.ranges):
            self.losses["spans that are empty, overlap themselves or lie outside the text"] += 1
            return []
        pieces: list[Range] = []
        for start, end in item.ranges:
            at = start
            for found in _LINE_BREAK.finditer(self.text, start, end):
                pieces.append((at, found.start()))
                at = found.end()
            pieces.append((at, end))
        pieces = [(start, end) for start, end in pieces if start < end]
        if not pieces:
            self.losses["spans of line breaks alone"] += 1
        elif pieces != list(item.ranges):
            self.losses["spans across line breaks (written in pieces)"] += 1
        return pieces

    def events(self) -> list[str]:
        ids = _Ids("E", (item.id for _, item in self.items["E"]), self.losses)
        kept = []
        for layer, item in self.items["E"]:
            trigger = self.triggers.get((layer, item.id)) or self.target(item.values.get("trigger"), "T")
            if trigger is None:
                self.losses["events without a trigger"] += 1
                continue
            if (layer, item.id) not in self.triggers and item.ranges:
                self.losses["spans of events (brat has those of triggers)"] += 1
            self.ids[layer, item.id] = ids.of(item)
            kept.append((layer, item, trigger))
        lines = []
        for layer, item, trigger in kept:
            label = self.label("E", layer, item)
            roles = self.settings.events.setdefault(label, set())
            arguments = "".join(f" {role}:{target}" for role, target in self.arguments(item, roles))
            lines.append(f"{self.ids[layer, item.id]}\t{label}:{trigger}{arguments}")
        return lines

    def arguments(self, item: Item, roles: set[str]) -> Iterator[tuple[str, str]]:
        """(role, id); a role that an event has again is numbered, as brat does it."""
        seen: Counter[str] = Counter()
        for argument in _list(item.values.get("arguments")):
            values = argument if isinstance(argument, dict) else {}
            refs = [value for value in values.values() if isinstance(value, Ref)]
            target = self.target(refs[0] if refs else None, "TE")
            rest = [name for name, value in values.items() if name != "role" and value is not None]
            self.losses["properties of arguments"] += max(len(rest) - 1, 0)
            if target is None:
                self.losses["arguments that name nothing"] += not refs
                continue
            given_role = values.get("role")
            self.losses["arguments without a role"] += not isinstance(given_role, str)
            role = self.settings.name(given_role if isinstance(given_role, str) else "Arg", "roles")
            roles.add(role)
            seen[role] += 1
            if seen[role] > 1 and not role[-1].isdigit():
                role = f"{role}{seen[role]}"
                self.settings.numbered[role] += 1
            yield role, target

    def relations(self) -> Iterator[str]:
        ids = _Ids("R", (item.id for _, item in self.items["R"]), self.losses)
        for layer, item in self.items["R"]:
            ends = [self.target(_end(item, name), "TE") for name in ("head", "tail")]
            if None in ends:
                self.losses["relations whose ends are not in brat"] += 1
                continue
            self.losses["spans of relations"] += bool(item.ranges)
            head, tail = self.roles(item)
            label = self.label("R", layer, item)
            self.settings.relations.add((label, head, tail))
            self.ids[layer, item.id] = ids.of(item)
            yield f"{self.ids[layer, item.id]}\t{label} {head}:{ends[0]} {tail}:{ends[1]}"

    def roles(self, item: Item) -> tuple[str, str]:
        given = (("head_role", "Arg1"), ("tail_role", "Arg2"))
        head, tail = (self.settings.name(str(item.values.get(name) or usual), "roles") for name, usual in given)
        if head == tail or (head, tail) == ("Arg2", "Arg1"):
            self.losses["roles of relations that brat cannot tell apart"] += 1
            return "Arg1", "Arg2"
        return head, tail

    def equivalences(self) -> Iterator[str]:
        number = 0
        for layer, item in self.items["*"]:
            refs = [*_list(item.values.get("members")), *_list(item.values.get("event_members"))]
            members = [target for target in (self.target(ref, "TE") for ref in refs) if target]
            if len(members) < 2:
                self.losses[f"{layer} of less than two members"] += 1
                continue
            number += 1
            self.losses["ids (brat numbers its annotations)"] += item.id != f"q{number}"
            self.losses[f"{layer} (become equivalences)"] += layer != "equivalences"
            self.losses["spans of equivalences"] += bool(item.ranges)
            self.losses["properties of equivalences"] += len(item.values.keys() - {"members", "event_members"})
            label = self.settings.name(item.label or "Equiv", "labels")
            self.settings.equivalences.add(label)
            yield f"*\t{label} {' '.join(members)}"

    def target(self, value: Value, kinds: str) -> str | None:
        """The id in brat of what a reference leads to, if it is of these kinds."""
        if not isinstance(value, Ref):
            return None
        found = self.ids.get((value.layer, value.id)) if value.article is None else None
        if found is not None and found[0] in kinds:
            return found
        self.losses["references to what is not in brat"] += 1
        return None

    def said(self, kind: str, identifier: str, item: Item) -> Iterator[str]:
        """The properties of an item: attributes, normalizations, notes."""
        for name, value in item.values.items():
            if name in _PROPERTIES.get(kind, ()) or value is None:
                continue
            if name == "notes" or name.endswith("_notes"):
                for text in _list(value):
                    yield self.note("AnnotatorNotes" if name == "notes" else name[: -len("_notes")], identifier, text)
            elif name == "normalizations":
                yield from filter(None, (self.normalization(identifier, entry) for entry in _list(value)))
            elif isinstance(value, str) and not _WORD.fullmatch(value):
                self.losses["properties of several words (become notes)"] += 1
                yield self.note(name, identifier, value)
            elif isinstance(value, bool | int | float | str) and value is not False:
                yield self.attribute(kind, name, identifier, value)
            else:
                words = "properties that are false" if value is False else "lists and references as properties"
                self.losses[words] += 1

    def numbered(self, letter: str) -> str:
        self.counts[letter] += 1
        return f"{letter}{self.counts[letter]}"

    def note(self, kind: str, identifier: str, text: Value) -> str:
        kind = re.sub(r"\W", "_", kind) or "_"
        return f"{self.numbered('#')}\t{kind} {identifier}\t{self.one_line(text)}"

    def one_line(self, value: Value) -> str:
        text = value if isinstance(value, str) else str(value)
        self.losses["line breaks in notes"] += (plain := re.sub(r"[\r\n]", " ", text)) != text
        self.losses["lists and references as properties"] += text is not value
        return plain

    def normalization(self, identifier: str, value: Value) -> str | None:
        values = value if isinstance(value, dict) else {}
        resource, entry, text = values.get("resource"), values.get("id"), values.get("text")
        if not isinstance(resource, str) or not re.fullmatch(r"[^\s:]+ \S+", f"{resource} {entry}"):
            self.losses["normalizations without a resource and an id of one word"] += 1
            return None
        self.losses["properties of normalizations"] += len(values.keys() - {"resource", "id", "text"})
        tail = "" if text is None else f"\t{self.one_line(text)}"
        return f"{self.numbered('N')}\tReference {identifier} {resource}:{entry}{tail}"

    def attribute(self, kind: str, name: str, identifier: str, value: bool | int | float | str) -> str:
        written = self.settings.name(name, "names of properties")
        self.losses["names of properties that mean something else"] += property_name(name) != name == written
        self.settings.targets.setdefault(written, set()).add(_TARGETS[kind])
        values = self.settings.values.setdefault(written, set())
        if value is True:
            self.settings.binary[written] += 1
            return f"{self.numbered('A')}\t{written} {identifier}"
        self.losses["numbers (become words)"] += not isinstance(value, str)
        values.add(str(value))
        return f"{self.numbered('A')}\t{written} {identifier} {value}"


def _kind(layer: str, item: Item) -> str:
    """T, E, R or *: as what an item is written, by what it has; nothing for what brat has nothing like."""
    if layer in ("tokens", "sentences"):
        return ""
    if layer == "mentions":
        return "T"
    if isinstance(item.values.get("trigger"), Ref) or layer == "events":
        return "E"
    if _end(item, "head") and _end(item, "tail"):
        return "R"
    if item.ranges:
        return "T"
    return "*" if isinstance(item.values.get("members"), list) else ""


def _end(item: Item, name: str) -> Value:
    """An end of a relation: a mention or, in a property of its own, an event."""
    found = item.values.get(name)
    return found if isinstance(found, Ref) else item.values.get(f"{name}_event")


def _list(value: Value) -> list[Value]:
    return value if isinstance(value, list) else [] if value is None else [value]
