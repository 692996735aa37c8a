"""The form, the message and the lines of a referral, whatever its words are."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewgate.domain.referrals import REFERRAL_LIMIT, Referral
from crewgate.domain.review import State
from crewgate.slack.referrals import render_form
from crewgate.slack.reviews.card import render_card
from crewgate.slack.reviews.notices import render_referral, render_referral_removed
from crewgate.slack.words import states
from crewgate.slack.words.people import referrals
from crewgate.usecases.read_models import CardView, RoundLine
from tests.builders import ANA, BEN, CAI, EVE, NOW, a_review, an_output
from tests.slack.rendering import (
    a_named_round,
    a_scene,
    check_message,
    check_view,
    names,
    read,
    texts,
)

WORDS = texts | st.sampled_from(
    (
        "`" * REFERRAL_LIMIT,
        "\u202e!lennahc!< <!channel> <@U666>",
        "You know them.\n\n> <!here>\n```",
        "\U0001f469\u200d\U0001f4bb" * (REFERRAL_LIMIT // 3),
        "<https://evil.example|bank> &lt;!channel&gt;",
    )
)
PEOPLE = frozenset({f"@{one.id}" for one in (ANA, BEN, CAI, EVE)})


def a_wish(number: int = 1, **changes: object) -> Referral:
    made = Referral(number=number, by=ANA, to=BEN, at=NOW, text="You know this customer.")
    return replace(made, **changes)  # type: ignore[arg-type]


def asked(*wishes: Referral, **changes: object) -> CardView:
    round_ = replace(a_named_round(**changes), referrals=wishes)
    return CardView(round=round_, output=an_output(), referral=wishes[-1] if wishes else None)


@settings(max_examples=60)
@given(WORDS, names)
def test_words_call_nobody_and_break_nothing(words: str, task: str) -> None:
    """The message mentions the person who is asked alone: not whoever asks, nor anybody else."""
    words = words.strip()[:REFERRAL_LIMIT]
    view = asked(a_wish(text=words))
    view = replace(view, round=replace(view.round, review=a_review(task_name=task)))
    check_message(render_referral(a_scene(view)), may_mention=frozenset({f"@{BEN.id}"}))
    check_message(render_card(view, now=NOW), may_mention=PEOPLE)
    check_message(render_card(view, now=NOW, reader=BEN.id), may_mention=PEOPLE)
    check_view(render_form(view, "people"), may_mention=frozenset())
    [line] = referrals(view.round, BEN.id)
    assert "\n" not in line


def test_the_message_says_who_asks_whom_about_which_round() -> None:
    message = render_referral(a_scene(asked(a_wish())))
    assert f"<@{BEN.id}>: Ana asks you to look at " in read(message)
    assert "You know this customer." in read(message)
    assert "Nobody's rights change." in read(message)
    assert "You know this customer." not in message.text
    check_message(render_referral_removed(NOW), may_mention=frozenset())
    assert "The text was removed" in read(render_referral_removed(NOW))


def test_a_card_in_the_channel_has_the_names_and_not_the_words() -> None:
    shown = read(render_card(asked(a_wish()), now=NOW))
    assert f"asked by <@{ANA.id}>: <@{BEN.id}>" in shown
    assert "You know this customer." not in shown


@pytest.mark.parametrize("state", [one for one in State if one is not State.WAITING])
def test_a_round_that_waits_no_longer_names_nobody_as_asked(state: State) -> None:
    assert referrals(asked(a_wish(), state=state).round, BEN.id) == ()


def test_home_has_the_words_for_the_person_who_is_asked() -> None:
    wishes = (a_wish(), a_wish(2, by=CAI, text="Please."), a_wish(3, to=EVE))
    line = RoundLine(round=asked(*wishes).round, card=None, excerpt="A", characters=1)
    own, others, *_ = states.claim_and_notes(line, now=NOW, user=BEN.id)
    assert own == f"*<@{CAI.id}> asks you to look*: “Please.” · and 1 more"
    assert others == f"asked by <@{ANA.id}>: <@{EVE.id}>"
    assert "asks you" not in "".join(states.claim_and_notes(line, now=NOW, user=ANA.id))


def test_a_line_names_the_latest_three() -> None:
    wishes = [a_wish(number, text="", to=replace(BEN, id=f"U{number}")) for number in range(1, 6)]
    [line] = referrals(asked(*wishes).round)
    assert [f"<@U{number}>" in line for number in range(1, 6)] == [False, False, True, True, True]
    assert line.endswith("and 2 more")
