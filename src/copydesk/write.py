"""The second pass: one shard of one config, gathered from the spool, projected by its view, written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from copydesk.attempts import whole
from copydesk.contract import arrow
from copydesk.contract.types import Contract
from copydesk.project import Config
from copydesk.release.model import FileEntry, SplitData, Table
from copydesk.spool import Address, gather, pieces
from copydesk.views import VIEWS
from copydesk.writers import WRITERS, Rows, Sink
from copydesk.writers.hashing import Written
from copydesk.writers.parquet import ROW_GROUP_BYTES, ROW_GROUP_ROWS


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteContext:
    """What every shard is written with. `staging` is the release in the making.

    `shards` is on the same file system, for shards before they are numbered: a worker that was taken for dead, and
    writes one a second time, writes there and not into the release.
    """

    contract: Contract
    spool: Path
    shards: Path
    staging: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One shard to write: the records it comes from, in order, and where the records lie that they link to.

    `content`: a digest over all of these records.
    """

    config: Config
    split: str
    number: int
    records: Sequence[Address]
    linked: Mapping[str, Mapping[str, Address]]
    content: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenShard:
    """What became of a shard: rows, size in Arrow, and for each format the file. No files if it has no rows."""

    shard: Shard
    rows: int
    num_bytes: int
    files: Mapping[str, Written]


def write_shard(context: WriteContext, shard: Shard) -> WrittenShard:
    """Gather, project, write in every format."""
    node = VIEWS[shard.config.view].columns(shard.config, context.contract)
    rows = num_bytes = 0
    sinks: dict[str, Sink] = {}
    with ExitStack() as stack:
        for table in _tables(context, shard):
            if not table.num_rows:
                continue
            encoded = arrow.encode(table, node)
            rows, num_bytes = rows + table.num_rows, num_bytes + encoded.nbytes
            for name, writer in WRITERS.items():
                if name not in sinks:
                    path = context.shards / pending_path(name, shard)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    attempt = stack.enter_context(whole(path))
                    sinks[name] = stack.enter_context(writer.open_sink(attempt, node))
                sinks[name].add(Rows(table=table, encoded=encoded))
    files = {name: sink.written() for name, sink in sinks.items()}
    return WrittenShard(shard=shard, rows=rows, num_bytes=num_bytes, files=files)


def _tables(context: WriteContext, shard: Shard) -> Iterator[pa.Table]:
    """The rows of a shard, piece by piece: how large a shard or its texts are makes no difference to memory."""
    config, contract = shard.config, context.contract
    view = VIEWS[config.view]
    reads = view.reads(config, contract)

    def fetch(name: str, ids: Sequence[str]) -> pa.Table:
        addresses = [shard.linked[name][identifier] for identifier in ids]
        schema = arrow.spool_schema(contract.kinds[name].type)
        return gather(context.spool, name, addresses, pa.schema([schema.field(column) for column in reads[name]]))

    for records in pieces(
        context.spool, config.kind, shard.records, reads[config.kind], limit=ROW_GROUP_BYTES, least=ROW_GROUP_ROWS
    ):
        yield view.rows(config, contract, records, fetch)


def _folder(format_name: str, config: str) -> str:
    """Parquet lies where loaders look; JSON lines lie apart, since one repository has one builder."""
    return config if format_name == "parquet" else f"{format_name}/{config}"


def pending_path(format_name: str, shard: Shard) -> str:
    """Where a shard is written until it is known how many there are."""
    return f"{_folder(format_name, shard.config.name)}/{shard.split}-{shard.number:05d}.part"


def name_shards(context: WriteContext, config: Config, written: Sequence[WrittenShard]) -> Table:
    """Give the shards of a config their final names and sum them up; what has no rows is left out."""
    node = VIEWS[config.view].columns(config, context.contract)
    splits = []
    for split in dict.fromkeys(w.shard.split for w in written):
        shards = sorted((w for w in written if w.shard.split == split and w.rows), key=lambda w: w.shard.number)
        if not shards:
            continue
        entries = {
            name: tuple(_rename(context, name, w, i, len(shards)) for i, w in enumerate(shards)) for name in WRITERS
        }
        splits.append(
            SplitData(
                name=split,
                rows=sum(w.rows for w in shards),
                num_bytes=sum(w.num_bytes for w in shards),
                logical_sha256=_logical_digest(context.staging, entries["jsonl"]),
                files=entries,
            )
        )
    return Table(config=config, type=node, splits=tuple(splits), home=home_columns(config, context.contract))


def home_columns(config: Config, contract: Contract) -> tuple[str, ...]:
    """The columns that say by which articles a row stands in its split: its own, and those of grouping links."""
    kind, primary = contract.kinds[config.kind], next(iter(contract.kinds))
    whole = config.view == "records"
    found = ["id" if whole else f"{kind.name}_id"] if kind.name == primary else []
    if not whole:
        listed = kind.listed_links().items()
        found += [
            name for (layer, name), node in listed if layer == config.layer and node.link == primary and node.group
        ]
    if config.view in {"records", "pairs"}:
        grouping = [n for n, linked in kind.linked().items() if linked == primary and kind.type.field_type(n).group]
        found += [name if whole else f"{name}_{primary}_id" for name in grouping]
    return tuple(found)


def _rename(context: WriteContext, name: str, written: WrittenShard, index: int, count: int) -> FileEntry:
    shard = written.shard
    path = f"{_folder(name, shard.config.name)}/{shard.split}-{index:05d}-of-{count:05d}.{WRITERS[name].suffix}"
    (context.staging / path).parent.mkdir(parents=True, exist_ok=True)
    (context.shards / pending_path(name, shard)).rename(context.staging / path)
    done = written.files[name]
    return FileEntry(path=path, size=done.size, sha256=done.sha256, rows=written.rows)


def _logical_digest(staging: Path, files: Sequence[FileEntry]) -> str:
    """SHA-256 over the JSON lines of all shards, as if they were one file."""
    if len(files) == 1:
        return files[0].sha256
    digest = hashlib.sha256()
    for entry in files:
        with (staging / entry.path).open("rb") as stream:
            while chunk := stream.read(2**20):
                digest.update(chunk)
    return digest.hexdigest()
