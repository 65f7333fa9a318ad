"""Prodigy's db-out: tasks to articles, answers, annotators and reviews; lines that are damaged; the real corpora."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import CORPORA
from copydesk.articles.model import Article, Ref
from copydesk.articles.passes import resolve
from copydesk.articles.units import Sample
from copydesk.diagnostics import Diagnostic
from copydesk.importers import prodigy
from copydesk.project import Source
from copydesk.sources import RawRecord

REAL = CORPORA / "prodigy-explosion-projects"
TEXT = "🙂 Mayor Ilse Brandt\u00a0of Köln\u2028spoke.\x85"
Task = dict[str, Any]


def read(data: bytes | str, *, encoding: str = "utf-8", **options: Any) -> list[Article | Diagnostic]:
    raw = RawRecord(file="news.jsonl", line=1, data=data.encode() if isinstance(data, str) else data, name="news")
    source = Source(kind="article", paths=("x",), format="prodigy", encoding=encoding, options=options)
    return list(prodigy.read(Path(), source, raw))


def lines(*tasks: Task | str) -> str:
    return "".join((t if isinstance(t, str) else json.dumps(t, ensure_ascii=False)) + "\n" for t in tasks)


def take(*tasks: Task | str, **options: Any) -> list[Article]:
    """The articles of tasks of which none is lost."""
    found = read(lines(*tasks), **options)
    assert all(isinstance(f, Article) for f in found), found
    return [f for f in found if isinstance(f, Article)]


def one(task: Task, **options: Any) -> Article:
    (article,) = take(task, **options)
    return article


def lost(found: list[Article | Diagnostic]) -> list[tuple[str, int | None, str | None]]:
    return [(d.code, d.place.line, d.place.pointer) for d in found if isinstance(d, Diagnostic)]


def problems(article: Article) -> list[tuple[str, int | None, str | None]]:
    return [(d.code, d.place.line, d.place.pointer) for d in article.found]


def span(words: str, label: str | None, **more: Any) -> Task:
    start = TEXT.index(words)
    return {"start": start, "end": start + len(words), "label": label, **more}


def tokens(text: str = TEXT) -> list[Task]:
    found: list[Task] = []
    for word in text.split():
        start = text.index(word, found[-1]["end"] if found else 0)
        end = start + len(word)
        found.append({"text": word, "start": start, "end": end, "id": len(found), "ws": text[end : end + 1] == " "})
    return found


def task(**more: Any) -> Task:
    return {"text": TEXT, "_input_hash": -97345437, "_task_hash": 5, "answer": "accept", **more}


# one task


def test_spans_and_tokens_of_a_manual_task() -> None:
    spans = [
        span("Ilse Brandt", "PER", text="Ilse Brandt", token_start=2, token_end=3, score=1, source="model", id="p9"),
        span("Köln", "LOC", input_hash=7, color="#fff", parts=[1], **{"my key": True, "2nd": "x"}),
        span("🙂", None),
    ]
    article = one(task(spans=spans, tokens=tokens(), _view_id="ner_manual", _timestamp=1633931094, _session_id=None))
    assert article.text == TEXT
    assert article.id == f"{-97345437 & 0xFFFFFFFF:08x}" == "fa32a063"
    assert (article.file, article.line, article.annotator, article.curated) == ("news.jsonl", 1, None, False)
    mentions = article.layers["mentions"]
    assert [(m.id, article.surface_of(m), m.label) for m in mentions] == [
        ("m1", "Ilse Brandt", "PER"), ("m2", "Köln", "LOC"), ("m3", "🙂", None),
    ]  # fmt: skip
    assert mentions[0].values == {"score": 1.0, "source": "model", "span_id": "p9"}
    assert isinstance(mentions[0].values["score"], float), "a score is a number with a fraction in every article"
    assert mentions[1].values == {"my_key": True, "_2nd": "x"}
    assert mentions[0].surface == "Ilse Brandt" and mentions[1].surface is None
    assert (mentions[1].line, mentions[1].pointer) == (1, "/spans/1")
    words = article.layers["tokens"]
    assert [w.surface for w in words] == [article.surface_of(w) for w in words]
    assert (words[1].id, words[1].values, words[1].pointer) == ("1", {"ws": True}, "/tokens/1")
    assert article.values == {"answer": "accept"}
    assert article.left_out == {
        "hashes, time stamps and settings of Prodigy": 4,
        "colours and styles": 1,
        "lists and objects in `parts`": 1,
    }
    assert not article.found


def test_relations_name_mentions_or_the_words_that_no_span_covers() -> None:
    def end(text: str, label: str | None, index: int) -> Task:
        return {**span(text, label), "token_start": index, "token_end": index}

    article = one(
        task(
            tokens=tokens(),
            spans=[span("Ilse Brandt", "PER"), span("Brandt", "NAME"), span("Köln", "LOC"), span("Köln", "GPE")],
            relations=[
                {"head": 3, "child": 5, "label": "of", "color": "#abc", "score": 0.5,
                 "head_span": end("Ilse Brandt", "PER", 3), "child_span": end("Köln", "GPE", 5)},
                {"head": 6, "child": 3, "label": None, "head_span": end("spoke.", None, 6),
                 "child_span": end("Ilse Brandt", "PER", 3)},
                {"head": 3, "child": 1, "label": "title"},
                {"head": 2, "child": 5, "label": "x"},
                {"head": 99, "child": 1, "label": "x"},
                {"head": 3, "child": 1, "label": "x", "head_span": {"start": 0, "end": 9, "label": "PER"}},
                {"head": 3, "child": None, "label": "x"},
                {"label": 3},
                "no relation",
            ],
        )
    )  # fmt: skip
    m, t = [Ref("mentions", f"m{n}") for n in range(5)], [Ref("tokens", str(n)) for n in range(9)]
    relations = article.layers["relations"]
    assert [(r.id, r.label, r.values) for r in relations] == [
        ("r1", "of", {"head": m[1], "tail": m[4], "score": 0.5}),
        ("r2", None, {"head": None, "head_token": t[6], "tail": m[1]}),
        ("r3", "title", {"head": m[2], "tail": None, "tail_token": t[1]}),
        ("r4", "x", {"head": m[1], "tail": m[3]}),
    ]
    assert relations[1].pointer == "/relations/1"
    assert problems(article) == [
        ("I003", 1, "/relations/4/head"),
        ("I003", 1, "/relations/5/head"),
        ("I003", 1, "/relations/6/child"),
        ("I002", 1, "/relations/7/label"),
        ("I003", 1, "/relations/7/head"),
        ("I002", 1, "/relations/8"),
    ]


def test_choices_keep_what_the_options_say() -> None:
    options = [{"id": "Q1", "text": "the town"}, {"id": 2, "html": "<b>club</b>", "style": {}}, {"text": "no id"}]
    article = one(task(options=options, accept=[2, "Q7"], _view_id="choice"))
    assert article.values["choice"] == ["2"]
    assert article.values["options"] == [
        {"id": "Q1", "text": "the town", "html": None},
        {"id": "2", "text": None, "html": "<b>club</b>"},
    ]
    assert problems(article) == [("I002", 1, "/options/2"), ("I003", 1, "/accept/1")]
    assert article.left_out["properties of options"] == 1
    plain = one(task(options=[{"id": "A"}, {"id": "B"}], accept=[]))
    assert plain.values["choice"] == [] and "options" not in plain.values
    assert one(task(accept=["A"])).values["choice"] == ["A"]
    assert problems(one(task(accept="A"))) == [("I002", 1, "/accept")]


def test_what_is_said_of_the_whole_text() -> None:
    article = one(
        task(
            label="POLITICS",
            meta={"source": "GitHub", "score": 1, "tags": ["a"], "a.b": None},
            id="r17", title="Rain", html="<h1>Rain</h1>", arcs=[], priority=1, user_input="so\nso",
        )
    )  # fmt: skip
    assert article.values == {
        "label": "POLITICS", "answer": "accept", "meta_source": "GitHub", "meta_score": 1.0,
        "task_id": "r17", "title": "Rain", "priority": 1, "user_input": "so\nso",
    }  # fmt: skip
    assert article.left_out["HTML renderings of texts"] == 1
    assert article.left_out["lists and objects in `meta_tags`"] == article.left_out["lists and objects in `arcs`"] == 1
    clash = one(task(meta={"a": 1}, meta_a=2))
    assert clash.values["meta_a"] == 1 and clash.left_out["properties that are called `meta_a` as well"] == 1


def test_damaged_annotations_are_lost_alone() -> None:
    article = one(
        task(
            spans=[{"start": 0}, {"start": True, "end": 2}, "x", span("Köln", "LOC"), {"start": 0, "end": 1.5}],
            tokens=[*tokens()[:2], {"start": 0, "end": 1, "id": 1}, {"text": "a"}],
            options=7,
            meta="none",
            label=["A"],
        )
    )
    assert [m.pointer for m in article.layers["mentions"]] == ["/spans/3"]
    assert article.layers["mentions"][0].id == "m1"
    assert [t.id for t in article.layers["tokens"]] == ["0", "1"]
    assert Counter(problems(article)) == Counter(
        [
            ("I006", 1, "/tokens/2"), ("I002", 1, "/tokens/3"), ("I002", 1, "/spans/0"), ("I002", 1, "/spans/1"),
            ("I002", 1, "/spans/2"), ("I002", 1, "/spans/4"), ("I002", 1, "/options"), ("I002", 1, "/meta"),
            ("I002", 1, "/label"),
        ]
    )  # fmt: skip


# answers


def test_rejected_labels_are_answers_and_rejected_spans_are_none() -> None:
    binary = one(task(label="SPORT", answer="reject"))
    assert (binary.values["label"], binary.values["answer"]) == ("SPORT", "reject")
    manual = task(spans=[span("Köln", "LOC")], answer="reject")
    chosen = task(options=[{"id": "A"}], accept=["A"], answer="reject")
    ignored = task(label="SPORT", answer="ignore")
    for wrong in (manual, chosen, ignored):
        assert lost(read(lines(wrong))) == [("I008", 1, None)]
    assert len(take(manual, answers=["reject", "accept"])) == 1
    assert len(take(ignored, answers=["ignore"])) == 1
    assert lost(read(lines(task()), answers=["reject"])) == [("I008", 1, None)]
    assert "answer" not in one({"text": TEXT, "spans": []}).values, "a task without an answer counts as accepted"
    assert lost(read(lines(task(answer="maybe"), task(answer=1, _input_hash=2)))) == [
        ("I002", 1, None),
        ("I002", 2, None),
    ]


def test_spans_with_answers_of_their_own() -> None:
    spans = [span("Köln", "LOC", answer="accept"), span("Ilse", "LOC", answer="reject")]
    article = one(task(spans=spans))
    assert [(article.surface_of(m), m.values) for m in article.layers["mentions"]] == [("Köln", {"answer": "accept"})]
    assert article.left_out["spans whose own answer is reject or ignore"] == 1
    assert len(one(task(spans=spans), answers=["accept", "reject"]).layers["mentions"]) == 2


# several tasks


def test_annotators_of_one_text_are_passes_of_one_article() -> None:
    articles = take(
        task(spans=[span("Köln", "LOC")], _annotator_id="news-ann", _session_id="news-1"),
        {"text": "Other.", "_input_hash": 1, "answer": "accept"},
        task(spans=[span("Köln", "GPE")], _session_id="news-bob", _task_hash=6),
    )
    assert [(a.id, a.annotator, a.line) for a in articles] == [
        ("fa32a063", "news-ann", 1), ("fa32a063", "news-bob", 3), ("00000001", None, 2),
    ]  # fmt: skip
    assert [a.layers["mentions"][0].label for a in articles[:2]] == ["LOC", "GPE"]


def test_repeats_are_counted_and_contradictions_told() -> None:
    first, second = span("Köln", "LOC"), span("Ilse", "PER")
    (same,) = take(task(spans=[first, second]), task(spans=[second, first], _timestamp=3))
    assert same.left_out["repeated tasks"] == 1 and not same.found
    (kept,) = take(task(spans=[first]), task(spans=[second]))
    assert kept.layers["mentions"][0].label == "LOC"
    assert problems(kept) == [("I006", 1, None)]
    assert "line 2" in kept.found[0].message


def test_what_a_span_is_answered_is_part_of_the_answer() -> None:
    (kept,) = take(
        task(spans=[span("Köln", "LOC", answer="accept")]), task(spans=[span("Köln", "LOC", answer="reject")])
    )
    assert problems(kept) == [("I006", 1, None)]


def test_choices_about_other_spans_are_other_questions_unless_the_annotator_marks_the_spans() -> None:
    def choice(words: str, session: str, **more: Any) -> Task:
        return task(options=[{"id": "A"}], accept=["A"], spans=[span(words, "X")], _session_id=session, **more)

    assert len({a.id for a in take(choice("Köln", "a"), choice("Ilse", "b", _task_hash=6))}) == 2
    marked = take(choice("Köln", "a", tokens=tokens()), choice("Ilse", "b", tokens=tokens(), _task_hash=6))
    assert [(a.id, a.annotator) for a in marked] == [("fa32a063", "a"), ("fa32a063", "b")]


def test_the_head_of_a_phrase_is_its_last_word() -> None:
    article = one(
        task(
            tokens=tokens(),
            spans=[span("Brandt\u00a0of", "X"), span("Ilse Brandt", "PER")],
            relations=[{"head": 3, "child": 5, "label": "of"}],
        )
    )
    assert article.layers["relations"][0].values["head"] == Ref("mentions", "m2")


def test_an_answer_that_is_not_taken_is_counted_where_others_are() -> None:
    (kept,) = take(task(answer="ignore", _session_id="a"), task(_session_id="b"))
    assert kept.annotator == "b" and kept.left_out["answers that are not taken (ignored, rejected)"] == 1
    (kept,) = take(task(answer="what", _session_id="a"), task(_session_id="b"))
    assert problems(kept) == [("I002", 1, None)]


def test_several_questions_about_one_text_are_several_articles() -> None:
    tasks = [
        task(label="SPORT", answer="reject", _task_hash=11),
        task(label="CITY", _task_hash=12),
        task(spans=[], _task_hash=13),
        task(relations=[], _task_hash=14),
        task(options=[{"id": "A"}, {"id": "B"}], accept=["A"], _task_hash=15),
        task(options=[{"id": "B"}, {"id": "A"}], accept=["B"], _task_hash=16, _session_id="b"),
    ]
    articles = take(*tasks)
    ids = {a.line: a.id for a in articles}
    assert ids == {
        1: "fa32a063-0000000b", 2: "fa32a063-0000000c", 3: "fa32a063", 4: "fa32a063-0000000e",
        5: "fa32a063-0000000f", 6: "fa32a063-0000000f",
    }  # fmt: skip
    again = take(*reversed(tasks))
    assert {7 - a.line: a.id for a in again} == ids, "ids do not depend on the order of the lines"


def test_equal_hashes_of_different_texts_do_not_mix() -> None:
    ids = [a.id for a in take(task(text="Z"), task(text="A"), task(text="B"))]
    assert ids == ["fa32a063-bbeebd87", "fa32a063", "fa32a063-df7e70e5"]


def test_tasks_without_hashes_are_named_by_their_text() -> None:
    articles = take({"text": "A", "answer": "accept"}, {"text": "B", "answer": "accept"}, {"text": "A", "spans": []})
    assert [a.id for a in articles] == ["news-559aead0", "news-df7e70e5"]
    assert articles[0].left_out["repeated tasks"] == 0 and articles[0].found, "one of the two has no answer"


# reviews


def review(*versions: Task, **more: Any) -> Task:
    return task(spans=[span("Köln", "GPE")], versions=list(versions), view_id="ner_manual", _view_id="review", **more)


def version(label: str, sessions: list[str], **more: Any) -> Task:
    return task(spans=[span("Köln", label)], sessions=sessions, default=False, **more)


def test_a_review_is_the_curated_pass_and_its_versions_the_others() -> None:
    articles = take(
        review(
            version("LOC", ["ann", "bob"]), version("GPE", [], _session_id="cy"), _session_id="ann", sessions=["ann"]
        )
    )
    shown = [(a.annotator, a.curated, a.layers["mentions"][0].label) for a in articles]
    assert shown == [(None, True, "GPE"), ("ann", False, "LOC"), ("bob", False, "LOC"), ("cy", False, "GPE")]
    assert {a.id for a in articles} == {"fa32a063"} and {a.text for a in articles} == {TEXT}
    assert articles[1].pointer == "/versions/0"
    assert articles[1].layers["mentions"][0].pointer == "/versions/0/spans/0"
    assert resolve(articles, {"rule": "curated"}) is articles[0]
    named = take(review(version("LOC", ["ann"]), _annotator_id="chief"))
    assert [(a.annotator, a.curated) for a in named] == [("chief", True), ("ann", False)]


def test_reviews_meet_the_tasks_that_they_are_about() -> None:
    articles = take(
        task(spans=[span("Köln", "LOC")], _session_id="ann"), review(version("LOC", ["ann"]), version("GPE", ["bob"]))
    )
    assert [(a.annotator, a.curated) for a in articles] == [("ann", False), (None, True), ("bob", False)]
    assert sum(a.left_out["repeated tasks"] for a in articles) == 1


def test_what_a_review_rejects_is_lost_with_its_versions() -> None:
    assert lost(read(lines(review(version("LOC", ["ann"]), answer="reject")))) == [("I008", 1, None)]
    articles = take(review(version("LOC", ["ann"], answer="ignore"), version("GPE", ["bob"])))
    assert [a.annotator for a in articles] == [None, "bob"]
    assert articles[0].left_out["answers that are not taken (ignored, rejected)"] == 1


def test_damaged_versions_are_findings_of_the_review() -> None:
    articles = take(review({"text": "another"}, "x", version("LOC", []), version("GPE", [])))
    assert [(a.annotator, a.curated) for a in articles] == [(None, True), (None, False), (None, False)]
    assert problems(articles[0]) == [("I002", 1, "/versions/0/text"), ("I002", 1, "/versions/1")]


# the file


def test_a_damaged_line_is_lost_alone() -> None:
    data = (
        b"\xef\xbb\xbf"
        + lines(task()).encode()
        + b'{"text": "cut\r\n\r\n'
        + b'{"text": "\xff"}\n[1]\n{"a": 1, "a": 2}\n'
    )
    data += lines(task(text="A", _input_hash=1), {"answer": "accept"}, {"text": None, "spans": []}).encode()
    data += lines({"image": "x.png", "spans": [{"points": []}]}, {"html": "<b>", "label": "A"}).encode()
    found = read(data)
    assert [a.line for a in found if isinstance(a, Article)] == [1, 7]
    assert [(code, line) for code, line, _ in lost(found)] == [
        ("S003", 2), ("S002", 4), ("S007", 5), ("S004", 6), ("I004", 8), ("I004", 9), ("I012", 10), ("I012", 11),
    ]  # fmt: skip


def test_line_ends_inside_strings_end_no_line() -> None:
    first, second = take(task(text="a\u2028b\x85c\r\nd"), task(text="x", _input_hash=2))
    assert (first.text, second.line) == ("a\u2028b\x85c\r\nd", 2)


@pytest.mark.parametrize("indent", [None, 1])
def test_arrays_and_pretty_tasks(indent: int | None) -> None:
    two = [task(spans=[span("Köln", "LOC")], note='] } " ['), {"text": "B", "_input_hash": 2, "answer": "accept"}]
    data = json.dumps(two, indent=indent, ensure_ascii=False)
    first, second = read(data)
    assert isinstance(first, Article) and isinstance(second, Article)
    assert (first.pointer, second.pointer) == ("/0", "/1")
    assert first.layers["mentions"][0].pointer == "/0/spans/0"
    assert data.split("\n")[second.line - 1].startswith(" {" if indent else "[{")
    several = read("\n".join(json.dumps(t, indent=1) for t in two))
    assert [(a.line, a.pointer) for a in several if isinstance(a, Article)] == [(1, ""), (15 + 0, "")]


def test_a_damaged_array_keeps_its_sound_tasks() -> None:
    good = json.dumps(task())
    found = read(f'[\n{good},\n7,\n{{"text": "x", "a": 1, "a": 2}},\n{{"text": "cut')
    assert [type(f).__name__ for f in found].count("Article") == 1
    assert lost(found) == [("S007", 3, None), ("S004", 4, "/1"), ("S003", 5, "/2")]
    assert lost(read(f"[{good},\n{good},\n")) == [("S003", 3, None)], "an array that does not end may have had more"
    assert lost(read(f"[{good}] x")) == [("S003", 1, None)]
    assert lost(read(f'[{good},\n{{\n"text":\n"x",\n"a": NaN}}]')) == [("S005", 5, "/1")]


def test_a_task_that_does_not_end_takes_no_other_with_it() -> None:
    good = [json.dumps(task(text=name, _input_hash=n)) for n, name in enumerate("ABC")]
    for broken in ('{"text": "x", "spans": [', '{"text": "x"}}', '{"text": "x"]', "garbage", '{"text": "raw\nbreak"}'):
        for data in (f"[\n{broken},\n{good[0]},\n{good[1]}\n]\n", f"{broken}\n{good[0]}\n{good[1]}\n"):
            found = read(data)
            assert [a.text for a in found if isinstance(a, Article)][-2:] == ["A", "B"], data
            assert lost(found), data
    many = read("[\n" + '{"text": "x", "spans": [\n' * 300 + good[0] + "\n]")
    assert all(isinstance(f, Diagnostic) for f in many) and len(many) <= 102


@pytest.mark.parametrize(
    "data",
    [
        "T1\tPER 0 4\tIlse\n",
        '[{"id": 1, "data": {"words": "a"}, "annotations": []}]',
        '{"a": 1}\n{"b": 2}\n',
        "[1, 2]",
        '{"%TYPES": {}}',
        b"\x00\xff",
    ],
)
def test_other_files_are_said_to_be_others(data: str | bytes) -> None:
    assert [code for code, _, _ in lost(read(data))] == ["I001"]


def test_empty_files_have_no_tasks() -> None:
    assert read("") == read("\n\r\n") == read("[]") == []


def test_encodings() -> None:
    data = lines(task())
    for encoded, name in ((data.encode("utf-16"), "utf-8"), (data.encode("utf-16-le"), "utf-16-le")):
        (article,) = read(encoded, encoding=name)
        assert isinstance(article, Article) and article.text == TEXT
    assert lost(read(b"\xff\xfea", encoding="utf-8"))[0][0] == "S002"


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 400), st.integers(0, 40))
def test_no_damage_crashes_the_reader(junk: bytes, at: int, gone: int) -> None:
    whole = lines(
        review(version("LOC", ["ann"]), tokens=tokens(), relations=[{"head": 3, "child": 5, "label": "x"}]),
        task(options=[{"id": "A"}], accept=["A"], meta={"a": 1}),
    ).encode()
    for data in (whole, b"[" + whole.strip().replace(b"\n", b",") + b"]"):
        for found in read(data[:at] + junk + data[at + gone :]):
            assert isinstance(found, Article | Diagnostic)


KEYS = st.sampled_from(
    ["text", "start", "end", "label", "id", "head", "child", "head_span", "answer", "sessions", "spans", "score"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 70) | st.sampled_from(["", "A", "accept", "reject", TEXT]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
TOP = st.sampled_from(["spans", "tokens", "relations", "options", "accept", "label", "meta", "answer", "versions",
                       "_input_hash", "_task_hash", "_session_id", "id", "html"])  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(TOP, VALUES, max_size=6), min_size=1, max_size=3))
def test_any_json_in_any_place_is_an_article_or_a_finding(tasks: list[Task]) -> None:
    found = read(lines(*({"text": TEXT, **t} for t in tasks)))
    assert found
    for article in found:
        if not isinstance(article, Article):
            assert article.code in {"I002", "I008"}
            continue
        for items in article.layers.values():
            assert len({item.id for item in items}) == len(items)
            for item in items:
                assert all(type(end) is int for at in item.ranges for end in at)
        for relation in article.layers.get("relations", []):
            for ref in relation.values.values():
                if isinstance(ref, Ref):
                    assert ref.id in {item.id for item in article.layers[ref.layer]}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["Köln", "🙂", "e\u0301", "\u00a0", "\r\n", "a b"]), min_size=1, max_size=8), st.data())
def test_spans_are_the_text_that_they_were(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    ends = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted)
    given = [{"start": s, "end": e, "label": "X", "text": text[s:e]} for s, e in data.draw(st.lists(ends, max_size=5))]
    article = one({"text": text, "spans": given, "answer": "accept"})
    assert article.text == text
    assert [article.surface_of(m) for m in article.layers.get("mentions", [])] == [g["text"] for g in given]


def test_the_format_knows_its_files() -> None:
    def sniff(data: str, name: str = "a.jsonl") -> int:
        return prodigy.sniff(Sample(names=[name], head=lambda _: data.encode()[:2000]))

    assert sniff(lines(task())) == sniff(lines(task()), "a.json") == 95
    assert sniff('{"text": "a", "label": "A", "answer": "reject"}') == 85
    assert sniff('{"text": "a", "spans": [{"start": 0, "end": 1, "token_start": 0, "label": "A"}]}') == 55
    assert sniff('{"text": "a", "spans": [{"start": 0, "end": 1, "label": "A"}]}') == 15  # any tool's rows can be so
    assert sniff('{"text": "a", "spans": [{"begin": 0, "end": 1, "type": "A"}]}') == 0
    for other in (
        '{"id": 1, "text": "a", "label": [[0, 1, "A"]]}',
        '{"text": "a", "entities": [{"start_offset": 0, "end_offset": 1}]}',
        '[{"id": 1, "data": {"text": "a"}, "annotations": [{"result": []}]}]',
        '{"text": "plain"}',
    ):
        assert sniff(other) == 0
    assert sniff(lines(task()), "a.txt") == 0
    source = Source(kind="article", paths=("x",), format="prodigy")
    units = list(prodigy.units(source, ["a/b.jsonl", "c.JSON", "d.txt"]))
    assert [(u.files, u.name, u.lines) for u in units] == [(("a/b.jsonl",), "a/b", False), (("c.JSON",), "c", False)]


# real exports

real = pytest.mark.skipif(not REAL.is_dir(), reason="the real corpora are not on this machine")


def real_articles(path: str) -> tuple[list[Article], Counter[str]]:
    """The articles of a real file, all sound, and the codes of what is lost."""
    found = read((REAL / path).read_bytes())
    articles = [f for f in found if isinstance(f, Article)]
    for article in articles:
        assert not article.found
        for item in (item for items in article.layers.values() for item in items):
            assert item.surface is None or article.surface_of(item) == item.surface
    return articles, Counter(f.code for f in found if isinstance(f, Diagnostic))


def count(articles: list[Article], layer: str) -> int:
    return sum(len(a.layers.get(layer, [])) for a in articles)


def astral(articles: list[Article]) -> int:
    return sum(any(ord(char) > 0xFFFF for char in a.text or "") for a in articles)


@real
def test_real_manual_spans() -> None:
    drugs, gone = real_articles("ner_drugs/assets/drugs_eval.jsonl")
    assert (len(drugs), count(drugs, "mentions"), +gone) == (500, 362, {})
    fashion, gone = real_articles("ner_fashion_brands/assets/fashion_brands_eval.jsonl")
    assert (len(fashion), count(fashion, "mentions"), +gone) == (500, 238, {})
    assert astral(drugs) + astral(fashion) == 22
    tweets, gone = real_articles("ner_tweets/assets/test_annotated.jsonl")
    repeats = sum(a.left_out["repeated tasks"] for a in tweets)
    assert (len(tweets), repeats, gone) == (523 - 11 - 4, 11, {"I008": 4})
    assert count(tweets, "mentions") == 244 - 2 - 1, "two spans are in ignored tasks, one is in a repeated one"
    everything = read((REAL / "ner_tweets/assets/test_annotated.jsonl").read_bytes(), answers=["accept", "ignore"])
    assert len(everything) == 512 and count([a for a in everything if isinstance(a, Article)], "mentions") == 243


@real
def test_real_relations() -> None:
    articles, gone = real_articles("rel_component/assets/annotations.jsonl")
    assert (len(articles), count(articles, "mentions"), count(articles, "relations"), +gone) == (149, 466, 267, {})
    for relation in (r for a in articles for r in a.layers.get("relations", [])):
        assert relation.values.keys() == {"head", "tail"} and None not in relation.values.values()


@real
def test_real_reviews() -> None:
    articles, gone = real_articles("spanruler_restaurant_reviews/assets/test_review.jsonl")
    curated = [a for a in articles if a.curated]
    assert (len(curated), count(curated, "mentions"), +gone) == (1521, 3179, {})
    versions = {(a.id, a.pointer) for a in articles if not a.curated}
    assert len(versions) == 2180
    assert Counter(Counter(identifier for identifier, _ in versions).values()) == {1: 862, 2: 659}
    assert Counter(a.annotator for a in articles) == {None: 1521, "original_annotations": 1521, "ner_model": 1521}


@real
def test_real_choices_and_labels() -> None:
    people, gone = real_articles("nel_emerson/assets/emerson_annotated_text.jsonl")
    assert (len(people), count(people, "mentions"), +gone) == (30, 30, {})
    assert all(len(a.values["options"]) == 5 and len(a.values["choice"]) == 1 for a in people)
    issues, gone = real_articles("textcat_docs_issues/assets/docs_issues_eval.jsonl")
    assert +gone == {} and {a.values["label"] for a in issues} == {"DOCUMENTATION"}
    assert Counter(a.values["answer"] for a in issues) == {"accept": 165, "reject": 335}


# dumps of the wild


def test_a_choice_of_nothing_is_none() -> None:
    article = one(task(options=[{"id": "a", "text": "A"}], accept=None))
    assert (article.values["choice"], article.found) == ([], [])


def test_many_texts_of_one_hash_are_told_apart() -> None:
    found = take(*(task(text=f"{TEXT} {number}") for number in range(3000)))
    assert len({a.id for a in found}) == 3000


def test_tasks_without_an_end_are_given_up() -> None:
    data = "\n".join('{"text": "a", "spans": [{' for _ in range(20_000))
    assert [code for code, _, _ in lost(read(data))] == ["I001"]


def test_an_element_of_an_array_on_one_line_has_no_column_of_its_own() -> None:
    data = json.dumps([task(), {"text": TEXT, "n": float("nan"), "answer": "accept"}])
    (found,) = [d for d in read(data) if isinstance(d, Diagnostic)]
    assert (found.code, found.place.line, found.place.column, found.place.pointer) == ("S005", 1, None, "/1")
