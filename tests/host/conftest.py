"""A host in this process, with stand-ins for crewai's crews and flows."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from crewgate.crew_api.wire import FlowWebhook
from crewgate.domain.redaction import Redactor
from crewgate.host.run import Options, Target
from crewgate.host.serve import hosting
from tests.host.client import TOKEN, Api, Listener, listening

SECRET = "whsec_flow-secret"
MODEL_KEY = "key-of-the-model"
StartHost = Callable[..., AbstractAsyncContextManager[Api]]


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    """The receiver of the host's webhooks."""
    async with listening() as opened:
        yield opened


@pytest.fixture
def start_host(tmp_path: Path, listener: Listener) -> StartHost:
    """Start a host on the test's own file; a second one after it finds what the first left."""

    @asynccontextmanager
    async def start(
        *targets: Target, workers: int = 4, asks: bool = True, **more: Any
    ) -> AsyncIterator[Api]:
        options = Options(
            host="127.0.0.1",
            port=0,
            workers=workers,
            database=tmp_path / "host.db",
            token=TOKEN,
            flow_webhook=FlowWebhook(url=f"{listener.url}/flow/{{name}}", secret=SECRET)
            if asks
            else None,
            first_pause=0.005,
            redactor=Redactor([MODEL_KEY]),
            **more,
        )
        async with hosting({target.name: target for target in targets}, options) as url:
            yield Api(url)

    return start


@pytest.fixture
def told(listener: Listener) -> dict[str, Any]:
    """A kickoff's webhooks, all of them the listener's."""
    auth = {"strategy": "bearer", "token": "from-the-crew"}
    return {
        "humanInputWebhook": {"url": f"{listener.url}/human-input", "authentication": auth},
        "taskWebhookUrl": f"{listener.url}/task",
        "stepWebhookUrl": f"{listener.url}/step",
        "crewWebhookUrl": f"{listener.url}/crew",
    }
