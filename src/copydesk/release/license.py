"""LICENSE.md: under which terms the annotation stands, and what is known of the rights in the texts."""

from __future__ import annotations

from copydesk.release.blocks import escape
from copydesk.release.model import Release


def render_license(release: Release) -> bytes:
    """One page: the licence of the annotation as an SPDX expression, and where the rights of the texts stand."""
    dataset = release.project.dataset
    holders = ", ".join(dataset.creators)
    lines = [
        f"# Licence of {escape(dataset.title)}",
        "",
        f"SPDX-License-Identifier: {escape(dataset.license)}",
        "",
        f"The annotation, the schemas and the documents of this release: {escape(holders)}, "
        f"under {escape(dataset.license)}.",
    ]
    records = next((t for t in release.tables if t.config.view == "records" and t.type.get("rights")), None)
    if records is not None:
        lines += [
            "",
            "This licence does not cover the texts of the articles, nor the columns that repeat parts of them. "
            f"What is known of the rights in each text stands in the column `rights` of the config "
            f"`{records.name}`; where `redistribute` is false, no permission to pass the text on is known.",
        ]
    return "\n".join([*lines, ""]).encode()
