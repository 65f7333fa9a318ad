"""A difference as values: two sides, the changes between them, what they add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal

from copydesk.contract.types import Type
from copydesk.diagnostics import Place
from copydesk.release.model import Table
from copydesk.splits import Ledger


class Bump(IntEnum):
    """How large the step from one version to the next must be. NONE: the two sides are equal."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3


What = Literal[
    "config-added", "config-removed", "config-changed", "column-added", "column-removed", "column-changed",
    "record-added", "record-withdrawn", "record-renamed", "record-edited", "text-edited",
    "split-moved", "folds-changed", "rights-changed", "license-changed",
    "annotation-added", "annotation-removed", "annotation-moved", "annotation-relabelled",
    "annotation-reattributed", "annotation-edited", "layer-reordered",
    "bytes-changed",
]  # fmt: skip
"""What a change is. An annotation is matched by span and content, not by its position in the file; one whose span
changed is moved, one whose label changed relabelled, one that points to something else reattributed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that differs.

    `kind` and `record`: the kind and id of the record, empty for changes of contract and dataset. `split`: the split
    of the record in the new side (in the old one if it is gone); `old_split` the one before, for what moved or was
    renamed. `layer`: the layer of an annotation, or the config of a change of contract. `item`: the annotation's id
    in the new side (old if removed). `pointer`: JSON pointer in the record, or of the column (`/mentions/*/label`).
    `old` and `new`: JSON values; of an annotation that changed, objects with only the properties that did. `rule`: a
    key of `diff.rules.RULES`. `note`: what a person must be told beyond that.
    """

    what: What
    rule: str
    kind: str = ""
    record: str = ""
    split: str = ""
    old_split: str = ""
    layer: str = ""
    item: str = ""
    pointer: str = ""
    old: Any = None
    new: Any = None
    note: str = ""


def no_place(kind: str, record: str, pointer: str) -> Place | None:
    """A side that is a release does not know the annotators' files."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of two things that are compared: tables as written into a folder, and what is known beside them.

    `label`: what the user called it. `where`: (kind, id, JSON pointer) -> the place in the annotator's own file, for
    sides that have the sources at hand. `license`: that of the annotation. `digest`: equal for sides with the same
    bytes (the SHA-256 of SHA256SUMS; empty for sources).
    """

    label: str
    name: str
    version: str
    folder: Path
    tables: tuple[Table, ...]
    ledger: Ledger
    license: str = ""
    digest: str = ""
    where: Callable[[str, str, str], Place | None] = no_place

    @property
    def types(self) -> dict[str, Type]:
        """Config -> the type of its rows."""
        return {table.name: table.type for table in self.tables}


@dataclass(slots=True, kw_only=True)
class Churn:
    """What became of the articles of one split: counts of articles, each in as many as apply."""

    before: int = 0
    after: int = 0
    added: int = 0
    withdrawn: int = 0
    moved_in: int = 0
    moved_out: int = 0
    edited: int = 0


@dataclass(slots=True, kw_only=True)
class Summary:
    """What the changes add up to.

    `counts`: (what, layer or config, split) -> how many. `forced`: rule -> the first few changes under it, in order,
    `rules` how many there are. `churn`: split -> its churn, for records of the first kind. `replays`: direction
    ("old rows, new contract" or the other way) -> config -> (rows, rows that break it, an example of what breaks).
    `bump`: the largest step that any change asks for.
    """

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    forced: dict[str, list[Change]] = field(default_factory=dict)
    churn: dict[str, Churn] = field(default_factory=dict)
    replays: dict[str, dict[str, tuple[int, int, str]]] = field(default_factory=dict)
    bump: Bump = Bump.NONE


Forces = Mapping[Bump, list[str]]
"""Step -> the rules that ask for it."""
