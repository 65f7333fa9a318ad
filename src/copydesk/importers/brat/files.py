"""Which files of a brat corpus are of one text: its .ann files, whoever made them. Knows names alone, reads nothing.

An .ann file belongs to the text of its name beside it. If there is none, it belongs to the nearest text of its name in
another folder (`text/a.txt` and `annotations/a_kim.ann`) that has no .ann file of its own: a corpus that uses its names
again in every folder must not lend a text from one to the other.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from copydesk.articles.units import stem

_ANN = re.compile(r"(.+)\.ann(?:([0-9]+|[A-Z])|[_-]([\w-]+))?", re.IGNORECASE | re.DOTALL)
_PARTS = ("a1", "a2", "co", "rel")
_PART = re.compile(rf"(.+)\.({'|'.join(_PARTS)})", re.IGNORECASE | re.DOTALL)


@dataclass(slots=True, kw_only=True)
class Pass:
    """What one annotator made of a text: one .ann file, or the files of a text as the BioNLP shared tasks cut it up.

    `text` is the file with the text, or None where there is none.
    """

    annotator: str | None
    files: tuple[str, ...]
    text: str | None


@dataclass(slots=True, kw_only=True)
class Document:
    """The files on one text."""

    stem: str
    passes: list[Pass] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def files(self) -> list[str]:
        """Those with annotations first."""
        return [*(file for one in self.passes for file in one.files), *self.texts]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """Files with annotations: their name without the suffix, and the annotator that the suffix names."""

    files: tuple[str, ...]
    own: str
    who: str | None = None


def is_annotation(name: str) -> bool:
    """Whether a file has annotations, by its name."""
    part = _PART.fullmatch(name)
    return _ANN.fullmatch(name) is not None or (part is not None and part[2].lower() in ("a1", "a2"))


def documents(names: Iterable[str], annotators: object) -> list[Document]:
    """The files, text by text, in order of the names. `annotators` is the option."""
    texts: dict[str, str] = {}
    written: list[_Written] = []
    parts: dict[str, dict[str, str]] = {}
    for name in names:
        found, part = _ANN.fullmatch(name), _PART.fullmatch(name)
        if name.lower().endswith(".txt"):
            texts.setdefault(stem(name), name)
        elif found and (annotators == "files" or not (found[2] or found[3])):
            written.append(_Written(files=(name,), own=found[1], who=found[2] or found[3]))
        elif part:
            parts.setdefault(part[1], {}).setdefault(part[2].lower(), name)
    whole = {one.own for one in written}
    for own, files in parts.items():
        if own not in whole and not files.keys().isdisjoint({"a1", "a2"}):
            written.append(_Written(files=tuple(files[kind] for kind in _PARTS if kind in files), own=own))
    if annotators in ("files", "none"):
        return _by_name(texts, written, annotators == "files")
    return _by_folder(texts, written, annotators)


def _by_name(texts: Mapping[str, str], written: Sequence[_Written], suffixes: bool) -> list[Document]:
    others = _Others(texts, {one.own for one in written})
    made: dict[str, Document] = {}
    for one in written:
        home, who = one.own, one.who
        if home not in texts:
            home, who = _home(one, texts, others, suffixes)
        document = made.setdefault(home, Document(stem=home))
        document.passes.append(Pass(annotator=who, files=one.files, text=texts.get(home)))
    for own, name in texts.items():
        made.setdefault(own, Document(stem=own)).texts.append(name)
    for document in made.values():
        _tell_apart(document.passes)
    return sorted(made.values(), key=lambda document: document.stem)


def _home(one: _Written, texts: Mapping[str, str], others: _Others, suffixes: bool) -> tuple[str, str | None]:
    """The name of the text that annotations without one of their name beside them are on, and the annotator.

    The annotator's name may follow that of the text: the longest name of a text is taken, beside it if there is one.
    """
    own, base = one.own, one.own.rpartition("/")[2]
    cuts = [at for at in range(len(own) - 2, len(own) - len(base), -1) if own[at] in "._-"]
    cuts = cuts if suffixes and one.who is None else []
    beside = next((at for at in cuts if own[:at] in texts), None)
    if beside is not None:
        return own[:beside], own[beside + 1 :]
    for at in (len(own), *cuts):
        found = others.nearest(own[:at])
        if found is not None:
            return found, own[at + 1 :] or one.who
    return own, one.who


class _Others:
    """The texts without annotations beside them, by their last name, to be found from other folders."""

    def __init__(self, texts: Iterable[str], taken: set[str]) -> None:
        self._free = [own for own in texts if own not in taken]

    @cached_property
    def _below(self) -> dict[tuple[str, str], tuple[int, str | None]]:
        """(folder, last name) -> how deep the text lies, and its name; None if several lie equally deep."""
        out: dict[tuple[str, str], tuple[int, str | None]] = {}
        for own in self._free:
            for depth, folder in enumerate(_folders(own)):
                key = (folder, _last(own))
                deep, known = out.get(key, (depth + 1, own))
                if depth < deep:
                    out[key] = (depth, own)
                elif depth == deep and known != own:
                    out[key] = (depth, None)
        return out

    def nearest(self, own: str) -> str | None:
        """The text of this name in the nearest folder around the annotations; None if there is none, or several."""
        last = _last(own)
        found = (self._below[folder, last] for folder in _folders(own) if (folder, last) in self._below)
        return next(found, (0, None))[1]


def _folders(own: str) -> Iterator[str]:
    """The folder of a name, and those above it."""
    return (folder.as_posix() for folder in PurePosixPath(own).parents)


def _last(own: str) -> str:
    """A name without its folders, as it compares: archives and systems change case and normal form."""
    return unicodedata.normalize("NFC", own.rpartition("/")[2]).casefold()


def _tell_apart(passes: Sequence[Pass]) -> None:
    """Add the folder to the names of annotators that are alike: kim/a.ann and lee/a.ann on a.txt are two."""
    given = [one.annotator for one in passes]
    counted = Counter(given)
    for whole in (False, True):
        if len({one.annotator for one in passes}) == len(passes):
            return
        for one, who in zip(passes, given, strict=True):
            if counted[who] > 1:
                folder = PurePosixPath(one.files[0]).parent
                one.annotator = "/".join(word for word in (folder.as_posix() if whole else folder.name, who) if word)


def _by_folder(texts: Mapping[str, str], written: Sequence[_Written], named: object) -> list[Document]:
    made: dict[str, Document] = {}
    split = {one.own: _split_folder(one.own, named) for one in written}
    homes = {home for home, _ in split.values()}
    for own, name in texts.items():
        common = _split_folder(own, named)[0]
        home = own if own in homes or common not in homes else common
        made.setdefault(home, Document(stem=home)).texts.append(name)
    for one in written:
        home, who = split[one.own]
        document = made.setdefault(home, Document(stem=home))
        only = document.texts[0] if len(document.texts) == 1 else None
        text = texts.get(one.own) or texts.get(home) or only
        document.passes.append(Pass(annotator=who, files=one.files, text=text))
    return sorted(made.values(), key=lambda document: document.stem)


def _split_folder(own: str, named: object) -> tuple[str, str | None]:
    """A name without the folder that is called after an annotator, and the annotator."""
    parts = own.split("/")
    for at in range(len(parts) - 2, -1, -1):
        if not isinstance(named, list | tuple) or parts[at] in named:
            return "/".join([*parts[:at], *parts[at + 1 :]]), parts[at]
    return own, None
