"""The findings of a check: a line each."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self

from crewgate.domain.errors import CrewgateError
from crewgate.domain.outcome import NotSent, Refused
from crewgate.logs import printable
from crewgate.slack.client.web_api import TOKEN_REFUSED, CallFailed

#: Advice for Slack's error codes; other codes are shown without advice.
_ADVICE = {
    "account_inactive": "the bot was removed from the workspace; install it again",
    "channel_not_found": "no such channel, or a private one: /invite the bot, or fix the id",
    "invalid_auth": "put the bot token of this workspace into SLACK_BOT_TOKEN",
    "is_archived": "unarchive the channel or name another",
    "missing_scope": "install the app again with the manifest's scopes",
    "not_authed": "put the bot token into SLACK_BOT_TOKEN",
    "not_in_channel": "/invite the bot into the channel",
    "team_access_not_granted": "the app may not act in this workspace; have an administrator of the"
    " organisation add it there",
    "token_revoked": "install the app again and put its new token into SLACK_BOT_TOKEN",
    "users_not_found": "nobody in the workspace has this e-mail address",
    "user_not_found": "no such user in this workspace",
    "no_such_subteam": "no such user group",
    "subteam_not_found": "no such user group",
}


def advised(code: str) -> str:
    """Return one of Slack's error codes with its advice."""
    return f"{code}: {_ADVICE[code]}"


#: Slack's codes for unknown people and user groups.
UNKNOWN: Final = frozenset(
    {"no_such_subteam", "subteam_not_found", "user_not_found", "users_not_found"}
)


class NotDone(CrewgateError):
    """A command was not carried out, or not to its end; the message has the reason."""


class Mark(StrEnum):
    """The first character of a finding's line."""

    FINE = "✓"
    WRONG = "✗"
    SKIPPED = "–"
    DOUBTFUL = "!"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; `place` is what was checked, such as a setting or a channel."""

    place: str
    text: str = ""
    mark: Mark = Mark.FINE

    def __str__(self) -> str:
        line = f"{self.mark} {self.place}"
        return f"{line}: {self.text}" if self.text else line

    def of(self, setting: str) -> Self:
        """Return this finding; if it is WRONG, with the name of the setting to correct, if any."""
        is_told = setting and self.mark is Mark.WRONG
        return replace(self, text=f"{self.text} ({setting})") if is_told else self


def say(line: str) -> None:
    print(printable(line), flush=True)  # noqa: T201


def count_people(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"


def wrong(place: str, problem: str) -> Finding:
    return Finding(place, problem, Mark.WRONG)


def doubtful(place: str, why: str) -> Finding:
    return Finding(place, why, Mark.DOUBTFUL)


def skipped(place: str, why: str) -> Finding:
    return Finding(place, f"skipped, because {why}", Mark.SKIPPED)


def refused_by_slack(place: str, error: CallFailed) -> Finding:
    failure = error.failure
    if isinstance(failure, Refused | NotSent) and failure.code in _ADVICE:
        return wrong(place, advised(failure.code))
    return wrong(place, str(failure.words if isinstance(failure, Refused) else failure.why))


def why_slack_is_silent(error: CallFailed) -> str:
    return "Slack refuses the bot" if is_refusal(error) else "Slack did not answer"


def is_refusal(error: CallFailed) -> bool:
    """Return True if Slack refused the call itself or its token."""
    failure = error.failure
    return isinstance(failure, Refused) or getattr(failure, "code", "") in TOKEN_REFUSED
