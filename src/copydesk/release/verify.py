"""`copydesk verify`: a release judged from its own files alone, without the sources and without any loader."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from copydesk import jsontext
from copydesk.articles.shape import text_name
from copydesk.cache.verdicts import Verdicts
from copydesk.contract import arrow
from copydesk.contract.load import load_row_types
from copydesk.diagnostics import Diagnostic, Place
from copydesk.engine import Engine, InProcess
from copydesk.grouping import compared_text, words_compared
from copydesk.leakage import above, certify, settings_of
from copydesk.release.blocks import stale
from copydesk.release.card import card_configs, card_infos, card_license, card_metadata, split_infos
from copydesk.release.facts import GROUPS_FILE, LEAKAGE_FILE, SPLITS_FILE, read_facts, read_groups
from copydesk.release.homes import LEDGER_FILE, Homes, read_homes
from copydesk.release.judge import judge_rows, sum_of
from copydesk.release.manifest import MANIFEST, SUMS, file_entries, load_manifest
from copydesk.release.model import FileEntry, Table, articles_table, read_rows, tables_as_json, tables_from_json
from copydesk.shingles import Sequences, join, shingle
from copydesk.shingles import read as read_shingles
from copydesk.shingles import write as write_shingles


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A release on disk: its manifest, its files by path, its tables with their row types."""

    folder: Path
    manifest: dict[str, Any]
    files: dict[str, FileEntry]
    tables: tuple[Table, ...]


def schema_path(config: str) -> str:
    """Where the contract of a config's rows lies in a release."""
    return f"schema/{config}.schema.json"


def schema_id(manifest: dict[str, Any], config: str) -> str:
    """The $id of that contract."""
    dataset = manifest["dataset"]
    return f"urn:copydesk:{dataset['name']}:{dataset['version']}:{config}"


def open_release(folder: Path, engine: Engine | None = None) -> tuple[Opened | None, list[Diagnostic]]:
    """A release whose files are those of its manifest, or why it is none."""
    try:
        manifest = load_manifest(folder)
        files = file_entries(manifest)
        names = list(manifest["tables"])
    except (ValueError, KeyError, TypeError) as error:
        return None, [Diagnostic(code="V009", place=Place(file=MANIFEST), message=str(error))]
    found = list(verify_files(folder, engine))
    if found:
        return None, found
    types, problems = load_row_types(folder, {name: schema_path(name) for name in names})
    if problems:
        return None, problems
    try:
        tables = tables_from_json(manifest["tables"], files, types)
    except (LookupError, TypeError, AttributeError) as error:
        message = f"the tables of the manifest cannot be read: {type(error).__name__} {error}"
        return None, [Diagnostic(code="V009", place=Place(file=MANIFEST), message=message)]
    return Opened(folder=folder, manifest=manifest, files=files, tables=tables), []


def verify(
    folder: Path,
    *,
    engine: Engine | None = None,
    certificate: Mapping[str, Any] | None = None,
    known: Verdicts | None = None,
) -> tuple[Opened | None, list[Diagnostic]]:
    """Everything that the release's own files can show. Files first: what differs there is not judged further.

    `certificate`: the one that a build has just measured over the texts whose digests stand in the ledger. It is a
    function of those texts, so it is enough that the rows have them; without it, it is measured again. `known`: what an
    earlier build found of files with the same bytes; whoever was not there for that has every row judged.
    """
    engine = engine or InProcess()
    opened, found = open_release(folder, engine)
    if opened is None:
        return None, found
    texts: list[int] = []
    checks: tuple[Callable[[Opened], Iterable[Diagnostic]], ...] = (
        _tables, _features, partial(_rows, engine=engine, texts=texts, known=known), _splits,
        partial(_leakage, known=certificate, texts=texts), _documents,
    )  # fmt: skip
    for check in checks:
        try:
            found.extend(check(opened))
        except (OSError, ValueError, LookupError, TypeError, AttributeError, pa.ArrowException) as error:
            # Sums that hold over a file that cannot be read: it was made by something else than a build.
            what = str(error).splitlines()[0][:120].replace(str(folder), "") if str(error) else ""
            message = f"a part of the release cannot be read: {type(error).__name__} {what}".rstrip()
            found.append(Diagnostic(code="V009", place=Place(file=MANIFEST), message=message))
    return opened, found


def verify_files(folder: Path, engine: Engine | None = None) -> Iterator[Diagnostic]:
    """V001–V003: every file of the manifest is there with its bytes, and no other."""
    try:
        manifest = load_manifest(folder)
        listed = file_entries(manifest)
    except (ValueError, KeyError, TypeError) as error:
        yield Diagnostic(code="V009", place=Place(file=MANIFEST), message=str(error))
        return
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_symlink() or not p.is_dir()}
    there = sorted((path for path in listed if path in present), key=lambda path: (-listed[path].size, path))
    digests = dict((engine or InProcess()).map(partial(_digest, folder), there))
    for path, entry in sorted(listed.items()):
        place = Place(file=path)
        if path not in present:
            yield Diagnostic(code="V001", place=place, message="the manifest lists this file; it is not there")
        elif digests[path] != entry.sha256:
            message = f"SHA-256 is {digests[path][:12]}…; the manifest says {entry.sha256[:12]}…"
            yield Diagnostic(code="V002", place=place, message=message)
    for path in sorted(present - listed.keys() - {MANIFEST, SUMS}):
        yield Diagnostic(code="V003", place=Place(file=path), message="this file is not in the manifest")
    yield from _sums(folder, listed)


def _digest(folder: Path, path: str) -> tuple[str, str]:
    with (folder / path).open("rb") as stream:
        return path, hashlib.file_digest(stream, "sha256").hexdigest()


def _sums(folder: Path, listed: dict[str, FileEntry]) -> Iterator[Diagnostic]:
    """SHA256SUMS says of every file, and of the manifest itself, what the manifest says."""
    place = Place(file=SUMS)
    try:
        text = (folder / SUMS).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        yield Diagnostic(code="V001", place=place, message="there are no checksums")
        return
    given = {path: digest for digest, _, path in (line.partition("  ") for line in text.splitlines())}
    manifest_digest = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    wanted = {path: entry.sha256 for path, entry in listed.items()} | {MANIFEST: manifest_digest}
    for path in sorted(wanted.keys() | given.keys()):
        if wanted.get(path) != given.get(path):
            message = f"{SUMS} and the manifest disagree on {path}"
            yield Diagnostic(code="V002", place=place, message=message)


def _tables(opened: Opened) -> Iterator[Diagnostic]:
    """V008: the manifest, the card and Croissant say of the tables what the files give."""
    if tables_as_json(opened.tables) != opened.manifest["tables"]:
        message = "the numbers of the tables do not fit each other"
        yield Diagnostic(code="V008", place=Place(file=MANIFEST), message=message)
    dataset, card = opened.manifest["dataset"], card_metadata((opened.folder / "README.md").read_bytes())
    wanted = {"configs": card_configs(opened.tables, dataset["version"]), **card_license(dataset["license"])}
    for key, value in wanted.items():
        if card.get(key) != value:
            message = f"the card's {key!r} is not what the manifest says"
            yield Diagnostic(code="V008", place=Place(file="README.md"), message=message)
    croissant = jsontext.loads((opened.folder / "croissant.json").read_bytes())
    for entry in croissant["distribution"]:
        known = opened.files.get(entry.get("contentUrl", ""))
        if known is not None and entry.get("sha256") != known.sha256:
            message = f"the digest of {known.path} is not that of the manifest"
            yield Diagnostic(code="V008", place=Place(file="croissant.json"), message=message)
    if croissant.get("version") != dataset["version"]:
        message = f"the version is {croissant.get('version')!r}, the manifest says {dataset['version']!r}"
        yield Diagnostic(code="V008", place=Place(file="croissant.json"), message=message)


def _features(opened: Opened) -> Iterator[Diagnostic]:
    """V006: the footers, the card and the contract of the rows name the same columns, types and labels."""
    declared = card_infos((opened.folder / "README.md").read_bytes())
    for table in opened.tables:
        info, place = declared.get(table.name, {}), Place(file="README.md")
        if info.get("features") != arrow.yaml_features(table.type):
            message = f"the card gives {table.name!r} other features than its contract"
            yield Diagnostic(code="V006", place=place, message=message)
        elif info.get("splits") != split_infos(table):
            message = f"the card gives {table.name!r} other splits or sizes than its files"
            yield Diagnostic(code="V008", place=place, message=message)
        wanted = arrow.release_schema(table.type)
        for split in table.splits:
            for entry in split.parquet:
                footer = pq.read_schema(opened.folder / entry.path)
                if not footer.equals(wanted, check_metadata=False) or _info(footer) != _info(wanted):
                    message = "the footer gives other features than the contract of the rows"
                    yield Diagnostic(code="V006", place=Place(file=entry.path), message=message)


def _info(schema: pa.Schema) -> Any:
    try:
        return jsontext.load_line((schema.metadata or {}).get(b"huggingface", b"null"))
    except ValueError:
        return None


def _rows(opened: Opened, *, engine: Engine, texts: list[int], known: Verdicts | None) -> list[Diagnostic]:
    """V004 and V005: the rows give the logical digest, in both formats, and each keeps the contract."""
    identifiers = {table.name: schema_id(opened.manifest, table.name) for table in opened.tables}
    found, total = judge_rows(opened.folder, opened.tables, identifiers, articles_with_text(opened), engine, known)
    texts.append(total)
    return found


def released_ids(folder: Path) -> list[str]:
    """The articles of a release, by its ledger."""
    ledger = pq.read_table(folder / LEDGER_FILE, columns=["id", "released"])
    ids: list[str] = ledger.column("id").filter(ledger.column("released")).to_pylist()
    return ids


def _splits(opened: Opened) -> Iterator[Diagnostic]:
    """V007: one split for each group, every row in the split of its article, and what is told of both."""
    found = read_homes(opened.folder, opened.tables)
    for group, splits in found.torn.items():
        message = f"the group {group!r} stands in {' and '.join(splits)}"
        yield Diagnostic(code="V007", place=Place(file=LEDGER_FILE), message=message)
    yield from _told_of_splits(opened.folder, found)
    for table in opened.tables:
        first = {split.name: split.parquet[0].path for split in table.splits}
        for split, identifier in found.astray.get(table.name, ()):
            message = f"{table.name}/{split} has a row of {identifier!r}, which is not of this split"
            yield Diagnostic(code="V007", place=Place(file=first[split]), message=message)


def _told_of_splits(folder: Path, found: Homes) -> Iterator[Diagnostic]:
    """V007 where what is told of groups and shares is not what the ledger gives."""
    if (folder / GROUPS_FILE).is_file():
        told = {(g["group"], g["split"]): sorted(g["articles"]) for g in read_groups(folder)}
        if told != found.groups:
            message = "the groups are not those of the ledger"
            yield Diagnostic(code="V007", place=Place(file=GROUPS_FILE), message=message)
    if (folder / SPLITS_FILE).is_file():
        shares = jsontext.loads((folder / SPLITS_FILE).read_bytes())["shares"]
        if Counter(found.counts) != Counter({name: share["articles"] for name, share in shares.items()}):
            message = "the shares of the splits are not those of the ledger"
            yield Diagnostic(code="V007", place=Place(file=SPLITS_FILE), message=message)


def _leakage(opened: Opened, *, known: Mapping[str, Any] | None, texts: list[int]) -> Iterator[Diagnostic]:
    """V010: the certificate is what the texts of the release give, and nothing in it lies above its bound.

    A certificate that is `known` over the texts of the ledger holds if the sum of the `texts` as written is theirs.
    Where annotation says what is left out as boilerplate, the texts do not tell all, and it is measured again.
    """
    place = Place(file=LEAKAGE_FILE)
    if LEAKAGE_FILE not in opened.files:
        return
    certificate = jsontext.loads((opened.folder / LEAKAGE_FILE).read_bytes())
    for pair, why in above(certificate):
        message = f"{pair['left']} and {pair['right']} lie above the bound: {why}"
        yield Diagnostic(code="V010", place=place, message=message)
    if certificate == known and not settings_of(certificate).boilerplate and texts == [_texts_of_ledger(opened)]:
        return
    again = measured_again(opened, certificate)
    if again is not None and again != certificate:
        which = ", ".join(sorted(key for key in {*again, *certificate} if again.get(key) != certificate.get(key)))
        yield Diagnostic(code="V010", place=place, message=f"measured again, it comes out otherwise in {which}")


def _texts_of_ledger(opened: Opened) -> int:
    """The sum of the texts that the ledger knows to be released."""
    with pq.ParquetFile(opened.folder / LEDGER_FILE) as file:
        return sum_of(
            (row["id"], row["digest"])
            for batch in file.iter_batches(2**14, columns=["id", "digest", "released"])
            for row in batch.to_pylist()
            if row["released"]
        )


def articles_with_text(opened: Opened) -> tuple[Table, str] | None:
    """The config with whole articles and the name of their text, if the release has it."""
    table = articles_table(opened.tables, opened.manifest["primary"])
    text = text_name(table.type) if table is not None else None
    return (table, text) if table is not None and text is not None else None


def measured_again(opened: Opened, certificate: dict[str, Any]) -> dict[str, Any] | None:
    """The certificate computed from the rows of a release; None if its texts are not in it."""
    found = articles_with_text(opened)
    if found is None:
        return None
    table, text = found
    settings, version = settings_of(certificate), str(opened.manifest["dataset"]["version"])
    layers = (part.layer for part in settings.boilerplate)
    columns = [name for name in dict.fromkeys(("id", text, *layers)) if table.type.get(name)]
    articles: list[tuple[str, str, tuple[int, int]]] = []
    with tempfile.TemporaryDirectory(prefix="copydesk-verify-") as scratch:
        parts: list[Sequences] = []
        texts = False
        for split in table.splits:
            for entry in split.parquet:
                rows = read_rows(opened.folder, [entry], table.type, columns).to_pylist()
                texts = texts or any(row[text] is not None for row in rows)
                articles += [(row["id"], split.name, (len(parts), n)) for n, row in enumerate(rows)]
                compared = [compared_text(row, text, table.type, settings.boilerplate) for row in rows]
                path = Path(scratch) / str(len(parts))
                write_shingles(path, shingle(compared, words_compared(settings)))
                parts.append(read_shingles(path))
        if not texts:  # they are withheld
            return None
        articles.sort()
        shingles = join(parts, [place for _, _, place in articles])
        return certify([i for i, _, _ in articles], [home for _, home, _ in articles], shingles, settings, version)


def _documents(opened: Opened) -> Iterator[Diagnostic]:
    """V008: every generated block and value of the documents is what the files give."""
    facts = read_facts(opened.folder, opened.manifest, opened.tables)
    for file in ("README.md", "DATASHEET.md"):
        text = (opened.folder / file).read_text(encoding="utf-8")
        for line, name in stale(text, facts, opened.tables):
            message = f"{name!r} is not what the files of the release give"
            yield Diagnostic(code="V008", place=Place(file=file, line=line), message=message)
