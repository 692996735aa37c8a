"""Sentences of the form that starts a crew."""

from typing import Final

from crewgate.slack import strings as shared
from crewgate.slack.blockkit.text import one_line
from crewgate.slack.ids import COMMAND
from crewgate.slack.phrases import ANSWER_LIMIT

TITLE: Final = "Start a crew"
NEXT: Final = "Next"
START: Final = "Start"
CREW_LABEL: Final = "Which crew?"
NOT_OPENED: Final = f"Slack did not open the form in time. Type `{COMMAND} kickoff` again."
NO_CREW: Final = "There is no crew that you may start."
NOT_UNDERSTOOD: Final = f"Name one crew: `{COMMAND} kickoff research`."
NO_INPUTS: Final = "This crew needs no inputs."
TOO_MANY: Final = "This crew has more inputs than a form holds. It can be started over its API."
MISSING: Final = ":exclamation: The crew needs this."
NO_EXECUTION: Final = "the answer names no execution"
ALREADY_SENT: Final = (
    ":information_source: This form was sent already, and nothing more was started. What came of "
    f"it is in the channel; type `{COMMAND} kickoff` to start another."
)
EMPTY: Final = "The crew needs this."


def asking(crew: str) -> str:
    return f"Asking {shared.crew(crew)} what it needs…"


def starting(crew: str) -> str:
    return (
        f"Starting {shared.crew(crew)}… This can take a while; you may "
        "close this, the channel shows what comes of it."
    )


def started(crew: str) -> str:
    return f":rocket: {shared.bold(shared.crew(crew))} has started. Its thread is in the channel."


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
    return f"the answer was {status}: {words}" if words else NO_EXECUTION
