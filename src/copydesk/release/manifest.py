"""manifest.json and SHA256SUMS: every file of a release, every logical digest, and what made them.

No clock and no commit: the ledger and the datasheet are committed after a build, and the next build of the same
inputs must give the same bytes. The digest of the inputs says more than a commit does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from copydesk import __version__, jsontext
from copydesk.project import Project
from copydesk.release.model import FileEntry, Table, tables_as_json

MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
FORMAT = 1
"""Version of the manifest's own form."""

_LIBRARIES = (
    "pyarrow",
    "orjson",
    "jsonschema-rs",
    "great-expectations",
    "duckdb",
    "datasets",
    "mlcroissant",
    "regex",
)


def dataset_as_json(project: Project, edition: str = "full") -> dict[str, Any]:
    """The `dataset` section: what dataset.toml says of the dataset."""
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(project.dataset).items()}
    return {**plain, "edition": edition, "draft": project.release.draft}


def draft(project: Project, tables: Iterable[Table], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest before the documents exist: all but `files`."""
    return {
        "format": FORMAT,
        "dataset": dataset_as_json(project),
        "primary": project.kinds[0],
        "splits": {"salt": project.splits.salt, "ratios": dict(project.splits.ratios)},
        "tables": tables_as_json(tables),
        "inputs": dict(inputs),
        "tools": _tools(),
    }


def with_files(manifest: Mapping[str, Any], files: Iterable[FileEntry]) -> dict[str, Any]:
    """The whole manifest: every file but itself and the sums, by path."""
    ordered = sorted(files, key=lambda entry: entry.path)
    return {**manifest, "files": [asdict(entry) for entry in ordered]}


def sums(files: Iterable[FileEntry]) -> bytes:
    """SHA256SUMS in the form that `sha256sum -c` reads."""
    return "".join(f"{e.sha256}  {e.path}\n" for e in sorted(files, key=lambda entry: entry.path)).encode()


def load_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a release. Raises ValueError if there is none that can be read."""
    try:
        value = jsontext.loads((folder / MANIFEST).read_bytes())
    except OSError as error:
        raise ValueError(f"{MANIFEST}: {error.strerror}") from None
    except jsontext.JsonError as error:
        raise ValueError(f"{MANIFEST}: {error.message}") from None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ValueError(f"{MANIFEST} is not of format {FORMAT}")
    return value


def file_entries(manifest: Mapping[str, Any]) -> dict[str, FileEntry]:
    """The files of a manifest by path."""
    return {entry["path"]: FileEntry(**entry) for entry in manifest["files"]}


def _tools() -> dict[str, str]:
    found = {"copydesk": __version__}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # an optional part that this build did not need
            continue
    return found
