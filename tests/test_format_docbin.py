"""spaCy DocBin in and out: text to the character, entities, groups, columns; damaged bytes; the way there and back."""

from __future__ import annotations

import gc
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin, Span, SpanGroup
from spacy.training import Example
from spacy.vocab import Vocab

from conftest import CORPORA
from copydesk.articles.model import Article, Item, Ref, Value
from copydesk.articles.units import Sample
from copydesk.diagnostics import Diagnostic
from copydesk.exporters import docbin as exporter
from copydesk.importers import docbin as importer
from copydesk.importers import prodigy
from copydesk.project import Source
from copydesk.sources import RawRecord

SOURCE = Source(kind="article", paths=("x",), format="docbin")
DEMO = CORPORA / "prodigy-explosion-projects" / "ner_tweets" / "assets" / "demo"

WORDS = ["Mayor", "Ilse", "Brandt", "🙂", "of", "Köln", "spoke", ".", "\r\n", "She", "left", "."]
SPACES = [True, True, True, True, True, True, False, False, False, True, False, False]
TEXT = "Mayor Ilse Brandt 🙂 of Köln spoke.\r\nShe left."


def document(**given: Any) -> Doc:
    return Doc(Vocab(), words=WORDS, spaces=SPACES, **given)


def packed(*docs: Doc, **options: Any) -> bytes:
    return bytes(DocBin(docs=docs, **options).to_bytes())


def take(data: bytes, name: str = "news/march") -> list[Article | Diagnostic]:
    raw = RawRecord(file=f"{name}.spacy", line=1, data=data, name=name)
    return list(importer.read(Path(), SOURCE, raw))


def one(data: bytes) -> Article:
    (article,) = take(data)
    assert isinstance(article, Article)
    return article


def spans(article: Article, layer: str = "mentions") -> list[tuple[str, str | None]]:
    return [(article.surface_of(item), item.label) for item in article.layers.get(layer, [])]


def out(*articles: Article) -> tuple[bytes, Counter[str]]:
    losses: Counter[str] = Counter()
    files = list(exporter.export(articles, losses))
    assert [name for name, _ in files] == ["articles.spacy"]
    return files[0][1], losses


# in


def test_text_tokens_and_entities_are_those_of_the_document() -> None:
    doc = document()
    doc.set_ents([Span(doc, 1, 3, label="PER", kb_id="Q1"), Span(doc, 5, 6, label="LOC", span_id="town")])
    article = one(packed(doc, attrs=["ENT_IOB", "ENT_TYPE", "ENT_KB_ID", "ENT_ID"]))
    assert article.text == TEXT
    assert spans(article) == [("Ilse Brandt", "PER"), ("Köln", "LOC")]
    assert [item.values for item in article.layers["mentions"]] == [{"kb_id": "Q1"}, {"ent_id": "town"}]
    assert [article.surface_of(token) for token in article.layers["tokens"]] == WORDS
    assert all(not token.values for token in article.layers["tokens"])
    assert [item.id for item in article.layers["tokens"]][:2] == ["t1", "t2"]
    assert (article.layers["mentions"][1].pointer, article.place().file) == ("/0/ents/1", "news/march.spacy")
    assert "sentences" not in article.layers
    assert not article.found and not +article.left_out


def test_columns_are_those_that_are_set_anywhere() -> None:
    plain = document()
    tagged = document(
        lemmas=["mayor"] * 12,
        pos=["NOUN"] * 11 + [""],
        morphs=["Number=Sing|Case=Nom"] + [""] * 11,
        deps=["nsubj", "appos", "flat", "dep", "case", "obl", "ROOT", "punct", "", "nsubj", "ROOT", "punct"],
        heads=[6, 0, 1, 6, 5, 6, 6, 6, 8, 10, 10, 10],
    )
    first, second = take(packed(plain, tagged))
    assert isinstance(first, Article) and isinstance(second, Article)
    assert first.layers["tokens"][0].values == {"lemma": None, "pos": None, "morph": None, "dep": None, "head": None}
    assert "sentences" not in first.layers
    tokens = second.layers["tokens"]
    assert tokens[0].values == {
        "lemma": "mayor",
        "pos": "NOUN",
        "morph": "Case=Nom|Number=Sing",
        "dep": "nsubj",
        "head": Ref("tokens", "t7"),
    }
    assert tokens[11].values["pos"] is None and tokens[1].values["morph"] is None
    assert tokens[6].values["head"] is None, "a root has no head"
    assert tokens[8].values["head"] is None and tokens[8].values["dep"] is None
    without_features = one(packed(document(morphs=[""] * 12)))
    assert without_features.layers["tokens"][0].values == {}


def test_sentences_are_whole_tokens_from_one_start_to_the_next() -> None:
    article = one(packed(document(sent_starts=[i in (0, 9) for i in range(12)])))
    assert spans(article, "sentences") == [("Mayor Ilse Brandt 🙂 of Köln spoke.", None), ("She left.", None)]


def test_a_sentence_of_white_space_alone_is_kept() -> None:
    doc = Doc(Vocab(), words=["Rain", "\n", "\n"], spaces=[False] * 3, sent_starts=[True, True, False])
    assert spans(one(packed(doc)), "sentences") == [("Rain", None), ("\n\n", None)]


def test_span_groups_are_layers_of_their_own() -> None:
    doc = document()
    doc.spans["sc"] = [Span(doc, 0, 3, label="PER"), Span(doc, 1, 3, label="NAME", kb_id="Q1")]
    doc.spans["my group"] = [Span(doc, 5, 6)]
    doc.spans["t"] = SpanGroup(doc, attrs={"layer": "tokens"}, spans=[Span(doc, 3, 4)])
    doc.spans["my_group"] = SpanGroup(doc, attrs={"annotator": "ann"}, spans=[Span(doc, 3, 4, label="EMOJI")])
    article = one(packed(doc))
    assert spans(article, "spans_sc") == [("Mayor Ilse Brandt", "PER"), ("Ilse Brandt", "NAME")]
    assert spans(article, "spans_my_group") == [("Köln", None)]
    assert spans(article, "spans_my_group_") == [("🙂", "EMOJI")]
    assert spans(article, "spans_t") == [("🙂", None)], "a group cannot say that it is the tokens"
    assert "mentions" not in article.layers and len(article.layers["tokens"]) == 12
    assert article.layers["spans_sc"][1].pointer == "/0/spans/sc/1"
    assert article.left_out["attributes of span groups"] == 1


def test_categories_and_user_data() -> None:
    doc = document()
    doc.cats = {"POLITICS": 1, "SPORT": 0.25}
    doc.user_data = {
        "id": "a/17",
        "section": "city",
        "tags": ["a", "b"],
        ("._.", "seen", None, None): 3,
        ("._.", "mood", 2, None): "glad",
        "raw": b"\x00",
    }
    article = one(packed(doc, store_user_data=True))
    assert article.id == "a/17"
    assert article.values == {
        "cats": [{"label": "POLITICS", "score": 1.0}, {"label": "SPORT", "score": 0.25}],
        "section": "city",
        "tags": ["a", "b"],
        "seen": 3,
    }
    assert isinstance(article.values["cats"], list) and isinstance(article.values["cats"][0], dict)
    assert isinstance(article.values["cats"][0]["score"], float)
    assert article.left_out["user data"] == 2


def test_what_is_only_partly_annotated_is_counted() -> None:
    doc = document()
    doc.set_ents([Span(doc, 1, 3, label="PER")], missing=[doc[9:12]], blocked=[doc[4:5]], default="outside")
    article = one(packed(doc))
    assert spans(article) == [("Ilse Brandt", "PER")]
    assert article.left_out["tokens that may be entities or not (partial annotation)"] == 3
    assert article.left_out["tokens that no entity may cover (blocked)"] == 1


def test_ids_are_made_of_the_texts_and_do_not_shift() -> None:
    other = Doc(Vocab(), words=["Rain"], spaces=[False])
    several = take(packed(document(), other, document()))
    ids = [article.id for article in several if isinstance(article, Article)]
    assert ids[0].startswith("news/march-") and ids[2] == f"{ids[0]}-2"
    assert take(packed(other))[0].id == ids[1]


def test_empty_documents_and_empty_files() -> None:
    empty = Doc(Vocab())
    assert one(packed(empty)).text == ""
    assert take(packed()) == []


def codes(found: Sequence[Article | Diagnostic]) -> list[str]:
    return [f.code if isinstance(f, Diagnostic) else "article" for f in found]


@pytest.mark.parametrize(
    "data",
    [b"", b"no DocBin", packed(Doc(Vocab(), words=["a"]))[:-4], zlib.compress(b"\xc1"), zlib.compress(b"\x80"),
     zlib.compress(b"\x93\x01\x02\x03")],
)  # fmt: skip
def test_what_is_no_docbin_is_said_to_be_none(data: bytes) -> None:
    assert gc.isenabled()
    assert codes(take(data)) == ["I001"]
    assert gc.isenabled(), "spaCy's reader leaves the garbage collector off when it fails"


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    bomb = zlib.compressobj(9)
    chunk = bytes(2**20)
    data = b"".join([*(bomb.compress(chunk) for _ in range(300)), bomb.flush()])
    assert len(data) < 2**20
    assert codes(take(data)) == ["I010"]


def changed(data: bytes, **parts: Callable[[Any], Any]) -> bytes:
    """A DocBin with parts of its message changed."""
    message = srsly.msgpack_loads(zlib.decompress(data))
    for name, change in parts.items():
        message[name] = change(message[name])
    return zlib.compress(srsly.msgpack_dumps(message))


def test_a_damaged_document_takes_no_other_with_it() -> None:
    data = packed(document(), document(), document())
    unknown = (123456789).to_bytes(8, "little")
    row = 8 * 13

    def damage(tokens: bytes) -> bytes:
        at = row * len(WORDS)  # the first word of the second document gets a hash that stands for no string
        return tokens[:at] + unknown + tokens[at + 8 :]

    found = take(changed(data, tokens=damage))
    assert codes(found) == ["article", "I002", "article"]
    assert isinstance(found[1], Diagnostic) and found[1].place.pointer == "/1"


def test_span_groups_of_old_files_that_replace_each_other_are_counted() -> None:
    doc = document()
    groups = [SpanGroup(doc, name="sc", spans=[Span(doc, n, n + 1, label="X")]).to_bytes() for n in (0, 5)]
    doc.spans["sc"] = [Span(doc, 0, 1, label="X")]
    found = one(changed(packed(doc), span_groups=lambda given: [srsly.msgpack_dumps(groups)]))
    assert spans(found, "spans_sc") == [("Köln", "X")]
    assert found.left_out == {"span groups whose name another one has": 1}


def test_attributes_that_are_there_twice_are_refused() -> None:
    data = packed(document(heads=[0] * 12, deps=["x"] * 12))
    assert codes(take(changed(data, attrs=lambda attrs: [*attrs[:-1], attrs[1]]))) == ["I001"]
    assert codes(take(changed(data, attrs=lambda attrs: [*attrs[:-1], 2**40]))) == ["I001"]


def test_damaged_spans_and_categories_are_findings_at_their_place() -> None:
    doc = document()
    doc.spans["sc"] = [Span(doc, 0, 3, label="PER"), Span(doc, 5, 6, label="LOC")]
    doc.cats = {"A": 1.0}
    end = (6).to_bytes(4, "big")
    data = changed(
        packed(doc),
        span_groups=lambda groups: [groups[0].replace((5).to_bytes(4, "big") + end, end + (99).to_bytes(4, "big"))],
        cats=lambda cats: [{"A": "much", "B": 0.5}],
    )
    article = one(data)
    assert spans(article, "spans_sc") == [("Mayor Ilse Brandt", "PER")]
    assert article.values["cats"] == [{"label": "B", "score": 0.5}]
    assert [(d.code, d.place.pointer) for d in article.found] == [("I002", "/0/spans/sc/1"), ("I002", "/0/cats")]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_damage_crashes_the_reader(data: st.DataObject) -> None:
    doc = document()
    doc.set_ents([Span(doc, 1, 3, label="PER")])
    doc.spans["sc"] = [Span(doc, 0, 3, label="PER")]
    whole = packed(doc, store_user_data=True)
    message = bytearray(zlib.decompress(whole))
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    for found in take(zlib.compress(bytes(message))):
        assert isinstance(found, Article) or found.code in {"I001", "I002"}


def test_the_format_knows_its_files() -> None:
    files = {"a.spacy": packed(document()), "b.txt": b"text"}
    assert importer.sniff(Sample(names=sorted(files), head=lambda name: files[name][:100])) == 95
    assert importer.sniff(Sample(names=["b.txt"], head=lambda name: files[name])) == 0
    assert [unit.files for unit in importer.units(SOURCE, sorted(files))] == [("a.spacy",)]


# out


def article(text: str = TEXT, **layers: list[Item]) -> Article:
    return Article(id="news/1", text=text, file="", layers=dict(layers))


def at(text: str, start: int = 0) -> tuple[tuple[int, int], ...]:
    found = TEXT.index(text, start)
    return ((found, found + len(text)),)


def loaded(data: bytes) -> list[Doc]:
    return list(DocBin().from_bytes(data).get_docs(spacy.blank("xx").vocab))


def test_mentions_are_entities_and_what_overlaps_them_is_in_the_group_sc() -> None:
    given = article(
        mentions=[
            Item(id="a", ranges=at("Ilse Brandt"), label="PER", values={"kb_id": "Q1"}),
            Item(id="b", ranges=at("Mayor Ilse Brandt"), label="ROLE"),
            Item(id="c", ranges=at("Köln"), label="LOC"),
            Item(id="d", ranges=at("Köln"), label="GPE"),
            Item(id="e", ranges=at("She")),
            Item(id="f", ranges=at("öl"), label="OIL"),
            Item(id="g", ranges=(*at("Ilse"), *at("Köln")), label="PER"),
        ],
        relations=[Item(id="r", values={"head": Ref("mentions", "a"), "tail": Ref("mentions", "c")})],
    )
    data, losses = out(given)
    (doc,) = loaded(data)
    assert doc.text == TEXT
    assert [(e.text, e.label_) for e in doc.ents] == [("Mayor Ilse Brandt", "ROLE"), ("Köln", "LOC")]
    assert [(s.text, s.label_, s.kb_id_) for s in doc.spans["sc"]] == [
        ("Ilse Brandt", "PER", "Q1"),
        ("Köln", "GPE", ""),
        ("She", "", ""),
    ]
    assert losses == {
        "ids of annotations": 5,
        "mentions whose ends are not those of tokens": 1,
        "mentions in several pieces": 1,
        "relations (they stand on no text)": 1,
    }
    back = one(data)
    assert sorted(spans(back), key=str) == sorted(spans(given)[:5], key=str)
    assert "spans_sc" not in back.layers, "the group says that its spans are mentions"


def test_the_longest_of_overlapping_mentions_is_the_entity() -> None:
    short, long = Item(id="a", ranges=at("Mayor Ilse"), label="A"), Item(id="b", ranges=at("Ilse Brandt 🙂"), label="B")
    empty = Item(id="c", ranges=((33, 33),), label="C")
    assert TEXT[:33].endswith("spoke")
    data, losses = out(article(mentions=[short, long, empty], quotes=[short], spans_quotes=[long], spans_sc=[short]))
    (doc,) = loaded(data)
    assert [e.label_ for e in doc.ents] == ["B"]
    assert {key: [s.label_ for s in group] for key, group in doc.spans.items()} == {
        "sc": ["A"], "quotes": ["A"], "spans_quotes": ["B"], "spans_sc": ["A"],
    }  # fmt: skip
    assert losses["mentions whose ends are not those of tokens"] == 1
    assert set(one(data).layers) == {"tokens", "mentions", "quotes", "spans_quotes", "spans_sc"}


def test_spacy_trains_on_it() -> None:
    nlp = spacy.blank("xx")
    recogniser = nlp.add_pipe("ner")
    data, _ = out(article(mentions=[Item(id="a", ranges=at("Ilse Brandt"), label="PER")]))
    (doc,) = DocBin().from_bytes(data).get_docs(nlp.vocab)
    example = Example(nlp.make_doc(doc.text), doc)
    recogniser.add_label("PER")
    nlp.initialize(lambda: [example])
    assert example.get_aligned_ner()[1:3] == ["B-PER", "L-PER"]
    assert nlp.update([example])["ner"] > 0


def test_tokens_of_the_article_are_the_words() -> None:
    tokens = [
        Item(
            id="1",
            ranges=at("Mayor"),
            values={"pos": "NOUN", "lemma": "mayor", "dep": "nsubj", "head": Ref("tokens", "3")},
        ),
        Item(id="2", ranges=at("Ilse Brandt"), values={"pos": "NNP", "morph": "Number=Sing|Case=Nom", "ws": True}),
        Item(id="3", ranges=at("🙂 of Köln spoke."), values={"dep": "ROOT", "head": None}),
        Item(id="4", ranges=at("She left."), values={"morph": "singular"}),
    ]
    data, losses = out(article(tokens=tokens[::-1], mentions=[Item(id="a", ranges=at("Köln"), label="LOC")]))
    back = one(data)
    assert [back.surface_of(token) for token in back.layers["tokens"]] == [
        "Mayor", "Ilse Brandt", "🙂 of Köln spoke.", "\r\n", "She left.",
    ]  # fmt: skip
    first = back.layers["tokens"][0].values
    assert (first["pos"], first["lemma"], first["dep"], first["head"]) == (
        "NOUN",
        "mayor",
        "nsubj",
        Ref("tokens", "t3"),
    )
    assert losses == {
        "ids of annotations": 4,
        "white space that is no token (it is one in a DocBin)": 1,
        "pos of tokens that is no universal part of speech": 1,
        "morph of tokens that is no list of features": 1,
        "order of features in morph": 1,
        "ws of tokens": 1,
        "mentions whose ends are not those of tokens": 1,
    }


@pytest.mark.parametrize(
    "ranges",
    [
        [at("Mayor"), at("Köln")],
        [at("Mayor Ilse"), at("Ilse Brandt 🙂 of Köln spoke.\r\nShe left.")],
        [at(TEXT), ((0, 0),)],
        [((0, len(TEXT) + 1),)],
        [(*at("Mayor"), *at("Brandt"))],
    ],
)
def test_tokens_that_do_not_cover_the_text_are_lost(ranges: list[tuple[tuple[int, int], ...]]) -> None:
    tokens = [Item(id=str(n), ranges=r) for n, r in enumerate(ranges)]
    data, losses = out(article(tokens=tokens))
    assert losses == {"tokens (they do not cover the text once, in one piece each)": len(tokens)}
    assert one(data).text == TEXT


def test_the_language_of_the_article_decides_how_its_text_is_cut() -> None:
    def words(language: Value) -> list[str]:
        given = Article(id="a", text="It isn't.", file="", values={"language": language})
        return [token.text for token in loaded(out(given)[0])[0]]

    assert words("EN-GB") == words("en") == ["It", "is", "n't", "."]
    assert words("tlh") == words("../en") == words(None) == ["It", "isn't", "."]


def test_sentences_come_back_if_they_are_all_of_the_text() -> None:
    first = Item(id="x", ranges=at("Mayor Ilse Brandt 🙂 of Köln spoke.\r\n"))
    whole = [first, Item(id="y", ranges=at("She left."), label="l")]
    data, losses = out(article(sentences=whole))
    assert spans(one(data), "sentences") == [("Mayor Ilse Brandt 🙂 of Köln spoke.", None), ("She left.", None)]
    assert losses == {"ids of annotations": 2, "labels of sentences": 1, "white space at the ends of sentences": 1}
    data, losses = out(article(sentences=whole[1:]))
    assert "sentences" not in one(data).layers
    assert losses == {"sentences that are not made of whole tokens, or leave some out": 1}
    indented = Article(id="a", text="\n Rain.\n Sun.", file="", layers={"sentences": []})
    indented.layers["sentences"] = [Item(id="x", ranges=((2, 7),)), Item(id="y", ranges=((9, 13),))]
    data, losses = out(indented)
    assert spans(one(data), "sentences") == [("Rain.", None), ("Sun.", None)]
    assert losses == {"ids of annotations": 2}


def test_values_go_with_the_document() -> None:
    given = article()
    given.values = {
        "cats": [{"label": "SPORT", "score": 1}],
        "title": "Rain 🙂",
        "rights": {"spdx": "CC0-1.0", "holders": ["a", "b"], "note": None},
        "source": Ref("seeds", "s1"),
        "id": "other",
        "big": 2**63,
    }
    data, losses = out(given)
    back = one(data)
    assert back.id == "news/1"
    kept = {name: given.values[name] for name in ("title", "rights")}
    assert back.values == {**kept, "cats": [{"label": "SPORT", "score": 1.0}]}
    assert losses == {"source of articles": 1, "id of articles": 1, "big of articles": 1}


def test_links_and_broken_text_are_lost_and_told() -> None:
    link = Article(id="l", text=None, file="")
    broken = article("half \ud83d")
    label = article(mentions=[Item(id="a", ranges=at("Köln"), label="\udc00")])
    cats = article()
    cats.values["cats"] = [{"label": "\udc00", "score": 1.0}]
    data, losses = out(link, broken, article(), label, cats)
    assert [a.text for a in take(data) if isinstance(a, Article)] == [TEXT]
    assert losses == {"links between articles": 1, "articles with half of a surrogate pair": 3}
    assert list(exporter.export([], Counter())) == []


CHARACTERS = st.sampled_from(
    ["a", "B", "ß", "e\u0301", "🙂", "👩\u200d🌾", " ", "  ", "\u00a0", "\r\n", "\n", "\u2028", "\x85", ".", ",", "-"]
)
TEXTS = st.lists(CHARACTERS, max_size=14).map("".join)
LABELS = st.sampled_from(["PER", "LOC", "a b", "é/🙂", None])


def items(draw: st.DrawFn, text: str, pieces: int) -> list[Item]:
    made = []
    for number in range(draw(st.integers(0, 5))):
        ends = sorted(draw(st.sets(st.integers(0, len(text)), min_size=2, max_size=2 * pieces)))
        ranges = tuple(zip(ends[::2], ends[1::2], strict=False))
        values: dict[str, Value] = {"kb_id": "Q1"} if draw(st.booleans()) else {}
        made.append(Item(id=f"odd id/{number}", ranges=ranges, label=draw(LABELS), values=values))
    return made


@st.composite
def articles(draw: st.DrawFn) -> Article:
    text = draw(TEXTS)
    made = Article(id=draw(st.sampled_from(["a/b", "ü 1", "-", "🙂"])), text=text, file="")
    if len(text) > 1:
        made.layers = {
            "mentions": items(draw, text, 2),
            "quotes": items(draw, text, 1),
            "spans_sc": items(draw, text, 1),
        }
    if draw(st.booleans()):
        # every character that is no white space is a token: every span of whole characters can be held
        cut = [i for i, char in enumerate(text) if not char.isspace()]
        made.layers["tokens"] = [Item(id=f"w{i}", ranges=((i, i + 1),), values={"lemma": text[i]}) for i in cut]
    made.values = draw(st.dictionaries(st.sampled_from(["label", "n", "tags"]), st.sampled_from([1, "x", ["a"]])))
    return made


def content(items: Iterable[Item]) -> Counter[object]:
    return Counter((item.ranges, item.label, repr(item.values)) for item in items)


@settings(max_examples=80, deadline=None)
@given(st.lists(articles(), min_size=1, max_size=3, unique_by=lambda article: article.id))
def test_there_and_back(given: list[Article]) -> None:
    data, losses = out(*given)
    assert out(*given)[0] == data
    back = take(data)
    held = 0
    assert len(back) == len(given)
    for before, after in zip(given, back, strict=True):
        assert isinstance(after, Article)
        assert (after.text, after.id, after.values) == (before.text, before.id, before.values)
        assert not after.found
        for layer in ("mentions", "quotes", "spans_sc"):
            more = content(after.layers.get(layer, []))
            assert more <= content(before.layers.get(layer, [])), "nothing comes back that was not there"
            held += more.total()
        assert set(after.layers) <= {"mentions", "quotes", "spans_sc", "tokens"}
        if before.layers.get("tokens"):
            held += len(before.layers["tokens"])
            assert content(before.layers["tokens"]) <= content(after.layers["tokens"])
    told = sum(n for words, n in losses.items() if "in several pieces" in words or "whose ends" in words)
    assert held + told == sum(len(items) for a in given for items in a.layers.values())
    assert losses["ids of annotations"] == held


def tree(*words: tuple[str, Value, Value]) -> Article:
    text = "Rats swim. Cats purr"
    tokens = []
    for number, (word, dep, head) in enumerate(words, 1):
        start = text.index(word)
        tokens.append(Item(id=f"t{number}", ranges=((start, start + len(word)),), values={"dep": dep, "head": head}))
    sentences = [Item(id="s1", ranges=((0, 10),)), Item(id="s2", ranges=((11, 20),))]
    return Article(id="a", text=text, file="", layers={"tokens": tokens, "sentences": sentences})


RATS: tuple[tuple[str, Value, Value], ...] = (
    ("Rats", "nsubj", Ref("tokens", "t2")),
    ("swim", "ROOT", None),
    (".", "punct", Ref("tokens", "t2")),
)


def test_trees_there_and_back() -> None:
    given = tree(*RATS, ("Cats", "nsubj", Ref("tokens", "t5")), ("purr", "ROOT", None))
    data, losses = out(given)
    back = one(data)
    assert [t.values for t in back.layers["tokens"]] == [t.values for t in given.layers["tokens"]]
    assert spans(back, "sentences") == [("Rats swim.", None), ("Cats purr", None)]
    assert losses == {"ids of annotations": 7}


def test_half_a_tree_keeps_what_spacy_can_hold() -> None:
    given = tree(*RATS, ("Cats", None, Ref("tokens", "t5")), ("purr", "ROOT", "t5"))
    data, losses = out(given)
    back = one(data)
    assert [t.values for t in back.layers["tokens"][3:]] == [{"dep": None, "head": None}, {"dep": "ROOT", "head": None}]
    assert spans(back, "sentences") == [("Rats swim. Cats", None), ("purr", None)], "spaCy draws them from the trees"
    assert losses == {
        "ids of annotations": 5,
        "heads of tokens without dep, or outside of the article": 2,
        "sentences that are not made of whole tokens, or leave some out": 2,
    }


@pytest.mark.skipif(not DEMO.is_dir(), reason="the real corpora are not on this machine")
def test_the_demo_says_the_same_as_docbin_and_as_prodigy_file() -> None:
    binary = one((DEMO / "demo.spacy").read_bytes())
    raw = RawRecord(file="demo.jsonl", line=1, data=(DEMO / "demo.jsonl").read_bytes(), name="demo")
    (lines,) = prodigy.read(Path(), SOURCE, raw)
    assert isinstance(lines, Article)
    assert binary.text == lines.text
    assert spans(binary) == spans(lines) and len(spans(binary)) == 1
    assert [t.ranges for t in binary.layers["tokens"]] == [t.ranges for t in lines.layers["tokens"]]
    data, losses = out(lines)
    again = one(data)
    assert (again.text, spans(again), again.id) == (lines.text, spans(lines), lines.id)
    assert losses["mentions whose ends are not those of tokens"] == 0


# of the wild


def test_an_id_that_stands_twice_is_told() -> None:
    docs = [document(), document(), document()]
    for doc, identity in zip(docs, ("7", 7, None), strict=True):
        doc.user_data["id"] = identity
    kept, repeated, made = take(packed(*docs, store_user_data=True))
    assert isinstance(kept, Article) and isinstance(made, Article) and kept.id == "7"
    assert isinstance(repeated, Diagnostic)
    assert (repeated.code, repeated.place.pointer, repeated.place.record) == ("I006", "/1", "7")


def test_user_data_takes_no_name_of_a_layer_or_of_the_text() -> None:
    doc = document()
    doc.set_ents([Span(doc, 1, 3, label="PER")])
    doc.user_data |= {"mentions": [1], "text": "another", "spans_sc": 2, "cats": 3, "n": float("nan"), "big": 2**63}
    article = one(packed(doc, store_user_data=True))
    assert spans(article) == [("Ilse Brandt", "PER")]
    assert article.values == {
        "mentions_data": [1], "text_data": "another", "spans_sc_data": 2, "cats_data": 3, "n": None, "big": None,
    }  # fmt: skip
    assert article.left_out["numbers beyond 64 bits"] == 1


def test_further_passes_over_an_article_are_lost_and_told() -> None:
    first = Article(id="a", text=TEXT, file="", values={"tokens": "no layer"})
    data, losses = out(first, Article(id="a", text=TEXT, file="", annotator="bo"))
    assert [a.id for a in take(data) if isinstance(a, Article)] == ["a"]
    assert losses == {"further passes over an article": 1, "tokens of articles": 1}
