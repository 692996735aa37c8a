"""Calls of tools on cards and in the form that changes their arguments: what is shown, and how."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewgate.domain.acts import Argument, CallResult, CallState, Contradiction, Kind, ToolCall
from crewgate.domain.caveats import Caveats, Draft, Unseen
from crewgate.domain.masking import FINDERS, NOTHING, Masking
from crewgate.domain.masking import Kind as Kinds
from crewgate.domain.notification import Output, Question
from crewgate.domain.people import User
from crewgate.domain.reason import (
    AnsweredElsewhere,
    EditedBy,
    Expired,
    NeverSent,
    RanEarlier,
    Reason,
)
from crewgate.domain.review import State
from crewgate.domain.verdict import Answer, Approve, ByRule, Refuse, Verdict, Via
from crewgate.slack.commands import render_pending
from crewgate.slack.metadata import ReaderPosition, ReaderTab
from crewgate.slack.reviews.card import render_card, render_direct_message
from crewgate.slack.reviews.forms import render_confirmation, render_revise_form
from crewgate.slack.reviews.notices import Scene, render_call_alarm
from crewgate.slack.reviews.output import arguments_on_card, decided_on, preview
from crewgate.slack.reviews.reader import render_reader
from crewgate.slack.reviews.standing import Briefing
from crewgate.slack.reviews.tool_calls import (
    fields_of_call,
    render_change_form,
)
from crewgate.slack.words.states import headline_in_list, in_list, outcome, push
from crewgate.usecases.read_models import CardView, MessageRef, NewerRound, QueuePart, RoundLine
from tests.builders import ANA, BEN, LATER, a_decision, a_review, a_round, a_rule, a_vote
from tests.repo.call_cards import CALL, MAIL, WAITS, arguments
from tests.slack.home.test_messages import a_queue, home
from tests.slack.rendering import check_message, check_view, long_texts, names, read, shown, texts

values = st.recursive(
    st.one_of(long_texts, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False)),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(texts, inside, max_size=3),
    max_leaves=4,
)
calls = st.builds(
    ToolCall,
    names,
    may_have_run=st.booleans(),
    filled_in=st.lists(texts, max_size=30).map(tuple),
    other_names=st.lists(names, max_size=3).map(tuple),
    earlier=st.none() | st.builds(CallResult, st.sampled_from(CallState), texts),
    arguments=st.just((Argument("to", Kind.TEXT), Argument("n", Kind.FLAG, required=True))),
)
given_arguments = st.dictionaries(texts | st.sampled_from(["to", "n"]), values, max_size=6).map(
    lambda found: arguments(**found)
)


RAN = CallResult(CallState.RAN, "Sent as 17.")


def a_call(output: Output = MAIL, **changes: Any) -> CardView:
    view = replace(WAITS, output=output, reviewers=())
    return replace(view, round=replace(WAITS.round, **changes))


@given(calls, given_arguments, given_arguments, st.sampled_from(State), texts)
@settings(max_examples=60)
def test_any_call_is_a_card_that_slack_takes(
    call: ToolCall, now: Output, before: Output, state: State, words: str
) -> None:
    decided = {State.DECIDED, State.RESUMED, State.STUCK}
    view = replace(
        a_call(
            now,
            subject=call,
            state=state,
            decision=a_decision(Approve(), via=Via.CHANGE) if state in decided else None,
            call_result=CallResult(CallState.RAN, words) if state is State.RESUMED else None,
            edited_by=ANA,
            review=a_review(agent=words, task_name=words),
        ),
        before=before,
    )
    message = render_card(view, now=LATER)
    check_message(message)


@given(given_arguments)
@settings(max_examples=60)
def test_the_form_of_any_call_is_one_that_slack_takes(output: Output) -> None:
    fields = fields_of_call(a_call(subject=CALL).round, output, NOTHING)
    if fields is not None:
        view = a_call(output)
        check_view(
            render_change_form(Briefing(view=view, caveats=Caveats()), fields, fields.values)
        )


def test_a_card_says_what_the_tool_filled_in_and_what_became_of_the_call_before() -> None:
    call = replace(
        CALL, filled_in=("cc", "*urgent*", "to.0.country"), may_have_run=True, earlier=RAN
    )
    shown = str(render_card(a_call(subject=call), now=LATER).blocks)
    assert "Filled in by the tool: `cc`, `*urgent*` and `to.0.country`" in shown
    assert "*This was done already.* It ran and returned: “Sent as 17.”" in shown
    assert "may have been" not in shown


def test_a_card_names_a_tool_as_its_mcp_server_does() -> None:
    """CrewAI's name has the server's command in it, and is cut."""
    cut = "shop_y_modelcontextprotocol_server_everything_for_the_s_795ae92b"
    call = replace(CALL, tool=cut, other_names=(f"{cut[:50]}_and_more_purchase", "", "purchase"))
    view = a_call(subject=call)
    message = render_card(view, now=LATER)
    decided = a_call(subject=call, state=State.RESUMED, decision=a_decision(Approve()))
    assert "wants to use `purchase`" in str(message.blocks[0])
    assert f"The agent calls it `{cut}`" in str(message.blocks)
    assert "wants to use purchase" in message.text
    assert cut not in message.text
    assert "purchase" in str(render_card(decided, now=LATER).blocks[0])
    assert "calls it" not in str(render_card(a_call(subject=CALL), now=LATER).blocks)


@pytest.mark.parametrize(
    ("unseen", "says"),
    [
        ({}, "was"),
        ({"masks_unseen": True}, "was not shown what is masked"),
        ({"looked_seconds": 1}, "looked at it for 1 s"),
        ({"shown_little": 40}, "was shown 40 %"),
    ],
)
def test_a_card_whose_arguments_others_replaced_says_which_and_what_was_unseen(
    unseen: dict[str, Any], says: str
) -> None:
    came, given_ = arguments(to="bob", amount=5_000), arguments(to="bob", amount=6_000)
    replaced = EditedBy(ANA)
    before = a_call(came, subject=CALL, state=State.SUPERSEDED, reason=replaced)
    decision = a_decision(Approve(), by=ANA, via=Via.CHANGE, **unseen)
    changed = a_call(given_, subject=CALL, state=State.RESUMED, decision=decision, edited_by=ANA)
    newer = NewerRound(replace(changed.round, number=2), MessageRef("C1", "1.0", "1.0"))
    text = shown(render_card(replace(before, newer=newer, after=given_), now=LATER).blocks)
    assert "amount: 6000 (was 5000)" in text
    assert (f"<@U0ANA> {says}" in text) is bool(unseen)
    waits = replace(newer.round, state=State.WAITING, decision=None)
    again = replace(before, newer=replace(newer, round=waits), after=given_)
    assert "amount: 6000 (was 5000)" in shown(render_card(again, now=LATER).blocks)
    assert "(was 5000)" not in shown(render_card(replace(before, newer=newer), now=LATER).blocks)


@pytest.mark.parametrize(
    ("unseen", "says"),
    [
        ({"masks_unseen": True}, "was not shown what is masked"),
        ({"looked_seconds": 1}, "looked at it for 1 s"),
        ({"shown_little": 40}, "was shown 40 %"),
    ],
)
def test_the_check_mark_of_one_of_two_says_what_the_approver_left_unseen(
    unseen: dict[str, Any], says: str
) -> None:
    vote = a_vote(ANA, **unseen)
    waits = a_call(subject=CALL, rule=a_rule(approvals=2), votes=(vote,))
    told = read(render_card(waits, now=LATER))
    assert f":heavy_check_mark: 1 of 2: <@U0ANA>; <@U0ANA> {says}" in told


def test_a_tool_that_returns_its_errors_is_not_said_to_have_run() -> None:
    result = CallResult(CallState.RAN, "Error: no.", unsure=True)
    view = a_call(subject=CALL, state=State.RESUMED, decision=a_decision(), call_result=result)
    assert "It returned: “Error: no.”" in str(render_card(view, now=LATER).blocks)


def test_a_card_says_that_its_call_ran_by_an_earlier_approval() -> None:
    call = replace(CALL, may_have_run=True, was_tried=True)
    waits = str(render_card(a_call(subject=call), now=LATER).blocks)
    assert "*This may have been done already:* an earlier approval of it may have arrived." in waits
    ended: dict[str, Any] = {"state": State.CLOSED, "reason": RanEarlier(), "call_result": RAN}
    view = a_call(subject=call, **ended)
    card = str(render_card(view, now=LATER).blocks)
    assert "send_email ran by an earlier approval" in card
    assert "It ran and returned: “Sent as 17.” An earlier round had approved it." in card
    assert in_list(view.round, LATER) == "closed: it ran by the approval of an earlier round"
    refused = a_call(subject=call, decision=a_decision(Refuse("No."), by=ANA), **ended)
    card = str(render_card(refused, now=LATER).blocks)
    assert "<@U0ANA>'s refusal of send_email came too late" in card
    assert "It ran and returned: “Sent as 17.”" in card


@pytest.mark.parametrize("reason", [AnsweredElsewhere("Not pending."), Expired(), NeverSent()])
def test_a_card_says_that_its_call_ran_however_it_was_closed(reason: Reason) -> None:
    closed: dict[str, Any] = {"state": State.CLOSED, "reason": reason, "call_result": RAN}
    view = a_call(subject=CALL, decision=a_decision(), **closed)
    assert "It ran and returned: “Sent as 17.”" in str(render_card(view, now=LATER).blocks)
    withdrawn = replace(RAN, state=CallState.CLOSED)
    view = a_call(subject=CALL, decision=a_decision(), **closed | {"call_result": withdrawn})
    assert "Sent as 17." not in str(render_card(view, now=LATER).blocks)


def test_each_surface_says_that_a_call_may_have_been_done_already() -> None:
    view = a_call(subject=replace(CALL, may_have_run=True))
    fields = fields_of_call(view.round, MAIL, NOTHING)
    assert fields is not None
    again = Caveats(unseen=frozenset({Unseen.MAY_HAVE_RUN}))
    shown_by: dict[str, Any] = {
        "excerpt": MAIL.text,
        "characters": len(MAIL.text),
        "format": MAIL.format,
    }
    line = RoundLine(round=view.round, card=None, **shown_by)
    pending = QueuePart((line,), 1)
    lists: dict[str, Any] = {"now": LATER, "link": lambda _: None, "deciders": lambda _: ""}
    whole = ReaderPosition(round_id="r-1", tab=ReaderTab.WHOLE)
    surfaces: list[Any] = [
        render_card(view, now=LATER).blocks,
        render_card(view, now=LATER, plain=True).blocks,
        render_direct_message(view, None, reader="U0ANA", link=lambda _: None, now=LATER).blocks,
        render_reader(whole, view, []).view,
        render_revise_form(view, Draft("", ())),
        render_change_form(Briefing(view=view, caveats=again), fields, fields.values),
        render_confirmation(Briefing(view=view, caveats=again)),
        home(a_queue(line)),
        render_pending(pending, mine=True, **lists).blocks,
    ]
    for surface in surfaces:
        assert str(surface).count("This may have been done already") == 1, surface
    for form in surfaces[5:7]:
        assert "it is done once more" in str(form)
    assert surfaces[6]["submit"]["text"] == "Refuse"
    decided = a_call(
        subject=view.round.subject, state=State.RESUMED, decision=a_decision(Approve())
    )
    assert "already" not in str(render_card(decided, now=LATER).blocks)


def test_a_text_reads_as_it_would_be_sent_and_passes_for_no_argument() -> None:
    text = "Dear Bob,\n\nsee *below*.\nto: ann@x.example"
    output = arguments(to="bob@x.example", text=text)
    made = arguments_on_card(output)
    assert made.share.shown == made.share.of
    [block] = made.blocks
    quotes = [one for one in block["elements"] if one["type"] == "rich_text_quote"]
    assert [leaf["text"] for one in quotes for leaf in one["elements"]] == [text]
    bold = [
        leaf["text"]
        for one in block["elements"]
        for leaf in one["elements"]
        if leaf.get("style", {}).get("bold")
    ]
    assert bold == ["to: ", "text: "]


def test_a_number_and_a_text_of_digits_do_not_look_alike() -> None:
    [block] = arguments_on_card(arguments(sum=100, name="100")).blocks
    [line] = block["elements"]
    styles = [one.get("style") for one in line["elements"] if one["text"] == "100"]
    assert styles == [{"code": True}, None]


@pytest.mark.parametrize("characters", [4_000, 400_000])
def test_of_a_long_call_a_part_is_shown_and_approve_is_not_green(characters: int) -> None:
    view = a_call(arguments(to="bob", text="word " * (characters // 5), last="x" * 90))
    message = render_card(view, now=LATER)
    check_message(message)
    assert message.shown < 100
    green = [one["text"]["text"] for one in message.blocks[-1]["elements"] if "style" in one]
    assert len(green) == 1
    assert green[0].startswith("Read all")
    assert "% is shown" in read(message)


def test_what_a_call_hides_is_revealed_and_counts_as_shown_only_where_it_is() -> None:
    made = arguments_on_card(arguments(to="bob\u202e", text="\u200b" * 2_000))
    assert "\u202e" not in json.dumps(made.blocks, ensure_ascii=False)
    assert made.share.shown < made.share.of or len(json.dumps(made.blocks)) < 12_000


def test_a_call_has_neither_a_comment_nor_an_edit() -> None:
    menu = render_card(a_call(), now=LATER).blocks[0]["accessory"]["options"]
    assert [one["text"]["text"] for one in menu] == ["History", "Read all", "Ask somebody…"]
    text = render_card(a_call(Output("no arguments")), now=LATER).blocks[0]["accessory"]["options"]
    assert "Edit the text" not in str(text)


def test_change_is_there_only_where_the_host_takes_other_arguments() -> None:
    def labels(**changes: Any) -> list[str]:
        row = render_card(a_call(**changes), now=LATER).blocks[-1]["elements"]
        return [one["text"]["text"] for one in row]

    assert labels() == ["Approve", "Refuse", "Change", "I'm on it"]
    assert labels(takes_edits=False) == ["Approve", "Refuse", "I'm on it"]
    assert labels(subject=ToolCall("send_email")) == ["Approve", "Refuse", "I'm on it"]


def test_refusing_asks_for_words_to_the_agent() -> None:
    form = render_revise_form(a_call(), Draft("", ()))
    assert form["title"]["text"] == "Refuse"
    assert form["submit"]["text"] == "Refuse"
    assert "*Clerk* wants to use `send_email`" in shown(form["blocks"])
    assert MAIL.text not in shown(form["blocks"])
    check_view(form)


def test_a_call_is_named_in_lists_and_in_a_notification() -> None:
    assert push(WAITS.round, "Acme") == "Clerk wants to use send_email · Acme"
    line = RoundLine(round=WAITS.round, card=None)
    assert "*Clerk: send_email*" in headline_in_list(line, lambda _: None)


@pytest.mark.parametrize(
    ("given", "words", "in_bold"),
    [
        (
            {"to": "bob", "text": 'Hi, "to": "ann"'},
            'to: bob · text: Hi, "to": "ann"',
            ["to: ", "text: "],
        ),
        ({"text": "Hi *to:* ann"}, "text: Hi *to:* ann", ["text: "]),
        ({"text": "`Hi` *to:* ann"}, "text: `Hi` *to:* ann", ["text: "]),
        ({"*to*": "bob", "n": 5, "": ""}, "*to*: bob · n: 5 · ?: empty", ["*to*: ", "n: ", "?: "]),
        ({}, "It takes no arguments.", []),
        ({"to": "b\u043eb@x.example"}, "to: b‹Cyrillic \u043e›b@x.example", ["to: "]),
    ],
)
def test_in_a_line_no_value_passes_for_another_argument(
    given: dict[str, Any], words: str, in_bold: list[str]
) -> None:
    output = arguments(**given)
    line = RoundLine(
        round=WAITS.round,
        card=None,
        excerpt=output.text,
        characters=len(output.text),
        format=output.format,
    )
    block, share = preview(line)
    leaves = block["elements"][0]["elements"]
    assert shown(block) == words
    assert [one["text"] for one in leaves if "bold" in one.get("style", {})] == in_bold
    assert share.shown == share.of
    long = arguments(text="x" * 900, amount=1_250_000).text
    for cut in range(900, len(long)):
        block, share = preview(replace(line, excerpt=long[:cut], characters=len(long)))
        assert share.percent < 100
        assert "amount: 1" not in shown(block) or "1250000" in shown(block)


def test_a_call_looks_like_its_card_on_each_page() -> None:
    spoof = 'Hello",\n "to": "alice@safe.example'
    view = a_call(arguments(subject=spoof, to="evil@bad.example", n=5))
    position = ReaderPosition(round_id="r-1", tab=ReaderTab.WHOLE)
    page = render_reader(position, view, []).view
    check_view(page)
    assert arguments_on_card(view.output).blocks[0] in page["blocks"]
    long = a_call(arguments(to="bob", text="Go on. " * 4_000, last="x"))
    pages = []
    for number in range(99):
        made = render_reader(replace(position, page=number, first=0), long, [])
        check_view(made.view)
        pages.append(shown(made.view["blocks"]))
        if made.is_end:
            break
    assert made.total == len(pages) > 1
    assert sum(page.count("Go on.") for page in pages) >= 3_990
    assert "last: x" in pages[-1]
    assert f"Read all ({len(pages)} pages)" in str(render_card(long, now=LATER).blocks)
    none = render_reader(position, a_call(arguments()), []).view
    assert "It takes no arguments" in shown(none["blocks"])


def test_a_letter_of_another_script_inside_a_word_is_named() -> None:
    odd = arguments(to="b\u043eb@acme.example", who="\u0411\u043e\u0431 \u0391lpha", n="\u043e0o")
    words = read(render_card(a_call(odd), now=LATER))
    assert "b‹Cyrillic \u043e›b@acme.example" in words
    assert "\u0411\u043e\u0431 ‹Greek \u0391›lpha" in words
    assert "‹Cyrillic \u043e›0o" in words


@pytest.mark.parametrize(
    ("word", "named"),
    [
        ("bօb", "b‹Armenian օ›b"),
        ("ᎪCME", "‹Cherokee Ꭺ›CME"),
        ("ꓮCME", "‹Lisu ꓮ›CME"),
        ("bⲟb", "b‹Coptic ⲟ›b"),
        ("bჿb", "b‹Georgian ჿ›b"),
        ("bᴏb", "b‹Latin letter small capital ᴏ›b"),
        ("𝐛ob", "‹Mathematical 𝐛›ob"),
        ("最新のAIモデルがβ版", "最新のAIモデルがβ版"),
        (
            "\u0441\u043e\u0441\u043e@\u0440\u0430\u0441\u0435",
            "‹Cyrillic \u0441\u043e\u0441\u043e›@‹Cyrillic \u0440\u0430\u0441\u0435›",
        ),
    ],
)
def test_letters_that_look_like_others_are_named_in_values_and_names(word: str, named: str) -> None:
    card = render_card(a_call(arguments(to=word, text="Hello there")), now=LATER)
    assert named in read(card)
    assert named in card.text
    if "@" not in word:
        of_name = arguments(**{word: "x"})
        line = RoundLine(
            round=WAITS.round, card=None, excerpt=of_name.text, format=of_name.format, characters=40
        )
        assert named in read(render_card(a_call(of_name), now=LATER))
        assert f"{named}: x" in shown(preview(line)[0])


def test_the_notification_of_a_call_has_its_first_text() -> None:
    message = render_card(a_call(arguments(n=5, to="bob@acme.example", text="Hi.")), now=LATER)
    assert message.text.startswith("Clerk wants to use send_email: bob@acme.example")
    bare = render_card(a_call(arguments(n=5)), now=LATER)
    assert bare.text.startswith("Clerk wants to use send_email")


def test_a_card_shows_what_a_rule_decided_on_and_why() -> None:
    by = a_decision(Refuse("By hand."), by=ByRule("small sums"), via=Via.RULE)
    view = a_call(state=State.DECIDED, decision=by)
    message = render_card(view, now=LATER)
    check_message(message)
    assert "bob@x.example" in read(message)
    assert "\nBy hand." in read(message)
    linked = render_card(replace(view, run_url="https://runs.example.com/e-1"), now=LATER)
    assert read(linked).count("<https://runs.example.com/e-1|open run>") == 1
    removed = replace(view, round=replace(view.round, removed_at=LATER))
    assert "bob@x.example" not in read(render_card(removed, now=LATER))


def test_masks_are_numbered_in_the_form_and_the_text_is_sent() -> None:
    masking = Masking(("email",), (FINDERS["email"],))
    fields = fields_of_call(WAITS.round, arguments(to="bob@x.example", copies=2), masking)
    assert fields is not None
    assert fields.values == ("[e-mail address 1]", "2")
    assert fields.masks["[e-mail address 1]"] == "bob@x.example"


@pytest.mark.parametrize("pattern", ['"iban": "[^"]+"', '(?<=")acct_[12]'])
def test_where_a_mask_covers_a_name_the_other_arguments_are_shown_as_one_text(
    pattern: str,
) -> None:
    """Without the name it is no JSON, and two masked names are one."""
    finder = Kinds.OTHER, lambda text: (found.span() for found in re.finditer(pattern, text))
    masking = Masking(("/…/",), (finder,))
    others = {"iban": "DE89370400440532013000", "acct_1": 90_000, "acct_2": ["x@y.z"]}
    output = arguments(to="bob", copies=2, **others)
    fields = fields_of_call(WAITS.round, output, masking)
    assert fields is not None
    assert not fields.shows_all
    form = render_change_form(Briefing(view=a_call(output), caveats=Caveats()), fields, ("b", "2"))
    check_view(form)
    there = shown(form["blocks"])
    assert all(one in there for one in ("[masked]", "90000", "x@y.z"))
    assert not re.search(pattern, there)


def test_what_the_form_cannot_give_back_stays_as_it_is() -> None:
    assert fields_of_call(WAITS.round, arguments(to="a\u202eb", copies=True), NOTHING) is not None
    output = arguments(to="x" * 3_001, copies=2, cc=["ann"])
    fields = fields_of_call(WAITS.round, output, NOTHING)
    assert fields is not None
    assert [one.name for one in fields.arguments] == ["copies"]
    form = render_change_form(Briefing(view=a_call(output), caveats=Caveats()), fields, ("3",))
    check_view(form)
    assert "These stay as they are" in shown(form["blocks"])


@pytest.mark.parametrize(
    ("state", "decision", "why", "says"),
    [
        (State.CLOSED, None, Contradiction.UNDECIDED, "ran although nobody had approved it"),
        (State.RESUMED, Refuse("No."), Contradiction.REFUSED, "ran although it was refused"),
        (State.STUCK, Approve(), Contradiction.UNSENT, "ran before its approval was sent"),
        (State.RESUMED, Approve(), Contradiction.AGAIN, "ran twice on one approval"),
    ],
)
def test_a_call_that_must_not_have_run_is_an_alarm_wherever_it_is_named(
    state: State, decision: Verdict | None, why: Contradiction, says: str
) -> None:
    result = CallResult(CallState.RAN, "It is dropped.", why)
    decided = decision and a_decision(decision)
    view = a_call(state=state, call_result=result, decision=decided)
    card = render_card(view, now=LATER)
    check_message(card)
    told = "It ran and returned: “It is dropped.” That must not happen: look at the host"
    assert f":warning: *send_email {says}*" in read(card)
    assert told in read(card)
    assert says[4:] in card.text
    assert says in in_list(view.round, LATER)
    assert told in outcome(view.round)
    scene = Scene(
        view=view,
        card=None,
        operators=(User(BEN.id),),
        assigned=(),
        added=(),
        link=lambda _: "",
        now=LATER,
    )
    notice = render_call_alarm(scene)
    assert notice is not None
    check_message(notice)
    assert says in read(notice)
    assert "<@U0BEN>: stop what runs calls" in read(notice)
    assert render_call_alarm(replace(scene, view=a_call())) is None


@pytest.mark.parametrize("verdict", [Approve(), Refuse("Not signed yet.")])
def test_a_decided_call_shows_what_was_done_in_a_line(verdict: Verdict) -> None:
    decided = a_call(subject=CALL, state=State.RESUMED, decision=a_decision(verdict))
    card = read(render_card(decided, now=LATER))
    assert "bob@x.example\n · \ntext: \nDear Bob" in card
    removed = replace(decided, round=replace(decided.round, removed_at=LATER))
    assert "bob@x.example" not in read(render_card(removed, now=LATER))
    long = replace(decided, output=arguments(text="word " * 200, to="x@y.example"))
    assert shown(decided_on(long)).endswith("…")
    assert len(shown(decided_on(long))) < 200
    assert shown(decided_on(replace(decided, output=Output("A draft.")))) == "…"


def test_an_answer_shows_its_question() -> None:
    asked = a_call(
        subject=Question(request_id=""),
        output=Output("Which colour?"),
        state=State.RESUMED,
        decision=a_decision(Answer("Green.", is_label=False)),
    )
    assert "Which colour?" in read(render_card(asked, now=LATER))
    assert decided_on(replace(asked, round=a_round())) is None


@pytest.mark.parametrize(
    ("asks", "hides", "may_have_run", "masked"),
    [
        (True, False, False, 1),
        (False, True, False, 1),
        (False, False, True, 0),
        (False, False, False, 1),
        (True, True, False, 0),
    ],
)
def test_a_page_about_which_approve_asks_has_no_green_one(
    *, asks: bool, hides: bool, may_have_run: bool, masked: int
) -> None:
    call = ToolCall(tool="send_email", hides=hides, may_have_run=may_have_run)
    view = a_call(rule=a_rule(ask_about_masks=asks), subject=call)
    view = replace(view, masked=((FINDERS["email"][0], 1),) * masked)
    position = ReaderPosition(round_id="r-1", tab=ReaderTab.WHOLE)
    [approve, *_] = render_reader(position, view, []).view["blocks"][-1]["elements"]
    asked = may_have_run or (masked and (asks or hides))
    assert ("style" in approve) is not bool(asked)
