"""Two values of one JSON Schema keyword: which of them allows more."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from copydesk.contract.types import Type, TypeKind

Way = Literal["narrowed", "widened", "changed", "same"]
"""What the new side does to what the old one allows: takes from it, adds to it, both as far as can be told, or
neither, and only says it in another way."""

Judge = Callable[[Type, Type], Way]


def shown(rules: Mapping[str, Any], keywords: Iterable[str]) -> dict[str, Any]:
    """The keywords that are there, with their values."""
    return {keyword: rules[keyword] for keyword in keywords if keyword in rules}


def _by_demand(old: Any, new: Any) -> Way:
    """Of two bounds the greater one demands more."""
    return "narrowed" if new > old else "widened" if new < old else "same"


def _bound(node: Type, sign: int, inclusive: str, exclusive: str) -> tuple[float, bool]:
    """The stricter of two lower bounds, and whether it leaves out its own value; upper ones with `sign` -1.

    For integers the first whole number that is allowed, so that "above 0" and "from 1" are one bound.
    """
    given = [(sign * node.rules[word], word == exclusive) for word in (inclusive, exclusive) if word in node.rules]
    if node.kind == "integer":
        given = [(math.floor(value) + 1 if out else math.ceil(value), False) for value, out in given]
    return max(given, default=(-math.inf, False))


def _lower(old: Type, new: Type) -> Way:
    before, after = (_bound(node, 1, "minimum", "exclusiveMinimum") for node in (old, new))
    return _by_demand(before, after)


def _upper(old: Type, new: Type) -> Way:
    before, after = (_bound(node, -1, "maximum", "exclusiveMaximum") for node in (old, new))
    return _by_demand(before, after)


def _step(node: Type) -> Fraction | None:
    """The step of `multipleOf`, exactly as written in decimals. Integers are multiples of 1 without it, and those
    that are multiples of p/q in lowest terms are the multiples of p."""
    given = node.rules.get("multipleOf")
    step = Fraction(str(given)) if given is not None else None
    if node.kind == "integer":
        return Fraction(step.numerator) if step is not None else Fraction(1)
    return step


def _multiples(old: Type, new: Type) -> Way:
    before, after = _step(old), _step(new)
    if before == after:
        return "same"
    if before is None or after is None:
        return "narrowed" if before is None else "widened"
    if after % before == 0:
        return "narrowed"
    return "widened" if before % after == 0 else "changed"


def _at_least(keyword: str) -> Judge:
    return lambda old, new: _by_demand(old.rules.get(keyword, 0), new.rules.get(keyword, 0))


def _at_most(keyword: str) -> Judge:
    return lambda old, new: _by_demand(-old.rules.get(keyword, math.inf), -new.rules.get(keyword, math.inf))


def _unique(old: Type, new: Type) -> Way:
    return _by_demand(bool(old.rules.get("uniqueItems")), bool(new.rules.get("uniqueItems")))


_ALSO = {
    "uri": {"iri", "uri-reference", "iri-reference"},
    "iri": {"iri-reference"},
    "uri-reference": {"iri-reference"},
    "email": {"idn-email"},
}
"""Format -> the formats that all its values have too (RFC 3986, 3987 and 6531)."""


def _formats(old: Type, new: Type) -> Way:
    before, after = old.rules.get("format"), new.rules.get("format")
    if before is None or after in _ALSO.get(before, ()):
        return "narrowed" if before is None else "widened"
    if after is None or before in _ALSO.get(after, ()):
        return "widened" if after is None else "narrowed"
    return "changed"


def _one_word(keyword: str) -> Judge:
    """A keyword whose values cannot be compared: no bound allows everything, two are two different things."""

    def judge(old: Type, new: Type) -> Way:
        if keyword not in old.rules:
            return "narrowed"
        if keyword not in new.rules:
            return "widened"
        before, after = (json.dumps(node.rules[keyword], sort_keys=True) for node in (old, new))
        return "same" if before == after else "changed"

    return judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """Keywords that bound the same thing, and who compares them. Beside other `kinds` they bound nothing."""

    keywords: tuple[str, ...]
    judge: Judge
    kinds: tuple[TypeKind, ...] = ()


_NUMBERS: tuple[TypeKind, ...] = ("integer", "number")

DIMENSIONS = (
    Dimension(keywords=("minimum", "exclusiveMinimum"), judge=_lower, kinds=_NUMBERS),
    Dimension(keywords=("maximum", "exclusiveMaximum"), judge=_upper, kinds=_NUMBERS),
    Dimension(keywords=("multipleOf",), judge=_multiples, kinds=_NUMBERS),
    Dimension(keywords=("minLength",), judge=_at_least("minLength"), kinds=("string",)),
    Dimension(keywords=("maxLength",), judge=_at_most("maxLength"), kinds=("string",)),
    Dimension(keywords=("pattern",), judge=_one_word("pattern"), kinds=("string",)),
    Dimension(keywords=("format",), judge=_formats, kinds=("string",)),
    Dimension(keywords=("minItems",), judge=_at_least("minItems"), kinds=("list",)),
    Dimension(keywords=("maxItems",), judge=_at_most("maxItems"), kinds=("list",)),
    Dimension(keywords=("uniqueItems",), judge=_unique, kinds=("list",)),
    Dimension(keywords=("const",), judge=_one_word("const")),
)
"""Every constraint that the contract lets through (the list in contract/load.py; a test holds the two together)."""
