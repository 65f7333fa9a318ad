"""A file that knows its digest when it is closed, and is on the disk by then."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file as written. `sha256` in hexadecimal, `size` in bytes."""

    sha256: str
    size: int


class HashingFile:
    """Binary file for writing from the start to the end; refuses to overwrite. Closed, it knows its digest."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")
        self._digest = hashlib.sha256()
        self._size = 0
        self._written: Written | None = None

    def write(self, data: bytes | memoryview) -> int:
        self._digest.update(data)
        self._size += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def tell(self) -> int:
        return self._size

    @property
    def closed(self) -> bool:
        return self._file.closed

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        if self._file.closed:
            return
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._written = Written(sha256=self._digest.hexdigest(), size=self._size)

    def digest(self) -> Written:
        """What the file came to, once it is closed."""
        assert self._written is not None
        return self._written

    def __enter__(self) -> HashingFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def write_bytes(path: Path, data: bytes) -> Written:
    """Write one file, folders included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with HashingFile(path) as out:
        out.write(data)
    return out.digest()
