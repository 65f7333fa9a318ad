"""The file of the ledger: JSON lines, ordered by id.

Lines as copydesk writes them are read and written column by column; any other line goes through the strict reader, so
that nothing is taken that it would refuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from copydesk import jsontext
from copydesk.arrays import Flags, Ints, as_flags, as_numbers, fixed, flags, hexadecimal, strings, take, text, whole
from copydesk.diagnostics import Diagnostic, Place
from copydesk.semver import is_version
from copydesk.splits.ledger import Ledger, line_of, read_strictly
from copydesk.splits.table import DIGEST, Builder, Columns, LedgerTable, as_table, repeated

_PIECE = 8 * 2**20
_ROWS = 50_000
_ESCAPED = r'["\\\x00-\x1f]'
"""What JSON cannot have in a string as it is."""

_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("id", "group", "split", "since", "digest")] + [("released", pa.bool_())]
)


def read_ledger(path: Path, shown: str) -> tuple[LedgerTable, list[Diagnostic]]:
    """The ledger of the project; empty if there is none yet. L001 if it cannot be read, or a line is no entry."""
    if not path.exists():
        return Builder().table(), []
    builder = Builder()
    try:
        with path.open("rb") as stream:
            sound = all(_take_lines(builder, piece) for piece in _pieces(stream))
    except OSError as error:
        message = f"{shown}: {error.strerror}"
        return Builder().table(), [Diagnostic(code="L001", place=Place(file=shown), message=message)]
    table = builder.table() if sound else None
    if table is not None and not repeated(table) and all(map(is_version, table.sinces.names)):
        return table, []
    entries, found = read_strictly(path.read_bytes(), shown)
    return as_table(entries), found


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(_PIECE):
        yield piece + stream.readline()


def _take_lines(builder: Builder, data: bytes) -> bool:
    """Take the entries of some lines; False if one of them is none."""
    read = _parsed(data)
    lines = _lines(data)
    if read is None or read.num_rows != len(lines):
        return _take_strictly(builder, lines.to_pylist())
    columns = {name: whole(read.column(name)) for name in _SCHEMA.names}
    canonical = _joined(columns, [columns["split"], columns["since"]])
    same = as_flags(pc.equal(canonical.cast(pa.binary()), lines))
    same &= as_flags(pc.equal(columns["id"], columns["group"]))
    same &= looks_hexadecimal(columns["digest"])
    rows = np.flatnonzero(same)
    splits, sinces = (_coded(take(columns[name], rows)) for name in ("split", "since"))
    builder.add(
        Columns(
            ids=take(columns["id"], rows),
            splits=np.array([builder.splits.number(n) for n in splits[1]], dtype=np.int32)[splits[0]],
            sinces=np.array([builder.sinces.number(n) for n in sinces[1]], dtype=np.int32)[sinces[0]],
            digests=from_hexadecimal(take(columns["digest"], rows)),
            released=as_flags(take(columns["released"], rows)),
        )
    )
    return _take_strictly(builder, take(lines, np.flatnonzero(~same)).to_pylist())


def _take_strictly(builder: Builder, lines: list[bytes]) -> bool:
    entries, found = read_strictly(b"".join(lines), "") if lines else ({}, [])
    builder.extend(entries.values())
    return not found


def _parsed(data: bytes) -> pa.Table | None:
    try:
        data.decode()  # Arrow does not look
        options = pj.ParseOptions(explicit_schema=_SCHEMA, unexpected_field_behavior="ignore")
        read = pj.ReadOptions(use_threads=False, block_size=len(data) + 1)
        return pj.read_json(pa.BufferReader(data), read_options=read, parse_options=options)
    except (UnicodeDecodeError, pa.ArrowInvalid):
        return None


def _lines(data: bytes) -> pa.Array:
    """The lines, as `splitlines` has them where there is no carriage return; a line with one is not canonical."""
    data = data if data.endswith(b"\n") else data + b"\n"
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == 10)
    bounds = np.append(0, ends + 1).astype(np.int32)
    return pa.Array.from_buffers(pa.binary(), len(ends), [None, pa.py_buffer(bounds), pa.py_buffer(data)])


def _joined(columns: dict[str, pa.Array], named: list[pa.Array]) -> pa.Array:
    """The lines of entries as `dump_line` has them, where no string needs an escape; null where a value is missing."""
    released = take(strings(["false", "true"]), as_flags(columns["released"]).astype(np.int64))
    released = pc.if_else(columns["released"].is_valid(), released, pa.nulls(len(released), pa.string()))
    parts = [
        *('{"id":"', columns["id"], '","group":"', columns["group"], '","split":"', named[0], '","since":"', named[1]),
        *('","digest":"', columns["digest"], '","released":', released, "}\n"),
    ]
    return pc.binary_join_element_wise(*(text(p) if isinstance(p, str) else p for p in parts), text(""))


def looks_hexadecimal(digests: pa.Array) -> Flags:
    """Which digests are such, or empty."""
    plain = pc.match_substring_regex(digests, r"^(?:[0-9a-f]{64})?$")
    return as_flags(plain)


def from_hexadecimal(digests: pa.Array) -> pa.Array:
    """Digests in hexadecimal as bytes; null for an empty one."""
    lengths = as_numbers(pc.binary_length(digests))
    valid = lengths > 0
    data = np.zeros((len(digests), DIGEST), dtype=np.uint8)
    together = "".join(digests.to_pylist())
    data[valid] = np.frombuffer(bytes.fromhex(together), dtype=np.uint8).reshape(-1, DIGEST)
    return fixed(data.tobytes(), DIGEST, None if valid.all() else valid)


def _coded(values: pa.Array) -> tuple[Ints, list[str]]:
    coded = values.dictionary_encode()
    return as_numbers(coded.indices), coded.dictionary.to_pylist()


def ledger_lines(ledger: Ledger) -> Iterator[bytes]:
    """The file of a ledger, some lines at a time."""
    table = as_table(ledger)
    names = [strings([jsontext.quoted(n) for n in known.names]) for known in (table.splits, table.sinces)]
    odd = table.odd_rows() | as_flags(pc.match_substring_regex(table.columns.ids, _ESCAPED))
    for start in range(0, len(table), _ROWS):
        rows = np.arange(start, min(start + _ROWS, len(table)))
        some = table.columns.take(rows)
        columns = {"id": some.ids, "group": some.ids, "digest": hexadecimal(some.digests)}
        columns["released"] = flags(some.released)
        coded = [take(names[0], some.splits.astype(np.int64)), take(names[1], some.sinces.astype(np.int64))]
        lines = _joined(columns, coded)
        strange = np.flatnonzero(odd[rows])
        if not len(strange):
            yield _data(lines)
            continue
        written = zip(strange.tolist(), table.entries(rows[strange]), strict=True)
        parts, done = [], 0
        for at, entry in written:
            parts += [_data(lines[done:at]), jsontext.dump_line(line_of(entry))]
            done = at + 1
        yield b"".join([*parts, _data(lines[done:])])


def _data(lines: pa.Array) -> bytes:
    """Strings, one after the other."""
    if not len(lines):
        return b""
    bounds = np.frombuffer(lines.buffers()[1], dtype=np.int32)[lines.offset : lines.offset + len(lines) + 1]
    data: bytes = lines.buffers()[2][int(bounds[0]) : int(bounds[-1])].to_pybytes()
    return data


def dump_ledger(ledger: Ledger) -> bytes:
    """The ledger as JSON lines, ordered by id: a form that merges and reviews well."""
    return b"".join(ledger_lines(ledger))
