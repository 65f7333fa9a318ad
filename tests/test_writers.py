"""Every writer's output, read back, equals what was written: over generated row types and rows."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk import jsontext
from copydesk.contract import arrow
from copydesk.contract.rows import json_schema
from copydesk.contract.types import Field, Label, Type
from copydesk.contract.validate import validator_of
from copydesk.writers import WRITERS, parquet
from copydesk.writers.lines import lines

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = st.lists(st.from_regex(r"[a-z][a-z_]{0,6}", fullmatch=True), min_size=1, max_size=4, unique=True)
SMALL = {"minimum": 0, "maximum": 2**31 - 1}
LARGE = {"minimum": -(2**63), "maximum": 2**63 - 1}


@st.composite
def types(draw: st.DrawFn, depth: int = 2) -> Type:
    kinds = ["string", "integer", "number", "boolean", "label"] + (["list", "struct"] if depth else [])
    kind = draw(st.sampled_from(kinds))
    nullable = draw(st.booleans())
    if kind == "struct":
        fields = tuple(Field(name=name, type=draw(types(depth=depth - 1))) for name in draw(NAMES))
        return Type(kind="struct", nullable=nullable, fields=fields)
    if kind == "list":
        return Type(kind="list", nullable=nullable, item=draw(types(depth=depth - 1)))
    if kind == "label":
        labels = tuple(Label(name=n, title=n, description="d") for n in draw(NAMES))
        return Type(kind="label", nullable=nullable, labels=labels)
    rules = draw(st.sampled_from([SMALL, LARGE])) if kind == "integer" else {}
    return Type(kind=kind, nullable=nullable, rules=rules)


def values(node: Type) -> st.SearchStrategy[Any]:
    plain: st.SearchStrategy[Any]
    if node.kind == "struct":
        plain = st.fixed_dictionaries({f.name: values(f.type) for f in node.fields})
    elif node.kind == "list":
        assert node.item is not None
        plain = st.lists(values(node.item), max_size=3)
    elif node.kind == "label":
        plain = st.sampled_from(node.names)
    elif node.kind == "integer":
        plain = st.integers(node.rules["minimum"], node.rules["maximum"])
    else:
        floats = st.floats(allow_nan=False, allow_infinity=False)
        plain = {"string": TEXT, "number": floats, "boolean": st.booleans()}[node.kind]
    return plain | st.none() if node.nullable else plain


@st.composite
def tables(draw: st.DrawFn) -> tuple[Type, list[dict[str, Any]]]:
    fields = tuple(Field(name=name, type=draw(types())) for name in draw(NAMES))
    node = Type(kind="struct", fields=fields)
    return node, draw(st.lists(values(node), min_size=1, max_size=5))


@settings(max_examples=120, deadline=None)
@given(tables())
def test_rows_survive_every_format(case: tuple[Type, list[dict[str, Any]]]) -> None:
    node, rows = case
    table = arrow.to_table(rows, node)
    assert table.to_pylist() == rows
    assert arrow.decode(arrow.encode(table, node), node).equals(table)
    with tempfile.TemporaryDirectory() as folder:
        for name, writer in WRITERS.items():
            path = Path(folder) / f"rows.{writer.suffix}"
            written = writer.write(path, table, node)
            data = path.read_bytes()
            assert written.size == len(data)
            assert written.sha256 == hashlib.sha256(data).hexdigest()
            if name == "parquet":
                assert arrow.decode(pq.read_table(path), node).to_pylist() == rows
            else:
                assert [jsontext.load_line(line) for line in data.splitlines(keepends=True)] == rows
                assert b"".join(lines(table)) == data


@settings(max_examples=250, deadline=None)
@given(tables(), st.integers(0, 4), st.integers(1, 5))
def test_lines_are_those_of_each_row(case: tuple[Type, list[dict[str, Any]]], start: int, count: int) -> None:
    """Column by column the same bytes come out as row by row: of slices, of chunks, of what was encoded and decoded."""
    node, rows = case
    whole = arrow.to_table(rows, node)
    joined = pa.concat_tables([whole, whole.slice(start, count)])
    for table in (whole, whole.slice(start, count), joined, arrow.decode(arrow.encode(whole, node), node)):
        assert b"".join(lines(table)) == b"".join(map(jsontext.dump_line, table.to_pylist()))


def test_every_character_is_escaped_as_in_a_row() -> None:
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    table = pa.table({"all": [every, None, ""], "each": [[*every[:256]], [], None]})
    assert b"".join(lines(table)) == b"".join(map(jsontext.dump_line, table.to_pylist()))


def test_lines_longer_than_a_column_can_be_come_in_pieces(monkeypatch: Any) -> None:
    """One column of text holds 2 GiB; here it is made to hold 3000 bytes."""
    right = pc.binary_join_element_wise

    def narrow(*parts: Any) -> Any:
        joined = right(*parts)
        if pc.sum(pc.binary_length(joined)).as_py() > 3000:
            raise pa.ArrowCapacityError("too long")
        return joined

    table = pa.table({"n": list(range(400)), "text": ["x" * (n % 50) for n in range(400)]})
    wanted = b"".join(map(jsontext.dump_line, table.to_pylist()))
    monkeypatch.setattr(pc, "binary_join_element_wise", narrow)
    pieces = list(lines(table))
    assert len(pieces) > 4
    assert b"".join(pieces) == wanted


@settings(max_examples=120, deadline=None)
@given(tables())
def test_features_are_those_of_datasets(case: tuple[Type, list[dict[str, Any]]]) -> None:
    node, rows = case
    schema = arrow.release_schema(node)
    features = datasets.Features.from_arrow_schema(schema)
    assert features.to_dict() == {f.name: arrow.feature(f.type) for f in node.fields}
    assert features._to_yaml_list() == arrow.yaml_features(node)
    assert features.arrow_schema.equals(schema, check_metadata=False)
    validator = validator_of(json_schema(node))
    assert all(validator.is_valid(row) for row in rows)


def test_row_groups_are_bounded(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP_BYTES", 20_000)
    node = Type(kind="struct", fields=(Field(name="text", type=Type(kind="string")),))
    table = arrow.to_table([{"text": f"{n:010d}" * 5} for n in range(5000)], node)
    parquet.write(tmp_path / "rows.parquet", table, node)
    meta = pq.ParquetFile(tmp_path / "rows.parquet").metadata
    assert [meta.row_group(i).num_rows for i in range(meta.num_row_groups)] == [1000] * 5
    column = meta.row_group(0).column(0)
    assert column.compression == "ZSTD"
    assert column.has_offset_index and column.has_column_index


def test_a_slice_is_written_as_the_slice(tmp_path: Path) -> None:
    """Labels in nested lists of a sliced table: offsets and validity are those of the slice."""
    labels = (Label(name="a", title="", description=""), Label(name="b", title="", description=""))
    item = Type(
        kind="struct", nullable=True, fields=(Field(name="l", type=Type(kind="label", labels=labels, nullable=True)),)
    )
    node = Type(kind="struct", fields=(Field(name="x", type=Type(kind="list", item=item, nullable=True)),))
    rows = [{"x": None}, {"x": [{"l": "b"}, None, {"l": None}]}, {"x": []}, {"x": [{"l": "a"}]}]
    table = arrow.to_table(rows, node).slice(1, 3)
    assert arrow.encode(table, node).to_pylist() == [{"x": [{"l": 1}, None, {"l": None}]}, {"x": []}, {"x": [{"l": 0}]}]
    assert isinstance(arrow.decode(arrow.encode(table, node), node), pa.Table)
    assert arrow.decode(arrow.encode(table, node), node).to_pylist() == rows[1:]


def test_a_whole_number_may_be_a_float_in_any_row() -> None:
    """The validator lets it pass, and one such row must not stop a block."""
    inner = Type(kind="struct", fields=(Field(name="start", type=Type(kind="integer", rules=SMALL)),))
    node = Type(kind="struct", fields=(Field(name="spans", type=Type(kind="list", item=inner)),))
    rows = [{"spans": [{"start": 1}]}, {"spans": [{"start": 2.0}, {"start": 3}]}]
    assert all(validator_of(json_schema(node)).is_valid(row) for row in rows)
    assert arrow.to_table(rows, node).to_pylist() == [
        {"spans": [{"start": 1}]},
        {"spans": [{"start": 2}, {"start": 3}]},
    ]
    with pytest.raises(pa.ArrowInvalid):
        arrow.to_table([{"spans": [{"start": 2.5}]}], node)
    with pytest.raises(pa.ArrowInvalid):
        arrow.to_table([{"spans": [{"start": 2.0, "more": 1}]}], node)


def test_rows_beyond_what_arrow_reads_at_once_come_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    node = Type(kind="struct", fields=(Field(name="text", type=Type(kind="string")),))
    rows = [{"text": "a" * n} for n in range(30)]
    whole = arrow.to_table(rows, node)
    monkeypatch.setattr(arrow, "_PART", 50)
    assert arrow.to_table(rows, node).equals(whole)
