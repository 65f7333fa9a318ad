"""One row of a file, and how files are read: what every reader of rows makes and takes. Reads nothing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from copydesk import jsontext
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.features import Feature, decode_labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How files are read. `keep`: columns of a CSV file in which an empty cell is an empty string, and not nothing.

    `rows`: where in a JSON document the rows are. `features`: what a card says of the columns that have labels; None
    where there is no card, and Parquet files speak for themselves.
    """

    encoding: str = "utf-8"
    delimiter: str | None = None
    rows: str | None = None
    keep: frozenset[str] = frozenset()
    features: Mapping[str, Feature] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row and where it stands.

    `line` is the row's own, 0 in a file that has none. `pointer` is the row's in its file, empty where each row is a
    record for itself. `inner` is the line of what is in the row, 0 where a pointer finds it better. `alone`: the file
    is this row. `notes`: (code, message, pointer in the row) for single values that cannot be read. `columns`: the
    names of all columns, where the file declares them. `at`: where a JSON text has it, in code points, if it is an
    element of an array.
    """

    values: Mapping[str, object]
    file: str
    line: int = 0
    pointer: str = ""
    inner: int = 0
    alone: bool = False
    notes: Sequence[tuple[str, str, str]] = ()
    columns: Sequence[str] | None = None
    at: tuple[int, int] | None = None


def decoded(row: Row, features: Mapping[str, Feature]) -> Row:
    """The row with the numbers of labels as their names."""
    notes = [*row.notes]
    values = {
        name: decode_labels(value, features[name], f"/{jsontext.escape(name)}", notes) if name in features else value
        for name, value in row.values.items()
    }
    return replace(row, values=values, notes=notes)


def lost(code: str, file: str, message: str, line: int = 0, pointer: str = "", help: str | None = None) -> Diagnostic:
    """A row, or the rest of a file, that cannot be read."""
    place = Place(file=file, line=line or None, pointer=pointer or None)
    return Diagnostic(code=code, place=place, message=message, help=help)
