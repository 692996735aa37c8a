"""A scenario, played over real HTTP and printed as it happens.

A step is printed only after its effect was seen at the stand-ins; a step without effect ends the
scenario with an error.
"""

import json
import re
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import aiohttp

from crewgate.demo.crew.deployment import State
from crewgate.demo.environment import ANA, BEN, CARL, CHANNEL, Environment, start_environment
from crewgate.demo.playground.render_html import Names, markdown, mrkdwn, render_blocks
from crewgate.demo.playground.state import known_names
from crewgate.demo.servers import DidNotStart
from crewgate.demo.workspace.blocks import Json, elements, label
from crewgate.demo.workspace.workspace import buttons, message_text
from crewgate.demo.workspace.world import Message

WIDTH: Final = 92
"""The characters of a line; tables and code may be longer."""
_APART: Final = frozenset({"markdown", "rich_text", "actions", "header"})
_RULE: Final = "─" * 12
_COLUMN: Final = 16
"""The characters of a column; a longer cell moves those after it."""
_BEFORE: Final = {"br": "\n", "hr": f"\n{_RULE}\n\n", "li": "\n- "}
_AFTER: Final = {"td": "\t", "th": "\t", "tr": "\n"} | dict.fromkeys(
    ("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "pre", "table"), "\n\n"
)


def read_message(message: Message, names: Names) -> list[str]:
    """Return the lines of a message: its blocks, or its text if it has none, and its files."""
    lines = list(_of_blocks(message.blocks, names)) or read_html(mrkdwn(message.text, names))
    return [*lines, *(f"[file] {file.title or file.name}" for file in message.files)]


def read_markdown(text: str) -> list[str]:
    return read_html(markdown(text))


def read_html(html: str) -> list[str]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    text = re.sub(r"\n{3,}", "\n\n", reader.text).strip("\n")
    return [part for line in text.split("\n") for part in _wrapped(line)] if text else []


def _of_blocks(blocks: Sequence[Json], names: Names) -> Iterator[str]:
    before = None
    for block in blocks:
        kind, lines = block.get("type"), _of_block(block, names)
        if before is not None and lines and {before, kind} & _APART:
            yield ""
        yield from lines
        before = kind


def _of_block(block: Json, names: Names) -> list[str]:
    match block.get("type"):
        case "actions":
            return ["  ".join(f"[ {label(element)} ]" for _, element in elements([block]))]
        case "divider":
            return [_RULE]
        case _:
            return read_html("<br>".join(_texts(block, names)))


def _texts(block: Json, names: Names) -> Iterator[str]:
    """Yield the HTML of each text of a block, in reading order."""
    [shown] = render_blocks([block], names)
    text = shown.get("text")
    if shown.get("type") == "context":
        yield " ".join(one.get("html", "") for one in shown["elements"])
    else:
        # A Markdown block has no text object inside: the block itself has the HTML.
        for one in (text if isinstance(text, dict) else shown, *shown.get("fields", ())):
            yield one.get("html", "")


class _Reader(HTMLParser):
    """Collects the text of HTML that the page's renderers made."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self._is_code = False
        self._before_quote = ""

    def handle_starttag(self, tag: str, _: object) -> None:
        self._is_code |= tag == "pre"
        if tag == "blockquote":
            self._before_quote, self.text = self.text, ""
        self.text += _BEFORE.get(tag, "")

    def handle_endtag(self, tag: str) -> None:
        self._is_code &= tag != "pre"
        if tag == "blockquote":
            quoted = self.text.strip("\n").replace("\n", "\n> ")
            self.text = f"{self._before_quote}\n> {quoted}\n\n"
        self.text += _AFTER.get(tag, "")

    def handle_data(self, data: str) -> None:
        """Add text; outside code, line ends are only the HTML's layout."""
        self.text += data if self._is_code else data.strip("\n").replace("\n", " ")


def _wrapped(line: str) -> list[str]:
    """Break a line between words, but for a table's row: its cells get columns."""
    if "\t" in line:
        return [line.expandtabs(_COLUMN).rstrip()]
    indent = {"- ": "  ", "> ": "> "}.get(line[:2], "")
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_long_words=False) or [""]


TOPIC = "home batteries"
FEEDBACK = "Add a source for every figure, and keep the reading short."
CREW_WEBHOOK_URL = "http://127.0.0.1:9/somebody-else-listens-here"

Say = Callable[[str], None]


class ScenarioFailed(Exception):
    """A step did not happen as expected; the message names it."""


async def run_scenario(*, port: int | None, say: Say, crewai: bool = False) -> int:
    """Play the scenario; return 0 only if every step really happened."""
    try:
        await _play(port=port, say=say, crewai=crewai)
    except (ScenarioFailed, TimeoutError, DidNotStart) as error:
        say(f"\nThe scenario failed: {error}")
        return 1
    return 0


async def _play(*, port: int | None, say: Say, crewai: bool) -> None:
    """Start an environment, and play the scenario's steps in it.

    Raises ScenarioFailed, TimeoutError or DidNotStart if a step does not really happen.
    """
    with tempfile.TemporaryDirectory(prefix="crewgate-demo-") as folder:
        say("Starting a crew, a Slack workspace and the bot between them.")
        async with start_environment(
            Path(folder), task_seconds=0.2, port=port, crewai=crewai
        ) as environment:
            if crewai:
                say(f"  {environment.about}")
            say(f"  crew       {environment.crew.url}")
            say(f"  workspace  {environment.workspace.api_url}")
            say(f"  bot        {environment.bot.url}")
            await _Scenario(environment, say).play()
    say("\nDone. Every step above was seen at the crew or in the workspace.")


class _Scenario:
    """The scenario's steps; each waits for its effect at the stand-ins, and then prints it."""

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
        answer = await self._environment.kick_off(TOPIC, crewWebhookUrl=CREW_WEBHOOK_URL)
        execution = str(answer["kickoff_id"])
        self._heading(f"Somebody kicks off the crew on “{TOPIC}”, through the bot")
        self._say(f"  POST /crews/{self._crew.name}/kickoff -> execution {execution}")
        return execution

    async def _next_card(self, *, shows: str, number: int) -> Message:
        """Return the waiting card of this task and round, once it is there."""

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
        """Approve as Ana: the card counts one of two approvals, and nothing is sent."""
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
        """Require that the crew received exactly this, once, and that the card is closed."""
        self._decided += 1
        await self._crew.until(lambda: len(self._crew.resumes) >= self._decided)
        _require(len(self._crew.resumes) == self._decided, "one decision is one resume")
        resume = self._crew.resumes[-1]
        _require(resume.human_feedback == feedback, "the crew got exactly this feedback")
        _require(resume.is_approve is is_approve, "the crew got the verdict that was given")
        _require(
            resume.urls.crew == CREW_WEBHOOK_URL, "the resume carries the forgotten webhook URL"
        )
        body = {
            "task_id": resume.task_id,
            "is_approve": resume.is_approve,
            "human_feedback": resume.human_feedback,
            "crewWebhookUrl": resume.urls.crew,
        }
        self._say(f"  POST /resume {json.dumps(body, ensure_ascii=False)}")
        await self._slack.until(lambda: _is_delivered(self._slack.fresh(card)))
        left = buttons(self._slack.fresh(card))
        _require("Approve" not in left and "Revise" not in left, "a decided card decides nothing")

    async def _ask_status(self, execution: str) -> None:
        seen = len(self._slack.ephemerals(BEN))
        await self._slack.slash(BEN, CHANNEL, "/crew", f"status {execution[:8]}")
        await self._slack.until(lambda: len(self._slack.ephemerals(BEN)) > seen)
        self._heading(f"Ben asks /crew status {execution[:8]}")
        self._show(self._slack.ephemerals(BEN)[-1])

    async def _expect_finished_task(self) -> None:
        """Require a line in the progress message for the task without a review.

        The stand-in sends the task's key, CrewAI itself its name.
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
            aiohttp.ClientSession(headers=self._environment.crew_token) as session,
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
    text = message_text(card)
    return any(
        words in text for words in ("The crew goes on.", "is doing it again", "The crew is done")
    )


def _require(condition: object, what: str) -> None:
    if not condition:
        raise ScenarioFailed(f"this did not happen: {what}")
