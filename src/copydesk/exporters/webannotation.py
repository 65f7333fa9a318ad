"""W3C Web Annotation: an article is a text file and an AnnotationPage of JSON-LD beside it.

Any client understands the targets (positions in code points, with the words and what surrounds them) and the labels
(tagging bodies). What the model has no place for stands in properties of our own, which the context declares and the
importer reads back; importers/webmodel.py describes them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from urllib.parse import quote

from copydesk import jsontext
from copydesk.articles.model import Article, Item, Range, Ref, Value
from copydesk.importers.webannotation.model import ARTICLE, CONTEXT, ID, LAYER, VALUES

AROUND = 24
"""Code points of the text that a quote gives before and after it."""

_CONTEXT: list[object] = [
    CONTEXT,
    {
        "copydesk": "urn:copydesk:web:",
        "Composite": "http://www.w3.org/ns/oa#Composite",
        ARTICLE: {"@type": "@json"},
        VALUES: {"@type": "@json"},
    },
]
_SURROGATE = re.compile("[\ud800-\udfff]")
_NO_NAME = re.compile(r'[\x00-\x1f\x7f<>:"\\|?*]')
_LONGEST = 60


def export(articles: Iterable[Article], losses: Counter[str]) -> Iterator[tuple[str, bytes]]:
    """<id>.txt and <id>.jsonld of each article."""
    names = _Names()
    for article in articles:
        if article.text is None:
            losses["links between articles"] += 1
            continue
        stem = names.free(article.id)
        text = _clean(article.text, losses)
        # a byte order mark at the beginning is taken off by readers: one that is text needs another before it
        yield f"{stem}.txt", (("\ufeff" if text.startswith("\ufeff") else "") + text).encode("utf-8")
        yield f"{stem}.jsonld", jsontext.dump_document(_page(article, text, PurePosixPath(stem).name, losses))


class _Names:
    """File names for ids: told apart without regard to case, and a file never has the name of a folder."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def free(self, identity: str) -> str:
        """A stem, with folders where the id has slashes, that no other article has."""
        wanted = "/".join(map(_part, identity.split("/")))
        if self._folders_of(wanted) & self._files:
            wanted = wanted.replace("/", "_")
        stem, number = wanted, 2
        while {f"{stem}.txt".casefold(), f"{stem}.jsonld".casefold()} & (self._files | self._folders):
            stem, number = f"{wanted}-{number}", number + 1
        self._files |= {f"{stem}.txt".casefold(), f"{stem}.jsonld".casefold()}
        self._folders |= self._folders_of(stem)
        return stem

    def _folders_of(self, stem: str) -> set[str]:
        return {parent.as_posix().casefold() for parent in PurePosixPath(stem).parents if parent.as_posix() != "."}


def _part(name: str) -> str:
    """One part of an id as every file system takes it."""
    name = _SURROGATE.sub("_", _NO_NAME.sub("_", name))[:_LONGEST].strip(" ").rstrip(".")
    return name or "_"


def _clean(text: str, losses: Counter[str]) -> str:
    cleaned, times = _SURROGATE.subn("\ufffd", text)
    if times:
        losses["halves of surrogate pairs (UTF-8 has none)"] += times
    return cleaned


def _page(article: Article, text: str, name: str, losses: Counter[str]) -> dict[str, object]:
    source = quote(f"{name}.txt")
    about: dict[str, object] = {
        "id": _clean(article.id, losses),
        "text": source,
        "values": _values(article.values, losses),
        "layers": [_clean(layer, losses) for layer in article.layers],
    }
    if article.annotator is not None:
        about["annotator"] = _clean(article.annotator, losses)
    if article.curated:
        about["curated"] = True
    return {
        "@context": _CONTEXT,
        "id": _iri(article.id),
        "type": "AnnotationPage",
        ARTICLE: about,
        "items": [
            _annotation(article, text, source, layer, item, losses)
            for layer, items in article.layers.items()
            for item in items
        ],
    }


def _iri(*parts: str) -> str:
    return "urn:copydesk:" + ":".join(quote(_SURROGATE.sub("\ufffd", part), safe="") for part in parts)


def _annotation(
    article: Article, text: str, source: str, layer: str, item: Item, losses: Counter[str]
) -> dict[str, object]:
    out: dict[str, object] = {"id": _iri(article.id, layer, item.id), "type": "Annotation"}
    ends = [item.values.get(name) for name in ("head", "tail")]
    linked = [_iri(article.id, end.layer, end.id) for end in ends if isinstance(end, Ref) and end.article is None]
    if item.ranges or len(linked) != 2:
        out["motivation"] = "highlighting" if item.label is None else "tagging"
    else:
        out["motivation"] = "linking"
    if article.annotator is not None:
        out["creator"] = {"type": "Person", "name": _clean(article.annotator, losses)}
    if item.label is not None:
        out["body"] = {"type": "TextualBody", "value": _clean(item.label, losses), "purpose": "tagging"}
    parts: list[object] = [_selected(text, span, source) for span in item.ranges]
    if len(parts) == 1:
        out["target"] = parts[0]
    elif parts:
        out["target"] = {"type": "Composite", "items": parts}
    else:
        out["target"] = linked if len(linked) == 2 else source
    if item.surface is not None and item.ranges and item.surface != article.surface_of(item):
        losses["surfaces that are not the text of the span"] += 1
    out[LAYER], out[ID] = _clean(layer, losses), _clean(item.id, losses)
    out[VALUES] = _values(item.values, losses)
    return out


def _selected(text: str, span: Range, source: str) -> dict[str, object]:
    """A part of the text, by position and by its words; a span that is none in the text has only its position."""
    start, end = span
    position: dict[str, object] = {"type": "TextPositionSelector", "start": start, "end": end}
    if not 0 <= start < end <= len(text):
        return {"type": "SpecificResource", "source": source, "selector": position}
    words: dict[str, object] = {"type": "TextQuoteSelector", "exact": text[start:end]}
    if before := text[max(0, start - AROUND) : start]:
        words["prefix"] = before
    if after := text[end : end + AROUND]:
        words["suffix"] = after
    return {"type": "SpecificResource", "source": source, "selector": [position, words]}


def _values(values: Mapping[str, Value], losses: Counter[str]) -> dict[str, object]:
    return {_clean(name, losses): _value(value, losses) for name, value in values.items()}


def _value(value: Value, losses: Counter[str]) -> object:
    """A value as JSON, in the form that importers/webmodel.py describes."""
    if isinstance(value, Ref):
        names = [value.layer, value.id, *([value.article] if value.article is not None else [])]
        return {"$ref": [_clean(name, losses) for name in names]}
    if isinstance(value, list):
        return [_value(inner, losses) for inner in value]
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)).startswith("$"):
            return {f"${_clean(name, losses)}": _value(inner, losses) for name, inner in value.items()}
        return _values(value, losses)
    if isinstance(value, str):
        return _clean(value, losses)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        losses["numbers that JSON cannot hold"] += 1
        return None
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        losses["numbers that JSON cannot hold"] += 1
        return None
    return value
