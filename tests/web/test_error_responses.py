"""The responses over HTTP to failures."""

import json

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from crewgate.domain.errors import (
    CrewgateError,
    Malformed,
    NoPublicUrl,
    StoreUnavailable,
    TooManyKickoffs,
    TooManyWait,
    UnknownCrew,
)
from crewgate.network.requests import RequestRefused, not_json
from crewgate.web.context import explain_failures


async def respond(failure: Exception) -> tuple[int, dict[str, object]]:
    async def fail(_: web.Request) -> web.Response:
        raise failure

    response = await explain_failures(make_mocked_request("GET", "/"), fail)
    assert isinstance(response, web.Response)
    assert isinstance(response.body, bytes)
    return response.status, json.loads(response.body)


@pytest.mark.parametrize(
    ("failure", "status", "kind"),
    [
        (RequestRefused(not_json("")), 415, "not_json"),
        (Malformed("wrong", ["no id"]), 400, "malformed"),
        (UnknownCrew("tea"), 404, "unknown_crew"),
        (NoPublicUrl(), 503, "no_public_url"),
        (TooManyKickoffs(), 503, "too_many_kickoffs"),
        (TooManyWait(), 503, "too_many_wait"),
        (StoreUnavailable("away"), 503, "store_unavailable"),
        (web.HTTPNotFound(), 404, "not_found"),
    ],
)
async def test_a_failure_is_told_by_its_kind(failure: Exception, status: int, kind: str) -> None:
    answered, body = await respond(failure)

    assert (answered, body["error"]) == (status, kind)
    assert body["message"]


async def test_what_no_caller_can_bring_about_is_not_explained() -> None:
    with pytest.raises(CrewgateError):
        await respond(CrewgateError("inside"))
