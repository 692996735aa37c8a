"""The confirmation of an approval: within Slack's limits, and in plain words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewgate.domain.caveats import WHOLE, Caveats, Seen, Share
from crewgate.domain.notes import Claim, Note
from crewgate.domain.notification import Output
from crewgate.domain.verdict import Person
from crewgate.slack import ids
from crewgate.slack.payloads import parse_asked, parse_submission
from crewgate.slack.reviews.confirmation import not_all_shown, render_confirmation, unsent
from crewgate.slack.reviews.forms import render_approve_form
from crewgate.usecases.read_models import CardView
from tests.builders import ANA, BEN, NOW, a_note
from tests.slack.rendering import a_named_round, check_view, mid_texts, names, shown

VIEW = CardView(a_named_round(), Output("A draft."))
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
    )


@settings(max_examples=60)
@given(NOTES, CLAIMS, st.sampled_from([None, 0, 99, WHOLE]), st.booleans(), mid_texts)
def test_it_is_within_the_limits_and_comes_back_as_it_was(
    notes: list[Note], claim: Claim | None, share: int | None, again: bool, comment: str
) -> None:
    caveats = caveats_of(notes, claim, share)
    for made in (
        render_confirmation(VIEW, caveats, notes, again=again),
        render_approve_form(VIEW, caveats, notes, comment=comment, again=again),
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
    only_notes = shown(render_confirmation(VIEW, caveats_of(notes, None, WHOLE), notes))
    assert f"<@{BEN.id}>: Shorter. …" in only_notes
    assert "on it" not in only_notes
    assert "shown" not in only_notes

    claimed = shown(render_confirmation(VIEW, caveats_of([], Claim(BEN, NOW), WHOLE), []))
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


@pytest.mark.parametrize(
    ("shown", "share", "says"),
    [
        (6, Share(160, 2_365), "*You have seen the first 160 of 2,365 characters* of this output"),
        (0, Share(0, 2_365), "You were not shown all of this output"),
        (0, Share(0, 0), "*The output is empty.*"),
        (22, None, "You were shown 22 % of this output"),
        (None, None, "You were not shown all of this output"),
    ],
)
def test_it_says_how_much_was_seen(shown: int | None, share: Share | None, says: str) -> None:
    assert not_all_shown(Caveats(shown=shown, share=share)).startswith(says)


@pytest.mark.parametrize(
    ("notes", "share", "green", "plain"),
    [
        (1, None, "Revise", ["Approve anyway", "Read all"]),
        (0, None, "Read all", ["Approve anyway", "Revise"]),
        (0, Share(0, 0), "Revise", ["Approve anyway", "Read all"]),
    ],
)
def test_what_can_do_no_harm_is_the_prominent_way(
    notes: int, share: Share | None, green: str, plain: list[str]
) -> None:
    made = render_confirmation(VIEW, Caveats(notes=notes, shown=22, share=share), [])
    [row] = [block for block in made["blocks"] if block["type"] == "actions"]
    assert made["submit"]["text"] == green
    assert [one["text"]["text"] for one in row["elements"]] == plain
    assert not any("style" in one for one in row["elements"])


def test_a_form_of_an_earlier_version_says_what_it_showed() -> None:
    for older in ('["r-1", "m", "", true]', '["r-1", "m", "", true, 2]'):
        assert parse_asked(older) == ("r-1", Seen("m", excerpt=True))
    older = '["r-1", "m", "", true, null, ".5-10"]'
    assert parse_asked(older) == ("r-1", Seen("m", excerpt=True, share=Share(5, 10)))
