"""What licences allow and ask for, as far as it matters to data, and whether another one allows less.

A comparison of terms for the number of a version, no legal advice. What the table does not know, and exceptions
(`WITH`), are unclear, unless nothing changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

Comparison = Literal["equal", "narrower", "wider", "unclear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a licence permits, and what it asks of those who make use of that.

    `permits`: redistribute, adapt (pass on changed versions), sell (commercial use), database (extract and reuse what
    the right of makers of databases covers, said in so many words). `asks`: credit, mark-changes, source, and one
    `share-alike …` with the family of licences that adapted versions must stay in.
    """

    permits: frozenset[str]
    asks: frozenset[str]


def _terms(permits: str, asks: str = "") -> Terms:
    return Terms(
        permits=frozenset(permits.split()), asks=frozenset(asks.replace("share-alike ", "share-alike:").split())
    )


_ALL, _ALL_DATA = "redistribute adapt sell", "redistribute adapt sell database"

_CREATIVE_COMMONS = {
    "BY": _terms("redistribute adapt sell", "credit mark-changes"),
    "BY-SA": _terms("redistribute adapt sell", "credit mark-changes share-alike CC"),
    "BY-ND": _terms("redistribute sell", "credit mark-changes"),
    "BY-NC": _terms("redistribute adapt", "credit mark-changes"),
    "BY-NC-SA": _terms("redistribute adapt", "credit mark-changes share-alike CC"),
    "BY-NC-ND": _terms("redistribute", "credit mark-changes"),
}
_DATABASE = frozenset({"database"})

_ATOMS: dict[str, tuple[Terms, ...]] = {
    # nothing is permitted as far as is told
    "NOASSERTION": (_terms(""),),
    "NONE": (_terms(""),),
    # nothing is reserved
    "CC0-1.0": (_terms(_ALL_DATA),),
    "PDDL-1.0": (_terms(_ALL_DATA),),
    "CC-PDDC": (_terms(_ALL),),
    "Unlicense": (_terms(_ALL),),
    "0BSD": (_terms(_ALL),),
    "MIT-0": (_terms(_ALL),),
    # credit
    "ODC-By-1.0": (_terms(_ALL_DATA, "credit"),),
    "CDLA-Permissive-2.0": (_terms(_ALL_DATA, "credit"),),
    "MIT": (_terms(_ALL, "credit"),),
    "ISC": (_terms(_ALL, "credit"),),
    "BSD-2-Clause": (_terms(_ALL, "credit"),),
    "BSD-3-Clause": (_terms(_ALL, "credit"),),
    "Apache-2.0": (_terms(_ALL, "credit mark-changes"),),
    # share alike
    "ODbL-1.0": (_terms(_ALL_DATA, "credit share-alike ODbL"),),
    "GPL-2.0-only": (_terms(_ALL, "credit mark-changes source share-alike GPL-2"),),
    "GPL-3.0-only": (_terms(_ALL, "credit mark-changes source share-alike GPL-3"),),
    "AGPL-3.0-only": (_terms(_ALL, "credit mark-changes source share-alike AGPL-3"),),
    # Creative Commons; 4.0 is the first to license the right of makers of databases (section 4)
    **{
        f"CC-{kind}-{version}": (terms,)
        for kind, terms in _CREATIVE_COMMONS.items()
        for version in ("2.0", "2.5", "3.0")
    },
    **{
        f"CC-{kind}-4.0": (Terms(permits=terms.permits | _DATABASE, asks=terms.asks),)
        for kind, terms in _CREATIVE_COMMONS.items()
    },
}
_ATOMS |= {
    "GPL-2.0": _ATOMS["GPL-2.0-only"],
    "GPL-3.0": _ATOMS["GPL-3.0-only"],
    "GPL-2.0+": _ATOMS["GPL-2.0-only"] + _ATOMS["GPL-3.0-only"],
    "GPL-2.0-or-later": _ATOMS["GPL-2.0-only"] + _ATOMS["GPL-3.0-only"],
    "GPL-3.0-or-later": _ATOMS["GPL-3.0-only"],
    "AGPL-3.0-or-later": _ATOMS["AGPL-3.0-only"],
}
"""SPDX identifier -> its terms; several are a choice. Later versions that do not exist yet are not counted."""

_KNOWN = {identifier.casefold(): terms for identifier, terms in _ATOMS.items()}
_TOKEN = re.compile(r"\s*([()]|[A-Za-z0-9.+:-]+)")


def compare(old: str, new: str) -> Comparison:
    """Whether the terms of `new`, an SPDX licence expression, allow less or more than those of `old`.

    Equal are also two licences with the same terms, such as MIT and ISC.
    """
    if _plain(old) == _plain(new):
        return "equal"
    before, after = _choices(old), _choices(new)
    if before is None or after is None:
        return "unclear"
    keeps, gives = _covers(after, before), _covers(before, after)
    if keeps and gives:
        return "equal"
    if keeps:
        return "wider"
    return "narrower" if gives else "unclear"


def _plain(expression: str) -> str:
    """Identifiers are matched without regard to case (SPDX 2.3, annex D.2)."""
    return " ".join(expression.replace("(", " ( ").replace(")", " ) ").split()).casefold()


def _covers(left: tuple[Terms, ...], right: tuple[Terms, ...]) -> bool:
    """Whether everything that any choice of `right` allows is allowed by some choice of `left`, for no more."""
    return all(any(_at_least(mine, yours) for mine in left) for yours in right)


def _at_least(mine: Terms, yours: Terms) -> bool:
    # Who may not pass on adapted versions is not concerned by what they must be under, and who may do nothing is
    # asked for nothing.
    asks = mine.asks
    if "adapt" not in yours.permits:
        asks = frozenset(word for word in asks if not word.startswith("share-alike:"))
    return mine.permits >= yours.permits and (asks <= yours.asks or not yours.permits)


def _choices(expression: str) -> tuple[Terms, ...] | None:
    """The terms between which an expression gives the choice; None if it is none, or names what is not known."""
    tokens = _TOKEN.findall(expression)
    if "".join(tokens) != "".join(expression.split()):
        return None
    made, rest = _either(tokens)
    return made if not rest else None


def _either(tokens: list[str]) -> tuple[tuple[Terms, ...] | None, list[str]]:
    made, rest = _both(tokens)
    while made is not None and rest and rest[0].upper() == "OR":
        more, rest = _both(rest[1:])
        made = made + more if more is not None else None
    return made, rest


def _both(tokens: list[str]) -> tuple[tuple[Terms, ...] | None, list[str]]:
    made, rest = _atom(tokens)
    while made is not None and rest and rest[0].upper() == "AND":
        more, rest = _atom(rest[1:])
        pairs = product(made, more) if more is not None else None
        made = tuple(Terms(permits=a.permits & b.permits, asks=a.asks | b.asks) for a, b in pairs) if pairs else None
    return made, rest


def _atom(tokens: list[str]) -> tuple[tuple[Terms, ...] | None, list[str]]:
    if not tokens:
        return None, []
    if tokens[0] == "(":
        made, rest = _either(tokens[1:])
        return (made, rest[1:]) if rest and rest[0] == ")" else (None, [])
    return _KNOWN.get(tokens[0].casefold()), tokens[1:]


_LICENSE = ("license", "licence")
_PERMISSIONS = ("redistribute", "redistribution", "redistributable", "commercial", "commercial_use", "derivatives")
_WORDS = (
    "holder", "source", "statement", "note", "notes", "comment", "description", "title", "url", "link", "attribution",
    "credit", "copyright", "author", "authors", "publisher", "contact", "date", "year", "checked", "license_url",
    "licence_url",
)  # fmt: skip
_RULES = {
    "equal": "rights-reworded", "narrower": "rights-narrowed", "wider": "rights-widened", "unclear": "rights-changed",
}  # fmt: skip


def license_change(old: str, new: str) -> str:
    """The rule (`diff.rules`) for another licence."""
    return _RULES[compare(old, new)]


def rights_change(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """The rule for another rights object of a record.

    Licence and permissions say what is allowed; who holds the rights, and what is said of them, only tell about it.
    What a property of another name allows is not known, so a change of it is one that people have to look at.
    """
    found = {_property(name, old.get(name), new.get(name)) for name in {*old, *new} if old.get(name) != new.get(name)}
    if "unclear" in found or {"narrower", "wider"} <= found:
        return _RULES["unclear"]
    return _RULES[next((way for way in ("narrower", "wider") if way in found), "equal")]


def _property(name: str, old: Any, new: Any) -> Comparison:
    plain = name.casefold().replace("-", "_")
    if plain in _LICENSE:
        before, after = ("NOASSERTION" if value is None else value for value in (old, new))
        return compare(before, after) if isinstance(before, str) and isinstance(after, str) else "unclear"
    if plain in _PERMISSIONS:
        if not all(value is None or isinstance(value, bool) for value in (old, new)):
            return "unclear"
        if bool(old) == bool(new):  # unknown and denied are no permission either way
            return "equal"
        return "wider" if new else "narrower"
    return "equal" if plain in _WORDS else "unclear"
