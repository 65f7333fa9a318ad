"""The datasheet: the questions of "Datasheets for Datasets" (Gebru et al., CACM 64:12, 2021), in our words.

People answer them; this file knows which there are and refuses blanks. It does not judge what an answer says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from copydesk.diagnostics import Diagnostic, Place, Severity, lower

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Motivation", (
        "What was the dataset made for?",
        "Who made it, and on whose behalf?",
        "Who paid for it?",
        "Anything else on the motivation?",
    )),
    ("Composition", (
        "What does an instance stand for?",
        "How many instances are there?",
        "Is it all there is, or a sample, and of what?",
        "What data does an instance consist of?",
        "Do instances have labels or targets?",
        "Is anything missing from instances?",
        "Are relations between instances made explicit?",
        "Are there recommended splits, and why these?",
        "What errors, noise or redundancies are known?",
        "Does it stand alone, or rely on something outside?",
        "Does it hold anything confidential?",
        "Could what it holds offend, threaten or distress?",
        "Does it tell subpopulations apart?",
        "Can a person be identified from it?",
        "Does it hold anything sensitive about people?",
        "Anything else on the composition?",
    )),
    ("Collection", (
        "How was the data of an instance acquired?",
        "By what means or procedures was it collected?",
        "If it is a sample, how was it drawn?",
        "Who collected it, and what did they get for it?",
        "Over what time was it collected?",
        "Was there an ethical review?",
        "Did the data come from the people themselves or through others?",
        "Were they told about the collection?",
        "Did they consent?",
        "Can consent be withdrawn, and how?",
        "Has the impact on the people been assessed?",
        "Anything else on the collection?",
    )),
    ("Preprocessing, cleaning, labelling", (
        "What was done to the data?",
        "Is the raw data kept?",
        "Is the software that did it available?",
        "Anything else on preprocessing?",
    )),
    ("Uses", (
        "What has it been used for?",
        "Is there a list of papers or systems that use it?",
        "What else could it be used for?",
        "Is there anything about it that could harm a later use?",
        "What should it not be used for?",
        "Anything else on uses?",
    )),
    ("Distribution", (
        "Will others get it?",
        "How is it distributed, and has it a DOI?",
        "When is it distributed?",
        "Under what licence or terms?",
        "Do third parties hold rights or impose restrictions?",
        "Do export controls or other regulations apply?",
        "Anything else on distribution?",
    )),
    ("Maintenance", (
        "Who supports and hosts it?",
        "How can its maintainers be reached?",
        "Is there an erratum?",
        "Will it be updated, how often, by whom?",
        "Are there limits on how long data about people is kept?",
        "Will older versions be kept available?",
        "How can others extend or correct it?",
        "Anything else on maintenance?",
    )),
)  # fmt: skip
"""Section titles with their questions; a question's id is `<section>.<number>`, both counted from 1."""

QUESTIONS: dict[str, str] = {
    f"{section}.{number}": question
    for section, (_, questions) in enumerate(SECTIONS, 1)
    for number, question in enumerate(questions, 1)
}
"""Id -> question, in order."""

_HEADING = re.compile(r"###\s+(?P<id>[0-9]+\.[0-9]+)(?=\s|$)")
_ANY_HEADING = re.compile(r"#{1,3}\s")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.S)
_PLACEHOLDER = re.compile(
    r"to ?-?do|tbd|tba|tbc|fixme|xxx+|n/?a|placeholder|lorem ipsum.*|coming soon|write me|unanswered|"
    r"to be (?:done|determined|decided|added|written|completed|filled in|announced)|"
    r"(?:(?:more|further) )?information (?:is )?needed|fill (?:this |me )?in|(?:your )?answer(?: here)?|"
    r"[?.…_-]+"
)


def is_blank(text: str) -> bool:
    """Whether nothing is said: only comments, markers, decoration, and what stands for a missing answer.

    "None." and "Not applicable, since …" are answers; a bare "n/a" is not, because it gives no reason.
    """
    words = re.sub(r"[^\S\n]+", " ", re.sub(r"[*>#|`~\[\](){}]", " ", _COMMENT.sub(" ", text))).lower()
    sentences = [part.strip(" .:;!-—–_") for part in re.split(r"(?<=[.:;!])\s|\n", words)]
    return all(not part or _PLACEHOLDER.fullmatch(part) for part in sentences)


def check_datasheet(text: str, file: str, draft: bool) -> list[Diagnostic]:
    """R002 for every question that is missing, asked twice or not answered; in a draft, one warning that counts."""
    found = list(_problems(text, file))
    if not draft or not found:
        return found
    open_questions = [diagnostic.place.record or "" for diagnostic in found]
    more = f" and {len(found) - 8} more" if len(found) > 8 else ""
    message = (
        f"{len(found)} of the {len(QUESTIONS)} questions wait for an answer: {', '.join(open_questions[:8])}{more}"
    )
    return [
        lower(
            Diagnostic(code="R002", place=Place(file=file, line=found[0].place.line), message=message), Severity.WARNING
        )
    ]


def _problems(text: str, file: str) -> Iterator[Diagnostic]:
    answers: dict[str, tuple[int, str]] = {}
    for identifier, line, answer in _answers(text):
        place = Place(file=file, line=line, record=identifier)
        if identifier not in QUESTIONS:
            yield Diagnostic(code="R002", place=place, message=f"there is no question {identifier}")
        elif identifier in answers:
            message = f"question {identifier} stands here again; it was on line {answers[identifier][0]}"
            yield Diagnostic(code="R002", place=place, message=message)
        else:
            answers[identifier] = line, answer
    for identifier, question in QUESTIONS.items():
        if identifier not in answers:
            place = Place(file=file, record=identifier)
            message = f"question {identifier} is missing: {question}"
            yield Diagnostic(code="R002", place=place, message=message)
        elif is_blank(answers[identifier][1]):
            place = Place(file=file, line=answers[identifier][0], record=identifier)
            message = f"question {identifier} is not answered: {question}"
            yield Diagnostic(code="R002", place=place, message=message)


def _answers(text: str) -> Iterator[tuple[str, int, str]]:
    """Id, line and answer of every question heading. Headings inside comments or fenced code do not count."""
    lines = text.split("\n")
    visible = _blanked(text).split("\n")
    starts = [n for n, line in enumerate(visible) if _ANY_HEADING.match(line)]
    for place, start in enumerate(starts):
        heading = _HEADING.match(visible[start])
        if heading is not None:
            end = starts[place + 1] if place + 1 < len(starts) else len(lines)
            yield heading["id"], start + 1, "\n".join(lines[start + 1 : end])


def _blanked(text: str) -> str:
    """The text with comments and fenced code blanked out, line by line, so that line numbers hold."""

    def blank(found: re.Match[str]) -> str:
        return re.sub(r"[^\n\r]", " ", found[0])

    return re.sub(r"^(```|~~~).*?^\1[ \t]*$", blank, _COMMENT.sub(blank, text), flags=re.S | re.M)


def skeleton(title: str) -> str:
    """An empty datasheet, for people to fill in: every question with a note that it has no answer yet."""
    parts = [f"# Datasheet: {' '.join(title.split())}\n"]
    for section, (heading, questions) in enumerate(SECTIONS, 1):
        parts.append(f"## {section}. {heading}\n")
        parts.extend(f"### {section}.{number} {question}\n\nTODO\n" for number, question in enumerate(questions, 1))
    return "\n".join(parts)
