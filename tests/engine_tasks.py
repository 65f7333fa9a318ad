"""Functions for the tests of engines, importable in any process; some are bad for the process that runs them."""

from __future__ import annotations

import errno
import os
import resource
import signal
import time
from pathlib import Path


def square(number: int) -> int:
    return number * number


def late(number: int) -> int:
    """The earlier the item, the later its result."""
    time.sleep(0.02 * max(0, 5 - number))
    return number


def abort(number: int) -> int:
    """One item ends its process whenever it is tried."""
    if number == 3:
        os.abort()
    return number


def kill_once(marks: str, number: int) -> int:
    """Each item of the first four kills its process the first time."""
    mark = Path(marks) / str(number)
    if number < 4 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def alone(folder: str, number: int) -> int:
    """Item 0 dies when another task is under way, and says who was there."""
    here = Path(folder) / f"at-{number}"
    here.touch()
    try:
        time.sleep(0.2)
        if number == 0 and len(list(Path(folder).glob("at-*"))) > 1:
            os.abort()
    finally:
        here.unlink()
    return number


def refuse(number: int) -> int:
    if number == 2:
        raise ZeroDivisionError("a bug")
    return number


class UnsentError(Exception):
    """Cannot be made again from its arguments."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__("unsent")


def raise_unsent(number: int) -> int:
    raise UnsentError(1, 2)


def no_space(number: int) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere/spool.arrow")


def too_much(number: int) -> int:
    """One item asks for more memory than its process may have."""
    if number == 1:
        resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
        bytearray(2**40)
    return number


def process(number: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def slow(number: int) -> int:
    time.sleep(0.3)
    return number


def append(path: str, number: int) -> int:
    with Path(path).open("a") as log:
        log.write(f"{number}\n")
    return number
