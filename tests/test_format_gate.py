"""GATE XML and bdoc: nodes, units, sets as passes, typed features, the four encodings, what is damaged and where."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import CORPORA
from copydesk.articles.model import Article, Item, Ref
from copydesk.articles.units import Sample
from copydesk.diagnostics import Diagnostic
from copydesk.importers import gate
from copydesk.project import Source
from copydesk.sources import RawRecord

GATE = CORPORA / "gate-fixtures"

TRAIN = """\
<?xml version='1.0' encoding='utf-8'?>
<GateDocument version="3">
<!-- The document's features-->
<GateDocumentFeatures>
<Feature>
  <Name className="java.lang.String">gate.SourceURL</Name>
  <Value className="java.lang.String">https://news.example/7</Value>
</Feature>
</GateDocumentFeatures>
<TextWithNodes><Node id="100"/>The 🚆 left <Node id="13"/>K\u00f6ln<!-- here -->\u00a0&amp; \
<Node id="20"/>Bonn<Node id="24"/>.<Node id="25"/>
</TextWithNodes>
<AnnotationSet>
<Annotation Id="5" Type="Location" StartNode="20" EndNode="24">
</Annotation>
<Annotation Id="4" Type="Location" StartNode="13" EndNode="24">
<Feature>
  <Name className="java.lang.String">loc type </Name>
  <Value className="java.lang.String">cities</Value>
</Feature>
</Annotation>
<Annotation Id="1" Type="Token" StartNode="20" EndNode="24"/>
<Annotation Id="2" Type="Token" StartNode="13" EndNode="20"/>
<Annotation Id="3" Type="SpaceToken" StartNode="100" EndNode="13"/>
<Annotation Id="9" Type="Sentence" StartNode="100" EndNode="25"/>
<Annotation Id="11" Type="Named Entity" StartNode="100" EndNode="25"/>
</AnnotationSet>
<AnnotationSet Name="Original markups">
<Annotation Id="6" Type="p" StartNode="100" EndNode="25"/>
</AnnotationSet>
<AnnotationSet Name="Key">
<Annotation Id="7" Type="Location" StartNode="13" EndNode="20"/>
<Annotation Id="8" Type="Location" StartNode="20" EndNode="24"/>
</AnnotationSet>
<RelationSet>
<Relation Id="10" Type="near" Members="4;5">
<UserData></UserData>
<Feature>
  <Name className="java.lang.String">km</Name>
  <Value className="java.lang.Integer">25</Value>
</Feature>
</Relation>
</RelationSet>
</GateDocument>
"""


def read_all(data: str | bytes, file: str = "a/train.xml", **options: Any) -> list[Article | Diagnostic]:
    source = Source(kind="article", paths=("x",), format="gate", options=options)
    raw = RawRecord(file=file, line=1, data=data.encode() if isinstance(data, str) else data, name="train")
    return [found for found in gate.read(Path(), source, raw) if isinstance(found, Article | Diagnostic)]


def read(data: str | bytes, file: str = "a/train.xml", **options: Any) -> Article:
    [found] = read_all(data, file, **options)
    assert isinstance(found, Article), found
    return found


def lost(data: str | bytes, file: str = "a/train.xml") -> tuple[str, int | None]:
    [found] = read_all(data, file)
    assert isinstance(found, Diagnostic), found
    assert found.place.file == file
    return found.code, found.place.line


def findings(article: Article) -> list[tuple[str, int | None]]:
    return [(found.code, found.place.line) for found in article.found]


def by_id(article: Article, layer: str) -> dict[str, Item]:
    return {item.id: item for item in article.layers.get(layer, ())}


def line_of(text: str, part: str) -> int:
    assert text.count(part) == 1, part
    return text[: text.index(part)].count("\n") + 1


def with_value(value: str) -> str:
    """The document with another value for its feature."""
    return TRAIN.replace('<Value className="java.lang.String">cities</Value>', value)


def feature(value: str) -> Any:
    article = read(with_value(value))
    assert article.found == []
    return by_id(article, "Location")["4"].values["loc_type"]


def wrapped(inner: str) -> str:
    text = f"<?xml version='1.1'?><gate.corpora.ObjectWrapper>{inner}</gate.corpora.ObjectWrapper>"
    return f'<Value className="gate.corpora.ObjectWrapper"><![CDATA[{text}]]></Value>'


class TestXml:
    def test_nodes_are_where_they_stand_whatever_their_numbers(self) -> None:
        article = read(TRAIN)
        assert article.text == "The 🚆 left Köln\u00a0& Bonn.\n"
        assert article.unit == "code points"
        locations = by_id(article, "Location")
        assert {name: article.surface_of(item) for name, item in locations.items()} == {
            "4": "Köln\u00a0& Bonn",
            "5": "Bonn",
        }
        assert locations["4"].line == line_of(TRAIN, 'Id="4"')
        assert locations["4"].label is None
        assert article.found == []

    def test_layers(self) -> None:
        article = read(TRAIN)
        assert {name: len(items) for name, items in article.layers.items()} == {
            "Location": 2,
            "tokens": 2,
            "sentences": 1,
            "Named_Entity": 1,
            "relations": 1,
        }
        assert [item.id for item in article.layers["tokens"]] == ["2", "1"], "in order of the text"
        assert article.left_out == {
            "space tokens": 1,
            "annotations of the set Original markups": 1,
            "annotations of the set Key": 2,
        }

    def test_features_have_names_that_are_identifiers(self) -> None:
        article = read(TRAIN)
        assert article.values == {"gate_SourceURL": "https://news.example/7"}
        assert by_id(article, "Location")["4"].values == {"loc_type": "cities"}

    def test_types_can_be_labels_of_mentions(self) -> None:
        article = read(TRAIN, mentions=["Location", "Named Entity"])
        assert [(item.id, item.label) for item in article.layers["mentions"]] == [
            ("5", "Location"),
            ("4", "Location"),
            ("11", "Named Entity"),
        ]
        assert "Location" not in article.layers

    def test_relations(self) -> None:
        [relation] = read(TRAIN).layers["relations"]
        assert (relation.label, relation.line) == ("near", line_of(TRAIN, "<Relation Id"))
        members = [{"Location": Ref("Location", "4")}, {"Location": Ref("Location", "5")}]
        assert relation.values == {"members": members, "km": 25}
        [relation] = read(TRAIN, mentions=["Location"]).layers["relations"]
        assert relation.values["head"] == Ref("mentions", "4")
        assert relation.values["tail"] == Ref("mentions", "5")

    def test_what_items_have_is_not_overwritten_by_features(self) -> None:
        for name in ("id", "start", "end", "fragments"):
            article = read(TRAIN.replace("loc type ", name))
            assert by_id(article, "Location")["4"].values == {f"{name}_": "cities"}
        assert by_id(read(TRAIN.replace("loc type ", "label")), "Location")["4"].values == {"label": "cities"}
        article = read(TRAIN.replace("loc type ", "label"), mentions=["Location"])
        assert by_id(article, "mentions")["4"].values == {"label_": "cities"}

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ('<Value className="java.lang.Integer">-7</Value>', -7),
            ('<Value className="java.lang.Long">8</Value>', 8),
            ('<Value className="java.lang.Boolean">true</Value>', True),
            ('<Value className="java.lang.Double">0.5</Value>', 0.5),
            ('<Value className="java.math.BigDecimal">3</Value>', 3.0),
            ('<Value className="java.util.ArrayList" itemClassName="java.lang.Integer">1;2</Value>', [1, 2]),
            ('<Value className="java.util.HashSet">a;b</Value>', ["a", "b"]),
            ('<Value className="java.util.ArrayList"></Value>', []),
            ('<Value className="org.example.Odd">as it stands</Value>', "as it stands"),
            ("<Value>no class</Value>", "no class"),
            (wrapped('<value class="list"><int>1</int><int>2</int></value>'), [1, 2]),
            (wrapped('<value class="tree-set"><no-comparator/><string>a</string></value>'), ["a"]),
            (wrapped('<value class="linked-hash-map"/>'), {}),
            (wrapped('<value class="string-array"/>'), []),
            (wrapped('<value class="date">2024-02-06 16:14:21.7 UTC</value>'), "2024-02-06 16:14:21.7 UTC"),
            (
                wrapped(
                    '<value class="map"><entry><string>k</string><list><int>1</int></list></entry>'
                    '<entry><int>2</int><list reference="../../entry[1]/list"/></entry></value>'
                ),
                {"k": [1], "2": [1]},
            ),
            (wrapped('<value class="object-array"><string>a</string><int>0</int><null/></value>'), ["a", "0", None]),
            (wrapped('<value class="list"><int>1</int><double>2.5</double></value>'), [1.0, 2.5]),
        ],
    )
    def test_values_have_the_type_that_is_declared(self, value: str, expected: object) -> None:
        got = feature(value)
        assert got == expected
        assert type(got) is type(expected)

    def test_mixed_lists_are_counted(self) -> None:
        article = read(with_value(wrapped('<value class="list"><string>a</string><boolean>true</boolean></value>')))
        assert by_id(article, "Location")["4"].values["loc_type"] == ["a", "true"]
        assert article.left_out["item types of lists of several types"] == 1

    @pytest.mark.parametrize(
        "value",
        [
            '<Value className="java.lang.Integer">seven</Value>',
            wrapped('<value class="list"><list reference="../../nowhere"/></value>'),
            wrapped('<value class="map"><entry><string>k</string></entry></value>'),
            wrapped('<value class="list">').replace("</gate.corpora.ObjectWrapper>]]", "]]"),
        ],
    )
    def test_a_damaged_feature_does_not_take_the_annotation_along(self, value: str) -> None:
        article = read(with_value(value))
        assert findings(article) == [("I002", line_of(TRAIN, "loc type") - 1)]
        assert by_id(article, "Location")["4"].values == {}

    def test_values_that_expand_without_end_are_counted(self) -> None:
        levels = "".join(
            f'<list><list reference="../../list[{n}]"/><list reference="../../list[{n}]"/></list>' for n in range(1, 60)
        )
        article = read(with_value(wrapped(f'<value class="list"><list><int>1</int></list>{levels}</value>')))
        assert article.left_out["features that are too large"] == 1
        circle = wrapped('<value class="list"><list reference="../../value"/></value>')
        assert read(with_value(circle)).left_out["features that are too large"] == 1
        assert (
            read(with_value('<Value className="java.lang.Double">NaN</Value>')).left_out[
                "features that are no finite numbers"
            ]
            == 1
        )
        wide = '<Value className="java.math.BigInteger">18446744073709551615</Value>'
        assert read(with_value(wide)).left_out["features that are numbers beyond 64 bits"] == 1

    def test_text_of_several_kinds(self) -> None:
        text = (
            "<TextWithNodes>a\u0085b\u2028<![CDATA[<c>]]><Node id='0'/>&#13;\n<b>bold</b><Node id='1'/></TextWithNodes>"
        )
        annotations = "<AnnotationSet><Annotation Id='1' Type='T' StartNode='0' EndNode='1'/></AnnotationSet>"
        xml = f"<GateDocument>{text}{annotations}</GateDocument>"
        article = read(xml)
        assert article.text == "a\u0085b\u2028<c>\r\nbold"
        assert article.surface_of(article.layers["T"][0]) == "\r\nbold"
        assert article.left_out == {"elements <b> in the text": 1}

    def test_old_files_without_ids(self) -> None:
        article = read(TRAIN.replace(' Id="4"', "").replace(' Id="5"', ""))
        assert [item.id for item in article.layers["Location"]] == ["m1", "m2"]

    def test_byte_order_mark_and_encoding(self) -> None:
        assert read(TRAIN.encode("utf-8-sig")).text == read(TRAIN).text
        latin = TRAIN.replace("utf-8", "iso-8859-1").replace("🚆", "bus").encode("iso-8859-1")
        assert read(latin).text == "The bus left Köln\u00a0& Bonn.\n"
        assert read(TRAIN.replace("\n", "\r\n")).text == read(TRAIN).text, "XML has one line end"


class TestDamagedXml:
    def test_files_that_are_lost(self) -> None:
        assert lost("") == ("I011", 1)
        assert lost(TRAIN[:900])[0] == "I011"
        assert lost("<?xml version='1.0'?>\n<document>text</document>") == ("I001", 2)
        assert lost("<GateDocument>\n<AnnotationSet/></GateDocument>") == ("I004", 1)
        assert lost("<GateDocument><TextWithNodes/><TextWithNodes/></GateDocument>") == ("I001", 1)
        assert lost('<!DOCTYPE x [<!ENTITY a "b">]><GateDocument><TextWithNodes/></GateDocument>') == ("I011", 1)
        entity = "<!DOCTYPE x SYSTEM 'x.dtd'><GateDocument>\n<TextWithNodes>a&nbsp;b</TextWithNodes></GateDocument>"
        assert lost(entity) == ("I011", 2)

    def test_a_node_that_is_not_there(self) -> None:
        text = TRAIN.replace('Id="4" Type="Location" StartNode="13"', 'Id="4" Type="Location" StartNode="77"')
        article = read(text)
        at = line_of(text, 'Id="4"')
        assert findings(article) == [("I003", at), ("I003", line_of(text, "<Relation Id"))]
        assert list(by_id(article, "Location")) == ["5"]

    def test_nodes_without_id_or_in_two_places(self) -> None:
        text = TRAIN.replace('left <Node id="13"/>', 'left <Node id="13"/><Node/>').replace(
            '.<Node id="25"/>', '.<Node id="25"/>\n<Node id="13"/>'
        )
        article = read(text)
        assert [code for code, _ in findings(article)] == ["I002", "I006"]
        assert article.surface_of(by_id(article, "Location")["4"]) == "Köln\u00a0& Bonn"

    def test_annotations_without_what_they_need(self) -> None:
        for gone in (
            ' Type="Named Entity"',
            ' StartNode="100" EndNode="25"/>\n</AnnotationSet>\n<AnnotationSet Name="Orig',
        ):
            new = '/>\n</AnnotationSet>\n<AnnotationSet Name="Orig' if "Orig" in gone else ""
            article = read(TRAIN.replace(gone, new))
            assert findings(article) == [("I002", line_of(TRAIN, 'Id="11"'))]
            assert "Named_Entity" not in article.layers

    def test_ids_given_twice(self) -> None:
        article = read(TRAIN.replace('Id="11"', 'Id="4"').replace('Relation Id="10"', 'Relation Id="5"'))
        assert findings(article) == [
            ("I006", line_of(TRAIN, 'Id="11"')),
            ("I006", line_of(TRAIN, "<Relation Id")),
        ]

    def test_relations_that_are_damaged(self) -> None:
        at = line_of(TRAIN, "<Relation Id")
        assert findings(read(TRAIN.replace("4;5", "4;99"))) == [("I003", at)]
        assert findings(read(TRAIN.replace(' Members="4;5"', ""))) == [("I002", at)]
        article = read(TRAIN.replace("4;5", "4;3"))
        assert article.left_out["relations of annotations that were left out"] == 1
        assert "relations" not in article.layers

    def test_what_is_wrong_in_sets_that_are_not_read_is_not_reported(self) -> None:
        text = TRAIN.replace('Id="7" Type="Location" StartNode="13"', 'Id="7" Type="Location" StartNode="77"')
        assert findings(read(text)) == []
        assert findings(read(text, set="Key")) == [("I003", line_of(text, 'Id="7"'))]

    def test_unknown_elements_are_counted(self) -> None:
        text = TRAIN.replace("</GateDocument>", "<Extra/></GateDocument>").replace(
            "<RelationSet>", "<AnnotationSet><x/></AnnotationSet><RelationSet>"
        )
        left_out = read(text).left_out
        assert left_out["elements <Extra>"] == 1
        assert left_out["elements <x> in annotation sets"] == 1


def bdoc(**changes: Any) -> dict[str, Any]:
    text = "The 🚆 left Köln."
    annotations = [
        {"type": "Location", "start": 12, "end": 16, "id": 0, "features": {"kind": "city", "n": 1}},
        {"type": "Vehicle", "start": 4, "end": 6, "id": 1, "features": None},
    ]
    sets = {"": {"name": "", "annotations": annotations, "next_annid": 2}}
    document = {"text": text, "features": {"lang": "de"}, "annotation_sets": sets, "offset_type": "j", "name": "doc 7"}
    return {**document, **changes}


def with_annotation(annotation: object, **changes: Any) -> dict[str, Any]:
    return bdoc(annotation_sets={"": {"annotations": [annotation]}}, **changes)


def pack(value: Any) -> bytes:
    """One MessagePack value."""
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int):
        if 0 <= value < 128:
            return bytes([value])
        return struct.pack(">b", value) if -32 <= value < 0 else b"\xd3" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        data = value.encode()
        head = bytes([0xA0 | len(data)]) if len(data) < 32 else b"\xda" + struct.pack(">H", len(data))
        return head + data
    if isinstance(value, Mapping):
        return bytes([0x80 | len(value)]) + b"".join(pack(k) + pack(v) for k, v in value.items())
    return b"\xdc" + struct.pack(">H", len(value)) + b"".join(map(pack, value))


def packed(document: Mapping[str, Any], version: str = "sm2") -> bytes:
    sets = document["annotation_sets"]
    parts = [version, document["offset_type"], document["text"]]
    parts += [document.get("name")] if version == "sm2" else []
    parts += [document["features"], len(sets)]
    for name, one in sets.items():
        parts += [name, 100, len(one["annotations"])]
        for annotation in one["annotations"]:
            parts += [annotation[key] for key in ("type", "start", "end", "id", "features")]
    return b"".join(map(pack, parts))


def shape(article: Article) -> Any:
    layers = {name: [(i.id, i.ranges, i.label, i.values) for i in items] for name, items in article.layers.items()}
    return article.text, article.values, layers


class TestBdoc:
    def test_java_counts_utf_16(self) -> None:
        article = read(json.dumps(bdoc()), "a/train.bdocjs")
        assert article.unit == "UTF-16 units"
        assert article.surface_of(by_id(article, "Location")["0"]) == "Köln"
        assert article.surface_of(by_id(article, "Vehicle")["1"]) == "🚆"
        assert by_id(article, "Location")["0"].values == {"kind": "city", "n": 1}
        assert by_id(article, "Location")["0"].pointer == "/annotation_sets//annotations/0"
        assert article.values == {"document_name": "doc 7", "lang": "de"}

    def test_python_counts_code_points(self) -> None:
        article = read(json.dumps(bdoc(offset_type="p")), "a/train.bdocjs")
        assert article.surface_of(by_id(article, "Location")["0"]) == "öln."

    def test_an_undeclared_unit_is_decided_by_the_strings_of_tokens(self) -> None:
        for start, expected in ((12, "UTF-16 units"), (11, "code points")):
            token = {"type": "Token", "start": start, "end": start + 4, "id": 0, "features": {"string": "Köln"}}
            article = read(json.dumps(with_annotation(token, offset_type=None)), "a/train.bdocjs")
            assert article.unit == expected
            assert article.surface_of(article.layers["tokens"][0]) == "Köln"

    def test_an_offset_inside_a_character(self) -> None:
        article = read(json.dumps(with_annotation({"type": "T", "start": 0, "end": 5, "id": 0})), "a/t.bdocjs")
        assert [(f.code, f.place.pointer) for f in article.found] == [("I019", "/annotation_sets//annotations/0")]

    def test_offsets_outside_the_text_stay_outside(self) -> None:
        for start, end, expected in ((0, 18, (0, 17)), (18, 20, (17, 19)), (-2, 3, (-2, 3)), (6, 4, (5, 4))):
            document = with_annotation({"type": "T", "start": start, "end": end, "id": 0})
            assert read(json.dumps(document), "a/t.bdocjs").layers["T"][0].ranges == (expected,)

    @pytest.mark.parametrize("version", ["sm1", "sm2"])
    def test_the_four_encodings_say_the_same(self, version: str) -> None:
        document = bdoc(name="" if version == "sm1" else "doc 7")
        wanted = shape(read(json.dumps(document), "a/train.bdocjs"))
        dumped = yaml.safe_dump(document, allow_unicode=True)
        assert shape(read(dumped, "a/train.bdocym")) == wanted
        assert shape(read(packed(document, version), "a/train.bdocmp")) == wanted
        assert shape(read(gzip.compress(json.dumps(document).encode(), mtime=0), "a/train.bdocjs.gz")) == wanted
        assert shape(read(gzip.compress(dumped.encode(), mtime=0), "a/train.bdocym.gz")) == wanted
        assert shape(read(pack(bdoc(name=document["name"])), "a/train.bdocmp")) == wanted

    def test_lines_of_yaml(self) -> None:
        text = yaml.safe_dump(with_annotation({"type": "T", "start": "x", "end": 3, "id": 0}))
        assert findings(read(text, "a/train.bdocym")) == [("I002", line_of(text, "- end: 3"))]

    def test_sets_can_be_a_list(self) -> None:
        one = [{"type": "T", "start": 0, "end": 3, "id": 0}]
        article = read(json.dumps(bdoc(annotation_sets=[{"name": "Key", "annotations": one}])), "a/t.bdocjs")
        assert (article.annotator, article.surface_of(article.layers["T"][0])) == ("Key", "The")

    def test_a_byte_order_mark(self) -> None:
        assert read(json.dumps(bdoc()).encode("utf-8-sig"), "a/t.bdocjs").text == bdoc()["text"]
        assert read(json.dumps(bdoc()).encode("utf-16"), "a/t.bdocjs").text == bdoc()["text"]

    def test_numbers_that_json_cannot_hold_cost_their_feature_only(self) -> None:
        features = (
            '{"orth": 18446744073709551615, "prob": NaN, "low": -Infinity, '
            '"fits": 9223372036854775807, "s": "NaN 99999999999999999999"}'
        )
        text = json.dumps(bdoc()).replace('{"kind": "city", "n": 1}', features)
        article = read(text, "a/t.bdocjs")
        values = {"fits": 9223372036854775807, "s": "NaN 99999999999999999999"}
        assert by_id(article, "Location")["0"].values == values
        assert article.left_out == {
            "features that are numbers beyond 64 bits": 1,
            "features that are no finite numbers": 2,
        }

    def test_features_of_other_types(self) -> None:
        text = yaml.safe_dump(bdoc()).replace(
            "lang: de",
            f"lang: de\n  day: 2024-02-06\n  1: a\n  '1': b\n  raw: !!binary aGk=\n  big: {9**30}\n  nan: .nan",
        )
        article = read(text, "a/t.bdocym")
        assert article.values == {"document_name": "doc 7", "lang": "de", "day": "2024-02-06", "_1": "a", "_1_": "b"}
        assert sum(article.left_out.values()) == 3

    def test_yaml_that_expands_without_end(self) -> None:
        bomb = "\n".join(f"  x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9) if n else '1'}]" for n in range(12))
        text = yaml.safe_dump(bdoc()).replace("  lang: de", bomb + "\n  me: &me [*me]")
        assert read(text, "a/t.bdocym").left_out["features that are too large"] == 8

    def test_technical_and_unknown_properties(self) -> None:
        document = with_annotation(
            {"type": "T", "start": 0, "end": 3, "id": 0, "gatenlp_type": "A", "colour": 1}, repr_version="1", shape=1
        )
        article = read(json.dumps(document), "a/t.bdocjs")
        assert article.left_out == {"properties colour of annotations": 1, "properties shape": 1}


class TestDamagedBdoc:
    @pytest.mark.parametrize(
        ("file", "data", "expected"),
        [
            ("t.bdocjs", "", ("S003", 1)),
            ("t.bdocjs", '{\n"text": "a",,}', ("S003", 2)),
            ("t.bdocjs", '{\n"text": "a",\n"text": "b"}', ("S004", 3)),
            ("t.bdocjs", '{"text": "a",\n"n": 1e999}', ("S005", 2)),
            ("t.bdocjs", b'{"text":\n"\xff"}', ("S002", 2)),
            ("t.json", "[1]", ("I001", 1)),
            ("t.json", '{"changes": []}', ("I001", 1)),
            ("t.bdocjs", '{"annotation_sets": {}}', ("I004", 1)),
            ("t.bdocjs", '{"text": "a", "offset_type": "b"}', ("I001", 1)),
            ("t.bdocym", "text: a\nb: [", ("I001", 2)),
            ("t.bdocym", "text: a\nfeatures:\n  x: 1\n  x: 2", ("I001", 4)),
            ("t.bdocym", "text: a\nx: !!python/object:os.system {}", ("I001", 2)),
            ("t.bdocym", "text: a\nx: !!int ''", ("I001", 1)),
            ("t.bdocym", "text: a\nx: !!timestamp ''", ("I001", 1)),
            ("t.bdocym", "text: \x07", ("I001", 1)),
            ("t.bdocym", "[" * 5000, ("I001", 1)),
            ("t.bdocym", "", ("I001", 1)),
            ("t.bdocmp", b"", ("I001", 1)),
            ("t.bdocmp", b"\xa3sm9", ("I001", 1)),
            ("t.bdocmp", b"\xa3sm2\xc1", ("I001", 1)),
            ("t.bdocmp", b"\xa3sm2\xa2\xff\xff", ("I001", 1)),
            ("t.bdocmp", b"\xa3sm2" + b"\x91" * 5000, ("I001", 1)),
            ("t.bdocmp", b"\xdd\xff\xff\xff\xff", ("I001", 1)),
            ("t.bdocmp", b"\x82\xa4text\xa1a\xa4text\xa1b", ("I001", 1)),
            ("t.bdocjs.gz", gzip.compress(b"{}", mtime=0)[:-9], ("I010", None)),
        ],
    )  # fmt: skip
    def test_files_that_are_lost(self, file: str, data: str | bytes, expected: tuple[str, int | None]) -> None:
        assert lost(data, file) == expected

    @pytest.mark.parametrize(
        "annotation",
        [
            None,
            [],
            {"start": 0, "end": 1, "id": 0},
            {"type": "T", "end": 1, "id": 0},
            {"type": "T", "start": True, "end": 1, "id": 0},
            {"type": "T", "start": 0.5, "end": 1, "id": 0},
            {"type": "T", "start": 0, "end": 1, "id": [0]},
            {"type": "T", "start": 0, "end": 1, "id": 0, "features": []},
        ],
    )
    def test_annotations_that_are_damaged(self, annotation: object) -> None:
        article = read(json.dumps(with_annotation(annotation)), "a/t.bdocjs")
        assert [(f.code, f.place.pointer) for f in article.found] == [("I002", "/annotation_sets//annotations/0")]
        assert article.layers == {}

    def test_ids(self) -> None:
        annotations = [{"type": "T", "start": 0, "end": n, "id": n // 2} for n in range(1, 4)] + [
            {"type": "T", "start": 0, "end": 9}
        ]
        article = read(json.dumps(bdoc(annotation_sets={"": {"annotations": annotations}})), "a/t.bdocjs")
        assert [(item.id, item.ranges) for item in article.layers["T"]] == [
            ("0", ((0, 1),)),
            ("1", ((0, 2),)),
            ("m1", ((0, 8),)),
        ]
        assert [(f.code, f.place.pointer) for f in article.found] == [("I006", "/annotation_sets//annotations/2")]

    @pytest.mark.parametrize("sets", [5, {"": 5}, {"": {"annotations": {}}}, [5]])
    def test_sets_that_are_none(self, sets: object) -> None:
        article = read(json.dumps(bdoc(annotation_sets=sets)), "a/t.bdocjs")
        assert [f.code for f in article.found] == ["I002"]

    def test_features_that_are_none(self) -> None:
        assert [f.code for f in read(json.dumps(bdoc(features=[1])), "a/t.bdocjs").found] == ["I002"]
        assert read(json.dumps(bdoc(features=None)), "a/t.bdocjs").found == []

    def test_bytes_after_the_end(self) -> None:
        assert [f.code for f in read(packed(bdoc()) + b"\x01\x01", "a/t.bdocmp").found] == ["I002"]

    def test_every_cut_of_a_file_is_a_finding(self) -> None:
        for file, data in (("t.bdocmp", packed(bdoc())), ("t.bdocjs", json.dumps(bdoc()).encode())):
            for end in range(len(data)):
                [found] = read_all(data[:end], file)
                assert isinstance(found, Diagnostic)


TWEETISH: dict[str, Any] = {
    "text": "Mayor 🚆 Ida of A&amp;B left Köln",
    "entities": {
        "Person": [{"indices": [9, 12], "gender": "f"}],
        ":Org": [{"indices": [16, 23], "id": 3}],
        "Key:Location": [{"indices": [29, 33]}],
    },
    "lang": "en",
    "id": 7,
}


def entities(**given: Any) -> str:
    return json.dumps({**TWEETISH, **given})


class TestEntities:
    def test_types_are_layers_and_colons_name_sets(self) -> None:
        article = read(entities(), "a.json")
        assert (article.id, article.text) == ("train", "Mayor 🚆 Ida of A&B left Köln")
        assert (article.unit, article.annotator, article.found) == ("UTF-16 units", None, [])
        found = {name: [(article.surface_of(i), i.values) for i in items] for name, items in article.layers.items()}
        assert found == {"Person": [("Ida", {"gender": "f"})], "Org": [("A&B", {"id_": 3})]}
        assert article.values == {"lang": "en", "id_": 7}
        assert article.left_out == {"annotations of the set Key": 1}
        key = read(entities(), "a.json", set="Key")
        assert [key.surface_of(item) for item in key.layers["Location"]] == ["Köln"]

    def test_tokens_say_what_offsets_count(self) -> None:
        token = [{"indices": [8, 11], "string": "Ida"}]
        article = read(entities(entities={"Token": token, "hashtags": [{"indices": [6, 7], "text": "x"}]}), "a.json")
        assert (article.unit, article.surface_of(article.layers["tokens"][0])) == ("code points", "Ida")
        assert article.surface_of(article.layers["hashtags"][0]) == "🚆"

    def test_damage_costs_the_annotation_and_has_a_pointer(self) -> None:
        wrong = [{"indices": [9]}, {"indices": [True, 2]}, {"indices": "9"}, {}, 5, {"indices": [9, 12]}]
        article = read(entities(entities={"Person": wrong, "Org": 3, "X": [{"indices": [18, 23]}]}), "a.json")
        assert [(d.code, d.place.pointer) for d in article.found] == [
            *[("I002", f"/entities/Person/{n}") for n in range(5)],
            ("I002", "/entities/Org"),
            ("I019", "/entities/X/0"),
        ]
        assert [article.surface_of(item) for item in article.layers["Person"]] == ["Ida"]
        assert [d.code for d in read(entities(entities=[]), "a.json").found] == ["I002"]

    def test_several_documents_in_a_file(self) -> None:
        other = entities(text="Bo left", entities={"Person": [{"indices": [0, 2]}]}, id=8)
        for data in (f"{entities()}\n\n{other}\n", f"[{entities()}, {other}]"):
            one, two = [a for a in read_all(data, "a.json") if isinstance(a, Article)]
            assert (one.id, two.id) == ("7", "8")
            assert [two.surface_of(item) for item in two.layers["Person"]] == ["Bo"]
        nameless = [f"{entities(id=None)}\n", f"{entities(id=None, text='x')}\n", f"{entities(id=None)}\n"]
        ids = [a.id for a in read_all("".join(nameless), "a.jsonl") if isinstance(a, Article)]
        assert len(set(ids)) == 3
        assert [a.id for a in read_all("".join(nameless[1:]), "a.jsonl") if isinstance(a, Article)] == [ids[1], ids[0]]

    def test_a_line_is_a_document_and_a_place(self) -> None:
        bad = entities(id=9, entities={"Person": [{"indices": [1]}]})
        lines = [entities(), '{"entities": {}}', bad, entities()[:50], json.dumps(bdoc()), '{"a": 1}']
        found = read_all("\n".join(lines), "a.jsonl")
        assert [(one.code, one.place.line) for one in found if isinstance(one, Diagnostic)] == [
            ("I004", 2),
            ("S003", 4),
            ("I001", 6),
        ]
        articles = [one for one in found if isinstance(one, Article)]
        assert [article.line for article in articles] == [1, 3, 5]
        assert [(d.code, d.place.line, d.place.pointer) for d in articles[1].found] == [
            ("I002", 3, "/entities/Person/0")
        ]
        assert all(item.line == 5 for items in articles[2].layers.values() for item in items)

    def test_what_is_lost_as_a_whole(self) -> None:
        assert lost('{"entities": {}}', "a.json") == ("I004", 1)

        [one] = read_all("[1]", "a.json")
        assert isinstance(one, Diagnostic)
        assert (one.code, one.place.pointer) == ("I001", "/0")
        assert lost(entities()[:-5], "a.json")[1] == 1

    @settings(max_examples=60, deadline=None)
    @given(st.text(st.sampled_from("a&<>🚆é;mpltg"), max_size=12), st.data())
    def test_offsets_follow_the_characters(self, text: str, data: st.DataObject) -> None:
        at = st.integers(0, len(text))
        spans = [tuple(sorted(pair)) for pair in data.draw(st.lists(st.tuples(at, at), max_size=4))]

        def units(part: str) -> int:
            return len(escape(part).encode("utf-16-le")) // 2

        given = [{"indices": [units(text[:start]), units(text[:end])]} for start, end in spans]
        article = read(json.dumps({"text": escape(text), "entities": {"X": given}}), "a.json")
        assert (article.text, article.found) == (text, [])
        assert [item.ranges[0] for item in article.layers.get("X", ())] == spans


class TestSets:
    IAA = (
        TRAIN.replace("<AnnotationSet>", '<AnnotationSet Name="ann1">')
        .replace("<RelationSet>", '<RelationSet Name="ann1">')
        .replace('Name="Key"', 'Name="ann2"')
    )
    ONE = IAA.replace('Name="ann2"', 'Name="Original markups"')

    def test_the_default_set_comes_first(self) -> None:
        assert read(TRAIN).annotator is None

    def test_without_one_the_named_sets_are_passes(self) -> None:
        articles = [a for a in read_all(self.IAA) if isinstance(a, Article)]
        assert [(a.id, a.annotator, len(a.layers["Location"])) for a in articles] == [
            ("train", "ann1", 2),
            ("train", "ann2", 2),
        ]
        assert articles[1].left_out == {"annotations of the set Original markups": 1}
        assert {a.text for a in articles} == {read(TRAIN).text}

    def test_a_single_named_set_is_the_annotation(self) -> None:
        assert read(self.ONE).annotator == "ann1"

    def test_one_set_can_be_chosen(self) -> None:
        article = read(TRAIN, set="Key")
        assert (article.annotator, list(by_id(article, "Location"))) == ("Key", ["7", "8"])
        assert article.left_out["annotations of the default set"] == 7
        assert article.left_out["relations of the default set"] == 1
        assert list(by_id(read(TRAIN, set="Original markups"), "p")) == ["6"]
        assert read(TRAIN, set="").annotator is None

    def test_a_set_that_is_not_there(self) -> None:
        article = read(TRAIN, set="key")
        assert [f.code for f in article.found] == ["I005"]
        assert article.layers == {}

    def test_every_named_set_can_be_a_pass(self) -> None:
        assert [a.annotator for a in read_all(TRAIN, sets="annotators") if isinstance(a, Article)] == ["Key"]

    def test_no_annotations_at_all(self) -> None:
        article = read("<GateDocument><TextWithNodes>a</TextWithNodes></GateDocument>")
        assert (article.text, article.layers, article.found, article.annotator) == ("a", {}, [], None)


characters = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from(
    "🚆e\u0301\n\t \u00a0\u0085\u2028<&"
)


@settings(max_examples=60, deadline=None)
@given(st.text(characters, min_size=1, max_size=30), st.data())
def test_spans_are_the_same_in_every_form(text: str, data: st.DataObject) -> None:
    text = "".join(char for char in text if ord(char) not in (0xFFFE, 0xFFFF))
    at = st.integers(0, len(text))
    spans = sorted(data.draw(st.lists(st.tuples(at, at).map(sorted).map(tuple), max_size=5)))
    at_node = lambda n: f'<Node id="{1000 - n}"/>'  # noqa: E731
    body = "".join(at_node(n) + escape(text[n : n + 1]) for n in range(len(text) + 1))
    annotations = "".join(
        f'<Annotation Id="{n}" Type="T" StartNode="{1000 - start}" EndNode="{1000 - end}"/>'
        for n, (start, end) in enumerate(spans)
    )
    sets = f"<AnnotationSet>{annotations}</AnnotationSet>"
    xml = f"<GateDocument><TextWithNodes>{body}</TextWithNodes>{sets}</GateDocument>"
    forms = {"a/t.xml": xml.encode()}
    plain = not set(text) & set("\u0085\u2028\u2029")  # YAML takes those for line ends, where they are not escaped
    for kind, size in (("p", len), ("j", lambda part: len(part.encode("utf-16-le")) // 2)):
        items = [
            {"type": "T", "start": size(text[:start]), "end": size(text[:end]), "id": n, "features": {}}
            for n, (start, end) in enumerate(spans)
        ]
        document = {"text": text, "offset_type": kind, "features": {}, "annotation_sets": {"": {"annotations": items}}}
        forms[f"a/{kind}.bdocjs"] = json.dumps(document, ensure_ascii=kind == "p").encode()
        forms[f"a/{kind}.bdocym"] = yaml.safe_dump(document, allow_unicode=plain).encode()
        forms[f"a/{kind}.bdocmp"] = packed(document)
    for file, content in forms.items():
        article = read(content, file)
        assert article.text == text, file
        assert [item.ranges for item in article.layers.get("T", ())] == [(span,) for span in spans], file
        assert article.found == []


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_damaged_files_never_raise(data: st.DataObject) -> None:
    lines = TRAIN.split("\n")
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
    for found in read_all("\n".join(lines)):
        assert isinstance(found, Article | Diagnostic)
        for items in found.layers.values() if isinstance(found, Article) else ():
            assert len({item.id for item in items}) == len(items)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40), st.sampled_from([".bdocmp", ".bdocym", ".bdocjs", ".xml", ".bdocjs.gz"]))
def test_noise_never_raises(data: bytes, suffix: str) -> None:
    for head in (b"", b"\xa3sm2\xa1p\xa1t", b"\x1f\x8b", b"text: "):
        assert read_all(head + data, f"t{suffix}")


def test_units_and_sniff() -> None:
    source = Source(kind="article", paths=("x",), format="gate")
    names = ["a/b.c.bdocjs.gz", "a/d.XML", "a/e.bdocmp", "a/f.txt", "a/g.bdocym"]
    units = list(gate.units(source, names))
    assert [(unit.files, unit.name) for unit in units] == [
        (("a/b.c.bdocjs.gz",), "a/b.c"),
        (("a/d.XML",), "a/d"),
        (("a/e.bdocmp",), "a/e"),
        (("a/g.bdocym",), "a/g"),
    ]

    def sniff(name: str, head: bytes = b"") -> int:
        return gate.sniff(Sample(names=("README", name), head=lambda name: head))

    assert sniff("a.bdocjs") == sniff("a.bdocym.gz") == sniff("a.xml", TRAIN.encode()[:200]) == 95
    assert sniff("a.json", b'{"annotation_sets": {') == 95
    assert sniff("a.json", b'[{"data": {}, "annotations": []}]') == 0
    assert sniff("a.xml", b"<Document><token t_id=") == 0


def test_json_is_known_by_the_offsets_that_begin_its_entities() -> None:
    def sniff(data: str, name: str = "a.json") -> int:
        return gate.sniff(Sample(names=(name,), head=lambda name: data.encode()))

    assert sniff(entities()) == sniff(json.dumps(TWEETISH, indent=2)) == sniff(entities(), "a.jsonl") == 90
    tweet = {"text": "#x", "entities": {"hashtags": [{"text": "x", "indices": [0, 2]}]}}
    assert 0 < sniff(json.dumps(tweet)) < 50
    assert sniff('{"text": "a", "entities": [[0, 1, "X"]]}') == 0
    assert gate.sniff(Sample(names=("a.bdocsjson",), head=lambda name: b"")) == 95


def test_json_beside_more_files_of_xml_is_something_else() -> None:
    source = Source(kind="article", paths=("x",), format="gate")
    names = ["a/1.xml", "a/2.bdocjs", "a/meta.json", "b/1.json", "b/2.jsonl", "b/1.xml"]
    assert [unit.files[0] for unit in gate.units(source, names)] == ["a/1.xml", "a/2.bdocjs", *names[3:]]


def test_characters_that_xml_does_not_allow_are_read_all_the_same() -> None:
    data = TRAIN.replace("The 🚆 left", "The&#x1f;&#55357;&#56966; left\x0c").replace(">cities<", ">ci&#2;ties<")
    article = read(data)
    assert article.text is not None
    assert article.text.startswith("The\x1f🚆 left\x0c Köln")
    assert article.surface_of(by_id(article, "Location")["5"]) == "Bonn"
    assert by_id(article, "Location")["4"].values["loc_type"] == "ci\x02ties"
    assert lost(data.replace("Bonn", "Bo&#xD800;nn"))[0] == "I011"


@pytest.mark.skipif(not CORPORA.is_dir(), reason="the real corpora are not on this machine")
class TestFixtures:
    def everything(self) -> dict[str, list[Article | Diagnostic]]:
        source = Source(kind="article", paths=("x",), format="gate")
        names = sorted(path.relative_to(GATE).as_posix() for path in GATE.rglob("*") if path.is_file())
        return {
            Path(unit.files[0]).relative_to(Path(unit.files[0]).parts[0]).as_posix(): read_all(
                (GATE / unit.files[0]).read_bytes(), unit.files[0]
            )
            for unit in gate.units(source, names)
        }

    def test_every_file_is_an_article_or_says_why_not(self) -> None:
        lost = {}
        for name, found in self.everything().items():
            assert found
            for one in found:
                if isinstance(one, Diagnostic):
                    lost[Path(name).name] = one.code
                else:
                    assert one.found == []
        assert lost == {
            "KeyDocument.xml": "I001",  # these three are plain XML, to be annotated by GATE
            "ResponseDocument.xml": "I001",
            "gateTestSaveAsXML.xml": "I001",
            "xces.xml": "I011",
        }

    def test_three_annotators(self) -> None:
        found = self.everything()["src/test/resources/gate/resources/gate.ac.uk/tests/iaa/beijing-opera.xml"]
        articles = {a.annotator: a for a in found if isinstance(a, Article)}
        counts = {who: {name: len(items) for name, items in a.layers.items()} for who, a in articles.items()}
        assert counts == {
            "ann1": {"Location": 14, "sent": 19, "Os": 5},
            "ann2": {"sent": 19, "Os": 3},
            "ann3": {"sent": 19, "Os": 4},
        }
        one = articles["ann1"]
        assert {one.surface_of(item) for item in one.layers["Location"]} >= {"Peking", "United States", "Tianjin"}

    def test_one_document_in_six_files(self) -> None:
        everything = self.everything()
        shapes = []
        for suffix in (".bdocjs", ".bdocjs.gz", ".bdocmp", ".bdocym", ".bdocym.gz", ".xml"):
            [article] = everything[f"tests/testdoc1{suffix}"]
            assert isinstance(article, Article)
            assert [article.surface_of(item) for item in article.layers["Type1"]] == ["This", "is "]
            article.values.pop("document_name", None)  # the XML has none
            shapes.append(shape(article))
        assert all(one == shapes[0] for one in shapes)

    def test_tokens_are_where_their_strings_are(self) -> None:
        checked = 0
        for found in self.everything().values():
            for article in (one for one in found if isinstance(one, Article)):
                for token in article.layers.get("tokens", ()):
                    if "string" in token.values:
                        checked += 1
                        assert article.surface_of(token) == token.values["string"]
        assert checked > 200
