"""A crew of `crewgate host`, in this process and without crewai, that pauses when it is told to."""

import asyncio
import json
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from crewgate.crew_api.wire import Json
from crewgate.demo.hosted.crew import TOKEN, HostedCrew
from crewgate.host.records import Decision, HostStops, Outcome, Pending
from crewgate.host.run import Completed, Options, Run
from crewgate.host.serve import hosting
from tests.standins.crew import Call, Sent

STOP = ("", "")
ASKS = "ask"
"""In the place of a task: a hook asks."""
CALLS = "call"
"""In the place of a task: a tool is about to be called with these arguments."""
AGENT_ASKS = "agent"
"""In the place of a task: an agent asks, with choices."""
SCHEMA: Json = {
    "properties": {
        "to": {"type": "string"},
        "text": {"type": "string"},
        "copies": {"type": "integer"},
        "urgent": {"type": "boolean"},
    },
    "required": ["to", "text"],
}


class Obedient:
    """Pauses on any task, and waits to be told of the next."""

    name = "research"
    is_flow = False
    inputs: Sequence[str] = ()

    def __init__(self) -> None:
        self.answers: list[Decision | None] = []
        """The answers that hooks got."""
        self.ran: list[Json] = []
        """The arguments of calls that ran."""
        self.refusals: list[str] = []
        """The words that agents were given in the place of a call's result."""
        self.changed: Callable[[], object] = list
        """Called in the execution's thread once what it was told is done."""
        self._told: dict[str, queue.Queue[tuple[str, object]]] = {}

    def told(self, execution_id: str) -> queue.Queue[tuple[str, object]]:
        """Tasks of an execution and their outputs; asked for from several threads."""
        return self._told.setdefault(execution_id, queue.Queue())  # atomic, unlike a defaultdict

    def stop(self) -> None:
        """End the threads that wait to be told."""
        for told in list(self._told.values()):
            told.put(STOP)

    def check(self, inputs: Json) -> None:
        """Anything will do."""

    def _next(self, run: Run) -> tuple[str, object]:
        with suppress(RuntimeError):  # the journey is over
            self.changed()
        return self.told(run.execution.id).get()

    def run(self, run: Run) -> Completed:
        """Pause as it is told to."""
        run.begin([])
        while (told := self._next(run)) is not STOP:
            task, output = told
            if task == CALLS:
                self._call(run, output)
                continue
            if task == AGENT_ASKS:
                ask = {"place": "paint: ask_people", "choices": ["red", "blue"]}
                body = {"task_output": output, "task_name": "paint", "ask": ask}
                pending = Pending(id="ask-people-1", asker="paint", role="", body=body)
                found = run.ask_within(pending)
                self.answers.append(None if found is None else found.decision)
                continue
            if task == ASKS:
                body = {"task_output": output, "ask": {"place": "draft: send_email"}}
                pending = Pending(id="ask-1", asker="draft", role="", body=body)
                found = run.ask_within(pending)
                self.answers.append(None if found is None else found.decision)
                continue
            run.pause(task, str(output), {"task_output": output})
        raise HostStops

    def _call(self, run: Run, arguments: Any) -> None:
        call = {"tool": "send_email", "arguments": arguments, "agent": "Clerk", "task": "mail"}
        body = {
            "task_output": json.dumps(arguments, indent=2),
            "task_name": "mail",
            "agent": "Clerk",
            "tool_call": {**call, "schema": SCHEMA},
        }
        found = run.ask_within(
            Pending(
                id=f"send_email-{len(self.ran) + len(self.refusals)}",
                asker="mail",
                role="",
                body=body,
                check=_take_few_copies,
            )
        )
        assert found is not None
        assert found.decision is not None
        if not found.decision.approve:
            self.refusals.append(found.decision.feedback)
            return
        edited = found.decision.edited
        self.ran.append(arguments if edited is None else json.loads(edited))
        failed = self.ran[-1]["to"] == "nobody"
        words = "No such person" if failed else "Sent as *17*."
        run.tell_outcome(found, Outcome("failed" if failed else "ran", words))


def _take_few_copies(arguments: Json) -> Json:
    if arguments.get("copies", 0) > 9:
        message = "copies: 9 at most"
        raise ValueError(message)
    return arguments


class BesideEachOther(Obedient):
    """Its tasks run and wait beside each other, as those with `async_execution` do."""

    def __init__(self) -> None:
        super().__init__()
        self.decided: list[str] = []

    def run(self, run: Run) -> Completed:
        """Begin tasks as it is told to."""
        run.begin([])
        while (told := self.told(run.execution.id).get()) is not STOP:
            threading.Thread(target=self._one, args=(run, *told), daemon=True).start()
        raise HostStops

    def _one(self, run: Run, task: str, output: object) -> None:
        with suppress(HostStops):
            run.pause(task, str(output), {"task_output": output})
            self.decided.append(task)


class HostInProcess:
    """A host on a file in this folder."""

    def __init__(self, folder: Path, crew: Obedient) -> None:
        self.crew = crew
        self.next_id = ""
        self.url = ""
        self._folder = folder
        self._running = AsyncExitStack()
        self._pauses = count(1)

    async def start(self) -> None:
        """Listen on a free port."""
        options = Options(
            host="127.0.0.1",
            port=0,
            workers=8,
            database=self._folder / "host.db",
            token=TOKEN,
            first_pause=0.005,
            new_id=self._new_id,
        )
        hosted = hosting({self.crew.name: self.crew}, options)
        self.url = await self._running.enter_async_context(hosted)

    def _new_id(self) -> str:
        """The execution's own once, then those of its pauses."""
        given, self.next_id = self.next_id, ""
        return given or f"pause-{next(self._pauses)}"

    async def stop(self) -> None:
        """End it, and the threads that wait to be told."""
        await self._running.aclose()
        self.crew.stop()


class PausingCrew(HostedCrew):
    """The part of the stand-in crew that journeys use, done by a host."""

    def __init__(self, folder: Path, crew: Obedient | None = None) -> None:
        self._in_process = HostInProcess(folder, crew or Obedient())
        super().__init__(self._in_process)
        self.go_down, self.come_back = self._server.stop, self._server.start
        self.fail, self.clear = self.faults.fail, self.faults.clear
        self.release = self.faults.release

    @property
    def answers(self) -> list[Decision | None]:
        """Return the answers that hooks got."""
        return self._in_process.crew.answers

    @property
    def ran(self) -> list[Json]:
        """The arguments of calls that ran."""
        return self._in_process.crew.ran

    @property
    def refusals(self) -> list[str]:
        """The words that agents were given in the place of a call's result."""
        return self._in_process.crew.refusals

    @property
    def requests(self) -> tuple[Call, ...]:
        """Those of the bot: the kickoffs are the journey's."""
        return tuple(call for call in super().requests if call.path != "/kickoff")

    async def pause(self, execution_id: str, task_id: str, output: object, **_: Any) -> Sent:
        """Pause, once the task before it was decided; what came of the notification."""
        if execution_id not in {one.id for one in self.executions}:
            await self._kick_off(execution_id)

        def notified() -> list[Sent]:
            sent = [one for one in self.webhooks_sent if one.kind == "human_input" and one.status]
            return [one for one in sent if one.body["execution_id"] == execution_id]

        count = len(notified())
        self._in_process.crew.told(execution_id).put((task_id, output))
        await self.until(lambda: notified()[count:], timeout=60)
        return notified()[-1]

    async def _kick_off(self, execution_id: str) -> None:
        tell, loop = partial(self.changes.announce, "told", ""), asyncio.get_running_loop()
        self._in_process.crew.changed = partial(loop.call_soon_threadsafe, tell)
        self._in_process.next_id = execution_id
        to = self.human_input
        assert to is not None
        scheme, _, token = to.headers["Authorization"].partition(" ")
        assert scheme == "Bearer"
        webhook = {"url": to.url, "authentication": {"strategy": "bearer", "token": token}}
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session,
            session.post(
                f"{self.url}/kickoff", json={"inputs": {}, "humanInputWebhook": webhook}
            ) as answer,
        ):
            assert answer.status == 200
