"""The texts that people review equal those that came, but for the operator's secrets."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.acts import ToolCall
from crewgate.domain.notification import (
    Ask,
    FlowRequest,
    HiddenValue,
    Notification,
    Output,
    Rewritten,
    WebhookUrls,
    request_without_secrets,
    without_secrets,
)
from crewgate.domain.redaction import MARK, Redactor
from crewgate.domain.rules.choose import choose
from crewgate.domain.rules.conditions import Conditions, Facts
from crewgate.domain.rules.rule import Rule
from tests.builders import a_flow_request, a_notification

SECRETS = ("sk-operators-key", "s3cr3t!!")
REDACTOR = Redactor(SECRETS)
#: Parts of addresses and marks, which callers choose, beside secrets and other words.
words = st.sampled_from(
    ["wire-90000", "create_refund_v2", MARK, "sk-operators-ke", "s3cr3t", *SECRETS]
)
texts = st.lists(words | st.text(alphabet="ab \n", max_size=3), max_size=5).map(" ".join)
names = st.none() | texts
calls = st.none() | st.builds(
    ToolCall, texts, other_names=st.lists(texts, max_size=3, unique=True).map(tuple)
)


def count(text: str) -> int:
    return sum(text.count(one) for one in SECRETS)


def shown(text: str) -> str:
    for one in SECRETS:
        text = text.replace(one, MARK)
    return text


def readable(name: str | None) -> str | None:
    return "" if name is not None and count(name) else name


def clean(came: Notification) -> Notification:
    return without_secrets(came, came, REDACTOR)


@given(texts, names, names, calls, st.none() | st.lists(texts, max_size=3), texts, words)
def test_nothing_is_changed_but_for_the_operators_secrets(
    text: str,
    task: str | None,
    agent: str | None,
    call: ToolCall | None,
    choices: list[str] | None,
    given_: str,
    path: str,
) -> None:
    ask = None if choices is None else Ask(place="mail: send", choices=tuple(choices))
    urls = WebhookUrls(task=f"https://caller.example/{path}", crew=f"https://c.example/?q={path}")
    came = a_notification(
        text,
        task_name=task,
        agent=agent,
        call=call,
        ask=ask,
        inputs=(("topic", given_),),
        webhooks=urls,
    )
    found = clean(came)

    assert found.output.text == shown(text)
    assert (found.task_name, found.agent) == (readable(task), readable(agent))
    unreadable = [one for one in (task, agent) if one is not None and count(one)]
    if call is not None:
        assert found.call is not None
        all_names = call.names(exactly=False)
        assert found.call.names(exactly=False) == tuple(map(readable, all_names))
        unreadable += [one for one in all_names if count(one)]
    if ask is not None:
        offered = tuple(one for one in ask.choices if not count(one))
        assert found.ask == replace(ask, choices=offered)
        unreadable += [one for one in ask.choices if count(one)]
    hidden = (("topic", HiddenValue()),) if count(given_) else ()
    assert found.inputs == (("topic", shown(given_)), *hidden)
    assert found.output.erased == count(text) + len(unreadable)
    assert found.webhooks == urls
    if not count(str((text, task, agent, call, choices, given_))):
        assert found == came


@given(texts, texts, st.lists(texts, max_size=3), names, st.integers(0, 2))
def test_nothing_of_a_flows_request_is_changed_but_for_known_secrets(
    text: str, message: str, outcomes: list[str], flow: str | None, erased: int
) -> None:
    came = a_flow_request(text, message=message, outcomes=tuple(outcomes), left_off=1)
    output = Output(text, rewritten=Rewritten(text, (text,)), erased=erased)
    came = replace(came, flow_name=flow, output=output)
    found: FlowRequest = request_without_secrets(came, came, REDACTOR)

    offered = tuple(one for one in outcomes if not count(one))
    assert found.question.message == shown(message)
    assert found.question.outcomes == offered
    assert found.question.left_off == 1 + len(outcomes) - len(offered)
    assert (found.output.text, found.output.rewritten) == (
        shown(text),
        Rewritten(shown(text), (shown(text),)),
    )
    assert found.flow_name == readable(flow)
    is_unreadable = readable(flow) != flow
    assert found.output.erased == erased + count(text) + count(message) + is_unreadable
    assert found.callback == came.callback


def test_a_call_stays_a_call_if_the_body_without_secrets_has_none() -> None:
    """A secret may be equal to a name in the body, such as `tool_call`."""
    came = a_notification("{}", call=ToolCall("pay", may_have_run=True, erased=2))
    found = without_secrets(came, replace(came, call=None), REDACTOR)
    assert found.call == ToolCall("", may_have_run=True, erased=2)
    assert found.output.erased == 1


def facts(**changes: Any) -> Facts:
    about: dict[str, Any] = {"task_id": "t-1", "task_name": None, "agent": None, "call": None}
    return Facts(**{**about, "output": Output("A draft."), "inputs": (), "meta": (), **changes})


def test_a_rule_by_a_name_that_is_unreadable_may_apply() -> None:
    for conditions, name in (
        (Conditions(task="Contract*"), "task_name"),
        (Conditions(agent="Lawyer*"), "agent"),
    ):
        two = Rule(name="two eyes", when=conditions, approvals=2)
        assert choose((two,), facts(**{name: ""})) == two
        assert choose((two,), facts(**{name: "Another"})).approvals == 1
        assert choose((two,), facts()).approvals == 1
