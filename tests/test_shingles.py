"""Shingles: what a token is, in any script; the same numbers for ever; cuts; files."""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.shingles import BREAK, Sequences, join, passage, read, shingle, tokens, without, write

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
UNSPACED = re.compile("[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3031-\u303c\u3040-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")  # fmt: skip # noqa: E501

ALPHABET = "abcABC  ..,_19éÉßẞİıſςΣøØ日本語カタｶﾀｶﾞก็ກ້ດកာခ་བཀ\u00ad\u200b\ufe0f\u0301\u0300\u0327👍𝔘𝒳𠀀\U0001e900\n\x00कीहिंदी한국ᄒ\u1161\u11ab①²…ﬁ\u00a0\ud800"  # fmt: skip # noqa: E501
RARE = re.compile("[\u1950-\u1bff\u3021-\u3029\u31a0-\u31ff\ua980-\uaadf\U00016fe0-\U0001b2ff\U000e0000-\U000e0fff]")
texts = (st.text(alphabet=ALPHABET, max_size=25) | st.text(max_size=25)).filter(
    lambda text: not RARE.search(unicodedata.normalize("NFKC", text))
)
untimed = settings(deadline=None)


def plain_tokens(text: str) -> list[list[str]]:
    """Character by character, as the rule reads."""
    folded = INVISIBLE.sub("", unicodedata.normalize("NFKC", text).casefold())
    pieces: list[list[str]] = [[]]
    word = ""
    for character in folded + "\0":
        inside = bool(re.match(r"\w", character)) or unicodedata.category(character) in ("Mn", "Mc")
        alone = inside and bool(UNSPACED.match(character))
        if inside and not alone:
            word += character
            continue
        pieces[-1] += [word] if word else []
        pieces[-1] += [character] if alone else []
        word = ""
        if character == BREAK:
            pieces.append([])
    return pieces


def plain_shingles(text: str, width: int) -> Iterator[tuple[str, ...]]:
    for piece in plain_tokens(text):
        if len(piece) < width:
            yield from [tuple(piece)] if piece else []
        for start in range(len(piece) - width + 1):
            yield tuple(piece[start : start + width])


@untimed
@given(texts)
def test_tokens_are_what_the_rule_says(text: str) -> None:
    assert tokens(text) == plain_tokens(text)


@untimed
@given(st.lists(texts, max_size=8), st.integers(1, 6))
def test_equal_hashes_are_equal_passages(several: list[str], width: int) -> None:
    found = shingle(several, width)
    assert len(found) == len(several)
    names: dict[int, tuple[str, ...]] = {}
    hashes: dict[tuple[str, ...], int] = {}
    for number, text in enumerate(several):
        expected = ["\0".join(words) for piece in [plain_shingles(text, width)] for words in piece]
        assert len(found.of(number)) == len(expected)
        for value, words in zip(found.of(number).tolist(), expected, strict=True):
            assert names.setdefault(value, (words,)) == (words,)
            assert hashes.setdefault((words,), value) == value


@untimed
@given(st.lists(texts, min_size=1, max_size=6))
def test_a_text_has_the_same_shingles_in_any_company(several: list[str]) -> None:
    together = shingle(several, 3)
    for number, text in enumerate(several):
        assert together.of(number).tolist() == shingle([text], 3).hashes.tolist()


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    several = [f"wort {'straße ' * n} ende {n} 日本" for n in range(40)]
    whole = shingle(several, 4)
    monkeypatch.setattr("copydesk.shingles._BLOCK", 50)
    apart = shingle(several, 4)
    assert apart.hashes.tolist() == whole.hashes.tolist()
    assert apart.starts.tolist() == whole.starts.tolist()


def test_the_hash_never_changes() -> None:
    """Released certificates rest on it: if this test fails, it is the code that must change back."""
    found = shingle(["The quick brown fox jumps over the lazy dog", "Straße", "東京都の天気", "x" * 30, ""], 5)
    assert np.diff(found.starts).tolist() == [5, 1, 2, 1, 0]
    assert [f"{value:016x}" for value in found.hashes.tolist()] == GOLDEN


GOLDEN: list[str] = [
    "cb08c93a74b9af46",
    "8b76a137ab9028af",
    "4475c263c32ee684",
    "261a77babcddc40e",
    "98b9a15547ed06f7",
    "977fcab9cc721ad4",
    "5ba23eb77b9a1fde",
    "d712fb247c105528",
    "d24cc00b14dd8c90",
]


def test_case_form_and_invisible_characters_do_not_count() -> None:
    one, two, three, four = (
        shingle([text], 3).hashes.tolist()
        for text in (
            "Die Straße nach Čapek ist gesperrt",
            "DIE STRASSE NACH C\u030cAPEK IST GESPERRT!",
            "Die „Stra\u00adße“, nach Ča\u200bpek\ufeff – ist gesperrt …",
            "Die Strasse nach Capek ist gesperrt",
        )
    )
    assert one == two == three != four


def test_scripts_without_spaces_go_by_character() -> None:
    assert tokens("東京タワー is 333m高い") == [[*"東京タワー", "is", "333m", *"高い"]]
    assert tokens("สวัสดี") == [list("สวัสดี")]
    assert tokens("हिंदी में की") == [["हिंदी", "में", "की"]]
    assert tokens("한국어 문장") == [["한국어", "문장"]]
    left, right = shingle(["东京今天下雨了", "昨天东京今天下雪"], 5).of(0), shingle(["昨天东京今天下雪"], 5).of(0)
    assert set(left.tolist()) & set(right.tolist())


def test_order_and_length_count() -> None:
    found = {
        tuple(shingle([" ".join(words)], 4).hashes.tolist()) for n in (1, 2, 3, 4) for words in product("ab", repeat=n)
    }
    assert len(found) == 2 + 4 + 8 + 16


def test_short_and_empty_texts() -> None:
    found = shingle(["", "...", "one", "One!", "one two", "one two three"], 3)
    assert np.diff(found.starts).tolist() == [0, 0, 1, 1, 1, 1]
    assert found.of(2) == found.of(3)
    assert len(set(found.hashes.tolist())) == 3
    assert len(shingle([], 3)) == 0


@untimed
@given(texts, st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=4))
def test_what_is_cut_out_is_gone_and_shingles_stop_there(text: str, ranges: list[tuple[int, int]]) -> None:
    inside = {at for start, end in ranges for at in range(start, end)}
    pieces: list[str] = [""]
    for at, character in enumerate(text):
        if at not in inside:
            pieces[-1] += character
        elif pieces[-1]:
            pieces.append("")
    cut = without(text, ranges)
    assert [piece for piece in cut.split(BREAK) if piece] == [p for piece in pieces for p in piece.split(BREAK) if p]
    expected = [words for piece in cut.split(BREAK) for words in plain_shingles(piece, 2)]
    assert len(shingle([cut], 2).hashes) == len(expected)


def test_a_cut_is_no_bridge() -> None:
    text = "the mayor said [Read more: our newsletter] that she resigned"
    cut = without(text, [(text.index("["), text.index("]") + 1)])
    bridged = shingle(["the mayor said that she resigned"], 4).hashes
    assert not np.isin(bridged, shingle([cut], 4).hashes).any()
    assert without(text, [(5, 5), (90, 99)]) == text


@untimed
@given(st.lists(texts, max_size=6))
def test_files_give_back_what_was_written(tmp_path_factory: pytest.TempPathFactory, several: list[str]) -> None:
    path = tmp_path_factory.mktemp("shingles") / "block"
    found = shingle(several, 2)
    write(path, found)
    again = read(path)
    assert again.hashes.tolist() == found.hashes.tolist()
    assert again.starts.tolist() == found.starts.tolist()
    again.release()
    assert [again.of(n).tolist() for n in range(len(several))] == [found.of(n).tolist() for n in range(len(several))]


@untimed
@given(st.permutations(range(9)), st.integers(1, 9))
def test_articles_come_in_any_order_out_of_several_parts(order: list[int], size: int) -> None:
    several = [f"{'word ' * n}of number {n}" for n in range(9)]
    parts = [shingle(several[:4], 2), shingle(several[4:5], 2), shingle(several[5:], 2)]
    places = [(0, n) if n < 4 else (1, 0) if n == 4 else (2, n - 5) for n in order]
    articles = join(parts, places)
    expected = [shingle([several[n]], 2).hashes.tolist() for n in order]
    assert [articles.of(n).tolist() for n in range(9)] == expected
    assert articles.lengths().tolist() == [len(hashes) for hashes in expected]
    seen: dict[int, list[int]] = {}
    for numbers, lengths, hashes in articles.pieces(size):
        ends = np.cumsum(lengths).tolist()
        assert ends[-1] == len(hashes)
        for number, start, end in zip(numbers.tolist(), [0, *ends], ends, strict=False):
            seen[number] = hashes[start:end].tolist()
    assert seen == dict(enumerate(expected))
    assert [articles.pick(np.array([3, 1])).of(n).tolist() for n in (0, 1)] == [expected[3], expected[1]]


def test_a_passage_can_be_quoted() -> None:
    text = "Zwei Wörter. " + BREAK + "The Quick brown fox, jumps over"
    found = shingle([text], 3)
    assert passage(text, 0, 3) == "zwei wörter"
    assert passage(text, 1, 3) == "the quick brown"
    assert passage(text, 2, 3, 2) == "quick brown fox jumps"
    assert passage(text, len(found.hashes) - 1, 3) == "fox jumps over"
    assert passage(text, len(found.hashes), 3) == ""


def test_no_seed_and_no_byte_order(tmp_path: Path) -> None:
    """Another process with another hash seed finds the same, and files are little-endian."""
    program = "from copydesk.shingles import shingle; print(shingle(['a b c d é f'], 5).hashes.tolist())"
    outs = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert outs == {f"{shingle(['a b c d é f'], 5).hashes.tolist()}\n"}
    write(tmp_path / "x", Sequences(starts=np.array([0, 1]), hashes=np.array([1], dtype=np.uint64)))
    assert (tmp_path / "x").read_bytes()[-8:] == b"\x01\0\0\0\0\0\0\0"
