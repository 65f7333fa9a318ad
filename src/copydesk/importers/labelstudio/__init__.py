"""Label Studio exports: JSON and JSON-MIN, of any version, with the labelling configuration if it lies beside them.

Reads plain text and paragraphs. Offsets into rendered hypertext, and regions of pictures, sound and chats, have no
place in a text: such tasks are refused one by one (I012). Drafts, predictions and administrative fields are counted.

A region that carries several labels becomes one item a label, the further ones called `id-2`, `id-3`: an item has one
label, and a list beside it would be seen by no check and no view. Relations lead to the first of them.

What offsets count depends on the version of the front end (HumanSignal/label-studio issue 1347, pull request 1559),
so it is decided for each file, and for each annotation that the file's unit does not explain, from the strings that
the regions give for their spans.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from copydesk import jsontext
from copydesk.articles.model import Article, Item
from copydesk.articles.offsets import BYTES, CODE_POINTS, GRAPHEMES, UTF16, Claim, decide, variants
from copydesk.articles.units import Sample, folder, stem
from copydesk.diagnostics import Diagnostic
from copydesk.importers.fields.heads import heads
from copydesk.importers.fields.options import UNITS
from copydesk.importers.fields.rows import Reading, Row, as_utf8, read_rows
from copydesk.importers.labelstudio.repeats import without_repeats
from copydesk.importers.labelstudio.results import ARTICLE_NAMES, property_name, read_results
from copydesk.importers.labelstudio.tasks import ATTRIBUTES, OWN, Pass, read_config
from copydesk.importers.labelstudio.text import Found, Ground, claims_of, results_of, with_text
from copydesk.project import Source
from copydesk.sources import RawRecord, Unit

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "text": {
        "type": "string",
        "minLength": 1,
        "description": "the field of the task's data that holds the text; found out if not given",
    },
    "id": {
        "type": "string",
        "minLength": 1,
        "description": "the field of the task's data that is the article's id; the task's id if not given",
    },
    "predictions": {
        "type": "boolean",
        "description": "whether predictions are read as passes of the annotator prediction:<model version>",
    },
    "offsets": {
        "enum": list(UNITS),
        "description": "what offsets count, for exports whose regions do not give their text",
    },
}
TAKES = ("articles",)

_SUFFIXES = (".json", ".jsonl", ".ndjson")


def sniff(sample: Sample) -> int:
    """By the keys that no other tool's JSON has: results with from_name and to_name, or those that JSON-MIN adds."""
    stored = (name for name in sample.names if PurePosixPath(name).name.isdecimal())
    found = [head for _, head in heads(sample, *_SUFFIXES)] + [sample.head(name) for name in islice(stored, 2)]
    return max(map(_sure, found), default=0)


def _sure(head: bytes) -> int:
    def has(*keys: bytes) -> bool:
        return all(re.search(rb'"%s"\s*:' % key, head) for key in keys)

    if has(b"from_name", b"to_name") or has(b"completed_by", b"result"):
        return 95
    if has(b"annotation_id", b"annotator"):
        return 85
    if has(b"data") and re.search(rb'"(?:annotations|completions|predictions)"\s*:\s*\[', head):
        return 75 if has(b"result") else 60
    return 0


def _is_stored(name: str) -> bool:
    """Whether a file is called as target storage calls them: by the number of the one annotation that it holds."""
    path = PurePosixPath(name)
    return path.stem.isdecimal() and path.suffix in ("", ".json")


def units(source: Source, names: Sequence[str]) -> Iterator[Unit]:
    """One unit a file. Beside it: the .xml file of its name, else those of its folder or the nearest one above.

    The files of target storage that lie in one folder are one unit, since the annotators of a task have one each.
    """
    configs: dict[str, list[str]] = {}
    stored: dict[str, list[str]] = {}
    for name in names:
        if name.lower().endswith(".xml"):
            configs.setdefault(folder(name), []).append(name)
        elif _is_stored(name):
            stored.setdefault(folder(name), []).append(name)
    groups = {files[0]: files for files in stored.values()}
    for name in names:
        if name not in groups and (_is_stored(name) or not name.lower().endswith(_SUFFIXES)):
            continue
        above = [path.as_posix() for path in PurePosixPath(name).parents]
        near = next((configs[path] for path in above if path in configs), [])
        own = [config for config in near if stem(config) == stem(name)]
        yield Unit(files=(*groups.get(name, [name]), *(own or near)), name=stem(name))


def read(root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Diagnostic]:
    """The passes over every task of a file, in order."""
    configs = {name: data for name, data in raw.beside.items() if name.lower().endswith(".xml")}
    files = {raw.file: raw.data, **{name: data for name, data in raw.beside.items() if name not in configs}}
    config, found = read_config(configs)
    yield from found
    rows: list[Row] = []
    for file, data in files.items():
        for row in read_rows(data, file, Reading(encoding=source.encoding)):
            if isinstance(row, Row):
                rows.append(row)
            else:
                yield row
    tasks: list[Found] = []
    for task in with_text(rows, config, source.options):
        if isinstance(task, Diagnostic):
            yield task
        else:
            tasks.append(task)
    unit = _unit(tasks, source.options.get("offsets"))
    names = _names(tasks, raw, source.options.get("id"))
    answers = _answers(tasks)
    lines = {file: _Lines(data, source.encoding, first=file == raw.file) for file, data in files.items()}
    for one in without_repeats(tasks, names):
        if isinstance(one, Diagnostic):
            yield one
        else:
            yield from _articles(*one, unit, answers, lines[one[0].task.row.file])


# What offsets count

_Claims: TypeAlias = Mapping[str, Sequence[Claim]]


def _unit(tasks: Iterable[Found], option: object) -> Sequence[str]:
    """The units that the offsets of a file may count, the one that explains most of its surfaces first."""
    listed = list(tasks)
    odd = [t for t in listed if _matters(t.ground.text, (str(option),))]
    lines = "\r\n" if any("\r\n" in t.ground.text for t in odd) else ""
    if option is not None:
        candidates = variants(str(option), text=lines)
    else:
        old = any(t.task.old for t in listed)  # before 1.0 the front end always counted as JavaScript does
        candidates = variants(*((UTF16, CODE_POINTS) if old else (CODE_POINTS, UTF16)), text=lines)
    return _sorted(candidates, [_claims(one, t.ground) for t in odd for one in t.task.passes])


def _sorted(candidates: Sequence[str], claims: Sequence[_Claims]) -> Sequence[str]:
    """The candidates, those that explain more surfaces first; of those that tie, the first."""
    if len(candidates) == 1:
        return candidates

    def wrong(unit: str) -> int:
        return sum(decide(text, given, (unit,)).wrong for one in claims for text, given in one.items())

    return sorted(candidates, key=wrong)


def _claims(one: Pass, ground: Ground) -> _Claims:
    found: dict[str, list[Claim]] = {}
    for text, claim in claims_of(one.results, ground):
        found.setdefault(text, []).append(claim)
    return found


def _matters(text: str, units: Sequence[str]) -> bool:
    """Whether the units that come into question differ for a text."""
    if "\r\n" in text or text.isascii():
        return "\r\n" in text
    return max(text) > "\uffff" or any(unit.startswith((BYTES, GRAPHEMES)) for unit in units)


# Articles


def _names(tasks: Sequence[Found], raw: RawRecord, option: object) -> Iterator[str]:
    """The id of each article: of the data, the task's own, or made of the text so that it does not shift."""
    seen: Counter[str] = Counter()
    in_file = Counter(found.task.row.file for found in tasks)
    for found in tasks:
        data, task, file = found.task.data, found.task.id, found.task.row.file
        given = data.get(str(option)) if option else data.get(f"{OWN}id")
        name = raw.name if file == raw.file else stem(file).removeprefix(raw.base)
        if isinstance(given, str | int) and not isinstance(given, bool) and given != "":
            yield str(given)
        elif task is not None:
            yield task
        elif in_file[file] == 1:
            yield name
        else:
            made = f"{name}-{sha256(found.ground.text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
            seen[made] += 1
            yield made if seen[made] == 1 else f"{made}-{seen[made]}"


def _answers(tasks: Sequence[Found]) -> frozenset[str]:
    """Names of properties that answers go to: a field of the data of the same name steps aside."""
    return frozenset(
        property_name(str(r["from_name"]), str(r["type"]), ARTICLE_NAMES)
        for found in tasks
        for r in results_of(found.task)
        if r.get("type") in ATTRIBUTES and isinstance(r.get("from_name"), str)
    )


class _Lines:
    """Lines of pointers into a file. Only what there is something to find in is walked over: a task, where it can.

    `several`: whether items have to be given their lines here, which in the first file of a unit are found later.
    """

    def __init__(self, data: bytes, encoding: str, *, first: bool) -> None:
        self._data, self._encoding = data, encoding
        self.several = not first and b"\n" in data.strip()
        self._text: str | None = None
        self._walked: tuple[int, int] | None = None
        self._places: dict[str, int] = {}

    def of(self, row: Row, pointer: str) -> int:
        """The line of what a pointer names, or of what is nearest around it."""
        if row.inner:
            return row.inner
        if self._text is None:
            known = as_utf8(self._data, row.file, self._encoding)
            self._text = "" if isinstance(known, Diagnostic) else known.decode("utf-8", "replace")
        start, end = row.at or (0, len(self._text))
        if self._walked != (start, end):
            self._walked, self._places = (start, end), {"": 0}
            with contextlib.suppress(ValueError, LookupError):  # the file is damaged elsewhere
                self._places |= jsontext.positions(self._text[start:end])
        inner = pointer.removeprefix(row.pointer)
        while inner and inner not in self._places:
            inner = inner.rpartition("/")[0]
        first = row.line if row.at is not None else 1
        return first + self._text.count("\n", start, start + self._places[inner]) if inner else row.line


def _articles(
    found: Found, name: str, passes: Sequence[Pass], units: Sequence[str], answers: frozenset[str], lines: _Lines
) -> Iterator[Article]:
    """One article a pass; one without annotations if there is none."""
    task, row, matters = found.task, found.task.row, _matters(found.ground.text, units)
    for one in passes or [Pass(annotator=None)]:
        unit = _sorted(units, [_claims(one, found.ground)])[0] if matters else units[0]
        article = Article(
            id=name,
            text=found.ground.text,
            file=row.file,
            line=row.line or 1,
            pointer=row.pointer,
            annotator=one.annotator,
            curated=one.curated,
            unit=unit if matters else CODE_POINTS,
        )
        article.left_out.update(task.left_out)
        _data(article, found, answers)

        def report(code: str, message: str, pointer: str, article: Article = article) -> None:
            article.problem(code, message, line=lines.of(row, pointer), pointer=pointer)

        if passes:
            article.layers["mentions"] = []
        else:
            predicted = task.left_out["predictions"]
            more = f"; it has {predicted} predictions, which the option `predictions` reads" if predicted else ""
            report("I005", f"nobody annotated the task{more}", row.pointer)
        read_results(article, one.results, found.ground, unit, report)
        for items in article.layers.values():
            for item in items:
                item.line = lines.of(row, item.pointer) if lines.several else row.inner
        article.left_out = +article.left_out
        yield article


def _data(article: Article, found: Found, answers: frozenset[str]) -> None:
    """The other fields of the data as values, if they are single values; the paragraphs as a layer."""
    for key, value in found.task.data.items():
        if key in {found.field, f"{OWN}id"}:
            continue
        if isinstance(value, list | dict):
            article.left_out["lists and objects in the data"] += 1
            continue
        name = property_name(key, "data", ARTICLE_NAMES)
        while name in article.values or name in answers:
            name += "_data"
        article.values[name] = value if isinstance(value, str | int | float) else None
    if found.turns:
        items = article.layers["turns"] = []
        for number, (turn, span) in enumerate(zip(found.turns, found.ground.turns, strict=True), 1):
            author = turn["author"]
            item = Item(
                id=f"t{number}", ranges=(span,), pointer=f"{found.task.data_pointer}/{found.field}/{number - 1}"
            )
            item.values["author"] = author if isinstance(author, str) else None
            items.append(item)
            fields = turn["fields"]
            article.left_out["other fields of paragraphs"] += fields if isinstance(fields, int) else 0
