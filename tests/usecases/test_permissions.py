"""Who may do what, by role: the people whom the settings name, and the members of channels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from crewgate.domain.crew import Crew
from crewgate.domain.errors import NotAnOperator, NotAReader, NotAReviewer, NotAStarter, UnknownCrew
from crewgate.domain.people import Anyone, Email, Role, User, UserGroup
from crewgate.usecases import permissions
from crewgate.usecases.permissions import Subject
from tests.builders import ANA, BEN, EVE, a_crew, a_review
from tests.usecases.slack_standins import FakeDirectory

CHANNEL = a_crew().channel
DECIDING = (Role.REVIEWER, Role.STARTER, Role.OPERATOR)


@dataclass
class Asked:
    """Who is asked for permission, on what the directory knows."""

    crews: dict[str, Crew] = field(default_factory=lambda: {"research": a_crew()})
    directory: FakeDirectory = field(default_factory=FakeDirectory)

    def require(self, user: str, role: Role, subject: Subject = "research") -> None:
        permissions.require(user, role, subject, crews=self.crews, directory=self.directory)

    async def ensure(self, user: str, role: Role, subject: Subject = "research") -> None:
        await permissions.ensure(user, role, subject, crews=self.crews, directory=self.directory)

    async def may(self, user: str, role: Role, subject: Subject = "research") -> bool:
        return await permissions.may(
            user, role, subject, crews=self.crews, directory=self.directory
        )

    async def crews_of(self, user: str, role: Role, *, recheck: bool = False) -> tuple[str, ...]:
        return await permissions.crews_of(
            user, role, crews=self.crews, directory=self.directory, recheck=recheck
        )


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def open_to_anyone() -> Asked:
    """Everybody in the channel has every role; Ana is in it."""
    anyone = (Anyone(),)
    crew = a_crew(reviewers=anyone, starters=anyone, operators=anyone)
    return Asked({"research": crew}, FakeDirectory(channels={CHANNEL: {ANA.id}}))


async def test_a_person_reviews_the_crews_that_name_them(asked: Asked) -> None:
    asked.crews["open"] = a_crew("open", reviewers=(Anyone(),))
    asked.crews["other"] = a_crew("other", reviewers=(UserGroup("S0GROUP"),))
    asked.directory.channels[CHANNEL] = {ANA.id}

    assert await asked.crews_of(ANA.id, Role.REVIEWER) == ("research", "open")


async def test_starters_are_the_reviewers_unless_the_settings_say_who(asked: Asked) -> None:
    asked.require(ANA.id, Role.STARTER)
    with pytest.raises(NotAStarter):
        asked.require(EVE.id, Role.STARTER)
    with pytest.raises(UnknownCrew):
        asked.require(ANA.id, Role.STARTER, "nobody")

    asked.crews["research"] = replace(asked.crews["research"], starters=(User(EVE.id),))
    asked.require(EVE.id, Role.STARTER)
    assert await asked.crews_of(BEN.id, Role.STARTER) == ()

    asked.crews["research"] = replace(asked.crews["research"], starters=())
    for user in (ANA.id, BEN.id, EVE.id):
        assert not await asked.may(user, Role.STARTER)


async def test_to_start_a_crew_is_not_to_review_it(asked: Asked) -> None:
    asked.crews["research"] = a_crew(starters=(User(EVE.id),), operators=(User("U0OPS"),))
    assert await asked.may(EVE.id, Role.STARTER)
    assert await asked.may("U0OPS", Role.OPERATOR)
    for user in (EVE.id, "U0OPS"):
        assert not await asked.may(user, Role.REVIEWER, a_review())
    with pytest.raises(NotAReviewer) as caught:
        asked.require(EVE.id, Role.REVIEWER, a_review())
    assert caught.value.permitted == (User(ANA.id), User(BEN.id))
    with pytest.raises(NotAnOperator):
        asked.require(EVE.id, Role.OPERATOR)


@pytest.mark.parametrize("role", Role)
async def test_nobody_has_a_role_for_a_crew_that_is_not_there(asked: Asked, role: Role) -> None:
    assert not await asked.may(ANA.id, role, "gone")


@pytest.mark.parametrize("role", DECIDING)
def test_anyone_is_anyone_in_the_channel_and_not_in_the_workspace(
    open_to_anyone: Asked, role: Role
) -> None:
    open_to_anyone.require(ANA.id, role)
    with pytest.raises((NotAReviewer, NotAStarter, NotAnOperator)) as caught:
        open_to_anyone.require(EVE.id, role)
    assert not caught.value.uncertain


@pytest.mark.parametrize("role", DECIDING)
async def test_guests_decide_only_if_they_are_named(open_to_anyone: Asked, role: Role) -> None:
    open_to_anyone.directory.guests = {ANA.id}
    assert not await open_to_anyone.may(ANA.id, role)
    assert await open_to_anyone.may(ANA.id, Role.READER)

    named = (User(ANA.id),)
    crew = a_crew(reviewers=named, starters=named, operators=named)
    open_to_anyone.crews["research"] = crew
    assert await open_to_anyone.may(ANA.id, role)


async def test_reviewers_starters_operators_and_members_read(asked: Asked) -> None:
    asked.crews["research"] = a_crew(starters=(User("U0STARTER"),), operators=(User("U0OPS"),))
    asked.directory.channels[CHANNEL] = {"U0MEMBER"}
    for user in (ANA.id, "U0STARTER", "U0OPS", "U0MEMBER"):
        asked.require(user, Role.READER)
    with pytest.raises(NotAReader):
        asked.require(EVE.id, Role.READER)
    assert not asked.directory.looked_up


async def test_what_memory_does_not_tell_is_asked_of_slack(open_to_anyone: Asked) -> None:
    directory = open_to_anyone.directory
    directory.channels, directory.learns = {}, {CHANNEL: {ANA.id}}
    with pytest.raises(NotAReviewer) as caught:
        open_to_anyone.require(ANA.id, Role.REVIEWER)
    assert caught.value.uncertain

    await open_to_anyone.ensure(ANA.id, Role.REVIEWER)

    assert directory.looked_up == [(ANA.id, CHANNEL)]
    open_to_anyone.require(ANA.id, Role.REVIEWER)


async def test_nobody_decides_or_reads_while_slack_does_not_answer(
    open_to_anyone: Asked,
) -> None:
    open_to_anyone.directory.channels = {}
    for role in Role:
        assert not await open_to_anyone.may(ANA.id, role)
        assert await open_to_anyone.crews_of(ANA.id, role) == ()
    with pytest.raises(NotAReviewer) as caught:
        await open_to_anyone.ensure(ANA.id, Role.REVIEWER)
    assert caught.value.uncertain


async def test_who_joined_the_channel_just_now_is_not_turned_away(open_to_anyone: Asked) -> None:
    open_to_anyone.directory.learns = {CHANNEL: {EVE.id}}
    assert not await open_to_anyone.may(EVE.id, Role.REVIEWER)  # a list does not ask each time

    await open_to_anyone.ensure(EVE.id, Role.REVIEWER)


async def test_a_member_is_looked_up_also_where_somebody_else_is_resolved(asked: Asked) -> None:
    """As at a start, when memory tells neither of the address nor of the channel."""
    ben = Email("ben@example.com")
    asked.crews["research"] = a_crew(reviewers=(Anyone(), ben))
    asked.directory.channels, asked.directory.learns = {}, {CHANNEL: {ANA.id}}
    asked.directory.resolves = {ben: frozenset({BEN.id})}
    await asked.ensure(ANA.id, Role.REVIEWER)
    asked.require(BEN.id, Role.REVIEWER)


async def test_of_a_list_slack_is_asked_once_for_all_that_it_was_not_asked_before(
    asked: Asked,
) -> None:
    people = [Email(f"{number}@example.com") for number in range(30)]
    asked.crews = {str(ref): a_crew(str(ref), reviewers=(ref,)) for ref in people}
    asked.directory.people = {people[0]: frozenset()}
    asked.directory.resolves = {people[9]: frozenset({ANA.id})}
    assert await asked.crews_of(ANA.id, Role.STARTER, recheck=True) == ("9@example.com",)
    assert asked.directory.resolved == [tuple(people[1:])]


async def test_slack_is_not_asked_about_people_who_must_be_named(asked: Asked) -> None:
    with pytest.raises(NotAReviewer):
        await asked.ensure(EVE.id, Role.REVIEWER)
    assert not asked.directory.looked_up
