"""The callers of a crew's addresses."""

import base64

import pytest

from crewgate.web.credentials import Credentials, EventKind, is_bearer

CREDENTIALS = Credentials("research", ("the secret",), "the-token")


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("authorization", "crew", "caller"),
    [
        ("Bearer the secret", True, False),
        ("bearer  the secret ", True, False),
        (basic("research", "the secret"), True, False),
        ("Bearer the-token", False, True),
        (basic("research", "the-token"), False, False),
        (basic("other", "the secret"), False, False),
        ("Basic !", False, False),
        ("the-token", False, False),
        ("Bearer", False, False),
        ("", False, False),
        (None, False, False),
    ],
)
def test_a_crew_and_its_callers_present_different_things(
    authorization: str | None, crew: bool, caller: bool
) -> None:
    assert CREDENTIALS.accept_crew(authorization) is crew
    assert CREDENTIALS.accept_caller(authorization) is caller


def test_nobody_calls_a_crew_that_expects_no_token() -> None:
    without = Credentials("research", ("the secret",), None)
    assert not any(map(without.accept_caller, ("Bearer", "Bearer ", "Bearer None", None)))


def test_what_is_not_utf_8_is_no_match_and_no_error() -> None:
    assert not is_bearer("Bearer schl\udcfcssel", "schlüssel")


def test_each_kind_of_event_has_a_key_of_its_own() -> None:
    keys = {kind: CREDENTIALS.event_keys(kind)[0] for kind in EventKind}
    assert len(set(keys.values())) == len(EventKind)
    for kind in EventKind:
        accepted = [key for key in keys.values() if CREDENTIALS.accept_event(kind, key)]
        assert accepted == [keys[kind]]


def test_the_secret_before_counts_while_there_is_one() -> None:
    before = Credentials("research", ("the secret",), "the-token")
    now = Credentials("research", ("a newer one", "the secret"), "the-token")
    after = Credentials("research", ("a newer one",), "the-token")
    for authorization in ("Bearer the secret", basic("research", "the secret")):
        assert now.accept_crew(authorization)
        assert not after.accept_crew(authorization)
    assert now.accept_crew("Bearer a newer one")
    for kind in EventKind:
        given_away = before.event_keys(kind)[0]
        assert now.accept_event(kind, given_away)
        assert not after.accept_event(kind, given_away)
        assert now.event_keys(kind)[0] == after.event_keys(kind)[0] != given_away


def test_crews_of_one_secret_have_keys_of_their_own() -> None:
    other = Credentials("other", CREDENTIALS.webhook_secrets, "the-token")
    for kind in EventKind:
        assert not CREDENTIALS.accept_event(kind, other.event_keys(kind)[0])


def test_secrets_are_not_shown() -> None:
    assert repr(CREDENTIALS) == "Credentials(crew='research')"
