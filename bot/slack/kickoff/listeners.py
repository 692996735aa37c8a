"""`/crew kickoff`: choose a crew, fill in its inputs, start it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import CrewgateError, NotAStarter, StoreUnavailable, UnknownCrew
from bot.domain.outcome import NotSent, Unknown
from bot.domain.people import Role
from bot.domain.verdict import Person
from bot.slack import ids
from bot.slack import strings as shared
from bot.slack.blockkit.blocks import Block
from bot.slack.client.directory import SlackDirectory
from bot.slack.client.web_api import CallFailed, call
from bot.slack.errors import Respond, tell
from bot.slack.kickoff import strings
from bot.slack.kickoff.forms import render_choice, render_form, render_notice
from bot.slack.payloads import Command, person_of
from bot.usecases.kickoff import Kickoffs, NoPublicUrl, TooManyKickoffs
from bot.usecases.permissions import crews_of, require
from bot.usecases.ports.crew import KickoffAnswer, KickoffOutcome, KickoffRequest
from bot.usecases.read_models import CrewUnavailable
from bot.usecases.wakeup import Wakeup

log = structlog.get_logger(__name__)

Body = dict[str, Any]

#: How often it is tried to replace a notice that Slack may not show yet, and how far apart.
UPDATES = 5
UPDATE_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """What these listeners work with; built once, by the app."""

    kickoffs: Kickoffs
    directory: SlackDirectory
    new_kickoff: Callable[[Mapping[str, str]], KickoffRequest]

    def require(self, crew: str, who: Person) -> None:
        """Raises UnknownCrew or NotAStarter."""
        try:
            require(
                who.id,
                Role.STARTER,
                crew,
                crews=self.kickoffs.crews,
                directory=self.directory,
            )
        except NotAStarter:
            self.directory.call()
            raise

    def explain(self, error: CrewgateError) -> str:
        """Why nothing was started."""
        match error:
            case NotAStarter(crew=crew, permitted=starters, uncertain=uncertain):
                return strings.not_a_starter(crew, starters, uncertain=uncertain)
            case UnknownCrew(crew=crew):
                return shared.unknown_crew(crew)
            case NoPublicUrl():
                return strings.NO_PUBLIC_URL
            case TooManyKickoffs():
                return strings.BUSY
            case StoreUnavailable():
                return strings.STORE_UNAVAILABLE
            case _:
                return shared.SOMETHING_FAILED


def register(app: AsyncApp, counter: Counter) -> None:
    """Put the form's listeners on the app."""
    app.view(ids.KICKOFF_CHOICE)(partial(on_crew_chosen, counter=counter))
    app.view(ids.KICKOFF_FORM)(partial(on_kickoff_submitted, counter=counter))


async def on_kickoff_command(
    command: Command, trigger_id: str, client: AsyncWebClient, respond: Respond, *, counter: Counter
) -> None:
    """Open the form at once, since a trigger lasts 3 s, and ask the crew behind it."""
    crews = counter.kickoffs.crews
    named = command.words[1:]
    try:
        if named:
            counter.require(named[0], command.by)
            startable: tuple[str, ...] = named
        else:
            startable = crews_of(
                command.by.id, Role.STARTER, crews=crews, directory=counter.directory
            )
            if len(crews) == 1:
                counter.require(next(iter(crews)), command.by)
    except CrewgateError as error:
        await tell(respond, counter.explain(error))
        return
    if len(startable) != 1:
        answer = strings.NOT_UNDERSTOOD if named else strings.NO_CREW
        if named or not startable:
            await tell(respond, answer)
            return
        view = render_choice(startable)
    else:
        view = render_notice(strings.asking(startable[0]))
    try:
        opened = await call(client, "views.open", trigger_id=trigger_id, view=view)
    except CallFailed as error:
        log.warning("modal_not_opened", why=str(error.failure))
        await tell(respond, strings.NOT_OPENED)
        return
    if len(startable) == 1:
        await _show_form(client, {"view_id": opened["view"]["id"]}, startable[0], counter)


async def on_crew_chosen(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, counter: Counter
) -> None:
    """A crew was chosen: ask it for its inputs."""
    view = body["view"]
    chosen = view["state"]["values"][ids.CREW][ids.CREW]["selected_option"] or {}
    crew = str(chosen.get("value", ""))
    try:
        counter.require(crew, person_of(body["user"]))
    except CrewgateError as error:
        await ack(response_action="update", view=render_notice(counter.explain(error)))
        return
    shown = await _change(ack, view, strings.asking(crew))
    await _show_form(client, shown, crew, counter)


async def on_kickoff_submitted(
    ack: AsyncAck, body: Body, client: AsyncWebClient, *, counter: Counter
) -> None:
    """The form was sent: start the crew, which may take minutes, and say what came of it."""
    view = body["view"]
    crew, by = str(view.get("private_metadata", "")), person_of(body["user"])
    values = _values(view["state"]["values"])
    problems = {name: strings.EMPTY for name, text in values.items() if not text}
    empty = {f"{ids.KICKOFF_INPUT}.{name}": problem for name, problem in problems.items()}
    if empty:
        await ack(response_action="errors", errors=empty)
        return
    try:
        counter.require(crew, by)
    except CrewgateError as error:
        await ack(response_action="update", view=render_notice(counter.explain(error)))
        return
    notice = await _change(ack, view, strings.starting(crew))
    try:
        answer = await counter.kickoffs.start(crew, counter.new_kickoff(values), by=by)
    except CrewgateError as error:
        shown = render_form(crew, list(values), values=values, warning=counter.explain(error))
    else:
        shown = _outcome(crew, values, answer)
    await _update(client, notice, shown)


def _outcome(crew: str, values: Mapping[str, str], answer: KickoffOutcome) -> Block:
    match answer:
        case KickoffAnswer(execution_id=str(execution_id)):
            return render_notice(strings.started(crew, execution_id))
        case KickoffAnswer(missing=missing, words=why) if why:
            names = [*values, *missing]
            return render_form(
                crew, names, values=values, missing=missing, warning=strings.refused(why)
            )
        case NotSent(why=why):
            warning = strings.crew_away(crew, why)
            return render_form(crew, list(values), values=values, warning=warning)
        case Unknown(why=why):
            return render_notice(strings.unclear(why))
        case _:
            return render_notice(strings.unclear("its answer names no execution"))


async def _show_form(
    client: AsyncWebClient, shown: Mapping[str, str], crew: str, counter: Counter
) -> None:
    found = await counter.kickoffs.clients[crew].inputs()
    if isinstance(found, CrewUnavailable):
        await _update(client, shown, render_notice(strings.crew_away(crew, found.why)))
    else:
        await _update(client, shown, render_form(crew, found))


async def _change(ack: AsyncAck, view: Body, sentence: str) -> Mapping[str, str]:
    """Acknowledge with a notice, and return the name by which it can be replaced.

    A name of its own: an update that Slack gets before it has shown the notice must not be
    covered by it.
    """
    name = f"{view['id']}.{view.get('hash', '')}"
    await ack(response_action="update", view={**render_notice(sentence), "external_id": name})
    return {"external_id": name}


async def _update(client: AsyncWebClient, shown: Mapping[str, str], view: Block) -> None:
    """The person may have closed the form, and then there is nothing to update."""
    for _ in range(UPDATES):
        try:
            await call(client, "views.update", **shown, view=view)
        except CallFailed as error:
            log.info("modal_not_updated", why=str(error))
            await Wakeup().wait(UPDATE_SECONDS)
        else:
            return


def _values(state: Mapping[str, Any]) -> dict[str, str]:
    prefix = f"{ids.KICKOFF_INPUT}."
    return {
        block.removeprefix(prefix): str(fields[ids.KICKOFF_INPUT].get("value") or "").strip()
        for block, fields in state.items()
        if block.startswith(prefix)
    }
