"""What people write by hand: `datasets` and a JSON Schema validator. `... PROJECT OUT --articles N --validator NAME`.

Loads the JSON lines, validates every row against the same contract, checks spans and references, splits by a hash of
the id, writes Parquet of all five configs and JSON lines. Without groups and near copies, places of what is wrong,
expectations, documents, read-back and all else that a release of copydesk has.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
from pathlib import Path
from typing import Any

import datasets

S, N, B = datasets.Value("string"), datasets.Value("int32"), datasets.Value("bool")
SPAN = {"id": S, "start": N, "end": N, "surface": S}
FEATURES = datasets.Features(
    {
        **dict.fromkeys(("id", "language", "publisher", "derived_from"), S),
        "published": datasets.Value("date32"),  # its JSON reader makes timestamps of dates, whatever is asked for
        "rights": {"license": S, "holder": S, "redistribute": B},
        "text": S,
        "mentions": [{**SPAN, "label": S, "entity": S, "form": S, "sure": B, "note": S}],
        "quotes": [{**SPAN, "speaker": S, "form": S}],
        "claims": [{"id": S, "fragments": [{"start": N, "end": N}], "sentence": S, "about": S, "status": S}],
        "relations": [{"id": S, "head": S, "tail": S, "label": S}],
    }
)
LAYERS = ("mentions", "quotes", "claims", "relations")


def head(project: Path, out: Path, count: int) -> Path:
    """The first articles in a file of their own."""
    target = out / "input.jsonl"
    with (project / "data" / "news" / "news-000.jsonl").open("rb") as lines, target.open("wb") as stream:
        stream.writelines(itertools.islice(lines, count))
    return target


def is_valid_by(name: str, schema: dict[str, Any]) -> Any:
    if name == "jsonschema":
        from jsonschema import Draft202012Validator

        return Draft202012Validator(schema).is_valid
    import jsonschema_rs

    return jsonschema_rs.validator_for(schema).is_valid


def check(row: dict[str, Any]) -> None:
    text = row["text"]
    for layer in ("mentions", "quotes"):
        for item in row[layer]:
            assert 0 <= item["start"] < item["end"] <= len(text), item
            assert text[item["start"] : item["end"]] == item["surface"], item
    known = {m["id"] for m in row["mentions"]}
    assert len(known) == len(row["mentions"])
    for claim in row["claims"]:
        assert claim["about"] is None or claim["about"] in known
        for piece in claim["fragments"]:
            assert 0 <= piece["start"] < piece["end"] <= len(text), piece
    for relation in row["relations"]:
        assert relation["head"] in known and relation["tail"] in known


def flatten(layer: str) -> Any:
    def rows(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        pairs = [(i, item) for i, items in zip(batch["id"], batch[layer], strict=True) for item in items]
        names = list(FEATURES[layer].feature)
        out = {name: [item[name] for _, item in pairs] for name in names}
        return {"article_id": [i for i, _ in pairs], **out}

    return rows


def split_of(identifier: str) -> str:
    share = int(hashlib.sha256(identifier.encode()).hexdigest()[:8], 16) / 2**32
    return "train" if share < 0.8 else "validation" if share < 0.9 else "test"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("project", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--articles", type=int, default=1_000)
    parser.add_argument("--validator", choices=["jsonschema", "jsonschema-rs"], default="jsonschema")
    arguments = parser.parse_args()
    datasets.disable_progress_bars()
    source = head(arguments.project, arguments.out, arguments.articles)
    whole = datasets.load_dataset(
        "json", data_files=str(source), split="train", features=FEATURES, cache_dir=str(arguments.out / "cache")
    )
    schema = json.loads((arguments.project / "schema" / "article.schema.json").read_text())
    is_valid = is_valid_by(arguments.validator, schema)
    places: dict[str, list[int]] = {}
    seen: set[str] = set()
    for at, row in enumerate(whole):
        row["published"] = row["published"].isoformat()
        assert is_valid(row), row["id"]
        assert row["id"] not in seen
        seen.add(row["id"])
        check(row)
        places.setdefault(split_of(row["id"]), []).append(at)
    for split, indices in places.items():
        part = whole.select(indices)
        part.to_parquet(arguments.out / f"articles-{split}.parquet")
        part.to_json(arguments.out / f"articles-{split}.jsonl", force_ascii=False)
        for layer in LAYERS:
            flat = part.map(flatten(layer), batched=True, remove_columns=part.column_names)
            flat.to_parquet(arguments.out / f"{layer}-{split}.parquet")
    print(json.dumps({"articles": len(whole)}))


if __name__ == "__main__":
    main()
