"""CoNLL-U: texts and layers from sentences, entities in MISC, damaged lines; and back again without a loss unsaid."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import CORPORA
from copydesk.articles.model import Article, Item, Ref, Value
from copydesk.diagnostics import Diagnostic
from copydesk.exporters import conllu as exporter
from copydesk.importers import Sample, conllu
from copydesk.importers.conllu.entities import code, uncode
from copydesk.project import Source
from copydesk.sources import RawRecord

real = pytest.mark.skipif(not CORPORA.is_dir(), reason="the real corpora are not on this machine")


def everything(data: bytes | str, name: str = "news.conllu", **options: Any) -> list[Article | Diagnostic]:
    source = Source(kind="article", paths=("x",), format="conllu", options=options)
    data = data.encode() if isinstance(data, str) else data
    raw = RawRecord(file=name, line=1, data=data, name=name.removesuffix(".conllu"))
    return [item for item in conllu.read(Path(), source, raw) if isinstance(item, Article | Diagnostic)]


def read(data: bytes | str, name: str = "news.conllu", **options: Any) -> list[Article]:
    items = everything(data, name, **options)
    assert all(isinstance(item, Article) for item in items), items
    return [item for item in items if isinstance(item, Article)]


def one(data: bytes | str, **options: Any) -> Article:
    (article,) = read(data, **options)
    return article


def rows(*lines: str) -> str:
    """Lines of CoNLL-U: `id form` or `id form misc`, the other columns empty; comments as they are."""
    out = []
    for line in lines:
        if line.startswith("#") or not line:
            out.append(line)
            continue
        number, form, *misc = line.split(" ")
        out.append("\t".join([number, form, *["_"] * 7, misc[0] if misc else "_"]))
    return "\n".join(out) + "\n"


def spans(article: Article, layer: str = "mentions") -> list[tuple[str, str | None]]:
    return [(article.surface_of(item), item.label) for item in article.layers.get(layer, [])]


def found(article: Article) -> list[tuple[str, int | None]]:
    return [(d.code, d.place.line) for d in article.found]


def members(article: Article) -> dict[str, list[str]]:
    out = {}
    for item in article.layers.get("entities", []):
        refs = item.values["members"]
        assert isinstance(refs, list)
        out[item.id] = [ref.id for ref in refs if isinstance(ref, Ref)]
    return out


TREE = """# newdoc id = flood
# meta::title = The flood
# newpar
# sent_id = flood-1
# text = She won't leave "Vela".
# speaker = Ada
1\tShe\tshe\tPRON\tPRP\tCase=Nom|Number=Sing\t4\tnsubj\t4:nsubj|4.1:nsubj\t_
2-3\twon't\t_\t_\t_\t_\t_\t_\t_\t_
2\two\twill\tAUX\tMD\t_\t4\taux\t4:aux\t_
3\tn't\tnot\tPART\tRB\t_\t4\tadvmod\t4:advmod\t_
4\tleave\tleave\tVERB\tVB\t_\t0\troot\t0:root\tGloss=a=b|Typo
4.1\tgo\tgo\tVERB\tVB\t_\t_\t_\t4:conj\tCopyOf=4
5\t"\t"\tPUNCT\t``\t_\t6\tpunct\t6:punct\tSpaceAfter=No
6\tVela\tVela\tPROPN\tNNP\t_\t4\tobj\t4:obj\tSpaceAfter=No
7\t"\t"\tPUNCT\t''\t_\t6\tpunct\t6:punct\tSpaceAfter=No
8\t.\t.\tPUNCT\t.\t_\t4\tpunct\t4:punct\t_

# sent_id = flood-2
1\t_\t_\tX\t_\t_\t0\troot\t_\t_
2\ta b\ta b\tX\t_\t_\t1\tdep\t_\t_

"""


def test_text_and_layers() -> None:
    article = one(TREE)
    assert (article.id, article.line, article.values) == ("flood", 1, {"title": "The flood"})
    assert article.text == 'She won\'t leave "Vela".\n_ a b'
    words = article.layers["tokens"]
    assert [article.surface_of(w) for w in words] == ["She", "wo", "n't", "leave", '"', "Vela", '"', ".", "_", "a b"]
    assert (words[3].id, words[3].line) == ("1.4", 11)
    assert words[0].values == {
        "lemma": "she", "upos": "PRON", "xpos": "PRP", "feats": "Case=Nom|Number=Sing", "deprel": "nsubj",
        "head": Ref("tokens", "1.4"),
        "deps": [
            {"head": Ref("tokens", "1.4"), "empty": None, "deprel": "nsubj"},
            {"head": None, "empty": Ref("empty_nodes", "1.4.1"), "deprel": "nsubj"},
        ],
    }  # fmt: skip
    assert "head" not in words[3].values and words[3].values["deprel"] == "root"
    assert words[3].values["misc"] == "Gloss=a=b|Typo"
    assert words[8].values["lemma"] == "_" and "lemma" not in words[7].values.get("x", {})
    (whole,) = article.layers["multiwords"]
    assert article.surface_of(whole) == "won't"
    assert whole.values == {"form": "won't", "tokens": [Ref("tokens", "1.2"), Ref("tokens", "1.3")]}
    (node,) = article.layers["empty_nodes"]
    assert (node.id, node.ranges, node.line) == ("1.4.1", (), 12)
    assert (node.values["after"], node.values["misc"]) == (Ref("tokens", "1.4"), "CopyOf=4")
    first, second = article.layers["sentences"]
    assert (first.id, first.values, first.line) == ("flood-1", {"speaker": "Ada"}, 1)
    assert article.surface_of(second) == "_ a b"
    assert spans(article, "paragraphs") == [(article.text, None)]
    assert article.found == []
    assert not article.left_out


def test_the_words_of_a_multiword_token_that_they_do_not_spell_have_its_range() -> None:
    article = one(
        rows("1-2 zum", "1 zu Entity=(e1-thing)", "2 dem", "3 Fluss", "4-5 Im", "4 in", "5 dem SpaceAfter=No")
    )
    assert article.text == "zum Fluss Im"
    words = article.layers["tokens"]
    assert [article.surface_of(w) for w in words] == ["zum", "zum", "Fluss", "Im", "Im"]
    assert [w.values.get("form") for w in words] == ["zu", "dem", None, "in", "dem"]
    assert spans(article) == [("zum", "thing")]
    spelt = one(rows("1-2 Don't", "1 do", "2 n't"))
    assert [spelt.surface_of(w) for w in spelt.layers["tokens"]] == ["Do", "n't"]
    assert [w.values.get("form") for w in spelt.layers["tokens"]] == ["do", None]


def test_words_instead_of_the_text() -> None:
    article = one(TREE, text="tokens")
    assert article.text == 'She wo n\'t leave " Vela " .\n_ a b'
    assert spans(article, "multiwords") == [("wo n't", None)]


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["1 a", "2 b"], "a b"),
        (["1 a SpaceAfter=No", "2 b SpaceAfter=No", "", "1 c"], "ab\nc"),
        (["1 a SpacesAfter=\\s\\s", "2 b", "", "1 c"], "a  b\nc"),
        (["1 a", "2 b SpacesAfter=\\n\\n", "", "1 c", "", "1 d SpaceAfter=No", "", "1 e SpaceAfter=No"], "a b\n\nc de"),
        (["# generator = UDPipe 2, https://x", "1 a SpacesBefore=\\t", "", "1 b SpacesAfter=\\r\\n"], "\ta b\r\n"),
        (["1 a SpacesAfter=\\p", "2 b"], "a|b"),
        (["1 ab SpacesInToken=a\\sb", "2 c"], "a b c"),
        (["# text = a  b\u00a0c", "1 a", "2 b", "3 c"], "a  b\u00a0c"),
        (["# text = a b c", "1 a SpacesAfter=\\n", "2 b", "3 c"], "a\nb c"),
        (["# text = abc", "1 a", "2 b", "3 c"], "abc"),
        (["# generator = UDPipe 2", "# text = ab", "1 a", "2 b"], "a b"),
        (["1 a", "2 b", "", "# newpar", "1 c"], "a b\nc"),
    ],
)
def test_white_space(lines: list[str], text: str) -> None:
    article = one(rows(*lines))
    assert article.text == text
    assert article.found == []


def test_words_that_do_not_spell_the_text_are_found() -> None:
    article = one(rows("# text = a c", "1 a", "2 b"))
    assert article.text == "a b"
    assert found(article) == [("I002", 1)]


def test_documents() -> None:
    text = rows("1 x", "", "# newdoc id = a", "1 y", "", "1 z", "", "# newdoc", "1 x", "", "# newdoc id = a", "1 w")
    articles = read(text)
    assert [(a.text, a.line) for a in articles] == [("x", 1), ("y\nz", 3), ("x", 8), ("w", 11)]
    assert [a.id for a in articles[1::2]] == ["a", "a-2"]
    assert articles[2].id == f"{articles[0].id}-2"
    assert found(articles[3]) == [("I006", 11)]
    assert one(text, document="file").id == "news"
    assert one(text, document="file").left_out == {"document boundaries": 3}
    sentences = rows("# sent_id = s1", "1 x", "", "1 y")
    assert [a.text for a in read(sentences, document="sentence")] == ["x", "y"]
    assert read(sentences, document="sentence")[0].id == "s1"


GUM = rows(
    "# global.Entity = GRP-etype-infstat-identity",
    "1 The Entity=(1-organization-new",
    "2 Vela Entity=(2-place-giv:act-Port_Vela%28city%29)",
    "3 council Entity=1)",
    "4 met Entity=(e[1/2]-event-new",
    "5 it Entity=(2-place-acc-a-b)e[1/2])|Bridge=1<2:part,2<2",
    "6 again Entity=(e[2/2])|SplitAnte=1<e,2<e",
)


def test_entities() -> None:
    article = one(GUM)
    assert spans(article) == [
        ("The Vela council", "organization"),
        ("Vela", "place"),
        ("met it again", "event"),
        ("it", "place"),
    ]
    first, second, third, fourth = article.layers["mentions"]
    assert (first.id, first.values, first.line) == ("m1", {"infstat": "new"}, 2)
    assert second.values == {"infstat": "giv:act", "identity": "Port_Vela(city)"}
    assert [article.text[s:e] for s, e in third.ranges] == ["met it", "again"] if article.text else False
    assert fourth.values["identity"] == "a-b"
    assert members(article) == {"1": ["m1"], "2": ["m2", "m4"], "e": ["m3"]}
    bridges = article.layers["bridges"]
    assert [(b.label, b.values["head"], b.values["tail"]) for b in bridges] == [
        ("part", Ref("mentions", "m4"), Ref("entities", "1")),
        (None, Ref("mentions", "m4"), Ref("entities", "2")),
    ]
    (split,) = article.layers["split_antecedents"]
    assert split.values == {"head": Ref("mentions", "m3"), "antecedents": [Ref("entities", "1"), Ref("entities", "2")]}
    assert (split.line, article.found) == (7, [])
    assert "misc" not in article.layers["tokens"][1].values


@pytest.mark.parametrize(
    ("values", "mentions", "entities"),
    [
        (["(person)", "_"], [("a", "person")], []),
        (["(work-of-art", "work-of-art)"], [("a b", "work-of-art")], []),
        (["(e1", "e1)"], [("a b", None)], ["e1"]),
        (["(e1-person-1-gender:f)", "_"], [("a", "person")], ["e1"]),
        (["(person-1", "person-1)"], [("a b", "person")], ["1"]),
        (["(person-1", "1)"], [("a b", "person")], ["1"]),
        (["(person(person)", "person)"], [("a b", "person"), ("a", "person")], []),
        (["(1-x(1-y", "1)1)"], [("a b", "x"), ("a b", "y")], ["1"]),
    ],
)
def test_brackets_that_no_comment_declares(
    values: list[str], mentions: list[tuple[str, str]], entities: list[str]
) -> None:
    article = one(rows(*(f"{n} {form} Entity={value}" for n, form, value in zip("12", "ab", values, strict=True))))
    assert (spans(article), list(members(article)), article.found) == (mentions, entities, [])


def test_a_declaration_holds_for_the_documents_after_it() -> None:
    text = "# global.Entity = etype-eid\n" + rows("1 a Entity=(x-y)", "", "# newdoc id = b", "1 a Entity=(x-y)")
    first, second = read(text)
    assert members(first) == members(second) == {"y": ["m1"]}


@pytest.mark.parametrize(
    ("values", "kept", "wrong"),
    [
        (["(1-x", "_", "_"], [], [("I002", 1)]),
        (["_", "1)", "_"], [], [("I002", 2)]),
        (["(1-x)", "y", "(2-y)"], ["a", "c"], [("I002", 2)]),
        (["(1-x)", "()", "_"], ["a"], [("I002", 2)]),
        (["(1[1/2]-x)", "(1[1/3]-x)", "(1[2/2])"], ["a c"], [("I002", 2)]),
        (["(1[2/2]-x)", "(1[3/2])", "(2-y)"], ["c"], [("I002", 1), ("I002", 2)]),
        (
            ["(1-x)|Bridge=2<1", "(3-x)|Bridge=1<2", "(4-x)|Bridge=4"],
            ["a", "b", "c"],
            [("I003", 2), ("I002", 3), ("I003", 1)],
        ),
        (["(1-x)", "(2-x", "(3-y)|SplitAnte=1<2,1<9"], ["a", "c"], [("I003", 3), ("I002", 2), ("I003", 3)]),
    ],
)
def test_damaged_entities(values: list[str], kept: list[str], wrong: list[tuple[str, int]]) -> None:
    given_rows = [
        f"{n} {form} Entity={value}" if value != "_" else f"{n} {form}"
        for n, form, value in zip("123", "abc", values, strict=True)
    ]
    article = one(rows(*given_rows))
    assert [surface for surface, _ in spans(article)] == kept
    assert found(article) == wrong


def test_brackets_may_cross_sentences_and_stand_on_empty_nodes() -> None:
    article = one(rows("1 a Entity=(1-x", "1.1 pro Entity=(2-zero)", "", "1 b Entity=1)"))
    assert spans(article) == [("a\nb", "x"), ("", "zero")]
    assert article.layers["mentions"][1].values == {"empty_nodes": [Ref("empty_nodes", "1.1.1")]}
    assert article.layers["mentions"][1].ranges == ()


def test_tags_in_misc() -> None:
    text = rows("1 Ada NER=B-PER", "2-3 O'Neil", "2 O' NER=I-PER", "3 Neil NER=I-PER", "4 ran", "5 Vela NER=I-LOC|X=y")
    article = one(text, misc_tags=["NER"], tags="iob2")
    assert spans(article) == [("Ada O'Neil", "PER"), ("Vela", "LOC")]
    assert found(article) == [("I017", 6)]
    assert [w.values.get("misc") for w in article.layers["tokens"]] == [None, None, None, None, "X=y"]
    assert one(text).layers["tokens"][0].values == {"misc": "NER=B-PER"}
    assert [len(one(text, misc_tags={"NER": "names"}).layers["names"])] == [2]


def test_damaged_lines_keep_their_word() -> None:
    none = "\t".join("_" * 4)
    lines = [
        "1\tAda\tAda\tPROPN\t_\t_\t2\tnsubj\t_\t_",
        "2\tran\trun\tVERB",
        "no columns at all",
        f"x\tfast\t{none}\tz\t_\t1,dep\t_",
        f"4\t\t{none}\t_\t_\t_\t_",
        f"9\t.\t{none}\t7\t_\t_\t_",
        "",
        f"1\tYes\t{none}\t0\troot\t_\t_",
    ]
    article = one("\n".join(lines))
    assert article.text == "Ada ran fast .\nYes"
    assert found(article) == [
        ("I002", 2), ("I002", 3), ("I002", 4), ("I002", 4), ("I002", 4), ("I002", 5), ("I003", 6),
    ]  # fmt: skip
    assert [w.id for w in article.layers["tokens"]] == ["1.1", "1.2", "1.3", "1.9", "2.1"]
    assert article.layers["tokens"][1].values == {}, "nobody knows which columns these are"


def test_ids_that_are_there_twice_or_not_at_all() -> None:
    article = one(rows("# sent_id = s2", "1 a", "2 b", "2 c", "4-5 de", "4 d", "", "# sent_id = s2", "1 a", "", "1 e"))
    assert found(article) == [("I006", 4), ("I003", 5), ("I006", 8)]
    assert [w.id for w in article.layers["tokens"]] == ["1.1", "1.2", "1.2-2", "1.4", "2.1", "3.1"]
    assert [s.id for s in article.layers["sentences"]] == ["s2", "s2-2", "s3"]


def test_an_empty_line_that_is_missing() -> None:
    article = one(rows("1 a", "2 b", "# sent_id = y", "1-2 cd", "1 c", "2 d", "1 e"))
    assert [article.surface_of(s) for s in article.layers["sentences"]] == ["a b", "cd", "e"]


def test_comments_alone_and_other_lines() -> None:
    text = rows(
        "# newdoc id = a", "# generator = tool", "", "# checked", "1 a", "2.1 _ X=y", "", "# the end", "# is = near"
    )
    article = one(text)
    assert (article.id, article.text) == ("a", "a")
    assert article.left_out == {
        "comments of the tool": 1, "comments without a value": 1, "comments after the last sentence": 2,
    }  # fmt: skip


def test_columns_can_be_declared() -> None:
    text = "# global.columns = ID FORM PARSEME:MWE MISC\n1\tgave\t1:LVC\tSpaceAfter=No\n2\t.\t*\t_\n"
    article = one(text)
    assert article.text == "gave."
    assert [w.values for w in article.layers["tokens"]] == [{"parseme_mwe": "1:LVC"}, {"parseme_mwe": "*"}]
    assert one("# global.columns = FORM UPOS\na\tX\nb\tX\n").text == "a b"


def test_marks_line_ends_and_odd_characters_survive() -> None:
    text = "\ufeff" + rows("# text = a\u0085\u2028 \U0001f600", "1 a\u0085\u2028", "2 \U0001f600 Entity=(1-x)")
    article = one(text.replace("\n", "\r\n"))
    assert article.text == "a\u0085\u2028 \U0001f600"
    assert spans(article) == [("\U0001f600", "x")]
    spaced = one("1  two\u00a0words  _  X  _  _  0  root  _  _\n")
    assert (spaced.text, spaced.layers["tokens"][0].values["upos"]) == ("two\u00a0words", "X")


@pytest.mark.parametrize(
    "data",
    [b"", b"# only = this\n", b"{}", b"<?xml version='1.0'?>\n<a/>\n", b"Rain fell.\nAll day.\n", "9" * 6000],
)
def test_what_is_no_conllu_is_lost_with_a_word(data: bytes | str) -> None:
    (diagnostic,) = everything(data)
    assert isinstance(diagnostic, Diagnostic)
    assert (diagnostic.code, diagnostic.place.file) == ("I001", "news.conllu")


def test_numbers_of_any_length_are_only_numbers() -> None:
    article = one(f"1\ta\t_\t_\t_\t_\t{'9' * 6000}\tx\t{'9' * 6000}:x\t_\n1-{'9' * 300}\tb\t_\t_\t_\t_\t_\t_\t_\t_\n")
    assert {code for code, _ in found(article)} == {"I002", "I003"}


def test_sniffing() -> None:
    def sure(name: str, head: str | bytes) -> int:
        data = head if isinstance(head, bytes) else head.encode()
        return conllu.sniff(Sample(names=[name], head=lambda _: data))

    assert sure("a.conllu", TREE) >= 95
    assert sure("a.conllu", "") >= 95 and sure("a.conllu", "{}") == 0
    assert sure("a.cupt", TREE) >= 95
    assert sure("a.conll", TREE + TREE) >= 75
    assert sure("a.conll", (TREE + TREE).encode("utf-16")) >= 75
    assert sure("a.conll", (TREE + TREE).replace("\n", "\r")) >= 75
    assert sure("a.conll", "Ada B-PER\nran O\n") == 0
    assert sure("a.txt", "It rained.\nAll day long.\n") == 0
    assert sure("a.txt", "") == 0
    files = {"README.txt": "Read me.\n", "a.txt": "", "b.txt": TREE + TREE}
    assert conllu.sniff(Sample(names=sorted(files), head=lambda name: files[name].encode())) >= 75


def test_columns_of_parseme() -> None:
    names = "ID FORM LEMMA UPOS XPOS FEATS HEAD DEPREL DEPS MISC PARSEME:MWE"
    line = "1\ttake\ttake\tVERB\t_\t_\t0\troot\t_\t_\t1:VPC\n2\toff\toff\tADP\t_\t_\t1\tdep\t_\t_\t1\n"
    article = one(f"# global.columns = {names}\n{line}", name="a.cupt")
    assert article.found == [] and article.text == "take off"
    assert [i.values["parseme_mwe"] for i in article.layers["tokens"]] == ["1:VPC", "1"]
    source = Source(kind="article", paths=("x",), format="conllu")
    assert [unit.name for unit in conllu.units(source, ["a.cupt", "b.json"])] == ["a"]


def test_texts_beside_a_treebank_are_not_read() -> None:
    source = Source(kind="article", paths=("x",), format="conllu")
    names = ["LICENSE.txt", "a-ud-test.conllu", "a-ud-test.txt", "b.CONLLU"]
    assert [unit.files for unit in conllu.units(source, names)] == [("a-ud-test.conllu",), ("b.CONLLU",)]
    assert [unit.files for unit in conllu.units(source, ["a.conll", "b.txt", "c.xml"])] == [("a.conll",), ("b.txt",)]


def test_line_ends_of_the_old_mac() -> None:
    assert one(TREE.replace("\n", "\r")).text == one(TREE).text
    assert [i.line for i in one(TREE.replace("\n", "\r")).layers["tokens"]] == [
        i.line for i in one(TREE).layers["tokens"]
    ]


def test_brackets_in_brackets_take_no_time() -> None:
    began = process_time()
    article = one(rows(f"1 a Entity={'(e1-x' * 20_000}{'e1)' * 20_000}"))
    assert len(article.layers["mentions"]) == 20_000 and article.found == []
    assert process_time() - began < 5  # a search through all that are open takes a minute


@given(st.binary(max_size=200) | st.text("12-.#\t_\n =|()[]/<:eE", max_size=120).map(str.encode))
@settings(max_examples=150, deadline=None)
def test_nothing_raises(data: bytes) -> None:
    for item in everything(data):
        assert isinstance(item, Diagnostic) or item.text is not None


brackets = st.text("()123[/]-e<,:_", max_size=14)


@given(st.lists(st.tuples(brackets, brackets), min_size=1, max_size=5), st.booleans())
@settings(max_examples=150, deadline=None)
def test_brackets_never_raise_and_leave_sound_mentions(values: list[tuple[str, str]], declared: bool) -> None:
    lines = [f"{n} w{n} Entity={a}|Bridge={b}|SplitAnte={b}" for n, (a, b) in enumerate(values, 1)]
    article = one(rows(*(["# global.Entity = eid-etype-other"] if declared else []), *lines))
    ids = {item.id for item in article.layers.get("mentions", [])}
    assert len(ids) == len(article.layers.get("mentions", []))
    for refs in members(article).values():
        assert refs and set(refs) <= ids


# The way back


def export(*articles: Article) -> tuple[dict[str, bytes], Counter[str]]:
    losses: Counter[str] = Counter()
    return dict(exporter.export(articles, losses)), losses


def again(article: Article) -> tuple[Article, Counter[str]]:
    files, losses = export(article)
    ((name, data),) = files.items()
    (made,) = read(data, name)
    assert made.found == []
    return made, losses


def bare(article: Article) -> dict[str, list[tuple[Any, ...]]]:
    """The layers, without the lines on which their items stand."""
    return {k: [(i.id, i.ranges, i.label, i.values) for i in items] for k, items in article.layers.items()}


def test_files_that_are_written_are_read_again() -> None:
    for text in (TREE, GUM, rows("1-2 zum", "1 zu Entity=(e1-thing)", "2 dem", "3 Fluss")):
        article = one(text)
        made, losses = again(article)
        assert (made.id, made.text, made.values, losses) == (article.id, article.text, article.values, {})
        assert bare(made) == bare(article)


def test_what_is_written() -> None:
    article = Article(id="a/b", text="Ada won.\n\n She, too", file="x", values={"title": "A win"})
    article.layers["mentions"] = [Item(id="T1", ranges=((0, 3),), label="PER"), Item(id="T2", ranges=((11, 14),))]
    article.layers["entities"] = [Item(id="ada", values={"members": [Ref("mentions", "T1"), Ref("mentions", "T2")]})]
    files, losses = export(article)
    assert files == {
        "a/b.conllu": (
            b"# generator = copydesk\n# newdoc id = a/b\n# global.Entity = eid-etype-mid\n# meta::title = A win\n"
            b"# sent_id = s1\n# text = Ada won.\n"
            b"1\tAda\t_\t_\t_\t_\t_\t_\t_\tEntity=(ada-PER-T1)\n"
            b"2\twon\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No\n"
            b"3\t.\t_\t_\t_\t_\t_\t_\t_\tSpacesAfter=\\n\\n\\s\n\n"
            b"# sent_id = s2\n# text = She, too\n"
            b"1\tShe\t_\t_\t_\t_\t_\t_\t_\tEntity=(ada--T2)|SpaceAfter=No\n"
            b"2\t,\t_\t_\t_\t_\t_\t_\t_\t_\n"
            b"3\ttoo\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No\n\n"
        )
    }
    assert losses == {}


def test_losses_are_told() -> None:
    article = Article(id="a", text="Ada won", file="x", annotator="mk", curated=True, values={"n": 3, "list": [1]})
    article.layers = {
        "tokens": [
            Item(id="t1", ranges=((0, 3),), values={"pos": "PROPN", "tag": "B-PER"}),
            Item(id="t2", ranges=((4, 7),), values={"pos": "VBD"}, label="x"),
        ],
        "mentions": [
            Item(id="m1", ranges=((0, 2),), label="PER"),
            Item(id="m2", ranges=((0, 3),), values={"sure": 0.5, "seen": [1]}),
        ],
        "entities": [Item(id="e", values={"members": [Ref("mentions", "m1")]})],
        "relations": [Item(id="r", label="x")],
        "bridges": [Item(id="b", values={"head": Ref("mentions", "m1"), "tail": Ref("entities", "e")})],
    }
    made, losses = again(article)
    assert losses == {
        "relations (CoNLL-U has no place for them)": 1,
        "names of annotators": 1,
        "that an article is curated": 1,
        "values that became strings": 2,
        "values of articles: list": 1,
        "mentions whose ends are not those of words": 1,
        "entities without a mention in the file": 1,
        "values of mentions: seen": 1,
        "bridges": 1,
        "ids of tokens": 2,
        "pos of tokens (a column under another name)": 2,
        "values of tokens: tag (in MISC)": 1,
        "labels of tokens": 1,
    }
    assert [w.values for w in made.layers["tokens"]] == [{"upos": "PROPN", "misc": "tag=B-PER"}, {"xpos": "VBD"}]
    assert made.layers["mentions"] == [Item(id="m2", ranges=((0, 3),), values={"sure": "0.5"}, line=7)]
    assert "entities" not in made.layers, "a mention of no entity does not become one"


def test_what_cannot_be_a_file() -> None:
    link = Article(id="l", text=None, file="x")
    half = Article(id="h", text="\ud800", file="x")
    files, losses = export(link, half, Article(id="e", text=" \n", file="x"), Article(id="A", text="x", file="x"),
                           Article(id="a", text="y", file="x"))  # fmt: skip
    assert len(files) == 2 and len({name.lower() for name in files}) == 2
    assert losses == {
        "links between articles": 1,
        "articles with half of a surrogate pair": 1,
        "articles without a word": 1,
    }


def test_a_bracket_that_opens_where_another_closes() -> None:
    article = Article(id="a", text="a b c", file="x")
    article.layers["mentions"] = [Item(id="m1", ranges=((0, 3),)), Item(id="m2", ranges=((2, 5),))]
    made, losses = again(article)
    assert [item.ranges for item in made.layers["mentions"]] == [((0, 3),), ((2, 5),)]
    assert losses == {}
    article.text = "abcde"
    made, losses = again(article)
    assert [item.ranges for item in made.layers["mentions"]] == [((0, 3),), ((2, 5),)]
    assert ([made.surface_of(word) for word in made.layers["tokens"]], losses) == (["ab", "c", "de"], {})


@pytest.mark.parametrize(
    "text",
    [
        "a ",
        " a",
        "a",
        "a\n",
        "a\n\nb ",
        "a  b\tc",
        "\u00a0a\u00a0",
        "a\r\nb",
        "_",
        "a.b\u2028c",
        "1\t2\n#\n|",
        "\ufeffa",
    ],
)
def test_texts_are_put_together_again(text: str) -> None:
    made, losses = again(Article(id="a", text=text, file="x"))
    assert (made.text, losses) == (text, {})


@given(st.text("a. \n\r\t_|\\s\u00a0\u0085\U0001f600\u0301", max_size=8).filter(str.strip))
@settings(max_examples=150, deadline=None)
def test_any_text_is_put_together_again(text: str) -> None:
    assert again(Article(id="a", text=text, file="x"))[0].text == text


def test_words_of_a_multiword_token_that_would_not_be_read_again_are_words() -> None:
    article = Article(id="a", text="zum See", file="x")
    article.layers["tokens"] = [
        Item(id="1.1", ranges=((0, 1),), values={"form": "zu"}),
        Item(id="1.2", ranges=((1, 3),), values={"form": "dem"}),
        Item(id="1.3", ranges=((4, 7),)),
    ]
    parts: list[Value] = [Ref("tokens", "1.1"), Ref("tokens", "1.2")]
    article.layers["multiwords"] = [Item(id="1.1-2", ranges=((0, 3),), values={"form": "zum", "tokens": parts})]
    made, losses = again(article)
    assert (bare(made)["tokens"], losses) == (bare(article)["tokens"], {"multiword tokens": 1})


def test_mentions_that_cross_one_of_their_entity_are_told() -> None:
    article = Article(id="a", text="a b c d", file="x")
    article.layers["mentions"] = [
        Item(id="m1", ranges=((0, 5),)), Item(id="m2", ranges=((2, 7),)), Item(id="m3", ranges=((2, 3), (6, 7))),
    ]  # fmt: skip
    refs: list[Value] = [Ref("mentions", f"m{n}") for n in (1, 2, 3)]
    article.layers["entities"] = [Item(id="e", values={"members": refs})]
    made, losses = again(article)
    assert [item.ranges for item in made.layers["mentions"]] == [((0, 5),), ((2, 3), (6, 7))]
    assert losses["mentions that cross another one of their entity"] == 1
    article.layers["entities"] = []
    assert len(again(article)[0].layers["mentions"]) == 3


@given(st.text(max_size=12), st.booleans())
def test_fields_are_read_as_they_were_coded(text: str, name: bool) -> None:
    coded = code(text, name=name)
    assert uncode(coded) == text
    assert not set("()-|=\t\n ") & set(coded)
    assert uncode("100%C3%A9") == "100%C3%A9"


piece = st.sampled_from(
    [
        "Ada",
        "won't",
        " ",
        "  ",
        "\n",
        "\r\n",
        "\t",
        "\u00a0",
        "\u0085",
        "\u2028",
        "\U0001f600",
        "e\u0301",
        ".",
        "_",
        "#",
        "|",
        "\\s",
        "\u200b",
        "\x1f",
        "1",
        "-",
        "\ufeff",
    ]
)
odd = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
plain = st.text("ab-()|=%_[]/<:, \u00e9", min_size=1, max_size=5)


@st.composite
def articles(draw: st.DrawFn) -> Article:
    text = "".join(draw(st.lists(piece, min_size=1, max_size=14)))
    article = Article(id=draw(odd), text=text, file="x")
    at = st.integers(0, len(text))
    place = st.tuples(at, at).map(lambda pair: (min(pair), max(pair)))
    drawn = draw(st.lists(st.lists(place, min_size=1, max_size=3), max_size=5))
    if draw(st.booleans()):
        words = [match.span() for match in re.finditer(r"\S+", text)]
        article.layers["tokens"] = [
            Item(id=f"t{n}", ranges=(word,), values={"lemma": draw(plain)}) for n, word in enumerate(words)
        ]
    if draw(st.booleans()):
        cuts = sorted({0, len(text), *draw(st.lists(at, max_size=3))})
        article.layers["sentences"] = [
            Item(id=f"{draw(odd)}{n}", ranges=(cut,), values={"by": draw(odd)}) for n, cut in enumerate(pairwise(cuts))
        ]
    article.layers["mentions"] = [
        Item(
            id=f"{draw(plain)}{n}",
            ranges=tuple(sorted(set(places))),
            label=draw(st.none() | plain),
            values={"v": draw(plain)},
        )
        for n, places in enumerate(drawn)
    ]
    ids = [item.id for item in article.layers["mentions"]]
    if ids:
        chosen: list[Value] = [Ref("mentions", name) for name in draw(st.sets(st.sampled_from(ids)))]
        article.layers["entities"] = [Item(id=draw(plain), values={"members": chosen})]
    return article


@given(articles())
@settings(max_examples=200, deadline=None)
def test_a_written_article_is_read_again_but_for_its_losses(article: Article) -> None:
    files, losses = export(article)
    if not files:
        assert losses["articles without a word"] == 1
        return
    ((name, data),) = files.items()
    (made,) = read(data, name)
    assert made.found == []
    assert made.text == article.text
    assert made.id == article.id or losses["ids of articles"]
    before = {(i.id, i.ranges, i.label, i.values["v"]) for i in article.layers["mentions"]}
    after = {(i.id, i.ranges, i.label, i.values["v"]) for i in made.layers.get("mentions", [])}
    lost = sum(count for words, count in losses.items() if words.startswith("mentions "))
    assert after <= before
    assert len(made.layers.get("mentions", [])) == len(article.layers["mentions"]) - lost
    kept = {item.id for item in made.layers.get("mentions", [])}
    chains = {name: set(refs) & kept for name, refs in members(article).items() if set(refs) & kept}
    assert {name: set(refs) for name, refs in members(made).items()} == chains
    if "sentences" in article.layers and not any(
        words.endswith(("(lines were taken for them)", "of their own")) for words in losses
    ):
        known = {(i.id, i.values["by"]) for i in article.layers["sentences"]}
        told = losses["ids of sentences"] + losses["values of sentences: by"]
        assert len(known - {(i.id, i.values.get("by")) for i in made.layers["sentences"]}) <= told
        assert len(known) == len(made.layers["sentences"])
    if "tokens" in article.layers and not losses["tokens that are not all of the text (it was cut anew)"]:
        lemmas = [(i.ranges, i.values["lemma"]) for i in article.layers["tokens"]]
        given_again = [(i.ranges, i.values.get("lemma")) for i in made.layers["tokens"]]
        different = sum(a != b for a, b in zip(lemmas, given_again, strict=True))
        assert different == losses["values of tokens: lemma"]


# The real corpora


def real_gum(**options: Any) -> list[Article]:
    paths = sorted((CORPORA / "gum-wikinews-news/dep").glob("*.conllu"))
    return [article for path in paths for article in read(path.read_bytes(), path.name, **options)]


@real
def test_real_entities() -> None:
    made = real_gum()
    counts = Counter[str]()
    for article in made:
        counts.update({layer: len(items) for layer, items in article.layers.items()})
        assert article.found == [] and not article.left_out
    assert len(made) == 24
    assert counts == {
        "sentences": 765, "tokens": 17_182, "multiwords": 201, "empty_nodes": 4, "mentions": 5_018,
        "paragraphs": 345, "entities": 2_746, "bridges": 251, "split_antecedents": 5,
    }  # fmt: skip
    losses: Counter[str] = Counter()
    written = dict(exporter.export(made, losses))
    assert losses == {}
    for article in made:
        (back,) = read(written[f"{article.id}.conllu"], article.id)
        assert (back.text, back.values) == (article.text, article.values)
        assert bare(back) == bare(article)


@real
def test_real_texts_are_those_of_the_same_documents_in_webanno_tsv() -> None:
    for article in real_gum(text="tokens"):
        path = CORPORA / f"gum-wikinews-news/coref/gum/tsv/{article.id}.tsv"
        lines = path.read_text(encoding="utf-8").split("\n")
        assert article.text == "\n".join(line.removeprefix("#Text=") for line in lines if line.startswith("#Text="))
        spans_there: dict[str, list[tuple[int, int, str]]] = {}
        for line in lines:
            if not re.match(r"\d+-\d+\t", line):
                continue
            cells = line.split("\t")
            start, end = map(int, cells[1].split("-"))
            for number, value in enumerate(cells[3].split("|") if cells[3] != "_" else []):
                label, key = re.fullmatch(r"(.+?)(?:\[(\d+)\])?", value).groups()
                spans_there.setdefault(key or f"{cells[0]}/{number}", []).append((start, end, label))
        there = Counter((s[0][0], s[-1][1], s[0][2]) for s in spans_there.values())
        here = Counter((*item.ranges[0], item.label) for item in article.layers["mentions"])
        assert here == there


@real
def test_real_words_are_those_that_the_library_reads() -> None:
    import conllu as library

    path = CORPORA / "conllu-pud-iob2-uner/ud_pud/en_pud-ud-test.conllu"
    data = path.read_bytes()
    made = read(data, path.name)
    assert len(made) == 397
    assert sum(len(a.layers["multiwords"]) for a in made if "multiwords" in a.layers) == 129
    assert [d for a in made for d in a.found] == []
    assert sum((a.left_out for a in made), Counter()) == {"comments without a value": 5}
    sentences = library.parse(data.decode())
    items = [(a, item) for a in made for item in a.layers["tokens"]]
    words = [word for sentence in sentences for word in sentence if isinstance(word["id"], int)]
    assert len(items) == len(words) == 21_180
    for (article, item), word in zip(items, words, strict=True):
        head = item.values.get("head")
        assert item.id.partition(".")[2] == str(word["id"])
        assert item.values.get("form", article.surface_of(item)) == word["form"]
        assert (int(head.id.partition(".")[2]) if isinstance(head, Ref) else 0) == word["head"]
    texts = [sentence.metadata["text"] for sentence in sentences]
    assert [a.surface_of(s) for a in made for s in a.layers["sentences"]] == texts
