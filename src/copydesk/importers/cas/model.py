"""What a file with a CAS holds: texts, feature structures, and what is indexed where. Knows no syntax and no layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from copydesk.importers.cas.types import CasType, Trouble


@dataclass(frozen=True, slots=True)
class To:
    """A reference to the structure with this number."""

    number: int


Raw: TypeAlias = "bool | int | float | str | To | list[Raw] | None"
"""A decoded value, references not followed."""


@dataclass(slots=True, kw_only=True)
class Structure:
    """One feature structure: its number in the file, its type, its features without those that are not set."""

    number: int
    type: CasType
    features: dict[str, Raw] = field(default_factory=dict)
    line: int = 0
    pointer: str = ""

    def integer(self, name: str) -> int:
        """A feature of whole numbers; 0, as UIMA has it, where it is not set."""
        value = self.features.get(name)
        return value if isinstance(value, int) else 0


@dataclass(slots=True, kw_only=True)
class Subject:
    """A Sofa: what a view is about. `text` is None where it lies elsewhere (`uri`) or is no text."""

    number: int
    name: str
    text: str | None = None
    uri: str | None = None


@dataclass(slots=True, kw_only=True)
class Cas:
    """What a file holds.

    `arrays` and `nodes` (head and tail of a linked list) by number, since they are values of features. `views`:
    number of a Sofa -> the structures that are indexed there, and where the file says so. `passed`: numbers that
    exist and lead to no structure (null, types that are declared nowhere, damage that is told). `undeclared`: the
    first structure of each such type.
    """

    subjects: list[Subject] = field(default_factory=list)
    structures: dict[int, Structure] = field(default_factory=dict)
    arrays: dict[int, list[Raw]] = field(default_factory=dict)
    nodes: dict[int, tuple[Raw, Raw]] = field(default_factory=dict)
    views: dict[int, tuple[list[int], int, str]] = field(default_factory=dict)
    nulls: set[int] = field(default_factory=set)
    passed: set[int] = field(default_factory=set)
    undeclared: dict[str, tuple[int, Structure]] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def trouble(self, code: str, message: str, line: int, pointer: str) -> None:
        self.troubles.append(Trouble(code=code, message=message, line=line, pointer=pointer))

    def parts(self, raw: Raw) -> list[Raw]:
        """A value as a list: arrays and linked lists laid out, null left out. A list that returns to itself ends."""
        out: list[Raw] = []
        waiting: list[Raw] = [raw]
        seen: set[int] = set()
        while waiting:
            part = waiting.pop()
            if isinstance(part, list):
                waiting.extend(reversed(part))
            elif isinstance(part, To) and (part.number in self.arrays or part.number in self.nodes):
                if part.number not in seen:
                    seen.add(part.number)
                    inner = self.arrays.get(part.number)
                    waiting.extend(reversed(self.nodes[part.number] if inner is None else inner))
            elif part is not None and not (isinstance(part, To) and self.is_null(part.number)):
                out.append(part)
        return out

    def targets(self, structure: Structure) -> Iterator[int]:
        """The numbers that the features of a structure lead to, through arrays and lists."""
        for raw in structure.features.values():
            if isinstance(raw, To) and raw.number not in self.arrays and raw.number not in self.nodes:
                if not self.is_null(raw.number):
                    yield raw.number
            elif isinstance(raw, To | list):  # most values are neither
                yield from (part.number for part in self.parts(raw) if isinstance(part, To))

    def loose_arrays(self) -> int:
        """How many arrays and lists there are that nothing refers to."""
        held: list[Raw] = [raw for structure in self.structures.values() for raw in structure.features.values()]
        held += [*self.arrays.values(), *(part for node in self.nodes.values() for part in node)]
        flat = [part for raw in held for part in (raw if isinstance(raw, list) else [raw])]
        known = {part.number for part in flat if isinstance(part, To)}
        return len((self.arrays.keys() | self.nodes.keys()) - known)

    def is_null(self, number: int) -> bool:
        """Whether the number stands for nothing, as 0 does unless the file has it for something."""
        return number in self.nulls or (number == 0 and not self.has(0))

    def has(self, number: int) -> bool:
        """Whether the file holds something under this number."""
        return any(number in known for known in (self.structures, self.arrays, self.nodes, self.nulls, self.passed))
