"""The rows of a WebAnno TSV file -> the layers of an article: spans, slots, chains, relations.

What DKPro's types are called is the same as in a CAS (cas/layers.py): the same document in both has the same layers.
Whatever TSV says is a string.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from copydesk.articles.model import Article, Item, Range, Ref, Value, layer_of
from copydesk.importers.webanno.cells import (
    NONE,
    NULL,
    Layer,
    beside,
    key_column,
    short,
    split_cell,
    stack,
    unescape_cell,
)
from copydesk.importers.webanno.names import (
    ANNOTATION,
    DEPENDENCY,
    FAMILIES,
    LABELS,
    TOKEN,
    identifier,
    property_name,
)
from copydesk.importers.webanno.tsv import Document, Row

_END = re.compile(r"(\d{1,9}-\d{1,9}(?:\.\d{1,9})?)(?:-\d{1,9})?(?:\[(\d{1,9})(?:_(\d{1,9}))?\])?")
_LINK = re.compile(r"((?:[^\\]|\\.)*)->(\d{1,9})-(\d{1,9})", re.DOTALL)


def fill(article: Article, document: Document) -> None:
    """Put the annotations of a file, whose text has its place, into the layers of an article."""
    _Reading(article, document, layer_names(document.layers)).run()


def layer_names(layers: Sequence[Layer]) -> list[str]:
    """What the layers are called: by the last part of their type; where types share one, by the whole name of each.

    Chains have two layers, this name with `Link` and with `Chain`.
    """
    plain = [FAMILIES.get(layer.type) or identifier(layer.type.rpartition(".")[2] or "_") for layer in layers]
    claims = Counter({*FAMILIES.values()}) + Counter(
        name for layer, name in zip(layers, plain, strict=True) if layer.kind and layer.type not in FAMILIES
    )
    out = []
    for layer, name in zip(layers, plain, strict=True):
        if claims[name] > 1 and layer.type not in FAMILIES:
            name = identifier(layer.type)
        out.append(name.removesuffix("Link") if layer.kind == "CH" else name)
    return out


@dataclass(slots=True)
class _Span:
    """An annotation while it is read. `unit`: its first row; `last`: the number of the last token it reaches."""

    item: Item
    unit: str
    last: int
    cells: dict[int, str]


@dataclass(slots=True)
class _Reading:
    """Makes the items of an article. Slots and relations wait until all spans are known."""

    article: Article
    document: Document
    names: Sequence[str]
    order: dict[str, int] = field(default_factory=dict)
    damaged: set[int] = field(default_factory=set)
    numbered: dict[tuple[int, tuple[int, ...]], _Span] = field(default_factory=dict)
    standing: dict[tuple[int, str], list[_Span]] = field(default_factory=dict)
    slots: list[tuple[Row, Item, Layer, dict[int, str]]] = field(default_factory=list)
    relations: list[tuple[Row, int, dict[int, str]]] = field(default_factory=list)

    def run(self) -> None:
        self._tokens()
        for sentence in self.document.sentences:
            for row in sentence.rows:
                if row.range is not None and row.token in self.order and row.cells is not None:
                    for number in range(len(self.document.layers)):
                        self._layer(row, number, row.range)
        for name, items in self.article.layers.items():
            if name not in {"tokens", "sentences"}:
                _give_ids(items)
        self._chains()
        for row, item, layer, cells in self.slots:
            self._slots(row, item, layer, cells)
        for row, number, cells in self.relations:
            self._relation(row, number, cells)
        self._name_ends()

    def _tokens(self) -> None:
        """Tokens have the numbers of their rows as ids."""
        tokens, sentences = layer_of(self.article, "tokens"), layer_of(self.article, "sentences")
        for sentence in self.document.sentences:
            if sentence.range is not None:
                item = Item(id=str(len(sentences) + 1), ranges=(sentence.range,), line=sentence.line)
                item.values |= {"id_": sentence.id} if sentence.id else {}
                sentences.append(item)
            for row in sentence.rows:
                if row.part == 0 and row.range is not None:
                    self.order[row.unit] = len(self.order)
                    tokens.append(Item(id=row.unit, ranges=(row.range,), line=row.line))
                if row.cells is None:
                    self.damaged.add(len(self.order) - 1)
                elif row.part and row.range is not None and row.token not in self.order:
                    message = f"row {row.unit} is a part of a token that has no row"
                    self.article.problem("I003", message, line=row.line)
        _give_ids(sentences)

    def _layer(self, row: Row, number: int, where: Range) -> None:
        layer = self.document.layers[number]
        cells = (row.cells or ())[layer.first : layer.first + len(layer.columns)]
        if not layer.kind or all(cell == NONE for cell in cells):
            return
        if layer.kind == "SP":
            stacked, wrong = stack(layer.columns, cells)
            for one in stacked:
                self._span(row, number, where, (one.number,) if one.number is not None else (), one.cells)
        else:
            parts, wrong = beside(layer, cells)
            for values in parts:
                if layer.kind == "CH":
                    self._link(row, number, where, values)
                else:
                    self.relations.append((row, number, values))
        for message in wrong:
            self.article.problem("I002", f"{self.names[number]} at {row.unit}: {message}", line=row.line)

    def _span(self, row: Row, number: int, where: Range, key: tuple[int, ...], cells: dict[int, str]) -> None:
        """An annotation in a row: a new one, or one that comes from the rows before."""
        layer, token = self.document.layers[number], self.order[row.token]
        span = self.numbered.get((number, key)) if key else None
        if span is None:
            items = layer_of(self.article, self.names[number] + ("Link" if layer.kind == "CH" else ""))
            name = "-".join(map(str, key)) if layer.kind == "CH" else f"m{len(items) + 1}"
            span = _Span(Item(id=name, ranges=(where,), line=row.line), row.unit, token, cells)
            items.append(span.item)
            _features(span.item, layer, self.names[number], cells)
            if any(column.kind == "role" for column in layer.columns):
                self.slots.append((row, span.item, layer, cells))
            if key:
                self.numbered[number, key] = span
        else:
            self._extend(span, row, number, where, cells)
        self.standing.setdefault((number, row.unit), []).append(span)

    def _extend(self, span: _Span, row: Row, number: int, where: Range, cells: dict[int, str]) -> None:
        item, token, layer = span.item, self.order[row.token], self.document.layers[number]
        if any(between not in self.damaged for between in range(span.last + 1, token)):
            message = f"{self.names[number]} of line {item.line} goes on at {row.unit} after tokens that are not of it"
            self.article.problem("I002", message, line=row.line)
        span.last = max(span.last, token)
        item.ranges = ((min(item.ranges[0][0], where[0]), max(item.ranges[0][1], where[1])),)
        for index, part in cells.items():
            old = span.cells.get(index, NULL)
            if old in {NULL, NONE} and part not in {NULL, NONE}:
                _features(item, layer, self.names[number], {index: part})
            elif old != part and part not in {NULL, NONE}:
                message = f"{self.names[number]} of line {item.line} has {short(old)!r} there, and {short(part)!r} here"
                self.article.problem("I002", message, line=row.line)
            span.cells[index] = part

    def _link(self, row: Row, number: int, where: Range, cells: dict[int, str]) -> None:
        key = key_column(self.document.layers[number])
        match = _LINK.fullmatch(cells[key]) if key is not None else None
        if key is None or match is None:
            message = f"{self.names[number]} at {row.unit}: {short(cells.get(key or 0, ''))!r} is no link of a chain"
            self.article.problem("I002", message, line=row.line)
            return
        self._span(row, number, where, (int(match[2]), int(match[3])), {**cells, key: match[1]})

    def _chains(self) -> None:
        for number, layer in enumerate(self.document.layers):
            chains: dict[int, dict[int, Item]] = {}
            for (of, key), span in self.numbered.items():
                if of == number and layer.kind == "CH":
                    chains.setdefault(key[0], {})[key[1]] = span.item
            for chain, links in sorted(chains.items()):
                members: list[Value] = []
                for position, (place_in, item) in enumerate(sorted(links.items()), 1):
                    members.append(Ref(self.names[number] + "Link", item.id))
                    if place_in != position and position not in links:
                        message = f"chain {chain} of {self.names[number]} has no link {position}"
                        self.article.problem("I003", message, line=item.line)
                line = min(item.line for item in links.values())
                item = Item(id=str(chain), values={"members": members}, line=line)
                layer_of(self.article, self.names[number] + "Chain").append(item)

    def _slots(self, row: Row, item: Item, layer: Layer, cells: dict[int, str]) -> None:
        """The slots of an annotation: for each, its roles in one column and what fills them in the next."""
        for index, column in enumerate(layer.columns):
            if column.kind != "role":
                continue
            roles = [role for role in split_cell(cells.get(index, NONE), ";") if role != NONE]
            filled = split_cell(cells.get(index + 1, NONE), ";")
            filled = [] if filled in ([NONE], [NULL]) else filled
            if len(roles) != len(filled):
                message = f"{column.feature} at {row.unit}: {len(roles)} roles for {len(filled)} annotations"
                self.article.problem("I002", message, line=row.line)
            target = layer.columns[index + 1].target if index + 1 < len(layer.columns) else ANNOTATION
            entries: list[Value] = []
            for role, named in zip(roles, filled, strict=False):
                ref = self._named(row, column.feature, named, target)
                if ref is not None:
                    name = "target" if target != ANNOTATION else f"target_{ref.layer}"
                    entries.append({"role": None if role == NULL else unescape_cell(role), name: ref})
            if entries:
                item.values[property_name(column.feature)] = entries

    def _named(self, row: Row, what: str, named: str, target: str) -> Ref | None:
        match = _END.fullmatch(named)
        if match is None:
            message = f"{what} at {row.unit}: {short(named)!r} names no annotation"
            self.article.problem("I002", message, line=row.line)
            return None
        ref = self._find(target, match[1], int(match[2] or 0))
        if ref is None:
            message = f"{what} at {row.unit} names {named}, where no {target.rpartition('.')[2]} is"
            self.article.problem("I003", message, line=row.line)
        return ref

    def _find(self, target: str, unit: str, number: int) -> Ref | None:
        """The annotation of a type by its number, or the one that stands in a row. 0: it has no number.

        Numbers are unique in a file (INCEpTION) or in a layer (WebAnno), so the row decides between layers.
        """
        if target == TOKEN:
            token = unit.partition(".")[0]
            return Ref("tokens", token) if token in self.order else None
        loose: Ref | None = None
        for index, layer in enumerate(self.document.layers):
            if layer.kind != "SP" or target not in {ANNOTATION, layer.type}:
                continue
            standing = self.standing.get((index, unit), [])
            span = self.numbered.get((index, (number,))) if number else None
            if not number and standing:  # of those that stand there, one that begins there
                span = next((s for s in standing if s.unit == unit), standing[0])
            if span is not None and (target != ANNOTATION or span in standing):
                return Ref(self.names[index], span.item.id)
            if span is not None:
                loose = loose or Ref(self.names[index], span.item.id)
        return loose

    def _relation(self, row: Row, number: int, cells: dict[int, str]) -> None:
        """A relation stands in a row of its tail; its last cell says `head[number of the head_number of the tail]`."""
        layer, name = self.document.layers[number], self.names[number]
        key = key_column(layer)
        if key is None:
            return
        target = TOKEN if layer.type == DEPENDENCY else layer.columns[key].target
        head = self._named(row, name, cells[key], target)
        if head is None:
            return
        match = _END.fullmatch(cells[key])
        tail = self._find(target, row.unit, int(match[3] or 0) if match else 0)
        if tail is None:
            message = f"{name} at {row.unit} leads there, where no {target.rpartition('.')[2]} is"
            self.article.problem("I003", message, line=row.line)
            return
        items = layer_of(self.article, name)
        item = Item(id=f"r{len(items) + 1}", line=row.line)
        _features(item, layer, self.names[number], cells)
        item.values |= {"head": head, "tail": tail}
        items.append(item)

    def _name_ends(self) -> None:
        """Where a relation may be between annotations of any type, and is in this file, say so: `head_Layer`."""
        for number, layer in enumerate(self.document.layers):
            items = self.article.layers.get(self.names[number], []) if layer.kind == "RL" else []
            _give_ids(items)
            for end in ("head", "tail") if any(column.target == ANNOTATION for column in layer.columns) else ():
                refs = [(item, ref) for item in items if isinstance(ref := item.values.get(end), Ref)]
                if len({ref.layer for _, ref in refs}) > 1:
                    for item, ref in refs:
                        item.values[f"{end}_{ref.layer}"] = item.values.pop(end)


def _give_ids(items: Sequence[Item]) -> None:
    """A feature `id` is the id of the items of a layer, if it tells them all apart."""
    own = [item.values.get("id_") for item in items]
    known = [name for name in own if isinstance(name, str) and name]
    if len(set(known)) == len(items):
        for item, name in zip(items, known, strict=True):
            item.id = name
            del item.values["id_"]


def _features(item: Item, layer: Layer, name: str, cells: Mapping[int, str]) -> None:
    """Give an item the values of its cells; a feature without a value is absent."""
    for index, part in cells.items():
        column = layer.columns[index]
        if column.kind not in {"value", "link"} or part in {NULL, NONE}:
            continue
        if column.feature == LABELS.get(name, "label"):
            item.label = unescape_cell(part)
        else:
            item.values[property_name(column.feature)] = unescape_cell(part)
