"""Licences compared: what a user may do no more, or must do now, and what nobody can tell."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.diff.licenses import _ATOMS, compare, license_change, rights_change
from copydesk.diff.rules import RULES

NARROWER = [
    ("CC0-1.0", "CC-BY-4.0"),
    ("PDDL-1.0", "ODC-By-1.0"),
    ("ODC-By-1.0", "ODbL-1.0"),
    ("CC-BY-4.0", "CC-BY-SA-4.0"),
    ("CC-BY-4.0", "CC-BY-NC-4.0"),
    ("CC-BY-4.0", "CC-BY-ND-4.0"),
    ("CC-BY-SA-4.0", "CC-BY-NC-SA-4.0"),
    ("CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"),
    ("CC-BY-NC-SA-4.0", "CC-BY-NC-ND-4.0"),
    ("CC-BY-SA-4.0", "CC-BY-ND-4.0"),  # asks for less, but only of those whom it lets adapt
    ("CC-BY-4.0", "CC-BY-3.0"),
    ("MIT", "Apache-2.0"),
    ("Apache-2.0", "GPL-3.0-only"),
    ("GPL-2.0-or-later", "GPL-3.0-only"),
    ("CC-BY-4.0", "NOASSERTION"),
    ("CC-BY-NC-ND-4.0", "NONE"),
    ("CC-BY-4.0 OR CC-BY-NC-4.0", "CC-BY-NC-4.0"),
    ("CC-BY-4.0", "CC-BY-4.0 AND CC-BY-NC-4.0"),
]
EQUAL = [
    ("CC-BY-4.0", "CC-BY-4.0"),
    ("CC-BY-4.0", " cc-by-4.0 "),
    ("MIT", "ISC"),
    ("GPL-2.0", "GPL-2.0-only"),
    ("CC-BY-SA-2.5", "CC-BY-SA-3.0"),
    ("CC-BY-4.0 OR CC-BY-NC-4.0", "CC-BY-4.0"),
    ("(MIT OR CC0-1.0)", "CC0-1.0 OR MIT"),
    ("LicenseRef-press", "licenseref-press"),
    ("NOASSERTION", "NONE"),
]
UNCLEAR = [
    ("CC-BY-SA-4.0", "ODbL-1.0"),
    ("CC-BY-NC-4.0", "CC-BY-ND-4.0"),
    ("CC-BY-NC-4.0", "CC-BY-SA-4.0"),
    ("GPL-2.0-only", "GPL-3.0-only"),
    ("CC-BY-3.0", "MIT AND ODbL-1.0"),
    ("CC-BY-4.0", "LicenseRef-press"),
    ("LicenseRef-press", "LicenseRef-agency"),
    ("LicenseRef-press", "CC0-1.0"),
    ("CC-BY-4.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
    ("CC-BY-4.0", "free to use"),
    ("CC-BY-4.0", "CC-BY-4.0 OR"),
    ("CC-BY-4.0", "(CC-BY-4.0 OR MIT"),
    ("CC-BY-4.0", "CC-BY-4.0; MIT"),
    ("CC-BY-4.0", ""),
    ("CC0-1.0", "CC-BY-4.0*"),
]
KNOWN = sorted(_ATOMS)


@pytest.mark.parametrize(("wide", "narrow"), NARROWER)
def test_narrower_one_way_is_wider_the_other(wide: str, narrow: str) -> None:
    assert compare(wide, narrow) == "narrower"
    assert compare(narrow, wide) == "wider"


@pytest.mark.parametrize(("old", "new"), EQUAL)
def test_the_same_terms(old: str, new: str) -> None:
    assert compare(old, new) == compare(new, old) == "equal"


@pytest.mark.parametrize(("old", "new"), UNCLEAR)
def test_nobody_can_tell(old: str, new: str) -> None:
    assert compare(old, new) == compare(new, old) == "unclear"


def test_every_creative_commons_element_takes_something_away() -> None:
    for version in ("2.0", "2.5", "3.0", "4.0"):
        for kind in ("BY-SA", "BY-NC", "BY-ND", "BY-NC-SA", "BY-NC-ND"):
            assert compare(f"CC-BY-{version}", f"CC-{kind}-{version}") == "narrower"
        assert compare(f"CC-BY-NC-ND-{version}", f"CC-BY-ND-{version}") == "wider"


def test_an_exception_that_both_have_changes_nothing() -> None:
    text = "GPL-2.0-only WITH Classpath-exception-2.0"
    assert compare(text, text) == "equal"


@given(st.sampled_from(KNOWN), st.sampled_from(KNOWN), st.sampled_from(KNOWN))
def test_comparison_is_an_order(a: str, b: str, c: str) -> None:
    mirror = {"narrower": "wider", "wider": "narrower"}
    assert compare(b, a) == mirror.get(compare(a, b), compare(a, b))
    down = {"narrower", "equal"}
    if compare(a, b) in down and compare(b, c) in down:
        assert compare(a, c) in down


@given(st.sampled_from(KNOWN), st.sampled_from(KNOWN))
def test_a_choice_gives_and_a_union_takes(a: str, b: str) -> None:
    assert compare(a, f"{a} OR {b}") in {"wider", "equal"}
    assert compare(a, f"{a} AND {b}") in {"narrower", "equal"}


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_has_an_answer(old: str, new: str) -> None:
    assert license_change(old, new) in RULES


RIGHTS = {"license": "CC-BY-4.0", "holder": "The Courier", "redistribute": True, "statement": "said in a letter"}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"redistribute": False}, "rights-narrowed"),
        ({"redistribute": None}, "rights-narrowed"),
        ({"redistribute": "yes"}, "rights-changed"),
        ({"license": "CC-BY-NC-4.0"}, "rights-narrowed"),
        ({"license": "CC0-1.0"}, "rights-widened"),
        ({"license": "LicenseRef-letter"}, "rights-changed"),
        ({"license": None}, "rights-narrowed"),
        ({"license": {"id": "MIT"}}, "rights-changed"),
        ({"license": "CC0-1.0", "redistribute": False}, "rights-changed"),
        ({"license": "CC-BY-SA-4.0", "redistribute": False}, "rights-narrowed"),
        ({"holder": None}, "rights-reworded"),
        ({"statement": "said on the telephone", "source": "a call"}, "rights-reworded"),
        ({"statement": "said on the telephone", "redistribute": False}, "rights-narrowed"),
        ({"embargo": "2030-01-01"}, "rights-changed"),
        ({"commercial": True}, "rights-widened"),
    ],
)
def test_rights_of_a_text(change: dict[str, Any], rule: str) -> None:
    assert rights_change(RIGHTS, RIGHTS | change) == rule


def test_rights_come_back() -> None:
    unknown = {"licence": "NOASSERTION", "redistribution": None}
    assert rights_change(unknown, {"licence": "CC-BY-4.0", "redistribution": True}) == "rights-widened"
    assert rights_change(unknown, {"licence": "NOASSERTION", "redistribution": False}) == "rights-reworded"
    assert rights_change({}, {"licence": "CC-BY-4.0"}) == "rights-widened"
    assert rights_change({"licence": "CC-BY-4.0"}, {}) == "rights-narrowed"
