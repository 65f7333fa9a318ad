"""The layer view: one row an item of an array layer, with the id of its record in front."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from copydesk.contract.arrow import spool_schema
from copydesk.contract.types import Contract, Field, Type
from copydesk.project import Config
from copydesk.views import records


def columns(config: Config, contract: Contract) -> Type:
    """`<kind>_id`, the carried properties of the record, then the properties of the item."""
    record = records.columns(config, contract)
    layer = record.get(config.layer or "")
    if layer is None or layer.item is None or layer.item.kind != "struct":
        layers = ", ".join(contract.kinds[config.kind].layers()) or "none"
        raise LookupError(f"{config.kind!r} has no layer {config.layer!r}; its layers are {layers}")
    key = replace(record.field_type("id"), description=f"Identifier of the {config.kind} that the item is in.")
    head = [Field(name=parent_id(config), type=key)]
    for name in config.carry:
        carried = record.get(name)
        if carried is None:
            raise LookupError(f"{config.kind!r} has no property {name!r} to carry")
        head.append(Field(name=name, type=carried))
    clash = {f.name for f in head} & set(layer.item.names)
    if clash:
        raise LookupError(f"the items of {config.layer!r} have a property {min(clash)!r} of their own")
    return replace(layer.item, fields=(*head, *layer.item.fields), description=layer.description, nullable=False)


def reads(config: Config, contract: Contract) -> dict[str, tuple[str, ...]]:
    """The layer, and what its items carry from their record."""
    return {config.kind: tuple(dict.fromkeys(("id", *config.carry, config.layer or "")))}


def rows(config: Config, contract: Contract, table: pa.Table, fetch: Callable[..., pa.Table]) -> pa.Table:
    """Explode the layer, in the order of the records and of their items."""
    schema = spool_schema(columns(config, contract))
    column = table.column(config.layer).combine_chunks()
    layer = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
    parents = pc.list_parent_indices(layer)
    items = pc.list_flatten(layer)
    head = [table.column("id").take(parents), *(table.column(name).take(parents) for name in config.carry)]
    body = [items.field(i) for i in range(items.type.num_fields)]
    return pa.Table.from_arrays([*head, *body], schema=schema).combine_chunks()


def parent_id(config: Config) -> str:
    """Name of the column that holds the id of the record."""
    return f"{config.kind}_id"
