"""Starting executions, whatever the database does meanwhile."""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from crewgate.domain.errors import (
    NoCrewUrl,
    NoPublicUrl,
    StoreUnavailable,
    TooManyKickoffs,
    UnknownCrew,
)
from crewgate.domain.notification import HumanInputWebhook, WebhookUrls
from crewgate.domain.outcome import NotSent, Unknown
from crewgate.domain.people import Email, User
from crewgate.domain.redaction import Redactor
from crewgate.store.executions import ExecutionQueries
from crewgate.usecases.kickoff import Kickoffs, register_webhooks
from crewgate.usecases.ports.crew import KickoffAnswer, KickoffOutcome, KickoffRequest
from crewgate.usecases.teaching import Teaching
from tests.builders import ANA
from tests.usecases.crew_standins import FakeCrew
from tests.usecases.world import World

ANSWER = KickoffAnswer(status=200, body=b"{}", content_type="application/json", execution_id="e-1")
THEIRS = WebhookUrls(task="https://theirs.example/task")
ASKED = KickoffRequest(body=b'{"inputs": {}}', given=THEIRS)


@dataclass
class Shaky:
    """A database that is away for the first transactions."""

    world: World
    failures: deque[StoreUnavailable] = field(default_factory=deque)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        if self.failures:
            raise self.failures.popleft()
        async with self.world.uow.begin() as tx:
            yield tx

    @property
    def read(self) -> Any:
        return self.world.uow.read


@pytest.fixture
def shaky(world: World) -> Shaky:
    own = WebhookUrls(human_input=HumanInputWebhook("https://ours.example"))
    world.crews["research"] = replace(world.crews["research"], own=own)
    return Shaky(world)


def new_kickoffs(shaky: Shaky, client: FakeCrew | None = None, **more: Any) -> Kickoffs:
    clients = {"research": client or FakeCrew(kickoff_outcome=ANSWER)}
    uow: Any = shaky
    return Kickoffs(
        uow=uow,
        crews=shaky.world.crews,
        clients=clients,
        clock=shaky.world.clock,
        new_id=shaky.world.new_id,
        redactors={"research": Redactor()},
        teaching=Teaching(uow, clients, clock=shaky.world.clock),
        **({"pause": timedelta(0)} | more),
    )


def recorded(shaky: Shaky) -> ExecutionQueries:
    return shaky.world.uow.read.executions


async def test_a_kickoff_is_stored_with_its_callers_urls(shaky: Shaky) -> None:
    client = FakeCrew(kickoff_outcome=ANSWER)

    assert await new_kickoffs(shaky, client).start("research", ASKED) is ANSWER

    assert await recorded(shaky).given_webhooks("research", "e-1") == THEIRS
    [(_, carried)] = client.kickoffs
    assert carried.task == THEIRS.task
    assert carried.human_input == HumanInputWebhook("https://ours.example")


async def test_nothing_is_stored_of_what_did_not_start(shaky: Shaky) -> None:
    await new_kickoffs(shaky, FakeCrew(kickoff_outcome=NotSent("refused"))).start("research", ASKED)
    refused = replace(ANSWER, status=422, execution_id=None)
    kickoffs = new_kickoffs(shaky, FakeCrew(kickoff_outcome=refused))
    await kickoffs.start("research", ASKED)
    await kickoffs.finish()

    assert await recorded(shaky).find("research", "e-1") is None


async def unclear(shaky: Shaky) -> tuple[User | Email | None, ...]:
    now = shaky.world.clock()
    async with shaky.begin() as tx:
        found = await tx.executions.unclear_kickoffs("research", since=now, until=now)
    return tuple(one.starter for one in found)


@pytest.mark.parametrize(
    ("outcome", "kept"),
    [
        (ANSWER, False),
        (NotSent("refused"), False),
        (replace(ANSWER, status=422, execution_id=None), False),
        (replace(ANSWER, status=504, execution_id=None), True),
        (Unknown("connection lost"), True),
    ],
)
async def test_who_started_it_is_kept_while_nobody_knows_what_was_answered(
    shaky: Shaky, outcome: KickoffOutcome, kept: bool
) -> None:
    said = replace(ASKED, meta=(("started_by", "ben@example.com"),))
    kickoffs = new_kickoffs(shaky, FakeCrew(kickoff_outcome=outcome))
    await kickoffs.start("research", ASKED, by=ANA)
    await kickoffs.start("research", said)
    await kickoffs.start("research", ASKED)
    assert await unclear(shaky) == ((User(ANA.id), Email("ben@example.com")) if kept else ())


async def test_from_before_the_crew_is_called(shaky: Shaky) -> None:
    crew = Slow()
    kickoffs = new_kickoffs(shaky, crew)
    starting = asyncio.create_task(kickoffs.start("research", ASKED, by=ANA))
    await crew.called.wait()
    assert await unclear(shaky) == (User(ANA.id),)
    crew.may_answer.set()
    await starting
    assert await unclear(shaky) == ()


async def test_a_crew_is_started_while_the_database_is_away(shaky: Shaky) -> None:
    shaky.failures.append(StoreUnavailable("away"))
    kickoffs = new_kickoffs(shaky, FakeCrew(kickoff_outcome=Unknown("lost")))
    await kickoffs.start("research", ASKED, by=ANA)
    assert await unclear(shaky) == ()


async def test_what_cannot_be_forgotten_is_kept(shaky: Shaky) -> None:
    class Refusing(FakeCrew):
        async def kickoff(self, request: KickoffRequest, webhooks: WebhookUrls) -> KickoffOutcome:
            shaky.failures.append(StoreUnavailable("away"))
            return NotSent("refused")

    await new_kickoffs(shaky, Refusing()).start("research", ASKED, by=ANA)
    assert await unclear(shaky) == (User(ANA.id),)


async def test_a_kickoff_is_stored_once_the_database_is_back(shaky: Shaky) -> None:
    shaky.failures.extend([StoreUnavailable("away")] * 2)
    kickoffs = new_kickoffs(shaky)

    assert await kickoffs.start("research", KickoffRequest(body=b"{}")) is ANSWER
    await kickoffs.finish()

    assert await recorded(shaky).find("research", "e-1")


async def test_a_stop_does_not_wait_for_the_next_try(shaky: Shaky) -> None:
    shaky.failures.extend([StoreUnavailable("away")] * 2)
    kickoffs = new_kickoffs(shaky, pause=timedelta(days=1))

    await kickoffs.start("research", ASKED)
    await kickoffs.finish()

    assert await recorded(shaky).find("research", "e-1")


class Slow(FakeCrew):
    """A crew that answers a kickoff when it may."""

    def __init__(self) -> None:
        super().__init__(kickoff_outcome=ANSWER)
        self.called = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def kickoff(self, request: KickoffRequest, webhooks: WebhookUrls) -> KickoffOutcome:
        self.called.set()
        await self.may_answer.wait()
        return await super().kickoff(request, webhooks)


async def test_a_stop_waits_for_an_answer_and_until_that_is_stored(shaky: Shaky) -> None:
    shaky.failures.append(StoreUnavailable("away"))
    crew = Slow()
    kickoffs = new_kickoffs(shaky, crew)
    starting = asyncio.create_task(kickoffs.start("research", ASKED))
    await crew.called.wait()

    stopping = asyncio.create_task(kickoffs.finish(within=60))
    crew.may_answer.set()
    await stopping

    assert await starting is ANSWER
    assert await recorded(shaky).find("research", "e-1")


async def test_a_stop_waits_only_so_long_and_says_for_which_crews_in_vain(
    shaky: Shaky, capsys: pytest.CaptureFixture[str]
) -> None:
    crew = Slow()
    kickoffs = new_kickoffs(shaky, crew)
    starting = asyncio.create_task(kickoffs.start("research", ASKED))
    await crew.called.wait()

    await kickoffs.finish(within=0)
    assert re.search(r"kickoffs_cut_off +crews=\['research'\]", capsys.readouterr().out)
    crew.may_answer.set()
    assert await starting is ANSWER


@pytest.mark.parametrize(
    ("status", "execution_id", "is_in_doubt"),
    [
        (200, "e-1", False),
        (200, None, True),
        (299, None, True),
        (302, None, False),
        (408, None, True),
        (422, None, False),
        (429, None, False),
        (500, None, True),
        (504, None, True),
        (504, "e-1", False),
    ],
)
def test_a_crew_may_have_started_what_it_does_not_name_unless_it_says_no(
    status: int, execution_id: str | None, is_in_doubt: bool
) -> None:
    answer = replace(ANSWER, status=status, execution_id=execution_id)
    assert answer.is_in_doubt is is_in_doubt


async def test_in_the_end_it_is_said_to_be_lost(shaky: Shaky) -> None:
    shaky.failures.extend([StoreUnavailable("away")] * 2)
    kickoffs = new_kickoffs(shaky, tries=1)
    await kickoffs.start("research", ASKED)
    await kickoffs.finish()

    assert await recorded(shaky).find("research", "e-1") is None


async def test_what_is_not_passed_on(shaky: Shaky) -> None:
    with pytest.raises(UnknownCrew):
        await new_kickoffs(shaky).start("nobody", ASKED)
    with pytest.raises(TooManyKickoffs):
        await new_kickoffs(shaky, at_once=0).start("research", ASKED)
    shaky.world.crews["research"] = replace(shaky.world.crews["research"], own=WebhookUrls())
    with pytest.raises(NoPublicUrl):
        await new_kickoffs(shaky).start("research", ASKED)
    shaky.world.crews["research"] = replace(shaky.world.crews["research"], is_fetched=True)
    with pytest.raises(NoCrewUrl):
        await new_kickoffs(shaky).start("research", ASKED)


async def test_a_form_is_claimed_once(shaky: Shaky) -> None:
    kickoffs = new_kickoffs(shaky)
    shaky.failures.append(StoreUnavailable("away"))
    with pytest.raises(StoreUnavailable):
        await kickoffs.claim_form("research", "V1.h1")

    assert await kickoffs.claim_form("research", "V1.h1")
    assert not await kickoffs.claim_form("research", "V1.h1")
    assert await kickoffs.claim_form("research", "V1.h2")
    with pytest.raises(TooManyKickoffs):
        await new_kickoffs(shaky, at_once=0).claim_form("research", "V1.h3")


async def test_what_it_was_started_on_is_kept(shaky: Shaky) -> None:
    asked = replace(ASKED, inputs=(("topic", "tea"),), meta=(("ticket", "T-1"),))

    await new_kickoffs(shaky).start("research", asked)

    execution = await recorded(shaky).find("research", "e-1")
    assert execution is not None
    assert (execution.inputs, execution.meta) == (asked.inputs, asked.meta)
    assert (execution.topic, execution.starter) == ("tea", None)


async def test_registering_adds_to_what_is_known(world: World) -> None:
    crew = WebhookUrls(crew="https://theirs.example/crew")
    for urls in (THEIRS, crew):
        await register_webhooks("research", "e-1", urls, uow=world.uow, clock=world.clock)

    assert await world.uow.read.executions.given_webhooks("research", "e-1") == THEIRS.or_else(crew)
