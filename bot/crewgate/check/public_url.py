"""A check that PUBLIC_URL leads to this very bot."""

import json
from dataclasses import dataclass
from typing import Final

import httpx

from crewgate.check.findings import Finding, doubtful, skipped, wrong
from crewgate.check.health import local_address
from crewgate.crews import identity_of
from crewgate.network.client import TIMEOUTS, Answer, attempt
from crewgate.network.untrusted_addresses import is_private_url
from crewgate.settings.load import Settings
from crewgate.web.credentials import prove

PLACE: Final = "PUBLIC_URL"
#: Statuses with which proxies, platforms and tunnels answer while no server listens behind them.
_NOBODY_BEHIND: Final = frozenset({502, 503, 504})
_REDIRECTS: Final = range(300, 400)
_REFUSED: Final = "connection refused"
_FROM_HERE: Final = (
    "; this address is known on this machine or network alone, so a crew elsewhere, as on CrewAI"
    " AMP, does not reach it"
)
_FROM_OUTSIDE: Final = ", as asked from this machine; whether it does from outside cannot be tried"


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    is_ours: bool
    is_crewgate: bool


async def check_public_url(http: httpx.AsyncClient, settings: Settings, nonce: str) -> Finding:
    """Ask PUBLIC_URL for a proof; without one, look for a running bot on this machine."""
    if settings.public_url is None:
        why = (
            "not set, so nothing can be kicked off from here, and the webhook of each crew cannot"
            " be printed; set it to the address at which crews reach this bot"
        )
        return doubtful(PLACE, why)
    token = identity_of(settings)
    found = await _ask(http, settings.public_url, nonce, token)
    if isinstance(found, _Answer) and found.is_ours:
        reach = _FROM_HERE if is_private_url(settings.public_url) else _FROM_OUTSIDE
        return Finding(PLACE, f"answers with this bot{reach}")
    host, port = local_address(settings)
    local = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    here = await _ask(http, local, nonce, token)
    runs_here = isinstance(here, _Answer) and here.is_ours
    silent = found.status in _NOBODY_BEHIND if isinstance(found, _Answer) else found == _REFUSED
    if not runs_here and silent:
        why = "the bot is not running: start it (crewgate serve) and check again"
        return skipped(PLACE, why)
    where = f"port {settings.port} of the bot" + (", which runs here" if runs_here else "")
    return wrong(PLACE, f"{_why_wrong(found)}; it must lead to {where}")


def _why_wrong(found: _Answer | str) -> str:
    match found:
        case _Answer(status=status) if status in _REDIRECTS:
            return f"answers with a redirect ({status}), which a crew need not follow"
        case _Answer(is_crewgate=True):
            return "answers with another Crewgate, or with this one before its last restart"
        case _Answer(status=status):
            return f"answers ({status}), but not with this bot"
        case why:
            return f"cannot be reached from here: {why}"


async def _ask(http: httpx.AsyncClient, url: str, nonce: str, token: str) -> _Answer | str:
    request = http.build_request("GET", f"{url}/healthz", params={"nonce": nonce})
    answer = await attempt(http, request, TIMEOUTS.public_url)
    if not isinstance(answer, Answer):
        return answer.why
    body = _object(answer.body)
    proof = body.get("proof")
    return _Answer(
        status=answer.status,
        is_ours=proof == prove(token, nonce),
        is_crewgate=isinstance(proof, str) or body.get("status") == "alive",
    )


def _object(body: bytes) -> dict[str, object]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
