"""Feature structures of a CAS -> the layers of an article. Knows what UIMA, DKPro and INCEpTION mean by their types.

An annotation is an item of the layer that its type names (`layer_names`). Any other structure is part of what refers
to it (values.py), or an item without a span where nothing does. A relation (features `Governor` and `Dependent`)
has no span of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from copydesk.articles import offsets
from copydesk.articles.model import Article, Item, Ref
from copydesk.importers.cas.model import Cas, Structure, Subject, To
from copydesk.importers.cas.types import (
    ANNOTATION_BASE,
    DOCUMENT_ANNOTATION,
    PRIMITIVES,
    CasType,
    Types,
)
from copydesk.importers.cas.values import HEAD, TAIL, Values
from copydesk.importers.webanno.names import ANNOTATION, FAMILIES, LABELS, identifier, property_name

_BOOKKEEPING = frozenset(
    {
        "TagsetDescription",
        "TagDescription",
        "LayerDefinition",
        "FeatureDefinition",
        "CASMetadata",
        "TransientCASMetadata",
    }
)
"""Short names of types of DKPro and INCEpTION that describe the project, or the file, and annotate nothing."""


def layer_names(types: Types, own: frozenset[str]) -> dict[str, str]:
    """Type -> layer: the short name of the type; where types of the file (`own`) share one, the whole name of each."""
    out: dict[str, str] = {}
    claims: dict[str, set[str]] = {layer: {""} for layer in FAMILIES.values()}
    for name, known in types.items():
        family = next((FAMILIES[above] for above in known.lineage if above in FAMILIES), None)
        if family is not None:
            out[name] = family
        elif name in own and known.is_a(ANNOTATION_BASE) and not known.is_a(DOCUMENT_ANNOTATION):
            claims.setdefault(identifier(known.short), set()).add(name)
    for name, known in types.items():
        if name not in out:
            short = identifier(known.short)
            out[name] = identifier(name) if claims.get(short, set()) - {name} else short
    return out


def relation_types(types: Types) -> frozenset[str]:
    """The names of the types that are relations between annotations."""
    return frozenset(name for name, known in types.items() if _is_relation(known))


def _is_relation(known: CasType) -> bool:
    ends = [known.features.get(name) for name in (HEAD, TAIL)]
    return all(end is not None and not end.many and end.of not in PRIMITIVES for end in ends)


@dataclass(slots=True, kw_only=True)
class Layering:
    """The work on one view of one file. `homes`: number of a structure -> the item that it is."""

    article: Article
    cas: Cas
    subject: Subject
    types: Types
    names: Mapping[str, str]
    homes: dict[int, Ref] = field(default_factory=dict)
    relations: frozenset[str] = frozenset()

    def fill(self) -> None:
        """Put the structures of the view into the layers of the article."""
        self.relations = relation_types(self.types)
        inside, referred = self._inside()
        convert = _converter(self.subject.text or "")
        items: list[tuple[Structure, Item]] = []
        documents: list[Structure] = []
        for structure in inside:
            known = structure.type
            if known.is_a(DOCUMENT_ANNOTATION):
                documents.append(structure)
            elif known.short in _BOOKKEEPING and known.name.startswith("de.tudarmstadt.ukp."):
                self.article.left_out[f"bookkeeping ({known.short})"] += 1
            elif known.is_a(ANNOTATION_BASE) or structure.number not in referred:
                item = self._item(structure, convert)
                if item is not None:
                    items.append((structure, item))
        items = self._whole_relations(items)
        self._give_ids(items)
        values = Values(article=self.article, cas=self.cas, types=self.types, names=self.names, homes=self.homes)
        values.find_ends(structure for structure, _ in items if structure.type.name in self.relations)
        for structure, item in items:
            self._describe(structure, item, values)
            self.article.layers.setdefault(self.names[structure.type.name], []).append(item)
        for structure in documents:
            self._document(structure, values)

    def _inside(self) -> tuple[list[Structure], set[int]]:
        """What is indexed in the view, or referred to from there, and what that refers to; counts what is not."""
        known = self.cas.structures
        view = self.cas.views.get(self.subject.number)
        if view is None:  # nothing says what is indexed: all that is not about another text
            found = {number for number, structure in known.items() if self._is_here(structure)}
            referred = {target for number in found for target in self.cas.targets(known[number])}
        else:
            members, line, pointer = view
            for number in dict.fromkeys(members):
                if not self.cas.has(number) and all(number != s.number for s in self.cas.subjects):
                    message = f"the view names {number}, which is not in the file"
                    self.article.problem("I003", message, line=line, pointer=pointer)
            found, referred = self._reached(members)
        subjects = {subject.number for subject in self.cas.subjects}
        for number, structure in known.items():
            sofa = structure.features.get("sofa")
            if number in found:
                continue
            if isinstance(sofa, To) and sofa.number not in subjects:
                message = f"{structure.type.short} {number} is of the Sofa {sofa.number}, which is not in the file"
                self._problem("I003", message, structure)
            else:
                words = "structures that are in no index" if self._is_here(structure) else "annotations of other views"
                self.article.left_out[words] += 1
        if loose := self.cas.loose_arrays():
            self.article.left_out["arrays that nothing refers to"] += loose
        return [structure for number, structure in known.items() if number in found], referred

    def _reached(self, members: list[int]) -> tuple[set[int], set[int]]:
        """What members lead to, themselves included, and all numbers that these refer to."""
        found, referred = set[int](), set[int]()
        waiting = [part.number for n in members for part in self.cas.parts(To(n)) if isinstance(part, To)]
        while waiting:
            number = waiting.pop()
            structure = self.cas.structures.get(number)
            if structure is not None and number not in found and self._is_here(structure):
                found.add(number)
                targets = set(self.cas.targets(structure))
                waiting.extend(targets - referred)
                referred |= targets
        return found, referred

    def _is_here(self, structure: Structure) -> bool:
        sofa = structure.features.get("sofa")
        return not isinstance(sofa, To) or sofa.number == self.subject.number

    def _problem(self, code: str, message: str, structure: Structure) -> None:
        self.article.problem(code, message, line=structure.line, pointer=structure.pointer)

    def _item(self, structure: Structure, convert: Callable[[int], int | None]) -> Item | None:
        """An item with its span; None for offsets inside a character."""
        item = Item(id=str(structure.number), line=structure.line, pointer=structure.pointer)
        if structure.type.is_a(ANNOTATION) and structure.type.name not in self.relations:
            begin, end = structure.integer("begin"), structure.integer("end")
            start, stop = convert(begin), convert(end)
            if start is None or stop is None:
                message = (
                    f"{structure.type.short} {structure.number}, {begin}..{end}, begins or ends inside a character"
                )
                self._problem("I019", message, structure)
                return None
            item.ranges = ((start, stop),)
        return item

    def _whole_relations(self, items: list[tuple[Structure, Item]]) -> list[tuple[Structure, Item]]:
        """The items without the relations that lack an end, and without those that stand on such a one."""
        while True:
            present = {structure.number for structure, _ in items}
            kept = []
            for structure, item in items:
                ends = [structure.features.get(name) for name in (HEAD, TAIL)]
                whole = all(isinstance(end, To) and end.number in present for end in ends)
                if whole or structure.type.name not in self.relations:
                    kept.append((structure, item))
                else:
                    self._lost_relation(structure, present)
            if len(kept) == len(items):
                return kept
            items = kept

    def _lost_relation(self, structure: Structure, present: set[int]) -> None:
        what = f"the relation {structure.type.short} {structure.number}"
        for name in (HEAD, TAIL):
            end = structure.features.get(name)
            if not isinstance(end, To) or self.cas.is_null(end.number):
                self._problem("I002", f"{what} has no {name}", structure)
            elif not self.cas.has(end.number):
                self._problem("I003", f"{what} names {end.number} as {name}, which is not in the file", structure)
            elif end.number in present:
                continue
            else:
                self.article.left_out["relations to what is left out"] += 1
            return

    def _give_ids(self, items: list[tuple[Structure, Item]]) -> None:
        """Ids: the feature `id` where it tells all those of a layer apart, or else the numbers of the structures."""
        layers: dict[str, list[tuple[Structure, Item]]] = {}
        for structure, item in items:
            layers.setdefault(self.names[structure.type.name], []).append((structure, item))
        for layer, members in layers.items():
            own = [name for s, _ in members if isinstance(name := s.features.get("id"), str) and name]
            for structure, item in members:
                if len(set(own)) == len(members):
                    item.id = str(structure.features.pop("id"))
                self.homes[structure.number] = Ref(layer, item.id)

    def _describe(self, structure: Structure, item: Item, values: Values) -> None:
        """Give an item its label and its values."""
        layer, known = self.names[structure.type.name], structure.type
        item.values = values.of(structure)
        called = property_name(LABELS.get(layer, "label"))
        if isinstance(label := item.values.get(called), str):
            item.label = label
            del item.values[called]
        if FAMILIES.get(known.name) is None and layer in FAMILIES.values():
            if layer == "mentions" and item.label is None:
                item.label = known.short
            said = {str(value).casefold() for value in (item.label, *item.values.values())}
            if not {known.short.casefold(), known.short.removeprefix("POS_").casefold()} & said:
                item.values.setdefault("type", known.short)

    def _document(self, structure: Structure, values: Values) -> None:
        """What is said of the whole text."""
        for name, value in values.of(structure).items():
            if name == "language" and value == "x-unspecified":
                continue
            if self.article.values.setdefault(name, value) != value:
                self.article.left_out[f"second values of the document ({name})"] += 1


def _converter(text: str) -> Callable[[int], int | None]:
    """From offsets in UTF-16 units to code points; None inside a character. Outside the text they stay outside."""
    within = offsets.converter(text, offsets.UTF16)
    end = len(text) + sum(char > "\uffff" for char in text)

    def convert(offset: int) -> int | None:
        if offset < 0:
            return offset
        return len(text) + offset - end if offset > end else within(offset)

    return convert
