"""What a task came to that may be taken from a cache, or kept in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made(Generic[Result]):
    """What a task came to: its result, None if it was to be taken and is not there. `size`: bytes in the store.

    `damaged`: entries that were thrown away; `refused`: why the result was not kept.
    """

    result: Result | None
    size: int = 0
    damaged: tuple[str, ...] = ()
    refused: str = ""
