"""The lines of one pass over a text -> an article. Reads no files, and no lines either: lines.py does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

from copydesk.articles.model import Article, Item, Range, Ref, Value, layer_of
from copydesk.articles.offsets import converter
from copydesk.importers.brat import lines as brat
from copydesk.importers.brat.settings import Declared
from copydesk.importers.brat.surfaces import property_name, ranges_of, settle_surface, split_role, unit_of


def place_in_files(article: Article, files: Sequence[tuple[str, int]]) -> None:
    """Put findings and items at the lines of their own files, where lines were counted on through several.

    `files`: each with the number of its first line.
    """

    def at(line: int) -> tuple[str, int]:
        file, first = next((file, first) for file, first in reversed(files) if first <= line)
        return file, line - first + 1

    for index, finding in enumerate(article.found):
        file, line = at(finding.place.line or 1)
        article.found[index] = replace(finding, place=replace(finding.place, file=file, line=line))
    for items in article.layers.values():
        for item in items:
            file, item.line = at(item.line)
            item.file = file if file != article.file else ""


class Assembly:
    """One pass on its way into an article. What there is is known before references, which may lead forward."""

    def __init__(self, article: Article, settings: Declared) -> None:
        self.article = article
        self.settings = settings
        self.items: dict[str, Item] = {}
        self.layer: dict[str, str] = {}
        self.lost: set[str] = set()

    def run(self, lines: Sequence[brat.Line], *, bom: bool) -> None:
        sound = list(self.sound(lines))
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
        self.article.unit = unit_of(text, lines, bom=bom)
        convert = converter(text, self.article.unit)
        for line in lines:
            ranges = ranges_of(line, convert)
            order = sorted(range(len(ranges)), key=ranges.__getitem__)
            pieces = [text[max(start, 0) : max(end, 0)] for start, end in ranges]
            surface, taken, cut = settle_surface(line, pieces, order)
            self.article.left_out["comments"] += cut
            self.rest(line, taken)
            if not ranges:
                self.problem("I019", f"in {self.article.unit}, an offset of {line.id} is inside a character", line)
                self.lose(line)
                continue
            if order != list(range(len(order))):
                self.problem("I020", f"the fragments of {line.id} were put in order", line)
            self.add(line, ranges=tuple(ranges[at] for at in order), surface=surface)

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
            role, number = split_role(written, roles, self.settings.roles)
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
            name, value = property_name(line.name), (line.value or "true") if line.name in valued else True
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
