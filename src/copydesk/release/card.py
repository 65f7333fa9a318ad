"""README.md: front matter that the Hub and `load_dataset` read, then the prose of the project with its numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from copydesk import yamltext
from copydesk.contract.arrow import yaml_features
from copydesk.diagnostics import Diagnostic, Place
from copydesk.project import PROJECT_FILE, Dataset
from copydesk.release import hublists
from copydesk.release.blocks import render
from copydesk.release.citation import one_line
from copydesk.release.facts import Facts, license_details
from copydesk.release.model import Release, Table

LICENSE_FILE = "LICENSE.md"
"""Where a licence stands that the Hub has no id for."""

_FENCE = "---\n"


def render_card(release: Release, facts: Facts, prose: str) -> tuple[bytes, list[Diagnostic]]:
    """The card, with R004 for markers in the prose and R010 for a front matter that it brings along."""
    project = release.project
    body, found = render(prose, facts, release.tables, project.release.card)
    if prose.startswith("---"):
        place = Place(file=project.release.card, line=1)
        message = "the front matter is made by the build; the prose must not begin with one of its own"
        found.append(Diagnostic(code="R010", place=place, message=message))
    head = yamltext.dump(front_matter(release, facts))
    return f"{_FENCE}{head}{_FENCE}\n{body.lstrip()}".encode(), found


def front_matter(release: Release, facts: Facts) -> dict[str, Any]:
    """The metadata of the card as plain values, in the order in which it stands there."""
    dataset = release.project.dataset
    tags = [tag.partition("-")[0] for tag in dataset.language]
    value: dict[str, Any] = {
        "pretty_name": one_line(dataset.title),
        "language": list(dict.fromkeys(tags)),
        "language_details": [tag for tag in dataset.language if "-" in tag],
        **card_license(dataset.license),
        "license_details": license_details(facts),
        "annotations_creators": list(dataset.annotations_creators),
        "language_creators": list(dataset.language_creators),
        "source_datasets": list(dataset.source_datasets),
        "size_categories": [hublists.size_category(int(facts.numbers.get("articles", "0")))],
        "task_categories": list(dataset.task_categories),
        "task_ids": list(dataset.task_ids),
        "tags": [one_line(word) for word in dict.fromkeys(dataset.keywords)],
        "configs": card_configs(release.tables, dataset.version),
        "dataset_info": [_info(table, facts) for table in release.tables],
    }
    return {key: inner for key, inner in value.items() if inner not in ([], "")}


def card_configs(tables: Iterable[Table], version: str) -> list[dict[str, Any]]:
    """The `configs` of the card, exactly one of them the default: without one, or with two, nothing loads by itself."""
    found = list(tables)
    chosen = next((t for t in found if t.config.default), next(iter(found), None))
    return [_config(table, table is chosen, version) for table in found]


def _config(table: Table, default: bool, version: str) -> dict[str, Any]:
    """Explicit globs that end in .parquet: the folder may hold other things, and a split without files breaks all."""
    files = [{"split": s.name, "path": f"{table.name}/{s.name}-*.parquet"} for s in table.splits]
    return {
        "config_name": table.name,
        **({"default": True} if default else {}),
        "version": version,  # part of the loader's cache key: without it a new release may show old rows
        "data_files": files,
    }


def _info(table: Table, facts: Facts) -> dict[str, Any]:
    return {
        "config_name": table.name,
        "features": yaml_features(table.type),
        "splits": split_infos(table),
        "download_size": sum(facts.sizes[e.path][1] for s in table.splits for e in s.parquet),
        "dataset_size": sum(s.num_bytes for s in table.splits),
    }


def split_infos(table: Table) -> list[dict[str, Any]]:
    """The splits of a config with their sizes, to which loaders hold what they read."""
    return [{"name": s.name, "num_bytes": s.num_bytes, "num_examples": s.rows} for s in table.splits]


def card_license(spdx: str) -> dict[str, str]:
    """The licence in the words of the Hub: its own identifier, or `other` with a name and a link."""
    known = hublists.license_id(spdx)
    if known is not None:
        return {"license": known}
    name = re.sub(r"[^a-z0-9.]+", "-", spdx.lower()).strip("-")
    return {"license": "other", "license_name": name, "license_link": LICENSE_FILE}


def check_metadata(dataset: Dataset) -> list[Diagnostic]:
    """R010 for each value that the Hub's lists do not have. Lists that cannot be known here are not checked."""
    base = [tag.partition("-")[0] for tag in dataset.language]
    return [
        *_unknown("language", base, hublists.languages()),
        *_unknown("annotations_creators", dataset.annotations_creators, hublists.creators("annotations")),
        *_unknown("language_creators", dataset.language_creators, hublists.creators("language")),
        *_unknown("task_categories", dataset.task_categories, hublists.TASKS),
        *_unknown("task_ids", dataset.task_ids, hublists.SUBTASKS),
    ]


def _unknown(key: str, values: Iterable[str], known: frozenset[str] | None) -> Iterator[Diagnostic]:
    for number, value in enumerate(values):
        if known is not None and value not in known:
            place = Place(file=PROJECT_FILE, pointer=f"/dataset/{key}/{number}")
            yield Diagnostic(code="R010", place=place, message=f"the Hub's list of {key} does not have {value!r}")


def card_metadata(data: bytes) -> dict[str, Any]:
    """The front matter of a card. Raises ValueError if there is none that can be read."""
    text = data.decode("utf-8")
    parts = re.match(r"---[ \t]*\n(.*?\n)---[ \t]*(?:\n|\Z)", text, re.S)
    value = yamltext.parse(parts[1]) if parts else None
    if not isinstance(value, dict):
        raise ValueError("the card has no front matter")
    return value


def card_infos(data: bytes) -> dict[str, dict[str, Any]]:
    """Config -> its entry in `dataset_info`; empty if the card has none that can be read."""
    try:
        infos = card_metadata(data).get("dataset_info")
    except ValueError:
        return {}
    listed = infos if isinstance(infos, list) else [infos]
    return {info["config_name"]: info for info in listed if isinstance(info, dict) and "config_name" in info}
