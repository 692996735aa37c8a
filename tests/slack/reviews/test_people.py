"""The people who are left to approve, as far as Slack names the starter."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crewgate.domain.crew import Crew
from crewgate.domain.people import Email, ReviewerRef, User
from crewgate.domain.rules.absence import Absence
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import Escalation
from crewgate.runtime import Runtime
from crewgate.slack.client.directory import SlackDirectory
from crewgate.slack.client.identity import Identity
from crewgate.slack.client.web_api import new_client
from crewgate.slack.reviews.card import render_card
from crewgate.slack.reviews.people import People
from crewgate.usecases.read_models import Approvers
from tests.builders import ANA, BEN, LATER, NOW, FakeClock, a_crew, a_rule
from tests.slack.client.installations import Remembered
from tests.slack.client.owners import whoever_has_it
from tests.slack.rendering import a_view, read
from tests.standins.workspace import Workspace, error

ADDRESS = Email("ana@example.com")
ALONE = (User(ANA.id),)


def people_of(crew: Crew, slack: Workspace, *named: ReviewerRef) -> People:
    clock = FakeClock()
    client = new_client(token=slack.bot_token, base_url=slack.api_url)
    identity = Identity(client, sleep=Runtime().sleep, installations=Remembered())
    directory = SlackDirectory(identity, (*ALONE, *named), owner_of=whoever_has_it, clock=clock)
    return People({crew.name: crew}, directory, clock)


@pytest.mark.parametrize(
    ("said", "fails", "unknown_starter", "found"),
    [
        (User(BEN.id), None, False, Approvers((User(BEN.id),))),
        (User(ANA.id), None, True, Approvers((User(ANA.id),), too_few=True)),
        (ADDRESS, None, True, Approvers((User(ANA.id),), too_few=True)),
        (ADDRESS, "internal_error", False, Approvers(not_told=True)),
        (ADDRESS, "users_not_found", True, Approvers()),
        (None, None, True, Approvers()),
        (None, None, False, Approvers(too_few=True)),
    ],
)
async def test_who_may_not_approve_and_whether_enough_are_left(
    said: User | Email | None, fails: str | None, unknown_starter: bool, found: Approvers
) -> None:
    async with Workspace() as slack:
        slack.add_user(ANA.id, "Ana", ADDRESS.address)
        if fails is not None:
            slack.fail("users.lookupByEmail", error(fails))
        people = people_of(a_crew(reviewers=ALONE), slack)
        rule = a_rule(self_approval=False, unknown_starter=unknown_starter)
        view = replace(a_view(rule=rule), started_by=() if said is None else (said,))
        assert (await people.complete(view)).approvers == found


async def test_operators_are_left_where_nobody_else_is_named() -> None:
    async with Workspace() as slack:
        people = people_of(a_crew(reviewers=(), operators=ALONE), slack)
        found = await people.complete(a_view(rule=a_rule()))
    assert (found.reviewers, found.approvers) == (ALONE, Approvers())


async def test_a_delegate_who_is_known_to_be_a_guest_is_not_shown() -> None:
    until = NOW + timedelta(days=1)
    absence = Absence(away=ANA, delegate=BEN, since=NOW, until=until)
    async with Workspace() as slack:
        slack.add_user(BEN.id, "Ben", is_guest=True)
        people = people_of(a_crew(reviewers=ALONE), slack)
        view = replace(a_view(), absences=(absence,))
        assert (await people.complete(view)).absences == (absence,)
        await people.directory.look_up_colleague(BEN.id)
        assert (await people.complete(view)).absences == ()


async def test_whom_an_escalation_names_by_address_is_shown_as_in_slack() -> None:
    async with Workspace() as slack:
        slack.add_user(BEN.id, "Ben", "ben@example.com")
        people = people_of(a_crew(reviewers=ALONE), slack)
        later = Email("ben@example.com")
        await people.directory.resolve((later,))
        rule = a_rule(escalate=Escalation(Duration.parse("1d"), (later,)))
        view = await people.complete(a_view(rule=rule, escalated_at=NOW))
        card = read(render_card(view, now=LATER))
        assert f"<@{BEN.id}> may decide now, too" in card
        assert later.address not in card
