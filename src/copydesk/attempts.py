"""Files that tasks write: under a name of the attempt, until they are whole. Not a release as such (staging.py)."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to; what is written there takes the name `path` when it is whole, and never before.

    The path is new for each attempt: a task may run twice, even twice at once, and its attempts do not meet.
    """
    attempt = path.with_name(f".{uuid.uuid4().hex}-{path.name}")
    try:
        yield attempt
        attempt.replace(path)
    finally:
        attempt.unlink(missing_ok=True)
