"""dataset.toml -> a frozen Project. Says what is asked for; whether the data can give it is decided later."""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from copydesk import jsontext
from copydesk.contract.validate import schema_errors
from copydesk.diagnostics import Diagnostic, Place

PROJECT_FILE = "dataset.toml"
DEFAULT_RATIOS = {"train": 0.8, "validation": 0.1, "test": 0.1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """[dataset]: what the dataset is called and what its card says of it. `license` is the annotation's."""

    name: str
    title: str
    version: str
    date: str
    summary: str
    language: tuple[str, ...]
    license: str
    creators: tuple[str, ...]
    url: str = ""
    contact: str = ""
    keywords: tuple[str, ...] = ()
    task_categories: tuple[str, ...] = ()
    task_ids: tuple[str, ...] = ()
    annotations_creators: tuple[str, ...] = ()
    language_creators: tuple[str, ...] = ()
    source_datasets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One [[source]]: files with records of one kind. `defaults` fill properties that a record leaves out."""

    kind: str
    paths: tuple[str, ...]
    format: str = "copydesk"
    defaults: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One line of [configs]: a table that the release offers."""

    name: str
    view: str
    kind: str
    layer: str | None = None
    carry: tuple[str, ...] = ()
    bring: tuple[str, ...] = ()
    default: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One [[splits.pin]]: articles whose group must be in this split, and why."""

    articles: tuple[str, ...]
    split: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    """[splits]: how groups fall into splits. `ratios` need not sum to one."""

    salt: str
    ratios: Mapping[str, float]
    pins: tuple[Pin, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseOptions:
    """[release]: where it goes and what it is made of. A draft may have unanswered questions."""

    output: str = "dist"
    draft: bool = False
    articles_per_shard: int = 10_000
    card: str = "data/card.md"
    datasheet: str = "DATASHEET.md"
    changelog: str = "data/CHANGELOG.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A dataset project: the folder and what its dataset.toml says."""

    root: Path
    dataset: Dataset
    sources: tuple[Source, ...]
    configs: tuple[Config, ...]
    splits: Splits
    release: ReleaseOptions
    on_error: str = "fail"
    waivers: str = "data/waivers.toml"
    passes: tuple[str, ...] = ()
    responsible: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of records, in the order of the sources, each once."""
        return tuple(dict.fromkeys(source.kind for source in self.sources))

    @property
    def ledger_path(self) -> Path:
        return self.root / "data" / "ledger.jsonl"

    @property
    def output(self) -> Path:
        return self.root / self.release.output

    @property
    def release_name(self) -> str:
        return f"{self.dataset.name}-{self.dataset.version}"


def load_project(root: Path) -> tuple[Project | None, list[Diagnostic]]:
    """Read `root`/dataset.toml. Returns no project, and why, if it cannot be understood."""
    place = Place(file=PROJECT_FILE)
    try:
        data = (root / PROJECT_FILE).read_bytes()
    except OSError as error:
        return None, [Diagnostic(code="P001", place=place, message=f"{root / PROJECT_FILE}: {error.strerror}")]
    try:
        value = _plain(tomllib.loads(data.decode("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return None, [Diagnostic(code="P002", place=place, message=str(error))]
    schema = jsontext.loads((files("copydesk") / "project.schema.json").read_bytes())
    text = data.decode()
    errors = [
        Diagnostic(
            code="P003",
            place=Place(file=PROJECT_FILE, line=_line(text, pointer), pointer=pointer or None),
            message=message,
        )
        for pointer, message in schema_errors(schema, value)
    ]
    errors = errors or _contradictions(value)
    return (None, errors) if errors else (_project(root, value), [])


def _contradictions(value: Mapping[str, Any]) -> list[Diagnostic]:
    defaults = [name for name, line in value["configs"].items() if line.get("default")]
    if len(defaults) > 1:
        place = Place(file=PROJECT_FILE, pointer="/configs")
        message = f"there is one default config, not {len(defaults)}: {', '.join(defaults)}"
        return [Diagnostic(code="P003", place=place, message=message)]
    return []


def _plain(value: Any) -> Any:
    """TOML values as JSON values: dates as ISO strings."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else value


def _line(text: str, pointer: str) -> int | None:
    """The line on which the last key of the pointer is set, if there is just one such line."""
    names = [step for step in pointer.split("/") if step and not step.isdigit()]
    key = names[-1] if names else ""
    hits = [
        number
        for number, line in enumerate(text.splitlines(), 1)
        if key and (line.split("=")[0].strip() == key or line.strip() in {f"[{key}]", f"[[{key}]]"})
    ]
    return hits[0] if len(hits) == 1 else None


def _tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in table.items()}


def _project(root: Path, value: dict[str, Any]) -> Project:
    dataset = Dataset(**_tuples(value["dataset"]))
    splits = value.get("splits", {})
    checks = value.get("checks", {})
    return Project(
        root=root,
        dataset=dataset,
        sources=tuple(Source(**_tuples(source)) for source in value["source"]),
        configs=_configs(value["configs"], value["source"][0]["kind"]),
        splits=Splits(
            salt=splits.get("salt", dataset.name),
            ratios=splits.get("ratios", DEFAULT_RATIOS),
            pins=tuple(Pin(**_tuples(pin)) for pin in splits.get("pin", ())),
        ),
        release=ReleaseOptions(**value.get("release", {})),
        on_error=checks.get("on_error", "fail"),
        waivers=checks.get("waivers", "data/waivers.toml"),
        passes=tuple(value.get("agreement", {}).get("passes", ())),
        responsible=value.get("responsible", {}),
    )


def _configs(lines: Mapping[str, Mapping[str, Any]], first_kind: str) -> tuple[Config, ...]:
    """The configs, one of them the default: the one that says so, else the first."""
    chosen = next((name for name, line in lines.items() if line.get("default")), next(iter(lines)))
    made = []
    for name, line in lines.items():
        options = _tuples(line)
        options.setdefault("kind", first_kind)
        options.setdefault("view", "layer" if "layer" in line else "records")
        made.append(Config(**{**options, "name": name, "default": name == chosen}))
    return tuple(made)
