"""Token columns: what becomes of lines, tags, comments and boundaries, the damaged ones included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import CORPORA
from copydesk.articles.model import Article
from copydesk.diagnostics import Diagnostic
from copydesk.importers import Sample, columns
from copydesk.importers.tokentext import align, article_ids, decode, identifier, read_spaces, scheme_of, spell_spaces
from copydesk.project import Source
from copydesk.sources import RawRecord

real = pytest.mark.skipif(not CORPORA.is_dir(), reason="the real corpora are not on this machine")


def everything(data: bytes | str, name: str = "news.conll", **options: Any) -> list[Article | Diagnostic]:
    encoding = options.pop("encoding", "utf-8")
    source = Source(kind="article", paths=("x",), format="columns", options=options, encoding=encoding)
    data = data.encode() if isinstance(data, str) else data
    raw = RawRecord(file=name, line=1, data=data, name=name.rpartition(".")[0])
    return [item for item in columns.read(Path(), source, raw) if isinstance(item, Article | Diagnostic)]


def read(data: bytes | str, **options: Any) -> list[Article]:
    items = everything(data, **options)
    assert all(isinstance(item, Article) for item in items), items
    return [item for item in items if isinstance(item, Article)]


def one(data: bytes | str, **options: Any) -> Article:
    (article,) = read(data, **options)
    return article


def spans(article: Article, layer: str = "mentions") -> list[tuple[str, str | None]]:
    return [(article.surface_of(item), item.label) for item in article.layers[layer]]


def found(article: Article) -> list[tuple[str, int | None]]:
    return [(d.code, d.place.line) for d in article.found]


CONLL = """-DOCSTART- -X- -X- O

Mayor NN B-NP O
Ada NNP I-NP B-PER
Okoye NNP I-NP I-PER
visited VBD B-VP O
Port NNP B-NP B-LOC
Vela NNP I-NP I-LOC

She PRP B-NP O
left VBD B-VP O
. . O O
"""


def test_tokens_become_a_text_with_exact_offsets() -> None:
    article = one(CONLL, name="day/news.conll")
    assert article.id == "day/news"
    assert article.text == "Mayor Ada Okoye visited Port Vela\nShe left ."
    assert spans(article) == [("Ada Okoye", "PER"), ("Port Vela", "LOC")]
    assert [item.line for item in article.layers["mentions"]] == [4, 7]
    assert spans(article, "sentences") == [("Mayor Ada Okoye visited Port Vela", None), ("She left .", None)]
    token = article.layers["tokens"][1]
    assert (article.surface_of(token), token.line) == ("Ada", 4)
    assert token.values == {"column2": "NNP", "column3": "I-NP"}
    assert article.found == []
    assert not article.left_out


def test_columns_can_be_named() -> None:
    article = one(CONLL, columns=["token", "pos", "chunk", "ner"], tag_columns=["ner", "chunk"])
    assert spans(article, "ner") == [("Ada Okoye", "PER"), ("Port Vela", "LOC")]
    assert spans(article, "chunk")[:2] == [("Mayor Ada Okoye", "NP"), ("visited", "VP")]
    assert article.layers["tokens"][0].values == {"pos": "NN"}


def test_two_columns_in_one_layer_are_nested_mentions() -> None:
    text = "1\tUniversity\tB-ORG\tO\n2\tof\tI-ORG\tO\n3\tVela\tI-ORG\tB-LOC\n"
    article = one(
        text, columns=["#", "token", "outer", "inner"], tag_columns={"outer": "mentions", "inner": "mentions"}
    )
    assert spans(article) == [("University of Vela", "ORG"), ("Vela", "LOC")]
    assert len({item.id for item in article.layers["mentions"]}) == 2
    assert article.layers["tokens"][0].values == {}


NESTED = """#\thttp://news.example [2020-01-01]
1\tUniversity\tB-ORG\tO
2\tof\tI-ORG\tO
3\tVela\tI-ORG\tB-LOC
4\tsaid\tO\tO
5\tno\tO\tO
6\t.\tO\tO
"""


def test_tags_in_others_are_found_without_being_told() -> None:
    article = one(NESTED)
    assert spans(article) == [("University of Vela", "ORG"), ("Vela", "LOC")]
    assert [i.id for i in article.layers["mentions"]] == ["m1", "m2"]
    assert article.layers["tokens"][0].values == {}
    outer = one(NESTED.replace("B-LOC", "O"))
    assert (spans(outer), outer.layers["tokens"][0].values) == ([("University of Vela", "ORG")], {})
    inner = one(NESTED.replace("B-ORG", "O").replace("I-ORG", "O"))
    assert (spans(inner), inner.layers["tokens"][0].values) == ([("Vela", "LOC")], {})
    four = one("Ada\tB-PER\tO\tO\tO\nOkoye\tI-PER\tB-PER\tO\tO\nsaid\tO\tO\tO\tO\nno\tO\tO\tO\tO\n")
    assert (spans(four), four.layers["tokens"][0].values) == ([("Ada Okoye", "PER"), ("Okoye", "PER")], {})
    assert found(one("a I-X O\nb I-X I-Y\nc O O\nd O O\ne O O\n")) == [], "one scheme for all columns of a layer"


def test_columns_of_other_tags_are_left_as_they_are() -> None:
    chunks = one("Ada B-NP B-PER\nOkoye I-NP I-PER\nleft B-VP O\nPort B-NP O\n")
    assert spans(chunks) == [("Ada Okoye", "PER")]
    assert chunks.layers["tokens"][0].values == {"column2": "B-NP"}
    named = "token\tcoarse\tfine\n" + "Ada\tB-PER\tB-PER\nsaid\tO\tO\nno\tO\tO\n"
    assert spans(one(named, header=True)) == [("Ada", "PER"), ("Ada", "PER")]
    other = one(named.replace("B-PER\n", "B-per.name\n"), header=True)
    assert (spans(other), other.layers["tokens"][0].values) == ([("Ada", "per.name")], {"coarse": "B-PER"})


def test_a_language_before_every_token_is_none_of_it() -> None:
    text = "en:Ada\tB-PER\nen:said\tO\nen::\tO\n\nen:''\tO\n"
    article = one(text)
    assert (article.text, spans(article)) == ("Ada said :\n''", [("Ada", "PER")])
    assert article.values == {"language": "en"}
    assert one(text.replace("en:", "zh-classical:")).values == {"language": "zh-classical"}
    assert one("en:Ada\tO\nde:said\tO\n").text == "en:Ada de:said"
    assert one("a:b\tO\na:c\tO\n").text == "a:b a:c"
    assert one("en:x\tO\n").text == "en:x"
    damaged = one("en:Ada\tO\nen:\tO\nen:no\tO\n")
    assert (damaged.text, found(damaged)) == ("Ada no", [("I002", 2)])


def test_a_text_that_is_cut_into_characters() -> None:
    text = "## set-1\t<Ada:PS> left\nA\tB-PS\nd\tI-PS\na\tI-PS\n \tO\nl\tO\n \tO\nx\tO\n\n## set-2\tno\nn\tO\no\tO\n"
    article = one(text)
    assert (article.text, spans(article)) == ("Ada l x\nno", [("Ada", "PS")])
    assert [i.id for i in article.layers["sentences"]] == ["set-1", "set-2"]
    assert [article.surface_of(i) for i in article.layers["tokens"]] == list("Adalxno")
    assert article.left_out == {"comments": 2}
    assert [i.id for i in article.layers["tokens"]] == [f"t{n}" for n in range(1, 8)]
    assert one("雨\tO\n了\tO\n").text == "雨 了"
    assert one("雨\tO\n了\tO\n", text="characters").text == "雨了"
    assert one("##\tO\nno\tO\n").text == "## no"


def test_a_column_that_counts_the_tokens_is_no_token() -> None:
    text = "#\thttp://news.example\t[2020-01-01]\n1\tAda\tB-PER\tO\n2\tleft\tO\tO\n\n1\tRain\tO\tO\n#x\n"
    article = one(text)
    assert article.text == "Ada left\nRain"
    assert article.left_out == {"comments": 1}
    assert [i.values for i in article.layers["sentences"]] == [{"source": "http://news.example [2020-01-01]"}, {}]
    assert article.layers["tokens"][0].values == {}
    zero = one("0 Ada B-PER\n1 left O\n\n0 Rain O\n1 fell O\n")
    assert (zero.text, spans(zero)) == ("Ada left\nRain fell", [("Ada", "PER")])
    assert one("0 Ada B-PER\n2 left O\n").text == "0 2"


def test_a_column_that_counts_may_stand_behind_the_name_of_the_document() -> None:
    line = "nw/a_0001 0 {} {} NN (TOP* - - - Speaker#1 {} -\n"
    words = [("Ada", "B-PER"), ("Okoye", "I-PER"), ("left", "O")]
    text = "".join(line.format(n, *word) for n, word in enumerate(words))
    article = one(text + "\n" + text.replace("a_0001", "a_0002"))
    assert article.text == "Ada Okoye left\nAda Okoye left"
    assert spans(article) == [("Ada Okoye", "PER")] * 2
    assert article.layers["tokens"][0].values == {
        "column1": "nw/a_0001", "column2": "0", "column5": "NN", "column6": "(TOP*", "column7": "-", "column8": "-",
        "column9": "-", "column10": "Speaker#1", "column12": "-",
    }  # fmt: skip
    damaged = one(text + "nw/a_0001 0 3 now\n")
    assert (damaged.text, found(damaged)) == ("Ada Okoye left now", [("I002", 4)])
    assert one("a 1 x O\nb 2 y O\n").text == "a b", "what stands before the count is one thing in a sentence"


def test_numbers_that_do_not_count_are_tokens() -> None:
    assert one("10 CD O\n11 CD O\n\n3 CD O\n").text == "10 11\n3"


def test_columns_that_are_not_read_are_counted() -> None:
    text = "1\tAda\tB-PER\t-\tmk\n2\tleft\tO\t-\t-\n"
    article = one(text, columns=["index", "token", "tags", "_", "_"])
    assert spans(article) == [("Ada", "PER")]
    assert article.left_out == {"columns named _": 1}


@pytest.mark.parametrize(
    ("tags", "scheme", "expected", "wrong"),
    [
        ("I-A I-A O I-B", "iob1", [(0, 2, "A"), (3, 4, "B")], []),
        ("I-A B-A I-A", "iob1", [(0, 1, "A"), (1, 3, "A")], []),
        ("O B-A I-A", "iob1", [(1, 3, "A")], [1]),
        ("B-A I-A B-A O", "iob2", [(0, 2, "A"), (2, 3, "A")], []),
        ("O I-A I-A", "iob2", [(1, 3, "A")], [1]),
        ("B-A I-B", "iob2", [(0, 1, "A"), (1, 2, "B")], [1]),
        ("B-A I-A E-A S-B O", "bioes", [(0, 3, "A"), (3, 4, "B")], []),
        ("B-A M-A E-A W-B", "bioes", [(0, 3, "A"), (3, 4, "B")], []),
        ("B-A I-A O", "bioes", [(0, 2, "A")], [1]),
        ("B-A", "bioes", [(0, 1, "A")], [0]),
        ("E-A E-A", "bioes", [(0, 1, "A"), (1, 2, "A")], [0, 1]),
        ("B-A I-A L-A U-B", "bilou", [(0, 3, "A"), (3, 4, "B")], []),
        ("A A O B", "io", [(0, 2, "A"), (3, 4, None)], [3]),
        ("A A O C _ C", "io", [(0, 2, "A"), (3, 4, "C"), (5, 6, "C")], []),
        ("B I O B", "iob2", [(0, 2, None), (3, 4, None)], []),
        ("B-A A-B", "iob2", [(0, 1, "A"), (1, 2, "A-B")], [1]),
        ("B-X-Y I-X-Y", "iob2", [(0, 2, "X-Y")], []),
        ("", "iob2", [], []),
    ],
)
def test_schemes(tags: str, scheme: str, expected: list[tuple[int, int, str]], wrong: list[int]) -> None:
    made, repairs = decode(tags.split(), scheme)
    assert [(span.start, span.end, span.label) for span in made] == expected
    assert [index for index, _ in repairs] == wrong


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        ("I-A O I-A B-A", "iob1"),
        ("B-A O I-A O B-A", "iob2"),
        ("B-A I-A O I-A O I-A O I-A", "iob1"),
        ("B-A E-A S-A", "bioes"),
        ("B-A L-A U-A", "bilou"),
        ("A O A", "io"),
    ],
)
def test_the_scheme_is_the_one_that_the_tags_break_least(tags: str, scheme: str) -> None:
    assert scheme_of([tags.split()]) == scheme


tag = st.sampled_from(
    ["O", "_", "B-A", "I-A", "E-A", "S-A", "L-A", "U-A", "B-B", "I-B", "A", "I", "B", "M-A", "W-", "-"]
)


@given(st.lists(tag, max_size=12), st.sampled_from(["iob1", "iob2", "bioes", "bilou", "io"]))
@settings(max_examples=150, deadline=None)
def test_every_tag_inside_is_in_exactly_one_span(tags: list[str], scheme: str) -> None:
    made, repairs = decode(tags, scheme)
    covered = [index for span in made for index in range(span.start, span.end)]
    assert covered == [index for index, t in enumerate(tags) if t not in {"O", "_", "-"}]
    assert made == decode(tags, "iob2")[0], "what is a span does not depend on the scheme"
    assert all(0 <= index < len(tags) for index, _ in repairs)


def test_a_repaired_tag_is_a_note_at_its_line() -> None:
    article = one("Ada B-PER\nleft O\nPort I-LOC\nVela I-LOC\n\nRain B-X\n", tags="iob2")
    assert spans(article) == [("Ada", "PER"), ("Port Vela", "LOC"), ("Rain", "X")]
    assert found(article) == [("I017", 3)]
    assert one("Port I-LOC\nand O\nVela I-LOC\n").found == [], "IOB1 is not a broken IOB2"


def test_spans_end_with_their_sentence() -> None:
    assert spans(one("Ada I-PER\n\nOkoye I-PER\n")) == [("Ada", "PER"), ("Okoye", "PER")]


def test_files_without_tags() -> None:
    assert "mentions" not in one("rain NN\nfell VBD\n").layers, "parts of speech are no spans"
    assert one("rain NN\nfell VBD\n").layers["tokens"][0].values == {"column2": "NN"}
    assert spans(one("rain NN\nfell VBD\n", tags="io")) == [("rain", "NN"), ("fell", "VBD")]
    article = one("Ada B-PER\nleft O\n", tags="none")
    assert "mentions" not in article.layers
    assert article.layers["tokens"][0].values == {"column2": "B-PER"}
    assert one("rain\nfell\n", tags="none").text == "rain fell"


def test_a_label_studio_export_is_a_column_file() -> None:
    article = one("-DOCSTART- -X- O\nAda -X- _ B-PER\nleft -X- _ O\n\n")
    assert (article.text, spans(article), article.found) == ("Ada left", [("Ada", "PER")], [])


def test_documents_begin_at_docstart() -> None:
    text = "-DOCSTART- (1 FLOOD)\n\nRain O\n\n-DOCSTART-\t-X-\tO\n\nSun O\n\n-DOCSTART- O\n\n-DOCSTART- O\nFog O\n"
    first, second, third = read(text)
    assert [first.id, first.text, first.line] == ["1 FLOOD", "Rain", 1]
    assert (second.text, second.line) == ("Sun", 5)
    assert third.text == "Fog"
    assert second.id.startswith("news-") and len(second.id) == len("news-") + 8
    assert first.left_out == {"documents without a token": 1}
    whole = one(text, document="file")
    assert (whole.text, whole.left_out["document boundaries"]) == ("Rain\nSun\nFog", 3)
    assert [a.text for a in read(text, document="blank")] == ["Rain", "Sun", "Fog"]


def test_docstart_can_end_documents_too() -> None:
    assert [a.text for a in read("Rain O\n\n-DOCSTART- O\n\nSun O\n\n-DOCSTART- O\n\n")] == ["Rain", "Sun"]


def test_ids_do_not_shift_when_an_article_comes_before() -> None:
    after = read("-DOCSTART- O\nRain O\n\n-DOCSTART- O\nSun O\n\n-DOCSTART- O\nSun O\n")
    more = read("-DOCSTART- O\nFog O\n\n-DOCSTART- O\nRain O\n\n-DOCSTART- O\nSun O\n\n-DOCSTART- O\nSun O\n")
    assert [a.id for a in more[1:]] == [a.id for a in after]
    assert after[2].id == after[1].id + "-2"


def test_an_id_that_is_there_twice_is_found() -> None:
    first, second = read("-DOCSTART- (a)\nRain O\n\n-DOCSTART- (a)\nSun O\n")
    assert (first.id, second.id) == ("a", "a-2")
    assert found(second) == [("I006", 4)]
    assert article_ids("x", ["a", None, "a"], lambda index: "")[1] == ("x-e3b0c442", False)


COMMENTED = """# newdoc id = n1
# sent_id = n1-1
# text = Ada left, again.
# speaker = narrator
1\tAda\tB-PER
2\tleft\tO
3\t,\tO
4\tagain\tO
5\t.\tO

# sent_id = n1-2
# text = She said (quietly) no.
1\tShe\tO
2\tsaid\tO
3\tno\tO

# newdoc id = n2
# sent_id = n1-2
1\tRain\tO
"""


def test_comments_give_ids_texts_and_values() -> None:
    first, second = read(COMMENTED)
    assert (first.id, first.line, second.id, second.line) == ("n1", 1, "n2", 17)
    assert first.text == "Ada left, again.\nShe said no"
    assert [(i.id, i.values) for i in first.layers["sentences"]] == [("n1-1", {"speaker": "narrator"}), ("n1-2", {})]
    assert first.left_out == {"text comments that the tokens do not spell": 1}
    assert first.surface_of(first.layers["tokens"][2]) == ","
    assert read(COMMENTED, text="tokens")[0].text == "Ada left , again .\nShe said no"


def test_comments_of_the_multiconer_kind() -> None:
    text = "# id 1f domain=train\nAda _ _ B-PER\nleft _ _ O\n\n# id 2f domain=dev\nRain _ _ O\n"
    article = one(text)
    assert article.text == "Ada left\nRain"
    assert [(i.id, i.values["domain"]) for i in article.layers["sentences"]] == [("1f", "train"), ("2f", "dev")]


@pytest.mark.parametrize(
    ("text", "expected", "comments"),
    [
        ("# O\n1 O\n", "# 1", 0),
        ("we O\n# O\nwon O\n", "we # won", 0),
        ("#\tO\n#win=now\tB-TAG\n", "# #win=now", 0),
        ("#win O\n", "#win", 0),
        ("# made by hand in May\nRain O\n", "Rain", 1),
        ("# made by hand\nRain\tO\n", "Rain", 1),
        ("Rain\tO\n# checked twice\nfell\tO\n", "Rain fell", 1),
        ("# lang = en\nRain O\nfell O\n# O\n", "Rain fell #", 0),
    ],
)
def test_a_hash_can_be_a_token(text: str, expected: str, comments: int) -> None:
    article = one(text)
    assert article.text == expected
    assert article.left_out["comments"] == comments
    assert article.found == []


def test_damaged_lines_keep_their_token() -> None:
    article = one("Ada\tNNP\tB-PER\nOkoye\nleft\tVBD\tO\tx\n\tNN\tO\nagain\tRB\tO\nPort Vela\tNNP\tB-LOC\n")
    assert article.text == "Ada Okoye left again Port Vela"
    assert spans(article) == [("Ada", "PER"), ("Port Vela", "LOC")]
    assert found(article) == [("I002", 2), ("I002", 3), ("I002", 4)]
    assert article.layers["tokens"][1].values == {}


def test_a_line_with_another_separator_is_read() -> None:
    article = one("Ada\tB-PER\nleft O\nagain\t\tO\nnow\tO\t\nand\tO\nthen\tO\n")
    assert article.text == "Ada left again now and then"
    assert article.found == []


def test_tabs_can_be_said_to_separate() -> None:
    article = one("New York B-LOC\n", separator="space", columns=["token", "more", "tags"])
    assert (article.text, article.layers["tokens"][0].values) == ("New", {"more": "York"})
    assert one("New York\tB-LOC\n", separator="tab").text == "New York"


def test_line_ends_marks_and_odd_characters_survive() -> None:
    data = "\ufeffAda\u00a0A.\tB-PER\r\nx\u0085y\tO\r\nz\u2028\tO\r\n\r\n\U0001f600\tB-E\r\ne\u0301\tI-E\r\n".encode()
    article = one(data)
    assert article.text == "Ada\u00a0A. x\u0085y z\u2028\n\U0001f600 e\u0301"
    assert spans(article) == [("Ada\u00a0A.", "PER"), ("\U0001f600 e\u0301", "E")]
    assert one("Ada O\rleft O\r").text == "Ada left"
    assert one("M\xfcnz B-ORG\n".encode("latin-1"), encoding="latin-1").text == "M\xfcnz"
    assert one("\u00a0 O\nx O\n").text == "\u00a0 x"


HEADED = """tok\tlemma\tstart\tsaid\twho
"\t"\tyes\t-\t-
Go\tgo\tno\tdirect.speech.1\t-
,\t,\tno\tdirect.speech.1|reported.thought.3.nonfact.border=yes\t-
"\t"\tno\t-\t-
said\tsay\tno\t-\t-
Ada\tAda\tno\t-\tspeaker.1_3
.\t.\tno\tx\t-
Now\tnow\tyes\tdirect.speech.1\t-
"""


def test_tags_with_ids_are_spans_that_may_be_in_pieces() -> None:
    article = one(HEADED, tags="ids", tag_columns=["said", "who"], sentence_start="start")
    assert article.text == '" Go , " said Ada .\nNow'
    assert spans(article, "said") == [("Go , Now", "direct.speech"), (",", "reported.thought")]
    speech, thought = article.layers["said"]
    assert [article.text[s:e] for s, e in speech.ranges] == ["Go ,", "Now"]
    assert (speech.id, thought.id, thought.values) == ("1", "3", {"attributes": "nonfact.border=yes"})
    assert [(i.id, i.label) for i in article.layers["who"]] == [("1_3", "speaker")]
    assert found(article) == [("I002", 8)]
    assert article.layers["tokens"][0].values == {"lemma": '"'}
    assert [i.line for i in article.layers["sentences"]] == [2, 9]


def test_two_spans_with_one_id_are_found() -> None:
    article = one("a\tx.1\nb\ty.1\n", tags="ids", tag_columns=["column2"])
    assert [(i.id, i.label) for i in article.layers["mentions"]] == [("1", "x"), ("1-2", "y")]
    assert found(article) == [("I006", 2)]


def test_comments_that_name_the_document() -> None:
    text = "# x:document_id = d1\nRain\tO\n\n# x:document_id = d1\nfell\tO\n\n# x:document_id = d2\nSun\tO\n"
    assert [(a.id, a.text) for a in read(text)] == [("d1", "Rain\nfell"), ("d2", "Sun")]


def test_headers() -> None:
    article = one("TOKEN\tNE-LIT\tNE-METO\n" + "Ada\tB-pers\tO\n" * 30, tag_columns=["NE-LIT"])
    assert (len(article.layers["tokens"]), spans(article)[0]) == (30, ("Ada", "pers"))
    assert article.layers["tokens"][0].values == {"NE_METO": "O"}
    assert one("Token\tTag\nRain\tB-X\n").text == "Rain"
    assert one("TOKEN\tNE-COARSE-LIT\tMISC\nRain\tB-X\t_\n").text == "Rain"
    assert one("Text\tNN\nRain\tNN\n").text == "Text Rain", "a title is no header"
    assert one("Token\tO\nRain\tO\n").text == "Token Rain"
    assert one("a\tb\nRain\tB-X\n", header=True).text == "Rain"
    kaggle = "Sentence #\tWord\tPOS\tTag\nSentence: 1\tRain\tNN\tB-X\n\tfell\tVB\tO\nSentence: 2\tSun\tNN\tO\n"
    assert one(kaggle, sentence_start="Sentence #").text == "Rain fell\nSun"
    assert spans(one(kaggle)) == [("Rain", "X")]
    assert one("Token\tTag\nRain\tB-X\n", header=False).text == "Token Rain"


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (b"", {}),
        (b"\n\n", {}),
        (b"-DOCSTART- O\n\n", {}),
        (b"word\nword\n", {}),
        (b"#FORMAT=WebAnno TSV 3.2\n1-1\t0-1\tx\n", {}),
        (b" # webanno.custom.X | y\n#id=1\n#text=x y\n1-1\tx\tB\n1-2\ty\tO\n", {}),
        (b"It rained.\nAll day long it rained, and the river rose.\nNobody came.\nThe end of it was near.\n", {}),
        (b"Rain O\n", {"columns": ["token", "pos", "ner"]}),
        (b"Rain O\n", {"tag_columns": ["ner"]}),
        (b"Rain O\n", {"sentence_start": "start"}),
    ],
)
def test_what_is_no_column_file_is_lost_with_a_word(data: bytes, options: dict[str, Any]) -> None:
    (diagnostic,) = everything(data, **options)
    assert isinstance(diagnostic, Diagnostic)
    assert (diagnostic.code, diagnostic.place.file) == ("I001", "news.conll")


def test_another_encoding_is_found() -> None:
    (diagnostic,) = everything("Rain O\nM\xfcnz O\n".encode("latin-1"))
    assert isinstance(diagnostic, Diagnostic)
    assert (diagnostic.code, diagnostic.place.line) == ("S002", 2)


def test_sniffing() -> None:
    def sure(name: str, head: str | bytes) -> int:
        data = head if isinstance(head, bytes) else head.encode()
        return columns.sniff(Sample(names=[name], head=lambda _: data))

    assert sure("a.conll", CONLL) >= 90
    assert sure("a.txt", CONLL) >= 90
    assert sure("a.tsv", "Ada\tB-PER\nleft\tO\n\n") >= 80
    assert sure("a.txt", "It rained.\nAll day long it rained.\nThe end.\n") == 0
    assert sure("a.tsv", "#FORMAT=WebAnno TSV 3.2\n\n#Text=x\n1-1\t0-1\tx\t_\n") == 0
    assert sure("a.conllu", CONLL) == 0
    assert sure("a.conll", "1\tA\ta\tX\tX\t_\t0\troot\t_\t_\n") == 0
    assert sure("a.txt", "") == 0
    assert sure("a.conll", CONLL.encode("utf-16")) >= 90
    assert sure("a.conll", CONLL.replace("Okoye", "M\xfcnz").encode("latin-1")) >= 90
    assert sure("a.conll", CONLL.replace("\n", "\r")) >= 90
    assert sure("eng.testa", CONLL) >= 90 and sure("en/train", "en:Ada\tB-PER\nen:x\tO\n") >= 80
    wide = "TOKEN\t" + "\t".join("abcdefghi") + "\n" + ("Ada\tB-PER" + "\tO" * 8 + "\nx" + "\tO" * 9 + "\n") * 20
    assert sure("a.tsv", wide) >= 80
    assert sure("a.conll", CONLL * 200) >= 90


def test_sniffing_looks_beyond_the_first_file() -> None:
    files = {"LICENSE.txt": "Free to all.\nAnd so on.\n", "README.txt": "", "a.conll": "", "train.txt": CONLL}
    assert columns.sniff(Sample(names=sorted(files), head=lambda name: files[name].encode())) >= 90
    beside = {f"{n:03}.txt": "It rained.\n" for n in range(300)} | {"conll/a.tsv": CONLL}
    assert columns.sniff(Sample(names=sorted(beside), head=lambda name: beside[name].encode())) >= 90


def test_files_that_are_read() -> None:
    source = Source(kind="article", paths=("x",), format="columns")
    names = [
        u.name for u in columns.units(source, ["a/b.conll", "c.json", "d.TSV", "e/eng.train", "e/eng.testa", "f/dev"])
    ]
    assert names == ["a/b", "d", "e/eng.train", "e/eng.testa", "f/dev"]
    assert [u.files for u in columns.units(source, ["a.tbf", "b"])] == [("a.tbf",), ("b",)]
    assert [u.files for u in columns.units(source, ["README.txt", "a.bio"])] == [("a.bio",)]
    assert [u.files for u in columns.units(source, ["b.txt", "c.txt"])] == [("b.txt",), ("c.txt",)]


def test_a_large_file_takes_little_time() -> None:
    text = "-DOCSTART- O\n\n" + "".join(
        f"w{n % 977} NN {'B-X' if n % 7 == 0 else 'O'}\n" + "\n" * (n % 20 == 0) for n in range(60_000)
    )
    began = process_time()
    assert len(one(text).layers["tokens"]) == 60_000
    assert process_time() - began < 6


def test_align_and_spaces() -> None:
    assert align(["Ada", ","], "Ada ,") == [(0, 3), (4, 5)]
    assert align(["Ada", ","], " Ada,\n") == [(1, 4), (4, 5)]
    assert align(["Ada", ","], "Ada so,") is None
    assert align(["Ada"], "Ada left") is None
    assert align([" x"], "  x") == [(1, 3)]
    assert spell_spaces(" \t\n\r|\\x") == r"\s\t\n\r\p\\x"
    assert identifier("meta::a-b") == "meta__a_b" and identifier("id") == "id_" and identifier("3d") == "_3d"


@given(st.text(max_size=20))
def test_spaces_are_read_as_they_were_spelt(text: str) -> None:
    assert read_spaces(spell_spaces(text)) == text


cell = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\n\r#"), min_size=1, max_size=5).filter(
    lambda text: text.strip(" \t\x0b\x0c") and not text.startswith("-DOCSTART-")
)


@given(
    st.lists(st.lists(st.tuples(cell, tag), min_size=1, max_size=5), min_size=1, max_size=4),
    st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=60, deadline=None)
def test_every_token_is_where_its_item_says(sentences: list[list[tuple[str, str]]], end: str) -> None:
    data = (end * 2).join(end.join(f"{token}\t{tag}" for token, tag in sentence) for sentence in sentences)
    article = one(data.removeprefix("\ufeff"), header=False, columns=["token", "tag"])
    given_tokens = [token for sentence in sentences for token, _ in sentence]
    if data.startswith("\ufeff"):
        given_tokens[0] = given_tokens[0].removeprefix("\ufeff")
    assert [article.surface_of(item) for item in article.layers["tokens"]] == [t for t in given_tokens if t]
    assert len(article.layers["sentences"]) == len(sentences)
    for item in article.layers["mentions"]:
        assert article.text is not None and article.text[slice(*item.ranges[0])].strip(" ")


@given(st.binary(max_size=200) | st.text("BIO-A#\t\n .|=1", max_size=60).map(str.encode))
@settings(max_examples=150, deadline=None)
def test_nothing_raises(data: bytes) -> None:
    for item in everything(data):
        assert isinstance(item, Diagnostic) or item.text is not None


def corpus(*paths: Path, **options: Any) -> Iterator[Article]:
    for path in paths:
        yield from read(path.read_bytes(), name=path.name, **options)


@real
@pytest.mark.parametrize(
    ("pattern", "options", "articles", "tokens", "mentions"),
    [
        ("conll-wikigold-sec/wikigold/CONLL-format/data/*.txt", {}, 145, 39_007, 3_558),
        ("conll-wikigold-sec/SEC-filings/CONLL-format/data/*/*.txt", {}, 8, 54_256, 1_486),
        ("turku-ner/data/conll/dev.tsv", {}, 76, None, 1_063),
        ("conllu-pud-iob2-uner/uner_pud/*.iob2", {}, 397, 21_176, 1_075),
        ("inception-fixtures/inception-io-json/**/chunk2000_test.conll", {}, 1, 93, 44),
        ("doccano-fixtures/data_import/tests/data/sequence_labeling/labeling.trailing.conll", {}, 1, 12, 2),
    ],
)
def test_real_corpora(pattern: str, options: dict[str, Any], articles: int, tokens: int | None, mentions: int) -> None:
    made = list(corpus(*sorted(CORPORA.glob(pattern)), **options))
    assert len(made) == articles
    assert tokens is None or sum(len(a.layers["tokens"]) for a in made) == tokens
    assert sum(len(a.layers["mentions"]) for a in made) == mentions
    assert [d for a in made for d in a.found] == []
    assert not any(a.left_out for a in made)


@real
def test_real_tags_with_ids() -> None:
    layers = ["stwr", "frame", "speaker", "intexpr"]
    paths = sorted((CORPORA / "redewiedergabe-sample-NC/tsv").glob("rwk*.tsv"))
    made = list(corpus(*paths, tags="ids", tag_columns=layers, sentence_start="sentstart"))
    assert [sum(len(a.layers[layer]) for a in made) for layer in layers] == [61, 9, 47, 53]
    assert sum(len(a.layers["tokens"]) for a in made) == 4_462
    assert [d for a in made for d in a.found] == []


@real
def test_real_damage_is_found() -> None:
    path = CORPORA / "doccano-fixtures/data_import/tests/data/sequence_labeling/labeling.invalid.conll"
    (article,) = corpus(path)
    assert found(article) == [("I002", 1)]
    assert article.text is not None and article.text.startswith("SOCCERO SOCCERO SOCCERO - JAPAN")
