"""Reviewers given as e-mails and user groups: resolved ahead of time, kept when Slack is away."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from crewgate.domain.errors import StoreUnavailable
from crewgate.domain.outcome import NotSent
from crewgate.domain.people import Anyone, Email, EmailOwner, ReviewerRef, User, UserGroup
from crewgate.domain.rules.rule import Naming
from crewgate.runtime import Runtime
from crewgate.slack.client import directory as directories
from crewgate.slack.client.directory import RENEW_SOON, TRUST, OwnerOf, SlackDirectory
from crewgate.slack.client.identity import Identity
from crewgate.slack.client.web_api import new_client
from crewgate.usecases.ports.base import Wakeup
from tests.builders import FakeClock
from tests.slack.client.installations import Remembered
from tests.slack.client.owners import whoever_has_it
from tests.standins.workspace import HANG, Fault, Workspace, error, malformed, rate_limited

BEN, LEGAL = Email("ben@example.com"), UserGroup("S0LEGAL")
REVIEWERS = (User("U0ANA"), BEN, LEGAL, Anyone())


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with Workspace() as workspace:
        workspace.add_user("U0ANA", "Ana")
        workspace.add_user("U0BEN", "Ben", "ben@example.com")
        workspace.add_user("U0CARL", "Carl")
        workspace.add_group("S0LEGAL", "legal", ["U0CARL"])
        yield workspace


def a_directory(
    slack: Workspace,
    clock: FakeClock,
    named: Sequence[ReviewerRef] = REVIEWERS,
    owner_of: OwnerOf | None = None,
) -> SlackDirectory:
    client = new_client(token=slack.bot_token, base_url=slack.api_url)
    identity = Identity(client, sleep=Runtime().sleep, installations=Remembered())
    return SlackDirectory(identity, named, owner_of=owner_of or whoever_has_it, clock=clock)


async def test_before_slack_was_asked_only_ids_are_known(slack: Workspace) -> None:
    members = a_directory(slack, FakeClock()).members(REVIEWERS)

    assert members.users == {"U0ANA"}
    assert members.unresolved == (BEN, LEGAL)


async def test_e_mails_and_groups_become_people(slack: Workspace) -> None:
    directory = a_directory(slack, FakeClock())

    await directory.renew()

    assert directory.members(REVIEWERS).users == {"U0ANA", "U0BEN", "U0CARL"}
    assert not directory.unresolved


async def test_an_address_is_named_as_the_account_it_stands_for(slack: Workspace) -> None:
    gone = Email("gone@example.com")
    directory = a_directory(slack, FakeClock(), [*REVIEWERS, gone])
    assert directory.in_slack([BEN, gone]) == (BEN, gone)

    await directory.renew()

    named = directory.in_slack([*REVIEWERS, gone, User("U0BEN")])
    assert named == (User("U0ANA"), User("U0BEN"), LEGAL, Anyone())


async def test_who_left_a_group_is_nobody_once_it_was_asked_again(slack: Workspace) -> None:
    clock = FakeClock()
    directory = a_directory(slack, clock)
    await directory.renew()
    slack.add_group("S0LEGAL", "legal", [])

    await directory.renew()
    assert "U0CARL" in directory.members(REVIEWERS).users  # asked a moment ago
    clock.now += RENEW_SOON
    await directory.renew()

    assert "U0CARL" not in directory.members(REVIEWERS).users


@pytest.mark.parametrize(
    ("fault", "unresolved"), [(None, ()), (error("fatal_error"), (BEN,)), (HANG, (BEN, LEGAL))]
)
async def test_posting_waits_for_slack_only_so_long(
    slack: Workspace,
    fault: Fault | None,
    unresolved: tuple[ReviewerRef, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(directories, "ASK_SECONDS", 0.01 if fault is HANG else 60)
    if fault:
        slack.fail("users.lookupByEmail", fault, times=None)
    directory = a_directory(slack, FakeClock())
    asking = asyncio.create_task(directory.run())

    async with asyncio.timeout(60):
        await directory.wait_until_asked()

    assert directory.members(REVIEWERS).unresolved == unresolved
    asking.cancel()


async def test_whose_account_is_deactivated_is_known_of_everybody_named_by_id(
    slack: Workspace,
) -> None:
    slack.world.users["U0ANA"] = replace(slack.world.users["U0ANA"], deleted=True)
    directory = a_directory(slack, FakeClock())
    assert not directory.is_gone("U0ANA")
    asking = asyncio.create_task(directory.run())
    async with asyncio.timeout(60):
        while not directory.is_gone("U0ANA"):
            await Wakeup().wait(0.001)
    asking.cancel()


async def test_with_a_time_zone_slack_tells_if_the_account_is_deactivated(slack: Workspace) -> None:
    ana = replace(slack.world.users["U0ANA"], tz="Europe/Berlin")
    directory = a_directory(slack, FakeClock())
    for deleted in (False, True):
        slack.world.users["U0ANA"] = replace(ana, deleted=deleted)
        assert str(await directory.zone_of("U0ANA")) == "Europe/Berlin"
        assert directory.is_gone("U0ANA") is deleted
    assert await directory.zone_of("U0NOBODY") is None


async def test_a_limit_of_slack_s_is_reached_by_other_addresses_each_time(slack: Workspace) -> None:
    clock = FakeClock()
    named = [Email(f"{name}@example.com") for name in ("ana", "ben", "carl", "dan")]
    directory = a_directory(slack, clock, named)

    async def asked_about() -> list[str]:
        """Slack answers two of them."""
        before = len(slack.calls)
        clock.now += RENEW_SOON
        slack.fail("users.lookupByEmail", error("users_not_found"), times=2)
        slack.fail("users.lookupByEmail", rate_limited(30))
        await directory.renew()
        return [call.args["email"].partition("@")[0] for call in slack.calls[before:]]

    assert await asked_about() == ["ana", "ben", "carl"]
    assert await asked_about() == ["carl", "dan", "ana"]
    assert directory.unresolved == ()
    assert await asked_about() == ["ana", "ben", "carl"]
    assert await asked_about() == ["carl", "dan", "ana"]


async def test_an_outage_keeps_what_was_known(slack: Workspace) -> None:
    clock = FakeClock()
    directory = a_directory(slack, clock)
    await directory.renew()
    slack.api.revoked = True
    clock.now += RENEW_SOON

    await directory.renew()

    assert directory.members(REVIEWERS).users == {"U0ANA", "U0BEN", "U0CARL"}


@pytest.mark.parametrize("why", ["missing_scope", "fatal_error"])
async def test_a_group_that_slack_no_longer_tells_of_decides_nothing_after_a_while(
    slack: Workspace, why: str
) -> None:
    clock = FakeClock()
    directory = a_directory(slack, clock, [LEGAL])
    await directory.renew()
    slack.fail("usergroups.users.list", error(why), times=None)
    clock.now += TRUST
    await directory.renew()
    assert directory.members((LEGAL,)).users == {"U0CARL"}
    assert not directory.warning
    clock.now += RENEW_SOON
    await directory.renew()
    assert directory.members((LEGAL,)).unresolved == directory.unresolved == (LEGAL,)
    assert "S0LEGAL: " in str(directory.warning)
    assert why in str(directory.warning)
    slack.clear_faults()
    await directory.resolve([LEGAL])
    assert directory.members((LEGAL,)).users == {"U0CARL"}
    assert directory.warning is None


async def test_what_is_not_told_is_asked_for_without_all_the_rest(slack: Workspace) -> None:
    slack.fail("usergroups.users.list", error("missing_scope"), times=None)
    directory = a_directory(slack, FakeClock())
    for _ in range(3):
        await directory.renew()
    assert len(slack.calls_of("users.lookupByEmail")) == 1
    assert len(slack.calls_of("usergroups.users.list")) == 3


async def test_the_address_of_a_starter_makes_nobody_a_reviewer(slack: Workspace) -> None:
    async def owner_of(address: str, account: str) -> EmailOwner:
        return EmailOwner(address, "U0ANA", account)

    directory = a_directory(slack, FakeClock(), [], owner_of)
    await directory.ask_about(BEN)
    assert directory.starters((BEN, User("U0CARL"))).users == {"U0BEN", "U0CARL"}
    assert directory.members((BEN,)).unresolved == (BEN,)
    await directory.resolve([BEN])
    assert directory.members((BEN,)).users == {"U0ANA"}


async def test_an_outage_at_the_start_leaves_it_open_who_may(slack: Workspace) -> None:
    directory = a_directory(slack, FakeClock())
    slack.fail("users.lookupByEmail", error("internal_error"))

    await directory.renew()
    assert directory.members(REVIEWERS).unresolved
    await directory.renew()

    assert not directory.members(REVIEWERS).unresolved


async def test_a_scope_that_is_taken_away_takes_nobody_s_place(slack: Workspace) -> None:
    clock = FakeClock()
    directory = a_directory(slack, clock)
    await directory.renew()
    slack.fail("users.lookupByEmail", error("missing_scope"))
    slack.add_group("S0LEGAL", "legal", ["U0ANA"])
    clock.now += RENEW_SOON

    await directory.renew()

    assert directory.members(REVIEWERS).users == {"U0ANA", "U0BEN"}


async def test_nobody_has_that_address(slack: Workspace) -> None:
    gone = Email("gone@example.com")
    directory = a_directory(slack, FakeClock(), [gone])

    await directory.renew()

    members = directory.members((gone,))
    assert (members.users, members.unresolved) == (frozenset(), ())


@pytest.mark.parametrize("method", ["users.lookupByEmail", "usergroups.users.list"])
@pytest.mark.parametrize("how", [error("missing_scope"), malformed({"ok": True})])
async def test_only_who_is_gone_is_nobody(slack: Workspace, method: str, how: Fault) -> None:
    clock = FakeClock()
    directory = a_directory(slack, clock)
    await directory.renew()
    slack.fail(method, how)
    clock.now += RENEW_SOON

    await directory.renew()

    assert directory.members(REVIEWERS).users == {"U0ANA", "U0BEN", "U0CARL"}


async def test_a_channel_that_decides_nothing_is_no_reason_to_warn(slack: Workspace) -> None:
    client = new_client(token=slack.bot_token, base_url=slack.api_url)
    identity = Identity(client, sleep=Runtime().sleep, installations=Remembered())
    slack.add_channel("C1", "reviews")
    channels = ("C1", "C0NAMED", "C0OPEN")
    directory = SlackDirectory(
        identity,
        (),
        owner_of=whoever_has_it,
        clock=FakeClock(),
        channels=channels,
        open_channels={"C0OPEN"},
    )
    for channel in channels:
        await directory.look_up("U0ANA", channel, guests=True)
    assert directory.warning == "Slack does not say who is in C0OPEN: channel_not_found"

    slack.fail("conversations.members", error("missing_scope"))
    await directory.look_up("U0ANA", "C1", guests=True)
    assert "C1: missing_scope" in directory.warning


async def test_an_address_stands_for_its_owner_whomever_slack_names(slack: Workspace) -> None:
    owner = EmailOwner(BEN.address, "U0ANA", moved_to="U0BEN")

    async def owner_of(address: str, account: str) -> EmailOwner:
        assert (address, account) == (BEN.address, "U0BEN")
        return owner

    clock = FakeClock()
    directory = a_directory(slack, clock, [BEN], owner_of)
    await directory.renew()
    assert directory.members((BEN,)).users == {"U0ANA"}
    assert "ben@example.com (U0BEN)" in str(directory.moved_warning)

    owner = EmailOwner(BEN.address, "U0BEN")
    clock.now += RENEW_SOON
    await directory.renew()
    assert directory.members((BEN,)).users == {"U0BEN"}
    assert directory.moved_warning is None


async def test_without_the_database_nobody_learns_whom_an_address_stands_for(
    slack: Workspace,
) -> None:
    async def owner_of(_address: str, _account: str) -> EmailOwner:
        raise StoreUnavailable("disk full")

    directory = a_directory(slack, FakeClock(), [BEN], owner_of)
    await directory.renew()
    assert directory.unresolved == (BEN,)


async def test_an_address_that_no_setting_names_is_asked_about_when_it_is_needed(
    slack: Workspace,
) -> None:
    asked = [Email("carl@example.com"), Email("nobody@example.com")]
    slack.add_user("U0CARL", "Carl", "carl@example.com")
    directory = a_directory(slack, FakeClock())
    assert directory.starters(tuple(asked)).unresolved == tuple(asked)
    for address in asked:
        await directory.ask_about(address)
    members = directory.starters(tuple(asked))
    assert members.users == {"U0CARL"}
    assert members.unresolved == ()


async def test_it_stays_unknown_while_slack_does_not_say(slack: Workspace) -> None:
    address = Email("carl@example.com")
    slack.fail("users.lookupByEmail", error("internal_error"))
    directory = a_directory(slack, FakeClock())
    await directory.ask_about(address)
    assert directory.starters((address,)).unresolved == (address,)


async def test_where_the_bot_may_not_ask_nobody_is_known_by_it(slack: Workspace) -> None:
    address = Email("carl@example.com")
    slack.fail("users.lookupByEmail", error("missing_scope"))
    directory = a_directory(slack, FakeClock())
    await directory.ask_about(address)
    members = directory.starters((address,))
    assert (members.users, members.unresolved) == (frozenset(), ())


async def test_whom_the_settings_name_is_asked_about_by_the_loop_alone(slack: Workspace) -> None:
    directory = a_directory(slack, FakeClock())
    await directory.ask_about(BEN)
    assert directory.members((BEN,)).unresolved == (BEN,)


async def test_a_colleague_is_neither_a_guest_nor_a_bot_nor_unknown(slack: Workspace) -> None:
    slack.add_user("U0GUS", "Gus", is_guest=True)
    directory = a_directory(slack, FakeClock())
    assert directory.is_colleague("U0ANA") is None
    assert await directory.look_up_colleague("U0ANA") is True
    assert directory.is_colleague("U0ANA") is True
    assert await directory.look_up_colleague("U0ANA") is True
    assert await directory.look_up_colleague("U0GUS") is False
    assert await directory.look_up_colleague("U0NOBODY") is False
    slack.fail("users.info", error("internal_error"))
    assert await directory.look_up_colleague("U0CARL") is None


async def test_a_named_person_is_a_full_member_of_this_workspace(slack: Workspace) -> None:
    slack.add_user("U0GUS", "Gus", "gus@example.com", is_guest=True)
    slack.add_user("U0OTTO", "Otto", team_id="T0OTHER")
    directory = a_directory(slack, FakeClock())
    for named in (BEN, User("U0BEN")):
        assert await directory.find_member(named) == User("U0BEN")
    for address in ("gus@example.com", "nobody@example.com"):
        assert await directory.find_member(Email(address)) is Naming.NO_MEMBER
    for user in ("U0OTTO", "U0DEMOBOT", "U0NOBODY"):
        assert await directory.find_member(User(user)) is Naming.NO_MEMBER


async def test_whom_an_address_stood_for_first_is_named_though_it_moved(slack: Workspace) -> None:
    async def first(address: str, account: str) -> EmailOwner:
        return EmailOwner(address, "U0ANA").seen_with(account)

    directory = a_directory(slack, FakeClock(), named=(), owner_of=first)
    # Who starts an execution is the account that it stands for now.
    await directory.ask_about(BEN)
    assert directory.starters((BEN,)).users == {"U0BEN"}
    assert await directory.find_member(BEN) == User("U0ANA")


async def test_nobody_waits_because_an_address_was_asked_about_before(slack: Workspace) -> None:
    directory = a_directory(slack, FakeClock(), named=())
    new = Email("new@example.com")
    await directory.ask_about(new)
    slack.add_user("U0NEW", "New", "new@example.com")
    assert await directory.find_member(new) == User("U0NEW")


@pytest.mark.parametrize(
    ("method", "how", "said"),
    [
        ("users.lookupByEmail", error("missing_scope"), Naming.NOT_TOLD),
        ("users.lookupByEmail", error("internal_error"), "Slack failed (200 internal_error)"),
        ("users.lookupByEmail", rate_limited(5), "Slack asks to slow down"),
        ("users.info", error("fatal_error"), "Slack does not say who a named reviewer is"),
    ],
)
async def test_what_slack_does_not_say_is_asked_again_unless_it_refuses(
    slack: Workspace, method: str, how: Fault, said: object
) -> None:
    directory = a_directory(slack, FakeClock(), named=())
    slack.fail(method, how)
    found = await directory.find_member(BEN)
    assert found in (said, NotSent(str(said), alone=True))
    assert await directory.find_member(BEN) == User("U0BEN")


async def test_without_the_database_nobody_is_named_yet(slack: Workspace) -> None:
    async def away(address: str, account: str) -> EmailOwner:
        raise StoreUnavailable(f"{address} {account}")

    found = await a_directory(slack, FakeClock(), owner_of=away).find_member(BEN)
    assert isinstance(found, NotSent)
