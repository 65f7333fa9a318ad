"""Articles as WebAnno TSV 3.3, one file an article, for INCEpTION and WebAnno. Offsets count UTF-16 units.

`mentions` become NamedEntity with the label as `value`, `dependencies` Dependency, POS, Lemma, Stem and
MorphologicalFeatures their built-in types; any other layer is `webanno.custom.` with its name, the label its feature
`label`. The layers have to be set up in the tool before it takes the file. Written are spans, relations between spans
of one layer or between tokens, and slots that one layer fills. All values become strings.

The rows are the items of `tokens`, if these tile the text; else words, and every other sign by itself. Sentences are
those of `sentences`, if each token is in one; else lines. Between sentences the format holds nothing but one line feed
and then spaces: other white space joins the sentence before it, and at the beginning of a text becomes a token.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from copydesk.articles.model import Article, Item, Ref, Value
from copydesk.exporters.names import Names
from copydesk.exporters.webanno_rows import Key, Rows
from copydesk.importers.webanno.cells import NONE, NULL, escape_cell, escape_text
from copydesk.importers.webanno.names import DEPENDENCY, FAMILIES, LABELS, POS, TOKEN, identifier, property_name

TYPES = {layer: name for name, layer in FAMILIES.items() if layer not in {"tokens", "sentences"}}
"""Layer -> the built-in type. Those of one token are another type where an annotation is not of one token."""

ON_TOKENS = {"POS", "Lemma", "Stem", "MorphologicalFeatures"}


def export(articles: Iterable[Article], losses: Counter[str]) -> Iterator[tuple[str, bytes]]:
    """A file for each article that has a text with words. Adds to `losses` what the format cannot hold."""
    names = Names(".tsv")
    for article in articles:
        if article.text is None or not article.text.strip():
            losses["links between articles" if article.text is None else "articles without a word"] += 1
            continue
        text = _Writing(article, losses).lines()
        try:
            data = text.encode("utf-8")
        except UnicodeEncodeError:
            losses["articles with half of a surrogate pair"] += 1
            continue
        stem = names.stem(article.id)
        losses["ids of articles (files cannot be called so)"] += stem != article.id
        losses["values of whole articles"] += sum(value is not None for value in article.values.values())
        losses["names of annotators"] += article.annotator is not None
        losses["that an article is curated"] += article.curated
        yield f"{stem}.tsv", data
    for words in [words for words, count in losses.items() if not count]:
        del losses[words]


@dataclass(frozen=True, slots=True)
class _Column:
    """One cell of a layer: what the header says, and the property. `kind`: label, value, role, target, source."""

    words: str
    kind: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer as it is written: `kind` SP or RL, its type, its columns."""

    name: str
    kind: str
    type: str
    columns: tuple[_Column, ...]

    @property
    def width(self) -> int:
        """Cells in a row; a layer without columns has one."""
        return max(len(self.columns), 1)


class _Writing:
    """Writes the layers of one article on its rows."""

    def __init__(self, article: Article, losses: Counter[str]) -> None:
        self.article, self.losses = article, losses
        self.rows = Rows(article, losses)
        self.cells: dict[tuple[str, Key], list[list[str]]] = {}
        self.bases = self._relations()
        self.types = self._types()

    def _lose(self, words: str, count: int = 1) -> None:
        self.losses[words] += count

    def _types(self) -> dict[str, str]:
        """Layer -> type; a name that is no identifier, or that of a built-in type, is changed."""
        out: dict[str, str] = {"tokens": TOKEN}
        for name in [*self.rows.placed, *self.bases]:
            placed = self.rows.placed.get(name, ())
            whole = all(len(p.keys) == 1 and p.keys[0][1:] == self.rows.tokens[p.keys[0][0]] for p in placed)
            fits = self.bases.get(name) == "tokens" if name == "dependencies" else whole or name not in ON_TOKENS
            if name in TYPES and fits:
                out[name] = TYPES[name]
                continue
            plain = called = f"webanno.custom.{identifier(name) or '_'}"
            while called in out.values():
                called += "_"
            self._lose("names of layers", called != plain or name in TYPES or name != identifier(name))
            out[name] = called
        return out

    def _relations(self) -> dict[str, str]:
        """Relation layer -> the layer that its relations are between. Layers that are neither are lost."""
        out: dict[str, str] = {}
        for name, items in self.article.layers.items():
            if name in self.rows.placed or name in {"tokens", "sentences"}:
                continue
            heads = [ref.layer for item in items if isinstance(ref := item.values.get("head"), Ref)]
            base = next((layer for layer in heads if self._is_written(layer)), None)
            if base is not None and not any(item.ranges for item in items):
                out[name] = base
            elif not any(item.ranges for item in items):
                self._lose(name, len(items))
        return out

    def _is_written(self, layer: str) -> bool:
        return layer in self.rows.placed or (layer == "tokens" and bool(self.rows.ids))

    def _end(self, ref: Value, base: str) -> tuple[Key, int] | None:
        """(row, number) of what a reference names, if it is written and of the layer `base`."""
        if not isinstance(ref, Ref) or ref.layer != base or ref.article is not None:
            return None
        if base == "tokens":
            token = self.rows.ids.get(ref.id)
            return ((token, *self.rows.tokens[token]), 0) if token is not None else None
        placed = self.rows.named.get((base, ref.id))
        return (placed.keys[0], placed.number) if placed is not None else None

    def _columns(self, name: str, items: Iterable[Item], kind: str) -> tuple[_Column, ...]:
        """The columns that the values of a layer need, by name; the values that no column can hold are lost."""
        label = LABELS.get(name, "label")
        out: dict[str, tuple[_Column, ...]] = {}
        for item in items:
            if item.label is not None:
                self._lose("carriage returns in values", "\r" in item.label)
                out[label] = (_Column(label, "label"),)
            for called, value in item.values.items():
                if value is None or (kind == "RL" and called in {"head", "tail"}):
                    continue
                feature = "id" if called == "id_" else called
                sound = property_name(feature) == called and called != label and not called.startswith(("ROLE_", "BT_"))
                layer = self._slot_layer(value)
                self._lose("numbers and booleans (become strings)", isinstance(value, int | float))
                self._lose("carriage returns in values", isinstance(value, str) and "\r" in value)
                if sound and isinstance(value, str | int | float) and called not in out:
                    out[called] = (_Column(feature, "value", called),)
                elif sound and layer is not None and kind == "SP" and called not in out:
                    own = f"webanno.custom.{identifier(name)}{called[:1].upper()}{called[1:]}Link"
                    role = f"ROLE_{self.types[name]}:{called}_{own}"
                    out[called] = (_Column(role, "role", called), _Column(self.types[layer], "target", called))
                if not sound or called not in out or isinstance(value, list) != (len(out[called]) == 2):
                    self._lose(f"{name}: {called}")
        return tuple(column for called in sorted(out) for column in out[called])

    def _slot_layer(self, value: Value) -> str | None:
        """The layer that a list of roles and targets leads to, if it is such a list."""
        entries = [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
        targets = [entry.get("target") for entry in entries]
        return next((ref.layer for ref in targets if isinstance(ref, Ref) and self._is_written(ref.layer)), None)

    def _part(self, layer: _Layer, column: _Column, item: Item, number: int) -> str:
        """What a cell says of one annotation."""
        suffix = f"[{number}]" if number else ""
        value: Value = item.label if column.kind == "label" else item.values.get(column.name)
        if column.kind in {"role", "target"}:
            roles, targets = self._slots(layer, column, value)
            if column.kind == "target":
                return ";".join(targets) or NULL
            return (";".join(roles) if roles else NONE) + suffix
        if not isinstance(value, str | int | float):
            return f"{NULL}{suffix}"
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return escape_cell(text.replace("\r\n", "\n").replace("\r", "\n")) + suffix

    def _slots(self, layer: _Layer, column: _Column, value: Value) -> tuple[list[str], list[str]]:
        """(roles, targets) of a slot, as cells say them."""
        kind = next(c.words for c in layer.columns if c.kind == "target" and c.name == column.name)
        base = next(name for name, called in self.types.items() if called == kind)
        roles, targets = [], []
        for entry in value if isinstance(value, list) else ():
            given = entry if isinstance(entry, dict) else {}
            role, end = given.get("role"), self._end(given.get("target"), base)
            if end is None or not isinstance(role, str | None) or given.keys() - {"role", "target"}:
                self._lose(f"{layer.name}: {column.name}", column.kind == "role")
                continue
            roles.append(NULL if role is None else escape_cell(role))
            targets.append(self.rows.units[end[0]] + (f"[{end[1]}]" if end[1] else ""))
        return roles, targets

    def _span_layer(self, name: str) -> _Layer:
        items = [placed.item for placed in self.rows.placed[name]]
        layer = _Layer(name, "SP", self.types[name], self._columns(name, items, "SP"))
        for (of, key), together in self.rows.at.items():
            if of == name:
                rows = [[self._part(layer, c, p.item, p.number) for c in layer.columns] for p in together]
                marks = [[f"{NULL}[{p.number}]" if p.number else NULL] for p in together]
                self.cells[name, key] = rows if layer.columns else marks
        return layer

    def _relation_layer(self, name: str, base: str) -> _Layer:
        ends, kept = [], []
        for item in self.article.layers[name]:
            head, tail = self._end(item.values.get("head"), base), self._end(item.values.get("tail"), base)
            if head is None or tail is None:
                self._lose(f"{name} without an end in {base}")
            else:
                ends.append((head, tail))
                kept.append(item)
        columns = self._columns(name, kept, "RL")
        attached = POS if self.types[name] == DEPENDENCY else self.types[base]
        layer = _Layer(name, "RL", self.types[name], (*columns, _Column(f"BT_{attached}", "source")))
        for item, ((first, number), (key, other)) in zip(kept, ends, strict=True):
            source = self.rows.units[first] + (f"[{number}_{other}]" if number or other else "")
            row = [*(self._part(layer, column, item, 0) for column in columns), source]
            self.cells.setdefault((name, key), []).append(row)
        self._lose("ids of annotations", len(kept))
        return layer

    def lines(self) -> str:
        """The file."""
        layers = [self._span_layer(name) for name in self.rows.placed]
        layers += [self._relation_layer(name, base) for name, base in self.bases.items()]
        out = ["#FORMAT=WebAnno TSV 3.3"]
        out += [f"#T_{layer.kind}={layer.type}|{'|'.join(c.words for c in layer.columns)}" for layer in layers]
        out.append("")
        ends = dict(self.rows.sentences)
        names = dict(zip(ends, self.rows.names, strict=False))
        text, starts = self.rows.text, self.rows.starts
        for (token, start, end), unit in self.rows.units.items():
            if token in ends and (start, end) == self.rows.tokens[token]:
                out += ["", *([f"#Sentence.id={escape_text(names[token])}"] if token in names else [])]
                out += (f"#Text={escape_text(line)}" for line in text[start : ends[token]].split("\n"))
            form = text[start:end]
            form = escape_text(form) if re.search("[\t\n\r]", form) else form
            fields = [unit, f"{starts[start]}-{starts[end]}", form]
            for layer in layers:
                rows = self.cells.get((layer.name, (token, start, end)))
                fields += ["|".join(parts) for parts in zip(*rows, strict=True)] if rows else [NONE] * layer.width
            out.append("\t".join([*fields, ""]))
        return "\n".join([*out, ""])
