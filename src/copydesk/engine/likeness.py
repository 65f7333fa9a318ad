"""Whether a worker elsewhere may take part: it must run the same code and see the same folders.

Two versions of a library can write different bytes, and a folder that a worker does not see is a release with holes.
So each process compares itself before its first task, also one that joins late.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import pickle
import platform
import socket
import sys
import unicodedata
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import copydesk

_LIBRARIES = (
    *("pyarrow", "numpy", "orjson", "jsonschema", "jsonschema-rs", "regex", "lxml", "conllu", "duckdb", "datasets"),
    *("great-expectations", "spacy", "dkpro-cassis"),
)
"""Whose versions can show in a release."""

_PROBE = ".copydesk-seen-"


@functools.cache
def environment() -> Mapping[str, str]:
    """What of this process can show in a release: name -> version."""
    found = {
        "copydesk": f"{copydesk.__version__} ({_sources()})",
        "Python": ".".join(map(str, sys.version_info[:2])),
        "Unicode": unicodedata.unidata_version,
        "byte order": sys.byteorder,
    }
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "none"
    return found


def _sources() -> str:
    """A digest of copydesk's own files: a version number is the same before and after an edit."""
    digest, root = hashlib.sha256(), Path(copydesk.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


class Unlike(Exception):  # noqa: N818 - it is a verdict about a machine
    """A worker that may not take part. The message says which, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What every worker must have and see: versions, and in each folder the file that the build put there."""

    versions: Mapping[str, str]
    probes: tuple[tuple[Path, str], ...]

    def differences(self) -> list[str]:
        """What is different here, in words."""
        here = environment()
        found = [
            f"{name} {here.get(name, 'none')} instead of {version}"
            for name, version in self.versions.items()
            if here.get(name) != version
        ]
        return found + [f"it does not see {folder}" for folder, name in self.probes if not (folder / name).exists()]


@contextmanager
def expected(shared: Sequence[Path]) -> Iterator[Expected]:
    """What workers are held to while the block runs: the files of `shared`, and in its folders a file that is put
    there. Of a folder that cannot be written it is only asked that it is there."""
    probes = [(path.parent, path.name) for path in shared if path.is_file()]
    made = []
    try:
        for folder in (path for path in shared if path.is_dir()):
            probe = folder / f"{_PROBE}{uuid.uuid4().hex}"
            try:
                probe.touch()
            except OSError:
                probes.append((folder, ""))
                continue
            made.append(probe)
            probes.append((folder, probe.name))
        yield Expected(versions=environment(), probes=tuple(probes))
    finally:
        for probe in made:
            probe.unlink(missing_ok=True)


@functools.lru_cache(maxsize=8)
def _judge(versions: tuple[tuple[str, str], ...], probes: tuple[tuple[Path, str], ...]) -> None:
    differences = Expected(versions=dict(versions), probes=probes).differences()
    if differences:
        raise Unlike(
            f"the worker on {platform.node() or socket.gethostname()} cannot take part: {'; '.join(differences)}"
        )


def call(held_to: Expected, function: bytes, item: bytes) -> bytes:
    """A task: `function` of `item`, all pickled, where everything is as expected; raises Unlike elsewhere."""
    _judge(tuple(held_to.versions.items()), held_to.probes)
    return pickle.dumps(_function(function)(pickle.loads(item)))


@functools.lru_cache(maxsize=4)
def _function(data: bytes) -> Callable[[Any], Any]:
    """Made once in a process: what a function holds, and what it has built from that, serves all its tasks."""
    made: Callable[[Any], Any] = pickle.loads(data)
    return made


def _nothing(item: object) -> None:
    pass


NOTHING = pickle.dumps(_nothing), pickle.dumps(None)
"""The least task: whoever does it can take part."""
