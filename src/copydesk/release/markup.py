"""HTML of the report: text made harmless, tables. Everything from the data is escaped here and nowhere else."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from copydesk.diagnostics.render import visible


def safe(value: object) -> str:
    """Any text of the data, harmless: escaped for HTML, controls made visible, line ends kept."""
    lines = str(value).replace("\r\n", "\n").split("\n")
    return html.escape("\n".join(visible(line.replace("\t", "    ")) for line in lines))


def grid(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; numbers to the right. Cells that are `Html` stand as they are."""
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{safe(h)}</th>' for h in head)}</tr>{body}</table>"


class Html(str):
    """Markup made here, in which everything from the data is escaped already."""


def _cell(value: object) -> str:
    if isinstance(value, Html):
        return f"<td>{value}</td>"
    if isinstance(value, int | float):
        return f"<td class=n>{value:,}</td>"
    return f"<td>{safe('' if value is None else value)}</td>"
