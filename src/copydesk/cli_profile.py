"""`--profile`: run a command with a profile of it, which is printed or written when it is over, however it ends."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from copydesk.cli_parser import PRINTED

if TYPE_CHECKING:
    from copydesk.build import Options
    from copydesk.profile import Profile


def profiled(arguments: argparse.Namespace, options: Options, run: Callable[[argparse.Namespace, Options], int]) -> int:
    """Run a command; its exit code."""
    if arguments.profile is None:
        return run(arguments, options)
    from copydesk.profile import Profile

    profile = Profile()
    profile.start()
    try:
        return run(arguments, replace(options, profile=profile, progress=profile.reporting(options.progress)))
    finally:
        profile.stop()
        tell(profile, arguments.profile)


def tell(profile: Profile, target: str) -> None:
    """Write the profile as JSON, or print it; also where it cannot be written, since it was costly to get."""
    from copydesk.profile import as_json
    from copydesk.profile.render import render

    if target != PRINTED:
        try:
            Path(target).write_text(json.dumps(as_json(profile), indent=1) + "\n", encoding="utf-8")
            return
        except OSError as error:
            print(f"the profile cannot be written to {target}: {error.strerror}", file=sys.stderr)
    sys.stderr.write(f"\n{render(profile)}")
