"""`crewgate check` calls PUBLIC_URL to see if it leads to this bot, and prints crews' webhooks."""

import json
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from crewgate.demo.environment import WEBHOOK_SECRET
from crewgate.demo.servers import free_port
from tests.check.conftest import Ask, Run
from tests.journeys.flow_world import FLOW_SECRET, NO_CREW, REVIEWERS, SECRETS, crews_file
from tests.servers import serve


async def of_public_url(ask: Ask, **changes: str) -> tuple[int, str]:
    status, said = await ask(**changes)
    *_, line = [line for line in said if "PUBLIC_URL" in line]
    return status, line


def answering(status: int, text: str = "{}", **headers: str) -> web.Application:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=text, headers=headers)

    app = web.Application()
    app.router.add_get("/{any:.*}", answer)
    return app


@pytest.fixture
def same(tmp_path: Path) -> dict[str, str]:
    """The database of the bot that runs."""
    return {"DATABASE_URL": f"sqlite:///{tmp_path / 'bot.db'}"}


async def test_the_bot_itself_is_known_by_what_only_it_can_answer(
    ask: Ask, run: Run, same: dict[str, str]
) -> None:
    async with run(free_port()) as address:
        assert await of_public_url(ask, PUBLIC_URL=address, PORT=str(free_port()), **same) == (
            0,
            (
                "✓ PUBLIC_URL: answers with this bot; this address is known on this machine or"
                " network alone, so a crew elsewhere, as on CrewAI AMP, does not reach it"
            ),
        )


def forwarding(to: str) -> web.Application:
    """A proxy that asks the bot at this address, whatever host it is asked for."""

    async def forward(request: web.Request) -> web.Response:
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{to}{request.url.path_qs}") as answer,
        ):
            return web.Response(status=answer.status, body=await answer.read())

    app = web.Application()
    app.router.add_get("/{any:.*}", forward)
    return app


async def test_what_cannot_be_tried_from_here_is_said(
    ask: Ask, run: Run, same: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run(free_port()) as address, serve(forwarding(address)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        url = "http://bot.example.com"
        _, line = await of_public_url(ask, PUBLIC_URL=url, PORT=str(free_port()), **same)
    assert line == (
        "✓ PUBLIC_URL: answers with this bot, as asked from this machine; whether it does from"
        " outside cannot be tried"
    )


@pytest.mark.parametrize(
    "other", [{"SLACK_BOT_TOKEN": "xoxb-of-another"}, {"CREW_WEBHOOK_SECRET": "x" * 16}, {}]
)
async def test_another_bot_is_told_from_this_one(
    ask: Ask, run: Run, same: dict[str, str], other: dict[str, str]
) -> None:
    """One beside it may have the same token and a database of its own."""
    port = str(free_port())
    async with run(free_port(), **other) as address:
        database = same if other else {}
        status, line = await of_public_url(ask, PUBLIC_URL=address, PORT=port, **database)

    assert status == 1
    assert line == (
        "✗ PUBLIC_URL: answers with another Crewgate, or with this one before its last restart;"
        f" it must lead to port {port} of the bot"
    )


@pytest.mark.parametrize("status", [None, 502, 503])
async def test_a_bot_that_is_not_running_is_said_to_be_so(ask: Ask, status: int | None) -> None:
    unused = {"PORT": str(free_port())}
    async with serve(answering(status or 200)) as proxy:
        url = proxy if status else f"http://127.0.0.1:{free_port()}"
        found, line = await of_public_url(ask, PUBLIC_URL=url, **unused)

    assert found == 0
    assert line == (
        "– PUBLIC_URL: skipped, because the bot is not running:"
        " start it (crewgate serve) and check again"
    )


@pytest.mark.parametrize(
    ("app", "why"),
    [
        (answering(200, "not JSON"), "answers (200), but not with this bot"),
        (answering(200, "[" * 10_000), "answers (200), but not with this bot"),
        (answering(404, "[]"), "answers (404), but not with this bot"),
        (answering(308, Location="/"), "answers with a redirect (308), which a crew need not"),
        (answering(200, '{"status": "alive"}'), "answers with another Crewgate"),
        (answering(200, '{"proof": "é"}'), "answers with another Crewgate"),
    ],
)
async def test_what_leads_elsewhere_is_wrong_whether_the_bot_runs_or_not(
    ask: Ask, app: web.Application, why: str
) -> None:
    async with serve(app) as elsewhere:
        status, line = await of_public_url(ask, PUBLIC_URL=elsewhere, PORT=str(free_port()))

    assert status == 1
    assert line.startswith(f"✗ PUBLIC_URL: {why}")


async def test_a_proxy_that_does_not_find_the_running_bot_is_wrong(
    ask: Ask, run: Run, same: dict[str, str]
) -> None:
    port = free_port()
    async with run(port), serve(answering(502)) as proxy:
        status, line = await of_public_url(ask, PUBLIC_URL=proxy, PORT=str(port), **same)

    assert status == 1
    assert line.endswith(f"it must lead to port {port} of the bot, which runs here")


async def test_an_address_that_leads_nowhere_is_wrong(ask: Ask) -> None:
    _, line = await of_public_url(ask, PUBLIC_URL="http://crewgate.invalid", HOST="::1")
    assert line.startswith("✗ PUBLIC_URL: cannot be reached from here: ")


async def test_what_a_kickoff_must_carry_is_ready_to_copy_at_a_terminal_alone(ask: Ask) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    for show_secrets, token in ((True, WEBHOOK_SECRET), (False, "(its webhook secret)")):
        _, said = await ask(show_secrets=show_secrets, PUBLIC_URL=url)
        assert said[-3:-1] == ["", "Whoever kicks off “research” sends along:"]
        assert json.loads("{" + said[-1] + "}") == {
            "humanInputWebhook": {
                "url": f"{url}/crews/research/human-input",
                "authentication": {"strategy": "bearer", "token": token},
            }
        }


async def test_what_flows_need_is_ready_to_copy_too(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "crews.toml").write_text(
        crews_file(REVIEWERS).replace("CREW_URL", "http://127.0.0.1:9")
    )
    url = f"http://127.0.0.1:{free_port()}"
    for show_secrets in (True, False):
        _, said = await ask(show_secrets=show_secrets, PUBLIC_URL=url, **SECRETS, **NO_CREW)
        *_, about_flows, address = said
        assert about_flows == "Whoever deploys flows of “research” sets this webhook for them:"
        assert address == f"{url}/crews/research/flow-request"
        assert FLOW_SECRET not in "".join(said)


async def test_a_crew_that_is_not_called_is_not_asked(ask: Ask, tmp_path: Path) -> None:
    about_a_call = ("url =", "token_env")
    lines = crews_file(REVIEWERS).splitlines()
    file = "\n".join(line for line in lines if not line.startswith(about_a_call))
    (tmp_path / "crews.toml").write_text(file)
    url = f"http://127.0.0.1:{free_port()}"
    _, said = await ask(PUBLIC_URL=url, **SECRETS, **NO_CREW)
    assert "✓ crew “research”: has no url: whoever asks fetches the decision" in said
    asks = said.index("Whoever asks as “research”, for instance with docs/gate.py, sets:")
    assert said[asks + 1 : asks + 3] == [
        f"CREWGATE_URL={url}/crews/research",
        "CREWGATE_SECRET=(its webhook secret)",
    ]


async def test_without_an_address_nothing_is_offered_to_copy(ask: Ask) -> None:
    status, said = await ask(show_secrets=True)
    assert "humanInputWebhook" not in "\n".join(said)
    assert status == 0
    assert said[-1] == (
        "! PUBLIC_URL: not set, so nothing can be kicked off from here, and the webhook of each"
        " crew cannot be printed; set it to the address at which crews reach this bot"
    )
