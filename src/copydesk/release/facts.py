"""The numbers that documents may show: counted from the files of a release, keyed by a dotted name.

Nothing here looks at the project, so that whoever has only the release gets the same numbers. Not here: how a
number is shown (blocks.py), and whether the files are the sealed ones (that is for verify).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from copydesk import jsontext
from copydesk.contract.types import Type, walk_types
from copydesk.release.model import FileEntry, Table, articles_table

AGREEMENT_FILE = "quality/agreement.json"
EXPECTATIONS_FILE = "quality/expectations.json"
INTAKE_FILE = "quality/intake.json"
LEAKAGE_FILE = "quality/leakage.json"
GROUPS_FILE = "quality/groups.jsonl"
SPLITS_FILE = "quality/splits.json"
_COUNTS = {"items", "units", "articles"}
PASSED = "passed"
"""The status of a rule of quality/expectations.json that held."""
UNDEFINED = "undefined"
"""What is shown for a measure that has no value, such as alpha over a single category."""
WITHHELD = "withheld"
"""What is shown for a count of text that an open edition does not have."""
_TEXTS = 64
"""Texts whose words are counted at a time: few enough to stay in the processor's cache."""
_WIDE_SPACES = [point for point in range(0x80, 0x3001) if chr(point).isspace()]
_LEADS = np.array(sorted({chr(point).encode()[0] for point in _WIDE_SPACES}), np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the documents of a release may say.

    `dataset` is the manifest's section of that name. `numbers` maps a key such as `rows.mentions.train` to
    what is shown. `sizes` maps the path of a Parquet file to its rows and bytes. The reports are None without
    their file.
    """

    dataset: Mapping[str, Any]
    numbers: Mapping[str, str]
    sizes: Mapping[str, tuple[int, int]]
    agreement: Mapping[str, Any] | None = None
    expectations: Mapping[str, Any] | None = None
    intake: Mapping[str, Any] | None = None
    leakage: Mapping[str, Any] | None = None
    groups: tuple[Mapping[str, Any], ...] = ()

    def rows(self, config: str, split: str | None = None) -> int:
        """Rows of a config, or of one of its splits; none if it is not in the release."""
        key = f"rows.{config}" if split is None else f"rows.{config}.{split}"
        return int(self.numbers.get(key, "0"))

    def count(self, config: str, column: str, label: str) -> int:
        """How often a label stands in a column, whose path is dotted."""
        return int(self.numbers.get(f"labels.{config}.{column}.{label}", "0"))


def read_facts(folder: Path, manifest: Mapping[str, Any], tables: tuple[Table, ...]) -> Facts:
    """Count what is in the release at `folder`.

    Of the manifest only `dataset` and `primary` are used; `tables` say which files there are and what their
    columns mean. The files must be there: a missing one raises OSError.
    """
    dataset = manifest["dataset"]
    sizes = {entry.path: _size(folder, entry) for table in tables for entry in _parquet(table)}
    agreement, expectations = _report(folder / AGREEMENT_FILE), _report(folder / EXPECTATIONS_FILE)
    numbers = {
        "name": str(dataset["name"]),
        "title": str(dataset["title"]),
        "version": str(dataset["version"]),
        "date": str(dataset["date"]),
        "license": str(dataset["license"]),
        "edition": str(dataset.get("edition", "full")),
    }
    numbers |= _row_numbers(tables, sizes)
    for table in tables:
        numbers |= _label_numbers(folder, table)
    articles = articles_table(tables, manifest["primary"])
    if articles is not None:
        numbers |= {"articles": numbers[f"rows.{articles.name}"], **_article_numbers(folder, articles)}
    numbers |= _agreement_numbers(agreement) if agreement is not None else {}
    numbers |= _expectation_numbers(expectations) if expectations is not None else {}
    leakage, groups = _report(folder / LEAKAGE_FILE), read_groups(folder)
    numbers |= _group_numbers(groups) | (_leakage_numbers(leakage) if leakage is not None else {})
    return Facts(
        dataset=dataset,
        numbers=numbers,
        sizes=sizes,
        agreement=agreement,
        expectations=expectations,
        intake=_report(folder / INTAKE_FILE),
        leakage=leakage,
        groups=groups,
    )


def label_columns(node: Type) -> Iterator[tuple[str, Type]]:
    """Dotted path and type of every label column of a row type, nested ones and lists of labels included."""
    for path, inner in walk_types(node):
        if inner.kind == "label":
            yield ".".join(step for step in path if step != "*"), inner


def _parquet(table: Table) -> Iterator[FileEntry]:
    for split in table.splits:
        yield from split.parquet


def _size(folder: Path, entry: FileEntry) -> tuple[int, int]:
    path = folder / entry.path
    return pq.read_metadata(path).num_rows, path.stat().st_size


def _report(path: Path) -> Mapping[str, Any] | None:
    if not path.is_file():
        return None
    value = jsontext.loads(path.read_bytes())
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} holds no object")
    return value


def _row_numbers(tables: tuple[Table, ...], sizes: Mapping[str, tuple[int, int]]) -> dict[str, str]:
    numbers = {}
    for table in tables:
        for split in table.splits:
            numbers[f"rows.{table.name}.{split.name}"] = str(sum(sizes[e.path][0] for e in split.parquet))
        numbers[f"rows.{table.name}"] = str(sum(sizes[entry.path][0] for entry in _parquet(table)))
    numbers["configs"] = str(len(tables))
    numbers["splits"] = str(len({split.name for table in tables for split in table.splits}))
    numbers["files"] = str(len(sizes))
    numbers["bytes.parquet"] = str(sum(size for _, size in sizes.values()))
    return numbers


def _label_numbers(folder: Path, table: Table) -> dict[str, str]:
    numbers = {}
    for path, node in walk_types(table.type):
        if node.kind != "label":
            continue
        counts = _values(folder, table, path)
        dotted = ".".join(step for step in path if step != "*")
        for number, name in enumerate(node.names):
            numbers[f"labels.{table.name}.{dotted}.{name}"] = str(counts[number])
    return numbers


def _leaves(folder: Path, table: Table, path: tuple[str, ...]) -> Iterator[pa.Array]:
    """The values at `path` in all rows of a table, one leaf column at a time, batch by batch."""
    column = ".".join("list.element" if step == "*" else step for step in path)
    for entry in _parquet(table):
        with pq.ParquetFile(folder / entry.path) as file:
            for batch in file.iter_batches(batch_size=4096, columns=[column]):
                array = batch.column(0)
                for step in path[1:]:
                    # list_flatten and struct_field skip what lies under a null, as .values and .field do not
                    array = pc.list_flatten(array) if step == "*" else pc.struct_field(array, step)
                yield array


def _values(folder: Path, table: Table, path: tuple[str, ...]) -> Counter[Any]:
    counts: Counter[Any] = Counter()
    for array in _leaves(folder, table, path):
        for item in pc.value_counts(array).to_pylist():
            counts[item["values"]] += item["counts"]
    return counts


def _article_numbers(folder: Path, table: Table) -> dict[str, str]:
    """Size of the texts and rights in them, as far as the default config has columns for that."""
    numbers: dict[str, str] = {}
    if table.type.get("text") is not None:
        numbers |= _text_numbers(folder, table)
    rights = table.type.get("rights")
    if rights is not None and rights.get("license") is not None:
        licenses = _values(folder, table, ("rights", "license"))
        numbers |= {f"rights.license.{name}": str(count) for name, count in sorted(licenses.items()) if name}
    if rights is not None and rights.get("redistribute") is not None:
        may = _values(folder, table, ("rights", "redistribute"))
        numbers |= {"rights.redistribute.yes": str(may[True]), "rights.redistribute.no": str(may[False])}
    return numbers


def _text_numbers(folder: Path, table: Table) -> dict[str, str]:
    characters, words, texts = 0, 0, 0
    for array in _leaves(folder, table, ("text",)):
        present = array.drop_null()
        texts += len(present)
        characters += pc.sum(pc.utf8_length(present)).as_py() or 0
        words += sum(count_words(present.slice(at, _TEXTS)) for at in range(0, len(present), _TEXTS))
    if not texts:
        return {"characters": WITHHELD, "words": WITHHELD}
    return {"characters": str(characters), "words": str(words)}


def count_words(texts: pa.StringArray) -> int:
    """How many words `str.split` makes of the texts, none of which is null. On bytes: it takes a third of the time."""
    offsets = np.frombuffer(texts.buffers()[1] or b"", np.int32)[texts.offset : texts.offset + len(texts) + 1]
    if not len(texts) or offsets[0] == offsets[-1]:
        return 0
    first, last = int(offsets[0]), int(offsets[-1])
    data = np.concatenate((np.frombuffer(texts.buffers()[2], np.uint8)[first:last], np.zeros(2, np.uint8)))
    # ASCII's white space: the space, 9 to 13 and 28 to 31; what is below the first of a range is a large number
    blank = (data[:-2] == 32) | (data[:-2] - np.uint8(9) < 5) | (data[:-2] - np.uint8(28) < 4)
    at = np.flatnonzero(data[:-2] >= 0xC2)
    at = at[np.isin(data[at], _LEADS)]  # where white space beyond ASCII may begin
    one, two, three = (data[at + offset].astype(np.int32) for offset in range(3))
    wide = np.where(one == 0xC2, (one & 0x1F) << 6 | two & 0x3F, (one & 0x0F) << 12 | (two & 0x3F) << 6 | three & 0x3F)
    spaces = np.isin(wide, _WIDE_SPACES)
    for offset in range(3):
        here = at[spaces & ((one != 0xC2) | (offset < 2))] + offset
        blank[here] = True
    starts = ~blank
    starts[1:] &= blank[:-1]
    edges = offsets[:-1][offsets[:-1] < offsets[1:]] - first
    starts[edges] = ~blank[edges]
    return int(np.count_nonzero(starts))


def license_details(facts: Facts) -> str:
    """What the licence of the dataset does not cover, where the texts have other terms; else nothing."""
    prefix, own = "rights.license.", str(facts.dataset["license"])
    others = sorted(key.removeprefix(prefix) for key in facts.numbers if key.startswith(prefix))
    if not any(other != own for other in others):
        return ""
    return f"{own} is the licence of the annotation; licence of the texts: {', '.join(others)}"


def _agreement_numbers(report: Mapping[str, Any]) -> dict[str, str]:
    numbers = {"agreement.passes": str(len(report["passes"]))}
    for layer, measures in report["layers"].items():
        numbers |= dict(_flat(f"agreement.{layer}", measures, report["passes"]))
    return numbers


def _flat(key: str, value: Any, passes: list[str]) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(f"{key}.{name}", inner, passes)
    elif isinstance(value, list):  # one value a pass
        for name, inner in zip(passes, value, strict=True):
            yield from _flat(f"{key}.{name}", inner, passes)
    else:  # a count or a measure: canonical JSON writes 1.0 as 1, so the name has to tell
        yield key, str(value) if _COUNTS & set(key.split(".")) else measure(value)


def measure(value: float | None) -> str:
    """A measure as it is shown: three digits after the point, so that 0.997 does not pass for perfect."""
    return UNDEFINED if value is None else f"{value:.3f}"


def measured(figures: Mapping[str, Any], name: str) -> str:
    """A measure with its interval, where one was computed: `0.912 (0.874–0.941)`."""
    interval = figures.get("intervals", {}).get(name)
    shown = measure(figures[name])
    return f"{shown} ({measure(interval['low'])}–{measure(interval['high'])})" if interval is not None else shown


def read_groups(folder: Path) -> tuple[Mapping[str, Any], ...]:
    """The groups of more than one article; none for a release of a time before they were written."""
    path = folder / GROUPS_FILE
    return tuple(map(jsontext.load_line, path.read_bytes().splitlines())) if path.is_file() else ()


def _group_numbers(groups: tuple[Mapping[str, Any], ...]) -> dict[str, str]:
    """Groups of more than one article, how many articles they hold, and how many pairs of near copies were found."""
    ties = Counter(tie["tie"] for group in groups for tie in group["ties"])
    return {
        "groups": str(len(groups)),
        "groups.articles": str(sum(len(group["articles"]) for group in groups)),
        "groups.largest": str(max((len(group["articles"]) for group in groups), default=1)),
        "groups.near_copies": str(ties["near"]),
        "groups.equal_texts": str(ties["text"]),
    }


def _leakage_numbers(report: Mapping[str, Any]) -> dict[str, str]:
    """The most that any two articles of different splits have in common."""
    between = report["between"]
    return {
        "leakage.jaccard": measure(max((b["jaccard"] for b in between), default=0)),
        "leakage.containment": measure(max((b["containment"] for b in between), default=0)),
        "leakage.passage": str(max((b["passage"] for b in between), default=0)),
    }


def _expectation_numbers(report: Mapping[str, Any]) -> dict[str, str]:
    rules = [rule for suite in report["suites"] for rule in suite["rules"]]
    return {
        "expectations.suites": str(len(report["suites"])),
        "expectations.rules": str(len(rules)),
        "expectations.failed": str(sum(rule["status"] != PASSED for rule in rules)),
    }
