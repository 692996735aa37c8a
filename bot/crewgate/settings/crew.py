"""The settings of one crew: those that the domain knows, and those of the edge."""

from dataclasses import dataclass, field
from typing import Annotated, Final

from crewgate.domain.crew import Crew
from crewgate.domain.masking import NOTHING, Masking
from crewgate.domain.parsers import Setting, parse_url
from crewgate.settings import parsers
from crewgate.settings.options import Option, options_of


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewSettings(Crew):
    """One deployment. Fields here are for calls and authentication; all others are in `Crew`."""

    url: Annotated[
        str | None,
        Setting(
            parsers.parse_base_url,
            "the crew's address; without it and `token_env`, whoever asks [fetches the"
            " decision](http.md#fetch-a-decision)",
            example='"https://research-crew.crewai.com"',
        ),
    ] = None
    """Ends without a slash."""
    token: Annotated[
        str | None,
        Setting(
            parsers.parse_secret,
            "name of the variable with the bearer token the crew expects",
            name="token_env",
            names_variable=True,
            default="required with `url`",
            example='"RESEARCH_CREW_TOKEN"',
        ),
    ] = field(default=None, repr=False)
    webhook_secret: Annotated[
        str,
        Setting(
            parsers.parse_webhook_secret,
            "name of the variable with what the crew must present to this bot, 16 characters"
            " or more; in one with `_PREVIOUS` at its end, what it presented before",
            name="webhook_secret_env",
            names_variable=True,
            missing="the name of the variable with the secret that the crew must present",
            example='"RESEARCH_WEBHOOK_SECRET"',
        ),
    ] = field(repr=False)
    webhook_secret_previous: str | None = field(default=None, repr=False)
    """From the variable with `_PREVIOUS` at its end; accepted during a rotation."""
    # Webhook addresses often carry a secret of their own.
    task_webhook_url: Annotated[
        str | None,
        Setting(
            parse_url,
            "sent with every resume, unless the execution has another",
            example='"https://hooks.example.com/task"',
        ),
    ] = field(default=None, repr=False)
    step_webhook_url: Annotated[
        str | None,
        Setting(
            parse_url, "the same for step webhooks", example='"https://hooks.example.com/step"'
        ),
    ] = field(default=None, repr=False)
    crew_webhook_url: Annotated[
        str | None,
        Setting(
            parse_url, "the same for crew webhooks", example='"https://hooks.example.com/crew"'
        ),
    ] = field(default=None, repr=False)
    flow_webhook_secret: Annotated[
        str | None,
        Setting(
            parsers.parse_flow_secret,
            "for flows: name of the variable with the secret of the webhook in the"
            " deployment's Human-in-the-Loop settings, whole, with its `whsec_`; in one with"
            " `_PREVIOUS` at its end, the secret before. Such a crew may name no reviewers: then"
            " whom a request assigns may decide, and its operators where it assigns nobody",
            name="flow_webhook_secret_env",
            names_variable=True,
            example='"RESEARCH_FLOW_SECRET"',
        ),
    ] = field(default=None, repr=False)
    """Verifies requests of the crew's flows; None: they are refused."""
    flow_webhook_secret_previous: str | None = field(default=None, repr=False)
    flow_callback_hosts: Annotated[
        tuple[str, ...],
        Setting(
            parsers.parse_hosts,
            "hosts that answers to flows may be sent to besides `crewai.com` and its"
            " subdomains, a list of names without `https://`; by plain `http://` only"
            " `localhost` and `127.0.0.1`",
            default="`[]`",
            example="[]",
        ),
    ] = ()
    redact: Annotated[
        Masking,
        Setting(
            parsers.parse_redact,
            "what of this crew's texts is masked for people, not for the crew: a list of `email`,"
            " `iban`, `card` and patterns between slashes, see"
            " [Personal data](#personal-data)",
            default="`[]`",
            example='["email", "iban", "card", "/AC-[0-9]+/"]',
        ),
    ] = NOTHING
    places: tuple[str, ...] = ()
    """The place of each rule for messages: file, line, crew, number and name."""


_FIRST: Final = ("url", "token", "webhook_secret")


def _place(option: Option) -> int:
    """Put required keys first, and rules, which are tables below the crew's, last."""
    return 2 if option.field == "rules" else 0 if option.field in _FIRST else 1


OPTIONS: Final = tuple(sorted(options_of(CrewSettings), key=_place))
