"""JSON as it is refused, found again, and written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
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


TOKENS = [
    *("{", "}", "[", "]", ",", ":", " ", "\n", "\t", "\r", "\f", "\x00", "\ufeff", "\x7f", "\u00a0"),
    *(
        '"a"',
        '"b"',
        '"a":',
        '"a": 1',
        '"\\u0061"',
        '"\\u0022"',
        '"\\""',
        '"\\\\u0022"',
        '"\\ud83d\\ude00"',
        '"\\ud800"',
    ),
    *('"é"', '"\\/"', '"\\x"', '"2.0, or 1e+5]"', '"', "\\", "null", "true", "false", "NaN", "-Infinity", "nul"),
    *(
        "0",
        "-0",
        "1",
        "1.0",
        "-0.0",
        "1.5",
        "1e2",
        "1E2",
        "1e-2",
        "1e400",
        "-1e400",
        "1e-400",
        "1e16",
        "01",
        "1.",
        ".5",
    ),
    *("9007199254740992", "9007199254740993.0", "9223372036854775807", "9223372036854775808", "-9223372036854775808"),
    *("-9223372036854775809", "18446744073709551615", "18446744073709551616", "1" * 25, "+1"),
]
NUMBERS = st.sampled_from([t for t in TOKENS if t[0] in "-0123456789"])
TEXTS = st.recursive(
    st.sampled_from(["null", "true", '"a"', '"\\u0022"', '"\\""', '"x.0,"', '"\u201c"', "1", "1.5"]) | NUMBERS,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda v: f"[{','.join(v)}]")
        | st.lists(
            st.tuples(st.sampled_from(['"a"', '"b"', '"\\u0061"', '"\\""', '"\\u0022"']), inner), max_size=3
        ).map(lambda v: f"{{{','.join(f'{k}: {x}' for k, x in v)}}}")
    ),
    max_leaves=12,
)


def typed(value: Any) -> str:
    """A value with what `==` does not see: 1 and 1.0, 0 and -0.0, true and 1, the order of keys."""
    return repr(value)


def same_verdict(data: bytes) -> None:
    """The quick way of reading has the value, or the refusal, of the strict one."""
    wanted: Any
    got: Any
    try:
        wanted = typed(jsontext._strict_loads(data))
    except jsontext.JsonError as error:
        wanted = (error.code, error.message, error.line, error.column)
    try:
        value, line = jsontext.loads_with_line(data)
        got = typed(value)
        assert line is None or line == jsontext.dump_line(value)
    except jsontext.JsonError as error:
        got = (error.code, error.message, error.line, error.column)
    assert got == wanted


@settings(max_examples=400)
@given(TEXTS)
def test_the_quick_way_of_reading_is_the_strict_one(text: str) -> None:
    same_verdict(text.encode())


@settings(max_examples=400)
@given(st.lists(st.sampled_from(TOKENS), max_size=12).map("".join))
def test_the_quick_way_refuses_what_the_strict_one_refuses(text: str) -> None:
    same_verdict(text.encode())


@settings(max_examples=300)
@given(TEXTS.map(str.encode), st.data())
def test_a_changed_byte_is_judged_alike(text: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    new = data.draw(st.sampled_from([t.encode() for t in TOKENS]) | st.binary(max_size=2))
    same_verdict(text[:at] + new + text[at + data.draw(st.integers(0, 2)) :])


@pytest.mark.parametrize("leaf", [b"", b"1", b'"a"', b"{}"])
@pytest.mark.parametrize("depth", [199, 200, 201, 253, 254, 255, 1024, 1025])
def test_depth_is_counted_alike(depth: int, leaf: bytes) -> None:
    same_verdict(b"[" * depth + leaf + b"]" * depth)
    same_verdict(b'{"a":' * (depth - 1) + (b"{" + (leaf and b'"b":' + leaf) + b"}") + b"}" * (depth - 1))


@given(VALUES.filter(lambda value: value is not None), st.sampled_from([None, 1]))
def test_most_texts_are_read_the_quick_way(value: Any, indent: int | None) -> None:
    """Else the two tests above would compare the strict way with itself."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    slow = any(isinstance(v, int) and not isinstance(v, bool) and abs(v) >= 2**53 for v in pointers(value).values())
    known = jsontext.loads_with_line(text.encode())[1]
    assert slow or "e+" in text or ".0" in text or known == jsontext.dump_line(value)
