"""The records that did not pass: those of the stage as columns in the spool, and those that the barrier leaves out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from copydesk.arrays import Bytes, as_bytes, as_flags, strings
from copydesk.heads.columns import Rows
from copydesk.heads.files import DIGEST, lost_path
from copydesk.heads.model import Failed
from copydesk.sources import Block


class Failures(Collection[Failed]):
    """Every record that did not pass."""

    def __init__(self, blocks: Mapping[str, Sequence[Block]], folder: Path) -> None:
        self._staged = {
            kind: Rows([(block, lost_path(folder, kind, block.index)) for block in found])
            for kind, found in blocks.items()
        }
        self._added: list[Failed] = []
        self._forgotten: dict[tuple[str, int], str] = {}

    def __len__(self) -> int:
        return sum(map(len, self._staged.values())) + len(self._added)

    def __iter__(self) -> Iterator[Failed]:
        for kind in self._staged:
            yield from self.of(kind)

    def __contains__(self, failed: object) -> bool:
        return any(failed == other for other in self)

    def append(self, failed: Failed) -> None:
        """Take one more."""
        self._added.append(failed)

    def of(self, kind: str) -> Iterator[Failed]:
        """Those of one kind."""
        rows = self._staged[kind]
        for row in range(len(rows)):
            codes, digest = rows.value("codes", row), rows.value("digest", row)
            place = rows.place(row, None)
            if code := self._forgotten.get((kind, row)):
                codes, digest = code, None
            yield Failed(
                kind=kind,
                id=place.record,
                place=place,
                codes=tuple(codes.split(",")),
                digest=digest.hex() if digest else None,
            )
        yield from (failed for failed in self._added if failed.kind == kind)

    def ids(self, kind: str) -> set[str | None]:
        """The ids of those of a kind; None is among them if one was too broken to tell its id."""
        column = self._staged[kind].column("record")
        found: set[str | None] = {f.id for f in self._added if f.kind == kind}
        if column is not None:
            found.update(column.to_pylist())
        elif len(self._staged[kind]):
            found.add(None)
        return found

    def digests(self, kind: str) -> tuple[int, Bytes]:
        """How many of a kind have no digest, and the digests of the others, a row each."""
        rows = self._staged[kind]
        added = [f.digest for f in self._added if f.kind == kind]
        some = b"".join(bytes.fromhex(digest) for digest in added if digest)
        found = [np.frombuffer(some, dtype=np.uint8).reshape(-1, DIGEST)]
        column = rows.column("digest")
        if column is not None:
            valid = as_flags(column.is_valid())
            valid[[row for k, row in self._forgotten if k == kind]] = False
            found.append(as_bytes(column)[valid])
        together = np.concatenate(found)
        return len(rows) + len(added) - len(together), together

    def forget(self, kind: str, ids: Set[str], code: str) -> frozenset[str]:
        """Let some ids be left out for this reason alone, and keep not even a digest; those of them that are here."""
        column = self._staged[kind].column("record")
        found = set()
        if column is not None and ids:
            hits = np.flatnonzero(as_flags(pc.is_in(column, value_set=strings(sorted(ids)))))
            for row in hits.tolist():
                self._forgotten[kind, row] = code
                found.add(column[row].as_py())
        for number, failed in enumerate(self._added):
            if failed.kind == kind and failed.id in ids:
                self._added[number] = Failed(kind=kind, id=failed.id, place=failed.place, codes=(code,))
                found.add(failed.id)
        return frozenset(found)
