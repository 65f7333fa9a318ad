"""UIMA CAS as XMI (with the type system beside it) and as CAS JSON; whole INCEpTION projects too. The home of cassis.

cassis brings the types that every UIMA program knows (UIMA's own and those of DKPro Core). The files are read here,
structure by structure, so that one that is damaged costs itself and has a place; the tests hold what is read against
what cassis reads. Offsets in XMI and CAS JSON count UTF-16 units: UIMA's text is a Java string.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import cassis

from copydesk import jsontext, xmltext
from copydesk.articles import offsets
from copydesk.articles.model import Article
from copydesk.articles.units import Sample, stem
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.cas.layers import META_DATA, Layering, layer_names
from copydesk.importers.cas.model import Cas, Subject
from copydesk.importers.cas.structures import XMI_ROOT, from_json, from_xmi
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
    in_xml,
)
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

CURATION_USER, INITIAL_CAS = "CURATION_USER", "INITIAL_CAS"
_PROJECT = re.compile(r"(?P<root>(?:.*/)?)(?P<kind>annotation|curation)/(?P<document>[^/]+)/(?P<who>[^/]+)(?:/.*)?")
_KEYS = ("%TYPES", "%FEATURE_STRUCTURES", "%VIEWS")
_XMI = b"http://www.omg.org/XMI"
_JSON = re.compile(rb'"%(TYPES|FEATURE_STRUCTURES|VIEWS)"\s*:')
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

_FOLDERS = frozenset({"resources", "typesystem", "typesystems", "type", "types", "desc"})


def sniff(sample: Sample) -> int:
    """XMI by its namespace, CAS JSON by its keys, which no other format has."""
    first = sample.first(".xmi")
    if first is not None:
        return 95 if _XMI in first[1] else 30
    for suffix, key in ((".json", _JSON), (".xml", re.compile(re.escape(_XMI)))):
        for name in [n for n in sample.names if n.lower().endswith(suffix)][:5]:
            if key.search(sample.head(name)):
                return 95
    return 0


def units(source: Source, names: Sequence[str]) -> Iterator[Unit]:
    """A file, or the files of all annotators of a document in an INCEpTION project, with their type systems."""
    systems = _systems(source, names)
    projects = _projects(names)
    taken = {name for group in projects.values() for name in group}
    sources = tuple(f"{root}source/" for root, _ in projects)
    suffixes: tuple[str, ...] = (".xmi", ".json")
    if not any(name.lower().endswith(suffixes) for name in names):
        suffixes = (".xml",)  # some write XMI so; the type systems are known by their names
    for name in names:
        if not name.lower().endswith(suffixes) or name in taken or name in systems:
            continue
        settings = PurePosixPath(name).name.startswith("exportedproject")
        if not settings and not (sources and name.startswith(sources)):
            yield Unit(files=(name, *_nearest(name, systems)), name=stem(name))
    plain = [(root, _plain_name(document)) for root, document in projects]
    for (root, document), group in projects.items():
        group.sort(key=lambda name: _annotator(name) == INITIAL_CAS)
        beside = dict.fromkeys(system for name in group for system in _nearest(name, systems))
        called = _plain_name(document) if plain.count((root, _plain_name(document))) == 1 else document
        yield Unit(files=(*group, *beside), name=f"{root}{called}")


def _plain_name(document: str) -> str:
    return re.sub(r"(?<=.)\.[A-Za-z][A-Za-z0-9]{0,5}$", "", document)


def read(root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Diagnostic]:
    """One article a file: its text is that of one view, its layers are the types of the annotations.

    Offsets are converted from UTF-16 units. What is in a view that is not taken, is of a type that no type system
    declares, or says how the project is set up, is counted.
    """
    contents = {raw.file: raw.data, **raw.beside}
    called = raw.name
    if raw.base.endswith(("annotation/", "curation/")):  # the paths lead into a project, the names of documents do not
        called = called.removeprefix(re.sub(r"[^/]+/$", "", raw.base))
    files = [name for name in contents if name == raw.file or not name.lower().endswith(".xml")]
    systems = [name for name in contents if name not in files]
    passes = [name for name in files if _annotator(name) != INITIAL_CAS] or files
    for number, name in enumerate(passes):
        beside = tuple((system, contents[system]) for system in _nearest(name, systems) or systems)
        article = _article(name, contents[name], beside, source, called)
        if number == 0 and isinstance(article, Article) and len(passes) < len(files):
            article.left_out["documents as they were before any annotator"] += len(files) - len(passes)
        yield article


def _systems(source: Source, names: Sequence[str]) -> list[str]:
    """The files that may hold a type system: those that the option names, or those whose names say so."""
    pattern = source.options.get("typesystem")
    if isinstance(pattern, str):
        return [name for name in names if fnmatchcase(name, pattern) or fnmatchcase(name, f"*/{pattern}")]
    found = []
    for name in names:
        path = PurePosixPath(name)
        known = "type" in path.name.lower() or path.parent.name.lower() in _FOLDERS
        if path.suffix.lower() == ".xml" and known:
            found.append(name)
    return found


def _nearest(name: str, systems: Sequence[str]) -> list[str]:
    """The type systems in the folder of a file (or in its `resources`, `desc/type` …), or in the nearest above it."""
    folder = PurePosixPath(name).parent
    for above in (folder, *folder.parents):
        depths = {}
        for system in systems:
            path = PurePosixPath(system)
            if path.is_relative_to(above):
                between = path.parent.relative_to(above).parts
                if all(part.lower() in _FOLDERS for part in between):
                    depths[system] = len(between)
        if depths:
            return [system for system, depth in depths.items() if depth == min(depths.values())]
    return []


def _projects(names: Sequence[str]) -> dict[tuple[str, str], list[str]]:
    """(root, document) of INCEpTION projects -> the files of the annotators: `annotation/<document>/<user>.xmi`.

    A folder `annotation` alone makes no project. There are the settings or the sources of one, or what is below is
    called like a document (`a.txt`), or holds a curation or the document as it was.
    """
    matches = [(name, match) for name in names if (match := _PROJECT.fullmatch(name)) is not None]
    roots = {
        match["root"] for match in (re.fullmatch(r"((?P<root>.*/)?)exportedproject[^/]*", n) for n in names) if match
    }
    documents = {(m["root"], m["document"]) for n, m in matches if _annotator(n) in {CURATION_USER, INITIAL_CAS}}
    given = set(names)
    out: dict[tuple[str, str], list[str]] = {}
    for name, match in matches:
        key = (match["root"], match["document"])
        sure = match["root"] in roots or f"{key[0]}source/{key[1]}" in given or key in documents
        if name.lower().endswith((".xmi", ".json")) and (sure or _plain_name(key[1]) != key[1]):
            out.setdefault(key, []).append(name)
    return out


def _annotator(name: str) -> str | None:
    """Who annotated a file of an INCEpTION project; the files of one may be in a folder or an archive of their own."""
    match = _PROJECT.fullmatch(name)
    return re.sub(r"\.(xmi|json|zip)$", "", match["who"], flags=re.IGNORECASE) if match is not None else None


def _article(
    name: str, data: bytes, systems: tuple[tuple[str, bytes], ...], source: Source, called: str
) -> Article | Diagnostic:
    """The article of one file, `called` so."""
    given, found = _declared(systems)
    troubles: list[Trouble] = []
    content = _content(name, data)
    if isinstance(content, Diagnostic):
        return content
    if isinstance(content, tuple):
        value, text = content
        own = in_json(value["%TYPES"], troubles) if "%TYPES" in value else []
        types, orphans = complete([*own, *given], known_types())
        cas = from_json(value, types, text)
    else:
        own, (types, orphans) = [], _xml_types(systems)
        cas = from_xmi(content, types)
    subject = _subject(cas, source.options.get("view"), name)
    if isinstance(subject, Diagnostic):
        return subject
    article = Article(id=called, text=subject.text, file=name, unit=offsets.UTF16)
    if not f"/{stem(name)}".endswith(f"/{called}"):  # called by its document, not by its file: of a project
        who = _annotator(name)
        article.curated = who == CURATION_USER or "/curation/" in f"/{name}"
        article.annotator = None if article.curated or who == INITIAL_CAS else who
    article.found.extend(found)
    article.left_out.update(cas.left_out)
    for trouble in (*troubles, *cas.troubles):
        article.problem(trouble.code, trouble.message, line=trouble.line, pointer=trouble.pointer)
    _count_undeclared(article, cas, orphans, told=not systems and not own)
    texts = sum(other.text is not None for other in cas.subjects)
    if texts > 1:
        article.left_out["views with texts of their own"] += texts - 1
    names = layer_names(types, frozenset(declared.name for declared in (*own, *given)))
    Layering(article=article, cas=cas, subject=subject, types=types, names=names).fill()
    return article


def _content(name: str, data: bytes) -> tuple[dict[str, Any], str] | xmltext.Element | Diagnostic:
    """A JSON object with the text that it was, or the root of an XMI document."""
    if not name.lower().endswith(".json"):
        root = xmltext.parse(data, name)
        if isinstance(root, Diagnostic) or root.tag == XMI_ROOT:
            return root
        message = f"the root of an XMI document is xmi:XMI, not {str(root.tag)[:60]}"
        return Diagnostic(code="I001", place=Place(file=name, line=1), message=message)
    try:
        value = jsontext.loads(data)
    except jsontext.JsonError as error:
        place = Place(file=name, line=error.line or 1, column=error.column)
        return Diagnostic(code=error.code, place=place, message=error.message)
    if not isinstance(value, dict) or not any(key in value for key in _KEYS):
        message = "a CAS is a JSON object with %TYPES, %FEATURE_STRUCTURES and %VIEWS; this is none"
        return Diagnostic(code="I001", place=Place(file=name, line=1), message=message)
    return value, data.decode("utf-8-sig")


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
def _declared(systems: tuple[tuple[str, bytes], ...]) -> tuple[tuple[Declared, ...], tuple[Diagnostic, ...]]:
    """The types that the files declare, the first file first, and what is wrong with the files."""
    out: list[Declared] = []
    found: list[Diagnostic] = []
    for name, data in systems:
        root = xmltext.parse(data, name)
        if isinstance(root, Diagnostic):
            found.append(root)
            continue
        troubles: list[Trouble] = []
        declared = in_xml(root, troubles)
        if not declared and "typesystem" in name.lower():
            troubles.append(Trouble(code="I001", message="a type system declares types; this file declares none"))
        out.extend(declared)
        for trouble in troubles:
            place = Place(file=name, line=trouble.line or 1)
            found.append(Diagnostic(code=trouble.code, place=place, message=trouble.message))
    return tuple(out), tuple(found)


@lru_cache(maxsize=8)
def _xml_types(systems: tuple[tuple[str, bytes], ...]) -> tuple[Types, dict[str, str]]:
    return complete(_declared(systems)[0], known_types())


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
