"""dataset.toml -> a frozen Project. Says what is asked for; whether the data can give it is decided later."""

from __future__ import annotations

import datetime
import re
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
    keywords: tuple[str, ...] = ()
    task_categories: tuple[str, ...] = ()
    task_ids: tuple[str, ...] = ()
    annotations_creators: tuple[str, ...] = ()
    language_creators: tuple[str, ...] = ()
    source_datasets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One [[source]]: files with records of one kind. `defaults` fill properties that a record leaves out.

    For formats of other tools: `take` is what is taken from the files (articles, unless the format has more),
    `options` are the format's own, `encoding` that of its text files, `map` renames (importers/mapping.py), and
    `passes` says which of several annotators counts (importers/passes.py). `split`: the split of its new articles, or
    `split_from_path`: each file's path names it.
    """

    kind: str
    paths: tuple[str, ...]
    format: str = "copydesk"
    take: str = ""
    encoding: str = "utf-8"
    split: str = ""
    split_from_path: bool = False
    defaults: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    map: Mapping[str, Any] = field(default_factory=dict)
    passes: Mapping[str, Any] = field(default_factory=dict)


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
class Decision:
    """One [[splits.decision]]: what becomes of a group that would straddle splits; `version` is when it was decided.

    "move": the group goes to `to`. "quarantine": the articles are left out. "accept": they are set apart from the rest.
    """

    articles: tuple[str, ...]
    choice: str
    version: str
    reason: str
    to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearCopies:
    """From which similarity on two texts are near copies: of their shingles of so many words."""

    jaccard: float = 0.5
    containment: float = 0.8
    words: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Boilerplate:
    """Spans that are left out when texts are compared: items of a layer with one of these values of a property."""

    layer: str
    property: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What articles of different splits may have in common at most; None: anything. `ngram` counts tokens."""

    jaccard: float | None = None
    containment: float | None = None
    ngram: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    """[splits]: what is one group, and how groups fall into splits (docs/splits.md). `ratios` need not sum to one.

    `by` is hash, quota or time. `column`, `stratify` and `given` are paths of properties, steps parted by dots.
    """

    salt: str
    ratios: Mapping[str, float]
    pins: tuple[Pin, ...] = ()
    by: str = "hash"
    column: str = ""
    stratify: str = ""
    given: str = ""
    prefer: tuple[str, ...] = ()
    folds: int | None = None
    near_copies: NearCopies | None = field(default_factory=NearCopies)
    boilerplate: tuple[Boilerplate, ...] = ()
    bound: Bound = field(default_factory=Bound)
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseOptions:
    """[release]: where it goes and what it is made of. A draft may have unanswered questions.

    `previous`: the release to compare with, a folder or an archive; empty for the newest in the output folder.
    """

    output: str = "dist"
    draft: bool = False
    articles_per_shard: int = 10_000
    card: str = "data/card.md"
    datasheet: str = "DATASHEET.md"
    changelog: str = "data/CHANGELOG.md"
    previous: str = ""


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
    lines: Mapping[str, int] = field(default_factory=dict)

    def place(self, pointer: str) -> Place:
        """Where dataset.toml says what the pointer names."""
        return Place(file=PROJECT_FILE, line=nearest_line(self.lines, pointer), pointer=pointer)

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
        message = f"this folder has no {PROJECT_FILE} that can be read: {error.strerror}"
        return None, [Diagnostic(code="P001", place=place, message=message)]
    try:
        value = _plain(parse_toml(data))
    except ValueError as error:
        return None, [
            Diagnostic(code="P002", place=Place(file=PROJECT_FILE, line=error.args[1]), message=str(error.args[0]))
        ]
    schema = jsontext.loads((files("copydesk") / "project.schema.json").read_bytes())
    lines = toml_lines(data.decode())
    errors = [
        Diagnostic(
            code="P003",
            place=Place(file=PROJECT_FILE, line=nearest_line(lines, pointer), pointer=pointer or None),
            message=message,
        )
        for pointer, message in [*schema_errors(schema, value)] or _contradictions(value)
    ]
    return (None, errors) if errors else (_project(root, value, lines), [])


def _contradictions(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    defaults = [name for name, line in value["configs"].items() if line.get("default")]
    if len(defaults) > 1:
        message = f"there is one default config, not {len(defaults)}: {', '.join(defaults)}"
        return [(f"/configs/{defaults[1]}", message)]
    return _split_contradictions(value, value.get("splits", {}))


def _split_contradictions(value: Mapping[str, Any], splits: Mapping[str, Any]) -> list[tuple[str, str]]:
    ratios = splits.get("ratios", DEFAULT_RATIOS)
    found = [("/splits/ratios/all", "`all` is what loaders call every split together")] if "all" in ratios else []
    by = splits.get("by", "quota" if "stratify" in splits else "hash")
    if by == "time" and "column" not in splits:
        found.append(("/splits/by", 'by = "time" needs a `column`: the property that holds an article\'s time'))
    if by != "time" and "column" in splits:
        found.append(("/splits/column", '`column` is for by = "time"'))
    if by != "quota" and "stratify" in splits:
        found.append(("/splits/stratify", f'by = "{by}" does not stratify; by = "quota" does'))
    first = value["source"][0]["kind"]
    for number, source in enumerate(value["source"]):
        if "split" in source and source.get("split_from_path"):
            found.append((f"/source/{number}/split", "the split is given here or by the path, not both"))
        if ("split" in source or source.get("split_from_path")) and source["kind"] != first:
            found.append((f"/source/{number}/split", f"only records of the first kind, {first}, are given a split"))
    for number, decision in enumerate(splits.get("decision", ())):
        if (decision["choice"] == "move") != ("to" in decision):
            what = "a move says `to` which split" if "to" not in decision else "only a move goes `to` a split"
            found.append((f"/splits/decision/{number}", what))
    named = [
        *((f"/source/{n}/split", source.get("split")) for n, source in enumerate(value["source"])),
        *((f"/splits/prefer/{n}", name) for n, name in enumerate(splits.get("prefer", ()))),
        *((f"/splits/pin/{n}/split", pin["split"]) for n, pin in enumerate(splits.get("pin", ()))),
        *((f"/splits/decision/{n}/to", decision.get("to")) for n, decision in enumerate(splits.get("decision", ()))),
    ]
    known = ", ".join(ratios)
    for pointer, name in named:
        if name is not None and name not in ratios:
            found.append((pointer, f"there is no split {name!r}; the ratios name {known}"))
    return found


def parse_toml(data: bytes) -> dict[str, Any]:
    """The values of a TOML file. Raises ValueError(message, line or None)."""
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8", line) from None
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+)", str(error))
        message = re.sub(r"\s*\(at [^()]*\)$", "", str(error))
        raise ValueError(message, int(at[1]) if at else data.count(b"\n") + 1) from None


def _plain(value: Any) -> Any:
    """TOML values as JSON values: dates as ISO strings."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else value


_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"""\s*((?:[\w.-]|"[^"]*"|'[^']*')+)\s*=""")


def toml_lines(text: str) -> dict[str, int]:
    """JSON pointer -> line of each table and of each key that begins a line. A guess in multi-line values only."""
    lines: dict[str, int] = {}
    sizes: dict[str, int] = {}
    table = ""

    def pointer(start: str, names: str) -> str:
        for name in names.split("."):
            start += "/" + jsontext.escape(name.strip().strip("\"'"))
            if start in sizes:
                start += f"/{sizes[start] - 1}"
        return start

    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            if header[1] == "[[":
                parent, _, last = header[2].rpartition(".")
                array = f"{pointer('', parent) if parent else ''}/{last.strip()}"
                sizes[array] = sizes.get(array, 0) + 1
                lines.setdefault(array, number)
            table = pointer("", header[2])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault(pointer(table, key[1]), number)
    return lines


def nearest_line(lines: Mapping[str, int], pointer: str) -> int | None:
    """The line of what a pointer names, or of the nearest thing around it."""
    while pointer and pointer not in lines:
        pointer = pointer.rpartition("/")[0]
    return lines.get(pointer)


def _tuples(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in table.items()}


def _project(root: Path, value: dict[str, Any], lines: Mapping[str, int]) -> Project:
    dataset = Dataset(**_tuples(value["dataset"]))
    checks = value.get("checks", {})
    return Project(
        root=root,
        dataset=dataset,
        sources=tuple(Source(**_tuples(source)) for source in value["source"]),
        configs=_configs(value["configs"], value["source"][0]["kind"]),
        splits=_splits(value.get("splits", {}), dataset.name),
        release=ReleaseOptions(**value.get("release", {})),
        on_error=checks.get("on_error", "fail"),
        waivers=checks.get("waivers", "data/waivers.toml"),
        passes=tuple(value.get("agreement", {}).get("passes", ())),
        responsible=value.get("responsible", {}),
        lines=lines,
    )


def _splits(table: Mapping[str, Any], name: str) -> Splits:
    plain = {key: table[key] for key in ("column", "stratify", "given", "folds") if key in table}
    near = table.get("near_copies", {})
    return Splits(
        salt=table.get("salt", name),
        ratios=table.get("ratios", DEFAULT_RATIOS),
        by=table.get("by", "quota" if "stratify" in table else "hash"),
        prefer=tuple(table.get("prefer", ())),
        near_copies=NearCopies(**({} if near is True else near)) if near is not False else None,
        boilerplate=tuple(Boilerplate(**_tuples(line)) for line in table.get("boilerplate", ())),
        bound=Bound(**table.get("bound", {})),
        pins=tuple(Pin(**_tuples(pin)) for pin in table.get("pin", ())),
        decisions=tuple(Decision(**_tuples(decision)) for decision in table.get("decision", ())),
        **plain,
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
