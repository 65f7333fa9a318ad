"""Dataset folders: cards, layouts, features, layers that are seen from the columns, and releases of our own."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import datasets
import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.articles.model import Article, Ref
from copydesk.articles.units import Sample
from copydesk.diagnostics import Diagnostic
from copydesk.importers import dataset
from copydesk.importers.dataset.card import BadCard, Config, configs_of, front_matter, split_by_name
from copydesk.importers.dataset.layers import seen_layer
from copydesk.importers.features import decode_labels, known_features
from copydesk.project import Source
from copydesk.sources import RawRecord

OPTIONS = jsonschema.Draft202012Validator({"additionalProperties": False, "properties": dataset.OPTIONS})


def source(**options: Any) -> Source:
    OPTIONS.validate(options)
    return Source(kind="article", paths=("x",), format="dataset", options=options)


def read_all(
    files: Mapping[str, str | bytes], where: Source | None = None, base: str = ""
) -> list[Article | Diagnostic]:
    where = where or source()
    data = {name: value.encode() if isinstance(value, str) else value for name, value in files.items()}
    out: list[Article | Diagnostic] = []
    for unit in dataset.units(where, sorted(data)):
        first, *others = unit.files
        beside = {name: data[name] for name in others}
        name = unit.name.removeprefix(base)
        raw = RawRecord(file=first, line=1, data=data[first], name=name, base=base, beside=beside)
        out += dataset.read(Path("/"), where, raw)
    return out


def articles(files: Mapping[str, str | bytes], **options: Any) -> list[Article]:
    found = read_all(files, source(**options))
    assert all(isinstance(one, Article) for one in found), found
    return [one for one in found if isinstance(one, Article)]


def spans(article: Article, layer: str = "mentions") -> list[tuple[str, str | None, str]]:
    return [(i.id, i.label, article.surface_of(i)) for i in article.layers[layer]]


def folder_of(path: Path) -> dict[str, bytes]:
    return {p.relative_to(path.parent).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def rows(*names: str) -> str:
    return "".join(json.dumps({"id": name, "text": f"text of {name}"}) + "\n" for name in names)


# which files, which split

CARD = """---
license: cc0-1.0
configs:
- config_name: plain
  data_files: "plain/*.jsonl"
- config_name: news
  default: true
  data_files:
  - split: train
    path: ["news/train-*.jsonl", "news/more/**/*.jsonl"]
  - split: held_out
    path: news/test.jsonl
---
# A card
"""


def test_the_default_config_and_its_splits() -> None:
    files = {
        "ds/README.md": CARD,
        "ds/plain/x.jsonl": rows("p"),
        "ds/news/train-0.jsonl": rows("a"),
        "ds/news/more/deep/er/b.jsonl": rows("b"),
        "ds/news/test.jsonl": rows("c"),
        "ds/news/stray.jsonl": rows("no"),
    }
    found = articles(files)
    assert {a.id: a.values["split"] for a in found} == {"a": "train", "b": "train", "c": "held_out"}
    assert [a.id for a in articles(files, config="plain")] == ["p"]
    wrong = read_all(files, source(config="nope"))
    assert {(d.code, d.place.file) for d in wrong if isinstance(d, Diagnostic)} == {("I001", "ds/README.md")}


def test_without_a_card_the_layout_says_the_split() -> None:
    files = {
        "ds/data/train-00000-of-00001.jsonl": rows("a"),
        "ds/data/odd_one-00000-of-00001.jsonl": rows("b"),
        "ds/dev/x.jsonl": rows("c"),
        "ds/eval-2.jsonl": rows("d"),
        "ds/whatever.jsonl": rows("e"),
    }
    assert {a.id: a.values["split"] for a in articles(files)} == {
        "a": "train", "b": "odd_one", "c": "validation", "d": "test", "e": "train",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "file", "matches"),
    [
        ("data/train-*", "data/train-0.parquet", True),
        ("data/*", "data/deep/a.parquet", False),
        ("data/**", "data/deep/a.parquet", True),
        ("**/a.parquet", "a.parquet", True),
        ("./a.csv", "a.csv", True),
        ("a[0-9].csv", "a5.csv", True),
        ("a[!0-9].csv", "a5.csv", False),
        ("a?.csv", "ab.csv", True),
        ("a.csv", "axcsv", False),
        ("a[.csv", "a[.csv", True),
        ("a(b).csv", "a(b).csv", True),
    ],
)
def test_patterns(pattern: str, file: str, matches: bool) -> None:
    (config,) = configs_of({"configs": [{"config_name": "x", "data_files": pattern}]})
    assert config.split_of(file) == ("train" if matches else None)


def test_folders_and_forms_of_data_files() -> None:
    for files, wanted in [
        ({"train": "a.csv", "test": ["b.csv"]}, [("train", ["a.csv"]), ("test", ["b.csv"])]),
        (["a.csv", "b.csv"], [("train", ["a.csv", "b.csv"])]),
        ([{"split": "test", "path": "b.csv"}], [("test", ["b.csv"])]),
    ]:
        assert configs_of({"configs": [{"data_files": files}]})[0].files == wanted
    inside = configs_of({"configs": [{"data_dir": "en", "data_files": "*.csv"}, {"data_dir": "de/"}]})
    assert inside[0].split_of("en/a.csv") == "train" and inside[0].split_of("a.csv") is None
    assert inside[1].split_of("de/deep/a.csv") == "train" and inside[1].split_of("en/a.csv") is None


def test_split_names_agree_with_the_loader(tmp_path: Path) -> None:
    for layout in (
        ["data/train-00000-of-00001.jsonl", "data/extra-00000-of-00001.jsonl"],
        ["training/a.jsonl", "dev/b.jsonl", "evaluation/c.jsonl"],
        ["my-train.jsonl", "my_valid_1.jsonl", "test.jsonl"],
    ):
        folder = tmp_path / layout[0].replace("/", "-")
        for name in layout:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(rows(name))
        loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
        assert {row["id"]: split for split, table in loaded.items() for row in table} == {
            name: split_by_name(name) for name in layout
        }


@pytest.mark.parametrize(
    ("card", "line"),
    [
        ("---\nconfigs: [\n---\n", 2),
        ("---\nconfigs:\n  - a\n b: c\n---\n", 4),
        ("---\nno end\n", 1),
        ("---\ndate: 2024-99-99\n---\n", 1),
        ("---\n? [a]\n: b\n---\n", None),
    ],
)
def test_a_card_that_is_no_yaml_is_told_at_its_line(card: str, line: int | None) -> None:
    found, article = read_all({"README.md": card, "a.jsonl": rows("a")})
    assert isinstance(found, Diagnostic) and isinstance(article, Article)  # by the layout of the folder
    assert (found.code, found.place.file) == ("I001", "README.md")
    assert line is None or found.place.line == line


def test_odd_cards_do_not_matter() -> None:
    heads = ["", "# no head", "---\n- a list\n---\n", "---\nconfigs: 5\n---\n", "---\nconfigs:\n- 7\n---\n"]
    heads += [
        "---\ndataset_info: x\n---\n",
        "---\ndataset_info:\n  features: 5\n---\n",
        "---\n---\n",
        "\ufeff---\na: 1\n---\n",
    ]
    for card in heads:
        assert [a.id for a in articles({"README.md": card, "a.jsonl": rows("a")})] == ["a"], card
    with pytest.raises(BadCard):
        front_matter(b"---\nx: &a [*a, *b]\n---\n")


def test_the_nearest_card_counts() -> None:
    files = {"x/README.md": CARD, "x/sub/README.md": "---\nconfigs:\n- data_files: q.jsonl\n---\n"}
    files |= {"x/sub/q.jsonl": rows("q"), "x/sub/r.jsonl": rows("r"), "x/news/test.jsonl": rows("c")}
    assert sorted(a.id for a in articles(files)) == ["c", "q"]


def test_the_nearest_manifest_counts() -> None:
    def manifest(file: str) -> str:
        table = {"view": "records", "kind": "a", "splits": {"train": {"files": {"parquet": [file]}}}}
        return json.dumps({"primary": "a", "tables": {"t": table}})

    files = {"x/manifest.json": manifest("b.jsonl"), "x/b.jsonl": rows("b"), "x/other.jsonl": rows("o")}
    files |= {"x/y/manifest.json": manifest("c[1].jsonl"), "x/y/c[1].jsonl": rows("c"), "x/y/c1.jsonl": rows("d")}
    assert sorted(a.id for a in articles(files)) == ["b", "c"]
    for odd in ("[]", "{", '{"tables": {"t": 5}}', '{"tables": []}'):
        assert [a.id for a in articles({"manifest.json": odd, "a.jsonl": rows("a")})] == ["a"]


def test_what_belongs_to_a_dataset_is_read_with_it_and_the_rest_is_not() -> None:
    names = ["ds/LICENSE", "ds/README.md", "ds/a.jsonl", "ds/b.jsonl", "ds/dataset_infos.json", "ds/photo.png"]
    made = list(dataset.units(source(), names))
    assert [u.files for u in made] == [
        ("ds/a.jsonl", "ds/README.md", "ds/LICENSE", "ds/dataset_infos.json"), ("ds/b.jsonl", "ds/README.md"),
    ]  # fmt: skip
    assert not any(u.lines for u in made)


# columns


def save(made: datasets.Dataset) -> bytes:
    sink = io.BytesIO()
    made.to_parquet(sink)
    return sink.getvalue()


def test_layers_and_labels_of_parquet_by_its_features() -> None:
    label = datasets.ClassLabel(names=["P", "C"])
    made = datasets.Dataset.from_list(
        [
            {
                "id": "a", "text": "Ana of Lund 🎈", "topic": 1,
                "mentions": [{"id": "x", "start": 0, "end": 3, "label": 0, "sure": 0.5}],
                "entities": [{"id": "ana", "name": "Ana Öst"}], "quotes": [], "tags": ["one", "two"], "meta": {"k": 1},
            }
        ],
        features=datasets.Features(
            id=datasets.Value("string"), text=datasets.Value("string"), topic=label,
            mentions=datasets.List(
                {"id": datasets.Value("string"), "start": datasets.Value("int32"), "end": datasets.Value("int32"),
                 "label": label, "sure": datasets.Value("float32")}
            ),
            entities=datasets.List({"id": datasets.Value("string"), "name": datasets.Value("string")}),
            quotes=datasets.List(
                {"fragments": datasets.List({"start": datasets.Value("int32"), "end": datasets.Value("int32")})}
            ),
            tags=datasets.List(datasets.Value("string")), meta={"k": datasets.Value("int64")},
        ),
    )  # fmt: skip
    (article,) = articles({"ds/train.parquet": save(made)})
    assert article.values == {"split": "train", "topic": "C", "tags": ["one", "two"], "meta": {"k": 1}}
    assert spans(article) == [("x", "P", "Ana")]
    assert article.layers["mentions"][0].values == {"sure": 0.5}
    assert [(i.id, i.values) for i in article.layers["entities"]] == [("ana", {"name": "Ana Öst"})]
    assert article.layers["quotes"] == []
    assert article.layers["mentions"][0].pointer == "/0/mentions/0"


def test_other_names_for_offsets_and_the_columns_of_old_sequences() -> None:
    begun = {"id": "a", "text": "Ana of Lund", "m": [{"begin": 0, "end": 3, "type": "P"}], "split": "my own"}
    (article,) = articles({"test.jsonl": json.dumps(begun)})
    assert spans(article, "m") == [("m1", "P", "Ana")]
    assert article.values == {"split": "test", "split_2": "my own"}

    columns = {"id": ["a"], "text": ["Ana of Lund"], "m": [{"start": [0, 7], "end": [3, 11], "label": ["P", "C"]}]}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    (article,) = articles({"test.parquet": sink.getvalue()})
    assert spans(article, "m") == [("m1", "P", "Ana"), ("m2", "C", "Lund")]

    pieces = {
        "id": "a",
        "text": "Ana of Lund",
        "e": [{"id": "T1", "type": "P", "text": ["Ana", "Lund"], "offsets": [[0, 3], [7, 11]]}],
    }
    (article,) = articles({"a.jsonl": json.dumps(pieces)})
    assert spans(article, "e") == [("T1", "P", "Ana Lund")]
    assert article.layers["e"][0].surface == "Ana Lund"


def test_what_a_column_is_does_not_depend_on_its_row() -> None:
    first = {"id": "a", "text": "Ana", "m": [], "n": None}
    second = {"id": "b", "text": "Ana", "m": [{"start": 0, "end": 3, "label": "P"}], "n": [{"id": "x"}]}
    for order in ([first, second], [second, first]):
        a, b = sorted(articles({"a.jsonl": "\n".join(map(json.dumps, order))}), key=lambda one: one.id)
        assert a.layers == {"m": [], "n": []} and len(b.layers["m"]) == len(b.layers["n"]) == 1


def test_the_card_names_labels_that_json_lines_number() -> None:
    card = """---
dataset_info:
- config_name: news
  features:
  - {name: id, dtype: string}
  - {name: text, dtype: string}
  - name: topic
    dtype: {class_label: {names: {'0': war, '1': peace}}}
  - name: m
    list:
    - {name: start, dtype: int32}
    - {name: end, dtype: int32}
    - {name: label, dtype: {class_label: {names: [P, C]}}}
configs:
- {config_name: news, data_files: a.jsonl}
---
"""
    row = {"id": "a", "text": "Ana", "topic": 1, "m": [{"start": 0, "end": 3, "label": 0}]}
    other = {"id": "b", "text": "Bo", "topic": "war", "m": [{"start": 0, "end": 2, "label": 9}]}
    a, b = articles({"README.md": card, "a.jsonl": json.dumps(row) + "\n" + json.dumps(other)})
    assert (a.values["topic"], spans(a, "m")) == ("peace", [("m1", "P", "Ana")])
    assert (b.values["topic"], spans(b, "m")) == ("war", [("m1", None, "Bo")])
    assert [(d.code, d.place.line, d.place.pointer) for d in b.found] == [("I002", 2, "/m/0/label")]


def test_tokens_with_tags_are_seen() -> None:
    tags = datasets.ClassLabel(names=["O", "B-PER", "I-PER", "B-LOC"])
    made = datasets.Dataset.from_dict(
        {"id": ["1"], "tokens": [["Ana", "Öst", "of", "Lund"]], "pos_tags": [[0, 0, 1, 0]], "ner_tags": [[1, 2, 0, 3]]},
        features=datasets.Features(
            id=datasets.Value("string"), tokens=datasets.List(datasets.Value("string")),
            pos_tags=datasets.List(datasets.ClassLabel(names=["NOUN", "ADP"])), ner_tags=datasets.List(tags),
        ),
    )  # fmt: skip
    (article,) = articles({"train.parquet": save(made)})
    assert article.text == "Ana Öst of Lund"
    assert spans(article) == [("m1", "PER", "Ana Öst"), ("m2", "LOC", "Lund")]
    assert [i.values for i in article.layers["tokens"]][1:3] == [{"pos_tags": "NOUN"}, {"pos_tags": "ADP"}]
    assert article.values == {"split": "train"}
    plain = {"id": "1", "tokens": ["Ana", "of"], "ner_tags": ["B-PER", "O"], "langs": ["sv", "en"]}
    (article,) = articles({"a.jsonl": json.dumps(plain)})
    assert spans(article) == [("m1", "PER", "Ana")] and article.values == {"split": "train", "langs": ["sv", "en"]}


def test_the_card_names_tags_that_parquet_numbers() -> None:
    card = """---
dataset_info:
  features:
  - {name: tokens, sequence: string}
  - name: ner_tags
    sequence: {class_label: {names: {'0': O, '1': B-PER}}}
---
"""
    table = pa.table({"tokens": [["Ana", "of"]], "ner_tags": [[1, 0]]})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    (article,) = articles({"README.md": card, "a.parquet": sink.getvalue()})
    assert spans(article) == [("m1", "PER", "Ana")] and article.found == []


def test_options_overrule_what_is_seen() -> None:
    row = {
        "key": "a",
        "body": "Ana of Lund",
        "m": [{"start": 0, "end": 3, "what": "P"}],
        "o": [{"start": 7, "end": 11}],
    }
    (article,) = articles(
        {"a.jsonl": json.dumps(row)}, id="key", text="body", layers={"mentions": {"field": "m", "label": "what"}}
    )
    assert (article.id, spans(article), spans(article, "o")) == ("a", [("m1", "P", "Ana")], [("o1", None, "Lund")])


def test_damage_in_a_dataset() -> None:
    found = read_all({"a.parquet": b"no", "b.jsonl": '{"id": "b"}\n{"id"', "c.csv": "id,text\nc,x\n"})
    assert [(d.code, d.place.file) for d in found if isinstance(d, Diagnostic)] == [
        ("I001", "a.parquet"), ("I004", "b.jsonl"), ("S003", "b.jsonl"),
    ]  # fmt: skip
    assert [a.id for a in found if isinstance(a, Article)] == ["c"]


WORDS = ["name", "dtype", "feature", "_type", "names", "list", "struct", "sequence", "class_label", "x"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["a", "_type", "ClassLabel", "List", "names"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=8,
)


@given(feature=JSON, value=JSON, head=JSON)
@settings(max_examples=150, deadline=None)
def test_no_feature_or_card_is_too_odd(feature: Any, value: Any, head: Any) -> None:
    known_features(feature)
    decode_labels(value, feature, "", [])
    seen_layer("x", feature)
    for config in configs_of({"configs": head, "dataset_info": feature}):
        assert isinstance(config, Config)
        config.split_of("a.csv")


def test_sniff() -> None:
    def sure(**files: bytes) -> int:
        named = {name.replace("__", "/").replace("_", "."): data for name, data in files.items()}
        return dataset.sniff(Sample(names=sorted(named), head=lambda name: named[name]))

    assert sure(README_md=CARD.encode(), a_jsonl=b"{}") > 90
    assert sure(manifest_json=b'{"primary": 1, "tables": {}}', a_parquet=b"") > 90
    assert sure(README_md=b"# prose", a_jsonl=b"{}") == sure(README_md=CARD.encode()) == 0
    assert dataset.sniff(Sample(names=["data/train-00000-of-00002.parquet"], head=lambda _: b"PAR1")) > 50


# folders of the wild


def test_a_pattern_that_names_an_archive_names_what_is_in_it() -> None:
    card = (
        "---\nconfigs:\n- data_files:\n  - {split: train, path: data.zip}\n  - {split: test, path: '*.jsonl.gz'}\n---\n"
    )
    files = {"README.md": card, "data.zip/in/a.jsonl": rows("a"), "b.jsonl.gz/b.jsonl": rows("b"), "c.jsonl": rows("c")}
    assert {a.id: a.values["split"] for a in articles(files)} == {"a": "train", "b": "test"}


def test_a_data_dir_has_the_layout_of_a_folder() -> None:
    (here,) = configs_of({"configs": [{"data_dir": "."}]})
    (inside,) = configs_of({"configs": [{"data_dir": "/en/"}]})
    assert [here.split_of(name) for name in ("a.csv", "test/b.csv", "dev.csv")] == ["train", "test", "validation"]
    assert [inside.split_of(name) for name in ("en/test/a.csv", "test/en.csv", "end/a.csv")] == ["test", None, None]


def test_what_save_to_disk_writes(tmp_path: Path) -> None:
    made = datasets.Dataset.from_dict(
        {"tokens": [["Ana", "of"], ["Bo"]], "ner_tags": [[1, 0], [0]]},
        features=datasets.Features(
            tokens=datasets.List(datasets.Value("string")),
            ner_tags=datasets.List(datasets.ClassLabel(names=["O", "B-PER"])),
        ),
    )
    datasets.DatasetDict({"train": made, "test": made}).save_to_disk(str(tmp_path / "d"))
    files = folder_of(tmp_path / "d")
    assert dataset.sniff(Sample(names=sorted(files), head=lambda name: files[name][:1000])) == 95
    found = articles(files)
    assert Counter(a.values["split"] for a in found) == {"train": 2, "test": 2}
    assert [spans(a) for a in found][:2] == [[("m1", "PER", "Ana")], []]


def test_ids_that_number_the_rows_of_a_split_are_told_apart() -> None:
    def numbered(first: int, *texts: str) -> str:
        return "".join(json.dumps({"id": first + n, "text": text}) + "\n" for n, text in enumerate(texts))

    files = {
        "train-0.jsonl": numbered(0, "a", "b"),
        "train-1.jsonl": numbered(2, "c", "d"),
        "test.jsonl": numbered(0, "e"),
    }
    assert [a.id for a in articles(files)] == ["test-0", "train-0", "train-1", "train-2", "train-3"]
    assert [a.id for a in articles({"train-0.jsonl": files["train-0.jsonl"]}, id="id")] == ["0", "1"]
    own = {"a.jsonl": numbered(77, "a") + numbered(12, "b")}
    assert [a.id for a in articles(own)] == ["77", "12"]


def test_the_text_is_found_by_its_name_or_as_tokens() -> None:
    for row, text in (
        ({"context": "Ana", "question": "Who?"}, "Ana"),
        ({"Sentence": "Ana", "title": "T"}, "Ana"),
        ({"text": ["Ana", "of"]}, "Ana of"),
        ({"words": ["Ana", "of"], "label": "x"}, "Ana of"),
        ({"text": "Ana", "tokens": ["A", "na"]}, "Ana"),
    ):
        (article,) = articles({"a.jsonl": json.dumps(row)})
        assert article.text == text
    (article,) = articles({"a.csv": "tokens,ner_tags\n\"['Ana', 'of']\",\"['B-PER', 'O']\"\n"})
    assert (article.text, spans(article)) == ("Ana of", [("m1", "PER", "Ana")])


def test_the_id_is_that_of_a_database_where_there_is_no_other() -> None:
    rows_ = [{"_id": {"$oid": "5f"}, "text": "Ana", "m": [{"begin": 0, "end": 3, "type": "P"}]}]
    (article,) = articles({"a.json": json.dumps(rows_)})
    assert (article.id, spans(article, "m"), article.values) == ("5f", [("m1", "P", "Ana")], {"split": "train"})


def test_what_elasticsearch_hands_out() -> None:
    hits = [
        {"_index": "i", "_id": "x", "_source": {"text": "Ana of Lund", "m": [{"start": 0, "end": 3, "label": "P"}]}},
        {"_index": "i", "_id": "y", "_source": {"text": "Bo", "m": [{"start": "one", "end": 3, "label": "P"}]}},
    ]
    text = json.dumps({"took": 3, "hits": {"total": 2, "hits": hits}}, indent=1)
    for name, data in (("a.json", text), ("a.jsonl", "\n".join(map(json.dumps, hits)))):
        found, other = articles({name: data})
        assert (found.id, found.text, spans(found, "m")) == ("x", "Ana of Lund", [("m1", "P", "Ana")])
        (problem,) = other.found
        assert problem.code == "I002" and (problem.place.pointer or "").endswith("/_source/m/0")


def test_texts_in_passages_and_spans_in_pieces() -> None:
    def document(**more: Any) -> str:
        passages = [
            {"id": "p1", "type": "body", "text": ["of Lund."], "offsets": [[4, 12]]},
            {"id": "p0", "type": "title", "text": ["Ana"], "offsets": [[0, 3]]},
        ]
        entities = [
            {"id": "e1", "type": "P", "text": ["Ana"], "offsets": [[0, 3]], "normalized": []},
            {"id": "e2", "type": "L", "text": ["Lund"], "offsets": [[7, 11]], "normalized": []},
        ]
        relations = [{"id": "r1", "type": "from", "arg1_id": "e1", "arg2_id": "e2"}]
        return json.dumps({"id": "d", "passages": passages, "entities": entities, "relations": relations, **more})

    (article,) = articles({"a.jsonl": document()})
    assert (article.text, spans(article, "entities")) == ("Ana of Lund.", [("e1", "P", "Ana"), ("e2", "L", "Lund")])
    (relation,) = article.layers["relations"]
    assert (relation.id, relation.label) == ("r1", "from")
    assert relation.values == {"head": Ref("entities", "e1"), "tail": Ref("entities", "e2")}
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([json.loads(document())]), sink)
    (same,) = articles({"a.parquet": sink.getvalue()})
    assert (same.text, spans(same, "entities")) == (article.text, spans(article, "entities"))
    apart = [{"text": ["Ana"], "offsets": [[0, 3]]}, {"text": ["na"], "offsets": [[1, 3]]}]
    (lost,) = read_all({"a.jsonl": document(passages=apart)})
    assert isinstance(lost, Diagnostic) and lost.code == "I004"


def test_the_json_of_brat_itself() -> None:
    row = {
        "text": "Ana of Lund bought Kvarn",
        "entities": [["T1", "P", [[0, 3], [7, 11]]], ["T2", "O", [[19, 24]]]],
        "relations": [["R1", "owns", [["Arg1", "T1"], ["Arg2", "T2"]]]],
        "triggers": [["T3", "Buy", [[12, 18]]]],
        "events": [["E1", "T3", [["Agent", "T1"]]]],
    }
    (article,) = articles({"a.json": json.dumps(row)})
    assert spans(article, "entities") == [("T1", "P", "Ana Lund"), ("T2", "O", "Kvarn")]
    assert spans(article, "triggers") == [("T3", "Buy", "bought")]
    (relation,), (event,) = article.layers["relations"], article.layers["events"]
    assert (relation.label, relation.values) == ("owns", {"head": Ref("entities", "T1"), "tail": Ref("entities", "T2")})
    assert event.values == {"trigger": "T3", "arguments": [{"role": "Agent", "ref": "T1"}]}


def test_offsets_count_tokens_where_all_of_them_can() -> None:
    row = {
        "tokens": ["Ana", "of", "Lund"],
        "e": [{"start": 2, "end": 3, "type": "L"}, {"start": 0, "end": 1, "type": "P"}],
    }
    (article,) = articles({"a.jsonl": json.dumps(row | {"r": [{"head": 1, "tail": 0, "type": "from"}]})})
    assert spans(article, "e") == [("e1", "L", "Lund"), ("e2", "P", "Ana")]
    assert article.layers["r"][0].values == {"head": Ref("e", "e2"), "tail": Ref("e", "e1")}
    lists = {"tokens": row["tokens"], "ner": [[0, 1, "P"]], "r": [{"head": 1, "tail": 0, "type": "from"}]}
    (article,) = articles({"a.jsonl": json.dumps(lists)})
    assert spans(article, "ner") == [("n1", "P", "Ana")]
    assert "r" not in article.layers and article.values["r"] == lists["r"]  # what it names is not there
    row["e"].append({"start": 0, "end": 11, "type": "X"})
    (article,) = articles({"a.jsonl": json.dumps(row)})
    assert spans(article, "e")[2] == ("e3", "X", "Ana of Lund")


def test_answers_of_a_reading_test_are_spans() -> None:
    answers = [{"text": ["Ana", "Lund"], "answer_start": [0, 7]}, {"text": [], "answer_start": []}]
    table = pa.table({"id": ["a", "b"], "context": ["Ana of Lund"] * 2, "answers": answers})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    first, second = articles({"train.parquet": sink.getvalue()})
    assert [surface for _, _, surface in spans(first, "answers")] == ["Ana", "Lund"] and spans(second, "answers") == []


def test_tags_that_are_numbers_without_names_stay_with_the_tokens() -> None:
    row = {"tokens": ["Ana", "of"], "ner_tags": [1, 0]}
    (article,) = articles({"a.jsonl": json.dumps(row)})
    assert "mentions" not in article.layers and not article.found
    assert [i.values for i in article.layers["tokens"]] == [{"ner_tags": 1}, {"ner_tags": 0}]
    assert article.left_out["names of tags (the file has their numbers)"] == 2
    (named,) = articles({"a.jsonl": json.dumps(row)}, tags={"field": "ner_tags", "names": ["O", "B-PER"]})
    assert spans(named) == [("m1", "PER", "Ana")] and not +named.left_out


def test_a_card_that_knows_some_columns_leaves_the_others_to_the_file() -> None:
    card = "---\ndataset_info:\n  features:\n  - {name: tokens, sequence: string}\n---\n"
    made = datasets.Dataset.from_dict(
        {"tokens": [["Ana", "of"]], "ner_tags": [[1, 0]]},
        features=datasets.Features(
            tokens=datasets.List(datasets.Value("string")),
            ner_tags=datasets.List(datasets.ClassLabel(names=["O", "B-PER"])),
        ),
    )
    (article,) = articles({"README.md": card, "a.parquet": save(made)})
    assert spans(article) == [("m1", "PER", "Ana")]
    (article,) = articles({"README.md": card, "a.jsonl": '{"tokens": ["Ana"], "ner_tags": ["B-PER"]}'})
    assert spans(article) == [("m1", "PER", "Ana")]


def test_a_column_of_mixed_values_is_what_its_lists_and_objects_are() -> None:
    good = {"id": "a", "text": "Ana", "m": [{"start": 0, "end": 3, "label": "P"}]}
    odd: list[object] = [
        "x",
        5,
        None,
        [[0, 3, "Z"]],
        {"start": [0], "end": [3], "label": ["Y"]},
        [{"start": "x", "end": 3}],
    ]
    data = [good, *(good | {"id": f"o{n}", "m": value} for n, value in enumerate(odd))]
    for order in (data, data[::-1]):
        found = {a.id: a for a in articles({"a.jsonl": "\n".join(map(json.dumps, order))})}
        assert {name: len(a.layers["m"]) for name, a in found.items()} == {
            "a": 1, "o0": 0, "o1": 0, "o2": 0, "o3": 1, "o4": 1, "o5": 0,
        }  # fmt: skip
        assert {name for name, a in found.items() if a.found} == {"o0", "o1", "o5"}


def test_objects_whose_keys_are_data_are_lists_of_pairs() -> None:
    rows_ = [
        {"id": f"d{n}", "text": "Ana", "who": {f"name {n}-{m}": [m] for m in range(2)}, "n": {"a": 1}}
        for n in range(40)
    ]
    found = articles({"a.jsonl": "\n".join(map(json.dumps, rows_))})
    assert found[3].values == {
        "split": "train",
        "who": [{"key": "name 3-0", "value": [0]}, {"key": "name 3-1", "value": [1]}],
        "n": {"a": 1},
    }
    (few,) = articles({"a.jsonl": json.dumps(rows_[0])})
    assert few.values["who"] == rows_[0]["who"]


def test_tables_are_known_by_what_fields_would_have_to_be_told() -> None:
    def sure(name: str, head: str | bytes, **more: str) -> int:
        heads = {name: head.encode() if isinstance(head, str) else head}
        heads |= {n.replace("_", "."): v.encode() for n, v in more.items()}
        return dataset.sniff(Sample(names=sorted(heads), head=lambda n: heads[n]))

    assert sure("a.csv", "id,text\n") == sure("a.json", '{"a": "b"}') == 0
    assert sure("a.csv", "sep=;\r\nid;Text\n") == sure("a.csv", "n,content\n") == sure("a.json", '{"words": []}') == 12
    assert sure("a.jsonl", '{"_id": 1, "text": "a", "m": [{"begin": 1}]}') == 20
    assert sure("a.parquet", b"PAR1") == 30
    assert sure("a.jsonl", "{}", README_md="---\nlicense: mit\n---\n") == 45


# our own


def test_a_release_comes_back_as_it_was(seed_release: Path, seed_project: Path) -> None:
    files = folder_of(seed_release)
    read = {name for unit in dataset.units(source(), sorted(files)) for name in unit.files}
    assert read == set(files)
    found = {a.id: a for a in articles(files)}
    kept = [
        json.loads(p.read_text(encoding="utf-8")) for p in sorted((seed_project / "data" / "articles").glob("*.json"))
    ]
    assert set(found) == {record["id"] for record in kept}
    for record in kept:
        article = found[record["id"]]
        document = record["document"]["path"]
        assert article.text == (seed_project / document).read_bytes().decode()
        assert article.found == [] and article.unit == "code points" and not article.left_out
        for layer, items in ((name, value) for name, value in record.items() if isinstance(value, list)):
            assert len(article.layers[layer]) == len(items) > 0
            for kept_item, item in zip(items, article.layers[layer], strict=True):
                pieces = kept_item.get("fragments") or ([kept_item] if "start" in kept_item else [])
                assert item.ranges == tuple((piece["start"], piece["end"]) for piece in pieces)
                assert (item.id, item.label) == (kept_item["id"], kept_item.get("label"))
                assert item.surface == (article.surface_of(item) if pieces else None)
                own = {
                    k: v
                    for k, v in kept_item.items()
                    if k not in {"id", "label", "start", "end", "fragments", "surface"}
                }
                assert _without_surfaces(item.values) == _without_surfaces(own)


def _without_surfaces(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_surfaces(v) for k, v in value.items() if k != "surface"}
    return [_without_surfaces(v) for v in value] if isinstance(value, list) else value


def test_other_configs_of_a_release_can_be_asked_for(seed_release: Path) -> None:
    files = folder_of(seed_release)
    root = seed_release.name
    without_card = {name: data for name, data in files.items() if name != f"{root}/README.md"}
    assert len(articles(without_card)) == 2
    found = read_all(files, source(config="quotes", text="surface", id="id"))
    assert len([one for one in found if isinstance(one, Article)]) > 10
