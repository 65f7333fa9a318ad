"""Heads: what the barrier needs to know of each record, without the record.

Not here: the records themselves (spool.py), and what is made of many heads (barrier.py, plan.py).
"""

from copydesk.heads.columns import Heads, Links, heads_of, links_of
from copydesk.heads.findings import Findings
from copydesk.heads.lost import Failures
from copydesk.heads.make import BlockHeads
from copydesk.heads.model import Failed, Staged, StageResult

__all__ = [
    "BlockHeads", "Failed", "Failures", "Findings", "Heads", "Links", "StageResult", "Staged", "heads_of", "links_of",
]  # fmt: skip
