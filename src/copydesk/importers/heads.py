"""The beginning of a file as text, to know its format by. For reading files there is units.decode, which is strict."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from copydesk.articles.units import Sample

LOOKED_AT = 20
"""Files of one kind of name that are looked at: the first ones may be empty, or a README."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def head_text(head: bytes) -> str:
    """The first bytes of a file as text with LF for any line end; what is not UTF-8, or cut in two, is replaced."""
    encoding = "utf-8"
    for mark, name in _MARKS:
        if head.startswith(mark):
            head, encoding = head[len(mark) :], name
    return head.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")


def heads(sample: Sample, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(name, beginning) of up to LOOKED_AT of the files that are not blank, from all over the list."""
    step = max(len(names) // LOOKED_AT, 1)
    seen = 0
    for name in dict.fromkeys([*names[::step], *names[:LOOKED_AT]]):
        text = head_text(sample.head(name))
        if text.strip():
            yield name, text
            seen += 1
        if seen == LOOKED_AT:
            return


def heads_by_suffix(sample: Sample, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The same for each suffix that the names have: a few tables among many texts are not passed over."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(PurePosixPath(name.lower()).suffix, []).append(name)
    for group in groups.values():
        yield from heads(sample, group)
