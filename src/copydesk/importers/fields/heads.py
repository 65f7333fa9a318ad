"""The beginnings of files by which a format of text files is recognised. Recognises none itself."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from copydesk.articles.units import Sample

_SEVERAL = 6


def heads(sample: Sample, *suffixes: str) -> Iterator[tuple[str, bytes]]:
    """The first files that have one of the suffixes, each with its first bytes, as UTF-8 where a mark says UTF-16.

    More than one, since a list of labels or some metadata may come first by its name.
    """
    names = [name for name in sample.names if name.lower().endswith(suffixes)]
    for name in names[:_SEVERAL]:
        head = sample.head(name)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            head = head.decode("utf-16", "ignore").encode("utf-8", "ignore")
        yield name, head
