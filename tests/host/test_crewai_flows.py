"""Real flows behind the API, and the traps of their library."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from bot.demo.hosted.process import HostProcess
from tests.host.client import Json, Listener, listening
from tests.host.real import api, host, needs_crewai

pytestmark = [needs_crewai, pytest.mark.asyncio(loop_scope="module")]
TARGETS = ("ArticleFlow", "WordsFlow", "AwayFlow", "TwinsFlow", "FailingFlow")


@dataclass
class Real:
    """A running host, and who takes its webhooks."""

    process: HostProcess
    listener: Listener
    folder: Path

    async def question(self, name: str, execution: str, number: int = 1) -> Json:
        """What an execution of this flow asks."""

        def found() -> list[Json]:
            asked = self.listener.at(f"/{name}")
            return [one for one in asked if one["flow_id"] == execution][number - 1 :]

        return (await self.listener.until(found))[0]

    @property
    def asked(self) -> int:
        """How often the model was asked."""
        file = self.folder / "asked.txt"
        return len(file.read_text().splitlines()) if file.exists() else 0


async def answer(question: Json, feedback: str) -> tuple[int, Any]:
    """Answer a question."""
    body = {"feedback": feedback, "source": "slack"}
    url = question["callback_url"]
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as answered:
        return answered.status, await answered.json()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def real(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Real]:
    """One host for all tests here."""
    folder = tmp_path_factory.mktemp("host")
    targets = [f"articles:{name}" for name in TARGETS]
    async with listening() as listener:
        webhook = f"{listener.url}/{{name}}"
        async with host(folder, *targets, flow_webhook=webhook) as process:
            yield Real(process, listener, folder)


async def test_a_label_is_that_outcome_and_no_model_is_asked(real: Real) -> None:
    """The model would say `needs_revision`, and CrewAI would not find it again."""
    served, before = api(real.process, "ArticleFlow"), real.asked
    for label, result in (("approved", "published draft 1"), ("rejected", "dropped")):
        execution = await served.kick_off({"topic": "coffee"})
        question = await real.question("ArticleFlow", execution)
        assert question["output"] == "Draft 1 on coffee"
        assert question["emit"] == ["approved", "rejected", "needs_revision"]
        assert question["state"]["topic"] == "coffee"
        assert question["metadata"] == {"region": "EU"}
        assert question["flow_class"] == "tests.host.crews.articles.ArticleFlow"
        status, said = await answer(question, label)
        assert (status, said["request"]["outcome"]) == (200, label)
        ended = await served.until(execution, "completed")
        assert ended["result"]["output"] == result
    assert real.asked == before


async def test_words_are_read_by_the_flows_own_model(real: Real) -> None:
    served = api(real.process, "ArticleFlow")
    execution = await served.kick_off({})
    question, before = await real.question("ArticleFlow", execution), real.asked
    await answer(question, "Please make it shorter.")
    again = await real.question("ArticleFlow", execution, 2)
    spent, _ = await answer(question, "approved")
    await answer(again, "approved")
    ended = await served.until(execution, "completed")

    assert real.asked == before + 1
    assert again["output"] == "Draft 2 on tea"
    assert spent == 409
    assert ended["result"]["output"] == "published draft 2"


async def test_an_empty_answer_is_no_approval(real: Real) -> None:
    """CrewAI takes the default outcome for it, which is `approved`."""
    served = api(real.process, "ArticleFlow")
    execution = await served.kick_off({})
    question = await real.question("ArticleFlow", execution)
    for nothing in ("", "  \n"):
        status, _ = await answer(question, nothing)
        assert status == 400
    assert (await served.status(execution))["current_task"] == "review"
    await answer(question, "rejected")
    assert (await served.until(execution, "completed"))["result"]["output"] == "dropped"


async def test_a_question_without_outcomes_takes_words(real: Real) -> None:
    served = api(real.process, "WordsFlow")
    execution = await served.kick_off({})
    question = await real.question("WordsFlow", execution)
    await answer(question, "Sehr schön.")
    ended = await served.until(execution, "completed")

    assert (question["output"], question["emit"]) == ({"score": 7}, [])
    assert '"said": "Sehr schön."' in ended["result"]["output"]


async def test_words_that_no_model_could_read_are_asked_for_again(real: Real) -> None:
    served = api(real.process, "AwayFlow")
    execution = await served.kick_off({})
    await answer(await real.question("AwayFlow", execution), "Nearly.")
    again = await real.question("AwayFlow", execution, 2)
    await answer(again, "yes")
    ended = await served.until(execution, "completed")

    assert again["message"].startswith("“Nearly.” could not be read")
    assert again["message"].endswith("\n\nGood?")
    assert ended["result"]["output"] == "done"


async def test_two_questions_at_the_same_time_end_a_flow_with_a_sentence(real: Real) -> None:
    served = api(real.process, "TwinsFlow")
    said = await served.until(await served.kick_off({}), "error")

    assert "ask people at the same time" in said["error"]
    assert real.listener.at("/TwinsFlow") == []


async def test_an_error_after_the_answer_is_the_status(real: Real) -> None:
    served = api(real.process, "FailingFlow")
    execution = await served.kick_off({})
    await answer(await real.question("FailingFlow", execution), "Go.")
    said = await served.until(execution, "error")

    assert said["error"] == "LookupError: nothing for Go."


async def test_inputs_that_the_state_refuses_are_named(real: Real) -> None:
    served = api(real.process, "ArticleFlow")
    status, said = await served.call("POST", "/kickoff", {"inputs": {"length": "long"}})

    assert (status, list(said["details"])) == (422, ["length"])
    assert await served.call("GET", "/inputs") == (200, {"inputs": []})
