"""Making heads: what is taken from a record while it is at hand."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Iterator
from typing import Any

from copydesk.articles.record import Record
from copydesk.articles.shape import text_property
from copydesk.contract.types import Kind
from copydesk.diagnostics import Diagnostic, Place, Severity
from copydesk.grouping import compared_text, content_key
from copydesk.heads.model import Failed, Staged
from copydesk.project import Project
from copydesk.shingles import BREAK
from copydesk.sources import Block
from copydesk.splits import marks, split_in_path
from copydesk.spool import Address

BLANK = f"{string.whitespace}{BREAK}"
"""Of what a text without words is made: two of them are no copies of each other."""


class BlockHeads:
    """The heads of the records of one block, in order: of those that passed, and of those that did not.

    `texts`: what of those that passed is compared with others, without boilerplate; None if their kind is not compared.
    """

    def __init__(self, project: Project, kind: Kind, block: Block) -> None:
        self._kind, self._block = kind, block
        self._splits, self._source = project.splits, project.sources[block.source]
        self._text = text_property(kind)
        self._is_article = kind.name == project.kinds[0]
        self.staged: list[Staged] = []
        self.failed: list[Failed] = []
        self.texts: list[str] | None = [] if self._is_article and self._text is not None else None

    def add(self, record: Record, place: Place, line: bytes) -> None:
        """Take a record that passed, and its canonical form; its row in the spool is the number of those before it."""
        value, name, kind = record.value, self._text, self._kind
        text = compared_text(value, name, kind.type, self._splits.boilerplate) if name else ""
        if self.texts is not None:
            self.texts.append(text)
        self.staged.append(
            Staged(
                kind=kind.name,
                id=value["id"],
                address=Address(self._block.index, len(self.staged)),
                place=place,
                digest=hashlib.sha256((value[name] or "").encode()).hexdigest() if name else "",
                content=content_key(text) if text.strip(BLANK) else "",
                value_digest=hashlib.sha256(line).hexdigest(),
                native=self._source.format == "copydesk",
                groups=tuple(
                    (f.name, str(value[f.name]))
                    for f in kind.type.fields
                    if f.type.group and f.type.link is None and value.get(f.name) is not None
                ),
                links=tuple(dict.fromkeys(_links(value, kind))),
                marks=self._marks(value, place.file),
            )
        )

    def fail(self, place: Place, found: list[Diagnostic], data: bytes = b"") -> None:
        """Take a record that did not pass."""
        codes = sorted({d.code for d in found if d.severity is Severity.ERROR} or {d.code for d in found})
        digest = hashlib.sha256(data).hexdigest() if data else None
        self.failed.append(
            Failed(kind=self._kind.name, id=place.record, place=place, codes=tuple(codes), digest=digest)
        )

    def _marks(self, value: dict[str, Any], file: str) -> tuple[str, str, str, str]:
        """What the splits go by."""
        if not self._is_article:
            return "", "", "", ""
        by_path = self._source.split_from_path
        given = split_in_path(file, self._splits.ratios) if by_path else self._source.split
        return *marks(value, self._splits), given


def _links(value: dict[str, Any], kind: Kind) -> Iterator[tuple[str, str, str, bool]]:
    """(where, kind, id, whether it groups) of every link: of the record itself, and the first to each article of the
    items of a layer."""
    for name, linked in kind.linked().items():
        if value.get(name) is not None:
            yield name, linked, value[name], kind.type.field_type(name).group
    for (layer, name), node in kind.listed_links().items():
        first: dict[str, int] = {}
        for index, item in enumerate(value.get(layer) or ()):
            if item.get(name) is not None:
                first.setdefault(item[name], index)
        for identifier, index in first.items():
            yield f"{layer}/{index}/{name}", node.link or "", identifier, node.group
