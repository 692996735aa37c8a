"""The spans that a collector of OpenTelemetry gets: a way to the card, and a way back."""

import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from crewgate.app import NoOpenTelemetry
from crewgate.demo.environment import ANA
from tests.journeys.conftest import MakeWorld
from tests.servers import serve, takes_posts
from tests.standins.crew import status


@dataclass
class Collector:
    """A collector that keeps the received spans, in order."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)

    def called(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    found = Collector()

    async def take(request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        for resource in sent.resource_spans:
            for scope in resource.scope_spans:
                found.spans += scope.spans
        return web.Response(content_type="application/x-protobuf")

    async with serve(takes_posts("/v1/traces", take)) as url:
        found.url = url
        yield found


async def test_a_review_is_two_traces_and_the_second_leads_to_the_first(
    make_world: MakeWorld, collector: Collector
) -> None:
    async with make_world(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) as world:
        await world.pause()
        card = await world.card("A draft")
        await world.revise(ANA, card)
        await world.delivered(card)

    [to_card], [to_crew] = collector.called("webhook to card"), collector.called("click to resume")
    tries = {span.parent_span_id: span for span in collector.called("try 1")}
    assert to_card.trace_id != to_crew.trace_id
    assert [link.trace_id for link in to_crew.links] == [to_card.trace_id]
    assert [link.span_id for link in to_crew.links] == [to_card.span_id]
    for whole in (to_card, to_crew):
        part = tries[whole.span_id]
        assert part.trace_id == whole.trace_id
        assert whole.start_time_unix_nano <= part.start_time_unix_nano
        assert part.end_time_unix_nano == whole.end_time_unix_nano
        # That people want it otherwise is no error.
        assert whole.status.code == Status.STATUS_CODE_UNSET
        about = {each.key: each.value for each in whole.attributes}
        assert about["crewgate.execution"].string_value == "e-1"
        assert about["crewgate.outcome"].string_value == "Delivered"
    told = str(collector.spans)
    assert "A draft" not in told
    assert "Shorter" not in told


async def test_a_crew_that_refuses_is_an_error(make_world: MakeWorld, collector: Collector) -> None:
    async with make_world(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) as world:
        await world.pause()
        card = await world.card("A draft")
        world.crew.fail("/resume", how=status(401, {"message": "bad token"}))
        await world.slack.click(ANA, card, "Approve")
        await world.card("bad token")
    [to_crew] = collector.called("click to resume")
    assert to_crew.status.code == Status.STATUS_CODE_ERROR
    assert to_crew.status.message == "Refused"


async def test_without_a_collector_all_goes_on(make_world: MakeWorld) -> None:
    async with make_world(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9") as world:
        await world.pause()
        await world.card("A draft")


async def test_without_the_extra_the_start_says_so(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "crewgate.traces", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(
        NoOpenTelemetry, match=r"OTEL_EXPORTER_OTLP_ENDPOINT: install Crewgate with"
    ):
        async with make_world(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9"):
            pass
