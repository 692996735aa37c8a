"""Comparing with numbers."""

from decimal import Decimal

import pytest
from hypothesis import strategies as st

from crewgate.domain.rules.patterns import Comparison, read_number, sign_of

COMPARISONS = st.builds(
    Comparison,
    st.sampled_from([">=", ">", "<=", "<", "=", "!="]),
    st.integers(-2, 2).map(Decimal),
)
VALUES = st.sampled_from(["-3", "-2", "-1.5", "-1", "0", "0.5", "1", "1e0", "2", "2.5", "3", "ten"])


@pytest.mark.parametrize(
    ("written", "value", "holds"),
    [
        (">= 50000", "50000.00", True),
        (">= 50000", "49999.99", False),
        (">=50000", "5e4", True),
        ("> 0.1", "0.1", False),
        ("> 0.1", "0.10000000000000000000001", True),
        ("< -1", "-2", True),
        ("<= 3", " 3 ", True),
        ("= 3", "3.0", True),
        ("= 3", "three", False),
        ("!= 3", "3.0", False),
        ("!= 3", "three", True),
        (">= 1", "€5", False),
    ],
)
def test_values_are_compared_as_the_numbers_that_they_are(
    written: str, value: str, *, holds: bool
) -> None:
    comparison = Comparison.parse(written)
    assert comparison is not None
    assert comparison.holds(value) is holds


@pytest.mark.parametrize("written", ["50000", "EU*", "> many", ">=", "== 3", ""])
def test_what_is_not_a_sign_and_a_number_is_no_comparison(written: str) -> None:
    assert Comparison.parse(written) is None


def test_the_sign_is_known_without_a_number() -> None:
    assert sign_of(">= many") == ">="
    assert sign_of("> many") == ">"
    assert sign_of("many") == ""


def test_what_is_too_long_or_too_large_is_no_number() -> None:
    assert read_number("9" * 300) is not None
    assert read_number("9" * 301) is None
    assert read_number("1e99999") is None
    assert read_number("NaN") is None
