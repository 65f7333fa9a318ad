"""The profile as a person reads it: a table of stages, what the larger ones do, the slowest tasks."""

from __future__ import annotations

from collections.abc import Iterator

from copydesk.profile import Profile, StageTimes, shares

LEAST = 0.02
"""Parts and stages below this share of all CPU are summed up."""

NAMED = 5
"""How many slow tasks are named."""


def render(profile: Profile) -> str:
    """Lines of text, ending in one."""
    return "\n".join(_lines(profile)) + "\n"


def _lines(profile: Profile) -> Iterator[str]:
    total = sum(s.cpu + s.remote for s in profile.stages) or 1e-9
    wall = sum(s.wall for s in profile.stages)
    most = max(profile.stages, key=lambda s: s.memory.driver + s.memory.workers).memory
    yield (
        f"profile: {_seconds(wall)}, {_seconds(total)} of CPU; peak memory {_size(most.driver + most.workers)} "
        f"({_size(most.driver)} this process, {_size(most.workers)} its workers)"
    )
    yield ""
    head = ("stage", "wall", "CPU", "share", "driver", "workers", "tasks", "records", "a second", "memory")
    rows = [head, *(_row(stage, total) for stage in profile.stages)]
    yield from _columns(rows)
    for stage in profile.stages:
        if stage.cpu + stage.remote >= LEAST * total:
            yield from _parts(stage, total)
    slow = sorted((t for s in profile.stages for t in s.tasks), key=lambda t: (-t.cpu, t.about))[:NAMED]
    if slow:
        yield ""
        yield "slowest tasks"
        yield from _columns([(f"  {t.about}", _seconds(t.cpu), _rate(t.input, t.cpu)) for t in slow])


def _row(stage: StageTimes, total: float) -> tuple[str, ...]:
    count = len(stage.tasks)
    records, size = sum(t.records for t in stage.tasks), sum(t.input for t in stage.tasks)
    return (
        stage.name,
        _seconds(stage.wall),
        _seconds(stage.cpu + stage.remote),
        f"{(stage.cpu + stage.remote) / total:.0%}",
        _seconds(stage.driver),
        _seconds(stage.workers + stage.remote),
        f"{count:,}" if count else "",
        f"{records:,}" if records else "",
        _rate(size, stage.wall) or (f"{records / stage.wall:,.0f} rows" if records and stage.wall else ""),
        _size(stage.memory.driver + stage.memory.workers),
    )


def _parts(stage: StageTimes, total: float) -> Iterator[str]:
    found = shares(stage)
    seconds = sum(s for _, s in found) or 1e-9
    records = sum(t.records for t in stage.tasks)
    small = sum(s for _, s in found if s < LEAST * seconds)
    rows = [(part, s) for part, s in found if s >= LEAST * seconds]
    rows += [("the rest", small)] if small else []
    yield ""
    yield f"{stage.name}, by part"
    unit = "a row" if stage.name == "write" else "a record"
    yield from _columns(
        [
            (f"  {part}", _seconds(s), f"{s / seconds:.0%}", f"{_micro(s / records)} {unit}" if records else "")
            for part, s in rows
        ]
    )


def _columns(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """The first column to the left, the others to the right."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for first, *others in rows:
        cells = [f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True)]
        yield "  ".join([f"{first:<{widths[0]}}", *cells]).rstrip()


def _seconds(value: float) -> str:
    return f"{value:,.1f} s" if value >= 10 else f"{value:.2f} s"


def _micro(seconds: float) -> str:
    micro = seconds * 1e6
    return f"{micro:,.0f} µs" if micro >= 10 else f"{micro:.1f} µs"


def _size(value: float) -> str:
    return f"{value / 1e9:.2f} GB" if value >= 1e9 else f"{value / 1e6:,.0f} MB"


def _rate(size: int, seconds: float) -> str:
    return f"{size / seconds / 1e6:,.1f} MB" if size and seconds else ""
