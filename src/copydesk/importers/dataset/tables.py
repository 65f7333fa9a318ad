"""One file of a dataset as rows in plain shape, with what is known of its columns. Knows no cards and no options."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from copydesk.diagnostics import Diagnostic
from copydesk.importers.dataset.columns import columns_of, inferred
from copydesk.importers.dataset.shapes import have_envelopes, plain, rows_inside
from copydesk.importers.features import Feature, labelled
from copydesk.importers.fields.rows import TABLES, Reading, Row, read_rows
from copydesk.importers.parquet import Table, open_table

_FIRST_ROWS = 50
_STRING: Feature = {"dtype": "string", "_type": "Value"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of a file, what they have as columns, and the first of them once more."""

    rows: Iterable[Row | Diagnostic]
    columns: Mapping[str, Feature]
    sample: Sequence[Row]


def open_rows(data: bytes, file: str, reading: Reading, known: Mapping[str, Feature] | None) -> Rows:
    """The rows of a file. `known`: what a card says of the columns, None where it says nothing.

    A file that declares no columns and has no card is read whole before its first row is given.
    """
    if file.lower().endswith(TABLES):
        table = open_table(data)
        declared = columns_of(table) if isinstance(table, Table) else {}
        declared |= {name: feature for name, feature in (known or {}).items() if name in declared}
        rows = iter(read_rows(data, file, replace(reading, features=labelled(declared))))
        return _opened(list(islice(rows, _FIRST_ROWS)), rows, declared, infer=False)
    if known is not None:
        reading = replace(reading, features=labelled(known))
    rows = iter(read_rows(data, file, reading))
    first = list(islice(rows, None if known is None else _FIRST_ROWS))
    if reading.rows is None and len(first) == 1 and (path := rows_inside(first[0])) is not None:
        first = list(read_rows(data, file, replace(reading, rows=path)))
    return _opened(first, rows, known or {}, infer=True)


def _opened(
    first: Sequence[Row | Diagnostic],
    rest: Iterator[Row | Diagnostic],
    declared: Mapping[str, Feature],
    *,
    infer: bool,
) -> Rows:
    enveloped = have_envelopes(first)
    begin = [plain(row, enveloped=enveloped) for row in first]
    good = [row for row in begin if isinstance(row, Row)]
    columns = {**(inferred(good) if infer else {}), **declared}
    if good and isinstance(good[0].values.get("text"), str):
        columns.setdefault("text", _STRING)
    rows = chain(begin, (plain(row, enveloped=enveloped) for row in rest))
    return Rows(rows=rows, columns=columns, sample=good[:_FIRST_ROWS])
