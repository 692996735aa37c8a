"""A kickoff's outcome is named right, and the crew's own answer is kept as it came."""

import gzip
import json
import zlib

import httpx
import pytest
from aiohttp import web

from crewgate.crewai.client import HttpCrew
from crewgate.crewai.kickoff import new_kickoff, parse_kickoff
from crewgate.crewai.wire import human_input_body
from crewgate.domain.notification import HumanInputWebhook, WebhookUrls
from crewgate.domain.outcome import NotSent, Unknown
from crewgate.network.client import ANSWER_LIMIT, Timeout, open_client
from crewgate.usecases.ports.crew import KickoffAnswer, KickoffOutcome
from tests.crewai.crews import NO_URLS, NOW, a_client
from tests.servers import serve, takes_posts
from tests.standins.crew import DROP_AFTER, HANG, Crew, garbage, slow, status

URLS = WebhookUrls(
    task="https://ours.example/task",
    crew="https://ours.example/crew",
    human_input=HumanInputWebhook("https://ours.example", "bearer", token="secret"),
)


async def kick_off(client: HttpCrew) -> KickoffOutcome:
    return await client.kickoff(new_kickoff({"topic": "tea"}), URLS)


def answered(outcome: KickoffOutcome) -> KickoffAnswer:
    assert isinstance(outcome, KickoffAnswer)
    return outcome


async def test_a_kickoff_starts_an_execution(crew: Crew, client: HttpCrew) -> None:
    answer = answered(await kick_off(client))

    assert (answer.status, answer.missing, answer.words) == (200, (), "")
    assert answer.content_type.startswith("application/json")
    assert json.loads(answer.body)["kickoff_id"] == answer.execution_id
    assert crew.requests[0].body == {
        "inputs": {"topic": "tea"},
        "taskWebhookUrl": "https://ours.example/task",
        "stepWebhookUrl": None,
        "crewWebhookUrl": "https://ours.example/crew",
        "humanInputWebhook": {
            "url": "https://ours.example",
            "authentication": {"strategy": "bearer", "token": "secret"},
        },
    }


async def test_what_a_caller_sends_is_passed_on(crew: Crew, client: HttpCrew) -> None:
    """Unknown fields, and a value that is not a URL: what is wrong with it is the crew's to say."""
    sent = {"inputs": {}, "meta": {"a": 1}, "taskWebhookUrl": "no url"}

    await client.kickoff(parse_kickoff(json.dumps(sent).encode()), NO_URLS)

    assert crew.requests[0].body == sent | {"stepWebhookUrl": None, "crewWebhookUrl": None}


async def test_what_a_caller_sends_stays_byte_for_byte(http: httpx.AsyncClient) -> None:
    sent: list[bytes] = []

    async def kickoff(request: web.Request) -> web.Response:
        sent.append(await request.read())
        return web.json_response({"kickoff_id": "e-1"})

    caller = (
        b'{ "inputs": {"rate": 0.10, "big": 1e400, "n": 123456789012345678901234567890},\n'
        b'"taskWebhookUrl" :"https:\\/\\/theirs.example/task", "odd": [1.0, "\\u00e9"], '
        b'"stepWebhookUrl":null, "humanInputWebhook": {"url": "https://theirs.example"} }'
    )
    request = parse_kickoff(caller)
    urls = WebhookUrls(
        task=request.given.task, step="https://ours.example/step", human_input=URLS.human_input
    )
    async with serve(takes_posts("/kickoff", kickoff)) as url:
        await a_client(http, url).kickoff(request, urls)

    ours = json.dumps(human_input_body(URLS.human_input)) if URLS.human_input else ""
    expected = caller.replace(b":null", b':"https://ours.example/step"')
    expected = expected.replace(b'{"url": "https://theirs.example"} }', ours.encode() + b" }")
    assert sent == [expected[:-1] + b', "crewWebhookUrl": null}']


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate", "GZIP"])
async def test_a_packed_answer_is_unpacked(http: httpx.AsyncClient, encoding: str) -> None:
    plain = b'{"kickoff_id": "e-1"}'
    packed = zlib.compress(plain) if encoding == "deflate" else gzip.compress(plain)

    async def kickoff(_request: web.Request) -> web.Response:
        return web.Response(body=packed, headers={"Content-Encoding": encoding})

    async with serve(takes_posts("/kickoff", kickoff)) as url:
        answer = answered(await kick_off(a_client(http, url)))

    assert (answer.execution_id, answer.body) == ("e-1", plain)


@pytest.mark.parametrize("encoding", ["br", "gzip", "gzip, gzip"])
async def test_of_an_answer_that_cannot_be_unpacked_the_status_is_passed_on(
    http: httpx.AsyncClient, encoding: str
) -> None:
    async def kickoff(_request: web.Request) -> web.Response:
        return web.Response(body=b"not packed like this", headers={"Content-Encoding": encoding})

    async with serve(takes_posts("/kickoff", kickoff)) as url:
        answer = answered(await kick_off(a_client(http, url)))

    assert (answer.status, answer.body, answer.is_in_doubt) == (200, b"", True)


async def test_a_packed_answer_that_grows_without_end_is_cut(http: httpx.AsyncClient) -> None:
    async def kickoff(_request: web.Request) -> web.Response:
        packed = gzip.compress(b"x" * 20_000_000)
        return web.Response(status=400, body=packed, headers={"Content-Encoding": "gzip"})

    async with serve(takes_posts("/kickoff", kickoff)) as url:
        assert len(answered(await kick_off(a_client(http, url))).body) == ANSWER_LIMIT


@pytest.mark.parametrize(
    ("code", "body", "in_doubt"),
    [
        (200, "{}", True),
        (200, '{"kickoff_id": "e-1"}', False),
        (302, "", False),
        (400, "", False),
        (408, "", True),
        (422, "", False),
        (429, "", False),
        (500, "", True),
        (503, "", True),
        (504, "", True),
    ],
)
async def test_after_some_answers_nobody_knows_whether_it_started(
    crew: Crew, client: HttpCrew, code: int, body: str, in_doubt: bool
) -> None:
    crew.fail("/kickoff", how=status(code, body))
    assert answered(await kick_off(client)).is_in_doubt is in_doubt


async def test_a_refusal_names_the_inputs_that_are_missing(crew: Crew, client: HttpCrew) -> None:
    answer = answered(await client.kickoff(new_kickoff({}), URLS))

    assert (answer.status, answer.execution_id, answer.missing) == (422, None, ("topic",))
    assert answer.words


async def test_a_refusal_that_is_no_json_is_told_in_its_words(crew: Crew, client: HttpCrew) -> None:
    crew.fail("/kickoff", how=status(503, "later", headers={"Retry-After": "7"}))
    answer = answered(await kick_off(client))

    assert (answer.status, answer.body, answer.retry_after) == (503, b"later", "7")
    assert (answer.missing, answer.words) == ((), "later")


async def test_an_answer_without_an_id_starts_nothing_that_is_known(
    crew: Crew, client: HttpCrew
) -> None:
    crew.fail("/kickoff", how=garbage())
    answer = answered(await kick_off(client))

    assert (answer.status, answer.execution_id) == (200, None)


async def test_whether_it_was_sent_is_told_apart(crew: Crew, client: HttpCrew) -> None:
    crew.fail("/kickoff", how=DROP_AFTER)
    lost = await kick_off(client)
    await crew.go_down()
    unsent = await kick_off(client)

    assert lost == Unknown("the connection was lost before an answer came")
    assert unsent == NotSent("connection refused")


async def test_a_kickoff_has_a_time_limit_of_its_own(crew: Crew, http: httpx.AsyncClient) -> None:
    crew.fail("/kickoff", how=slow(0.2))
    patient = a_client(http, crew.url, resume=Timeout(5, 0.05, 5))
    assert answered(await kick_off(patient)).status == 200

    crew.fail("/kickoff", how=HANG)
    hasty = a_client(http, crew.url, kickoff=Timeout(5, 5, 0.05))
    assert await kick_off(hasty) == Unknown("no answer in time")


async def test_kickoffs_have_connections_of_their_own(crew: Crew, http: httpx.AsyncClient) -> None:
    async with open_client(trust_env=False) as kickoff_http:
        client = HttpCrew(
            http,
            crew.url,
            crew.token,
            clock=lambda: NOW,
            kickoff_http=kickoff_http,
        )
        await http.aclose()

        assert answered(await kick_off(client)).status == 200
