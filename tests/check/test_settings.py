"""The lines of `crewgate check` about the settings, for which it asks nobody."""

import os
from pathlib import Path

import pytest

from crewgate.check.run import advice_on
from crewgate.check.settings import check_settings
from crewgate.settings.load import SINGLE_CREW, load
from crewgate.usecases.read_models import CrewUnavailable
from tests.check.conftest import Ask
from tests.settings.environments import ENOUGH

CREW = """
[crews.tea]
url = "http://127.0.0.1:1"
token_env = "TEA_TOKEN"
webhook_secret_env = "CREW_WEBHOOK_SECRET_2"
"""


async def lines(ask: Ask, place: str, **changes: str) -> list[str]:
    _, said = await ask(**changes)
    return [line for line in said if line.startswith(place, 2)]


async def test_a_variable_that_nobody_reads_is_told_where_another_may_be_meant(ask: Ask) -> None:
    said = await lines(ask, "settings", NOTIFFY="dm", LOGLEVEL="debug", HOSTNAME="a", REVIEWER="U1")
    assert said == [
        "✓ settings: 1 crew",
        "! settings: LOGLEVEL is not read; did you mean LOG_LEVEL?",
        "! settings: NOTIFFY is not read; did you mean NOTIFY?",
    ]


async def test_a_secret_that_is_too_short_to_be_taken_out_is_told(ask: Ask) -> None:
    why = "has fewer than 8 characters, so no text loses it; use a longer one"
    shared = await lines(ask, "SLACK_BOT_TOKEN", SLACK_BOT_TOKEN="xoxb-12")
    assert f"! SLACK_BOT_TOKEN: its secret {why}" in shared
    short = await lines(ask, "crew", CREW_TOKEN="1234567")
    assert [line for line in short if line.endswith(f": its token {why}")]
    assert why not in str(await lines(ask, "crew", CREW_TOKEN="12345678"))


async def test_a_hosts_secret_that_is_too_short_to_be_taken_out_is_told(ask: Ask) -> None:
    more = {"MODEL_KEY": "1234567", "DB_PASSWORD": "12345678", "KEYCLOAK_URL": "https:"}
    [_, said] = await lines(ask, "settings", MAX_TOKENS="4096", **more)
    why = "has fewer than 8 characters, so `crewgate host` takes it out of no text"
    assert said == f"! settings: MODEL_KEY {why}; use a longer one"


@pytest.mark.parametrize(
    ("why", "advice"),
    [
        ("the certificate was not accepted: self-signed certificate", "trust its issuer"),
        ("connection refused", "start it"),
        ("the host name is not known", "check its url"),
    ],
)
def test_a_crew_that_cannot_be_called_is_told_with_advice(why: str, advice: str) -> None:
    assert advice in advice_on(CrewUnavailable(why))


async def test_variables_of_a_crew_that_stands_beside_the_file_are_told(
    ask: Ask, tmp_path: Path
) -> None:
    (tmp_path / "crews.toml").write_text(CREW, encoding="utf-8")
    secrets = {"TEA_TOKEN": "a-token-of-tea", "CREW_WEBHOOK_SECRET_2": "a-secret-of-a-crew"}
    said = await lines(ask, "settings", CREW_WEBHOOK_SECRET_2_PREVIOUS="x" * 16, **secrets)
    assert said[0] == "✓ settings: 2 crews"
    [doubt] = said[1:]
    assert doubt == (
        f"! settings: {', '.join(SINGLE_CREW)} describe one more crew beside those of crews.toml;"
        " take them out if that is not meant"
    )


@pytest.mark.parametrize("named", ["CREW_TOKEN", "CREW_WEBHOOK_SECRET"])
async def test_the_file_counts_where_one_crew_left_something_over(
    ask: Ask, tmp_path: Path, named: str
) -> None:
    """A variable that the file names is none, and a malformed one stops nobody."""
    file = CREW.replace("TEA_TOKEN" if named == "CREW_TOKEN" else "CREW_WEBHOOK_SECRET_2", named)
    (tmp_path / "crews.toml").write_text(file, encoding="utf-8")
    secrets = {"TEA_TOKEN": "a-token-of-tea", "CREW_WEBHOOK_SECRET_2": "a-secret-of-a-crew"}
    left = {"CREW_URL": "", "CREW_NAME": "n o"} | {named: "a-secret-of-a-crew"}
    said = await lines(ask, "settings", **secrets, **left)
    others = ", ".join(name for name in SINGLE_CREW[1:] if name != named)
    assert said == [
        "✓ settings: 1 crew",
        f"! settings: not read beside crews.toml, so take out what is left over: {others}",
    ]


@pytest.mark.parametrize(
    ("url", "is_open"),
    [
        ("http://crew.example.com", True),
        ("http://8.8.8.8:1", True),
        ("https://crew.example.com", False),
        ("http://crew:8000", False),
        ("http://10.0.0.7", False),
        ("http://localhost:1", False),
    ],
)
def test_plain_http_at_a_public_host_is_told(tmp_path: Path, url: str, *, is_open: bool) -> None:
    settings = load({**ENOUGH, "CREW_URL": url, "PUBLIC_URL": url}, tmp_path)
    found = [str(one) for one in check_settings(settings)]
    why = "is plain http at a public host: its secret can be read on its way; use https"
    told = [f"! PUBLIC_URL: {why}", f"! crew “crew”: its url {why}"]
    assert [line for line in found if "plain http" in line] == told * is_open


@pytest.mark.parametrize("secret", ["123456.654321", "a-secret-with-thirty-two-characte", "A" * 32])
async def test_what_cannot_be_a_signing_secret_is_wrong(ask: Ask, secret: str) -> None:
    (said,) = await lines(ask, "SLACK_SIGNING_SECRET", SLACK_SIGNING_SECRET=secret)
    assert said == (
        "✗ SLACK_SIGNING_SECRET: this is no signing secret of Slack's, which has 32 letters and"
        " digits; put the one there of Slack's page Basic Information, App Credentials"
    )


async def test_a_crew_s_address_has_no_route_at_its_end(ask: Ask) -> None:
    said = await lines(ask, "crew", CREW_URL="http://127.0.0.1:1/kickoff/")
    assert said[0] == (
        "✗ crew “research”: its url ends in /kickoff; put the deployment's own address there,"
        " without it"
    )


async def test_the_folder_of_the_database_must_be_there_and_writable(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    (said,) = await lines(ask, "database", DATABASE_URL=f"sqlite:///{gone / 'crewgate.db'}")
    assert said == (
        f"✗ database: the folder {gone} does not exist; make it, or correct DATABASE_URL"
    )
    # Who runs the tests may be allowed everything.
    monkeypatch.setattr(os, "access", lambda *_: False)
    (said,) = await lines(ask, "database")
    assert said == (
        f"✗ database: the folder {tmp_path} may not be written to; let this user, or correct"
        " DATABASE_URL"
    )
