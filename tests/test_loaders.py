"""The release through the loaders that people have. Each test meets one known trap of those loaders."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import datasets
import duckdb
import polars
import pyarrow.parquet as pq
import pytest
import yaml

from conftest import ROOT, edit_json, replace_text
from copydesk.build import Options, build
from copydesk.readback import croissant
from copydesk.release.verify import open_release
from copydesk.scaffold import create

LABELS = ["PERSON", "PLACE", "TIME"]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release in three splits, in which one article has no claims, and so one split no claims."""
    project = tmp_path_factory.mktemp("loaders") / "project"
    assert create(project, "tiny") is None
    for number, split in ((3, "validation"), (4, "test")):
        target = project / f"data/articles/library-{number}.json"
        shutil.copy(project / "data/articles/library-1.json", target)
        edit_json(target, lambda r, n=number: _other(r, n))
        pin = f'[[splits.pin]]\narticles = ["library-{number}"]\nsplit = "{split}"\nreason = "test"\n\n[release]'
        replace_text(project / "dataset.toml", "[release]", pin)
    replace_text(project / "dataset.toml", "[splits]\n", "[splits]\nnear_copies = false\n")
    return build(Options(root=project)).folder


def _other(record: dict[str, Any], number: int) -> dict[str, Any]:
    record["id"] = f"library-{number}"
    record["text"] += f" Story {number}\u2028 with 👍 and e\u0301."
    if number == 4:
        record["claims"] = []
    return record


def load(release: Path, tmp_path: Path, config: str | None = None, **options: Any) -> Any:
    return datasets.load_dataset(str(release), config, cache_dir=str(tmp_path / "cache"), **options)


def test_label_names_arrive_in_every_way_of_loading(release: Path, tmp_path: Path) -> None:
    wanted = datasets.ClassLabel(names=LABELS)
    assert load(release, tmp_path, "mentions", split="train").features["label"] == wanted
    assert load(release, tmp_path, "mentions", split="train", streaming=True).features["label"] == wanted
    nested = load(release, tmp_path, split="train").features["mentions"].feature["label"]
    assert nested == wanted
    files = [str(p) for p in sorted((release / "mentions").glob("train-*.parquet"))]
    bare = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / "bare"))
    assert bare.features["label"] == wanted  # from the footer alone
    first = load(release, tmp_path, "mentions", split="train")[0]
    assert wanted.int2str(first["label"]) == "PLACE"


def test_there_is_one_default_config(release: Path, tmp_path: Path) -> None:
    assert datasets.get_dataset_default_config_name(str(release)) == "articles"
    assert load(release, tmp_path)["train"].num_rows == 2
    assert datasets.get_dataset_config_names(str(release)) == ["articles", "mentions", "claims", "claim_pairs"]


def test_a_split_without_rows_is_not_there(release: Path, tmp_path: Path) -> None:
    assert set(load(release, tmp_path)) == {"train", "validation", "test"}
    assert set(load(release, tmp_path, "claims")) == {"train", "validation"}
    assert set(load(release, tmp_path, "claim_pairs")) == {"train"}
    assert sorted(p.name for p in (release / "claims").iterdir()) == [
        "train-00000-of-00001.parquet",
        "validation-00000-of-00001.parquet",
    ]
    for path in release.rglob("*.parquet"):
        meta = pq.ParquetFile(path).metadata
        assert meta.num_rows > 0
        assert all(meta.row_group(i).num_rows for i in range(meta.num_row_groups))


def test_the_card_has_features_sizes_and_version(release: Path) -> None:
    front = yaml.safe_load((release / "README.md").read_text(encoding="utf-8").split("---\n")[1])
    infos = {info["config_name"]: info for info in front["dataset_info"]}
    assert [c["config_name"] for c in front["configs"] if c.get("default")] == ["articles"]
    for config in front["configs"]:
        assert isinstance(config["version"], str)  # 1.10 would be a number, and another one
        info = infos[config["config_name"]]
        assert [s["name"] for s in info["splits"]] == [d["split"] for d in config["data_files"]]
        files = list((release / config["config_name"]).glob("*.parquet"))
        assert info["download_size"] == sum(p.stat().st_size for p in files)
        assert info["dataset_size"] == sum(s["num_bytes"] for s in info["splits"])
        assert all(d["path"].endswith(".parquet") for d in config["data_files"])
    assert "'dtype': 'json'" not in str(front["dataset_info"])  # older versions could load no config at all


def test_another_version_is_not_served_from_the_cache(tmp_path: Path) -> None:
    project, cache = tmp_path / "project", tmp_path / "cache"
    assert create(project, "tiny") is None
    folder = build(Options(root=project)).folder
    before = datasets.load_dataset(str(folder), "claims", split="train", cache_dir=str(cache))[0]["sentence"]
    edit_json(project / "data/articles/library-1.json", lambda r: r["claims"][0].update(sentence="Corrected."))
    replace_text(project / "dataset.toml", 'version = "0.1.0"', 'version = "0.1.1"')
    # The trap is a folder of the same name with the same card: both releases are put in one place.
    moved = tmp_path / "release"
    shutil.copytree(folder, moved)
    assert datasets.load_dataset(str(moved), "claims", split="train", cache_dir=str(cache))[0]["sentence"] == before
    shutil.rmtree(moved)
    shutil.copytree(build(Options(root=project)).folder, moved)
    after = datasets.load_dataset(str(moved), "claims", split="train", cache_dir=str(cache))[0]["sentence"]
    assert after == "Corrected."


def test_json_lines_lie_apart_and_load_with_the_features_of_the_card(release: Path, tmp_path: Path) -> None:
    features = load(release, tmp_path, "claims", split="train").features
    files = {"train": str(release / "jsonl/claims/train-*.jsonl")}
    rows = datasets.load_dataset(
        "json", data_files=files, features=features, split="train", cache_dir=str(tmp_path / "json")
    )
    assert rows.to_list() == load(release, tmp_path, "claims", split="train").to_list()
    labelled = load(release, tmp_path, "mentions", split="train").features
    files = {"train": str(release / "jsonl/mentions/train-*.jsonl")}
    mentions = datasets.load_dataset(
        "json", data_files=files, features=labelled, split="train", cache_dir=str(tmp_path / "json2")
    )
    assert mentions[0]["label"] == LABELS.index("PLACE")


def test_text_survives_to_the_last_code_point(release: Path, tmp_path: Path) -> None:
    rows = load(release, tmp_path, split="validation")
    assert rows[0]["text"].endswith(" Story 3\u2028 with 👍 and e\u0301.")
    for mention in load(release, tmp_path, "mentions", split="validation"):
        assert rows[0]["text"][mention["start"] : mention["end"]] == mention["surface"]


def test_other_readers_see_the_same_rows(release: Path) -> None:
    pattern = str(release / "mentions" / "train-*.parquet")
    frame = polars.read_parquet(pattern)
    counted = duckdb.sql(f"SELECT count(*), min(start) FROM '{pattern}'").fetchall()[0]
    assert counted == (frame.height, frame["start"].min())
    assert frame.columns == ["article_id", "id", "start", "end", "surface", "label"]


def test_croissant_takes_in_every_file_of_a_config(release: Path, tmp_path: Path) -> None:
    """mlcroissant reads the first rows of each split only; that it would read all files is seen from the patterns."""
    opened, found = open_release(release)
    assert opened is not None, found
    assert list(croissant.records(release, opened.tables, tmp_path / "whole")) == []
    other = Path(shutil.copytree(release, tmp_path / "release"))

    def narrow(described: dict[str, Any]) -> None:
        entry = next(e for e in described["distribution"] if e["@id"] == "claims-files")
        entry["includes"] = "claims/train-*.parquet"

    edit_json(other / "croissant.json", narrow)
    said = [d.message for d in croissant.records(other, opened.tables, tmp_path / "narrow")]
    assert said[0] == "the files of claims are not those of the release"
    assert [words.startswith("mlcroissant gives another row ") for words in said[1:]] == [True]


def test_the_viewer_can_open_it(release: Path) -> None:
    for path in release.rglob("*-of-*.parquet"):
        meta = pq.ParquetFile(path).metadata
        column = meta.row_group(0).column(0)
        assert column.has_offset_index
        assert column.compression == "ZSTD"


def test_the_seed_release_holds_what_it_promises(seed_release: Path, tmp_path: Path) -> None:
    configs = datasets.get_dataset_config_names(str(seed_release))
    assert configs == ["articles", "segments", "entities", "mentions", "quotes", "claims", "events", "claim_pairs"]
    for row in load(seed_release, tmp_path, split="train"):
        document = (ROOT / row["document"]["path"]).read_bytes()
        assert row["text"].encode() == document
    pairs = load(seed_release, tmp_path, "claim_pairs", split="train")
    names = pairs.features["label"].names
    assert names[:3] == ["supported", "contradicted", "conflated"]
    omitted = [row for row in pairs if names[row["label"]] == "omitted"]
    assert omitted
    assert all(row["derived_claim"] is None and row["source_claims_sentence"] for row in omitted)
