"""Who may do what: the only place that asks.

`require` answers from memory, at once, and so may be called in a transaction. Everything else asks
Slack where memory does not tell, and must not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, TypeVar

from bot.domain.crew import Crew
from bot.domain.errors import (
    NotAnOperator,
    NotAReader,
    NotAReviewer,
    NotAStarter,
    NotPermitted,
    UnknownCrew,
)
from bot.domain.people import Anyone, Role
from bot.domain.review import Review, Round
from bot.usecases.ports.base import Crews
from bot.usecases.ports.slack import Directory
from bot.usecases.read_models import NO_RULE, QueueKey, StoredRule

T = TypeVar("T")

Subject = str | Review | Round | StoredRule
"""What it is about: a crew, by name, or one of its reviews, by the crew's own settings; a round, or
the rounds under a rule, by that rule.
"""

_REFUSALS: Final[Mapping[Role, type[NotPermitted]]] = {
    Role.REVIEWER: NotAReviewer,
    Role.STARTER: NotAStarter,
    Role.OPERATOR: NotAnOperator,
    Role.READER: NotAReader,
}


def require(user: str, role: Role, subject: Subject, *, crews: Crews, directory: Directory) -> None:
    """Raises what `_REFUSALS` says, or UnknownCrew when the settings name no such crew.

    Where anyone in the channel has the role, only membership of the crew's channel counts, wherever
    the person clicked: in a public channel people click who are not in it. Guests and people of
    other organisations must be named, save to read what they see in the channel anyway.
    """
    crew = crew_for(subject, crews)
    permitted = crew.permitted(role)
    members = directory.members(permitted)
    if user in members.users:
        return
    channel = crew.channel if Anyone() in permitted else None
    is_in = _is_in(user, channel, role, directory)
    if not is_in:
        uncertain = bool(members.unresolved) or is_in is None
        raise _REFUSALS[role](crew.name, permitted, uncertain=uncertain, channel=channel)


def crew_for(subject: Subject, crews: Crews) -> Crew:
    """The crew as it is for a subject: where, for whom and how. Raises UnknownCrew."""
    match subject:
        case str():
            return _named(subject, crews)
        case Review(crew=name):
            return _named(name, crews)
        case Round(review=review, rule=rule):
            return _named(review.crew, crews).under(
                rule, escalated=subject.escalated_at is not None
            )
        case StoredRule(crew=name, rule=rule):  # pragma: no branch  # there is no fifth
            return _named(name, crews).under(rule, escalated=subject.escalated)


def _named(name: str, crews: Crews) -> Crew:
    crew = crews.get(name)
    if crew is None:
        raise UnknownCrew(name)
    return crew


def _is_in(user: str, channel: str | None, role: Role, directory: Directory) -> bool | None:
    if channel is None:
        return False
    return directory.is_in(user, channel, guests=role is Role.READER)


async def permitting(
    user: str,
    role: Role,
    work: Callable[[], Awaitable[T]],
    *,
    directory: Directory,
    recheck: bool = True,
) -> T:
    """Do work that requires the role; where it is refused, ask Slack and do it once more.

    With `recheck` a refusal is doubted even if memory is certain: somebody may have joined the
    channel just now. Work must undo what it did when it raises, as a transaction does. Raises what
    it raises.
    """
    try:
        return await work()
    except NotPermitted as refused:
        if recheck and refused.uncertain and await directory.resolve(refused.permitted):
            return await work()
        if refused.channel is None or not (recheck or refused.uncertain):
            raise
        if not await directory.look_up(user, refused.channel, guests=role is Role.READER):
            raise
    return await work()


async def ensure(
    user: str,
    role: Role,
    subject: Subject,
    *,
    crews: Crews,
    directory: Directory,
    recheck: bool = True,
) -> None:
    """`require`, with Slack asked where that refuses."""

    async def work() -> None:
        require(user, role, subject, crews=crews, directory=directory)

    await permitting(user, role, work, directory=directory, recheck=recheck)


async def may(
    user: str,
    role: Role,
    subject: Subject,
    *,
    crews: Crews,
    directory: Directory,
    recheck: bool = False,
) -> bool:
    """Whether this person has the role; `recheck` as in `permitting`.

    Nobody has a role for a crew that the settings do not name, or that Slack does not tell about.
    """
    try:
        await ensure(user, role, subject, crews=crews, directory=directory, recheck=recheck)
    except (NotPermitted, UnknownCrew):
        return False
    return True


async def crews_of(
    user: str, role: Role, *, crews: Crews, directory: Directory, recheck: bool = False
) -> tuple[str, ...]:
    """The crews for which this person has the role; `recheck` as in `permitting`."""
    names = tuple(crews)
    answers = await asyncio.gather(
        *(
            may(user, role, name, crews=crews, directory=directory, recheck=recheck)
            for name in names
        )
    )
    return tuple(name for name, answer in zip(names, answers, strict=True) if answer)


async def queues_of(
    user: str,
    role: Role,
    rules: Iterable[StoredRule],
    *,
    crews: Crews,
    directory: Directory,
    recheck: bool = False,
) -> tuple[QueueKey, ...]:
    """Of which crews and rules this person has the role for the rounds; `recheck` as above.

    `rules` are those that were ever applied. Slack is asked once where they permit the same people.
    """
    subjects: dict[QueueKey, Subject] = {(name, NO_RULE): name for name in crews}
    subjects |= {rule.key: rule for rule in rules if rule.crew in crews}
    same: dict[tuple[object, ...], list[QueueKey]] = {}
    for key, subject in subjects.items():
        crew = crew_for(subject, crews)
        permitted = crew.permitted(role)
        channel = crew.channel if Anyone() in permitted else None
        same.setdefault((permitted, channel), []).append(key)
    answers = await asyncio.gather(
        *(
            may(user, role, subjects[keys[0]], crews=crews, directory=directory, recheck=recheck)
            for keys in same.values()
        )
    )
    allowed = {
        key for keys, answer in zip(same.values(), answers, strict=True) if answer for key in keys
    }
    return tuple(key for key in subjects if key in allowed)
