"""Checks of one record: each family is a generator of findings, pure, one file each. None changes the record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from copydesk.checks.finding import Finding
from copydesk.checks.keys import check_keys
from copydesk.checks.spans import check_spans
from copydesk.checks.text import check_text
from copydesk.contract.types import Type


class Check(Protocol):
    """What a family offers: the findings about one record that has passed the contract."""

    def __call__(self, record: dict[str, Any], node: Type) -> Iterator[Finding]: ...


CHECKS: dict[str, Check] = {
    "text": check_text,
    "spans": check_spans,
    "keys": check_keys,
}

__all__ = ["CHECKS", "Check", "Finding"]
