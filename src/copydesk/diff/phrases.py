"""A change in words: our own, and those of the data, kept apart, so that each form of output can escape the latter."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from copydesk.diff.model import Change, What
from copydesk.diff.report import Difference, Located


@dataclass(frozen=True, slots=True)
class Data:
    """Words of the data: ids, labels, text, places. Never shown as they are."""

    text: str


Phrase = tuple[str | Data, ...]

VERBS: dict[What, str] = {
    "config-added": "configs added", "config-removed": "configs removed",
    "config-changed": "default config changed",
    "column-added": "columns added", "column-removed": "columns removed", "column-changed": "columns changed",
    "split-moved": "moved to another split", "folds-changed": "folds changed",
    "record-added": "added", "record-withdrawn": "withdrawn", "record-renamed": "renamed",
    "text-edited": "text edited", "record-edited": "properties edited",
    "annotation-added": "added", "annotation-removed": "removed", "annotation-relabelled": "relabelled",
    "annotation-reattributed": "reattributed", "annotation-moved": "moved", "annotation-edited": "edited",
    "layer-reordered": "reordered",
    "rights-changed": "rights changed", "license-changed": "licence of the annotation changed",
    "bytes-changed": "other bytes",
}  # fmt: skip
"""What became of the things that are counted."""

MAX_VALUE, MAX_NOTE = 120, 400
"""Characters of a value, and of a note, that are shown."""
_PLAIN = re.compile(r"[^\W\d][\w.:/+-]{0,59}")
"""Strings that are shown without quotes: labels and ids. What looks like a number, null or true is not among them."""


def value(given: Any) -> Data:
    """A JSON value, short."""
    if isinstance(given, str) and _PLAIN.fullmatch(given) and given not in {"null", "true", "false"}:
        return Data(given)
    return short(json.dumps(given, ensure_ascii=False))


def short(text: str, limit: int = MAX_VALUE) -> Data:
    """As much of a text as is shown."""
    return Data(text if len(text) <= limit else f"{text[: limit - 1]}…")


def described(change: Change) -> Phrase:
    """One change, without its place."""
    if change.what.startswith(("config-", "column-")):
        return _of_contract(change)
    if change.what == "license-changed":
        return ("the licence of the annotation: ", value(change.old), " -> ", value(change.new), *_note(change))
    if change.what == "bytes-changed":
        return ("the same rows in other bytes, or other prose", *_note(change))
    return (*_subject(change), *_happened(change))


def placed(located: Located, difference: Difference) -> Phrase:
    """One change and where it stands; whose file that is, if it is not the new side's own."""
    if located.place is None:
        return described(located.change)
    place = located.place
    where = place.file if place.line is None else f"{place.file}:{place.line}"
    whose: Phrase = ()
    if located.at == "tree":
        whose = (" (work tree)",)
    elif located.at == "old":
        whose = (" of ", short(difference.old.label))
    return (*described(located.change), " at ", Data(where), *whose)


def _of_contract(change: Change) -> Phrase:
    column = (" ", Data(change.pointer)) if change.pointer else ()
    if change.note:
        return (Data(change.layer), *column, *_note(change))
    if change.what == "column-changed":
        return (Data(change.layer), *column, ": ", value(change.old), " -> ", value(change.new))
    return (Data(change.layer), *column)


def _subject(change: Change) -> Phrase:
    record: Phrase = (f"{change.kind} " if change.kind.isidentifier() else Data(f"{change.kind} "), Data(change.record))
    split: Phrase = (" (", Data(change.split), ")") if change.split and change.what != "split-moved" else ()
    if not change.layer:
        return (*record, *split)
    item: Phrase = (" ", Data(change.item)) if change.item else ()
    return (Data(change.layer), *item, " in ", *record, *split)


def _happened(change: Change) -> Phrase:
    what = change.what
    if what == "split-moved":
        return (": ", Data(change.old_split), " -> ", Data(change.split), *_note(change))
    if what == "text-edited":
        return _note(change) or (": text edited",)
    if what == "record-renamed":
        return (": was ", value(change.old), *_note(change))
    if what == "layer-reordered":
        return (": in another order",)
    if what in {"annotation-added", "annotation-removed"}:
        item = change.new if what == "annotation-added" else change.old
        return (": ", *_glance(item), *_note(change)) if isinstance(item, Mapping) else _note(change)
    if what in {"record-added", "record-withdrawn"}:
        return _note(change)
    if what.startswith("annotation-") and isinstance(change.old, Mapping) and isinstance(change.new, Mapping):
        return (": ", *_aspects(change.old, change.new), *_note(change))
    name: Phrase = (Data(change.pointer.removeprefix("/")), " ") if change.pointer else ()
    return (": ", *name, value(change.old), " -> ", value(change.new), *_note(change))


def _note(change: Change) -> Phrase:
    return (": ", short(change.note, MAX_NOTE)) if change.note else ()


def _aspects(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str | Data]:
    """`label A -> B, start 3 -> 4`: the properties that differ."""
    for number, name in enumerate(dict.fromkeys([*old, *new])):
        yield ", " if number else ""
        yield Data(name)
        yield from (" ", value(old.get(name)), " -> ", value(new.get(name)))


def _glance(item: Mapping[str, Any]) -> Iterator[str | Data]:
    """What an annotation is, as far as a line can say: its label, its words, or else all of it."""
    first = [item[name] for name in ("label", "surface", "sentence", "name") if isinstance(item.get(name), str)]
    for number, given in enumerate(first[:2] or [dict(item)]):
        yield " " if number else ""
        yield value(given)
