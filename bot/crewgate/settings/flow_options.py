"""The keys of a crew that are about its flows and its events."""

from __future__ import annotations

from typing import Final

from crewgate.settings import parsers
from crewgate.settings.setting import CrewOption

FLOW_SIGNATURE: Final = "flow_webhook_secret_env"
"""The key that makes a crew take flow requests."""

FLOW_OPTIONS: Final = (
    CrewOption(
        name=FLOW_SIGNATURE,
        field="flow_webhook_secret",
        names_variable=True,
        parse=parsers.parse_flow_secret,
        default=None,
        meaning=(
            "for flows: name of the variable with the secret of the webhook in the deployment's"
            " Human-in-the-Loop settings, whole, with its `whsec_`. Such a crew may name no"
            " reviewers: then whom a request assigns may decide, and its operators where it assigns"
            " nobody"
        ),
        example='"RESEARCH_FLOW_SECRET"',
    ),
    CrewOption(
        name="flow_callback_hosts",
        field="flow_callback_hosts",
        parse=parsers.parse_hosts,
        default=(),
        meaning=(
            "hosts that answers to flows may be sent to besides `crewai.com` and its subdomains, a"
            " list of names without `https://`; by plain `http://` only where they are this machine"
        ),
        default_text="`[]`",
        example="[]",
    ),
    CrewOption(
        name="stream",
        field="stream",
        parse=parsers.parse_flag,
        default=False,
        meaning=(
            "have executions that are started here send their events to this bot; needs"
            " `PUBLIC_URL`"
        ),
        example="false",
    ),
)
