"""A difference in plain sentences: what `copydesk release` writes into the changelog, for people to edit.

Counts and ids, names of layers, columns and splits. Never a word of a text or of an annotation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from copydesk.diagnostics.render import visible
from copydesk.diff.model import Change

SHOWN = 5
"""How many ids a sentence names; the rest is counted."""
LISTED = 30
"""How many changes of the contract are listed; the rest is counted."""

SECTIONS = ("Added", "Changed", "Removed", "Splits", "Contract", "Rights")

Key = tuple[str, str, str, str, str, str]
"""What, kind, layer, split, old split, rule: changes that make one sentence."""

_RECORDS = {
    "record-added": ("Added", "{n} {kinds}{split}: {ids}."),
    "record-withdrawn": ("Removed", "{n} {kinds}{split}: {ids}."),
    "record-renamed": ("Changed", "{n} {kinds}{split} {have} another id: {ids}."),
    "record-edited": ("Changed", "Other properties of {n} {kinds}{split}: {ids}."),
    "text-edited": ("Changed", "The text of {n} {kinds}{split}: {ids}."),
    "split-moved": ("Splits", "{n} {kinds} moved from {old} to {new}: {ids}."),
    "rights-changed": ("Rights", "The rights of {n} {kinds}{split}: {why}: {ids}."),
}
_ANNOTATIONS = {
    "annotation-added": ("Added", "{n} {items} of {layer}{split}, in {ids}."),
    "annotation-removed": ("Removed", "{n} {items} of {layer}{split}, in {ids}."),
    "annotation-moved": ("Changed", "{n} {items} of {layer}{split} {stand} at another place in the text, in {ids}."),
    "annotation-relabelled": ("Changed", "{n} {items} of {layer}{split} {have} another label, in {ids}."),
    "annotation-reattributed": ("Changed", "{n} {items} of {layer}{split} {refer} to something else, in {ids}."),
    "annotation-edited": ("Changed", "Other properties of {n} {items} of {layer}{split}, in {ids}."),
    "layer-reordered": ("Changed", "The order of the annotations of {layer}{split}, in {ids}."),
}


@dataclass(slots=True)
class Tally:
    """Changes, counted by sentence, with the first few records of each; `contract` holds its changes one by one."""

    counts: Counter[Key] = field(default_factory=Counter)
    records: dict[Key, dict[str, str]] = field(default_factory=dict)
    distinct: Counter[Key] = field(default_factory=Counter)
    contract: list[Change] = field(default_factory=list)
    license: list[Change] = field(default_factory=list)
    last: dict[Key, str] = field(default_factory=dict)

    def watch(self, changes: Iterable[Change]) -> Iterator[Change]:
        """The changes as they come, each counted as it passes."""
        for change in changes:
            self.see(change)
            yield change

    def see(self, change: Change) -> None:
        if change.what.startswith(("config-", "column-")):
            self.contract.append(change)
        elif change.what == "license-changed":
            self.license.append(change)
        elif change.what in _RECORDS or change.what in _ANNOTATIONS:
            rule = change.rule if change.what == "rights-changed" else ""
            key = (change.what, change.kind, change.layer, change.split, change.old_split, rule)
            self.counts[key] += 1
            if self.last.get(key) != change.record:  # changes come record by record
                self.last[key] = change.record
                self.distinct[key] += 1
                named = self.records.setdefault(key, {})
                if len(named) < SHOWN:
                    named[change.record] = change.old if change.what == "record-renamed" else ""


def entry(tally: Tally, reason: Callable[[str], str]) -> str:
    """The entry, section by section; `reason` gives the words of a rule. Never empty."""
    found: dict[str, list[str]] = {section: [] for section in SECTIONS}
    for key in sorted(tally.counts, key=lambda k: (_place(k), k)):
        section, template = (_RECORDS | _ANNOTATIONS)[key[0]]
        found[section].append(_sentence(template, tally, key, reason))
    found["Contract"] = _contract_sentences(tally.contract, reason)
    found["Rights"][:0] = [_license_sentence(change) for change in tally.license]
    parts = []
    for section, sentences in found.items():
        if sentences:
            parts.append("\n".join([f"### {section}", "", *(f"- {sentence}" for sentence in sentences)]))
    return "\n\n".join(parts) or "The same rows under the same contract. What changed is the files around them."


def first_entry(rows: Iterable[tuple[str, str, int]]) -> str:
    """The entry of a first release: (config, split, rows) of what it holds."""
    by_config: dict[str, list[str]] = {}
    for config, split, count in rows:
        by_config.setdefault(config, []).append(f"{count:,} in {split}")
    listed = "\n".join(f"- {code(config)}: {', '.join(counts)}." for config, counts in by_config.items())
    return f"First release. Rows:\n\n{listed}"


def _place(key: Key) -> int:
    return [*_RECORDS, *_ANNOTATIONS].index(key[0])


def _sentence(template: str, tally: Tally, key: Key, reason: Callable[[str], str]) -> str:
    what, kind, layer, split, old, rule = key
    many, distinct = tally.counts[key], tally.distinct[key]
    count = distinct if what in _RECORDS else many
    return template.format(
        n=f"{count:,}",
        kinds=kind if count == 1 else plural(kind),
        items="annotation" if count == 1 else "annotations",
        have="has" if count == 1 else "have",
        stand="stands" if count == 1 else "stand",
        refer="refers" if count == 1 else "refer",
        split=f" in {split}" if split else "",
        layer=code(layer),
        old=old,
        new=split,
        why=reason(rule) if rule else "",
        ids=named([_renamed(new, before) for new, before in tally.records[key].items()], distinct),
    )


def _renamed(identifier: str, before: object) -> str:
    return f"{code(before)}, now {code(identifier)}" if isinstance(before, str) and before else code(identifier)


def _contract_sentences(changes: Iterable[Change], reason: Callable[[str], str]) -> list[str]:
    found = list(dict.fromkeys(_contract_sentence(change, reason) for change in changes))
    more = len(found) - LISTED
    return [*found[:LISTED], f"{more:,} more changes."] if more > 1 else found


def _contract_sentence(change: Change, reason: Callable[[str], str]) -> str:
    where = " ".join(code(part) for part in (change.layer, change.pointer) if part)
    note = visible(change.note).rstrip(".")
    words = reason(change.rule)
    if change.what in {"column-added", "column-removed"} and note:
        words = f"{words} ({note})"
    elif change.what == "column-changed":
        words = note or words
    return f"{where}: {words}." if where else f"{words}."


def _license_sentence(change: Change) -> str:
    return f"The licence of the annotation: {code(str(change.new))}, before {code(str(change.old))}."


def named(ids: list[str], total: int) -> str:
    """`a`, `b` and `c`; or the first few, and how many more there are."""
    rest = total - len(ids)
    if rest > 0:
        return f"{', '.join(ids)} and {rest:,} more"
    return f"{', '.join(ids[:-1])} and {ids[-1]}" if len(ids) > 1 else "".join(ids)


def plural(word: str) -> str:
    """The plural of a kind of record."""
    if word.endswith("y") and word[-2:-1] not in set("aeiou"):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "z", "ch", "sh")) else f"{word}s"


def code(text: str) -> str:
    """An id or a name as Markdown code, whatever stands in it."""
    text = visible(text)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"
