"""`crewgate dataset` on a few executions that have ended."""

import argparse
import errno
import io
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from crewgate.check.findings import NotDone
from crewgate.dataset import write_dataset
from crewgate.domain.audit import Code
from crewgate.domain.caveats import Seen, Share
from crewgate.domain.execution import CrewUpdate
from crewgate.domain.lessons import Lesson, LessonsGiven
from crewgate.domain.masking import FINDERS, Masking
from crewgate.domain.notification import HiddenValue, Output, Rewritten
from crewgate.domain.outcome import Refused
from crewgate.domain.people import User
from crewgate.domain.reason import TakenAs
from crewgate.domain.review import Round, State
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import TimeOut, TimeoutAction
from crewgate.domain.verdict import Answer, Approve, Revise
from crewgate.runtime import utc_now
from crewgate.settings.crew import CrewSettings
from crewgate.settings.load import Settings
from crewgate.store.replay import PAGE
from crewgate.store.tables import executions
from crewgate.usecases.decide import edit
from crewgate.usecases.track import track
from tests.builders import ANA, BEN, CAI, FakeClock, a_crew, a_rule, a_uow
from tests.databases import both
from tests.usecases.faults import Fault
from tests.usecases.timed import after
from tests.usecases.world import CREW, World

DAY = timedelta(days=1)
TOKEN = "token-of-the-crew"
MASKING = Masking(tuple(FINDERS), tuple(FINDERS.values()))
Dataset = Callable[..., Awaitable[list[Any]]]
"""Runs `crewgate dataset` with changed settings of the crew; the lines."""


@pytest.fixture
def world(engines: Any) -> World:
    clock = FakeClock()
    clock.advance(utc_now() - clock() - DAY)
    made = World(engines, a_uow(engines, clock=clock), clock=clock)
    made.crews["research"] = a_crew(reviewers=(User(ANA.id), User(BEN.id), User(CAI.id)))
    return made


@pytest.fixture
def dataset(database_url: str, capsys: pytest.CaptureFixture[str]) -> Dataset:
    async def print_it(
        crew: str = "research", since: timedelta | None = None, form: str = "pairs", **changes: Any
    ) -> list[Any]:
        named = CrewSettings(
            name="research",
            channel="C1",
            reviewers=(),
            webhook_secret="x" * 16,
            token=TOKEN,
            **changes,
        )
        settings = Settings(
            slack_bot_token="xoxb-1", crews={"research": named}, database_url=database_url
        )
        capsys.readouterr()  # what the story logged
        assert (
            await write_dataset(settings, argparse.Namespace(crew=crew, since=since, form=form))
            == 0
        )
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return print_it


async def begin(world: World, execution: str = "e-1", *inputs: tuple[str, str]) -> None:
    async with world.uow.begin() as tx:
        opened = await tx.executions.open("research", execution, at=world.clock())
        await track(tx, opened, starter=ANA, inputs=inputs, at=world.clock())


async def review(world: World, execution: str = "e-1", text: str = "A draft.") -> Round:
    """One that Ben revises once, before Ana, who started it, approves."""
    first = (await world.notify(text, execution_id=execution)).round
    await world.decide(first.id, Revise("Shorter."), by=BEN)
    second = (await world.notify("Short.", execution_id=execution)).round
    await world.decide(second.id, Approve("Mind the date."), by=ANA)
    return second


async def end(world: World, execution: str = "e-1") -> None:
    await world.record(CrewUpdate(result=Output("Done.")), execution)


@both
async def test_each_approval_is_a_line_with_what_was_refused_before(
    world: World, dataset: Dataset
) -> None:
    await begin(world, "e-1", ("topic", "tea"), ("started_by", ANA.id))
    await review(world)
    other = (
        await world.notify(
            "Not this.", task_id="t-2", task_name="Other", expected_output="One page"
        )
    ).round
    await world.decide(other.id, Revise("No."), by=BEN)
    await world.notify("Still waits.", task_id="t-3")
    await end(world)
    await review(world, "e-2", "Still runs.")

    lines = {line["task"]: line for line in await dataset()}
    assert list(lines) == ["Draft the report", "Other"]
    assert lines["Draft the report"] == {
        "crew": "research",
        "execution": "e-1",
        "task": "Draft the report",
        "expected_output": None,
        "inputs": {"topic": "tea"},
        "inputs_left_out": [],
        "lessons": [],
        "refused": [{"output": "A draft.", "words": "Shorter.", "by": ["reviewer"]}],
        "approved": {"output": "Short.", "words": "Mind the date.", "by": ["starter"]},
    }
    assert lines["Other"]["approved"] is None
    assert lines["Other"]["expected_output"] == "One page"
    [entry] = await world.entries(Code.COLLECTED)
    assert (entry["actor"], entry["data"]) == ("operator", {"crew": "research", "since": ""})


async def test_of_a_flow_its_outcomes_and_never_its_other_questions(
    world: World, dataset: Dataset
) -> None:
    rewritten = Rewritten("Before.", ("Cite it.",))
    asked = (await world.ask("Bad.", request_id="1")).round
    await world.decide(asked.id, Answer("needs_revision", is_label=True), by=BEN)
    words = (await world.ask("Better.", request_id="2")).round
    await world.decide(words.id, Revise("Nearly."), by=BEN)
    good = (await world.ask(output=Output("Good.", rewritten=rewritten), request_id="3")).round
    await world.decide(good.id, Answer("approved", is_label=True), by=BEN)
    lesson = await world.ask("Be brief.", request_id="4", outcomes=("Keep", "Drop"), method="m")
    await world.decide(lesson.round.id, Answer("Keep", is_label=True), by=BEN)
    while await world.turn(CREW):
        pass
    await end(world, "f-1")

    [line] = await dataset()
    refused = [(one["output"], one["words"]) for one in line["refused"]]
    assert refused == [("Bad.", "needs_revision"), ("Better.", "Nearly.")]
    assert (line["approved"]["output"], line["lessons"]) == ("Good.", ["Cite it."])


@pytest.mark.parametrize("label", ["approved", "rejected", "unknown"])
async def test_words_are_what_the_flow_took_them_for(
    world: World, dataset: Dataset, label: str
) -> None:
    asked = (await world.ask("Good.")).round
    await world.decide(asked.id, Revise("Go on."), by=BEN)
    async with world.uow.begin() as tx:
        sent = await tx.round(asked.id)
        taken = replace(sent, state=State.RESUMED, reason=TakenAs(label), ended_at=world.clock())
        await tx.save(taken)
    await end(world, "f-1")
    [line] = await dataset()
    told = line["approved"] if label == "approved" else line["refused"][0]
    assert told == {"output": "Good.", "words": "Go on.", "by": ["reviewer"]}


async def test_a_text_that_a_person_rewrote_was_refused_by_that_person(
    world: World, dataset: Dataset
) -> None:
    waiting = (await world.notify("It costs 3 euros.", takes_edits=True)).round
    await edit(
        waiting.id,
        "It costs 4 euros.",
        by=BEN,
        context=world.reviews,
        seen=Seen(share=Share(17, 17)),
    )
    await end(world)
    [line] = await dataset()
    assert line["refused"] == [{"output": "It costs 3 euros.", "edited": True, "by": ["reviewer"]}]
    assert line["approved"]["output"] == "It costs 4 euros."


async def test_what_time_decided_is_by_the_rule(world: World, dataset: Dataset) -> None:
    words = ": Nobody was there.\nBen: no."
    timeout = TimeOut(Duration.parse("1h"), TimeoutAction.REVISE, words)
    world.crews["research"] = a_crew(rules=(a_rule(timeout=timeout),))
    await world.notify()
    await world.settle_slack()
    await after(world, timedelta(hours=2))
    await end(world)
    [line] = await dataset()
    assert line["refused"] == [{"output": "A draft.", "words": words, "by": ["rule"]}]


@both
async def test_lessons_of_the_kickoff_are_told_by_their_texts(
    world: World, dataset: Dataset
) -> None:
    await begin(world)
    second = await review(world)
    async with world.uow.begin() as tx:
        at = world.clock()
        lesson = Lesson(
            id="l-1",
            crew="research",
            text="Cite it.",
            author=ANA,
            round_id=second.id,
            wish_id="",
            proposed_at=at,
        )
        assert await tx.lessons.add(lesson, at=at)
        given = LessonsGiven(("l-1",))
        execution = await tx.executions.find("research", "e-1")
        assert execution is not None
        await tx.executions.save(replace(execution, lessons=given))
    await end(world)
    [line] = await dataset()
    assert line["lessons"] == ["Cite it."]


async def test_nobody_is_named_and_what_is_masked_or_secret_stays_here(
    world: World, dataset: Dataset
) -> None:
    text = f"Write to alice@example.com with {TOKEN}, api_key=sk-12345678abc."
    world.crews["research"] = a_crew(rules=(a_rule(approvals=2),))
    await begin(world, "e-1", ("topic", f"alice@example.com and {TOKEN}"))
    first = (await world.notify(text)).round
    await world.decide(first.id, Approve("alice@example.com is right."), by=ANA)
    await world.decide(first.id, Approve(), by=BEN)
    second = (await world.notify(task_id="t-2")).round
    await world.settle_slack()
    card = (await world.uow.read.posting(second.id)).card
    assert card is not None
    assert await world.note(card, "9.9", text="Too long.") is not None
    words = f"{ANA.name}: Too long.\n\nSee <@{BEN.id}|ben>."
    await world.decide(second.id, Revise(words), by=BEN)
    await end(world)
    line, noted = await dataset(redact=MASKING)
    [refused] = noted["refused"]
    assert refused["words"].startswith("reviewer: Too long.\n\nSee @somebody.")
    whole = json.dumps(line)
    for secret in ("alice@", TOKEN, "sk-1234", ANA.id, ANA.name, BEN.id, BEN.name):
        assert secret not in whole
    assert line["approved"]["output"].startswith("Write to [e-mail address] with [redacted]")
    assert line["approved"]["by"] == ["starter", "reviewer"]
    assert line["approved"]["words"] == "reviewer: [e-mail address] is right."


async def test_the_id_of_an_execution_stays_as_it_is(world: World, dataset: Dataset) -> None:
    execution = f"alice@example.com {TOKEN}"
    await review(world, execution)
    await end(world, execution)
    [line] = await dataset(redact=MASKING)
    assert line["execution"] == execution


@both
async def test_it_is_read_page_by_page_and_by_its_span(
    world: World, dataset: Dataset, engines: Any
) -> None:
    names = [f"e-{number:02}" for number in range(PAGE + 2)]
    for name in names:
        await review(world, name)
        await end(world, name)
    assert [line["execution"] for line in await dataset()] == names
    ended = sa.update(executions).where(executions.c.execution_id < "e-20")
    async with engines.write.begin() as connection:
        await connection.execute(ended.values(ended_at=utc_now() - 91 * DAY))
        of_removed = sa.update(executions).where(executions.c.execution_id == "e-20")
        await connection.execute(of_removed.values(removed_at=utc_now()))
    assert [line["execution"] for line in await dataset(since=90 * DAY)] == ["e-21"]
    # What the settings would have removed by now is no more in it than what was.
    kept = await dataset(since=400 * DAY, retention=90 * DAY)
    assert [line["execution"] for line in kept] == ["e-21"]


async def test_what_cannot_be_done_is_said(
    world: World, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotDone, match=r"name no crew researcher; they name research$"):
        await dataset("researcher")
    with pytest.raises(
        NotDone, match=r"nobody decided on an output of research in an execution that has ended$"
    ):
        await dataset()
    await review(world)
    await end(world)
    world.clock.advance(DAY)
    with pytest.raises(NotDone, match="in an execution that has ended since 20"):
        await dataset(since=timedelta(seconds=1))

    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("sys.stdout", Full())
    with pytest.raises(NotDone, match=r"not complete: .*No space left"):
        await dataset()


async def test_what_the_inputs_leave_out_is_named_and_names_are_masked(
    world: World, dataset: Dataset
) -> None:
    """Long and nested values are not stored; what callers add for themselves is no input."""
    long = (("brief", HiddenValue("x" * 300)), ("", HiddenValue()), ("ann@example.com", "v"))
    await world.notify(meta=(("matter", "7"),), inputs=long)
    latest = await world.notify("Short.", meta=(("matter", "7"),), inputs=long)
    await world.decide(latest.round.id)
    await world.notify(execution_id="e-2", meta=(("matter", "7"),))
    await world.decide((await world.notify("Short.", execution_id="e-2")).round.id)
    await end(world)
    await end(world, "e-2")
    first, second = await dataset(redact=MASKING)
    assert first["inputs"] == {"[e-mail address]": "v"}
    assert first["inputs_left_out"] == ["brief", "*"]
    assert (second["inputs"], second["inputs_left_out"]) == ({}, ["*"])


async def test_an_edit_that_a_crew_is_asked_for_is_an_edit(world: World, dataset: Dataset) -> None:
    waiting = (await world.notify("It costs 3 euros.")).round
    await edit(
        waiting.id,
        "It costs 4 euros.",
        by=BEN,
        context=world.reviews,
        seen=Seen(share=Share(17, 17)),
    )
    await end(world)
    [line] = await dataset()
    assert line["refused"] == [{"output": "It costs 3 euros.", "edited": True, "by": ["reviewer"]}]


async def test_an_approval_that_the_crew_refused_is_none(world: World, dataset: Dataset) -> None:
    waiting = (await world.notify()).round
    await world.decide(waiting.id)
    world.crew.faults.append(Fault(Refused("400", "not pending")))
    await world.turn(CREW)
    await end(world)
    with pytest.raises(NotDone, match="nobody decided on an output"):
        await dataset()


async def test_cases_have_what_loaders_read(world: World, dataset: Dataset) -> None:
    await begin(world, "e-1", ("topic", "tea"))
    await review(world)
    await world.decide((await world.notify("No.", task_id="t-2")).round.id, Revise("Never."))
    await end(world)
    [case] = await dataset(form="cases")
    assert list(case) == ["input", "expected_output", "metadata"]
    made_of = {"task": "Draft the report", "inputs": {"topic": "tea"}, "lessons": []}
    assert json.loads(case["input"]) == made_of
    assert case["expected_output"] == "Short."
    assert case["metadata"].items() >= {"crew": "research", "words": "Mind the date."}.items()
    await world.decide((await world.notify("No.", execution_id="e-2")).round.id, Revise("No."))
    await end(world, "e-2")
    with pytest.raises(NotDone, match="nobody approved an output of research in an execution"):
        await dataset(form="cases", since=timedelta(seconds=0))
