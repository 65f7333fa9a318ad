"""The relations of CAT and CROMER: chains of mentions, links between two, clusters through several documents.

Knows no tokens and no files: cat.py reads those.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from copydesk.articles.model import Article, Item, Ref, Value, layer_of
from copydesk.articles.units import folder
from copydesk.xmltext import Element, children, local_name

_NOT_WORD = re.compile(r"\W")
_TAKEN = frozenset(
    {"id", "label", "head", "tail", "head_instance", "tail_instance"}
    | {"members", "member_instances", "instance", "cross_document", "descriptor"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A markable: the layer that it went to, and its item there."""

    layer: str
    item: Item

    @property
    def ref(self) -> Ref:
        return Ref(self.layer, self.item.id)


def add_relations(
    article: Article, elements: Sequence[Element], known: Mapping[str, Known | None], coreference: Sequence[str]
) -> None:
    """Add `entities` for the relations in `coreference`, `relations` for all others.

    A relation that names a markable which is not there is I003 and is not read; one that names a markable which was
    not understood is counted, as that is reported already.
    """
    seen: set[str] = set()
    for element in elements:
        name, identifier, line = local_name(element)[:40], element.get("r_id"), element.sourceline
        if identifier is None:
            article.problem("I002", f"the relation {name} has no r_id", line=line)
            continue
        if identifier in seen:
            message = f"the relation {identifier[:40]!r} is there twice; the first one is kept"
            article.problem("I006", message, line=line)
            continue
        seen.add(identifier)
        ends = _ends(article, f"{name} {identifier[:40]!r}", element, known)
        if ends is None:
            continue
        sources, targets = ends
        if local_name(element) in coreference:
            _add_entity(article, element, sources, targets)
        else:
            _add_pairs(article, element, sources, targets)


def _ends(
    article: Article, name: str, element: Element, known: Mapping[str, Known | None]
) -> tuple[list[Known], list[Known]] | None:
    ends: dict[str, list[Known]] = {"source": [], "target": []}
    sound = True
    for child in children(element):
        kind, identifier = local_name(child), child.get("m_id")
        if kind not in ends:
            article.left_out[f"elements <{kind[:40]}> in relations"] += 1
        elif identifier not in known:
            said = "no markable" if identifier is None else f"the markable {identifier[:40]!r}, which is not there"
            article.problem("I003", f"{name} names {said}", line=child.sourceline)
            sound = False
        elif (markable := known[identifier]) is None:
            sound = False
        else:
            ends[kind].append(markable)
    if not sound:
        article.left_out["relations of markables that are not there or damaged"] += 1
        return None
    return ends["source"], ends["target"]


def _add_entity(article: Article, element: Element, sources: list[Known], targets: list[Known]) -> None:
    """A chain: its members are the sources, what they refer to is the target, which may be a mention itself.

    `instance` is what documents call it in common; a chain that has no such name gets one that no other document has.
    """
    name, identifier = local_name(element), str(element.get("r_id"))
    if len(targets) != 1:
        message = f"{name[:40]} {identifier[:40]!r} has {len(targets)} targets; it refers to one"
        article.problem("I002", message, line=element.sourceline)
        return
    target = targets[0]
    everyone = [*sources, target] if target.layer == "mentions" else sources
    members = list(dict.fromkeys(one.ref for one in everyone))
    if len(members) < len(everyone):
        article.left_out["repeated members of an entity"] += len(everyone) - len(members)
    shared = _shared_name(element, target)
    values: dict[str, Value] = {
        "members": [ref for ref in members if ref.layer == "mentions"],
        "instance": shared or f"{article.id}-{identifier}",
        "cross_document": shared is not None,
        "descriptor": target.item.values.get("TAG_DESCRIPTOR"),
    }
    if empty := [ref for ref in members if ref.layer != "mentions"]:  # mentions without words, as of a dropped subject
        values["member_instances"] = [*empty]
    values |= _others(element, {"r_id", "note"} if shared == element.get("note") else {"r_id"})
    item = Item(id=identifier, label=target.item.label, values=values, line=element.sourceline)
    layer_of(article, "entities").append(item)


def _shared_name(element: Element, target: Known) -> str | None:
    """The id of the instance that CROMER gives through all documents: the note of the relation, or with its target."""
    name = local_name(element)
    if name == "INTRA_DOC_COREF":
        return None
    noted = element.get("note") if name == "CROSS_DOC_COREF" else None
    given = target.item.values.get("instance_id")
    return noted or (given if isinstance(given, str) and given else None)


def _add_pairs(article: Article, element: Element, sources: list[Known], targets: list[Known]) -> None:
    """A relation; one with several sources or targets is as many pairs."""
    name, identifier = local_name(element), str(element.get("r_id"))
    if not sources or not targets:
        message = f"{name[:40]} {identifier[:40]!r} has {len(sources)} sources and {len(targets)} targets"
        article.problem("I002", message, line=element.sourceline)
        return
    pairs = [(source, target) for source in sources for target in targets]
    for number, (source, target) in enumerate(pairs, 1):
        # a reference leads to one layer: what leads to an instance has a property of its own
        ends: dict[str, Value] = {
            "head" if source.layer == "mentions" else "head_instance": source.ref,
            "tail" if target.layer == "mentions" else "tail_instance": target.ref,
        }
        item = Item(
            id=identifier if len(pairs) == 1 else f"{identifier}.{number}",
            label=name,
            values={"head": None, "tail": None, **ends, **_others(element, {"r_id"})},
            line=element.sourceline,
        )
        layer_of(article, "relations").append(item)


def _others(element: Element, taken: set[str]) -> dict[str, Value]:
    """The attributes that are not `taken`, as strings."""
    values: dict[str, Value] = {}
    for name, value in element.attrib.items():
        word = _NOT_WORD.sub("_", name.rpartition("}")[2])
        if name not in taken:
            while word in _TAKEN or word in values:
                word += "_"
            values[word] = value
    return values


def clusters(articles: Sequence[Article], topic: str) -> Iterator[Article]:
    """One link for each instance that mentions of the articles refer to, in one of them or in several.

    `articles` are those of one folder, in order of their files. An instance that has mentions in two folders makes two
    links: topics are annotated one by one.
    """
    found: dict[str, list[tuple[Article, Item]]] = {}
    for article in articles:
        for entity in article.layers.get("entities", ()):
            if entity.values["cross_document"] and entity.values["members"]:
                found.setdefault(str(entity.values["instance"]), []).append((article, entity))
    for instance, parts in found.items():
        first, entity = parts[0]
        home = folder(first.id)
        values: dict[str, Value] = {
            "label": entity.label,
            "topic": topic or None,
            "instance": instance,
            "descriptor": entity.values["descriptor"],
        }
        link = Article(
            id=f"{topic if home == '.' else home}-{instance}".removeprefix("-"),
            text=None,
            file=first.file,
            line=entity.line,
            values=values,
            layers={"members": list(_members(parts, first.file))},
        )
        for _, part in parts:
            empty = part.values.get("member_instances")
            if isinstance(empty, list):
                link.left_out["members without words"] += len(empty)
        yield link


def _members(parts: Sequence[tuple[Article, Item]], file: str) -> Iterator[Item]:
    """The mentions of an instance, by file and then by place in the text. Lines are those of `file` alone."""
    wanted: dict[str, tuple[Article, set[str]]] = {}
    for article, entity in parts:
        members = entity.values["members"]
        assert isinstance(members, list)
        wanted.setdefault(article.id, (article, set()))[1].update(ref.id for ref in members if isinstance(ref, Ref))
    number = 0
    for article, ids in wanted.values():
        mentions = [item for item in article.layers["mentions"] if item.id in ids]
        for mention in sorted(mentions, key=lambda item: item.ranges):  # those of one span stay as in the file
            number += 1
            values: dict[str, Value] = {"article": article.id, "mention": Ref("mentions", mention.id, article.id)}
            yield Item(id=str(number), values=values, line=mention.line if article.file == file else 0)
