"""Waivers: recorded, dated exceptions to diagnostics. One file, each entry with a reason and an end."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from copydesk.contract.validate import schema_errors
from copydesk.diagnostics import CODES, Diagnostic, Place, Severity
from copydesk.project import Project, nearest_line, parse_toml, toml_lines

_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "waiver": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "record", "reason", "expires"],
                "additionalProperties": False,
                "properties": {
                    "code": {"type": "string"},
                    "record": {"type": "string", "minLength": 1},
                    "pointer": {"type": "string", "pattern": "^/"},
                    "reason": {"type": "string", "pattern": "\\S"},
                    "expires": {"type": "string", "format": "date"},
                },
            },
        }
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Lets findings of `code` in `record` through (below `pointer`, if given) until the day `expires`."""

    code: str
    record: str
    reason: str
    expires: str
    pointer: str = ""
    place: Place

    def covers(self, diagnostic: Diagnostic) -> bool:
        place = diagnostic.place
        return (
            diagnostic.code == self.code
            and place.record == self.record
            and ((place.pointer or "") + "/").startswith(self.pointer + "/")
        )


def load_waivers(project: Project) -> tuple[tuple[Waiver, ...], list[Diagnostic]]:
    """The waivers that hold on the date of the release (no clock: the same build gives the same verdict)."""
    path = project.root / project.waivers
    if not path.exists():
        return (), []
    try:
        data = path.read_bytes()
        plain = _plain(parse_toml(data))
    except OSError as error:
        return (), [Diagnostic(code="W001", place=Place(file=project.waivers), message=str(error.strerror))]
    except ValueError as error:
        place = Place(file=project.waivers, line=error.args[1])
        return (), [Diagnostic(code="W001", place=place, message=str(error.args[0]))]
    lines = toml_lines(data.decode())

    def locate(pointer: str) -> Place:
        return Place(file=project.waivers, line=nearest_line(lines, pointer), pointer=pointer or None)

    found = [
        Diagnostic(code="W001", place=locate(pointer), message=message)
        for pointer, message in schema_errors(_SCHEMA, plain)
    ]
    if found:
        return (), found
    holding = []
    for index, entry in enumerate(plain.get("waiver", ())):
        at = locate(f"/waiver/{index}")
        waiver = Waiver(**entry, place=at)
        if waiver.code not in CODES or not CODES[waiver.code].waivable:
            known = "cannot be waived" if waiver.code in CODES else "does not exist"
            found.append(
                Diagnostic(code="W004", place=locate(f"{at.pointer}/code"), message=f"the code {waiver.code} {known}")
            )
        elif waiver.expires < project.dataset.date:
            message = f"the waiver of {waiver.code} for {waiver.record} expired on {waiver.expires}"
            found.append(Diagnostic(code="W003", place=locate(f"{at.pointer}/expires"), message=message))
        else:
            holding.append(waiver)
    return tuple(holding), found


def _plain(value: Any) -> Any:
    """TOML values as the schema and `Waiver` want them: dates as strings."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


def apply_waivers(
    diagnostics: Iterable[Diagnostic], waivers: tuple[Waiver, ...], used: set[Waiver]
) -> list[Diagnostic]:
    """The diagnostics, those that a waiver covers lowered to notes; adds to `used` the waivers that were needed."""
    out = []
    for diagnostic in diagnostics:
        waiver = next((w for w in waivers if w.covers(diagnostic)), None)
        if waiver is not None:
            used.add(waiver)
            notes = (*diagnostic.notes, f"waived until {waiver.expires}: {waiver.reason}")
            diagnostic = replace(diagnostic, lowered=Severity.NOTE, notes=notes)
        out.append(diagnostic)
    return out


def unused_waivers(project: Project, waivers: tuple[Waiver, ...], used: set[Waiver]) -> list[Diagnostic]:
    """W002 for each waiver that covered nothing."""
    return [
        Diagnostic(code="W002", place=w.place, message=f"nothing to waive: {w.code} in {w.record}{w.pointer}")
        for w in waivers
        if w not in used
    ]
