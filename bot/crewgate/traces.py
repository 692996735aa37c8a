"""Traces by OpenTelemetry: from a webhook to its card, and from a click to its resume.

Days may lie between both, so each is a trace of its own; the second links to the first. Ids derive
from the round's and the job's, so that all processes know them. Only a failure is an error.
Importing this takes the extra `crewgate[otel]`, and 5 MB.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from hashlib import sha256
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags

from crewgate import __version__
from crewgate.domain.effects import EffectKind
from crewgate.domain.outcome import Delivered, Outcome, Refused
from crewgate.usecases.delivery.context import Trace
from crewgate.usecases.ports.base import Job

_WAYS: Final = {EffectKind.POST: "webhook to card", EffectKind.RESUME: "click to resume"}
#: The seconds within which a batch of spans must be sent, also the last batch of a stopping bot.
TIMEOUT: Final = 2


@asynccontextmanager
async def open_traces(endpoint: str) -> AsyncIterator[Trace]:
    resource = Resource.create({"service.name": "crewgate", "service.version": __version__})
    spans = BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=TIMEOUT))

    def record(job: Job, outcome: Outcome, began: datetime, ended: datetime) -> None:
        way, name = job.effect.kind, type(outcome).__name__
        if way not in _WAYS:
            return
        about: dict[str, str | int] = {
            "crewgate.crew": job.effect.crew,
            "crewgate.execution": job.effect.execution_id,
            "crewgate.round": job.effect.target,
            "crewgate.tries": job.tries,
            "crewgate.outcome": name,
        }
        status = Status() if isinstance(outcome, Delivered) else Status(StatusCode.ERROR, name)

        def end(
            title: str,
            own: SpanContext,
            start: datetime,
            parent: SpanContext | None = None,
            links: Sequence[Link] = (),
        ) -> None:
            span = ReadableSpan(
                title,
                own,
                parent,
                resource,
                about,
                links=links,
                status=status,
                start_time=_nanoseconds(start),
                end_time=_nanoseconds(ended),
            )
            spans.on_end(span)

        whole, tried = _ids(way, job), f"try {job.tries}"
        end(tried, _ids(way, job, tried), began, whole)
        if isinstance(outcome, Delivered | Refused):
            links = [Link(_ids(EffectKind.POST, job))] if way is EffectKind.RESUME else ()
            end(_WAYS[way], whole, job.created_at, links=links)

    try:
        yield record
    finally:
        await asyncio.to_thread(spans.shutdown)


def _ids(way: EffectKind, job: Job, part: str = "") -> SpanContext:
    """Return the ids of a trace or a part of it; a round may have several traces of resumes."""
    trace = f"{way} {job.effect.target} {job.id if way is EffectKind.RESUME else ''}"
    trace_id, span_id = (
        int.from_bytes(sha256(text.encode()).digest()[:size], "big")
        for text, size in ((trace, 16), (f"{trace} {part}", 8))
    )
    return SpanContext(
        trace_id, span_id, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)
    )


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1e6) * 1_000
