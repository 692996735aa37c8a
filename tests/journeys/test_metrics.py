"""The answer of `/metrics` about a whole bot, its readers, and its addresses."""

import json
import re
from typing import Final

import aiohttp
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from crewgate.demo.environment import ANA
from crewgate.demo.servers import free_port
from tests.journeys.conftest import MakeWorld, World
from tests.repo.files import read, rows

TOKEN: Final = "a-status-token-of-16"
REFERENCE: Final = "docs/reference.md"
#: They are the same in each process: the sum of them would count several times.
OF_THE_DATABASE: Final = ("crewgate_reviews_waiting", "crewgate_oldest_", "crewgate_outbox_")


async def get(url: str, **headers: str) -> tuple[int, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession(headers=named) as session,
        session.get(f"{url}/metrics") as answer,
    ):
        return answer.status, await answer.text()


async def test_a_story_is_counted_from_end_to_end(world: World) -> None:
    await world.pause()
    card = await world.card("A draft")
    _, before = await get(world.url)
    await world.slack.click(ANA, card, "Approve")
    await world.delivered(card)
    _, after = await get(world.url)
    assert 'crewgate_reviews_waiting{crew="research"} 1.0' in before
    assert 'crewgate_reviews_waiting{crew="research"} 0.0' in after
    counted = (
        r'slack_requests_total{method="chat.update",outcome="Delivered"}',
        r'resumes_total{crew="research",outcome="Delivered"}',
        r'decisions_total{by="Person",crew="research",verdict="Approve"}',
    )
    for sample in counted:
        values = [
            float(found[1]) if (found := re.search(rf"{re.escape(sample)} (\S+)", text)) else 0
            for text in (before, after)
        ]
        assert values[1] > values[0], sample
    for loop in ("heartbeat", "identity", "directory", "home", "worker for crew:research"):
        assert f'crewgate_loop_last_run_timestamp_seconds{{loop="{loop}"}}' in after


async def test_beside_the_rest_it_is_for_the_token_and_this_machine(make_world: MakeWorld) -> None:
    async with make_world(STATUS_TOKEN=TOKEN) as world:
        assert (await get(world.url))[0] == 200
        assert (await get(world.url, X_Forwarded_For="10.0.0.7"))[0] == 401
        authorised = {"Authorization": f"Bearer {TOKEN}"}
        assert (await get(world.url, X_Forwarded_For="10.0.0.7", **authorised))[0] == 200
    async with make_world(PUBLIC_URL="https://bot.example.com") as world:
        assert (await get(world.url))[0] == 401


async def test_on_a_port_of_its_own_it_is_for_whoever_gets_there(make_world: MakeWorld) -> None:
    port = free_port()
    public = {"PUBLIC_URL": "https://bot.example.com", "METRICS_PORT": str(port)}
    async with make_world(**public) as world:
        assert (await get(world.url))[0] == 404
        status, text = await get(f"http://127.0.0.1:{port}", X_Forwarded_For="10.0.0.7")
        assert status == 200
        assert "crewgate_build_info" in text
        assert (await get(f"http://127.0.0.1:{port}/crews"))[0] == 404


async def test_the_document_explains_every_metric_and_no_other(world: World) -> None:
    _, text = await get(world.url)
    told = {
        (family.name + "_total" if family.type == "counter" else family.name)
        for family in text_string_to_metric_families(text)
    }
    explained = {name.strip("`").partition("{")[0] for name, *_ in rows(REFERENCE, "metrics")}
    assert explained == {name for name in told if not name.startswith("process_")}


def expressions() -> list[str]:
    """Return the dashboard's and the alerts' queries to Prometheus."""
    panels = json.loads(read("deploy/grafana.json"))["panels"]
    asked = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    rules = yaml.safe_load(read("deploy/alerts.yaml"))
    return asked + [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


def test_dashboard_and_alerts_ask_for_what_there_is() -> None:
    explained = [name.strip("`").partition("{")[0] for name, *_ in rows(REFERENCE, "metrics")]
    suffixes = "(_bucket|_count|_sum)?"
    for expression in expressions():
        for name in re.findall(r"crewgate_\w+", expression):
            assert any(re.fullmatch(one + suffixes, name) for one in explained), name


@pytest.mark.parametrize("expression", expressions())
def test_what_comes_from_the_database_is_never_summed_over_processes(expression: str) -> None:
    if any(name in expression for name in OF_THE_DATABASE):
        assert "max by" in expression or "absent(" in expression
        assert "sum" not in expression
    else:
        assert "crewgate_" in expression or expression.startswith("up{")
