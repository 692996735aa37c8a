"""`/crew kickoff`: the form that starts a crew."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Final, assert_never

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.domain import lessons
from crewgate.domain.outcome import NotSent, Unknown
from crewgate.domain.people import Role
from crewgate.domain.verdict import Person
from crewgate.slack import ids
from crewgate.slack.blockkit.blocks import (
    Block,
    context,
    modal,
    present,
    section,
    select_field,
    text_field,
)
from crewgate.slack.blockkit.text import one_line
from crewgate.slack.client.replies import Respond, open_modal, send_ephemeral, update_modal
from crewgate.slack.context import Body, SlackContext
from crewgate.slack.errors import explain_errors
from crewgate.slack.ids import COMMAND
from crewgate.slack.payloads import Command, KickoffForm, parse_kickoff_form
from crewgate.slack.words import names
from crewgate.slack.words.decisions import ANSWER_LIMIT
from crewgate.usecases.ports.crew import KickoffAnswer, KickoffOutcome
from crewgate.usecases.ports.slack import RESPONSE_SENT
from crewgate.usecases.read_models import CrewUnavailable

TITLE: Final = "Start a crew"
ALREADY_SENT: Final = (
    ":information_source: This form was sent already, and nothing more was started. What came of "
    f"it is in the channel; type `{COMMAND} kickoff` to start another."
)
EMPTY: Final = "The crew needs this."
FIELDS_LIMIT: Final = 45
"""The most fields: each may need a second block for its error; a modal has 100."""
_NAME_LIMIT: Final = 200
_TEXT_LIMIT: Final = 3_000
_LONG: Final = frozenset(
    {"background", "brief", "content", "context", "criteria", "data", "description", "details"}
    | {"document", "draft", "email", "goal", "goals", "guidelines", "instructions", "message"}
    | {"notes", "objective", "prompt", "question", "requirements", "summary", "text", "transcript"}
)
"""Words in an input's name that suggest a long text."""


def render_notice(sentence: str) -> Block:
    return modal(TITLE, [section(sentence)])


def render_choice(crews: Sequence[str]) -> Block:
    field = select_field("Which crew?", block_id=ids.CREW, action_id=ids.CREW, options=crews)
    return modal(TITLE, [field], callback_id=ids.KICKOFF_CHOICE, submit="Next")


def render_form(
    crew: str, values: Mapping[str, str], *, missing: Collection[str] = (), warning: str = ""
) -> Block:
    inputs = tuple(dict.fromkeys((*values, *missing)))
    if len(inputs) > FIELDS_LIMIT or any(len(name) > _NAME_LIMIT for name in inputs):
        return render_notice(
            "This crew has more inputs than a form holds. It can be started over its API."
        )
    about = context(names.bold(names.crew(crew)))
    blocks = present(about, section(warning) if warning else None)
    for name in inputs:
        blocks.append(
            text_field(
                names.input_name(name, names.PLAIN),
                block_id=f"{ids.KICKOFF_INPUT}.{name}",
                action_id=ids.KICKOFF_INPUT,
                max_length=_TEXT_LIMIT,
                value=values.get(name, ""),
                multiline=bool(_LONG & set(name.lower().replace("-", "_").split("_"))),
            )
        )
        if name in missing:
            blocks.append(context(f":exclamation: {EMPTY}"))
    if not inputs:
        blocks.append(section("This crew needs no inputs."))
    return modal(TITLE, blocks, callback_id=ids.KICKOFF_FORM, metadata=crew, submit="Start")


def asking(crew: str) -> str:
    return f"Asking {names.crew(crew)} what it needs…"


def starting(crew: str) -> str:
    return (
        f"Starting {names.crew(crew)}… This can take a while; you may "
        "close this: the crew reports in the channel."
    )


def started(crew: str, channel: str) -> str:
    where = names.channel(channel)
    return f":rocket: {names.bold(names.crew(crew))} has started. It reports in {where}."


def crew_away(crew: str, why: str) -> str:
    said = one_line(why, ANSWER_LIMIT)
    return (
        f":exclamation: {names.bold(names.crew(crew))} cannot be started now: {said}. "
        "Nothing was started."
    )


def refused(why: str) -> str:
    return f":exclamation: Nothing was started. The crew said: {one_line(why, ANSWER_LIMIT)}"


def unclear(why: str) -> str:
    said = one_line(why, ANSWER_LIMIT)
    return (
        f":exclamation: It may have started: {said}. Look in the channel and at the crew itself: "
        f"if it runs, its first pause is a card here. If it does not, start it again with "
        f"`{COMMAND} kickoff`."
    )


#: The tries to replace a notice that Slack may not show yet, and the pause between them.
UPDATES: Final = 5
UPDATE_SECONDS: Final = 0.2


def register(app: AsyncApp, context: SlackContext) -> None:
    app.view(ids.KICKOFF_CHOICE)(partial(on_crew_chosen, context=context))
    app.view(ids.KICKOFF_FORM)(partial(on_kickoff_submitted, context=context))


async def on_kickoff_command(
    command: Command, client: AsyncWebClient, respond: Respond, *, context: SlackContext
) -> None:
    """Open the form at once, since a trigger lasts 3 s; then ask the crew for its inputs."""
    named = command.arguments[1:]
    crews = await _startable(named, command.by, context)
    if not crews or len(named) > 1:
        name_one = f"Name one crew: `{COMMAND} kickoff research`."
        nothing = name_one if named else "There is no crew that you may start."
        await send_ephemeral(respond, nothing)
        return
    context.kickoffs.check(crews[0])
    only = crews[0] if len(crews) == 1 else None
    first = render_notice(asking(only)) if only else render_choice(crews)
    view_id = await open_modal(client, command.trigger_id, first)
    if view_id is None:
        again = f"Slack did not open the form in time. Type `{COMMAND} kickoff` again."
        await send_ephemeral(respond, again)
    elif only:
        shown = await _ask_for_inputs(only, context)
        await _update(client, shown, context, view_id=view_id)


async def _startable(named: tuple[str, ...], by: Person, context: SlackContext) -> tuple[str, ...]:
    if named:
        await context.ensure(by.id, Role.STARTER, named[0])
        return named
    if len(context.crews) == 1:
        await context.ensure(by.id, Role.STARTER, next(iter(context.crews)))
    found = await context.crews_of(by.id, Role.STARTER, recheck=True)
    return tuple(crew for crew in found if not context.crews[crew].is_fetched)


async def on_crew_chosen(
    ack: AsyncAck,
    req: AsyncBoltRequest,
    body: Body,
    client: AsyncWebClient,
    *,
    context: SlackContext,
) -> None:
    form = parse_kickoff_form(body)
    async with explain_errors(
        partial(_replace_with_notice, ack), context=context, by=form.by, crew=form.crew
    ):
        await context.ensure(form.by.id, Role.STARTER, form.crew)
        context.kickoffs.check(form.crew)
        await _acknowledge(ack, req, form, asking(form.crew))
        shown = await _ask_for_inputs(form.crew, context)
        await _replace(client, form, shown, context)


async def on_kickoff_submitted(
    ack: AsyncAck,
    req: AsyncBoltRequest,
    body: Body,
    client: AsyncWebClient,
    *,
    context: SlackContext,
) -> None:
    form = parse_kickoff_form(body)
    empty = {
        f"{ids.KICKOFF_INPUT}.{name}": EMPTY for name, value in form.values.items() if not value
    }
    if empty:
        await ack(response_action="errors", errors=empty)
        return
    async with explain_errors(
        partial(_replace_with_notice, ack), context=context, by=form.by, crew=form.crew
    ):
        await context.ensure(form.by.id, Role.STARTER, form.crew)
        if await _claim(ack, form, context):
            await _acknowledge(ack, req, form, starting(form.crew))
            await _start(client, form, context)


async def _claim(ack: AsyncAck, form: KickoffForm, context: SlackContext) -> bool:
    """Claim a form that Slack may send twice; on failure acknowledge, and return False."""

    async def ask_again(warning: str) -> None:
        await ack(
            response_action="update", view=render_form(form.crew, form.values, warning=warning)
        )

    is_new = False
    async with explain_errors(ask_again, context=context, by=form.by, crew=form.crew):
        is_new = await context.kickoffs.claim_form(form.crew, form.id)
        if not is_new:
            await _replace_with_notice(ack, ALREADY_SENT)
    return is_new


async def _start(client: AsyncWebClient, form: KickoffForm, context: SlackContext) -> None:
    async def ask_again(warning: str) -> None:
        again = render_form(form.crew, form.values, warning=warning)
        await _replace(client, form, again, context)

    async with explain_errors(ask_again, context=context, by=form.by, crew=form.crew):
        answer = await context.kickoffs.start(
            form.crew, context.new_kickoff(form.values), by=form.by
        )
        answer = context.crews[form.crew].redact.shown(answer, keep={"missing"})
        await _replace(client, form, _render_outcome(form, answer, context), context)


def _render_outcome(form: KickoffForm, answer: KickoffOutcome, context: SlackContext) -> Block:
    crew, values = form.crew, form.values
    match answer:
        case KickoffAnswer(execution_id=str()):
            return render_notice(started(crew, context.crews[crew].channel))
        case KickoffAnswer(is_in_doubt=True, status=status, words=words):
            said = f"the answer was {status}: {words}"
            return render_notice(unclear(said if words else "the answer names no execution"))
        case KickoffAnswer(missing=missing, words=why):
            return render_form(crew, values, missing=missing, warning=refused(why))
        case NotSent(why=why):
            return render_form(crew, values, warning=crew_away(crew, why))
        case Unknown(why=why):
            return render_notice(unclear(why))
        case _:
            assert_never(answer)


async def _ask_for_inputs(crew: str, context: SlackContext) -> Block:
    found = await context.clients[crew].inputs()
    if isinstance(found, CrewUnavailable):
        return render_notice(crew_away(crew, context.crews[crew].redact.text(found.why)))
    # The input for lessons has no field: the bot fills it in.
    return render_form(crew, {name: "" for name in found if name != lessons.INPUT})


async def _replace_with_notice(ack: AsyncAck, sentence: str) -> None:
    await ack(response_action="update", view=render_notice(sentence))


async def _acknowledge(
    ack: AsyncAck, req: AsyncBoltRequest, form: KickoffForm, sentence: str
) -> None:
    """Acknowledge with a notice, which can be replaced once this function returns.

    The acknowledgement is sent a little later: before, Slack would show the notice over a
    replacement.
    """
    await ack(response_action="update", view={**render_notice(sentence), "external_id": form.id})
    await req.context[RESPONSE_SENT].wait()


async def _replace(
    client: AsyncWebClient, form: KickoffForm, view: Block, context: SlackContext
) -> None:
    """Replace the notice in place of a form, once Slack shows it.

    The notice has an id of its own, which Slack does not know at first: two connections may bring
    the notice and its replacement in any order. The form's id is the last resort. A closed form has
    nothing to replace.
    """
    if not await _update(client, view, context, external_id=form.id):
        await update_modal(client, view, view_id=form.view_id)


async def _update(client: AsyncWebClient, view: Block, context: SlackContext, **which: str) -> bool:
    for _ in range(UPDATES):
        if not await update_modal(client, view, **which):
            return True
        await context.sleep(UPDATE_SECONDS)
    return False
