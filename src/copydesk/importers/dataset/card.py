"""What a dataset folder says of itself: configs, their files and features, out of the card and the manifest.

Reads the YAML at the head of README.md as the Hub does, and the manifest.json of a release of copydesk's. Where
neither names files, the folder's layout does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from copydesk import jsontext, yamltext
from copydesk.archives import is_archive
from copydesk.importers.features import Feature, known_features

_SHARD = re.compile(r"(?:^|.*/)data/([\w.]+)-[0-9]{5}-of-[0-9]{5}[^/]*$")
_WORDS = re.compile(r"[-._ 0-9]+")
_SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}


class BadCard(Exception):  # noqa: N818 - says what is wrong with a card
    """A card cannot be understood. `line` counts from 1."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One table that the folder offers. `files`: (split, patterns), None where the layout of the folder decides.

    `folder`: what the layout is of, if not the whole. `features`: None where the card says nothing of the columns.
    """

    name: str = "default"
    default: bool = False
    files: Sequence[tuple[str, Sequence[str]]] | None = None
    folder: str = "."
    features: Mapping[str, Feature] | None = None

    def split_of(self, file: str) -> str | None:
        """The split that a file of the folder belongs to; None if it is no file of this config.

        What names an archive names all that is in it.
        """
        path = PurePosixPath(file)
        if self.files is None:
            return split_by_name(path.relative_to(self.folder).as_posix()) if path.is_relative_to(self.folder) else None
        names = [file, *(parent.as_posix() for parent in path.parents if is_archive(parent.name))]
        for split, patterns in self.files:
            if any(_matches(pattern, name) for pattern in patterns for name in names):
                return split
        return None


def front_matter(card: bytes) -> dict[str, object]:
    """The YAML between two lines `---` at the head of a card; empty if there is none. Raises BadCard."""
    text = card.decode("utf-8-sig", "replace")
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        return {}
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), None)
    if end is None:
        raise BadCard("the YAML at the head of the card has no end")
    try:
        value = yamltext.parse("\n".join(lines[1:end]))
    except yamltext.YamlError as error:
        raise BadCard(f"the head of the card is no YAML: {str(error)[:60]}", (error.line or 0) + 1) from None
    return value if isinstance(value, dict) else {}


def configs_of(head: Mapping[str, object]) -> list[Config]:
    """The configs that the head of a card declares, in its order; one by layout if it declares none."""
    infos = head.get("dataset_info")
    features: dict[str, Mapping[str, Feature]] = {}
    for info in [infos] if isinstance(infos, dict) else infos if isinstance(infos, list) else []:
        if isinstance(info, dict) and "features" in info:
            features[str(info.get("config_name", "default"))] = known_features(info["features"])
    declared = head.get("configs")
    out = []
    for given in declared if isinstance(declared, list) else []:
        if not isinstance(given, dict):
            continue
        name = str(given.get("config_name", "default"))
        own = known_features(given["features"]) if "features" in given else features.get(name)
        place = PurePosixPath(str(given.get("data_dir") or ".").strip("/") or ".").as_posix()
        files = _files(given.get("data_files"), place)
        out.append(Config(name=name, default=given.get("default") is True, files=files, folder=place, features=own))
    if out:
        return out
    name, own = next(iter(features.items()), ("default", None))
    return [Config(name=name, features=own)]


def _files(given: object, folder: str) -> list[tuple[str, list[str]]] | None:
    """`data_files` as (split, patterns): a pattern, a list of them, or splits with theirs."""
    if given is None:
        return None
    if isinstance(given, dict):
        pairs = list(given.items())
    elif isinstance(given, list) and any(isinstance(entry, dict) for entry in given):
        pairs = [(entry.get("split", "train"), entry.get("path")) for entry in given if isinstance(entry, dict)]
    else:
        pairs = [("train", given)]
    out = []
    for split, patterns in pairs:
        listed = patterns if isinstance(patterns, list) else [patterns]
        out.append((str(split), [_below(folder, p) for p in listed if isinstance(p, str)]))
    return out


def _below(folder: str, pattern: str) -> str:
    return PurePosixPath(folder, pattern).as_posix()


def _matches(pattern: str, file: str) -> bool:
    """Globs as the Hub resolves them: `*` stays in its folder, `**` does not."""
    return re.fullmatch(_expression(pattern), file) is not None


def _expression(pattern: str) -> str:
    out, at = "", 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            out, at = out + "(?:.*/)?", at + 3
        elif pattern.startswith("**", at):
            out, at = out + ".*", at + 2
        elif pattern[at] == "*":
            out, at = out + "[^/]*", at + 1
        elif pattern[at] == "?":
            out, at = out + "[^/]", at + 1
        elif pattern[at] == "[" and "]" in pattern[at + 2 :]:
            end = pattern.index("]", at + 2)
            inside = pattern[at + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            out, at = out + f"[{'^' + inside[1:] if inside[0] == '!' else inside}]", end + 1
        else:
            out, at = out + re.escape(pattern[at]), at + 1
    return out


def split_by_name(file: str) -> str:
    """The split by the layout: `data/<split>-00000-of-00001.…`, else a word in the folders or the name, else train."""
    if shard := _SHARD.match(file):
        return shard[1]
    path = PurePosixPath(file)
    for parts in (path.parent.parts, (path.name,)):
        words = {word for part in parts for word in _WORDS.split(part)}
        for split, keywords in _SPLITS.items():
            if words & set(keywords):
                return split
    return "train"


def release_configs(manifest: bytes) -> list[Config]:
    """The configs of a release, by its manifest; none if this is no such manifest.

    The default one is that of whole articles, whatever the release itself offers first.
    """
    try:
        value = jsontext.loads(manifest)
    except jsontext.JsonError:
        return []
    tables = value.get("tables") if isinstance(value, dict) else None
    out: list[Config] = []
    whole: dict[str, bool] = {}
    for name, table in tables.items() if isinstance(tables, dict) else ():
        if not isinstance(table, dict) or not isinstance(table.get("splits"), dict):
            continue
        files = [(split, _parquet(given)) for split, given in table["splits"].items()]
        out.append(Config(name=name, files=files))
        if table.get("view") == "records" and table.get("kind") == value.get("primary"):
            whole[name] = table.get("default") is True
    chosen = next((name for name, default in whole.items() if default), next(iter(whole), None))
    return [replace(config, default=config.name == chosen) for config in out]


def _parquet(split: object) -> list[str]:
    files = split.get("files") if isinstance(split, dict) else None
    names = files.get("parquet") if isinstance(files, dict) else None
    return [re.sub(r"([*?\[])", r"[\1]", name) for name in names if isinstance(name, str)] if names else []


def choose(configs: Sequence[Config], wanted: str | None) -> Config | None:
    """The config that is asked for, or the default, or the first. None: there is none of that name."""
    if wanted is not None:
        return next((config for config in configs if config.name == wanted), None)
    return next((config for config in configs if config.default), configs[0])
