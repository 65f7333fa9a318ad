"""Texts that are built from tokens, and tags that lie over them. Knows no file format and makes no articles.

The schemes of tags: Ramshaw and Marcus 1995 (IOB1), Tjong Kim Sang and Veenstra 1999 (IOB2, IO), Ratinov and Roth 2009
(BILOU, and BIOES, which is BILOU with other letters). All are read by one rule; they differ in what is wrong in them.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache, lru_cache

from copydesk.articles.model import Range

SCHEMES = ("iob2", "iob1", "bioes", "bilou", "io")
"""In the order of preference where two explain a file equally well."""

OUTSIDE = frozenset({"O", "_", "-", ""})
_PREFIXED = re.compile(r"([BILUESMW])-(.*)", re.DOTALL)
_BARE = frozenset("BILUESMW")
_ALLOWED: dict[str, Set[str]] = {
    "iob2": {"B", "I"},
    "iob1": {"B", "I"},
    "bioes": {"B", "I", "M", "E", "S", "W"},
    "bilou": {"B", "I", "L", "U"},
    "io": {"", "I"},
}
_GOES_ON, _ENDS = {"I", "M", "E", "L", ""}, {"E", "L", "S", "U", "W"}


@dataclass(slots=True)
class TextBuilder:
    """A text that grows; knows in code points where each piece of it lies."""

    parts: list[str] = field(default_factory=list)
    length: int = 0

    def add(self, piece: str) -> Range:
        """Append a piece, and say where it is."""
        start = self.length
        self.parts.append(piece)
        self.length += len(piece)
        return start, self.length

    def words(self, forms: Sequence[str], between: str) -> Iterator[Range]:
        """Append words with `between` between them, and say where each is. For many words: one piece, not two each."""
        at = self.add(between.join(forms))[0]
        step = len(between)
        for form in forms:
            yield at, at + len(form)
            at += len(form) + step

    @property
    def text(self) -> str:
        return "".join(self.parts)


def align(forms: Sequence[str], text: str) -> list[Range] | None:
    """Where the tokens lie in a text that has nothing but them and white space; None if it does not spell them."""
    ranges, at = [], 0
    for form in forms:
        while not text.startswith(form, at) and at < len(text) and text[at].isspace():
            at += 1
        if not text.startswith(form, at):
            return None
        ranges.append((at, at + len(form)))
        at += len(form)
    return ranges if not text[at:].strip() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagged:
    """Tokens [start, end) that are one span."""

    start: int
    end: int
    label: str | None


Repair = tuple[int, str]
"""(number of the token, what is wrong with its tag)."""


@lru_cache(maxsize=4096)
def split_tag(tag: str) -> tuple[str | None, str | None]:
    """`B-PER` -> (B, PER), `PER` -> ("", PER), `B` -> (B, None); the prefix of a tag outside of any span is None."""
    if tag in OUTSIDE:
        return None, None
    if match := _PREFIXED.fullmatch(tag):
        return match[1], match[2] or None
    return (tag, None) if tag in _BARE else ("", tag)


def is_prefixed(tag: str) -> bool:
    """Whether a tag has a letter of one of the schemes before its label."""
    return _PREFIXED.fullmatch(tag) is not None or tag in _BARE


def scheme_of(sequences: Iterable[Sequence[str]]) -> str:
    """The scheme that the fewest tags of all sequences break."""
    counted = Counter(map(_folded, sequences))
    wrong = {name: sum(n * len(decode(tags, name)[1]) for tags, n in counted.items()) for name in SCHEMES}
    return min(SCHEMES, key=lambda name: wrong[name])


def _folded(tags: Sequence[str]) -> tuple[str, ...]:
    """A sequence with what stands outside of spans as one tag each: nothing in between breaks a scheme."""
    out: list[str] = []
    for tag in tags:
        if tag not in OUTSIDE:
            out.append(tag)
        elif not out or out[-1] != "O":
            out.append("O")
    return tuple(out)


def decode(tags: Sequence[str], scheme: str) -> tuple[list[Tagged], list[Repair]]:
    """The spans of a sequence of tags, and what breaks the scheme. Raises KeyError for a scheme that does not exist.

    Whatever the scheme: an inside tag goes on with a span of its label or begins one; B, S, U and W begin one; E, L,
    S, U and W end one.
    """
    spans: list[Tagged] = []
    repairs: list[Repair] = []
    allowed, closed = _ALLOWED[scheme], scheme in {"bioes", "bilou"}
    start, current = -1, None
    for index, tag in enumerate((*tags, "O")):
        prefix, label = split_tag(tag)
        goes_on = start >= 0 and prefix in _GOES_ON and label == current
        if start >= 0 and not goes_on:
            spans.append(Tagged(start=start, end=index, label=current))
            start = -1
            if closed:
                letters = "S- or E-" if scheme == "bioes" else "U- or L-"
                message = f"{_short(tags[index - 1])!r} ends a span; in {scheme.upper()} {letters} does"
                repairs.append((index - 1, message))
        if prefix is None:
            continue
        if wrong := _broken(scheme, prefix, goes_on, allowed, spans, index, label):
            repairs.append((index, f"{_short(tag)!r} {wrong}"))
        if not goes_on:
            start, current = index, label
        if prefix in _ENDS:
            spans.append(Tagged(start=start, end=index + 1, label=current))
            start = -1
    return spans, sorted(repairs)


def _broken(
    scheme: str, prefix: str, goes_on: bool, allowed: Set[str], spans: list[Tagged], index: int, label: str | None
) -> str | None:
    """What the scheme says against a tag."""
    name = scheme.upper()
    if prefix not in allowed:
        return f"is no tag of {name}"
    if prefix in _GOES_ON and not goes_on and scheme not in {"iob1", "io"}:
        return f"goes on from no span of its label; in {name} a span begins with B-"
    if prefix == "B" and scheme == "iob1" and not (spans and (spans[-1].end, spans[-1].label) == (index, label)):
        return "follows no span of its label; in IOB1 a span begins with I- else"
    return None


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


_ESCAPES = {"s": " ", "t": "\t", "n": "\n", "r": "\r", "p": "|", "\\": "\\"}
_ESCAPE_OF = {char: f"\\{letter}" for letter, char in _ESCAPES.items()}


def read_spaces(escaped: str) -> str:
    r"""The value of SpacesAfter and its kin: `\s`, `\t`, `\n`, `\r`, `\p` (a bar) and `\\`, as UDPipe defines them."""
    return re.sub(r"\\([stnrp\\])", lambda match: _ESCAPES[match[1]], escaped)


def spell_spaces(text: str) -> str:
    """The inverse of `read_spaces`."""
    return "".join(_ESCAPE_OF.get(char, char) for char in text)


RESERVED = frozenset({"id", "label", "start", "end", "fragments"})
"""Names of properties that items have by themselves."""


@cache
def identifier(name: str) -> str:
    """A name of a format as the name of a property: letters, digits, underscores; `id` and its like become `id_`."""
    made = re.sub(r"\W", "_", name.strip())
    made = f"_{made}" if not made or made[0].isdigit() else made
    return f"{made}_" if made in RESERVED else made


@dataclass(slots=True)
class Ids:
    """The ids of a layer, or of the articles of a file."""

    taken: set[str] = field(default_factory=set)
    numbers: dict[str, int] = field(default_factory=dict)

    def make(self, wanted: str) -> str:
        """An id that is not taken yet: the one that is wanted, or `wanted-2` and so on."""
        made = wanted
        while made in self.taken:
            self.numbers[wanted] = self.numbers.get(wanted, 1) + 1
            made = f"{wanted}-{self.numbers[wanted]}"
        self.taken.add(made)
        return made


def layers_of(option: object) -> dict[str, str]:
    """Column -> layer, from an option that names columns: one is `mentions`, each of several has its own layer."""
    if isinstance(option, Mapping):
        return {str(name): str(layer) for name, layer in option.items()}
    names = [str(name) for name in option] if isinstance(option, list | tuple) else []
    return {names[0]: "mentions"} if len(names) == 1 else {name: identifier(name) for name in names}


def article_ids(name: str, own: Sequence[str | None], texts: Callable[[int], str]) -> list[tuple[str, bool]]:
    """(id, whether the file gives it twice) for the articles of a file; `name` serves where it has only one.

    An article without an id of its own among others is called by its text, so that its id stays when others come
    before it.
    """
    out: list[tuple[str, bool]] = []
    used = Ids()
    for index, given in enumerate(own):
        wanted = name if given is None else given
        if given is None and len(own) > 1:
            digest = hashlib.sha256(texts(index).encode("utf-8", "surrogatepass")).hexdigest()
            wanted = f"{name}-{digest[:8]}"
        made = used.make(wanted)
        out.append((made, given is not None and made != given))
    return out
