"""What the messages say that stay in a channel or thread and are not cards. See `words`."""

from __future__ import annotations

from bot.domain.review import Round, State
from bot.domain.verdict import Decision
from bot.slack.blockkit.text import one_line, plain
from bot.slack.reviews import strings as words
from bot.usecases.read_models import Letter


def stuck_notice(round_: Round, decision: Decision) -> str:
    """Told to the reviewer in the thread, once."""
    who = words.person(decision.by)
    what = f"your decision on round {round_.number} of {words.task(round_)}"
    if round_.state is State.STUCK:
        return (
            f"{who}, {what} did not reach the crew. {words.why_stuck(round_)} "
            "The Retry button is on the card."
        )
    sent = "was not sent" if round_.sending_since is None else "may not have been taken"
    why = words.answer(round_) or "there is nothing left to decide"
    return f"{who}, {what} {sent}: {why}.{words.successor(round_)}"


def stuck_notice_plain(round_: Round) -> str:
    """The same for notifications."""
    return f"The decision on {words.subject_plain(round_)} did not reach the crew"


def letter(written: Letter) -> str:
    """A webhook came that nobody could read."""
    why = one_line(written.reason, words.ANSWER_LIMIT).rstrip(". ")
    return (
        f":warning: A webhook of {words.bold(words.crew(written.crew))} could not be understood: "
        f"{why}. It may have been a request for a review. The crew will not repeat it, so it is "
        "kept as it came."
    )


def letter_plain(written: Letter) -> str:
    """The same for notifications."""
    return f"A webhook of {plain(written.crew, words.CREW_LIMIT)} could not be understood"


def letter_cut(size: int) -> str:
    """Only the beginning of a letter of so many bytes is shown."""
    return f"This is the beginning; {size:,} bytes came."
