"""The rows of a release, shard by shard: do they keep their contract, and are both formats the same rows?

A shard is judged from its own files alone, so shards are judged in any order, anywhere. What is said of whole splits
is put together from what was found of their shards. The JSON lines are compared byte by byte with those that the
Parquet rows give, so no row becomes a Python object unless something is wrong with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from copydesk import jsontext
from copydesk.cache.verdicts import Verdicts
from copydesk.contract.columnar import Judge, judge_of, suspects
from copydesk.contract.rows import row_schema
from copydesk.contract.types import Type
from copydesk.contract.validate import schema_errors
from copydesk.diagnostics import Diagnostic, Place
from copydesk.engine import Engine
from copydesk.release.model import FileEntry, SplitData, Table, row_batches
from copydesk.writers.lines import lines

_MODULUS = 2**256


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardToJudge:
    """One Parquet file, with the schema of its rows. `text`: the property whose texts are summed up, if any."""

    entry: FileEntry
    type: Type
    schema: Mapping[str, Any]
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found of one shard. `sha256`: of its rows as JSON lines; `texts`: their sum, as `sum_of` makes it."""

    path: str
    rows: int
    sha256: str
    texts: int
    found: tuple[Diagnostic, ...]


def judge_shard(folder: Path, shard: ShardToJudge) -> Verdict:
    """Read every row of a shard as it was written. Raises what Arrow raises for a file that is none of its own."""
    digest, texts, rows, found = hashlib.sha256(), 0, 0, list[Diagnostic]()
    judge = judge_of(shard.type)
    for table in row_batches(folder, shard.entry, shard.type):
        for piece in lines(table):
            digest.update(piece)
        found.extend(_broken(shard, table, judge, rows))
        if shard.text is not None:
            texts += _texts(table, shard.text)
        rows += table.num_rows
    return Verdict(
        path=shard.entry.path, rows=rows, sha256=digest.hexdigest(), texts=texts % _MODULUS, found=tuple(found)
    )


def _broken(shard: ShardToJudge, table: pa.Table, judge: Judge, before: int) -> Iterator[Diagnostic]:
    """V005 for the rows that break the contract: the validator says where."""
    for number in suspects(table, judge):
        row = jsontext.load_line(b"".join(map(bytes, lines(table.slice(number, 1)))))
        pointers = sorted({pointer or "/" for pointer, _ in schema_errors(shard.schema, row)})
        if pointers:
            identifier = row.get("id")
            place = Place(file=shard.entry.path, record=identifier if isinstance(identifier, str) else None)
            message = f"row {before + number + 1} breaks the contract at {', '.join(pointers[:5])}"
            yield Diagnostic(code="V005", place=place, message=message)


def _texts(table: pa.Table, text: str) -> int:
    pairs = zip(table.column("id").to_pylist(), table.column(text).to_pylist(), strict=True)
    return sum_of((identifier, hashlib.sha256((value or "").encode()).hexdigest()) for identifier, value in pairs)


def sum_of(texts: Iterable[tuple[str, str]]) -> int:
    """A number for a set of (id, SHA-256 of a text), whatever their order."""
    hashed = (hashlib.sha256(f"{identifier}\0{digest}".encode()).digest() for identifier, digest in texts)
    return sum(int.from_bytes(one) for one in hashed) % _MODULUS


def judge_rows(
    folder: Path,
    tables: Sequence[Table],
    identifiers: Mapping[str, str],
    texts: tuple[Table, str] | None,
    engine: Engine,
    known: Verdicts | None = None,
) -> tuple[list[Diagnostic], int]:
    """V004 and V005 for all rows, in the order of the tables; and the sum of the texts of the config that has them.

    `known`: what was found earlier of files with the same bytes, whose sums were held against the manifest before.
    """
    known = known or Verdicts(step="verify")
    shards = [
        ShardToJudge(
            entry=entry,
            type=table.type,
            schema=row_schema(table.type, table.name, identifiers[table.name]),
            text=texts[1] if texts is not None and table is texts[0] else None,
        )
        for table in tables
        for split in table.splits
        for entry in split.parquet
    ]
    shards.sort(key=lambda shard: -shard.entry.size)  # the largest first, so that no worker waits long for the last
    verdicts = {shard.entry.path: verdict for shard in shards if (verdict := _recalled(known, shard)) is not None}
    of_path = {shard.entry.path: shard for shard in shards}
    for verdict in engine.map(partial(judge_shard, folder), [s for s in shards if s.entry.path not in verdicts]):
        verdicts[verdict.path] = verdict
        if not verdict.found:
            plain = {"rows": verdict.rows, "sha256": verdict.sha256, "texts": f"{verdict.texts:x}"}
            known.keep(plain, *_parts(of_path[verdict.path]))
    several = [split for table in tables for split in table.splits if len(split.jsonl) > 1]
    twins = dict(engine.map(partial(_twin_digest, folder), several))
    found: list[Diagnostic] = []
    for table in tables:
        for split in table.splits:
            own = [verdicts[entry.path] for entry in split.parquet]
            found.extend(diagnostic for verdict in own for diagnostic in verdict.found)
            twin = twins[split.logical_sha256, _paths(split)] if len(split.jsonl) > 1 else split.jsonl[0].sha256
            found.extend(_digests(folder, table, split, own, twin))
    return found, sum(verdict.texts for verdict in verdicts.values()) % _MODULUS


def _parts(shard: ShardToJudge) -> tuple[str, ...]:
    """All that a verdict depends on, beside the code."""
    return shard.entry.sha256, repr(shard.type), repr(shard.schema), repr(shard.text)


def _recalled(known: Verdicts, shard: ShardToJudge) -> Verdict | None:
    """The verdict on a shard in which nothing was found, if it is known."""
    plain = known.get(*_parts(shard))
    if plain is None:
        return None
    texts = int(plain["texts"], 16)
    return Verdict(path=shard.entry.path, rows=plain["rows"], sha256=plain["sha256"], texts=texts, found=())


def _paths(split: SplitData) -> tuple[str, ...]:
    return tuple(entry.path for entry in split.jsonl)


def _twin_digest(folder: Path, split: SplitData) -> tuple[tuple[str, tuple[str, ...]], str]:
    """The SHA-256 of the JSON lines of a split as if they were one file."""
    digest = hashlib.sha256()
    for entry in split.jsonl:
        with (folder / entry.path).open("rb") as stream:
            while chunk := stream.read(2**20):
                digest.update(chunk)
    return (split.logical_sha256, _paths(split)), digest.hexdigest()


def _digests(
    folder: Path, table: Table, split: SplitData, verdicts: Sequence[Verdict], twin: str
) -> Iterator[Diagnostic]:
    """V004: the rows of a split give its logical digest, as Parquet and as JSON lines."""
    rows = sum(verdict.rows for verdict in verdicts)
    # The digest of a file of JSON lines is that of the manifest, which was held against the file before.
    same = [verdict.sha256 for verdict in verdicts] == [entry.sha256 for entry in split.jsonl]
    logical = twin if same else _logical(folder, table, split)
    if logical != split.logical_sha256 or rows != split.rows:
        message = f"the {rows} rows of {table.name}/{split.name} do not give their logical digest"
        yield Diagnostic(code="V004", place=Place(file=split.parquet[0].path), message=message)
    if twin != split.logical_sha256:
        message = f"the JSON lines of {table.name}/{split.name} do not give the logical digest"
        yield Diagnostic(code="V004", place=Place(file=split.jsonl[0].path), message=message)


def _logical(folder: Path, table: Table, split: SplitData) -> str:
    """The logical digest of a split whose shards are not each what the JSON lines of the same number hold."""
    digest = hashlib.sha256()
    for entry in split.parquet:
        for batch in row_batches(folder, entry, table.type):
            for piece in lines(batch):
                digest.update(piece)
    return digest.hexdigest()
