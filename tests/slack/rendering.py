"""The shared parts of tests of messages: nasty texts, rounds made of them, and Slack's limits."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from crewgate.demo.workspace.blocks import Piece, pieces
from crewgate.domain.letters import mixed_words
from crewgate.domain.notification import Format, Output
from crewgate.domain.people import Anyone, Email, ReviewerRef, User, UserGroup
from crewgate.domain.reason import (
    WHY_LIMIT,
    Answered,
    AnswerLost,
    Dismissed,
    ExecutionEnded,
    ExecutionFailed,
    ExecutionGone,
    Fetched,
    Inferred,
    NeverSent,
    NotCalled,
    NotFetched,
    NotReached,
    RefusedByCrew,
    RetriesExhausted,
)
from crewgate.domain.review import Round, State
from crewgate.domain.rules.absence import Absence
from crewgate.domain.rules.duration import Duration
from crewgate.domain.rules.rule import NO_RULE, Escalation, Rule, TimeOut, TimeoutAction
from crewgate.domain.verdict import Approve, Decision, Person, Revise, Via, Vote
from crewgate.slack.blockkit.blocks import Message
from crewgate.slack.reviews.notices import Scene
from crewgate.usecases.read_models import (
    Approvers,
    CardView,
    MessageRef,
)
from tests.builders import ANA, BEN, NOW, a_crew, a_decision, a_review, a_round
from tests.slack.blockkit.hostile import made_of
from tests.standins.limits import message_problems, text_size, view_problems
from tests.standins.links import disguised_links, mentions

REF = MessageRef("C1", "1.0", "1.0")
BUDGET = 12_000
REVIEWERS: tuple[ReviewerRef, ...] = (
    User(ANA.id),
    UserGroup("S1"),
    Email("<!here>@example.com"),
    Anyone(),
)
LINK = "https://demo.slack.com/archives/C1/p1"
"""The only link that a view may hide behind words: one to a card of ours."""
RUNS = a_crew(run_url="https://runs.example.com/{execution_id}?a=1&task={task_id}")
"""A crew with a page for each run; messages may link to these, whatever the ids are."""


def a_scene(view: CardView, **changes: Any) -> Scene:
    """All that a message about a round is rendered from."""
    known: dict[str, Any] = {
        "card": None,
        "operators": (),
        "assigned": (),
        "added": (),
        "link": lambda _: None,
        "now": NOW,
    }
    return Scene(view=view, **known | changes)


NASTY = (
    "<!channel> ",
    "<@U666>",
    "<https://evil.example|bank>",
    "[bank](https://evil.example)",
    "![x](https://evil.example/p.png)",
    "[ref]: https://evil.example",
    "&lt;!here&gt;",
    "```python\n",
    "```\n",
    "~~~\n",
    "`",
    "# Title\n",
    "| a | b |\n",
    "|---|---|\n",
    "- item\n",
    "  - [x] done\n",
    "3. three\n",
    "> quoted\n",
    "---\n",
    "\n\n",
    "    code\n",
    "**",
    "_",
    "\x00",
    "\u202e",
    "\ud800",
    "😀",
    "pаypal",
    "kΩ ",
    "שלום ",
    "word ",
    "```",
    "&",
    "*",
    "\n",
    "\r\n",
    "\u2029",
    "\x85",
    "\ufeff",
    "\U000e0041",
    "e\u0301\u0301\u0301",
    "[ref]: <x>\n'words'\n",
    "<!-- words -->",
    "[^1]: words\n",
    "1 \\| 2 | 3 |\n",
    "===\n",
    "words  \nnext\\\n",
    "&#65;&nbsp;",
    "10) ten\n",
    "> > - ",
)
texts = made_of(NASTY)


def repeated(*times: int) -> st.SearchStrategy[str]:
    """Nasty texts, repeated so many times."""
    return st.tuples(texts, st.sampled_from(times)).map(lambda made: made[0] * made[1])


long_texts = repeated(1, 40, 400, 4_000)
mid_texts = repeated(1, 1, 40, 100)
"""For what is compared or turned into rich text, which takes longer."""
outputs = st.builds(Output, mid_texts, st.sampled_from(Format))
names = st.one_of(texts, st.sampled_from(NASTY).map(lambda piece: piece * 512)).map(
    lambda name: name[:512]
)
verdicts = st.one_of(
    st.just(Approve()),
    texts.map(lambda comment: Approve(comment[:3_000] or None)),
    long_texts.map(lambda feedback: Revise(feedback[:3_000] or "x")),
)


def a_view(text: str = "## Findings", **changes: Any) -> CardView:
    return CardView(round=a_round(**changes), output=Output(text))


def a_named_round(**changes: Any) -> Round:
    """A round whose task has a name that is markup."""
    return a_round(review=a_review(task_name="<!channel> *x*"), **changes)


short_reasons = st.one_of(long_texts, names).map(lambda text: text[:WHY_LIMIT])
reasons = st.one_of(
    st.none(),
    st.builds(NotReached, long_texts),
    st.builds(AnswerLost, long_texts),
    st.builds(Answered, long_texts),
    st.builds(Inferred),
    st.builds(Fetched),
    st.builds(NotFetched),
    st.builds(NotCalled, st.sampled_from(["unreadable", "bad_url", "empty"]), long_texts),
    st.builds(RefusedByCrew, st.sampled_from(["", "400", "401", "404", "9" * 900]), long_texts),
    st.builds(RetriesExhausted, long_texts),
    st.builds(NeverSent),
    st.builds(Dismissed, st.builds(Person, st.just(BEN.id), names), short_reasons),
    st.builds(ExecutionEnded),
    st.builds(ExecutionFailed, long_texts),
    st.builds(ExecutionGone),
)


people = st.sampled_from([Person(ANA.id, "<!here> *x*"), BEN])
lasts = st.sampled_from(["30s", "15m", "1h", "3d", "1wh", "40wh"]).map(Duration.parse)
# As values: a strategy that is made for each example is examined for each, which is most of it.
rules = st.builds(
    Rule,
    name=names,
    approvals=st.integers(1, 50),
    self_approval=st.booleans(),
    unknown_starter=st.booleans(),
    target=st.none() | lasts,
    escalate=st.none() | st.builds(Escalation, lasts, st.sampled_from([(), REVIEWERS])),
    timeout=st.none() | st.builds(TimeOut, lasts, st.sampled_from(TimeoutAction)),
)
votes_of_people = st.builds(
    Vote, by=people, at=st.just(NOW), via=st.just(Via.BUTTON), on_behalf_of=st.none() | people
)


def _a_possible_round(
    state: State, decision: Decision, votes: list[Vote], *, was_decided: bool, **changes: Any
) -> Round:
    """A round with no more of this than its state allows."""
    rule: Rule = changes["rule"]
    missing = 0 if state is not State.WAITING else rule.approvals - 1
    decided = {State.DECIDED, State.RESUMED, State.STUCK, *([State.CLOSED] if was_decided else [])}
    return a_round(
        state=state,
        decision=decision if state in decided else None,
        votes=tuple(votes[:missing]),
        **changes,
    )


rounds = st.builds(
    _a_possible_round,
    state=st.sampled_from(State),
    decision=st.builds(a_decision, verdicts, by=st.builds(Person, st.just(ANA.id), names)),
    votes=st.lists(votes_of_people, max_size=2),
    was_decided=st.booleans(),
    rule=st.just(NO_RULE) | rules,
    review=st.builds(
        a_review,
        crew=names,
        execution_id=names,
        task_id=names,
        agent=names,
        expected_output=texts,
    ),
    number=st.integers(1, 10**6),
    unchanged=st.booleans(),
    reason=reasons,
    escalated_at=st.sampled_from([None, NOW]),
)
absences = st.builds(Absence, away=people, delegate=people, since=st.just(NOW), until=st.just(NOW))
approvers = st.builds(
    Approvers,
    st.sampled_from([(), (User(ANA.id),), (Email("<!here>@x"), User(BEN.id))]),
    not_told=st.booleans(),
    too_few=st.booleans(),
)


def _with_run(view: CardView) -> CardView:
    review = view.round.review
    return replace(view, run_url=RUNS.run_link(review.execution_id, review.task_id))


views = st.builds(
    CardView,
    round=rounds,
    output=st.builds(Output, long_texts, st.sampled_from(Format)),
    previous=st.none() | rounds,
    topic=names,
    starter=st.none() | st.builds(Person, st.just(ANA.id), names),
    given=st.lists(st.tuples(names, names), max_size=4).map(tuple),
    names=st.sampled_from([(), ((ANA.id, "<!here> *x*"),)]),
    reviewers=st.lists(st.sampled_from(REVIEWERS), max_size=5).map(tuple),
    absences=st.lists(absences, max_size=2).map(tuple),
    approvers=st.none() | approvers,
).map(_with_run)


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


def check_message(
    message: Message, *, may_mention: frozenset[str] = frozenset({f"@{ANA.id}", f"@{BEN.id}"})
) -> None:
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
    assert hidden_links(found) == set()
    check_letters(message.text, *(piece.text for piece in found))


def hidden_links(found: Iterable[Piece]) -> set[str]:
    """Return the addresses of links whose label differs, without those of runs."""
    return {
        link for link in disguised_links(found) if not link.startswith("https://runs.example.com/")
    }


def read(message: Message) -> str:
    return "\n".join(piece.text for piece in pieces(message.blocks))


def buttons(message: Message) -> list[tuple[str, str]]:
    return [
        (element["action_id"], element["value"])
        for block in message.blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]


def menu(message: Message) -> list[str]:
    """The entries of a card's menu."""
    return [option["text"]["text"] for option in message.blocks[0]["accessory"]["options"]]


def check_view(view: dict[str, Any], *, may_mention: frozenset[str] = frozenset()) -> None:
    """Hold a modal or Home against Slack's limits and against what outsiders may not do in it."""
    assert view_problems(view) == []
    found = list(pieces(view))
    assert set(mentions(found)) <= may_mention
    assert hidden_links(found) <= {LINK}
    check_letters(*(piece.text for piece in found))


def check_letters(*texts: str) -> None:
    """Fail for a word of two scripts that look alike in which no letters are named."""
    assert [word for text in texts for word in mixed_words(text)] == []


def shown(blocks: object) -> str:
    """Every text in these blocks, as it is read."""
    return "".join(piece.text for piece in pieces(blocks))
