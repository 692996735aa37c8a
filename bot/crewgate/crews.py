"""Parts of the bot that are built from the crews' settings."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import fields, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from crewgate.crewai.callbacks import HttpFlowAnswers, HttpWebhookForwarder
from crewgate.crewai.client import HttpCrew
from crewgate.domain.crew import Crew
from crewgate.domain.notification import HumanInputWebhook, WebhookUrls
from crewgate.domain.redaction import SHORTEST, Redactor
from crewgate.network.client import open_client
from crewgate.network.untrusted_addresses import Lookups, is_private_url
from crewgate.settings.crew import CrewSettings
from crewgate.settings.load import Settings
from crewgate.usecases.ports.base import Clock, OffLoop
from crewgate.web.credentials import Credentials, EventKind


def build_crews(settings: Settings) -> dict[str, Crew]:
    return {name: _crew(crew, settings.public_url) for name, crew in settings.crews.items()}


def build_credentials(settings: Settings) -> dict[str, Credentials]:
    return {name: _credentials(crew) for name, crew in settings.crews.items()}


def identity_of(settings: Settings) -> str:
    """Return a secret of this bot alone: its Slack token is not enough, for others may have it."""
    database = settings.database_url
    if file := database.partition("sqlite+aiosqlite:///")[2]:
        database = str(Path(file).resolve())
    crews = (f"{name} {crew.webhook_secret}" for name, crew in settings.crews.items())
    return "\n".join((settings.slack_bot_token, database, *crews))


def build_redactors(settings: Settings) -> dict[str, Redactor]:
    shared = Redactor(_shared_secrets(settings))
    return {name: shared.also(_secrets(crew)) for name, crew in settings.crews.items()}


def build_log_redactor(settings: Settings) -> Redactor:
    crews = settings.crews.values()
    return Redactor(_shared_secrets(settings)).also(one for crew in crews for one in _secrets(crew))


@asynccontextmanager
async def connect_crews(
    settings: Settings, redactors: Mapping[str, Redactor], *, clock: Clock, off_loop: OffLoop
) -> AsyncIterator[dict[str, HttpCrew]]:
    """Yield a client for each crew with a URL, by name; kickoffs have connections of their own."""
    async with AsyncExitStack() as stack:
        shared = await stack.enter_async_context(open_client())
        yield {
            name: HttpCrew(
                shared,
                crew.url,
                crew.token,
                clock=clock,
                off_loop=off_loop,
                redactor=redactors[name],
                kickoff_http=await stack.enter_async_context(open_client()),
            )
            for name, crew in settings.crews.items()
            if crew.url is not None and crew.token is not None
        }


@asynccontextmanager
async def open_forwarder(settings: Settings) -> AsyncIterator[HttpWebhookForwarder]:
    """Yield the forwarder, which calls private addresses only for crews that have one, too."""
    crews = settings.crews.items()
    private = (name for name, crew in crews if crew.url and is_private_url(crew.url))
    async with open_client() as http:
        yield HttpWebhookForwarder(http, Lookups(), private_crews=frozenset(private))


@asynccontextmanager
async def open_flow_answers(
    settings: Settings, redactors: Mapping[str, Redactor], *, clock: Clock, off_loop: OffLoop
) -> AsyncIterator[HttpFlowAnswers]:
    async with open_client() as http:
        yield HttpFlowAnswers(
            http,
            Lookups(),
            hosts={name: crew.flow_callback_hosts for name, crew in settings.crews.items()},
            redactors=redactors,
            clock=clock,
            off_loop=off_loop,
            is_proxied=_is_proxied,
        )


def _is_proxied(host: str) -> bool:
    proxies = getproxies()
    return bool(proxies.get("https") or proxies.get("all")) and not proxy_bypass(host)


def _crew(crew: CrewSettings, public_url: str | None) -> Crew:
    settings = {one.name: getattr(crew, one.name) for one in fields(Crew)}
    configured = WebhookUrls(
        task=crew.task_webhook_url, step=crew.step_webhook_url, crew=crew.crew_webhook_url
    )
    return replace(
        Crew(**settings),
        configured=configured,
        is_fetched=crew.url is None,
        own=_own_webhooks(crew, public_url) if public_url else WebhookUrls(),
    )


def short_secrets(part: Settings | CrewSettings) -> Iterator[str]:
    """Yield the names of settings whose secret is too short to be taken out of texts."""
    for name, secret in _hidden(part):
        if 0 < len(secret) < SHORTEST:
            yield name


def _shared_secrets(settings: Settings) -> Iterator[str]:
    yield from (secret for _, secret in _hidden(settings))


def _secrets(crew: CrewSettings) -> Iterator[str]:
    yield from (secret for _, secret in _hidden(crew))
    credentials = _credentials(crew)
    for kind in EventKind:
        yield from credentials.event_keys(kind)


def _hidden(part: Settings | CrewSettings) -> Iterator[tuple[str, str]]:
    """Yield names and values of fields that `repr` hides; an address has its password as well.

    The database's address is in messages for operators, so that only its password is hidden.
    """
    for one in fields(part):
        value = getattr(part, one.name)
        if not one.repr and value:
            secrets = value if isinstance(value, tuple) else (value,)
            if one.name.endswith("_url"):
                yield one.name, unquote(urlsplit(value).password or "")
            if one.name != "database_url":
                yield from ((one.name, secret) for secret in secrets)


def _own_webhooks(crew: CrewSettings, public_url: str) -> WebhookUrls:
    here = f"{public_url}/crews/{crew.name}"
    keys = _credentials(crew).event_keys
    human_input = HumanInputWebhook(
        url=f"{here}/human-input", strategy="bearer", token=crew.webhook_secret
    )
    events = {kind.value: f"{here}/events/{kind}/{keys(kind)[0]}" for kind in EventKind}
    return WebhookUrls(**events, human_input=human_input)


def _credentials(crew: CrewSettings) -> Credentials:
    flow_secrets = (crew.flow_webhook_secret, crew.flow_webhook_secret_previous)
    return Credentials(
        crew.name,
        webhook_secrets=tuple(filter(None, (crew.webhook_secret, crew.webhook_secret_previous))),
        token=crew.token,
        flow_secrets=tuple(filter(None, flow_secrets)),
    )
