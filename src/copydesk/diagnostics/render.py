"""Reports for people and for programs. Text of articles is escaped: nothing in it reaches the terminal raw."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter

from copydesk.diagnostics.codes import CODES, Severity
from copydesk.diagnostics.model import CAP_PER_CODE, Diagnostic, Place, Report

_COLOR = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m", Severity.NOTE: "\x1b[1;36m"}
_BOLD, _DIM, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def visible(text: str) -> str:
    """`text` with every control, format and surrogate character shown as an escape (no ANSI or bidi tricks)."""
    return "".join(
        char if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} else f"\\u{{{ord(char):x}}}"
        for char in text
    )


def render_text(report: Report, *, color: bool = False, cap: int = CAP_PER_CODE) -> str:
    """The report for people: one block per finding, then one line that sums up. At most `cap` blocks a code."""
    shown: Counter[str] = Counter()
    blocks: list[str] = []
    for diagnostic in report:
        shown[diagnostic.code] += 1
        if shown[diagnostic.code] <= cap:
            blocks.append(_block(diagnostic, color=color))
    beyond: Counter[str] = Counter()
    for (code, _), count in report.beyond.items():
        beyond[code] += count
    for code, kept in sorted(shown.items()):
        if kept > cap:
            listed = f"`--json` lists the first {kept:,}" if beyond[code] else "`--json` lists them all"
            blocks.append(f"… and {kept + beyond[code] - cap} more {code} ({CODES[code].summary}); {listed}")
    blocks.append(summary_line(report))
    return "\n\n".join(blocks) + "\n"


def summary_line(report: Report) -> str:
    """`2 errors, 1 warning`, or `no findings`."""
    counts = report.counts()
    parts = [f"{counts[s]} {s.value}{'s' if counts[s] != 1 else ''}" for s in Severity if counts[s]]
    return ", ".join(parts) if parts else "no findings"


def _block(diagnostic: Diagnostic, *, color: bool) -> str:
    severity = diagnostic.severity
    head, bold, dim, reset = (_COLOR[severity], _BOLD, _DIM, _RESET) if color else ("", "", "", "")
    lines = [
        f"{head}{severity.value}[{diagnostic.code}]{reset}{bold}: {visible(diagnostic.message)}{reset}",
        f"  {dim}-->{reset} {visible(str(diagnostic.place))}",
    ]
    lines.extend(f"   {dim}={reset} note: {visible(note)}" for note in diagnostic.notes)
    help_text = diagnostic.help or CODES[diagnostic.code].help
    if help_text:
        lines.append(f"   {dim}={reset} help: {visible(help_text)}")
    return "\n".join(lines)


def as_dict(diagnostic: Diagnostic) -> dict[str, object]:
    """One finding as JSON values; the keys are stable."""
    place = diagnostic.place
    return {
        "code": diagnostic.code,
        "slug": CODES[diagnostic.code].slug,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "pointer": place.pointer,
        "record": place.record,
        "notes": list(diagnostic.notes),
        "help": diagnostic.help or CODES[diagnostic.code].help,
    }


def render_json(report: Report) -> str:
    """The report for programs: one JSON object per line, all findings, in file order; then how many more there are of
    codes with too many to keep."""
    lines = [as_dict(d) for d in report]
    beyond = sorted((code, severity.value, severity, n) for (code, severity), n in report.beyond.items() if n)
    lines += [_beyond(code, severity, count) for code, _, severity, count in beyond]
    return "".join(json.dumps(line) + "\n" for line in lines)


def _beyond(code: str, severity: Severity, count: int) -> dict[str, object]:
    nowhere = Diagnostic(code=code, place=Place(file=""), message=f"and {count} more of this code", lowered=severity)
    return as_dict(nowhere) | {"file": None, "more": count}


def explain(code: str) -> str:
    """What `copydesk explain CODE` prints. Raises KeyError for a code that does not exist."""
    entry = CODES[code]
    waiver = "can be waived" if entry.waivable else "cannot be waived"
    return (
        f"{entry.id} ({entry.slug}): {entry.summary}\n"
        f"severity: {entry.severity.value}; {waiver}\n\n"
        f"{entry.explanation}\n\n"
        f"Example: {entry.example}\n" + (f"Help: {entry.help}\n" if entry.help else "")
    )
