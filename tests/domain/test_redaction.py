"""Secrets are taken out of texts in every spelling, and nothing else is touched."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.domain.notification import Format, Output
from bot.domain.redaction import MARK, Redactor, is_called_secret, url_secrets
from tests.builders import a_notification

SECRET = 'aB3/"+\\é&=whsec'
any_secret = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=10, max_size=60)
around = st.text(max_size=30)
spellings: st.SearchStrategy[Callable[[str], str]] = st.sampled_from(
    [
        str,
        json.dumps,
        lambda text: json.dumps(text, ensure_ascii=False),
        lambda text: json.dumps({"body": json.dumps({"token": text})}),
        lambda text: json.dumps(text).replace("/", "\\/"),
        repr,
        quote,
        quote_plus,
        lambda text: quote(text, safe=""),
        lambda text: quote(text, safe="").lower() if text.islower() else quote(text, safe=""),
        html.escape,
    ]
)


@given(any_secret, around, around, spellings)
def test_a_secret_is_found_in_every_spelling(
    secret: str, before: str, after: str, spell: Callable[[str], str]
) -> None:
    assume(secret.strip("\"'") not in MARK)
    redact = Redactor([secret])
    text = f"{before}{spell(secret)}{after}"

    assert secret not in redact.text(text)
    assert spell(secret).strip("\"'") not in redact.text(text)
    assert MARK in redact.text(text)
    assert redact.body(text.encode()) == redact.text(text).encode()


@given(any_secret, st.text(max_size=20), around)
def test_a_secret_is_found_behind_any_user_in_base64(secret: str, user: str, after: str) -> None:
    pair = base64.b64encode(f"{user}:{secret}{after}".encode()).decode()
    shown = Redactor([secret]).text(f"Basic {pair}")

    assert MARK in shown
    # What is left of it is at most the bits that it shares with its neighbours.
    assert len(shown) - len(MARK) <= len(f"Basic {pair}") - len(secret.encode()) * 8 // 6 + 2


@given(st.text(), st.binary())
def test_everything_else_stays_as_it_is(text: str, body: bytes) -> None:
    redact = Redactor([SECRET, "short", "1234567890123"])
    if not any(secret in text for secret in (SECRET, "short", "1234567890123")):
        assert redact.text(text) == text
    if b"short" not in body:
        assert redact.body(body) == body
    assert Redactor().text(text) == text
    assert Redactor().body(body) == body


def test_a_short_secret_is_taken_out_where_it_stands_alone() -> None:
    redact = Redactor(["postgres", "abc"])
    assert redact.text("postgresql://postgres:abc@db") == f"postgresql://{MARK}:abc@db"
    assert redact.body(b'{"p": "postgres"}') == f'{{"p": "{MARK}"}}'.encode()


def test_a_secret_within_another_leaves_nothing_of_the_longer_one() -> None:
    assert Redactor(["0123456789", "0123456789abcdef"]).text("=0123456789abcdef=") == f"={MARK}="


def test_more_secrets_can_be_known() -> None:
    redact = Redactor(["known-secret"])
    assert redact.also(["another-one"]).text("known-secret another-one") == f"{MARK} {MARK}"
    assert redact.also([]) is redact
    assert redact.also(["known-secret", "abc"]) is redact
    more = redact.also(["another-one"])
    assert more.also(["known-secret", "another-one"]) is more
    assert more.body(b"known-secret another-one") == f"{MARK} {MARK}".encode()


def test_one_that_knows_no_secret_gives_back_what_it_is_given() -> None:
    notification = a_notification(SECRET)
    assert Redactor(["abc"]).fields(notification) is notification
    assert not Redactor(["abc"])
    assert Redactor(["abc"]).also([SECRET])


def test_the_texts_of_a_dataclass_are_redacted_one_by_one() -> None:
    redact = Redactor([SECRET])
    notification = a_notification(f"Look: {SECRET}", task_id=SECRET, agent=f"<{SECRET}>")

    clean = redact.fields(notification, keep=("task_id",))

    assert clean.output == Output(f"Look: {MARK}")
    assert clean.output.format is Format.MARKDOWN
    assert (clean.agent, clean.task_id) == (f"<{MARK}>", SECRET)
    assert clean.task_name == notification.task_name
    assert redact.fields(clean) != clean
    assert redact.fields(clean, keep=("task_id",)) is clean


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        (None, []),
        ("https://hooks.example.com/task", []),
        ("https://hooks.example.com/human-input-of-crews", []),
        ("http://[::1/0123456789abcdef0123", []),
        ("https://bot.example.com/events/task/" + "0f" * 32, ["0f" * 32]),
        ("https://hooks.example.com/T0/AbCdEfGhIjKlMnOpQrSt", ["AbCdEfGhIjKlMnOpQrSt"]),
        ("https://u:p%2Fassword12345678@h.example/", ["p/assword12345678"]),
        ("https://h.example/?a=1&key=0123456789%2Fabcdef", ["0123456789/abcdef"]),
    ],
)
def test_what_is_secret_of_an_address(url: str | None, secrets: list[str]) -> None:
    assert list(url_secrets(url)) == secrets


@pytest.mark.parametrize(
    "text",
    [
        '{"humanInputWebhook": {"authentication": {"strategy": "bearer", "token": "LEAK"}}}',
        '{"password":"LE\\"AK", "username": "kept"}',
        "{'api_key': 'LEAK', 'kept': 1}",
        json.dumps({"body": json.dumps({"webhook_secret": "LEAK"}), "kept": 1}),
        "Authorization: Bearer LEAK kept",
        "authorization=Basic LEAK& kept",
        "a Bearer LEAKLEAK kept",
        "https://user:LEAK@host.example/kept",
        "https://bot.example/crews/research/events/step/LEAK kept",
        '{"kept": 1, "token": "LEAK that has no end',
        '{"callback_url": "https:\\/\\/api.example.com\\/callback\\/LEAK", "kept": 1}',
        "{'callbackUrl': 'https://api.example.com/callback/LEAK', 'kept': 1}",
    ],
)
def test_a_report_shows_nothing_that_is_called_a_secret(text: str) -> None:
    shown = Redactor().report(text)

    assert "LE" not in shown
    assert "AK" not in shown
    assert "kept" in shown or "strategy" in shown
    assert MARK in shown


def test_a_report_leaves_the_rest_readable() -> None:
    text = '{"execution": "e-1", "task_output": "The token of our thanks: tea.", "n": 12}'
    assert Redactor().report(text) == text


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        *((name, True) for name in ("api_key", "API-Key", "apikey", "github_token", "dbPassword")),
        *((name, False) for name in ("topic", "key", "author", "")),
    ],
)
def test_what_is_a_secret_by_its_name(name: str, is_secret: bool) -> None:
    assert is_called_secret(name) is is_secret
