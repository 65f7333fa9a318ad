"""The JSON that UIMA 2 and 3 wrote before CAS JSON, and INCEpTION as "UIMA CAS JSON (legacy)" -> feature structures.

    {"_context": {"_types": {short name: {"_id": type, "_feature_types": {feature: "_ref"}}}},
     "_views": {view: {short name: [structure or number]}},
     "_referenced_fss": {number: {"_type": short name, feature: value}}}

See the chapter on JSON in the UIMA references. It has no types of features but what their values show. A structure that
is referred to once may stand in the place of the reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from copydesk import jsontext
from copydesk.importers.cas import guess
from copydesk.importers.cas.model import Cas
from copydesk.importers.cas.structures import add_structure, add_subject, add_view, decode_json, whole
from copydesk.importers.cas.types import ARRAYS, PRIMITIVES, SOFA, CasType, Types

KEYS = ("_views", "_referenced_fss")
_DEEPEST = 50


def from_old_json(value: Mapping[str, Any], types: Types) -> tuple[Cas, dict[str, CasType]]:
    """The structures, and the types of theirs that are not in the table."""
    reading = _Reading(types=types)
    reading.context(value.get("_context"))
    reading.structures(value.get("_referenced_fss"))
    reading.views(value.get("_views"))
    unknown = ((name, guess.shown_by_json(given)) for _, name, given, _ in reading.found if name not in types)
    shown = guess.of_structures(unknown, types)
    return reading.cas_of({**types, **shown}), shown


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What is read so far. `found`: (number, type, feature -> (prefix as in CAS JSON, value), pointer)."""

    types: Types
    cas: Cas = field(default_factory=Cas)
    names: dict[str, str] = field(default_factory=dict)
    references: dict[str, set[str]] = field(default_factory=dict)
    found: list[tuple[int, str, dict[str, tuple[str, Any]], str]] = field(default_factory=list)
    members: dict[str, list[int]] = field(default_factory=dict)
    last: int = 0

    def context(self, given: object) -> None:
        """Learn what the short names stand for, and which features refer to structures."""
        known = given.get("_types") if isinstance(given, dict) else None
        for short, about in known.items() if isinstance(known, dict) else ():
            if isinstance(about, dict):
                whole_name = about.get("_id")
                self.names[short] = whole_name if isinstance(whole_name, str) else short
                kinds = about.get("_feature_types")
                refer = {n for n, k in kinds.items() if k in ("_ref", "_array")} if isinstance(kinds, dict) else set()
                self.references[self.names[short]] = refer

    def structures(self, given: object) -> None:
        """Read the structures that have a number."""
        if not isinstance(given, dict):
            self.cas.trouble("I002", "_referenced_fss is no object", 0, "/_referenced_fss")
            return
        self.last = max((number for key in given if (number := whole(key)) is not None), default=0)
        for key, structure in given.items():
            pointer = f"/_referenced_fss/{jsontext.escape(key)}"
            number = whole(key)
            if number is None or not isinstance(structure, dict) or not isinstance(structure.get("_type"), str):
                self.cas.trouble("I002", f"the structure {key[:60]!r} has no number and _type", 0, pointer)
            else:
                self._structure(number, structure["_type"], structure, pointer)

    def views(self, given: object) -> None:
        """Read what is indexed in the views."""
        for view, by_type in given.items() if isinstance(given, dict) else ():
            into = self.members.setdefault(view, [])
            for short, members in by_type.items() if isinstance(by_type, dict) else ():
                for n, member in enumerate(members if isinstance(members, list) else [members]):
                    pointer = f"/_views/{jsontext.escape(view)}/{jsontext.escape(short)}/{n}"
                    number = self._embedded(member, pointer, short) if isinstance(member, dict) else whole(member)
                    if number is None:
                        self.cas.trouble("I002", f"a member of the view {view[:60]} is no structure", 0, pointer)
                    else:
                        into.append(number)

    def _embedded(self, given: dict[str, Any], pointer: str, short: str = "", depth: int = 0) -> int | None:
        name = given.get("_type", short)
        if not isinstance(name, str) or not name or depth > _DEEPEST:
            return None
        self.last += 1
        number = self.last
        self._structure(number, name, given, pointer, depth)
        return number

    def _structure(self, number: int, short: str, given: dict[str, Any], pointer: str, depth: int = 0) -> None:
        name = self.names.get(short) or (f"uima.cas.{short}" if f"uima.cas.{short}" in self.types else short)
        name = f"uima.cas.{short}" if f"uima.cas.{short}" in ARRAYS or short == "Sofa" else name
        features: dict[str, tuple[str, Any]] = {}
        at = len(self.found)
        self.found.append((number, name, features, pointer))
        for key, value in given.items():
            if key == "_collection":
                refers = ARRAYS.get(name) not in PRIMITIVES
                features["elements"] = self._value(value, f"{pointer}/_collection", depth, refers=refers)
            elif not key.startswith("_"):
                where = f"{pointer}/{jsontext.escape(key)}"
                features[key] = self._value(value, where, depth, refers=self._refers(name, key))
        self.found[at] = (number, name, features, pointer)

    def _refers(self, name: str, key: str) -> bool:
        known = self.types[name].features.get(key) if name in self.types else None
        if key == "sofa" or key in self.references.get(name, ()):
            return True
        return known is not None and known.of not in PRIMITIVES

    def _value(self, value: Any, pointer: str, depth: int, *, refers: bool) -> tuple[str, Any]:
        """A value as CAS JSON has it: structures in it become references."""
        parts = value if isinstance(value, list) else [value]
        if not refers and not any(isinstance(part, dict) for part in parts):
            return "", value
        made = [
            self._embedded(part, f"{pointer}/{n}" if isinstance(value, list) else pointer, depth=depth + 1)
            if isinstance(part, dict)
            else part
            for n, part in enumerate(parts)
        ]
        return "@", made if isinstance(value, list) else made[0]

    def cas_of(self, types: Types) -> Cas:
        """The structures that were found, by these types."""
        for number, name, features, pointer in self._in_order():
            if name == SOFA:
                add_subject(self.cas, number, {key: value for key, (_, value) in features.items()}, 0, pointer)
            else:
                add_structure(self.cas, types, number, name, features, decode_json, (0, pointer))
        for view, members in self.members.items():
            sofa = next((subject.number for subject in self.cas.subjects if subject.name == view), None)
            add_view(self.cas, sofa, list(members), 0, f"/_views/{jsontext.escape(view)}")
        return self.cas

    def _in_order(self) -> Iterator[tuple[int, str, dict[str, tuple[str, Any]], str]]:
        """As CAS JSON has them: a Sofa before what stands on it."""
        yield from (one for one in self.found if one[1] == SOFA)
        yield from (one for one in self.found if one[1] != SOFA)
