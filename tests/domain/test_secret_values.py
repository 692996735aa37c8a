"""Values of a call that are masked by their names, and the time of looking for them."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.masking import Kind, Masking, find_secret_values
from crewgate.domain.redaction import Redactor, is_hidden_argument
from tests.worst_cases import LARGEST, seconds

CALL = Masking().for_call()
MASK = f"[{Kind.SECRET}]"
#: Times as much as reading and writing 33,000 short arguments once, of processor time.
MUCH = 8


@pytest.mark.parametrize(
    "name",
    [
        *("token", "token2", "api_key_1", "apiKey2", "secret_note", "noteSecret", "my secret 1"),
        *("clientsecret", "webhook_text", "pin", "cardPin", "private-key", "access_key_id"),
        *("Passwords", "user_password_hint", "credentials.new", "auth"),
    ],
)
def test_a_name_that_sounds_secret_hides_its_value(name: str) -> None:
    assert is_hidden_argument(name)
    masked, counted = CALL.counted(json.dumps({"to": "bob", name: "hunter2 and more"}))
    assert json.loads(masked) == {"to": "bob", name: MASK}
    assert counted == ((Kind.SECRET, 1),)


@pytest.mark.parametrize(
    "name",
    ["secretary", "tokenizer", "author", "monkey", "shipping", "capital", "keyboard", "privately"],
)
def test_a_name_that_only_has_such_letters_hides_nothing(name: str) -> None:
    text = json.dumps({name: "a word"})
    assert not is_hidden_argument(name)
    assert CALL.text(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"total_tokens": 7, "token": "a"}', '{"total_tokens": 7, "token": "[secret]"}'),
        ('{"pin": 1234}', '{"pin": "[secret]"}'),
        (
            '{"a": "token", "token" : ["a", {"b": 1}], "c": 1}',
            '{"a": "token", "token" : "[secret]", "c": 1}',
        ),
        ('{"token": {"pin": 1}, "x": "pin"}', '{"token": "[secret]", "x": "pin"}'),
        ('{"a \\" token": "b"}', '{"a \\" token": "[secret]"}'),
        ('{"note": "say \\"token\\": no"}', '{"note": "say \\"token\\": no"}'),
        ('{"İ": 1, "TOKEN": "a"}', '{"İ": 1, "TOKEN": "[secret]"}'),
        ('{"token": "", "pin": }', '{"token": "", "pin": }'),
        ('{"token": "cut of', '{"token": "[secret]'),
        ('{"token": ["cut of', '{"token": "[secret]"'),
        ('{"token":', '{"token":'),
        ('"token": "a"', '"token": "[secret]"'),
        ('{"tok', '{"tok'),
    ],
)
def test_values_are_found_by_their_names_alone(text: str, masked: str) -> None:
    assert CALL.text(text) == masked


names = st.sampled_from(["token", "a", "pin", "to ken", 'q"token', "\\token", "token\\"])
values = st.recursive(
    st.one_of(st.text(max_size=9), st.integers(), st.none(), names),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(names, inside, max_size=4),
    max_leaves=9,
)


@given(values)
def test_masked_arguments_are_the_arguments_with_masks(value: object) -> None:
    def expected(one: object) -> object:
        match one:
            case dict():
                return {
                    name: MASK if _hides(name, part) else expected(part)
                    for name, part in one.items()
                }
            case list():
                return [expected(part) for part in one]
            case _:
                return one

    assert json.loads(CALL.text(json.dumps(value))) == expected(value)


def _hides(name: str, value: object) -> bool:
    is_text = isinstance(value, str | list | dict)
    return value != "" and (is_hidden_argument(name) and (is_text or name == "pin"))


def _repeated(shape: str) -> dict[str, object]:
    return {"text": shape * (LARGEST // len(shape))}


SHAPES: dict[str, Callable[[], dict[str, object]]] = {
    "names of secrets in one text": lambda: _repeated("token: "),
    "no secret in one text": lambda: _repeated("word, "),
    "escapes": lambda: _repeated('\\"'),
    "lines": lambda: _repeated("\n"),
    "many": lambda: {f"field_{one}": f"value {one}" for one in range(33_000)},
    "names alike": lambda: {f"monkey_{one}": "x" for one in range(38_000)},
    "rows": lambda: {
        "rows": [{"name": f"n{one}", "to": f"bob{one}@x.example"} for one in range(16_000)]
    },
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_mib_of_arguments_costs_as_little_as_reading_it(shape: str) -> None:
    """It is measured beside other work in the same run."""
    usual = json.dumps(SHAPES["many"]())
    least = seconds(lambda: json.dumps(json.loads(usual)), below=0)
    redactor = Redactor(["sk-1234567890abcdef", "whsec_abcdefgh1234567"])
    arguments = SHAPES[shape]()
    body, text = json.dumps(arguments).encode(), json.dumps(arguments, indent=2)

    def work() -> None:
        redactor.body(body)
        redactor.text(text)
        any(find_secret_values(text))
        CALL.counted(text)

    assert seconds(work, below=MUCH * least) < MUCH * least
