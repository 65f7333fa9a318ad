"""The tasks of a Prodigy file: which of them ask the same of one text, and who answered; reviewed ones hold several.

Knows what a task asks, not what becomes of its annotations (that is prodigy.py).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from copydesk import jsontext
from copydesk.diagnostics import Diagnostic, Place

ANSWERS = ("accept", "reject", "ignore")
"""The buttons of the web application; `db-out` writes the one that was pressed as `answer`."""

_KEYS = {
    "text", "html", "image", "audio", "video", "spans", "tokens", "relations", "options", "accept", "answer",
    "versions", "_input_hash", "_task_hash",
}  # fmt: skip
_RESTARTS, _AGAIN = 100, 8 * 2**20
"""How many tasks without an end are given up before the rest of a file is; bytes that are gone over again for them."""
_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One JSON object of the file that has a text, and where it stands. `pointer` is that of the object."""

    value: Mapping[str, Any]
    line: int
    pointer: str

    @property
    def text(self) -> str:
        return str(self.value["text"])


@dataclass(slots=True, kw_only=True)
class Answer:
    """What one annotator made of a task: the task itself, or one version in a reviewed one.

    `curated`: the outcome of a review. `seat` tells the answers of one question apart: two of the same seat are
    repeats. `problems`: (code, what is wrong, pointer).
    """

    value: Mapping[str, Any]
    line: int
    pointer: str
    annotator: str | None
    curated: bool = False
    seat: str = ""
    problems: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def answer(self) -> str | None:
        given = self.value.get("answer")
        return given if isinstance(given, str) else None


@dataclass(slots=True, kw_only=True)
class Question:
    """One text with one question about it: what becomes one article. In the order of the file."""

    id: str
    text: str
    answers: list[Answer]


def tasks_of(data: bytes, file: str) -> tuple[list[Task], list[Diagnostic]]:
    """The tasks of a file (UTF-8), and what in it is none: a line or object that is damaged is lost alone.

    Tasks stand one a line; in an array; or one after the other over several lines, as programs write them that make
    JSON pretty. A file without a single task is I001.
    """
    tasks: list[Task] = []
    lost: list[Diagnostic] = []
    known = objects = 0
    for line, pointer, piece in _pieces(data):
        place = Place(file=file, line=line, pointer=pointer or None)
        value = _load(piece, place)
        if isinstance(value, Diagnostic):
            lost.append(value)
            continue
        objects += 1
        known += not _KEYS.isdisjoint(value)
        missing = _without_text(value, place)
        if missing is not None:
            lost.append(missing)
        else:
            tasks.append(Task(value=value, line=line, pointer=pointer))
    if lost and not known:
        why = "no object in it has the keys of a Prodigy task" if objects else f"no task in it: {lost[0].message}"
        return [], [Diagnostic(code="I001", place=lost[0].place, message=why)]
    return tasks, lost


def _pieces(data: bytes) -> Iterator[tuple[int, str, bytes]]:
    """(line, pointer, bytes) of every task: a line each, or an object each where the file is an array or has objects
    over several lines. What stands between two objects is a piece as well, for the parser to refuse."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    rows = data.split(b"\n")
    filled = [row for row in rows if row.strip()]
    array = bool(filled) and filled[0].lstrip().startswith(b"[")
    if array or (len(filled) > 1 and not any(row[:1] == b"{" and row.rstrip()[-1:] == b"}" for row in filled)):
        yield from _spread(data, array)
        return
    for number, row in enumerate(rows, 1):
        if row.strip():
            yield number, "", row


def _spread(data: bytes, array: bool) -> Iterator[tuple[int, str, bytes]]:
    at = data.index(b"[") + 1 if array else 0
    number, line, closed = 0, 1 + data.count(b"\n", 0, at), not array
    for start, end in [*_objects(data, at), (len(data), len(data))]:
        between = data[at:start].rstrip(b" \t\r\n,")
        if array and start == len(data) and between.endswith(b"]"):
            between, closed = between[:-1].rstrip(b" \t\r\n,"), True
        junk = between.lstrip(b" \t\r\n,")
        if junk:
            yield line + data.count(b"\n", at, at + len(between) - len(junk)), "", junk
            closed = closed or start == len(data)
        line += data.count(b"\n", at, start)
        if start < end:
            yield line, f"/{number}" if array else "", data[start:end]
            closed = closed or (end == len(data) and _is_open(data[start:end]))  # it is cut short, and refused itself
        line += data.count(b"\n", start, end)
        at, number = end, number + 1
    if not closed:
        yield line, "", b"["  # the array does not end: the parser says so


def _is_open(piece: bytes) -> bool:
    """Whether brackets are open at the end."""
    tokens = [match[0] for match in _BRACKET.finditer(piece)]
    return sum(token in (b"[", b"{") for token in tokens) > sum(token in (b"]", b"}") for token in tokens)


def _objects(data: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Where the objects that stand in no other begin and end, from `at` on.

    One that does not end is given up at the next line that begins with a brace, so that it takes no other with it.
    """
    for _ in range(max(1, min(_RESTARTS, _AGAIN // max(1, len(data))))):
        level, start = 0, -1
        for match in _BRACKET.finditer(data, at):
            if match[0] in (b"[", b"{"):
                start = match.start() if level == 0 else start
                level += 1
            elif match[0] in (b"]", b"}") and level:
                level -= 1
                if level == 0:
                    yield start, match.end()
                    at = match.end()
        if level == 0:
            return
        at = data.find(b"\n{", start) + 1
        if at == 0:
            yield start, len(data)
            return
        yield start, at
    yield at, len(data)


def _load(piece: bytes, place: Place) -> Mapping[str, Any] | Diagnostic:
    try:
        value = jsontext.loads(piece)
    except jsontext.JsonError as error:
        line = (place.line or 1) + (error.line or 1) - 1
        column = error.column if not place.pointer or (error.line or 1) > 1 else None  # an element begins anywhere
        place = Place(file=place.file, line=line, column=column, pointer=place.pointer)
        return Diagnostic(code=error.code, place=place, message=error.message)
    if not isinstance(value, dict):
        return Diagnostic(code="S007", place=place, message="a task is a JSON object; this is none")
    return value


def _without_text(value: Mapping[str, Any], place: Place) -> Diagnostic | None:
    if isinstance(value.get("text"), str):
        return None
    shown = next((key for key in ("html", "image", "audio", "video") if value.get(key)), None)
    if shown is not None:
        return Diagnostic(code="I012", place=place, message=f"the task has no text; it shows `{shown}`")
    why = "`text` is not a string" if "text" in value else "the task has no `text`"
    return Diagnostic(code="I004", place=place, message=why)


def questions(tasks: Sequence[Task], name: str) -> list[Question]:
    """The tasks sorted into questions, in the order in which the file has them first.

    Tasks of equal `_input_hash` are about the same input; the id of the article is that hash as eight hexadecimal
    digits. Where the tasks have none, it is made of `name` and the text. Several questions about one text (other
    labels, other options) are several articles: the ids of all but one end in the hash of their task. The same goes
    for two texts whose hashes, of 32 bits, happen to be equal.
    """
    inputs: dict[str, dict[str, dict[str, list[Task]]]] = {}
    for task in tasks:
        asked = inputs.setdefault(_base(task, name), {}).setdefault(task.text, {})
        asked.setdefault(_question(task.value), []).append(task)
    made: list[tuple[int, Question]] = []
    order = {id(task): number for number, task in enumerate(tasks)}
    taken: set[str] = set()
    for base, texts in inputs.items():
        for place, text in enumerate(sorted(texts)):
            own = base if place == 0 else f"{base}-{_sha(text)}"
            for number, asked_for in enumerate(sorted(texts[text])):
                here = texts[text][asked_for]
                identifier = _free(own if number == 0 else f"{own}-{_task_hash(here, asked_for)}", taken)
                answers = [answer for task in here for answer in answers_of(task)]
                made.append((order[id(here[0])], Question(id=identifier, text=text, answers=answers)))
    return [question for _, question in sorted(made, key=lambda pair: pair[0])]


def _base(task: Task, name: str) -> str:
    given = task.value.get("_input_hash")
    return f"{given & 0xFFFFFFFF:08x}" if type(given) is int else f"{name}-{_sha(task.text)}"


def _task_hash(tasks: Sequence[Task], asked: str) -> str:
    hashes = [h for task in tasks if type(h := task.value.get("_task_hash")) is int]
    return f"{min(hashes) & 0xFFFFFFFF:08x}" if hashes else _sha(asked)


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _free(identifier: str, taken: set[str]) -> str:
    name, number = identifier, 2
    while name in taken:
        name, number = f"{identifier}-{number}", number + 1
    taken.add(name)
    return name


def _question(value: Mapping[str, Any]) -> str:
    """What a task asks: whether a label is right, which option is, or to mark what there is.

    Tasks that ask to mark everything are the same question whatever was marked before (their `_task_hash` covers what
    was suggested); a choice is another one if its options or the spans that it is about are others. Spans beside
    tokens are marked by the annotator, so they are no part of what was asked.
    """
    if isinstance(value.get("label"), str):
        return f"label {value['label']}"
    if "options" in value or "accept" in value:
        ids = [repr(o.get("id") if isinstance(o, Mapping) else o) for o in _list(value.get("options"))]
        return f"choice {sorted(ids)} {[] if 'tokens' in value else _spans(value)}"
    return "relations" if "relations" in value else ""


def _spans(value: Mapping[str, Any]) -> list[str]:
    spans = (s for s in _list(value.get("spans")) if isinstance(s, Mapping))
    return sorted(repr((s.get("start"), s.get("end"), s.get("label"), s.get("answer"))) for s in spans)


def says(answer: Answer) -> str:
    """What an answer says, in words that are equal for equal answers whatever the order of their annotations."""
    value = answer.value
    relations = (r for r in _list(value.get("relations")) if isinstance(r, Mapping))
    links = sorted(repr((r.get("head"), r.get("child"), r.get("label"))) for r in relations)
    accepted = sorted(repr(option) for option in _list(value.get("accept")))
    return repr((_spans(value), links, accepted, value.get("label"), answer.answer))


def answers_of(task: Task) -> Iterator[Answer]:
    """The answers that a task holds: its own; and if it is a reviewed one, those of every version's sessions.

    The `review` recipe writes the outcome as the task, the answers that it came from as `versions`, and in each
    version's `sessions` who gave it. The outcome carries the ids of the version that it began from, so they name the
    reviewer only if they are none of those.
    """
    versions = task.value.get("versions")
    if not isinstance(versions, list):
        who = annotator_of(task.value)
        yield Answer(value=task.value, line=task.line, pointer=task.pointer, annotator=who, seat=f"by {who}")
        return
    passes: list[Answer] = []
    problems: list[tuple[str, str, str]] = []
    for number, version in enumerate(versions):
        pointer = f"{task.pointer}/versions/{number}"
        if not isinstance(version, Mapping):
            problems.append(("I002", "a version is a JSON object; this is none", pointer))
        elif version.get("text", task.text) != task.text:
            problems.append(("I002", "the version is over another text than its task", f"{pointer}/text"))
        else:
            for who in _sessions(version) or [None]:
                seat = f"by {who}" if who is not None else f"version {number}"
                passes.append(Answer(value=version, line=task.line, pointer=pointer, annotator=who, seat=seat))
    reviewer = annotator_of(task.value)
    if reviewer in {answer.annotator for answer in passes}:
        reviewer = None
    yield Answer(
        value=task.value,
        line=task.line,
        pointer=task.pointer,
        annotator=reviewer,
        curated=True,
        seat=f"review by {reviewer}",
        problems=problems,
    )
    yield from passes


def annotator_of(value: Mapping[str, Any]) -> str | None:
    """Who answered: `_annotator_id`, or `_session_id` as older versions have it."""
    for key in ("_annotator_id", "_session_id"):
        if isinstance(value.get(key), str) and value[key]:
            return str(value[key])
    return None


def _sessions(version: Mapping[str, Any]) -> list[str | None]:
    named = [who for who in _list(version.get("sessions")) if isinstance(who, str) and who]
    return list(dict.fromkeys(named)) or [who for who in [annotator_of(version)] if who]


def is_taken(answer: Answer, wanted: Collection[str] | None) -> bool:
    """Whether an answer becomes an annotation of the article; `wanted` are the answers of the option.

    What was accepted is taken, and so is a task without an answer. That a label was rejected is an answer too: the
    article has `label` and `answer`. In every other task what was rejected is what was marked, or chosen, so it is no
    annotation. Prodigy's own recipes (review, data-to-spacy) keep to the same rule.
    """
    if answer.answer is None:
        return True
    if wanted is not None:
        return answer.answer in wanted
    return answer.answer == "accept" or (answer.answer == "reject" and isinstance(answer.value.get("label"), str))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
