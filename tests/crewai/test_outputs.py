"""An agent's output is found under each name that crews use; no part of it is lost."""

import json
from typing import Any

import pytest

from crewgate.crewai.payloads import parse_crew, parse_notification, parse_status
from crewgate.domain.errors import Malformed
from crewgate.domain.notification import Format, Output
from crewgate.domain.redaction import MARK
from tests.crewai.bodies import EXECUTION


def output_of(**fields: Any) -> Output:
    body = {"execution_id": EXECUTION, "task_id": "draft"} | fields
    return parse_notification(json.dumps(body).encode()).output


def shown(**fields: Any) -> Any:
    output = output_of(**fields)
    assert output.format is Format.JSON
    return json.loads(output.text)


@pytest.mark.parametrize(
    "empty", ["", " \n", None, {}, [], {"raw": ""}, {"raw": " ", "agent": "A"}]
)
@pytest.mark.parametrize("name", ["taskOutput", "output", "result"])
def test_an_empty_output_does_not_hide_another(empty: object, name: str) -> None:
    assert output_of(**{"task_output": empty, name: "REAL"}) == Output("REAL")


def test_an_output_object_without_its_text_shows_the_rest() -> None:
    output = {"raw": "", "pydantic": {"title": "REAL"}, "json_dict": None}
    assert shown(task_output=output) == {"pydantic": {"title": "REAL"}}
    assert shown(task_output=output, result="") == {"pydantic": {"title": "REAL"}}


@pytest.mark.parametrize("name", ["task_result", "taskResult", "answer", "data"])
def test_an_output_under_an_unknown_name_is_shown_as_it_came(name: str) -> None:
    assert shown(**{name: "REAL"}) == {name: "REAL"}
    assert shown(**{"task_output": "", name: ["REAL", 1]}) == {name: ["REAL", 1]}


def test_what_is_understood_is_not_shown_as_an_output() -> None:
    known = {
        "task_name": "Draft",
        "name": "draft",
        "description": "Write it.",
        "expected_output": "a text",
        "agent": "Writer",
        "crew_name": "research",
        "summary": "Wri...",
        "meta": {"requestId": "r"},
        "taskWebhookUrl": "https://hooks.example.com/task",
        "humanInputWebhook": {"url": "https://bot.example.com", "authentication": {"token": "t"}},
    }
    assert output_of(**known) == Output("")
    assert shown(**known, text="REAL") == {"text": "REAL"}


def test_credentials_are_not_shown() -> None:
    found = shown(
        answer="REAL",
        total_tokens=12,
        sessionToken="s3cret",
        api_key="s3cret",
        hooks=[{"webhook": {"url": "s3cret"}, "headers": ["Bearer s3cret", "basic s3cret"]}],
        authentication={"user": "s3cret"},
        notes=["Basic rules apply.", "git: ghp_s3cretS3cretS3cretS3cret"],
    )
    assert "s3cret" not in json.dumps(found)
    assert (found["answer"], found["total_tokens"]) == ("REAL", 12)
    assert found["hooks"] == [{"webhook": MARK, "headers": [MARK, MARK]}]
    assert found["notes"] == ["Basic rules apply.", f"git: {MARK}"]


def test_an_output_counts_the_credentials_that_are_not_shown() -> None:
    given = {"answer": "REAL", "api_key": "s3cret", "notes": f"Key: {MARK}"}
    assert output_of(**given, hooks=[{"webhook": {"url": "s3cret"}}]).erased == 2
    assert output_of(answer="REAL", total_tokens=12).erased == 0


def test_what_is_nested_too_deeply_to_be_looked_through_is_malformed() -> None:
    deep = b"[" * 900 + b"]" * 900
    body = b'{"execution_id": "e", "task_id": "t", "odd": ' + deep + b"}"
    with pytest.raises(Malformed, match="deeply"):
        parse_notification(body)


@pytest.mark.parametrize(
    ("fields", "result"),
    [
        ({"result": "", "output": "REAL"}, Output("REAL")),
        ({"result": {"raw": "REAL", "tasks_output": []}}, Output("REAL")),
        ({"final": "REAL"}, Output('{\n  "final": "REAL"\n}', Format.JSON)),
        ({"meta": {"a": 1}, "token_usage": {"total_tokens": 1}}, Output("")),
    ],
)
def test_a_crews_result_is_found_the_same_way(fields: dict[str, Any], result: Output) -> None:
    _, update = parse_crew(json.dumps({"kickoff_id": EXECUTION} | fields).encode())
    assert update.result == result


@pytest.mark.parametrize(
    ("result", "found"),
    [
        ({"output": "REAL", "tasks": [{}]}, Output("REAL")),
        ("REAL", Output("REAL")),
        ({"raw": "REAL"}, Output("REAL")),
        ({"answer": "REAL", "tasks": [{}]}, Output('{\n  "answer": "REAL"\n}', Format.JSON)),
        ({"tasks": [{}]}, None),
        (None, None),
    ],
)
def test_a_result_in_a_status_is_found_the_same_way(result: object, found: Output | None) -> None:
    assert (
        parse_status(json.dumps({"status": "completed", "result": result}).encode()).result == found
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"customer":"Acme","total":48000.00,"items":[1e400,-0.10,NaN]}',
        '```json\n{"customer":"Acme","total":48000.00,"items":[1e400,-0.10,NaN]}\n```',
    ],
)
@pytest.mark.parametrize("raw", [True, False])
def test_json_that_comes_as_a_text_is_laid_out_with_its_numbers_as_written(
    text: str, *, raw: bool
) -> None:
    laid_out = (
        '{\n  "customer": "Acme",\n  "total": 48000.00,\n  "items": [\n    1e400,\n    -0.10,\n'
        "    NaN\n  ]\n}"
    )
    came = {"raw": text} if raw else text
    assert output_of(task_output=came) == Output(laid_out, Format.JSON)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}',
        '{"a": "\ue0001"}',
        "[1](https://example.com)",
        "{not json}",
        "[" * 5_000 + "]" * 5_000,
        '```python\n{"a": 1}\n```',
        'Here:\n```json\n{"a": 1}\n```',
        '"a text"',
        "12",
    ],
)
def test_what_cannot_be_laid_out_without_a_loss_stays_as_it_came(text: str) -> None:
    assert output_of(task_output=text) == Output(text)
