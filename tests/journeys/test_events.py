"""The crew's plain webhooks: who may send them, and what they are a sign of."""

import json
from collections.abc import AsyncIterator
from itertools import product

import pytest

from crewgate.demo.environment import ANA, CHANNEL, WEBHOOK_SECRET
from crewgate.demo.servers import free_port
from crewgate.web.credentials import Credentials, EventKind
from tests.journeys.conftest import MakeWorld, World, says_delivered
from tests.journeys.flow_world import ENVIRONMENT
from tests.journeys.test_rules import CREWS
from tests.standins.crew import DROP_AFTER, Style, status
from tests.standins.workspace import Message, buttons, message_text

JSON = "application/json"


@pytest.fixture
async def world(make_world: MakeWorld) -> AsyncIterator[World]:
    async with make_world(PUBLIC_URL="https://bot.example.com") as built:
        yield built


def url(kind: EventKind) -> str:
    """An event URL as the bot gives it to crews."""
    key = Credentials("research", (WEBHOOK_SECRET,), "token").event_keys(kind)[0]
    return f"/crews/research/events/{kind}/{key}"


def sign(execution: str = "e-1") -> bytes:
    return json.dumps({"kickoff_id": execution, "meta": {"requestId": "r"}}).encode()


async def test_an_event_is_taken_with_its_own_key_only_and_an_end_closes_what_waits(
    world: World,
) -> None:
    for kind in EventKind:
        accepted = await world.post(url(kind), sign(), Content_Type=JSON)
        others = [other for other in EventKind if other is not kind]
        wrong = [url(other).replace(f"/{other}/", f"/{kind}/") for other in others]

        refused = [await world.post(path, sign(), Content_Type=JSON) for path in wrong]

        assert accepted[0] == 202
        assert [status for status, _ in refused] == [401, 401]
    assert (await world.post("/crews/nobody/events/task/x", sign()))[0] == 404
    assert (await world.post("/crews/research/events/dance/x", sign()))[0] == 404
    before = len(world.slack.messages(CHANNEL))
    assert (await world.post(url(EventKind.TASK), b"{}", Content_Type=JSON))[0] == 400
    await world.slack.until(lambda: len(world.slack.messages(CHANNEL)) > before)

    await world.pause(execution="e-2")
    card = await world.card("A draft")

    assert (await world.post(url(EventKind.CREW), sign("e-2"), Content_Type=JSON))[0] == 202

    closed = await world.shown(card, "ended")
    assert buttons(closed) == ["Read all"]
    await world.slack.click(ANA, card, "Approve")
    assert "closed" in await world.told(ANA)


async def test_a_task_webhook_after_a_lost_answer_is_evidence(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")
    world.crew.fail("/resume", how=DROP_AFTER)
    world.crew.fail("/resume", how=status(500), times=None)
    await world.slack.click(ANA, card, "Approve")
    await world.crew.until(lambda: world.crew.resumes)

    await world.post(url(EventKind.STEP), sign(), Content_Type=JSON)
    assert not says_delivered(world.slack.fresh(card))
    await world.post(url(EventKind.TASK), sign(), Content_Type=JSON)

    await world.delivered(card)
    [resume] = world.crew.resumes
    # It carries our own addresses, for nobody gave any.
    for kind, given in zip(
        EventKind, (resume.urls.task, resume.urls.step, resume.urls.crew), strict=True
    ):
        assert given == f"https://bot.example.com{url(kind)}"
    assert resume.human_input is not None
    assert resume.human_input.url == "https://bot.example.com/crews/research/human-input"
    assert resume.human_input.authorization == f"Bearer {WEBHOOK_SECRET}"


async def test_a_crew_that_forgets_our_credentials_is_given_them_with_the_next_resume(
    make_world: MakeWorld,
) -> None:
    port = free_port()
    async with make_world(port=port) as world:
        world.crew.style = Style.RICH
        for count, (host, authentication) in enumerate(
            product(("127.0.0.1", "LOCALHOST"), (None, "***", "Bearer")), start=1
        ):
            execution = f"e-{count}"
            ours = f"http://{host}:{port}/crews/research/human-input"
            bearer = {"strategy": "bearer", "token": authentication}
            world.crew.start_execution(
                execution_id=execution,
                scripted=False,
                meta={
                    "humanInputWebhookUrl": ours,
                    "humanInputWebhook": {"url": ours, "authentication": authentication and bearer},
                },
            )
            await world.pause("draft", f"A draft of {execution}.", execution)

            card = await world.card(f"A draft of {execution}.")
            await world.slack.click(ANA, card, "Approve")
            await world.crew.until(lambda: len(world.crew.resumes) == count)  # noqa: B023

            sent = world.crew.resumes[-1].human_input
            assert sent is not None
            assert sent.url == f"{world.url}/crews/research/human-input"
            assert sent.headers == {"Authorization": f"Bearer {WEBHOOK_SECRET}"}
            assert await world.pause("final", f"The final words of {execution}.", execution) == 202
            await world.card(f"The final words of {execution}.")


async def test_with_notify_none_progress_mentions_nobody(make_world: MakeWorld) -> None:
    rules = f'{CREWS}\nname = "all"\nnotify = "none"\n'
    env = ENVIRONMENT | {"PUBLIC_URL": "https://bot.example.com"}
    async with make_world(crews_file=rules, **env) as world:
        await world.pause()
        await world.card("A draft")
        assert (await world.post(url(EventKind.TASK), sign(), Content_Type=JSON))[0] == 202

        def progress() -> list[Message]:
            return [one for one in world.slack.messages(CHANNEL) if ":rocket:" in message_text(one)]

        [message] = await world.slack.until(progress)
        assert "*Draft* waits for a decision" in message_text(message)
        assert world.slack.pings(message) == frozenset()
