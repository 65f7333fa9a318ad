"""The two passes of a build with a cache beside them: a block or shard is taken from it, or made and kept.

What is taken is what making it would give. Nothing else may depend on whether something was kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from copydesk.cache import values
from copydesk.cache.keys import contract_digest, environment, key, narrowed, settings_digest, shard_key
from copydesk.cache.made import Made
from copydesk.cache.store import Damaged, Store
from copydesk.contract.types import Contract
from copydesk.diagnostics import Place
from copydesk.heads import StageResult
from copydesk.project import Project
from copydesk.sources import Block, document_digest, noting, piece_digest
from copydesk.stage import StageContext, block_files, stage_block
from copydesk.waivers import Waiver
from copydesk.write import Shard, WriteContext, WrittenShard, pending_path, write_shard
from copydesk.writers import WRITERS
from copydesk.writers.hashing import Written


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStep:
    """Staging blocks. `store` is None when nothing is kept. For each source, by number: what its blocks are staged
    with, and a digest of it."""

    store: Store | None
    contexts: Mapping[int, StageContext]
    materials: Mapping[int, str]
    native: frozenset[int]


def stage_step(
    store: Store | None, project: Project, contract: Contract, waivers: tuple[Waiver, ...], spool: Path
) -> StageStep:
    """The step for the sources of a project."""
    contexts, materials = {}, {}
    common = key(environment(), contract_digest(contract)) if store is not None else ""
    for number in range(len(project.sources)):
        seen = narrowed(project, number)
        contexts[number] = StageContext(project=seen, contract=contract, waivers=waivers, spool=spool)
        materials[number] = key(common, settings_digest(seen)) if store is not None else ""
    native = frozenset(n for n, source in enumerate(project.sources) if source.format == "copydesk")
    return StageStep(store=store, contexts=contexts, materials=materials, native=native)


def _as_kept(step: StageStep, block: Block) -> Block:
    """The block as its entry has it: of the second source (`narrowed`), and its lines, where they are no more than
    places, counted from its own first. Formats of other tools may call an article by its line."""
    if block.source not in step.native:
        return replace(block, source=1)
    pieces = tuple(replace(piece, line=1) if piece.lines else piece for piece in block.pieces)
    return replace(block, source=1, pieces=pieces)


def take_block(step: StageStep, block: Block) -> Made[StageResult]:
    """The result of a block, its files in the spool, if it was kept."""
    context, store = step.contexts[block.source], step.store
    if store is None:
        return Made(result=None)
    digests = [piece_digest(piece) for piece in _as_kept(step, block).pieces]
    if None in digests:
        return Made(result=None)
    first = key(step.materials[block.source], *(digest or "" for digest in digests))
    files = block_files(context, replace(block, source=1))
    try:
        names = store.take("names", first)
        if names is None:
            return Made(result=None)
        named = json.loads(names.value)
        root = context.project.root
        documents = {path: document_digest(root, path) for path in named["documents"]}
        second = _second(first, documents, named["findings"], context.waivers)
        found = store.take("stage", second, files, "link")
        if found is None:
            return Made(result=None)
        return Made(result=_placed(values.loads(found.value), block), size=names.size + found.size)
    except Damaged as damaged:
        return Made(result=None, damaged=(str(damaged),))


def stage_and_keep(step: StageStep, block: Block) -> Made[StageResult]:
    """Stage a block, and keep what it came to under what was read for it."""
    context, store = step.contexts[block.source], step.store
    kept = _as_kept(step, block)
    with noting() as reads:
        result = stage_block(context, kept)
    size, refused = 0, ""
    if store is not None and None not in reads.pieces and not result.beyond:  # of those not all are named
        first = key(step.materials[block.source], *(digest or "" for digest in reads.pieces))
        found = sorted({(d.code, d.place.record or "") for d in result.diagnostics})
        second = _second(first, reads.documents, found, context.waivers)
        present = {name: path for name, path in block_files(context, kept).items() if path.exists()}
        try:
            size = store.put("stage", second, values.dumps(result), present, "link")
            named = {"documents": list(reads.documents), "findings": found}
            size += store.put("names", first, json.dumps(named).encode())
        except OSError as error:
            refused = os.strerror(error.errno or 0)
    return Made(result=_placed(result, block), size=size, refused=refused)


def _second(first: str, documents: Mapping[str, str], found: list[Any], waivers: tuple[Waiver, ...]) -> str:
    """The key of a block's result: of its bytes and settings, of the documents that its records name, as they are, and
    of the waivers for what is found in it. Which documents and findings these are follows from the first key."""
    wanted = {(code, record) for code, record in found}
    holding = [repr(waiver) for waiver in waivers if (waiver.code, waiver.record) in wanted]
    return key(first, json.dumps(sorted(documents.items())), json.dumps(holding))


def _placed(result: StageResult, block: Block) -> StageResult:
    """The result of a block where the block now is: in which source, at which lines. The heads count lines from the
    first of the piece as they are."""
    lines = {piece.file: piece.line - 1 for piece in block.pieces if piece.lines and piece.line > 1}

    def moved(place: Place) -> Place:
        by = lines.get(place.file)
        return replace(place, line=place.line + by) if by and place.line is not None else place

    result.source = block.source
    if lines:
        result.diagnostics = [replace(d, place=moved(d.place)) for d in result.diagnostics]
        result.dropped = [
            replace(d, diagnostic=replace(d.diagnostic, place=moved(d.diagnostic.place))) for d in result.dropped
        ]
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteStep:
    """Writing shards. `material`: a digest of what they are all written with."""

    store: Store | None
    context: WriteContext
    material: str = ""


def write_step(store: Store | None, context: WriteContext) -> WriteStep:
    """The step for the shards of a release."""
    material = key(environment(), contract_digest(context.contract)) if store is not None else ""
    return WriteStep(store=store, context=context, material=material)


def take_shard(step: WriteStep, shard: Shard) -> Made[WrittenShard]:
    """What became of a shard, its files in the release, if it was kept. Copies: a release belongs to its user, who may
    write into its files."""
    if step.store is None:
        return Made(result=None)
    paths = _paths(step, shard)
    try:
        found = step.store.take("write", shard_key(shard.config, shard.content, step.material), paths)
    except Damaged as damaged:
        return Made(result=None, damaged=(str(damaged),))
    if found is None:
        return Made(result=None)
    about = json.loads(found.value)
    for name in found.digests:
        with paths[name].open("rb") as stream:
            os.fsync(stream.fileno())
    files = {n: Written(sha256=sha256, size=paths[n].stat().st_size) for n, sha256 in found.digests.items()}
    written = WrittenShard(shard=shard, rows=about["rows"], num_bytes=about["num_bytes"], files=files)
    return Made(result=written, size=found.size)


def write_and_keep(step: WriteStep, shard: Shard) -> Made[WrittenShard]:
    """Write a shard, and keep its files."""
    written = write_shard(step.context, shard)
    size, refused = 0, ""
    if step.store is not None:
        paths = _paths(step, shard)
        named = shard_key(shard.config, shard.content, step.material)
        about = json.dumps({"rows": written.rows, "num_bytes": written.num_bytes}).encode()
        try:
            size = step.store.put("write", named, about, {name: paths[name] for name in written.files})
        except OSError as error:
            refused = os.strerror(error.errno or 0)
    return Made(result=written, size=size, refused=refused)


def _paths(step: WriteStep, shard: Shard) -> dict[str, Path]:
    return {name: step.context.shards / pending_path(name, shard) for name in WRITERS}
