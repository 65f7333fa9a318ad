"""Web Annotation, both ways: the forms that tools write, every damage, the W3C's own examples, and the way back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conftest import CORPORA
from copydesk.articles.model import Article, Item, Ref, Value
from copydesk.articles.units import Sample
from copydesk.diagnostics import Diagnostic
from copydesk.exporters import webannotation as exporter
from copydesk.importers import webannotation
from copydesk.project import Source
from copydesk.sources import RawRecord, Unit

real = pytest.mark.skipif(not CORPORA.is_dir(), reason="the real corpora are not on this machine")

CONTEXT = "http://www.w3.org/ns/anno.jsonld"
TEXT = "Mayor Ana Öst 🎈 of Lund bought Kvarn AB, he said.\r\nShe paid\u2028for it.\x85 Lund is small.\n"

OPTIONS = jsonschema.Draft202012Validator({"additionalProperties": False, "properties": webannotation.OPTIONS})


def source(encoding: str = "utf-8", **options: Any) -> Source:
    OPTIONS.validate(options)
    return Source(kind="article", paths=("x",), format="web-annotation", encoding=encoding, options=options)


def read_all(files: Mapping[str, str | bytes], where: Source | None = None) -> list[Article | Diagnostic]:
    where = where or source()
    data = {name: value.encode() if isinstance(value, str) else value for name, value in files.items()}
    out: list[Article | Diagnostic] = []
    for unit in webannotation.units(where, sorted(data)):
        first, *others = unit.files
        beside = {name: data[name] for name in others}
        out += webannotation.read(
            Path("/"), where, RawRecord(file=first, line=1, data=data[first], name=unit.name, beside=beside)
        )
    return out


def note(selector: Any, label: str | None = "P", **more: Any) -> dict[str, Any]:
    """An annotation of a part of doc.txt."""
    body = {} if label is None else {"body": {"type": "TextualBody", "value": label, "purpose": "tagging"}}
    target = {"source": "doc.txt", "selector": selector}
    return {"@context": CONTEXT, "type": "Annotation", **body, "target": target, **more}


def at(start: Any, end: Any) -> dict[str, Any]:
    return {"type": "TextPositionSelector", "start": start, "end": end}


def words(exact: str, prefix: str = "", suffix: str = "") -> dict[str, Any]:
    return {"type": "TextQuoteSelector", "exact": exact, "prefix": prefix, "suffix": suffix}


def one(annotations: Any, text: str | bytes = TEXT, **options: Any) -> Article:
    found = read_all({"doc.txt": text, "doc.jsonld": json.dumps(annotations, indent=1)}, source(**options))
    (article,) = found
    assert isinstance(article, Article), found
    return article


def spans(article: Article) -> list[tuple[str, str | None, str]]:
    return [(i.id, i.label, article.surface_of(i)) for i in article.layers.get("mentions", [])]


def noted(article: Article) -> list[tuple[str, int | None, str | None]]:
    return [(d.code, d.place.line, d.place.pointer) for d in article.found]


# which files, which text


def test_files_with_a_text_of_their_name_stand_alone() -> None:
    names = ["d/a.json", "d/a.jsonld", "d/a.txt", "d/b.jsonld", "d/c.json", "d/x.txt", "d/y.txt", "e/f.json", "e/p.png"]
    assert list(webannotation.units(source(), names)) == [
        Unit(files=("d/a.json", "d/a.jsonld", "d/a.txt"), name="d/a"),
        Unit(files=("d/b.jsonld", "d/c.json", "d/x.txt", "d/y.txt"), name="d/b"),
        Unit(files=("e/f.json",), name="e/f"),
    ]


def test_a_source_names_a_text_by_the_end_of_its_address() -> None:
    first = note(at(0, 3))
    sources = ["http://example.org/texts/a%20b.txt?x=1#p", "http://example.org/texts/a%20b", "a b.txt", "./a b.txt"]
    annotations = [{**first, "id": str(n), "target": {**first["target"], "source": s}} for n, s in enumerate(sources)]
    files = {"d/notes.json": json.dumps(annotations), "d/a b.txt": "Ana and Bo", "d/other.txt": "Bo"}
    article, other = read_all(files)
    assert isinstance(article, Article) and isinstance(other, Article)
    assert (article.id, [s for _, _, s in spans(article)]) == ("d/a b", ["Ana"] * 4)
    assert (other.id, other.layers, [d.code for d in other.found]) == ("d/other", {}, ["I005"])


def test_the_only_text_is_meant_by_the_only_source_or_by_none() -> None:
    far = note(at(6, 13), target={"source": "http://example.org/42", "selector": at(6, 13)})
    article = one(far)
    assert spans(article) == [("m1", "P", "Ana Öst")] and article.values == {"source": "http://example.org/42"}
    assert spans(one(note(at(6, 13), target={"selector": at(6, 13)}))) == [("m1", "P", "Ana Öst")]
    two = [{**far, "target": {**far["target"], "source": f"http://example.org/{n}"}} for n in range(2)]
    found = read_all({"doc.txt": TEXT, "doc.jsonld": json.dumps(two)})
    assert [d.code for d in found if isinstance(d, Diagnostic)] == ["I004", "I004"]


def test_a_text_may_stand_in_the_source() -> None:
    target = {"source": {"id": "http://x.org/1", "type": "Text", "value": "Ana of Lund"}, "selector": at(7, 11)}
    found = read_all(
        {"a.json": json.dumps([note(None, target=target), note(None, target={**target, "selector": at(0, 3)})])}
    )
    (article,) = found
    assert isinstance(article, Article)
    assert (article.id, [s for _, _, s in spans(article)]) == ("http://x.org/1", ["Lund", "Ana"])


def test_without_a_text_there_is_no_article() -> None:
    (found,) = read_all({"a.jsonld": json.dumps([note(at(0, 3)), note(at(1, 2))], indent=1)})
    assert isinstance(found, Diagnostic)
    assert (found.code, found.place.line, found.place.pointer) == ("I004", 2, "/0")


# forms


def test_pages_collections_graphs_arrays_lines_and_prefixes() -> None:
    a, b = note(at(0, 5), id="a"), note(at(6, 13), id="b")
    page = {"type": "AnnotationPage", "items": [a, b]}
    forms: list[Any] = [
        [a, b], page, {"@context": CONTEXT, "@graph": [a, b]},
        {"@context": [CONTEXT, {"x": "y"}], "type": "AnnotationCollection", "first": page, "last": "http://x/9"},
    ]  # fmt: skip
    texts = [json.dumps(form, indent=1) for form in forms] + [f"{json.dumps(a)}\n\n{json.dumps(b)}\n"]
    old = {
        "@id": "a",
        "@type": "oa:Annotation",
        "body": {"@type": "oa:TextualBody", "value": "P", "purpose": "oa:tagging"},
    }
    old["target"] = {"source": "doc.txt", "selector": {"@type": ["oa:TextPositionSelector"], "start": 0, "end": 5}}
    texts.append(json.dumps([old, b]))
    for text in texts:
        (article,) = read_all({"doc.txt": TEXT, "doc.jsonld": text})
        assert isinstance(article, Article)
        assert spans(article) == [("a", "P", "Mayor"), ("b", "P", "Ana Öst")], text
        assert article.found == []


def test_places_are_lines_or_pointers_into_the_file() -> None:
    article = one({"@context": CONTEXT, "type": "AnnotationPage", "items": [note(at(0, 5)), note(at("x", 5))]})
    assert article.layers["mentions"][0].pointer == "/items/0"
    ((code, line, pointer),) = noted(article)
    assert (code, pointer) == ("I002", "/items/1") and line is not None and line > 15
    lines = "\n".join(json.dumps(n) for n in (note(at(0, 5)), note(at(0, 5)), note(at("x", 5))))
    (article,) = read_all({"doc.txt": TEXT, "doc.jsonl": lines})
    assert isinstance(article, Article)
    assert [i.line for i in article.layers["mentions"]] == [1, 2] and noted(article) == [("I002", 3, None)]


def test_labels_notes_and_links_by_what_bodies_are_for() -> None:
    bodies = [
        {"type": "TextualBody", "value": "PERSON", "purpose": "tagging"},
        {"type": "TextualBody", "value": "MAYOR", "purpose": "classifying"},
        {"type": "TextualBody", "value": "Who?", "purpose": "commenting", "language": "en"},
        "http://example.org/people/ana",
        {
            "type": "Choice",
            "items": [{"type": "TextualBody", "value": "eins"}, {"type": "TextualBody", "value": "zwei"}],
        },
        {"source": "http://example.org/x", "selector": at(0, 1)},
    ]
    article = one(note(at(6, 13), body=bodies, created="2020-01-02T00:00:00Z", generator="x", motivation="reviewing"))
    (item,) = article.layers["mentions"]
    assert item.label == "PERSON"
    assert item.values == {
        "created": "2020-01-02T00:00:00Z", "motivation": "reviewing", "also": ["MAYOR"], "notes": ["Who?", "eins"],
        "links": ["http://example.org/people/ana"],
    }  # fmt: skip
    assert article.left_out == {
        "generator": 1, "language of bodies": 1, "alternatives of bodies": 1, "bodies that are parts of documents": 1,
    }  # fmt: skip
    assert spans(one(note(at(6, 13), body="PERSON", motivation="tagging"))) == [("m1", "PERSON", "Ana Öst")]
    assert spans(one(note(at(6, 13), None, bodyValue="PERSON", motivation="tagging")))[0][1] == "PERSON"
    semantic = {"type": "SpecificResource", "purpose": "tagging", "source": "http://example.org/Person"}
    assert spans(one(note(at(6, 13), body=semantic)))[0][1] == "http://example.org/Person"
    plain = note(at(6, 13), body={"type": "TextualBody", "value": "PERSON"})
    assert spans(one(plain))[0][1] is None
    assert spans(one(plain, labels=["tagging", "none"]))[0][1] == "PERSON"


def test_what_is_said_of_the_whole_text_is_a_value() -> None:
    tag = {"type": "TextualBody", "value": "politics", "purpose": "tagging"}
    both = [note(None, body=tag, target="doc.txt"), note(None, body="fine words", target="doc.txt")]
    article = one([*both, note(None, None, target={"id": "doc.txt", "type": "Text"})])
    assert article.values == {"labels": ["politics"], "notes": ["fine words"]}
    assert article.layers == {} and article.left_out == {"annotations of whole texts without a body": 1}


def test_several_targets_are_several_items_and_a_set_is_one() -> None:
    parts = [{"source": "doc.txt", "selector": at(19, 23)}, {"source": "doc.txt", "selector": at(6, 9)}]
    assert spans(one(note(None, target=parts, id="x"))) == [("x", "P", "Lund"), ("x-2", "P", "Ana")]
    article = one(note(None, target={"type": "Composite", "items": parts}, id="x"))
    assert spans(article) == [("x", "P", "Ana Lund")] and noted(article) == [("I020", 1, None)]
    odd = one(note(None, target=parts, id="x", created=5, generator="me"))
    assert [d.code for d in odd.found] == ["I002"] and odd.left_out == {"generator": 1}
    mixed = [parts[0], {"source": "http://x.org/else", "selector": at(6, 9)}]
    assert [d.code for d in one(note(None, target={"type": "Composite", "items": mixed})).found] == ["I002"]


def test_links_become_relations() -> None:
    a, b = note(at(6, 13), id="#a"), note(at(19, 23), "C", id="#b")
    lives = {"type": "TextualBody", "value": "lives_in", "purpose": "tagging"}
    link = {"@context": CONTEXT, "id": "#r", "type": "Annotation", "body": [lives], "motivation": "linking"}
    article = one([{**link, "target": [{"id": "#a"}, {"id": "#b"}]}, a, b])
    (relation,) = article.layers["relations"]
    assert (relation.id, relation.label, relation.ranges) == ("#r", "lives_in", ())
    assert relation.values == {"head": Ref("mentions", "#a"), "tail": Ref("mentions", "#b")}
    assert spans(article) == [("#a", "P", "Ana Öst"), ("#b", "C", "Lund")]

    to_b = {"type": "SpecificResource", "purpose": "linking", "source": "#b"}
    article = one([a, b, {**link, "body": [lives, to_b], "target": "#a"}])
    assert [(r.id, r.label, r.values["tail"]) for r in article.layers["relations"]] == [
        ("#r", "lives_in", Ref("mentions", "#b"))
    ]
    article = one([{**a, "body": [a["body"], to_b]}, b])
    assert [(r.id, r.label, r.values["head"]) for r in article.layers["relations"]] == [
        ("#a-link", None, Ref("mentions", "#a"))
    ]
    for targets, code in ([{"id": "#a"}, {"id": "#gone"}], "I003"), ([{"id": "#a"}] * 3, "I002"):
        article = one([a, b, {**link, "target": targets}])
        assert [d.code for d in article.found] == [code] and "relations" not in article.layers
    broken = {**a, "target": {"source": "doc.txt", "selector": at("x", 1)}}
    found = read_all({"doc.txt": TEXT, "doc.json": json.dumps([broken, b, {**link, "target": ["#a", "#b"]}])})
    assert [d.code for d in found if isinstance(d, Diagnostic)] == ["I003"]


def test_annotations_of_annotations_are_counted() -> None:
    reply = {"@context": CONTEXT, "type": "Annotation", "motivation": "replying", "body": "no", "target": "#a"}
    article = one([note(at(6, 13), id="#a"), reply])
    assert article.left_out == {"annotations of annotations": 1} and article.found == []


def test_creators_are_passes_or_a_property() -> None:
    ann = note(at(6, 13), creator={"id": "http://x.org/1", "name": "ann"})
    two = [ann, note(at(19, 23), "C", creator="http://x.org/bo"), note(at(0, 5), creator="http://x.org/bo")]
    found = read_all({"doc.txt": TEXT, "doc.jsonld": json.dumps(two)})
    assert [(a.id, a.annotator, len(a.layers["mentions"])) for a in found if isinstance(a, Article)] == [
        ("doc", "ann", 1), ("doc", "http://x.org/bo", 2),
    ]  # fmt: skip
    together = one(two, creators="together")
    assert together.annotator is None
    assert [i.values["creator"] for i in together.layers["mentions"]] == ["ann", "http://x.org/bo", "http://x.org/bo"]


def test_one_annotation_a_file() -> None:
    files = {f"d/{n}.json": json.dumps(note(at(6, 9 + n)), indent=1) for n in range(3)}
    files |= {"d/doc.txt": TEXT, "d/3.json": json.dumps(note(at(6, "x")), indent=1)}
    (article,) = read_all(files)
    assert isinstance(article, Article)
    assert [s for _, _, s in spans(article)] == ["Ana", "Ana ", "Ana Ö"]
    assert [(d.code, d.place.file, d.place.line) for d in article.found] == [("I002", "d/3.json", 1)]
    assert article.place(article.layers["mentions"][2]).file == "d/2.json"


# selectors


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        (at(19, 23), "Lund"),
        ([at(19, 23), words("Lund")], "Lund"),
        ([words("Lund"), at(19, 23)], "Lund"),
        (words("Kvarn AB"), "Kvarn AB"),
        (words("Lund", suffix=" bought"), "Lund"),
        (words("Lund", prefix="it.\x85 "), "Lund"),
        (words("he said. She"), "he said.\r\nShe"),
        (
            {"type": "FragmentSelector", "value": "char=6,13", "conformsTo": "http://tools.ietf.org/rfc/rfc5147"},
            "Ana Öst",
        ),
        ({"type": "RangeSelector", "startSelector": at(6, 9), "endSelector": at(19, 23)}, "Ana Öst 🎈 of "),
        ({"type": "RangeSelector", "startSelector": words("bought"), "endSelector": words(", he")}, "bought Kvarn AB"),
        ({**words("Lund bought Kvarn"), "refinedBy": at(5, 11)}, "bought"),
        ({**at(16, 40), "refinedBy": words("Lund")}, "Lund"),
        ({"type": "CssSelector", "value": "#p1", "refinedBy": words("Kvarn AB")}, "Kvarn AB"),
        ([{"type": "XPathSelector", "value": "/p"}, words("Kvarn AB")], "Kvarn AB"),
    ],
)
def test_selectors_find_their_segment(selector: Any, wanted: str) -> None:
    article = one(note(selector))
    assert [s for _, _, s in spans(article)] == [wanted]
    assert article.found == []


@pytest.mark.parametrize(
    ("selector", "code"),
    [
        (words("Lund"), "I002"),
        (words("Oslo"), "I002"),
        (words("Kvarn AB", prefix="sold "), "I002"),
        (words(""), "I002"),
        (at(6, None), "I002"),
        (at("6", 13), "I002"),
        (at(True, 13), "I002"),
        ({"start": 6, "end": 13}, "I002"),
        ("http://example.org/selector1", "I012"),
        ({"type": "SvgSelector", "value": "<svg/>"}, "I012"),
        ({"type": "XPathSelector", "value": "/p", "refinedBy": at(0, 1)}, "I012"),
        ({"type": "FragmentSelector", "value": "t=30,60"}, "I012"),
        ({"type": "FragmentSelector"}, "I002"),
        ({"type": "FragmentSelector", "value": ["a", "b"]}, "I002"),
        ({"type": "RangeSelector", "startSelector": at(6, 9)}, "I002"),
        ({**words("Kvarn"), "refinedBy": words("Lund")}, "I002"),
        (7, "I002"),
        ([], "I002"),
    ],
)
def test_a_selector_that_finds_nothing_is_told(selector: Any, code: str) -> None:
    article = one([note(at(0, 5)), note(selector)])
    assert [d.code for d in article.found] == [code]
    assert [s for _, _, s in spans(article)] == ["Mayor"]


def test_refinements_without_end_do_not_end_us() -> None:
    selector: dict[str, Any] = at(0, 1)
    for _ in range(60):
        selector = {**at(0, 10), "refinedBy": selector}
    assert [d.code for d in one(note(selector)).found] == ["I002"]


def test_a_damaged_selector_beside_a_good_one_is_told_too() -> None:
    article = one(note([at("x", 1), words("Kvarn AB")]))
    assert [s for _, _, s in spans(article)] == ["Kvarn AB"] and [d.code for d in article.found] == ["I002"]


def test_positions_that_are_not_the_words_yield_to_them_if_they_are_found() -> None:
    article = one(note([at(18, 22), words("Lund", suffix=" bought")]))
    assert [s for _, _, s in spans(article)] == ["Lund"]
    assert article.left_out["positions at which other words stand than those quoted"] == 1
    for exact in ("Oslo", "a"):  # nowhere, and at many places: the surface is held against the text later
        article = one(note([at(18, 22), words(exact)]))
        (item,) = article.layers["mentions"]
        assert (item.ranges, item.surface, article.left_out.total()) == (((18, 22),), exact, 0)


def test_units_are_decided_by_the_words() -> None:
    shifted = [
        note([at(20, 24), words("Lund", suffix=" bought")]),
        note([at(32, 40), words("Kvarn AB")]),
        note(at(6, 13)),
    ]
    article = one(shifted)
    assert article.unit == "UTF-16 units"
    assert [s for _, _, s in spans(article)] == ["Lund", "Kvarn AB", "Ana Öst"]
    article = one([*shifted, note(at(15, 20))])
    assert [d.code for d in article.found] == ["I019"]
    marked = [note([at(i + 1, j + 1), words(TEXT[i:j])]) for i, j in ((6, 13), (31, 39))]
    assert [s for _, _, s in spans(one(marked, "\ufeff" + TEXT))] == ["Ana Öst", "Kvarn AB"]


# damage


@pytest.mark.parametrize(
    ("annotation", "code"),
    [
        ({**note(at(6, 13)), "type": "Squirrel"}, "I002"),
        ({**note(at(6, 13)), "target": None}, "I002"),
        ({**note(at(6, 13)), "target": 9}, "I002"),
        ({**note(at(6, 13)), "target": {"type": "SpecificResource"}}, "I002"),
        ({**note(at(6, 13)), "@context": "fish"}, "I001"),
        ({**note(at(6, 13)), "id": "ok"}, "I006"),
        (5, "I002"),
        ("http://example.org/anno1", "I002"),
    ],
)
def test_a_damaged_annotation_is_told_and_the_rest_is_read(annotation: Any, code: str) -> None:
    found = read_all({"doc.txt": TEXT, "doc.jsonld": json.dumps([note(at(0, 5), id="ok"), annotation], indent=1)})
    (article,) = (one for one in found if isinstance(one, Article))
    told = [d for d in [*article.found, *found] if isinstance(d, Diagnostic)]
    assert [(d.code, d.place.pointer) for d in told] == [(code, "/1")]
    assert told[0].place.line and told[0].place.line > 10
    assert [i for i, _, _ in spans(article)] == ["ok"]


@pytest.mark.parametrize(
    "more",
    [
        {"body": {"type": "TextualBody"}},
        {"body": {"type": "TextualBody", "value": ["a"]}},
        {"body": 5},
        {"body": {"format": "text/plain"}},
        {"bodyValue": "x"},
        {"body": None, "bodyValue": 5},
        {"id": ["a", "b"]},
        {"creator": 6},
        {"created": ["2015", "2016"]},
    ],
)
def test_damage_beside_the_target_keeps_the_span(more: dict[str, Any]) -> None:
    article = one({**note(at(6, 13)), **more})
    assert [d.code for d in article.found] == ["I002"]
    assert [s for _, _, s in spans(article)] == ["Ana Öst"]


def test_damaged_files() -> None:
    def told(data: str | bytes) -> list[tuple[str, int | None]]:
        found = read_all({"doc.jsonld": data})
        return [(d.code, d.place.line) for d in found if isinstance(d, Diagnostic)]

    assert told("this is not json") == [("S003", 1)]
    assert told('[\n{"id": 1,}]') == [("S003", 2)]
    assert told("{}") == told('{"a": 1}') == [("I001", 1)]
    assert told("5") == [("I002", 1)]
    assert told(b"[\n\xff]") == [("S002", 2)]
    assert told("[" * 300) == [("S006", 1)]
    lines = json.dumps(note(at(0, 5))) + "\n{\n" + json.dumps(note(at(6, 13)))
    found = read_all({"doc.txt": TEXT, "doc.jsonl": lines})
    assert [(d.code, d.place.line) for d in found if isinstance(d, Diagnostic)] == [("S003", 2)]
    assert [len(a.layers["mentions"]) for a in found if isinstance(a, Article)] == [2]
    found = read_all({"doc.txt": b"\xff", "doc.jsonld": json.dumps(note(at(0, 5)))})
    assert [d.code for d in found if isinstance(d, Diagnostic)] == ["S002", "I004"]


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 20)
    | st.sampled_from(["doc.txt", "#a", "tagging", "linking", "Lund", "type"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "value", "source", "selector", "items", "purpose", "start", "end", "exact"]),
            inner
            | st.sampled_from(["Composite", "Choice", "TextQuoteSelector", "TextPositionSelector", "TextualBody"]),
            max_size=4,
        )
    ),
    max_leaves=10,
)


@example(body=None, target={"items": [], "type": "Composite"}, more={})
@given(body=ANY, target=ANY, more=st.dictionaries(st.sampled_from(["id", "motivation", "creator", "bodyValue"]), ANY))
@settings(max_examples=150, deadline=None)
def test_nothing_is_too_odd_and_nothing_is_lost_without_a_word(body: Any, target: Any, more: dict[str, Any]) -> None:
    annotation = {**more, "@context": CONTEXT, "type": "Annotation", "body": body, "target": target}
    found = read_all({"doc.txt": TEXT, "doc.jsonld": json.dumps([note(at(0, 5), id="#a"), annotation])})
    articles = [one for one in found if isinstance(one, Article)]
    items = sum(len(items) for a in articles for items in a.layers.values())
    words = sum(len(a.found) + a.left_out.total() + len(a.values) for a in articles)
    assert items + words + len(found) - len(articles) >= 2


def test_sniff() -> None:
    def sure(name: str, head: bytes) -> int:
        return webannotation.sniff(Sample(names=[name, "doc.txt"], head=lambda _: head))

    head = json.dumps(note(at(0, 1))).encode()
    assert sure("a.json", head) == sure("a.jsonl", head) == 95
    assert 0 < sure("a.jsonld", b'{"target": 1}') < 95
    assert sure("a.json", b'[{"text": "x"}]') == sure("a.ann", head) == 0


@real
def test_the_examples_of_the_w3c_have_no_texts_and_are_told_so() -> None:
    root = CORPORA / "w3c-web-annotation" / "model" / "wd2" / "examples"
    told: dict[str, Counter[str]] = {}
    for kind, count in ("correct", 44), ("incorrect", 40):
        paths = sorted((root / kind).glob("*.json"))
        assert len(paths) == count
        for path in paths:
            found = read_all({path.name: path.read_bytes()})
            assert found and all(isinstance(one, Diagnostic) for one in found)
            told.setdefault(kind, Counter()).update({one.code for one in found if isinstance(one, Diagnostic)})
    assert told["correct"] == {"I004": 35, "I012": 10}  # one has targets of both kinds
    assert set(told["incorrect"]) == {"I001", "I002", "I004", "I012", "S003"}


# what other programs hand out


def hypothesis_row(identity: str, selectors: Any, **more: Any) -> dict[str, Any]:
    """An annotation as Hypothesis's API has it."""
    target = {"source": "https://news.example/doc", **({"selector": selectors} if selectors else {})}
    row = {"id": identity, "created": "2024-01-02", "updated": "2024-01-03", "user": "acct:ana@hypothes.is"}
    row |= {"uri": "https://news.example/doc", "text": "", "tags": [], "group": "__world__", "target": [target]}
    return row | {"permissions": {"read": ["group:__world__"]}, "document": {"title": ["A"]}} | more


def test_what_hypothesis_hands_out() -> None:
    containers = {"type": "RangeSelector", "startContainer": "/p[1]", "startOffset": 0, "endContainer": "/p[1]"}
    rows = [
        hypothesis_row(
            "h1", [containers, at(2, 5), words("Kvarn AB", "bought ", ", he")], tags=["ORG", "buyer"], text="ok"
        ),
        hypothesis_row("h2", None, tags=["local"]),
        hypothesis_row("h3", None, text="I agree", references=["h1"]),
    ]
    for name, data in (
        ("doc.json", json.dumps({"total": 3, "rows": rows})),
        ("doc.json", json.dumps({"export_date": "x", "annotations": rows})),
        ("doc.jsonl", "\n".join(map(json.dumps, rows))),
    ):
        assert webannotation.sniff(Sample(names=[name], head=lambda _, data=data: data.encode())) == 92
        (article,) = read_all({name: data, "doc.txt": TEXT})
        assert isinstance(article, Article) and article.found == [] and article.annotator == "acct:ana@hypothes.is"
        assert spans(article) == [("h1", "ORG", "Kvarn AB")]
        values = {"created": "2024-01-02", "modified": "2024-01-03", "also": ["buyer"], "notes": ["ok"]}
        assert article.layers["mentions"][0].values == values
        assert article.values["labels"] == ["local"] and "notes" not in article.values
        assert article.left_out["annotations of annotations"] == 1
        assert article.left_out["administrative fields"] == 2
        assert article.left_out["positions at which other words stand than those quoted"] == 1


def test_what_recogito_has_itself() -> None:
    def made(identity: str, *spans_: tuple[int, int], bodies: Any = ()) -> dict[str, Any]:
        parts = [{"start": a, "end": b, "quote": TEXT[a:b]} for a, b in spans_]
        who = {"creator": {"id": "7", "name": "Ana"}, "created": "2024-01-02"}
        return {"id": identity, "bodies": [*bodies], "target": {"annotation": identity, "selector": parts, **who}}

    notes = [
        made("r1", (6, 13), bodies=[{"id": "b", "annotation": "r1", "purpose": "tagging", "value": "PER"}]),
        made("r2", (6, 9), (31, 36)),
    ]
    data = json.dumps(notes)
    assert webannotation.sniff(Sample(names=["doc.json"], head=lambda _: data.encode())) == 75
    (article,) = read_all({"doc.json": data, "doc.txt": TEXT})
    assert isinstance(article, Article) and article.found == [] and article.annotator == "Ana"
    first, second = article.layers["mentions"]
    assert (first.ranges, first.label, second.ranges, second.label) == (((6, 13),), "PER", ((6, 9), (31, 36)), None)


def test_an_array_that_is_damaged_costs_what_is_damaged() -> None:
    notes = [note(at(0, 5), id="a"), note(at(6, 9), id="b"), note(at(6, 13), id="c")]
    text = json.dumps(notes, indent=1)
    cut = text[: text.index('"c"')]
    first, lost = read_all({"doc.json": cut, "doc.txt": TEXT})[::-1]
    assert isinstance(first, Article) and isinstance(lost, Diagnostic)
    assert [i for i, _, _ in spans(first)] == ["a", "b"]
    assert (lost.code, lost.place.line) == ("S003", cut.count("\n") + 1)
    twice = text.replace('"id": "b"', '"id": "b", "id": "b"')
    first, lost = read_all({"doc.json": twice, "doc.txt": TEXT})[::-1]
    assert isinstance(first, Article) and isinstance(lost, Diagnostic)
    assert [i for i, _, _ in spans(first)] == ["a", "c"] and (lost.code, lost.place.pointer) == ("S004", "/1")
    assert first.layers["mentions"][1].line == text.split("\n").index(" {", text[: text.index('"b"')].count("\n")) + 1


def test_regions_of_pictures_and_targets_of_nothing_are_told_apart() -> None:
    region = {"type": "FragmentSelector", "value": "xywh=pixel:1,2,3,4"}
    (found,) = read_all({"doc.json": json.dumps(note(region) | {"target": {"source": "a.jpg", "selector": region}})})
    assert isinstance(found, Diagnostic) and found.code == "I012" and "FragmentSelectors" in found.message
    nowhere = json.dumps(note(at(0, 5)) | {"target": {"selector": at(0, 5)}})
    found = next(d for d in read_all({"n.json": nowhere, "a.txt": TEXT, "b.txt": TEXT}) if isinstance(d, Diagnostic))
    assert (found.code, found.message) == ("I004", "the target does not say what it is on, and 2 texts are beside")


def test_many_links_and_many_texts_are_tied() -> None:
    count = 1500
    notes: list[dict[str, Any]] = []
    for n in range(count):
        notes += [note(at(0, 5), id=f"a{n}"), note(at(6, 9), id=f"b{n}")]
        for one_ in notes[-2:]:
            one_["target"] = one_["target"] | {"source": f"d{n}.txt"}
        notes.append({"@context": CONTEXT, "type": "Annotation", "id": f"l{n}", "motivation": "linking",
                      "target": [f"a{n}", f"b{n}"]})  # fmt: skip
    found = read_all({"all.json": json.dumps(notes), **{f"d{n}.txt": TEXT for n in range(count)}})
    assert len(found) == count
    assert all(isinstance(a, Article) and len(a.layers["relations"]) == 1 for a in found)


def test_files_without_a_context_are_known_by_their_selectors() -> None:
    def sniff(data: bytes) -> int:
        return webannotation.sniff(Sample(names=["a.json"], head=lambda _: data))

    bare = json.dumps([{k: v for k, v in note(at(0, 5)).items() if k != "@context"}])
    assert sniff(bare.encode()) == 75 and sniff(json.dumps(note(at(0, 5))).encode("utf-16")) == 95


# the way back


def exported(articles: Iterable[Article]) -> tuple[dict[str, bytes], Counter[str]]:
    losses: Counter[str] = Counter()
    files = dict(exporter.export(articles, losses))
    return files, losses


def essence(article: Article) -> Any:
    """What has to come back. A surface that is not given is the text."""
    layers = {
        name: [(i.id, i.ranges, i.label, i.values, i.surface or article.surface_of(i)) for i in items]
        for name, items in article.layers.items()
    }
    return article.id, article.text, article.values, layers, list(article.layers), article.annotator, article.curated


texts = st.text(st.sampled_from('ab Z.🎈é\u0301\r\n\u2028\x85\ufeff\xa0\u200b\t"\\<'), max_size=50)
names = st.text(st.sampled_from('aB1/._- ø🎈$\\"é'), min_size=1, max_size=8)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)


def values_of(refs: st.SearchStrategy[Ref]) -> st.SearchStrategy[dict[str, Value]]:
    keys = st.sampled_from(["head", "tail", "note", "$ref", "$$x", "head.x"])
    value = st.recursive(
        leaves | refs,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=2),
        max_leaves=4,
    )
    return st.dictionaries(keys, value, max_size=3)


@st.composite
def articles(draw: st.DrawFn) -> Article:
    text = draw(texts)
    ends = st.integers(0, len(text))
    span = st.tuples(ends, ends).map(lambda pair: (min(pair), max(pair)))
    layers = draw(
        st.lists(st.sampled_from(["mentions", "relations", "events", "tokens", "x y"]), unique=True, max_size=3)
    )
    ids = {layer: draw(st.lists(names, unique=True, max_size=4)) for layer in layers}
    known = [(layer, identity) for layer in layers for identity in ids[layer]]
    refs = st.builds(Ref, st.just("entities"), names, names)
    if known:
        refs = refs | st.sampled_from(known).map(lambda pair: Ref(*pair))
    article = Article(
        id=draw(names), text=text, file="x", values=draw(values_of(refs)), annotator=draw(st.none() | names),
        curated=draw(st.booleans()),
    )  # fmt: skip
    for layer in layers:
        article.layers[layer] = [
            Item(
                id=identity,
                ranges=tuple(sorted(draw(st.lists(span, max_size=3)))),
                label=draw(st.none() | texts),
                values=draw(values_of(refs)),
            )
            for identity in ids[layer]
        ]
    return article


@given(st.lists(articles(), max_size=2))
@settings(max_examples=40, deadline=None)
def test_what_is_written_is_read_back(wanted: list[Article]) -> None:
    files, losses = exported(wanted)
    assert not losses
    assert exported(wanted)[0] == files
    assert len({name.casefold() for name in files}) == len(files) == 2 * len(wanted)
    found = read_all(files)
    assert [d for d in found if isinstance(d, Diagnostic)] == []
    back = [essence(one) for one in found if isinstance(one, Article)]
    for one in wanted:  # 1 and 1.0 are the same number in JSON
        assert essence(one) in back
        back.remove(essence(one))
    assert back == []
    assert all(one.found == [] and one.unit == "code points" for one in found if isinstance(one, Article))


def test_a_text_that_begins_with_a_byte_order_mark_keeps_it() -> None:
    article = Article(id="a", text="\ufeffAna", file="x", layers={"mentions": [Item(id="m1", ranges=((1, 4),))]})
    (back,) = read_all(exported([article])[0])
    assert isinstance(back, Article)
    assert back.text == article.text and spans(back) == [("m1", None, "Ana")]


def test_what_other_clients_see_of_an_export() -> None:
    article = Article(id="2024/a b", text=TEXT, file="x", annotator="ann")
    article.layers["mentions"] = [
        Item(id="m1", ranges=((6, 13),), label="P"), Item(id="m2", ranges=((19, 23), (31, 36)), label="C"),
    ]  # fmt: skip
    ends: dict[str, Value] = {"head": Ref("mentions", "m1"), "tail": Ref("mentions", "m2")}
    article.layers["relations"] = [Item(id="r1", label="in", values=ends)]
    files, _ = exported([article])
    assert sorted(files) == ["2024/a b.jsonld", "2024/a b.txt"]
    assert files["2024/a b.txt"].decode() == TEXT
    page = json.loads(files["2024/a b.jsonld"])
    first, second, link = page["items"]
    assert page["@context"][0] == CONTEXT and page["type"] == "AnnotationPage"
    assert first["body"] == {"type": "TextualBody", "value": "P", "purpose": "tagging"}
    assert first["target"]["source"] == "a%20b.txt" and first["creator"] == {"type": "Person", "name": "ann"}
    assert first["target"]["selector"] == [
        at(6, 13), words("Ana Öst", "Mayor ", TEXT[13 : 13 + exporter.AROUND]),
    ]  # fmt: skip
    assert second["target"]["type"] == "Composite" and len(second["target"]["items"]) == 2
    assert link["motivation"] == "linking" and link["target"] == [first["id"], second["id"]]

    for item in page["items"]:  # a client that drops what it does not know
        for name in [name for name in item if name.startswith("copydesk:")]:
            del item[name]
    del page["copydesk:article"]
    (back,) = read_all({"a b.jsonld": json.dumps(page), "a b.txt": TEXT})
    assert isinstance(back, Article)
    assert [(label, s) for _, label, s in spans(back)] == [("P", "Ana Öst"), ("C", "Lund Kvarn")]
    assert [r.label for r in back.layers["relations"]] == ["in"] and back.found == []


def test_what_others_add_to_an_export_is_read_too() -> None:
    article = Article(id="a", text=TEXT, file="x", layers={"mentions": [Item(id="m1", ranges=((6, 13),), label="P")]})
    files, _ = exported([article])
    page = json.loads(files["a.jsonld"])
    comment = {"type": "TextualBody", "value": "sure?", "purpose": "commenting"}
    page["items"][0]["body"] = [{**page["items"][0]["body"], "value": "PERSON"}, comment]
    new = note([at(19, 23), words("Lund", suffix=" b")], "C", id="#new")
    page["items"].append({**new, "target": {**new["target"], "source": "a.txt"}})
    (back,) = read_all({**files, "a.jsonld": json.dumps(page)})
    assert isinstance(back, Article)
    assert spans(back) == [("m1", "PERSON", "Ana Öst"), ("#new", "C", "Lund")]
    assert back.layers["mentions"][0].values == {"notes": ["sure?"]}


def test_losses_are_counted() -> None:
    odd = Article(id="a", text="x \ud83d y", file="x", values={"n": float("nan"), "big": 2**64, "half": "\ud83d"})
    odd.layers["mentions"] = [Item(id="m1", ranges=((0, 1),), surface="not this")]
    files, losses = exported([odd, Article(id="link", text=None, file="x")])
    assert losses == {
        "halves of surrogate pairs (UTF-8 has none)": 2,
        "numbers that JSON cannot hold": 2,
        "surfaces that are not the text of the span": 1,
        "links between articles": 1,
    }
    (back,) = read_all(files)
    assert isinstance(back, Article) and back.text == "x \ufffd y"


def test_names_of_files_are_told_apart() -> None:
    ids = ["a", "A", "a.txt/b", "a/../b", "a:b", "a?b", "/etc/x", "..", "x" * 300, "a.", "", "a.txt", "con\x00"]
    files, _ = exported(Article(id=identity, text=identity, file="x") for identity in ids)
    paths = {name.casefold() for name in files}
    assert len(paths) == 2 * len(ids)
    for name in files:
        assert not name.startswith("/") and ".." not in name.split("/") and len(name.encode()) < 200
        assert not any(name.casefold().startswith(f"{other}/") for other in paths)
    back = {a.id: a.text for a in read_all(files) if isinstance(a, Article)}
    assert back == {identity: identity for identity in ids}


def test_spans_that_make_no_sense_come_back_for_the_checks() -> None:
    article = Article(id="a", text="short", file="x")
    odd = [((3, 3),), ((4, 1),), ((0, 999),), ((-2, 2),)]
    article.layers["mentions"] = [Item(id=f"m{n}", ranges=ranges) for n, ranges in enumerate(odd)]
    (back,) = read_all(exported([article])[0])
    assert isinstance(back, Article)
    assert [i.ranges for i in back.layers["mentions"]] == odd and back.found == []
