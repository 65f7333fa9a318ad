"""`[source.map]`: layers, labels and properties under the names of the contract, by declaration.

Names are those that the file has; `false` leaves out, and what is left out is counted. Nothing is renamed by rule of
thumb: what the map does not name keeps its name. What it can say is in project.schema.json.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from copydesk.articles.model import Article, Item, Ref, Value, free_id


def map_pointers(mapping: Mapping[str, Any]) -> list[str]:
    """A JSON pointer for every line of a map that names something of the files."""
    out = ["/id"] if "id" in mapping else []
    for name, rule in mapping.get("layers", {}).items():
        out.append(f"/layers/{name}")
        out += [f"/layers/{name}/label_from"] if isinstance(rule, Mapping) and "label_from" in rule else []
    out += [f"/values/{name}" for name in mapping.get("values", {})]
    for table in ("labels", "properties"):
        out += [f"/{table}/{layer}/{name}" for layer, names in mapping.get(table, {}).items() for name in names]
    return out


def apply_map(article: Article, mapping: Mapping[str, Any], used: set[str]) -> None:
    """Change an article as the map says. Adds the lines that met something to `used`."""
    if not mapping:
        return
    _give_labels(article, mapping.get("layers", {}), used)
    _labels(article, mapping.get("labels", {}), used)
    _properties(article, mapping.get("properties", {}), used)
    _layers(article, mapping.get("layers", {}), used)
    _values(article, mapping, used)
    if mapping.get("discontinuous") == "hull":
        _hulls(article)


def _give_labels(article: Article, table: Mapping[str, Any], used: set[str]) -> None:
    """`label` and `label_from` of the layers: before the properties that labels come from get other names."""
    for layer, rule in table.items():
        for item in article.layers.get(layer, ()) if isinstance(rule, Mapping) else ():
            if "label" in rule:
                item.label = rule["label"]
            if rule.get("label_from") in item.values:
                used.add(f"/layers/{layer}/label_from")
                value = item.values.pop(rule["label_from"])
                item.label = value if isinstance(value, str) else None if value is None else str(value)


def _labels(article: Article, tables: Mapping[str, Mapping[str, Any]], used: set[str]) -> None:
    gone: set[tuple[str, str]] = set()
    for layer, table in tables.items():
        for item in article.layers.get(layer, ()):
            if item.label is None or item.label not in table:
                continue
            used.add(f"/labels/{layer}/{item.label}")
            new = table[item.label]
            if new is False:
                gone.add((layer, item.id))
                article.left_out[f"{layer} labelled {item.label}"] += 1
            else:
                item.label = new
    if gone:
        drop_items(article, gone)


def _properties(article: Article, tables: Mapping[str, Mapping[str, Any]], used: set[str]) -> None:
    for layer, table in tables.items():
        for item in article.layers.get(layer, ()):
            for name, new in table.items():
                if name in item.values:
                    used.add(f"/properties/{layer}/{name}")
                    _rename(item.values, name, new, article.left_out, f"{layer}.{name}")


def _rename(values: dict[str, Value], name: str, new: Any, left_out: Counter[str], words: str) -> None:
    value = values.pop(name)
    if new is False:
        left_out[words] += 1
    else:
        values[new] = value


def _values(article: Article, mapping: Mapping[str, Any], used: set[str]) -> None:
    for name, new in mapping.get("values", {}).items():
        if name in article.values:
            used.add(f"/values/{name}")
            _rename(article.values, name, new, article.left_out, name)
    name = mapping.get("id")
    if name is not None and article.values.get(name) is not None:
        used.add("/id")
        article.id = str(article.values.pop(name))


def _layers(article: Article, table: Mapping[str, Any], used: set[str]) -> None:
    """Rename, merge and leave out layers; references follow."""
    moved: dict[tuple[str, str], tuple[str, str]] = {}
    layers: dict[str, list[Item]] = {}
    dropped: set[str] = set()
    for name, items in article.layers.items():
        rule = table.get(name, name)
        if name in table:
            used.add(f"/layers/{name}")
        if rule is False:
            dropped.add(name)
            article.left_out[name] += len(items)
            continue
        to = rule if isinstance(rule, str) else rule.get("to", name)
        target = layers.setdefault(to, [])
        taken = {item.id for item in target}
        for item in items:
            old = item.id
            item.id = free_id(old if old not in taken else f"{name}-{old}", taken)
            moved[name, old] = (to, item.id)
        target.extend(items)
    article.layers = layers

    def follow(ref: Ref) -> Ref | None:
        if ref.article is not None:  # of another article: its layers are renamed by the same table
            rule = table.get(ref.layer, ref.layer)
            to = rule if isinstance(rule, str) else (rule.get("to", ref.layer) if rule else None)
            return Ref(to, ref.id, ref.article) if to else None
        if ref.layer in dropped:
            return None
        layer, identifier = moved.get((ref.layer, ref.id), (ref.layer, ref.id))
        return Ref(layer, identifier)

    for items in article.layers.values():
        for item in items:
            item.values = {name: rewrite(value, follow) for name, value in item.values.items()}


def rewrite(value: Value, change: Callable[[Ref], Ref | None]) -> Value:
    """A value with every reference changed; one that becomes None leaves its list."""
    if isinstance(value, Ref):
        return change(value)
    if isinstance(value, list):
        new = [rewrite(inner, change) for inner in value]
        return [inner for inner, old in zip(new, value, strict=True) if inner is not None or old is None]
    if isinstance(value, dict):
        return {name: rewrite(inner, change) for name, inner in value.items()}
    return value


def drop_items(article: Article, gone: set[tuple[str, str]]) -> None:
    """Take (layer, id) items out of an article, and with them what cannot be without them.

    An item that names one of them in a property of its own goes too, and is counted; from a list of references only
    the one is taken, and an item whose list becomes empty goes.
    """
    while gone:
        more: set[tuple[str, str]] = set()
        for layer, items in article.layers.items():
            kept = [item for item in items if (layer, item.id) not in gone]
            for item in kept:
                if _loses(item, gone):
                    more.add((layer, item.id))
                    article.left_out[f"{layer} that name what was left out"] += 1
            article.layers[layer] = kept
        gone = more


def _loses(item: Item, gone: set[tuple[str, str]]) -> bool:
    """Take the references to what is gone out of the lists of an item; whether it cannot be without them."""

    def is_gone(value: Value) -> bool:
        if isinstance(value, dict):
            return any(is_gone(inner) for inner in value.values())
        return isinstance(value, Ref) and value.article is None and (value.layer, value.id) in gone

    for name, value in item.values.items():
        if is_gone(value):
            return True
        if isinstance(value, list) and any(map(is_gone, value)):
            kept = [inner for inner in value if not is_gone(inner)]
            if not kept:
                return True
            item.values[name] = kept
    return False


def _hulls(article: Article) -> None:
    for items in article.layers.values():
        for item in items:
            if len(item.ranges) > 1:
                item.ranges = ((item.ranges[0][0], item.ranges[-1][1]),)
                item.surface = None
                article.left_out["gaps in discontinuous spans"] += 1


def unused(mapping: Mapping[str, Any], used: Iterable[str]) -> list[str]:
    """The lines of a map that met nothing."""
    met = set(used)
    return [pointer for pointer in map_pointers(mapping) if pointer not in met]
