"""One scripted scenario, played over real HTTP and printed as it happens.

A line is printed only after what it says was observed at the stand-ins; anything else ends the
scenario with an error.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import aiohttp

from crewgate.demo.crew import Resume, State
from crewgate.demo.environment import ANA, BEN, CARL, CHANNEL, Environment, start_environment
from crewgate.demo.hosted.crew import HostedCrew, sample_host
from crewgate.demo.playground.slack_state import known_names
from crewgate.demo.server_process import DidNotStart
from crewgate.demo.transcript import read_markdown, read_message
from crewgate.demo.workspace import Message, buttons, message_text

TOPIC = "home batteries"
FEEDBACK = "Add a source for every figure, and keep the reading short."
CREW_WEBHOOK_URL = "http://127.0.0.1:9/somebody-else-listens-here"

Say = Callable[[str], None]


class ScenarioFailed(Exception):
    """A step did not happen as expected; the message names it."""


async def run_scenario(*, port: int | None, say: Say, crewai: bool = False) -> int:
    """Play the scenario and return the exit status: 0 only if every step really happened."""
    try:
        await _play(port=port, say=say, crewai=crewai)
    except (ScenarioFailed, TimeoutError, DidNotStart) as error:
        say(f"\nThe scenario failed: {error}")
        return 1
    return 0


async def _play(*, port: int | None, say: Say, crewai: bool) -> None:
    """Kick off, review, revise, second round, approve, result.

    Raises ScenarioFailed, TimeoutError or DidNotStart when a step does not really happen.
    """
    with tempfile.TemporaryDirectory(prefix="crewgate-demo-") as folder:
        say("Starting a crew, a Slack workspace and the bot between them.")
        hosted = HostedCrew(sample_host(Path(folder), task_seconds=0.2)) if crewai else None
        async with start_environment(
            Path(folder), now=time.time, task_seconds=0.2, port=port, hosted=hosted
        ) as environment:
            if crewai:
                say(f"  {environment.about}")
            say(f"  crew       {environment.crew.url}")
            say(f"  workspace  {environment.workspace.api_url}")
            say(f"  bot        {environment.bot.url}")
            await _Scenario(environment, say).play()
    say("\nDone. Every step above was seen at the crew or in the workspace.")


class _Scenario:
    """The steps; each waits for its effect at the stand-ins and then prints it."""

    def __init__(self, environment: Environment, say: Say) -> None:
        self._environment = environment
        self._crew = environment.crew
        self._slack = environment.workspace
        self._say = say
        self._decided = 0

    async def play(self) -> None:
        execution = await self._kick_off()
        first = await self._next_card(shows="Market research", number=1)
        await self._reject_outsider(first)
        await self._ask_for_changes(first)
        second = await self._next_card(shows="Market research", number=2)
        _require("Source" in message_text(second), "the second round answers the feedback")
        await self._approve(second, by=BEN, name="Ben")
        await self._ask_status(execution)
        await self._expect_finished_task()
        third = await self._next_card(shows="Board summary", number=1)
        await self._approve_first_of_two(third)
        await self._approve(self._slack.fresh(third), by=BEN, name="Ben")
        await self._expect_result(execution)

    async def _kick_off(self) -> str:
        body = {"inputs": {"topic": TOPIC}, "crewWebhookUrl": CREW_WEBHOOK_URL}
        headers = {"Authorization": f"Bearer {self._crew.token}"}
        address = f"{self._environment.bot.url}/crews/{self._crew.name}/kickoff"
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(address, json=body) as answer,
        ):
            execution = str((await answer.json())["kickoff_id"])
        self._heading(f"Somebody kicks off the crew on “{TOPIC}”, through the bot")
        self._say(f"  POST /crews/{self._crew.name}/kickoff -> execution {execution}")
        return execution

    async def _next_card(self, *, shows: str, number: int) -> Message:
        """The waiting card of this task and round, once it is there."""

        def waiting() -> list[Message]:
            return [
                message
                for message in self._slack.messages(CHANNEL)
                if shows in message_text(message)
                and f"round {number} ·" in message_text(message)
                and "Approve" in buttons(message)
            ]

        [card] = await self._slack.until(waiting, timeout=10)
        self._heading(f"The crew pauses; #crew-reviews shows round {number} of “{shows}”")
        self._show(card)
        return card

    async def _reject_outsider(self, card: Message) -> None:
        await self._slack.click(CARL, card, "Approve")
        answer = await self._slack.until(lambda: self._slack.ephemerals(CARL)[-1])
        self._heading("Carl, who is no reviewer, clicks Approve and is told privately")
        self._show(answer)
        _require(not self._crew.resumes, "the crew was not called")

    async def _ask_for_changes(self, card: Message) -> None:
        await self._slack.click(ANA, card, "Revise")
        await self._slack.until(lambda: self._slack.open_modals(ANA))
        await self._slack.submit(ANA, {"feedback": FEEDBACK})
        self._heading("Ana clicks Revise and writes into the form")
        self._quote([FEEDBACK])
        await self._expect_resume(card, feedback=FEEDBACK, is_approve=False)

    async def _approve(self, card: Message, *, by: str, name: str) -> None:
        await self._slack.click(by, card, "Approve")
        self._heading(f"{name} clicks Approve")
        await self._expect_resume(card, feedback="Approved.", is_approve=True)

    async def _approve_first_of_two(self, card: Message) -> None:
        """Ana's approval is shown, can be taken back and is not sent: the rule asks for two."""
        await self._slack.click(ANA, card, "Approve")

        def counted() -> list[Message]:
            now = self._slack.fresh(card)
            return [now] if "1 of 2" in message_text(now) else []

        [counting] = await self._slack.until(counted)
        self._heading("Ana clicks Approve; a rule asks for two, so the card counts")
        self._show(counting)
        _require("Take back my approval" in buttons(counting), "an approval can be taken back")
        _require(len(self._crew.resumes) == self._decided, "one of two approvals is not sent")

    async def _expect_resume(self, card: Message, *, feedback: str, is_approve: bool) -> None:
        """The crew received exactly this, once; the card says so and decides nothing any more."""
        self._decided += 1
        await self._crew.until(lambda: len(self._crew.resumes) >= self._decided)
        _require(len(self._crew.resumes) == self._decided, "one decision is one resume")
        resume = self._crew.resumes[-1]
        _require(resume.human_feedback == feedback, "the crew got exactly this feedback")
        _require(resume.is_approve is is_approve, "the crew got the verdict that was given")
        _require(
            resume.urls.crew == CREW_WEBHOOK_URL, "the resume carries the forgotten webhook URL"
        )
        self._print_resume(resume)
        await self._slack.until(lambda: _is_delivered(self._slack.fresh(card)))
        left = buttons(self._slack.fresh(card))
        _require("Approve" not in left and "Revise" not in left, "a decided card decides nothing")

    def _print_resume(self, resume: Resume) -> None:
        body = {
            "task_id": resume.task_id,
            "is_approve": resume.is_approve,
            "human_feedback": resume.human_feedback,
            "crewWebhookUrl": resume.urls.crew,
        }
        self._say(f"  POST /resume {json.dumps(body, ensure_ascii=False)}")

    async def _ask_status(self, execution: str) -> None:
        seen = len(self._slack.ephemerals(BEN))
        await self._slack.slash(BEN, CHANNEL, "/crew", f"status {execution[:8]}")
        await self._slack.until(lambda: len(self._slack.ephemerals(BEN)) > seen)
        self._heading(f"Ben asks /crew status {execution[:8]}")
        self._show(self._slack.ephemerals(BEN)[-1])

    async def _expect_finished_task(self) -> None:
        """The progress message has a line for the task without a review.

        The stand-in tells its key, and CrewAI itself its name.
        """
        finished = (":heavy_check_mark: Plan task", ":heavy_check_mark: Entry plan")
        [line] = await self._slack.until(
            lambda: [
                m
                for m in self._slack.messages(CHANNEL)
                if any(line in message_text(m) for line in finished)
            ]
        )
        self._heading("The progress message in the thread lists the finished tasks")
        self._show(line)

    async def _expect_result(self, execution: str) -> None:
        await self._crew.until(lambda: self._crew.execution(execution).state is State.COMPLETED)
        async with (
            aiohttp.ClientSession(
                headers={"Authorization": f"Bearer {self._crew.token}"}
            ) as session,
            session.get(f"{self._crew.url}/status/{execution}") as answer,
        ):
            status = await answer.json()
        self._heading("The crew has finished")
        self._quote(read_markdown(str(status["result"]["output"])))
        resumes = [resume.is_approve for resume in self._crew.resumes]
        _require(resumes == [False, True, True], "the crew was resumed three times, no more")

    def _heading(self, text: str) -> None:
        self._say(f"\n== {text}")

    def _show(self, message: Message) -> None:
        self._quote(read_message(message, known_names(self._slack)))

    def _quote(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._say(f"  │ {line}".rstrip())


def _is_delivered(card: Message) -> bool:
    """Return True if a card says that the crew has the decision."""
    said = message_text(card)
    return any(
        words in said for words in ("The crew goes on.", "is doing it again", "The crew is done")
    )


def _require(condition: object, what: str) -> None:
    if not condition:
        raise ScenarioFailed(f"this did not happen: {what}")
