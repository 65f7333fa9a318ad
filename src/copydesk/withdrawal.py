"""An article that must go: which releases hold it, and which files of the project.

Never prints or keeps text of an article: passages of it are looked for in files, and only the files are named.
"""

from __future__ import annotations

import difflib
import json
import mmap
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from copydesk.articles.shape import text_property
from copydesk.barrier import Gathered
from copydesk.build import Options, stage
from copydesk.contract import arrow
from copydesk.diagnostics import BuildFailed, Report
from copydesk.nearcopies import copies_of
from copydesk.plan import shingles_of
from copydesk.prepare import Prepared
from copydesk.previous import Known
from copydesk.project import NearCopies, Project
from copydesk.semver import version_key
from copydesk.splits import Ledger
from copydesk.spool import gather

PASSAGE = 48
"""Characters of a passage that is looked for; shorter ones stand in many texts."""
_PASSAGES = 12
_MANY = 20_000
_PLAIN = re.compile(r"[^\x00-\x1f\x7f\"\\<>&'/]+")
"""Runs of characters that look the same in any file: what JSON, XML and HTML escape is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the sources hold now: the staged records, as far as they could be read; `problem` says why not further.

    `files`, `texts`, `twins`, `copies`: of the records that were asked for, the files that have them, their texts, the
    ids of records with the same text up to case, white space and quotation marks, and those of near copies.
    """

    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    twins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    copies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ids: frozenset[str] = frozenset()
    problem: str = ""


def read_sources(prepared: Prepared, kind: str, wanted: Sequence[str], spool: Path) -> Sources:
    """Where the records of a kind stand in the sources, and the texts of those that are wanted."""
    report = Report()
    try:
        gathered = stage(prepared, Options(root=prepared.project.root), spool, report)
    except BuildFailed:
        return Sources(problem=next((d.message for d in report.errors), "they cannot be read"))
    staged = gathered.staged.get(kind)
    if staged is None:
        return Sources()
    failed = [f for f in gathered.failed.of(kind) if f.id is not None]
    places = [(i, staged[i].place.file) for i in wanted if i in staged]
    places += [(f.id, f.place.file) for f in failed if f.id is not None and f.id in wanted]
    files: dict[str, set[str]] = {}
    for identifier, file in places:
        files.setdefault(identifier, set()).add(file)
    twins = _twins(gathered, kind, wanted)
    return Sources(
        files={identifier: tuple(sorted(found)) for identifier, found in files.items()},
        texts=_texts(prepared, gathered, kind, wanted, spool),
        twins=twins,
        copies=_copies(prepared, gathered, kind, wanted, twins, spool),
        ids=frozenset([*staged, *(f.id for f in failed if f.id is not None)]),
    )


def _twins(gathered: Gathered, kind: str, wanted: Sequence[str]) -> dict[str, tuple[str, ...]]:
    staged = gathered.staged[kind]
    asked = {staged[i].content: i for i in wanted if i in staged and staged[i].content}
    found: dict[str, list[str]] = {}
    for number in staged.with_contents(list(asked)):
        record = staged.at(number)
        if record.id not in wanted:
            found.setdefault(asked[record.content], []).append(record.id)
    return {identifier: tuple(twins) for identifier, twins in found.items()}


def _copies(
    prepared: Prepared,
    gathered: Gathered,
    kind: str,
    wanted: Sequence[str],
    twins: Mapping[str, tuple[str, ...]],
    spool: Path,
) -> dict[str, tuple[str, ...]]:
    """Near copies of the records that are wanted, and texts that hold most of one of them."""
    staged = gathered.staged[kind]
    ids = list(staged)
    near = prepared.project.splits.near_copies or NearCopies()
    if kind != prepared.project.kinds[0] or not any(identifier in wanted for identifier in ids):
        return {}
    shingles = shingles_of(spool, staged.addresses(staged.numbers()))
    if shingles is None:
        return {}
    found = {}
    for number, identifier in enumerate(ids):
        if identifier in wanted:
            pairs = copies_of(shingles, number, jaccard=near.jaccard, containment=near.containment)
            others = {ids[pair.left + pair.right - number] for pair in pairs}
            found[identifier] = tuple(sorted(others - set(wanted) - set(twins.get(identifier, ()))))
    return found


def _texts(
    prepared: Prepared, gathered: Gathered, kind: str, wanted: Sequence[str], spool: Path
) -> dict[str, str]:  # fmt: skip
    node, staged = prepared.contract.kinds[kind], gathered.staged[kind]
    name, ids = text_property(node), [identifier for identifier in wanted if identifier in staged]
    if name is None or not ids:
        return {}
    table = gather(spool, kind, [staged[i].address for i in ids], arrow.spool_schema(node.type))
    return {i: text for i, text in zip(ids, table.column(name).to_pylist(), strict=True) if text is not None}


def near(identifier: str, known: frozenset[str]) -> list[str]:
    """Ids that look like one that does not exist."""
    pool: Sequence[str] = sorted(known)
    if len(pool) > _MANY:  # comparing costs; a slip of the hand leaves one of the two ends as it was
        head, tail = identifier[:3], identifier[-3:]
        pool = [other for other in pool if other.startswith(head) or other.endswith(tail)][:_MANY]
    return difflib.get_close_matches(identifier, pool, n=3, cutoff=0.6)


def holders(project: Project, known: Known, ledger: Ledger, identifier: str) -> tuple[str, ...]:
    """The versions that hold an article: the releases here say so themselves, the ledger says it of the others.

    Of an article that is gone already the ledger tells the version that brought it, and not the one that left it out.
    """
    held = {version for version, folder in known.here.items() if holds(folder, identifier)}
    entry = ledger.get(identifier)
    if entry is not None:
        since = version_key(entry.since)
        others = [v for v in known.versions if v not in known.here and version_key(v) >= since]
        held.update(v for v in others if entry.released or v == entry.since)
    return tuple(sorted(held, key=version_key))


def holds(release: Path, identifier: str) -> bool:
    """Whether the ledger of a release says that it holds an article. One that cannot be read may."""
    try:
        table = pq.read_table(release / "ledger.parquet", columns=["id", "released"])
    except (OSError, pa.ArrowException, ValueError):
        return True
    hits = pc.and_(pc.equal(table.column("id"), identifier), table.column("released"))
    return bool(pc.any(hits).as_py())


def copies(project: Project, text: str) -> list[str]:
    """Files of the project, sources and others, in which passages of a text stand. Releases and hidden files are left
    out, archives are not looked into."""
    needles = [_forms(passage) for passage in passages(text)]
    if not needles:
        return []
    enough = min(2, len(needles))
    return [
        path.relative_to(project.root).as_posix()
        for path in _files(project)
        if _hits(path, needles, enough)
    ]  # fmt: skip


def namesakes(project: Project, identifier: str) -> list[str]:
    """Files of the project that are called after an article, such as its passes."""
    name = identifier.rpartition("/")[2]
    called = (path for path in _files(project) if path.name == name or path.name.startswith(f"{name}."))
    return [path.relative_to(project.root).as_posix() for path in called]


def passages(text: str) -> list[str]:
    """Some passages of a text, spread over the whole of it."""
    found: list[str] = []
    for run in _PLAIN.finditer(text):
        words = run[0].strip()
        found.extend(words[at : at + PASSAGE] for at in range(0, len(words) - PASSAGE + 1, PASSAGE))
    if not found:  # a short text, or one of many lines: its longest lines, if they say anything
        found = sorted((run[0].strip() for run in _PLAIN.finditer(text)), key=len)[-2:]
        found = [words for words in found if len(words) >= PASSAGE // 3]
    step = max(1, len(found) // _PASSAGES)
    return found[::step][:_PASSAGES]


def _forms(passage: str) -> tuple[bytes, ...]:
    """How a passage can stand in a file: as it is, or with what is not ASCII escaped as JSON does."""
    return tuple({passage.encode(), json.dumps(passage)[1:-1].encode()})


def _files(project: Project) -> Iterator[Path]:
    output = project.output.resolve()
    for folder, names, files in os.walk(project.root):
        here = Path(folder)
        names[:] = sorted(n for n in names if not n.startswith(".") and (here / n).resolve() != output)
        yield from (here / name for name in sorted(files) if not name.startswith("."))


def _hits(path: Path, needles: Sequence[tuple[bytes, ...]], enough: int) -> bool:
    try:
        with path.open("rb") as stream:
            if not path.stat().st_size:
                return False
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
                count = 0
                for forms in needles:
                    count += any(data.find(form) >= 0 for form in forms)
                    if count >= enough:
                        return True
    except (OSError, ValueError):
        return False
    return False
