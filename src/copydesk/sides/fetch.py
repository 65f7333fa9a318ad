"""What is not here yet, fetched: archives at addresses, projects at git revisions. Network and git are only here.

Nothing is written but into folders of ours: a repository keeps its index, its work tree and its HEAD.
"""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit, urlunsplit

from copydesk import __version__
from copydesk.archives import is_archive
from copydesk.diagnostics import Diagnostic, Place

GIT = "git:"
"""Before a git revision whose name something else has too."""

TIMEOUT = 60.0
"""Seconds that a server may be silent."""
MAX_DOWNLOAD = 4 * 2**30
"""Bytes that are fetched at most."""
_CHUNK = 2**20
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_MAGIC = (
    (0, b"\x1f\x8b", ".tar.gz"),
    (0, b"\x28\xb5\x2f\xfd", ".tar.zst"),
    (0, b"\xfd7zXZ\x00", ".tar.xz"),
    (0, b"BZh", ".tar.bz2"),
    (0, b"PK\x03\x04", ".zip"),
    (257, b"ustar", ".tar"),
)
"""Where which bytes stand in archives: addresses need not end in a suffix."""

_OWN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE")
"""What git tells the hooks that it runs; a revision is that of the project's repository, whoever calls."""


def unreadable(text: str, message: str, tried: Iterable[str] = ()) -> list[Diagnostic]:
    """D001 for a side, as the user wrote it."""
    return [Diagnostic(code="D001", place=Place(file=text), message=message, notes=tuple(tried))]


def is_address(text: str) -> bool:
    return _SCHEME.match(text) is not None


def download(address: str, scratch: Path) -> tuple[str, Path | list[Diagnostic]]:
    """The archive at an http(s) address, under a name that says what it is; and how the address may be shown."""
    try:
        parts = urlsplit(address)
    except ValueError as error:
        return address, unreadable(address, f"this is no address: {error}")
    # what may be a secret in it is shown to nobody
    label = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    if parts.scheme not in ("http", "https"):
        return label, unreadable(label, "only http and https addresses are fetched")
    target = scratch / "download"
    try:
        request = urllib.request.Request(address, headers={"User-Agent": f"copydesk/{__version__}"})
        with _opener().open(request, timeout=TIMEOUT) as answer, target.open("wb") as out:
            problem = _copy(answer, out)
    except urllib.error.HTTPError as error:
        problem = f"the server answers {error.code} {error.reason}"
    except urllib.error.URLError as error:
        problem = f"it cannot be fetched: {error.reason}"
    except (OSError, ValueError, http.client.HTTPException) as error:
        problem = f"it cannot be fetched: {error or type(error).__name__}"
    if problem:
        return label, unreadable(label, problem)
    name = Path(parts.path).name
    if not is_archive(name):
        name = f"download{_suffix_of(target)}"
    if not is_archive(name):
        return label, unreadable(label, "what the server sends is no archive (tar, tar.gz, tar.zst, zip)")
    return label, target.rename(scratch / f"fetched-{name}"[-200:])


def _opener() -> urllib.request.OpenerDirector:
    """One that knows http and https alone: a redirect cannot lead it to a file of this machine."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(), urllib.request.HTTPHandler(), urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(), urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(), urllib.request.UnknownHandler(),
    ):  # fmt: skip
        opener.add_handler(handler)
    return opener


def _copy(answer: http.client.HTTPResponse, out: BinaryIO) -> str:
    """Write what the server sends; returns what is wrong with it."""
    said = answer.headers.get("Content-Length", "")
    wanted = int(said) if said.isdecimal() else None
    too_long = f"it is longer than {MAX_DOWNLOAD:,} bytes, the most that is fetched"
    if wanted is not None and wanted > MAX_DOWNLOAD:
        return too_long
    size = 0
    while chunk := answer.read(_CHUNK):
        size += len(chunk)
        if size > MAX_DOWNLOAD:
            return too_long
        out.write(chunk)
    return "" if wanted is None or size == wanted else f"the server sent {size:,} of {wanted:,} bytes"


def _suffix_of(path: Path) -> str:
    """The suffix of the kind of archive that a file is, by its first bytes; empty if it is none."""
    with path.open("rb") as stream:
        head = stream.read(512)
    return next((suffix for at, magic, suffix in _MAGIC if head[at : at + len(magic)] == magic), "")


def export(project: Path, revision: str, target: Path) -> tuple[Path | None, str]:
    """The project as a revision of its repository has it, checked out into `target`, an empty folder; or why not.

    As a fresh clone would have it, whatever the state of the work tree: with the line ends, filters and links of a
    checkout, and with files that an archive would leave out (`export-ignore`). A project that is a part of the
    repository is exported alone, unless a link in it leads to another part.
    """
    if not project.is_dir():
        return None, f"there is no folder {project.name}"
    if not revision or revision.startswith("-"):
        return None, f"{revision!r} names no revision"
    try:
        where = _git(project, "rev-parse", "--absolute-git-dir", "--show-prefix", "--is-shallow-repository")
        if where.returncode:
            return None, _said(where)
        folder, prefix, shallow = where.stdout.decode(errors="surrogateescape").split("\n")[:3]
        commit = _git(project, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        if commit.returncode:
            partly = (
                "; its history is cut off here (git fetch --unshallow --tags brings it)" if shallow == "true" else ""
            )
            return None, f"git knows no revision {revision}{partly}"
        return _check_out(folder, commit.stdout.decode().strip(), prefix, target)
    except FileNotFoundError:
        return None, "git is not installed"


def _check_out(folder: str, commit: str, prefix: str, target: Path) -> tuple[Path | None, str]:
    """Files of a commit into `target`, by an index of our own."""
    fixed = ("--literal-pathspecs", f"--git-dir={folder}", f"--work-tree={target}")
    index = {"GIT_INDEX_FILE": f"{target}.index"}
    listed = _git(target, *fixed, "read-tree", commit, environment=index)
    if not listed.returncode:
        listed = _git(target, *fixed, "ls-files", "-z", "--", prefix or ".", environment=index)
    if listed.returncode:
        return None, _said(listed)
    done = _git(target, *fixed, "checkout-index", "-q", "-z", "--stdin", environment=index, given=listed.stdout)
    root = target / prefix
    if not done.returncode and prefix and _leads_out(root):
        done = _git(target, *fixed, "checkout-index", "-q", "-f", "-a", environment=index)
    if done.returncode:
        return None, _said(done)
    root.mkdir(parents=True, exist_ok=True)
    return root, ""


def _leads_out(root: Path) -> bool:
    """Whether a link in a folder leads out of it."""
    inside = root.resolve()
    for folder, names, files in os.walk(root):
        for name in (*names, *files):
            path = Path(folder, name)
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(inside):
                return True
    return False


def _git(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run git in a folder, without hooks, questions and translations. Raises FileNotFoundError where there is none."""
    settings = ("-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false", "-c", "core.sparseCheckout=false")
    inherited = {key: value for key, value in os.environ.items() if key not in _OWN}
    plain = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    return subprocess.run(
        ["git", *settings, *arguments],
        cwd=folder, env={**inherited, **plain, **(environment or {})}, input=given, capture_output=True, check=False,
    )  # fmt: skip


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    """What git says of a failure, its first line."""
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return f"git: {lines[0].removeprefix('fatal: ')}" if lines else f"git ended with {done.returncode}"
