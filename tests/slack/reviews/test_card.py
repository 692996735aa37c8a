"""What people see: within Slack's limits whatever was written, calling nobody, and true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.demo.workspace.blocks import message_problems, text_size, view_problems
from bot.demo.workspace.text import disguised_links, mentions, pieces
from bot.domain.errors import AlreadyDecided, NotWaiting, RoundClosed, RoundSuperseded
from bot.domain.notification import Format, Output
from bot.domain.people import Email, User, UserGroup
from bot.domain.review import (
    ENDED,
    NEWER_OUTPUT,
    RETRIES_EXHAUSTED,
    TOOK_EFFECT,
    Review,
    Round,
    State,
)
from bot.domain.verdict import Approve, Decision, Person, Revise, Via
from bot.slack import ids
from bot.slack import strings as shared
from bot.slack.blockkit.blocks import Message
from bot.slack.commands.messages import (
    render_ambiguous,
    render_execution,
    render_help,
    render_overview,
    render_pending,
    render_unknown_execution,
)
from bot.slack.reviews.card import file_name, file_title, render_card, render_card_plain
from bot.slack.reviews.notices import render_dead_letter, render_stuck_notice
from bot.slack.reviews.revise_form import render_revise_modal
from bot.usecases.read_models import (
    CardView,
    CrewStatus,
    CrewUnavailable,
    DeadLetter,
    ExecutionView,
    MessageRef,
    Pending,
    Progress,
    RoundLine,
)

NOW = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
ANA = Person("U1", "Ana")
REF = MessageRef("C1", "1.0", "1.0")
BUDGET = 12_000

NASTY = (
    "<!channel> ",
    "<@U666>",
    "<https://evil.example|bank>",
    "[bank](https://evil.example)",
    "&lt;!here&gt;",
    "```",
    "`",
    "| a | b |\n",
    "&",
    "*",
    "_",
    "\n",
    "\x00",
    "\u202e",
    "\ud800",
    "😀",
    "שלום ",
    "word ",
)
fragments = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=5)), max_size=30)
texts = fragments.map("".join)
long_texts = st.tuples(texts, st.sampled_from([1, 40, 400, 4_000])).map(
    lambda made: made[0] * made[1]
)
names = st.one_of(texts, st.sampled_from(NASTY).map(lambda piece: piece * 512)).map(
    lambda name: name[:512]
)
verdicts = st.one_of(
    st.just(Approve()),
    texts.map(lambda comment: Approve(comment[:3_000] or None)),
    long_texts.map(lambda feedback: Revise(feedback[:3_000] or "x")),
)


def a_review(**changes: Any) -> Review:
    review = Review(id="review", crew="research", execution_id="7f1c2a34", task_id="research_task")
    return replace(review, **changes)


def a_round(**changes: Any) -> Round:
    round_ = Round(id="round", review=a_review(), number=1, digest="d", opened_at=NOW)
    return replace(round_, **changes)


def a_decision(verdict: Approve | Revise | None = None, **changes: Any) -> Decision:
    at = NOW - timedelta(minutes=2)
    return replace(Decision(verdict or Approve(), ANA, at, Via.BUTTON), **changes)


def a_view(text: str = "## Findings", **changes: Any) -> CardView:
    return CardView(a_round(**changes), Output(text))


@st.composite
def rounds(draw: st.DrawFn) -> Round:
    state = draw(st.sampled_from(State))
    needs_decision = state in {State.DECIDED, State.RESUMED, State.STUCK}
    decided = needs_decision or (state is State.CLOSED and draw(st.booleans()))
    review = a_review(
        crew=draw(names),
        execution_id=draw(names),
        task_id=draw(names),
        agent=draw(names),
        expected_output=draw(texts),
    )
    codes = ["", "not_sent", "unknown", "400", "401", "404", RETRIES_EXHAUSTED, "9" * 900]
    return a_round(
        review=review,
        number=draw(st.integers(1, 10**6)),
        unchanged=draw(st.booleans()),
        state=state,
        decision=a_decision(draw(verdicts), by=Person("U1", draw(names))) if decided else None,
        answer=draw(st.one_of(long_texts, st.sampled_from([ENDED, NEWER_OUTPUT, TOOK_EFFECT]))),
        answer_code=draw(st.sampled_from(codes)),
    )


@st.composite
def views(draw: st.DrawFn) -> CardView:
    output = Output(draw(long_texts), draw(st.sampled_from(Format)))
    return CardView(draw(rounds()), output, draw(st.one_of(st.none(), rounds())))


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def strings(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def check(message: Message, *, may_mention: frozenset[str] = frozenset({"@U1"})) -> None:
    """Hold a message against Slack's limits and against what outsiders may not do in it."""
    assert message_problems(message.blocks) == []
    assert text_size(message.blocks) <= BUDGET
    # Every string there is, ids and types too, in the longest way to count.
    assert sum(utf16(text) for text in strings(message.blocks)) <= BUDGET + 400
    assert len(message.blocks) <= 50
    assert message.text.strip()
    assert utf16(message.text) < 4_000
    assert "<" not in message.text
    found = list(pieces(message.blocks))
    assert set(mentions(found)) <= may_mention
    assert list(disguised_links(found)) == []


def read(message: Message) -> str:
    return "\n".join(piece.text for piece in pieces(message.blocks))


def buttons(message: Message) -> list[tuple[str, str]]:
    return [
        (element["action_id"], element["value"])
        for block in message.blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]


# --- cards ---------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=100)
@given(views())
def test_a_card_is_within_the_limits_and_calls_nobody_whatever_was_written(view: CardView) -> None:
    for message in (render_card(view, now=NOW), render_card_plain(view, now=NOW)):
        check(message)
        if view.round.state is State.WAITING:
            assert buttons(message) == [(ids.APPROVE, "round"), (ids.REVISE, "round")]
        elif view.round.state is State.STUCK:
            assert buttons(message) == [(ids.RETRY, "round")]
        else:
            assert buttons(message) == []


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
        decision=a_decision(Revise(full[:3_000]), by=Person("U1", full)),
        answer=full,
        answer_code="401" if state is State.STUCK else "unknown",
    )
    view = CardView(round_, Output(full * 10, format_), replace(round_, number=999_998))
    check(render_card(view, now=NOW))
    check(render_card_plain(view, now=NOW))
    notice = render_stuck_notice(round_)
    assert (notice is None) == (state is State.DECIDED)
    if notice:
        check(notice)


def test_a_waiting_card_shows_the_output_as_written_and_two_buttons() -> None:
    message = render_card(a_view("## Findings\n\n- one\n"), now=NOW)
    assert message.text == "research: research_task, round 1 is waiting for a decision"
    assert not message.excerpted
    assert {"type": "markdown", "text": "## Findings\n\n- one\n"} in message.blocks
    approve, revise = message.blocks[-1]["elements"]
    assert (approve["text"]["text"], approve["style"]) == ("Approve", "primary")
    assert (revise["text"]["text"], "style" in revise) == ("Revise", False)


@pytest.mark.parametrize("text", ["", " \n\n", "\u200b", " " * 20_000])
def test_an_empty_output_is_said_plainly(text: str) -> None:
    message = render_card(a_view(text), now=NOW)
    assert "The output is empty" in read(message)
    assert not message.excerpted


def test_an_unchanged_output_is_said_loudly() -> None:
    assert "*Nothing changed.*" in read(render_card(a_view(number=2, unchanged=True), now=NOW))


@pytest.mark.parametrize("size", [3_001, 9_001, 12_001, 500_000])
@pytest.mark.parametrize("format_", list(Format))
def test_a_long_output_says_how_much_is_shown_and_where_the_rest_is(
    size: int, format_: Format
) -> None:
    text = ("word " * size)[: size - 1] + "!"
    message = render_card(CardView(a_round(), Output(text, format_)), now=NOW)
    check(message)
    assert message.excerpted == (size > 9_000)
    note = f"of {size:,} characters; the whole text is in the thread."
    assert (note in read(message)) == message.excerpted


def test_json_is_shown_in_a_fence_that_nothing_inside_can_end() -> None:
    output = Output('{\n  "a": "```\\n<!channel>"\n}', Format.JSON)
    message = render_card(CardView(a_round(), output), now=NOW)
    check(message)
    (shown,) = [block["text"] for block in message.blocks if block["type"] == "markdown"]
    assert shown.startswith("```json\n{")
    assert shown.endswith("}\n```")
    assert shown.count("```") == 2


def test_a_new_round_shows_what_was_asked_for() -> None:
    asked = a_round(state=State.RESUMED, decision=a_decision(Revise("shorter & <b>")))
    view = CardView(a_round(number=2), Output("text"), asked)
    shown = read(render_card(view, now=NOW))
    assert "In round 1 <@U1> asked for changes:\n> shorter &amp; &lt;b&gt;" in shown
    approved = replace(asked, decision=a_decision())
    assert "asked for" not in read(render_card(replace(view, previous=approved), now=NOW))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"state": State.DECIDED}, "Approved by <@U1>, telling the crew…"),
        (
            {"state": State.DECIDED, "decision": a_decision(Approve("mind the gap"))},
            "Approved by <@U1> with a comment, telling the crew…\n> mind the gap",
        ),
        (
            {"state": State.DECIDED, "decision": a_decision(Revise("a\nb"))},
            "<@U1> asked for changes, telling the crew…\n> a\n> b",
        ),
        (
            {"state": State.DECIDED, "answer_code": "not_sent", "answer": "connection refused"},
            "The crew can't be reached: connection refused. Trying again by itself.",
        ),
        (
            {"state": State.DECIDED, "answer_code": "unknown", "answer": "no answer in 30 s"},
            "The crew did not answer: no answer in 30 s. Looking for a sign",
        ),
        (
            {"state": State.RESUMED, "answer": "resumed: going on"},
            "Approved by <@U1>. Sent: the crew says “resumed: going on”.",
        ),
        ({"state": State.RESUMED}, "Approved by <@U1>. Sent."),
        ({"state": State.RESUMED, "answer": TOOK_EFFECT}, f"Sent: {TOOK_EFFECT}."),
        (
            {"state": State.STUCK, "answer_code": "401", "answer": "Unauthorized"},
            "The crew says “Unauthorized” (401). The crew does not accept the token",
        ),
        (
            {"state": State.STUCK, "answer_code": "404", "answer": "gone"},
            "does not know this execution any more",
        ),
        ({"state": State.STUCK, "answer_code": "400", "answer": "no"}, "is not waiting for this"),
        ({"state": State.STUCK, "answer_code": "422", "answer": "no"}, "could not read"),
        ({"state": State.STUCK, "answer_code": "418", "answer": "no"}, "Look at the crew's log"),
        ({"state": State.STUCK, "answer_code": "403"}, "The crew refused it (403) and did not say"),
        (
            {"state": State.STUCK, "answer_code": RETRIES_EXHAUSTED, "answer": "refused"},
            "It was not reachable for a day: refused. Press Retry",
        ),
        (
            {"state": State.SUPERSEDED, "decision": None},
            "A newer output came; round 2 takes its place.",
        ),
        ({"state": State.CLOSED, "decision": None, "answer": ENDED}, f"Closed: {ENDED}."),
        (
            {"state": State.CLOSED, "answer": NEWER_OUTPUT},
            f"Approved by <@U1>, but {NEWER_OUTPUT}. It was not sent. Round 2 takes its place.",
        ),
        (
            {"state": State.CLOSED, "answer": ENDED, "in_doubt_since": NOW},
            f"but {ENDED}. It may not have been taken.",
        ),
    ],
)
def test_a_card_says_what_is_true_now(changes: dict[str, Any], says: str) -> None:
    message = render_card(a_view(**{"decision": a_decision(), **changes}), now=NOW)
    check(message)
    assert says in read(message)
    assert "## Findings" in read(message)


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (State.DECIDED, "was approved by Ana, telling the crew"),
        (State.RESUMED, "was approved by Ana and the crew has been told"),
        (State.STUCK, "was approved by Ana, but the crew did not take it"),
        (State.CLOSED, "was approved by Ana, but is closed"),
    ],
)
def test_a_notification_is_useful_by_itself(state: State, says: str) -> None:
    message = render_card(a_view(state=state, decision=a_decision()), now=NOW)
    assert message.text == f"research: research_task, round 1 {says}"


def test_a_plain_card_leaves_out_what_the_agent_wrote() -> None:
    view = a_view("SECRET", review=a_review(agent="SECRET", expected_output="SECRET"))
    message = render_card_plain(view, now=NOW)
    assert "SECRET" not in read(message)
    assert "Slack could not show this output; it is attached as a file." in read(message)
    assert message.excerpted


@pytest.mark.parametrize(
    ("title", "format_", "name"),
    [
        ("research_task", Format.MARKDOWN, "research_task-round-2.md"),
        ("../../etc/passwd", Format.JSON, "etc-passwd-round-2.json"),
        ("задача", Format.MARKDOWN, "output-round-2.md"),
        ("x" * 512, Format.MARKDOWN, "x" * 80 + "-round-2.md"),
    ],
)
def test_a_file_has_a_safe_name(title: str, format_: Format, name: str) -> None:
    view = CardView(a_round(number=2, review=a_review(task_id=title)), Output("x", format_))
    assert file_name(view) == name


@settings(deadline=None, max_examples=25)
@given(views())
def test_file_names_and_titles_are_safe_whatever_the_task_is_called(view: CardView) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}-round-[0-9]+\.(md|json)", file_name(view))
    assert "\n" not in file_title(view)
    assert len(file_title(view)) < 300


# --- the form ------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=100)
@given(views(), long_texts)
def test_the_form_is_within_the_limits_whatever_was_written(view: CardView, feedback: str) -> None:
    modal = render_revise_modal(view, feedback=feedback)
    assert view_problems(modal) == []
    assert set(mentions(pieces(modal["blocks"]))) == set()


def test_the_form_asks_for_feedback_and_shows_the_output() -> None:
    modal = render_revise_modal(a_view("## Findings"), feedback="so far")
    assert modal["callback_id"] == ids.REVISE_MODAL
    assert modal["private_metadata"] == "round"
    assert (modal["submit"]["text"], modal["close"]["text"]) == ("Send", "Cancel")
    (question,) = [block for block in modal["blocks"] if block["type"] == "input"]
    assert question["block_id"] == question["element"]["action_id"] == ids.FEEDBACK
    assert question["element"]["initial_value"] == "so far"
    assert question["element"]["focus_on_load"] is True
    texts_shown = [piece.text for piece in pieces(modal["blocks"])]
    assert "*research: research_task* · Round 1" in texts_shown
    assert "Findings" in texts_shown


def test_the_form_has_nothing_to_fill_in_or_to_show_when_there_is_nothing() -> None:
    modal = render_revise_modal(a_view(""))
    assert [block["type"] for block in modal["blocks"]] == ["context", "input"]
    assert "initial_value" not in modal["blocks"][1]["element"]


# --- lists ---------------------------------------------------------------------------------------


def linked(ref: MessageRef) -> str | None:
    return f"https://example.slack.com/archives/{ref.channel}/p1?thread_ts={ref.ts}&cid=C1"


def unlinked(_: MessageRef) -> str | None:
    return None


lines = st.lists(
    st.tuples(rounds(), st.sampled_from([None, REF])).map(lambda made: RoundLine(*made)),
    max_size=5,
).map(lambda some: tuple(some * 30))


@settings(deadline=None, max_examples=25)
@given(lines)
def test_lists_are_within_the_limits_however_much_there_is(some: tuple[RoundLine, ...]) -> None:
    progress = Progress(CrewStatus.RUNNING, "running", "<!channel>" * 99, 2, 3, "<@U666>" * 99)
    check(render_pending(Pending(some, len(some)), now=NOW, mine=False, link=unlinked))
    check(render_overview(some, now=NOW, link=unlinked))
    view = ExecutionView("<@U666>" * 99, "<!here>" * 99, some, progress)
    check(render_execution(view, now=NOW, link=unlinked))
    candidates = [(line.round.review.crew, line.round.review.execution_id) for line in some]
    check(render_ambiguous("<!channel>" * 99, candidates))
    check(render_unknown_execution("<!channel>" * 99))


def test_pending_names_the_oldest_first_with_a_link_and_how_long_it_waited() -> None:
    line = RoundLine(a_round(opened_at=NOW - timedelta(hours=2, minutes=5)), REF)
    message = render_pending(Pending((line,), 4), now=NOW, mine=True, link=linked)
    assert message.text == "4 reviews wait for you for a decision"
    shown = read(message)
    assert (
        "• <https://example.slack.com/archives/C1/p1?thread_ts=1.0&amp;cid=C1|"
        "research: research_task> · round 1 · waiting for 2 h 5 min"
    ) in shown
    assert "and 3 more" in shown


def test_nothing_pending_is_said() -> None:
    empty = Pending((), 0)
    assert render_pending(empty, now=NOW, mine=False, link=linked).text == "Nothing waits."
    assert render_pending(empty, now=NOW, mine=True, link=linked).text == "Nothing waits for you."


def test_one_that_waits_is_singular() -> None:
    message = render_pending(
        Pending((RoundLine(a_round(), None),), 1), now=NOW, mine=False, link=linked
    )
    assert message.text == "1 review waits for a decision"


@pytest.mark.parametrize("url", ["https://a.example/|<!channel>", "https://a.example/" + "x" * 999])
def test_a_link_that_could_do_harm_is_left_out(url: str) -> None:
    line = RoundLine(a_round(), REF)
    message = render_pending(Pending((line,), 1), now=NOW, mine=False, link=lambda _: url)
    assert "a.example" not in read(message)


def test_what_does_not_fit_is_counted() -> None:
    many = tuple(RoundLine(a_round(number=n), REF) for n in range(1, 501))
    message = render_pending(Pending(many, 700), now=NOW, mine=False, link=linked)
    shown = read(message).count("• ")
    assert 50 < shown < 500
    assert f"and {700 - shown} more" in read(message)
    execution = ExecutionView("research", "7f1c2a34", many, CrewUnavailable("2 s"))
    answer = read(render_execution(execution, now=NOW, link=linked))
    assert "|Round 500 of research_task>" in answer
    assert "|Round 1 of research_task>" not in answer
    assert "earlier rounds left off" in answer
    apart = [replace(many[0], round=a_round(review=a_review(execution_id=str(n)))) for n in many]
    overview = render_overview(apart, now=NOW, link=unlinked)
    check(overview, may_mention=frozenset())
    assert re.search(r"and [0-9]+ more", read(overview))
    assert "There are more" in read(overview)
    few = read(render_overview(many[:5], now=NOW, link=linked))
    assert "and 2 more" in few
    assert "There are more" not in few
    candidates = [("research", f"{n}" * 20) for n in range(900)]
    assert re.search(r"and [0-9]+ more", read(render_ambiguous("7", candidates)))


@pytest.mark.parametrize(
    ("progress", "says"),
    [
        (
            Progress(CrewStatus.RUNNING, "running", "write", 2, 3),
            "▓▓▓▓▓▓▓▓░░░░ 2 of 3 tasks · now at write",
        ),
        (Progress(CrewStatus.RUNNING, "running", None, 0, 1), "░░░░░░░░░░░░ 0 of 1 task"),
        (Progress(CrewStatus.RUNNING, "running", None, 9, 3), "▓▓▓▓▓▓▓▓▓▓▓▓ 3 of 3 tasks"),
        (Progress(CrewStatus.RUNNING, "running", None, 1, 0), "The crew says “running”"),
        (Progress(CrewStatus.COMPLETED, "completed"), "The crew says “completed”"),
        (Progress(CrewStatus.COMPLETED, "completed", None, 3, 3), "3 of 3 tasks · completed"),
        (
            Progress(CrewStatus.FAILED, "error", error="boom & bust"),
            "“error” · the error: boom &amp; bust",
        ),
        (CrewUnavailable("2 s"), "The crew does not answer (2 s)."),
    ],
)
def test_an_execution_shows_what_the_crew_says(
    progress: Progress | CrewUnavailable, says: str
) -> None:
    view = ExecutionView("research", "7f1c2a34", (), progress)
    message = render_execution(view, now=NOW, link=linked)
    shown = read(message)
    assert says in shown
    assert "*research* · `7f1c2a34`" in shown
    assert "Nothing has come for review yet." in shown


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"state": State.WAITING, "decision": None}, "waiting, came just now"),
        ({"state": State.SUPERSEDED, "decision": None}, "replaced by a newer output"),
        ({"state": State.CLOSED, "decision": None}, "closed"),
        ({"state": State.CLOSED, "answer": ENDED}, f"approved by <@U1> 2 min ago, closed: {ENDED}"),
        ({"state": State.DECIDED}, "approved by <@U1> 2 min ago, telling the crew…"),
        ({"state": State.RESUMED}, "approved by <@U1> 2 min ago, taken by the crew"),
        (
            {"state": State.STUCK, "decision": a_decision(Revise("x")), "answer": "no"},
            "sent back for changes by <@U1> 2 min ago, *stuck*: no",
        ),
    ],
)
def test_a_round_in_a_list_says_where_it_is(changes: dict[str, Any], says: str) -> None:
    line = RoundLine(a_round(**{"decision": a_decision(), **changes}), None)
    view = ExecutionView("research", "7f1c2a34", (line,), CrewUnavailable("2 s"))
    shown = read(render_execution(view, now=NOW, link=linked))
    assert f"Round 1 of research_task · {says}" in shown
    assert says in read(render_overview([line], now=NOW, link=linked))


def test_an_id_with_a_backtick_is_not_put_into_code() -> None:
    view = ExecutionView("*bold*", "a`b", (), CrewUnavailable("2 s"))
    assert read(render_execution(view, now=NOW, link=linked)).startswith("*bold* · a`b")


def test_help_and_empty_lists_are_within_the_limits() -> None:
    check(render_help())
    check(render_overview([], now=NOW, link=linked))
    for command in ("pending", "pending mine", "status", "help"):
        assert f"`/crew {command}" in read(render_help())


# --- messages that stay --------------------------------------------------------------------------


def test_the_reviewer_is_told_once_that_a_decision_is_stuck() -> None:
    stuck = a_round(
        state=State.STUCK, decision=a_decision(), answer="Unauthorized", answer_code="401"
    )
    message = render_stuck_notice(stuck)
    assert message is not None
    check(message)
    assert read(message).count("<@U1>") == 1
    assert "The Retry button is on the card." in read(message)
    overtaken = render_stuck_notice(replace(stuck, state=State.CLOSED, answer=NEWER_OUTPUT))
    assert overtaken is not None
    assert f"was not sent: {NEWER_OUTPUT}. Round 2 takes its place." in read(overtaken)


@pytest.mark.parametrize("state", [State.WAITING, State.DECIDED, State.RESUMED])
def test_nobody_is_told_of_what_is_no_longer_stuck(state: State) -> None:
    decision = None if state is State.WAITING else a_decision()
    assert render_stuck_notice(a_round(state=state, decision=decision)) is None


@settings(deadline=None, max_examples=100)
@given(names, names, st.one_of(st.binary(max_size=200), long_texts.map(repr).map(str.encode)))
def test_a_letter_is_within_the_limits_whatever_came(crew: str, reason: str, body: bytes) -> None:
    check(
        render_dead_letter(DeadLetter("letter", crew, reason, body, NOW)), may_mention=frozenset()
    )


def test_a_letter_shows_the_beginning_of_what_came() -> None:
    dead_letter = DeadLetter(
        "letter", "research", "task_id is missing.", b'{"a": "```<!here>"}', NOW
    )
    shown = read(render_dead_letter(dead_letter))
    assert "*research* could not be understood: task_id is missing. It may" in shown
    assert shown.count("```") == 2
    assert "This is the beginning" not in shown
    long = replace(dead_letter, body="é<".encode() * 2_000)
    assert "This is the beginning; 6,000 bytes came." in read(render_dead_letter(long))
    assert "```" not in read(render_dead_letter(replace(dead_letter, body=b" ")))


# --- private answers -----------------------------------------------------------------------------


def test_who_may_decide_is_said_to_whom_may_not() -> None:
    said = shared.not_a_reviewer(
        "research", [User("U1"), UserGroup("S1"), Email("<lead>@example.com")]
    )
    assert said == (
        "You are not a reviewer of research, so nothing was recorded. "
        "These may: <@U1>, <!subteam^S1>, &lt;lead&gt;@example.com."
    )
    many = shared.not_a_reviewer("research", [User("U1")] * 25, uncertain=True)
    assert "could not find out" in many
    assert "5 more" in many
    nobody = shared.not_a_reviewer("research", [])
    assert nobody == "You are not a reviewer of research, so nothing was recorded."
    assert "your text was not sent" in shared.not_a_reviewer_plain("research")
    assert "Try again" in shared.not_a_reviewer_plain("research", uncertain=True)


@pytest.mark.parametrize(
    ("error", "said", "plainly"),
    [
        (AlreadyDecided(a_decision()), "<@U1> approved this 2 min ago.", "Ana approved this"),
        (
            AlreadyDecided(a_decision(Revise("x"))),
            "<@U1> asked for changes 2 min ago.",
            "Ana asked for changes 2 min ago.",
        ),
        (RoundSuperseded(), "A newer output came in the meantime.", "A newer output came"),
        (RoundClosed(ENDED), f"This is closed: {ENDED}.", f"This is closed: {ENDED}."),
        (NotWaiting(), "This takes no decision any more.", "This takes no decision any more."),
    ],
)
def test_the_slower_person_is_told_why(error: NotWaiting, said: str, plainly: str) -> None:
    assert shared.too_late(error, NOW).startswith(said)
    in_modal = shared.too_late_plain(error, NOW)
    assert in_modal.startswith(plainly)
    assert in_modal.endswith("Your text was not sent.")


def test_a_crew_that_was_taken_out_of_the_settings_is_named() -> None:
    assert shared.unknown_crew("<!here>").startswith("&lt;!here&gt; is not set up here")
    assert shared.unknown_crew_plain("research").endswith("Your text was not sent.")


def test_a_person_without_a_user_id_is_named() -> None:
    error = AlreadyDecided(a_decision(by=Person("<!here>", "Ana <b>")))
    assert shared.too_late(error, NOW).startswith("Ana &lt;b&gt; approved")


def test_feedback_that_is_too_long_says_by_how_much() -> None:
    assert shared.feedback_too_long(3_412) == (
        "Slack takes up to 3,000 characters. Shorten this by 412."
    )
