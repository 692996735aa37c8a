"""The soak of the host finds what is wrong in an effect file."""

import pytest

from tests.soak.acts import Card, Ledger, wrong
from tests.soak.options import Acts, read_acts

EFFECT = "transfer_slowly a 1 EUR"


def a_ledger(*cards: tuple[bool, int, bool | None], calls: int = 1) -> Ledger:
    """Of one call: may it have run, how often it had, and what people decided."""
    ledger = Ledger()
    ledger.calls["a"] = calls
    ledger.cards = [
        Card("e", "a", may_have_run=may, there=there, approve=approve, effect=EFFECT)
        for may, there, approve in cards
    ]
    return ledger


@pytest.mark.parametrize(
    ("ledger", "effects"),
    [
        (a_ledger((False, 0, True)), 1),
        (a_ledger((False, 0, False)), 0),
        (a_ledger((False, 0, None), (False, 0, True)), 1),
        (a_ledger((False, 0, True), (True, 1, False)), 1),
        (a_ledger((False, 0, True), (True, 0, True)), 1),
        (a_ledger((False, 0, True), (True, 1, True)), 2),
        (a_ledger((False, 0, True), (False, 0, True), calls=2), 2),
        (a_ledger((False, 0, True), (False, 0, True), (True, 1, True), calls=2), 2),
        (a_ledger((False, 0, True), (False, 0, False), calls=2), 0),
    ],
)
def test_what_is_right(ledger: Ledger, effects: int) -> None:
    assert list(wrong(ledger, [EFFECT] * effects)) == []


@pytest.mark.parametrize(
    ("ledger", "effects"),
    [
        (a_ledger((False, 0, True)), 0),
        (a_ledger((False, 0, True)), 2),
        (a_ledger((False, 0, False)), 1),
        (a_ledger((False, 0, None)), 0),
        (a_ledger((True, 0, True)), 1),
        (a_ledger((False, 0, True), (False, 1, False)), 1),
        (a_ledger((False, 0, False), (True, 0, True)), 1),
        (a_ledger((False, 0, True), (True, 1, True)), 1),
        (a_ledger((False, 0, True), (True, 2, False)), 2),
        (a_ledger((False, 0, True), (False, 0, True), calls=2), 1),
        (a_ledger((False, 0, True), (False, 0, False), calls=2), 2),
    ],
)
def test_what_is_wrong(ledger: Ledger, effects: int) -> None:
    assert list(wrong(ledger, [EFFECT] * effects))


def test_other_arguments_than_those_that_were_approved_are_wrong() -> None:
    assert list(wrong(a_ledger((False, 0, True)), ["transfer_slowly a 2 EUR"]))


def test_its_options_are_those_that_it_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOAK_ACTS", raising=False)
    assert read_acts() is None
    for setting in str(Acts(kills=3, seed=5, settle_seconds=60)).split():
        monkeypatch.setenv(*setting.split("="))
    assert read_acts() == Acts(kills=3, seed=5, settle_seconds=60)
