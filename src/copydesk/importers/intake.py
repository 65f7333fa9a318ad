"""From listed files to units, and from units to records: what all formats have in common. Knows no format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from copydesk.articles.mapping import apply_map, unused
from copydesk.articles.model import Article
from copydesk.articles.offsets import CODE_POINTS
from copydesk.articles.passes import left_out, resolve
from copydesk.articles.record import Record, locator
from copydesk.articles.shape import Locate, to_record
from copydesk.contract.types import Kind
from copydesk.diagnostics import Diagnostic, Place, Severity, lower
from copydesk.importers import Importer, MissingLibrary, importer_of
from copydesk.project import Project, Source
from copydesk.sources import Listing, RawRecord, Unit

Counts: TypeAlias = Counter[tuple[str, str]]
"""(what, words) -> how many: `articles`, `passes` by annotator, `offsets` by unit, `left out`, `homeless`, `map`."""


@dataclass(slots=True, kw_only=True)
class Taken:
    """What one unit came to: records and what is lost, in the order of the file; the passes behind them.

    `found`: what is wrong with passes that do not count, as warnings: it is in no record of the release.
    """

    records: list[Record | Diagnostic] = field(default_factory=list)
    passes: list[tuple[str, Record]] = field(default_factory=list)
    found: list[Diagnostic] = field(default_factory=list)
    counts: Counts = field(default_factory=Counter)


def units_of(project: Project, listings: Sequence[Listing]) -> tuple[list[tuple[int, Unit]], list[Diagnostic]]:
    """The units of every source, with the number of their listing; I013 for files that are in none, I014."""
    units: list[tuple[int, Unit]] = []
    found: list[Diagnostic] = []
    for number, listing in enumerate(listings):
        source = project.sources[listing.source]
        try:
            importer = importer_of(source.format)
        except MissingLibrary as missing:
            place = project.place(f"/source/{listing.source}/format")
            found.append(Diagnostic(code="I014", place=place, message=str(missing)))
            continue
        names = list(listing.files)
        made = list(importer.units(source, names))
        units.extend((number, unit) for unit in made)
        read = {name for unit in made for name in unit.files}
        if unread := [name for name in names if name not in read]:
            place = project.place(f"/source/{listing.source}/paths")
            shown = ", ".join(unread[:5]) + (", …" if len(unread) > 5 else "")
            message = f"{len(unread)} of {len(names)} files are not read as {source.format}: {shown}"
            found.append(Diagnostic(code="I013", place=place, message=message))
    return units, found


def take(root: Path, source: Source, kind: Kind, raw: RawRecord, importer: Importer) -> Taken:
    """The records of one unit: imported, mapped, several annotators made one, in the shape of the contract."""
    taken = Taken()
    groups: dict[str, list[Article]] = {}
    used: set[str] = set()
    for imported in importer.read(root, source, raw):
        if isinstance(imported, Article):
            apply_map(imported, source.map, used)
            groups.setdefault(imported.id, []).append(imported)
        else:
            taken.records.append(imported)
    where = _where(raw)
    for articles in groups.values():
        chosen = resolve(articles, source.passes)
        if isinstance(chosen, Diagnostic):
            taken.records.append(chosen)
            continue
        made = to_record(chosen, kind, source.defaults, where)
        taken.records.append(made)
        if len(articles) > 1:
            _take_passes(taken, made, [a for a in articles if a is not chosen], source, kind, where)
            if chosen.annotator is not None and not chosen.curated:
                taken.passes.append((chosen.annotator, to_record(chosen, kind, source.defaults, where)))
        taken.counts += _counted(chosen, articles)
    taken.counts.update(("map", pointer) for pointer in used)
    for record in taken.records:
        if isinstance(record, Record):
            taken.counts.update({("left out", words): n for words, n in record.left_out.items()})
            taken.counts.update({("homeless", words): n for words, n in record.homeless.items()})
    return taken


def _take_passes(
    taken: Taken, made: Record, others: Sequence[Article], source: Source, kind: Kind, where: Locate | None
) -> None:
    """The passes that are not the record themselves, and what is wrong with them: warnings, since it is in no record.

    What `majority` made has all that was wrong with any of them in itself.
    """
    made.left_out.update(left_out(others) - made.left_out)
    for article in others:
        record = to_record(article, kind, source.defaults, where)
        if not article.curated:
            taken.passes.append((article.annotator or "?", record))
        known = {*made.found, *taken.found}
        for found in record.found if source.passes.get("rule") != "majority" else ():
            if found not in known:
                taken.found.append(lower(found, Severity.WARNING) if found.severity is Severity.ERROR else found)


def _counted(chosen: Article, articles: Sequence[Article]) -> Counts:
    counts: Counts = Counter()
    counts["articles" if chosen.text is not None else "links", ""] += 1
    if chosen.text is not None:
        counts["offsets", chosen.unit] += 1
    for article in articles if len(articles) > 1 else ():
        counts["passes", article.annotator or ("curated" if article.curated else "?")] += 1
    return counts


def _where(raw: RawRecord) -> Locate | None:
    """Places of pointers into a JSON file; the walk over it is made once, and only if there is something to find."""
    if raw.data.lstrip()[:1] not in (b"{", b"["):
        return None
    find = locator(raw, None)

    def where(pointer: str) -> Place:
        try:
            return find(pointer)
        except (ValueError, LookupError):  # several records one after the other are no JSON text
            return Place(file="")

    return where


SHOWN = 12
"""Kinds of things that a finding about a source lists; quality/intake.json has them all."""


def intake_findings(project: Project, counts: Mapping[int, Counts]) -> Iterator[Diagnostic]:
    """I007, I008, I015 and I018: what was left out of each source, how its offsets were read, what its map missed."""
    for number, counted in sorted(counts.items()):
        source = project.sources[number]

        def found(code: str, key: str, message: str, words: Counter[str], at: int = number) -> Diagnostic:
            shown = [f"{name}: {n:,}" for name, n in words.most_common(SHOWN)]
            more = [f"and {len(words) - SHOWN} more kinds of things"] if len(words) > SHOWN else []
            place = project.place(f"/source/{at}/{key}")
            return Diagnostic(code=code, place=place, message=message, notes=(*shown, *more))

        homeless, left_out = _of(counted, "homeless"), _of(counted, "left out")
        if homeless:
            message = f"{homeless.total():,} annotations or properties have no place in the contract of {source.kind}"
            yield found("I007", "format", message, homeless)
        if left_out:
            message = f"{left_out.total():,} annotations or properties were left out of what {source.format} files hold"
            yield found("I008", "format", message, left_out)
        units = _of(counted, "offsets")
        units.pop(CODE_POINTS, None)
        if units:
            message = f"the offsets of {units.total():,} articles count something other than code points"
            yield found("I015", "format", message, units)
        met = _of(counted, "map")
        if _of(counted, "articles") or _of(counted, "links"):
            for pointer in unused(source.map, met):
                place = project.place(f"/source/{number}/map{pointer}")
                message = f"no article of the source has what {pointer[1:].replace('/', '.')} names"
                yield Diagnostic(code="I018", place=place, message=message)


def _of(counts: Counts, what: str) -> Counter[str]:
    return Counter({words: n for (kind, words), n in counts.items() if kind == what})


def as_json(project: Project, counts: Mapping[int, Counts]) -> dict[str, Any] | None:
    """quality/intake.json: for each source of another tool's format what was read and what was left out."""
    sources = []
    for number, source in enumerate(project.sources):
        counted = counts.get(number, Counter())
        if source.format == "copydesk":
            continue
        tables = {
            "left_out": _of(counted, "left out") + _of(counted, "homeless"),
            "offsets": _of(counted, "offsets"),
            "passes": _of(counted, "passes"),
        }
        sources.append(
            {
                "format": source.format,
                "kind": source.kind,
                "articles": counted["articles", ""],
                "links": counted["links", ""],
                "rule": source.passes.get("rule"),
                **{name: dict(sorted(table.items())) for name, table in tables.items()},
            }
        )
    return {"sources": sources} if sources else None
