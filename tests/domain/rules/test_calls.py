"""Rules about calls of tools: the rule that counts, and rules that decide without a person."""

import json
from dataclasses import replace
from typing import Any

import pytest

from crewgate.domain.acts import ToolCall
from crewgate.domain.notification import TEXT_LIMIT, Format, Output
from crewgate.domain.rules.choose import NOT_IN_TIME, choose, for_call, with_letters
from crewgate.domain.rules.conditions import Conditions, Facts, Key
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import NO_RULE, Decide, Rule, TimeOut, TimeoutAction

CALL = ToolCall("purchase")
ARGUMENTS = {"amount": 120, "to": "ann@x.example", "items": [1], "api_key": "sesame"}


def facts(arguments: object = ARGUMENTS, call: ToolCall | None = CALL, **changes: Any) -> Facts:
    output = Output(json.dumps(arguments), Format.JSON)
    about: dict[str, Any] = {"task_id": "purchase-1", "task_name": "buy", "agent": "Clerk"}
    return Facts(**about, output=output, inputs=(), meta=(), call=call, **changes)


def of(**arguments: str) -> Conditions:
    return Conditions(tool="purchase", arguments=tuple(arguments.items()))


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        (of(), True),
        (of(amount=">= 100"), True),
        (of(amount="< 100"), False),
        (of(to="*@x.example"), True),
        (of(to="bob*"), False),
        (of(to=">= 100"), None),
        (of(to="!= 100"), None),
        (of(amount=">= 100", to="bob*"), False),
        (of(cc="*"), None),
        (of(items="*"), None),
        (of(api_key="a*"), None),
        (Conditions(tool="purchase", json=(("api_key", "a*"),)), None),
        (Conditions(tool="purchase", contains=("sesame",)), True),
        (Conditions(tool="send_*"), False),
        (Conditions(arguments=(("amount", "120"),)), True),
    ],
)
def test_a_rule_is_for_a_call_by_its_tool_and_arguments(
    when: Conditions, holds: bool | None
) -> None:
    assert when.hold(facts()) is holds


OF_SERVER = replace(
    CALL, tool="shop_y_very_long_795ae92b", other_names=("purchase", "shop_purchase")
)


@pytest.mark.parametrize(
    ("pattern", "others", "holds", "allows"),
    [
        ("purchase", ("purchase",), True, False),
        ("purch*", ("buy", "purchase"), True, False),
        ("shop_y_*", ("purchase",), True, True),
        ("send_*", ("purchase",), False, False),
        ("send_*", ("purchase", ""), None, False),
        ("send_*", ("s" * TEXT_LIMIT,), None, False),
        ("purchase", ("purchase", ""), True, False),
    ],
)
def test_a_rule_finds_a_tool_by_each_of_its_names_but_to_allow_it(
    pattern: str, others: tuple[str, ...], holds: bool | None, allows: bool
) -> None:
    """Two MCP servers may have a tool of one name."""
    call = facts(call=replace(OF_SERVER, other_names=others))
    assert Conditions(tool=pattern).hold(call) is holds
    assert Conditions(tool=pattern).hold(call, exactly=True) is allows
    [*missed] = Conditions(tool=pattern).mismatches(call)
    assert bool(missed) is (holds is not True)


@pytest.mark.parametrize(
    ("pattern", "then"),
    [
        ("purchase", TimeoutAction.REVISE),
        ("shop-y-*", TimeoutAction.REVISE),
        ("shop_y_*", TimeoutAction.APPROVE),
    ],
)
def test_time_approves_a_call_only_by_crewai_s_name(pattern: str, then: TimeoutAction) -> None:
    out = TimeOut(after=Duration.parse("1h"), then=TimeoutAction.APPROVE)
    rule = for_call(Rule(name="r", when=Conditions(tool=pattern), timeout=out), OF_SERVER)
    assert rule.timeout is not None
    assert rule.timeout.then is then


FLAGS = [True, "true", False, "yes", 1, "1", None]
SEVENS = [7, 7.0, "7", "07", "7.0", 8, "8", "seven", True, None]
TEXTS = ["bob", "ann", 7, True, None]


@pytest.mark.parametrize(
    ("wanted", "values", "holds"),
    [
        ("true", FLAGS, [True, True, False, None, None, None, None]),
        ("7", SEVENS, [True, True, True, None, None, False, False, None, None, None]),
        ("bob", TEXTS, [True, False, None, None, None]),
        ("null", TEXTS, [None, None, None, None, True]),
        ("*", TEXTS, [True] * len(TEXTS)),
        ("> 6", SEVENS, [*[True] * 7, None, None, None]),
    ],
)
def test_a_value_of_another_type_than_the_rule_s_cannot_be_told(
    wanted: str, values: list[object], holds: list[bool | None]
) -> None:
    when = of(value=wanted)
    assert [when.hold(facts({"value": one})) for one in values] == holds
    exactly = [
        None if isinstance(one, str) and wanted not in ("bob", "*") else held
        for one, held in zip(values, holds, strict=True)
    ]
    assert [when.hold(facts({"value": one}), exactly=True) for one in values] == exactly


@pytest.mark.parametrize(
    "value",
    [
        "1e3",
        "1e+3",
        "0x3e8",
        "１０００",
        "1000.0",
        "1,000",
        "1_000",
        " 1000",
        "+1000",
        "1000\u200b",
    ],
)
def test_no_other_spelling_of_a_number_is_another_number(value: str) -> None:
    for wanted in ("1000", "= 1000", ">= 1000"):
        assert of(amount=wanted).hold(facts({"amount": value})) is not False
        assert of(amount=wanted).hold(facts({"amount": value}), exactly=True) is None
    assert of(amount="< 1000").hold(facts({"amount": value}), exactly=True) is None


@pytest.mark.parametrize("value", [-100, 1.00, 10, 1000])
def test_a_number_is_not_folded_to_its_digits(value: float) -> None:
    assert of(amount="100").hold(facts({"amount": value})) is False
    assert of(amount="10?").hold(facts({"amount": value})) is None


@pytest.mark.parametrize(
    ("wanted", "value"), [("INV-????", "INV-1, 2"), ("[!x]*", ", x"), ("true", "true")]
)
def test_a_rule_allows_one_value_of_its_own_type_alone(wanted: str, value: str) -> None:
    rule = Rule(name="small", when=of(of=wanted), decide=Decide.ALLOW)

    assert choose((rule,), facts({"of": value})).decide is None


def test_a_rule_that_allows_takes_no_object_for_a_value() -> None:
    whole = Conditions(tool="purchase", json=(("items", "*"),))
    assert whole.hold(facts()) is True
    assert whole.hold(facts(), exactly=True) is None


MIXED = [
    "b\u043eb",
    "b\u0585b",
    "b\u2c9fb",
    "b\u10ffb",
    "\U0001d41bob",
    "b\u2065\u043eb",
    "b\u3164\u043eb",
]


@pytest.mark.parametrize("text", MIXED)
def test_a_word_whose_letters_look_like_others_may_be_any_word(text: str) -> None:
    call = facts({"to": text, "cc": {"bcc": "eve"}})
    assert of(to="bob").hold(call) is not False
    assert of(to="ann").hold(call) is None
    assert of(to="*").hold(call) is True
    assert Conditions(contains=("ann",)).hold(call) is None
    assert Conditions(contains=("eve",)).hold(call) is True
    for when in (of(to="*"), of(to=text), Conditions(contains=("eve",))):
        assert when.hold(call, exactly=True) is None
    assert of(to="ann").hold(call, exactly=True) is False
    assert Conditions(contains=("ann",)).hold(call, exactly=True) is None
    named = replace(facts(call=replace(CALL, tool=text)), agent=text)
    for name in (Conditions(tool="ann"), Conditions(agent="ann")):
        assert name.hold(named) is None


def test_a_rule_names_what_fits_by_letters_and_digits_alone() -> None:
    rule = Rule(
        name="no wires",
        when=Conditions(
            tool="pur-chase",
            task="b?y",
            contains=("ann", "wire transfer", "cash"),
            arguments=(("text", "Wire*"), ("amount", "120"), ("urgent", "true")),
        ),
    )
    found = facts({"text": "WIRE\u200btransfer", "amount": 120, "urgent": True})
    assert choose((rule,), found) is rule
    assert with_letters(rule, found).by_letters == ("pur-chase", "wire transfer")
    as_written = Rule(name="wires", when=Conditions(tool="PURCHASE", contains=("wire\u200bTr",)))
    assert with_letters(as_written, found) is as_written
    allows = Rule(name="rest", when=Conditions(tool="pur-chase"), decide=Decide.ALLOW)
    assert with_letters(allows, found) is allows


def test_nothing_of_a_call_with_erased_passages_is_taken_as_read() -> None:
    erased = facts(call=replace(CALL, erased=1))
    for when in (
        of(amount=">= 100"),
        Conditions(contains=("wire",)),
        Conditions(json=(("amount", "120"),)),
    ):
        assert when.hold(erased) is None
    assert of().hold(erased)
    marked = facts({"key": "[redacted]"})
    assert of(key="[[]redacted]").hold(marked)


def test_an_argument_is_there_also_if_no_condition_can_read_it() -> None:
    there = ["amount", "items", "items.0", "api_key", "amuont", "items.1"]
    assert [facts().has(path) for path in there] == [True] * 4 + [False] * 2


def test_comparisons_of_one_argument_hold_together() -> None:
    between = Conditions(tool="purchase", arguments=(("amount", "> 0"), ("amount", "< 100")))
    held = [between.hold(facts({"amount": one})) for one in (-1e9, 0, 5, 100)]
    assert held == [False, False, True, False]


@pytest.mark.parametrize(
    "text",
    [
        "wire\ntransfer",
        "WIRE  transfer",
        "wire\u00a0transfer",
        "wire\u2065 tran\ufff0sfer",
        "wire.transfer",
    ],
)
def test_words_of_a_call_are_found_as_people_read_them(text: str) -> None:
    refuse = Rule(
        name="no wires", when=Conditions(contains=("wire transfer",)), decide=Decide.REFUSE
    )
    allow = Rule(name="rest", when=of(), decide=Decide.ALLOW)
    assert choose((refuse, allow), facts({"n": None, "to": ["bob", {"text": text}]})) is refuse
    assert choose((refuse, allow), facts({"wire": "transfer"})) is allow
    assert choose((refuse, allow), facts({"to": ["wire", "transfer"]})) is allow
    in_json = Conditions(contains=('"wire": "trans', "4711"))
    assert in_json.hold(facts({"wire": "transfer"}))
    assert in_json.hold(facts({"number": 4711}))
    assert refuse.when.hold(facts("wire\u2065transfer"))


def test_a_rule_that_allows_reads_words_exactly() -> None:
    allow = Rule(name="hello", when=Conditions(tool="purchase", contains=("Hello\nBob",)))
    assert allow.when.hold(facts({"text": "Hello\nBob"}), exactly=True)
    assert allow.when.hold(facts({"text": "hello\nbob"}), exactly=True) is False
    assert allow.when.hold(facts({"text": "hello bob"}), exactly=True) is False
    assert allow.when.hold(facts({"text": "hello bob"}))


def test_a_rule_that_allows_takes_no_list_for_one_value() -> None:
    allow = Rule(name="ours", when=of(to="*@x.example"), decide=Decide.ALLOW)
    assert choose((allow,), facts({"to": "ann@x.example"})) is allow
    assert choose((allow,), facts({"to": "eve@y.example, ann@x.example"})) == NO_RULE
    ours = Rule(name="ours", when=of(to="*@x.example"), approvals=2)
    assert choose((ours,), facts({"to": "eve@y.example, ann@x.example"})) is ours


@pytest.mark.parametrize("call", [ToolCall(""), ToolCall("p" * TEXT_LIMIT)])
def test_a_tool_whose_name_is_not_known_may_be_any(call: ToolCall) -> None:
    assert of().hold(facts(call=call)) is None


@pytest.mark.parametrize("when", [of(), Conditions(arguments=(("amount", "120"),))])
def test_an_output_is_no_call(when: Conditions) -> None:
    assert when.hold(facts(call=None)) is False
    assert {one.key for one in when.mismatches(facts(call=None))} <= {Key.TOOL, Key.ARGUMENTS}


PEOPLE = Rule(name="people", when=of())
ALLOW = Rule(name="small", when=of(amount="< 100"), decide=Decide.ALLOW)
REFUSE = Rule(name="large", when=of(amount=">= 1000"), decide=Decide.REFUSE, reason="By hand.")
RULES = (REFUSE, ALLOW, PEOPLE)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"amount": 5}, "small"),
        ({"amount": 5000}, "large"),
        ({"amount": 500}, "people"),
        ({"amount": "five"}, "large"),
        ({}, "large"),
        ("five", "large"),
    ],
)
def test_what_cannot_be_read_falls_to_the_strictest_rule(arguments: object, name: str) -> None:
    chosen = choose(RULES, facts(arguments))
    assert chosen.name == name


def test_people_are_stricter_than_a_rule_that_allows() -> None:
    assert choose((ALLOW, PEOPLE), facts({})) is PEOPLE
    assert choose((ALLOW,), facts({})) == NO_RULE


def test_what_may_have_run_is_never_allowed_without_a_person() -> None:
    perhaps = ToolCall("purchase", may_have_run=True)
    assert choose(RULES, facts({"amount": 5}, call=perhaps)) is PEOPLE
    assert choose(RULES, facts({"amount": 5000}, call=perhaps)) is REFUSE


def test_a_rule_that_decides_is_for_calls_alone() -> None:
    refuse = Rule(name="never", decide=Decide.REFUSE, reason="No.")
    assert choose((refuse,), facts(call=None)) == NO_RULE
    assert choose((refuse,), facts()) is refuse


@pytest.mark.parametrize(
    ("when", "call", "approves"),
    [
        (of(), CALL, True),
        (Conditions(), None, True),
        (Conditions(), CALL, False),
        (Conditions(tool="*"), CALL, False),
        (of(), ToolCall("purchase", may_have_run=True), False),
    ],
)
def test_time_approves_a_call_only_where_the_rule_names_its_tool(
    when: Conditions, call: ToolCall | None, approves: bool
) -> None:
    rule = Rule(
        name="slow", when=when, timeout=TimeOut(Duration.parse("1d"), TimeoutAction.APPROVE)
    )
    found = for_call(rule, call).timeout
    assert found is not None
    refused = TimeOut(Duration.parse("1d"), TimeoutAction.REVISE, NOT_IN_TIME)
    assert found == (rule.timeout if approves else refused)
