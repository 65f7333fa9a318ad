"""Heads: what the barrier needs to know of each record, without the record.

Not here: the records themselves (spool.py), and what is made of many heads (barrier.py, plan.py).
"""

from copydesk.heads.make import BlockHeads
from copydesk.heads.model import Failed, Staged, StageResult

__all__ = ["BlockHeads", "Failed", "StageResult", "Staged"]
