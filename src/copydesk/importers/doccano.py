"""doccano exports: JSON lines, or JSON, of sequence labelling, relations, classification and sequence to sequence.

Knows the shapes of all versions: `label`/`labels`, `entities` with `relations`, `entities` with `cats`, and the old
`annotations` with numbers for labels and users. One user a file (`annotators = "files"`) is the export of projects in
which everybody annotates alone. CSV has no spans, and is for the format `fields`.

What offsets count is nowhere in an export: UTF-16 units or graphemes, as the project is set (doccano/doccano issue
2290), or code points if the labels were imported. It is judged by the texts (see `doccano_offsets`), or declared with
the option `offsets`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from copydesk.articles.model import Article, Item, Ref, Value, layer_of
from copydesk.articles.offsets import CODE_POINTS, converter
from copydesk.articles.units import Sample, folder, stem
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.doccano_offsets import UNITS, Span, affected, is_odd, judge
from copydesk.importers.fields.rows import Reading, Row, read_rows
from copydesk.importers.labelstudio.text import code_point, short
from copydesk.project import Source
from copydesk.sources import RawRecord, Unit

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "annotators": {
        "enum": ["files"],
        "description": "each file of a folder is what the user it is called by made of the same texts",
    },
    "offsets": {"enum": list(UNITS), "description": "what offsets count; judged by the texts if not given"},
}
TAKES = ("articles",)

_DATA = (".jsonl", ".ndjson", ".json", ".csv")
_LABEL_FILES = re.compile(r"(?i)(?:label|labels|label[_-]?(?:config|types?)|(?:span|category)[_-]?types?)\.json")
_SPANS = ("label", "labels", "entities", "annotations", "cats")
_KNOWN = frozenset({"id", "text", "relations", "Comments", "comments", "meta", *_SPANS})
_TAKEN = frozenset({"id", "text", "labels", "mentions", "relations"})
_UNSURE = "spans for which it matters what offsets count, and the file does not tell (read as code points)"

Entry: TypeAlias = tuple[str, object]
"""(pointer, what stands there)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """One record of a file and whose it is. `entries`: user -> labels and spans."""

    row: Row
    text: str
    entries: Mapping[str | None, Sequence[Entry]]

    def all_entries(self) -> Iterator[Entry]:
        return (entry for entries in self.entries.values() for entry in entries)


@dataclass(slots=True, kw_only=True)
class _State:
    """One article while it is read. `lost`: ids of entities that are damaged, to which relations may lead."""

    article: Article
    row: Row
    convert: Callable[[int], int | None]
    names: Mapping[str, str]
    labels: list[Value] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)

    def problem(self, code: str, message: str, pointer: str) -> None:
        self.article.problem(code, message, line=self.row.inner, pointer=pointer)


def sniff(sample: Sample) -> int:
    """By the keys of a record: `Comments` and start_offset are doccano's own, a text with labels may be others'."""
    first = sample.first(".jsonl", ".ndjson", ".json")
    if first is None:
        return 0
    head = first[1]
    keys = set(re.findall(rb'"(\w+)"\s*:', head))
    if b"text" not in keys or keys & {
        b"_input_hash",
        b"from_name",
        b"completed_by",
        b"annotation_id",
        b"%FEATURE_STRUCTURES",
    }:
        return 0
    if keys & {b"Comments", b"annotation_approver"} or {b"start_offset", b"end_offset"} <= keys:
        return 90
    if re.search(rb'"(?:label|labels|entities)"\s*:\s*\[\s*\[\s*\d+\s*,\s*\d+\s*,', head):
        return 80
    return 55 if re.search(rb'"(?:label|labels|cats)"\s*:\s*\[', head) else 0


def units(source: Source, names: Sequence[str]) -> Iterator[Unit]:
    """One unit a file, or a folder if each file is one annotator's; beside it the file that names the labels."""
    data = [name for name in names if name.lower().endswith(_DATA)]
    labels: dict[str, list[str]] = {}
    for name in data:
        if _LABEL_FILES.fullmatch(PurePosixPath(name).name) and any(_below(other, name) for other in data):
            labels.setdefault(folder(name), []).append(name)
    groups: dict[str, list[str]] = {}
    for name in data:
        if name not in labels.get(folder(name), ()):
            groups.setdefault(folder(name) if source.options.get("annotators") == "files" else name, []).append(name)
    for group, files in groups.items():
        above = [path.as_posix() for path in PurePosixPath(files[0]).parents]
        near = next((labels[path] for path in above if path in labels), [])
        yield Unit(files=(*files, *near), name=group if len(files) > 1 or group != files[0] else stem(group))


def _below(name: str, label_file: str) -> bool:
    """Whether a file lies in the folder of a file of labels, or below it, and is no such file itself."""
    own = PurePosixPath(label_file).parent
    return own in PurePosixPath(name).parents and not _LABEL_FILES.fullmatch(PurePosixPath(name).name)


def read(root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Diagnostic]:
    """The articles of a file; of all files of a unit, if each is one annotator's."""
    files = {raw.file: raw.data}
    names: dict[str, str] = {}
    for file, data in raw.beside.items():
        if not _LABEL_FILES.fullmatch(PurePosixPath(file).name):
            files[file] = data
            continue
        found = _label_names(data, file, source.encoding)
        if isinstance(found, Diagnostic):
            yield found
        else:
            names |= found
    for file, data in files.items():
        if file.lower().endswith(".csv"):
            message = "a CSV export of doccano has no spans, and is not read here"
            help_text = 'read it with format = "fields", which maps the columns'
            yield Diagnostic(code="I001", place=Place(file=file, line=1), message=message, help=help_text)
            continue
        annotator = stem(PurePosixPath(file).name) if source.options.get("annotators") == "files" else None
        yield from _read_file(data, file, raw.name, annotator, names, source)


def _rows(data: bytes, file: str, encoding: str) -> Iterator[Row | Diagnostic]:
    """The records of a file. One called JSON lines that begins with a lone bracket has records over several lines."""
    name = f"{file}.json" if re.match(rb"(?:\xef\xbb\xbf)?\s*[{\[][ \t\r]*\n", data) else file
    for row in read_rows(data, name, Reading(encoding=encoding)):
        if isinstance(row, Row):
            yield replace(row, file=file)
        else:
            yield replace(row, place=replace(row.place, file=file))


def _label_names(data: bytes, file: str, encoding: str) -> dict[str, str] | Diagnostic:
    """Number -> name, from the label types that doccano exports."""
    names = {}
    for row in _rows(data, file, encoding):
        if isinstance(row, Diagnostic):
            return row
        if not isinstance(row.values.get("text"), str) or row.values.keys() & {
            "label",
            "labels",
            "entities",
            "annotations",
        }:
            place = Place(file=file, line=row.line or None, pointer=row.pointer or None)
            return Diagnostic(
                code="I001", place=place, message="the file lies where the names of labels do, and has none"
            )
        names[str(row.values.get("id"))] = str(row.values["text"])
    return names


def _read_file(
    data: bytes, file: str, name: str, annotator: str | None, names: Mapping[str, str], source: Source
) -> Iterator[Article | Diagnostic]:
    rows: list[Row] = []
    empty = not data.strip() and not file.lower().endswith(".json")  # a user who confirmed nothing
    for found in () if empty else _rows(data, file, source.encoding):
        if isinstance(found, Row):
            rows.append(found)
        else:
            yield found
    if rows and not any(row.values.keys() & {"text", "filename"} for row in rows):
        message = f"none of the {len(rows)} objects in the file has a text: doccano calls it `text`"
        yield Diagnostic(code="I001", place=Place(file=file, line=rows[0].line or None), message=message)
        return
    records: list[_Record] = []
    for row in rows:
        record = _record(row)
        if isinstance(record, Diagnostic):
            yield record
        else:
            records.append(record)
    spans = [(r.text, affected(r.text, [s for _, e in r.all_entries() if (s := _offsets(e))])) for r in records]
    option = source.options.get("offsets")
    unit, sure = (UNITS[str(option)], True) if option is not None else judge(spans)
    labelled = any(_is_label(entry) for record in records for _, entry in record.all_entries())
    seen: Counter[str] = Counter()
    for record, (_, unclear) in zip(records, spans, strict=True):
        alone = len(rows) == 1 and annotator is None
        identifier = _identifier(record, name if alone else f"{name}-{_digest(record.text)}", seen)
        if seen[identifier] > 1:
            place = Place(
                file=file, line=record.row.line or None, pointer=record.row.pointer or None, record=identifier
            )
            yield Diagnostic(code="I006", place=place, message=f"the id {identifier} stands twice; the first is kept")
            continue
        for user, entries in record.entries.items():
            article = _article(record, identifier, annotator or user, unit)
            article.left_out[_UNSURE] += 0 if sure else len(unclear)
            state = _State(article=article, row=record.row, convert=converter(record.text, unit), names=names)
            _annotations(state, entries)
            if labelled:
                article.values["labels"] = state.labels
            article.left_out = +article.left_out
            yield article


# Records


def _record(row: Row) -> _Record | Diagnostic:
    text, identifier = row.values.get("text"), row.values.get("id")
    if not isinstance(text, str):
        known = isinstance(identifier, str | int)
        place = Place(
            file=row.file, line=row.line or None, pointer=row.pointer or None, record=str(identifier) if known else None
        )
        if "filename" in row.values:
            message = f"the record is of a file, {str(row.values['filename'])[:40]!r}, and not of a text"
            return Diagnostic(code="I012", place=place, message=message)
        return Diagnostic(code="I004", place=place, message="the record has no text")
    entries: dict[str | None, list[Entry]] = {}
    for key in _SPANS:
        given = row.values.get(key)
        if given is None:
            continue
        listed = given if isinstance(given, list) else [given]
        for number, entry in enumerate(listed):
            at = f"{row.pointer}/{key}/{number}" if isinstance(given, list) else f"{row.pointer}/{key}"
            user = entry.get("user") if isinstance(entry, dict) else None
            entries.setdefault(str(user) if isinstance(user, str | int) else None, []).append((at, entry))
    return _Record(row=row, text=text, entries=entries or {None: []})


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _free(name: str, taken: Container[str]) -> str:
    return name if name not in taken else next(n for k in count(2) if (n := f"{name}-{k}") not in taken)


def _identifier(record: _Record, name: str, seen: Counter[str]) -> str:
    """The id of a record, counted in `seen`: its own, or `name`, so that it does not shift with its neighbours."""
    given = record.row.values.get("id")
    own = isinstance(given, str | int) and not isinstance(given, bool) and given != ""
    made = str(given) if own else _free(name, seen)
    seen[made] += 1
    return made


def _article(record: _Record, identifier: str, annotator: str | None, unit: str) -> Article:
    """An article with what the record says of it beside its labels; doccano writes metadata as keys of the record."""
    row = record.row
    article = Article(
        id=identifier,
        text=record.text,
        file=row.file,
        line=row.line or 1,
        pointer=row.pointer,
        annotator=annotator,
        unit=unit if is_odd(record.text) else CODE_POINTS,
    )
    article.layers["mentions"] = []
    meta = row.values.get("meta")
    beside = {key: value for key, value in row.values.items() if key not in _KNOWN}
    for key, value in [*beside.items(), *(meta.items() if isinstance(meta, dict) else [("meta", meta)])]:
        if isinstance(value, list | dict):
            article.left_out["lists and objects of the metadata"] += 1
        elif key != "meta" or value is not None:
            plain = re.sub(r"\W", "_", key) or "meta"
            name = f"{plain}_meta" if plain in _TAKEN else plain
            while name in article.values:
                name += "_meta"
            article.values[name] = value if isinstance(value, str | int | float) else None
    for key in ("Comments", "comments"):
        comments = row.values.get(key)
        if comments:
            article.left_out["comments"] += len(comments) if isinstance(comments, list) else 1
    return article


# Labels, spans, relations


def _is_label(entry: object) -> bool:
    """Whether an entry is a label of the whole text: a word, or an object without offsets."""
    if isinstance(entry, dict):
        return not entry.keys() & {"start_offset", "end_offset"} and bool(entry.keys() & {"label", "text"})
    return isinstance(entry, str | int | float) and not isinstance(entry, bool)


def _parts(entry: object) -> tuple[object, object, object]:
    """Start, end and label of a span as the file has them: [start, end, label], or an object."""
    if isinstance(entry, list) and len(entry) == 3:
        return entry[0], entry[1], entry[2]
    given = entry if isinstance(entry, dict) else {}
    return given.get("start_offset"), given.get("end_offset"), given.get("label")


def _offsets(entry: object) -> Span | None:
    start, end, _ = _parts(entry)
    if isinstance(start, bool) or isinstance(end, bool) or not isinstance(start, int) or not isinstance(end, int):
        return None
    return start, end


def _annotations(state: _State, entries: Sequence[Entry]) -> None:
    given = {str(e["id"]) for _, e in entries if isinstance(e, dict) and isinstance(e.get("id"), str | int)}
    number = 0
    for at, entry in entries:
        if _is_label(entry):
            label = _label(state, entry.get("label", entry.get("text")) if isinstance(entry, dict) else entry)
            if label is None:
                state.problem("I002", "a label of the text is a word", at)
            else:
                state.labels.append(label)
            continue
        number += 1
        name = entry.get("id") if isinstance(entry, dict) else None
        _span(state, str(name) if isinstance(name, str | int) else _free(f"m{number}", given), at, entry)
    relations, at = state.row.values.get("relations"), f"{state.row.pointer}/relations"
    if relations is not None and not isinstance(relations, list):
        state.problem("I002", "the relations of a record are a list", at)
        return
    for index, relation in enumerate(relations or ()):
        _relation(state, f"{at}/{index}", index + 1, relation)


def _label(state: _State, label: object) -> str | None:
    """A label by its name. Old exports have its number; the names are in another file, or nowhere."""
    if isinstance(label, int) and not isinstance(label, bool):
        if str(label) not in state.names:
            state.article.left_out["names of labels (the file has their numbers)"] += 1
        return state.names.get(str(label), str(label))
    return None if label is None else str(label)


def _span(state: _State, identifier: str, at: str, entry: object) -> None:
    offsets, label = _offsets(entry), _parts(entry)[2]
    if offsets is None or isinstance(label, list | dict | bool | float):
        form = "a span is [start, end, label] or an object with start_offset and end_offset"
        state.problem("I002", f"{form}, not {short(entry)}", at)
        state.lost.add(identifier)
        return
    if identifier in state.taken:
        state.problem("I006", f"the entity {identifier} stands twice; the first is kept", at)
        return
    points = [code_point(offset, state.article.text or "", state.convert) for offset in offsets]
    if points[0] is None or points[1] is None:
        offset = offsets[0] if points[0] is None else offsets[1]
        state.problem("I019", f"the offset {offset} falls inside a character", at)
        state.lost.add(identifier)
        return
    state.taken.add(identifier)
    span, name = (points[0], points[1]), _label(state, label)
    item = Item(id=identifier, ranges=(span,), label=name, line=state.row.inner, pointer=at)
    layer_of(state.article, "mentions").append(item)


def _relation(state: _State, at: str, number: int, relation: object) -> None:
    ends = [relation.get(key) for key in ("from_id", "to_id")] if isinstance(relation, dict) else []
    if not isinstance(relation, dict) or not all(isinstance(end, str | int) for end in ends):
        state.problem("I002", "a relation is an object with from_id and to_id", at)
        return
    if missing := [str(end) for end in ends if str(end) not in state.taken]:
        if state.lost.issuperset(missing):
            state.article.left_out["relations of damaged spans"] += 1
        else:
            state.problem("I003", f"the relation leads to entity {missing[0]}, which is not there", at)
        return
    items = layer_of(state.article, "relations")
    given, kind = relation.get("id"), relation.get("type")
    identifier = str(given) if isinstance(given, str | int) else f"r{number}"
    if any(item.id == identifier for item in items):
        state.problem("I006", f"the relation {identifier} stands twice; the first is kept", at)
        return
    head, tail = (Ref("mentions", str(end)) for end in ends)
    label = _label(state, kind) if isinstance(kind, str | int) else None
    item = Item(id=identifier, label=label, values={"head": head, "tail": tail}, line=state.row.inner, pointer=at)
    items.append(item)
