"""Edits of texts: exact whatever the texts are, offsets that go with the words, and a diff that people can read."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conftest import CORPORA
from copydesk.diff.words import Carrier, apply_edits, carry, edits, shown

WORDS = st.lists(
    st.sampled_from(["Kim", "the", "car", " ", "\n", ". ", "日本", "語", "👍", "é", "e\u0301", "\r\n", "ไทย", "a-b"])
)
TEXTS = st.one_of(WORDS.map("".join), st.text(max_size=40))


@settings(deadline=None)
@example("Kim \n\n", " \n ")
@given(TEXTS, TEXTS)
def test_edits_make_the_new_text(old: str, new: str) -> None:
    made = edits(old, new)
    assert apply_edits(old, made) == new
    assert made == [] or old != new
    last = -1
    for start, end, replacement in made:
        assert last < start <= end <= len(old), "in order, apart from one another, inside the text"
        assert old[start:end] != replacement
        last = end


@settings(deadline=None)
@given(TEXTS, TEXTS, st.data())
def test_a_span_outside_the_edits_keeps_its_words(old: str, new: str, data: st.DataObject) -> None:
    made = edits(old, new)
    if not old:
        return
    start = data.draw(st.integers(0, len(old) - 1))
    end = data.draw(st.integers(start + 1, len(old)))
    moved = carry(made, start, end)
    touched = [e for e in made if e[0] < end and e[1] > start]
    if not touched:
        assert moved is not None
        assert new[moved[0] : moved[1]] == old[start:end]
    left, right = Carrier(made).span(start, end)
    assert 0 <= left <= right <= len(new)
    if moved is not None:
        assert (left, right) == moved


@settings(deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_what_is_put_in_beside_a_span_is_no_part_of_it(before: str, inside: str, after: str) -> None:
    text = f"{before} X{inside}X {after}"
    start, end = len(before) + 1, len(before) + 3 + len(inside)
    new = f"{before} NEW X{inside}X NEW {after}"
    made = [[start, start, "NEW "], [end, end, " NEW"]]
    assert apply_edits(text, made) == new
    assert carry(made, start, end) == (start + 4, end + 4)


def test_a_sentence_put_in_is_one_insertion_of_a_sentence() -> None:
    old = "It rained. The car was red. It stopped."
    new = "It rained. The sun came. The car was red. It stopped."
    assert edits(old, new) == [[11, 11, "The sun came. "]]
    assert edits(new, old) == [[11, 25, ""]]
    at = old.index("The car")
    assert carry(edits(old, new), at, at + 7) == (at + 14, at + 21)


def test_a_respelled_word_takes_its_span_along() -> None:
    old, new = "Then Ann Lee said so.", "Then Anna Lee said so."
    assert carry(edits(old, new), 5, 8) == (5, 9)
    assert carry(edits(old, new), 5, 12) == (5, 13)
    assert carry(edits(old, new), 6, 8) is None, "it began inside what was replaced"
    assert carry(edits(old, "Then Lee said so."), 5, 8) is None, "it is gone"


def test_total_rewrites_of_long_texts_are_exact() -> None:
    rnd = random.Random(1)
    vocabulary = ["".join(rnd.choices("abcdefgh", k=rnd.randint(1, 8))) for _ in range(3000)]
    old, new = (" ".join(rnd.choices(vocabulary, k=9000)) for _ in range(2))
    assert len(old) > 40_000
    assert apply_edits(old, edits(old, new)) == new
    repeated = "the cat " * 6000, "the cat " * 3000 + "dog " + "the cat " * 2900
    assert apply_edits(repeated[0], edits(*repeated)) == repeated[1]
    some = old.split(" ")
    for at in range(100, 9000, 100):
        some[at] = f"W{at}"
    made = edits(old, " ".join(some))
    assert len(made) == 89
    assert all(end - start < 10 for start, end, _ in made)


def test_people_see_words() -> None:
    assert shown("the old car", "the new car") == "the [-old-]{+new+} car"
    assert shown("", "abc") == "{+abc+}"
    assert shown("abc", "") == "[-abc-]"
    assert shown("same", "same") == ""
    text = "word " * 100
    far = shown(f"{text}one {text}two {text}", f"{text}1 {text}2 {text}", 10)
    assert far == "…word word [-one-]{+1+} word word…word word [-two-]{+2+} word word…"


def test_scripts_without_spaces_are_compared_by_character() -> None:
    assert shown("彼は東京に行った。", "彼は大阪に行った。") == "彼は[-東京-]{+大阪+}に行った。"


def real_texts() -> list[Path]:
    return sorted(p for p in CORPORA.rglob("*.txt") if 500 < p.stat().st_size < 60_000)[:40]


@pytest.mark.skipif(not CORPORA.is_dir(), reason="the real corpora are not on this machine")
def test_real_texts_after_an_editor() -> None:
    """Words replaced, sentences moved and cut: exact, and every word that the edits leave alone keeps its place."""
    rnd = random.Random(4)
    for path in real_texts():
        old = path.read_bytes().decode("utf-8", "replace")
        words = old.split(" ")
        for _ in range(len(words) // 50):
            words[rnd.randrange(len(words))] = rnd.choice(("REPLACED", "", "two words"))
        cut = rnd.randrange(len(words))
        words[cut : cut + 12] = []
        new = " ".join(words)
        made = edits(old, new)
        assert apply_edits(old, made) == new
        changed = sum(int(end) - int(start) for start, end, _ in made)
        assert changed < len(old) // 3, path.name
