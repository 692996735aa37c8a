"""Secrets are taken out of texts in every spelling, and nothing else is touched."""

import base64
import html
import json
from collections.abc import Callable
from functools import partial
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from crewgate.domain import redaction
from crewgate.domain.notification import Format, Output
from crewgate.domain.redaction import (
    MARK,
    Redactor,
    hide_credentials,
    is_called_secret,
    without_paths,
)
from tests.builders import a_notification
from tests.worst_cases import SECONDS, seconds

SECRET = 'aB3/"+\\é&=whsec'
any_secret = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=10, max_size=60)
around = st.text(max_size=30)


def in_json_in_json(text: str) -> str:
    return json.dumps({"body": json.dumps({"token": text})})


spellings: st.SearchStrategy[Callable[[str], str]] = st.sampled_from(
    [
        str,
        json.dumps,
        lambda text: json.dumps(text, ensure_ascii=False),
        in_json_in_json,
        lambda text: json.dumps(text).replace("/", "\\/"),
        repr,
        quote,
        quote_plus,
        lambda text: quote(text, safe=""),
        lambda text: quote(text, safe="").lower() if text.islower() else quote(text, safe=""),
        html.escape,
        lambda text: text.encode().hex(),
        lambda text: text.encode().hex().upper(),
    ]
)


@example(SECRET, "", "", in_json_in_json)
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
    # At most the bits that the secret shares with its neighbours are left of it.
    assert len(shown) - len(MARK) <= len(f"Basic {pair}") - len(secret.encode()) * 8 // 6 + 2


@pytest.mark.parametrize("spell", [str.upper, str.lower, str.swapcase])
def test_a_secret_is_found_in_another_case(spell: Callable[[str], str]) -> None:
    redact = Redactor(["aB3c-Straße-dE5f6"])
    assert redact.text(f"Key {spell('aB3c-Stra')}ße{spell('-dE5f6')}!") == f"Key {MARK}!"
    assert Redactor(["Post-1"]).text("POST-1") == "POST-1"  # a short one may be a word


@pytest.mark.parametrize("secret", ["0123456789abcdefghijklmnop", "A-secret-of-one-line" * 9])
@pytest.mark.parametrize("width", [64, 76])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
@pytest.mark.parametrize("levels", range(3))
def test_a_secret_is_found_in_base64_that_is_broken_in_lines(
    secret: str, width: int, line_break: str, levels: int
) -> None:
    for before in range(width):
        whole = base64.b64encode(f"{'.' * before}{secret} and more".encode()).decode()
        lines = [whole[at : at + width] for at in range(0, len(whole), width)]
        text = line_break.join(lines)
        for _ in range(levels):
            text = json.dumps(text)
        shown = Redactor([secret]).text(text)

        assert MARK in shown
        left = shown.replace(MARK, "").replace("r", "").replace("n", "")
        assert len(left) < len(text) - len(secret) * 8 // 6 + 4


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
    told = (("topic", f"of {SECRET}"),)
    notification = a_notification(
        f"Look: {SECRET}", task_id=SECRET, agent=f"<{SECRET}>", inputs=told
    )

    clean = redact.fields(notification, keep=("task_id",))

    assert clean.output == Output(f"Look: {MARK}")
    assert clean.output.format is Format.MARKDOWN
    assert (clean.agent, clean.task_id) == (f"<{MARK}>", SECRET)
    assert clean.inputs == (("topic", f"of {MARK}"),)
    assert clean.task_name == notification.task_name
    assert redact.fields(clean) != clean
    assert redact.fields(clean, keep=("task_id",)) is clean


@example([SECRET[:4], SECRET[4:]], "")
@example(["=", base64.b64encode(f"{SECRET} for a line of base64".encode()).decode()], "short")
@given(st.lists(st.text() | st.sampled_from([SECRET, "short", "+short+"]), max_size=3), st.text())
def test_texts_are_redacted_as_each_would_be_alone(inputs: list[str], task: str) -> None:
    redact = Redactor([SECRET, "short"])
    notification = a_notification(inputs=tuple((text, text) for text in inputs), task_name=task)
    texts = redact.fields(notification)
    assert texts.inputs == tuple((redact.text(text), redact.text(text)) for text in inputs)
    assert texts.task_name == redact.text(task)


HOOK = "https://caller.example:8443/hook/T0ken?key=1"
HOST = "https://caller.example:8443"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"POST {HOOK} failed.", f"POST {HOST} failed."),
        (json.dumps({"url": HOOK}), json.dumps({"url": HOST})),
        (
            json.dumps({"url": HOOK}).replace("/", "\\/"),
            '{"url": "https:\\/\\/caller.example:8443"}',
        ),
        (r"https://caller.example/a\u0026token=b", "https://caller.example"),
        ("HTTP://Ann:pass@Caller.Example./hook", "HTTP://Caller.Example."),
        (quote(HOOK, safe=""), "https%3A%2F%2Fcaller.example"),
        ("hook/T0ken, caller.example/hook and key=1", None),
        ("https://other.example/hook/T0ken", None),
        ("https://caller.example.evil/hook", None),
        ("https://[::1/hook and http://", None),
    ],
)
def test_of_a_callers_address_scheme_and_host_are_left(text: str, shown: str | None) -> None:
    assert without_paths(text, (HOOK,)) == (text if shown is None else shown)
    assert without_paths(text, ()) == text


def test_without_known_addresses_each_is_shortened() -> None:
    assert without_paths("https://a.example/b, http://c/d?e") == "https://a.example http://c"
    assert without_paths("http://[::1/a") == "http://[::1"


@given(any_secret, st.lists(around, min_size=1, max_size=4))
def test_replacements_are_counted_as_they_are_made(secret: str, parts: list[str]) -> None:
    assume(secret.lower() not in MARK)
    assume(not any(Redactor([secret]).counted(part)[1] for part in parts))
    text = f" {secret} ".join(parts)
    shown, count = Redactor([secret]).counted(text)
    assert count == len(parts) - 1 or shown.count(MARK) - "".join(parts).count(MARK) == count
    assert shown == Redactor([secret]).text(text)


def test_marks_that_came_are_not_counted_and_are_no_secret() -> None:
    redact = Redactor(["known-secret", "redacted"])
    assert redact.counted(f"{MARK} known-secret {MARK}") == (f"{MARK} {MARK} {MARK}", 1)
    assert redact.counted("redacted") == ("redacted", 0)
    assert Redactor().counted("known-secret") == ("known-secret", 0)


def test_replacements_of_each_kind_of_spelling_are_counted() -> None:
    pair = base64.b64encode(b"Ann:known-secret").decode()
    redact = Redactor(["known-secret", "briefest"])
    assert redact.counted(f"known-secret, {pair}, KNOWN-SECRET, briefest")[1] == 4


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
        "https://user:LEAK@host.example/ kept, token=LEAK",
        "https://bot.example/crews/research/events/step/LEAK kept, token=LEAK",
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


KEY = "sk-proj-4eC39HqLyjWDarjtT1zdp7dc"  # opens nothing


@pytest.mark.parametrize(
    "text",
    [
        f"401 for url https://api.example.com/v1?api_key={KEY}",
        f"401 for url https://maps.example.com/geo?q=tea&key={KEY}#kept",
        "Client error for https://s3.example.com/a?X-Amz-Signature=sk-LEAK",
        f"failed with headers {{'Authorization': 'Bearer {KEY}', 'Accept': 'text/html'}}",
        f"Authorization: Bearer {KEY}",
        "Authorization: Bearer sk-proj-LEAK",
        f"authorization=Bearer {KEY}",
        f"Incorrect API key provided: {KEY}. You can find yours in the settings",
        "password: sk-pr0j-LEAK",
        'password: "sk-proj-LEAK"',
        "DB_PASSWORD=sk-proj-LEAK",
        '{"auth": "sk-proj-LEAK"}',
        '{"config": {"access_key": "sk-proj-LEAK"}}',
        "postgresql://crew:sk-proj-LEAK@db/crew",
        f"Bearer {KEY}",
        "Basic c2stcHJvajpMRUFLTEVBSw==",
        f"a key {KEY}",
        "clone with ghp_sk1proj2LEAK3LEAK4LEAK5LEAK6LEAK7",
        "eyJhbGciOiJIUzI1NiJ9.eyJzay1wcm9qIjoiTEVBSyJ9.c2stcHJvai1MRUFL",
        "AKIAIOSFODNN7LEAKLEA",
        "xoxb-2323-LEAKLEAK",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEsk-projLEAK",
    ],
)
def test_what_is_a_credential_by_its_name_or_form_is_hidden(text: str) -> None:
    shown = hide_credentials(text)

    assert MARK in shown
    assert not any(one in shown for one in ("sk-", "LEAK", "TEVBSw", "c2stcHJvai", "sk1"))
    assert hide_credentials(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "The token costs 3 cents. Each token: cheap.",
        "author: Ana, authors: Ana and Bob",
        "Authorization: the board decides. Authority: Ana. AUTHOR: BOB1234567",
        "Authorization: 2024-05-01, by the board",
        "The secret: patience. Secret of success: work1",
        "password: required; api_key: Field required",
        "401: token not accepted; token: missing",
        "body.token: Input is not valid",
        "max_tokens=128000 is more than 'max_tokens': 4096, total_tokens: 123456789",
        "AuthenticationError: api_key=None",
        "Basic understanding of JavaScript; bearer instruments; Basic PowerPoint skills",
        "The sk-learn-based approach is a risk-free task-oriented one.",
        "Credentials: see the handbook. OAuth: supported",
        "https://example.com/?q=tea&page=2",
        "Keys: a, b. Monkey=3. key=value",
    ],
)
def test_prose_is_not_hidden(text: str) -> None:
    assert hide_credentials(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "token" * 20_000,
        "auth-" * 20_000,
        "token: " * 20_000,
        "token=" * 20_000,
        "bearer " * 20_000,
        "a" * 100_000,
        "1a" * 50_000,
        "aB" * 50_000,
        "?" * 100_000,
        "?a&" * 30_000,
        "://a:" * 20_000,
        "eyJ" * 30_000,
        "sk-" * 30_000,
        '\\"token\\":\\"' * 10_000,
        "-----BEGIN " * 10_000,
        "\\n" * 50_000,
    ],
)
def test_hiding_takes_no_longer_than_the_text_is_long(text: str) -> None:
    redact = Redactor([KEY, "n" * 60, "aaaaaaaaaaaaaaaa"])
    for hide in (hide_credentials, redact.text, redact.report):
        assert seconds(partial(hide, text)) < SECONDS


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        *((name, True) for name in ("api_key", "API-Key", "apikey", "github_token", "dbPassword")),
        *((name, True) for name in ("auth", "x-auth", "basicAuth", "AUTH_HEADER", "OAuth")),
        *((name, False) for name in ("topic", "key", "author", "AUTHOR", "coauthors", "")),
    ],
)
def test_what_is_a_secret_by_its_name(name: str, is_secret: bool) -> None:
    assert is_called_secret(name) is is_secret


def test_a_variable_is_secret_by_a_whole_word_of_its_name() -> None:
    assert redaction.is_secret_variable("OPENAI_API_KEY")
    assert not redaction.is_secret_variable("KEYCLOAK_URL")
