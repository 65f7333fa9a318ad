"""brat standoff: a text and, beside it, an .ann file with an annotation a line. Which lines there are: bratlines.py.

Everybody's .ann file on one text is a pass over it. Offsets count code points in brat; files that other programs
wrote are told by the strings they give for their spans.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias, cast

from copydesk.articles.model import Article, Item, Range, Ref, Value, layer_of
from copydesk.articles.offsets import converter
from copydesk.articles.units import Sample, decode, stem
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers import bratlines as brat
from copydesk.project import Source
from copydesk.sources import RawRecord, Unit

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "annotators": {
        "anyOf": [{"enum": ["files", "folders", "none"]}, {"type": "array", "items": {"type": "string"}}],
        "description": "where the names of several annotators of a text are: `files`, a_kim.ann and a.ann2 beside "
        "a.txt; `folders`, kim/a.ann; the names of the folders, if others lie below them; `none`. Default: files",
    },
}
TAKES = ("articles",)

_CONF = "annotation.conf"
_ASIDE = re.compile(r"(annotation|visual|tools|kb_shortcuts|acl)\.conf|\.stats_cache|.*~|.*\.ann\.(bak|orig|old|swp)")
_ANN = re.compile(r"(.+)\.ann(?:([0-9]+|[A-Z])|[_-]([\w-]+))?", re.IGNORECASE)
_ANN_LINE = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:T[0-9]+\t\S+ [0-9]+ [0-9]+(?:[;\t\r]|$)|E[0-9]+\t\S+:T[0-9]|\*\t\S+ T[0-9])"
)


_Decoded: TypeAlias = "tuple[str, bool] | Diagnostic"


@dataclass(slots=True, kw_only=True)
class _Document:
    """The files on one text. `passes`: (annotator, .ann file, .txt file), None where there is none."""

    stem: str
    passes: list[tuple[str | None, str, str | None]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def files(self) -> list[str]:
        """Those with annotations first."""
        return [*(file for _, file, _ in self.passes), *self.texts]


def sniff(sample: Sample) -> int:
    """An .ann file with a brat line in its head; less sure where all that are looked at are empty beside a text."""
    annotations = [name for name in sample.names if _ANN.fullmatch(name)]
    texts = {stem(name) for name in sample.names if name.lower().endswith(".txt")}
    for name in annotations[:20]:
        if any(_ANN_LINE.match(line) for line in sample.head(name).split(b"\n")):
            return 95
    empty = [name for name in annotations[:20] if stem(name) in texts and not sample.head(name).strip()]
    return 60 if empty else 0


def units(source: Source, names: Sequence[str]) -> Iterator[Unit]:
    """One unit a text, with all .ann files on it and the annotation.conf that holds for it.

    brat's other settings, and copies that editors leave, go with the first: they are known, and not read.
    """
    documents = _documents(names, source.options.get("annotators", "files"))
    known = set(names)
    confs = [_nearest_conf(document.files()[0], known) for document in documents]
    aside = [name for name in sorted(known.difference(confs)) if _ASIDE.fullmatch(PurePosixPath(name).name)]
    for document, conf in zip(documents, confs, strict=True):
        yield Unit(files=(*document.files(), *([conf] if conf else []), *aside), name=document.stem)
        aside = []


def read(root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Diagnostic]:
    """The passes over one text, one article each.

    I004 where there is no text, I005 where there are no annotations, I001 where an .ann file is something else, S002.
    """
    files = {raw.file: raw.data, **raw.beside}
    conf = _nearest_conf(raw.file, set(files))
    settings = brat.declared(files[conf]) if conf else brat.Declared()
    for document in _documents(sorted(files), source.options.get("annotators", "files")):
        name = raw.name or document.stem
        known = {file: decode(files[file], file, source.encoding) for file in document.files()}
        for annotator, file, text in document.passes:
            article = _pass(name, file, known[file], known[text] if text else None, settings)
            if isinstance(article, Article):
                article.annotator = annotator
            yield article
        for file in document.texts if not document.passes else ():
            yield _pass(name, file, ("", False), known[file], settings)


def _pass(name: str, file: str, lines: _Decoded, text: _Decoded | None, conf: brat.Declared) -> Article | Diagnostic:
    """One .ann file on a text; or the file of a text that has none."""
    last = PurePosixPath(name).name
    if text is None:
        return Diagnostic(code="I004", place=Place(file=file, record=name), message=f"there is no {last}.txt")
    if isinstance(text, Diagnostic):
        return text
    if isinstance(lines, Diagnostic):
        return lines
    written = lines[0] if "\n" in lines[0] else lines[0].replace("\r", "\n")  # as old Macs ended lines
    if written.strip() and not brat.looks_like_brat(written):
        message = f"no line of {PurePosixPath(file).name} is an annotation of brat's"
        return Diagnostic(code="I001", place=Place(file=file, line=1, record=name), message=message)
    article = Article(id=name, text=text[0], file=file)
    if file.lower().endswith(".txt"):
        article.problem("I005", f"there is no {last}.ann with annotations")
    _Assembly(article, conf).run(brat.parse_lines(written), bom=text[1])
    return article


def declared_labels(conf: bytes) -> dict[str, tuple[str, ...]]:
    """Layer -> its labels as an annotation.conf declares them, in its order; layers without labels are left out.

    Triggers are mentions too, so the types of events are labels of both. Never raises.
    """
    found = brat.declared(conf)
    layers = {
        "mentions": tuple(dict.fromkeys([*found.entities, *found.events])),
        "relations": found.relations,
        "events": found.events,
        "equivalences": found.equivalences,
    }
    return {layer: labels for layer, labels in layers.items() if labels}


def declared_values(conf: bytes) -> dict[str, tuple[str, ...]]:
    """Attribute -> its values as an annotation.conf declares them; none for a binary attribute. Never raises."""
    return dict(brat.declared(conf).attributes)


def _nearest_conf(file: str, known: set[str]) -> str | None:
    """The annotation.conf in the folder of a file, or in the nearest one above, as brat itself looks for it."""
    candidates = ((above / _CONF).as_posix() for above in PurePosixPath(file).parents)
    return next((name for name in candidates if name in known), None)


def _documents(names: Sequence[str], annotators: object) -> list[_Document]:
    """The files, text by text, in order of the names."""
    texts: dict[str, str] = {}
    written: list[tuple[str, str, str | None]] = []
    for name in names:
        found = _ANN.fullmatch(name)
        if name.lower().endswith(".txt"):
            texts.setdefault(stem(name), name)
        elif found and (annotators == "files" or not (found[2] or found[3])):
            written.append((name, found[1], found[2] or found[3]))
    if annotators == "files" or annotators == "none":
        return _by_name(texts, written, annotators == "files")
    return _by_folder(texts, written, annotators)


def _by_name(texts: Mapping[str, str], written: list[tuple[str, str, str | None]], suffixes: bool) -> list[_Document]:
    documents: dict[str, _Document] = {}
    for name, own, who in written:
        home = own
        if suffixes and who is None and own not in texts:
            home, who = _split_name(own, texts)
        document = documents.setdefault(home, _Document(stem=home))
        document.passes.append((who, name, texts.get(home)))
    for own, name in texts.items():
        documents.setdefault(own, _Document(stem=own)).texts.append(name)
    return sorted(documents.values(), key=lambda document: document.stem)


def _split_name(own: str, texts: Mapping[str, str]) -> tuple[str, str | None]:
    """The longest name of a text that a file's name begins with, and the annotator's name behind it."""
    base = own.rpartition("/")[2]
    for at in range(len(own) - 2, len(own) - len(base), -1):
        if own[at] in "._-" and own[:at] in texts:
            return own[:at], own[at + 1 :]
    return own, None


def _by_folder(texts: Mapping[str, str], written: list[tuple[str, str, str | None]], named: object) -> list[_Document]:
    documents: dict[str, _Document] = {}
    split = {own: _split_folder(own, named) for _, own, _ in written}
    homes = {home for home, _ in split.values()}
    for own, name in texts.items():
        common = _split_folder(own, named)[0]
        home = own if own in homes or common not in homes else common
        documents.setdefault(home, _Document(stem=home)).texts.append(name)
    for name, own, _ in written:
        home, who = split[own]
        document = documents.setdefault(home, _Document(stem=home))
        only = document.texts[0] if len(document.texts) == 1 else None
        document.passes.append((who, name, texts.get(own) or texts.get(home) or only))
    return sorted(documents.values(), key=lambda document: document.stem)


def _split_folder(own: str, named: object) -> tuple[str, str | None]:
    """A name without the folder that is called after an annotator, and the annotator."""
    parts = own.split("/")
    for at in range(len(parts) - 2, -1, -1):
        if not isinstance(named, list | tuple) or parts[at] in named:
            return "/".join([*parts[:at], *parts[at + 1 :]]), parts[at]
    return own, None


class _Assembly:
    """One .ann file on its way into an article. What there is is known before references, which may lead forward."""

    def __init__(self, article: Article, settings: brat.Declared) -> None:
        self.article = article
        self.settings = settings
        self.items: dict[str, Item] = {}
        self.layer: dict[str, str] = {}
        self.lost: set[str] = set()

    def run(self, lines: Iterator[brat.Line], *, bom: bool) -> None:
        sound = list(self.sound(list(lines)))  # a T line is whole when the next one was read
        self.mentions([line for line in sound if isinstance(line, brat.TextBound)], bom=bom)
        self.events([line for line in sound if isinstance(line, brat.Event)])
        self.relations([line for line in sound if isinstance(line, brat.Relation)])
        self.equivalences([line for line in sound if isinstance(line, brat.Equivalence)])
        self.attributes([line for line in sound if isinstance(line, brat.Attribute)])
        for line in sound:
            if isinstance(line, brat.Normalization | brat.Note):
                self.remark(line)
        self.article.left_out = +self.article.left_out
        self.article.found.sort(key=lambda found: found.place.line or 0)

    def sound(self, lines: Sequence[brat.Line]) -> Iterator[brat.Identified | brat.Equivalence]:
        """The lines that say something, each id once."""
        layers = {brat.TextBound: "mentions", brat.Event: "events", brat.Relation: "relations"}
        first: dict[str, int] = {}
        for line in lines:
            if isinstance(line, brat.Damaged | brat.Comment):
                self.unsound(line)
            elif isinstance(line, brat.Equivalence):
                yield line
            elif line.id in first:
                self.problem("I006", f"{line.id} is the id of line {first[line.id]} already", line)
                self.rest(line, 0)
            else:
                first[line.id] = line.line
                self.layer[line.id] = layers.get(type(line), "")
                yield line

    def unsound(self, line: brat.Line | None) -> None:
        if isinstance(line, brat.Comment):
            self.article.left_out["comments"] += 1
        elif isinstance(line, brat.Damaged):
            self.problem("I002", line.message, line)
            if line.id is not None:
                self.lost.add(line.id)

    def rest(self, line: brat.Identified, taken: int) -> None:
        """The lines after a T line that do not belong to its surface: they are no annotations."""
        for number, more in line.rest[taken:] if isinstance(line, brat.TextBound) else ():
            self.unsound(brat.parse_line(number, more))

    def lose(self, line: brat.Identified) -> None:
        self.layer.pop(line.id)
        self.lost.add(line.id)

    def add(
        self, line: brat.TextBound | brat.Event | brat.Relation, values: dict[str, Value] | None = None,
        ranges: tuple[Range, ...] = (), surface: str | None = None,
    ) -> None:  # fmt: skip
        item = Item(id=line.id, ranges=ranges, label=line.label, values=values or {}, surface=surface, line=line.line)
        self.items[item.id] = item
        layer_of(self.article, self.layer[item.id]).append(item)

    def mentions(self, lines: Sequence[brat.TextBound], *, bom: bool) -> None:
        text = self.article.text or ""
        self.article.unit = brat.unit_of(text, lines, bom=bom)
        convert = converter(text, self.article.unit)
        for line in lines:
            ranges = brat.ranges_of(line, convert)
            pieces = [text[max(start, 0) : max(end, 0)] for start, end in sorted(ranges)]
            surface, taken, cut = brat.settle_surface(line, pieces)
            self.article.left_out["comments"] += cut
            self.rest(line, taken)
            if not ranges:
                self.problem("I019", f"in {self.article.unit}, an offset of {line.id} is inside a character", line)
                self.lose(line)
                continue
            if ranges != sorted(ranges):
                self.problem("I020", f"the fragments of {line.id} were put in order", line)
            self.add(line, ranges=tuple(sorted(ranges)), surface=surface)

    def events(self, lines: Sequence[brat.Event]) -> None:
        for line in lines:
            trigger = self.follow(line.trigger, line.id, line)
            if trigger is not None and trigger.layer == "mentions":
                self.add(line, {"trigger": trigger})
                continue
            if trigger is not None:
                self.problem("I002", f"the trigger of {line.id} is {line.trigger}, an event", line)
            self.lose(line)
        roles = {role for line in lines for role, _ in line.arguments} | self.settings.roles
        for line in lines:
            if line.id in self.items:
                self.items[line.id].values["arguments"] = list(self.arguments(line, roles))

    def arguments(self, line: brat.Event, roles: set[str]) -> Iterator[Value]:
        seen: dict[str, int] = {}
        for written, target in line.arguments:
            role, number = brat.split_role(written, roles, self.settings.roles)
            seen[role] = seen.get(role, 0) + 1
            ref = self.follow(target, line.id, line)
            if ref is None:
                continue
            argument: dict[str, Value] = {"role": role, "mention": None, "event": None}
            argument["mention" if ref.layer == "mentions" else "event"] = ref
            if written != role and number != seen[role]:
                self.article.left_out["numbers of roles that do not follow from their order"] += 1
            yield argument

    def relations(self, lines: Sequence[brat.Relation]) -> None:
        for line in lines:
            ends = line.ends[::-1] if (line.ends[0][0], line.ends[1][0]) == ("Arg2", "Arg1") else line.ends
            refs = [self.follow(target, line.id, line) for _, target in ends]
            values: dict[str, Value] = {}
            for name, ref, (role, _), usual in zip(("head", "tail"), refs, ends, ("Arg1", "Arg2"), strict=True):
                if ref is not None:
                    values[name if ref.layer == "mentions" else f"{name}_event"] = ref
                if role != usual:
                    values[f"{name}_role"] = role
            if None in refs:
                self.lose(line)
            else:
                self.add(line, values)

    def equivalences(self, lines: Sequence[brat.Equivalence]) -> None:
        for number, line in enumerate(lines, 1):
            refs = [self.follow(target, "an equivalence", line) for target in line.members]
            values: dict[str, Value] = {"members": [r for r in refs if r and r.layer == "mentions"]}
            if events := [r for r in refs if r and r.layer == "events"]:
                values["event_members"] = list[Value](events)
            if any(refs):
                item = Item(id=f"q{number}", label=line.label, values=values, line=line.line)
                layer_of(self.article, "equivalences").append(item)

    def attributes(self, lines: Sequence[brat.Attribute]) -> None:
        """True for a binary attribute. One that has values, by the settings or in any line, has strings throughout."""
        valued = {name for name, values in self.settings.attributes.items() if values}
        valued |= {line.name for line in lines if line.value is not None}
        for line in lines:
            item = self.items.get(line.target)
            if item is None:
                self.missing(line.target, line.id, line)
                continue
            name, value = brat.property_name(line.name), (line.value or "true") if line.name in valued else True
            if name not in item.values:
                item.values[name] = value
            elif item.values[name] == value:
                self.article.left_out["attributes given twice"] += 1
            else:
                message = f"{line.target} has {line.name} {item.values[name]!r} already; here it is {value!r}"
                self.problem("I002", message, line)

    def remark(self, line: brat.Normalization | brat.Note) -> None:
        """Put a normalization or a note into the list of what it is on; a note on nothing is one on the text."""
        name, value = "normalizations", cast(Value, line.text)
        if isinstance(line, brat.Normalization):
            value = {"resource": line.resource, "id": line.entry, "text": line.text}
            self.article.left_out["kinds of normalizations"] += line.kind != "Reference"
        else:
            name = "notes" if line.kind == "AnnotatorNotes" else re.sub(r"\W", "_", line.kind) + "_notes"
        item = self.items.get(line.target)
        if item is None and (name == "normalizations" or brat.ID.fullmatch(line.target)):
            self.missing(line.target, line.id, line)
            return
        given = (item or self.article).values.setdefault(name, [])
        if isinstance(given, list):
            given.append(value)

    def follow(self, target: str, who: str, line: brat.Line) -> Ref | None:
        """The mention or event of an id; says why there is none."""
        layer = self.layer.get(target)
        if layer in ("mentions", "events"):
            return Ref(layer, target)
        if layer is not None:
            self.problem("I002", f"{who} names {target}, which is neither a span nor an event", line)
        else:
            self.missing(target, who, line)
        return None

    def missing(self, target: str, who: str, line: brat.Line) -> None:
        """I003; what names a lost annotation is only counted, since the cause is told at the line of that one."""
        if target in self.layer:
            self.article.left_out["what is said of attributes, normalizations and notes"] += 1
        elif target in self.lost:
            self.article.left_out["references to annotations that were left out"] += 1
        else:
            self.problem("I003", f"{who} names {target}, which is not in the file", line)

    def problem(self, code: str, message: str, line: brat.Line) -> None:
        self.article.problem(code, message, line=line.line)
