"""Settling many articles: most are groups of their own, of which nothing special is true, and are settled as columns.

An article is plain if no edge, pin or decision names it, and its entry in the ledger is a group of its own that never
moved, or if it is new and takes nobody's place. What `settle` makes of such an article depends on no other one. All
others, and the entries of articles that are gone, go through `settle`, which comes to what it would come to with all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from copydesk.arrays import Flags, Ints, Strings, as_bytes, as_flags, as_numbers, find_all, strings, take
from copydesk.grouping import Edge, components
from copydesk.project import Splits
from copydesk.semver import version_key
from copydesk.splits.assignment import Assigned, settle
from copydesk.splits.groups import NO_TEXT
from copydesk.splits.ledger import newest
from copydesk.splits.members import Member
from copydesk.splits.shares import Beside
from copydesk.splits.table import Builder, Columns, LedgerTable, as_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Articles:
    """The articles of a version, ordered by id. `digests`: SHA-256 of their texts, null without one; `given`: the split
    that its source gives each, null for none. `members`: (numbers) -> id -> all that there is to know of some."""

    ids: pa.Array
    digests: pa.Array
    given: pa.Array | None
    members: Callable[[Ints], Mapping[str, Member]]


def settle_all(
    articles: Articles,
    edges: Sequence[Edge],
    ledger: LedgerTable,
    splits: Splits,
    version: str,
    *,
    previous: str = "",
    left_out: Set[str] = frozenset(),
    whole: Mapping[str, str] | None = None,
) -> Assigned:
    """As `settle` of all articles; the ledger is a table."""
    everything = np.arange(len(articles.ids))

    def with_all() -> Assigned:
        members = articles.members(everything)
        groups = components(members, edges)
        made = settle(
            groups, members, ledger, splits, version, edges, previous=previous, left_out=left_out, whole=whole
        )  # fmt: skip
        return replace(made, ledger=as_table(made.ledger))

    if splits.by != "hash" or splits.given or splits.folds is not None:
        return with_all()
    if newest([*ledger.versions(), version]) != version:
        return with_all()
    held, rows = _held(articles, ledger, version)
    special = _special(articles, edges, held, rows, splits)
    rest = np.flatnonzero(special)
    plain = _plain(articles, np.flatnonzero(~special), held, rows, splits, version)
    members = articles.members(rest)
    known = np.ones(len(held), dtype=np.bool_)
    known[rows[~special & (rows >= 0)]] = False
    before = newest(v for v in (*held.versions(), previous) if v and version_key(v) < version_key(version))
    made = settle(
        components(members, edges),
        members,
        {entry.id: entry for entry in held.entries(np.flatnonzero(known))},
        splits,
        version,
        edges,
        previous=before,
        left_out=left_out,
        whole=whole,
        beside=plain.beside,
    )
    groups = strings(sorted({entry.group for entry in made.ledger.values()}))
    if (find_all(plain.columns.ids, groups) >= 0).any():  # a name that a plain article has a right to
        return with_all()
    builder = Builder(ledger.splits, ledger.sinces)
    builder.add(plain.columns)
    builder.extend(made.ledger.values())
    return replace(made, ledger=builder.table())


def _held(articles: Articles, ledger: LedgerTable, version: str) -> tuple[LedgerTable, Ints]:
    """The entries of earlier versions, and the row there of each article; -1 for none."""
    now = version_key(version)
    earlier = np.array([version_key(name) < now for name in ledger.sinces.names], dtype=np.bool_)
    kept = np.flatnonzero(earlier[ledger.columns.sinces]) if len(ledger) else np.zeros(0, dtype=np.int64)
    held = ledger if len(kept) == len(ledger) else ledger.only(kept)
    return held, held.rows_of(articles.ids) if len(held) else np.full(len(articles.ids), -1, dtype=np.int64)


def _special(
    articles: Articles, edges: Sequence[Edge], held: LedgerTable, rows: Ints, splits: Splits
) -> Flags:  # fmt: skip
    """Which articles are not plain."""
    named = {i for edge in edges for i in (edge.left, edge.right)}
    named.update(i for pin in splits.pins for i in pin.articles)
    named.update(i for decision in splits.decisions for i in decision.articles)
    named.update(entry.group for entry in held.odd.values())
    named.update(entry.formerly for entry in held.odd.values())
    special = np.zeros(len(articles.ids), dtype=np.bool_)
    found = find_all(articles.ids, strings(sorted(named)))
    special[found[found >= 0]] = True
    here = rows >= 0
    special[here] |= held.odd_rows()[rows[here]]
    gone = np.ones(len(held), dtype=np.bool_)
    gone[rows[here]] = False
    special[~here] |= _among(articles, held, np.flatnonzero(gone))[~here]
    if articles.given is not None:
        standing = take(strings(held.splits.names), held.columns.splits[rows[here]].astype(np.int64))
        other = pc.not_equal(take(articles.given, np.flatnonzero(here)), standing)
        special[here] |= as_flags(other)
    return special


def _among(articles: Articles, held: LedgerTable, gone: Ints) -> Flags:
    """Which articles have the text of one that is gone, and could take its place."""
    digests = {d for entry in held.entries(gone) if (d := entry.digest) not in NO_TEXT and len(d) == 64}
    if not digests:
        return np.zeros(len(articles.ids), dtype=np.bool_)
    known = np.frombuffer(bytes.fromhex("".join(digests)), dtype=np.uint64).reshape(-1, 4)
    return np.isin(as_bytes(articles.digests).view(np.uint64)[:, 0], known[:, 0])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settled:
    columns: Columns
    beside: Beside


def _plain(
    articles: Articles, plain: Ints, held: LedgerTable, rows: Ints, splits: Splits, version: str
) -> _Settled:  # fmt: skip
    """The entries of plain articles: where they stood, or where their hash or their source puts them."""
    ids, row = take(articles.ids, plain), rows[plain]
    new = np.flatnonzero(row < 0)
    standing = np.where(row < 0, 0, row)
    if len(held):
        in_split, since = held.columns.splits[standing], held.columns.sinces[standing]
    else:
        in_split, since = np.zeros(len(plain), dtype=np.int32), np.zeros(len(plain), dtype=np.int32)
    since[new] = held.sinces.number(version)
    numbers = np.array([held.splits.number(name) for name in splits.ratios], dtype=np.int32)
    given = None if articles.given is None else take(articles.given, plain)
    falling = new if given is None else new[as_flags(given.is_null())[new]]
    in_split[falling] = numbers[_hashed(take(ids, falling), splits)]
    told: Collection[int] = ()
    if given is not None:
        put = np.flatnonzero(as_flags(given.is_valid()))
        coded = take(given, put).dictionary_encode()
        known = np.array([held.splits.number(name) for name in coded.dictionary.to_pylist()], dtype=np.int32)
        in_split[put] = told = known[as_numbers(coded.indices)]
    columns = Columns(
        ids=ids,
        splits=in_split,
        sinces=since,
        digests=take(articles.digests, plain),
        released=np.ones(len(plain), dtype=np.bool_),
    )
    return _Settled(
        columns=columns, beside=Beside(articles=_counted(in_split, held), given=_counted(told, held))
    )  # fmt: skip


def _counted(splits: Collection[int], held: LedgerTable) -> dict[str, int]:
    counts = np.bincount(np.asarray(splits, dtype=np.int64), minlength=len(held.splits.names)).tolist()
    return {name: count for name, count in zip(held.splits.names, counts, strict=True) if count}


def _hashed(ids: pa.Array, splits: Splits) -> npt.NDArray[np.int64]:
    """The split in which the salted hash of each id falls, by number: what `by_hash` says, many at once."""
    salt = f"{splits.salt}\0".encode()
    hashes = b"".join(hashlib.sha256(salt + i.encode()).digest()[:8] for i in Strings(ids))
    points = np.frombuffer(hashes, dtype=">u8").astype(np.float64) / 2**64 * sum(splits.ratios.values())
    fallen = np.full(len(ids), len(splits.ratios) - 1)
    open_ = np.ones(len(ids), dtype=np.bool_)
    for number, share in enumerate(splits.ratios.values()):
        points -= share
        fallen[open_ & (points < 0)] = number
        open_ &= points >= 0
    return fallen
