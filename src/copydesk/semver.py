"""Version numbers: three whole numbers, how they compare, which step breaks (Semantic Versioning 2.0.0, 4 and 8).

Not here: which step a difference asks for (diff/rules.py), and which versions there are (previous.py).
"""

from __future__ import annotations

import re

_NUMBER = r"(0|[1-9]\d{0,8})"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}", re.ASCII)


def is_version(text: str) -> bool:
    """Whether a text is a version as dataset.toml wants it. What follows takes nothing else."""
    return _VERSION.fullmatch(text) is not None


def version_key(version: str) -> tuple[int, ...]:
    """A version as numbers, which compare as versions do."""
    return tuple(int(part) for part in version.split("."))


def breaking(old: str, new: str) -> bool:
    """Whether a version says that scores may not be compared: a new major, or before 1.0 a new minor."""
    (major, minor, _), (old_major, old_minor, _) = version_key(new), version_key(old)
    return major > old_major or (major == old_major == 0 and minor > old_minor)


def next_breaking(old: str) -> str:
    """The first version that says so."""
    major, minor, _ = version_key(old)
    return f"{major + 1}.0.0" if major else f"0.{minor + 1}.0"
