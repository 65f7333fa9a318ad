"""The changelog: people write it; a release only checks that it says what changed in this version."""

from __future__ import annotations

import re

from copydesk.diagnostics import Diagnostic, Place, Severity, lower
from copydesk.release.datasheet import is_blank

_HEADING = re.compile(r"##\s+\[?v?(?P<version>[0-9]+\.[0-9]+\.[0-9]+)\]?(?:\s.*)?$")
_ANY_SECTION = re.compile(r"#{1,2}\s")


def check_changelog(text: str, version: str, file: str, draft: bool) -> list[Diagnostic]:
    """R005 unless `## <version>` stands in the text with words below it; a warning in a draft release."""
    lines = text.splitlines()
    headings: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        found = _HEADING.match(line)
        if found is not None:
            headings.setdefault(found["version"], number)
    line_number = headings.get(version)
    if line_number is None:
        message = f"there is no entry for {version}; a heading `## {version}` with what changed is missing"
        diagnostic = Diagnostic(code="R005", place=Place(file=file), message=message)
    else:
        below = lines[line_number:]
        end = next((i for i, line in enumerate(below) if _ANY_SECTION.match(line)), len(below))
        if not is_blank("\n".join(below[:end])):
            return []
        message = f"the entry for {version} is empty"
        diagnostic = Diagnostic(code="R005", place=Place(file=file, line=line_number), message=message)
    return [lower(diagnostic, Severity.WARNING) if draft else diagnostic]
