"""What near copies cost and whether all are found: `python bench/nearcopies.py [ARTICLES] [--words N] [--against]`.

Seeded prose-like articles: words by Zipf's law, common phrases, notices of publishers; among them planted versions
and excerpts, many of them about as alike as the thresholds. What is true of a planted pair is counted with plain sets.
Articles are shingled block by block into files, as a build does it, and joined in another order. With `--against` the
same files go through MinHash of 128 slots in 32 bands of 4, verified exactly. One process; compare ratios, not figures.
"""

from __future__ import annotations

import argparse
import functools
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import copydesk.nearcopies as near
from copydesk.nearcopies import compare
from copydesk.shingles import Joined, join, read, shingle, write

WIDTH, JACCARD, CONTAINMENT = 5, 0.5, 0.8
BLOCK = 2000
PLANTED = 0.1
TIMES: dict[str, float] = {}


class Corpus:
    """Articles as word numbers, some made out of others."""

    def __init__(self, seed: int, words: int) -> None:
        self.rnd, self.words = np.random.default_rng(seed), words
        letters = list("eeeeaaaiiooutnsrhldcmpgbfwyvk" * 6 + "éü")
        count = 60_000
        self.vocabulary = ["".join(self.rnd.choice(letters, self.rnd.integers(2, 9))) for _ in range(count)]
        weights = 1 / (np.arange(count) + 2.7)
        self.chances = np.cumsum(weights / weights.sum())
        self.phrases = [self.fresh(int(n)) for n in self.rnd.integers(5, 13, 8000)]
        self.notices = [self.fresh(int(n)) for n in self.rnd.integers(20, 80, 40)]

    def fresh(self, count: int) -> np.ndarray:
        return np.searchsorted(self.chances, self.rnd.random(count)).astype(np.int64)

    def article(self) -> np.ndarray:
        """An eighth of the words in phrases that other articles use; a third of the articles with a notice."""
        size = int(self.words * self.rnd.uniform(0.5, 1.5))
        parts, left = [], size
        while left > 0:
            parts.append(self.fresh(min(left, int(self.rnd.integers(20, 80)))))
            parts.append(self.phrases[int(len(self.phrases) * self.rnd.random() ** 3)])
            left -= len(parts[-2]) + len(parts[-1])
        if self.rnd.random() < 1 / 3:
            parts.append(self.notices[int(len(self.notices) * self.rnd.random() ** 2)])
        return np.concatenate(parts)

    def version(self, source: np.ndarray) -> np.ndarray:
        """Passages replaced, here and there or in one piece, so that the Jaccard falls between 0.35 and 1."""
        jaccard = self.rnd.choice([self.rnd.uniform(0.35, 1), self.rnd.uniform(0.47, 0.53)])
        changed = 1 - 2 * jaccard / (1 + jaccard)
        if self.rnd.random() < 0.5:
            count = int(changed * len(source))
            start = int(self.rnd.integers(0, len(source) - count + 1))
            return np.concatenate((source[:start], self.fresh(count), source[start + count :]))
        out = source.copy()
        at = self.rnd.random(len(out)) < 1 - (1 - changed) ** (1 / WIDTH)
        out[at] = self.fresh(int(at.sum()))
        return out

    def excerpt(self, source: np.ndarray) -> np.ndarray:
        """A passage of the source with words of its own, so that its containment falls between 0.7 and 1."""
        size = int(len(source) * self.rnd.uniform(0.08, 0.5))
        start = int(self.rnd.integers(0, len(source) - size + 1))
        part = self.rnd.choice([self.rnd.uniform(0.7, 1), self.rnd.uniform(0.78, 0.82)])
        return np.concatenate((source[start : start + size], self.fresh(int(size * (1 / part - 1)))))

    def blocks(self, count: int) -> Iterator[tuple[list[str], list[tuple[int, int]]]]:
        """(texts, planted pairs by number in the block)."""
        for first in range(0, count, BLOCK):
            articles: list[np.ndarray] = []
            planted = []
            for number in range(min(BLOCK, count - first)):
                if number and self.rnd.random() < PLANTED:
                    source = int(self.rnd.integers(0, number))
                    make = self.version if self.rnd.random() < 0.6 else self.excerpt
                    articles.append(make(articles[source]))
                    planted.append((source, number))
                else:
                    articles.append(self.article())
            yield [self.text(words) for words in articles], planted

    def text(self, words: np.ndarray) -> str:
        named = [self.vocabulary[n] for n in words.tolist()]
        named[0] = f"“{named[0].capitalize()}”"
        return ". ".join(" ".join(named[n : n + 17]) for n in range(0, len(named), 17))


class Timed:
    """Tasks in this process, whose CPU time is told by function."""

    def __init__(self) -> None:
        self.mishaps: list[str] = []

    def map(self, function, items):
        name = NAMES.get(
            function.func.__name__ if isinstance(function, functools.partial) else function.__name__, "the rest"
        )
        for item in items:
            before = time.process_time()
            result = function(item)
            TIMES[name] = TIMES.get(name, 0.0) + time.process_time() - before
            yield result


NAMES = {
    "_take": "samples", "_fill": "filter", "_look": "filter", "_lists": "lists", "_fewer": "lists",
    "_entries": "entries", "_proposed": "candidates", "_measure": "comparison", "_estimated": "certificate",
    "_beside": "certificate", "_neighbours": "certificate", "_in_crowded": "certificate",
}  # fmt: skip


def stage(corpus: Corpus, count: int, folder: Path) -> tuple[Joined, list[tuple[int, int]]]:
    """Shingle and write block by block; join in a shuffled order."""
    paths, planted, size = [], [], 0
    for number, (texts, pairs) in enumerate(corpus.blocks(count)):
        size += sum(map(len, texts))
        before = time.process_time()
        paths.append(folder / f"{number}.shingles")
        write(paths[-1], shingle(texts, WIDTH))
        TIMES["shingling"] = TIMES.get("shingling", 0.0) + time.process_time() - before
        planted += [(number * BLOCK + left, number * BLOCK + right) for left, right in pairs]
    order = np.random.default_rng(7).permutation(count)
    place = np.argsort(order)
    joined = join([read(path) for path in paths], [divmod(int(n), BLOCK) for n in order])
    print(f"{count:,} articles, {size / count:,.0f} characters and {joined.lengths().mean():.0f} shingles each\n")
    return joined, [(int(place[left]), int(place[right])) for left, right in planted]


def truth(articles: Joined, left: int, right: int) -> tuple[float, float, int]:
    """(Jaccard, containment, shingles shared), by plain sets."""
    one, two = set(articles.of(left).tolist()), set(articles.of(right).tolist())
    shared = len(one & two)
    return shared / len(one | two), shared / min(len(one), len(two)), shared


def roots(count: int, pairs: list[tuple[int, int]]) -> list[int]:
    parents = list(range(count))
    for left, right in pairs:
        while parents[left] != left:
            left = parents[left]
        while parents[right] != right:
            right = parents[right]
        parents[max(left, right)] = min(left, right)
    for number in range(count):
        parents[number] = parents[parents[number]]
    return parents


def qualifies(measures: tuple[float, float, int]) -> bool:
    jaccard, containment, shared = measures
    return jaccard >= JACCARD or (containment >= CONTAINMENT and shared >= near.LEAST_SHARED)


def tell(articles: Joined, pairs: list[tuple[int, int]], planted: list[tuple[int, int]]) -> None:
    """Recall by similarity of what was planted, and whether every pair found is true."""
    root = roots(len(articles), pairs)
    bands: dict[str, list[bool]] = {}
    for left, right in planted:
        measures = truth(articles, left, right)
        found = root[left] == root[right]
        jaccard, containment, _ = measures
        floor = int(jaccard * 20) / 20
        names = [f"Jaccard {floor:.2f}-{floor + 0.05:.2f}"] if jaccard >= 0.4 else []
        if jaccard < JACCARD:
            names.append(f"containment {'>=' if containment >= CONTAINMENT else '<'} {CONTAINMENT}, Jaccard below")
        if qualifies(measures):
            names.append("all at or above a threshold")
        for name in names:
            bands.setdefault(name, []).append(found)
    for name in sorted(bands):
        print(f"{name:<38} {sum(bands[name]):>7,} of {len(bands[name]):>7,} in one group")
    false = sum(not qualifies(truth(articles, left, right)) for left, right in pairs)
    print(f"{'pairs found':<38} {len(pairs):>7,}, of which {false} false\n")


def against(articles: Joined, planted: list[tuple[int, int]]) -> None:
    """MinHash, 128 slots, 32 bands of 4 rows, candidates verified exactly."""
    began = time.process_time()
    rnd = np.random.default_rng(1)
    odd = rnd.integers(0, 2**32, 128, dtype=np.uint64) * 2 + 1
    plus = rnd.integers(0, 2**32, 128, dtype=np.uint64)
    signatures = np.zeros((len(articles), 128), dtype=np.uint32)
    for numbers, sizes, hashes in articles.pieces():
        starts = np.cumsum(sizes) - sizes
        low = (hashes >> np.uint64(32)).astype(np.uint32)
        for slot in range(128):
            values = low * np.uint32(odd[slot] & 0xFFFFFFFF) + np.uint32(plus[slot])
            signatures[numbers, slot] = np.minimum.reduceat(values, starts)
    codes = []
    for band in range(32):
        mixed = np.zeros(len(articles), dtype=np.uint64)
        for row in range(4):
            mixed = near.measures.spread(mixed ^ signatures[:, band * 4 + row])
        order = np.argsort(mixed, kind="stable")
        edges = np.flatnonzero(mixed[order][1:] != mixed[order][:-1]) + 1
        for bucket in np.split(order, edges):
            if len(bucket) > 1:
                codes += [(a, b) for n, a in enumerate(bucket.tolist()) for b in bucket[n + 1 : n + 50].tolist()]
    candidates = sorted(set(codes))
    sketched = time.process_time() - began
    verify = compare.Comparison(
        articles=articles, jaccard=JACCARD, containment=CONTAINMENT, work=near.Work(folder=Path())
    )
    for left, right in candidates:
        verify.compare(left, right)
    total = time.process_time() - began
    print(f"MinHash 32x4: {len(candidates):,} candidates, {verify.compared:,} compared")
    print(f"sketch and buckets {sketched / len(articles) * 1e6:.1f} µs, verification "
          f"{(total - sketched) / len(articles) * 1e6:.1f} µs of CPU per article")  # fmt: skip
    tell(articles, [(pair.left, pair.right) for pair in verify.pairs], planted)


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(count: int, words: int, against_bands: bool) -> None:
    """Generate, shingle, search, tell."""
    with tempfile.TemporaryDirectory() as folder:
        articles, planted = stage(Corpus(20, words), count, Path(folder))
        work = near.Work(folder=Path(folder) / "work", engine=Timed())
        before, began = peak(), time.process_time()
        found = near.near_copies(articles, jaccard=JACCARD, containment=CONTAINMENT, work=work)
        searched = time.process_time() - began
        root = roots(count, [(pair.left, pair.right) for pair in found.pairs])
        homes = np.random.default_rng(3).choice(3, count, p=[0.8, 0.1, 0.1])[root]
        began = time.process_time()
        near.most_alike(articles, homes, top=10, work=work)
        certified = time.process_time() - began
        TIMES["the rest"] = searched + certified - sum(TIMES.values()) + TIMES["shingling"]
        for name, seconds in TIMES.items():
            print(f"{name:<14} {seconds / count * 1e6:>7.2f} µs of CPU per article")
        print(f"\nnear copies {searched / count * 1e6:.2f}, the certificate {certified / count * 1e6:.2f}, with "
              f"shingling {(searched + certified + TIMES['shingling']) / count * 1e6:.2f}")  # fmt: skip
        print(f"peak memory {peak():,.0f} MiB, {before:,.0f} before the search; crowded: {list(found.crowded)[:3]}\n")
        tell(articles, [(pair.left, pair.right) for pair in found.pairs], planted)
        if against_bands:
            against(articles, planted)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What near copies cost, and whether all are found.")
    parser.add_argument("articles", type=int, nargs="?", default=20_000)
    parser.add_argument("--words", type=int, default=550)
    parser.add_argument("--against", action="store_true", help="compare with MinHash in bands")
    options = parser.parse_args()
    main(options.articles, options.words, options.against)
