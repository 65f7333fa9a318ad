"""What the unavoidable costs at least: `python bench/floors.py PROJECT [--articles N]`, µs of CPU per article.

Each floor is the quickest library at hand, doing one thing that any packager must do, on the same articles, in one
thread. Their sum is what a packager in Python without one line of Python per article would take. Prints JSON.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import io
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import jsonschema_rs
import orjson
import pyarrow as pa
import pyarrow.json
import pyarrow.parquet as pq

from copydesk.contract.arrow import spool_schema
from copydesk.diagnostics import Report
from copydesk.prepare import prepare

BATCH = 1_000
"""Articles at a time: about 12 MB, as in a build."""


class Floors:
    """The floors of one corpus; each method takes a batch of JSON lines."""

    def __init__(self, project: Path) -> None:
        contract = prepare(project, Report()).contract
        kind = contract.kinds["article"]
        schema = spool_schema(kind.type)
        self.schema = pa.schema([field for field in schema if field.name != "surface"])
        self.validator = jsonschema_rs.validator_for(json.loads((project / "schema/article.schema.json").read_text()))

    def read_json(self, data: bytes) -> pa.Table:
        options = pyarrow.json.ParseOptions(explicit_schema=self.schema, unexpected_field_behavior="error")
        block = pyarrow.json.ReadOptions(use_threads=False, block_size=2 * len(data))
        return pyarrow.json.read_json(io.BytesIO(data), block, options)

    def parquet(self, table: pa.Table) -> int:
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", row_group_size=BATCH)
        return sink.getvalue().size

    def layers(self, table: pa.Table) -> list[pa.Table]:
        """The four flat configs, as quickly as they come."""
        out = []
        for name in ("mentions", "quotes", "claims", "relations"):
            column = table.column(name).combine_chunks()
            parents = pa.compute.list_parent_indices(column)
            items = pa.compute.list_flatten(column)
            fields = {field.name: items.field(i) for i, field in enumerate(items.type)}
            out.append(pa.table({"article_id": table.column("id").take(parents), **fields}))
        return out

    def ipc(self, table: pa.Table) -> int:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, table.schema) as out:
            out.write_table(table)
        return sink.getvalue().size


def batches(corpus: Path, count: int) -> Iterator[bytes]:
    with corpus.open("rb") as lines:
        for _ in range(0, count, BATCH):
            if batch := b"".join(itertools.islice(lines, BATCH)):
                yield batch


def measure(project: Path, count: int) -> dict[str, float]:
    """µs of CPU per article for each floor."""
    gc.disable()  # as in a build: records are trees without cycles
    floors = Floors(project)
    spent: dict[str, float] = {}
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    done = 0

    def timed(name: str, call: Callable[[], object]) -> object:
        before = time.process_time()
        result = call()
        spent[name] = spent.get(name, 0.0) + time.process_time() - before
        return result

    for data in batches(project / "data" / "news" / "news-000.jsonl", count):
        lines = data.splitlines()
        records = timed("JSON parse (orjson)", lambda lines=lines: [orjson.loads(line) for line in lines])
        assert isinstance(records, list)
        valid = timed(
            "JSON Schema (jsonschema-rs)", lambda records=records: all(map(floors.validator.is_valid, records))
        )
        assert valid
        del records
        table = timed("JSON to Arrow (pyarrow.json)", lambda data=data: floors.read_json(data))
        assert isinstance(table, pa.Table) and table.num_rows == len(lines)
        timed("zstd Parquet, articles", lambda table=table: floors.parquet(table))
        flat = timed("explode four layers", lambda table=table: floors.layers(table))
        assert isinstance(flat, list)
        timed("zstd Parquet, four layers", lambda flat=flat: [floors.parquet(layer) for layer in flat])
        timed("Arrow IPC (a spool)", lambda table=table: floors.ipc(table))
        timed("SHA-256 of the JSON lines", lambda data=data: hashlib.sha256(data).hexdigest())
        timed("copy of the JSON lines", lambda data=data: io.BytesIO(data).getvalue()[1:])
        done += len(lines)
    return {name: round(seconds / done * 1e6, 2) for name, seconds in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Floors: the least that a packager's steps take.")
    parser.add_argument("project", type=Path)
    parser.add_argument("--articles", type=int, default=10_000)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.project, arguments.articles)))


if __name__ == "__main__":
    main()
