"""Types as Arrow: the schema of the spool (labels as strings) and of the release (labels as numbers).

The Hugging Face features are built here as plain values, since importing `datasets` takes seconds; reading back
holds them to what `datasets` itself makes of the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from copydesk import jsontext
from copydesk.contract.types import Type

INT32_MAX = 2**31 - 1


def arrow_type(node: Type, *, encoded: bool) -> pa.DataType:
    """The Arrow type of a node. With `encoded`, labels are int64 (what a ClassLabel must be), else strings."""
    if node.kind == "struct":
        return pa.struct(_arrow_fields(node, encoded=encoded))
    if node.kind == "list":
        assert node.item is not None
        return pa.list_(arrow_type(node.item, encoded=encoded))
    if node.kind == "label":
        return pa.int64() if encoded else pa.string()
    if node.kind == "integer":
        small = node.rules["minimum"] >= -INT32_MAX - 1 and node.rules["maximum"] <= INT32_MAX
        return pa.int32() if small else pa.int64()
    return {"string": pa.string(), "number": pa.float64(), "boolean": pa.bool_()}[node.kind]


def _arrow_fields(node: Type, *, encoded: bool) -> list[pa.Field]:
    # Nullable throughout: `datasets` takes the features of the footer only for fields that equal its own, and
    # its own are nullable. Nullability is the contract's to say, and the validator's to check.
    return [pa.field(f.name, arrow_type(f.type, encoded=encoded)) for f in node.fields]


def spool_schema(node: Type) -> pa.Schema:
    """The schema of records, or rows, between the stages."""
    return pa.schema(_arrow_fields(node, encoded=False))


def release_schema(node: Type) -> pa.Schema:
    """The schema of the Parquet files of a config, with the features that `datasets` reads from the footer."""
    info = {"info": {"features": {f.name: feature(f.type) for f in node.fields}}}
    metadata = {b"huggingface": jsontext.dump_line(info).strip()}
    return pa.schema(_arrow_fields(node, encoded=True), metadata=metadata)


def feature(node: Type) -> Any:
    """One feature in the JSON form of `datasets.Features.to_dict`; a struct is a plain object."""
    if node.kind == "struct":
        return {f.name: feature(f.type) for f in node.fields}
    if node.kind == "list":
        assert node.item is not None
        return {"feature": feature(node.item), "_type": "List"}
    if node.kind == "label":
        return {"names": list(node.names), "_type": "ClassLabel"}
    return {"dtype": _dtype(node), "_type": "Value"}


def _dtype(node: Type) -> str:
    name = str(arrow_type(node, encoded=True))
    return {"double": "float64"}.get(name, name)


def yaml_features(node: Type) -> list[dict[str, Any]]:
    """The fields of a struct in the YAML form of a dataset card (`dataset_info.features`)."""
    return [{"name": f.name, **_yaml_feature(f.type)} for f in node.fields]


def _yaml_feature(node: Type) -> dict[str, Any]:
    if node.kind == "struct":
        return {"struct": yaml_features(node)}
    if node.kind == "list":
        assert node.item is not None
        inner = _yaml_feature(node.item)
        return {"list": inner.get("dtype") or inner.get("struct") or inner}
    if node.kind == "label":
        return {"dtype": {"class_label": {"names": {str(i): name for i, name in enumerate(node.names)}}}}
    return {"dtype": _dtype(node)}


def to_table(rows: list[dict[str, Any]], node: Type) -> pa.Table:
    """Rows as a table of the spool's schema. The rows have passed the validator."""
    return lines_to_table(list(map(jsontext.dump_line, rows)), node)


def lines_to_table(lines: Sequence[bytes], node: Type) -> pa.Table:
    """Rows in canonical form as a table of the spool's schema. The rows have passed the validator.

    Arrow reads JSON text faster than Python objects, and without the import of pandas that its conversion of Python
    lists brings along. It wants integers written as such, where the validator lets 1.0 pass for 1; JSON that was read
    has none of these, but an importer may make one.
    """
    schema = spool_schema(node)
    if not lines:
        return schema.empty_table()
    try:
        parts = [_read_lines(part, schema) for part in _parts(lines)]
    except pa.ArrowInvalid:
        whole = [jsontext.dump_line(_with_whole_numbers(jsontext.load_line(line))) for line in lines]
        parts = [_read_lines(part, schema) for part in _parts(whole)]
    return pa.concat_tables(parts).combine_chunks()


_PART = 2**30
"""Bytes that Arrow reads at once: it counts them in 32 bits."""


def _parts(lines: Sequence[bytes]) -> Iterator[list[bytes]]:
    part, size = list[bytes](), 0
    for line in lines:
        if part and size + len(line) > _PART:
            yield part
            part, size = [], 0
        part.append(line)
        size += len(line)
    if part:
        yield part


def _read_lines(lines: Sequence[bytes], schema: pa.Schema) -> pa.Table:
    data = b"".join(lines)
    parse = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    read = pj.ReadOptions(use_threads=False, block_size=len(data) + 1)
    return pj.read_json(pa.BufferReader(data), read_options=read, parse_options=parse)


def _with_whole_numbers(value: Any) -> Any:
    """A value in which what is a whole number is written as one."""
    if isinstance(value, dict):
        return {name: _with_whole_numbers(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_whole_numbers(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def encode(table: pa.Table, node: Type) -> pa.Table:
    """The table of the release: labels as numbers, features in the metadata."""
    return _convert(table, node, release_schema(node), encoding=True)


def decode(table: pa.Table, node: Type) -> pa.Table:
    """The table of the spool: labels as strings."""
    return _convert(table, node, spool_schema(node), encoding=False)


def _convert(table: pa.Table, node: Type, schema: pa.Schema, *, encoding: bool) -> pa.Table:
    columns = []
    for field, target in zip(node.fields, schema, strict=True):
        column = table.column(field.name).combine_chunks()
        array = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
        columns.append(_map_labels(array, field.type, target.type, encoding=encoding))
    return pa.Table.from_arrays(columns, schema=schema)


def _has_label(node: Type) -> bool:
    return node.kind == "label" or any(_has_label(f.type) for f in node.fields) or bool(
        node.item and _has_label(node.item)
    )  # fmt: skip


def _map_labels(array: pa.Array, node: Type, target: pa.DataType, *, encoding: bool) -> pa.Array:
    if not _has_label(node):
        return array
    if node.kind == "label":
        names = pa.array(node.names, pa.string())
        return pc.index_in(array, value_set=names).cast(pa.int64()) if encoding else names.take(array)
    mask = array.is_null() if array.null_count else None
    if node.kind == "list":
        assert node.item is not None
        values = _map_labels(array.values, node.item, target.value_type, encoding=encoding)
        return pa.ListArray.from_arrays(array.offsets, values, type=target, mask=mask)
    children = [
        _map_labels(array.field(i), field.type, target.field(i).type, encoding=encoding)
        for i, field in enumerate(node.fields)
    ]
    return pa.StructArray.from_arrays(children, fields=list(target), mask=mask)
