"""Groups -> splits, and the ledger that remembers them. An article keeps its split from release to release.

Not here: what makes a group (grouping.py, nearcopies.py), and what people decide about one (decisions.py).
"""

from copydesk.splits.assignment import Assigned, settle
from copydesk.splits.ledger import Before, Entry, Ledger, dump_ledger, generation, read_ledger, versions_of
from copydesk.splits.members import Member, marks
from copydesk.splits.paths import split_in_path
from copydesk.splits.shares import Share

__all__ = [
    "Assigned",
    "Before",
    "Entry",
    "Ledger",
    "Member",
    "Share",
    "dump_ledger",
    "generation",
    "marks",
    "read_ledger",
    "settle",
    "split_in_path",
    "versions_of",
]
