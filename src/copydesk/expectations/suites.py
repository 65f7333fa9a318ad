"""Expectation suites: `schema/expectations/<config>.json` -> frozen values, strictly. Not what runs them.

Great Expectations leaves out what it does not know without a word, skips nulls, and sees one shard at a time;
so whatever could make a rule pass unseen is refused here, before anything runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from copydesk import jsontext
from copydesk.contract.types import Type, walk_types
from copydesk.contract.validate import schema_errors
from copydesk.diagnostics import Diagnostic, Place

FOLDER = "schema/expectations"
ROW_COUNT = "expect_table_row_count_to_be_between"
NOT_NULL = "expect_column_values_to_not_be_null"

# Each type that may be used, with the parameters that name columns. They say something of single rows, so
# the counts of shards add up; what compares rows (unique, increasing, means) would see one shard only:
# write a query.
TYPES: Mapping[str, tuple[str, ...]] = {
    ROW_COUNT: (),
    NOT_NULL: ("column",),
    "expect_column_values_to_be_null": ("column",),
    "expect_column_values_to_be_in_set": ("column",),
    "expect_column_values_to_not_be_in_set": ("column",),
    "expect_column_values_to_be_between": ("column",),
    "expect_column_values_to_match_regex": ("column",),
    "expect_column_values_to_not_match_regex": ("column",),
    "expect_column_values_to_match_regex_list": ("column",),
    "expect_column_values_to_not_match_regex_list": ("column",),
    "expect_column_values_to_match_strftime_format": ("column",),
    "expect_column_value_lengths_to_be_between": ("column",),
    "expect_column_value_lengths_to_equal": ("column",),
    "expect_column_pair_values_to_be_equal": ("column_A", "column_B"),
    "expect_column_pair_values_a_to_be_greater_than_b": ("column_A", "column_B"),
    "expect_column_pair_values_to_be_in_set": ("column_A", "column_B"),
    "expect_multicolumn_sum_to_equal": ("column_list",),
    "expect_select_column_values_to_be_unique_within_record": ("column_list",),
}
_SEES_NULLS = {NOT_NULL, "expect_column_values_to_be_null"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One expectation about the rows of a config, each row by itself (or their number)."""

    rule: str
    type: str
    kwargs: Mapping[str, Any]
    severity: str
    description: str
    place: Place

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it names, each once."""
        named = (self.kwargs.get(key) for key in TYPES.get(self.type, ()))
        flat = (name for value in named for name in (value if isinstance(value, list) else [value]))
        return tuple(dict.fromkeys(name for name in flat if isinstance(name, str)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One rule over whole tables: SQL that returns the offending rows, their key columns first."""

    rule: str
    sql: str
    severity: str
    description: str
    place: Place
    type: str = "sql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The suite of one config. `file` is relative to the project."""

    config: str
    file: str
    description: str
    rules: tuple[Rule, ...]
    queries: tuple[Query, ...] = ()

    @property
    def all(self) -> tuple[Rule | Query, ...]:
        return (*self.rules, *self.queries)


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A suite file while it is read: where its values stand."""

    name: str
    text: str
    positions: Mapping[str, int] = field(default_factory=dict)

    def place(self, pointer: str) -> Place:
        offset = self.positions.get(pointer)
        line = None if offset is None else self.text.count("\n", 0, offset) + 1
        return Place(file=self.name, line=line, pointer=pointer or None)


def load_suites(root: Path, config_names: Iterable[str]) -> tuple[tuple[Suite, ...], list[Diagnostic]]:
    """Read every `*.json` of `root`/schema/expectations, in the order of the configs.

    A file with a finding yields no suite. Columns are held against the configs by `bind_suites`.
    """
    order = tuple(config_names)
    schema = jsontext.loads((files("copydesk.expectations") / "suite.schema.json").read_bytes())
    suites: list[Suite] = []
    found: list[Diagnostic] = []
    seen: dict[str, str] = {}
    for path in sorted((root / FOLDER).glob("*.json")):
        name = path.relative_to(root).as_posix()
        try:
            value = jsontext.loads(data := path.read_bytes())
        except OSError as error:
            found.append(_invalid(Place(file=name), str(error.strerror)))
            continue
        except jsontext.JsonError as error:
            found.append(_invalid(Place(file=name, line=error.line, column=error.column), error.message))
            continue
        text = data.decode()
        file = _File(name=name, text=text, positions=jsontext.positions(text))
        wrong = [_invalid(file.place(at), message) for at, message in schema_errors(schema, value)]
        if not wrong:
            suite = _suite(file, value)
            wrong = [*_misplaced(file, suite, path.stem, order), *_repeated(suite, seen), *_weak(file, suite)]
        if not wrong:
            suites.append(suite)
        found.extend(wrong)
    return tuple(sorted(suites, key=lambda suite: order.index(suite.config))), found


def _invalid(place: Place, message: str) -> Diagnostic:
    return Diagnostic(code="E001", place=place, message=message)


def _suite(file: _File, value: Mapping[str, Any]) -> Suite:
    rules = (
        Rule(**entry, place=file.place(f"/expectations/{index}")) for index, entry in enumerate(value["expectations"])
    )
    queries = (
        Query(**entry, place=file.place(f"/queries/{index}")) for index, entry in enumerate(value.get("queries", ()))
    )
    return Suite(
        config=value["name"],
        file=file.name,
        description=value["description"],
        rules=tuple(rules),
        queries=tuple(queries),
    )


def _misplaced(file: _File, suite: Suite, stem: str, configs: tuple[str, ...]) -> Iterator[Diagnostic]:
    if suite.config != stem:
        yield _invalid(file.place("/name"), f"the file is named for {stem!r}, the suite for {suite.config!r}")
    elif suite.config not in configs:
        message = f"there is no config {suite.config!r}; the configs are {', '.join(configs)}"
        yield _invalid(file.place("/name"), message)


def _repeated(suite: Suite, seen: dict[str, str]) -> Iterator[Diagnostic]:
    """Rule ids that stand twice, in one suite or in two; `seen` remembers them from file to file."""
    for rule in suite.all:
        if rule.rule in seen:
            yield _invalid(rule.place, f"the rule id {rule.rule!r} is taken, in {seen[rule.rule]}")
        seen.setdefault(rule.rule, suite.file)


def _weak(file: _File, suite: Suite) -> Iterator[Diagnostic]:
    """Rules that could pass without having looked at a row."""
    for rule in suite.rules:
        if rule.type not in TYPES:
            message = f"{rule.type} is not among the types that hold row by row; say it as a query"
            yield _invalid(rule.place, f"{message}, or use one of {', '.join(TYPES)}")
            continue
        for key in TYPES[rule.type]:
            if not _names_columns(rule.kwargs.get(key)):
                yield _invalid(rule.place, f"{key!r} does not name a column")
        if rule.type == ROW_COUNT and not _counts(rule.kwargs):
            yield _invalid(rule.place, "a row count has a min_value, a max_value or both: whole numbers")
    if not any(rule.type == ROW_COUNT and _at_least_one(rule.kwargs.get("min_value")) for rule in suite.rules):
        message = f"no {ROW_COUNT} with a min_value of at least 1: an empty table would pass every other rule"
        yield _invalid(file.place("/expectations"), message)


def _names_columns(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(name, str) for name in value)
    return isinstance(value, str)


def _counts(kwargs: Mapping[str, Any]) -> bool:
    whole = all(isinstance(value, int) and not isinstance(value, bool) for value in kwargs.values())
    return bool(kwargs) and whole and kwargs.keys() <= {"min_value", "max_value"}


def _at_least_one(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def bind_suites(suites: Iterable[Suite], types: Mapping[str, Type]) -> tuple[tuple[Suite, ...], list[Diagnostic]]:
    """The suites with label lists filled in, without the rules that do not fit the rows of their config.

    `types` are the row types by config; suites of other configs are left out.
    """
    bound: list[Suite] = []
    found: list[Diagnostic] = []
    for suite in suites:
        if suite.config not in types:
            continue
        node = types[suite.config]
        strict = [rule for rule in suite.rules if rule.type == NOT_NULL and "mostly" not in rule.kwargs]
        sure = {name for rule in strict for name in rule.columns}
        rules = []
        for rule in suite.rules:
            wrong = list(_unfit(rule, suite.config, node, sure))
            found.extend(_invalid(rule.place, message) for message in wrong)
            if not wrong:
                rules.append(replace(rule, kwargs=_with_labels(rule.kwargs, node)))
        bound.append(replace(suite, rules=tuple(rules)))
    return tuple(bound), found


def _unfit(rule: Rule, config: str, node: Type, sure: set[str]) -> Iterator[str]:
    texts = {inner.span.text for _, inner in walk_types(node) if inner.span}
    for name in rule.columns:
        column = node.get(name)
        if column is None:
            yield f"{config!r} has no column {name!r}; its columns are {', '.join(node.names)}"
        elif column.kind in {"list", "struct"}:
            yield f"{name!r} is nested: write a query, or a rule in the suite of the layer's own config"
        elif name in texts:
            yield f"{name!r} is a whole text, which is not loaded row by row; say it as a query"
        elif not column.nullable and name not in sure and rule.type not in _SEES_NULLS:
            yield f"nulls are skipped, so {name!r} also needs {NOT_NULL}, without `mostly`"
    labels = rule.kwargs.get("value_set")
    if isinstance(labels, Mapping) and not _label_names(node, labels["$labels"]):
        yield f"{config!r} has no labels at {labels['$labels']!r}"


def _with_labels(kwargs: Mapping[str, Any], node: Type) -> dict[str, Any]:
    filled = dict(kwargs)
    if isinstance(filled.get("value_set"), Mapping):
        filled["value_set"] = list(_label_names(node, filled["value_set"]["$labels"]))
    return filled


def _label_names(node: Type, path: str) -> tuple[str, ...]:
    """The labels of a column, or of what is inside it (`participants.role`); none if it has no labels."""
    inner: Type | None = node
    for step in path.split("."):
        inner = inner.get(step) if inner is not None else None
        while inner is not None and inner.item is not None:
            inner = inner.item
    return inner.names if inner is not None and inner.kind == "label" else ()


def key_columns(kind: str, node: Type) -> tuple[str, ...]:
    """The columns that name a row: the id of the record it comes from, if it has one, and its own."""
    return tuple(name for name in (f"{kind}_id", "id") if node.get(name) is not None)
