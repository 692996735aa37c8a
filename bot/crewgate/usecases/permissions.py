"""Permissions: the only place that decides who may do what.

`require` answers from memory, at once, and so may be called in a transaction. Everything else asks
Slack where memory does not tell, and must not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import chain
from typing import Final, TypeVar

from crewgate.domain.crew import Crew
from crewgate.domain.errors import (
    NotAnOperator,
    NotAReader,
    NotAReviewer,
    NotAStarter,
    NotPermitted,
    UnknownCrew,
)
from crewgate.domain.people import Anyone, Role
from crewgate.domain.review import Review, Round
from crewgate.usecases.ports.base import Crews
from crewgate.usecases.ports.slack import Directory
from crewgate.usecases.read_models import NO_RULE, QueueKey, StoredRule

T = TypeVar("T")
K = TypeVar("K")

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
    other organisations must be named, except to read what they see in the channel anyway.
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
        if not await _learn(user, role, [refused], directory=directory, recheck=recheck):
            raise
    return await work()


async def _learn(
    user: str,
    role: Role,
    refusals: Iterable[NotPermitted],
    *,
    directory: Directory,
    recheck: bool,
) -> bool:
    """Ask Slack once about all that may have refused a person wrongly; False: nothing was learnt.

    `recheck` as in `permitting`.
    """
    doubtful = [one for one in refusals if recheck or one.uncertain]
    channels = dict.fromkeys(one.channel for one in doubtful if one.channel is not None)
    guests = role is Role.READER
    asked = [directory.look_up(user, channel, guests=guests) for channel in channels]
    if recheck:
        named = chain.from_iterable(one.permitted for one in doubtful if one.uncertain)
        asked.append(directory.resolve(directory.members(tuple(dict.fromkeys(named))).unresolved))
    return any(await asyncio.gather(*asked))


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
    """Return True if this person has the role; `recheck` as in `permitting`.

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
    names = {name: name for name in crews}
    return await _those(user, role, names, crews=crews, directory=directory, recheck=recheck)


async def queues_of(
    user: str,
    role: Role,
    rules: Iterable[StoredRule],
    *,
    crews: Crews,
    directory: Directory,
    recheck: bool = False,
) -> tuple[QueueKey, ...]:
    """The crews and rules for whose rounds this person has the role; `recheck` as above.

    `rules` are those that were ever applied.
    """
    subjects: dict[QueueKey, Subject] = {(name, NO_RULE): name for name in crews}
    subjects |= {rule.key: rule for rule in rules if rule.crew in crews}
    same: dict[tuple[object, ...], list[QueueKey]] = {}
    for key, subject in subjects.items():
        crew = crew_for(subject, crews)
        permitted = crew.permitted(role)
        channel = crew.channel if Anyone() in permitted else None
        same.setdefault((permitted, channel), []).append(key)
    first = {keys[0]: subjects[keys[0]] for keys in same.values()}
    found = await _those(user, role, first, crews=crews, directory=directory, recheck=recheck)
    allowed = {key for keys in same.values() if keys[0] in found for key in keys}
    return tuple(key for key in subjects if key in allowed)


async def _those(
    user: str,
    role: Role,
    subjects: Mapping[K, Subject],
    *,
    crews: Crews,
    directory: Directory,
    recheck: bool,
) -> tuple[K, ...]:
    """The keys of those subjects for which a person has the role; Slack is asked once for all."""

    def refusals() -> dict[K, NotPermitted]:
        found = {}
        for key, subject in subjects.items():
            try:
                require(user, role, subject, crews=crews, directory=directory)
            except NotPermitted as refused:
                found[key] = refused
        return found

    refused = refusals()
    if await _learn(user, role, refused.values(), directory=directory, recheck=recheck):
        refused = refusals()
    return tuple(key for key in subjects if key not in refused)
