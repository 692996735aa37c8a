"""A check of the settings alone, without asking anybody."""

import re
from collections.abc import Iterator
from typing import Final

from crewgate.check.findings import Finding, doubtful, wrong
from crewgate.encryption import MAKE_KEY
from crewgate.settings.load import Settings

#: As Slack makes them.
_SIGNING_SECRET: Final = re.compile(r"[0-9a-z]{32}")
_ROUTE: Final = re.compile(r"/(?:kickoff|inputs|status|resume)\Z")


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Count the crews, and name each thing that is wrong or doubtful."""
    crews = settings.crews.values()
    yield Finding("settings", "1 crew" if len(crews) == 1 else f"{len(crews)} crews")
    for doubt in settings.doubts:
        yield doubtful("settings", doubt)
    secret = settings.slack_signing_secret
    if secret is not None and not _SIGNING_SECRET.fullmatch(secret):
        why = (
            "this is no signing secret of Slack's, which has 32 letters and digits; put the one"
            " there of Slack's page Basic Information, App Credentials"
        )
        yield wrong("SLACK_SIGNING_SECRET", why)
    if not settings.secret_keys:
        why = (
            "not set, so credentials of webhooks stand in the database as they came; set it to"
            f" what `{MAKE_KEY}` prints"
        )
        yield doubtful("SECRET_KEYS", why)
    for crew in crews:
        if route := _ROUTE.search(crew.url):
            why = f"its url ends in {route[0]}; put the deployment's own address there, without it"
            yield wrong(f"crew “{crew.name}”", why)
