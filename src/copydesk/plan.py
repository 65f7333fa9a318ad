"""The plan of a release: groups, then splits, then the order of the rows. Articles and numbers only, no records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from copydesk import leakage
from copydesk.arrays import Ints, Strings, as_flags, as_numbers, fixed, hexadecimal, take, text
from copydesk.barrier import Gathered
from copydesk.decisions import colours
from copydesk.diagnostics import Diagnostic, Place, Severity
from copydesk.grouping import Edge, components, groups_as_json, shared_edges
from copydesk.heads import Heads, Links, links_of
from copydesk.heads.files import DIGEST, MARKS
from copydesk.nearcopies import Crowded, Work, near_copies
from copydesk.project import PROJECT_FILE, Config, Project, Splits
from copydesk.semver import version_key
from copydesk.shingles import Joined, read
from copydesk.splits import Articles, Assigned, Ledger, LedgerTable, Member, Share, as_table, settle_all
from copydesk.spool import Addresses, Directory, shingles_path
from copydesk.write import Shard

SHOWN_CROWDS = 5
"""Passages in too many articles that are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What goes where: the ledger, and what it was before; for each kind and split the shards, each as the numbers of
    its records in `heads`; what ties articles.

    `groups`: what ties the articles of each group; `certificate`: how alike articles of different splits are, None
    for articles without text; `shares`: how far each split is from its share. As quality/ has them.
    """

    ledger: Ledger
    before: Ledger
    order: Mapping[str, Mapping[str, tuple[Ints, ...]]]
    heads: Mapping[str, Heads] = field(default_factory=dict)
    groups: tuple[dict[str, Any], ...] = ()
    certificate: dict[str, Any] | None = None
    shares: Mapping[str, Any] = field(default_factory=dict)


def plan(
    project: Project,
    gathered: Gathered,
    ledger: Ledger,
    spool: Path,
    previous: str = "",
    work: Work | None = None,
) -> tuple[Plan, list[Diagnostic]]:
    """Groups, then splits, then the certificate, then the order of the rows.

    `previous`: the version released before, empty if none is known. `work`: where, by what and in how
    much memory the texts are searched.
    """
    primary = project.kinds[0]
    heads = gathered.staged[primary]
    if not len(heads):
        message = f"no {primary} is left to release"
        place = project.place("/source/0/kind")
        return Plan(ledger={}, before=ledger, order={}), [Diagnostic(code="B005", place=place, message=message)]
    splits, numbers = project.splits, heads.numbers()
    ids = Strings(heads.ids if len(numbers) == len(heads.ids) else take(heads.ids, numbers))
    lost = {i for i in gathered.failed.ids(primary) if i is not None and i not in heads}
    decided = {i for decision in splits.decisions for i in decision.articles}
    apart = colours(splits, project.dataset.version, sorted(i for i in decided if i in heads))
    shingles = shingles_of(spool, heads.addresses(numbers))
    work = work or Work(folder=spool / "near")
    edges, found = _edges(gathered, primary, shingles, splits, apart, work)
    assigned = settle_all(
        _articles(heads, numbers, ids),
        edges,
        as_table(ledger),
        splits,
        project.dataset.version,
        previous=previous,
        left_out=lost,
        whole=_whole(gathered, primary, shingles, splits, work) if any(apart.values()) else None,
    )
    made = as_table(assigned.ledger)
    found = [*found, *assigned.found]
    rows = made.rows_of(ids.array)
    certificate = None
    if shingles is not None and not _has_errors(found):
        homes = [made.splits.names[n] for n in made.columns.splits[rows].tolist()]
        certificate = leakage.certify(ids, homes, shingles, splits, project.dataset.version, work)
        found.extend(leakage.exceeding(certificate))
    located = [replace(d, place=project.place(d.place.pointer or "")) if d.place.line is None else d for d in found]
    tied = [made[i] for i in sorted({i for edge in edges for i in (edge.left, edge.right)})]
    planned = Plan(
        ledger=made,
        before=ledger,
        order={},
        groups=tuple(groups_as_json(edges, {e.id: e.group for e in tied}, {e.group: e.split for e in tied})),
        certificate=certificate,
        shares=_shares_as_json(assigned, splits),
    )
    if _has_errors(located):
        return planned, located
    homes_of = _Homes(made, project.release.articles_per_shard)
    order = {kind: homes_of.ordered(kind, primary, gathered.staged) for kind in project.kinds}
    return replace(planned, order=order, heads=gathered.staged), located


def _has_errors(found: Sequence[Diagnostic]) -> bool:
    return any(d.severity is Severity.ERROR for d in found)


def _shares_as_json(assigned: Assigned, splits: Splits) -> dict[str, Any]:
    def plain(shares: Mapping[str, Share]) -> dict[str, Any]:
        return {name: asdict(share) | {"actual": round(share.actual, 6)} for name, share in shares.items()}

    strata = {name: plain(shares) for name, shares in assigned.strata.items()}
    return {
        "by": splits.by,
        "shares": plain(assigned.drift),
        **({"strata": strata} if strata else {}),
        "pins": [asdict(pin) | {"articles": list(pin.articles)} for pin in splits.pins],
        "decisions": [asdict(made) | {"articles": list(made.articles)} for made in splits.decisions],
    }


def _articles(heads: Heads, numbers: Ints, ids: Strings) -> Articles:
    """What the splits go by, of the articles by number."""
    column = heads.column("digest", numbers)
    digests = column if column is not None else fixed(bytes(DIGEST * len(ids)), DIGEST, np.zeros(len(ids), np.bool_))

    def members(chosen: Ints) -> dict[str, Member]:
        some = numbers[chosen]
        marks = [heads.column(name, some) for name in MARKS]
        stratum, time, given, source = (m.to_pylist() if m is not None else [None] * len(some) for m in marks)
        read = hexadecimal(take(digests, chosen)).to_pylist()
        found = zip(
            Strings(take(ids.array, chosen)), read, stratum, time, given, source, heads.places(some), strict=True
        )
        return {
            i: Member(digest=d, stratum=a or "", time=b or "", given=c or "", source=s or "", place=place)
            for i, d, a, b, c, s, place in found
        }

    return Articles(ids=ids.array, digests=digests, given=heads.column("source", numbers), members=members)


def _whole(gathered: Gathered, primary: str, shingles: Joined | None, splits: Splits, work: Work) -> dict[str, str]:
    """Article -> component, as if no decision set any apart; those that are alone and not named may be missing."""
    edges = _edges(gathered, primary, shingles, splits, {}, work)[0]
    named = {i for decision in splits.decisions for i in decision.articles if i in gathered.staged[primary]}
    return components(sorted(named | {i for edge in edges for i in (edge.left, edge.right)}), edges)


def _edges(
    gathered: Gathered,
    primary: str,
    shingles: Joined | None,
    splits: Splits,
    apart: Mapping[str, int],
    work: Work,
) -> tuple[list[Edge], list[Diagnostic]]:
    """Every tie between articles, in order, and L012 for passages because of which some may be missing."""
    edges, found = _plain_edges(gathered, primary, apart), list[Diagnostic]()
    if shingles is not None:
        near, found = _near_edges(_ids(gathered.staged[primary]), shingles, splits, apart, work)
        equal = {(e.left, e.right) for e in edges if e.tie == "text"}
        edges += [e for e in near if (e.left, e.right) not in equal]
    return sorted(edges, key=lambda e: (e.left, e.right, e.why)), found


def _ids(heads: Heads) -> Strings:
    return Strings(take(heads.ids, heads.numbers()))


def _plain_edges(gathered: Gathered, primary: str, apart: Mapping[str, int]) -> list[Edge]:
    """The ties that need no measuring: equal texts, shared keys, links."""
    articles = gathered.staged[primary]
    texts = [(s.content, s.id) for s in map(articles.at, _with_equal_texts(articles))]
    edges = shared_edges(texts, "the same text", tie="text", colours=apart)
    links = {kind: links_of(gathered.staged, kind) for kind in gathered.staged}
    ends = {kind: _ends(found, kind, primary) for kind, found in links.items()}
    for kind, heads in gathered.staged.items():
        # records of other kinds tie the articles that they link to
        for name, held in _shared_keys(heads, articles, ends[kind]):
            edges.extend(shared_edges(held, f"the same {name}", colours=apart if kind == primary else None))
        for holder, tied in _linked(kind, links[kind], ends):
            # a link stands in one split, so no decision sets its ends apart
            values = [("", articles.id_of(number)) for number in tied]
            edges.extend(shared_edges(values, f"{kind} {heads.id_of(holder)}", tie="link"))
    return edges


def _with_equal_texts(articles: Heads) -> list[int]:
    """The articles whose text another has, as far as texts say something."""
    numbers = articles.numbers()
    found = articles.contents(numbers)
    if found is None:
        return []
    keys, valid = found
    numbers, halves = numbers[valid], keys[valid].view(np.uint64)
    order = np.lexsort((halves[:, 0], halves[:, 1]))
    same = (halves[order[1:]] == halves[order[:-1]]).all(axis=1)
    among = np.zeros(len(order), dtype=np.bool_)
    among[1:] |= same
    among[:-1] |= same
    return sorted(numbers[order[among]].tolist())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ends:
    """The articles that records are tied to: record and article, by number, in the order of the records. An article is
    tied to itself, and any record to the articles that it links to as one group."""

    holders: Ints
    articles: Ints

    def of(self, number: int) -> list[int]:
        first, last = np.searchsorted(self.holders, [number, number + 1]).tolist()
        found: list[int] = self.articles[first:last].tolist()
        return found


def _ends(links: Links, kind: str, primary: str) -> _Ends:
    number = links.kinds.index(primary) if primary in links.kinds else -1
    here = np.flatnonzero((links.kind == number) & links.groups & (links.targets >= 0))
    return _Ends(holders=links.holders[here], articles=links.targets[here])


def _shared_keys(heads: Heads, articles: Heads, ends: _Ends) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """(property, [(value, article)]) for x-group properties, as far as several articles have a value."""
    holders, columns = heads.listed("group", ("property", "value"))
    if not columns:
        return
    properties, values = columns
    own = heads is articles
    for name in sorted(pc.unique(properties).to_pylist()):
        here = np.flatnonzero(as_flags(pc.equal(properties, text(name))))
        records, coded = holders[here], take(values, here).dictionary_encode()
        codes = as_numbers(coded.indices).astype(np.int64)
        first, last = np.searchsorted(ends.holders, records), np.searchsorted(ends.holders, records, side="right")
        tied = np.concatenate([records if own else records[:0], ends.articles[_ranges(first, last)]])
        codes = np.concatenate([codes if own else codes[:0], np.repeat(codes, last - first)])
        many = np.bincount(codes, minlength=len(coded.dictionary))[codes] > 1
        held = take(coded.dictionary, codes[many]).to_pylist()
        yield name, [(value, articles.id_of(n)) for value, n in zip(held, tied[many].tolist(), strict=True)]


def _ranges(first: Ints, last: Ints) -> Ints:
    """All numbers from `first` to before `last`, range after range."""
    lengths = last - first
    starts = np.cumsum(lengths) - lengths
    found: Ints = np.arange(int(lengths.sum())) - np.repeat(starts - first, lengths)
    return found


def _linked(kind: str, links: Links, ends: Mapping[str, _Ends]) -> Iterator[tuple[int, set[int]]]:
    """(record, the articles that its links tie together) for records that link as one group."""
    here = np.flatnonzero(links.groups & (links.targets >= 0))
    primary = next(iter(ends))
    for holder, found in groupby(here.tolist(), key=lambda at: int(links.holders[at])):
        tied = {holder, *ends[kind].of(holder)} if kind == primary else set(ends[kind].of(holder))
        for at in found:
            target, number = links.kinds[int(links.kind[at])], int(links.targets[at])
            if target in ends:
                tied |= {number} if target == primary else set()
                tied.update(ends[target].of(number))
        yield holder, tied


def shingles_of(spool: Path, addresses: Addresses) -> Joined | None:
    """The shingles of the articles at these addresses, in their order; None if they have no text."""
    blocks, part = np.unique(np.frombuffer(addresses.blocks, dtype=np.int32), return_inverse=True)
    paths = [shingles_path(spool, block) for block in blocks.tolist()]
    if not all(path.exists() for path in paths):
        return None
    row = np.frombuffer(addresses.rows, dtype=np.int32)
    return Joined(parts=tuple(map(read, paths)), part=part.astype(np.int32), row=row)


def _near_edges(
    ids: Sequence[str], shingles: Joined, splits: Splits, apart: Mapping[str, int], work: Work
) -> tuple[list[Edge], list[Diagnostic]]:
    """The near copies among the articles, with what was measured."""
    near = splits.near_copies
    if near is None:
        return [], []
    colours = [apart.get(i, 0) for i in ids] if any(apart.values()) else None
    found = near_copies(shingles, jaccard=near.jaccard, containment=near.containment, colours=colours, work=work)
    edges = [
        Edge(
            left=ids[pair.left],
            right=ids[pair.right],
            why=f"near copies: Jaccard {pair.jaccard:.3f}, containment {pair.containment:.3f}",
            tie="near",
            jaccard=pair.jaccard,
            containment=pair.containment,
        )
        for pair in found.pairs
    ]
    return edges, [_crowded(ids, crowd) for crowd in found.crowded[:SHOWN_CROWDS]]


def _crowded(ids: Sequence[str], crowd: Crowded) -> Diagnostic:
    """The passage is named by its place: its words stay out of logs that may be public."""
    message = (
        f"{crowd.articles:,} articles share {crowd.shingles:,} shingles in a row, from shingle {crowd.position:,} of "
        f"{ids[crowd.article]!r} on; not all of them were compared"
    )
    return Diagnostic(code="L012", place=Place(file=PROJECT_FILE, pointer="/splits/boilerplate"), message=message)


class _Homes:
    """Where the rows of articles stand: by generation, then by id.

    Which shard an article is in follows from its rank among those that entered its split with the same version,
    withdrawn ones included: what comes later moves none.
    """

    def __init__(self, ledger: LedgerTable, size: int) -> None:
        self._ledger, self._size = ledger, size
        columns, count = ledger.columns, max(1, len(ledger.sinces.names))
        versions = sorted(range(len(ledger.sinces.names)), key=lambda n: version_key(ledger.sinces.names[n]))
        self._age = np.empty(count, dtype=np.int64)
        self._age[versions] = np.arange(len(versions))
        cohort = columns.splits.astype(np.int64) * count + columns.sinces
        order = np.argsort(cohort, kind="stable")
        starts = np.flatnonzero(np.diff(cohort[order], prepend=-1))
        self._rank = np.empty(len(cohort), dtype=np.int64)
        self._rank[order] = np.arange(len(cohort)) - np.repeat(starts, np.diff(np.append(starts, len(cohort))))

    def ordered(self, kind: str, primary: str, staged: Mapping[str, Heads]) -> dict[str, tuple[Ints, ...]]:
        """Split -> shards -> records in the order of their rows. A record of another kind stands with the latest of the
        articles that it links to."""
        numbers = staged[kind].numbers()
        homes = self._rows(staged[primary], numbers) if kind == primary else self._latest(kind, primary, staged)
        columns = self._ledger.columns
        split, age = columns.splits[homes], self._age[columns.sinces[homes]]
        shard = self._rank[homes] // self._size
        order = np.lexsort((numbers, shard, age, split))
        keys = np.stack([split[order], age[order], shard[order]])
        cuts = np.flatnonzero((keys[:, 1:] != keys[:, :-1]).any(axis=0)) + 1
        found: dict[str, list[Ints]] = {}
        for piece in np.split(order, cuts) if len(order) else ():
            found.setdefault(self._ledger.splits.names[int(split[piece[0]])], []).append(numbers[piece])
        return {name: tuple(shards) for name, shards in sorted(found.items())}

    def _rows(self, articles: Heads, numbers: Ints) -> Ints:
        return self._ledger.rows_of(take(articles.ids, numbers))

    def _latest(self, kind: str, primary: str, staged: Mapping[str, Heads]) -> Ints:
        """The row of the latest article of each record that counts."""
        ends = _ends(links_of(staged, kind), kind, primary)
        rows = self._rows(staged[primary], ends.articles)
        late = self._age[self._ledger.columns.sinces[rows]] * len(self._ledger) + rows
        starts = np.flatnonzero(np.diff(ends.holders, prepend=-1))
        assert np.array_equal(ends.holders[starts], staged[kind].numbers()), "a record stands with no article"
        return np.maximum.reduceat(late, starts) % len(self._ledger) if len(late) else late


def shards_of(config: Config, planned: Plan) -> Iterator[Shard]:
    """The shards of one config, with the addresses of the records that they link to."""
    links, heads = links_of(planned.heads, config.kind), planned.heads[config.kind]
    digests = {kind: planned.heads[kind].value_digests() for kind in {config.kind, *links.kinds}}
    for split, shards in planned.order[config.kind].items():
        for number, records in enumerate(shards):
            first, last = np.searchsorted(links.holders, records), np.searchsorted(links.holders, records, side="right")
            here = _ranges(first, last)
            linked = {}
            content = hashlib.sha256(digests[config.kind][records].tobytes())
            for at, kind in enumerate(links.kinds):
                targets = np.unique(links.targets[here[links.kind[here] == at]])
                if len(targets):
                    ends = planned.heads[kind]
                    linked[kind] = Directory(Strings(take(ends.ids, targets)), ends.addresses(targets))
                    content.update(f"\n{kind} {len(targets)}\n".encode() + digests[kind][targets].tobytes())
            yield Shard(
                config=config,
                split=split,
                number=number,
                records=heads.addresses(records),
                linked=linked,
                content=content.hexdigest(),
            )
