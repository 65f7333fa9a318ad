"""The export of a project of WebAnno or INCEpTION: which file is whose annotation of which document, from names alone.

    exportedproject123.json               the settings
    source/<document>                     what was uploaded
    annotation/<document>/<user>.tsv      or <user>.zip, with the files of a format that has several
    curation/<document>/CURATION_USER.tsv
    annotation_ser/, curation_ser/        the same once more, in a form that only the tool reads

Both tools write any of their formats so, and so both importers ask here. An archive stands for a folder. Before
INCEpTION 25 archives are called `webanno123export.zip`, and only the file in them by its user.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from copydesk.articles.units import stem
from copydesk.sources import RawRecord

CURATED, INITIAL = "CURATION_USER", "INITIAL_CAS"
"""The users to whom the tools give the curation, and the document as it was before any annotator."""

_PASS = re.compile(r"(?P<root>(?:.*/)?)(?P<folder>annotation|curation)/(?P<document>[^/]+)/(?P<rest>.+)")
_SIGN = re.compile(r"(?P<root>(?:.*/)?)(?:exportedproject[^/]*|(?:annotation|curation)_ser/.+)")
_SUFFIX = re.compile(r"(?<=.)\.(?:tsv|xmi|json|xml|zip|gz|bz2|xz|zst)$", re.IGNORECASE)
_NAMELESS = re.compile(r"(?:webanno|inception)[a-z-]*\d{6,}(?:export)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Whose a file is: below `root`, in the folder of a `document`. `user` may be one of the tools' own."""

    root: str
    folder: str
    document: str
    user: str

    @property
    def curated(self) -> bool:
        """Whether it is the curation."""
        return self.user == CURATED or self.folder == "curation"

    @property
    def initial(self) -> bool:
        """Whether it is the document as it was before any annotator."""
        return self.user == INITIAL

    @property
    def annotator(self) -> str | None:
        """A person's name."""
        return None if self.curated or self.initial else self.user


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document of a project: a file for each annotator, last the one as it was before. `name`: with the root."""

    name: str
    files: tuple[str, ...]


def whose(name: str) -> Pass | None:
    """Whose a file is, if it is a file of a project."""
    match = _PASS.fullmatch(name)
    if match is None:
        return None
    parts = match["rest"].split("/")
    user = _without_suffixes(parts[0])
    if len(parts) > 1 and _NAMELESS.fullmatch(user):
        user = _without_suffixes(parts[-1])
    return Pass(root=match["root"], folder=match["folder"], document=match["document"], user=user)


def _without_suffixes(name: str) -> str:
    while (plain := _SUFFIX.sub("", name)) != name:
        name = plain
    return name


def documents(names: Sequence[str], suffixes: Sequence[str]) -> tuple[list[Document], list[str]]:
    """The documents of the projects among the files, and the files that are of no project.

    Only files with one of the suffixes (lower case) are read; of several that one annotator has of a document, that
    of the first suffix. Documents are called by their folder, without suffix where no other is called so then.
    """
    passes = [(name, found) for name in names if (found := whose(name)) is not None]
    roots = _roots(names, passes)
    sure = [(n, p) for n, p in passes if p.root in roots or _plain(p.document) != p.document]
    groups: dict[tuple[str, str], dict[str, list[str]]] = {}
    for name, one in sure:
        if name.lower().endswith(tuple(suffixes)):
            groups.setdefault((one.root, one.document), {}).setdefault(one.user, []).append(name)
    called = Counter((root, _plain(document)) for root, document in groups)
    out = []
    for (root, document), users in groups.items():
        plain = _plain(document) if called[root, _plain(document)] == 1 else document
        files = [min(files, key=lambda name: _rank(name, suffixes)) for files in users.values()]
        files.sort(key=lambda name: ((found := whose(name)) is not None and found.initial, name))
        out.append(Document(name=f"{root}{plain}", files=tuple(files)))
    return out, _others(names, roots | {root for root, _ in groups}, {name for name, _ in sure})


def _roots(names: Sequence[str], passes: Sequence[tuple[str, Pass]]) -> set[str]:
    """Where projects are. A folder `annotation` alone makes none.

    There are the settings or what only the tool reads; what was uploaded, under the name of a document; a curation or
    the document as it was.
    """
    given = set(names)
    out = {match["root"] for name in names if (match := _SIGN.fullmatch(name)) is not None}
    for _, one in passes:
        if one.user in {CURATED, INITIAL} or f"{one.root}source/{one.document}" in given:
            out.add(one.root)
    return out


def _rank(name: str, suffixes: Sequence[str]) -> tuple[bool, int, str]:
    found, lower = whose(name), name.lower()
    number = next(n for n, suffix in enumerate(suffixes) if lower.endswith(suffix))
    return (found is None or found.folder != "curation", number, name)


def _others(names: Sequence[str], roots: set[str], taken: set[str]) -> list[str]:
    """The files that are of no project: neither settings nor what was uploaded nor anybody's annotation."""
    uploads = tuple(f"{root}source/" for root in roots)
    return [
        name for name in names if name not in taken and not name.startswith(uploads) and _SIGN.fullmatch(name) is None
    ]


def _plain(document: str) -> str:
    return re.sub(r"(?<=.)\.[A-Za-z][A-Za-z0-9]{0,5}$", "", document)


def pass_of(raw: RawRecord, name: str) -> Pass | None:
    """Whose a file of a unit is; None where the unit is no document of a project."""
    return whose(name) if raw.name != stem(raw.file).removeprefix(raw.base) else None


def article_name(raw: RawRecord) -> str:
    """What the article of a unit is called. Paths can lead into a project; the names of its documents do not."""
    found = pass_of(raw, raw.file)
    if found is None or not raw.base.startswith(found.root) or raw.base == found.root:
        return raw.name
    return raw.name.removeprefix(found.root)


def by_annotator(raw: RawRecord, files: Mapping[str, bytes]) -> tuple[list[str], int]:
    """The files of a unit that are articles, and how many are not: the document as it was, if anybody annotated it."""
    passes = [name for name in files if (found := pass_of(raw, name)) is None or not found.initial] or list(files)
    return passes, len(files) - len(passes)
