"""A person's edits: cut into boxes and joined, written as one exact revision, and carried out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewgate.domain.edits import (
    Edit,
    EditsFate,
    cut,
    edits_of,
    exact_revision,
    fate_of,
    lines_changed,
)
from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import RoundSuperseded
from crewgate.domain.reason import EditedBy
from crewgate.domain.receipt import open_edited, receive
from crewgate.domain.review import State, Transition
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import TimeOut, TimeoutAction
from tests.builders import ANA, BEN, LATER, NOW, a_notification, a_round, a_rule, a_vote

markdown = st.lists(
    st.sampled_from(
        ["a", "word ", "\n", "\r\n", "\n\n", "\n\n\n", "  ", "\t", "    code\n", "- item\n", "é"]
    ),
    max_size=60,
).map("".join)


def at_the_latest(text: str, earliest: int, latest: int) -> int:
    return max(text.rfind(" ", earliest, latest) + 1, earliest + 1) if latest else 0


@given(markdown, st.integers(2, 40))
def test_parts_join_to_the_text_that_was_cut(text: str, size: int) -> None:
    parts = cut(text, size, at_the_latest)

    assert all(0 < len(part) <= size for part in parts.texts)
    assert len(parts.gaps) == len(parts.texts) + 1
    assert parts.joined(parts.texts) == (text if parts.texts else "")
    # A form changes white space around a part, and line ends: these are no edits.
    given_back = [f"\n{part} ".replace("\r\n", "\n") for part in parts.texts]
    assert parts.joined(given_back) == parts.joined(parts.texts)


def test_a_text_is_cut_at_paragraphs_then_lines_then_words() -> None:
    text = "# Tea\n\nOne two.\nThree four.\n\nA very long line of words\n"
    parts = cut(text, 22, at_the_latest)
    assert parts.texts == ("# Tea", "One two.\nThree four.", "A very long line of", "words")
    assert parts.gaps == ("", "\n\n", "\n\n", " ", "\n")
    assert cut("One two.\nThree four.\nFive", 22, at_the_latest).texts[1:] == ("Five",)
    assert cut("  - a\n  - b", 6, at_the_latest).texts == ("- a", "  - b")


def test_a_part_that_is_emptied_goes_with_the_lines_before_it() -> None:
    parts = cut("One.\n\nTwo.\n\nThree.\n", 8, at_the_latest)
    assert parts.joined(["One.", "", "Three!"]) == "One.\n\nThree!\n"
    assert parts.joined([" ", "Two.", "Three."]) == "Two.\n\nThree.\n"
    assert parts.joined(["", "", "\n"]) == ""


@pytest.mark.parametrize(
    ("before", "edited", "edits"),
    [
        ("a\nb\nc", "a\nB\nc", [("b", "B")]),
        ("a\n\nb\n\nc", "a\n\nb\n\nnew\n\nc", [("b\n", "b\n\nnew\n")]),
        ("new is missing", "new\n\nnew is missing", [("new is missing", "new\n\nnew is missing")]),
        ("a\nb\nc", "a\nc", [("b", "")]),
        ("- yes\n- b\n- yes\n- c", "- yes\n- b\n- no\n- c", [("- b\n- yes", "- b\n- no")]),
        ("- yes\n- yes", "- no\n- yes", [("- yes\n- yes", "- no\n- yes")]),
        ("x\ny\nx\nz\nx", "X\ny\nX\nz\nX", [("x\ny\nx", "X\ny\nX"), ("z\nx", "z\nX")]),
        ("x\nx\nx", "x", [("x\nx\nx", "x")]),
        ("a\nb\nc", "b\na\nc", [("a\nb", "b\na")]),
        ("a  \nb", "a\nb\n", [("b", "b\n")]),
        ("a\nb", "a\nb", []),
        ("", "a", [("", "a")]),
    ],
)
def test_an_edit_names_a_passage_that_stands_in_one_place_only(
    before: str, edited: str, edits: list[Edit]
) -> None:
    assert edits_of(before, edited) == edits


few_lines = st.lists(st.sampled_from(["a", "b", "ab", ""]), max_size=9).map("\n".join)


@given(markdown | few_lines, markdown | few_lines)
def test_edits_carried_out_at_once_or_one_by_one_make_the_text(before: str, edited: str) -> None:
    lines = "\n".join(line.rstrip() for line in before.split("\n"))
    edits = edits_of(before, edited)
    if any(lines.find(one.old) != lines.rfind(one.old) or not one.old.strip() for one in edits):
        return  # no passage of so few lines is unique
    at_once = one_by_one = lines
    for at, one in sorted(((lines.index(one.old), one) for one in edits), reverse=True):
        at_once = at_once[:at] + one.new + at_once[at + len(one.old) :]
    for one in edits:
        assert one_by_one.find(one.old) == one_by_one.rfind(one.old)
        one_by_one = one_by_one.replace(one.old, one.new)
    assert filled(at_once) == filled(one_by_one) == filled(edited)


def filled(text: str) -> list[str]:
    return [line.rstrip() for line in text.split("\n") if line.strip()]


def test_a_revision_has_every_passage_verbatim() -> None:
    one = exact_revision([Edit("The *price* is 3.", "The *price* is 4.")])
    assert one == (
        "Make this edit in your last answer, word for word, and change nothing else.\n\n"
        "Replace\n<<<\nThe *price* is 3.\n>>>\nwith\n<<<\nThe *price* is 4.\n>>>"
    )
    two = exact_revision([Edit("a", "b"), Edit("c", "")])
    assert two == (
        "Make these 2 edits in your last answer, word for word, and change nothing else.\n\n"
        "1. Replace\n<<<\na\n>>>\nwith\n<<<\nb\n>>>\n\n2. Remove\n<<<\nc\n>>>"
    )


def test_the_lines_of_a_revision_are_found_in_it() -> None:
    before = "# Tea\n\n- a\n- b\nTwice.\nTwice.\n\nGone."
    asked = exact_revision(edits_of(before, "# Tea\n\n- A\n- b\n- c\nTwice.\nOnce.\n"))
    lines = [("- a", "- A"), ("", "- c"), ("Twice.", "Once."), ("Gone.", "")]
    assert sorted(lines_changed(asked)) == sorted(Edit(*one) for one in lines)


@pytest.mark.parametrize("text", ["", "Shorter.", "a\n\nRemove\n<<<\nb\n>>>"])
def test_other_words_are_no_edits(text: str) -> None:
    assert lines_changed(text) == []


BEFORE = "# Tea\n\nOne.\n\nTwo.\n\nThree.\n\nFour."
EDITED = "# Tea\n\nOne!\n\nTwo.\n\nFour!"


@pytest.mark.parametrize(
    ("after", "taken", "others"),
    [
        (EDITED, 2, 0),
        ("# Tea\nOne!\nTwo.  \nFour!\n", 2, 0),
        (BEFORE, 0, 0),
        ("# Tea\n\nOne!\n\n2.\n\nFour!", 2, 1),
        ("# Tea\n\nOne!\n\nTwo.\n\nThree.\n\nFour!", 1, 0),
        ("# Tea\n\nUno.\n\nTwo.\n\nFour!\n\nFive.", 1, 1),
        ("", 0, 2),
    ],
)
def test_the_fate_of_edits_is_counted(after: str, taken: int, others: int) -> None:
    assert fate_of(BEFORE, EDITED, after) == EditsFate(2, taken, others)


def test_a_removal_is_in_once_the_passage_is_gone() -> None:
    assert fate_of("a\nb\nc", "a\nc", "a\nb\nc") == EditsFate(1, 0, 0)
    assert fate_of("a\nb\nc", "a\nc", "a\nc") == EditsFate(1, 1, 0)


@pytest.mark.parametrize(
    ("before", "edited"),
    [
        ("Tea.\n\nCake.\nMilk.", "Tea.\nCake.\nMilk."),  # one paragraph of two
        ("- a\n- b\n- c", "- a\n  - b\n- c"),
        ("a\na\nb\na", "a\nb\na"),  # one of two equal lines
    ],
)
def test_an_edit_that_was_made_word_for_word_is_in(before: str, edited: str) -> None:
    assert fate_of(before, edited, f"{edited}\n") == EditsFate(1, 1, 0)
    assert fate_of(before, edited, f"{edited}\nMore.").others == 1
    assert fate_of(before, edited, before) == EditsFate(1, 0, 0)


def test_an_edit_of_blank_lines_is_in_beside_another_change() -> None:
    before, edited = "Tea.\n\nCake.\nMilk.", "Tea.\nCake.\nMilk."
    assert fate_of(before, edited, f"{edited}\nMore.") == EditsFate(1, 1, 1)


@pytest.mark.parametrize("then", TimeoutAction)
def test_time_approves_no_text_of_a_person_who_is_alone_with_it(then: TimeoutAction) -> None:
    out = TimeOut(Duration.parse("3d"), then, "Stop." if then is TimeoutAction.REVISE else "")
    shown = a_round(rule=a_rule(approvals=2, timeout=out), takes_edits=True)
    edited = open_edited(shown, ANA, rule=shown.rule, at=LATER, new_id=lambda: "r-2").current
    if then is TimeoutAction.APPROVE:
        assert edited.time_out(LATER) == Transition(edited, ())
    else:
        assert edited.rule == shown.rule


def test_a_text_of_a_person_is_a_round_of_its_own() -> None:
    rule = a_rule(approvals=2)
    shown = a_round(rule=rule, votes=(a_vote(BEN),), takes_edits=True, version=3, reminders=1)
    receipt = open_edited(shown, ANA, rule=shown.rule, at=LATER, new_id=lambda: "r-2")

    assert receipt.ended is not None
    assert (receipt.ended.state, receipt.ended.reason) == (State.SUPERSEDED, EditedBy(ANA))
    edited = receipt.current
    assert (edited.id, edited.number, edited.version) == ("r-2", 2, 1)
    assert (edited.edited_by, edited.votes, edited.opened_at) == (ANA, (), NOW)
    assert (edited.rule, edited.takes_edits) == (rule, True)
    assert [one.kind for one in receipt.effects] == [EffectKind.REFRESH, EffectKind.POST]
    with pytest.raises(RoundSuperseded) as caught:
        receipt.ended.require_waiting()
    assert caught.value.edited_by == ANA
    # The crew's own output, sent again, is no newer output.
    paused = a_notification(takes_edits=True)
    again = receive(edited, paused, review=edited.review, at=LATER, new_id=lambda: "r-3")
    assert (again.current, again.opened) == (edited, False)
