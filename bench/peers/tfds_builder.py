"""A TFDS builder of the articles: `... PROJECT OUT --articles N`. Writes array_record files; nothing is checked.

Encodes every feature and writes one config, articles with nested layers. Lists in lists would need TensorFlow, half a
gigabyte of it, so the fragments of a claim are a string. Without validation,
spans, near copies, other configs and documents.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
from pathlib import Path

os.environ["NO_GCE_CHECK"] = "true"  # no look for the cloud's metadata server

import numpy as np
import tensorflow_datasets as tfds

tfds.core.utils.gcs_utils._is_gcs_disabled = True

Text, Sequence = tfds.features.Text, tfds.features.Sequence
NUMBER, FLAG = tfds.features.Scalar(np.int32), tfds.features.Scalar(np.bool_)
SPAN = {"id": Text(), "start": NUMBER, "end": NUMBER, "surface": Text()}


class BenchNews(tfds.core.GeneratorBasedBuilder):
    """The articles, nested."""

    pkg_dir_path = Path(__file__).parent
    VERSION = tfds.core.Version("1.0.0")
    source: Path
    count: int

    def _info(self) -> tfds.core.DatasetInfo:
        names = ("id", "language", "publisher", "published", "derived_from", "text")
        layers = {
            "mentions": {**SPAN, "label": Text(), "entity": Text(), "form": Text(), "sure": FLAG, "note": Text()},
            "quotes": {**SPAN, "speaker": Text(), "form": Text()},
            "claims": {name: Text() for name in ("id", "fragments", "sentence", "about", "status")},
            "relations": {name: Text() for name in ("id", "head", "tail", "label")},
        }
        features = {
            **{name: Text() for name in names},
            "rights": {"license": Text(), "holder": Text(), "redistribute": FLAG},
            **{name: Sequence(item) for name, item in layers.items()},
        }
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager: object) -> dict:
        return {name: self._generate_examples(name) for name in ("train", "validation", "test")}

    def _generate_examples(self, split: str):
        with self.source.open("rb") as lines:
            for line in itertools.islice(lines, self.count):
                row = json.loads(line)
                for claim in row["claims"]:
                    claim["fragments"] = json.dumps(claim["fragments"])
                share = int(hashlib.sha256(row["id"].encode()).hexdigest()[:8], 16) / 2**32
                if split == ("train" if share < 0.8 else "validation" if share < 0.9 else "test"):
                    yield row["id"], without_nulls(row)


def without_nulls(value: object) -> object:
    """TFDS has no null: an empty string stands for it."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value]
    return "" if value is None else value


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("project", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--articles", type=int, default=1_000)
    arguments = parser.parse_args()
    BenchNews.source = arguments.project / "data" / "news" / "news-000.jsonl"
    BenchNews.count = arguments.articles
    builder = BenchNews(data_dir=str(arguments.out / "tfds"), file_format="array_record")
    builder.download_and_prepare()
    print(json.dumps({"articles": sum(split.num_examples for split in builder.info.splits.values())}))


if __name__ == "__main__":
    main()
