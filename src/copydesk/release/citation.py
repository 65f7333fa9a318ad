"""How to cite a release: CITATION.cff, BibTeX and a plain line, all from the same few values.

Not here: DOIs. A release that has one names it as its url.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from copydesk import yamltext
from copydesk.release.model import Release

_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#",
    "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def render_citation(release: Release) -> bytes:
    """CITATION.cff, version 1.2.0."""
    dataset = asdict(release.project.dataset)
    value: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": "If you use this dataset, please cite it as below.",
        "type": "dataset",
        "title": one_line(dataset["title"]),
        "version": dataset["version"],
        "date-released": dataset["date"],
        # an entity: a creator may be a person or a group, and is cited by the whole name either way
        "authors": [{"name": one_line(name)} for name in dataset["creators"]],
        "abstract": one_line(dataset["summary"]),
    }
    if dataset.get("keywords"):
        value["keywords"] = [one_line(word) for word in dict.fromkeys(dataset["keywords"])]
    if _is_spdx(dataset["license"]):
        value["license"] = dataset["license"]
    if _is_web(dataset.get("url", "")):
        value["url"] = dataset["url"]
    return yamltext.dump(value).encode("utf-8")


def bibtex(dataset: Mapping[str, Any]) -> str:
    """A BibTeX entry for the release; one line a field."""
    key = re.sub(r"[^a-z0-9]+", "_", f"{dataset['name']}_{dataset['version']}".lower())
    fields = {
        "title": f"{{{_tex(dataset['title'])}}}",
        "author": " and ".join(f"{{{_tex(name)}}}" for name in dataset["creators"]),
        "year": dataset["date"][:4],
        "version": dataset["version"],
    }
    if _is_web(dataset.get("url", "")):
        fields["url"] = dataset["url"]
    body = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"@misc{{{key},\n{body}}}"


def plain(dataset: Mapping[str, Any]) -> str:
    """One line for a list of references."""
    names = "; ".join(one_line(name) for name in dataset["creators"])
    title, year = one_line(dataset["title"]), dataset["date"][:4]
    url = f" {dataset['url']}" if _is_web(dataset.get("url", "")) else ""
    return f"{names} ({year}). {title} (version {dataset['version']}) [data set].{url}"


def one_line(text: str) -> str:
    """`text` with control characters and line breaks as single spaces."""
    return _BREAKS.sub(" ", text).strip()


def _tex(text: str) -> str:
    return "".join(_TEX.get(char, char) for char in one_line(text))


def _is_spdx(license_id: str) -> bool:
    """Whether the format's list of licences can have it: one identifier, not one of our own making."""
    return re.fullmatch(r"(?!LicenseRef-)[A-Za-z0-9.+-]+", license_id) is not None


def _is_web(url: str) -> bool:
    return re.fullmatch(r"https?://[^\s{}\\<>\"]+", url) is not None
