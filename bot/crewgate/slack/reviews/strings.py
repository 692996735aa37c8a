"""What cards, their menu and notices say; `state_strings` says how a round stands.

All of it is mrkdwn unless the name ends in `_plain`: those are for notifications and for errors
inside a modal, which can neither mention people nor format. What comes from outside is escaped
and shortened here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crewgate.domain.notes import Claim
from crewgate.domain.review import Round
from crewgate.domain.verdict import Decision, Person
from crewgate.slack import strings as shared
from crewgate.slack.blockkit.text import duration, one_line, plain
from crewgate.slack.reasons import ANSWER_LIMIT
from crewgate.slack.reviews import reader_strings
from crewgate.slack.strings import (
    bold,
    crew,
    quoted,
    subject_plain,
    task,
)
from crewgate.usecases.read_models import DeadLetter

EARLIER_FEEDBACK_SHOWN: Final = 250

APPROVE: Final = "Approve"
REVISE: Final = "Revise"
RETRY: Final = "Retry"
REOPEN: Final = "Reopen"
DISMISS: Final = "Dismiss"
APPROVE_WITH_COMMENT: Final = "Approve with a comment…"
RECORDED: Final = "Recorded. Slack is slow to show it on the card; you need not press again."
_AUTHORS: Final = 4


def file_title(round_: Round) -> str:
    """The title of the file that holds a whole output; plain."""
    return subject_plain(round_)


def headline(round_: Round) -> str:
    """A card's first line."""
    return bold(f"{crew(round_.review.crew)}: {task(round_)}")


def earlier_feedback(previous: Round) -> str | None:
    """What was asked for in the round before, or nothing if no changes were."""
    asked = reader_strings.asked_for(previous.decision) if previous.decision is not None else None
    if asked is None:
        return None
    words = quoted(asked, EARLIER_FEEDBACK_SHOWN) if asked else ""
    return "\n".join(filter(None, (reader_strings.asked(previous), words)))


EMPTY_IN_LIST: Final = "_The output is empty._"


def attach_failed(round_: Round) -> str:
    """The file with the whole output did not come."""
    return (
        f"Slack does not take the whole output of round {round_.number} of {task(round_)} as a "
        f"file. *{reader_strings.READ}* on its card shows all of it."
    )


def attach_failed_plain(round_: Round) -> str:
    """The same for notifications."""
    return f"Slack does not take the whole output of {subject_plain(round_)} as a file"


def notes(count: int, authors: Sequence[Person], opens: str = REVISE) -> str:
    """The card's line on notes: `3 notes from Ana and Ben`; `opens` is the button with them."""
    return f"{notes_in_list(count, authors)} in the thread. {opens} opens with them."


def notes_in_list(count: int, authors: Sequence[Person]) -> str:
    """How many notes there are, and whose."""
    named = [shared.person(one) for one in authors[:_AUTHORS]]
    if len(authors) > _AUTHORS:
        named.append(f"{len(authors) - _AUTHORS} more")
    return f":memo: {shared.counted(count, 'note')} from {shared.in_words(named)}"


def on_it(claim: Claim) -> str:
    """The card's line on who looks at it."""
    return f"{on_it_in_list(claim)}. Everybody may still decide."


def on_it_in_list(claim: Claim) -> str:
    """Who looks at it."""
    return f":eyes: {shared.person(claim.by)} is on it"


def waited(round_: Round, decision: Decision) -> str:
    """How long a round waited for its decision."""
    return duration(decision.at - round_.opened_at)


def unsent_notes(decision: Decision) -> str:
    """How many notes an approval left behind: `2 notes were not sent`; nothing if none."""
    count = decision.unsent_notes
    if not count:
        return ""
    return f"{shared.counted(count, 'note')} {'was' if count == 1 else 'were'} not sent"


THE_CARD: Final = "the card in the channel"


def decide_here_or(where: str, round_: Round) -> str:
    """A direct message's line while the round waits."""
    first = "The first decision counts." if round_.approvals == 1 else "Your approval counts once."
    return f"Decide here or on {where}. {first}"


def see(where: str) -> str:
    """The same once it does not wait."""
    return f"The thread is at {where}."


def dead_letter(written: DeadLetter) -> str:
    """A webhook came that nobody could read."""
    why = one_line(written.reason, ANSWER_LIMIT).rstrip(". ")
    return (
        f":exclamation: A webhook of {shared.bold(shared.crew(written.crew))} could not be "
        f"understood: {why}. It may have been a request for a review. The crew will not repeat it, "
        "so it is kept as it came."
    )


def dead_letter_in_short(written: DeadLetter) -> str:
    """The same above a form."""
    return f"A webhook of {shared.crew(written.crew)} · {shared.identifier(written.id)}"


def dead_letter_plain(written: DeadLetter) -> str:
    """The same for notifications."""
    return f"A webhook of {plain(written.crew, shared.CREW_LIMIT)} could not be understood"


def dead_letter_cut(size: int) -> str:
    """Only the beginning of a body of so many bytes is shown."""
    return f"This is the beginning; {size:,} bytes came."
