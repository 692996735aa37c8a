"""The meanings of a flow's labels, and the secret parts of its address."""

import pytest

from crewgate.domain.notification import Callback
from crewgate.domain.verdict import Reading, reading_of


@pytest.mark.parametrize(
    ("label", "reading"),
    [
        ("approved", Reading.APPROVAL),
        (" Approve ", Reading.APPROVAL),
        ("LGTM", Reading.APPROVAL),
        ("rejected", Reading.REJECTION),
        ("no", Reading.REJECTION),
        ("needs_revision", Reading.REVISION),
        ("Needs revision", Reading.REVISION),
        ("request-changes", Reading.REVISION),
        ("not approved", Reading.OTHER),
        ("approved?", Reading.OTHER),
        ("publish", Reading.OTHER),
        ("", Reading.OTHER),
        ("approved" + " " * 9_999, Reading.APPROVAL),
        ("approved" * 9_999, Reading.OTHER),
    ],
)
def test_only_whole_labels_read_as_something(label: str, reading: Reading) -> None:
    assert reading_of(label) is reading


@pytest.mark.parametrize(
    ("url", "token", "secret"),
    [
        ("https://app.crewai.com/r/8412/respond?token=abc", None, "abc"),
        ("https://app.crewai.com/r/8412/respond?token=abc", "other-token", "other-token"),
        ("https://api.example.com/callback/one-use-token", None, "one-use-token"),
        ("https://api.example.com/callback/one%2Duse%2Dtoken/", None, "one-use-token"),
        ("https://[half/respond", None, "https://[half/respond"),
    ],
)
def test_what_lets_somebody_answer_is_secret(url: str, token: str | None, secret: str) -> None:
    callback = Callback(url, token)
    assert secret in callback.secrets
    assert url in callback.secrets
    assert "respond" not in callback.secrets
    assert secret not in repr(callback)


def test_a_sentence_in_the_address_of_an_answer_is_no_secret() -> None:
    url = "https://api.example.com/pay%20Bob%20now?note=wire+90000+EUR&to=bob@x.example&key=abc"
    assert set(Callback(url).secrets) == {url, "abc"}
