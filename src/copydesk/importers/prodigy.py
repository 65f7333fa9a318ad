"""Prodigy: what `db-out` writes, one task a line (or a JSON array of tasks). Offsets are code points.

A task has a `text` and what the interface adds to it: `tokens`, `spans`, `relations`, the ids in `accept` of the
`options`, a `label`, and the button that was pressed as `answer`. See https://prodi.gy/docs/api-interfaces. Which tasks
are one article, and which answers count, is in prodigy_review.py. Tasks about pictures, sound or HTML are not read.

A binary task (`ner.teach`) marks one span and asks nothing of the rest of the text: taken as it is, it is a partial
annotation. Nothing in the file tells the rest from text without annotations.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from copydesk.articles.model import Article, Item, Ref, Value, layer_of
from copydesk.articles.units import Sample, decode, each
from copydesk.diagnostics import Diagnostic, Place
from copydesk.importers.fields.heads import heads
from copydesk.importers.prodigy_review import ANSWERS, Answer, Question, is_taken, questions, says, tasks_of
from copydesk.project import Source
from copydesk.sources import RawRecord, Unit

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "answers": {
        "type": "array",
        "items": {"enum": list(ANSWERS)},
        "minItems": 1,
        "description": "Answers that are taken. Without it: accept, and reject where the task asks whether its label "
        "is right; other rejected tasks, and ignored ones, are left out.",
    },
}
TAKES = ("articles",)

_SUFFIXES = (".jsonl", ".json", ".ndjson")
_HASH = re.compile(rb'"_(?:input|task)_hash"\s*:\s*-?\d')
_ANSWER = re.compile(rb'"answer"\s*:\s*"(?:accept|reject|ignore)"')
_TOKENS = re.compile(rb'"(?:token_start|ws)"\s*:')
_SPANS = re.compile(rb'"spans"\s*:\s*\[\s*\{[^}]*"start"\s*:')
_TEXT = re.compile(rb'"text"\s*:\s*"')

_HANDLED = {"text", "tokens", "spans", "relations", "options", "accept", "label", "answer", "meta"}
_ABOUT_ANSWERS = {"versions", "sessions", "default", "_input_hash", "_annotator_id", "_session_id"}
_BOOKKEEPING = "hashes, time stamps and settings of Prodigy"
_DISPLAY = "colours and styles"
_LEFT_OUT = {
    "view_id": _BOOKKEEPING, "config": _BOOKKEEPING, "input_hash": _BOOKKEEPING, "color": _DISPLAY,
    "style": _DISPLAY, "html": "HTML renderings of texts", "image": "pictures", "audio": "sound", "video": "sound",
}  # fmt: skip
_DERIVED = {"token_start", "token_end"}


def sniff(sample: Sample) -> int:
    """Sure where a task has Prodigy's hashes; an answer, or tokens as spaCy has them, make it likely."""
    return max((_sure(head) for _, head in heads(sample, *_SUFFIXES)), default=0)


def _sure(head: bytes) -> int:
    if _HASH.search(head):
        return 95
    if not _TEXT.search(head):
        return 0
    if _ANSWER.search(head):
        return 85
    return 55 if _TOKENS.search(head) else 15 if _SPANS.search(head) else 0  # rows of any tool can have spans


def units(source: Source, names: Sequence[str]) -> Iterator[Unit]:
    """One file a unit, never cut: the answers of several annotators to one task stand anywhere in it."""
    return each(names, *_SUFFIXES)


def read(root: Path, source: Source, raw: RawRecord) -> Iterator[Article | Diagnostic]:
    """The articles of one file. A line, or element of the array, that is damaged is lost alone."""
    data = raw.data
    if source.encoding.lower() not in {"utf-8", "utf8"} or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        decoded = decode(data, raw.file, source.encoding)
        if isinstance(decoded, Diagnostic):
            yield decoded
            return
        data = decoded[0].encode("utf-8", "surrogatepass")
    tasks, lost = tasks_of(data, raw.file)
    yield from lost
    given = source.options.get("answers")
    wanted = [str(answer) for answer in given] if isinstance(given, list | tuple) else None
    for question in questions(tasks, raw.name):
        yield from _articles(question, raw.file, wanted)


def _articles(question: Question, file: str, wanted: Collection[str] | None) -> Iterator[Article | Diagnostic]:
    """The passes over one text: an answer of each annotator, and the outcome of a review.

    Where nothing is left to take, or the review itself accepted nothing, the article is lost, and that is said once.
    """
    passes: dict[str, tuple[Answer, Article]] = {}
    damaged: list[Diagnostic] = []
    refused: list[Diagnostic] = []
    repeats = 0
    for answer in question.answers:
        place = Place(file=file, line=answer.line, pointer=answer.pointer or None, record=question.id)
        given = answer.value.get("answer")
        if given is not None and given not in ANSWERS:
            message = f"the answer is {str(given)[:20]!r}, not one of {', '.join(ANSWERS)}"
            damaged.append(Diagnostic(code="I002", place=place, message=message))
        elif not is_taken(answer, wanted):
            refused.append(Diagnostic(code="I008", place=place, message=f"the task is left out: its answer is {given}"))
        elif answer.seat not in passes:
            passes[answer.seat] = answer, _article(question, answer, file, wanted)
        elif says(passes[answer.seat][0]) == says(answer):
            repeats += 1
        else:
            first, kept = passes[answer.seat]
            message = f"the same annotator answered otherwise in line {answer.line}; the first answer is kept"
            kept.problem("I006", message, line=first.line, pointer=first.pointer)
    reviewed = any(answer.curated for answer in question.answers)
    if not passes or (reviewed and not any(answer.curated for answer, _ in passes.values())):
        yield from damaged or refused[:1]
        return
    articles = [article for _, article in passes.values()]
    articles[0].found.extend(damaged)
    _count(articles[0], "answers that are not taken (ignored, rejected)", len(refused))
    _count(articles[0], "repeated tasks", repeats)
    yield from articles


def _count(article: Article, words: str, number: int = 1) -> None:
    if number:
        article.left_out[words] += number


def _article(question: Question, answer: Answer, file: str, wanted: Collection[str] | None) -> Article:
    article = Article(
        id=question.id,
        text=question.text,
        file=file,
        line=answer.line,
        pointer=answer.pointer,
        annotator=answer.annotator,
        curated=answer.curated,
    )
    for code, message, pointer in answer.problems:
        article.problem(code, message, pointer=pointer)
    _tokens(article, answer)
    _spans(article, answer, "reject" in (wanted or ()))
    _relations(article, answer)
    _choice(article, answer)
    _values(article, answer)
    return article


def _objects_of(article: Article, answer: Answer, key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(pointer, object) for the list that a task has under a key; what is not of that form is a finding."""
    pointer = f"{answer.pointer}/{key}"
    given = answer.value.get(key)
    if given is None:
        return
    if not isinstance(given, list):
        article.problem("I002", f"`{key}` is not a list", pointer=pointer)
        return
    for index, value in enumerate(given):
        if isinstance(value, dict):
            yield f"{pointer}/{index}", value
        else:
            article.problem("I002", f"an element of `{key}` is not a JSON object", pointer=f"{pointer}/{index}")


def _range(article: Article, value: Mapping[str, Any], what: str, pointer: str) -> tuple[int, int] | None:
    start, end = value.get("start"), value.get("end")
    if type(start) is int and type(end) is int:
        return start, end
    article.problem("I002", f"a {what} has no whole numbers `start` and `end`", pointer=pointer)
    return None


def _label(article: Article, value: Mapping[str, Any], what: str, pointer: str) -> str | None:
    label = value.get("label")
    if label is None or isinstance(label, str):
        return label
    article.problem("I002", f"the label of a {what} is not a string", pointer=f"{pointer}/label")
    return None


def _tokens(article: Article, answer: Answer) -> None:
    ids: set[str] = set()
    for pointer, value in _objects_of(article, answer, "tokens"):
        at = _range(article, value, "token", pointer)
        if at is None:
            continue
        tokens = layer_of(article, "tokens")
        own = value.get("id")
        identifier = str(own) if isinstance(own, int | str) else str(len(tokens))
        if identifier in ids:
            article.problem("I006", f"two tokens have the id {identifier[:40]}; the first one is kept", pointer=pointer)
            continue
        ids.add(identifier)
        item = _item(identifier, at, None, value, pointer, answer)
        _scalars(article, item.values, value, {"text", "start", "end", "id"})
        tokens.append(item)


def _item(
    identifier: str, at: tuple[int, int], label: str | None, value: Mapping[str, Any], pointer: str, answer: Answer
) -> Item:
    surface = value.get("text")
    return Item(
        id=identifier,
        ranges=(at,),
        label=label,
        surface=surface if isinstance(surface, str) else None,
        line=answer.line,
        pointer=pointer,
    )


def _spans(article: Article, answer: Answer, rejected: bool) -> None:
    """The spans as mentions. A span can have an `answer` of its own: a rejected one is known to be none."""
    for pointer, value in _objects_of(article, answer, "spans"):
        mentions = layer_of(article, "mentions")
        at = _range(article, value, "span", pointer)
        if at is None:
            continue
        if value.get("answer") in ("reject", "ignore") and not rejected:
            article.left_out["spans whose own answer is reject or ignore"] += 1
            continue
        label = _label(article, value, "span", pointer)
        item = _item(f"m{len(mentions) + 1}", at, label, value, pointer, answer)
        _scalars(article, item.values, value, {"text", "start", "end", "label"} | _DERIVED, rename="span_id")
        mentions.append(item)


def _relations(article: Article, answer: Answer) -> None:
    """`head` and `child` as head and tail; where they are words that no span covers, as `head_token`, `tail_token`."""
    tokens = {token.id: token for token in article.layers.get("tokens", [])}
    mentions: dict[tuple[int, int], list[Item]] = {}
    for mention in article.layers.get("mentions", []):
        mentions.setdefault(mention.ranges[0], []).append(mention)
    for pointer, value in _objects_of(article, answer, "relations"):
        relations = layer_of(article, "relations")
        label = _label(article, value, "relation", pointer)
        item = Item(id=f"r{len(relations) + 1}", label=label, line=answer.line, pointer=pointer)
        for side, name in (("head", "head"), ("child", "tail")):
            end = _end(value, side, mentions, tokens)
            if isinstance(end, str):
                article.problem("I003", end, line=answer.line, pointer=f"{pointer}/{side}")
                break
            item.values[name] = end if end.layer == "mentions" else None
            if end.layer == "tokens":
                item.values[f"{name}_token"] = end
        else:
            _scalars(article, item.values, value, {"head", "child", "head_span", "child_span", "label"})
            relations.append(item)


def _end(
    relation: Mapping[str, Any],
    side: str,
    mentions: Mapping[tuple[int, int], Sequence[Item]],
    tokens: Mapping[str, Item],
) -> Ref | str:
    """What one end of a relation names, or why it names nothing. `mentions` by where they stand.

    `head` and `child` are indices of tokens: of the last one of a phrase, whose span is `head_span`, `child_span`.
    """
    index, span = relation.get(side), relation.get(f"{side}_span")
    token = tokens.get(str(index)) if type(index) is int else None
    if isinstance(span, dict) and type(span.get("start")) is int:
        begin, close = span["start"], span.get("end")
        same = mentions.get((begin, close), ()) if isinstance(close, int) else ()
        best = next((m for m in same if m.label == span.get("label")), same[0] if same else None)
        if best is not None:
            return Ref("mentions", best.id)
        if span.get("label") or token is None:
            return f"the {side} of a relation is {begin}..{str(close)[:20]}, where the task has no span"
    elif token is not None:
        start, end = token.ranges[0]
        around = [m for at, here in mentions.items() if at[0] <= start and end <= at[1] for m in here]
        if around:
            return Ref("mentions", min(around, key=lambda m: (m.ranges[0][1] != end, _length(m))).id)
    if token is None:
        return f"the {side} of a relation is token {str(index)[:20]}, which the task does not have"
    return Ref("tokens", token.id)


def _length(item: Item) -> int:
    return item.ranges[0][1] - item.ranges[0][0]


def _choice(article: Article, answer: Answer) -> None:
    """`accept` as `choice`; the options as `options` where they say more than their ids."""
    options: list[Value] = []
    ids: set[str] = set()
    for pointer, value in _objects_of(article, answer, "options"):
        if not isinstance(value.get("id"), int | str):
            article.problem("I002", "an option has no id", pointer=pointer)
            continue
        text, html = value.get("text"), value.get("html")
        option: dict[str, Value] = {"id": str(value["id"])}
        option["text"] = text if isinstance(text, str) else None
        option["html"] = html if isinstance(html, str) else None
        options.append(option)
        ids.add(str(value["id"]))
        _count(article, "properties of options", len(value.keys() - {"id", "text", "html"}))
    if any(o["text"] is not None or o["html"] is not None for o in options if isinstance(o, dict)):
        article.values["options"] = options
    if "accept" not in answer.value and "options" not in answer.value:
        return
    accepted = answer.value.get("accept") or []
    pointer = f"{answer.pointer}/accept"
    if not isinstance(accepted, list) or not all(isinstance(a, int | str) for a in accepted):
        article.problem("I002", "`accept` is not a list of ids", pointer=pointer)
        return
    for index, chosen in enumerate(accepted):
        if ids and str(chosen) not in ids:
            message = f"{str(chosen)[:40]!r} was accepted and is no option of the task"
            article.problem("I003", message, pointer=f"{pointer}/{index}")
    article.values["choice"] = [str(a) for a in accepted if not ids or str(a) in ids]


def _values(article: Article, answer: Answer) -> None:
    """What the task says of the whole text: label, answer, `meta_` and the task's own properties."""
    task = answer.value
    label = _label(article, task, "task", answer.pointer)
    if label is not None:
        article.values["label"] = label
    if answer.answer is not None:
        article.values["answer"] = answer.answer
    meta = task.get("meta")
    if isinstance(meta, dict):
        _scalars(article, article.values, {f"meta_{key}": value for key, value in meta.items()}, ())
    elif meta is not None:
        article.problem("I002", "`meta` is not a JSON object", pointer=f"{answer.pointer}/meta")
    _scalars(article, article.values, task, _HANDLED | _ABOUT_ANSWERS, rename="task_id")


def _scalars(
    article: Article, into: dict[str, Value], given: Mapping[str, Any], but: Collection[str], *, rename: str = "own_id"
) -> None:
    """Properties that hold one value, under their names as identifiers; an `id` is called `rename`. The others, and
    what only Prodigy needs, are counted. A `score` has a fraction even where it is written as 1."""
    for key, value in given.items():
        if key in but or value is None:
            continue
        name = rename if key == "id" else re.sub(r"\W|^(?=\d)", "_", key)
        if key in _LEFT_OUT or key.startswith("_"):
            _count(article, _LEFT_OUT.get(key, _BOOKKEEPING))
        elif isinstance(value, list | dict):
            _count(article, f"lists and objects in `{name[:40]}`")
        elif name in into:
            _count(article, f"properties that are called `{name[:40]}` as well")
        else:
            into[name] = float(value) if key in ("score", "meta_score") and type(value) is int else value
