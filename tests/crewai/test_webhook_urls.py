"""The webhook URLs of a notification: where they are found, and which are taken."""

import pytest

from crewgate.crewai.payloads import (
    parse_notification,
)
from crewgate.domain.notification import HumanInputWebhook, WebhookUrls
from tests.crewai.bodies import a_notification_body


def test_urls_are_found_at_the_top_or_under_meta() -> None:
    body = a_notification_body(
        task_webhook_url="http://a.example/t",
        stepWebhookUrl="ftp://a.example/s",
        humanInputWebhookUrl="https://a.example/h",
        meta={
            "taskWebhookUrl": "http://meta.example/t",
            "stepWebhookUrl": "http://meta.example/s",
            "crewWebhookUrl": "http://meta.example/c",
        },
    )
    assert parse_notification(body).webhooks == WebhookUrls(
        task="http://a.example/t",
        step="http://meta.example/s",
        crew="http://meta.example/c",
        human_input=HumanInputWebhook("https://a.example/h"),
    )


def test_urls_stay_as_they_were_written() -> None:
    url = "HTTP://Bücher.example?q=%C3%BC#é"
    assert parse_notification(a_notification_body(crewWebhookUrl=url)).webhooks.crew == url


def test_an_odd_human_input_webhook_yields_to_a_plain_url() -> None:
    body = a_notification_body(humanInputWebhook={"url": 7}, human_input_webhook_url="http://h.x")
    assert parse_notification(body).webhooks.human_input == HumanInputWebhook("http://h.x")


@pytest.mark.parametrize(
    ("authentication", "expected"),
    [
        (
            {"strategy": "bearer", "token": "t"},
            HumanInputWebhook("http://h.x", "bearer", token="t"),
        ),
        (
            {"strategy": "basic", "username": "u", "password": "p"},
            HumanInputWebhook("http://h.x", "basic", username="u", password="p"),
        ),
        ({"strategy": "magic"}, HumanInputWebhook("http://h.x")),
        ({"strategy": "bearer", "token": "\ud800"}, HumanInputWebhook("http://h.x")),
        (
            {"strategy": "basic", "username": "u", "password": "\0"},
            HumanInputWebhook("http://h.x"),
        ),
        (None, HumanInputWebhook("http://h.x")),
    ],
)
def test_a_human_input_webhook_comes_with_its_credentials(
    authentication: object, expected: HumanInputWebhook
) -> None:
    body = a_notification_body(
        humanInputWebhook={"url": "http://h.x", "authentication": authentication}
    )
    assert parse_notification(body).webhooks.human_input == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "http:host",
        "http:///host",
        "//host/path",
        "javascript:alert(1)",
        "http://host:port/",
        "http://[::1/",
        "http://a b/",
        "http://host/\n",
        "http://host/" + "x" * 2_000,
        7,
    ],
)
def test_what_is_no_web_address_is_ignored(url: object) -> None:
    body = a_notification_body(taskWebhookUrl=url, humanInputWebhook={"url": url})
    assert parse_notification(body).webhooks == WebhookUrls()
