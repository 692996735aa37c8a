"""People see masked texts and crews get whole ones; a look behind a mask is on record."""

from dataclasses import replace

import pytest

from crewgate.domain.audit import Code, digest_of
from crewgate.domain.caveats import HastyReading, Seen, Unseen
from crewgate.domain.effects import EffectKind
from crewgate.domain.errors import ConfirmationNeeded, NotAReviewer
from crewgate.domain.execution import CrewUpdate, TaskUpdate
from crewgate.domain.masking import FINDERS, Kind, Masking
from crewgate.domain.notification import Output, Rewritten
from crewgate.domain.rules.rule import Rule
from crewgate.domain.verdict import Decision, Revise, Vote
from crewgate.store.engine import Engines
from crewgate.usecases.caveats import caveats_for, record_unmasked, unmask
from crewgate.usecases.queries import execution as status_of
from crewgate.usecases.read_models import CrewStatus, Progress
from crewgate.usecases.stats import decisions
from tests.builders import ANA, BEN, EVE, a_crew, a_rule, a_uow
from tests.databases import both
from tests.usecases.world import World

MASKING = Masking(tuple(FINDERS), tuple(FINDERS.values()))
MAIL = "alice@example.com"
TEXT = f"Write to {MAIL} or bob@x.de."
SHOWN = "Write to [e-mail address] or [e-mail address]."


@pytest.fixture
def world(engines: Engines) -> World:
    crews = {"research": a_crew(redact=MASKING)}
    return World(engines, a_uow(engines, masking={"research": MASKING}), crews=crews)


@both
async def test_an_entry_tells_how_much_was_masked_when_somebody_decided(world: World) -> None:
    received = await world.notify(TEXT)
    await world.settle_slack()
    waiting = await world.round(received.round.id)
    assert waiting.masked == 2
    [shown] = await world.entries(Code.SHOWN)
    assert shown["data"]["masked"] == 2
    assert shown["data"]["output"] == digest_of(SHOWN, waiting.salt)
    [opened] = await world.entries(Code.OPENED)
    assert opened["data"]["output"] == digest_of(TEXT, waiting.salt)
    await world.decide(waiting.id, Revise("Shorter."))
    [decided] = await world.entries(Code.DECIDED)
    assert decided["data"]["masked"] == 2


async def test_the_text_before_it_was_rewritten_and_the_lessons_are_masked(world: World) -> None:
    rewritten = Rewritten(f"Before: {TEXT}", (f"Not to {MAIL}.",))
    asked = await world.ask(output=Output(TEXT, rewritten=rewritten))
    shown = Rewritten(f"Before: {SHOWN}", ("Not to [e-mail address].",))
    output = (await world.uow.read.posting(asked.round.id)).view.output
    assert output == Output(SHOWN, rewritten=shown)


async def test_where_nothing_is_masked_entries_do_not_speak_of_it(world: World) -> None:
    received = await world.notify("Tea.")
    await world.settle_slack()
    await world.decide(received.round.id)
    for code in (Code.SHOWN, Code.DECIDED):
        [entry] = await world.entries(code)
        assert "masked" not in entry["data"]


@both
async def test_those_who_may_decide_are_shown_it_and_that_is_on_record(world: World) -> None:
    round_id = (await world.notify(TEXT)).round.id
    with pytest.raises(NotAReviewer):
        await unmask(round_id, by=EVE, context=world.reviews)
    assert not await world.entries(Code.UNMASKED)
    await unmask(round_id, by=BEN, context=world.reviews)
    [entry] = await world.entries(Code.UNMASKED)
    assert (entry["actor"], entry["data"]["round"]) == (BEN.id, round_id)
    read = world.uow.read
    assert (await read.posting(round_id, as_it_came=True)).view.output.text == TEXT
    view = (await read.posting(round_id)).view
    assert (view.output.text, view.masked) == (SHOWN, ((Kind.EMAIL, 2),))


@pytest.mark.parametrize("asks", [True, False])
async def test_masks_are_asked_about_until_somebody_is_shown_them(
    world: World, *, asks: bool
) -> None:
    rule = Rule(name="draft", ask_about_masks=asks)
    world.crews["research"] = a_crew(redact=MASKING, rules=(rule,))
    waiting = (await world.notify(TEXT)).round
    await world.settle_slack()
    if asks:
        with pytest.raises(ConfirmationNeeded) as asked:
            await world.decide(waiting.id)
        assert asked.value.caveats.unseen == {Unseen.MASKS}
    await record_unmasked(waiting.id, by=BEN, context=world.reviews)
    seen = (await caveats_for(waiting.id, by=ANA, context=world.reviews)).seen
    assert seen.unseen == ({Unseen.MASKS} if asks else set())
    await world.decide(waiting.id, seen=seen)
    [decided] = await world.entries(Code.DECIDED)
    assert decided["data"]["shown"] == 99


@both
@pytest.mark.parametrize("approvals", [1, 2])
async def test_a_decision_tells_of_masks_left_unseen_and_of_haste(
    world: World, approvals: int
) -> None:
    world.crews["research"] = a_crew(redact=MASKING, rules=(a_rule(approvals=approvals),))
    waiting = (await world.notify(TEXT)).round
    for by in (ANA, BEN)[:approvals]:
        beside = Seen(turned=HastyReading(1, 2))
        found = await caveats_for(waiting.id, by=by, context=world.reviews, seen=beside)
        await world.decide(waiting.id, by=by, seen=found.seen)
    decision = (await world.round(waiting.id)).decision
    assert decision is not None
    assert len(decision.votes) == (0 if approvals == 1 else 2)
    votes: list[Decision | Vote] = [decision, *decision.votes]
    for vote in votes:
        assert (vote.masks_unseen, vote.looked_seconds) == (True, 2)


@both
async def test_what_is_masked_is_asked_about_before_its_card_tells_of_it(world: World) -> None:
    waiting = (await world.notify(TEXT)).round
    with pytest.raises(ConfirmationNeeded) as asked:
        await world.decide(waiting.id)
    assert asked.value.caveats.unseen == {Unseen.MASKS}
    await unmask(waiting.id, by=ANA, context=world.reviews)
    with pytest.raises(ConfirmationNeeded):
        await world.decide(waiting.id)  # not all of its pages were shown
    await record_unmasked(waiting.id, by=ANA, context=world.reviews)
    await world.decide(waiting.id)
    world.crews["research"] = a_crew()
    plain = (await world.notify("Tea.", task_id="plain")).round
    await world.decide(plain.id)


@both
async def test_who_was_shown_masks_approves_at_once(world: World) -> None:
    waiting = (await world.notify(TEXT)).round
    await world.settle_slack()
    for _ in range(2):
        await record_unmasked(waiting.id, by=ANA, context=world.reviews)
    await world.decide(waiting.id, by=ANA)
    [decided] = await world.entries(Code.DECIDED)
    assert decided["data"]["shown"] == 100


async def test_what_changed_may_be_masked(world: World) -> None:
    rounds = [
        (await world.notify(text)).round for text in (TEXT, TEXT.replace("bob", "eve"), "Tea.")
    ]
    views = [(await world.uow.read.posting(one.id)).view for one in rounds]
    assert [one.may_hide_changes for one in views] == [False, True, False]


@both
async def test_lists_mask_before_they_cut(world: World) -> None:
    for execution, end in (("e-1", "x" * 2_000), ("e-2", ".")):
        await world.notify("a" * 1_990 + f" {MAIL}" + end, execution_id=execution, task_name=MAIL)
    [cut, whole] = [
        (await world.uow.read.rounds.of_execution("research", execution, limit=5))[0]
        for execution in ("e-1", "e-2")
    ]
    assert cut.excerpt == "a" * 1_000
    assert cut.characters == 1_990 + 1 + len(MAIL) + 2_000
    assert cut.round.review.task_name == "[e-mail address]"
    short = await world.notify(TEXT, execution_id="e-3")
    [line] = await world.uow.read.rounds.lines([short.round.id])
    assert (line.excerpt, line.characters) == (SHOWN, len(SHOWN))
    [line] = await world.uow.read.rounds.history(short.round.review.id, limit=5)
    assert line.excerpt == SHOWN
    assert MAIL not in str(whole)


@both
async def test_what_was_masked_stays_masked_in_a_text_that_somebody_edited(world: World) -> None:
    card = "4111 1111 1111 1111"
    first = (await world.notify(f"Card {card}.")).round
    await world.decide(first.id, Revise(f"Write Card 9{card}."))
    second = (await world.notify(f"Card 9{card}.")).round
    read = world.uow.read
    told = [str((await read.posting(one.id)).view) for one in (first, second)]
    told.append(str(await read.rounds.lines([first.id, second.id])))
    told.append(str(await read.rounds.history(first.review.id, limit=5)))
    assert not [one for one in told if card in one]
    posting = await read.posting(second.id, as_it_came=True)
    assert posting.view.output.text == f"Card 9{card}."
    assert posting.masking.numbered(posting.view.output.text)[0] == "Card 9[card number 1]."
    await world.record(TaskUpdate(title="Pay", summary=f"Paid 9{card}."))
    await world.record(CrewUpdate(result=Output(f"Paid 9{card}.")))
    shown = str(await read.executions.posting("research", "e-1"))
    world.crew.says = Progress(
        status=CrewStatus.COMPLETED, word="done", result=Output(f"Paid 9{card}.")
    )
    clients = world.context.clients
    shown += str(await status_of("e-1", by=ANA.id, context=world.reviews, clients=clients))
    assert "Paid 9[card number]." in shown
    assert card not in shown


@both
async def test_what_an_execution_tells_is_masked(world: World) -> None:
    await world.start()
    await world.record(TaskUpdate(title=f"Ask {MAIL}", summary=TEXT))
    await world.record(CrewUpdate(result=Output(TEXT)))
    posting = await world.uow.read.executions.posting("research", "e-1")
    assert posting is not None
    assert posting.execution.result == Output(SHOWN)
    assert posting.finished == (TaskUpdate(title="Ask [e-mail address]", summary=SHOWN),)
    world.crew.says = Progress(
        status=CrewStatus.FAILED, word="failed", error=f"No {MAIL}.", result=Output(TEXT)
    )
    found = await status_of("e-1", by=ANA.id, context=world.reviews, clients=world.context.clients)
    assert MAIL not in str(found)
    assert found.execution.execution_id == "e-1"


@pytest.mark.parametrize(("result", "told"), [(TEXT, True), (TEXT.replace("bob", "eve"), False)])
async def test_a_result_that_differs_where_it_is_masked_is_not_the_approved_one(
    world: World, result: str, told: bool
) -> None:
    received = await world.notify(TEXT, task_name=f"Write to {MAIL}")
    await world.settle_slack()
    await world.decide(received.round.id, seen=Seen(unseen=frozenset(Unseen)))
    await world.record(CrewUpdate(result=Output(result)))
    await world.settle_slack()
    [posting] = [one.posting for one in world.slack.said if one.what is EffectKind.POST_RESULT]
    assert (posting.approved is not None) is told
    assert MAIL not in str(posting)


async def test_a_webhook_nobody_understood_is_masked_in_its_report(world: World) -> None:
    letter = await world.store_dead_letter(f'{{"to": "{MAIL}"}} \xff'.encode("latin-1"))
    found = await world.uow.read.dead_letters.find(letter)
    assert found is not None
    assert found.body == b'{"to": "[e-mail address]"} \xff'
    [first] = await world.uow.read.dead_letters.report(found)
    assert first == replace(found, count=1)


async def test_names_of_tasks_are_masked_in_what_the_stats_are_made_of(world: World) -> None:
    received = await world.notify(TEXT, task_id=f"Write to {MAIL}")
    await world.decide(received.round.id, seen=Seen(unseen=frozenset(Unseen)))
    found = decisions(ANA.id, crew="research", days=7, context=world.reviews)
    assert [one.task async for one in found] == ["Write to [e-mail address]"]


@both
async def test_lists_mask_what_cards_mask_however_many_earlier_outputs_there_are(
    world: World,
) -> None:
    first, later = "Charge 4111 1111 1111 1111.", "Charge 4111 1111 1111 11115 ({number})."
    newest = []
    for execution in (f"e-{number}" for number in range(20)):
        round_ = (await world.notify(first, execution_id=execution)).round
        for number in (2, 3):
            await world.decide(round_.id, Revise("Again."))
            world.crew.pause(execution=execution)
            await world.turn("crew:research")
            text = later.format(number=number)
            round_ = (await world.notify(text, execution_id=execution)).round
        newest.append(round_)

    read = world.uow.read
    for one in newest:
        assert "4111" not in (await read.posting(one.id)).view.output.text
    lines = await read.rounds.lines([one.id for one in newest])
    assert not [line.excerpt for line in lines if "4111" in line.excerpt]
    keys = [("research", one.review.execution_id) for one in newest]
    texts = await read.executions.revised(keys)
    assert [len(texts[key]) for key in keys] == [3] * 20
