"""JSON as it is refused, found again, and written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk import jsontext

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_categories=["Cs"]))
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
)


def pointers(value: Any, pointer: str = "") -> dict[str, Any]:
    out = {pointer: value}
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in children:
        out |= pointers(inner, f"{pointer}/{jsontext.escape(key)}")
    return out


@given(VALUES, st.sampled_from([None, 1, 3]))
def test_every_pointer_has_its_position(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=indent == 1)
    positions = jsontext.positions(text)
    for pointer, inner in pointers(value).items():
        decoded, _ = json.JSONDecoder().raw_decode(text, positions[pointer])
        assert decoded == inner


@given(VALUES)
def test_what_json_accepts_reads_the_same(value: Any) -> None:
    assert jsontext.loads(json.dumps(value).encode()) == value


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), VALUES, max_size=5))
def test_a_row_survives_its_canonical_form(row: dict[str, Any]) -> None:
    line = jsontext.dump_line(row)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert jsontext.load_line(line) == row
    assert jsontext.dump_line(jsontext.load_line(line)) == line


@pytest.mark.parametrize(
    ("data", "code", "line", "column"),
    [
        (b'{"a": 1,\n "b": {"c": 1, "c": 2}}', "S004", 2, 16),
        (b'{"a":\n NaN}', "S005", 2, 2),
        (b'{"a": -Infinity}', "S005", 1, 7),
        (b'{"a": 12345678901234567890}', "S005", 1, 7),
        (b'{"a": 1e999}', "S005", 1, 7),
        (b'{"a": ' + b"9" * 5000 + b"}", "S005", 1, 7),
        (b'{"a": 1,', "S003", 1, 9),
        (b'{"a": 1}}', "S003", 1, 9),
        (b"", "S003", 1, 1),
        (b'{"a": {"x": 1, "x": 2}, ', "S004", 1, 16),  # what follows is not JSON, and not looked at
        (b'[{"x": 1, "x": 2} 5', "S004", 1, 11),
        (b'{"a": 1, "a": {\n"x": 1, "x": 2}}', "S004", 2, 9),
        (b'{"text": "to Infinity",\n "s": Infinity', "S005", 2, 7),
        (b'{"a": "\xff"}', "S002", 1, None),
        (b"[" * 100_000, "S006", 1, 201),
        (b"[" * 201 + b"]" * 201, "S006", 1, 201),
        (b'{"a":\n' * 201 + b"1" + b"}" * 201, "S006", 201, 1),
    ],
)
def test_refusals(data: bytes, code: str, line: int, column: int | None) -> None:
    with pytest.raises(jsontext.JsonError) as caught:
        jsontext.loads(data)
    assert caught.value.code == code
    assert (caught.value.line, caught.value.column) == (line, column)


def test_depth_is_counted_outside_strings() -> None:
    assert jsontext.loads(b'["' + b"[" * 1000 + b'"]') == ["[" * 1000]
    assert jsontext.loads(b"[" * 200 + b"]" * 200)
    wide = b"[" + b",".join([b"{}"] * 5000) + b"]"
    assert len(jsontext.loads(wide)) == 5000


def test_a_whole_number_may_have_a_point() -> None:
    value = jsontext.loads(b'{"start": 1.0, "share": 0.5}')
    assert isinstance(value["start"], int)
    assert value["share"] == 0.5
