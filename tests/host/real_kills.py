"""Executions of real crews and flows that are killed at every step, and go on.

At the first `yield` the models are made busy, at the second the host is killed, at the third it is
started again.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing

from crewgate.demo.environment import ANA, BEN, CHANNEL
from tests.host.client import TOKEN, Json
from tests.host.real import Real, answer
from tests.journeys.conftest import World
from tests.journeys.people import in_private, modal
from tests.standins.workspace import Message, buttons, message_text

TARGETS = ("shop:pair", "shop:led", "articles:CrewFlow", "articles:CountingFlow")
#: Before each task that a webhook has told of.
DONE = ":heavy_check_mark:"
TOPICS = ("waits", "revised", "approved", "second", "twice", "fresh", "pair")


def of_topics(lines: list[str]) -> list[str]:
    return sorted(line for line in lines if line.rpartition(" ")[2] in TOPICS)


async def crews_go_on(real: Real) -> AsyncIterator[None]:
    served, pairs, told = real.api("crew"), real.api("pair"), real.told("kills")
    ids = {name: await served.kick_off({"topic": name}, **told) for name in TOPICS[:5]}
    tasks = {name: (await real.pause(one))["task_id"] for name, one in ids.items()}
    await served.resume(ids["twice"], tasks["twice"], "Longer.", approve=False)
    await real.pause(ids["twice"], 2)
    await served.resume(ids["second"], tasks["second"], approve=True)
    second = await real.pause(ids["second"], 2)
    pair = await pairs.kick_off({"topic": "pair"}, **told)
    await real.pause(pair, 2)
    both = {one["task_name"]: one["task_id"] for one in real.pauses(pair)}
    yield

    # The models are busy, so nothing of this is carried out.
    before = len(real.asked)
    ids["fresh"] = await served.kick_off({"topic": "fresh"}, **told)
    await served.resume(ids["revised"], tasks["revised"], "Shorter.", approve=False)
    await served.resume(ids["approved"], tasks["approved"], approve=True)
    await pairs.resume(pair, both["Left"], "Longer.", approve=False)
    busy = ["Draft on fresh", "Draft on revised", "Left of pair", "Plan for approved"]
    while of_topics(real.asked[before:]) != busy:
        await pairs.status(pair)
    before = len(real.asked)
    yield
    yield

    revised = await real.pause(ids["revised"], 2)
    approved = await real.pause(ids["approved"], 2)
    fresh = await real.pause(ids["fresh"])
    # It goes on although the other of the two still waits.
    left = await real.pause(pair, 3)
    asked = of_topics(real.asked[before:])
    for task in both.values():
        await pairs.resume(pair, task, approve=True)
    await pairs.until(pair, "completed")
    await served.resume(ids["waits"], tasks["waits"], approve=True)
    await served.resume(ids["twice"], tasks["twice"], "And greener.", approve=False)
    await served.resume(ids["second"], second["task_id"], approve=True)
    waits = await real.pause(ids["waits"], 2)
    twice = await real.pause(ids["twice"], 3)
    ended = await served.until(ids["second"], "completed")
    late, _ = await served.resume(ids["approved"], tasks["approved"], approve=True)

    assert revised["task_output"] == "Draft on revised, Shorter."
    assert (revised["task_id"], revised["task_name"]) == (tasks["revised"], "draft")
    assert approved["task_output"] == "Report on approved"
    assert fresh["task_output"] == "Draft on fresh"
    assert left["task_output"] == "Left of pair, Longer."
    # Of what was done nothing is done again.
    assert asked == sorted([*busy, "Report on approved"])
    assert waits["task_output"] == "Report on waits"
    assert twice["task_output"] == "Draft on twice, Longer., And greener."
    outputs = [one["output"] for one in ended["result"]["tasks"]]
    assert outputs == ["Draft on second", "Plan for second", "Report on second"]
    assert late == 400
    # The crew's own callback was told of each task once.
    done = {
        "approved": ["Draft on", "Plan for"],
        "waits": ["Draft on", "Plan for"],
        "second": ["Draft on", "Plan for", "Report on"],
    }
    assert of_topics(real.lines("called.txt")) == sorted(
        f"{what} {topic}" for topic, whats in done.items() for what in whats
    )


async def crews_with_a_manager_go_on(real: Real) -> AsyncIterator[None]:
    """CrewAI makes the manager, and runs the task by it, whether the task names an agent or not."""
    told, waiting = real.told("managers"), {}
    for name in ("managed", "led"):
        for topic in ("approve", "edit", "revise"):
            execution = await real.api(name).kick_off({"topic": f"{name}-{topic}"}, **told)
            pause = await real.pause(execution)
            waiting[name, topic] = execution, pause["task_id"]
    yield
    yield
    before = len(real.asked)
    yield

    edited = {"output": "Theirs.", "is_approve": True}
    decisions: dict[str, Json] = {
        "approve": {"is_approve": True, "human_feedback": "Approved."},
        "edit": {"human_feedback": "Approved.", "edited": edited},
        "revise": {"is_approve": False, "human_feedback": "Shorter."},
    }
    for (name, topic), (execution, task) in waiting.items():
        body = {"execution_id": execution, "task_id": task} | decisions[topic]
        assert (await real.api(name).call("POST", "/resume", body | told))[0] == 200
    for name in ("managed", "led"):
        execution, task = waiting[name, "revise"]
        revised = await real.pause(execution, 2)
        assert revised["task_output"] == f"Managed {name}-revise, Shorter."
        await real.api(name).resume(execution, task, approve=True)
        wanted = {
            "approve": f"Managed {name}-approve",
            "edit": "Theirs.",
            "revise": revised["task_output"],
        }
        for topic, output in wanted.items():
            ended = await real.api(name).until(waiting[name, topic][0], "completed")
            assert ended["result"]["tasks"][0]["output"] == output
            # The rest of a task is done as without a restart.
            of_topic = f"{name}-{topic}"
            assert real.lines(f"{name}-{of_topic}.txt") == [output]
            assert real.lines("called.txt").count(f"Managed {of_topic}") == 2
            assert f"guardrail: {output}" in real.lines("called.txt")
    asked = [one for one in real.asked[before:] if one.startswith("Managed ")]
    assert sorted(asked) == ["Managed led-revise", "Managed managed-revise"]


async def the_later_of_two_tasks_stays_done(real: Real) -> AsyncIterator[None]:
    """CrewAI would run it again beside the other one, which still waits."""
    served, told = real.api("pair"), real.told("kills")
    pair = await served.kick_off({"topic": "beside"}, **told)
    await real.pause(pair, 2)
    both = {one["task_name"]: one["task_id"] for one in real.pauses(pair)}
    await served.resume(pair, both["Right"], approve=True, **told)

    def done() -> list[Json]:
        return [one for one in real.listener.at("/kills/task") if one["kickoff_id"] == pair]

    await real.listener.until(done)
    yield
    yield
    yield

    await served.resume(pair, both["Left"], approve=True)
    ended = await served.until(pair, "completed")

    outputs = [one["output"] for one in ended["result"]["tasks"]]
    assert outputs == ["Left of beside", "Right of beside", "Both"]
    assert len(real.pauses(pair)) == 2
    assert real.asked.count("Right of beside") == 1


async def flows_go_on(real: Real) -> AsyncIterator[None]:
    served, crews, told = real.api("ArticleFlow"), real.api("CrewFlow"), real.told("kills")

    async def question(execution: str, number: int = 1) -> Json:
        return await real.question("ArticleFlow", execution, number)

    waits, busy, listens, unasked = [
        await served.kick_off({"topic": name}) for name in ("waits", "busy", "listens", "unasked")
    ]
    asked = {one: await question(one) for one in (waits, busy, listens, unasked)}
    # One whose crew asked people about two tasks, of which the first was revised.
    inner = await crews.kick_off({"topic": "inner"}, **told)
    draft = (await real.pause(inner))["task_id"]
    await crews.resume(inner, draft, "Shorter.", approve=False)
    await real.pause(inner, 2)
    await crews.resume(inner, draft, approve=True)
    report = await real.pause(inner, 3)
    yield

    # CrewAI has forgotten the question by the time that its listeners work.
    await answer(asked[listens], "approved")
    before = len(real.asked)
    taken, _ = await answer(asked[busy], "Shorter, please.")
    counting = await real.api("CountingFlow").kick_off({})
    busy_with = {"publish", "count", "needs_revision"}
    while busy_with - {*real.lines("begun.txt"), *real.asked[before:]}:
        await served.status(busy)
    yield

    # As if it had been killed after CrewAI had kept this pause, and before the host did.
    with closing(sqlite3.connect(real.folder / "crewgate-host.db")) as file, file:
        file.execute("DELETE FROM questions WHERE execution_id = ?", (unasked,))
        file.execute("UPDATE executions SET state = 'running' WHERE id = ?", (unasked,))
    yield

    counted = await real.question("CountingFlow", counting)
    now_asked = await question(unasked, 2)
    gone, _ = await answer(asked[unasked], "approved")
    await answer(now_asked, "rejected")
    await served.until(unasked, "completed")
    published = await served.until(listens, "completed")
    await crews.resume(inner, report["task_id"], approve=True)
    asks = await real.question("CrewFlow", inner)
    await answer(asks, "yes")
    whole = await crews.until(inner, "completed")
    again = await question(busy, 2)
    spent, _ = await answer(asked[busy], "approved")
    await answer(asked[waits], "approved")
    await answer(again, "rejected")
    waited = await served.until(waits, "completed")
    dropped = await served.until(busy, "completed")

    assert (taken, spent, gone) == (200, 409, 404)
    # It began again with the state that it began with.
    assert counted["output"] == "Draft 1"
    assert now_asked["output"] == "Draft 1 on unasked"
    assert again["output"] == "Draft 2 on busy"
    assert published["result"]["output"] == "published draft 1"
    assert waited["result"]["output"] == "published draft 1"
    # What people approved is what the flow goes on with, and nobody is asked about it again.
    assert asks["output"] == report["task_output"] == "Report on inner"
    assert len(real.pauses(inner)) == 3
    assert whole["result"]["output"] == "published Report on inner"
    assert dropped["result"]["output"] == "dropped"


async def lessons_hold(real: Real) -> AsyncIterator[None]:
    """Lessons that wait, that were just kept, and that are being drawn."""
    served = real.api("TaughtFlow")

    async def teach(words: str) -> None:
        execution = await served.kick_off({})
        await answer(await real.question("TaughtFlow", execution), words)
        await served.until(execution, "completed")

    await teach("Be early. Be late.")
    early, late = [await real.lesson("TaughtFlow", one) for one in ("Be early.", "Be late.")]
    await answer(early, "Keep")
    await served.until(early["flow_id"], "completed")
    unasked, busy = [await served.kick_off({"topic": name}) for name in ("unasked", "busy")]
    rewritten = await real.question("TaughtFlow", unasked)
    asked = await real.question("TaughtFlow", busy)
    yield

    before = len(real.asked)
    await answer(asked, "Be quick.")
    while not [one for one in real.asked[before:] if "Be quick." in one]:
        await served.status(busy)
    yield

    # As if it had been killed before it took the answer, and before it asked.
    with closing(sqlite3.connect(real.folder / "crewgate-host.db")) as file, file:
        file.execute("DELETE FROM questions WHERE execution_id = ?", (unasked,))
        file.execute("UPDATE executions SET state = 'running' WHERE id = ?", (unasked,))
        kept = (early["flow_id"],)
        file.execute("UPDATE questions SET carried_out = 0 WHERE execution_id = ?", kept)
        file.execute(
            "UPDATE executions SET state = 'running', result = '', ended_at = NULL WHERE id = ?",
            kept,
        )
    yield

    again = await real.question("TaughtFlow", unasked, 2)
    await answer(await real.lesson("TaughtFlow", "Be quick."), "Drop")
    await answer(late, "Keep")
    for lesson in (early, late):
        ended = await served.until(lesson["flow_id"], "completed")
        assert ended["result"]["output"] == "Keep"
    await served.until(busy, "completed")
    await teach("Be quick. Be late.")
    last = await served.kick_off({})
    lessons = (await real.question("TaughtFlow", last))["rewritten"]["lessons"]

    assert rewritten["rewritten"]["original"] == "Draft on unasked"
    assert again["rewritten"] == rewritten["rewritten"]
    assert sorted(lessons) == sorted([*rewritten["rewritten"]["lessons"], "Be late."])
    for text in ("Be early.", "Be late.", "Be quick."):
        assert len([one for one in real.listener.at("/TaughtFlow") if one["output"] == text]) == 1


async def words_hold(real: Real) -> AsyncIterator[None]:
    """Flows begin again, in the same words or in others."""
    talks = real.api("TalkFlow")
    same, other = [await talks.kick_off({"topic": name}) for name in ("same", "other")]
    for talk in (same, other):
        await answer(await real.question("TalkFlow", talk), "Tea.")
    second = {one: await real.question("TalkFlow", one, 2) for one in (same, other)}
    hurried = await real.api("HurriedFlow").kick_off({"length": 5})
    hurry = await real.question("HurriedFlow", hurried)
    yield
    yield
    yield

    # What was asked in the same words is not asked again, and what was said holds.
    await answer(second[same], "Short.")
    talked = await talks.until(same, "completed")
    third = await real.question("TalkFlow", other, 3)
    replaced, _ = await answer(second[other], "Long.")
    await answer(third, "Short.")
    await talks.until(other, "completed")
    hurriedly = await real.api("HurriedFlow").until(hurried, "completed")

    assert replaced == 410
    assert talked["result"]["output"] == "Tea., Short."
    assert third["ask"]["place"] == second[other]["ask"]["place"]
    assert (second[other]["message"], third["message"]) == ("How long, at 1?", "How long, at 2?")
    assert len([one for one in real.listener.at("/TalkFlow") if one["flow_id"] == same]) == 2
    assert hurriedly["result"]["output"] == "got None"
    assert (await answer(hurry, "Now."))[0] == 410


async def words_are_given_in_slack(real: Real, world: World) -> AsyncIterator[None]:
    """The flow's question comes to the listener, and from there to the bot as it came."""
    served = real.api("TalkFlow")
    execution = await served.kick_off({"topic": "slack"})

    async def asked(number: int, message: str) -> Message:
        await real.question("TalkFlow", execution, number)
        taken = [one for one in real.listener.got if one[1].get("flow_id") == execution]
        _, _, headers, raw = taken[number - 1]
        status, _ = await world.post("/crews/research/flow-request", raw, **headers)
        assert status == 202
        return await world.card(message)

    async def say(card: Message, words: str) -> None:
        await world.slack.click(ANA, card, "Answer")
        await modal(world, ANA, "Your answer")
        assert (await world.slack.submit(ANA, {"feedback": words})).ok

    first = await asked(1, "Which topic?")
    await say(first, "Tea.")
    await world.shown(first, "The flow goes on.")
    second = await asked(2, "How long?")
    yield
    yield

    await say(second, "Short.")
    yield

    world.patience = 60
    await world.shown(second, "The flow goes on.")
    ended = await served.until(execution, "completed")
    assert ended["result"]["output"] == "Tea., Short."
    assert [one["flow_id"] for one in real.listener.at("/TalkFlow")].count(execution) == 2


async def a_lesson_is_retired_in_slack(real: Real, world: World) -> AsyncIterator[None]:
    """A lesson from Ana's words is kept by Ben, outlives the host, and ends once he retires it."""
    flow, lesson = "TaughtModelFlow", "Be careful."
    served = real.api(flow)

    async def passed_on(body: Json) -> None:
        """Let the bot have what came to the listener, as it came."""
        [(_, _, headers, raw)] = [one for one in real.listener.got if one[1] == body]
        status, _ = await world.post("/crews/research/flow-request", raw, **headers)
        assert status == 202

    async def is_recalled() -> bool:
        execution = await served.kick_off({})
        asked = await real.question(flow, execution)
        return lesson in asked.get("rewritten", {}).get("lessons", ())

    execution = await served.kick_off({"topic": "slack"})
    await passed_on(await real.question(flow, execution))
    card = await world.card("on slack")
    await world.slack.click(ANA, card, "Answer in words")
    await modal(world, ANA)
    assert (await world.slack.submit(ANA, {"feedback": lesson})).ok
    await passed_on(await real.lesson(flow, lesson))
    drawn = await world.card(f"CrewAI drew this lesson from “{lesson}”")
    assert not await is_recalled()
    await world.slack.click(BEN, drawn, "Keep")
    await world.shown(drawn, "goes on with the outcome “Keep”")
    async with asyncio.timeout(60):
        while not await is_recalled():
            pass
    yield
    yield

    listed = await world.ask(BEN, "lessons research")
    assert f"1. {lesson}" in listed
    assert f"taught by <@{ANA}> · since" in listed
    assert " · until " in listed
    await world.slack.click(BEN, world.slack.ephemerals(BEN)[-1], "Retire")
    await in_private(world, ANA, "retired your lesson")
    yield

    async with asyncio.timeout(60):
        while await is_recalled():
            pass


async def a_crew_is_reviewed_in_slack(real: Real, world: World) -> AsyncIterator[None]:
    """The whole way, with a card that stays good while its host is gone."""
    status, said = await world.post(
        "/crews/research/kickoff",
        json.dumps({"inputs": {"topic": "tea"}, "meta": {"topic": "tea"}}).encode(),
        Authorization=f"Bearer {TOKEN}",
        Content_Type="application/json",
    )
    assert status == 200, said
    first = await world.card("Draft on tea")
    await world.slack.click(ANA, first, "Revise")
    await modal(world, ANA)
    await world.slack.submit(ANA, {"feedback": "Shorter."})
    second = await world.card("Draft on tea, Shorter.", round_=2)
    await world.slack.click(BEN, second, "Approve")
    await world.delivered(second)
    third = await world.card("Report on tea")
    yield
    yield

    await world.slack.click(ANA, third, "Approve")
    yield

    world.patience = 60
    await world.delivered(third)
    ended = await real.api("crew").until(said["kickoff_id"], "completed")
    outputs = [one["output"] for one in ended["result"]["tasks"]]
    assert outputs == ["Draft on tea, Shorter.", "Plan for tea", "Report on tea"]
    # The crew's task webhooks came too, though it forgets their addresses at each pause.
    await world.slack.until(
        lambda: [m for m in world.slack.messages(CHANNEL) if message_text(m).count(DONE) == 3]
    )
    for card in (first, second, third):
        assert "Approve" not in buttons(world.slack.fresh(card))
    shown = [message_text(message) for message in world.slack.messages(CHANNEL)]
    assert sum("Report" in text and "· round 1 ·" in text for text in shown) == 1
