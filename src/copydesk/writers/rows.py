"""Some rows on their way into files, in the two forms that files have."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """`table`: labels as strings, as JSON lines have them; `encoded`: labels as numbers, as Parquet has them."""

    table: pa.Table
    encoded: pa.Table
