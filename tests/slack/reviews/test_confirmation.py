"""The confirmation of an approval: within Slack's limits, and in plain words."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewgate.domain.caveats import WHOLE, Caveats, Claim, HastyReading, Note, Seen, Share, Unseen
from crewgate.domain.masking import Kind
from crewgate.domain.notification import Output
from crewgate.domain.verdict import Person
from crewgate.slack import ids
from crewgate.slack.payloads import parse_submission
from crewgate.slack.press import Where
from crewgate.slack.reviews.forms import (
    render_approve_form,
    render_confirmation,
)
from crewgate.slack.reviews.standing import Briefing, not_all_shown, unsent
from crewgate.usecases.read_models import CardView
from tests.builders import ANA, BEN, NOW, a_note
from tests.slack.rendering import a_named_round, check_view, mid_texts, names, shown

VIEW = CardView(round=a_named_round(), output=Output("A draft."))
MAY_MENTION = frozenset({f"@{ANA.id}", f"@{BEN.id}"})
NOTES = st.lists(mid_texts.map(lambda text: a_note(text[:40_000] or "x")), max_size=30)
CLAIMS = st.one_of(
    st.none(), names.map(lambda name: Claim(Person("", name), NOW)), st.just(Claim(BEN, NOW))
)


def caveats_of(notes: list[Note], claim: Claim | None, share: int | None) -> Caveats:
    return Caveats(
        notes=len(notes),
        notes_mark="m" * len(notes),
        claim=claim,
        shown=share,
        share=Share(share, 100) if share else None,
        unseen=frozenset() if share == WHOLE else frozenset(Unseen),
        turned=HastyReading(17, 3),
    )


@settings(max_examples=60)
@given(NOTES, CLAIMS, st.sampled_from([None, 0, 99, WHOLE]), st.booleans(), mid_texts)
def test_it_is_within_the_limits_and_comes_back_as_it_was(
    notes: list[Note], claim: Claim | None, share: int | None, again: bool, comment: str
) -> None:
    caveats = caveats_of(notes, claim, share)
    for made in (
        render_confirmation(Briefing(view=VIEW, caveats=caveats, notes=notes, again=again)),
        render_approve_form(
            Briefing(view=VIEW, caveats=caveats, notes=notes, again=again), comment=comment
        ),
    ):
        check_view(made, may_mention=MAY_MENTION)
        sent = parse_submission({"user": {"id": ANA.id}, "view": made})
        assert (sent.round_id, sent.seen) == (VIEW.round.id, caveats.seen)


@pytest.mark.parametrize("metadata", ["r-1", "[]", '["r-1", 1]', "12", "{}"])
def test_a_form_that_carries_a_round_alone_tells_of_nothing(metadata: str) -> None:
    view = {"private_metadata": metadata, "callback_id": ids.REVISE_MODAL}
    sent = parse_submission({"user": {"id": ANA.id}, "view": view})
    assert (sent.round_id, sent.seen) == (metadata, Seen())


def test_only_what_counts_is_asked_about() -> None:
    notes = [a_note("Shorter.\nAnd clearer.", by=BEN)]
    only_notes = shown(
        render_confirmation(
            Briefing(view=VIEW, caveats=caveats_of(notes, None, WHOLE), notes=notes)
        )
    )
    assert f"<@{BEN.id}>: Shorter. …" in only_notes
    assert "on it" not in only_notes
    assert "shown" not in only_notes

    claimed = shown(
        render_confirmation(Briefing(view=VIEW, caveats=caveats_of([], Claim(BEN, NOW), WHOLE)))
    )
    assert f"<@{BEN.id}> is on it" in claimed
    assert "note" not in claimed


def test_numbers_are_said_right() -> None:
    assert unsent(1, [a_note("Hm.")]).splitlines() == [
        ":memo: *1 note waits in the thread. It will not be sent.*",
        "> <@U0ANA>: Hm.",
    ]
    many = unsent(7, [a_note(f"{number}.") for number in range(7)]).splitlines()
    assert many[0] == ":memo: *7 notes wait in the thread. They will not be sent.*"
    assert many[1] == "The latest 5:"
    assert [line[-2:] for line in many[2:]] == ["2.", "3.", "4.", "5.", "6."]


FIRST = Share(160, 2_365)


@pytest.mark.parametrize(
    ("on_card", "share", "where", "says"),
    [
        (36, FIRST, Where.CARD, "*This card shows the first 160 of 2,365 characters.*"),
        (36, FIRST, Where.HOME, "*This row shows the first 160 of 2,365 characters.*"),
        (
            WHOLE,
            FIRST,
            Where.HOME,
            "*This row shows the first 160 of 2,365 characters.* The card shows all of it.",
        ),
        (36, FIRST, Where.MODAL, "*You have seen the first 160 of 2,365 characters.*"),
        (
            36,
            Share(0, 2_365),
            Where.CARD,
            "You were not shown all of this output, and have not read it to its end.",
        ),
        (36, Share(0, 0), Where.CARD, "*The output is empty.* There is nothing to approve."),
        (22, None, Where.MODAL, "*The card shows 22 % of this output.*"),
        (
            None,
            None,
            Where.MODAL,
            "You were not shown all of this output, and have not read it to its end.",
        ),
    ],
)
def test_it_says_how_much_was_beside_the_button(
    on_card: int | None, share: Share | None, where: Where, says: str
) -> None:
    assert not_all_shown(Caveats(share=share, on_card=on_card), where) == says


def test_it_says_what_else_was_not_shown() -> None:
    masked = ((Kind.EMAIL, 1), (Kind.IBAN, 1))
    caveats = Caveats(unseen=frozenset(Unseen) - {Unseen.EXCERPT}, turned=HastyReading(17, 3))
    view = replace(VIEW, masked=masked)
    for made in (
        render_confirmation(Briefing(view=view, caveats=caveats)),
        render_approve_form(Briefing(view=view, caveats=caveats)),
    ):
        told = shown(made)
        assert (
            "*1 e-mail address and 1 IBAN are masked*, and you have not had all of them shown."
            in told
        )
        assert "*You turned 17 pages in 3 s.*" in told
        assert "*Columns of a table are beyond a phone's edge.*" in told


def test_the_form_for_a_comment_is_the_confirmation() -> None:
    asks = render_approve_form(
        Briefing(view=VIEW, caveats=Caveats(shown=1, unseen=frozenset({Unseen.MASKS})))
    )
    [row] = [block for block in asks["blocks"] if block["type"] == "actions"]
    assert asks["submit"]["text"] == "Approve anyway"
    assert [one["text"]["text"] for one in row["elements"]] == ["Read all", "Show them"]
    assert row["elements"][0]["style"] == "primary"
    plain = render_approve_form(Briefing(view=VIEW, caveats=Caveats()))
    assert plain["submit"]["text"] == "Approve"
    assert not [block for block in plain["blocks"] if block["type"] == "actions"]


@pytest.mark.parametrize(
    ("notes", "share", "unseen", "green", "plain"),
    [
        (1, None, Unseen.EXCERPT, "Revise", ["Approve anyway", "Read all"]),
        (0, None, Unseen.EXCERPT, "Read all", ["Approve anyway", "Revise"]),
        (0, Share(0, 0), Unseen.EXCERPT, "Revise", ["Approve anyway", "Read all"]),
        (0, None, Unseen.MASKS, "Show them", ["Approve anyway", "Revise"]),
        (1, None, Unseen.MASKS, "Revise", ["Approve anyway", "Show them", "Read all"]),
    ],
)
def test_what_can_do_no_harm_is_the_prominent_way(
    notes: int, share: Share | None, unseen: Unseen, green: str, plain: list[str]
) -> None:
    caveats = Caveats(notes=notes, shown=22, share=share, unseen=frozenset({unseen}))
    made = render_confirmation(Briefing(view=VIEW, caveats=caveats))
    [row] = [block for block in made["blocks"] if block["type"] == "actions"]
    assert made["submit"]["text"] == green
    assert [one["text"]["text"] for one in row["elements"]] == plain
    assert not any("style" in one for one in row["elements"])
