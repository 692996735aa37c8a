"""Rules over real HTTP: several approvals, another channel, what time brings, and standing in."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from crewgate.demo.environment import ANA, BEN, CARL, CHANNEL
from crewgate.demo.servers import free_port
from crewgate.runtime import Runtime, utc_now
from crewgate.usecases.delivery.heartbeat import LOOK_AGAIN
from tests.journeys.conftest import AT_ONCE, MakeWorld, World
from tests.journeys.flow_world import ENVIRONMENT
from tests.journeys.people import home, in_thread, modal, waiting
from tests.standins.workspace import Message, buttons, error, message_text

CREWS = """
[crews.research]
url = "CREW_URL"
token_env = "RESEARCH_TOKEN"
webhook_secret_env = "RESEARCH_SECRET"
reviewers = ["U0ANA", "U0BEN"]

[[crews.research.rules]]
"""
TWO = f"""{CREWS}
name = "two eyes"
approvals = 2
"""
IN_TIME = f"""{CREWS}
name = "in time"
remind = {{ after = "2h", most = 1 }}
escalate = {{ after = "1d", to = ["U0CARL"] }}
timeout = {{ after = "3d", then = "revise", feedback = "Nobody had time." }}
"""


FEW = "Nobody may approve this."
OPERATED = CREWS.replace(
    'reviewers = ["U0ANA", "U0BEN"]', 'reviewers = ["U0ANA"]\noperators = ["U0CARL"]'
)


@dataclass
class Skewed:
    """The real time, and as much later as a test says."""

    later: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return utc_now() + self.later


@pytest.mark.parametrize("way", ["same signature", "signed anew", "socket"])
@pytest.mark.parametrize("form", [False, True])
async def test_a_press_that_somebody_repeats_does_not_count_after_it_was_taken_back(
    make_world: MakeWorld, form: bool, way: str
) -> None:
    over_socket = {"SLACK_APP_TOKEN": "xapp-demo"} if way == "socket" else {}
    async with make_world(crews_file=TWO, **ENVIRONMENT, **over_socket) as world:
        if over_socket:
            world.slack.events_url = None
            await world.slack.until(lambda: len(world.slack.sockets.open))
        await world.pause()
        card = await world.card("A draft")
        if form:
            await world.slack.overflow(ANA, card, "Approve with a comment…")
            await modal(world, ANA)
            await world.slack.submit(ANA, {"feedback": "Good."})
        else:
            await world.slack.click(ANA, card, "Approve")
        again = way != "same signature"
        repeat = world.slack.sent_again() if again else world.slack.seen_on_its_way()
        await world.slack.click(ANA, await world.shown(card, "1 of 2"), "Take back my approval")
        await world.slack.until(lambda: "1 of 2" not in message_text(world.slack.fresh(card)))

        answer = await repeat()
        assert answer.status == 200
        if again:
            told = str(answer.body) if form else await world.told(ANA)
            assert "press the button again" in told
        await world.slack.click(BEN, world.slack.fresh(card), "Approve")
        await world.shown(card, f"1 of 2: <@{BEN}>")
        assert not world.crew.resumes

        await world.slack.click(ANA, world.slack.fresh(card), "Approve")
        await world.crew.until(lambda: world.crew.resumes)


async def test_a_rule_is_chosen_by_the_eleventh_input_which_nobody_is_shown(
    make_world: MakeWorld,
) -> None:
    crews_file = f'{TWO}when = {{ inputs = {{ amount = "9*" }} }}\n'
    async with make_world(port=free_port(), crews_file=crews_file, **ENVIRONMENT) as world:
        world.crew.human_input = None
        ten = {"topic": "tea"} | {f"n{number}": "x" for number in range(9)}
        for count, (amount, strict) in enumerate(
            ((90_000, True), ("90000." + "0" * 300, True), (10, False), ([1], True)), start=1
        ):
            assert (await world.kick_off(inputs=ten | {"amount": amount}))[0] == 200
            await world.slack.until(lambda: len(waiting(world, CHANNEL)) == count)  # noqa: B023
            shown = message_text(waiting(world, CHANNEL)[-1])
            assert ("two eyes" in shown) is strict, amount
            assert "9000" not in shown


async def test_who_has_approved_can_still_ask_for_a_revision(make_world: MakeWorld) -> None:
    clock = Skewed()
    async with make_world(replace(AT_ONCE, clock=clock), crews_file=TWO, **ENVIRONMENT) as world:
        await world.pause()
        card = await world.card("A draft")
        await world.slack.click(ANA, card, "Approve")
        await world.shown(card, "still needed")
        clock.later += timedelta(minutes=1)

        await world.revise(ANA, card)

        await world.crew.until(lambda: world.crew.resumes)
        assert not world.slack.open_modals(ANA)
        assert world.crew.resumes[0].human_feedback == "Shorter."


async def test_a_comment_after_an_approval_is_kept_in_its_form_and_said_to_be_unsent(
    make_world: MakeWorld,
) -> None:
    async with make_world(crews_file=TWO, **ENVIRONMENT) as world:
        await world.pause()
        card = await world.card("A draft")
        await world.slack.overflow(ANA, card, "Approve with a comment…")
        form = await modal(world, ANA, "Your comment")
        await world.slack.submit(ANA, {"Your comment": "Mind the budget."}, form)
        repeated = await world.slack.sent_again()()
        await world.shown(card, "1 of 2")
        await world.slack.overflow(ANA, world.slack.fresh(card), "Approve with a comment…")
        form = await modal(world, ANA, "Your comment")
        late = await world.slack.submit(ANA, {"Your comment": "And the date."}, form)

        assert "errors" not in str(repeated.body)
        assert "Your text was not sent" in str(late.errors)
        await world.slack.click(BEN, world.slack.fresh(card), "Approve")
        await world.delivered(card)
        await world.crew.until(lambda: world.crew.resumes)
        assert "And the date" not in message_text(world.slack.fresh(card))


async def test_a_card_that_comes_after_the_first_approval_calls_those_who_are_missing(
    make_world: MakeWorld,
) -> None:
    async with make_world(crews_file=TWO, **ENVIRONMENT) as world:
        world.slack.fail("chat.postMessage", error("internal_error"), times=10_000)
        await world.pause()
        await world.slack.open_home(ANA)
        row = await home(world, ANA, "Waiting for you: 1")
        await world.slack.click(ANA, row, "Approve")
        await home(world, ANA, "Waiting for you: 0")
        world.slack.clear_faults()

        card = await world.card("A draft")

        assert f"<@{BEN}>: please decide" in message_text(card)
        await world.slack.click(BEN, card, "I'm on it")
        await world.shown(card, "is on it")
        assert "please decide" not in message_text(world.slack.fresh(card))


WIRES = f"""{CREWS}
name = "wires"
when = {{ contains = ["wire"] }}
approvals = 2
"""


async def test_whoever_writes_words_that_a_stricter_rule_is_for_is_told(
    make_world: MakeWorld,
) -> None:
    async with make_world(crews_file=WIRES, **ENVIRONMENT) as world:
        await world.pause()
        card = await world.card("A draft")
        for user, comment in ((ANA, "Send a wire."), (BEN, "Fine.")):
            await world.slack.overflow(user, card, "Approve with a comment…")
            form = await modal(world, user, "Your comment")
            await world.slack.submit(user, {"Your comment": comment}, form)
        needs = "under the rule “wires”, so it still needs one more approval"
        assert needs in (await modal(world, ANA)).shown
        assert not world.slack.open_modals(BEN)
        await world.delivered(card)


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
    [card] = await world.slack.until(lambda: waiting(world, "C0LEGAL"))
    assert waiting(world) == []
    await world.slack.click(ANA, card, "Approve")
    assert "not a reviewer" in await world.told(ANA)
    await world.revise(CARL, card, "Ask Globex.")
    await world.delivered(card)
    await world.pause(output={"eur": 10, "for": "Globex"})
    return (await world.slack.until(lambda: waiting(world, CHANNEL)))[-1]


async def test_a_rule_s_card_is_in_its_channel_and_the_next_one_elsewhere_tells_nothing_of_it(
    make_world: MakeWorld,
) -> None:
    """Each private message tells what its person may read."""
    people = '["U0ANA", "U0CARL"]\nkickers = []\nnotify = "dm"'
    crews_file = OVER.replace('["U0ANA", "U0BEN"]', people)
    async with make_world(crews_file=crews_file, **ENVIRONMENT) as world:
        card = await below_the_limit(world)
        ana, carl = (world.slack.world.im(user).id for user in (ANA, CARL))
        [hers] = await world.slack.until(lambda: waiting(world, ana))
        for shown in (card, hers):
            assert "Ask Globex" not in message_text(shown)
            assert "Acme" not in message_text(shown)
            assert "Changes" not in buttons(shown)
        await world.slack.overflow(BEN, card, "History")
        history = (await modal(world, BEN, "Globex")).shown
        assert "Ask Globex" not in history
        assert "Acme" not in history
        await world.slack.overflow(CARL, card, "History")
        assert "Acme" in (await modal(world, CARL, "Ask Globex")).shown
        [his] = await world.slack.until(lambda: waiting(world, carl))
        assert "Ask Globex" in message_text(his)
        await world.slack.click(CARL, his, "Changes")
        await modal(world, CARL, "Acme")


async def test_where_nobody_may_approve_the_card_calls_the_operators(
    make_world: MakeWorld,
) -> None:
    crews_file = f'{OPERATED}name = "strict"\nself_approval = false\nunknown_starter = "deny"\n'
    async with make_world(crews_file=crews_file, **ENVIRONMENT) as world:
        await world.pause()
        card = await world.shown(await world.card("A draft"), FEW)
        assert f"<@{CARL}>: add reviewers to the rule" in message_text(card)
        assert CARL in world.slack.pings(card)
        await world.slack.overflow(ANA, card, "Read all")
        page = await modal(world, ANA, "Nobody may approve this now.")
        assert "rule “strict”" in page.shown
        assert "Approve" not in buttons(page)
        await world.slack.close_modal(ANA)
        await world.slack.write(ANA, card.channel, "Who may?", card.ts)
        await world.shown(card, "1 note from")
        await world.slack.open_home(ANA)
        await home(world, ANA, "Stuck: nobody may approve: 1")
        await world.slack.click(ANA, card, "Approve")
        await world.revise(ANA, card, "Let others see it.")
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
        assert CARL in world.slack.pings(called)
        clock.later = timedelta(days=3, hours=1)
        await in_thread(world, card, "went back: nobody decided")
        await world.delivered(card)
        [resume] = world.crew.resumes
        assert (resume.is_approve, resume.human_feedback) == (False, "Nobody had time.")
