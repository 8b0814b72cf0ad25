"""Patterns mean what Java's and Python's regular expressions mean, and cost no more than their length."""

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from berth.plan.pattern import LONGEST, listed, matches, parse

ATOMS = st.sampled_from(("a", "b", ".", "[ab]", "[^a]", r"\.", r"\d", "-"))
TIMES = st.sampled_from(("", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,}"))
FLAT = st.lists(st.tuples(ATOMS, TIMES).map("".join), max_size=4).map("".join)
GROUPS = st.lists(FLAT, min_size=1, max_size=3).map(lambda parts: f"({'|'.join(parts)})")
PATTERNS = st.lists(FLAT | GROUPS, min_size=1, max_size=3).map("".join).filter(lambda text: len(text) <= LONGEST)
TEXTS = st.text(alphabet="ab.-19", max_size=6)


@given(PATTERNS, TEXTS)
@settings(deadline=None, max_examples=500)
def test_a_pattern_matches_what_a_regular_expression_does(text: str, value: str) -> None:
    pattern = parse(text)
    assume(pattern is not None)
    assert pattern is not None
    assert matches(pattern, value) is (re.fullmatch(text, value) is not None)
    found = listed(pattern)
    assert found is None or (value in found) is matches(pattern, value)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("us-east-1[a-c]", ("us-east-1a", "us-east-1b", "us-east-1c")),
        ("(?:x|y)?z", ("xz", "yz", "z")),
        ("a{2,3}", ("aa", "aaa")),
        ("t3.*", None),
        ("a.", None),
        ("[ab]{7}", None),
        ("(a|[^b])c", None),
    ],
)
def test_a_pattern_without_an_end_is_no_list(text: str, values: tuple[str, ...] | None) -> None:
    pattern = parse(text)
    assert pattern is not None
    assert listed(pattern) == values


@pytest.mark.parametrize(
    "text", ["^a", "a$", "a*?", "a++", "(?=a)", r"\1", "(a+)+", "[z-a]", "a{2", "(", "a" * 129, "a*" * 9]
)
def test_what_is_not_known_is_none(text: str) -> None:
    assert parse(text) is None


def test_a_pattern_that_would_keep_an_engine_busy_for_years_takes_no_time() -> None:
    pattern = parse("(a|a)" * 20 + "(.|.)*" * 2 + "x")
    assert pattern is not None
    assert not matches(pattern, "a" * 63)
