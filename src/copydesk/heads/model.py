"""The head of a record: one that passed, one that did not, and what a block of them came to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from copydesk.articles.prune import Dropped
from copydesk.diagnostics import Diagnostic, Place
from copydesk.heads.findings import Counts as Beyond
from copydesk.importers.intake import Counts
from copydesk.spool import Address
from copydesk.waivers import Waiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """What the barrier knows of a record that passed.

    `digest` is the SHA-256 of its text, `content` the key under which equal texts meet, `value_digest` the SHA-256
    of the whole record. `native`: whether JSON pointers into the record are places in its file. `groups`: (property,
    value) for the x-group properties that are no links. `links`: (property, kind, id, whether it groups). `marks`:
    stratum, time and given split of an article, and the split of its source, each empty if there is none.
    """

    kind: str
    id: str
    address: Address
    place: Place
    digest: str
    content: str
    value_digest: str
    native: bool = True
    groups: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str, str, bool], ...] = ()
    marks: tuple[str, str, str, str] = ("", "", "", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A record that did not pass, with the codes that say why; `digest` tells two without an id apart."""

    kind: str
    id: str | None
    place: Place
    codes: tuple[str, ...]
    digest: str | None = None


@dataclass(slots=True, kw_only=True)
class StageResult:
    """What one block came to, beside the files in the spool. Read = passed + failed; `dropped` are single annotations
    that were left out. Of many findings of one code only the first are in `diagnostics`; `beyond` counts the others."""

    source: int = 0
    passed: int = 0
    failed: int = 0
    dropped: list[Dropped] = field(default_factory=list)
    counts: Counts = field(default_factory=Counter)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    beyond: Beyond = field(default_factory=Counter)
    used: set[Waiver] = field(default_factory=set)
