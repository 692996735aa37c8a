"""The card of a call of a tool, and of an agent's question, drawn as lines of text.

`python -m tests.repo.call_cards >tests/repo/call_cards.txt` draws them anew.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from crewgate.domain.acts import Argument, CallResult, CallState, Kind, ToolCall, UsedTool
from crewgate.domain.notification import Ask, Format, Output, Question
from crewgate.domain.outcome import ResumeStatus
from crewgate.domain.reason import Answered, EditedBy, RefusedByCrew, Withdrawn
from crewgate.domain.review import State
from crewgate.domain.rules.duration import Duration
from crewgate.domain.verdict import Answer, Approve, ByRule, Decision, Refuse, TimedOut, Via
from crewgate.usecases.read_models import CardView
from tests.builders import a_decision, a_review, a_vote
from tests.repo.cards import ANA, AT, BEN, LATER, TWO, VIEW, in_channel


def arguments(**values: object) -> Output:
    return Output(json.dumps(values, indent=2, ensure_ascii=False), Format.JSON)


MAIL = arguments(
    to="bob@x.example",
    text="Dear Bob,\n\nthe batteries ship on Monday. Please *confirm* <@U0ANA>.\n\nClerk",
    copies=2,
)
CALL: Final = ToolCall(
    "send_email", arguments=(Argument("to", Kind.TEXT), Argument("copies", Kind.INTEGER))
)
WAITS = replace(
    VIEW,
    round=replace(
        VIEW.round,
        review=a_review(crew="post", task_id="send_email-1", task_name="mail", agent="Clerk"),
        subject=CALL,
        takes_edits=True,
    ),
    output=MAIL,
)
APPROVED = a_decision(Approve(), by=ANA, at=LATER)
TAKEN = Answered("The call runs, once", ResumeStatus.RESUMED)
RAN = CallResult(CallState.RAN, "Sent as message 17.")


def is_(state: State, view: CardView = WAITS, **changes: Any) -> CardView:
    return replace(view, round=replace(view.round, state=state, **changes))


def changed(state: State = State.RESUMED, **changes: Any) -> CardView:
    """The round with a person's arguments."""
    before = is_(State.SUPERSEDED, reason=EditedBy(ANA)).round
    output = arguments(to="ann@x.example", text="Dear Bob,\n\nno.", copies=2)
    edited = replace(WAITS, output=output, previous=before, before=MAIL)
    return is_(state, edited, number=2, edited_by=ANA, **changes)


def drawings() -> Iterator[tuple[str, list[str]]]:
    """Each state's name, and its lines."""
    yield "A call waits", in_channel(WAITS)
    again = is_(State.WAITING, subject=replace(CALL, may_have_run=True), takes_edits=False)
    yield "It may have been done already", in_channel(again)
    long = arguments(to="bob@x.example", text="Dear Bob,\n" + "the batteries ship. " * 300)
    yield "A long text", in_channel(replace(WAITS, output=long))
    odd = arguments(
        **{"a\nb": "x", "empty": "", "flag": True, "nothing": None, "to": ["ann", "bob"]}
    )
    yield "Other kinds of arguments", in_channel(replace(WAITS, output=odd))
    none = is_(State.WAITING, subject=ToolCall("restart"))
    yield "No arguments", in_channel(replace(none, output=arguments()))
    unread = is_(State.WAITING, subject=ToolCall(""))
    yield "A call that cannot be read", in_channel(replace(unread, output=Output("to: bob")))
    two = replace(WAITS, round=replace(WAITS.round, rule=TWO.round.rule))
    yield "A call needs two approvals", in_channel(two)
    yield "A call is approved", in_channel(is_(State.RESUMED, decision=APPROVED, reason=TAKEN))
    ran = is_(State.RESUMED, decision=APPROVED, reason=TAKEN, call_result=RAN)
    yield "It ran", in_channel(ran)
    failed = CallResult(CallState.FAILED, "Mailbox *full*")
    ended = is_(State.RESUMED, decision=APPROVED, reason=TAKEN, call_result=failed)
    yield "It failed", in_channel(ended)
    unused = CallResult(CallState.CLOSED, "The task is done, and needs no answer.")
    ended = is_(State.RESUMED, decision=APPROVED, reason=TAKEN, call_result=unused)
    yield "An approval was not used", in_channel(ended)
    refused = a_decision(Refuse("Bob has left.\nAsk Ann."), by=ANA, at=LATER)
    told = Answered("The agent is given your words", ResumeStatus.RESUMED)
    yield "Refused", in_channel(is_(State.RESUMED, decision=refused, reason=told))
    edit = a_decision(Approve(), by=ANA, at=LATER, via=Via.CHANGE)
    yield "Other arguments", in_channel(changed(decision=edit, reason=TAKEN, call_result=RAN))
    vote = a_vote(ANA, at=LATER)
    waits = changed(State.WAITING, rule=TWO.round.rule, votes=(vote,))
    yield "Other arguments, approved by one of two", in_channel(waits)
    misfit = RefusedByCrew("400", "The tool does not take this: to: not an address")
    closed = changed(State.CLOSED, decision=edit, reason=misfit, ended_at=LATER)
    yield "The tool does not take them", in_channel(closed)
    withdrawn = Withdrawn("The agent, started again, makes another call.")
    closed = is_(State.CLOSED, reason=withdrawn, ended_at=LATER)
    yield "Another call is made", in_channel(closed)
    by = TimedOut("mails", Duration.parse("3d"))
    late = Decision(
        verdict=Refuse("Nobody decided."), by=by, at=AT + timedelta(days=3), via=Via.RULE
    )
    yield (
        "Nobody decided on a call in time",
        in_channel(is_(State.RESUMED, decision=late, reason=told)),
    )
    allowed = Decision(verdict=Approve(), by=ByRule("small sums"), at=AT, via=Via.RULE)
    yield "Allowed by a rule", in_channel(is_(State.DECIDED, decision=allowed))
    ended = is_(State.RESUMED, decision=allowed, reason=TAKEN, call_result=RAN)
    yield "Allowed by a rule, and it ran", in_channel(ended)
    never = Decision(verdict=Refuse("Never by mail."), by=ByRule("no mail"), at=AT, via=Via.RULE)
    yield "Refused by a rule", in_channel(is_(State.RESUMED, decision=never, reason=told))
    yield from _others()


def _others() -> Iterator[tuple[str, list[str]]]:
    """Questions of agents, and a task whose tools are known."""
    question = Question(request_id="", ask=Ask(place="paint: ask_people"), outcomes=("red", "blue"))
    painter = a_review(crew="post", task_id="ask-people-1", task_name="paint", agent="Painter")
    asks = replace(
        VIEW,
        round=replace(VIEW.round, review=painter, subject=question),
        output=Output("Which colour?"),
    )
    yield "An agent asks", in_channel(asks)
    red = a_decision(Answer("red", is_label=True, to_crew=True), by=BEN, at=LATER)
    yield "It has its answer", in_channel(is_(State.RESUMED, asks, decision=red, reason=Answered()))
    used = (UsedTool("search", 4), UsedTool("send_email", 1, 1), UsedTool("buy", 3, 2))
    again = a_decision(Approve(), by=BEN, at=LATER)
    named = (("buy", again), ("send_email", APPROVED), ("buy", APPROVED), ("buy", again))
    allowed = Decision(verdict=Approve(), by=ByRule("small sums"), at=AT, via=Via.RULE)
    for calls, name in (
        ((), "Tools were used"),
        (named[:3], "Tools were used, and who approved them"),
        ((*named[1:3], ("buy", allowed)), "Tools were used, and a rule allowed one"),
        (named, "Tools were used, also for another task"),
    ):
        view = replace(VIEW, round=replace(VIEW.round, tools_used=used), approved_calls=calls)
        yield name, in_channel(view)


if __name__ == "__main__":
    for _name, _lines in drawings():
        print(f"== {_name}", *_lines, "", sep="\n")  # noqa: T201
