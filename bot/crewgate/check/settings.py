"""A check of the settings alone, offline."""

import re
from collections.abc import Iterator
from typing import Final

from crewgate.check.findings import Finding, doubtful, wrong
from crewgate.encryption import MAKE_KEY
from crewgate.network.untrusted_addresses import is_private_url
from crewgate.settings.load import Settings

#: The form of Slack's own.
_SIGNING_SECRET: Final = re.compile(r"[0-9a-z]{32}")
_ROUTE: Final = re.compile(r"/(?:kickoff|inputs|status|resume)\Z")
_PLAIN: Final = "is plain http at a public host: its secret can be read on its way; use https"


def check_settings(settings: Settings) -> Iterator[Finding]:
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
            "not set, which is fine to try this out; credentials of webhooks stand in the database"
            f" as they came until you set it to what `{MAKE_KEY}` prints"
        )
        yield doubtful("SECRET_KEYS", why)
    if settings.public_url and _is_open(settings.public_url):
        yield doubtful("PUBLIC_URL", _PLAIN)
    for crew in crews:
        url = crew.url or ""
        if _is_open(url):
            yield doubtful(f"crew “{crew.name}”", f"its url {_PLAIN}")
        if route := _ROUTE.search(url):
            why = f"its url ends in {route[0]}; put the deployment's own address there, without it"
            yield wrong(f"crew “{crew.name}”", why)


def _is_open(url: str) -> bool:
    return url.lower().startswith("http:") and not is_private_url(url)
