"""Bars as SVG: no library, the same bytes for the same figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

Row = tuple[str, Sequence[tuple[str, float]]]
"""(label, [(segment, value)])"""

COLOURS = ["#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5", "#9c6b4e", "#9498a0"]
WIDTH, LEFT, RIGHT, BAR, GAP, TOP = 860, 250, 90, 22, 10, 44


def bars(title: str, rows: Sequence[Row], *, logarithmic: bool = False, strong: str | None = None) -> str:
    """Horizontal bars, stacked by segment; with one segment a row, in one colour."""
    names = list(dict.fromkeys(name for _, cells in rows for name, _ in cells))
    most = max(sum(value for _, value in cells) for _, cells in rows)
    least = min(sum(value for _, value in cells) for _, cells in rows)
    lowest = 10 ** math.floor(math.log10(max(least, 1e-9)))
    room = WIDTH - LEFT - RIGHT

    def across(value: float) -> float:
        if not logarithmic:
            return room * value / most
        return room * max(0.02, math.log10(max(value, lowest) / lowest) / math.log10(most / lowest))

    height = TOP + len(rows) * (BAR + GAP) + (26 * (1 + (len(names) - 1) // 6) if len(names) > 1 else 0)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="12" y="24" font-size="15" font-weight="bold">{escape(title)}</text>',
    ]
    for at, (label, cells) in enumerate(rows):
        y, x = TOP + at * (BAR + GAP), float(LEFT)
        weight = ' font-weight="bold"' if label == strong else ""
        out.append(f'<text x="{LEFT - 8}" y="{y + 16}" text-anchor="end"{weight}>{escape(label)}</text>')
        for name, value in cells:
            wide = across(value)
            colour = COLOURS[names.index(name) % len(COLOURS)] if strong is None or label == strong else COLOURS[-1]
            hint = f"<title>{escape(name)} {value:,.0f}</title>" if name else ""
            out.append(f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{BAR}" fill="{colour}">{hint}</rect>')
            x += wide
        out.append(f'<text x="{x + 6:.1f}" y="{y + 16}">{sum(value for _, value in cells):,.0f}</text>')
    if len(names) > 1:
        out += _legend(names, TOP + len(rows) * (BAR + GAP) + 14)
    return "\n".join([*out, "</svg>", ""])


def _legend(names: Sequence[str], top: int) -> list[str]:
    out = []
    for at, name in enumerate(names):
        x, y = 12 + at % 6 * 140, top + at // 6 * 26
        out.append(f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{COLOURS[at % len(COLOURS)]}"/>')
        out.append(f'<text x="{x + 17}" y="{y}">{escape(name)}</text>')
    return out
