"""The changelog: people write it. A release checks that it says what changed in this version; `copydesk release` and
`copydesk yank` add lines of their own and leave every other as it is, whatever its form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from copydesk.diagnostics import Diagnostic, Place, Severity, lower
from copydesk.release.datasheet import is_blank
from copydesk.semver import version_key

TITLE = "# Changelog"

_HEADING = re.compile(r"##\s+(?P<open>\[?v?)(?P<version>[0-9]+\.[0-9]+\.[0-9]+)(?P<close>\]?)(?P<rest>\s.*)?$")
_ANY_SECTION = re.compile(r"#{1,2}\s")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)$")
_DATE = re.compile(r"(?P<before>\s+[-–—(]?\s*)\d{4}-\d{2}-\d{2}(?P<after>\)?)\s*$")
_YANKED = "**Yanked**"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """The heading of one version: its line, counted from 0, and how it is written."""

    version: str
    line: int
    form: re.Match[str]


def check_changelog(text: str, version: str, file: str, draft: bool) -> list[Diagnostic]:
    """R005 unless `## <version>` stands in the text with words below it; a warning in a draft release."""
    heading = next((h for h in headings(text) if h.version == version), None)
    if heading is None:
        message = f"there is no entry for {version}; a heading `## {version}` with what changed is missing"
        diagnostic = Diagnostic(code="R005", place=Place(file=file), message=message)
    else:
        if not is_blank("\n".join(_below(text.splitlines(), heading))):
            return []
        message = f"the entry for {version} is empty"
        diagnostic = Diagnostic(code="R005", place=Place(file=file, line=heading.line + 1), message=message)
    return [lower(diagnostic, Severity.WARNING) if draft else diagnostic]


def headings(text: str) -> list[Heading]:
    """The headings of versions, in the order of the text; what stands in a code block is none."""
    found = []
    for number, line in _prose(text.splitlines()):
        if (form := _HEADING.match(line)) is not None:
            found.append(Heading(version=form["version"], line=number, form=form))
    return found


def _prose(lines: list[str]) -> Iterator[tuple[int, str]]:
    """The lines that are not in a code block, with their numbers."""
    fence = ""
    for number, line in enumerate(lines):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                fence = ""
        elif mark and not (mark[1][0] == "`" and "`" in mark[2]):  # else it is code within a line
            fence = mark[1]
        else:
            yield number, line


def _below(lines: list[str], heading: Heading) -> list[str]:
    """What stands under a heading, up to the next of its rank or above."""
    end = next((n for n, line in _prose(lines) if n > heading.line and _ANY_SECTION.match(line)), len(lines))
    return lines[heading.line + 1 : end]


def with_entry(text: str, version: str, date: str, body: str) -> str:
    """The text with an entry for a version that has none, where the order of the others puts it.

    Its heading is written as that of its neighbour is: with brackets, a `v`, a date after it, or without. The other
    lines stay, byte for byte.
    """
    known = headings(text)
    assert all(heading.version != version for heading in known), "the changelog has an entry for this version"
    lines = text.splitlines(keepends=True)
    at, neighbour = _seat(known, version)
    end = _line_end(lines)
    block = [_heading(version, date, neighbour), "", *body.strip("\n").split("\n")]
    if not lines:
        block = [TITLE, "", *block]
    at = len(lines) if at is None else at
    head, tail = lines[:at], lines[at:]
    if head and not head[-1].endswith(("\n", "\r")):
        head[-1] += end
    if head and head[-1].strip():
        block = ["", *block]
    if tail:
        block = [*block, ""]
    return "".join([*head, *(f"{line}{end}" for line in block), *tail])


def _seat(known: list[Heading], version: str) -> tuple[int | None, Heading | None]:
    """(the line before which an entry belongs, None for the end; the heading whose form it takes)."""
    if not known:
        return None, None
    rising = version_key(known[0].version) < version_key(known[-1].version)
    for heading in known:
        later = version_key(heading.version) > version_key(version)
        if later == rising:
            return heading.line, heading
    return None, known[-1]


def _heading(version: str, date: str, like: Heading | None) -> str:
    if like is None:
        return f"## {version}"
    dated = _DATE.fullmatch(like.form["rest"] or "")
    rest = f"{dated['before']}{date}{dated['after']}" if dated else ""
    return f"## {like.form['open']}{version}{like.form['close']}{rest}"


def _line_end(lines: list[str]) -> str:
    """The line end of the text: that of its first line."""
    first = lines[0] if lines else ""
    return "\r\n" if first.endswith("\r\n") else "\n"


def with_yank(text: str, version: str, date: str, reason: str) -> str:
    """The text with a line under the heading of a version that says that it was yanked, and why.

    A version without an entry gets one. A line that is there already is replaced.
    """
    sentence = f"{_YANKED} ({date}): {' '.join(reason.split())}"
    text = without_yank(text, version)
    heading = next((h for h in headings(text) if h.version == version), None)
    if heading is None:
        return with_entry(text, version, date, sentence)
    lines = text.splitlines(keepends=True)
    end = _line_end(lines)
    if not lines[heading.line].endswith(("\n", "\r")):
        lines[heading.line] += end
    return "".join([*lines[: heading.line + 1], end, sentence, end, *lines[heading.line + 1 :]])


def without_yank(text: str, version: str) -> str:
    """The text without the line of `with_yank`, and without the blank line that came with it."""
    heading = next((h for h in headings(text) if h.version == version), None)
    lines = text.splitlines(keepends=True)
    for number in range(heading.line + 1, len(lines)) if heading else ():
        if lines[number].startswith(f"{_YANKED} ("):
            blank = number - 1 > heading.line and not lines[number - 1].strip() if heading else False
            return "".join([*lines[: number - blank], *lines[number + 1 :]])
        if _ANY_SECTION.match(lines[number]):
            break
    return text
