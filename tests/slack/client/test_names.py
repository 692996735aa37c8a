"""People's names, for lines that name somebody without a mention."""

from collections.abc import AsyncIterator

import pytest

from crewgate.slack.client.people import NAME_ASKED_AGAIN, NAME_KEPT, Names
from crewgate.slack.client.web_api import new_client
from tests.builders import SECOND, FakeClock
from tests.standins.workspace import Workspace, error


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with Workspace() as workspace:
        workspace.add_user("U0ANA", "Ana")
        workspace.add_user("U0BEN", "Ben")
        yield workspace


def the_names(slack: Workspace, clock: FakeClock) -> Names:
    return Names(new_client(token=slack.bot_token, base_url=slack.api_url), clock)


def asked(slack: Workspace) -> list[object]:
    return [call.args.get("user") for call in slack.calls if call.method == "users.info"]


async def test_names_are_asked_for_once_a_day(slack: Workspace) -> None:
    clock = FakeClock()
    names = the_names(slack, clock)

    assert await names.of(["U0ANA", "U0BEN"]) == {"U0ANA": "Ana", "U0BEN": "Ben"}
    assert await names.of(["U0ANA"]) == {"U0ANA": "Ana"}
    assert asked(slack) == ["U0ANA", "U0BEN"]
    clock.now += NAME_KEPT
    await names.of(["U0ANA"])
    assert asked(slack) == ["U0ANA", "U0BEN", "U0ANA"]


async def test_nobody_is_named_while_slack_does_not_tell(slack: Workspace) -> None:
    clock = FakeClock()
    names = the_names(slack, clock)
    slack.fail("users.info", error("internal_error"))

    assert await names.of(["U0ANA"]) == {}
    assert await names.of(["U0ANA"]) == {}
    assert len(asked(slack)) == 1
    clock.now += NAME_ASKED_AGAIN
    assert await names.of(["U0ANA"]) == {"U0ANA": "Ana"}


async def test_an_old_name_is_better_than_none(slack: Workspace) -> None:
    clock = FakeClock()
    names = the_names(slack, clock)
    await names.of(["U0ANA"])
    clock.now += NAME_KEPT + SECOND
    slack.fail("users.info", error("internal_error"))

    assert await names.of(["U0ANA"]) == {"U0ANA": "Ana"}


async def test_not_more_names_than_these_are_kept(
    slack: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crewgate.slack.client.people.NAMES_KEPT", 5)
    names = the_names(slack, FakeClock())
    await names.of(["U0ANA", *(f"U{number}" for number in range(4))])
    before = len(asked(slack))
    await names.of(["U0BEN", "U0ANA"])
    assert len(asked(slack)) == before + 2
