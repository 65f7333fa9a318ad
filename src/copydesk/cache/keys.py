"""The keys under which results are kept: SHA-256 over all that a result depends on.

What a step gets to see is cut down to what it may depend on (`narrowed`), and the key is made of all of that: so a
setting cannot have an influence and be missing from the key. Code and libraries count as a whole: a new version of
any of them makes every key another.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import unicodedata
from dataclasses import replace
from functools import cache
from importlib import metadata
from pathlib import Path

import copydesk
from copydesk.contract.types import Contract
from copydesk.project import Bound, Config, Dataset, NearCopies, Project, ReleaseOptions, Source, Splits

LIBRARIES = (
    *("PyYAML", "conllu", "dkpro-cassis", "jsonschema", "jsonschema-rs", "lxml", "numpy", "orjson", "pyarrow"),
    *("referencing", "regex", "spacy"),
)
"""The libraries by which records are read, judged and written, by the names of their distributions."""
JUDGES = ("datasets", "duckdb", "fsspec", "great-expectations", "mlcroissant", "pandas")
"""The libraries that look at what was written, beside these."""

_NO_DATASET = Dataset(
    name="", title="", version="", date="", summary="", language=(), license="", creators=()
)  # fmt: skip


def key(*parts: str) -> str:
    """One key of several: no two lists of parts have the same."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@cache
def code_digest() -> str:
    """A digest over the files of this package: in a checkout they change more often than the version does."""
    folder = Path(copydesk.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".py", ".json"} and path.is_file():
            data = path.read_bytes()
            digest.update(f"{path.relative_to(folder).as_posix()} {len(data)}\n".encode() + data)
    return digest.hexdigest()


@cache
def environment(libraries: tuple[str, ...] = LIBRARIES) -> str:
    """The code, Python, what it knows of Unicode, and the versions of libraries."""
    return key(
        code_digest(),
        sys.version,
        platform.machine(),
        sys.byteorder,
        unicodedata.unidata_version,
        *(f"{name} {_version(name)}" for name in libraries),
    )


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "none"


def contract_digest(contract: Contract) -> str:
    """Over the schema documents, the order of properties included: it is that of the columns."""
    return key(repr([(k.name, k.file, k.schema) for k in contract.kinds.values()]), repr(contract.documents))


def narrowed(project: Project, number: int) -> Project:
    """The project as the stage of a source may know it: what is blank here has no influence on it.

    The source is the second of two; the first says no more than of which kind articles are. The version, the ledger's
    decisions, thresholds and shares have their say at the barrier, and may change without anything staged anew.
    """
    splits = project.splits
    return Project(
        root=project.root,
        dataset=_NO_DATASET,
        sources=(Source(kind=project.kinds[0], paths=()), replace(project.sources[number], paths=())),
        configs=(),
        splits=Splits(
            salt="",
            ratios=dict.fromkeys(splits.ratios, 1.0),
            by=splits.by,
            column=splits.column,
            stratify=splits.stratify,
            given=splits.given,
            near_copies=NearCopies(words=splits.near_copies.words) if splits.near_copies is not None else None,
            boilerplate=splits.boilerplate,
            bound=Bound(),
        ),
        release=ReleaseOptions(),
        on_error=project.on_error,
        waivers="",
    )


def settings_digest(project: Project) -> str:
    """Over a narrowed project: everything but where it lies."""
    return key(repr(replace(project, root=Path())))


def shard_key(config: Config, content: str, material: str) -> str:
    """Of a shard: its config, a digest of its records and what they link to, and of what they are written with. Not
    the split, nor its number: both stand in the name of the file only."""
    return key(repr(config), content, material)
