"""CAT and CROMER XML: text from tokens, markables, relations, clusters over a folder; what is damaged and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import CORPORA
from copydesk.articles.model import Article, Item, Ref, item_refs, known_ids
from copydesk.articles.units import Sample
from copydesk.diagnostics import Diagnostic
from copydesk.importers import cat
from copydesk.project import Source
from copydesk.sources import RawRecord

ECB = CORPORA / "ecbplus-topics-1-30"

STORM = """\
<?xml version="1.0" encoding="UTF-8"?>
<Document doc_name="7_1ecb.xml" doc_id="DOC1" lang="en">
<token t_id="1" sentence="0" number="0">Storm</token>
<token t_id="2" sentence="0" number="1">&amp;</token>
<token t_id="3" sentence="0" number="2">flood</token>
<token t_id="4" sentence="0" number="3">🌊</token>
<token t_id="5" sentence="1" number="0">Mayor</token>
<token t_id="6" sentence="1" number="1">Ann\u00a0Lee</token>
<token t_id="7" sentence="1" number="2">turned</token>
<token t_id="8" sentence="1" number="3">sirens</token>
<token t_id="9" sentence="1" number="4">on</token>
<Markables>
<ACTION_OCCURRENCE m_id="1" note="byCROMER" >
  <token_anchor t_id="1"/>
  <token_anchor t_id="2"/>
  <token_anchor t_id="3"/>
</ACTION_OCCURRENCE>
<HUMAN_PART_PER m_id="2"><token_anchor t_id="5"/><token_anchor t_id="6"/></HUMAN_PART_PER>
<ACTION_OCCURRENCE m_id="3"><token_anchor t_id="7"/><token_anchor t_id="9"/></ACTION_OCCURRENCE>
<ACTION_OCCURRENCE m_id="4"><token_anchor t_id="4"/></ACTION_OCCURRENCE>
<ACTION_OCCURRENCE m_id="50" RELATED_TO="" TAG_DESCRIPTOR="t7_storm" instance_id="ACT1" />
<HUMAN_PART_PER m_id="51" RELATED_TO="" TAG_DESCRIPTOR="t7_mayor" />
</Markables>
<Relations>
<CROSS_DOC_COREF r_id="900" note="ACT1"><source m_id="4" /><source m_id="1" /><target m_id="50" /></CROSS_DOC_COREF>
<INTRA_DOC_COREF r_id="901"><source m_id="2" /><target m_id="51" /></INTRA_DOC_COREF>
<PLOT_LINK r_id="902" relType="FALLING_ACTION" CAUSES="TRUE"><source m_id="1" /><target m_id="3" /></PLOT_LINK>
</Relations>
</Document>
"""


def raw_of(text: str | bytes, file: str = "ECB+/7/7_1ecb.xml", base: str = "ECB+/", **beside: str) -> RawRecord:
    data = text.encode() if isinstance(text, str) else text
    name = file.removeprefix(base).removesuffix(".xml")
    others = {f"ECB+/7/{stem}.xml": other.encode() for stem, other in beside.items()}
    return RawRecord(file=file, line=1, data=data, name=name, base=base, beside=others)


def source_of(take: str = "", **options: Any) -> Source:
    return Source(kind="article", paths=("x",), format="cat", take=take, options=options)


def read(text: str | bytes, **options: Any) -> Article:
    [found] = cat.read(Path(), source_of(**options), raw_of(text))
    assert isinstance(found, Article), found
    return found


def lost(text: str | bytes) -> tuple[str, int | None]:
    [found] = cat.read(Path(), source_of(), raw_of(text))
    assert isinstance(found, Diagnostic)
    return found.code, found.place.line


def findings(article: Article) -> list[tuple[str, int | None]]:
    return [(found.code, found.place.line) for found in article.found]


def by_id(article: Article, layer: str) -> dict[str, Item]:
    return {item.id: item for item in article.layers.get(layer, ())}


def document(tokens: str, markables: str = "", relations: str = "") -> str:
    annotations = f"<Markables>\n{markables}\n</Markables>\n<Relations>\n{relations}\n</Relations>"
    return f"<Document>\n{tokens}\n{annotations}\n</Document>"


def line_of(text: str, part: str) -> int:
    assert text.count(part) == 1
    return text[: text.index(part)].count("\n") + 1


TOKENS = "\n".join(f'<token t_id="{n}" sentence="0" number="{n}">w{n}</token>' for n in range(1, 6))


class TestArticle:
    def test_the_text_is_the_tokens(self) -> None:
        article = read(STORM)
        assert article.text == "Storm & flood 🌊\nMayor Ann\u00a0Lee turned sirens on"
        assert [article.surface_of(token) for token in article.layers["tokens"]][3:6] == ["🌊", "Mayor", "Ann\u00a0Lee"]
        assert [article.surface_of(item) for item in article.layers["sentences"]] == article.text.split("\n")
        assert [item.id for item in article.layers["sentences"]] == ["0", "1"]
        assert article.layers["tokens"][4].line == line_of(STORM, "Mayor")
        assert article.found == []

    def test_what_is_said_of_the_document(self) -> None:
        article = read(STORM)
        assert (article.id, article.file) == ("7/7_1ecb", "ECB+/7/7_1ecb.xml")
        assert article.values == {"doc_name": "7_1ecb.xml", "doc_id": "DOC1", "lang": "en", "topic": "7"}

    def test_mentions(self) -> None:
        article = read(STORM)
        mentions = by_id(article, "mentions")
        assert {name: article.surface_of(item) for name, item in mentions.items()} == {
            "1": "Storm & flood",
            "2": "Mayor Ann\u00a0Lee",
            "3": "turned on",
            "4": "🌊",
        }
        assert len(mentions["1"].ranges) == 1
        assert len(mentions["3"].ranges) == 2
        assert mentions["2"].label == "HUMAN_PART_PER"
        assert mentions["1"].values == {"note": "byCROMER"}
        assert mentions["3"].line == line_of(STORM, 'm_id="3">')

    def test_tokens_in_a_row_are_one_range_over_the_end_of_a_sentence(self) -> None:
        anchors = '<LOC m_id="1"><token_anchor t_id="4"/><token_anchor t_id="5"/></LOC>'
        article = read(STORM.replace("<Markables>", f"<Markables>{anchors}").replace('m_id="1" note', 'm_id="71" note'))
        assert by_id(article, "mentions")["1"].ranges == ((14, 21),)

    def test_markables_without_tokens_are_instances(self) -> None:
        instances = by_id(read(STORM), "instances")
        assert (instances["50"].label, instances["50"].ranges) == ("ACTION_OCCURRENCE", ())
        assert instances["50"].values == {"RELATED_TO": "", "TAG_DESCRIPTOR": "t7_storm", "instance_id": "ACT1"}

    def test_coreference_makes_entities(self) -> None:
        entities = by_id(read(STORM), "entities")
        assert entities["900"].label == "ACTION_OCCURRENCE"
        assert entities["900"].values == {
            "members": [Ref("mentions", "4"), Ref("mentions", "1")],
            "instance": "ACT1",
            "cross_document": True,
            "descriptor": "t7_storm",
        }
        assert entities["901"].values == {
            "members": [Ref("mentions", "2")],
            "instance": "7/7_1ecb-901",
            "cross_document": False,
            "descriptor": "t7_mayor",
        }
        assert entities["901"].line == line_of(STORM, 'r_id="901"')

    def test_other_relations_have_head_and_tail(self) -> None:
        [relation] = read(STORM).layers["relations"]
        assert (relation.id, relation.label, relation.line) == ("902", "PLOT_LINK", line_of(STORM, "PLOT_LINK r_id"))
        assert relation.values == {
            "head": Ref("mentions", "1"),
            "tail": Ref("mentions", "3"),
            "relType": "FALLING_ACTION",
            "CAUSES": "TRUE",
        }

    def test_which_relations_are_coreference_can_be_said(self) -> None:
        article = read(STORM, coreference=["PLOT_LINK"])
        assert [item.id for item in article.layers["entities"]] == ["902"]
        by_label = Counter(item.label for item in article.layers["relations"])
        assert by_label == {"CROSS_DOC_COREF": 2, "INTRA_DOC_COREF": 1}
        assert [i.id for i in article.layers["relations"]] == ["900.1", "900.2", "901"]

    def test_references_to_instances_have_their_own_property(self) -> None:
        text = document(
            TOKENS,
            '<EVENT m_id="1"><token_anchor t_id="2"/></EVENT><TIMEX3 m_id="2" value="2024"/>',
            '<TLINK r_id="1"><source m_id="1"/><target m_id="2"/></TLINK>'
            '<REFERS_TO r_id="2"><source m_id="1"/><source m_id="2"/><target m_id="1"/></REFERS_TO>',
        )
        article = read(text)
        assert article.layers["relations"][0].values == {
            "head": Ref("mentions", "1"),
            "tail": None,
            "tail_instance": Ref("instances", "2"),
        }
        entity = article.layers["entities"][0]
        assert entity.values["members"] == [Ref("mentions", "1")]
        assert entity.values["member_instances"] == [Ref("instances", "2")]
        assert article.left_out == {"repeated members of an entity": 1}

    def test_what_is_shared_through_documents(self) -> None:
        for name, note, expected in (
            ("INTRA_DOC_COREF", "", ("7/7_1ecb-1", False)),
            ("REFERS_TO", ' note="byCROMER"', ("URI1", True)),
            ("CROSS_DOC_COREF", "", ("URI1", True)),
            ("CROSS_DOC_COREF", ' note="URI2"', ("URI2", True)),
        ):
            markables = '<E m_id="1"><token_anchor t_id="1"/></E><E m_id="2" instance_id="URI1"/>'
            relation = f'<{name} r_id="1"{note}><source m_id="1"/><target m_id="2"/></{name}>'
            [entity] = read(document(TOKENS, markables, relation)).layers["entities"]
            assert (entity.values["instance"], entity.values["cross_document"]) == expected
            assert entity.values.get("note") == ("byCROMER" if name == "REFERS_TO" else None)

    def test_attributes_cannot_take_the_place_of_what_an_item_has(self) -> None:
        text = document(TOKENS, '<E m_id="1" id="9" label="x" a-b="1" a_b="2"><token_anchor t_id="1"/></E>')
        assert read(text).layers["mentions"][0].values == {"id_": "9", "label_": "x", "a_b": "1", "a_b_": "2"}

    def test_characters_that_end_lines_elsewhere_are_kept(self) -> None:
        text = document('<token t_id="1" sentence="0" number="0">a\u0085b\u2028\t</token>')
        assert read(text).text == "a\u0085b\u2028\t"

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "windows-1252"])
    def test_the_file_says_its_encoding(self, encoding: str) -> None:
        head = f'<?xml version="1.0" encoding="{"utf-8" if encoding == "utf-8-sig" else encoding}"?>\n'
        text = document('<token t_id="1" sentence="0" number="0">Zoë</token>').replace("\n", "\r\n")
        assert read((head + text).encode(encoding)).text == "Zoë"


class TestDamage:
    def test_files_that_are_lost(self) -> None:
        assert lost("") == ("I011", 1)
        assert lost(STORM[: STORM.index("</Markables>")])[0] == "I011"
        assert lost("<?xml version='1.0'?>\n<TEI><text/></TEI>") == ("I001", 2)
        assert lost("<Document><chapter/></Document>") == ("I001", 1)
        assert lost("<Document><Markables/></Document>") == ("I004", 1)
        assert lost('<!DOCTYPE x [<!ENTITY a "b">]><Document><token t_id="1">x</token></Document>') == ("I011", 1)

    def test_an_entity_in_the_text_is_no_silent_loss(self) -> None:
        token = '<token t_id="1" sentence="0" number="0">a&nbsp;b</token>'
        assert lost(f"<!DOCTYPE x SYSTEM 'x.dtd'>\n{document(token)}") == ("I011", 3)

    def test_comments_in_tokens_are_not_text(self) -> None:
        assert read(document('<token t_id="1" sentence="0" number="0">a<!-- no -->b</token>')).text == "ab"

    def test_a_token_that_is_not_there(self) -> None:
        bad = '<E m_id="1">\n<token_anchor t_id="2"/>\n<token_anchor t_id="99"/></E>'
        good = '<E m_id="2"><token_anchor t_id="3"/></E><E m_id="3"><token_anchor/></E>'
        links = (
            '<L r_id="1"><source m_id="1"/><target m_id="2"/></L><L r_id="2"><source m_id="2"/><target m_id="2"/></L>'
        )
        text = document(TOKENS, bad + good, links)
        article = read(text)
        assert findings(article) == [("I003", line_of(text, 't_id="99"')), ("I003", line_of(text, "<token_anchor/>"))]
        assert list(by_id(article, "mentions")) == ["2"]
        assert list(by_id(article, "relations")) == ["2"], "no cascade: the relation goes with its markable"
        assert article.left_out == {"relations of markables that are not there or damaged": 1}

    def test_a_markable_that_is_not_there(self) -> None:
        bad = '<INTRA_DOC_COREF r_id="1">\n<source m_id="9"/><source m_id="1"/><target m_id="1"/></INTRA_DOC_COREF>'
        text = document(TOKENS, '<E m_id="1"><token_anchor t_id="1"/></E>', bad + '<L r_id="2"><source/><target/></L>')
        article = read(text)
        at = line_of(text, '<source m_id="9"/>')
        assert findings(article) == [("I003", at), ("I003", at), ("I003", at)]
        assert "entities" not in article.layers
        assert "relations" not in article.layers

    def test_ids_given_twice(self) -> None:
        tokens = TOKENS + '\n<token t_id="2" sentence="0" number="6">again</token>'
        twice = '<E m_id="1"><token_anchor t_id="2"/></E>\n<F m_id="1"><token_anchor t_id="3"/></F>'
        links = (
            '<L r_id="1"><source m_id="1"/><target m_id="1"/></L>\n<K r_id="1"><source m_id="1"/><target m_id="1"/></K>'
        )
        text = document(tokens, twice, links)
        article = read(text)
        assert findings(article) == [
            ("I006", line_of(text, "again")),
            ("I006", line_of(text, "<F m_id")),
            ("I006", line_of(text, "<K r_id")),
        ]
        assert article.text == "w1 w2 w3 w4 w5 again"
        assert article.layers["tokens"][-1].id == "2-2"
        [mention] = article.layers["mentions"]
        assert (mention.label, article.surface_of(mention)) == ("E", "w2")
        assert [item.label for item in article.layers["relations"]] == ["L"]

    def test_ids_not_given(self) -> None:
        tokens = TOKENS + "\n<token>six</token>"
        text = document(tokens, '<E>\n<token_anchor t_id="2"/></E>', '<L><source m_id="1"/></L>')
        article = read(text)
        assert findings(article) == [
            ("I002", line_of(text, "six")),
            ("I002", line_of(text, "<E>")),
            ("I002", line_of(text, "<L>")),
        ]
        assert article.text == "w1 w2 w3 w4 w5\nsix"

    def test_relations_with_ends_too_few_or_too_many(self) -> None:
        mention = '<E m_id="1"><token_anchor t_id="1"/></E>'
        links = '<L r_id="1"><source m_id="1"/></L>\n<INTRA_DOC_COREF r_id="2"><source m_id="1"/></INTRA_DOC_COREF>'
        text = document(TOKENS, mention, links)
        assert findings(read(text)) == [("I002", line_of(text, "<L r_id")), ("I002", line_of(text, "<INTRA"))]

    def test_an_entity_without_members_stays(self) -> None:
        text = document(
            TOKENS, '<E m_id="1"/>', '<CROSS_DOC_COREF r_id="1" note="A"><target m_id="1"/></CROSS_DOC_COREF>'
        )
        assert read(text).layers["entities"][0].values["members"] == []

    def test_anchors_out_of_order(self) -> None:
        text = document(
            TOKENS, '<E m_id="1"><token_anchor t_id="3"/>\n<token_anchor t_id="1"/><token_anchor t_id="3"/></E>'
        )
        article = read(text)
        assert article.layers["mentions"][0].ranges == ((0, 2), (6, 8))
        assert findings(article) == [("I020", line_of(text, "<E m_id"))]
        assert article.left_out == {"repeated tokens of a markable": 1}

    def test_tokens_out_of_order(self) -> None:
        lines = TOKENS.split("\n")
        text = document("\n".join([lines[0], lines[3], lines[1], lines[2], lines[4]]))
        article = read(text)
        assert article.text == "w1 w2 w3 w4 w5"
        assert findings(article) == [("I020", line_of(text, "w2"))]

    def test_tokens_whose_numbers_say_nothing_stay_as_they_stand(self) -> None:
        tokens = "".join(f'<token t_id="{n}" sentence="0" number="0">w{n}</token>' for n in (2, 1, 9 * 10**40))
        article = read(document(tokens))
        assert article.text == f"w2 w1 w{9 * 10**40}"
        assert article.found == []

    def test_sentences_that_come_back(self) -> None:
        tokens = "".join(
            f'<token t_id="{n}" sentence="{s}" number="0">w{n}</token>' for n, s in ((1, "a"), (2, "b"), (3, "a"))
        )
        article = read(document(tokens))
        assert article.text == "w1\nw2\nw3"
        assert [item.id for item in article.layers["sentences"]] == ["a", "b", "a-3"]

    def test_elements_that_are_unknown_are_counted(self) -> None:
        text = document(TOKENS, '<E m_id="1"><comment/><token_anchor t_id="1"/></E>', '<L r_id="1"><via/></L>')
        article = read(text.replace("</Document>", "<History/><History/></Document>"))
        assert article.left_out == {
            "elements <comment> in markables": 1,
            "elements <via> in relations": 1,
            "elements <History>": 2,
        }


words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.sampled_from("🌊é\u0301 \u00a0"), min_size=1
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(words, min_size=1, max_size=5), min_size=1, max_size=4), st.data())
def test_spans_are_their_tokens(sentences: list[list[str]], data: st.DataObject) -> None:
    flat = [word for sentence in sentences for word in sentence]
    lines, number = [], 0
    for s, sentence in enumerate(sentences):
        for n, word in enumerate(sentence):
            number += 1
            lines.append(f'<token t_id="{number}" sentence="{s}" number="{n}">{escape(word)}</token>')
    chosen = data.draw(st.sets(st.integers(1, number), min_size=1))
    anchors = "".join(f'<token_anchor t_id="{n}"/>' for n in sorted(chosen))
    article = read(document("\n".join(lines), f'<E m_id="1">{anchors}</E>'))
    assert article.text == "\n".join(" ".join(sentence) for sentence in sentences)
    assert [article.surface_of(token) for token in article.layers["tokens"]] == flat
    [mention] = article.layers["mentions"]
    assert article.surface_of(mention).replace("\n", " ") == " ".join(flat[n - 1] for n in sorted(chosen))
    gaps = sum(n + 1 not in chosen for n in chosen)
    assert len(mention.ranges) == gaps


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_damaged_files_never_raise(data: st.DataObject) -> None:
    lines = STORM.split("\n")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        action = data.draw(st.sampled_from(["drop", "repeat", "move", "number"]))
        if action == "drop" and len(lines) > 1:
            del lines[at]
        elif action == "repeat":
            lines.insert(at, lines[at])
        elif action == "move":
            lines.insert(0, lines.pop(at))
        else:
            lines[at] = lines[at].replace(data.draw(st.sampled_from("0123456789")), "77")
    for take in cat.TAKES:
        for found in cat.read(Path(), source_of(take), raw_of("\n".join(lines))):
            assert isinstance(found, Article | Diagnostic)
            if isinstance(found, Article):
                known = known_ids(found)
                for layer, items in found.layers.items():
                    assert len(known[layer]) == len(items)


class TestClusters:
    OTHER = STORM.replace("Storm", "Tempest").replace('doc_id="DOC1"', 'doc_id="DOC2"')

    def clusters(self, **beside: str) -> list[Article]:
        found = list(cat.read(Path(), source_of("clusters"), raw_of(STORM, **beside)))
        return [link for link in found if isinstance(link, Article)]

    def test_units(self) -> None:
        names = ["ECB+/10/10_1ecb.xml", "ECB+/7/7_1ecb.xml", "ECB+/7/7_2ecb.XML", "ECB+/README.txt"]
        assert [unit.files for unit in cat.units(source_of(), names)] == [(name,) for name in names[:3]]
        units = list(cat.units(source_of("clusters"), names))
        assert [unit.files for unit in units] == [(names[0],), (names[1], names[2])]

    def test_a_cluster_is_a_link_with_its_mentions(self) -> None:
        [link] = self.clusters(**{"7_2ecb": self.OTHER})
        assert (link.id, link.text) == ("7-ACT1", None)
        assert link.values == {
            "label": "ACTION_OCCURRENCE",
            "topic": "7",
            "instance": "ACT1",
            "descriptor": "t7_storm",
        }
        assert [(item.id, item.values) for item in link.layers["members"]] == [
            (str(number), {"article": article, "mention": Ref("mentions", mention, article)})
            for number, (article, mention) in enumerate(
                [("7/7_1ecb", "1"), ("7/7_1ecb", "4"), ("7/7_2ecb", "1"), ("7/7_2ecb", "4")], 1
            )
        ]
        place = link.place()
        assert (place.file, place.line) == ("ECB+/7/7_1ecb.xml", line_of(STORM, 'r_id="900"'))
        assert link.place(link.layers["members"][0]).line == line_of(STORM, 'm_id="1" note')
        assert link.layers["members"][2].line == 0, "the mention is in another file than the link"

    def test_of_one_document_it_is_a_cluster_too(self) -> None:
        [link] = self.clusters()
        assert len(link.layers["members"]) == 2

    def test_ids_are_those_that_articles_have(self) -> None:
        names = ["data/ECB+/7/7_1ecb.xml", "data/ECB+/7/7_2.b.xml"]
        for base in ("", "data/", "data/ECB+/", "data/ECB+/7/"):

            def raws(take: str, base: str = base) -> Iterator[RawRecord]:
                for unit in cat.units(source_of(take), names):
                    beside = dict.fromkeys(unit.files[1:], STORM.encode())
                    name = unit.name.removeprefix(base)
                    file = unit.files[0]
                    yield RawRecord(file=file, line=1, data=STORM.encode(), name=name, base=base, beside=beside)

            articles = [a for raw in raws("") for a in cat.read(Path(), source_of(), raw)]
            links = [a for raw in raws("clusters") for a in cat.read(Path(), source_of("clusters"), raw)]
            [link] = [link for link in links if isinstance(link, Article)]
            named = {item.values["article"] for item in link.layers["members"]}
            assert named == {article.id for article in articles if isinstance(article, Article)}
            assert link.id == ("data/ECB+/7-ACT1" if not base else "ECB+/7-ACT1" if base == "data/" else "7-ACT1")

    def test_a_damaged_file_does_not_take_the_folder_along(self) -> None:
        found = list(cat.read(Path(), source_of("clusters"), raw_of(STORM, **{"7_2ecb": "<Docu"})))
        [lost] = [one for one in found if isinstance(one, Diagnostic)]
        assert (lost.code, lost.place.file) == ("I011", "ECB+/7/7_2ecb.xml")
        assert len(found) == 2

    def test_an_instance_without_mentions_is_no_cluster(self) -> None:
        text = document(
            TOKENS, '<E m_id="1"/>', '<CROSS_DOC_COREF r_id="1" note="A"><target m_id="1"/></CROSS_DOC_COREF>'
        )
        assert list(cat.read(Path(), source_of("clusters"), raw_of(text))) == []

    def test_members_stand_by_file_and_then_by_token(self) -> None:
        ids = [item.values["mention"] for item in self.clusters()[0].layers["members"]]
        assert [ref.id for ref in ids if isinstance(ref, Ref)] == ["1", "4"], "the relation names 4 first"


def test_many_tokens_without_an_id_take_no_time() -> None:
    began = process_time()
    token = '<token sentence="0" number="0">Kim</token>'
    (article,) = cat.read(Path(), source_of(), raw_of(f"<Document>{token * 20_000}</Document>"))
    assert isinstance(article, Article)
    assert len({item.id for item in article.layers["tokens"]}) == len(article.found) == 20_000
    assert process_time() - began < 5  # a search for a free id from the first one on takes half a minute


def test_sniff() -> None:
    def sniff(head: bytes, *names: str) -> int:
        return cat.sniff(Sample(names=names or ("a.xml",), head=lambda name: head))

    assert sniff(STORM.encode()[:400]) > 90
    assert sniff(b'<Document doc_name="a"><token sentence="0" t_id="1">a') > 90
    assert sniff(b"<GateDocument><TextWithNodes>") == 0
    assert sniff(b"<Document><Paragraph>") == 0
    assert sniff(STORM.encode(), "a.json") == 0
    assert sniff(STORM.encode("utf-16")[:1001]) > 90
    assert sniff(STORM.encode(), "a.naf.cat") > 90
    others = dict.fromkeys("abcdefghi", b"<NAF/>")
    files = {f"{name}.xml": head for name, head in (others | {"z": STORM.encode(), "0": b""}).items()}
    assert cat.sniff(Sample(names=sorted(files), head=files.__getitem__)) > 90


@pytest.mark.skipif(not CORPORA.is_dir(), reason="the real corpora are not on this machine")
class TestEcbPlus:
    def raws(self, take: str) -> Iterator[RawRecord]:
        names = sorted(path.relative_to(ECB).as_posix() for path in ECB.rglob("*") if path.is_file())
        for unit in cat.units(source_of(take), names):
            data = {file: (ECB / file).read_bytes() for file in unit.files}
            first = unit.files[0]
            name = unit.name.removeprefix("ECB+/")
            yield RawRecord(file=first, line=1, data=data.pop(first), name=name, base="ECB+/", beside=data)

    def test_counts(self) -> None:
        counts: Counter[str] = Counter()
        topics = set()
        for raw in self.raws(""):
            for article in cat.read(Path(), source_of(), raw):
                assert isinstance(article, Article)
                assert article.text is not None
                assert article.found == []
                topics.add(article.values["topic"])
                counts["documents"] += 1
                counts["characters"] += len(article.text)
                counts.update({layer: len(items) for layer, items in article.layers.items()})
                counts.update(article.left_out)
                known = known_ids(article)
                for item in (item for items in article.layers.values() for item in items):
                    assert all(ref.id in known[ref.layer] for ref in item_refs(item))
                for mention in article.layers["mentions"]:
                    counts["actions"] += "ACTION" in (mention.label or "")
                    counts["discontinuous"] += len(mention.ranges) > 1
                for entity in article.layers.get("entities", ()):
                    counts["cross-document"] += entity.values["cross_document"] is True
        assert len(topics) == 28
        assert counts == {
            "documents": 663,
            "characters": 1_300_402,
            "tokens": 246_800,
            "sentences": 10_710,
            "mentions": 18_807,
            "actions": 8_582,
            "discontinuous": 61,  # and one that names the same token twice
            "repeated tokens of a markable": 1,
            "instances": 7_384,
            "entities": 7_384,
            "cross-document": 7_309,
        }

    def test_clusters(self) -> None:
        mentions = {}
        for raw in self.raws(""):
            for article in cat.read(Path(), source_of(), raw):
                assert isinstance(article, Article)
                mentions[article.id] = {item.id for item in article.layers["mentions"]}
        links: list[Article] = []
        for raw in self.raws("clusters"):
            for link in cat.read(Path(), source_of("clusters"), raw):
                assert isinstance(link, Article)
                links.append(link)
        documents: dict[object, set[object]] = {}
        for link in links:
            for item in link.layers["members"]:
                ref = item.values["mention"]
                assert isinstance(ref, Ref)
                assert ref.id in mentions[str(ref.article)]
                documents.setdefault(link.values["instance"], set()).add(ref.article)
        assert len(documents) == 1_596
        assert sum(len(articles) > 1 for articles in documents.values()) == 1_173
        assert len({link.id for link in links}) == len(links) == 1_597, "one instance is in topics 2 and 4"
