"""Where a value of a record stands in the annotator's own file, for whoever asks after the records were staged.

The file is read once more, and what it holds is kept for the next question, since changes come record by record. It
is the same reading as that of the stage: what that leaves out of a record is left out here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from copydesk.articles.prune import prune
from copydesk.articles.record import Record
from copydesk.build import Options, stage
from copydesk.contract.types import Kind
from copydesk.cutting import cut
from copydesk.diagnostics import BuildFailed, Diagnostic, Place, Report
from copydesk.heads import Staged
from copydesk.importers import importer_of
from copydesk.importers.intake import take, units_of
from copydesk.judge import Judge
from copydesk.prepare import Prepared, prepare
from copydesk.sources import BLOCK_SIZE, Block, Piece, list_files, read

Locate = Callable[[str], Place]

_KEPT = 8
"""Files whose records are kept in memory. Records of many files stand between each other in the order of ids."""


@dataclass(slots=True, kw_only=True)
class Places:
    """(kind, id, JSON pointer) -> place, for the records of a project that was staged. `scratch` is made if needed."""

    prepared: Prepared
    staged: Mapping[str, Mapping[str, Staged]]
    scratch: Path
    _pieces: dict[tuple[str, str], list[tuple[int, Piece]]] | None = None
    _read: OrderedDict[tuple[int, str, int], dict[str, Locate]] = field(default_factory=OrderedDict)

    def __call__(self, kind: str, record: str, pointer: str) -> Place | None:
        staged = self.staged.get(kind, {}).get(record)
        if staged is None:
            return None
        if not pointer:
            return staged.place
        for number, piece in self._pieces_of(kind, staged.place):
            if (locate := self._records(number, piece).get(record)) is not None:
                return locate(pointer)
        return replace(staged.place, column=None, pointer=pointer)  # the file changed meanwhile

    def _pieces_of(self, kind: str, place: Place) -> Iterator[tuple[int, Piece]]:
        """What the file of a place was cut into, as far as the record can be in it."""
        if self._pieces is None:
            self._pieces = _pieces(self.prepared, self.scratch)
        for number, piece in self._pieces.get((kind, place.file), ()):
            if piece.lines and place.line is not None:
                piece = _one_line(piece, place.line)
            yield number, piece

    def _records(self, number: int, piece: Piece) -> dict[str, Locate]:
        """Id -> places, for the records of a piece."""
        key = number, piece.path, piece.start
        if key not in self._read:
            self._read[key] = {r.id: r.locate for r in _records(self.prepared, number, piece) if r.id is not None}
            while len(self._read) > _KEPT:
                self._read.popitem(last=False)
        self._read.move_to_end(key)
        return self._read[key]


@dataclass(slots=True, kw_only=True)
class SourcePlaces:
    """The same for a project that nobody has staged yet: it is staged when the first place is asked for.

    A project that cannot be staged gives no places: that is no fault of the releases that are compared.
    """

    project: Path
    scratch: Path
    _places: Places | None = None
    _failed: bool = False

    def __call__(self, kind: str, record: str, pointer: str) -> Place | None:
        if self._places is None and not self._failed:
            self._stage()
        return self._places(kind, record, pointer) if self._places is not None else None

    def _stage(self) -> None:
        report, spool = Report(), self.scratch / "work-tree"
        try:
            spool.mkdir()
            prepared = prepare(self.project, report)
            gathered = stage(prepared, Options(root=self.project), spool, report)
        except (BuildFailed, OSError):
            self._failed = True
            return
        self._places = Places(prepared=prepared, staged=gathered.staged, scratch=self.scratch / "places")


def _pieces(prepared: Prepared, scratch: Path) -> dict[tuple[str, str], list[tuple[int, Piece]]]:
    """(kind, file) -> the pieces that were made of it, with the number of their source."""
    project = prepared.project
    listings, _ = list_files(project, scratch)
    units, _ = units_of(project, listings)
    blocks, _ = cut(listings, units, BLOCK_SIZE)
    found: dict[tuple[str, str], list[tuple[int, Piece]]] = {}
    for block in blocks:
        kind = project.sources[block.source].kind
        for piece in block.pieces:
            for file in (piece.file, *(name for name, _ in piece.beside)):
                found.setdefault((kind, file), []).append((block.source, piece))
    return found


def _one_line(piece: Piece, line: int) -> Piece:
    """A piece of a file of lines, narrowed to one of them; empty if it is in another piece."""
    start, number = piece.start, piece.line
    with Path(piece.path).open("rb") as stream:
        stream.seek(piece.start)
        while start < piece.end:
            length = len(stream.readline())
            if number == line or not length:
                return replace(piece, start=start, end=start + length, line=number)
            start, number = start + length, number + 1
    return replace(piece, end=piece.start)


def _records(prepared: Prepared, number: int, piece: Piece) -> Iterator[Record]:
    """The records of a piece, as the stage made them."""
    project, source = prepared.project, prepared.project.sources[number]
    kind, importer = prepared.contract.kinds[source.kind], importer_of(source.format)
    for raw in read(Block(index=0, source=number, pieces=(piece,))):
        if isinstance(raw, Diagnostic):
            continue
        if source.format == "copydesk":
            made = list(importer.read(project.root, source, raw))
        else:
            made = list(take(project.root, source, kind, raw, importer).records)
        for record in made:
            if isinstance(record, Record):
                yield _pruned(record, prepared, kind) if project.on_error == "exclude-annotations" else record


def _pruned(record: Record, prepared: Prepared, kind: Kind) -> Record:
    """A record without its broken annotations: where the project leaves those out, they count in no pointer."""
    return prune(record, kind, Judge(kind, prepared.contract).findings).record
