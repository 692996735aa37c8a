"""Our own webhook always carries our own credentials, however a crew writes its address."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.notification import HumanInputWebhook, WebhookUrls
from tests.builders import a_crew

NONE = WebhookUrls()
HERE = "https://bot.example.com"
OURS = f"{HERE}/crews/research/human-input"
OWN = WebhookUrls(
    task=f"{HERE}/crews/research/events/task/key-t",
    step=f"{HERE}/crews/research/events/step/key-s",
    crew=f"{HERE}/crews/research/events/crew/key-c",
    human_input=HumanInputWebhook(OURS, "bearer", token="webhook-secret"),
)
UNREADABLE = (
    "",
    " ",
    "***",
    "Bearer",
    "bearer ",
    "Bearer ***",
    "abc***",
    "<redacted>",
    "xxxx",
    "…",
)

hosts = st.sampled_from(
    [
        HERE,
        "HTTPS://Bot.Example.COM",
        "https://bot.example.com:443",
        "http://bot.example.com",
        "http://10.0.0.7:3000",
        "http://[::1]:3000",
        "https://proxy.example.com/behind",
    ]
)
endings = st.sampled_from(["", "/", "//", "?from=crew", "#part"])
paths = st.sampled_from(
    ["/crews/research/human-input", "/crews//research/human-input", "/crews/rese%61rch/human-input"]
)
addresses = st.builds(lambda host, path, end: host + path + end, hosts, paths, endings)
unreadable = st.sampled_from(UNREADABLE)
secrets = st.text(st.characters(categories=("L", "N")), min_size=9)


def webhooks(urls: st.SearchStrategy[str]) -> st.SearchStrategy[HumanInputWebhook]:
    """Return webhooks with, without and with unreadable credentials."""
    any_secret = unreadable | secrets | st.none()
    return st.one_of(
        st.builds(HumanInputWebhook, urls),
        st.builds(HumanInputWebhook, urls, st.just("bearer"), token=any_secret),
        st.builds(
            HumanInputWebhook, urls, st.just("basic"), username=st.text(), password=any_secret
        ),
    )


elsewhere = st.sampled_from(
    [
        "https://hooks.example.com/pause",
        f"{HERE}/crews/other/human-input",
        f"{HERE}/crews/research/human-input/more",
        "https://[::1/crews/research/human-input",
    ]
)


@given(webhooks(addresses), webhooks(addresses | elsewhere) | st.none())
def test_an_address_of_ours_is_sent_as_we_configured_it(
    first: HumanInputWebhook, second: HumanInputWebhook | None
) -> None:
    crew = a_crew(own=OWN)
    registered, carried = WebhookUrls(human_input=first), WebhookUrls(human_input=second)
    theirs = second is not None and second.has_credentials and not first.has_credentials
    if not theirs:
        assert crew.webhooks_for_resume(registered, carried).human_input == OWN.human_input
    assert crew.webhooks_for_resume(NONE, registered).human_input == OWN.human_input


@given(webhooks(elsewhere))
def test_another_address_goes_with_its_credentials_or_not_at_all(given_: HumanInputWebhook) -> None:
    sent = a_crew(own=OWN).webhooks_for_resume(NONE, WebhookUrls(human_input=given_)).human_input

    assert sent == (given_ if given_.has_credentials else OWN.human_input)


@given(webhooks(addresses))
def test_without_a_public_url_our_secret_goes_to_no_host_that_a_crew_names(
    given_: HumanInputWebhook,
) -> None:
    sent = a_crew().webhooks_for_resume(NONE, WebhookUrls(human_input=given_)).human_input

    assert sent == (given_ if given_.has_credentials else None)


@pytest.mark.parametrize("token", UNREADABLE)
def test_credentials_that_cannot_be_read_are_never_sent(token: str) -> None:
    given_ = HumanInputWebhook("https://hooks.example.com/pause", "bearer", token=token)

    sent = a_crew().webhooks_for_resume(NONE, WebhookUrls(human_input=given_)).human_input

    assert sent == HumanInputWebhook("https://hooks.example.com/pause")


def test_an_address_that_cannot_be_read_is_not_taken_for_ours() -> None:
    given_ = HumanInputWebhook("https://[::1/crews/research/human-input", "bearer", token="theirs")

    sent = a_crew(own=OWN).webhooks_for_resume(NONE, WebhookUrls(human_input=given_)).human_input

    assert sent == given_


def test_a_way_to_authenticate_without_a_secret_is_no_credentials() -> None:
    assert not HumanInputWebhook("https://h.example", "bearer").has_credentials
    assert not HumanInputWebhook("https://h.example", "basic", username="Ann").has_credentials
    assert not HumanInputWebhook("https://h.example").has_credentials


@pytest.mark.parametrize("token", ["tok", "secret", "Bearer abc", "x-y", "a*b"])
def test_what_is_no_placeholder_counts_as_credentials(token: str) -> None:
    assert HumanInputWebhook("https://h.example", "bearer", token=token).has_credentials


def event_url(kind: str, url: str) -> WebhookUrls:
    urls: dict[str, Any] = {kind: url}
    return WebhookUrls(**urls)


@pytest.mark.parametrize("kind", ["task", "step", "crew"])
@pytest.mark.parametrize("host", [HERE, "http://10.0.0.7:3000", "https://BOT.example.com/behind"])
def test_an_event_url_of_ours_is_sent_with_its_own_key(kind: str, host: str) -> None:
    url = f"{host}/crews/research/events/{kind}/***"
    carried = event_url(kind, url)

    assert a_crew(own=OWN).webhooks_for_resume(NONE, carried) == OWN
    assert getattr(a_crew().webhooks_for_resume(NONE, carried), kind) == url


@pytest.mark.parametrize("kind", ["task", "step", "crew"])
def test_nothing_is_forwarded_to_ourselves_under_another_name(kind: str) -> None:
    ours = urlsplit(getattr(OWN, kind)).path
    given_ = event_url(kind, f"http://127.0.0.1:3000{ours}")

    assert a_crew(own=OWN, forward=True).forwards_to(given_) == NONE


def test_addresses_and_the_token_of_webhooks() -> None:
    h = "https://h.example"
    bearer = HumanInputWebhook(f"{h}/pause", "bearer", token="tok")
    basic = HumanInputWebhook(h, "basic", username="Ann", password="sesame")
    hidden = HumanInputWebhook(h, "bearer", token="***")
    urls = WebhookUrls(task=f"{h}/task", human_input=bearer)
    assert (urls.addresses, urls.token) == ((f"{h}/task", f"{h}/pause"), "tok")
    assert WebhookUrls(human_input=basic).token == "sesame"
    assert WebhookUrls(human_input=hidden).token == ""
    assert (NONE.addresses, NONE.token) == ((), "")
