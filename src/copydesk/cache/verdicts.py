"""What was found out about files that were written, kept by their digests: a file with the same bytes is the same rows.

For steps that look at shards one by one. That a file has the digest that it goes by is not for the cache to say:
`verify` sums up every file of every release.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

from copydesk.cache.keys import JUDGES, LIBRARIES, environment, key
from copydesk.cache.store import Damaged, Store


@dataclass(slots=True, kw_only=True)
class Verdicts:
    """The verdicts of one step, by parts that say all they depend on beside code and libraries; JSON values.

    `store` is None when nothing is kept. `damaged`, `refused`, `size`, `taken`, `made`: what came of it.
    """

    step: str
    store: Store | None = None
    damaged: list[str] = field(default_factory=list)
    refused: str = ""
    size: int = 0
    taken: int = 0
    made: int = 0

    def get(self, *parts: str) -> Any:
        """What is known, or None."""
        if self.store is None:
            return None
        try:
            found = self.store.take(self.step, self._key(parts))
        except Damaged as damaged:
            self.damaged.append(str(damaged))
            return None
        if found is None:
            return None
        self.taken += 1
        self.size += found.size
        return json.loads(found.value)

    def keep(self, verdict: Any, *parts: str) -> None:
        """Keep a verdict for the next time."""
        self.made += 1
        if self.store is None:
            return
        try:
            self.size += self.store.put(self.step, self._key(parts), json.dumps(verdict).encode())
        except OSError as error:
            self.refused = os.strerror(error.errno or 0)

    def _key(self, parts: tuple[str, ...]) -> str:
        return key(environment((*LIBRARIES, *JUDGES)), self.step, *parts)
