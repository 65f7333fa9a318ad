"""The pairs view: one row an item of a link's layer, with what it refers to in the linked records brought along.

Each property of the item that names items of a linked record (x-ref with a record) is followed by columns
`<property>_<brought>` for the properties listed in `bring`: lists where the property is a list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa

from copydesk.contract.arrow import spool_schema, to_table
from copydesk.contract.types import Contract, Field, Kind, Ref, Type, released
from copydesk.project import Config
from copydesk.views import layer

LINKS = 500
"""Links whose linked records are looked at at a time."""


def columns(config: Config, contract: Contract) -> Type:
    """As the layer view, with the ids of the linked records and the brought columns."""
    row = layer.columns(replace(config, view="layer", carry=()), contract)
    kind = contract.kinds[config.kind]
    fields = [row.fields[0]]
    fields += [
        Field(name=f"{name}_{linked}_id", type=replace(kind.type.field_type(name), group=False))
        for name, linked in kind.linked().items()
    ]
    for field in row.fields[1:]:
        fields.append(field)
        ref = _cross(field.type)
        if ref is not None:
            fields.extend(_brought(config, contract, kind, field, ref))
    return replace(row, fields=tuple(fields))


def _cross(node: Type) -> Ref | None:
    """The cross-record reference that a property, or the items of a list property, carry."""
    inner = node.item if node.kind == "list" and node.item else node
    return inner.ref if inner.ref is not None and inner.ref.record is not None else None


def _brought(config: Config, contract: Contract, kind: Kind, field: Field, ref: Ref) -> Iterator[Field]:
    target = contract.kinds[kind.target_of(ref, config.layer) or ""]
    item = released(target.type).field_type(ref.layer).item
    for name in config.bring:
        inner = item.get(name) if item else None
        if inner is None:
            raise LookupError(f"the items of {target.name!r}.{ref.layer} have no property {name!r} to bring")
        about = f"`{name}` of what `{field.name}` names. {inner.description}"
        if field.type.kind == "list":
            brought = Type(kind="list", item=inner, description=about)
        else:
            brought = replace(inner, nullable=inner.nullable or field.type.nullable, description=about)
        yield Field(name=f"{field.name}_{name}", type=brought)


def reads(config: Config, contract: Contract) -> dict[str, tuple[str, ...]]:
    """The links whole, as they are small; of the linked records the layers whose items have ids."""
    kind = contract.kinds[config.kind]
    ends = {*kind.linked().values(), *(node.link or "" for node in kind.listed_links().values())}
    read = {linked: ("id", *_keyed_layers(contract.kinds[linked])) for linked in sorted(ends)}
    return read | {kind.name: kind.type.names}


def _keyed_layers(kind: Kind) -> tuple[str, ...]:
    return tuple(layer for layer in kind.layers() if kind.type.field_type(layer).key is not None)


def rows(config: Config, contract: Contract, table: pa.Table, fetch: Callable[..., pa.Table]) -> pa.Table:
    """One row an item, in the order of the links and of their items; some links at a time."""
    parts = [_some_rows(config, contract, batch, fetch) for batch in table.to_batches(max_chunksize=LINKS)]
    return pa.concat_tables([spool_schema(columns(config, contract)).empty_table(), *parts]).combine_chunks()


def _some_rows(config: Config, contract: Contract, table: pa.RecordBatch, fetch: Callable[..., pa.Table]) -> pa.Table:
    kind = contract.kinds[config.kind]
    node = columns(config, contract)
    links = table.to_pylist()
    known = _linked_items(kind, contract, links, config.layer or "", fetch)
    item_type = kind.type.field_type(config.layer or "").item
    assert item_type is not None
    out: list[dict[str, Any]] = []
    for link in links:
        ids = {f"{name}_{linked}_id": link[name] for name, linked in kind.linked().items()}
        for item in link[config.layer]:
            row = {layer.parent_id(config): link["id"], **ids, **item}
            for field in item_type.fields:
                ref = _cross(field.type)
                if ref is not None:
                    holder = item if kind.stands_beside(ref, config.layer) else link
                    items = known.get((holder[ref.record], ref.layer), {})
                    row.update(_values(config, items, field.name, item[field.name]))
            out.append(row)
    return to_table(out, node)


def _values(config: Config, items: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {f"{name}_{brought}": [items[v][brought] for v in value] for brought in config.bring}
    return {f"{name}_{brought}": items[value][brought] if value is not None else None for brought in config.bring}


def _linked_items(
    kind: Kind, contract: Contract, links: list[dict[str, Any]], layer_name: str, fetch: Callable[..., pa.Table]
) -> dict[tuple[str, str], dict[str, Any]]:
    """(record id, layer) -> item id -> item, for every record that the links, or the items of their layer, name."""
    wanted: dict[str, set[str]] = {}
    for name, linked in kind.linked().items():
        wanted.setdefault(linked, set()).update(link[name] for link in links if link[name] is not None)
    for (holder, name), node in kind.listed_links().items():
        if holder == layer_name:
            ends = (item[name] for link in links for item in link[holder] or ())
            wanted.setdefault(node.link or "", set()).update(end for end in ends if end is not None)
    known: dict[tuple[str, str], dict[str, Any]] = {}
    for linked, ids in wanted.items():
        target = contract.kinds[linked]
        for record in fetch(linked, sorted(ids)).to_pylist():
            for target_layer in _keyed_layers(target):
                key = target.type.field_type(target_layer).key
                known[record["id"], target_layer] = {item[key]: item for item in record[target_layer] or ()}
    return known
