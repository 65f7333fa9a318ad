"""What is wrong with a record: the contract first, then the checks. Not what follows from it (stage.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from copydesk import jsontext
from copydesk.articles.model import HALF
from copydesk.checks import CHECKS, Finding
from copydesk.checks.quick import QuickVerdict
from copydesk.contract.explain import explain_record, explainer_for
from copydesk.contract.types import Contract, Kind
from copydesk.contract.validate import validator_for


class Judge:
    """The validators and checks for one kind of record, built once for many."""

    def __init__(self, kind: Kind, contract: Contract) -> None:
        self._kind, self._contract = kind, contract
        self._validator = validator_for(kind.schema, contract)
        self._quick = QuickVerdict(kind.type)
        self._explainer: Any = None

    def findings(self, value: dict[str, Any], line: bytes | None = None) -> list[Finding]:
        """What is wrong with a record. One that breaks the contract is not checked further: no cascades.

        `line`: the record in canonical form, if that is known.
        """
        found = self._broken_rules(value)
        if found:
            return found
        try:
            cleared = self._quick.cleared(value, line or jsontext.dump_line(value))
        except TypeError:  # half a surrogate pair has no UTF-8: the checks find it
            cleared = frozenset()
        return [f for name, check in CHECKS.items() if name not in cleared for f in check(value, self._kind.type)]

    def _broken_rules(self, value: dict[str, Any]) -> list[Finding]:
        try:
            if self._validator.is_valid(value):
                return []
        except (UnicodeEncodeError, ValueError):  # half a surrogate pair has no UTF-8
            found = list(_surrogates(value, ""))
            if not found:
                raise
            return found
        if self._explainer is None:
            self._explainer = explainer_for(self._kind.schema, self._contract)
        explained = list(explain_record(self._explainer, value))
        assert explained, "the two validators disagree on a record"
        return [Finding(code=code, pointer=pointer, message=message) for code, pointer, message in explained]


def _surrogates(value: Any, pointer: str) -> Iterator[Finding]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if HALF.search(key):
                message = f"the key {key!r} holds half of a surrogate pair"
                yield Finding(code="A303", pointer=pointer, message=message)
            else:
                yield from _surrogates(inner, f"{pointer}/{jsontext.escape(key)}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _surrogates(inner, f"{pointer}/{index}")
    elif isinstance(value, str) and (half := HALF.search(value)):
        message = f"half of a surrogate pair (U+{ord(half[0]):04X}) at offset {half.start()}"
        yield Finding(code="A303", pointer=pointer, message=message)
