"""Several annotators of one article: which of them counts, or what most of them say.

An article has one annotation in a release; the others are what agreement is computed from. The rules of
`[source.passes]`:

* `majority`: what more than half of an article's annotators have (or `at_least` so many of them);
* `curated`: the result of the tool's own adjudication;
* `annotator`: the one named;
* `first`: the first one by name, for exports in which it does not matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from copydesk.articles.mapping import drop_items
from copydesk.articles.model import Article, Item, Range, Ref, Value, free_id, refs_of
from copydesk.diagnostics import Diagnostic

_Key: TypeAlias = tuple[tuple[Range, ...], str | None, str]


def resolve(articles: Sequence[Article], rule: Mapping[str, Any]) -> Article | Diagnostic:
    """The one annotation of an article that a release has, of the passes over it, or why there is none.

    Does not change the passes. Raises nothing: an article for which the rule finds no pass is I009.
    """
    first = articles[0]
    who = sorted({_name(article) for article in articles})
    if len(articles) == 1 and (not rule or rule["rule"] != "annotator"):
        return first
    if not rule:
        message = f"{len(articles)} passes over {first.id!r}, by {', '.join(who[:6])}, and no rule says which counts"
        return Diagnostic(code="I009", place=first.place(), message=message)
    if len({article.text for article in articles}) > 1:
        message = f"the passes over {first.id!r} are over different texts"
        return Diagnostic(code="I009", place=first.place(), message=message)
    kind = rule["rule"]
    if kind == "first":
        return min(articles, key=_name)
    if kind == "majority":
        return majority([a for a in articles if not a.curated] or articles, rule.get("at_least"))
    if kind == "annotator":
        found = [a for a in articles if a.annotator == rule.get("annotator")]
        missing = f"{rule.get('annotator')!r} did not annotate {first.id!r}; {', '.join(who[:6])} did"
    else:
        found = [a for a in articles if a.curated]
        missing = f"{first.id!r} was annotated by {', '.join(who[:6])}, and nobody curated it"
    if len(found) == 1:
        return found[0]
    message = missing if not found else f"{len(found)} passes over {first.id!r} meet the rule {kind!r}"
    return Diagnostic(code="I009", place=first.place(), message=message)


def left_out(passes: Sequence[Article]) -> Counter[str]:
    """What was left out of an article with several passes. What is the task's, every pass says: it counts once."""
    out: Counter[str] = Counter()
    for article in passes:
        out |= article.left_out
    return out


def _name(article: Article) -> str:
    return article.annotator or ("curated" if article.curated else "?")


def majority(passes: Sequence[Article], at_least: int | None = None) -> Article:
    """What more than half of the passes have (or `at_least` so many): the same span, label and layer.

    The properties of an item are those that most of its annotators give; items without a span are the same where
    label and what they refer to are. What finds no majority is counted.
    """
    passes = sorted(passes, key=_name)
    needed = at_least or len(passes) // 2 + 1
    out = replace(
        passes[0],
        layers={},
        annotator=None,
        curated=True,
        values={},
        found=list(dict.fromkeys(d for a in passes for d in a.found)),
        left_out=left_out(passes),
    )
    out.values = _common([a.values for a in passes], out.left_out)
    known: dict[tuple[int, str, str], Ref] = {}
    for layer in _in_order_of_reference(passes):
        votes: dict[_Key, list[tuple[int, Item]]] = {}
        for number, article in enumerate(passes):
            repeats: Counter[_Key] = Counter()
            for item in article.layers.get(layer, ()):
                key = (item.ranges, item.label, _refers(item, number, known) if not item.ranges else "")
                repeats[key] += 1  # the second equal item of one annotator meets the second of the others
                votes.setdefault((*key[:2], f"{key[2]}#{repeats[key]}"), []).append((number, item))
        kept = [group for group in votes.values() if len(group) >= needed]
        out.left_out[f"{layer} without a majority"] += len(votes) - len(kept)
        taken: set[str] = set()
        made = out.layers.setdefault(layer, [])
        for group in sorted(kept, key=lambda g: (g[0][1].ranges, g[0][1].label or "", g[0][1].id)):
            identifier = free_id(group[0][1].id, taken)
            made.append(_merged(group, identifier, known, out.left_out))
            for number, item in group:
                known[number, layer, item.id] = Ref(layer, identifier)
    out.left_out = +out.left_out
    _drop_dangling(out)
    return out


def _in_order_of_reference(passes: Sequence[Article]) -> list[str]:
    """The layers, those that others refer to first: what an item refers to is known when it is compared."""
    names = list(dict.fromkeys(name for article in passes for name in article.layers))
    spans = [n for n in names if any(item.ranges for a in passes for item in a.layers.get(n, ()))]
    return [*spans, *(name for name in names if name not in spans)]


def _refers(item: Item, number: int, known: Mapping[tuple[int, str, str], Ref]) -> str:
    """What an item refers to, in words that are equal for equal items of different passes."""
    return repr(sorted((name, repr(_common_refs(value, number, known))) for name, value in item.values.items()))


def _common_refs(value: Value, number: int, known: Mapping[tuple[int, str, str], Ref]) -> Value:
    if isinstance(value, Ref):
        return known.get((number, value.layer, value.id), value)
    if isinstance(value, list):
        return [_common_refs(inner, number, known) for inner in value]
    if isinstance(value, dict):
        return {name: _common_refs(inner, number, known) for name, inner in value.items()}
    return value


def _merged(
    group: list[tuple[int, Item]], identifier: str, known: Mapping[tuple[int, str, str], Ref], undecided: Counter[str]
) -> Item:
    values = [
        {name: _common_refs(value, number, known) for name, value in item.values.items()} for number, item in group
    ]
    return replace(group[0][1], id=identifier, values=_common(values, undecided))


def _common(tables: Sequence[Mapping[str, Value]], undecided: Counter[str]) -> dict[str, Value]:
    """For each name the value that more tables have than any other; absence counts as a value. What ties is counted
    and left out."""
    out: dict[str, Value] = {}
    for name in dict.fromkeys(name for table in tables for name in table):
        votes = Counter(repr(table.get(name)) for table in tables)
        (winner, most), *others = votes.most_common(2)
        if others and others[0][1] == most:
            undecided[f"values of {name} without a majority"] += 1
            continue
        table = next(t for t in tables if repr(t.get(name)) == winner)
        if name in table:
            out[name] = table[name]
    return out


def _drop_dangling(article: Article) -> None:
    """Leave out what refers to items that found no majority."""
    ids = {(layer, item.id) for layer, items in article.layers.items() for item in items}
    gone = {
        (ref.layer, ref.id)
        for items in article.layers.values()
        for item in items
        for value in item.values.values()
        for ref in refs_of(value)
        if ref.article is None and (ref.layer, ref.id) not in ids
    }
    drop_items(article, gone)
