"""`copydesk cache`: where the cache of a project is, what is in it, and clearing it."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter

from copydesk.cli_output import CLEAN, DATA, print_report


def cache(arguments: argparse.Namespace) -> int:
    """Print how many entries there are of each step, and their size; with --clear throw them away."""
    from copydesk.cache import cache_folder
    from copydesk.cache.store import STEPS, Store
    from copydesk.diagnostics import Report
    from copydesk.project import load_project

    root = arguments.project.resolve()
    project, found = load_project(root)
    if project is None:
        print_report(Report(found), as_json=arguments.json, stream=sys.stdout if arguments.json else sys.stderr)
        return DATA
    store = Store(folder=cache_folder(project, arguments.cache))
    if arguments.clear:
        store.clear()
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for step, _, size, _ in store.entries():
        counts[step] += 1
        sizes[step] += size
    if arguments.json:
        steps = {step: {"entries": counts[step], "bytes": sizes[step]} for step in STEPS if counts[step]}
        print(json.dumps({"folder": str(store.folder), "bytes": sizes.total(), "steps": steps}))
        return CLEAN
    print(f"{store.folder}: {counts.total():,} entries, {sizes.total() / 2**20:,.1f} MiB")
    for step in STEPS:
        if counts[step]:
            print(f"  {step:<8}{counts[step]:>9,}  {sizes[step] / 2**20:>12,.1f} MiB")
    return CLEAN
