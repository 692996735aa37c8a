"""Hooks of tool calls and model calls that ask people, and what happens where they cannot."""

import json
from collections.abc import AsyncIterator

from crewgate.demo.environment import ANA
from tests.host.client import TOKEN
from tests.host.real import Real
from tests.journeys.conftest import World
from tests.journeys.people import modal
from tests.standins.workspace import buttons, message_text

TARGETS = ("mailing", "paying", "wiping", "thinking", "beside", "native", "MailFlow")


async def _say(real: Real, target: str, pause: dict[str, str], words: str, **more: object) -> int:
    execution, told = pause["execution_id"], real.told("hooks")
    body = {"execution_id": execution, "task_id": pause["task_id"], "human_feedback": words}
    verdict = {"is_approve": True, **more} if "edited" not in more else more
    status, _ = await real.api(target).call("POST", "/resume", body | told | verdict)
    return status


async def a_tool_runs_only_where_somebody_said_yes(real: Real) -> None:
    """In both dialects, and in a flow."""
    for target in ("mailing", "paying", "MailFlow"):
        served, tool = real.api(target), "pay" if target == "paying" else "send_email"
        for words, is_sent in (("yes", True), (" yes, but später.\n", False)):
            to = f"{target}-{is_sent}"
            execution = await served.kick_off({"to": to}, **real.told("hooks"))
            pause = await real.pause(execution)
            waiting = await served.status(execution)
            assert await _say(real, target, pause, " ") == 400
            edited = {"output": "yes", "is_approve": True}
            assert await _say(real, target, pause, "yes", edited=edited) == 400
            assert f"{tool} {to}" not in real.lines("sent.txt")
            assert await _say(real, target, pause, words) == 200
            assert await _say(real, target, pause, "yes") == 400
            ended = await served.until(execution, "completed")

            assert pause["task_id"].startswith("ask-")
            assert pause["resume_extensions"] == ["idempotency_key"]
            assert pause["ask"] == {"place": f"mail-0: {tool}", "expires_at": None}
            for shown in (f"`{tool}`", f'"to": "{to}"', "?\n"):
                assert shown in pause["task_output"]
            assert (pause["task_name"], pause["agent"]) == ("mail-0", "Clerk")
            if target != "MailFlow":
                assert waiting["current_task"] == "mail-0"
            assert real.lines("sent.txt").count(f"{tool} {to}") == is_sent
            assert ("Done." if is_sent else "blocked by hook") in ended["result"]["output"]
    assert json.dumps(" yes, but später.\n") in real.lines("said.txt")


async def a_refusal_and_nobody_to_ask_let_nothing_through(real: Real) -> None:
    """A rule's time-out is a refusal, in whatever words."""
    served = real.api("mailing")
    refused = await served.kick_off({"to": "refused"}, **real.told("hooks"))
    assert await _say(real, "mailing", await real.pause(refused), "yes", is_approve=False) == 200
    unasked = [await real.api(one).kick_off({"to": "unasked"}) for one in ("mailing", "paying")]
    for execution, name in zip((refused, *unasked), ("mailing", "mailing", "paying"), strict=True):
        ended = await real.api(name).until(execution, "completed")
        assert "blocked by hook" in ended["result"]["output"]
    for to in ("aside", "circle"):
        wipes = await real.api("wiping").kick_off({"to": to}, **real.told("hooks"))
        await real.api("wiping").until(wipes, "completed")
        assert not real.pauses(wipes)
    thinks = await real.api("thinking").kick_off({"to": "unasked"})
    failed = await real.api("thinking").until(thinks, "error")

    done = " ".join(real.lines("sent.txt"))
    assert "refused" not in done
    assert "unasked" not in done
    assert "wipe" not in done
    assert "Nobody can be asked: the kickoff gave no humanInputWebhook" in failed["error"]
    log = real.process.log.read_text()
    assert log.count("hook_not_answered") >= 6
    assert "Nobody can be asked in a thread that CrewAI did not start" in log
    assert "Nobody answered: yes" in log


async def a_model_is_asked_only_where_somebody_said_yes(real: Real) -> None:
    served = real.api("thinking")
    execution = await served.kick_off({"to": "think"}, **real.told("hooks"))
    first = await real.pause(execution)
    await _say(real, "thinking", first, "yes")
    # The same question about the next call is another one.
    second = await real.pause(execution, 2)
    assert await _say(real, "thinking", second, "no") == 200
    failed = await served.until(execution, "error")

    assert first["task_output"] == second["task_output"] == "May it think?"
    assert first["task_id"] != second["task_id"]
    assert "It may not." in failed["error"]
    assert real.lines("sent.txt").count("think think") == 1


async def several_calls_at_once_are_asked_about_one_by_one(real: Real) -> None:
    for target, calls in (
        ("beside", ["at-once-left", "at-once-right"]),
        ("native", ["at-once", "at-once", "other"]),
    ):
        served = real.api(target)
        execution = await served.kick_off({"to": "at-once"}, **real.told("hooks"))
        await real.pause(execution, len(calls))
        pauses = real.pauses(execution)
        by_call = sorted(pauses, key=lambda one: str(one["task_output"]))
        before = real.lines("sent.txt")
        await _say(real, target, by_call[0], "yes")
        for other in by_call[1:]:
            await _say(real, target, other, "no")
        await served.until(execution, "completed")

        assert len({one["task_id"] for one in pauses}) == len(calls)
        assert real.lines("sent.txt")[len(before) :] == [f"send_email {calls[0]}"]


async def a_hook_asks_in_slack(real: Real, world: World) -> AsyncIterator[None]:
    """The whole way, with an answer that is given while the host is gone."""
    status, said = await world.post(
        "/crews/post/kickoff",
        json.dumps({"inputs": {"to": "slack"}}).encode(),
        Authorization=f"Bearer {TOKEN}",
        Content_Type="application/json",
    )
    assert status == 200, said
    card = await world.card("Send it to slack?")
    assert buttons(card)[0] == "Answer"
    assert '"to": "slack"' in message_text(card)
    yield
    yield

    await world.slack.click(ANA, card, "Answer")
    await modal(world, ANA, "Your answer")
    assert (await world.slack.submit(ANA, {"feedback": "yes"})).ok
    assert "send_email slack" not in real.lines("sent.txt")
    yield

    world.patience = 60
    await world.shown(card, "The crew goes on.")
    await real.api("mailing").until(said["kickoff_id"], "completed")
    assert real.lines("sent.txt").count("send_email slack") == 1


async def questions_hold(real: Real) -> AsyncIterator[None]:
    """A kill lets nothing through; what was answered counts for one call."""
    served, told = real.api("mailing"), real.told("hooks")
    names = ("waits", "answered", "flow")
    targets = {"flow": "MailFlow"}
    ids = {
        one: await real.api(targets.get(one, "mailing")).kick_off({"to": one}, **told)
        for one in names
    }
    asked = {one: await real.pause(ids[one]) for one in names}
    yield

    # The tool has begun, and nobody will know how far it came.
    await _say(real, "mailing", asked["answered"], "yes")
    while "send_email answered" not in real.lines("sent.txt"):
        await served.status(ids["answered"])
    yield
    yield

    again = await real.pause(ids["answered"], 2)
    await _say(real, "mailing", again, "no")
    await _say(real, "mailing", asked["waits"], "yes")
    await _say(real, "MailFlow", asked["flow"], "yes")
    for one in names:
        await real.api(targets.get(one, "mailing")).until(ids[one], "completed")

    assert again["task_id"] != asked["answered"]["task_id"]
    for one in names:
        assert real.lines("sent.txt").count(f"send_email {one}") == 1
        # One that waits keeps its card.
        assert len(real.pauses(ids[one])) == (2 if one == "answered" else 1)
    # The next stop comes while this one waits.
    stopped = await served.kick_off({"to": "stopped"}, **told)
    await real.pause(stopped)
