"""`crewgate host`: from its arguments and the environment to a running host."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, TypeVar

from dotenv import load_dotenv

from crewgate.crew_api.wire import FlowWebhook
from crewgate.domain.parsers import InvalidSetting, one_of, parse_url
from crewgate.domain.redaction import Redactor, is_secret_variable
from crewgate.encryption import parse_secret_keys
from crewgate.host.engine.versions import check_names, require_crewai
from crewgate.host.records import HostNotStarted
from crewgate.host.run import Options, Target
from crewgate.host.serve import leave, serve
from crewgate.imports import kept_imports
from crewgate.logs import set_up_logging

T = TypeVar("T")

#: The fewest characters of a secret, as in the bot's settings: with a guessed secret a stranger
#: could put questions before people.
SECRET_LENGTH: Final = 16


def run_host(chosen: argparse.Namespace) -> int:
    # `.env` has the crew's own keys too, so the whole file is loaded into the environment.
    load_dotenv(Path(".env"))
    leave_terminal()
    try:
        options = read_options(chosen, os.environ)
        _set_up_logging(os.environ, redact=options.redactor.error)
        targets = _load(chosen.targets, options, version=require_crewai())
        check_flows(targets, options)
        asyncio.run(serve(targets, options))
    except HostNotStarted as error:
        print(f"crewgate: {error}", file=sys.stderr)  # noqa: T201
        return 1
    leave(0)
    return 0


def read_options(chosen: argparse.Namespace, environment: Mapping[str, str]) -> Options:
    """Return the options, with their secrets. Raises HostNotStarted."""
    token = environment.get(chosen.token_env, "").strip()
    _require_secret(
        chosen.token_env, token, "the bearer token that callers must present", "CREW_TOKEN"
    )
    flow_webhook = _flow_webhook(chosen, environment)
    public_url = chosen.public_url and _parse("--public-url", chosen.public_url, parse_url)
    keys = environment.get("SECRET_KEYS", "").strip()
    secret_keys = _parse("SECRET_KEYS", keys, parse_secret_keys) if keys else ()
    return Options(
        host=chosen.host,
        port=chosen.port,
        workers=chosen.workers,
        database=chosen.database,
        token=token,
        public_url=public_url and public_url.rstrip("/"),
        flow_webhook=flow_webhook,
        approve_tools=_patterns(chosen),
        tool_timeout=chosen.tool_timeout,
        redactor=Redactor(_secrets(environment)).also(
            (token, flow_webhook.secret if flow_webhook else "", *secret_keys)
        ),
        secret_keys=secret_keys,
    )


def leave_terminal() -> None:
    """Close the terminal's input: nobody there can answer for executions that callers start.

    CrewAI asks at the terminal whether to upload a first execution's traces, and waits 20 s; a
    crew's own `input()` would wait for ever.
    """
    sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115  # until the process ends


def check_flows(targets: Mapping[str, Target], options: Options) -> None:
    """Raise HostNotStarted if the questions of a flow have nowhere to go."""
    flows = [name for name, target in targets.items() if target.is_flow]
    if flows and options.flow_webhook is None:
        raise HostNotStarted(
            f"{flows[0]} is a flow: say where its questions go with --flow-webhook URL and"
            " --flow-webhook-secret-env NAME"
        )
    if flows[1:] and options.flow_webhook is not None and "{name}" not in options.flow_webhook.url:
        raise HostNotStarted(
            f"{' and '.join(flows)} are flows, and --flow-webhook names one crew of the bot for all"
            " of them: put {name} where it stands, as in …/crews/{name}/flow-request"
        )


def _patterns(chosen: argparse.Namespace) -> Mapping[str, Sequence[str]]:
    """Return the patterns of tools that people approve, by target. Raises HostNotStarted."""
    patterns: dict[str, list[str]] = {spec.rpartition(":")[2]: [] for spec in chosen.targets}
    for one in chosen.approve_tools or ():
        name, is_of, listed = one.rpartition("=")
        if is_of and name not in patterns:
            raise HostNotStarted(f"--approve-tools {one!r}: {name!r} is not served here")
        names = [each.strip() for each in listed.split(",")]
        if not all(names):
            raise HostNotStarted(f"--approve-tools {one!r} names no tool, such as send_*,purchase")
        for target in [name] if is_of else patterns:
            patterns[target] += names
    return patterns


def _flow_webhook(chosen: argparse.Namespace, environment: Mapping[str, str]) -> FlowWebhook | None:
    if chosen.flow_webhook is None:
        return None
    url = _parse("--flow-webhook", chosen.flow_webhook, parse_url)
    name = chosen.flow_webhook_secret_env
    if name is None:
        raise HostNotStarted("--flow-webhook needs --flow-webhook-secret-env NAME")
    secret = environment.get(name, "")
    _require_secret(
        name, secret, "the secret of the crew's flow requests", "flow_webhook_secret_env"
    )
    return FlowWebhook(url=url, secret=secret)


def _require_secret(name: str, secret: str, what: str, of_bot: str) -> None:
    """Raise HostNotStarted if a secret is missing or could be guessed."""
    if len(secret) < SECRET_LENGTH:
        has = f"has {len(secret)} characters and needs {SECRET_LENGTH} or more"
        raise HostNotStarted(
            f"{name} {has if secret else 'is not set'}: {what}; what `openssl rand -hex 32` prints"
            f" will do, for the bot's {of_bot} too"
        )


def _load(specs: list[str], options: Options, *, version: str) -> Mapping[str, Target]:
    database = options.database
    states = database.with_name(f"{database.stem}-flows{database.suffix or '.db'}")
    with kept_imports():
        check_names(version)
        from crewgate.host.engine.loading import load_targets  # noqa: PLC0415  # takes seconds

        return load_targets(
            specs, folder=Path.cwd(), flow_states=states, approve_tools=options.approve_tools
        )


def _set_up_logging(environment: Mapping[str, str], redact: Callable[[str], str]) -> None:
    forms: Final[tuple[Literal["console", "json"], ...]] = ("console", "json")
    form = _parse("LOG_FORMAT", environment.get("LOG_FORMAT", "console"), one_of(forms))
    levels = one_of(("debug", "info", "warning", "error", "critical"))
    level = _parse("LOG_LEVEL", environment.get("LOG_LEVEL", "info"), levels)
    set_up_logging(form, level, redact=redact)


def _parse(name: str, value: str, parse: Callable[[object], T]) -> T:
    try:
        return parse(value)
    except InvalidSetting as wrong:
        raise HostNotStarted(f"{name}: {wrong}") from None


def _secrets(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the values of variables named like secrets."""
    for name, value in environment.items():
        if is_secret_variable(name):
            yield value
