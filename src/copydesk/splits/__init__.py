"""Groups -> splits, and the ledger that remembers them. An article keeps its split from release to release.

Not here: what makes a group (grouping.py, nearcopies.py), and what people decide about one (decisions.py).
"""

from copydesk.splits.assignment import Assigned, settle
from copydesk.splits.ledger import Before, Entry, Ledger, generation, versions_of
from copydesk.splits.lines import dump_ledger, ledger_lines, read_ledger
from copydesk.splits.members import Member, marks
from copydesk.splits.paths import split_in_path
from copydesk.splits.plain import Articles, settle_all
from copydesk.splits.shares import Share
from copydesk.splits.table import LedgerTable, as_table, differing, folded

__all__ = [
    "Articles",
    "Assigned",
    "Before",
    "Entry",
    "Ledger",
    "LedgerTable",
    "Member",
    "Share",
    "as_table",
    "differing",
    "dump_ledger",
    "folded",
    "generation",
    "ledger_lines",
    "marks",
    "read_ledger",
    "settle",
    "settle_all",
    "split_in_path",
    "versions_of",
]
