"""Approvals that must be confirmed, and the things that count as confirmed."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.caveats import (
    CLAIM_LASTS,
    NOTHING_SEEN,
    SURELY_WHOLE,
    WHOLE,
    Circumstances,
    Claim,
    HastyReading,
    Seen,
    Share,
    Unseen,
    look_at,
    seen_on_card,
    slipped,
    turned_in_haste,
)
from tests.builders import ANA, BEN, EVE, NOW, SECOND

TS = st.integers(1, 9).map(lambda number: f"{number}.000000")
NOTES = st.lists(st.tuples(TS, st.one_of(st.just(""), TS)), max_size=4, unique_by=lambda n: n[0])
CLAIMS = st.one_of(
    st.none(),
    st.builds(
        Claim,
        st.sampled_from([ANA, BEN, EVE]),
        st.sampled_from([NOW, NOW - CLAIM_LASTS + SECOND, NOW - CLAIM_LASTS]),
    ),
)
CIRCUMSTANCES = st.builds(
    Circumstances,
    notes=NOTES.map(tuple),
    claim=CLAIMS,
    shown=st.sampled_from([None, 0, 22, 99, WHOLE]),
    characters=st.sampled_from([0, SURELY_WHOLE, SURELY_WHOLE + 1]),
    read_to_end=st.booleans(),
    turned=st.sampled_from([None, HastyReading(17, 3)]),
    masked=st.sampled_from([False, True, None]),
    asks_about_masks=st.booleans(),
)


@given(CIRCUMSTANCES)
def test_one_click_approves_unless_notes_wait_or_somebody_is_on_it_or_it_was_not_shown(
    found: Circumstances,
) -> None:
    claim = found.claim
    claimed = claim is not None and claim.by != ANA and claim.at > NOW - CLAIM_LASTS
    known_whole = found.shown == WHOLE or (found.shown is None and found.characters <= SURELY_WHOLE)
    unread = not known_whole and not found.read_to_end
    unread |= found.turned is not None
    unread |= found.masked is not False and found.asks_about_masks
    at_once = found.caveats(ANA, NOW).all_in(NOTHING_SEEN)
    assert at_once != (bool(found.notes) or claimed or unread)


@given(CIRCUMSTANCES)
def test_beside_the_beginning_of_an_output_it_counts_as_unread(found: Circumstances) -> None:
    share = Share(160, 2_365)
    caveats = found.caveats(ANA, NOW, Seen(share=share))
    assert (Unseen.EXCERPT in caveats.unseen) is not found.read_to_end
    assert (caveats.share, caveats.seen.share) == (share, share)
    assert caveats.all_in(caveats.seen)


@given(CIRCUMSTANCES)
def test_beside_all_of_an_output_it_counts_as_read_whatever_its_card_shows(
    found: Circumstances,
) -> None:
    unseen = found.caveats(ANA, NOW, Seen(share=Share(8, 8))).unseen
    assert not unseen & {Unseen.EXCERPT, Unseen.COLUMNS}


@given(CIRCUMSTANCES)
def test_an_empty_output_is_always_asked_about(found: Circumstances) -> None:
    caveats = found.caveats(ANA, NOW, Seen(share=Share(0, 0)))
    assert Unseen.EXCERPT in caveats.unseen
    assert caveats.all_in(caveats.seen)


@pytest.mark.parametrize(
    ("share", "percent"),
    [((0, 0), 0), ((0, 9), 0), ((1, 1_000), 0), ((999, 1_000), 99), ((9, 9), WHOLE)],
)
def test_the_share_is_all_of_it_only_if_nothing_is_left_out(
    share: tuple[int, int], percent: int
) -> None:
    assert Share(*share).percent == percent
    seen = Seen(share=Share(*share))
    assert Circumstances().caveats(ANA, NOW, seen).shown == percent


@given(CIRCUMSTANCES)
def test_whoever_was_asked_about_all_of_it_approves(found: Circumstances) -> None:
    caveats = found.caveats(ANA, NOW)
    assert caveats.all_in(caveats.seen)


@given(CIRCUMSTANCES, CIRCUMSTANCES)
def test_whoever_was_asked_before_something_came_is_asked_again(
    before: Circumstances, after: Circumstances
) -> None:
    asked, now = before.caveats(ANA, NOW), after.caveats(ANA, NOW)
    other_notes = bool(after.notes) and set(after.notes) != set(before.notes)
    other_claim = now.claim is not None and (asked.claim is None or asked.claim.by != now.claim.by)
    only_now = bool(now.unseen - asked.unseen)
    assert now.all_in(asked.seen) != (other_notes or other_claim or only_now)


@given(NOTES.flatmap(lambda notes: st.tuples(st.just(notes), st.permutations(notes))))
def test_the_order_of_notes_does_not_matter(
    orders: tuple[list[tuple[str, str]], list[tuple[str, str]]],
) -> None:
    marks = {Circumstances(notes=tuple(one)).caveats(ANA, NOW).notes_mark for one in orders}
    assert len(marks) == 1


@pytest.mark.parametrize(
    ("claim", "counts"),
    [
        (Claim(BEN, NOW), True),
        (Claim(BEN, NOW - timedelta(hours=1)), False),
        (Claim(ANA, NOW), False),
    ],
)
def test_only_somebody_elses_claim_that_holds_counts(claim: Claim, *, counts: bool) -> None:
    found = Circumstances(claim=claim).caveats(ANA, NOW)
    assert found.claim == (claim if counts else None)
    assert found.all_in(NOTHING_SEEN) != counts


def test_whoever_was_asked_about_one_claim_is_asked_again_about_another() -> None:
    asked = Circumstances(claim=Claim(BEN, NOW)).caveats(ANA, NOW)
    now = Circumstances(claim=Claim(EVE, NOW)).caveats(ANA, NOW)
    assert asked.all_in(asked.seen)
    assert not now.all_in(asked.seen)


def test_columns_beyond_the_edge_were_not_shown() -> None:
    beside = Share(90, 90, beyond=30)
    caveats = Circumstances(shown=66).caveats(ANA, NOW, Seen(share=beside))
    assert (caveats.shown, *caveats.unseen) == (66, Unseen.COLUMNS)
    cut = Circumstances().caveats(ANA, NOW, Seen(share=Share(90, 100, beyond=100)))
    assert (cut.shown, *cut.unseen) == (0, Unseen.EXCERPT)
    read = Circumstances(shown=66, read_to_end=True)
    assert read.caveats(ANA, NOW, Seen(share=beside)).all_in(NOTHING_SEEN)


@pytest.mark.parametrize("asks", [False, True])
def test_what_is_masked_was_not_shown_whatever_the_rule_asks(*, asks: bool) -> None:
    found = Circumstances(shown=WHOLE, masked=True, asks_about_masks=asks)
    assert found.caveats(ANA, NOW).shown == 99
    assert found.caveats(ANA, NOW).unseen == ({Unseen.MASKS} if asks else set())
    unknown = Circumstances(characters=SURELY_WHOLE + 1, masked=True)
    assert unknown.caveats(ANA, NOW).shown is None


@pytest.mark.parametrize(
    ("pages", "seconds", "turned"),
    [
        (17, 3, HastyReading(17, 3)),
        (17, 1_920, None),
        (17, 1_919, HastyReading(17, 1_919)),
        (1, 0, None),
    ],
)
def test_nobody_reads_faster_than_the_measure(
    pages: int, seconds: int, turned: HastyReading | None
) -> None:
    assert turned_in_haste(pages, 17, 102_000, timedelta(seconds=seconds)) == turned
    assert turned is None or turned.took == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("characters", "seconds", "hasty"),
    [
        (3_000, 59, HastyReading(1, 59)),
        (3_000, 60, None),
        (8, 0, HastyReading(1, 1)),
        (0, 0, None),
    ],
)
def test_the_last_page_is_decided_on_in_haste_if_nobody_reads_so_fast(
    characters: int, seconds: int, hasty: HastyReading | None
) -> None:
    found = Circumstances(read_to_end=True, look=look_at(NOW, characters))
    at, whole = NOW + seconds * SECOND, Share(3_000, 3_000)
    for seen in (Seen(share=whole, in_reader=True), Seen(share=Share(1, 3)), NOTHING_SEEN):
        caveats = found.caveats(ANA, at, seen)
        assert caveats.turned == hasty
        assert (Unseen.HASTE in caveats.unseen) is (hasty is not None)
    assert found.caveats(ANA, at, Seen(share=whole)).turned is None, "all of it stands there"


@pytest.mark.parametrize(
    ("share", "seconds", "is_slip"),
    [
        (Share(8, 8), 0, True),
        (Share(8, 8), 1, False),
        (Share(3_000, 9_000), 0, False),
        (None, 0, False),
    ],
)
def test_a_press_right_after_the_page_came_is_a_slip(
    share: Share | None, seconds: int, *, is_slip: bool
) -> None:
    slip = HastyReading(1, 1) if is_slip else None
    assert slipped(share, NOW, NOW + seconds * SECOND) == slip
    assert slipped(share, None, NOW) is None


def test_haste_is_asked_about_once() -> None:
    found = Circumstances(read_to_end=True)
    asks = found.caveats(ANA, NOW, Seen(turned=HastyReading(1, 3)))
    assert (asks.turned, asks.unseen) == (HastyReading(1, 3), frozenset({Unseen.HASTE}))
    assert not asks.all_in(Seen(turned=HastyReading(1, 3)))
    assert asks.all_in(asks.seen)


def test_a_card_tells_that_a_call_may_have_run_so_its_press_does_not_ask() -> None:
    facts = Circumstances(may_have_run=True)
    whole = Share(8, 8)
    assert not facts.asks(ANA.id, NOW, seen_on_card(whole))
    assert facts.asks(None, NOW, Seen(share=whole))
