"""Making heads: what is taken from a record while it is at hand."""

from __future__ import annotations

import hashlib
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from copydesk.articles.record import Record
from copydesk.articles.shape import text_property
from copydesk.contract.types import Kind
from copydesk.diagnostics import Diagnostic, Place, Severity
from copydesk.grouping import compared_text, content_key
from copydesk.heads.files import Columns, Lost, Stands, findings_path, write_heads, write_lost
from copydesk.heads.findings import capped
from copydesk.heads.model import StageResult
from copydesk.project import Project
from copydesk.shingles import BREAK
from copydesk.sources import Block
from copydesk.splits import marks, split_in_path

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
        self._groups = [f.name for f in kind.type.fields if f.type.group and f.type.link is None]
        self._linked = [(n, linked, kind.type.field_type(n).group) for n, linked in kind.linked().items()]
        self._listed = kind.listed_links()
        self._columns, self._lost = Columns(stands=Stands(block)), Lost(stands=Stands(block))
        self.texts: list[str] | None = [] if self._is_article and self._text is not None else None

    def add(self, record: Record, place: Place, line: bytes) -> None:
        """Take a record that passed, and its canonical form; its row in the spool is the number of those before it."""
        value, name, columns = record.value, self._text, self._columns
        columns.ids.append(value["id"])
        columns.values.append(hashlib.sha256(line).digest())
        if name:
            text = compared_text(value, name, self._kind.type, self._splits.boilerplate)
            columns.digests.append(hashlib.sha256((value[name] or "").encode()).digest())
            columns.contents.append(bytes.fromhex(content_key(text)) if text.strip(BLANK) else None)
            if self.texts is not None:
                self.texts.append(text)
        columns.stands.add(place, value["id"])
        columns.groups.append([(n, str(value[n])) for n in self._groups if value.get(n) is not None])
        columns.links.append(list(dict.fromkeys(self._links(value))) if self._linked or self._listed else [])
        if self._is_article:
            columns.marks.append(self._marks(value, place.file))

    def fail(self, place: Place, found: list[Diagnostic], data: bytes = b"") -> None:
        """Take a record that did not pass."""
        codes = sorted({d.code for d in found if d.severity is Severity.ERROR} or {d.code for d in found})
        self._lost.codes.append(",".join(codes))
        self._lost.digests.append(hashlib.sha256(data).digest() if data else None)
        self._lost.stands.add(place, None)

    def write(self, spool: Path, result: StageResult) -> None:
        """Write the heads to the spool; what the result has too many of is cut to what is kept."""
        kind, block = self._kind.name, self._block
        result.passed, result.failed = len(self._columns.ids), len(self._lost.codes)
        write_heads(spool, kind, block, self._columns)
        write_lost(spool, kind, block, self._lost)
        beyond = findings_path(spool, kind, block.index)
        result.diagnostics, result.beyond = capped(result.diagnostics, beyond)

    def _marks(self, value: dict[str, Any], file: str) -> tuple[str, str, str, str]:
        """What the splits go by."""
        by_path = self._source.split_from_path
        given = split_in_path(file, self._splits.ratios) if by_path else self._source.split
        return *marks(value, self._splits), given

    def _links(self, value: dict[str, Any]) -> Iterator[tuple[str, str, str, bool]]:
        """(where, kind, id, whether it groups) of every link: of the record itself, and the first to each article of
        the items of a layer."""
        for name, linked, group in self._linked:
            if value.get(name) is not None:
                yield name, linked, value[name], group
        for (layer, name), node in self._listed.items():
            first: dict[str, int] = {}
            for index, item in enumerate(value.get(layer) or ()):
                if item.get(name) is not None:
                    first.setdefault(item[name], index)
            for identifier, index in first.items():
                yield f"{layer}/{index}/{name}", node.link or "", identifier, node.group
