"""What reading and writing each format costs: `python bench/formats.py [ARTICLES]`. CPU per article, in one process.

Seeded synthetic articles go through each exporter and back through the importer of what it writes; the last column
is from files to records in the shape of a contract. Absolute figures depend on the machine: compare the rows of one
run, or two versions in one sitting.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from copydesk.articles.model import Article, Item
from copydesk.articles.shape import to_record
from copydesk.contract.load import compile_kind
from copydesk.convert import Converted, Request, of_files
from copydesk.draft import article_schema
from copydesk.exporters import EXPORTERS, exporter_of
from copydesk.survey import Survey

WORDS, MENTIONS = 500, 34
READ_AS = {"cas-json": "cas"}
Made = TypeVar("Made")


def article(number: int, rnd: random.Random, vocabulary: list[str]) -> Article:
    """About three thousand characters, with tokens, sentences and mentions of one to three words."""
    words = [rnd.choice(vocabulary) for _ in range(WORDS)]
    if number % 16 == 0:
        words[20] = "👍"
    starts, at = [], 0
    for word in words:
        starts.append(at)
        at += len(word) + 1

    def span(first: int, last: int) -> tuple[tuple[int, int], ...]:
        return ((starts[first], starts[last] + len(words[last])),)

    places = sorted(rnd.sample(range(WORDS - 3), MENTIONS))
    length = rnd.randrange(3)
    layers = {
        "tokens": [Item(id=f"t{n}", ranges=span(n, n)) for n in range(WORDS)],
        "sentences": [Item(id=f"s{n}", ranges=span(n, n + 24)) for n in range(0, WORDS, 25)],
        "mentions": [Item(id=f"m{n}", ranges=span(p, p + length), label="PLACE") for n, p in enumerate(places)],
    }
    return Article(id=f"synthetic-{number}", text=" ".join(words), file="", layers=layers)


def timed(work: Callable[[], Made]) -> tuple[float, Made]:
    """CPU seconds, and what the work made."""
    began = time.process_time()
    made = work()
    return time.process_time() - began, made


def measure(name: str, articles: list[Article]) -> tuple[float, float, float]:
    """CPU seconds to write the articles, to read them back, and to shape the records."""
    exporter = exporter_of(name)
    with tempfile.TemporaryDirectory() as folder:
        origin = Path(folder) / "corpus"
        wrote, files = timed(lambda: list(exporter.export(articles, Counter())))
        for file, data in files:
            (origin / file).parent.mkdir(parents=True, exist_ok=True)
            (origin / file).write_bytes(data)
        request = Request(origin=origin, target=origin, to=name, format=READ_AS.get(name, name))
        done = Converted(format=name)
        read, back = timed(lambda: list(of_files(request, Path(folder) / "scratch", done)))
    assert len(back) == len(articles), name
    survey = Survey()
    survey.see(back)
    kind = compile_kind("article", article_schema(survey, "x", rights=False))
    shaped, _ = timed(lambda: [to_record(one, kind, {}) for one in back])
    return wrote, read, shaped


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    rnd = random.Random(20)
    vocabulary = ["".join(rnd.choices("abcdefghijklmnoprstuvwé", k=rnd.randint(2, 10))) for _ in range(20_000)]
    articles = [article(number, rnd, vocabulary) for number in range(count)]
    print(f"{count:,} articles of {WORDS} tokens; µs of CPU per article\n")
    print(f"{'format':<16} {'write':>8} {'read':>8} {'to records':>12}")
    for name in EXPORTERS:
        if name != "copydesk":
            wrote, read, shaped = (seconds / count * 1e6 for seconds in measure(name, articles))
            print(f"{name:<16} {wrote:>8.0f} {read:>8.0f} {shaped:>12.0f}")


if __name__ == "__main__":
    main()
