"""The page's actions: clicks and words of a person in the workspace, and faults."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from html import escape
from typing import Any, Final, Literal, Self, TypeAlias

import aiohttp

from crewgate.demo.environment import NOTIFY, Environment
from crewgate.demo.faults import DROP_AFTER, EVERY, HANG, Fault
from crewgate.demo.servers import BotProcess, DidNotStart
from crewgate.demo.workspace.delivery import Reply
from crewgate.demo.workspace.forms import CannotDoThat
from crewgate.demo.workspace.world import Message, View

Command: TypeAlias = Literal["start", "restart", "kill"]


class Supervisor:
    """Carries out commands on the bot, one at a time; calls `changed` when `state` changes."""

    def __init__(self, bot: BotProcess, changed: Callable[[], None]) -> None:
        self.state = "running"
        self.problem = ""
        self.log = ""
        """The end of the bot's log, if the bot ended by itself."""
        self._bot = bot
        self._changed = changed
        self._lock = asyncio.Lock()
        self._watcher: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._watch()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            with suppress(asyncio.CancelledError):
                await self._watcher

    async def execute(self, command: Command) -> None:
        async with self._lock:
            if command == "kill":
                await self._bot.kill()
                self._set_state("down", "The bot was killed here, on this page.")
                return
            if command == "restart" and self._bot.running:
                self._set_state("restarting")
                await self._bot.stop()
            if not self._bot.running:
                await self._start()

    async def settled(self) -> None:
        async with self._lock:
            pass

    async def _start(self) -> None:
        self._set_state("starting")
        try:
            await self._bot.start()
        except DidNotStart as error:
            self._set_state("down", "The bot did not start.", error.log)
        else:
            self._watch()
            self._set_state("running")

    def _watch(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
        self._watcher = asyncio.create_task(self._watch_exit())

    async def _watch_exit(self) -> None:
        await self._bot.ended()
        async with self._lock:
            # A command that ended the bot held the lock until now, and has already set the state.
            if self.state == "running" and not self._bot.running:
                self._set_state("down", "The bot ended by itself.", self._bot.log_tail)

    def _set_state(self, state: str, problem: str = "", log: str = "") -> None:
        self.state, self.problem, self.log = state, problem, log
        self._changed()


Json: TypeAlias = dict[str, Any]
Action: TypeAlias = Callable[[str, Json], Awaitable[Json | None]]

_DONE: Final[Json] = {"ok": True}
_AT_NAME: Final = re.compile(r"(?<!\w)@(\w+)")

_FAULTS: Final = {"slow": Fault("slow", seconds=5), "drop": DROP_AFTER, "hang": HANG}
_CREW_FAILED: Final = {"error": "Internal Server Error", "message": "The crew failed"}
_CREW_REFUSES: Final = {"error": "Validation Error", "message": "The crew says no"}
_SLACK_REFUSES: Final = {"ok": False, "error": "not_in_channel"}
CREW_FAULTS: Final = _FAULTS | {
    "500": Fault("500", code=500, body=_CREW_FAILED),
    "refuse": Fault("refuse", code=422, body=_CREW_REFUSES),
}
SLACK_FAULTS: Final = _FAULTS | {
    "500": Fault("500", code=500, body="an injected fault"),
    "refuse": Fault("refuse", code=200, body=_SLACK_REFUSES),
}


class ActionRefused(Exception):
    """The action is impossible; its message is shown to the person."""


class Actions:
    """The page's actions; each returns its result, if it has one, once the bot has answered."""

    def __init__(
        self, environment: Environment, supervisor: Supervisor, changed: Callable[[], None]
    ) -> None:
        self._slack = environment.workspace
        self._crew = environment.crew
        self._environment = environment
        self._supervisor = supervisor
        self._changed = changed
        self._actions: dict[str, Action] = {
            "use": self._use,
            "submit": self._submit,
            "close": self._close,
            "command": self._command,
            "write": self._write,
            "edit": self._edit,
            "delete": self._delete,
            "home": self._home,
            "kickoff": self._kickoff,
            "fail": self._fail,
            "clear_faults": self._clear_faults,
            "bot": self._bot,
            "notify": self._notify,
        }

    async def perform(self, action: str, person: str, body: Json) -> Json:
        """Perform one action as this person.

        Raises ActionRefused; KeyError, ValueError or TypeError for a malformed body.
        """
        if person not in self._slack.world.users:
            raise ActionRefused(f"there is no user {person}")
        if action not in self._actions:
            raise ActionRefused(f"there is no action {action}")
        try:
            return await self._actions[action](person, body) or _DONE
        except CannotDoThat as error:
            raise ActionRefused(str(error)) from error

    # ---- actions in the workspace

    async def _use(self, person: str, body: Json) -> Json:
        surface = self._surface(person, body)
        return self._result(
            await self._slack.use(
                person,
                surface,
                body["action_id"],
                block_id=body["block_id"],
                chosen=body.get("chosen"),
                entered=body.get("entered"),
            )
        )

    async def _submit(self, person: str, body: Json) -> Json:
        view = self._modal(person, body["view"])
        return self._result(await self._slack.submit(person, body["entered"], view))

    async def _close(self, person: str, body: Json) -> None:
        self._modal(person, body["view"])
        await self._slack.close_modal(person)

    async def _command(self, person: str, body: Json) -> Json:
        command, _, rest = str(body["text"]).strip().partition(" ")
        return self._result(await self._slack.slash(person, body["channel"], command, rest.strip()))

    async def _write(self, person: str, body: Json) -> None:
        text = self._escape(str(body["text"]))
        # Slack shows nobody what a bot answers to an event, so no problem is returned.
        await self._slack.write(person, body["channel"], text, body.get("thread_ts"))

    async def _edit(self, person: str, body: Json) -> None:
        message = self._message(person, body["channel"], body["ts"])
        await self._slack.edit_message(person, message, self._escape(str(body["text"])))

    async def _delete(self, person: str, body: Json) -> None:
        message = self._message(person, body["channel"], body["ts"])
        if message.user != person:
            raise ActionRefused("only its author can delete a message")
        await self._slack.delete_message(message)

    async def _home(self, person: str, _: Json) -> None:
        await self._slack.open_home(person)

    def _result(self, reply: Reply) -> Json:
        problem = reply.problem
        if not reply.status and self._supervisor.state != "running":
            problem = "the bot is not running"
        elif not problem and not reply.ok and not reply.errors:
            problem = f"the app answered {reply.status}"
        return {"ok": reply.ok, "problem": problem, "errors": dict(reply.errors)}

    def _escape(self, text: str) -> str:
        """Return typed text as Slack stores it: escaped, `@name` of a known user as a mention."""
        ids = {user.name.lower(): user.id for user in self._slack.world.users.values()}

        def mention(match: re.Match[str]) -> str:
            user = ids.get(match[1].lower())
            return match[0] if user is None else f"<@{user}>"

        return _AT_NAME.sub(mention, escape(text, quote=False))

    def _surface(self, person: str, body: Json) -> Message | View:
        match body["surface"]:
            case {"view": str(view)}:
                return self._modal(person, view)
            case {"channel": str(channel), "ts": str(ts)}:
                return self._message(person, channel, ts)
            case "home" if person in self._slack.world.homes:
                return self._slack.home(person)
        raise ActionRefused("that is not there any more")

    def _modal(self, person: str, view: str) -> View:
        for shown in self._slack.open_modals(person):
            if shown.id == view:
                return shown
        raise ActionRefused("that form has been closed")

    def _message(self, person: str, channel: str, ts: str) -> Message:
        where = self._slack.world.channels.get(channel)
        ephemeral = (one for one in self._slack.ephemerals(person) if one.ts == ts)
        message = (where.messages.get(ts) if where else None) or next(ephemeral, None)
        if message is None:
            raise ActionRefused("that message is not there any more")
        return message

    # ---- actions on the crew, on faults and on the bot's process

    async def _kickoff(self, _: str, body: Json) -> Json:
        # A crew sends a webhook once: a webhook to a bot that is just starting would be lost.
        await self._supervisor.settled()
        try:
            reply = await self._environment.kick_off(body["topic"])
        except aiohttp.ClientConnectionError:
            raise ActionRefused("the bot is not running") from None
        if "kickoff_id" not in reply:
            raise ActionRefused(str(reply.get("message")))
        return _DONE | {"execution": reply["kickoff_id"]}

    async def _fail(self, _: str, body: Json) -> None:
        times = None if body.get("until_cleared") else 1
        if body["who"] == "slack":
            self._slack.faults.fail(EVERY, SLACK_FAULTS[body["how"]], times)
        else:
            self._crew.faults.fail("/resume", CREW_FAULTS[body["how"]], times)
        self._changed()

    async def _clear_faults(self, _: str, __: Json) -> None:
        for faults in (self._slack.faults, self._crew.faults):
            faults.clear()
            faults.release()
        self._changed()

    async def _bot(self, _: str, body: Json) -> None:
        if body["command"] not in {"start", "restart", "kill"}:
            raise ActionRefused("the bot can be started, restarted and killed")
        await self._supervisor.execute(body["command"])

    async def _notify(self, _: str, body: Json) -> None:
        """Change `notify`, and restart the bot, which reads the setting at its start."""
        if body["notify"] not in NOTIFY:
            raise ActionRefused(f"reviewers are told by {', '.join(NOTIFY)}")
        self._environment.notify = body["notify"]
        self._environment.write_settings()
        await self._supervisor.execute("restart")
