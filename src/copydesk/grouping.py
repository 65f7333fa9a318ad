"""Which articles belong together: connected components over links, shared keys, equal texts and near copies.

What makes two articles near copies is measured in nearcopies.py; here are the ties, and what they add up to.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from copydesk.checks.spans import span_ranges
from copydesk.components import labels
from copydesk.contract.types import Type
from copydesk.project import Boilerplate, NearCopies, Splits
from copydesk.shingles import without

_SPACE = re.compile(r"\s+")
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'"})
_ASCII = bytes(range(128))
_FOLDED = bytes(32 if chr(n).isspace() else n for n in range(128)).lower() + bytes(range(128, 256))
"""What the bytes of ASCII become: small letters, and one kind of space."""
_FEW = 64
"""Characters beyond ASCII, of those that change, that are quicker changed one by one."""

Tie = Literal["link", "key", "text", "near"]
"""Why articles are tied: a link names them, they share an x-group value, their texts are equal, or nearly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Why two articles are in one group. Near copies come with what was measured, each from 0 to 1."""

    left: str
    right: str
    why: str
    tie: Tie = "key"
    jaccard: float | None = None
    containment: float | None = None


def content_key(text: str) -> str:
    """A digest that is equal for texts that differ only in case, white space, quotation marks or Unicode form."""
    plain = text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)
    data = plain.encode("utf-8", "surrogatepass")
    if not plain.isascii():
        beyond = set(data.translate(None, _ASCII).decode("utf-8", "surrogatepass"))
        changed = {c: new for c in beyond if (new := " " if c.isspace() else c.translate(_QUOTES).casefold()) != c}
        if len(changed) > _FEW:
            folded = _SPACE.sub(" ", plain.translate(_QUOTES).casefold())
            return hashlib.sha256(folded.strip().encode("utf-8", "surrogatepass")).hexdigest()
        for character, new in changed.items():
            data = data.replace(character.encode("utf-8", "surrogatepass"), new.encode("utf-8", "surrogatepass"))
    data = data.translate(_FOLDED)
    while b"  " in data:
        data = data.replace(b"  ", b" ")
    return hashlib.sha256(data.strip(b" ")).hexdigest()


def words_compared(splits: Splits) -> int:
    """Words of a shingle; texts are compared for the certificate even where near copies make no groups."""
    return (splits.near_copies or NearCopies()).words


def compared_text(value: Mapping[str, Any], text: str, node: Type, boilerplate: Sequence[Boilerplate]) -> str:
    """The text of a record as it is compared with others: without the spans that are named as boilerplate."""
    ranges = [cut for part in boilerplate for cut in _boilerplate_ranges(value, node, part)]
    return without(value[text] or "", ranges) if ranges else value[text] or ""


def _boilerplate_ranges(value: Mapping[str, Any], node: Type, part: Boilerplate) -> Iterator[tuple[int, int]]:
    layer = node.get(part.layer)
    span = layer.item.span if layer is not None and layer.item is not None else None
    if span is None:
        return
    for item in value.get(part.layer) or ():
        if item.get(part.property) in part.values:
            yield from ((start, end) for _, start, end in span_ranges(item, span))


def components(ids: Iterable[str], edges: Iterable[Edge]) -> dict[str, str]:
    """Article -> the smallest id of its component. The order of the inputs does not matter."""
    names = sorted(ids)
    number = {name: place for place, name in enumerate(names)}
    ends = np.array([(number[edge.left], number[edge.right]) for edge in edges], dtype=np.int64).reshape(-1, 2)
    return {name: names[least] for name, least in zip(names, labels(len(names), *ends.T).tolist(), strict=True)}


def shared_edges(
    values: Iterable[tuple[str, str]], why: str, *, tie: Tie = "key", colours: Mapping[str, int] | None = None
) -> list[Edge]:
    """Edges between articles with equal values, from (value, article id) pairs: each joins the smallest of them.

    Articles of different colours were set apart by a decision: no edge is made between them.
    """
    first: dict[tuple[str, int], str] = {}
    edges = []
    for value, identifier in sorted(values):
        key = value, (colours or {}).get(identifier, 0)
        if key in first:
            edges.append(Edge(left=first[key], right=identifier, why=why, tie=tie))
        else:
            first[key] = identifier
    return edges


def groups_as_json(edges: Iterable[Edge], groups: Mapping[str, str], splits: Mapping[str, str]) -> list[dict[str, Any]]:
    """Every group of more than one article, by name: its split, its articles, and what ties them.

    `groups`: article -> name of its group; `splits`: name of a group -> its split.
    """
    members: dict[str, list[str]] = {}
    for identifier in sorted(groups):
        members.setdefault(groups[identifier], []).append(identifier)
    ties: dict[str, list[dict[str, Any]]] = {}
    for edge in edges:
        ties.setdefault(groups[edge.left], []).append(_edge_as_json(edge))
    return [
        {"group": name, "split": splits[name], "articles": ids, "ties": ties.get(name, [])}
        for name, ids in sorted(members.items())
        if len(ids) > 1
    ]


def _edge_as_json(edge: Edge) -> dict[str, Any]:
    out: dict[str, Any] = {"left": edge.left, "right": edge.right, "tie": edge.tie, "why": edge.why}
    if edge.jaccard is not None and edge.containment is not None:
        out |= {"jaccard": round(edge.jaccard, 6), "containment": round(edge.containment, 6)}
    return out
