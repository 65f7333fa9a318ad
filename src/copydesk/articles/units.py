"""Which files are read together, how their bytes become text, and how a format recognises its own."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from copydesk.diagnostics import Diagnostic, Place
from copydesk.sources import Unit

MANY = 1000
"""Names of a sample: enough to know a format by."""


_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What a format is recognised by: names of files (relative, forward slashes), and the first bytes of any."""

    names: Sequence[str]
    head: Callable[[str], bytes]

    def first(self, *suffixes: str) -> tuple[str, bytes] | None:
        """The first file with one of the suffixes, and its first bytes."""
        name = next((n for n in self.names if n.lower().endswith(suffixes)), None)
        return (name, self.head(name)) if name is not None else None


def each(names: Sequence[str], *suffixes: str, lines: bool = False) -> Iterator[Unit]:
    """One unit a file that has one of the suffixes (lower case, with the dot)."""
    for name in names:
        if name.lower().endswith(suffixes):
            yield Unit(files=(name,), name=stem(name), lines=lines)


def stem(name: str) -> str:
    """A name without its last suffix: `a/b.c.txt` -> `a/b.c`."""
    path = PurePosixPath(name)
    return path.with_suffix("").as_posix() if path.suffix else name


def folder(name: str) -> str:
    """The folder that a file is in, or `.`."""
    return PurePosixPath(name).parent.as_posix()


def decode(data: bytes, file: str, encoding: str = "utf-8") -> tuple[str, bool] | Diagnostic:
    """(text, whether a byte order mark was taken off), or S002. Line ends and all else stay as they are.

    A byte order mark overrules the declared encoding: it says what the file is.
    """
    marked = False
    for mark, name in _MARKS:
        if data.startswith(mark):
            data, encoding, marked = data[len(mark) :], name, True
            break
    try:
        return data.decode(encoding), marked
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{data[error.start]:02x} at offset {error.start} is not {encoding.upper()}"
        help_text = 'if the files are in another encoding, say so: encoding = "windows-1252"'
        return Diagnostic(code="S002", place=Place(file=file, line=line), message=message, help=help_text)


def is_encoding(name: str) -> bool:
    """Whether there is an encoding of texts of this name; codecs of other things are none."""
    try:
        b"ab".decode(name)
    except LookupError:
        return False
    except UnicodeDecodeError:  # two bytes are no text in it, but it is one
        return True
    return True


def split_lines(text: str) -> Iterator[tuple[int, str]]:
    """(number from 1, line without its end) for lines that end with LF or CR LF: U+0085 and U+2028 end none."""
    for number, line in enumerate(text.split("\n"), 1):
        yield number, line.removesuffix("\r")


Options = Mapping[str, object]
"""`[source.options]`, held against the OPTIONS of the importer before anything is read."""
