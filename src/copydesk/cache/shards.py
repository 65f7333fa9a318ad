"""The keys of the shards of a plan."""

from __future__ import annotations

from collections.abc import Mapping

from copydesk.cache.keys import contract_digest, environment, key, shard_key
from copydesk.cache.steps import KeyedShard
from copydesk.contract.types import Contract
from copydesk.plan import Plan, shards_of
from copydesk.project import Project
from copydesk.spool import Address
from copydesk.write import Shard


def keyed(project: Project, contract: Contract, planned: Plan, *, kept: bool) -> list[KeyedShard]:
    """Every shard of every config, with its key if results are kept."""
    shards = [shard for config in project.configs for shard in shards_of(config, planned)]
    if not kept:
        return [KeyedShard(shard=shard) for shard in shards]
    material = key(environment(), contract_digest(contract))
    digests: dict[str, dict[Address, str]] = {
        kind: {s.address: s.value_digest for found in splits.values() for shard in found for s in shard}
        for kind, splits in planned.order.items()
    }
    return [KeyedShard(shard=shard, key=_key(shard, material, digests)) for shard in shards]


def _key(shard: Shard, material: str, digests: Mapping[str, Mapping[Address, str]]) -> str:
    rows = (digests[shard.config.kind][address] for address in shard.records)
    linked = ((k, i, digests[k][address]) for k, ends in shard.linked.items() for i, address in ends.items())
    return shard_key(shard.config, material, rows, linked)
