"""Which articles belong together: connected components over links, shared keys and equal content.

Near copies are not found here yet: texts count as equal when they are equal after normalisation.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

_SPACE = re.compile(r"\s+")
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Why two articles are in one group."""

    left: str
    right: str
    why: str


def content_key(text: str) -> str:
    """A digest that is equal for texts that differ only in case, white space, quotation marks or Unicode form."""
    plain = unicodedata.normalize("NFKC", text).translate(_QUOTES).casefold()
    return hashlib.sha256(_SPACE.sub(" ", plain).strip().encode("utf-8", "surrogatepass")).hexdigest()


def components(ids: Iterable[str], edges: Iterable[Edge]) -> dict[str, str]:
    """Article -> the smallest id of its component. The order of the inputs does not matter."""
    parent = {identifier: identifier for identifier in ids}

    def root(node: str) -> str:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for edge in edges:
        left, right = root(edge.left), root(edge.right)
        if left != right:
            parent[max(left, right)] = min(left, right)
    return {identifier: root(identifier) for identifier in parent}


def shared_edges(values: Iterable[tuple[str, str]], why: str) -> list[Edge]:
    """Edges between articles with equal values, from (value, article id) pairs: each joins the smallest of them."""
    first: dict[str, str] = {}
    edges = []
    for value, identifier in sorted(values):
        if value in first:
            edges.append(Edge(left=first[value], right=identifier, why=why))
        else:
            first[value] = identifier
    return edges
