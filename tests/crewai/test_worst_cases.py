"""Crews' answers and webhooks cost little time, however they are made."""

import json
from functools import partial

import pytest

from crewgate.crewai.payloads import parse_error, parse_notification
from tests.worst_cases import LARGEST, MEMORY, SECONDS, TEXTS, memory, seconds


@pytest.mark.parametrize("name", TEXTS)
def test_an_answer_is_read_in_no_time(name: str) -> None:
    body = TEXTS[name]().encode(errors="surrogatepass")[:LARGEST]

    assert seconds(partial(parse_error, b"<" + body)) < SECONDS
    assert len(parse_error(body)) <= 300


def test_markup_that_never_ends_is_left_at_once() -> None:
    for shape in (b"<", b"<style", b"<a ", b"<script></script"):
        assert seconds(partial(parse_error, shape * 2**17), below=SECONDS / 4) < SECONDS / 4


OUTPUTS = {
    "numbers": b"[" + b",".join([b"1"] * (LARGEST // 2 - 60)) + b"]",
    "lists": b"[" + b",".join([b"[]"] * (LARGEST // 3 - 60)) + b"]",
    "objects": b"[" + b",".join([b"{}"] * (LARGEST // 3 - 60)) + b"]",
    "keys": json.dumps({str(number): 1 for number in range(80_000)}).encode(),
    "one key": json.dumps({"k" * (LARGEST - 100): 1}).encode(),
    "depth": b"[" * 900 + b"1" + b"]" * 900,
    "depth and breadth": b"[" * 500 + b",".join([b"1"] * (LARGEST // 2 - 600)) + b"]" * 500,
    "escapes": b'"' + b"\\u0000" * (LARGEST // 6 - 20) + b'"',
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_notification_is_read_in_bounded_time_and_memory(name: str) -> None:
    body = b'{"execution_id": "e", "task_id": "t", "task_output": ' + OUTPUTS[name] + b"}"
    assert len(body) <= LARGEST

    assert seconds(partial(parse_notification, body)) < SECONDS
    if name in ("lists", "keys"):  # counting what is held takes long
        assert memory(partial(parse_notification, body)) < MEMORY


def test_of_json_that_is_too_long_to_be_a_message_nothing_is_shown() -> None:
    body = json.dumps({"message": "no", "input": "x" * 2**18}).encode()
    assert parse_error(body) == ""
    assert parse_error(b"\n [" + b"1," * 2**18) == ""
    assert parse_error(body[: 2**17]) == ""  # half a JSON is nothing for people
    assert parse_error(json.dumps({"message": "no", "input": "x" * 2**17}).encode()) == "no"
