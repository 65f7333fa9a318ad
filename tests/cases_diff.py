"""Cases of the codes of differences. No test of its own."""

from __future__ import annotations

from pathlib import Path

from cases import Case

from copydesk.diagnostics import Diagnostic
from copydesk.sides import open_side

SIDE = "ftp://example.org/tiny-0.9.0.tar.gz"


def refused(folder: Path) -> list[Diagnostic]:
    """What the run `diff` finds: why SIDE is no side of a difference to the project in `folder`."""
    with open_side(SIDE, folder) as side:
        return side if isinstance(side, list) else []


CASES = {"D001": Case(breaks=lambda folder: None, file=SIDE, run="diff")}
