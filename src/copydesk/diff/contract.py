"""What changed in the contract of the rows, column by column, each difference with the rule that says what it means.

Exact about direction, keyword by keyword: narrowed is what no longer allows some value that the keyword allowed,
widened the reverse. Not a proof over whole schemas (that a pattern leaves nothing for a longer `maxLength` to allow
is not seen), and not the replay of rows: that is replay.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from copydesk.contract import arrow
from copydesk.contract.rows import json_schema, type_name
from copydesk.contract.types import Field, Label, Type
from copydesk.diff.constraints import DIMENSIONS, shown
from copydesk.diff.model import Change, What
from copydesk.jsontext import escape

_NUMBERS = {"integer", "number"}
_RULES = {"narrowed": "rules-narrowed", "widened": "rules-widened", "changed": "rules-changed", "same": "words-changed"}
_MEANING = ("x-span", "x-key", "x-ref", "x-link")
_HANDLING = ("x-group", "x-withhold")


def contract_changes(old: Mapping[str, Type], new: Mapping[str, Type]) -> Iterator[Change]:
    """Every difference between the row types of two sides (config -> type), configs in order of their names.

    A config or column with another name is one that is gone and one that is new.
    """
    for name in sorted({*old, *new}):
        if name not in new:
            names = list(old[name].names)
            about = f"it had the columns {', '.join(names)}"
            yield Change(what="config-removed", rule="config-removed", layer=name, old=names, note=about)
        elif name not in old:
            names = list(new[name].names)
            about = f"it has the columns {', '.join(names)}"
            yield Change(what="config-added", rule="config-added", layer=name, new=names, note=about)
        else:
            yield from _column(_Column(config=name, pointer="", old=old[name], new=new[name]))


def allows_null(node: Type) -> bool:
    """Whether null keeps the type: a `const` beside it may say otherwise."""
    return node.nullable and (node.kind == "label" or node.rules.get("const") is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """One column, or level of one, that both sides have."""

    config: str
    pointer: str
    old: Type
    new: Type

    def change(self, rule: str, old: Any, new: Any, note: str) -> Change:
        return Change(
            what="column-changed", rule=rule, layer=self.config, pointer=self.pointer, old=old, new=new, note=note
        )

    def inner(self, step: str, old: Type, new: Type) -> _Column:
        return _Column(config=self.config, pointer=f"{self.pointer}/{step}", old=old, new=new)


def _column(column: _Column) -> Iterator[Change]:
    old, new = column.old, column.new
    yield from _types(column)
    yield from _nulls(column)
    if old.kind == new.kind or {old.kind, new.kind} == _NUMBERS:
        yield from _constraints(column)
    yield from _vocabulary(column)
    if old.description != new.description:
        note = "the description is worded otherwise"
        yield column.change("words-changed", _about(old.description), _about(new.description), note)
    if old.kind == new.kind == "struct":
        yield from _fields(column)
    if old.kind == new.kind == "label":
        yield from _labels(column)
    if old.item is not None and new.item is not None:
        yield from _column(column.inner("*", old.item, new.item))


def _nulls(column: _Column) -> Iterator[Change]:
    old, new = column.old, column.new
    if allows_null(old) != allows_null(new):
        rule, note = ("null-allowed", "may now be null") if allows_null(new) else ("null-forbidden", "may not be null")
        yield column.change(rule, _shape(old), _shape(new), note)
    elif old.nullable != new.nullable and old.kind == new.kind:
        note = "the type speaks otherwise of null, which the const beside it does not allow"
        yield column.change("words-changed", _shape(old), _shape(new), note)


def _about(description: str) -> dict[str, str]:
    return {"description": description} if description else {}


def _shape(node: Type) -> dict[str, Any]:
    """The `type` of a node as its schema has it; of labels, which have none, that and the names."""
    if node.kind == "label":
        return {"enum": [*node.names, *([None] if node.nullable else [])]}
    return shown(_alone(node), ("type", "const"))


def _alone(node: Type) -> dict[str, Any]:
    """The schema of a node without what is in it."""
    return json_schema(replace(node, fields=(), item=None))


def _types(column: _Column) -> Iterator[Change]:
    """Another kind of value, or integers of another width in the Parquet files."""
    old, new = column.old, column.new
    if old.kind == new.kind and (old.kind != "integer" or _stored(old) == _stored(new)):
        return
    note = f"{_words(old)}, now {_words(new)}"
    yield column.change("type-changed", json_schema(old), json_schema(new), note)


def _stored(node: Type) -> str:
    return str(arrow.arrow_type(node, encoded=True))


def _words(node: Type) -> str:
    if node.kind in {"struct", "list"}:
        return type_name(node)
    return f"{node.kind} (stored as {_stored(node).replace('double', 'float64')})"


def _constraints(column: _Column) -> Iterator[Change]:
    """One change for each group of keywords that bounds the same thing. Labels have none in the rows' contract."""
    old, new = column.old, column.new
    for dimension in DIMENSIONS if old.kind != "label" else ():
        before, after = shown(old.rules, dimension.keywords), shown(new.rules, dimension.keywords)
        if json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True):
            continue
        way = dimension.judge(old, new) if not dimension.kinds or old.kind in dimension.kinds else "same"
        yield column.change(_RULES[way], before, after, f"{_listed(before)}, now {_listed(after)}")


def _listed(rules: Mapping[str, Any]) -> str:
    keyword = {name: json.dumps(value, ensure_ascii=False) for name, value in rules.items()}
    return " and ".join(f"{name} {value}" for name, value in keyword.items()) or "no bound"


def _vocabulary(column: _Column) -> Iterator[Change]:
    before, after = _alone(column.old), _alone(column.new)
    for keyword in (*_MEANING, *_HANDLING):
        was, now = shown(before, (keyword,)), shown(after, (keyword,))
        if was != now:
            said = "meaning-changed" if was else "meaning-added"
            note = f"no {keyword} any more" if not now else f"{_listed(now)}, new" if not was else ""
            note = note or f"{_listed(was)}, now {_listed(now)}"
            yield column.change(said if keyword in _MEANING else "handling-changed", was, now, note)


def _fields(column: _Column) -> Iterator[Change]:
    old, new = ({f.name: f for f in node.fields} for node in (column.old, column.new))
    for name, field in old.items():
        if name not in new:
            yield _whole(column, "column-removed", field)
            continue
        inner = column.inner(escape(name), field.type, new[name].type)
        yield from _presence(inner, field, new[name])
        yield from _column(inner)
    for name, field in new.items():
        if name not in old:
            yield _whole(column, "column-added", field)
    order = [name for name in old if name in new], [name for name in new if name in old]
    if order[0] != order[1]:
        yield column.change("columns-reordered", *order, f"the order is now {', '.join(order[1])}")


def _whole(column: _Column, what: What, field: Field) -> Change:
    """A column that came or went. One that rows may leave out is null where they do, so its schema allows null."""
    schema = json_schema(field.type if field.required else field.type.as_nullable())
    pointer = f"{column.pointer}/{escape(field.name)}"
    words = f"{type_name(field.type)}{'' if field.required else ', may be left out'}"
    old, new = (schema, None) if what == "column-removed" else (None, schema)
    return Change(what=what, rule=what, layer=column.config, pointer=pointer, old=old, new=new, note=words)


def _presence(column: _Column, old: Field, new: Field) -> Iterator[Change]:
    """Whether rows may leave a column out. (Released rows never do: what is left out of a record is null in them.)"""
    if old.required == new.required:
        return
    nulls = allows_null(old.type) and allows_null(new.type)
    if new.required:
        rule, note = "rules-narrowed" if nulls else "null-forbidden", "may not be left out"
    else:
        rule, note = "rules-widened" if nulls else "null-allowed", "may now be left out"
    yield column.change(rule, {"required": old.required}, {"required": new.required}, note)


def _labels(column: _Column) -> Iterator[Change]:
    """Labels by name: gone, new, with other numbers, with other words."""
    old = {label.name: (number, label) for number, label in enumerate(column.old.labels)}
    new = {label.name: (number, label) for number, label in enumerate(column.new.labels)}
    for name, (number, label) in old.items():
        if name not in new:
            heir = _at(column.new.labels, number)
            taken = f"; the number is now that of {heir!r}" if heir is not None else ""
            yield column.change("label-removed", _option(label), None, f"{name!r} had the number {number}{taken}")
    for name, (number, label) in new.items():
        if name not in old:
            yield column.change("label-added", None, _option(label), f"{name!r} has the number {number}")
    moved = [name for name in old if name in new and old[name][0] != new[name][0]]
    if moved:
        was, now = ({name: side[name][0] for name in moved} for side in (old, new))
        more = f", and so {len(moved) - 1} more" if len(moved) > 1 else ""
        note = f"{moved[0]!r} had the number {was[moved[0]]} and has {now[moved[0]]}{more}"
        yield column.change("label-moved", was, now, note)
    for name in old:
        if name in new and old[name][1] != new[name][1]:
            before, after = _option(old[name][1]), _option(new[name][1])
            yield column.change("words-changed", before, after, f"the label {name!r} is explained in other words")


def _at(labels: tuple[Label, ...], number: int) -> str | None:
    return labels[number].name if number < len(labels) else None


def _option(label: Label) -> dict[str, str]:
    return {"const": label.name, "title": label.title, "description": label.description}


class Compatibility(NamedTuple):
    """Whether two contracts go together, in the terms of schema registries; for code that reads columns by name.

    Backward: what is made for the new contract can read the old rows. Forward: what is made for the old contract can
    read the new rows. A column that is not there reads as null, and columns that the reader does not know are not
    seen. `why`: what says no, in words.
    """

    backward: bool
    forward: bool
    why: tuple[str, ...]

    @property
    def name(self) -> str:
        """FULL, BACKWARD, FORWARD or NONE."""
        if self.backward:
            return "FULL" if self.forward else "BACKWARD"
        return "FORWARD" if self.forward else "NONE"


def compatibility(changes: Iterable[Change]) -> Compatibility:
    """What changes of the contract add up to. Changes of rows and rights say nothing of it."""
    backward, forward, why = True, True, []
    for change in changes:
        breaks = _breaks(change) if change.rule in _BREAKS else (False, False)
        backward, forward = backward and not breaks[0], forward and not breaks[1]
        ways = [way for way, broken in zip(("backward", "forward"), breaks, strict=True) if broken]
        if ways:
            why.append(f"not {' nor '.join(ways)}: {change.layer}{change.pointer}: {change.rule}, {change.note}")
    return Compatibility(backward=backward, forward=forward, why=tuple(why))


_BREAKS = {
    "config-removed": (False, True),
    "config-added": (True, False),
    "default-changed": (True, True),
    "column-removed": (False, True),
    "column-added": (True, False),
    "columns-reordered": (False, False),
    "type-changed": (True, True),
    "null-allowed": (False, True),
    "null-forbidden": (True, False),
    "label-removed": (True, False),
    "label-added": (False, True),
    "label-moved": (True, True),
    "rules-narrowed": (True, False),
    "rules-widened": (False, True),
    "rules-changed": (True, True),
    "meaning-changed": (True, True),
    "meaning-added": (True, False),
    "handling-changed": (False, False),
    "words-changed": (False, False),
}
"""Rule of the contract -> whether it breaks backward and forward compatibility, if nothing more is known."""


def _breaks(change: Change) -> tuple[bool, bool]:
    backward, forward = _BREAKS[change.rule]
    if change.rule == "column-added":
        return not _null_in(change.new), False
    if change.rule == "column-removed":
        return False, not _null_in(change.old)
    if change.rule == "type-changed":
        before, after = _rung(change.old), _rung(change.new)
        return not before <= after, not after <= before
    if change.rule == "meaning-changed":  # a promise that is gone binds no new reader
        return bool(change.new), True
    return backward, forward


def _null_in(schema: Mapping[str, Any]) -> bool:
    """Whether the schema of a column allows null."""
    nullable = "null" in schema["type"] if isinstance(schema.get("type"), list) else "anyOf" in schema
    return nullable and schema.get("const") is None


def _rung(schema: Mapping[str, Any]) -> float:
    """Where a type stands in the order in which one number can be read as another; what is none fits nothing."""
    name = schema.get("type")
    names = name if isinstance(name, list) else [name]
    if "integer" in names:
        small = schema["minimum"] >= -arrow.INT32_MAX - 1 and schema["maximum"] <= arrow.INT32_MAX
        return 1 if small else 2
    return 3 if "number" in names else float("nan")
