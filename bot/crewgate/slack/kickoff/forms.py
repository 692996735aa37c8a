"""The form that starts a crew, in all its states, and what is said of it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from crewgate.slack import ids
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.blocks import Block, context, modal, section, select_field, text_field
from crewgate.slack.blockkit.text import one_line
from crewgate.slack.ids import COMMAND
from crewgate.slack.phrases import ANSWER_LIMIT

TITLE: Final = "Start a crew"
NOT_OPENED: Final = f"Slack did not open the form in time. Type `{COMMAND} kickoff` again."
NO_CREW: Final = "There is no crew that you may start."
NOT_UNDERSTOOD: Final = f"Name one crew: `{COMMAND} kickoff research`."
ALREADY_SENT: Final = (
    ":information_source: This form was sent already, and nothing more was started. What came of "
    f"it is in the channel; type `{COMMAND} kickoff` to start another."
)
EMPTY: Final = "The crew needs this."
FIELDS_LIMIT: Final = 45
"""Each may need a second block for what is wrong with it; a modal has 100."""
_NAME_LIMIT: Final = 200
_TEXT_LIMIT: Final = 3_000
_LONG: Final = frozenset(
    {"background", "brief", "content", "context", "criteria", "data", "description", "details"}
    | {"document", "draft", "email", "goal", "goals", "guidelines", "instructions", "message"}
    | {"notes", "objective", "prompt", "question", "requirements", "summary", "text", "transcript"}
)
"""Words in an input's name that promise more than a line."""


def render_notice(sentence: str) -> Block:
    return modal(TITLE, [section(sentence)])


def render_choice(crews: Sequence[str]) -> Block:
    field = select_field("Which crew?", block_id=ids.CREW, action_id=ids.CREW, options=crews)
    return modal(TITLE, [field], callback_id=ids.KICKOFF_CHOICE, submit="Next")


def render_form(
    crew: str,
    values: Mapping[str, str],
    *,
    missing: Collection[str] = (),
    warning: str = "",
) -> Block:
    """The crew's inputs as fields, with what was written already; `missing` are wrong."""
    names = tuple(dict.fromkeys((*values, *missing)))
    if len(names) > FIELDS_LIMIT or any(len(name) > _NAME_LIMIT for name in names):
        return render_notice(
            "This crew has more inputs than a form holds. It can be started over its API."
        )
    about = context(shared.bold(shared.crew(crew)))
    blocks: list[Block] = [about, *([section(warning)] if warning else [])]
    for name in names:
        blocks.append(_field(name, values.get(name, "")))
        if name in missing:
            blocks.append(context(":exclamation: The crew needs this."))
    if not names:
        blocks.append(section("This crew needs no inputs."))
    return modal(TITLE, blocks, callback_id=ids.KICKOFF_FORM, metadata=crew, submit="Start")


def _field(name: str, value: str) -> Block:
    return text_field(
        shared.input_name(name, shared.PLAIN),
        block_id=f"{ids.KICKOFF_INPUT}.{name}",
        action_id=ids.KICKOFF_INPUT,
        max_length=_TEXT_LIMIT,
        value=value,
        multiline=bool(_LONG & set(name.lower().replace("-", "_").split("_"))),
    )


def asking(crew: str) -> str:
    return f"Asking {shared.crew(crew)} what it needs…"


def starting(crew: str) -> str:
    return (
        f"Starting {shared.crew(crew)}… This can take a while; you may "
        "close this: the crew reports in the channel."
    )


def started(crew: str, channel: str) -> str:
    where = shared.channel(channel)
    return f":rocket: {shared.bold(shared.crew(crew))} has started. It reports in {where}."


def crew_away(crew: str, why: str) -> str:
    said = one_line(why, ANSWER_LIMIT)
    return (
        f":exclamation: {shared.bold(shared.crew(crew))} cannot be started now: {said}. "
        "Nothing was started."
    )


def refused(why: str) -> str:
    return f":exclamation: Nothing was started. The crew said: {one_line(why, ANSWER_LIMIT)}"


def unclear(why: str) -> str:
    """Nobody knows whether it started, and what to do about that."""
    said = one_line(why, ANSWER_LIMIT)
    return (
        f":exclamation: It may have started: {said}. Look in the channel and at the crew itself: "
        f"if it runs, its first pause is a card here. If it does not, start it again with "
        f"`{COMMAND} kickoff`."
    )


def gave_up(status: int, words: str) -> str:
    """The answer of a crew, or of a gateway before it, that names no execution."""
    return f"the answer was {status}: {words}" if words else "the answer names no execution"
