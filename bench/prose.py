"""Text that looks like news and says nothing: `Writer` draws sentences from templates and made-up words.

Words follow Zipf's law, an article keeps to some topics and to a cast of persons, bodies and places, and quotes them
with typographic quotation marks. Names have accents. No language model, no corpus: a seed, and the tables below.
"""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

NAMED = {"P": "PERSON", "S": "PERSON", "O": "ORGANISATION", "L": "PLACE", "T": "TIME", "Q": "QUANTITY"}
"""Slots of a template that are mentions; S is the speaker of the quotation beside it."""

STATEMENTS = """
The {a} {n} of {O} has {d} the {n} that the {N} {d} {T}.
The {N} and the {n} of the {N} {d} {r} about the {a} {N}, according to {O}.
{T}, the {n} {d} some {N} in the {n} near {L}, where the {a} {n} had {d} its {N}.
It is not known whether the {n} will {v} the {a} {N} before the {n} in {L} is {d}.
The {n}, which {P} had {d} as {a}, was {r} {d} by the {N} of the {n}.
{O} did not {r} {v} to a request for comment.
More than {Q} {N} were {d} when the {a} {n} of the {n} {d} the {N}, the {n} said.
{P}’s {n} — the {a} {n} that {d} the {N} of {L} — has {r} {d} the {n}.
The {N} {v} the {n}, and the {a} {n} of the {N} is {d}.
As part of the {n}, {O} will {v} the {a} {N} and {v} a {n} for the {N}, people familiar with the matter said.
Under the {n}, the {N} of the {n} would have to {v} the {n} by the end of the year.
The {a} {n} came after {P}, the {n} of the {n}, {d} that the {N} were {d}.
In {L}, the {N} {d} the {n} {r}, and a {n} of the {a} {N} was {d}.
{O} had {d} {Q} of the {N} the year before.
For the {a} {N}, the {n} is the {r} {a} {n} since the {n} was {d}; the {N} {v} it, and {P} {d} the {n}.
{P}, who had {d} the {n} for the {N}, was {d} in the {a} {n}.
The {n} of the {N} {d} to {Q}, up from {Q} {T}.
Neither the {n} nor the {a} {N} were {d} in the {n} that the {n} {d}.
While the {n} {d} the {a} {N}, the {n} in {L} {d} them — {r}, and without the {n}.
At the {n}, {N} from the {n} {d} the {a} {n}; one of the {N} was {r} {d}.
What the {n} {d} is {a} to the {N}, and the {a} {N} of the {n} {v} it {r}.
Few of the {N} had {d} the {a} {n} before the {N} {d} {T}, and those who had {v} it no more.
"""

QUOTATIONS = """
“The {n} is {a}, and we will {v} the {N},” {S} said.
“We have {d} the {a} {N} that the {n} {d},” said {S}, the {n} of the {N}.
“It’s the {a} {n},” {S} {d}, “and the {N} {r} {v} it.”
“Our {N} don’t {v} the {n} — they {v} the {a} {n},” {S} told {O}.
{S} said the {N} were “{r} {d} by the {a} {n} of the {N}”.
“There was {n}, there was {n}, and now there are {N},” {S} said in {L}.
“I {d} the {a} {n} as soon as the {N} {d} the {n},” said {S}.
“Nobody {d} the {N},” {S} said, “because the {n} was {a}.”
"""

NOTICES = """
This {n} was first published by {O}. It may not be {d}, {d} or {d} without the {n} of the {N}.
Sign up for our {a} {n} and get the {N} of the {n} in your inbox every morning. You can {v} at any time.
{O} is a {a} {n} of the {N}. We {v} our {N} on the {n} and {v} the {n} of the {a} {N} at once. Read our {n}.
The {N} and {n} expressed here are those of the {N} and do not {r} reflect the {n} of {O}.
Reporting by {P} in {L}; additional {n} by {P}; editing by {P}. {O} {d} to this {n}.
Follow all of our coverage of the {a} {n} at {O}, where the {N} {v} the {n} from {L} in full.
"""

TIMES = "on Monday|on Tuesday|on Wednesday|on Thursday|on Friday|last week|in March|in late October|earlier this month"
FORMS = "{O} Council|Ministry of {O}|{O} Group|University of {O}|{O} Union|Bank of {O}|{O} Agency|{O} & Sons|{O} FC"
EMOJI = ["👍", "🙏", "🔴", "⚽", "🎉", "👍🏽", "🇫🇷", "👩‍🚒", "😂"]
ONSETS = "b|br|c|ch|cl|d|d|f|fl|g|gr|h|h|k|l|l|m|m|n|n|p|pl|pr|r|r|s|s|sh|st|t|t|th|tr|v|w|"
NUCLEI = "a|e|i|o|u|a|e|i|o|ai|ea|ee|ou|ie|oa"
CODAS = "||||||||n|r|l|s|t|m|nd|rt|ck|st|ng|p"
ACCENTS = ["é", "è", "ü", "ö", "á", "í", "ó", "ñ", "ç", "å", "ø", "š", "ł", "ž"]

Draws = Iterator[int]
Table = list[str]


def draws(rnd: random.Random) -> Draws:
    """Numbers below 65,536 without end; quicker than one call each."""
    unpack = struct.Struct("<1024H").unpack
    while True:
        yield from unpack(rnd.randbytes(2048))


def zipf(words: list[str]) -> Table:
    """65,536 entries, the word of rank r about as often as 1 / (r + 2.7)."""
    weights = [1 / (rank + 2.7) for rank in range(len(words))]
    scale = 65_536 / sum(weights)
    table: Table = []
    due = 0.0
    for word, weight in zip(words, weights, strict=True):
        due += weight * scale
        table += [word] * (round(due) - len(table))
    return (table + words)[:65_536]


class Words:
    """The vocabulary: made once from a seed, the same for every article."""

    def __init__(self, seed: int) -> None:
        rnd = random.Random(f"words {seed}")
        onsets, nuclei, codas = ONSETS.split("|"), NUCLEI.split("|"), CODAS.split("|")
        seen: set[str] = set()

        def made(count: int, syllables: tuple[int, ...], ending: str = "", accents: float = 0.0) -> list[str]:
            out: list[str] = []
            while len(out) < count:
                # common words are short
                most = syllables[min(len(out) * len(syllables) // count + rnd.randrange(2), len(syllables) - 1)]
                word = (
                    "".join(rnd.choice(onsets) + rnd.choice(nuclei) + rnd.choice(codas) for _ in range(most)) + ending
                )
                if rnd.random() < accents:
                    at = rnd.randrange(len(word))
                    word = word[:at] + rnd.choice(ACCENTS) + word[at + 1 :]
                if len(word) > 1 and word not in seen:
                    seen.add(word)
                    out.append(word)
            return out

        nouns, verbs = made(12_000, (1, 2, 2, 3)), made(3_000, (1, 2, 2))
        self.tables = {
            "n": zipf(nouns),
            "N": zipf([word + "s" for word in nouns]),
            "v": zipf(verbs),
            "d": zipf([word.rstrip("aeiou") + "ed" for word in verbs]),
            "a": zipf(made(3_000, (1, 2, 3), "") + [word + "al" for word in nouns[::8]]),
            "r": zipf(made(600, (1, 2, 2), "ly")),
        }
        self.nouns = nouns
        self.given = [w.capitalize() for w in made(800, (1, 2), "", 0.15)]
        self.family = [w.capitalize() for w in made(6_000, (1, 2, 2), "", 0.12)]
        self.places = [w.capitalize() for w in made(3_000, (2, 2, 3), "", 0.08)]
        self.forms, self.times = FORMS.split("|"), TIMES.split("|")
        self.statements, self.quotations = self.compiled(STATEMENTS), self.compiled(QUOTATIONS)
        dice = draws(rnd)
        frames = self.compiled(NOTICES)
        self.notices = [Writer(self, dice).sentence(frames[n % len(frames)]) for n in range(36)]

    def compiled(self, templates: str) -> list[list[object]]:
        """Each template as pieces: text, a table to draw from, or the letter of a mention in a tuple."""
        out = []
        for template in templates.strip().splitlines():
            pieces: list[object] = []
            for piece in re.split(r"(\{\w\}|[“”])", template):
                if len(piece) == 3 and piece[0] == "{":
                    pieces.append(self.tables.get(piece[1]) or (piece[1],))
                elif piece:
                    pieces.append((piece,) if piece in "“”" else piece)
            out.append(pieces)
        return out


@dataclass(slots=True)
class Sentence:
    """A sentence and what is in it: mentions as (start, end, label, entity, form), quotations as (start, end, speaker),
    by the number of the mention."""

    text: str
    mentions: list[tuple[int, int, str, str, str]] = field(default_factory=list)
    quotes: list[tuple[int, int, int | None]] = field(default_factory=list)


class Writer:
    """Writes the sentences of one article."""

    def __init__(self, words: Words, dice: Draws) -> None:
        self.words, self.dice = words, dice
        self.topics = [self.one(words.nouns) for _ in range(24)]
        self.cast: dict[str, list[str]] = {
            "P": [f"{self.one(words.given)} {self.one(words.family)}" for _ in range(6)],
            "O": [self.one(words.forms).replace("{O}", self.one(words.places)) for _ in range(4)],
            "L": [self.one(words.places) for _ in range(4)],
        }
        self.known: set[str] = set()

    def one(self, choices: list[str]) -> str:
        return choices[next(self.dice) * len(choices) >> 16]

    def statement(self) -> Sentence:
        frames = self.words.statements
        return self.sentence(frames[next(self.dice) * len(frames) >> 16])

    def quotation(self) -> Sentence:
        frames = self.words.quotations
        return self.sentence(frames[next(self.dice) * len(frames) >> 16])

    def sentence(self, frame: list[object]) -> Sentence:
        """A sentence by a template."""
        dice, nouns, topics = self.dice, self.words.tables["n"], self.topics
        out, parts, at = Sentence(""), [], 0
        opened, speaker, marks = 0, None, []
        for piece in frame:
            if piece.__class__ is list:
                draw = next(dice)
                word = topics[draw % 24] if piece is nouns and draw < 20_000 else piece[draw]
            elif piece.__class__ is str:
                word = piece
            elif piece[0] in NAMED:
                word, entity, form = self.mention(piece[0])
                if piece[0] == "S":
                    speaker = len(out.mentions)
                out.mentions.append((at, at + len(word), NAMED[piece[0]], entity, form))
            elif piece[0] == "“":
                word, opened = "“", at
            else:
                word = "”"
                marks.append((opened, at + 1))
            parts.append(word)
            at += len(word)
        text = "".join(parts)
        out.text = text[0].upper() + text[1:]
        out.quotes = [(start, end, speaker) for start, end in marks if speaker is not None]
        return out

    def mention(self, letter: str) -> tuple[str, str, str]:
        """(words, entity, form): a person by the full name at first, then mostly by the last one."""
        draw = next(self.dice)
        if letter == "T":
            return self.words.times[draw * len(self.words.times) >> 16], "", "time"
        if letter == "Q":
            amount = next(self.dice) % 9_000 + 12
            return (f"{amount:,}", f"{amount % 97} %", f"€{amount / 100:.1f} million")[draw % 3], "", "quantity"
        letter = "P" if letter == "S" else letter
        cast = self.cast[letter]
        number = min(draw, next(self.dice)) * len(cast) >> 16  # the first of a cast has most of the story
        name, entity = cast[number], f"{letter.lower()}{number + 1}"
        if letter == "P" and entity in self.known and draw % 4:
            return name.rsplit(" ", 1)[1], entity, "short"
        self.known.add(entity)
        return name, entity, "name"
