"""What this machine has, and how a build fits into a part of its memory. Limits of containers and jobs count.

An estimate, not a fence: it says how many workers, and how large their tasks, so that their sum stays below.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

LEAST_BLOCK = 2**18
"""Smaller blocks cost more in starts and ends than they save in memory."""

_WORKER = 160 * 2**20
"""What a worker takes before it has seen any input: the interpreter and the libraries."""
_PER_BYTE = 16
"""What a worker takes for each byte of its block: records, their columns, their shingles."""
_DRIVER = 384 * 2**20
"""What the process that hands out the tasks takes, and the phases that run in it."""

_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How a build runs: tasks at once, bytes of input in each, and bytes of memory for all of it."""

    workers: int
    block_size: int
    memory: int


def machine_memory() -> int:
    """Bytes of memory that this process and its children may have together."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in _LIMITS:
        try:
            total = min(total, int(path.read_text()))
        except (OSError, ValueError):  # no such limit, or `max`
            continue
    return total


def processors() -> int:
    """Processors that this process may use: a job of a cluster often has fewer than the machine."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _QUOTA.read_text().split()
        return max(1, min(allowed, int(quota) // int(period)))
    except (OSError, ValueError):  # no such limit, or `max`
        return allowed


def fit(memory: int | None, workers: int | None, block_size: int | None, usual: int) -> Size:
    """Workers and blocks for a ceiling of memory, a quarter of the machine if none is given; `usual` is the block size
    where there is plenty.

    What is given is kept. Smaller blocks come before fewer workers: they cost little, down to a megabyte.
    """
    ceiling = memory or machine_memory() // 4
    count, size = workers or processors(), block_size or usual

    def need() -> int:
        return _DRIVER + count * (_WORKER + _PER_BYTE * size)

    while need() > ceiling and block_size is None and size > 2**20:
        size //= 2
    while need() > ceiling and workers is None and count > 1:
        count -= 1
    while need() > ceiling and block_size is None and size > LEAST_BLOCK:
        size //= 2
    return Size(workers=count, block_size=size, memory=ceiling)
