"""The features of a structure -> the values of an item. Follows references; knows no layers but by name.

* A feature that leads to an annotation is a reference. Its property has the name of the feature where the type system
  says which layer it leads to, and `feature_Layer` for any other layer: a property leads to one layer in all files.
* A structure that is no annotation (a link with role and target) is part of what refers to it.
* A relation has `head` and `tail`. Where the type system leaves open what it is attached to, it is what it is attached
  to in the file. A chain (`first`, then `next`) has `members`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from copydesk.articles.model import Article, Ref, Value
from copydesk.importers.cas.model import Cas, Raw, Structure, To
from copydesk.importers.cas.types import (
    ABSTRACT,
    ANNOTATION_BASE,
    BYTE,
    FLOATS,
    PRIMITIVES,
    CasType,
    Feature,
    Types,
)
from copydesk.importers.webanno.names import identifier, property_name

HEAD, TAIL = "Governor", "Dependent"
_ENDS = {HEAD: "head", TAIL: "tail"}
_DEEPEST = 20
"""Structures within structures. With the budget of `Values`, it keeps a small file from growing without end."""


def chain_links(known: CasType, types: Types) -> str | None:
    """The type of the links of a chain: `first` leads to one, and each to the `next`. None for what is no chain."""
    first = known.features.get("first")
    link = types.get(first.of) if first is not None and not first.many else None
    after = link.features.get("next") if link is not None else None
    return link.name if link is not None and after is not None and not after.many and after.of == link.name else None


@dataclass(slots=True, kw_only=True)
class Values:
    """The work on one view of one file. `homes`: number of a structure -> the item that it is.

    `ends`: (type, end of a relation) -> the layers that it leads to in this file.
    """

    article: Article
    cas: Cas
    types: Types
    names: Mapping[str, str]
    homes: Mapping[int, Ref]
    ends: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    links: frozenset[str] = frozenset()
    budget: int = 0

    def __post_init__(self) -> None:
        found = (chain_links(structure.type, self.types) for structure in self.cas.structures.values())
        self.links = frozenset(name for name in found if name is not None)
        self.budget = 1000 + 20 * len(self.cas.structures)

    def find_ends(self, relations: Iterable[Structure]) -> None:
        """Learn what the relations of the file are attached to, before their values are asked for."""
        for structure in relations:
            for name in _ENDS:
                end = structure.features.get(name)
                if isinstance(end, To) and end.number in self.homes:
                    self.ends.setdefault((structure.type.name, name), set()).add(self.homes[end.number].layer)

    def of(self, structure: Structure, path: tuple[int, ...] = ()) -> dict[str, Value]:
        """The properties that the features of a structure make. `path`: the structures that this one is part of."""
        known, out = structure.type, dict[str, Value]()
        is_annotation = known.is_a(ANNOTATION_BASE)
        for name, raw in structure.features.items():
            if is_annotation and name in {"sofa", "begin", "end"}:
                continue
            if name == "next" and any(known.is_a(link) for link in self.links):
                continue  # the chain has the links in their order
            if name == "first" and chain_links(known, self.types) is not None:
                out.update(self._members(structure, known.features[name], raw))
            else:
                out.update(self._properties(structure, name, raw, path))
        return out

    def _properties(
        self, structure: Structure, name: str, raw: Raw, path: tuple[int, ...]
    ) -> Iterator[tuple[str, Value]]:
        """The properties of one feature: one, or for references to several layers one for each."""
        of = structure.type.features[name]
        called = identifier(name) if path else property_name(name)
        if (structure.type.name, name) in self.ends:
            called = _ENDS[name]
        if of.of in PRIMITIVES:
            value = self._primitive(of, raw, f"{structure.type.short}.{name}")
            if value is not None:
                yield called, value
            return
        if len(self.ends.get((structure.type.name, name), ())) == 1 and of.of in ABSTRACT:
            of = Feature(of="")  # open in the type system, clear in the file
        many = of.many or (isinstance(raw, To) and (raw.number in self.cas.arrays or raw.number in self.cas.nodes))
        parts = self.cas.parts(raw)
        found: dict[str, list[Value]] = {}
        for part in parts:
            target = self._target(structure, part, (*path, structure.number)) if isinstance(part, To) else None
            if isinstance(target, Ref):
                plain = not of.of or (of.of not in ABSTRACT and self.names.get(of.of) == target.layer)
                found.setdefault(called if plain else f"{called}_{target.layer}", []).append(target)
            elif target is not None:
                found.setdefault(called, []).append(target)
            elif not isinstance(part, To):
                self.article.left_out[f"values among references ({structure.type.short}.{name})"] += 1
        if many and not parts:
            yield called, []
        for key, values in found.items():
            yield key, values if many else values[0]

    def _primitive(self, of: Feature, raw: Raw, words: str) -> Value:
        if of.many and of.of == BYTE:
            self.article.left_out[f"arrays of bytes ({words})"] += 1
            return None
        values: list[Value] = [part for part in self.cas.parts(raw) if not isinstance(part, To | list)]
        if of.of in FLOATS and not all(isinstance(v, int | float) and math.isfinite(v) for v in values):
            self.article.left_out[f"numbers that are not finite ({words})"] += 1
            return None
        if of.many:
            return values
        return values[0] if values else None

    def _target(self, structure: Structure, to: To, path: tuple[int, ...]) -> Value:
        """What a reference leads to: a reference to an item, a structure laid out, or nothing, which is told."""
        number = to.number
        if number in self.homes:
            return self.homes[number]
        target = self.cas.structures.get(number)
        if target is None and not self.cas.has(number):
            message = f"{structure.type.short} {structure.number} names {number}, which is not in the file"
            self.article.problem("I003", message, line=structure.line, pointer=structure.pointer)
            return None
        if target is None or target.type.is_a(ANNOTATION_BASE):
            self.article.left_out["references to what is left out"] += 1
            return None
        if number in path:
            self.article.left_out["structures that are part of themselves"] += 1
            return None
        self.budget -= 1
        if len(path) > _DEEPEST or self.budget < 0:
            self.article.left_out["structures that are nested too deep, or referred to too often"] += 1
            return None
        laid_out = self.of(target, path)
        if "role" in target.type.features and "target" in target.type.features:
            laid_out = {"role": None, **laid_out}
        return laid_out

    def _members(self, structure: Structure, first: Feature, raw: Raw) -> Iterator[tuple[str, Value]]:
        """The links of a chain, in their order."""
        found: dict[str, list[Value]] = {}
        seen: set[int] = set()
        at, holder = raw, structure
        while isinstance(at, To) and not self.cas.is_null(at.number):
            if at.number in seen:
                message = f"the chain {structure.type.short} {structure.number} comes back to its link {at.number}"
                self.article.problem("I002", message, line=structure.line, pointer=structure.pointer)
                break
            seen.add(at.number)
            target = self._target(holder, at, ())
            if isinstance(target, Ref):
                plain = target.layer == self.names.get(first.of)
                found.setdefault("members" if plain else f"members_{target.layer}", []).append(target)
            link = self.cas.structures.get(at.number)
            if link is None:
                break
            at, holder = link.features.get("next"), link
        yield from found.items()
