"""The small values: retries, webhook URLs, outputs, decisions, effects, errors."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.effects import IN_ORDER, EffectKind, goes_to_slack
from crewgate.domain.errors import Malformed
from crewgate.domain.notification import Format, HumanInputWebhook, Output, WebhookUrls
from crewgate.domain.retry import Retry
from crewgate.domain.verdict import APPROVED, Approve, Revise, Verdict
from tests.builders import SECOND, a_crew, a_decision, a_review, an_effect, webhook_urls

# --- retries ---


@pytest.mark.parametrize(
    ("tries", "seconds"), [(1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (11, 300), (10**6, 300)]
)
def test_each_retry_waits_twice_as_long_up_to_the_longest(tries: int, seconds: int) -> None:
    assert Retry().after(tries, jitter=0) == timedelta(seconds=seconds)


@given(tries=st.integers(1, 1_000), jitter=st.floats(0, 1))
def test_jitter_takes_up_to_half_away(tries: int, jitter: float) -> None:
    full = Retry().after(tries, jitter=0)
    assert full / 2 <= Retry().after(tries, jitter=jitter) <= full


@pytest.mark.parametrize(
    ("asked", "waits"),
    [
        (timedelta(seconds=30), timedelta(seconds=30)),
        (timedelta(0), SECOND),
        (timedelta(minutes=5), timedelta(minutes=5)),
        (timedelta(days=1), timedelta(minutes=5)),
    ],
)
def test_what_the_other_side_asks_for_is_kept_up_to_the_limit(
    asked: timedelta, waits: timedelta
) -> None:
    assert Retry().after(1, jitter=0, at_least=asked) == waits


# --- webhook URLs ---

NONE = WebhookUrls()
SOURCES = ("registered", "carried", "configured", "own")


@pytest.mark.parametrize("first", range(len(SOURCES)))
def test_a_resume_carries_the_first_url_that_exists(first: int) -> None:
    urls = [webhook_urls(name) if i >= first else NONE for i, name in enumerate(SOURCES)]
    registered, carried, configured, own = urls
    crew = a_crew(configured=configured, own=own)
    assert crew.webhooks_for_resume(registered, carried) == webhook_urls(SOURCES[first])


def test_the_rule_holds_for_each_url_by_itself() -> None:
    crew = a_crew(configured=WebhookUrls(crew="https://3"), own=webhook_urls("own"))
    urls = crew.webhooks_for_resume(WebhookUrls(task="https://1"), WebhookUrls(step="https://2"))
    assert (urls.task, urls.step, urls.crew) == ("https://1", "https://2", "https://3")
    assert urls.human_input == webhook_urls("own").human_input


def test_a_url_that_nobody_gives_is_left_out() -> None:
    assert not a_crew().webhooks_for_resume(NONE, NONE)


def test_a_crew_can_be_spared_the_human_input_webhook() -> None:
    crew = a_crew(resend_human_input=False)
    urls = crew.webhooks_for_resume(webhook_urls("registered"), NONE)
    assert urls.human_input is None
    assert urls.task == "https://registered.example.com/task"


def test_credentials_are_never_printed() -> None:
    hook = HumanInputWebhook("https://x", token="t0ken", username="bot", password="passw0rd")
    assert "t0ken" not in repr(hook)
    assert "passw0rd" not in repr(hook)


# --- outputs ---


@given(st.text(), st.text())
def test_other_outputs_have_other_digests(one: str, other: str) -> None:
    assert (Output(one).digest == Output(other).digest) == (one == other)


def test_the_format_is_part_of_an_output() -> None:
    assert Output("{}", Format.JSON).digest != Output("{}", Format.MARKDOWN).digest


# --- decisions ---


@pytest.mark.parametrize(
    ("verdict", "is_approve", "feedback"),
    [
        (Approve(), True, APPROVED),
        (Approve(""), True, APPROVED),
        (Approve("Mind the date."), True, "Mind the date."),
        (Revise("  Shorter.\n"), False, "  Shorter.\n"),
    ],
)
def test_the_crew_is_told_exactly_what_the_reviewer_chose(
    verdict: Verdict, is_approve: bool, feedback: str
) -> None:
    decision = a_decision(verdict)
    assert (decision.is_approve, decision.human_feedback) == (is_approve, feedback)


def test_a_task_is_called_by_its_name_where_it_has_one() -> None:
    assert a_review(task_name="Draft the report").title == "Draft the report"
    assert a_review(task_name=None).title == "draft"


# --- effects ---


@pytest.mark.parametrize(
    ("kind", "destination", "priority", "to_slack"),
    [
        (EffectKind.POST, "posts:research", 0, True),
        (EffectKind.NOTIFY_STUCK, "posts:research", 1, True),
        (EffectKind.PROGRESS, "posts:research", 0, True),
        (EffectKind.REFRESH, "updates", 0, True),
        (EffectKind.REFRESH_PROGRESS, "updates", 1, True),
        (EffectKind.ATTACH, "slack", 0, True),
        (EffectKind.DIRECT_MESSAGE, "slack", 0, True),
        (EffectKind.REMIND, "timer", 0, False),
        (EffectKind.RESUME, "crew:research", 0, False),
        (EffectKind.POLL_STATUS, "status:research", 0, False),
        (EffectKind.FORWARD, "forward:research", 0, False),
    ],
)
def test_an_effect_goes_to_the_place_it_concerns(
    kind: EffectKind, destination: str, priority: int, *, to_slack: bool
) -> None:
    effect = an_effect(kind)
    assert (effect.destination, effect.priority) == (destination, priority)
    assert goes_to_slack(destination) == to_slack


WHOLE = {"channel": "C1", "user": "U1", "number": 2}


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (EffectKind.POST, "card r-1"),
        (EffectKind.REPOST, "card r-1"),
        (EffectKind.ATTACH_FAILED, "attach failed r-1"),
        (EffectKind.REFRESH_FAILED, "refresh failed r-1 NOW"),
        (EffectKind.NOTIFY_STUCK, "stuck r-1 NOW"),
        (EffectKind.CALL_ASSIGNED, "escalated request r-1 NOW"),
        (EffectKind.DIRECT_MESSAGE, "direct r-1 U1"),
        (EffectKind.TELL_OPERATOR, "refuses research r-1 C1 U1 NOW"),
        (EffectKind.REPORT, "dead letter r-1"),
        (EffectKind.PROGRESS, "progress research e-1"),
        (EffectKind.POST_RESULT, "end research e-1 NOW"),
        (EffectKind.RESULT_FILE_FAILED, "result file failed research e-1 NOW"),
        (EffectKind.FORWARD_FAILED, "forward failed research e-1 r-1 NOW"),
        (EffectKind.POST_REMINDER, "reminder r-1 NOW"),
        (EffectKind.REMIND_PRIVATELY, "reminder r-1 2 U1"),
        (EffectKind.POST_ESCALATED, "escalated r-1"),
        (EffectKind.POST_TIMED_OUT, "timed out r-1"),
        (EffectKind.CALL_ALARM, "call alarm r-1 NOW"),
    ],
)
def test_a_message_is_found_again_by_the_key_it_always_had(kind: EffectKind, key: str) -> None:
    """Slack keeps the keys: a new version of the bot finds messages of an earlier one."""
    assert an_effect(kind, **WHOLE).message_key("NOW") == key


@pytest.mark.parametrize(
    ("kind", "stored"),
    [
        (EffectKind.DIRECT_MESSAGE, "r-1 U1"),
        (EffectKind.REFRESH_DIRECT_MESSAGE, "r-1 U1"),
        (EffectKind.REMIND_PRIVATELY, "r-1 U1 2"),
        (EffectKind.TELL_OPERATOR, "r-1 C1 U1"),
        (EffectKind.ACKNOWLEDGE_NOTE, "C1 r-1"),
        (EffectKind.POST, "r-1"),
    ],
)
def test_the_outbox_keeps_all_that_an_effect_is_about(kind: EffectKind, stored: str) -> None:
    effect = an_effect(kind, **WHOLE)
    assert effect.names == stored
    assert an_effect(kind, target="").named(stored).names == stored


@given(st.sampled_from(EffectKind), st.text(), st.text(), st.text())
def test_an_effect_is_read_back_whatever_its_names_are(
    kind: EffectKind, target: str, channel: str, user: str
) -> None:
    effect = an_effect(kind, target=target, **_of(kind, channel=channel, user=user))
    bare = replace(effect, target="", user=None, number=None)
    assert bare.named(effect.names) == effect


def _of(kind: EffectKind, **names: str) -> dict[str, str]:
    return {name: text for name, text in names.items() if name in kind.row.names}


@pytest.mark.parametrize("kind", EffectKind)
def test_the_key_of_each_kind_can_be_made(kind: EffectKind) -> None:
    assert "{" not in an_effect(kind, **WHOLE).message_key("2")


def test_a_target_may_contain_spaces() -> None:
    assert an_effect(EffectKind.POLL_STATUS, target="").named("e 1 2").target == "e 1 2"
    look = an_effect(EffectKind.LOOK_FOR_RESULT_FILE, target="50% of 7", number=1)
    assert look.names == "50%25%20of%207 1"
    assert look.named(look.names) == look


def test_in_slack_an_execution_is_an_ordering_key() -> None:
    ordering_key = an_effect(EffectKind.POST).ordering_key
    assert ordering_key == an_effect(EffectKind.NOTIFY_STUCK, target="r-2").ordering_key
    assert ordering_key != an_effect(execution_id="e-2").ordering_key
    assert ordering_key != an_effect(crew="other").ordering_key


@pytest.mark.parametrize("kind", sorted(set(EffectKind) - IN_ORDER))
def test_only_posts_order_posts(kind: EffectKind) -> None:
    ordering_key = an_effect(kind).ordering_key
    assert ordering_key not in {an_effect(other).ordering_key for other in set(EffectKind) - {kind}}
    of_another = {an_effect(kind, target="r-2", execution_id="e-2").ordering_key}
    assert ordering_key not in of_another


def test_a_resume_has_a_lane_to_itself() -> None:
    ordering_key = an_effect(EffectKind.RESUME).ordering_key
    assert ordering_key != an_effect(EffectKind.RESUME, target="r-2").ordering_key
    assert ordering_key != an_effect(EffectKind.POST).ordering_key


def test_a_crew_whose_webhooks_are_forwarded_is_given_our_own_urls_at_kickoff() -> None:
    own = webhook_urls("own")
    crew = a_crew(own=own, forward=True)

    assert crew.webhooks_for_kickoff(webhook_urls("given")) == own


def test_a_resume_of_such_a_crew_sends_its_events_to_us_and_its_pauses_where_they_went() -> None:
    own, given_ = webhook_urls("own"), webhook_urls("given")
    crew = a_crew(own=own, forward=True)

    carried = crew.webhooks_for_resume(given_, NONE)

    assert carried == replace(own, human_input=given_.human_input)


def test_a_crew_that_does_not_forward_has_nowhere_to_forward_to() -> None:
    assert a_crew().forwards_to(webhook_urls("given")) == NONE


def test_everything_that_is_wrong_with_a_webhook_is_told() -> None:
    assert Malformed("bad", ["a", "b"]).details == ("a", "b")
