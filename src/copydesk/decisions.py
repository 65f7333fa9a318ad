"""What people decide about a group that would straddle splits: which choices stand, and which there are.

Not here: how a choice is carried out (splits/), and how the edges between articles of different colours are left out
(whoever makes edges asks `colours`).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from copydesk.grouping import Edge
from copydesk.project import Decision, Splits
from copydesk.semver import breaking, next_breaking, version_key

ROUNDS = 50
"""How many articles are named at most that would have to go for a group to fall apart."""


def in_force(splits: Splits, version: str, choice: str) -> list[tuple[int, Decision]]:
    """The decisions of one choice that were made with this version or before it, and their numbers."""
    now = version_key(version)
    return [(n, d) for n, d in enumerate(splits.decisions) if d.choice == choice and version_key(d.version) <= now]


def quarantined(splits: Splits) -> frozenset[str]:
    """The articles that decisions leave out, whichever version they were made for: to leave out is always allowed."""
    return frozenset(
        article for decision in splits.decisions if decision.choice == "quarantine" for article in decision.articles
    )


def colours(splits: Splits, version: str, ids: Iterable[str]) -> dict[str, int]:
    """Article -> its colour: 0 unless a decision accepts that it stands apart. What belongs together by every sign is
    still no group if the colours differ: no edge is to be made between articles of different colours."""
    marks: dict[str, tuple[int, ...]] = {}
    for number, decision in in_force(splits, version, "accept"):
        for article in decision.articles:
            marks[article] = (*marks.get(article, ()), number)
    numbers = {mark: number for number, mark in enumerate(sorted(set(marks.values())), 1)}
    return {identifier: numbers.get(marks.get(identifier, ()), 0) for identifier in ids}


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """What holds articles of different homes together: the edges of one way from one home to another, and the
    articles without which no way is left (`whole` says whether they are all of them). `linked`: a link is among what
    ties those articles, and a link cannot have its ends in two splits."""

    way: tuple[Edge, ...]
    articles: tuple[str, ...]
    whole: bool = True
    linked: bool = False


def upright(edges: Iterable[Edge]) -> list[Edge]:
    """The edges in an order, each once, however they were found."""
    turned = [edge if edge.left <= edge.right else replace(edge, left=edge.right, right=edge.left) for edge in edges]
    known = {(edge.left, edge.right, edge.tie, edge.why): edge for edge in turned}
    return [known[key] for key in sorted(known)]


def joint(ids: Sequence[str], homes: Mapping[str, str], edges: Iterable[Edge]) -> Joint:
    """Where a group would have to be cut so that no two homes are in one piece.

    The articles to cut at are arriving ones (those without a home) if those can do it, single ones if one can: the
    first choice is the one on the way that parts everything, else the one with the most edges. Where two articles with
    homes belong together themselves, the later id of the two is named.
    """
    inside = set(ids)
    near: dict[str, list[Edge]] = {i: [] for i in ids}
    for edge in upright(edges):
        if edge.left in inside and edge.right in inside:
            near[edge.left].append(edge)
            near[edge.right].append(edge)
    first = _way(near, homes, frozenset())
    way, cut = first, list[str]()
    while way and len(cut) < ROUNDS:
        steps = {i for edge in way for i in (edge.left, edge.right)}
        arriving = sorted(steps - homes.keys(), key=lambda i: (-len(near[i]), i))
        parting = next((i for i in arriving if not _way(near, homes, {*cut, i})), None)
        cut.append(parting or next(iter(arriving), max(steps)))
        way = _way(near, homes, set(cut))
    linked = any(edge.tie == "link" for article in cut for edge in near[article])
    return Joint(way=tuple(first), articles=tuple(sorted(cut)), whole=not way, linked=linked)


def _way(near: Mapping[str, Sequence[Edge]], homes: Mapping[str, str], without: Set[str]) -> list[Edge]:
    """The edges of a shortest way between two articles of different homes, by articles that have none; [] if there is
    none. The search starts from every article of a home at once: two fronts of different homes meet on such a way."""
    came: dict[str, Edge | None] = {i: None for i in sorted(homes) if i in near and i not in without}
    home = {i: homes[i] for i in came}
    queue = deque(came)
    while queue:
        here = queue.popleft()
        for edge in near[here]:
            there = edge.right if edge.left == here else edge.left
            if there in without or there == here:
                continue
            if there not in home:
                came[there], home[there] = edge, home[here]
                queue.append(there)
            elif home[there] != home[here]:
                return [*reversed(_back(came, here)), edge, *_back(came, there)]
    return []


def _back(came: Mapping[str, Edge | None], here: str) -> list[Edge]:
    """The edges from an article back to the one with a home that the search came from."""
    edges = []
    while (edge := came[here]) is not None:
        edges.append(edge)
        here = edge.left if edge.right == here else edge.right
    return edges


def offers(joined: Joint, home: Sequence[str], to: str, version: str, last: str, *, new: bool, more: bool) -> str:
    """The choices as TOML to paste, each on one line: `home` are articles of the group, `joined` says what holds it
    together. A version that may not move articles is replaced by the next that may. `new`: no release has what joins.
    `more`: there are decisions already, so the new one is to be added to them. What a link ties cannot be accepted."""
    may = version if not last or breaking(last, version) else next_breaking(last)
    choices = [
        Decision(articles=(home[0],), choice="move", to=to, version=may, reason="…"),
        Decision(articles=joined.articles, choice="quarantine", version=version, reason="…"),
        Decision(articles=joined.articles, choice="accept", version=version if new else may, reason="…"),
    ]
    if joined.linked:
        del choices[2]
    written = [f"{{ {_toml(c)} }}" if more else f"decision = [{{ {_toml(c)} }}]" for c in choices]
    where = "add one of these to the decisions" if more else "put one of these under [splits]"
    return f"{where}, with your reason (docs/splits.md says what each does): {'  or  '.join(written)}"


def _toml(decision: Decision) -> str:
    articles = ", ".join(toml_string(article) for article in decision.articles)
    pairs = [f"articles = [{articles}]", f"choice = {toml_string(decision.choice)}"]
    pairs += [f"to = {toml_string(decision.to)}"] if decision.to else []
    return ", ".join([*pairs, f"version = {toml_string(decision.version)}", f"reason = {toml_string(decision.reason)}"])


def toml_string(text: str) -> str:
    """A basic string of TOML."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else c for c in plain) + '"'


def most(values: Iterable[str], order: Sequence[str]) -> str:
    """The value that comes most often; among equals the first in an order, then by name."""
    counted = Counter(values)
    place = {name: number for number, name in enumerate(order)}
    return min(counted, key=lambda name: (-counted[name], place.get(name, len(place)), name))
