"""A difference as a comment of a pull request: short first, long parts folded, never longer than a comment may be.

What comes from the data is code in which punctuation stands as character references (all but `-` and `/`). So it
cannot end a cell or a tag, is not taken for Markdown, HTML or a link, and in code nobody is notified by an @.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from copydesk.diagnostics.render import visible
from copydesk.diff.outline import Grid, Group, Outline, Part, outline
from copydesk.diff.phrases import Data, Phrase
from copydesk.diff.report import Difference

LIMIT = 60_000
"""Characters of a comment, counted in UTF-16 units as the platforms do; they allow 65,536."""
_ROOM = 400
"""What the closing of a folded part and the note of what was cut may take."""
FIRST = 3
"""Examples that stand unfolded by each reason."""


def render_markdown(difference: Difference) -> str:
    """The comment."""
    plan = outline(difference)
    page = _Page(_head(plan))
    if plan.forced:
        page.add(["| Asks for it | Changes | Why |", "| --- | ---: | --- |", *map(_reason, plan.forced), ""])
    for part in plan.parts:
        page.add(_summary(part))
    longer = [group for group in plan.forced if len(group.items) > FIRST]
    for title, groups in [("What asks for it", longer), *((p.title, p.groups) for p in plan.parts)]:
        page.fold(title, groups)
    if plan.same and plan.parts:
        page.add([f"No change: {', '.join(title.lower() for title in plan.same)}.", ""])
    return page.text()


class _Page:
    """Lines up to the limit; what did not fit is counted."""

    def __init__(self, head: Sequence[str]) -> None:
        self._lines = list(head)
        self._left = LIMIT - _ROOM - _size(head)
        self._cut = 0

    def _put(self, line: str) -> bool:
        size = _size([line])
        if size > self._left:
            self._cut += 1
            return False
        self._left -= size
        self._lines.append(line)
        return True

    def add(self, lines: Sequence[str]) -> None:
        """All of some lines that belong together, or none: half a table would be another one."""
        if _size(lines) > self._left:
            self._cut += len(lines)
            return
        for line in lines:
            self._put(line)

    def fold(self, title: str, groups: Sequence[Group]) -> None:
        """A folded part with the examples of groups, as many as fit."""
        listed = [group for group in groups if group.items]
        count = sum(group.count for group in listed)
        if not listed or not self._put(f"<details><summary>{title}: {count:,}</summary>"):
            self._cut += sum(len(group.items) for group in listed)
            return
        self._put("")
        for group in listed:
            lines = [f"- {item}" for item in map(_inline, group.items)]
            more = [f"- … and {group.more:,} more"] if group.more else []
            if self._put(f"**{_title(group)}**"):
                self._put("")
                for line in [*lines, *more]:
                    self._put(line)
                self._put("")
            else:
                self._cut += len(lines)
        self._lines += ["</details>", ""]
        self._left -= len("</details>\n\n")

    def text(self) -> str:
        if self._cut:
            note = f"{self._cut:,} lines did not fit into a comment; `copydesk diff --json` and `--table` have them."
            self._lines.append(note)
        return "\n".join(self._lines).rstrip("\n") + "\n"


def _size(lines: Sequence[str]) -> int:
    return sum(len(line.encode("utf-16-le")) // 2 + 1 for line in lines)


def code(text: str) -> str:
    """Words of the data, as code that is nothing else."""
    shown = "".join(char if char.isalnum() or char in " -/" else f"&#{ord(char)};" for char in visible(text))
    return f"<code>{shown}</code>"


def _inline(phrase: Phrase) -> str:
    return "".join(code(part.text) if isinstance(part, Data) else part for part in phrase)


def _title(group: Group) -> str:
    return f"{_inline(group.title)}: {group.count:,}{_inline(group.splits)}"


def _head(plan: Outline) -> list[str]:
    old, new = plan.versions
    title = f"### {code(plan.name.text)} {code(old.text)} → {code(new.text)}"
    remarks = [f"<sub>{_inline(remark)}</sub>" for remark in plan.remarks]
    return [title, "", f"**{_capital(_inline(plan.needs))}.**", "", *_spaced(remarks)]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _spaced(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield line
        yield ""


def _reason(group: Group) -> str:
    """One row of the table of reasons, the first few changes in it."""
    first = "".join(f"<br>{_inline(item)}" for item in group.items[:FIRST])
    return f"| {_inline(group.title)}{first} | {group.count:,} | {group.reason} |"


def _summary(part: Part) -> list[str]:
    """A section in short: its table, or how many of what."""
    out = [f"**{part.title}**", ""]
    if part.grid is not None:
        out += [*_grid(part.grid), ""]
    else:
        out += [f"- {_title(group)}" for group in part.groups]
        out += [f"- {_inline(line)}" for line in part.lines]
        out += [""] if part.groups or part.lines else []
    return out


def _grid(grid: Grid) -> Iterator[str]:
    yield f"| {' | '.join(grid.head)} |"
    yield f"| --- |{' ---: |' * (len(grid.head) - 1)}"
    for name, numbers in grid.rows:
        yield f"| {code(name.text)} | {' | '.join(f'{number:,}' for number in numbers)} |"
