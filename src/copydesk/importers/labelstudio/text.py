"""Which field of a Label Studio task holds the text, what that text is, and where regions stand in it.

Of a result it reads what it is about and its offsets; what it says is for `labelstudio_results`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from copydesk.articles.model import Range
from copydesk.articles.offsets import Claim
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.fields.rows import Row
from copydesk.importers.labelstudio.surfaces import by_surfaces
from copydesk.importers.labelstudio.tasks import (
    ATTRIBUTES,
    OWN,
    Config,
    Json,
    Task,
    answer_names,
    is_minimal,
    is_task,
    minimal_task,
    task_of,
)

REGIONS = ("labels", "paragraphlabels", "hypertextlabels")
"""Types of results that are labelled pieces of a text."""

End: TypeAlias = tuple[int, str, int]
"""(where a piece of the text begins, the piece, offset in it): the whole text, or one paragraph."""

_TEXT_TAGS = frozenset({"Text", "HyperText", "Paragraphs", "Dialog"})
_MEDIA = re.compile(r"(?i)(?:^|_)(?:image|img|audio|video|pdf|page|picture|message|chat|timeseries)s?(?:$|_)")
_MEDIA_FILE = re.compile(r"(?i)\.(?:jpe?g|png|gif|bmp|webp|tiff?|svg|wav|mp3|flac|ogg|m4a|mp4|webm|mov|avi|pdf)\b")
_ADDRESS = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://|/data/|data:[a-z]+/)\S+")
_STEP = re.compile(r"[^.\[\]]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What results are about. `turns`: where the paragraphs stand in the text, if it was put together of some.

    `others` are the names of objects of the labelling interface that show something else than the text.
    """

    text: str
    turns: Sequence[Range] = ()
    others: frozenset[str] = frozenset()

    def is_of(self, result: Json) -> bool:
        """Whether a result is about the text, as far as that is known."""
        name = result.get("to_name")
        return not isinstance(name, str) or name not in self.others


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A task with its text. `field`: the top-level field of the data that holds it; `turns`: its paragraphs."""

    task: Task
    field: str
    ground: Ground
    turns: Sequence[Json] = ()


def with_text(rows: Sequence[Row], config: Config, options: Mapping[str, object]) -> Iterator[Found | Diagnostic]:
    """The tasks of a file with their texts; what is no task, or has no text, is lost."""
    answers = answer_names([row for row in rows if is_minimal(row.values)], config)
    made: list[Task | Diagnostic] = []
    for row in rows:
        if is_minimal(row.values):
            made.append(minimal_task(row, answers))
        elif is_task(row.values):
            made.append(task_of(row, predictions=options.get("predictions") is True))
        else:
            place = Place(file=row.file, line=row.line or None, pointer=row.pointer or None)
            message = "this is no task: it has no data, and nothing that JSON-MIN adds to them"
            made.append(Diagnostic(code="I001", place=place, message=message))
    if len(made) > 1 and all(isinstance(task, Diagnostic) and task.code == "I001" for task in made):
        message = f"none of the {len(made)} objects in the file is a task: they have no data and no results"
        yield Diagnostic(code="I001", place=Place(file=rows[0].file, line=rows[0].line or None), message=message)
        return
    option = options.get("text")
    given = str(option) if option else None
    fields = [_named(task, config) if isinstance(task, Task) and given is None else given for task in made]
    usual = next(iter(Counter(field for field in fields if field is not None).most_common(1)), (None, 0))[0]
    for task, field in zip(made, fields, strict=True):
        yield _found(task, config, field, usual, given) if isinstance(task, Task) else task


def _found(task: Task, config: Config, named: str | None, usual: str | None, given: str | None) -> Found | Diagnostic:
    place = Place(file=task.row.file, line=task.row.line or None, pointer=task.data_pointer or None, record=task.id)
    kinds = Counter(str(r.get("type")) for r in results_of(task))
    if kinds["chatmessage"]:
        message = f"the task is a chat of {kinds['chatmessage']} messages that the annotators wrote"
        return Diagnostic(code="I012", place=place, message=message)
    usual = usual if usual is not None and _at(task.data, usual) is not None else None
    field = named or usual or _declared(task, config) or _guess(task.data)
    value = _at(task.data, field) if field is not None else None
    turns = _turns(value, config, field)
    if field is None or not (turns or isinstance(value, str)) or (_is_address(value) and given is None):
        return _textless(task, field, kinds, place)
    others = frozenset(
        n for r in results_of(task) if isinstance(n := r.get("to_name"), str) and _shows(n, task, config, field)
    )
    shown = {tag for tag, path, _ in config.objects.values() if path == field}
    of_text = [r for r in results_of(task) if Ground(text="", others=others).is_of(r)]
    if "HyperText" in shown or any(map(is_hypertext, of_text)):
        message = f"the offsets are into the rendered form of the hypertext in {field!r}, not into its source"
        return Diagnostic(code="I012", place=place, message=message)
    top = field if field in task.data else _STEP.findall(field)[0]
    if not turns:
        return Found(task=task, field=top, ground=Ground(text=str(value), others=others))
    ranges: list[Range] = []
    texts = [text for _, text in turns]
    for text in texts:
        start = ranges[-1][1] + 1 if ranges else 0
        ranges.append((start, start + len(text)))
    ground = Ground(text="\n".join(texts), turns=ranges, others=others)
    return Found(task=task, field=top, ground=ground, turns=[turn for turn, _ in turns])


def results_of(task: Task) -> Iterator[Json]:
    """The results of all passes that are objects."""
    return (result for one in task.passes for _, result in one.results if isinstance(result, dict))


def _named(task: Task, config: Config) -> str | None:
    """The field of the text, as far as anything tells which it is."""
    return next(_evidence(task, config), None) or by_surfaces(task.data, results_of(task))


def _declared(task: Task, config: Config) -> str | None:
    """The field that the configuration shows as the text of the results, whether the data have it or not."""
    names = [r.get("to_name") for r in results_of(task)]
    shown = [config.objects[name] for name in names if isinstance(name, str) and name in config.objects]
    return next((path for tag, path, _ in shown if tag in _TEXT_TAGS), None)


def _evidence(task: Task, config: Config) -> Iterator[str]:
    """Fields that the configuration or the results name as the text, the best evidence first."""
    names = list(dict.fromkeys(str(r["to_name"]) for r in results_of(task) if isinstance(r.get("to_name"), str)))
    named = [config.objects[name][:2] for name in names if name in config.objects]
    for tag, path in [*named, *(shown[:2] for shown in config.objects.values())]:
        if tag in _TEXT_TAGS and _at(task.data, path) is not None:
            yield path
    sources = [str(r["source"]) for r in results_of(task) if isinstance(r.get("source"), str)]
    for path in [*(s.removeprefix("$") for s in sources), *(name.removeprefix("$") for name in names)]:
        value = _at(task.data, path)
        if (isinstance(value, str) and not _is_address(value)) or _turns(value, config, path):
            yield path
    if any(r.get("type") == "paragraphlabels" for r in results_of(task)):
        yield from (path for path, value in task.data.items() if _turns(value, config, path))


def _guess(data: Json) -> str | None:
    """`text`, or the only string there is."""
    if isinstance(data.get("text"), str):
        return "text"
    strings = [key for key, value in data.items() if isinstance(value, str) and not _is_address(value)]
    return strings[0] if len(strings) == 1 and not strings[0].startswith(OWN) else None


def _at(data: Json, path: str) -> object:
    """The value that a path of the configuration leads to: `text`, `article.body`, `pages[0].text`."""
    if path in data:
        return data[path]
    value: object = data
    for step in _STEP.findall(path):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _turns(value: object, config: Config, field: str | None) -> list[tuple[Json, str]]:
    """The paragraphs that a field holds, each with its text; none if it holds something else."""
    attributes = next((more for _, path, more in config.objects.values() if path == field), {})
    key = attributes.get("textKey", attributes.get("textkey", "text"))
    if not isinstance(value, list) or not all(isinstance(t, dict) and isinstance(t.get(key), str) for t in value):
        return []
    author = attributes.get("nameKey", attributes.get("namekey", "author"))
    return [({"author": turn.get(author), "fields": len(turn.keys() - {key, author})}, turn[key]) for turn in value]


def _is_address(value: object) -> bool:
    return isinstance(value, str) and _ADDRESS.fullmatch(value.strip()) is not None


def _shows(name: str, task: Task, config: Config, field: str) -> bool:
    """Whether an object of the interface shows something else than the text, as far as that is known."""
    if name in config.objects:
        path = config.objects[name][1]
        return path != field and _at(task.data, path) is not None
    return name != field and name in task.data


def _textless(task: Task, field: str | None, kinds: Counter[str], place: Place) -> Diagnostic:
    """I012 for pictures, sound and the like; I004 where there should be a text."""
    data = {key: value for key, value in task.data.items() if not key.startswith(OWN) and field in {None, key}}
    strings = [key for key, value in data.items() if isinstance(value, str) and not _is_address(value)]
    addresses = [value for value in data.values() if isinstance(value, str) and _is_address(value)]
    foreign = sorted(kind for kind in kinds if kind not in {*ATTRIBUTES, "labels", "relation", "None"})
    if foreign or (not strings and (any(map(_MEDIA.search, data)) or any(map(_MEDIA_FILE.search, addresses)))):
        what = f"results of type {foreign[0]}" if foreign else f"data called {', '.join(data)[:60]}"
        return Diagnostic(code="I012", place=place, message=f"the task has no text: it has {what}")
    if addresses:
        message = f"the text is not in the file: the data have an address, {addresses[0][:50]!r}"
        return Diagnostic(code="I004", place=place, message=message, help="export the texts with the annotations")
    if field is not None:
        return Diagnostic(code="I004", place=place, message=f"the data of the task have no string {field!r}")
    what = f"{len(strings)} strings ({', '.join(strings)[:60]}), and none is named as the text"
    message = f"the data of the task have {what if strings else 'no string'}"
    return Diagnostic(code="I004", place=place, message=message, help="name the field with the option `text`")


# Where regions stand in it


def is_hypertext(result: object) -> bool:
    """Whether a result is a region of rendered hypertext: its ends are XPaths."""
    value = result.get("value") if isinstance(result, dict) else None
    start = value.get("start") if isinstance(value, dict) else None
    return isinstance(start, str) and start.startswith(("/", "."))


def claims_of(results: Sequence[tuple[str, object]], ground: Ground) -> Iterator[tuple[str, Claim]]:
    """The strings that regions give for their spans, each with the piece of the text in which its offsets count."""
    for _, result in results:
        if not isinstance(result, dict) or result.get("type") not in REGIONS or not ground.is_of(result):
            continue
        value = result.get("value")
        surface = value.get("text") if isinstance(value, dict) else None
        ends = ends_of(value, ground) if isinstance(value, dict) else ""
        if isinstance(surface, str) and not isinstance(ends, str) and ends[0][0] == ends[1][0]:
            (_, piece, start), (_, _, end) = ends
            yield piece, (start, end, line_ends(surface, piece))


def line_ends(surface: str, text: str) -> str:
    """Some versions write the line ends of a surface as a backslash and an n."""
    return surface.replace("\\n", "\n") if "\\n" in surface and "\\n" not in text else surface


def ends_of(value: Json, ground: Ground) -> tuple[End, End] | str:
    """Start and end of a region, or what is wrong with them."""
    start, end = _number(value.get("start")), _number(value.get("end"))
    if start is None or end is None:
        return f"has no offsets: start is {short(value.get('start'))}, end {short(value.get('end'))}"
    if not ground.turns:
        return (0, ground.text, start), (0, ground.text, end)
    first, last = _number(value.get("startOffset")), _number(value.get("endOffset"))
    if first is None or last is None:
        return "has no offsets in its paragraphs"
    if not (0 <= start < len(ground.turns) and 0 <= end < len(ground.turns)):
        return f"is of the paragraphs {start} to {end}; there are {len(ground.turns)}"
    (a, b), (c, d) = ground.turns[start], ground.turns[end]
    return (a, ground.text[a:b], first), (c, ground.text[c:d], last)


def _number(value: object) -> int | None:
    """An offset; some versions write it as a string."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def short(value: object) -> str:
    """A value as a message quotes it."""
    shown = repr(value)
    return shown if len(shown) <= 40 else shown[:39] + "…"
