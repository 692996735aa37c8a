"""Stored values come back as they were, on both databases."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from crewgate.domain.acts import ToolCall
from crewgate.domain.errors import ChangedMeanwhile, RoundNotFound, RuleLost
from crewgate.domain.notification import Format, HumanInputWebhook, Output, Rewritten, WebhookUrls
from crewgate.domain.outcome import ResumeStatus
from crewgate.domain.reason import (
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
from crewgate.domain.rules.rule import NO_RULE
from crewgate.domain.verdict import Approve, Person, Revise, Via
from crewgate.store.engine import Engines
from crewgate.store.tables import outputs
from crewgate.store.unit_of_work import UnitOfWork
from crewgate.usecases.read_models import MessageRef, NewerRound
from tests.builders import (
    BEN,
    LATER,
    NOW,
    SECOND,
    a_dead_letter,
    a_decision,
    a_review,
    a_round,
    a_rule,
    an_effect,
    an_output,
    webhook_urls,
)

CARD = MessageRef("C1", "2.0", "1.0")


async def keep(
    uow: UnitOfWork,
    round_: Round,
    output: Output | None = None,
    carried: WebhookUrls | None = None,
) -> Round:
    """Store a round the way a notification does."""
    async with uow.begin() as tx:
        review = round_.review
        await tx.executions.open(review.crew, review.execution_id, at=round_.opened_at, activity=1)
        await tx.open_review(review)
        await tx.open_round(round_, output or an_output(), carried or WebhookUrls())
    return round_


async def save(uow: UnitOfWork, round_: Round) -> None:
    async with uow.begin() as tx:
        await tx.round(round_.id)
        await tx.save(round_)


# --- rounds ---

ROUNDS = [
    *(a_round(state) for state in State),
    a_round(unchanged=True, number=7),
    a_round(State.DECIDED, decision=a_decision(Approve("Mind the date."), via=Via.THREAD)),
    a_round(
        State.DECIDED, decision=a_decision(Approve("")), in_doubt_since=LATER, activity_before=4
    ),
    a_round(State.STUCK, decision=a_decision(Revise("«Шорт» 🎉\n\t\u202e"), by=BEN, via=Via.MODAL)),
    a_round(State.DECIDED, reason=NotReached("connection refused")),
    a_round(State.DECIDED, reason=AnswerLost("no answer in time")),
    *(
        a_round(State.RESUMED, reason=Answered("words", status), ended_at=LATER)
        for status in (None, *ResumeStatus)
    ),
    a_round(State.RESUMED, reason=Inferred(), ended_at=LATER),
    a_round(State.RESUMED, reason=Fetched(), ended_at=LATER),
    a_round(State.STUCK, reason=NotFetched()),
    a_round(State.STUCK, reason=RefusedByCrew("401", "Unauthorized")),
    a_round(State.STUCK, reason=NotCalled("unreadable", "no key")),
    a_round(State.STUCK, reason=RetriesExhausted("connection refused")),
    *(
        a_round(State.CLOSED, reason=reason, ended_at=LATER)
        for reason in (
            NeverSent(),
            Dismissed(Person("U0BEN", "Ben"), "started again"),
            Dismissed(Person("U0BEN", "Ben  de Boer "), "a\nb"),
            ExecutionEnded(),
            ExecutionFailed("out of tokens"),
            ExecutionFailed(),
            ExecutionFailed("out of tokens", while_waiting=True),
            ExecutionEnded(while_waiting=True),
            ExecutionGone(),
        )
    ),
    a_round(review=a_review(task_name="Draft", agent="Writer", expected_output="One page")),
]


@pytest.mark.parametrize("round_", ROUNDS)
async def test_a_round_comes_back_as_it_was(uow: UnitOfWork, round_: Round) -> None:
    await keep(uow, round_)
    assert await uow.read.round("r-1") == round_
    async with uow.begin() as tx:
        assert await tx.round("r-1") == round_
        review, latest = await tx.open_review(a_review(id="v-2"))
    assert (review, latest) == (round_.review, round_)


@pytest.mark.parametrize("round_", ROUNDS)
async def test_a_round_is_saved_whole(uow: UnitOfWork, round_: Round) -> None:
    first = await keep(uow, a_round(review=round_.review, number=round_.number))
    round_ = replace(round_, unchanged=first.unchanged)
    await save(uow, round_)
    assert await uow.read.round("r-1") == replace(round_, version=2)


async def test_what_somebody_else_saved_meanwhile_is_not_overwritten(uow: UnitOfWork) -> None:
    read = await keep(uow, a_round())
    await save(uow, read.decide(a_decision()).round)
    with pytest.raises(ChangedMeanwhile):
        await save(uow, read.decide(a_decision(by=BEN)).round)
    assert (await uow.read.round("r-1")).decision == a_decision()


async def test_a_round_under_a_rule_is_never_saved_without_it(uow: UnitOfWork) -> None:
    read = await keep(uow, a_round(rule=a_rule()))
    with pytest.raises(RuleLost):
        await save(uow, replace(read, rule=NO_RULE))
    assert await uow.read.round("r-1") == read
    await save(uow, replace(read, rule=a_rule(approvals=2)))
    assert (await uow.read.round("r-1")).rule.approvals == 2


async def test_a_transaction_that_raises_leaves_nothing(uow: UnitOfWork, woken: list[str]) -> None:
    async def half_a_notification() -> None:
        async with uow.begin() as tx:
            await tx.open_review(a_review())
            await tx.open_round(a_round(), an_output(), WebhookUrls())
            await tx.enqueue([an_effect()], at=NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await half_a_notification()
    with pytest.raises(RoundNotFound):
        await uow.read.round("r-1")
    assert woken == []


async def test_a_number_is_given_once(uow: UnitOfWork) -> None:
    await keep(uow, a_round())
    with pytest.raises(sa.exc.IntegrityError):
        await keep(uow, a_round(id="r-2"))


async def test_a_round_needs_its_review(uow: UnitOfWork) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        async with uow.begin() as tx:
            await tx.open_round(a_round(), an_output(), WebhookUrls())


async def test_what_does_not_exist_is_not_found(uow: UnitOfWork) -> None:
    for read in (uow.read.round, uow.read.posting):
        with pytest.raises(RoundNotFound):
            await read("r-1")
    async with uow.begin() as tx:
        with pytest.raises(RoundNotFound):
            await tx.round("r-1")
        assert await tx.executions.find("research", "e-1") is None
        assert await tx.unfinished("research", "e-1") == ()
    assert await uow.read.dead_letters.find("d-1") is None


# --- moments ---


@pytest.mark.parametrize(
    "moment",
    [
        NOW,
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2038, 1, 19, 3, 14, 8, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    ],
)
async def test_a_moment_keeps_its_microseconds(uow: UnitOfWork, moment: datetime) -> None:
    await keep(uow, a_round(opened_at=moment))
    opened_at = (await uow.read.round("r-1")).opened_at
    assert opened_at == moment
    assert opened_at.tzinfo is UTC


# --- outputs ---


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t ",
        "x" * 500_000,
        "<!channel> <@U1> &lt;b&gt; \\ ' \" % %s :name $1 \\N",
        "```python\nprint(1)\n```\n| a | b |\r\n",
        "مرحبا \u202eabc\u202c שלום",
        "👩\u200d👩\u200d👧 e\u0301 é ﷽ \U0010ffff \ufffe \ufeff",
        "\x01\x7f\x85\u2028",
        json.dumps({"a": [1, None, {"b": "ü"}]}, indent=2),
    ],
    ids=lambda text: repr(text[:10]),
)
async def test_an_output_comes_back_unchanged(uow: UnitOfWork, engines: Engines, text: str) -> None:
    await keep(uow, a_round(), Output(text, Format.JSON))
    assert (await uow.read.posting("r-1")).view.output == Output(text, Format.JSON)
    async with engines.read.connect() as connection:
        assert await connection.scalar(sa.select(outputs.c.text)) == text


async def test_an_output_that_was_rewritten_comes_back_with_its_original(
    uow: UnitOfWork,
) -> None:
    output = Output("Now.", rewritten=Rewritten("«Before» 🎉\n", ("Cite it.", "Be brief.")))
    await keep(uow, a_round(), output)
    assert (await uow.read.posting("r-1")).view.output == output


async def test_a_dead_letter_comes_back_byte_by_byte(uow: UnitOfWork) -> None:
    dead_letter = a_dead_letter(body=bytes(range(256)), reason="«?»")
    async with uow.begin() as tx:
        await tx.dead_letters.store(dead_letter)
    assert await uow.read.dead_letters.find("d-1") == dead_letter


# --- webhook URLs ---


@pytest.mark.parametrize(
    "urls",
    [
        webhook_urls("carried"),
        WebhookUrls(step="https://step.example.com"),
        WebhookUrls(
            human_input=HumanInputWebhook(
                "https://h.example.com", strategy="basic", username="bot", password="päss"
            )
        ),
        WebhookUrls(human_input=HumanInputWebhook("https://h.example.com")),
    ],
)
async def test_urls_come_back_with_their_credentials(uow: UnitOfWork, urls: WebhookUrls) -> None:
    round_ = await keep(uow, a_round(), carried=urls)
    assert await uow.read.webhooks(round_) == (WebhookUrls(), urls)


# --- cards and threads ---


async def test_the_thread_is_the_execution_s_and_the_card_the_round_s(uow: UnitOfWork) -> None:
    first = await keep(uow, a_round())
    await keep(uow, a_round(id="r-2", number=2))
    async with uow.begin() as tx:
        await tx.place_card(first, CARD, at=NOW, shown=100)
    posting = await uow.read.posting("r-1")
    assert (posting.card, posting.channel, posting.thread_ts) == (CARD, "C1", "1.0")
    posting = await uow.read.posting("r-2")
    assert (posting.card, posting.channel, posting.thread_ts) == (None, "C1", "1.0")
    async with uow.begin() as tx:
        await tx.executions.forget_thread("research", "e-1", "0.9")
    assert (await uow.read.posting("r-1")).thread_ts == "1.0", "another message began it since"
    async with uow.begin() as tx:
        await tx.executions.forget_thread("research", "e-1", "1.0")
    posting = await uow.read.posting("r-1")
    assert posting.card == MessageRef("C1", "2.0", "2.0")
    assert (posting.channel, posting.thread_ts) == (None, None)


async def test_the_round_right_before_and_the_last_one_that_was_decided(
    uow: UnitOfWork,
) -> None:
    decided = await keep(uow, a_round(State.RESUMED), Output("first"))
    undecided = await keep(uow, a_round(State.SUPERSEDED, id="r-2", number=2), Output("second"))
    await keep(uow, a_round(id="r-3", number=3))
    third = (await uow.read.posting("r-3")).view
    assert (third.previous, third.answers, third.before) == (undecided, decided, Output("second"))
    second = (await uow.read.posting("r-2")).view
    assert (second.previous, second.answers, second.before) == (decided, decided, Output("first"))
    first = (await uow.read.posting("r-1")).view
    assert (first.previous, first.answers, first.before) == (None, None, None)


async def test_an_earlier_round_knows_where_the_latest_card_is(uow: UnitOfWork) -> None:
    first = await keep(uow, a_round(State.RESUMED))
    await keep(uow, a_round(State.RESUMED, id="r-2", number=2))
    third = await keep(uow, a_round(id="r-3", number=3))
    async with uow.begin() as tx:
        await tx.place_card(first, CARD, at=NOW, shown=100)
    assert (await uow.read.posting("r-1")).view.newer is None
    async with uow.begin() as tx:
        await tx.place_card(third, MessageRef("C1", "3.0", "1.0"), at=NOW, shown=100)
    newer = NewerRound(third, MessageRef("C1", "3.0", "1.0"))
    assert (await uow.read.posting("r-1")).view.newer == newer
    assert (await uow.read.posting("r-2")).view.newer == newer
    assert (await uow.read.posting("r-3")).view.newer is None
    assert await uow.read.rounds.first_of_review(third.review.id) == "r-1"


@pytest.mark.parametrize("channel", [None, "C0LEGAL"])
async def test_a_call_knows_the_arguments_that_took_the_place_of_its_own(
    uow: UnitOfWork, channel: str | None
) -> None:
    """Unless they are of another channel, whose people others are."""
    call = ToolCall("buy")
    await keep(uow, a_round(State.SUPERSEDED, subject=call), Output("one"))
    rule = NO_RULE if channel is None else a_rule(channel=channel)
    second = a_round(State.RESUMED, id="r-2", number=2, subject=call, rule=rule)
    await keep(uow, second, Output("two"))
    assert (await uow.read.posting("r-1")).view.after is None
    async with uow.begin() as tx:
        await tx.place_card(second, MessageRef("C1", "3.0", "1.0"), at=NOW, shown=100)
    after = Output("two") if channel is None else None
    assert (await uow.read.posting("r-1")).view.after == after


async def test_where_people_were_told_in_private_is_kept(uow: UnitOfWork) -> None:
    round_ = await keep(uow, a_round())
    assert await uow.read.direct_messages("r-1") == {}
    async with uow.begin() as tx:
        await tx.place_direct_message(round_, "U0BEN", MessageRef("D2", "2.0", "2.0"))
        await tx.place_direct_message(round_, "U0ANA", MessageRef("D1", "1.0", "1.0"))
        await tx.place_direct_message(round_, "U0ANA", MessageRef("D1", "3.0", "3.0"))
    assert await uow.read.direct_messages("r-1") == {
        "U0ANA": MessageRef("D1", "1.0", "1.0"),
        "U0BEN": MessageRef("D2", "2.0", "2.0"),
    }


# --- lists ---


async def test_the_latest_rounds_of_an_execution_are_listed_oldest_first(
    uow: UnitOfWork,
) -> None:
    rounds = [
        await keep(uow, a_round(id=f"r-{n}", number=n, opened_at=NOW + n * SECOND))
        for n in range(1, 5)
    ]
    lines = await uow.read.rounds.of_execution("research", "e-1", limit=2)
    assert [line.round for line in lines] == rounds[2:]
    assert await uow.read.rounds.of_execution("other", "e-1", limit=2) == ()


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("", ["A", "Ab", "a", "a%b", "a_b", "ab", "ab\U0010fffe", "ä"]),
        ("a", ["a", "a%b", "a_b", "ab", "ab\U0010fffe"]),
        ("ab", ["ab", "ab\U0010fffe"]),
        ("a%", ["a%b"]),
        ("a_", ["a_b"]),
        ("A", ["A", "Ab"]),
        ("ä", ["ä"]),
        ("zz", []),
    ],
)
async def test_a_beginning_is_compared_byte_by_byte(
    uow: UnitOfWork, prefix: str, found: list[str]
) -> None:
    names = ["ab", "a", "A", "Ab", "a%b", "a_b", "ä", "ab\U0010fffe"]
    async with uow.begin() as tx:
        for name in names:
            await tx.executions.open("research", name, at=NOW)
    starting_with, theirs = uow.read.executions.starting_with, ["research"]
    like = await starting_with(prefix, crews=theirs, limit=20)
    assert [name for _, name in like] == found
    assert len(await starting_with(prefix, crews=theirs, limit=1)) == min(len(found), 1)
    assert await starting_with(prefix, crews=["other"], limit=20) == ()


async def test_a_living_database_answers(uow: UnitOfWork) -> None:
    await uow.read.ping()
