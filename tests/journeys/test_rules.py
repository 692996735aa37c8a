"""Rules over real HTTP: several approvals, another channel, what time brings, and standing in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from crewgate.demo.environment import ANA, BEN, CARL, CHANNEL, WEBHOOK_SECRET
from crewgate.demo.ports import free_port
from crewgate.demo.workspace import Message, buttons, message_text
from crewgate.runtime import Runtime, utc_now
from crewgate.usecases.delivery.heartbeat import LOOK_AGAIN
from tests.journeys.conftest import AT_ONCE, MakeWorld, World
from tests.journeys.people import modal

CREWS = """
[crews.research]
url = "CREW_URL"
token_env = "RESEARCH_TOKEN"
webhook_secret_env = "RESEARCH_SECRET"
reviewers = ["U0ANA", "U0BEN"]

[[crews.research.rules]]
"""
ENVIRONMENT = {
    "RESEARCH_TOKEN": "demo-crew-token",
    "RESEARCH_SECRET": WEBHOOK_SECRET,
    **dict.fromkeys(("CREW_NAME", "CREW_URL", "CREW_TOKEN", "CREW_WEBHOOK_SECRET"), ""),
}
TWO = f"""{CREWS}
name = "two eyes"
approvals = 2
"""
ELSEWHERE = f"""{CREWS}
name = "law"
when = {{ task = "contract*" }}
channel = "C0LEGAL"
reviewers = ["U0CARL"]
"""
IN_TIME = f"""{CREWS}
name = "in time"
remind = {{ after = "2h", most = 1 }}
escalate = {{ after = "1d", to = ["U0CARL"] }}
timeout = {{ after = "3d", then = "revise", feedback = "Nobody had time." }}
"""


FEW = "Nobody is left who may approve this."
OPERATED = CREWS.replace(
    'reviewers = ["U0ANA", "U0BEN"]', 'reviewers = ["U0ANA"]\noperators = ["U0CARL"]'
)


@dataclass
class Skewed:
    """The real time, and as much later as a test says."""

    later: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return utc_now() + self.later


async def in_thread(world: World, card: Message, shows: str) -> Message:
    """What the bot said in the card's thread, once it is there."""

    def found() -> list[Message]:
        return [
            message
            for message in world.slack.messages(card.channel)
            if card.ts in (message.thread_ts, message.ts) and shows in message_text(message)
        ]

    return (await world.slack.until(found))[-1]


async def test_the_last_of_two_approvals_resumes_the_crew_once(make_world: MakeWorld) -> None:
    async with make_world(crews_file=TWO, **ENVIRONMENT) as world:
        await world.pause()
        card = await world.card("A draft")
        await world.slack.click(ANA, card, "Approve")
        await world.slack.click(ANA, world.slack.fresh(card), "Approve")
        assert buttons(world.slack.fresh(card))[:2] == ["Approve", "Revise"]
        assert not world.crew.resumes
        await world.slack.click(BEN, world.slack.fresh(card), "Approve")
        await world.delivered(card)
        [resume] = world.crew.resumes
        assert (resume.is_approve, resume.human_feedback) == (True, "Approved.")


async def test_a_rule_is_chosen_by_the_eleventh_input_which_nobody_is_shown(
    make_world: MakeWorld,
) -> None:
    port = free_port()
    crews_file = f'{TWO}when = {{ inputs = {{ amount = "9*" }} }}\n'
    url = f"http://127.0.0.1:{port}"
    async with make_world(
        port=port, crews_file=crews_file, **ENVIRONMENT | {"PUBLIC_URL": url}
    ) as world:
        world.crew.human_input = None
        ten = {"topic": "tea"} | {f"n{number}": "x" for number in range(9)}
        for count, (amount, strict) in enumerate(
            ((90_000, True), ("90000." + "0" * 300, True), (10, False), ([1], True)), start=1
        ):
            status, _ = await world.post(
                "/crews/research/kickoff",
                json.dumps({"inputs": ten | {"amount": amount}}).encode(),
                Authorization=f"Bearer {world.crew.token}",
                Content_Type="application/json",
            )
            assert status == 200
            await world.slack.until(lambda: len(cards(world, CHANNEL)) == count)  # noqa: B023
            shown = message_text(cards(world, CHANNEL)[-1])
            assert ("two eyes" in shown) is strict, amount
            assert "9000" not in shown


async def test_a_rule_s_card_is_in_its_channel_and_its_people_decide(
    make_world: MakeWorld,
) -> None:
    async with make_world(crews_file=ELSEWHERE, **ENVIRONMENT) as world:
        world.slack.add_channel("C0LEGAL", "legal", members=[CARL])
        await world.pause("contract_1", "A clause.")
        [card] = await world.slack.until(lambda: cards(world, "C0LEGAL"))
        assert cards(world, CHANNEL) == []
        await world.slack.click(ANA, card, "Approve")
        assert "not a reviewer" in await world.told(ANA)
        await world.slack.click(CARL, card, "Approve")
        await world.delivered(card)
        assert len(world.crew.resumes) == 1


OVER = f"""{CREWS}
name = "over the limit"
when = {{ json = {{ eur = ">= 50000" }} }}
channel = "C0LEGAL"
reviewers = ["U0CARL"]
"""


async def below_the_limit(world: World) -> Message:
    """Carl sends a contract over the limit back, and the next output is in the crew's channel."""
    world.slack.add_channel("C0LEGAL", "legal", members=[CARL])
    await world.pause(output={"eur": 90_000, "for": "Acme"})
    [card] = await world.slack.until(lambda: cards(world, "C0LEGAL"))
    await world.slack.click(CARL, card, "Revise")
    await modal(world, CARL)
    await world.slack.submit(CARL, {"feedback": "Ask Globex."})
    await world.delivered(card)
    await world.pause(output={"eur": 10, "for": "Globex"})
    return (await world.slack.until(lambda: cards(world, CHANNEL)))[-1]


async def test_the_next_round_elsewhere_tells_nothing_of_one_that_a_rule_keeps_to_its_channel(
    make_world: MakeWorld,
) -> None:
    crews_file = OVER.replace('["U0ANA", "U0BEN"]', '["U0ANA"]')
    async with make_world(crews_file=crews_file, **ENVIRONMENT) as world:
        card = await below_the_limit(world)
        assert "Ask Globex" not in message_text(card)
        assert "Acme" not in message_text(card)
        assert "Changes" not in buttons(card)
        await world.slack.overflow(BEN, card, "History")
        shown = (await modal(world, BEN, "Globex")).shown
        assert "Ask Globex" not in shown
        assert "Acme" not in shown
        await world.slack.overflow(CARL, card, "History")
        assert "Acme" in (await modal(world, CARL, "Ask Globex")).shown


async def test_a_private_message_tells_of_earlier_rounds_what_its_person_may_read(
    make_world: MakeWorld,
) -> None:
    people = '["U0ANA", "U0CARL"]\nkickers = []\nnotify = "dm"'
    crews_file = OVER.replace('["U0ANA", "U0BEN"]', people)
    async with make_world(crews_file=crews_file, **ENVIRONMENT) as world:
        await below_the_limit(world)
        ana, carl = (world.slack.world.im(user).id for user in (ANA, CARL))
        [hers] = await world.slack.until(lambda: cards(world, ana))
        assert "Ask Globex" not in message_text(hers)
        assert "Changes" not in buttons(hers)
        [his] = await world.slack.until(lambda: cards(world, carl))
        assert "Ask Globex" in message_text(his)
        await world.slack.click(CARL, his, "Changes")
        await modal(world, CARL, "Acme")


def cards(world: World, channel: str) -> list[Message]:
    return [one for one in world.slack.messages(channel) if "Approve" in buttons(one)]


async def test_where_nobody_may_approve_the_card_calls_the_operators(
    make_world: MakeWorld,
) -> None:
    crews_file = f'{OPERATED}name = "strict"\nself_approval = false\nunknown_starter = "deny"\n'
    async with make_world(crews_file=crews_file, **ENVIRONMENT) as world:
        await world.pause()
        card = await world.shown(await world.card("A draft"), FEW)
        assert f"<@{CARL}>: let more people decide" in message_text(card)
        assert CARL in card.pings
        await world.slack.click(ANA, card, "Approve")
        await world.slack.click(ANA, card, "Revise")
        await modal(world, ANA)
        await world.slack.submit(ANA, {"feedback": "Let others see it."})
        await world.delivered(card)


async def soon(seconds: float) -> None:
    """Sleep, but look again at once whether Slack is there: until then time does not count."""
    await Runtime().sleep(seconds if seconds > LOOK_AGAIN.total_seconds() else 0.01)


async def test_what_time_brings_comes_by_itself(make_world: MakeWorld) -> None:
    clock = Skewed()
    runtime = replace(AT_ONCE, clock=clock, sleep=soon)
    async with make_world(runtime, crews_file=IN_TIME, **ENVIRONMENT) as world:
        await world.pause()
        card = await world.card("A draft")
        clock.later = timedelta(hours=3)
        await in_thread(world, card, "still waits")
        clock.later = timedelta(days=1, hours=1)
        called = await in_thread(world, card, f"<@{CARL}>")
        assert CARL in called.pings
        clock.later = timedelta(days=3, hours=1)
        await in_thread(world, card, "Nobody decided")
        await world.delivered(card)
        [resume] = world.crew.resumes
        assert (resume.is_approve, resume.human_feedback) == (False, "Nobody had time.")
