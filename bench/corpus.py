"""A seeded corpus of annotated news, as large as you like: `python bench/corpus.py FOLDER --articles 10000`.

Prose-like text (prose.py), about 3,400 characters and 11.9 kB of JSON an article: 34 mentions, 6 quotes, 14 claims,
9 relations. About 8 % of the articles stand in planted clusters of near copies: retellings, excerpts, articles sent
again. Every article is a pure function of (seed, number), so that any range of them can be made anywhere, and the same
seed gives the same bytes. With defects=…, some articles have one planted defect each, and the truth is returned
(defects.py).

    from corpus import Corpus, create_project
    create_project(folder, 10_000)                            # a whole project that copydesk builds
    planted = create_project(folder, 10_000, defects=0.01)    # the same with defects, and where they are
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import orjson

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from defects import KINDS, Planted, plant
from prose import EMOJI, Sentence, Words, Writer, draws

HERE = Path(__file__).resolve().parent
COPIES = 0.05
"""Share of the articles that are made out of an earlier one; with their sources some 8 % stand in clusters."""
REACH = 5_000
"""How many articles back the source of a copy lies at most."""
MASK = 2**64 - 1
BATCH = 1_000

Draft = list[list[Sentence]]
"""The paragraphs of an article."""


@dataclass(frozen=True, slots=True)
class Copy:
    """How an article is made out of another: `kind` is retelling, excerpt, resent or exact."""

    source: int
    kind: str
    share: float


class Corpus:
    """The articles of one seed, by number."""

    def __init__(self, seed: int = 1, *, defects: float = 0.0, kinds: Iterable[str] = KINDS) -> None:
        self.seed, self.defects, self.kinds = seed, defects, tuple(kinds)
        self.words = Words(seed)

    def mixed(self, number: int, use: int) -> int:
        """64 bits that look random, from (seed, number, use)."""
        value = (self.seed * 0x9E3779B97F4A7C15 + number * 0xD1B54A32D192ED03 + use * 0x8CB92BA72F3D8DD7) & MASK
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
        return value ^ (value >> 31)

    def chance(self, number: int, use: int) -> float:
        return self.mixed(number, use) / 2**64

    def id_of(self, number: int) -> str:
        """In no order, as ids of real corpora are."""
        return f"{self.mixed(number, 0):016x}"

    def copy_of(self, number: int) -> Copy | None:
        """What article a copy is made of: one that is no copy itself."""
        if number == 0 or self.chance(number, 1) >= COPIES:
            return None
        source = number - 1 - int(self.chance(number, 2) * min(number, REACH))
        while (inner := self.copy_of(source)) is not None:
            source = inner.source
        kind = ("retelling", "retelling", "excerpt", "excerpt", "resent", "exact")[self.mixed(number, 3) % 6]
        return Copy(source, kind, self.chance(number, 4))

    def defect_of(self, number: int) -> str | None:
        """The kind of defect that is planted in an article.

        Copies have none: an excerpt may lack what a defect needs. With defects no article links to another, so that
        nothing follows from one.
        """
        if number == 0 or self.chance(number, 5) >= self.defects or self.copy_of(number) is not None:
            return None
        return self.kinds[self.mixed(number, 6) % len(self.kinds)]

    def whole_before(self, number: int) -> int:
        """The last article before this one without a defect; the first article has none."""
        return next(n for n in range(number - 1, -1, -1) if self.defect_of(n) is None)

    def draft(self, number: int) -> Draft:
        """The paragraphs of an article that is no copy."""
        rnd = random.Random(self.mixed(number, 7))
        writer = Writer(self.words, draws(rnd))
        count = 31 + rnd.randrange(-12, 13)
        quoting = set(rnd.sample(range(1, count), min(count - 1, 5 + rnd.randrange(-3, 4))))
        paragraphs: Draft = [[]]
        for at in range(count):
            paragraphs[-1].append(writer.quotation() if at in quoting else writer.statement())
            if len(paragraphs[-1]) > 1 + at % 3:
                paragraphs.append([])
        city, agency = writer.one(self.words.places), writer.cast["O"][0]
        paragraphs[0][0] = prefixed(f"{city.upper()} ({agency}) — ", paragraphs[0][0])
        if self.chance(number, 8) < 0.06:  # early, so that code points and UTF-16 units differ for most spans
            paragraphs[0].append(Sentence(f"{writer.one(EMOJI)}{writer.one(EMOJI)}"))
        return [paragraph for paragraph in paragraphs if paragraph]

    def revised(self, number: int, copy: Copy) -> Draft:
        """The paragraphs of a copy."""
        rnd = random.Random(self.mixed(number, 9))
        draft = self.draft(copy.source)
        fresh = Writer(self.words, draws(rnd))
        if copy.kind == "retelling":  # up to a third of the sentences are others
            changed = 0.03 + copy.share * 0.3
            return [[s if rnd.random() > changed else fresh.statement() for s in p] for p in draft]
        if copy.kind == "excerpt":
            kept = draft[: max(2, int(len(draft) * (0.2 + copy.share * 0.4)))]
            return [*kept, [fresh.statement()]]
        if copy.kind == "resent":
            draft[0][0] = prefixed("UPDATE: ", draft[0][0])
            draft[-1] = [*draft[-1], fresh.statement()]
        return draft

    def record(self, number: int) -> dict[str, Any]:
        """The article, without defects."""
        copy = self.copy_of(number)
        draft = self.draft(number) if copy is None else self.revised(number, copy)
        origin = None
        if copy is not None and copy.kind == "retelling" and copy.share < 0.5 and not self.defects:
            origin = self.id_of(copy.source)
        if copy is None or copy.kind != "exact":
            notice = self.mixed(number, 10) % 90  # four in ten articles end with one of 36 notices
            draft = [*draft, [self.words.notices[notice]]] if notice < 36 else draft
        value = {
            "id": self.id_of(number),
            "language": "en",
            "publisher": self.words.places[self.mixed(number, 11) % 180] + " Courier",
            "published": f"20{10 + number % 16}-{self.mixed(number, 12) % 12 + 1:02d}-{number % 28 + 1:02d}",
            "derived_from": origin,
            "rights": {"license": "CC-BY-4.0", "holder": None, "redistribute": True},
        }
        return value | annotated(draft)

    def lines(self, start: int, stop: int) -> Iterator[tuple[bytes, list[Planted]]]:
        """The JSON lines of a range of articles, each with what is planted in it."""
        for number in range(start, stop):
            record = self.record(number)
            kind = self.defect_of(number)
            if kind is None:
                yield orjson.dumps(record) + b"\n", []
            else:
                line, found = plant(kind, record, number + 1, self.id_of(self.whole_before(number)))
                yield line, [found]

    def planted_pairs(self, count: int) -> list[tuple[str, str, str]]:
        """(id, id of its source, kind of copy) for each copy among the first articles."""
        found = ((n, self.copy_of(n)) for n in range(count))
        return [(self.id_of(n), self.id_of(copy.source), copy.kind) for n, copy in found if copy is not None]


def prefixed(words: str, sentence: Sentence) -> Sentence:
    """The sentence with words in front."""
    by = len(words)
    return replace(
        sentence,
        text=words + sentence.text,
        mentions=[(start + by, end + by, *rest) for start, end, *rest in sentence.mentions],
        quotes=[(start + by, end + by, speaker) for start, end, speaker in sentence.quotes],
    )


def annotated(draft: Draft) -> dict[str, Any]:
    """The text of the paragraphs and the layers over it."""
    parts: list[str] = []
    layers: dict[str, list[dict[str, Any]]] = {"mentions": [], "quotes": [], "claims": [], "relations": []}
    at = 0
    for paragraph in draft:
        for sentence in paragraph:
            _annotate(sentence, at, layers)
            parts += (sentence.text, " ")
            at += len(sentence.text) + 1
        parts[-1] = "\n\n"
        at += 1
    parts.pop()
    return {"text": "".join(parts), **layers}


def _annotate(sentence: Sentence, at: int, layers: dict[str, list[dict[str, Any]]]) -> None:
    text = sentence.text
    mentions, claims = layers["mentions"], layers["claims"]
    first = len(mentions) + 1
    for start, end, label, entity, form in sentence.mentions:
        item = {"id": f"m{len(mentions) + 1}", "start": at + start, "end": at + end, "surface": text[start:end]}
        item |= {"label": label, "entity": entity or None, "form": form, "sure": (at + end) % 11 > 0, "note": None}
        mentions.append(item)
    for start, end, speaker in sentence.quotes:
        item = {"id": f"q{len(layers['quotes']) + 1}", "start": at + start, "end": at + end}
        item |= {"surface": text[start:end], "speaker": f"m{first + speaker}" if speaker is not None else None}
        layers["quotes"].append(item | {"form": "direct" if text[0] == "“" else "mixed"})
    if len(text) > 40 and not sentence.quotes and len(text) % 8 > 3:
        end = len(text) - 1
        cut = text.find(", ", 20)
        pieces = [(0, cut), (cut + 2, end)] if 0 < cut < end - 20 and len(text) % 10 == 4 else [(0, end)]
        item = {"id": f"c{len(claims) + 1}", "fragments": [{"start": at + a, "end": at + b} for a, b in pieces]}
        item |= {
            "sentence": text,
            "about": f"m{first}" if sentence.mentions else None,
            "status": ("reported", "asserted", "hedged")[len(text) % 3],
        }
        claims.append(item)
    other = first - 1 if len(text) % 2 else first + 1
    if sentence.mentions and 0 < other <= len(mentions) and len(text) % 5 > 1:
        item = {"id": f"r{len(layers['relations']) + 1}", "head": f"m{first}", "tail": f"m{other}"}
        layers["relations"].append(item | {"label": ("ACTS_WITH", "PART_OF", "SPEAKS_OF", "NEAR")[len(text) % 4]})


def _batch(corpus: Corpus, span: tuple[int, int]) -> tuple[bytes, list[Planted]]:
    lines, planted = [], []
    for line, found in corpus.lines(*span):
        lines.append(line)
        planted += found
    return b"".join(lines), planted


def write_jsonl(path: Path, count: int, corpus: Corpus, *, workers: int = 1) -> list[Planted]:
    """Write the first articles as JSON lines, a batch at a time; returns what is planted."""
    spans = [(start, min(start + BATCH, count)) for start in range(0, count, BATCH)]
    planted: list[Planted] = []
    with path.open("wb") as stream:
        if workers < 2 or len(spans) < 4:
            for data, found in map(partial(_batch, corpus), spans):
                stream.write(data)
                planted += found
            return planted
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            for first in range(0, len(spans), 64):  # bounded: map would make them all at once
                for data, found in pool.map(partial(_batch, corpus), spans[first : first + 64]):
                    stream.write(data)
                    planted += found
    return planted


def create_project(
    folder: Path,
    count: int,
    *,
    seed: int = 1,
    files: int = 1,
    defects: float = 0.0,
    kinds: Iterable[str] = KINDS,
    suites: bool = True,
    workers: int = 1,
) -> list[Planted]:
    """A whole project: contract, suites, dataset.toml, and the articles in data/news/*.jsonl. Returns what is planted.

    With more than one file, places of planted defects are by line of the only file no more: ask for one then.
    """
    from copydesk.scaffold import create

    assert files == 1 or not defects, "planted defects are told by the line of one file"
    if problem := create(folder, "bench-news"):
        raise FileExistsError(problem)
    for name in ("articles", "links"):
        shutil.rmtree(folder / "data" / name)
    shutil.rmtree(folder / "schema")
    shutil.copytree(HERE / "project", folder, dirs_exist_ok=True)
    if not suites:
        shutil.rmtree(folder / "schema" / "expectations")
    target = folder / "data" / "news"
    target.mkdir(parents=True)
    corpus = Corpus(seed, defects=defects, kinds=kinds)
    planted = write_jsonl(target / "news-000.jsonl", count, corpus, workers=workers)
    if files > 1:
        _spread(target, files)
    return planted


def _spread(folder: Path, files: int) -> None:
    """The lines of the first file over several, one after the other."""
    first = folder / "news-000.jsonl"
    whole = first.rename(folder / "all")
    outputs = [(folder / f"news-{number:03d}.jsonl").open("wb") for number in range(files)]
    with whole.open("rb") as stream:
        for number, line in enumerate(stream):
            outputs[number % files].write(line)
    for output in outputs:
        output.close()
    whole.unlink()


def main() -> None:
    """Write a project and say how long it took."""
    parser = argparse.ArgumentParser(description="A project with a seeded corpus of annotated news.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--articles", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=int, default=1)
    parser.add_argument("--defects", type=float, default=0.0, help="share of the articles with a planted defect")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    began = time.perf_counter()
    planted = create_project(
        arguments.folder,
        arguments.articles,
        seed=arguments.seed,
        files=arguments.files,
        defects=arguments.defects,
        workers=arguments.workers,
    )
    size = sum(path.stat().st_size for path in (arguments.folder / "data" / "news").iterdir())
    seconds = time.perf_counter() - began
    print(f"{arguments.articles:,} articles, {size / arguments.articles:,.0f} bytes each, {seconds:.0f} s")
    for found in planted[:20]:
        print(f"line {found.line}: {found.code} at {found.pointer or 'the record'} ({found.kind})")


if __name__ == "__main__":
    main()
