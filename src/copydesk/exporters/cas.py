"""Articles as UIMA CAS JSON with the type system in the file, for INCEpTION and UIMA. Written by cassis.

`mentions` become NamedEntity with the label as `value`, `dependencies` Dependency, `tokens` Token, `sentences`
Sentence, POS, Lemma, Stem, MorphologicalFeatures, Constituent and Chunk their types of DKPro Core; any other layer is
`webanno.custom.` with its name, a relation if all its items have head and tail. Labels become the feature `label`, ids
the feature `id`, references and lists of them references and arrays, structures types of their own. What is said of
the article becomes features of the document annotation. The importer of this format reads all of it back.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import cassis
from cassis.typesystem import TypeSystemMode

from copydesk.articles.model import Article, Item, Ref, Value
from copydesk.exporters.cas_shapes import DOUBLE, Plan, Shape, attribute, plan_properties, plans
from copydesk.exporters.names import Names
from copydesk.importers.cas import known_types
from copydesk.importers.cas.types import ANNOTATION_BASE, ARRAYS, DOCUMENT_ANNOTATION, FS_ARRAY, STRING, TOP
from copydesk.importers.cas.values import HEAD, TAIL
from copydesk.importers.webanno.names import ANNOTATION, META_DATA

Fs: TypeAlias = Any
"""A feature structure of cassis; its features are attributes."""

DOCUMENT = "copydesk.Document"
"""The type of the document annotation of an article of which more is said than DKPro Core has features for."""

_ARRAY_OF = {element: array for array, element in ARRAYS.items()}
_OF_TOKENS = {"pos": ("POS", "PosValue"), "lemma": ("Lemma", "value")}


def export(articles: Iterable[Article], losses: Counter[str]) -> Iterator[tuple[str, bytes]]:
    """A file for each article that has a text. Adds to `losses` what a CAS cannot hold."""
    names = Names(".json")
    for article in articles:
        if article.text is None:
            losses["links between articles"] += 1
        elif any("\ud800" <= char <= "\udfff" for char in article.text):
            losses["articles with half of a surrogate pair"] += 1
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of features called `type`, for which cassis has an attribute `type_`
                data = _Writing(article=_with_layers(article, losses), losses=losses).data()
            losses["names of annotators"] += article.annotator is not None
            name = names.stem(article.id)
            losses["ids that no file name can hold"] += name != article.id
            yield f"{name}.json", data
    for words in [words for words, count in losses.items() if not count]:
        del losses[words]


def _with_layers(article: Article, losses: Counter[str]) -> Article:
    """The article with the columns `pos` and `lemma` of its tokens as annotations, which is what they are in DKPro."""
    tokens, added = article.layers.get("tokens", []), dict[str, list[Item]]()
    for column, (layer, feature) in _OF_TOKENS.items():
        given = [token.values.get(column) for token in tokens if token.values.get(column) is not None]
        if not given or layer in article.layers or not all(isinstance(value, str) for value in given):
            continue
        added[layer] = []
        made = []
        for token in tokens:
            value = token.values.get(column)
            if value is not None:
                added[layer].append(Item(id=token.id, ranges=token.ranges, values={feature: value}))
                token = replace(token, values={**token.values, column: Ref(layer, token.id)})
            made.append(token)
        tokens = made
        losses[f"tokens.{column} (became the layer {layer})"] += len(given)
    return replace(article, layers={**article.layers, "tokens": tokens, **added}) if added else article


@dataclass(slots=True, kw_only=True)
class _Writing:
    """The work on one article. `made`: the feature structures that the items became."""

    article: Article
    losses: Counter[str]
    plans: dict[str, Plan] = field(default_factory=dict)
    system: Any = field(default_factory=cassis.TypeSystem)
    number: int = 1
    made: dict[tuple[str, str], Fs] = field(default_factory=dict)

    def data(self) -> bytes:
        """The file."""
        article = self.article
        self.plans = plans(article, known_types(), self.losses)
        document = self._document_plan()
        for plan in (document, *self.plans.values()):
            self._declare(plan.type, {"document": META_DATA, "bare": ANNOTATION_BASE}.get(plan.kind, ANNOTATION))
        for plan in (document, *self.plans.values()):
            self._features(plan)
        head = self._new(document.type, begin=0, end=len(article.text or ""), language="x-unspecified")
        for layer, plan in self.plans.items():
            for item in article.layers[layer]:
                self._item(item, plan)
        self._tie_relations()
        for layer, plan in self.plans.items():
            for item in article.layers[layer]:
                if (layer, item.id) in self.made:
                    self._fill(self.made[layer, item.id], item.values, plan)
        self._fill(head, article.values, document)
        cas = cassis.Cas(self.system)
        cas.sofa_string, cas.sofa_mime = article.text, "text"
        for structure in (head, *self.made.values()):
            cas.add(structure, keep_id=True)
        text = cas.to_json(pretty_print=True, ensure_ascii=False, type_system_mode=TypeSystemMode.MINIMAL)
        try:
            return f"{text}\n".encode()
        except UnicodeEncodeError:  # half of a surrogate pair in a value: JSON can escape it
            text = cas.to_json(pretty_print=True, ensure_ascii=True, type_system_mode=TypeSystemMode.MINIMAL)
            return f"{text}\n".encode()

    def _document_plan(self) -> Plan:
        """What is said of the article: the annotation of the whole text, of the simplest type that has the features."""
        plan = Plan(layer="article", type=DOCUMENT, kind="document")
        given = known_types()[META_DATA].features
        plan_properties(plan, [self.article.values], given, frozenset(self.plans), self.losses)
        features = set(plan.names.values())
        if features <= {"language"}:
            plan.type = DOCUMENT_ANNOTATION
        elif features <= set(given):
            plan.type = META_DATA
        return plan

    def _declare(self, name: str, parent: str = TOP) -> None:
        """Put a type into the type system; one of DKPro Core comes with all that it has."""
        if self.system.contains_type(name, True):
            return
        known = known_types().get(name)
        if known is None:
            self._declare(parent)
            self.system.create_type(name, parent)
            return
        above = known_types()[known.lineage[1]]
        self._declare(above.name)
        self.system.create_type(name, above.name)
        for called, of in known.features.items():
            if called not in above.features:
                self._declare(of.of)
                self._feature(name, called, of.of, many=of.many)

    def _feature(self, owner: str, name: str, of: str, *, many: bool = False) -> None:
        """Give a type a feature, unless it has it."""
        made = self.system.get_type(owner, True)
        if made.get_feature(attribute(name)) is None:
            array = _ARRAY_OF.get(of, FS_ARRAY)
            element = of if many and array == FS_ARRAY else None
            self.system.create_feature(made, name, array if many else of, elementType=element)

    def _features(self, plan: Plan) -> None:
        """The features that the items of a plan need."""
        if plan.kind != "document":
            self._feature(plan.type, "id", STRING)
            if any(item.label is not None for item in self.article.layers[plan.layer]):
                self._feature(plan.type, plan.label, STRING)
        if plan.kind == "relation":
            for name, layer in zip((HEAD, TAIL), plan.ends, strict=True):
                self._feature(plan.type, name, self.plans[layer].type if layer in self.plans else ANNOTATION)
        for name, shape in plan.shapes.items():
            self._shaped(plan.type, plan.names[name], shape)

    def _shaped(self, owner: str, name: str, shape: Shape) -> None:
        of = self.plans[shape.layer].type if shape.layer else shape.of
        if shape.parts is not None:
            of = f"{owner}.{name}"
            self._declare(of)
            for called, inner in shape.parts.values():
                self._shaped(of, called, inner)
        self._feature(owner, name, of, many=shape.many)

    def _new(self, name: str, **features: object) -> Fs:
        self.number += 1  # 1 is that of the Sofa
        made = self.system.get_type(name, True)(xmiID=self.number)
        for called, value in features.items():
            setattr(made, attribute(called), value)
        return made

    def _item(self, item: Item, plan: Plan) -> None:
        """The feature structure of an item, its values left for later; none if the text has no such span."""
        start, end, size = 0, 0, len(self.article.text or "")
        if plan.kind == "span":
            if not item.ranges:
                self.losses[f"{plan.layer} without a span"] += 1
                return
            start, end = min(r[0] for r in item.ranges), max(r[1] for r in item.ranges)
            if not 0 <= start <= end <= size:
                self.losses["spans that are not in the text"] += 1
                return
            self.losses["gaps in discontinuous spans"] += len(item.ranges) - 1
        if (plan.layer, item.id) in self.made:
            self.losses["annotations with the id of another"] += 1
            return
        made = self._new(plan.type, id=item.id)
        if plan.kind != "bare":
            made.begin, made.end = start, end
        if item.label is not None:
            setattr(made, attribute(plan.label), item.label)
        self.losses["spans of relations"] += plan.kind == "relation" and bool(item.ranges)
        self.made[plan.layer, item.id] = made

    def _tie_relations(self) -> None:
        """Give the relations their ends; those that lack one are lost, and those that stand on such a one."""
        pending = [
            (plan, item)
            for plan in self.plans.values()
            if plan.kind == "relation"
            for item in self.article.layers[plan.layer]
        ]
        lost = True
        while lost:
            lost = False
            for plan, item in pending:
                ends = [ref for ref in (item.values["head"], item.values["tail"]) if isinstance(ref, Ref)]
                if any((ref.layer, ref.id) not in self.made for ref in ends):
                    lost = self.made.pop((plan.layer, item.id), None) is not None or lost
        for plan, item in pending:
            made = self.made.get((plan.layer, item.id))
            head, tail = item.values["head"], item.values["tail"]
            if made is None:
                self.losses["relations without one of their ends"] += 1
            elif isinstance(head, Ref) and isinstance(tail, Ref):
                dependent = self.made[tail.layer, tail.id]
                setattr(made, HEAD, self.made[head.layer, head.id])
                setattr(made, TAIL, dependent)
                made.begin, made.end = getattr(dependent, "begin", 0), getattr(dependent, "end", 0)

    def _fill(self, made: Fs, values: Mapping[str, Value], plan: Plan) -> None:
        """Give a structure the values that have a shape."""
        for name, shape in plan.shapes.items():
            called = plan.names[name]
            value = self._value(values.get(name), shape, f"{plan.type}.{called}")
            if value is not None:
                setattr(made, attribute(called), value)

    def _value(self, value: Value, shape: Shape, path: str) -> object:
        if not isinstance(value, list):
            return self._one(value, shape, path)
        made = [self._one(inner, shape, path) for inner in value]
        kept = [inner for inner in made if inner is not None]
        self.losses["empty places in lists"] += sum(inner is None for inner in value)
        return self._new(FS_ARRAY if shape.layer or shape.parts is not None else _ARRAY_OF[shape.of], elements=kept)

    def _one(self, value: Value, shape: Shape, path: str) -> object:
        if isinstance(value, Ref):
            made = self.made.get((value.layer, value.id))
            self.losses["references to what is not there"] += made is None
            return made
        if isinstance(value, dict) and shape.parts is not None:
            made = self._new(path)
            for name, (called, inner) in shape.parts.items():
                part = self._value(value.get(name), inner, f"{path}.{called}")
                if part is not None:
                    setattr(made, attribute(called), part)
            return made
        return float(value) if shape.of == DOUBLE and isinstance(value, int | float) else value
