"""YAML as the documents write it: plain block style, every string that could be read otherwise quoted.

Not a general YAML library: values are JSON values. Reading is safe, and by the Python parser: the one in C ends the
process on input that is nested deeply.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./*<-]*")
"""Strings that may stand unquoted, if the resolver below agrees that they are strings."""
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""What YAML 1.1 reads as something else than a string: `language: no` is no language."""


class _Dumper(yaml.SafeDumper):
    """Indents lists under their key, has no aliases, quotes what is not plainly a word."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _string(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    plain = _PLAIN.fullmatch(value) is not None and value.lower() not in _WORDS
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')


_Dumper.add_representer(str, _string)


def dump(value: Any) -> str:
    """`value` as a YAML document, keys in their order, without document markers."""
    # never folded: a line of a folded string can look like the end of front matter
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**9)
    return text


class YamlError(ValueError):
    """Text that is no YAML, or whose values are none. `line` counts from 1, and is None where it is not known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def parse(text: str) -> Any:
    """The value of one YAML document. Raises YamlError."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = str(getattr(error, "problem", None) or error)
        raise YamlError(what, mark.line + 1 if mark else None) from None
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:  # dates, keys that are lists
        raise YamlError(str(error)) from None
