"""The generated parts of README.md and DATASHEET.md: what each block and value says, as Markdown.

People write the prose around them. Nothing here shows text of articles; names, titles and descriptions come
from the project and are escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence

from copydesk.contract.rows import columns
from copydesk.contract.types import Type
from copydesk.diagnostics import Diagnostic
from copydesk.release import citation, markers
from copydesk.release.facts import PASSED, Facts, label_columns, measure, measured
from copydesk.release.model import Table

Tables = tuple[Table, ...]

_HIDDEN = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_MARKUP = re.compile(r"([\\`*_\[\]|~])")


def render(text: str, facts: Facts, tables: Tables, file: str) -> tuple[str, list[Diagnostic]]:
    """The document with every block and value filled in; R004 for markers that are unknown or unmatched."""
    return markers.replace(text, file, lambda mark: _content(mark, facts, tables))


def check_markers(text: str, file: str) -> list[Diagnostic]:
    """R004 for markers that no release could fill: unmatched ones, and blocks of unknown name."""
    return markers.replace(text, file, lambda mark: "" if mark.kind == "value" or mark.name in BLOCKS else None)[1]


def stale(text: str, facts: Facts, tables: Tables) -> list[tuple[int, str]]:
    """Line and name of every block and value that says something else than the release; unknown ones too."""
    return [(mark.line, mark.name) for mark in markers.marks(text) if mark.inner != _content(mark, facts, tables)]


def _content(mark: markers.Mark, facts: Facts, tables: Tables) -> str | None:
    if mark.kind == "value":
        value = facts.numbers.get(mark.name)
        return None if value is None else escape(value)
    block = BLOCKS.get(mark.name)
    # empty lines around it, or what follows a comment is taken for HTML
    return None if block is None else f"\n{block(facts, tables).rstrip()}\n\n"


def escape(text: str) -> str:
    """`text` as one line of Markdown that shows it as it is, also in the cell of a table."""
    plain = _HIDDEN.sub("", citation.one_line(text))
    html = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKUP.sub(r"\\\1", html)


def _code(text: str) -> str:
    """A name in code type, if it is one."""
    return f"`{text}`" if re.fullmatch(r"[\w.\-\[\]/]+", text) else escape(text)


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]], numbers_from: int = 99) -> str:
    """A table of cells that are escaped already; columns from `numbers_from` on are set flush right."""
    rule = ["---:" if column >= numbers_from else "---" for column in range(len(head))]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rule, *rows))


def _number(value: int) -> str:
    return f"{value:,}"


def _split_names(tables: Tables) -> list[str]:
    known = ("train", "validation", "test")
    names = {split.name for table in tables for split in table.splits}
    return [*(name for name in known if name in names), *sorted(names - set(known))]


def _row_is(table: Table) -> str:
    kind = escape(table.config.kind)
    if table.config.layer is None:
        return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    linked = ", with what it refers to" if table.config.view == "pairs" else ""
    return f"an item of {_code(table.config.layer)} of {'an' if kind[0] in 'aeiou' else 'a'} {kind}{linked}"


def _configs(facts: Facts, tables: Tables) -> str:
    names = _split_names(tables)
    rows = [
        [
            _code(table.name) + (" (default)" if table.config.default else ""),
            _row_is(table),
            escape(table.config.description or table.type.description),
            *(_number(facts.rows(table.name, name)) for name in names),
        ]
        for table in tables
    ]
    return _grid(["Config", "One row is", "What it holds", *(_code(name) for name in names)], rows, 3)


def _splits(facts: Facts, tables: Tables) -> str:
    rows = [
        [_code(name), *(_number(facts.rows(table.name, name)) for table in tables)] for name in _split_names(tables)
    ]
    return _grid(["Split", *(_code(table.name) for table in tables)], rows, 1)


def _columns(facts: Facts, tables: Tables) -> str:
    parts = []
    for table in tables:
        rows = [[_code(path), words, escape(node.description)] for path, words, node in columns(table.type)]
        parts.append(f"Columns of {_code(table.name)}:\n\n{_grid(['Column', 'Type', 'What it says'], rows)}")
    return "\n".join(parts)


def _labels(facts: Facts, tables: Tables) -> str:
    """One table for each list of labels, with a column for each place where it is used."""
    lists: dict[tuple[tuple[str, str], ...], list[tuple[str, str, Type]]] = {}
    for table in tables:
        for column, node in label_columns(table.type):
            if not _offered_apart(table, column, tables):
                key = tuple((label.name, label.description) for label in node.labels)
                lists.setdefault(key, []).append((table.name, column, node))
    parts = []
    for places in lists.values():
        node = places[0][2]
        rows = [
            [
                _code(label.name),
                escape(label.description or label.title),
                *(_number(facts.count(config, column, label.name)) for config, column, _ in places),
            ]
            for label in node.labels
        ]
        named = [_code(f"{config}.{column}") for config, column, _ in places]
        parts.append(f"Labels of {', '.join(named)}:\n\n{_grid(['Label', 'Definition', *named], rows, 2)}")
    return "\n".join(parts) or "No column holds labels."


def _offered_apart(table: Table, column: str, tables: Tables) -> bool:
    """Whether the nested layer that the column is in is a config of its own, where it is counted."""
    layer = column.partition(".")[0]
    return table.config.layer is None and any(
        other.config.layer == layer and other.config.kind == table.config.kind for other in tables
    )


def _load(facts: Facts, tables: Tables) -> str:
    edition = facts.dataset.get("edition", "full")
    folder = f"{facts.dataset['name']}-{facts.dataset['version']}" + ("" if edition == "full" else f"-{edition}")
    parts = [f"`{folder}` is the folder of the release; its id on a hub can stand in its place.\n"]
    for table in tables:
        split = next((name for name in _split_names(tables) if facts.rows(table.name, name)), "train")
        arguments = ", ".join([_py(folder), _py(table.name), f"split={_py(split)}"])
        parts.append(f"```python\nfrom datasets import load_dataset\n\n{table.name} = load_dataset({arguments})\n```\n")
    name = next((table.name for table in tables if table.config.default), tables[0].name)
    pattern = f"{folder}/{name}/*.parquet"
    parts.append(
        "The files are plain Parquet. Read so, labels are numbers: their names, in order, are in the schema "
        "of the config. The files of `jsonl/` hold the same rows with the names of the labels.\n"
    )
    parts.append(
        "```python\nimport duckdb\nimport pandas\nimport polars\n\n"
        f"frame = pandas.read_parquet({_py(f'{folder}/{name}')})\n"
        f"frame = polars.read_parquet({_py(pattern)})\n"
        f"rows = duckdb.sql({_py(f'SELECT * FROM read_parquet({chr(39)}{pattern}{chr(39)})')})\n```\n"
    )
    return "\n".join(parts)


def _py(text: str) -> str:
    return json.dumps(text)


def _agreement(facts: Facts, tables: Tables) -> str:
    report = facts.agreement
    if report is None:
        return "No agreement was computed for this release."
    layers = report["layers"]
    passes = [f"Pass {escape(name)}" for name in report["passes"]]
    spans = [
        [
            _code(name),
            *(_number(n) for n in layer["items"]),
            measured(layer, "exact_f1"),
            measured(layer, "overlap_f1"),
        ]
        for name, layer in layers.items()
    ]
    pairs = [
        [_code(name), escape(pair), _number(m["articles"]), measure(m["exact_f1"]), measure(m["overlap_f1"])]
        for name, layer in layers.items()
        for pair, m in layer.get("pairs", {}).items()
    ]
    labels = [
        [_code(name), _code(column), _number(m["units"]), measure(m["agreement"]), measured(m, "alpha")]
        for name, layer in layers.items()
        for column, m in layer.get("labels", {}).items()
    ]
    by_label = [
        [_code(name), _code(label), *map(_number, m["items"]), measure(m["exact_f1"]), measure(m["overlap_f1"])]
        for name, layer in layers.items()
        for label, m in layer.get("by_label", {}).items()
    ]
    two = "the one pass against the other"
    of = two if len(passes) == 2 else "one pass against another, the mean over their pairs"
    between = _grid(["Layer", "Passes", "Articles", "F1, equal", "F1, overlapping"], pairs, 2)
    return "\n".join(
        [
            f"Spans: F1 of {of}, for equal and for overlapping spans. A layer without spans "
            "of its own is compared on those of the items that it names.\n",
            _grid(["Layer", *passes, "F1, equal", "F1, overlapping"], spans, 1),
            *(["In brackets: 95 % bootstrap intervals over articles.\n"] if "–" in str([spans, labels]) else []),
            *(["Each pair of passes, on the articles that both went over:\n", between] if pairs else []),
            "Labels: over the spans that are matched, equal ones first, then those that overlap most.\n",
            _grid(["Layer", "Label column", "Spans", "Share equal", "Krippendorff's alpha"], labels, 2),
            "Spans by label:\n",
            _grid(["Layer", "Label", *passes, "F1, equal", "F1, overlapping"], by_label, 2),
        ]
    )


def _expectations(facts: Facts, tables: Tables) -> str:
    report = facts.expectations
    if report is None:
        return "No expectations were evaluated for this release."
    rows: list[list[str]] = []
    failed: list[list[str]] = []
    for suite in report["suites"]:
        name, total = _code(suite["config"]), len(suite["rules"])
        broken = [rule for rule in suite["rules"] if rule["status"] != PASSED]
        rows.append([name, _number(total), _number(total - len(broken)), _number(len(broken))])
        failed.extend(
            [name, _code(rule["rule"]), escape(rule["severity"]), escape(rule["description"] or "")] for rule in broken
        )
    text = _grid(["Config", "Rules", "Held", "Did not hold"], rows, 1)
    if failed:
        text += f"\nWhat did not hold:\n\n{_grid(['Config', 'Rule', 'Severity', 'What it says'], failed)}"
    return text


def _files(facts: Facts, tables: Tables) -> str:
    rows = [[_code(path), _number(count), _number(size)] for path, (count, size) in facts.sizes.items()]
    return _grid(["File", "Rows", "Bytes"], rows, 1)


def _citation(facts: Facts, tables: Tables) -> str:
    return f"{escape(citation.plain(facts.dataset))}\n\n```bibtex\n{citation.bibtex(facts.dataset)}\n```"


def _version(facts: Facts, tables: Tables) -> str:
    numbers = facts.numbers
    draft = ", a draft" if facts.dataset.get("draft") else ""
    version, date, edition = (escape(numbers[key]) for key in ("version", "date", "edition"))
    return f"Version {version} of {date}, {edition} edition{draft}."


def _leakage(facts: Facts, tables: Tables) -> str:
    """How alike the most similar articles of different splits are, for each two splits."""
    report = facts.leakage
    if report is None:
        return "How alike articles of different splits are was not measured: they have no text that could be compared."
    if not report["between"]:
        return "There is one split, so nothing can leak from one into another."
    words = report["method"]["words"]
    rows = [
        [*map(_code, b["splits"]), measure(b["jaccard"]), measure(b["containment"]), _number(b["passage"])]
        for b in report["between"]
    ]
    text = (
        f"The most that any two articles of different splits have in common, over sets of {words} consecutive words "
        "(of the shorter text, for containment), and the longest passage in words that two of them share. "
        "`quality/leakage.json` names the pairs; `copydesk verify` measures them again.\n\n"
    )
    text += _grid(["Split", "and", "Jaccard", "Containment", "Longest passage"], rows, 2)
    for apart in report["set_apart"]:
        names = ", ".join(_code(name) for name in apart["articles"][:8])
        text += f"\nSet apart by a decision (version {escape(apart['version'])}): {names}. {escape(apart['reason'])}\n"
    return text


BLOCKS: dict[str, Callable[[Facts, Tables], str]] = {
    "configs": _configs,
    "columns": _columns,
    "labels": _labels,
    "splits": _splits,
    "leakage": _leakage,
    "load": _load,
    "agreement": _agreement,
    "expectations": _expectations,
    "files": _files,
    "citation": _citation,
    "version": _version,
}
"""What `<!-- copydesk:begin NAME -->` can name."""
