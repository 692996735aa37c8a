"""What Slack's listeners work with, in one frozen object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog

from bot.domain.errors import AlreadyDecided, CrewgateError, NotAReviewer
from bot.domain.notes import Draft
from bot.domain.review import Round
from bot.domain.verdict import Person, Verdict, Via
from bot.slack.client.directory import SlackDirectory
from bot.slack.errors import explain
from bot.usecases.decide import decide
from bot.usecases.notes import draft_for
from bot.usecases.ports.base import Clock, Crews
from bot.usecases.ports.store import UnitOfWork

log = structlog.get_logger(__name__)


Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackContext:
    """What the listeners work with; built once, by the app."""

    uow: UnitOfWork
    crews: Crews
    directory: SlackDirectory
    clock: Clock

    async def decide(self, round_id: str, verdict: Verdict, *, by: Person, via: Via) -> None:
        """Decide. Pressing twice is one decision. Raises as the use case does."""
        try:
            await decide(
                round_id,
                verdict,
                by=by,
                via=via,
                uow=self.uow,
                crews=self.crews,
                directory=self.directory,
                clock=self.clock,
            )
        except AlreadyDecided as error:
            if (error.decision.by.id, error.decision.verdict) != (by.id, verdict):
                raise
        except NotAReviewer:
            self.directory.call()
            raise
        log.info("decided", round=round_id, by=by.id, via=via, verdict=type(verdict).__name__)

    async def draft(self, round_: Round) -> Draft:
        """The feedback that was written in the thread."""
        return await draft_for(round_, uow=self.uow, crews=self.crews, directory=self.directory)

    def explain(self, error: CrewgateError) -> str:
        """Why nothing came of it."""
        log.info("not_decided", why=type(error).__name__)
        return explain(error, crews=self.crews, now=self.clock())
