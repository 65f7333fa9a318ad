"""What an annotation.conf declares: types, roles, values. Decides nothing about annotations.

Format: https://brat.nlplab.org/configuration.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from copydesk.articles.units import split_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What annotation.conf declares, in its order: types that can be annotated, attributes with their values, roles.

    An attribute without values is binary. `relations` that are symmetric and transitive are `equivalences`.
    """

    entities: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    equivalences: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    roles: frozenset[str] = frozenset()


_SECTION = re.compile(r"\[\s*(\w+)\s*\]")
_ROLE = re.compile(r"[^:?*+{}\s]+")
_OLD_NAMES = {"spans": "entities"}


@lru_cache(maxsize=32)
def declared(conf: bytes) -> Declared:
    """What an annotation.conf says. Lines that say nothing understandable are passed by: brat does not need them."""
    sections: dict[str, list[tuple[str, str]]] = {}
    section = ""
    for _, line in split_lines(conf.decode("utf-8-sig", errors="replace")):
        line = line.strip()
        header = _SECTION.fullmatch(line)
        if header:
            section = _OLD_NAMES.get(header[1].lower(), header[1].lower())
        elif line and not line.startswith(("#", "<", "!", "--")):  # comment, macro, only a heading, separator
            name, _, arguments = line.replace("\t", " ").partition(" ")
            sections.setdefault(section, []).append((name.partition("|")[0], arguments))
    relations = [line for line in sections.get("relations", ()) if line[0] != "ENTITY-NESTING"]
    same = {name for name, arguments in relations if "symmetric" in arguments and "transitive" in arguments}
    same.add("Equiv")
    attributes: dict[str, tuple[str, ...]] = {}
    for name, arguments in sections.get("attributes", ()):
        attributes[name] = tuple(dict.fromkeys([*attributes.get(name, ()), *_values(arguments)]))
    return Declared(
        entities=_once(sections.get("entities", ())),
        relations=_once(line for line in relations if line[0] not in same),
        equivalences=_once(line for line in relations if line[0] in same),
        events=_once(sections.get("events", ())),
        attributes=attributes,
        roles=frozenset(role for _, arguments in sections.get("events", ()) for role in _roles(arguments)),
    )


def _once(lines: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name, _ in lines))


def _values(arguments: str) -> list[str]:
    """The values of an attribute, from `Arg:<EVENT>, Value:High|Low`."""
    out: list[str] = []
    for argument in re.split(r"[,;]", arguments):
        key, _, values = argument.strip().partition(":")
        if key == "Value":
            out += [value.strip() for value in values.split("|") if value.strip()]
    return out


def _roles(arguments: str) -> Iterator[str]:
    """The roles of an event, from `Buyer:Person, Seller?:Person`."""
    for argument in re.split(r"[,;]", arguments):
        found = _ROLE.match(argument.strip())
        if found and not found[0].startswith("<"):
            yield found[0]
