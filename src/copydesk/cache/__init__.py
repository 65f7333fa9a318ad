"""The cache of a build: results of earlier builds, taken where all that they depend on is the same.

Whether something is in it changes nothing but the time that a build takes. Never taken from it: sums of files, what
only all records show, and the gates.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from copydesk.cache.made import Made
from copydesk.cache.store import CacheOptions, Store
from copydesk.cache.verdicts import Verdicts
from copydesk.diagnostics import Diagnostic, Place
from copydesk.project import PROJECT_FILE, Project

Item = TypeVar("Item")
Result = TypeVar("Result")

VARIABLE = "COPYDESK_CACHE"
"""The environment variable that names a folder for the caches of all projects."""
LIMIT = 10 * 2**30
"""Bytes that a cache may hold, if nobody says otherwise; or so many times what the build at hand keeps, if more."""
_TIMES = 4
WORDS = {
    "stage": "blocks",
    "write": "shards",
    "expect": "judged by suites",
    "read": "read by loaders",
    "verify": "verified",
}
"""What is counted of each step: blocks, and shards for different things."""


@dataclass(slots=True, kw_only=True)
class Cache:
    """The cache as one run sees it, and what it came to. `store` is None if nothing is taken or kept.

    `threads`: that take entries; most of the work is hashing and copying, which they do at the same time. `size`: bytes
    of the entries that were taken or kept; `taken` and `made`: how many, by step.
    """

    store: Store | None = None
    limit: int | None = None
    threads: int = 1
    size: int = 0
    taken: Counter[str] = field(default_factory=Counter)
    made: Counter[str] = field(default_factory=Counter)
    _damaged: list[str] = field(default_factory=list)
    _refused: str = ""
    _verdicts: dict[str, Verdicts] = field(default_factory=dict)

    def take(
        self, step: str, take: Callable[[Item], Made[Result]], items: Sequence[Item]
    ) -> tuple[list[Result], list[Item]]:
        """The results of the items that are there, and the items that are left to do."""
        if self.store is None:
            return [], list(items)
        results, left = [], []
        with ThreadPoolExecutor(self.threads) as pool:
            for item, found in zip(items, pool.map(take, items), strict=True):
                if (result := self.counted(step, found)) is None:
                    left.append(item)
                else:
                    results.append(result)
        self.taken[step] += len(results)
        return results, left

    def count(self, step: str, made: Sequence[Made[Result]]) -> list[Result]:
        """The results of the items that were left to do."""
        self.made[step] += len(made)
        return [result for one in made if (result := self.counted(step, one)) is not None]

    def counted(self, step: str, made: Made[Result]) -> Result | None:
        self.size += made.size
        self._damaged.extend(made.damaged)
        self._refused = self._refused or made.refused
        return made.result

    def verdicts(self, step: str) -> Verdicts:
        """The verdicts of a step, counted with the rest when findings are asked for."""
        found = self._verdicts.setdefault(step, Verdicts(step=step))
        found.store = self.store
        return found

    def holds(self, step: str) -> bool:
        """Whether there is anything of a step, of whatever build."""
        folder = self.store.folder / step if self.store is not None else None
        return folder is not None and folder.is_dir() and any(folder.iterdir())

    def counts(self) -> dict[str, tuple[int, int]]:
        """Step -> how many were taken, and how many made, as people call them."""
        if self.store is None:
            return {}
        return {words: (self.taken[step], self.made[step]) for step, words in WORDS.items()}

    def findings(self) -> Iterator[Diagnostic]:
        """What was wrong with the cache since this was last asked."""
        place = Place(file=PROJECT_FILE)
        for step, found in self._verdicts.items():
            self._damaged.extend(found.damaged)
            self._refused = self._refused or found.refused
            self.size += found.size
            self.taken[step], self.made[step] = found.taken, found.made
            found.damaged, found.refused, found.size = [], "", 0
        if damaged := sorted(self._damaged):
            message = f"damaged entries of the cache, thrown away and made anew: {len(damaged)}"
            yield Diagnostic(code="R018", place=place, message=message, notes=tuple(damaged[:5]))
        if self._refused:
            message = f"nothing can be kept for the next build: {self._refused}"
            yield Diagnostic(code="R020", place=place, message=message)
        self._damaged, self._refused = [], ""


def cache_folder(project: Project, given: Path | None = None) -> Path:
    """Where the cache of a project is."""
    named = os.environ.get(VARIABLE, "")
    return given or (Path(named) if named else project.output / f".cache-{project.dataset.name}")


@contextlib.contextmanager
def open_cache(project: Project, options: CacheOptions, threads: int = 1) -> Iterator[Cache]:
    """The cache of a project for one run; trimmed at its end."""
    cache = Cache(limit=options.limit, threads=threads)
    try:
        if options.used:
            store = Store(folder=cache_folder(project, options.folder))
            store.open()
            cache.store = store
    except OSError as error:
        cache._refused = os.strerror(error.errno or 0)
    try:
        yield cache
    finally:
        if cache.store is not None and (cache.made or cache.limit is not None):
            with contextlib.suppress(OSError):
                cache.store.trim(cache.limit if cache.limit is not None else max(LIMIT, _TIMES * cache.size))
