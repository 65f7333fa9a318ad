"""UIMA CAS as XMI (with the type system beside it) and as CAS JSON; whole INCEpTION projects too. The home of cassis.

cassis brings the types that every UIMA program knows (UIMA's own and those of DKPro Core). The files are read here,
structure by structure, so that one that is damaged costs itself and has a place; the tests hold what is read against
what cassis reads. Offsets in XMI and CAS JSON count UTF-16 units: UIMA's text is a Java string.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import cassis

from copydesk import jsontext, xmltext
from copydesk.articles import offsets
from copydesk.articles.model import Article
from copydesk.articles.units import Sample, stem
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers import xmlchars
from copydesk.importers.cas import guess, oldjson
from copydesk.importers.cas.layers import Layering, layer_names
from copydesk.importers.cas.model import Cas, Subject
from copydesk.importers.cas.oldjson import from_old_json
from copydesk.importers.cas.structures import XMI_ROOT, from_json, from_xmi
from copydesk.importers.cas.systems import Nearest, candidates, declared
from copydesk.importers.cas.types import (
    DOCUMENT_ANNOTATION,
    STRING,
    CasType,
    Declared,
    Trouble,
    Types,
    complete,
    feature,
    in_json,
)
from copydesk.importers.webanno.names import META_DATA
from copydesk.importers.webanno.projects import article_name, by_annotator, documents, pass_of
from copydesk.importers.xmlchars import Restore
from copydesk.project import Source
from copydesk.sources import RawRecord, Unit

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "view": {
        "type": "string",
        "minLength": 1,
        "description": "the view whose text is the article; _InitialView, or the first that has a text",
    },
    "typesystem": {
        "type": "string",
        "minLength": 1,
        "description": "the type system files, as a pattern of their paths; the nearest that look like ones",
    },
}
TAKES = ("articles",)

_SUFFIXES = (".xmi", ".json")
_KEYS = ("%TYPES", "%FEATURE_STRUCTURES", "%VIEWS")
_XMI = b"http://www.omg.org/XMI"
_JSON = re.compile(rb'"%(TYPES|FEATURE_STRUCTURES|VIEWS)"\s*:|"_context"\s*:\s*\{\s*"_types"|"_referenced_fss"\s*:')
META_DATA_TYPE = Declared(
    name=META_DATA,
    parent=DOCUMENT_ANNOTATION,
    features={
        **{f"document{name}": feature(STRING) for name in ("Title", "Id", "Uri", "BaseUri")},
        "collectionId": feature(STRING),
        "isLastSegment": feature("uima.cas.Boolean"),
    },
)
"""The one type of DKPro Core that cassis does not bring and every file of INCEpTION has."""


def sniff(sample: Sample) -> int:
    """XMI by its namespace, CAS JSON by its keys, which no other format has."""
    xmi = [name for name in sample.names if name.lower().endswith(".xmi")]
    if xmi:
        return 95 if any(_XMI in sample.head(name) for name in xmi[:5]) else 30
    for suffix, key in ((".json", _JSON), (".xml", re.compile(re.escape(_XMI)))):
        for name in [n for n in sample.names if n.lower().endswith(suffix)][:5]:
            if key.search(sample.head(name)):
                return 95
    return 0


def units(source: Source, names: Sequence[str]) -> Iterator[Unit]:
    """A file, or the files of all annotators of a document in the export of a project, with their type systems."""
    systems = candidates(names, source.options.get("typesystem"))
    nearest, known = Nearest(systems), set(systems)
    found, others = documents(names, _SUFFIXES)
    suffixes = _SUFFIXES if any(name.lower().endswith(_SUFFIXES) for name in names) else (".xml",)
    aside = _beside_xmi(others)
    for name in others:
        if name.lower().endswith(suffixes) and name not in known and name not in aside:
            yield Unit(files=(name, *nearest.of(name)), name=stem(name))
    for document in found:
        beside = dict.fromkeys(system for name in document.files for system in nearest.of(name))
        yield Unit(files=(*document.files, *beside), name=document.name)


def _beside_xmi(names: Sequence[str]) -> set[str]:
    """The JSON files among XMI that are no documents: each the twin of an XMI file, or fewer than these (metadata)."""
    files = [PurePosixPath(name) for name in names]
    documents = [path for path in files if path.suffix.lower() == ".xmi"]
    stems = {path.with_suffix("") for path in documents}
    below = Counter(folder for path in documents for folder in path.parents)
    tables = [(name, path) for name, path in zip(names, files, strict=True) if path.suffix.lower() == ".json"]
    beside = Counter(path.parent for _, path in tables)
    return {name for name, path in tables if path.with_suffix("") in stems or beside[path.parent] < below[path.parent]}


def read(root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Diagnostic]:
    """One article a file: its text is that of one view, its layers are the types of the annotations.

    Offsets are converted from UTF-16 units. What is in a view that is not taken, is of a type that no type system
    declares, or says how the project is set up, is counted.
    """
    contents = {raw.file: raw.data, **raw.beside}
    files = {name: data for name, data in contents.items() if name == raw.file or not name.lower().endswith(".xml")}
    systems = [name for name in contents if name not in files]
    nearest = Nearest(systems)
    passes, before = by_annotator(raw, files)
    for name in passes:
        beside = tuple((system, contents[system]) for system in nearest.of(name) or systems)
        article = _article(raw, name, files[name], beside, source)
        if isinstance(article, Article) and before:
            article.left_out["documents as they were before any annotator"] += before
            before = 0
        yield article


def _article(
    raw: RawRecord, name: str, data: bytes, systems: tuple[tuple[str, bytes], ...], source: Source
) -> Article | Diagnostic:
    """The article of one file of a unit."""
    content = _content(name, data)
    if isinstance(content, Diagnostic):
        return content
    decoded = _decoded(content, systems, guessing=not systems and "typesystem" not in source.options)
    cas = decoded.cas
    subject = _subject(cas, source.options.get("view"), name)
    if isinstance(subject, Diagnostic):
        return subject
    article = Article(id=article_name(raw), text=subject.text, file=name, unit=offsets.UTF16)
    if (whose := pass_of(raw, name)) is not None:
        article.curated, article.annotator = whose.curated, whose.annotator
    for _, problems in declared(systems):
        article.found.extend(problems)
    article.left_out.update(cas.left_out + decoded.guessed)
    for trouble in (*decoded.troubles, *cas.troubles):
        article.problem(trouble.code, trouble.message, line=trouble.line, pointer=trouble.pointer)
    _count_undeclared(article, cas, decoded.orphans, told=not systems and not decoded.own)
    texts = sum(other.text is not None for other in cas.subjects)
    if texts > 1:
        article.left_out["views with texts of their own"] += texts - 1
    names = layer_names(decoded.types, decoded.own)
    Layering(article=article, cas=cas, subject=subject, types=decoded.types, names=names).fill()
    return article


@dataclass(frozen=True, slots=True)
class _Json:
    """A CAS as a JSON object, with the text that it was."""

    value: dict[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class _Xmi:
    """The root of an XMI document, and what its strings need."""

    root: xmltext.Element
    restore: Restore | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decoded:
    """The structures of a file, by which types they were read, and which of these are no common ones (`own`).

    `orphans`: types that stand below one that is declared nowhere. `guessed`: what no type system says, counted.
    """

    cas: Cas
    types: Types
    own: frozenset[str]
    orphans: Mapping[str, str]
    troubles: Sequence[Trouble]
    guessed: Counter[str]


def _decoded(content: _Json | _Xmi, systems: tuple[tuple[str, bytes], ...], *, guessing: bool) -> _Decoded:
    given = [one for types, _ in declared(systems) for one in types]
    troubles: list[Trouble] = []
    own: list[Declared] = []
    shown: dict[str, CasType] = {}
    if isinstance(content, _Json) and _is_old(content.value):
        types, orphans = complete(given, known_types())
        cas, shown = from_old_json(content.value, types)
        types = {**types, **shown}
    elif isinstance(content, _Json):
        own = in_json(content.value["%TYPES"], troubles) if "%TYPES" in content.value else []
        types, orphans = complete([*own, *given], known_types())
        shown = guess.from_json(content.value, types) if guessing and not own else {}
        types = {**types, **shown} if shown else types
        cas = from_json(content.value, types, content.text)
    else:
        types, orphans = _xml_types(tuple(data for _, data in systems))
        shown = guess.from_xmi(content.root, types) if guessing else {}
        types = {**types, **shown} if shown else types
        cas = from_xmi(content.root, types, content.restore)
    return _Decoded(
        cas=cas,
        types=types,
        own=frozenset(one.name for one in (*own, *given)) | frozenset(shown),
        orphans=orphans,
        troubles=troubles,
        guessed=guess.counted(shown),
    )


def _content(name: str, data: bytes) -> _Json | _Xmi | Diagnostic:
    if not name.lower().endswith(".json"):
        root, restore = xmlchars.parse(data, name)
        if isinstance(root, Diagnostic):
            return root
        if root.tag == XMI_ROOT:
            return _Xmi(root, restore)
        message = f"the root of an XMI document is xmi:XMI, not {str(root.tag)[:60]}"
        return Diagnostic(code="I001", place=Place(file=name, line=1), message=message)
    try:
        value = jsontext.loads(data)
    except jsontext.JsonError as error:
        place = Place(file=name, line=error.line or 1, column=error.column)
        return Diagnostic(code=error.code, place=place, message=error.message)
    if not isinstance(value, dict) or not (any(key in value for key in _KEYS) or _is_old(value)):
        message = "a CAS is a JSON object with %TYPES, %FEATURE_STRUCTURES and %VIEWS; this is none"
        return Diagnostic(code="I001", place=Place(file=name, line=1), message=message)
    return _Json(value, data.decode("utf-8-sig"))


def _is_old(value: dict[str, Any]) -> bool:
    """Whether an object is what UIMA wrote before CAS JSON."""
    return all(key in value for key in oldjson.KEYS)


def _subject(cas: Cas, wanted: object, name: str) -> Subject | Diagnostic:
    """The view whose text is the article, or I004."""
    with_text = [subject for subject in cas.subjects if subject.text is not None]
    by_name = {subject.name: subject for subject in reversed(with_text)}
    if wanted is None and with_text:
        return by_name.get("_InitialView", with_text[0])
    if isinstance(wanted, str) and wanted in by_name:
        return by_name[wanted]
    message = "no view has a text" if wanted is None else f"no view {wanted!r} has a text"
    if with_text:
        message += f"; {', '.join(list(by_name)[:5])} " + ("has" if len(by_name) == 1 else "have")
    elif uri := next((subject.uri for subject in cas.subjects if subject.uri), None):
        message += f"; the file says that it is at {uri[:60]}"
    return Diagnostic(code="I004", place=Place(file=name, line=1), message=message)


def _count_undeclared(article: Article, cas: Cas, orphans: Mapping[str, str], *, told: bool) -> None:
    """Count what is of types that are declared nowhere.

    That no type system was found at all is `told`, by type; and so is a type below one that is declared nowhere.
    """
    for name, (count, first) in cas.undeclared.items():
        article.left_out[f"annotations of undeclared types ({name[:100]})"] += count
        if told or name in orphans:
            message = f"{count} annotations are of the type {name[:100]}, which no type system declares"
            if name in orphans:
                message = f"{message.partition(',')[0]}, which stands below {orphans[name][:100]}, declared nowhere"
            help_text = "put the type system of the export beside the file, or name it: options.typesystem"
            article.problem("I003", message, line=first.line, pointer=first.pointer, help=help_text)


@lru_cache(maxsize=8)
def _xml_types(systems: tuple[bytes, ...]) -> tuple[Types, dict[str, str]]:
    given = [one for types, _ in declared([("", data) for data in systems]) for one in types]
    return complete(given, known_types())


@lru_cache(maxsize=1)
def known_types() -> Types:
    """The types of UIMA itself and of DKPro Core, as cassis has them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        system = cassis.load_dkpro_core_typesystem()
    out = {}
    for known in system.get_types(built_in=True):
        lineage, above = [], known
        while above is not None:
            lineage.append(above.name)
            above = above.supertype
        features = {
            f.name: feature(
                f.rangeType.name, f.elementType and f.elementType.name, shared=bool(f.multipleReferencesAllowed)
            )
            for f in known.all_features
        }
        out[known.name] = CasType(name=known.name, lineage=tuple(lineage), features=features)
    return complete([META_DATA_TYPE], out)[0]
