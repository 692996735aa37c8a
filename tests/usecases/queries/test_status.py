"""`/crew status`: the executions that a person may ask about, and the answers."""

import pytest

from crewgate.domain.errors import AmbiguousExecution, ExecutionNotFound, NotAReader, UnknownCrew
from crewgate.domain.people import User
from crewgate.usecases import queries as look
from crewgate.usecases.queries import queue
from crewgate.usecases.read_models import (
    CrewStatus,
    CrewUnavailable,
    ExecutionStatus,
    Progress,
    QueuePart,
)
from tests.builders import ANA, EVE, SECOND, a_crew
from tests.usecases.world import World


async def pending(world: World, mine: str | None = None) -> QueuePart:
    return await look.pending(mine or ANA.id, mine=mine is not None, context=world.reviews)


async def execution(world: World, prefix: str, by: str = ANA.id) -> ExecutionStatus:
    clients = dict.fromkeys(world.crews, world.crew)
    return await look.execution(prefix, by=by, context=world.reviews, clients=clients)


async def test_nothing_waits(world: World) -> None:
    assert await pending(world) == QueuePart((), 0)


async def test_what_waits_is_listed_with_the_oldest_first(world: World) -> None:
    rounds = []
    for n in range(3):
        rounds.append((await world.notify(execution_id=f"e-{n}")).round)
        world.clock.advance(SECOND)
    await world.settle_slack()
    await world.decide(rounds[1].id)
    found = await pending(world)
    assert found.total == 2
    assert [line.round for line in found.lines] == [rounds[0], rounds[2]]
    assert [line.card for line in found.lines] == [
        world.slack.card(rounds[0].id).ref,
        world.slack.card(rounds[2].id).ref,
    ]


async def test_a_round_without_a_card_is_listed_too(world: World) -> None:
    await world.notify()
    assert [line.card for line in (await pending(world)).lines] == [None]


async def test_the_list_is_cut_and_says_how_many_there_are(world: World) -> None:
    for n in range(look.LINES + 3):
        await world.notify(execution_id=f"e-{n:02}")
        world.clock.advance(SECOND)
    found = await pending(world)
    assert (len(found.lines), found.total) == (look.LINES, look.LINES + 3)
    assert found.lines[0].round.review.execution_id == "e-00"


async def test_mine_is_what_i_may_decide(world: World) -> None:
    world.crews["other"] = a_crew("other", reviewers=(User(EVE.id),))
    await world.notify()
    theirs = await world.notify(crew="other")
    found = await pending(world, mine=EVE.id)
    assert ([line.round for line in found.lines], found.total) == ([theirs.round], 1)
    assert await pending(world, mine="U0NOBODY") == QueuePart((), 0)
    assert (await pending(world, mine=ANA.id)).total == 1


async def test_an_execution_is_named_by_its_beginning(world: World) -> None:
    first = await world.notify(execution_id="abc-1")
    world.clock.advance(SECOND)
    second = await world.notify("Another.", execution_id="abc-1")
    await world.notify(execution_id="xyz-1")
    view = await execution(world, "ab")
    assert (view.execution.crew, view.execution.execution_id) == ("research", "abc-1")
    assert [line.round.id for line in view.rounds] == [first.round.id, second.round.id]
    assert view.progress == Progress(status=CrewStatus.RUNNING, word="running")


async def test_a_whole_id_is_never_ambiguous(world: World) -> None:
    await world.notify(execution_id="abc")
    await world.notify(execution_id="abcd")
    assert (await execution(world, "abc")).execution.execution_id == "abc"


async def test_an_ambiguous_beginning_names_the_candidates(world: World) -> None:
    await world.notify(execution_id="abc-1")
    await world.notify(execution_id="abc-2")
    with pytest.raises(AmbiguousExecution) as caught:
        await execution(world, "abc")
    assert caught.value.candidates == (("research", "abc-1"), ("research", "abc-2"))


async def test_two_crews_may_have_the_same_execution(world: World) -> None:
    world.crews["other"] = a_crew("other")
    await world.notify()
    await world.notify(crew="other")
    with pytest.raises(AmbiguousExecution):
        await execution(world, "e-1")


@pytest.mark.parametrize("prefix", ["zzz", "e-1 ", "%", "E-1"])
async def test_an_unknown_execution_is_not_found(world: World, prefix: str) -> None:
    await world.notify()
    with pytest.raises(ExecutionNotFound):
        await execution(world, prefix)


async def test_a_crew_that_does_not_answer_is_shown_as_such(world: World) -> None:
    await world.notify()
    world.crew.silent = True
    view = await execution(world, "e-1")
    assert view.progress == CrewUnavailable("no answer within 2 s")
    assert len(view.rounds) == 1


async def test_nobody_reads_a_crew_that_is_gone_from_the_settings(world: World) -> None:
    await world.notify(crew="gone")
    assert (await pending(world)).total == 0
    with pytest.raises(UnknownCrew):
        await execution(world, "e-1")


async def test_lists_and_their_totals_leave_out_what_the_asker_may_not_read(world: World) -> None:
    world.crews["secret"] = a_crew("secret", reviewers=(User(EVE.id),), channel="C0SECRET")
    world.directory.channels["C0SECRET"] = {"U0MEMBER"}
    await world.notify(crew="secret", execution_id="s-1")
    assert await pending(world) == QueuePart((), 0)
    for reader in (EVE.id, "U0MEMBER"):
        assert (await look.pending(reader, mine=False, context=world.reviews)).total == 1
        assert (await execution(world, "s-", reader)).execution.crew == "secret"


async def test_only_who_has_the_whole_id_learns_that_an_execution_is_there(world: World) -> None:
    world.crews["secret"] = a_crew("secret", reviewers=(User(EVE.id),), channel="C0SECRET")
    world.directory.channels["C0SECRET"] = set()
    await world.notify(crew="secret", execution_id="s-1")
    with pytest.raises(ExecutionNotFound):
        await execution(world, "s-")
    with pytest.raises(NotAReader):
        await execution(world, "s-1")


async def test_a_queue_holds_nothing_that_its_reader_may_not_read(world: World) -> None:
    world.crews["secret"] = a_crew("secret", reviewers=(User(EVE.id),), channel="C0SECRET")
    world.directory.channels["C0SECRET"] = {"U0MEMBER"}
    waiting, decided = [
        (await world.notify(crew="secret", execution_id=f"s-{n}")).round for n in range(2)
    ]
    await world.decide(decided.id, by=EVE)

    hidden = await queue(ANA.id, page=0, context=world.reviews)
    seen = await queue("U0MEMBER", page=0, context=world.reviews)

    assert (hidden.others.total, hidden.decided.total, hidden.pages) == (0, 0, 1)
    assert [line.round.id for line in seen.others.lines] == [waiting.id]
    assert (seen.mine.total, seen.decided.total) == (0, 1)
