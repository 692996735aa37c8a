"""What can be done on the page: each deed is one thing a person, or whoever plays fate, does."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from html import escape
from typing import Any, Final, TypeAlias

import aiohttp

from bot.demo import crew, workspace
from bot.demo.crew import HumanInput
from bot.demo.playground.keeper import Keeper
from bot.demo.stage import WEBHOOK_SECRET, Stage
from bot.demo.workspace import CannotDoThat, Message, Reply, View

Json: TypeAlias = dict[str, Any]
Deed: TypeAlias = Callable[[str, Json], Awaitable[Json]]

_SLOW_SECONDS: Final = 5
_DONE: Final[Json] = {"ok": True}
_NAMED: Final = re.compile(r"(?<!\w)@(\w+)")

CREW_FAULTS: Final = {
    "slow": crew.slow(_SLOW_SECONDS),
    "500": crew.status(500, {"error": "Internal Server Error", "message": "The crew tripped"}),
    "refuse": crew.status(422, {"error": "Validation Error", "message": "The crew says no"}),
    "drop": crew.drop_after(),
    "hang": crew.hang(),
}
"""What happens to the next request of one route."""
SLACK_FAULTS: Final = {
    "slow": workspace.slow(_SLOW_SECONDS),
    "500": workspace.http_status(500),
    "refuse": workspace.error("not_in_channel"),
    "drop": workspace.DROP_AFTER,
    "hang": workspace.HANG,
}
"""What happens to the next call of any method."""


class NoSuchThing(Exception):
    """The page asked for what is not there (any more); its words are shown to the person."""


class Deeds:
    """Does what the page says; each deed answers as JSON when the bot has answered."""

    def __init__(self, stage: Stage, keeper: Keeper, changed: Callable[[], None]) -> None:
        self._slack = stage.workspace
        self._crew = stage.crew
        self._stage = stage
        self._keeper = keeper
        self._changed = changed
        self._deeds: dict[str, Deed] = {
            "use": self._use,
            "submit": self._submit,
            "close": self._close,
            "command": self._command,
            "write": self._write,
            "edit": self._edit,
            "delete": self._delete,
            "home": self._home,
            "kickoff": self._kickoff,
            "disturb": self._disturb,
            "behave": self._behave,
            "bot": self._bot,
        }

    async def do(self, deed: str, person: str, body: Json) -> Json:
        """Do one deed as this person. Raises NoSuchThing, or KeyError for a body that lacks it."""
        if person not in self._slack.world.users:
            raise NoSuchThing(f"nobody is called {person}")
        if deed not in self._deeds:
            raise NoSuchThing(f"there is no deed called {deed}")
        try:
            return await self._deeds[deed](person, body)
        except CannotDoThat as error:
            raise NoSuchThing(str(error)) from error

    # ---- in the workspace

    async def _use(self, person: str, body: Json) -> Json:
        surface = self._surface(person, body)
        return _told(
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
        return _told(await self._slack.submit(person, body["entered"], view))

    async def _close(self, person: str, body: Json) -> Json:
        self._modal(person, body["view"])
        reply = await self._slack.close_modal(person)
        return _DONE if reply is None else _told(reply)

    async def _command(self, person: str, body: Json) -> Json:
        command, _, rest = str(body["text"]).strip().partition(" ")
        return _told(await self._slack.slash(person, body["channel"], command, rest.strip()))

    async def _write(self, person: str, body: Json) -> Json:
        text = self._typed(str(body["text"]))
        await self._slack.write(person, body["channel"], text, body.get("thread_ts"))
        # Slack shows nobody what a bot answered to an event.
        return _DONE

    async def _edit(self, person: str, body: Json) -> Json:
        message = self._message(person, body["channel"], body["ts"])
        await self._slack.edit_message(person, message, self._typed(str(body["text"])))
        return _DONE

    async def _delete(self, person: str, body: Json) -> Json:
        message = self._message(person, body["channel"], body["ts"])
        if message.user != person:
            raise NoSuchThing("only its author can delete a message")
        await self._slack.delete_message(message)
        return _DONE

    async def _home(self, person: str, _: Json) -> Json:
        await self._slack.open_home(person)
        return _DONE

    def _typed(self, text: str) -> str:
        """What Slack makes of what somebody typed: nothing but names becomes more than text."""
        ids = {user.name.lower(): user.id for user in self._slack.world.users.values()}

        def named(match: re.Match[str]) -> str:
            user = ids.get(match[1].lower())
            return match[0] if user is None else f"<@{user}>"

        return _NAMED.sub(named, escape(text, quote=False))

    def _surface(self, person: str, body: Json) -> Message | View:
        match body["surface"]:
            case {"view": str(view)}:
                return self._modal(person, view)
            case {"channel": str(channel), "ts": str(ts)}:
                return self._message(person, channel, ts)
            case "home" if person in self._slack.world.homes:
                return self._slack.home(person)
        raise NoSuchThing("that is not there any more")

    def _modal(self, person: str, view: str) -> View:
        for shown in self._slack.open_modals(person):
            if shown.id == view:
                return shown
        raise NoSuchThing("that form has been closed")

    def _message(self, person: str, channel: str, ts: str) -> Message:
        where = self._slack.world.channels.get(channel)
        whispered = (one for one in self._slack.ephemerals(person) if one.ts == ts)
        message = (where.messages.get(ts) if where else None) or next(whispered, None)
        if message is None:
            raise NoSuchThing("that message is not there any more")
        return message

    # ---- at the crew, and behind the stage

    async def _kickoff(self, _: str, body: Json) -> Json:
        hook = HumanInput.bearer(self._stage.human_input_url, WEBHOOK_SECRET)
        wanted = {"inputs": {"topic": body["topic"]}, "humanInputWebhook": hook.wire}
        headers = {"Authorization": f"Bearer {self._crew.token}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(f"{self._crew.url}/kickoff", json=wanted) as answer,
        ):
            told = await answer.json()
        if "kickoff_id" not in told:
            raise NoSuchThing(str(told.get("message")))
        return _DONE | {"execution": told["kickoff_id"]}

    async def _disturb(self, _: str, body: Json) -> Json:
        times = None if body.get("lasting") else 1
        if body["who"] == "slack":
            self._slack.fail("*", SLACK_FAULTS[body["how"]], times)
        else:
            self._crew.fail("/resume", how=CREW_FAULTS[body["how"]], times=times)
        self._changed()
        return _DONE

    async def _behave(self, _: str, __: Json) -> Json:
        self._slack.behave()
        self._crew.clear()
        self._crew.release()
        self._changed()
        return _DONE

    async def _bot(self, _: str, body: Json) -> Json:
        if body["order"] not in {"start", "restart", "kill"}:
            raise NoSuchThing("the bot can be started, restarted and killed")
        await self._keeper.obey(body["order"])
        return _DONE


def _told(reply: Reply) -> Json:
    """What the person's screen shows of the bot's reply."""
    problem = reply.problem
    if not problem and not reply.ok and not reply.errors:
        problem = f"the app answered {reply.status}"
    return {"ok": reply.ok, "problem": problem, "errors": dict(reply.errors)}
