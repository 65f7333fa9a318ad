"""Where files are judged row by row: in this process, or in one of its own beside the rest. Not how (`rows.py`).

Great Expectations takes seconds and a quarter of a gigabyte to import. In a process of its own it does so while
records are staged, and judges the first files while others are being written. That process ends with this one. If it
ends before, or gives no sign of life, the files that it owes are not evaluated, which is a failure: never a hang.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from copydesk.expectations.tally import RowSuite, Tallies, Tally

PATIENCE = 600.0
"""Seconds without a sign of life after which the process is ended. A piece takes less than one, or some thirty with
rules that are looked at row by row; the import takes three."""
_SETTINGS = {"GX_ANALYTICS_ENABLED": "False", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""No telemetry, and no threads of numeric libraries: none is used, and each asks for memory."""
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from copydesk.expectations.judges import serve; serve()"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One Parquet file to judge. `rows`: how many it should have. `name` tells it from the others."""

    name: str
    path: Path
    rows: int | None
    suite: RowSuite


class Judge(Protocol):
    """What a way of judging files offers."""

    def add(self, shard: Shard) -> None:
        """Take a file on. It stays as it is until `tallies` has returned; one whose name is known changes nothing."""
        ...

    def tallies(self) -> dict[str, Tallies]:
        """Name of the file -> tallies of all rules of its suite, for all that were added."""
        ...


class Here:
    """Judges in this process, when asked for the tallies."""

    def __init__(self) -> None:
        self._shards: dict[str, Shard] = {}

    def add(self, shard: Shard) -> None:
        self._shards.setdefault(shard.name, shard)

    def tallies(self) -> dict[str, Tallies]:
        from copydesk.expectations.rows import tally_file

        return {name: tally_file(s.path, s.rows, s.suite) for name, s in self._shards.items()}


class Beside:
    """Judges in a process of its own, which is there until the `with` block ends."""

    def __init__(self) -> None:
        self._shards: dict[str, Shard] = {}
        self._said: queue.SimpleQueue[tuple[str, Tallies] | None] = queue.SimpleQueue()
        self._trouble = ""
        self._process: subprocess.Popen[bytes] | None = None
        command = [sys.executable, "-c", _PROGRAM, json.dumps(sys.path)]
        try:
            # In a session of its own, Ctrl-C does not reach it: this process alone decides what that means.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **_SETTINGS},
                start_new_session=True,
            )
        except OSError as error:
            self._trouble = f"the process of Great Expectations could not be started: {error.strerror}"
        else:
            assert self._process.stdout is not None
            threading.Thread(target=_listen, args=(self._process.stdout, self._said), daemon=True).start()

    def add(self, shard: Shard) -> None:
        if shard.name in self._shards:
            return
        self._shards[shard.name] = shard
        if self._process is not None:
            assert self._process.stdin is not None
            with suppress(OSError):  # it is gone: `tallies` will hear of it
                pickle.dump(shard, self._process.stdin)
                self._process.stdin.flush()

    def tallies(self) -> dict[str, Tallies]:
        done: dict[str, Tallies] = {}
        while len(done) < len(self._shards) and not self._trouble:
            try:
                said = self._said.get(timeout=PATIENCE)
            except queue.Empty:
                self._trouble = f"Great Expectations gave no sign of life for {PATIENCE:.0f} seconds"
                break
            if said is None:
                self._trouble = f"the process of Great Expectations ended ({self._ending()})"
            elif said[0]:  # else it is a sign of life
                done[said[0]] = said[1]
        for name, shard in self._shards.items():
            if name not in done:
                done[name] = {rule.rule: Tally(problem=self._trouble) for rule in shard.suite.rules}
        return done

    def _ending(self) -> str:
        assert self._process is not None
        code = self._process.wait()
        return f"by signal {-code}: out of memory, or killed" if code < 0 else f"exit code {code}"

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, *raised: object) -> None:
        """End the process, whatever it does."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what it was not told has nowhere to go
                stream.close()  # type: ignore[union-attr]


def _listen(stream: IO[bytes], said: queue.SimpleQueue[tuple[str, Tallies] | None]) -> None:
    """Pass on what the process says; None once it says no more."""
    with suppress(Exception):  # half a message, or the end of the stream: either way it has ended
        while True:
            said.put(pickle.load(stream))
    said.put(None)


def serve() -> None:
    """The process of `Beside`: judge what comes in until nothing more does. Nothing else reaches its output."""
    out = os.fdopen(os.dup(1), "wb")
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 1)
    shards: queue.SimpleQueue[Shard] = queue.SimpleQueue()
    threading.Thread(target=_take_in, args=(shards,), daemon=True).start()

    def say(name: str, tallies: Tallies) -> None:
        pickle.dump((name, tallies), out)
        out.flush()

    from copydesk.expectations.rows import prepare_engine, tally_file

    prepare_engine()
    gc.freeze()  # what was imported stays: the collector need not walk it for every piece
    say("", {})
    while True:
        shard = shards.get()
        say(shard.name, tally_file(shard.path, shard.rows, shard.suite, alive=lambda: say("", {})))


def _take_in(shards: queue.SimpleQueue[Shard]) -> None:
    """Take in files to judge. When nothing more can come, this process has ended, in whatever it was doing."""
    with suppress(Exception):
        while True:
            shards.put(pickle.load(sys.stdin.buffer))
    os._exit(0)
