"""Views: how the rows of a config come from records. One view per file; the table below names them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import pyarrow as pa

from copydesk.contract.types import Contract, Type
from copydesk.project import Config
from copydesk.views import layer, pairs, records

Fetch = Callable[[str, Sequence[str]], pa.Table]
"""(kind, ids) -> the records of that kind with those ids, in that order, labels as strings."""


class View(Protocol):
    """What a view offers. `columns` raises LookupError, with words for the user, if the contract cannot give it."""

    def columns(self, config: Config, contract: Contract) -> Type: ...

    def reads(self, config: Config, contract: Contract) -> Mapping[str, tuple[str, ...]]:
        """Kind -> the properties of its records that `rows` looks at."""
        ...

    def rows(self, config: Config, contract: Contract, table: pa.Table, fetch: Fetch) -> pa.Table: ...


VIEWS: dict[str, View] = {
    "records": records,
    "layer": layer,
    "pairs": pairs,
}
