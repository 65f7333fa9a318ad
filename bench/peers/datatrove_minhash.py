"""datatrove's MinHash deduplication: `... PROJECT OUT --articles N`. Its four steps, one worker, as in its example.

Finds near copies and writes Parquet without them; looks at nothing but the text, and keeps the annotations beside it.
Its signature step splits words with spaCy's tokenizer for English (a blank pipeline: no model, no network), which is
most of the time; that is its default, and the words are what its recall is known for.
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path

from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
)
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers.parquet import ParquetWriter
from datatrove.utils.hashing import HashConfig


def run(name: str, steps: list, out: Path, tasks: int = 1) -> None:
    LocalPipelineExecutor(pipeline=steps, tasks=tasks, workers=1, logging_dir=str(out / "logs" / name)).run()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("project", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--articles", type=int, default=1_000)
    arguments = parser.parse_args()
    out, source = arguments.out, arguments.out / "input"
    source.mkdir()
    with (arguments.project / "data" / "news" / "news-000.jsonl").open("rb") as lines:
        (source / "part.jsonl").write_bytes(b"".join(itertools.islice(lines, arguments.articles)))
    config = MinhashConfig(hash_config=HashConfig(precision=64), n_grams=5, num_buckets=16, hashes_per_bucket=8)

    def reader() -> JsonlReader:
        return JsonlReader(str(source), text_key="text", id_key="id")

    run(
        "signatures",
        [reader(), MinhashDedupSignature(output_folder=str(out / "signatures"), config=config, language="en")],
        out,
    )
    run(
        "buckets",
        [MinhashDedupBuckets(input_folder=str(out / "signatures"), output_folder=str(out / "buckets"), config=config)],
        out,
        tasks=config.num_buckets,
    )
    run(
        "cluster",
        [MinhashDedupCluster(input_folder=str(out / "buckets"), output_folder=str(out / "remove"), config=config)],
        out,
    )

    def annotated(document: Document) -> dict:
        return {"id": document.id, "text": document.text, "metadata": json.dumps(document.metadata)}

    run(
        "filter",
        [
            reader(),
            MinhashDedupFilter(input_folder=str(out / "remove")),
            ParquetWriter(str(out / "parquet"), adapter=lambda _, document: annotated(document), compression="zstd"),
        ],
        out,
    )
    print(json.dumps({"articles": arguments.articles}))


if __name__ == "__main__":
    main()
