"""The plan of a release: groups, then splits, then the order of the rows. Articles and numbers only, no records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from copydesk import leakage
from copydesk.barrier import Gathered
from copydesk.decisions import colours
from copydesk.diagnostics import Diagnostic, Place, Severity
from copydesk.grouping import Edge, components, groups_as_json, shared_edges
from copydesk.heads import Staged
from copydesk.nearcopies import Crowded, near_copies
from copydesk.project import PROJECT_FILE, Config, Project, Splits
from copydesk.shingles import Joined, join, read
from copydesk.splits import Assigned, Ledger, Member, Share, generation, settle
from copydesk.spool import Address, shingles_path
from copydesk.write import Shard

SHOWN_CROWDS = 5
"""Passages in too many articles that are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What goes where: the ledger, and what it was before; for each kind and split the shards; what ties articles.

    `groups`: what ties the articles of each group; `certificate`: how alike articles of different splits are, None
    for articles without text; `shares`: how far each split is from its share. As quality/ has them.
    """

    ledger: Ledger
    before: Ledger
    order: Mapping[str, Mapping[str, tuple[tuple[Staged, ...], ...]]]
    groups: tuple[dict[str, Any], ...] = ()
    certificate: dict[str, Any] | None = None
    shares: Mapping[str, Any] = field(default_factory=dict)


def plan(
    project: Project, gathered: Gathered, ledger: Ledger, spool: Path, previous: str = ""
) -> tuple[Plan, list[Diagnostic]]:
    """Groups, then splits, then the certificate, then the order of the rows.

    `previous`: the version released before, empty if none is known.
    """
    primary = project.kinds[0]
    articles = gathered.staged[primary]
    if not articles:
        message = f"no {primary} is left to release"
        place = project.place("/source/0/kind")
        return Plan(ledger={}, before=ledger, order={}), [Diagnostic(code="B005", place=place, message=message)]
    ids = sorted(articles)
    lost = {f.id for f in gathered.failed if f.kind == primary and f.id not in articles}
    splits = project.splits
    apart = colours(splits, project.dataset.version, ids)
    shingles = shingles_of(spool, [articles[i].address for i in ids])
    edges, found = _edges(gathered, primary, shingles, splits, apart)
    groups = components(articles, edges)
    assigned = settle(
        groups,
        {i: _member(staged) for i, staged in articles.items()},
        ledger,
        splits,
        project.dataset.version,
        edges,
        previous=previous,
        left_out={i for i in lost if i is not None},
        whole=_whole(gathered, primary, shingles, splits) if any(apart.values()) else None,
    )
    made = assigned.ledger
    found = [*found, *assigned.found]
    certificate = None
    if shingles is not None and not _has_errors(found):
        certificate = leakage.certify(ids, [made[i].split for i in ids], shingles, splits, project.dataset.version)
        found.extend(leakage.exceeding(certificate))
    located = [replace(d, place=project.place(d.place.pointer or "")) if d.place.line is None else d for d in found]
    named = {i: made[i].group for i in ids}
    planned = Plan(
        ledger=made,
        before=ledger,
        order={},
        groups=tuple(groups_as_json(edges, named, {e.group: e.split for e in made.values()})),
        certificate=certificate,
        shares=_shares_as_json(assigned, splits),
    )
    if _has_errors(located):
        return planned, located
    size = project.release.articles_per_shard
    order = {kind: _ordered(kind, primary, gathered.staged[kind], made, size) for kind in project.kinds}
    return replace(planned, order=order), located


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


def _member(staged: Staged) -> Member:
    stratum, time, given, source = staged.marks
    return Member(
        digest=staged.digest, stratum=stratum, time=time, given=given, source=source, place=staged.place
    )  # fmt: skip


def _whole(gathered: Gathered, primary: str, shingles: Joined | None, splits: Splits) -> dict[str, str]:
    """Article -> component, as if no decision set any apart."""
    return components(gathered.staged[primary], _edges(gathered, primary, shingles, splits, {})[0])


def _edges(
    gathered: Gathered, primary: str, shingles: Joined | None, splits: Splits, apart: Mapping[str, int]
) -> tuple[list[Edge], list[Diagnostic]]:
    """Every tie between articles, in order, and L012 for passages because of which some may be missing."""
    edges, found = _plain_edges(gathered, primary, apart), list[Diagnostic]()
    if shingles is not None:
        near, found = _near_edges(sorted(gathered.staged[primary]), shingles, splits, apart)
        equal = {(e.left, e.right) for e in edges if e.tie == "text"}
        edges += [e for e in near if (e.left, e.right) not in equal]
    return sorted(edges, key=lambda e: (e.left, e.right, e.why)), found


def _plain_edges(gathered: Gathered, primary: str, apart: Mapping[str, int]) -> list[Edge]:
    """The ties that need no measuring: equal texts, shared keys, links."""
    articles = gathered.staged[primary]
    texts = [(s.content, i) for i, s in articles.items() if s.content]
    edges = shared_edges(texts, "the same text", tie="text", colours=apart)
    ends = {(kind, s.id): _ends(s, primary) for kind, records in gathered.staged.items() for s in records.values()}
    for kind, records in gathered.staged.items():
        names = sorted({name for s in records.values() for name, _ in s.groups})
        for name in names:  # records of other kinds tie the articles that they link to
            held = [(v, i) for s in records.values() for n, v in s.groups if n == name for i in ends[kind, s.id]]
            edges.extend(shared_edges(held, f"the same {name}", colours=apart if kind == primary else None))
        for staged in records.values():
            linked = [i for _, target, other, groups in staged.links if groups for i in ends.get((target, other), ())]
            # a link stands in one split, so no decision sets its ends apart
            tied = {*ends[kind, staged.id], *linked}
            edges.extend(shared_edges([("", i) for i in tied], f"{kind} {staged.id}", tie="link"))
    return edges


def _ends(staged: Staged, primary: str) -> tuple[str, ...]:
    """The articles that a record is tied to: itself, if it is one, and those that it links to as one group."""
    own = (staged.id,) if staged.kind == primary else ()
    return (*own, *(i for _, target, i, groups in staged.links if groups and target == primary))


def shingles_of(spool: Path, addresses: Sequence[Address]) -> Joined | None:
    """The shingles of the articles at these addresses, in their order; None if they have no text."""
    blocks = sorted({address.block for address in addresses})
    paths = [shingles_path(spool, block) for block in blocks]
    if not all(path.exists() for path in paths):
        return None
    number = {block: n for n, block in enumerate(blocks)}
    return join([read(path) for path in paths], ((number[a.block], a.row) for a in addresses))


def _near_edges(
    ids: Sequence[str], shingles: Joined, splits: Splits, apart: Mapping[str, int]
) -> tuple[list[Edge], list[Diagnostic]]:
    """The near copies among the articles, with what was measured."""
    near = splits.near_copies
    if near is None:
        return [], []
    colours = [apart.get(i, 0) for i in ids] if any(apart.values()) else None
    found = near_copies(shingles, jaccard=near.jaccard, containment=near.containment, colours=colours)
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


def _ordered(
    kind: str, primary: str, records: Mapping[str, Staged], ledger: Ledger, size: int
) -> dict[str, tuple[tuple[Staged, ...], ...]]:
    """Split -> shards -> records in the order of their rows: by generation of the article, then by id.

    Which shard an article is in follows from its rank among those that entered its split with the same version,
    withdrawn ones included: what comes later moves none. A record of another kind stands with the latest of the
    articles that it links to.
    """
    ranks: dict[str, int] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for entry in sorted(ledger.values(), key=generation):
        ranks[entry.id] = counts[entry.split, entry.since]
        counts[entry.split, entry.since] += 1
    shards: dict[str, dict[tuple[Any, ...], list[tuple[str, Staged]]]] = {}
    for staged in records.values():
        ends = [i for _, target, i, groups in staged.links if groups and target == primary]
        home = ledger[staged.id] if kind == primary else max((ledger[i] for i in ends), key=generation)
        where = (generation(home)[0], ranks[home.id] // size)
        shards.setdefault(home.split, {}).setdefault(where, []).append((staged.id, staged))
    return {
        split: tuple(tuple(s for _, s in sorted(shard, key=lambda pair: pair[0])) for _, shard in sorted(found.items()))
        for split, found in sorted(shards.items())
    }


def shards_of(config: Config, planned: Plan) -> Iterator[Shard]:
    """The shards of one config, with the addresses of the records that they link to."""
    addresses = {
        kind: {s.id: s.address for shards in splits.values() for shard in shards for s in shard}
        for kind, splits in planned.order.items()
    }
    for split, shards in planned.order[config.kind].items():
        for number, shard in enumerate(shards):
            linked: dict[str, dict[str, Address]] = {}
            for staged in shard:
                for _, target, identifier, _ in staged.links:
                    linked.setdefault(target, {})[identifier] = addresses[target][identifier]
            yield Shard(
                config=config,
                split=split,
                number=number,
                records=tuple(s.address for s in shard),
                linked=linked,
            )
