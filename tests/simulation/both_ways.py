"""The reverse of some sentences: nobody is called for nothing, and no time is longer than set."""

from collections import Counter, defaultdict
from datetime import timedelta
from typing import Final

from crewgate.domain.effects import EffectKind
from crewgate.domain.review import Round, State
from crewgate.usecases.queries import queue
from crewgate.usecases.read_models import QueuePart
from tests.simulation.known import Known
from tests.simulation.oracle import ANNOUNCED, Check, require
from tests.simulation.people import CLAIMED
from tests.simulation.product import A_SECOND, HOUR, LEGAL, REVIEWERS

_A_DAY: Final = timedelta(hours=24)
_DONE: Final = (State.DECIDED, State.RESUMED, State.CLOSED)


async def nobody_is_called_about_what_is_over(of: Known) -> None:
    """Nobody was reminded of a round, or called to it, after it waited for the last time."""
    ends = {one.id: one.decision.at if one.decision else one.ended_at for one in of.known}
    for message in of.world.slack.messages:
        words = message.key.split()
        if words[0] in {"reminder", "escalated"}:
            end = ends.get(words[1])
            read = f"{message.key} was posted at {message.posted_at}, {words[1]} ended at {end}"
            # A press may come while the message is on its way.
            require(end is None or message.posted_at <= end + A_SECOND, "silent", read)


async def no_time_is_longer_than_its_rule_says(of: Known) -> None:
    """From now on, each step of a rule's time is due within the length that the rule sets.

    Working hours stretch a length over nights, so rules with them are left out; reminders, because
    many of them wait for an hour's mention, and rounds that the bot knows no card of yet. What is
    due while nobody can see the round, whose card was deleted, is put off by an hour.
    """
    now = of.world.clock()
    async with of.world.engines.for_outbox.read.connect() as connection:
        announced = {row.id for row in await connection.execute(ANNOUNCED)}
    waiting = {one.id: one for one in of.in_state(State.WAITING) if one.id in announced}
    deleted = {one.key.removeprefix("card ") for one in of.world.slack.messages if one.deleted}
    for row in await of.world.everything():
        round_ = waiting.get(row.subject)
        if round_ is not None and round_.rule.working_hours is None:
            length = _lengths(round_).get(row.kind)
            read = (
                f"{row.kind} of {round_.id} is due at {row.due_at}, and lasts {length} from {now}"
            )
            most = length and max(length, HOUR if round_.id in deleted else length)
            in_time = most is None or row.due_at <= now + most + A_SECOND
            require(in_time, "late", read)


def _lengths(round_: Round) -> dict[str, timedelta]:
    rule = round_.rule
    lengths = {EffectKind.EXPIRE_CLAIM.value: CLAIMED}
    if rule.escalate is not None:
        lengths[EffectKind.ESCALATE.value] = rule.escalate.after.length
    if rule.timeout is not None:
        lengths[EffectKind.TIME_OUT.value] = rule.timeout.after.length
    return lengths


async def home_has_its_other_parts(of: Known) -> None:
    """*Stuck* lists each stuck round, *decided* the rounds of the last day, each once."""
    since = of.world.clock() - _A_DAY
    mine = {one.id: one for one in of.known if one.review.crew != LEGAL}
    stuck = {key for key, one in mine.items() if one.state is State.STUCK}
    decided = {
        key
        for key, one in mine.items()
        if one.state in _DONE and one.decision is not None and one.decision.at > since
    }
    for by in REVIEWERS[:1]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        page = pages = 0
        while page < pages or not page:
            home = await queue(by.id, page=page, context=of.world.reviews)
            parts = {"stuck": home.stuck, "others": home.others, "decided": home.decided}
            for name, part in parts.items():
                found[name] += [line.round.id for line in part.lines]
            pages, page = home.pages, page + 1
        for name, part in parts.items():
            check_part(f"{name} of {by.id}", part, found[name])
        for name, expected in (("stuck", stuck), ("decided", decided)):
            listed = {key for key in found[name] if key in mine}
            missing = sorted(expected - listed)
            require(not missing, "home", f"Home of {by.id} lacks {missing} in {name}")
        wrong = [key for key in found["stuck"] if of.round(key).state is not State.STUCK]
        wrong += [key for key in found["others"] if of.round(key).state is not State.WAITING]
        wrong += [key for key in found["decided"] if of.round(key).state not in _DONE]
        require(not wrong, "home", f"Home of {by.id} lists {wrong} in a part that is not theirs")


def check_part(name: str, part: QueuePart, found: list[str]) -> None:
    twice = [key for key, many in Counter(found).items() if many > 1]
    require(not twice, "home", f"{name} in Home: {twice} more than once")
    require(part.total == len(found), "figures", f"{name} in Home: {part.total}, not {len(found)}")


BOTH_WAYS: Final[tuple[Check, ...]] = (
    nobody_is_called_about_what_is_over,
    no_time_is_longer_than_its_rule_says,
)
