"""One file of a dataset as rows in plain shape, with what is known of its columns. Knows no cards and no options."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from copydesk.diagnostics import Diagnostic
from copydesk.importers.dataset.columns import columns_of, inferred
from copydesk.importers.dataset.shapes import have_envelopes, plain, rows_inside, with_pairs
from copydesk.importers.features import Feature, labelled, struct_fields
from copydesk.importers.fields.rows import TABLES, Reading, Row, read_rows
from copydesk.importers.parquet import Table, open_table

_FIRST_ROWS = 50
_MANY_KEYS = 64
"""Keys that the objects of a column may have between them and still be names of fields, and no data."""
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
    shown = inferred(good) if infer else {}
    keyed = frozenset(name for name, feature in shown.items() if _has_data_as_keys(name, feature, good))
    columns = {**{name: feature for name, feature in shown.items() if name not in keyed}, **declared}
    if good and isinstance(good[0].values.get("text"), str):
        columns.setdefault("text", _STRING)
    rows = (with_pairs(row, keyed) for row in chain(begin, (plain(row, enveloped=enveloped) for row in rest)))
    return Rows(rows=rows, columns=columns, sample=[with_pairs(row, keyed) for row in good[:_FIRST_ROWS]])


def _has_data_as_keys(name: str, feature: object, rows: Sequence[Row]) -> bool:
    """Whether the objects of a column have many keys between them, and each of them only a few of these."""
    keys = len(struct_fields(feature) or ())
    if keys <= _MANY_KEYS:
        return False
    sizes = [len(value) for row in rows if isinstance(value := row.values.get(name), Mapping)]
    return 2 * max(sizes, default=0) < keys
