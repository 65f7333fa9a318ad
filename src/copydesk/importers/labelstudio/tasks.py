"""Label Studio files -> tasks and the passes over them, whichever of the tool's shapes they have.

Knows three shapes of export: JSON (`annotations`, before version 1.0 `completions`), JSON-MIN (flat objects), and the
one annotation a file that target storage holds. Does not know what a result says: see `labelstudio`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from copydesk import jsontext, xmltext
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.fields.rows import Row

Json: TypeAlias = Mapping[str, object]

ATTRIBUTES = ("choices", "taxonomy", "rating", "number", "datetime", "textarea")
"""Types of results that say something of a region or of the whole task."""

OWN = "copydesk_"
"""Names that begin so are the exporter's: a label control for a layer beside `mentions`, the article's id."""

_MINIMAL = ("annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement")
"""What JSON-MIN adds to the data of a task and the results."""

_EMPTY: tuple[object, ...] = (None, "", [], {}, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One annotation of a task: who made it, and its results, each with its pointer into the file."""

    annotator: str | None
    results: Sequence[tuple[str, object]] = ()
    curated: bool = False
    stamp: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task. `old`: whether it has the form of versions before 1.0. `passes` is empty if nobody annotated it."""

    row: Row
    id: str | None
    data: Json
    data_pointer: str
    passes: Sequence[Pass] = ()
    old: bool = False
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A labelling configuration: object name -> (tag, path of the data, its attributes), control name -> tag."""

    objects: Mapping[str, tuple[str, str, Mapping[str, str]]] = field(default_factory=dict)
    controls: Mapping[str, str] = field(default_factory=dict)


def read_config(files: Mapping[str, bytes]) -> tuple[Config, list[Diagnostic]]:
    """What the labelling configurations beside an export declare; I011 or I001 for a file that is none."""
    objects: dict[str, tuple[str, str, Mapping[str, str]]] = {}
    controls: dict[str, str] = {}
    found = []
    for name, data in sorted(files.items()):
        root = xmltext.parse(data, name)
        if isinstance(root, Diagnostic):
            found.append(root)
            continue
        met = False
        for element in root.iter():
            if not isinstance(element.tag, str) or not element.get("name"):
                continue
            if element.get("toName"):
                controls.setdefault(element.get("name"), element.tag)
                met = True
            elif (element.get("value") or "").startswith("$"):
                attributes = {str(key): str(value) for key, value in element.attrib.items()}
                objects.setdefault(element.get("name"), (element.tag, element.get("value")[1:], attributes))
                met = True
        if not met:
            message = "the file is no labelling configuration: no tag in it shows or labels data"
            found.append(Diagnostic(code="I001", place=Place(file=name, line=1), message=message))
    return Config(objects=objects, controls=controls), found


def is_task(value: Json) -> bool:
    """Whether an object has one of the shapes of a task."""
    nested = value.get("task")
    return (
        isinstance(value.get("data"), dict)
        or any(isinstance(value.get(key), list) for key in ("annotations", "completions"))
        or (isinstance(value.get("result"), list) and isinstance(nested, dict) and isinstance(nested.get("data"), dict))
        or is_minimal(value)
    )


def is_minimal(value: Json) -> bool:
    """Whether an object is flat, as JSON-MIN has them: its keys say so, or it holds labelled regions."""
    if any(isinstance(value.get(key), dict | list) for key in ("data", "annotations", "completions", "result")):
        return False
    if "annotation_id" in value or ("annotator" in value and "lead_time" in value):
        return True
    return any(isinstance(v, list) and any(map(_is_region, v)) for v in value.values())


def _is_region(value: object) -> bool:
    return isinstance(value, dict) and {"start", "end"} <= value.keys() and isinstance(value.get("labels"), list)


def task_of(row: Row, *, predictions: bool) -> Task | Diagnostic:
    """The task of a JSON export, or I004 if it has no data. `predictions`: whether they are taken as passes."""
    value, pointer = row.values, row.pointer
    nested = value.get("task")
    if isinstance(value.get("result"), list) and isinstance(nested, dict):
        inner = {**nested, "annotations": [{key: v for key, v in value.items() if key != "task"}]}
        task = task_of(replace(row, values=inner), predictions=predictions)
        if isinstance(task, Diagnostic):
            return task
        passes = [replace(p, results=[(_above(at, pointer), r) for at, r in p.results]) for p in task.passes]
        return replace(task, passes=passes, data_pointer=f"{pointer}/task/data")
    identifier = _text_id(value.get("id"))
    data = value.get("data")
    if not isinstance(data, dict):
        place = Place(file=row.file, line=row.line or None, pointer=pointer or None, record=identifier)
        return Diagnostic(code="I004", place=place, message="the task has no data, and so no text")
    left_out: Counter[str] = Counter()
    key = "annotations" if isinstance(value.get("annotations"), list) else "completions"
    given = value.get(key)
    annotations = given if isinstance(given, list) else []
    passes = _passes(annotations, f"{pointer}/{key}", left_out)
    passes += _predicted(value, annotations, pointer, left_out, taken=predictions)
    _count_rest(value, {"id", "data", key, "predictions"}, left_out)
    return Task(
        row=row,
        id=identifier,
        data=data,
        data_pointer=f"{pointer}/data",
        passes=_latest(passes, left_out),
        old=key == "completions" and bool(annotations),
        left_out=left_out,
    )


def _above(pointer: str, task: str) -> str:
    """The pointer of a result in an annotation that holds its task, not the other way round."""
    return task + pointer.removeprefix(f"{task}/annotations/0")


def _text_id(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        return None
    return str(value)


def _passes(annotations: Sequence[object], pointer: str, left_out: Counter[str]) -> list[Pass]:
    """The annotations of a task, without those that were cancelled or skipped."""
    made = []
    for number, annotation in enumerate(annotations):
        at = f"{pointer}/{number}"
        if not isinstance(annotation, dict):
            made.append(Pass(annotator=None, results=[(at, annotation)]))
            continue
        if annotation.get("was_cancelled") or annotation.get("skipped"):
            left_out["cancelled annotations"] += 1
            continue
        annotator = _annotator(annotation.get("completed_by"))
        if annotator is None and len(annotations) > 1:
            annotator = f"annotation {_text_id(annotation.get('id')) or number + 1}"
        _count_rest(annotation, {"id", "result", "completed_by", "ground_truth", "prediction"}, left_out)
        made.append(
            Pass(
                annotator=annotator,
                results=list(_flat(annotation.get("result"), f"{at}/result")),
                curated=annotation.get("ground_truth") is True,
                stamp=str(annotation.get("updated_at") or annotation.get("created_at") or ""),
            )
        )
    return made


def _annotator(value: object) -> str | None:
    """Who: an id, or an object with e-mail, name and id, of which the e-mail is how Label Studio tells people apart."""
    if isinstance(value, dict):
        return next((found for key in ("email", "username", "id") if (found := _text_id(value.get(key)))), None)
    return _text_id(value)


def _flat(results: object, pointer: str) -> Iterator[tuple[str, object]]:
    """The results of an annotation. Old and aggregated exports have lists of results in the list."""
    if results is None:
        return
    if not isinstance(results, list):
        yield pointer, results
        return
    for number, result in enumerate(results):
        if isinstance(result, list):
            yield from _flat(result, f"{pointer}/{number}")
        else:
            yield f"{pointer}/{number}", result


def _predicted(
    task: Json, annotations: Sequence[object], pointer: str, left_out: Counter[str], *, taken: bool
) -> list[Pass]:
    """The predictions of a task: objects, or ids of such as some annotation may hold. Taken as passes or counted."""
    objects: dict[str, tuple[str, Json]] = {}
    named: set[str] = set()
    given = task.get("predictions")
    places = [(f"{pointer}/predictions/{n}", p) for n, p in enumerate(given if isinstance(given, list) else ())]
    for key in ("annotations", "completions"):
        places += [
            (f"{pointer}/{key}/{n}/prediction", a.get("prediction"))
            for n, a in enumerate(annotations)
            if key in task and isinstance(a, dict)
        ]
    for at, prediction in places:
        if isinstance(prediction, dict) and prediction:
            objects.setdefault(_text_id(prediction.get("id")) or at, (at, prediction))
        elif (name := _text_id(prediction)) is not None:
            named.add(name)
    left_out["predictions that are only named by id"] += len(named - objects.keys())
    if not taken:
        left_out["predictions"] += len(objects)
        return []
    return [
        Pass(
            annotator=f"prediction:{_text_id(prediction.get('model_version')) or 'unknown'}",
            results=list(_flat(prediction.get("result"), f"{at}/result")),
            stamp=str(prediction.get("updated_at") or prediction.get("created_at") or ""),
        )
        for at, prediction in objects.values()
    ]


_LISTS = {"drafts": "drafts", "reviews": "reviews", "history": "history entries", "comments": "comments"}


def _count_rest(value: Json, known: set[str], left_out: Counter[str]) -> None:
    """Count what a task or an annotation holds beside the annotation itself."""
    for key, given in value.items():
        if key in known or given in _EMPTY:
            continue
        if key in _LISTS and isinstance(given, list):
            left_out[_LISTS[key]] += len(given)
        elif key == "meta" and isinstance(given, dict):
            left_out["fields of the task's meta"] += len(given)
        else:
            left_out["administrative fields (dates, counts, projects)"] += 1


def _latest(passes: Sequence[Pass], left_out: Counter[str]) -> list[Pass]:
    """One pass an annotator: the one that is ground truth, else the latest, of those that somebody made twice."""
    best: dict[str | None, Pass] = {}
    for one in passes:
        held = best.get(one.annotator)
        if held is None:
            best[one.annotator] = one
            continue
        left_out["other annotations by the same annotator"] += 1
        if (one.curated, one.stamp) >= (held.curated, held.stamp):
            best[one.annotator] = one
    return list(best.values())


# JSON-MIN


def answer_names(rows: Sequence[Row], config: Config) -> Mapping[str, str]:
    """JSON-MIN: name of a control -> its type, for those whose single answers stand as bare strings.

    One answer is written as a string, several as an object, so one object anywhere in the file (or the
    configuration) tells a control from a field of the data.
    """
    kinds = {name: tag.lower() for name, tag in config.controls.items() if tag.lower() in ATTRIBUTES}
    for row in rows:
        for key, value in row.values.items():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, dict) and (kind := _kind(one)) in ATTRIBUTES and key not in _MINIMAL:
                    kinds.setdefault(key, kind)
    return kinds


def minimal_task(row: Row, answers: Mapping[str, str]) -> Task:
    """The task of a flat object of JSON-MIN: one annotation, its results brought into the form of a JSON export."""
    data: dict[str, object] = {}
    results: list[tuple[str, object]] = []
    for key, value in row.values.items():
        if key == "id" or key in _MINIMAL:
            continue
        listed = value if isinstance(value, list) else [value]
        if key not in answers and not any(isinstance(one, dict) and _kind(one) for one in listed):
            data[key] = value
            continue
        for number, one in enumerate(listed):
            if one is None:
                continue
            at = f"{row.pointer}/{jsontext.escape(key)}" + (f"/{number}" if isinstance(value, list) else "")
            results.append((at, _minimal_result(key, one, answers)))
    left_out: Counter[str] = Counter()
    _count_rest({key: row.values.get(key) for key in _MINIMAL}, {"annotator"}, left_out)
    annotator = _annotator(row.values.get("annotator"))
    made = Pass(annotator=annotator, results=results, stamp=str(row.values.get("updated_at") or ""))
    annotated = bool(results) or row.values.get("annotation_id") is not None
    return Task(
        row=row,
        id=_text_id(row.values.get("id")),
        data=data,
        data_pointer=row.pointer,
        passes=[made] if annotated else [],
        left_out=left_out,
    )


def _minimal_result(name: str, value: object, answers: Mapping[str, str]) -> object:
    if isinstance(value, dict):
        return {"from_name": name, "type": _kind(value) or "unknown", "value": value}
    kind = answers.get(name)
    if kind is None or value is None:
        return value
    inner = [value] if kind in {"choices", "textarea"} else value
    return {"from_name": name, "type": kind, "value": {"text" if kind == "textarea" else kind: inner}}


def _kind(value: Json) -> str | None:
    """The type of the result that an object of JSON-MIN was, by its keys; None for what is none."""
    for key in value:
        if key.endswith("labels"):
            return key
    for key in ATTRIBUTES:
        if key in value:
            return key
    if isinstance(value.get("text"), list):
        return "textarea"
    return "labels" if {"start", "end"} <= value.keys() else None
