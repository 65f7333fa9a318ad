"""Every difference between the rows of two sides, one after the other, in memory that does not grow with their texts.

First an index of each side (records.py), then one walk over both in the order of the ids; only records whose bytes
differ are read again and compared (record.py). The contract is compared elsewhere (contract.py): here two rows are
what the columns make of them that both contracts have, and the values of new columns are told as such.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Container, Iterator
from contextlib import closing
from dataclasses import dataclass, field

from copydesk import jsontext
from copydesk.diff.carrying import Renames
from copydesk.diff.layers import Place
from copydesk.diff.licenses import license_change
from copydesk.diff.model import Change, Side
from copydesk.diff.record import Reading, far_layers, reading, record_changes
from copydesk.diff.records import Index, shared_files
from copydesk.diff.shapes import Shape, primary_kind, project, shapes
from copydesk.splits import folded

_NOTHING = hashlib.sha256().hexdigest()
"""The digest of an empty text, by which nothing is recognised."""


def changes(old: Side, new: Side) -> Iterator[Change]:
    """The changes of the rows: the primary kind first, then by kind, id, layer and item. Then what is the dataset's."""
    any_change = False
    found = shapes(old, new)
    kept = frozenset(target for shape in found for target in far_layers(shape.type))
    renames = Renames()
    for shape in found:
        for change in _kind_changes(old, new, reading(shape, kept), renames):
            any_change = True
            yield change
    yield from _dataset_changes(old, new, same_rows=not any_change)


def _fold_changes(old: Side, new: Side) -> Iterator[Change]:
    """One change for all articles that are in another fold of another count; those that came or went do not count."""
    if not folded(old.ledger) and not folded(new.ledger):
        return
    both = [
        (e, new.ledger[i]) for i, e in old.ledger.items() if e.released and i in new.ledger and new.ledger[i].released
    ]
    moved = sum(
        1 for a, b in both if a.fold is not None and a.split == b.split and (a.fold, a.folds) != (b.fold, b.folds)
    )
    dealt = sum(1 for a, b in both if a.fold is None and a.split == b.split and b.fold is not None)
    counts = [next((e.folds for e in side.ledger.values() if e.folds is not None), None) for side in (old, new)]
    if moved:
        note = f"{moved:,} articles are in other folds"
        yield Change(what="folds-changed", rule="folds-changed", old=counts[0], new=counts[1], note=note)
    elif dealt and counts[0] is None:
        yield Change(what="folds-changed", rule="folds-added", old=None, new=counts[1], note=f"{counts[1]} folds")


def _default(side: Side) -> str:
    return next((table.name for table in side.tables if table.config.default), "")


def _dataset_changes(old: Side, new: Side, *, same_rows: bool) -> Iterator[Change]:
    """The default config, the licence of the annotation; and other bytes, where nothing else differs."""
    before, after = _default(old), _default(new)
    if before and after and before != after:
        note = f"the default config was {before} and is now {after}"
        yield Change(what="config-changed", rule="default-changed", layer=after, old=before, new=after, note=note)
    yield from _fold_changes(old, new)
    if old.license != new.license:
        rule = license_change(old.license, new.license)
        yield Change(what="license-changed", rule=rule, pointer="/license", old=old.license, new=new.license)
    elif same_rows and old.digest and new.digest and old.digest != new.digest and old.types == new.types:
        yield Change(what="bytes-changed", rule="bytes-changed", old=old.digest, new=new.digest)


@dataclass(slots=True)
class _Walk:
    """What the walk over two indices found: numbers of records in each, in the order of the ids; -1 for none."""

    ours: array[int] = field(default_factory=lambda: array("q"))
    theirs: array[int] = field(default_factory=lambda: array("q"))

    def add(self, a: int, b: int) -> None:
        self.ours.append(a)
        self.theirs.append(b)


def _kind_changes(old: Side, new: Side, read: Reading, renames: Renames) -> Iterator[Change]:
    shape = read.shape
    skip = shared_files(shape)
    with closing(Index(old, shape, shape.old, skip=skip)) as a, closing(Index(new, shape, shape.new, skip=skip)) as b:
        walk = _walk(a, b)
        became = _renamed(old, new, shape, (a, b), walk)
        came = {theirs: ours for ours, theirs in became.items()}
        for ours, theirs in became.items():
            renames.records[shape.kind, a.id(ours).decode()] = b.id(theirs).decode()
        for ours, theirs in zip(walk.ours, walk.theirs, strict=True):
            if theirs < 0:
                if ours not in became:
                    yield Change(what="record-withdrawn", rule="article-removed", kind=shape.kind,
                                 record=a.id(ours).decode(), split=a.split(ours))  # fmt: skip
            elif ours < 0 and theirs not in came:
                yield Change(what="record-added", rule="article-added", kind=shape.kind, record=b.id(theirs).decode(),
                             split=b.split(theirs), new=b.record(theirs))  # fmt: skip
            else:
                yield from _compared(read, (a, came[theirs] if ours < 0 else ours), (b, theirs), renames)


def _compared(read: Reading, old: tuple[Index, int], new: tuple[Index, int], renames: Renames) -> Iterator[Change]:
    """The changes of a record that both sides have."""
    (a, ours), (b, theirs) = old, new
    place = Place(kind=read.shape.kind, record=b.id(theirs).decode(), split=b.split(theirs), old_split=a.split(ours))
    before = a.id(ours).decode()
    if before != place.record:
        yield place.change("record-renamed", "article-renamed", pointer="/id", old=before, new=place.record,
                           old_split=place.old_split)  # fmt: skip
    if place.old_split != place.split:
        yield place.change("split-moved", "article-moved", old=place.old_split, new=place.split,
                           old_split=place.old_split)  # fmt: skip
    yield from record_changes(read, place, a.record(ours), b.record(theirs), renames)


def _walk(a: Index, b: Index) -> _Walk:
    """Merge two indices by id: what only one has, and what may differ."""
    walk, i, j = _Walk(), 0, 0
    while i < len(a) or j < len(b):
        left = a.id(i) if i < len(a) else None
        right = b.id(j) if j < len(b) else None
        if right is None or (left is not None and left < right):
            walk.add(i, -1)
            i += 1
        elif left is None or right < left:
            walk.add(-1, j)
            j += 1
        else:
            if a.digest(i) != b.digest(j) or a.split(i) != b.split(j):
                walk.add(i, j)
            i, j = i + 1, j + 1
    return walk


def _renamed(old: Side, new: Side, shape: Shape, sides: tuple[Index, Index], walk: _Walk) -> dict[int, int]:
    """Old number -> new number of the records that have another id now: the ledger says so, or they say the same.

    Where several say the same, the first goes to the first, and what stayed in its split before what did not.
    """
    a, b = sides
    gone = {a.id(i).decode(): i for i, j in zip(walk.ours, walk.theirs, strict=True) if j < 0}
    came = {b.id(j).decode(): j for i, j in zip(walk.ours, walk.theirs, strict=True) if i < 0}
    if not gone or not came:
        return {}
    found: dict[int, int] = {}
    primary = shape.kind == primary_kind(new)
    for identifier in sorted(came) if primary else ():
        entry = new.ledger.get(identifier)
        if entry is not None and entry.formerly in gone:
            found[gone.pop(entry.formerly)] = came.pop(identifier)
    ours = _by_content(old, shape, a, gone, primary=primary)
    theirs = _by_content(new, shape, b, came, primary=primary, wanted=ours)
    for key, numbers in ours.items():
        found.update(_paired(a, b, numbers, theirs.get(key, [])))
    return found


def _paired(a: Index, b: Index, ours: list[int], theirs: list[int]) -> Iterator[tuple[int, int]]:
    rest, free = [], list(theirs)
    for i in ours:
        same = next((j for j in free if a.split(i) == b.split(j)), None)
        if same is None:
            rest.append(i)
        else:
            free.remove(same)
            yield i, same
    yield from zip(rest, free, strict=False)


def _by_content(
    side: Side,
    shape: Shape,
    index: Index,
    ids: dict[str, int],
    *,
    primary: bool,
    wanted: Container[bytes] | None = None,
) -> dict[bytes, list[int]]:
    """What a record says -> the numbers of those that say it: the digest of its text, or else of all but its id.
    With `wanted`, only of what is among it."""
    found: dict[bytes, list[int]] = {}
    for identifier in sorted(ids):
        entry = side.ledger.get(identifier) if primary else None
        digest = entry.digest if entry is not None else _digest(shape, index, ids[identifier])
        key = digest[:32].encode()
        if digest and digest != _NOTHING and (wanted is None or key in wanted):
            found.setdefault(key, []).append(ids[identifier])
    return found


def _digest(shape: Shape, index: Index, number: int) -> str:
    record = project(index.record(number), shape.type)
    texts = [record[name] for name in shape.texts if record.get(name)]
    if texts:
        return hashlib.sha256("".join(texts).encode("utf-8", "surrogatepass")).hexdigest()
    record.pop("id", None)
    return hashlib.sha256(jsontext.dump_line(record)).hexdigest()
