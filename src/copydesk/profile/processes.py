"""CPU time and memory of this process and of all that it started, from what the system counts.

Where there is no /proc, processes count when they have ended, and memory is not known.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PAGE = resource.getpagesize()
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Used:
    """Seconds of CPU so far: of this process, and of those that it started."""

    driver: float
    workers: float


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes in memory now: of this process, and of those that it started without what they share with it."""

    driver: int = 0
    workers: int = 0

    def most(self, other: Held) -> Held:
        return self if self.driver + self.workers >= other.driver + other.workers else other


def cpu() -> Used:
    """Of the living and of the dead."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    living = sum(_ticks(pid) for pid in descendants(os.getpid())) / _TICKS
    return Used(time.process_time(), ended.ru_utime + ended.ru_stime + living)


def memory() -> Held:
    """As the system counts it: with the parts of mapped files that are in memory."""
    own, _ = _pages(os.getpid())
    children = [_pages(pid) for pid in descendants(os.getpid())]
    return Held(own * _PAGE, sum(resident - shared for resident, shared in children) * _PAGE)


def peak() -> int:
    """The most bytes that this process has ever had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def descendants(pid: int) -> Iterator[int]:
    """The processes that a process started, and those that they started."""
    try:
        tasks = list((_PROC / str(pid) / "task").iterdir())
    except OSError:
        return
    for task in tasks:
        try:
            children = (task / "children").read_text().split()
        except OSError:
            continue
        for child in map(int, children):
            yield child
            yield from descendants(child)


def _ticks(pid: int) -> int:
    """CPU of a process and of its own children that have ended."""
    try:
        # proc(5): the name, in parentheses, may hold anything; utime, stime, cutime and cstime are fields 14 to 17
        fields = (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15]))


def _pages(pid: int) -> tuple[int, int]:
    """(resident, of these shared with files and other processes)."""
    try:
        fields = (_PROC / str(pid) / "statm").read_bytes().split()
    except OSError:
        return 0, 0
    return int(fields[1]), int(fields[2])
