"""The records view: one row a record, as the contract has it, layers nested."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from copydesk.contract.types import Contract, Type, released
from copydesk.project import Config


def columns(config: Config, contract: Contract) -> Type:
    """The record itself."""
    kind = contract.kinds.get(config.kind)
    if kind is None:
        raise LookupError(f"there is no kind {config.kind!r}; the kinds are {', '.join(contract.kinds)}")
    return released(kind.type)


def reads(config: Config, contract: Contract) -> dict[str, tuple[str, ...]]:
    """All of it."""
    return {config.kind: contract.kinds[config.kind].type.names}


def rows(config: Config, contract: Contract, table: pa.Table, fetch: Callable[..., pa.Table]) -> pa.Table:
    """The table as it is."""
    return table
