"""Whatever callers send, every answer of a running host is as the vendor documents it."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from crewgate.crew_api.wire import Json
from crewgate.host.run import Options
from crewgate.host.serve import hosting
from tests.host.client import TOKEN, Api
from tests.host.standins import StandInCrew

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
URL = st.sampled_from(["http://127.0.0.1:1/", "https://a.example/?b", "ftp://a", "http://["]) | JSON
AUTHENTICATION = st.fixed_dictionaries(
    {"strategy": st.sampled_from(["bearer", "basic", "none"])},
    optional={"token": JSON, "username": JSON, "password": JSON},
)
WEBHOOK = st.fixed_dictionaries({"url": URL}, optional={"authentication": AUTHENTICATION}) | JSON
URLS = dict.fromkeys(("taskWebhookUrl", "stepWebhookUrl", "crewWebhookUrl"), URL)
KICKOFFS = st.fixed_dictionaries(
    {"inputs": st.fixed_dictionaries({}, optional={"topic": JSON}) | JSON},
    optional={"meta": JSON, "humanInputWebhook": WEBHOOK, "webhooks": WEBHOOK, **URLS},
)
RESUMES = st.fixed_dictionaries(
    {},
    optional={
        "execution_id": st.sampled_from(["e-1", "e-2", "e-0"]) | JSON,
        "task_id": st.sampled_from(["draft-id", "report-id"]) | JSON,
        "human_feedback": st.text(max_size=8) | JSON,
        "is_approve": st.booleans() | JSON,
        "humanInputWebhook": WEBHOOK,
        **URLS,
    },
)


def test_every_answer_is_as_documented(tmp_path: Path) -> None:
    """The caller holds each of them against the schema."""
    count = 0

    def new_id() -> str:
        nonlocal count
        count += 1
        return f"e-{count}"

    options = Options(
        host="127.0.0.1",
        port=0,
        workers=2,
        database=tmp_path / "host.db",
        token=TOKEN,
        new_id=new_id,
    )
    answered = set()
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        url = runner.run(stack.enter_async_context(hosting({"crew": StandInCrew()}, options)))
        api = Api(url)

        @settings(max_examples=60)
        @given(KICKOFFS, RESUMES, st.sampled_from(["e-1", "e-2"]) | st.text(min_size=1))
        def hold(kickoff: Json, resume: Json, execution: str) -> None:
            for method, path, body in (
                ("POST", "/kickoff", kickoff),
                ("POST", "/resume", resume),
                ("GET", f"/status/{quote(execution, safe='')}", None),
            ):
                status, _ = runner.run(api.call(method, path, body))
                answered.add((path.partition("/status/")[0], status))

        hold()
        runner.run(stack.aclose())

    assert {("/kickoff", 200), ("/kickoff", 400), ("/resume", 400), ("", 200)} <= answered
