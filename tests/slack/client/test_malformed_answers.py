"""An answer of Slack's that is not as documented is an outcome nobody knows, wherever it comes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.web.async_client import AsyncWebClient

from crewgate.demo.faults import EVERY
from crewgate.domain.outcome import Refused, Unknown
from crewgate.domain.people import Email, UserGroup
from crewgate.slack.blockkit.blocks import Message, modal, section
from crewgate.slack.client import web_api
from crewgate.slack.client.directory import SlackDirectory
from crewgate.slack.client.identity import Identity
from crewgate.slack.client.people import Accounts, ChannelMembers, display_name
from crewgate.slack.client.posting import METADATA, Poster, upload_private
from crewgate.slack.client.replies import open_modal, update_modal
from crewgate.slack.client.web_api import CallFailed, call, new_client
from crewgate.usecases.read_models import MessageRef
from tests.builders import FakeClock
from tests.slack.client.installations import Remembered
from tests.slack.client.owners import whoever_has_it
from tests.standins.workspace import Workspace, malformed

CARD = Message("A card", [section("A card")])
THREAD = MessageRef("C1", "1.0", "1.0")
VIEW = modal("A title", [section("Something")])
NOBODY_KNOWS: tuple[object, ...] = (
    [],
    [1],
    [{"ok": True}],
    "ok",
    1,
    None,
    {},
    {"ok": None},
    {"ok": False, "error": ["not_in_channel"]},
    {"ok": False, "error": None},
    {"ok": False, "error": "cannot take “The secret plan.”"},
    {"ok": False, "error": "x" * 101},
)
"""Answers that say nothing of what happened, whatever was asked."""
ODD: tuple[object, ...] = (
    {"ok": True},
    {"ok": True, "channel": None, "ts": 1, "view": [], "url": 7, "user": "U1", "users": "U1"},
    {"ok": True, "channel": {}, "messages": {}, "view": {"id": None}, "user": {"id": []}},
    {"ok": True, "messages": [], "response_metadata": [1]},
    {"ok": True, "messages": [], "response_metadata": {"next_cursor": 7}},
    {"ok": True, "upload_url": None, "file_id": 1, "files": None},
)
"""Answers without what was asked for."""


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with Workspace() as workspace:
        workspace.add_channel("C1", "reviews")
        yield workspace


@pytest.fixture
def client(slack: Workspace) -> AsyncWebClient:
    return new_client(token=slack.bot_token, base_url=slack.api_url)


async def no_pause(_seconds: float) -> None:
    """Nothing runs for long enough to pause."""


async def fails(calling: Awaitable[object]) -> Unknown:
    with pytest.raises(CallFailed) as failed:
        await calling
    assert isinstance(failed.value.failure, Unknown)
    return failed.value.failure


def post(client: AsyncWebClient, *, again: bool) -> Awaitable[object]:
    """A message; the second try looks for the first."""
    poster = Poster(client, clock=lambda: datetime(2026, 1, 2, tzinfo=UTC))
    since = datetime(2026, 1, 1, tzinfo=UTC) if again else None
    return poster.post("card 1", CARD, channel="C1", thread_ts=None, posted_since=since)


def upload(client: AsyncWebClient) -> Awaitable[object]:
    poster = Poster(client, clock=lambda: datetime(2026, 1, 2, tzinfo=UTC))
    return poster.upload(THREAD, name="a.md", title="A", content="text", may_be_there=False)


@pytest.mark.parametrize("body", NOBODY_KNOWS, ids=str)
@pytest.mark.parametrize(
    "calling",
    [
        lambda client: call(client, "chat.update", channel="C1", ts="1.0", text="A card"),
        lambda client: post(client, again=False),
        lambda client: post(client, again=True),
        upload,
    ],
)
async def test_nobody_knows_what_came_of_a_call(
    slack: Workspace,
    client: AsyncWebClient,
    body: object,
    calling: Callable[[AsyncWebClient], Awaitable[object]],
) -> None:
    slack.fail(EVERY, malformed(body), times=None)
    await fails(calling(client))


@pytest.mark.parametrize("body", ODD, ids=str)
async def test_a_post_without_its_place_may_have_been_posted(
    slack: Workspace, client: AsyncWebClient, body: object
) -> None:
    slack.fail("chat.postMessage", malformed(body))
    assert "malformed" in (await fails(post(client, again=False))).why
    slack.fail(EVERY, malformed(body), times=None)
    await fails(upload(client))


@pytest.mark.parametrize("body", ODD, ids=str)
async def test_a_success_that_names_nothing_may_have_changed_nothing(
    slack: Workspace, client: AsyncWebClient, body: object
) -> None:
    poster = Poster(client, clock=lambda: datetime(2026, 1, 2, tzinfo=UTC))
    slack.fail("chat.update", malformed(body))
    assert "malformed" in (await fails(poster.update(THREAD, CARD))).why
    await poster.post("card 1", CARD, channel="C1", thread_ts=None, posted_since=None)
    [posted] = slack.messages("C1")
    slack.fail("files.completeUploadExternal", malformed(body))
    place = MessageRef("C1", posted.ts, posted.ts)
    uploading = poster.upload(place, name="a.md", title="A", content="text", may_be_there=False)
    assert "malformed" in (await fails(uploading)).why


@pytest.mark.parametrize("files", [[], [None], [{}], [{"id": ""}]], ids=str)
async def test_an_upload_that_names_no_file_may_have_made_none(
    slack: Workspace, client: AsyncWebClient, files: object
) -> None:
    await post(client, again=False)
    [posted] = slack.messages("C1")
    slack.fail("files.completeUploadExternal", malformed({"ok": True, "files": files}))
    place = MessageRef("C1", posted.ts, posted.ts)
    uploading = Poster(client, clock=lambda: datetime(2026, 1, 2, tzinfo=UTC)).upload(
        place, name="a.md", title="A", content="text", may_be_there=False
    )
    assert "malformed" in (await fails(uploading)).why
    slack.add_user("U0ANA", "Ana", "ana@example.com")
    slack.fail("files.completeUploadExternal", malformed({"ok": True, "files": files}))
    sending = upload_private(client, "U0ANA", BytesIO(b"a,b"), name="a.csv")
    assert "malformed" in (await fails(sending)).why


@pytest.mark.parametrize("body", ODD[:-1], ids=str)
async def test_a_search_that_tells_nothing_does_not_count_as_nothing_found(
    slack: Workspace, client: AsyncWebClient, body: object
) -> None:
    slack.fail("conversations.history", malformed(body))
    await fails(post(client, again=True))
    assert not slack.messages("C1")


@pytest.mark.parametrize("metadata", [None, [], {"event_type": METADATA, "event_payload": [1]}])
async def test_odd_messages_are_passed_over_in_a_search(
    slack: Workspace, client: AsyncWebClient, metadata: object
) -> None:
    found = {"ok": True, "messages": [None, "text", {"metadata": metadata, "files": [1]}]}
    slack.fail("conversations.history", malformed(found))
    await post(client, again=True)
    assert len(slack.messages("C1")) == 1


@pytest.mark.parametrize("metadata", [None, [], "x", {"messages": None}, {"messages": "x"}])
async def test_odd_words_of_a_refusal_are_left_out(
    slack: Workspace, client: AsyncWebClient, metadata: object
) -> None:
    refusal = {"ok": False, "error": "invalid_blocks", "response_metadata": metadata}
    slack.fail("chat.update", malformed(refusal))
    with pytest.raises(CallFailed) as failed:
        await call(client, "chat.update", channel="C1", ts="1.0", text="A card")
    assert isinstance(failed.value.failure, Refused)
    assert failed.value.failure.words == "invalid_blocks"


@pytest.mark.parametrize("body", [*NOBODY_KNOWS, *ODD], ids=str)
async def test_whoever_asks_goes_on(slack: Workspace, client: AsyncWebClient, body: object) -> None:
    identity = Identity(client, sleep=no_pause, installations=Remembered())
    clock = FakeClock()
    asked = (Email("ana@example.com"), UserGroup("S1"))
    directory = SlackDirectory(identity, asked, owner_of=whoever_has_it, clock=clock)
    channels = ChannelMembers(identity, ["C1", "#reviews"], clock=clock)
    people = Accounts(identity, clock=clock)
    slack.fail(EVERY, malformed(body), times=None)

    await identity.ask()
    await directory.renew()
    await channels.renew_all()
    await people.renew("U1")

    assert identity.warning
    assert len(channels.failures) == 2
    assert people.is_own("U1") is None
    assert set(directory.unresolved) == set(asked)
    assert await display_name(client, "U1") is None
    assert await open_modal(identity, "trigger", VIEW) is None
    await update_modal(identity, VIEW, view_id="V1")


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["a", "b"]), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "response_metadata"]), JSON))
def test_no_shape_raises_anything_but_an_unknown_outcome(answer: dict[str, Any]) -> None:
    readings: tuple[Callable[[], object], ...] = (
        lambda: web_api.text_at(answer, "a", "b"),
        lambda: web_api.list_at(answer, "a"),
        lambda: web_api.next_cursor(answer),
    )
    for reading in readings:
        try:
            reading()
        except CallFailed as failed:
            assert isinstance(failed.failure, Unknown)  # noqa: PT017  # either answer is right
    assert isinstance(web_api.object_in(answer, "a"), dict)
    assert all(isinstance(part, dict) for part in web_api.objects_in(answer, "a"))
