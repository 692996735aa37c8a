"""Permissions by role: for people whom the settings name, and for members of channels."""

from dataclasses import replace

import pytest

from crewgate.domain.errors import NotAnOperator, NotAReader, NotAReviewer, NotAStarter, UnknownCrew
from crewgate.domain.people import Anyone, Email, Role, User, UserGroup
from crewgate.usecases.access import Access, Scope
from tests.builders import ANA, BEN, EVE, a_crew, a_review
from tests.usecases.world import World

CHANNEL = a_crew().channel
DECIDING = (Role.REVIEWER, Role.STARTER, Role.OPERATOR)


def require(world: World, user: str, role: Role, scope: Scope = "research") -> None:
    """Raise the refusal that memory answers with, if it does."""
    access = Access(
        crews=world.crews, directory=world.directory, read=world.uow.read, at=world.clock()
    )
    if refused := access.refusal(user, role, scope):
        raise refused


async def crews_of(world: World, user: str, role: Role) -> tuple[str, ...]:
    return await world.reviews.crews_of(user, role)


async def may(world: World, user: str, role: Role, scope: Scope = "research") -> bool:
    return await world.reviews.may(user, role, scope)


async def ensure(world: World, user: str, role: Role = Role.REVIEWER) -> None:
    await world.reviews.ensure(user, role, "research")


@pytest.fixture
def open_to_anyone(world: World) -> World:
    """Everybody in the channel has every role; Ana is in it."""
    anyone = (Anyone(),)
    world.crews["research"] = a_crew(reviewers=anyone, starters=anyone, operators=anyone)
    world.directory.channels = {CHANNEL: {ANA.id}}
    return world


async def test_a_person_reviews_the_crews_that_name_them(world: World) -> None:
    world.crews["open"] = a_crew("open", reviewers=(Anyone(),))
    world.crews["other"] = a_crew("other", reviewers=(UserGroup("S0GROUP"),))
    world.directory.channels[CHANNEL] = {ANA.id}

    assert await crews_of(world, ANA.id, Role.REVIEWER) == ("research", "open")


async def test_starters_are_the_reviewers_unless_the_settings_say_who(world: World) -> None:
    require(world, ANA.id, Role.STARTER)
    with pytest.raises(NotAStarter):
        require(world, EVE.id, Role.STARTER)
    with pytest.raises(UnknownCrew):
        require(world, ANA.id, Role.STARTER, "nobody")

    world.crews["research"] = replace(world.crews["research"], starters=(User(EVE.id),))
    require(world, EVE.id, Role.STARTER)
    assert await crews_of(world, BEN.id, Role.STARTER) == ()

    world.crews["research"] = replace(world.crews["research"], starters=())
    for user in (ANA.id, BEN.id, EVE.id):
        assert not await may(world, user, Role.STARTER)


async def test_to_start_a_crew_is_not_to_review_it(world: World) -> None:
    world.crews["research"] = a_crew(starters=(User(EVE.id),), operators=(User("U0OPS"),))
    assert await may(world, EVE.id, Role.STARTER)
    assert await may(world, "U0OPS", Role.OPERATOR)
    for user in (EVE.id, "U0OPS"):
        assert not await may(world, user, Role.REVIEWER, a_review())
    with pytest.raises(NotAReviewer) as caught:
        require(world, EVE.id, Role.REVIEWER, a_review())
    assert caught.value.permitted == (User(ANA.id), User(BEN.id))
    with pytest.raises(NotAnOperator):
        require(world, EVE.id, Role.OPERATOR)


@pytest.mark.parametrize("role", Role)
async def test_nobody_has_a_role_for_a_crew_that_is_not_there(world: World, role: Role) -> None:
    assert not await may(world, ANA.id, role, "gone")


@pytest.mark.parametrize("role", DECIDING)
async def test_anyone_is_anyone_in_the_channel_and_not_in_the_workspace(
    open_to_anyone: World, role: Role
) -> None:
    require(open_to_anyone, ANA.id, role)
    with pytest.raises((NotAReviewer, NotAStarter, NotAnOperator)) as caught:
        require(open_to_anyone, EVE.id, role)
    assert not caught.value.uncertain


@pytest.mark.parametrize("role", DECIDING)
async def test_guests_decide_only_if_they_are_named(open_to_anyone: World, role: Role) -> None:
    open_to_anyone.directory.guests = {ANA.id}
    assert not await may(open_to_anyone, ANA.id, role)
    assert await may(open_to_anyone, ANA.id, Role.READER)

    named = (User(ANA.id),)
    crew = a_crew(reviewers=named, starters=named, operators=named)
    open_to_anyone.crews["research"] = crew
    assert await may(open_to_anyone, ANA.id, role)


async def test_reviewers_starters_operators_and_members_read(world: World) -> None:
    world.crews["research"] = a_crew(starters=(User("U0STARTER"),), operators=(User("U0OPS"),))
    world.directory.channels[CHANNEL] = {"U0MEMBER"}
    for user in (ANA.id, "U0STARTER", "U0OPS", "U0MEMBER"):
        require(world, user, Role.READER)
    with pytest.raises(NotAReader):
        require(world, EVE.id, Role.READER)
    assert not world.directory.looked_up


async def test_what_memory_does_not_tell_is_asked_of_slack(open_to_anyone: World) -> None:
    directory = open_to_anyone.directory
    directory.channels, directory.learns = {}, {CHANNEL: {ANA.id}}
    with pytest.raises(NotAReviewer) as caught:
        require(open_to_anyone, ANA.id, Role.REVIEWER)
    assert caught.value.uncertain

    await ensure(open_to_anyone, ANA.id, Role.REVIEWER)

    assert directory.looked_up == [(ANA.id, CHANNEL)]
    require(open_to_anyone, ANA.id, Role.REVIEWER)


async def test_nobody_decides_or_reads_while_slack_does_not_answer(
    open_to_anyone: World,
) -> None:
    open_to_anyone.directory.channels = {}
    for role in Role:
        assert not await may(open_to_anyone, ANA.id, role)
        assert await crews_of(open_to_anyone, ANA.id, role) == ()
    with pytest.raises(NotAReviewer) as caught:
        await ensure(open_to_anyone, ANA.id, Role.REVIEWER)
    assert caught.value.uncertain


async def test_who_joined_the_channel_just_now_is_not_turned_away(open_to_anyone: World) -> None:
    open_to_anyone.directory.learns = {CHANNEL: {EVE.id}}
    assert not await may(open_to_anyone, EVE.id, Role.REVIEWER)  # a list does not ask each time

    await ensure(open_to_anyone, EVE.id, Role.REVIEWER)


async def test_a_member_is_looked_up_also_where_somebody_else_is_resolved(world: World) -> None:
    """So it is at a start, when memory knows neither the address nor the channel."""
    ben = Email("ben@example.com")
    world.crews["research"] = a_crew(reviewers=(Anyone(), ben))
    world.directory.channels, world.directory.learns = {}, {CHANNEL: {ANA.id}}
    world.directory.resolves = {ben: frozenset({BEN.id})}
    await ensure(world, ANA.id, Role.REVIEWER)
    require(world, BEN.id, Role.REVIEWER)


async def test_what_memory_learns_before_slack_is_asked_counts(world: World) -> None:
    """So it is right after a start, while Slack is asked about groups anyway."""
    legal = UserGroup("S0LEGAL")
    world.crews["research"] = a_crew(reviewers=(legal,))
    for work in (ensure(world, ANA.id), crews_of(world, ANA.id, Role.REVIEWER)):
        world.directory.people = {}
        world.directory.told_later = {legal: frozenset({ANA.id})}
        assert await work in (None, ("research",))
    assert world.directory.resolved == [(), ()]


async def test_of_a_list_slack_is_asked_once_for_all_that_it_was_not_asked_before(
    world: World,
) -> None:
    people = [Email(f"{number}@example.com") for number in range(30)]
    world.crews = {str(ref): a_crew(str(ref), reviewers=(ref,)) for ref in people}
    world.directory.people = {people[0]: frozenset()}
    world.directory.resolves = {people[9]: frozenset({ANA.id})}
    assert await crews_of(world, ANA.id, Role.STARTER) == ("9@example.com",)
    assert world.directory.resolved == [tuple(people[1:])]


async def test_slack_is_not_asked_about_people_who_must_be_named(world: World) -> None:
    with pytest.raises(NotAReviewer):
        await ensure(world, EVE.id, Role.REVIEWER)
    assert not world.directory.looked_up
