"""Mentions, entities and the links between them as Entity, Bridge and SplitAnte of CoNLL-U. Writes no lines.

Fields are `eid`, `etype`, `mid` (the id of the mention, where it is not the one that counting gives) and the values of
the mentions. A mention that is of no entity gets a name of its own, which begins with an underscore.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from copydesk.articles.model import Article, Item, Ref, Value
from copydesk.exporters.conllu.words import Word
from copydesk.importers.conllu.entities import ALONE, ENTITY_NAMES, ID_NAME, LABEL_NAMES, code
from copydesk.importers.tokentext import identifier

_TAKEN = {*ENTITY_NAMES, *LABEL_NAMES, ID_NAME, "empty_nodes"}


@dataclass(slots=True, kw_only=True)
class _Mention:
    """A mention over words: (first, last) of each of its pieces, by number in the document."""

    item: Item
    pieces: list[tuple[int, int]]
    name: str = ""


@dataclass(slots=True, kw_only=True)
class Brackets:
    """`declaration`: the fields, empty if there are no mentions. `said`: number of a word -> keys and values."""

    declaration: str = ""
    said: dict[int, list[tuple[str, str]]] = field(default_factory=dict)


def brackets(article: Article, words: Sequence[Word], losses: Counter[str]) -> Brackets:
    """What MISC says of mentions, word by word."""
    mentions = list(_placed(article, words, losses))
    _name(article, mentions, losses)
    mentions = _apart(mentions, losses)
    out = Brackets()
    fields = _fields(mentions, losses)
    if mentions:
        numbered = all(m.item.id == f"m{number}" for number, m in enumerate(mentions, 1))
        names = ["eid", "etype", *([] if numbered else [ID_NAME]), *fields]
        out.declaration = "-".join(names)
        opening: dict[int, list[str]] = {}
        closing: dict[int, list[str]] = {}
        for mention in mentions:
            _write(mention, _contents(mention, names), opening, closing)
        for number in sorted({*opening, *closing}):
            # what opens has no end of its own: a closing bracket after it would make it one of a single word
            value = "".join([*reversed(closing.get(number, [])), *opening.get(number, [])])
            out.said.setdefault(number, []).append(("Entity", value))
    _links(article, mentions, out, losses)
    return out


def _placed(article: Article, words: Sequence[Word], losses: Counter[str]) -> Iterator[_Mention]:
    """The mentions whose ends are ends of words, in the order in which they open."""
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    nodes = {word.item.id: n for n, word in enumerate(words) if word.range is None and word.item is not None}
    for number, word in enumerate(words):
        if word.range is not None:
            starts.setdefault(word.range[0], number)
            ends[word.range[1]] = number
    placed = []
    for item in article.layers.get("mentions", ()):
        pieces = [(starts.get(start, -1), ends.get(end, -2)) for start, end in item.ranges] or _on_nodes(item, nodes)
        if any(start <= last for (_, last), (start, _) in pairwise(pieces)):
            losses["mentions whose pieces overlap"] += 1
        elif pieces and all(0 <= first <= last for first, last in pieces):
            placed.append(_Mention(item=item, pieces=pieces))
        else:
            losses["mentions whose ends are not those of words"] += 1
    yield from sorted(placed, key=lambda m: (m.pieces[0][0], -m.pieces[0][1], m.pieces[1:]))


def _on_nodes(item: Item, nodes: dict[str, int]) -> list[tuple[int, int]]:
    """The piece of a mention that stands on empty nodes."""
    refs = item.values.get("empty_nodes")
    numbers = [nodes.get(ref.id, -1) for ref in refs if isinstance(ref, Ref)] if isinstance(refs, list) else []
    whole = bool(numbers) and numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] >= 0
    return [(numbers[0], numbers[-1])] if whole else []


def _name(article: Article, mentions: Sequence[_Mention], losses: Counter[str]) -> None:
    """Name each mention by its entity."""
    by_id = {mention.item.id: mention for mention in mentions}
    for entity in article.layers.get("entities", ()):
        members = entity.values.get("members")
        refs = [ref for ref in members if isinstance(ref, Ref)] if isinstance(members, list) else []
        losses["labels of entities"] += entity.label is not None
        losses["values of entities"] += sum(v is not None for k, v in entity.values.items() if k != "members")
        known = [by_id[ref.id] for ref in refs if ref.id in by_id]
        if not known or not entity.id:
            losses["entities without a mention in the file"] += 1
            continue
        losses["members of entities"] += len(refs) - len(known) + sum(bool(mention.name) for mention in known)
        for mention in known:
            mention.name = mention.name or code(entity.id, name=True)
    for number, mention in enumerate(mentions, 1):
        mention.name = mention.name or f"{ALONE}{number}"


def _apart(mentions: Sequence[_Mention], losses: Counter[str]) -> list[_Mention]:
    """Without mentions whose brackets would be taken for those of another mention of their entity."""
    kept: dict[str, list[_Mention]] = {}
    out = []
    for mention in mentions:
        if any(_mixes(earlier, mention) for earlier in kept.get(mention.name, ())):
            losses["mentions that cross another one of their entity"] += 1
            continue
        kept.setdefault(mention.name, []).append(mention)
        out.append(mention)
    return out


def _mixes(a: _Mention, b: _Mention) -> bool:
    if len(a.pieces) != len(b.pieces):
        return False
    if len(a.pieces) > 1:
        return a.pieces[0][0] <= b.pieces[-1][1] and b.pieces[0][0] <= a.pieces[-1][1]
    (first, last), (start, end) = a.pieces[0], b.pieces[0]
    return first < start < last < end or start < first < end < last


def _fields(mentions: Sequence[_Mention], losses: Counter[str]) -> list[str]:
    """The values of mentions that become fields, in the order in which they occur."""
    names: dict[str, None] = {}
    for mention in mentions:
        for name, value in mention.item.values.items():
            if value is None or name == "empty_nodes":
                continue
            if name in _TAKEN or identifier(name) != name or not _scalar(value):
                losses[f"values of mentions: {name}"] += 1
            else:
                losses["values that became strings"] += not isinstance(value, str)
                names.setdefault(name)
    return list(names)


def _scalar(value: Value) -> bool:
    return isinstance(value, bool | int | float | str) and value != ""


def _contents(mention: _Mention, names: Sequence[str]) -> str:
    """The fields after the first, those at the end that are empty left out."""
    out = []
    for name in names[1:]:
        value: Value = mention.item.values.get(name)
        if name == "etype":
            value = mention.item.label
        elif name == ID_NAME:
            value = mention.item.id
        out.append(code(str(value)) if _scalar(value) else "")
    while out and not out[-1]:
        out.pop()
    return "".join(f"-{value}" for value in out)


def _write(mention: _Mention, fields: str, opening: dict[int, list[str]], closing: dict[int, list[str]]) -> None:
    total = len(mention.pieces)
    for number, (first, last) in enumerate(mention.pieces, 1):
        name = mention.name if total == 1 else f"{mention.name}[{number}/{total}]"
        inside = f"({name}{fields if number == 1 else ''}"
        opening.setdefault(first, []).append(f"{inside})" if first == last else inside)
        if first != last:
            closing.setdefault(last, []).append(f"{name})")


def _links(article: Article, mentions: Sequence[_Mention], out: Brackets, losses: Counter[str]) -> None:
    """Bridging and split antecedents, at the word where the mention opens that they lead from."""
    latest: dict[tuple[int, str], _Mention] = {}
    for mention in mentions:
        latest[mention.pieces[0][0], mention.name] = mention
    heads = {mention.item.id: mention for mention in latest.values()}
    entities = {item.id for item in article.layers.get("entities", ()) if item.id}
    known = {mention.name for mention in mentions}
    for layer, key, end in (("bridges", "Bridge", "tail"), ("split_antecedents", "SplitAnte", "antecedents")):
        pairs: dict[int, list[str]] = {}
        done: set[str] = set()
        for item in article.layers.get(layer, ()):
            head, given = item.values.get("head"), item.values.get(end)
            mention_or_none = heads.get(head.id) if isinstance(head, Ref) else None
            refs = given if isinstance(given, list) else [given]
            tails = [code(r.id, name=True) for r in refs if isinstance(r, Ref) and r.id in entities]
            twice = layer != "bridges" and mention_or_none is not None and mention_or_none.name in done
            if mention_or_none is None or not tails or len(tails) < len(refs) or not known.issuperset(tails) or twice:
                losses[layer] += 1
                continue
            losses[f"values of {layer}"] += sum(v is not None for k, v in item.values.items() if k not in {"head", end})
            label = f":{code(item.label, name=True)}" if item.label and layer == "bridges" else ""
            losses[f"labels of {layer}"] += item.label is not None and not label
            done.add(mention_or_none.name)
            at = mention_or_none.pieces[0][0]
            pairs.setdefault(at, []).extend(f"{tail}<{mention_or_none.name}{label}" for tail in tails)
        for at, written in pairs.items():
            out.said.setdefault(at, []).append((key, ",".join(written)))
