"""`/crew kickoff`: the form that starts a crew."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Final, assert_never

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from crewgate.domain import lessons
from crewgate.domain.outcome import NotSent, Unknown
from crewgate.domain.people import Role
from crewgate.domain.verdict import Person
from crewgate.slack import errors, ids
from crewgate.slack.blockkit import blocks
from crewgate.slack.blockkit.blocks import Block
from crewgate.slack.blockkit.text import one_line
from crewgate.slack.client.replies import Respond, open_modal, send_ephemeral, update_modal
from crewgate.slack.context import Body, SlackContext
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
"""The most fields of the form: each may need two blocks, one for its error; a modal has 100."""
_NAME_LIMIT: Final = 200
_TEXT_LIMIT: Final = 3_000
_LONG: Final = frozenset(
    {"background", "brief", "content", "context", "criteria", "data", "description", "details"}
    | {"document", "draft", "email", "goal", "goals", "guidelines", "instructions", "message"}
    | {"notes", "objective", "prompt", "question", "requirements", "summary", "text", "transcript"}
)
"""Words in an input's name that suggest a long text."""
render_notice: Final = partial(errors.render_notice, title=TITLE)


def render_choice(crews: Sequence[str]) -> Block:
    field = blocks.select_field("Which crew?", block_id=ids.CREW, action_id=ids.CREW, options=crews)
    return blocks.modal(TITLE, [field], callback_id=ids.KICKOFF_CHOICE, submit="Next")


def render_form(
    crew: str,
    values: Mapping[str, str],
    *,
    missing: Collection[str] = (),
    warning: str = "",
    takes_lessons: bool = False,
) -> Block:
    inputs = tuple(dict.fromkeys((*values, *missing)))
    if len(inputs) > FIELDS_LIMIT or any(len(name) > _NAME_LIMIT for name in inputs):
        return render_notice(
            "This crew has more inputs than a form holds. It can be started over its API."
        )
    lessons_go = f"its lessons go along: `{COMMAND} lessons {crew}`" if takes_lessons else ""
    about = blocks.context(names.joined(names.bold(names.crew(crew)), lessons_go))
    shown = blocks.present(about, blocks.section(warning) if warning else None)
    for name in inputs:
        shown.append(
            blocks.text_field(
                names.input_name(name, names.PLAIN),
                block_id=f"{ids.KICKOFF_INPUT}.{name}",
                action_id=ids.KICKOFF_INPUT,
                max_length=_TEXT_LIMIT,
                value=values.get(name, ""),
                multiline=bool(_LONG & set(name.lower().replace("-", "_").split("_"))),
            )
        )
        if name in missing:
            shown.append(blocks.context(f":exclamation: {EMPTY}"))
    if not inputs:
        shown.append(blocks.section("This crew needs no inputs."))
    return blocks.modal(TITLE, shown, callback_id=ids.KICKOFF_FORM, metadata=crew, submit="Start")


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
    reason = one_line(why, ANSWER_LIMIT)
    return (
        f":exclamation: {names.bold(names.crew(crew))} cannot be started now: {reason}. "
        "Nothing was started."
    )


def refused(why: str) -> str:
    return f":exclamation: Nothing was started. The crew said: {one_line(why, ANSWER_LIMIT)}"


def unclear(why: str) -> str:
    reason = one_line(why, ANSWER_LIMIT)
    return (
        f":exclamation: It may have started: {reason}. Look in the channel and at the crew itself: "
        f"if it runs, its first pause is a card here. If it does not, start it again with "
        f"`{COMMAND} kickoff`."
    )


#: The most tries to replace a notice, which Slack may not show yet, and the seconds between two.
UPDATES: Final = 5
UPDATE_SECONDS: Final = 0.2


def register(app: AsyncApp, context: SlackContext) -> None:
    app.view(ids.KICKOFF_CHOICE)(partial(on_crew_chosen, context=context))
    app.view(ids.KICKOFF_FORM)(partial(on_kickoff_submitted, context=context))


async def on_kickoff_command(command: Command, respond: Respond, *, context: SlackContext) -> None:
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
    view_id = await open_modal(context.identity, command.trigger_id, first)
    if view_id is None:
        again = f"Slack did not open the form in time. Type `{COMMAND} kickoff` again."
        await send_ephemeral(respond, again)
    elif only:
        await _update(await _ask_for_inputs(only, context), context, view_id=view_id)


async def _startable(named: tuple[str, ...], by: Person, context: SlackContext) -> tuple[str, ...]:
    if named:
        await context.ensure(by.id, Role.STARTER, named[0])
        return named
    if len(context.crews) == 1:
        await context.ensure(by.id, Role.STARTER, next(iter(context.crews)))
    found = await context.crews_of(by.id, Role.STARTER)
    return tuple(crew for crew in found if not context.crews[crew].is_fetched)


@dataclass(frozen=True, slots=True)
class _SentForm:
    """A form as sent: the acknowledgement shows a notice in its modal, a later call the outcome."""

    ack: AsyncAck
    req: AsyncBoltRequest
    form: KickoffForm
    context: SlackContext

    def explained(self, say: Callable[[str], Awaitable[None]]) -> AbstractAsyncContextManager[None]:
        by, crew = self.form.by, self.form.crew
        return errors.explain_errors(say, context=self.context, by=by, crew=crew)

    def filled_in(self, warning: str) -> Block:
        return render_form(self.form.crew, self.form.values, warning=warning)

    async def answer(self, sentence: str) -> None:
        await self.ack(response_action="update", view=render_notice(sentence))

    async def acknowledge(self, sentence: str) -> None:
        """Acknowledge with a notice; return once Slack has been sent the acknowledgement.

        A replacement sent before that would not stay: Slack would show the notice over it.
        """
        view = render_notice(sentence) | {"external_id": self.form.id}
        await self.ack(response_action="update", view=view)
        await self.req.context[RESPONSE_SENT].wait()

    async def replace(self, view: Block) -> None:
        """Replace the notice, once Slack shows it.

        The notice has an id of its own, which Slack does not know at first: two connections may
        bring the notice and its replacement in any order. The form's id is the last resort. A
        closed form has nothing to replace.
        """
        if not await _update(view, self.context, external_id=self.form.id):
            await update_modal(self.context.identity, view, view_id=self.form.view_id)


async def on_crew_chosen(
    ack: AsyncAck, req: AsyncBoltRequest, body: Body, *, context: SlackContext
) -> None:
    form = parse_kickoff_form(body)
    sent = _SentForm(ack, req, form, context)
    async with sent.explained(sent.answer):
        await context.ensure(form.by.id, Role.STARTER, form.crew)
        context.kickoffs.check(form.crew)
        await sent.acknowledge(asking(form.crew))
        await sent.replace(await _ask_for_inputs(form.crew, context))


async def on_kickoff_submitted(
    ack: AsyncAck, req: AsyncBoltRequest, body: Body, *, context: SlackContext
) -> None:
    form = parse_kickoff_form(body)
    sent = _SentForm(ack, req, form, context)
    empty = {
        f"{ids.KICKOFF_INPUT}.{name}": EMPTY for name, value in form.values.items() if not value
    }
    if empty:
        await ack(response_action="errors", errors=empty)
        return
    async with sent.explained(sent.answer):
        await context.ensure(form.by.id, Role.STARTER, form.crew)
        if await _claim(sent):
            await sent.acknowledge(starting(form.crew))
            await _start(sent)


async def _claim(sent: _SentForm) -> bool:
    """Claim a form that Slack may send twice; on failure acknowledge, and return False."""

    async def ask_again(warning: str) -> None:
        await sent.ack(response_action="update", view=sent.filled_in(warning))

    is_new = False
    async with sent.explained(ask_again):
        is_new = await sent.context.kickoffs.claim_form(sent.form.crew, sent.form.id)
        if not is_new:
            await sent.answer(ALREADY_SENT)
    return is_new


async def _start(sent: _SentForm) -> None:
    async def ask_again(warning: str) -> None:
        await sent.replace(sent.filled_in(warning))

    form, context = sent.form, sent.context
    async with sent.explained(ask_again):
        kickoff = context.new_kickoff(form.values)
        answer = await context.kickoffs.start(form.crew, kickoff, by=form.by)
        answer = context.crews[form.crew].redact.shown(answer, keep={"missing"})
        await sent.replace(_render_outcome(form, answer, context))


def _render_outcome(form: KickoffForm, answer: KickoffOutcome, context: SlackContext) -> Block:
    crew, values = form.crew, form.values
    match answer:
        case KickoffAnswer(execution_id=str()):
            return render_notice(started(crew, context.crews[crew].channel))
        case KickoffAnswer(is_in_doubt=True, status=status, words=words):
            reply = f"the answer was {status}: {words}"
            return render_notice(unclear(reply if words else "the answer names no execution"))
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
    # The input for lessons has no field in the form: the bot fills it in.
    fields = {name: "" for name in found if name != lessons.INPUT}
    return render_form(crew, fields, takes_lessons=lessons.INPUT in found)


async def _update(view: Block, context: SlackContext, **which: str) -> bool:
    for _ in range(UPDATES):
        if not await update_modal(context.identity, view, **which):
            return True
        await context.sleep(UPDATE_SECONDS)
    return False
