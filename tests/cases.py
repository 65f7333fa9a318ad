"""What a case of a code is, and the ways in which the tables `cases_*.py` break things. No test of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import edit_json, replace_text

ONE, TWO = "data/articles/library-1.json", "data/articles/library-2.json"
LINK = "data/links/library.json"
PROJECT = "dataset.toml"
WAIVERS = "data/waivers.toml"

Break = Callable[[Path], AbstractContextManager[object] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way to get a code, and it alone.

    `breaks` changes the folder: a project for check, build and frozen, a release for verify. What it returns, if
    anything, is entered while the command runs. The finding stands in `file`; its line, if it has one, contains
    `shows`. `beside`: codes that cannot but come with it.
    """

    breaks: Break
    file: str
    shows: str | None = None
    pointer: str | None = None
    record: str | None = None
    run: str = "check"
    beside: frozenset[str] = frozenset()


def text(file: str, old: str, new: str) -> Break:
    """Replace a piece of a file."""
    return lambda folder: replace_text(folder / file, old, new)


def write(file: str, content: str) -> Break:
    """Make a file."""

    def breaks(folder: Path) -> None:
        (folder / file).write_text(content, encoding="utf-8")

    return breaks


def remove(file: str) -> Break:
    return lambda folder: (folder / file).unlink()


def value(file: str, change: Callable[[Any], Any]) -> Break:
    """Change what a JSON file holds."""
    return lambda folder: edit_json(folder / file, change)


def at(file: str, pointer: str, new: Any) -> Break:
    """Set what stands at a pointer of a JSON file."""

    def change(document: Any) -> None:
        *parents, last = pointer.split("/")[1:]
        for step in parents:
            document = document[int(step) if isinstance(document, list) else step]
        document[int(last) if isinstance(document, list) else last] = new

    return value(file, change)


def drop(file: str, pointer: str) -> Break:
    """Delete what stands at a pointer of a JSON file."""

    def change(document: Any) -> None:
        *parents, last = pointer.split("/")[1:]
        for step in parents:
            document = document[int(step) if isinstance(document, list) else step]
        del document[int(last) if isinstance(document, list) else last]

    return value(file, change)


def both(*steps: Break) -> Break:
    """One step after the other; what the last returns is entered."""

    def breaks(folder: Path) -> AbstractContextManager[object] | None:
        entered = None
        for step in steps:
            entered = step(folder)
        return entered

    return breaks


def mention(**properties: Any) -> Break:
    """Change the first mention of the second article: `Mill Street`, code points 0 to 11."""
    return value(TWO, lambda article: article["mentions"][0].update(properties))


def ending(tail: str) -> Break:
    """Append to the text of the second article, which moves no span."""

    def change(article: Any) -> None:
        article["text"] += tail

    return value(TWO, change)


def document(path: str, sha256: str) -> Break:
    """Let the second article take its text from a document."""

    def change(article: Any) -> None:
        del article["text"]
        article["document"] = {"path": path, "sha256": sha256}

    return value(TWO, change)


def waiver(**entry: str) -> Break:
    """The waivers file with one entry, made of strings and, for `expires`, a date."""
    lines = [f"{key} = {json.dumps(given) if key != 'expires' else given}" for key, given in entry.items()]
    return write(WAIVERS, "\n".join(["[[waiver]]", *lines, ""]))


def without_links(folder: Path) -> None:
    """The project without its second kind of record."""
    replace_text(folder / PROJECT, '[[source]]\nkind = "link"\npaths = ["data/links/*.json"]\n', "")
    lines = (folder / PROJECT).read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("claim_pairs")]
    (folder / PROJECT).write_text("".join(kept), encoding="utf-8")
    (folder / "schema/expectations/claim_pairs.json").unlink()


def without_pin(folder: Path) -> None:
    """The project without its pin."""
    content = (folder / PROJECT).read_text(encoding="utf-8")
    start, end = content.index("[[splits.pin]]"), content.index("[release]")
    (folder / PROJECT).write_text(content[:start] + content[end:], encoding="utf-8")


def reseal(release: Path, *, croissant: bool = True) -> None:
    """Make manifest, sums and, if asked, Croissant true again of what the files are now, and nothing else."""
    if croissant:
        edit_json(release / "croissant.json", lambda described: _digests(release, described["distribution"]))
    manifest = json.loads((release / "manifest.json").read_bytes())
    for entry in manifest["files"]:
        data = (release / entry["path"]).read_bytes()
        entry |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    document = json.dumps(manifest, indent=2).encode()
    (release / "manifest.json").write_bytes(document)
    digests = {entry["path"]: entry["sha256"] for entry in manifest["files"]}
    digests["manifest.json"] = hashlib.sha256(document).hexdigest()
    (release / "SHA256SUMS").write_text("".join(f"{digests[path]}  {path}\n" for path in sorted(digests)))


def _digests(release: Path, entries: list[dict[str, Any]]) -> None:
    for entry in entries:
        if (path := release / entry.get("contentUrl", ".")).is_file():
            entry["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
