"""A judge of files that remembers: a file whose bytes were judged before, by the same rules, is not judged again.

The judge that does the work is only asked for when there is something to judge: Great Expectations takes seconds to
import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import Any

from copydesk.cache.verdicts import Verdicts
from copydesk.expectations.judges import Beside, Here, Judge, Shard
from copydesk.expectations.tally import Tallies, Tally
from copydesk.shortage import is_limited


class Remembered:
    """Judges what is not known, by the judge that `start` gives."""

    def __init__(self, known: Verdicts, start: Callable[[], Judge]) -> None:
        self._known, self._start = known, start
        self._judge: Judge | None = None
        self._done: dict[str, Tallies] = {}
        self._asked: dict[str, Shard] = {}

    def begin(self) -> Judge:
        """Have the judge there, since it will be needed."""
        self._judge = self._judge or self._start()
        return self._judge

    def add(self, shard: Shard) -> None:
        if shard.name in self._done or shard.name in self._asked:
            return
        found = self._known.get(*_parts(shard))
        if found is not None:
            self._done[shard.name] = {rule: _tally(plain) for rule, plain in found.items()}
            return
        self._asked[shard.name] = shard
        self.begin().add(shard)

    def tallies(self) -> dict[str, Tallies]:
        made = self._judge.tallies() if self._judge is not None else {}
        for name, tallies in made.items():
            if not any(tally.problem for tally in tallies.values()):
                plain = {rule: asdict(tally) for rule, tally in tallies.items()}
                self._known.keep(plain, *_parts(self._asked[name]))
        return {**self._done, **made}


@contextmanager
def open_judge(known: Verdicts, *, here: bool, now: bool) -> Iterator[Judge]:
    """What judges rows that are not `known`: in this process, or beside it until the `with` block ends; there from
    `now` on, or when there is something to judge.

    Under a limit of memory it is beside all the same: what Great Expectations imports loops for ever when it gets none.
    """
    with ExitStack() as stack:

        def start() -> Judge:
            return Here() if here and not is_limited() else stack.enter_context(Beside())

        judge = Remembered(known, start)
        if now:
            judge.begin()
        yield judge


def _parts(shard: Shard) -> tuple[str, ...]:
    """All that tallies depend on, beside the code: the name of a shard has the digest of its bytes."""
    return shard.name, repr(shard.rows), repr(shard.suite)


def _tally(plain: dict[str, Any]) -> Tally:
    return Tally(**{**plain, "examples": tuple(plain["examples"])})
