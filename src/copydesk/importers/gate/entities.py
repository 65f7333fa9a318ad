"""JSON of GATE -> GATE documents: the export, which is a text with `entities` as Twitter writes its tweets; bdoc too.

    {"text": "…", "entities": {"Person": [{"indices": [0, 5], feature: value}], "Key:Person": […]}, feature: value}

A type with a colon names its set: nothing before it is the default set, as is no colon. One document a file, an array
of them, or one after the other, each on a line (as python-gatenlp writes bdoc, too). In the text `&`, `<` and `>` are
written as in HTML, and offsets count what is written; here they are characters again, and offsets follow.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import accumulate

from copydesk import jsontext
from copydesk.articles.offsets import CODE_POINTS, UTF16, decide
from copydesk.articles.units import decode, split_lines
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.gate.bdoc import (
    GateAnnotation,
    GateDocument,
    GateSet,
    Problem,
    document_of,
    features_of,
    parse_json,
)

_ESCAPE = re.compile(r"&(?:amp|lt|gt);")
_SIGNS = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}
_SAID = {"hashtags": ("#", "text"), "user_mentions": ("@", "screen_name"), "urls": ("", "url"), "Token": ("", "string")}
"""Type -> the feature that has the text of its span, and what the text has before it."""


def read_json(data: bytes, file: str, encoding: str) -> Iterator[GateDocument | Diagnostic]:
    """The documents of a file. What is lost is I001, I004, S002 or the code of the JSON error."""
    decoded = decode(data, file, encoding)
    if isinstance(decoded, Diagnostic):
        yield decoded
        return
    lines = [(number, line) for number, line in split_lines(decoded[0]) if line.strip()]
    if len(lines) < 2 or not _is_object(lines[0][1]):
        yield from _parsed(decoded[0], file, 1)
        return
    for number, line in lines:
        for document in _parsed(line, file, number):
            yield _on_line(document, number) if isinstance(document, GateDocument) else document


def _is_object(line: str) -> bool:
    return line.lstrip().startswith("{") and line.rstrip().endswith("}")


def _on_line(document: GateDocument, line: int) -> GateDocument:
    """The document with everything on the one line that it is."""
    document.problems = [replace(problem, line=line) for problem in document.problems]
    for one in document.sets.values():
        one.problems = [replace(problem, line=line) for problem in one.problems]
        one.annotations = [replace(annotation, line=line) for annotation in one.annotations]
    return document


def _parsed(text: str, file: str, line: int) -> list[GateDocument | Diagnostic]:
    """The documents of a JSON text that begins on a line."""
    try:
        value = parse_json(text)
    except jsontext.JsonError as error:
        place = Place(file=file, line=line - 1 + (error.line or 1), column=error.column)
        return [Diagnostic(code=error.code, place=place, message=error.message)]
    except RecursionError:
        return [Diagnostic(code="I001", place=Place(file=file, line=line), message="it is nested too deep")]
    if isinstance(value, dict) and "entities" in value and "annotation_sets" not in value:
        return [_document(value, Place(file=file, line=line))]
    if not isinstance(value, list) or not value:
        return [document_of(value, file, {}, line)]
    return [_document(one, Place(file=file, line=line, pointer=f"/{n}")) for n, one in enumerate(value)]


def _document(value: object, place: Place) -> GateDocument | Diagnostic:
    if not isinstance(value, dict) or "entities" not in value:
        return Diagnostic(code="I001", place=place, message="a document is an object with text and entities")
    name = "text" if isinstance(value.get("text"), str) else "full_text"
    text, entities = value.get(name), value["entities"]
    if not isinstance(text, str):
        return Diagnostic(code="I004", place=place, message="the document has no text")
    pointer = place.pointer or ""
    document = GateDocument(text=text, line=place.line or 1, pointer=pointer)
    rest = {key: inner for key, inner in value.items() if key not in {name, "entities"}}
    document.features |= features_of(rest, document.left_out)
    if not isinstance(entities, dict):
        problem = Problem(code="I002", message="entities is no object", pointer=f"{pointer}/entities")
        document.problems.append(problem)
        return document
    for key, given in entities.items():
        where, kind = key.split(":", 1) if ":" in key else ("", key)
        _add(document.set(where), kind, given, f"{pointer}/entities/{jsontext.escape(key)}")
    document.unit = decide(text, _claims(document), (UTF16, CODE_POINTS)).unit
    _unescape(document)
    return document


def _add(into: GateSet, kind: str, given: object, pointer: str) -> None:
    if not isinstance(given, list) or not kind:
        problem = Problem(code="I002", message=f"{kind[:40]!r} is no list of annotations", pointer=pointer)
        into.problems.append(problem)
        return
    for number, annotation in enumerate(given):
        where = f"{pointer}/{number}"
        indices = annotation.get("indices") if isinstance(annotation, dict) else None
        whole = isinstance(indices, list) and len(indices) == 2 and all(type(offset) is int for offset in indices)
        if not isinstance(annotation, dict) or not isinstance(indices, list) or not whole:
            message = f"the {kind[:40]} has no indices of two whole numbers"
            into.problems.append(Problem(code="I002", message=message, pointer=where))
            continue
        features = features_of({k: v for k, v in annotation.items() if k != "indices"}, into.left_out)
        made = GateAnnotation(id=None, type=kind, start=indices[0], end=indices[1], features=features, pointer=where)
        into.annotations.append(made)


def _claims(document: GateDocument) -> Iterator[tuple[int, int, str]]:
    for one in document.sets.values():
        for annotation in one.annotations:
            before, name = _SAID.get(annotation.type, ("", ""))
            said = annotation.features.get(name)
            if isinstance(said, str):
                yield annotation.start, annotation.end, before + said


def _unescape(document: GateDocument) -> None:
    """Make characters of what is written as in HTML, and move the annotations."""
    if not _ESCAPE.search(document.text):
        return
    move = _mover(document.text, document.unit)
    document.text = _ESCAPE.sub(lambda match: _SIGNS[match[0]], document.text)
    for one in document.sets.values():
        kept = []
        for annotation in one.annotations:
            start, end = move(annotation.start), move(annotation.end)
            if start is None or end is None:
                message = f"the {annotation.type[:40]} begins or ends inside of what stands for one character"
                problem = Problem(code="I019", message=message, line=annotation.line, pointer=annotation.pointer)
                one.problems.append(problem)
                continue
            kept.append(replace(annotation, start=start, end=end))
        one.annotations = kept


def _mover(text: str, unit: str) -> Callable[[int], int | None]:
    """From offsets in the text as it is written to offsets in the text that it stands for, both in the unit."""
    wide = [match.start() for match in re.finditer("[\U00010000-\U0010ffff]", text)] if unit == UTF16 else []
    starts, ends, removed = [], [], [0]
    for match in _ESCAPE.finditer(text):
        starts.append(match.start() + bisect_right(wide, match.start()))
        ends.append(starts[-1] + len(match[0]))
        removed.append(len(match[0]) - 1)
    lost = list(accumulate(removed))

    def move(offset: int) -> int | None:
        index = bisect_right(starts, offset - 1)  # how many begin before it
        if index and offset < ends[index - 1]:
            return None
        return offset - lost[index]

    return move
