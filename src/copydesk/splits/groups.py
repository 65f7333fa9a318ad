"""Groups across releases: their names, and articles that have another id than before."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

from copydesk.diagnostics import Diagnostic, Place
from copydesk.project import PROJECT_FILE
from copydesk.splits.ledger import Entry, Ledger, generation
from copydesk.splits.members import Member

NO_TEXT = frozenset({"", hashlib.sha256().hexdigest()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """`of`: component -> the name of its group. `owner`: name in the ledger -> the component that has it now."""

    of: Mapping[str, str]
    owner: Mapping[str, str]


def name_groups(components: Mapping[str, Sequence[str]], held: Ledger, gone: Ledger) -> Names:
    """The name that a group had, unless another component has a better right to it; a new group's is its first id.

    A group that falls apart leaves its name to the part that holds the article of that name, else to the first. No
    group takes a name that is, or was, another's.
    """
    claims: dict[str, list[str]] = {}
    for component, ids in sorted(components.items()):
        for name in {held[i].group for i in ids if i in held}:
            claims.setdefault(name, []).append(component)
    home = {i: component for component, ids in components.items() for i in ids}
    owner = {name: home[name] if home.get(name) in found else found[0] for name, found in claims.items()}
    owned: dict[str, list[str]] = defaultdict(list)
    for name, component in owner.items():
        owned[component].append(name)
    taken = {*owner, *(entry.group for entry in gone.values())}
    names: dict[str, str] = {}
    for component, ids in sorted(components.items()):
        if component in owned:
            names[component] = min(owned[component])
            continue
        free = [i for i in ids if i not in taken] or [_numbered(component, taken)]
        names[component] = free[0]
        taken.add(free[0])
    return Names(of=names, owner=owner)


def _numbered(name: str, taken: Set[str]) -> str:
    number = 2
    while f"{name}~{number}" in taken:
        number += 1
    return f"{name}~{number}"


def renamed(
    earlier: Ledger, members: Mapping[str, Member], left_out: Set[str]
) -> tuple[dict[str, Entry], list[Diagnostic]]:
    """The ledger with entries under the ids that their articles have now, and L008 for each.

    An id that the ledger does not know takes the place of one that is gone: of the article that once had this id, else
    of one with the same text. Of several with one text, those that were released last, and first, come first. What is
    left out of this version is not gone.
    """
    unknown = sorted(i for i in members if i not in earlier)
    gone = {i: e for i, e in earlier.items() if i not in members and i not in left_out}
    taken = _taken_back(unknown, gone)
    back = set(taken.values())
    by_text: dict[str, list[str]] = defaultdict(list)
    for entry in sorted(gone.values(), key=lambda e: (not e.released, generation(e)), reverse=True):
        if entry.digest not in NO_TEXT and entry.id not in back:
            by_text[entry.digest].append(entry.id)
    for new in unknown:
        if new not in taken and by_text.get(members[new].digest):
            taken[new] = by_text[members[new].digest].pop()
    old_ids = set(taken.values())
    out = {i: e for i, e in earlier.items() if i not in old_ids}
    found = []
    for new, old in sorted(taken.items()):
        entry = earlier[old]
        out[new] = replace(entry, id=new, formerly=old)
        message = f"{new!r} has the text of {old!r}, which is gone, and takes its place in {entry.split}"
        if members[new].digest != entry.digest:
            message = f"{new!r} has its id back; it was {old!r}, and keeps its place in {entry.split}"
        place = members[new].place or Place(file=PROJECT_FILE, pointer="/splits")
        found.append(Diagnostic(code="L008", place=place, message=message))
    return out, found


def _taken_back(unknown: Sequence[str], gone: Ledger) -> dict[str, str]:
    """New id -> the id of an entry whose article had the new one before."""
    former = {e.formerly: e.id for e in sorted(gone.values(), key=generation, reverse=True) if e.formerly}
    return {i: former[i] for i in unknown if i in former}
