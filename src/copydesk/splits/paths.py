"""The split that the path of a file names, as corpora come in folders or files of their splits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from copydesk.splits.members import split_named

_SHARED_TASK = {"testa": "validation", "testb": "test", "trainset": "train", "devset": "validation", "testset": "test"}
"""What some shared tasks call theirs (CoNLL-2003: eng.testa, eng.testb)."""


def split_in_path(path: str, ratios: Mapping[str, float]) -> str:
    """The one split that a part of the path names, the file's own name before its folders; empty if there is none.

    `news/dev/a1.ann`, `en_gum-ud-dev.conllu`, `data/validation-00000-of-00001.parquet`, `eng.testa` are validation.
    """
    for part in reversed(PurePosixPath(path).parts):
        words = [word for word in re.split(r"[^a-z]+", part.lower()) if word]
        named = {split_named(_SHARED_TASK.get(word, word), ratios) for word in words} - {""}
        if len(named) == 1:
            return named.pop()
    return ""
