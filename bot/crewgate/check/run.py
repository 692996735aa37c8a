"""`crewgate check`: all checks one after another, and the webhooks to set in crews."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Final

import httpx

from crewgate.check import calls, database, findings, public_url
from crewgate.check.health import ask_health
from crewgate.check.settings import channels_of, check_rules, check_settings
from crewgate.check.slack import SlackCheck, named_people
from crewgate.crewai.client import HttpCrew
from crewgate.crewai.wire import human_input_body
from crewgate.crews import build_crews, build_redactors
from crewgate.domain.lessons import INPUT
from crewgate.network.client import open_client
from crewgate.runtime import Runtime
from crewgate.settings.load import Settings
from crewgate.slack.client.web_api import new_client
from crewgate.usecases.read_models import CrewUnavailable

#: The text in place of a secret if the output does not go to a terminal, and so may be kept.
HIDDEN: Final = "(its webhook secret)"


async def check(
    settings: Settings,
    *,
    show_secrets: bool,
    send_test_card: bool = False,
    runtime: Runtime | None = None,
) -> int:
    """Print a line for each finding and each crew's webhook; return 1 if anything is wrong.

    `send_test_card` also posts a test card into each channel. `show_secrets` prints secrets for a
    person at a terminal, never for pipes, files or a platform's log.
    """
    failed = False
    async for finding in _findings(settings, runtime or Runtime(), send_test_card=send_test_card):
        failed = failed or finding.mark is findings.Mark.WRONG
        findings.say(str(finding))
    for line in _webhooks(settings, show_secrets=show_secrets):
        findings.say(line)
    return int(failed)


async def _findings(
    settings: Settings, runtime: Runtime, *, send_test_card: bool
) -> AsyncIterator[findings.Finding]:
    crews = settings.crews.values()
    channels = {settings.audit_channel: "AUDIT_CHANNEL"}
    for crew in crews:
        channels |= dict(channels_of(crew))
    for finding in check_settings(settings):
        yield finding
    yield await database.check_database(settings.database_url, settings.secret_keys)
    slack = SlackCheck(
        client=new_client(token=settings.slack_bot_token, base_url=settings.slack_api_url),
        app_token=settings.slack_app_token,
        channels={name: channels[name] for name in sorted(filter(None, channels))},
        people=named_people(crews),
        team=settings.slack_team,
        owners=await database.address_owners(settings.database_url),
        send_test_card=send_test_card,
        clock=runtime.clock,
    )
    async for finding in slack.findings():
        yield finding
    _, (_, *details) = await asyncio.to_thread(ask_health, settings)
    for detail in details:
        yield findings.doubtful("the bot that runs here", detail)
    for finding in check_rules(crews, slack.known):
        yield finding
    for finding in await calls.check_calls(settings.database_url, crews, runtime.clock()):
        yield finding
    async with open_client() as http:
        async for finding in _crews(http, settings, runtime):
            yield finding
        yield await public_url.check_public_url(http, settings, runtime.new_id())


async def _crews(
    http: httpx.AsyncClient, settings: Settings, runtime: Runtime
) -> AsyncIterator[findings.Finding]:
    redactors = build_redactors(settings)
    for crew in settings.crews.values():
        place = f"crew “{crew.name}”"
        if crew.url is None or crew.token is None:
            yield findings.Finding(place, "has no url: whoever asks fetches the decision")
            continue
        client = HttpCrew(
            http, crew.url, crew.token, clock=runtime.clock, redactor=redactors[crew.name]
        )
        answer = await client.inputs()
        if isinstance(answer, CrewUnavailable):
            yield findings.wrong(place, f"{answer.why}; {advice_on(answer)}")
        else:
            yield findings.Finding(place, f"answers; inputs: {', '.join(answer) or 'none'}")
            if INPUT in answer:
                yield findings.Finding(place, "takes lessons")


def advice_on(answer: CrewUnavailable) -> str:
    """Return what to do about a crew that did not give its inputs."""
    if answer.answered:
        fails = answer.why.startswith("5")
        return "the crew fails: look at its log" if fails else "check its url and token"
    if "certificate" in answer.why:
        return "renew it, trust its issuer (SSL_CERT_FILE), or correct the url"
    is_down = "refused" in answer.why
    return "start it, or correct its url" if is_down else "check its url"


def _webhooks(settings: Settings, *, show_secrets: bool) -> Iterator[str]:
    for name, crew in build_crews(settings).items():
        webhook = crew.own.human_input
        if webhook is None:
            continue
        shown = webhook if show_secrets else replace(webhook, token=HIDDEN)
        body = json.dumps(human_input_body(shown), ensure_ascii=False)
        yield ""
        if crew.is_fetched:
            yield f"Whoever asks as “{name}”, for instance with docs/gate.py, sets:"
            yield f"CREWGATE_URL={settings.public_url}/crews/{name}"
            yield f"CREWGATE_SECRET={shown.token}"
            continue
        yield f"Whoever kicks off “{name}” sends along:"
        yield f'"humanInputWebhook": {body}'
        if settings.crews[name].flow_webhook_secret is not None:
            yield f"Whoever deploys flows of “{name}” sets this webhook for them:"
            yield f"{settings.public_url}/crews/{name}/flow-request"
