"""doccano exports: JSON lines, or JSON, of sequence labelling, relations, classification and sequence to sequence.

Knows the shapes of all versions: `label`/`labels`, `entities` with `relations`, `entities` with `cats`, the old
`annotations` with numbers for labels and users, and `data` for `text` (1.2 to 1.5). Projects in which everybody
annotates alone are exported as a zip with one file a user; unpacked, that is `annotators = "files"`. CSV has no spans,
and is for the format `fields`.

What offsets count is nowhere in an export: UTF-16 units or graphemes, as the project is set (doccano/doccano issue
2290), or code points if the labels were imported. It is judged by the texts (see offsets.py), or declared with
the option `offsets`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from copydesk.articles.model import Article
from copydesk.articles.offsets import BYTES, CODE_POINTS, converter
from copydesk.articles.units import Sample, folder, stem
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.doccano.annotations import Entry, State, is_label, offsets_of, read_entries
from copydesk.importers.doccano.offsets import affected, is_odd, judge
from copydesk.importers.fields.heads import heads
from copydesk.importers.fields.options import UNITS
from copydesk.importers.fields.rows import Reading, Row, read_rows
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

_DATA = (".jsonl", ".ndjson", ".json", ".json1", ".csv")
_LABEL_FILES = re.compile(r"(?i)(?:label|labels|label[_-]?(?:config|types?)|(?:span|category)[_-]?types?)\.json")
_SPANS = ("label", "labels", "entities", "annotations", "cats")
_KNOWN = frozenset({"id", "relations", "Comments", "comments", "meta", *_SPANS})
_TAKEN = frozenset({"id", "text", "labels", "mentions", "relations"})
_UNSURE = "spans for which it matters what offsets count, and the file does not tell (read as code points)"

_OTHERS = frozenset({b"_input_hash", b"from_name", b"completed_by", b"annotation_id", b"%FEATURE_STRUCTURES"})
"""Keys of other tools' records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """One record of a file and whose it is. `entries`: user -> labels and spans."""

    row: Row
    text: str
    entries: Mapping[str | None, Sequence[Entry]]

    def all_entries(self) -> Iterator[Entry]:
        return (entry for entries in self.entries.values() for entry in entries)


def sniff(sample: Sample) -> int:
    """By the keys of a record: `Comments` and start_offset are doccano's own, a text with labels may be others'."""
    found = (head for name, head in heads(sample, *_DATA[:-1]) if not _is_label_file(name))
    return max(map(_sure, found), default=0)


def _sure(head: bytes) -> int:
    keys = set(re.findall(rb'"(\w+)"\s*:', head))
    if not re.search(rb'"(?:text|data)"\s*:\s*"', head) or keys & _OTHERS:
        return 0
    if keys & {b"Comments", b"annotation_approver"} or {b"start_offset", b"end_offset"} <= keys:
        return 90
    if re.search(rb'"(?:label|labels|entities)"\s*:\s*\[\s*\[\s*\d+\s*,\s*\d+\s*,', head):
        return 80
    if re.search(rb'"annotations"\s*:\s*\[\s*\{[^{}]*"(?:label|user)"\s*:', head):
        return 70
    return 55 if re.search(rb'"(?:label|labels|cats)"\s*:\s*\[', head) else 0


def units(source: Source, names: Sequence[str]) -> Iterator[Unit]:
    """One unit a file, or a folder if each file is one annotator's; beside it the file that names the labels."""
    data = [name for name in names if name.lower().endswith(_DATA)]
    labels: dict[str, list[str]] = {}
    for name in data:
        if _is_label_file(name) and any(_below(other, name) for other in data):
            labels.setdefault(folder(name), []).append(name)
    groups: dict[str, list[str]] = {}
    by_user = source.options.get("annotators") == "files"
    for name in data:
        if name not in labels.get(folder(name), ()):
            together = by_user or folder(name).lower().endswith(".zip")
            groups.setdefault(folder(name) if together else name, []).append(name)
    for group, files in groups.items():
        above = [path.as_posix() for path in PurePosixPath(files[0]).parents]
        near = next((labels[path] for path in above if path in labels), [])
        yield Unit(files=(*files, *near), name=group if by_user or len(files) > 1 else stem(files[0]))


def _is_label_file(name: str) -> bool:
    return _LABEL_FILES.fullmatch(PurePosixPath(name).name) is not None


def _below(name: str, label_file: str) -> bool:
    """Whether a file lies in the folder of a file of labels, or below it, and is no such file itself."""
    own = PurePosixPath(label_file).parent
    return own in PurePosixPath(name).parents and not _is_label_file(name)


def read(root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Diagnostic]:
    """The articles of a file; of all files of a unit, if each is one annotator's."""
    files = {raw.file: raw.data}
    names: dict[str, str] = {}
    for file, data in raw.beside.items():
        if not _is_label_file(file):
            files[file] = data
            continue
        found = _label_names(data, file, source.encoding)
        if isinstance(found, Diagnostic):
            yield found
        else:
            names |= found
    by_user = source.options.get("annotators") == "files"
    read_so_far: list[tuple[str, Article | Diagnostic]] = []
    for file, data in files.items():
        if file.lower().endswith(".csv"):
            message = "a CSV export of doccano has no spans, and is not read here"
            help_text = 'read it with format = "fields", which maps the columns'
            yield Diagnostic(code="I001", place=Place(file=file, line=1), message=message, help=help_text)
            continue
        name = stem(PurePosixPath(file).name) if by_user else None
        for one in _read_file(data, file, raw.name, name, names, source):
            if by_user or len(files) == 1:
                yield one
            else:
                read_so_far.append((file, one))
    yield from _told_apart(read_so_far)


def _told_apart(read_so_far: Sequence[tuple[str, Article | Diagnostic]]) -> Iterator[Article | Diagnostic]:
    """The articles of a zip: what stands in several files was annotated by the users that these are called by."""
    where: dict[str, set[str]] = {}
    for file, one in read_so_far:
        if isinstance(one, Article):
            where.setdefault(one.id, set()).add(file)
    for file, one in read_so_far:
        if isinstance(one, Article) and len(where[one.id]) > 1:
            one.annotator = one.annotator or stem(PurePosixPath(file).name)
        yield one


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
    if rows and not any(row.values.keys() & {_text_key(row.values), "filename"} for row in rows):
        message = f"none of the {len(rows)} objects in the file has a text: doccano calls it `text`, once `data`"
        yield Diagnostic(code="I001", place=Place(file=file, line=rows[0].line or None), message=message)
        return
    records: list[_Record] = []
    for row in rows:
        record = _record(row)
        if isinstance(record, Diagnostic):
            yield record
        else:
            records.append(record)
    spans = [(r.text, affected(r.text, [s for _, e in r.all_entries() if (s := offsets_of(e))])) for r in records]
    option = source.options.get("offsets")
    unit, sure = (str(option), True) if option is not None else judge(spans)
    labelled = any(is_label(entry) for record in records for _, entry in record.all_entries())
    seen, made = Counter[str](), Counter[str]()
    for record, (_, unclear) in zip(records, spans, strict=True):
        alone = len(rows) == 1 and annotator is None
        identifier = _identifier(record, name if alone else f"{name}-{_digest(record.text)}", seen, made)
        if seen[identifier] > 1:
            row = record.row
            place = Place(file=file, line=row.line or None, pointer=row.pointer or None, record=identifier)
            yield Diagnostic(code="I006", place=place, message=f"the id {identifier} stands twice; the first is kept")
            continue
        for article in _articles(record, identifier, annotator, unit, names, labelled=labelled):
            article.left_out.update({} if sure or not unclear else {_UNSURE: len(unclear)})
            yield article


def _articles(
    record: _Record, identifier: str, annotator: str | None, unit: str, names: Mapping[str, str], *, labelled: bool
) -> Iterator[Article]:
    """The passes over one record: one, or one for each user whose labels it has. `labelled`: whether any record of
    the file has labels of the whole text."""
    for user, entries in record.entries.items():
        article = _article(record, identifier, annotator or user, unit)
        state = State(article=article, row=record.row, convert=converter(record.text, unit), names=names)
        read_entries(state, entries)
        if labelled:
            article.values["labels"] = state.labels
        yield article


# Records


def _text_key(values: Mapping[str, object]) -> str:
    """The key of the text: `data` in exports of the versions 1.2 to 1.5."""
    return "data" if "text" not in values and isinstance(values.get("data"), str) else "text"


def _record(row: Row) -> _Record | Diagnostic:
    text, identifier = row.values.get(_text_key(row.values)), row.values.get("id")
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


def _identifier(record: _Record, name: str, seen: Counter[str], made: Counter[str]) -> str:
    """The id of a record, counted in `seen`: its own, or `name`, so that it does not shift with its neighbours."""
    given = record.row.values.get("id")
    if isinstance(given, str | int) and not isinstance(given, bool) and given != "":
        seen[str(given)] += 1
        return str(given)
    free = name
    while free in seen:  # `made` counts the repeats, so that none is tried twice
        made[name] += 1
        free = f"{name}-{made[name] + 1}"
    seen[free] += 1
    return free


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
        unit=unit if is_odd(record.text) or (unit == BYTES and not record.text.isascii()) else CODE_POINTS,
    )
    article.layers["mentions"] = []
    meta = row.values.get("meta")
    known = {*_KNOWN, _text_key(row.values)}
    beside = {key: value for key, value in row.values.items() if key not in known}
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
