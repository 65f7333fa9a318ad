"""What every command prints by: exit codes, reports, folders as the user names them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from copydesk.diagnostics import Report

CLEAN, DATA, USAGE, BUG = 0, 1, 2, 3


def _write(stream: TextIO, text: str) -> None:
    """Print; a reader that went away (`head`) or a full disk changes nothing about the verdict."""
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def print_report(report: Report, *, as_json: bool, stream: TextIO) -> None:
    from copydesk.diagnostics.render import render_json, render_text

    if as_json:
        _write(stream, render_json(report))
    else:
        _write(stream, render_text(report, color=stream.isatty() and "NO_COLOR" not in os.environ))


def shown(folder: Path) -> Path:
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder
