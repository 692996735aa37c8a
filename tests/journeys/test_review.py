"""The main path, and what people do to it."""

import asyncio

from crewgate.demo.environment import ANA, BEN, CARL, CHANNEL
from tests.journeys.conftest import MakeWorld, World
from tests.standins.workspace import buttons, message_text


async def test_approve_is_one_click_and_reaches_the_crew_once(world: World) -> None:
    """However often it is pressed, and without a reproach."""
    assert await world.pause("draft", "# A draft\n\nGood.") == 202
    card = await world.card("A draft")
    assert buttons(card)[:2] == ["Approve", "Revise"]
    assert world.slack.pings(card) == {ANA, BEN}

    await asyncio.gather(*(world.slack.click(ANA, card, "Approve") for _ in range(3)))
    decided = await world.delivered(card)

    assert buttons(decided) == ["Read all"]
    [resume] = world.crew.resumes
    assert (resume.is_approve, resume.human_feedback) == (True, "Approved.")
    assert all("need not press again" in one.shown for one in world.slack.ephemerals(ANA))


async def test_a_revision_brings_the_next_round_in_the_same_thread(world: World) -> None:
    await world.pause("draft", "first words")
    first = await world.card("first words")

    reply = await world.revise(ANA, first, "  More <words> & *stars* :-)\n")

    assert reply.ok
    assert not world.slack.open_modals(ANA)
    await world.crew.until(lambda: world.crew.resumes)
    assert world.crew.resumes[0].human_feedback == "  More <words> & *stars* :-)\n"
    assert not world.crew.resumes[0].is_approve
    await world.pause("draft", "second words")
    second = await world.card("second words", round_=2)
    assert second.thread_ts == first.ts
    assert not second.broadcast
    assert ANA in world.slack.pings(second)
    assert "More <words>" in message_text(second)
    await world.slack.click(BEN, second, "Approve")
    await world.delivered(second)
    assert [resume.is_approve for resume in world.crew.resumes] == [False, True]


async def test_somebody_who_may_not_decide_is_told_who_may(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")

    await world.slack.click(CARL, card, "Approve")
    told = await world.told(CARL)
    await world.slack.click(CARL, card, "Revise")
    await world.told(CARL, count=2)
    await world.slack.overflow(CARL, card, "Approve with a comment…")
    assert "not a reviewer" in await world.told(CARL, count=3)

    assert f"<@{ANA}>" in told
    # The settings name him by his address, which Slack knows.
    assert f"<@{BEN}>" in told
    assert "ben@example.com" not in told
    assert not world.slack.open_modals(CARL)
    assert buttons(world.slack.fresh(card))[:2] == ["Approve", "Revise"]
    assert not world.crew.requests


async def test_a_form_that_is_sent_too_late_is_told_who_was_faster(make_world: MakeWorld) -> None:
    async with make_world(REVIEWERS=f"{ANA},{BEN},{CARL}") as world:
        await world.pause()
        card = await world.card("A draft")
        await world.slack.click(BEN, card, "Revise")
        await world.slack.overflow(ANA, card, "Approve with a comment…")
        await world.slack.until(lambda: all(map(world.slack.open_modals, (ANA, BEN))))
        await world.slack.click(CARL, card, "Approve")

        for user in (ANA, BEN):
            reply = await world.slack.submit(user, {"feedback": "Shorter."})
            assert "Carl approved this" in reply.errors["feedback"]
            assert world.slack.open_modals(user)


async def test_twenty_reviewers_at_once_make_one_decision(make_world: MakeWorld) -> None:
    everybody = [f"U{number:02}" for number in range(20)]
    async with make_world(REVIEWERS=",".join(everybody)) as world:
        for user in everybody:
            world.slack.add_user(user, user.lower())
            world.slack.world.channels[CHANNEL].members.add(user)
        await world.pause()
        card = await world.card("A draft")
        revisers = everybody[::2]
        for user in revisers:
            await world.slack.click(user, card, "Revise")
        await world.slack.until(lambda: all(map(world.slack.open_modals, revisers)))

        replies = await asyncio.gather(
            *(
                world.slack.submit(user, {"feedback": f"As {user} wants."})
                if user in revisers
                else world.slack.click(user, card, "Approve")
                for user in everybody
            )
        )

        await world.delivered(card)
        refused = [reply for reply in replies if reply.errors]
        approvers = [user for user in everybody if user not in revisers]
        expected = 19 - len(refused)
        await world.slack.until(
            lambda: sum(len(world.slack.ephemerals(user)) for user in approvers) == expected
        )
        assert len(world.crew.resumes) == 1
        assert len([call for call in world.crew.requests if call.path == "/resume"]) == 1
