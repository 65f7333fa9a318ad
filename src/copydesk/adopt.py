"""`copydesk init --from PATH`: an annotation tool's export becomes a project with a drafted contract.

The export is copied into the project, recognised, read whole and surveyed; what the survey shows becomes the first
contract. Nothing about it is final: a person goes over the definitions, and the first check says what is open.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

from copydesk import draft
from copydesk.archives import is_archive
from copydesk.articles.mapping import apply_map
from copydesk.articles.passes import resolve
from copydesk.contract.validate import schema_errors
from copydesk.cutting import cut
from copydesk.diagnostics import Diagnostic
from copydesk.importers import Article, MissingLibrary, importer_of, options_schema
from copydesk.importers.intake import units_of
from copydesk.importers.recognise import recognise
from copydesk.project import DEFAULT_RATIOS, Dataset, Project, ReleaseOptions, Source, Splits
from copydesk.release.datasheet import skeleton
from copydesk.sources import BLOCK_SIZE, Listing, list_files, read
from copydesk.splits import split_in_path
from copydesk.survey import Survey

LISTED = 12
"""Files that are named one by one where no pattern tells them from others."""
ORIGINAL = "data/original"
"""Where the export goes in the new project."""


@dataclass(slots=True, kw_only=True)
class Adopted:
    """What was found and made. `others`: formats that were nearly as likely. `found`: what is wrong with the files."""

    format: str
    files: int
    survey: Survey
    rule: str = ""
    unread: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    found: list[Diagnostic] = field(default_factory=list)


class Refused(Exception):  # noqa: N818 - says in words why nothing was made
    """The path cannot become a project."""


def adopt(
    folder: Path, slug: str, title: str, origin: Path, format_name: str | None, options: Mapping[str, Any] | None = None
) -> Adopted:
    """Make the project in `folder`, which must be empty or not exist. Raises Refused; if it raises, nothing is left."""
    made = not folder.exists()
    try:
        return _adopt(folder, slug, title, origin, format_name, options or {})
    except MissingLibrary as missing:
        _clear(folder, made)
        raise Refused(str(missing)) from missing
    except BaseException:
        _clear(folder, made)
        raise


def _clear(folder: Path, made: bool) -> None:
    """Take away what was begun; the folder too, if it was not there before."""
    if made:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _adopt(
    folder: Path, slug: str, title: str, origin: Path, format_name: str | None, options: Mapping[str, Any]
) -> Adopted:
    if not origin.exists():
        raise Refused(f"there is no {origin}")
    _copy(origin, folder / ORIGINAL / origin.name)
    with tempfile.TemporaryDirectory(prefix="copydesk-init-") as scratch:
        source = Source(kind="article", paths=(f"{ORIGINAL}/{origin.name}",), format=format_name or "")
        listings, found = list_files(_project(folder, slug, title, source), Path(scratch) / "unpacked", as_folders=True)
        others: tuple[str, ...] = ()
        if format_name is None:
            format_name, others = _recognised(listings[0], origin, found)
        source = Source(kind="article", paths=source.paths, format=format_name, options=options)
        if wrong := list(schema_errors(options_schema(format_name), dict(options))):
            raise Refused(f"{format_name} does not take this option: {wrong[0][0][1:]}: {wrong[0][1]}")
        first, more, good = survey, _, _ = _survey(_project(folder, slug, title, source), listings)
        passes = draft.passes_rule(first)
        paths = _paths(source, listings[0], good)
        source = replace(
            source, paths=paths, map=draft.renames(first), passes=passes, split_from_path=_in_folders(good)
        )  # fmt: skip
        if source.map or source.passes:  # what the contract is drafted for is what the release will have
            survey, _, _ = _survey(_project(folder, slug, title, source), listings)
            survey.passes, survey.several, survey.units = first.passes, first.several, first.units
    if not survey.articles:
        why = "; ".join(f"{d.place}: {d.message}" for d in [*found, *more][:3])
        raise Refused(f"no article was read from {origin} as {format_name}" + (f": {why}" if why else ""))
    _write(folder, slug, title, source, survey)
    return Adopted(
        format=format_name,
        files=len(listings[0].files),
        survey=survey,
        rule=source.passes.get("rule", ""),
        unread=tuple(name for name in listings[0].files if name not in good),
        others=others,
        found=[*found, *more],
    )


def _left_behind(folder: str, names: list[str]) -> list[str]:
    """What is not copied: links, which can lead anywhere, and git's own files."""
    return [name for name in names if name == ".git" or Path(folder, name).is_symlink()]


def _copy(origin: Path, target: Path) -> None:
    try:
        if origin.is_dir():
            shutil.copytree(origin, target, copy_function=shutil.copyfile, ignore=_left_behind)
            for path in target.rglob("*"):  # a read-only original makes no read-only project
                path.chmod(0o755 if path.is_dir() else 0o644)
            target.chmod(0o755)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, target)
    except (OSError, shutil.Error) as error:
        raise Refused(f"{origin} cannot be copied: {error}") from error


def _project(folder: Path, slug: str, title: str, source: Source) -> Project:
    dataset = Dataset(
        name=slug, title=title, version="0.1.0", date="2026-01-01", summary=title, language=("und",),
        license="unknown", creators=("unknown",),
    )  # fmt: skip
    splits = Splits(salt=slug, ratios=DEFAULT_RATIOS)
    return Project(root=folder, dataset=dataset, sources=(source,), configs=(), splits=splits, release=ReleaseOptions())


def _recognised(listing: Listing, origin: Path, found: Sequence[Diagnostic]) -> tuple[str, tuple[str, ...]]:
    candidates, missing = recognise(listing.files)
    if not candidates:
        reasons = [*missing, *(d.message for d in found[:3])]
        hint = "; ".join(reasons) or "name it with --format; `copydesk formats` lists what is read"
        raise Refused(f"the format of {origin} was not recognised among {len(listing.files)} files: {hint}")
    best, name = candidates[0]
    return name, tuple(other for score, other in candidates[1:] if score >= best - 20)


def _survey(project: Project, listings: Sequence[Listing]) -> tuple[Survey, list[Diagnostic], set[str]]:
    """What all articles hold, what is wrong with the files, and the files that articles came from."""
    survey, good = Survey(), set[str]()
    units, found = units_of(project, listings)
    blocks, unreadable = cut(listings, units, BLOCK_SIZE)
    found += unreadable
    source = project.sources[0]
    importer = importer_of(source.format)
    for block in blocks:
        for raw in read(block):
            if isinstance(raw, Diagnostic):
                found.append(raw)
                continue
            articles, lost = [], []
            for imported in importer.read(project.root, source, raw):
                if isinstance(imported, Article):
                    apply_map(imported, source.map, set())
                    articles.append(imported)
                elif isinstance(imported, Diagnostic):
                    lost.append(imported)
            survey.see(_chosen(articles, source) if source.passes else articles)
            found += lost
            if articles or any(d.code != "I001" for d in lost):  # a damaged file of the format is no stranger to it
                good |= {raw.file, *raw.beside}
    return survey, found, good


def _chosen(articles: Sequence[Article], source: Source) -> Iterator[Article]:
    """The one annotation of each article that the rule for the passes leaves."""
    groups: dict[str, list[Article]] = {}
    for article in articles:
        groups.setdefault(article.id, []).append(article)
    for group in groups.values():
        chosen = resolve(group, source.passes)
        if isinstance(chosen, Article):
            yield chosen


def _paths(source: Source, listing: Listing, good: set[str]) -> tuple[str, ...]:
    """Patterns for the files that articles came from, where others lie beside them; as it was if none fits.

    Nor where the others tell how files belong together, as the settings of a project export do.
    """
    paths, others = source.paths, [name for name in listing.files if name not in good]
    importer = importer_of(source.format)
    whole = {unit.files for unit in importer.units(source, list(listing.files)) if set(unit.files) <= good}
    if whole != {unit.files for unit in importer.units(source, sorted(good))}:
        return paths
    folder = paths[0]
    archived = any(is_archive(part) for name in good for part in PurePosixPath(name).parts[:-1])
    if not others or archived or not all(name.startswith(f"{folder}/") for name in listing.files):
        return paths
    suffixes = sorted({PurePosixPath(name).suffix for name in good})
    if all(suffixes) and not any(name.endswith(tuple(suffixes)) for name in others):
        return tuple(f"{folder}/**/*{suffix}" for suffix in suffixes)
    return tuple(sorted(good)) if len(good) <= LISTED and not any(map(is_archive, listing.files)) else paths


def _in_folders(names: Set[str]) -> bool:
    """Whether the paths of all files name their splits, and there are several."""
    splits = {split_in_path(name.removeprefix(f"{ORIGINAL}/"), DEFAULT_RATIOS) for name in names}
    return "" not in splits and len(splits) > 1


def _given(survey: Survey) -> bool:
    """Whether the articles say which of several splits they are in."""
    seen = survey.values.get("split")
    known = {split_in_path(name, DEFAULT_RATIOS) for name in seen.strings} if seen is not None else set()
    return "" not in known and len(known) > 1


def _write(folder: Path, slug: str, title: str, source: Source, survey: Survey) -> None:
    schema = draft.article_schema(survey, slug)
    _dump(folder / "schema/article.schema.json", schema)
    for name, suite in draft.suites(survey).items():
        _dump(folder / f"schema/expectations/{name}.json", suite)
    template = files("copydesk") / "template"
    card = (template / "data/card.md").read_text(encoding="utf-8")
    about = f"{survey.articles:,} articles, annotated with {source.format}."
    card = card.replace("@TITLE@", title).replace("@ABOUT@", about)
    (folder / "data/card.md").write_text(card, encoding="utf-8")
    (folder / "data/CHANGELOG.md").write_text("# Changelog\n\n## 0.1.0\n\nThe first draft.\n", encoding="utf-8")
    (folder / "DATASHEET.md").write_text(skeleton(title), encoding="utf-8")
    (folder / ".gitignore").write_text((template / "gitignore").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "dataset.toml").write_text(_toml(slug, title, source, survey), encoding="utf-8")


def _dump(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _toml(slug: str, title: str, source: Source, survey: Survey) -> str:
    def text(value: str) -> str:
        return json.dumps(value, ensure_ascii=False)

    language = _language(survey)
    rules = [f"{name} = {text(value)}" for name, value in source.passes.items()]
    width = max(len(name) for name, _ in draft.configs(survey))
    lines = [
        "# Drafted by `copydesk init --from`: go over it. `copydesk check` judges it, `copydesk build` makes the",
        "# release.",
        "",
        "[dataset]",
        f"name = {text(slug)}",
        f"title = {text(title)}",
        'version = "0.1.0"',
        "date = 2026-01-01                  # of the release; no clock is read",
        f"summary = {text(f'{survey.articles:,} annotated articles.')}",
        f"language = [{text(language)}]",
        'license = "unknown"                # of the annotation, as an SPDX expression',
        f"creators = [{text(f'The authors of {title}')}]",
        "",
        "[[source]]",
        'kind = "article"',
        f"format = {text(source.format)}",
        f"paths = [{', '.join(map(text, source.paths))}]",
        *(["split_from_path = true             # the export has splits of its own"] if source.split_from_path else []),
        "",
        "[source.defaults]                  # for what the export does not say; no permission is assumed",
        f"language = {text(language)}",
        'rights = { license = "LicenseRef-unknown", redistribute = false }',
        "",
        *(["[source.options]                   # of the format", *_map(source.options), ""] if source.options else []),
        *(
            [
                "[source.passes]                    # which of several annotators counts; the others: agreement",
                *rules,
                "",
            ]
            if rules
            else []
        ),
        *(
            ["[source.map]                       # names that differ only by case, or are taken", *_map(source.map), ""]
            if source.map
            else []
        ),
        "[configs]                          # one line a table; the first is the default",
        *(f"{name:<{width}} = {line}" for name, line in draft.configs(survey)),
        "",
        *(_given_splits(survey) if source.split_from_path or _given(survey) else []),
        "[release]",
        "draft = true                       # open questions are warnings until this is false",
    ]
    return "\n".join(lines) + "\n"


def _given_splits(survey: Survey) -> list[str]:
    given = ['given = "split"                    # the property that says in which one an article is']
    return [
        "[splits]                           # those of the export; near copies stand in one split all the same",
        *(given if _given(survey) else []),
        'prefer = ["test", "validation", "train"]',
        "",
    ]


def _map(mapping: Mapping[str, Any]) -> Iterator[str]:
    """The lines of [source.map]."""

    def table(value: Any) -> str:
        if not isinstance(value, Mapping):
            return json.dumps(value, ensure_ascii=False)
        return f"{{ {', '.join(f'{json.dumps(k, ensure_ascii=False)} = {table(v)}' for k, v in value.items())} }}"

    return (f"{name} = {table(value)}" for name, value in mapping.items())


def _language(survey: Survey) -> str:
    """The language that most articles are said to be in, if they say so."""
    seen = survey.values.get("language")
    common: Counter[str] = seen.strings if seen is not None else Counter()
    best = next(iter(common.most_common(1)), ("und", 0))[0]
    return best if best.replace("-", "").isalnum() and best.islower() and 2 <= len(best) <= 3 else "und"


def summary(adopted: Adopted) -> Iterator[str]:
    """What was found, line by line."""
    survey = adopted.survey
    yield f"format:    {adopted.format}" + (f" (also possible: {', '.join(adopted.others)})" if adopted.others else "")
    yield f"files:     {adopted.files:,}"
    if adopted.unread:
        names = [PurePosixPath(name).name for name in adopted.unread[:6]]
        yield f"           {len(adopted.unread):,} of them are not read: {', '.join(names)}"
    yield f"articles:  {survey.articles:,} with {survey.characters:,} characters"
    for unit, n in survey.units.most_common():
        if unit != "code points":
            yield f"offsets:   of {n:,} articles count {unit}; converted to code points"
    if survey.several:
        people = ", ".join(f"{name} {n:,}" for name, n in survey.passes.most_common(8))
        yield f"passes:    {survey.several:,} articles were annotated more than once: {people}"
        yield f"           the rule is {adopted.rule!r}: what it leaves out counts for the agreement only; decide"
    for name, layer in survey.layers.items():
        shown = [f"{label} {n:,}" for label, n in layer.labels.most_common(12)]
        more = f", and {len(layer.labels) - 12} more" if len(layer.labels) > 12 else ""
        labels = f"; {len(layer.labels)} labels: {', '.join(shown)}{more}" if layer.labels else ""
        yield f"layer:     {name} with {layer.items:,} items{labels}"
        if layer.empty:
            hint = 'no row can hold them; [checks] on_error = "exclude-annotations" leaves them out'
            yield f"           {layer.empty:,} of them are empty spans: {hint}"
    others = [name for name, seen in survey.values.items() if seen.uses]
    if others:
        yield f"values:    {', '.join(others[:20])}"
