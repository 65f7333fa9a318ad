"""Near copies against counting all pairs: nothing missed, nothing joined that should not be, in any order."""

from __future__ import annotations

import json
import pickle
import random
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import CORPORA
from copydesk.engine import Engine, InProcess, Item, LocalProcesses, Result
from copydesk.nearcopies import (
    LEAST_SHARED,
    Found,
    Pair,
    Work,
    alike,
    compare,
    crowded,
    index,
    longest_run,
    most_alike,
    near_copies,
    samples,
    search,
)
from copydesk.nearcopies import work as work_module
from copydesk.shingles import Sequences, join, read, shingle, write

untimed = settings(deadline=None, max_examples=60)


def measures(sequences: Sequences, left: int, right: int) -> tuple[float, float, int]:
    one, two = set(sequences.of(left).tolist()), set(sequences.of(right).tolist())
    shared = len(one & two)
    return (shared / len(one | two), shared / min(len(one), len(two)), shared) if one and two else (0.0, 0.0, 0)


def components(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    names = list(range(count))
    for left, right in pairs:
        if names[left] != names[right]:
            old, new = max(names[left], names[right]), min(names[left], names[right])
            names = [new if name == old else name for name in names]
    return names


def all_pairs(sequences: Sequences, jaccard: float, containment: float, colours: Sequence[int]) -> list[int]:
    """The components, by comparing every pair."""
    edges = []
    for left, right in combinations(range(len(sequences)), 2):
        if colours[left] == colours[right]:
            j, c, shared = measures(sequences, left, right)
            if shared and (j >= jaccard or (c >= containment and shared >= LEAST_SHARED)):
                edges.append((left, right))
    return components(len(sequences), edges)


def check(sequences: Sequences, found: Found, jaccard: float, containment: float) -> None:
    """Every pair is one, and its measures are exact."""
    for pair in found.pairs:
        assert pair.left < pair.right
        assert (pair.jaccard, pair.containment, pair.shared) == measures(sequences, pair.left, pair.right)
        assert pair.jaccard >= jaccard or (pair.containment >= containment and pair.shared >= LEAST_SHARED)


def grouped(count: int, found: Found) -> list[int]:
    return components(count, [(pair.left, pair.right) for pair in found.pairs])


def related_texts(rnd: random.Random, longest: int) -> list[str]:
    """Texts, some of them edited, cut out of or put together from others, some from a template."""
    vocabulary = [f"w{n}" for n in range(rnd.choice([2, 5, 50, 3000]))]
    template = [rnd.choice(vocabulary) for _ in range(rnd.randint(5, longest))]
    texts: list[list[str]] = []
    for _ in range(rnd.randint(0, 30)):
        kind = rnd.random()
        if texts and kind < 0.6:
            words = list(rnd.choice(texts))
            for _ in range(rnd.randint(0, max(1, len(words) // 8))):
                at = rnd.randrange(len(words) + 1)
                words[at : at + rnd.randint(0, 2)] = [rnd.choice(vocabulary)] * rnd.randint(0, 1)
            if rnd.random() < 0.3:
                at = rnd.randrange(len(words) + 1)
                words = words[at : at + rnd.randint(1, len(words) + 1)]
            if rnd.random() < 0.2:
                words += rnd.choice(texts)
        else:
            words = (template if kind < 0.8 else []) + [rnd.choice(vocabulary) for _ in range(rnd.randint(0, longest))]
        texts.append(words[: 4 * longest])
    return [" ".join(words) for words in texts]


@untimed
@given(
    st.integers(0, 2**32),
    st.sampled_from([10, 60, 300]),
    st.sampled_from([(0.5, 0.8), (0.5, 0.8), (0.9, 0.9), (0.2, 0.3), (1.0, 1.0), (0.3, 1.0)]),
    st.sampled_from([(1024, 16), (1024, 16), (40, 1), (4, 0)]),
    st.integers(1, 3),
)
def test_it_finds_what_comparing_all_pairs_finds(
    seed: int, longest: int, thresholds: tuple[float, float], room: tuple[int, int], colours: int
) -> None:
    """`room` makes lists crowded early, so that the ways around them are gone too."""
    rnd = random.Random(seed)
    sequences = shingle(related_texts(rnd, longest), 5)
    colour = [rnd.randrange(colours) for _ in range(len(sequences))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "_EASY", room[0])
        patch.setattr(search, "_SPARE", room[1])
        patch.setattr(search, "_LARGE", 1)
        patch.setattr(search, "_FEW", 0)
        found = near_copies(sequences, jaccard=thresholds[0], containment=thresholds[1], colours=np.array(colour))
    check(sequences, found, *thresholds)
    if not found.crowded:
        assert grouped(len(sequences), found) == all_pairs(sequences, *thresholds, colour)
    else:
        assert room[1] < 16


def small_parts(patch: pytest.MonkeyPatch) -> None:
    """As if the corpus were too large for any part of the work to be done at once."""
    for module, name, value in (
        (samples, "RANGE", 250), (samples, "_BATCH", 250), (samples, "_PIECE", 50), (search, "_PAIRS", 50),
        (alike, "_PAIRS", 50), (compare, "_TASK", 2),
    ):  # fmt: skip
        patch.setattr(module, name, value)


class Shuffled:
    """An engine as bad as one may be: every task twice, the results in any order."""

    def __init__(self, rnd: random.Random) -> None:
        self.rnd, self.mishaps = rnd, list[str]()

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        results = [function(item) for item in items]
        for number in self.rnd.sample(range(len(items)), len(items)):
            results[number] = function(pickle.loads(pickle.dumps(items[number])))
        yield from self.rnd.sample(results, len(results))


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 2**32),
    st.sampled_from([10, 60]),
    st.sampled_from([(1024, 16), (40, 1), (4, 0)]),
    st.sampled_from([1, 3]),
    st.randoms(use_true_random=False),
)
def test_in_parts_it_finds_the_same_as_in_one(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    longest: int,
    room: tuple[int, int],
    colours: int,
    rnd: random.Random,
) -> None:
    """The pairs, what was crowded and the most alike, whatever runs the tasks and however small they are."""
    sequences = shingle(related_texts(random.Random(seed), longest), 5)
    colour = [rnd.randrange(colours) for _ in range(len(sequences))] if colours > 1 else None
    homes = np.array([rnd.randrange(3) for _ in range(len(sequences))], dtype=np.int64)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("_EASY", room[0]), ("_SPARE", room[1]), ("_LARGE", 1), ("_FEW", 0)):
            patch.setattr(search, name, value)
        whole = near_copies(sequences, jaccard=0.5, containment=0.8, colours=colour)
        alike_whole = most_alike(sequences, homes, top=3)
        small_parts(patch)
        work = Work(folder=tmp_path_factory.mktemp("work"), engine=Shuffled(rnd))
        assert near_copies(sequences, jaccard=0.5, containment=0.8, colours=colour, work=work) == whole
        assert most_alike(sequences, homes, top=3, work=work) == alike_whole
        assert most_alike(sequences, homes, top=3, work=Work(folder=work.folder / "anew")) == alike_whole


def test_processes_find_the_same(tmp_path: Path) -> None:
    """Files are mapped by each process for itself; only their names go to it."""
    rnd = random.Random(11)
    texts = [text for _ in range(40) for text in related_texts(rnd, 100)]
    files = [texts[:300], texts[300:]]
    for number, some in enumerate(files):
        write(tmp_path / f"{number}.shingles", shingle(some, 5))
    articles = join([read(tmp_path / f"{number}.shingles") for number in range(2)])
    homes = np.arange(len(articles)) % 3
    results = []
    with pytest.MonkeyPatch.context() as patch, LocalProcesses(2) as processes:
        patch.setattr(samples, "RANGE", 1 << 12)
        patch.setattr(samples, "_BATCH", 1 << 12)
        patch.setattr(compare, "_TASK", 64)
        engines: list[Engine] = [InProcess(), processes]
        for number, engine in enumerate(engines):
            work = Work(folder=tmp_path / str(number), engine=engine)
            found = near_copies(articles, jaccard=0.5, containment=0.8, work=work)
            results.append((found, most_alike(articles, homes, top=5, work=work)))
    assert len(results[0][0].pairs) > 100
    assert results[0] == results[1]


def test_less_memory_finds_the_same(tmp_path: Path) -> None:
    rnd = random.Random(12)
    articles = join([shingle([text for _ in range(20) for text in related_texts(rnd, 100)], 5)])
    found = [
        near_copies(articles, jaccard=0.5, containment=0.8, work=Work(folder=tmp_path / str(memory), memory=memory))
        for memory in (1 << 29, 1 << 18)
    ]
    assert found[0] == found[1]
    assert found[0].pairs


@untimed
@given(st.integers(0, 2**32), st.integers(2, 40), st.sampled_from([0, 1, 4]), st.randoms(use_true_random=False))
def test_rounds_come_to_the_same_as_one_after_the_other(
    tmp_path_factory: pytest.TempPathFactory, seed: int, count: int, rounds: int, rnd: random.Random
) -> None:
    """Which pairs are listed depends on the order of the candidates, not on how many are compared at once."""
    texts = related_texts(random.Random(seed), 20)[:count]
    articles = join([shingle(texts, 3)]).filed(tmp_path_factory.mktemp("files"))
    pairs = [(a, b) for a in range(len(texts)) for b in range(len(texts)) if a != b]
    chosen = rnd.sample(pairs, rnd.randint(0, len(pairs)))
    work = Work(folder=tmp_path_factory.mktemp("work"))
    one, two = (compare.Comparison(articles=articles, jaccard=0.4, containment=0.8, work=work) for _ in range(2))
    for left, right in chosen[: len(chosen) // 3]:
        one.compare(left, right)
        two.compare(left, right)
    for left, right in chosen:
        one.compare(left, right)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "_ROUNDS", rounds)
        patch.setattr(compare, "_TASK", 3)
        two.compare_all(*(np.array([pair[end] for pair in chosen], dtype=np.int64) for end in (0, 1)))
    assert two.pairs == one.pairs
    assert [two.root(n) for n in range(len(texts))] == [one.root(n) for n in range(len(texts))]
    assert two.in_vain >= one.in_vain
    if rounds == 4 and len(texts) < 5:
        assert two.compared == one.compared


@untimed
@given(st.integers(0, 2**32), st.randoms(use_true_random=False))
def test_order_files_and_ranges_make_no_difference(
    tmp_path_factory: pytest.TempPathFactory, seed: int, shuffle: random.Random
) -> None:
    texts = related_texts(random.Random(seed), 60)
    if not texts:
        return
    whole = near_copies(shingle(texts, 5), jaccard=0.5, containment=0.8)
    folder = tmp_path_factory.mktemp("files")
    files: list[list[int]] = [[], [], []]
    for number in shuffle.sample(range(len(texts)), len(texts)):
        shuffle.choice(files).append(number)
    for name, numbers in enumerate(files):
        write(folder / str(name), shingle([texts[number] for number in numbers], 5))
    place = {number: (name, row) for name, numbers in enumerate(files) for row, number in enumerate(numbers)}
    joined = join([read(folder / str(name)) for name in range(3)], [place[number] for number in range(len(texts))])
    with pytest.MonkeyPatch.context() as patch:
        small_parts(patch)
        assert near_copies(joined, jaccard=0.5, containment=0.8) == whole
    # Other numbers for the articles may connect a group by other pairs; the groups are the same.
    order = shuffle.sample(range(len(texts)), len(texts))
    moved = near_copies(join([shingle(texts, 5)], [(0, n) for n in order]), jaccard=0.5, containment=0.8)
    back = components(len(texts), [(order[pair.left], order[pair.right]) for pair in moved.pairs])
    assert back == grouped(len(texts), whole)


def test_an_excerpt_and_a_version_join_their_source() -> None:
    rnd = random.Random(4)
    words = [f"w{rnd.randrange(5000)}" for _ in range(900)]
    texts = [words, words[5:125], words[200:] + [f"n{n}" for n in range(100)], [f"x{n}" for n in range(500)]]
    found = near_copies(shingle([" ".join(text) for text in texts], 5), jaccard=0.5, containment=0.8)
    assert {(pair.left, pair.right) for pair in found.pairs} == {(0, 1), (0, 2)}
    excerpt = next(pair for pair in found.pairs if pair.right == 1)
    assert (excerpt.containment, excerpt.shared) == (1.0, 116)


def test_a_phrase_is_no_excerpt() -> None:
    """A headline that stands in two articles would chain them together."""
    rnd = random.Random(5)
    headline = "storm warning for the whole northern coast"
    texts = [headline, *(" ".join([f"w{rnd.randrange(9999)}" for _ in range(80)]) + " " + headline for _ in range(2))]
    assert near_copies(shingle(texts, 5), jaccard=0.5, containment=0.8).pairs == ()
    passage = " ".join(f"p{n}" for n in range(4 + LEAST_SHARED))
    texts = [passage, *(f"{text} {passage}" for text in texts[1:])]
    assert len(near_copies(shingle(texts, 5), jaccard=0.5, containment=0.8).pairs) == 2


def test_short_texts_and_empty_ones() -> None:
    texts = ["", "", "Breaking news", "breaking NEWS!", "Breaking", "...", "one two three four five six"]
    found = near_copies(shingle(texts, 5), jaccard=0.5, containment=0.8)
    assert found.pairs == (Pair(left=2, right=3, shared=1, jaccard=1.0, containment=1.0),)
    assert near_copies(shingle([], 5), jaccard=0.5, containment=0.8) == Found(pairs=(), crowded=())
    assert near_copies(shingle(["a b c d e f"], 5), jaccard=0.5, containment=0.8).pairs == ()


def test_colours_keep_even_equal_texts_apart() -> None:
    text = " ".join(f"w{n}" for n in range(50))
    sequences = shingle([text] * 4, 5)
    found = near_copies(sequences, jaccard=0.5, containment=0.8, colours=np.array([0, 1, 0, 1]))
    assert [(pair.left, pair.right) for pair in found.pairs] == [(0, 2), (1, 3)]


def test_a_text_that_repeats_itself() -> None:
    """Its sample holds next to nothing, so all of it is looked at."""
    refrain = " ".join(f"la{n}" for n in range(20))
    texts = [f"{refrain} " * 60, f"{refrain} " * 55 + "and so on", " ".join(f"w{n}" for n in range(1200))]
    found = near_copies(shingle(texts, 5), jaccard=0.5, containment=0.8)
    assert [(pair.left, pair.right) for pair in found.pairs] == [(0, 1)]


def families(count: int, template: int, least: int, most: int) -> Sequences:
    """Articles of a common template and shingles of their own."""
    rnd = np.random.default_rng(3)
    common = rnd.integers(0, 2**63, template, dtype=np.uint64)
    own = [rnd.integers(0, 2**63, int(rnd.integers(least, most + 1)), dtype=np.uint64) for _ in range(count)]
    sizes = [0, *(template + len(some) for some in own)]
    return Sequences(starts=np.cumsum(sizes), hashes=np.concatenate([part for some in own for part in (common, some)]))


@pytest.mark.parametrize(
    ("template", "least", "most", "largest"),
    [(30, 20, 20, 1), (40, 18, 20, 1500), (70, 30, 30, 1500), (400, 100, 160, 1500), (220, 300, 360, 1)],
)
def test_templates_neither_explode_nor_hide_copies(template: int, least: int, most: int, largest: int) -> None:
    """1,500 articles have a million pairs; so many comparisons would not end."""
    sequences = families(1500, template, least, most)
    compared = 0
    plain = compare.measure

    def counting(left: int, right: int, left_set: compare.Hashes, right_set: compare.Hashes) -> Pair:
        nonlocal compared
        compared += 1
        return plain(left, right, left_set, right_set)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "measure", counting)
        found = near_copies(sequences, jaccard=0.5, containment=0.8)
    assert max(Counter(grouped(1500, found)).values()) == largest
    assert found.crowded == ()
    assert compared < 1500 * 30


def test_what_was_not_compared_is_told() -> None:
    """Some say where it can be seen: a passage that alone would do, in more articles than may be compared."""
    sequences = families(1600, 70, 30, 30)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "_SPARE", 0)
        patch.setattr(crowded, "CROWDED", 0)
        patch.setattr(crowded, "_AT_FIRST", 0)
        found = near_copies(sequences, jaccard=0.5, containment=0.8)
    assert found.pairs == ()
    assert [(told.articles, told.article, told.position) for told in found.crowded] == [(1600, 0, 0)]
    assert found.crowded[0].shingles == 70


def test_the_sample_bound_is_the_tail_it_claims() -> None:
    """By the exact hypergeometric distribution: a random sample shares fewer than that with less than MISS."""
    from math import comb

    for size, total, part in ((64, 128, 2 / 3), (64, 1000, 2 / 3), (96, 4000, 2 / 3), (128, 300, 0.5), (90, 180, 0.8)):
        inside = round(part * total)
        least = index.least_shared(size, inside / total)
        ways = sum(comb(inside, n) * comb(total - inside, size - n) for n in range(least))
        assert ways / comb(total, size) <= index.MISS
        assert least >= part * size / 4


@untimed
@given(
    st.integers(0, 2**32), st.sampled_from([10, 60, 300]), st.sampled_from([1, 4, 30]), st.sampled_from([10, 1 << 22])
)
def test_the_most_alike_of_different_homes(seed: int, longest: int, top: int, pairs: int) -> None:
    rnd = random.Random(seed)
    sequences = shingle(related_texts(rnd, longest), 5)
    homes = [rnd.randrange(3) for _ in range(len(sequences))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("copydesk.nearcopies.alike._PAIRS", pairs)
        found = most_alike(sequences, np.array(homes, dtype=np.int64), top=top)
    for pair in found:
        assert homes[pair.left] != homes[pair.right]
        assert (pair.jaccard, pair.containment, pair.shared) == measures(sequences, pair.left, pair.right)
    for two in combinations(range(3), 2):
        every = [
            measures(sequences, left, right)
            for left, right in combinations(range(len(sequences)), 2)
            if {homes[left], homes[right]} == set(two)
        ]
        here = [pair for pair in found if {homes[pair.left], homes[pair.right]} == set(two)]
        by_jaccard = sorted((j for j, _, shared in every if shared), reverse=True)[:top]
        by_containment = sorted((c for _, c, shared in every if shared >= LEAST_SHARED), reverse=True)[:top]
        by_shared = sorted((shared for _, _, shared in every if shared), reverse=True)[:top]
        assert sorted((p.jaccard for p in here), reverse=True)[:top] == by_jaccard
        excerpts = [pair.containment for pair in here if pair.shared >= LEAST_SHARED]
        assert sorted(excerpts, reverse=True)[:top] == by_containment
        assert sorted((p.shared for p in here), reverse=True)[:top] == by_shared


def test_the_most_alike_among_many_with_a_notice() -> None:
    """What all share takes no place from the one pair that shares more."""
    sequences = families(600, 60, 140, 140)
    hashes = sequences.hashes.copy()
    hashes[sequences.starts[17] + 60 : sequences.starts[17] + 100] = sequences.of(430)[60:100]
    changed = Sequences(starts=sequences.starts, hashes=hashes)
    homes = np.arange(600) % 4
    first = most_alike(changed, homes, top=5)[0]
    assert (first.left, first.right, first.shared) == (17, 430, 100)
    assert len(most_alike(changed, homes, top=5)) >= 5


@untimed
@given(st.lists(st.integers(0, 3), max_size=40), st.lists(st.integers(0, 3), max_size=40))
def test_the_longest_run_by_trying_all(left: list[int], right: list[int]) -> None:
    best = 0
    for start, other in ((i, j) for i in range(len(left)) for j in range(len(right))):
        length = 0
        while (
            left[start + length : start + length + 1]
            and left[start : start + length + 1] == right[other : other + length + 1]
        ):
            length += 1
        best = max(best, length)
    one, two = np.array(left, dtype=np.uint64), np.array(right, dtype=np.uint64)
    assert longest_run(one, two, 5) == (best + 4 if best else 0)


def corpus_texts(name: str) -> list[str]:
    if name == "ecbplus-topics-1-30":
        files = sorted((CORPORA / name / "ECB+").rglob("*.xml"))
        return [" ".join(t.text or "" for t in ElementTree.parse(f).getroot().iter("token")) for f in files]
    lines = [line for f in sorted((CORPORA / name).rglob("*.jsonl")) for line in f.read_text("utf-8").splitlines()]
    values = [json.loads(line) for line in lines if line.strip()]
    texts = [value.get("text") or value.get("data") for value in values if isinstance(value, dict)]
    return [text for text in texts if isinstance(text, str)]


@pytest.mark.parametrize(
    ("name", "largest"),
    [("ecbplus-topics-1-30", 4), ("doccano-bsner-setswana-news", 2), ("prodigy-explosion-projects/ner_tweets", 2)],
)
def test_real_corpora(name: str, largest: int) -> None:
    """Articles, short notices, tweets: nothing missed, and no chain of texts that have a phrase in common."""
    if not (CORPORA / name).exists():
        pytest.skip("the corpus is not here")
    texts = corpus_texts(name)
    assert texts
    sequences = shingle(texts, 5)
    found = near_copies(sequences, jaccard=0.5, containment=0.8)
    check(sequences, found, 0.5, 0.8)
    assert found.pairs
    groups = grouped(len(texts), found)
    assert groups == all_pairs(sequences, 0.5, 0.8, [0] * len(texts))
    assert max(Counter(groups).values()) <= largest


def test_mapped_files_and_empty_parts(tmp_path: Path) -> None:
    """A block may hold no article."""
    texts = [" ".join(f"w{n + k}" for n in range(40)) for k in range(0, 30, 3)]
    write(tmp_path / "none", shingle([], 5))
    write(tmp_path / "some", shingle(texts, 5))
    joined = join([read(tmp_path / "none"), read(tmp_path / "some")])
    assert near_copies(joined, jaccard=0.5, containment=0.8) == near_copies(
        shingle(texts, 5), jaccard=0.5, containment=0.8
    )


@untimed
@given(st.integers(0, 2**32), st.sampled_from([2, 8]), st.sampled_from([100, 1 << 18]))
def test_the_index_is_what_counting_by_hand_gives(
    tmp_path_factory: pytest.TempPathFactory, seed: int, size: int, rows: int
) -> None:
    """Who holds what of whose sample, a shingle that an article repeats counted once."""
    articles = join([shingle([*related_texts(random.Random(seed), 60), "to and fro " * 9], 3)])
    work = Work(folder=tmp_path_factory.mktemp("work"))
    articles, halved = articles.filed(work.folder), samples.halvings_of(articles.lengths(), size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "RANGE", rows)
        built = index.build(samples.sample(articles, halved, work), work)
    held = [set(articles.of(number).tolist()) for number in range(len(articles))]
    own = [{h for h in held[n] if h <= (2**64 - 1) >> int(halved[n])} for n in range(len(articles))]
    assert built.sampled.tolist() == [len(some) for some in own]
    lists = []
    for number in range(1 << built.files.ranges):
        found = work_module.Stored(built.files.lists(number))
        first, member = found.column("first").tolist(), found.column("member").tolist()
        lists += [member[a:b] for a, b in pairwise(first)]
    expected = [
        [n << 1 | (shingle_ in own[n]) for n in range(len(held)) if shingle_ in held[n]]
        for shingle_ in set().union(*own)
    ]
    assert sorted(lists) == sorted(members for members in expected if len(members) > 1)
