"""Want of memory: whether an error is that, in the many forms in which libraries say so. Not what to do about it."""

from __future__ import annotations

import errno
import resource

_WORDS = (
    "failed to map segment",
    "cannot allocate memory",
    "can't start new thread",
    "Unable to allocate",
    "bad_alloc",
    "error return without exception set",  # the interpreter had no memory for the MemoryError
)


def is_shortage(error: BaseException | None) -> bool:
    """Whether memory ran out: what was raised, or what it was raised from.

    Python and Arrow raise MemoryError, the system says ENOMEM, the linker cannot map a library, threads do not start,
    and DuckDB has an exception of its own.
    """
    while error is not None:
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryException":
            return True
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            return True
        if isinstance(error, ImportError | RuntimeError | OSError | SystemError) and any(
            word in str(error) for word in _WORDS
        ):
            return True
        error = error.__cause__ or error.__context__
    return False


def is_limited() -> bool:
    """Whether this process may have less memory than the machine has."""
    kinds = (resource.RLIMIT_AS, resource.RLIMIT_DATA)
    return any(resource.getrlimit(kind)[0] != resource.RLIM_INFINITY for kind in kinds)
