"""The card: within Slack's limits whatever was written, calling nobody, and true."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings

from crewgate.domain.caveats import Claim
from crewgate.domain.masking import Kind, Masked
from crewgate.domain.notification import Format, Output
from crewgate.domain.people import Anyone, Email, User, UserGroup
from crewgate.domain.reason import (
    AnswerLost,
    ExecutionFailed,
    NotFetched,
    RefusedByCrew,
)
from crewgate.domain.review import State
from crewgate.domain.verdict import Approve, Person, Revise
from crewgate.slack.reviews.buttons import (
    APPROVE,
    CHANGES,
    CLAIM,
    DISMISS,
    HISTORY,
    READ,
    REOPEN,
    RETRY,
    REVISE,
    TAKE_BACK,
)
from crewgate.slack.reviews.card import file_name, render_card
from crewgate.slack.reviews.notices import render_stuck_notice
from crewgate.slack.words import names
from crewgate.slack.words.names import date
from crewgate.usecases.read_models import (
    CardView,
)
from tests.builders import ANA, BEN, LATER, NOW, a_decision, a_review, a_round, a_rule
from tests.slack.rendering import (
    a_named_round,
    a_view,
    buttons,
    check_message,
    menu,
    read,
    shown,
    views,
)

MENTIONED = frozenset({f"@{ANA.id}", f"@{BEN.id}", "!subteam^S1"})


@settings(max_examples=100)
@given(views)
def test_a_card_is_within_the_limits_and_calls_nobody_whatever_was_written(view: CardView) -> None:
    round_id = view.round.id
    for message in (render_card(view, now=LATER), render_card(view, now=LATER, plain=True)):
        check_message(message, may_mention=MENTIONED)
        pressed = buttons(message)
        assert {value for _, value in pressed} == {round_id}
        names = [action for action, _ in pressed]
        assert len(set(names)) == len(names)
        if view.round.state is State.WAITING:
            assert names[:2] == [APPROVE.id, REVISE.id]
            assert names[-1] == (TAKE_BACK.id if view.round.votes else CLAIM.id)
            shows_all = message.shown == 100 or "The output is empty" in read(message)
            assert (READ.id in names) != shows_all
            assert (CHANGES.id in names) == (view.previous is not None)
        else:
            again = [] if isinstance(view.round.reason, NotFetched) else [RETRY.id]
            acts = [*again, DISMISS.id] if view.round.state is State.STUCK else []
            acts = [REOPEN.id, DISMISS.id] if view.round.can_reopen else acts
            assert names[: len(acts) + 1] == [*acts, READ.id]
            assert set(names[len(acts) + 1 :]) <= {HISTORY.id}


@pytest.mark.parametrize("piece", ["&", "<", "😀", "\n", "a\n", "*", "<@U6>", "x"])
@pytest.mark.parametrize("state", [State.STUCK, State.DECIDED, State.CLOSED])
@pytest.mark.parametrize("format_", list(Format))
def test_the_fullest_card_is_within_the_limits(piece: str, state: State, format_: Format) -> None:
    full = "x" + piece * 3_000 + "x"
    review = a_review(
        crew=full, task_id=full, agent=full, expected_output=full, execution_id=full[:512]
    )
    round_ = a_round(
        review=review,
        number=999_999,
        unchanged=True,
        state=state,
        decision=a_decision(Revise(full[:3_000]), by=Person("U0ANA", full)),
        reason={
            State.STUCK: RefusedByCrew("401", full),
            State.DECIDED: AnswerLost(full),
            State.CLOSED: ExecutionFailed(full),
        }[state],
    )
    view = CardView(
        round=round_, output=Output(full * 10, format_), previous=replace(round_, number=999_998)
    )
    check_message(render_card(view, now=LATER))
    check_message(render_card(view, now=LATER, plain=True))
    notice = render_stuck_notice(round_)
    assert (notice is None) == (state is State.DECIDED)
    if notice:
        check_message(notice)


def test_a_waiting_card_says_what_is_asked_and_about_what() -> None:
    view = CardView(
        round=a_round(review=a_review(task_name="Market research", agent="Analyst")),
        output=Output("## Findings\n\n- one\n"),
        topic="home batteries",
        starter=BEN,
        given=(("topic", "home batteries"), ("target_audience", "a & b")),
        reviewers=(User(ANA.id), UserGroup("S1"), User("U4"), Email("<x>@example.com"), User("U5")),
        names=((ANA.id, "Ana <!here>"),),
    )

    message = render_card(view, now=LATER)

    assert message.text == "Market research is ready for review · home batteries"
    assert (message.shown, message.too_long) == (100, False)
    first, quiet, output, meaning, row = message.blocks
    assert (first["block_id"], row["block_id"]) == ("r-1.19-19", "decide.19-19")
    assert first["text"]["text"] == (
        ":hourglass: *Market research is ready for review* · home batteries"
    )
    assert quiet["elements"][0]["text"] == (
        f"{date(NOW)} · round 1 · research · for Ana &lt;!here&gt;, <!subteam^S1>, <@U4> and 2 more"
        " · Analyst · started by Ben on topic: home batteries, target audience: a &amp; b"
    )
    assert output == {"type": "markdown", "text": "## Findings\n\n- one\n"}
    assert meaning["elements"][0]["text"] == (
        "Approve: the crew goes on. Revise sends it back with your words."
    )
    labels = [(element["text"]["text"], element.get("style")) for element in row["elements"]]
    assert labels == [("Approve", "primary"), ("Revise", None), ("I'm on it", None)]
    entries = ["History", "Approve with a comment…", "Edit the text", "Read all", "Ask somebody…"]
    assert menu(message) == entries


def test_a_short_card_is_headline_beginning_and_buttons() -> None:
    review = a_review(task_name="Market research", agent="Analyst")
    view = CardView(
        round=a_round(review=review, number=2),
        output=Output("A fact. " * 100),
        previous=a_round(State.RESUMED, review=review, decision=a_decision(Revise("Shorter."))),
        before=Output("A fact. " * 200),
        masked=((Kind.EMAIL, 2),),
        reviewers=(User(ANA.id),),
        is_quiet=True,
    )

    message = render_card(view, now=LATER)

    assert message.shown == 24
    first, output, share, masked, row = message.blocks
    assert first["text"]["text"] == ":hourglass: *Market research is ready for review*"
    assert 100 < len(output["text"]) <= 200
    assert share["elements"][0]["text"] == "Only the first 24 % is shown"
    assert masked["text"]["text"] == "2 e-mail addresses are masked."
    labels = [element["text"]["text"] for element in row["elements"]]
    assert labels == ["Approve", "Revise", "Read all", "Changes", "I'm on it"]


def test_a_short_card_warns_that_nothing_changed() -> None:
    view = a_view(number=2, unchanged=True)
    previous = a_round(State.RESUMED, decision=a_decision(Revise("Shorter.")))
    view = replace(view, previous=previous, before=view.output, is_quiet=True)
    text = read(render_card(view, now=LATER))
    assert ":exclamation: *Nothing changed.*" in text
    assert "Shorter." not in text


def test_a_card_leaves_out_what_is_not_known() -> None:
    quiet = read(render_card(a_view(), now=LATER))
    assert quiet.startswith(":hourglass: *Draft is ready for review*\n")
    assert "UTC> · round 1 · research\n" in quiet
    anyone = replace(a_view(), reviewers=(User(ANA.id), Anyone()))
    assert "· for anyone in the channel\n" in read(render_card(anyone, now=LATER))
    given = replace(a_view(), given=(("topic", "tea"),))
    assert "· started on topic: tea\n" in read(render_card(given, now=LATER))
    named = replace(given, topic="tea")
    assert "started" not in read(render_card(named, now=LATER))
    started = replace(named, starter=BEN)
    assert "· started by Ben\n" in read(render_card(started, now=LATER))


@pytest.mark.parametrize("text", ["", " \n\n", " " * 20_000])
def test_an_empty_output_is_said_plainly(text: str) -> None:
    message = render_card(a_view(text), now=LATER)
    assert "The output is empty" in read(message)
    assert (message.shown, message.blocks[-1]["block_id"]) == (0, "decide.0-0")


@pytest.mark.parametrize(("size", "shown"), [(3_000, 100), (3_001, 49), (12_001, 12), (500_000, 0)])
@pytest.mark.parametrize("format_", list(Format))
def test_a_long_output_is_an_excerpt_that_says_how_much_it_is(
    size: int, shown: int, format_: Format
) -> None:
    text = ("word " * size)[: size - 1] + "!"
    message = render_card(CardView(round=a_round(), output=Output(text, format_)), now=LATER)
    check_message(message)
    assert message.shown == shown
    assert message.too_long == (size > 9_000)
    said = f"Only the first {shown} % is shown" if shown else "Less than 1 % is shown"
    assert (said in read(message)) == (shown < 100)
    pages = {3_000: "", 3_001: "Read all", 12_001: "Read all (3 pages)"}
    labels = [element["text"]["text"] for element in message.blocks[-1]["elements"]]
    assert labels[:2] == ["Approve", "Revise"]
    if size in pages:
        assert "".join(label for label in labels if label.startswith("Read")) == pages[size]
    assert ("Read all" in menu(message)) == (shown == 100)


@pytest.mark.parametrize(("rows", "shown"), [(20, 20), (21, 10)])
def test_a_long_table_is_an_excerpt(rows: int, shown: int) -> None:
    table = "| a | b |\n|---|---|\n" + "| c | d |\n" * rows
    message = render_card(a_view(table), now=LATER)
    assert read(message).count("| c | d |") == shown
    assert (message.shown == 100) == (rows == shown)


WIDE = "| a | b | c | d | e |\n|---|---|---|---|---|\n| 1 | 2 | 3 | 4 | 5 |"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (WIDE, [WIDE, "5 columns"]),
        (f"First.\n\n{WIDE}\n\nThen.", [f"First.\n\n{WIDE}", "5 columns", "\nThen."]),
        (
            "".join(f"> {line}\n" for line in [*WIDE.split("\n"), "", "Then."]),
            ["> | a", "5 columns"],
        ),
    ],
)
def test_a_line_about_columns_is_directly_below_their_table(text: str, shown: list[str]) -> None:
    blocks = render_card(a_view(text), now=LATER).blocks[2:-2]
    said = [block["elements"][0] if "elements" in block else block for block in blocks]
    assert [one["text"][: len(part)] for one, part in zip(said, shown, strict=True)] == shown


@pytest.mark.parametrize(
    ("text", "masks", "asks", "green"),
    [
        ("Tea.", (), True, "Approve"),
        ("Tea. " * 1_000, (), True, "Read all"),
        (WIDE, (), True, "Read all"),
        ("Tea.", ((Kind.IBAN, 1),), True, "Show them"),
        ("Tea. " * 1_000, ((Kind.IBAN, 1),), True, "Read all"),
        ("Tea.", ((Kind.IBAN, 1),), False, "Approve"),
    ],
)
def test_approve_is_green_only_where_all_is_shown(
    text: str, masks: Masked, green: str, *, asks: bool
) -> None:
    view = replace(a_view(text, rule=a_rule(ask_about_masks=asks)), masked=masks)
    message = render_card(view, now=LATER)
    beside = [one["accessory"] for one in message.blocks[1:] if "accessory" in one]
    offered = [*beside, *message.blocks[-1]["elements"]]
    assert [one["text"]["text"] for one in offered if one.get("style")] == [green]
    assert ("Read all" in menu(message)) == (green == "Approve")


def test_json_is_shown_in_a_fence_that_nothing_inside_can_end() -> None:
    output = Output('{\n  "a": "```\\n<!channel>"\n}', Format.JSON)
    message = render_card(CardView(round=a_round(), output=output), now=LATER)
    check_message(message)
    (shown,) = [block["text"] for block in message.blocks if block["type"] == "markdown"]
    assert shown.startswith("```json\n{")
    assert shown.endswith("}\n```")
    assert shown.count("```") == 2


def test_a_new_round_shows_what_was_asked_for() -> None:
    asked = a_round(state=State.RESUMED, decision=a_decision(Revise("shorter & <b>")))
    view = CardView(round=a_round(number=2), output=Output("text"), previous=asked)
    shown = read(render_card(view, now=LATER))
    assert "In round 1 <@U0ANA> asked for a revision:\nshorter & <b>" in shown
    approved = replace(asked, decision=a_decision())
    assert "asked for" not in read(render_card(replace(view, previous=approved), now=LATER))


@pytest.mark.parametrize("state", [State.WAITING, State.RESUMED])
def test_a_plain_card_leaves_out_what_came_from_outside(state: State) -> None:
    view = replace(
        a_view("SECRET", state=state, review=a_review(agent="SECRET", expected_output="SECRET")),
        topic="SECRET",
        given=(("SECRET", "SECRET"),),
    )
    if state is State.RESUMED:
        view = replace(view, round=replace(view.round, decision=a_decision()))
    message = render_card(view, now=LATER, plain=True)
    assert "SECRET" not in read(message) + message.text
    assert ("*Read all* shows it." in read(message)) == (state is State.WAITING)
    assert (message.shown, message.too_long) == (0, True)
    assert (message.blocks[-1].get("block_id") == "decide.0-6") == (state is State.WAITING)


@pytest.mark.parametrize(
    ("title", "format_", "name"),
    [
        ("research_task", Format.MARKDOWN, "research_task-round-2-r-1.md"),
        ("../../etc/passwd", Format.JSON, "etc-passwd-round-2-r-1.json"),
        ("задача", Format.MARKDOWN, "output-round-2-r-1.md"),
        ("x" * 512, Format.MARKDOWN, "x" * 80 + "-round-2-r-1.md"),
    ],
)
def test_a_file_has_a_safe_name(title: str, format_: Format, name: str) -> None:
    view = CardView(
        round=a_round(id="r-1", number=2, review=a_review(task_id=title)),
        output=Output("x", format_),
    )
    assert file_name(view) == name


def test_files_of_tasks_with_one_title_have_names_of_their_own() -> None:
    """A file whose upload is in doubt is looked for by its name."""
    one, other = (
        CardView(round=a_round(id=id_), output=Output("x", Format.MARKDOWN))
        for id_ in ("ab1", "cd2")
    )
    assert file_name(one) != file_name(other)


@settings(max_examples=25)
@given(views)
def test_file_names_and_titles_are_safe_whatever_the_task_is_called(view: CardView) -> None:
    assert re.fullmatch(
        r"[A-Za-z0-9_-]{1,80}-round-[0-9]+-[A-Za-z0-9_-]{1,6}\.(md|json)", file_name(view)
    )
    assert "\n" not in names.which_round(view.round)
    assert len(names.which_round(view.round)) < 300


def test_a_card_says_who_is_on_it_and_who_wrote() -> None:
    people = tuple(Person(f"U{number}", "x") for number in range(6))
    view = CardView(
        round=a_named_round(),
        output=Output("A draft."),
        notes=7,
        noted_by=people,
        claim=Claim(BEN, NOW),
    )

    at_once, later = (render_card(view, now=NOW + timedelta(minutes=m)) for m in (0, 30))

    assert f"<@{BEN.id}> is on it" in shown(at_once.blocks)
    assert "is on it" not in shown(later.blocks)
    assert "7 notes from <@U0>, <@U1>, <@U2>, <@U3> and 2 more" in shown(at_once.blocks)


def test_a_card_says_that_nothing_changed_since_an_earlier_round() -> None:
    previous = a_named_round(state=State.RESUMED, decision=a_decision(Approve()))
    view = CardView(
        round=replace(a_named_round(), number=3),
        output=Output("Same."),
        previous=previous,
        before=Output("Same."),
    )
    assert "Nothing changed since round 1 · " in shown(render_card(view, now=LATER).blocks)


@pytest.mark.parametrize(
    "hidden",
    [
        "| a | b |\n|---|---|\n| 1 | 2 | wire 90,000 EUR |",
        "```wire 90,000 EUR\nx = 1\n```",
        f"{'- ' * 25}wire 90,000 EUR",
        "25. x\n90. wire 90,000 EUR",
        "It costs 9*0*00 EUR: wire 90,000 EUR",
    ],
)
def test_a_block_that_slack_may_draw_otherwise_is_rich_text(hidden: str) -> None:
    shown = render_card(a_view(f"**First**\n\n{hidden}\n\nThen."), now=LATER).blocks[2:-2]
    assert [one["type"] for one in shown][:2] == ["markdown", "rich_text"]
    assert "Then." in json.dumps(shown[1:])
    assert "wire 90,000 EUR" in json.dumps(shown[1])


@pytest.mark.parametrize("text", ["1. a\n" * 590, "a\n\n```x\n```\n\n|a|b|\n|-|-|\n|1|2|\n\n" * 70])
def test_rich_text_on_a_card_is_within_the_limits(text: str) -> None:
    check_message(render_card(a_view(text), now=LATER))


def test_many_blocks_that_slack_may_draw_otherwise_are_one_text() -> None:
    message = render_card(a_view("a\n\n```x\nb\n```\n\n" * 20), now=LATER)
    check_message(message)
    assert "markdown" not in {one["type"] for one in message.blocks}
