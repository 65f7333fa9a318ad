"""Where a thread spends its time: looked at some hundred times a second, named by the innermost frame of copydesk.

Looking costs a build well under a hundredth and needs no line in the code that is looked at. A library's time counts
for the module that calls it: each has one home. PARTS says what modules and functions are called in the table.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable
from types import FrameType

INTERVAL = 0.005
"""Seconds between two looks."""

Where = tuple[str, str]
"""(module without `copydesk.`, qualified name of the function)"""

PARTS = {
    "adopt": "groups and splits",
    "agreement": "agreement",
    "archives": "read",
    "articles": "import",
    "barrier": "identities and links",
    "build": "build itself",
    "cache": "cache",
    "checks": "checks",
    "contract.arrow": "Arrow",
    "contract.explain": "explain findings",
    "contract.load": "contract",
    "contract.rows": "row contract",
    "contract.validate": "contract",
    "cutting": "read",
    "decisions": "groups and splits",
    "describe": "documents",
    "diff": "difference",
    "engine": "wait for tasks",
    "expectations": "Great Expectations",
    "expectations.tables": "rules in SQL",
    "grouping": "compared texts",
    "heads": "digests and links",
    "importers": "import",
    "jsontext": "JSON",
    "judge": "contract",
    "leakage": "leakage certificate",
    "links": "identities and links",
    "nearcopies": "near copies",
    "plan": "groups and splits",
    "prepare": "prepare",
    "previous": "previous release",
    "readback": "read back",
    "release": "documents",
    "release.verify": "verify",
    "running": "build itself",
    "shingles": "shingles",
    "sources": "read",
    "splits": "groups and splits",
    "spool": "spool",
    "stage": "stage itself",
    "stage:_Surfaces": "surfaces",
    "staging": "flush and rename",
    "versions": "difference",
    "views": "views",
    "waivers": "waivers",
    "write": "write itself",
    "write:_logical_digest": "digests",
    "writers.hashing": "digests and flush",
    "writers.jsonl": "JSON lines",
    "writers.parquet": "Parquet",
}
"""Module, or module:function -> what its time is for. The longest that fits counts; else the module's own name."""


def part_of(where: Where) -> str:
    """What the time of a function is for."""
    module, function = where
    name = f"{module}:{function}"
    while function:
        if name in PARTS:
            return PARTS[name]
        function = function.rpartition(".")[0]
        name = f"{module}:{function}"
    while module:
        if module in PARTS:
            return PARTS[module]
        module = module.rpartition(".")[0]
    return where[0] or "start and end"


def where(frame: FrameType | None) -> Where:
    """The innermost frame that is copydesk's, without those of the profile."""
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.startswith("copydesk.") and not name.startswith(__package__ or "-"):
            return name.removeprefix("copydesk."), frame.f_code.co_qualname
        frame = frame.f_back
    return "", ""


class Sampler:
    """Looks at one thread until it is told to stop; `look` is called each time with where the thread is."""

    def __init__(self, look: Callable[[Where], None], interval: float = INTERVAL) -> None:
        self._look, self._interval = look, interval
        self._watched = threading.get_ident()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="copydesk-profile", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._interval):
            self._look(where(sys._current_frames().get(self._watched)))


def counting() -> tuple[Sampler, Counter[Where]]:
    """A sampler of this thread, and what it counts into."""
    counts: Counter[Where] = Counter()

    def look(at: Where) -> None:
        counts[at] += 1

    return Sampler(look), counts
